/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "world.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "base/str.h"

/* splitmix64 */
uint64_t
world_random(struct world *world, uint64_t below)
{
    uint64_t z = world->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % below;
}

bool
world_chance(struct world *world, unsigned percent)
{
    return world_random(world, 100) < percent;
}

void
world_say(struct world *world, const char *fmt, ...)
{
    va_list ap;
    if (world->trace == NULL) return;
    va_start(ap, fmt);
    vfprintf(world->trace, fmt, ap);
    va_end(ap);
    fputc('\n', world->trace);
}

void
world_break(struct world *world, const char *fmt, ...)
{
    va_list ap;
    if (world->broken[0]) return;
    va_start(ap, fmt);
    vsnprintf(world->broken, sizeof world->broken, fmt, ap);
    va_end(ap);
    world_say(world, "BROKEN: %s", world->broken);
}

static const char *
some_condition(struct world *world)
{
    static const char *const all[] = {"${{ always() }}", "${{ failure() }}", "${{ success() }}", "${{ cancelled() }}",
                                      "${{ success() or failure() }}", "${{ 1 == 2 }}"};
    return world_chance(world, 80) ? NULL : all[world_random(world, sizeof all / sizeof all[0])];
}

static void
make_step(struct world *world, size_t i, enum step_part part)
{
    struct step *step = &world->steps[i];
    snprintf(world->ids[i], sizeof world->ids[i], "s%zu", i);
    *step = (struct step){.id = world->ids[i], .local = world->ids[i], .home = &world->model, .part = part,
                          .kind = STEP_RUN, .text = "true", .shell = "sh", .needs = world->needs[i], .grace_ms = 10};
    step->effect = (enum levada_effect)(LEVADA_EFFECT_PURE + world_random(world, LEVADA_EFFECT_UNSAFE));
    step->on_unknown = world_chance(world, 70) ? ON_UNKNOWN_HOLD : (enum on_unknown)world_random(world, 3);
    step->retry = (struct retry){.attempts = 1 + (uint32_t)world_random(world, 3),
                                 .delay_ms = (int64_t)world_random(world, 2000), .backoff = 2};
    step->continue_on_error = world_chance(world, 15);
    step->condition = some_condition(world);
    unsigned density = 10 + (unsigned)world_random(world, 50);
    for (size_t k = 0; k < i; k++)
        if (world->steps[k].part == part && world_chance(world, density)) world->needs[i][step->nneeds++] = (uint32_t)k;
}

/* In every third world; the others draw from their seed what they always drew. */
static void
make_asks(struct world *world, size_t i)
{
    if (world->seed % 3 != 0 || !world_chance(world, 30)) return;
    struct approve *approve = &world->asks[i];
    *approve = (struct approve){.min = 1 + (uint32_t)world_random(world, 2)};
    if (world_chance(world, 15)) approve->condition = "${{ 1 == 2 }}";
    if (world_chance(world, 50)) approve->expires_ms = 1 + (int64_t)world_random(world, 3000);
    world->steps[i].approve = approve;
}

void
world_make(struct world *world, uint64_t seed)
{
    FILE *trace = world->trace;
    memset(world, 0, sizeof *world);
    world->trace = trace;
    world->seed = world->random = seed;
    world->crash_at = -1;
    world->now_ms = 1000000;
    size_t n = 1 + world_random(world, STEPS_MAX - 5), i = 0;
    for (; i < n; i++) make_step(world, i, PART_STEPS);
    for (size_t k = world_random(world, 2); k > 0; k--) make_step(world, i++, PART_ON_SUCCESS);
    for (size_t k = world_random(world, 3); k > 0; k--) make_step(world, i++, PART_ON_FAILURE);
    for (size_t k = world_random(world, 3); k > 0; k--) make_step(world, i++, PART_FINALLY);
    world->model = (struct model){.name = "sim", .file = "sim.yaml", .folder = "/", .steps = world->steps, .nsteps = i,
                                  .power = true};
    for (size_t k = 0; k < i; k++) make_asks(world, k);
    world->max_parallel = 1 + (uint32_t)world_random(world, 5);
    world->faults = (int)world_random(world, 25);
}

void
world_free(struct world *world)
{
    arena_release(&world->arena);
}

void
world_commit(struct world *world, const struct event *event)
{
    struct event *kept = &world->journal[world->nevents];
    if (world->nevents + 1 == EVENTS_MAX) {
        world_break(world, "the run does not end: %d events", EVENTS_MAX);
        return;
    }
    *kept = *event;
    kept->seq = (int64_t)++world->nevents;
    kept->step = event->step != NULL ? arena_strdup(&world->arena, event->step) : NULL;
    kept->data = value_copy(&world->arena, event->data);
    const struct value *reason = value_get(event->data, "reason");
    world_say(world, "%4lld %-16s %-4s %s %s", (long long)kept->seq, event_name(event->type),
              event->step ? event->step : "", value_get_str(event->data, "status", ""),
              value_get_str(reason, "code", ""));
    promise_event(world, kept);
}

size_t
world_effects(const struct world *world, const char *token)
{
    size_t count = 0;
    for (size_t i = 0; i < world->nreal; i++)
        count += world->real[i].phase == EFFECT && str_eq(world->real[i].token, token);
    return count;
}

static void
end_of(struct real *real, const char *receipt)
{
    real->receipt = receipt;
    real->alive = false;
}

/* Asking looks for the token, wherever it came from. */
static void
answer(struct world *world, struct real *real)
{
    real->found = world_chance(world, 5)                  ? "undecided"
                  : world_effects(world, real->token) > 0 ? "done"
                                                          : "not_done";
    end_of(real, "succeeded");
}

static void
move(struct world *world, struct real *real)
{
    if (real->phase == LAUNCHED && real->claimed) {
        real->alive = false; /* it finds the claim and exits */
        real->settled = true;
    } else if (real->phase == LAUNCHED) {
        real->phase = STARTED;
    } else if (real->stop && real->phase == STARTED && world_chance(world, 70)) {
        end_of(real, real->why);
    } else if (real->ask) {
        answer(world, real);
    } else if (real->phase == STARTED && world_chance(world, 25)) {
        end_of(real, "failed");
    } else if (real->phase == STARTED) {
        real->phase = EFFECT;
    } else {
        end_of(real, "succeeded");
    }
    world_say(world, "     world: record %u of %s: phase %d%s%s", real->record, world->ids[real->step],
              (int)real->phase, real->receipt ? ", ended " : "", real->receipt ? real->receipt : "");
}

bool
world_move(struct world *world)
{
    size_t alive = 0;
    for (size_t i = 0; i < world->nreal; i++) alive += world->real[i].alive;
    if (alive == 0) return false;
    size_t chosen = world_random(world, alive);
    for (size_t i = 0; i < world->nreal; i++) {
        struct real *real = &world->real[i];
        if (!real->alive || chosen-- > 0) continue;
        if (world->faults > 0 && world_chance(world, 10)) {
            world->faults--;
            real->alive = false;
            world_say(world, "     world: record %u of %s is killed in phase %d", real->record, world->ids[real->step],
                      (int)real->phase);
        } else {
            move(world, real);
        }
        return true;
    }
    return false;
}
