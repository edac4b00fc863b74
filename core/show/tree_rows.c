/* SPDX-License-Identifier: Apache-2.0
 *
 * A DAG becomes a tree by walking it depth first and entering a step when its last need has been written down.
 * The walk keeps its own stack: a chain may be 100,000 steps long.
 */
#include "show/tree.h"

#include <string.h>

struct walk {
    const struct model *model;
    uint32_t *first, *next, *heads; /* dependents of each step: an index list; position + 1, 0: end */
    uint32_t *missing;              /* needs not written yet */
    struct tree_row *rows;
    size_t count;
};

struct frame {
    uint32_t step, at; /* the children that became free are children[at..end) */
    uint32_t end;
};

static void
link_dependents(struct walk *walk, struct arena *arena)
{
    size_t edges = 0, n = walk->model->nsteps;
    for (size_t i = 0; i < n; i++) edges += walk->model->steps[i].nneeds;
    walk->first = ARENA_ARRAY(arena, n + 1, uint32_t);
    walk->next = ARENA_ARRAY(arena, edges + 1, uint32_t);
    walk->heads = ARENA_ARRAY(arena, edges + 1, uint32_t);
    walk->missing = ARENA_ARRAY(arena, n + 1, uint32_t);
    uint32_t edge = 0;
    for (size_t i = n; i-- > 0;) { /* backwards, so that lists come out in the order of the file */
        const struct step *step = &walk->model->steps[i];
        walk->missing[i] = (uint32_t)step->nneeds;
        for (size_t k = 0; k < step->nneeds; k++) {
            edge++;
            walk->heads[edge] = (uint32_t)i;
            walk->next[edge] = walk->first[step->needs[k]];
            walk->first[step->needs[k]] = edge;
        }
    }
}

static void
add_row(struct walk *walk, uint32_t step, uint32_t depth, bool last, uint64_t open)
{
    walk->rows[walk->count++] = (struct tree_row){.step = step, .depth = depth, .last = last, .open = open};
}

static void
walk_from(struct walk *walk, uint32_t root, struct frame *stack, uint32_t *children)
{
    uint32_t depth = 0, used = 0;
    uint64_t open = 0;
    add_row(walk, root, 0, true, 0);
    uint32_t entered = root;
    for (;;) {
        struct frame *frame = &stack[depth];
        *frame = (struct frame){.step = entered, .at = used};
        for (uint32_t e = walk->first[entered]; e != 0; e = walk->next[e])
            if (--walk->missing[walk->heads[e]] == 0) children[used++] = walk->heads[e];
        frame->end = used;
        while (stack[depth].at == stack[depth].end) {
            if (depth == 0) return;
            depth--;
        }
        frame = &stack[depth];
        entered = children[frame->at++];
        bool last = frame->at == frame->end;
        depth++;
        if (depth <= 64) {
            uint64_t bit = (uint64_t)1 << (depth - 1);
            open = (open & (bit - 1)) | (last ? 0 : bit);
        }
        add_row(walk, entered, depth, last, open);
    }
}

struct tree_row *
tree_rows(struct arena *arena, const struct model *model)
{
    struct walk walk = {.model = model, .rows = ARENA_ARRAY(arena, model->nsteps + 1, struct tree_row)};
    struct arena scratch ARENA_SCOPED = {0};
    link_dependents(&walk, &scratch);
    struct frame *stack = ARENA_ARRAY(&scratch, model->nsteps + 1, struct frame);
    uint32_t *children = ARENA_ARRAY(&scratch, model->nsteps + 1, uint32_t);
    for (uint32_t i = 0; i < model->nsteps; i++)
        if (model->steps[i].nneeds == 0) walk_from(&walk, i, stack, children);
    return walk.rows;
}
