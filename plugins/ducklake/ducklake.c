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

static const struct levada_action actions[] = {
    LEVADA_ACTION(load, TRANSACTIONAL, struct load_in, load_inputs, load_outputs, "Load files into a table.",
        .run = load_run, .resolve = load_resolve),
    LEVADA_ACTION(sql, TRANSACTIONAL, struct sql_in, sql_inputs, sql_outputs,
        "Run SQL in one transaction, or publish a query as a table.", .run = sql_run, .resolve = sql_resolve),
};

static const char *const reuse_by[] = {"catalog", "data", "catalog_secret", "s3", "memory", "threads", NULL};

LEVADA_PLUGIN(.name = "ducklake", .version = LEVADA_VERSION, .doc = "A DuckLake lakehouse: load, query, check, export, maintain, report.",
    LEVADA_ACTIONS(actions), .flags = LEVADA_REUSE, .reuse_by = reuse_by);
