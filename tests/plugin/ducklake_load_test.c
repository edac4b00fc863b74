/* SPDX-License-Identifier: Apache-2.0
 *
 * ducklake.load against the real DuckDB: formats, modes, contracts, evolution, what is unchanged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/ducklake_lab.h"

static struct lab lab;

#define THREE "id,name,amount\n1,ann,1.5\n2,bob,NA\n3,cy,2.5\n"
#define LOAD_T "{'table': 't', 'from': 't.csv', 'nulls': ['NA']}"

static void
loads_csv(void)
{
    lab_begin(&lab);
    lab_write(&lab, "t.csv", THREE);
    CHECK_RUN(&lab, "load", LOAD_T);
    CHECK_INT(fake_int(&lab.fake, "rows"), 3);
    CHECK_INT(fake_int(&lab.fake, "rows_total"), 3);
    CHECK_INT(fake_int(&lab.fake, "snapshot_id"), 1);
    CHECK_INT(fake_int(&lab.fake, "files"), 1);
    CHECK_STR(fake_text(&lab.fake, "table"), "t");
    CHECK(fake_bool(&lab.fake, "changed"));
    CHECK_STR(lab_ask(&lab, "SELECT string_agg(typeof(id) || typeof(amount)) FROM t LIMIT 1"),
        "BIGINTDOUBLE,BIGINTDOUBLE,BIGINTDOUBLE");
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM t WHERE amount IS NULL"), 1);
    lab_end(&lab);
}

static void
loads_all_formats(void)
{
    lab_begin(&lab);
    lab_write(&lab, "t.csv", THREE);
    CHECK_RUN(&lab, "load", LOAD_T);
    char sql[1024];
    static const char *const files[] = {"x.parquet", "x.csv.gz", "x.json", "x.ndjson", "x.csv.zst", "x.json.gz"};
    for (size_t i = 0; i < CHECK_COUNT(files); i++) {
        snprintf(sql, sizeof sql, "COPY t TO '%s'", lab_path(&lab, files[i]));
        lab_ask(&lab, sql);
        char input[256];
        snprintf(input, sizeof input, "{'table': 'f%zu', 'from': '%s'}", i, files[i]);
        CHECK_RUN(&lab, "load", input);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM (FROM t EXCEPT SELECT id, name, amount FROM f%zu)", i);
        CHECK_INT(lab_count(&lab, sql), 0);
        CHECK_INT(fake_int(&lab.fake, "rows"), 3);
    }
    lab_end(&lab);
}

static void
loads_patterns_and_lists(void)
{
    lab_begin(&lab);
    lab_write(&lab, "a1.csv", "id,v\n1,x\n2,y\n");
    lab_write(&lab, "a2.csv", "v,id\nz,3\n");
    lab_write(&lab, "b.csv", "id,v\n4,q\n");
    CHECK_RUN(&lab, "load", "{'table': 'raw.t', 'from': 'a*.csv'}");
    CHECK_INT(fake_int(&lab.fake, "rows"), 3);
    CHECK_INT(fake_int(&lab.fake, "files"), 2);
    CHECK_STR(fake_text(&lab.fake, "table"), "raw.t");
    /* Columns belong together by name, whatever their order. */
    CHECK_STR(lab_ask(&lab, "SELECT v FROM raw.t WHERE id = 3"), "z");
    CHECK_RUN(&lab, "load", "{'table': 'raw.t', 'from': ['b.csv', 'a1.csv'], 'mode': 'replace'}");
    CHECK_INT(fake_int(&lab.fake, "rows_total"), 3);
    CHECK_INT(lab_count(&lab, "SELECT sum(id)::BIGINT FROM raw.t"), 7);
    lab_end(&lab);
}

