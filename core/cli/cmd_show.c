/* SPDX-License-Identifier: Apache-2.0
 *
 * levada show RUN [--at TIME] [--json]: one run, its steps and its outputs, as they are or as they were.
 */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "run/store.h"
#include "show/show.h"
#include "show/text.h"

static const char usage[] = "levada show [--at TIME] [--json] RUN|FILE";

int
cmd_show(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"at", required_argument, NULL, 'a'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    struct arena arena ARENA_SCOPED = {0};
    struct buf text BUF_SCOPED = {0};
    struct view view;
    struct err err = {0};
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
    if (argc - optind != 1) return cli_usage(usage, "name one run: its id, a part of it, or `last`");
    int code = store_run_see(&arena, argv[optind], &folder, &err);
    if (!code) code = view_load_when(&arena, folder, at, &view, &err);
    if (code) return cli_fail(&err);
    buf_init(&text, LIMIT_VALUE_SIZE);
    if (json) show_json(&text, &view, clock_wall_ms());
    else show_text(&text, &view, clock_wall_ms(), text_colour_wanted(STDOUT_FILENO));
    fwrite(buf_str(&text), 1, text.size, stdout);
    return 0;
}
