/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables as JSON: the form that a describer prints and the cache keeps, the way back, and the public form of
 * `levada actions --json`.
 */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "plugin/rule.h"
#include "plugin/schema.h"

static void
set_text(struct arena *arena, struct value *map, const char *name, const char *text)
{
    if (text != NULL) value_set(arena, map, name, value_text(arena, text));
}

static struct value *
text_list(struct arena *arena, const char *const *texts, size_t count)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < count; i++) value_push(arena, list, value_text(arena, texts[i]));
    return list;
}

static struct value *
fields_json(struct arena *arena, const struct schema_field *fields, size_t count)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < count; i++) {
        const struct schema_field *field = &fields[i];
        struct value *map = value_map(arena);
        set_text(arena, map, "name", field->name);
        set_text(arena, map, "doc", field->doc);
        set_text(arena, map, "type", schema_type_name(field->type));
        if (field->required) value_set(arena, map, "required", value_bool(arena, true));
        if (field->sensitive) value_set(arena, map, "sensitive", value_bool(arena, true));
        set_text(arena, map, "default", field->fallback);
        set_text(arena, map, "minimum", field->minimum);
        set_text(arena, map, "maximum", field->maximum);
        if (field->nchoices)
            value_set(arena, map, "choices", text_list(arena, field->choices, field->nchoices));
        if (field->nfields)
            value_set(arena, map, "fields", fields_json(arena, field->fields, field->nfields));
        value_push(arena, list, map);
    }
    return list;
}

const struct value *
schema_to_json(struct arena *arena, const struct schema_plugin *plugin)
{
    struct value *map = value_map(arena), *actions = value_list(arena);
    set_text(arena, map, "name", plugin->name);
    set_text(arena, map, "version", plugin->version);
    set_text(arena, map, "doc", plugin->doc);
    set_text(arena, map, "path", plugin->path);
    set_text(arena, map, "digest", plugin->digest);
    value_set(arena, map, "reuse", value_bool(arena, plugin->reuse));
    value_set(arena, map, "reuse_by", text_list(arena, plugin->reuse_by, plugin->nreuse_by));
    for (size_t i = 0; i < plugin->nactions; i++) {
        const struct schema_action *action = &plugin->actions[i];
        struct value *item = value_map(arena);
        set_text(arena, item, "name", action->name);
        set_text(arena, item, "doc", action->doc);
        set_text(arena, item, "effect", schema_effect_name(action->effect));
        value_set(arena, item, "plan", value_bool(arena, action->can_plan));
        value_set(arena, item, "resolve", value_bool(arena, action->can_resolve));
        value_set(arena, item, "inputs", fields_json(arena, action->inputs, action->ninputs));
        value_set(arena, item, "outputs", fields_json(arena, action->outputs, action->noutputs));
        value_push(arena, actions, item);
    }
    value_set(arena, map, "actions", actions);
    return map;
}

/* ---- back ---- */

struct reader {
    struct arena *arena;
    bool bad;
};

/* A text that must be there; "" and bad otherwise. */
static const char *
need_text(struct reader *reader, const struct value *map, const char *name)
{
    const char *text = value_get_str(map, name, NULL);
    if (text == NULL) reader->bad = true;
    return text != NULL ? text : "";
}

static size_t
need_count(struct reader *reader, const struct value *list, size_t count_max)
{
    if (!value_is(list, VALUE_LIST) || list->list.count > count_max) {
        reader->bad = true;
        return 0;
    }
    return list->list.count;
}

static const char **
read_texts(struct reader *reader, const struct value *list, size_t *count)
{
    *count = need_count(reader, list, 100000);
    const char **ret = ARENA_ARRAY(reader->arena, *count, const char *);
    for (size_t i = 0; i < *count; i++) {
        ret[i] = value_str(list->list.items[i], NULL);
        if (ret[i] == NULL) {
            reader->bad = true;
            ret[i] = "";
        }
    }
    return ret;
}

static struct schema_field *
read_fields(struct reader *reader, const struct value *list, size_t *count, unsigned depth)
{
    *count = need_count(reader, list, LIMIT_PLUGIN_FIELDS);
    struct schema_field *ret = ARENA_ARRAY(reader->arena, *count, struct schema_field);
    for (size_t i = 0; i < *count; i++) {
        const struct value *item = list->list.items[i], *nested = value_get(item, "fields");
        struct schema_field *field = &ret[i];
        field->name = need_text(reader, item, "name");
        field->doc = need_text(reader, item, "doc");
        const char *type = need_text(reader, item, "type");
#define X(id, number, word) \
    if (str_eq(type, word)) field->type = LEVADA_TYPE_##id;
        LEVADA_TYPES(X)
#undef X
        field->required = value_get_bool(item, "required", false);
        field->sensitive = value_get_bool(item, "sensitive", false);
        field->fallback = value_get_str(item, "default", NULL);
        field->minimum = value_get_str(item, "minimum", NULL);
        field->maximum = value_get_str(item, "maximum", NULL);
        if (value_get(item, "choices") != NULL)
            field->choices = read_texts(reader, value_get(item, "choices"), &field->nchoices);
        bool object = field->type == LEVADA_TYPE_OBJECT || field->type == LEVADA_TYPE_OBJECTS;
        if ((int)field->type == 0 || object != (nested != NULL) || depth > LIMIT_PLUGIN_DEPTH) reader->bad = true;
        else if (object) field->fields = read_fields(reader, nested, &field->nfields, depth + 1);
    }
    return ret;
}

