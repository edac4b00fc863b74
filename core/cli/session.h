/* SPDX-License-Identifier: Apache-2.0
 *
 * What `run`, `resume`, `cancel`, `retry` and `rollback` share: how progress is shown, where an engine is, and how the
 * last two take an ended run, say what they will do with it, and write it down.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "run/engine.h"
#include "run/journal.h"

struct session {
    bool json, quiet, takeover, detach, no_wait;
    uint32_t max_parallel;
    bool cancel;
    const char *who, *why;
};

/* Takes --json, --quiet, --max-parallel N; returns how many arguments it took at argv[i], 0: not its own, -1: bad (said
 * so). */
int session_option(struct session *session, int argc, char **argv, int i, const char *usage);
/* Runs the engine on the folder with a launcher that was started before anything was opened. Prints what err says. */
int session_run(const struct session *session, struct launcher launcher, const char *run_folder);
/* Is one at work in another pid namespace? Its pid there, or 0. */
int session_holder_elsewhere(const char *run_folder);

/* ---- an ended run that is to go on ---- */

/* An option that takes a text. */
struct session_text {
    const char *name, **where;
};
struct session_change {
    const char *run; /* as it was named */
    const char *why; /* NULL: no reason given */
    bool dry_run;
};

/* The arguments of a command that changes one ended run: those of session_option(), --reason, --dry-run, --help and
 * `texts`, to a NULL name. Else an exit code, and it was said why; -1: help was asked for. */
int session_arguments(struct session *session, struct session_change *change, const struct session_text *texts,
                      int argc, char **argv, const char *usage);
/* Opens the run's journal: to read for a dry run, else nobody else may hold the run until *fd is closed. EXIT_HELD: it
 * cannot be `done` ("retried") now. *journal is the caller's to close, also after an error. */
int session_open(const char *run_folder, const struct session_change *change, const char *done, int *fd,
                 struct journal **journal, struct err *err);
/* Who changed it and why, for the event's data. */
void session_sign(struct arena *arena, struct value *data, const struct session_change *change);
/* The decision stands, and an earlier cancel is forgotten. */
int session_append(struct journal *journal, const char *run_folder, enum event_type type, const struct value *data,
                   struct err *err);

#endif
