/* SPDX-License-Identifier: Apache-2.0
 *
 * Encodings, digests, and the two ways a value may become SQL text.
 */
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "workflow/library.h"
#include "workflow/lua_value.h"

#define JSON_VALUE_SIZE 256

static const struct value *
f_json(struct call *call)
{
    struct buf *buf = call_buf(call);
    json_write(buf, call->args[0]);
    return call_buf_text(call);
}

static const struct value *
f_from_json(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0), *ret;
    struct err err;
    /* The parser has a tree of its own, and counts nothing: what either may take for each value is counted before. */
    uint64_t values = 1;
    for (size_t i = 0; i < arg->text.size; i++) {
        char c = arg->text.ptr[i];
        values += c == ',' || c == '[' || c == '{';
    }
    call_count(call, 2 * arg->text.size + values * JSON_VALUE_SIZE, arg->text.size + values);
    if (json_parse(call_arena(call), arg->text.ptr, arg->text.size, &ret, &err) != 0)
        call_fail(call, NULL, "%.200s", err.message);
    return ret;
}

static const struct value *
decoded(struct call *call)
{
    struct buf *buf = &call->vm->text;
    if (str_utf8_bad(buf_str(buf), buf->size) >= 0) call_fail(call, NULL, "what comes out is not UTF-8 text");
    return call_buf_text(call);
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const struct value *
f_base64(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0);
    const unsigned char *p = (const unsigned char *)arg->text.ptr;
    struct buf *buf = call_buf(call);
    for (size_t i = 0; i < arg->text.size; i += 3) {
        size_t left = arg->text.size - i;
        uint32_t bits = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                        (left > 2 ? p[i + 2] : 0);
        buf_char(buf, base64_digits[bits >> 18]);
        buf_char(buf, base64_digits[bits >> 12 & 63]);
        buf_char(buf, left > 1 ? base64_digits[bits >> 6 & 63] : '=');
        buf_char(buf, left > 2 ? base64_digits[bits & 63] : '=');
    }
    return call_buf_text(call);
}

static const struct value *
f_from_base64(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0);
    struct buf *buf = call_buf(call);
    uint32_t bits = 0;
    size_t digits = 0, size = arg->text.size;
    while (size > 0 && arg->text.ptr[size - 1] == '=') size--;
    for (size_t i = 0; i < size; i++) {
        char c = arg->text.ptr[i];
        if (c == '\n' || c == '\r') continue;
        if (c == '-') c = '+';
        if (c == '_') c = '/';
        const char *digit = c ? strchr(base64_digits, c) : NULL;
        if (digit == NULL) call_fail(call, NULL, "character %zu is not base64", i + 1);
        bits = bits << 6 | (uint32_t)(digit - base64_digits);
        if (++digits % 4 == 0) {
            buf_char(buf, (char)(bits >> 16));
            buf_char(buf, (char)(bits >> 8));
            buf_char(buf, (char)bits);
        }
    }
    if (digits % 4 == 1) call_fail(call, NULL, "the base64 is cut off");
    if (digits % 4 == 2) buf_char(buf, (char)(bits >> 4));
    if (digits % 4 == 3) {
        buf_char(buf, (char)(bits >> 10));
        buf_char(buf, (char)(bits >> 2));
    }
    return decoded(call);
}

static const struct value *
f_digest(struct call *call)
{
    static const struct {
        const char *name;
        void (*digest)(const void *data, size_t size, char *ret);
    } digests[] = {{"md5", hash_md5_hex}, {"sha1", hash_sha1_hex}, {"sha256", hash_sha256_hex},
                   {"sha512", hash_sha512_hex}};
    const struct value *arg = call_arg_text(call, 0);
    char hex[HASH_HEX_LONG];
    call_count(call, 0, 50 + arg->text.size / 2);
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
        if (str_eq(digests[i].name, call->name)) digests[i].digest(arg->text.ptr, arg->text.size, hex);
    return call_text(call, hex, strlen(hex));
}

static const struct value *
f_hex(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0);
    struct buf *buf = call_buf(call);
    for (size_t i = 0; i < arg->text.size; i++) {
        buf_char(buf, "0123456789abcdef"[(unsigned char)arg->text.ptr[i] >> 4]);
        buf_char(buf, "0123456789abcdef"[(unsigned char)arg->text.ptr[i] & 15]);
    }
    return call_buf_text(call);
}

/* -1: it is no digit. */
static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const struct value *
f_from_hex(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0);
    struct buf *buf = call_buf(call);
    if (arg->text.size % 2 != 0) call_fail(call, NULL, "an odd number of digits");
    for (size_t i = 0; i < arg->text.size; i += 2) {
        int high = hex_digit(arg->text.ptr[i]), low = hex_digit(arg->text.ptr[i + 1]);
        if (high < 0 || low < 0) call_fail(call, NULL, "character %zu is no hexadecimal digit", i + (high < 0 ? 1 : 2));
        buf_char(buf, (char)(high << 4 | low));
    }
    return decoded(call);
}

