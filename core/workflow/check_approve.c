/* SPDX-License-Identifier: Apache-2.0
 *
 * `approve:` of a step: who is asked before it starts, and for what. What cannot be held to in this version is refused
 * here, so that a file never promises more control than there is (decision 0010).
 */
#include <string.h>

#include "base/limits.h"
#include "base/str.h"
#include "workflow/check.h"
#include "workflow/template.h"

#define APPROVERS_MAX 2 /* users who can reach a run: the owner of the state directory, and root */

static const char *
what_of(struct check *check, uint32_t index)
{
    return arena_printf(check->arena, "`approve` of %s", check->drafts[index].what);
}

/* "user:ann", "group:dba". A number is good too: not every machine knows every name. */
static bool
is_approver(const char *text)
{
    const char *name = str_starts(text, "user:") ? text + 5 : str_starts(text, "group:") ? text + 6 : "";
    return *name != '\0' && *name != '-' && strlen(name) <= LIMIT_ID_SIZE && strpbrk(name, " \t\n:,/") == NULL;
}

static void
check_approver(struct check *check, uint32_t index, const struct value *one)
{
    if (one->type != VALUE_STRING) {
        CHECK_ERROR(check, one, "wrong-type", "Write `[\"user:ann\", \"group:dba\"]`.",
                    "\"by\" of %s must be a list of users and groups, not %s", what_of(check, index),
                    keys_type_phrase(one));
        return;
    }
    if (template_is(one->text.ptr)) {
        CHECK_ERROR(check, one, "no-expression", "Write the users and groups themselves.",
                    "\"by\" of %s takes no expression", what_of(check, index));
    } else if (str_starts(one->text.ptr, "key:")) {
        CHECK_ERROR(check, one, "not-yet", "Name a user or a group of the system: `user:ann`, `group:dba`.",
                    "approvers that sign with a key are not supported by this version");
    } else if (!is_approver(one->text.ptr)) {
        bool bare = one->text.ptr[0] != '\0' && strpbrk(one->text.ptr, " :,/@") == NULL;
        CHECK_ERROR(check, one, "wrong-value",
                    bare ? arena_printf(check->arena, "Write `user:%.100s` or `group:%.100s`.", one->text.ptr,
                                        one->text.ptr)
                         : "Write `user:NAME` or `group:NAME`, names of users and groups of the system.",
                    "\"%.100s\" in \"by\" of %s is neither a user nor a group", one->text.ptr, what_of(check, index));
    }
}

/* Can so many different users come together? */
static void
check_min(struct check *check, uint32_t index, const struct value *min, const struct approve *approve)
{
    size_t users = 0;
    if (min == NULL) return;
    for (size_t i = 0; approve->by != NULL && i < approve->by->list.count; i++) {
        const char *one = value_str(approve->by->list.items[i], "");
        users += str_starts(one, "user:") ? 1 : approve->min;
    }
    if (approve->by != NULL && users < approve->min)
        CHECK_ERROR(check, min, "wrong-value", "Name more users, or lower `min`: each of them counts once.",
                    "\"min\" of %s is %u, and \"by\" names %zu user%s", what_of(check, index), approve->min,
                    users, users == 1 ? "" : "s");
    else if (approve->min > APPROVERS_MAX)
        CHECK_ERROR(check, min, "not-yet", "Take 1 or 2, or a step for each decision.",
                    "\"min\" of %s is %u: a run can be reached by its owner and root, so no more than %d different "
                    "users can approve until approvals can be signed", what_of(check, index), approve->min,
                    APPROVERS_MAX);
}

static void
check_by(struct check *check, uint32_t index, const struct value *by, struct approve *approve)
{
    if (by == NULL) return;
    if (by->type != VALUE_LIST) {
        check_approver(check, index, by);
        struct value *list = value_list(check->arena);
        list->line = by->line;
        list->column = by->column;
        value_push(check->arena, list, by);
        approve->by = list;
        return;
    }
    if (by->list.count == 0)
        CHECK_ERROR(check, by, "wrong-value", "Leave it out, and whoever can reach the run may approve.",
                    "\"by\" of %s is empty: nobody could approve", what_of(check, index));
    for (size_t i = 0; i < by->list.count; i++) check_approver(check, index, by->list.items[i]);
    if (by->list.count > 0) approve->by = by;
}

