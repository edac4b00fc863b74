/* SPDX-License-Identifier: Apache-2.0
 *
 * The layered method: longest-path layers, a dummy vertex where an edge passes a layer, barycentre sweeps to
 * untangle, and then each layer is moved as near to its neighbours as the distances allow. That last step is an
 * isotonic regression (pool adjacent violators), which is exact and linear.
 */
#include "show/dag_layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SWEEPS 12
#define DUMMY_WEIGHT 4 /* long edges are straight before nodes are centred */

struct vertex {
    uint32_t layer;
    double width, height, x; /* x: of the centre */
    double weight;
    double key;              /* for sorting */
    uint32_t position;       /* in its layer */
    uint32_t node;           /* or UINT32_MAX: a dummy */
};

struct link { /* between neighbouring layers */
    uint32_t upper, lower;
};

struct layout {
    struct arena *arena; /* scratch */
    struct dag *dag;
    struct vertex *vertices;
    size_t nvertices;
    struct link *links;
    size_t nlinks;
    uint32_t *up, *down;             /* per vertex, where its links begin in the lists below; one more at the end */
    uint32_t *up_list, *down_list;   /* neighbours */
    uint32_t **layers;               /* vertices in order */
    size_t *layer_size, nlayers;
    uint32_t *edge_first;            /* per edge, its first dummy; the others follow */
};

static void
assign_layers(struct dag *dag)
{
    /* Relaxation in rounds: needs may point forward in the file. One round more than there are layers. */
    int changed = 1;
    for (size_t i = 0; i < dag->nnodes; i++) dag->nodes[i].layer = 0;
    for (size_t round = 0; changed && round <= dag->nnodes; round++) {
        changed = 0;
        for (size_t i = 0; i < dag->nedges; i++) {
            const struct dag_node *from = &dag->nodes[dag->edges[i].from];
            struct dag_node *to = &dag->nodes[dag->edges[i].to];
            if (to->layer > from->layer) continue;
            to->layer = from->layer + 1;
            changed = 1;
        }
    }
}

static void
make_vertices(struct layout *l)
{
    struct dag *dag = l->dag;
    size_t dummies = 0;
    for (size_t i = 0; i < dag->nedges; i++)
        dummies += dag->nodes[dag->edges[i].to].layer - dag->nodes[dag->edges[i].from].layer - 1;
    l->vertices = ARENA_ARRAY(l->arena, dag->nnodes + dummies + 1, struct vertex);
    l->links = ARENA_ARRAY(l->arena, dag->nedges + dummies + 1, struct link);
    l->edge_first = ARENA_ARRAY(l->arena, dag->nedges + 1, uint32_t);
    for (size_t i = 0; i < dag->nnodes; i++) {
        const struct dag_node *node = &dag->nodes[i];
        l->vertices[l->nvertices++] = (struct vertex){.layer = node->layer, .width = node->width, .weight = 1,
                                                      .height = node->height, .node = (uint32_t)i};
        if (node->layer + 1 > l->nlayers) l->nlayers = node->layer + 1;
    }
    for (size_t i = 0; i < dag->nedges; i++) {
        uint32_t above = dag->edges[i].from, last = dag->nodes[dag->edges[i].to].layer;
        l->edge_first[i] = (uint32_t)l->nvertices;
        for (uint32_t layer = dag->nodes[dag->edges[i].from].layer + 1; layer < last; layer++) {
            l->vertices[l->nvertices] = (struct vertex){.layer = layer, .width = 8, .weight = DUMMY_WEIGHT,
                                                        .node = UINT32_MAX};
            l->links[l->nlinks++] = (struct link){above, (uint32_t)l->nvertices};
            above = (uint32_t)l->nvertices++;
        }
        l->links[l->nlinks++] = (struct link){above, dag->edges[i].to};
    }
}

static void
make_neighbours(struct layout *l)
{
    l->up = ARENA_ARRAY(l->arena, l->nvertices + 2, uint32_t);
    l->down = ARENA_ARRAY(l->arena, l->nvertices + 2, uint32_t);
    l->up_list = ARENA_ARRAY(l->arena, l->nlinks + 1, uint32_t);
    l->down_list = ARENA_ARRAY(l->arena, l->nlinks + 1, uint32_t);
    for (size_t i = 0; i < l->nlinks; i++) {
        l->up[l->links[i].lower + 1]++;
        l->down[l->links[i].upper + 1]++;
    }
    for (size_t i = 0; i < l->nvertices; i++) {
        l->up[i + 1] += l->up[i];
        l->down[i + 1] += l->down[i];
    }
    uint32_t *up = ARENA_ARRAY(l->arena, l->nvertices + 1, uint32_t);
    uint32_t *down = ARENA_ARRAY(l->arena, l->nvertices + 1, uint32_t);
    for (size_t i = 0; i < l->nlinks; i++) {
        uint32_t lower = l->links[i].lower, upper = l->links[i].upper;
        l->up_list[l->up[lower] + up[lower]++] = upper;
        l->down_list[l->down[upper] + down[upper]++] = lower;
    }
}

