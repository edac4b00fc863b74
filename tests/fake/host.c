/* SPDX-License-Identifier: Apache-2.0
 *
 * The recording host. Locks are real (flock on a descriptor kept until the process ends), so that two
 * processes of a test keep each other out as two workers would.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct fake_block {
    struct fake_block *next;
    max_align_t data[];
};

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;

static struct fake *
of(struct levada_step *step)
{
    return (struct fake *)step;
}

static void *
host_alloc(struct levada_step *step, size_t size)
{
    struct fake_block *block = calloc(1, sizeof *block + size + 16);
    if (block == NULL) abort();
    block->next = of(step)->blocks;
    of(step)->blocks = block;
    return block->data;
}

__attribute__((format(printf, 3, 0))) static void
host_log(struct levada_step *step, int level, const char *fmt, va_list ap)
{
    struct fake *fake = of(step);
    (void)level;
    pthread_mutex_lock(&log_mutex);
    size_t left = sizeof fake->log - fake->log_size;
    int size = vsnprintf(fake->log + fake->log_size, left, fmt, ap);
    if (size > 0 && (size_t)size + 2 < left) {
        fake->log_size += (size_t)size;
        fake->log[fake->log_size++] = '\n';
        fake->log[fake->log_size] = '\0';
    }
    pthread_mutex_unlock(&log_mutex);
}

__attribute__((format(printf, 4, 0))) static int
host_fail(struct levada_step *step, int error_class, const char *hint, const char *fmt, va_list ap)
{
    struct fake *fake = of(step);
    if (fake->error_class != 0) return error_class;
    fake->error_class = error_class;
    vsnprintf(fake->message, sizeof fake->message, fmt, ap);
    snprintf(fake->hint, sizeof fake->hint, "%s", hint != NULL ? hint : "");
    return error_class;
}

static bool
host_cancelled(struct levada_step *step)
{
    return of(step)->cancel;
}

static int
host_sleep(struct levada_step *step, int64_t ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    if (!of(step)->cancel) nanosleep(&time, NULL);
    return of(step)->cancel ? LEVADA_CANCELLED : 0;
}

static void
host_progress(struct levada_step *step, uint64_t done, uint64_t total, const char *what)
{
    (void)done, (void)total, (void)what;
    of(step)->progress_count++;
}

static int
host_output(struct levada_step *step, const char *name, const char *json)
{
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    if (value == NULL) return LEVADA_INVALID;
    json_object_set_new(of(step)->outputs, name, value);
    return 0;
}

static int
host_output_text(struct levada_step *step, const char *name, const char *text)
{
    json_object_set_new(of(step)->outputs, name, json_string(text));
    return 0;
}

static int
host_output_int(struct levada_step *step, const char *name, int64_t value)
{
    json_object_set_new(of(step)->outputs, name, json_integer(value));
    return 0;
}

static void
host_metric(struct levada_step *step, const char *name, double value, const char *unit)
{
    (void)step, (void)name, (void)value, (void)unit;
}

static const char *
host_checkpoint_get(struct levada_step *step, const char *key)
{
    return json_string_value(json_object_get(of(step)->checkpoints, key));
}

static int
host_checkpoint_set(struct levada_step *step, const char *key, const char *value)
{
    json_object_set_new(of(step)->checkpoints, key, json_string(value));
    return 0;
}

static int
host_secret(struct levada_step *step, const char *name, levada_secret *ret)
{
    (void)step, (void)name, (void)ret;
    return LEVADA_MISSING;
}

static struct {
    char path[1024];
    int fd;
} locks[16];
static size_t lock_count;

static int
host_lock(struct levada_step *step, const char *path)
{
    for (size_t i = 0; i < lock_count; i++)
        if (strcmp(locks[i].path, path) == 0) return 0;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || lock_count == sizeof locks / sizeof locks[0]) return LEVADA_PERMANENT;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (host_sleep(step, 20) != 0) {
            close(fd);
            return LEVADA_CANCELLED;
        }
    }
    snprintf(locks[lock_count].path, sizeof locks[0].path, "%s", path);
    locks[lock_count++].fd = fd;
    return 0;
}

void
fake_unlock(void)
{
    while (lock_count > 0) close(locks[--lock_count].fd);
}

static int
host_output_secret(struct levada_step *step, const char *name, const struct levada_secret_ref *ref)
{
    json_object_set_new(of(step)->outputs, name, json_sprintf("%s:%s", ref->provider, ref->name));
    return 0;
}

static const struct levada_host host = {
    .abi = LEVADA_ABI, .size = sizeof(struct levada_host), .log = host_log, .fail = host_fail, .alloc = host_alloc,
    .cancelled = host_cancelled, .sleep = host_sleep, .progress = host_progress, .output = host_output,
    .output_text = host_output_text, .output_int = host_output_int, .metric = host_metric,
    .checkpoint_get = host_checkpoint_get, .checkpoint_set = host_checkpoint_set, .secret = host_secret,
    .lock = host_lock, .output_secret = host_output_secret,
};

static const char *
subfolder(struct fake *fake, const char *name)
{
    size_t size = strlen(fake->root) + strlen(name) + 2;
    char *path = host_alloc(&fake->step, size);
    snprintf(path, size, "%s/%s", fake->root, name);
    if (mkdir(path, 0777) != 0 && errno != EEXIST) abort();
    return path;
}

void
fake_init(struct fake *fake, const char *root, const char *token)
{
    memset(fake, 0, sizeof *fake);
    snprintf(fake->root, sizeof fake->root, "%s", root);
    fake->outputs = json_object();
    fake->checkpoints = json_object();
    fake->step = (struct levada_step){.host = &host, .run_id = "run1", .step_id = "step1", .item = "", .token = token,
        .folder = fake->root, .fence = 1, .attempt = 1};
    fake->step.artifacts = subfolder(fake, "artifacts");
    fake->step.scratch = subfolder(fake, "scratch");
}

void
fake_release(struct fake *fake)
{
    while (fake->blocks != NULL) {
        struct fake_block *next = fake->blocks->next;
        free(fake->blocks);
        fake->blocks = next;
    }
    json_decref(fake->outputs);
    json_decref(fake->checkpoints);
}

int64_t
fake_int(const struct fake *fake, const char *output)
{
    const json_t *value = json_object_get(fake->outputs, output);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

const char *
fake_text(const struct fake *fake, const char *output)
{
    const char *text = json_string_value(json_object_get(fake->outputs, output));
    return text != NULL ? text : "";
}

bool
fake_bool(const struct fake *fake, const char *output)
{
    return json_is_true(json_object_get(fake->outputs, output));
}
