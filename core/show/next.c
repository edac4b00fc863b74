/* SPDX-License-Identifier: Apache-2.0
 *
 * One voice for all who end with a summary: the live tree, plain lines, `show` and `why`.
 */
#include "show/next.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "run/approval.h"
#include "show/asked.h"
#include "show/instance.h"
#include "show/text.h"
#include "show/view.h"

void
next_counts(struct buf *buf, const struct run_state *state)
{
    struct tally tally;
    tally_run(&tally, state);
    tally_text(buf, &tally);
}

const struct step_state *
next_culprit(const struct run_state *state)
{
    const struct step_state *failed = NULL, *unknown = NULL;
    if (state->failed_step != NULL) failed = state_step(state, state->failed_step, state->failed_item);
    if (failed == NULL) failed = state_culprit(state, state_failure(state, NULL));
    for (const struct step_state *at = instance_next(state, NULL); at != NULL && unknown == NULL;
         at = instance_next(state, at))
        if (at->status == STEP_UNKNOWN_STATUS) unknown = at;
    return unknown != NULL ? unknown : failed;
}

void
next_error(struct buf *buf, const struct value *error)
{
    const char *file = value_get_str(error, "file", NULL), *class = value_get_str(error, "class", NULL);
    int64_t line = value_get_int(error, "line", 0);
    if (class != NULL) {
        text_line(buf, class);
        buf_text(buf, ": ");
    }
    text_line(buf, value_get_str(error, "message", "no message"));
    if (file == NULL) return;
    buf_text(buf, " (");
    text_line(buf, file);
    if (line > 0) buf_printf(buf, ":%" PRId64, line);
    buf_char(buf, ')');
}

void
next_outcome(struct buf *buf, const struct step_state *step, int64_t now_ms)
{
    uint32_t attempts = step_attempts(step), allowed = step->step->retry.attempts;
    buf_text(buf, step_status_name(step->status));
    if (attempts == 0 && (step->started_ms == 0 || !state_is_parent(step))) return;
    buf_text(buf, " (");
    if (attempts > 1 || (attempts > 0 && step->status == STEP_FAILED_STATUS && allowed > 1)) {
        buf_printf(buf, "attempt %" PRIu32, attempts);
        if (allowed > 1 && attempts <= allowed) buf_printf(buf, " of %" PRIu32, allowed);
        buf_text(buf, ", ");
    }
    text_elapsed(buf, step_elapsed_ms(step, now_ms));
    buf_char(buf, ')');
}

struct commands {
    struct buf *buf;
    const char *id;
    struct next_place place;
    bool any;
};

static const char *
shell_word(struct arena *arena, const char *path)
{
    struct buf text BUF_SCOPED = {0};
    buf_init(&text, 1 << 16);
    str_shell(&text, path);
    return arena_strdup(arena, buf_str(&text));
}

/* "levada VERB ID[ REST]" and what it is good for. */
static void
command(struct commands *commands, const char *verb, const char *rest, const char *what)
{
    struct arena arena ARENA_SCOPED = {0};
    static const char *const acts[] = {"resume", "resolve", "cancel", "approve", "reject", "retry"};
    if (str_eq(verb, commands->place.here)) return;
    for (size_t i = 0; commands->place.file != NULL && i < sizeof acts / sizeof acts[0]; i++)
        if (str_eq(verb, acts[i])) return;
    const char *text = arena_printf(&arena, "levada %s %s%s%s", verb, commands->id, *rest ? " " : "", rest);
    buf_printf(commands->buf, "%s %-44s %s%s\n", commands->any ? "     " : "next:", text,
               strlen(text) > 44 ? " " : "", what);
    commands->any = true;
}

/* What lets a parked step start, and what refuses it. */
static void
asked_commands(struct commands *commands, const struct run_state *state)
{
    const struct step_state *parked = approval_first(state);
    struct buf words BUF_SCOPED = {0};
    if (parked == NULL) return;
    buf_init(&words, 1 << 16);
    asked_words(&words, parked, true);
    command(commands, "approve", buf_str(&words), "let it start");
    buf_clear(&words);
    asked_words(&words, parked, false);
    command(commands, "reject", buf_str(&words), "or refuse it");
}

