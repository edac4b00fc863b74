/* SPDX-License-Identifier: Apache-2.0
 *
 * ducklake.check: every check becomes a query for the rows that are wrong. All look at one snapshot; all run,
 * whatever the first ones found.
 */
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "contract.h"
#include "mark.h"
#include "script.h"

struct checking {
    const struct check_in *in;
    struct contract contract;
    json_t *results;
    int64_t passed, failed, warned;
};

/* One check while it runs. */
struct probe {
    const char *name, *kind, *severity;
    struct name table;
    const char *relation; /* with the snapshot */
};

static int
add_result(struct work *work, struct checking *checking, const struct probe *probe, int64_t failing,
    const char *message, json_t *sample)
{
    bool passed = failing == 0, is_error = strcmp(probe->severity, "error") == 0;
    if (passed) checking->passed++;
    else if (is_error) checking->failed++;
    else checking->warned++;
    levada_log(work->step,
        passed         ? LEVADA_INFO
            : is_error ? LEVADA_ERROR
                       : LEVADA_WARN,
        "%s %s: %s", passed ? "passed" : "failed", probe->name, message);
    json_array_append_new(checking->results,
        json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:s, s:o}", "name", probe->name, "table",
            probe->table.plain != NULL ? probe->table.plain : "", "kind", probe->kind, "severity", probe->severity,
            "passed", passed, "failing", (json_int_t)failing, "message", message, "sample",
            sample != NULL ? sample : json_array()));
    return 0;
}

/* `what` follows SELECT ...: FROM and WHERE that give the wrong rows. */
static int
check_rows(
    struct work *work, struct checking *checking, const struct probe *probe, const char *what, const char *message)
{
    int64_t failing;
    int error = query_int(work, text_format(work->step, "SELECT count(*) %s", what), &failing);
    if (error != 0) return error;
    struct rows rows = {0};
    if (failing > 0) {
        error = rows_query(
            work, text_format(work->step, "SELECT * %s", what), (size_t)checking->in->samples.value, &rows);
        if (error != 0) return error;
        message = text_format(work->step, "%lld row%s: %s", (long long)failing, failing == 1 ? "" : "s", message);
    }
    error = add_result(work, checking, probe, failing, message, json_incref(rows.rows));
    rows_free(&rows);
    return error;
}

static const char *
join_names(struct work *work, const char *const *names, size_t count, const char *separator, const char *after)
{
    struct text text = text_new(work->step);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) text_add(&text, separator);
        text_name(&text, names[i]);
        text_add(&text, after);
    }
    return text.data;
}

static int
check_not_null(
    struct work *work, struct checking *checking, struct probe *probe, const char *const *columns, size_t count)
{
    probe->kind = "not_null";
    return check_rows(work, checking, probe,
        text_format(
            work->step, "FROM %s WHERE %s", probe->relation, join_names(work, columns, count, " OR ", " IS NULL")),
        text_format(work->step, "no NULL in %s", join_names(work, columns, count, ", ", "")));
}

static int
check_unique(
    struct work *work, struct checking *checking, struct probe *probe, const char *const *columns, size_t count)
{
    probe->kind = "unique";
    const char *names = join_names(work, columns, count, ", ", "");
    return check_rows(work, checking, probe,
        text_format(work->step,
            "FROM %s WHERE (%s) IN (SELECT (%s) FROM %s WHERE %s GROUP BY %s HAVING count(*) > 1)", probe->relation,
            names, names, probe->relation, join_names(work, columns, count, " AND ", " IS NOT NULL"), names),
        text_format(work->step, "%s must be unique", names));
}

static int
check_values(
    struct work *work, struct checking *checking, struct probe *probe, const char *column, const char *accepted)
{
    probe->kind = "values";
    const char *name = text_name_of(work->step, column);
    return check_rows(work, checking, probe,
        text_format(work->step, "FROM %s WHERE %s::VARCHAR NOT IN (%s)", probe->relation, name, accepted),
        text_format(work->step, "%s must be one of %s", name, accepted));
}

