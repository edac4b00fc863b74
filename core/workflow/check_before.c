/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks of `before_run` are steps: journalled, shown and retried as such. They stand in front of all others, which wait
 * for them; nobody wrote them into the list of steps, so they are put there here.
 */
#include "base/str.h"
#include "workflow/check.h"

#define BEFORE_ID "before_run"

static bool
is_before(const struct hook *hook)
{
    return hook->on == HOOK_BEFORE_RUN;
}

static size_t
count_before(const struct model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < model->nhooks; i++) count += is_before(&model->hooks[i]);
    return count;
}

static const struct value *
text_at(struct check *check, const char *text, int line, int column)
{
    struct value *ret = value_text(check->arena, text);
    ret->line = (uint32_t)line;
    ret->column = (uint32_t)column;
    return ret;
}

/* The step as somebody could have written it. */
static const struct value *
make_step(struct check *check, const struct hook *hook, size_t number)
{
    struct value *map = value_map(check->arena);
    bool own_file = str_eq(hook->file, check->model->file);
    int line = own_file ? hook->line : 1, column = own_file ? hook->column : 1;
    const char *id = number == 1 ? BEFORE_ID : arena_printf(check->arena, BEFORE_ID "_%zu", number);
    value_set(check->arena, map, "id", text_at(check, id, line, column));
    value_set(check->arena, map, "name", text_at(check, "the hook before_run", line, column));
    value_set(check->arena, map, "lua", text_at(check, hook->text, hook->line, hook->column));
    value_set(check->arena, map, "needs", value_list(check->arena));
    map->line = (uint32_t)line;
    map->column = (uint32_t)column;
    return map;
}

const struct value *
check_hook_steps(struct check *check, const struct value *steps)
{
    if (steps == NULL || steps->list.count == 0 || count_before(check->model) == 0) return steps;
    struct value *ret = value_list(check->arena);
    size_t number = 0;
    ret->line = steps->line;
    ret->column = steps->column;
    for (size_t i = 0; i < check->model->nhooks; i++)
        if (is_before(&check->model->hooks[i]))
            value_push(check->arena, ret, make_step(check, &check->model->hooks[i], ++number));
    for (size_t i = 0; i < steps->list.count; i++) value_push(check->arena, ret, steps->list.items[i]);
    return ret;
}

void
check_hook_steps_read(struct check *check)
{
    size_t index = 0;
    for (size_t i = 0; i < check->model->nhooks && index < check->model->nsteps; i++) {
        if (!is_before(&check->model->hooks[i])) continue;
        struct step *step = &check->model->steps[index++];
        step->hook = &check->model->hooks[i];
        step->retry.attempts = 1; /* `defaults` are for the work */
    }
}

void
check_hook_edges(struct check *check)
{
    size_t count = count_before(check->model);
    for (size_t i = 1; count > 0 && i < check->model->nsteps; i++) {
        struct step *step = &check->model->steps[i];
        if (step->part != PART_STEPS || step->nneeds > 0) continue;
        step->needs = ARENA_NEW(check->arena, uint32_t);
        step->needs[0] = (uint32_t)(i < count ? i : count) - 1;
        step->nneeds = 1;
    }
}
