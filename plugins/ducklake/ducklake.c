/* SPDX-License-Identifier: Apache-2.0
 *
 * ducklake: a lakehouse in a folder or on S3. Tables of actions only; each action has a file of its own.
 */
#include "actions.h"

static const struct levada_field load_inputs[] = {
    LAKE_FIELDS(struct load_in),
    LEVADA_IN(struct load_in, table, "The table to fill: TABLE or SCHEMA.TABLE. Made when it does not exist.",
        .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct load_in, from, "The files: a path, a pattern, an http(s):// or s3:// URI, or a list of them.",
        .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct load_in, format, "The format, when the name does not tell it.",
        .choices = (const char *const[]){"csv", "tsv", "parquet", "json", NULL}),
    LEVADA_IN(struct load_in, mode,
        "append: add the rows; replace: the rows become the table's only ones; merge: update rows with an equal "
        "key, add others.",
        .fallback = "append", .choices = (const char *const[]){"append", "replace", "merge", NULL}),
    LEVADA_IN(struct load_in, key, "With merge: the columns that identify a row."),
    LEVADA_IN(
        struct load_in, contract, "A YAML or JSON file with the columns the data must have, and their types."),
    LEVADA_IN(struct load_in, evolve, "Add columns that are new in the data or the contract, and widen types.",
        .fallback = "false"),
    LEVADA_IN(struct load_in, nulls, "Texts that mean NULL in CSV, besides the empty one."),
    LEVADA_IN(struct load_in, options, "Further options of DuckDB's reader, for example {delim: \";\"}.",
        .fallback = "{}"),
    LEVADA_IN(struct load_in, partition_by,
        "Partition a new table by these: a column, or year, month, day or hour of one."),
};
static const struct levada_field load_outputs[] = {
    LEVADA_OUT(table, STRING, "The table."),
    LEVADA_OUT(rows, INT, "Rows loaded by this step."),
    LEVADA_OUT(rows_inserted, INT, "Of these, rows that are new."),
    LEVADA_OUT(rows_updated, INT, "Of these, rows that replaced one with an equal key."),
    LEVADA_OUT(rows_total, INT, "Rows the table has."),
    LEVADA_OUT(files, INT, "Files read."),
    LEVADA_OUT(bytes, INT, "Bytes of the local files among them."),
    LEVADA_OUT(snapshot_id, INT, "The snapshot that has the rows."),
    LEVADA_OUT(changed, BOOL, "Whether there was anything to do."),
};

