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
        "append: add the rows; replace: the rows become the table's only ones; merge: update rows with an equal key, add others.",
        .fallback = "append", .choices = (const char *const[]){"append", "replace", "merge", NULL}),
    LEVADA_IN(struct load_in, key, "With merge: the columns that identify a row."),
    LEVADA_IN(struct load_in, contract, "A YAML or JSON file with the columns the data must have, and their types."),
    LEVADA_IN(struct load_in, evolve, "Add columns that are new in the data or the contract, and widen types.", .fallback = "false"),
    LEVADA_IN(struct load_in, nulls, "Texts that mean NULL in CSV, besides the empty one."),
    LEVADA_IN(struct load_in, options, "Further options of DuckDB's reader, for example {delim: \";\"}.", .fallback = "{}"),
    LEVADA_IN(struct load_in, partition_by, "Partition a new table by these: a column, or year, month, day or hour of one."),
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
    LEVADA_IN(struct sql_in, limit, "Rows of the last statement to give as output.", .fallback = "1000", .minimum = "0", .maximum = "100000"),
    LEVADA_NESTED(struct sql_in, publish, publish_fields, struct publish_in,
        "Make the result of the one query a table. Nothing happens while neither the query nor what it reads changed."),
};
static const struct levada_field sql_outputs[] = {
    LEVADA_OUT(rows, LIST, "Rows of the last statement, a map by column each."),
    LEVADA_OUT(columns, LIST, "Their columns: name and type."),
    LEVADA_OUT(truncated, BOOL, "Whether there were more rows than the output has."),
    LEVADA_OUT(rows_changed, INT, "Rows written by all statements; with publish, rows of the table."),
    LEVADA_OUT(table, STRING, "With publish, the table; else empty."),
    LEVADA_OUT(snapshot_id, INT, "The snapshot made, or the one that was read."),
    LEVADA_OUT(changed, BOOL, "Whether the lake was changed."),
};

static const struct levada_field values_fields[] = {
    LEVADA_IN(struct values_in, column, "The column.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct values_in, accepted, "The values it may have, as texts; NULL is accepted too.", .flags = LEVADA_REQUIRED),
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
    LEVADA_IN(struct check_item, unique, "Columns that together must not repeat; rows with a NULL among them do not count."),
    LEVADA_NESTED(struct check_item, values, values_fields, struct values_in, "A column has only these values."),
    LEVADA_NESTED(struct check_item, range, range_fields, struct range_in, "A column lies between bounds."),
    LEVADA_NESTED(struct check_item, row_count, row_count_fields, struct row_count_in, "The table has so many rows."),
    LEVADA_NESTED(struct check_item, freshness, freshness_fields, struct freshness_in, "The newest row is young enough."),
    LEVADA_NESTED(struct check_item, references, references_fields, struct references_in, "Each value of a column is in another table."),
    LEVADA_IN(struct check_item, sql, "A query that gives the rows that are wrong, or one boolean that is true when all is well."),
};
static const struct levada_field check_inputs[] = {
    LAKE_FIELDS(struct check_in),
    LEVADA_IN(struct check_in, table, "The table of all checks that name none."),
    LEVADA_IN(struct check_in, snapshot, "Look at the tables as of this snapshot.", .minimum = "0"),
    LEVADA_IN(struct check_in, contract, "A contract file whose rules for columns, key and rows are checked too."),
    LEVADA_NESTED(struct check_in, checks, check_fields, struct check_item, "The checks."),
    LEVADA_IN(struct check_in, fail, "Fail the step when a check of severity error fails.", .fallback = "true"),
    LEVADA_IN(struct check_in, samples, "How many wrong rows to show for each check.", .fallback = "5", .minimum = "0", .maximum = "100"),
};
static const struct levada_field check_outputs[] = {
    LEVADA_OUT(passed, INT, "Checks that passed."),
    LEVADA_OUT(failed, INT, "Checks of severity error that failed."),
    LEVADA_OUT(warned, INT, "Checks of severity warn that failed."),
    LEVADA_OUT(results, LIST, "Each check: name, table, kind, severity, passed, failing, message, sample."),
    LEVADA_OUT(summary, STRING, "One sentence about all checks."),
};

static const struct levada_action actions[] = {
    LEVADA_ACTION(load, TRANSACTIONAL, struct load_in, load_inputs, load_outputs, "Load files into a table.",
        .run = load_run, .resolve = load_resolve),
    LEVADA_ACTION(sql, TRANSACTIONAL, struct sql_in, sql_inputs, sql_outputs,
        "Run SQL in one transaction, or publish a query as a table.", .run = sql_run, .resolve = sql_resolve),
    LEVADA_ACTION(check, READ, struct check_in, check_inputs, check_outputs, "Check what tables hold.", .run = check_run),
};

static const char *const reuse_by[] = {"catalog", "data", "catalog_secret", "s3", "memory", "threads", NULL};

LEVADA_PLUGIN(.name = "ducklake", .version = LEVADA_VERSION, .doc = "A DuckLake lakehouse: load, query, check, export, maintain, report.",
    LEVADA_ACTIONS(actions), .flags = LEVADA_REUSE, .reuse_by = reuse_by);
