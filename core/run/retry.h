/* SPDX-License-Identifier: Apache-2.0
 *
 * Which steps of an ended run a retry runs again, which results stay valid, and why: pure, decided before anything is
 * touched, so that a person can read it first.
 */
#ifndef RUN_RETRY_H
#define RUN_RETRY_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "run/state.h"

#define RETRY_FATES(X)                                                                                       \
    X(KEEP, "keep")   /* its result stays valid */                                                            \
    X(AGAIN, "again") /* it runs again */                                                                     \
    X(NEW, "new")     /* it was not in the workflow that ran */                                               \
    X(GONE, "gone")   /* it is no longer in the workflow; what it did stays done */
enum retry_fate {
#define X(id, word) RETRY_##id,
    RETRY_FATES(X)
#undef X
};
const char *retry_fate_name(enum retry_fate fate);

struct retry_row {
    const char *step, *item; /* item: NULL: none */
    enum retry_fate fate;
    bool parts;              /* AGAIN, but of a loop or block only some parts, whose rows follow */
    const char *code, *text; /* the reason */
};

struct retry_request {
    const char *from, *only;   /* step ids; NULL: what did not succeed. Not both */
    const char *item;          /* of that step; NULL: the whole of it */
    const struct model *model; /* the edited workflow; NULL: as it ran last */
    const struct model *const *models; /* all workflows of the run, first to last; NULL: there is only the state's */
};

struct retry_plan {
    struct retry_row *rows; /* in the order of the workflow, parts behind what they are of, then those that are gone */
    size_t nrows, capacity;
    size_t again;           /* rows of fate AGAIN or NEW, without those of which only parts run */
};

/* EXIT_UNKNOWN, EXIT_PARKED, EXIT_HELD with what to type instead, when the run has not ended. */
int run_must_have_ended(const struct run_state *state, struct err *err);

/* EXIT_USAGE: no such step, nothing to retry, a need of `only` that has no result. EXIT_UNKNOWN, EXIT_PARKED,
 * EXIT_HELD: the run has not ended, and what to type instead. */
int retry_plan(struct arena *arena, const struct run_state *state, const struct retry_request *request,
               struct retry_plan *ret, struct err *err);

#endif
