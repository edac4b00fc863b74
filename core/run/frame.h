/* SPDX-License-Identifier: Apache-2.0
 *
 * Frames between engine, launcher and workers: one SOCK_SEQPACKET message each: a fixed head, then JSON. A payload
 * above LIMIT_FRAME_INLINE travels as a sealed memfd over SCM_RIGHTS. Whatever a peer sends is checked: a bad frame is
 * an error of that peer, never of ours.
 */
#ifndef RUN_FRAME_H
#define RUN_FRAME_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"

#define FRAMES(X)                                                                                            \
    X(FORK, 1)       /* engine → launcher, with the worker's socket: {} */                                    \
    X(FORKED, 2)     /* launcher → engine: {worker, pid} */                                                   \
    X(DIED, 3)       /* launcher → engine: {pid, status} (as of waitpid), after its leftovers were ended */    \
    X(JOB, 4)        /* engine → worker: job.h; perhaps with the slot of its pool, kept until the receipt */   \
    X(REFUSED, 6)    /* worker → engine: {record, why}: newer claim or lock held; nothing was done */         \
    X(PROGRESS, 7)   /* worker → engine: {record, done, total, what} */                                       \
    X(CHECKPOINT, 8) /* worker → engine: {record, key, value}; answered by CHECKPOINT_ACK when durable */      \
    X(CHECKPOINT_ACK, 9) /* engine → worker: {record} */                                                      \
    X(RECEIPT, 10)   /* worker → engine: job.h; answered by RECEIPT_ACK when committed */                     \
    X(RECEIPT_ACK, 11) /* engine → worker: {record} */                                                        \
    X(CANCEL, 12)    /* engine → worker: {record, why: "cancelled" or "interrupted", grace_ms} */            \
    X(BYE, 13)       /* engine → worker: end now, nothing is running */                                       \
    X(SEAT, 14)      /* engine → worker, with the run's place in its group, kept while the worker lives: {} */ \
    X(CALL, 15)      /* worker → engine: {record, number, action, with}: a chunk calls an action */           \
    X(CALL_REPLY, 16) /* engine → worker: {record, status: succeeded failed unknown, outputs? error?} */

enum frame_type {
#define X(id, number) FRAME_##id = number,
    FRAMES(X)
#undef X
};

struct frame {
    enum frame_type type;
    const struct value *data; /* a map */
    int fd;                   /* a descriptor that came along, or -1; the receiver closes it */
};

/* 0 or an exit code. fd -1: none. EPIPE/ECONNRESET give EXIT_FAILED: the peer is gone. Blocks
 * while the peer's queue is full unless the socket is non-blocking (then code EXIT_HELD: try
 * again). */
int frame_send(int sock, enum frame_type type, const struct value *data, int fd, struct err *err);
/* *ret->data in arena. Returns 0, 1 at end of file, -1 when nothing is there (non-blocking), or
 * an exit code. */
int frame_receive(int sock, struct arena *arena, struct frame *ret, struct err *err);
/* The bytes of one message, checked: for frame_receive and the fuzzer. memfd content is not part
 * of it. */
int frame_decode(struct arena *arena, const void *data, size_t size, struct frame *ret, struct err *err);

#endif
