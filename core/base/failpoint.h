/* SPDX-License-Identifier: Apache-2.0
 *
 * Points where the crash tests kill. Compiled in with LEVADA_FAILPOINTS only; the shipped binary has none.
 *
 * LEVADA_FAILPOINT=WHERE:N[:VICTIM][,WHERE:N[:VICTIM]…]: at the N-th passing (from 1) of WHERE (`*`: any place)
 * the victim gets SIGKILL. VICTIM is one or several, joined by `+`, of: `self` (the default), `engine`,
 * `launcher`, `worker` (all of them), `all`, and `stop`: SIGSTOP for the process itself, which a test may let go on
 * later. Engine, launcher and workers are those whose LEVADA_STATE is ours.
 *
 * Passings are counted in each process, or, with LEVADA_FAILPOINT_FILE=PATH, over all processes in the size of the
 * file PATH.WHERE: then a point fires once, however often workers are forked and runs are resumed.
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
