/* SPDX-License-Identifier: Apache-2.0
 *
 * ducklake.check: each kind passes on good rows and fails on wrong ones, with the right count and sample.
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
    lab_write(&lab, "c.csv", "code,name\nAA,American\nUA,United\n");
    lab_write(&lab, "t.csv",
        "id,code,delay,day\n1,AA,5,2013-01-01\n2,UA,7,2013-01-02\n3,ZZ,900,2013-01-03\n3,AA,,2013-01-03\n");
    CHECK_RUN(&lab, "load", "{'table': 'c', 'from': 'c.csv'}");
    CHECK_RUN(&lab, "load", "{'table': 't', 'from': 't.csv'}");
}

static const json_t *
result(size_t index, const char *key)
{
    return json_object_get(json_array_get(json_object_get(lab.fake.outputs, "results"), index), key);
}

static void
each_kind(void)
{
    static const struct { const char *check; int64_t failing; size_t sample; } cases[] = {
        {"'not_null': ['id', 'code']", 0, 0},
        {"'not_null': ['id', 'delay']", 1, 1},
        {"'unique': ['id', 'code']", 0, 0},
        {"'unique': ['id']", 2, 2},
        {"'values': {'column': 'code', 'accepted': ['AA', 'UA', 'ZZ']}", 0, 0},
        {"'values': {'column': 'code', 'accepted': ['AA', 'o`x']}", 2, 2},
        {"'range': {'column': 'delay', 'min': 0, 'max': 1000}", 0, 0},
        {"'range': {'column': 'delay', 'max': 6.5}", 2, 2},
        {"'range': {'column': 'day', 'min': '2013-01-02'}", 1, 1},
        {"'row_count': {'min': 4, 'max': 4}", 0, 0},
        {"'row_count': {'min': 10}", 6, 0},
        {"'row_count': {'max': 0}", 4, 0},
        {"'freshness': {'column': 'day', 'max_age': '99999d'}", 0, 0},
        {"'freshness': {'column': 'day', 'max_age': '1d'}", 1, 0},
        {"'references': {'column': 'code', 'table': 'c'}, 'severity': 'error'", 1, 1},
        {"'references': {'column': 'code', 'table': 't', 'to': 'code'}", 0, 0},
        {"'sql': 'SELECT count(*) = ${{4}} FROM t'", 0, 0},
        {"'sql': 'SELECT count(*) = 5 FROM t'", 1, 0},
        {"'sql': 'SELECT * FROM t WHERE delay > ${{6}};'", 2, 2},
        {"'sql': 'SELECT * FROM t, range(100)'", 400, 5},
        {"'sql': 'SELECT * FROM t WHERE false'", 0, 0},
    };
    begin();
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
        char input[512];
        snprintf(input, sizeof input, "{'table': 't', 'fail': false, 'checks': [{'name': 'x', %s}]}", cases[i].check);
        CHECK_RUN(&lab, "check", input);
        if (json_integer_value(result(0, "failing")) != cases[i].failing) printf("%s\n", cases[i].check);
        CHECK_INT(json_integer_value(result(0, "failing")), cases[i].failing);
        CHECK_INT(json_array_size(result(0, "sample")), cases[i].sample);
        CHECK_INT(fake_int(&lab.fake, "failed"), cases[i].failing > 0);
        CHECK_INT(fake_int(&lab.fake, "passed"), cases[i].failing == 0);
    }
    lab_end(&lab);
}

static void
fails_with_severity(void)
{
    begin();
    CHECK_FAULT(&lab, "check",
        "{'table': 't', 'checks': [{'name': 'ids', 'unique': ['id']}, {'name': 'late', 'range': {'column': "
        "'delay', 'max': 60}, 'severity': 'warn'},"
        " {'name': 'any', 'row_count': {'min': 1}}]}",
        LEVADA_CONTRACT, "1 of 3 checks failed: ids (2 rows: \"id\" must be unique)");
    CHECK_INT(fake_int(&lab.fake, "failed"), 1);
    CHECK_INT(fake_int(&lab.fake, "warned"), 1);
    CHECK_INT(fake_int(&lab.fake, "passed"), 1);
    CHECK_STR(fake_text(&lab.fake, "summary"),
        "1 of 3 checks passed; failed: ids (2 rows: \"id\" must be unique); warned: late (1 row: \"delay\" must be "
        "at most 60)");
    CHECK_RUN(&lab, "check",
        "{'table': 't', 'checks': [{'name': 'late', 'range': {'column': 'delay', 'max': 60}, 'severity': "
        "'warn'}]}");
    lab_end(&lab);
}

static void
checks_contracts(void)
{
    begin();
    lab_write(&lab, "c.yaml",
        "columns:\n  id: {type: integer, required: true}\n  code: {values: [AA, UA, ZZ], pattern: \"[A-Z]{2}\"}\n  "
        "delay: {minimum: -100, maximum: 1000}\n"
        "key: [id, code]\nrows: {min: 4, max: 4}\n");
    CHECK_RUN(&lab, "check", "{'table': 't', 'contract': 'c.yaml'}");
    CHECK_INT(fake_int(&lab.fake, "passed"), 6);
    lab_write(&lab, "c.yaml",
        "columns:\n  id: {unique: true}\n  code: {values: [AA, UA], pattern: \"[A-Y]{2}\"}\n  gone: {required: "
        "true}\nrows: {min: 5}\n");
    CHECK_FAULT(&lab, "check", "{'table': 't', 'contract': 'c.yaml'}", LEVADA_CONTRACT,
        "5 of 5 checks failed: id is unique (2 rows: \"id\" must be unique); code has known values (1 row: "
        "\"code\" must be one of "
        "'AA', 'UA'); code fits its pattern (1 row: \"code\" must match [A-Y]{2}); gone exists (the column is "
        "missing); "
        "the number of rows (4 rows, at least 5 expected)");
    lab_end(&lab);
}

static void
looks_back(void)
{
    begin();
    int64_t snapshot = fake_int(&lab.fake, "snapshot_id");
    CHECK_RUN(&lab, "sql", "{'sql': 'DELETE FROM t'}");
    char input[256];
    snprintf(input, sizeof input,
        "{'table': 't', 'snapshot': %lld, 'checks': [{'name': 'n', 'row_count': {'min': 4}}]}",
        (long long)snapshot);
    CHECK_RUN(&lab, "check", input);
    CHECK_INT(lab_run(&lab, "check", "{'table': 't', 'checks': [{'name': 'n', 'row_count': {'min': 4}}]}"),
        LEVADA_CONTRACT);
    lab_end(&lab);
}

static void
refuses(void)
{
    begin();
    CHECK_FAULT(&lab, "check", "{'table': 'nope', 'checks': [{'name': 'n', 'row_count': {'min': 4}}]}",
        LEVADA_MISSING, "table \"nope\" does not exist");
    CHECK_STR(lab.fake.hint, "The lake has the tables c, t.");
    CHECK_FAULT(&lab, "check", "{'table': 't', 'checks': [{'name': 'n'}]}", LEVADA_INVALID,
        "check \"n\" says 0 things to check");
    CHECK_FAULT(
        &lab, "check", "{'checks': [{'name': 'n', 'unique': ['id']}]}", LEVADA_INVALID, "check \"n\" has no table");
    CHECK_FAULT(&lab, "check", "{'table': 't'}", LEVADA_INVALID,
        "there is nothing to check: give \"checks\" or \"contract\"");
    CHECK_FAULT(&lab, "check",
        "{'table': 't', 'catalog': 'none.ducklake', 'checks': [{'name': 'n', 'unique': ['id']}]}", LEVADA_MISSING,
        "there is no lake at \"ROOT/none.ducklake\"");
    CHECK_INT(lab_count(&lab, "SELECT count(*) FROM ducklake_snapshots('lake')"), 3);
    lab_end(&lab);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"each kind counts and samples the wrong rows", each_kind},
        {"only checks of severity error fail the step", fails_with_severity},
        {"a contract's rules are checks", checks_contracts},
        {"checks can look at an older snapshot", looks_back},
        {"what cannot be checked is refused", refuses},
    };
    return check_main("ducklake check", tests, CHECK_COUNT(tests), argc, argv);
}
