/* SPDX-License-Identifier: Apache-2.0
 *
 * `levada run`: the launcher is forked first, then the file is read and checked, then the run begins.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "run/engine.h"
#include "workflow/model.h"

#define USAGE "levada run [-p NAME=VALUE]… [--params FILE] [--max-parallel N] [--detach] [--json] [--quiet] FILE"

struct request {
    struct session session;
    const char *file, *params_file;
    const char *params[256]; /* NAME=VALUE */
    size_t nparams;
};

static int
parse_arguments(int argc, char **argv, struct request *ret)
{
    for (int i = 1; i < argc; i++) {
        int taken = session_option(&ret->session, argc, argv, i, USAGE);
        if (taken < 0) return EXIT_USAGE;
        if (taken > 0) {
            i += taken - 1;
        } else if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h")) {
            puts("usage: " USAGE);
            return -1;
        } else if (str_eq(argv[i], "-p") || str_eq(argv[i], "--param")) {
            if (i + 1 >= argc || strchr(argv[i + 1], '=') == NULL) return cli_usage(USAGE, "-p needs NAME=VALUE");
            if (ret->nparams == sizeof ret->params / sizeof ret->params[0]) return cli_usage(USAGE, "too many -p");
            ret->params[ret->nparams++] = argv[++i];
        } else if (str_eq(argv[i], "--params")) {
            if (i + 1 >= argc) return cli_usage(USAGE, "--params needs a file");
            ret->params_file = argv[++i];
        } else if (str_eq(argv[i], "--detach")) {
            ret->session.detach = true;
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            return cli_usage(USAGE, "there is no option \"%s\"", argv[i]);
        } else if (ret->file != NULL) {
            return cli_usage(USAGE, "one workflow file at a time, not \"%s\" too", argv[i]);
        } else {
            ret->file = argv[i];
        }
    }
    if (ret->file == NULL) return cli_usage(USAGE, "which file?");
    return 0;
}

static int
gather_params(struct arena *arena, const struct request *request, const struct value **ret, struct err *err)
{
    struct value *given = value_map(arena);
    if (request->params_file != NULL) {
        const struct value *file;
        int code = params_read(arena, request->params_file, &file, err);
        if (code) return code;
        value_set_all(arena, given, file);
    }
    for (size_t i = 0; i < request->nparams; i++) {
        const char *equals = strchr(request->params[i], '=');
        char *name = arena_strndup(arena, request->params[i], (size_t)(equals - request->params[i]));
        value_set(arena, given, name, value_text(arena, equals + 1));
    }
    *ret = given;
    return 0;
}

static int
prepare(struct arena *arena, const struct request *request, const char **run_folder)
{
    struct err err = {0};
    struct diags diags;
    const struct model *model;
    const struct value *given, *params;
    diags_init(&diags, arena, request->file);
    int code = workflow_load(arena, request->file, &diags, &model, &err);
    if (code) return cli_fail(&err);
    diags_print(&diags, stderr, isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL);
    if (diags.errors) return EXIT_INVALID;
    code = gather_params(arena, request, &given, &err);
    /* Defaults may use run.*: those of this run are only known once it exists, so names and dates suffice here. */
    if (!code) code = params_bind(arena, model, given, engine_run_names(arena, model), &params, &err);
    if (!code) code = engine_create(arena, model, params, "manual", run_folder, &err);
    return code ? cli_fail(&err) : 0;
}

/* The parent of a detached run: waits until the run can be resumed, prints its id, and leaves. */
static int
detach(int *ready)
{
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) != 0) {
        perror("levada: cannot make a pipe");
        return EXIT_FAILED;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        perror("levada: cannot fork");
        return EXIT_FAILED;
    }
    if (pid == 0) {
        close(pair[0]);
        setsid();
        *ready = pair[1];
        return 0;
    }
    close(pair[1]);
    char text[64];
    ssize_t n = read(pair[0], text, sizeof text - 1);
    if (n <= 0) _exit(EXIT_FAILED);
    if (text[0] == '!') _exit(text[1]); /* it said on stderr why it did not start */
    (void)fd_write_all(STDOUT_FILENO, text, (size_t)n);
    _exit(EXIT_OK);
}

static void
detached_says(int *ready, int code, const char *run_folder)
{
    char text[64];
    const char *id = run_folder != NULL ? strrchr(run_folder, '/') + 1 : "";
    int n = code ? snprintf(text, sizeof text, "!%c", code) : snprintf(text, sizeof text, "%s\n", id);
    (void)fd_write_all(*ready, text, (size_t)n);
    fd_close(ready);
    int null FD_SCOPED = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2 && !code && null >= 0; fd++) dup2(null, fd);
}

int
cmd_run(int argc, char **argv)
{
    static struct request request;
    struct arena arena ARENA_SCOPED = {0}, kept ARENA_SCOPED = {0};
    struct launcher launcher;
    struct err err = {0};
    const char *run_folder = NULL;
    int ready = -1;
    int code = parse_arguments(argc, argv, &request);
    if (code) return code < 0 ? EXIT_OK : code;
    if (request.session.detach) {
        code = detach(&ready);
        if (code) return code;
    }
    code = launcher_start(&launcher, &err);
    if (code) return cli_fail(&err);
    code = prepare(&arena, &request, &run_folder);
    if (request.session.detach) detached_says(&ready, code, run_folder);
    if (code) return code;
    run_folder = arena_strdup(&kept, run_folder);
    arena_release(&arena); /* the engine reads its own copy: what it runs is what a resumer would */
    return session_run(&request.session, launcher, run_folder);
}
