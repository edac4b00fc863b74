/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The journal is copied by SQLite itself inside one read transaction, and before the files: what the
 * copy calls finished is in the files in full. Its connections are its own: nothing here writes to a journal but
 * journal_make_plain().
 */
#include "run/journal_export.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "run/job.h"
#include "run/journal.h"

struct exporter {
    struct arena *arena;
    sqlite3 *db;
    sqlite3_stmt *file, *part;
    struct export_count *count;
    char *chunk;
};

static int
database_error(sqlite3 *db, const char *path, const char *what, struct err *err)
{
    int code = db != NULL ? sqlite3_errcode(db) : SQLITE_NOMEM;
    err_set(err, EXIT_STORE, "\"%s\": cannot %s: %s", path, what, db != NULL ? sqlite3_errmsg(db) : "out of memory");
    if (code == SQLITE_FULL) err_hint(err, "The disk is full: name a file on another one with -o FILE.");
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) err_hint(err, "`levada db check` says what is damaged.");
    return EXIT_STORE;
}

/* NULL with err. Nothing that the file's schema says may run a function. */
static sqlite3 *
open_database(const char *path, int flags, struct err *err)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
        database_error(db, path, "open", err);
        sqlite3_close(db);
        return NULL;
    }
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_timeout(db, 5000);
    return db;
}

static void
close_database(sqlite3 **db)
{
    sqlite3_close(*db);
}

static void
finalize(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
}

#define DB_SCOPED __attribute__((cleanup(close_database)))
#define STMT_SCOPED __attribute__((cleanup(finalize)))

/* ---- writing ---- */

static int
copy_journal(const char *run_folder, const char *path, struct err *err)
{
    char journal[4096];
    if (snprintf(journal, sizeof journal, "%s/" JOURNAL_FILE, run_folder) >= (int)sizeof journal)
        return err_set(err, EXIT_STORE, "path too long: \"%s\"", run_folder);
    sqlite3 *db DB_SCOPED = open_database(journal, SQLITE_OPEN_READONLY, err);
    sqlite3_stmt *stmt STMT_SCOPED = NULL;
    if (db == NULL) return EXIT_STORE;
    if (sqlite3_prepare_v2(db, "vacuum into ?", -1, &stmt, NULL) == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
        if (sqlite3_step(stmt) == SQLITE_DONE) return 0;
    }
    return database_error(db, journal, "copy the journal", err);
}

static void
left_out(struct exporter *exporter, const char *name, const char *why)
{
    if (exporter->count->left_out++ == 0)
        exporter->count->first_left_out = arena_printf(exporter->arena, "%s: %s", name, why);
}

