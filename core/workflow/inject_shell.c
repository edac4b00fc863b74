/* SPDX-License-Identifier: Apache-2.0
 *
 * One function per construct, each entered behind its opening and left behind its closing. Words are
 * recognised only as far as comments, `case` patterns, `[[ ]]` and dangerous commands need it.
 */
#include "workflow/inject_shell.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

#define NONE ((size_t)-1)

/* A simple command under way. */
struct command {
    char word[SHELL_WORD_MAX];  /* the present word, without quotes, cut */
    size_t size;
    bool in_word, word_quoted, word_expression;
    bool at_start;              /* the next word is a command's name or a reserved word */
    bool redirect;              /* the next word is a file */
    bool prefixed, shell_words; /* `sudo`, `xargs`: the command is further on; `sh` was seen */
    bool names;                 /* test, printf: `-v` takes a variable's name */
    bool declares;              /* export, declare, …: words are NAME=value */
    bool double_bracket, double_closed, arithmetic_test;
    bool word_begins;           /* the present word begins with an expression */
    bool shell_c, variable;     /* `-c` was seen after a shell; the word before was `-v` */
    const char *dangerous;      /* its name, when values in it are read as program */
    const char *reader;         /* when its input is */
    size_t used, words;         /* offset of the first expression in it, or NONE */
    bool name_is_expression;
};

enum case_state { CASE_WORD, CASE_IN, CASE_PATTERN, CASE_BODY };

struct cases {
    enum case_state stack[SHELL_DEPTH_MAX];
    size_t depth;
};

static void read_commands(struct shell_lex *s, bool nested);
static void read_dollar(struct shell_lex *s, bool quoted, struct command *command);

static bool
at_text(const struct shell_lex *s, size_t at, const char *text)
{
    size_t size = strlen(text);
    return s->size >= at && s->size - at >= size && memcmp(s->text + at, text, size) == 0;
}

static int
peek(const struct shell_lex *s, size_t ahead)
{
    return s->size - s->at > ahead ? (unsigned char)s->text[s->at + ahead] : -1;
}

static bool
more(const struct shell_lex *s)
{
    return s->at < s->size && !s->failed;
}

static bool
one_of(const char *word, const char *const *list)
{
    for (; *list != NULL; list++)
        if (str_eq(*list, word)) return true;
    return false;
}

/* The first doubt is the one to name. */
static void
doubt(struct shell_lex *s, const char *why)
{
    if (s->doubt == NULL) s->doubt = why;
}

/* At `${{`. */
static void
expression(struct shell_lex *s, bool quoted, const char *why)
{
    size_t end = s->at;
    if (why == NULL) why = s->forbidden != NULL ? s->forbidden : s->doubt;
    enum shell_place place = why != NULL ? SHELL_REFUSED : quoted ? SHELL_QUOTED : SHELL_UNQUOTED;
    s->failed = s->expression(s->context, s->at, place, why, &end);
    s->at = end;
}

/* At a backslash: the next character means itself. */
static void
read_backslash(struct shell_lex *s)
{
    s->at++;
    if (at_text(s, s->at, "${{")) expression(s, false, "right behind a backslash");
    else if (s->at < s->size) s->at++;
}

/* Behind a single quote. */
static void
read_single(struct shell_lex *s)
{
    while (more(s)) {
        if (at_text(s, s->at, "${{")) expression(s, true, "inside single quotes");
        else if (s->text[s->at++] == '\'') return;
    }
    s->unclosed = true;
}

static void
read_backtick(struct shell_lex *s)
{
    while (more(s)) {
        if (at_text(s, s->at, "${{")) expression(s, true, "inside backticks");
        else if (s->text[s->at] == '\\') read_backslash(s);
        else if (s->text[s->at++] == '`') return;
    }
    s->unclosed = true;
}

