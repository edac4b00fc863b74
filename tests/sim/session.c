/* SPDX-License-Identifier: Apache-2.0
 *
 * An engine without processes: the loop of engine.c and the adoption of adopt.c over a world, with the decisions of
 * turn.c and step.c as they are. It dies before a commit, behind one, or between two launches.
 */
#include <signal.h>
#include <string.h>

#include "base/str.h"
#include "world.h"

struct session {
    struct world *world;
    struct engine e;
    struct engine_options options;
    struct real *watched[64]; /* by the engine, until it takes what they say */
    size_t nwatched;
    bool dead;
};

/* The engine's number for the step or item of an attempt. */
static size_t
index_of(const struct session *s, const struct real *real)
{
    const struct node *node = &s->world->nodes[real->node];
    return (size_t)(state_step(&s->e.state, node->step->id, node->item) - s->e.state.steps);
}

static void
die(struct session *s, const char *where)
{
    s->dead = true;
    s->world->crashes++;
    world_say(s->world, "     the engine dies %s", where);
}

/* What it told itself must be what its journal tells. */
static void
same_as_journal(struct session *s)
{
    struct arena arena ARENA_SCOPED = {0};
    struct run_state told;
    struct err err = {0};
    state_init(&told, &arena, s->world->model, s->e.state.id);
    for (size_t i = 0; i < s->world->nevents; i++)
        if (state_apply(&told, &s->world->journal[i], &err) != 0) world_break(s->world, "%s", err.message);
    promise_same(s->world, &s->e.state, &told);
}

/* As engine.c's end_turn up to the commit. False: it died. */
static bool
commit(struct session *s)
{
    struct world *world = s->world;
    if (s->e.nhappened == 0) return true;
    bool crash = world->crash_at >= 0 ? world->crash_at-- == 0 : world->faults > 0 && world_chance(world, 2);
    bool behind = world->crash_at >= 0 ? world->crash_after : world_chance(world, 50);
    if (crash) world->faults--;
    if (crash && !behind) {
        die(s, "before a commit");
        return false;
    }
    for (size_t i = 0; i < s->e.nhappened; i++) world_commit(world, &s->e.happened[i]);
    if (world->broken[0]) {
        s->dead = true; /* it may think of what is not there */
        return false;
    }
    world->commits++;
    s->e.nhappened = 0;
    if (world->commits % 32 == world->seed % 32) same_as_journal(s);
    if (crash) die(s, "behind a commit");
    return !crash;
}

static void
launch(struct session *s, const struct after *after)
{
    struct world *world = s->world;
    struct real *real = &world->real[world->nreal++];
    const struct step_state *step = &s->e.state.steps[after->step];
    *real = (struct real){.node = tree_find(world, step->step->id, step->item), .record = after->record, .alive = true,
                          .fence = (uint64_t)value_get_int(after->job, "fence", 0),
                          .ask = str_eq(value_get_str(after->job, "kind", ""), "resolve")};
    snprintf(real->token, sizeof real->token, "%s", value_get_str(after->job, "token", ""));
    if (world->nreal == ATTEMPTS_MAX) world_break(world, "the run does not end: %d attempts", ATTEMPTS_MAX);
    promise_launch(world, real);
    s->watched[s->nwatched++] = real;
    s->e.running++;
}

/* What pool.c does when there is no process to be had. */
static void
launch_or_fail(struct session *s, const struct after *after)
{
    if (s->world->faults > 0 && world_chance(s->world, 1)) {
        s->world->faults--;
        step_vanished(&s->e, after->step, after->record, -1, false);
    } else {
        launch(s, after);
    }
}

static void
stop_watched(struct session *s, const char *why, bool safe_only)
{
    for (size_t i = 0; i < s->nwatched; i++) {
        struct real *real = s->watched[i];
        const struct step_state *step = &s->e.state.steps[index_of(s, real)];
        if (real->stop || (safe_only && !step_safe_to_stop(step))) continue;
        if (str_eq(why, "cancelled") && !turn_cancels(&s->e, step)) continue;
        real->stop = true;
        real->why = why;
        if (str_eq(why, "cancelled") && tree_in_finally(s->world, real->node) && !s->e.cancel_last)
            world_break(s->world, "%s cleans up, and was asked to stop", s->world->nodes[real->node].name);
    }
}

