/* SPDX-License-Identifier: Apache-2.0
 *
 * What `check` can know about a step's inputs before anything runs. A template is taken on trust: its value
 * meets the same rules again when the step starts.
 */
#include <string.h>

#include "base/str.h"
#include "plugin/field.h"
#include "plugin/rule.h"

struct checker {
    struct arena *arena;
    const char *what;
    field_report *report;
    void *context;
};

static bool
is_template(const struct value *value)
{
    return value->type == VALUE_STRING && strstr(value->text.ptr, "${{") != NULL;
}

/* Where the name of member i stands, or else its value. */
static const struct value *
name_place(struct checker *checker, const struct value *map, size_t i)
{
    if (map->map.places == NULL) return map->map.values[i];
    struct value *ret = value_text(checker->arena, map->map.names[i]);
    ret->line = map->map.places[i] >> 12;
    ret->column = map->map.places[i] & 0xfff;
    return ret;
}

static void
check_unknown(struct checker *checker, const struct schema_field *fields, size_t nfields, const struct value *given,
              const char *prefix)
{
    const char **names = ARENA_ARRAY(checker->arena, nfields + 1, const char *);
    for (size_t i = 0; i < nfields; i++) names[i] = fields[i].name;
    for (size_t i = 0; i < given->map.count; i++) {
        const char *name = given->map.names[i];
        if (schema_field_find(fields, nfields, name) != NULL) continue;
        const char *nearest = str_nearest(name, names, nfields);
        const char *hint = NULL;
        if (nearest != NULL) hint = arena_printf(checker->arena, "Did you mean \"%s\"?", nearest);
        checker->report(checker->context, name_place(checker, given, i), "unknown-input",
                        arena_printf(checker->arena, "%s has no input \"%s%s\"", checker->what, prefix, name), hint);
    }
}

static void check_table(struct checker *checker, const struct schema_field *fields, size_t nfields,
                        const struct value *given, const char *prefix);

/* The items of a list or a map may be templates one by one: only the others are looked at. */
static const struct value *
without_templates(struct arena *arena, const struct value *value)
{
    if (value->type == VALUE_LIST) {
        struct value *ret = value_list(arena);
        for (size_t i = 0; i < value->list.count; i++)
            if (!is_template(value->list.items[i])) value_push(arena, ret, value->list.items[i]);
        ret->line = value->line;
        ret->column = value->column;
        return ret;
    }
    if (value->type == VALUE_MAP) {
        struct value *ret = value_map(arena);
        for (size_t i = 0; i < value->map.count; i++)
            if (!is_template(value->map.values[i]))
                value_set(arena, ret, value->map.names[i], value->map.values[i]);
        ret->line = value->line;
        ret->column = value->column;
        return ret;
    }
    return value;
}

static void
check_one(struct checker *checker, const struct schema_field *field, const struct value *value, const char *path)
{
    struct arena *arena = checker->arena;
    struct fault fault;
    if (is_template(value)) return;
    bool texts = field->type == LEVADA_TYPE_LIST || field->type == LEVADA_TYPE_MAP;
    struct rule rule = rule_of_schema(field, path);
    if (rule_accept(arena, &rule, texts ? without_templates(arena, value) : value, &fault) == NULL) {
        const char *hint = fault.err.hint[0] ? arena_strdup(arena, fault.err.hint) : NULL;
        checker->report(checker->context, fault.at->line ? fault.at : value, fault.code,
                        arena_strdup(arena, fault.err.message), hint);
        return;
    }
    if (field->type == LEVADA_TYPE_OBJECT || (field->type == LEVADA_TYPE_OBJECTS && value->type == VALUE_MAP))
        check_table(checker, field->fields, field->nfields, value, arena_printf(arena, "%s.", path));
    if (field->type != LEVADA_TYPE_OBJECTS || value->type != VALUE_LIST) return;
    for (size_t i = 0; i < value->list.count; i++) {
        const struct value *item = value->list.items[i];
        if (is_template(item)) continue;
        const char *prefix = arena_printf(arena, "%s[%zu].", path, i + 1);
        if (item->type == VALUE_MAP) {
            check_table(checker, field->fields, field->nfields, item, prefix);
        } else {
            const char *message = arena_printf(arena, "input \"%s[%zu]\" wants an object, got %s", path, i + 1,
                                               rule_show(arena, item));
            checker->report(checker->context, item, "wrong-type", message, NULL);
        }
    }
}

static void
check_table(struct checker *checker, const struct schema_field *fields, size_t nfields, const struct value *given,
            const char *prefix)
{
    if (given != NULL) check_unknown(checker, fields, nfields, given, prefix);
    for (size_t i = 0; i < nfields; i++) {
        const struct value *value = value_get(given, fields[i].name);
        if (value != NULL)
            check_one(checker, &fields[i], value, arena_printf(checker->arena, "%s%s", prefix, fields[i].name));
        else if (fields[i].required)
            checker->report(checker->context, given, "missing-input",
                            arena_printf(checker->arena, "%s needs the input \"%s%s\"", checker->what, prefix,
                                         fields[i].name), fields[i].doc);
    }
}

void
field_check(struct arena *arena, const struct schema_field *fields, size_t nfields, const struct value *given,
            const char *what, field_report *report, void *context)
{
    struct checker checker = {arena, what, report, context};
    if (given != NULL && given->type != VALUE_MAP) {
        if (is_template(given)) return;
        report(context, given, "wrong-type", arena_printf(arena, "the inputs of %s must be a map, got %s", what,
                                                          rule_show(arena, given)), NULL);
        return;
    }
    check_table(&checker, fields, nfields, given, "");
}
