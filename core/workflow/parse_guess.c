/* SPDX-License-Identifier: Apache-2.0
 *
 * A grammar stumbles one line after the slip, and says what it missed and not what is there. Each function below looks
 * for one slip that people make; the first that finds its own reports it.
 */
#include "workflow/parse_guess.h"

#include <string.h>

#include "base/str.h"

struct line {
    const char *start, *end; /* without its end */
    int number, indent;      /* indent: blanks before the first character */
};

struct guess {
    const struct parse_fault *fault;
    const char *text, *end;
    struct diags *diags;
    struct line line, above; /* of the fault, and the one above it that is not empty; number 0: none */
    const char *at;          /* the fault */
};

static struct line
line_at(const struct guess *guess, int number)
{
    struct line ret = {.start = guess->text, .number = number};
    for (int at = 1; at < number && ret.start < guess->end; at++) {
        const char *next = memchr(ret.start, '\n', (size_t)(guess->end - ret.start));
        ret.start = next != NULL ? next + 1 : guess->end;
    }
    const char *next = memchr(ret.start, '\n', (size_t)(guess->end - ret.start));
    ret.end = next != NULL ? next : guess->end;
    while (ret.end > ret.start && strchr(" \t\r", ret.end[-1]) != NULL) ret.end--;
    while (ret.start + ret.indent < ret.end && ret.start[ret.indent] == ' ') ret.indent++;
    return ret;
}

static bool
is_empty(const struct line *line)
{
    const char *first = line->start + line->indent;
    return first == line->end || *first == '#';
}

static struct line
line_above(const struct guess *guess, int number)
{
    for (int i = number - 1; i > 0 && number - i < 200; i--) {
        struct line ret = line_at(guess, i);
        if (!is_empty(&ret)) return ret;
    }
    return (struct line){.start = guess->text, .end = guess->text};
}

static int
column_of(const struct line *line, const char *p)
{
    int ret = 1;
    for (const char *c = line->start; c < p; c++) ret += ((unsigned char)*c & 0xc0) != 0x80;
    return ret;
}

static bool
tell(const struct guess *guess, const struct line *line, const char *p, const char *hint, const char *message)
{
    diag_add(guess->diags, DIAG_ERROR, line->number, column_of(line, p), "syntax", hint, "%s", message);
    return true;
}

static bool
says(const struct guess *guess, const char *words)
{
    return strstr(guess->fault->problem, words) != NULL;
}

