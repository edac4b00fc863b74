/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions on lists and maps. Nothing is changed in place: every result is new, its items are shared.
 */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "workflow/library.h"
#include "workflow/lua_value.h"

/* Offset of the character with this number (from 0), or the size. */
static size_t
character_at(const char *text, size_t size, int64_t number)
{
    size_t i = 0;
    for (; i < size; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80 && number-- == 0) break;
    return i;
}

static int64_t
characters(const struct value *text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text->text.size; i++) count += ((unsigned char)text->text.ptr[i] & 0xc0) != 0x80;
    return count;
}

static const struct value *
f_len(struct call *call)
{
    const struct value *arg = call->args[0];
    if (arg->type == VALUE_LIST) return call_int(call, (int64_t)arg->list.count);
    if (arg->type == VALUE_MAP) return call_int(call, (int64_t)arg->map.count);
    if (arg->type == VALUE_SECRET) call_fail(call, NULL, "the length would tell something about a secret");
    call_count(call, 0, call_arg(call, 0, VALUE_STRING)->text.size / 64);
    return call_int(call, characters(arg));
}

static const struct value *
f_first(struct call *call)
{
    const struct value *list = call_arg_list(call, 0);
    if (list->list.count == 0) return value_null(call_arena(call));
    return list->list.items[call->name[0] == 'f' ? 0 : list->list.count - 1];
}

/* Bounds from 1, both included; negative ones count from the end. */
static void
bounds(struct call *call, int64_t count, int64_t *from, int64_t *to)
{
    *from = call_arg_int(call, 1);
    *to = call_arg_int_or(call, 2, count);
    if (*from < 0) *from += count + 1;
    if (*to < 0) *to += count + 1;
    if (*from < 1) *from = 1;
    if (*to > count) *to = count;
}

static const struct value *
f_slice(struct call *call)
{
    int64_t from, to;
    if (call->args[0]->type == VALUE_LIST) {
        const struct value *list = call->args[0];
        struct value *ret = call_list(call);
        bounds(call, (int64_t)list->list.count, &from, &to);
        for (int64_t i = from; i <= to; i++) call_push(call, ret, list->list.items[i - 1]);
        return ret;
    }
    const struct value *text = call_arg_text(call, 0);
    bounds(call, characters(text), &from, &to);
    if (from > to) return call_text(call, "", 0);
    size_t start = character_at(text->text.ptr, text->text.size, from - 1);
    size_t end = character_at(text->text.ptr, text->text.size, to);
    return call_text(call, text->text.ptr + start, end - start);
}

static const struct value *
f_keys(struct call *call)
{
    const struct value *map = call_arg(call, 0, VALUE_MAP);
    struct value *ret = call_list(call);
    for (size_t i = 0; i < map->map.count; i++) {
        if (call->name[0] == 'v') call_push(call, ret, map->map.values[i]);
        else call_push(call, ret, call_text(call, map->map.names[i], strlen(map->map.names[i])));
    }
    return ret;
}

static const struct value *
f_get(struct call *call)
{
    const struct value *found = NULL;
    if (call->args[0]->type == VALUE_LIST) {
        int64_t index = call_arg_int(call, 1);
        if (index > 0 && (uint64_t)index <= call->args[0]->list.count)
            found = call->args[0]->list.items[index - 1];
    } else if (call->args[0]->type != VALUE_NULL) {
        found = value_get(call_arg(call, 0, VALUE_MAP), call_arg(call, 1, VALUE_STRING)->text.ptr);
        call_count(call, 0, call->args[0]->map.count / 16);
    }
    if (found != NULL && found->type != VALUE_NULL) return found;
    return call->nargs > 2 ? call->args[2] : value_null(call_arena(call));
}

static const struct value *
f_has(struct call *call)
{
    call_count(call, 0, call_arg(call, 0, VALUE_MAP)->map.count / 16);
    return call_bool(call, value_get(call_arg(call, 0, VALUE_MAP),
                                     call_arg(call, 1, VALUE_STRING)->text.ptr) != NULL);
}

