/* SPDX-License-Identifier: Apache-2.0
 *
 * rows.h: result rows as JSON, one object per row by column name. Numbers stay numbers; dates and times are
 * ISO 8601; a number that JSON cannot hold exactly is a text.
 */
#ifndef DUCKLAKE_ROWS_H
#define DUCKLAKE_ROWS_H

#include <jansson.h>

#include "query.h"

struct rows {
    json_t *columns; /* [{name, type}] */
    json_t *rows;
    bool more; /* there were more than the limit */
};

/* Read up to `limit` rows and destroy the result, in every case. */
int rows_read(struct work *work, duckdb_result *result, size_t limit, struct rows *ret);
/* Run a query of the plugin's own or a user's that only reads, without parameters. */
int rows_query(struct work *work, const char *sql, size_t limit, struct rows *ret);
void rows_free(struct rows *rows);

#endif
