/* SPDX-License-Identifier: Apache-2.0
 *
 * Every expression of a step, each in the scope of its key.
 */
#include "base/str.h"
#include "workflow/check.h"
#include "workflow/template.h"

/* `if` and `expect` decide something, so they are one expression and nothing around it. */
static bool
is_lone(const struct value *value, const char *const *variables)
{
    struct template *template;
    struct err err = {0};
    struct arena scratch ARENA_SCOPED = {0};
    if (template_parse(&scratch, value->text.ptr, (int)value->line, (int)value->column, variables, &template, &err))
        return true;
    if (template->count == 1 && template->parts[0].expr != NULL) return true;
    return false;
}

void
check_lone(struct check *check, const struct value *value, const char *const *variables, const char *key,
           const char *what)
{
    if (!is_lone(value, variables))
        CHECK_ERROR(check, value, "wrong-type", "Put all of it between one `${{` and `}}`.",
                    "\"%s\" of %s must be one expression", key, what);
}

static void
check_condition(struct check *check, struct scope *scope, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    const struct value *value = keys_get(PLACE_STEP, check->drafts[index].map, "if");
    if (value == NULL) return;
    step->condition_line = (int)value->line;
    step->condition_column = (int)value->column;
    if (value->type == VALUE_BOOL) {
        step->condition = value->boolean ? "${{ true }}" : "${{ false }}";
        return;
    }
    step->condition = value->text.ptr;
    scope->what = "`if`";
    scope->allow |= SCOPE_STATUS;
    check_tree(check, scope, value);
    scope->allow &= ~(unsigned)SCOPE_STATUS;
    check_lone(check, value, scope->variables, "if", check->drafts[index].what);
}

static void
check_expect(struct check *check, struct scope *scope, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    const struct value *list = keys_get(PLACE_STEP, check->drafts[index].map, "expect");
    if (list == NULL) return;
    step->expect = list;
    scope->what = "`expect`";
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *item = list->list.items[i];
        bool text = item->type == VALUE_STRING && template_is(item->text.ptr);
        if (!text)
            CHECK_ERROR(check, item, "wrong-type", "Write `- ${{ outputs.rows > 0 }}`.",
                        "each item of \"expect\" of %s must be an expression, not %s",
                        check->drafts[index].what, keys_type_phrase(item));
        else if (!is_lone(item, scope->variables))
            CHECK_ERROR(check, item, "wrong-type", "Put all of it between one `${{` and `}}`.",
                        "each item of \"expect\" of %s must be one expression", check->drafts[index].what);
        check_tree(check, scope, item);
    }
}

void
check_step_texts(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    const struct draft *draft = &check->drafts[index];
    struct scope scope = check_scope(check, index, "`env`");
    check_tree(check, &scope, draft->own_env);
    check_condition(check, &scope, index);
    check_approve_texts(check, index);
    if (step->kind == STEP_USES && value_get(draft->map, "uses") != NULL) check_inputs(check, index);
    if (!draft->broken) check_script(check, index);
    check_step_hook_texts(check, &scope, index);
    scope.what = "`cwd`";
    check_tree(check, &scope, keys_get(PLACE_STEP, draft->map, "cwd"));
    scope.what = "`stdin`";
    scope.allow |= SCOPE_SECRETS;
    check_tree(check, &scope, step->standard_input);
    if (check->undoes) return; /* it has neither outputs nor `expect` */
    scope.allow = (scope.allow & ~(unsigned)SCOPE_SECRETS) | SCOPE_OUTPUTS;
    check_expect(check, &scope, index);
    scope.what = "`outputs`";
    scope.allow |= SCOPE_RAW;
    for (size_t i = 0; i < step->noutputs; i++) check_tree(check, &scope, step->outputs[i].value);
}
