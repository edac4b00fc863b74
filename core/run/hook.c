/* SPDX-License-Identifier: Apache-2.0
 *
 * The worker's side. A hook is computation only: it cannot wait, write or start anything, and it has a budget. So it
 * runs in the thread that works, and nobody watches it: now and then it looks for itself at the time and at what the
 * engine says.
 */
#include "run/hook.h"

#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/str.h"
#include "levada/plugin.h"
#include "plugin/schema.h"
#include "run/secret.h"
#include "run/worth.h"
#include "workflow/expr.h"

#define LOOK_EVERY 512 /* questions whether it was cancelled, a few hundred instructions each, until we look */

struct hooked {
    struct work *work;
    struct outcome *outcome;
    enum hook_on on;
    const struct value *hook;
    size_t outputs_size;
    unsigned asked;
    bool late;     /* the work has ended: only a time limit that was not over yet may end it */
    int stopped;   /* enum stop, when the hooks of its kind began */
};

static const struct value *
hook_list(const struct job *job)
{
    const struct value *list = value_get(job->hooks, "list");
    return value_is(list, VALUE_LIST) ? list : NULL;
}

static bool
has_hook(const struct job *job, enum hook_on on)
{
    const struct value *list = hook_list(job);
    for (size_t i = 0; list != NULL && i < list->list.count; i++)
        if (str_eq(value_get_str(list->list.items[i], "on", ""), hook_on_name(on))) return true;
    return false;
}

static const struct value *
last_failure(const struct job *job)
{
    const struct value *last = value_get(job->hooks, "last");
    return value_is(last, VALUE_MAP) ? last : NULL;
}

bool
hook_comes_first(const struct job *job)
{
    return has_hook(job, HOOK_BEFORE_STEP) || (last_failure(job) != NULL && has_hook(job, HOOK_ON_RETRY));
}

bool
hook_comes_after(const struct job *job)
{
    return has_hook(job, HOOK_AFTER_STEP);
}

/* ---- what a hook sees ---------------------------------------------------------------------------------- */

static void
set_text(struct arena *arena, struct value *map, const char *name, const char *text)
{
    value_set(arena, map, name, text != NULL ? value_text(arena, text) : value_null(arena));
}

/* What the journal has of its inputs: where a secret goes there is null. */
static const struct value *
inputs_of(struct work *work)
{
    const struct job *job = &work->job;
    struct arena *arena = &work->arena;
    if (job->kind == JOB_USES) return job->with != NULL ? job->with : value_map(arena);
    struct value *ret = value_map(arena);
    if (job->kind != JOB_RUN) return ret;
    set_text(arena, ret, "run", job->script);
    set_text(arena, ret, "shell", job->shell);
    set_text(arena, ret, "cwd", job->cwd);
    value_set(arena, ret, "env", job->env != NULL ? job->env : value_map(arena));
    return ret;
}

static const struct value *
step_of(struct work *work)
{
    static const char *const kinds[] = {[JOB_RUN] = "run", [JOB_USES] = "uses", [JOB_LUA] = "lua"};
    const struct job *job = &work->job;
    struct arena *arena = &work->arena;
    struct value *ret = value_map(arena);
    set_text(arena, ret, "id", job->step);
    set_text(arena, ret, "name", value_get_str(job->hooks, "name", job->step));
    set_text(arena, ret, "item", job->item[0] != '\0' ? job->item : NULL);
    value_set(arena, ret, "attempt", value_int(arena, job->attempt));
    set_text(arena, ret, "kind", kinds[job->kind]);
    set_text(arena, ret, "action", value_get_str(job->hooks, "action", NULL));
    set_text(arena, ret, "effect", value_get_str(job->hooks, "effect", NULL));
    value_set(arena, ret, "inputs", secret_mask_value(work, arena, inputs_of(work)));
    return ret;
}

static void
set_measures(struct arena *arena, struct value *ret, int64_t duration_ms, int64_t cpu_ms, int64_t peak_kib)
{
    value_set(arena, ret, "duration", value_typed(arena, VALUE_DURATION, duration_ms));
    value_set(arena, ret, "cpu", value_typed(arena, VALUE_DURATION, cpu_ms));
    value_set(arena, ret, "memory", value_typed(arena, VALUE_SIZE, peak_kib * 1024));
}

