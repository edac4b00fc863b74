/* SPDX-License-Identifier: Apache-2.0
 *
 * The model as JSON. What has its default is left out. Beside a tree X stands X_at: one number per value, in the order
 * of a walk from the root, line << 12 | column, so that an error at run time can still point into the file.
 */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "workflow/model.h"
#include "workflow/model_json.h"
#include "workflow/params.h"

static void
set_text(struct arena *arena, struct value *map, const char *name, const char *text)
{
    if (text != NULL) value_set(arena, map, name, value_text(arena, text));
}

static void
set_int(struct arena *arena, struct value *map, const char *name, int64_t integer)
{
    if (integer != 0) value_set(arena, map, name, value_int(arena, integer));
}

static void
set_flag(struct arena *arena, struct value *map, const char *name, bool flag)
{
    if (flag) value_set(arena, map, name, value_bool(arena, true));
}

static void
add_places(struct arena *arena, struct value *list, const struct value *tree)
{
    int64_t column = tree->column > 0xfff ? 0xfff : tree->column;
    value_push(arena, list, value_int(arena, (int64_t)tree->line << 12 | column));
    for (size_t i = 0; tree->type == VALUE_LIST && i < tree->list.count; i++)
        add_places(arena, list, tree->list.items[i]);
    for (size_t i = 0; tree->type == VALUE_MAP && i < tree->map.count; i++)
        add_places(arena, list, tree->map.values[i]);
}

static void
set_tree(struct arena *arena, struct value *map, const char *name, const struct value *tree)
{
    if (tree == NULL) return;
    struct value *places = value_list(arena);
    add_places(arena, places, tree);
    value_set(arena, map, name, tree);
    value_set(arena, map, arena_printf(arena, "%s_at", name), places);
}

static void
set_place(struct arena *arena, struct value *map, int line, int column)
{
    struct value *at = value_list(arena);
    value_push(arena, at, value_int(arena, line));
    value_push(arena, at, value_int(arena, column));
    value_set(arena, map, "at", at);
}

static const struct value *
write_params(struct arena *arena, const struct param *params, size_t count)
{
    struct value *ret = value_map(arena);
    for (size_t i = 0; i < count; i++) {
        const struct param *param = &params[i];
        struct value *map = value_map(arena);
        set_text(arena, map, "type", param_type_name(param->type));
        set_text(arena, map, "doc", param->doc);
        set_flag(arena, map, "required", param->required);
        set_tree(arena, map, "default", param->fallback);
        set_tree(arena, map, "enum", param->choices);
        set_tree(arena, map, "minimum", param->minimum);
        set_tree(arena, map, "maximum", param->maximum);
        set_text(arena, map, "pattern", param->pattern);
        set_text(arena, map, "format", param->format);
        set_place(arena, map, param->line, param->column);
        value_set(arena, ret, param->name, map);
    }
    return ret;
}

static const struct value *
write_secrets(struct arena *arena, const struct model *model)
{
    struct value *ret = value_map(arena);
    for (size_t i = 0; i < model->nsecrets; i++) {
        const struct secret_def *secret = &model->secrets[i];
        struct value *map = value_map(arena);
        set_text(arena, map, "from", secret->from);
        set_text(arena, map, "key", secret->key);
        set_text(arena, map, "field", secret->field);
        set_text(arena, map, "version", secret->version);
        set_place(arena, map, secret->line, secret->column);
        value_set(arena, ret, secret->name, map);
    }
    return ret;
}

static const struct value *
write_outputs(struct arena *arena, const struct step *step)
{
    struct value *ret = value_map(arena);
    for (size_t i = 0; i < step->noutputs; i++) {
        struct value *map = value_map(arena);
        set_text(arena, map, "from", step->outputs[i].from);
        set_text(arena, map, "as", step->outputs[i].as);
        set_tree(arena, map, "value", step->outputs[i].value);
        value_set(arena, ret, step->outputs[i].name, map);
    }
    return ret;
}

