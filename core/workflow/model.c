/* SPDX-License-Identifier: Apache-2.0
 *
 * The model from JSON. The JSON lies in a run folder, where anything may have happened to it: every index and every
 * type is looked at, and what is odd makes the whole model damaged, never a wrong run.
 */
#include "workflow/model_reader.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"
#include "workflow/model_json.h"
#include "workflow/params.h"

/* ---- parts -------------------------------------------------------------------------------------------- */

static void
read_param(struct reader *reader, struct param *param, const char *name, const struct value *map)
{
    param->name = name;
    if (!param_type_from_name(reader_needed_text(reader, map, "type"), &param->type)) reader_damage(reader, "type");
    param->doc = value_get_str(map, "doc", NULL);
    param->required = value_get_bool(map, "required", false);
    param->fallback = reader_typed(reader, param->type, map, "default");
    param->minimum = reader_typed(reader, param->type, map, "minimum");
    param->maximum = reader_typed(reader, param->type, map, "maximum");
    param->pattern = value_get_str(map, "pattern", NULL);
    param->format = value_get_str(map, "format", NULL);
    reader_place(reader, map, &param->line, &param->column);
    const struct value *choices = reader_list(reader, map, "enum");
    if (choices == NULL) return;
    struct value *typed = value_list(reader->arena);
    typed->line = choices->line;
    typed->column = choices->column;
    for (size_t i = 0; i < choices->list.count; i++) {
        struct err ignored = {0};
        const struct value *choice =
            param_coerce(reader->arena, param->type, choices->list.items[i], false, &ignored);
        if (choice == NULL) reader_damage(reader, "enum");
        else value_push(reader->arena, typed, choice);
    }
    param->choices = typed;
}

static struct param *
read_params(struct reader *reader, const struct value *map, size_t *count)
{
    *count = map->map.count;
    struct param *ret = ARENA_ARRAY(reader->arena, *count, struct param);
    for (size_t i = 0; i < *count; i++) read_param(reader, &ret[i], map->map.names[i], map->map.values[i]);
    return ret;
}

/* What is of a step must not keep the JSON: it is copied first. */
static const struct approve *
read_approve(struct reader *reader, const struct value *map)
{
    struct approve *ret = ARENA_NEW(reader->arena, struct approve);
    map = value_copy(reader->arena, map);
    ret->condition = value_get_str(map, "when", NULL);
    ret->condition_line = (int)reader_int_within(reader, map, "when_line", INT32_MAX);
    ret->condition_column = (int)reader_int_within(reader, map, "when_column", INT32_MAX);
    ret->by = reader_list(reader, map, "by");
    ret->min = (uint32_t)reader_int_within(reader, map, "min", LIMIT_ATTEMPTS);
    ret->expires_ms = reader_int_within(reader, map, "expires_ms", HOURS_MAX);
    ret->of_item = value_get_bool(map, "of_item", false);
    if (ret->min == 0) reader_damage(reader, "min");
    for (size_t i = 0; ret->by != NULL && i < ret->by->list.count; i++)
        if (!value_is(ret->by->list.items[i], VALUE_STRING)) reader_damage(reader, "by");
    ret->inputs = read_params(reader, reader_needed_map(reader, map, "input"), &ret->ninputs);
    return ret;
}

static void
read_declared(struct reader *reader, struct model *model, const struct value *json)
{
    const struct value *params = reader_needed_map(reader, json, "params"),
                       *secrets = reader_needed_map(reader, json, "secrets");
    model->params = read_params(reader, params, &model->nparams);
    model->nsecrets = secrets->map.count;
    model->secrets = ARENA_ARRAY(reader->arena, model->nsecrets, struct secret_def);
    for (size_t i = 0; i < model->nsecrets; i++) {
        struct secret_def *secret = &model->secrets[i];
        const struct value *map = secrets->map.values[i];
        secret->name = secrets->map.names[i];
        secret->from = reader_needed_text(reader, map, "from");
        secret->key = reader_needed_text(reader, map, "key");
        secret->field = value_get_str(map, "field", NULL);
        secret->version = value_get_str(map, "version", NULL);
        reader_place(reader, map, &secret->line, &secret->column);
    }
}

