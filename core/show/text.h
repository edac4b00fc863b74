/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers, times and foreign text as people read them, on a terminal or in a report. Nothing here is parsed back:
 * what scripts read comes from base/str.h and base/json.h.
 */
#ifndef SHOW_TEXT_H
#define SHOW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/value.h"
#include "run/state.h"

void text_count(struct buf *buf, int64_t count);      /* 336,776 */
void text_real(struct buf *buf, double real);         /* 336,776 or 0.25: at most 4 significant decimals */
void text_elapsed(struct buf *buf, int64_t ms);       /* 45 ms, 1.2 s, 3m 05s, 2h 03m, 4d 01h */
void text_clock(struct buf *buf, int64_t ms);         /* 2026-01-02 03:04:05, UTC */
/* "1.5 GiB" for bytes, "3.2 s" for s, else "336,776 rows". */
void text_quantity(struct buf *buf, double number, const char *unit);

/* Foreign text on one line: line ends become spaces, controls and bidi marks visible. */
void text_line(struct buf *buf, const char *text);
/* The same, cut to `cells` of a terminal with an ellipsis. Returns the cells used. */
size_t text_fit(struct buf *buf, const char *text, size_t cells);
/* The same, padded to exactly `cells`. */
void text_pad(struct buf *buf, const char *text, size_t cells);
/* Cells that plain UTF-8 takes on a terminal. */
size_t text_width(const char *text, size_t size);
/* A value on one line: texts plainly, all else as JSON; a reference to a secret as "secret NAME". */
void text_value(struct buf *buf, const struct value *value);
/* The name of the secret when value is a reference to one ({"$secret": NAME, …}), else NULL. */
const char *text_secret_name(const struct value *value);

const char *text_glyph(enum step_status status); /* one cell */
/* Escape sequence of a status's colour, "" without colour. */
const char *text_colour(enum step_status status, bool colour);
const char *text_run_colour(enum run_status status, bool colour);
#define TEXT_RESET(colour) ((colour) ? "\033[0m" : "")
#define TEXT_BOLD(colour) ((colour) ? "\033[1m" : "")
#define TEXT_DIM(colour) ((colour) ? "\033[2m" : "")

/* Colour only on a terminal, and never with NO_COLOR or TERM=dumb. */
bool text_colour_wanted(int fd);

#endif
