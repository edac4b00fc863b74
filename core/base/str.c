/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsers take the whole text or nothing. Calendar arithmetic is the proleptic Gregorian day count, so no
 * zone database and no static state is involved.
 */
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool
str_ends(const char *text, const char *suffix)
{
    size_t a = strlen(text), b = strlen(suffix);
    return a >= b && memcmp(text + a - b, suffix, b) == 0;
}

bool
str_to_int(const char *text, int64_t *ret)
{
    const char *digits = text + (*text == '-' || *text == '+');
    if (!isdigit((unsigned char)*digits)) return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0') return false;
    *ret = value;
    return true;
}

bool
str_to_real(const char *text, double *ret)
{
    const char *p = text + (*text == '-' || *text == '+');
    if (!isdigit((unsigned char)*p) && *p != '.') return false;
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) return false;
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value)) return false;
    *ret = value;
    return true;
}

static const struct unit {
    const char *name;
    int64_t ms;
} duration_units[] = {{"w", 604800000}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

/* Digits with an optional fraction of digits, and nothing else that strtod would take: no exponent, no hex. */
static bool
take_decimal(const char **text, double *ret)
{
    const char *p = *text;
    if (!isdigit((unsigned char)*p)) return false;
    while (isdigit((unsigned char)*p)) p++;
    if (*p == '.') {
        p++;
        if (!isdigit((unsigned char)*p)) return false;
        while (isdigit((unsigned char)*p)) p++;
    }
    char number[64];
    size_t size = (size_t)(p - *text);
    if (size >= sizeof number) return false;
    memcpy(number, *text, size);
    number[size] = '\0';
    *ret = strtod(number, NULL);
    *text = p;
    return true;
}

bool
str_to_duration(const char *text, int64_t *ms)
{
    const size_t units = sizeof duration_units / sizeof duration_units[0];
    double total = 0, number;
    size_t next = 0;
    if (*text == '\0') return false;
    while (*text != '\0') {
        if (!take_decimal(&text, &number)) return false;
        size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
        size_t i = next;
        while (i < units && (strlen(duration_units[i].name) != length ||
                             memcmp(duration_units[i].name, text, length) != 0))
            i++;
        if (i == units) return false;
        total += number * (double)duration_units[i].ms;
        next = i + 1;
        text += length;
    }
    if (!(total < 9e15)) return false;
    *ms = (int64_t)llround(total);
    return true;
}

static bool
size_of_whole(const char *digits, int64_t factor, int64_t *bytes)
{
    errno = 0;
    long long number = strtoll(digits, NULL, 10), total;
    if (errno != 0 || __builtin_mul_overflow(number, factor, &total)) return false;
    *bytes = total;
    return true;
}

bool
str_to_size(const char *text, int64_t *bytes)
{
    static const struct { const char *name; int64_t factor; } units[] = {
        {"", 1}, {"B", 1}, {"KiB", INT64_C(1) << 10}, {"MiB", INT64_C(1) << 20}, {"GiB", INT64_C(1) << 30},
        {"TiB", INT64_C(1) << 40}, {"PiB", INT64_C(1) << 50}, {"KB", 1000}, {"kB", 1000}, {"MB", 1000000},
        {"GB", 1000000000}, {"TB", INT64_C(1000000000000)}, {"PB", INT64_C(1000000000000000)}};
    const char *digits = text;
    double number;
    if (!take_decimal(&text, &number)) return false;
    bool whole = memchr(digits, '.', (size_t)(text - digits)) == NULL;
    if (text[0] == ' ' && isalpha((unsigned char)text[1])) text++;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!str_eq(text, units[i].name)) continue;
        if (!whole && units[i].factor == 1) return false;
        /* A double holds no integer above 2^53 exactly: whole numbers stay integers. */
        if (whole) return size_of_whole(digits, units[i].factor, bytes);
        double total = number * (double)units[i].factor;
        if (!(total < 9.2e18)) return false;
        *bytes = (int64_t)total;
        return true;
    }
    return false;
}

/* Days since 1970-01-01 of a proleptic Gregorian date. */
static int64_t
days_from_date(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void
date_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = y + era * 400 + (*month <= 2);
}

