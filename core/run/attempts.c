/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Records are 64 bytes at 64 * record; the byte that is locked is the record's
 * first. Nothing here is synced: after a reboot no worker lives, and an intent without a receipt
 * counts as started.
 */
#include "run/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/hash.h"

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

int
attempts_open_read(const char *run_folder)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/attempts", run_folder) >= (int)sizeof path) return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        fd_close(&fd);
        errno = EINVAL;
    }
    return fd;
}

bool
attempts_held(int fd, uint32_t record, bool and_above)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = place(record), .l_len = and_above ? 0 : 1};
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* /proc/PID/stat; the command may hold spaces and brackets, so count from its last `)`. */
bool
attempts_process(pid_t pid, struct attempt_process *ret)
{
    char path[40], text[1024];
    *ret = (struct attempt_process){0};
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd FD_SCOPED = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n <= 0) return false;
    text[n] = '\0';
    const char *p = strrchr(text, ')');
    if (p == NULL || p[1] != ' ') return false;
    ret->state = p[2];
    p += 2;
    for (int field = 3; field < 22; field++) {
        p = strchr(p, ' ');
        if (p == NULL) return false;
        p++;
        if (field + 1 == 6) ret->session = (pid_t)strtol(p, NULL, 10);
    }
    ret->start_time = strtoull(p, NULL, 10);
    return true;
}

uint64_t
attempts_start_time(pid_t pid)
{
    struct attempt_process process;
    return attempts_process(pid, &process) ? process.start_time : 0;
}

/* Asked once: workers have it from their launcher. */
static uint64_t
boot_hash(void)
{
    static uint64_t known;
    if (known != 0) return known;
    const char *path = "/proc/sys/kernel/random/boot_id";
#ifdef LEVADA_FAILPOINTS
    /* A file that stands in for another boot. */
    if (getenv("LEVADA_TEST_BOOT_ID") != NULL) path = getenv("LEVADA_TEST_BOOT_ID");
#endif
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC);
    char id[64], hex[HASH_HEX_SIZE];
    ssize_t n = fd >= 0 ? read(fd, id, sizeof id) : -1;
    if (n <= 0) return 0;
    hash_sha256_hex(id, (size_t)n, hex);
    hex[16] = '\0';
    known = strtoull(hex, NULL, 16);
    return known;
}

static uint64_t
pid_space(void)
{
    struct stat st;
    return stat("/proc/self/ns/pid", &st) == 0 ? (uint64_t)st.st_ino : 0;
}

void
attempts_self(struct attempt_record *ret)
{
    ret->pid = (int32_t)getpid();
    ret->start_time = attempts_start_time(getpid());
    ret->boot = boot_hash();
    ret->pid_space = pid_space();
}

bool
attempts_alive(const struct attempt_record *record)
{
    struct attempt_process process;
    if (record->pid <= 0 || record->start_time == 0 || !attempts_this_boot(record) || attempts_elsewhere(record))
        return false;
    /* A zombie does nothing any more and holds nothing. */
    return attempts_process(record->pid, &process) && process.start_time == record->start_time &&
           process.state != 'Z' && process.state != 'X';
}

int
attempts_take_run(int fd, struct attempt_record *holder, struct err *err)
{
    for (int round = 0;; round++) {
        int code = attempts_lock(fd, 0, err);
        if (code != 1) return code;
        code = attempts_read(fd, 0, holder, err);
        if (code) return code;
        /* Our own record is that of the engine we were before its launcher died: a command took the lock meanwhile. */
        bool own = holder->pid == (int32_t)getpid() && !attempts_elsewhere(holder);
        bool engine = (attempts_alive(holder) && !own) || attempts_elsewhere(holder);
        if (!engine) *holder = (struct attempt_record){0};
        if (!engine && round < 200) {
            (void)poll(NULL, 0, 10);
            continue;
        }
        if (holder->pid > 0)
            err_set(err, EXIT_HELD, "the run is held by an engine, pid %d%s", holder->pid,
                    attempts_elsewhere(holder) ? " of another pid namespace" : "");
        else err_set(err, EXIT_HELD, "the run is held by another command that does not let it go");
        return EXIT_HELD;
    }
}

pid_t
attempts_engine(const char *run_folder)
{
    struct err ignored;
    struct attempt_record record = {0};
    int fd FD_SCOPED = attempts_open_read(run_folder);
    if (fd < 0 || !attempts_held(fd, 0, false)) return 0;
    /* An engine that took the lock just now has not written its record yet, and the old pid may be anybody's. */
    for (int round = 0; round < 50; round++) {
        if (attempts_read(fd, 0, &record, &ignored) != 0) return 0;
        if (attempts_alive(&record)) return (pid_t)record.pid;
        (void)poll(NULL, 0, 10);
    }
    return 0;
}

bool
attempts_this_boot(const struct attempt_record *record)
{
    return record->boot == boot_hash();
}

bool
attempts_elsewhere(const struct attempt_record *record)
{
    return record->pid_space != 0 && record->pid_space != pid_space() && attempts_this_boot(record);
}

int
attempts_forget(int fd, uint32_t from, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || (st.st_size > place(from) && ftruncate(fd, place(from)) != 0))
        return err_errno(err, EXIT_STORE, "cannot shorten \"attempts\"");
    return 0;
}

bool
attempts_lives(int fd, uint32_t number, const struct attempt_record *record)
{
    return attempts_alive(record) || (attempts_elsewhere(record) && attempts_held(fd, number, false));
}
