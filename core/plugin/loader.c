/* SPDX-License-Identifier: Apache-2.0
 *
 * dlopen, the only user of it. A plugin of an older minor has shorter rows: what it says about its own sizes
 * decides how far we read, and what it lacks is zero in our copies.
 */
#include "plugin/loader.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "plugin/table.h"

/* What no plugin of any minor can be without. */
#define PLUGIN_SIZE_MIN (offsetof(struct levada_plugin, reuse_by))
#define ACTION_SIZE_MIN (offsetof(struct levada_action, plan))
#define FIELD_SIZE_MIN (offsetof(struct levada_field, choices))

struct copier {
    struct arena *arena;
    struct err *err;
    size_t action_size, field_size; /* strides in the plugin's tables */
};

static size_t
least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static int copy_fields(struct copier *copier, const struct levada_field **table, uint32_t count, const char *where,
                       unsigned depth);

static int
copy_nested(struct copier *copier, struct levada_field *field, const char *where, unsigned depth)
{
    if (field->nfields == 0) {
        field->fields = NULL;
        return 0;
    }
    if (depth == LIMIT_PLUGIN_DEPTH)
        return err_set(copier->err, EXIT_INVALID, "%s: objects are nested more than %u deep", where,
                       LIMIT_PLUGIN_DEPTH);
    return copy_fields(copier, &field->fields, field->nfields, where, depth + 1);
}

static int
copy_fields(struct copier *copier, const struct levada_field **table, uint32_t count, const char *where,
            unsigned depth)
{
    if (count == 0) {
        *table = NULL;
        return 0;
    }
    if (*table == NULL)
        return err_set(copier->err, EXIT_INVALID, "%s: a table of %u fields is NULL", where, count);
    if (count > LIMIT_PLUGIN_FIELDS)
        return err_set(copier->err, EXIT_INVALID, "%s: a table has %u fields, more than the limit of %u", where, count,
                       LIMIT_PLUGIN_FIELDS);
    struct levada_field *ret = ARENA_ARRAY(copier->arena, count, struct levada_field);
    const char *from = (const char *)*table;
    for (uint32_t i = 0; i < count; i++, from += copier->field_size) {
        memcpy(&ret[i], from, least(copier->field_size, sizeof ret[i]));
        int code = copy_nested(copier, &ret[i], where, depth);
        if (code) return code;
    }
    *table = ret;
    return 0;
}

static int
copy_actions(struct copier *copier, struct levada_plugin *plugin, struct levada_action **ret)
{
    if (plugin->nactions > LIMIT_PLUGIN_ACTIONS)
        return err_set(copier->err, EXIT_INVALID, "the plugin has %u actions, more than the limit of %u",
                       plugin->nactions, LIMIT_PLUGIN_ACTIONS);
    if (plugin->nactions && plugin->actions == NULL)
        return err_set(copier->err, EXIT_INVALID, "a table of %u actions is NULL", plugin->nactions);
    struct levada_action *actions = ARENA_ARRAY(copier->arena, plugin->nactions, struct levada_action);
    const char *from = (const char *)plugin->actions;
    for (uint32_t i = 0; i < plugin->nactions; i++, from += copier->action_size) {
        struct levada_action *action = &actions[i];
        memcpy(action, from, least(copier->action_size, sizeof *action));
        const char *where = action->name != NULL ? arena_printf(copier->arena, "action \"%s\"", action->name)
                                                 : "an action without a name";
        int code = copy_fields(copier, &action->inputs, action->ninputs, where, 0);
        if (code == 0) code = copy_fields(copier, &action->outputs, action->noutputs, where, 0);
        if (code) return code;
    }
    *ret = actions;
    return 0;
}

static int
check_abi(uint32_t abi, struct err *err)
{
    unsigned major = abi >> 16, minor = abi & 0xffff;
    if (major == LEVADA_ABI_MAJOR && minor <= LEVADA_ABI_MINOR) return 0;
    err_set(err, EXIT_INVALID, "the plugin was built for plugin contract %u.%u, this levada has %u.%u", major, minor,
            LEVADA_ABI_MAJOR, LEVADA_ABI_MINOR);
    err_hint(err, "Rebuild the plugin with this levada's header, or use a levada that has its contract.");
    return EXIT_INVALID;
}

