/* SPDX-License-Identifier: Apache-2.0
 *
 * levada gc: takes away ended runs that are past what their workflow's `history`, or the options, say. Without either
 * it removes nothing.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/usage.h"
#include "run/gc.h"
#include "run/history.h"
#include "run/store.h"
#include "show/show.h"
#include "show/text.h"

static const char usage[] =
    "levada gc [--dry-run] [--keep AGE|N] [--keep-failed AGE|N] [--logs AGE] [--all] [--json]";

struct collection {
    struct gc gc;
    struct history given;
    bool json, over, any_rule;
    struct history_run *runs;
    size_t count, unreadable, open;
    size_t gone, logs_gone, finished, kept_back;
    int64_t bytes, now_ms;
    size_t said;             /* rows or objects */
    int code;
};

static int
take_keep(const char *option, const char *text, struct keep *ret)
{
    if (keep_parse(text, ret)) return 0;
    if (str_eq(text, "0"))
        return cli_usage(usage, "%s 0 may mean two things: 0s removes, leaving it out keeps", option);
    return cli_usage(usage, "%s takes how long, as in 30d, or how many, as in 10; not \"%s\"", option, text);
}

/* What is known of every run; those that go on are none of ours. */
static int
load_runs(struct arena *arena, struct collection *c)
{
    struct err err = {0};
    const char **ids;
    size_t count;
    int code = store_run_list(arena, &ids, &count, &err);
    if (code) return cli_fail(&err);
    c->runs = ARENA_ARRAY(arena, count + 1, struct history_run);
    for (size_t i = 0; i < count; i++) {
        struct arena scratch ARENA_SCOPED = {0};
        struct run_state state;
        const char *folder = arena_printf(arena, "%s/runs/%s", c->gc.store, ids[i]);
        if (state_load(&scratch, folder, &state, &err) != 0) {
            c->unreadable++;
            continue;
        }
        struct history_run run = {.id = ids[i], .status = state.status, .finished_ms = state.finished_ms,
                                  .last_seq = state.last_seq};
        history_read(state.model->history, &run.own);
        bool own = run.own.keep.given || run.own.keep_failed.given || run.own.logs_ms >= 0;
        c->any_rule |= own;
        if (!run_status_ended(state.status)) {
            c->open++;
            continue;
        }
        run.workflow = arena_strdup(arena, state.model->name);
        run.file = arena_strdup(arena, state.model->file ? state.model->file : "");
        c->runs[c->count++] = run;
    }
    return 0;
}

static void
say(struct collection *c, const struct history_run *run, const char *action, int64_t bytes, const char *text)
{
    struct buf line BUF_SCOPED = {0}, word BUF_SCOPED = {0};
    buf_init(&line, 1 << 16);
    buf_init(&word, 1 << 12);
    if (c->json) {
        buf_printf(&line, "%s{\"run\":\"%s\"", c->said ? ",\n" : "[", run->id);
        json_member(&line, "workflow", run->workflow);
        json_member(&line, "status", run_status_name(run->status));
        json_member(&line, "action", action);
        json_member(&line, "rule", run->rule);
        json_member(&line, "text", text);
        json_time(&line, "finished", run->finished_ms);
        buf_printf(&line, ",\"bytes\":%lld,\"dry_run\":%s}", (long long)bytes, c->gc.dry ? "true" : "false");
    } else {
        bool whole = str_eq(action, "run"), kept = str_eq(action, "kept");
        buf_printf(&line, "%-7s  %s  ", kept ? "kept" : whole ? "run" : "logs", view_short_id(run->id));
        text_pad(&line, run->workflow, 16);
        buf_printf(&line, "  %-9s  ", run_status_name(run->status));
        text_elapsed(&word, c->now_ms - run->finished_ms);
        buf_printf(&line, "%-8s  ", buf_str(&word));
        buf_clear(&word);
        str_size_human(&word, bytes);
        buf_printf(&line, "%10s  %s\n", kept ? "-" : buf_str(&word), text != NULL ? text : run->rule);
    }
    fputs(buf_str(&line), stdout);
    c->said++;
}

static void
carry_out(struct arena *arena, struct collection *c, const struct history_run *run)
{
    struct err err = {0};
    const char *why = NULL;
    int64_t bytes = 0;
    bool whole = run->fate == HISTORY_RUN;
    int code = whole ? gc_run(arena, &c->gc, run, &bytes, &why, &err) : gc_logs(arena, &c->gc, run, &bytes, &why, &err);
    if (code == 1) {
        c->kept_back++;
        say(c, run, "kept", 0, why);
        return;
    }
    if (code) {
        c->code = cli_fail(&err);
        return;
    }
    if (!whole && bytes == 0) return; /* they went before */
    c->bytes += bytes;
    *(whole ? &c->gone : &c->logs_gone) += 1;
    say(c, run, whole ? "run" : "logs", bytes, NULL);
}