static void
read_double(struct shell_lex *s, struct command *command)
{
    if (++s->depth > SHELL_DEPTH_MAX) s->unclosed = true;
    while (more(s) && !s->unclosed) {
        char c = s->text[s->at];
        if (c == '$') {
            read_dollar(s, true, command);
        } else if (c == '\\') {
            read_backslash(s);
        } else if (c == '`') {
            s->at++;
            read_backtick(s);
        } else {
            s->at++;
            if (c == '"') {
                s->depth--;
                return;
            }
        }
    }
    s->unclosed = true;
}

/* Up to `close` (`))` or `]`), with brackets of its kind balanced. */
static void
read_arithmetic(struct shell_lex *s, const char *close)
{
    const char *outer = s->forbidden;
    size_t brackets = 0;
    char open = close[0] == ')' ? '(' : '[';
    s->forbidden = "inside arithmetic";
    if (++s->depth > SHELL_DEPTH_MAX) s->unclosed = true;
    while (more(s) && !s->unclosed) {
        char c = s->text[s->at];
        if (c == '$') {
            read_dollar(s, true, NULL);
        } else if (c == '\\') {
            read_backslash(s);
        } else if (c == '`') {
            s->at++;
            read_backtick(s);
        } else if (c == '\'' || c == '"') {
            doubt(s, "behind quotes inside arithmetic, which shells read differently,");
            s->at++;
        } else if (c == close[0] && brackets == 0) {
            bool closed = at_text(s, s->at, close);
            /* `$((a) | b)` is a command after all, if the shell says so. */
            if (!closed) doubt(s, "behind \"((\" that is not closed by \"))\"");
            s->at += closed ? strlen(close) : 1;
            s->forbidden = outer;
            s->depth--;
            return;
        } else {
            s->at++;
            if (c == open) brackets++;
            if (c == close[0]) brackets--;
        }
    }
    s->unclosed = true;
}

/* Behind `${`, up to its `}`. */
static void
read_parameter(struct shell_lex *s, bool quoted)
{
    const char *outer = s->forbidden;
    s->forbidden = "inside ${ }";
    if (++s->depth > SHELL_DEPTH_MAX) s->unclosed = true;
    while (more(s) && !s->unclosed) {
        char c = s->text[s->at];
        if (c == '$') {
            read_dollar(s, quoted, NULL);
        } else if (c == '\\') {
            read_backslash(s);
        } else if (c == '`') {
            s->at++;
            read_backtick(s);
        } else if (c == '"' || c == '\'') {
            s->at++;
            if (quoted) doubt(s, "behind quotes inside \"${ }\", which shells read differently,");
            if (c == '"') read_double(s, NULL);
            else if (!quoted) read_single(s);
        } else {
            s->at++;
            if (c == '{') doubt(s, "behind a brace inside ${ }, which shells read differently,");
            if (c == '}') {
                s->forbidden = outer;
                s->depth--;
                return;
            }
        }
    }
    s->unclosed = true;
}

/* Behind `$'`: bash takes escapes in it, dash knows no such thing. */
static void
read_ansi(struct shell_lex *s)
{
    size_t start = s->at, plain = start, escaped = start;
    while (plain < s->size && s->text[plain] != '\'') plain++;
    while (escaped < s->size && s->text[escaped] != '\'') escaped += s->text[escaped] == '\\' ? 2 : 1;
    if (plain != escaped) doubt(s, "behind $'…\\'…', which only bash reads as one quote,");
    read_single(s);
    if (plain != escaped && escaped < s->size) s->at = escaped + 1;
}

