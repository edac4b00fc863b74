/* SPDX-License-Identifier: Apache-2.0
 *
 * libyaml names what its grammar missed; the table below says what people meet behind each of those phrases. A
 * phrase that is not in the table is passed on as it is.
 */
#include "workflow/parse_fault.h"

#include <string.h>

#include "base/str.h"
#include "workflow/parse_guess.h"

enum where { AT_PROBLEM, AT_CONTEXT };

static const struct phrase {
    const char *problem, *context; /* parts of libyaml's texts; NULL: any */
    enum where where;
    const char *code, *message, *hint;
} phrases[] = {
    {"found unexpected end of stream", "quoted scalar", AT_CONTEXT, "syntax", "the text in quotes is not closed",
     "Close it, or double the quote that belongs to the text."},
    {"found unexpected document indicator", "quoted scalar", AT_CONTEXT, "syntax", "the text in quotes is not closed",
     "Close it, or double the quote that belongs to the text."},
    {"mapping values are not allowed", NULL, AT_PROBLEM, "syntax", "`: ` cannot stand here",
     "Check the indentation, and the space behind each colon; a text that holds `: ` needs quotes."},
    {"block sequence entries are not allowed", NULL, AT_PROBLEM, "syntax", "a list item cannot stand here",
     "Put `- ` on a line of its own, below the name of the list."},
    {"block collection entries", NULL, AT_PROBLEM, "syntax", "a list item cannot stand here",
     "Put `- ` on a line of its own, below the name of the list."},
    {"did not find expected key", NULL, AT_PROBLEM, "syntax", "a name and `:` should stand here",
     "Lines of one map begin in the same column; a text with quotes or `: ` in it needs quotes around all of it."},
    {"did not find expected '-' indicator", NULL, AT_PROBLEM, "syntax", "a list item should begin here with `- `",
     "Items of one list begin in the same column."},
    {"could not find expected ':'", NULL, AT_CONTEXT, "syntax", "`:` is missing behind this name",
     "Members of a map are written `name: value`, with a space behind the colon."},
    {"did not find expected ',' or '}'", NULL, AT_PROBLEM, "syntax", "`,` or `}` should stand here",
     "Close the map that begins with `{`; a text with `,`, `{` or `}` in it needs quotes."},
    {"did not find expected ',' or ']'", NULL, AT_PROBLEM, "syntax", "`,` or `]` should stand here",
     "Close the list that begins with `[`; a text with `,`, `[` or `]` in it needs quotes."},
    {"did not find expected node content", NULL, AT_PROBLEM, "syntax", "a value should stand here", NULL},
    {"found unknown escape character", NULL, AT_PROBLEM, "syntax", "this escape does not exist in double quotes",
     "Use single quotes, or double the backslash."},
    {"did not find expected hexdecimal number", NULL, AT_PROBLEM, "syntax", "this escape needs hexadecimal digits",
     "Use single quotes, or double the backslash."},
    {"found undefined tag handle", NULL, AT_PROBLEM, "tag", "YAML tags are not used here",
     "A text that begins with `!` needs quotes."},
    {"while scanning a tag", NULL, AT_PROBLEM, "tag", "YAML tags are not used here",
     "A text that begins with `!` needs quotes."},
    {"while scanning an alias", NULL, AT_CONTEXT, "alias", "`*` begins an alias, and this is no name of one",
     "A text that begins with `*` needs quotes."},
    {"while scanning an anchor", NULL, AT_CONTEXT, "alias", "`&` begins an anchor, and this is no name of one",
     "A text that begins with `&` needs quotes."},
    {"did not find expected <document start>", NULL, AT_PROBLEM, "syntax", "the document has ended before this",
     "Check the indentation of this line."},
    {"found unknown directive name", NULL, AT_CONTEXT, "syntax",
     "a line that begins with `%` is a directive, and not this one", "A text that begins with `%` needs quotes."},
    {"found incompatible YAML document", NULL, AT_PROBLEM, "syntax", "Levada reads YAML 1.2",
     "Leave the directive out."},
    {"did not find expected comment or line break", "block scalar", AT_PROBLEM, "syntax",
     "text cannot begin on the line of `|` or `>`", "Begin it on the next line, indented."},
};

