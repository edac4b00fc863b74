/* SPDX-License-Identifier: Apache-2.0
 *
 * Loops and blocks: how they begin (their parts come to be), and how they end (by what became of their parts). They
 * have no attempts: nothing of them can vanish.
 */
#include <string.h>

#include "base/str.h"
#include "run/engine_internal.h"
#include "run/failure.h"
#include "run/items.h"

/* ---- beginning ---------------------------------------------------------------------------------------- */

/* An item with its variable, for a `key` that is asked before the item is there. */
static int
key_of(struct engine *e, const struct step_state *loop, const struct value *item, const struct value *names,
       size_t number, const char **ret, struct err *err)
{
    const struct loop *def = loop->step->loop;
    const struct value *value;
    if (def->key == NULL) {
        *ret = items_key(&e->turn, def, item, names, number);
        return items_key_good(*ret, item, err);
    }
    struct step_state trial = *loop;
    struct value *bindings = loop->bindings != NULL ? value_copy(&e->turn, loop->bindings) : value_map(&e->turn);
    value_set(&e->turn, bindings, def->as, item);
    trial.bindings = bindings;
    int code = inputs_value(&e->inputs, &trial, false, def->key, &e->turn, &value, err);
    if (code) return code;
    if (value->type == VALUE_LIST || value->type == VALUE_MAP || value->type == VALUE_NULL) {
        err_set(err, EXIT_INVALID, "the key of item %zu is a %s, not a text", number + 1, value_type_name(value->type));
        return EXIT_INVALID;
    }
    *ret = items_key(&e->turn, def, value, NULL, number);
    return items_key_good(*ret, value, err);
}

static int
loop_items(struct engine *e, const struct step_state *loop, const struct value **ret, struct err *err)
{
    const struct value *value, *values, *names;
    int code = inputs_value(&e->inputs, loop, true, loop->step->loop->items, &e->turn, &value, err);
    if (!code) code = items_list(&e->turn, loop->step->loop, value, &values, &names, err);
    if (code) return code;
    const char **keys = ARENA_ARRAY(&e->turn, values->list.count + 1, const char *);
    for (size_t i = 0; i < values->list.count && !code; i++)
        code = key_of(e, loop, values->list.items[i], names, i, &keys[i], err);
    return code ? code : items_event(&e->turn, keys, values, ret, err);
}

static int
begin_loop(struct engine *e, size_t i, struct value *data, struct err *err)
{
    const struct value *items;
    int code = loop_items(e, &e->state.steps[i], &items, err);
    if (code) {
        const struct value *at = e->state.steps[i].step->loop->items;
        if (err->line == 0) err_place(err, e->state.steps[i].step->home->file, (int)at->line, (int)at->column);
        return code;
    }
    if (e->state.nsteps + items->list.count > LIMIT_INSTANCES)
        return err_set(err, EXIT_INVALID, "the run has more than %u steps and items", LIMIT_INSTANCES);
    value_set(&e->turn, data, "items", items);
    value_set(&e->turn, data, "reason",
              engine_reason(e, "items", "%zu item%s", items->list.count, items->list.count == 1 ? "" : "s"));
    return 0;
}

/* What a workflow is given, bound to its declarations: it must not fail later for what is known now. */
static int
begin_workflow(struct engine *e, size_t i, struct value *data, struct err *err)
{
    const struct step_state *step = &e->state.steps[i];
    const struct value *given = value_map(&e->turn), *bound, *env;
    int code = step->step->with == NULL
                   ? 0 : inputs_value(&e->inputs, step, false, step->step->with, &e->turn, &given, err);
    if (!code) code = inputs_unit(&e->inputs, step->step->body, given, &e->turn, &bound, &env, err);
    if (!code) value_set(&e->turn, data, "params", bound);
    return code;
}

int
parent_begin(struct engine *e, size_t i, struct err *err)
{
    struct value *data = value_map(&e->turn);
    const struct step_state *step = &e->state.steps[i];
    int code = 0;
    if (state_is_loop(step)) {
        code = begin_loop(e, i, data, err);
    } else {
        if (step->step->kind == STEP_WORKFLOW) code = begin_workflow(e, i, data, err);
        if (e->state.nsteps + step->step->body->nsteps > LIMIT_INSTANCES && !code)
            code = err_set(err, EXIT_INVALID, "the run has more than %u steps and items", LIMIT_INSTANCES);
        value_set(&e->turn, data, "reason", engine_reason(e, "ready", "all it needs has ended"));
    }
    if (code) return code;
    engine_emit(e, EVENT_STEP_EXPANDED, &e->state.steps[i], data); /* the state may have moved */
    sched_expanded(&e->sched, i);
    return 0;
}

/* ---- ending ------------------------------------------------------------------------------------------- */

struct tally {
    size_t failed, cancelled, skipped;
};

