/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over the text, one token at a time. Columns count characters, not bytes, as editors do.
 */
#include "workflow/expr_lex.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

static const char *const keywords[] = {
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
    "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"};

/* Longest first: the first that fits is taken. */
static const char *const operators[] = {
    "...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", "..", "+", "-", "*", "/", "%", "^", "#",
    "&", "~", "|", "<", ">", "=", "(", ")", "{", "}", "[", "]", ";", ":", ",", "."};

static const struct foreign {
    const char *text, *message, *hint;
} foreign[] = {
    {"===", "\"===\" is not an operator here", "Write == instead."},
    {"!==", "\"!==\" is not an operator here", "Write ~= instead."},
    {"!=", "\"!=\" is not an operator here", "Write ~= instead."},
    {"&&", "\"&&\" is not an operator here", "Write \"and\" instead."},
    {"||", "\"||\" is not an operator here", "Write \"or\" instead."},
    {"!", "\"!\" is not an operator here", "Write \"not x\" instead of !x."},
    {"??", "\"??\" is not an operator here", "Write default(value, other) instead."},
    {"?", "\"?\" is not an operator here", "Write cond(test, a, b) instead of test ? a : b."},
    {"**", "\"**\" is not an operator here", "Write ^ for powers."},
    {"=>", "\"=>\" is not an operator here", "Write function(x) return … end, or >= to compare."},
    {"${{", "an expression cannot stand inside an expression", "Write the names without ${{ }}."},
    {"`", "\"`\" is not a quote here", "Write 'text' or \"text\"."},
};

static const struct foreign foreign_expression[] = {
    {"--", "a comment cannot stand in an expression",
     "Put comments outside ${{ }}; to subtract a negative number, write a - (-b)."},
    {"[[", "long brackets cannot stand in an expression",
     "Write 'text' or \"text\"; put a space between nested [ [."},
    {"[=", "long brackets cannot stand in an expression", "Write 'text' or \"text\"."},
    {"#", "\"#\" is not an operator here",
     "Write len(x) instead of #x: after a space YAML takes # for a comment."},
    {"<<", "there are no bit operators in expressions", "Compute it in a lua: step."},
    {">>", "there are no bit operators in expressions", "Compute it in a lua: step."},
    {"&", "there are no bit operators in expressions", "Write \"and\" to combine conditions."},
    {"|", "there are no filters in expressions",
     "Write upper(x) instead of x | upper, and \"or\" to combine conditions."},
    {"::", "there are no statements in expressions", "Compute it in a lua: step."},
    {"...", "\"...\" cannot stand in an expression", "Name the values."},
    {";", "an expression is one value, not a list of statements", "Compute it in a lua: step."},
    {":", "methods cannot be called in expressions", "Write upper(x) instead of x:upper()."},
};

void
lex_init(struct lexer *lexer, struct arena *arena, const char *source, size_t size, int line, int column)
{
    *lexer = (struct lexer){.arena = arena, .source = source, .size = size, .line = line, .column = column,
                            .column_base = column};
}

void
lex_init_script(struct lexer *lexer, struct arena *arena, const char *source, int line, int column)
{
    lex_init(lexer, arena, source, strlen(source), line, column);
    lexer->script = true;
}

bool
token_is(const struct token *token, const char *text)
{
    return (token->kind == TOKEN_KEYWORD || token->kind == TOKEN_OP) && strcmp(token->text, text) == 0;
}

static bool
at_text(const struct lexer *lexer, const char *text)
{
    size_t size = strlen(text);
    return lexer->size - lexer->at >= size && memcmp(lexer->source + lexer->at, text, size) == 0;
}

static int
peek(const struct lexer *lexer, size_t ahead)
{
    return lexer->size - lexer->at > ahead ? (unsigned char)lexer->source[lexer->at + ahead] : -1;
}

static void
step(struct lexer *lexer, size_t count)
{
    for (; count > 0; count--) {
        unsigned char c = (unsigned char)lexer->source[lexer->at++];
        if (c == '\n') {
            lexer->line++;
            lexer->column = lexer->column_base;
        } else if ((c & 0xc0) != 0x80) {
            lexer->column++;
        }
    }
}

static int
refuse(const struct lexer *lexer, struct err *err, const char *hint, const char *message)
{
    err_set(err, EXIT_INVALID, "%s", message);
    if (hint != NULL) err_hint(err, "%s", hint);
    err->line = lexer->line;
    err->column = lexer->column;
    return EXIT_INVALID;
}

/* The level of a long bracket that opens here ("[==[" is 2), or -1. */
static int
long_bracket(const struct lexer *lexer)
{
    size_t n = 1;
    if (peek(lexer, 0) != '[') return -1;
    while (peek(lexer, n) == '=') n++;
    return peek(lexer, n) == '[' ? (int)n - 1 : -1;
}

