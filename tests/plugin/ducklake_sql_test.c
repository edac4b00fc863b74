/* SPDX-License-Identifier: Apache-2.0
 *
 * ducklake.sql against the real DuckDB: parameters, transactions, what leaves a trace, what is published.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/ducklake_lab.h"

static struct lab lab;

static void
begin(void)
{
    lab_begin(&lab);
    lab_write(&lab, "t.csv", "id,name,day\n1,ann,2013-01-01\n2,bob,2013-01-02\n3,o'cy,2013-01-03\n");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 't.csv'}");
}

static const json_t *
cell(size_t row, const char *column)
{
    return json_object_get(json_array_get(json_object_get(lab.fake.outputs, "rows"), row), column);
}

static void
binds_expressions(void)
{
    begin();
    CHECK_RUN(&lab, "sql", "{'sql': 'SELECT name, id FROM t WHERE name = ${{\\'o`cy\\'}} OR id = ${{1}} ORDER BY id'}");
    CHECK_INT(json_array_size(json_object_get(lab.fake.outputs, "rows")), 2);
    CHECK_STR(json_string_value(cell(1, "name")), "o'cy");
    CHECK_INT(json_integer_value(cell(0, "id")), 1);
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "snapshot_id"), 1);
    /* What looks like SQL stays a value; a text finds its type where it stands. */
    CHECK_RUN(&lab, "sql",
        "{'sql': 'SELECT count(*) AS n FROM t WHERE name = ${{\\'x` OR 1=1 --\\'}} OR day > "
        "${{\\'2013-01-02\\'}}'}");
    CHECK_INT(json_integer_value(cell(0, "n")), 1);
    CHECK_RUN(&lab, "sql",
        "{'sql': 'SELECT count(*) AS n FROM t WHERE list_contains($names, name)', 'params': {'names': ['ann', "
        "'bob']}}");
    CHECK_INT(json_integer_value(cell(0, "n")), 2);
    CHECK_FAULT(&lab, "sql", "{'sql': 'SELECT $nope'}", LEVADA_INVALID, "no value for the parameter $nope");
    lab_end(&lab);
}

static void
keeps_types(void)
{
    begin();
    CHECK_RUN(&lab, "sql",
        "{'sql': 'SELECT 1::TINYINT AS a, 12.34::DECIMAL(9,2) AS b, -0.05::DECIMAL(4,2) AS b2, "
        "170141183460469231731687303715884105727 AS c,"
        " 0.1::DOUBLE AS d, DATE `2013-02-03` AS e, TIMESTAMPTZ `2013-02-03 04:05:06.5+00` AS f, [1, NULL] AS g, "
        "{x: `y`} AS h, NULL AS i,"
        " true AS j, `00000000-0000-0000-0000-0000000000ff`::UUID AS k, TIME `01:02:03` AS l, MAP {`k`: 1} AS m,"
        " `b`::ENUM(`a`, `b`) AS n, `ab`::BLOB AS o, `nan`::DOUBLE AS p, 0.000001::DECIMAL(18,6) AS q'}");
    char *text = json_dumps(json_object_get(lab.fake.outputs, "rows"), JSON_COMPACT | JSON_REAL_PRECISION(15));
    CHECK_STR(text,
        "[{\"a\":1,\"b\":12.34,\"b2\":-0.05,\"c\":\"170141183460469231731687303715884105727\",\"d\":0.1,\"e\":"
        "\"2013-02-03\","
        "\"f\":\"2013-02-03T04:05:06.5Z\",\"g\":[1,null],\"h\":{\"x\":\"y\"},\"i\":null,\"j\":true,"
        "\"k\":\"00000000-0000-0000-0000-0000000000ff\",\"l\":\"01:02:03\",\"m\":[{\"key\":\"k\",\"value\":1}],"
        "\"n\":\"b\",\"o\":\"6162\","
        "\"p\":\"NaN\",\"q\":1e-6}]");
    free(text);
    lab_end(&lab);
}

static void
is_one_transaction(void)
{
    begin();
    CHECK_RUN(&lab, "sql",
        "{'sql': 'CREATE TABLE u AS SELECT * FROM t; DELETE FROM u WHERE id = 1; SELECT count(*) AS n FROM u'}");
    CHECK_INT(fake_int(&lab.fake, "snapshot_id"), 2);
    CHECK_INT(fake_int(&lab.fake, "rows_changed"), 1);
    CHECK(fake_bool(&lab.fake, "changed"));
    CHECK_INT(json_integer_value(cell(0, "n")), 2);
    CHECK_FAULT(&lab, "sql", "{'sql': 'DELETE FROM u; SELECT 1/0::INT, error(`no`)'}", LEVADA_INVALID, "no");
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM u"), 2);
    CHECK_FAULT(&lab, "sql", "{'sql': 'DELETE FROM u; COMMIT'}", LEVADA_INVALID,
        "a step's SQL cannot begin or end a transaction");
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM u"), 2);
    int32_t found = -1;
    CHECK_INT(lab_resolve(&lab, "token-2", "sql", "{'sql': 'SELECT 1'}", &found), 0);
    CHECK_INT(found, LEVADA_DONE);
    CHECK_INT(json_integer_value(cell(0, "n")), 2);
    lab_end(&lab);
}

