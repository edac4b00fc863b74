/* SPDX-License-Identifier: Apache-2.0
 *
 * The launcher: forked before any file or database is open, so that a fork costs the same whatever the engine grows
 * to, and so that SQLite never crosses a fork. It forks workers, reaps them, ends what dead ones leave behind, and
 * tells the engine. It lives as long as the engine or any worker does.
 */
#ifndef RUN_LAUNCHER_H
#define RUN_LAUNCHER_H

#include <sys/types.h>

#include "base/err.h"

struct launcher {
    int sock;  /* non-blocking; EOF: it died */
    pid_t pid;
};

int launcher_start(struct launcher *ret, struct err *err);

#endif
