/* SPDX-License-Identifier: Apache-2.0
 *
 * The scheduler: pure. Statuses in, the next steps to look at out; no clock, no process, no file. Every step counts
 * the needs that have not ended; at zero it is queued. Parts run one after the other: steps, then on_failure when
 * something failed, then finally.
 */
#ifndef RUN_SCHED_H
#define RUN_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "run/state.h"

struct sched {
    const struct run_state *state;
    uint32_t *missing;               /* needs that have not ended */
    uint32_t *dependents, *first;    /* of step i: dependents[first[i]] … dependents[first[i + 1] - 1] */
    uint32_t *queue;                 /* a ring of nsteps + 1 */
    size_t head, tail;
    bool *queued;
    enum step_part part;
    size_t open[PARTS];                /* steps of a part that have not ended */
};

/* The edges the other way: the steps that need step i are (*ret)[(*first)[i]] … (*ret)[(*first)[i + 1] - 1]. */
void sched_dependents(struct arena *arena, const struct step *steps, size_t count, uint32_t **first, uint32_t **ret);
/* From any state: fresh or read back from a journal. */
void sched_init(struct sched *sched, struct arena *arena, const struct run_state *state);
/* The next step that can be looked at: its needs have ended and it waits, or it is to run again. -1: none now. */
ptrdiff_t sched_next(struct sched *sched);
/* Step i ended (its status in the state says how). */
void sched_ended(struct sched *sched, size_t i);
/* Step i is to be looked at again (retry due, attempt vanished, no free slot). */
void sched_again(struct sched *sched, size_t i);
/* When all steps of the part have ended: go on to the next part. False: there is none. */
bool sched_next_part(struct sched *sched);
bool sched_part_done(const struct sched *sched);

/* Did a step, in the eyes of those that need it, succeed (succeeded, or failed with continue_on_error)? */
bool sched_counts_as_success(const struct step_state *step);
/* What `if` functions see: of the needs of step i in PART_STEPS, of the whole run in the other parts. */
struct sched_view { bool success, failure, cancelled; const char *first_bad; /* id of a need that is no success */ };
struct sched_view sched_view(const struct sched *sched, size_t i);
/* The step whose failure makes the run fail: the first that ended so, or NULL. */
const struct step_state *sched_failure(const struct sched *sched);

#endif