static const struct value *
f_merge(struct call *call)
{
    bool lists = call->args[0]->type == VALUE_LIST;
    struct value *ret = lists ? call_list(call) : call_map(call);
    for (size_t k = 0; k < call->nargs; k++) {
        const struct value *from = lists ? call_arg_list(call, k) : call_arg(call, k, VALUE_MAP);
        for (size_t i = 0; lists && i < from->list.count; i++) call_push(call, ret, from->list.items[i]);
        for (size_t i = 0; !lists && i < from->map.count; i++) {
            call_count(call, 2 * sizeof(void *) + strlen(from->map.names[i]), 1 + ret->map.count / 16);
            value_set(call_arena(call), ret, from->map.names[i], from->map.values[i]);
        }
    }
    return ret;
}

struct keyed {
    const struct value *key, *item;
};

/* Merge sort: stable, and nothing is lost when a comparison fails in the middle. */
static void
sort_keyed(struct call *call, struct keyed *items, struct keyed *spare, size_t count)
{
    if (count < 2) return;
    size_t half = count / 2, left = 0, right = half;
    sort_keyed(call, items, spare, half);
    sort_keyed(call, items + half, spare + half, count - half);
    memcpy(spare, items, count * sizeof *items);
    for (size_t i = 0; i < count; i++) {
        bool take_left = right == count || (left < half && call_compare(call, spare[left].key,
                                                                        spare[right].key) <= 0);
        items[i] = take_left ? spare[left++] : spare[right++];
    }
    call_count(call, 0, count);
}

static const struct value *
f_sort(struct call *call)
{
    const struct value *list = call_arg_list(call, 0);
    size_t count = list->list.count;
    call_count(call, count * 2 * sizeof(struct keyed), count);
    struct keyed *items = ARENA_ARRAY(call_arena(call), count, struct keyed);
    struct keyed *spare = ARENA_ARRAY(call_arena(call), count, struct keyed);
    for (size_t i = 0; i < count; i++) {
        items[i].item = list->list.items[i];
        items[i].key = call->nargs > 1 ? call_function(call, items[i].item, (int64_t)i + 1) : items[i].item;
    }
    sort_keyed(call, items, spare, count);
    struct value *ret = call_list(call);
    for (size_t i = 0; i < count; i++) call_push(call, ret, items[i].item);
    return ret;
}

static const struct value *
f_unique(struct call *call)
{
    const struct value *list = call_arg_list(call, 0);
    struct value *ret = call_list(call);
    for (size_t i = 0; i < list->list.count; i++) {
        bool seen = false;
        for (size_t k = 0; k < ret->list.count && !seen; k++)
            seen = call_equal(call, ret->list.items[k], list->list.items[i]);
        call_count(call, 0, 1 + ret->list.count / 4);
        if (!seen) call_push(call, ret, list->list.items[i]);
    }
    return ret;
}

static const struct value *
f_reverse(struct call *call)
{
    const struct value *list = call_arg_list(call, 0);
    struct value *ret = call_list(call);
    for (size_t i = list->list.count; i > 0; i--) call_push(call, ret, list->list.items[i - 1]);
    return ret;
}

static const struct value *
f_range(struct call *call)
{
    int64_t from = call->nargs > 1 ? call_arg_int(call, 0) : 1,
            to = call_arg_int(call, call->nargs > 1 ? 1 : 0);
    int64_t step = call_arg_int_or(call, 2, 1);
    struct value *ret = call_list(call);
    if (step == 0) call_fail(call, NULL, "the step is 0");
    for (int64_t i = from; step > 0 ? i <= to : i >= to;) {
        call_push(call, ret, call_int(call, i));
        if (__builtin_add_overflow(i, step, &i)) break;
    }
    return ret;
}

/* Lists within the list become their items, one level of them. */
static const struct value *
f_flatten(struct call *call)
{
    const struct value *list = call_arg_list(call, 0);
    struct value *ret = call_list(call);
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *item = list->list.items[i];
        if (item->type != VALUE_LIST) call_push(call, ret, item);
        for (size_t k = 0; item->type == VALUE_LIST && k < item->list.count; k++)
            call_push(call, ret, item->list.items[k]);
    }
    return ret;
}