static bool
end_turn(struct session *s)
{
    if (!commit(s)) return false;
    for (size_t i = 0; i < s->e.nafter; i++) {
        struct after after = s->e.after[i];
        if (after.type == AFTER_LAUNCH) launch_or_fail(s, &after);
        else if (after.type == AFTER_STOP) stop_watched(s, "cancelled", false);
        if (s->world->crash_at < 0 && s->world->faults > 0 && world_chance(s->world, 1)) {
            s->world->faults--;
            die(s, "between two launches");
            return false;
        }
    }
    s->e.nafter = 0;
    s->e.launching = 0;
    for (size_t i = 0; s->e.cancelling && i < s->nwatched; i++) {
        const struct real *real = s->watched[i];
        if (!real->stop && !real->ask && !tree_in_finally(s->world, real->node))
            world_break(s->world, "%s was not asked to stop", s->world->nodes[real->node].name);
    }
    return true;
}

/* What it came to is its own, however often it is asked: an adopted receipt says the same again. */
static const struct value *
outputs_of(struct session *s, const struct real *real)
{
    static const char *const keys[] = {"a", "a/b", "b", "c", "1"};
    struct arena *arena = &s->e.turn;
    const struct step *step = s->world->nodes[real->node].step;
    struct value *outputs = value_map(arena), *list = value_list(arena);
    uint64_t chance = (s->world->seed * 31 + real->record) * 0x9e3779b97f4a7c15u >> 40;
    for (size_t i = 0; i < chance % 4; i++)
        value_push(arena, list, value_text(arena, keys[(chance / 4 + i) % (sizeof keys / sizeof keys[0])]));
    for (size_t i = 0; i < step->noutputs; i++)
        value_set(arena, outputs, step->outputs[i].name,
                  str_eq(step->outputs[i].name, "list") ? list
                                                        : value_text(arena, chance & 16 ? "yes" : "no"));
    return outputs;
}

static const struct value *
receipt_of(struct session *s, const struct real *real)
{
    struct arena *arena = &s->e.turn;
    struct value *receipt = value_map(arena), *error = value_map(arena);
    value_set(arena, receipt, "record", value_int(arena, real->record));
    value_set(arena, receipt, "status", value_text(arena, real->receipt));
    if (real->found != NULL) value_set(arena, receipt, "found", value_text(arena, real->found));
    if (str_eq(real->receipt, "succeeded")) value_set(arena, receipt, "outputs", outputs_of(s, real));
    if (str_eq(real->receipt, "failed")) {
        static const char *const words[] = {"transient", "permanent", "invalid"};
        value_set(arena, error, "class", value_text(arena, words[real->record % 3]));
        value_set(arena, error, "message", value_text(arena, "no"));
        value_set(arena, receipt, "error", error);
    }
    return receipt;
}

/* The engine takes what one of its workers has come to. False: none has ended. */
static bool
take_one(struct session *s)
{
    static const int ends[] = {SIGKILL, SIGSEGV, 3 << 8};
    for (size_t i = 0; i < s->nwatched; i++) {
        struct real *real = s->watched[i];
        if (real->alive) continue;
        s->watched[i] = s->watched[--s->nwatched];
        s->e.running--;
        if (real->receipt != NULL) step_receipt(&s->e, index_of(s, real), real->record, receipt_of(s, real));
        else step_vanished(&s->e, index_of(s, real), real->record, ends[real->record % 3], real->phase >= STARTED);
        return true;
    }
    return false;
}

static struct real *
real_of(struct world *world, uint32_t record)
{
    for (size_t i = 0; i < world->nreal; i++)
        if (world->real[i].record == record) return &world->real[i];
    return NULL;
}

/* As adopt.c: what an earlier engine left. */
static void
adopt(struct session *s, size_t i)
{
    const struct step_state *step = &s->e.state.steps[i];
    uint32_t record = step->attempts[step->nattempts - 1].record;
    struct real *real = real_of(s->world, record);
    if (real == NULL || real->phase == LAUNCHED) {
        if (real != NULL) real->claimed = true;
        step_vanished(&s->e, i, record, -1, false);
    } else if (real->alive) {
        s->watched[s->nwatched++] = real;
        s->e.running++;
    } else if (real->receipt != NULL) {
        step_receipt(&s->e, i, record, receipt_of(s, real));
    } else {
        step_vanished(&s->e, i, record, -1, true);
    }
}

