/* SPDX-License-Identifier: Apache-2.0
 *
 * Templates that touch secrets, or outputs that are secrets, evaluated in the consuming worker with the operands the
 * engine fixed.
 */
#ifndef RUN_DEFERRED_H
#define RUN_DEFERRED_H

#include "run/work.h"

/* The names of expressions: those of the job, and `secrets`. In the attempt's arena. */
const struct value *deferred_names(struct work *work);
/* *with: the job's inputs, replaced by a copy in which every deferred template has its value. */
int deferred_with(struct work *work, const struct value **with, struct err *err);
/* The standard input of a `run:` job, when it was deferred. */
int deferred_stdin(struct work *work, const struct value **text, struct err *err);

#endif