static void
repeats_nothing(void)
{
    lab_begin(&lab);
    lab_write(&lab, "t.csv", THREE);
    CHECK_RUN(&lab, "load", LOAD_T);
    CHECK_RUN(&lab, "load", LOAD_T);
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "rows"), 0);
    CHECK_INT(fake_int(&lab.fake, "rows_total"), 3);
    CHECK_INT(fake_int(&lab.fake, "snapshot_id"), 1);
    CHECK(strstr(lab.fake.log, "unchanged since snapshot 1") != NULL);
    /* Another table's commit is not ours to mind; one on this table is. */
    lab_write(&lab, "u.csv", THREE);
    CHECK_RUN(&lab, "load", "{'table': 'u', 'from': 'u.csv'}");
    CHECK_RUN(&lab, "load", LOAD_T);
    CHECK(!fake_bool(&lab.fake, "changed"));
    lab_ask(&lab, "DELETE FROM t WHERE id = 1");
    CHECK_RUN(&lab, "load", LOAD_T);
    CHECK(fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "rows_total"), 5);
    lab_write(&lab, "t.csv", THREE "4,dee,1\n");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 't.csv', 'nulls': ['NA'], 'mode': 'replace'}");
    CHECK_INT(fake_int(&lab.fake, "rows_total"), 4);
    int64_t snapshot = fake_int(&lab.fake, "snapshot_id");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 't.csv', 'nulls': ['NA'], 'mode': 'replace'}");
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "snapshot_id"), snapshot);
    lab_end(&lab);
}

static void
loads_once_per_token(void)
{
    lab_begin(&lab);
    lab_write(&lab, "t.csv", THREE);
    CHECK_RUN(&lab, "load", LOAD_T);
    lab_write(&lab, "t.csv", THREE "4,dee,1\n");
    CHECK_INT(lab_again(&lab, "load", LOAD_T), 0);
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM t"), 3);
    CHECK_INT(fake_int(&lab.fake, "rows"), 3);
    int32_t found = -1;
    CHECK_INT(lab_resolve(&lab, "token-1", "load", LOAD_T, &found), 0);
    CHECK_INT(found, LEVADA_DONE);
    CHECK_INT(fake_int(&lab.fake, "rows"), 3);
    CHECK_INT(fake_int(&lab.fake, "snapshot_id"), 1);
    CHECK(fake_bool(&lab.fake, "changed"));
    CHECK_INT(lab_resolve(&lab, "token-99", "load", LOAD_T, &found), 0);
    CHECK_INT(found, LEVADA_NOT_DONE);
    lab_end(&lab);
}

static void
resolves_without_a_lake(void)
{
    lab_begin(&lab);
    int32_t found = -1;
    CHECK_INT(lab_resolve(&lab, "token-1", "load", LOAD_T, &found), 0);
    CHECK_INT(found, LEVADA_NOT_DONE);
    char *catalog = lab_read(&lab, "lake.ducklake");
    CHECK(catalog == NULL);
    free(catalog);
    lab_end(&lab);
}

static void
merges_by_key(void)
{
    lab_begin(&lab);
    lab_write(&lab, "t.csv", "id,name\n1,ann\n2,bob\n3,cy\n");
    lab_write(&lab, "u.csv", "id,name\n2,BOB\n3,cy\n4,dee\n");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 't.csv', 'mode': 'merge', 'key': ['id']}");
    CHECK_INT(fake_int(&lab.fake, "rows_inserted"), 3);
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 'u.csv', 'mode': 'merge', 'key': ['id']}");
    CHECK_INT(fake_int(&lab.fake, "rows"), 3);
    CHECK_INT(fake_int(&lab.fake, "rows_inserted"), 1);
    CHECK_INT(fake_int(&lab.fake, "rows_updated"), 1);
    CHECK_STR(lab_ask(&lab, "SELECT string_agg(name, ' ' ORDER BY id) FROM t"), "ann BOB cy dee");
    /* Other bytes, same rows: nothing to write. */
    int64_t snapshot = fake_int(&lab.fake, "snapshot_id");
    lab_write(&lab, "v.csv", "id,name\n4,dee\n");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 'v.csv', 'mode': 'merge', 'key': ['id']}");
    CHECK(!fake_bool(&lab.fake, "changed"));
    CHECK_INT(fake_int(&lab.fake, "snapshot_id"), snapshot);
    lab_write(&lab, "w.csv", "id,name\n7,a\n7,b\n");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 'w.csv', 'mode': 'merge', 'key': ['id']}", LEVADA_CONTRACT,
        "the data of \"t\" have several rows with the key (7)");
    lab_write(&lab, "w.csv", "id,name\n7,a\n,b\n");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 'w.csv', 'mode': 'merge', 'key': ['id']}", LEVADA_CONTRACT,
        "1 rows for \"t\" have NULL in their key");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 'w.csv', 'mode': 'merge'}", LEVADA_INVALID,
        "mode \"merge\" needs the input \"key\"");
    lab_end(&lab);
}

