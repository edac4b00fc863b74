/* SPDX-License-Identifier: Apache-2.0
 *
 * name.h: a table of the lake, from `table` or `schema.table`, and what is known of it.
 */
#ifndef DUCKLAKE_NAME_H
#define DUCKLAKE_NAME_H

#include "query.h"

struct name {
    const char *schema, *table;
    const char *plain;  /* as a person writes it: `flights`, `raw.orders` */
    const char *quoted; /* lake."main"."flights" */
};

struct column {
    const char *name, *type;
    bool required; /* NOT NULL */
};

struct columns {
    struct column *items;
    size_t count;
};

/* Read `text` as the name of a table. `input` is named in the fault. */
int name_read(struct work *work, const char *input, const char *text, struct name *ret);
/* The table's id in the catalog, or -1: there is none. Sees what is committed. */
int name_find(struct work *work, const struct name *name, int64_t *id);
/* The same, and a fault of class missing that names the tables there are. */
int name_require(struct work *work, const struct name *name, int64_t *id);
/* The snapshot that last changed the table's rows or columns; compaction does not count. -1: none known. */
int name_changed(struct work *work, int64_t id, int64_t *snapshot);
/* The columns that `relation` (a table or anything that may stand after FROM) gives. */
int columns_read(struct work *work, const char *relation, struct columns *ret);
const struct column *columns_find(const struct columns *columns, const char *name);
/* "a", "b", "c" */
const char *columns_names(struct levada_step *step, const struct columns *columns);
/* The snapshot this transaction reads. */
int snapshot_current(struct work *work, int64_t *id);

#endif
