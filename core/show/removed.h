/* SPDX-License-Identifier: Apache-2.0
 *
 * A step that the run had before it was retried with an edited workflow: no state has it, only the journal.
 */
#ifndef SHOW_REMOVED_H
#define SHOW_REMOVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct removed_attempt {
    uint32_t attempt, record;
    const char *log; /* NULL: none */
};

struct removed_step {
    struct removed_attempt *attempts; /* in order */
    size_t count, capacity;
    int64_t last_ms;                  /* of its last event */
};

/* Asked for a step that the state has not; everything lives in the arena. False: the run never had it. */
bool removed_find(struct arena *arena, const char *run_folder, const char *name, struct removed_step *ret);
/* The error that says so: EXIT_USAGE. `run` and `name` as people type them. */
int removed_say(const char *run, const char *name, const struct removed_step *step, struct err *err);

#endif
