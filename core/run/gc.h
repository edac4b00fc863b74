/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking runs away. A run is renamed to runs/.gone-ID first: it is there as a whole or not at all, and what a kill
 * leaves is finished by the next gc_finish().
 */
#ifndef RUN_GC_H
#define RUN_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "run/history.h"
#include "run/marked.h"

#define GC_NEW_AGE_MS (3600 * 1000) /* a run is made in milliseconds; see gc_finish() */

struct gc {
    const char *store;
    bool dry;                    /* only say what would be done */
    const struct marked *marked; /* processes of attempts, of all runs */
    size_t nmarked;
};

/* One gc at a time: a descriptor that holds the lock, or -1 with EXIT_HELD or EXIT_STORE in err, or
 * without (there is nothing to lock). */
int gc_lock(struct arena *arena, const char *store, struct err *err);
/* The whole run, unless its journal went on since it was judged. 0 with *bytes (on disk); 1: it is kept, *why says so
 * (it goes on, was retried, or something of it lives); EXIT_STORE: it could not be removed, or not all of it. */
int gc_run(struct arena *arena, const struct gc *gc, const struct history_run *run, int64_t *bytes, const char **why,
           struct err *err);
/* Its logs alone; *bytes 0: there were none. */
int gc_logs(struct arena *arena, const struct gc *gc, const struct history_run *run, int64_t *bytes, const char **why,
            struct err *err);
/* What an earlier gc began and what the making of a run left (runs/.new-ID, older than an hour). Should its maker still
 * live, stopped all that time, it finds its folder gone and no run was made: both rename, and one of them first. *count
 * folders of *bytes. */
int gc_finish(struct arena *arena, const struct gc *gc, size_t *count, int64_t *bytes, struct err *err);

#endif