static bool
is_word(char c)
{
    return c == '_' || c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
starts_with(const char *p, const char *end, const char *what)
{
    size_t size = strlen(what);
    return (size_t)(end - p) >= size && memcmp(p, what, size) == 0;
}

/* Behind `- ` and a name: where the `:` stands or should. */
static const char *
behind_name(const struct line *line)
{
    const char *p = line->start + line->indent;
    while (starts_with(p, line->end, "- ")) p += 2;
    while (p < line->end && is_word(*p)) p++;
    return p;
}

/* ---- characters that look like others -------------------------------------------------------------- */

static const char *const dashes[] = {"–", "—", "‐", "‑", "−", "•", NULL};
static const char *const blanks[] = {"\xc2\xa0", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\xaf", "\xe3\x80\x80", NULL};

static bool
any_of(const char *p, const char *end, const char *const *list)
{
    for (; *list != NULL; list++)
        if (starts_with(p, end, *list)) return true;
    return false;
}

static bool
look_alike(const struct guess *guess, const struct line *line)
{
    const char *first = line->start + line->indent, *name = behind_name(line);
    if (any_of(first, line->end, dashes))
        return tell(guess, line, first, "Write `- `, with the minus of the keyboard.",
                    "this dash only looks like the `-` of a list");
    if (any_of(first, line->end, blanks))
        return tell(guess, line, first, "Indent with plain spaces.",
                    "the line is indented with a blank that is no space");
    if (name > first && starts_with(name, line->end, "："))
        return tell(guess, line, name, "Write `: `, with the colon of the keyboard.", "this only looks like a `:`");
    if (name > first && name < line->end && *name == ':' && any_of(name + 1, line->end, blanks))
        return tell(guess, line, name + 1, "Write a plain space.", "the blank behind this `:` is no space");
    return false;
}

/* ---- dashes, colons and indentation ---------------------------------------------------------------- */

static bool
dash_without_space(const struct guess *guess, const struct line *line)
{
    const char *first = line->start + line->indent;
    if (line->number == 0 || line->end - first < 3 || first[0] != '-' || !is_word(first[1]) || first[1] == '-')
        return false;
    if (memchr(first, ':', (size_t)(line->end - first)) == NULL) return false;
    return tell(guess, line, first, "A list item begins with `- `.", "there is no space behind this `-`");
}

/* `name:value` and `name value`, which made one text of two lines. */
static bool
colon_amiss(const struct guess *guess)
{
    const struct line *above = &guess->above;
    const char *name = behind_name(above);
    if (!says(guess, "mapping values are not allowed") || above->number == 0 || guess->line.indent > above->indent + 2)
        return false;
    if (name == above->start + above->indent) return false;
    if (name < above->end && *name == ':' && name + 1 < above->end && name[1] != ' ')
        return tell(guess, above, name, "Write `name: value`, with a space.", "there is no space behind this `:`");
    bool plain = memchr(above->start, ':', (size_t)(above->end - above->start)) == NULL && *above->start != '"';
    if (plain && (name == above->end || *name == ' '))
        return tell(guess, above, name, "Write `name: value`.", "`:` is missing behind this name");
    return false;
}

static bool
indented_too_far(const struct guess *guess)
{
    const struct line *above = &guess->above;
    const char *name = behind_name(above), *value = name;
    if (!says(guess, "mapping values are not allowed") || above->number == 0) return false;
    while (value < above->end && (*value == ':' || *value == ' ')) value++;
    if (value == above->end || value == name || *name != ':' || strchr("|>&*!", *value) != NULL) return false;
    int own = above->indent;
    while (starts_with(above->start + own, above->end, "- ")) own += 2;
    const char *first = guess->line.start + guess->line.indent, *colon = behind_name(&guess->line);
    if (guess->line.indent <= own || colon != guess->at || colon == first) return false;
    return tell(guess, &guess->line, first,
                arena_printf(guess->diags->arena, "Lines of one map begin in the same column: %d.", own + 1),
                "this line is indented too far: the one above has its value already");
}

/* `   run:` below `  - id: a`. */
static bool
indented_too_little(const struct guess *guess)
{
    const struct line *above = &guess->above;
    const char *first = guess->line.start + guess->line.indent;
    if (!says(guess, "did not find expected '-' indicator") || above->number == 0 || *first == '-') return false;
    int own = above->indent;
    while (starts_with(above->start + own, above->end, "- ")) own += 2;
    if (guess->line.indent >= own || behind_name(&guess->line) == first) return false;
    return tell(guess, &guess->line, first,
                arena_printf(guess->diags->arena,
                             "Lines of one item begin in the same column; those above begin in column %d.", own + 1),
                "this line belongs to no item of the list");
}

/* Does the line end with `|` or `>` and what may stand behind them? */
static bool
opens_text(const struct line *line)
{
    const char *p = line->end;
    while (p > line->start && strchr("+-123456789", p[-1]) != NULL) p--;
    return p - line->start > 1 && (p[-1] == '|' || p[-1] == '>') && p[-2] == ' ';
}

static bool
text_not_indented(const struct guess *guess)
{
    if (!says(guess, "could not find expected ':'") && !says(guess, "did not find expected key") &&
        !says(guess, "mapping values are not allowed") && !says(guess, "cannot start any token"))
        return false;
    int number = says(guess, "could not find") ? guess->fault->context_line : guess->fault->line;
    struct line line = line_at(guess, number), above = line_above(guess, number);
    if (opens_text(&above))
        return tell(guess, &line, line.start + line.indent, "Indent all its lines further than the name above.",
                    "the text behind `|` or `>` must be indented");
    while (above.number > 0 && above.indent > line.indent) above = line_above(guess, above.number);
    if (above.number > 0 && above.indent < line.indent && opens_text(&above))
        return tell(guess, &line, line.start + line.indent, "No line of it begins left of its first.",
                    "this line of a text is indented less than its first");
    return false;
}

/* ---- quotes and brackets ---------------------------------------------------------------------------- */

static bool
behind_quote(const struct guess *guess)
{
    const char *p = guess->at;
    if (!says(guess, "did not find expected key") && !says(guess, "',' or") && !says(guess, "expected '-' indicator") &&
        !says(guess, "document start"))
        return false;
    while (p > guess->line.start && p[-1] == ' ') p--;
    if (p == guess->line.start || (p[-1] != '"' && p[-1] != '\'') || p == guess->line.start + guess->line.indent)
        return false;
    return tell(guess, &guess->line, guess->at,
                p[-1] == '"' ? "Put all of it in single quotes: '… \"…\" …'; or write it below `|`."
                             : "Double the quote that belongs to the text: 'it''s'; or write it below `|`.",
                "the text goes on behind its closing quote");
}

static bool
bracket_amiss(const struct guess *guess)
{
    bool list = says(guess, "',' or ']'"), map = says(guess, "',' or '}'");
    if (says(guess, "did not find expected node content") && guess->at < guess->end && strchr("]}", *guess->at) != NULL)
        return tell(guess, &guess->line, guess->at, "A text that begins with a bracket needs quotes.",
                    *guess->at == ']' ? "this `]` closes nothing" : "this `}` closes nothing");
    if (says(guess, "did not find expected node content") && guess->at < guess->end && *guess->at == ',')
        return tell(guess, &guess->line, guess->at, "Take the `,` away.", "there is nothing before this `,`");
    if (!list && !map) return false;
    if (guess->at < guess->end && *guess->at == (list ? '}' : ']'))
        return tell(guess, &guess->line, guess->at, NULL, list ? "this `}` stands where `]` should close the list"
                                                               : "this `]` stands where `}` should close the map");
    struct line open = line_at(guess, guess->fault->context_line);
    const char *last = open.end - 1;
    int closed = 0;
    for (const char *p = open.start; p <= last; p++) {
        closed += *p == ')' || *p == (list ? '}' : ']');
        closed -= *p == '(' || *p == (list ? '{' : '[');
    }
    if (open.number < guess->line.number && closed > 0 && strchr(list ? ")}" : ")]", *last) != NULL)
        return tell(guess, &open, last, NULL, list ? "`]` should close this list" : "`}` should close this map");
    return false;
}

bool
parse_guess(const struct parse_fault *fault, const char *text, size_t size, struct diags *diags)
{
    struct guess guess = {.fault = fault, .text = text, .end = text + size, .diags = diags};
    guess.line = line_at(&guess, fault->line);
    guess.above = line_above(&guess, fault->line);
    guess.at = guess.line.start;
    for (int at = 1; at < fault->column && guess.at < guess.end && *guess.at != '\n'; at++)
        do guess.at++;
        while (guess.at < guess.end && ((unsigned char)*guess.at & 0xc0) == 0x80);
    return look_alike(&guess, &guess.line) || look_alike(&guess, &guess.above) ||
           dash_without_space(&guess, &guess.line) || dash_without_space(&guess, &guess.above) ||
           behind_quote(&guess) || bracket_amiss(&guess) || text_not_indented(&guess) || colon_amiss(&guess) ||
           indented_too_far(&guess) || indented_too_little(&guess);
}
