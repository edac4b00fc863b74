/* SPDX-License-Identifier: Apache-2.0
 *
 * Quotes, expansions and here-documents: one function per construct. Commands are in inject_command.c.
 */
#include "workflow/inject_shell.h"

#include <string.h>

bool
shell_at(const struct shell_lex *s, size_t at, const char *text)
{
    size_t size = strlen(text);
    return s->size >= at && s->size - at >= size && memcmp(s->text + at, text, size) == 0;
}

int
shell_peek(const struct shell_lex *s, size_t ahead)
{
    return s->size - s->at > ahead ? (unsigned char)s->text[s->at + ahead] : -1;
}

bool
shell_more(const struct shell_lex *s)
{
    return s->at < s->size && !s->failed;
}

/* The first doubt is the one to name. */
void
shell_doubt(struct shell_lex *s, const char *why)
{
    if (s->doubt == NULL) s->doubt = why;
}

/* At `${{`. */
void
shell_expression(struct shell_lex *s, bool quoted, const char *why)
{
    size_t end = s->at;
    if (why == NULL) why = s->forbidden != NULL ? s->forbidden : s->doubt;
    enum shell_place place = why != NULL ? SHELL_REFUSED : quoted ? SHELL_QUOTED : SHELL_UNQUOTED;
    s->failed = s->expression(s->context, s->at, place, why, &end);
    s->at = end;
}

/* At a backslash: the next character means itself. */
void
shell_read_backslash(struct shell_lex *s)
{
    s->at++;
    if (shell_at(s, s->at, "${{")) shell_expression(s, false, "right behind a backslash");
    else if (s->at < s->size) s->at++;
}

/* Behind a single quote. */
void
shell_read_single(struct shell_lex *s)
{
    while (shell_more(s)) {
        if (shell_at(s, s->at, "${{")) shell_expression(s, true, "inside single quotes");
        else if (s->text[s->at++] == '\'') return;
    }
    s->unclosed = true;
}

void
shell_read_backtick(struct shell_lex *s)
{
    while (shell_more(s)) {
        if (shell_at(s, s->at, "${{")) shell_expression(s, true, "inside backticks");
        else if (s->text[s->at] == '\\') shell_read_backslash(s);
        else if (s->text[s->at++] == '`') return;
    }
    s->unclosed = true;
}