int
schema_from_json(struct arena *arena, const struct value *json, const struct schema_plugin **ret, struct err *err)
{
    struct reader reader = {.arena = arena};
    struct schema_plugin *plugin = ARENA_NEW(arena, struct schema_plugin);
    const struct value *actions = value_get(json, "actions");
    plugin->name = need_text(&reader, json, "name");
    plugin->version = need_text(&reader, json, "version");
    plugin->doc = need_text(&reader, json, "doc");
    plugin->path = value_get_str(json, "path", NULL);
    plugin->digest = value_get_str(json, "digest", NULL);
    plugin->reuse = value_get_bool(json, "reuse", false);
    plugin->reuse_by = read_texts(&reader, value_get(json, "reuse_by"), &plugin->nreuse_by);
    plugin->nactions = need_count(&reader, actions, LIMIT_PLUGIN_ACTIONS);
    plugin->actions = ARENA_ARRAY(arena, plugin->nactions, struct schema_action);
    for (size_t i = 0; i < plugin->nactions; i++) {
        const struct value *item = actions->list.items[i];
        struct schema_action *action = &plugin->actions[i];
        action->name = need_text(&reader, item, "name");
        action->doc = need_text(&reader, item, "doc");
        if (!schema_effect_from_name(need_text(&reader, item, "effect"), &action->effect)) reader.bad = true;
        action->can_plan = value_get_bool(item, "plan", false);
        action->can_resolve = value_get_bool(item, "resolve", false);
        action->inputs = read_fields(&reader, value_get(item, "inputs"), &action->ninputs, 0);
        action->outputs = read_fields(&reader, value_get(item, "outputs"), &action->noutputs, 0);
    }
    if (reader.bad) return err_set(err, EXIT_INVALID, "the description of a plugin is damaged");
    *ret = plugin;
    return 0;
}

/* ---- the public form ---- */

static const struct value *
default_json(struct arena *arena, const struct schema_field *field)
{
    struct rule rule = {.path = field->name, .type = field->type};
    struct fault fault;
    if (field->fallback == NULL) return value_null(arena);
    switch (field->type) {
    case LEVADA_TYPE_BOOL: case LEVADA_TYPE_INT: case LEVADA_TYPE_REAL: case LEVADA_TYPE_JSON:
    case LEVADA_TYPE_LIST: case LEVADA_TYPE_MAP: {
        const struct value *value = rule_text(arena, &rule, field->fallback, &fault);
        if (value != NULL) return value;
        break;
    }
    default: break;
    }
    return value_text(arena, field->fallback);
}

static struct value *
public_fields(struct arena *arena, const struct schema_field *fields, size_t count, bool inputs)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < count; i++) {
        const struct schema_field *field = &fields[i];
        struct value *map = value_map(arena);
        set_text(arena, map, "name", field->name);
        set_text(arena, map, "type", schema_type_name(field->type));
        if (inputs) {
            value_set(arena, map, "required", value_bool(arena, field->required));
            value_set(arena, map, "default", default_json(arena, field));
        }
        value_set(arena, map, "secret", value_bool(arena, field->type == LEVADA_TYPE_SECRET || field->sensitive));
        set_text(arena, map, "doc", field->doc);
        set_text(arena, map, "minimum", field->minimum);
        set_text(arena, map, "maximum", field->maximum);
        if (field->nchoices)
            value_set(arena, map, "choices", text_list(arena, field->choices, field->nchoices));
        if (field->nfields)
            value_set(arena, map, "fields", public_fields(arena, field->fields, field->nfields, inputs));
        value_push(arena, list, map);
    }
    return list;
}

const struct value *
schema_action_json(struct arena *arena, const struct schema_plugin *plugin, const struct schema_action *action)
{
    struct value *map = value_map(arena);
    set_text(arena, map, "name", arena_printf(arena, "%s.%s", plugin->name, action->name));
    set_text(arena, map, "doc", action->doc);
    set_text(arena, map, "effect", schema_effect_name(action->effect));
    value_set(arena, map, "plan", value_bool(arena, action->can_plan));
    value_set(arena, map, "resolve", value_bool(arena, action->can_resolve));
    value_set(arena, map, "inputs", public_fields(arena, action->inputs, action->ninputs, true));
    value_set(arena, map, "outputs", public_fields(arena, action->outputs, action->noutputs, false));
    return map;
}