/* Of the attempt before, for on_retry. */
static const struct value *
result_before(struct work *work)
{
    const struct value *last = last_failure(&work->job), *metrics = value_get(last, "metrics");
    struct arena *arena = &work->arena;
    struct value *ret = value_map(arena);
    set_text(arena, ret, "status", "failed");
    value_set(arena, ret, "outputs", value_map(arena));
    value_set(arena, ret, "error", value_is(value_get(last, "error"), VALUE_MAP) ? value_get(last, "error")
                                                                                  : value_map(arena));
    value_set(arena, ret, "metrics", value_is(metrics, VALUE_LIST) ? metrics : value_list(arena));
    set_measures(arena, ret, value_get_int(last, "duration_ms", 0), value_get_int(last, "cpu_ms", 0),
                 value_get_int(last, "peak_kib", 0));
    return ret;
}

/* Of this attempt. Masked as its receipt will be: hooks see no secrets. */
static const struct value *
result_now(struct work *work, const struct outcome *outcome)
{
    struct arena *arena = &work->arena;
    struct value *ret = value_map(arena), *error = value_map(arena);
    long peak_kib;
    int64_t cpu_ms = receipt_cpu_ms(&peak_kib) - work->cpu_before_ms;
    set_text(arena, ret, "status", outcome_status(outcome));
    value_set(arena, ret, "outputs", outcome->outputs != NULL ? secret_mask_value(work, arena, outcome->outputs)
                                                              : value_map(arena));
    set_text(arena, error, "class", schema_class_name(outcome->error.error_class));
    set_text(arena, error, "message", secret_mask_text(work, arena, outcome->error.message));
    value_set(arena, ret, "error", outcome->error.code != 0 ? error : value_null(arena));
    value_set(arena, ret, "metrics", secret_mask_value(work, arena, value_copy(arena, work->metrics)));
    set_measures(arena, ret, (clock_monotonic_us() - work->started_us) / 1000, cpu_ms, peak_kib);
    return ret;
}

static const struct value *
names_of(const struct hooked *hooked)
{
    struct work *work = hooked->work;
    struct arena *arena = &work->arena;
    struct value *ret = value_map(arena);
    const struct value *with = value_get(hooked->hook, "with");
    value_set_all(arena, ret, work->job.names);
    value_set(arena, ret, "step", step_of(work));
    value_set(arena, ret, "with", value_is(with, VALUE_MAP) ? with : value_map(arena));
    if (hooked->late) value_set(arena, ret, "result", result_now(work, hooked->outcome));
    else if (hooked->on == HOOK_ON_RETRY) value_set(arena, ret, "result", result_before(work));
    return ret;
}

/* ---- what a hook may do -------------------------------------------------------------------------------- */

static int
say(void *context, const char *level, const char *text)
{
    work_log_text(((struct hooked *)context)->work, level, text);
    return 0;
}

static int
measure(void *context, const char *name, double value, const char *unit)
{
    work_metric(((struct hooked *)context)->work, name, value, unit);
    return 0;
}

static bool
is_declared(const struct hooked *hooked, const char *name)
{
    const struct value *declared = value_get(hooked->work->job.hooks, "outputs");
    for (size_t i = 0; value_is(declared, VALUE_LIST) && i < declared->list.count; i++)
        if (str_eq(value_str(declared->list.items[i], ""), name)) return true;
    return value_get(hooked->outcome->outputs, name) != NULL;
}

