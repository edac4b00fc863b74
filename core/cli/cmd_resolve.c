/* SPDX-License-Identifier: Apache-2.0
 *
 * `levada resolve`: a person says what became of a step that nobody knows about. Only settles; `resume` goes on.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "run/attempts.h"
#include "run/requests.h"
#include "run/seats.h"
#include "run/state.h"
#include "run/store.h"
#include "show/instance.h"
#include "show/view.h"

#define USAGE "levada resolve RUN STEP [--item KEY] --done [OUTPUTS-JSON] | --redo | --fail [--reason TEXT]"

struct settling {
    const char *run, *step, *item, *word, *outputs, *why;
};

static int
parse_arguments(int argc, char **argv, struct settling *ret)
{
    for (int i = 1; i < argc; i++) {
        bool done = str_eq(argv[i], "--done");
        if (done || str_eq(argv[i], "--redo") || str_eq(argv[i], "--fail")) {
            if (ret->word != NULL) return cli_usage(USAGE, "one decision, not \"%s\" too", argv[i]);
            ret->word = argv[i] + 2;
            if (done && i + 1 < argc && argv[i + 1][0] == '{') ret->outputs = argv[++i];
        } else if (str_eq(argv[i], "--reason") && i + 1 < argc) {
            ret->why = argv[++i];
        } else if (str_eq(argv[i], "--item") && i + 1 < argc) {
            ret->item = argv[++i];
        } else if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h")) {
            puts("usage: " USAGE);
            return -1;
        } else if (argv[i][0] == '-') {
            return cli_usage(USAGE, "there is no option \"%s\"", argv[i]);
        } else if (ret->run == NULL) {
            ret->run = argv[i];
        } else if (ret->step == NULL) {
            ret->step = argv[i];
        } else {
            return cli_usage(USAGE, "unexpected \"%s\"", argv[i]);
        }
    }
    if (ret->run == NULL || ret->step == NULL) return cli_usage(USAGE, "which run, and which step?");
    if (ret->word == NULL) return cli_usage(USAGE, "say --done, --redo or --fail");
    return 0;
}

static bool
fits(const struct value *value, const char *as)
{
    if (as == NULL || str_eq(as, "json")) return true;
    if (str_eq(as, "text")) return value->type == VALUE_STRING;
    if (str_eq(as, "lines")) return value->type == VALUE_LIST;
    return value->type == VALUE_INT || (str_eq(as, "number") && value->type == VALUE_REAL);
}

/* What a script declares is what later steps read: they must not get what it could never have given. */
static int
check_declared(const struct step *step, const struct value *outputs, struct err *err)
{
    for (size_t i = 0; i < outputs->map.count; i++) {
        const struct output_def *found = NULL;
        for (size_t k = 0; k < step->noutputs; k++)
            if (str_eq(step->outputs[k].name, outputs->map.names[i])) found = &step->outputs[k];
        if (found == NULL)
            return err_set(err, EXIT_USAGE, "--done: step \"%s\" has no output \"%s\"", step->id,
                           outputs->map.names[i]);
        if (!fits(outputs->map.values[i], found->as))
            return err_set(err, EXIT_USAGE, "--done: output \"%s\" is %s, and must be \"%s\"", found->name,
                           value_type_name(outputs->map.values[i]->type), found->as);
    }
    return 0;
}

/* Nothing computes or waits for them any more. */
static void
tell_missing(const struct step *step, const struct value *outputs)
{
    for (size_t k = 0; k < step->noutputs; k++)
        if (value_get(outputs, step->outputs[k].name) == NULL)
            fprintf(stderr, "levada: output \"%s\" is not given: later steps read null\n", step->outputs[k].name);
}

static int
parse_outputs(struct arena *arena, const struct settling *decision, const struct step_state *step,
              const struct value **ret, struct err *err)
{
    *ret = value_map(arena);
    if (!str_eq(decision->word, "done")) return 0;
    if (decision->outputs == NULL) {
        tell_missing(step->step, *ret);
        return 0;
    }
    int code = json_parse(arena, decision->outputs, strlen(decision->outputs), ret, err);
    if (code) {
        err_context(err, "--done");
        return code;
    }
    const struct schema_action *action = step->step->schema_action;
    for (size_t i = 0; action != NULL && i < (*ret)->map.count; i++)
        if (schema_field_find(action->outputs, action->noutputs, (*ret)->map.names[i]) == NULL)
            return err_set(err, EXIT_USAGE, "--done: action \"%s\" has no output \"%s\"", action->name,
                           (*ret)->map.names[i]);
    code = action == NULL ? check_declared(step->step, *ret, err) : 0;
    if (!code) tell_missing(step->step, *ret);
    return code;
}

