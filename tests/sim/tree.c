/* SPDX-License-Identifier: Apache-2.0
 *
 * The world's own tree, by what docs/workflow.md says and not by what state_tree.c does: a loop has items, a block has
 * steps, and an item that comes again is the same.
 */
#include <string.h>

#include "base/str.h"
#include "world.h"

bool
tree_is_loop(const struct node *node)
{
    return node->step->loop != NULL && !node->is_item;
}

bool
tree_is_parent(const struct node *node)
{
    return tree_is_loop(node) || node->step->body != NULL;
}

int
tree_find(const struct world *world, const char *id, const char *item)
{
    for (int i = 0; i < world->nnodes; i++) {
        const struct node *node = &world->nodes[i];
        if ((node->item == NULL) != (item == NULL) || !str_eq(node->step->id, id)) continue;
        if (item == NULL || str_eq(node->item, item)) return i;
    }
    return -1;
}

int
tree_next(const struct world *world, int parent, int last)
{
    for (int i = last + 1; i < world->nnodes; i++)
        if (world->nodes[i].parent == parent && !world->nodes[i].gone) return i;
    return -1;
}

static int
step_of(const struct world *world, int parent, const struct step *step)
{
    for (int i = tree_next(world, parent, -1); i >= 0; i = tree_next(world, parent, i))
        if (world->nodes[i].step == step && !world->nodes[i].is_item) return i;
    return -1;
}

int
tree_sibling(const struct world *world, int node, uint32_t k)
{
    const struct node *at = &world->nodes[node];
    if (at->is_item) at = &world->nodes[at->parent];
    return step_of(world, at->parent, &at->step->home->steps[k]);
}

bool
tree_live(const struct world *world, int node)
{
    for (; node >= 0; node = world->nodes[node].parent) {
        int parent = world->nodes[node].parent;
        if (world->nodes[node].gone || (parent >= 0 && !world->nodes[parent].expanded)) return false;
    }
    return true;
}

bool
tree_asks(const struct node *node)
{
    /* A loop is asked about as a whole, or each of its items by itself. */
    const struct approve *approve = node->step->approve;
    return approve != NULL && (node->step->loop == NULL || approve->of_item == node->is_item);
}

bool
tree_in_finally(const struct world *world, int node)
{
    for (; node >= 0; node = world->nodes[node].parent)
        if (world->nodes[node].step->part == PART_FINALLY) return true;
    return false;
}

bool
tree_failed(const struct node *node)
{
    return node->end == STEP_FAILED_STATUS && (node->is_item || !node->step->continue_on_error);
}

bool
tree_sibling_failed(const struct world *world, int parent)
{
    for (int i = tree_next(world, parent, -1); i >= 0; i = tree_next(world, parent, i))
        if (tree_failed(&world->nodes[i])) return true;
    return false;
}

static int
add(struct world *world, const struct node *node)
{
    if (world->nnodes == NODES_MAX) {
        world_break(world, "the run grows without an end: %d steps and items", NODES_MAX);
        return 0;
    }
    struct node *ret = &world->nodes[world->nnodes];
    *ret = *node;
    ret->name = node->item == NULL ? node->step->id
                                   : arena_printf(&world->arena, "%s[%s]", node->step->id, node->item);
    return world->nnodes++;
}

void
tree_make(struct world *world)
{
    world->nnodes = 0;
    for (size_t i = 0; i < world->model->nsteps; i++)
        (void)add(world, &(struct node){.step = &world->model->steps[i], .parent = TOP});
}

static void
reset(struct node *node)
{
    node->begun = node->expanded = node->approved = node->undone = false;
    node->end = STEP_WAITING_STATUS;
    node->polls = node->failures = 0;
}

/* ---- what items are called ---------------------------------------------------------------------------- */

static bool
has_loops(const struct model *body)
{
    for (size_t i = 0; body != NULL && i < body->nsteps; i++)
        if (body->steps[i].loop != NULL || has_loops(body->steps[i].body)) return true;
    return false;
}

static const char *
escaped(struct world *world, const char *key)
{
    const char *ret = "";
    for (; *key; key++)
        ret = *key == '/'   ? arena_printf(&world->arena, "%s%%2F", ret)
              : *key == '%' ? arena_printf(&world->arena, "%s%%25", ret)
                            : arena_printf(&world->arena, "%s%c", ret, *key);
    return ret;
}

