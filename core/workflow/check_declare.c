/* SPDX-License-Identifier: Apache-2.0
 *
 * What a file declares: params, and with the same keys what a person is asked for (check_approve.c), secrets and
 * environment variables.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/check.h"
#include "workflow/params.h"
#include "workflow/template.h"

static void
report_phrase(struct check *check, const struct value *at, const char *key, const struct declared *declared,
              const struct err *err)
{
    CHECK_ERROR(check, at, "wrong-value", err->hint[0] ? err->hint : NULL, "\"%s\" of %s %s", key, declared->what,
                err->message);
}

/* A bound or choice of the declaration as a typed value, or NULL: reported. */
static const struct value *
typed(struct check *check, const struct declared *declared, const char *key, const struct value *value)
{
    struct err err = {0};
    if (value->type == VALUE_STRING && template_is(value->text.ptr)) {
        CHECK_ERROR(check, value, "no-expression", "Write the value itself.",
                    "\"%s\" of %s takes no expression", key, declared->what);
        return NULL;
    }
    const struct value *ret = param_coerce(check->arena, declared->param->type, value, false, &err);
    if (ret == NULL) report_phrase(check, value, key, declared, &err);
    return ret;
}

static void
param_bounds(struct check *check, const struct declared *declared, const struct value *map)
{
    struct param *param = declared->param;
    static const char *const keys[] = {"minimum", "maximum"};
    const struct value **const slots[] = {&param->minimum, &param->maximum};
    for (size_t i = 0; i < 2; i++) {
        const struct value *value = value_get(map, keys[i]);
        if (value == NULL) continue;
        if (!param_type_ordered(param->type))
            CHECK_ERROR(check, value, "wrong-value", NULL, "\"%s\" means nothing for %s of type %s", keys[i],
                        declared->noun, param_type_name(param->type));
        else *slots[i] = typed(check, declared, keys[i], value);
    }
    struct param only_maximum = {.name = param->name, .maximum = param->maximum};
    struct err err = {0};
    if (param->minimum != NULL && param_allows(check->arena, &only_maximum, param->minimum, &err)) {
        report_phrase(check, param->minimum, "minimum", declared, &err);
        param->minimum = NULL;
    }
    const char *const texts[] = {"pattern", "format"};
    for (size_t i = 0; i < 2; i++) {
        const struct value *value = value_get(map, texts[i]);
        if (value != NULL && param->type != PARAM_STRING)
            CHECK_ERROR(check, value, "wrong-value", NULL, "\"%s\" means nothing for %s of type %s", texts[i],
                        declared->noun, param_type_name(param->type));
    }
    param->format = keys_text(PLACE_PARAM, map, "format");
    param->pattern = keys_text(PLACE_PARAM, map, "pattern");
    if (param->pattern != NULL && param_pattern_check(check->arena, param->pattern, &err)) {
        CHECK_ERROR(check, value_get(map, "pattern"), "wrong-value", err.hint[0] ? err.hint : NULL,
                    "\"pattern\" of %s: %s", declared->what, err.message);
        param->pattern = NULL;
    }
}

static void
param_choices(struct check *check, const struct declared *declared, const struct value *map)
{
    const struct value *list = keys_get(PLACE_PARAM, map, "enum");
    if (list == NULL) return;
    if (list->list.count == 0)
        CHECK_ERROR(check, list, "wrong-value", NULL, "\"enum\" of %s is empty", declared->what);
    check_twice(check, list, "enum", declared->what);
    struct value *choices = value_list(check->arena);
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *choice = typed(check, declared, "enum", list->list.items[i]);
        if (choice != NULL) value_push(check->arena, choices, choice);
    }
    if (choices->list.count == list->list.count && list->list.count > 0) declared->param->choices = choices;
}

