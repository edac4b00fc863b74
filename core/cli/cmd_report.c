/* SPDX-License-Identifier: Apache-2.0
 *
 * levada report RUN [-o FILE]: the run as one HTML page. The page's path is all that goes to stdout.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "run/store.h"
#include "show/report.h"

static const char usage[] = "levada report [-o FILE] RUN|FILE";

/* Whole or not at all: a page that is being looked at is never half written. */
static int
write_page(struct arena *arena, const char *path, const struct buf *page, struct err *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *folder = slash == NULL ? "." : slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
    int fd FD_SCOPED = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        err_errno(err, EXIT_USAGE, "cannot write \"%s\"", path);
        err_hint(err, "Name a file in a folder that exists: -o FILE.");
        return EXIT_USAGE;
    }
    if (*name == '\0') return err_set(err, EXIT_USAGE, "\"%s\" is a folder: name a file", path);
    return fd_replace_file(fd, name, buf_str(page), page->size, 0600, false, err);
}

int
cmd_report(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"output", required_argument, NULL, 'o'},
                                            {NULL, 0, NULL, 0}};
    struct arena arena ARENA_SCOPED = {0};
    struct buf page BUF_SCOPED = {0};
    struct view view;
    struct err err = {0};
    const char *folder, *path = NULL;
    int option;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":o:h", options, NULL)) != -1) {
        if (option != 'o') return usage_option(usage, option, argv);
        path = optarg;
    }
    if (argc - optind != 1) return cli_usage(usage, "name one run: its id, a part of it, or `last`");
    int code = store_run_see(&arena, argv[optind], &folder, &err);
    if (!code) code = view_load(&arena, folder, &view, &err);
    if (code) return cli_fail(&err);
    bool linked = path == NULL && !view.exported;
    if (path == NULL && view.exported) path = arena_printf(&arena, "%s.html", folder);
    if (linked) path = arena_printf(&arena, "%s/" REPORT_FILE, folder);
    buf_init(&page, REPORT_SIZE_MAX);
    report_write(&page, &view, view_clock(&view, clock_wall_ms()), linked);
    if (page.full) {
        err_set(&err, EXIT_FAILED, "the page would be larger than %u bytes", REPORT_SIZE_MAX);
        return cli_fail(&err);
    }
    code = write_page(&arena, path, &page, &err);
    if (code) return cli_fail(&err);
    puts(path);
    return EXIT_OK;
}
