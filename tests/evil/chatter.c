/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints what looks like a description while it loads; a good plugin otherwise.
 */
#include <stdio.h>

#include "evil.h"

__attribute__((constructor)) static void
chatter(void)
{
    puts("{\"name\":\"other\"}");
    fflush(stdout);
}

EVIL_OTHERWISE_GOOD("chatter");
