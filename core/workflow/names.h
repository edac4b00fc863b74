/* SPDX-License-Identifier: Apache-2.0
 *
 * Names to numbers: the index over keys of a map, steps, params. A workflow may have 100,000 steps, so looking one
 * up must not walk them.
 */
#ifndef WORKFLOW_NAMES_H
#define WORKFLOW_NAMES_H

#include <stddef.h>

#include "base/arena.h"

struct names {
    struct arena *arena;
    const char **list; /* in the order they were added; for suggestions */
    size_t count, capacity;
    size_t *slots;     /* index + 1, or 0; a power of two */
    size_t nslots;
};

void names_init(struct names *names, struct arena *arena);
/* Index of the name, or -1. */
ptrdiff_t names_find(const struct names *names, const char *name);
/* -1 when it is new and was added as number `count - 1`, else the index it has. The text is borrowed. */
ptrdiff_t names_add(struct names *names, const char *name);

#endif
