/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of every look at a run: how it stands in one line, and what to type next.
 */
#ifndef SHOW_NEXT_H
#define SHOW_NEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "run/state.h"

/* "4 succeeded, 1 failed, 3 skipped": statuses that occur, in a fixed order. */
void next_counts(struct buf *buf, const struct run_state *state);
/* The step to look at first: the failed step of the run, else the first that is unknown, else the first that failed,
 * else NULL. Steps that may fail (continue_on_error) do not count. */
const struct step_state *next_culprit(const struct run_state *state);
/* "class: message", and ", in FILE:LINE" when the error says so; one line. */
void next_error(struct buf *buf, const struct value *error);
/* "failed (attempt 3 of 3, 1.2 s)": the word and what belongs in its brackets. */
void next_outcome(struct buf *buf, const struct step_state *step, int64_t now_ms);
/* ", rolled back" and the like, behind the status of a run; nothing when nobody asked for that. */
void next_rolled_back(struct buf *buf, const struct run_state *state);
/* Where the words stand. */
struct next_place {
    const char *here; /* the subcommand that prints them ("show", "why"), which needs no mention; or "" */
    const char *file; /* of an exported run: nothing can be done to it; else NULL */
    bool past;        /* shown as it was: what could be done then is no use now */
};
/* Lines "next: COMMAND", the commands aligned; each ends in a newline. */
void next_commands(struct buf *buf, const struct run_state *state, enum run_status status,
                   struct next_place place);
/* Status, duration, counts, error of the culprit with its hint, outputs of the run, run id, next_commands. */
void next_summary(struct buf *buf, const struct run_state *state, enum run_status status, int64_t elapsed_ms,
                  bool colour, struct next_place place);

#endif
