/* SPDX-License-Identifier: Apache-2.0
 *
 * levada export RUN [-o FILE] [--no-artifacts] [--json]: the whole run as one file, whole or not at all. Its path is
 * all that goes to stdout. --unpack takes the files out again, but not the journal: a copy of a run that could be
 * resumed beside the run itself would do everything twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "run/journal_export.h"
#include "run/store.h"
#include "show/show.h"
#include "show/text.h"

static const char usage[] = "levada export [-o FILE] [--no-artifacts] [--json] RUN\n"
                            "         levada export --unpack FOLDER FILE";

struct wanted {
    bool json, artifacts;
    const char *path;   /* NULL: WORKFLOW-ID.levada here */
    const char *unpack; /* the folder to make; NULL: none */
};

static const char *
default_name(struct arena *arena, const struct view *view)
{
    char *name = arena_strdup(arena, view->state.model->name);
    for (char *p = name; *p; p++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *p) == NULL) *p = '-';
    return arena_printf(arena, "%s-%s" EXPORT_SUFFIX, *name == '-' ? "run" : name, view_short_id(view->state.id));
}

/* The half of a file, and the journal that SQLite keeps of it; NULL: none is to be removed. */
static const char *volatile half, *volatile half_journal;

/* Who interrupts an export finds nothing of it, and we end by the same signal. */
static void
on_signal(int number)
{
    if (half != NULL) (void)unlink(half);
    if (half_journal != NULL) (void)unlink(half_journal);
    (void)raise(number); /* blocked until we return, and by then the default */
}

static void
remove_when_interrupted(const char *path)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    half = path;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction before, action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
    }
}

/* The new file beside, and its folder. The name is as good as random: what a kill left must be in nobody's way. */
static int
make_beside(struct arena *arena, const char *path, const char **beside, int *folder, struct err *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *where = slash == NULL ? "." : slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
    struct stat st;
    if (*name == '\0' || (stat(path, &st) == 0 && !S_ISREG(st.st_mode)))
        return err_set(err, EXIT_USAGE, "\"%s\" is no file: name one with -o FILE", path);
    *folder = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *made = arena_printf(arena, "%s/.%s.XXXXXX", where, name);
    remove_when_interrupted(made);
    int fd FD_SCOPED = *folder < 0 ? -1 : mkostemp(made, O_CLOEXEC);
    half_journal = arena_printf(arena, "%s-journal", made);
    *beside = made;
    if (fd >= 0) return 0;
    err_errno(err, EXIT_USAGE, "cannot write \"%s\"", path);
    err_hint(err, "Name a file in a folder that exists and is yours: -o FILE.");
    return EXIT_USAGE;
}

static int
put_in_place(const char *beside, const char *path, int folder, struct err *err)
{
    int fd FD_SCOPED = open(beside, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fsync(fd) == 0 && rename(beside, path) == 0 && fsync(folder) == 0) return 0;
    return err_errno(err, EXIT_STORE, "cannot write \"%s\"", path);
}

static void
tell(const struct wanted *wanted, const struct view *view, const char *path, const struct export_count *count,
     bool living)
{
    struct buf text BUF_SCOPED = {0};
    struct stat st = {0};
    buf_init(&text, LIMIT_VALUE_SIZE);
    (void)stat(path, &st);
    if (wanted->json) {
        buf_printf(&text, "{\"run\":\"%s\"", view->state.id);
        json_member(&text, "file", path);
        json_member(&text, "status", run_status_name(view->status));
        buf_printf(&text, ",\"bytes\":%lld,\"files\":%llu,\"left_out\":%llu}\n", (long long)st.st_size,
                   (unsigned long long)count->files, (unsigned long long)count->left_out);
        fputs(buf_str(&text), stdout);
        return;
    }
    puts(path);
    fflush(stdout);
    str_size_human(&text, st.st_size);
    fprintf(stderr, "%s: the journal and %llu files%s\n", buf_str(&text), (unsigned long long)count->files,
            living ? ", as they are while the run goes on" : "");
    if (count->left_out)
        fprintf(stderr, "left out: %llu, the first is %s\n", (unsigned long long)count->left_out,
                count->first_left_out);
    fprintf(stderr, "levada show, logs, why, report and replay read it, on any machine\n");
}