static void
sum_up(const struct collection *c)
{
    struct buf size BUF_SCOPED = {0};
    const char *would = c->gc.dry ? "would be " : "";
    buf_init(&size, 64);
    str_size_human(&size, c->bytes);
    fflush(stdout);
    bool given = c->given.keep.given || c->given.keep_failed.given || c->given.logs_ms >= 0;
    if (c->finished)
        fprintf(stderr, "%sfinished: %zu folders that an earlier gc, or a run that was never made, had left\n", would,
                c->finished);
    if (c->gone || c->logs_gone || c->finished)
        fprintf(stderr, "%staken away: %zu runs, the logs of %zu more; %s %s\n", would, c->gone, c->logs_gone,
                buf_str(&size), c->gc.dry ? "would be freed" : "freed");
    else if (!given && !c->any_rule)
        fputs("nothing is taken away: no workflow here says `history:`, and no --keep is given\n", stderr);
    else
        fprintf(stderr, "nothing is past its time: %zu ended runs are kept\n", c->count);
    if (c->unreadable)
        fprintf(stderr, "%zu runs cannot be read and are kept: `levada db check` says why\n", c->unreadable);
    if (c->gc.dry && (c->gone || c->logs_gone || c->finished)) fputs("without --dry-run it is done\n", stderr);
}

/* The state directory, when there is one, and the lock of it. */
static int
open_store(struct arena *arena, struct collection *c, int *lock)
{
    struct err err = {0}, ignored;
    const char **ids;
    size_t count;
    int code = store_run_list(arena, &ids, &count, &err);
    if (!code && count > 0) code = store_open(arena, !c->gc.dry, &c->gc.store, &err);
    if (code) return cli_fail(&err);
    /* Without any run there may still be what was left of one. */
    if (count == 0 && store_open(arena, false, &c->gc.store, &ignored) != 0) c->gc.store = NULL;
    if (c->gc.store != NULL && !c->gc.dry) *lock = gc_lock(arena, c->gc.store, &err);
    return err.code ? cli_fail(&err) : 0;
}

static int
collect(struct collection *c)
{
    struct arena arena ARENA_SCOPED = {0};
    struct marked *marked;
    struct err err = {0};
    int lock FD_SCOPED = -1;
    int code = open_store(&arena, c, &lock);
    if (!code) code = load_runs(&arena, c);
    if (code) return code;
    c->now_ms = clock_wall_ms();
    history_decide(&arena, c->runs, c->count, &c->given, c->over, c->now_ms);
    marked_list(&arena, &marked, &c->gc.nmarked);
    c->gc.marked = marked;
    if (c->gc.store != NULL && gc_finish(&arena, &c->gc, &c->finished, &c->bytes, &err) != 0) c->code = cli_fail(&err);
    for (size_t i = c->count; i-- > 0;) /* the oldest first: a kill leaves what is newer */
        if (c->runs[i].fate != HISTORY_KEPT) carry_out(&arena, c, &c->runs[i]);
    if (c->json) fputs(c->said ? "]\n" : "[]\n", stdout);
    sum_up(c);
    return c->code;
}

int
cmd_gc(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},           {"json", no_argument, NULL, 'j'},
        {"dry-run", no_argument, NULL, 'n'},        {"all", no_argument, NULL, 'a'},
        {"keep", required_argument, NULL, 'k'},     {"keep-failed", required_argument, NULL, 'f'},
        {"logs", required_argument, NULL, 'l'},     {NULL, 0, NULL, 0}};
    struct collection c = {.given = {.logs_ms = -1}};
    int option, code = 0;
    opterr = 0;
    optind = 1;
    while (!code && (option = getopt_long(argc, argv, ":nh", options, NULL)) != -1) {
        if (option == 'j') c.json = true;
        else if (option == 'n') c.gc.dry = true;
        else if (option == 'a') c.over = true;
        else if (option == 'k') code = take_keep("--keep", optarg, &c.given.keep);
        else if (option == 'f') code = take_keep("--keep-failed", optarg, &c.given.keep_failed);
        else if (option != 'l') return usage_option(usage, option, argv);
        else if (!str_to_duration(optarg, &c.given.logs_ms))
            return cli_usage(usage, "--logs takes how long, as in 7d; not \"%s\"", optarg);
    }
    if (code) return code;
    if (optind < argc) return cli_usage(usage, "\"%s\" is one word too many", argv[optind]);
    if (c.over && !c.given.keep.given && !c.given.keep_failed.given && c.given.logs_ms < 0)
        return cli_usage(usage, "--all goes with --keep, --keep-failed or --logs: they then hold for every workflow");
    return collect(&c);
}
