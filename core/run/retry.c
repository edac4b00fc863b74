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
    struct retry_plan *plan;
};

/* The steps of the workflow or of one block, side by side. */
struct level {
    const struct model *model;
    const struct step_state *block; /* NULL: the workflow */
    struct retry_row *rows;         /* of the model's steps; `parts` says that a part may be enough */
};

static void
set_row(struct retry_row *row, enum retry_fate fate, const char *code, const char *text)
{
    row->fate = fate;
    row->code = code;
    row->text = text;
    row->parts = false;
}

static bool
runs(const struct retry_row *row)
{
    return row->fate == RETRY_AGAIN || row->fate == RETRY_NEW;
}

static void
add_row(struct planner *p, const struct retry_row *row)
{
    struct retry_plan *plan = p->plan;
    plan->rows = arena_grow(p->arena, plan->rows, plan->nrows, &plan->capacity, sizeof *plan->rows);
    plan->rows[plan->nrows++] = *row;
    plan->again += runs(row) && !row->parts;
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
           (old->status == STEP_CANCELLED_STATUS ||
            (old->reason_code != NULL && str_eq(old->reason_code, "unknown_fail")));
}

static bool
undone_within(const struct run_state *state, const struct step_state *step)
{
    if (!state_is_parent(step)) return step->undone;
    for (uint32_t i = 0; step->expanded && i < step->nchildren; i++)
        if (undone_within(state, &state->steps[step->first + i])) return true;
    return false;
}

static void
judge_by_end(const struct run_state *state, struct retry_row *row, const struct step_state *old)
{
    const char *code = old->reason_code != NULL ? old->reason_code : "";
    if (undone_within(state, old)) {
        set_row(row, RETRY_AGAIN, "undone", "it was undone");
        return;
    }
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
        else if (str_eq(code, "fail_fast")) set_row(row, RETRY_AGAIN, "skipped", "an item before it had failed");
        else set_row(row, RETRY_KEEP, "skipped", "it was skipped by its own condition");
        return;
    case STEP_FAILED_STATUS:
        /* Of an item it says nothing: the loop is tolerated as a whole, and here the loop runs again. */
        if (old->step->continue_on_error && !old->is_item)
            set_row(row, RETRY_KEEP, "tolerated", "its failure is tolerated");
        else set_row(row, RETRY_AGAIN, "failed", "it failed");
        return;
    case STEP_CANCELLED_STATUS: set_row(row, RETRY_AGAIN, "cancelled", "it was cancelled"); return;
    default: set_row(row, RETRY_AGAIN, "not_run", "it has not run"); return;
    }
}

static void
judge(struct planner *p, struct level *level, size_t i)
{
    const struct step *step = &level->model->steps[i];
    const struct step_state *old = state_beside(p->state, level->block, step->local);
    struct retry_row *row = &level->rows[i];
    const char *named = p->request->from != NULL ? p->request->from : p->request->only;
    *row = (struct retry_row){.step = step->id, .item = level->block != NULL ? level->block->item : NULL};
    if (old == NULL) {
        set_row(row, RETRY_NEW, "new", "it was not in the workflow that ran");
        return;
    }
    if (named != NULL && level->block == NULL) {
        /* Somebody chose: what ended otherwise is theirs to choose, too. */
        if (str_eq(named, step->id)) set_row(row, RETRY_AGAIN, "named", "you asked for it");
        else set_row(row, RETRY_KEEP, "not_named", arena_printf(p->arena, "it %s", step_status_name(old->status)));
    } else {
        judge_by_end(p->state, row, old);
        row->parts = row->fate == RETRY_AGAIN && state_is_parent(old) && old->expanded;
    }
    const char *how = p->request->only == NULL && level->block == NULL ? edited(p, old, i) : NULL;
    if (how != NULL) set_row(row, RETRY_AGAIN, "edited", how);
}

/* ---- what follows ---- */

/* Breadth first over the edges from a step to those that need it. */
static void
take_along(struct planner *p, struct level *level)
{
    size_t n = level->model->nsteps, head = 0, tail = 0;
    uint32_t *first, *behind, *queue = ARENA_ARRAY(p->arena, n + 1, uint32_t);
    sched_dependents(p->arena, level->model->steps, n, &first, &behind);
    for (size_t i = 0; i < n; i++) /* a hook that is new changes no inputs */
        if (runs(&level->rows[i]) && (level->model->steps[i].hook == NULL || level->rows[i].fate != RETRY_NEW))
            queue[tail++] = (uint32_t)i;
    while (head < tail) {
        uint32_t i = queue[head++];
        for (uint32_t k = first[i]; k < first[i + 1]; k++) {
            struct retry_row *row = &level->rows[behind[k]];
            row->parts = false; /* its items or params may be others */
            if (runs(row)) continue;
            set_row(row, RETRY_AGAIN, "need", arena_printf(p->arena, "it needs \"%s\", which runs again",
                                                           level->model->steps[i].local));
            queue[tail++] = behind[k];
        }
    }
}

