/* SPDX-License-Identifier: Apache-2.0
 *
 * What `levada run` and `levada resume` show while they go on. The engine knows nothing of this: cli plugs these
 * functions into the callbacks that the engine offers.
 */
#ifndef SHOW_PROGRESS_H
#define SHOW_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "run/state.h"
#include "show/next.h"

enum progress_mode {
    PROGRESS_QUIET, /* nothing at all */
    PROGRESS_PLAIN, /* a line per event, with its time: for pipes and log files; a summary at the end */
    PROGRESS_TREE,  /* redrawn in place, for a terminal; a summary at the end */
    PROGRESS_JSON,  /* events as in design section 5, flushed line by line */
};

struct progress;

/* `run_folder` and `out` are borrowed and outlive it. The tree belongs on stderr, JSON on stdout. */
struct progress *progress_new(const char *run_folder, FILE *out, enum progress_mode mode);
/* In a replay: the time of what is told; `more`: an end that comes now is not the last word; and what the summary at
 * the end may name. */
void progress_clock(struct progress *progress, int64_t now_ms, bool more);
void progress_place(struct progress *progress, struct next_place place);
void progress_free(struct progress **progress);

/* The members of the engine's `watch`; `context` is the struct progress. The state is the same at every call and is
 * first seen with the first. Ticks draw at most ten times a second: PROGRESS_TICK_MS is often enough. */
#define PROGRESS_TICK_MS 100
void progress_event(void *context, const struct run_state *state, const struct event *event);
void progress_step(void *context, const struct run_state *state, const struct step_state *step, uint64_t done,
                   uint64_t total, const char *what);
void progress_tick(void *context, const struct run_state *state);
void progress_note(void *context, const char *text);

/* TREE when fd is a terminal that can move its cursor, else PLAIN. */
enum progress_mode progress_mode_for(int fd);

#endif
