/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks at a `lua:` step before it runs: Lua's parser, then the names. A name that the chunk
 * nowhere declares and that nobody provides is an error here instead of in the middle of a run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "workflow/script.h"

#define SCRIPT_SIZE_MAX (1024u * KIB)
#define TOKENS_MAX 200000u

struct scan {
    struct token *tokens;
    size_t count;
    const char **declared;
    size_t ndeclared;
};

static int
refuse(const struct token *token, struct err *err, const char *hint, const char *fmt, const char *name)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    err_set(err, EXIT_INVALID, fmt, name);
#pragma GCC diagnostic pop
    if (hint != NULL) err_hint(err, "%s", hint);
    err->line = token->line;
    err->column = token->column;
    return EXIT_INVALID;
}

static int
read_tokens(struct arena *arena, const char *text, int line, struct scan *scan, struct err *err)
{
    struct lexer lexer;
    size_t max = 64;
    lex_init(&lexer, arena, text, strlen(text), line, 1);
    lexer.script = true;
    scan->tokens = ARENA_ARRAY(arena, max, struct token);
    for (;;) {
        struct token token;
        int code = lex_next(&lexer, &token, err);
        if (code) return code;
        if (scan->count >= TOKENS_MAX)
            return refuse(&token, err, NULL, "a script of more than 200000 words%s", "");
        if (scan->count == max) {
            struct token *more = ARENA_ARRAY(arena, max * 2, struct token);
            memcpy(more, scan->tokens, max * sizeof *more);
            scan->tokens = more;
            max *= 2;
        }
        scan->tokens[scan->count++] = token;
        if (token.kind == TOKEN_END) break;
    }
    scan->declared = ARENA_ARRAY(arena, scan->count, const char *);
    return 0;
}

static void
declare(struct scan *scan, const struct token *token)
{
    if (token->kind == TOKEN_NAME) scan->declared[scan->ndeclared++] = token->text;
}

static bool
is_declared(const struct scan *scan, const char *name)
{
    for (size_t i = 0; i < scan->ndeclared; i++)
        if (str_eq(scan->declared[i], name)) return true;
    return false;
}

/* local a <const>, b; local function f; function (a, b); for a, b in. Where a name ends to be known
 * is not followed: a name declared anywhere is let pass, and the run says the rest. */
static void
find_declared(struct scan *scan)
{
    for (size_t i = 0; i + 1 < scan->count; i++) {
        const struct token *t = &scan->tokens[i];
        if (token_is(t, "local") || token_is(t, "for")) {
            size_t k = i + 1;
            if (token_is(&scan->tokens[k], "function")) {
                declare(scan, &scan->tokens[k + 1]);
                continue;
            }
            while (scan->tokens[k].kind == TOKEN_NAME) {
                declare(scan, &scan->tokens[k++]);
                if (token_is(&scan->tokens[k], "<")) k += 3;
                if (k >= scan->count || !token_is(&scan->tokens[k], ",")) break;
                k++;
            }
        } else if (token_is(t, "function")) {
            size_t k = i + 1;
            while (k < scan->count && !token_is(&scan->tokens[k], "(") &&
                   scan->tokens[k].kind != TOKEN_END)
                k++;
            for (k++; k < scan->count && scan->tokens[k].kind == TOKEN_NAME; k += 2)
                declare(scan, &scan->tokens[k]);
        }
    }
}

/* `.x`, `:x`, `::x::`, `goto x`, `<const>` and `{x = …}` are no uses of the name x. */
static bool
is_use(const struct scan *scan, size_t i, bool in_braces)
{
    const struct token *before = i > 0 ? &scan->tokens[i - 1] : NULL, *after = &scan->tokens[i + 1];
    if (scan->tokens[i].kind != TOKEN_NAME) return false;
    if (before == NULL) return true;
    if (token_is(before, ".") || token_is(before, ":") || token_is(before, "::") ||
        token_is(before, "goto"))
        return false;
    if (token_is(before, "<") && token_is(after, ">") && i > 1 &&
        scan->tokens[i - 2].kind == TOKEN_NAME)
        return false;
    return !(in_braces && token_is(after, "=") &&
             (token_is(before, "{") || token_is(before, ",") || token_is(before, ";")));
}

/* secrets.x ==, == secrets.x: Lua would say "different" whatever the secret is. */
static bool
compares_secret(const struct scan *scan, size_t i)
{
    const struct token *t = scan->tokens;
    if (!str_eq(t[i].text, "secrets")) return false;
    if (i > 0 && (token_is(&t[i - 1], "==") || token_is(&t[i - 1], "~="))) return true;
    size_t end = i + 1;
    while (end + 1 < scan->count && token_is(&t[end], ".")) end += 2;
    return token_is(&t[end], "==") || token_is(&t[end], "~=");
}

