/* SPDX-License-Identifier: Apache-2.0
 *
 * What `run`, `resume` and `cancel` share: the launcher first, how progress is shown, and where an engine is.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "run/engine.h"

struct session {
    bool json, quiet, takeover, detach, no_wait;
    uint32_t max_parallel;
    bool cancel;
    const char *who, *why;
};

/* Takes --json, --quiet, --max-parallel N; returns how many arguments it took at argv[i], 0: not
 * its own, -1: bad (said so). */
int session_option(struct session *session, int argc, char **argv, int i, const char *usage);
/* Runs the engine on the folder with a launcher that was started before anything was opened. Prints what err says. */
int session_run(const struct session *session, struct launcher launcher, const char *run_folder);
/* Nobody else may hold the run from here on, until *fd is closed. EXIT_HELD: it cannot be `done` ("retried") now. */
int session_hold(const char *run_folder, const char *done, int *fd, struct err *err);
/* Is one at work in another pid namespace? Its pid there, or 0. */
int session_holder_elsewhere(const char *run_folder);

#endif
