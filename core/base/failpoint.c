/* SPDX-License-Identifier: Apache-2.0
 *
 * SIGKILL, not exit: nothing may run after the point, as when the machine takes the process away.
 */
#include "base/failpoint.h"

#ifdef LEVADA_FAILPOINTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

void
failpoint(const char *where)
{
    static const char *spec;
    static long left = -1;
    static size_t length;
    if (left == 0) return;
    if (left < 0) {
        const char *text = getenv("LEVADA_FAILPOINT");
        const char *colon = text != NULL ? strrchr(text, ':') : NULL;
        left = 0;
        if (colon == NULL) return;
        spec = text;
        length = (size_t)(colon - text);
        left = strtol(colon + 1, NULL, 10);
        if (left <= 0) {
            left = 0;
            return;
        }
    }
    if (!(length == 1 && spec[0] == '*') && !(strlen(where) == length && strncmp(where, spec, length) == 0)) return;
    if (--left == 0) raise(SIGKILL);
}
#else
typedef int failpoint_is_not_built;
#endif
