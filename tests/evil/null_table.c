/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts two inputs in a table that is not there.
 */
#include "evil.h"

static const struct levada_action actions[] = {
    {.name = "act", .doc = "Do it.", .effect = LEVADA_EFFECT_PURE, .input_size = sizeof(struct evil_in), .ninputs = 2,
     .run = evil_run},
};

LEVADA_PLUGIN(.name = "null_table", .version = "1.0.0", .doc = "Bad.", LEVADA_ACTIONS(actions));
