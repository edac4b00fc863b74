/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run consists of, as people name, count and find it: steps, items of loops, steps within them. The state keeps
 * all that ever was; here is what belongs to the run as it stands.
 */
#ifndef SHOW_INSTANCE_H
#define SHOW_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "run/state.h"

/* The one behind `at` (NULL: the first), in the order of the file, each before its parts; then calls of Lua steps, and
 * steps that undo others. NULL: there is no more. */
const struct step_state *instance_next(const struct run_state *state, const struct step_state *at);
/* The same, past the parts of `at`. */
const struct step_state *instance_past(const struct run_state *state, const struct step_state *at);
/* How many loops and blocks it is within. */
unsigned instance_depth(const struct run_state *state, const struct step_state *step);
/* Its parts as an array, while it has begun; NULL, 0: the workflow's own steps. */
const struct step_state *instance_parts(const struct run_state *state, const struct step_state *step, size_t *count);

/* "load", "load[a.csv]", "tables.dump[orders]". Keys are foreign text: on one line, without controls. */
void instance_name(struct buf *buf, const struct step_state *step);
/* The same below its loop or block: "[a.csv]", "dump". */
void instance_label(struct buf *buf, const struct step_state *step);
const char *instance_name_text(struct arena *arena, const struct step_state *step);
/* Is it the step `id` (of the item, when that is not NULL), or within it? */
bool instance_within(const struct run_state *state, const struct step_state *step, const char *id, const char *item);
/* What somebody named: STEP, STEP and the key of an item, or STEP[KEY]. `run`: how to call the run in hints.
 * EXIT_USAGE: there is none; the hint says what is near. */
int instance_find(const struct run_state *state, const char *run, const char *step, const char *item,
                  const struct step_state **ret, struct err *err);
/* Has the run a step of this name, of whatever item? */
bool instance_exists(const struct run_state *state, const char *step);
/* "STEP[KEY]" cut in two; left as it is when it has no such form, or when *item is given. */
void instance_split(struct arena *arena, const char **step, const char **item);

/* How many there are of each status. */
struct tally {
    size_t by[STEP_UNKNOWN_STATUS + 1], all;
};
void tally_add(struct tally *tally, enum step_status status);
/* All that counts of the run (step_counts of view.h). */
void tally_run(struct tally *tally, const struct run_state *state);
/* The parts of a loop or block, as they are: items, or steps. */
void tally_parts(struct tally *tally, const struct run_state *state, const struct step_state *parent);
/* "4 succeeded, 1 failed": statuses that occur, in a fixed order. */
void tally_text(struct buf *buf, const struct tally *tally);
/* "7,312 of 10,000 done, 4 running, 2 failed" */
void tally_progress(struct buf *buf, const struct tally *tally);

#endif