static int
check_size(const char *what, uint32_t abi, size_t size, size_t size_min, size_t ours, struct err *err)
{
    /* Of our own minor, or smaller than any can be, or not even laid out in words. */
    size_t need = abi == LEVADA_ABI ? ours : size_min;
    if (size < need)
        return err_set(err, EXIT_INVALID, "struct %s of the plugin has %zu bytes, fewer than %zu", what, size, need);
    if ((abi == LEVADA_ABI && size != ours) || size > LIMIT_PLUGIN_STRIDE || size % 8)
        return err_set(err, EXIT_INVALID, "struct %s of the plugin has %zu bytes, which cannot be", what, size);
    return 0;
}

/* How many bytes of the descriptor are really there, by the symbol table; SIZE_MAX when it does not say. 0: the
 * symbol belongs to a library that the plugin is linked with. */
static size_t
symbol_size(void *handle, const void *symbol)
{
    Dl_info info;
    void *extra = NULL;
    struct link_map *map = NULL;
    if (dladdr1(symbol, &info, &extra, RTLD_DL_SYMENT) == 0) return SIZE_MAX;
    const ElfW(Sym) *entry = extra;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && (uintptr_t)info.dli_fbase != map->l_addr && map->l_addr != 0)
        return 0;
    return entry != NULL && entry->st_size ? entry->st_size : SIZE_MAX;
}

static int
find(const char *path, const struct levada_plugin **ret, struct err *err)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *text = dlerror();
        size_t size = strlen(path);
        /* The caller's context names the path already. */
        if (strncmp(text, path, size) == 0 && str_starts(text + size, ": ")) text += size + 2;
        return err_set(err, EXIT_INVALID, "cannot be loaded: %s", text);
    }
    const void *symbol = dlsym(handle, "levada_plugin");
    size_t there = symbol != NULL ? symbol_size(handle, symbol) : 0;
    if (there == 0) {
        err_set(err, EXIT_INVALID, "is no plugin: it has no symbol \"levada_plugin\"");
        err_hint(err, "End the plugin's source with LEVADA_PLUGIN(…).");
        return EXIT_INVALID;
    }
    const struct levada_plugin *plugin = symbol;
    if (there < offsetof(struct levada_plugin, name))
        return err_set(err, EXIT_INVALID, "the symbol \"levada_plugin\" has %zu bytes, which is no plugin", there);
    int code = check_abi(plugin->abi, err);
    if (code == 0 && there < plugin->size)
        code = err_set(err, EXIT_INVALID, "struct levada_plugin says %u bytes and has %zu", plugin->size, there);
    uint32_t abi = plugin->abi;
    if (code == 0)
        code = check_size("levada_plugin", abi, plugin->size, PLUGIN_SIZE_MIN, sizeof(struct levada_plugin), err);
    if (code == 0)
        code = check_size("levada_action", abi, plugin->action_size, ACTION_SIZE_MIN, sizeof(struct levada_action),
                          err);
    if (code == 0)
        code = check_size("levada_field", abi, plugin->field_size, FIELD_SIZE_MIN, sizeof(struct levada_field), err);
    *ret = plugin;
    return code;
}

int
loader_open(struct arena *arena, const char *path, const struct loaded_plugin **ret, struct err *err)
{
    /* Without a slash dlopen would look along the library path. */
    if (strchr(path, '/') == NULL) path = arena_printf(arena, "./%s", path);
    const struct levada_plugin *theirs = NULL;
    struct loaded_plugin *loaded = ARENA_NEW(arena, struct loaded_plugin);
    int code = find(path, &theirs, err);
    if (code == 0) {
        memcpy(&loaded->plugin, theirs, least(theirs->size, sizeof loaded->plugin));
        struct copier copier = {arena, err, theirs->action_size, theirs->field_size};
        code = copy_actions(&copier, &loaded->plugin, &loaded->actions);
    }
    if (code == 0) {
        loaded->plugin.actions = loaded->actions;
        code = table_check(arena, &loaded->plugin, err);
    }
    if (code) {
        err_context(err, "\"%s\"", path);
        return code;
    }
    *ret = loaded;
    return 0;
}

const struct levada_action *
loader_action(const struct loaded_plugin *loaded, const char *name)
{
    for (uint32_t i = 0; i < loaded->plugin.nactions; i++)
        if (str_eq(loaded->actions[i].name, name)) return &loaded->actions[i];
    return NULL;
}