/* What runs at the end of a run runs at the end of each try. */
static void
take_ends_along(struct level *level)
{
    bool any = false;
    int first = PARTS; /* that has something that runs again */
    for (size_t i = 0; i < level->model->nsteps; i++) {
        enum step_part part = level->model->steps[i].part;
        any |= part == PART_STEPS && runs(&level->rows[i]);
        if (runs(&level->rows[i]) && (int)part < first) first = (int)part;
    }
    for (size_t i = 0; i < level->model->nsteps; i++) {
        enum step_part part = level->model->steps[i].part;
        if ((int)part > first) level->rows[i].parts = false; /* it begins behind that, and as a whole */
        if (!any || part == PART_STEPS) continue;
        if (!runs(&level->rows[i])) set_row(&level->rows[i], RETRY_AGAIN, "end", "it belongs to the end of every try");
    }
}

/* ---- parts ---- */

static size_t plan_parts(struct planner *p, const struct step_state *parent);

/* The row, and behind it those of its parts, if these are enough. Returns how many of them run again. */
static size_t
add_with_parts(struct planner *p, struct retry_row *row, const struct step_state *old)
{
    size_t at = p->plan->nrows, before = p->plan->again;
    bool parts = row->parts;
    add_row(p, row);
    size_t again = parts ? plan_parts(p, old) : 0;
    if (parts && again == 0) { /* its parts are well: it failed by what came out of them */
        p->plan->nrows = at;
        p->plan->again = before;
        row->parts = false;
        add_row(p, row);
    } else if (parts) {
        p->plan->rows[at].text = arena_printf(p->arena, "%s; %zu of its %u parts run%s again", row->text, again,
                                              old->nchildren, again == 1 ? "s" : "");
    }
    return runs(row);
}

static size_t
plan_items(struct planner *p, const struct step_state *loop)
{
    size_t again = 0;
    for (uint32_t i = 0; i < loop->nchildren; i++) {
        const struct step_state *item = &p->state->steps[loop->first + i];
        struct retry_row row = {.step = item->step->id, .item = item->item};
        judge_by_end(p->state, &row, item);
        row.parts = runs(&row) && state_is_parent(item) && item->expanded;
        if (runs(&row)) again += add_with_parts(p, &row, item);
    }
    return again;
}

/* All that run again of one level, and of their parts. */
static size_t
add_level(struct planner *p, struct level *level, bool kept)
{
    size_t again = 0;
    for (size_t i = 0; i < level->model->nsteps; i++) {
        struct retry_row *row = &level->rows[i];
        const struct step_state *old = state_beside(p->state, level->block, level->model->steps[i].local);
        if (runs(row)) again += add_with_parts(p, row, old);
        else if (kept) add_row(p, row);
    }
    return again;
}

static void
plan_level(struct planner *p, struct level *level)
{
    level->rows = ARENA_ARRAY(p->arena, level->model->nsteps + 1, struct retry_row);
    for (size_t i = 0; i < level->model->nsteps; i++) judge(p, level, i);
    if (p->request->only != NULL) return;
    take_along(p, level);
    take_ends_along(level);
}

static size_t
plan_parts(struct planner *p, const struct step_state *parent)
{
    if (state_is_loop(parent)) return plan_items(p, parent);
    struct level level = {.model = parent->step->body, .block = parent};
    plan_level(p, &level);
    return add_level(p, &level, false);
}

/* A step within a block, or an item: it, and with `from` all behind it on every level up to the workflow. */
static void
plan_inner(struct planner *p, const struct step_state *target)
{
    struct retry_row row = {.step = target->step->id, .item = target->item};
    set_row(&row, RETRY_AGAIN, "named", "you asked for it");
    add_row(p, &row);
    for (const struct step_state *at = target; p->request->from != NULL && at != NULL; at = state_block(p->state, at)) {
        const struct step_state *block = state_block(p->state, at);
        struct level level = {.model = at->step->home, .block = block};
        size_t own = (size_t)(at->step - at->step->home->steps);
        level.rows = ARENA_ARRAY(p->arena, level.model->nsteps + 1, struct retry_row);
        for (size_t i = 0; i < level.model->nsteps; i++)
            level.rows[i] = (struct retry_row){.step = level.model->steps[i].id,
                                               .item = block != NULL ? block->item : NULL};
        set_row(&level.rows[own], RETRY_AGAIN, "named", "you asked for a part of it");
        take_along(p, &level);
        take_ends_along(&level);
        for (size_t i = 0; i < level.model->nsteps; i++)
            if (i != own && runs(&level.rows[i])) add_row(p, &level.rows[i]);
    }
}

