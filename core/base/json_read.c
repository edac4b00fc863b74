/* SPDX-License-Identifier: Apache-2.0
 *
 * The quick way from JSON to values: no tree in between and no allocation but the arena's. It takes what is plainly
 * right; whatever it is not sure about, and everything that is wrong, is jansson's to judge (see json_parse).
 */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#define MEMBERS_MAX 64 /* of a map: the search for names given twice is linear */
#define DIGITS_MAX 18  /* an integer of so many digits needs no look at its size */
#define REAL_SIZE 40

struct text {
    struct arena *arena;
    const char *at, *end;
};

static const struct value *read_value(struct text *text, unsigned depth);

static void
skip_space(struct text *text)
{
    while (text->at < text->end &&
           (*text->at == ' ' || *text->at == '\n' || *text->at == '\t' || *text->at == '\r'))
        text->at++;
}

static bool
take(struct text *text, char c)
{
    skip_space(text);
    if (text->at == text->end || *text->at != c) return false;
    text->at++;
    return true;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- strings ---- */

static bool
take_hex(struct text *text, uint32_t *ret)
{
    uint32_t point = 0;
    if (text->end - text->at < 4) return false;
    for (int i = 0; i < 4; i++) {
        char c = *text->at++;
        uint32_t digit = is_digit(c) ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) return false;
        point = point << 4 | digit;
    }
    *ret = point;
    return true;
}

static size_t
put_point(char *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

/* Behind the backslash. Returns how many bytes it stands for, 0: none. */
static size_t
take_escape(struct text *text, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (text->at == text->end) return 0;
    char c = *text->at++;
    const char *known = c != '\0' ? strchr(from, c) : NULL;
    if (known != NULL) {
        *out = to[known - from];
        return 1;
    }
    uint32_t point, low;
    if (c != 'u' || !take_hex(text, &point) || (point >= 0xdc00 && point < 0xe000)) return 0;
    if (point >= 0xd800 && point < 0xdc00) {
        if (text->end - text->at < 6 || text->at[0] != '\\' || text->at[1] != 'u') return 0;
        text->at += 2;
        if (!take_hex(text, &low) || low < 0xdc00 || low >= 0xe000) return 0;
        point = 0x10000 + ((point - 0xd800) << 10 | (low - 0xdc00));
    }
    return put_point(out, point);
}

/* The opening quote is taken. The text in the arena, or NULL. An escape is never shorter than what it stands for. */
static const char *
read_text(struct text *text, size_t *size)
{
    const char *start = text->at;
    unsigned char high = 0;
    while (text->at < text->end && *text->at != '"' && *text->at != '\\' && (unsigned char)*text->at >= 0x20)
        high |= (unsigned char)*text->at++;
    if (text->at == text->end || (unsigned char)*text->at < 0x20) return NULL;
    size_t plain = (size_t)(text->at - start);
    if (*text->at == '"') {
        text->at++;
        *size = plain;
        if (high >= 0x80 && str_utf8_bad(start, plain) >= 0) return NULL;
        return arena_strndup(text->arena, start, plain);
    }
    const char *quote = text->at;
    while (quote < text->end && *quote != '"') quote += *quote == '\\' && quote + 1 < text->end ? 2 : 1;
    if (quote >= text->end) return NULL;
    char *ret = arena_alloc(text->arena, (size_t)(quote - start) + 1);
    memcpy(ret, start, plain);
    while (text->at < quote) {
        unsigned char c = (unsigned char)*text->at++;
        if (c < 0x20) return NULL;
        if (c != '\\') {
            ret[plain++] = (char)c;
            continue;
        }
        size_t more = take_escape(text, ret + plain);
        if (more == 0) return NULL;
        plain += more;
    }
    text->at++;
    *size = plain;
    return str_utf8_bad(ret, plain) >= 0 ? NULL : ret;
}

/* ---- numbers ---- */

static bool
take_digits(struct text *text)
{
    const char *start = text->at;
    while (text->at < text->end && is_digit(*text->at)) text->at++;
    return text->at > start;
}

/* From `start`: its integer part is taken already. */
static const struct value *
read_real(struct text *text, const char *start)
{
    char copy[REAL_SIZE];
    double real;
    if (*text->at == '.') {
        text->at++;
        if (!take_digits(text)) return NULL;
    }
    if (text->at < text->end && (*text->at == 'e' || *text->at == 'E')) {
        text->at++;
        if (text->at < text->end && (*text->at == '+' || *text->at == '-')) text->at++;
        if (!take_digits(text)) return NULL;
    }
    size_t size = (size_t)(text->at - start);
    if (size >= sizeof copy) return NULL;
    memcpy(copy, start, size);
    copy[size] = '\0';
    if (!str_to_real(copy, &real) || !isfinite(real)) return NULL;
    return value_real(text->arena, real);
}

static const struct value *
read_number(struct text *text)
{
    const char *start = text->at;
    bool minus = *text->at == '-';
    if (minus) text->at++;
    const char *digits = text->at;
    if (!take_digits(text) || (*digits == '0' && text->at - digits > 1)) return NULL;
    if (text->at < text->end && (*text->at == '.' || *text->at == 'e' || *text->at == 'E'))
        return read_real(text, start);
    if (text->at - digits > DIGITS_MAX) return NULL;
    int64_t integer = 0;
    for (const char *p = digits; p < text->at; p++) integer = integer * 10 + (*p - '0');
    return value_int(text->arena, minus ? -integer : integer);
}

/* ---- lists and maps ---- */

/* As value_set and value_push expect it to be. */
static size_t
capacity_of(size_t count)
{
    size_t ret = 4;
    while (ret < count) ret *= 2;
    return ret;
}

static const struct value *
read_list(struct text *text, unsigned depth)
{
    struct value *ret = value_list(text->arena);
    if (take(text, ']')) return ret;
    do {
        const struct value *item = read_value(text, depth + 1);
        if (item == NULL) return NULL;
        value_push(text->arena, ret, item);
    } while (take(text, ','));
    return take(text, ']') ? ret : NULL;
}

static const struct value *
read_map(struct text *text, unsigned depth)
{
    const char *names[MEMBERS_MAX];
    const struct value *values[MEMBERS_MAX];
    size_t sizes[MEMBERS_MAX], count = 0, size;
    struct value *ret = value_map(text->arena);
    if (take(text, '}')) return ret;
    do {
        if (count == MEMBERS_MAX || !take(text, '"')) return NULL;
        const char *name = read_text(text, &size);
        if (name == NULL || memchr(name, '\0', size) != NULL || !take(text, ':')) return NULL;
        for (size_t i = 0; i < count; i++)
            if (sizes[i] == size && memcmp(names[i], name, size) == 0) return NULL;
        sizes[count] = size;
        names[count] = name;
        values[count] = read_value(text, depth + 1);
        if (values[count++] == NULL) return NULL;
    } while (take(text, ','));
    if (!take(text, '}')) return NULL;
    ret->map.names = ARENA_ARRAY(text->arena, capacity_of(count), const char *);
    ret->map.values = ARENA_ARRAY(text->arena, capacity_of(count), const struct value *);
    memcpy(ret->map.names, names, count * sizeof names[0]);
    memcpy(ret->map.values, values, count * sizeof values[0]);
    ret->map.count = count;
    return ret;
}

static bool
take_word(struct text *text, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(text->end - text->at) < size || memcmp(text->at, word, size) != 0) return false;
    text->at += size;
    return true;
}