static int
export_run(struct arena *arena, const struct wanted *wanted, const char *folder, struct err *err)
{
    struct view view;
    struct export_count count;
    const char *beside = NULL;
    int where FD_SCOPED = -1;
    int code = view_load(arena, folder, &view, err);
    if (code) return code;
    bool living = view_engine_lives(folder) && !run_status_ended(view.status);
    const char *path = wanted->path != NULL ? wanted->path : default_name(arena, &view);
    code = make_beside(arena, path, &beside, &where, err);
    if (code) return code;
    code = journal_export(arena, folder, beside, wanted->artifacts, living, &count, err);
    if (!code) code = put_in_place(beside, path, where, err);
    if (code) (void)unlink(beside);
    half = half_journal = NULL;
    if (!code) tell(wanted, &view, path, &count, living);
    return code;
}

/* A file below `folder`, and the folders above it. A name may come from anywhere: only one that leads down is taken,
 * and nothing that is there is followed or written over. */
static int
make_file(int folder, const char *name)
{
    char part[256];
    int at FD_SCOPED = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    errno = EINVAL;
    for (const char *slash; at >= 0 && (slash = strchr(name, '/')) != NULL; name = slash + 1) {
        size_t size = (size_t)(slash - name);
        if (size == 0 || size >= sizeof part) return -1;
        snprintf(part, sizeof part, "%.*s", (int)size, name);
        if (str_eq(part, ".") || str_eq(part, "..")) return -1;
        (void)mkdirat(at, part, 0700);
        int below = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        fd_close(&at);
        at = below;
        errno = EINVAL;
    }
    if (at < 0 || *name == '\0' || str_eq(name, ".") || str_eq(name, "..")) return -1;
    return openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static bool
copy_file(int from, int to)
{
    char chunk[65536];
    ssize_t n;
    while ((n = read(from, chunk, sizeof chunk)) > 0)
        if (fd_write_all(to, chunk, (size_t)n) != 0) return false;
    return n == 0;
}

static int
unpack(struct arena *arena, const char *path, const char *where, struct err *err)
{
    struct export_file *files;
    size_t count;
    int code = export_list(arena, path, "", &files, &count, err);
    if (code) return code;
    if (mkdir(where, 0700) != 0) return err_errno(err, EXIT_USAGE, "cannot make the folder \"%s\"", where);
    int folder FD_SCOPED = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < count && !code; i++) {
        int to FD_SCOPED = make_file(folder, files[i].name);
        int from FD_SCOPED = files[i].size > 0 ? export_open(path, files[i].name)
                                               : open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (to < 0 || from < 0 || !copy_file(from, to))
            code = err_errno(err, EXIT_STORE, "cannot write \"%s\" below \"%s\"", files[i].name, where);
    }
    if (code) return code;
    puts(where);
    fflush(stdout);
    fprintf(stderr, "%zu files: logs, receipts and artifacts; levada show %s has the rest\n", count, path);
    return 0;
}

int
cmd_export(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"no-artifacts", no_argument, NULL, 'n'},
                                            {"output", required_argument, NULL, 'o'},
                                            {"unpack", required_argument, NULL, 'u'},
                                            {NULL, 0, NULL, 0}};
    struct arena arena ARENA_SCOPED = {0};
    struct wanted wanted = {.artifacts = true};
    struct err err = {0};
    const char *folder;
    int option;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
        if (option == 'j') wanted.json = true;
        else if (option == 'n') wanted.artifacts = false;
        else if (option == 'u') wanted.unpack = optarg;
        else if (option != 'o') return usage_option(usage, option, argv);
        else wanted.path = optarg;
    }
    if (argc - optind != 1) return cli_usage(usage, "name one run: its id, a part of it, or `last`");
    if (wanted.unpack != NULL && (wanted.path != NULL || wanted.json || !wanted.artifacts))
        return cli_usage(usage, "--unpack goes with no other option");
    int code = wanted.unpack ? store_run_see(&arena, argv[optind], &folder, &err)
                             : store_run_find(&arena, argv[optind], &folder, &err);
    int64_t exported_ms;
    bool living;
    if (!code && wanted.unpack != NULL && !export_is(folder, &exported_ms, &living)) {
        err_set(&err, EXIT_USAGE, "\"%s\" is no exported run: its files are in its folder", argv[optind]);
        err_hint(&err, "They lie in %s", folder);
        code = EXIT_USAGE;
    }
    if (!code && wanted.unpack != NULL) code = unpack(&arena, folder, wanted.unpack, &err);
    else if (!code) code = export_run(&arena, &wanted, folder, &err);
    return code ? cli_fail(&err) : EXIT_OK;
}
