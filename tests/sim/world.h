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

#define NODES_MAX 2000
#define ATTEMPTS_MAX 4000
#define EVENTS_MAX 20000
#define TOP (-1)  /* the parent of the workflow's own steps */
#define UNDO (-2) /* … and of those that take back what others did */

enum phase { LAUNCHED, STARTED, EFFECT };

/* A step, an item, or a step within one, as the workflow and the journal have it: the world's own tree. */
struct node {
    const struct step *step;
    const char *item, *key;  /* as in the journal; is_item: its own key */
    const char *name;        /* for people */
    int parent;              /* or TOP, or UNDO */
    int undoes;              /* parent is UNDO: the node that it takes back */
    unsigned turn;           /* … and its place among those of the rollback */
    bool undone;
    uint64_t ended_at;       /* events before that */
    bool is_item, gone;
    bool begun, expanded;    /* in this try: it has an intent, or its parts */
    enum step_status end;    /* that the journal says; WAITING: it has not ended */
    unsigned begun_in;       /* begun: retries of the run before that */
    unsigned failed_in;      /* end is FAILED: the same */
    unsigned polls, failures;/* in this try, since the last success */
    char token[33];          /* that its effect must carry; empty: any new one */
    char past[33];           /* of an effect that happened, and is to happen once more */
    bool approved;           /* who must be asked was asked in this try, and enough have said yes */
    unsigned said;           /* who has approved, a bit for each */
    int64_t asked_ms;
    bool person;             /* a person decided about it at some time: its effects are theirs to count */
};

/* A worker and its attempt, as they really are. */
struct real {
    int node;
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
    const struct model *model;
    struct node nodes[NODES_MAX];
    int nnodes;

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
    unsigned sessions, crashes, retries, rollbacks, resolves, commits;

    bool cancelled;          /* somebody asked for the end */
    bool rolling;            /* what was done is being taken back, and nothing else runs */
    enum run_status before;  /* … of a run that had ended so */
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

/* maker.c: the random workflow, from a text that the checker has read. The same seed gives the same model, and keeps it
 * until there is another seed. Returns NULL when the checker refuses it: a bug of one of the two. */
const struct model *maker_make(struct world *world);
void maker_forget(void);

/* tree.c: the world's own tree of steps, items and their parts */
void tree_make(struct world *world); /* the workflow's own steps */
int tree_find(const struct world *world, const char *id, const char *item); /* -1: there is none */
/* The next child of `parent` behind `last` (-1: the first); -1: there is none. */
int tree_next(const struct world *world, int parent, int last);
int tree_sibling(const struct world *world, int node, uint32_t k); /* step k of the model that the node belongs to */
bool tree_live(const struct world *world, int node);   /* all around it has begun, and nothing replaced it */
bool tree_is_loop(const struct node *node);
bool tree_is_parent(const struct node *node);
bool tree_asks(const struct node *node);               /* is somebody asked about it, before it begins? */
bool tree_in_finally(const struct world *world, int node);
bool tree_failed(const struct node *node);             /* in a way that fails what it is a part of */
bool tree_sibling_failed(const struct world *world, int parent);
void tree_expand(struct world *world, int node, const struct event *event);
void tree_undo(struct world *world, const struct event *event); /* the run is rolled back */
void tree_retry(struct world *world, int node);        /* it runs again, and with it what it is a part of goes on */

/* promise.c: what must hold */
void promise_launch(struct world *world, const struct real *real);
void promise_event(struct world *world, const struct event *event);

/* promise_end.c: … when the run has ended */
void promise_end(struct world *world, const struct run_state *state);
/* Two folds of the same events are the same in everything. */
void promise_same(struct world *world, const struct run_state *a, const struct run_state *b);

/* person.c: who is asked */
void person_answers(struct world *world, struct engine *e);            /* while an engine looks on */
void person_settles(struct world *world, struct run_state *state);     /* while none does */

/* session.c: engines */
/* One engine from its start to its end, or to its death. Returns true when the run has ended. */
bool session_run(struct world *world, struct expr_vm *vm);

#endif
