/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that no run reaches. A condition that is the same in every run is evaluated here: one of constants, one that
 * asks for the end of steps which must have succeeded before it is read at all, and one that asks for a failure where
 * none can have been. Said once, for the step that everything behind it is lost with.
 */
#include "base/str.h"
#include "workflow/check.h"
#include "workflow/template.h"

#define TOLD_MAX 5

struct reach {
    struct check *check;
    struct expr_vm *vm; /* made for the first condition that needs it */
    bool *never;        /* by step */
};

enum call_kind { CALL_ASKS = 1, CALL_OPEN = 2 };

/* Does the condition ask how things went, and in a way that only a run knows? */
static unsigned
calls_of(const struct expr *expr)
{
    unsigned ret = 0;
    for (size_t i = 0; i < expr->ncalls; i++) {
        const char *name = expr->calls[i];
        if (str_eq(name, "cancelled")) ret |= CALL_ASKS | CALL_OPEN;
        if (str_eq(name, "success") || str_eq(name, "failure") || str_eq(name, "always")) ret |= CALL_ASKS;
    }
    return ret;
}

/* steps.ID.status of a step that counts as succeeded only when it has. */
static bool
is_known_status(const struct reach *reach, uint32_t index, const struct expr_ref *ref)
{
    const struct step *step = &reach->check->model->steps[index];
    if (ref->depth != 3 || !str_eq(ref->path[0], "steps") || !str_eq(ref->path[2], "status")) return false;
    ptrdiff_t found = names_find(&reach->check->steps, ref->path[1]);
    if (found < 0) return false;
    uint32_t to = reach->check->step_index[found];
    for (size_t i = 0; i < step->nneeds; i++)
        if (step->needs[i] == to) return !reach->check->model->steps[to].continue_on_error;
    return false;
}

/* The names that the expression has in every run, or NULL when they differ. */
static const struct value *
fixed_names(const struct reach *reach, uint32_t index, const struct expr *expr, struct arena *arena)
{
    const struct step *step = &reach->check->model->steps[index];
    unsigned calls = calls_of(expr);
    bool first =
        step->nneeds == 0 && reach->check->outer == NULL && (step->part == PART_STEPS || step->part == PART_ON_SUCCESS);
    if ((calls & CALL_OPEN) || ((calls & CALL_ASKS) && !first)) return NULL;
    struct value *names = value_map(arena), *steps = value_map(arena), *status = value_map(arena);
    for (size_t i = 0; i < expr->nrefs; i++) {
        if (!is_known_status(reach, index, &expr->refs[i])) return NULL;
        struct value *one = value_map(arena);
        value_set(arena, one, "status", value_text(arena, "succeeded"));
        value_set(arena, steps, expr->refs[i].path[1], one);
    }
    value_set(arena, status, "success", value_bool(arena, true));
    value_set(arena, status, "failure", value_bool(arena, false));
    value_set(arena, status, "cancelled", value_bool(arena, false));
    value_set(arena, names, "steps", steps);
    value_set(arena, names, "status", status);
    return names;
}

/* The value that the only expression of a text has in every run, or NULL. */
static const struct value *
fixed_value(struct reach *reach, uint32_t index, const struct value *text, const struct expr **expr,
            struct arena *arena)
{
    struct template *template;
    struct err err = {0};
    const struct value *ret = NULL;
    const char *const *variables = reach->check->model->steps[index].variables;
    if (template_parse(arena, text->text.ptr, (int)text->line, (int)text->column, variables, &template, &err))
        return NULL;
    if (template->count != 1 || template->parts[0].expr == NULL) return NULL;
    *expr = template->parts[0].expr;
    const struct value *names = fixed_names(reach, index, *expr, arena);
    if (names == NULL) return NULL;
    if (reach->vm == NULL) reach->vm = expr_vm_new();
    return expr_eval(reach->vm, *expr, names, arena, &ret, &err) == 0 ? ret : NULL;
}

static const char *
hint_for(const struct expr *expr)
{
    for (size_t i = 0; i < expr->ncalls; i++)
        if (str_eq(expr->calls[i], "failure"))
            return "It needs no step, so none that it needs can have failed: add `needs`.";
    if (expr->nrefs > 0)
        return "A step behind one that failed is skipped before its `if` is read: write `failure() and …`, or put it "
               "into `on_failure`.";
    return NULL;
}

