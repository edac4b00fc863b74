/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling an input struct. Every member is written at its offset, defaults included; only what the workflow
 * gives gets its presence bit. Objects are filled the same way, one level down.
 */
#include "plugin/field.h"

#include <string.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/str.h"
#include "plugin/rule.h"
#include "plugin/table.h"

struct filler {
    struct arena *arena;
    const char *folder;
    struct err *err;
};

static int fill_table(struct filler *filler, const struct levada_field *fields, size_t nfields,
                      const struct value *given, const char *path, void *input, size_t size);

static const char **
texts(struct arena *arena, const struct value **items, size_t count)
{
    const char **ret = ARENA_ARRAY(arena, count + 1, const char *);
    for (size_t i = 0; i < count; i++) ret[i] = items[i]->text.ptr;
    return ret;
}

static const char *
resolve(struct filler *filler, const char *path)
{
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
        while (path[0] == '/') path++;
    }
    if (path[0] == '/') return path;
    if (path[0] == '\0' || str_eq(path, ".")) return filler->folder;
    const char *between = str_ends(filler->folder, "/") ? "" : "/";
    return arena_printf(filler->arena, "%s%s%s", filler->folder, between, path);
}

static levada_sql
sql_of(struct arena *arena, const struct value *value)
{
    const struct value *params = value_get(value, "params");
    struct levada_sql_param *ret = ARENA_ARRAY(arena, params->list.count, struct levada_sql_param);
    for (size_t i = 0; i < params->list.count; i++) {
        const struct value *param = params->list.items[i];
        ret[i].offset = (size_t)param->list.items[0]->integer;
        ret[i].json = json_text(arena, param->list.items[1]);
    }
    return (levada_sql){value_get_str(value, "sql", ""), ret, params->list.count};
}

static int
fill_objects(struct filler *filler, const struct levada_field *field, const struct value *value, const char *path,
             void *place)
{
    if (field->type == LEVADA_TYPE_OBJECT) {
        void *object = arena_alloc(filler->arena, field->object_size);
        ((levada_object *)place)->value = object;
        return fill_table(filler, field->fields, field->nfields, value, path, object, field->object_size);
    }
    size_t count = value->list.count;
    unsigned char *objects = arena_array(filler->arena, count, field->object_size);
    *(levada_objects *)place = (levada_objects){objects, count};
    for (size_t i = 0; i < count; i++) {
        const struct value *item = value->list.items[i];
        const char *item_path = arena_printf(filler->arena, "%s[%zu]", path, i + 1);
        if (item->type != VALUE_MAP) {
            err_set(filler->err, EXIT_INVALID, "input \"%s\" wants an object, got %s", item_path,
                    rule_show(filler->arena, item));
            filler->err->error_class = LEVADA_INVALID;
            return EXIT_INVALID;
        }
        int code = fill_table(filler, field->fields, field->nfields, item, item_path,
                              objects + i * field->object_size, field->object_size);
        if (code) return code;
    }
    return 0;
}

static int
fill_one(struct filler *filler, const struct levada_field *field, const struct value *value, const char *path,
         void *place)
{
    struct arena *arena = filler->arena;
    switch ((enum levada_type)field->type) {
    case LEVADA_TYPE_STRING: case LEVADA_TYPE_URI:
        ((levada_string *)place)->text = value->text.ptr;
        return 0;
    case LEVADA_TYPE_PATH: ((levada_path *)place)->text = resolve(filler, value->text.ptr); return 0;
    case LEVADA_TYPE_BOOL: ((levada_bool *)place)->value = value->boolean; return 0;
    case LEVADA_TYPE_INT: ((levada_int *)place)->value = value->integer; return 0;
    case LEVADA_TYPE_REAL: ((levada_real *)place)->value = value->real; return 0;
    case LEVADA_TYPE_DURATION: ((levada_duration *)place)->ms = value->integer; return 0;
    case LEVADA_TYPE_SIZE: ((levada_size *)place)->bytes = (uint64_t)value->integer; return 0;
    case LEVADA_TYPE_TIMESTAMP: ((levada_timestamp *)place)->ms = value->integer; return 0;
    case LEVADA_TYPE_SQL: *(levada_sql *)place = sql_of(arena, value); return 0;
    case LEVADA_TYPE_SECRET:
        *(levada_secret *)place = (levada_secret){value->text.ptr, path, value->text.size};
        return 0;
    case LEVADA_TYPE_JSON: ((levada_json *)place)->text = json_text(arena, value); return 0;
    case LEVADA_TYPE_LIST:
        *(levada_list *)place = (levada_list){texts(arena, value->list.items, value->list.count),
                                              value->list.count};
        return 0;
    case LEVADA_TYPE_MAP:
        *(levada_map *)place = (levada_map){value->map.names, texts(arena, value->map.values, value->map.count),
                                            value->map.count};
        return 0;
    case LEVADA_TYPE_OBJECT: case LEVADA_TYPE_OBJECTS:
        return fill_objects(filler, field, value, path, place);
    }
    UNREACHABLE("field type");
}

