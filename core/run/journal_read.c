/* SPDX-License-Identifier: Apache-2.0
 *
 * What is read of a journal: its events, the workflow in it, and whether it is whole. Nothing here writes.
 */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "run/journal_internal.h"

static int
read_row(sqlite3_stmt *stmt, struct arena *scratch, struct event *ret, struct err *err)
{
    *ret = (struct event){.seq = sqlite3_column_int64(stmt, 0), .time_ms = sqlite3_column_int64(stmt, 1)};
    const char *type = (const char *)sqlite3_column_text(stmt, 2);
    if (type == NULL || !event_from_name(type, &ret->type))
        return err_set(err, EXIT_STORE, "run journal: event %lld has the unknown type \"%s\"", (long long)ret->seq,
                       type ? type : "");
    const char *step = (const char *)sqlite3_column_text(stmt, 3), *item = (const char *)sqlite3_column_text(stmt, 4);
    ret->step = step != NULL ? arena_strdup(scratch, step) : NULL;
    ret->item = item != NULL ? arena_strdup(scratch, item) : NULL;
    const char *data = (const char *)sqlite3_column_text(stmt, 5);
    int code = data == NULL ? EXIT_STORE
                            : json_parse(scratch, data, (size_t)sqlite3_column_bytes(stmt, 5), &ret->data, err);
    if (code || ret->data->type != VALUE_MAP)
        return err_set(err, EXIT_STORE, "run journal: event %lld holds no valid data", (long long)ret->seq);
    return 0;
}

void
journal_until(struct journal *journal, int64_t until_ms)
{
    journal->until_ms = until_ms;
}

bool
journal_was_cut(const struct journal *journal)
{
    return journal->cut;
}

int
journal_is_ended(struct journal *journal, bool *ret, struct err *err)
{
    sqlite3_stmt *stmt;
    static const char sql[] = "select type from events where type in ('run_finished', 'run_retried', 'run_started')"
                              " order by seq desc limit 1";
    if (sqlite3_prepare_v2(journal->db, sql, -1, &stmt, NULL) != SQLITE_OK) return journal_error(journal, err, "read");
    int step = sqlite3_step(stmt), code = 0;
    if (step != SQLITE_ROW && step != SQLITE_DONE) code = journal_error(journal, err, "read");
    const char *type = step == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    *ret = type != NULL && str_eq(type, event_name(EVENT_RUN_FINISHED));
    sqlite3_finalize(stmt);
    return code;
}

/* Takes the statement, ready to run. */
static int
read_rows(struct journal *journal, sqlite3_stmt *stmt,
          int (*each)(void *context, const struct event *event, struct arena *scratch, struct err *err),
          void *context, struct err *err)
{
    struct arena scratch ARENA_SCOPED = {0};
    int code = 0, step = SQLITE_DONE;
    (void)arena_alloc(&scratch, 1); /* or each rewind would give the block back */
    while (!code && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct event event;
        struct arena_mark mark = arena_mark(&scratch);
        code = read_row(stmt, &scratch, &event, err);
        if (!code && journal->until_ms && event.time_ms > journal->until_ms) {
            journal->cut = true;
            step = SQLITE_DONE;
            break;
        }
        if (!code) code = each(context, &event, &scratch, err);
        arena_rewind(&scratch, mark);
    }
    if (!code && step != SQLITE_DONE) code = journal_error(journal, err, "read");
    sqlite3_finalize(stmt);
    return code;
}

#define COLUMNS "select seq, time_ms, type, step, item, data from events where "

int
journal_read(struct journal *journal, int64_t after,
             int (*each)(void *context, const struct event *event, struct arena *scratch, struct err *err),
             void *context, struct err *err)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(journal->db, COLUMNS "seq > ? order by seq", -1, &stmt, NULL) != SQLITE_OK)
        return journal_error(journal, err, "read");
    sqlite3_bind_int64(stmt, 1, after);
    return read_rows(journal, stmt, each, context, err);
}

int
journal_read_of(struct journal *journal, const char *step,
                int (*each)(void *context, const struct event *event, struct arena *scratch, struct err *err),
                void *context, struct err *err)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(journal->db, COLUMNS "step is ? order by seq", -1, &stmt, NULL) != SQLITE_OK)
        return journal_error(journal, err, "read");
    sqlite3_bind_text(stmt, 1, step, -1, SQLITE_STATIC); /* NULL is null */
    return read_rows(journal, stmt, each, context, err);
}

int
journal_model(struct journal *journal, struct arena *arena, int64_t number, const char **ret, size_t *size,
              int64_t *count, struct err *err)
{
    sqlite3_stmt *stmt;
    static const char sql[] = "select json, (select max(rowid) from model) from model where rowid = "
                              "case when ?1 > 0 then ?1 else (select max(rowid) from model) end";
    /* As it was then: the last that a retry before that moment brought. */
    static const char sql_until[] =
        "with then_(n) as (select coalesce(max(json_extract(data, '$.model')), 1) from events where type ="
        " 'run_retried' and seq < coalesce((select min(seq) from events where time_ms > ?2), 9223372036854775807))"
        " select json, then_.n from model, then_ where model.rowid = case when ?1 > 0 then ?1 else then_.n end";
    if (sqlite3_prepare_v2(journal->db, journal->until_ms ? sql_until : sql, -1, &stmt, NULL) != SQLITE_OK)
        return journal_error(journal, err, "read");
    sqlite3_bind_int64(stmt, 1, number);
    if (journal->until_ms) sqlite3_bind_int64(stmt, 2, journal->until_ms);
    int step = sqlite3_step(stmt), code = 0;
    if (step == SQLITE_ROW) {
        *count = sqlite3_column_int64(stmt, 1);
        *size = (size_t)sqlite3_column_bytes(stmt, 0);
        *ret = arena_strndup(arena, (const char *)sqlite3_column_text(stmt, 0), *size);
    } else {
        code = step == SQLITE_DONE ? err_set(err, EXIT_STORE, "run journal: it holds no workflow")
                                   : journal_error(journal, err, "read");
    }
    sqlite3_finalize(stmt);
    return code;
}

int
journal_run_id(struct journal *journal, struct arena *arena, const char **ret, struct err *err)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(journal->db, "select value from meta where name = 'run'", -1, &stmt, NULL) != SQLITE_OK)
        return journal_error(journal, err, "read");
    int step = sqlite3_step(stmt), code = 0;
    if (step == SQLITE_ROW) *ret = arena_strdup(arena, (const char *)sqlite3_column_text(stmt, 0));
    else code = journal_error(journal, err, "read");
    sqlite3_finalize(stmt);
    return code;
}

static int
count_event(void *context, const struct event *event, struct arena *scratch, struct err *err)
{
    (void)scratch;
    int64_t *next = context;
    if (event->seq != ++*next)
        return err_set(err, EXIT_STORE, "run journal: event %lld is missing", (long long)*next);
    return 0;
}

int
journal_check(struct journal *journal, struct err *err)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(journal->db, "pragma integrity_check(1)", -1, &stmt, NULL) != SQLITE_OK)
        return journal_error(journal, err, "check");
    int step = sqlite3_step(stmt), code = 0;
    const char *word = step == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    if (word == NULL) code = journal_error(journal, err, "check");
    else if (!str_eq(word, "ok")) code = err_set(err, EXIT_STORE, "run journal: damaged: %s", word);
    sqlite3_finalize(stmt);
    int64_t next = 0;
    return code ? code : journal_read(journal, 0, count_event, &next, err);
}
