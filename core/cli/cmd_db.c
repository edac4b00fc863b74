/* SPDX-License-Identifier: Apache-2.0
 *
 * levada db check [RUN|FILE] [--json]: is what is kept of the runs whole? Exit code 8 when something is damaged.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "run/integrity.h"
#include "run/store.h"
#include "show/show.h"
#include "show/text.h"

static const char usage[] = "levada db check [--json] [RUN|FILE]";

struct checking {
    bool json, colour;
    size_t runs, damaged;
};

static void
put_json(struct buf *line, const struct checking *checking, const char *name, const struct integrity *found)
{
    buf_text(line, checking->runs ? ",\n{\"run\":" : "[{\"run\":");
    json_quote(line, name, strlen(name));
    json_member(line, "workflow", found->workflow);
    buf_printf(line, ",\"ok\":%s,\"findings\":[", found->damages ? "false" : "true");
    for (size_t i = 0; i < found->count; i++) {
        const struct finding *one = &found->findings[i];
        buf_printf(line, "%s{\"kind\":\"%s\"", i ? "," : "", finding_kind_name(one->kind));
        json_member(line, "place", one->place);
        json_member(line, "message", one->message);
        json_member(line, "hint", one->hint);
        buf_char(line, '}');
    }
    buf_text(line, "]}");
}

static void
put_text(struct buf *line, const struct checking *checking, const char *name, const struct integrity *found)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct finding *one = &found->findings[i];
        bool damage = one->kind == FINDING_DAMAGE;
        buf_printf(line, "%s  %s%-7s%s  ", id_is(name) ? view_short_id(name) : name,
                   damage ? text_run_colour(RUN_FAILED_STATUS, checking->colour) : "",
                   damage ? "damaged" : finding_kind_name(one->kind), TEXT_RESET(checking->colour));
        text_line(line, one->place);
        buf_text(line, ": ");
        text_line(line, one->message);
        if (one->hint != NULL) {
            buf_text(line, "\n    ");
            text_line(line, one->hint);
        }
        buf_char(line, '\n');
    }
}

static void
check_one(struct checking *checking, const char *folder, const char *id)
{
    struct arena arena ARENA_SCOPED = {0};
    struct buf line BUF_SCOPED = {0};
    struct integrity found;
    const char *slash = strrchr(folder, '/'), *last = slash != NULL ? slash + 1 : folder;
    buf_init(&line, LIMIT_VALUE_SIZE);
    integrity_check(&arena, folder, id, &found);
    if (found.damages && store_run_is_gone(folder)) return;
    if (checking->json) put_json(&line, checking, last, &found);
    else put_text(&line, checking, last, &found);
    fputs(buf_str(&line), stdout);
    checking->runs++;
    checking->damaged += found.damages > 0;
}

static int
check_all(struct checking *checking)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    const char **ids, *store;
    size_t count;
    int code = store_run_list(&arena, &ids, &count, &err);
    if (!code && count > 0) code = store_open(&arena, false, &store, &err);
    if (code) return cli_fail(&err);
    for (size_t i = 0; i < count; i++) check_one(checking, arena_printf(&arena, "%s/runs/%s", store, ids[i]), ids[i]);
    return 0;
}

static int
check_named(struct checking *checking, const char *name)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    const char *folder;
    int code = store_run_see(&arena, name, &folder, &err);
    if (code) return cli_fail(&err);
    const char *slash = strrchr(folder, '/');
    check_one(checking, folder, slash != NULL && id_is(slash + 1) ? slash + 1 : NULL);
    return 0;
}

int
cmd_db(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    struct checking checking = {.colour = text_colour_wanted(STDOUT_FILENO)};
    int option;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (option != 'j') return usage_option(usage, option, argv);
        checking.json = true;
    }
    if (optind == argc || !str_eq(argv[optind], "check"))
        return cli_usage(usage, optind == argc ? "what? There is one thing: check" : "there is no \"%s\"",
                         argv[optind]);
    if (argc - optind > 2) return cli_usage(usage, "one run at a time, or all");
    int code = argc - optind == 2 ? check_named(&checking, argv[optind + 1]) : check_all(&checking);
    if (code) return code;
    if (checking.json) fputs(checking.runs ? "]\n" : "[]\n", stdout);
    fflush(stdout);
    if (!checking.json && checking.damaged)
        fprintf(stderr, "%zu of %zu runs are damaged; the others are whole\n", checking.damaged, checking.runs);
    else if (!checking.json)
        fprintf(stderr, "%zu runs, all whole\n", checking.runs);
    return checking.damaged ? EXIT_STORE : EXIT_OK;
}
