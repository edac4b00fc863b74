/* SPDX-License-Identifier: Apache-2.0
 *
 * What lives of the runs of a state directory: engines, workers, workers whose engine is gone, and processes whose
 * worker is gone. Only looks: takes no lock, writes nothing.
 */
#ifndef SHOW_LIVING_H
#define SHOW_LIVING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* kind, word in JSON */
#define LIVING_KINDS(X)                                                                                     \
    X(ENGINE, "engine") X(WORKER, "worker")                                                                   \
    X(ORPHAN, "orphan")     /* a worker whose engine is gone */                                                \
    X(LEFTOVER, "leftover") /* a process that an attempt started, and whose worker is gone */                  \
    X(PARKED, "parked")     /* no process: a step that waits for a person */
enum living_kind {
#define X(id, word) LIVING_##id,
    LIVING_KINDS(X)
#undef X
};

struct living {
    enum living_kind kind;
    pid_t pid;            /* PARKED: 0 */
    const char *run, *workflow;
    const char *status;   /* of the run */
    const char *step;     /* NULL: an engine */
    const char *item;     /* NULL: none */
    uint32_t attempt;     /* 0: an engine */
    const char *command;  /* LEFTOVER: its short name; else NULL */
    const char *waits_for; /* ENGINE: for its place in a group; PARKED: for whom; NULL: it does not wait */
    const char *words;    /* PARKED: what follows `levada approve RUN`; else NULL */
    size_t steps, done, running; /* ENGINE: steps of its run; else 0 */
    int64_t since_ms;     /* wall; 0: not known */
    bool elsewhere;       /* in another pid namespace, where its pid means something */
    bool stopped;         /* by a signal (SIGSTOP): it does nothing until SIGCONT */
};

struct living_list {
    struct living *items; /* by run, the newest first */
    size_t count, capacity;
    size_t interrupted;   /* runs of which nothing lives, and which can be resumed */
    size_t unreadable;    /* runs whose journal cannot be read */
};

int living_load(struct arena *arena, struct living_list *ret, struct err *err);
/* A table, and what to type next. `width`: of the terminal, 0: lines as long as they are. */
void living_text(struct buf *buf, const struct living_list *list, int64_t now_ms, size_t width, bool colour);
/* [{kind,pid,run,workflow,status,step?,item?,attempt?,command?,steps?{total,done,running},waits_for?,since,elapsed_ms,
 * stopped,elsewhere}] */
void living_json(struct buf *buf, const struct living_list *list, int64_t now_ms);

#endif
