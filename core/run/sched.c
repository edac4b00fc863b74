/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The cost per ended step is its number of dependents.
 */
#include "run/sched.h"

#include <string.h>

#include "base/assert.h"

static struct sched_scope *
scope_of(const struct sched *sched, size_t i)
{
    return &sched->scopes[sched->slots[i].scope];
}

/* A copy with room for more; what it leaves behind is the arena's. */
static void *
more(struct sched *sched, const void *old, size_t count, size_t needed, size_t *capacity, size_t size)
{
    size_t grown = *capacity * 2 > needed ? *capacity * 2 : needed;
    void *ret = arena_alloc(sched->arena, grown * size);
    memset(ret, 0, grown * size);
    if (count) memcpy(ret, old, count * size);
    *capacity = grown;
    return ret;
}

/* A slot for each instance, and a ring that holds them all. */
static void
add_slots(struct sched *sched)
{
    size_t needed = sched->state->nsteps;
    if (needed > sched->slots_capacity) {
        sched->slots = more(sched, sched->slots, sched->nslots, needed, &sched->slots_capacity, sizeof *sched->slots);
        uint32_t *ring = ARENA_ARRAY(sched->arena, sched->slots_capacity + 1, uint32_t);
        size_t count = 0;
        for (; sched->head != sched->tail; sched->head = (sched->head + 1) % sched->ring)
            ring[count++] = sched->queue[sched->head];
        sched->queue = ring;
        sched->ring = sched->slots_capacity + 1;
        sched->head = 0;
        sched->tail = count;
    }
    sched->nslots = needed;
}

bool
sched_may_look(const struct sched *sched, size_t i)
{
    const struct sched_scope *scope = scope_of(sched, i);
    return scope->edges == NULL || sched->state->steps[i].step->part == scope->part;
}

static void
enqueue(struct sched *sched, size_t i)
{
    struct sched_slot *slot = &sched->slots[i];
    if (slot->queued || !sched_may_look(sched, i)) return;
    slot->queued = true;
    sched->queue[sched->tail] = (uint32_t)i;
    sched->tail = (sched->tail + 1) % sched->ring;
    ASSERT(sched->tail != sched->head);
}

static bool
may_run(const struct step_state *step)
{
    return step->status == STEP_WAITING_STATUS || step->status == STEP_READY_STATUS ||
           step->status == STEP_BACKOFF_STATUS;
}

static void
tell_done(struct sched *sched, struct sched_scope *scope)
{
    if (scope->told || scope->open[scope->part] != 0) return;
    scope->told = true;
    if (sched->ndone == sched->done_capacity)
        sched->done = more(sched, sched->done, sched->ndone, sched->ndone + 16, &sched->done_capacity,
                           sizeof *sched->done);
    sched->done[sched->ndone++] = (uint32_t)(scope - sched->scopes);
}

static void
enqueue_part(struct sched *sched, const struct sched_scope *scope)
{
    for (size_t i = scope->first; i < scope->first + scope->count; i++) {
        const struct step_state *step = &sched->state->steps[i];
        if (step->status == STEP_BACKOFF_STATUS) continue; /* its delay says when */
        if (step->step->part == scope->part && sched->slots[i].missing == 0 && may_run(step)) enqueue(sched, i);
    }
}

/* As many items as may run at once. One that waits for a retry keeps its place. */
static void
enqueue_items(struct sched *sched, struct sched_scope *scope)
{
    /* Undoing goes back the way it came, one step at a time. */
    uint32_t most = scope->call               ? 0
                    : scope->owner == NO_PARENT ? 1
                                                : sched->state->steps[scope->owner].step->loop->max_parallel;
    while (scope->next < scope->count && (most == 0 || scope->active < most)) {
        size_t i = scope->first + scope->next++;
        const struct step_state *item = &sched->state->steps[i];
        if (step_status_ended(item->status)) continue;
        scope->active++;
        if (may_run(item) && item->status != STEP_BACKOFF_STATUS) enqueue(sched, i);
    }
}

