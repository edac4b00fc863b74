/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer with a maximum. `data` is never NULL after the first append and always ends in a NUL
 * that `size` does not count. Passing the maximum sets `full` and drops the bytes: check it once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t size, capacity, size_max;
    bool full;
};

void buf_init(struct buf *buf, size_t size_max);
void buf_release(struct buf *buf);
void buf_clear(struct buf *buf);
void buf_add(struct buf *buf, const void *data, size_t size);
void buf_text(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *buf, const char *fmt, ...);
__attribute__((format(printf, 2, 0))) void buf_vprintf(struct buf *buf, const char *fmt, va_list ap);
/* Drop the first `size` bytes. */
void buf_drop(struct buf *buf, size_t size);
/* Never NULL. */
const char *buf_str(const struct buf *buf);

#define BUF_SCOPED __attribute__((cleanup(buf_release)))

#endif