static int
read_plugins(struct reader *reader, struct model *model, const struct value *json, struct err *err)
{
    const struct value *plugins = reader_needed_list(reader, json, "plugins");
    model->plugins = ARENA_ARRAY(reader->arena, plugins->list.count, const struct schema_plugin *);
    for (size_t i = 0; i < plugins->list.count; i++) {
        int code = schema_from_json(reader->arena, plugins->list.items[i], &model->plugins[i], err);
        if (code) return code;
        model->nplugins++;
    }
    return 0;
}

static void
read_action(struct reader *reader, const struct model *model, struct step *step, const struct value *map)
{
    const char *plugin = reader_needed_text(reader, map, "plugin"), *action = reader_needed_text(reader, map, "action");
    for (size_t i = 0; i < model->nplugins; i++)
        if (str_eq(model->plugins[i]->name, plugin)) step->schema = model->plugins[i];
    if (step->schema != NULL) step->schema_action = schema_action_find(step->schema, action);
    if (step->schema_action == NULL) {
        reader_damage(reader, "action");
        return;
    }
    step->plugin = step->schema->name;
    step->action = step->schema_action->name;
    step->with = reader_map(reader, map, "with");
}

static void
read_outputs(struct reader *reader, struct step *step, const struct value *map)
{
    const struct value *outputs = value_get(map, "outputs");
    if (outputs == NULL) return;
    outputs = reader_needed_map(reader, map, "outputs");
    step->noutputs = outputs->map.count;
    step->outputs = ARENA_ARRAY(reader->arena, step->noutputs, struct output_def);
    for (size_t i = 0; i < step->noutputs; i++) {
        const struct value *one = outputs->map.values[i];
        step->outputs[i] = (struct output_def){.name = arena_strdup(reader->arena, outputs->map.names[i]),
                                               .from = reader_text(reader, one, "from"),
                                               .as = reader_text(reader, one, "as"),
                                               .value = reader_tree(reader, one, "value")};
    }
}

static void
read_retry(struct reader *reader, struct retry *retry, const struct value *map)
{
    retry->attempts = (uint32_t)reader_int_within(reader, map, "attempts", LIMIT_ATTEMPTS);
    retry->delay_ms = reader_int_within(reader, map, "delay_ms", HOURS_MAX);
    retry->max_delay_ms = reader_int_within(reader, map, "max_delay_ms", HOURS_MAX);
    retry->backoff = reader_real(reader, map, "backoff");
    retry->jitter = reader_real(reader, map, "jitter");
    retry->classes = (uint32_t)reader_int_within(reader, map, "classes", UINT32_MAX);
    if (retry->attempts == 0) reader_damage(reader, "attempts");
}

static void
read_concurrency(struct reader *reader, struct concurrency *concurrency, const struct value *map)
{
    const char *word = reader_needed_text(reader, map, "overlap");
    int i = OVERLAP_QUEUE;
    concurrency->group = reader_tree(reader, map, "group");
    if (concurrency->group == NULL) reader_damage(reader, "group");
    concurrency->limit = (uint32_t)reader_int_within(reader, map, "limit", LIMIT_ATTEMPTS);
    if (concurrency->limit == 0) reader_damage(reader, "limit");
    while (i <= OVERLAP_ALLOW && !str_eq(overlap_name((enum overlap)i), word)) i++;
    if (i > OVERLAP_ALLOW) reader_damage(reader, "overlap");
    else concurrency->overlap = (enum overlap)i;
}

static void
read_pool(struct reader *reader, struct step *step, const struct value *map)
{
    step->pool = reader_text(reader, map, "pool");
    step->pool_slots = (uint32_t)reader_int_within(reader, map, "pool_slots", LIMIT_ATTEMPTS);
    if (step->pool != NULL && (!pool_name_is(step->pool) || step->pool_slots == 0)) reader_damage(reader, "pool");
}

static const struct loop *
read_loop(struct reader *reader, const struct value *map)
{
    struct loop *loop = ARENA_NEW(reader->arena, struct loop);
    loop->items = reader_tree(reader, map, "items");
    loop->matrix = value_get_bool(map, "matrix", false);
    loop->as = arena_strdup(reader->arena, reader_needed_text(reader, map, "as"));
    loop->key = reader_tree(reader, map, "key");
    loop->max_parallel = (uint32_t)reader_int_within(reader, map, "max_parallel", LIMIT_ATTEMPTS);
    loop->fail_fast = value_get_bool(map, "fail_fast", false);
    if (loop->items == NULL || (loop->matrix && loop->items->type != VALUE_MAP) ||
        (loop->key != NULL && loop->key->type != VALUE_STRING))
        reader_damage(reader, "loop");
    return loop;
}

