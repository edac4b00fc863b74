/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Everything is looked at again behind a pidfd, because a number may be recycled meanwhile.
 */
#include "run/leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "run/marked.h"

#define ROUNDS 20      /* a leftover may fork while we look: look again, but not for ever */
#define WAIT_MS 5000   /* a killed process may sit in the kernel for a while */

static bool
is_entry(void *context, const char *entry)
{
    return str_eq(entry, context);
}

/* The session of a worker bears its pid, which no other process gets while the session has members. */
static bool
of_session(const struct attempt_record *record, pid_t pid)
{
    struct attempt_process process, leader;
    if (record == NULL || record->pid <= 0 || !attempts_this_boot(record) || attempts_elsewhere(record)) return false;
    if (!attempts_process(pid, &process) || process.session != record->pid) return false;
    if (process.state == 'Z' || process.state == 'X') return false;
    if (attempts_process(record->pid, &leader) && leader.start_time != record->start_time) return false;
    return process.start_time >= record->start_time;
}

/* Does this line of /proc/PID/fdinfo/FD tell of a lock on our byte? */
static bool
is_our_lock(const char *line, unsigned long inode, long long start)
{
    unsigned long line_inode;
    long long line_start;
    return sscanf(line, "lock: %*d: OFDLCK %*s %*s %*d %*x:%*x:%lu %lld", &line_inode, &line_start) == 2 &&
           line_inode == inode && line_start == start;
}

static bool
holds_lock(const struct leftovers *what, int proc, const char *pid)
{
    char path[300], line[256];
    struct stat st;
    bool found = false;
    if (what->attempts < 0 || fstat(what->attempts, &st) != 0) return false;
    if (snprintf(path, sizeof path, "%s/fdinfo", pid) >= (int)sizeof path) return false;
    int folder = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = folder >= 0 ? fdopendir(folder) : NULL;
    if (dir == NULL) fd_close(&folder);
    for (struct dirent *entry; dir != NULL && !found && (entry = readdir(dir)) != NULL;) {
        int fd = entry->d_name[0] == '.' ? -1 : openat(folder, entry->d_name, O_RDONLY | O_CLOEXEC);
        FILE *info = fd >= 0 ? fdopen(fd, "re") : NULL;
        if (info == NULL) fd_close(&fd);
        while (info != NULL && !found && fgets(line, sizeof line, info) != NULL)
            found = is_our_lock(line, (unsigned long)st.st_ino,
                                (long long)what->number * (long long)sizeof(struct attempt_record));
        if (info != NULL) fclose(info);
    }
    if (dir != NULL) closedir(dir);
    return found;
}

static bool
is_leftover(const struct leftovers *what, int proc, const char *name, pid_t pid)
{
    char want[MARK_MAX];
    if (snprintf(want, sizeof want, "LEVADA_ATTEMPT=%s", what->mark) >= (int)sizeof want) return false;
    return marked_environ(proc, name, is_entry, want) || of_session(what->record, pid) || holds_lock(what, proc, name);
}

/* A pidfd of it, killed; -1: it is none. */
static int
end_one(const struct leftovers *what, int proc, const char *name)
{
    int64_t pid;
    struct stat st;
    if (!str_to_int(name, &pid) || pid == getpid()) return -1;
    if (fstatat(proc, name, &st, 0) != 0 || st.st_uid != geteuid()) return -1;
    if (!is_leftover(what, proc, name, (pid_t)pid)) return -1;
    int fd = pidfd_open((pid_t)pid, 0);
    if (fd < 0) return -1;
    if (!is_leftover(what, proc, name, (pid_t)pid) || pidfd_send_signal(fd, SIGKILL, NULL, 0) != 0) fd_close(&fd);
    return fd;
}

int
leftovers_end(const struct leftovers *what)
{
    int found = 0;
    int64_t until = clock_monotonic_ms() + WAIT_MS;
    for (int round = 0; round < ROUNDS; round++) {
        DIR *proc = opendir("/proc");
        if (proc == NULL) return found;
        int in_round = 0;
        for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
            if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
            int fd FD_SCOPED = end_one(what, dirfd(proc), entry->d_name);
            if (fd < 0) continue;
            in_round++;
            int64_t left = until - clock_monotonic_ms();
            struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
            (void)poll(&poll_fd, 1, left > 0 ? (int)left : 0);
        }
        closedir(proc);
        if (in_round == 0) break;
        found += in_round;
    }
    return found;
}
