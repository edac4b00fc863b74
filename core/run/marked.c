/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Reads /proc once for all runs: a look at each run by itself would read it as often as there are runs.
 */
#include "run/marked.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/str.h"
#include "run/attempts.h"

#define MARK "LEVADA_ATTEMPT="
#define END_WAIT_MS 5000
#define END_ROUNDS 20 /* a leftover may fork while we look: look again, but not for ever */

int64_t
marked_since_ms(uint64_t start_time)
{
    long ticks = sysconf(_SC_CLK_TCK);
    struct timespec up;
    if (start_time == 0 || ticks <= 0 || clock_gettime(CLOCK_BOOTTIME, &up) != 0) return 0;
    int64_t booted_ms = clock_wall_ms() - (up.tv_sec * 1000 + up.tv_nsec / 1000000);
    return booted_ms + (int64_t)(start_time * 1000 / (uint64_t)ticks);
}

/* "LEVADA_ATTEMPT=RUN/RECORD" in its parts; false: no mark of ours. */
static bool
read_mark(void *context, const char *entry)
{
    struct marked *ret = context;
    if (!str_starts(entry, MARK)) return false;
    const char *text = entry + strlen(MARK), *slash = strchr(text, '/');
    int64_t record;
    if (slash == NULL || slash - text != ID_SIZE - 1 || !str_to_int(slash + 1, &record) || record < 0 ||
        record > UINT32_MAX)
        return false;
    memcpy(ret->run, text, ID_SIZE - 1);
    ret->run[ID_SIZE - 1] = '\0';
    ret->record = (uint32_t)record;
    return id_is(ret->run);
}

bool
marked_environ(int proc, const char *pid, bool (*is)(void *context, const char *entry), void *context)
{
    char path[64], chunk[8192], entry[MARK_MAX];
    size_t size = 0;
    if (snprintf(path, sizeof path, "%s/environ", pid) >= (int)sizeof path) return false;
    int fd FD_SCOPED = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        for (ssize_t i = 0; i < n; i++) {
            if (size < sizeof entry) entry[size] = chunk[i];
            size++;
            if (chunk[i] != '\0') continue;
            if (size <= sizeof entry && is(context, entry)) return true;
            size = 0;
        }
    }
}

static const char *
read_command(struct arena *arena, int proc, const char *pid)
{
    char path[64], name[64];
    if (snprintf(path, sizeof path, "%s/comm", pid) >= (int)sizeof path) return "?";
    int fd FD_SCOPED = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, name, sizeof name - 1) : 0;
    while (n > 0 && name[n - 1] == '\n') n--;
    return n > 0 ? arena_strndup(arena, name, (size_t)n) : "?";
}

void
marked_list(struct arena *arena, struct marked **ret, size_t *count)
{
    DIR *proc = opendir("/proc");
    size_t capacity = 0;
    *ret = NULL;
    *count = 0;
    if (proc == NULL) return;
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        struct marked one = {0};
        struct stat st;
        int64_t pid;
        if (!str_to_int(entry->d_name, &pid) || pid <= 0 || pid == getpid()) continue;
        if (fstatat(dirfd(proc), entry->d_name, &st, 0) != 0 || st.st_uid != geteuid()) continue;
        if (!marked_environ(dirfd(proc), entry->d_name, read_mark, &one)) continue;
        one.pid = (pid_t)pid;
        one.start_time = attempts_start_time(one.pid);
        one.since_ms = marked_since_ms(one.start_time);
        one.command = read_command(arena, dirfd(proc), entry->d_name);
        *ret = arena_grow(arena, *ret, *count, &capacity, sizeof **ret);
        (*ret)[(*count)++] = one;
    }
    closedir(proc);
}

/* With SIGKILL, and waits (bounded): false when it is no longer the same process, or does not end. */
static bool
end_one(const struct marked *process)
{
    int fd FD_SCOPED = pidfd_open(process->pid, 0);
    /* Looked at behind the pidfd: from here on the number cannot come to mean another process. */
    if (fd < 0 || process->start_time == 0 || attempts_start_time(process->pid) != process->start_time) return false;
    if (pidfd_send_signal(fd, SIGKILL, NULL, 0) != 0) return false;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, END_WAIT_MS) == 1;
}

int
marked_end_leftovers(const char *run_folder, const char *run)
{
    int found = 0;
    int attempts FD_SCOPED = attempts_open_read(run_folder);
    for (int round = 0; round < END_ROUNDS; round++) {
        struct arena arena ARENA_SCOPED = {0};
        struct marked *list;
        size_t count;
        int ended = 0;
        marked_list(&arena, &list, &count);
        for (size_t i = 0; i < count; i++) {
            struct attempt_record record;
            struct err ignored;
            if (!str_eq(list[i].run, run)) continue;
            bool worker = attempts >= 0 && attempts_read(attempts, list[i].record, &record, &ignored) == 0 &&
                          attempts_lives(attempts, list[i].record, &record);
            if (!worker) ended += end_one(&list[i]);
        }
        if (ended == 0) break;
        found += ended;
    }
    return found;
}

bool
marked_is_stopped(pid_t pid)
{
    struct attempt_process process;
    return attempts_process(pid, &process) && (process.state == 'T' || process.state == 't');
}
