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

void
world_make(struct world *world, uint64_t seed)
{
    FILE *trace = world->trace;
    memset(world, 0, sizeof *world);
    world->trace = trace;
    world->seed = world->random = seed;
    world->crash_at = -1;
    world->now_ms = 1000000;
    world->model = maker_make(world);
    if (world->model == NULL) {
        world_break(world, "the checker refuses the workflow");
        return;
    }
    tree_make(world);
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
    kept->item = event->item != NULL ? arena_strdup(&world->arena, event->item) : NULL;
    kept->data = value_copy(&world->arena, event->data);
    const struct value *reason = value_get(event->data, "reason");
    world_say(world, "%4lld %-16s %-4s %s %s %s", (long long)kept->seq, event_name(event->type),
              event->step ? event->step : "", event->item ? event->item : "", value_get_str(event->data, "status", ""),
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
    world_say(world, "     world: record %u of %s: phase %d%s%s", real->record, world->nodes[real->node].name,
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
            world_say(world, "     world: record %u of %s is killed in phase %d", real->record,
                      world->nodes[real->node].name, (int)real->phase);
        } else {
            move(world, real);
        }
        return true;
    }
    return false;
}
