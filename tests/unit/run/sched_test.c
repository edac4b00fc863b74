/* SPDX-License-Identifier: Apache-2.0
 *
 * The pure scheduler, on models made by hand and on random ones.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "run/sched.h"

static struct step steps[64];
static uint32_t needs[64][64];
static struct model model;
static struct arena arena;
static struct run_state state;
static struct sched sched;

static void
make(size_t count)
{
    static char ids[64][24];
    memset(steps, 0, sizeof steps);
    for (size_t i = 0; i < count; i++) {
        snprintf(ids[i], sizeof ids[i], "s%zu", i);
        steps[i].id = steps[i].local = ids[i];
        steps[i].home = &model;
        steps[i].needs = needs[i];
        steps[i].retry.attempts = 1;
    }
    model = (struct model){.name = "m", .steps = steps, .nsteps = count};
}

static void
need(size_t step, size_t other)
{
    needs[step][steps[step].nneeds++] = (uint32_t)other;
}

static void
begin(void)
{
    arena_release(&arena);
    state_init(&state, &arena, &model, "run");
    sched_init(&sched, &arena, &state);
}

static void
end(size_t i, enum step_status status)
{
    state.steps[i].status = status;
    sched_ended(&sched, i);
}

static void
steps_come_when_all_they_need_has_ended(void)
{
    make(3);
    need(2, 0);
    need(2, 1);
    begin();
    CHECK_INT(sched_next(&sched), 0);
    CHECK_INT(sched_next(&sched), 1);
    CHECK_INT(sched_next(&sched), -1);
    end(1, STEP_SUCCEEDED_STATUS);
    CHECK_INT(sched_next(&sched), -1);
    end(0, STEP_SUCCEEDED_STATUS);
    CHECK_INT(sched_next(&sched), 2);
    CHECK_INT(sched_done(&sched), -1);
    end(2, STEP_SUCCEEDED_STATUS);
    CHECK_INT(sched_done(&sched), 0);
    CHECK_INT(sched_done(&sched), -1);
    CHECK(!sched_next_part(&sched, 0));
}

static void
a_failed_need_is_no_success_unless_it_may_fail(void)
{
    make(2);
    need(1, 0);
    begin();
    (void)sched_next(&sched);
    end(0, STEP_FAILED_STATUS);
    struct sched_view view = sched_view(&sched, 1);
    CHECK(!view.success);
    CHECK(view.failure);
    CHECK(view.first_bad == &state.steps[0]);
    steps[0].continue_on_error = true;
    view = sched_view(&sched, 1);
    CHECK(view.success);
    CHECK(!view.failure);
    CHECK(state_failure(&state, NULL) == NULL);
}

static void
parts_come_one_after_the_other(void)
{
    make(3);
    steps[1].part = PART_ON_FAILURE;
    steps[2].part = PART_FINALLY;
    begin();
    CHECK_INT(sched_next(&sched), 0);
    CHECK_INT(sched_next(&sched), -1);
    end(0, STEP_FAILED_STATUS);
    CHECK(sched_next_part(&sched, 0));
    CHECK_INT(sched_next(&sched), 1);
    CHECK(sched_view(&sched, 1).failure);
    end(1, STEP_SUCCEEDED_STATUS);
    CHECK(sched_next_part(&sched, 0));
    CHECK_INT(sched_next(&sched), 2);
    end(2, STEP_SUCCEEDED_STATUS);
    CHECK(!sched_next_part(&sched, 0));
}

static void
a_state_read_back_goes_on_where_it_was(void)
{
    make(3);
    need(1, 0);
    need(2, 1);
    arena_release(&arena);
    state_init(&state, &arena, &model, "run");
    state.steps[0].status = STEP_SUCCEEDED_STATUS;
    state.steps[1].status = STEP_RUNNING_STATUS;
    sched_init(&sched, &arena, &state);
    CHECK_INT(sched_next(&sched), -1);
    state.steps[1].status = STEP_READY_STATUS; /* its attempt vanished */
    sched_again(&sched, 1);
    sched_again(&sched, 1);
    CHECK_INT(sched_next(&sched), 1);
    CHECK_INT(sched_next(&sched), -1);
    end(1, STEP_SUCCEEDED_STATUS);
    CHECK_INT(sched_next(&sched), 2);
}

