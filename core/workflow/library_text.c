/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions on texts. Positions and lengths count characters (code points); upper and lower change
 * ASCII letters only, so that a result does not depend on a locale.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/library.h"
#include "workflow/lua_value.h"

static const struct value *
f_text(struct call *call)
{
    const struct value *arg = call->args[0];
    if (arg->type == VALUE_STRING) return arg;
    lua_value_look(call->vm, arg, NULL);
    value_show(call_buf(call), arg);
    return call_buf_text(call);
}

static const struct value *
f_case(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0);
    struct buf *buf = call_buf(call);
    char first = call->name[0] == 'u' ? 'a' : 'A';
    for (size_t i = 0; i < arg->text.size; i++) {
        char c = arg->text.ptr[i];
        buf_char(buf, c >= first && c <= first + 25 ? (char)(c ^ 0x20) : c);
    }
    return call_buf_text(call);
}

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static const struct value *
f_trim(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0);
    const char *start = arg->text.ptr, *end = start + arg->text.size;
    while (start < end && is_space(*start)) start++;
    while (end > start && is_space(end[-1])) end--;
    return call_text(call, start, (size_t)(end - start));
}

static const struct value *
f_split(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0), *by = call_arg_text(call, 1);
    struct value *list = call_list(call);
    if (by->text.size == 0) call_fail(call, "Write split(x, \",\").", "the separator is empty");
    const char *at = arg->text.ptr, *end = at + arg->text.size, *next;
    while ((next = memmem(at, (size_t)(end - at), by->text.ptr, by->text.size)) != NULL) {
        call_push(call, list, call_text(call, at, (size_t)(next - at)));
        at = next + by->text.size;
    }
    call_push(call, list, call_text(call, at, (size_t)(end - at)));
    return list;
}

static const struct value *
f_join(struct call *call)
{
    const struct value *list = call_arg_list(call, 0);
    const struct value *by = call->nargs > 1 ? call_arg_text(call, 1) : call_text(call, "", 0);
    struct buf *buf = call_buf(call);
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *item = list->list.items[i];
        if (item->type == VALUE_NULL || item->type == VALUE_LIST || item->type == VALUE_MAP)
            call_fail(call, "Write map(list, function(x) return json(x) end) first.",
                      "item %zu is not a text", i + 1);
        if (i) buf_add(buf, by->text.ptr, by->text.size);
        value_show(buf, item);
    }
    return call_buf_text(call);
}

static const struct value *
f_contains(struct call *call)
{
    const struct value *in = call->args[0], *what = call->args[1];
    if (in->type == VALUE_LIST) {
        for (size_t i = 0; i < in->list.count; i++) {
            call_count(call, 0, 4);
            if (call_equal(call, in->list.items[i], what)) return call_bool(call, true);
        }
        return call_bool(call, false);
    }
    if (in->type == VALUE_MAP) call_count(call, 0, in->map.count / 16);
    if (in->type == VALUE_MAP)
        return call_bool(call, value_get(in, call_arg_text(call, 1)->text.ptr) != NULL);
    in = call_arg_text(call, 0);
    what = call_arg_text(call, 1);
    return call_bool(call, memmem(in->text.ptr, in->text.size, what->text.ptr, what->text.size) != NULL);
}

static const struct value *
f_starts_with(struct call *call)
{
    const struct value *text = call_arg_text(call, 0), *part = call_arg_text(call, 1);
    return call_bool(call, text->text.size >= part->text.size &&
                               memcmp(text->text.ptr, part->text.ptr, part->text.size) == 0);
}

static const struct value *
f_ends_with(struct call *call)
{
    const struct value *text = call_arg_text(call, 0), *part = call_arg_text(call, 1);
    size_t size = text->text.size, tail = part->text.size;
    return call_bool(call, size >= tail && memcmp(text->text.ptr + size - tail, part->text.ptr, tail) == 0);
}

static const struct value *
f_replace(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0), *from = call_arg_text(call, 1),
                       *to = call_arg_text(call, 2);
    if (from->text.size == 0) call_fail(call, NULL, "the text to look for is empty");
    struct buf *buf = call_buf(call);
    const char *at = arg->text.ptr, *end = at + arg->text.size, *next;
    while ((next = memmem(at, (size_t)(end - at), from->text.ptr, from->text.size)) != NULL && !buf->full) {
        buf_add(buf, at, (size_t)(next - at));
        buf_add(buf, to->text.ptr, to->text.size);
        at = next + from->text.size;
    }
    buf_add(buf, at, (size_t)(end - at));
    return call_buf_text(call);
}

static const struct value *
f_lines(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0);
    struct value *list = call_list(call);
    const char *at = arg->text.ptr, *end = at + arg->text.size, *next;
    while (at < end) {
        next = memchr(at, '\n', (size_t)(end - at));
        const char *stop = next != NULL ? next : end;
        size_t size = (size_t)(stop - at);
        if (next != NULL && size > 0 && stop[-1] == '\r') size--;
        call_push(call, list, call_text(call, at, size));
        at = next != NULL ? next + 1 : end;
    }
    return list;
}

