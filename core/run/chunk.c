/* SPDX-License-Identifier: Apache-2.0
 *
 * `lua`: a chunk of the workflow file, with the same names as expressions. It runs here rather than
 * in the engine because it may take its time, and because it may see secrets.
 */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "levada/plugin.h"
#include "run/calling.h"
#include "run/control.h"
#include "run/deferred.h"
#include "run/secret.h"
#include "run/work.h"
#include "workflow/expr.h"

struct chunk {
    struct work *work;
    struct value *outputs;
    size_t outputs_size;
    int64_t calls;
    bool interrupted;             /* a call cannot have its result now */
};

static int
chunk_log(void *context, const char *level, const char *text)
{
    struct chunk *chunk = context;
    work_log_text(chunk->work, level, text);
    return 0;
}

static int
chunk_metric(void *context, const char *name, double value, const char *unit)
{
    struct chunk *chunk = context;
    work_metric(chunk->work, name, value, unit);
    return 0;
}

static int
chunk_set_output(void *context, const char *name, const struct value *value, struct err *err)
{
    struct chunk *chunk = context;
    struct arena *arena = &chunk->work->arena;
    const char *why = NULL;
    if (!str_is_id(name)) why = "has a name that no output can have";
    else if (value_tainted(value)) why = "holds a secret, which no output of a script may";
    else if ((chunk->outputs_size += strlen(json_text(arena, value))) > LIMIT_OUTPUT_SIZE)
        why = "goes beyond the limit of all outputs";
    if (why != NULL) {
        err_set(err, EXIT_INVALID, "output \"%s\" %s", name, why);
        err->error_class = LEVADA_INVALID;
        return EXIT_INVALID;
    }
    value_set(arena, chunk->outputs, name, value_copy(arena, value));
    return 0;
}

static bool
chunk_cancelled(void *context)
{
    struct chunk *chunk = context;
    return atomic_load(&chunk->work->stop) != STOP_NONE;
}

static int
chunk_call(void *context, const char *action, const struct value *with, const struct value **ret, struct err *err)
{
    struct chunk *chunk = context;
    int code = calling_call(chunk->work, ++chunk->calls, action, with, ret, err);
    if (code >= 0) return code;
    chunk->interrupted = true;
    err->error_class = LEVADA_CANCELLED;
    return err_set(err, EXIT_FAILED, "call(\"%s\"): interrupted", action);
}

/* Of the hook before_run: it has `with`, and stands where it says. */
static const struct value *
hook_names(struct work *work, const struct value *names)
{
    struct value *ret = value_map(&work->arena);
    for (size_t i = 0; i < names->map.count; i++)
        if (!str_eq(names->map.names[i], "secrets"))
            value_set(&work->arena, ret, names->map.names[i], names->map.values[i]);
    value_set(&work->arena, ret, "with", work->job.with != NULL ? work->job.with : value_map(&work->arena));
    return ret;
}

static void
place_in_hook(const struct job *job, struct err *err)
{
    int line = err->line > 0 ? err->line : job->line;
    err_context(err, "hook before_run");
    err_place(err, job->file, line, 1);
}

void
chunk_run(struct work *work, struct outcome *ret)
{
    struct chunk chunk = {.work = work, .outputs = value_map(&work->arena)};
    const struct script_host host = {.context = &chunk,
                                     .log = chunk_log,
                                     .metric = chunk_metric,
                                     .set_output = chunk_set_output,
                                     .cancelled = chunk_cancelled,
                                     .call = chunk_call};
    const struct value *names = deferred_names(work);
    if (work->job.file != NULL) names = hook_names(work, names);
    limits_enter(work);
    if (control_start(work, &ret->error) != 0) {
        limits_leave(work);
        return;
    }
    int code = script_run(work->job.text, work->job.line, names, &host, &work->arena, &ret->skipped, &ret->error);
    control_stop(work);
    limits_leave(work);
    if (code != 0 && work_stopped(work, ret)) return;
    if (code != 0 && chunk.interrupted) { /* it runs again, and has the results of the calls that it made */
        ret->error = (struct err){0};
        ret->status = "interrupted";
        return;
    }
    if (ret->skipped != NULL) ret->status = "skipped";
    else if (code == 0) ret->outputs = chunk.outputs;
    if (code != 0 && ret->error.code == 0) err_set(&ret->error, EXIT_FAILED, "the script failed");
    if (code != 0 && ret->error.error_class == 0) ret->error.error_class = LEVADA_PERMANENT;
    if (code != 0 && work->job.file != NULL) place_in_hook(&work->job, &ret->error);
}
