/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties that every picture of a DAG must have, on graphs made by a small deterministic generator.
 */
#include "show/dag_layout.h"

#include "check.h"

static uint32_t seed;

static uint32_t
next_number(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static void
make_graph(struct arena *arena, struct dag *dag, size_t nodes, uint32_t edges_in_hundred)
{
    *dag = (struct dag){.nnodes = nodes, .gap_x = 20, .gap_y = 40};
    dag->nodes = ARENA_ARRAY(arena, nodes + 1, struct dag_node);
    dag->edges = ARENA_ARRAY(arena, nodes * nodes + 1, struct dag_edge);
    for (size_t i = 0; i < nodes; i++)
        dag->nodes[i] = (struct dag_node){.width = 80 + next_number(100), .height = 40};
    for (size_t i = 0; i < nodes; i++)
        for (size_t k = 0; k < i; k++) /* edges go to lower numbers, so later nodes may be needs of earlier ones */
            if (next_number(100) < edges_in_hundred)
                dag->edges[dag->nedges++] = (struct dag_edge){.from = (uint32_t)i, .to = (uint32_t)k};
}

static void
check_picture(const struct dag *dag)
{
    for (size_t i = 0; i < dag->nnodes; i++) {
        const struct dag_node *a = &dag->nodes[i];
        CHECK(a->x >= -0.001 && a->x + a->width <= dag->width + 0.001);
        CHECK(a->y >= 0 && a->y + a->height <= dag->height + 0.001);
        for (size_t k = i + 1; k < dag->nnodes; k++) {
            const struct dag_node *b = &dag->nodes[k];
            if (a->layer != b->layer) continue;
            CHECK(a->x + a->width + dag->gap_x <= b->x + 0.001 || b->x + b->width + dag->gap_x <= a->x + 0.001);
        }
    }
    for (size_t i = 0; i < dag->nedges; i++) {
        const struct dag_edge *edge = &dag->edges[i];
        const struct dag_node *from = &dag->nodes[edge->from], *to = &dag->nodes[edge->to];
        CHECK(from->layer < to->layer);
        CHECK(from->y + from->height < to->y);
        CHECK_FATAL(edge->npoints >= 2);
        for (size_t k = 1; k < edge->npoints; k++) CHECK(edge->points[k].y > edge->points[k - 1].y);
        /* Where an edge passes a layer it touches no node of it. */
        for (size_t k = 1; k + 1 < edge->npoints; k++)
            for (size_t n = 0; n < dag->nnodes; n++) {
                const struct dag_node *node = &dag->nodes[n];
                if (edge->points[k].y < node->y || edge->points[k].y > node->y + node->height) continue;
                CHECK(edge->points[k].x < node->x || edge->points[k].x > node->x + node->width);
            }
    }
}

static void
many_graphs(void)
{
    for (seed = 1; seed < 60;) {
        struct arena arena ARENA_SCOPED = {0};
        struct dag dag;
        uint32_t start = seed;
        make_graph(&arena, &dag, 1 + next_number(24), 3 + next_number(30));
        dag_layout(&arena, &dag);
        check_picture(&dag);
        seed = start + 1;
    }
}

static void
layers(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct dag_node nodes[4];
    struct dag_edge edges[] = {{.from = 3, .to = 0}, {.from = 0, .to = 1}, {.from = 3, .to = 1}, {.from = 1, .to = 2}};
    for (size_t i = 0; i < 4; i++) nodes[i] = (struct dag_node){.width = 100, .height = 40};
    struct dag dag = {.nodes = nodes, .edges = edges, .nnodes = 4, .nedges = 4, .gap_x = 10, .gap_y = 30};
    dag_layout(&arena, &dag);
    CHECK_INT(nodes[3].layer, 0);
    CHECK_INT(nodes[0].layer, 1);
    CHECK_INT(nodes[1].layer, 2);
    CHECK_INT(nodes[2].layer, 3);
    CHECK_INT(edges[2].npoints, 4);
    CHECK_INT(dag.height, 4 * 40 + 3 * 30);
}

static void
untangled(void)
{
    /* a0..a3 each need the mirror image: straight lines once the second layer is turned round. */
    struct arena arena ARENA_SCOPED = {0};
    struct dag_node nodes[8];
    struct dag_edge edges[4];
    for (uint32_t i = 0; i < 8; i++) nodes[i] = (struct dag_node){.width = 50, .height = 20};
    for (uint32_t i = 0; i < 4; i++) edges[i] = (struct dag_edge){.from = i, .to = 7 - i};
    struct dag dag = {.nodes = nodes, .edges = edges, .nnodes = 8, .nedges = 4, .gap_x = 10, .gap_y = 30};
    dag_layout(&arena, &dag);
    for (size_t i = 0; i < 4; i++) CHECK(edges[i].points[0].x - edges[i].points[1].x < 0.5 &&
                                         edges[i].points[1].x - edges[i].points[0].x < 0.5);
}

static void
single_and_none(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct dag_node node = {.width = 50, .height = 20};
    struct dag dag = {.nodes = &node, .nnodes = 1, .gap_x = 10, .gap_y = 30};
    dag_layout(&arena, &dag);
    CHECK_INT(dag.width, 50);
    CHECK_INT(dag.height, 20);
    dag.nnodes = 0;
    dag_layout(&arena, &dag);
    CHECK_INT(dag.width, 0);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"nodes never overlap, edges go down and pass beside the nodes", many_graphs},
        {"a step is below the last of its needs", layers},
        {"edges are untangled where they can be", untangled},
        {"one node and no node are pictures too", single_and_none},
    };
    return check_main("dag_layout", tests, CHECK_COUNT(tests), argc, argv);
}
