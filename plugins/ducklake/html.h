/* SPDX-License-Identifier: Apache-2.0
 *
 * html.h: the page of a report. Self-contained: no script, no font, no address is fetched.
 */
#ifndef DUCKLAKE_HTML_H
#define DUCKLAKE_HTML_H

#include <jansson.h>

#include "text.h"

/* Escaped for text and for attributes in double quotes. */
void html_text(struct text *page, const char *text);
void html_begin(struct text *page, const char *title, const char *note);
void html_end(struct text *page, const char *footer);
/* A number as a person reads it: 336,776 or 12.5. */
const char *html_number(struct levada_step *step, double value);
/* A value of a row as text; numbers as above. */
const char *html_value(struct levada_step *step, const json_t *value);
void html_table(struct text *page, const json_t *columns, const json_t *rows);

#endif