static void
check_input(struct check *check, const struct value *map, struct approve *approve)
{
    if (map == NULL) return;
    approve->ninputs = map->map.count;
    approve->inputs = ARENA_ARRAY(check->arena, approve->ninputs, struct param);
    for (size_t i = 0; i < approve->ninputs; i++) {
        struct param *input = &approve->inputs[i];
        input->name = map->map.names[i];
        parse_name_place(map, i, &input->line, &input->column);
        check_id(check, input->name, "an input", input->line, input->column);
    }
}

void
check_approve(struct check *check, uint32_t index)
{
    const struct value *own = keys_get(PLACE_STEP, check->drafts[index].map, "approve");
    if (own == NULL || (own->type == VALUE_BOOL && !own->boolean)) return;
    struct approve *approve = ARENA_NEW(check->arena, struct approve);
    *approve = (struct approve){.min = 1};
    check->model->steps[index].approve = approve;
    if (own->type == VALUE_BOOL) return;
    const struct step *step = &check->model->steps[index];
    approve->of_item = step->loop != NULL && template_mentions(check->arena, own, step->variables, step->loop->as);
    keys_check(check->diags, PLACE_APPROVE, own, what_of(check, index));
    const struct value *min = keys_get(PLACE_APPROVE, own, "min");
    if (min != NULL) approve->min = (uint32_t)min->integer;
    approve->expires_ms = keys_duration(PLACE_APPROVE, own, "expires", 0);
    check_by(check, index, keys_get(PLACE_APPROVE, own, "by"), approve);
    check_min(check, index, min, approve);
    check_input(check, keys_get(PLACE_APPROVE, own, "input"), approve);
    const struct value *when = keys_get(PLACE_APPROVE, own, "when");
    if (when == NULL) return;
    approve->condition_line = (int)when->line;
    approve->condition_column = (int)when->column;
    approve->condition = when->type == VALUE_STRING ? when->text.ptr
                         : when->boolean            ? "${{ true }}"
                                                    : "${{ false }}";
}

void
check_approve_texts(struct check *check, uint32_t index)
{
    const struct step *step = &check->model->steps[index];
    const struct approve *approve = step->approve;
    if (approve == NULL) return;
    const struct value *own = value_get(check->drafts[index].map, "approve");
    struct scope scope = check_scope(check, index, "`when` of `approve`");
    scope.allow |= SCOPE_UNASKED;
    const struct value *when = own->type == VALUE_MAP ? keys_get(PLACE_APPROVE, own, "when") : NULL;
    check_tree(check, &scope, when);
    if (value_is(when, VALUE_STRING)) check_lone(check, when, scope.variables, "when", what_of(check, index));
    const struct value *input = own->type == VALUE_MAP ? keys_get(PLACE_APPROVE, own, "input") : NULL;
    for (size_t i = 0; i < approve->ninputs; i++) {
        struct declared declared = {.param = &approve->inputs[i], .noun = "an input", .scope = scope};
        declared.what = arena_printf(check->arena, "input \"%s\" of %s", approve->inputs[i].name,
                                     what_of(check, index));
        check_declared(check, &declared, input->map.values[i]);
    }
}

static void
input_ref(struct check *check, const struct approve *approve, const char *owner, const struct expr_ref *ref,
          size_t depth, int line, int column)
{
    const char **names = ARENA_ARRAY(check->arena, approve->ninputs + 1, const char *);
    const struct param *found = NULL;
    if (ref->depth <= depth) return;
    for (size_t i = 0; i < approve->ninputs; i++) {
        names[i] = approve->inputs[i].name;
        if (str_eq(names[i], ref->path[depth])) found = &approve->inputs[i];
    }
    if (found == NULL) {
        const char *hint = keys_suggest(check->diags, ref->path[depth], names, approve->ninputs);
        diag_add(check->diags, DIAG_ERROR, line, column, "unknown-name",
                 hint != NULL ? hint : "Declare it in the step: `approve: {input: {NAME: {type: string}}}`.",
                 "the approval of step \"%s\" has no input \"%s\"", owner, ref->path[depth]);
    } else if (ref->depth > depth + 1 && found->type != PARAM_MAP && found->type != PARAM_LIST) {
        diag_add(check->diags, DIAG_ERROR, line, column, "unknown-name", NULL,
                 "the input \"%s\" is a %s and has no members", found->name, param_type_name(found->type));
    }
}

