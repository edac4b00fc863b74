/* SPDX-License-Identifier: Apache-2.0
 *
 * What a rollback undoes, in which order, and what it leaves as it is: pure, decided before anything is touched.
 */
#ifndef RUN_ROLLBACK_H
#define RUN_ROLLBACK_H

#include "base/arena.h"
#include "base/err.h"
#include "run/state.h"

struct rollback_row {
    const struct step_state *step; /* of the state */
    bool undo;
    bool by_hand;                  /* it did something, and nothing here can take that back */
    const char *text;              /* why, or why not */
};

struct rollback_plan {
    struct rollback_row *rows;     /* those that are undone first, in that order: the last that ended comes first;
                                    * then those that are left to a person */
    size_t nrows, undo;
};

/* All steps that succeeded and say how to undo them; `only` with `item` (both may be NULL): that one alone. What an
 * earlier try did and a retry has no place for is named, too. EXIT_USAGE: there is nothing, or no such step.
 * EXIT_UNKNOWN, EXIT_PARKED, EXIT_HELD: the run has not ended. */
int rollback_plan(struct arena *arena, const struct run_state *state, const char *only, const char *item,
                  struct rollback_plan *ret, struct err *err);

#endif