static int
set_output(void *context, const char *name, const struct value *value, struct err *err)
{
    struct hooked *hooked = context;
    struct arena *arena = &hooked->work->arena;
    if (hooked->on != HOOK_AFTER_STEP) return err_set(err, EXIT_INVALID, "only the hook after_step can set outputs");
    if (!is_declared(hooked, name)) {
        err_set(err, EXIT_INVALID, "step \"%s\" declares no output \"%s\"", hooked->work->job.step, name);
        err_hint(err, "Declare it in the step: `outputs: {%.100s: {}}`.", name);
        return EXIT_INVALID;
    }
    hooked->outputs_size += strlen(json_text(arena, value));
    if (hooked->outputs_size > LIMIT_OUTPUT_SIZE)
        return err_set(err, EXIT_INVALID, "output \"%s\" goes beyond the limit of all outputs", name);
    struct value *outputs = value_map(arena);
    value_set_all(arena, outputs, hooked->outcome->outputs);
    value_set(arena, outputs, name, value_copy(arena, value));
    hooked->outcome->outputs = outputs;
    return 0;
}

static bool
is_cancelled(void *context)
{
    struct hooked *hooked = context;
    struct work *work = hooked->work;
    if (hooked->asked++ % LOOK_EVERY == 0) {
        struct arena scratch ARENA_SCOPED = {0};
        work_receive(work, &scratch);
        (void)work_tick(work);
    }
    int stop = atomic_load(&work->stop);
    return hooked->late ? stop == STOP_TIMEOUT && hooked->stopped == STOP_NONE : stop != STOP_NONE;
}

/* ---- one hook ------------------------------------------------------------------------------------------ */

/* "hook after_step, lua/cost.lua:7": the file as the workflow names it, or its last part. */
static const char *
place_of(const struct hooked *hooked, int line)
{
    const char *file = value_get_str(hooked->hook, "file", "?"), *folder = hooked->work->job.folder;
    size_t size = strlen(folder);
    const char *slash = strrchr(file, '/');
    if (strncmp(file, folder, size) == 0 && file[size] == '/') file += size + 1;
    else if (slash != NULL) file = slash + 1;
    return arena_printf(&hooked->work->arena, "hook %s, %s:%d", hook_on_name(hooked->on), file, line);
}

/* 0: done. Else *err says what and where, but not yet in which hook. *skipped: skip() was called. */
static int
run_hook(struct hooked *hooked, const char **skipped, struct err *err)
{
    const struct script_host host = {.context = hooked, .log = say, .metric = measure, .set_output = set_output,
                                     .cancelled = is_cancelled, .instructions = LIMIT_HOOK_INSTRUCTIONS};
    const char *text = value_get_str(hooked->hook, "text", "");
    int line = (int)value_get_int(hooked->hook, "line", 1);
    struct work *work = hooked->work;
    int code = script_run(text, line, names_of(hooked), &host, &work->arena, skipped, err);
    if (code == 0 && *skipped != NULL && hooked->on != HOOK_BEFORE_STEP) {
        code = err_set(err, EXIT_FAILED, "skip() is for before_step only");
        err->error_class = LEVADA_INVALID;
    }
    if (code == 0) return 0;
    if (err->code == 0) err_set(err, EXIT_FAILED, "it failed");
    if (err->error_class == 0) err->error_class = LEVADA_PERMANENT;
    struct outcome stop = {0};
    int at = err->line > 0 ? err->line : line;
    bool cancelled = err->error_class == LEVADA_CANCELLED && work_stopped(work, &stop);
    if (cancelled && stop.error.code != 0) *err = stop.error;
    err_place(err, value_get_str(hooked->hook, "file", ""), at, 1);
    return code;
}

/* Of two failures the first is the cause. */
static void
append(struct err *err, const char *more)
{
    char first[sizeof err->message];
    memcpy(first, err->message, sizeof first);
    int error_class = err->error_class, line = err->line, column = err->column, code = err->code;
    char file[sizeof err->file], hint[sizeof err->hint];
    memcpy(file, err->file, sizeof file);
    memcpy(hint, err->hint, sizeof hint);
    err_set(err, code, "%.1200s; %.800s", first, more);
    err->error_class = error_class;
    err_place(err, file, line, column);
    err_hint(err, "%s", hint);
}

/* ---- before -------------------------------------------------------------------------------------------- */

