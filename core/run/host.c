/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plugin may ask of its host. Everything it says goes through the masks; everything it gives
 * is checked against its own tables. Functions marked "any thread" in levada/plugin.h touch nothing
 * but what work.h marks "shared".
 */
#include "run/host.h"

#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/str.h"
#include "plugin/field.h"
#include "run/control.h"
#include "run/checkpoint.h"
#include "run/secret.h"

#define LOCK_STEP_MS 50     /* between two tries; an idle holder sees the touch of each */

static struct hosted *
hosted_of(struct levada_step *step)
{
    return (struct hosted *)step;
}

/* ---- saying ---- */

__attribute__((format(printf, 3, 0))) static void
host_log(struct levada_step *step, int level, const char *fmt, va_list ap)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    struct buf text BUF_SCOPED;
    buf_init(&text, LIMIT_LOG_SIZE);
    buf_vprintf(&text, fmt, ap);
    if (level < LEVADA_DEBUG || level > LEVADA_ERROR) level = LEVADA_INFO;
    work_log_text(hosted_of(step)->work, names[level], buf_str(&text));
}

__attribute__((format(printf, 4, 0))) static int
host_fail(struct levada_step *step, int error_class, const char *hint, const char *fmt, va_list ap)
{
    struct hosted *hosted = hosted_of(step);
    if (error_class < LEVADA_TRANSIENT || error_class > LEVADA_PERMANENT) error_class = LEVADA_PERMANENT;
    if (hosted->error.code == 0) {
        char *message = arena_vprintf(&hosted->work->arena, fmt, ap);
        err_set(&hosted->error, EXIT_FAILED, "%s", message);
        if (hint != NULL) err_hint(&hosted->error, "%s", hint);
        hosted->error.error_class = error_class;
    }
    return error_class;
}

static void
host_progress(struct levada_step *step, uint64_t done, uint64_t total, const char *what)
{
    struct hosted *hosted = hosted_of(step);
    long long now = clock_monotonic_ms(), before = atomic_load(&hosted->progress_ms);
    bool last = total != 0 && done >= total;
    if (now - before < (long long)LIMIT_PROGRESS_MS && !last) return;
    if (!atomic_compare_exchange_strong(&hosted->progress_ms, &before, now)) return;
    struct arena arena ARENA_SCOPED = {0};
    struct value *data = value_map(&arena);
    value_set(&arena, data, "record", value_int(&arena, hosted->work->job.record));
    value_set(&arena, data, "done", value_int(&arena, done > INT64_MAX ? INT64_MAX : (int64_t)done));
    value_set(&arena, data, "total", value_int(&arena, total > INT64_MAX ? INT64_MAX : (int64_t)total));
    what = secret_mask_text(hosted->work, &arena, what != NULL ? what : "");
    value_set(&arena, data, "what", value_text(&arena, what));
    (void)work_send(hosted->work, FRAME_PROGRESS, data, true);
}

static void
host_metric(struct levada_step *step, const char *name, double value, const char *unit)
{
    work_metric(hosted_of(step)->work, name, value, unit);
}

/* ---- time and memory ---- */

static void *
host_alloc(struct levada_step *step, size_t size)
{
    return arena_alloc(&hosted_of(step)->work->arena, size);
}

static bool
host_cancelled(struct levada_step *step)
{
    return atomic_load(&hosted_of(step)->work->stop) != STOP_NONE;
}

static int
host_sleep(struct levada_step *step, int64_t ms)
{
    struct work *work = hosted_of(step)->work;
    int64_t now = clock_monotonic_ms();
    int64_t until = ms > INT64_MAX / 2 - now ? INT64_MAX / 2 : now + ms;
    control_call(work);
    pthread_mutex_lock(&work->mutex);
    while (atomic_load(&work->stop) == STOP_NONE && clock_monotonic_ms() < until) work_wait(work, until);
    pthread_mutex_unlock(&work->mutex);
    return atomic_load(&work->stop) != STOP_NONE ? LEVADA_CANCELLED : 0;
}

/* ---- outputs ---- */

static const struct levada_field *
find_output(const struct levada_action *action, const char *name)
{
    for (uint32_t i = 0; i < action->noutputs; i++)
        if (str_eq(action->outputs[i].name, name)) return &action->outputs[i];
    return NULL;
}

static int
refuse_output(struct work *work, const char *name, const char *why)
{
    work_log(work, "error", "output \"%s\" %s", name, why);
    return LEVADA_INVALID;
}