static int
check_range(struct work *work, struct checking *checking, struct probe *probe, const char *column,
    const json_t *min, const json_t *max)
{
    probe->kind = "range";
    const char *name = text_name_of(work->step, column);
    struct text wrong = text_new(work->step), words = text_new(work->step);
    text_addf(&words, "%s must be", name);
    if (min != NULL) {
        text_addf(&wrong, "%s < %s", name, json_literal(work->step, min));
        text_addf(&words, " at least %s", json_literal(work->step, min));
    }
    if (max != NULL) {
        text_addf(&wrong, "%s%s > %s", min != NULL ? " OR " : "", name, json_literal(work->step, max));
        text_addf(&words, "%s at most %s", min != NULL ? " and" : "", json_literal(work->step, max));
    }
    if (wrong.size == 0)
        return fault_set(work, LEVADA_INVALID, NULL, "check \"%s\": a range needs min or max", probe->name);
    return check_rows(work, checking, probe,
        text_format(work->step, "FROM %s WHERE %s", probe->relation, wrong.data), words.data);
}

static int
check_row_count(struct work *work, struct checking *checking, struct probe *probe, int64_t min, int64_t max)
{
    probe->kind = "row_count";
    int64_t count;
    int error = query_int(work, text_format(work->step, "SELECT count(*) FROM %s", probe->relation), &count);
    if (error != 0) return error;
    int64_t failing = min >= 0 && count < min ? min - count : max >= 0 && count > max ? count - max : 0;
    struct text words = text_new(work->step);
    text_addf(&words, "%lld rows", (long long)count);
    if (min >= 0) text_addf(&words, ", at least %lld expected", (long long)min);
    if (max >= 0) text_addf(&words, ", at most %lld expected", (long long)max);
    return add_result(work, checking, probe, failing, words.data, NULL);
}

static int
check_freshness(
    struct work *work, struct checking *checking, struct probe *probe, const char *column, int64_t max_age_ms)
{
    probe->kind = "freshness";
    struct table found;
    int error = query_table(work,
        text_format(work->step,
            "SELECT max(%s)::VARCHAR, (epoch_ms(now()) - epoch_ms(max(%s)::TIMESTAMPTZ))::VARCHAR FROM %s",
            text_name_of(work->step, column), text_name_of(work->step, column), probe->relation),
        &found);
    if (error != 0) return error;
    const char *newest = table_cell(&found, 0, 0), *age = table_cell(&found, 0, 1);
    bool fresh = age != NULL && strtoll(age, NULL, 10) <= max_age_ms;
    return add_result(work, checking, probe, fresh ? 0 : 1,
        newest != NULL ? text_format(work->step, "the newest value of \"%s\" is %s", column, newest)
                       : text_format(work->step, "\"%s\" has no value", column),
        NULL);
}

static const char *
as_of(struct work *work, const struct checking *checking, const struct name *name)
{
    if (!LEVADA_HAS(checking->in, snapshot)) return name->quoted;
    return text_format(work->step, "%s AT (VERSION => %lld)", name->quoted, (long long)checking->in->snapshot.value);
}

static int
check_references(struct work *work, struct checking *checking, struct probe *probe, const struct references_in *in)
{
    probe->kind = "references";
    struct name other;
    int64_t id;
    int error = name_read(work, "references.table", in->table.text, &other);
    if (error == 0) error = name_require(work, &other, &id);
    if (error != 0) return error;
    const char *column = text_name_of(work->step, in->column.text);
    const char *to = text_name_of(work->step, text_given(in->to.text) ? in->to.text : in->column.text);
    return check_rows(work, checking, probe,
        text_format(work->step, "FROM %s AS t ANTI JOIN %s AS r ON t.%s = r.%s WHERE t.%s IS NOT NULL",
            probe->relation, as_of(work, checking, &other), column, to, column),
        text_format(work->step, "%s must be in %s (%s)", column, other.plain, to));
}

