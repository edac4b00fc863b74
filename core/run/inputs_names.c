/* SPDX-License-Identifier: Apache-2.0
 *
 * The names an expression sees are built for it alone, from what it mentions: a workflow of ten thousand steps
 * costs nothing extra, and for a deferred template exactly these are its fixed operands.
 */
#include "run/inputs_names.h"

#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "plugin/field.h"
#include "run/approval.h"

const struct value *
inputs_run(struct arena *arena, const struct run_state *state, const char *artifacts)
{
    struct value *run = value_map(arena);
    struct buf date BUF_SCOPED;
    buf_init(&date, 64);
    str_timestamp(&date, state->started_ms);
    value_set(arena, run, "id", value_text(arena, state->id));
    value_set(arena, run, "short_id", value_text(arena, state->id + (ID_SIZE - 1 - 8)));
    value_set(arena, run, "name", value_text(arena, state->model->name));
    value_set(arena, run, "date", value_textn(arena, VALUE_STRING, buf_str(&date), 10));
    value_set(arena, run, "time", value_typed(arena, VALUE_TIMESTAMP, state->started_ms));
    value_set(arena, run, "trigger", value_text(arena, state->trigger ? state->trigger : "manual"));
    value_set(arena, run, "artifacts", value_text(arena, artifacts));
    return run;
}

struct place
place_of(const struct inputs *inputs, const struct step_state *step)
{
    if (step->undoes != NO_PARENT) { /* it stands where that one stands */
        const struct step_state *undone = &inputs->state->steps[step->undoes];
        return (struct place){.step = undone, .undone = undone, .block = state_block(inputs->state, undone),
                              .bindings = undone->bindings, .variables = step->step->variables};
    }
    if (step->caller != NO_PARENT) return place_of(inputs, &inputs->state->steps[step->caller]);
    return (struct place){.step = step, .block = state_block(inputs->state, step), .bindings = step->bindings,
                          .variables = step->step->variables};
}

/* Between the steps of a block: its outputs. */
struct place
place_inside(const struct step_state *block)
{
    bool group = block != NULL && block->step->kind == STEP_GROUP;
    return (struct place){.block = block, .bindings = group ? block->bindings : NULL,
                          .variables = group ? block->step->variables : NULL};
}

/* The step that runs the workflow of another file around this place; NULL: none does. */
static struct step_state *
unit_of(const struct inputs *inputs, const struct step_state *block)
{
    while (block != NULL && block->step->kind != STEP_WORKFLOW) block = state_block(inputs->state, block);
    return block != NULL ? &inputs->state->steps[block - inputs->state->steps] : NULL;
}

/* The failure that a step behind it may ask for: of the workflow whose on_failure or finally it is. */
static const struct step_state *
failure_before(const struct inputs *inputs, const struct place *place)
{
    const struct step_state *at = place->step;
    while (at != NULL && at->step->part == PART_STEPS) at = state_block(inputs->state, at);
    return at != NULL ? state_culprit(inputs->state, state_failure(inputs->state, state_block(inputs->state, at)))
                      : NULL;
}

/* run.* of this moment: after a failure it says which. */
static const struct value *
run_now(const struct inputs *inputs, struct arena *arena, const struct place *place)
{
    struct value *run = value_copy(arena, inputs_run(arena, inputs->state, inputs->artifacts));
    const struct step_state *failed = failure_before(inputs, place);
    const struct value *error = failed != NULL ? failed->error : NULL;
    value_set(arena, run, "failed_step", failed ? value_text(arena, failed->step->id) : value_null(arena));
    value_set(arena, run, "error",
              failed ? value_text(arena, value_get_str(error, "message", "")) : value_null(arena));
    value_set(arena, run, "error_class",
              failed ? value_text(arena, value_get_str(error, "class", "permanent")) : value_null(arena));
    return run;
}

static enum levada_type
output_type(const struct step *step, const char *name)
{
    const struct schema_field *field = step->schema_action == NULL ? NULL
        : schema_field_find(step->schema_action->outputs, step->schema_action->noutputs, name);
    return field == NULL ? LEVADA_TYPE_JSON : field->type;
}

/* Journalled outputs are JSON; durations, sizes and times get their types back. */
const struct value *
place_outputs(struct arena *arena, const struct step_state *state)
{
    struct value *ret = value_map(arena);
    const struct step *step = state->step;
    const struct value *declared = step->body != NULL ? step->body->outputs : NULL;
    for (size_t i = 0; declared != NULL && i < declared->map.count; i++)
        value_set(arena, ret, declared->map.names[i], value_null(arena));
    if (step->schema_action != NULL)
        for (size_t i = 0; i < step->schema_action->noutputs; i++)
            value_set(arena, ret, step->schema_action->outputs[i].name, value_null(arena));
    for (size_t i = 0; i < step->noutputs; i++) value_set(arena, ret, step->outputs[i].name, value_null(arena));
    for (size_t i = 0; value_is(state->outputs, VALUE_MAP) && i < state->outputs->map.count; i++) {
        const char *name = state->outputs->map.names[i];
        const struct value *value = state->outputs->map.values[i];
        enum levada_type type = output_type(step, name);
        struct err ignored;
        if (type == LEVADA_TYPE_DURATION || type == LEVADA_TYPE_SIZE || type == LEVADA_TYPE_TIMESTAMP) {
            const struct value *typed = field_coerce(arena, type, value, &ignored);
            if (typed != NULL) value = typed;
        }
        value_set(arena, ret, name, value);
    }
    return ret;
}