static void
param_default(struct check *check, const struct declared *declared, const struct value *map)
{
    struct param *param = declared->param;
    const struct value *value = value_get(map, "default");
    if (value == NULL || value->type == VALUE_NULL) return;
    if (param->required)
        CHECK_ERROR(check, value, "wrong-value", "Keep one of the two.",
                    "%s is required, so its default is never used", declared->what);
    if (template_find(value) != NULL) {
        struct scope scope = declared->scope;
        scope.what = arena_printf(check->arena, "the default of %s", declared->what);
        check_tree(check, &scope, value);
        param->fallback = value;
        return;
    }
    struct err err = {0};
    const struct value *fallback = typed(check, declared, "default", value);
    if (fallback == NULL) return;
    if (param_allows(check->arena, param, fallback, &err)) report_phrase(check, value, "default", declared, &err);
    param->fallback = fallback;
}

void
check_declared(struct check *check, const struct declared *declared, const struct value *map)
{
    struct param *param = declared->param;
    if (map->type != VALUE_MAP) {
        CHECK_ERROR(check, map, "wrong-type",
                    arena_printf(check->arena, "Write `%s: {type: string, default: …}`.", param->name),
                    "%s must be a map, not %s", declared->what, keys_type_phrase(map));
        return;
    }
    keys_check(check->diags, PLACE_PARAM, map, declared->what);
    param->doc = keys_text(PLACE_PARAM, map, "doc");
    param->required = value_get_bool(map, "required", false);
    const char *type = keys_text(PLACE_PARAM, map, "type");
    param->type = PARAM_STRING;
    if (type != NULL) param_type_from_name(type, &param->type);
    else if (value_get(map, "type") != NULL) return; /* a wrong type says enough */
    param_choices(check, declared, map);
    param_bounds(check, declared, map);
    param_default(check, declared, map);
}

void
check_params(struct check *check)
{
    const struct value *map = keys_get(PLACE_WORKFLOW, check->root, "params");
    if (map == NULL) return;
    size_t count = map->map.count;
    struct model *model = check->model;
    model->params = ARENA_ARRAY(check->arena, count, struct param);
    model->nparams = count;
    check->param_used = ARENA_ARRAY(check->arena, count, bool);
    for (size_t i = 0; i < count; i++) {
        struct param *param = &model->params[i];
        param->name = map->map.names[i];
        parse_name_place(map, i, &param->line, &param->column);
        check_id(check, param->name, "a param", param->line, param->column);
        names_add(&check->params, param->name);
    }
    for (size_t i = 0; i < count; i++) {
        struct declared declared = {
            .param = &model->params[i], .noun = "a param",
            .what = arena_printf(check->arena, "param \"%s\"", model->params[i].name),
            .scope = {.allow = SCOPE_PARAMS | SCOPE_RUN, .step = NO_STEP, .nparams = i}};
        check_declared(check, &declared, map->map.values[i]);
    }
}

/* ---- secrets ------------------------------------------------------------------------------------------ */

