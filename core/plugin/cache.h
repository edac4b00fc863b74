/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptions of plugins by the digest of their file and our ABI, in $LEVADA_CACHE, $XDG_CACHE_HOME/levada or
 * ~/.cache/levada. A cache can be lost, damaged or unwritable: then it is not used, and nobody is told.
 */
#ifndef PLUGIN_CACHE_H
#define PLUGIN_CACHE_H

#include "base/arena.h"
#include "base/value.h"

/* NULL: nothing there that may be trusted. */
const struct value *cache_get(struct arena *arena, const char *digest);
void cache_put(struct arena *arena, const char *digest, const struct value *json);
/* The folder, or NULL when there is none; not made. */
const char *cache_folder(struct arena *arena);

#endif
