/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks as JSON, and back.
 */
#include "base/str.h"
#include "workflow/model_json.h"

static const char *const names[HOOKS] = {"before_run", "before_step", "after_step", "on_retry", "on_failure"};

const char *
hook_on_name(enum hook_on on)
{
    return names[on];
}

const struct value *
model_hooks_write(struct arena *arena, const struct hook *hooks, size_t count, const char *file)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < count; i++) {
        struct value *one = value_map(arena);
        value_set(arena, one, "on", value_text(arena, names[hooks[i].on]));
        if (!str_eq(hooks[i].file, file)) value_set(arena, one, "file", value_text(arena, hooks[i].file));
        value_set(arena, one, "text", value_text(arena, hooks[i].text));
        value_set(arena, one, "line", value_int(arena, hooks[i].line));
        value_set(arena, one, "column", value_int(arena, hooks[i].column));
        if (hooks[i].with != NULL) value_set(arena, one, "with", hooks[i].with);
        if (hooks[i].names) value_set(arena, one, "names", value_bool(arena, true));
        value_push(arena, list, one);
    }
    return list;
}

static bool
read_one(struct arena *arena, const struct value *map, const char *file, struct hook *ret)
{
    const char *on = value_get_str(map, "on", ""), *text = value_get_str(map, "text", NULL);
    const struct value *with = value_get(map, "with");
    int64_t line = value_get_int(map, "line", 0), column = value_get_int(map, "column", 0);
    size_t i = 0;
    while (i < HOOKS && !str_eq(names[i], on)) i++;
    if (i == HOOKS || text == NULL || line < 0 || line > INT32_MAX || column < 0 || column > INT32_MAX) return false;
    if (with != NULL && with->type != VALUE_MAP) return false;
    *ret = (struct hook){.on = (enum hook_on)i,
                         .file = arena_strdup(arena, value_get_str(map, "file", file)),
                         .text = arena_strdup(arena, text),
                         .line = (int)line,
                         .column = (int)column,
                         .with = with != NULL ? value_copy(arena, with) : NULL,
                         .names = value_get_bool(map, "names", false)};
    return true;
}

bool
model_hooks_read(struct arena *arena, const struct value *list, const char *file, struct hook **ret, size_t *count)
{
    *ret = NULL;
    *count = 0;
    if (list == NULL) return true;
    if (list->type != VALUE_LIST) return false;
    struct hook *hooks = ARENA_ARRAY(arena, list->list.count, struct hook);
    for (size_t i = 0; i < list->list.count; i++)
        if (!read_one(arena, list->list.items[i], file, &hooks[i])) return false;
    *ret = hooks;
    *count = list->list.count;
    return true;
}
