/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold when a run has ended, and whenever its journal is read again.
 */
#include <string.h>

#include "base/str.h"
#include "world.h"

static void
effects_are_as_promised(struct world *world, size_t i)
{
    const struct real *real = &world->real[i];
    const struct node *node = &world->nodes[real->node];
    enum levada_effect effect = node->step->effect;
    size_t count = world_effects(world, real->token);
    bool once = effect == LEVADA_EFFECT_TRANSACTIONAL || effect == LEVADA_EFFECT_PROBE ||
                effect == LEVADA_EFFECT_UNSAFE;
    if (once && count > 1 && node->step->on_unknown != ON_UNKNOWN_RETRY && !node->person)
        world_break(world, "%s (%s) happened %zu times", node->name, schema_effect_name(effect), count);
}

/* What has begun is cleaned up behind, cancelled or not, unless its own `if` or a need says otherwise. */
static void
finally_has_run(struct world *world, int i)
{
    const struct node *node = &world->nodes[i];
    if (node->is_item || node->step->part != PART_FINALLY || node->step->condition != NULL || node->step->nneeds ||
        node->step->approve != NULL || node->person)
        return;
    int top = i;
    if (node->parent == UNDO) return;
    while (world->nodes[top].parent != TOP) top = world->nodes[top].parent;
    /* A cancel that comes when the run itself is at its end stops that, too. */
    bool last = world->nodes[top].step->part == PART_FINALLY;
    /* Some part of it may have been one that asks. */
    if (node->expanded) return;
    if (node->end == STEP_SKIPPED_STATUS || (node->end == STEP_CANCELLED_STATUS && !(node->begun && last)))
        world_break(world, "%s is to run at the end, and was %s", node->name, step_status_name(node->end));
}

static void
all_has_ended(struct world *world, const struct run_state *state)
{
    for (int i = 0; i < world->nnodes; i++) {
        const struct node *node = &world->nodes[i];
        if (!tree_live(world, i)) continue;
        const struct step_state *step = state_step(state, node->step->id, node->item);
        if (step == NULL || step->status != node->end || node->end == STEP_WAITING_STATUS) {
            world_break(world, "the run has ended, and %s is %s", node->name,
                        step ? step_status_name(step->status) : "nowhere");
            return;
        }
        if (!state_is_live(state, step)) world_break(world, "%s is not thought to be a part of the run", node->name);
        size_t done = 0;
        for (size_t k = 0; k < world->nreal; k++) done += world->real[k].node == i && world->real[k].phase == EFFECT;
        if (node->end == STEP_SUCCEEDED_STATUS && !tree_is_parent(node) && done == 0 && !node->person)
            world_break(world, "%s succeeded, and never happened", node->name);
        finally_has_run(world, i);
    }
}

/* A rollback that undid what it should leaves the run as ended as it was. */
static enum run_status
rolled_status(const struct world *world)
{
    for (int i = tree_next(world, UNDO, -1); i >= 0; i = tree_next(world, UNDO, i))
        if (world->nodes[i].end == STEP_FAILED_STATUS) return RUN_FAILED_STATUS;
    return world->cancelled ? RUN_CANCELLED_STATUS : world->before;
}

void
promise_end(struct world *world, const struct run_state *state)
{
    all_has_ended(world, state);
    for (size_t i = 0; i < world->nreal; i++) {
        effects_are_as_promised(world, i);
        if (world->real[i].alive && !world->real[i].claimed)
            world_break(world, "the run has ended, and record %u still runs", world->real[i].record);
    }
    enum run_status want = world->rolling                      ? rolled_status(world)
                           : world->cancelled                  ? RUN_CANCELLED_STATUS
                           : tree_sibling_failed(world, TOP) ? RUN_FAILED_STATUS
                                                             : RUN_SUCCEEDED_STATUS;
    if (state->status != want)
        world_break(world, "the run is %s, and should be %s", run_status_name(state->status), run_status_name(want));
    /* A rollback that stopped half-way is no end of the run's own. */
    if (!world->rolling) world->before = state->status;
    world->rolling = false;
}

