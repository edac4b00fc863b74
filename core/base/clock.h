/* SPDX-License-Identifier: Apache-2.0
 *
 * Two clocks: wall time for people and records, monotonic time for waiting.
 * Nothing waits by the wall clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void);      /* since 1970 UTC */
int64_t clock_monotonic_ms(void); /* stands still while the machine sleeps */
int64_t clock_monotonic_us(void);

#endif
