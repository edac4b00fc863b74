/* SPDX-License-Identifier: Apache-2.0
 *
 * What a dead worker left running when no launcher was there to end it. A leftover is known by its mark
 * (LEVADA_ATTEMPT in its environment), by its session, which was the worker's own, or by the lock of the attempt, which
 * a child that was forked and executed nothing holds without knowing.
 */
#ifndef RUN_LEFTOVERS_H
#define RUN_LEFTOVERS_H

#include <stdint.h>

#include "run/attempts.h"

struct leftovers {
    const char *mark;                    /* "RUN/RECORD" */
    const struct attempt_record *record; /* of the dead worker; NULL: go by the mark alone */
    int attempts;                        /* descriptor: end who holds the lock of `number`, too; -1: do not look */
    uint32_t number;
};

/* End them with SIGKILL, those of this user, and wait until they are gone (bounded). Returns how many were found. */
int leftovers_end(const struct leftovers *what);

#endif
