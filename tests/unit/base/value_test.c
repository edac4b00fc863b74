/* SPDX-License-Identifier: Apache-2.0
 *
 * Values: building, finding, comparing, copying, showing, and the taint of secrets.
 */
#include "base/value.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "check.h"

static void
maps_keep_order_and_replace(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *map = value_map(&arena);
    for (int i = 0; i < 1000; i++) value_set(&arena, map, arena_printf(&arena, "k%d", i), value_int(&arena, i));
    value_set(&arena, map, "k500", value_text(&arena, "new"));
    CHECK_INT(map->map.count, 1000);
    CHECK_STR(map->map.names[999], "k999");
    CHECK_STR(map->map.names[500], "k500");
    CHECK_STR(value_get_str(map, "k500", NULL), "new");
    CHECK_INT(value_get_int(map, "k3", -1), 3);
    CHECK(value_get(map, "k1000") == NULL);
    CHECK(value_get(NULL, "x") == NULL);
    CHECK(value_get(value_int(&arena, 1), "x") == NULL);
}

static void
getters_fall_back(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *map = value_map(&arena);
    value_set(&arena, map, "s", value_text(&arena, "text"));
    value_set(&arena, map, "b", value_bool(&arena, true));
    CHECK_INT(value_get_int(map, "s", 9), 9);
    CHECK(value_get_bool(map, "b", false));
    CHECK(value_get_bool(map, "s", true));
    CHECK_STR(value_get_str(map, "b", "none"), "none");
    CHECK_STR(value_str(NULL, "none"), "none");
    CHECK(!value_is(NULL, VALUE_NULL));
}

static void
lists_grow(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *list = value_list(&arena);
    for (int i = 0; i < 1000; i++) value_push(&arena, list, value_int(&arena, i));
    int64_t sum = 0;
    for (size_t i = 0; i < list->list.count; i++) sum += list->list.items[i]->integer;
    CHECK_INT(sum, 499500);
}

static void
copies_and_parsed_values_can_grow(void)
{
    struct arena arena ARENA_SCOPED = {0};
    for (int size = 0; size < 20; size++) {
        struct value *map = value_map(&arena), *list = value_list(&arena);
        for (int i = 0; i < size; i++) {
            value_set(&arena, map, arena_printf(&arena, "k%d", i), value_int(&arena, i));
            value_push(&arena, list, value_int(&arena, i));
        }
        struct value *map_copy = value_copy(&arena, map), *list_copy = value_copy(&arena, list);
        for (int i = 0; i < 40; i++) {
            value_set(&arena, map_copy, arena_printf(&arena, "n%d", i), value_int(&arena, i));
            value_push(&arena, list_copy, value_int(&arena, i));
        }
        CHECK_INT(map->map.count, size);
        CHECK_INT(list->list.count, size);
        CHECK_INT(map_copy->map.count, size + 40);
        CHECK_INT(value_get_int(map_copy, "n39", -1), 39);
        CHECK_INT(list_copy->list.items[size + 39]->integer, 39);
    }
}

static void
a_name_set_later_has_no_place(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *map = value_map(&arena);
    value_set(&arena, map, "a", value_int(&arena, 1));
    uint32_t one[1] = {3u << 12 | 7};
    map->map.places = one; /* exactly as long as the map */
    for (int i = 0; i < 20; i++) value_set(&arena, map, arena_printf(&arena, "k%d", i), value_int(&arena, i));
    CHECK_INT(map->map.places[0], 3u << 12 | 7);
    CHECK_INT(map->map.places[1], 0);
    CHECK_INT(map->map.places[20], 0);
}

