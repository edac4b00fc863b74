/* SPDX-License-Identifier: Apache-2.0
 *
 * What an attempt leaves behind. A worker is a child subreaper, so every orphan of its tree becomes
 * its child: killing children until there are none ends the tree.
 */
#ifndef RUN_TREE_H
#define RUN_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* Reaps what has ended. True when this process has no child left. */
bool tree_empty(void);
/* Sends `signal` to every child of this process; returns how many there were. `names` (or NULL)
 * gets their commands. */
int tree_signal(int signal, struct buf *names);
/* Waits `self_ms` for what is left to end by itself, then sends TERM and waits `term_ms`, then
 * kills until nothing is left (bounded). `pump` is called again and again while waiting, with
 * the time it may take (NULL: just wait). Returns how many processes had to be ended; `names`
 * gets their commands. */
int tree_end(int64_t self_ms, int64_t term_ms, void (*pump)(void *context, int wait_ms), void *context,
             struct buf *names);

#endif
