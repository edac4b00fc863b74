/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's side of hooks: what a job says of them. hook.h is the worker's.
 */
#ifndef RUN_HOOK_JOB_H
#define RUN_HOOK_JOB_H

#include "run/state.h"

/* The member `hooks` of a job, when the step has any. `failed`: attempts that count as failed so far. */
void hook_job(struct arena *arena, const struct step_state *step, uint32_t failed, struct value *job);

#endif