static void
evolves_only_when_told(void)
{
    lab_begin(&lab);
    lab_write(&lab, "t.csv", "id,name\n1,ann\n");
    lab_write(&lab, "u.csv", "id,name,city\n2,bob,Rio\n");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 't.csv'}");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 'u.csv'}", LEVADA_CONTRACT,
        "table \"t\" has no column \"city\", which \"ROOT/u.csv\" brings");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 'u.csv', 'evolve': true}");
    CHECK_STR(lab_ask(&lab, "SELECT string_agg(coalesce(city, '-'), ' ' ORDER BY id) FROM t"), "- Rio");
    lab_write(&lab, "v.csv", "id\n3\n");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 'v.csv'}");
    CHECK(strstr(lab.fake.log, "the data lack the column \"city\"") != NULL);
    lab_end(&lab);
}

#define CONTRACT \
    "columns:\n  id: {type: integer, required: true}\n  name: string\n  day: {type: DATE}\n" \
    "extra: error\n"

static void
keeps_contracts(void)
{
    lab_begin(&lab);
    lab_write(&lab, "c.yaml", CONTRACT);
    lab_write(&lab, "t.csv", "name,id,day\n007,1,2013-01-02\n");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 't.csv', 'contract': 'c.yaml'}");
    CHECK_STR(lab_ask(&lab, "SELECT typeof(id) || typeof(name) || typeof(day) || name FROM t"), "BIGINTVARCHARDATE007");
    lab_write(&lab, "t.csv", "name,day\nann,2013-01-02\n");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.csv', 'contract': 'c.yaml'}", LEVADA_CONTRACT,
        "\"ROOT/t.csv\" lacks the required column \"id\" of contract \"ROOT/c.yaml\"");
    lab_write(&lab, "t.csv", "id,name,day,more\n1,ann,2013-01-02,x\n");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.csv', 'contract': 'c.yaml'}", LEVADA_CONTRACT,
        "\"ROOT/t.csv\" has the column \"more\", which contract \"ROOT/c.yaml\" does not know");
    lab_write(&lab, "t.csv", "id,name,day\n1,ann,2013-01-02\n2,bob,tuesday\n");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.csv', 'contract': 'c.yaml'}", LEVADA_CONTRACT,
        "ROOT/t.csv:3: column \"day\": could not convert string \"tuesday\" to 'DATE'");
    lab_write(&lab, "t.csv", "id,name,day\n,ann,2013-01-02\n");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.csv', 'contract': 'c.yaml'}", LEVADA_CONTRACT,
        "NOT NULL constraint failed: t.id");
    lab_write(&lab, "c.yaml", "columns:\n  id: integer\n  id: string\n");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.csv', 'contract': 'c.yaml'}", LEVADA_INVALID,
        "ROOT/c.yaml:3:3: duplicate key \"id\"");
    lab_write(&lab, "c.yaml", "columns:\n  id: {typ: integer}\n");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.csv', 'contract': 'c.yaml'}", LEVADA_INVALID,
        "ROOT/c.yaml: column \"id\": unknown key or wrong value: \"typ\"");
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM t"), 1);
    lab_end(&lab);
}

