/* SPDX-License-Identifier: Apache-2.0
 *
 * levada logs RUN [STEP [--item KEY]] [-f] [--attempt N]: what steps wrote. Into a pipe the bytes are as they were
 * written; on a terminal control characters are made visible.
 */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "run/store.h"
#include "show/instance.h"
#include "show/logs.h"
#include "show/text.h"

static const char usage[] = "levada logs [-f] [--attempt N] [--item KEY] RUN|FILE [STEP]";

/* Did a step write what is there no longer? */
static bool
logs_were_written(const struct view *view, const struct logs_options *options)
{
    for (size_t i = 0; i < view->state.nsteps; i++) {
        const struct step_state *step = &view->state.steps[i];
        if (options->step != NULL && !instance_within(&view->state, step, options->step, options->item)) continue;
        for (size_t k = 0; k < step->nattempts; k++) {
            const struct attempt_state *attempt = &step->attempts[k];
            if (attempt->log_bytes > 0 && (options->attempt == 0 || attempt->attempt == options->attempt)) return true;
        }
    }
    return false;
}

/* The end of following, or an empty answer, is explained; stdout stays what the steps wrote. */
static void
explain(const struct view *view, const struct logs_options *options, bool written)
{
    const char *id = view->name;
    struct arena arena ARENA_SCOPED = {0};
    const struct step_state *step =
        options->step != NULL ? state_step(&view->state, options->step, options->item) : NULL;
    if (options->step != NULL && !instance_exists(&view->state, options->step)) {
        fprintf(stderr, "run %s had step %s before it was retried with an edited workflow%s\n", id, options->step,
                written ? "" : "; it wrote nothing");
        return;
    }
    if (!written && logs_were_written(view, options))
        fprintf(stderr, "the logs of run %s are gone: `levada gc` or somebody took them away; levada show %s has its "
                "outcome\n", id, id);
    else if (!written && step != NULL)
        fprintf(stderr, "%s wrote nothing: it is %s; levada why %s %s says more\n", instance_name_text(&arena, step),
                step_status_name(step->status), id, state_address(&arena, step));
    else if (!written)
        fprintf(stderr, "no step of run %s%s wrote anything\n", id, options->step != NULL ? " within it" : "");
    else if (step != NULL && options->attempt == 0 && !options->follow && step_attempts(step) > 1)
        fprintf(stderr, "attempt %u; --attempt N shows an earlier one\n", step_attempts(step));
    if (options->follow && view->status != RUN_RUNNING_STATUS)
        fprintf(stderr, "run %s is %s\n", id, run_status_name(view->status));
}

int
cmd_logs(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"follow", no_argument, NULL, 'f'},
                                            {"attempt", required_argument, NULL, 'a'},
                                            {"item", required_argument, NULL, 'i'},
                                            {NULL, 0, NULL, 0}};
    struct arena arena ARENA_SCOPED = {0};
    struct logs_options logs = {.out = stdout, .plain = isatty(STDOUT_FILENO)};
    struct view view;
    struct err err = {0};
    const char *folder;
    bool written = false;
    int64_t attempt = 0;
    int option;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":fh", options, NULL)) != -1) {
        if (option == 'f') logs.follow = true;
        else if (option == 'i') logs.item = optarg;
        else if (option != 'a') return usage_option(usage, option, argv);
        else if (!str_to_int(optarg, &attempt) || attempt < 1 || attempt > LIMIT_ATTEMPTS)
            return cli_usage(usage, "--attempt takes a number from 1, not \"%s\"", optarg);
    }
    if (argc - optind < 1 || argc - optind > 2)
        return cli_usage(usage, "name one run (its id, a part of it, or `last`) and at most one step");
    logs.step = argv[optind + 1];
    logs.attempt = (uint32_t)attempt;
    instance_split(&arena, &logs.step, &logs.item);
    if (logs.item != NULL && logs.step == NULL) return cli_usage(usage, "--item is of a step: name it");
    if (attempt && logs.step == NULL) return cli_usage(usage, "--attempt is of a step: name it");
    int code = store_run_see(&arena, argv[optind], &folder, &err);
    if (!code) code = view_load(&arena, folder, &view, &err);
    const struct step_state *named;
    if (!code && logs.item != NULL && instance_find(&view.state, view.name, logs.step, logs.item, &named, &err) == 0)
        logs.item = named->item; /* else logs_print says what is wrong, or that it was there once */
    if (!code) code = logs_print(&arena, &view, &logs, &written, &err);
    if (code) return cli_fail(&err);
    explain(&view, &logs, written);
    return 0;
}
