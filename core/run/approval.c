/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Each question has a number, so that an answer to an old one (a file that was left, a step that was
 * retried meanwhile) is never taken for an answer to the new one.
 */
#include "run/approval.h"

#include <string.h>

#include "base/str.h"
#include "levada/plugin.h"
#include "run/failure.h"
#include "run/state_tree.h"
#include "workflow/params.h"

/* ---- the fold ---- */

int
approval_parked(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    (void)err;
    int64_t min = value_get_int(event->data, "min", 1);
    struct approval_state *approval = ARENA_NEW(state->arena, struct approval_state);
    *approval = (struct approval_state){.number = (step->approval != NULL ? step->approval->number : 0) + 1,
                                        .parked_ms = event->time_ms, .min = min > 0 ? (uint32_t)min : 1,
                                        .expires_ms = value_get_int(event->data, "expires_ms", 0),
                                        .delay_ms = value_get_int(event->data, "delay_ms", 0)};
    approval->by = state_keep(state, event->data, "by");
    approval->declared = state_keep(state, event->data, "input");
    step->approval = approval;
    step->status = STEP_PARKED_STATUS;
    state_keep_reason(state, step, event->data);
    return 0;
}

static void
add_approver(struct run_state *state, struct approval_state *approval, const struct event *event)
{
    struct approver *all = ARENA_ARRAY(state->arena, approval->napprovers + 1, struct approver);
    if (approval->napprovers) memcpy(all, approval->approvers, approval->napprovers * sizeof *all);
    const char *why = state_keep_text(state, event->data, "why", NULL);
    all[approval->napprovers++] = (struct approver){
        .who = state_keep_text(state, event->data, "who", "somebody"),
        .claim = state_keep_text(state, event->data, "claim", NULL),
        .why = why != NULL && *why ? why : NULL, .request = state_keep_text(state, event->data, "request", NULL),
        .uid = value_get_int(event->data, "uid", -1), .time_ms = event->time_ms};
    approval->approvers = all;
}

void
approval_closed(struct run_state *state)
{
    if (state->status == RUN_PARKED_STATUS) state->status = RUN_INTERRUPTED_STATUS;
}

int
approval_decided(struct run_state *state, struct step_state *step, const struct event *event, struct err *err)
{
    const char *decision = value_get_str(event->data, "decision", "");
    bool pass = str_eq(decision, "pass"), reject = str_eq(decision, "reject");
    if (!pass && !reject && !str_eq(decision, "approve"))
        return err_set(err, EXIT_STORE, "an approval was decided as \"%s\"", decision);
    if (pass) {
        uint32_t number = step->approval != NULL ? step->approval->number : 0;
        step->approval = ARENA_NEW(state->arena, struct approval_state);
        *step->approval = (struct approval_state){.number = number};
    } else if (step->status != STEP_PARKED_STATUS || step->approval == NULL) {
        return err_set(err, EXIT_STORE, "somebody decided about a step that waits for nobody");
    } else {
        add_approver(state, step->approval, event);
    }
    struct approval_state *approval = step->approval;
    if (approval->input == NULL) approval->input = state_keep(state, event->data, "input");
    approval->rejected = reject;
    approval->granted = pass || value_get_bool(event->data, "granted", false);
    state_keep_reason(state, step, event->data);
    if (!approval->granted || pass) return 0;
    step->status = STEP_READY_STATUS;
    approval_closed(state);
    return 0;
}

/* ---- asking ---- */

static const struct value *
reason(struct arena *arena, const char *code, const char *text)
{
    struct value *ret = value_map(arena);
    value_set(arena, ret, "code", value_text(arena, code));
    value_set(arena, ret, "text", value_text(arena, text));
    return ret;
}

static const char *
joined(struct arena *arena, const struct value *list, const char *between)
{
    const char *ret = "";
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->list.count; i++)
        ret = arena_printf(arena, "%s%s%s", ret, i ? between : "", value_str(list->list.items[i], "?"));
    return ret;
}

static const char *
moment(struct arena *arena, int64_t ms)
{
    struct buf text BUF_SCOPED;
    buf_init(&text, 64);
    str_timestamp(&text, ms - ms % 1000);
    return arena_strdup(arena, buf_str(&text));
}