static const struct value *
f_zip(struct call *call)
{
    const struct value *a = call_arg_list(call, 0), *b = call_arg_list(call, 1);
    if (a->list.count != b->list.count)
        call_fail(call, NULL, "lists of %zu and %zu items", a->list.count, b->list.count);
    struct value *ret = call_list(call);
    for (size_t i = 0; i < a->list.count; i++) {
        struct value *pair = call_list(call);
        call_push(call, pair, a->list.items[i]);
        call_push(call, pair, b->list.items[i]);
        call_push(call, ret, pair);
    }
    return ret;
}

static const struct value *
f_chunks(struct call *call)
{
    const struct value *list = call_arg_list(call, 0);
    int64_t size = call_arg_int(call, 1);
    if (size < 1) call_fail(call, NULL, "chunks of %" PRId64 " items", size);
    struct value *ret = call_list(call), *chunk = NULL;
    for (size_t i = 0; i < list->list.count; i++) {
        if (chunk == NULL || chunk->list.count == (uint64_t)size) {
            chunk = call_list(call);
            call_push(call, ret, chunk);
        }
        call_push(call, chunk, list->list.items[i]);
    }
    return ret;
}

static void
set_member(struct call *call, struct value *map, const char *name, const struct value *value)
{
    call_count(call, 2 * sizeof(void *) + strlen(name), 1 + map->map.count / 16);
    value_set(call_arena(call), map, name, value);
}

static const struct value *
f_entries(struct call *call)
{
    const struct value *map = call_arg(call, 0, VALUE_MAP);
    struct value *ret = call_list(call);
    for (size_t i = 0; i < map->map.count; i++) {
        struct value *item = call_map(call);
        set_member(call, item, "key", call_text(call, map->map.names[i], strlen(map->map.names[i])));
        set_member(call, item, "value", map->map.values[i]);
        call_push(call, ret, item);
    }
    return ret;
}

static const struct value *
f_group_by(struct call *call)
{
    const struct value *list = call_arg_list(call, 0);
    struct value *ret = call_map(call), **groups = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *key = call_function(call, list->list.items[i], (int64_t)i + 1);
        if (key->type != VALUE_STRING || strlen(key->text.ptr) != key->text.size)
            call_fail(call, "Return text(x) in it.", "the function returns %s, and should return a text",
                      lua_type_name(key));
        struct value *group = NULL;
        for (size_t k = 0; k < ret->map.count && group == NULL; k++)
            if (str_eq(ret->map.names[k], key->text.ptr)) group = groups[k];
        call_count(call, 0, 1 + ret->map.count / 8);
        if (group == NULL) {
            group = call_list(call);
            call_count(call, 2 * sizeof *groups, 0);
            groups = arena_grow(call_arena(call), groups, ret->map.count, &capacity, sizeof *groups);
            groups[ret->map.count] = group;
            set_member(call, ret, key->text.ptr, group);
        }
        call_push(call, group, list->list.items[i]);
    }
    return ret;
}

static bool
truth(struct call *call, const struct value *value)
{
    if (value->type != VALUE_BOOL)
        call_fail(call, "Compare with something, as in x.size > 0.",
                  "the function does not return true or false");
    return value->boolean;
}

static const struct value *
f_map(struct call *call)
{
    const struct value *list = call_arg_list(call, 0);
    struct value *ret = call_list(call);
    for (size_t i = 0; i < list->list.count; i++)
        call_push(call, ret, call_function(call, list->list.items[i], (int64_t)i + 1));
    return ret;
}

static const struct value *
f_filter(struct call *call)
{
    const struct value *list = call_arg_list(call, 0);
    struct value *ret = call_list(call);
    for (size_t i = 0; i < list->list.count; i++)
        if (truth(call, call_function(call, list->list.items[i], (int64_t)i + 1)))
            call_push(call, ret, list->list.items[i]);
    return ret;
}

static const struct value *
f_any(struct call *call)
{
    const struct value *list = call_arg_list(call, 0);
    bool wanted = call->name[1] == 'n';
    for (size_t i = 0; i < list->list.count; i++)
        if (truth(call, call_function(call, list->list.items[i], (int64_t)i + 1)) == wanted)
            return call_bool(call, wanted);
    return call_bool(call, !wanted);
}

enum { S = LIBRARY_STRUCTURE, F = LIBRARY_STRUCTURE | LIBRARY_FUNCTION };

