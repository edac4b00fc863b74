/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that use an action, against the tables of its plugin. A plugin that cannot be described is reported once, and
 * then nothing more is said about the steps that use it.
 */
#include <string.h>

#include "base/str.h"
#include "plugin/field.h"
#include "workflow/check.h"
#include "workflow/template.h"

static const struct value *
plugin_entry(const struct check *check, const char *name)
{
    const struct value *entry = value_get(check->plugins_map, name);
    return value_is(entry, VALUE_MAP) ? entry : NULL;
}

/* "1" and "1.2" ask for 1.2.3; "1.3" does not. */
static bool
version_fits(const char *asked, const char *version)
{
    size_t size = strlen(asked);
    return size > 0 && strncmp(asked, version, size) == 0 && (version[size] == '\0' || version[size] == '.');
}

static void
report_plugin(struct check *check, const char *name, const struct value *at, const struct err *err)
{
    const char **found = NULL, *hint = err->hint[0] ? err->hint : NULL, *near = NULL;
    size_t count = 0;
    struct err ignored = {0};
    bool there = false;
    if (schema_list(check->arena, check->model->folder, &found, &count, &ignored) == 0) {
        for (size_t i = 0; i < count; i++) there = there || str_eq(found[i], name);
        if (!there) near = keys_suggest(check->diags, name, found, count);
    }
    CHECK_ERROR(check, at, there || count == 0 ? "plugin" : "unknown-plugin", near != NULL ? near : hint, "%s",
                err->message);
}

static const struct schema_plugin *
load(struct check *check, const char *name, const struct value *at)
{
    ptrdiff_t known = names_find(&check->plugins, name);
    if (known >= 0) return check->schemas[known];
    size_t number = check->plugins.count;
    names_add(&check->plugins, name);
    if (number >= 4 && (number & (number - 1)) == 0) {
        const struct schema_plugin **more = ARENA_ARRAY(check->arena, number * 2, const struct schema_plugin *);
        memcpy(more, check->schemas, number * sizeof *more);
        check->schemas = more;
    }
    check->schemas[number] = NULL;
    struct err err = {0};
    const struct schema_plugin *schema = NULL;
    if (schema_load(check->arena, name, check->model->folder, &schema, &err)) {
        report_plugin(check, name, at, &err);
        return NULL;
    }
    check->schemas[number] = schema;
    const struct value *entry = plugin_entry(check, name);
    const char *asked = keys_text(PLACE_PLUGIN, entry, "version");
    if (asked != NULL && !version_fits(asked, schema->version))
        CHECK_ERROR(check, value_get(entry, "version"), "plugin-version", NULL,
                    "plugin \"%s\" has version %s, and the workflow asks for \"%s\"", name, schema->version, asked);
    return schema;
}

void
check_action(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    struct draft *draft = &check->drafts[index];
    const struct value *uses = keys_get(PLACE_STEP, draft->map, "uses");
    draft->broken = true;
    if (uses == NULL) return;
    char *dot = strchr(uses->text.ptr, '.');
    char *plugin = arena_strdup(check->arena, uses->text.ptr), *action = NULL;
    if (dot != NULL) {
        action = plugin + (dot - uses->text.ptr);
        *action++ = '\0';
    }
    if (dot == NULL || !str_is_id(plugin) || !str_is_id(action)) {
        CHECK_ERROR(check, uses, "wrong-value", "Write `plugin.action`; `levada actions` lists them.",
                    "\"%.100s\" is not the name of an action", uses->text.ptr);
        return;
    }
    const struct schema_plugin *schema = load(check, plugin, uses);
    step->plugin = plugin;
    step->action = action;
    if (schema == NULL) return;
    step->schema = schema;
    step->schema_action = schema_action_find(schema, action);
    if (step->schema_action == NULL) {
        const char **names = ARENA_ARRAY(check->arena, schema->nactions + 1, const char *);
        for (size_t i = 0; i < schema->nactions; i++) names[i] = schema->actions[i].name;
        const char *near = str_nearest(action, names, schema->nactions);
        CHECK_ERROR(check, uses, "unknown-action",
                    near != NULL ? arena_printf(check->arena, "Did you mean `%s.%s`?", plugin, near)
                                 : arena_printf(check->arena, "`levada actions %s` lists them.", plugin),
                    "plugin \"%s\" has no action \"%s\"", plugin, action);
        return;
    }
    step->effect = step->schema_action->effect;
    draft->broken = false;
}

