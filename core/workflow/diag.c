/* SPDX-License-Identifier: Apache-2.0
 *
 * Diagnostics are collected first and printed sorted, so that a file is read once from top to bottom. Columns
 * count characters; the caret is placed by the width that a terminal gives them.
 */
#include "workflow/diag.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "workflow/place.h"

#define SHOWN_WIDTH 140 /* of a source line; a longer one is cut around the caret */
#define TAB_WIDTH 4
#define SHOWN_MESSAGE 1000 /* bytes of a message or hint */

static const char *const severities[] = {"error", "warning", "note"};

void
diags_init(struct diags *diags, struct arena *arena, const char *file)
{
    *diags = (struct diags){.arena = arena, .file = arena_strdup(arena, file)};
}

void
diags_include(struct diags *diags, struct diags *included)
{
    struct diags **end = &diags->included;
    bool told = false; /* a file that is run twice has its faults once */
    for (; *end != NULL; end = &(*end)->next) told = told || str_eq((*end)->file, included->file);
    if (!told) *end = included;
    diags->errors += included->errors;
}

static bool
is_known(const struct diags *diags, const struct diag *diag)
{
    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *other = &diags->items[i];
        if (other->line == diag->line && other->column == diag->column && str_eq(other->code, diag->code) &&
            str_eq(other->message, diag->message))
            return true;
    }
    return false;
}

/* The slot for one more: when all are taken, an error pushes out a warning. */
static struct diag *
slot_for(struct diags *diags, enum diag_severity severity)
{
    if (diags->items == NULL) diags->items = ARENA_ARRAY(diags->arena, LIMIT_DIAGNOSTICS, struct diag);
    if (diags->count < LIMIT_DIAGNOSTICS) return &diags->items[diags->count++];
    diags->dropped++;
    for (size_t i = diags->count; i-- > 0 && severity == DIAG_ERROR;)
        if (diags->items[i].severity != DIAG_ERROR) return &diags->items[i];
    return NULL;
}

static void
add(struct diags *diags, const struct diag *diag)
{
    if (is_known(diags, diag)) return;
    if (diag->severity == DIAG_ERROR) diags->errors++;
    struct diag *slot = slot_for(diags, diag->severity);
    if (slot != NULL) *slot = *diag;
}

/* A message may quote a value of megabytes; a person reads a few lines. */
static const char *
shortened(struct arena *arena, const char *text)
{
    size_t size = strlen(text);
    if (size <= SHOWN_MESSAGE) return arena_strdup(arena, text);
    size = SHOWN_MESSAGE;
    while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80) size--;
    return arena_printf(arena, "%.*s…", (int)size, text);
}

void
diag_add(struct diags *diags, enum diag_severity severity, int line, int column, const char *code,
         const char *hint, const char *fmt, ...)
{
    if (diags->errors >= LIMIT_DIAGNOSTICS) {
        diags->errors += severity == DIAG_ERROR;
        diags->dropped++;
        return;
    }
    if (diags->within != NULL && line > 0)
        place_in_source(diags->source, diags->source_size, diags->within, &line, &column);
    va_list ap;
    va_start(ap, fmt);
    struct diag diag = {.severity = severity, .line = line, .column = column, .code = code,
                        .message = shortened(diags->arena, arena_vprintf(diags->arena, fmt, ap)),
                        .hint = hint != NULL ? shortened(diags->arena, hint) : NULL};
    va_end(ap);
    add(diags, &diag);
}

void
diag_hide(struct diags *diags, int line, int column)
{
    diags->hidden = arena_grow(diags->arena, diags->hidden, diags->nhidden, &diags->hidden_max, sizeof *diags->hidden);
    diags->hidden[diags->nhidden++] = (struct diag_place){line, column};
}

/* The first column of a line that must not be printed, or INT_MAX. */
static int
hidden_from(const struct diags *diags, const struct diag *diag)
{
    int ret = str_eq(diag->code, DIAG_PLAIN_SECRET) ? diag->column : INT_MAX;
    for (size_t i = 0; i < diags->nhidden; i++)
        if (diags->hidden[i].line == diag->line && diags->hidden[i].column < ret) ret = diags->hidden[i].column;
    return ret;
}

bool
diags_full(struct diags *diags)
{
    if (diags->errors < LIMIT_DIAGNOSTICS) return false;
    diags->stopped = true;
    return true;
}

