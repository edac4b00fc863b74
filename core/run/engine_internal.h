/* SPDX-License-Identifier: Apache-2.0
 *
 * What the engine's own files share. Without any process or clock: turn.c (what a turn decides), step.c (decisions
 * about one step), parent.c (loops and blocks), calls.c (actions that chunks call), attempt.c (jobs and intents),
 * asking.c (approvals). Besides: engine.c (the loop), pool.c (workers), adopt.c (what an earlier engine left),
 * seating.c (what runs share).
 */
#ifndef RUN_ENGINE_INTERNAL_H
#define RUN_ENGINE_INTERNAL_H

#include "run/attempts.h"
#include "run/engine.h"
#include "run/frame.h"
#include "run/inputs.h"
#include "run/sched.h"

/* Behind a worker's own time limit and grace: one that was stopped or hangs in the kernel is killed this much later. */
#define KILL_SLACK_MS 10000

struct worker {
    int sock;              /* -1: adopted, or closed */
    int64_t key;           /* what FORKED calls it: a socket may be closed, and its number used again, before */
    int pidfd;             /* adopted workers; else -1 */
    pid_t pid;             /* 0: not forked yet */
    ptrdiff_t step;        /* index, -1: idle */
    uint32_t record;
    bool fresh;            /* it has never had a job */
    bool dead;             /* DIED came, or its pidfd says so */
    int status;            /* of waitpid, when dead and not adopted */
    bool acking;           /* its receipt waits for the commit */
    bool asked_to_stop;
    int64_t kill_at_ms;    /* monotonic; 0: never. Behind its own time limit: for a worker that does not move */
    ptrdiff_t call;        /* index of the action that its chunk has called and waits for; -1: none */
    char *reuse;           /* NULL: ends after its attempt */
};

/* A step that is ready, but whose reusable worker is busy. Nothing of it is journalled yet. */
struct held {
    size_t step;
    char *reuse;
};

/* What is to be done once the turn is committed. */
enum after_type {
    AFTER_LAUNCH, AFTER_RECEIPT_ACK, AFTER_CHECKPOINT_ACK, AFTER_CALL_REPLY, AFTER_STOP, AFTER_STOP_ONE,
    AFTER_FORGET,
};
struct after {
    enum after_type type;
    size_t worker;         /* acks and replies */
    size_t step;           /* launch, stop of one */
    uint32_t record;
    const struct value *job; /* or the reply; forget: the name of a decision's file */
    int seat;              /* launch: the descriptor that keeps its slot of a pool, or -1 */
};

/* A step in backoff. */
struct delayed {
    size_t step;
    int64_t due_ms;        /* monotonic */
};

struct engine {
    const struct engine_options *options;
    const char *folder;    /* of the run */
    struct arena arena;    /* of the run */
    struct arena turn;     /* emptied every turn */
    struct arena_mark turn_start;
    int64_t now_ms;        /* wall clock of this turn */
    int64_t tick_ms;       /* monotonic clock of this turn */
    struct run_state state;
    struct sched sched;
    struct inputs inputs;
    const struct model **units; /* the workflow and those within it: each has secrets of its own */
    size_t nunits;
    struct journal *journal;
    uint64_t fence;        /* of this session */
    uint64_t last_fence;   /* given to an attempt, or of the session */
    int attempts;          /* descriptor */
    int signals;
    struct launcher launcher;
    bool launcher_gone;
    uint64_t boot;         /* of the machine: attempts.h */
    bool taken;            /* record 0 says that we work here */
    bool again;            /* we are the process of the session before: its launcher died */

    struct worker *workers;
    size_t nworkers, workers_capacity;
    int64_t worker_key;    /* of the last worker forked */
    size_t running;        /* workers with a step */
    size_t launching;      /* decided in this turn, not launched yet */
    struct delayed *delayed; /* steps that wait for a retry, in no order */
    size_t ndelayed, delayed_capacity;
    struct held *held;     /* steps that wait for a worker in use, first come first */
    size_t first_held, nheld, held_capacity; /* from the first to below the count */
    bool scheduled;        /* the scheduler counts what ends */