static void
make_order(struct layout *l)
{
    l->layers = ARENA_ARRAY(l->arena, l->nlayers + 1, uint32_t *);
    l->layer_size = ARENA_ARRAY(l->arena, l->nlayers + 1, size_t);
    for (size_t i = 0; i < l->nvertices; i++) l->layer_size[l->vertices[i].layer]++;
    for (size_t k = 0; k < l->nlayers; k++) {
        l->layers[k] = ARENA_ARRAY(l->arena, l->layer_size[k] + 1, uint32_t);
        l->layer_size[k] = 0;
    }
    for (size_t i = 0; i < l->nvertices; i++) {
        struct vertex *v = &l->vertices[i];
        v->position = (uint32_t)l->layer_size[v->layer];
        l->layers[v->layer][l->layer_size[v->layer]++] = (uint32_t)i;
    }
}

/* Stable insertion sort by key: layers are short, nearly sorted after the first sweeps, and ties keep their order. */
static void
sort_layer(struct layout *l, size_t layer)
{
    uint32_t *order = l->layers[layer];
    for (size_t i = 1; i < l->layer_size[layer]; i++) {
        uint32_t v = order[i];
        size_t k = i;
        for (; k > 0 && l->vertices[order[k - 1]].key > l->vertices[v].key; k--) order[k] = order[k - 1];
        order[k] = v;
    }
    for (size_t i = 0; i < l->layer_size[layer]; i++) l->vertices[order[i]].position = (uint32_t)i;
}

static void
sweep_layer(struct layout *l, size_t layer, const uint32_t *first, const uint32_t *list)
{
    for (size_t i = 0; i < l->layer_size[layer]; i++) {
        uint32_t at = l->layers[layer][i];
        struct vertex *v = &l->vertices[at];
        double sum = 0;
        for (uint32_t k = first[at]; k < first[at + 1]; k++) sum += l->vertices[list[k]].position;
        v->key = first[at] == first[at + 1] ? v->position : sum / (first[at + 1] - first[at]);
    }
    sort_layer(l, layer);
}

/* Pairs of links that cross, counted between every two layers. */
static size_t
crossings(const struct layout *l)
{
    size_t total = 0;
    for (size_t layer = 0; layer + 1 < l->nlayers; layer++) {
        size_t below = l->layer_size[layer + 1];
        struct arena scratch ARENA_SCOPED = {0};
        size_t *tree = ARENA_ARRAY(&scratch, below + 2, size_t), seen = 0; /* Fenwick: links by lower position */
        for (size_t i = 0; i < l->layer_size[layer]; i++) {
            uint32_t v = l->layers[layer][i];
            for (uint32_t k = l->down[v]; k < l->down[v + 1]; k++) {
                size_t upto = 0;
                for (size_t p = l->vertices[l->down_list[k]].position + 1; p > 0; p &= p - 1) upto += tree[p];
                total += seen - upto;
            }
            for (uint32_t k = l->down[v]; k < l->down[v + 1]; k++, seen++)
                for (size_t p = l->vertices[l->down_list[k]].position + 1; p <= below; p += p & (~p + 1)) tree[p]++;
        }
    }
    return total;
}

static void
untangle(struct layout *l)
{
    uint32_t *best = ARENA_ARRAY(l->arena, l->nvertices + 1, uint32_t);
    size_t best_count = crossings(l);
    for (size_t i = 0; i < l->nvertices; i++) best[i] = l->vertices[i].position;
    for (int sweep = 0; sweep < SWEEPS && best_count > 0; sweep++) {
        if (sweep % 2 == 0)
            for (size_t k = 1; k < l->nlayers; k++) sweep_layer(l, k, l->up, l->up_list);
        else
            for (size_t k = l->nlayers - 1; k-- > 0;) sweep_layer(l, k, l->down, l->down_list);
        size_t count = crossings(l);
        if (count >= best_count) continue;
        best_count = count;
        for (size_t i = 0; i < l->nvertices; i++) best[i] = l->vertices[i].position;
    }
    for (size_t i = 0; i < l->nvertices; i++) {
        l->vertices[i].position = best[i];
        l->layers[l->vertices[i].layer][best[i]] = (uint32_t)i;
    }
}

/* A run of vertices that touch: they move as one. */
struct pool {
    double sum, weight; /* of what each wants, less its offset in the layer */
    size_t count;
};

