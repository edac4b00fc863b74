/* SPDX-License-Identifier: Apache-2.0
 *
 * What one turn decides, given what has happened: which steps to look at, when the run ends, parks or is cancelled. Its
 * results are events (`happened`) and things to do behind their commit (`after`). It knows no process, no clock but
 * `now_ms`, and no journal, so a simulation can drive it through histories that no machine would show.
 */
#include <stdarg.h>
#include <string.h>

#include "base/assert.h"
#include "run/engine_internal.h"
#include "run/failure.h"

void *
engine_grow(void *old, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return old;
    *capacity = *capacity ? *capacity * 2 : 16;
    return memory_resize(old, *capacity * size);
}

void
engine_emit(struct engine *e, enum event_type type, const struct step_state *step, const struct value *data)
{
    struct err err;
    struct event event = {.time_ms = e->now_ms, .type = type, .data = data,
                          .step = step != NULL ? step->step->id : NULL,
                          .item = step != NULL ? step->item : NULL};
    if (state_apply(&e->state, &event, &err) != 0) {
        err_print(&err);
        UNREACHABLE("our own event does not apply");
    }
    if (step != NULL && step->step->pool != NULL) seating_event(e, type, step);
    e->happened = engine_grow(e->happened, e->nhappened, &e->happened_capacity, sizeof *e->happened);
    e->happened[e->nhappened++] = event;
}

void
engine_after(struct engine *e, struct after after)
{
    e->after = engine_grow(e->after, e->nafter, &e->after_capacity, sizeof *e->after);
    e->after[e->nafter++] = after;
}

const struct value *
engine_reason(struct engine *e, const char *code, const char *fmt, ...)
{
    struct value *reason = value_map(&e->turn);
    va_list ap;
    va_start(ap, fmt);
    value_set(&e->turn, reason, "code", value_text(&e->turn, code));
    value_set(&e->turn, reason, "text", value_text(&e->turn, arena_vprintf(&e->turn, fmt, ap)));
    va_end(ap);
    return reason;
}

void
engine_note(struct engine *e, const char *fmt, ...)
{
    va_list ap;
    if (e->options->watch.note == NULL) return;
    va_start(ap, fmt);
    e->options->watch.note(e->options->watch.context, arena_vprintf(&e->turn, fmt, ap));
    va_end(ap);
}

/* ---- ending ---- */

static void
emit_end(struct engine *e, enum run_status status, int code, const struct value *outputs, const struct value *error,
         const struct step_state *failed, bool rolled_back)
{
    struct value *data = value_map(&e->turn);
    value_set(&e->turn, data, "status", value_text(&e->turn, run_status_name(status)));
    value_set(&e->turn, data, "exit", value_int(&e->turn, code));
    if (outputs != NULL) value_set(&e->turn, data, "outputs", outputs);
    if (error != NULL) value_set(&e->turn, data, "error", error);
    if (failed != NULL) value_set(&e->turn, data, "failed_step", value_text(&e->turn, failed->step->id));
    if (failed != NULL && failed->item != NULL)
        value_set(&e->turn, data, "failed_item", value_text(&e->turn, failed->item));
    if (rolled_back) value_set(&e->turn, data, "rolled_back", value_bool(&e->turn, true));
    value_set(&e->turn, data, "duration_ms", value_int(&e->turn, turn_since(e, e->state.begun_ms)));
    engine_emit(e, EVENT_RUN_FINISHED, NULL, data);
    e->ended = true;
}

/* All undone: the run is as ended as it was. Else it has failed, whatever it was. */
static void
finish_rollback(struct engine *e)
{
    const struct step_state *failed = NULL;
    for (uint32_t i = 0; i < e->state.undo_count; i++)
        if (e->state.steps[e->state.undo_first + i].status == STEP_FAILED_STATUS)
            failed = &e->state.steps[e->state.undo_first + i];
    bool cancelled = failed == NULL && e->state.cancel_asked;
    const struct run_end *before = &e->state.before;
    enum run_status status = failed != NULL ? RUN_FAILED_STATUS : cancelled ? RUN_CANCELLED_STATUS : before->status;
    int code = failed != NULL ? EXIT_FAILED : cancelled ? EXIT_CANCELLED : before->exit_code;
    emit_end(e, status, code, NULL, failed != NULL ? failed->error : NULL, failed, failed == NULL && !cancelled);
}

