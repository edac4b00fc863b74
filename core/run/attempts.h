/* SPDX-License-Identifier: Apache-2.0
 *
 * The file `attempts` of a run: one fixed record and one lockable byte per attempt, so that anybody
 * can learn what became of a worker whose engine died. Record 0 is the engine's own. Locks are OFD
 * locks: each worker and each resumer opens the file itself, because a passed descriptor would
 * share one lock owner.
 *
 * Worker: lock its byte, read the record, exit if `claim` is newer than its fence, write `started`
 * with pid and start time, work. Resumer: lock the byte. Refused and the recorded process lives:
 * wait for it. Refused and it is gone: a leftover holds it, end that first. Taken, not started:
 * claim it, run again whatever the class. Receipt there: take it. Started, no receipt, lock free:
 * the attempt vanished and the effect class decides.
 */
#ifndef RUN_ATTEMPTS_H
#define RUN_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum attempt_mark { ATTEMPT_NEW = 0, ATTEMPT_STARTED = 1 };

struct attempt_record { /* 64 bytes on disk, host byte order: the state directory belongs to one kernel */
    uint32_t mark;       /* enum attempt_mark */
    int32_t pid;
    uint64_t fence;      /* of the attempt that started */
    uint64_t claim;      /* newest fence that claimed this record */
    uint64_t start_time; /* /proc/PID/stat field 22: tells a recycled pid */
    uint64_t boot;       /* first 8 bytes of SHA-256 of the boot id */
    uint64_t pid_space;  /* inode of its pid namespace: elsewhere the pid means another process, or none */
    uint64_t reserved[2];
};

struct attempt_process { /* of /proc/PID/stat */
    char state;
    pid_t session;
    uint64_t start_time;
};

/* Opens RUN_FOLDER/attempts (made if absent, 0600). Returns a descriptor or -1 with err. */
int attempts_open(const char *run_folder, struct err *err);
int attempts_read(int fd, uint32_t record, struct attempt_record *ret, struct err *err);
int attempts_write(int fd, uint32_t record, const struct attempt_record *attempt, struct err *err);
/* 0: taken; 1: somebody else holds it; else an exit code (ENOLCK and the like). */
int attempts_lock(int fd, uint32_t record, struct err *err);
void attempts_unlock(int fd, uint32_t record);
/* The run itself, record 0. Another command may hold it for a moment: that is waited for, an engine is not. 0: taken;
 * EXIT_HELD: *holder is the engine's record, or says nothing (pid 0) when a command holds it all the time. */
int attempts_take_run(int fd, struct attempt_record *holder, struct err *err);
/* The same file for looking only, never made: a descriptor, or -1: there is none, or it is no regular file. */
int attempts_open_read(const char *run_folder);
/* Does somebody else hold the record, or (`and_above`) it or any after it? Only looks: a lock taken for a moment would
 * make a worker or an engine that comes in that moment give up. */
bool attempts_held(int fd, uint32_t record, bool and_above);

/* Empty all records from `from` on: the journal has no intent for them. */
int attempts_forget(int fd, uint32_t from, struct err *err);

/* This process: pid, start_time, boot, pid_space filled in. */
void attempts_self(struct attempt_record *ret);
/* Does the process of the record live (same boot, pid and start time)? False too when it cannot be seen from here. */
bool attempts_alive(const struct attempt_record *record);
/* The same for record `number` of the file: what cannot be seen from here lives as long as its lock is held. */
bool attempts_lives(int fd, uint32_t number, const struct attempt_record *record);
bool attempts_this_boot(const struct attempt_record *record);
/* In another pid namespace of this boot: nobody here can tell whether it lives. */
bool attempts_elsewhere(const struct attempt_record *record);
uint64_t attempts_start_time(pid_t pid); /* 0: no such process */
bool attempts_process(pid_t pid, struct attempt_process *ret);
/* The process of the engine that holds the run, 0: none. Takes no lock and makes no file. */
pid_t attempts_engine(const char *run_folder);

#endif
