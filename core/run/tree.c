/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The usual case is no child at all, which costs one system call.
 */
#include "run/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define KILL_MS 10000 /* a killed process may hang in the kernel; then we say so and go on */

bool
tree_empty(void)
{
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid > 0 || (pid < 0 && errno == EINTR)) continue;
        return pid < 0;
    }
}

static void
add_name(struct buf *names, pid_t pid)
{
    char path[40], comm[32];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, comm, sizeof comm) : -1;
    if (n <= 0 || names->size > 200) return;
    buf_printf(names, "%s%.*s", names->size ? ", " : "", (int)(n - (comm[n - 1] == '\n')), comm);
}

/* One thread's children: "12 34 56 ". */
static int
signal_children(const char *thread, int signal, struct buf *names)
{
    char path[64], text[4096];
    if (snprintf(path, sizeof path, "/proc/self/task/%s/children", thread) >= (int)sizeof path) return 0;
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    int count = 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n <= 0) return 0;
    text[n] = '\0';
    /* A full buffer may end inside a number: the caller looks again until none is left. */
    char *end = n == (ssize_t)sizeof text - 1 ? strrchr(text, ' ') : text + n;
    for (char *p = text; end != NULL && p < end;) {
        char *next;
        long pid = strtol(p, &next, 10);
        if (next == p || pid <= 0) break;
        p = next;
        if (names != NULL) add_name(names, (pid_t)pid);
        if (kill((pid_t)pid, signal) == 0) count++;
    }
    return count;
}

int
tree_signal(int signal, struct buf *names)
{
    DIR *threads = opendir("/proc/self/task");
    if (threads == NULL) return 0;
    int count = 0;
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;)
        if (entry->d_name[0] != '.') count += signal_children(entry->d_name, signal, names);
    closedir(threads);
    return count;
}

static void
pump_nothing(void *context, int wait_ms)
{
    (void)context;
    (void)poll(NULL, 0, wait_ms);
}

/* Short waits first: what ends, mostly ends at once. */
static bool
empty_within(int64_t wait_ms, void (*pump)(void *, int), void *context)
{
    int64_t until = clock_monotonic_ms() + wait_ms;
    for (int step_ms = 1;; step_ms = step_ms < 20 ? step_ms * 2 : 20) {
        if (tree_empty()) return true;
        int64_t left = until - clock_monotonic_ms();
        if (left <= 0) return false;
        pump(context, left < step_ms ? (int)left : step_ms);
    }
}

int
tree_end(int64_t self_ms, int64_t term_ms, void (*pump)(void *context, int wait_ms), void *context,
         struct buf *names)
{
    if (pump == NULL) pump = pump_nothing;
    if (tree_empty() || (self_ms > 0 && empty_within(self_ms, pump, context))) return 0;
    int count = tree_signal(term_ms > 0 ? SIGTERM : SIGKILL, names);
    if (term_ms > 0 && empty_within(term_ms, pump, context)) return count;
    for (int64_t until = clock_monotonic_ms() + KILL_MS; clock_monotonic_ms() < until;) {
        int killed = tree_signal(SIGKILL, NULL);
        if (count < killed) count = killed;
        if (empty_within(20, pump, context)) break;
    }
    return count;
}
