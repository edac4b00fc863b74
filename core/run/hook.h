/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks: Lua of the workflow beside the work of an attempt. The engine puts them into the job (hook_job.c); the worker
 * of the attempt runs them in its own process (hook.c), before the record says `started` or after the work has ended:
 * so an attempt that is killed in a hook before its effect has had none, and everybody can see that.
 */
#ifndef RUN_HOOK_H
#define RUN_HOOK_H

#include "run/work.h"

/* Does the job have a hook that runs before its effect? */
bool hook_comes_first(const struct job *job);
/* Does it have one of after_step? */
bool hook_comes_after(const struct job *job);
/* on_retry, before_step. False: one of them ended the attempt, and *ret says how. */
bool hook_before(struct work *work, struct outcome *ret);
/* after_step, when the work began; on_failure, when it failed and no attempt follows. May change *ret, but never hides
 * what happened: outputs stay, and of two errors the first stays first. */
void hook_after(struct work *work, struct outcome *ret);

#endif
