/* SPDX-License-Identifier: Apache-2.0
 *
 * What other processes ask of a run's engine: a file in the run folder, then SIGUSR1. The file stays, so a request made
 * while no engine lives is found by the next.
 */
#ifndef RUN_REQUESTS_H
#define RUN_REQUESTS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

/* Ask for the end of the run. */
int requests_ask_cancel(const char *run_folder, const char *who, const char *why, struct err *err);
/* Was it asked? */
bool requests_cancel(struct arena *arena, const char *run_folder, const char **who, const char **why);
/* The request was of an end that is over: the run is retried. */
void requests_forget_cancel(const char *run_folder);
/* Files of this prefix that a killed process left half written (fd_replace_file) are removed; a living one is done
 * within seconds. `folder`: the run's, open. */
void requests_sweep(int folder, const char *prefix);
/* Login name, or "uid 1000". */
const char *requests_who(struct arena *arena);

#endif