static void
leaves_no_trace_when_it_reads(void)
{
    begin();
    static const char *const reads[] = {
        "{'sql': 'SELECT * FROM t'}",
        "{'sql': 'CREATE TABLE IF NOT EXISTS t(i INTEGER)'}",
        "{'sql': 'DELETE FROM t WHERE id > 99'}",
        "{'sql': 'CREATE TEMP TABLE x AS SELECT 1; SELECT * FROM x'}",
        "{'sql': 'DROP TABLE IF EXISTS nope'}",
        "{'sql': 'EXPLAIN SELECT * FROM t'}",
    };
    for (size_t i = 0; i < CHECK_COUNT(reads); i++) {
        CHECK_RUN(&lab, "sql", reads[i]);
        CHECK_INT(lab_count(&lab, "SELECT count(*) FROM ducklake_snapshots('lake')"), 2);
    }
    /* A temporary table does not reach the next step. */
    CHECK_INT(lab_run(&lab, "sql", "{'sql': 'SELECT * FROM x'}"), LEVADA_MISSING);
    CHECK_RUN(&lab, "sql", "{'sql': 'ALTER TABLE t ADD COLUMN city VARCHAR'}");
    CHECK(fake_bool(&lab.fake, "changed"));
    CHECK_RUN(&lab, "sql", "{'sql': 'CREATE OR REPLACE VIEW v AS SELECT 1 AS one'}");
    CHECK(fake_bool(&lab.fake, "changed"));
    lab_end(&lab);
}

static void
limits_rows(void)
{
    begin();
    CHECK_RUN(&lab, "sql", "{'sql': 'SELECT * FROM range(1000000)', 'limit': 5}");
    CHECK_INT(json_array_size(json_object_get(lab.fake.outputs, "rows")), 5);
    CHECK(fake_bool(&lab.fake, "truncated"));
    lab_end(&lab);
}

#define PUBLISH \
    "{'sql': 'WITH a AS (SELECT * FROM t) SELECT name, count(*) AS n FROM a JOIN v USING (id) " \
    "WHERE day < ${{\\'2014-01-01\\'}} GROUP BY ALL', " \
    "'publish': {'table': 'marts.s'}}"

static void
publishes_once(void)
{
    begin();
    CHECK_RUN(&lab, "load", "{'table': 'u', 'from': 't.csv'}");
    CHECK_RUN(&lab, "sql", "{'sql': 'CREATE VIEW v AS SELECT id FROM u'}");
    CHECK_RUN(&lab, "sql", PUBLISH);
    CHECK(fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "rows_changed"), 3);
    CHECK_STR(fake_text(&lab.fake, "table"), "marts.s");
    int64_t snapshot = fake_int(&lab.fake, "snapshot_id");
    CHECK_RUN(&lab, "sql", "{'sql': 'CREATE TABLE other AS SELECT 1'}");
    CHECK_RUN(&lab, "sql", PUBLISH);
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "snapshot_id"), snapshot);
    CHECK(strstr(lab.fake.log, "table marts.s is unchanged since snapshot") != NULL);
    /* A table behind a view counts as read. */
    CHECK_RUN(&lab, "sql", "{'sql': 'DELETE FROM u WHERE id = 1'}");
    CHECK_RUN(&lab, "sql", PUBLISH);
    CHECK(fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "rows_changed"), 2);
    CHECK_RUN(&lab, "sql", "{'sql': 'DELETE FROM marts.s'}");
    CHECK_RUN(&lab, "sql", PUBLISH);
    CHECK(fake_bool(&lab.fake, "changed"));
    lab_end(&lab);
}

