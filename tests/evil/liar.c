/* SPDX-License-Identifier: Apache-2.0
 *
 * The descriptor says it is longer than the symbol is.
 */
#include "evil.h"

struct half {
    uint32_t abi, size, action_size, field_size;
};

extern const struct half levada_plugin;
LEVADA_EXPORT const struct half levada_plugin = {LEVADA_ABI, sizeof(struct levada_plugin),
                                                 sizeof(struct levada_action), sizeof(struct levada_field)};
