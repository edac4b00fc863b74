/* SPDX-License-Identifier: Apache-2.0
 *
 * `uses`: an action of a plugin, in this process. The shared object must be the one the engine
 * checked; templates that touch secrets are evaluated here, so that their values exist nowhere
 * else.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "plugin/field.h"
#include "plugin/loader.h"
#include "run/control.h"
#include "run/deferred.h"
#include "run/digest.h"
#include "run/folder.h"
#include "run/host.h"
#include "run/work.h"

static int
invalid(struct err *err)
{
    err->error_class = LEVADA_INVALID;
    return EXIT_INVALID;
}

/* ---- the plugin ---- */

static int
load(struct work *work, struct err *err)
{
    struct worker *worker = work->worker;
    const struct job *job = &work->job;
    /* A reused worker has it mapped; what is on disk by now changes nothing any more. */
    if (worker->plugin != NULL && str_eq(worker->plugin_path, job->plugin) &&
        (job->digest == NULL || str_eq(worker->plugin_digest, job->digest)))
        return 0;
    if (worker->plugin != NULL) {
        err_set(err, EXIT_INVALID, "a worker cannot take a second plugin");
        return invalid(err);
    }
    if (job->digest != NULL && digest_check(job->run_folder, job->plugin, job->digest, err) != 0) return EXIT_INVALID;
    int code = loader_open(&worker->arena, job->plugin, &worker->plugin, err);
    if (code) return invalid(err);
    worker->plugin_path = arena_strdup(&worker->arena, job->plugin);
    worker->plugin_digest = arena_strdup(&worker->arena, job->digest != NULL ? job->digest : "");
    return 0;
}

static int
make_folders(struct work *work, const char **scratch, struct err *err)
{
    const char *folder = work->job.run_folder;
    *scratch = work->worker->scratch;
    if (work->worker->scratch_empty) return 0;
    const char *all = arena_printf(&work->arena, "%s/scratch", folder);
    *scratch = arena_printf(&work->arena, "%s/%u", all, work->job.record);
    if (mkdir(*scratch, 0700) == 0) return 0;
    if (errno == ENOENT) (void)mkdir(all, 0700);
    else (void)folder_remove(*scratch); /* of a worker that died here before */
    if (mkdir(*scratch, 0700) == 0) return 0;
    return err_errno(err, EXIT_STORE, "cannot make the folder \"%s\"", *scratch);
}

static bool
is_empty(const char *path)
{
    DIR *entries = opendir(path);
    size_t count = 0;
    if (entries == NULL) return false;
    while (readdir(entries) != NULL) count++;
    closedir(entries);
    return count == 2; /* . and .. */
}

/* A reused worker that leaves it empty may have it again. */
static void
empty_scratch(struct work *work, const char *scratch)
{
    struct worker *worker = work->worker;
    worker->scratch_empty = work->job.reuse != NULL && is_empty(scratch);
    if (worker->scratch_empty && scratch != worker->scratch)
        worker->scratch = arena_strdup(&worker->arena, scratch);
    if (!worker->scratch_empty && folder_remove(scratch) != 0)
        work_log(work, "warn", "cannot remove the folder \"%s\"", scratch);
}

/* Children of the plugin carry the mark by which a resumer finds leftovers. */
static void
mark_children(struct work *work)
{
    char mark[256];
    snprintf(mark, sizeof mark, "%s/%u", work->job.run, work->job.record);
    (void)setenv("LEVADA_ATTEMPT", mark, 1);
}

/* ---- the call ---- */

static int
call(struct hosted *hosted, const void *input, bool resolve, struct outcome *ret)
{
    int32_t found = LEVADA_UNDECIDED;
    if (!resolve) return hosted->action->run(&hosted->step, input);
    int code = hosted->action->resolve(&hosted->step, input, &found);
    ret->found = "undecided";
    if (code == 0 && found == LEVADA_DONE) ret->found = "done";
    if (code == 0 && found == LEVADA_NOT_DONE) ret->found = "not_done";
    return code;
}

static void
judge(struct hosted *hosted, int code, struct outcome *ret)
{
    if (code == 0 && hosted->broken) {
        ret->error = hosted->error;
        return;
    }
    if (code == 0) {
        ret->outputs = hosted->outputs;
        return;
    }
    if (hosted->error.code != 0 && atomic_load(&hosted->work->stop) != STOP_NONE)
        work_log(hosted->work, "warn", "asked to end, it said: %s", hosted->error.message);
    if (work_stopped(hosted->work, ret)) return;
    if (limits_explain_file(hosted->work, 0, NULL, ret)) return;
    ret->error = hosted->error;
    if (ret->error.code != 0) return;
    err_set(&ret->error, EXIT_FAILED, "the action failed with %d and did not say why", code);
    ret->error.error_class = code >= LEVADA_TRANSIENT && code <= LEVADA_PERMANENT ? code : LEVADA_PERMANENT;
}

static int
prepare(struct work *work, const struct levada_action **action, void **input, const char **scratch, struct err *err)
{
    const struct job *job = &work->job;
    const struct value *with = job->with;
    int code = load(work, err);
    if (code) return code;
    *action = loader_action(work->worker->plugin, job->action);
    if (*action == NULL || (job->kind == JOB_RESOLVE && (*action)->resolve == NULL)) {
        err_set(err, EXIT_INVALID, "plugin \"%s\" has no action \"%s\"%s", job->plugin, job->action,
                *action != NULL ? " that can be asked" : "");
        return invalid(err);
    }
    code = deferred_with(work, &with, err);
    if (code) return code;
    *input = arena_alloc(&work->arena, (*action)->input_size + 1);
    code = field_fill(&work->arena, (*action)->inputs, (*action)->ninputs, with, job->folder, *input,
                      (*action)->input_size, err);
    if (code == 0) code = make_folders(work, scratch, err);
    return code;
}

void
action_run(struct work *work, struct outcome *ret)
{
    const struct levada_action *action;
    const char *scratch;
    void *input;
    if (prepare(work, &action, &input, &scratch, &ret->error) != 0) return;
    mark_children(work);
    limits_enter(work);
    if (control_start(work, &ret->error) != 0) {
        limits_leave(work);
        return;
    }
    struct hosted hosted;
    host_init(&hosted, work, action, scratch);
    int code = call(&hosted, input, work->job.kind == JOB_RESOLVE, ret);
    control_stop(work);
    limits_leave(work);
    judge(&hosted, code, ret);
    empty_scratch(work, scratch);
}
