/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets of an attempt: fetched from their providers here and nowhere else, known to the masks before anything can
 * say them. The masks are the worker's: what it once knew stays masked in later attempts. Any thread, except
 * secret_resolve.
 */
#ifndef RUN_SECRET_H
#define RUN_SECRET_H

#include <stdbool.h>

#include "run/work.h"

/* Where a secret is kept, and what it is called in messages. */
struct secret_source {
    const char *name, *from, *key;
    const char *field, *version; /* NULL: the whole value, whatever is there now */
    bool mask_only;              /* the attempt may not use it, only never say it */
};

/* All secrets of the job into work->secrets (name → VALUE_SECRET), and those that its inputs refer to into
 * work->referred (list, as job.references). Errors, class AUTH, INVALID or MISSING, name the secret and its source and
 * never hold the value: not set, no such file, writable by others, no such field, too short to be masked. */
int secret_resolve(struct work *work, struct err *err);
/* One, which is masked from now on. */
int secret_fetch(struct work *work, const struct secret_source *source, const struct value **ret, struct err *err);
/* What the journal keeps of a sensitive output: {"$secret": output, provider, name, field?, version?}. */
const struct value *secret_reference(struct arena *arena, const char *output, const struct secret_source *source);
/* One more value for the masks; from the first on this process leaves no core file. EXIT_INVALID: too short or too
 * large. */
int secret_mask_add(struct work *work, const char *value, size_t size, struct err *err);
/* Masked, in the arena; the argument itself where there is nothing to mask. */
const char *secret_mask_text(struct work *work, struct arena *arena, const char *text);
const struct value *secret_mask_value(struct work *work, struct arena *arena, const struct value *value);
bool secret_in_text(struct work *work, const char *text);
/* A stream into a buffer (appended); `size` 0: what was held back. */
void secret_mask_stream(struct work *work, int stream, const char *data, size_t size, struct buf *out);

#endif
