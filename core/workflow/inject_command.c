/* SPDX-License-Identifier: Apache-2.0
 *
 * Words are recognised only as far as comments, `case` patterns, `[[ ]]` and dangerous commands
 * need it. Whoever reads a value as a program, and whoever counts with it, is in the lists below.
 */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "workflow/inject_shell.h"

enum case_state { CASE_WORD, CASE_IN, CASE_PATTERN, CASE_BODY };

struct cases {
    enum case_state stack[SHELL_DEPTH_MAX];
    size_t depth;
};

static bool
one_of(const char *word, const char *const *list)
{
    for (; *list != NULL; list++)
        if (str_eq(*list, word)) return true;
    return false;
}

static const char *const shells[] = {"sh", "bash", "dash", "ash", "zsh", "ksh", "su", NULL};
static const char *const prefixes[] = {"sudo",    "doas",    "env",   "exec",  "command",
                                       "nohup",   "timeout", "nice",  "xargs", "time",
                                       "builtin", "setsid",  "flock", NULL};
static const char *const dangerous[] = {"eval",  "ssh",  "awk",     "gawk",      "mawk",
                                        "nawk",  "let",  "trap",    "source",    ".",
                                        "unset", "read", "mapfile", "readarray", NULL};
static const char *const namers[] = {"test", "[", "printf", NULL};
static const char *const declarers[] = {"declare", "typeset", "local", "export", "readonly", NULL};
static const char *const readers[] = {
    "sh",      "bash",   "dash",   "ash",     "zsh",  "ksh",  "ssh",  "psql",  "mysql", "mariadb",
    "sqlite3", "duckdb", "python", "python3", "perl", "ruby", "node", "xargs", "bc",    NULL};
static const char *const openers[] = {"if", "then", "else", "elif", "do",   "while", "until", "!",
                                      "{",  "}",    "fi",   "done", "time", "esac",  "]]",    NULL};

static const char *
listed(const char *word, const char *const *list)
{
    const char *base = strrchr(word, '/');
    if (base != NULL && base[1] != '\0') word = base + 1;
    for (; *list != NULL; list++)
        if (str_eq(*list, word)) return *list;
    return NULL;
}

static void
note_name(struct shell_command *c, const char *word)
{
    const char *found;
    if (listed(word, prefixes) != NULL) c->prefixed = true;
    static const char *const finders[] = {"find", NULL};
    if (listed(word, finders) != NULL) c->finds = true;
    if (listed(word, shells) != NULL) c->shell_words = true;
    if (listed(word, namers) != NULL) c->names = true;
    if (listed(word, declarers) != NULL) c->declares = true;
    if ((found = listed(word, dangerous)) != NULL) c->dangerous = found;
    if ((found = listed(word, readers)) != NULL) c->reader = found;
}

/* A word behind the command's name. */
static void
note_word(struct shell_command *c)
{
    const char *word = c->word;
    if (c->prefixed && !c->word_expression) note_name(c, word);
    static const char *const runs[] = {"-exec", "-execdir", "-ok", "-okdir", NULL};
    if (c->finds && one_of(word, runs)) c->prefixed = true;
    if (c->shell_words && word[0] == '-' && word[1] != '-' && strchr(word, 'c') != NULL) c->shell_c = true;
    static const char *const tests[] = {"-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v", NULL};
    if (c->double_bracket && !c->word_quoted && one_of(word, tests)) c->arithmetic_test = true;
    /* awk -v name=value takes a value as a value. */
    bool awk = c->dangerous != NULL && strstr(c->dangerous, "awk") != NULL;
    if (awk && c->word_expression && (c->variable || strncmp(word, "-v", 2) == 0)) c->used = SHELL_NONE;
    c->variable = str_eq(word, "-v");
    if (c->names && c->variable) c->dangerous = "a variable's name";
    if (c->declares && c->word_begins) c->dangerous = "a variable's name";
    if (c->double_bracket && str_eq(word, "]]")) c->double_closed = true;
}