static bool
begin(struct session *s, struct expr_vm *vm)
{
    struct engine *e = &s->e;
    struct err err = {0};
    state_init(&e->state, &e->arena, s->world->model, "01234567890123456789012345");
    for (size_t i = 0; i < s->world->nevents; i++)
        if (state_apply(&e->state, &s->world->journal[i], &err) != 0) world_break(s->world, "%s", err.message);
    if (run_status_ended(e->state.status)) return false; /* an ended run is let be */
    e->last_fence = e->fence = e->state.fence + 1;
    struct value *data = value_map(&e->turn);
    value_set(&e->turn, data, "fence", value_int(&e->turn, (int64_t)e->fence));
    value_set(&e->turn, data, "max_parallel", value_int(&e->turn, s->world->max_parallel));
    e->now_ms = e->tick_ms = s->world->now_ms;
    engine_emit(e, EVENT_RUN_STARTED, NULL, data);
    if (!commit(s)) return false;
    if (inputs_init(&e->inputs, vm, &e->state, "/", &err) != 0) world_break(s->world, "%s", err.message);
    for (size_t i = 0; i < e->state.nsteps; i++) {
        const struct step_state *step = &e->state.steps[i];
        int64_t left = step->due_ms - e->now_ms;
        if (step->status == STEP_BACKOFF_STATUS) turn_wait(e, i, left > 0 ? left : 0);
        else if (step->status == STEP_RUNNING_STATUS && !state_is_parent(step)) adopt(s, i);
        else asking_adopt(e, i);
    }
    turn_begin(e);
    return end_turn(s);
}

/* Somebody outside does something. */
static void
disturb(struct session *s)
{
    struct world *world = s->world;
    if (world->faults <= 0 || !world_chance(world, 2)) return;
    world->faults--;
    if (world_chance(world, 30)) {
        world_say(world, "     somebody cancels");
        turn_cancel(&s->e, "somebody", "");
    } else if (!s->e.interrupted) {
        world_say(world, "     somebody interrupts");
        s->e.interrupted = SIGINT;
        stop_watched(s, "interrupted", true);
    }
}

/* Until something has happened that an engine would wake up for. */
static void
wait_and_take(struct session *s)
{
    struct world *world = s->world;
    for (int i = 0; i < 1000; i++) {
        if (take_one(s)) {
            while (world_chance(world, 30) && take_one(s)) continue;
            return;
        }
        if (world_chance(world, 70) && world_move(world)) continue;
        int64_t due = s->e.interrupted ? -1 : turn_next_due(&s->e);
        if (due >= 0) {
            if (due > world->now_ms) world->now_ms = due;
            return;
        }
        if (s->e.interrupted && world_chance(world, 5)) return;
        if (!world_move(world)) break;
    }
    if (!s->e.interrupted) world_break(world, "the engine waits, and nothing will ever happen");
}

static void
go_on(struct session *s)
{
    struct engine *e = &s->e;
    for (int turns = 0; !e->ended && !s->world->broken[0]; turns++) {
        turn_decide(e);
        if (!end_turn(s) || e->ended) return;
        if (e->nhappened) continue;
        if (turns > 3000) world_break(s->world, "the run does not end: %d turns", turns);
        arena_rewind(&e->turn, e->turn_start);
        wait_and_take(s);
        e->now_ms = e->tick_ms = ++s->world->now_ms;
        disturb(s);
        person_answers(s->world, e);
        if (e->interrupted && !e->ended && e->running > 0 && world_chance(s->world, 20)) {
            turn_stop(e);
            (void)end_turn(s);
        }
    }
}

bool
session_run(struct world *world, struct expr_vm *vm)
{
    static struct session s;
    memset(&s, 0, sizeof s);
    s.world = world;
    s.e.options = &s.options;
    s.e.folder = "/";
    (void)arena_alloc(&s.e.turn, 1);
    s.e.turn_start = arena_mark(&s.e.turn);
    world->sessions++;
    world_say(world, "---- engine %u", world->sessions);
    if (begin(&s, vm)) go_on(&s);
    bool ended = false;
    if (!s.dead && !world->broken[0]) {
        same_as_journal(&s);
        ended = run_status_ended(s.e.state.status);
        if (s.e.running + s.e.launching > 0 && ended) world_break(world, "the run has ended, and a slot is taken");
        if (ended) promise_end(world, &s.e.state);
    }
    memory_free(s.e.happened);
    memory_free(s.e.after);
    memory_free(s.e.delayed);
    memory_free(s.e.asked);
    arena_release(&s.e.turn);
    arena_release(&s.e.arena);
    return ended;
}