static void
equality_is_deep_and_typed(void)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct value *a = NULL, *b = NULL, *c = NULL;
    struct err err = {0};
    const char *one = "{\"x\":[1,2.5,null,true,\"s\"],\"y\":{}}", *two = "{\"y\":{},\"x\":[1,2.5,null,true,\"s\"]}";
    const char *other = "{\"x\":[1,2.5,null,true,\"t\"],\"y\":{}}";
    CHECK_INT(json_parse(&arena, one, strlen(one), &a, &err), 0);
    CHECK_INT(json_parse(&arena, two, strlen(two), &b, &err), 0);
    CHECK_INT(json_parse(&arena, other, strlen(other), &c, &err), 0);
    CHECK(value_equal(a, b));
    CHECK(!value_equal(a, c));
    CHECK(value_equal(a, value_copy(&arena, a)));
    CHECK(!value_equal(value_int(&arena, 1), value_real(&arena, 1)));
    CHECK(!value_equal(value_int(&arena, 1000), value_typed(&arena, VALUE_DURATION, 1000)));
    CHECK(!value_equal(value_real(&arena, NAN), value_real(&arena, NAN)));
    CHECK(value_equal(value_null(&arena), value_null(&arena)));
    CHECK(value_equal(NULL, NULL) && !value_equal(NULL, value_null(&arena)));
    CHECK(value_equal(value_textn(&arena, VALUE_STRING, "a\0b", 3), value_textn(&arena, VALUE_STRING, "a\0b", 3)));
    CHECK(!value_equal(value_textn(&arena, VALUE_STRING, "a\0b", 3), value_textn(&arena, VALUE_STRING, "a\0c", 3)));
}

static void
copies_outlive_their_source(void)
{
    struct arena first = {0}, second ARENA_SCOPED = {0};
    struct value *map = value_map(&first), *inner = value_list(&first);
    value_push(&first, inner, value_text(&first, "deep"));
    value_set(&first, map, "list", inner);
    value_set(&first, map, "secret", value_new(&first, VALUE_SECRET));
    map->line = 12;
    const struct value *copy = value_copy(&second, map);
    arena_release(&first);
    CHECK_STR(value_get(copy, "list")->list.items[0]->text.ptr, "deep");
    CHECK(value_get(copy, "secret")->text.ptr == NULL);
    CHECK_INT(copy->line, 12);
}

static void
taint_is_found_at_any_depth(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *map = value_map(&arena), *list = value_list(&arena), *outer = value_map(&arena);
    value_set(&arena, outer, "list", list);
    value_push(&arena, list, map);
    value_set(&arena, map, "plain", value_text(&arena, "x"));
    CHECK(!value_tainted(outer));
    CHECK(!value_tainted(NULL));
    value_set(&arena, map, "key", value_textn(&arena, VALUE_SECRET, "hunter22", 8));
    CHECK(value_tainted(outer));
    CHECK_STR(json_text(&arena, outer), "{\"list\":[{\"plain\":\"x\",\"key\":\"***\"}]}");
}

static void
check_show(const struct value *value, const char *want)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 1000);
    value_show(&buf, value);
    CHECK_STR(buf_str(&buf), want);
}

static void
values_show_as_text(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *list = value_list(&arena);
    value_push(&arena, list, value_text(&arena, "a\"b"));
    check_show(value_text(&arena, "a\"b"), "a\"b");
    check_show(value_int(&arena, INT64_MIN), "-9223372036854775808");
    check_show(value_bool(&arena, false), "false");
    check_show(value_real(&arena, 0.1), "0.1");
    check_show(value_typed(&arena, VALUE_DURATION, 5400000), "1h30m");
    check_show(value_typed(&arena, VALUE_SIZE, 1024), "1024");
    check_show(value_typed(&arena, VALUE_TIMESTAMP, 0), "1970-01-01T00:00:00Z");
    check_show(value_textn(&arena, VALUE_SECRET, "hunter22", 8), "***");
    check_show(value_new(&arena, VALUE_SECRET), "***");
    check_show(list, "[\"a\\\"b\"]");
    check_show(value_null(&arena), "null");
    CHECK_STR(value_type_name(VALUE_NULL), "null");
    CHECK_STR(value_type_name(VALUE_MAP), "map");
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a map keeps the order of its names, and a name given twice replaces", maps_keep_order_and_replace},
        {"a getter of another type gives the fallback", getters_fall_back},
        {"a list grows", lists_grow},
        {"a copy of any size can grow without touching its source", copies_and_parsed_values_can_grow},
        {"a name set after parsing has no place, and the others keep theirs", a_name_set_later_has_no_place},
        {"equality is deep, typed, and blind to the order of names", equality_is_deep_and_typed},
        {"a copy outlives its source", copies_outlive_their_source},
        {"taint is found at any depth and never shown", taint_is_found_at_any_depth},
        {"values show as text", values_show_as_text},
    };
    return check_main("value", tests, CHECK_COUNT(tests), argc, argv);
}