/* ---- inputs ------------------------------------------------------------------------------------------- */

struct report {
    struct check *check;
    const struct value *fallback; /* where there is no value at fault: the step */
};

static void
report_input(void *context, const struct value *at, const char *code, const char *message, const char *hint)
{
    const struct report *report = context;
    if (report->check->calls && str_eq(code, "missing-input")) return; /* the chunk gives it */
    const struct value *place = at != NULL && at->line != 0 ? at : report->fallback;
    /* One word for one thing, whoever finds it. */
    CHECK_ERROR(report->check, place, str_eq(code, "bad-value") ? "wrong-value" : code, hint, "%s", message);
}

/* Members of the plugin's shared inputs that this action has. */
static const struct value *
shared_for(struct check *check, const struct step *step)
{
    const struct value *shared = keys_get(PLACE_PLUGIN, plugin_entry(check, step->plugin), "with");
    if (shared == NULL) return NULL;
    struct value *ret = value_map(check->arena);
    ret->line = shared->line;
    ret->column = shared->column;
    for (size_t i = 0; i < shared->map.count; i++)
        if (schema_field_find(step->schema_action->inputs, step->schema_action->ninputs,
                              shared->map.names[i]) != NULL)
            value_set(check->arena, ret, shared->map.names[i], shared->map.values[i]);
    return ret->map.count > 0 ? ret : NULL;
}

/* Expressions of inputs: a secret may flow where the table says that the input is one. */
static void
walk_inputs(struct check *check, struct scope *scope, const struct schema_field *fields, size_t nfields,
            const struct value *map, const char *path)
{
    for (size_t i = 0; i < map->map.count; i++) {
        const struct schema_field *field = schema_field_find(fields, nfields, map->map.names[i]);
        const struct value *value = map->map.values[i];
        const char *name = arena_printf(check->arena, "%s%s%s", path, *path ? "." : "", map->map.names[i]);
        if (field != NULL && field->type == LEVADA_TYPE_OBJECT && value->type == VALUE_MAP) {
            walk_inputs(check, scope, field->fields, field->nfields, value, name);
            continue;
        }
        if (field != NULL && field->type == LEVADA_TYPE_OBJECTS && value->type == VALUE_LIST) {
            for (size_t k = 0; k < value->list.count; k++)
                if (value->list.items[k]->type == VALUE_MAP)
                    walk_inputs(check, scope, field->fields, field->nfields, value->list.items[k], name);
                else check_tree(check, scope, value->list.items[k]);
            continue;
        }
        struct scope inner = *scope;
        inner.what = arena_printf(check->arena, "the input \"%s\"", name);
        if (field != NULL && field->type == LEVADA_TYPE_SECRET) {
            inner.allow |= SCOPE_SECRETS;
            /* It would stand in the journal, and nothing would mask it. */
            if (value->type == VALUE_STRING && !template_is(value->text.ptr))
                CHECK_ERROR(check, value, DIAG_PLAIN_SECRET,
                            "Declare it under `secrets`, and write ${{ secrets.NAME }} here.",
                            "a secret's value does not belong into the file: input \"%s\"", name);
        }
        check_tree(check, &inner, value);
    }
}

void
check_inputs(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    const struct draft *draft = &check->drafts[index];
    struct scope scope = check_scope(check, index, "an input");
    const struct value *own = keys_get(PLACE_STEP, draft->map, "with");
    if (draft->broken) {
        scope.allow |= SCOPE_SECRETS; /* which inputs take one is not known */
        check_tree(check, &scope, own);
        return;
    }
    step->with = check_merge(check->arena, shared_for(check, step), own);
    const struct schema_action *action = step->schema_action;
    struct report report = {check, draft->map};
    const char *what = arena_printf(check->arena, "%s.%s", step->plugin, step->action);
    field_check(check->arena, action->inputs, action->ninputs, step->with, what, report_input, &report);
    if (step->with != NULL) walk_inputs(check, &scope, action->inputs, action->ninputs, step->with, "");
}

