/* SPDX-License-Identifier: Apache-2.0
 *
 * dlopen, the only user of it. Called in workers and describers, never in engine or launcher.
 */
#ifndef PLUGIN_LOADER_H
#define PLUGIN_LOADER_H

#include "base/arena.h"
#include "base/err.h"
#include "levada/plugin.h"

/* A plugin's tables copied to our own sizes (a plugin of an older minor has shorter structs). Never unloaded:
 * leak and coverage reports need its symbols, and the process ends anyway. */
struct loaded_plugin {
    struct levada_plugin plugin;         /* actions points at the copies */
    struct levada_action *actions;
};

/* dlopen(RTLD_NOW | RTLD_LOCAL), major equal, plugin minor <= ours, sizes sane, tables copied by the plugin's own
 * strides. Errors: EXIT_INVALID, with both versions when the ABI is not ours. */
int loader_open(struct arena *arena, const char *path, const struct loaded_plugin **ret, struct err *err);
const struct levada_action *loader_action(const struct loaded_plugin *loaded, const char *name);

/* `levada describe FILE`: check all tables (names, docs, effect, defaults that parse, offsets inside the struct,
 * PROBE and TRANSACTIONAL with resolve) and print them as JSON on stdout. Returns the exit code. */
int loader_describe(const char *path);

#endif
