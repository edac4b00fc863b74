/* SPDX-License-Identifier: Apache-2.0
 *
 * The promises, judged from the world's own knowledge and never from the scheduler's.
 */
#include <string.h>

#include "base/str.h"
#include "world.h"

static const struct event *
last_event(const struct world *world, size_t step, enum event_type type)
{
    for (size_t i = world->nevents; i-- > 0;)
        if (world->journal[i].type == type && world->journal[i].step != NULL &&
            str_eq(world->journal[i].step, world->ids[step]))
            return &world->journal[i];
    return NULL;
}

/* Nothing runs before what it needs has ended, nor before its part has come. */
static void
needs_have_ended(struct world *world, size_t step)
{
    const struct step *model = &world->steps[step];
    for (size_t k = 0; k < model->nneeds; k++)
        if (!world->ended[model->needs[k]])
            world_break(world, "%s runs before %s, which it needs, has ended", model->id, world->ids[model->needs[k]]);
    for (size_t i = 0; i < world->model.nsteps; i++)
        if (world->steps[i].part < model->part && !world->ended[i])
            world_break(world, "%s runs while %s of an earlier part has not ended", model->id, world->ids[i]);
}

/* One attempt of a step at a time, and what an earlier one may have done is known first. */
static void
earlier_attempts_are_settled(struct world *world, const struct real *real)
{
    const struct step *model = &world->steps[real->step];
    for (size_t i = 0; i < world->nreal; i++) {
        const struct real *other = &world->real[i];
        if (other == real || other->step != real->step) continue;
        if (other->alive && !(other->claimed && other->phase == LAUNCHED))
            world_break(world, "%s runs twice at once: records %u and %u", model->id, other->record, real->record);
        bool may_have_happened = other->phase >= STARTED && other->receipt == NULL && !other->ask && !other->known;
        if (!may_have_happened || real->ask || !str_eq(other->token, real->token)) continue;
        if (model->effect == LEVADA_EFFECT_UNSAFE && model->on_unknown != ON_UNKNOWN_RETRY)
            world_break(world, "%s is unsafe and runs again though record %u may have done it", model->id,
                        other->record);
        bool asks = model->effect == LEVADA_EFFECT_TRANSACTIONAL || model->effect == LEVADA_EFFECT_PROBE;
        if (asks && model->on_unknown != ON_UNKNOWN_RETRY)
            world_break(world, "%s runs again without having asked about record %u", model->id, other->record);
    }
}

static void
slots_are_kept(struct world *world)
{
    size_t at_work = 0;
    for (size_t i = 0; i < world->nreal; i++) {
        const struct real *real = &world->real[i];
        at_work += !real->settled && !real->claimed;
    }
    if (at_work > world->max_parallel)
        world_break(world, "%zu attempts at once, %u allowed", at_work, world->max_parallel);
}

/* The same for all attempts at one effect, another for the next effect of the same step. */
static void
token_is_right(struct world *world, const struct real *real)
{
    char *token = world->token[real->step];
    if (token[0] == '\0') memcpy(token, real->token, sizeof real->token);
    if (!str_eq(token, real->token)) world_break(world, "%s changed its token", world->ids[real->step]);
    if (str_eq(world->past[real->step], real->token))
        world_break(world, "%s is to happen once more, and has the token of last time", world->ids[real->step]);
}

static void
part_may_run(struct world *world, const struct real *real)
{
    bool failed = false;
    size_t step = real->step;
    enum step_part part = world->steps[step].part;
    for (size_t i = 0; i < world->model.nsteps; i++) failed |= world->failed[i];
    if (part == PART_ON_SUCCESS && failed && !world->person[step])
        world_break(world, "%s runs, and something has failed", world->ids[step]);
    if (part == PART_ON_FAILURE && !failed) world_break(world, "%s runs, and nothing has failed", world->ids[step]);
    /* Asking what has happened is no new effect. */
    if (part != PART_FINALLY && world->cancelled && !real->ask)
        world_break(world, "%s runs after a cancel", world->ids[step]);
}

/* Who must be asked was asked, and enough different people have approved since. */
static void
people_allowed_it(struct world *world, const struct real *real)
{
    if (world->steps[real->step].approve != NULL && !world->approved[real->step])
        world_break(world, "%s runs without its approval", world->ids[real->step]);
}

void
promise_launch(struct world *world, const struct real *real)
{
    const struct event *intent = last_event(world, real->step, EVENT_STEP_INTENT);
    if (intent == NULL || value_get_int(intent->data, "record", 0) != (int64_t)real->record)
        world_break(world, "record %u of %s starts without its intent in the journal", real->record,
                    world->ids[real->step]);
    if (world->ended[real->step]) world_break(world, "%s runs again though it has ended", world->ids[real->step]);
    if (real->fence <= world->fence) world_break(world, "fence %llu is not new", (unsigned long long)real->fence);
    world->fence = real->fence;
    needs_have_ended(world, real->step);
    earlier_attempts_are_settled(world, real);
    slots_are_kept(world);
    token_is_right(world, real);
    part_may_run(world, real);
    people_allowed_it(world, real);
}

static void
now_known(struct world *world, size_t step)
{
    for (size_t i = 0; i < world->nreal; i++) world->real[i].known |= world->real[i].step == step;
}

static void
succeeded(struct world *world, size_t step)
{
    memcpy(world->past[step], world->token[step], sizeof world->past[step]);
    world->token[step][0] = '\0';
}

