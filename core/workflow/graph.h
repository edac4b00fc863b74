/* SPDX-License-Identifier: Apache-2.0
 *
 * Edges between steps, collected while a file is checked, and the question whether they go round in a circle.
 */
#ifndef WORKFLOW_GRAPH_H
#define WORKFLOW_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* What a step needs: indexes of steps, in any order and more than once while being collected. */
struct edges {
    uint32_t *items;
    size_t count, capacity;
};

void edges_add(struct arena *arena, struct edges *edges, uint32_t step);
/* Sorts and drops what is there twice. */
void edges_finish(struct edges *edges);
bool edges_has(const struct edges *edges, uint32_t step); /* of finished ones */

/* Finds a cycle among `count` steps; edges[i] are the needs of step i. True: *path has the steps of one in the
 * direction of work (each is needed by the next, the last by the first), *length of them. A cycle found is broken by
 * dropping an edge, so calling again finds the next. Takes no recursion. */
bool graph_cycle(struct arena *arena, struct edges *edges, size_t count, uint32_t **path, size_t *length);

#endif
