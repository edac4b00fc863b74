/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. Providers: `env` (a variable) and `file` (a path, as the platform mounts it);
 * with `field` the value is a JSON object and the secret one of its members. A provider is a row of
 * the table below.
 */
#include "run/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "levada/plugin.h"
#include "run/mask.h"

/* ---- masks ---- */

/* A dump of this process would have the secret in it. One byte and not none: with none the kernel still hands the dump
 * to a program that core_pattern names. */
static void
refuse_core(struct worker *worker)
{
    struct rlimit limit = {.rlim_cur = 1, .rlim_max = worker->core.rlim_max};
    if (worker->no_core) return;
    if (limit.rlim_max < limit.rlim_cur) limit.rlim_cur = limit.rlim_max;
    worker->no_core = setrlimit(RLIMIT_CORE, &limit) == 0;
}

int
secret_mask_add(struct work *work, const char *value, size_t size, struct err *err)
{
    struct worker *worker = work->worker;
    pthread_mutex_lock(&worker->mask_mutex);
    refuse_core(worker);
    int code = mask_add(worker->mask, value, size, err);
    pthread_mutex_unlock(&worker->mask_mutex);
    return code;
}

const char *
secret_mask_text(struct work *work, struct arena *arena, const char *text)
{
    struct worker *worker = work->worker;
    pthread_mutex_lock(&worker->mask_mutex);
    const char *ret = mask_text(worker->mask, arena, text);
    pthread_mutex_unlock(&worker->mask_mutex);
    return ret;
}

const struct value *
secret_mask_value(struct work *work, struct arena *arena, const struct value *value)
{
    struct worker *worker = work->worker;
    pthread_mutex_lock(&worker->mask_mutex);
    const struct value *ret = mask_value(worker->mask, arena, value);
    pthread_mutex_unlock(&worker->mask_mutex);
    return ret;
}

bool
secret_in_text(struct work *work, const char *text)
{
    struct arena arena ARENA_SCOPED = {0};
    return secret_mask_text(work, &arena, text) != text;
}

void
secret_mask_stream(struct work *work, int stream, const char *data, size_t size, struct buf *out)
{
    struct worker *worker = work->worker;
    pthread_mutex_lock(&worker->mask_mutex);
    if (size > 0) mask_write(worker->mask, &work->streams[stream], data, size, out);
    else mask_flush(worker->mask, &work->streams[stream], out);
    pthread_mutex_unlock(&worker->mask_mutex);
}

/* ---- providers ---- */

static int
refused(struct err *err, int error_class)
{
    err->error_class = error_class;
    return EXIT_INVALID;
}

static int
fetch_env(struct work *work, const struct secret_source *source, const char **ret, size_t *size, struct err *err)
{
    (void)work;
    const char *value = getenv(source->key);
    if (source->version != NULL) {
        err_set(err, EXIT_INVALID, "secret \"%s\": a variable has no versions", source->name);
        return refused(err, LEVADA_INVALID);
    }
    if (value == NULL) {
        err_set(err, EXIT_INVALID, "secret \"%s\": the variable \"%s\" is not set", source->name, source->key);
        err_hint(err, "Set it in the environment of `levada run`.");
        return refused(err, LEVADA_AUTH);
    }
    *ret = value;
    *size = strlen(value);
    return 0;
}

static int
check_version(const struct secret_source *source, const struct stat *st, struct err *err)
{
    char now[32];
    if (source->version == NULL) return 0;
    snprintf(now, sizeof now, "%lld%09ld", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    if (str_eq(now, source->version)) return 0;
    err_set(err, EXIT_INVALID, "secret \"%s\": the file \"%s\" has changed: version %s is asked for, and there is %s",
            source->name, source->key, source->version, now);
    err_hint(err, "Run the step again that said which version: levada retry RUN --from STEP.");
    return refused(err, LEVADA_MISSING);
}

/* Whoever may write the file may choose our credentials; who may read it knows them already. */
static int
check_mode(struct work *work, const struct secret_source *source, int fd, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        err_errno(err, EXIT_INVALID, "secret \"%s\": cannot look at \"%s\"", source->name, source->key);
        return refused(err, LEVADA_AUTH);
    }
    if (S_ISDIR(st.st_mode)) {
        err_set(err, EXIT_INVALID, "secret \"%s\": \"%s\" is a directory", source->name, source->key);
        return refused(err, LEVADA_INVALID);
    }
    if (S_ISREG(st.st_mode) && (st.st_mode & 022) != 0) {
        err_set(err, EXIT_INVALID, "secret \"%s\": the file \"%s\" may be written by others (mode %04o)", source->name,
                source->key, (unsigned)(st.st_mode & 07777));
        err_hint(err, "chmod go-w %s", source->key);
        return refused(err, LEVADA_AUTH);
    }
    if (S_ISREG(st.st_mode) && (st.st_mode & 004) != 0 && !source->mask_only)
        work_log(work, "warn", "secret \"%s\": the file \"%s\" may be read by everybody (mode %04o)", source->name,
                 source->key, (unsigned)(st.st_mode & 07777));
    return check_version(source, &st, err);
}

