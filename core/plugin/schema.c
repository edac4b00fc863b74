/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a plugin, trusting its file, and getting its description: from the cache, or from a describer.
 */
#include "plugin/schema.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/str.h"
#include "plugin/cache.h"
#include "plugin/describer.h"
#include "plugin/trust.h"

static const char *self = NULL;

void
schema_set_self(const char *executable)
{
    self = executable;
}

/* ---- names ---- */

const struct schema_action *
schema_action_find(const struct schema_plugin *plugin, const char *name)
{
    for (size_t i = 0; i < plugin->nactions; i++)
        if (str_eq(plugin->actions[i].name, name)) return &plugin->actions[i];
    return NULL;
}

const char *
schema_action_nearest(struct arena *arena, const struct schema_plugin *plugin, const char *name)
{
    const char **names = ARENA_ARRAY(arena, plugin->nactions, const char *);
    for (size_t i = 0; i < plugin->nactions; i++) names[i] = plugin->actions[i].name;
    return str_nearest(name, names, plugin->nactions);
}

const struct schema_field *
schema_field_find(const struct schema_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(fields[i].name, name)) return &fields[i];
    return NULL;
}

const char *
schema_type_name(enum levada_type type)
{
    switch (type) {
#define X(id, number, word) \
    case LEVADA_TYPE_##id: return word;
        LEVADA_TYPES(X)
#undef X
    }
    return "unknown";
}

const char *
schema_effect_name(enum levada_effect effect)
{
    switch (effect) {
#define X(id, number, word, meaning) \
    case LEVADA_EFFECT_##id: return word;
        LEVADA_EFFECTS(X)
#undef X
    }
    return "unknown";
}

const char *
schema_effect_meaning(enum levada_effect effect)
{
    switch (effect) {
#define X(id, number, word, meaning) \
    case LEVADA_EFFECT_##id: return meaning;
        LEVADA_EFFECTS(X)
#undef X
    }
    return "unknown";
}

bool
schema_effect_from_name(const char *name, enum levada_effect *ret)
{
#define X(id, number, word, meaning) \
    if (str_eq(name, word)) { \
        *ret = LEVADA_EFFECT_##id; \
        return true; \
    }
    LEVADA_EFFECTS(X)
#undef X
    return false;
}

const char *
schema_class_name(int error_class)
{
    switch (error_class) {
#define X(id, number, word, retry, meaning) \
    case number: return word;
        LEVADA_CLASSES(X)
#undef X
    default: return "permanent";
    }
}

int
schema_class_from_name(const char *name)
{
#define X(id, number, word, retry, meaning) \
    if (str_eq(name, word)) return number;
    LEVADA_CLASSES(X)
#undef X
    return 0;
}

/* ---- the path ---- */

struct folders {
    const char **items; /* that exist, once each, in order */
    size_t count;
};

static void
add_folder(struct arena *arena, struct folders *folders, const char *path)
{
    char real[PATH_MAX];
    if (realpath(path, real) == NULL) return;
    for (size_t i = 0; i < folders->count; i++)
        if (str_eq(folders->items[i], real)) return;
    folders->items[folders->count++] = arena_strdup(arena, real);
}

static const char *
self_path(struct arena *arena)
{
    char path[PATH_MAX];
    if (self != NULL) return self;
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    return size > 0 ? arena_strndup(arena, path, (size_t)size) : "/proc/self/exe";
}

static struct folders
search_path(struct arena *arena, const char *folder)
{
    const char *listed = getenv("LEVADA_PLUGIN_PATH");
    size_t colons = 0;
    if (listed == NULL) listed = "";
    for (const char *p = listed; *p; p++) colons += *p == ':';
    struct folders ret = {.items = ARENA_ARRAY(arena, colons + 3, const char *)};
    while (*listed) {
        size_t size = strcspn(listed, ":");
        if (size) add_folder(arena, &ret, arena_strndup(arena, listed, size));
        listed += size + (listed[size] == ':');
    }
    const char *own = self_path(arena), *slash = strrchr(own, '/');
    int size = slash != NULL ? (int)(slash - own) : 0;
    add_folder(arena, &ret, arena_printf(arena, "%.*s/../lib/levada/plugins", size, own));
    if (folder != NULL) add_folder(arena, &ret, arena_printf(arena, "%s/plugins", folder));
    return ret;
}

