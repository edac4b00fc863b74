/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal of one run: append-only events in SQLite (the only user of it). While the run goes on it is in
 * WAL mode; when it ends it becomes one plain file. Every transaction checks the fence row: an old engine that wakes
 * up after a takeover can write nothing that counts.
 */
#ifndef RUN_JOURNAL_H
#define RUN_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"

#define JOURNAL_FILE "journal.db"
#define JOURNAL_VERSION 1

/* Type, word in the database, meaning and members of its data. `step` and `item` are columns of their own. */
#define EVENTS(X)                                                                                            \
    X(RUN_CREATED, "run_created")         /* run workflow file params version trigger group? */                    \
    X(RUN_STARTED, "run_started")         /* pid fence resumed again? boot max_parallel */                    \
    X(STEP_INTENT, "step_intent")         /* attempt record fence token effect log inputs reason{code,text} */ \
    X(STEP_CHECKPOINT, "step_checkpoint") /* key value */                                                     \
    X(STEP_RECEIPT, "step_receipt")       /* the receipt of job.h */                                          \
    X(STEP_VANISHED, "step_vanished")     /* record signal? crash? ask? reason{code,text} */               \
    X(STEP_RETRY, "step_retry")           /* attempt (the next) delay_ms due_ms ask? reason{code,text} */          \
    X(STEP_FINISHED, "step_finished")     /* status outputs? error? reason{code,text} attempt duration_ms */   \
    X(STEP_RESOLVED, "step_resolved")     /* decision: done redo fail; outputs? who why */                    \
    X(CANCEL_ASKED, "cancel_asked")       /* who why */                                                       \
    X(RUN_RETRIED, "run_retried")         /* who why again[id or {step,item}] model? (its number) params? group? */ \
    X(RUN_STOPPED, "run_stopped")         /* status: interrupted, parked or unknown; exit signal? */          \
    X(RUN_FINISHED, "run_finished")       /* status exit outputs? error? failed_step? failed_item? rolled_back? */ \
    X(RUN_QUEUED, "run_queued")           /* group limit overlap held_by[{run}] reason{code,text} */          \
    X(RUN_SEATED, "run_seated")           /* group waited_ms: its place in the group, until it has ended */   \
    X(STEP_QUEUED, "step_queued")         /* pool slots held_by[{run,step}] reason{code,text} */              \
    X(STEP_CALLED, "step_called")         /* key action given inputs: its chunk calls an action */            \
    X(RUN_ROLLBACK, "run_rollback")       /* who why undo[id or {step,item}]: in this order */                 \
    X(STEP_EXPANDED, "step_expanded")     /* items[{key,value}]? (a loop) params? (a workflow) reason{code,text} */ \
    X(STEP_PARKED, "step_parked")         /* expires_ms? delay_ms? by? min input{name{type,…}} reason{code,text} */ \
    X(STEP_DECIDED, "step_decided")       /* decision: approve reject pass; who uid claim? as? why input? request? \
                                             granted? reason{code,text} */

enum event_type {
#define X(id, word) EVENT_##id,
    EVENTS(X)
#undef X
};
const char *event_name(enum event_type type);

struct event {
    int64_t seq;     /* from 1, no gaps */
    int64_t time_ms;
    enum event_type type;
    const char *step; /* NULL: of the run */
    const char *item; /* NULL: no item */
    const struct value *data; /* a map */
};

struct journal;

/* Make the journal of a new run, with the model's JSON. `power`: commits that carry intents are synced. */
int journal_create(const char *run_folder, const char *run_id, const char *model_json, bool power,
                   struct journal **ret, struct err *err);
/* Open for writing. EXIT_STORE: missing, corrupt, of a newer version. */
int journal_open(const char *run_folder, struct journal **ret, struct err *err);
/* Open for reading: never writes, works on a copied or read-only folder, and on an exported run (one file). */
int journal_open_read(const char *run_folder, struct journal **ret, struct err *err);
/* The folder's journal becomes one plain file when nobody else has it open; closing never fails. */
void journal_close(struct journal **journal, bool finished);

/* Take the run over: fence row = max + 1, returned. From then on older holders cannot commit. */
int journal_take(struct journal *journal, uint64_t *fence, struct err *err);
/* The highest fence given to an attempt; durable with the next commit. */
void journal_set_fence(struct journal *journal, uint64_t fence);

/* Events wait until the commit: one transaction per turn of the event loop. `seq` is the journal's to give. */
void journal_append(struct journal *journal, const struct event *event);
size_t journal_waiting(const struct journal *journal);
/* Writes what waits, if anything. `sync`: on disk before it returns (durability: power). EXIT_HELD when another
 * engine took the run over; EXIT_STORE when it cannot be written, and nothing of it was. */
int journal_commit(struct journal *journal, bool sync, struct err *err);

/* From now on journal_read() ends before the first event that is later than until_ms: the run as it was then. */
void journal_until(struct journal *journal, int64_t until_ms);
/* Has journal_read() left out events for that? */
bool journal_was_cut(const struct journal *journal);
/* Has the run ended, with no retry or engine since? Reads no more than the last events. */
int journal_is_ended(struct journal *journal, bool *ret, struct err *err);
/* Events with seq > after, in order. */
int journal_read(struct journal *journal, int64_t after,
                 int (*each)(void *context, const struct event *event, struct arena *scratch, struct err *err),
                 void *context, struct err *err);
/* Events of one step (all its items), or with NULL those of the run itself, in order. */
int journal_read_of(struct journal *journal, const char *step,
                    int (*each)(void *context, const struct event *event, struct arena *scratch, struct err *err),
                    void *context, struct err *err);
/* The JSON text of model `number`, from 1, and how many there are: a retry with an edited file adds one. 0: the
 * last. */
int journal_model(struct journal *journal, struct arena *arena, int64_t number, const char **ret, size_t *size,
                  int64_t *count, struct err *err);
/* Another model from the next commit on; the text must live until then. */
void journal_add_model(struct journal *journal, const char *model_json);
int journal_run_id(struct journal *journal, struct arena *arena, const char **ret, struct err *err);
/* PRAGMA integrity_check and the shape of every event. */
int journal_check(struct journal *journal, struct err *err);

#endif