static int
fetch_file(struct work *work, const struct secret_source *source, const char **ret, size_t *size, struct err *err)
{
    const char *path = source->key;
    if (path[0] != '/') path = arena_printf(&work->arena, "%s/%s", work->job.folder, path);
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        err_errno(err, EXIT_INVALID, "secret \"%s\": cannot read \"%s\"", source->name, source->key);
        return refused(err, LEVADA_AUTH);
    }
    int code = check_mode(work, source, fd, err);
    if (code) return code;
    char *text;
    /* With a field the file may hold many secrets. */
    size_t size_max = source->field != NULL ? MIB : LIMIT_SECRET_SIZE + 2;
    if (fd_read_rest(&work->arena, fd, size_max, &text, size, err) != 0) {
        err_context(err, "secret \"%s\": \"%s\"", source->name, source->key);
        return refused(err, LEVADA_INVALID);
    }
    if (*size > 0 && text[*size - 1] == '\n') {
        (*size)--;
        if (*size > 0 && text[*size - 1] == '\r') (*size)--;
    }
    *ret = text;
    return 0;
}

/* Parser messages may quote what they read, so nothing of them is passed on. */
static int
pick_field(struct work *work, const struct secret_source *source, const char **text, size_t *size, struct err *err)
{
    const struct value *data, *member;
    struct err detail = {0};
    if (json_parse(&work->arena, *text, *size, &data, &detail) != 0 || !value_is(data, VALUE_MAP)) {
        err_set(err, EXIT_INVALID, "secret \"%s\": \"%s\" holds no JSON object to take the field \"%s\" from",
                source->name, source->key, source->field);
        return refused(err, LEVADA_INVALID);
    }
    member = value_get(data, source->field);
    if (member == NULL) {
        err_set(err, EXIT_INVALID, "secret \"%s\": \"%s\" has no field \"%s\"", source->name, source->key,
                source->field);
        return refused(err, LEVADA_INVALID);
    }
    if (member->type == VALUE_STRING) {
        *text = member->text.ptr;
        *size = member->text.size;
        return 0;
    }
    *text = json_text(&work->arena, member);
    *size = strlen(*text);
    return 0;
}

static const struct provider {
    const char *name;
    int (*fetch)(struct work *work, const struct secret_source *source, const char **ret, size_t *size,
                 struct err *err);
} providers[] = {{"env", fetch_env}, {"file", fetch_file}};

static int
fetch_from(struct work *work, const struct secret_source *source, const char **ret, size_t *size, struct err *err)
{
    for (size_t i = 0; i < sizeof providers / sizeof providers[0]; i++)
        if (str_eq(providers[i].name, source->from)) return providers[i].fetch(work, source, ret, size, err);
    err_set(err, EXIT_INVALID, "secret \"%s\": there is no provider \"%s\"", source->name, source->from);
    err_hint(err, "There are `env` and `file`.");
    return refused(err, LEVADA_INVALID);
}

int
secret_fetch(struct work *work, const struct secret_source *source, const struct value **ret, struct err *err)
{
    const char *text = NULL;
    size_t size = 0;
    int code = fetch_from(work, source, &text, &size, err);
    if (code == 0 && source->field != NULL) code = pick_field(work, source, &text, &size, err);
    if (code) return code;
    if (memchr(text, '\0', size) != NULL) {
        err_set(err, EXIT_INVALID, "secret \"%s\" holds a NUL byte", source->name);
        err_hint(err, "Keep binary keys as base64.");
        return refused(err, LEVADA_INVALID);
    }
    if (secret_mask_add(work, text, size, err) != 0) {
        err_context(err, "secret \"%s\"", source->name);
        return refused(err, LEVADA_INVALID);
    }
    *ret = value_textn(&work->arena, VALUE_SECRET, text, size);
    return 0;
}

static struct secret_source
source_read(const struct value *entry)
{
    return (struct secret_source){
        .name = value_get_str(entry, "name", ""),
        .from = value_get_str(entry, "from", ""),
        .key = value_get_str(entry, "key", ""),
        .field = value_get_str(entry, "field", NULL),
        .version = value_get_str(entry, "version", NULL),
        .mask_only = value_get_bool(entry, "mask_only", false),
    };
}

const struct value *
secret_reference(struct arena *arena, const char *output, const struct secret_source *source)
{
    struct value *ret = value_map(arena);
    value_set(arena, ret, "$secret", value_text(arena, output));
    value_set(arena, ret, "provider", value_text(arena, source->from));
    value_set(arena, ret, "name", value_text(arena, source->key));
    if (source->field != NULL) value_set(arena, ret, "field", value_text(arena, source->field));
    if (source->version != NULL) value_set(arena, ret, "version", value_text(arena, source->version));
    return ret;
}

int
secret_resolve(struct work *work, struct err *err)
{
    const struct value *list = work->job.references;
    work->referred = value_list(&work->arena);
    for (size_t i = 0; list != NULL && i < list->list.count; i++) {
        const struct secret_source source = source_read(list->list.items[i]);
        const struct value *value;
        int code = secret_fetch(work, &source, &value, err);
        if (code) return code;
        value_push(&work->arena, work->referred, value);
    }
    list = work->job.secrets;
    for (size_t i = 0; list != NULL && i < list->list.count; i++) {
        const struct secret_source source = source_read(list->list.items[i]);
        const struct value *value;
        struct err ignored;
        int code = secret_fetch(work, &source, &value, source.mask_only ? &ignored : err);
        if (source.mask_only) continue; /* one that is not there today cannot be said either */
        if (code) return code;
        value_set(&work->arena, work->secrets, source.name, value);
    }
    return 0;
}