/* One boolean decides; otherwise each row that comes is wrong. */
static int
check_sql(struct work *work, struct checking *checking, struct probe *probe, const levada_sql *sql)
{
    probe->kind = "sql";
    struct script script;
    struct script_result result = {0}, count = {0};
    json_t *none = json_object();
    int error = script_read(work, sql, "", none, &script);
    if (error == 0) error = script_run(work, &script, (size_t)checking->in->samples.value + 1, &result);
    const json_t *rows = result.rows.rows, *first = json_array_get(rows, 0);
    const json_t *only = json_object_size(first) == 1 && json_array_size(rows) == 1
        ? json_object_iter_value(json_object_iter((json_t *)(uintptr_t)first))
        : NULL;
    if (error == 0 && rows == NULL)
        error = fault_set(work, LEVADA_INVALID, NULL, "check \"%s\": the SQL gives no rows", probe->name);
    if (error == 0 && (json_is_boolean(only) || (only != NULL && json_is_null(only)))) {
        error = add_result(
            work, checking, probe, json_is_true(only) ? 0 : 1, json_is_true(only) ? "true" : "not true", NULL);
    } else if (error == 0) {
        size_t size = strlen(script.text);
        while (size > 0 && strchr(" \t\r\n;", script.text[size - 1]) != NULL) size--;
        const char *counting = text_format(work->step, "SELECT count(*) AS n FROM (%.*s\n)", (int)size, script.text);
        int64_t failing = (int64_t)json_array_size(rows);
        if (result.rows.more) error = script_run_text(work, &script, counting, 1, &count);
        if (result.rows.more && error == 0)
            failing = json_integer_value(json_object_get(json_array_get(count.rows.rows, 0), "n"));
        json_t *sample = json_copy((json_t *)(uintptr_t)rows);
        while (json_array_size(sample) > (size_t)checking->in->samples.value)
            json_array_remove(sample, json_array_size(sample) - 1);
        if (error == 0)
            error = add_result(work, checking, probe, failing,
                text_format(work->step, "%lld wrong row%s", (long long)failing, failing == 1 ? "" : "s"), sample);
        else json_decref(sample);
    }
    rows_free(&result.rows);
    rows_free(&count.rows);
    json_decref(none);
    return error;
}

static const char *
accepted_texts(struct work *work, const levada_list *list)
{
    struct text text = text_new(work->step);
    for (size_t i = 0; i < list->count; i++) {
        text_comma(&text);
        text_literal(&text, list->items[i]);
    }
    return text.data;
}

static const json_t *
bound(json_t *keep, const levada_json *json)
{
    if (!text_given(json->text)) return NULL;
    json_t *value = json_loads(json->text, JSON_DECODE_ANY, NULL);
    json_array_append_new(keep, value);
    return json_is_null(value) ? NULL : value;
}

static int
run_kind(struct work *work, struct checking *checking, struct probe *probe, const struct check_item *item)
{
    if (item->not_null.count > 0)
        return check_not_null(work, checking, probe, item->not_null.items, item->not_null.count);
    if (item->unique.count > 0) return check_unique(work, checking, probe, item->unique.items, item->unique.count);
    if (item->values.value != NULL) {
        const struct values_in *values = item->values.value;
        return check_values(work, checking, probe, values->column.text, accepted_texts(work, &values->accepted));
    }
    if (item->range.value != NULL) {
        const struct range_in *range = item->range.value;
        json_t *keep = json_array();
        const json_t *min = bound(keep, &range->min), *max = bound(keep, &range->max);
        int error = check_range(work, checking, probe, range->column.text, min, max);
        json_decref(keep);
        return error;
    }
    if (item->row_count.value != NULL) {
        const struct row_count_in *count = item->row_count.value;
        return check_row_count(work, checking, probe, LEVADA_HAS(count, min) ? count->min.value : -1,
            LEVADA_HAS(count, max) ? count->max.value : -1);
    }
    if (item->freshness.value != NULL) {
        const struct freshness_in *freshness = item->freshness.value;
        return check_freshness(work, checking, probe, freshness->column.text, freshness->max_age.ms);
    }
    if (item->references.value != NULL) return check_references(work, checking, probe, item->references.value);
    return check_sql(work, checking, probe, &item->sql);
}

