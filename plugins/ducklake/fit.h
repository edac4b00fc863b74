/* SPDX-License-Identifier: Apache-2.0
 *
 * fit.h: making table and data fit each other before rows are written: create the table, add columns when
 * that is allowed, refuse what breaks the contract.
 */
#ifndef DUCKLAKE_FIT_H
#define DUCKLAKE_FIT_H

#include "source.h"

struct fit_want {
    const struct name *name;
    const struct source *source;
    const struct contract *contract;
    const levada_list *partition_by;
    bool evolve;
};

struct fit {
    bool created, altered;
    struct columns columns; /* those to be written, in the table's order and with its types */
};

/* In the open transaction. 0 or a class. */
int fit_table(struct work *work, const struct fit_want *want, struct fit *ret);
/* SELECT list of the fitted columns from source_relation(): casts where the types differ. */
const char *fit_select(struct work *work, const struct source *source, const struct fit *fit);

/* Add one way to partition (a column, or year, month, day or hour of one) to the SQL. */
int fit_partition(struct work *work, struct text *sql, const char *text);

#endif
