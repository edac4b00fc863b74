/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON in (ours where it is plain, jansson where it is not) and out (ours: it writes straight into a buf).
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/value.h"

/* Any JSON value. Strict: UTF-8, no duplicate names, integers in 64 bits, depth at most LIMIT_DEPTH.
 * Errors: EXIT_INVALID with line and column. */
int json_parse(struct arena *arena, const char *text, size_t size, const struct value **ret, struct err *err);
/* jansson's part of it, which has the last word and the messages. */
int json_judge(struct arena *arena, const char *text, size_t size, const struct value **ret, struct err *err);
/* The quick part of it: NULL when the text is wrong or out of the ordinary. What it takes, jansson takes as the
 * same. */
const struct value *json_read(struct arena *arena, const char *text, size_t size);

/* Behind the value at `at`, by its brackets and quotes only; NULL: it does not end before `end`. */
const char *json_skip(const char *at, const char *end);

/* Compact, one line. Durations are "2h", sizes are integers, timestamps RFC 3339, a secret is "***". */
void json_write(struct buf *buf, const struct value *value);
/* The same in an arena. */
const char *json_text(struct arena *arena, const struct value *value);
/* A quoted string. Bytes that are no UTF-8 become U+FFFD. */
void json_quote(struct buf *buf, const char *text, size_t size);

#endif