static const struct value *
write_retry(struct arena *arena, const struct retry *retry)
{
    struct value *ret = value_map(arena);
    set_int(arena, ret, "attempts", retry->attempts);
    set_int(arena, ret, "delay_ms", retry->delay_ms);
    set_int(arena, ret, "max_delay_ms", retry->max_delay_ms);
    value_set(arena, ret, "backoff", value_real(arena, retry->backoff));
    value_set(arena, ret, "jitter", value_real(arena, retry->jitter));
    set_int(arena, ret, "classes", retry->classes);
    return ret;
}

static void
set_indexes(struct arena *arena, struct value *map, const char *name, const uint32_t *items, size_t count)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; i < count; i++) value_push(arena, list, value_int(arena, items[i]));
    if (count) value_set(arena, map, name, list);
}

static const struct value *
write_approve(struct arena *arena, const struct approve *approve)
{
    struct value *ret = value_map(arena);
    set_text(arena, ret, "when", approve->condition);
    set_int(arena, ret, "when_line", approve->condition_line);
    set_int(arena, ret, "when_column", approve->condition_column);
    set_tree(arena, ret, "by", approve->by);
    set_int(arena, ret, "min", approve->min);
    set_int(arena, ret, "expires_ms", approve->expires_ms);
    set_flag(arena, ret, "of_item", approve->of_item);
    value_set(arena, ret, "input", write_params(arena, approve->inputs, approve->ninputs));
    return ret;
}

static const struct value *
write_loop(struct arena *arena, const struct loop *loop)
{
    struct value *ret = value_map(arena);
    set_tree(arena, ret, "items", loop->items);
    set_flag(arena, ret, "matrix", loop->matrix);
    set_text(arena, ret, "as", loop->as);
    set_tree(arena, ret, "key", loop->key);
    set_int(arena, ret, "max_parallel", loop->max_parallel);
    set_flag(arena, ret, "fail_fast", loop->fail_fast);
    return ret;
}

static const struct value *
write_until(struct arena *arena, const struct until *until)
{
    struct value *ret = value_map(arena);
    set_text(arena, ret, "text", until->text);
    set_int(arena, ret, "line", until->line);
    set_int(arena, ret, "column", until->column);
    set_int(arena, ret, "every_ms", until->every_ms);
    set_int(arena, ret, "attempts", until->attempts);
    return ret;
}

static struct value *write_head(struct arena *, const struct model *);
static const struct value *write_step(struct arena *, const struct step *);

/* A group has the head of its file. */
static const struct value *
write_body(struct arena *arena, const struct step *step)
{
    struct value *ret = step->kind == STEP_WORKFLOW ? write_head(arena, step->body) : value_map(arena);
    struct value *steps = value_list(arena);
    if (step->kind == STEP_GROUP) set_tree(arena, ret, "outputs", step->body->outputs);
    for (size_t i = 0; i < step->body->nsteps; i++)
        value_push(arena, steps, write_step(arena, &step->body->steps[i]));
    value_set(arena, ret, "steps", steps);
    return ret;
}

static void
write_blocks(struct arena *arena, struct value *ret, const struct step *step)
{
    struct value *variables = value_list(arena);
    if (step->body != NULL) {
        set_text(arena, ret, "block", step->kind == STEP_WORKFLOW ? "workflow" : "steps");
        value_set(arena, ret, "body", write_body(arena, step));
    }
    if (step->calls != NULL) {
        struct value *calls = value_list(arena);
        for (size_t i = 0; i < step->calls->nsteps; i++)
            value_push(arena, calls, write_step(arena, &step->calls->steps[i]));
        value_set(arena, ret, "calls", calls);
    }
    if (step->undo != NULL) value_set(arena, ret, "undo", write_step(arena, &step->undo->steps[0]));
    if (step->loop != NULL) value_set(arena, ret, "loop", write_loop(arena, step->loop));
    if (step->until != NULL) value_set(arena, ret, "until", write_until(arena, step->until));
    for (size_t i = 0; step->variables != NULL && step->variables[i] != NULL; i++)
        value_push(arena, variables, value_text(arena, step->variables[i]));
    if (variables->list.count) value_set(arena, ret, "variables", variables);
}

