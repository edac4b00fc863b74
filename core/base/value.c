/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps keep the order of the file and are searched linearly up to a size where nobody notices; the workflow
 * model keeps indexes of its own for what is large.
 */
#include "base/value.h"

#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/str.h"

const char *
value_type_name(enum value_type type)
{
    static const char *const names[] = {"null", "boolean", "integer", "number", "string", "duration",
                                        "size", "timestamp", "sql", "secret", "list", "map"};
    return names[type];
}

struct value *
value_new(struct arena *arena, enum value_type type)
{
    struct value *ret = ARENA_NEW(arena, struct value);
    ret->type = type;
    return ret;
}

struct value *
value_null(struct arena *arena)
{
    return value_new(arena, VALUE_NULL);
}

struct value *
value_bool(struct arena *arena, bool boolean)
{
    struct value *ret = value_new(arena, VALUE_BOOL);
    ret->boolean = boolean;
    return ret;
}

struct value *
value_typed(struct arena *arena, enum value_type type, int64_t integer)
{
    struct value *ret = value_new(arena, type);
    ret->integer = integer;
    return ret;
}

struct value *
value_int(struct arena *arena, int64_t integer)
{
    return value_typed(arena, VALUE_INT, integer);
}

struct value *
value_real(struct arena *arena, double real)
{
    struct value *ret = value_new(arena, VALUE_REAL);
    ret->real = real;
    return ret;
}

struct value *
value_textn(struct arena *arena, enum value_type type, const char *text, size_t size)
{
    struct value *ret = value_new(arena, type);
    ret->text.ptr = arena_strndup(arena, text, size);
    ret->text.size = size;
    return ret;
}

struct value *
value_text(struct arena *arena, const char *text)
{
    return value_textn(arena, VALUE_STRING, text, strlen(text));
}

struct value *
value_map(struct arena *arena)
{
    return value_new(arena, VALUE_MAP);
}

struct value *
value_list(struct arena *arena)
{
    return value_new(arena, VALUE_LIST);
}

/* Capacity is not stored: it is the power of two at or above count, from 4; of nothing it is nothing. */
static bool
at_capacity(size_t count)
{
    return count == 0 || (count >= 4 && (count & (count - 1)) == 0);
}

static size_t
capacity_of(size_t count)
{
    size_t ret = count == 0 ? 0 : 4;
    while (ret < count) ret *= 2;
    return ret;
}

static void *
grown(struct arena *arena, const void *old, size_t count, size_t size)
{
    void *ret = arena_array(arena, count == 0 ? 4 : count * 2, size);
    if (count) memcpy(ret, old, count * size);
    return ret;
}

void
value_set(struct arena *arena, struct value *map, const char *name, const struct value *value)
{
    ASSERT(map->type == VALUE_MAP);
    for (size_t i = 0; i < map->map.count; i++)
        if (map->map.names[i][0] == name[0] && strcmp(map->map.names[i], name) == 0) {
            map->map.values[i] = value;
            return;
        }
    value_append(arena, map, name, value);
}

void
value_append(struct arena *arena, struct value *map, const char *name, const struct value *value)
{
    size_t count = map->map.count;
    if (at_capacity(count)) {
        map->map.names = grown(arena, map->map.names, count, sizeof *map->map.names);
        map->map.values = grown(arena, map->map.values, count, sizeof *map->map.values);
    }
    if (map->map.places != NULL) {
        /* Whoever made the array knows its capacity, we do not; a name of ours has no place. */
        size_t capacity = 4;
        while (capacity < count + 1) capacity *= 2;
        uint32_t *places = ARENA_ARRAY(arena, capacity, uint32_t);
        memcpy(places, map->map.places, count * sizeof *places);
        map->map.places = places;
    }
    map->map.names[count] = arena_strdup(arena, name);
    map->map.values[count] = value;
    map->map.count++;
}

void
value_set_all(struct arena *arena, struct value *map, const struct value *from)
{
    for (size_t i = 0; value_is(from, VALUE_MAP) && i < from->map.count; i++)
        value_set(arena, map, from->map.names[i], from->map.values[i]);
}

void
value_push(struct arena *arena, struct value *list, const struct value *item)
{
    ASSERT(list->type == VALUE_LIST);
    if (at_capacity(list->list.count))
        list->list.items = grown(arena, list->list.items, list->list.count, sizeof *list->list.items);
    list->list.items[list->list.count++] = item;
}

