/* SPDX-License-Identifier: Apache-2.0
 *
 * mark.h: what this plugin wrote, in a table of the lake itself (levada.marks). A mark is committed with the
 * rows it speaks of: the token answers "did it happen?" after a crash, the digest "would it change anything?".
 */
#ifndef DUCKLAKE_MARK_H
#define DUCKLAKE_MARK_H

#include <jansson.h>

#include "name.h"

struct mark {
    const char *kind;    /* the action: load, sql */
    const char *target;  /* name->plain, or "" */
    const char *digest;  /* of all that decides the result, or "" */
    int64_t base;        /* the snapshot the transaction read */
    const char *outputs; /* JSON object */
    int64_t snapshot_id; /* the snapshot it was committed as; set when read */
};

/* The mark with this step's token. *found false: it did not happen. */
int mark_find(struct work *work, struct mark *ret, bool *found);
/* The last mark of a target. */
int mark_last(struct work *work, const char *target, struct mark *ret, bool *found);
/* Write the mark in the open transaction, and the snapshot's message. */
int mark_write(struct work *work, const struct mark *mark);
/* Set the outputs a mark keeps, its snapshot_id, and `changed`. */
int mark_outputs(struct work *work, const struct mark *mark, bool changed);
/* `resolve` of an action that writes marks: looks for the step's token; found, it sets the outputs too. */
int mark_resolve(struct levada_step *step, const struct lake_in *in, int32_t *found);
/* Set each member of an object as an output; takes the object over. */
int outputs_set(struct work *work, json_t *outputs);

#endif