static const struct value *
write_step(struct arena *arena, const struct step *step)
{
    struct value *ret = value_map(arena);
    set_text(arena, ret, "id", step->id);
    set_text(arena, ret, "name", step->name);
    set_text(arena, ret, "part", model_parts[step->part]);
    set_place(arena, ret, step->line, step->column);
    set_text(arena, ret, "plugin", step->plugin);
    set_text(arena, ret, "action", step->action);
    set_tree(arena, ret, "with", step->with);
    if (step->text != NULL) {
        set_text(arena, ret, step->kind == STEP_RUN ? "run" : "lua", step->text);
        set_int(arena, ret, "text_line", step->text_line);
        set_int(arena, ret, "text_column", step->text_column);
    }
    set_text(arena, ret, "shell", step->shell);
    set_text(arena, ret, "cwd", step->cwd);
    set_tree(arena, ret, "env", step->env);
    set_tree(arena, ret, "stdin", step->standard_input);
    set_text(arena, ret, "effect", schema_effect_name(step->effect));
    if (step->on_unknown) set_text(arena, ret, "on_unknown", model_on_unknown[step->on_unknown]);
    set_text(arena, ret, "if", step->condition);
    set_int(arena, ret, "if_line", step->condition_line);
    set_int(arena, ret, "if_column", step->condition_column);
    set_tree(arena, ret, "expect", step->expect);
    if (step->noutputs) value_set(arena, ret, "outputs", write_outputs(arena, step));
    value_set(arena, ret, "retry", write_retry(arena, &step->retry));
    set_int(arena, ret, "timeout_ms", step->timeout_ms);
    set_int(arena, ret, "grace_ms", step->grace_ms);
    set_flag(arena, ret, "continue_on_error", step->continue_on_error);
    set_indexes(arena, ret, "needs", step->needs, step->nneeds);
    set_indexes(arena, ret, "reads", step->reads, step->nreads);
    set_flag(arena, ret, "starts_alone", step->starts_alone);
    set_text(arena, ret, "pool", step->pool);
    if (step->pool != NULL) set_int(arena, ret, "pool_slots", step->pool_slots);
    if (step->nhooks > 0)
        value_set(arena, ret, "hooks", model_hooks_write(arena, step->hooks, step->nhooks, step->home->file));
    if (step->hook != NULL) set_int(arena, ret, "hook", step->hook - step->home->hooks + 1);
    const struct value *limits = limits_write(arena, &step->limits);
    if (limits != NULL) value_set(arena, ret, "limits", limits);
    write_blocks(arena, ret, step);
    if (step->approve != NULL) value_set(arena, ret, "approve", write_approve(arena, step->approve));
    return ret;
}

static const struct value *
write_concurrency(struct arena *arena, const struct model *model)
{
    struct value *ret = value_map(arena);
    set_tree(arena, ret, "group", model->concurrency.group);
    set_int(arena, ret, "limit", model->concurrency.limit);
    set_text(arena, ret, "overlap", overlap_name(model->concurrency.overlap));
    return ret;
}

/* All but the steps. */
static struct value *
write_head(struct arena *arena, const struct model *model)
{
    struct value *ret = value_map(arena), *plugins = value_list(arena);
    value_set(arena, ret, "model", value_int(arena, MODEL_VERSION));
    set_text(arena, ret, "name", model->name);
    set_text(arena, ret, "description", model->description);
    set_text(arena, ret, "file", model->file);
    set_text(arena, ret, "folder", model->folder);
    set_text(arena, ret, "source", model->source);
    set_tree(arena, ret, "labels", model->labels);
    set_tree(arena, ret, "env", model->env);
    value_set(arena, ret, "params", write_params(arena, model->params, model->nparams));
    value_set(arena, ret, "secrets", write_secrets(arena, model));
    for (size_t i = 0; i < model->nplugins; i++) value_push(arena, plugins, schema_to_json(arena, model->plugins[i]));
    value_set(arena, ret, "plugins", plugins);
    set_tree(arena, ret, "outputs", model->outputs);
    if (model->concurrency.group != NULL) value_set(arena, ret, "concurrency", write_concurrency(arena, model));
    set_flag(arena, ret, "power", model->power);
    set_tree(arena, ret, "history", model->history);
    if (model->nhooks > 0)
        value_set(arena, ret, "hooks", model_hooks_write(arena, model->hooks, model->nhooks, model->file));
    return ret;
}

