/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. A log that cannot be written never fails an attempt: the effect counts, not what
 * was said about it.
 */
#include "run/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

void
logfile_init(struct logfile *log, const char *path)
{
    /* A copy of it: while an action runs, standard error is a pipe that ends here. */
    *log = (struct logfile){.path = path, .fd = path == NULL ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : -1};
    pthread_mutex_init(&log->mutex, NULL);
}

void
logfile_release(struct logfile *log)
{
    fd_close(&log->fd);
    pthread_mutex_destroy(&log->mutex);
}

/* A file that is there already is of the same attempt, begun by a worker by hand: go on behind
 * it, but only when it is a plain file of ours with one name. */
static int
open_log(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 || errno != EEXIST) return fd;
    fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return fd;
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1) return fd;
    fd_close(&fd);
    errno = EEXIST;
    return -1;
}

static void
keep_tail(struct logfile *log, const char *data, size_t size)
{
    if (size >= LOG_TAIL_SIZE) {
        memcpy(log->tail, data + size - LOG_TAIL_SIZE, LOG_TAIL_SIZE);
        log->tail_size = LOG_TAIL_SIZE;
        return;
    }
    size_t over = log->tail_size + size > LOG_TAIL_SIZE ? log->tail_size + size - LOG_TAIL_SIZE : 0;
    memmove(log->tail, log->tail + over, log->tail_size - over);
    memcpy(log->tail + log->tail_size - over, data, size);
    log->tail_size += size - over;
}

static void
broken(struct logfile *log)
{
    log->broken = true;
    char text[512];
    int n = snprintf(text, sizeof text, "levada: cannot write \"%s\": %s\n", log->path ? log->path : "log",
                     strerror(errno));
    if (n > 0) (void)!write(STDERR_FILENO, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static void
write_locked(struct logfile *log, const char *data, size_t size)
{
    if (size == 0) return;
    size_t room = log->size < LIMIT_LOG_SIZE ? LIMIT_LOG_SIZE - log->size : 0;
    log->size += size;
    log->in_line = data[size - 1] != '\n';
    if (log->broken || log->cut) return;
    if (log->fd < 0 && log->path != NULL) log->fd = open_log(log->path);
    if (log->fd < 0 || fd_write_all(log->fd, data, size < room ? size : room) != 0) {
        broken(log);
        return;
    }
    if (size <= room) return;
    log->cut = true;
    char text[64];
    int n = snprintf(text, sizeof text, "\nlog cut at %u bytes\n", (unsigned)LIMIT_LOG_SIZE);
    if (fd_write_all(log->fd, text, (size_t)n) != 0) broken(log);
}

void
logfile_write(struct logfile *log, const void *data, size_t size)
{
    pthread_mutex_lock(&log->mutex);
    keep_tail(log, data, size);
    write_locked(log, data, size);
    pthread_mutex_unlock(&log->mutex);
}

void
logfile_line(struct logfile *log, const char *level, const char *text, size_t size)
{
    struct buf line BUF_SCOPED;
    buf_init(&line, LIMIT_LOG_SIZE);
    pthread_mutex_lock(&log->mutex);
    if (log->in_line) {
        buf_char(&line, '\n');
        keep_tail(log, "\n", 1);
    }
    str_timestamp(&line, clock_wall_ms());
    buf_printf(&line, " %s ", level);
    while (size > 0 && text[size - 1] == '\n') size--;
    str_plain(&line, text, size);
    buf_char(&line, '\n');
    write_locked(log, buf_str(&line), line.size);
    pthread_mutex_unlock(&log->mutex);
}

void
logfile_last_line(struct logfile *log, struct buf *ret, size_t size_max)
{
    pthread_mutex_lock(&log->mutex);
    size_t end = log->tail_size;
    while (end > 0 && (log->tail[end - 1] == '\n' || log->tail[end - 1] == '\r' || log->tail[end - 1] == ' ')) end--;
    size_t start = end;
    while (start > 0 && log->tail[start - 1] != '\n') start--;
    if (end - start > size_max) end = start + size_max;
    while (end > start && ((unsigned char)log->tail[end - 1] & 0xc0) == 0x80) end--; /* no half character */
    if (end > start && (unsigned char)log->tail[end - 1] >= 0xc0) end--;
    str_plain(ret, log->tail + start, end - start);
    pthread_mutex_unlock(&log->mutex);
}
