/* SPDX-License-Identifier: Apache-2.0
 *
 * Text of steps comes from anywhere (databases, files, other people's programs), so every function here that
 * takes foreign text leaves nothing in it that could move a cursor or hide a character.
 */
#include "show/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

void
text_count(struct buf *buf, int64_t count)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRId64, count);
    for (int i = 0; i < size; i++) {
        if (i > 0 && digits[i - 1] != '-' && (size - i) % 3 == 0) buf_char(buf, ',');
        buf_char(buf, digits[i]);
    }
}

void
text_real(struct buf *buf, double real)
{
    double whole = nearbyint(real), distance = fabs(real - whole);
    if (!isfinite(real)) {
        buf_text(buf, "-");
    } else if (fabs(real) < 9e15 && (distance < 1e-9 || fabs(real) >= 10000)) {
        text_count(buf, (int64_t)whole);
    } else {
        buf_printf(buf, "%.4g", real);
    }
}

void
text_elapsed(struct buf *buf, int64_t ms)
{
    int64_t s = ms / 1000;
    if (ms < 0) buf_text(buf, "0 ms");
    else if (ms < 1000) buf_printf(buf, "%" PRId64 " ms", ms);
    else if (ms < 59950) buf_printf(buf, "%" PRId64 ".%" PRId64 " s", (ms + 50) / 1000, (ms + 50) % 1000 / 100);
    else if (s < 3600) buf_printf(buf, "%" PRId64 "m %02" PRId64 "s", s / 60, s % 60);
    else if (s < 86400) buf_printf(buf, "%" PRId64 "h %02" PRId64 "m", s / 3600, s / 60 % 60);
    else buf_printf(buf, "%" PRId64 "d %02" PRId64 "h", s / 86400, s / 3600 % 24);
}

void
text_clock(struct buf *buf, int64_t ms)
{
    size_t start = buf->size;
    str_timestamp(buf, ms - (ms % 1000 + 1000) % 1000);
    if (buf->size < start + 20) return;
    buf->data[start + 10] = ' ';
    buf->data[--buf->size] = '\0'; /* the Z: the heading says UTC */
}

void
text_quantity(struct buf *buf, double number, const char *unit)
{
    if (str_eq(unit, "bytes")) {
        str_size_human(buf, (int64_t)number);
    } else if (str_eq(unit, "s")) {
        text_elapsed(buf, (int64_t)(number * 1000));
    } else {
        text_real(buf, number);
        if (*unit) buf_printf(buf, " %s", unit);
    }
}

void
text_line(struct buf *buf, const char *text)
{
    size_t start = buf->size;
    str_plain(buf, text, strlen(text));
    for (size_t i = start; i < buf->size; i++)
        if (buf->data[i] == '\n' || buf->data[i] == '\t') buf->data[i] = ' ';
    while (buf->size > start && buf->data[buf->size - 1] == ' ') buf->data[--buf->size] = '\0';
}

/* Cells of one code point: what terminals agree on. */
static size_t
point_width(uint32_t c)
{
    if ((c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200d) || (c >= 0xfe00 && c <= 0xfe0f)) return 0;
    if ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
        (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
        (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd))
        return 2;
    return 1;
}

/* Takes one code point of valid UTF-8; *size is its length. */
static uint32_t
point_at(const char *text, size_t left, size_t *size)
{
    unsigned char c = (unsigned char)*text;
    *size = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (*size > left) *size = left;
    uint32_t point = *size == 1 ? c : c & (0xffu >> (*size + 1));
    for (size_t i = 1; i < *size; i++) point = point << 6 | ((unsigned char)text[i] & 0x3fu);
    return point;
}

size_t
text_width(const char *text, size_t size)
{
    size_t cells = 0, length;
    for (size_t i = 0; i < size; i += length) cells += point_width(point_at(text + i, size - i, &length));
    return cells;
}

size_t
text_fit(struct buf *buf, const char *text, size_t cells)
{
    struct buf line BUF_SCOPED = {0};
    buf_init(&line, 1 << 20);
    text_line(&line, text);
    size_t width = text_width(buf_str(&line), line.size);
    if (width <= cells) {
        buf_add(buf, buf_str(&line), line.size);
        return width;
    }
    if (cells == 0) return 0;
    size_t used = 0, length;
    for (size_t i = 0; i < line.size; i += length) {
        size_t w = point_width(point_at(line.data + i, line.size - i, &length));
        if (used + w > cells - 1) break;
        buf_add(buf, line.data + i, length);
        used += w;
    }
    buf_text(buf, "…");
    return used + 1;
}

void
text_pad(struct buf *buf, const char *text, size_t cells)
{
    for (size_t used = text_fit(buf, text, cells); used < cells; used++) buf_char(buf, ' ');
}

const char *
text_secret_name(const struct value *value)
{
    const char *name = value_get_str(value, "$secret", NULL);
    bool whole = name != NULL && (value->map.count == 1 || value_get_str(value, "provider", NULL) != NULL);
    return whole ? name : NULL;
}

void
text_value(struct buf *buf, const struct value *value)
{
    const char *secret = text_secret_name(value);
    if (value == NULL) {
        buf_text(buf, "-");
    } else if (secret != NULL) {
        buf_text(buf, "secret ");
        text_line(buf, secret);
    } else {
        struct buf raw BUF_SCOPED = {0};
        buf_init(&raw, LIMIT_VALUE_SIZE);
        value_show(&raw, value);
        text_line(buf, buf_str(&raw));
    }
}

const char *
text_glyph(enum step_status status)
{
    static const char *const glyphs[] = {
        [STEP_WAITING_STATUS] = "·",   [STEP_READY_STATUS] = "○",   [STEP_RUNNING_STATUS] = "●",
        [STEP_BACKOFF_STATUS] = "↻",   [STEP_PARKED_STATUS] = "‖",  [STEP_SUCCEEDED_STATUS] = "✓",
        [STEP_FAILED_STATUS] = "✗",    [STEP_SKIPPED_STATUS] = "–", [STEP_CANCELLED_STATUS] = "⊘",
        [STEP_UNKNOWN_STATUS] = "?"};
    return glyphs[status];
}

const char *
text_colour(enum step_status status, bool colour)
{
    static const char *const colours[] = {
        [STEP_WAITING_STATUS] = "\033[2m",   [STEP_READY_STATUS] = "\033[2m",   [STEP_RUNNING_STATUS] = "\033[36m",
        [STEP_BACKOFF_STATUS] = "\033[33m",  [STEP_PARKED_STATUS] = "\033[33m", [STEP_SUCCEEDED_STATUS] = "\033[32m",
        [STEP_FAILED_STATUS] = "\033[31m",   [STEP_SKIPPED_STATUS] = "\033[2m", [STEP_CANCELLED_STATUS] = "\033[2m",
        [STEP_UNKNOWN_STATUS] = "\033[35m"};
    return colour ? colours[status] : "";
}

const char *
text_run_colour(enum run_status status, bool colour)
{
    static const char *const colours[] = {
        [RUN_RUNNING_STATUS] = "\033[36m",   [RUN_INTERRUPTED_STATUS] = "\033[33m", [RUN_PARKED_STATUS] = "\033[33m",
        [RUN_UNKNOWN_STATUS] = "\033[35m",   [RUN_SUCCEEDED_STATUS] = "\033[32m",   [RUN_FAILED_STATUS] = "\033[31m",
        [RUN_CANCELLED_STATUS] = "\033[33m"};
    return colour ? colours[status] : "";
}

bool
text_colour_wanted(int fd)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && (no == NULL || *no == '\0') && (term == NULL || !str_eq(term, "dumb"));
}