void
next_commands(struct buf *buf, const struct run_state *state, enum run_status status, struct next_place place)
{
    struct arena arena ARENA_SCOPED = {0};
    struct commands commands = {.buf = buf, .id = view_short_id(state->id), .place = place};
    if (place.file != NULL) commands.id = shell_word(&arena, place.file);
    const struct step_state *culprit = next_culprit(state);
    const char *step = culprit != NULL ? state_address(&arena, culprit) : NULL;
    if (place.past) {
        commands.place.here = "";
        command(&commands, place.here, "", "as it is now");
        return;
    }
    switch (status) {
    case RUN_RUNNING_STATUS:
        asked_commands(&commands, state);
        if (place.file != NULL) command(&commands, "logs", "", "what it had written");
        else command(&commands, "logs", "-f", "follow what it writes");
        return;
    case RUN_SUCCEEDED_STATUS:
        command(&commands, "show", "", "steps and outputs");
        command(&commands, "report", "", "the same as a page");
        return;
    case RUN_UNKNOWN_STATUS:
        if (step != NULL) {
            command(&commands, "logs", step, "what it last wrote");
            command(&commands, "resolve", arena_printf(&arena, "%s --done|--redo|--fail", step), "say how it ended");
        }
        asked_commands(&commands, state);
        command(&commands, "resume", "", "then go on");
        return;
    case RUN_PARKED_STATUS:
        asked_commands(&commands, state);
        command(&commands, "resume", "", "then go on");
        if (place.file != NULL) command(&commands, "show", "", "what is done so far");
        return;
    case RUN_INTERRUPTED_STATUS:
        asked_commands(&commands, state);
        command(&commands, "resume", "", "go on where it stopped");
        command(&commands, "show", "", "what is done so far");
        return;
    case RUN_FAILED_STATUS: case RUN_CANCELLED_STATUS:
        if (step != NULL && culprit->approval != NULL && culprit->nattempts == 0)
            command(&commands, "retry", "", "ask again");
        else if (step != NULL && culprit->nattempts > 0) command(&commands, "logs", step, "what it wrote");
        command(&commands, "why", "", "how it came to this");
        command(&commands, "report", "", "all of it as a page");
        return;
    }
}

static void
add_map(struct buf *buf, const char *title, const struct value *map)
{
    size_t width = 0;
    if (!value_is(map, VALUE_MAP) || map->map.count == 0) return;
    buf_printf(buf, "  %s\n", title);
    for (size_t i = 0; i < map->map.count; i++) {
        size_t w = text_width(map->map.names[i], strlen(map->map.names[i]));
        if (w > width && w <= 32) width = w;
    }
    for (size_t i = 0; i < map->map.count; i++) {
        struct buf line BUF_SCOPED = {0};
        buf_init(&line, LIMIT_VALUE_SIZE);
        text_value(&line, map->map.values[i]);
        buf_text(buf, "    ");
        text_pad(buf, map->map.names[i], width);
        buf_text(buf, "  ");
        text_fit(buf, buf_str(&line), 400);
        buf_char(buf, '\n');
    }
}

void
next_summary(struct buf *buf, const struct run_state *state, enum run_status status, int64_t elapsed_ms, bool colour,
             struct next_place place)
{
    const struct step_state *culprit = next_culprit(state);
    buf_text(buf, TEXT_BOLD(colour));
    text_line(buf, state->model->name);
    buf_printf(buf, "%s %s%s%s ", TEXT_RESET(colour), text_run_colour(status, colour), run_status_name(status),
               TEXT_RESET(colour));
    buf_text(buf, status == RUN_RUNNING_STATUS ? "for " : "after ");
    text_elapsed(buf, elapsed_ms);
    buf_text(buf, ": ");
    next_counts(buf, state);
    buf_char(buf, '\n');
    if (culprit != NULL && status != RUN_SUCCEEDED_STATUS) {
        const char *hint = value_get_str(culprit->error, "hint", NULL);
        buf_text(buf, "  ");
        instance_name(buf, culprit);
        buf_char(buf, ' ');
        next_outcome(buf, culprit, culprit->finished_ms);
        buf_text(buf, ": ");
        if (culprit->error != NULL) next_error(buf, culprit->error);
        else text_line(buf, culprit->reason_text ? culprit->reason_text : "no reason recorded");
        buf_char(buf, '\n');
        if (hint != NULL && *hint) {
            buf_text(buf, "    ");
            text_line(buf, hint);
            buf_char(buf, '\n');
        }
    } else if (state->error != NULL && status != RUN_SUCCEEDED_STATUS) {
        buf_text(buf, "  ");
        next_error(buf, state->error);
        buf_char(buf, '\n');
    }
    asked_summary(buf, state);
    add_map(buf, "outputs", state->outputs);
    buf_printf(buf, "run:  %s\n", state->id);
    next_commands(buf, state, status, place);
}
