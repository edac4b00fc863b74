/* SPDX-License-Identifier: Apache-2.0
 *
 * What json_read.c does not take, jansson judges: it has the errors and the odd cases. Writing is ours.
 */
#include "base/json.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/str.h"

static const struct value *
from_jansson(struct arena *arena, const json_t *json, unsigned depth)
{
    struct value *ret;
    if (depth > LIMIT_DEPTH) return NULL;
    switch (json_typeof(json)) {
    case JSON_OBJECT: {
        const char *name;
        json_t *member;
        ret = value_map(arena);
        size_t count = json_object_size(json), i = 0;
        ret->map.names = ARENA_ARRAY(arena, count * 2 + 4, const char *);
        ret->map.values = ARENA_ARRAY(arena, count * 2 + 4, const struct value *);
        /* jansson's macro casts const away; the object is not changed. */
        for (void *it = json_object_iter((json_t *)(uintptr_t)json); it != NULL;
             it = json_object_iter_next((json_t *)(uintptr_t)json, it)) {
            name = json_object_iter_key(it);
            member = json_object_iter_value(it);
            const struct value *value = from_jansson(arena, member, depth + 1);
            if (value == NULL) return NULL;
            ret->map.names[i] = arena_strdup(arena, name);
            ret->map.values[i++] = value;
        }
        ret->map.count = i;
        return ret;
    }
    case JSON_ARRAY:
        ret = value_list(arena);
        for (size_t i = 0; i < json_array_size(json); i++) {
            const struct value *item = from_jansson(arena, json_array_get(json, i), depth + 1);
            if (item == NULL) return NULL;
            value_push(arena, ret, item);
        }
        return ret;
    case JSON_STRING:
        return value_textn(arena, VALUE_STRING, json_string_value(json), json_string_length(json));
    case JSON_INTEGER: return value_int(arena, json_integer_value(json));
    case JSON_REAL: return value_real(arena, json_real_value(json));
    case JSON_TRUE: return value_bool(arena, true);
    case JSON_FALSE: return value_bool(arena, false);
    default: return value_null(arena);
    }
}

int
json_parse(struct arena *arena, const char *text, size_t size, const struct value **ret, struct err *err)
{
    struct arena_mark mark = arena_mark(arena);
    *ret = json_read(arena, text, size);
    if (*ret != NULL) return 0;
    arena_rewind(arena, mark);
    return json_judge(arena, text, size, ret, err);
}

int
json_judge(struct arena *arena, const char *text, size_t size, const struct value **ret, struct err *err)
{
    json_error_t error;
    /* jansson takes a NUL for the end of the text and would not look at what is behind it. */
    const char *nul = memchr(text, '\0', size);
    if (nul != NULL)
        return err_set(err, EXIT_INVALID, "not valid JSON: a NUL at byte %td", nul - text + 1);
    json_t *json = json_loadb(text, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (json == NULL) {
        err_set(err, EXIT_INVALID, "not valid JSON: %s", error.text);
        err->line = error.line;
        err->column = error.column;
        return EXIT_INVALID;
    }
    const struct value *value = from_jansson(arena, json, 0);
    json_decref(json);
    if (value == NULL) return err_set(err, EXIT_INVALID, "JSON is nested more than %u deep", LIMIT_DEPTH);
    *ret = value;
    return 0;
}

void
json_quote(struct buf *buf, const char *text, size_t size)
{
    buf_char(buf, '"');
    size_t start = 0;
    for (size_t i = 0; i < size;) {
        unsigned char c = (unsigned char)text[i];
        size_t length = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
        bool bad = c >= 0x80 && (i + length > size || str_utf8_bad(text + i, length) >= 0);
        if (bad) length = 1;
        if (!bad && c >= 0x20 && c != '"' && c != '\\') {
            i += length;
            continue;
        }
        buf_add(buf, text + start, i - start);
        if (bad) buf_text(buf, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\') buf_printf(buf, "\\%c", c);
        else if (c == '\n') buf_text(buf, "\\n");
        else if (c == '\t') buf_text(buf, "\\t");
        else if (c == '\r') buf_text(buf, "\\r");
        else buf_printf(buf, "\\u%04x", c);
        i += length;
        start = i;
    }
    buf_add(buf, text + start, size - start);
    buf_char(buf, '"');
}

/* Most of what a journal writes are small numbers, and printf takes its time. */
static void
write_int(struct buf *buf, int64_t integer)
{
    char text[24];
    size_t at = sizeof text;
    uint64_t rest = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
    do text[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (integer < 0) text[--at] = '-';
    buf_add(buf, text + at, sizeof text - at);
}

static void
write_real(struct buf *buf, double real)
{
    char text[40];
    if (!isfinite(real)) {
        buf_text(buf, "null");
        return;
    }
    snprintf(text, sizeof text, "%.15g", real);
    double back;
    if (!str_to_real(text, &back) || back < real || back > real) snprintf(text, sizeof text, "%.17g", real);
    buf_text(buf, text);
    if (strpbrk(text, ".e") == NULL) buf_text(buf, ".0");
}

void
json_write(struct buf *buf, const struct value *value)
{
    switch (value->type) {
    case VALUE_NULL: buf_text(buf, "null"); break;
    case VALUE_BOOL: buf_text(buf, value->boolean ? "true" : "false"); break;
    case VALUE_INT: case VALUE_SIZE: write_int(buf, value->integer); break;
    case VALUE_REAL: write_real(buf, value->real); break;
    case VALUE_STRING: case VALUE_SQL: json_quote(buf, value->text.ptr, value->text.size); break;
    case VALUE_SECRET: buf_text(buf, "\"***\""); break;
    case VALUE_DURATION: case VALUE_TIMESTAMP:
        buf_char(buf, '"');
        value_show(buf, value);
        buf_char(buf, '"');
        break;
    case VALUE_LIST:
        buf_char(buf, '[');
        for (size_t i = 0; i < value->list.count; i++) {
            if (i) buf_char(buf, ',');
            json_write(buf, value->list.items[i]);
        }
        buf_char(buf, ']');
        break;
    case VALUE_MAP:
        buf_char(buf, '{');
        for (size_t i = 0; i < value->map.count; i++) {
            if (i) buf_char(buf, ',');
            json_quote(buf, value->map.names[i], strlen(value->map.names[i]));
            buf_char(buf, ':');
            json_write(buf, value->map.values[i]);
        }
        buf_char(buf, '}');
        break;
    }
}

const char *
json_text(struct arena *arena, const struct value *value)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, SIZE_MAX / 4); /* what we hold in memory we can also write: nothing is cut */
    json_write(&buf, value);
    return arena_strndup(arena, buf_str(&buf), buf.size);
}
