/* SPDX-License-Identifier: Apache-2.0
 *
 * `limits` of a step: what an attempt may use, watched from its own worker, which sleeps no longer than it takes to use
 * up what is left. Memory, CPU time and processes are those of the whole tree: for a `run` all that the shell started,
 * for an action or a chunk the worker too.
 *
 * The kernel's own limits of single processes stand behind that: RLIMIT_DATA and RLIMIT_CPU above the watched limit,
 * RLIMIT_FSIZE as the limit itself; for a script a control group, where one is to be had (cgroup.h). Not used:
 * RLIMIT_AS, which counts what sanitizers and runtimes only reserve; RLIMIT_NPROC, which counts all processes of the
 * user, in other containers too.
 */
#ifndef RUN_LIMITS_H
#define RUN_LIMITS_H

#include <stdbool.h>
#include <sys/resource.h>

#include "run/cgroup.h"
#include "run/usage.h"
#include "workflow/model.h"

struct work;
struct outcome;

enum limit { LIMITED_NOT, LIMITED_MEMORY, LIMITED_CPU, LIMITED_PROCESSES, LIMITED_FILE };

/* Of one attempt; zeroed at its start. Owned by who watches. */
struct limiter {
    struct usage peak;     /* cpu_ms: what it was at the last look */
    struct usage over;     /* what it was when it went over */
    enum limit limit;
    int64_t look_at_ms;    /* monotonic */
    bool entered;
    struct rlimit data, file; /* what they were */
    struct cgroup group;   /* of a script */
};

/* Before a script starts: the descriptor by which it comes into its control group, or -1. *data: is RLIMIT_DATA to be
 * set? */
int limits_prepare(struct work *work, bool *data);
/* In the shell's process, before it executes anything: nothing but system calls. False: it is not in its group. */
bool limits_child(const struct limits *limits, int group, bool data);
/* The script has started; it is not in its group. */
void limits_alone(struct work *work);
/* All of it has ended. True: the kernel ended it because its memory was full, and limits_explain() says so. */
bool limits_finish(struct work *work);
/* It shall end, all of it, at once. */
void limits_kill(struct work *work);
/* Around what runs in this process: an action, a chunk. */
void limits_enter(struct work *work);
void limits_leave(struct work *work);
/* Is there one to look after, or are all the kernel's? */
bool limits_watched(const struct limits *limits);
/* Looks when it is time to; over a limit the attempt is stopped, without any grace where more time would only mean more
 * of it. Returns when to come again (monotonic, ms), 0: there is nothing to watch. */
int64_t limits_look(struct work *work, int64_t now_ms);
/* The outcome of an attempt that was stopped for its limit. */
void limits_explain(struct work *work, struct outcome *ret);
/* It failed by itself: because a file reached its limit? Then the outcome says so. `signal`: of the one that failed,
 * `line`: what it said; either may be none (0, NULL). */
bool limits_explain_file(struct work *work, int signal, const char *line, struct outcome *ret);

/* Pure parts, for the tests. */
enum limit limits_over(const struct limits *limits, const struct usage *usage);
/* How long until a limit could be reached, in ms, bounded both ways. */
int64_t limits_patience(const struct limits *limits, const struct usage *usage, long cpus);
void limits_describe(const struct limits *limits, enum limit limit, const struct usage *usage, struct err *err);

#endif