static void
publishes_always_what_it_cannot_know(void)
{
    begin();
    static const char *const queries[] = {
        "SELECT now() AS x FROM t",
        "SELECT current_date AS x FROM t",
        "SELECT random() AS x FROM t",
        "SELECT * FROM t USING SAMPLE 1 ROWS",
        "SELECT * FROM read_csv(`t.csv`)",
        "SELECT count(*) AS n FROM p",
    };
    CHECK_RUN(&lab, "sql", "{'sql': 'CREATE TABLE p AS SELECT 1 AS n'}");
    for (size_t i = 0; i < CHECK_COUNT(queries); i++) {
        char input[1024];
        snprintf(input, sizeof input, "{'sql': '%s', 'publish': {'table': 'p'}}", queries[i]);
        for (int time = 0; time < 2; time++) {
            if (i == 4)
                snprintf(input, sizeof input,
                    "{'sql': 'SELECT * FROM read_csv(`%s/t.csv`)', 'publish': {'table': 'p'}}", lab.root);
            CHECK_RUN(&lab, "sql", input);
            CHECK(fake_bool(&lab.fake, "changed"));
        }
        CHECK(strstr(lab.fake.log, "the query runs every time, because it ") != NULL);
    }
    lab_end(&lab);
}

static void
publishes_partitions(void)
{
    begin();
    CHECK_RUN(&lab, "sql",
        "{'sql': 'SELECT * FROM t WHERE id < ${{3}};', 'publish': {'table': 'p', 'partition_by': ['month(day)']}}");
    CHECK_INT(fake_int(&lab.fake, "rows_changed"), 2);
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM __ducklake_metadata_lake.ducklake_partition_column"), 1);
    CHECK_FAULT(&lab, "sql", "{'sql': 'SELECT 1; SELECT 2', 'publish': {'table': 'p'}}", LEVADA_INVALID,
        "here stands one query, but there are 2 statements");
    lab_end(&lab);
}

static void
says_what_is_wrong(void)
{
    begin();
    CHECK_FAULT(
        &lab, "sql", "{'sql': 'SELECT * FROM flihgts'}", LEVADA_MISSING, "table with name flihgts does not exist");
    CHECK_STR(lab.fake.hint, "The lake has the tables t.");
    CHECK_FAULT(&lab, "sql", "{'sql': 'SELECT nope FROM t'}", LEVADA_INVALID,
        "referenced column \"nope\" not found in FROM clause, at LINE 1: SELECT nope FROM t");
    CHECK_FAULT(
        &lab, "sql", "{'sql': 'SELEC 1'}", LEVADA_INVALID, "syntax error at or near \"SELEC\", at LINE 1: SELEC 1");
    CHECK_FAULT(&lab, "sql", "{'sql': 'SELECT * FROM read_text(`/etc/passwd`)'}", LEVADA_AUTH,
        "cannot access file \"/etc/passwd\" - file system operations are disabled by configuration");
    CHECK_STR(lab.fake.hint, "Name the folder or URI prefix in the input `allow`.");
    CHECK_RUN(&lab, "sql", "{'sql': 'SELECT count(*) AS n FROM read_text(`/etc/passwd`)', 'allow': ['/etc']}");
    CHECK_FAULT(&lab, "sql", "{'sql': 'SET memory_limit = `9GB`'}", LEVADA_INVALID,
        "a step's SQL cannot attach, load or set anything");
    CHECK_FAULT(&lab, "sql", "{'sql': 'ATTACH `x.db`'}", LEVADA_INVALID,
        "a step's SQL cannot attach, load or set anything");
    CHECK_FAULT(&lab, "sql", "{'file': 'no.sql'}", LEVADA_MISSING,
        "cannot open \"ROOT/no.sql\": No such file or directory");
    lab_write(&lab, "a.sql", "SELECT 1 AS one;\nSELECT $x::INTEGER AS x;\n");
    CHECK_RUN(&lab, "sql", "{'file': 'a.sql', 'params': {'x': 7}}");
    CHECK_INT(json_integer_value(cell(0, "x")), 7);
    lab_write(&lab, "a.sql", "SELEC");
    CHECK_FAULT(&lab, "sql", "{'file': 'a.sql'}", LEVADA_INVALID,
        "ROOT/a.sql: syntax error at or near \"SELEC\", at LINE 1: SELEC");
    lab_end(&lab);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"expressions are bound parameters", binds_expressions},
        {"values keep their types in JSON", keeps_types},
        {"all statements are one transaction", is_one_transaction},
        {"what changes nothing leaves no snapshot", leaves_no_trace_when_it_reads},
        {"rows stop at the limit", limits_rows},
        {"a query is published again only when something it reads changed", publishes_once},
        {"a query that depends on more than tables is published every time", publishes_always_what_it_cannot_know},
        {"a published table can be partitioned", publishes_partitions},
        {"faults say what and where", says_what_is_wrong},
    };
    return check_main("ducklake sql", tests, CHECK_COUNT(tests), argc, argv);
}
