/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading results. They are streamed: a query of a billion rows whose first ten are wanted costs ten.
 */
#include "rows.h"

#include <string.h>

#include "value.h"

static const char *
type_name(duckdb_type type)
{
    static const char *const names[] = {
        [DUCKDB_TYPE_BOOLEAN] = "boolean",
        [DUCKDB_TYPE_TINYINT] = "integer",
        [DUCKDB_TYPE_SMALLINT] = "integer",
        [DUCKDB_TYPE_INTEGER] = "integer",
        [DUCKDB_TYPE_BIGINT] = "integer",
        [DUCKDB_TYPE_UTINYINT] = "integer",
        [DUCKDB_TYPE_USMALLINT] = "integer",
        [DUCKDB_TYPE_UINTEGER] = "integer",
        [DUCKDB_TYPE_UBIGINT] = "integer",
        [DUCKDB_TYPE_HUGEINT] = "integer",
        [DUCKDB_TYPE_UHUGEINT] = "integer",
        [DUCKDB_TYPE_FLOAT] = "number",
        [DUCKDB_TYPE_DOUBLE] = "number",
        [DUCKDB_TYPE_DECIMAL] = "number",
        [DUCKDB_TYPE_VARCHAR] = "string",
        [DUCKDB_TYPE_DATE] = "date",
        [DUCKDB_TYPE_TIME] = "time",
        [DUCKDB_TYPE_TIMESTAMP] = "timestamp",
        [DUCKDB_TYPE_TIMESTAMP_TZ] = "timestamp",
        [DUCKDB_TYPE_TIMESTAMP_S] = "timestamp",
        [DUCKDB_TYPE_TIMESTAMP_MS] = "timestamp",
        [DUCKDB_TYPE_TIMESTAMP_NS] = "timestamp",
        [DUCKDB_TYPE_LIST] = "list",
        [DUCKDB_TYPE_ARRAY] = "list",
        [DUCKDB_TYPE_MAP] = "list",
        [DUCKDB_TYPE_STRUCT] = "map",
    };
    size_t index = (size_t)type;
    return index < sizeof names / sizeof names[0] && names[index] != NULL ? names[index] : "string";
}

static int
read_chunk(struct work *work, duckdb_result *result, duckdb_data_chunk chunk, size_t limit, struct rows *rows)
{
    idx_t columns = duckdb_data_chunk_get_column_count(chunk), size = duckdb_data_chunk_get_size(chunk);
    for (idx_t row = 0; row < size; row++) {
        if (json_array_size(rows->rows) == limit) {
            rows->more = true;
            return 0;
        }
        json_t *object = json_object();
        json_array_append_new(rows->rows, object);
        for (idx_t column = 0; column < columns; column++) {
            duckdb_logical_type type = duckdb_column_logical_type(result, column);
            json_t *value = value_json(duckdb_data_chunk_get_vector(chunk, column), type, row, 0);
            duckdb_destroy_logical_type(&type);
            if (value == NULL)
                return fault_set(work, LEVADA_INVALID, "Cast it to VARCHAR in the SQL.",
                    "column \"%s\" has a type or a value without a JSON form", duckdb_column_name(result, column));
            json_object_set_new(object, duckdb_column_name(result, column), value);
        }
    }
    return 0;
}

int
rows_read(struct work *work, duckdb_result *result, size_t limit, struct rows *ret)
{
    struct rows rows = {.columns = json_array(), .rows = json_array()};
    for (idx_t i = 0; i < duckdb_column_count(result); i++)
        json_array_append_new(rows.columns, json_pack("{s:s, s:s}", "name", duckdb_column_name(result, i), "type",
            type_name(duckdb_column_type(result, i))));
    int error = 0;
    while (error == 0 && !rows.more) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);
        if (chunk == NULL) {
            const char *text = duckdb_result_error(result);
            if (text != NULL && text[0] != '\0') error = fault_duckdb(work, duckdb_result_error_type(result), text);
            break;
        }
        error = read_chunk(work, result, chunk, limit, &rows);
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(result);
    if (error != 0) rows_free(&rows);
    else *ret = rows;
    return error;
}

int
rows_query(struct work *work, const char *sql, size_t limit, struct rows *ret)
{
    int error = query_allowed(work);
    if (error != 0) return error;
    duckdb_prepared_statement statement;
    duckdb_result result;
    if (duckdb_prepare(work->con, sql, &statement) != DuckDBSuccess) {
        error = fault_prepare(work, duckdb_prepare_error(statement));
        duckdb_destroy_prepare(&statement);
        return error;
    }
    if (duckdb_execute_prepared_streaming(statement, &result) != DuckDBSuccess) {
        error = fault_duckdb(work, duckdb_result_error_type(&result), duckdb_result_error(&result));
        duckdb_destroy_result(&result);
    } else {
        error = rows_read(work, &result, limit, ret);
    }
    duckdb_destroy_prepare(&statement);
    return error;
}

void
rows_free(struct rows *rows)
{
    json_decref(rows->columns);
    json_decref(rows->rows);
    *rows = (struct rows){0};
}
