/* SPDX-License-Identifier: Apache-2.0
 *
 * What is left when a worker is killed, cancelled or out of space, and how two of them share a lake.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugin/ducklake_lab.h"

#define BIG_ROWS 300000
#define LOAD_BIG "{'table': 'big', 'from': 'big.csv', 'mode': 'append'}"

static struct lab lab;

static void
sleep_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0 && errno == EINTR) {}
}

static int64_t
now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The clock is the machine's here: the kills are spread over the time that a load takes, and a bit more. */
static void
survives_kills(void)
{
    enum { ROUNDS = 8 };
    char token[32];
    int kills = 0, done = 0;
    lab_begin(&lab);
    lab_big_csv(&lab, "big.csv", BIG_ROWS);
    int64_t began = now_ms();
    CHECK_INT(lab_wait(lab_spawn(&lab, "whole", "load", "{'table': 'first', 'from': 'big.csv'}", "0")), 0);
    long whole_ms = (long)(now_ms() - began);
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(token, sizeof token, "kill-%d", i);
        pid_t pid = lab_spawn(&lab, token, "load", LOAD_BIG, "0");
        CHECK_FATAL(pid > 0);
        sleep_ms(whole_ms * (i + 2) / ROUNDS);
        kill(pid, SIGKILL);
        kills += lab_wait(pid) == 1000 + SIGKILL;
        int32_t found = -1;
        CHECK_INT(lab_resolve(&lab, token, "load", LOAD_BIG, &found), 0);
        CHECK(found == LEVADA_DONE || found == LEVADA_NOT_DONE);
        done += found == LEVADA_DONE;
        int64_t rows = lab_count(
            &lab, "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'lake' AND table_name = 'big'");
        if (rows == 1) rows = lab_count(&lab, "SELECT count(*) FROM big");
        /* All or nothing, and the mark says which. */
        CHECK_INT(rows, found == LEVADA_DONE ? BIG_ROWS : 0);
        CHECK_INT(lab_again(&lab, "load", LOAD_BIG), 0);
        CHECK_INT(lab_count(&lab, "SELECT count(*) FROM big"), BIG_ROWS);
        CHECK_INT(lab_count(&lab, "SELECT sum(id)::BIGINT FROM big"), (int64_t)BIG_ROWS * (BIG_ROWS - 1) / 2);
        CHECK_RUN(&lab, "sql", "{'sql': 'DROP TABLE big'}");
        /* The next round must find the lake free: this process lets go of it. */
        lab_leave();
    }
    printf("%d killed, %d of them after the commit ... ", kills, done);
    CHECK(kills > 0);
    lab_end(&lab);
}

struct canceller {
    long after_ms;
    pthread_t thread;
};

static void *
cancel_later(void *arg)
{
    const struct canceller *canceller = arg;
    sleep_ms(canceller->after_ms);
    lab.fake.cancel = true;
    return NULL;
}

static void
stops_when_cancelled(void)
{
    lab_begin(&lab);
    CHECK_RUN(&lab, "sql", "{'sql': 'CREATE TABLE t AS SELECT 1 AS i'}");
    struct canceller canceller = {.after_ms = 300};
    static const char *const inputs[] = {
        "{'sql': 'CREATE TABLE huge AS SELECT sum(a.range * b.range % 7) AS s FROM range(200000) a, range(200000) "
        "b GROUP BY a.range % 1000'}",
        "{'sql': 'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 97 = 3'}",
    };
    for (size_t i = 0; i < CHECK_COUNT(inputs); i++) {
        pthread_create(&canceller.thread, NULL, cancel_later, &canceller);
        int64_t began = now_ms();
        CHECK_INT(lab_run(&lab, "sql", inputs[i]), LEVADA_CANCELLED);
        CHECK(now_ms() - began < 5000);
        CHECK_STR(lab.fake.message, "cancelled");
        pthread_join(canceller.thread, NULL);
    }
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'huge'"), 0);
    CHECK_INT(lab_count(&lab, "SELECT max(snapshot_id) FROM ducklake_snapshots('lake')"), 1);
    CHECK_RUN(&lab, "sql", "{'sql': 'SELECT * FROM t'}");
    lab_end(&lab);
}

static void
tells_progress(void)
{
    lab_begin(&lab);
    CHECK_RUN(&lab, "sql", "{'sql': 'CREATE TABLE t AS SELECT range AS i FROM range(3000000)'}");
    CHECK_RUN(&lab, "sql", "{'sql': 'SELECT count(DISTINCT md5(i::VARCHAR || `x`)) AS n FROM t'}");
    CHECK(lab.fake.progress_count > 0);
    lab_end(&lab);
}

static void
leaves_no_half_table_on_a_full_disk(void)
{
    lab_begin(&lab);
    lab_big_csv(&lab, "big.csv", BIG_ROWS);
    lab_write(&lab, "small.csv", "id\n1\n");
    CHECK_RUN(&lab, "load", "{'table': 'small', 'from': 'small.csv'}");
    lab_leave();
    pid_t pid = lab_spawn(&lab, "full", "load", LOAD_BIG, "600000");
    CHECK_INT(lab_wait(pid), LEVADA_PERMANENT);
    char *message = lab_read(&lab, "child.txt");
    CHECK_FATAL(message != NULL);
    CHECK(strstr(message, "lake.ducklake.files/main/big/") != NULL);
    CHECK(strstr(message, "File too large") != NULL);
    if (strstr(message, "File too large") == NULL) puts(message);
    free(message);
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'big'"), 0);
    CHECK_RUN(&lab, "load", LOAD_BIG);
    CHECK_INT(fake_int(&lab.fake, "rows_total"), BIG_ROWS);
    lab_end(&lab);
}

