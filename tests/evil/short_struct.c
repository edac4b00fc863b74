/* SPDX-License-Identifier: Apache-2.0
 *
 * Says its descriptor is of our minor and has half the size.
 */
#include "evil.h"

extern const struct levada_plugin levada_plugin;
LEVADA_EXPORT const struct levada_plugin levada_plugin = {
    .abi = LEVADA_ABI,
    .size = 32,
    .action_size = sizeof(struct levada_action),
    .field_size = sizeof(struct levada_field),
};