static void
look_at_condition(struct reach *reach, uint32_t index)
{
    struct check *check = reach->check;
    const struct draft *draft = &check->drafts[index];
    const struct value *own = keys_get(PLACE_STEP, draft->map, "if"), *value = own;
    const char *hint = "Take the step away, or the `if`.";
    if (own == NULL) return;
    struct arena scratch ARENA_SCOPED = {0};
    const struct expr *expr = NULL;
    if (own->type == VALUE_STRING) value = fixed_value(reach, index, own, &expr, &scratch);
    if (value == NULL) return;
    if (value->type != VALUE_BOOL) {
        CHECK_ERROR(check, own, "wrong-type", "Compare it with something: `${{ … == … }}`.",
                    "\"if\" of %s is %s, not true or false", draft->what, keys_type_phrase(value));
        return;
    }
    reach->never[index] = !value->boolean;
    if (expr != NULL && (expr->ncalls > 0 || expr->nrefs > 0) && value->boolean) return;
    if (expr != NULL && hint_for(expr) != NULL) hint = hint_for(expr);
    if (value->boolean)
        CHECK_WARNING(check, own, "no-effect", "Take it away.", "\"if\" of %s is always true", draft->what);
    else
        CHECK_WARNING(check, own, "unreachable", hint, "%s never runs: its \"if\" is always false", draft->what);
}

static void
look_at_expect(struct reach *reach, uint32_t index)
{
    struct check *check = reach->check;
    const struct value *list = check->model->steps[index].expect;
    for (size_t i = 0; list != NULL && i < list->list.count; i++) {
        struct arena scratch ARENA_SCOPED = {0};
        const struct expr *expr;
        const struct value *item = list->list.items[i], *value = fixed_value(reach, index, item, &expr, &scratch);
        if (value == NULL || expr->nrefs > 0 || value->type != VALUE_BOOL) continue;
        CHECK_WARNING(check, item, "no-effect", "Compare something of `outputs`.", "this \"expect\" of %s is always %s",
                      check->drafts[index].what, value->boolean ? "true" : "false, so the step always fails");
    }
}

/* Does its `if` ask, so that it may run behind a step that did not? */
static bool
asks(const struct reach *reach, uint32_t index)
{
    struct arena scratch ARENA_SCOPED = {0};
    struct template *template;
    struct err err = {0};
    const struct step *step = &reach->check->model->steps[index];
    if (step->condition == NULL || template_parse(&scratch, step->condition, 0, 0, step->variables, &template, &err))
        return false;
    for (size_t i = 0; i < template->count; i++)
        if (template->parts[i].expr != NULL && calls_of(template->parts[i].expr)) return true;
    return false;
}

/* What needs a step that never runs is skipped with it. Steps may stand in any order, so this goes on until nothing
 * changes; each round finds one. */
static void
spread(struct reach *reach)
{
    const struct model *model = reach->check->model;
    bool any = false, more = true;
    size_t told = 0;
    for (size_t i = 0; i < model->nsteps; i++) any = any || reach->never[i];
    for (unsigned rounds = 0; any && more && rounds < 100; rounds++) {
        more = false;
        for (uint32_t i = 0; i < model->nsteps; i++) {
            const char *lost = NULL;
            for (size_t k = 0; k < model->steps[i].nneeds && lost == NULL; k++)
                if (reach->never[model->steps[i].needs[k]]) lost = model->steps[model->steps[i].needs[k]].id;
            if (lost == NULL || reach->never[i] || asks(reach, i)) continue;
            reach->never[i] = more = true;
            if (told++ >= TOLD_MAX) continue; /* who mends the first mends the others too */
            CHECK_WARNING(reach->check, reach->check->drafts[i].map, "unreachable",
                          "Behind a step that was skipped a step runs only when its `if` says so: `${{ always() }}`.",
                          "%s never runs: it needs step \"%s\", which never does", reach->check->drafts[i].what, lost);
        }
    }
}

/* A step that may fail the run: on_failure is for these. */
static void
look_at_on_failure(struct reach *reach)
{
    const struct model *model = reach->check->model;
    for (uint32_t i = 0; i < model->nsteps; i++) {
        const struct step *step = &model->steps[i];
        if (step->part == PART_ON_FAILURE) {
            CHECK_WARNING(reach->check, reach->check->drafts[i].map, "unreachable",
                          "Every step before it has `continue_on_error: true`, or never runs.",
                          "`on_failure` never runs: no step can fail the run");
            return;
        }
        if (step->part == PART_FINALLY || (!step->continue_on_error && !reach->never[i])) return;
    }
}

void
check_reach(struct check *check)
{
    struct reach reach = {.check = check, .never = ARENA_ARRAY(check->arena, check->model->nsteps, bool)};
    for (uint32_t i = 0; i < check->model->nsteps; i++) {
        look_at_condition(&reach, i);
        look_at_expect(&reach, i);
    }
    spread(&reach);
    if (check->outer == NULL) look_at_on_failure(&reach);
    if (reach.vm != NULL) expr_vm_free(reach.vm);
    for (uint32_t i = 0; i < check->model->nsteps; i++)
        if (check->drafts[i].inner != NULL) check_reach(check->drafts[i].inner);
}
