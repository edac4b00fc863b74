/* SPDX-License-Identifier: Apache-2.0
 *
 * watch.h: a thread beside a step's queries that interrupts them when the step is cancelled and reports
 * how far they are.
 */
#ifndef DUCKLAKE_WATCH_H
#define DUCKLAKE_WATCH_H

#include "lake.h"

int watch_start(struct work *work);
/* Harmless when it was never started. */
void watch_stop(struct work *work);

#endif
