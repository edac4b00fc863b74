/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes that carry the mark of an attempt (LEVADA_ATTEMPT=RUN/RECORD in their environment): what steps started, and
 * what they left behind. A process can take the mark out of its own environment; whoever does so wants to go unseen.
 */
#ifndef RUN_MARKED_H
#define RUN_MARKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/hash.h"

struct marked {
    pid_t pid;
    char run[ID_SIZE];
    uint32_t record;
    uint64_t start_time;  /* as attempts_start_time() */
    int64_t since_ms;     /* wall time of its start */
    const char *command;  /* its short name */
};

/* Is there an entry in the environment of /proc/PID, PID below the descriptor `proc`, that `is` takes? An environment
 * may be megabytes: entries of more than MARK_MAX bytes, which no mark has, are passed over. */
#define MARK_MAX 256
bool marked_environ(int proc, const char *pid, bool (*is)(void *context, const char *entry), void *context);
/* All of this user, but for this process; in no order. */
void marked_list(struct arena *arena, struct marked **ret, size_t *count);
/* End those of the run whose worker no longer lives, again until none is left (bounded). Returns how many there
 * were. */
int marked_end_leftovers(const char *run_folder, const char *run);
/* Does it do nothing until somebody sends SIGCONT? */
bool marked_is_stopped(pid_t pid);
/* Wall time of the start of a process from its start_time. */
int64_t marked_since_ms(uint64_t start_time);

#endif
