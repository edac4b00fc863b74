/* SPDX-License-Identifier: Apache-2.0
 *
 * Growing texts on the step's memory. A text that grows leaves its older copies to the step: SQL is short
 * and doubling keeps the waste below the size of the result.
 */
#include "text.h"

#include <stdio.h>
#include <string.h>

struct text
text_new(struct levada_step *step)
{
    struct text text = {.step = step, .capacity = 256};
    text.data = step->host->alloc(step, text.capacity);
    return text;
}

void
text_add_bytes(struct text *text, const char *part, size_t size)
{
    if (text->size + size + 1 > text->capacity) {
        size_t capacity = text->capacity * 2;
        while (capacity < text->size + size + 1) capacity *= 2;
        char *data = text->step->host->alloc(text->step, capacity);
        memcpy(data, text->data, text->size);
        text->data = data;
        text->capacity = capacity;
    }
    memcpy(text->data + text->size, part, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void
text_add(struct text *text, const char *part)
{
    text_add_bytes(text, part, strlen(part));
}

__attribute__((format(printf, 2, 0))) static char *
format(struct levada_step *step, const char *fmt, va_list ap)
{
    va_list copy;
    va_copy(copy, ap);
    int size = vsnprintf(NULL, 0, fmt, copy);
    va_end(copy);
    if (size < 0) size = 0;
    char *data = step->host->alloc(step, (size_t)size + 1);
    vsnprintf(data, (size_t)size + 1, fmt, ap);
    return data;
}

void
text_addf(struct text *text, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    text_add(text, format(text->step, fmt, ap));
    va_end(ap);
}

static void
add_quoted(struct text *text, const char *value, char quote)
{
    text_add_bytes(text, &quote, 1);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == quote) text_add_bytes(text, &quote, 1);
        text_add_bytes(text, c, 1);
    }
    text_add_bytes(text, &quote, 1);
}

void
text_name(struct text *text, const char *name)
{
    add_quoted(text, name, '"');
}

void
text_literal(struct text *text, const char *value)
{
    add_quoted(text, value, '\'');
}

void
text_comma(struct text *text)
{
    if (text->size > 0 && text->data[text->size - 1] != '(') text_add(text, ", ");
}

char *
text_format(struct levada_step *step, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *data = format(step, fmt, ap);
    va_end(ap);
    return data;
}

char *
text_copy(struct levada_step *step, const char *data, size_t size)
{
    char *copy = step->host->alloc(step, size + 1);
    if (size > 0) memcpy(copy, data, size);
    return copy;
}

char *
text_literal_of(struct levada_step *step, const char *value)
{
    struct text text = text_new(step);
    text_literal(&text, value);
    return text.data;
}

char *
text_name_of(struct levada_step *step, const char *name)
{
    struct text text = text_new(step);
    text_name(&text, name);
    return text.data;
}

bool
text_starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool
text_ends(const char *text, const char *with)
{
    size_t size = strlen(text), tail = strlen(with);
    return size >= tail && strcmp(text + size - tail, with) == 0;
}

bool
text_given(const char *text)
{
    return text != NULL && text[0] != '\0';
}
