/* SPDX-License-Identifier: Apache-2.0
 *
 * A job's JSON into a struct. The engine wrote it, but `levada worker` takes it from a person:
 * every member is checked.
 */
#include <string.h>

#include "base/str.h"
#include "levada/plugin.h"
#include "run/work.h"

struct reader {
    const struct value *data;
    struct err *err;
    int code;
};

static void
fault(struct reader *reader, const char *name, const char *want)
{
    if (reader->code) return;
    reader->code = err_set(reader->err, EXIT_INVALID, "the job's \"%s\" must be %s", name, want);
    reader->err->error_class = LEVADA_INVALID;
}

static const struct value *
member(struct reader *reader, const char *name, enum value_type type)
{
    const struct value *value = value_get(reader->data, name);
    if (value == NULL || value->type == VALUE_NULL) return NULL;
    if (value->type == type) return value;
    fault(reader, name, value_type_name(type));
    return NULL;
}

static const char *
text(struct reader *reader, const char *name, const char *fallback)
{
    const struct value *value = member(reader, name, VALUE_STRING);
    if (value == NULL) return fallback;
    if (memchr(value->text.ptr, '\0', value->text.size) != NULL) fault(reader, name, "a text without NUL");
    return value->text.ptr;
}

static const char *
needed(struct reader *reader, const char *name)
{
    const char *ret = text(reader, name, NULL);
    if (ret == NULL) fault(reader, name, "given");
    return ret;
}

static int64_t
number(struct reader *reader, const char *name, int64_t fallback, int64_t maximum)
{
    const struct value *value = member(reader, name, VALUE_INT);
    if (value == NULL) return fallback;
    if (value->integer < 0 || value->integer > maximum) fault(reader, name, "a number in its range");
    return value->integer;
}

static void
read_kind(struct reader *reader, struct job *job)
{
    const char *kind = needed(reader, "kind");
    if (str_eq(kind, "run")) {
        job->kind = JOB_RUN;
        job->script = needed(reader, "script");
        job->shell = text(reader, "shell", "sh");
        job->cwd = text(reader, "cwd", NULL);
    } else if (str_eq(kind, "uses") || str_eq(kind, "resolve")) {
        job->kind = str_eq(kind, "uses") ? JOB_USES : JOB_RESOLVE;
        job->plugin = needed(reader, "plugin");
        job->action = needed(reader, "action");
        job->digest = text(reader, "digest", NULL);
    } else if (str_eq(kind, "lua")) {
        job->kind = JOB_LUA;
        job->text = needed(reader, "text");
        job->line = (int)number(reader, "line", 1, INT32_MAX);
        job->file = text(reader, "file", NULL);
    } else {
        fault(reader, "kind", "\"run\", \"uses\", \"lua\" or \"resolve\"");
    }
}

static void
read_values(struct reader *reader, struct job *job)
{
    job->env = member(reader, "env", VALUE_MAP);
    job->vars = member(reader, "vars", VALUE_MAP);
    job->with = member(reader, "with", VALUE_MAP);
    job->names = member(reader, "names", VALUE_MAP);
    job->checkpoints = member(reader, "checkpoints", VALUE_MAP);
    job->unset = member(reader, "unset", VALUE_LIST);
    job->deferred = member(reader, "deferred", VALUE_LIST);
    job->secrets = member(reader, "secrets", VALUE_LIST);
    job->hooks = member(reader, "hooks", VALUE_MAP);
    job->references = member(reader, "references", VALUE_LIST);
    job->outputs = member(reader, "outputs", VALUE_LIST);
    job->standard_input = member(reader, "stdin", VALUE_STRING);
}

int
job_read(const struct value *data, struct job *ret, struct err *err)
{
    struct reader reader = {.data = data, .err = err};
    struct job job = {0};
    if (!value_is(data, VALUE_MAP)) return err_set(err, EXIT_INVALID, "a job must be a map");
    read_kind(&reader, &job);
    job.run = needed(&reader, "run");
    job.step = needed(&reader, "step");
    job.item = text(&reader, "item", "");
    job.token = text(&reader, "token", "");
    job.run_folder = needed(&reader, "run_folder");
    job.folder = needed(&reader, "folder");
    job.log = text(&reader, "log", NULL);
    job.attempt = (uint32_t)number(&reader, "attempt", 1, LIMIT_ATTEMPTS * 1000);
    job.record = (uint32_t)number(&reader, "record", 0, INT32_MAX);
    job.fence = (uint64_t)number(&reader, "fence", 0, INT64_MAX);
    job.timeout_ms = number(&reader, "timeout_ms", 0, INT64_MAX / 4);
    job.grace_ms = number(&reader, "grace_ms", LIMIT_GRACE_MS, INT64_MAX / 4);
    job.reuse = text(&reader, "reuse", NULL);
    if (!limits_read(value_get(data, "limits"), &job.limits)) fault(&reader, "limits", "a map of numbers from 1");
    read_values(&reader, &job);
    if (job.log != NULL && (strchr(job.log, '/') != NULL || job.log[0] == '\0'))
        fault(&reader, "log", "a file name");
    if (reader.code == 0) *ret = job;
    return reader.code;
}