static void
finish_run(struct engine *e)
{
    if (e->state.rolling) {
        finish_rollback(e);
        return;
    }
    const struct step_state *failed = state_culprit(&e->state, state_failure(&e->state, NULL));
    enum run_status status = e->state.cancel_asked ? RUN_CANCELLED_STATUS
                             : failed != NULL      ? RUN_FAILED_STATUS
                                                   : RUN_SUCCEEDED_STATUS;
    const struct value *outputs = NULL;
    struct err err = {0};
    const struct value *error = failed != NULL ? failed->error : NULL;
    if (status == RUN_SUCCEEDED_STATUS && inputs_outputs(&e->inputs, NULL, &e->turn, &outputs, &err) != 0) {
        status = RUN_FAILED_STATUS;
        err_context(&err, "top-level outputs");
        error = failure_value(&e->turn, LEVADA_INVALID, &err);
        outputs = NULL;
    }
    int code = status == RUN_SUCCEEDED_STATUS ? EXIT_OK : status == RUN_FAILED_STATUS ? EXIT_FAILED : EXIT_CANCELLED;
    emit_end(e, status, code, outputs, error, failed, false);
}

static size_t
count_status(const struct engine *e, enum step_status status)
{
    size_t count = 0;
    for (size_t i = 0; i < e->state.nsteps; i++) count += e->state.steps[i].status == status;
    return count;
}

void
turn_stop(struct engine *e)
{
    struct value *data = value_map(&e->turn);
    size_t unknown = count_status(e, STEP_UNKNOWN_STATUS);
    /* Interrupted, there is more to do than to wait for an answer. */
    bool parked = !e->interrupted && !e->left && count_status(e, STEP_PARKED_STATUS) > 0;
    int code = unknown ? EXIT_UNKNOWN : parked ? EXIT_PARKED : e->left ? EXIT_HELD : 128 + e->interrupted;
    enum run_status status = unknown ? RUN_UNKNOWN_STATUS : parked ? RUN_PARKED_STATUS : RUN_INTERRUPTED_STATUS;
    value_set(&e->turn, data, "status", value_text(&e->turn, run_status_name(status)));
    value_set(&e->turn, data, "exit", value_int(&e->turn, code));
    if (e->interrupted) value_set(&e->turn, data, "signal", value_int(&e->turn, e->interrupted));
    engine_emit(e, EVENT_RUN_STOPPED, NULL, data);
    e->ended = true;
}

/* ---- deciding ---- */

int64_t
turn_since(const struct engine *e, int64_t time_ms)
{
    return e->now_ms > time_ms ? e->now_ms - time_ms : 0;
}

/* Delays run on the monotonic clock: a wall clock that is set back makes nobody wait for it to come round again. */
void
turn_wait(struct engine *e, size_t step, int64_t delay_ms)
{
    e->delayed = engine_grow(e->delayed, e->ndelayed, &e->delayed_capacity, sizeof *e->delayed);
    e->delayed[e->ndelayed++] = (struct delayed){.step = step, .due_ms = e->tick_ms + delay_ms};
}

void
turn_wait_no_more(struct engine *e, size_t step)
{
    for (size_t i = 0; i < e->ndelayed; i++)
        if (e->delayed[i].step == step) {
            e->delayed[i] = e->delayed[--e->ndelayed];
            return;
        }
}

int64_t
turn_next_due(const struct engine *e)
{
    int64_t due = -1;
    for (size_t i = 0; i < e->ndelayed; i++)
        if (due < 0 || e->delayed[i].due_ms < due) due = e->delayed[i].due_ms;
    int64_t expires = asking_due(e);
    return due < 0 || (expires >= 0 && expires < due) ? expires : due;
}

static void
wake_due(struct engine *e)
{
    for (size_t i = e->ndelayed; i-- > 0;) {
        if (e->delayed[i].due_ms > e->tick_ms || !sched_may_look(&e->sched, e->delayed[i].step)) continue;
        sched_again(&e->sched, e->delayed[i].step);
        e->delayed[i] = e->delayed[--e->ndelayed];
    }
}

/* A cancel ends the steps that wait; what runs is asked to stop; `finally` still runs. */
static void
carry_out_cancel(struct engine *e)
{
    e->cancelling = true;
    /* A resumed run has not come so far yet: there the cancel that it was stopped by ends no `finally`. */
    e->cancel_last = e->sched.scopes[0].part == PART_FINALLY;
    for (size_t i = 0; i < e->state.nsteps; i++) {
        const struct step_state *step = &e->state.steps[i];
        bool stays = step->status != STEP_PARKED_STATUS && state_after(&e->state, step, PART_FINALLY);
        if (step_status_ended(step->status) || stays || !state_is_live(&e->state, step)) continue;
        /* A cancel does not answer the question whether an effect has happened. */
        if (step->status == STEP_UNKNOWN_STATUS || step->status == STEP_RUNNING_STATUS) continue;
        step_cancel(e, i, "the run was cancelled");
    }
    engine_after(e, (struct after){.type = AFTER_STOP});
}