/* The byte at a place, and what stands left of it in its line. */
static const char *
find_place(const char *text, size_t size, int line, int column, const char **line_start)
{
    const char *p = text, *end = text + size;
    for (int at = 1; at < line && p < end;) {
        char c = *p++;
        if (c == '\r' && p < end && *p == '\n') p++;
        at += c == '\n' || c == '\r';
    }
    *line_start = p;
    for (int at = 1; at < column && p < end && *p != '\n'; at++)
        do p++;
        while (p < end && ((unsigned char)*p & 0xc0) == 0x80);
    return p;
}

/* Is there a tab in the white space that the line begins with? Its column, or 0. */
static int
tab_in_indent(const char *line_start, const char *end)
{
    int column = 1;
    for (const char *p = line_start; p < end && (*p == ' ' || *p == '\t'); p++, column++)
        if (*p == '\t') return column;
    return 0;
}

/* Does an expression stand unquoted inside {} or [] on this line, at or left of the fault? */
static const char *
bare_expression(const char *line_start, const char *at)
{
    for (const char *p = at; p >= line_start && at - p < 200; p--)
        if (p[0] == '$' && p[1] == '{' && p[2] == '{') return p;
    return NULL;
}

static bool
bare_case(const struct parse_fault *fault, const char *text, size_t size, struct diags *diags)
{
    const char *line_start, *at = find_place(text, size, fault->line, fault->column, &line_start);
    int tab = tab_in_indent(line_start, text + size);
    if (tab && (strstr(fault->problem, "cannot start any token") || strstr(fault->problem, "tab character") ||
                strstr(fault->problem, "did not find expected"))) {
        diag_add(diags, DIAG_ERROR, fault->line, tab, "tab", "Indent with spaces.",
                 "a tab cannot indent a line");
        return true;
    }
    bool flow = strstr(fault->problem, "',' or") != NULL || strstr(fault->problem, "expected ':'") != NULL ||
                (fault->context != NULL && strstr(fault->context, "flow") != NULL);
    const char *bare = flow ? bare_expression(line_start, at) : NULL;
    if (bare != NULL) {
        int column = 1;
        for (const char *p = line_start; p < bare; p++) column += ((unsigned char)*p & 0xc0) != 0x80;
        diag_add(diags, DIAG_ERROR, fault->line, column, "syntax", "Write `\"${{ … }}\"`.",
                 "inside `{}` and `[]` an expression needs quotes");
        return true;
    }
    return false;
}

static bool
special_case(const struct parse_fault *fault, const char *text, size_t size, struct diags *diags)
{
    const char *line_start, *at = find_place(text, size, fault->line, fault->column, &line_start);
    bool list = strstr(fault->problem, "',' or ']'") != NULL;
    if ((list || strstr(fault->problem, "',' or '}'") != NULL) && fault->context_line < fault->line) {
        diag_add(diags, DIAG_ERROR, fault->context_line, fault->context_column, "syntax",
                 "A text with `,`, brackets or braces in it needs quotes.",
                 "`%c` is not closed, or a `,` is missing, before line %d", list ? '[' : '{', fault->line);
        return true;
    }
    if (strstr(fault->problem, "cannot start any token") != NULL && at < text + size) {
        diag_add(diags, DIAG_ERROR, fault->line, fault->column, "syntax", "Put the text in quotes.",
                 "a text cannot begin with `%c`", *at);
        return true;
    }
    return false;
}

void
parse_fault_report(const struct parse_fault *fault, const char *text, size_t size, struct diags *diags)
{
    if (bare_case(fault, text, size, diags) || parse_guess(fault, text, size, diags)) return;
    if (special_case(fault, text, size, diags)) return;
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        const struct phrase *phrase = &phrases[i];
        bool tells = strstr(fault->problem, phrase->problem) != NULL ||
                     (fault->context != NULL && str_eq(fault->context, phrase->problem));
        if (!tells || (phrase->context != NULL &&
                       (fault->context == NULL || strstr(fault->context, phrase->context) == NULL)))
            continue;
        bool there = phrase->where == AT_CONTEXT && fault->context != NULL;
        diag_add(diags, DIAG_ERROR, there ? fault->context_line : fault->line,
                 there ? fault->context_column : fault->column, phrase->code, phrase->hint, "%s", phrase->message);
        return;
    }
    diag_add(diags, DIAG_ERROR, fault->line, fault->column, "syntax", NULL, "not valid YAML: %s%s%s", fault->problem,
             fault->context != NULL ? " " : "", fault->context != NULL ? fault->context : "");
}
