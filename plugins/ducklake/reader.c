/* SPDX-License-Identifier: Apache-2.0
 *
 * DuckDB's readers for a source. The CSV sniffer may choose types, never the dialect: left alone it reads a
 * file with one broken row as a single column of text, and nobody learns of it.
 */
#include <string.h>

#include "source.h"

/* A JSON value as an argument of a reader. */
static void
add_value(struct text *sql, const json_t *value)
{
    if (json_is_array(value)) {
        text_add(sql, "[");
        for (size_t i = 0; i < json_array_size(value); i++) {
            if (i > 0) text_add(sql, ", ");
            add_value(sql, json_array_get(value, i));
        }
        text_add(sql, "]");
    } else if (json_is_object(value)) {
        const char *separator = "{", *key;
        json_t *member;
        json_object_foreach((json_t *)(uintptr_t)value, key, member) {
            text_add(sql, separator);
            text_literal(sql, key);
            text_add(sql, ": ");
            add_value(sql, member);
            separator = ", ";
        }
        text_add(sql, json_object_size(value) > 0 ? "}" : "MAP {}");
    } else {
        text_add(sql, json_literal(sql->step, value));
    }
}

static int
add_options(struct work *work, struct text *sql, const struct source *source)
{
    const char *key;
    json_t *value;
    json_object_foreach(source->options, key, value) {
        if (key[strspn(key, "abcdefghijklmnopqrstuvwxyz_0123456789")] != '\0')
            return fault_set(work, LEVADA_INVALID, NULL, "input \"options\": \"%s\" is not the name of an option", key);
        text_addf(sql, ", %s=", key);
        add_value(sql, value);
    }
    return 0;
}

static bool
has_option(const struct source *source, const char *key)
{
    return json_object_get(source->options, key) != NULL;
}

static void
add_default(struct text *sql, const struct source *source, const char *key, const char *value)
{
    if (!has_option(source, key)) text_addf(sql, ", %s=%s", key, value);
}

/* The dialect is RFC 4180 unless `options` say otherwise. */
static void
add_csv_dialect(struct text *sql, const struct source *source)
{
    if (!has_option(source, "sep")) add_default(sql, source, "delim", source->tabs ? "'\\t'" : "','");
    add_default(sql, source, "quote", source->unquoted ? "''" : "'\"'");
    add_default(sql, source, "escape", source->unquoted ? "''" : "'\"'");
    add_default(sql, source, "comment", "''");
    add_default(sql, source, "header", "true");
    /* Else the sniffer looks for lines that fit, and drops all before them without a word. */
    add_default(sql, source, "skip", "0");
    if (source->nulls->count > 0 && !has_option(source, "nullstr")) {
        text_add(sql, ", nullstr=[''");
        for (size_t i = 0; i < source->nulls->count; i++) {
            text_add(sql, ", ");
            text_literal(sql, source->nulls->items[i]);
        }
        text_add(sql, "]");
    }
}

static void
add_files(struct text *sql, const struct source *source)
{
    text_add(sql, "[");
    for (size_t i = 0; i < source->count; i++) {
        if (i > 0) text_add(sql, ", ");
        text_literal(sql, source->files[i]);
    }
    text_add(sql, "]");
}

static void
add_types(struct text *sql, const char *argument, const struct columns *columns, const struct columns *types)
{
    text_addf(sql, ", %s={", argument);
    for (size_t i = 0; i < columns->count; i++) {
        const struct column *type = types != NULL ? columns_find(types, columns->items[i].name) : NULL;
        if (i > 0) text_add(sql, ", ");
        text_literal(sql, columns->items[i].name);
        text_add(sql, ": ");
        text_literal(sql, type != NULL ? type->type : columns->items[i].type);
    }
    text_add(sql, "}");
}

/* One file is sniffed once; of several every header counts, so DuckDB sniffs each of them itself. */
static bool
is_sniffed(const struct source *source)
{
    return source->format == FORMAT_CSV && source->count == 1 && strpbrk(source->files[0], "*?[") == NULL;
}

