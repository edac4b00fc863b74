/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Records are 64 bytes at 64 * record; the byte that is locked is the record's
 * first. Nothing here is synced: after a reboot no worker lives, and an intent without a receipt
 * counts as started.
 */
#include "run/attempts.h"

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
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/str.h"

#define LEFTOVER_ROUNDS 20      /* a leftover may fork while we look: look again, but not for ever */
#define LEFTOVER_WAIT_MS 5000   /* a killed process may sit in the kernel for a while */

_Static_assert(sizeof(struct attempt_record) == 64, "the record's size is its place in the file");

int
attempts_open(const char *run_folder, struct err *err)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/attempts", run_folder) >= (int)sizeof path)
        return err_set(err, EXIT_STORE, "path too long: \"%s\"", run_folder), -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) err_errno(err, EXIT_STORE, "cannot open \"%s\"", path);
    return fd;
}

static off_t
place(uint32_t record)
{
    return (off_t)record * (off_t)sizeof(struct attempt_record);
}

int
attempts_read(int fd, uint32_t record, struct attempt_record *ret, struct err *err)
{
    struct attempt_record attempt = {0};
    ssize_t n;
    do n = pread(fd, &attempt, sizeof attempt, place(record));
    while (n < 0 && errno == EINTR);
    if (n < 0) return err_errno(err, EXIT_STORE, "cannot read record %u of \"attempts\"", record);
    /* Behind the end, or a hole: nobody has written it yet. */
    if (n != (ssize_t)sizeof attempt) attempt = (struct attempt_record){0};
    *ret = attempt;
    return 0;
}

int
attempts_write(int fd, uint32_t record, const struct attempt_record *attempt, struct err *err)
{
    ssize_t n;
    do n = pwrite(fd, attempt, sizeof *attempt, place(record));
    while (n < 0 && errno == EINTR);
    if (n >= 0 && n != (ssize_t)sizeof *attempt) errno = ENOSPC;
    if (n != (ssize_t)sizeof *attempt)
        return err_errno(err, EXIT_STORE, "cannot write record %u of \"attempts\"", record);
    return 0;
}

int
attempts_lock(int fd, uint32_t record, struct err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = place(record), .l_len = 1};
    while (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EACCES) return 1;
        return err_errno(err, EXIT_STORE, "cannot lock record %u of \"attempts\"", record);
    }
    return 0;
}

void
attempts_unlock(int fd, uint32_t record)
{
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = place(record), .l_len = 1};
    (void)fcntl(fd, F_OFD_SETLK, &lock);
}

/* State and start time of /proc/PID/stat; the command may hold spaces and brackets, so count
 * from its last `)`. */
static uint64_t
stat_read(pid_t pid, char *state)
{
    char path[40], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n <= 0) return 0;
    text[n] = '\0';
    const char *p = strrchr(text, ')');
    if (p == NULL || p[1] != ' ') return 0;
    *state = p[2];
    p += 2;
    for (int field = 3; field < 22; field++) {
        p = strchr(p, ' ');
        if (p == NULL) return 0;
        p++;
    }
    return strtoull(p, NULL, 10);
}

uint64_t
attempts_start_time(pid_t pid)
{
    char state;
    return pid > 0 ? stat_read(pid, &state) : 0;
}

static uint64_t
boot_hash(void)
{
    int fd FD_SCOPED = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    char id[64], hex[HASH_HEX_SIZE];
    ssize_t n = fd >= 0 ? read(fd, id, sizeof id) : -1;
    if (n <= 0) return 0;
    hash_sha256_hex(id, (size_t)n, hex);
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}

void
attempts_self(struct attempt_record *ret)
{
    ret->pid = (int32_t)getpid();
    ret->start_time = attempts_start_time(getpid());
    ret->boot = boot_hash();
}

bool
attempts_alive(const struct attempt_record *record)
{
    if (record->pid <= 0 || record->start_time == 0 || record->boot != boot_hash()) return false;
    char state;
    uint64_t start = stat_read(record->pid, &state);
    /* A zombie does nothing any more and holds nothing. */
    return start == record->start_time && state != 'Z' && state != 'X';
}

pid_t
attempts_engine(const char *run_folder)
{
    char path[4200];
    struct err ignored;
    struct attempt_record record = {0};
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = place(0), .l_len = 1};
    if (snprintf(path, sizeof path, "%s/attempts", run_folder) >= (int)sizeof path) return 0;
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &range) != 0 || range.l_type == F_UNLCK) return 0;
    return attempts_read(fd, 0, &record, &ignored) == 0 ? (pid_t)record.pid : 0;
}

/* ---- leftovers
 * -------------------------------------------------------------------------------------- */

/* Is `want` ("LEVADA_ATTEMPT=…") one of the NUL-ended entries of the environment? Read in
 * chunks: an environment may be megabytes.. */
static bool
environ_has(int proc, const char *pid, const char *want)
{
    char path[64], chunk[8192];
    if (snprintf(path, sizeof path, "%s/environ", pid) >= (int)sizeof path) return false;
    int fd FD_SCOPED = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    size_t size = strlen(want), matched = 0;
    bool in_match = true; /* the entry so far equals the first `matched` bytes of want */
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        for (ssize_t i = 0; i < n; i++) {
            if (chunk[i] == '\0') {
                if (in_match && matched == size) return true;
                in_match = true;
                matched = 0;
            } else if (in_match && matched < size && chunk[i] == want[matched]) {
                matched++;
            } else {
                in_match = false;
            }
        }
    }
}

/* Kill it through a pidfd, looking at its environment again behind the pidfd: the number may
 * have been recycled. */
static int
leftover_kill(int proc, const char *name, const char *want)
{
    int64_t pid;
    if (!str_to_int(name, &pid) || pid == getpid()) return -1;
    struct stat st;
    if (fstatat(proc, name, &st, 0) != 0 || st.st_uid != geteuid()) return -1;
    if (!environ_has(proc, name, want)) return -1;
    int fd = pidfd_open((pid_t)pid, 0);
    if (fd < 0) return -1;
    if (!environ_has(proc, name, want) || pidfd_send_signal(fd, SIGKILL, NULL, 0) != 0) fd_close(&fd);
    return fd;
}

int
attempts_end_leftovers(const char *mark)
{
    char want[256];
    if (snprintf(want, sizeof want, "LEVADA_ATTEMPT=%s", mark) >= (int)sizeof want) return 0;
    int found = 0;
    int64_t until = clock_monotonic_ms() + LEFTOVER_WAIT_MS;
    for (int round = 0; round < LEFTOVER_ROUNDS; round++) {
        DIR *proc = opendir("/proc");
        if (proc == NULL) return found;
        int in_round = 0;
        for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
            if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
            int fd FD_SCOPED = leftover_kill(dirfd(proc), entry->d_name, want);
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