void
sched_dependents(struct arena *arena, const struct step *steps, size_t count, uint32_t **first, uint32_t **ret)
{
    size_t edges = 0;
    *first = ARENA_ARRAY(arena, count + 2, uint32_t);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < steps[i].nneeds; k++, edges++) (*first)[steps[i].needs[k] + 2]++;
    *ret = ARENA_ARRAY(arena, edges + 1, uint32_t);
    for (size_t i = 1; i < count + 2; i++) (*first)[i] += (*first)[i - 1];
    /* Filling moves each start to where the next one's is: that is why they were counted one further on. */
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < steps[i].nneeds; k++) (*ret)[(*first)[steps[i].needs[k] + 1]++] = (uint32_t)i;
}

/* A group in a loop of ten thousand items has its edges once. */
static const struct sched_edges *
edges_of(struct sched *sched, const struct model *model)
{
    for (size_t i = sched->nedges; i-- > 0;)
        if (sched->edges[i]->model == model) return sched->edges[i];
    if (sched->nedges == sched->edges_capacity)
        sched->edges = more(sched, sched->edges, sched->nedges, sched->nedges + 8, &sched->edges_capacity,
                            sizeof *sched->edges);
    struct sched_edges *edges = ARENA_NEW(sched->arena, struct sched_edges);
    edges->model = model;
    sched_dependents(sched->arena, model->steps, model->nsteps, &edges->first, &edges->dependents);
    sched->edges[sched->nedges++] = edges;
    return edges;
}

static void
count_open(struct sched *sched, struct sched_scope *scope)
{
    for (size_t i = scope->first; i < scope->first + scope->count; i++) {
        const struct step_state *step = &sched->state->steps[i];
        sched->slots[i] = (struct sched_slot){.scope = (uint32_t)(scope - sched->scopes)};
        scope->open[scope->edges != NULL ? step->step->part : PART_STEPS] += step->open_calls;
        if (!step_status_ended(step->status)) {
            scope->open[scope->edges != NULL ? step->step->part : PART_STEPS]++;
            sched->open += !state_is_parent(step);
        }
        for (size_t k = 0; scope->edges != NULL && k < step->step->nneeds; k++) {
            const struct step_state *need = &sched->state->steps[scope->first + step->step->needs[k]];
            sched->slots[i].missing += !step_status_ended(need->status);
        }
    }
}

/* The scope of the parts of `owner`, with those of its parts that have begun. A depth that the workflow bounds. */
static void
add_scope(struct sched *sched, uint32_t owner, uint32_t first, uint32_t count, const struct model *model)
{
    if (sched->nscopes == sched->scopes_capacity)
        sched->scopes = more(sched, sched->scopes, sched->nscopes, sched->nscopes + 16, &sched->scopes_capacity,
                             sizeof *sched->scopes);
    size_t number = sched->nscopes++;
    struct sched_scope *scope = &sched->scopes[number];
    *scope = (struct sched_scope){.owner = owner, .first = first, .count = count,
                                  .edges = model != NULL ? edges_of(sched, model) : NULL};
    count_open(sched, scope);
    for (uint32_t i = first; i < first + count; i++) {
        const struct step_state *step = &sched->state->steps[i];
        if (state_is_parent(step) && step->expanded && step->status == STEP_RUNNING_STATUS)
            add_scope(sched, i, step->first, step->nchildren,
                      state_is_loop(step) ? NULL : step->step->body);
    }
    scope = &sched->scopes[number];
    if (model != NULL) enqueue_part(sched, scope);
    else enqueue_items(sched, scope);
    tell_done(sched, scope);
}

static void
add_call(struct sched *sched, uint32_t i)
{
    if (sched->nscopes == sched->scopes_capacity)
        sched->scopes = more(sched, sched->scopes, sched->nscopes, sched->nscopes + 16, &sched->scopes_capacity,
                             sizeof *sched->scopes);
    struct sched_scope *scope = &sched->scopes[sched->nscopes++];
    *scope = (struct sched_scope){.owner = NO_PARENT, .first = i, .count = 1, .call = true};
    sched->calls++;
    count_open(sched, scope);
    enqueue_items(sched, scope);
}

/* The scope that the caller is in waits for it. */
static struct sched_scope *
holder_of(const struct sched *sched, size_t call, enum step_part *part)
{
    uint32_t caller = sched->state->steps[call].caller;
    struct sched_scope *holder = scope_of(sched, caller);
    *part = holder->edges != NULL ? sched->state->steps[caller].step->part : PART_STEPS;
    return holder;
}

void
sched_called(struct sched *sched, size_t i)
{
    enum step_part part;
    add_slots(sched);
    holder_of(sched, i, &part)->open[part]++;
    add_call(sched, (uint32_t)i);
}

