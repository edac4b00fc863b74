/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside a worker: the process (struct worker), the attempt it runs (struct work) and what came of
 * it (struct outcome). The kinds of work (shell.c, action.c, chunk.c) fill an outcome; worker.c
 * claims before them and delivers the receipt after them.
 *
 * Threads: the thread that works owns `arena` and all members not marked otherwise. In a shell
 * attempt there is only that one. Else a second one (control.c) reads the engine's socket, keeps
 * the time and captures output; it owns what is marked "watch", and both use what is marked
 * "shared".
 */
#ifndef RUN_WORK_H
#define RUN_WORK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "run/attempts.h"
#include "run/frame.h"
#include "run/job.h"
#include "run/locks.h"
#include "run/mask.h"
#include "run/limits.h"
#include "run/logfile.h"

struct expr_vm;
struct loaded_plugin;
struct control;

enum job_kind { JOB_RUN, JOB_USES, JOB_LUA, JOB_RESOLVE };

/* job.h as C; texts that are absent are NULL, except `step` and the like, which must be there. */
struct job {
    enum job_kind kind;
    const char *run, *step, *item, *token, *run_folder, *folder;
    const char *log;             /* file name, or NULL: standard error */
    uint32_t attempt, record;
    uint64_t fence;
    int64_t timeout_ms, grace_ms;
    struct limits limits;
    const char *reuse;
    const char *script, *shell, *cwd;
    const char *plugin, *action, *digest;
    const char *text, *file;
    int line;
    const struct value *env, *vars, *with, *names, *checkpoints; /* maps or NULL */
    const struct value *unset, *deferred, *secrets, *references, *outputs; /* lists or NULL */
    const struct value *standard_input;                          /* string or VALUE_SECRET, or NULL */
    const struct value *hooks;   /* map or NULL */
};

/* EXIT_INVALID naming the member that is missing or wrong. */
int job_read(const struct value *data, struct job *ret, struct err *err);

struct outcome {
    const char *status;           /* of the receipt; NULL: not decided, error tells */
    const struct value *outputs;  /* map or NULL */
    struct err error;             /* code 0: none */
    const char *limit;            /* the key of the limit that it went over, or NULL */
    int signal, exit_code;        /* 0 and -1: none */
    const char *skipped, *found;  /* or NULL */
    bool abandoned;               /* the action still runs: what it gathered must not be touched */
};

enum stop { STOP_NONE, STOP_TIMEOUT, STOP_CANCELLED, STOP_INTERRUPTED, STOP_LIMIT };

struct worker {
    int sock;                     /* non-blocking */
    atomic_bool gone;             /* shared: no engine (any more) */
    struct attempt_record self;
    mode_t umask;                 /* the user's, for what `run:` starts; ours is 077 */
    struct rlimit core;           /* the same: a worker that knows a secret writes no core file */
    bool no_core;
    int attempts;                 /* descriptor of the run's file, or -1 */
    int folder;                   /* of the run: it may be moved while an attempt runs; -1: none yet */
    int seat, slot;               /* the run's place in its group, the attempt's slot of a pool: seats.h; or -1 */
    struct arena arena;
    const char *attempts_folder;  /* whose file it is */
    struct locks locks;
    struct control *control;      /* of a reused worker, or while an action runs */
    const char *scratch;          /* of a reused worker: a folder for the next attempt, */
    bool scratch_empty;           /* if it is there and empty */
    const struct loaded_plugin *plugin; /* of a reused worker, or NULL */
    const char *plugin_path, *plugin_digest;
    struct expr_vm *vm;           /* made when first needed */
    struct arena mask_arena;      /* shared: used under the mutex only */
    struct mask *mask;
    pthread_mutex_t mask_mutex;
};