static const struct until *
read_until(struct reader *reader, const struct value *map)
{
    struct until *until = ARENA_NEW(reader->arena, struct until);
    until->text = arena_strdup(reader->arena, reader_needed_text(reader, map, "text"));
    until->line = (int)reader_int_within(reader, map, "line", INT32_MAX);
    until->column = (int)reader_int_within(reader, map, "column", INT32_MAX);
    until->every_ms = reader_int_within(reader, map, "every_ms", HOURS_MAX);
    until->attempts = (uint32_t)reader_int_within(reader, map, "attempts", LIMIT_ATTEMPTS);
    return until;
}

static const char *const *
read_variables(struct reader *reader, const struct value *list)
{
    if (!value_is(list, VALUE_LIST)) return NULL;
    const char **ret = ARENA_ARRAY(reader->arena, list->list.count + 1, const char *);
    for (size_t i = 0; i < list->list.count; i++)
        ret[i] = arena_strdup(reader->arena, value_str(list->list.items[i], "?"));
    return ret;
}

static void read_step(struct reader *, const struct model *, struct step *, const struct value *);
static void read_edges(struct reader *, struct model *, size_t, const struct value *);
static int read_head(struct reader *, const struct value *, struct model *, struct err *);

/* Steps that stand in the step. */
static size_t
inside(const struct step *step)
{
    return (step->body != NULL ? step->body->total : 0) + (step->undo != NULL) +
           (step->calls != NULL ? step->calls->nsteps : 0);
}

static void
read_body(struct reader *reader, const struct model *home, struct step *step, const struct value *map)
{
    struct model *body = ARENA_NEW(reader->arena, struct model);
    const struct value *json = value_copy(reader->arena, reader_needed_map(reader, map, "body"));
    const struct value *steps = reader_needed_list(reader, json, "steps");
    struct err err = {0};
    if (step->kind == STEP_WORKFLOW && read_head(reader, json, body, &err) != 0) reader_damage(reader, "body");
    if (step->kind == STEP_GROUP) {
        *body = *home;
        body->outputs = reader_map(reader, json, "outputs");
    }
    body->owner = step;
    body->nsteps = body->total = steps->list.count;
    body->steps = ARENA_ARRAY(reader->arena, body->nsteps, struct step);
    if (body->nsteps == 0) reader_damage(reader, "steps");
    for (size_t i = 0; i < body->nsteps; i++) {
        read_step(reader, body, &body->steps[i], steps->list.items[i]);
        read_edges(reader, body, i, steps->list.items[i]);
        body->total += inside(&body->steps[i]);
    }
    step->body = body;
}

/* What belongs to a step without being a part of the run's plan: its undo, the actions that it calls. */
static const struct model *
read_beside(struct reader *reader, const struct model *home, const struct step *owner, const struct value *list,
            bool called)
{
    struct model *ret = ARENA_NEW(reader->arena, struct model);
    *ret = *home;
    ret->owner = owner;
    ret->outputs = NULL;
    ret->nsteps = ret->total = list->list.count;
    ret->steps = ARENA_ARRAY(reader->arena, ret->nsteps, struct step);
    for (size_t i = 0; i < ret->nsteps; i++) {
        struct step *step = &ret->steps[i];
        read_step(reader, ret, step, value_copy(reader->arena, list->list.items[i]));
        if (step->body != NULL || step->undo != NULL || step->loop != NULL || (called && step->kind != STEP_USES))
            reader_damage(reader, called ? "calls" : "undo");
    }
    return ret;
}

