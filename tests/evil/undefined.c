/* SPDX-License-Identifier: Apache-2.0
 *
 * Needs a function that nobody has.
 */
#include "evil.h"

int evil_missing_function(void);
LEVADA_EXPORT int evil_call(void);

LEVADA_EXPORT int
evil_call(void)
{
    return evil_missing_function();
}

EVIL_OTHERWISE_GOOD("undefined");