void
turn_cancel(struct engine *e, const char *who, const char *why)
{
    if (e->state.cancel_asked) return;
    struct value *data = value_map(&e->turn);
    value_set(&e->turn, data, "who", value_text(&e->turn, who ? who : ""));
    value_set(&e->turn, data, "why", value_text(&e->turn, why ? why : ""));
    engine_emit(e, EVENT_CANCEL_ASKED, NULL, data);
}

/* It has not begun: there is nothing to clean up, so a cancel ends `finally` too. */
static void
decide_queued(struct engine *e)
{
    if (e->state.cancel_asked) {
        for (size_t i = 0; i < e->state.nsteps; i++)
            if (!step_status_ended(e->state.steps[i].status) && state_is_live(&e->state, &e->state.steps[i]))
                step_cancel(e, i, "the run was cancelled before it began");
        finish_run(e);
    } else if (e->interrupted || e->left) {
        turn_stop(e);
    }
}

/* What runs after a success does not run after a failure, nor the other way round, and after a cancel neither. */
static void
pass_over_part(struct engine *e, const struct sched_scope *scope)
{
    const struct step_state *owner = scope->owner == NO_PARENT ? NULL : &e->state.steps[scope->owner];
    bool failed = state_failure(&e->state, owner) != NULL;
    /* What cleans up runs to its end as if nobody had cancelled. */
    bool cancelled = e->state.cancel_asked && (owner == NULL || !state_after(&e->state, owner, PART_FINALLY));
    enum step_part part = scope->part;
    uint32_t first = scope->first, end = first + scope->count; /* the scope may move */
    if (part == PART_FINALLY) return;
    if (!cancelled && failed == (part == PART_ON_FAILURE)) return;
    for (uint32_t i = first; i < end; i++) {
        const struct step_state *step = &e->state.steps[i];
        /* It is under way, and an engine has died since: what has failed meanwhile is its own. */
        if (step->step->part == part && step->started_ms && step->started_ms >= e->state.begun_ms) return;
    }
    for (uint32_t i = first; i < end; i++) {
        const struct step_state *step = &e->state.steps[i];
        bool begun = step->expanded || step->nattempts > step->past;
        if (step->step->part == part && !begun && !step_status_ended(step->status))
            step_end(e, i, STEP_SKIPPED_STATUS, NULL, NULL,
                     failed ? engine_reason(e, "no_success", "a step failed")
                            : engine_reason(e, "no_failure", "nothing failed"));
    }
}

/* All steps of a part have ended: the next part, or the end of what they are steps of. */
static void
end_part(struct engine *e, size_t scope)
{
    uint32_t owner = e->sched.scopes[scope].owner;
    if (sched_next_part(&e->sched, scope)) pass_over_part(e, &e->sched.scopes[scope]);
    else if (owner == NO_PARENT) finish_run(e);
    else parent_close(e, owner);
}

void
turn_begin(struct engine *e)
{
    sched_init(&e->sched, &e->arena, &e->state);
    e->scheduled = true;
    parent_resume(e);
}

bool
turn_cancels(const struct engine *e, const struct step_state *step)
{
    return e->cancel_last || !state_after(&e->state, step, PART_FINALLY);
}

void
turn_decide(struct engine *e)
{
    if (e->state.group != NULL && !e->state.seated) {
        if (e->state.cancel_asked || e->interrupted || !seating_group(e)) {
            decide_queued(e);
            return;
        }
    }
    if (e->seating != NULL) seating_wake(e);
    if (e->state.cancel_asked && !e->cancelling) carry_out_cancel(e);
    if (!e->interrupted) {
        asking_wake(e);
        wake_due(e);
    }
    while (!e->interrupted && !e->ended) {
        ptrdiff_t done = sched_done(&e->sched), i = -1;
        /* What ends takes no slot: however much is queued, what waits for a loop or block learns of its end at once. */
        if (done >= 0) end_part(e, (size_t)done);
        else if (e->running + e->launching < e->state.max_parallel + e->sched.calls) i = sched_next(&e->sched);
        if (i >= 0) step_look(e, (size_t)i);
        if (i < 0 && done < 0) break;
    }
    if (e->ended || e->running + e->launching > 0) return;
    if (e->interrupted) turn_stop(e);
    else if (e->ndelayed == 0 && sched_idle(&e->sched) && !seating_waits(e)) {
        /* Else something waits for what will never come. */
        ASSERT(count_status(e, STEP_UNKNOWN_STATUS) + count_status(e, STEP_PARKED_STATUS) > 0);
        turn_stop(e);
    }
}