static int
compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int
schema_list(struct arena *arena, const char *folder, const char ***ret, size_t *count, struct err *err)
{
    struct folders folders = search_path(arena, folder);
    const char **names = NULL;
    size_t n = 0, capacity = 0;
    for (size_t i = 0; i < folders.count; i++) {
        DIR *dir = opendir(folders.items[i]);
        if (dir == NULL) continue;
        for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
            size_t size = strlen(entry->d_name);
            if (!str_ends(entry->d_name, ".so")) continue;
            const char *name = arena_strndup(arena, entry->d_name, size - 3);
            if (!str_is_id(name)) continue;
            if (n == capacity) {
                const char **bigger = ARENA_ARRAY(arena, capacity = capacity * 2 + 16, const char *);
                if (n) memcpy(bigger, names, n * sizeof *names);
                names = bigger;
            }
            names[n++] = name;
        }
        closedir(dir);
    }
    if (n) qsort(names, n, sizeof *names, compare);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !str_eq(names[kept - 1], names[i])) names[kept++] = names[i];
    (void)err;
    *ret = names;
    *count = kept;
    return 0;
}

static int
refuse_missing(struct arena *arena, const char *name, const char *folder, const struct folders *folders,
               struct err *err)
{
    const char **names, *nearest = NULL;
    size_t count;
    struct err ignored;
    struct buf hint BUF_SCOPED;
    buf_init(&hint, sizeof err->hint - 1);
    if (schema_list(arena, folder, &names, &count, &ignored) == 0) nearest = str_nearest(name, names, count);
    if (nearest != NULL) buf_printf(&hint, "Did you mean \"%s\"? ", nearest);
    for (size_t i = 0; i < folders->count; i++)
        buf_printf(&hint, "%s%s", i ? ", " : "Looked in ", folders->items[i]);
    if (folders->count) buf_text(&hint, ".");
    else buf_text(&hint, "No folder of plugins exists; name one in LEVADA_PLUGIN_PATH.");
    err_set(err, EXIT_INVALID, "there is no plugin \"%s\"", name);
    err_hint(err, "%s", buf_str(&hint));
    return EXIT_INVALID;
}

/* ---- loading ---- */

static int
describe(struct arena *arena, const char *name, const char *path, const struct schema_plugin **ret, struct err *err)
{
    char digest[HASH_HEX_SIZE];
    const struct schema_plugin *found = NULL;
    struct err ignored;
    if (hash_sha256_file(path, digest) != 0) return err_errno(err, EXIT_INVALID, "cannot read \"%s\"", path);
    const struct value *json = cache_get(arena, digest);
    if (json == NULL || schema_from_json(arena, json, &found, &ignored)) {
        int code = describer_run(arena, self_path(arena), name, path, LIMIT_DESCRIBE_MS, &json, err);
        if (code == 0) code = schema_from_json(arena, json, &found, err);
        if (code) return code;
        cache_put(arena, digest, json);
    }
    if (!str_eq(found->name, name)) {
        err_set(err, EXIT_INVALID, "\"%s\" holds the plugin \"%s\", not \"%s\"", path, found->name, name);
        err_hint(err, "A plugin's file is named after it: %s.so", found->name);
        return EXIT_INVALID;
    }
    struct schema_plugin *plugin = ARENA_NEW(arena, struct schema_plugin);
    *plugin = *found;
    plugin->path = path;
    plugin->digest = arena_strdup(arena, digest);
    *ret = plugin;
    return 0;
}

int
schema_load(struct arena *arena, const char *name, const char *folder, const struct schema_plugin **ret,
            struct err *err)
{
    struct folders folders = search_path(arena, folder);
    if (!str_is_id(name)) return refuse_missing(arena, name, folder, &folders, err);
    const char *file = arena_printf(arena, "%s.so", name);
    for (size_t i = 0; i < folders.count; i++) {
        if (access(arena_printf(arena, "%s/%s", folders.items[i], file), F_OK) != 0) continue;
        const char *path;
        int code = trust_file(arena, folders.items[i], file, &path, err);
        return code ? code : describe(arena, name, path, ret, err);
    }
    return refuse_missing(arena, name, folder, &folders, err);
}