void
diag_err(struct diags *diags, const char *code, const struct err *err)
{
    diag_add(diags, DIAG_ERROR, err->line, err->column, code, err->hint[0] ? err->hint : NULL, "%s",
             err->message);
}

static int
by_place(const void *left, const void *right)
{
    const struct diag *a = left, *b = right;
    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    if (a->column != b->column) return a->column < b->column ? -1 : 1;
    if (a->severity != b->severity) return a->severity < b->severity ? -1 : 1;
    return strcmp(a->message, b->message);
}

static const struct diag **
sorted(const struct diags *diags, struct arena *arena)
{
    struct diag *copy = ARENA_ARRAY(arena, diags->count + 1, struct diag);
    const struct diag **ret = ARENA_ARRAY(arena, diags->count + 1, const struct diag *);
    if (diags->count) memcpy(copy, diags->items, diags->count * sizeof *copy);
    qsort(copy, diags->count, sizeof *copy, by_place);
    for (size_t i = 0; i < diags->count; i++) ret[i] = &copy[i];
    return ret;
}

/* ---- the source line ---------------------------------------------------------------------------------- */

struct reader {
    const char *at, *end;
    int line;
    bool simple; /* no \r in it: lines end where memchr says */
};

/* Moves to the start of a line at or after the present one. YAML takes \n, \r\n and \r for line ends. */
static void
reader_seek(struct reader *reader, int line)
{
    while (reader->simple && reader->line < line && reader->at < reader->end) {
        const char *next = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
        reader->at = next != NULL ? next + 1 : reader->end;
        reader->line += next != NULL;
    }
    while (reader->line < line && reader->at < reader->end) {
        char c = *reader->at++;
        if (c == '\r' && reader->at < reader->end && *reader->at == '\n') reader->at++;
        if (c == '\n' || c == '\r') reader->line++;
    }
}

static size_t
char_size(const char *p, size_t left)
{
    unsigned char c = (unsigned char)*p;
    if (c < 0x80) return 1;
    size_t size = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    return size <= left && (size == 1 || str_utf8_bad(p, size) < 0) ? size : 1;
}

static unsigned
char_width(const char *p, size_t size)
{
    static const unsigned wide[][2] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
                                       {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
                                       {0x1f680, 0x1f9ff}, {0x20000, 0x3fffd}};
    static const unsigned none[][2] = {{0x300, 0x36f}, {0x200b, 0x200d}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}};
    const unsigned char *b = (const unsigned char *)p;
    unsigned point = b[0];
    if (size > 1) point &= 0xffu >> (size + 1);
    for (size_t i = 1; i < size; i++) point = point << 6 | (b[i] & 0x3fu);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (point >= none[i][0] && point <= none[i][1]) return 0;
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (point >= wide[i][0] && point <= wide[i][1]) return 2;
    return 1;
}

/* Appends one character as a terminal may see it; returns the columns it takes. */
static size_t
show_char(struct buf *out, const char *p, size_t size, size_t column)
{
    if (*p == '\t') {
        size_t width = TAB_WIDTH - column % TAB_WIDTH;
        for (size_t i = 0; i < width; i++) buf_char(out, ' ');
        return width;
    }
    size_t before = out->size;
    str_plain(out, p, size);
    size_t added = out->size - before;
    return added == size && ((unsigned char)*p >= 0x80) ? char_width(p, size) : added;
}

static void
print_source(struct reader *reader, const struct diag *diag, int hidden, FILE *out, const char *bright,
             const char *plain)
{
    struct buf text BUF_SCOPED;
    buf_init(&text, 64 * KIB);
    reader_seek(reader, diag->line);
    if (reader->line != diag->line) return;
    const char *p = reader->at;
    if (diag->line == 1 && reader->end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) p += 3;
    /* Skip what stands too far left of the caret. */
    int column = 1;
    bool cut = diag->column > SHOWN_WIDTH - 20;
    for (uint64_t eight; cut && reader->simple && reader->end - p >= 8 && column < diag->column - SHOWN_WIDTH; p += 8) {
        memcpy(&eight, p, sizeof eight);
        if ((eight & 0x8080808080808080u) || memchr(p, '\n', 8) != NULL) break;
        column += 8;
    }
    for (; cut && p < reader->end && column < diag->column - SHOWN_WIDTH / 2; column++) {
        if (*p == '\n' || *p == '\r') break;
        p += char_size(p, (size_t)(reader->end - p));
    }
    size_t width = 0, caret = 0;
    if (cut) {
        buf_text(&text, "...");
        width = 3;
    }
    for (; p < reader->end && *p != '\n' && *p != '\r' && width < SHOWN_WIDTH; column++) {
        if (column == diag->column) caret = width;
        if (column >= hidden) {
            buf_text(&text, "***"); /* what is wrong with the line must not be printed */
            while (p < reader->end && *p != '\n' && *p != '\r') p++;
            column++;
            break;
        }
        size_t size = char_size(p, (size_t)(reader->end - p));
        width += show_char(&text, p, size, width);
        p += size;
    }
    if (diag->column >= column) caret = width; /* behind the last character of the line */
    if (p < reader->end && *p != '\n' && *p != '\r') buf_text(&text, "...");
    while (text.size > 0 && text.data[text.size - 1] == ' ') text.data[--text.size] = '\0';
    fprintf(out, "%5d | %s\n", diag->line, buf_str(&text));
    fprintf(out, "      | %*s%s^%s\n", (int)caret, "", bright, plain);
}

