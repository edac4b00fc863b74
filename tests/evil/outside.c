/* SPDX-License-Identifier: Apache-2.0
 *
 * An input whose place is behind the end of the struct.
 */
#include "evil.h"

static const struct levada_field inputs[] = {
    {.name = "wait", .doc = "How long.", .type = LEVADA_TYPE_DURATION, .offset = 4096},
};
static const struct levada_action actions[] = {EVIL_ACTION(inputs, .flags = 0)};

LEVADA_PLUGIN(.name = "outside", .version = "1.0.0", .doc = "Bad.", LEVADA_ACTIONS(actions));
