/* SPDX-License-Identifier: Apache-2.0
 *
 * Every step gets a verdict of its own first (how it ended, whether it was edited, whether it was named); then what
 * runs again takes all behind it along, for their inputs may change.
 */
#include "run/retry.h"

#include <string.h>

#include "base/str.h"
#include "run/approval.h"
#include "run/sched.h"

static const char *const fate_names[] = {
#define X(id, word) word,
    RETRY_FATES(X)
#undef X
};

const char *
retry_fate_name(enum retry_fate fate)
{
    return fate_names[fate];
}

struct planner {
    struct arena *arena;
    const struct run_state *state;
    const struct model *model;     /* that will run */
    struct run_state fresh;        /* of the model, for looking up its steps */
    const struct retry_request *request;
    struct retry_row *rows;        /* of the model's steps */
};

static void
set_row(struct retry_row *row, enum retry_fate fate, const char *code, const char *text)
{
    row->fate = fate;
    row->code = code;
    row->text = text;
}

/* ---- one step by itself ---- */

/* What differs between the definitions, as "its `run` was edited"; NULL: nothing. */
static const char *
edited(struct planner *p, const struct step_state *old, size_t index)
{
    const struct model *past = p->state->model;
    if (p->request->models != NULL && old->model_number > 0) past = p->request->models[old->model_number - 1];
    if (past == p->model) return NULL;
    ptrdiff_t at = past == p->state->model ? old->step - past->steps : model_step_find(past, old->step->id);
    if (at < 0) return "the workflow that it ran in had no such step";
    const struct value *before = model_step_definition(p->arena, past, (size_t)at);
    const struct value *now = model_step_definition(p->arena, p->model, index);
    struct buf text BUF_SCOPED;
    size_t count = 0;
    buf_init(&text, 1024);
    for (size_t side = 0; side < 2; side++) {
        const struct value *a = side ? now : before, *b = side ? before : now;
        for (size_t i = 0; i < a->map.count; i++) {
            const struct value *other = value_get(b, a->map.names[i]);
            if (other != NULL && (side || value_equal(a->map.values[i], other))) continue;
            buf_printf(&text, "%s`%s`", count++ ? ", " : "its ", a->map.names[i]);
        }
    }
    if (count == 0) return NULL;
    buf_text(&text, count > 1 ? " were edited" : " was edited");
    return arena_strdup(p->arena, buf_str(&text));
}

/* Its effect may have happened, in part or as a whole, and running it again may do it twice. */
static bool
half_done(const struct step_state *old)
{
    return old->step->effect == LEVADA_EFFECT_UNSAFE && old->nattempts > old->past &&
           (old->status == STEP_CANCELLED_STATUS || str_eq(old->reason_code, "unknown_fail"));
}

static void
judge_by_end(struct retry_row *row, const struct step_state *old)
{
    const char *code = old->reason_code != NULL ? old->reason_code : "";
    if (half_done(old)) {
        set_row(row, RETRY_AGAIN, "half_done",
                old->status == STEP_CANCELLED_STATUS
                    ? "it was cancelled half-way: what it did may be done twice"
                    : "nobody knew whether its effect happened: it may be done twice");
        return;
    }
    switch (old->status) {
    case STEP_SUCCEEDED_STATUS: set_row(row, RETRY_KEEP, "succeeded", "it succeeded"); return;
    case STEP_SKIPPED_STATUS:
        if (str_eq(code, "need_not_met")) set_row(row, RETRY_AGAIN, "skipped", "it was skipped because of a need");
        else set_row(row, RETRY_KEEP, "skipped", "it was skipped by its own condition");
        return;
    case STEP_FAILED_STATUS:
        if (old->step->continue_on_error) set_row(row, RETRY_KEEP, "tolerated", "its failure is tolerated");
        else set_row(row, RETRY_AGAIN, "failed", "it failed");
        return;
    case STEP_CANCELLED_STATUS: set_row(row, RETRY_AGAIN, "cancelled", "it was cancelled"); return;
    default: set_row(row, RETRY_AGAIN, "not_run", "it has not run"); return;
    }
}

static void
judge(struct planner *p, size_t i)
{
    const struct step *step = &p->model->steps[i];
    const struct step_state *old = state_step(p->state, step->id, NULL);
    struct retry_row *row = &p->rows[i];
    const char *named = p->request->from != NULL ? p->request->from : p->request->only;
    row->step = step->id;
    if (old == NULL) {
        set_row(row, RETRY_NEW, "new", "it was not in the workflow that ran");
        return;
    }
    if (named != NULL) {
        /* Somebody chose: what ended otherwise is theirs to choose, too. */
        if (str_eq(named, step->id)) set_row(row, RETRY_AGAIN, "named", "you asked for it");
        else set_row(row, RETRY_KEEP, "not_named", arena_printf(p->arena, "it %s", step_status_name(old->status)));
    } else {
        judge_by_end(row, old);
    }
    const char *how = p->request->only == NULL ? edited(p, old, i) : NULL;
    if (how != NULL) set_row(row, RETRY_AGAIN, "edited", how);
}

/* ---- what follows ---- */

static bool
runs(const struct retry_row *row)
{
    return row->fate == RETRY_AGAIN || row->fate == RETRY_NEW;
}

