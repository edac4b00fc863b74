/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions that compare texts with patterns: regular expressions and, made into one, the patterns of file names. All
 * go through library_regex.c, whose steps are counted, so that no pattern runs away.
 */
#include <string.h>

#include "base/limits.h"
#include "workflow/library.h"
#include "workflow/library_regex.h"

struct search {
    struct call *call;
    const struct regex *regex;
    const struct value *text;
    struct arena_mark mark; /* behind it lies what only the search needs */
    size_t spans[2 * REGEX_GROUPS_MAX];
};

static void
count_steps(void *context, uint64_t steps)
{
    call_count(context, 0, steps);
}

/* `pattern` as it is; the text is the first argument. */
static void
search_begin(struct search *search, struct call *call, const struct value *pattern)
{
    const char *problem;
    size_t at;
    search->call = call;
    search->text = call_arg_text(call, 0);
    search->mark = arena_mark(call_arena(call));
    call_count(call, 0, 500 + 8 * pattern->text.size);
    search->regex = regex_compile(call_arena(call), pattern->text.ptr, pattern->text.size, &problem, &at);
    if (search->regex == NULL) call_fail(call, NULL, "character %zu of the pattern: %s", at + 1, problem);
}

static bool
search_next(struct search *search, size_t from)
{
    struct arena *arena = call_arena(search->call);
    struct arena_mark mark = arena_mark(arena);
    bool found = regex_search(search->regex, arena, search->text->text.ptr, search->text->text.size, from,
                              search->spans, count_steps, search->call);
    arena_rewind(arena, mark);
    return found;
}

static void
search_end(struct search *search)
{
    arena_rewind(call_arena(search->call), search->mark);
}

static const struct value *
f_matches(struct call *call)
{
    struct search search;
    const struct value *pattern = call_arg_text(call, 1);
    search_begin(&search, call, pattern);
    bool found = search_next(&search, 0);
    search_end(&search);
    return call_bool(call, found);
}

static const struct value *
f_match(struct call *call)
{
    struct search search;
    const struct value *pattern = call_arg_text(call, 1);
    search_begin(&search, call, pattern);
    size_t groups = regex_groups(search.regex), *spans = search.spans;
    bool found = search_next(&search, 0);
    search_end(&search);
    if (!found) return value_null(call_arena(call));
    struct value *list = call_list(call);
    for (size_t i = 0; i < groups; i++) {
        if (spans[2 * i + 1] == SIZE_MAX) call_push(call, list, value_null(call_arena(call)));
        else
            call_push(call, list,
                      call_text(call, search.text->text.ptr + spans[2 * i], spans[2 * i + 1] - spans[2 * i]));
    }
    return list;
}

static const struct value *
f_replace_match(struct call *call)
{
    struct search search;
    const struct value *pattern = call_arg_text(call, 1), *to = call_arg_text(call, 2);
    search_begin(&search, call, pattern);
    const char *text = search.text->text.ptr;
    size_t size = search.text->text.size, from = 0;
    struct buf *buf = call_buf(call);
    while (from <= size && !buf->full && search_next(&search, from)) {
        size_t start = search.spans[0], end = search.spans[1];
        buf_add(buf, text + from, start - from);
        buf_add(buf, to->text.ptr, to->text.size);
        /* Behind an empty match the next character stays. */
        from = end;
        while (end == start && from < size) {
            buf_char(buf, text[from++]);
            if (((unsigned char)text[from] & 0xc0) != 0x80) break;
        }
        if (end == start && end == size) from = size + 1;
    }
    if (from < size) buf_add(buf, text + from, size - from);
    search_end(&search);
    return call_buf_text(call);
}