static const struct value *
f_urldecode(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0);
    struct buf *buf = call_buf(call);
    for (size_t i = 0; i < arg->text.size; i++) {
        if (arg->text.ptr[i] != '%') {
            buf_char(buf, arg->text.ptr[i]);
            continue;
        }
        int high = hex_digit(arg->text.ptr[i + 1]), low = high < 0 ? -1 : hex_digit(arg->text.ptr[i + 2]);
        if (low < 0) call_fail(call, NULL, "two hexadecimal digits are missing behind %% at character %zu", i + 1);
        buf_char(buf, (char)(high << 4 | low));
        i += 2;
    }
    return decoded(call);
}

static const struct value *
f_shell_quote(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0);
    if (memchr(arg->text.ptr, 0, arg->text.size) != NULL) call_fail(call, NULL, "a zero byte in the text");
    struct buf *buf = call_buf(call);
    buf_char(buf, '\'');
    for (size_t i = 0; i < arg->text.size; i++) {
        if (arg->text.ptr[i] == '\'') buf_text(buf, "'\\'");
        buf_char(buf, arg->text.ptr[i]);
    }
    buf_char(buf, '\'');
    return call_buf_text(call);
}

static const struct value *
f_urlencode(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0);
    struct buf *buf = call_buf(call);
    for (size_t i = 0; i < arg->text.size; i++) {
        unsigned char c = (unsigned char)arg->text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c != 0 && strchr("-._~", c) != NULL);
        buf_printf(buf, plain ? "%c" : "%%%02X", c);
    }
    return call_buf_text(call);
}

static const struct value *
sql(struct call *call)
{
    const struct value *text = call_buf_text(call);
    return value_textn(call_arena(call), VALUE_SQL, text->text.ptr, text->text.size);
}

static void
refuse_zero(struct call *call, const char *text, size_t size)
{
    if (memchr(text, 0, size) != NULL) call_fail(call, NULL, "a zero byte in the text");
}

static void
add_quoted(struct buf *buf, const char *text, size_t size, char quote)
{
    buf_char(buf, quote);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == quote) buf_char(buf, quote);
        buf_char(buf, text[i]);
    }
    buf_char(buf, quote);
}

/* One part of a dotted name, which may be quoted already; what is behind it, or NULL. */
static const char *
add_part(struct call *call, struct buf *buf, const char *at, const char *end)
{
    const char *start = at;
    if (at < end && *at == '"') {
        buf_char(buf, '"');
        for (at++; at < end && (*at != '"' || (at + 1 < end && at[1] == '"')); at++) {
            if (*at == '"') buf_char(buf, *at++);
            buf_char(buf, *at);
        }
        if (at == end) call_fail(call, NULL, "a quote is never closed");
        buf_char(buf, '"');
        if (at == start + 1) call_fail(call, NULL, "a part of the name is empty");
        at++;
    } else {
        while (at < end && *at != '.') at++;
        if (at == start) call_fail(call, NULL, "a part of the name is empty");
        add_quoted(buf, start, (size_t)(at - start), '"');
    }
    if (at == end) return NULL;
    if (*at != '.') call_fail(call, NULL, "a quoted part does not end at a dot");
    return at + 1;
}

static const struct value *
f_ident(struct call *call)
{
    size_t parts = 0;
    const struct value *args[3];
    for (size_t i = 0; i < call->nargs; i++) {
        args[i] = call_arg(call, i, VALUE_STRING);
        refuse_zero(call, args[i]->text.ptr, args[i]->text.size);
        if (args[i]->text.size == 0) call_fail(call, NULL, "a part of the name is empty");
    }
    struct buf *buf = call_buf(call);
    if (call->nargs > 1) {
        for (size_t i = 0; i < call->nargs; i++) {
            if (i) buf_char(buf, '.');
            add_quoted(buf, args[i]->text.ptr, args[i]->text.size, '"');
        }
        return sql(call);
    }
    const char *at = args[0]->text.ptr, *end = at + args[0]->text.size;
    while (at != NULL) {
        if (++parts > 3)
            call_fail(call, "Give parts with dots in them one by one: ident(\"a\", \"b.c\").",
                      "a name has at most three parts");
        if (parts > 1) buf_char(buf, '.');
        at = add_part(call, buf, at, end);
    }
    return sql(call);
}

