/* SPDX-License-Identifier: Apache-2.0
 *
 * The state directory: $LEVADA_STATE, else $XDG_STATE_HOME/levada, else ~/.local/state/levada.
 * runs/RUN_ID/ in it is one run. It must
 * belong to the running user, be writable by nobody else, and lie on a local file system.
 */
#ifndef RUN_STORE_H
#define RUN_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* Absolute path, made if absent when `make`. EXIT_STORE (unwritable, read-only, network file
 * system), EXIT_REFUSED (owner, mode). */
int store_open(struct arena *arena, bool make, const char **ret, struct err *err);
/* When the last run appeared (wall, ms; 0: none yet): ids of new ones are to sort behind it even when the clock was set
 * back since. */
int64_t store_changed_ms(struct arena *arena, const char *store);
/* Folder of a new run with logs/ receipts/ artifacts/, 0700. Nobody sees it before it is published
 * as runs/ID: a run killed
 * while it is made never was. */
int store_run_make(struct arena *arena, const char *store, const char *id, const char **ret, struct err *err);
/* `durable`: the name is on disk when it returns. */
int store_run_publish(struct arena *arena, const char *store, const char *id, bool durable, const char **ret,
                      struct err *err);
/* Folder of the run named by its id, a unique prefix (of at least 4 characters, or a unique
 * suffix: the short id), `last`, or a path to a run folder that
 * holds a journal. EXIT_USAGE: none or several match (names them). */
int store_run_find(struct arena *arena, const char *name, const char **ret, struct err *err);
/* For looking only: the same, or the file of an exported run (a path, or a name that ends in .levada). */
int store_run_see(struct arena *arena, const char *name, const char **ret, struct err *err);
/* Is the folder gone? A run that was listed may be taken away (levada gc) before it is looked at: no damage. */
bool store_run_is_gone(const char *run_folder);
/* All run ids, newest first. */
int store_run_list(struct arena *arena, const char ***ret, size_t *count, struct err *err);

#endif
