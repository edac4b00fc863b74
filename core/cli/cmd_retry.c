/* SPDX-License-Identifier: Apache-2.0
 *
 * levada retry RUN: an ended run goes on, and what did not succeed runs again. Says first what it will do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "run/requests.h"
#include "run/retry.h"
#include "run/store.h"

#define USAGE "levada retry RUN [--from STEP | --only STEP] [--item KEY] [--with FILE] [--reason TEXT] [--dry-run] " \
              "[--max-parallel N] [--json] [--quiet]"

struct request {
    struct session session;
    const char *run, *from, *only, *item, *file, *why;
    bool dry_run;
};

static int
parse_arguments(int argc, char **argv, struct request *ret)
{
    const struct { const char *name; const char **where; } texts[] = {
        {"--from", &ret->from}, {"--only", &ret->only}, {"--item", &ret->item},
        {"--with", &ret->file}, {"--reason", &ret->why}};
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
    if (ret->from != NULL && ret->only != NULL) return cli_usage(USAGE, "--from or --only, not both");
    return 0;
}

static int
load_edited(struct arena *arena, const struct request *request, const struct run_state *state,
            const struct model **ret, const struct value **params, struct err *err)
{
    struct diags diags;
    struct value *given = value_map(arena);
    diags_init(&diags, arena, request->file);
    int code = workflow_load(arena, request->file, &diags, ret, err);
    if (code) return code;
    diags_print(&diags, stderr, isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL);
    if (diags.errors) return err_set(err, EXIT_INVALID, "nothing was retried: the edited workflow has errors");
    /* The run keeps the params it has; those that are new in the file have their defaults. */
    for (size_t i = 0; i < (*ret)->nparams; i++) {
        const struct value *value = value_get(state->params, (*ret)->params[i].name);
        if (value != NULL) value_set(arena, given, (*ret)->params[i].name, value);
    }
    code = params_bind(arena, *ret, given, engine_run_names(arena, *ret), params, err);
    if (code) err_context(err, "the params of run %s", state->id);
    return code;
}

/* The workflows that the run was ever retried with: a result belongs to the one it came from. */
static int
load_past(struct arena *arena, struct journal *journal, const struct run_state *state,
          const struct model *const **ret, struct err *err)
{
    const struct model **models = ARENA_ARRAY(arena, (size_t)state->models + 1, const struct model *);
    int code = 0;
    for (int64_t i = 1; i < state->models && !code; i++) {
        const char *text;
        size_t size;
        int64_t count;
        code = journal_model(journal, arena, i, &text, &size, &count, err);
        if (!code) code = model_read(arena, text, size, &models[i - 1], err);
    }
    models[state->models - 1] = state->model;
    *ret = models;
    return code;
}

#define SHOWN_PARTS 20 /* rows of parts; a loop may have a hundred thousand */

static const char *
row_name(struct arena *arena, const struct retry_row *row)
{
    return row->item == NULL ? row->step : arena_printf(arena, "%s[%s]", row->step, row->item);
}

static void
say_plan(struct arena *arena, const struct retry_plan *plan, const struct run_state *state,
         const struct request *request, const struct model *model)
{
    size_t width = 4, parts = 0;
    for (size_t i = 0; i < plan->nrows; i++) {
        size_t size = plan->rows[i].item == NULL ? strlen(plan->rows[i].step) : 4;
        if (size > width) width = size > 32 ? 32 : size;
    }
    fprintf(stderr, "retry of run %s (%s)%s%s: %zu step%s again\n", state->id, run_status_name(state->status),
            request->file ? " with " : "", request->file ? request->file : "", plan->again,
            plan->again == 1 ? " runs" : "s run");
    for (size_t i = 0; i < plan->nrows; i++) {
        const struct retry_row *row = &plan->rows[i];
        if (row->item != NULL && ++parts > SHOWN_PARTS) continue;
        fprintf(stderr, "  %-5s  %-*s  %s\n", retry_fate_name(row->fate), (int)width, row_name(arena, row), row->text);
    }
    if (parts > SHOWN_PARTS) fprintf(stderr, "  … and %zu more; --json has them all\n", parts - SHOWN_PARTS);
    if (model != NULL && !str_eq(model->folder, state->model->folder))
        fprintf(stderr, "  what runs again runs in %s, where the file is; it ran in %s\n", model->folder,
                state->model->folder);
}

