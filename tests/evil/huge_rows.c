/* SPDX-License-Identifier: Apache-2.0
 *
 * Of an older minor, with rows of a size that cannot be.
 */
#include "evil.h"

extern const struct levada_plugin levada_plugin;
LEVADA_EXPORT const struct levada_plugin levada_plugin = {
    .abi = LEVADA_ABI_MAJOR << 16 | (LEVADA_ABI_MINOR - 1),
    .size = sizeof(struct levada_plugin),
    .action_size = 1u << 30,
    .field_size = sizeof(struct levada_field),
};
