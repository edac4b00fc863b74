/* SPDX-License-Identifier: Apache-2.0
 *
 * The live picture of a run on a terminal, as lines of text. Pure: state, meters and a clock in, text out; progress.c
 * puts it on the screen.
 */
#ifndef SHOW_TREE_H
#define SHOW_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "run/state.h"

/* The steps of a DAG as a tree: each step below the need that comes last, so the order is topological. */
struct tree_row {
    uint32_t step;      /* index into the steps of the model */
    uint32_t depth;     /* 0: a root */
    bool last;          /* the last child of its parent */
    uint64_t open;      /* bit d: a line goes on at depth d (the first 64) */
};
/* nsteps rows, in model parts order (steps, on_failure, finally). */
struct tree_row *tree_rows(struct arena *arena, const struct model *model);

/* What a running step said of its progress. */
struct meter {
    uint64_t done, total;    /* total 0: unknown */
    char what[24];           /* "rows"; "" before the first word */
    int64_t since_ms;        /* wall time of the first word of this attempt */
    uint64_t since_done;
};

struct board;
struct tree_view {
    struct board *board;
    int width, height;              /* of the terminal */
    int64_t now_ms;                 /* wall */
    unsigned frame;                 /* of the spinner */
    bool colour;
    bool final;                     /* the last picture: no limit of height, no spinner */
};

/* Lines that end in "\n", none wider than the terminal. Returns their number. A loop of many items has one line, and
 * below it the first that failed and what runs; when the steps do not fit, only what is going on is drawn. */
size_t tree_render(const struct tree_view *view, struct buf *buf);

#endif