const char *
source_relation(struct work *work, const struct source *source, const struct columns *types)
{
    static const char *const readers[] = {"read_csv", "read_parquet", "read_json"};
    struct text sql = text_new(work->step);
    text_addf(&sql, "%s(", readers[source->format]);
    add_files(&sql, source);
    if (source->format == FORMAT_CSV) add_csv_dialect(&sql, source);
    if (is_sniffed(source) && source->columns.count > 0) {
        text_addf(&sql, ", auto_detect=false%s", source->dialect);
        add_types(&sql, "columns", &source->columns, types);
    } else {
        add_default(&sql, source, "union_by_name", "true");
        if (source->format == FORMAT_CSV && source->columns.count > 0)
            add_types(&sql, "types", &source->columns, types);
    }
    if (add_options(work, &sql, source) != 0) return NULL;
    text_add(&sql, ")");
    return sql.data;
}

static int
sniff(struct work *work, struct source *source, const char *extra)
{
    struct text sql = text_new(work->step);
    text_add(&sql, "SELECT c.name, c.type, NewLineDelimiter, SkipRows::VARCHAR, DateFormat, TimestampFormat FROM "
                   "(SELECT *, unnest(Columns) AS c FROM sniff_csv(");
    text_literal(&sql, source->files[0]);
    add_csv_dialect(&sql, source);
    int error = add_options(work, &sql, source);
    text_addf(&sql, "%s))", extra);
    struct table found;
    if (error == 0) error = query_table(work, sql.data, &found);
    if (error != 0) return error;
    source->columns = (struct columns){.count = found.rows};
    source->columns.items = work->step->host->alloc(work->step, (found.rows + 1) * sizeof(struct column));
    for (size_t i = 0; i < found.rows; i++)
        source->columns.items[i] = (struct column){.name = table_cell(&found, i, 0), .type = table_cell(&found, i, 1)};
    struct text dialect = text_new(work->step);
    const char *line = table_cell(&found, 0, 2);
    if (line != NULL && line[0] == '\\' && !has_option(source, "new_line"))
        text_addf(&dialect, ", new_line='%s'", line);
    if (table_cell(&found, 0, 3) != NULL && !has_option(source, "skip"))
        text_addf(&dialect, ", skip=%s", table_cell(&found, 0, 3));
    static const char *const formats[] = {"dateformat", "timestampformat"};
    for (size_t i = 0; i < 2; i++) {
        const char *value = table_cell(&found, 0, 4 + i);
        if (!text_given(value) || has_option(source, formats[i])) continue;
        text_addf(&dialect, ", %s=", formats[i]);
        text_literal(&dialect, value);
    }
    source->dialect = dialect.data;
    return 0;
}

/* The sniffer only says that it failed. Take the columns it finds when broken rows are skipped, and read
 * with those: the reader names the row. */
static int
explain_sniff(struct work *work, struct source *source)
{
    struct fault first = work->fault;
    fault_clear(work);
    int error = sniff(work, source, ", ignore_errors=true");
    if (error == LEVADA_CONTRACT) { /* a quote without its end hides the rows behind it */
        fault_clear(work);
        source->unquoted = true;
        error = sniff(work, source, ", ignore_errors=true");
        source->unquoted = false;
    }
    if (error == 0) {
        for (size_t i = 0; i < source->columns.count; i++) source->columns.items[i].type = "VARCHAR";
        int64_t rows;
        error = query_int(
            work, text_format(work->step, "SELECT count(*) FROM %s", source_relation(work, source, NULL)), &rows);
    }
    if (error != 0 && work->fault.error_class == LEVADA_CONTRACT) return error;
    work->fault = first;
    return first.error_class;
}

int
source_look(struct work *work, struct source *source)
{
    if (is_sniffed(source)) {
        int error = sniff(work, source, "");
        return error != 0 && error == LEVADA_CONTRACT ? explain_sniff(work, source) : error;
    }
    const char *relation = source_relation(work, source, NULL);
    return relation != NULL ? columns_read(work, relation, &source->columns) : work->fault.error_class;
}