/* Breadth first over the edges from a step to those that need it. */
static void
take_along(struct planner *p)
{
    size_t n = p->model->nsteps, head = 0, tail = 0;
    uint32_t *first, *behind, *queue = ARENA_ARRAY(p->arena, n + 1, uint32_t);
    sched_dependents(p->arena, p->model->steps, n, &first, &behind);
    for (size_t i = 0; i < n; i++)
        if (runs(&p->rows[i])) queue[tail++] = (uint32_t)i;
    while (head < tail) {
        uint32_t i = queue[head++];
        for (uint32_t k = first[i]; k < first[i + 1]; k++) {
            struct retry_row *row = &p->rows[behind[k]];
            if (runs(row)) continue;
            set_row(row, RETRY_AGAIN, "need", arena_printf(p->arena, "it needs \"%s\", which runs again",
                                                           p->rows[i].step));
            queue[tail++] = behind[k];
        }
    }
}

/* What runs at the end of a run runs at the end of each try. */
static void
take_ends_along(struct planner *p)
{
    bool any = false;
    for (size_t i = 0; i < p->model->nsteps; i++)
        any |= p->model->steps[i].part == PART_STEPS && runs(&p->rows[i]);
    for (size_t i = 0; any && i < p->model->nsteps; i++)
        if (p->model->steps[i].part != PART_STEPS && !runs(&p->rows[i]))
            set_row(&p->rows[i], RETRY_AGAIN, "end", "it belongs to the end of every try");
}

/* ---- the request ---- */

static int
check_ended(const struct run_state *state, struct err *err)
{
    for (size_t i = 0; i < state->nsteps && !run_status_ended(state->status); i++) {
        const struct step_state *step = &state->steps[i];
        if (step->status != STEP_UNKNOWN_STATUS) continue;
        err_set(err, EXIT_UNKNOWN, "nobody knows yet whether the effect of step \"%s\" happened", step->step->id);
        err_hint(err, "Settle that first: levada resolve %s %s --done | --redo | --fail", state->id, step->step->id);
        return EXIT_UNKNOWN;
    }
    if (run_status_ended(state->status)) return 0;
    bool parked = state->status == RUN_PARKED_STATUS;
    const struct step_state *asked = parked ? approval_first(state) : NULL;
    err_set(err, parked ? EXIT_PARKED : EXIT_HELD, "run %s has not ended: it is %s", state->id,
            run_status_name(state->status));
    if (asked != NULL)
        err_hint(err, "levada approve %s %s or levada reject %s %s settles it; levada cancel %s ends it.", state->id,
                 asked->step->id, state->id, asked->step->id, state->id);
    else err_hint(err, "levada resume %s goes on with it; levada cancel %s ends it.", state->id, state->id);
    return err->code;
}

static int
check_named(const struct planner *p, struct err *err)
{
    const char *named = p->request->from != NULL ? p->request->from : p->request->only;
    if (named == NULL) return 0;
    const struct step_state *found = state_step(&p->fresh, named, NULL);
    if (found == NULL) {
        const char *near = state_nearest(&p->fresh, named);
        err_set(err, EXIT_USAGE, "the workflow has no step \"%s\"", named);
        if (near != NULL) err_hint(err, "Did you mean \"%s\"?", near);
        return EXIT_USAGE;
    }
    for (size_t i = 0; p->request->only != NULL && i < p->model->nsteps; i++) {
        if (state_step(p->state, p->model->steps[i].id, NULL) != NULL) continue;
        err_set(err, EXIT_USAGE, "step \"%s\" is new in the workflow, and --only runs no other step than \"%s\"",
                p->model->steps[i].id, named);
        err_hint(err, "Leave --only out, or retry with a workflow that has no new steps.");
        return EXIT_USAGE;
    }
    const struct step *step = found->step;
    for (size_t k = 0; k < step->nneeds; k++) {
        const char *need = p->model->steps[step->needs[k]].id;
        const struct step_state *state = state_step(p->state, need, NULL);
        if (state != NULL && (sched_counts_as_success(state) || state->status == STEP_SKIPPED_STATUS)) continue;
        err_set(err, EXIT_USAGE, "step \"%s\" needs \"%s\", which %s", named, need,
                state != NULL ? step_status_name(state->status) : "has never run");
        err_hint(err, "Begin with that one: --from %s", need);
        return EXIT_USAGE;
    }
    return 0;
}

static void
add_gone(const struct planner *p, struct retry_plan *plan)
{
    for (size_t i = 0; p->model != p->state->model && i < p->state->nsteps; i++) {
        const char *id = p->state->steps[i].step->id;
        if (state_step(&p->fresh, id, NULL) != NULL) continue;
        struct retry_row *row = &plan->rows[plan->nrows++];
        row->step = id;
        set_row(row, RETRY_GONE, "gone", "it is no longer in the workflow; what it did stays done");
    }
}

int
retry_plan(struct arena *arena, const struct run_state *state, const struct retry_request *request,
           struct retry_plan *ret, struct err *err)
{
    struct planner p = {.arena = arena, .state = state, .request = request,
                        .model = request->model != NULL ? request->model : state->model};
    *ret = (struct retry_plan){.nrows = p.model->nsteps};
    ret->rows = p.rows = ARENA_ARRAY(arena, p.model->nsteps + state->nsteps + 1, struct retry_row);
    state_init(&p.fresh, arena, p.model, state->id);
    int code = check_ended(state, err);
    if (!code) code = check_named(&p, err);
    if (code) return code;
    for (size_t i = 0; i < p.model->nsteps; i++) judge(&p, i);
    if (request->only == NULL) {
        take_along(&p);
        take_ends_along(&p);
    }
    for (size_t i = 0; i < ret->nrows; i++) ret->again += runs(&ret->rows[i]);
    add_gone(&p, ret);
    if (ret->again > 0) return 0;
    err_set(err, EXIT_USAGE, "there is nothing to retry: run %s %s and every result is valid", state->id,
            run_status_name(state->status));
    err_hint(err, "To run finished steps again, name where: --from STEP or --only STEP");
    return EXIT_USAGE;
}
