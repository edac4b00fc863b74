/* SPDX-License-Identifier: Apache-2.0
 *
 * Events wait in memory until the commit: the transaction is as short as it can be, and `synchronous` can be chosen
 * when it is known whether the transaction carries an intent. In WAL mode a commit under NORMAL survives any kill,
 * one under FULL a power cut too, with all commits before it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/str.h"
#include "run/journal_internal.h"

/* Fences are set aside in blocks, so that most commits write one page and not two. They must rise; gaps are fine. */
#define FENCE_BLOCK 255

/* A checkpoint syncs twice, so it comes after some thousand steps, and not after some hundred. 16 MiB. */
#define WAL_PAGES 4096

static const char *const names[] = {
#define X(id, word) word,
    EVENTS(X)
#undef X
};

const char *
event_name(enum event_type type)
{
    return names[type];
}

bool
event_from_name(const char *name, enum event_type *ret)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(name, names[i])) {
            *ret = (enum event_type)i;
            return true;
        }
    return false;
}

int
journal_error(struct journal *journal, struct err *err, const char *what)
{
    int code = journal->db != NULL ? sqlite3_extended_errcode(journal->db) : SQLITE_NOMEM;
    err_set(err, EXIT_STORE, "run journal: cannot %s: %s", what,
            journal->db != NULL ? sqlite3_errmsg(journal->db) : "out of memory");
    if ((code & 0xff) == SQLITE_FULL) err_hint(err, "The disk is full: make room, then `levada resume` goes on.");
    else if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
        err_hint(err, "The journal is damaged: restore the run folder from a backup.");
    else if ((code & 0xff) == SQLITE_READONLY || (code & 0xff) == SQLITE_CANTOPEN)
        err_hint(err, "Is the state directory writable? LEVADA_STATE names another one.");
    return EXIT_STORE;
}

static int
exec(struct journal *journal, const char *sql, const char *what, struct err *err)
{
    if (sqlite3_exec(journal->db, sql, NULL, NULL, NULL) != SQLITE_OK) return journal_error(journal, err, what);
    return 0;
}

static int
set_synchronous(struct journal *journal, int want, struct err *err)
{
    static const char *const pragmas[] = {"pragma synchronous = off", "pragma synchronous = normal",
                                          "pragma synchronous = full"};
    if (want == journal->synchronous) return 0;
    journal->synchronous = want;
    return exec(journal, pragmas[want], "set up", err);
}

static int
open_database(const char *run_folder, int flags, const char *query, struct journal **ret, struct err *err)
{
    char uri[4200];
    struct stat st;
    bool file = stat(run_folder, &st) == 0 && S_ISREG(st.st_mode); /* an exported run */
    struct buf path BUF_SCOPED;
    buf_init(&path, sizeof uri);
    for (const char *p = run_folder; *p; p++) {
        if (strchr("%?#", *p) != NULL) buf_printf(&path, "%%%02x", (unsigned char)*p);
        else buf_char(&path, *p);
    }
    const char *name = file ? "" : "/" JOURNAL_FILE;
    if (snprintf(uri, sizeof uri, "file:%s%s%s", buf_str(&path), name, query) >= (int)sizeof uri)
        return err_set(err, EXIT_STORE, "path too long: \"%s\"", run_folder);
    struct journal *journal = memory_resize(NULL, sizeof *journal);
    *journal = (struct journal){.synchronous = -1};
    flags |= SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX; /* one thread */
    if (sqlite3_open_v2(uri, &journal->db, flags, NULL) != SQLITE_OK) {
        journal_error(journal, err, "open");
        err_context(err, "\"%s\"", run_folder);
        journal_close(&journal, false);
        return EXIT_STORE;
    }
    /* A file may come from anywhere: no function runs because its schema says so. */
    (void)sqlite3_db_config(journal->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_timeout(journal->db, 5000);
    sqlite3_wal_autocheckpoint(journal->db, WAL_PAGES);
    *ret = journal;
    return 0;
}

static int
meta_number(struct journal *journal, const char *name, int64_t *ret, struct err *err)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(journal->db, "select value from meta where name = ?", -1, &stmt, NULL) != SQLITE_OK)
        return journal_error(journal, err, "read");
    sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    int step = sqlite3_step(stmt);
    if (step == SQLITE_ROW) *ret = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    if (step == SQLITE_ROW) return 0;
    if (step == SQLITE_DONE) return err_set(err, EXIT_STORE, "run journal: \"%s\" is missing in it", name);
    return journal_error(journal, err, "read");
}

