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
        steps[i].id = ids[i];
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
    CHECK(!sched_part_done(&sched));
    end(2, STEP_SUCCEEDED_STATUS);
    CHECK(sched_part_done(&sched));
    CHECK(!sched_next_part(&sched));
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
    CHECK_STR(view.first_bad, "s0");
    steps[0].continue_on_error = true;
    view = sched_view(&sched, 1);
    CHECK(view.success);
    CHECK(!view.failure);
    CHECK(sched_failure(&sched) == NULL);
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
    CHECK(sched_next_part(&sched));
    CHECK_INT(sched_next(&sched), 1);
    CHECK(sched_view(&sched, 1).failure);
    end(1, STEP_SUCCEEDED_STATUS);
    CHECK(sched_next_part(&sched));
    CHECK_INT(sched_next(&sched), 2);
    end(2, STEP_SUCCEEDED_STATUS);
    CHECK(!sched_next_part(&sched));
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
            } else if (sched.head == sched.tail) {
                break;
            }
        }
        if (total != count || !sched_part_done(&sched)) {
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
        {"in random histories every step comes once and never before its needs",
         in_random_histories_every_step_comes_once_and_never_before_its_needs},
    };
    int code = check_main("sched", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return code;
}
