/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets out of logs, outputs, errors and metrics: every occurrence of a value, and of the forms
 * in which programs print values (base64, hex, URL, JSON, shell quotes, single lines), becomes
 * `***`, also when it is split over writes. One pass whatever the number of secrets; without
 * secrets it is a plain copy.
 */
#ifndef RUN_MASK_H
#define RUN_MASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/value.h"

struct mask; /* the secrets of one worker; lives in its arena */

/* One stream of bytes being masked: zeroed at its start. It holds back what may be the beginning of
 * a secret, at most the longest form less one byte. */
struct mask_stream {
    struct buf held;      /* bytes taken in and not yet given out */
    struct buf runs;      /* struct mask_run: what of them is secret */
    size_t node;          /* where in the automaton the held bytes end */
    unsigned generation;  /* of the automaton */
    bool in_run;          /* the last byte given out was part of a `***` */
};

struct mask *mask_new(struct arena *arena);
/* Registers all forms of a value. Errors: EXIT_INVALID for one under LIMIT_SECRET_MIN or over
 * LIMIT_SECRET_SIZE bytes (the message does not hold it). Adding one twice does nothing. Streams
 * may go on over it: what they hold back stays valid. */
int mask_add(struct mask *mask, const char *value, size_t size, struct err *err);
bool mask_empty(const struct mask *mask);

/* Appends the masked bytes to `out`. */
void mask_write(struct mask *mask, struct mask_stream *stream, const char *data, size_t size,
                struct buf *out);
/* Appends what was held back: the stream has ended, or is to be shown now. */
void mask_flush(struct mask *mask, struct mask_stream *stream, struct buf *out);
void mask_stream_release(struct mask_stream *stream);

/* One text at once. The result is `text` itself where nothing was masked. */
const char *mask_text(struct mask *mask, struct arena *arena, const char *text);
/* All strings and names in a tree; secrets become the text `***`. Returns `value` itself where
 * nothing changes. */
const struct value *mask_value(struct mask *mask, struct arena *arena, const struct value *value);

#endif
