/* SPDX-License-Identifier: Apache-2.0
 *
 * Depth first with a stack of its own: a chain of 100,000 steps is as deep as it is long.
 */
#include "workflow/graph.h"

#include <stdlib.h>
#include <string.h>

void
edges_add(struct arena *arena, struct edges *edges, uint32_t step)
{
    if (edges->count == edges->capacity) {
        size_t capacity = edges->capacity == 0 ? 4 : edges->capacity * 2;
        uint32_t *items = ARENA_ARRAY(arena, capacity, uint32_t);
        if (edges->count) memcpy(items, edges->items, edges->count * sizeof *items);
        edges->items = items;
        edges->capacity = capacity;
    }
    edges->items[edges->count++] = step;
}

static int
by_number(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

void
edges_finish(struct edges *edges)
{
    if (edges->count == 0) return;
    qsort(edges->items, edges->count, sizeof *edges->items, by_number);
    size_t kept = 1;
    for (size_t i = 1; i < edges->count; i++)
        if (edges->items[i] != edges->items[kept - 1]) edges->items[kept++] = edges->items[i];
    edges->count = kept;
}

bool
edges_has(const struct edges *edges, uint32_t step)
{
    return edges->count != 0 &&
           bsearch(&step, edges->items, edges->count, sizeof *edges->items, by_number) != NULL;
}

enum colour { UNSEEN, OPEN, DONE };

struct visit {
    uint32_t step;
    size_t next; /* edge to follow */
};

static void
drop_edge(struct edges *edges, size_t i)
{
    memmove(&edges->items[i], &edges->items[i + 1], (edges->count - i - 1) * sizeof *edges->items);
    edges->count--;
}

/* The steps on the stack from `first` on, turned round: the stack goes from a step to what it needs. */
static void
take_path(struct arena *arena, const struct visit *stack, size_t depth, uint32_t first, uint32_t **path,
          size_t *length)
{
    size_t start = depth;
    while (stack[start - 1].step != first) start--;
    *length = depth - start + 1;
    *path = ARENA_ARRAY(arena, *length, uint32_t);
    for (size_t i = 0; i < *length; i++) (*path)[i] = stack[depth - 1 - i].step;
}

static bool
visit_from(struct arena *arena, struct edges *edges, unsigned char *colours, struct visit *stack, uint32_t start,
           uint32_t **path, size_t *length)
{
    size_t depth = 1;
    stack[0] = (struct visit){start, 0};
    colours[start] = OPEN;
    while (depth > 0) {
        struct visit *top = &stack[depth - 1];
        struct edges *needs = &edges[top->step];
        if (top->next == needs->count) {
            colours[top->step] = DONE;
            depth--;
            continue;
        }
        uint32_t to = needs->items[top->next++];
        if (colours[to] == OPEN) {
            take_path(arena, stack, depth, to, path, length);
            drop_edge(needs, top->next - 1);
            return true;
        }
        if (colours[to] == DONE) continue;
        colours[to] = OPEN;
        stack[depth++] = (struct visit){to, 0};
    }
    return false;
}

bool
graph_cycle(struct arena *arena, struct edges *edges, size_t count, uint32_t **path, size_t *length)
{
    unsigned char *colours = ARENA_ARRAY(arena, count, unsigned char);
    struct visit *stack = ARENA_ARRAY(arena, count, struct visit);
    for (size_t i = 0; i < count; i++)
        if (colours[i] == UNSEEN && visit_from(arena, edges, colours, stack, (uint32_t)i, path, length)) return true;
    return false;
}