void
sched_init(struct sched *sched, struct arena *arena, const struct run_state *state)
{
    *sched = (struct sched){.arena = arena, .state = state};
    add_slots(sched);
    if (state->rolling) add_scope(sched, NO_PARENT, state->undo_first, state->undo_count, NULL);
    else add_scope(sched, NO_PARENT, 0, (uint32_t)state->model->nsteps, state->model);
    for (uint32_t i = 0; i < state->nsteps; i++)
        if (state->steps[i].caller != NO_PARENT && !state->steps[i].gone && !step_status_ended(state->steps[i].status))
            add_call(sched, i);
}

void
sched_expanded(struct sched *sched, size_t i)
{
    const struct step_state *step = &sched->state->steps[i];
    add_slots(sched);
    add_scope(sched, (uint32_t)i, step->first, step->nchildren, state_is_loop(step) ? NULL : step->step->body);
}

ptrdiff_t
sched_next(struct sched *sched)
{
    while (sched->head != sched->tail) {
        size_t i = sched->queue[sched->head];
        sched->head = (sched->head + 1) % sched->ring;
        sched->slots[i].queued = false;
        if (may_run(&sched->state->steps[i])) return (ptrdiff_t)i;
    }
    return -1;
}

bool
sched_idle(const struct sched *sched)
{
    return sched->head == sched->tail && sched->ndone == 0;
}

void
sched_ended(struct sched *sched, size_t i)
{
    const struct step_state *step = &sched->state->steps[i];
    struct sched_scope *scope = scope_of(sched, i);
    enum step_part part = scope->edges != NULL ? step->step->part : PART_STEPS;
    ASSERT(step_status_ended(step->status) && scope->open[part] > 0);
    scope->open[part]--;
    if (scope->call) {
        struct sched_scope *holder = holder_of(sched, i, &part);
        sched->calls--;
        sched->open--;
        holder->open[part]--;
        tell_done(sched, holder);
        return;
    }
    sched->open -= !state_is_parent(step);
    if (scope->edges == NULL) {
        /* One that ended without having begun was never counted. */
        if (i < scope->first + scope->next) scope->active--;
        enqueue_items(sched, scope);
    } else {
        const struct sched_edges *edges = scope->edges;
        size_t own = i - scope->first;
        for (uint32_t k = edges->first[own]; k < edges->first[own + 1]; k++) {
            size_t dependent = scope->first + edges->dependents[k];
            ASSERT(sched->slots[dependent].missing > 0);
            if (--sched->slots[dependent].missing == 0) enqueue(sched, dependent);
        }
    }
    tell_done(sched, scope);
}

void
sched_again(struct sched *sched, size_t i)
{
    enqueue(sched, i);
}

ptrdiff_t
sched_done(struct sched *sched)
{
    return sched->ndone > 0 ? (ptrdiff_t)sched->done[--sched->ndone] : -1;
}

bool
sched_next_part(struct sched *sched, size_t number)
{
    struct sched_scope *scope = &sched->scopes[number];
    while (scope->edges != NULL && scope->part != PART_FINALLY) {
        scope->part = (enum step_part)(scope->part + 1);
        if (scope->open[scope->part] == 0) continue;
        scope->told = false;
        enqueue_part(sched, scope);
        return true;
    }
    return false;
}

bool
sched_counts_as_success(const struct step_state *step)
{
    return step->status == STEP_SUCCEEDED_STATUS ||
           (step->status == STEP_FAILED_STATUS && step->step->continue_on_error && !step->is_item);
}

struct sched_view
sched_view(const struct sched *sched, size_t i)
{
    const struct run_state *state = sched->state;
    const struct step_state *own = &state->steps[i];
    struct sched_view view = {.success = true, .cancelled = state->cancel_asked};
    for (size_t k = 0; k < own->step->nneeds; k++) {
        const struct step_state *need = state_sibling(state, own, own->step->needs[k]);
        if (sched_counts_as_success(need)) continue;
        view.success = false;
        if (view.first_bad == NULL) view.first_bad = need;
        if (need->status == STEP_FAILED_STATUS) view.failure = true;
        if (need->status == STEP_CANCELLED_STATUS) view.cancelled = true;
    }
    if (own->step->part != PART_STEPS && state_failure(state, state_block(state, own)) != NULL) view.failure = true;
    return view;
}
