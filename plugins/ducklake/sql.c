/* SPDX-License-Identifier: Apache-2.0
 *
 * ducklake.sql: a user's statements in one transaction, or one query published as a table. What only reads
 * leaves no trace in the lake.
 */
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "digest.h"
#include "fit.h"
#include "lineage.h"
#include "mark.h"
#include "script.h"

#define MARK_ROWS_MAX 65536 /* bytes of result rows that a mark keeps */

struct job {
    const struct sql_in *in;
    const struct publish_in *publish; /* or NULL */
    struct script script;
    struct name name; /* publish */
    const char *digest;
    struct script_result result;
    json_t *outputs;
    bool changed;
    int64_t base;
};

/* Tables, views, schemas and macros of the lake as one text; equal texts, equal catalogs. */
static int
fingerprint(struct work *work, const char **ret)
{
    struct table found;
    int error = query_table(work,
        "SELECT coalesce(md5(string_agg(x, ';' ORDER BY x)), '') FROM ("
        "SELECT 't' || schema_name || table_oid || sql || coalesce(comment, '') AS x FROM duckdb_tables() WHERE "
        "database_name = 'lake' "
        "UNION ALL SELECT 'v' || schema_name || view_oid || sql FROM duckdb_views() WHERE database_name = 'lake' "
        "AND NOT internal "
        "UNION ALL SELECT 's' || schema_name FROM duckdb_schemas() WHERE database_name = 'lake' "
        "UNION ALL SELECT 'm' || schema_name || function_name || coalesce(macro_definition, '') FROM "
        "duckdb_functions() WHERE database_name = 'lake')",
        &found);
    if (error == 0) *ret = table_cell(&found, 0, 0);
    return error;
}

/* Only to spare pure reads the fingerprint: words in texts and comments count too. */
static bool
may_change_schema(const char *sql)
{
    static const char *const words[] = {"create", "alter", "drop", "comment", "copy"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(sql, words[i]) != NULL) return true;
    return false;
}

static json_t *
make_outputs(const struct job *job)
{
    const struct script_result *result = &job->result;
    return json_pack("{s:O, s:O, s:b, s:I, s:s}", "rows", result->rows.rows, "columns", result->rows.columns,
        "truncated", result->rows.more, "rows_changed", (json_int_t)result->rows_changed, "table",
        job->publish != NULL ? job->name.plain : "");
}