/* ---- the same ----------------------------------------------------------------------------------------- */

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && str_eq(a, b));
}

static bool
same_value(const struct value *a, const struct value *b)
{
    return a == b || (a != NULL && b != NULL && value_equal(a, b));
}

static bool
same_attempt(const struct attempt_state *a, const struct attempt_state *b)
{
    return a->attempt == b->attempt && a->record == b->record && a->fence == b->fence && a->boot == b->boot &&
           a->intent_ms == b->intent_ms && a->finished_ms == b->finished_ms && same_text(a->status, b->status) &&
           same_text(a->log, b->log) && same_value(a->error, b->error) && same_text(a->found, b->found) &&
           a->crashed == b->crashed && a->resolve == b->resolve;
}

/* The first thing that differs, or NULL. What is made when first asked for may be there or not. */
static const char *
difference(const struct step_state *a, const struct step_state *b)
{
#define SAME(what, is_same) if (!(is_same)) return what
    SAME("step", a->step == b->step);
    SAME("item", same_text(a->item, b->item) && same_text(a->key, b->key) && a->is_item == b->is_item);
    SAME("place", a->parent == b->parent && a->first == b->first && a->nchildren == b->nchildren);
    SAME("undo", a->undone == b->undone && a->undoes == b->undoes);
    SAME("expanded", a->expanded == b->expanded && a->gone == b->gone);
    SAME("bindings", same_value(a->bindings, b->bindings) && same_value(a->given, b->given));
    SAME("status", a->status == b->status);
    SAME("round", a->round == b->round && a->polls == b->polls && a->past == b->past);
    SAME("vanished", a->vanished == b->vanished && a->ask_first == b->ask_first && a->queued == b->queued);
    SAME("due", a->due_ms == b->due_ms && a->delay_ms == b->delay_ms);
    SAME("time", a->started_ms == b->started_ms && a->finished_ms == b->finished_ms);
    SAME("model", a->model_number == b->model_number);
    SAME("token", same_text(a->token, b->token));
    SAME("inputs", same_value(a->inputs, b->inputs));
    SAME("outputs", same_value(a->outputs, b->outputs));
    SAME("error", same_value(a->error, b->error));
    SAME("checkpoints", same_value(a->checkpoints, b->checkpoints));
    SAME("reason", same_text(a->reason_code, b->reason_code) && same_text(a->reason_text, b->reason_text));
    SAME("approval", (a->approval == NULL) == (b->approval == NULL));
    SAME("answers", a->approval == NULL || (a->approval->number == b->approval->number &&
                                            a->approval->granted == b->approval->granted &&
                                            a->approval->rejected == b->approval->rejected));
    SAME("attempts", a->nattempts == b->nattempts);
    for (size_t i = 0; i < a->nattempts; i++) SAME("attempt", same_attempt(&a->attempts[i], &b->attempts[i]));
#undef SAME
    return NULL;
}

void
promise_same(struct world *world, const struct run_state *a, const struct run_state *b)
{
    bool run = a->status == b->status && a->exit_code == b->exit_code && a->started_ms == b->started_ms &&
               a->finished_ms == b->finished_ms && a->begun_ms == b->begun_ms && a->fence == b->fence &&
               a->next_record == b->next_record && a->sessions == b->sessions &&
               a->cancel_asked == b->cancel_asked && same_value(a->outputs, b->outputs) &&
               same_value(a->error, b->error) && same_text(a->failed_step, b->failed_step) &&
               same_text(a->failed_item, b->failed_item);
    if (!run) world_break(world, "the journal tells another state of the run");
    if (a->nsteps != b->nsteps) world_break(world, "the journal tells of %zu steps, not %zu", b->nsteps, a->nsteps);
    for (size_t i = 0; i < a->nsteps && i < b->nsteps; i++) {
        const char *what = difference(&a->steps[i], &b->steps[i]);
        if (what != NULL) world_break(world, "the journal tells another %s of %s", what, a->steps[i].step->id);
    }
}
