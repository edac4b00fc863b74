/* SPDX-License-Identifier: Apache-2.0
 *
 * A default that does not parse.
 */
#include "evil.h"

static const struct levada_field inputs[] = {
    LEVADA_IN(struct evil_in, wait, "How long.", .fallback = "2 fortnights"),
};
static const struct levada_action actions[] = {EVIL_ACTION(inputs, .flags = 0)};

LEVADA_PLUGIN(.name = "bad_default", .version = "1.0.0", .doc = "Bad.", LEVADA_ACTIONS(actions));
