/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run is, folded from its events: pure, no process, no file. Engine, resume and everything that shows a run
 * use the same fold.
 */
#ifndef RUN_STATE_H
#define RUN_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "run/journal.h"
#include "workflow/model.h"

#define STEP_STATUSES(X)                                                                                     \
    X(WAITING, "waiting") X(READY, "ready") X(RUNNING, "running") X(BACKOFF, "backoff") X(PARKED, "parked")    \
    X(SUCCEEDED, "succeeded") X(FAILED, "failed") X(SKIPPED, "skipped") X(CANCELLED, "cancelled")              \
    X(UNKNOWN, "unknown")
enum step_status {
#define X(id, word) STEP_##id##_STATUS,
    STEP_STATUSES(X)
#undef X
};
const char *step_status_name(enum step_status status);
bool step_status_ended(enum step_status status); /* succeeded failed skipped cancelled */

#define RUN_STATUSES(X)                                                                                      \
    X(RUNNING, "running") X(INTERRUPTED, "interrupted") X(PARKED, "parked") X(UNKNOWN, "unknown")              \
    X(SUCCEEDED, "succeeded") X(FAILED, "failed") X(CANCELLED, "cancelled")
enum run_status {
#define X(id, word) RUN_##id##_STATUS,
    RUN_STATUSES(X)
#undef X
};
const char *run_status_name(enum run_status status);
bool run_status_ended(enum run_status status); /* succeeded failed cancelled */

struct attempt_state {
    uint32_t attempt, record;
    uint64_t fence;
    uint64_t boot;                  /* of the machine, when it was launched; 0: not known */
    int64_t intent_ms, finished_ms; /* wall; finished 0: not yet */
    int64_t duration_ms;
    int pid;                        /* 0: not known */
    const char *status;             /* of the receipt, "vanished", or NULL: open */
    const char *log;                /* file name under logs/ */
    int64_t log_bytes, peak_kib, cpu_ms;
    const struct value *error;      /* map or NULL */
    const struct value *metrics;    /* list or NULL */
    const char *found;              /* resolve only */
    bool crashed;                   /* vanished, and nobody from outside did it */
    bool resolve;                   /* an attempt that asked, not one that did */
};

#define NO_PARENT UINT32_MAX

struct approver {
    const char *who;                /* name of the user, or "uid 1000" */
    const char *claim;              /* who they say they are, unproved (SUDO_USER); NULL: nobody else */
    const char *why;                /* NULL: no reason given */
    const char *request;            /* of the file that asked for it; NULL: none */
    int64_t uid, time_ms;
};

/* What became of asking somebody before a step starts. */
struct approval_state {
    uint32_t number;                /* how often somebody was asked: a decision is about one of them */
    bool granted;                   /* the step may start */
    bool rejected;
    int64_t parked_ms;              /* wall; 0: nobody was asked, because `when` is false */
    int64_t expires_ms, delay_ms;   /* wall, and how long that was from parked_ms; 0: never */
    uint32_t min;
    const struct value *by;         /* list, or NULL: anybody */
    const struct value *declared;   /* map: what is asked for, defaults evaluated */
    const struct value *input;      /* map: as the first who approved gave it; NULL: nobody has */
    struct approver *approvers;     /* in order; one that rejected is the last */
    size_t napprovers;
};

/* A step of the workflow, an item of a loop, or a step within one of them. */
struct step_state {
    const struct step *step;
    const char *item;               /* the key of the item that it is or is a part of; NULL: none. In a loop within a
                                     * loop those of all, with `/` between */
    const char *key;                /* is_item: its key alone */
    uint32_t parent;                /* index of the loop or block that it is a part of, or NO_PARENT */
    uint32_t first, nchildren;      /* its own parts, once it has begun */
    bool is_item;                   /* of the loop that is its parent, and has the same `step` */
    bool expanded;                  /* a loop or block that has begun */
    bool undone;                    /* its effect was taken back */
    bool left;                      /* before a retry it did something that was not taken back */
    uint32_t caller;                /* index of the step whose chunk called this action, or NO_PARENT */
    uint32_t open_calls;            /* actions that its chunk called and that have not ended */
    uint32_t undoes;                /* index of the step that it takes back, or NO_PARENT */
    int64_t ended_seq;              /* of the event that it ended by; 0: not known */
    bool gone;                      /* an item that a later try of its loop has replaced */
    const struct value *bindings;   /* map: loop variables; NULL: none */
    const struct value *given;      /* STEP_WORKFLOW: its params as bound; of a call what the chunk gave; or NULL */
    const struct value *params, *env, *items; /* made when first asked for, from `given` and the children; or NULL */
    uint32_t polls;                 /* successes after which `until` did not hold yet */
    enum step_status status;
    struct attempt_state *attempts; /* in order */
    size_t nattempts;
    size_t past;                    /* attempts before the last retry of the run: they count no more */
    int64_t model_number;           /* of the workflow that it ended under; 0: it has not */
    uint32_t round;                 /* how often it was to be done again after a success; 0: never */
    uint32_t vanished;              /* vanished attempts under the last engine */
    bool queued;                    /* it was ready, and found its pool full */
    bool ask_first;                 /* its last attempt vanished: the next one asks whether the effect happened */
    int64_t due_ms, delay_ms;       /* BACKOFF: wall time of the next attempt, and how long it is from the last */
    int64_t started_ms, finished_ms;
    const char *token;              /* NULL before the first intent */
    const struct value *inputs;     /* as journalled with the first intent; NULL before */
    const struct value *outputs;    /* map or NULL */
    const struct value *error;      /* map or NULL */
    const struct value *checkpoints;/* map or NULL */
    const char *reason_code, *reason_text; /* of the last decision; NULL before */
    struct approval_state *approval; /* NULL: nobody was asked yet */
};

