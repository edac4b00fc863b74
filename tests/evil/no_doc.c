/* SPDX-License-Identifier: Apache-2.0
 *
 * An input without documentation.
 */
#include "evil.h"

static const struct levada_field inputs[] = {
    {.name = "wait", .type = LEVADA_TYPE_DURATION, .offset = offsetof(struct evil_in, wait)},
};
static const struct levada_action actions[] = {EVIL_ACTION(inputs, .flags = 0)};

LEVADA_PLUGIN(.name = "no_doc", .version = "1.0.0", .doc = "Bad.", LEVADA_ACTIONS(actions));
