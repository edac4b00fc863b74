/* SPDX-License-Identifier: Apache-2.0
 *
 * Text: what users write (durations, sizes, times, ids) and how it is written back.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

/* Here and not in str.c: a workflow of many steps is mostly names that are not equal, and the first letter tells. */
static inline bool
str_eq(const char *a, const char *b)
{
    return *a == *b && strcmp(a, b) == 0;
}
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* The whole text must match; false leaves ret untouched. Integers are decimal, with an optional sign. */
bool str_to_int(const char *text, int64_t *ret);
bool str_to_real(const char *text, double *ret); /* finite */
/* "90s", "1h30m", "500ms", "2d", "1w"; units once each, falling; not negative. */
bool str_to_duration(const char *text, int64_t *ms);
/* "512", "10KiB", "1.5GiB", "2GB"; bytes. */
bool str_to_size(const char *text, int64_t *bytes);
/* RFC 3339 with a zone, or a date (midnight UTC). */
bool str_to_timestamp(const char *text, int64_t *ms);

void str_duration(struct buf *buf, int64_t ms);   /* "1h30m", "1.5s" style: canonical, parses back */
void str_timestamp(struct buf *buf, int64_t ms);  /* 2026-01-02T03:04:05.678Z; no fraction when zero */
void str_size_human(struct buf *buf, int64_t bytes); /* "1.5 GiB", for people only */

/* Lower-case letter first, then letters, digits, `_`: an identifier that no language we meet keeps for itself. */
bool str_is_id(const char *text);
/* Is it a keyword of Lua, C or C++? */
bool str_is_keyword(const char *text);

/* UTF-8: offset of the first bad byte, or -1. */
ptrdiff_t str_utf8_bad(const char *text, size_t size);

/* The nearest of `count` names, or NULL when none is near enough to be meant. */
const char *str_nearest(const char *name, const char *const *names, size_t count);

/* Text for a terminal or a log line: control characters, escapes and bidi marks become visible. */
void str_plain(struct buf *buf, const char *text, size_t size);

/* As one word of a shell: in single quotes unless it needs none. */
void str_shell(struct buf *buf, const char *text);

#endif
