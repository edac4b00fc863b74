/* SPDX-License-Identifier: Apache-2.0
 *
 * levada ls [--json] [--limit N] [--status S]: the runs, newest first. A run whose journal cannot be read is
 * a row too: hiding it would hide the damage.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "run/store.h"
#include "show/show.h"
#include "show/text.h"

static const char usage[] = "levada ls [--json] [--limit N] [--status STATUS]";

#define LIMIT_DEFAULT 20

struct listing {
    bool json, colour;
    const char *status;
    int64_t limit, shown;
    size_t width; /* of the terminal; 0: none */
};

static int
check_status(const char *status)
{
    static const char *const names[] = {
#define X(id, word) word,
        RUN_STATUSES(X)
#undef X
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(status, names[i])) return 0;
    const char *near = str_nearest(status, names, sizeof names / sizeof names[0]);
    if (near != NULL) return cli_usage(usage, "no run has the status \"%s\": did you mean \"%s\"?", status, near);
    return cli_usage(usage, "no run has the status \"%s\"", status);
}

static void
list_one(struct listing *listing, const char *store, const char *id, struct buf *text)
{
    struct arena arena ARENA_SCOPED = {0};
    struct view view;
    struct err err = {0};
    int64_t now_ms = clock_wall_ms();
    const char *folder = arena_printf(&arena, "%s/runs/%s", store, id);
    int code = view_load(&arena, folder, &view, &err);
    if (code && store_run_is_gone(folder)) return;
    if (listing->status != NULL && (code || !str_eq(listing->status, run_status_name(view.status)))) return;
    if (listing->json) {
        buf_text(text, listing->shown ? ",\n" : "[");
        if (code) list_broken_json(text, id, &err);
        else list_row_json(text, &view, now_ms);
    } else {
        if (listing->shown == 0) list_head(text, listing->width, listing->colour);
        if (code) list_broken(text, id, &err, listing->colour);
        else list_row(text, &view, now_ms, listing->width, listing->colour);
    }
    listing->shown++;
}

static int
list_all(struct listing *listing)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    const char **ids, *store = NULL;
    size_t count, i = 0;
    int code = store_run_list(&arena, &ids, &count, &err);
    if (!code && count > 0) code = store_open(&arena, false, &store, &err);
    if (code) return cli_fail(&err);
    for (; i < count && (listing->limit == 0 || listing->shown < listing->limit); i++) {
        struct buf text BUF_SCOPED = {0};
        buf_init(&text, LIMIT_VALUE_SIZE);
        list_one(listing, store, ids[i], &text);
        fwrite(buf_str(&text), 1, text.size, stdout);
    }
    if (listing->json) {
        fputs(listing->shown ? "]\n" : "[]\n", stdout);
    } else if (count == 0) {
        fputs("no run yet: levada run FILE starts one\n", stderr);
    } else if (listing->shown == 0) {
        fprintf(stderr, "no run is %s\n", listing->status);
    } else if (i < count) {
        fflush(stdout);
        fprintf(stderr, "%zu older: levada ls --limit 0 shows all\n", count - i);
    }
    return 0;
}

int
cmd_ls(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"limit", required_argument, NULL, 'n'},
                                            {"status", required_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    struct listing listing = {.limit = LIMIT_DEFAULT, .colour = text_colour_wanted(STDOUT_FILENO)};
    int option;
    struct winsize size = {0};
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) listing.width = size.ws_col;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":n:h", options, NULL)) != -1) {
        if (option == 'j') listing.json = true;
        else if (option == 's') listing.status = optarg;
        else if (option != 'n') return usage_option(usage, option, argv);
        else if (!str_to_int(optarg, &listing.limit) || listing.limit < 0)
            return cli_usage(usage, "--limit takes a number, 0 for all, not \"%s\"", optarg);
    }
    if (optind < argc) return cli_usage(usage, "\"%s\" is one word too many", argv[optind]);
    int code = listing.status != NULL ? check_status(listing.status) : 0;
    return code ? code : list_all(&listing);
}
