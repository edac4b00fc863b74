/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling an action's input struct from JSON by its table, as the host does in a worker.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

static void
refuse(const char *field, const char *what)
{
    fprintf(stderr, "fake_fill: %s: %s\n", field, what);
    abort();
}

static char *
keep(struct fake *fake, const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(fake->step.host->alloc(&fake->step, size), text, size);
}

/* 64MiB, 1GiB, 10s, 7d and plain numbers: bytes or milliseconds. */
static uint64_t
quantity(const char *text, uint64_t unit)
{
    static const struct { const char *suffix; uint64_t factor; } units[] = {
        {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}, {"ms", 1}, {"s", 1000}, {"m", 60000},
        {"h", 3600000}, {"d", 86400000},
    };
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*end == '\0') return value * unit;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].suffix) == 0) return value * units[i].factor;
    refuse(text, "is no quantity");
    return 0;
}

/* SQL with ${{ JSON }} in it: the JSON becomes a parameter. */
static levada_sql
make_sql(struct fake *fake, const char *text)
{
    char *clean = keep(fake, text), *to = clean;
    struct levada_sql_param *params = fake->step.host->alloc(&fake->step, 64 * sizeof *params);
    size_t count = 0;
    for (const char *at = text; *at != '\0';) {
        const char *end = strncmp(at, "${{", 3) == 0 ? strstr(at, "}}") : NULL;
        if (end == NULL) {
            *to++ = *at++;
            continue;
        }
        char *json = keep(fake, at + 3);
        json[end - at - 3] = '\0';
        params[count++] = (struct levada_sql_param){.offset = (size_t)(to - clean), .json = json};
        at = end + 2;
    }
    *to = '\0';
    return (levada_sql){.text = clean, .params = params, .count = count};
}

static levada_list
make_list(struct fake *fake, const json_t *value)
{
    size_t count = json_array_size(value);
    const char **items = fake->step.host->alloc(&fake->step, (count + 1) * sizeof *items);
    for (size_t i = 0; i < count; i++) items[i] = keep(fake, json_string_value(json_array_get(value, i)));
    return (levada_list){.items = items, .count = count};
}

static levada_map
make_map(struct fake *fake, json_t *value)
{
    size_t count = json_object_size(value), i = 0;
    const char **names = fake->step.host->alloc(&fake->step, (count + 1) * sizeof *names);
    const char **values = fake->step.host->alloc(&fake->step, (count + 1) * sizeof *values);
    const char *key;
    json_t *member;
    json_object_foreach(value, key, member) {
        names[i] = keep(fake, key);
        char *text = json_is_string(member) ? NULL : json_dumps(member, JSON_ENCODE_ANY);
        values[i++] = keep(fake, text != NULL ? text : json_string_value(member));
        free(text);
    }
    return (levada_map){.names = names, .values = values, .count = count};
}

static const char *
make_path(struct fake *fake, const char *text)
{
    if (text[0] == '/' || text[0] == '\0') return keep(fake, text);
    size_t size = strlen(fake->root) + strlen(text) + 2;
    char *path = fake->step.host->alloc(&fake->step, size);
    snprintf(path, size, "%s/%s", fake->root, text);
    return path;
}

static void fill(struct fake *fake, const struct levada_field *fields, uint32_t count, void *input, json_t *values);

static void
fill_objects(struct fake *fake, const struct levada_field *field, void *at, const json_t *value)
{
    size_t count = json_array_size(value);
    char *items = fake->step.host->alloc(&fake->step, (count + 1) * field->object_size);
    for (size_t i = 0; i < count; i++)
        fill(fake, field->fields, field->nfields, items + i * field->object_size, json_array_get(value, i));
    *(levada_objects *)at = (levada_objects){.items = items, .count = count};
}

