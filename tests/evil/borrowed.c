/* SPDX-License-Identifier: Apache-2.0
 *
 * Has no descriptor of its own; a library that it is linked with has one.
 */
#include <levada/plugin.h>

extern const struct levada_plugin levada_plugin;
LEVADA_EXPORT const void *evil_borrow(void);

LEVADA_EXPORT const void *
evil_borrow(void)
{
    return &levada_plugin;
}
