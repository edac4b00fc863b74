/* SPDX-License-Identifier: Apache-2.0
 *
 * Transactional, and cannot say whether it happened.
 */
#include "evil.h"

static const struct levada_field inputs[] = {
    LEVADA_IN(struct evil_in, wait, "How long."),
};
static const struct levada_action actions[] = {
    LEVADA_ACTION(act, TRANSACTIONAL, struct evil_in, inputs, inputs, "Do it.", .run = evil_run),
};

LEVADA_PLUGIN(.name = "no_resolve", .version = "1.0.0", .doc = "Bad.", LEVADA_ACTIONS(actions));
