/* SPDX-License-Identifier: Apache-2.0
 *
 * What a step hands on. An action's outputs are in its plugin's table; a script declares its own, so that a misspelt
 * reference is found before the script has run for an hour.
 */
#include "base/str.h"
#include "workflow/check.h"
#include "workflow/template.h"

static struct output_def *
find_def(const struct step *step, const char *name)
{
    for (size_t i = 0; i < step->noutputs; i++)
        if (str_eq(step->outputs[i].name, name)) return &step->outputs[i];
    return NULL;
}

/* Adds an output after the checks of its name. NULL: reported. */
static struct output_def *
declare(struct check *check, uint32_t index, const char *name, int line, int column)
{
    struct step *step = &check->model->steps[index];
    const char *what = check->drafts[index].what;
    if (!check_id(check, name, "an output", line, column)) return NULL;
    if (find_def(step, name) != NULL) {
        diag_add(check->diags, DIAG_ERROR, line, column, "duplicate-key", NULL,
                 "output \"%s\" of %s is declared twice", name, what);
        return NULL;
    }
    if (step->schema_action != NULL &&
        schema_field_find(step->schema_action->outputs, step->schema_action->noutputs, name) != NULL) {
        diag_add(check->diags, DIAG_ERROR, line, column, "wrong-value", "Choose another name.",
                 "\"%s.%s\" has an output \"%s\" of its own", step->plugin, step->action, name);
        return NULL;
    }
    struct output_def *def = &step->outputs[step->noutputs++];
    *def = (struct output_def){.name = name};
    return def;
}

/* May a hook of its set outputs that its action has not? */
static bool
has_setter(const struct check *check, const struct step *step)
{
    for (size_t i = 0; i < step->nhooks; i++)
        if (step->hooks[i].on == HOOK_AFTER_STEP) return true;
    for (size_t i = 0; i < check->model->nhooks; i++)
        if (check->model->hooks[i].on == HOOK_AFTER_STEP) return true;
    return false;
}

static void
declare_member(struct check *check, uint32_t index, struct output_def *def, const struct value *value)
{
    const struct step *step = &check->model->steps[index];
    const char *what = arena_printf(check->arena, "output \"%s\" of %s", def->name, check->drafts[index].what);
    if (value->type == VALUE_STRING && template_is(value->text.ptr)) {
        def->value = value;
        return;
    }
    bool empty = value->type == VALUE_NULL || (value->type == VALUE_MAP && value->map.count == 0);
    if (step->kind == STEP_USES && !(empty && has_setter(check, step))) {
        CHECK_ERROR(check, value, "wrong-type",
                    "Write `${{ outputs.NAME … }}`; the action's own outputs need no declaration.",
                    "%s must be an expression", what);
        return;
    }
    if (value->type == VALUE_NULL) return;
    if (value->type != VALUE_MAP) {
        CHECK_ERROR(check, value, "wrong-type",
                    "Write `{from: stdout}`, `${{ … }}`, or `{}` for what the step itself sets.",
                    "%s must be a map or an expression, not %s", what, keys_type_phrase(value));
        return;
    }
    keys_check(check->diags, PLACE_OUTPUT, value, what);
    def->from = keys_text(PLACE_OUTPUT, value, "from");
    def->as = keys_text(PLACE_OUTPUT, value, "as");
    if (def->from != NULL && step->kind != STEP_RUN)
        CHECK_ERROR(check, value_get(value, "from"), "misplaced-key",
                    "Call `set_output(name, value)`, or return a map.", "only a `run` has standard output");
    if (def->as != NULL && step->kind != STEP_RUN)
        CHECK_ERROR(check, value_get(value, "as"), "misplaced-key", "A value of Lua has its type already.",
                    "\"as\" of %s means nothing beside `lua`", what);
}