static struct tally
tally_of(const struct engine *e, const struct step_state *parent)
{
    struct tally ret = {0};
    for (uint32_t k = 0; k < parent->nchildren; k++) {
        const struct step_state *part = &e->state.steps[parent->first + k];
        ret.failed += state_failed(part);
        ret.cancelled += part->status == STEP_CANCELLED_STATUS;
        ret.skipped += part->status == STEP_SKIPPED_STATUS;
    }
    return ret;
}

static const struct value *
failure_of(struct engine *e, const struct step_state *parent, const struct tally *tally)
{
    const struct step_state *first = state_failure(&e->state, parent);
    const char *class = value_get_str(first->error, "class", "permanent"),
               *message = value_get_str(first->error, "message", "it failed");
    struct err err = {0};
    if (state_is_loop(parent)) {
        err_set(&err, EXIT_FAILED, "%zu of %u items failed, first \"%s\": %s", tally->failed, parent->nchildren,
                first->key, message);
        err_hint(&err, "levada retry %s repeats those that failed, and no other.", e->state.id);
    } else {
        err_set(&err, EXIT_FAILED, "step \"%s\": %s", first->step->local, message);
    }
    return failure_value(&e->turn, schema_class_from_name(class), &err);
}

void
parent_close(struct engine *e, size_t i)
{
    struct step_state *parent = &e->state.steps[i];
    const struct tally tally = tally_of(e, parent);
    const struct value *outputs = NULL;
    struct err err = {0};
    if (tally.failed) {
        step_end(e, i, STEP_FAILED_STATUS, NULL, failure_of(e, parent, &tally),
                 engine_reason(e, "parts_failed", "%zu of its %u parts failed", tally.failed, parent->nchildren));
        return;
    }
    if (tally.cancelled) {
        step_end(e, i, STEP_CANCELLED_STATUS, NULL, NULL,
                 engine_reason(e, "cancelled", "%zu of its %u parts were cancelled", tally.cancelled,
                               parent->nchildren));
        return;
    }
    int code = state_is_loop(parent) ? 0 : inputs_outputs(&e->inputs, parent, &e->turn, &outputs, &err);
    if (!code && !state_is_loop(parent)) code = inputs_finish(&e->inputs, parent, &e->turn, &outputs, &err);
    if (code) {
        failure_place(&err, parent->step);
        step_end(e, i, STEP_FAILED_STATUS, outputs, failure_value(&e->turn, LEVADA_INVALID, &err),
                 engine_reason(e, "expect", "its parts succeeded, and what came out is not what was expected"));
        return;
    }
    step_end(e, i, STEP_SUCCEEDED_STATUS, outputs, NULL,
             parent->nchildren == 0 ? engine_reason(e, "done", "it had no items")
             : tally.skipped
                 ? engine_reason(e, "done", "all its parts have ended, %zu of %u skipped", tally.skipped,
                                 parent->nchildren)
                 : engine_reason(e, "done", "all its parts succeeded"));
}

/* What stands before it may rest on what could not be undone. */
static void
stop_undoing(struct engine *e, const struct step_state *failed)
{
    for (uint32_t k = 0; k < e->state.undo_count; k++) {
        uint32_t i = e->state.undo_first + k;
        if (step_status_ended(e->state.steps[i].status)) continue;
        step_end(e, i, STEP_SKIPPED_STATUS, NULL, NULL,
                 engine_reason(e, "undo_failed", "\"%s\" failed: what came before it stays as it is",
                               failed->step->id));
    }
}

void
parent_resume(struct engine *e)
{
    for (uint32_t k = 0; e->state.rolling && k < e->state.undo_count; k++)
        if (e->state.steps[e->state.undo_first + k].status == STEP_FAILED_STATUS)
            parent_fail_fast(e, e->state.undo_first + k);
    for (size_t i = 0; i < e->state.nsteps; i++) {
        const struct step_state *loop = &e->state.steps[i];
        if (!state_is_loop(loop) || !loop->expanded || step_status_ended(loop->status)) continue;
        const struct step_state *failed = state_failure(&e->state, loop);
        /* One that failed before a retry, and was not named by it, ends nothing any more. */
        if (failed != NULL && failed->finished_ms >= e->state.begun_ms)
            parent_fail_fast(e, (size_t)(failed - e->state.steps));
    }
}

void
parent_fail_fast(struct engine *e, size_t i)
{
    const struct step_state *item = &e->state.steps[i];
    if (item->undoes != NO_PARENT && item->status == STEP_FAILED_STATUS) {
        stop_undoing(e, item);
        return;
    }
    if (!item->is_item || !item->step->loop->fail_fast || !state_failed(item)) return;
    const struct step_state *loop = &e->state.steps[item->parent];
    for (uint32_t k = 0; k < loop->nchildren; k++) {
        const struct step_state *other = &e->state.steps[loop->first + k];
        /* What has begun goes on, also to its next attempt: it may have done something already. */
        if (other->expanded || other->nattempts > other->past || step_status_ended(other->status)) continue;
        step_end(e, loop->first + k, STEP_SKIPPED_STATUS, NULL, NULL,
                 engine_reason(e, "fail_fast", "item \"%s\" failed, and the loop fails fast", item->key));
    }
}
