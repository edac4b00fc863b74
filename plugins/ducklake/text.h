/* SPDX-License-Identifier: Apache-2.0
 *
 * text.h: building SQL and messages. Memory comes from the step and goes with it; nothing is freed by hand.
 * Names and values enter SQL only through text_name() and text_literal(), which quote them.
 */
#ifndef DUCKLAKE_TEXT_H
#define DUCKLAKE_TEXT_H

#include <levada/plugin.h>

struct text {
    struct levada_step *step;
    char *data; /* ends in NUL; never NULL */
    size_t size, capacity;
};

struct text text_new(struct levada_step *step);
void text_add(struct text *text, const char *part);
void text_add_bytes(struct text *text, const char *part, size_t size);
__attribute__((format(printf, 2, 3))) void text_addf(struct text *text, const char *fmt, ...);
/* "name", with inner quotes doubled. */
void text_name(struct text *text, const char *name);
/* 'value', with inner quotes doubled. */
void text_literal(struct text *text, const char *value);
/* `, ` between parts: adds it unless the text is empty or ends in `(`. */
void text_comma(struct text *text);

/* One formatted text of the step. */
__attribute__((format(printf, 2, 3))) char *text_format(struct levada_step *step, const char *fmt, ...);
char *text_copy(struct levada_step *step, const char *data, size_t size);
char *text_literal_of(struct levada_step *step, const char *value);
char *text_name_of(struct levada_step *step, const char *name);

bool text_starts(const char *text, const char *with);
bool text_ends(const char *text, const char *with);
/* Is there anything in it? NULL counts as empty. */
bool text_given(const char *text);

#endif
