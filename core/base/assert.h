/* SPDX-License-Identifier: Apache-2.0
 *
 * Assertions are for our own bugs, stay on in production, and end the process at once: the journal makes
 * that safe. What a user or a server can cause is an error, never an assertion.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

_Noreturn void assert_failed(const char *file, int line, const char *expr);

#define ASSERT(expr) ((expr) ? (void)0 : assert_failed(__FILE__, __LINE__, #expr))
#define UNREACHABLE(why) assert_failed(__FILE__, __LINE__, "unreachable: " why)

#endif
