/* SPDX-License-Identifier: Apache-2.0
 *
 * Built for a contract with another major.
 */
#include "evil.h"

extern const struct levada_plugin levada_plugin;
LEVADA_EXPORT const struct levada_plugin levada_plugin = {
    .abi = (LEVADA_ABI_MAJOR + 1) << 16 | LEVADA_ABI_MINOR,
    .size = sizeof(struct levada_plugin),
};
