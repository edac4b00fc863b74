/* SPDX-License-Identifier: Apache-2.0
 *
 * The items of a loop, from what its `foreach` or `matrix` came to: pure. They are journalled, once, before the first
 * of them begins, so that a resumed run has the same.
 */
#ifndef RUN_ITEMS_H
#define RUN_ITEMS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "workflow/model.h"

/* The values of the items: those of a list or a map (then *keys has its names, else it is NULL), or all combinations of
 * a matrix. EXIT_INVALID with a phrase: not of such a type, more than LIMIT_ITEMS. */
int items_list(struct arena *arena, const struct loop *loop, const struct value *value, const struct value **ret,
               const struct value **keys, struct err *err);
/* What the item is called without `key`: its name in a map, its own text, else its number from 1. */
const char *items_key(struct arena *arena, const struct loop *loop, const struct value *item, const struct value *keys,
                      size_t number);
/* Is it a text that can be a key? EXIT_INVALID with a phrase: empty, too long, unprintable. `from`: what it was made
 * of. */
int items_key_good(const char *key, const struct value *from, struct err *err);
/* The list [{key, value}] of the event. EXIT_INVALID when two have the same key. Values as JSON has them. */
int items_event(struct arena *arena, const char *const *keys, const struct value *values, const struct value **ret,
                struct err *err);

#endif
