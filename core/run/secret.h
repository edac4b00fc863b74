/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets of an attempt: fetched from their providers here and nowhere else, known to the masks
 * before anything can say them. The masks are the worker's: what it once knew stays masked in later
 * attempts. Any thread, except secret_resolve.
 */
#ifndef RUN_SECRET_H
#define RUN_SECRET_H

#include <stdbool.h>

#include "run/work.h"

/* All secrets of the job into work->secrets (name → VALUE_SECRET). Errors, class AUTH or
 * INVALID, name the secret and its source and never hold the value: not set, no such file,
 * writable by others, no such field, too short to be masked. */
int secret_resolve(struct work *work, struct err *err);
/* One more value for the masks. EXIT_INVALID: too short or too large. */
int secret_mask_add(struct work *work, const char *value, size_t size, struct err *err);
/* Masked, in the arena; the argument itself where there is nothing to mask. */
const char *secret_mask_text(struct work *work, struct arena *arena, const char *text);
const struct value *secret_mask_value(struct work *work, struct arena *arena, const struct value *value);
bool secret_in_text(struct work *work, const char *text);
void secret_mask_err(struct work *work, struct err *err);
/* A stream into a buffer (appended); `size` 0: what was held back. */
void secret_mask_stream(struct work *work, int stream, const char *data, size_t size, struct buf *out);

#endif
