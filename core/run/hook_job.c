/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker needs to run the hooks of an attempt: their texts, and what it cannot know by itself.
 */
#include "run/hook_job.h"

#include "base/str.h"

static void
set_text(struct arena *arena, struct value *map, const char *name, const char *text)
{
    if (text != NULL) value_set(arena, map, name, value_text(arena, text));
}

static void
set_int(struct arena *arena, struct value *map, const char *name, int64_t integer)
{
    value_set(arena, map, name, value_int(arena, integer));
}

static void
add_hooks(struct arena *arena, struct value *list, const struct hook *hooks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct value *one = value_map(arena);
        if (hooks[i].on == HOOK_BEFORE_RUN) continue;
        set_text(arena, one, "on", hook_on_name(hooks[i].on));
        set_text(arena, one, "text", hooks[i].text);
        set_text(arena, one, "file", hooks[i].file);
        set_int(arena, one, "line", hooks[i].line);
        if (hooks[i].with != NULL) value_set(arena, one, "with", hooks[i].with);
        value_push(arena, list, one);
    }
}

/* How the attempt before failed, as a hook sees it; NULL: it did not fail. */
static const struct value *
last_failure(struct arena *arena, const struct step_state *step)
{
    const struct attempt_state *last = NULL;
    for (size_t i = step->past; i < step->nattempts; i++)
        if (!step->attempts[i].resolve) last = &step->attempts[i];
    if (last == NULL || last->status == NULL || !(str_eq(last->status, "failed") || last->crashed)) return NULL;
    struct value *ret = value_map(arena), *error = value_map(arena);
    set_text(arena, error, "class", value_get_str(last->error, "class", "permanent"));
    set_text(arena, error, "message", value_get_str(last->error, "message", "its worker ended and said nothing"));
    value_set(arena, ret, "error", error);
    set_int(arena, ret, "duration_ms", last->duration_ms);
    set_int(arena, ret, "cpu_ms", last->cpu_ms);
    set_int(arena, ret, "peak_kib", last->peak_kib);
    if (last->metrics != NULL) value_set(arena, ret, "metrics", last->metrics);
    return ret;
}

void
hook_job(struct arena *arena, const struct step_state *step, uint32_t failed, struct value *job)
{
    const struct step *model = step->step;
    struct value *list = value_list(arena), *hooks = value_map(arena), *outputs = value_list(arena);
    if (model->hook != NULL) { /* itself one of before_run */
        set_text(arena, job, "file", model->hook->file);
        if (model->hook->with != NULL) value_set(arena, job, "with", model->hook->with);
        return;
    }
    add_hooks(arena, list, model->home->hooks, model->home->nhooks);
    add_hooks(arena, list, model->hooks, model->nhooks);
    if (list->list.count == 0) return;
    value_set(arena, hooks, "list", list);
    set_text(arena, hooks, "name", model->name != NULL ? model->name : model->id);
    set_text(arena, hooks, "effect", schema_effect_name(model->effect));
    if (model->kind == STEP_USES)
        set_text(arena, hooks, "action", arena_printf(arena, "%s.%s", model->plugin, model->action));
    for (size_t i = 0; i < model->noutputs; i++)
        if (model->outputs[i].value == NULL) value_push(arena, outputs, value_text(arena, model->outputs[i].name));
    value_set(arena, hooks, "outputs", outputs);
    set_int(arena, hooks, "failed", failed);
    set_int(arena, hooks, "attempts", model->retry.attempts);
    set_int(arena, hooks, "classes", model->retry.classes);
    const struct value *last = failed > 0 ? last_failure(arena, step) : NULL;
    if (last != NULL) value_set(arena, hooks, "last", last);
    value_set(arena, job, "hooks", hooks);
}
