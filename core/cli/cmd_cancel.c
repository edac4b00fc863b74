/* SPDX-License-Identifier: Apache-2.0
 *
 * `levada cancel`: asks the engine that holds the run; without one it takes the run itself, ends
 * what still runs, and lets `finally` run.
 */
#include <signal.h>
#include <stdio.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "run/attempts.h"
#include "run/marked.h"
#include "run/requests.h"
#include "run/store.h"
#include "show/view.h"

#define USAGE "levada cancel [--reason TEXT] [--json] [--quiet] RUN"

/* What attempts started and nobody is left to look after; `levada ps` names it. */
static void
end_leftovers(const char *run_folder, const char *id)
{
    if (attempts_engine(run_folder) > 0) return;
    int count = marked_end_leftovers(run_folder, id);
    if (count) fprintf(stderr, "levada: ended %d processes that steps of run %s had left behind\n", count, id);
}

/* No signal can be sent to a pid of another namespace, and a request that nobody is told of would wait for the next
 * engine: then it is better not to leave one. */
static int
refuse_elsewhere(int pid, const char *id)
{
    struct err err = {0};
    err_set(&err, EXIT_HELD, "the engine of run %s works in another pid namespace (pid %d there) and cannot be told "
            "from here", id, pid);
    err_hint(&err, "Type it there: `levada cancel %s` in its container, or below nsenter.", view_short_id(id));
    return cli_fail(&err);
}

int
cmd_cancel(int argc, char **argv)
{
    struct arena arena ARENA_SCOPED = {0};
    struct session session = {.cancel = true, .why = ""};
    struct launcher launcher;
    struct run_state state;
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
        } else if (str_eq(argv[i], "--reason") && i + 1 < argc) {
            session.why = argv[++i];
        } else if (argv[i][0] == '-' || name != NULL) {
            return cli_usage(USAGE, "unexpected \"%s\"", argv[i]);
        } else {
            name = argv[i];
        }
    }
    if (name == NULL) return cli_usage(USAGE, "which run?");
    int code = launcher_start(&launcher, &err);
    if (!code) code = store_run_find(&arena, name, &run_folder, &err);
    if (!code) code = state_load(&arena, run_folder, &state, &err);
    if (code) return cli_fail(&err);
    if (run_status_ended(state.status)) {
        fprintf(stderr, "levada: run %s has already ended: %s\n", state.id, run_status_name(state.status));
        end_leftovers(run_folder, state.id);
        return state.exit_code;
    }
    session.who = requests_who(&arena);
    int elsewhere = session_holder_elsewhere(run_folder);
    if (elsewhere) return refuse_elsewhere(elsewhere, state.id);
    int holder = attempts_engine(run_folder);
    if (holder > 0) {
        code = requests_ask_cancel(run_folder, session.who, session.why, &err);
        if (code) return cli_fail(&err);
        /* Between look and signal the engine may end: then the signal finds nobody, and the run has ended. */
        if (kill(holder, SIGUSR1) == 0) {
            fprintf(stderr, "levada: asked the engine (pid %d) to cancel run %s\n", holder, state.id);
            if (marked_is_stopped(holder))
                fprintf(stderr, "  It is stopped by a signal: levada resume --takeover %s carries it out.\n", name);
            return EXIT_OK;
        }
    }
    code = session_run(&session, launcher, run_folder);
    if (code == EXIT_CANCELLED) end_leftovers(run_folder, state.id);
    return code;
}
