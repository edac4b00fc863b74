/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin's tables as data. The engine maps no plugin: a describer process (`levada describe FILE`) opens the
 * shared object, checks its tables and prints them as JSON; the result is cached by the file's digest and our
 * ABI. Everything that needs to know an action (checks, help, JSON Schema, documents) reads these structs.
 */
#ifndef PLUGIN_SCHEMA_H
#define PLUGIN_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "levada/plugin.h"

struct schema_field {
    const char *name, *doc;
    enum levada_type type;
    bool required, sensitive;
    const char *fallback; /* NULL: none */
    const char **choices; /* NULL: any */
    size_t nchoices;
    const char *minimum, *maximum; /* NULL: none */
    struct schema_field *fields;   /* OBJECT, OBJECTS */
    size_t nfields;
};

struct schema_action {
    const char *name, *doc; /* name without the plugin's */
    enum levada_effect effect;
    bool can_plan, can_resolve;
    struct schema_field *inputs, *outputs;
    size_t ninputs, noutputs;
};

struct schema_plugin {
    const char *name, *version, *doc;
    const char *path;   /* absolute, of the shared object */
    const char *digest; /* SHA-256 of the file, hex */
    bool reuse;
    const char **reuse_by;
    size_t nreuse_by;
    struct schema_action *actions;
    size_t nactions;
};

const struct schema_action *schema_action_find(const struct schema_plugin *plugin, const char *name);
const struct schema_field *schema_field_find(const struct schema_field *fields, size_t count, const char *name);
const char *schema_type_name(enum levada_type type);
const char *schema_effect_name(enum levada_effect effect);
bool schema_effect_from_name(const char *name, enum levada_effect *ret);
const char *schema_class_name(int error_class); /* "transient"; "permanent" for what is unknown */
int schema_class_from_name(const char *name);   /* 0: no such class */

/* Where plugins are looked for, in order: LEVADA_PLUGIN_PATH (colon separated), `lib/levada/plugins` beside the
 * folder of our own executable (../lib/levada/plugins, for the build tree lib/levada/plugins too), then the
 * `plugins/` folder beside the workflow when `folder` is given. A file must be owned by root or the
 * running user and writable by nobody else, and so must its folder's entry be no symlink out of it.
 * Finds NAME.so and describes it. Errors: EXIT_INVALID (missing: says where it looked; wrong ABI: both versions;
 * crashed while loading: the signal), EXIT_REFUSED (ownership). */
int schema_load(struct arena *arena, const char *name, const char *folder, const struct schema_plugin **ret,
                struct err *err);
/* Names of all plugins found on the path, for suggestions and `levada actions`. */
int schema_list(struct arena *arena, const char *folder, const char ***ret, size_t *count, struct err *err);

/* The public JSON of `actions --json` (design section 5): one object for one action. */
const struct value *schema_action_json(struct arena *arena, const struct schema_plugin *plugin,
                                       const struct schema_action *action);

#endif
