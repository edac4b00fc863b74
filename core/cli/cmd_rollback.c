/* SPDX-License-Identifier: Apache-2.0
 *
 * levada rollback RUN: what the steps of an ended run did is taken back, the last first. Says first what it will do.
 */
#include <stdio.h>

#include "base/fd.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "run/rollback.h"
#include "run/store.h"

#define USAGE "levada rollback RUN [--only STEP [--item KEY]] [--reason TEXT] [--dry-run] [--json] [--quiet]"
#define SHOWN 40 /* rows; a loop may have a hundred thousand */

struct request {
    struct session session;
    struct session_change change;
    const char *only, *item;
};

static int
parse_arguments(int argc, char **argv, struct request *ret)
{
    const struct session_text texts[] = {{"--only", &ret->only}, {"--item", &ret->item}, {NULL, NULL}};
    int code = session_arguments(&ret->session, &ret->change, texts, argc, argv, USAGE);
    if (!code && ret->item != NULL && ret->only == NULL) return cli_usage(USAGE, "--item needs --only STEP");
    return code;
}

static void
say_plan(struct arena *arena, const struct rollback_plan *plan, const struct run_state *state)
{
    fprintf(stderr, "rollback of run %s (%s): %zu step%s undone, in this order\n", state->id,
            run_status_name(state->status), plan->undo, plan->undo == 1 ? " is" : "s are");
    size_t hidden = 0, by_hand = 0;
    for (size_t i = 0; i < plan->nrows; i++) {
        const struct rollback_row *row = &plan->rows[i];
        by_hand += row->by_hand;
        if (i >= SHOWN && !(row->by_hand && by_hand <= SHOWN)) {
            hidden++;
            continue;
        }
        fprintf(stderr, "  %-4s  %-24s  %s\n", row->undo ? "undo" : "keep", state_name(arena, row->step), row->text);
    }
    if (hidden > 0) fprintf(stderr, "  … and %zu more; --json has them all\n", hidden);
}

static struct value *
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
        struct value *row = entry_of(arena, plan->rows[i].step, "id");
        value_set(arena, row, "action", value_text(arena, plan->rows[i].undo ? "undo" : "keep"));
        value_set(arena, row, "reason", value_text(arena, plan->rows[i].text));
        value_push(arena, steps, row);
    }
    value_set(arena, ret, "run", value_text(arena, state->id));
    value_set(arena, ret, "steps", steps);
    puts(json_text(arena, ret));
}

static const struct value *
event_data(struct arena *arena, const struct request *request, const struct rollback_plan *plan)
{
    struct value *data = value_map(arena), *undo = value_list(arena);
    for (size_t i = 0; i < plan->undo; i++)
        value_push(arena, undo, entry_of(arena, plan->rows[i].step, "step"));
    session_sign(arena, data, &request->change);
    value_set(arena, data, "undo", undo);
    return data;
}

/* Decided, said and written down. -1: only said. */
static int
decide(struct arena *arena, const struct request *request, const char *run_folder, struct err *err)
{
    int fd FD_SCOPED = -1;
    struct journal *journal = NULL;
    struct run_state state;
    struct rollback_plan plan;
    bool dry_run = request->change.dry_run;
    int code = session_open(run_folder, &request->change, "rolled back", &fd, &journal, err);
    if (!code) code = state_read(arena, journal, &state, err);
    if (!code) code = rollback_plan(arena, &state, request->only, request->item, &plan, err);
    if (!code && dry_run && request->session.json) say_plan_json(arena, &plan, &state);
    else if (!code && !request->session.quiet) say_plan(arena, &plan, &state);
    if (!code && !dry_run)
        code = session_append(journal, run_folder, EVENT_RUN_ROLLBACK, event_data(arena, request, &plan), err);
    journal_close(&journal, code != 0);
    return code == 0 && dry_run ? -1 : code;
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
    if (!code) code = store_run_find(&arena, request.change.run, &run_folder, &err);
    if (!code) code = decide(&arena, &request, run_folder, &err);
    if (code) return code < 0 ? EXIT_OK : cli_fail(&err);
    return session_run(&request.session, launcher, run_folder);
}
