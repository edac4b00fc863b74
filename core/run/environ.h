/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment of what `run:` starts.
 */
#ifndef RUN_ENVIRON_H
#define RUN_ENVIRON_H

#include "run/work.h"

/* NAME=VALUE texts, ended by NULL, in the arena of the attempt (some borrowed from our own
 * environment). Errors: EXIT_INVALID, class INVALID: a name or value that no variable can have,
 * or one over LIMIT_ENV_VALUE. */
int environ_make(struct work *work, char ***ret, struct err *err);

#endif