static bool
is_assignment(const char *word)
{
    const char *p = word;
    if (!isalpha((unsigned char)*p) && *p != '_') return false;
    while (isalnum((unsigned char)*p) || *p == '_') p++;
    return *p == '=' || (*p == '+' && p[1] == '=') || *p == '[';
}

static void
end_word(struct shell_lex *s, struct shell_command *c, struct cases *cases)
{
    if (!c->in_word) return;
    enum case_state *top = cases->depth > 0 ? &cases->stack[cases->depth - 1] : NULL;
    bool plain = !c->word_quoted && !c->word_expression;
    c->word[c->size] = '\0';
    c->in_word = false;
    if (c->redirect) {
        c->redirect = false;
    } else if (top != NULL && *top == CASE_WORD) {
        *top = CASE_IN;
    } else if (top != NULL && *top == CASE_IN && plain && str_eq(c->word, "in")) {
        *top = CASE_PATTERN;
    } else if (top != NULL && plain && str_eq(c->word, "esac") && (*top == CASE_PATTERN || c->at_start)) {
        cases->depth--;
    } else if (top != NULL && *top == CASE_PATTERN) {
        /* part of a pattern */
    } else if (c->at_start && plain && str_eq(c->word, "case")) {
        if (cases->depth == SHELL_DEPTH_MAX) s->unclosed = true;
        else cases->stack[cases->depth++] = CASE_WORD;
        c->at_start = false;
    } else if (c->at_start && plain && one_of(c->word, openers)) {
        /* another command's name follows */
    } else if (c->at_start && is_assignment(c->word)) {
        /* it may still follow */
    } else if (c->at_start) {
        c->at_start = false;
        c->double_bracket = plain && str_eq(c->word, "[[");
        if (c->word_expression && c->words == 0) c->name_is_expression = true;
        else note_name(c, c->word);
        c->words++;
    } else {
        note_word(c);
        c->words++;
    }
    c->size = 0;
    c->word_quoted = c->word_expression = c->word_begins = false;
}

static void
begin_word(struct shell_command *c)
{
    c->in_word = true;
}

static void
end_command(struct shell_lex *s, struct shell_command *c, struct cases *cases, bool pipe)
{
    end_word(s, c, cases);
    bool used = c->used != SHELL_NONE;
    if (c->reader != NULL) s->line_reader = c->reader;
    if (used && c->double_bracket && c->arithmetic_test) {
        s->at = c->used;
        shell_expression(s, false, "in a [[ ]] that counts (-eq, -lt, …)");
        return;
    }
    if (used && c->dangerous != NULL && str_eq(c->dangerous, "let")) {
        s->at = c->used;
        shell_expression(s, false, "in arithmetic (let)");
        return;
    }
    if (used && c->name_is_expression) s->risk(s->context, c->used, "the command's name");
    else if (used && c->dangerous != NULL) s->risk(s->context, c->used, c->dangerous);
    else if (used && c->shell_c) s->risk(s->context, c->used, "sh -c");
    if (s->piped > 0 && c->reader != NULL) s->risk(s->context, s->piped - 1, c->reader);
    /* `a |` at the end of a line goes on in the next. */
    if (!pipe && c->words > 0) s->piped = 0;
    else if (pipe && used) s->piped = c->used + 1;
    *c = (struct shell_command){.at_start = true, .used = SHELL_NONE};
}

/* At `<` or `>`. */
static void
read_redirect(struct shell_lex *s, struct shell_command *c, struct cases *cases)
{
    size_t digits = 0;
    while (digits < c->size && isdigit((unsigned char)c->word[digits])) digits++;
    if (c->in_word && digits == c->size && !c->word_quoted && !c->word_expression) {
        c->in_word = false;
        c->size = 0;
    }
    end_word(s, c, cases);
    if (shell_at(s, s->at, "<(") || shell_at(s, s->at, ">(")) {
        s->at += 2;
        begin_word(c);
        shell_read_commands(s, true);
        return;
    }
    if (shell_at(s, s->at, "<<<")) {
        s->at += 3;
        c->redirect = true;
    } else if (shell_at(s, s->at, "<<")) {
        bool tabs = shell_at(s, s->at, "<<-");
        s->at += tabs ? 3 : 2;
        shell_read_delimiter(s, tabs);
    } else {
        s->at++;
        if (shell_peek(s, 0) == '>' || shell_peek(s, 0) == '&' || shell_peek(s, 0) == '|') s->at++;
        c->redirect = true;
    }
}