/* Behind `approval` or `steps.ID.approval`: the rest of the path from `depth` on. */
static void
approval_ref(struct check *check, const struct step *step, const char *path, const struct expr_ref *ref, size_t depth,
             int line, int column)
{
    static const char *const members[] = {"input", "by", "reason"};
    const struct approve *approve = step->approve;
    if (ref->depth <= depth) {
        diag_add(check->diags, DIAG_ERROR, line, column, "unknown-name", "Name a member: `input`, `by` or `reason`.",
                 "\"%s\" cannot be used as a whole", path);
        return;
    }
    size_t i = 0;
    while (i < 3 && !str_eq(members[i], ref->path[depth])) i++;
    if (i == 0) {
        input_ref(check, approve, step->local != NULL ? step->local : "?", ref, depth + 1, line, column);
        return;
    }
    const char *near = keys_suggest(check->diags, ref->path[depth], members, 3);
    for (size_t k = 0; k < approve->ninputs; k++)
        if (str_eq(approve->inputs[k].name, ref->path[depth]))
            near = arena_printf(check->arena, "Did you mean `%s.input.%s`?", path, ref->path[depth]);
    if (i == 3)
        diag_add(check->diags, DIAG_ERROR, line, column, "unknown-name",
                 near != NULL ? near : "It has `input`, `by` and `reason`.", "\"%s\" has no \"%s\"", path,
                 ref->path[depth]);
    else if (i == 2 && ref->depth > depth + 1)
        diag_add(check->diags, DIAG_ERROR, line, column, "unknown-name", NULL, "\"%s.reason\" has no members", path);
}

/* It has `approve`, and that was reported as wrong: there is nothing more to say. */
static bool
is_wrong(const struct check *check, uint32_t step)
{
    const struct value *map = check->drafts[step].map;
    return value_get(map, "approve") != NULL && keys_get(PLACE_STEP, map, "approve") == NULL;
}

static void
report_none(struct check *check, const struct step *step, const char *path, int line, int column)
{
    diag_add(check->diags, DIAG_ERROR, line, column, "unknown-name", "Give it `approve: true`, or a map of it.",
             "step \"%s\" has no `approve`, so there is no \"%s\"", step->local != NULL ? step->local : "?", path);
}

void
check_approval(struct check *check, const struct scope *scope, const struct expr_ref *ref, int line, int column)
{
    struct check *at = check;
    uint32_t step = scope->step;
    if (step == NO_STEP && check->outer != NULL) { /* between the steps of a group */
        at = check->outer;
        step = check->owner;
    }
    if (step == NO_STEP) {
        diag_add(check->diags, DIAG_ERROR, line, column, "scope", "Write `steps.ID.approval.input.NAME`.",
                 "\"approval\" cannot be used in %s", scope->what);
        return;
    }
    const struct step *own = &at->model->steps[step];
    bool unasked = scope->step != NO_STEP && (scope->allow & (SCOPE_STATUS | SCOPE_UNASKED));
    if (unasked && (own->approve != NULL || at->outer == NULL)) {
        diag_add(check->diags, DIAG_ERROR, line, column, "scope", "Use it in what the step does, or in a later step.",
                 "\"approval\" is not known in %s: nobody has been asked yet", scope->what);
        return;
    }
    /* The group around it may have been asked about. */
    while (at->model->steps[step].approve == NULL && at->outer != NULL && !is_wrong(at, step)) {
        step = at->owner;
        at = at->outer;
    }
    if (at->model->steps[step].approve != NULL)
        approval_ref(check, &at->model->steps[step], "approval", ref, 1, line, column);
    else if (!is_wrong(at, step)) report_none(check, own, "approval", line, column);
}

void
check_approval_of(struct check *at, uint32_t index, const struct expr_ref *ref, int line, int column)
{
    const struct step *step = &at->model->steps[index];
    const char *path = arena_printf(at->arena, "steps.%s.approval", ref->path[1]);
    if (step->approve == NULL && is_wrong(at, index)) return;
    if (step->approve == NULL) report_none(at, step, path, line, column);
    else if (step->approve->of_item)
        diag_add(at->diags, DIAG_ERROR, line, column, "unknown-name",
                 arena_printf(at->arena, "By key: `steps.%s.items[\"KEY\"].approval`.", ref->path[1]),
                 "step \"%s\" is a loop, and each of its items is asked about by itself", ref->path[1]);
    else approval_ref(at, step, path, ref, 3, line, column);
}
