/* SPDX-License-Identifier: Apache-2.0
 *
 * Values into input structs by table: types, defaults, required, choices, bounds, presence bits.
 */
#ifndef PLUGIN_FIELD_H
#define PLUGIN_FIELD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "levada/plugin.h"
#include "plugin/schema.h"

/* Fill the struct of `size` bytes at `input` (zeroed by the caller) from the map `given` (NULL: nothing given).
 * `folder`: what relative paths are relative to. A VALUE_SECRET goes only into a secret field; a plain string is
 * accepted there too. An SQL field takes a string, or the map {"sql": text, "params": [[offset, json value], …]}
 * that template_sql() makes. Errors: EXIT_INVALID, class INVALID, naming the input as a path ("checks[2].unique"). */
int field_fill(struct arena *arena, const struct levada_field *fields, size_t nfields, const struct value *given,
               const char *folder, void *input, size_t size, struct err *err);

/* Check one value of a workflow file against a field without filling anything: what `check` can know before a
 * run. A string that holds `${{` is accepted for any type. Reports through `report` once per fault with the value
 * that is at fault (its line and column), a stable code word, a message and a hint (or NULL). */
typedef void field_report(void *context, const struct value *at, const char *code, const char *message,
                          const char *hint);
void field_check(struct arena *arena, const struct schema_field *fields, size_t nfields, const struct value *given,
                 const char *what, field_report *report, void *context);

/* One scalar text or value into the type: "2h" into a duration, 1 into a number. NULL and err on refusal. */
const struct value *field_coerce(struct arena *arena, enum levada_type type, const struct value *value,
                                 struct err *err);

#endif