static void
add_literal(struct call *call, struct buf *buf, const struct value *value, unsigned depth)
{
    switch (value->type) {
    case VALUE_NULL: buf_text(buf, "NULL"); break;
    case VALUE_BOOL: buf_text(buf, value->boolean ? "TRUE" : "FALSE"); break;
    case VALUE_INT: case VALUE_SIZE: buf_printf(buf, "%" PRId64, value->integer); break;
    case VALUE_REAL: json_write(buf, value); break;
    case VALUE_STRING:
        refuse_zero(call, value->text.ptr, value->text.size);
        add_quoted(buf, value->text.ptr, value->text.size, '\'');
        break;
    case VALUE_TIMESTAMP: {
        buf_text(buf, "TIMESTAMP '");
        size_t start = buf->size;
        str_timestamp(buf, value->integer);
        if (buf->full) break;
        buf->data[start + strcspn(buf->data + start, "T")] = ' ';
        buf->data[buf->size - 1] = '\'';
        break;
    }
    case VALUE_DURATION:
        buf_printf(buf, "INTERVAL '%s%" PRId64 ".%03" PRId64 "' SECOND",
                   value->integer < 0 ? "-" : "",
                   value->integer / (value->integer < 0 ? -1000 : 1000),
                   (value->integer < 0 ? -(value->integer % 1000) : value->integer % 1000));
        break;
    case VALUE_LIST:
        if (depth > 0) call_fail(call, NULL, "a list within a list");
        if (value->list.count == 0)
            call_fail(call, "Leave the condition out when the list is empty.", "an empty list");
        buf_char(buf, '(');
        for (size_t i = 0; i < value->list.count; i++) {
            if (i) buf_text(buf, ", ");
            add_literal(call, buf, value->list.items[i], depth + 1);
        }
        buf_char(buf, ')');
        break;
    case VALUE_SQL: buf_add(buf, value->text.ptr, value->text.size); break;
    case VALUE_SECRET:
    case VALUE_MAP:
        call_fail(call, NULL, "a %s has no literal in SQL", value_type_name(value->type));
    }
}

static const struct value *
f_literal(struct call *call)
{
    add_literal(call, call_buf(call), call->args[0], 0);
    return sql(call);
}

const struct library_function library_data[] = {
    {"json", "json(x)", "x as JSON.", "json({a = {1, true}})", "\"{\\\"a\\\":[1,true]}\"", 1, 1,
     LIBRARY_NULLS, f_json},
    {"from_json", "from_json(text)", "The value that a JSON text holds.",
     "from_json(\"[1, null]\")", "[1,null]", 1, 1, 0, f_from_json},
    {"base64", "base64(text)", "In base64.", "base64(\"hello\")", "\"aGVsbG8=\"", 1, 1, 0,
     f_base64},
    {"from_base64", "from_base64(text)",
     "The text that base64 holds; the URL alphabet is understood too.", "from_base64(\"aGVsbG8=\")",
     "\"hello\"", 1, 1, 0, f_from_base64},
    {"hex", "hex(text)", "Its bytes in hexadecimal.", "hex(\"hi\")", "\"6869\"", 1, 1, 0, f_hex},
    {"from_hex", "from_hex(text)", "The text that hexadecimal digits hold.", "from_hex(\"6869\")", "\"hi\"", 1, 1, 0,
     f_from_hex},
    {"sha256", "sha256(text)", "Its SHA-256 in hexadecimal.", "slice(sha256(\"abc\"), 1, 8)",
     "\"ba7816bf\"", 1, 1, 0, f_digest},
    {"sha512", "sha512(text)", "Its SHA-512 in hexadecimal.", "slice(sha512(\"abc\"), 1, 8)",
     "\"ddaf35a1\"", 1, 1, 0, f_digest},
    {"sha1", "sha1(text)", "Its SHA-1 in hexadecimal, to compare with what others made; it protects nothing.",
     "slice(sha1(\"abc\"), 1, 8)", "\"a9993e36\"", 1, 1, 0, f_digest},
    {"md5", "md5(text)", "Its MD5 in hexadecimal, to compare with what others made; it protects nothing.",
     "slice(md5(\"abc\"), 1, 8)", "\"90015098\"", 1, 1, 0, f_digest},
    {"urlencode", "urlencode(text)", "As part of a URL.", "urlencode(\"a b/c\")", "\"a%20b%2Fc\"",
     1, 1, 0, f_urlencode},
    {"urldecode", "urldecode(text)", "The text that a part of a URL holds; + stays +.", "urldecode(\"a%20b%2Fc\")",
     "\"a b/c\"", 1, 1, 0, f_urldecode},
    {"shell_quote", "shell_quote(text)",
     "In single quotes, as one word of a shell script that is made elsewhere: for ssh and sh -c. In `run:` just write "
     "${{ }}.",
     "shell_quote(\"it's\")", "\"'it'\\\\''s'\"", 1, 1, 0, f_shell_quote},
    {"ident", "ident(name)",
     "A name as SQL text: up to three parts with dots between, each quoted; or the parts one by "
     "one, which may then hold dots.",
     "ident(\"raw.orders\")", "\"\\\"raw\\\".\\\"orders\\\"\"", 1, 3, 0, f_ident},
    {"literal", "literal(x)",
     "A value as SQL text, where the server takes no parameter: standard quotes, (1, 2) for a "
     "list. Elsewhere just write ${{ }}.",
     "literal(\"it's\")", "\"'it''s'\"", 1, 1, LIBRARY_NULLS, f_literal},
    {0}};
