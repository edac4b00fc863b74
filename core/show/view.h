/* SPDX-License-Identifier: Apache-2.0
 *
 * A run as a person looks at it: its folded state, the decisions in the order they were made, and whether the
 * engine is still there. Reads the journal only, and never writes.
 */
#ifndef SHOW_VIEW_H
#define SHOW_VIEW_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "run/state.h"
#include "show/next.h"

/* One recorded decision: why something ran, was skipped, retried, taken over, settled. */
struct decision {
    int64_t seq, time_ms;
    enum event_type type;
    const char *step, *item; /* NULL: of the run */
    const char *code, *text; /* as recorded; for the run's own events as decision_of() words them */
    const char *status;      /* STEP_FINISHED, RUN_*: the new status; else NULL */
    int64_t attempt;         /* 0: none */
};

struct view {
    const char *folder;      /* or the file of an exported run */
    const char *name;        /* what to type for it: the short id, or the file */
    bool exported;           /* it is a file: nothing can be done to it */
    bool engine_lived;       /* when the run was looked at, or exported */
    int64_t exported_ms;
    int64_t at_ms;           /* shown as it was then; 0: as it is */
    struct run_state state;
    enum run_status status; /* INTERRUPTED when the journal says running but its engine is gone */
    struct decision *decisions;
    size_t ndecisions;
};

/* The run of a folder, or of an exported file. The arena outlives the view. EXIT_STORE as of the journal. */
int view_load(struct arena *arena, const char *folder, struct view *ret, struct err *err);
/* The run as it was at until_ms (0: as it is), which is where its journal then ended. EXIT_USAGE: it had not begun. */
int view_load_at(struct arena *arena, const char *folder, int64_t until_ms, struct view *ret, struct err *err);
/* The same at the moment that `at` says (NULL: as it is). */
int view_load_when(struct arena *arena, const char *folder, const char *at, struct view *ret, struct err *err);
/* The moment a person means: RFC 3339, a duration before now ("-5m"), or "HH:MM[:SS]" in UTC of the day on which the
 * run began (the next day when the run began later than that). EXIT_USAGE. */
int view_moment(const char *text, const struct view *view, int64_t now_ms, int64_t *ret, struct err *err);
/* Of what `levada HERE` says at its end. */
struct next_place view_place(const struct view *view, const char *here);
/* The decision that an event records, texts copied into arena. False: it records none. */
bool decision_of(struct arena *arena, const struct event *event, struct decision *ret);
/* Has the run ended for good? Reads one event only. */
int view_ended(const char *folder, bool *ret, struct err *err);
/* Does the engine that the folder's `attempts` names still live? */
bool view_engine_lives(const char *folder);

/* The short name of a run: the end of its id, which `levada show` and its kin understand. */
#define SHORT_ID_SIZE 8
const char *view_short_id(const char *id);

/* Of a step: from its first intent to its end, or to now_ms while it goes on; 0 before. */
int64_t step_elapsed_ms(const struct step_state *step, int64_t now_ms);
/* Number of the last attempt that did something (one that only asked does not count); 0: none. */
uint32_t step_attempts(const struct step_state *step);
/* The last attempt, or NULL. */
const struct attempt_state *step_last_attempt(const struct step_state *step);
/* Does it belong into a summary? An `on_failure` step of a run that did not fail does not; of a loop or group that has
 * begun its parts do. */
bool step_counts(const struct step_state *step);
/* Now, or the moment at which the run is looked at: then, or when it was exported. */
int64_t view_clock(const struct view *view, int64_t now_ms);
/* Of a run: from its start, or its last retry, to its end, to now_ms while it runs, to its last sign of life when
 * interrupted. */
int64_t view_elapsed_ms(const struct view *view, int64_t now_ms);

#endif
