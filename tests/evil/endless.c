/* SPDX-License-Identifier: Apache-2.0
 *
 * An object whose table is the table it stands in.
 */
#include "evil.h"

struct endless_in {
    levada_present present;
    levada_object inner;
};

static const struct levada_field inputs[1] = {
    {.name = "inner", .doc = "Another.", .type = LEVADA_TYPE_OBJECT, .offset = offsetof(struct endless_in, inner),
     .fields = inputs, .nfields = 1, .object_size = sizeof(struct endless_in)},
};
static const struct levada_action actions[] = {EVIL_ACTION(inputs, .flags = 0)};

LEVADA_PLUGIN(.name = "endless", .version = "1.0.0", .doc = "Bad.", LEVADA_ACTIONS(actions));