/* At `$`. `command` (may be NULL): whose word this is part of. */
static void
read_dollar(struct shell_lex *s, bool quoted, struct command *command)
{
    if (at_text(s, s->at, "${{")) {
        if (command != NULL && command->used == NONE) command->used = s->at;
        if (command != NULL) command->word_begins = command->word_begins || (command->size == 0 && !command->word_expression);
        if (command != NULL) command->word_expression = true;
        expression(s, quoted, NULL);
    } else if (at_text(s, s->at + 1, "${{")) {
        s->at++;
        expression(s, quoted, "right behind a dollar sign");
    } else if (at_text(s, s->at, "$((")) {
        s->at += 3;
        read_arithmetic(s, "))");
    } else if (at_text(s, s->at, "$(")) {
        s->at += 2;
        read_commands(s, true);
    } else if (at_text(s, s->at, "${")) {
        s->at += 2;
        read_parameter(s, quoted);
    } else if (at_text(s, s->at, "$[")) {
        s->at += 2;
        read_arithmetic(s, "]");
    } else if (!quoted && at_text(s, s->at, "$'")) {
        s->at += 2;
        read_ansi(s);
    } else {
        int next = peek(s, 1);
        s->at += next > 0 && strchr("$?!#*@-0123456789", next) != NULL ? 2 : 1;
    }
}

/* Behind `<<` or `<<-`. */
static void
read_delimiter(struct shell_lex *s, bool tabs)
{
    if (s->nheredocs == SHELL_HEREDOCS_MAX) {
        s->unclosed = true;
        return;
    }
    struct shell_heredoc *doc = &s->heredocs[s->nheredocs++];
    size_t used = 0;
    *doc = (struct shell_heredoc){.tabs = tabs};
    while (peek(s, 0) == ' ' || peek(s, 0) == '\t') s->at++;
    while (more(s)) {
        char c = s->text[s->at];
        if (at_text(s, s->at, "${{")) {
            expression(s, false, "in the end mark of a here-document");
            return;
        }
        if (strchr(" \t\n;&|<>()", c) != NULL) break;
        s->at++;
        if (c == '\'' || c == '"') {
            doc->quoted = true;
            while (more(s) && s->text[s->at] != c) {
                if (s->text[s->at] == '$' || s->text[s->at] == '\\' || s->text[s->at] == '\n')
                    doubt(s, "behind an unusual end mark of a here-document");
                if (used < sizeof doc->delimiter - 1) doc->delimiter[used++] = s->text[s->at];
                s->at++;
            }
            if (s->at < s->size) s->at++;
            continue;
        }
        if (c == '\\' && s->at < s->size) {
            doc->quoted = true;
            c = s->text[s->at++];
        }
        if (c == '$' || c == '`') doubt(s, "behind an unusual end mark of a here-document");
        if (used < sizeof doc->delimiter - 1) doc->delimiter[used++] = c;
    }
    if (used == 0 || used == sizeof doc->delimiter - 1) doubt(s, "behind an unusual end mark of a here-document");
}

static void
read_heredoc_body(struct shell_lex *s, const struct shell_heredoc *doc, size_t end)
{
    size_t size = s->size;
    struct command body = {.used = NONE};
    s->size = end;
    while (more(s)) {
        char c = s->text[s->at];
        if (doc->quoted) {
            if (at_text(s, s->at, "${{")) expression(s, true, "inside a here-document with a quoted end mark");
            else s->at++;
        } else if (c == '$') {
            read_dollar(s, true, &body);
        } else if (c == '\\') {
            read_backslash(s);
        } else if (c == '`') {
            s->at++;
            read_backtick(s);
        } else {
            s->at++;
        }
    }
    if (body.used != NONE && s->line_reader != NULL && !s->failed) s->risk(s->context, body.used, s->line_reader);
    s->size = size;
}