/* At `(`. */
static void
read_open(struct shell_lex *s, struct shell_command *c, struct cases *cases)
{
    if (cases->depth > 0 && cases->stack[cases->depth - 1] == CASE_PATTERN && !c->in_word) {
        s->at++;
        return;
    }
    if (c->in_word && shell_at(s, s->at, "()")) {
        /* A function: its body follows like a command. */
        s->at += 2;
        c->in_word = false;
        c->size = 0;
        return;
    }
    /* a=(x y): words, none of which is a command's name. */
    s->array = c->in_word && c->size > 0 && c->word[c->size - 1] == '=' && !c->word_quoted;
    bool arithmetic = shell_at(s, s->at, "((") && !c->in_word;
    s->at += arithmetic ? 2 : 1;
    if (arithmetic) shell_read_arithmetic(s, "))");
    else shell_read_commands(s, true);
}

/* a[ and [ at the start of an array's item: what stands there is counted. */
static bool
in_subscript(const struct shell_command *c)
{
    size_t name = 0, depth = 0;
    while (name < c->size && (isalnum((unsigned char)c->word[name]) || c->word[name] == '_')) name++;
    if (name == c->size) return c->size == SHELL_WORD_MAX - 1; /* cut: who knows */
    for (size_t i = name; i < c->size && (i == name || depth > 0); i++) {
        if (c->word[i] == '[') depth++;
        if (c->word[i] == ']') depth--;
        if (depth == 0) return false;
    }
    return depth > 0;
}

static void
read_word_part(struct shell_lex *s, struct shell_command *c)
{
    char ch = s->text[s->at];
    begin_word(c);
    if (ch == '$') {
        if (shell_at(s, s->at, "${{") && in_subscript(c)) shell_expression(s, false, "in a subscript");
        else shell_read_dollar(s, false, c);
    } else if (ch == '\\') {
        c->word_quoted = true;
        shell_read_backslash(s);
    } else if (ch == '\'') {
        c->word_quoted = true;
        s->at++;
        shell_read_single(s);
    } else if (ch == '"') {
        bool subscript = in_subscript(c);
        const char *outer = s->forbidden;
        c->word_quoted = true;
        s->at++;
        if (subscript) s->forbidden = "in a subscript";
        shell_read_double(s, c);
        s->forbidden = outer;
    } else if (ch == '`') {
        s->at++;
        shell_read_backtick(s);
    } else {
        if (c->size < sizeof c->word - 1) c->word[c->size++] = ch;
        s->at++;
    }
}

static void
read_newline(struct shell_lex *s, struct shell_command *c, struct cases *cases, size_t first_heredoc)
{
    if (c->double_bracket && !c->double_closed) {
        end_word(s, c, cases);
        s->at++;
        return;
    }
    end_command(s, c, cases, false);
    if (s->failed) return;
    s->at++;
    if (first_heredoc > 0 && s->nheredocs > 0)
        shell_doubt(s, "behind a here-document that begins inside brackets");
    for (size_t i = first_heredoc; i < s->nheredocs && !s->failed; i++) {
        struct shell_heredoc doc = s->heredocs[i];
        size_t count = s->nheredocs;
        shell_read_heredoc(s, &doc);
        if (s->nheredocs != count) s->unclosed = true;
        if (i + 1 < s->nheredocs && s->at < s->size) s->at++;
    }
    s->nheredocs = first_heredoc;
    s->line_reader = NULL;
}

