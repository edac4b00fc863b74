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

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "run/attempts.h"
#include "run/requests.h"
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

/* ---- an ended run that is to go on ---- */

int
session_arguments(struct session *session, struct session_change *change, const struct session_text *texts, int argc,
                  char **argv, const char *usage)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], **where = str_eq(name, "--reason") ? &change->why : NULL;
        int taken = session_option(session, argc, argv, i, usage);
        if (taken < 0) return EXIT_USAGE;
        for (const struct session_text *text = texts; text->name != NULL; text++)
            if (str_eq(text->name, name)) where = text->where;
        if (taken > 0) {
            i += taken - 1;
        } else if (str_eq(name, "--help") || str_eq(name, "-h")) {
            printf("usage: %s\n", usage);
            return -1;
        } else if (str_eq(name, "--dry-run")) {
            change->dry_run = true;
        } else if (where != NULL) {
            if (i + 1 >= argc) return cli_usage(usage, "%s needs a value", name);
            *where = argv[++i];
        } else if (name[0] == '-' || change->run != NULL) {
            return cli_usage(usage, "unexpected \"%s\"", name);
        } else {
            change->run = name;
        }
    }
    return change->run == NULL ? cli_usage(usage, "which run?") : 0;
}

int
session_open(const char *run_folder, const struct session_change *change, const char *done, int *fd,
             struct journal **journal, struct err *err)
{
    if (change->dry_run) return journal_open_read(run_folder, journal, err);
    struct attempt_record holder = {0};
    *fd = attempts_open(run_folder, err);
    int code = *fd < 0 ? EXIT_STORE : attempts_take_run(*fd, &holder, err);
    if (code == EXIT_HELD) err_hint(err, "It can be %s when it has ended.", done);
    return code ? code : journal_open(run_folder, journal, err);
}

void
session_sign(struct arena *arena, struct value *data, const struct session_change *change)
{
    value_set(arena, data, "who", value_text(arena, requests_who(arena)));
    value_set(arena, data, "why", value_text(arena, change->why != NULL ? change->why : ""));
}

int
session_append(struct journal *journal, const char *run_folder, enum event_type type, const struct value *data,
               struct err *err)
{
    uint64_t fence;
    requests_forget_cancel(run_folder);
    int code = journal_take(journal, &fence, err);
    if (code) return code;
    journal_append(journal, &(struct event){.time_ms = clock_wall_ms(), .type = type, .data = data});
    return journal_commit(journal, true, err);
}
