/* SPDX-License-Identifier: Apache-2.0
 *
 * Base64 of a text depends on where in a group of three bytes it begins, so each of the three
 * places is a form, cut to the digits that depend on nothing else. The others are rules per byte,
 * from one table.
 */
#include "run/mask_forms.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#define FORM_SIZE_MAX (16 * LIMIT_SECRET_SIZE)
#define DIGITS_MIN 7 /* of a piece of base64: less would mask by chance */

struct forms {
    void (*add)(void *context, const char *form, size_t size);
    void *context;
    const unsigned char *value;
    size_t size;
    struct buf buf;
};

static void
give(struct forms *forms)
{
    if (!forms->buf.full && forms->buf.size > 0) forms->add(forms->context, forms->buf.data, forms->buf.size);
    buf_clear(&forms->buf);
}

/* All digits of `before` zero bytes and the value, without padding; where the value's own begin and end. */
static void
base64(struct forms *forms, size_t before, const char *last, size_t *first, size_t *behind)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint32_t bits = 0;
    size_t have = 0;
    for (size_t i = 0; i < before + forms->size; i++) {
        bits = bits << 8 | (i < before ? 0 : forms->value[i - before]);
        for (have += 8; have >= 6; have -= 6) {
            uint32_t digit = bits >> (have - 6) & 63;
            buf_char(&forms->buf, digit < 62 ? digits[digit] : last[digit - 62]);
        }
        bits &= (1u << have) - 1;
    }
    *behind = forms->buf.size;
    if (have > 0) {
        uint32_t digit = bits << (6 - have) & 63;
        buf_char(&forms->buf, digit < 62 ? digits[digit] : last[digit - 62]);
    }
    *first = (8 * before + 5) / 6;
}

static void
give_base64(struct forms *forms, const char *last)
{
    size_t first, behind;
    for (size_t before = 0; before < 3; before++) {
        base64(forms, before, last, &first, &behind);
        struct buf *buf = &forms->buf;
        if (!buf->full && behind - first >= DIGITS_MIN)
            forms->add(forms->context, buf->data + first, behind - first);
        /* To the end of what was encoded, the last digit and its padding included. */
        if (!buf->full) forms->add(forms->context, buf->data + first, buf->size - first);
        while (buf->size % 4 != 0) buf_char(buf, '=');
        if (!buf->full) forms->add(forms->context, buf->data + first, buf->size - first);
        /* In lines, as base64(1) and PEM write it. */
        for (size_t width = 64; width <= 76 && before == 0 && !buf->full && buf->size > 64; width += 12)
            for (size_t at = 0; at < buf->size; at += width) {
                size_t piece = buf->size - at < width ? buf->size - at : width;
                if (piece >= DIGITS_MIN) forms->add(forms->context, buf->data + at, piece);
            }
        buf_clear(buf);
    }
}

static void
give_hex(struct forms *forms)
{
    for (int upper = 0; upper < 2; upper++) {
        for (size_t i = 0; i < forms->size; i++)
            buf_printf(&forms->buf, upper ? "%02X" : "%02x", forms->value[i]);
        give(forms);
    }
}

static bool
is_unreserved(unsigned char c, const char *more)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter || (c != 0 && strchr(more, c) != NULL);
}

static void
give_url(struct forms *forms)
{
    /* RFC 3986; with slashes left alone; encodeURIComponent; paths of URLs; HTML forms. */
    static const struct { const char *plain; bool plus; } rules[] = {
        {"-._~", false}, {"-._~/", false}, {"-._~!'()*", false}, {"-._~!$&'()*+,;=:@/", false}, {"-._*", true}};
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
        for (int upper = 0; upper < 2; upper++) {
            for (size_t i = 0; i < forms->size; i++) {
                unsigned char c = forms->value[i];
                if (is_unreserved(c, rules[r].plain)) buf_char(&forms->buf, (char)c);
                else if (c == ' ' && rules[r].plus) buf_char(&forms->buf, '+');
                else buf_printf(&forms->buf, upper ? "%%%02X" : "%%%02x", c);
            }
            give(forms);
        }
}

/* One character and how it is written; NULL ends a rule. */
struct escape {
    char c;
    const char *text;
};

static const struct escape json_escapes[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"},
                                             {'\t', "\\t"}, {'\r', "\\r"},  {'\b', "\\b"},
                                             {'\f', "\\f"}, {0, NULL}};
static const struct escape json_slash_escapes[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"},
                                                   {'\t', "\\t"}, {'\r', "\\r"},  {'\b', "\\b"},
                                                   {'\f', "\\f"}, {'/', "\\/"},   {0, NULL}};
static const struct escape c_escapes[] = {{'\'', "\\'"}, {'\\', "\\\\"}, {'\n', "\\n"},
                                          {'\t', "\\t"}, {'\r', "\\r"},  {0, NULL}};