/* ; & | and their doubles. */
static void
read_separator(struct shell_lex *s, struct shell_command *c, struct cases *cases)
{
    char ch = s->text[s->at];
    if (ch == '&' && shell_peek(s, 1) == '>') {
        end_word(s, c, cases);
        s->at += shell_peek(s, 2) == '>' ? 3 : 2;
        c->redirect = true;
        return;
    }
    bool pattern = cases->depth > 0 && cases->stack[cases->depth - 1] == CASE_PATTERN;
    bool pipe = ch == '|' && shell_peek(s, 1) != '|' && !pattern;
    end_command(s, c, cases, pipe);
    if (s->failed) return;
    s->at++;
    if (ch == ';' && (shell_peek(s, 0) == ';' || shell_peek(s, 0) == '&')) {
        while (shell_peek(s, 0) == ';' || shell_peek(s, 0) == '&') s->at++;
        if (cases->depth > 0) cases->stack[cases->depth - 1] = CASE_PATTERN;
    } else if (shell_peek(s, 0) == ch || (ch == '|' && shell_peek(s, 0) == '&')) {
        s->at++;
    }
}

/* A `)`: true when it ends these commands. */
static bool
read_close(struct shell_lex *s, struct shell_command *c, struct cases *cases, bool nested)
{
    end_word(s, c, cases);
    if (cases->depth > 0 && cases->stack[cases->depth - 1] == CASE_PATTERN) {
        cases->stack[cases->depth - 1] = CASE_BODY;
        *c = (struct shell_command){.at_start = true, .used = SHELL_NONE};
        s->at++;
        return false;
    }
    end_command(s, c, cases, false);
    if (s->failed) return true;
    s->at++;
    if (nested && cases->depth > 0) shell_doubt(s, "behind a \"case\" that is not closed");
    if (!nested) shell_doubt(s, "behind a \")\" without \"(\"");
    return nested;
}

/* Behind an opening `(` when nested, up to its `)`; else to the end. */
void
shell_read_commands(struct shell_lex *s, bool nested)
{
    bool array = s->array;
    struct shell_command command = {.at_start = !array, .used = SHELL_NONE};
    struct cases cases = {.depth = 0};
    size_t first_heredoc = s->nheredocs, piped = s->piped;
    const char *reader = s->line_reader;
    if (++s->depth > SHELL_DEPTH_MAX) s->unclosed = true;
    s->piped = 0;
    s->array = false;
    while (shell_more(s) && !s->unclosed) {
        char c = s->text[s->at];
        if (command.double_bracket && !command.double_closed && strchr("&|<>()", c) != NULL) {
            /* Inside [[ ]] these are operators of the test. */
            end_word(s, &command, &cases);
            s->at++;
        } else if (c == '\n' && !array) {
            read_newline(s, &command, &cases, first_heredoc);
        } else if (c == ' ' || c == '\t' || c == '\n') {
            end_word(s, &command, &cases);
            s->at++;
        } else if (c == '\\' && shell_peek(s, 1) == '\n') {
            s->at += 2;
        } else if (c == ';' || c == '&' || c == '|') {
            read_separator(s, &command, &cases);
        } else if (c == '<' || c == '>') {
            read_redirect(s, &command, &cases);
        } else if (c == '(') {
            read_open(s, &command, &cases);
        } else if (c == ')') {
            if (!read_close(s, &command, &cases, nested)) continue;
            if (s->nheredocs > first_heredoc)
                shell_doubt(s, "behind a here-document that begins inside brackets");
            s->nheredocs = first_heredoc;
            s->depth--;
            s->piped = piped;
            if (reader != NULL) s->line_reader = reader;
            return;
        } else if (c == '#' && !command.in_word) {
            while (shell_more(s) && s->text[s->at] != '\n') {
                if (shell_at(s, s->at, "${{")) shell_expression(s, false, "inside a comment");
                else s->at++;
            }
        } else {
            read_word_part(s, &command);
        }
    }
    if (!s->failed && !s->unclosed) end_command(s, &command, &cases, false);
    if (nested || s->nheredocs > first_heredoc || cases.depth > 0) s->unclosed = true;
    s->depth--;
}

int
shell_read(struct shell_lex *lex)
{
    shell_read_commands(lex, false);
    return lex->failed;
}
