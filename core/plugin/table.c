/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The tables were copied to our own sizes before, so that every member may be read; what they
 * say is outside input all the same.
 */
#include "plugin/table.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "plugin/rule.h"

size_t
table_type_size(enum levada_type type)
{
    switch (type) {
    case LEVADA_TYPE_SECRET: case LEVADA_TYPE_MAP: case LEVADA_TYPE_SQL: return 24;
    case LEVADA_TYPE_LIST: case LEVADA_TYPE_OBJECTS: return 16;
    default: return 8;
    }
}

_Static_assert(sizeof(levada_secret) == 24 && sizeof(levada_map) == 24 && sizeof(levada_sql) == 24 &&
                   sizeof(levada_list) == 16 && sizeof(levada_objects) == 16 && sizeof(levada_real) == 8,
               "table_type_size");

/* One table under check: what it is part of, for messages. */
struct table {
    struct arena *arena;
    struct err *err;
    const char *where; /* `action "load": input` */
    size_t size;       /* of the struct; 0: outputs, which have none */
    unsigned depth;
};

static bool
has_text(const char *text)
{
    return text != NULL && text[0] != '\0' && str_utf8_bad(text, strlen(text)) < 0;
}

static int
refuse(struct table *table, const struct levada_field *field, const char *what)
{
    return err_set(table->err, EXIT_INVALID, "%s \"%s\" %s", table->where, field->name, what);
}

static bool
is_bounded(uint32_t type)
{
    return type == LEVADA_TYPE_INT || type == LEVADA_TYPE_REAL || type == LEVADA_TYPE_DURATION ||
           type == LEVADA_TYPE_SIZE || type == LEVADA_TYPE_TIMESTAMP;
}

static int
check_place(struct table *table, const struct levada_field *fields, size_t i)
{
    const struct levada_field *field = &fields[i];
    size_t size = table_type_size((enum levada_type)field->type);
    if (field->offset % 8) return refuse(table, field, "has an offset that is no multiple of 8");
    if (field->offset < sizeof(levada_present))
        return refuse(table, field, "lies on the presence bits; `levada_present present` must be the first member");
    if (field->offset > table->size || size > table->size - field->offset) {
        const char *what = arena_printf(table->arena, "ends at byte %zu of a struct of %zu", field->offset + size,
                                        table->size);
        return refuse(table, field, what);
    }
    for (size_t k = 0; k < i; k++) {
        size_t other = table_type_size((enum levada_type)fields[k].type);
        if (field->offset < fields[k].offset + other && fields[k].offset < field->offset + size)
            return refuse(table, field, arena_printf(table->arena, "lies on the input \"%s\"", fields[k].name));
    }
    return 0;
}

static int
check_texts(struct table *table, const struct levada_field *field)
{
    struct rule rule = rule_of_field(field, field->name);
    struct fault fault;
    const char *bounds[] = {field->minimum, field->maximum};
    if (field->choices != NULL) {
        if (field->type != LEVADA_TYPE_STRING && field->type != LEVADA_TYPE_LIST)
            return refuse(table, field, "has choices, which only strings and lists may have");
        if (rule.nchoices == 0) return refuse(table, field, "has an empty list of choices");
    }
    for (int i = 0; i < 2; i++) {
        struct rule plain = {.path = field->name, .type = rule.type};
        if (bounds[i] == NULL) continue;
        if (i == 1 && is_bounded(field->type)) plain.minimum = field->minimum; /* the maximum is above it */
        if (!is_bounded(field->type)) return refuse(table, field, "has a bound, which its type cannot have");
        if (rule_text(table->arena, &plain, bounds[i], &fault) == NULL)
            return refuse(table, field, arena_printf(table->arena, "has a bad bound \"%s\": it %s", bounds[i],
                                                     rule_detail(&plain, &fault)));
    }
    if (field->fallback == NULL) return 0;
    if (field->flags & LEVADA_REQUIRED) return refuse(table, field, "is required and has a default");
    if (field->type == LEVADA_TYPE_SECRET) return refuse(table, field, "is a secret and has a default");
    if (field->type == LEVADA_TYPE_OBJECT || field->type == LEVADA_TYPE_OBJECTS)
        return refuse(table, field, "is an object and has a default; its members may have defaults");
    if (rule_text(table->arena, &rule, field->fallback, &fault) == NULL)
        return refuse(table, field, arena_printf(table->arena, "has a bad default: it %s",
                                                 rule_detail(&rule, &fault)));
    return 0;
}

