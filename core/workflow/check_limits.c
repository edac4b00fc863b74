/* SPDX-License-Identifier: Apache-2.0
 *
 * What an attempt may use: from the file into the model, and from there into JSON and back.
 */
#include "base/limits.h"
#include "base/str.h"
#include "workflow/check.h"

#define MEMORY_MIN (8u * MIB) /* a worker and a shell alone take half of it */

static const struct {
    const char *key, *name; /* in the file; in JSON, with its unit */
    size_t offset;
} members[] = {
    {"memory", "memory", offsetof(struct limits, memory)},
    {"cpu_time", "cpu_ms", offsetof(struct limits, cpu_ms)},
    {"processes", "processes", offsetof(struct limits, processes)},
    {"file_size", "file_size", offsetof(struct limits, file_size)},
};
#define MEMBERS (sizeof members / sizeof members[0])

static int64_t *
member(struct limits *limits, size_t i)
{
    return (int64_t *)(void *)((char *)limits + members[i].offset);
}

static int64_t
number_of(const struct value *value)
{
    int64_t ret = 0;
    if (value->type == VALUE_INT) return value->integer;
    if (!str_to_duration(value->text.ptr, &ret)) (void)str_to_size(value->text.ptr, &ret);
    return ret;
}

void
check_limits(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    const struct draft *draft = &check->drafts[index];
    const struct value *defaults = keys_get(PLACE_WORKFLOW, check->root, "defaults");
    const struct value *own = keys_get(PLACE_STEP, draft->map, "limits");
    if (own != NULL)
        keys_check(check->diags, PLACE_LIMITS, own, arena_printf(check->arena, "`limits` of %s", draft->what));
    const struct value *map = check_merge(check->arena, keys_get(PLACE_DEFAULTS, defaults, "limits"), own);
    for (size_t i = 0; map != NULL && i < MEMBERS; i++) {
        const struct value *value = keys_get(PLACE_LIMITS, map, members[i].key);
        if (value != NULL) *member(&step->limits, i) = number_of(value);
    }
    if (step->limits.memory != 0 && step->limits.memory < (int64_t)MEMORY_MIN)
        CHECK_ERROR(check, value_get(map, "memory"), "wrong-value", "Nothing of use runs in less than `8MiB`.",
                    "\"memory\" of `limits` of %s is too little", draft->what);
}

const struct value *
limits_write(struct arena *arena, const struct limits *limits)
{
    struct limits copy = *limits;
    struct value *ret = NULL;
    for (size_t i = 0; i < MEMBERS; i++) {
        if (*member(&copy, i) == 0) continue;
        if (ret == NULL) ret = value_map(arena);
        value_set(arena, ret, members[i].name, value_int(arena, *member(&copy, i)));
    }
    return ret;
}

bool
limits_read(const struct value *map, struct limits *ret)
{
    struct limits limits = {0};
    if (map == NULL || map->type == VALUE_NULL) return true;
    if (map->type != VALUE_MAP) return false;
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct value *value = value_get(map, members[i].name);
        if (value == NULL) continue;
        if (value->type != VALUE_INT || value->integer < 1 || value->integer > INT64_MAX / 16) return false;
        *member(&limits, i) = value->integer;
    }
    *ret = limits;
    return true;
}