static struct value *
step_names(struct arena *arena, const struct step_state *step)
{
    struct value *ret = value_map(arena);
    if (!state_is_loop(step)) value_set(arena, ret, "outputs", place_outputs(arena, step));
    value_set(arena, ret, "status", value_text(arena, step_status_name(step->status)));
    value_set(arena, ret, "attempt", value_int(arena, (int64_t)step->nattempts));
    value_set(arena, ret, "duration",
              value_typed(arena, VALUE_DURATION,
                          step->finished_ms > step->started_ms ? step->finished_ms - step->started_ms : 0));
    if (step->step->approve != NULL) value_set(arena, ret, "approval", approval_names(arena, step));
    return ret;
}

/* Of the step itself, of the loop whose item it is, or of the nearest group around it that somebody was asked about. */
static const struct step_state *
asked_about(const struct inputs *inputs, const struct place *place)
{
    const struct step_state *at = place->step != NULL ? place->step : place->block;
    while (at != NULL && at->step->approve == NULL) {
        at = state_block(inputs->state, at);
        if (at != NULL && at->step->kind == STEP_WORKFLOW) return NULL;
    }
    if (at != NULL && at->is_item && !at->step->approve->of_item) return &inputs->state->steps[at->parent];
    return at;
}

/* By key. Made once for a loop that has ended: a step behind it may ask ten thousand times. */
static const struct value *
item_names(const struct inputs *inputs, struct step_state *loop)
{
    struct arena *arena = inputs->state->arena;
    if (loop->items != NULL) return loop->items;
    struct value *ret = value_map(arena);
    for (uint32_t i = 0; i < loop->nchildren; i++) {
        const struct step_state *item = &inputs->state->steps[loop->first + i];
        value_append(arena, ret, item->key, step_names(arena, item));
    }
    if (step_status_ended(loop->status)) loop->items = ret;
    return ret;
}

struct step_state *
place_step(const struct inputs *inputs, const struct place *place, const char *name)
{
    const struct step_state *block = place->block;
    for (;;) {
        const struct step_state *step = state_beside(inputs->state, block, name);
        if (step != NULL) return &inputs->state->steps[step - inputs->state->steps];
        if (block == NULL || block->step->kind == STEP_WORKFLOW) return NULL;
        block = state_block(inputs->state, block);
    }
}

void
place_add_step(const struct inputs *inputs, const struct place *place, struct arena *arena, struct value *names,
               const char *name)
{
    struct value *steps = value_map(arena);
    const struct value *old = value_get(names, "steps");
    if (old != NULL) /* the map is new, what it holds is not */
        for (size_t i = 0; i < old->map.count; i++)
            value_append(arena, steps, old->map.names[i], old->map.values[i]);
    struct step_state *step = place_step(inputs, place, name);
    if (step != NULL && value_get(steps, name) == NULL) {
        struct value *one = step_names(arena, step);
        if (state_is_loop(step)) value_set(arena, one, "items", item_names(inputs, step));
        value_append(arena, steps, name, one);
    }
    value_set(arena, names, "steps", steps);
}

void
place_add(const struct inputs *inputs, const struct place *place, struct arena *arena, struct value *names,
          const struct expr_ref *ref)
{
    const char *root = ref->path[0];
    struct step_state *unit = unit_of(inputs, place->block);
    struct err ignored;
    if (str_eq(root, "steps") && ref->depth > 1) {
        place_add_step(inputs, place, arena, names, ref->path[1]);
    } else if (value_get(names, root) != NULL) {
        return;
    } else if (str_eq(root, "outputs") && place->undone != NULL) {
        value_set(arena, names, root, place_outputs(arena, place->undone));
    } else if (expr_is_variable(place->variables, root)) {
        const struct value *value = value_get(place->bindings, root);
        if (value != NULL) value_set(arena, names, root, value);
    } else if (str_eq(root, "params") || str_eq(root, "env")) {
        if (unit != NULL && unit->params == NULL && unit->given != NULL)
            (void)inputs_unit(inputs, unit->step->body, unit->given, inputs->state->arena, &unit->params, &unit->env,
                              &ignored); /* it was tried before the workflow began */
        const struct value *params = unit != NULL ? unit->params : inputs->params;
        const struct value *env = unit != NULL ? unit->env : inputs->env;
        const struct value *value = root[0] == 'p' ? params : env;
        value_set(arena, names, root, value != NULL ? value : value_map(arena));
    } else if (str_eq(root, "run")) {
        value_set(arena, names, root, run_now(inputs, arena, place));
    } else if (str_eq(root, "approval")) {
        const struct step_state *asked = asked_about(inputs, place);
        if (asked != NULL) value_set(arena, names, root, approval_names(arena, asked));
    }
}

void
place_add_all(const struct inputs *inputs, const struct place *place, struct arena *arena, struct value *names,
              const struct template *template)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct expr *expr = template->parts[i].expr;
        for (size_t k = 0; expr != NULL && k < expr->nrefs; k++)
            place_add(inputs, place, arena, names, &expr->refs[k]);
    }
}
