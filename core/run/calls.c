/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions that a chunk calls. Each is a step in the journal, known by its number, so that a chunk that runs again gets
 * the results of the calls that succeeded instead of doing them twice.
 */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "plugin/field.h"
#include "run/engine_internal.h"
#include "run/failure.h"

static void
reply(struct engine *e, size_t worker, const char *status, const char *member, const struct value *value)
{
    struct value *data = value_map(&e->turn);
    value_set(&e->turn, data, "record", value_int(&e->turn, e->workers[worker].record));
    value_set(&e->turn, data, "status", value_text(&e->turn, status));
    if (value != NULL) value_set(&e->turn, data, member, value);
    e->workers[worker].call = -1;
    engine_after(e, (struct after){.type = AFTER_CALL_REPLY, .worker = worker, .record = e->workers[worker].record,
                                   .job = data});
}

static void
refuse(struct engine *e, size_t worker, int error_class, struct err *err)
{
    reply(e, worker, "failed", "error", failure_value(&e->turn, error_class, err));
}

/* What became of the call, to the chunk that waits for it. Nothing yet: it goes on waiting. */
static void
reply_ended(struct engine *e, size_t worker, const struct step_state *call)
{
    struct err err = {0};
    if (call->status == STEP_SUCCEEDED_STATUS) {
        reply(e, worker, "succeeded", "outputs", call->outputs != NULL ? call->outputs : value_map(&e->turn));
    } else if (call->status == STEP_UNKNOWN_STATUS) {
        reply(e, worker, "unknown", NULL, NULL);
    } else if (step_status_ended(call->status)) {
        err_set(&err, EXIT_FAILED, "it %s", step_status_name(call->status));
        const struct value *error =
            call->error != NULL ? call->error : failure_value(&e->turn, LEVADA_CANCELLED, &err);
        reply(e, worker, "failed", "error", error);
    }
}

/* The call of this number in this round, whatever its action; NULL: it is new. */
static struct step_state *
find_call(struct engine *e, const struct step_state *caller, const char *name)
{
    const struct model *calls = caller->step->calls;
    for (size_t i = 0; calls != NULL && i < calls->nsteps; i++) {
        struct step_state *call = state_step(&e->state, calls->steps[i].id, name);
        if (call != NULL && !call->gone) return call;
    }
    return NULL;
}

static const struct step *
find_callee(struct engine *e, const struct step_state *caller, const char *action)
{
    const struct model *calls = caller->step->calls;
    for (size_t i = 0; calls != NULL && i < calls->nsteps; i++)
        if (str_eq(arena_printf(&e->turn, "%s.%s", calls->steps[i].plugin, calls->steps[i].action), action))
            return &calls->steps[i];
    return NULL;
}

struct faults {
    struct err err;
};

static void
note_fault(void *context, const struct value *at, const char *code, const char *message, const char *hint)
{
    struct faults *faults = context;
    (void)at;
    (void)code;
    if (faults->err.code) return; /* the first will do */
    err_set(&faults->err, EXIT_INVALID, "%s", message);
    if (hint != NULL) err_hint(&faults->err, "%s", hint);
}

/* The same with an expression where a secret will be: what is not known yet is right. */
static const struct value *
with_unknown(struct engine *e, const struct value *with, const struct value *deferred)
{
    struct value *ret = value_copy(&e->turn, with);
    for (size_t i = 0; value_is(deferred, VALUE_LIST) && i < deferred->list.count; i++) {
        const struct value *path = value_get(deferred->list.items[i], "path");
        const struct value *text = value_get(deferred->list.items[i], "template");
        if (value_is(path, VALUE_LIST) && path->list.count > 0 && text != NULL)
            value_set(&e->turn, ret, value_str(path->list.items[0], ""), text);
    }
    return ret;
}

/* What the plugin's steps share, and over it what the chunk gives. */
static int
call_inputs(struct engine *e, size_t caller, const struct step *callee, const struct value *given,
            const struct value **ret, struct err *err)
{
    struct step_state trial = {.step = callee, .parent = NO_PARENT, .undoes = NO_PARENT, .caller = (uint32_t)caller};
    const struct schema_action *action = callee->schema_action;
    const struct value *shared;
    struct faults faults = {0};
    int code = inputs_evaluate(&e->inputs, &trial, &e->turn, &shared, err);
    if (code) return code;
    struct value *inputs = value_copy(&e->turn, shared);
    struct value *with = value_copy(&e->turn, value_get(shared, "with"));
    value_set_all(&e->turn, with, given);
    field_check(&e->turn, action->inputs, action->ninputs, with_unknown(e, with, value_get(shared, "deferred")),
                arena_printf(&e->turn, "%s.%s", callee->plugin, callee->action), note_fault, &faults);
    value_set(&e->turn, inputs, "with", with);
    *ret = inputs;
    if (faults.err.code) *err = faults.err;
    return faults.err.code;
}