const struct value *
value_get(const struct value *map, const char *name)
{
    if (map == NULL || map->type != VALUE_MAP) return NULL;
    for (size_t i = 0; i < map->map.count; i++) /* the first byte tells most names apart */
        if (map->map.names[i][0] == name[0] && strcmp(map->map.names[i], name) == 0) return map->map.values[i];
    return NULL;
}

bool
value_is(const struct value *value, enum value_type type)
{
    return value != NULL && value->type == type;
}

const char *
value_str(const struct value *value, const char *fallback)
{
    return value_is(value, VALUE_STRING) ? value->text.ptr : fallback;
}

const char *
value_get_str(const struct value *map, const char *name, const char *fallback)
{
    return value_str(value_get(map, name), fallback);
}

int64_t
value_get_int(const struct value *map, const char *name, int64_t fallback)
{
    const struct value *value = value_get(map, name);
    return value_is(value, VALUE_INT) ? value->integer : fallback;
}

bool
value_get_bool(const struct value *map, const char *name, bool fallback)
{
    const struct value *value = value_get(map, name);
    return value_is(value, VALUE_BOOL) ? value->boolean : fallback;
}

bool
value_equal(const struct value *a, const struct value *b)
{
    if (a == NULL || b == NULL) return a == b;
    if (a->type != b->type) return false;
    switch (a->type) {
    case VALUE_NULL: return true;
    case VALUE_BOOL: return a->boolean == b->boolean;
    case VALUE_REAL: return a->real >= b->real && a->real <= b->real;
    case VALUE_INT: case VALUE_DURATION: case VALUE_SIZE: case VALUE_TIMESTAMP:
        return a->integer == b->integer;
    case VALUE_STRING: case VALUE_SQL: case VALUE_SECRET:
        return a->text.size == b->text.size && a->text.ptr != NULL && b->text.ptr != NULL &&
               memcmp(a->text.ptr, b->text.ptr, a->text.size) == 0;
    case VALUE_LIST:
        if (a->list.count != b->list.count) return false;
        for (size_t i = 0; i < a->list.count; i++)
            if (!value_equal(a->list.items[i], b->list.items[i])) return false;
        return true;
    case VALUE_MAP:
        if (a->map.count != b->map.count) return false;
        for (size_t i = 0; i < a->map.count; i++)
            if (!value_equal(a->map.values[i], value_get(b, a->map.names[i]))) return false;
        return true;
    }
    UNREACHABLE("value type");
}

struct value *
value_copy(struct arena *arena, const struct value *value)
{
    struct value *ret = value_new(arena, value->type);
    *ret = *value;
    switch (value->type) {
    case VALUE_STRING: case VALUE_SQL: case VALUE_SECRET:
        if (value->text.ptr != NULL)
            ret->text.ptr = arena_strndup(arena, value->text.ptr, value->text.size);
        break;
    case VALUE_LIST:
        ret->list.items = NULL;
        ret->list.count = 0;
        for (size_t i = 0; i < value->list.count; i++)
            value_push(arena, ret, value_copy(arena, value->list.items[i]));
        break;
    case VALUE_MAP:
        ret->map.names = ARENA_ARRAY(arena, capacity_of(value->map.count), const char *);
        ret->map.values = ARENA_ARRAY(arena, capacity_of(value->map.count), const struct value *);
        ret->map.places = NULL;
        for (size_t i = 0; i < value->map.count; i++) {
            ret->map.names[i] = arena_strdup(arena, value->map.names[i]);
            ret->map.values[i] = value_copy(arena, value->map.values[i]);
        }
        break;
    default: break;
    }
    return ret;
}

bool
value_tainted(const struct value *value)
{
    if (value == NULL) return false;
    if (value->type == VALUE_SECRET) return true;
    if (value->type == VALUE_LIST)
        for (size_t i = 0; i < value->list.count; i++)
            if (value_tainted(value->list.items[i])) return true;
    if (value->type == VALUE_MAP)
        for (size_t i = 0; i < value->map.count; i++)
            if (value_tainted(value->map.values[i])) return true;
    return false;
}

void
value_show(struct buf *buf, const struct value *value)
{
    switch (value->type) {
    case VALUE_SECRET: buf_text(buf, "***"); break;
    case VALUE_STRING: case VALUE_SQL: buf_add(buf, value->text.ptr, value->text.size); break;
    case VALUE_DURATION: str_duration(buf, value->integer); break;
    case VALUE_TIMESTAMP: str_timestamp(buf, value->integer); break;
    case VALUE_SIZE: buf_printf(buf, "%" PRId64, value->integer); break;
    default: json_write(buf, value); break;
    }
}
