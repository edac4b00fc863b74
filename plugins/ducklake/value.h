/* SPDX-License-Identifier: Apache-2.0
 *
 * value.h: one value of a DuckDB vector as JSON.
 */
#ifndef DUCKLAKE_VALUE_H
#define DUCKLAKE_VALUE_H

#include <duckdb.h>
#include <jansson.h>

/* A new reference; NULL: the type has no JSON form (or is nested too deep). */
json_t *value_json(duckdb_vector vector, duckdb_logical_type type, idx_t row, int depth);

#endif