/* It is known now: who waits for its pool need not look at the journal to learn it. */
static void
free_slot(struct arena *arena, const char *run_folder, const struct run_state *state, const struct step_state *step)
{
    char marker[SEAT_NAME_SIZE];
    if (step->step->pool == NULL || step->nattempts == 0) return;
    seat_name(marker, state->id, step->attempts[step->nattempts - 1].record, step->step->id);
    seats_forget(seats_state_folder(arena, run_folder), SEATS_POOL, step->step->pool, marker);
}

/* The step that is meant. Of a loop or group with one unknown part that part is. */
static int
find_unknown(const struct run_state *state, const struct settling *decision, const struct step_state **ret,
             struct err *err)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct step_state *only = NULL;
    size_t count = 0;
    const char *id = decision->step, *item = decision->item, *run = view_short_id(state->id);
    instance_split(&arena, &id, &item);
    for (const struct step_state *at = instance_next(state, NULL); at != NULL; at = instance_next(state, at))
        if (at->status == STEP_UNKNOWN_STATUS && instance_within(state, at, id, item) && count++ == 0) only = at;
    *ret = state_step(state, id, item);
    if (*ret != NULL && (*ret)->status == STEP_UNKNOWN_STATUS) return 0;
    if (count > 0 && (*ret == NULL || state_is_parent(*ret))) {
        *ret = only;
        if (count == 1) return 0;
        err_set(err, EXIT_USAGE, "%zu parts of \"%s\" are unknown: name one", count, decision->step);
        err_hint(err, "The first is: levada resolve %s %s --%s", run, state_address(&arena, only), decision->word);
        return EXIT_USAGE;
    }
    if (*ret == NULL) return instance_find(state, run, id, item, ret, err);
    return err_set(err, EXIT_USAGE, "step \"%s\" is %s: only an unknown step is settled",
                   instance_name_text(&arena, *ret), step_status_name((*ret)->status));
}

static int
settle(struct arena *arena, const struct settling *decision, const char *run_folder, struct journal *journal,
       struct err *err)
{
    struct run_state state;
    uint64_t fence;
    const struct value *outputs;
    int code = state_read(arena, journal, &state, err);
    if (code) return code;
    const struct step_state *step;
    code = find_unknown(&state, decision, &step, err);
    if (code) return code;
    code = parse_outputs(arena, decision, step, &outputs, err);
    if (!code) code = journal_take(journal, &fence, err);
    if (code) return code;
    struct value *data = value_map(arena), *reason = value_map(arena);
    const char *who = requests_who(arena);
    value_set(arena, reason, "code", value_text(arena, "resolved"));
    value_set(arena, reason, "text", value_text(arena, arena_printf(arena, "%s said: %s%s%s", who, decision->word,
                                                                    decision->why ? ": " : "",
                                                                    decision->why ? decision->why : "")));
    value_set(arena, data, "decision", value_text(arena, decision->word));
    if (str_eq(decision->word, "done")) value_set(arena, data, "outputs", outputs);
    if (str_eq(decision->word, "fail")) {
        struct value *error = value_map(arena);
        value_set(arena, error, "class", value_text(arena, "permanent"));
        value_set(arena, error, "message", value_text(arena, arena_printf(arena, "settled as failed by %s", who)));
        value_set(arena, data, "error", error);
    }
    value_set(arena, data, "who", value_text(arena, who));
    value_set(arena, data, "why", value_text(arena, decision->why ? decision->why : ""));
    value_set(arena, data, "reason", reason);
    journal_append(journal, &(struct event){.time_ms = clock_wall_ms(), .type = EVENT_STEP_RESOLVED,
                                            .step = step->step->id, .item = step->item, .data = data});
    code = journal_commit(journal, true, err);
    if (!code) free_slot(arena, run_folder, &state, step);
    if (!code) fprintf(stderr, "step \"%s\" is settled: %s\n  go on with: levada resume %s\n",
                       instance_name_text(arena, step), decision->word, strrchr(run_folder, '/') + 1);
    return code;
}

int
cmd_resolve(int argc, char **argv)
{
    struct arena arena ARENA_SCOPED = {0};
    struct settling decision = {0};
    struct journal *journal = NULL;
    struct attempt_record holder = {0};
    struct err err = {0};
    const char *run_folder;
    int code = parse_arguments(argc, argv, &decision);
    if (code) return code < 0 ? EXIT_OK : code;
    code = store_run_find(&arena, decision.run, &run_folder, &err);
    if (code) return cli_fail(&err);
    int fd FD_SCOPED = attempts_open(run_folder, &err);
    if (fd < 0) return cli_fail(&err);
    code = attempts_take_run(fd, &holder, &err);
    if (code == EXIT_HELD) err_hint(&err, "It settles when the engine has stopped.");
    if (!code) code = journal_open(run_folder, &journal, &err);
    if (!code) code = settle(&arena, &decision, run_folder, journal, &err);
    journal_close(&journal, false);
    return code ? cli_fail(&err) : EXIT_OK;
}
