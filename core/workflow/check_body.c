/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that stand in a step. A group is a part of its file: its steps see the params, the secrets and the steps around
 * it. A workflow of another file is checked as that file alone, and sees what it is given.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/str.h"
#include "workflow/check.h"
#include "workflow/model_json.h"
#include "workflow/params.h"
#include "workflow/template.h"

static const char *
prefix_of(struct check *check, const struct step *step)
{
    return arena_printf(check->arena, "%s%s.", check->prefix, step->local != NULL ? step->local : "?");
}

struct check *
check_inner(struct check *check, uint32_t index)
{
    const struct step *step = &check->model->steps[index];
    struct model *body = ARENA_NEW(check->arena, struct model);
    struct check *inner = ARENA_NEW(check->arena, struct check);
    *body = *check->model;
    body->steps = NULL;
    body->nsteps = 0;
    body->owner = step;
    body->outputs = NULL;
    *inner = *check;
    inner->model = body;
    inner->outer = check;
    inner->owner = index;
    inner->prefix = prefix_of(check, step);
    inner->variables = step->variables;
    inner->after_failure = check->after_failure || step->part != PART_STEPS;
    names_init(&inner->steps, check->arena);
    return inner;
}

void
check_inner_read(struct check *check, struct check *inner, const struct value *const parts[PARTS])
{
    check_steps_read(inner, parts);
    check->plugins = inner->plugins;
    check->schemas = inner->schemas;
}

void
check_inner_link(struct check *check, struct check *inner)
{
    inner->plugins = check->plugins;
    inner->schemas = check->schemas;
    check_steps_link(inner);
}

const char *
check_shown_path(const struct check *check, const char *path)
{
    const char *slash = strrchr(check->diags->file, '/');
    if (path[0] == '/' || slash == NULL) return path;
    return arena_printf(check->arena, "%.*s/%s", (int)(slash - check->diags->file), check->diags->file, path);
}

/* ---- groups ------------------------------------------------------------------------------------------- */

static void
read_group(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    struct draft *draft = &check->drafts[index];
    const struct value *parts[PARTS] = {keys_get(PLACE_STEP, draft->map, "steps")};
    if (parts[0] == NULL) return;
    struct check *inner = check_inner(check, index);
    inner->model->outputs = keys_get(PLACE_STEP, draft->map, "outputs");
    draft->inner = inner;
    check_inner_read(check, inner, parts);
    step->body = inner->model;
}

static void
link_group(struct check *check, uint32_t index)
{
    struct check *inner = check->drafts[index].inner;
    struct scope scope = {.what = "`outputs` of a group", .step = NO_STEP, .nparams = check->model->nparams,
                          .allow = SCOPE_PARAMS | SCOPE_RUN | SCOPE_STEPS | SCOPE_ENV, .variables = inner->variables};
    check_inner_link(check, inner);
    const struct value *outputs = inner->model->outputs;
    if (outputs == NULL) return;
    if (outputs->type != VALUE_MAP) {
        CHECK_ERROR(check, outputs, "wrong-type", "Write `outputs: {rows: \"${{ steps.ID.outputs.rows }}\"}`.",
                    "\"outputs\" of %s must be a map of expressions", check->drafts[index].what);
        return;
    }
    check_outputs_made(inner, &scope, outputs);
}

/* ---- workflows ---------------------------------------------------------------------------------------- */

/* Goes round in a circle, or is too deep: reported. */
static bool
is_circle(struct check *check, const struct value *at, const char *real)
{
    for (const struct including *from = check->including; from != NULL; from = from->from)
        if (str_eq(from->path, real)) {
            CHECK_ERROR(check, at, "cycle", NULL, "the workflow \"%s\" runs itself", at->text.ptr);
            return true;
        }
    if (check->including->depth < LIMIT_INCLUDES) return false;
    CHECK_ERROR(check, at, "too-large", NULL, "workflows run each other more than %u deep", LIMIT_INCLUDES);
    return true;
}

static void
read_workflow(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    const struct value *path = keys_get(PLACE_STEP, check->drafts[index].map, "workflow");
    char real[PATH_MAX], *text;
    size_t size;
    struct err err = {0};
    if (path == NULL) return;
    const char *full = path->text.ptr[0] == '/'
                           ? path->text.ptr
                           : arena_printf(check->arena, "%s/%s", check->model->folder, path->text.ptr);
    if (realpath(full, real) == NULL || fd_read_file(check->arena, real, LIMIT_WORKFLOW_SIZE, &text, &size, &err)) {
        CHECK_ERROR(check, path, "missing-file", "A path is relative to the folder of this file.",
                    "the workflow \"%s\" cannot be read", path->text.ptr);
        return;
    }
    if (is_circle(check, path, real)) return;
    struct model *body = ARENA_NEW(check->arena, struct model);
    struct diags *diags = ARENA_NEW(check->arena, struct diags);
    struct including *including = ARENA_NEW(check->arena, struct including);
    diags_init(diags, check->arena, check_shown_path(check, path->text.ptr));
    *including = (struct including){arena_strdup(check->arena, real), check->including, check->including->depth + 1};
    body->source = text;
    body->file = including->path;
    size_t folder = (size_t)(strrchr(real, '/') - real);
    body->folder = arena_strndup(check->arena, real, folder > 0 ? folder : 1);
    body->owner = step;
    size_t errors = diags->errors;
    const struct model *checked = check_file(check->arena, real, body, size, diags, including, prefix_of(check, step),
                                             check->total);
    diags_include(check->diags, diags);
    if (checked == NULL && diags->errors == errors) return;
    step->body = checked;
}