void
shell_read_double(struct shell_lex *s, struct shell_command *command)
{
    if (++s->depth > SHELL_DEPTH_MAX) s->unclosed = true;
    while (shell_more(s) && !s->unclosed) {
        char c = s->text[s->at];
        if (c == '$') {
            shell_read_dollar(s, true, command);
        } else if (c == '\\') {
            shell_read_backslash(s);
        } else if (c == '`') {
            s->at++;
            shell_read_backtick(s);
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
void
shell_read_arithmetic(struct shell_lex *s, const char *close)
{
    const char *outer = s->forbidden;
    size_t brackets = 0;
    char open = close[0] == ')' ? '(' : '[';
    s->forbidden = "inside arithmetic";
    if (++s->depth > SHELL_DEPTH_MAX) s->unclosed = true;
    while (shell_more(s) && !s->unclosed) {
        char c = s->text[s->at];
        if (c == '$') {
            shell_read_dollar(s, true, NULL);
        } else if (c == '\\') {
            shell_read_backslash(s);
        } else if (c == '`') {
            s->at++;
            shell_read_backtick(s);
        } else if (c == '\'' || c == '"') {
            shell_doubt(s, "behind quotes inside arithmetic, which shells read differently,");
            s->at++;
        } else if (c == close[0] && brackets == 0) {
            bool closed = shell_at(s, s->at, close);
            /* `$((a) | b)` is a command after all, if the shell says so. */
            if (!closed) shell_doubt(s, "behind \"((\" that is not closed by \"))\"");
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
    while (shell_more(s) && !s->unclosed) {
        char c = s->text[s->at];
        if (c == '$') {
            shell_read_dollar(s, quoted, NULL);
        } else if (c == '\\') {
            shell_read_backslash(s);
        } else if (c == '`') {
            s->at++;
            shell_read_backtick(s);
        } else if (c == '"' || c == '\'') {
            s->at++;
            if (quoted) shell_doubt(s, "behind quotes inside \"${ }\", which shells read differently,");
            if (c == '"') shell_read_double(s, NULL);
            else if (!quoted) shell_read_single(s);
        } else {
            s->at++;
            if (c == '{') shell_doubt(s, "behind a brace inside ${ }, which shells read differently,");
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
    if (plain != escaped) shell_doubt(s, "behind $'…\\'…', which only bash reads as one quote,");
    shell_read_single(s);
    while (plain != escaped && shell_more(s) && s->at <= escaped) {
        if (shell_at(s, s->at, "${{")) shell_expression(s, true, "inside single quotes");
        else s->at++;
    }
}

/* At `$`. `command` (may be NULL): whose word this is part of. */
void
shell_read_dollar(struct shell_lex *s, bool quoted, struct shell_command *command)
{
    if (shell_at(s, s->at, "${{")) {
        if (command != NULL && command->used == SHELL_NONE) command->used = s->at;
        if (command != NULL)
            command->word_begins =
                command->word_begins || (command->size == 0 && !command->word_expression);
        if (command != NULL) command->word_expression = true;
        shell_expression(s, quoted, NULL);
    } else if (shell_at(s, s->at + 1, "${{")) {
        s->at++;
        shell_expression(s, quoted, "right behind a dollar sign");
    } else if (shell_at(s, s->at, "$((")) {
        s->at += 3;
        shell_read_arithmetic(s, "))");
    } else if (shell_at(s, s->at, "$(")) {
        s->at += 2;
        shell_read_commands(s, true);
    } else if (shell_at(s, s->at, "${")) {
        s->at += 2;
        read_parameter(s, quoted);
    } else if (shell_at(s, s->at, "$[")) {
        s->at += 2;
        shell_read_arithmetic(s, "]");
    } else if (!quoted && shell_at(s, s->at, "$'")) {
        s->at += 2;
        read_ansi(s);
    } else {
        int next = shell_peek(s, 1);
        s->at += next > 0 && strchr("$?!#*@-0123456789", next) != NULL ? 2 : 1;
    }
}

/* Behind `<<` or `<<-`. */
void
shell_read_delimiter(struct shell_lex *s, bool tabs)
{
    if (s->nheredocs == SHELL_HEREDOCS_MAX) {
        s->unclosed = true;
        return;
    }
    struct shell_heredoc *doc = &s->heredocs[s->nheredocs++];
    size_t used = 0;
    *doc = (struct shell_heredoc){.tabs = tabs};
    while (shell_peek(s, 0) == ' ' || shell_peek(s, 0) == '\t') s->at++;
    while (shell_more(s)) {
        char c = s->text[s->at];
        if (shell_at(s, s->at, "${{")) {
            shell_expression(s, false, "in the end mark of a here-document");
            return;
        }
        if (strchr(" \t\n;&|<>()", c) != NULL) break;
        s->at++;
        if (c == '\'' || c == '"') {
            doc->quoted = true;
            while (shell_more(s) && s->text[s->at] != c) {
                if (shell_at(s, s->at, "${{")) {
                    shell_expression(s, true, "in the end mark of a here-document");
                    return;
                }
                if (s->text[s->at] == '$' || s->text[s->at] == '\\' || s->text[s->at] == '\n')
                    shell_doubt(s, "behind an unusual end mark of a here-document");
                if (used < sizeof doc->delimiter - 1) doc->delimiter[used++] = s->text[s->at];
                s->at++;
            }
            if (s->at < s->size) s->at++;
            continue;
        }
        if (c == '\\' && s->at < s->size && !shell_at(s, s->at, "${{")) {
            doc->quoted = true;
            c = s->text[s->at++];
        }
        if (c == '$' || c == '`') shell_doubt(s, "behind an unusual end mark of a here-document");
        if (used < sizeof doc->delimiter - 1) doc->delimiter[used++] = c;
    }
    if (used == 0 || used == sizeof doc->delimiter - 1)
        shell_doubt(s, "behind an unusual end mark of a here-document");
}

static void
read_heredoc_body(struct shell_lex *s, const struct shell_heredoc *doc, size_t end)
{
    size_t size = s->size;
    struct shell_command body = {.used = SHELL_NONE};
    s->size = end;
    while (shell_more(s)) {
        char c = s->text[s->at];
        if (doc->quoted) {
            if (shell_at(s, s->at, "${{"))
                shell_expression(s, true, "inside a here-document with a quoted end mark");
            else s->at++;
        } else if (c == '$') {
            shell_read_dollar(s, true, &body);
        } else if (c == '\\') {
            shell_read_backslash(s);
        } else if (c == '`') {
            s->at++;
            shell_read_backtick(s);
        } else {
            s->at++;
        }
    }
    if (body.used != SHELL_NONE && s->line_reader != NULL && !s->failed)
        s->risk(s->context, body.used, s->line_reader);
    s->size = size;
}

/* At the first line of a here-document: to behind its end mark. */
void
shell_read_heredoc(struct shell_lex *s, const struct shell_heredoc *doc)
{
    size_t line = s->at, mark = strlen(doc->delimiter);
    bool joined = false;
    for (;;) {
        const char *newline = line < s->size ? memchr(s->text + line, '\n', s->size - line) : NULL;
        size_t end = newline != NULL ? (size_t)(newline - s->text) : s->size, start = line;
        while (doc->tabs && start < end && s->text[start] == '\t') start++;
        bool is_mark = line < s->size && end - start == mark &&
                       memcmp(s->text + start, doc->delimiter, mark) == 0;
        if (is_mark && joined) shell_doubt(s, "behind an end mark that follows a backslash");
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
