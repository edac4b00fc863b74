/* SPDX-License-Identifier: Apache-2.0
 *
 * A shared object that is no plugin.
 */
#include <levada/plugin.h>

LEVADA_EXPORT int evil_answer(void);

LEVADA_EXPORT int
evil_answer(void)
{
    return 42;
}