static void
asked(struct world *world, size_t at, const struct event *event)
{
    const struct approve *approve = world->steps[at].approve;
    const char *decision = value_get_str(event->data, "decision", "");
    if (event->type == EVENT_STEP_PARKED) {
        world->approved[at] = false;
        world->said[at] = 0;
        world->asked_ms[at] = event->time_ms;
        if (world->ended[at] || world->cancelled) world_break(world, "%s asks, and it is too late", event->step);
    } else if (event->type == EVENT_STEP_DECIDED && str_eq(decision, "pass")) {
        world->approved[at] = true;
        if (approve->condition == NULL) world_break(world, "%s asks nobody", event->step);
    } else if (event->type == EVENT_STEP_DECIDED) {
        unsigned bit = 1u << value_get_int(event->data, "uid", 0);
        bool approves = str_eq(decision, "approve");
        if (world->approved[at] || world->ended[at]) world_break(world, "%s is decided about twice", event->step);
        if (approves && (world->said[at] & bit)) world_break(world, "one person counts twice for %s", event->step);
        if (approve->expires_ms && event->time_ms >= world->asked_ms[at] + approve->expires_ms)
            world_break(world, "%s is decided about when its question had expired", event->step);
        if (approves) world->said[at] |= bit;
        world->approved[at] = value_get_bool(event->data, "granted", false);
        bool enough = world->said[at] == 3 || (world->said[at] && approve->min == 1);
        if (approves && enough != world->approved[at]) world_break(world, "%s starts by the wrong number", event->step);
    } else if (str_eq(value_get_str(value_get(event->data, "reason"), "code", ""), "expired")) {
        if (event->time_ms < world->asked_ms[at] + approve->expires_ms)
            world_break(world, "%s expires too early", event->step);
    }
}

void
promise_event(struct world *world, const struct event *event)
{
    ptrdiff_t at = event->step != NULL ? model_step_find(&world->model, event->step) : -1;
    if (at >= 0 && world->steps[at].approve != NULL) asked(world, (size_t)at, event);
    if (event->type == EVENT_STEP_FINISHED) {
        const char *status = value_get_str(event->data, "status", "");
        if (world->ended[at]) world_break(world, "%s ends twice", event->step);
        world->ended[at] = !str_eq(status, "unknown");
        world->failed[at] = str_eq(status, "failed") && !world->steps[at].continue_on_error;
        if (str_eq(status, "succeeded")) succeeded(world, (size_t)at);
    } else if (event->type == EVENT_STEP_RESOLVED) {
        const char *decision = value_get_str(event->data, "decision", "");
        world->ended[at] = !str_eq(decision, "redo");
        world->failed[at] = str_eq(decision, "fail") && !world->steps[at].continue_on_error;
        if (str_eq(decision, "done")) succeeded(world, (size_t)at);
        world->person[at] = true;
        now_known(world, (size_t)at);
    } else if (event->type == EVENT_RUN_RETRIED) {
        const struct value *again = value_get(event->data, "again");
        world->cancelled = false;
        for (size_t i = 0; i < again->list.count; i++) {
            at = model_step_find(&world->model, again->list.items[i]->text.ptr);
            world->ended[at] = world->failed[at] = world->approved[at] = false;
            world->person[at] = true;
            now_known(world, (size_t)at);
        }
    } else if (event->type == EVENT_CANCEL_ASKED) {
        world->cancelled = true;
    } else if (event->type == EVENT_STEP_RECEIPT || event->type == EVENT_STEP_VANISHED) {
        uint32_t record = (uint32_t)value_get_int(event->data, "record", 0);
        for (size_t i = 0; i < world->nreal; i++)
            if (world->real[i].record == record) world->real[i].settled = true;
        if (str_eq(value_get_str(event->data, "found", ""), "not_done")) now_known(world, (size_t)at);
    }
}

static void
effects_are_as_promised(struct world *world, size_t i)
{
    const struct real *real = &world->real[i];
    enum levada_effect effect = world->steps[real->step].effect;
    size_t count = world_effects(world, real->token);
    bool once = effect == LEVADA_EFFECT_TRANSACTIONAL || effect == LEVADA_EFFECT_PROBE ||
                effect == LEVADA_EFFECT_UNSAFE;
    if (once && count > 1 && world->steps[real->step].on_unknown != ON_UNKNOWN_RETRY && !world->person[real->step])
        world_break(world, "%s (%s) happened %zu times", world->ids[real->step], schema_effect_name(effect), count);
}

void
promise_end(struct world *world, const struct run_state *state)
{
    bool failed = false;
    for (size_t i = 0; i < state->nsteps; i++) {
        const struct step_state *step = &state->steps[i];
        if (!world->ended[i] || !step_status_ended(step->status))
            world_break(world, "the run has ended, and %s is %s", step->step->id, step_status_name(step->status));
        failed |= step->status == STEP_FAILED_STATUS && !step->step->continue_on_error;
        size_t done = 0;
        for (size_t k = 0; k < world->nreal; k++) done += world->real[k].step == i && world->real[k].phase == EFFECT;
        if (step->status == STEP_SUCCEEDED_STATUS && done == 0 && !world->person[i])
            world_break(world, "%s succeeded, and never happened", step->step->id);
    }
    for (size_t i = 0; i < world->nreal; i++) {
        effects_are_as_promised(world, i);
        if (world->real[i].alive && !world->real[i].claimed)
            world_break(world, "the run has ended, and record %u still runs", world->real[i].record);
    }
    enum run_status want = state->cancel_asked ? RUN_CANCELLED_STATUS
                           : failed            ? RUN_FAILED_STATUS
                                               : RUN_SUCCEEDED_STATUS;
    if (state->status != want)
        world_break(world, "the run is %s, and should be %s", run_status_name(state->status), run_status_name(want));
}
