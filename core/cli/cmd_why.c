/* SPDX-License-Identifier: Apache-2.0
 *
 * levada why RUN [STEP] [--at TIME] [--json]: the decisions that were recorded, and the cause when a run failed.
 */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "run/store.h"
#include "show/removed.h"
#include "show/text.h"
#include "show/why.h"

static const char usage[] = "levada why [--at TIME] [--json] RUN|FILE [STEP]";

static int
find_step(const struct view *view, const char *name, const struct step_state **ret, struct err *err)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct run_state *state = &view->state;
    if (name == NULL) return 0;
    *ret = state_step(state, name, NULL);
    if (*ret != NULL) return 0;
    struct removed_step removed;
    if (view->at_ms == 0 && removed_find(&arena, view->folder, name, &removed))
        return removed_say(view->name, name, &removed, err);
    const char *near = state_nearest(state, name);
    err_set(err, EXIT_USAGE, "run %s has no step \"%s\"", state->id, name);
    if (near != NULL) err_hint(err, "Did you mean \"%s\"?", near);
    else err_hint(err, "`levada show %s` lists its steps.", view->name);
    return EXIT_USAGE;
}

int
cmd_why(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"at", required_argument, NULL, 'a'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    struct arena arena ARENA_SCOPED = {0};
    struct buf text BUF_SCOPED = {0};
    struct view view;
    struct err err = {0};
    const struct step_state *step = NULL;
    const char *folder, *at = NULL;
    bool json = false;
    int option;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (option == 'a') at = optarg;
        else if (option != 'j') return usage_option(usage, option, argv);
        else json = true;
    }
    if (argc - optind < 1 || argc - optind > 2)
        return cli_usage(usage, "name one run (its id, a part of it, or `last`) and at most one step");
    int code = store_run_see(&arena, argv[optind], &folder, &err);
    if (!code) code = view_load_when(&arena, folder, at, &view, &err);
    if (!code) code = find_step(&view, argv[optind + 1], &step, &err);
    if (code) return cli_fail(&err);
    buf_init(&text, LIMIT_VALUE_SIZE);
    if (json) why_json(&text, &view, step);
    else why_text(&text, &view, step, clock_wall_ms(), text_colour_wanted(STDOUT_FILENO));
    fwrite(buf_str(&text), 1, text.size, stdout);
    return 0;
}