/* Moves the vertices of a layer to where they want to be (key), in order and with their distances kept. */
static void
place_layer(struct layout *l, size_t layer, struct pool *pools)
{
    double offset = 0;
    size_t n = 0;
    for (size_t i = 0; i < l->layer_size[layer]; i++) {
        struct vertex *v = &l->vertices[l->layers[layer][i]];
        if (i > 0) offset += (l->vertices[l->layers[layer][i - 1]].width + v->width) / 2 + l->dag->gap_x;
        pools[n++] = (struct pool){(v->key - offset) * v->weight, v->weight, 1};
        while (n > 1 && pools[n - 2].sum / pools[n - 2].weight > pools[n - 1].sum / pools[n - 1].weight) {
            pools[n - 2].sum += pools[n - 1].sum;
            pools[n - 2].weight += pools[n - 1].weight;
            pools[n - 2].count += pools[n - 1].count;
            n--;
        }
    }
    offset = 0;
    size_t at = 0;
    for (size_t p = 0; p < n; p++)
        for (size_t k = 0; k < pools[p].count; k++, at++) {
            struct vertex *v = &l->vertices[l->layers[layer][at]];
            if (at > 0) offset += (l->vertices[l->layers[layer][at - 1]].width + v->width) / 2 + l->dag->gap_x;
            v->x = pools[p].sum / pools[p].weight + offset;
        }
}

static double
wanted_x(const struct layout *l, uint32_t at, int sides)
{
    double sum = 0, count = 0;
    if (sides & 1)
        for (uint32_t k = l->up[at]; k < l->up[at + 1]; k++, count++) sum += l->vertices[l->up_list[k]].x;
    if (sides & 2)
        for (uint32_t k = l->down[at]; k < l->down[at + 1]; k++, count++) sum += l->vertices[l->down_list[k]].x;
    return count > 0 ? sum / count : l->vertices[at].x;
}

static void
place(struct layout *l)
{
    size_t widest = 0;
    for (size_t k = 0; k < l->nlayers; k++)
        if (l->layer_size[k] > widest) widest = l->layer_size[k];
    struct pool *pools = ARENA_ARRAY(l->arena, widest + 1, struct pool);
    for (size_t k = 0; k < l->nlayers; k++) { /* packed, and centred on 0 */
        for (size_t i = 0; i < l->layer_size[k]; i++) l->vertices[l->layers[k][i]].key = 0;
        place_layer(l, k, pools);
    }
    for (int round = 0; round < 2 * SWEEPS; round++) {
        int sides = round + 2 >= 2 * SWEEPS ? 3 : round % 2 == 0 ? 1 : 2;
        for (size_t i = 0; i < l->nlayers; i++) {
            size_t layer = round % 2 == 0 ? i : l->nlayers - 1 - i;
            for (size_t k = 0; k < l->layer_size[layer]; k++) {
                uint32_t at = l->layers[layer][k];
                l->vertices[at].key = wanted_x(l, at, sides);
            }
            place_layer(l, layer, pools);
        }
    }
}

static void
write_edge(struct arena *arena, const struct layout *l, size_t e, const double *top, const double *height)
{
    struct dag *dag = l->dag;
    struct dag_edge *edge = &dag->edges[e];
    const struct dag_node *from = &dag->nodes[edge->from], *to = &dag->nodes[edge->to];
    size_t dummies = to->layer - from->layer - 1;
    edge->points = ARENA_ARRAY(arena, dummies * 2 + 2, struct dag_point);
    edge->npoints = 0;
    edge->points[edge->npoints++] = (struct dag_point){from->x + from->width / 2, from->y + from->height};
    for (size_t i = 0; i < dummies; i++) { /* straight through the layer, or it would touch its neighbours */
        const struct vertex *v = &l->vertices[l->edge_first[e] + i];
        edge->points[edge->npoints++] = (struct dag_point){v->x, top[v->layer]};
        edge->points[edge->npoints++] = (struct dag_point){v->x, top[v->layer] + height[v->layer]};
    }
    edge->points[edge->npoints++] = (struct dag_point){to->x + to->width / 2, to->y};
}

void
dag_layout(struct arena *arena, struct dag *dag)
{
    struct arena scratch ARENA_SCOPED = {0};
    struct layout l = {.arena = &scratch, .dag = dag};
    dag->width = dag->height = 0;
    if (dag->nnodes == 0) return;
    assign_layers(dag);
    make_vertices(&l);
    make_neighbours(&l);
    make_order(&l);
    untangle(&l);
    place(&l);
    double left = INFINITY, right = -INFINITY, y = 0;
    double *top = ARENA_ARRAY(&scratch, l.nlayers + 1, double), *height = ARENA_ARRAY(&scratch, l.nlayers + 1, double);
    for (size_t i = 0; i < l.nvertices; i++) {
        const struct vertex *v = &l.vertices[i];
        left = fmin(left, v->x - v->width / 2);
        right = fmax(right, v->x + v->width / 2);
        height[v->layer] = fmax(height[v->layer], v->height);
    }
    for (size_t k = 0; k < l.nlayers; k++) {
        top[k] = y;
        y += height[k] + (k + 1 < l.nlayers ? dag->gap_y : 0);
    }
    for (size_t i = 0; i < l.nvertices; i++) {
        l.vertices[i].x -= left;
        if (l.vertices[i].node == UINT32_MAX) continue;
        struct dag_node *node = &dag->nodes[l.vertices[i].node];
        node->x = l.vertices[i].x - node->width / 2;
        node->y = top[node->layer];
    }
    for (size_t i = 0; i < dag->nedges; i++) write_edge(arena, &l, i, top, height);
    dag->width = right - left;
    dag->height = y;
}
