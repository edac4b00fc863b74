/* SPDX-License-Identifier: Apache-2.0
 *
 * usage: sim [--seeds N] [--from SEED] [--every N] [--trace]
 *
 * Ten thousand random histories of random workflows through the engine's own decisions; then the first 100 of them
 * again with a death of the engine before and behind each of their commits. A seed that breaks a promise becomes a file
 * sim-SEED.txt with its whole history; seeds that once did are in known_seeds and run first.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "run/retry.h"
#include "run/rollback.h"
#include "world.h"

/* What once was wrong shows in them. 24: a cancel stopped what cleaned up behind a workflow within the run. 61: a kill
 * between two steps of `on_success`, and the second was passed over. 331: an undo began though the one before it had
 * failed while no engine looked on. */
static const uint64_t known_seeds[] = {24, 61, 331};

static struct world world;
static uint64_t totals[7];

/* For on_abort: an assertion of the engine names no seed. */
static uint64_t seed_now;
static int crash_now;

static void
on_abort(int number)
{
    char text[120];
    int n = snprintf(text, sizeof text, "seed %llu crash %d: the engine's own assertion failed (signal %d)\n",
                     (unsigned long long)seed_now, crash_now, number);
    if (n > 0) (void)!write(2, text, (size_t)n);
    _exit(1);
}

static void
fold(struct run_state *ret, struct arena *arena)
{
    struct err err;
    state_init(ret, arena, world.model, "01234567890123456789012345");
    for (size_t i = 0; i < world.nevents; i++)
        if (state_apply(ret, &world.journal[i], &err) != 0) world_break(&world, "%s", err.message);
}

/* A person settles what is unknown. */
static void
resolve_all(void)
{
    static const char *const words[] = {"done", "fail", "redo"};
    struct arena arena ARENA_SCOPED = {0};
    struct run_state state;
    fold(&state, &arena);
    person_settles(&world, &state);
    for (size_t i = 0; i < state.nsteps; i++) {
        if (state.steps[i].status != STEP_UNKNOWN_STATUS) continue;
        struct value *data = value_map(&arena);
        size_t word = world_random(&world, world.faults > 0 ? 3 : 2);
        value_set(&arena, data, "decision", value_text(&arena, words[word]));
        world_commit(&world, &(struct event){.type = EVENT_STEP_RESOLVED, .step = state.steps[i].step->id,
                                             .item = state.steps[i].item, .data = data, .time_ms = world.now_ms});
        world.resolves++;
        if (word == 2) world.faults--;
    }
}

static const struct value *
again_entry(struct arena *arena, const struct retry_row *row)
{
    if (row->item == NULL) return value_text(arena, row->step);
    struct value *ret = value_map(arena);
    value_set(arena, ret, "step", value_text(arena, row->step));
    value_set(arena, ret, "item", value_text(arena, row->item));
    return ret;
}

/* A person retries the whole, or what is named. False: there was nothing to retry. */
static bool
retry(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct run_state state;
    struct retry_plan plan;
    struct err err;
    struct retry_request request = {0};
    fold(&state, &arena);
    const struct node *named = &world.nodes[world_random(&world, (uint64_t)world.nnodes)];
    if (world_chance(&world, 30)) request.from = named->step->id;
    else if (world_chance(&world, 20)) request.only = named->step->id;
    if (request.from != NULL || request.only != NULL) request.item = named->item;
    if (retry_plan(&arena, &state, &request, &plan, &err) != 0) return false;
    struct value *data = value_map(&arena), *again = value_list(&arena);
    for (size_t i = 0; i < plan.nrows; i++)
        if (plan.rows[i].fate == RETRY_AGAIN && !plan.rows[i].parts)
            value_push(&arena, again, again_entry(&arena, &plan.rows[i]));
    value_set(&arena, data, "again", again);
    world_say(&world, "     somebody retries %s %s", request.from ? "from" : request.only ? "only" : "all",
              request.from || request.only ? named->name : "");
    world_commit(&world, &(struct event){.type = EVENT_RUN_RETRIED, .data = data, .time_ms = ++world.now_ms});
    return true;
}

/* A person takes back what the run did, or one step of it. False: there is nothing to take back. */
static bool
roll_back(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct run_state state;
    struct rollback_plan plan;
    struct err err;
    fold(&state, &arena);
    const struct node *named = &world.nodes[world_random(&world, (uint64_t)world.nnodes)];
    bool only = world_chance(&world, 30);
    if (rollback_plan(&arena, &state, only ? named->step->id : NULL, only ? named->item : NULL, &plan, &err) != 0)
        return false;
    struct value *data = value_map(&arena), *undo = value_list(&arena);
    for (size_t i = 0; i < plan.undo; i++) {
        const struct retry_row row = {.step = plan.rows[i].step->step->id, .item = plan.rows[i].step->item};
        value_push(&arena, undo, again_entry(&arena, &row));
    }
    value_set(&arena, data, "undo", undo);
    world_say(&world, "     somebody rolls back %s", only ? named->name : "all");
    world_commit(&world, &(struct event){.type = EVENT_RUN_ROLLBACK, .data = data, .time_ms = ++world.now_ms});
    world.rollbacks++;
    return true;
}