static int
prepare_writes(struct journal *journal, struct err *err)
{
    const struct { sqlite3_stmt **stmt; const char *sql; } all[] = {
        {&journal->insert, "insert into events(time_ms, type, step, item, data) values(?,?,?,?,?)"},
        {&journal->check, "select value from meta where name = 'holder'"},
        {&journal->set_fence, "update meta set value = ? where name = 'fence'"},
        {&journal->begin, "begin immediate"},
        {&journal->commit, "commit"},
        {&journal->rollback, "rollback"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (sqlite3_prepare_v3(journal->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].stmt, NULL) != SQLITE_OK)
            return journal_error(journal, err, "prepare");
    journal->writable = true;
    return 0;
}

static int
check_version(struct journal *journal, struct err *err)
{
    int64_t version = 0, power = 1;
    int code = meta_number(journal, "version", &version, err);
    if (!code) code = meta_number(journal, "power", &power, err);
    if (code) return code;
    journal->power = power != 0;
    if (version == JOURNAL_VERSION) return 0;
    err_set(err, EXIT_STORE, "run journal: written by a newer Levada (journal version %lld, this one reads %d)",
            (long long)version, JOURNAL_VERSION);
    err_hint(err, "Use the Levada that made this run, or a newer one.");
    return EXIT_STORE;
}

int
journal_create(const char *run_folder, const char *run_id, const char *model_json, bool power,
               struct journal **ret, struct err *err)
{
    struct journal *journal;
    int code = open_database(run_folder, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "", &journal, err);
    if (code) return code;
    /* Nothing has begun yet: `durability: process` has nothing to lose to a power cut. */
    code = set_synchronous(journal, power ? 2 : 0, err);
    if (!code) code = exec(journal, "pragma journal_mode = wal", "create", err);
    if (!code && power) code = set_synchronous(journal, 1, err);
    if (!code)
        code = exec(journal,
                    "begin; create table meta(name text primary key, value) without rowid;"
                    "create table events(seq integer primary key, time_ms integer not null, type text not null,"
                    " step text, item text, data text not null);"
                    "create table model(json text not null);",
                    "create", err);
    sqlite3_stmt *stmt = NULL;
    if (!code) {
        const struct { const char *name; int64_t value; } rows[] = {
            {"version", JOURNAL_VERSION}, {"holder", 0}, {"fence", 0}, {"power", power}};
        sqlite3_prepare_v2(journal->db, "insert into meta values(?,?)", -1, &stmt, NULL);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0] && stmt != NULL; i++) {
            sqlite3_bind_text(stmt, 1, rows[i].name, -1, SQLITE_STATIC);
            sqlite3_bind_int64(stmt, 2, rows[i].value);
            if (sqlite3_step(stmt) != SQLITE_DONE) code = journal_error(journal, err, "create");
            sqlite3_reset(stmt);
        }
        sqlite3_bind_text(stmt, 1, "run", -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, run_id, -1, SQLITE_STATIC);
        if (sqlite3_step(stmt) != SQLITE_DONE) code = journal_error(journal, err, "create");
        sqlite3_finalize(stmt);
    }
    if (!code) {
        sqlite3_prepare_v2(journal->db, "insert into model values(?)", -1, &stmt, NULL);
        sqlite3_bind_text(stmt, 1, model_json, -1, SQLITE_STATIC);
        if (sqlite3_step(stmt) != SQLITE_DONE) code = journal_error(journal, err, "create");
        sqlite3_finalize(stmt);
    }
    if (!code) code = exec(journal, "commit", "create", err);
    if (!code) code = prepare_writes(journal, err);
    if (code) {
        journal_close(&journal, false);
        return code;
    }
    journal->power = power;
    *ret = journal;
    return 0;
}

