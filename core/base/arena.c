/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks grow from 4 KiB to 1 MiB; a large request gets a block of its own. Blocks come from calloc, so
 * memory is zeroed without a memset except where a rewind made it dirty.
 */
#include "base/arena.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/limits.h"

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    _Alignas(16) unsigned char data[];
};

_Noreturn static void
out_of_memory(size_t size)
{
    char line[128];
    int n = snprintf(line, sizeof line, "levada: out of memory (asked for %zu bytes)\n", size);
    if (n > 0) (void)!write(STDERR_FILENO, line, (size_t)n);
    _exit(8);
}

_Noreturn void
assert_failed(const char *file, int line, const char *expr)
{
    char text[512];
    int n = snprintf(text, sizeof text, "levada: a bug: %s:%d: %s\n", file, line, expr);
    if (n > 0) (void)!write(STDERR_FILENO, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
    abort();
}

void *
memory_resize(void *old, size_t size)
{
    void *ret = realloc(old, size ? size : 1);
    if (ret == NULL) out_of_memory(size);
    return ret;
}

void
memory_free(void *ptr)
{
    free(ptr);
}

void
memory_trim(void)
{
    (void)malloc_trim(0);
}

void
arena_release(struct arena *arena)
{
    while (arena->head != NULL) {
        struct arena_block *next = arena->head->next;
        free(arena->head);
        arena->head = next;
    }
}

static struct arena_block *
block_new(struct arena *arena, size_t size)
{
    size_t want = arena->head != NULL ? arena->head->size * 2 : 4 * KIB;
    if (want > MIB) want = MIB;
    if (want < size) want = size;
    if (want > SIZE_MAX - sizeof(struct arena_block)) out_of_memory(size);
    struct arena_block *block = calloc(1, sizeof *block + want);
    if (block == NULL) out_of_memory(want);
    block->size = want;
    block->next = arena->head;
    arena->head = block;
    return block;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - 32) out_of_memory(size);
    size = (size + 15) & ~(size_t)15;
    struct arena_block *block = arena->head;
    if (block == NULL || block->size - block->used < size) block = block_new(arena, size);
    void *ret = block->data + block->used;
    block->used += size;
    return ret;
}

void *
arena_array(struct arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) out_of_memory(SIZE_MAX);
    return arena_alloc(arena, count * size);
}

void *
arena_grow(struct arena *arena, void *old, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return old;
    *capacity = *capacity ? *capacity * 2 : 16;
    void *ret = arena_array(arena, *capacity, size);
    if (count) memcpy(ret, old, count * size);
    return ret;
}

char *
arena_strndup(struct arena *arena, const char *text, size_t size)
{
    char *ret = arena_alloc(arena, size + 1);
    if (size) memcpy(ret, text, size);
    return ret;
}

char *
arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *
arena_vprintf(struct arena *arena, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    ASSERT(n >= 0);
    char *ret = arena_alloc(arena, (size_t)n + 1);
    vsnprintf(ret, (size_t)n + 1, fmt, again);
    va_end(again);
    return ret;
}

char *
arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *ret = arena_vprintf(arena, fmt, ap);
    va_end(ap);
    return ret;
}

struct arena_mark
arena_mark(struct arena *arena)
{
    return (struct arena_mark){arena->head, arena->head != NULL ? arena->head->used : 0};
}

void
arena_rewind(struct arena *arena, struct arena_mark mark)
{
    while (arena->head != mark.block) {
        ASSERT(arena->head != NULL);
        struct arena_block *next = arena->head->next;
        free(arena->head);
        arena->head = next;
    }
    if (arena->head != NULL) {
        memset(arena->head->data + mark.used, 0, arena->head->used - mark.used);
        arena->head->used = mark.used;
    }
}