/* Messages quote the file: what would move a terminal's cursor must not reach it. */
static void
print_plain(FILE *out, const char *text)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 64 * KIB);
    str_plain(&buf, text, strlen(text));
    for (const char *p = buf_str(&buf); *p; p++) {
        if (*p == '\n') fputs("\\n", out);
        else fputc(*p, out);
    }
}

static void
print_one(const struct diags *diags, struct reader *reader, const struct diag *diag, FILE *out, bool colour)
{
    static const char *const colours[] = {"\033[1;31m", "\033[1;33m", "\033[1;36m"};
    const char *bright = colour ? colours[diag->severity] : "";
    const char *bold = colour ? "\033[1m" : "", *plain = colour ? "\033[0m" : "";
    fputs(bold, out);
    print_plain(out, diags->file);
    if (diag->line) fprintf(out, ":%d:%d", diag->line, diag->column);
    fprintf(out, ":%s %s%s:%s ", plain, bright, severities[diag->severity], plain);
    print_plain(out, diag->message);
    fprintf(out, " [%s]\n", diag->code);
    if (diag->line && diags->source != NULL) print_source(reader, diag, hidden_from(diags, diag), out, bright, plain);
    if (diag->hint != NULL) {
        fputs("  hint: ", out);
        print_plain(out, diag->hint);
        fputc('\n', out);
    }
}

void
diags_print(const struct diags *diags, FILE *out, bool colour)
{
    struct arena scratch ARENA_SCOPED = {0};
    const struct diag **items = sorted(diags, &scratch);
    struct reader reader = {diags->source, diags->source + (diags->source != NULL ? diags->source_size : 0), 1, false};
    reader.simple = diags->source != NULL && memchr(diags->source, '\r', diags->source_size) == NULL;
    for (size_t i = 0; i < diags->count; i++) {
        /* Two diagnostics of one line read it twice. */
        struct reader at = reader;
        print_one(diags, &at, items[i], out, colour);
        if (diags->source != NULL) reader_seek(&reader, items[i]->line);
    }
    if (diags->dropped) {
        print_plain(out, diags->file);
        fprintf(out, ": %zu more are not shown (the limit is %u)\n", diags->dropped, LIMIT_DIAGNOSTICS);
    }
    if (diags->stopped) {
        print_plain(out, diags->file);
        fprintf(out, ": with so many errors the rest of the file was not looked at\n");
    }
    for (const struct diags *one = diags->included; one != NULL; one = one->next) diags_print(one, out, colour);
}

void
diags_json(const struct diags *diags, struct arena *arena, struct value *list)
{
    const struct diag **items = sorted(diags, arena);
    for (size_t i = 0; i < diags->count; i++) {
        struct value *one = value_map(arena);
        value_set(arena, one, "file", value_text(arena, diags->file));
        value_set(arena, one, "line", items[i]->line ? value_int(arena, items[i]->line) : value_null(arena));
        value_set(arena, one, "column", items[i]->line ? value_int(arena, items[i]->column) : value_null(arena));
        value_set(arena, one, "severity", value_text(arena, severities[items[i]->severity]));
        value_set(arena, one, "code", value_text(arena, items[i]->code));
        value_set(arena, one, "message", value_text(arena, items[i]->message));
        value_set(arena, one, "hint", items[i]->hint != NULL ? value_text(arena, items[i]->hint) : value_null(arena));
        value_push(arena, list, one);
    }
    for (const struct diags *one = diags->included; one != NULL; one = one->next) diags_json(one, arena, list);
}