/* ---- loops and groups ---- */

static struct loop loop = {.as = "item"};
static struct model body;
static struct step inner[2];

static void
expand(size_t i, size_t items)
{
    struct err err;
    struct value *data = value_map(&arena), *list = value_list(&arena);
    for (size_t k = 0; k < items; k++) {
        struct value *item = value_map(&arena);
        value_set(&arena, item, "key", value_text(&arena, arena_printf(&arena, "k%zu", k)));
        value_set(&arena, item, "value", value_int(&arena, (int64_t)k));
        value_push(&arena, list, item);
    }
    if (items) value_set(&arena, data, "items", list);
    struct event event = {.type = EVENT_STEP_EXPANDED, .step = state.steps[i].step->id, .item = state.steps[i].item,
                          .time_ms = 5, .data = data};
    CHECK_INT(state_apply(&state, &event, &err), 0);
    sched_expanded(&sched, i);
}

static void
a_loop_begins_no_more_items_at_once_than_it_may(void)
{
    make(2);
    need(1, 0);
    loop.max_parallel = 2;
    steps[0].loop = &loop;
    begin();
    CHECK_INT(sched_next(&sched), 0);
    expand(0, 4);
    CHECK_INT(sched_next(&sched), 2);
    CHECK_INT(sched_next(&sched), 3);
    CHECK_INT(sched_next(&sched), -1);
    end(3, STEP_SUCCEEDED_STATUS);
    CHECK_INT(sched_next(&sched), 4);
    CHECK_INT(sched_next(&sched), -1);
    end(2, STEP_SUCCEEDED_STATUS);
    end(4, STEP_FAILED_STATUS);
    CHECK_INT(sched_next(&sched), 5);
    end(5, STEP_SUCCEEDED_STATUS);
    CHECK_INT(sched_done(&sched), 1);
    CHECK_INT(sched.scopes[1].owner, 0);
    end(0, STEP_FAILED_STATUS);
    CHECK_INT(sched_next(&sched), 1);
    CHECK_STR(state_step(&state, "s0", "k2")->key, "k2");
}

static void
a_group_in_a_loop_has_its_own_steps_for_each_item(void)
{
    make(1);
    memset(inner, 0, sizeof inner);
    inner[0] = (struct step){.id = "s0.a", .local = "a", .home = &body};
    inner[1] = (struct step){.id = "s0.b", .local = "b", .home = &body, .needs = (uint32_t[]){0}, .nneeds = 1};
    body = (struct model){.steps = inner, .nsteps = 2, .owner = &steps[0]};
    loop.max_parallel = 0;
    steps[0].loop = &loop;
    steps[0].kind = STEP_GROUP;
    steps[0].body = &body;
    begin();
    (void)sched_next(&sched);
    expand(0, 2);
    CHECK_INT(sched_next(&sched), 1);
    expand(1, 0);
    CHECK_INT(sched_next(&sched), 2);
    expand(2, 0);
    CHECK_INT(sched_next(&sched), 3);
    CHECK_INT(sched_next(&sched), 5);
    CHECK_INT(sched_next(&sched), -1);
    CHECK_STR(state.steps[5].item, "k1");
    CHECK_INT(value_get_int(state.steps[5].bindings, "item", -1), 1);
    end(5, STEP_SUCCEEDED_STATUS);
    CHECK_INT(sched_next(&sched), 6);
    end(6, STEP_SUCCEEDED_STATUS);
    CHECK_INT(sched.scopes[sched_done(&sched)].owner, 2);
    CHECK(state_step(&state, "s0.b", "k1") == &state.steps[6]);
    /* The same, as it is read back. */
    state.steps[3].status = STEP_SUCCEEDED_STATUS;
    struct sched again;
    sched_init(&again, &arena, &state);
    CHECK_INT(sched_next(&again), 4);
    CHECK_INT(again.scopes[sched_done(&again)].owner, 2);
}

