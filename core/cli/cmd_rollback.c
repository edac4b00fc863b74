/* SPDX-License-Identifier: Apache-2.0
 *
 * levada rollback RUN: what the steps of an ended run did is taken back, the last first. Says first what it will do.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "run/requests.h"
#include "run/rollback.h"
#include "run/store.h"

#define USAGE "levada rollback RUN [--only STEP [--item KEY]] [--reason TEXT] [--dry-run] [--json] [--quiet]"
#define SHOWN 40 /* rows; a loop may have a hundred thousand */

struct request {
    struct session session;
    const char *run, *only, *item, *why;
    bool dry_run;
};

static int
parse_arguments(int argc, char **argv, struct request *ret)
{
    const struct { const char *name; const char **where; } texts[] = {
        {"--only", &ret->only}, {"--item", &ret->item}, {"--reason", &ret->why}};
    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        int taken = session_option(&ret->session, argc, argv, i, USAGE);
        if (taken < 0) return EXIT_USAGE;
        while (k < sizeof texts / sizeof texts[0] && !str_eq(texts[k].name, argv[i])) k++;
        if (taken > 0) {
            i += taken - 1;
        } else if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h")) {
            puts("usage: " USAGE);
            return -1;
        } else if (str_eq(argv[i], "--dry-run")) {
            ret->dry_run = true;
        } else if (k < sizeof texts / sizeof texts[0]) {
            if (i + 1 >= argc) return cli_usage(USAGE, "%s needs a value", argv[i]);
            *texts[k].where = argv[++i];
        } else if (argv[i][0] == '-' || ret->run != NULL) {
            return cli_usage(USAGE, "unexpected \"%s\"", argv[i]);
        } else {
            ret->run = argv[i];
        }
    }
    if (ret->run == NULL) return cli_usage(USAGE, "which run?");
    if (ret->item != NULL && ret->only == NULL) return cli_usage(USAGE, "--item needs --only STEP");
    return 0;
}

static void
say_plan(struct arena *arena, const struct rollback_plan *plan, const struct run_state *state)
{
    fprintf(stderr, "rollback of run %s (%s): %zu step%s undone, in this order\n", state->id,
            run_status_name(state->status), plan->undo, plan->undo == 1 ? " is" : "s are");
    for (size_t i = 0; i < plan->nrows && i < SHOWN; i++) {
        const struct step_state *step = plan->rows[i].step;
        const char *name = step->item == NULL ? step->step->id
                                              : arena_printf(arena, "%s[%s]", step->step->id, step->item);
        fprintf(stderr, "  %-4s  %-24s  %s\n", plan->rows[i].undo ? "undo" : "keep", name, plan->rows[i].text);
    }
    if (plan->nrows > SHOWN) fprintf(stderr, "  … and %zu more; --json has them all\n", plan->nrows - SHOWN);
}

static const struct value *
entry_of(struct arena *arena, const struct step_state *step, const char *id)
{
    struct value *ret = value_map(arena);
    value_set(arena, ret, id, value_text(arena, step->step->id));
    if (step->item != NULL) value_set(arena, ret, "item", value_text(arena, step->item));
    return ret;
}

static void
say_plan_json(struct arena *arena, const struct rollback_plan *plan, const struct run_state *state)
{
    struct value *ret = value_map(arena), *steps = value_list(arena);
    for (size_t i = 0; i < plan->nrows; i++) {
        struct value *row = value_copy(arena, entry_of(arena, plan->rows[i].step, "id"));
        value_set(arena, row, "action", value_text(arena, plan->rows[i].undo ? "undo" : "keep"));
        value_set(arena, row, "reason", value_text(arena, plan->rows[i].text));
        value_push(arena, steps, row);
    }
    value_set(arena, ret, "run", value_text(arena, state->id));
    value_set(arena, ret, "steps", steps);
    puts(json_text(arena, ret));
}

static int
append(struct arena *arena, struct journal *journal, const struct request *request, const struct rollback_plan *plan,
       struct err *err)
{
    struct value *data = value_map(arena), *undo = value_list(arena);
    uint64_t fence;
    for (size_t i = 0; i < plan->undo; i++)
        value_push(arena, undo, entry_of(arena, plan->rows[i].step, "step"));
    value_set(arena, data, "who", value_text(arena, requests_who(arena)));
    value_set(arena, data, "why", value_text(arena, request->why != NULL ? request->why : ""));
    value_set(arena, data, "undo", undo);
    int code = journal_take(journal, &fence, err);
    if (code) return code;
    journal_append(journal, &(struct event){.time_ms = clock_wall_ms(), .type = EVENT_RUN_ROLLBACK, .data = data});
    return journal_commit(journal, true, err);
}

/* Decided, said and written down. -1: only said. */
static int
decide(struct arena *arena, const struct request *request, const char *run_folder, struct err *err)
{
    int fd FD_SCOPED = -1;
    struct journal *journal = NULL;
    struct run_state state;
    struct rollback_plan plan;
    int code = request->dry_run ? journal_open_read(run_folder, &journal, err)
                                : session_hold(run_folder, "rolled back", &fd, err);
    if (!code && !request->dry_run) code = journal_open(run_folder, &journal, err);
    if (!code) code = state_read(arena, journal, &state, err);
    if (!code) code = rollback_plan(arena, &state, request->only, request->item, &plan, err);
    if (!code && request->dry_run && request->session.json) say_plan_json(arena, &plan, &state);
    else if (!code && !request->session.quiet) say_plan(arena, &plan, &state);
    if (!code && !request->dry_run) {
        requests_forget_cancel(run_folder);
        code = append(arena, journal, request, &plan, err);
    }
    journal_close(&journal, code != 0);
    return code == 0 && request->dry_run ? -1 : code;
}

int
cmd_rollback(int argc, char **argv)
{
    struct arena arena ARENA_SCOPED = {0};
    static struct request request;
    struct launcher launcher;
    struct err err = {0};
    const char *run_folder;
    int code = parse_arguments(argc, argv, &request);
    if (code) return code < 0 ? EXIT_OK : code;
    code = launcher_start(&launcher, &err);
    if (!code) code = store_run_find(&arena, request.run, &run_folder, &err);
    if (!code) code = decide(&arena, &request, run_folder, &err);
    if (code) return code < 0 ? EXIT_OK : cli_fail(&err);
    return session_run(&request.session, launcher, run_folder);
}