static void
read_kind(struct reader *reader, const struct model *model, struct step *step, const struct value *map)
{
    const char *run = reader_text(reader, map, "run"), *lua = reader_text(reader, map, "lua");
    const char *block = value_get_str(map, "block", NULL);
    step->kind = run != NULL ? STEP_RUN : lua != NULL ? STEP_LUA : block == NULL ? STEP_USES
                 : str_eq(block, "workflow") ? STEP_WORKFLOW : STEP_GROUP;
    step->text = run != NULL ? run : lua;
    step->text_line = (int)reader_int_within(reader, map, "text_line", INT32_MAX);
    step->text_column = (int)reader_int_within(reader, map, "text_column", INT32_MAX);
    if (step->kind == STEP_USES) read_action(reader, model, step, map);
    if (step->kind == STEP_WORKFLOW) step->with = reader_map(reader, map, "with");
    if (step_is_block(step)) read_body(reader, model, step, map);
    if (value_get(map, "undo") != NULL) {
        struct value *list = value_list(reader->arena);
        value_push(reader->arena, list, reader_needed_map(reader, map, "undo"));
        step->undo = read_beside(reader, model, step, list, false);
    }
    if (value_get(map, "calls") != NULL)
        step->calls = read_beside(reader, model, step, reader_needed_list(reader, map, "calls"), true);
    if (value_get(map, "loop") != NULL) step->loop = read_loop(reader, value_get(map, "loop"));
    if (value_get(map, "until") != NULL) step->until = read_until(reader, value_get(map, "until"));
    step->variables = read_variables(reader, value_get(map, "variables"));
}

static void
read_step(struct reader *reader, const struct model *model, struct step *step, const struct value *map)
{
    step->home = model;
    step->id = arena_strdup(reader->arena, reader_needed_text(reader, map, "id"));
    const char *dot = strrchr(step->id, '.');
    step->local = dot != NULL ? dot + 1 : step->id;
    step->name = reader_text(reader, map, "name");
    const char *part = reader_needed_text(reader, map, "part");
    size_t p = 0;
    while (p < PARTS && !str_eq(model_parts[p], part)) p++;
    if (p == PARTS) reader_damage(reader, "part");
    else step->part = (enum step_part)p;
    reader_place(reader, map, &step->line, &step->column);
    read_kind(reader, model, step, map);
    step->shell = reader_text(reader, map, "shell");
    if (step->kind == STEP_RUN && step->shell == NULL) reader_damage(reader, "shell");
    step->cwd = reader_text(reader, map, "cwd");
    step->env = reader_map(reader, map, "env");
    step->standard_input = reader_tree(reader, map, "stdin");
    if (!schema_effect_from_name(reader_needed_text(reader, map, "effect"), &step->effect))
        reader_damage(reader, "effect");
    const char *word = value_get_str(map, "on_unknown", model_on_unknown[0]);
    size_t u = 0;
    while (u < 3 && !str_eq(model_on_unknown[u], word)) u++;
    if (u == 3) reader_damage(reader, "on_unknown");
    else step->on_unknown = (enum on_unknown)u;
    step->condition = reader_text(reader, map, "if");
    step->condition_line = (int)reader_int_within(reader, map, "if_line", INT32_MAX);
    step->condition_column = (int)reader_int_within(reader, map, "if_column", INT32_MAX);
    step->expect = reader_list(reader, map, "expect");
    read_outputs(reader, step, map);
    read_retry(reader, &step->retry, reader_needed_map(reader, map, "retry"));
    step->timeout_ms = reader_int_within(reader, map, "timeout_ms", HOURS_MAX);
    step->grace_ms = reader_int_within(reader, map, "grace_ms", HOURS_MAX);
    step->continue_on_error = value_get_bool(map, "continue_on_error", false);
    step->starts_alone = value_get_bool(map, "starts_alone", false);
    read_pool(reader, step, map);
    if (!model_hooks_read(reader->arena, value_get(map, "hooks"), model->file, &step->hooks, &step->nhooks))
        reader_damage(reader, "hooks");
    int64_t hook = reader_int_within(reader, map, "hook", (int64_t)model->nhooks);
    if (hook > 0) step->hook = &model->hooks[hook - 1];
    if (!limits_read(value_get(map, "limits"), &step->limits)) reader_damage(reader, "limits");
    if (value_get(map, "approve") != NULL)
        step->approve = read_approve(reader, reader_needed_map(reader, map, "approve"));
}