static int check_fields(struct table *table, const struct levada_field *fields, size_t count);

static int
check_nested(struct table *table, const struct levada_field *field)
{
    bool object = field->type == LEVADA_TYPE_OBJECT || field->type == LEVADA_TYPE_OBJECTS;
    if (!object) return field->nfields ? refuse(table, field, "has a table of its own, but is no object") : 0;
    if (field->nfields == 0) return refuse(table, field, "is an object without a table of its own");
    struct table nested = *table;
    nested.where = arena_printf(table->arena, "%s \"%s\":", table->where, field->name);
    nested.size = table->size ? field->object_size : 0;
    nested.depth++;
    if (table->size && (field->object_size < sizeof(levada_present) || field->object_size > LEVADA_INPUT_SIZE_MAX ||
                        field->object_size % 8))
        return refuse(table, field, arena_printf(table->arena, "has an object size of %zu bytes; at least %zu, at "
                                                 "most %d, a multiple of 8", field->object_size,
                                                 sizeof(levada_present), LEVADA_INPUT_SIZE_MAX));
    return check_fields(&nested, field->fields, field->nfields);
}

static int
check_field(struct table *table, const struct levada_field *fields, size_t i)
{
    const struct levada_field *field = &fields[i];
    bool input = table->size > 0;
    if (field->name == NULL)
        return err_set(table->err, EXIT_INVALID, "%s %zu has no name", table->where, i + 1);
    if (!str_is_id(field->name) || strlen(field->name) > LIMIT_ID_SIZE)
        return refuse(table, field, "has a bad name: a lower-case letter first, then letters, digits and _");
    if (str_is_keyword(field->name)) return refuse(table, field, "is named by a keyword of Lua, C or C++");
    for (size_t k = 0; k < i; k++)
        if (str_eq(fields[k].name, field->name)) return refuse(table, field, "is there twice");
    if (!has_text(field->doc)) return refuse(table, field, "has no documentation");
    if (field->type < LEVADA_TYPE_STRING || field->type > LEVADA_TYPE_OBJECTS)
        return refuse(table, field, arena_printf(table->arena, "has the unknown type %u", field->type));
    if (field->flags & ~(input ? LEVADA_REQUIRED : LEVADA_SENSITIVE))
        return refuse(table, field, arena_printf(table->arena, "has flags that do not belong there: %#x",
                                                 field->flags));
    if (!input && (field->type == LEVADA_TYPE_SECRET || field->type == LEVADA_TYPE_SQL))
        return refuse(table, field, field->type == LEVADA_TYPE_SQL
                                        ? "is SQL, which is a type of inputs only"
                                        : "is a secret; give it another type and the flag LEVADA_SENSITIVE");
    int code = input ? check_place(table, fields, i) : 0;
    if (code == 0 && input) code = check_texts(table, field);
    return code ? code : check_nested(table, field);
}

static int
check_fields(struct table *table, const struct levada_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int code = check_field(table, fields, i);
        if (code) return code;
    }
    return 0;
}

