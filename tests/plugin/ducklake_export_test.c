/* SPDX-License-Identifier: Apache-2.0
 *
 * ducklake.export, maintain, snapshots and report against the real DuckDB.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include "plugin/ducklake_lab.h"

static struct lab lab;

static void
begin(void)
{
    lab_begin(&lab);
    lab_write(&lab, "t.csv", "id,city,n\n1,Rio,1.5\n2,Oslo,2.5\n3,Rio,3.5\n");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 't.csv'}");
}

static bool
is_there(const char *name)
{
    return access(lab_path(&lab, name), F_OK) == 0;
}

static void
check_content(const char *name, const char *want)
{
    char *got = lab_read(&lab, name);
    CHECK_STR(got, want);
    free(got);
}

static void
exports_files(void)
{
    begin();
    CHECK_RUN(&lab, "export", "{'sql': 'SELECT * FROM t WHERE id < ${{3}} ORDER BY id', 'to': 'out/t.csv'}");
    check_content("out/t.csv", "id,city,n\n1,Rio,1.5\n2,Oslo,2.5\n");
    CHECK_INT(fake_int(&lab.fake, "rows"), 2);
    CHECK_INT(fake_int(&lab.fake, "files"), 1);
    CHECK_INT(fake_int(&lab.fake, "bytes"), 31);
    CHECK_STR(fake_text(&lab.fake, "uri"), lab_path(&lab, "out/t.csv"));
    CHECK_RUN(&lab, "export", "{'table': 't', 'to': 'out/t.json'}");
    check_content("out/t.json",
        "{\"id\":1,\"city\":\"Rio\",\"n\":1.5}\n{\"id\":2,\"city\":\"Oslo\",\"n\":2.5}\n{\"id\":3,\"city\":\"Rio\","
        "\"n\":3.5}\n");
    CHECK_RUN(&lab, "export", "{'table': 't', 'to': 'out/t.csv.gz'}");
    CHECK_RUN(&lab, "load", "{'table': 'u', 'from': 'out/t.csv.gz'}");
    CHECK_INT(fake_int(&lab.fake, "rows_total"), 3);
    CHECK_RUN(&lab, "export", "{'table': 't', 'to': 'out/t.parquet', 'snapshot': 1}");
    CHECK_INT(fake_int(&lab.fake, "rows"), 3);
    CHECK(!is_there("out/.levada-t.parquet"));
    lab_end(&lab);
}

static void
exports_partitions(void)
{
    begin();
    CHECK_RUN(&lab, "export", "{'table': 't', 'to': 'out', 'format': 'parquet', 'partition_by': ['city']}");
    CHECK_INT(fake_int(&lab.fake, "files"), 2);
    CHECK_INT(fake_int(&lab.fake, "rows"), 3);
    CHECK(is_there("out/city=Rio/data_0.parquet"));
    CHECK_RUN(&lab, "export", "{'table': 't', 'to': 'out', 'format': 'parquet', 'partition_by': ['city']}");
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "files"), 2);
    /* A file that is gone, and a table that changed, are both reasons to write. */
    CHECK_INT(unlink(lab_path(&lab, "out/city=Rio/data_0.parquet")), 0);
    CHECK_RUN(&lab, "export", "{'table': 't', 'to': 'out', 'format': 'parquet', 'partition_by': ['city']}");
    CHECK(fake_bool(&lab.fake, "changed"));
    CHECK_RUN(&lab, "sql", "{'sql': 'DELETE FROM t WHERE city = ${{\\'Oslo\\'}}'}");
    CHECK_RUN(&lab, "export", "{'table': 't', 'to': 'out', 'format': 'parquet', 'partition_by': ['city']}");
    CHECK(fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "files"), 1);
    CHECK(!is_there("out/city=Oslo"));
    CHECK(!is_there(".levada-out"));
    lab_end(&lab);
}