const struct value *
approval_declared(struct arena *arena, const struct approve *approve, const struct value *defaults)
{
    struct value *ret = value_map(arena);
    for (size_t i = 0; i < approve->ninputs; i++) {
        const struct param *input = &approve->inputs[i];
        struct value *one = value_map(arena);
        const struct value *fallback = value_get(defaults, input->name);
        value_set(arena, one, "type", value_text(arena, param_type_name(input->type)));
        if (input->required) value_set(arena, one, "required", value_bool(arena, true));
        if (fallback != NULL && fallback->type != VALUE_NULL) value_set(arena, one, "default", fallback);
        if (input->choices != NULL) value_set(arena, one, "enum", input->choices);
        if (input->doc != NULL) value_set(arena, one, "doc", value_text(arena, input->doc));
        value_set(arena, ret, input->name, one);
    }
    return ret;
}

const struct value *
approval_defaults(struct arena *arena, const struct approve *approve, const struct value *declared)
{
    struct value *ret = value_map(arena);
    for (size_t i = 0; i < approve->ninputs; i++) {
        const struct value *fallback = value_get(value_get(declared, approve->inputs[i].name), "default");
        value_set(arena, ret, approve->inputs[i].name, fallback != NULL ? fallback : value_null(arena));
    }
    return ret;
}

struct value *
approval_question(struct arena *arena, const struct step *step, const struct value *declared, int64_t now_ms)
{
    const struct approve *approve = step->approve;
    struct value *ret = value_map(arena);
    const char *text = "it waits for an approval";
    if (approve->by != NULL) text = arena_printf(arena, "%s by %s", text, joined(arena, approve->by, " or "));
    if (approve->min > 1) text = arena_printf(arena, "%s, of %u different users", text, approve->min);
    if (approve->expires_ms) {
        int64_t at_ms = now_ms + approve->expires_ms;
        text = arena_printf(arena, "%s, until %s", text, moment(arena, at_ms));
        value_set(arena, ret, "expires_ms", value_int(arena, at_ms));
        value_set(arena, ret, "delay_ms", value_int(arena, approve->expires_ms));
    }
    if (approve->by != NULL) value_set(arena, ret, "by", approve->by);
    value_set(arena, ret, "min", value_int(arena, approve->min));
    if (declared->map.count) value_set(arena, ret, "input", declared);
    value_set(arena, ret, "reason", reason(arena, "approval", text));
    return ret;
}

/* ---- deciding ---- */

uint32_t
approval_count(const struct approval_state *approval)
{
    return (uint32_t)approval->napprovers - approval->rejected; /* nobody is in it twice */
}

const char *
approver_name(struct arena *arena, const struct approver *approver)
{
    if (approver->claim == NULL) return approver->who;
    return arena_printf(arena, "%s (through sudo by %s)", approver->who, approver->claim);
}

bool
approval_expired(const struct approval_state *approval, int64_t now_ms)
{
    return approval->expires_ms != 0 && now_ms >= approval->expires_ms;
}

static int
has_expired(struct arena *arena, const struct step_state *step, struct err *err)
{
    err_set(err, EXIT_REFUSED, "the approval of step \"%s\" expired at %s", step->step->id,
            moment(arena, step->approval->expires_ms));
    err_hint(err, "The step fails by it. When the run has ended, `levada retry` asks again.");
    return EXIT_REFUSED;
}

static int
not_parked(struct arena *arena, const struct step_state *step, struct err *err)
{
    const struct approval_state *approval = step->approval;
    const char *id = step->step->id;
    if (approval != NULL && str_eq(step->reason_code ? step->reason_code : "", "expired"))
        return has_expired(arena, step, err);
    if (step->step->approve == NULL) {
        err_set(err, EXIT_USAGE, "step \"%s\" asks nobody: it has no `approve`", id);
    } else if (approval == NULL || approval->napprovers == 0) {
        err_set(err, EXIT_USAGE, "step \"%s\" is %s: only a parked step is approved or rejected", id,
                step_status_name(step->status));
    } else {
        const struct approver *last = &approval->approvers[approval->napprovers - 1];
        err_set(err, EXIT_USAGE, "step \"%s\" was %s by %s at %s; it is %s", id,
                approval->rejected ? "rejected" : "approved", approver_name(arena, last),
                moment(arena, last->time_ms), step_status_name(step->status));
    }
    if (step->status == STEP_WAITING_STATUS && step->step->approve != NULL)
        err_hint(err, "It asks when all that it needs has ended.");
    return EXIT_USAGE;
}

