/* SPDX-License-Identifier: Apache-2.0
 *
 * Open addressing with FNV-1a, at most half full; small sets are walked, which is faster and needs no table. The
 * hash is seeded by nothing: a file made to collide costs its own author a slow check, bounded by LIMIT_STEPS.
 */
#include "workflow/names.h"

#include <stdint.h>
#include <string.h>

#define WALKED 8

void
names_init(struct names *names, struct arena *arena)
{
    *names = (struct names){.arena = arena};
}

static size_t
slot_of(const struct names *names, const char *name)
{
    uint64_t hash = 14695981039346656037u;
    for (const char *p = name; *p; p++) hash = (hash ^ (unsigned char)*p) * 1099511628211u;
    size_t i = (size_t)(hash ^ hash >> 29) & (names->nslots - 1);
    while (names->slots[i] != 0 && strcmp(names->list[names->slots[i] - 1], name) != 0)
        i = (i + 1) & (names->nslots - 1);
    return i;
}

ptrdiff_t
names_find(const struct names *names, const char *name)
{
    if (names->nslots != 0) return (ptrdiff_t)names->slots[slot_of(names, name)] - 1;
    for (size_t i = 0; i < names->count; i++)
        if (names->list[i][0] == name[0] && strcmp(names->list[i], name) == 0) return (ptrdiff_t)i;
    return -1;
}

static void
slots_grow(struct names *names)
{
    names->nslots = names->capacity * 2;
    names->slots = ARENA_ARRAY(names->arena, names->nslots, size_t);
    for (size_t i = 0; i < names->count; i++) names->slots[slot_of(names, names->list[i])] = i + 1;
}

ptrdiff_t
names_add(struct names *names, const char *name)
{
    ptrdiff_t found = names_find(names, name);
    if (found >= 0) return found;
    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? WALKED : names->capacity * 2;
        const char **list = ARENA_ARRAY(names->arena, capacity, const char *);
        if (names->count) memcpy(list, names->list, names->count * sizeof *list);
        names->list = list;
        names->capacity = capacity;
        if (capacity > WALKED) slots_grow(names);
    }
    names->list[names->count++] = name;
    if (names->nslots != 0) names->slots[slot_of(names, name)] = names->count;
    return -1;
}