static void
what_was_done_for_an_item_is_found_again_by_its_key(void)
{
    make(1);
    loop.max_parallel = 0;
    steps[0].loop = &loop;
    steps[0].kind = STEP_RUN;
    begin();
    (void)sched_next(&sched);
    expand(0, 2);
    struct err err;
    struct value *data = value_map(&arena), *ids = value_list(&arena);
    value_push(&arena, ids, value_text(&arena, "s0"));
    value_set(&arena, data, "again", ids);
    state.steps[2].status = STEP_SUCCEEDED_STATUS;
    state.steps[2].token = "t";
    CHECK_INT(state_apply(&state, &(struct event){.type = EVENT_RUN_RETRIED, .data = data}, &err), 0);
    CHECK_INT(state.steps[0].status, STEP_WAITING_STATUS);
    sched_init(&sched, &arena, &state);
    (void)sched_next(&sched);
    expand(0, 3);
    const struct step_state *found = state_step(&state, "s0", "k1");
    CHECK(found != &state.steps[2]);
    CHECK_INT(found->round, 1); /* it had succeeded: to do it again is another effect */
    CHECK_STR(found->token, "t");
    CHECK(state.steps[2].gone);
    CHECK_INT(state.steps[0].nchildren, 3);
}

/* Random graphs, random orders of ending: every step comes once, after all it needs, and nothing is forgotten. */
static void
in_random_histories_every_step_comes_once_and_never_before_its_needs(void)
{
    static const enum step_status endings[] = {STEP_SUCCEEDED_STATUS, STEP_FAILED_STATUS, STEP_SKIPPED_STATUS,
                                               STEP_CANCELLED_STATUS};
    for (unsigned seed = 1; seed <= 2000; seed++) {
        uint32_t chance = seed * 2654435761u;
#define CHANCE(n) ((chance = chance * 1664525u + 1013904223u) >> 8) % (n)
        size_t count = 1 + CHANCE(40);
        make(count);
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < i; k++)
                if (CHANCE(5) == 0) need(i, k);
        begin();
        size_t running[64], nrunning = 0, seen[64] = {0}, total = 0;
        for (;;) {
            ptrdiff_t i = CHANCE(2) ? sched_next(&sched) : -1;
            if (i >= 0) {
                for (size_t k = 0; k < steps[i].nneeds; k++)
                    if (!step_status_ended(state.steps[steps[i].needs[k]].status)) CU_FAIL("before its needs");
                if (CHANCE(6) == 0) { /* no slot, or vanished: again later */
                    sched_again(&sched, (size_t)i);
                    continue;
                }
                seen[i]++;
                total++;
                state.steps[i].status = STEP_RUNNING_STATUS;
                running[nrunning++] = (size_t)i;
            } else if (nrunning > 0) {
                size_t pick = CHANCE(nrunning);
                size_t step = running[pick];
                running[pick] = running[--nrunning];
                end(step, endings[CHANCE(4)]);
            } else if (sched_idle(&sched) || sched.ndone > 0) {
                break;
            }
        }
        if (total != count || sched_done(&sched) != 0) {
            printf("seed %u: %zu of %zu\n", seed, total, count);
            CU_FAIL("a step was forgotten");
        }
        for (size_t i = 0; i < count; i++)
            if (seen[i] != 1) CU_FAIL("a step came twice");
    }
    CU_PASS("2,000 histories");
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"steps come when all they need has ended", steps_come_when_all_they_need_has_ended},
        {"a failed need is no success unless it may fail", a_failed_need_is_no_success_unless_it_may_fail},
        {"parts come one after the other", parts_come_one_after_the_other},
        {"a state read back goes on where it was", a_state_read_back_goes_on_where_it_was},
        {"a loop begins no more items at once than it may", a_loop_begins_no_more_items_at_once_than_it_may},
        {"a group in a loop has its own steps for each item", a_group_in_a_loop_has_its_own_steps_for_each_item},
        {"what was done for an item is found again by its key", what_was_done_for_an_item_is_found_again_by_its_key},
        {"in random histories every step comes once and never before its needs",
         in_random_histories_every_step_comes_once_and_never_before_its_needs},
    };
    int code = check_main("sched", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return code;
}
