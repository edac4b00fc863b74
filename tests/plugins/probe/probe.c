/* SPDX-License-Identifier: Apache-2.0
 *
 * The probe: a plugin for tests of the engine. It exercises every input type, every effect class and every
 * fault a plugin can have, on demand. See tests/plugins/README.md for the list with its inputs.
 */
#include "probe.h"

static const char *const colours[] = {"red", "green", "blue", NULL};
static const char *const streams[] = {"log", "stdout", "stderr", NULL};
static const char *const classes[] = {
#define X(id, number, word, retry, meaning) word,
    LEVADA_CLASSES(X)
#undef X
    NULL};

static const struct levada_field place_fields[] = {
    LEVADA_IN(struct place_in, name, "What the place is called.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct place_in, floor, "Which floor.", .fallback = "1"),
};

static const struct levada_field echo_inputs[] = {
    LEVADA_IN(struct echo_in, text, "Any text."),
    LEVADA_IN(struct echo_in, flag, "Yes or no.", .fallback = "true"),
    LEVADA_IN(struct echo_in, count, "A whole number.", .fallback = "7"),
    LEVADA_IN(struct echo_in, ratio, "A number.", .fallback = "0.5"),
    LEVADA_IN(struct echo_in, wait, "A length of time.", .fallback = "1h30m"),
    LEVADA_IN(struct echo_in, amount, "A number of bytes.", .fallback = "10KiB"),
    LEVADA_IN(struct echo_in, at, "A moment.", .fallback = "2026-01-02T03:04:05Z"),
    LEVADA_IN(struct echo_in, link, "A URI.", .fallback = "https://example.org/"),
    LEVADA_IN(struct echo_in, file, "A path."),
    LEVADA_IN(struct echo_in, query, "A query."),
    LEVADA_IN(struct echo_in, key, "A secret; only its size comes back."),
    LEVADA_IN(struct echo_in, document, "Any value."),
    LEVADA_IN(struct echo_in, words, "A list of texts."),
    LEVADA_IN(struct echo_in, labels, "Names and texts."),
    LEVADA_NESTED(struct echo_in, place, place_fields, struct place_in, "One place."),
    LEVADA_NESTED(struct echo_in, places, place_fields, struct place_in, "Several places."),
    LEVADA_IN(struct echo_in, colour, "One of three.", .choices = colours, .fallback = "red"),
    LEVADA_IN(struct echo_in, bounded, "Between 1 and 10.", .minimum = "1", .maximum = "10", .fallback = "5"),
};

static const struct levada_field echo_outputs[] = {
    LEVADA_OUT(given, LIST, "The names of the inputs that were given, in the order of the table."),
    LEVADA_OUT(text, STRING, "As given."),
    LEVADA_OUT(flag, BOOL, "As given."),
    LEVADA_OUT(count, INT, "As given."),
    LEVADA_OUT(ratio, REAL, "As given."),
    LEVADA_OUT(wait, DURATION, "As given, written in milliseconds."),
    LEVADA_OUT(wait_ms, INT, "The same in milliseconds."),
    LEVADA_OUT(amount, SIZE, "As given, in bytes."),
    LEVADA_OUT(at_ms, INT, "As given, in milliseconds since 1970."),
    LEVADA_OUT(link, URI, "As given."),
    LEVADA_OUT(file, PATH, "As resolved by the host; not set when not given."),
    LEVADA_OUT(query, STRING, "The SQL with `?1`, `?2` where parameters go."),
    LEVADA_OUT(query_params, JSON, "The values of the parameters, as a list."),
    LEVADA_OUT(key_size, INT, "Bytes of the secret."),
    LEVADA_OUT(document, JSON, "As given."),
    LEVADA_OUT(words, LIST, "As given."),
    LEVADA_OUT(labels, MAP, "As given."),
    LEVADA_OUT(place, JSON, "As given, or null."),
    LEVADA_OUT(places, JSON, "As given."),
    LEVADA_OUT(colour, STRING, "As given."),
    LEVADA_OUT(bounded, INT, "As given."),
};

static const struct levada_field big_inputs[] = {
    LEVADA_IN(struct big_in, amount, "How many bytes of text to give back.", .fallback = "100KiB"),
};

static const struct levada_field big_outputs[] = {
    LEVADA_OUT(text, STRING, "That many bytes: `0123456789` again and again."),
    LEVADA_OUT(amount, SIZE, "How many."),
};

static const struct levada_field key_inputs[] = {
    LEVADA_IN(struct key_in, key, "The secret."),
    LEVADA_IN(struct key_in, name, "A secret to ask the host for by name."),
    LEVADA_IN(struct key_in, reveal, "Write it into log, progress, standard output, an output and an error: a "
              "careless plugin.", .fallback = "false"),
    LEVADA_IN(struct key_in, give_back, "Give it back as the output `copy`.", .fallback = "false"),
};

static const struct levada_field key_outputs[] = {
    LEVADA_OUT(amount, INT, "Bytes of the secret."),
    LEVADA_OUT(copy, STRING, "The secret again, if asked for.", .flags = LEVADA_SENSITIVE),
    LEVADA_OUT(careless, STRING, "A text with the secret in it, if `reveal`."),
};

static const struct levada_field answer_inputs[] = {
    LEVADA_IN(struct answer_in, name, "The output to set; need not be in the table.", .fallback = "answer"),
    LEVADA_IN(struct answer_in, document, "Its value.", .fallback = "42"),
};

static const struct levada_field answer_outputs[] = {
    LEVADA_OUT(answer, JSON, "The value."),
    LEVADA_OUT(number, INT, "The value as an integer, if asked for by this name."),
    LEVADA_OUT(refused, BOOL, "The host refused to take it."),
};

static const struct levada_field surroundings_outputs[] = {
    LEVADA_OUT(run, STRING, "step->run_id."),
    LEVADA_OUT(step, STRING, "step->step_id."),
    LEVADA_OUT(item, STRING, "step->item."),
    LEVADA_OUT(token, STRING, "step->token."),
    LEVADA_OUT(folder, PATH, "step->folder."),
    LEVADA_OUT(artifacts, PATH, "step->artifacts."),
    LEVADA_OUT(scratch, PATH, "step->scratch."),
    LEVADA_OUT(fence, INT, "step->fence."),
    LEVADA_OUT(attempt, INT, "step->attempt."),
    LEVADA_OUT(pid, INT, "The worker's process id."),
    LEVADA_OUT(parent, INT, "Its parent's."),
    LEVADA_OUT(session, INT, "Its session's."),
    LEVADA_OUT(descriptors, LIST, "What the descriptors from 3 up point at."),
    LEVADA_OUT(attempts_in_process, INT, "How many times this action ran in this process."),
};

static const struct levada_field effect_inputs[] = {
    LEVADA_IN(struct effect_in, ledger, "The file to append `TOKEN ATTEMPT` to.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct effect_in, wait_before, "Sleep before the effect.", .fallback = "0s"),
    LEVADA_IN(struct effect_in, wait_after, "Sleep after the effect.", .fallback = "0s"),
    LEVADA_IN(struct effect_in, crash_before, "Die of this signal before the effect.", .fallback = "0"),
    LEVADA_IN(struct effect_in, crash_after, "Die of this signal after the effect.", .fallback = "0"),
    LEVADA_IN(struct effect_in, fail_before, "Fail with this class before the effect.", .choices = classes),
    LEVADA_IN(struct effect_in, fail_after, "Fail with this class after the effect.", .choices = classes),
    LEVADA_IN(struct effect_in, fault_attempts, "Faults happen up to this attempt.", .fallback = "1000000"),
};

static const struct levada_field effect_outputs[] = {
    LEVADA_OUT(written, BOOL, "Did this attempt append its line?"),
    LEVADA_OUT(lines, INT, "Lines of this token in the ledger."),
};

static const struct levada_field parts_inputs[] = {
    LEVADA_IN(struct parts_in, ledger, "The file to append `TOKEN ATTEMPT PART` to.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct parts_in, parts, "How many parts.", .fallback = "3", .minimum = "1"),
    LEVADA_IN(struct parts_in, wait, "Sleep after each part.", .fallback = "0s"),
    LEVADA_IN(struct parts_in, crash_in, "Die after this part and its checkpoint.", .fallback = "0"),
    LEVADA_IN(struct parts_in, crash, "Of this signal.", .fallback = "9"),
    LEVADA_IN(struct parts_in, fault_attempts, "Faults happen up to this attempt.", .fallback = "1000000"),
};

static const struct levada_field parts_outputs[] = {
    LEVADA_OUT(started_from, INT, "The first part that this attempt did."),
    LEVADA_OUT(parts, INT, "How many parts there are."),
};

static const struct levada_field pause_inputs[] = {
    LEVADA_IN(struct pause_in, wait, "How long.", .fallback = "1s"),
    LEVADA_IN(struct pause_in, deaf, "Ignore the request to end, and TERM: a hang.", .fallback = "false"),
};

static const struct levada_field crash_inputs[] = {
    LEVADA_IN(struct crash_in, signal, "The signal's number.", .fallback = "11", .minimum = "1", .maximum = "31"),
    LEVADA_IN(struct crash_in, fault_attempts, "Crash up to this attempt.", .fallback = "1000000"),
};

static const struct levada_field leave_inputs[] = {
    LEVADA_IN(struct leave_in, code, "The exit code.", .fallback = "0", .minimum = "0", .maximum = "255"),
};

static const struct levada_field flood_inputs[] = {
    LEVADA_IN(struct flood_in, lines, "How many lines.", .fallback = "10000"),
    LEVADA_IN(struct flood_in, line_size, "Bytes a line.", .fallback = "100", .maximum = "1MiB"),
    LEVADA_IN(struct flood_in, text, "The text of each line, repeated to its size.", .fallback = "flood "),
    LEVADA_IN(struct flood_in, stream, "Where to.", .choices = streams, .fallback = "log"),
};

static const struct levada_field memory_inputs[] = {
    LEVADA_IN(struct memory_in, amount, "How much to allocate and touch.", .fallback = "64MiB"),
    LEVADA_IN(struct memory_in, wait, "Then sleep.", .fallback = "0s"),
};

static const struct levada_field children_inputs[] = {
    LEVADA_IN(struct children_in, count, "How many.", .fallback = "1", .minimum = "1", .maximum = "64"),
    LEVADA_IN(struct children_in, wait, "How long each sleeps.", .fallback = "1h"),
    LEVADA_IN(struct children_in, own_session, "Each leaves for a session of its own.", .fallback = "true"),
};

static const struct levada_field children_outputs[] = {
    LEVADA_OUT(pids, LIST, "Process ids of what was left behind."),
};

static const struct levada_field fail_inputs[] = {
    LEVADA_IN(struct fail_in, fault, "The error class.", .choices = classes, .fallback = "permanent"),
    LEVADA_IN(struct fail_in, message, "The message.", .fallback = "the probe was told to fail"),
    LEVADA_IN(struct fail_in, hint, "What to do next."),
    LEVADA_IN(struct fail_in, fault_attempts, "Fail up to this attempt.", .fallback = "1000000"),
    LEVADA_IN(struct fail_in, bare, "Return this number without saying why, instead.", .fallback = "0"),
};

static const struct levada_field progress_inputs[] = {
    LEVADA_IN(struct progress_in, total, "How many steps.", .fallback = "10", .minimum = "1"),
    LEVADA_IN(struct progress_in, wait, "Sleep after each.", .fallback = "0s"),
    LEVADA_IN(struct progress_in, what, "The noun.", .fallback = "rows"),
};

/* An action without inputs or outputs: the macros count tables, so these rows are written out. */
static const struct levada_action actions[] = {
    LEVADA_ACTION(echo, PURE, struct echo_in, echo_inputs, echo_outputs, "Give every input back.",
                  .run = echo_run),
    LEVADA_ACTION(big, PURE, struct big_in, big_inputs, big_outputs, "Give a large output.", .run = big_run),
    LEVADA_ACTION(key, READ, struct key_in, key_inputs, key_outputs, "Use a secret.", .run = key_run),
    LEVADA_ACTION(answer, PURE, struct answer_in, answer_inputs, answer_outputs,
                  "Set an output, named in the table or not.", .run = answer_run),
    {.name = "surroundings", .doc = "Say where and as what this attempt runs.", .effect = LEVADA_EFFECT_READ,
     .outputs = surroundings_outputs, .noutputs = LEVADA_COUNT(surroundings_outputs), .run = surroundings_run},
    {.name = "nothing", .doc = "Do nothing.", .effect = LEVADA_EFFECT_PURE, .run = effect_nothing_run},
    LEVADA_ACTION(pure, PURE, struct effect_in, effect_inputs, effect_outputs,
                  "Append to the ledger and call it pure.", .run = effect_run),
    LEVADA_ACTION(read, READ, struct effect_in, effect_inputs, effect_outputs,
                  "Append to the ledger and call it read.", .run = effect_run),
    LEVADA_ACTION(idempotent, IDEMPOTENT, struct effect_in, effect_inputs, effect_outputs,
                  "Append to the ledger and call it idempotent.", .run = effect_run),
    LEVADA_ACTION(keyed, KEYED, struct effect_in, effect_inputs, effect_outputs,
                  "Append to the ledger unless our token is there.", .run = effect_keyed_run),
    LEVADA_ACTION(transactional, TRANSACTIONAL, struct effect_in, effect_inputs, effect_outputs,
                  "Append to the ledger; resolve looks for our token there.", .run = effect_run,
                  .resolve = effect_resolve),
    LEVADA_ACTION(checkpointed, CHECKPOINTED, struct parts_in, parts_inputs, parts_outputs,
                  "Append one line a part, with a checkpoint after each.", .run = parts_run),
    LEVADA_ACTION(probe, PROBE, struct effect_in, effect_inputs, effect_outputs,
                  "Append to the ledger; resolve looks for our token there.", .run = effect_run,
                  .resolve = effect_resolve),
    LEVADA_ACTION(unsafe, UNSAFE, struct effect_in, effect_inputs, effect_outputs,
                  "Append to the ledger; nobody can know afterwards.", .run = effect_run),
    {.name = "pause", .doc = "Sleep, or hang.", .effect = LEVADA_EFFECT_PURE, .inputs = pause_inputs,
     .ninputs = LEVADA_COUNT(pause_inputs), .input_size = sizeof(struct pause_in), .run = pause_run},
    {.name = "crash", .doc = "Die of a signal.", .effect = LEVADA_EFFECT_PURE, .inputs = crash_inputs,
     .ninputs = LEVADA_COUNT(crash_inputs), .input_size = sizeof(struct crash_in), .run = crash_run},
    {.name = "leave", .doc = "End the worker's process with exit().", .effect = LEVADA_EFFECT_PURE,
     .inputs = leave_inputs, .ninputs = LEVADA_COUNT(leave_inputs), .input_size = sizeof(struct leave_in),
     .run = leave_run},
    {.name = "flood", .doc = "Write a lot of log.", .effect = LEVADA_EFFECT_PURE, .inputs = flood_inputs,
     .ninputs = LEVADA_COUNT(flood_inputs), .input_size = sizeof(struct flood_in), .run = flood_run},
    {.name = "memory", .doc = "Take memory.", .effect = LEVADA_EFFECT_PURE, .inputs = memory_inputs,
     .ninputs = LEVADA_COUNT(memory_inputs), .input_size = sizeof(struct memory_in), .run = memory_run},
    LEVADA_ACTION(children, PURE, struct children_in, children_inputs, children_outputs,
                  "Leave processes behind.", .run = children_run),
    {.name = "fail", .doc = "Fail.", .effect = LEVADA_EFFECT_PURE, .inputs = fail_inputs,
     .ninputs = LEVADA_COUNT(fail_inputs), .input_size = sizeof(struct fail_in), .run = fail_run},
    {.name = "progress", .doc = "Show progress and give a metric.", .effect = LEVADA_EFFECT_PURE,
     .inputs = progress_inputs, .ninputs = LEVADA_COUNT(progress_inputs),
     .input_size = sizeof(struct progress_in), .run = progress_run},
};

LEVADA_PLUGIN(.name = "probe", .version = "0.9.0", .doc = "Everything a plugin can do, on demand, for tests.",
              LEVADA_ACTIONS(actions));
