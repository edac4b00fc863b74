/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "run/worth.h"

#include "levada/plugin.h"

bool
worth_retrying(const struct retry *retry, bool action, uint32_t tries, int error_class, bool limited)
{
    if (tries >= retry->attempts || error_class == LEVADA_CANCELLED) return false;
    if (retry->classes) return (retry->classes >> error_class & 1) != 0;
    if (limited) return false; /* it would only use as much again */
    /* An exit code says nothing about its class, so `retry` on a shell step means any failure. */
    if (!action) return true;
    switch (error_class) {
#define X(id, number, word, again, meaning) case number: return again;
        LEVADA_CLASSES(X)
#undef X
    default: return false;
    }
}
