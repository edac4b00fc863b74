/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading is two passes over one open journal: the fold of run/state.c, then the decisions. What a journal
 * cannot know, that its engine was killed, is read from the engine's record in `attempts`.
 */
#include "show/view.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "run/attempts.h"
#include "run/journal.h"

struct collector {
    struct arena *arena;
    struct view *view;
    size_t capacity;
};

bool
decision_of(struct arena *arena, const struct event *event, struct decision *ret)
{
    const struct value *data = event->data, *reason = value_get(data, "reason");
    const char *code = value_get_str(reason, "code", NULL), *text = value_get_str(reason, "text", NULL);
    const char *status = value_get_str(data, "status", NULL), *who = value_get_str(data, "who", NULL);
    const char *why = value_get_str(data, "why", NULL);
    if (event->type == EVENT_RUN_STARTED) {
        code = value_get_bool(data, "resumed", false) ? "resumed" : "started";
        text = arena_printf(arena, "%s by process %lld", str_eq(code, "resumed") ? "taken up again" : "started",
                            (long long)value_get_int(data, "pid", 0));
    } else if (event->type == EVENT_CANCEL_ASKED) {
        code = "cancel_asked";
        text = arena_printf(arena, "%s asked for the end%s%s", who ? who : "somebody", why ? ":"
            " " : "", why ? why : "");
    } else if (event->type == EVENT_RUN_RETRIED) {
        const struct value *again = value_get(data, "again");
        code = "retried";
        text = arena_printf(arena, "%s retried the run%s: %zu steps run again", who ? who : "somebody",
                            value_get(data, "model") != NULL ? " with an edited workflow" : "",
                            value_is(again, VALUE_LIST) ? again->list.count : 0);
    } else if (event->type == EVENT_RUN_STOPPED || event->type == EVENT_RUN_FINISHED) {
        const char *failed = value_get_str(data, "failed_step", NULL);
        code = status ? status : "stopped";
        text = failed ? arena_printf(arena, "the run %s at step %s",
                                     str_eq(code, "failed") ? "failed" : "stopped", failed)
                      : str_eq(code, "unknown") ? "the run stopped: the outcome of a step is not known"
                                                : arena_printf(arena, "the run ended as %s", code);
        if (str_eq(code, "interrupted")) text = "the run was interrupted and can be resumed";
    } else if (event->type == EVENT_STEP_RESOLVED && code == NULL) {
        const char *decision = value_get_str(data, "decision", "");
        code = "resolved";
        text = arena_printf(arena, "%s said \"%s\"%s%s", who ? who : "somebody", decision, why ? ":"
            " " : "", why ? why : "");
    } else if (code == NULL && text == NULL) {
        return false;
    }
    *ret = (struct decision){.seq = event->seq, .time_ms = event->time_ms, .type = event->type,
                             .attempt = value_get_int(data, "attempt", 0)};
    ret->step = event->step ? arena_strdup(arena, event->step) : NULL;
    ret->item = event->item ? arena_strdup(arena, event->item) : NULL;
    ret->code = arena_strdup(arena, code ? code : "");
    ret->text = arena_strdup(arena, text ? text : "");
    ret->status = status ? arena_strdup(arena, status) : NULL;
    return true;
}

static int
collect(void *context, const struct event *event, struct arena *scratch, struct err *err)
{
    struct collector *collector = context;
    struct view *view = collector->view;
    struct decision decision;
    (void)scratch;
    (void)err;
    if (!decision_of(collector->arena, event, &decision)) return 0;
    if (view->ndecisions == collector->capacity) {
        collector->capacity = collector->capacity ? collector->capacity * 2 : 64;
        struct decision *grown = ARENA_ARRAY(collector->arena, collector->capacity, struct decision);
        if (view->ndecisions) memcpy(grown, view->decisions, view->ndecisions * sizeof *grown);
        view->decisions = grown;
    }
    view->decisions[view->ndecisions++] = decision;
    return 0;
}

bool
view_engine_lives(const char *folder)
{
    struct arena arena ARENA_SCOPED = {0};
    struct attempt_record record;
    struct err ignored;
    /* Opened for reading here, because looking at a run must not make a file in its folder. */
    int fd FD_SCOPED = open(arena_printf(&arena, "%s/attempts", folder), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    return attempts_read(fd, 0, &record, &ignored) == 0 && record.pid > 0 && attempts_alive(&record);
}

int
view_load(struct arena *arena, const char *folder, struct view *ret, struct err *err)
{
    struct journal *journal;
    *ret = (struct view){.folder = arena_strdup(arena, folder)};
    struct collector collector = {.arena = arena, .view = ret};
    int code = journal_open_read(folder, &journal, err);
    if (code) return code;
    code = state_read(arena, journal, &ret->state, err);
    if (!code) code = journal_read(journal, 0, collect, &collector, err);
    journal_close(&journal, false);
    if (code) return code;
    ret->status = ret->state.status;
    if (ret->status == RUN_RUNNING_STATUS && !view_engine_lives(folder)) ret->status = RUN_INTERRUPTED_STATUS;
    return 0;
}

const char *
view_short_id(const char *id)
{
    size_t size = strlen(id);
    return size > SHORT_ID_SIZE ? id + size - SHORT_ID_SIZE : id;
}

int64_t
step_elapsed_ms(const struct step_state *step, int64_t now_ms)
{
    if (step->started_ms == 0) return 0;
    int64_t end = step->finished_ms ? step->finished_ms : now_ms;
    return end > step->started_ms ? end - step->started_ms : 0;
}

uint32_t
step_attempts(const struct step_state *step)
{
    for (size_t i = step->nattempts; i-- > 0;)
        if (!step->attempts[i].resolve) return step->attempts[i].attempt;
    return 0;
}

const struct attempt_state *
step_last_attempt(const struct step_state *step)
{
    return step->nattempts ? &step->attempts[step->nattempts - 1] : NULL;
}

bool
step_counts(const struct step_state *step)
{
    return step->step->part != PART_ON_FAILURE ||
           (step->status != STEP_SKIPPED_STATUS && step->status != STEP_WAITING_STATUS);
}

int64_t
view_elapsed_ms(const struct view *view, int64_t now_ms)
{
    const struct run_state *state = &view->state;
    int64_t end = state->finished_ms;
    if (end == 0 && view->status == RUN_RUNNING_STATUS) end = now_ms;
    if (end == 0 && view->ndecisions) end = view->decisions[view->ndecisions - 1].time_ms;
    return end > state->started_ms ? end - state->started_ms : 0;
}
