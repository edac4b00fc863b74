/* SPDX-License-Identifier: Apache-2.0
 *
 * Ends the process in its constructor, as if all were well.
 */
#include <stdlib.h>

#include "evil.h"

__attribute__((constructor)) static void
leave(void)
{
    exit(0);
}

EVIL_OTHERWISE_GOOD("leave");
