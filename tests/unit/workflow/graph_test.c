/* SPDX-License-Identifier: Apache-2.0
 *
 * Edges and circles.
 */
#include <string.h>

#include "check.h"
#include "workflow/graph.h"
#include "workflow/names.h"

static struct arena arena;

static void
test_edges_are_sorted_and_unique(void)
{
    struct edges edges = {0};
    const uint32_t added[] = {7, 3, 7, 1, 3, 9, 1};
    for (size_t i = 0; i < CHECK_COUNT(added); i++) edges_add(&arena, &edges, added[i]);
    edges_finish(&edges);
    CHECK_INT(edges.count, 4);
    CHECK_INT(edges.items[0], 1);
    CHECK_INT(edges.items[3], 9);
    CHECK(edges_has(&edges, 7));
    CHECK(!edges_has(&edges, 2));
    struct edges none = {0};
    edges_finish(&none);
    CHECK_INT(none.count, 0);
    CHECK(!edges_has(&none, 0));
}

static void
test_a_diamond_is_no_circle(void)
{
    struct edges edges[4] = {{0}};
    uint32_t *path;
    size_t length;
    edges_add(&arena, &edges[1], 0);
    edges_add(&arena, &edges[2], 0);
    edges_add(&arena, &edges[3], 1);
    edges_add(&arena, &edges[3], 2);
    CHECK(!graph_cycle(&arena, edges, 4, &path, &length));
}

static void
test_a_circle_is_a_path(void)
{
    struct edges edges[5] = {{0}};
    uint32_t *path;
    size_t length;
    edges_add(&arena, &edges[1], 0); /* 0 before 1 before 2 before 1 */
    edges_add(&arena, &edges[2], 1);
    edges_add(&arena, &edges[1], 2);
    edges_add(&arena, &edges[3], 2);
    CHECK_FATAL(graph_cycle(&arena, edges, 5, &path, &length));
    CHECK_INT(length, 2);
    CHECK_INT(path[0] + path[1], 3);
    CHECK(!graph_cycle(&arena, edges, 5, &path, &length)); /* broken by then */
}

static void
test_the_path_goes_in_the_direction_of_work(void)
{
    struct edges edges[3] = {{0}};
    uint32_t *path;
    size_t length;
    edges_add(&arena, &edges[1], 0); /* 0 -> 1 -> 2 -> 0 */
    edges_add(&arena, &edges[2], 1);
    edges_add(&arena, &edges[0], 2);
    CHECK_FATAL(graph_cycle(&arena, edges, 3, &path, &length));
    CHECK_INT(length, 3);
    for (size_t i = 0; i < 3; i++) CHECK_INT(path[(i + 1) % 3], (path[i] + 1) % 3);
}

static void
test_two_circles_are_found_one_after_the_other(void)
{
    struct edges edges[4] = {{0}};
    uint32_t *path;
    size_t length;
    edges_add(&arena, &edges[0], 1);
    edges_add(&arena, &edges[1], 0);
    edges_add(&arena, &edges[2], 3);
    edges_add(&arena, &edges[3], 2);
    CHECK(graph_cycle(&arena, edges, 4, &path, &length));
    CHECK(graph_cycle(&arena, edges, 4, &path, &length));
    CHECK(!graph_cycle(&arena, edges, 4, &path, &length));
}

static void
test_a_long_chain_takes_no_stack(void)
{
    const uint32_t count = 100000;
    struct edges *edges = ARENA_ARRAY(&arena, count, struct edges);
    uint32_t *path;
    size_t length;
    for (uint32_t i = 1; i < count; i++) edges_add(&arena, &edges[i - 1], i);
    CHECK(!graph_cycle(&arena, edges, count, &path, &length));
    edges_add(&arena, &edges[count - 1], 0);
    CHECK(graph_cycle(&arena, edges, count, &path, &length));
    CHECK_INT(length, count);
}

static void
test_names_keep_their_numbers(void)
{
    struct names names;
    names_init(&names, &arena);
    for (int i = 0; i < 5000; i++) CHECK_INT(names_add(&names, arena_printf(&arena, "name_%d", i)), -1);
    CHECK_INT(names.count, 5000);
    CHECK_INT(names_find(&names, "name_0"), 0);
    CHECK_INT(names_find(&names, "name_4999"), 4999);
    CHECK_INT(names_add(&names, "name_17"), 17);
    CHECK_INT(names_find(&names, "name_5000"), -1);
    CHECK_INT(names_find(&names, ""), -1);
    CHECK_STR(names.list[4321], "name_4321");
}

static const struct check_test tests[] = {
    {"edges are sorted and unique", test_edges_are_sorted_and_unique},
    {"a diamond is no circle", test_a_diamond_is_no_circle},
    {"a circle is found once and is then broken", test_a_circle_is_a_path},
    {"a circle's path goes in the direction of work", test_the_path_goes_in_the_direction_of_work},
    {"two circles are found one after the other", test_two_circles_are_found_one_after_the_other},
    {"a chain of 100,000 steps takes no stack", test_a_long_chain_takes_no_stack},
    {"names keep their numbers", test_names_keep_their_numbers},
};

int
main(int argc, char **argv)
{
    int ret = check_main("graph", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return ret;
}
