/* SPDX-License-Identifier: Apache-2.0
 *
 * levada worker < job.json: one job by hand, by the code that runs it at night. The log goes to
 * stderr, the receipt to stdout.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "run/job.h"

static const char usage[] = "levada worker < JOB.json";

int
cmd_worker(int argc, char **argv)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    char *text;
    size_t size;
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        printf("usage: %s\n\nRuns one job (as the journal's intents describe it) in a worker: log to stderr,\n"
               "receipt to stdout. What a job holds: core/run/job.h. `run_folder`, `folder`,\n"
               "`run` and `step` may be left out.\n", usage);
        return EXIT_OK;
    }
    if (argc > 1) return cli_usage(usage, "no arguments are expected");
    if (isatty(STDIN_FILENO)) return cli_usage(usage, "the job is read from standard input, which is a terminal");
    if (fd_read_rest(&arena, STDIN_FILENO, LIMIT_VALUE_SIZE, &text, &size, &err) != 0) {
        err_context(&err, "the job");
        return cli_fail(&err);
    }
    return worker_by_hand(text, size);
}