static void
names_broken_rows(void)
{
    lab_begin(&lab);
    lab_write(&lab, "t.csv", "id,name\n1,ann\n2\n3,cy\n");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.csv'}", LEVADA_CONTRACT,
        "ROOT/t.csv:3: the row has 1 column, not 2");
    lab_write(&lab, "t.csv", "id,name\n1,ann\n2,\"bob\n");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.csv'}", LEVADA_CONTRACT,
        "ROOT/t.csv:3: value with unterminated quote found");
    lab_write(&lab, "t.csv", "id,name\n1,ann\n2,b\xff\n");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.csv'}", LEVADA_CONTRACT,
        "ROOT/t.csv:3: invalid unicode (byte sequence mismatch) detected. This file is not utf-8 encoded");
    lab_write(&lab, "t.csv", "");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.csv'}", LEVADA_CONTRACT, "file \"ROOT/t.csv\" is empty");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 'no.csv'}", LEVADA_MISSING,
        "cannot read \"ROOT/no.csv\": No such file or directory");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 'no*.csv'}", LEVADA_MISSING, "no file matches \"ROOT/no*.csv\"");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': '.', 'format': 'csv'}", LEVADA_INVALID,
        "\"ROOT\" is a folder, not a file");
    lab_write(&lab, "t.zip", "PK");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.zip'}", LEVADA_INVALID,
        "cannot tell the format of \"ROOT/t.zip\"");
    lab_write(&lab, "t.parquet", "this is not parquet");
    CHECK_FAULT(&lab, "load", "{'table': 't', 'from': 't.parquet'}", LEVADA_CONTRACT,
        "no magic bytes found at end of file 'ROOT/t.parquet'");
    CHECK_INT(
        lab_count(&lab, "SELECT count(*) FROM duckdb_tables() WHERE database_name = 'lake' AND table_name = 't'"),
        0);
    lab_end(&lab);
}

static void
names_a_late_broken_row(void)
{
    lab_begin(&lab);
    lab_big_csv(&lab, "big.csv", 50000);
    FILE *file = fopen(lab_path(&lab, "big.csv"), "ae");
    CHECK_FATAL(file != NULL);
    fputs("x50000,g,1.0,2013-01-01T10:00:00Z\n", file);
    fclose(file);
    CHECK_FAULT(&lab, "load", "{'table': 'big', 'from': 'big.csv'}", LEVADA_CONTRACT,
        "ROOT/big.csv:50002: column \"id\": could not convert string \"x50000\" to 'BIGINT'");
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'big'"), 0);
    lab_end(&lab);
}

static void
partitions_new_tables(void)
{
    lab_begin(&lab);
    lab_write(&lab, "t.csv", "id,city\n1,Rio\n2,Oslo\n3,Rio\n");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 't.csv', 'partition_by': ['city']}");
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM __ducklake_metadata_lake.ducklake_partition_column"), 1);
    CHECK_FAULT(&lab, "load", "{'table': 'u', 'from': 't.csv', 'partition_by': ['drop(city)']}", LEVADA_INVALID,
        "input \"partition_by\": \"drop(city)\" is not a way to partition");
    lab_end(&lab);
}

static void
refuses_bad_names(void)
{
    lab_begin(&lab);
    lab_write(&lab, "t.csv", THREE);
    CHECK_FAULT(&lab, "load", "{'table': 'a.b.c', 'from': 't.csv'}", LEVADA_INVALID,
        "input \"table\": \"a.b.c\" names a table outside of the lake");
    CHECK_FAULT(&lab, "load", "{'table': '', 'from': 't.csv'}", LEVADA_INVALID,
        "input \"table\": \"\" does not name a table");
    CHECK_FAULT(&lab, "load", "{'table': 'levada.marks', 'from': 't.csv'}", LEVADA_INVALID,
        "input \"table\": the schema \"levada\" keeps the marks of loads");
    CHECK_RUN(&lab, "load", "{'table': 'x; DROP TABLE t', 'from': 't.csv'}");
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM \"x; DROP TABLE t\""), 3);
    lab_end(&lab);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a csv becomes a table", loads_csv},
        {"every format gives the same rows", loads_all_formats},
        {"patterns and lists load several files", loads_patterns_and_lists},
        {"a load that would repeat the last one makes no snapshot", repeats_nothing},
        {"a token loads once, and resolve finds only its own", loads_once_per_token},
        {"resolve without a lake makes none", resolves_without_a_lake},
        {"merge updates what differs and adds the rest", merges_by_key},
        {"new columns need evolve", evolves_only_when_told},
        {"a contract decides types and refuses what breaks it", keeps_contracts},
        {"a broken row is named by file and line and leaves no table", names_broken_rows},
        {"a broken row far behind the sample is named too", names_a_late_broken_row},
        {"a new table can be partitioned", partitions_new_tables},
        {"names of tables cannot become SQL", refuses_bad_names},
    };
    return check_main("ducklake load", tests, CHECK_COUNT(tests), argc, argv);
}
