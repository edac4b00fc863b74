/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "cli/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "run/attempts.h"
#include "show/progress.h"

int
session_option(struct session *session, int argc, char **argv, int i, const char *usage)
{
    int64_t number;
    if (str_eq(argv[i], "--json")) {
        session->json = true;
        return 1;
    }
    if (str_eq(argv[i], "--quiet")) {
        session->quiet = true;
        return 1;
    }
    if (!str_eq(argv[i], "--max-parallel")) return 0;
    if (i + 1 >= argc || !str_to_int(argv[i + 1], &number) || number < 1 || number > LIMIT_WORKERS) {
        cli_usage(usage, "--max-parallel needs a number from 1 to %u", LIMIT_WORKERS);
        return -1;
    }
    session->max_parallel = (uint32_t)number;
    return 2;
}

int
session_holder_elsewhere(const char *run_folder)
{
    struct attempt_record record;
    struct err ignored;
    int fd FD_SCOPED = attempts_open_read(run_folder);
    if (fd < 0 || attempts_read(fd, 0, &record, &ignored) != 0) return 0;
    return attempts_elsewhere(&record) && attempts_held(fd, 0, false) ? record.pid : 0;
}

int
session_hold(const char *run_folder, const char *done, int *fd, struct err *err)
{
    struct attempt_record holder = {0};
    *fd = attempts_open(run_folder, err);
    int code = *fd < 0 ? EXIT_STORE : attempts_take_run(*fd, &holder, err);
    if (code == EXIT_HELD) err_hint(err, "It can be %s when it has ended.", done);
    return code;
}

int
session_run(const struct session *session, struct launcher launcher, const char *run_folder)
{
    struct err err = {0};
    char parallel[16];
    snprintf(parallel, sizeof parallel, "%u", session->max_parallel);
    const char *again[10] = {"levada", "resume", run_folder};
    size_t n = 3;
    if (session->json) again[n++] = "--json";
    if (session->quiet) again[n++] = "--quiet";
    if (session->no_wait) again[n++] = "--no-wait";
    if (session->max_parallel) {
        again[n++] = "--max-parallel";
        again[n++] = parallel;
    }
    FILE *out = session->json ? stdout : stderr;
    enum progress_mode mode = session->json    ? PROGRESS_JSON
                              : session->quiet ? PROGRESS_QUIET
                                               : progress_mode_for(STDERR_FILENO);
    struct progress *progress = progress_new(run_folder, out, mode);
    struct engine_options options = {
        .launcher = launcher, .max_parallel = session->max_parallel, .takeover = session->takeover,
        .no_wait = session->no_wait,
        .cancel = session->cancel, .who = session->who, .why = session->why,
        .again = (char *const *)(uintptr_t)again,
        .watch = {.context = progress, .event = progress_event, .progress = progress_step, .tick = progress_tick,
                  .tick_ms = mode == PROGRESS_TREE ? PROGRESS_TICK_MS : 0, .note = progress_note}};
    int code = engine_run(run_folder, &options, &err);
    progress_free(&progress);
    /* Cron mails what is said: a quiet run that is not well says so in one line. */
    if (session->quiet && code != EXIT_OK && err.code == 0) {
        const char *id = strrchr(run_folder, '/') + 1;
        fprintf(stderr, "levada: run %s ended with exit code %d\n", id, code);
        if (code == EXIT_PARKED)
            fprintf(stderr, "  It waits for an approval: `levada show %s` says what to type.\n", id);
        else fprintf(stderr, "  `levada why %s` says how it came to this.\n", id);
    }
    if (err.code) cli_fail(&err);
    return code;
}
