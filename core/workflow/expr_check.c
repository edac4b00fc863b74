/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be seen of an operator's two sides while they are parsed: faults that a run would meet each time.
 */
#include "base/str.h"
#include "workflow/expr_node.h"

/* What nothing can be counted with, or NULL. */
static const char *
no_number(const struct node *node)
{
    switch (node->kind) {
    case NODE_STRING: return "a text";
    case NODE_LIST: return "a list";
    case NODE_MAP: return "a map";
    case NODE_CONSTANT:
        return str_eq(node->text, "null") ? "null"
               : str_eq(node->text, "true") || str_eq(node->text, "false") ? "a boolean"
                                                                           : NULL;
    default: return NULL;
    }
}

static int
check_count(const struct token *at, const struct node *left, const struct node *right, struct err *err)
{
    const char *what = no_number(left) != NULL ? no_number(left) : no_number(right);
    if (what == NULL) return 0;
    err_set(err, EXIT_INVALID, "\"%s\" cannot count with %s", at->text, what);
    err->line = at->line;
    err->column = at->column;
    if (str_eq(what, "a text"))
        err_hint(err, token_is(at, "+") ? "Write a .. b to join texts." : "Write the number without quotes.");
    return EXIT_INVALID;
}

/* steps.ID.status == 'success' would be false for ever. */
static int
check_status(const struct expr *expr, const struct node *left, const struct node *right, struct err *err)
{
    static const char *const words[] = {"succeeded", "failed", "skipped", "cancelled", "unknown"};
    static const char *const habits[][2] = {
        {"success", "succeeded"}, {"successful", "succeeded"}, {"ok", "succeeded"},
        {"done", "succeeded"},    {"completed", "succeeded"},  {"finished", "succeeded"},
        {"failure", "failed"},    {"error", "failed"},         {"canceled", "cancelled"}};
    if (left->kind == NODE_STRING) {
        const struct node *swap = left;
        left = right;
        right = swap;
    }
    const struct expr_ref *ref = left->kind == NODE_REF ? &expr->refs[left->ref] : NULL;
    if (right->kind != NODE_STRING || ref == NULL || ref->depth != 3 || !str_eq(ref->path[0], "steps") ||
        !str_eq(ref->path[2], "status"))
        return 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq(words[i], right->text)) return 0;
    const struct expr_place *place = &expr->code->places[right->place];
    err_set(err, EXIT_INVALID, "the status of a step is never \"%.100s\"", right->text);
    err->line = place->line;
    err->column = place->column;
    const char *meant = NULL;
    for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
        if (str_eq(habits[i][0], right->text)) meant = habits[i][1];
    if (meant == NULL) meant = str_nearest(right->text, words, sizeof words / sizeof *words);
    if (meant != NULL) err_hint(err, "Did you mean '%s'?", meant);
    else err_hint(err, "It is succeeded, failed, skipped, cancelled or unknown.");
    return EXIT_INVALID;
}

int
expr_check_binary(const struct expr *expr, int power, const struct token *at, const struct node *left,
                  const struct node *right, struct err *err)
{
    if (power >= POWER_ADD) return check_count(at, left, right, err);
    return token_is(at, "==") || token_is(at, "~=") ? check_status(expr, left, right, err) : 0;
}
