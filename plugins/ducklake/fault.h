/* SPDX-License-Identifier: Apache-2.0
 *
 * fault.h: what went wrong, kept until it is known whether it counts. A conflict inside a transaction is
 * tried again, so a fault is told to the host only by work_close().
 */
#ifndef DUCKLAKE_FAULT_H
#define DUCKLAKE_FAULT_H

#include <duckdb.h>
#include <levada/plugin.h>

struct work;

struct fault {
    int error_class; /* 0: none */
    const char *message, *hint;
    bool again; /* the whole transaction may succeed when it is run again */
};

/* Keep the first fault of this try; returns its class. `hint` may be NULL. */
__attribute__((format(printf, 4, 5))) int fault_set(struct work *work, int error_class, const char *hint,
    const char *fmt, ...);
/* The same from DuckDB's error text: finds the class, keeps what a person needs of it (file and line of a
 * broken CSV row, the first line otherwise), drops DuckDB's prefixes and takes secrets out. */
int fault_duckdb(struct work *work, duckdb_error_type type, const char *error);
/* The same for errors of prepare and extract, whose type only the text tells. */
int fault_prepare(struct work *work, const char *error);
/* A sentence naming the tables the lake has, or NULL: a hint for a table that is missing. */
const char *fault_tables(struct work *work);
/* Forget the fault: the transaction is tried again. */
void fault_clear(struct work *work);

#endif
