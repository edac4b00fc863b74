/* SPDX-License-Identifier: Apache-2.0
 *
 * The source is checked before libyaml sees it: its messages speak of octets, ours of lines, and it takes three
 * rare characters for line ends that no editor does.
 */
#include "workflow/yaml.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct place {
    int line, column;
};

/* Where the last line end left of `offset` ends. Lines that end in \r alone are rare; without them memchr is enough. */
static size_t
line_start(const char *text, size_t offset, int *line)
{
    const char *p = text, *end = text + offset, *next;
    *line = 1;
    if (memchr(text, '\r', offset) == NULL) {
        for (; (next = memchr(p, '\n', (size_t)(end - p))) != NULL; p = next + 1) ++*line;
        return (size_t)(p - text);
    }
    size_t ret = 0;
    for (size_t i = 0; i < offset; i++)
        if (text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n')) {
            ++*line;
            ret = i + 1;
        }
    return ret;
}

static struct place
place_of(const char *text, size_t offset)
{
    struct place ret = {1, 1};
    size_t i = line_start(text, offset, &ret.line);
    if (i == 0 && offset >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) ret.column = 0;
    for (uint64_t eight; offset - i >= sizeof eight; i += sizeof eight, ret.column += 8) {
        memcpy(&eight, text + i, sizeof eight);
        if (eight & 0x8080808080808080u) break;
    }
    for (; i < offset; i++) ret.column += ((unsigned char)text[i] & 0xc0) != 0x80 && text[i] != '\r';
    return ret;
}

static bool
refuse(struct diags *diags, const char *text, size_t offset, const char *hint, const char *message)
{
    struct place at = place_of(text, offset);
    diag_add(diags, DIAG_ERROR, at.line, at.column, "encoding", hint, "%s", message);
    return false;
}

static bool
is_utf16(const char *text, size_t size)
{
    if (size < 2) return false;
    return memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0 ||
           (text[0] == '\0' && text[1] != '\0') ||
           (text[0] != '\0' && text[1] == '\0' && size > 3 && text[3] == '\0');
}

/* Message for a character that may not stand in a file, or NULL. `p` has at least the bytes of its sequence. */
static const char *
bad_character(const unsigned char *p)
{
    if (p[0] == '\0') return "a NUL byte";
    if ((p[0] < 0x20 && p[0] != '\t' && p[0] != '\n' && p[0] != '\r') || p[0] == 0x7f) return "a control character";
    if (p[0] == 0xc2 && p[1] == 0x85) return "the invisible line end U+0085";
    if (p[0] == 0xc2 && p[1] < 0xa0) return "a control character";
    if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
        return "an invisible line end (U+2028 or U+2029)";
    if (p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae)
        return "a mark that reverses the direction of text";
    if (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)
        return "a mark that reverses the direction of text";
    if (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf) return "a byte order mark inside the text";
    if (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe) return "a code point that is no character";
    return NULL;
}

/* The first byte of a character that has no place in a file, or `size`. */
static size_t
find_bad(const char *text, size_t size, size_t start, const char **what)
{
    static const bool looked_at[256] = {[0x7f] = true, [0xc2] = true, [0xe2] = true, [0xef] = true};
    const uint64_t ones = 0x0101010101010101u, high = ones << 7;
    for (size_t i = start; i < size; i++) {
        /* Eight bytes of plain ASCII at once: none below a blank, none from DEL on. */
        for (uint64_t eight; size - i >= sizeof eight; i += sizeof eight) {
            memcpy(&eight, text + i, sizeof eight);
            if (((eight - ones * 0x20) | (eight + ones) | eight) & high) break;
        }
        if (i == size) break;
        unsigned char c = (unsigned char)text[i];
        if (!(c < 0x20 ? c != '\n' && c != '\r' && c != '\t' : looked_at[c])) continue;
        *what = bad_character((const unsigned char *)text + i);
        if (*what != NULL) return i;
    }
    return size;
}

