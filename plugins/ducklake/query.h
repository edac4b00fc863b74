/* SPDX-License-Identifier: Apache-2.0
 *
 * query.h: running SQL on the lake. Every function returns 0 or the class of the fault it kept in the work.
 */
#ifndef DUCKLAKE_QUERY_H
#define DUCKLAKE_QUERY_H

#include "lake.h"

/* 0, or the fault of a step that has been cancelled. */
int query_allowed(struct work *work);
/* Run statements that return nothing of interest. */
int query(struct work *work, const char *sql);
/* Run one statement; *changed gets the rows it wrote (NULL: not wanted). */
int query_changed(struct work *work, const char *sql, int64_t *changed);
/* The first column of the first row as a number; 0 when there is none or it is NULL. */
int query_int(struct work *work, const char *sql, int64_t *ret);
/* All rows as texts of the step, row by row; NULL stays NULL. Cast to VARCHAR in the SQL. */
struct table {
    size_t rows, columns;
    const char **cells;
};
int query_table(struct work *work, const char *sql, struct table *ret);
const char *table_cell(const struct table *table, size_t row, size_t column);

/* Run `body` in a transaction and commit it; on a conflict roll back and run it all again, a bounded number
 * of times. */
int transact(struct work *work, int (*body)(struct work *work, void *arg), void *arg);

#endif