static int
put_row(struct exporter *exporter, const char *name, const struct stat *st, uint64_t size, const char *skipped)
{
    sqlite3_bind_text(exporter->file, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(exporter->file, 2, (int64_t)(st->st_mode & 07777));
    sqlite3_bind_int64(exporter->file, 3, (int64_t)size);
    sqlite3_bind_text(exporter->file, 4, skipped, -1, SQLITE_STATIC);
    int step = sqlite3_step(exporter->file);
    sqlite3_reset(exporter->file);
    return step == SQLITE_DONE ? 0 : -1;
}

/* A chunk, or less at the end of the file. */
static ssize_t
read_chunk(int fd, char *chunk)
{
    size_t size = 0;
    while (size < EXPORT_PART_SIZE) {
        ssize_t n = read(fd, chunk + size, EXPORT_PART_SIZE - size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        size += (size_t)n;
    }
    return (ssize_t)size;
}

/* 0, or -1: the database cannot take it. A file that cannot be read is a row that says so. */
static int
put_file(struct exporter *exporter, int fd, const char *name, const struct stat *st)
{
    uint64_t size = 0;
    const char *skipped = NULL;
    for (int64_t part = 0;; part++) {
        ssize_t n = read_chunk(fd, exporter->chunk);
        if (n < 0) skipped = "it could not be read";
        if (n <= 0) break;
        sqlite3_bind_text(exporter->part, 1, name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(exporter->part, 2, part);
        sqlite3_bind_blob(exporter->part, 3, exporter->chunk, (int)n, SQLITE_STATIC);
        int step = sqlite3_step(exporter->part);
        sqlite3_reset(exporter->part);
        if (step != SQLITE_DONE) return -1;
        size += (uint64_t)n;
        if ((size_t)n < EXPORT_PART_SIZE) break; /* what is written to it later belongs to a later export */
    }
    if (skipped != NULL) left_out(exporter, name, skipped);
    exporter->count->files++;
    exporter->count->bytes += size;
    return put_row(exporter, name, st, size, skipped);
}

static int
put_entry(struct exporter *exporter, int folder, const char *entry, const char *name, unsigned depth);

/* Takes fd. */
static int
put_folder(struct exporter *exporter, int fd, const char *prefix, unsigned depth)
{
    int code = 0;
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        fd_close(&fd);
        return 0;
    }
    for (struct dirent *entry; !code && (entry = readdir(dir)) != NULL;) {
        if (str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..")) continue;
        const char *name = arena_printf(exporter->arena, "%s/%s", prefix, entry->d_name);
        code = put_entry(exporter, dirfd(dir), entry->d_name, name, depth);
    }
    closedir(dir);
    return code;
}

static int
put_entry(struct exporter *exporter, int folder, const char *entry, const char *name, unsigned depth)
{
    struct stat st;
    int fd FD_SCOPED = openat(folder, entry, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) return 0; /* it went while we looked */
    if (fd < 0 || fstat(fd, &st) != 0) {
        left_out(exporter, name, errno == ELOOP ? "it is a link" : "it could not be opened");
        return 0;
    }
    if (S_ISREG(st.st_mode)) return put_file(exporter, fd, name, &st);
    if (!S_ISDIR(st.st_mode) || depth == LIMIT_DEPTH) {
        left_out(exporter, name, "it is no regular file");
        return 0;
    }
    int taken = fd;
    fd = -1;
    return put_folder(exporter, taken, name, depth + 1);
}

static int
put_about(struct exporter *exporter, bool living)
{
    sqlite3_stmt *stmt STMT_SCOPED = NULL;
    const char *texts[][2] = {{"engine", living ? "living" : "none"}, {"levada", LEVADA_VERSION}};
    const struct { const char *name; int64_t value; } numbers[] = {{"version", EXPORT_VERSION},
                                                                   {"exported_ms", clock_wall_ms()}};
    if (sqlite3_prepare_v2(exporter->db, "insert into export values(?,?)", -1, &stmt, NULL) != SQLITE_OK) return -1;
    for (size_t i = 0; i < 4; i++) {
        bool number = i < 2;
        sqlite3_bind_text(stmt, 1, number ? numbers[i].name : texts[i - 2][0], -1, SQLITE_STATIC);
        if (number) sqlite3_bind_int64(stmt, 2, numbers[i].value);
        else sqlite3_bind_text(stmt, 2, texts[i - 2][1], -1, SQLITE_STATIC);
        if (sqlite3_step(stmt) != SQLITE_DONE) return -1;
        sqlite3_reset(stmt);
    }
    return 0;
}

static int
put_all(struct exporter *exporter, const char *run_folder, bool artifacts, bool living)
{
    static const char *const folders[] = {LOGS_FOLDER, RECEIPTS_FOLDER, ARTIFACTS_FOLDER};
    static const char schema[] =
        "pragma journal_mode = delete; pragma synchronous = off; begin;"
        "create table export(name text primary key, value) without rowid;"
        "create table files(name text primary key, mode integer not null, size integer not null, skipped text)"
        " without rowid;"
        "create table parts(name text not null, part integer not null, data blob not null,"
        " primary key(name, part));";
    if (sqlite3_exec(exporter->db, schema, NULL, NULL, NULL) != SQLITE_OK) return -1;
    if (sqlite3_prepare_v2(exporter->db, "insert into files values(?,?,?,?)", -1, &exporter->file, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(exporter->db, "insert into parts values(?,?,?)", -1, &exporter->part, NULL) != SQLITE_OK)
        return -1;
    int folder FD_SCOPED = open(run_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = put_about(exporter, living);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] - (artifacts ? 0 : 1) && !code && folder >= 0; i++) {
        int fd = openat(folder, folders[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0) code = put_folder(exporter, fd, folders[i], 0);
    }
    return code || sqlite3_exec(exporter->db, "commit", NULL, NULL, NULL) != SQLITE_OK ? -1 : 0;
}

int
journal_export(struct arena *arena, const char *run_folder, const char *path, bool artifacts, bool living,
               struct export_count *count, struct err *err)
{
    *count = (struct export_count){0};
    int code = copy_journal(run_folder, path, err);
    if (code) return code;
    sqlite3 *db DB_SCOPED = open_database(path, SQLITE_OPEN_READWRITE, err);
    if (db == NULL) return EXIT_STORE;
    struct exporter exporter = {.arena = arena, .db = db, .count = count,
                                .chunk = memory_resize(NULL, EXPORT_PART_SIZE)};
    if (put_all(&exporter, run_folder, artifacts, living) != 0) code = database_error(db, path, "write", err);
    sqlite3_finalize(exporter.file);
    sqlite3_finalize(exporter.part);
    memory_free(exporter.chunk);
    return code;
}

/* ---- reading ---- */

/* The file is nobody's to write: no lock is needed, and none is left beside it. */
static sqlite3 *
open_export(const char *path)
{
    struct buf uri BUF_SCOPED = {0};
    struct err ignored;
    buf_init(&uri, 3 * 4096 + 64);
    buf_text(&uri, "file:");
    for (const char *p = path; *p; p++) {
        if (strchr("%?#", *p) != NULL) buf_printf(&uri, "%%%02x", (unsigned char)*p);
        else buf_char(&uri, *p);
    }
    buf_text(&uri, "?immutable=1");
    return uri.full ? NULL : open_database(buf_str(&uri), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &ignored);
}

bool
export_is(const char *path, int64_t *exported_ms, bool *living)
{
    struct stat st;
    *exported_ms = 0;
    *living = false;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) return false;
    sqlite3 *db DB_SCOPED = open_export(path);
    sqlite3_stmt *stmt STMT_SCOPED = NULL;
    if (db == NULL || sqlite3_prepare_v2(db, "select name, value from export", -1, &stmt, NULL) != SQLITE_OK)
        return false;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        if (name == NULL) continue;
        if (str_eq(name, "exported_ms")) *exported_ms = sqlite3_column_int64(stmt, 1);
        if (str_eq(name, "engine"))
            *living = str_eq((const char *)sqlite3_column_text(stmt, 1), "living");
    }
    return true;
}

int
export_list(struct arena *arena, const char *path, const char *prefix, struct export_file **ret, size_t *count,
            struct err *err)
{
    size_t capacity = 0;
    *ret = NULL;
    *count = 0;
    sqlite3 *db DB_SCOPED = open_export(path);
    sqlite3_stmt *stmt STMT_SCOPED = NULL;
    if (db == NULL || sqlite3_prepare_v2(db, "select name, size from files where skipped is null order by name", -1,
                                         &stmt, NULL) != SQLITE_OK)
        return database_error(db, path, "list its files", err);
    int step;
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        if (name == NULL || !str_starts(name, prefix)) continue;
        *ret = arena_grow(arena, *ret, *count, &capacity, sizeof **ret);
        (*ret)[(*count)++] = (struct export_file){arena_strdup(arena, name), sqlite3_column_int64(stmt, 1)};
    }
    return step == SQLITE_DONE ? 0 : database_error(db, path, "list its files", err);
}

int
export_open(const char *path, const char *name)
{
    sqlite3 *db DB_SCOPED = open_export(path);
    sqlite3_stmt *stmt STMT_SCOPED = NULL;
    if (db == NULL || sqlite3_prepare_v2(db, "select data from parts where name = ? order by part", -1, &stmt, NULL) !=
                          SQLITE_OK)
        return -1;
    sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    int fd = -1, step;
    while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (fd < 0) fd = memfd_create("levada-export", MFD_CLOEXEC);
        const void *data = sqlite3_column_blob(stmt, 0);
        int size = sqlite3_column_bytes(stmt, 0);
        if (fd < 0 || (size > 0 && fd_write_all(fd, data, (size_t)size) != 0)) step = SQLITE_ERROR;
        if (step != SQLITE_ROW) break;
    }
    if (fd >= 0 && (step != SQLITE_DONE || lseek(fd, 0, SEEK_SET) != 0)) fd_close(&fd);
    return fd;
}

