/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "run/references.h"

#include "base/str.h"

#define MASKED_MAX 1000u /* references of one run that every worker knows for its masks: each is looked up */

/* The reference that the output is, or NULL. */
static const struct value *
find(const struct step_state *step, const char *output)
{
    if (step == NULL || step->step->schema_action == NULL || !value_is(step->outputs, VALUE_MAP)) return NULL;
    const struct schema_action *action = step->step->schema_action;
    const struct schema_field *field = schema_field_find(action->outputs, action->noutputs, output);
    if (field == NULL || !field->sensitive) return NULL;
    const struct value *value = value_get(step->outputs, output);
    bool whole = value_get_str(value, "provider", NULL) != NULL && value_get_str(value, "name", NULL) != NULL;
    return whole ? value : NULL;
}

static const struct step_state *
find_item(const struct run_state *state, const struct step_state *loop, const char *key)
{
    for (uint32_t i = 0; loop != NULL && state_is_loop(loop) && i < loop->nchildren; i++)
        if (str_eq(state->steps[loop->first + i].key, key)) return &state->steps[loop->first + i];
    return NULL;
}

/* steps.ID.outputs.NAME, steps.ID.items["KEY"].outputs.NAME or, in `undo`, outputs.NAME. *depth: how much of the path
 * that is. */
static const struct value *
mentioned(const struct inputs *inputs, const struct place *place, const struct expr_ref *ref, size_t *depth)
{
    *depth = 2;
    if (ref->depth >= 2 && str_eq(ref->path[0], "outputs")) return find(place->undone, ref->path[1]);
    if (ref->depth < 4 || !str_eq(ref->path[0], "steps")) return NULL;
    const struct step_state *step = place_step(inputs, place, ref->path[1]);
    *depth = 4;
    if (ref->depth >= 6 && str_eq(ref->path[2], "items")) {
        step = find_item(inputs->state, step, ref->path[3]);
        *depth = 6;
    }
    return str_eq(ref->path[*depth - 2], "outputs") ? find(step, ref->path[*depth - 1]) : NULL;
}

bool
references_touch(const struct inputs *inputs, const struct place *place, const struct template *template)
{
    size_t depth;
    for (size_t i = 0; i < template->count; i++) {
        const struct expr *expr = template->parts[i].expr;
        for (size_t k = 0; expr != NULL && k < expr->nrefs; k++)
            if (mentioned(inputs, place, &expr->refs[k], &depth) != NULL) return true;
    }
    return false;
}

/* As a source: what it is called, and where it is kept. */
static struct value *
source(struct arena *arena, const char *called, const struct value *reference)
{
    struct value *ret = value_map(arena);
    value_set(arena, ret, "name", value_text(arena, called));
    value_set(arena, ret, "from", value_get(reference, "provider"));
    value_set(arena, ret, "key", value_get(reference, "name"));
    if (value_get(reference, "field") != NULL) value_set(arena, ret, "field", value_get(reference, "field"));
    if (value_get(reference, "version") != NULL) value_set(arena, ret, "version", value_get(reference, "version"));
    return ret;
}

static void
add(struct arena *arena, const struct expr_ref *ref, size_t depth, const struct value *reference, struct value *list)
{
    struct value *path = value_list(arena);
    const char *called = ref->path[0];
    for (size_t i = 1; i < depth; i++) called = arena_printf(arena, "%s.%s", called, ref->path[i]);
    for (size_t i = 0; i < list->list.count; i++)
        if (str_eq(value_get_str(list->list.items[i], "name", ""), called)) return;
    struct value *entry = source(arena, called, reference);
    for (size_t i = 0; i < depth; i++) value_push(arena, path, value_text(arena, ref->path[i]));
    value_set(arena, entry, "path", path);
    value_push(arena, list, entry);
}

void
references_add(const struct inputs *inputs, const struct place *place, struct arena *arena,
               const struct template *template, struct value *list)
{
    size_t depth;
    for (size_t i = 0; i < template->count; i++) {
        const struct expr *expr = template->parts[i].expr;
        for (size_t k = 0; expr != NULL && k < expr->nrefs; k++) {
            const struct value *reference = mentioned(inputs, place, &expr->refs[k], &depth);
            if (reference != NULL) add(arena, &expr->refs[k], depth, reference, list);
        }
    }
}

bool
references_possible(const struct model *model)
{
    for (size_t p = 0; p < model->nplugins; p++)
        for (size_t a = 0; a < model->plugins[p]->nactions; a++)
            for (size_t f = 0; f < model->plugins[p]->actions[a].noutputs; f++)
                if (model->plugins[p]->actions[a].outputs[f].sensitive) return true;
    return false;
}

/* Calls `take` for each that the run has, the newest steps' first as far as the order of the file goes. */
static void
each(struct arena *arena, const struct run_state *state, struct value *list,
     void (*take)(struct arena *, struct value *, struct value *))
{
    size_t taken = 0;
    for (size_t i = state->nsteps; i-- > 0 && taken < MASKED_MAX;) {
        const struct step_state *step = &state->steps[i];
        const struct schema_action *action = step->outputs != NULL ? step->step->schema_action : NULL;
        for (size_t k = 0; action != NULL && k < action->noutputs; k++) {
            const char *name = action->outputs[k].name;
            const struct value *reference = action->outputs[k].sensitive ? find(step, name) : NULL;
            if (reference == NULL) continue;
            const char *called = arena_printf(arena, "steps.%s.outputs.%s", step->step->id, name);
            take(arena, list, source(arena, called, reference));
            taken++;
        }
    }
}

static void
take_mask(struct arena *arena, struct value *list, struct value *entry)
{
    value_set(arena, entry, "mask_only", value_bool(arena, true));
    value_push(arena, list, entry);
}

static void
take_variable(struct arena *arena, struct value *list, struct value *entry)
{
    if (str_eq(value_get_str(entry, "from", ""), "env")) value_push(arena, list, value_get(entry, "key"));
}

void
references_mask(struct arena *arena, const struct run_state *state, struct value *list)
{
    each(arena, state, list, take_mask);
}

void
references_unset(struct arena *arena, const struct run_state *state, struct value *list)
{
    each(arena, state, list, take_variable);
}
