/* SPDX-License-Identifier: Apache-2.0
 *
 * What the live picture knows of each loop and block: how many of its parts are how far, which are at work, which
 * failed first. Kept up to date by events, so that drawing looks only at what it draws, also of a loop of 10,000 items.
 */
#ifndef SHOW_BOARD_H
#define SHOW_BOARD_H

#include "run/state.h"
#include "show/instance.h"
#include "show/tree.h"

#define BOARD_FAILURES 10u /* of each loop or block, kept in the order in which they failed */

/* Of a loop or block that has begun, or of the run. */
struct board_sum {
    struct tally tally;           /* of its parts */
    uint32_t first, last;         /* of those at work, the longest first; position + 1, 0: none */
    uint32_t failed[BOARD_FAILURES];
    size_t nfailed;
};

/* Of a step or item. */
struct board_part {
    enum step_status seen, counted_as;
    bool counted;                 /* in the tally of the run */
    bool known;                   /* it is in the sum above it */
    bool linked;                  /* it is one of those at work */
    uint32_t next, before;        /* position + 1 */
    struct meter *meter;          /* NULL: it has said nothing */
    const char *hint;             /* last line of a failed attempt's log; NULL: none */
    struct board_sum *sum;        /* NULL: it has no parts */
};

struct board_rows {
    const struct model *model;
    struct tree_row *rows;
};

struct board {
    struct arena *arena;
    const struct run_state *state;
    struct board_part *parts;     /* beside state->steps */
    size_t nparts, capacity;
    struct board_sum sum;         /* of the workflow's own steps */
    struct tally all;             /* as tally_run() counts */
    struct board_rows *rows;
    size_t nrows, rows_capacity;
};

/* Takes the state as it stands; arena and state outlive it. */
void board_init(struct board *board, struct arena *arena, const struct run_state *state);
/* Behind each event, in order. The state may be further on. */
void board_event(struct board *board, const struct event *event);
struct board_part *board_part(struct board *board, const struct step_state *step);
/* Of a loop or block, NULL: of the run. */
const struct board_sum *board_sum(const struct board *board, const struct step_state *parent);
/* The steps of a workflow or group as a tree, made once. */
const struct tree_row *board_rows(struct board *board, const struct model *model);

#endif