static const struct escape single_escapes[] = {{'\'', "'\\''"}, {0, NULL}};
static const struct escape python_escapes[] = {{'\'', "'\"'\"'"}, {0, NULL}};
static const struct escape double_escapes[] = {
    {'"', "\\\""}, {'\\', "\\\\"}, {'$', "\\$"}, {'`', "\\`"}, {0, NULL}};
static const struct escape sql_escapes[] = {{'\'', "''"}, {0, NULL}};
static const struct escape quote_escapes[] = {{'"', "\"\""}, {0, NULL}};
static const struct escape markup_escapes[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},
                                               {'"', "&quot;"}, {'\'', "&#39;"}, {0, NULL}};
static const struct escape html_escapes[] = {{'&', "&amp;"},  {'<', "&lt;"},    {'>', "&gt;"},
                                             {'"', "&quot;"}, {'\'', "&#x27;"}, {0, NULL}};
static const struct escape text_escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {0, NULL}};

static void
give_escaped(struct forms *forms)
{
    static const struct escape *const rules[] = {json_escapes,   json_slash_escapes, c_escapes,
                                                 single_escapes, python_escapes,     double_escapes,
                                                 sql_escapes,    quote_escapes,      markup_escapes,
                                                 html_escapes,   text_escapes};
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        for (size_t i = 0; i < forms->size; i++) {
            const struct escape *e = rules[r];
            while (e->text != NULL && (unsigned char)e->c != forms->value[i]) e++;
            if (e->text != NULL) buf_text(&forms->buf, e->text);
            else buf_char(&forms->buf, (char)forms->value[i]);
        }
        give(forms);
    }
}

/* As `printf %q` does: a backslash before what is no plain character. */
static void
give_backslashed(struct forms *forms)
{
    for (size_t i = 0; i < forms->size; i++) {
        unsigned char c = forms->value[i];
        if (!is_unreserved(c, "-._~/:=+,@%^") && c < 0x80) buf_char(&forms->buf, '\\');
        buf_char(&forms->buf, (char)c);
    }
    give(forms);
}

/* JSON in ASCII only: é is \u00e9, a character beyond 16 bits two of them. */
static void
give_json_ascii(struct forms *forms)
{
    const unsigned char *p = forms->value;
    if (str_utf8_bad((const char *)p, forms->size) >= 0) return;
    for (int upper = 0; upper < 2; upper++) {
        for (size_t i = 0; i < forms->size;) {
            unsigned char c = p[i];
            size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0x80 ? 1 : 0;
            uint32_t point = more ? c & (0x3fu >> more) : c;
            for (size_t k = 1; k <= more; k++) point = point << 6 | (p[i + k] & 0x3fu);
            const struct escape *e = json_escapes;
            while (e->text != NULL && (unsigned char)e->c != c) e++;
            if (e->text != NULL) {
                buf_text(&forms->buf, e->text);
            } else if (point >= 0x10000) {
                buf_printf(&forms->buf, upper ? "\\u%04X\\u%04X" : "\\u%04x\\u%04x",
                           0xd800 + ((point - 0x10000) >> 10),
                           0xdc00 + ((point - 0x10000) & 0x3ff));
            } else if (point < 0x20 || point >= 0x7f) {
                buf_printf(&forms->buf, upper ? "\\u%04X" : "\\u%04x", point);
            } else {
                buf_char(&forms->buf, (char)c);
            }
            i += more + 1;
        }
        give(forms);
    }
}

static void
give_lines(struct forms *forms)
{
    const char *at = (const char *)forms->value, *end = at + forms->size;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at)),
                   *next = newline != NULL ? newline + 1 : end;
        const char *stop = newline != NULL ? newline : end;
        while (stop > at && (stop[-1] == '\r' || stop[-1] == ' ')) stop--;
        while (at < stop && (*at == ' ' || *at == '\t')) at++;
        /* "-----BEGIN PRIVATE KEY-----" is no secret. */
        bool frame = stop - at > 10 && memcmp(at, "-----", 5) == 0 && memcmp(stop - 5, "-----", 5) == 0;
        if (!frame && (size_t)(stop - at) >= LIMIT_SECRET_MIN)
            forms->add(forms->context, at, (size_t)(stop - at));
        at = next;
    }
}

void
mask_forms(const char *value, size_t size,
           void (*add)(void *context, const char *form, size_t size), void *context)
{
    struct forms forms = {
        .add = add, .context = context, .value = (const unsigned char *)value, .size = size};
    buf_init(&forms.buf, FORM_SIZE_MAX);
    add(context, value, size);
    give_base64(&forms, "+/");
    give_base64(&forms, "-_");
    give_hex(&forms);
    give_url(&forms);
    give_escaped(&forms);
    give_backslashed(&forms);
    give_json_ascii(&forms);
    if (memchr(value, '\n', size) != NULL) give_lines(&forms);
    buf_release(&forms.buf);
}