/* How a run ended. */
struct run_end {
    enum run_status status;
    int exit_code;
    const struct value *outputs, *error;
    const char *failed_step, *failed_item;
};

struct run_state {
    struct arena *arena;
    const struct model *model;
    const char *id;
    enum run_status status;
    int exit_code;                  /* when stopped or finished */
    int64_t started_ms, finished_ms;
    int64_t begun_ms;               /* when it was made or retried last */
    int64_t model_number, models;   /* the workflow as of the events so far, and the last one, which `model` is */
    int pid;                        /* of the last engine */
    uint64_t boot;                  /* of the machine, when it started */
    uint64_t fence;                 /* highest seen */
    uint32_t next_record;           /* first unused record of `attempts` */
    uint32_t max_parallel;
    uint32_t sessions;              /* engines so far */
    const char *group;              /* that it belongs to; NULL: none */
    bool seated;                    /* it has its place in the group */
    const char *queued_text;        /* RUNNING, and not seated: what it waits for; NULL: nothing */
    bool rolling;                   /* what succeeded is being undone, and nothing else runs */
    uint32_t undo_first, undo_count;/* instances: in the order in which they run */
    struct run_end before;          /* rolling: how it had ended, and ends again when all is undone */
    bool rolled_back;               /* the last rollback undid all that was asked for */
    bool half_back;                 /* it did not: `before` is still how the run had ended before it */
    bool cancel_asked;
    const struct value *params;     /* as bound; secrets never are params */
    const struct value *outputs, *error; /* of the run, or NULL */
    const char *failed_step, *failed_item, *trigger;
    struct step_state *steps;       /* those of model->steps first, in their order; moves when others come to be */
    size_t nsteps, capacity;
    uint32_t *index;                /* hash table of ids and items: position + 1, 0: free */
    size_t index_size, indexed;     /* a power of two; how many are taken */
    const char *shared[64];         /* texts that many steps have in common, by their hash */
    int64_t last_seq;
};

/* All steps waiting. The arena outlives the state. */
void state_init(struct run_state *state, struct arena *arena, const struct model *model, const char *id);
/* EXIT_STORE for an event that cannot follow: names it. */
int state_apply(struct run_state *state, const struct event *event, struct err *err);
/* Model and events of an open journal. */
int state_read(struct arena *arena, struct journal *journal, struct run_state *ret, struct err *err);
/* Open the journal of a run folder for reading, build the model and fold all events. */
int state_load(struct arena *arena, const char *run_folder, struct run_state *ret, struct err *err);
/* The id of a step that is spelled much like it, for a hint; NULL: none is. */
const char *state_nearest(const struct run_state *state, const char *id);
struct step_state *state_step(const struct run_state *state, const char *id, const char *item);

/* ---- state_tree.c: what is a part of what ---- */

bool state_is_loop(const struct step_state *step);
/* Has it parts (a loop, a block), instead of attempts? */
bool state_is_parent(const struct step_state *step);
/* Is it a part of the run as it is now, and not of an earlier try of what is around it? */
bool state_is_live(const struct run_state *state, const struct step_state *step);
/* What a person means by a step's id and, for a part of a loop, its item (or NULL). EXIT_USAGE with the nearest. */
int state_find(const struct run_state *state, const char *id, const char *item, struct step_state **ret,
               struct err *err);
/* What a person types for it: `load`, or `load --item KEY`. */
const char *state_address(struct arena *arena, const struct step_state *step);
/* The block whose step it is, past the loop whose item it is; NULL: the workflow itself. */
const struct step_state *state_block(const struct run_state *state, const struct step_state *step);
/* Step k of the model that the step belongs to: what `needs` and `reads` mean. */
const struct step_state *state_sibling(const struct run_state *state, const struct step_state *step, uint32_t k);
/* The step that is called so among those of the block (NULL: of the workflow); NULL: none. */
const struct step_state *state_beside(const struct run_state *state, const struct step_state *block,
                                      const char *local);
/* Is it, or is something around it, of this part? */
bool state_after(const struct run_state *state, const struct step_state *step, enum step_part part);
/* Did it fail in a way that fails what it is a part of? */
bool state_failed(const struct step_state *step);
/* Did it do something in this try that was not taken back, as a whole or half-way? */
bool state_has_acted(const struct step_state *step);
/* The first part of the loop or block (NULL: of the run) that did; NULL: none. */
const struct step_state *state_failure(const struct run_state *state, const struct step_state *parent);
/* From a failed loop or block down to the step that failed first. NULL for NULL. */
const struct step_state *state_culprit(const struct run_state *state, const struct step_state *failed);
/* How people name it: "load", "load[a.csv]", "tables.dump[orders]". */
const char *state_name(struct arena *arena, const struct step_state *step);
/* What the call of this number in this round of the step is named as an item; in `arena`. */
const char *state_call_name(struct arena *arena, const struct step_state *caller, int64_t number);

#endif
