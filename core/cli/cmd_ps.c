/* SPDX-License-Identifier: Apache-2.0
 *
 * levada ps [--json]: what lives of the runs here.
 */
#include <getopt.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "show/living.h"
#include "show/text.h"

static const char usage[] = "levada ps [--json]";

int
cmd_ps(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    struct arena arena ARENA_SCOPED = {0};
    struct buf text BUF_SCOPED = {0};
    struct winsize size = {0};
    struct living_list list;
    struct err err = {0};
    bool json = false;
    int option;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (option != 'j') return usage_option(usage, option, argv);
        json = true;
    }
    if (optind < argc) return cli_usage(usage, "\"%s\" is one word too many", argv[optind]);
    int code = living_load(&arena, &list, &err);
    if (code) return cli_fail(&err);
    size_t width = isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    buf_init(&text, LIMIT_VALUE_SIZE);
    if (json) living_json(&text, &list, clock_wall_ms());
    else living_text(&text, &list, clock_wall_ms(), width, text_colour_wanted(STDOUT_FILENO));
    fwrite(buf_str(&text), 1, text.size, stdout);
    if (list.count == 0 && !json) {
        fflush(stdout);
        fputs("nothing lives: no engine, no worker, nothing that one left behind\n", stderr);
    }
    return EXIT_OK;
}