void
model_write(struct buf *buf, const struct model *model)
{
    struct arena scratch ARENA_SCOPED = {0};
    json_write(buf, write_head(&scratch, model));
    buf->size--; /* its bracket */
    buf_text(buf, ",\"steps\":[");
    for (size_t i = 0; i < model->nsteps; i++) {
        struct arena_mark mark = arena_mark(&scratch);
        if (i) buf_char(buf, ',');
        json_write(buf, write_step(&scratch, &model->steps[i]));
        arena_rewind(&scratch, mark);
    }
    buf_text(buf, "]}");
}

/* The secrets that the text mentions, as they are declared. */
static const struct value *
mentioned_secrets(struct arena *arena, const struct model *model, const struct value *definition)
{
    const char *text = json_text(arena, definition);
    const struct value *all = write_secrets(arena, model);
    struct value *ret = value_map(arena);
    for (size_t i = 0; i < all->map.count; i++) {
        if (strstr(text, arena_printf(arena, "secrets.%s", all->map.names[i])) == NULL) continue;
        struct value *map = value_map(arena);
        set_text(arena, map, "from", value_get_str(all->map.values[i], "from", NULL));
        set_text(arena, map, "key", value_get_str(all->map.values[i], "key", NULL));
        set_text(arena, map, "field", value_get_str(all->map.values[i], "field", NULL));
        value_set(arena, ret, all->map.names[i], map);
    }
    return ret;
}

/* What decides over the items: not how many of them run at once. */
static const struct value *
loop_definition(struct arena *arena, const struct loop *loop)
{
    struct value *ret = value_map(arena);
    value_set(arena, ret, "items", loop->items);
    set_text(arena, ret, "as", loop->as);
    if (loop->key != NULL) value_set(arena, ret, "key", loop->key);
    return ret;
}

static const struct value *
body_definition(struct arena *arena, const struct step *step)
{
    struct value *ret = value_map(arena), *steps = value_map(arena), *defaults = value_map(arena);
    for (size_t i = 0; i < step->body->nsteps; i++)
        if (step->body->steps[i].hook == NULL)
            value_set(arena, steps, step->body->steps[i].local, model_step_definition(arena, step->body, i));
    value_set(arena, ret, "steps", steps);
    if (step->body->outputs != NULL) value_set(arena, ret, "outputs", step->body->outputs);
    if (step->kind == STEP_GROUP) return ret;
    for (size_t i = 0; i < step->body->nparams; i++)
        if (step->body->params[i].fallback != NULL)
            value_set(arena, defaults, step->body->params[i].name, step->body->params[i].fallback);
    value_set(arena, ret, "defaults", defaults);
    if (step->body->env != NULL) value_set(arena, ret, "env", step->body->env);
    return ret;
}

const struct value *
model_step_definition(struct arena *arena, const struct model *model, size_t index)
{
    /* How often, how long and when it runs does not change what a finished one has done. */
    static const char *const kept[] = {"part", "plugin", "action", "with", "run", "lua", "shell", "cwd", "env", "stdin",
                                       "if", "outputs", "expect"};
    const struct value *whole = write_step(arena, &model->steps[index]);
    struct value *ret = value_map(arena);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (value_get(whole, kept[i]) != NULL) value_set(arena, ret, kept[i], value_get(whole, kept[i]));
    /* An edited hook is no reason to do all of the work again. */
    if (model->steps[index].hook != NULL) value_set(arena, ret, "lua", value_null(arena));
    if (model->steps[index].body != NULL) value_set(arena, ret, "steps", body_definition(arena, &model->steps[index]));
    if (model->steps[index].loop != NULL)
        value_set(arena, ret, "foreach", loop_definition(arena, model->steps[index].loop));
    const struct value *secrets = mentioned_secrets(arena, model, ret);
    if (secrets->map.count) value_set(arena, ret, "secrets", secrets);
    return ret;
}