/* One value against the param that it is for, as far as it can be known before the run. */
static void
check_given(struct check *check, const struct value *with, size_t i, const struct model *body)
{
    const struct value *value = with->map.values[i];
    const struct param *param = NULL;
    int line, column;
    parse_name_place(with, i, &line, &column);
    for (size_t k = 0; k < body->nparams; k++)
        if (str_eq(body->params[k].name, with->map.names[i])) param = &body->params[k];
    if (param == NULL) {
        const char **names = ARENA_ARRAY(check->arena, body->nparams + 1, const char *);
        for (size_t k = 0; k < body->nparams; k++) names[k] = body->params[k].name;
        const char *hint = keys_suggest(check->diags, with->map.names[i], names, body->nparams);
        diag_add(check->diags, DIAG_ERROR, line, column, "unknown-input",
                 hint != NULL ? hint : body->nparams == 0 ? "It takes no params." : "Declare it there, under `params`.",
                 "the workflow \"%s\" has no param \"%s\"", body->name, with->map.names[i]);
        return;
    }
    struct err err = {0};
    if (template_find(value) != NULL) return;
    const struct value *typed = param_coerce(check->arena, param->type, value, false, &err);
    if (typed == NULL || param_allows(check->arena, param, typed, &err))
        CHECK_ERROR(check, value, "wrong-value", err.hint[0] ? err.hint : NULL, "the param \"%s\" of \"%s\" %s",
                    param->name, body->name, err.message);
}

static void
link_workflow(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    const struct draft *draft = &check->drafts[index];
    const struct value *with = keys_get(PLACE_STEP, draft->map, "with");
    struct scope scope = check_scope(check, index, "a param of another workflow");
    step->with = with;
    check_tree(check, &scope, with);
    if (step->body == NULL) return;
    for (size_t i = 0; with != NULL && i < with->map.count; i++) check_given(check, with, i, step->body);
    for (size_t i = 0; i < step->body->nparams; i++) {
        const struct param *param = &step->body->params[i];
        if (!param->required || value_get(with, param->name) != NULL) continue;
        CHECK_ERROR(check, draft->map, "missing-input",
                    arena_printf(check->arena, "Write `with: {%s: …}`.", param->name),
                    "the workflow \"%s\" needs the param \"%s\"", step->body->name, param->name);
    }
}

/* How many groups and workflows the steps of this model stand in. */
static unsigned
nesting(const struct check *check)
{
    unsigned ret = 0;
    for (const char *p = check->prefix; *p; p++) ret += *p == '.';
    return ret;
}

/* Maps and lists within each other, without the steps of a group: they are looked at by themselves. */
static unsigned
depth_of(const struct value *value, bool top)
{
    unsigned deepest = 0;
    for (size_t i = 0; value->type == VALUE_LIST && i < value->list.count; i++) {
        unsigned depth = depth_of(value->list.items[i], false);
        if (depth > deepest) deepest = depth;
    }
    for (size_t i = 0; value->type == VALUE_MAP && i < value->map.count; i++) {
        if (top && str_eq(value->map.names[i], "steps")) continue;
        unsigned depth = depth_of(value->map.values[i], false);
        if (depth > deepest) deepest = depth;
    }
    return deepest + (value->type == VALUE_LIST || value->type == VALUE_MAP);
}

void
check_nesting(struct check *check, uint32_t index)
{
    const struct value *map = check->drafts[index].map;
    unsigned around = nesting(check);
    /* A stored step has its values up to four levels further in than the file has them. */
    if (around > 0 && around <= LIMIT_NESTING && 3 * around + depth_of(map, true) + 4 > LIMIT_DEPTH)
        CHECK_ERROR(check, map, "too-deep", "Move what is in it to a file, or the step further out.",
                    "the values of %s are nested too deep for a step within %u others", check->drafts[index].what,
                    around);
}

void
check_body_read(struct check *check, uint32_t index)
{
    if (nesting(check) >= LIMIT_NESTING) {
        CHECK_ERROR(check, check->drafts[index].map, "too-deep", NULL,
                    "groups and workflows stand within each other more than %u deep", LIMIT_NESTING);
        return;
    }
    if (check->model->steps[index].kind == STEP_GROUP) read_group(check, index);
    else read_workflow(check, index);
}

void
check_body_link(struct check *check, uint32_t index)
{
    const struct step *step = &check->model->steps[index];
    if (step->kind == STEP_GROUP && check->drafts[index].inner != NULL) link_group(check, index);
    if (step->kind == STEP_WORKFLOW) link_workflow(check, index);
}
