/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The cost per ended step is its number of dependents.
 */
#include "run/sched.h"

#include "base/assert.h"

static void
enqueue(struct sched *sched, size_t i)
{
    if (sched->queued[i] || sched->state->steps[i].step->part != sched->part) return;
    sched->queued[i] = true;
    sched->queue[sched->tail] = (uint32_t)i;
    sched->tail = (sched->tail + 1) % (sched->state->nsteps + 1);
    ASSERT(sched->tail != sched->head);
}

static bool
may_run(const struct step_state *step)
{
    return step->status == STEP_WAITING_STATUS || step->status == STEP_READY_STATUS ||
           step->status == STEP_BACKOFF_STATUS;
}

static void
enqueue_part(struct sched *sched)
{
    for (size_t i = 0; i < sched->state->nsteps; i++) {
        const struct step_state *step = &sched->state->steps[i];
        if (step->status == STEP_BACKOFF_STATUS) continue; /* its delay says when */
        if (step->step->part == sched->part && sched->missing[i] == 0 && may_run(step)) enqueue(sched, i);
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

void
sched_init(struct sched *sched, struct arena *arena, const struct run_state *state)
{
    size_t n = state->nsteps;
    *sched = (struct sched){.state = state, .part = PART_STEPS};
    sched->missing = ARENA_ARRAY(arena, n + 1, uint32_t);
    sched->queue = ARENA_ARRAY(arena, n + 1, uint32_t);
    sched->queued = ARENA_ARRAY(arena, n + 1, bool);
    sched_dependents(arena, state->model->steps, n, &sched->first, &sched->dependents);
    for (size_t i = 0; i < n; i++) {
        const struct step *step = state->steps[i].step;
        for (size_t k = 0; k < step->nneeds; k++)
            if (!step_status_ended(state->steps[step->needs[k]].status)) sched->missing[i]++;
        if (!step_status_ended(state->steps[i].status)) sched->open[step->part]++;
    }
    enqueue_part(sched);
}

ptrdiff_t
sched_next(struct sched *sched)
{
    while (sched->head != sched->tail) {
        size_t i = sched->queue[sched->head];
        sched->head = (sched->head + 1) % (sched->state->nsteps + 1);
        sched->queued[i] = false;
        if (may_run(&sched->state->steps[i])) return (ptrdiff_t)i;
    }
    return -1;
}

void
sched_ended(struct sched *sched, size_t i)
{
    enum step_part part = sched->state->steps[i].step->part;
    ASSERT(step_status_ended(sched->state->steps[i].status) && sched->open[part] > 0);
    sched->open[part]--;
    for (uint32_t k = sched->first[i]; k < sched->first[i + 1]; k++) {
        size_t dependent = sched->dependents[k];
        ASSERT(sched->missing[dependent] > 0);
        if (--sched->missing[dependent] == 0) enqueue(sched, dependent);
    }
}

void
sched_again(struct sched *sched, size_t i)
{
    enqueue(sched, i);
}

bool
sched_part_done(const struct sched *sched)
{
    return sched->open[sched->part] == 0;
}

bool
sched_next_part(struct sched *sched)
{
    while (sched->part != PART_FINALLY) {
        sched->part = (enum step_part)(sched->part + 1);
        if (sched->open[sched->part] == 0) continue;
        enqueue_part(sched);
        return true;
    }
    return false;
}

bool
sched_counts_as_success(const struct step_state *step)
{
    return step->status == STEP_SUCCEEDED_STATUS ||
           (step->status == STEP_FAILED_STATUS && step->step->continue_on_error);
}

const struct step_state *
sched_failure(const struct sched *sched)
{
    const struct step_state *first = NULL;
    for (size_t i = 0; i < sched->state->nsteps; i++) {
        const struct step_state *step = &sched->state->steps[i];
        if (step->status != STEP_FAILED_STATUS || step->step->continue_on_error) continue;
        if (first == NULL || step->finished_ms < first->finished_ms) first = step;
    }
    return first;
}

struct sched_view
sched_view(const struct sched *sched, size_t i)
{
    const struct step *step = sched->state->steps[i].step;
    struct sched_view view = {.success = true, .cancelled = sched->state->cancel_asked};
    for (size_t k = 0; k < step->nneeds; k++) {
        const struct step_state *need = &sched->state->steps[step->needs[k]];
        if (sched_counts_as_success(need)) continue;
        view.success = false;
        if (view.first_bad == NULL) view.first_bad = need->step->id;
        if (need->status == STEP_FAILED_STATUS) view.failure = true;
        if (need->status == STEP_CANCELLED_STATUS) view.cancelled = true;
    }
    if (step->part != PART_STEPS && sched_failure(sched) != NULL) view.failure = true;
    return view;
}
