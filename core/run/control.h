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

struct control;

/* Starts it. From here on standard output and error of this process are the log's. EXIT_FAILED
 * with err. */
int control_start(struct work *work, struct control **ret, struct err *err);
/* The action has ended: everything is as it was before. Does not return when the grace ended first. */
void control_stop(struct control *control);

#endif