static void
spares_the_files_of_others(void)
{
    begin();
    lab_write(&lab, "mine.csv", "do not touch\n");
    CHECK_FAULT(&lab, "export", "{'table': 't', 'to': 'mine.csv'}", LEVADA_INVALID,
        "\"ROOT/mine.csv\" is there already, and no export wrote it");
    check_content("mine.csv", "do not touch\n");
    CHECK_RUN(&lab, "export", "{'table': 't', 'to': 'mine.csv', 'overwrite': true}");
    CHECK_RUN(&lab, "sql", "{'sql': 'DELETE FROM t'}");
    CHECK_RUN(&lab, "export", "{'table': 't', 'to': 'mine.csv'}");
    check_content("mine.csv", "id,city,n\n");
    CHECK_FAULT(&lab, "export", "{'table': 't', 'to': '.'}", LEVADA_INVALID, "input \"to\": \"ROOT\" is a folder");
    CHECK_FAULT(&lab, "export", "{'table': 'no', 'to': 'x.csv'}", LEVADA_MISSING, "table \"no\" does not exist");
    CHECK_FAULT(&lab, "export", "{'to': 'x.csv'}", LEVADA_INVALID,
        "exactly one of the inputs \"table\" and \"sql\" must be given");
    lab_end(&lab);
}

static void
maintains(void)
{
    begin();
    for (int i = 0; i < 4; i++) CHECK_RUN(&lab, "sql", "{'sql': 'INSERT INTO t SELECT range, `x`, 0 FROM range(100)'}");
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM ducklake_list_files('lake', 't')"), 4);
    CHECK_RUN(&lab, "maintain", "{'dry_run': true, 'keep': '0s'}");
    CHECK_INT(fake_int(&lab.fake, "snapshots_expired"), 5);
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_RUN(&lab, "maintain", "{}");
    CHECK_INT(fake_int(&lab.fake, "files_merged"), 4);
    CHECK_INT(fake_int(&lab.fake, "files_created"), 1);
    CHECK_INT(fake_int(&lab.fake, "snapshots_expired"), 0);
    CHECK_INT(fake_int(&lab.fake, "files_deleted"), 0);
    CHECK(fake_bool(&lab.fake, "changed"));
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM t"), 403);
    int64_t snapshot = fake_int(&lab.fake, "snapshot_id");
    CHECK_RUN(&lab, "maintain", "{}");
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "snapshot_id"), snapshot);
    CHECK_RUN(&lab, "maintain", "{'keep': '0s'}");
    CHECK(fake_int(&lab.fake, "snapshots_expired") > 0);
    CHECK_INT(fake_int(&lab.fake, "files_deleted"), 0);
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM t"), 403);
    lab_end(&lab);
}

static void
keeps_what_is_unchanged(void)
{
    begin();
    CHECK_RUN(&lab, "sql", "{'sql': 'SELECT city, count(*) AS n FROM t GROUP BY 1', 'publish': {'table': 's'}}");
    for (int i = 0; i < 3; i++)
        CHECK_RUN(&lab, "sql",
            "{'sql': 'CREATE TABLE IF NOT EXISTS o(i BIGINT); INSERT INTO o SELECT * FROM range(100)'}");
    CHECK_RUN(&lab, "maintain", "{'keep': '0s'}");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 't.csv'}");
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_RUN(&lab, "sql", "{'sql': 'SELECT city, count(*) AS n FROM t GROUP BY 1', 'publish': {'table': 's'}}");
    CHECK(!fake_bool(&lab.fake, "changed"));
    lab_end(&lab);
}

static void
deletes_old_orphans_only(void)
{
    begin();
    CHECK_RUN(&lab, "sql", "{'sql': 'INSERT INTO t SELECT range, `x`, 0 FROM range(100)'}");
    CHECK_RUN(&lab, "export", "{'table': 't', 'to': 'lake.ducklake.files/main/t/ducklake-young.parquet'}");
    CHECK_RUN(&lab, "export", "{'table': 't', 'to': 'lake.ducklake.files/main/t/ducklake-old.parquet'}");
    struct utimbuf old = {.actime = 1, .modtime = 1000000000};
    CHECK_INT(utime(lab_path(&lab, "lake.ducklake.files/main/t/ducklake-old.parquet"), &old), 0);
    CHECK_RUN(&lab, "maintain", "{}");
    CHECK_INT(fake_int(&lab.fake, "orphans_deleted"), 1);
    CHECK(!is_there("lake.ducklake.files/main/t/ducklake-old.parquet"));
    CHECK(is_there("lake.ducklake.files/main/t/ducklake-young.parquet"));
    lab_end(&lab);
}

