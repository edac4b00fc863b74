/* SPDX-License-Identifier: Apache-2.0
 *
 * Are a plugin's tables what the contract asks for? Run once, when a plugin is loaded: afterwards every offset lies
 * in its struct, every default parses, and every name can be used in a workflow.
 */
#ifndef PLUGIN_TABLE_H
#define PLUGIN_TABLE_H

#include "base/arena.h"
#include "base/err.h"
#include "levada/plugin.h"

/* EXIT_INVALID, naming the action and the field. */
int table_check(struct arena *arena, const struct levada_plugin *plugin, struct err *err);
/* sizeof the member that holds a value of this type. */
size_t table_type_size(enum levada_type type);

#endif
