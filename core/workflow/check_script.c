/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of `run` and `lua`. A shell script is held to the rules of injection; a Lua chunk is compiled, and the
 * names it mentions are looked up as those of an expression are, so that it has edges too.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/check.h"
#include "workflow/expr_lex.h"
#include "workflow/template.h"

struct warner {
    struct check *check;
};

static void
warn(void *context, int line, int column, const char *message)
{
    const struct warner *warner = context;
    diag_add(warner->check->diags, DIAG_WARNING, line, column, "injection",
             "Pass the value in a variable (`env:`) or as an argument of its own, and quote it there.", "%s",
             message);
}

#define FAULTS_SHOWN 20 /* of one script */

/* Writes x over the expression that a fault stands at, so that the next one can be found. */
static bool
strike_out(char *text, const struct step *step, const struct err *err)
{
    char *p = text, *end = text + strlen(text);
    for (int line = step->text_line; line < err->line && p != NULL; line++)
        if ((p = strchr(p, '\n')) != NULL) p++;
    if (p == NULL) return false;
    for (int column = step->text_column; column < err->column && p < end; column++)
        do p++;
        while (((unsigned char)*p & 0xc0) == 0x80);
    ptrdiff_t close = strncmp(p, "${{", 3) == 0 ? lex_template_end(p, (size_t)(end - p), 3) : -1;
    if (close < 0) return false;
    for (ptrdiff_t i = 0; i < close + 2; i++)
        if (p[i] != '\n') p[i] = 'x';
    return true;
}

static void
check_run(struct check *check, uint32_t index)
{
    const struct step *step = &check->model->steps[index];
    if (!template_is(step->text)) return;
    struct warner warner = {check};
    struct arena scratch ARENA_SCOPED = {0};
    char *text = arena_strdup(&scratch, step->text);
    for (int i = 0; i < FAULTS_SHOWN; i++) {
        struct err err = {0};
        struct inject *inject;
        if (inject_parse(&scratch, step->shell, text, step->text_line, step->text_column, step->variables, warn,
                         &warner, &inject, &err) == 0)
            return;
        diag_err(check->diags, "injection", &err);
        /* With an open quote each of them would be at fault. */
        if (strstr(err.message, "not closed") != NULL || !strike_out(text, step, &err)) return;
    }
}

#define ROOTS 7

static int
root_of(const struct token *token)
{
    static const char *const roots[ROOTS] = {"params", "env", "secrets", "steps", "run", "outputs", "approval"};
    for (int i = 0; token->kind == TOKEN_NAME && i < ROOTS; i++)
        if (str_eq(roots[i], token->text)) return i;
    return -1;
}

/* The path that begins with `token`, as far as it is written with constants; *token is what follows. */
static int
read_path(struct lexer *lexer, struct token *token, struct expr_ref *ref, struct err *err)
{
    *ref = (struct expr_ref){.path = {token->text}, .depth = 1};
    if (lex_next(lexer, token, err)) return EXIT_INVALID;
    for (;;) {
        bool dot = token_is(token, "."), bracket = token_is(token, "[");
        if (!dot && !bracket) return 0;
        if (lex_next(lexer, token, err)) return EXIT_INVALID;
        bool constant = dot ? token->kind == TOKEN_NAME : token->kind == TOKEN_STRING;
        if (!constant || ref->depth == EXPR_PATH_MAX) return 0;
        ref->path[ref->depth++] = token->text;
        if (lex_next(lexer, token, err)) return EXIT_INVALID;
        if (bracket && !token_is(token, "]")) return 0;
        if (bracket && lex_next(lexer, token, err)) return EXIT_INVALID;
    }
}

/* Names that `local a, b` declares are the chunk's own from there on, wherever its block ends: being lenient after
 * it costs an error message, being strict would cost a right script. */
static int
read_locals(struct lexer *lexer, struct token *token, bool *hidden, struct err *err)
{
    do {
        if (lex_next(lexer, token, err)) return EXIT_INVALID;
        int root = root_of(token);
        if (root >= 0) hidden[root] = true;
        if (token->kind == TOKEN_NAME && lex_next(lexer, token, err)) return EXIT_INVALID;
    } while (token_is(token, ","));
    return 0;
}

static void
check_lua_names(struct check *check, const struct scope *scope, struct lexer *lexer)
{
    bool hidden[ROOTS] = {false}, member = false;
    struct token token;
    struct err err = {0};
    if (lex_next(lexer, &token, &err)) return;
    while (token.kind != TOKEN_END) {
        int root = root_of(&token), line = token.line, column = token.column;
        if (token_is(&token, "local") || token_is(&token, "for")) {
            if (read_locals(lexer, &token, hidden, &err)) return;
            member = false;
            continue;
        }
        if (root < 0 || hidden[root] || member) {
            member = token_is(&token, ".") || token_is(&token, ":");
            if (lex_next(lexer, &token, &err)) return;
            continue;
        }
        struct expr_ref ref;
        if (read_path(lexer, &token, &ref, &err)) return;
        /* `{run = 1}` names a member, not the root. */
        if (ref.depth > 1 || !token_is(&token, "=")) check_ref(check, scope, &ref, line, column);
        member = false;
    }
}

void
check_lua_text(struct check *check, const struct scope *scope, const char *text, int line, int column)
{
    struct err err = {0};
    if (script_check(text, line, scope->variables, &err)) {
        if (err.line == 0) {
            err.line = line;
            err.column = column;
        } else if (err.column > 0 && column > 1) {
            err.column += column - 1; /* the chunk's columns begin where its text does */
        }
        if (err.column == 0) err.column = 1;
        diag_err(check->diags, "lua", &err);
        return;
    }
    struct lexer lexer;
    struct arena scratch ARENA_SCOPED = {0};
    lex_init_script(&lexer, &scratch, text, line, column);
    check_lua_names(check, scope, &lexer);
}

void
check_script(struct check *check, uint32_t index)
{
    const struct step *step = &check->model->steps[index];
    if (step->text == NULL || step->hook != NULL) return; /* a hook has been looked at */
    struct scope scope = check_scope(check, index, step->kind == STEP_RUN ? "`run`" : "`lua`");
    const struct value *text = value_get(check->drafts[index].map, step->kind == STEP_RUN ? "run" : "lua");
    size_t before = check->diags->errors;
    if (step->kind == STEP_RUN) check_tree(check, &scope, text);
    if (check->diags->errors > before) return;
    check->diags->within = text;
    if (step->kind == STEP_RUN) check_run(check, index);
    else check_lua_text(check, &scope, step->text, step->text_line, step->text_column);
    check->diags->within = NULL;
}