static int
check_who(struct arena *arena, const struct step_state *step, const struct approval_request *request, struct err *err)
{
    const struct value *by = step->approval->by;
    for (size_t i = 0; value_is(by, VALUE_LIST) && i < by->list.count; i++)
        if (request->as != NULL && str_eq(value_str(by->list.items[i], ""), request->as)) return 0;
    if (!value_is(by, VALUE_LIST)) return 0;
    err_set(err, EXIT_REFUSED, "step \"%s\" is not %s's to decide: `by` names %s", step->step->id, request->who,
            joined(arena, by, ", "));
    err_hint(err, "What counts is the user that this command runs as; SUDO_USER proves nothing.");
    return EXIT_REFUSED;
}

/* The input typed and whole: what the first who approved said; later ones may only agree. */
static int
bind_input(struct arena *arena, const struct step_state *step, const struct approval_request *request,
           const struct value **ret, struct err *err)
{
    const struct approve *approve = step->step->approve;
    const struct approval_state *approval = step->approval;
    struct param *inputs = ARENA_ARRAY(arena, approve->ninputs + 1, struct param);
    struct value *given = value_map(arena);
    const struct value *before = NULL, *old = approval->input;
    for (size_t i = 0; i < approve->ninputs; i++) {
        inputs[i] = approve->inputs[i];
        inputs[i].fallback = NULL; /* evaluated once, when the question was asked: see `declared` */
        const struct value *fallback = value_get(value_get(approval->declared, inputs[i].name), "default");
        if (fallback != NULL) value_set(arena, given, inputs[i].name, fallback);
    }
    if (old != NULL && params_bind_input(arena, inputs, approve->ninputs, old, step->step->id, &before, err) != 0)
        return err->code;
    value_set_all(arena, given, old);
    value_set_all(arena, given, request->input);
    int code = params_bind_input(arena, inputs, approve->ninputs, given, step->step->id, ret, err);
    for (size_t i = 0; !code && before != NULL && i < before->map.count; i++) {
        if (value_equal(before->map.values[i], value_get(*ret, before->map.names[i]))) continue;
        struct buf shown BUF_SCOPED;
        buf_init(&shown, 200);
        value_show(&shown, before->map.values[i]);
        code = err_set(err, EXIT_REFUSED, "%s approved step \"%s\" with %s = %s",
                       approver_name(arena, &approval->approvers[0]), step->step->id, before->map.names[i],
                       buf_str(&shown));
        err_hint(err, "Approve the same (leave --input out), or reject it.");
    }
    return code;
}

/* To say it once more changes nothing, and is no fault. */
static bool
has_approved(const struct approval_state *approval, const struct approval_request *request)
{
    if (approval == NULL || request->reject || approval->rejected || approval->number != request->number) return false;
    for (size_t i = 0; i < approval->napprovers; i++)
        if (approval->approvers[i].uid == request->uid) return true;
    return false;
}

int
approval_judge(struct arena *arena, const struct run_state *state, const struct approval_request *request,
               bool expired, const struct value **data, struct err *err)
{
    const struct step_state *step = state_step(state, request->step, request->item);
    const struct value *input = NULL;
    if (step == NULL) return err_set(err, EXIT_USAGE, "run %s has no step \"%s\"", state->id, request->step);
    const struct approval_state *approval = step->approval;
    *data = NULL;
    if (step->status != STEP_PARKED_STATUS && has_approved(approval, request)) return 0;
    if (step->status != STEP_PARKED_STATUS) return not_parked(arena, step, err);
    if (approval->number != request->number)
        return err_set(err, EXIT_USAGE, "step \"%s\" was asked again meanwhile", request->step);
    if (expired) return has_expired(arena, step, err);
    int code = check_who(arena, step, request, err);
    if (!code && !request->reject) code = bind_input(arena, step, request, &input, err);
    if (code) return code;
    if (has_approved(approval, request)) return 0;
    uint32_t count = approval_count(approval) + 1;
    struct value *ret = value_map(arena);
    struct approver approver = {.who = request->who, .claim = request->claim};
    const char *text = arena_printf(arena, "%s %s%s%s", approver_name(arena, &approver),
                                    request->reject ? "rejected it" : "approved", *request->why ? ": " : "",
                                    request->why);
    if (!request->reject && approval->min > 1) text = arena_printf(arena, "%s (%u of %u)", text, count, approval->min);
    value_set(arena, ret, "decision", value_text(arena, request->reject ? "reject" : "approve"));
    value_set(arena, ret, "who", value_text(arena, request->who));
    value_set(arena, ret, "uid", value_int(arena, request->uid));
    if (request->claim != NULL) value_set(arena, ret, "claim", value_text(arena, request->claim));
    if (request->as != NULL) value_set(arena, ret, "as", value_text(arena, request->as));
    value_set(arena, ret, "why", value_text(arena, request->why));
    if (input != NULL) value_set(arena, ret, "input", input);
    value_set(arena, ret, "request", value_text(arena, request->id));
    if (!request->reject && count >= approval->min) value_set(arena, ret, "granted", value_bool(arena, true));
    value_set(arena, ret, "reason", reason(arena, request->reject ? "rejected" : "approved", text));
    *data = ret;
    return 0;
}

