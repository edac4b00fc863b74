/* SPDX-License-Identifier: Apache-2.0
 *
 * The least that a journal of steps can cost: start a step, wait for it, commit rows to SQLite in WAL mode. No log, no
 * mask, no limits, no second process that survives the first. bench/ puts runs of Levada beside it.
 *
 * Usage: loop_bare process|power COUNT DATABASE [COMMAND]. With a command `sh -c COMMAND` is spawned and one row
 * committed for each step; without one a child is forked that does nothing, and two rows are committed: an intent and a
 * receipt. `power` syncs a commit of each step to disk.
 */
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static sqlite3 *db;
static sqlite3_stmt *insert;

_Noreturn static void
fail(const char *what)
{
    fprintf(stderr, "loop_bare: %s: %s\n", what, db != NULL ? sqlite3_errmsg(db) : "");
    exit(1);
}

static void
exec(const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail(sql);
}

static void
commit_row(const char *type, long step)
{
    sqlite3_bind_text(insert, 1, type, -1, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 2, step);
    if (sqlite3_step(insert) != SQLITE_DONE) fail("cannot insert");
    sqlite3_reset(insert);
}

static void
wait_for(pid_t pid)
{
    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0) fail("a step failed");
}

static void
run_shell(const char *command)
{
    char name[] = "sh", flag[] = "-c", *text = strdup(command);
    char *argv[] = {name, flag, text, NULL};
    pid_t pid;
    if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) != 0) fail("cannot spawn");
    free(text);
    wait_for(pid);
}

static void
run_nothing(void)
{
    pid_t pid = fork();
    if (pid < 0) fail("cannot fork");
    if (pid == 0) _exit(0);
    wait_for(pid);
}

int
main(int argc, char **argv)
{
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: loop_bare process|power COUNT DATABASE [COMMAND]\n");
        return 2;
    }
    long count = strtol(argv[2], NULL, 10);
    if (sqlite3_open(argv[3], &db) != SQLITE_OK) fail("cannot open");
    exec("pragma journal_mode = wal");
    exec(strcmp(argv[1], "power") == 0 ? "pragma synchronous = full" : "pragma synchronous = normal");
    exec("create table events(seq integer primary key, type text, step integer)");
    if (sqlite3_prepare_v2(db, "insert into events(type, step) values(?,?)", -1, &insert, NULL) != SQLITE_OK)
        fail("cannot prepare");
    for (long i = 0; i < count; i++) {
        if (argc == 5) {
            run_shell(argv[4]);
        } else {
            commit_row("intent", i);
            run_nothing();
        }
        commit_row("receipt", i);
    }
    sqlite3_finalize(insert);
    return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}