int
journal_open(const char *run_folder, struct journal **ret, struct err *err)
{
    struct journal *journal;
    int code = open_database(run_folder, SQLITE_OPEN_READWRITE, "", &journal, err);
    if (code) return code;
    code = check_version(journal, err);
    if (!code) code = exec(journal, "pragma journal_mode = wal", "open", err);
    if (!code) code = prepare_writes(journal, err);
    if (code) {
        err_context(err, "\"%s\"", run_folder);
        journal_close(&journal, false);
        return code;
    }
    *ret = journal;
    return 0;
}

static int
open_read(const char *run_folder, struct journal **ret, struct err *err)
{
    char wal[4200];
    snprintf(wal, sizeof wal, "%s/" JOURNAL_FILE "-wal", run_folder);
    /* A plain file in a folder that we may not write needs no lock files; a WAL does. */
    struct stat st;
    bool file = stat(run_folder, &st) == 0 && S_ISREG(st.st_mode);
    bool plain = file || (access(wal, F_OK) != 0 && access(run_folder, W_OK) != 0);
    int code = open_database(run_folder, SQLITE_OPEN_READONLY, plain ? "?immutable=1" : "?mode=ro", ret, err);
    if (code) return code;
    code = check_version(*ret, err);
    if (code) {
        err_context(err, "\"%s\"", run_folder);
        journal_close(ret, false);
    }
    return code;
}

/* A kill while the journal became a plain file, or a WAL again, leaves a rollback journal. Who reads may not roll it
 * back; so it is done by who may write, once. */
static bool
roll_back(const char *run_folder)
{
    char path[4200];
    struct journal *journal;
    struct err ignored;
    int64_t version;
    snprintf(path, sizeof path, "%s/" JOURNAL_FILE "-journal", run_folder);
    if (access(path, F_OK) != 0 || access(run_folder, W_OK) != 0) return false;
    if (open_database(run_folder, SQLITE_OPEN_READWRITE, "", &journal, &ignored) != 0) return false;
    bool good = meta_number(journal, "version", &version, &ignored) == 0;
    journal_close(&journal, false);
    return good;
}

int
journal_open_read(const char *run_folder, struct journal **ret, struct err *err)
{
    int code = open_read(run_folder, ret, err);
    if (code == 0 || !roll_back(run_folder)) return code;
    *err = (struct err){0};
    return open_read(run_folder, ret, err);
}

static void
drop_queue(struct journal *journal)
{
    for (size_t i = 0; i < journal->count; i++) buf_release(&journal->queue[i].data);
    journal->count = 0;
    arena_release(&journal->arena);
}

void
journal_close(struct journal **journal, bool finished)
{
    struct journal *j = *journal;
    *journal = NULL;
    if (j == NULL) return;
    drop_queue(j);
    memory_free(j->queue);
    sqlite3_stmt *const all[] = {j->insert, j->check, j->begin, j->commit, j->rollback, j->set_fence};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) sqlite3_finalize(all[i]);
    if (finished && j->writable) {
        struct err ignored;
        /* Fails when a reader is in the way: then the next command that finds the journal unused does it. */
        sqlite3_busy_timeout(j->db, 50);
        (void)sqlite3_exec(j->db, "pragma wal_checkpoint(truncate)", NULL, NULL, NULL);
        if (!j->power) (void)set_synchronous(j, 0, &ignored);
        (void)sqlite3_exec(j->db, "pragma journal_mode = delete", NULL, NULL, NULL);
    }
    sqlite3_close(j->db);
    memory_free(j);
}

int
journal_take(struct journal *journal, uint64_t *fence, struct err *err)
{
    int64_t last = 0;
    int code = set_synchronous(journal, journal->power ? 2 : 1, err);
    if (!code) code = exec(journal, "begin immediate", "take over", err);
    if (!code) code = meta_number(journal, "fence", &last, err);
    char sql[200];
    snprintf(sql, sizeof sql, "update meta set value = %lld where name in ('holder', 'fence'); commit",
             (long long)last + 1);
    if (!code) code = exec(journal, sql, "take over", err);
    if (code) {
        (void)sqlite3_exec(journal->db, "rollback", NULL, NULL, NULL);
        return code;
    }
    journal->holder = journal->fence = journal->fence_written = (uint64_t)last + 1;
    *fence = journal->holder;
    return 0;
}

void
journal_set_fence(struct journal *journal, uint64_t fence)
{
    journal->fence = fence;
}