/* Reads exactly `digits` digits; moves *text behind them. */
static bool
take_number(const char **text, int digits, int64_t *ret)
{
    int64_t value = 0;
    for (int i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)(*text)[i])) return false;
        value = value * 10 + ((*text)[i] - '0');
    }
    *text += digits;
    *ret = value;
    return true;
}

static bool
take_char(const char **text, const char *any)
{
    if (**text == '\0' || strchr(any, **text) == NULL) return false;
    (*text)++;
    return true;
}

static bool
take_zone(const char **text, int64_t *minutes)
{
    *minutes = 0;
    if (take_char(text, "Zz")) return true;
    int64_t hour, minute, sign = **text == '-' ? -1 : 1;
    if (!take_char(text, "+-") || !take_number(text, 2, &hour) || !take_char(text, ":") ||
        !take_number(text, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *minutes = sign * (hour * 60 + minute);
    return true;
}

bool
str_to_timestamp(const char *text, int64_t *ms)
{
    int64_t year, month, day, hour = 0, minute = 0, second = 0, fraction = 0, zone = 0;
    if (!take_number(&text, 4, &year) || !take_char(&text, "-") || !take_number(&text, 2, &month) ||
        !take_char(&text, "-") || !take_number(&text, 2, &day))
        return false;
    int64_t y, m, d, days = days_from_date(year, month, day);
    if (month < 1 || month > 12 || day < 1) return false;
    date_from_days(days, &y, &m, &d);
    if (y != year || m != month || d != day) return false;
    if (*text != '\0') {
        if (!take_char(&text, "Tt ") || !take_number(&text, 2, &hour) || !take_char(&text, ":") ||
            !take_number(&text, 2, &minute) || !take_char(&text, ":") || !take_number(&text, 2, &second))
            return false;
        if (hour > 23 || minute > 59 || second > 59) return false;
        if (take_char(&text, ".")) {
            int64_t scale = 100;
            if (!isdigit((unsigned char)*text)) return false;
            for (; isdigit((unsigned char)*text); text++, scale /= 10) fraction += (*text - '0') * scale;
        }
        if (!take_zone(&text, &zone) || *text != '\0') return false;
    }
    *ms = ((days * 24 + hour) * 60 + minute - zone) * 60000 + second * 1000 + fraction;
    return true;
}

void
str_duration(struct buf *buf, int64_t ms)
{
    if (ms == 0) {
        buf_text(buf, "0s");
        return;
    }
    uint64_t left = ms < 0 ? (uint64_t)0 - (uint64_t)ms : (uint64_t)ms;
    if (ms < 0) buf_char(buf, '-');
    /* Weeks are read, not written: "10d" says more than "1w3d". Milliseconds are a fraction of the seconds. */
    for (size_t i = 1; i < sizeof duration_units / sizeof duration_units[0]; i++) {
        uint64_t unit = (uint64_t)duration_units[i].ms, count = left / unit;
        left -= count * unit;
        if (count == 0) continue;
        if (unit == 1000 && left) {
            char fraction[8];
            snprintf(fraction, sizeof fraction, "%03u", (unsigned)left);
            for (size_t k = 2; fraction[k] == '0'; k--) fraction[k] = '\0';
            buf_printf(buf, "%" PRIu64 ".%ss", count, fraction);
            return;
        }
        buf_printf(buf, "%" PRIu64 "%s", count, duration_units[i].name);
    }
}

void
str_timestamp(struct buf *buf, int64_t ms)
{
    int64_t days = ms / 86400000, rest = ms % 86400000, year, month, day;
    if (rest < 0) {
        rest += 86400000;
        days--;
    }
    date_from_days(days, &year, &month, &day);
    buf_printf(buf, "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02d:%02d:%02d", year, month, day,
               (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60));
    if (rest % 1000) buf_printf(buf, ".%03d", (int)(rest % 1000));
    buf_char(buf, 'Z');
}

void
str_size_human(struct buf *buf, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes;
    size_t i = 0;
    /* What would be shown as 1024.0 is 1.0 of the next unit. */
    while (value >= (i == 0 ? 1024 : 1023.95) && i + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        i++;
    }
    buf_printf(buf, i == 0 ? "%.0f %s" : "%.1f %s", value, units[i]);
}

bool
str_is_id(const char *text)
{
    if (!islower((unsigned char)*text)) return false;
    for (const char *p = text; *p; p++)
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '_') return false;
    return true;
}

bool
str_is_keyword(const char *text)
{
    static const char *const words[] = {
        "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case",
        "catch", "char", "class", "compl", "concept", "const", "const_cast", "consteval", "constexpr",
        "constinit", "continue", "co_await", "co_return", "co_yield", "decltype", "default", "delete", "do",
        "double", "dynamic_cast", "else", "elseif", "end", "enum", "explicit", "export", "extern", "false",
        "float", "for", "friend", "function", "goto", "if", "in", "inline", "int", "local", "long",
        "mutable", "namespace", "new", "nil", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
        "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "repeat", "requires",
        "restrict", "return", "short", "signed", "sizeof", "static", "static_assert", "static_cast",
        "struct", "switch", "template", "then", "this", "thread_local", "throw", "true", "try", "typedef",
        "typeid", "typename", "union", "unsigned", "until", "using", "virtual", "void", "volatile",
        "wchar_t", "while", "xor", "xor_eq"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq(text, words[i])) return true;
    return false;
}

ptrdiff_t
str_utf8_bad(const char *text, size_t size)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t i = 0;
    while (i < size) {
        unsigned char c = p[i];
        if (c < 0x80) {
            uint64_t eight;
            for (i++; size - i >= sizeof eight; i += sizeof eight) {
                memcpy(&eight, p + i, sizeof eight);
                if (eight & 0x8080808080808080u) break;
            }
            continue;
        }
        size_t more = c >= 0xf0 && c <= 0xf4 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xc2 && c < 0xe0 ? 1 : 0;
        if (more == 0 || i + more >= size) return (ptrdiff_t)i;
        uint32_t point = c & (0x3fu >> more);
        for (size_t k = 1; k <= more; k++) {
            if ((p[i + k] & 0xc0) != 0x80) return (ptrdiff_t)i;
            point = point << 6 | (p[i + k] & 0x3fu);
        }
        if ((more == 2 && point < 0x800) || (more == 3 && (point < 0x10000 || point > 0x10ffff)) ||
            (point >= 0xd800 && point <= 0xdfff))
            return (ptrdiff_t)i;
        i += more + 1;
    }
    return -1;
}

