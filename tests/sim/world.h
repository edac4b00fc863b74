/* SPDX-License-Identifier: Apache-2.0
 *
 * A world without processes for the engine's own decisions: a random workflow, workers that are numbers in a table, a
 * journal that is an array, and a ledger of effects that the engine cannot see. Everything comes from one seed.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "run/engine_internal.h"

#define STEPS_MAX 14
#define ATTEMPTS_MAX 4000
#define EVENTS_MAX 20000

enum phase { LAUNCHED, STARTED, EFFECT };

/* A worker and its attempt, as they really are. */
struct real {
    size_t step;
    uint32_t record;
    uint64_t fence;
    char token[33];
    bool ask;
    enum phase phase;
    bool alive;
    bool claimed;        /* a resumer claimed it before it began */
    bool stop;           /* it was asked to stop */
    const char *why;     /* of the stop: "cancelled" or "interrupted" */
    const char *receipt; /* status, once it has ended by itself; lies there until it is acknowledged */
    const char *found;   /* of the receipt, when it asked */
    bool settled;        /* the journal knows what became of it */
    bool known;          /* … and whether its effect happened: a person said so, or asking did */
};

struct world {
    uint64_t seed, random;
    struct arena arena;
    struct model model;
    struct step steps[STEPS_MAX];
    char ids[STEPS_MAX][8];
    uint32_t needs[STEPS_MAX][STEPS_MAX];

    struct event journal[EVENTS_MAX];
    size_t nevents;
    struct real real[ATTEMPTS_MAX];
    size_t nreal;
    int64_t now_ms;
    uint64_t fence;          /* highest given */
    uint32_t max_parallel;
    int faults;              /* left to inject */
    int crash_at;            /* commits until the engine dies; -1: by chance */
    bool crash_after;        /* … behind the commit instead of before it */
    unsigned sessions, crashes, retries, resolves, commits;

    struct approve asks[STEPS_MAX]; /* of the steps that ask somebody */
    bool approved[STEPS_MAX];  /* … and were allowed to start */
    unsigned said[STEPS_MAX];  /* who has approved, a bit for each */
    int64_t asked_ms[STEPS_MAX];

    bool ended[STEPS_MAX];   /* the journal says that it has ended */
    bool failed[STEPS_MAX];  /* … and that it failed, and is not tolerated */
    bool cancelled;          /* somebody asked for the end */
    char token[STEPS_MAX][33]; /* that its effect must carry; empty: any new one */
    char past[STEPS_MAX][33]; /* of an effect that happened, and is to happen once more */
    bool person[STEPS_MAX];  /* a person decided about it at some time: its effects are theirs to count */
    FILE *trace;             /* or NULL */
    char broken[300];        /* the first promise that did not hold; empty: none */
};

/* world.c */
uint64_t world_random(struct world *world, uint64_t below);
bool world_chance(struct world *world, unsigned percent);
void world_make(struct world *world, uint64_t seed); /* a random workflow; the trace is kept */
void world_free(struct world *world);
__attribute__((format(printf, 2, 3))) void world_break(struct world *world, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void world_say(struct world *world, const char *fmt, ...);
/* The journal takes an event for good. */
void world_commit(struct world *world, const struct event *event);
/* One thing happens among the workers, whether an engine looks on or not. False: nothing can. */
bool world_move(struct world *world);
size_t world_effects(const struct world *world, const char *token);

/* promise.c: what must hold */
void promise_launch(struct world *world, const struct real *real);
void promise_event(struct world *world, const struct event *event);
void promise_end(struct world *world, const struct run_state *state);

/* person.c: who is asked */
void person_answers(struct world *world, struct engine *e);            /* while an engine looks on */
void person_settles(struct world *world, struct run_state *state);     /* while none does */

/* session.c: engines */
/* One engine from its start to its end, or to its death. Returns true when the run has ended. */
bool session_run(struct world *world, struct expr_vm *vm);

#endif