static void
fill_one(struct fake *fake, const struct levada_field *field, void *at, json_t *value)
{
    const char *text = json_string_value(value);
    char *json = json_dumps(value, JSON_ENCODE_ANY);
    switch (field->type) {
    case LEVADA_TYPE_STRING:
    case LEVADA_TYPE_URI: *(levada_string *)at = (levada_string){keep(fake, text)}; break;
    case LEVADA_TYPE_PATH: *(levada_path *)at = (levada_path){make_path(fake, text)}; break;
    case LEVADA_TYPE_SQL: *(levada_sql *)at = make_sql(fake, text); break;
    case LEVADA_TYPE_SECRET: *(levada_secret *)at = (levada_secret){keep(fake, text), "secret", strlen(text)}; break;
    case LEVADA_TYPE_BOOL: *(levada_bool *)at = (levada_bool){json_is_true(value)}; break;
    case LEVADA_TYPE_INT: *(levada_int *)at = (levada_int){json_integer_value(value)}; break;
    case LEVADA_TYPE_REAL: *(levada_real *)at = (levada_real){json_number_value(value)}; break;
    case LEVADA_TYPE_DURATION: *(levada_duration *)at = (levada_duration){(int64_t)quantity(text, 1000)}; break;
    case LEVADA_TYPE_SIZE: *(levada_size *)at = (levada_size){quantity(text, 1)}; break;
    case LEVADA_TYPE_JSON: *(levada_json *)at = (levada_json){keep(fake, json)}; break;
    case LEVADA_TYPE_LIST: *(levada_list *)at = make_list(fake, value); break;
    case LEVADA_TYPE_MAP: *(levada_map *)at = make_map(fake, value); break;
    case LEVADA_TYPE_OBJECTS: fill_objects(fake, field, at, value); break;
    case LEVADA_TYPE_OBJECT: {
        void *object = fake->step.host->alloc(&fake->step, field->object_size);
        fill(fake, field->fields, field->nfields, object, value);
        *(levada_object *)at = (levada_object){object};
        break;
    }
    default: refuse(field->name, "type is not known to the fake");
    }
    free(json);
}

/* Texts that are not given are "": the types that begin with a text. */
static void
fill_empty(const struct levada_field *field, void *at)
{
    switch (field->type) {
    case LEVADA_TYPE_STRING:
    case LEVADA_TYPE_URI:
    case LEVADA_TYPE_PATH:
    case LEVADA_TYPE_JSON:
    case LEVADA_TYPE_SECRET:
    case LEVADA_TYPE_SQL: *(const char **)at = ""; break;
    default: break;
    }
}

static json_t *
fallback(const struct levada_field *field)
{
    switch (field->type) {
    case LEVADA_TYPE_BOOL:
    case LEVADA_TYPE_INT:
    case LEVADA_TYPE_REAL:
    case LEVADA_TYPE_JSON: return json_loads(field->fallback, JSON_DECODE_ANY, NULL);
    default: return json_string(field->fallback);
    }
}

static void
fill(struct fake *fake, const struct levada_field *fields, uint32_t count, void *input, json_t *values)
{
    levada_present *present = input;
    const char *key;
    json_t *value;
    json_object_foreach(values, key, value) {
        uint32_t i = 0;
        while (i < count && strcmp(fields[i].name, key) != 0) i++;
        if (i == count) refuse(key, "is no input");
    }
    for (uint32_t i = 0; i < count; i++) {
        void *at = (char *)input + fields[i].offset;
        value = json_object_get(values, fields[i].name);
        if (value != NULL) {
            present->bits[fields[i].offset / 8 / 64] |= UINT64_C(1) << (fields[i].offset / 8 % 64);
            fill_one(fake, &fields[i], at, value);
        } else if (fields[i].flags & LEVADA_REQUIRED) {
            refuse(fields[i].name, "is required");
        } else if (fields[i].fallback != NULL) {
            value = fallback(&fields[i]);
            fill_one(fake, &fields[i], at, value);
            json_decref(value);
        } else {
            fill_empty(&fields[i], at);
        }
    }
}

void
fake_fill(struct fake *fake, const struct levada_field *fields, uint32_t count, void *input, const char *json)
{
    json_error_t error;
    json_t *values = json_loads(json, 0, &error);
    if (values == NULL) refuse(json, error.text);
    fill(fake, fields, count, input, values);
    json_decref(values);
}

static const struct levada_action *
find(const struct levada_plugin *plugin, const char *name)
{
    for (uint32_t i = 0; i < plugin->nactions; i++)
        if (strcmp(plugin->actions[i].name, name) == 0) return &plugin->actions[i];
    refuse(name, "is no action");
    return NULL;
}

int
fake_run(struct fake *fake, const struct levada_plugin *plugin, const char *name, const char *json)
{
    const struct levada_action *action = find(plugin, name);
    void *input = fake->step.host->alloc(&fake->step, action->input_size);
    fake_fill(fake, action->inputs, action->ninputs, input, json);
    return action->run(&fake->step, input);
}

int
fake_resolve(struct fake *fake, const struct levada_plugin *plugin, const char *name, const char *json, int32_t *found)
{
    const struct levada_action *action = find(plugin, name);
    void *input = fake->step.host->alloc(&fake->step, action->input_size);
    fake_fill(fake, action->inputs, action->ninputs, input, json);
    return action->resolve(&fake->step, input, found);
}