/* Edit distance with transpositions (optimal string alignment), names up to 63 bytes. */
static size_t
distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), d[64][64];
    if (n > 63 || m > 63) return SIZE_MAX;
    for (size_t i = 0; i <= n; i++) d[i][0] = i;
    for (size_t j = 0; j <= m; j++) d[0][j] = j;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++) {
            size_t cost = tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);
            if (cost && (a[i - 1] == '-' || a[i - 1] == '_') && (b[j - 1] == '-' || b[j - 1] == '_')) cost = 0;
            size_t best = d[i - 1][j - 1] + cost;
            if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const char *
str_nearest(const char *name, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strlen(name) / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(name, names[i]);
        if (d < best_distance && d < strlen(names[i])) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}

void
str_plain(struct buf *buf, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\t' || c == '\n' || (c >= 0x20 && c != 0x7f && c < 0x80)) {
            buf_char(buf, (char)c);
        } else if (c < 0x80) {
            buf_printf(buf, "\\x%02x", c);
        } else {
            size_t length = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
            if (length == 0 || i + length > size || str_utf8_bad(text + i, length) >= 0) {
                buf_printf(buf, "\\x%02x", c);
                continue;
            }
            /* C1 controls and bidirectional marks change what a reader sees. */
            const unsigned char *p = (const unsigned char *)text + i;
            bool hidden = (c == 0xc2 && p[1] < 0xa0) || (c == 0xd8 && p[1] == 0x9c) ||
                          (c == 0xe2 && p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f)) ||
                          (c == 0xe2 && p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) ||
                          (c == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
            if (hidden)
                for (size_t k = 0; k < length; k++) buf_printf(buf, "\\x%02x", p[k]);
            else
                buf_add(buf, text + i, length);
            i += length - 1;
        }
    }
}

void
str_shell(struct buf *buf, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,=";
    if (*text && text[strspn(text, plain)] == '\0') {
        buf_text(buf, text);
        return;
    }
    buf_char(buf, '\'');
    for (; *text; text++)
        if (*text == '\'') buf_text(buf, "'\\''");
        else buf_char(buf, *text);
    buf_char(buf, '\'');
}
