/* SPDX-License-Identifier: Apache-2.0
 *
 * levada show RUN [--step STEP [--item KEY]] [--failed] [--at TIME] [--json]: one run, its steps and its outputs, as
 * they are or as they were.
 */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "run/store.h"
#include "show/instance.h"
#include "show/show.h"
#include "show/text.h"

static const char usage[] = "levada show [--step STEP [--item KEY]] [--failed] [--at TIME] [--json] RUN|FILE";

/* Something must be there: the step itself, or a part of it. */
static int
check_wanted(const struct view *view, const struct show_wanted *wanted, struct err *err)
{
    const struct step_state *step;
    for (const struct step_state *at = instance_next(&view->state, NULL); at != NULL;
         at = instance_next(&view->state, at))
        if (instance_within(&view->state, at, wanted->step, wanted->item)) return 0;
    return instance_find(&view->state, view->name, wanted->step, wanted->item, &step, err);
}

int
cmd_show(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"at", required_argument, NULL, 'a'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"step", required_argument, NULL, 's'},
                                            {"item", required_argument, NULL, 'i'},
                                            {"failed", no_argument, NULL, 'f'},
                                            {NULL, 0, NULL, 0}};
    struct arena arena ARENA_SCOPED = {0};
    struct buf text BUF_SCOPED = {0};
    struct view view;
    struct err err = {0};
    const char *folder, *at = NULL;
    struct show_wanted wanted = {0};
    bool json = false;
    int option;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (option == 'a') at = optarg;
        else if (option == 's') wanted.step = optarg;
        else if (option == 'i') wanted.item = optarg;
        else if (option == 'f') wanted.failed = true;
        else if (option != 'j') return usage_option(usage, option, argv);
        else json = true;
    }
    if (argc - optind != 1) return cli_usage(usage, "name one run: its id, a part of it, or `last`");
    if (wanted.item != NULL && wanted.step == NULL) return cli_usage(usage, "--item is of a step: name it with --step");
    instance_split(&arena, &wanted.step, &wanted.item);
    int code = store_run_see(&arena, argv[optind], &folder, &err);
    if (!code) code = view_load_when(&arena, folder, at, &view, &err);
    if (!code && wanted.step != NULL) code = check_wanted(&view, &wanted, &err);
    if (code) return cli_fail(&err);
    buf_init(&text, LIMIT_VALUE_SIZE);
    if (json) show_json(&text, &view, &wanted, clock_wall_ms());
    else show_text(&text, &view, &wanted, clock_wall_ms(), text_colour_wanted(STDOUT_FILENO));
    fwrite(buf_str(&text), 1, text.size, stdout);
    return 0;
}
