/* SPDX-License-Identifier: Apache-2.0
 *
 * Beside an action that runs in this process: a thread that hears the engine, keeps the time, and
 * carries what is written to standard output and error into the log. When the grace ends and the
 * action does not, it leaves the receipt itself and ends the process: nothing else can stop a
 * library that hangs.
 */
#ifndef RUN_CONTROL_H
#define RUN_CONTROL_H

#include "run/work.h"

/* From here on standard output and error of this process are the log's. EXIT_FAILED with err. */
int control_start(struct work *work, struct err *err);
/* The action is going to wait for the engine or for time to pass: somebody should listen. Only from its own thread, and
 * without work->mutex. */
void control_call(struct work *work);
/* The action has ended: everything is as it was before, but a reused worker keeps what it can use again. Does not
 * return when the grace ended first. */
void control_stop(struct work *work);

#endif
