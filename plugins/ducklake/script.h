/* SPDX-License-Identifier: Apache-2.0
 *
 * script.h: a user's SQL: rendered, split, bound and run statement by statement. Values reach it only as
 * bound parameters.
 */
#ifndef DUCKLAKE_SCRIPT_H
#define DUCKLAKE_SCRIPT_H

#include "rows.h"

struct script {
    const char *text;      /* each ${{ }} is $levada_N in it */
    const levada_sql *sql; /* the values of these; NULL: none */
    json_t *named;         /* the values of $name; owned by the caller */
    const char *file;      /* for messages, or NULL */
};

struct script_result {
    struct rows rows;     /* of the last statement, when it gives rows */
    int64_t rows_changed; /* by all statements */
    bool wrote;           /* it may have changed the lake */
    bool schema;          /* it ran statements that may have changed tables or views: compare catalogs */
    size_t statements;
};

/* From the inputs `sql` and `file`, of which exactly one is given, and `params`. */
int script_read(struct work *work, const levada_sql *sql, const char *file, json_t *named, struct script *ret);
/* Make the text one query that other SQL can stand around: a fault if it is several statements. */
int script_trim(struct work *work, struct script *script);
/* Run all statements in the transaction that is open. */
int script_run(struct work *work, const struct script *script, size_t limit, struct script_result *ret);
/* Run `sql` (written around the script's text) with the script's parameters. */
int script_run_text(
    struct work *work, const struct script *script, const char *sql, size_t limit, struct script_result *ret);
/* All that decides the result of the script besides the data: its text and the values. */
const char *script_identity(struct work *work, const struct script *script);

#endif