void
journal_append(struct journal *journal, const struct event *event)
{
    if (journal->count == journal->capacity) {
        journal->capacity = journal->capacity ? journal->capacity * 2 : 16;
        journal->queue = memory_resize(journal->queue, journal->capacity * sizeof *journal->queue);
    }
    struct waiting_event *waiting = &journal->queue[journal->count++];
    *waiting = (struct waiting_event){.type = event->type, .time_ms = event->time_ms};
    waiting->step = event->step != NULL ? arena_strdup(&journal->arena, event->step) : NULL;
    waiting->item = event->item != NULL ? arena_strdup(&journal->arena, event->item) : NULL;
    buf_init(&waiting->data, LIMIT_VALUE_SIZE);
    json_write(&waiting->data, event->data);
}

void
journal_add_model(struct journal *journal, const char *model_json)
{
    journal->new_model = model_json;
}

size_t
journal_waiting(const struct journal *journal)
{
    return journal->count;
}

static int
insert_all(struct journal *journal, struct err *err)
{
    for (size_t i = 0; i < journal->count; i++) {
        struct waiting_event *event = &journal->queue[i];
        sqlite3_stmt *stmt = journal->insert;
        if (event->data.full)
            return err_set(err, EXIT_STORE, "run journal: one event is larger than %u bytes", LIMIT_VALUE_SIZE);
        sqlite3_bind_int64(stmt, 1, event->time_ms);
        sqlite3_bind_text(stmt, 2, event_name(event->type), -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 3, event->step, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 4, event->item, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 5, buf_str(&event->data), (int)event->data.size, SQLITE_STATIC);
        int step = sqlite3_step(stmt);
        sqlite3_reset(stmt);
        if (step != SQLITE_DONE) return journal_error(journal, err, "write");
        if (i == journal->count / 2) FAILPOINT("journal_inside");
    }
    return 0;
}

static int
insert_model(struct journal *journal, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (journal->new_model == NULL) return 0;
    sqlite3_prepare_v2(journal->db, "insert into model values(?)", -1, &stmt, NULL);
    sqlite3_bind_text(stmt, 1, journal->new_model, -1, SQLITE_STATIC);
    int step = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    return step == SQLITE_DONE ? 0 : journal_error(journal, err, "write the workflow");
}

static int
run_statement(struct journal *journal, sqlite3_stmt *stmt, const char *what, struct err *err)
{
    int step = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return step == SQLITE_DONE || step == SQLITE_ROW ? 0 : journal_error(journal, err, what);
}

static int
check_holder(struct journal *journal, struct err *err)
{
    int step = sqlite3_step(journal->check);
    uint64_t holder = step == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(journal->check, 0) : 0;
    sqlite3_reset(journal->check);
    if (step != SQLITE_ROW) return journal_error(journal, err, "read the holder");
    if (holder == journal->holder) return 0;
    return err_set(err, EXIT_HELD, "this run was taken over by another engine (fence %llu, ours %llu)",
                   (unsigned long long)holder, (unsigned long long)journal->holder);
}

int
journal_commit(struct journal *journal, bool sync, struct err *err)
{
    if (journal->count == 0 && journal->fence <= journal->fence_written) return 0;
    FAILPOINT("journal_before");
    /* Before anybody has taken the run, `durability: process` has nothing to lose to a power cut. */
    int code = set_synchronous(journal, journal->power ? 1 + sync : journal->holder != 0, err);
    if (!code) code = run_statement(journal, journal->begin, "begin", err);
    if (code) return code;
    code = check_holder(journal, err);
    if (!code) code = insert_all(journal, err);
    if (!code) code = insert_model(journal, err);
    uint64_t fence = journal->fence_written;
    if (!code && journal->fence > fence) {
        fence = journal->fence + FENCE_BLOCK;
        sqlite3_bind_int64(journal->set_fence, 1, (int64_t)fence);
        code = run_statement(journal, journal->set_fence, "write", err);
    }
    if (!code) code = run_statement(journal, journal->commit, "commit", err);
    if (code) {
        struct err ignored;
        (void)run_statement(journal, journal->rollback, "roll back", &ignored);
        return code;
    }
    journal->fence_written = fence;
    journal->new_model = NULL;
    drop_queue(journal);
    FAILPOINT("journal_after");
    return 0;
}
