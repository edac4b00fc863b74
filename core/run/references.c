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

static const struct value *
mentioned(const struct run_state *state, const struct expr_ref *ref)
{
    if (ref->depth < 4 || !str_eq(ref->path[0], "steps") || !str_eq(ref->path[2], "outputs")) return NULL;
    return find(state_step(state, ref->path[1], NULL), ref->path[3]);
}

bool
references_touch(const struct run_state *state, const struct template *template)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct expr *expr = template->parts[i].expr;
        for (size_t k = 0; expr != NULL && k < expr->nrefs; k++)
            if (mentioned(state, &expr->refs[k]) != NULL) return true;
    }
    return false;
}

/* As a source: what it is called, and where it is kept. */
static struct value *
source(struct arena *arena, const char *step, const char *output, const struct value *reference)
{
    struct value *ret = value_map(arena);
    value_set(arena, ret, "name", value_text(arena, arena_printf(arena, "steps.%s.outputs.%s", step, output)));
    value_set(arena, ret, "from", value_get(reference, "provider"));
    value_set(arena, ret, "key", value_get(reference, "name"));
    if (value_get(reference, "field") != NULL) value_set(arena, ret, "field", value_get(reference, "field"));
    if (value_get(reference, "version") != NULL) value_set(arena, ret, "version", value_get(reference, "version"));
    return ret;
}

static void
add(struct arena *arena, const struct expr_ref *ref, const struct value *reference, struct value *list)
{
    struct value *entry = source(arena, ref->path[1], ref->path[3], reference), *path = value_list(arena);
    const char *name = value_get_str(entry, "name", "");
    for (size_t i = 0; i < list->list.count; i++)
        if (str_eq(value_get_str(list->list.items[i], "name", ""), name)) return;
    for (size_t i = 0; i < 4; i++) value_push(arena, path, value_text(arena, ref->path[i]));
    value_set(arena, entry, "path", path);
    value_push(arena, list, entry);
}

void
references_add(struct arena *arena, const struct run_state *state, const struct template *template,
               struct value *list)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct expr *expr = template->parts[i].expr;
        for (size_t k = 0; expr != NULL && k < expr->nrefs; k++) {
            const struct value *reference = mentioned(state, &expr->refs[k]);
            if (reference != NULL) add(arena, &expr->refs[k], reference, list);
        }
    }
}

static bool
any_sensitive(const struct model *model)
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
    if (!any_sensitive(state->model)) return;
    for (size_t i = state->nsteps; i-- > 0 && taken < MASKED_MAX;) {
        const struct step_state *step = &state->steps[i];
        const struct schema_action *action = step->outputs != NULL ? step->step->schema_action : NULL;
        for (size_t k = 0; action != NULL && k < action->noutputs; k++) {
            const char *name = action->outputs[k].name;
            const struct value *reference = action->outputs[k].sensitive ? find(step, name) : NULL;
            if (reference == NULL) continue;
            take(arena, list, source(arena, step->step->id, name, reference));
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
