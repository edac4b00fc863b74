/* SPDX-License-Identifier: Apache-2.0
 *
 * Loads well and dies of a signal when it is unloaded.
 */
#include <signal.h>

#include "evil.h"

__attribute__((destructor)) static void
die(void)
{
    signal(SIGABRT, SIG_DFL);
    raise(SIGABRT);
}

EVIL_OTHERWISE_GOOD("crash_late");