/* Texts are "" when not given, never NULL. */
static void
fill_empty(const struct levada_field *field, void *place)
{
    switch ((enum levada_type)field->type) {
    case LEVADA_TYPE_STRING: case LEVADA_TYPE_URI: case LEVADA_TYPE_PATH: case LEVADA_TYPE_JSON:
        ((levada_string *)place)->text = "";
        return;
    case LEVADA_TYPE_SQL: ((levada_sql *)place)->text = ""; return;
    case LEVADA_TYPE_SECRET: *(levada_secret *)place = (levada_secret){"", "", 0}; return;
    default: return;
    }
}

static int
fill_field(struct filler *filler, const struct levada_field *field, const struct value *value, const char *prefix,
           void *input, size_t size)
{
    /* table_check() refused a plugin whose offsets leave its struct. */
    ASSERT(field->offset % 8 == 0 && field->offset + table_type_size((enum levada_type)field->type) <= size);
    void *place = (char *)input + field->offset;
    const char *path = *prefix ? arena_printf(filler->arena, "%s.%s", prefix, field->name) : field->name;
    struct rule rule = rule_of_field(field, path);
    struct fault fault;
    const struct value *accepted = NULL;
    if (value != NULL) {
        accepted = rule_accept(filler->arena, &rule, value, &fault);
        levada_present *present = input;
        present->bits[field->offset / 8 / 64] |= (uint64_t)1 << (field->offset / 8 % 64);
    } else if (field->fallback != NULL) {
        accepted = rule_text(filler->arena, &rule, field->fallback, &fault);
    } else if (field->flags & LEVADA_REQUIRED) {
        err_set(filler->err, EXIT_INVALID, "the input \"%s\" is missing", path);
        err_hint(filler->err, "%s", field->doc);
        filler->err->error_class = LEVADA_INVALID;
        return EXIT_INVALID;
    } else {
        fill_empty(field, place);
        return 0;
    }
    if (accepted == NULL) {
        *filler->err = fault.err;
        return EXIT_INVALID;
    }
    return fill_one(filler, field, accepted, path, place);
}

/* Names that the table does not have. */
static int
refuse_unknown(struct filler *filler, const struct levada_field *fields, size_t nfields, const struct value *given,
               const char *prefix)
{
    const char **names = ARENA_ARRAY(filler->arena, nfields + 1, const char *);
    for (size_t i = 0; i < nfields; i++) names[i] = fields[i].name;
    for (size_t i = 0; i < given->map.count; i++) {
        bool known = false;
        for (size_t k = 0; k < nfields && !known; k++) known = str_eq(names[k], given->map.names[i]);
        if (known) continue;
        err_set(filler->err, EXIT_INVALID, "there is no input \"%s%s%s\"", prefix, *prefix ? "." : "",
                given->map.names[i]);
        const char *nearest = str_nearest(given->map.names[i], names, nfields);
        if (nearest != NULL) err_hint(filler->err, "Did you mean \"%s\"?", nearest);
        filler->err->error_class = LEVADA_INVALID;
        return EXIT_INVALID;
    }
    return 0;
}

static int
fill_table(struct filler *filler, const struct levada_field *fields, size_t nfields, const struct value *given,
           const char *path, void *input, size_t size)
{
    if (given != NULL && given->type != VALUE_MAP) {
        err_set(filler->err, EXIT_INVALID, "inputs must be a map, got %s", rule_show(filler->arena, given));
        filler->err->error_class = LEVADA_INVALID;
        return EXIT_INVALID;
    }
    int code = given != NULL ? refuse_unknown(filler, fields, nfields, given, path) : 0;
    for (size_t i = 0; code == 0 && i < nfields; i++)
        code = fill_field(filler, &fields[i], value_get(given, fields[i].name), path, input, size);
    return code;
}

int
field_fill(struct arena *arena, const struct levada_field *fields, size_t nfields, const struct value *given,
           const char *folder, void *input, size_t size, struct err *err)
{
    struct filler filler = {arena, folder, err};
    return fill_table(&filler, fields, nfields, given, "", input, size);
}
