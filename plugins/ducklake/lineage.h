/* SPDX-License-Identifier: Apache-2.0
 *
 * lineage.h: what a query reads. A publish is unchanged only when this is known completely.
 */
#ifndef DUCKLAKE_LINEAGE_H
#define DUCKLAKE_LINEAGE_H

#include <jansson.h>

#include "name.h"

#define LINEAGE_TABLES_MAX 256

struct lineage {
    bool known;      /* the result follows from the tables and the views' text alone */
    const char *why; /* why not */
    int64_t tables[LINEAGE_TABLES_MAX]; /* ids */
    size_t count;
    const char *views; /* text of all views it goes through */
};

/* `sql` is one SELECT. 0 or a class; a query that cannot be understood is not a fault but unknown. */
int lineage_read(struct work *work, const char *sql, struct lineage *ret);
/* Did none of the tables change after the snapshot? */
int lineage_unchanged(struct work *work, const struct lineage *lineage, int64_t since, bool *ret);

#endif