/* One history. Returns true when every promise held. */
static bool
play(struct expr_vm *vm, uint64_t seed, int crash_at, bool crash_after, FILE *trace)
{
    seed_now = seed;
    crash_now = crash_at;
    world.trace = trace;
    world_make(&world, seed);
    world.crash_at = crash_at;
    world.crash_after = crash_after;
    for (unsigned k = 0; k < 300 && !world.broken[0]; k++) {
        if (!session_run(&world, vm)) {
            while (world_chance(&world, 40) && world_move(&world)) continue;
            resolve_all();
        } else if (world.rollbacks < 2 && world_chance(&world, 25) && roll_back()) {
            continue;
        } else if (world.retries == 2 || !world_chance(&world, 30) || !retry()) {
            break;
        }
        if (k == 299) world_break(&world, "the run does not end: 300 engines");
    }
    const uint64_t counts[] = {1, world.nevents, world.nreal, world.crashes, world.resolves, world.retries,
                               world.rollbacks};
    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++) totals[i] += counts[i];
    bool good = world.broken[0] == '\0';
    world_free(&world);
    return good;
}

/* Again, with its history in a file. */
static void
report(struct expr_vm *vm, uint64_t seed, int crash_at, bool crash_after)
{
    char name[64];
    snprintf(name, sizeof name, "sim-%llu.txt", (unsigned long long)seed);
    fprintf(stderr, "seed %llu crash %d%s: %s; its history is in %s\n", (unsigned long long)seed, crash_at,
            crash_after ? " behind" : "", world.broken, name);
    FILE *trace = fopen(name, "w");
    if (trace == NULL) return;
    (void)play(vm, seed, crash_at, crash_after, trace);
    fclose(trace);
}

static bool
play_and_report(struct expr_vm *vm, uint64_t seed, int crash_at, bool crash_after)
{
    if (play(vm, seed, crash_at, crash_after, NULL)) return true;
    report(vm, seed, crash_at, crash_after);
    return false;
}

/* The same history with one death, at each place where one can be. */
static unsigned
play_every(struct expr_vm *vm, uint64_t seed)
{
    unsigned bad = !play_and_report(vm, seed, 1000000, false);
    for (int at = 0, commits = (int)world.commits; at < commits; at++)
        for (int after = 0; after < 2; after++) bad += !play_and_report(vm, seed, at, after != 0);
    return bad;
}

static uint64_t
number_option(int argc, char **argv, const char *name, uint64_t fallback)
{
    for (int i = 1; i + 1 < argc; i++)
        if (str_eq(argv[i], name)) return strtoull(argv[i + 1], NULL, 10);
    return fallback;
}

int
main(int argc, char **argv)
{
    uint64_t first = number_option(argc, argv, "--from", 1), seeds = number_option(argc, argv, "--seeds", 10000);
    uint64_t every = number_option(argc, argv, "--every", 100);
    bool traced = argc > 1 && str_eq(argv[argc - 1], "--trace");
    struct expr_vm *vm = expr_vm_new();
    unsigned bad = 0;
    signal(SIGABRT, on_abort);
    if (traced) {
        bad = !play(vm, first, -1, false, stdout);
        expr_vm_free(vm);
        maker_forget();
        return bad > 0;
    }
    for (size_t i = 0; i < sizeof known_seeds / sizeof known_seeds[0]; i++)
        bad += !play_and_report(vm, known_seeds[i], -1, false);
    for (uint64_t seed = first; seed < first + seeds && bad < 20; seed++) bad += !play_and_report(vm, seed, -1, false);
    for (uint64_t seed = first; seed < first + every && bad < 20; seed++) bad += play_every(vm, seed);
    printf("%llu histories, %llu events, %llu attempts, %llu deaths of an engine, %llu settled, %llu retried, "
           "%llu rolled back: %u bad\n",
           (unsigned long long)totals[0], (unsigned long long)totals[1], (unsigned long long)totals[2],
           (unsigned long long)totals[3], (unsigned long long)totals[4], (unsigned long long)totals[5],
           (unsigned long long)totals[6], bad);
    expr_vm_free(vm);
    maker_forget();
    return bad > 0;
}
