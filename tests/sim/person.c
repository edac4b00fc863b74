/* SPDX-License-Identifier: Apache-2.0
 *
 * People who are asked: two of them approve, reject, answer twice or too late, with an engine that looks on and
 * without.
 */
#include "base/str.h"
#include "run/approval.h"
#include "world.h"

static struct approval_request
some_answer(struct world *world, const struct step_state *step)
{
    static const char *const names[] = {"ann", "bob"};
    size_t who = world_random(world, 2);
    uint32_t number = step->approval->number;
    if (world_chance(world, 10)) number--; /* to an old question */
    return (struct approval_request){.id = "0", .step = step->step->id, .item = step->item, .number = number,
                                     .why = "", .reject = world_chance(world, 15), .uid = (int64_t)who,
                                     .who = names[who]};
}

void
person_answers(struct world *world, struct engine *e)
{
    for (size_t i = 0; i < e->state.nsteps; i++) {
        const struct step_state *step = &e->state.steps[i];
        struct err err = {0};
        if (step->status != STEP_PARKED_STATUS || !world_chance(world, 10)) continue;
        const struct approval_request request = some_answer(world, step);
        bool old = request.number != step->approval->number;
        world_say(world, "     %s answers for %s", request.who, request.step);
        if (asking_decide(e, &request, &err) == 0 && old) world_break(world, "an answer to an old question counts");
    }
}

/* As `levada approve` does when no engine lives. */
static void
settle(struct world *world, struct run_state *state, struct step_state *step)
{
    struct arena *arena = &world->arena;
    const struct approval_request request = some_answer(world, step);
    struct event event = {.type = EVENT_STEP_FINISHED, .step = step->step->id, .item = step->item,
                          .time_ms = world->now_ms};
    const struct value *data = NULL;
    struct err err = {0};
    if (approval_expired(step->approval, world->now_ms)) {
        event.data = approval_expiry(arena, state, step, world->now_ms);
        world_commit(world, &event);
        (void)state_apply(state, &event, &err);
        return;
    }
    if (approval_judge(arena, state, &request, false, &data, &err) != 0 || data == NULL) return;
    if (request.number != step->approval->number) world_break(world, "an answer to an old question counts");
    event.type = EVENT_STEP_DECIDED;
    event.data = data;
    world_commit(world, &event);
    (void)state_apply(state, &event, &err);
    if (!step->approval->rejected) return;
    event.type = EVENT_STEP_FINISHED;
    event.data = approval_rejection(arena, state, step, world->now_ms);
    world_commit(world, &event);
    (void)state_apply(state, &event, &err);
}

void
person_settles(struct world *world, struct run_state *state)
{
    for (size_t i = 0; i < state->nsteps; i++) {
        if (state->steps[i].status != STEP_PARKED_STATUS) continue;
        if (world_chance(world, 20)) world->now_ms += (int64_t)world_random(world, 4000);
        while (state->steps[i].status == STEP_PARKED_STATUS && world_chance(world, 70))
            settle(world, state, &state->steps[i]);
    }
}