void
check_step_outputs(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    const struct value *given = keys_get(PLACE_STEP, check->drafts[index].map, "outputs");
    if (given == NULL) return;
    bool list = given->type == VALUE_LIST;
    size_t count = list ? given->list.count : given->map.count;
    if (list && step->kind == STEP_USES && !has_setter(check, step)) {
        CHECK_ERROR(check, given, "misplaced-key",
                    "Leave it out, or make new ones: `outputs: {x: \"${{ outputs.NAME }}\"}`.",
                    "the outputs of %s are those of its action", check->drafts[index].what);
        return;
    }
    step->outputs = ARENA_ARRAY(check->arena, count, struct output_def);
    for (size_t i = 0; i < count; i++) {
        int line, column;
        if (list) {
            const struct value *name = given->list.items[i];
            if (name->type != VALUE_STRING)
                CHECK_ERROR(check, name, "wrong-type", "Write `[a, b]`.", "an output's name must be a text, not %s",
                            keys_type_phrase(name));
            else
                declare(check, index, name->text.ptr, (int)name->line, (int)name->column);
            continue;
        }
        parse_name_place(given, i, &line, &column);
        struct output_def *def = declare(check, index, given->map.names[i], line, column);
        if (def != NULL) declare_member(check, index, def, given->map.values[i]);
    }
}

bool
check_output_find(const struct check *check, uint32_t index, const char *name, const struct schema_field **field)
{
    const struct step *step = &check->model->steps[index];
    *field = step->schema_action != NULL
                 ? schema_field_find(step->schema_action->outputs, step->schema_action->noutputs, name)
                 : NULL;
    if (step_is_block(step)) return step->body != NULL && value_get(step->body->outputs, name) != NULL;
    return *field != NULL || find_def(step, name) != NULL;
}

bool
check_output_made(const struct check *check, uint32_t index, const char *name)
{
    const struct output_def *def = find_def(&check->model->steps[index], name);
    return def != NULL && def->value != NULL;
}

const char *
check_output_suggest(struct check *check, uint32_t index, const char *name)
{
    const struct step *step = &check->model->steps[index];
    if (step_is_block(step)) {
        const struct value *outputs = step->body != NULL ? step->body->outputs : NULL;
        if (!value_is(outputs, VALUE_MAP)) return "It declares no `outputs`.";
        const char *near = keys_suggest(check->diags, name, outputs->map.names, outputs->map.count);
        return near != NULL ? near : "Declare it in its `outputs`.";
    }
    size_t fields = step->schema_action != NULL ? step->schema_action->noutputs : 0, count = 0;
    const char **names = ARENA_ARRAY(check->arena, fields + step->noutputs + 1, const char *);
    for (size_t i = 0; i < fields; i++) names[count++] = step->schema_action->outputs[i].name;
    for (size_t i = 0; i < step->noutputs; i++) names[count++] = step->outputs[i].name;
    const char *hint = keys_suggest(check->diags, name, names, count);
    if (hint != NULL) return hint;
    if (step->kind != STEP_USES)
        return arena_printf(check->arena, "Declare it in step \"%s\": `outputs: [%s]`%s.", step->local, name,
                            step->kind == STEP_RUN
                                ? arena_printf(check->arena, ", and write `%s=…` to $LEVADA_OUTPUT", name)
                                : arena_printf(check->arena, ", and call `set_output(\"%s\", …)`", name));
    if (count == 0) return "It has none.";
    const char *all = "";
    for (size_t i = 0; i < count && i < 12; i++)
        all = arena_printf(check->arena, "%s%s`%s`", all, i == 0 ? "" : ", ", names[i]);
    return arena_printf(check->arena, "It has %s.", all);
}

void
check_outputs_made(struct check *check, const struct scope *scope, const struct value *outputs)
{
    for (size_t i = 0; outputs != NULL && i < outputs->map.count; i++) {
        int line, column;
        parse_name_place(outputs, i, &line, &column);
        check_id(check, outputs->map.names[i], "an output", line, column);
        check_tree(check, scope, outputs->map.values[i]);
    }
}