static int
check_action(struct arena *arena, const struct levada_plugin *plugin, size_t i, struct err *err)
{
    const struct levada_action *action = &plugin->actions[i];
    if (action->name == NULL) return err_set(err, EXIT_INVALID, "action %zu has no name", i + 1);
    const char *name = action->name;
    if (!str_is_id(name) || strlen(name) > LIMIT_ID_SIZE)
        return err_set(err, EXIT_INVALID, "action \"%s\" has a bad name: a lower-case letter first, then letters, "
                       "digits and _", name);
    for (size_t k = 0; k < i; k++)
        if (str_eq(plugin->actions[k].name, name))
            return err_set(err, EXIT_INVALID, "action \"%s\" is there twice", name);
    if (!has_text(action->doc)) return err_set(err, EXIT_INVALID, "action \"%s\" has no documentation", name);
    if (action->effect < LEVADA_EFFECT_PURE || action->effect > LEVADA_EFFECT_UNSAFE)
        return err_set(err, EXIT_INVALID, "action \"%s\" has the unknown effect class %u", name, action->effect);
    if (action->flags)
        return err_set(err, EXIT_INVALID, "action \"%s\" has unknown flags: %#x", name, action->flags);
    if (action->run == NULL) return err_set(err, EXIT_INVALID, "action \"%s\" has no run function", name);
    if (action->resolve == NULL &&
        (action->effect == LEVADA_EFFECT_PROBE || action->effect == LEVADA_EFFECT_TRANSACTIONAL))
        return err_set(err, EXIT_INVALID, "action \"%s\" is %s and has no resolve function", name,
                       schema_effect_name((enum levada_effect)action->effect));
    if (action->input_size > LEVADA_INPUT_SIZE_MAX || action->input_size % 8 ||
        (action->ninputs && action->input_size < sizeof(levada_present)))
        return err_set(err, EXIT_INVALID, "action \"%s\" has an input struct of %zu bytes; at least %zu, at most %d, "
                       "a multiple of 8", name, action->input_size, sizeof(levada_present), LEVADA_INPUT_SIZE_MAX);
    struct table inputs = {arena, err, arena_printf(arena, "action \"%s\": input", name), action->input_size, 0};
    struct table outputs = {arena, err, arena_printf(arena, "action \"%s\": output", name), 0, 0};
    int code = check_fields(&inputs, action->inputs, action->ninputs);
    return code ? code : check_fields(&outputs, action->outputs, action->noutputs);
}

static bool
is_version(const char *text)
{
    int dots = 0;
    for (const char *p = text; *p; p++) {
        if (*p == '.' && p > text && isdigit((unsigned char)p[-1]) && isdigit((unsigned char)p[1])) dots++;
        else if (!isdigit((unsigned char)*p)) return false;
    }
    return dots == 2;
}

static int
check_reuse(const struct levada_plugin *plugin, struct err *err)
{
    if (!(plugin->flags & LEVADA_REUSE))
        return plugin->reuse_by == NULL ? 0
            : err_set(err, EXIT_INVALID, "there is a list reuse_by without the flag LEVADA_REUSE");
    if (plugin->reuse_by == NULL)
        return err_set(err, EXIT_INVALID, "the flag LEVADA_REUSE needs the list reuse_by");
    for (size_t n = 0; plugin->reuse_by[n] != NULL; n++) {
        bool found = false;
        for (size_t i = 0; i < plugin->nactions; i++)
            for (size_t k = 0; k < plugin->actions[i].ninputs; k++)
                if (str_eq(plugin->actions[i].inputs[k].name, plugin->reuse_by[n])) found = true;
        if (!found)
            return err_set(err, EXIT_INVALID, "reuse_by names \"%s\", which no action has as an input",
                           plugin->reuse_by[n]);
    }
    return 0;
}

int
table_check(struct arena *arena, const struct levada_plugin *plugin, struct err *err)
{
    if (plugin->name == NULL || !str_is_id(plugin->name) || strlen(plugin->name) > LIMIT_ID_SIZE)
        return err_set(err, EXIT_INVALID, "the plugin has no good name: a lower-case letter first, then letters, "
                       "digits and _");
    if (plugin->version == NULL || !is_version(plugin->version))
        return err_set(err, EXIT_INVALID, "the version must be MAJOR.MINOR.PATCH, like 1.0.0");
    if (!has_text(plugin->doc)) return err_set(err, EXIT_INVALID, "the plugin has no documentation");
    if (plugin->flags & ~LEVADA_REUSE)
        return err_set(err, EXIT_INVALID, "the plugin has unknown flags: %#x", plugin->flags);
    if (plugin->nactions == 0) return err_set(err, EXIT_INVALID, "the plugin has no actions");
    for (size_t i = 0; i < plugin->nactions; i++) {
        int code = check_action(arena, plugin, i, err);
        if (code) return code;
    }
    return check_reuse(plugin, err);
}