struct work {
    struct worker *worker;
    struct arena arena;
    struct job job;
    struct logfile log;           /* shared */
    struct value *kept;           /* all checkpoints, those of earlier attempts too: map */
    struct value *checkpoints;    /* those that no engine acknowledged: map */
    struct value *metrics;        /* list */
    struct value *secrets;        /* map: name to VALUE_SECRET */
    struct value *referred;       /* list of VALUE_SECRET, as job.references; NULL before secret_resolve */
    struct mask_stream streams[2]; /* of what programs write; who reads their output owns them */
    int64_t started_us, cpu_before_ms;
    int64_t deadline_ms;          /* monotonic; 0: none */
    atomic_int stop;              /* shared: enum stop */
    int64_t kill_at_ms;           /* watch: end of grace; 0: nobody asked for the end */
    struct limiter limiter;
    bool claimed;                 /* the record names us, and its byte is locked */
    bool begun;                   /* the record says started: from here on there may be an effect */
    bool receipt_acked;
    bool output_made;             /* there is or may be a file $LEVADA_OUTPUT */
    pthread_mutex_t mutex;        /* shared, with the condition: guards what follows */
    pthread_cond_t changed;       /* stop, gone or acks */
    uint64_t acks;                /* checkpoints the engine has committed */
    const struct value *call_reply; /* to the last call, or NULL */
    struct arena call_arena;      /* of the replies: for the thread that hears the engine */
};

/* ---- work.c: the engine at the other end ---- */

/* Whole or not at all; waits while the engine's queue is full, unless it may be dropped. False:
 * not sent. */
bool work_send(struct work *work, enum frame_type type, const struct value *data, bool may_drop);
/* Takes in every frame that is there, up to the acknowledged receipt. */
void work_receive(struct work *work, struct arena *scratch);
/* Ask for the end; a second call can only shorten the grace. */
void work_stop(struct work *work, enum stop why, int64_t grace_ms);
/* Waits for a change of stop, gone or acks, at most until `until_ms` (monotonic; 0: for ever).
 * Mutex held. */
void work_wait(struct work *work, int64_t until_ms);
/* From now on SIGUSR1 cancels, SIGINT and SIGTERM interrupt the attempt that runs. */
void work_take_signals(void);
bool work_signalled(void);
/* Notices the deadline and signals. Returns how long a poll may sleep, in ms. */
int work_tick(struct work *work);
/* printf line of the host's own. */
__attribute__((format(printf, 3, 4))) void work_log(struct work *work, const char *level, const char *fmt, ...);
void work_log_text(struct work *work, const char *level, const char *text);
/* A number for the report. `unit` may be NULL. */
void work_metric(struct work *work, const char *name, double value, const char *unit);
/* Bytes that a program or library wrote, for the log. `stream`: 0 or 1. */
void work_said(struct work *work, int stream, const void *data, size_t size);
void work_said_end(struct work *work);
/* A path in the run folder: "receipts/RECORD.SUFFIX". */
const char *work_path(struct work *work, const char *suffix);
/* The same for this process alone: right even when the run folder was moved since. */
const char *work_own_path(struct work *work, const char *suffix);
/* Ends what the attempt left behind, and says so in the log. `pump` as in tree_end, or NULL. */
void work_end_tree(struct work *work, int64_t self_ms, int64_t term_ms, void (*pump)(void *, int), void *context);
/* What a stop means for the outcome: fills status or error. False: nobody asked for the end. */
bool work_stopped(struct work *work, struct outcome *ret);

/* ---- receipt.c ---- */

/* "succeeded", "failed" and so on: what the receipt will say. */
const char *outcome_status(const struct outcome *outcome);
const struct value *receipt_make(struct work *work, struct arena *arena, const struct outcome *outcome);
/* To the engine, waiting until it is committed; without one into receipts/RECORD.json, if the
 * attempt was claimed. False: it could not be kept. */
bool receipt_deliver(struct work *work, struct arena *scratch, const struct value *receipt);
/* CPU time of this process and of the children it waited for; peak_kib (or NULL) gets the
 * largest of them all. */
int64_t receipt_cpu_ms(long *peak_kib);

/* ---- the kinds ---- */

void shell_run(struct work *work, struct outcome *ret);  /* run */
void action_run(struct work *work, struct outcome *ret); /* uses, resolve */
void chunk_run(struct work *work, struct outcome *ret);  /* lua */

/* ---- work.c again ---- */

void work_init(struct work *work, struct worker *worker);
void work_release(struct work *work);

#endif