static void
waits_for_the_other_worker(const char *catalog)
{
    char input[256], token[16];
    pid_t pids[3];
    lab_begin(&lab);
    lab_write(&lab, "t.csv", "id\n1\n2\n");
    snprintf(input, sizeof input,
        "{'table': 't', 'from': 't.csv', 'catalog': '%s', 'data': 'files', 'options': {'sample_size': -1}}",
        catalog);
    for (int i = 0; i < 3; i++) {
        snprintf(token, sizeof token, "w%d", i);
        /* Each load is another one, or it would be unchanged. */
        snprintf(input, sizeof input,
            "{'table': 't', 'from': 't.csv', 'catalog': '%s', 'data': 'files', 'options': {'sample_size': %d}}",
            catalog, 100 + i);
        pids[i] = lab_spawn(&lab, token, "load", input, "0");
    }
    for (int i = 0; i < 3; i++) CHECK_INT(lab_wait(pids[i]), 0);
    snprintf(input, sizeof input, "{'sql': 'SELECT count(*) AS n FROM t', 'catalog': '%s', 'data': 'files'}", catalog);
    CHECK_RUN(&lab, "sql", input);
    CHECK_INT(
        json_integer_value(json_object_get(json_array_get(json_object_get(lab.fake.outputs, "rows"), 0), "n")), 6);
    lab_end(&lab);
}

static void
shares_a_file_catalog(void)
{
    waits_for_the_other_worker("shared.ducklake");
}

static void
shares_an_sqlite_catalog(void)
{
    waits_for_the_other_worker("sqlite:shared.sqlite");
}

static void
works_on_sqlite(void)
{
    lab_begin(&lab);
    lab_write(&lab, "t.csv", "id,name\n1,ann\n2,bob\n");
    static const char load[] = "{'table': 't', 'from': 't.csv', 'catalog': 'sqlite:l.sqlite', 'mode': 'replace'}";
    CHECK_RUN(&lab, "load", load);
    CHECK(strstr(lab.fake.log, "an SQLite catalog has one writer at a time") != NULL);
    CHECK_RUN(&lab, "load", load);
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_RUN(&lab, "sql",
        "{'sql': 'SELECT max(id) AS m FROM t', 'publish': {'table': 'm'}, 'catalog': 'sqlite:l.sqlite'}");
    CHECK_RUN(&lab, "sql",
        "{'sql': 'SELECT max(id) AS m FROM t', 'publish': {'table': 'm'}, 'catalog': 'sqlite:l.sqlite'}");
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_RUN(&lab, "maintain", "{'catalog': 'sqlite:l.sqlite', 'keep': '0s'}");
    CHECK_RUN(&lab, "snapshots", "{'catalog': 'sqlite:l.sqlite'}");
    CHECK_RUN(&lab, "check",
        "{'catalog': 'sqlite:l.sqlite', 'table': 't', 'checks': [{'name': 'n', 'row_count': {'min': 2}}]}");
    lab_end(&lab);
}

static void
refuses_what_is_no_catalog(void)
{
    lab_begin(&lab);
    lab_write(&lab, "text.txt", "this is a text and not a database, and it is long enough to be looked at by DuckDB");
    lab_write(&lab, "t.csv", "id\n1\n");
    CHECK_INT(lab_run(&lab, "load", "{'table': 't', 'from': 't.csv', 'catalog': 'text.txt'}"), LEVADA_INVALID);
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.csv', 'catalog': 'artifacts'}", LEVADA_INVALID,
        "catalog \"ROOT/artifacts\" is not a file");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.csv', 'catalog': 'postgres:dbname=x password=hunter22'}",
        LEVADA_INVALID, "input \"catalog\" contains a password or a URI with one");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 't.csv'}");
    CHECK_INT(lab_run(&lab, "load", "{'table': 't', 'from': 't.csv', 'data': 'elsewhere'}"), LEVADA_INVALID);
    CHECK_STR(lab.fake.hint, "Leave the input `data` out, or give the path the lake was made with.");
    lab_end(&lab);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a load killed anywhere is there whole or not at all, and resolve knows", survives_kills},
        {"a cancelled query ends soon and leaves nothing", stops_when_cancelled},
        {"a long query tells its progress", tells_progress},
        {"a full disk leaves no half table and names the path", leaves_no_half_table_on_a_full_disk},
        {"workers on one file catalog wait for each other", shares_a_file_catalog},
        {"workers on one sqlite catalog wait for each other", shares_an_sqlite_catalog},
        {"all actions work on an sqlite catalog", works_on_sqlite},
        {"what is no catalog is refused", refuses_what_is_no_catalog},
    };
    lab_child(argc, argv);
    return check_main("ducklake crash", tests, CHECK_COUNT(tests), argc, argv);
}