/* ---- ends ---- */

static const struct value *
failure(struct arena *arena, const struct step_state *step, int error_class, const struct err *err, const char *code,
        int64_t now_ms)
{
    struct value *ret = value_map(arena);
    int64_t took_ms = step->started_ms && now_ms > step->started_ms ? now_ms - step->started_ms : 0;
    value_set(arena, ret, "status", value_text(arena, step_status_name(STEP_FAILED_STATUS)));
    value_set(arena, ret, "error", failure_value(arena, error_class, err));
    value_set(arena, ret, "reason", reason(arena, code, err->message));
    value_set(arena, ret, "attempt", value_int(arena, (int64_t)step->nattempts));
    value_set(arena, ret, "duration_ms", value_int(arena, took_ms));
    return ret;
}

const struct value *
approval_rejection(struct arena *arena, const struct run_state *state, const struct step_state *step, int64_t now_ms)
{
    const struct approver *last = &step->approval->approvers[step->approval->napprovers - 1];
    struct err err = {0};
    err_set(&err, EXIT_FAILED, "%s rejected it%s%s", approver_name(arena, last), last->why != NULL ? ": " : "",
            last->why != NULL ? last->why : "");
    err_hint(&err, "When the run has ended, `levada retry %s` asks again.", state->id);
    return failure(arena, step, LEVADA_PERMANENT, &err, "rejected", now_ms);
}

const struct value *
approval_expiry(struct arena *arena, const struct run_state *state, const struct step_state *step, int64_t now_ms)
{
    const struct approval_state *approval = step->approval;
    struct err err = {0};
    if (approval->min > 1)
        err_set(&err, EXIT_FAILED, "%u of %u approvals came until %s", approval_count(approval), approval->min,
                moment(arena, approval->expires_ms));
    else
        err_set(&err, EXIT_FAILED, "nobody approved it until %s", moment(arena, approval->expires_ms));
    err_hint(&err, "When the run has ended, `levada retry %s` asks again.", state->id);
    return failure(arena, step, LEVADA_TIMEOUT, &err, "expired", now_ms);
}

/* ---- names ---- */

const struct value *
approval_names(struct arena *arena, const struct step_state *step)
{
    const struct approval_state *approval = step->approval;
    const struct approve *approve = step->step->approve;
    struct value *ret = value_map(arena), *input = value_map(arena), *by = value_list(arena);
    const char *why = NULL;
    bool decided = approval != NULL && approval->granted;
    for (size_t i = 0; approve != NULL && i < approve->ninputs; i++) {
        struct err ignored = {0};
        const struct param *param = &approve->inputs[i];
        const struct value *value = decided ? value_get(approval->input, param->name) : NULL, *typed = NULL;
        if (value != NULL && value->type != VALUE_NULL)
            typed = param_coerce(arena, param->type, value, false, &ignored);
        value_set(arena, input, param->name, typed != NULL ? typed : value_null(arena));
    }
    for (size_t i = 0; decided && i < approval->napprovers; i++) {
        value_push(arena, by, value_text(arena, approval->approvers[i].who));
        if (approval->approvers[i].why != NULL) why = approval->approvers[i].why;
    }
    value_set(arena, ret, "input", input);
    value_set(arena, ret, "by", by);
    value_set(arena, ret, "reason", why != NULL ? value_text(arena, why) : value_null(arena));
    return ret;
}

const struct step_state *
approval_first(const struct run_state *state)
{
    for (size_t i = 0; i < state->nsteps; i++)
        if (state->steps[i].status == STEP_PARKED_STATUS) return &state->steps[i];
    return NULL;
}
