/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "run/items.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"
#include "workflow/names.h"

static int
too_many(size_t count, struct err *err)
{
    err_set(err, EXIT_INVALID, "a loop may have %u items, and this one has %zu", LIMIT_ITEMS, count);
    err_hint(err, "Let each item be a batch of them.");
    return EXIT_INVALID;
}

/* The last name turns fastest, as in loops that stand in each other. */
static int
combine(struct arena *arena, const struct value *matrix, const struct value **ret, struct err *err)
{
    struct value *list = value_list(arena);
    size_t count = 1;
    for (size_t i = 0; i < matrix->map.count; i++) {
        const struct value *side = matrix->map.values[i];
        if (side->type != VALUE_LIST)
            return err_set(err, EXIT_INVALID, "\"%s\" of the matrix is a %s, not a list", matrix->map.names[i],
                           value_type_name(side->type));
        if (side->list.count > LIMIT_ITEMS || count * side->list.count > LIMIT_ITEMS)
            return too_many(count * side->list.count, err);
        count *= side->list.count;
    }
    for (size_t number = 0; number < count; number++) {
        struct value *item = value_map(arena);
        size_t rest = number, below = count;
        for (size_t i = 0; i < matrix->map.count; i++) {
            const struct value *side = matrix->map.values[i];
            below /= side->list.count;
            value_set(arena, item, matrix->map.names[i], side->list.items[rest / below]);
            rest %= below;
        }
        value_push(arena, list, item);
    }
    *ret = list;
    return 0;
}

int
items_list(struct arena *arena, const struct loop *loop, const struct value *value, const struct value **ret,
           const struct value **keys, struct err *err)
{
    *keys = NULL;
    *ret = value;
    if (loop->matrix) return combine(arena, value, ret, err);
    if (value->type == VALUE_MAP) {
        struct value *list = value_list(arena), *names = value_list(arena);
        for (size_t i = 0; i < value->map.count; i++) {
            value_push(arena, list, value->map.values[i]);
            value_push(arena, names, value_text(arena, value->map.names[i]));
        }
        *ret = list;
        *keys = names;
    } else if (value->type != VALUE_LIST) {
        err_set(err, EXIT_INVALID, "`foreach` gave a %s, not a list or a map", value_type_name(value->type));
        if (value->type == VALUE_STRING) err_hint(err, "split(text, \",\") and lines(text) make lists of a text.");
        if (value->type == VALUE_NULL) err_hint(err, "default(x, {}) is an empty list where x is null.");
        return EXIT_INVALID;
    }
    return (*ret)->list.count > LIMIT_ITEMS ? too_many((*ret)->list.count, err) : 0;
}

static const char *
shown(struct arena *arena, const struct value *value)
{
    if (value->type == VALUE_STRING) return value->text.ptr;
    struct buf buf BUF_SCOPED;
    buf_init(&buf, LIMIT_VALUE_SIZE);
    value_show(&buf, value);
    return arena_strdup(arena, buf_str(&buf));
}

const char *
items_key(struct arena *arena, const struct loop *loop, const struct value *item, const struct value *keys,
          size_t number)
{
    if (keys != NULL) return keys->list.items[number]->text.ptr;
    if (loop->matrix) {
        const char *ret = "";
        for (size_t i = 0; i < item->map.count; i++)
            ret = arena_printf(arena, "%s%s%s=%s", ret, i ? "," : "", item->map.names[i],
                               shown(arena, item->map.values[i]));
        return ret;
    }
    if (item->type != VALUE_LIST && item->type != VALUE_MAP && item->type != VALUE_NULL) return shown(arena, item);
    return arena_printf(arena, "%zu", number + 1);
}

int
items_key_good(const char *key, const struct value *from, struct err *err)
{
    if (from->type == VALUE_STRING && from->text.size != strlen(from->text.ptr))
        return err_set(err, EXIT_INVALID, "the key of an item has a NUL in it");
    if (key[0] == '\0') return err_set(err, EXIT_INVALID, "the key of an item is empty");
    if (strlen(key) > LIMIT_ITEM_KEY) {
        err_set(err, EXIT_INVALID, "the key of an item has %zu bytes; the limit is %u", strlen(key), LIMIT_ITEM_KEY);
        err_hint(err, "sha256(x) makes a short key of a long text.");
        return EXIT_INVALID;
    }
    for (const char *p = key; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return err_set(err, EXIT_INVALID, "the key of an item has a control character in it");
    return 0;
}

int
items_event(struct arena *arena, const char *const *keys, const struct value *values, const struct value **ret,
            struct err *err)
{
    struct arena scratch ARENA_SCOPED = {0};
    struct value *list = value_list(arena);
    struct names names;
    names_init(&names, &scratch);
    for (size_t i = 0; i < values->list.count; i++) {
        ptrdiff_t first = names_add(&names, keys[i]);
        if (first >= 0) {
            err_set(err, EXIT_INVALID, "items %td and %zu have the same key \"%.200s\"", first + 1, i + 1, keys[i]);
            err_hint(err, "Let `key` name what is different in each.");
            return EXIT_INVALID;
        }
        struct value *item = value_map(arena);
        value_append(arena, item, "key", value_text(arena, keys[i]));
        value_append(arena, item, "value", values->list.items[i]);
        value_push(arena, list, item);
    }
    /* As a resumed run will read them. */
    const char *text = json_text(arena, list);
    return json_parse(arena, text, strlen(text), ret, err);
}
