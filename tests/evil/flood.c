/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints without end, on any descriptor it finds, while it loads.
 */
#include <string.h>
#include <unistd.h>

#include "evil.h"

__attribute__((constructor)) static void
flood(void)
{
    char chunk[4096];
    memset(chunk, 'x', sizeof chunk);
    for (;;)
        for (int fd = 1; fd < 8; fd++) (void)!write(fd, chunk, sizeof chunk);
}

EVIL_OTHERWISE_GOOD("flood");