static void
begin_call(struct engine *e, size_t worker, const struct step *callee, const char *name, const struct value *given)
{
    size_t caller = (size_t)e->workers[worker].step;
    const struct value *inputs;
    struct err err = {0};
    if (call_inputs(e, caller, callee, given, &inputs, &err) != 0) {
        refuse(e, worker, LEVADA_INVALID, &err);
        return;
    }
    struct value *data = value_map(&e->turn);
    value_set(&e->turn, data, "key", value_text(&e->turn, name));
    value_set(&e->turn, data, "action", value_text(&e->turn,
                                                   arena_printf(&e->turn, "%s.%s", callee->plugin, callee->action)));
    value_set(&e->turn, data, "given", given);
    value_set(&e->turn, data, "inputs", inputs);
    engine_emit(e, EVENT_STEP_CALLED, &e->state.steps[caller], data);
    size_t call = (size_t)(state_step(&e->state, callee->id, name) - e->state.steps);
    e->workers[worker].call = (ptrdiff_t)call;
    sched_called(&e->sched, call);
}

void
calls_take(struct engine *e, size_t worker, const struct value *frame)
{
    const struct step_state *caller = &e->state.steps[e->workers[worker].step];
    const char *action = value_get_str(frame, "action", "");
    const struct value *given = value_get(frame, "with");
    const struct step *callee = find_callee(e, caller, action);
    const char *name = state_call_name(&e->turn, caller, value_get_int(frame, "number", 0));
    struct err err = {0};
    if (callee == NULL || !value_is(given, VALUE_MAP)) {
        err_set(&err, EXIT_INVALID, "\"%s\" is no action that `levada check` has seen", action);
        refuse(e, worker, LEVADA_INVALID, &err);
        return;
    }
    const struct step_state *known = find_call(e, caller, name);
    bool other = known != NULL && (known->step != callee || !value_equal(known->given, given));
    /* The chunk was edited since: it is another one, with calls of its own. */
    bool edited = other && step_status_ended(known->status) && known->model_number != e->state.model_number;
    if (other && !edited) {
        err_set(&err, EXIT_INVALID, "call %s was another one when the chunk ran before: %s", name,
                arena_printf(&e->turn, "%s.%s(%s)", known->step->plugin, known->step->action,
                             json_text(&e->turn, known->given)));
        err_hint(&err, "A chunk that runs again must call the same in the same order.");
        refuse(e, worker, LEVADA_CONTRACT, &err);
        return;
    }
    bool failed = known != NULL && step_status_ended(known->status) && known->status != STEP_SUCCEEDED_STATUS;
    if (known == NULL || edited || failed) {
        begin_call(e, worker, callee, name, given);
        return;
    }
    e->workers[worker].call = known - e->state.steps;
    reply_ended(e, worker, known);
}

/* The worker of the chunk that waits for call i; -1: none does. */
static ptrdiff_t
waiting_for(const struct engine *e, size_t i)
{
    for (size_t k = 0; k < e->nworkers; k++)
        if (e->workers[k].step >= 0 && e->workers[k].call == (ptrdiff_t)i) return (ptrdiff_t)k;
    return -1;
}

void
calls_ended(struct engine *e, size_t i)
{
    const struct step_state *step = &e->state.steps[i];
    ptrdiff_t worker = step->caller != NO_PARENT ? waiting_for(e, i) : -1;
    if (worker >= 0) reply_ended(e, (size_t)worker, step);
}

bool
calls_unknown(const struct engine *e, size_t i)
{
    const struct step_state *step = &e->state.steps[i];
    for (size_t k = 0; step->open_calls > 0 && k < e->state.nsteps; k++)
        if (e->state.steps[k].caller == i && e->state.steps[k].status == STEP_UNKNOWN_STATUS) return true;
    return false;
}

void
calls_abandon(struct engine *e, size_t i)
{
    if (e->state.steps[i].open_calls == 0) return;
    for (size_t k = 0; k < e->state.nsteps; k++) {
        const struct step_state *call = &e->state.steps[k];
        if (call->caller != i || step_status_ended(call->status) || call->status == STEP_UNKNOWN_STATUS) continue;
        if (call->status != STEP_RUNNING_STATUS) step_cancel(e, k, "the chunk that called it has ended");
        else engine_after(e, (struct after){.type = AFTER_STOP_ONE, .step = k});
    }
}
