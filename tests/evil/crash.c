/* SPDX-License-Identifier: Apache-2.0
 *
 * Dies of a signal in its constructor.
 */
#include <signal.h>

#include "evil.h"

__attribute__((constructor)) static void
die(void)
{
    signal(SIGSEGV, SIG_DFL); /* a sanitizer would turn it into an exit code */
    raise(SIGSEGV);
}

EVIL_OTHERWISE_GOOD("crash");
