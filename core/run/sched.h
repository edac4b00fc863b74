/* SPDX-License-Identifier: Apache-2.0
 *
 * The scheduler: pure. Statuses in, the next steps to look at out; no clock, no process, no file. Every step counts
 * the needs that have not ended; at zero it is queued. The steps of a workflow or group, and the items of a loop, are a
 * scope: when all of them have ended, the scope is done and its owner can be. Parts of a workflow run one after the
 * other: steps, then on_success or on_failure, then finally. Scopes too are the steps of a rollback, which run one by
 * one, and each action that a chunk has called.
 */
#ifndef RUN_SCHED_H
#define RUN_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "run/state.h"

/* Edges the other way: the steps that need step i are dependents[first[i]] … dependents[first[i + 1] - 1]. */
struct sched_edges {
    const struct model *model;
    uint32_t *first, *dependents;
};

struct sched_scope {
    uint32_t owner;                  /* instance, or NO_PARENT: the run */
    uint32_t first, count;           /* instances */
    const struct sched_edges *edges; /* NULL: items, which need nothing of each other */
    enum step_part part;
    size_t open[PARTS];              /* of a part that have not ended; items are in the first */
    uint32_t next, active;           /* items: the next to begin, and how many have begun and not ended */
    bool told;                       /* that the part is done */
    bool call;                       /* one action that a chunk called: what the chunk is a part of waits for it */
};

struct sched_slot {                  /* of an instance */
    uint32_t missing;                /* needs that have not ended */
    uint32_t scope;                  /* that it is in */
    bool queued;
};

struct sched {
    struct arena *arena;
    const struct run_state *state;
    struct sched_slot *slots;
    size_t nslots, slots_capacity;
    uint32_t *queue;                 /* a ring of as many as there are slots, and one more */
    size_t head, tail, ring;
    struct sched_scope *scopes;
    size_t nscopes, scopes_capacity;
    uint32_t *done;                  /* scopes whose part has ended, to be looked at */
    size_t ndone, done_capacity;
    struct sched_edges **edges;
    size_t nedges, edges_capacity;
    size_t calls;                    /* actions called by chunks that have not ended: their callers lend them a slot */
    size_t open;                     /* steps and items that have attempts and have not ended, of what has begun */
};

/* Those edges: the steps that need step i are (*ret)[(*first)[i]] … (*ret)[(*first)[i + 1] - 1]. */
void sched_dependents(struct arena *arena, const struct step *steps, size_t count, uint32_t **first, uint32_t **ret);
/* From any state: fresh or read back from a journal. */
void sched_init(struct sched *sched, struct arena *arena, const struct run_state *state);
/* The next step that can be looked at: its needs have ended and it waits, or it is to run again. -1: none now. */
ptrdiff_t sched_next(struct sched *sched);
/* Nothing is to be looked at: is something queued all the same? */
bool sched_idle(const struct sched *sched);
/* Step i ended (its status in the state says how). */
void sched_ended(struct sched *sched, size_t i);
/* Step i is to be looked at again (retry due, attempt vanished, no free slot). */
void sched_again(struct sched *sched, size_t i);
/* May it be looked at now, or is it of a part that has not begun? */
bool sched_may_look(const struct sched *sched, size_t i);
/* The loop or block i has begun: its parts are there. */
void sched_expanded(struct sched *sched, size_t i);
/* The step i, an action that a chunk called, is there (again). */
void sched_called(struct sched *sched, size_t i);
/* A scope all of whose steps of the present part have ended, each once; -1: none. */
ptrdiff_t sched_done(struct sched *sched);
/* Go on to the next part of the scope that has open steps. False: there is none. */
bool sched_next_part(struct sched *sched, size_t scope);

/* Did a step, in the eyes of those that need it, succeed (succeeded, or failed with continue_on_error)? */
bool sched_counts_as_success(const struct step_state *step);
/* What `if` functions see: of the needs of step i in PART_STEPS, of the whole run in the other parts. */
struct sched_view {
    bool success, failure, cancelled;
    const struct step_state *first_bad; /* a need that is no success, or NULL */
};
struct sched_view sched_view(const struct sched *sched, size_t i);

#endif
