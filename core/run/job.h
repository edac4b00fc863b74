/* SPDX-License-Identifier: Apache-2.0
 *
 * A job: all a worker needs to run one attempt, as one JSON map; and the receipt it answers with. `levada worker <
 * job.json` runs the same by hand.
 *
 * Job:
 *   kind        "run" (shell), "uses" (plugin action), "lua", or "resolve" (ask the action whether the effect happened)
 *   run step item attempt record fence token      identity; item "" when there is none
 *   run_folder                                    absolute: attempts, logs/, receipts/, artifacts/ are in it
 *   folder                                        of the workflow file: cwd and what paths are relative to
 *   log                                           file name under logs/, made at the first byte
 *   timeout_ms grace_ms                           0: no limit
 *   limits       {memory, cpu_ms, processes, file_size}: numbers from 1; absent ones are no limit
 *   env          map of texts set for the child   (run)
 *   unset        list of variables to remove: the sources of `env` secrets (run)
 *   script shell vars cwd                         (run) vars: map LEVADA_n → text, set besides env
 *   stdin        text, or absent                  (run) exactly these bytes
 *   plugin action                                 (uses, resolve) path of the shared object, name of the action
 *   digest                                        (uses, resolve) SHA-256 of what was checked; another file is refused
 *   with         map of evaluated inputs          (uses, resolve)
 *   deferred     list of {path: [name or index…], template, line, column, sql: bool}: inputs that touch secrets:
 *                evaluated here, with `names` and the secrets, and put into `with` (or `stdin` for path ["stdin"])
 *   text line    (lua) the chunk and its line
 *   file         (lua) absent, or: it is the hook before_run, of this file; `with` is what it sees by that name
 *   names        map: operands for deferred templates and lua (params, env, steps, run)
 *   secrets      list of {name, from, key, field?, version?, mask_only?}: all secrets of the workflow, and those that
 *                outputs of ended steps refer to; what this attempt does not mention is mask_only: fetched for the
 *                masks, if it can be, and never given out
 *   references   list of {path: ["steps", id, "outputs", name], name, from, key, field?, version?}: outputs that are
 *                secrets, fetched here and put into `names` at their paths
 *   checkpoints  map of texts kept from earlier attempts
 *   outputs      list of {name, from?, as?}       (run) what `outputs:` declares
 *   hooks        {list: [{on, text, file, line, with?}], name, action?, effect, outputs: [names that a hook may set],
 *                failed: attempts before that failed, attempts, classes: of `retry`, last?: {error, duration_ms,
 *                cpu_ms, peak_kib, metrics?} of the failed attempt before}: Lua beside the work, hook.h
 *   reuse        text: workers with equal text may be reused; absent: one attempt, one worker
 *
 * Receipt (frame RECEIPT, and the file receipts/RECORD.json when the engine is gone):
 *   record fence attempt step item
 *   status       "succeeded", "failed", "skipped" (lua), "cancelled", "interrupted" (asked to stop; may be run again)
 *   outputs      map (masked; sensitive outputs as references only: secret.h)
 *   error        {class, message, hint?, file?, line?, column?, signal?, exit?, limit?} when failed; masked. limit: the
 *                key of the one that it went over
 *   skipped      reason text, when skipped
 *   begun        false: it ended before its effect could begin (a hook or a secret said no)
 *   duration_ms metrics [{name,value,unit}] log_bytes peak_kib cpu_ms pid processes? (the most at once, when watched)
 *   found        "done", "not_done", "undecided": resolve only
 *   checkpoints  map: those that no engine acknowledged
 */
#ifndef RUN_JOB_H
#define RUN_JOB_H

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"

#define RECEIPTS_FOLDER "receipts"
#define LOGS_FOLDER "logs"
#define ARTIFACTS_FOLDER "artifacts"

/* Entry of a worker process: takes jobs from `sock` until BYE, end of file while idle, or a fault. Never returns:
 * _exit(0) after a clean end. A worker outlives its engine: with a job running, end of file only means that the
 * receipt goes to a file. */
_Noreturn void worker_main(int sock);
/* One job by hand (`levada worker`): log to stderr, receipt as JSON on stdout. Returns the exit code. */
int worker_by_hand(const char *job, size_t size);

#endif
