/* SPDX-License-Identifier: Apache-2.0
 *
 * Locks that a plugin takes by the name of a local file and keeps until its worker ends. Who waits
 * touches the file, so that an idle worker that holds it, and is kept only for reuse, notices and
 * ends.
 */
#ifndef RUN_LOCKS_H
#define RUN_LOCKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct lock;

struct locks {          /* zeroed: none */
    struct lock *head;
    int inotify;        /* watches the files of an idle worker; 0: not made */
};

/* 0: held from now on (also when it was held already); 1: somebody else has it, and the file was
 * touched for them to see; else an exit code. The file is made if absent. */
int locks_take(struct locks *locks, struct arena *arena, const char *path, struct err *err);
/* A descriptor that becomes readable when somebody waits for one of our locks, or -1: none is
 * held. Whoever touched a file before this call will do it again. */
int locks_watch(struct locks *locks);

#endif