/* All but the steps. What the model has of `json` here must live as long as it. */
static int
read_head(struct reader *reader, const struct value *json, struct model *model, struct err *err)
{
    if (value_get_int(json, "model", 0) != MODEL_VERSION)
        return err_set(err, EXIT_INVALID, "the stored workflow is of another version of Levada");
    model->name = reader_needed_text(reader, json, "name");
    model->description = value_get_str(json, "description", NULL);
    model->file = reader_needed_text(reader, json, "file");
    model->folder = reader_needed_text(reader, json, "folder");
    model->source = reader_needed_text(reader, json, "source");
    model->labels = reader_map(reader, json, "labels");
    model->env = reader_map(reader, json, "env");
    model->outputs = reader_map(reader, json, "outputs");
    model->history = reader_map(reader, json, "history");
    model->power = value_get_bool(json, "power", false);
    const struct value *concurrency = value_get(json, "concurrency");
    if (concurrency != NULL) read_concurrency(reader, &model->concurrency, concurrency);
    if (!model_hooks_read(reader->arena, value_get(json, "hooks"), model->file, &model->hooks, &model->nhooks))
        reader_damage(reader, "hooks");
    read_declared(reader, model, json);
    return read_plugins(reader, model, json, err);
}

static void
read_edges(struct reader *reader, struct model *model, size_t i, const struct value *map)
{
    struct step *step = &model->steps[i];
    step->needs = reader_indexes(reader, map, "needs", model->nsteps, &step->nneeds);
    step->reads = reader_indexes(reader, map, "reads", model->nsteps, &step->nreads);
}

static int
finish(struct reader *reader, const struct model *model, const struct model **ret, struct err *err)
{
    if (reader->bad == NULL) reader->bad = model_fault(model);
    if (reader->bad != NULL) return err_set(err, EXIT_INVALID, "the stored workflow is damaged (\"%s\")", reader->bad);
    *ret = model;
    return 0;
}

/* ---- as text ------------------------------------------------------------------------------------------ */

/* The first byte behind the bracket of the list, or NULL. */
static const char *
find_steps(const char *text, const char *end)
{
    static const char key[] = "\"steps\":[";
    for (const char *at = text + 1; text < end && *text == '{' && at < end; at++) {
        if ((size_t)(end - at) > sizeof key && memcmp(at, key, sizeof key - 1) == 0) return at + sizeof key - 1;
        at = json_skip(at, end);
        if (at == NULL || at == end || *at != ',') return NULL;
    }
    return NULL;
}

/* Its closing bracket, or NULL. */
static const char *
count_steps(const char *at, const char *end, size_t *count)
{
    *count = 0;
    if (at < end && *at == ']') return at;
    for (;; at++) {
        at = json_skip(at, end);
        if (at == NULL || at == end || *at == '}') return NULL;
        ++*count;
        if (*at == ']') return at;
    }
}

static int
read_steps(struct reader *reader, struct model *model, const char *at, const char *end, struct err *err)
{
    struct arena scratch ARENA_SCOPED = {0};
    model->steps = ARENA_ARRAY(reader->arena, model->nsteps, struct step);
    model->total = model->nsteps;
    (void)arena_alloc(&scratch, 1);
    for (size_t i = 0; i < model->nsteps; i++) {
        struct arena_mark mark = arena_mark(&scratch);
        const char *behind = json_skip(at, end);
        const struct value *map;
        int code = json_parse(&scratch, at, (size_t)(behind - at), &map, err);
        if (code) return code;
        read_step(reader, model, &model->steps[i], map);
        read_edges(reader, model, i, map);
        model->total += inside(&model->steps[i]);
        arena_rewind(&scratch, mark);
        at = behind + 1;
    }
    return 0;
}

int
model_read(struct arena *arena, const char *text, size_t size, const struct model **ret, struct err *err)
{
    struct reader reader = {.arena = arena};
    struct model *model = ARENA_NEW(arena, struct model);
    const char *end = text + size, *steps = find_steps(text, end);
    const char *behind = steps != NULL ? count_steps(steps, end, &model->nsteps) : NULL;
    const struct value *head;
    if (behind == NULL) return err_set(err, EXIT_INVALID, "the stored workflow is damaged (\"steps\")");
    struct buf rest BUF_SCOPED;
    buf_init(&rest, LIMIT_VALUE_SIZE);
    buf_add(&rest, text, (size_t)(steps - text));
    buf_add(&rest, behind, (size_t)(end - behind));
    int code = json_parse(arena, buf_str(&rest), rest.size, &head, err);
    if (!code) code = read_head(&reader, head, model, err);
    if (!code) code = read_steps(&reader, model, steps, behind + 1, err);
    return code ? code : finish(&reader, model, ret, err);
}