static int
write_mark(struct work *work, const struct job *job)
{
    json_t *outputs = json_copy(job->outputs);
    char *text = json_dumps(outputs, JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (text != NULL && strlen(text) > MARK_ROWS_MAX) {
        free(text);
        json_object_set_new(outputs, "rows", json_array());
        json_object_set_new(outputs, "truncated", json_true());
        text = json_dumps(outputs, JSON_COMPACT);
    }
    json_decref(outputs);
    if (text == NULL) abort();
    struct mark mark = {.kind = "sql",
        .target = job->publish != NULL ? job->name.plain : "",
        .digest = job->digest,
        .base = job->base,
        .outputs = text};
    int error = mark_write(work, &mark);
    free(text);
    return error;
}

/* What an earlier try of the transaction left. */
static void
reset(struct job *job)
{
    rows_free(&job->result.rows);
    job->result = (struct script_result){.rows = {.rows = json_array(), .columns = json_array()}};
    json_decref(job->outputs);
    job->outputs = NULL;
}

static int
run_script(struct work *work, struct job *job)
{
    struct script_result result = {0};
    int error = script_run(work, &job->script, (size_t)job->in->limit.value, &result);
    if (error != 0) return error;
    if (result.rows.rows == NULL) result.rows = (struct rows){.rows = json_array(), .columns = json_array()};
    rows_free(&job->result.rows);
    job->result = result;
    return 0;
}

static int
statements_body(struct work *work, void *arg)
{
    struct job *job = arg;
    const char *before = "", *after = "";
    reset(job);
    int error = snapshot_current(work, &job->base);
    if (error == 0 && may_change_schema(job->script.text)) error = fingerprint(work, &before);
    if (error == 0) error = run_script(work, job);
    if (error == 0 && !job->result.wrote && job->result.schema) error = fingerprint(work, &after);
    if (error != 0) return error;
    job->changed = job->result.wrote || (job->result.schema && strcmp(before, after) != 0);
    job->outputs = make_outputs(job);
    return job->changed ? write_mark(work, job) : 0;
}

/* CREATE OR REPLACE TABLE target AS the query; partitions are set while the table is empty. */
static int
publish_body(struct work *work, void *arg)
{
    struct job *job = arg;
    const levada_list *partition_by = &job->publish->partition_by;
    reset(job);
    int error = snapshot_current(work, &job->base);
    if (error == 0 && strcmp(job->name.schema, "main") != 0)
        error = query(work,
            text_format(
                work->step, "CREATE SCHEMA IF NOT EXISTS lake.%s", text_name_of(work->step, job->name.schema)));
    struct text sql = text_new(work->step);
    if (partition_by->count > 0) {
        text_addf(&sql, "CREATE OR REPLACE TABLE %s AS FROM (%s\n) LIMIT 0; ALTER TABLE %s SET PARTITIONED BY (",
            job->name.quoted, job->script.text, job->name.quoted);
        for (size_t i = 0; i < partition_by->count && error == 0; i++)
            error = fit_partition(work, &sql, partition_by->items[i]);
        text_addf(&sql, "); INSERT INTO %s %s", job->name.quoted, job->script.text);
    } else {
        text_addf(&sql, "CREATE OR REPLACE TABLE %s AS %s", job->name.quoted, job->script.text);
    }
    struct script_result ignored = {0};
    if (error == 0) error = script_run_text(work, &job->script, sql.data, 1, &ignored);
    rows_free(&ignored.rows);
    if (error == 0)
        error = query_int(
            work, text_format(work->step, "SELECT count(*) FROM %s", job->name.quoted), &job->result.rows_changed);
    if (error != 0) return error;
    job->changed = true;
    job->outputs = make_outputs(job);
    return write_mark(work, job);
}

/* Is the published table what this query would make again? */
static int
find_unchanged(struct work *work, struct job *job, struct mark *mark, bool *unchanged)
{
    struct lineage lineage;
    bool found;
    int64_t id, changed;
    *unchanged = false;
    job->digest = "";
    int error = lineage_read(work, job->script.text, &lineage);
    if (error == 0) error = name_find(work, &job->name, &id);
    if (error != 0) return error;
    for (size_t i = 0; i < lineage.count; i++)
        if (lineage.tables[i] == id) lineage = (struct lineage){.why = "it reads the table it makes"};
    if (!lineage.known) {
        levada_log(work->step, LEVADA_INFO, "the query runs every time, because %s", lineage.why);
        return 0;
    }
    struct digest digest;
    digest_init(&digest);
    digest_text(&digest, script_identity(work, &job->script));
    digest_text(&digest, lineage.views);
    for (size_t i = 0; i < job->publish->partition_by.count; i++)
        digest_text(&digest, job->publish->partition_by.items[i]);
    char hex[DIGEST_TEXT];
    digest_end(&digest, hex);
    job->digest = text_copy(work->step, hex, strlen(hex));
    error = mark_last(work, job->name.plain, mark, &found);
    if (error != 0 || !found || id < 0 || strcmp(mark->digest, job->digest) != 0) return error;
    error = name_changed(work, id, &changed);
    if (error != 0 || changed > mark->snapshot_id) return error;
    return lineage_unchanged(work, &lineage, mark->base, unchanged);
}

static int
report(struct work *work, struct job *job)
{
    struct mark mark = {0};
    bool found = false;
    int error = 0;
    if (job->changed) error = mark_find(work, &mark, &found);
    else error = snapshot_current(work, &mark.snapshot_id);
    if (error != 0) return error;
    if (job->changed) levada_log(work->step, LEVADA_INFO, "committed as snapshot %lld", (long long)mark.snapshot_id);
    json_object_set_new(job->outputs, "snapshot_id", json_integer(mark.snapshot_id));
    json_object_set_new(job->outputs, "changed", json_boolean(job->changed));
    return outputs_set(work, json_incref(job->outputs));
}

static int
sql_all(struct work *work, struct job *job, json_t *params)
{
    const struct sql_in *in = job->in;
    int error = script_read(work, &in->sql, in->file.text, params, &job->script);
    if (error == 0 && job->publish != NULL)
        error = name_read(work, "publish.table", job->publish->table.text, &job->name);
    if (error == 0) error = work_open(work, NULL, 0);
    if (error == 0 && job->publish != NULL) error = script_trim(work, &job->script);
    if (error != 0) return error;
    struct mark mark;
    bool done, unchanged = false;
    error = mark_find(work, &mark, &done);
    if (error != 0) return error;
    if (done) return mark_outputs(work, &mark, true);
    if (job->publish == NULL) {
        job->digest = "";
        error = transact(work, statements_body, job);
        return error != 0 ? error : report(work, job);
    }
    error = find_unchanged(work, job, &mark, &unchanged);
    if (error == 0 && unchanged) {
        levada_log(work->step, LEVADA_INFO,
            "table %s is unchanged since snapshot %lld: neither the query nor what it reads changed",
            job->name.plain, (long long)mark.snapshot_id);
        return mark_outputs(work, &mark, false);
    }
    if (error == 0) error = transact(work, publish_body, job);
    return error != 0 ? error : report(work, job);
}

int
sql_run(struct levada_step *step, const void *input)
{
    struct job job = {.in = input};
    job.publish = job.in->publish.value;
    struct work work;
    work_begin(&work, step, &job.in->lake);
    json_t *params = text_given(job.in->params.text) ? json_loads(job.in->params.text, 0, NULL) : json_object();
    int error = json_is_object(params) ? sql_all(&work, &job, params)
                                       : fault_set(&work, LEVADA_INVALID, NULL, "input \"params\" must be a map");
    rows_free(&job.result.rows);
    json_decref(job.outputs);
    json_decref(params);
    return work_close(&work, error);
}

int
sql_resolve(struct levada_step *step, const void *input, int32_t *found)
{
    const struct sql_in *in = input;
    return mark_resolve(step, &in->lake, found);
}
