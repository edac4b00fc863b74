/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "workflow/model_reader.h"

#include <string.h>

#include "workflow/params.h"

void
reader_damage(struct reader *reader, const char *what)
{
    if (reader->bad == NULL) reader->bad = what;
}

const char *
reader_needed_text(struct reader *reader, const struct value *map, const char *name)
{
    const char *ret = value_get_str(map, name, NULL);
    if (ret == NULL) reader_damage(reader, name);
    return ret != NULL ? ret : "";
}

const char *
reader_text(struct reader *reader, const struct value *map, const char *name)
{
    const char *text = value_get_str(map, name, NULL);
    return text != NULL ? arena_strdup(reader->arena, text) : NULL;
}

int64_t
reader_int_within(struct reader *reader, const struct value *map, const char *name, int64_t high)
{
    int64_t ret = value_get_int(map, name, 0);
    if (ret < 0 || ret > high) reader_damage(reader, name);
    return ret < 0 || ret > high ? 0 : ret;
}

const struct value *
reader_needed_map(struct reader *reader, const struct value *map, const char *name)
{
    const struct value *ret = value_get(map, name);
    if (value_is(ret, VALUE_MAP)) return ret;
    reader_damage(reader, name);
    return value_map(reader->arena);
}

const struct value *
reader_needed_list(struct reader *reader, const struct value *map, const char *name)
{
    const struct value *ret = value_get(map, name);
    if (value_is(ret, VALUE_LIST)) return ret;
    reader_damage(reader, name);
    return value_list(reader->arena);
}

/* A copy of the tree with the places that the list has for it, from *at on. */
static const struct value *
placed(struct reader *reader, const struct value *tree, const struct value *places, size_t *at)
{
    struct value *ret = value_new(reader->arena, tree->type);
    *ret = *tree;
    if (*at < places->list.count && value_is(places->list.items[*at], VALUE_INT)) {
        int64_t place = places->list.items[*at]->integer;
        ret->line = (uint32_t)(place >> 12 & 0xfffff);
        ret->column = (uint32_t)(place & 0xfff);
    }
    ++*at;
    size_t count = tree->type == VALUE_LIST ? tree->list.count : tree->type == VALUE_MAP ? tree->map.count : 0;
    const struct value *const *from = tree->type == VALUE_MAP ? tree->map.values : tree->list.items;
    const struct value **to = ARENA_ARRAY(reader->arena, 2 * count + 4, const struct value *);
    for (size_t i = 0; i < count; i++) to[i] = placed(reader, from[i], places, at);
    if (tree->type == VALUE_LIST) ret->list.items = to;
    if (tree->type == VALUE_MAP) ret->map.values = to;
    return ret;
}

const struct value *
reader_tree(struct reader *reader, const struct value *map, const char *name)
{
    const struct value *tree = value_get(map, name);
    const struct value *places = value_get(map, arena_printf(reader->arena, "%s_at", name));
    size_t at = 0;
    if (tree == NULL) return NULL;
    tree = value_copy(reader->arena, tree);
    if (!value_is(places, VALUE_LIST)) return tree;
    return placed(reader, tree, places, &at);
}

const struct value *
reader_map(struct reader *reader, const struct value *map, const char *name)
{
    const struct value *ret = reader_tree(reader, map, name);
    if (ret == NULL || ret->type == VALUE_MAP) return ret;
    reader_damage(reader, name);
    return NULL;
}

const struct value *
reader_list(struct reader *reader, const struct value *map, const char *name)
{
    const struct value *ret = reader_tree(reader, map, name);
    if (ret == NULL || ret->type == VALUE_LIST) return ret;
    reader_damage(reader, name);
    return NULL;
}

void
reader_place(struct reader *reader, const struct value *map, int *line, int *column)
{
    const struct value *at = reader_needed_list(reader, map, "at");
    if (at->list.count != 2 || !value_is(at->list.items[0], VALUE_INT) || !value_is(at->list.items[1], VALUE_INT)) {
        reader_damage(reader, "at");
        return;
    }
    *line = (int)at->list.items[0]->integer;
    *column = (int)at->list.items[1]->integer;
}

const struct value *
reader_typed(struct reader *reader, enum param_type type, const struct value *map, const char *name)
{
    struct err ignored = {0};
    const struct value *value = reader_tree(reader, map, name);
    const struct value *ret = value != NULL ? param_coerce(reader->arena, type, value, false, &ignored) : NULL;
    return ret != NULL ? ret : value;
}

double
reader_real(struct reader *reader, const struct value *map, const char *name)
{
    const struct value *value = value_get(map, name);
    if (value_is(value, VALUE_REAL) && value->real >= 0) return value->real;
    reader_damage(reader, name);
    return 1;
}

uint32_t *
reader_indexes(struct reader *reader, const struct value *map, const char *name, size_t nsteps, size_t *count)
{
    if (value_get(map, name) == NULL) return NULL;
    const struct value *list = reader_needed_list(reader, map, name);
    uint32_t *ret = ARENA_ARRAY(reader->arena, list->list.count, uint32_t);
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *item = list->list.items[i];
        bool good = value_is(item, VALUE_INT) && item->integer >= 0 && (uint64_t)item->integer < nsteps;
        if (good) ret[(*count)++] = (uint32_t)item->integer;
        else reader_damage(reader, name);
    }
    return ret;
}
