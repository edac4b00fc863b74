/* SPDX-License-Identifier: Apache-2.0
 *
 * Doubling growth up to the maximum.
 */
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"

void
buf_init(struct buf *buf, size_t size_max)
{
    *buf = (struct buf){.size_max = size_max};
}

void
buf_release(struct buf *buf)
{
    memory_free(buf->data);
    *buf = (struct buf){.size_max = buf->size_max};
}

void
buf_clear(struct buf *buf)
{
    buf->size = 0;
    buf->full = false;
    if (buf->data != NULL) buf->data[0] = '\0';
}

static bool
buf_reserve(struct buf *buf, size_t more)
{
    if (buf->full || more > buf->size_max - buf->size) {
        buf->full = true;
        return false;
    }
    size_t need = buf->size + more + 1;
    if (need > buf->capacity) {
        size_t capacity = buf->capacity ? buf->capacity : 128;
        while (capacity < need) capacity *= 2;
        buf->data = memory_resize(buf->data, capacity);
        buf->capacity = capacity;
    }
    return true;
}

void
buf_add(struct buf *buf, const void *data, size_t size)
{
    if (!buf_reserve(buf, size)) return;
    if (size) memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
}

void
buf_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void
buf_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void
buf_vprintf(struct buf *buf, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    ASSERT(n >= 0);
    if (buf_reserve(buf, (size_t)n)) {
        vsnprintf(buf->data + buf->size, (size_t)n + 1, fmt, again);
        buf->size += (size_t)n;
    }
    va_end(again);
}

void
buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(buf, fmt, ap);
    va_end(ap);
}

void
buf_drop(struct buf *buf, size_t size)
{
    ASSERT(size <= buf->size);
    if (size == 0) return;
    memmove(buf->data, buf->data + size, buf->size - size + 1);
    buf->size -= size;
}

const char *
buf_str(const struct buf *buf)
{
    return buf->data != NULL ? buf->data : "";
}