static int
skip_long(struct lexer *lexer, int level, struct err *err)
{
    struct lexer start = *lexer;
    for (step(lexer, (size_t)level + 2); lexer->at < lexer->size; step(lexer, 1)) {
        size_t n = 1;
        if (peek(lexer, 0) != ']') continue;
        while (peek(lexer, n) == '=') n++;
        if ((int)n - 1 == level && peek(lexer, n) == ']') {
            step(lexer, n + 1);
            return 0;
        }
    }
    return refuse(&start, err, NULL, "a long bracket is never closed");
}

static int
skip_space(struct lexer *lexer, struct err *err)
{
    for (;;) {
        int c = peek(lexer, 0);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            step(lexer, 1);
        } else if (lexer->script && c == '-' && peek(lexer, 1) == '-') {
            step(lexer, 2);
            int level = long_bracket(lexer);
            if (level >= 0) {
                if (skip_long(lexer, level, err) != 0) return EXIT_INVALID;
                continue;
            }
            while (lexer->at < lexer->size && peek(lexer, 0) != '\n') step(lexer, 1);
        } else {
            return 0;
        }
    }
}

static int
hex_digit(int c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static size_t
put_utf8(char *out, uint32_t point)
{
    if (point < 0x80) return (void)(out[0] = (char)point), 1;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    size_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    for (size_t i = more; i > 0; i--, point >>= 6) out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(lead[more] | point);
    return more + 1;
}

/* Behind the backslash. Writes at most 4 bytes and says how many; -1: not an escape of Lua's. */
static int
take_escape(struct lexer *lexer, char *out)
{
    static const char from[] = "abfnrtv\\\"'\n", to[] = "\a\b\f\n\r\t\v\\\"'\n";
    int c = peek(lexer, 0);
    const char *known = c > 0 ? strchr(from, c) : NULL;
    if (known != NULL) {
        step(lexer, 1);
        return (void)(out[0] = to[known - from]), 1;
    }
    if (c == 'z') {
        step(lexer, 1);
        while (lexer->at < lexer->size && isspace(peek(lexer, 0))) step(lexer, 1);
        return 0;
    }
    if (c == 'x') {
        int high = hex_digit(peek(lexer, 1)), low = hex_digit(peek(lexer, 2));
        if (high < 0 || low < 0) return -1;
        step(lexer, 3);
        return (void)(out[0] = (char)(high << 4 | low)), 1;
    }
    if (c >= '0' && c <= '9') {
        int value = 0;
        for (int i = 0; i < 3 && isdigit(peek(lexer, 0)); i++, step(lexer, 1))
            value = value * 10 + peek(lexer, 0) - '0';
        if (value > 255) return -1;
        return (void)(out[0] = (char)value), 1;
    }
    if (c == 'u' && peek(lexer, 1) == '{') {
        uint32_t point = 0;
        step(lexer, 2);
        for (; hex_digit(peek(lexer, 0)) >= 0; step(lexer, 1)) {
            point = point << 4 | (uint32_t)hex_digit(peek(lexer, 0));
            if (point > 0x10ffff) return -1;
        }
        if (peek(lexer, 0) != '}') return -1;
        step(lexer, 1);
        return (int)put_utf8(out, point);
    }
    return -1;
}

static int
take_string(struct lexer *lexer, struct token *token, struct err *err)
{
    struct lexer start = *lexer;
    int quote = peek(lexer, 0);
    size_t bound = 1, used = 0;
    /* Not up to a newline: `\z` passes over it. */
    while (peek(lexer, bound) != quote && peek(lexer, bound) >= 0) bound += peek(lexer, bound) == '\\' ? 2 : 1;
    /* No escape is longer decoded than written. */
    char *out = arena_alloc(lexer->arena, bound + 8);
    step(lexer, 1);
    while (peek(lexer, 0) != quote) {
        int c = peek(lexer, 0);
        if (c < 0 || c == '\n') return refuse(&start, err, NULL, "a quote is never closed");
        if (c != '\\') {
            out[used++] = (char)c;
            step(lexer, 1);
            continue;
        }
        struct lexer escape = *lexer;
        step(lexer, 1);
        int size = take_escape(lexer, out + used);
        if (size < 0)
            return refuse(&escape, err, "Write \\\\ for a backslash.", "an unknown escape in a quoted text");
        used += (size_t)size;
    }
    step(lexer, 1);
    token->kind = TOKEN_STRING;
    token->text = out;
    token->size = used;
    return 0;
}

static int
take_number(struct lexer *lexer, struct token *token, struct err *err)
{
    struct lexer start = *lexer;
    bool hex = peek(lexer, 0) == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X');
    bool dot = false;
    size_t digits = 0;
    if (hex) step(lexer, 2);
    for (;; step(lexer, 1)) {
        int c = peek(lexer, 0);
        if (c == '.' && !dot && peek(lexer, 1) != '.') dot = true;
        else if (hex ? hex_digit(c) >= 0 : isdigit(c)) digits++;
        else break;
    }
    int c = peek(lexer, 0);
    if (digits > 0 && (hex ? c == 'p' || c == 'P' : c == 'e' || c == 'E')) {
        step(lexer, 1);
        if (peek(lexer, 0) == '+' || peek(lexer, 0) == '-') step(lexer, 1);
        if (!isdigit(peek(lexer, 0))) digits = 0;
        while (isdigit(peek(lexer, 0))) step(lexer, 1);
    }
    c = peek(lexer, 0);
    if (digits == 0 || isalnum(c) || c == '_')
        return refuse(
            &start, err,
            "Write 10, 0.5 or 1e3; durations and sizes are duration(\"4h\") and size(\"10MiB\").",
            "a malformed number");
    token->kind = TOKEN_NUMBER;
    return 0;
}

static int
take_foreign(const struct lexer *lexer, const struct foreign *table, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (at_text(lexer, table[i].text)) return refuse(lexer, err, table[i].hint, table[i].message);
    return 0;
}

static int
take_operator(struct lexer *lexer, struct token *token, struct err *err)
{
    if (take_foreign(lexer, foreign, sizeof foreign / sizeof *foreign, err) != 0) return EXIT_INVALID;
    const size_t count = sizeof foreign_expression / sizeof *foreign_expression;
    if (!lexer->script && take_foreign(lexer, foreign_expression, count, err) != 0) return EXIT_INVALID;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (at_text(lexer, operators[i])) {
            token->kind = TOKEN_OP;
            token->text = operators[i];
            token->size = strlen(operators[i]);
            step(lexer, token->size);
            return 0;
        }
    unsigned char c = (unsigned char)peek(lexer, 0);
    if (at_text(lexer, "\xe2\x80\x9c") || at_text(lexer, "\xe2\x80\x9d") || at_text(lexer, "\xe2\x80\x98") ||
        at_text(lexer, "\xe2\x80\x99"))
        return refuse(lexer, err, "Write straight quotes: 'text' or \"text\".",
                      "a typographic quote in an expression");
    if (at_text(lexer, "–") || at_text(lexer, "—") || at_text(lexer, "−"))
        return refuse(lexer, err, "Write -, the minus of the keyboard.", "this dash is no minus");
    size_t size = 1;
    while (c >= 0x80 && size < lexer->size - lexer->at &&
           ((unsigned char)lexer->source[lexer->at + size] & 0xc0) == 0x80)
        size++;
    err_set(err, EXIT_INVALID,
            c < 0x20 || c == 0x7f ? "a control character cannot stand here" : "\"%.*s\" cannot stand here", (int)size,
            lexer->source + lexer->at);
    err->line = lexer->line;
    err->column = lexer->column;
    return EXIT_INVALID;
}

int
lex_next(struct lexer *lexer, struct token *ret, struct err *err)
{
    struct token token = {.kind = TOKEN_END};
    int failed = skip_space(lexer, err);
    token.start = lexer->at;
    token.line = lexer->line;
    token.column = lexer->column;
    int c = peek(lexer, 0), level = lexer->script ? long_bracket(lexer) : -1;
    if (failed || c < 0) {
        token.text = "";
    } else if (isalpha(c) || c == '_') {
        while (isalnum(peek(lexer, 0)) || peek(lexer, 0) == '_') step(lexer, 1);
        token.kind = TOKEN_NAME;
    } else if (isdigit(c) || (c == '.' && isdigit(peek(lexer, 1)))) {
        failed = take_number(lexer, &token, err);
    } else if (c == '"' || c == '\'') {
        failed = take_string(lexer, &token, err);
    } else if (level >= 0) {
        failed = skip_long(lexer, level, err);
        token.kind = TOKEN_STRING;
    } else {
        failed = take_operator(lexer, &token, err);
    }
    if (failed) return failed;
    token.end = lexer->at;
    if (token.text == NULL) {
        token.size = token.end - token.start;
        token.text = arena_strndup(lexer->arena, lexer->source + token.start, token.size);
    }
    for (size_t i = 0; token.kind == TOKEN_NAME && i < sizeof keywords / sizeof *keywords; i++)
        if (str_eq(token.text, keywords[i])) token.kind = TOKEN_KEYWORD;
    *ret = token;
    return 0;
}

ptrdiff_t
lex_template_end(const char *source, size_t size, size_t at)
{
    size_t depth = 0;
    int quote = 0;
    for (size_t i = at; i < size; i++) {
        char c = source[i];
        if (quote) {
            if (c == '\\') i++;
            else if (c == quote || c == '\n') quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '{') {
            depth++;
        } else if (c == '}' && depth > 0) {
            depth--;
        } else if (c == '}' && i + 1 < size && source[i + 1] == '}') {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}