    struct after *after;
    size_t nafter, after_capacity;
    struct event *happened; /* of this turn, for the watch */
    size_t nhappened, happened_capacity;
    struct event *told;    /* committed, being told to the watch */
    size_t told_capacity;
    bool sync;             /* this turn's commit must be on disk */

    int interrupted;       /* the signal, 0: none */
    unsigned interrupts;   /* how often */
    int64_t leave_at_ms;   /* interrupted: when we stop waiting for what is unsafe to stop */
    bool last;             /* when we end, the kernel ends all processes: nothing may be left to go on by itself */
    bool killed;           /* last, and the wait is over: what still ran was killed */
    bool cancelling;       /* the cancel was carried out */
    struct seating *seating; /* NULL: neither group nor pools yet */
    int group_seat;        /* the descriptor that keeps its place in the group, or -1: every worker has it too */
    bool left;             /* no_wait, and nobody will make room */
    bool ended;            /* RUN_FINISHED or RUN_STOPPED is journalled */
    bool cancel_last;      /* the cancel came when the run was at its `finally`: that is stopped, too */
    struct delayed *asked; /* parked steps whose question expires, in no order */
    size_t nasked, asked_capacity;
};

/* turn.c */
void engine_emit(struct engine *e, enum event_type type, const struct step_state *step, const struct value *data);
void engine_after(struct engine *e, struct after after);
const struct value *engine_reason(struct engine *e, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void *engine_grow(void *old, size_t count, size_t *capacity, size_t size);
void engine_note(struct engine *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void turn_begin(struct engine *e);                 /* what an earlier engine left has been adopted */
void turn_decide(struct engine *e);                /* all that can be decided now */
bool turn_cancels(const struct engine *e, const struct step_state *step); /* does a cancel stop it, which runs? */
void turn_cancel(struct engine *e, const char *who, const char *why); /* somebody asked for the end */
void turn_stop(struct engine *e);                  /* leave the run as it is: interrupted or unknown */
void turn_wait(struct engine *e, size_t step, int64_t delay_ms); /* look at it again after the delay */
void turn_wait_no_more(struct engine *e, size_t step);
int64_t turn_since(const struct engine *e, int64_t time_ms); /* wall; never negative, whoever sets the clock */
int64_t turn_next_due(const struct engine *e);     /* monotonic; -1: nothing waits */

/* step.c */
void step_look(struct engine *e, size_t i);     /* from the scheduler: start, skip or fail it */
uint32_t step_failed_attempts(const struct step_state *step); /* what uses up `retry` */
void step_receipt(struct engine *e, size_t i, uint32_t record, const struct value *receipt);
/* Its worker is gone without a receipt. `status` as of waitpid, -1: not known. started: had it begun its effect? */
void step_vanished(struct engine *e, size_t i, uint32_t record, int status, bool started);
void step_cancel(struct engine *e, size_t i, const char *why); /* a step that does not run */
void step_end(struct engine *e, size_t i, enum step_status status, const struct value *outputs,
              const struct value *error, const struct value *reason);
bool step_safe_to_stop(const struct step_state *step);

/* attempt.c */
/* Journal the intent and queue the launch. `ask`: resolve, not run. */
void attempt_start(struct engine *e, size_t i, const struct value *inputs, bool ask, const struct value *reason);
/* Inputs that must be equal for a worker to be used again; NULL: one attempt, one worker. */
const char *attempt_reuse(struct engine *e, const struct step *step, const struct value *inputs);

/* calls.c */
void calls_take(struct engine *e, size_t worker, const struct value *frame); /* the chunk of a worker calls an action */
void calls_ended(struct engine *e, size_t i);      /* step i ended or is unknown: whoever called it is told */
bool calls_unknown(const struct engine *e, size_t i); /* is nobody sure of an action that step i has called? */
void calls_abandon(struct engine *e, size_t i);    /* step i ended: what it still waits for is not wanted any more */

/* parent.c */
/* A loop or block whose turn has come: its parts come to be. An error: it has not begun. */
int parent_begin(struct engine *e, size_t i, struct err *err);
void parent_close(struct engine *e, size_t i);     /* all its parts have ended */
void parent_fail_fast(struct engine *e, size_t i); /* step i ended: if its loop fails fast, that is it */
void parent_resume(struct engine *e);              /* … for those that ended when no engine looked on */

/* asking.c */
/* May the step start, as far as people are concerned? False: it is parked or ended now, or err says what could not be
 * evaluated. */
bool asking_pass(struct engine *e, size_t i, struct err *err);
struct approval_request;
/* Takes one decision; see approval_judge(). */
int asking_decide(struct engine *e, const struct approval_request *request, struct err *err);
void asking_take(struct engine *e);                /* all that lie in the run folder */
void asking_forget(struct engine *e, size_t i);    /* it has an answer, or the step has ended */
void asking_adopt(struct engine *e, size_t i);     /* an earlier engine asked */
void asking_wake(struct engine *e);                /* ends the steps whose question has expired */
int64_t asking_due(const struct engine *e);        /* monotonic; -1: nothing expires */

/* seating.c */
/* The run's group, before the loop: a resumed run has its place again. Nothing without a group. */
int seating_open(struct engine *e, struct err *err);
bool seating_group(struct engine *e);           /* may the run begin? True without a group */
/* May step i begin? True: *seat keeps its slot (-1: by itself). False: it waits, and will be looked at again. */
bool seating_pool(struct engine *e, size_t i, int *seat);
void seating_forget(struct engine *e, size_t i); /* step i waits for something else now */
void seating_event(struct engine *e, enum event_type type, const struct step_state *step); /* of a step with a pool */
void seating_wake(struct engine *e);            /* steps whose pool changed are looked at again */
bool seating_waits(const struct engine *e);     /* does a step wait for what others hold? */
int seating_fd(const struct engine *e);         /* readable: something changed; -1: none */
int64_t seating_due(const struct engine *e);    /* monotonic, of the next slow look; -1: nothing waits */
void seating_changed(struct engine *e);
/* Committed: what the state says stands in the journal. */
void seating_end(struct engine *e, bool committed);
/* For `overlap: skip`, before the run's folder has its name: EXIT_HELD says who holds the group. Else *seat keeps its
 * place until the folder is there, and its journal says the rest. */
int seating_skip(struct arena *arena, const char *run_folder, const char *run, const struct concurrency *concurrency,
                 const char *group, bool durable, int *seat, struct err *err);

/* pool.c */
/* Takes the descriptor `seat`. */
void pool_launch(struct engine *e, size_t step, uint32_t record, const struct value *job, int seat);
bool pool_busy(const struct engine *e, const char *reuse);  /* is a worker for it at work or about to be? */
void pool_hold(struct engine *e, size_t step, const char *reuse);
void pool_read(struct engine *e, size_t worker);      /* frames of one worker */
void pool_launcher(struct engine *e);                 /* frames of the launcher */
bool pool_needs_launcher(const struct engine *e);     /* is it worth waking for them? */
void pool_settle(struct engine *e, size_t worker);    /* dead and drained: what became of its attempt */
void pool_ack(struct engine *e, const struct after *after);
void pool_stop(struct engine *e, const char *why, bool safe_only); /* ask running workers to end */
void pool_stop_step(struct engine *e, size_t step, const char *why); /* the worker of one step */
void pool_kill(struct engine *e);                     /* SIGKILL all that run */
void pool_signal(const struct worker *w, int signal);
void pool_reap(struct engine *e);                     /* orphans that came to us, process 1 of a pid namespace */
void pool_end(struct engine *e);                      /* BYE to the idle ones */
struct worker *pool_add(struct engine *e);
void pool_sweep(struct engine *e);                    /* forget workers that are gone */

/* adopt.c */
int adopt_all(struct engine *e, struct err *err);
void adopt_checkpoints(struct engine *e, size_t i, uint32_t record); /* what a worker left in its file */
void adopt_gone(struct engine *e, size_t worker);     /* an adopted worker ended */
int adopt_take(struct engine *e, bool takeover, struct err *err); /* the engine's own lock */
void adopt_release(struct engine *e);                 /* its record says that nobody works here any more */
const struct value *adopt_receipt(struct engine *e, uint32_t record); /* that a worker left in a file; NULL: none */

#endif