static int
check_one(struct work *work, struct checking *checking, const struct check_item *item)
{
    struct probe probe = {
        .name = item->name.text, .severity = text_given(item->severity.text) ? item->severity.text : "error"};
    int kinds = (item->not_null.count > 0) + (item->unique.count > 0) + (item->values.value != NULL)
        + (item->range.value != NULL) + (item->row_count.value != NULL) + (item->freshness.value != NULL)
        + (item->references.value != NULL) + text_given(item->sql.text);
    if (kinds != 1)
        return fault_set(work, LEVADA_INVALID,
            "Give one of not_null, unique, values, range, row_count, freshness, references and sql.",
            "check \"%s\" says %d things to check", item->name.text, kinds);
    const char *table = text_given(item->table.text) ? item->table.text : checking->in->table.text;
    if (text_given(table)) {
        int64_t id;
        int error = name_read(work, "table", table, &probe.table);
        if (error == 0) error = name_require(work, &probe.table, &id);
        if (error != 0) return error;
        probe.relation = as_of(work, checking, &probe.table);
    } else if (!text_given(item->sql.text)) {
        return fault_set(work, LEVADA_INVALID, "Give `table`, in the check or for the step.",
            "check \"%s\" has no table", item->name.text);
    }
    return run_kind(work, checking, &probe, item);
}

static int
check_promise(struct work *work, struct checking *checking, struct probe *probe, const struct promise *promise,
    const struct columns *columns)
{
    if (columns_find(columns, promise->name) == NULL) {
        probe->kind = "column";
        probe->name = text_format(work->step, "%s exists", promise->name);
        return add_result(work, checking, probe, promise->required ? 1 : 0,
            promise->required ? "the column is missing" : "the column may be missing", NULL);
    }
    int error = 0;
    if (promise->required) {
        probe->name = text_format(work->step, "%s is required", promise->name);
        error = check_not_null(work, checking, probe, &promise->name, 1);
    }
    if (error == 0 && promise->unique) {
        probe->name = text_format(work->step, "%s is unique", promise->name);
        error = check_unique(work, checking, probe, &promise->name, 1);
    }
    if (error == 0 && promise->values != NULL) {
        struct text accepted = text_new(work->step);
        for (size_t i = 0; i < json_array_size(promise->values); i++) {
            const json_t *value = json_array_get(promise->values, i);
            text_comma(&accepted);
            text_literal(&accepted, json_is_string(value) ? json_string_value(value) : json_literal(work->step, value));
        }
        probe->name = text_format(work->step, "%s has known values", promise->name);
        error = check_values(work, checking, probe, promise->name, accepted.data);
    }
    if (error == 0 && (promise->minimum != NULL || promise->maximum != NULL)) {
        probe->name = text_format(work->step, "%s is in range", promise->name);
        error = check_range(work, checking, probe, promise->name, promise->minimum, promise->maximum);
    }
    if (error == 0 && promise->pattern != NULL) {
        const char *name = text_name_of(work->step, promise->name);
        probe->kind = "pattern";
        probe->name = text_format(work->step, "%s fits its pattern", promise->name);
        error = check_rows(work, checking, probe,
            text_format(work->step, "FROM %s WHERE NOT regexp_full_match(%s::VARCHAR, %s)", probe->relation, name,
                text_literal_of(work->step, promise->pattern)),
            text_format(work->step, "%s must match %s", name, promise->pattern));
    }
    return error;
}

