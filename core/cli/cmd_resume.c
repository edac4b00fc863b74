/* SPDX-License-Identifier: Apache-2.0
 *
 * `levada resume`: the one recovery path, also taken when a launcher dies.
 */
#include <stdio.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/resume_all.h"
#include "cli/session.h"
#include "run/store.h"

#define USAGE "levada resume [--takeover] [--no-wait] [--max-parallel N] [--json] [--quiet] RUN\n" \
              "         levada resume --all [--max-runs N] [--max-parallel N] [--json]"

int
cmd_resume(int argc, char **argv)
{
    struct arena arena ARENA_SCOPED = {0};
    struct session session = {0};
    struct launcher launcher;
    struct err err = {0};
    const char *name = NULL, *run_folder;
    int64_t max_runs = 0;
    bool all = false;
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
        } else if (str_eq(argv[i], "--no-wait")) {
            session.no_wait = true;
        } else if (str_eq(argv[i], "--all")) {
            all = true;
        } else if (str_eq(argv[i], "--max-runs")) {
            if (++i == argc || !str_to_int(argv[i], &max_runs) || max_runs < 1 || max_runs > RESUME_ALL_RUNS_MAX)
                return cli_usage(USAGE, "--max-runs needs a number from 1 to %d", RESUME_ALL_RUNS_MAX);
        } else if (argv[i][0] == '-') {
            return cli_usage(USAGE, "there is no option \"%s\"", argv[i]);
        } else if (name != NULL) {
            return cli_usage(USAGE, "one run at a time, not \"%s\" too", argv[i]);
        } else {
            name = argv[i];
        }
    }
    if (all && (name != NULL || session.takeover))
        return cli_usage(USAGE, "--all goes with neither a run nor --takeover");
    if (all) return resume_all(session.json, max_runs ? (uint32_t)max_runs : RESUME_ALL_RUNS, session.max_parallel);
    if (max_runs) return cli_usage(USAGE, "--max-runs goes with --all");
    if (name == NULL) return cli_usage(USAGE, "which run? --all: every one that is interrupted");
    int code = launcher_start(&launcher, &err);
    if (!code) code = store_run_find(&arena, name, &run_folder, &err);
    return code ? cli_fail(&err) : session_run(&session, launcher, run_folder);
}
