/* SPDX-License-Identifier: Apache-2.0
 *
 * `levada resume --all`: every interrupted run of the state directory, each by a `levada resume` of its own.
 */
#ifndef CLI_RESUME_ALL_H
#define CLI_RESUME_ALL_H

#include <stdbool.h>
#include <stdint.h>

#define RESUME_ALL_RUNS 4 /* at once, unless --max-runs says otherwise */
#define RESUME_ALL_RUNS_MAX 256

/* Held runs are left alone; those that wait for a person are named with what to type. Returns the worst exit code: 9
 * before 5 before 1, then 8, then any other; 0 when there was nothing to do. max_parallel 0: as each run was
 * started. */
int resume_all(bool json, uint32_t max_runs, uint32_t max_parallel);

#endif