static void
say_plan_json(struct arena *arena, const struct retry_plan *plan, const struct run_state *state)
{
    struct value *ret = value_map(arena), *steps = value_list(arena);
    for (size_t i = 0; i < plan->nrows; i++) {
        struct value *row = value_map(arena), *reason = value_map(arena);
        value_set(arena, reason, "code", value_text(arena, plan->rows[i].code));
        value_set(arena, reason, "text", value_text(arena, plan->rows[i].text));
        value_set(arena, row, "id", value_text(arena, plan->rows[i].step));
        if (plan->rows[i].item != NULL) value_set(arena, row, "item", value_text(arena, plan->rows[i].item));
        value_set(arena, row, "action", value_text(arena, retry_fate_name(plan->rows[i].fate)));
        value_set(arena, row, "reason", reason);
        value_push(arena, steps, row);
    }
    value_set(arena, ret, "run", value_text(arena, state->id));
    value_set(arena, ret, "steps", steps);
    puts(json_text(arena, ret));
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

static int
append(struct arena *arena, struct journal *journal, const struct request *request, const struct retry_plan *plan,
       const struct run_state *state, const struct model *model, const struct value *params, struct err *err)
{
    struct value *data = value_map(arena), *again = value_list(arena);
    uint64_t fence;
    for (size_t i = 0; i < plan->nrows; i++)
        if (plan->rows[i].fate == RETRY_AGAIN && !plan->rows[i].parts)
            value_push(arena, again, again_entry(arena, &plan->rows[i]));
    value_set(arena, data, "who", value_text(arena, requests_who(arena)));
    value_set(arena, data, "why", value_text(arena, request->why != NULL ? request->why : ""));
    value_set(arena, data, "again", again);
    if (model != NULL) {
        const char *group;
        int code = engine_group(arena, model, params, state->id, state->trigger, &group, err);
        if (code) return code;
        if (group != NULL) value_set(arena, data, "group", value_text(arena, group));
        value_set(arena, data, "model", value_int(arena, state->models + 1));
        value_set(arena, data, "params", params);
        struct buf text BUF_SCOPED;
        buf_init(&text, SIZE_MAX / 4);
        model_write(&text, model);
        journal_add_model(journal, arena_strndup(arena, buf_str(&text), text.size));
    }
    int code = journal_take(journal, &fence, err);
    if (code) return code;
    journal_append(journal, &(struct event){.time_ms = clock_wall_ms(), .type = EVENT_RUN_RETRIED, .data = data});
    return journal_commit(journal, true, err);
}

/* Decided, said and written down. -1: only said. */
static int
decide(struct arena *arena, const struct request *request, const char *run_folder, struct err *err)
{
    int fd FD_SCOPED = -1;
    struct journal *journal = NULL;
    struct run_state state;
    struct retry_plan plan;
    const struct value *params = NULL;
    struct retry_request wanted = {.from = request->from, .only = request->only, .item = request->item};
    int code = request->dry_run ? journal_open_read(run_folder, &journal, err)
                                : session_hold(run_folder, "retried", &fd, err);
    if (!code && !request->dry_run) code = journal_open(run_folder, &journal, err);
    if (!code) code = state_read(arena, journal, &state, err);
    if (!code) code = load_past(arena, journal, &state, &wanted.models, err);
    if (!code && request->file != NULL) code = load_edited(arena, request, &state, &wanted.model, &params, err);
    if (!code) code = retry_plan(arena, &state, &wanted, &plan, err);
    if (!code && request->dry_run && request->session.json) say_plan_json(arena, &plan, &state);
    else if (!code && !request->session.quiet) say_plan(arena, &plan, &state, request, wanted.model);
    if (!code && !request->dry_run) {
        requests_forget_cancel(run_folder);
        code = append(arena, journal, request, &plan, &state, wanted.model, params, err);
    }
    journal_close(&journal, code != 0);
    return code == 0 && request->dry_run ? -1 : code;
}

int
cmd_retry(int argc, char **argv)
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