static const struct value *
f_pad(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0);
    int64_t width = call_arg_int(call, 1), count = 0;
    const struct value *fill = call->nargs > 2 ? call_arg_text(call, 2) : call_text(call, " ", 1);
    if (fill->text.size != 1) call_fail(call, NULL, "it is filled with one character of ASCII");
    if (width < -1000 || width > 1000) call_fail(call, NULL, "a width of more than 1000");
    for (size_t i = 0; i < arg->text.size; i++) count += ((unsigned char)arg->text.ptr[i] & 0xc0) != 0x80;
    struct buf *buf = call_buf(call);
    if (width < 0) buf_add(buf, arg->text.ptr, arg->text.size);
    for (int64_t i = count; i < (width < 0 ? -width : width); i++) buf_char(buf, fill->text.ptr[0]);
    if (width >= 0) buf_add(buf, arg->text.ptr, arg->text.size);
    return call_buf_text(call);
}

static const struct value *
f_basename(struct call *call)
{
    const struct value *arg = call_arg_text(call, 0);
    const char *start = arg->text.ptr, *end = start + arg->text.size;
    bool name = call->name[0] == 'b';
    while (end > start + 1 && end[-1] == '/') end--;
    const char *slash = memrchr(start, '/', (size_t)(end - start));
    if (name) return slash != NULL && end > slash + 1 ? call_text(call, slash + 1, (size_t)(end - slash - 1))
                                                      : call_text(call, start, (size_t)(end - start));
    if (slash == NULL) return call_text(call, ".", 1);
    while (slash > start && slash[-1] == '/') slash--;
    return call_text(call, start, slash > start ? (size_t)(slash - start) : 1);
}

const struct library_function library_texts[] = {
    {"text", "text(x)",
     "x as a text: numbers and booleans plainly, durations as 1h30m, times in RFC 3339, lists and "
     "maps as JSON.",
     "text(1.5)", "\"1.5\"", 1, 1, 0, f_text},
    {"tostring", "tostring(x)", "As text(x), for showing: a secret becomes ***.",
     "tostring(2 == 2)", "\"true\"", 1, 1, LIBRARY_STRUCTURE | LIBRARY_NULLS, f_text},
    {"upper", "upper(text)", "ASCII letters in upper case.", "upper(\"abc\")", "\"ABC\"", 1, 1, 0,
     f_case},
    {"lower", "lower(text)", "ASCII letters in lower case.", "lower(\"ABC\")", "\"abc\"", 1, 1, 0,
     f_case},
    {"trim", "trim(text)", "Without white space at both ends.", "trim(\"  a b \")", "\"a b\"", 1, 1,
     0, f_trim},
    {"split", "split(text, separator)", "The parts between separators.", "split(\"a,b,,c\", \",\")",
     "[\"a\",\"b\",\"\",\"c\"]", 2, 2, 0, f_split},
    {"join", "join(list, separator)",
     "The items as one text. Without a separator they follow each other.",
     "join({1, 2, 3}, \", \")", "\"1, 2, 3\"", 1, 2, 0, f_join},
    {"contains", "contains(x, part)",
     "Is the part in a text, the item in a list, the name in a map?",
     "contains({\"dev\", \"int\"}, \"dev\")", "true", 2, 2, 0, f_contains},
    {"starts_with", "starts_with(text, part)", "Does it begin so?",
     "starts_with(\"s3://bucket\", \"s3:\")", "true", 2, 2, 0, f_starts_with},
    {"ends_with", "ends_with(text, part)", "Does it end so?", "ends_with(\"a.csv.gz\", \".gz\")",
     "true", 2, 2, 0, f_ends_with},
    {"replace", "replace(text, from, to)", "Every `from` replaced; both are plain texts.",
     "replace(\"a.b.c\", \".\", \"/\")", "\"a/b/c\"", 3, 3, 0, f_replace},
    {"lines", "lines(text)", "The lines of a text, without their ends.", "lines(\"a\\nb\\n\")",
     "[\"a\",\"b\"]", 1, 1, 0, f_lines},
    {"pad", "pad(x, width, fill)",
     "Filled up at its left to so many characters, with spaces or `fill`; at its right when the width is negative.",
     "pad(7, 3, \"0\")", "\"007\"", 2, 3, 0, f_pad},
    {"basename", "basename(path)", "What is behind the last slash.", "basename(\"s3://lake/raw/orders.csv\")",
     "\"orders.csv\"", 1, 1, 0, f_basename},
    {"dirname", "dirname(path)", "What is before the last slash.", "dirname(\"s3://lake/raw/orders.csv\")",
     "\"s3://lake/raw\"", 1, 1, 0, f_basename},
    {0}};