static const struct value *
read_value(struct text *text, unsigned depth)
{
    skip_space(text);
    if (text->at == text->end || depth >= LIMIT_DEPTH) return NULL;
    switch (*text->at) {
    case '{': text->at++; return read_map(text, depth);
    case '[': text->at++; return read_list(text, depth);
    case '"': {
        size_t size;
        text->at++;
        const char *string = read_text(text, &size);
        if (string == NULL) return NULL;
        struct value *ret = value_new(text->arena, VALUE_STRING);
        ret->text.ptr = string;
        ret->text.size = size;
        return ret;
    }
    case 't': return take_word(text, "true") ? value_bool(text->arena, true) : NULL;
    case 'f': return take_word(text, "false") ? value_bool(text->arena, false) : NULL;
    case 'n': return take_word(text, "null") ? value_null(text->arena) : NULL;
    default: return *text->at == '-' || is_digit(*text->at) ? read_number(text) : NULL;
    }
}

const struct value *
json_read(struct arena *arena, const char *bytes, size_t size)
{
    struct text text = {.arena = arena, .at = bytes, .end = bytes + size};
    const struct value *ret = read_value(&text, 0);
    skip_space(&text);
    return text.at == text.end ? ret : NULL;
}

const char *
json_skip(const char *at, const char *end)
{
    unsigned depth = 0;
    for (bool quoted = false; at < end; at++) {
        if (quoted) {
            if (*at == '\\') at++;
            else if (*at == '"') quoted = false;
        } else if (*at == '"') {
            quoted = true;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']' || *at == ',') {
            if (depth == 0) return at;
            depth -= *at != ',';
        }
    }
    return depth == 0 && at == end ? end : NULL;
}