static int
check_names(const struct scan *scan, const char *const *variables, struct err *err)
{
    char braces[LIMIT_DEPTH * 8];
    size_t depth = 0;
    for (size_t i = 0; i + 1 < scan->count; i++) {
        const struct token *t = &scan->tokens[i];
        if (token_is(t, "{") || token_is(t, "(") || token_is(t, "[")) {
            if (depth < sizeof braces) braces[depth] = t->text[0];
            depth++;
        } else if (depth > 0 && (token_is(t, "}") || token_is(t, ")") || token_is(t, "]"))) {
            depth--;
        }
        bool in_braces = depth > 0 && depth <= sizeof braces && braces[depth - 1] == '{';
        if (!is_use(scan, i, in_braces)) continue;
        if (str_eq(t->text, "_ENV")) return refuse(t, err, NULL, "\"%s\" cannot be used", t->text);
        if (is_declared(scan, t->text) || expr_is_variable(variables, t->text)) continue;
        if (compares_secret(scan, i))
            return refuse(t, err, "A secret can be joined with texts and passed on, nothing else.",
                          "a secret cannot be compared%s", "");
        const struct token *before = i > 0 ? &scan->tokens[i - 1] : NULL;
        bool set = token_is(&scan->tokens[i + 1], "=") || (before != NULL && token_is(before, "function"));
        if (set)
            return refuse(t, err, "Write local in front of it, or set_output(name, value).",
                          "\"%s\" is not declared", t->text);
        if (script_knows(t->text)) continue;
        const char *near = str_nearest(t->text, scan->declared, scan->ndeclared);
        int code = expr_unknown_name(t, variables, token_is(&scan->tokens[i + 1], "("), err);
        if (near != NULL) err_hint(err, "Did you mean \"%s\"?", near);
        return code;
    }
    return 0;
}

/* Gives Lua one byte at a time: how far it got tells where its error stands. */
struct reader {
    const char *text;
    size_t size, at;
};

static const char *
read_byte(lua_State *lua, void *context, size_t *size)
{
    struct reader *reader = context;
    (void)lua;
    *size = reader->at < reader->size ? 1 : 0;
    return *size ? reader->text + reader->at++ : NULL;
}

/* "'end' expected (to close 'if' at line 2) near <eof>": the `if` is what to look at, and the line is the chunk's. */
static bool
unclosed(const struct scan *scan, const char *message, int line, struct err *err)
{
    char wanted[32], opened[32];
    int at;
    if (sscanf(message, "'%31[^']' expected (to close '%31[^']' at line %d)", wanted, opened, &at) != 3) return false;
    for (size_t i = scan->count; i-- > 0;) {
        const struct token *t = &scan->tokens[i];
        if (t->line != line + at - 1 || !str_eq(t->text, opened)) continue;
        err_set(err, EXIT_INVALID, "\"%s\" is not closed: \"%s\" is missing%s", opened, wanted,
                strstr(message, "near <eof>") != NULL ? " at the end" : "");
        err->line = t->line;
        err->column = t->column;
        const char *near = strstr(message, " near '");
        if (near != NULL)
            err_hint(err, "It should stand before %.*s at the latest.", (int)strcspn(near + 6, "\n"), near + 6);
        return true;
    }
    return false;
}

/* Lua says the line and, mostly, the word: the last such word that it had read is the one. */
static int
syntax_error(const struct scan *scan, const char *message, size_t read, int line, struct err *err)
{
    const char *rest = message;
    long at = 0;
    if (strncmp(message, "e:", 2) == 0) {
        char *end;
        at = strtol(message + 2, &end, 10);
        if (end[0] == ':' && end[1] == ' ') rest = end + 2;
    }
    if (unclosed(scan, rest, line, err)) return EXIT_INVALID;
    err_set(err, EXIT_INVALID, "%s", rest);
    err->line = line + (int)at - 1;
    err->column = 1;
    /* Behind the last word there is nothing to point at. */
    if (strstr(rest, "near <eof>") != NULL && scan->count > 1) {
        err->line = scan->tokens[scan->count - 2].line;
        err->column = scan->tokens[scan->count - 2].column;
    }
    const char *near = strstr(rest, " near '");
    for (size_t i = 0; near != NULL && i < scan->count; i++) {
        const struct token *t = &scan->tokens[i];
        size_t size = t->end - t->start;
        if (t->start >= read || t->line != err->line || size == 0) continue;
        if (strncmp(near + 7, t->text, size) == 0 && near[7 + size] == '\'') err->column = t->column;
    }
    return EXIT_INVALID;
}

int
script_check(const char *text, int line, const char *const *variables, struct err *err)
{
    struct arena arena ARENA_SCOPED = {0};
    struct scan scan = {0};
    struct reader reader = {text, strlen(text), 0};
    if (line <= 0) line = 1;
    struct token start = {.line = line, .column = 1};
    if (reader.size > SCRIPT_SIZE_MAX) return refuse(&start, err, NULL, "a script of more than 1 MiB%s", "");
    if (read_tokens(&arena, text, line, &scan, err) != 0) return EXIT_INVALID;
    lua_State *lua = luaL_newstate();
    if (lua == NULL) return err_set(err, EXIT_STORE, "out of memory");
    int code = 0;
    if (lua_load(lua, read_byte, &reader, "=e", "t") != LUA_OK)
        code = syntax_error(&scan, lua_tostring(lua, -1), reader.at, line, err);
    lua_close(lua);
    if (code) return code;
    find_declared(&scan);
    return check_names(&scan, variables, err);
}