static const struct levada_field publish_fields[] = {
    LEVADA_IN(struct publish_in, table, "The table to make: TABLE or SCHEMA.TABLE.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct publish_in, partition_by, "Partition it by these: a column, or year, month, day or hour of one."),
};
static const struct levada_field sql_inputs[] = {
    LAKE_FIELDS(struct sql_in),
    LEVADA_IN(struct sql_in, sql, "The statements, all in one transaction. Each expression is a bound parameter."),
    LEVADA_IN(struct sql_in, file, "A file with the statements, instead of sql."),
    LEVADA_IN(struct sql_in, params, "Values of the parameters $name in the statements.", .fallback = "{}"),
    LEVADA_IN(struct sql_in, limit, "Rows of the last statement to give as output.", .fallback = "1000",
        .minimum = "0", .maximum = "100000"),
    LEVADA_NESTED(struct sql_in, publish, publish_fields, struct publish_in,
        "Make the result of the one query a table. Nothing happens while neither the query nor what it reads "
        "changed."),
};
static const struct levada_field sql_outputs[] = {
    LEVADA_OUT(rows, JSON, "Rows of the last statement, a map by column each."),
    LEVADA_OUT(columns, JSON, "Their columns: name and type."),
    LEVADA_OUT(truncated, BOOL, "Whether there were more rows than the output has."),
    LEVADA_OUT(rows_changed, INT, "Rows written by all statements; with publish, rows of the table."),
    LEVADA_OUT(table, STRING, "With publish, the table; else empty."),
    LEVADA_OUT(snapshot_id, INT, "The snapshot made, or the one that was read."),
    LEVADA_OUT(changed, BOOL, "Whether the lake was changed."),
};

static const struct levada_field values_fields[] = {
    LEVADA_IN(struct values_in, column, "The column.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct values_in, accepted, "The values it may have, as texts; NULL is accepted too.",
        .flags = LEVADA_REQUIRED),
};
static const struct levada_field range_fields[] = {
    LEVADA_IN(struct range_in, column, "The column.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct range_in, min, "The least value allowed: a number, or a text such as a date."),
    LEVADA_IN(struct range_in, max, "The greatest value allowed."),
};
static const struct levada_field row_count_fields[] = {
    LEVADA_IN(struct row_count_in, min, "The least number of rows.", .minimum = "0"),
    LEVADA_IN(struct row_count_in, max, "The greatest number of rows.", .minimum = "0"),
};
static const struct levada_field freshness_fields[] = {
    LEVADA_IN(struct freshness_in, column, "A date or time column.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct freshness_in, max_age, "How old its newest value may be.", .flags = LEVADA_REQUIRED),
};
static const struct levada_field references_fields[] = {
    LEVADA_IN(struct references_in, column, "The column.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct references_in, table, "The table that must have each of its values.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct references_in, to, "The column there; by default one of the same name."),
};
static const struct levada_field check_fields[] = {
    LEVADA_IN(struct check_item, name, "What the check is called in results.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct check_item, table, "The table, when it is not the step's."),
    LEVADA_IN(struct check_item, severity, "Whether the step fails with the check.", .fallback = "error",
        .choices = (const char *const[]){"error", "warn", NULL}),
    LEVADA_IN(struct check_item, not_null, "Columns that must have a value in every row."),
    LEVADA_IN(struct check_item, unique,
        "Columns that together must not repeat; rows with a NULL among them do not count."),
    LEVADA_NESTED(struct check_item, values, values_fields, struct values_in, "A column has only these values."),
    LEVADA_NESTED(struct check_item, range, range_fields, struct range_in, "A column lies between bounds."),
    LEVADA_NESTED(
        struct check_item, row_count, row_count_fields, struct row_count_in, "The table has so many rows."),
    LEVADA_NESTED(
        struct check_item, freshness, freshness_fields, struct freshness_in, "The newest row is young enough."),
    LEVADA_NESTED(struct check_item, references, references_fields, struct references_in,
        "Each value of a column is in another table."),
    LEVADA_IN(struct check_item, sql,
        "A query that gives the rows that are wrong, or one boolean that is true when all is well."),
};
static const struct levada_field check_inputs[] = {
    LAKE_FIELDS(struct check_in),
    LEVADA_IN(struct check_in, table, "The table of all checks that name none."),
    LEVADA_IN(struct check_in, snapshot, "Look at the tables as of this snapshot.", .minimum = "0"),
    LEVADA_IN(struct check_in, contract, "A contract file whose rules for columns, key and rows are checked too."),
    LEVADA_NESTED(struct check_in, checks, check_fields, struct check_item, "The checks."),
    LEVADA_IN(struct check_in, fail, "Fail the step when a check of severity error fails.", .fallback = "true"),
    LEVADA_IN(struct check_in, samples, "How many wrong rows to show for each check.", .fallback = "5",
        .minimum = "0", .maximum = "100"),
};
static const struct levada_field check_outputs[] = {
    LEVADA_OUT(passed, INT, "Checks that passed."),
    LEVADA_OUT(failed, INT, "Checks of severity error that failed."),
    LEVADA_OUT(warned, INT, "Checks of severity warn that failed."),
    LEVADA_OUT(results, JSON, "Each check: name, table, kind, severity, passed, failing, message, sample."),
    LEVADA_OUT(summary, STRING, "One sentence about all checks."),
};

static const struct levada_field export_inputs[] = {
    LAKE_FIELDS(struct export_in),
    LEVADA_IN(struct export_in, table, "The table to export."),
    LEVADA_IN(struct export_in, sql, "A query whose rows to export, instead of a table."),
    LEVADA_IN(struct export_in, snapshot, "Export the table as of this snapshot.", .minimum = "0"),
    LEVADA_IN(struct export_in, to, "Where to: a file, with partition_by a folder, or an s3:// URI.",
        .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct export_in, format, "The format, when the name does not tell it. Default: parquet.",
        .choices = (const char *const[]){"parquet", "csv", "json", NULL}),
    LEVADA_IN(struct export_in, partition_by, "Columns whose values become folders, as in carrier=UA/."),
    LEVADA_IN(struct export_in, overwrite, "Replace what is there and was not written by an export.",
        .fallback = "false"),
};
static const struct levada_field export_outputs[] = {
    LEVADA_OUT(uri, STRING, "Where the export is: an absolute path or a URI."),
    LEVADA_OUT(rows, INT, "Rows exported."),
    LEVADA_OUT(files, INT, "Files written."),
    LEVADA_OUT(bytes, INT, "Their size."),
    LEVADA_OUT(changed, BOOL, "False when the same export was there already."),
};
static const struct levada_field maintain_inputs[] = {
    LAKE_FIELDS(struct maintain_in),
    LEVADA_IN(struct maintain_in, merge, "Merge small files.", .fallback = "true"),
    LEVADA_IN(
        struct maintain_in, keep, "Expire snapshots older than this; the newest always stays.", .fallback = "7d"),
    LEVADA_IN(struct maintain_in, older_than,
        "Delete files that are no longer needed, or never were, once they are this old: younger ones may belong to "
        "a writer that has not committed.",
        .fallback = "1d", .minimum = "1h"),
    LEVADA_IN(struct maintain_in, dry_run, "Only count what would be done.", .fallback = "false"),
};
static const struct levada_field maintain_outputs[] = {
    LEVADA_OUT(files_merged, INT, "Small files that were merged."),
    LEVADA_OUT(files_created, INT, "Files they became."),
    LEVADA_OUT(snapshots_expired, INT, "Snapshots expired."),
    LEVADA_OUT(files_deleted, INT, "Files deleted that no snapshot needs."),
    LEVADA_OUT(orphans_deleted, INT, "Files deleted that no snapshot ever had."),
    LEVADA_OUT(snapshot_id, INT, "The newest snapshot."),
    LEVADA_OUT(changed, BOOL, "Whether there was anything to do."),
};
static const struct levada_field snapshots_inputs[] = {
    LAKE_FIELDS(struct snapshots_in),
    LEVADA_IN(struct snapshots_in, limit, "How many, from the newest.", .fallback = "100", .minimum = "1",
        .maximum = "10000"),
};
static const struct levada_field snapshots_outputs[] = {
    LEVADA_OUT(snapshots, JSON, "Each snapshot: snapshot_id, time, schema_version, changes, author, message."),
    LEVADA_OUT(snapshot_id, INT, "The newest snapshot."),
    LEVADA_OUT(count, INT, "How many snapshots the lake keeps."),
};
static const struct levada_field chart_fields[] = {
    LEVADA_IN(struct chart_in, title, "What stands above the chart.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct chart_in, kind, "How the rows are shown.", .fallback = "table",
        .choices = (const char *const[]){"table", "line", "bar", "scatter", NULL}),
    LEVADA_IN(struct chart_in, note, "A sentence below it."),
    LEVADA_IN(struct chart_in, sql, "The query.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct chart_in, x, "The column across. Default: the first."),
    LEVADA_IN(struct chart_in, y, "The columns of numbers. Default: all others that are numbers."),
};
static const struct levada_field report_inputs[] = {
    LAKE_FIELDS(struct report_in),
    LEVADA_IN(struct report_in, title, "The title of the page.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct report_in, note, "A paragraph below the title."),
    LEVADA_IN(struct report_in, to, "The HTML file to write.", .flags = LEVADA_REQUIRED),
    LEVADA_NESTED(struct report_in, charts, chart_fields, struct chart_in, "The charts and tables, in order.",
        .flags = LEVADA_REQUIRED),
};
static const struct levada_field report_outputs[] = {
    LEVADA_OUT(path, STRING, "The page."),
    LEVADA_OUT(charts, INT, "Charts and tables on it."),
    LEVADA_OUT(bytes, INT, "Its size."),
    LEVADA_OUT(changed, BOOL, "False when the same page was there already."),
};

static const struct levada_action actions[] = {
    LEVADA_ACTION(load, TRANSACTIONAL, struct load_in, load_inputs, load_outputs, "Load files into a table.",
        .run = load_run, .resolve = load_resolve),
    LEVADA_ACTION(sql, TRANSACTIONAL, struct sql_in, sql_inputs, sql_outputs,
        "Run SQL in one transaction, or publish a query as a table.", .run = sql_run, .resolve = sql_resolve),
    LEVADA_ACTION(
        check, READ, struct check_in, check_inputs, check_outputs, "Check what tables hold.", .run = check_run),
    LEVADA_ACTION(export, IDEMPOTENT, struct export_in, export_inputs, export_outputs,
        "Write a table or a query to files.", .run = export_run),
    LEVADA_ACTION(maintain, IDEMPOTENT, struct maintain_in, maintain_inputs, maintain_outputs,
        "Merge small files, expire snapshots, delete what is no longer needed.", .run = maintain_run),
    LEVADA_ACTION(snapshots, READ, struct snapshots_in, snapshots_inputs, snapshots_outputs, "List snapshots.",
        .run = snapshots_run),
    LEVADA_ACTION(report, IDEMPOTENT, struct report_in, report_inputs, report_outputs,
        "Make one HTML page of charts and tables.", .run = report_run),
};

static const char *const reuse_by[] = {"catalog", "data", "catalog_secret", "s3", "memory", "threads", NULL};

LEVADA_PLUGIN(.name = "ducklake", .version = LEVADA_VERSION,
    .doc = "A DuckLake lakehouse: load, query, check, export, maintain, report.", LEVADA_ACTIONS(actions),
    .flags = LEVADA_REUSE, .reuse_by = reuse_by);
