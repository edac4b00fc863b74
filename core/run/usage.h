/* SPDX-License-Identifier: Apache-2.0
 *
 * What a process and all its descendants use, as /proc has it. A child that its parent has waited for counts with its
 * parent's CPU time.
 */
#ifndef RUN_USAGE_H
#define RUN_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct usage {
    int64_t memory;    /* bytes */
    int64_t cpu_ms;
    int64_t processes;
};

/* Of this process's descendants, and with `self` of this process too. Above `exact_from` bytes memory is measured
 * so that what processes share counts once, which is dear; below, it counts for each of them. */
void usage_measure(bool self, int64_t exact_from, struct usage *ret);
/* Sends a signal to all descendants of this process; returns how many there were. */
int usage_signal(int signal);

/* One line of /proc/PID/stat, for usage_measure and its test. False: it is none. */
struct usage_line {
    char state;
    int64_t cpu_ticks, threads, pages;
};
bool usage_line_read(const char *text, struct usage_line *ret);

#endif
