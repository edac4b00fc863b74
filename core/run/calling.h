/* SPDX-License-Identifier: Apache-2.0
 *
 * call("plugin.action", {…}) as the chunk's worker sees it: the engine runs the action as a step of its own, and the
 * chunk waits.
 */
#ifndef RUN_CALLING_H
#define RUN_CALLING_H

#include "run/work.h"

/* Call `number` of this attempt, from 1. 0: *ret has the outputs, a map in work->arena. -1: it cannot go on now (no
 * engine, or nobody knows what became of the call): the attempt ends as interrupted. Else err, with a class. */
int calling_call(struct work *work, int64_t number, const char *action, const struct value *with,
                 const struct value **ret, struct err *err);
/* CALL_REPLY came. In the thread that hears the engine. */
void calling_reply(struct work *work, const struct value *data);

#endif
