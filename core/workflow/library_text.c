/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions on texts. Positions and lengths count characters (code points); upper and lower change
 * ASCII letters only, so that a result does not depend on a locale.
 */
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "workflow/library.h"
#include "workflow/library_regex.h"

static const struct value *
f_text(struct call *call)
{
    const struct value *arg = call->args[0];
    if (arg->type == VALUE_STRING) return arg;
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
            call_count(call, 0, 1);
            if (call_equal(call, in->list.items[i], what)) return call_bool(call, true);
        }
        return call_bool(call, false);
    }
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

static void
count_steps(void *context, uint64_t steps)
{
    call_count(context, 0, steps);
}

static bool
search(struct call *call, const struct regex **ret, const struct value **text, size_t *spans)
{
    const struct value *pattern = call_arg_text(call, 1);
    const char *problem;
    size_t at;
    *text = call_arg_text(call, 0);
    call_count(call, 8 * KIB, pattern->text.size);
    *ret = regex_compile(call_arena(call), pattern->text.ptr, pattern->text.size, &problem, &at);
    if (*ret == NULL) call_fail(call, NULL, "character %zu of the pattern: %s", at + 1, problem);
    return regex_search(*ret, call_arena(call), (*text)->text.ptr, (*text)->text.size, spans,
                        count_steps, call);
}

static const struct value *
f_matches(struct call *call)
{
    size_t spans[2 * REGEX_GROUPS_MAX];
    const struct regex *regex;
    const struct value *text;
    return call_bool(call, search(call, &regex, &text, spans));
}

static const struct value *
f_match(struct call *call)
{
    size_t spans[2 * REGEX_GROUPS_MAX];
    const struct regex *regex;
    const struct value *text;
    if (!search(call, &regex, &text, spans)) return value_null(call_arena(call));
    struct value *list = call_list(call);
    for (size_t i = 0; i < regex_groups(regex); i++) {
        if (spans[2 * i + 1] == SIZE_MAX) call_push(call, list, value_null(call_arena(call)));
        else
            call_push(
                call, list,
                call_text(call, text->text.ptr + spans[2 * i], spans[2 * i + 1] - spans[2 * i]));
    }
    return list;
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
    {"matches", "matches(text, pattern)",
     "Does the regular expression fit anywhere? Use ^ and $ for all of it.",
     "matches(\"v1.2\", \"^v[0-9.]+$\")", "true", 2, 2, 0, f_matches},
    {"match", "match(text, pattern)",
     "What fitted, then what each ( ) fitted; null when nothing did.",
     "match(\"orders-2026\", \"([a-z]+)-([0-9]+)\")", "[\"orders-2026\",\"orders\",\"2026\"]", 2, 2,
     0, f_match},
    {0}};