/* Its table promises that the journal never has it, so the attempt fails; and nobody shall read it in the log. */
static int
refuse_value(struct hosted *hosted, const char *name, const struct value *value)
{
    struct work *work = hosted->work;
    struct err ignored;
    struct buf text BUF_SCOPED;
    buf_init(&text, LIMIT_SECRET_SIZE);
    value_show(&text, value);
    if (!text.full) (void)secret_mask_add(work, buf_str(&text), text.size, &ignored);
    if (!hosted->broken) {
        hosted->error = (struct err){0};
        err_set(&hosted->error, EXIT_FAILED, "the output \"%s\" is a secret, and the action set it to a value", name);
        err_hint(&hosted->error, "The plugin must say where the secret is kept: output_secret() in levada/plugin.h.");
        hosted->error.error_class = LEVADA_CONTRACT;
    }
    hosted->broken = true;
    return LEVADA_CONTRACT;
}

static int
set_output(struct hosted *hosted, const char *name, const struct value *value)
{
    struct work *work = hosted->work;
    const struct levada_field *field = find_output(hosted->action, name);
    struct err err = {0};
    if (field == NULL) return refuse_output(work, name, "is not in the action's table");
    if (value->type != VALUE_NULL) {
        value = field_coerce(&work->arena, (enum levada_type)field->type, value, &err);
        if (value == NULL) return refuse_output(work, name, err.message);
    }
    if ((field->flags & LEVADA_SENSITIVE) && value->type != VALUE_NULL) return refuse_value(hosted, name, value);
    value_set(&work->arena, hosted->outputs, name, value);
    return 0;
}

static bool
fits(struct hosted *hosted, size_t size)
{
    if (size > LIMIT_OUTPUT_SIZE - hosted->outputs_size) return false;
    hosted->outputs_size += size;
    return true;
}

static int
host_output(struct levada_step *step, const char *name, const char *json)
{
    struct hosted *hosted = hosted_of(step);
    const struct value *value;
    struct err err = {0};
    if (!fits(hosted, strlen(json))) return refuse_output(hosted->work, name, "goes beyond the limit of all outputs");
    if (json_parse(&hosted->work->arena, json, strlen(json), &value, &err) != 0)
        return refuse_output(hosted->work, name, err.message);
    return set_output(hosted, name, value);
}

static int
host_output_text(struct levada_step *step, const char *name, const char *text)
{
    struct hosted *hosted = hosted_of(step);
    if (!fits(hosted, strlen(text))) return refuse_output(hosted->work, name, "goes beyond the limit of all outputs");
    if (str_utf8_bad(text, strlen(text)) >= 0) return refuse_output(hosted->work, name, "is not UTF-8");
    return set_output(hosted, name, value_text(&hosted->work->arena, text));
}

static int
host_output_int(struct levada_step *step, const char *name, int64_t value)
{
    struct hosted *hosted = hosted_of(step);
    if (!fits(hosted, 20)) return refuse_output(hosted->work, name, "goes beyond the limit of all outputs");
    return set_output(hosted, name, value_int(&hosted->work->arena, value));
}

/* ---- checkpoints, secrets, locks ---- */

static const char *
host_checkpoint_get(struct levada_step *step, const char *key)
{
    return value_get_str(hosted_of(step)->work->kept, key, NULL);
}

static int
fail_with(struct hosted *hosted, const struct err *err, int error_class)
{
    if (hosted->error.code == 0) {
        hosted->error = *err;
        hosted->error.error_class = error_class;
    }
    return error_class;
}

/* Committed by the engine when this returns true. */
static bool
engine_keeps(struct work *work, const char *key, const char *value)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *data = value_map(&arena);
    value_set(&arena, data, "record", value_int(&arena, work->job.record));
    value_set(&arena, data, "key", value_text(&arena, key));
    value_set(&arena, data, "value", value_text(&arena, value));
    pthread_mutex_lock(&work->mutex);
    uint64_t before = work->acks;
    pthread_mutex_unlock(&work->mutex);
    if (!work_send(work, FRAME_CHECKPOINT, data, false)) return false;
    FAILPOINT("checkpoint_sent");
    control_call(work);
    pthread_mutex_lock(&work->mutex);
    while (work->acks == before && !atomic_load(&work->worker->gone)) work_wait(work, 0);
    bool kept = work->acks != before;
    pthread_mutex_unlock(&work->mutex);
    return kept;
}

static int
host_checkpoint_set(struct levada_step *step, const char *key, const char *value)
{
    struct hosted *hosted = hosted_of(step);
    struct work *work = hosted->work;
    struct err err = {0};
    if (checkpoint_check(key, value, &err) != 0) return fail_with(hosted, &err, LEVADA_INVALID);
    /* It would stand in the journal; masked, the next attempt could do nothing with it. */
    if (secret_in_text(work, key) || secret_in_text(work, value)) {
        err_set(&err, EXIT_INVALID, "a checkpoint holds a secret");
        return fail_with(hosted, &err, LEVADA_INVALID);
    }
    if (!engine_keeps(work, key, value) &&
        checkpoint_append(work_own_path(work, "checkpoints"), key, value, &err) != 0)
        return fail_with(hosted, &err, LEVADA_PERMANENT);
    value_set(&work->arena, work->kept, key, value_text(&work->arena, value));
    return 0;
}