/* ---- the request ---- */

int
run_must_have_ended(const struct run_state *state, struct err *err)
{
    for (size_t i = 0; i < state->nsteps && !run_status_ended(state->status); i++) {
        const struct step_state *step = &state->steps[i];
        if (step->status != STEP_UNKNOWN_STATUS) continue;
        err_set(err, EXIT_UNKNOWN, "nobody knows yet whether the effect of step \"%s\" happened", step->step->id);
        err_hint(err, "Settle that first: levada resolve %s %s --done | --redo | --fail", state->id,
                 state_address(state->arena, step));
        return EXIT_UNKNOWN;
    }
    if (run_status_ended(state->status)) return 0;
    bool parked = state->status == RUN_PARKED_STATUS;
    const struct step_state *asked = parked ? approval_first(state) : NULL;
    err_set(err, parked ? EXIT_PARKED : EXIT_HELD, "run %s has not ended: it is %s", state->id,
            run_status_name(state->status));
    struct arena arena ARENA_SCOPED = {0};
    const char *address = asked != NULL ? state_address(&arena, asked) : "";
    if (asked != NULL)
        err_hint(err, "levada approve %s %s or levada reject %s %s settles it; levada cancel %s ends it.", state->id,
                 address, state->id, address, state->id);
    else err_hint(err, "levada resume %s goes on with it; levada cancel %s ends it.", state->id, state->id);
    return err->code;
}

static int
check_need(const char *named, const struct step *need, const struct step_state *state,
           struct err *err)
{
    if (state != NULL && (sched_counts_as_success(state) || state->status == STEP_SKIPPED_STATUS)) return 0;
    err_set(err, EXIT_USAGE, "step \"%s\" needs \"%s\", which %s", named, need->local,
            state != NULL ? step_status_name(state->status) : "has never run");
    err_hint(err, "Begin with that one: --from %s", need->id);
    return EXIT_USAGE;
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
        const struct step *need = &p->model->steps[step->needs[k]];
        int code = check_need(named, need, state_step(p->state, need->id, NULL), err);
        if (code) return code;
    }
    return 0;
}

/* Is an item asked for, or a step within another? Then *ret is it. */
static int
find_inner(const struct planner *p, const struct step_state **ret, struct err *err)
{
    const struct retry_request *request = p->request;
    const char *named = request->from != NULL ? request->from : request->only;
    *ret = NULL;
    if (named == NULL && request->item != NULL) return err_set(err, EXIT_USAGE, "--item needs --from or --only");
    if (named == NULL || (request->item == NULL && strchr(named, '.') == NULL)) return 0;
    if (request->model != NULL) {
        err_set(err, EXIT_USAGE, "with another file, parts of a step cannot be chosen");
        err_hint(err, "Name the step at the top: --from %.*s", (int)strcspn(named, "."), named);
        return EXIT_USAGE;
    }
    struct step_state *found;
    int code = state_find(p->state, named, request->item, &found, err);
    if (code) return code;
    *ret = found;
    for (size_t k = 0; k < found->step->nneeds && !code; k++) {
        const struct step_state *need = state_sibling(p->state, found, found->step->needs[k]);
        code = check_need(named, need->step, need, err);
    }
    return code;
}

static void
add_gone(struct planner *p)
{
    for (size_t i = 0; p->model != p->state->model && i < p->state->model->nsteps; i++) {
        const char *id = p->state->steps[i].step->id;
        struct retry_row row = {.step = id};
        if (state_step(&p->fresh, id, NULL) != NULL) continue;
        set_row(&row, RETRY_GONE, "gone", "it is no longer in the workflow; what it did stays done");
        add_row(p, &row);
    }
}

int
retry_plan(struct arena *arena, const struct run_state *state, const struct retry_request *request,
           struct retry_plan *ret, struct err *err)
{
    struct planner p = {.arena = arena, .state = state, .request = request, .plan = ret,
                        .model = request->model != NULL ? request->model : state->model};
    struct level top = {.model = p.model};
    const struct step_state *inner = NULL;
    *ret = (struct retry_plan){0};
    state_init(&p.fresh, arena, p.model, state->id);
    int code = run_must_have_ended(state, err);
    if (!code) code = find_inner(&p, &inner, err);
    if (!code && inner == NULL) code = check_named(&p, err);
    if (code) return code;
    if (inner != NULL) {
        plan_inner(&p, inner);
    } else {
        plan_level(&p, &top);
        (void)add_level(&p, &top, true);
        add_gone(&p);
    }
    if (ret->again > 0) return 0;
    err_set(err, EXIT_USAGE, "there is nothing to retry: run %s %s and every result is valid", state->id,
            run_status_name(state->status));
    err_hint(err, "To run finished steps again, name where: --from STEP or --only STEP");
    return EXIT_USAGE;
}
