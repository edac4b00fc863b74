/* SPDX-License-Identifier: Apache-2.0
 *
 * levada why RUN [STEP [--item KEY]] [--at TIME] [--json]: the decisions that were recorded, and the cause when a run
 * failed.
 */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "run/store.h"
#include "show/instance.h"
#include "show/removed.h"
#include "show/text.h"
#include "show/why.h"

static const char usage[] = "levada why [--at TIME] [--item KEY] [--json] RUN|FILE [STEP]";

static int
find_step(const struct view *view, const char *name, const char *item, const struct step_state **ret, struct err *err)
{
    struct arena arena ARENA_SCOPED = {0};
    struct removed_step removed;
    if (name == NULL) return 0;
    instance_split(&arena, &name, &item);
    *ret = state_step(&view->state, name, item);
    if (*ret != NULL) return 0;
    if (view->at_ms == 0 && item == NULL && !instance_exists(&view->state, name) &&
        removed_find(&arena, view->folder, name, &removed))
        return removed_say(view->name, name, &removed, err);
    return instance_find(&view->state, view->name, name, item, ret, err);
}

int
cmd_why(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"at", required_argument, NULL, 'a'},
                                            {"item", required_argument, NULL, 'i'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    struct arena arena ARENA_SCOPED = {0};
    struct buf text BUF_SCOPED = {0};
    struct view view;
    struct err err = {0};
    const struct step_state *step = NULL;
    const char *folder, *at = NULL, *item = NULL;
    bool json = false;
    int option;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (option == 'a') at = optarg;
        else if (option == 'i') item = optarg;
        else if (option != 'j') return usage_option(usage, option, argv);
        else json = true;
    }
    if (argc - optind < 1 || argc - optind > 2)
        return cli_usage(usage, "name one run (its id, a part of it, or `last`) and at most one step");
    if (item != NULL && argv[optind + 1] == NULL) return cli_usage(usage, "--item is of a step: name it");
    int code = store_run_see(&arena, argv[optind], &folder, &err);
    if (!code) code = view_load_when(&arena, folder, at, &view, &err);
    if (!code) code = find_step(&view, argv[optind + 1], item, &step, &err);
    if (code) return cli_fail(&err);
    buf_init(&text, LIMIT_VALUE_SIZE);
    if (json) why_json(&text, &view, step);
    else why_text(&text, &view, step, clock_wall_ms(), text_colour_wanted(STDOUT_FILENO));
    fwrite(buf_str(&text), 1, text.size, stdout);
    return 0;
}
