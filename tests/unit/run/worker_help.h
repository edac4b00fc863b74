/* SPDX-License-Identifier: Apache-2.0
 *
 * An engine of a few lines for the tests of the worker: a run folder, a worker over a socketpair,
 * jobs as JSON, frames as they come. Every wait is bounded: a worker that says nothing for 20 s
 * fails the test.
 */
#ifndef TESTS_WORKER_HELP_H
#define TESTS_WORKER_HELP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/value.h"
#include "run/frame.h"

struct bench {
    struct arena arena;
    char folder[64];   /* the run folder */
    int sock;
    pid_t pid;         /* of the worker */
};

/* A run folder and a worker waiting for a job. */
void bench_open(struct bench *bench);
/* Only the folder. */
void bench_folder(struct bench *bench);
void bench_worker(struct bench *bench);
/* Hang up, wait for the worker's end, remove the folder. Returns the worker's wait status. */
int bench_close(struct bench *bench);
/* Hang up: the engine is gone. */
void bench_hang_up(struct bench *bench);
int bench_wait(struct bench *bench);

/* A job: kind run, record 1, fence 1, log "log", and the members of `json` on top. */
const struct value *bench_job(struct bench *bench, const char *json);
void bench_send(struct bench *bench, enum frame_type type, const struct value *data);
/* The next frame of this type; PROGRESS and CHECKPOINT frames before it are passed over
 * (checkpoints acknowledged), any other one is a failure and gives NULL. */
const struct value *bench_expect(struct bench *bench, enum frame_type type);
/* Waits until record 1 says started. */
bool bench_started(struct bench *bench);
/* Job, RECEIPT, RECEIPT_ACK; returns the receipt. */
const struct value *bench_run(struct bench *bench, const char *json);
/* receipt.error.MEMBER or "" */
const char *error_of(const struct value *receipt, const char *member);
/* The text of a file in the run folder, or NULL. */
const char *bench_read(struct bench *bench, const char *name);
/* A file in the run folder. */
void bench_write(struct bench *bench, const char *name, const char *text);
/* Waits until the file is there. */
bool bench_await(struct bench *bench, const char *name);

#endif
