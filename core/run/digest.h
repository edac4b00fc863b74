/* SPDX-License-Identifier: Apache-2.0
 *
 * Is a plugin still the file that the engine checked? Hashing it in every attempt would cost more
 * than the attempt, so the run folder remembers what the file looked like when its digest was last
 * computed.
 */
#ifndef RUN_DIGEST_H
#define RUN_DIGEST_H

#include "base/err.h"

/* 0, or EXIT_INVALID with class INVALID: changed, or unreadable. `want`: SHA-256 in hex. */
int digest_check(const char *run_folder, const char *path, const char *want, struct err *err);

#endif
