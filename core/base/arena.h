/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is freed all at once. Three lifetimes: program, run, step. An allocation never fails: running
 * out of memory is one line on stderr and _exit(8), which the journal makes safe.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *head;
};

struct arena_mark {
    struct arena_block *block;
    size_t used;
};

/* A zeroed struct arena is a valid empty one. */
void arena_release(struct arena *arena);
/* Zeroed, 16-aligned. size may be 0. */
void *arena_alloc(struct arena *arena, size_t size);
/* count * size with the overflow checked. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* Room for one more behind `count` of them: `old`, or a copy with twice the room. *capacity is kept; 0 at first. */
void *arena_grow(struct arena *arena, void *old, size_t count, size_t *capacity, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
/* `size` bytes of `text` and a NUL. */
char *arena_strndup(struct arena *arena, const char *text, size_t size);
__attribute__((format(printf, 2, 3))) char *arena_printf(struct arena *arena, const char *fmt, ...);
__attribute__((format(printf, 2, 0))) char *arena_vprintf(struct arena *arena, const char *fmt, va_list ap);

/* Scratch: rewind frees all that was allocated since the mark. */
struct arena_mark arena_mark(struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

/* For buf.c: realloc that never fails. */
void *memory_resize(void *old, size_t size);
void memory_free(void *ptr);
/* Gives what was freed back to the system: after a large workflow was read, for as long as its run takes. */
void memory_trim(void);

#define ARENA_NEW(arena, T) ((T *)arena_alloc((arena), sizeof(T)))
#define ARENA_ARRAY(arena, count, T) ((T *)arena_array((arena), (count), sizeof(T)))
/* struct arena a ARENA_SCOPED = {0}; */
#define ARENA_SCOPED __attribute__((cleanup(arena_release)))

#endif
