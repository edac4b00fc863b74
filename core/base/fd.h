/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors and files. Every descriptor made here is close-on-exec; writes are whole or an error.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

void fd_close(int *fd); /* -1 after; accepts -1 */
#define FD_SCOPED __attribute__((cleanup(fd_close)))

/* 0 or -1 with errno. */
int fd_write_all(int fd, const void *data, size_t size);
/* Whole file, at most size_max bytes, NUL behind it. Errors name the path: missing, a directory, too large. */
int fd_read_file(struct arena *arena, const char *path, size_t size_max, char **ret, size_t *size, struct err *err);
/* What is left to read of fd, from its current offset, at most size_max bytes. */
int fd_read_rest(struct arena *arena, int fd, size_t size_max, char **ret, size_t *size, struct err *err);
/* Write beside, fsync, rename: the old content or the new one, never a part. mode as in open(). `durable`: fsync
 * the file and its folder. */
int fd_replace_file(int folder, const char *name, const void *data, size_t size, unsigned mode, bool durable,
                    struct err *err);
/* A sealed memfd with `size` bytes in it, or -1 with errno. */
int fd_memfd(const char *name, const void *data, size_t size);
/* mkdir -p with mode 0700 for what it makes. */
int fd_make_folder(const char *path, struct err *err);

#endif
