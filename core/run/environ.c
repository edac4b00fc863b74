/* SPDX-License-Identifier: Apache-2.0
 *
 * The environment of what `run:` starts: ours, without the sources of secrets, with the step's own
 * variables and Levada's on top. Our own folder goes behind everything in PATH, so that `levada
 * checkpoint` is found and hides nothing.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "levada/plugin.h"
#include "run/environ.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static const char *
as_text(struct arena *arena, const struct value *value)
{
    if (value->type == VALUE_STRING) return value->text.ptr;
    struct buf text BUF_SCOPED;
    buf_init(&text, LIMIT_VALUE_SIZE);
    value_show(&text, value);
    return arena_strndup(arena, buf_str(&text), text.size);
}

static int
add_all(struct work *work, struct value *map, const struct value *more, struct err *err)
{
    for (size_t i = 0; more != NULL && i < more->map.count; i++) {
        const char *name = more->map.names[i];
        const struct value *value = more->map.values[i];
        if (name[0] == '\0' || strchr(name, '=') != NULL) {
            err_set(err, EXIT_INVALID, "\"%s\" cannot be the name of a variable", name);
            goto invalid;
        }
        const char *text = as_text(&work->arena, value);
        if (value->type == VALUE_STRING && strlen(text) != value->text.size) {
            err_set(err, EXIT_INVALID, "variable \"%s\" holds a NUL, which no variable can", name);
            err_hint(err, "Give it as stdin.");
            goto invalid;
        }
        if (strlen(name) + strlen(text) + 2 > LIMIT_ENV_VALUE) {
            err_set(err, EXIT_INVALID, "variable \"%s\" is larger than the limit of %u bytes", name,
                    (unsigned)LIMIT_ENV_VALUE);
            err_hint(err, "Give large values as stdin: the kernel bounds every variable.");
            goto invalid;
        }
        value_set(&work->arena, map, name, value_text(&work->arena, text));
    }
    return 0;
invalid:
    err->error_class = LEVADA_INVALID;
    return EXIT_INVALID;
}

/* Where this program lies; "" when that is not known. Asked once: a worker mostly asks before it has a job. */
static const char *
our_folder(void)
{
    static char self[4096];
    static bool asked;
    if (asked) return self;
    asked = true;
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL) *slash = '\0';
    return self;
}

static const char *
path_with_us(struct work *work, const char *path)
{
    if (path == NULL) path = DEFAULT_PATH;
    const char *ours = our_folder();
    return ours[0] != '\0' ? arena_printf(&work->arena, "%s:%s", path, ours) : path;
}

static void
add_ours(struct work *work, struct value *map)
{
    struct arena *arena = &work->arena;
    const struct job *job = &work->job;
    const char *attempt = arena_printf(arena, "%s/%u", job->run, job->record);
    const char *artifacts = arena_printf(arena, "%s/" ARTIFACTS_FOLDER, job->run_folder);
    value_set(arena, map, "LEVADA_RUN", value_text(arena, job->run));
    value_set(arena, map, "LEVADA_STEP", value_text(arena, job->step));
    value_set(arena, map, "LEVADA_TOKEN", value_text(arena, job->token));
    value_set(arena, map, "LEVADA_ATTEMPT", value_text(arena, attempt));
    value_set(arena, map, "LEVADA_OUTPUT", value_text(arena, work_path(work, "output")));
    value_set(arena, map, "LEVADA_ARTIFACTS", value_text(arena, artifacts));
    value_set(arena, map, "LEVADA_CHECKPOINTS", value_text(arena, work_path(work, "checkpoints")));
}

static bool
is_listed(const struct value *list, const char *entry, size_t size)
{
    for (size_t i = 0; list != NULL && i < list->list.count; i++) {
        const char *name = value_str(list->list.items[i], "");
        if (strlen(name) == size && memcmp(name, entry, size) == 0) return true;
    }
    return false;
}

static bool
is_set(const struct value *map, const char *entry, size_t size)
{
    for (size_t i = 0; i < map->map.count; i++)
        if (strncmp(map->map.names[i], entry, size) == 0 && map->map.names[i][size] == '\0') return true;
    return false;
}

int
environ_make(struct work *work, char ***ret, struct err *err)
{
    struct arena *arena = &work->arena;
    struct value *set = value_map(arena);
    int code = add_all(work, set, work->job.env, err);
    if (code == 0) code = add_all(work, set, work->job.vars, err);
    if (code) return code;
    add_ours(work, set);

    size_t count = 0, n = 0;
    const char *path = NULL;
    while (environ[count] != NULL) count++;
    char **list = ARENA_ARRAY(arena, count + set->map.count + 2, char *);
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(environ[i], '=');
        size_t size = equals != NULL ? (size_t)(equals - environ[i]) : strlen(environ[i]);
        if (size == 4 && memcmp(environ[i], "PATH", 4) == 0) path = equals + 1;
        else if (!is_listed(work->job.unset, environ[i], size) && !is_set(set, environ[i], size))
            list[n++] = environ[i];
    }
    value_set(arena, set, "PATH", value_text(arena, path_with_us(work, value_get_str(set, "PATH", path))));
    for (size_t i = 0; i < set->map.count; i++)
        list[n++] = arena_printf(arena, "%s=%s", set->map.names[i], value_str(set->map.values[i], ""));
    *ret = list;
    return 0;
}
