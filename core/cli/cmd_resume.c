/* SPDX-License-Identifier: Apache-2.0
 *
 * `levada resume`: the one recovery path, also taken when a launcher dies.
 */
#include <stdio.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "run/store.h"

#define USAGE "levada resume [--takeover] [--max-parallel N] [--json] [--quiet] RUN"

int
cmd_resume(int argc, char **argv)
{
    struct arena arena ARENA_SCOPED = {0};
    struct session session = {0};
    struct launcher launcher;
    struct err err = {0};
    const char *name = NULL, *run_folder;
    for (int i = 1; i < argc; i++) {
        int taken = session_option(&session, argc, argv, i, USAGE);
        if (taken < 0) return EXIT_USAGE;
        if (taken > 0) {
            i += taken - 1;
        } else if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h")) {
            puts("usage: " USAGE);
            return EXIT_OK;
        } else if (str_eq(argv[i], "--takeover")) {
            session.takeover = true;
        } else if (argv[i][0] == '-') {
            return cli_usage(USAGE, "there is no option \"%s\"", argv[i]);
        } else if (name != NULL) {
            return cli_usage(USAGE, "one run at a time, not \"%s\" too", argv[i]);
        } else {
            name = argv[i];
        }
    }
    if (name == NULL) return cli_usage(USAGE, "which run?");
    int code = launcher_start(&launcher, &err);
    if (!code) code = store_run_find(&arena, name, &run_folder, &err);
    return code ? cli_fail(&err) : session_run(&session, launcher, run_folder);
}