/* The hook ended the attempt, and nothing has happened. */
static void
end_before(struct hooked *hooked, const struct err *err)
{
    struct outcome *ret = hooked->outcome;
    const struct value *last = last_failure(&hooked->work->job);
    if (work_stopped(hooked->work, ret) && err->error_class != LEVADA_TIMEOUT) return;
    ret->status = "failed";
    ret->error = *err;
    err_context(&ret->error, "hook %s", hook_on_name(hooked->on));
    if (hooked->on == HOOK_ON_RETRY)
        append(&ret->error, arena_printf(&hooked->work->arena, "the attempt before: %s",
                                         value_get_str(value_get(last, "error"), "message", "")));
}

static bool
run_before(struct hooked *hooked, enum hook_on on)
{
    const struct value *list = hook_list(&hooked->work->job);
    hooked->on = on;
    for (size_t i = 0; list != NULL && i < list->list.count; i++) {
        struct err err = {0};
        const char *skipped = NULL;
        hooked->hook = list->list.items[i];
        if (!str_eq(value_get_str(hooked->hook, "on", ""), hook_on_name(on))) continue;
        if (run_hook(hooked, &skipped, &err) != 0) {
            end_before(hooked, &err);
            return false;
        }
        if (skipped == NULL) continue;
        hooked->outcome->status = "skipped";
        hooked->outcome->skipped = skipped;
        return false;
    }
    return true;
}

bool
hook_before(struct work *work, struct outcome *ret)
{
    struct hooked hooked = {.work = work, .outcome = ret, .stopped = atomic_load(&work->stop)};
    bool more = true;
    if (last_failure(&work->job) != NULL) more = run_before(&hooked, HOOK_ON_RETRY);
    if (more) more = run_before(&hooked, HOOK_BEFORE_STEP);
    FAILPOINT("hook_before");
    return more && !work_stopped(work, ret);
}

/* ---- after --------------------------------------------------------------------------------------------- */

/* All of them, also when one breaks: what one guards and what another counts have nothing to do with each other. */
static void
run_after(struct hooked *hooked, enum hook_on on)
{
    const struct value *list = hook_list(&hooked->work->job);
    struct outcome *ret = hooked->outcome;
    hooked->on = on;
    hooked->stopped = atomic_load(&hooked->work->stop);
    for (size_t i = 0; list != NULL && i < list->list.count; i++) {
        struct err err = {0};
        const char *skipped = NULL;
        hooked->hook = list->list.items[i];
        if (!str_eq(value_get_str(hooked->hook, "on", ""), hook_on_name(on))) continue;
        if (run_hook(hooked, &skipped, &err) == 0) continue;
        const char *said = arena_printf(&hooked->work->arena, "%s: %s", place_of(hooked, err.line), err.message);
        work_log_text(hooked->work, "error", said);
        if (ret->error.code != 0) {
            append(&ret->error, arena_printf(&hooked->work->arena, "then %s", said));
        } else {
            ret->error = err;
            err_context(&ret->error, "hook %s", hook_on_name(on));
        }
        ret->status = "failed";
    }
}

static bool
no_attempt_follows(const struct job *job, const struct outcome *outcome)
{
    const struct retry retry = {.attempts = (uint32_t)value_get_int(job->hooks, "attempts", 1),
                                .classes = (uint32_t)value_get_int(job->hooks, "classes", 0)};
    uint32_t tries = (uint32_t)value_get_int(job->hooks, "failed", 0) + 1;
    int error_class = outcome->error.error_class;
    return !worth_retrying(&retry, job->kind == JOB_USES, tries, error_class ? error_class : LEVADA_PERMANENT,
                           outcome->limit != NULL);
}

void
hook_after(struct work *work, struct outcome *ret)
{
    struct hooked hooked = {.work = work, .outcome = ret, .late = true};
    const char *status = outcome_status(ret);
    bool ended = str_eq(status, "succeeded") || str_eq(status, "failed");
    if (hook_list(&work->job) == NULL || !ended) return;
    if (work->begun) run_after(&hooked, HOOK_AFTER_STEP);
    if (str_eq(outcome_status(ret), "failed") && no_attempt_follows(&work->job, ret))
        run_after(&hooked, HOOK_ON_FAILURE);
    FAILPOINT("hook_after");
}
