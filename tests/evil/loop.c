/* SPDX-License-Identifier: Apache-2.0
 *
 * Never comes back from its constructor, and leaves a child that would not end either.
 */
#include <unistd.h>

#include "evil.h"

__attribute__((constructor)) static void
loop(void)
{
    (void)!fork();
    for (;;) pause();
}

EVIL_OTHERWISE_GOOD("loop");
