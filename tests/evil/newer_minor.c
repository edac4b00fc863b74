/* SPDX-License-Identifier: Apache-2.0
 *
 * Built for a later minor, with rows longer than ours: they must not be walked.
 */
#include "evil.h"

extern const struct levada_plugin levada_plugin;
LEVADA_EXPORT const struct levada_plugin levada_plugin = {
    .abi = LEVADA_ABI_MAJOR << 16 | (LEVADA_ABI_MINOR + 1),
    .size = sizeof(struct levada_plugin),
    .action_size = sizeof(struct levada_action) + 64,
    .field_size = sizeof(struct levada_field) + 64,
    .actions = (const struct levada_action *)(uintptr_t)8,
    .nactions = 3,
};
