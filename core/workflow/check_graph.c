/* SPDX-License-Identifier: Apache-2.0
 *
 * What a step needs: the names it gives, together with what its expressions mention, must be no circle.
 */
#include "base/str.h"
#include "workflow/check.h"
#include "workflow/model_json.h"

#define CYCLES_SHOWN 10

static void
need(struct check *check, uint32_t index, const struct value *name)
{
    const struct step *step = &check->model->steps[index];
    ptrdiff_t i = names_find(&check->steps, name->text.ptr);
    for (const struct check *outer = check->outer; i < 0 && outer != NULL; outer = outer->outer) {
        if (names_find(&outer->steps, name->text.ptr) < 0) continue;
        CHECK_ERROR(check, name, "other-part",
                    arena_printf(check->arena, "Write it in `needs` of step \"%s\", which this one stands in.",
                                 check->outer->model->steps[check->owner].local),
                    "step \"%s\" stands outside of the group", name->text.ptr);
        return;
    }
    if (i < 0) {
        CHECK_ERROR(check, name, "unknown-step",
                    keys_suggest(check->diags, name->text.ptr, check->steps.list, check->steps.count),
                    "there is no step \"%s\"", name->text.ptr);
        return;
    }
    uint32_t to = check->step_index[i];
    const struct step *other = &check->model->steps[to];
    if (to == index)
        CHECK_ERROR(check, name, "self-need", NULL, "step \"%s\" needs itself", step->id);
    else if (other->part > step->part)
        CHECK_ERROR(check, name, "later-part", NULL, "step \"%s\" is in `%s`, which runs after `%s`", other->id,
                    model_parts[other->part], model_parts[step->part]);
    else if (other->part < step->part)
        CHECK_ERROR(check, name, "other-part", "Leave it out; an expression may name its outputs and status.",
                    "step \"%s\" is in `%s`, which has ended before `%s` begins", other->id, model_parts[other->part],
                    model_parts[step->part]);
    else edges_add(check->arena, &check->drafts[index].edges, to);
}

void
check_needs(struct check *check, uint32_t index)
{
    const struct value *needs = keys_get(PLACE_STEP, check->drafts[index].map, "needs");
    if (needs == NULL) return;
    if (needs->type == VALUE_STRING) need(check, index, needs);
    check_twice(check, needs, "needs", check->drafts[index].what);
    for (size_t i = 0; needs->type == VALUE_LIST && i < needs->list.count; i++)
        need(check, index, needs->list.items[i]);
    check->model->steps[index].starts_alone = needs->type == VALUE_LIST && needs->list.count == 0;
}

/* A step without edges that stands below one with edges was probably meant to wait; not so when a step above it
 * names it. */
static void
warn_alone(struct check *check)
{
    if (check->calls) return;
    bool edges = false, *named = ARENA_ARRAY(check->arena, check->model->nsteps, bool);
    for (size_t i = 0; i < check->model->nsteps; i++) {
        const struct step *step = &check->model->steps[i];
        if (step->part != PART_STEPS) return;
        if (edges && step->nneeds == 0 && !named[i] && value_get(check->drafts[i].map, "needs") == NULL)
            CHECK_WARNING(check, check->drafts[i].map, "no-edges",
                          "Name the steps it waits for in `needs`, or write `needs: []` if that is on purpose.",
                          "%s waits for nothing and starts at once", check->drafts[i].what);
        edges = edges || step->nneeds > 0;
        for (size_t k = 0; k < step->nneeds; k++) named[step->needs[k]] = true;
    }
}

static void
report_cycle(struct check *check, const uint32_t *path, size_t length)
{
    size_t first = 0;
    for (size_t i = 0; i < length; i++)
        if (path[i] < path[first]) first = i;
    const char *text = "";
    for (size_t i = 0; i <= length; i++) {
        bool skip = length > 12 && i > 5 && i + 5 < length;
        if (skip && i == 6) text = arena_printf(check->arena, "%s -> … (%zu more)", text, length - 11);
        if (!skip)
            text = arena_printf(check->arena, "%s%s%s", text, i == 0 ? "" : " -> ",
                                check->model->steps[path[(first + i) % length]].id);
    }
    CHECK_ERROR(check, check->drafts[path[first]].map, "cycle",
                "Each waits for the one before it: take one `needs` or one `steps.…` away.",
                "steps wait for each other in a circle: %s", text);
}

void
check_edges(struct check *check)
{
    struct model *model = check->model;
    struct edges *edges = ARENA_ARRAY(check->arena, model->nsteps, struct edges);
    for (size_t i = 0; i < model->nsteps; i++) {
        edges_finish(&check->drafts[i].edges);
        edges[i] = check->drafts[i].edges;
        model->steps[i].needs = edges[i].items;
        model->steps[i].nneeds = edges[i].count;
        edges_finish(&check->drafts[i].reads);
        model->steps[i].reads = check->drafts[i].reads.items;
        model->steps[i].nreads = check->drafts[i].reads.count;
    }
    warn_alone(check);
    uint32_t *path;
    size_t length;
    for (size_t i = 0; i < CYCLES_SHOWN; i++) {
        if (!graph_cycle(check->arena, edges, model->nsteps, &path, &length)) return;
        report_cycle(check, path, length);
    }
}