static bool
is_variable(const char *name)
{
    if (*name == '\0' || (*name >= '0' && *name <= '9')) return false;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

/* Whoever writes `value:` here, or a name that none can be, has perhaps written the secret. */
static void
hide_values(struct check *check, const struct value *map)
{
    static const char *const places[] = {"from", "name", "field", "version", "provider", "source", "variable", "path",
                                         "env", "file", "var", "key"};
    for (size_t i = 0; i < map->map.count; i++) {
        const char *name = map->map.names[i];
        const struct value *value = map->map.values[i];
        bool safe = str_nearest(name, places, sizeof places / sizeof *places) != NULL;
        if (str_eq(name, "name") && str_eq(value_get_str(map, "from", "env"), "env"))
            safe = value->type != VALUE_STRING || is_variable(value->text.ptr + (value->text.ptr[0] == '$'));
        safe = safe || value->type == VALUE_NULL || value->type == VALUE_BOOL;
        if (!safe) diag_hide(check->diags, (int)value->line, (int)value->column);
    }
}

static void
check_secret(struct check *check, struct secret_def *secret, const struct value *map)
{
    const char *what = arena_printf(check->arena, "secret \"%s\"", secret->name);
    if (map->type != VALUE_MAP) {
        diag_hide(check->diags, (int)map->line, (int)map->column);
        CHECK_ERROR(check, map, map->type == VALUE_STRING || map->type == VALUE_INT ? DIAG_PLAIN_SECRET : "wrong-type",
                    "Write `{from: env, name: VARIABLE}` or `{from: file, name: PATH}`.",
                    "%s must be a map that says where it is kept, not %s", what, keys_type_phrase(map));
        return;
    }
    hide_values(check, map);
    keys_check(check->diags, PLACE_SECRET, map, what);
    secret->from = keys_text(PLACE_SECRET, map, "from");
    secret->key = keys_text(PLACE_SECRET, map, "name");
    secret->field = keys_text(PLACE_SECRET, map, "field");
    if (secret->from == NULL || secret->key == NULL) return;
    const struct value *name = value_get(map, "name");
    if (str_eq(secret->from, "env") && !is_variable(secret->key))
        CHECK_ERROR(check, name, "wrong-value",
                    secret->key[0] == '$'
                        ? "Write the name without `$`."
                        : "Letters, digits and `_`, no digit first; the secret itself does not belong into the file.",
                    "\"name\" of %s cannot be the name of an environment variable", what);
    if (str_eq(secret->from, "file") && secret->key[0] == '\0')
        CHECK_ERROR(check, name, "wrong-value", NULL, "the path of %s is empty", what);
    if (str_eq(secret->from, "file") && secret->key[0] != '/')
        secret->key = arena_printf(check->arena, "%s/%s", check->model->folder, secret->key);
}

void
check_secrets(struct check *check)
{
    const struct value *map = keys_get(PLACE_WORKFLOW, check->root, "secrets");
    if (map == NULL) return;
    size_t count = map->map.count;
    struct model *model = check->model;
    model->secrets = ARENA_ARRAY(check->arena, count, struct secret_def);
    model->nsecrets = count;
    check->secret_used = ARENA_ARRAY(check->arena, count, bool);
    for (size_t i = 0; i < count; i++) {
        struct secret_def *secret = &model->secrets[i];
        secret->name = map->map.names[i];
        parse_name_place(map, i, &secret->line, &secret->column);
        check_id(check, secret->name, "a secret", secret->line, secret->column);
        names_add(&check->secrets, secret->name);
        check_secret(check, secret, map->map.values[i]);
    }
}

/* ---- env and the rest --------------------------------------------------------------------------------- */

void
check_env(struct check *check, const struct value *env, const char *what)
{
    for (size_t i = 0; env != NULL && i < env->map.count; i++) {
        const char *name = env->map.names[i];
        const struct value *value = env->map.values[i];
        int line, column;
        parse_name_place(env, i, &line, &column);
        if (!is_variable(name))
            diag_add(check->diags, DIAG_ERROR, line, column, "bad-id", "Letters, digits and `_`, no digit first.",
                     "\"%.200s\" cannot be the name of an environment variable", name);
        else if (str_starts(name, "LEVADA_"))
            diag_add(check->diags, DIAG_ERROR, line, column, "bad-id", "Choose another prefix.",
                     "\"%s\": variables that begin with LEVADA_ are set by Levada itself", name);
        if (value->type == VALUE_LIST || value->type == VALUE_MAP || value->type == VALUE_NULL)
            CHECK_ERROR(check, value, "wrong-type",
                        value->type == VALUE_NULL ? "Write `\"\"` for an empty variable."
                                                  : "Use an expression: `${{ json(…) }}` makes a text.",
                        "variable \"%s\" in %s must be a text or a number, not %s", name, what,
                        keys_type_phrase(value));
    }
}

void
check_unused(struct check *check)
{
    for (size_t i = 0; i < check->model->nparams; i++)
        if (!check->param_used[i])
            diag_add(check->diags, DIAG_WARNING, check->model->params[i].line, check->model->params[i].column,
                     "unused", NULL, "param \"%s\" is never used", check->model->params[i].name);
    for (size_t i = 0; i < check->model->nsecrets; i++)
        if (!check->secret_used[i])
            diag_add(check->diags, DIAG_WARNING, check->model->secrets[i].line, check->model->secrets[i].column,
                     "unused", NULL, "secret \"%s\" is never used", check->model->secrets[i].name);
}
