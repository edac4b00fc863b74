/* SPDX-License-Identifier: Apache-2.0
 *
 * Points where the crash tests kill us. Compiled in with LEVADA_FAILPOINTS only; the shipped binary has none.
 * LEVADA_FAILPOINT=WHERE:N kills the process with SIGKILL at the N-th time (from 1) it passes WHERE; `*` is any place.
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#ifdef LEVADA_FAILPOINTS
void failpoint(const char *where);
#define FAILPOINT(where) failpoint(where)
#else
#define FAILPOINT(where) ((void)0)
#endif

#endif