/* Is there anything but comments and blanks? */
static bool
has_content(const char *text, size_t size, size_t start)
{
    for (const char *p = text + start, *end = text + size; p < end; p++) {
        if (*p == '#') {
            while (p < end && *p != '\n' && *p != '\r') p++;
            continue;
        }
        if (*p != ' ' && *p != '\t' && *p != '\n' && *p != '\r') return true;
    }
    return false;
}

bool
yaml_source_check(const char *text, size_t size, struct diags *diags)
{
    if (is_utf16(text, size))
        return refuse(diags, text, 0, "Save the file as UTF-8.", "the file is UTF-16, not UTF-8");
    ptrdiff_t bad = str_utf8_bad(text, size);
    if (bad >= 0) {
        struct place at = place_of(text, (size_t)bad);
        diag_add(diags, DIAG_ERROR, at.line, at.column, "encoding", "Save the file as UTF-8.",
                 "byte 0x%02x at offset %td is not UTF-8", (unsigned char)text[bad], bad);
        return false;
    }
    size_t start = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    const char *what;
    size_t at = find_bad(text, size, start, &what);
    if (at < size)
        return refuse(diags, text, at, "Remove it, or write it as an escape in double quotes.",
                      arena_printf(diags->arena, "the file holds %s", what));
    if (has_content(text, size, start)) return true;
    diag_add(diags, DIAG_ERROR, 0, 0, "empty", "A workflow begins with `levada: 1`.",
             size == 0 ? "the file is empty" : "the file holds nothing but comments");
    return false;
}

/* ---- scalars ------------------------------------------------------------------------------------------ */

static bool
is_any(const char *text, const char *a, const char *b, const char *c)
{
    return str_eq(text, a) || str_eq(text, b) || str_eq(text, c);
}

static bool
all_of(const char *text, const char *digits)
{
    return *text != '\0' && text[strspn(text, digits)] == '\0';
}

static bool
is_decimal(const char *text)
{
    return all_of(text + (*text == '-' || *text == '+'), "0123456789");
}

static bool
is_real(const char *text)
{
    const char *p = text + (*text == '-' || *text == '+');
    size_t before = strspn(p, "0123456789"), after = 0;
    p += before;
    if (*p == '.') after = strspn(++p, "0123456789"), p += after;
    if (before + after == 0) return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '-' || *p == '+';
        return all_of(p, "0123456789");
    }
    return *p == '\0';
}

/* A number of the core schema, whatever its size. */
static bool
is_number(const char *text)
{
    if (is_decimal(text) || is_real(text)) return true;
    return text[0] == '0' && ((text[1] == 'x' && all_of(text + 2, "0123456789abcdefABCDEF")) ||
                              (text[1] == 'o' && all_of(text + 2, "01234567")));
}

static const struct value *
number(struct arena *arena, const char *text, const char **why)
{
    errno = 0;
    if (is_decimal(text) || text[1] == 'x' || text[1] == 'o') {
        bool based = text[0] == '0' && (text[1] == 'x' || text[1] == 'o');
        long long integer = strtoll(based ? text + 2 : text, NULL, !based ? 10 : text[1] == 'x' ? 16 : 8);
        if (errno == 0) return value_int(arena, integer);
        *why = "an integer that does not fit in 64 bits";
        return NULL;
    }
    double real = strtod(text, NULL);
    if (isfinite(real)) return value_real(arena, real);
    *why = "a number that is too large";
    return NULL;
}

const struct value *
yaml_scalar(struct arena *arena, const char *text, size_t size, const char **why)
{
    if (size == 0 || str_eq(text, "~") || is_any(text, "null", "Null", "NULL")) return value_null(arena);
    if (is_any(text, "true", "True", "TRUE")) return value_bool(arena, true);
    if (is_any(text, "false", "False", "FALSE")) return value_bool(arena, false);
    const char *unsigned_text = text + (*text == '-' || *text == '+');
    if (is_any(unsigned_text, ".inf", ".Inf", ".INF") || is_any(text, ".nan", ".NaN", ".NAN")) {
        *why = "not a finite number";
        return NULL;
    }
    if ((isdigit((unsigned char)*unsigned_text) || *unsigned_text == '.') && is_number(text))
        return number(arena, text, why);
    return value_textn(arena, VALUE_STRING, text, size);
}
