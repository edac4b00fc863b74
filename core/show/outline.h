/* SPDX-License-Identifier: Apache-2.0
 *
 * Which steps, items and steps within them a page about a run shows, in order: all of a short loop, of a long one those
 * that did not succeed, and how many it leaves out.
 */
#ifndef SHOW_OUTLINE_H
#define SHOW_OUTLINE_H

#include "show/instance.h"

struct outline_row {
    const struct step_state *step; /* NULL: of the loop above, `left` are not shown */
    unsigned depth;
    struct tally left;
};

struct outline_options {
    size_t items;         /* of a loop with at most so many, each has a row */
    size_t nested;        /* the same of a loop within an item of another */
    size_t others;        /* of a longer one, so many that failed or are unknown, and so many that run */
    const char *step, *item; /* only this one and what is in it, all of it; NULL: everything */
    bool failed;          /* only what failed or is unknown, and what it is in; all of that */
};

struct outline {
    struct outline_row *rows;
    size_t count, capacity;
    bool cut;             /* there are items without a row */
};

void outline_build(struct arena *arena, const struct run_state *state, const struct outline_options *options,
                   struct outline *ret);

#endif
