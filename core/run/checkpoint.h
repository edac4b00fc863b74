/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints beside the engine: a file of JSON lines, {"key":…,"value":…}, appended to and synced.
 * `levada checkpoint set` in a script writes it, and so does a worker whose engine is gone; the
 * worker's receipt, or a resumer, takes it in.
 */
#ifndef RUN_CHECKPOINT_H
#define RUN_CHECKPOINT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"

#define CHECKPOINT_KEY_SIZE 256u
#define CHECKPOINT_VALUE_SIZE MIB
#define CHECKPOINTS_SIZE LIMIT_OUTPUT_SIZE /* one attempt's file: it must fit into a receipt */

/* EXIT_INVALID: no key, too large, or not UTF-8. */
int checkpoint_check(const char *key, const char *value, struct err *err);
/* On disk when it returns. EXIT_INVALID: too large or not UTF-8; EXIT_STORE. */
int checkpoint_append(const char *path, const char *key, const char *value, struct err *err);
/* Sets in the map (of texts) what the file holds, a later line over an earlier one. No file:
 * nothing. A line that a kill cut short is passed over: whoever wrote it was never told that it
 * is kept. */
int checkpoint_read(struct arena *arena, const char *path, struct value *map, struct err *err);

/* A new file with a map of texts, in one piece; not synced. */
int checkpoint_write(const char *path, const struct value *map, struct err *err);

#endif