/* By its key; where loops stand in loops by the keys of all of them, none of which has a `/` in it. */
static const char *
item_name(struct world *world, const struct node *loop, const char *key)
{
    if (loop->item == NULL && !has_loops(loop->step->body)) return key;
    key = escaped(world, key);
    return loop->item == NULL ? key : arena_printf(&world->arena, "%s/%s", loop->item, key);
}

/* ---- beginning ---------------------------------------------------------------------------------------- */

static void
add_item(struct world *world, int loop, const char *key)
{
    for (int i = 0; i < world->nnodes; i++) {
        struct node *node = &world->nodes[i];
        if (node->parent != loop || !str_eq(node->key, key)) continue;
        reset(node);
        node->gone = false;
        return;
    }
    const struct node *parent = &world->nodes[loop];
    const char *name = item_name(world, parent, key);
    if (tree_find(world, parent->step->id, name) >= 0)
        world_break(world, "two items of %s are called %s", parent->step->id, name);
    (void)add(world, &(struct node){.step = parent->step, .item = name, .key = key, .parent = loop, .is_item = true});
}

static void
expand_loop(struct world *world, int loop, const struct value *items)
{
    const struct loop *def = world->nodes[loop].step->loop;
    for (int i = 0; i < world->nnodes; i++)
        if (world->nodes[i].parent == loop) world->nodes[i].gone = true;
    if (def->items->type == VALUE_LIST && def->items->list.count != items->list.count)
        world_break(world, "%s has another number of items", world->nodes[loop].name);
    for (size_t i = 0; i < items->list.count; i++) {
        const char *key = value_get_str(items->list.items[i], "key", "");
        if (def->items->type == VALUE_LIST && !str_eq(key, def->items->list.items[i]->text.ptr))
            world_break(world, "%s has another item %zu", world->nodes[loop].name, i);
        add_item(world, loop, arena_strdup(&world->arena, key));
    }
}

void
tree_expand(struct world *world, int at, const struct event *event)
{
    struct node *node = &world->nodes[at];
    node->expanded = node->begun = true;
    if (tree_is_loop(node)) {
        expand_loop(world, at, value_get(event->data, "items"));
        return;
    }
    for (size_t i = 0; i < node->step->body->nsteps; i++) {
        const struct step *step = &node->step->body->steps[i];
        int child = step_of(world, at, step);
        if (child >= 0) reset(&world->nodes[child]);
        else (void)add(world, &(struct node){.step = step, .item = node->item, .parent = at});
    }
}

/* All that is a part of it may come again. */
static void
mark_person(struct world *world, int at)
{
    world->nodes[at].person = true;
    for (int i = 0; i < world->nnodes; i++)
        if (world->nodes[i].parent == at) mark_person(world, i);
}

static int
named(const struct world *world, const struct value *entry)
{
    bool item = value_is(entry, VALUE_MAP);
    return tree_find(world, item ? value_get_str(entry, "step", "") : value_str(entry, ""),
                     item ? value_get_str(entry, "item", NULL) : NULL);
}

/* What one rollback undid, or could not, is no matter of the next. */
void
tree_undo(struct world *world, const struct event *event)
{
    const struct value *list = value_get(event->data, "undo");
    for (int i = 0; i < world->nnodes; i++) world->nodes[i].gone |= world->nodes[i].parent == UNDO;
    for (size_t i = 0; i < list->list.count; i++) {
        int target = named(world, list->list.items[i]);
        if (target < 0 || world->nodes[target].step->undo == NULL) {
            world_break(world, "a rollback names what cannot be undone");
            return;
        }
        const struct step *step = world->nodes[target].step->undo->steps;
        int at = tree_find(world, step->id, world->nodes[target].item);
        if (at < 0)
            at = add(world, &(struct node){.step = step, .item = world->nodes[target].item, .parent = UNDO});
        reset(&world->nodes[at]);
        world->nodes[at].gone = false;
        world->nodes[at].undoes = target;
        world->nodes[at].turn = (unsigned)i;
    }
}

void
tree_retry(struct world *world, int at)
{
    reset(&world->nodes[at]);
    mark_person(world, at);
    for (int up = world->nodes[at].parent; up >= 0; up = world->nodes[up].parent)
        if (world->nodes[up].expanded) world->nodes[up].end = STEP_WAITING_STATUS;
}
