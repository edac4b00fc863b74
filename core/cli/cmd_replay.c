/* SPDX-License-Identifier: Apache-2.0
 *
 * levada replay RUN|FILE [--json] [--speed N] [--at TIME]: what `levada run` told of the run, told again. Nothing is
 * executed.
 */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "run/store.h"
#include "show/replay.h"

static const char usage[] = "levada replay [--at TIME] [--speed N] [--json] RUN|FILE";

#define SPEED_MAX 1000000.0

int
cmd_replay(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"speed", required_argument, NULL, 's'},
                                            {"at", required_argument, NULL, 'a'},
                                            {NULL, 0, NULL, 0}};
    struct arena arena ARENA_SCOPED = {0};
    enum progress_mode mode = progress_mode_for(STDOUT_FILENO);
    struct replay_options replay = {.speed = mode == PROGRESS_TREE ? -1 : 0, .mode = mode, .out = stdout};
    struct view view;
    struct err err = {0};
    const char *folder, *at = NULL;
    int option;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (option == 'a') at = optarg;
        else if (option == 'j') replay.mode = PROGRESS_JSON;
        else if (option != 's') return usage_option(usage, option, argv);
        else if (!str_to_real(optarg, &replay.speed) || replay.speed < 0 || replay.speed > SPEED_MAX)
            return cli_usage(usage, "--speed takes a number: 1 as long as it took, 10 ten times as fast, 0 at once; "
                                    "not \"%s\"", optarg);
    }
    if (replay.mode == PROGRESS_JSON && replay.speed < 0) replay.speed = 0;
    if (argc - optind != 1) return cli_usage(usage, "name one run (its id, a part of it, or `last`) or its file");
    int code = store_run_see(&arena, argv[optind], &folder, &err);
    if (!code) code = view_load_when(&arena, folder, at, &view, &err);
    if (!code) code = replay_run(&arena, &view, &replay, &err);
    return code ? cli_fail(&err) : EXIT_OK;
}
