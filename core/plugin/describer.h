/* SPDX-License-Identifier: Apache-2.0
 *
 * A process that opens a plugin for us: whatever the plugin does while it loads is one error message here.
 */
#ifndef PLUGIN_DESCRIBER_H
#define PLUGIN_DESCRIBER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"

/* Run `executable describe path` with no input, bounded output, and timeout_ms to finish. `name`: the plugin's, for
 * messages. Gives the JSON it printed. Errors: EXIT_INVALID: what the describer found, a crash with its signal, an
 * early end, too much output, too much time. */
int describer_run(struct arena *arena, const char *executable, const char *name, const char *path,
                  int64_t timeout_ms, const struct value **ret, struct err *err);

#endif