static int
check_contract(struct work *work, struct checking *checking)
{
    const struct contract *contract = &checking->contract;
    struct probe probe = {.severity = "error"};
    struct columns columns;
    int64_t id;
    if (contract->count == 0) return 0;
    if (!text_given(checking->in->table.text))
        return fault_set(work, LEVADA_INVALID, NULL, "input \"contract\" needs the input \"table\"");
    int error = name_read(work, "table", checking->in->table.text, &probe.table);
    if (error == 0) error = name_require(work, &probe.table, &id);
    if (error == 0) error = columns_read(work, probe.table.quoted, &columns);
    if (error != 0) return error;
    probe.relation = as_of(work, checking, &probe.table);
    for (size_t i = 0; i < contract->count && error == 0; i++)
        error = check_promise(work, checking, &probe, &contract->columns[i], &columns);
    if (error == 0 && contract->key_count > 0) {
        probe.name = "the key is unique";
        error = check_unique(work, checking, &probe, contract->key, contract->key_count);
    }
    if (error == 0 && (contract->rows_min >= 0 || contract->rows_max >= 0)) {
        probe.name = "the number of rows";
        error = check_row_count(work, checking, &probe, contract->rows_min, contract->rows_max);
    }
    return error;
}

static int
check_body(struct work *work, void *arg)
{
    struct checking *checking = arg;
    checking->passed = checking->failed = checking->warned = 0;
    json_array_clear(checking->results);
    int error = check_contract(work, checking);
    const struct check_item *items = checking->in->checks.items;
    for (size_t i = 0; i < checking->in->checks.count && error == 0; i++) error = check_one(work, checking, &items[i]);
    return error;
}

/* The names of checks that failed with this severity, and what they found. */
static const char *
list_failed(struct work *work, const struct checking *checking, const char *severity)
{
    struct text text = text_new(work->step);
    size_t index;
    json_t *result;
    json_array_foreach(checking->results, index, result) {
        if (json_is_true(json_object_get(result, "passed"))
            || strcmp(json_string_value(json_object_get(result, "severity")), severity) != 0)
            continue;
        if (text.size > 0) text_add(&text, "; ");
        text_addf(&text, "%s (%s)", json_string_value(json_object_get(result, "name")),
            json_string_value(json_object_get(result, "message")));
    }
    return text.data;
}

static int
report(struct work *work, struct checking *checking)
{
    int64_t all = checking->passed + checking->failed + checking->warned;
    struct text summary = text_new(work->step);
    text_addf(&summary, "%lld of %lld checks passed", (long long)checking->passed, (long long)all);
    if (checking->failed > 0) text_addf(&summary, "; failed: %s", list_failed(work, checking, "error"));
    if (checking->warned > 0) text_addf(&summary, "; warned: %s", list_failed(work, checking, "warn"));
    int error = outputs_set(work,
        json_pack("{s:I, s:I, s:I, s:O, s:s}", "passed", (json_int_t)checking->passed, "failed",
            (json_int_t)checking->failed, "warned", (json_int_t)checking->warned, "results", checking->results,
            "summary", summary.data));
    if (error == 0 && checking->failed > 0 && checking->in->fail.value)
        error = fault_set(work, LEVADA_CONTRACT, "The output `results` has samples of the wrong rows.",
            "%lld of %lld checks failed: %s", (long long)checking->failed, (long long)all,
            list_failed(work, checking, "error"));
    return error;
}

int
check_run(struct levada_step *step, const void *input)
{
    struct checking checking = {.in = input, .results = json_array()};
    struct work work;
    work_begin(&work, step, &checking.in->lake);
    int error = lake_require(&work);
    if (error == 0 && checking.in->checks.count == 0 && !text_given(checking.in->contract.text))
        error = fault_set(&work, LEVADA_INVALID, NULL, "there is nothing to check: give \"checks\" or \"contract\"");
    if (error == 0) error = work_open(&work, NULL, 0);
    if (error == 0) error = contract_read(&work, checking.in->contract.text, &checking.contract);
    if (error == 0) error = transact(&work, check_body, &checking);
    if (error == 0) error = report(&work, &checking);
    contract_free(&checking.contract);
    json_decref(checking.results);
    return work_close(&work, error);
}
