/* SPDX-License-Identifier: Apache-2.0
 *
 * The log of one attempt: a file made at its first byte (a file per attempt would be dear),
 * appended to unbuffered, so that what was said before a crash is there. What goes in here is
 * masked already. Any thread.
 */
#ifndef RUN_LOGFILE_H
#define RUN_LOGFILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define LOG_TAIL_SIZE 1024u /* enough for the last line of a program that fails */

struct logfile {
    const char *path;    /* borrowed; NULL: standard error */
    int fd;              /* -1 before the first byte */
    size_t size;         /* bytes that were said, also those cut */
    bool cut, broken;    /* beyond LIMIT_LOG_SIZE; cannot be written (said once on stderr) */
    bool in_line;        /* the last byte was no newline */
    char tail[LOG_TAIL_SIZE]; /* of what the program said */
    size_t tail_size;
    pthread_mutex_t mutex;
};

void logfile_init(struct logfile *log, const char *path);
void logfile_release(struct logfile *log);
/* Bytes of a program, as they are. */
void logfile_write(struct logfile *log, const void *data, size_t size);
/* "2026-01-02T03:04:05.678Z LEVEL text": a line of the host's own; control characters become
 * visible. */
void logfile_line(struct logfile *log, const char *level, const char *text, size_t size);
/* The last line of the program's that is not empty, at most `size_max` bytes of it, fit for a message. */
void logfile_last_line(struct logfile *log, struct buf *ret, size_t size_max);

#endif
