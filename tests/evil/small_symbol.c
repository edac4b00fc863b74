/* SPDX-License-Identifier: Apache-2.0
 *
 * The symbol is there, and is an int.
 */
#include <levada/plugin.h>

extern const int levada_plugin;
LEVADA_EXPORT const int levada_plugin = (int)LEVADA_ABI;