/* [abc], [!a-z]; what is behind it, or NULL when it is never closed. */
static const char *
add_class(struct buf *buf, const char *p, const char *end)
{
    const char *start = ++p;
    bool negated = p < end && (*p == '!' || *p == '^');
    if (negated) start = ++p;
    buf_text(buf, negated ? "[^/" : "[");
    for (; p < end && (*p != ']' || p == start); p++) {
        if (*p == '\\' && p + 1 < end) p++;
        /* A slash is what * and ? do not fit either; the rest would mean something to a regular expression. */
        if (strchr("\\]^[", *p) != NULL) buf_char(buf, '\\');
        buf_char(buf, *p);
    }
    buf_char(buf, ']');
    return p < end ? p + 1 : NULL;
}

static const char *
add_stars(struct buf *buf, const char *p, const char *end, bool at_start)
{
    bool whole = p + 1 < end && p[1] == '*' && (at_start || p[-1] == '/') && (p + 2 == end || p[2] == '/');
    if (!whole) {
        while (p < end && *p == '*') p++;
        buf_text(buf, "[^/]*");
        return p;
    }
    if (p + 2 == end) {
        buf_text(buf, "(?:[^/]|/)*");
        return end;
    }
    buf_text(buf, "(?:(?:[^/]|/)*/)?");
    return p + 3;
}

/* The pattern of a file name as a regular expression over all of it. */
static const struct value *
glob_regex(struct call *call, const struct value *pattern)
{
    const char *start = pattern->text.ptr, *end = start + pattern->text.size;
    unsigned braces = 0;
    struct buf *buf = call_buf(call);
    buf_text(buf, "^(?:");
    for (const char *p = start; p != NULL && p < end;) {
        if (*p == '*') {
            p = add_stars(buf, p, end, p == start);
            continue;
        }
        if (*p == '[') {
            p = add_class(buf, p, end);
            if (p == NULL) call_fail(call, NULL, "a [ of the pattern is never closed");
            continue;
        }
        if (*p == '\\' && p + 1 < end) p++;
        else if (*p == '?' || *p == '{' || (braces > 0 && (*p == '}' || *p == ','))) {
            buf_text(buf, *p == '?' ? "[^/]" : *p == '{' ? "(?:" : *p == '}' ? ")" : "|");
            braces += *p == '{';
            braces -= *p == '}';
            p++;
            continue;
        }
        if (strchr("\\^$.[]|()*+?{}", *p) != NULL && *p != '\0') buf_char(buf, '\\');
        buf_char(buf, *p++);
    }
    if (braces > 0) call_fail(call, NULL, "a { of the pattern is never closed");
    buf_text(buf, ")$");
    return call_buf_text(call);
}

static const struct value *
f_glob(struct call *call)
{
    struct search search;
    const struct value *pattern = glob_regex(call, call_arg_text(call, 1));
    search_begin(&search, call, pattern);
    bool found = search_next(&search, 0);
    search_end(&search);
    return call_bool(call, found);
}

const struct library_function library_patterns[] = {
    {"glob", "glob(name, pattern)",
     "Does the pattern fit all of a name? * and ? fit anything but a slash, ** whole folders, [a-z] and [!a-z] one "
     "character, {a,b} one of the two.",
     "glob(\"2026/01/orders.csv\", \"2026/**/*.{csv,json}\")", "true", 2, 2, 0, f_glob},
    {"matches", "matches(text, pattern)",
     "Does the regular expression fit anywhere? Use ^ and $ for all of it.",
     "matches(\"v1.2\", \"^v[0-9.]+$\")", "true", 2, 2, 0, f_matches},
    {"match", "match(text, pattern)",
     "What fitted, then what each ( ) fitted; null when nothing did.",
     "match(\"orders-2026\", \"([a-z]+)-([0-9]+)\")", "[\"orders-2026\",\"orders\",\"2026\"]", 2, 2,
     0, f_match},
    {"replace_match", "replace_match(text, pattern, to)",
     "Everything that the regular expression fits replaced by a plain text.",
     "replace_match(\"Sales (EU)\", \"[^A-Za-z0-9]+\", \"_\")", "\"Sales_EU_\"", 3, 3, 0, f_replace_match},
    {0}};
