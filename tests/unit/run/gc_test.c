/* SPDX-License-Identifier: Apache-2.0
 *
 * What gc takes is what it judged: a run that went on between the two stays.
 */
#include "run/gc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "check.h"
#include "run/folder.h"
#include "run/journal.h"
#include "run/state.h"

#define ID "01kdvw3x8g7q2m5n9p4r6s8t0v"

static char store[64];
static struct arena arena;

static void
append(struct journal *journal, enum event_type type, const char *json)
{
    struct err err = {0};
    struct event event = {.time_ms = 1767323045000, .type = type};
    CHECK_FATAL(json_parse(&arena, json, strlen(json), &event.data, &err) == 0);
    journal_append(journal, &event);
    CHECK_FATAL(journal_commit(journal, false, &err) == 0);
}

/* A run that failed. The journal stays open: what comes next is appended to it. */
static struct journal *
make(struct history_run *judged)
{
    static const char model[] =
        "{\"model\":1,\"name\":\"w\",\"file\":\"/w.yaml\",\"folder\":\"/\",\"source\":\"\",\"params\":{},"
        "\"secrets\":{},\"plugins\":[],\"power\":false,\"steps\":[]}";
    struct journal *journal = NULL;
    struct run_state state;
    struct err err = {0};
    uint64_t fence;
    snprintf(store, sizeof store, "/tmp/levada-gc-XXXXXX");
    CHECK_FATAL(mkdtemp(store) != NULL);
    const char *folder = arena_printf(&arena, "%s/runs/" ID, store);
    CHECK_FATAL(mkdir(arena_printf(&arena, "%s/runs", store), 0700) == 0 && mkdir(folder, 0700) == 0);
    CHECK_FATAL(mkdir(arena_printf(&arena, "%s/logs", folder), 0700) == 0);
    FILE *log = fopen(arena_printf(&arena, "%s/logs/a.1.log", folder), "w");
    CHECK_FATAL(log != NULL && fputs("said\n", log) >= 0 && fclose(log) == 0);
    CHECK_FATAL(journal_create(folder, ID, model, false, &journal, &err) == 0);
    CHECK_FATAL(journal_take(journal, &fence, &err) == 0);
    append(journal, EVENT_RUN_CREATED, "{\"run\":\"" ID "\",\"workflow\":\"w\",\"params\":{}}");
    append(journal, EVENT_RUN_FINISHED, "{\"status\":\"failed\",\"exit\":1}");
    CHECK_INT(state_load(&arena, folder, &state, &err), 0);
    *judged = (struct history_run){.id = ID, .status = state.status, .last_seq = state.last_seq};
    return journal;
}

static void
end(struct journal *journal)
{
    journal_close(&journal, true);
    CHECK_INT(folder_remove(store), 0);
    arena_release(&arena);
}

static bool
is_there(const char *name)
{
    return access(arena_printf(&arena, "%s/runs/" ID "/%s", store, name), F_OK) == 0;
}

static void
keeps_what_went_on(void)
{
    struct history_run judged;
    struct journal *journal = make(&judged);
    struct gc gc = {.store = store};
    struct err err = {0};
    const char *why = NULL;
    int64_t bytes;
    append(journal, EVENT_RUN_RETRIED, "{\"who\":\"somebody\",\"again\":[]}");
    CHECK_INT(gc_run(&arena, &gc, &judged, &bytes, &why, &err), 1);
    CHECK_STR(why, "it has not ended");
    append(journal, EVENT_RUN_FINISHED, "{\"status\":\"succeeded\",\"exit\":0}");
    CHECK_INT(gc_run(&arena, &gc, &judged, &bytes, &why, &err), 1);
    CHECK_STR(why, "it went on meanwhile: the next gc looks again");
    CHECK_INT(gc_logs(&arena, &gc, &judged, &bytes, &why, &err), 1);
    CHECK(is_there("journal.db"));
    CHECK(is_there("logs/a.1.log"));
    end(journal);
}

static void
takes_what_was_judged(void)
{
    struct history_run judged;
    struct journal *journal = make(&judged);
    struct gc gc = {.store = store};
    struct err err = {0};
    const char *why = NULL;
    int64_t bytes = 0;
    CHECK_INT(gc_logs(&arena, &gc, &judged, &bytes, &why, &err), 0);
    CHECK(!is_there("logs/a.1.log"));
    CHECK_INT(gc_run(&arena, &gc, &judged, &bytes, &why, &err), 0);
    CHECK(bytes > 0);
    CHECK(!is_there(""));
    end(journal);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a run that was retried since it was judged stays, and so do its logs", keeps_what_went_on},
        {"a run that is as it was judged goes, its logs first", takes_what_was_judged},
    };
    return check_main("gc", tests, CHECK_COUNT(tests), argc, argv);
}
