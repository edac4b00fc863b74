/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking a person before a step starts: parks it, takes what they decided, and lets the question expire. All but
 * asking_take() is as pure as turn.c. A question expires by the wall clock that people were told, and while one engine
 * lives by its monotonic clock: who sets the clock neither shortens nor prolongs it then.
 */
#include <string.h>

#include "base/str.h"
#include "run/approval.h"
#include "run/decisions.h"
#include "run/engine_internal.h"

/* The question of a parked step expires then. */
static void
wait_for(struct engine *e, size_t i, int64_t left_ms)
{
    e->asked = engine_grow(e->asked, e->nasked, &e->asked_capacity, sizeof *e->asked);
    e->asked[e->nasked++] = (struct delayed){.step = i, .due_ms = e->tick_ms + left_ms};
}

void
asking_forget(struct engine *e, size_t i)
{
    for (size_t k = e->nasked; k-- > 0;)
        if (e->asked[k].step == i) e->asked[k] = e->asked[--e->nasked];
}

int64_t
asking_due(const struct engine *e)
{
    int64_t due = -1;
    for (size_t k = 0; k < e->nasked; k++)
        if (due < 0 || e->asked[k].due_ms < due) due = e->asked[k].due_ms;
    return due;
}

void
asking_adopt(struct engine *e, size_t i)
{
    const struct approval_state *approval = e->state.steps[i].approval;
    if (e->state.steps[i].status != STEP_PARKED_STATUS || approval == NULL || approval->expires_ms == 0) return;
    /* What is left by the wall clock, if that makes sense: it may have been set since. */
    int64_t left = approval->expires_ms - e->now_ms;
    wait_for(e, i, left < 0 ? 0 : left > approval->delay_ms ? approval->delay_ms : left);
}

/* A parked step ends: `data` is its STEP_FINISHED event's. */
static void
end_parked(struct engine *e, size_t i, const struct value *data)
{
    asking_forget(e, i);
    engine_emit(e, EVENT_STEP_FINISHED, &e->state.steps[i], data);
    if (!e->scheduled) return;
    sched_ended(&e->sched, i);
    parent_fail_fast(e, i);
}

void
asking_wake(struct engine *e)
{
    for (size_t k = e->nasked; k-- > 0;) {
        if (k >= e->nasked || e->asked[k].due_ms > e->tick_ms) continue;
        size_t i = e->asked[k].step;
        const struct step_state *step = &e->state.steps[i];
        if (step->status == STEP_PARKED_STATUS)
            end_parked(e, i, approval_expiry(&e->turn, &e->state, step, e->now_ms));
        else asking_forget(e, i);
    }
}

/* The defaults of what is asked for, evaluated. */
static int
declare(struct engine *e, const struct step_state *step, const struct value **ret, struct err *err)
{
    const struct value *defaults;
    int code = inputs_approval(&e->inputs, step, &e->turn, &defaults, err);
    if (!code) *ret = approval_declared(&e->turn, step->step->approve, defaults);
    return code;
}

bool
asking_pass(struct engine *e, size_t i, struct err *err)
{
    struct step_state *step = &e->state.steps[i];
    const struct approve *approve = step->step->approve;
    const struct value *declared;
    bool wanted = true;
    /* A loop is asked about as a whole, or each of its items by itself. */
    if (approve == NULL || (step->step->loop != NULL && approve->of_item != step->is_item)) return true;
    if (step->approval != NULL && step->approval->granted) return true;
    if (inputs_asks(&e->inputs, step, &e->turn, &wanted, err) != 0) return false;
    if (declare(e, step, &declared, err) != 0) return false;
    if (wanted && e->state.cancel_asked) { /* in `finally`: who ended the run is asked nothing more */
        step_cancel(e, i, "the run was cancelled: nobody is asked");
        return false;
    }
    if (wanted) {
        engine_emit(e, EVENT_STEP_PARKED, step, approval_question(&e->turn, step->step, declared, e->now_ms));
        if (approve->expires_ms) wait_for(e, i, approve->expires_ms);
        e->sync = true; /* people are told of it */
        return false;
    }
    struct value *data = value_map(&e->turn);
    value_set(&e->turn, data, "decision", value_text(&e->turn, "pass"));
    value_set(&e->turn, data, "input", approval_defaults(&e->turn, approve, declared));
    value_set(&e->turn, data, "reason",
              engine_reason(e, "not_asked", "nobody is asked: `when` of its `approve` is false"));
    engine_emit(e, EVENT_STEP_DECIDED, step, data);
    return true;
}

static bool
is_due(const struct engine *e, size_t i)
{
    for (size_t k = 0; k < e->nasked; k++)
        if (e->asked[k].step == i) return e->asked[k].due_ms <= e->tick_ms;
    return false;
}

int
asking_decide(struct engine *e, const struct approval_request *request, struct err *err)
{
    struct step_state *step = state_step(&e->state, request->step, request->item);
    size_t i = step != NULL ? (size_t)(step - e->state.steps) : 0;
    const struct value *data;
    bool expired = step != NULL && is_due(e, i);
    /* The question of an earlier engine: its end is not on our clock yet. */
    if (step != NULL && step->approval != NULL && !e->scheduled) expired = approval_expired(step->approval, e->now_ms);
    int code = approval_judge(&e->turn, &e->state, request, expired, &data, err);
    if (code || data == NULL) return code;
    engine_emit(e, EVENT_STEP_DECIDED, step, data);
    e->sync = true;
    if (step->approval->rejected) {
        end_parked(e, i, approval_rejection(&e->turn, &e->state, step, e->now_ms));
    } else if (step->approval->granted) {
        asking_forget(e, i);
        if (e->scheduled) sched_again(&e->sched, i); /* before that, sched_init finds it */
    }
    return 0;
}

void
asking_take(struct engine *e)
{
    struct decision_file *files;
    size_t count;
    decisions_list(&e->turn, e->folder, &files, &count);
    for (size_t k = 0; k < count; k++) {
        struct err err = {0};
        if (asking_decide(e, &files[k].request, &err) != 0) engine_note(e, "%s", err.message);
        engine_after(e, (struct after){.type = AFTER_FORGET, .job = value_text(&e->turn, files[k].name)});
    }
}