static void
lists_snapshots(void)
{
    begin();
    CHECK_RUN(&lab, "sql", "{'sql': 'DELETE FROM t WHERE id = 1'}");
    CHECK_RUN(&lab, "snapshots", "{'limit': 2}");
    const json_t *list = json_object_get(lab.fake.outputs, "snapshots");
    CHECK_INT(json_array_size(list), 2);
    CHECK_INT(fake_int(&lab.fake, "count"), 3);
    CHECK_INT(fake_int(&lab.fake, "snapshot_id"), 2);
    const json_t *first = json_array_get(list, 0);
    CHECK_INT(json_integer_value(json_object_get(first, "snapshot_id")), 2);
    CHECK_STR(json_string_value(json_object_get(first, "author")), "levada");
    CHECK_STR(json_string_value(json_object_get(first, "message")), "sql, step step1 of run run1");
    CHECK(strlen(json_string_value(json_object_get(first, "time"))) >= 20);
    CHECK_FAULT(&lab, "snapshots", "{'catalog': 'no.ducklake'}", LEVADA_MISSING,
        "there is no lake at \"ROOT/no.ducklake\"");
    CHECK(!is_there("no.ducklake"));
    lab_end(&lab);
}

#define REPORT \
    "{'title': 'A <b> & `c`', 'to': 'artifacts/r.html', 'charts': [" \
    "{'title': 'Rows', 'sql': 'SELECT * FROM t ORDER BY id'}," \
    "{'title': 'Cities', 'kind': 'bar', 'sql': 'SELECT city, sum(n) AS total FROM t GROUP BY 1 ORDER BY 1'}," \
    "{'title': 'Lines', 'kind': 'line', 'sql': " \
    "'SELECT DATE `2013-01-01` + id::INTEGER AS day, n, n * 1000 AS m FROM t ORDER BY 1'}," \
    "{'title': 'Dots', 'kind': 'scatter', 'sql': 'SELECT id, n FROM t', " \
    "'x': 'id', 'y': ['n'], 'note': 'Note & more'}," \
    "{'title': 'None', 'kind': 'line', 'sql': 'SELECT id, n FROM t WHERE false'}," \
    "{'title': 'Text', 'sql': 'SELECT `<script>alert(1)</script>` AS x, 1234567 AS big, NULL AS none'}]}"

static void
reports(void)
{
    begin();
    CHECK_RUN(&lab, "report", REPORT);
    CHECK_INT(fake_int(&lab.fake, "charts"), 6);
    char *page = lab_read(&lab, "artifacts/r.html");
    CHECK_FATAL(page != NULL);
    static const char *const wanted[] = {
        "<title>A &lt;b&gt; &amp; &#39;c&#39;</title>",
        "<td class=\"n\">1,234,567</td>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "Oslo, total: 2.5",
        "Rio, total: 5",
        "2013-01-02, n: 1.5",
        "Note &amp; more",
        "No rows.",
        "prefers-color-scheme:dark",
        "width=device-width",
        "<td>Rio</td>",
    };
    for (size_t i = 0; i < CHECK_COUNT(wanted); i++) {
        if (strstr(page, wanted[i]) == NULL) printf("not on the page: %s\n", wanted[i]);
        CHECK(strstr(page, wanted[i]) != NULL);
    }
    static const char *const unwanted[] = {"<script", "http://", "https://", "src=", "url(", "nan", "inf"};
    for (size_t i = 0; i < CHECK_COUNT(unwanted); i++) CHECK(strstr(page, unwanted[i]) == NULL);
    CHECK_INT((int64_t)strlen(page), fake_int(&lab.fake, "bytes"));
    free(page);
    CHECK_RUN(&lab, "report", REPORT);
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_FAULT(&lab, "report",
        "{'title': 'x', 'to': 'x.html', 'charts': [{'title': 'c', 'kind': 'line', 'sql': 'SELECT 1 AS a', 'y': "
        "['b']}]}",
        LEVADA_INVALID, "chart \"c\" has no column \"b\"");
    CHECK_FAULT(&lab, "report",
        "{'title': 'x', 'to': 'x.html', 'charts': [{'title': 'c', 'sql': 'DELETE FROM t'}]}", LEVADA_INVALID,
        "chart \"c\" writes to the lake");
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM t"), 3);
    lab_end(&lab);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"an export writes csv, json and parquet", exports_files},
        {"a partitioned export is made again only when something changed", exports_partitions},
        {"an export replaces only what an export wrote", spares_the_files_of_others},
        {"maintenance merges and expires, and rests when there is nothing to do", maintains},
        {"maintenance changes no data", keeps_what_is_unchanged},
        {"orphans are deleted by age", deletes_old_orphans_only},
        {"snapshots are listed with who made them", lists_snapshots},
        {"a report is one page with all numbers and nothing else", reports},
    };
    return check_main("ducklake export", tests, CHECK_COUNT(tests), argc, argv);
}