/* ---- plugins: ----------------------------------------------------------------------------------------- */

void
check_plugins(struct check *check)
{
    check->schemas = ARENA_ARRAY(check->arena, 4, const struct schema_plugin *);
    check->plugins_map = keys_get(PLACE_WORKFLOW, check->root, "plugins");
    for (size_t i = 0; check->plugins_map != NULL && i < check->plugins_map->map.count; i++) {
        const char *name = check->plugins_map->map.names[i];
        const struct value *entry = check->plugins_map->map.values[i];
        int line, column;
        parse_name_place(check->plugins_map, i, &line, &column);
        if (!check_id(check, name, "a plugin", line, column)) continue;
        const char *what = arena_printf(check->arena, "plugin \"%s\"", name);
        if (entry->type == VALUE_STRING)
            CHECK_ERROR(check, entry, "wrong-type",
                        arena_printf(check->arena, "Write `%s: {version: \"%s\"}`.", name, entry->text.ptr),
                        "%s must be a map, not a text", what);
        else keys_check(check->diags, PLACE_PLUGIN, entry, what);
    }
}

static bool
any_action_has(const struct schema_plugin *schema, const char *input)
{
    for (size_t i = 0; i < schema->nactions; i++)
        if (schema_field_find(schema->actions[i].inputs, schema->actions[i].ninputs, input) != NULL) return true;
    return false;
}

static void
check_shared_of(struct check *check, const struct schema_plugin *schema, const struct value *with)
{
    const char **inputs = NULL;
    size_t count = 0;
    for (size_t i = 0; i < schema->nactions; i++) count += schema->actions[i].ninputs;
    inputs = ARENA_ARRAY(check->arena, count + 1, const char *);
    count = 0;
    for (size_t i = 0; i < schema->nactions; i++)
        for (size_t k = 0; k < schema->actions[i].ninputs; k++) inputs[count++] = schema->actions[i].inputs[k].name;
    for (size_t i = 0; i < with->map.count; i++) {
        if (any_action_has(schema, with->map.names[i])) continue;
        int line, column;
        parse_name_place(with, i, &line, &column);
        diag_add(check->diags, DIAG_ERROR, line, column, "unknown-input",
                 keys_suggest(check->diags, with->map.names[i], inputs, count),
                 "no action of plugin \"%s\" has an input \"%s\"", schema->name, with->map.names[i]);
    }
}

/* A name that no plugin has is rather misspelt than left over. */
static void
warn_unused(struct check *check, const char *name, int line, int column)
{
    const char **found = NULL, *hint = NULL;
    size_t count = 0;
    struct err ignored = {0};
    bool there = schema_list(check->arena, check->model->folder, &found, &count, &ignored) != 0;
    for (size_t i = 0; i < count; i++) there = there || str_eq(found[i], name);
    if (!there) hint = keys_suggest(check->diags, name, found, count);
    diag_add(check->diags, DIAG_WARNING, line, column, "unused", hint, "plugin \"%s\" is never used%s", name,
             there ? "" : ", and none is called that");
}

void
check_shared_inputs(struct check *check)
{
    for (size_t i = 0; check->plugins_map != NULL && i < check->plugins_map->map.count; i++) {
        const char *name = check->plugins_map->map.names[i];
        ptrdiff_t number = names_find(&check->plugins, name);
        if (number < 0) {
            int line, column;
            parse_name_place(check->plugins_map, i, &line, &column);
            if (check->diags->errors == 0) warn_unused(check, name, line, column);
            continue;
        }
        const struct value *with = keys_get(PLACE_PLUGIN, plugin_entry(check, name), "with");
        if (with != NULL && check->schemas[number] != NULL) check_shared_of(check, check->schemas[number], with);
    }
    struct model *model = check->model;
    model->plugins = ARENA_ARRAY(check->arena, check->plugins.count + 1, const struct schema_plugin *);
    for (size_t i = 0; i < check->plugins.count; i++)
        if (check->schemas[i] != NULL) model->plugins[model->nplugins++] = check->schemas[i];
}
