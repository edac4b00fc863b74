/* SPDX-License-Identifier: Apache-2.0
 *
 * What one field accepts: the part that filling a struct (field.c) and checking a workflow file (field_check.c)
 * have in common, so that both say the same.
 */
#ifndef PLUGIN_RULE_H
#define PLUGIN_RULE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "levada/plugin.h"
#include "plugin/schema.h"

struct rule {
    const char *path; /* of the field, for messages: "checks[2].unique" */
    enum levada_type type;
    const char *const *choices;
    size_t nchoices;
    const char *minimum, *maximum;
};

/* What is wrong with a value. `code` is a stable word: wrong-type, bad-value, secret-misused. */
struct fault {
    const char *code;
    const struct value *at;
    struct err err;
};

struct rule rule_of_field(const struct levada_field *field, const char *path);
struct rule rule_of_schema(const struct schema_field *field, const char *path);

/* The value in the one shape that its type has: texts as VALUE_STRING, lists and maps with texts in them, durations
 * as VALUE_DURATION and so on; objects are looked at no deeper than map or list of maps. NULL and a fault when the
 * field does not accept it. */
const struct value *rule_accept(struct arena *arena, const struct rule *rule, const struct value *given,
                                struct fault *fault);
/* A default or a bound, spelled as in a workflow file: plain text for scalars, JSON for the rest. */
const struct value *rule_text(struct arena *arena, const struct rule *rule, const char *text, struct fault *fault);
/* A value in a message: short, printable, never a secret, and "a list" rather than the list. */
const char *rule_show(struct arena *arena, const struct value *value);
/* The fault's message without `input "PATH" ` before it. */
const char *rule_detail(const struct rule *rule, const struct fault *fault);

#endif