/* At the first line of a here-document: to behind its end mark. */
static void
read_heredoc(struct shell_lex *s, const struct shell_heredoc *doc)
{
    size_t line = s->at, mark = strlen(doc->delimiter);
    bool joined = false;
    for (;;) {
        const char *newline = line < s->size ? memchr(s->text + line, '\n', s->size - line) : NULL;
        size_t end = newline != NULL ? (size_t)(newline - s->text) : s->size, start = line;
        while (doc->tabs && start < end && s->text[start] == '\t') start++;
        bool is_mark = line < s->size && end - start == mark && memcmp(s->text + start, doc->delimiter, mark) == 0;
        if (is_mark && joined) doubt(s, "behind an end mark that follows a backslash");
        if (is_mark || newline == NULL) {
            read_heredoc_body(s, doc, is_mark ? line : s->size);
            if (s->at > (is_mark ? line : s->size)) s->unclosed = true;
            s->at = end;
            return;
        }
        size_t slashes = 0;
        while (end - slashes > line && s->text[end - slashes - 1] == '\\') slashes++;
        joined = !doc->quoted && slashes % 2 == 1;
        line = end + 1;
    }
}

static const char *const shells[] = {"sh", "bash", "dash", "ash", "zsh", "ksh", "su", NULL};
static const char *const prefixes[] = {"sudo", "doas", "env", "exec", "command", "nohup", "timeout", "nice", "xargs", "time",
                                       "builtin", "setsid", "flock", NULL};
static const char *const dangerous[] = {"eval", "ssh", "awk", "gawk", "mawk", "nawk", "let", "trap", "source", ".",
                                         "unset", "read", "mapfile", "readarray", NULL};
static const char *const namers[] = {"test", "[", "printf", NULL};
static const char *const declarers[] = {"declare", "typeset", "local", "export", "readonly", NULL};
static const char *const readers[] = {"sh", "bash", "dash", "ash", "zsh", "ksh", "ssh", "psql", "mysql", "mariadb", "sqlite3",
                                      "duckdb", "python", "python3", "perl", "ruby", "node", "xargs", "bc", NULL};
static const char *const openers[] = {"if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "fi", "done", "time",
                                      "esac", "]]", NULL};

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
note_name(struct command *c, const char *word)
{
    const char *found;
    if (listed(word, prefixes) != NULL) c->prefixed = true;
    if (listed(word, shells) != NULL) c->shell_words = true;
    if (listed(word, namers) != NULL) c->names = true;
    if (listed(word, declarers) != NULL) c->declares = true;
    if ((found = listed(word, dangerous)) != NULL) c->dangerous = found;
    if ((found = listed(word, readers)) != NULL) c->reader = found;
}

