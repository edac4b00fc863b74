/* SPDX-License-Identifier: Apache-2.0
 *
 * The text as YAML reads it and the source as it is written are walked side by side. White space may differ, for that
 * is what folding and indentation change; everything else must be the same, but for escapes.
 */
#include "workflow/place.h"

#include <stdbool.h>
#include <string.h>

struct walk {
    const char *at, *end;
    char quote; /* '"', '\'' or 0 */
};

/* How many characters of the source an escape takes, and how many bytes of the text it made. */
static size_t
escape_size(const struct walk *walk, const char *text, size_t *made)
{
    const char *kind = walk->at + 1;
    *made = 1;
    while (((unsigned char)text[*made] & 0xc0) == 0x80) ++*made;
    if (kind >= walk->end) return 1;
    return *kind == 'x' ? 4 : *kind == 'u' ? 6 : *kind == 'U' ? 10 : 2;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Over white space, written plainly or as an escape. */
static void
skip_blanks(struct walk *walk)
{
    while (walk->at < walk->end) {
        bool escape = walk->quote == '"' && *walk->at == '\\' && walk->end - walk->at > 1;
        if (escape && (strchr("ntr", walk->at[1]) != NULL || is_blank(walk->at[1]))) walk->at += 2;
        else if (is_blank(*walk->at)) walk->at++;
        else return;
    }
}

/* To the place that the text's byte `offset` comes from. False: the two do not belong together. */
static bool
walk_to(struct walk *walk, const char *text, size_t size, size_t offset)
{
    for (size_t i = 0; i < offset && i < size;) {
        if (walk->at >= walk->end) return false;
        size_t made;
        if (is_blank(text[i]) || is_blank(*walk->at)) {
            size_t run = i;
            while (i < size && is_blank(text[i])) i++;
            if (offset < i) {
                walk->at += memchr(text + run, '\n', offset - run) == NULL ? offset - run : 0;
                return true;
            }
            skip_blanks(walk);
        } else if (walk->quote == '"' && *walk->at == '\\') {
            bool line_end = walk->end - walk->at > 1 && is_blank(walk->at[1]);
            if (line_end) {
                skip_blanks(walk);
                continue;
            }
            walk->at += escape_size(walk, text + i, &made);
            i += made;
        } else if (*walk->at == text[i]) {
            walk->at += walk->quote == '\'' && text[i] == '\'' ? 2 : 1;
            i++;
        } else {
            return false;
        }
    }
    if (walk->at < walk->end && is_blank(*walk->at) && offset < size && !is_blank(text[offset])) skip_blanks(walk);
    return walk->at <= walk->end;
}

static const char *
find_line(const char *source, const char *end, int line)
{
    for (; line > 1 && source < end; line--) {
        const char *next = memchr(source, '\n', (size_t)(end - source));
        source = next != NULL ? next + 1 : end;
    }
    return source;
}

static bool
offset_of(const struct value *text, int line, int column, size_t *ret)
{
    const char *p = text->text.ptr, *end = p + text->text.size;
    p = find_line(p, end, line - (int)text->line + 1);
    for (int at = (int)text->column; at < column && p < end; at++) {
        do p++;
        while (p < end && ((unsigned char)*p & 0xc0) == 0x80);
    }
    *ret = (size_t)(p - text->text.ptr);
    return line >= (int)text->line && column >= (int)text->column;
}

void
place_in_source(const char *source, size_t size, const struct value *text, int *line, int *column)
{
    size_t offset;
    if (source == NULL || text->line == 0 || !offset_of(text, *line, *column, &offset)) return;
    struct walk walk = {.end = source + size};
    const char *start = find_line(source, walk.end, (int)text->line);
    if (start == source && size >= 3 && memcmp(source, "\xef\xbb\xbf", 3) == 0) start += 3;
    walk.at = start;
    for (uint32_t seen = 1; seen < text->column && walk.at < walk.end && *walk.at != '\n'; seen++) {
        do walk.at++;
        while (walk.at < walk.end && ((unsigned char)*walk.at & 0xc0) == 0x80);
    }
    if (walk.at > source && (walk.at[-1] == '"' || walk.at[-1] == '\'')) walk.quote = walk.at[-1];
    const char *begin = walk.at;
    if (!walk_to(&walk, text->text.ptr, text->text.size, offset)) return;
    int to_line = (int)text->line, to_column = (int)text->column;
    for (const char *p = begin; p < walk.at; p++) {
        if (*p == '\n') {
            to_line++;
            to_column = 1;
        } else if (((unsigned char)*p & 0xc0) != 0x80) {
            to_column++;
        }
    }
    *line = to_line;
    *column = to_column;
}
