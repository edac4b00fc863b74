/* SPDX-License-Identifier: Apache-2.0
 *
 * Where to draw the steps of a DAG: in layers, so that every edge goes down. Pure geometry, no text and no colour;
 * the same graph always gives the same picture.
 */
#ifndef SHOW_DAG_LAYOUT_H
#define SHOW_DAG_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct dag_point {
    double x, y;
};

struct dag_node {
    double width, height; /* given */
    double x, y;          /* result: left and top */
    uint32_t layer;       /* result: 0 on top; below every need */
};

struct dag_edge {
    uint32_t from, to;        /* given: `to` needs `from` */
    struct dag_point *points; /* result: from the bottom of `from` to the top of `to`, y rising */
    size_t npoints;
};

struct dag {
    struct dag_node *nodes;
    struct dag_edge *edges;
    size_t nnodes, nedges;
    double gap_x, gap_y;  /* given: between neighbours, between layers */
    double width, height; /* result */
};

/* The graph must have no cycle. Results live in the arena. */
void dag_layout(struct arena *arena, struct dag *dag);

#endif