/* ---- the conversion that is owed ---- */

int
journal_make_plain(const char *run_folder, bool *did, struct err *err)
{
    char path[4096], header[20] = "";
    *did = false;
    if (snprintf(path, sizeof path, "%s/" JOURNAL_FILE, run_folder) >= (int)sizeof path)
        return err_set(err, EXIT_STORE, "path too long: \"%s\"", run_folder);
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return err_errno(err, EXIT_STORE, "cannot open \"%s\"", path);
    /* Bytes 18 and 19 of the file are 2 in WAL mode. */
    if (read(fd, header, sizeof header) != (ssize_t)sizeof header || (header[18] != 2 && header[19] != 2)) return 0;
    fd_close(&fd);
    sqlite3 *db DB_SCOPED = open_database(path, SQLITE_OPEN_READWRITE, err);
    sqlite3_stmt *stmt STMT_SCOPED = NULL;
    if (db == NULL) return EXIT_STORE;
    sqlite3_busy_timeout(db, 50);
    if (sqlite3_prepare_v2(db, "pragma journal_mode = delete", -1, &stmt, NULL) != SQLITE_OK)
        return database_error(db, path, "finish the journal", err);
    int step = sqlite3_step(stmt);
    if (step == SQLITE_BUSY || step == SQLITE_LOCKED) return 1;
    if (step != SQLITE_ROW) return database_error(db, path, "finish the journal", err);
    /* Answers with the mode that holds now: still WAL when somebody is in the way. */
    if (!str_eq((const char *)sqlite3_column_text(stmt, 0), "delete")) return 1;
    *did = true;
    return 0;
}
