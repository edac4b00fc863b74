/* SPDX-License-Identifier: Apache-2.0
 *
 * Says its actions are too short to have a run function.
 */
#include "evil.h"

extern const struct levada_plugin levada_plugin;
LEVADA_EXPORT const struct levada_plugin levada_plugin = {
    .abi = LEVADA_ABI,
    .size = sizeof(struct levada_plugin),
    .action_size = 24,
    .field_size = sizeof(struct levada_field),
};