static int
host_secret(struct levada_step *step, const char *name, levada_secret *ret)
{
    struct hosted *hosted = hosted_of(step);
    const struct value *secret = value_get(hosted->work->secrets, name);
    if (secret == NULL) {
        struct err err = {0};
        err_set(&err, EXIT_INVALID, "step \"%s\" has no secret \"%s\"", hosted->work->job.step, name);
        err_hint(&err, "Declare it under the workflow's secrets, and mention it in an input of the step.");
        return fail_with(hosted, &err, LEVADA_AUTH);
    }
    *ret = (levada_secret){secret->text.ptr, arena_strdup(&hosted->work->arena, name), secret->text.size};
    return 0;
}

static bool
is_ref_text(const char *text)
{
    return text != NULL && text[0] != '\0' && strlen(text) <= 4096 && str_utf8_bad(text, strlen(text)) < 0;
}

static int
refuse_reference(struct hosted *hosted, const char *name, const char *why)
{
    struct err err = {0};
    err_set(&err, EXIT_INVALID, "output \"%s\" %s", name, why);
    return fail_with(hosted, &err, LEVADA_INVALID);
}

static int
host_output_secret(struct levada_step *step, const char *name, const struct levada_secret_ref *ref)
{
    struct hosted *hosted = hosted_of(step);
    struct work *work = hosted->work;
    const struct levada_field *field = find_output(hosted->action, name);
    const struct value *ignored;
    struct err err = {0};
    if (field == NULL) return refuse_reference(hosted, name, "is not in the action's table");
    if ((field->flags & LEVADA_SENSITIVE) == 0)
        return refuse_reference(hosted, name, "is no secret in the action's table");
    if (!is_ref_text(ref->provider) || !is_ref_text(ref->name) || (ref->field != NULL && !is_ref_text(ref->field)) ||
        (ref->version != NULL && !is_ref_text(ref->version)))
        return refuse_reference(hosted, name, "refers to nothing: it needs a provider and a name");
    struct secret_source source = {
        .name = arena_printf(&work->arena, "steps.%s.outputs.%s", work->job.step, name),
        .from = ref->provider, .key = ref->name, .field = ref->field, .version = ref->version};
    /* Who uses it may have another folder. */
    if (str_eq(ref->provider, "file") && ref->name[0] != '/')
        source.key = arena_printf(&work->arena, "%s/%s", work->job.folder, ref->name);
    if (secret_fetch(work, &source, &ignored, &err) != 0) return fail_with(hosted, &err, err.error_class);
    if (!fits(hosted, strlen(source.key)))
        return refuse_reference(hosted, name, "goes beyond the limit of all outputs");
    value_set(&work->arena, hosted->outputs, name, secret_reference(&work->arena, name, &source));
    return 0;
}

static int
host_lock(struct levada_step *step, const char *path)
{
    struct hosted *hosted = hosted_of(step);
    struct worker *worker = hosted->work->worker;
    for (bool said = false;;) {
        struct err err = {0};
        int code = locks_take(&worker->locks, &worker->arena, path, &err);
        if (code == 0) return 0;
        if (code != 1) return fail_with(hosted, &err, LEVADA_PERMANENT);
        if (!said) work_log(hosted->work, "info", "waiting for the lock \"%s\"", path);
        said = true;
        if (host_sleep(step, LOCK_STEP_MS) != 0) return LEVADA_CANCELLED;
    }
}

static const struct levada_host host = {
    .abi = LEVADA_ABI,
    .size = sizeof(struct levada_host),
    .log = host_log,
    .fail = host_fail,
    .alloc = host_alloc,
    .cancelled = host_cancelled,
    .sleep = host_sleep,
    .progress = host_progress,
    .output = host_output,
    .output_text = host_output_text,
    .output_int = host_output_int,
    .metric = host_metric,
    .checkpoint_get = host_checkpoint_get,
    .checkpoint_set = host_checkpoint_set,
    .secret = host_secret,
    .lock = host_lock,
    .output_secret = host_output_secret,
};

void
host_init(struct hosted *ret, struct work *work, const struct levada_action *action, const char *scratch)
{
    const struct job *job = &work->job;
    *ret = (struct hosted){.work = work, .action = action, .outputs = value_map(&work->arena)};
    ret->step = (struct levada_step){
        .host = &host,
        .run_id = job->run,
        .step_id = job->step,
        .item = job->item,
        .token = job->token,
        .folder = job->folder,
        .artifacts = arena_printf(&work->arena, "%s/" ARTIFACTS_FOLDER, job->run_folder),
        .scratch = scratch,
        .fence = job->fence,
        .attempt = job->attempt,
    };
}