const struct library_function library_lists[] = {
    {"len", "len(x)", "How many items, members or characters.", "len({\"a\", \"b\"})", "2", 1, 1, S,
     f_len},
    {"first", "first(list)", "The first item; null of an empty list.", "first({7, 8, 9})", "7", 1,
     1, S, f_first},
    {"last", "last(list)", "The last item; null of an empty list.", "last({7, 8, 9})", "9", 1, 1, S,
     f_first},
    {"slice", "slice(x, from, to)",
     "Items or characters from..to, both included; negative ones count from the end.",
     "slice(\"2026-01-31\", 1, 4)", "\"2026\"", 2, 3, 0, f_slice},
    {"get", "get(x, name, other)", "x[name], or other (else null) where there is none.",
     "get({a = 1}, \"b\", 0)", "0", 2, 3, S | LIBRARY_NULLS, f_get},
    {"has", "has(map, name)", "Does the map have this name?", "has({a = 1}, \"a\")", "true", 2, 2,
     S, f_has},
    {"keys", "keys(map)", "The names, in their order.", "keys({a = 1, b = 2})", "[\"a\",\"b\"]", 1,
     1, 0, f_keys},
    {"values", "values(map)", "The values, in the order of the names.", "values({a = 1, b = 2})",
     "[1,2]", 1, 1, S, f_keys},
    {"merge", "merge(a, b)", "Maps as one, the later winning; or lists behind each other.",
     "merge({a = 1, b = 1}, {b = 2})", "{\"a\":1,\"b\":2}", 1, 20, S, f_merge},
    {"sort", "sort(list, function)",
     "In rising order, of what the function returns for each item if there is one.",
     "sort({3, 1, 2})", "[1,2,3]", 1, 2, F, f_sort},
    {"unique", "unique(list)", "Each item once, where it came first.", "unique({1, 2, 1})", "[1,2]",
     1, 1, 0, f_unique},
    {"reverse", "reverse(list)", "In reverse order.", "reverse({1, 2, 3})", "[3,2,1]", 1, 1, S,
     f_reverse},
    {"range", "range(from, to, step)", "Integers, both ends included; range(n) starts at 1.",
     "range(2, 10, 4)", "[2,6,10]", 1, 3, 0, f_range},
    {"map", "map(list, function)",
     "What the function returns for each item; its second parameter is the index.",
     "map({1, 2}, function(x) return x * 10 end)", "[10,20]", 2, 2, F, f_map},
    {"filter", "filter(list, function)", "The items for which the function returns true.",
     "filter({1, 2, 3}, function(x) return x > 1 end)", "[2,3]", 2, 2, F, f_filter},
    {"group_by", "group_by(list, function)",
     "A map from what the function returns, a text, to the list of its items.",
     "group_by({\"a1\", \"b1\", \"a2\"}, function(x) return slice(x, 1, 1) end)",
     "{\"a\":[\"a1\",\"a2\"],\"b\":[\"b1\"]}", 2, 2, F, f_group_by},
    {"flatten", "flatten(list)", "The lists within a list as one; its other items stay.",
     "flatten({{1, 2}, {3}, 4})", "[1,2,3,4]", 1, 1, S, f_flatten},
    {"zip", "zip(a, b)", "Pairs of the items of two lists of one length.", "zip({1, 2}, {\"a\", \"b\"})",
     "[[1,\"a\"],[2,\"b\"]]", 2, 2, S, f_zip},
    {"chunks", "chunks(list, count)", "Lists of so many items each; the last may have fewer.",
     "chunks({1, 2, 3}, 2)", "[[1,2],[3]]", 2, 2, S, f_chunks},
    {"entries", "entries(map)", "The members as a list of {key, value}, in their order.", "entries({a = 1})",
     "[{\"key\":\"a\",\"value\":1}]", 1, 1, S, f_entries},
    {"any", "any(list, function)", "Does the function return true for an item?",
     "any({1, 2}, function(x) return x == 2 end)", "true", 2, 2, F, f_any},
    {"all", "all(list, function)", "Does it for all of them?",
     "all({1, 2}, function(x) return x > 1 end)", "false", 2, 2, F, f_any},
    {0}};