/* A word behind the command's name. */
static void
note_word(struct command *c)
{
    const char *word = c->word;
    if (c->prefixed && !c->word_expression) note_name(c, word);
    if (c->shell_words && word[0] == '-' && word[1] != '-' && strchr(word, 'c') != NULL) c->shell_c = true;
    static const char *const tests[] = {"-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-v", NULL};
    if (c->double_bracket && !c->word_quoted && one_of(word, tests)) c->arithmetic_test = true;
    /* awk -v name=value takes a value as a value. */
    bool awk = c->dangerous != NULL && strstr(c->dangerous, "awk") != NULL;
    if (awk && c->word_expression && (c->variable || strncmp(word, "-v", 2) == 0)) c->used = NONE;
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
end_word(struct shell_lex *s, struct command *c, struct cases *cases)
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
begin_word(struct command *c)
{
    c->in_word = true;
}

static void
end_command(struct shell_lex *s, struct command *c, struct cases *cases, bool pipe)
{
    end_word(s, c, cases);
    bool used = c->used != NONE;
    if (c->reader != NULL) s->line_reader = c->reader;
    if (used && c->double_bracket && c->arithmetic_test) {
        s->at = c->used;
        expression(s, false, "in a [[ ]] that counts (-eq, -lt, …)");
        return;
    }
    if (used && c->dangerous != NULL && str_eq(c->dangerous, "let")) {
        s->at = c->used;
        expression(s, false, "in arithmetic (let)");
        return;
    }
    if (used && c->name_is_expression) s->risk(s->context, c->used, "the command's name");
    else if (used && c->dangerous != NULL) s->risk(s->context, c->used, c->dangerous);
    else if (used && c->shell_c) s->risk(s->context, c->used, "sh -c");
    if (s->piped > 0 && c->reader != NULL) s->risk(s->context, s->piped - 1, c->reader);
    /* `a |` at the end of a line goes on in the next. */
    if (!pipe && c->words > 0) s->piped = 0;
    else if (pipe && used) s->piped = c->used + 1;
    *c = (struct command){.at_start = true, .used = NONE};
}

/* At `<` or `>`. */
static void
read_redirect(struct shell_lex *s, struct command *c, struct cases *cases)
{
    size_t digits = 0;
    while (digits < c->size && isdigit((unsigned char)c->word[digits])) digits++;
    if (c->in_word && digits == c->size && !c->word_quoted && !c->word_expression) {
        c->in_word = false;
        c->size = 0;
    }
    end_word(s, c, cases);
    if (at_text(s, s->at, "<(") || at_text(s, s->at, ">(")) {
        s->at += 2;
        begin_word(c);
        read_commands(s, true);
        return;
    }
    if (at_text(s, s->at, "<<<")) {
        s->at += 3;
        c->redirect = true;
    } else if (at_text(s, s->at, "<<")) {
        bool tabs = at_text(s, s->at, "<<-");
        s->at += tabs ? 3 : 2;
        read_delimiter(s, tabs);
    } else {
        s->at++;
        if (peek(s, 0) == '>' || peek(s, 0) == '&' || peek(s, 0) == '|') s->at++;
        c->redirect = true;
    }
}

/* At `(`. */
static void
read_open(struct shell_lex *s, struct command *c, struct cases *cases)
{
    if (cases->depth > 0 && cases->stack[cases->depth - 1] == CASE_PATTERN && !c->in_word) {
        s->at++;
        return;
    }
    if (c->in_word && at_text(s, s->at, "()")) {
        /* A function: its body follows like a command. */
        s->at += 2;
        c->in_word = false;
        c->size = 0;
        return;
    }
    bool arithmetic = at_text(s, s->at, "((") && !c->in_word;
    s->at += arithmetic ? 2 : 1;
    if (arithmetic) read_arithmetic(s, "))");
    else read_commands(s, true);
}

/* a[ and [ at the start of an array's item: what stands there is counted. */
static bool
in_subscript(const struct command *c)
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
read_word_part(struct shell_lex *s, struct command *c)
{
    char ch = s->text[s->at];
    begin_word(c);
    if (ch == '$') {
        if (at_text(s, s->at, "${{") && in_subscript(c)) expression(s, false, "in a subscript");
        else read_dollar(s, false, c);
    } else if (ch == '\\') {
        c->word_quoted = true;
        read_backslash(s);
    } else if (ch == '\'') {
        c->word_quoted = true;
        s->at++;
        read_single(s);
    } else if (ch == '"') {
        bool subscript = in_subscript(c);
        const char *outer = s->forbidden;
        c->word_quoted = true;
        s->at++;
        if (subscript) s->forbidden = "in a subscript";
        read_double(s, c);
        s->forbidden = outer;
    } else if (ch == '`') {
        s->at++;
        read_backtick(s);
    } else {
        if (c->size < sizeof c->word - 1) c->word[c->size++] = ch;
        s->at++;
    }
}

static void
read_newline(struct shell_lex *s, struct command *c, struct cases *cases, size_t first_heredoc)
{
    if (c->double_bracket && !c->double_closed) {
        end_word(s, c, cases);
        s->at++;
        return;
    }
    end_command(s, c, cases, false);
    if (s->failed) return;
    s->at++;
    if (first_heredoc > 0 && s->nheredocs > 0) doubt(s, "behind a here-document that begins inside brackets");
    for (size_t i = first_heredoc; i < s->nheredocs && !s->failed; i++) {
        struct shell_heredoc doc = s->heredocs[i];
        size_t count = s->nheredocs;
        read_heredoc(s, &doc);
        if (s->nheredocs != count) s->unclosed = true;
        if (i + 1 < s->nheredocs && s->at < s->size) s->at++;
    }
    s->nheredocs = first_heredoc;
    s->line_reader = NULL;
}

/* ; & | and their doubles. */
static void
read_separator(struct shell_lex *s, struct command *c, struct cases *cases)
{
    char ch = s->text[s->at];
    if (ch == '&' && peek(s, 1) == '>') {
        end_word(s, c, cases);
        s->at += peek(s, 2) == '>' ? 3 : 2;
        c->redirect = true;
        return;
    }
    bool pattern = cases->depth > 0 && cases->stack[cases->depth - 1] == CASE_PATTERN;
    bool pipe = ch == '|' && peek(s, 1) != '|' && !pattern;
    end_command(s, c, cases, pipe);
    if (s->failed) return;
    s->at++;
    if (ch == ';' && (peek(s, 0) == ';' || peek(s, 0) == '&')) {
        while (peek(s, 0) == ';' || peek(s, 0) == '&') s->at++;
        if (cases->depth > 0) cases->stack[cases->depth - 1] = CASE_PATTERN;
    } else if (peek(s, 0) == ch || (ch == '|' && peek(s, 0) == '&')) {
        s->at++;
    }
}

/* A `)`: true when it ends these commands. */
static bool
read_close(struct shell_lex *s, struct command *c, struct cases *cases, bool nested)
{
    end_word(s, c, cases);
    if (cases->depth > 0 && cases->stack[cases->depth - 1] == CASE_PATTERN) {
        cases->stack[cases->depth - 1] = CASE_BODY;
        *c = (struct command){.at_start = true, .used = NONE};
        s->at++;
        return false;
    }
    end_command(s, c, cases, false);
    if (s->failed) return true;
    s->at++;
    if (nested && cases->depth > 0) doubt(s, "behind a \"case\" that is not closed");
    if (!nested) doubt(s, "behind a \")\" without \"(\"");
    return nested;
}

/* Behind an opening `(` when nested, up to its `)`; else to the end. */
static void
read_commands(struct shell_lex *s, bool nested)
{
    struct command command = {.at_start = true, .used = NONE};
    struct cases cases = {.depth = 0};
    size_t first_heredoc = s->nheredocs, piped = s->piped;
    const char *reader = s->line_reader;
    if (++s->depth > SHELL_DEPTH_MAX) s->unclosed = true;
    s->piped = 0;
    while (more(s) && !s->unclosed) {
        char c = s->text[s->at];
        if (command.double_bracket && !command.double_closed && strchr("&|<>()", c) != NULL) {
            /* Inside [[ ]] these are operators of the test. */
            end_word(s, &command, &cases);
            s->at++;
        } else if (c == '\n') {
            read_newline(s, &command, &cases, first_heredoc);
        } else if (c == ' ' || c == '\t') {
            end_word(s, &command, &cases);
            s->at++;
        } else if (c == '\\' && peek(s, 1) == '\n') {
            s->at += 2;
        } else if (c == ';' || c == '&' || c == '|') {
            read_separator(s, &command, &cases);
        } else if (c == '<' || c == '>') {
            read_redirect(s, &command, &cases);
        } else if (c == '(') {
            read_open(s, &command, &cases);
        } else if (c == ')') {
            if (!read_close(s, &command, &cases, nested)) continue;
            if (s->nheredocs > first_heredoc) doubt(s, "behind a here-document that begins inside brackets");
            s->nheredocs = first_heredoc;
            s->depth--;
            s->piped = piped;
            if (reader != NULL) s->line_reader = reader;
            return;
        } else if (c == '#' && !command.in_word) {
            while (more(s) && s->text[s->at] != '\n') {
                if (at_text(s, s->at, "${{")) expression(s, false, "inside a comment");
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
    read_commands(lex, false);
    return lex->failed;
}
