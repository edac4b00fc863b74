/* SPDX-License-Identifier: Apache-2.0
 *
 * Running SQL. A cancelled step runs nothing more: the watch interrupts the query that runs, and the next
 * one is refused here.
 */
#include "query.h"

#include <string.h>
#include <time.h>

#define TRANSACTION_TRIES 12
#define TRANSACTION_WAIT_MS 40

int
query_allowed(struct work *work)
{
    if (work->closing || !work->step->host->cancelled(work->step)) return 0;
    return fault_set(work, LEVADA_CANCELLED, NULL, "cancelled");
}

static int
run(struct work *work, const char *sql, duckdb_result *result)
{
    int error = query_allowed(work);
    if (error != 0) return error;
    if (duckdb_query(work->con, sql, result) == DuckDBSuccess) return 0;
    error = fault_duckdb(work, duckdb_result_error_type(result), duckdb_result_error(result));
    duckdb_destroy_result(result);
    return error;
}

int
query(struct work *work, const char *sql)
{
    duckdb_result result;
    int error = run(work, sql, &result);
    if (error == 0) duckdb_destroy_result(&result);
    return error;
}

int
query_changed(struct work *work, const char *sql, int64_t *changed)
{
    duckdb_result result;
    int error = run(work, sql, &result);
    if (error != 0) return error;
    *changed = (int64_t)duckdb_rows_changed(&result);
    duckdb_destroy_result(&result);
    return 0;
}

int
query_int(struct work *work, const char *sql, int64_t *ret)
{
    duckdb_result result;
    int error = run(work, sql, &result);
    if (error != 0) return error;
    *ret = duckdb_row_count(&result) > 0 && !duckdb_value_is_null(&result, 0, 0) ? duckdb_value_int64(&result, 0, 0)
                                                                                 : 0;
    duckdb_destroy_result(&result);
    return 0;
}

int
query_table(struct work *work, const char *sql, struct table *ret)
{
    duckdb_result result;
    int error = run(work, sql, &result);
    if (error != 0) return error;
    struct table table = {.rows = duckdb_row_count(&result), .columns = duckdb_column_count(&result)};
    table.cells = work->step->host->alloc(work->step, (table.rows * table.columns + 1) * sizeof *table.cells);
    for (size_t row = 0; row < table.rows; row++)
        for (size_t column = 0; column < table.columns; column++) {
            char *value = duckdb_value_varchar(&result, column, row);
            if (value != NULL) table.cells[row * table.columns + column] = text_copy(work->step, value, strlen(value));
            duckdb_free(value);
        }
    duckdb_destroy_result(&result);
    *ret = table;
    return 0;
}

const char *
table_cell(const struct table *table, size_t row, size_t column)
{
    return row < table->rows && column < table->columns ? table->cells[row * table->columns + column] : NULL;
}

static void
roll_back(struct work *work)
{
    struct fault fault = work->fault;
    fault_clear(work);
    work->closing = true; /* a cancelled step must still be able to let go */
    (void)query(work, "ROLLBACK");
    work->closing = false;
    work->in_transaction = false;
    work->fault = fault;
}

/* Doubles, up to two seconds, with a spread so that two losers do not meet again. */
static int64_t
wait_ms(int try)
{
    int64_t wait = (int64_t)TRANSACTION_WAIT_MS << (try < 6 ? try : 6);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (wait > 2000) wait = 2000;
    return wait / 2 + now.tv_nsec / 1000 % wait;
}

int
transact(struct work *work, int (*body)(struct work *work, void *arg), void *arg)
{
    for (int try = 1;; try++) {
        int error = query(work, "BEGIN");
        if (error != 0) return error;
        work->in_transaction = true;
        error = body(work, arg);
        if (error == 0) error = query(work, "COMMIT");
        if (error == 0) {
            work->in_transaction = false;
            return 0;
        }
        roll_back(work);
        if (!work->fault.again || try == TRANSACTION_TRIES) return error;
        levada_log(work->step, LEVADA_INFO, "another writer was faster; running the transaction again (%d of %d): %s",
            try + 1, TRANSACTION_TRIES, work->fault.message);
        fault_clear(work);
        if (work->step->host->sleep(work->step, wait_ms(try)) != 0)
            return fault_set(work, LEVADA_CANCELLED, NULL, "cancelled");
    }
}
