/* SPDX-License-Identifier: Apache-2.0
 *
 * call("plugin.action", {…}) in a chunk: which actions it may call is known before it runs, because they are written as
 * texts. Each is a step of its own, whose inputs the chunk gives beside those that the plugin's steps share.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/check.h"
#include "workflow/expr_lex.h"

static bool
is_known(const struct value *steps, const char *action)
{
    for (size_t i = 0; i < steps->list.count; i++)
        if (str_eq(value_get_str(steps->list.items[i], "uses", ""), action)) return true;
    return false;
}

/* `trino.query` becomes the step `trino_query`. */
static void
add_call(struct check *check, struct value *steps, const struct token *token)
{
    struct value *step = value_map(check->arena), *uses = value_text(check->arena, token->text);
    char *id = arena_strdup(check->arena, token->text);
    if (is_known(steps, token->text)) return;
    for (char *p = id; *p; p++)
        if (*p == '.') *p = '_';
    step->line = uses->line = (uint32_t)token->line;
    step->column = uses->column = (uint32_t)token->column;
    /* `a_b.c` and `a.b_c` are two. */
    for (size_t i = 0; i < steps->list.count; i++)
        if (str_eq(value_get_str(steps->list.items[i], "id", ""), id))
            id = arena_printf(check->arena, "%s_%zu", id, steps->list.count + 1);
    value_set(check->arena, step, "id", value_text(check->arena, str_is_id(id) ? id : "call"));
    value_set(check->arena, step, "uses", uses);
    value_push(check->arena, steps, step);
}

/* The actions that the text calls; their places are those in the file. */
static const struct value *
find_calls(struct check *check, const struct step *step)
{
    struct value *steps = value_list(check->arena);
    struct lexer lexer;
    struct token token;
    struct err err = {0};
    bool member = false;
    lex_init_script(&lexer, check->arena, step->text, step->text_line, step->text_column);
    if (lex_next(&lexer, &token, &err)) return steps;
    while (token.kind != TOKEN_END) {
        bool call = token.kind == TOKEN_NAME && str_eq(token.text, "call") && !member;
        int line = token.line, column = token.column;
        member = token_is(&token, ".") || token_is(&token, ":") || token_is(&token, "function");
        if (lex_next(&lexer, &token, &err)) return steps;
        if (!call || !token_is(&token, "(")) continue;
        if (lex_next(&lexer, &token, &err)) return steps;
        if (token.kind == TOKEN_STRING) add_call(check, steps, &token);
        else
            diag_add(check->diags, DIAG_ERROR, line, column, "lua", "Write call(\"plugin.action\", {…}).",
                     "which action is called must be written as a text");
    }
    return steps;
}

void
check_calls_read(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    struct draft *draft = &check->drafts[index];
    if (step->kind != STEP_LUA || step->text == NULL || strstr(step->text, "call") == NULL) return;
    const struct value *parts[PARTS] = {find_calls(check, step)};
    if (parts[0]->list.count == 0) return;
    draft->calls = check_inner(check, index);
    draft->calls->calls = true;
    check_inner_read(check, draft->calls, parts);
    step->calls = draft->calls->model;
}

void
check_calls_link(struct check *check, uint32_t index)
{
    if (check->drafts[index].calls != NULL) check_inner_link(check, check->drafts[index].calls);
}
