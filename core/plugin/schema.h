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
const char *schema_effect_meaning(enum levada_effect effect); /* "no effect: run again" */
bool schema_effect_from_name(const char *name, enum levada_effect *ret);
const char *schema_class_name(int error_class); /* "transient"; "permanent" for what is unknown */
int schema_class_from_name(const char *name);   /* 0: no such class */

/* Where plugins are looked for, in order: LEVADA_PLUGIN_PATH (colon separated), ../lib/levada/plugins from the
 * folder of our own executable (installed and in the build tree alike), then the `plugins/` folder beside the
 * workflow when `folder` (the workflow's, or NULL) is given. The file and the folder it lies in must be owned by root
 * or the running user and be writable by nobody else, and the file must be no symlink out of that folder.
 * Finds NAME.so and describes it. Errors: EXIT_INVALID (missing: says where it looked and what is near; wrong ABI: both
 * versions; crashed while loading: the signal), EXIT_REFUSED (ownership). */
int schema_load(struct arena *arena, const char *name, const char *folder, const struct schema_plugin **ret,
                struct err *err);
/* Names of all plugins found on the path, sorted, once each; for suggestions and `levada actions`. Opens none. */
int schema_list(struct arena *arena, const char *folder, const char ***ret, size_t *count, struct err *err);
/* The name of the plugin's action nearest to `name`, or NULL: for "did you mean". */
const char *schema_action_nearest(struct arena *arena, const struct schema_plugin *plugin, const char *name);

/* The executable that describes plugins and beside which they are looked for; NULL (the default): our own,
 * /proc/self/exe. For programs that are not levada: unit tests. Not copied. */
void schema_set_self(const char *executable);

/* A whole plugin as JSON, as describer and cache keep it, and back. The path and the digest are not in the JSON of the
 * describer; schema_to_json writes them when they are set. schema_from_json trusts nothing: EXIT_INVALID for any
 * other shape. */
const struct value *schema_to_json(struct arena *arena, const struct schema_plugin *plugin);
int schema_from_json(struct arena *arena, const struct value *json, const struct schema_plugin **ret,
                     struct err *err);

/* The public JSON of `levada actions --json`: one object for one action, {name:"plugin.action",doc,effect,plan,resolve,
 * inputs[{name,type,required,default,secret,doc}],outputs[{name,type,secret,doc}]}; choices, minimum, maximum and the
 * fields of objects are there when the table has them. Defaults of booleans, numbers, lists and maps keep their
 * type. */
const struct value *schema_action_json(struct arena *arena, const struct schema_plugin *plugin,
                                       const struct schema_action *action);

#endif
