/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. What is secret stays a template, with the path to where its value goes.
 */
#include "run/inputs_names.h"

#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "plugin/field.h"
#include "run/references.h"
#include "workflow/params.h"
#include "workflow/template.h"

static bool
touches_secret(const struct template *template)
{
    for (size_t i = 0; i < template->count; i++)
        if (template->parts[i].expr != NULL && expr_mentions(template->parts[i].expr, "secrets")) return true;
    return false;
}

static struct value *
base_names(struct arena *arena, const struct value *outputs, const struct sched_view *view)
{
    struct value *names = value_map(arena);
    if (outputs != NULL) value_set(arena, names, "outputs", outputs);
    if (view != NULL) {
        struct value *status = value_map(arena);
        value_set(arena, status, "success", value_bool(arena, view->success));
        value_set(arena, status, "failure", value_bool(arena, view->failure));
        value_set(arena, status, "cancelled", value_bool(arena, view->cancelled));
        value_set(arena, names, "status", status);
    }
    return names;
}

/* One text of the workflow, evaluated now. */
static int
evaluate_text(const struct inputs *inputs, const struct place *place, const struct value *text,
              const struct value *outputs, const struct sched_view *view, struct arena *arena,
              const struct value **ret, struct err *err)
{
    struct template *template;
    struct value *names = base_names(arena, outputs, view);
    if (text->type != VALUE_STRING) {
        *ret = text;
        return 0;
    }
    int code = template_parse(arena, text->text.ptr, (int)text->line, (int)text->column, place->variables, &template,
                              err);
    if (code) return code;
    place_add_all(inputs, place, arena, names, template);
    return template_eval(inputs->vm, template, names, arena, ret, err);
}

struct evaluation {
    const struct inputs *inputs;
    struct place place;
    struct arena *arena;
    struct value *deferred, *names; /* of what touches secrets */
    struct value *references;       /* outputs that are secrets, of what is deferred */
    const char *path[LIMIT_DEPTH];  /* NULL: the index beside */
    size_t index[LIMIT_DEPTH], depth;
};

static void
defer(struct evaluation *ev, const struct value *text, const struct template *template, bool sql)
{
    struct value *entry = value_map(ev->arena), *path = value_list(ev->arena);
    for (size_t i = 0; i < ev->depth; i++)
        value_push(ev->arena, path, ev->path[i] != NULL ? value_text(ev->arena, ev->path[i])
                                                        : value_int(ev->arena, (int64_t)ev->index[i]));
    value_set(ev->arena, entry, "path", path);
    value_set(ev->arena, entry, "template", value_textn(ev->arena, VALUE_STRING, text->text.ptr, text->text.size));
    value_set(ev->arena, entry, "line", value_int(ev->arena, text->line));
    value_set(ev->arena, entry, "column", value_int(ev->arena, text->column));
    value_set(ev->arena, entry, "sql", value_bool(ev->arena, sql));
    value_push(ev->arena, ev->deferred, entry);
    references_add(ev->inputs, &ev->place, ev->arena, template, ev->references);
    place_add_all(ev->inputs, &ev->place, ev->arena, ev->names, template);
}

static int
evaluate_string(struct evaluation *ev, const struct value *value, bool sql, const struct value **ret, struct err *err)
{
    struct template *template;
    *ret = value;
    if (!template_is(value->text.ptr)) return 0;
    int code = template_parse(ev->arena, value->text.ptr, (int)value->line, (int)value->column, ev->place.variables,
                              &template, err);
    if (code) return code;
    if (touches_secret(template) || references_touch(ev->inputs, &ev->place, template)) {
        defer(ev, value, template, sql);
        *ret = value_null(ev->arena);
        return 0;
    }
    struct value *names = value_map(ev->arena);
    place_add_all(ev->inputs, &ev->place, ev->arena, names, template);
    return (sql ? template_eval_sql : template_eval)(ev->inputs->vm, template, names, ev->arena, ret, err);
}

/* The tree beside its table: an SQL field binds its expressions as parameters. */
static int
evaluate_tree(struct evaluation *ev, const struct value *value, const struct schema_field *field,
              const struct schema_field *fields, size_t nfields, const struct value **ret, struct err *err)
{
    int code = 0;
    if (value->type == VALUE_STRING)
        return evaluate_string(ev, value, field != NULL && field->type == LEVADA_TYPE_SQL, ret, err);
    *ret = value;
    if (value->type == VALUE_LIST) {
        struct value *list = value_list(ev->arena);
        for (size_t i = 0; i < value->list.count && !code; i++) {
            const struct value *item;
            ev->path[ev->depth] = NULL;
            ev->index[ev->depth++] = i;
            code = evaluate_tree(ev, value->list.items[i], NULL, field ? field->fields : NULL,
                                 field ? field->nfields : 0, &item, err);
            ev->depth--;
            if (!code) value_push(ev->arena, list, item);
        }
        *ret = list;
    } else if (value->type == VALUE_MAP) {
        struct value *map = value_map(ev->arena);
        if (field != NULL) {
            fields = field->fields;
            nfields = field->nfields;
        }
        for (size_t i = 0; i < value->map.count && !code; i++) {
            const struct value *member;
            ev->path[ev->depth++] = value->map.names[i];
            code = evaluate_tree(ev, value->map.values[i], schema_field_find(fields, nfields, value->map.names[i]),
                                 NULL, 0, &member, err);
            ev->depth--;
            if (!code) value_set(ev->arena, map, value->map.names[i], member);
        }
        *ret = map;
    }
    return code;
}

/* As text for a variable or a file: what a shell can take. */
static const struct value *
as_text(struct arena *arena, const struct value *value)
{
    if (value->type == VALUE_STRING) return value;
    struct buf buf BUF_SCOPED;
    buf_init(&buf, LIMIT_VALUE_SIZE);
    value_show(&buf, value);
    return value_textn(arena, VALUE_STRING, buf_str(&buf), buf.size);
}

/* A path or a command with "null" in it does something that nobody meant. */
static int
no_null(const struct value *value, const char *what, int line, int column, struct err *err)
{
    if (value->type != VALUE_NULL) return 0;
    err_set(err, EXIT_INVALID, "null inside %s", what);
    err_hint(err, "Use default(x, other) where it may be null.");
    err->line = line;
    err->column = column;
    return EXIT_INVALID;
}

static int
evaluate_env(struct evaluation *ev, const struct value *env, struct value *to, struct err *err)
{
    for (size_t i = 0; value_is(env, VALUE_MAP) && i < env->map.count; i++) {
        const struct value *value;
        ev->path[ev->depth++] = env->map.names[i];
        int code = evaluate_tree(ev, env->map.values[i], NULL, NULL, 0, &value, err);
        ev->depth--;
        if (code) return code;
        /* A variable that is null is not there. */
        if (value->type != VALUE_NULL) value_set(ev->arena, to, env->map.names[i], as_text(ev->arena, value));
    }
    return 0;
}

static int
evaluate_run(struct evaluation *ev, const struct step *step, struct value *ret, struct err *err)
{
    struct inject *inject;
    struct value *vars = value_map(ev->arena);
    int code = inject_parse(ev->arena, step->shell, step->text, step->text_line, step->text_column,
                            ev->place.variables, NULL, NULL, &inject, err);
    for (size_t i = 0; !code && i < inject->count; i++) {
        const struct value *value;
        struct value *names = value_map(ev->arena);
        const struct expr *expr = inject->vars[i].expr;
        for (size_t k = 0; k < expr->nrefs; k++) place_add(ev->inputs, &ev->place, ev->arena, names, &expr->refs[k]);
        code = expr_eval(ev->inputs->vm, expr, names, ev->arena, &value, err);
        if (!code) code = no_null(value, "a script", expr->line, expr->column, err);
        if (!code) value_set(ev->arena, vars, inject->vars[i].name, as_text(ev->arena, value));
    }
    if (code) return code;
    value_set(ev->arena, ret, "script", value_text(ev->arena, inject->script));
    value_set(ev->arena, ret, "shell", value_text(ev->arena, step->shell));
    value_set(ev->arena, ret, "vars", vars);
    struct value *env = value_map(ev->arena);
    code = evaluate_env(ev, step->env, env, err);
    value_set(ev->arena, ret, "env", env);
    if (!code && step->cwd != NULL) {
        const struct value *cwd;
        code = evaluate_tree(ev, value_text(ev->arena, step->cwd), NULL, NULL, 0, &cwd, err);
        if (!code) code = no_null(cwd, "`cwd`", step->line, step->column, err);
        if (!code) value_set(ev->arena, ret, "cwd", as_text(ev->arena, cwd));
    }
    if (!code && step->standard_input != NULL) {
        const struct value *input;
        ev->path[ev->depth++] = "stdin";
        code = evaluate_tree(ev, step->standard_input, NULL, NULL, 0, &input, err);
        ev->depth--;
        if (!code && input->type != VALUE_NULL) value_set(ev->arena, ret, "stdin", as_text(ev->arena, input));
    }
    return code;
}

/* Does the chunk name the step, or reach into `steps` in a way that does not say which? What it does not name it does
 * not get: ten thousand items would each carry the list that they come from. */
static bool
lua_may_read(const char *text, const char *local)
{
    if (strstr(text, local) != NULL) return true;
    for (const char *at = text; (at = strstr(at, "steps")) != NULL;) {
        at += strlen("steps");
        at += strspn(at, " \t\r\n");
        if (*at != '.') return true;
    }
    return false;
}

static bool
hooks_may_read(const struct hook *hooks, size_t count, const char *local)
{
    for (size_t i = 0; i < count; i++)
        if (hooks[i].names && hooks[i].on != HOOK_BEFORE_RUN && lua_may_read(hooks[i].text, local)) return true;
    return false;
}

/* Does the chunk of the step, or a hook of it? */
static bool
step_may_read(const struct step *step, const char *local)
{
    return (step->kind == STEP_LUA && lua_may_read(step->text, local)) ||
           hooks_may_read(step->hooks, step->nhooks, local) ||
           hooks_may_read(step->home->hooks, step->home->nhooks, local);
}

/* Of what has ended before it (what it needs, and what the groups around it need) a chunk gets what it names. */
static void
lua_names(struct evaluation *ev, const struct step *own)
{
    static const char *const roots[] = {"params", "env", "run"};
    const struct inputs *inputs = ev->inputs;
    const struct place *place = &ev->place;
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
        place_add(inputs, place, ev->arena, ev->names, &(struct expr_ref){{roots[i]}, 1});
    if (place->undone != NULL) place_add(inputs, place, ev->arena, ev->names, &(struct expr_ref){{"outputs"}, 1});
    for (size_t i = 0; place->variables != NULL && place->variables[i] != NULL; i++)
        place_add(inputs, place, ev->arena, ev->names, &(struct expr_ref){{place->variables[i]}, 1});
    place_add(inputs, place, ev->arena, ev->names, &(struct expr_ref){{"approval"}, 1});
    const struct step_state *at = place->step;
    while (at != NULL) {
        const struct step *step = at->step;
        for (size_t i = 0; i < step->nneeds + step->nreads; i++) {
            uint32_t at_model = i < step->nneeds ? step->needs[i] : step->reads[i - step->nneeds];
            const char *local = step->home->steps[at_model].local;
            if (step_may_read(own, local)) place_add_step(inputs, place, ev->arena, ev->names, local);
        }
        at = state_block(inputs->state, at);
        if (at != NULL && at->step->kind == STEP_WORKFLOW) break;
    }
}

/* What hooks mention is fixed with the inputs. */
static bool
hooks_mention(const struct hook *hooks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (hooks[i].names && hooks[i].on != HOOK_BEFORE_RUN) return true;
    return false;
}

int
inputs_evaluate(const struct inputs *inputs, const struct step_state *at, struct arena *arena,
                const struct value **ret, struct err *err)
{
    const struct step *step = at->step;
    struct evaluation ev = {.inputs = inputs, .arena = arena, .place = place_of(inputs, at)};
    struct value *map = value_map(arena);
    int code = 0;
    ev.deferred = value_list(arena);
    ev.references = value_list(arena);
    ev.names = value_map(arena);
    if (step->kind == STEP_USES) {
        const struct value *with = value_map(arena);
        if (step->with != NULL)
            code = evaluate_tree(&ev, step->with, NULL, step->schema_action->inputs, step->schema_action->ninputs,
                                 &with, err);
        value_set(arena, map, "with", with);
    } else if (step->kind == STEP_RUN) {
        code = evaluate_run(&ev, step, map, err);
    } else {
        lua_names(&ev, step);
    }
    if (step->kind != STEP_LUA && (hooks_mention(step->home->hooks, step->home->nhooks) ||
                                   hooks_mention(step->hooks, step->nhooks)))
        lua_names(&ev, step);
    if (ev.deferred->list.count) value_set(arena, map, "deferred", ev.deferred);
    if (ev.references->list.count) value_set(arena, map, "references", ev.references);
    if (ev.names->map.count) value_set(arena, map, "names", ev.names);
    *ret = map;
    return code;
}

static struct value
text_at(const char *text, int line, int column)
{
    return (struct value){.type = VALUE_STRING, .line = (uint32_t)line, .column = (uint32_t)column,
                          .text = {text, strlen(text)}};
}

static int
not_boolean(const struct step *step, const char *key, const struct value *text, const struct value *value,
            struct err *err)
{
    err_set(err, EXIT_INVALID, "`%s` of step \"%s\" gave a %s, not true or false", key, step->id,
            value_type_name(value->type));
    err_place(err, step->home->file, (int)text->line, (int)text->column);
    return EXIT_INVALID;
}

int
inputs_condition(const struct inputs *inputs, const struct step_state *at, struct sched_view view,
                 struct arena *arena, bool *ret, struct err *err)
{
    static const char *const words[] = {"always", "success", "failure", "cancelled"};
    const struct step *step = at->step;
    const struct place place = place_of(inputs, at);
    struct template *template;
    const struct value *value;
    if (step->condition == NULL) {
        *ret = view.success;
        return 0;
    }
    const struct value text = text_at(step->condition, step->condition_line, step->condition_column);
    int code = template_parse(arena, step->condition, step->condition_line, step->condition_column, place.variables,
                              &template, err);
    if (code) return code;
    bool asks = false, of_item = false;
    for (size_t i = 0; i < template->count; i++) {
        const struct expr *expr = template->parts[i].expr;
        for (size_t k = 0; expr != NULL && k < expr->ncalls; k++)
            for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) asks |= str_eq(expr->calls[k], words[w]);
        of_item |= expr != NULL && step->loop != NULL && expr_mentions(expr, step->loop->as);
    }
    /* What names the item is asked of each, else of the loop as a whole. */
    *ret = view.success || asks;
    if (step->loop != NULL && of_item != at->is_item) return 0;
    *ret = false;
    if (!asks && !view.success) return 0;
    code = evaluate_text(inputs, &place, &text, NULL, &view, arena, &value, err);
    if (code) return code;
    if (value->type != VALUE_BOOL) return not_boolean(step, "if", &text, value, err);
    *ret = value->boolean;
    return 0;
}

int
inputs_asks(const struct inputs *inputs, const struct step_state *at, struct arena *arena, bool *ret, struct err *err)
{
    const struct approve *approve = at->step->approve;
    const struct place place = place_of(inputs, at);
    const struct value *value;
    *ret = true;
    if (approve->condition == NULL) return 0;
    const struct value text = text_at(approve->condition, approve->condition_line, approve->condition_column);
    int code = evaluate_text(inputs, &place, &text, NULL, NULL, arena, &value, err);
    if (code) return code;
    if (value->type != VALUE_BOOL) return not_boolean(at->step, "when", &text, value, err);
    *ret = value->boolean;
    return 0;
}

int
inputs_approval(const struct inputs *inputs, const struct step_state *at, struct arena *arena,
                const struct value **ret, struct err *err)
{
    const struct step *step = at->step;
    struct value *defaults = value_map(arena);
    for (size_t i = 0; i < step->approve->ninputs; i++) {
        const struct param *input = &step->approve->inputs[i];
        const struct value *value = input->fallback, *typed = NULL;
        if (value == NULL) continue;
        int code = inputs_value(inputs, at, false, value, arena, &value, err);
        if (!code && value->type == VALUE_NULL) continue;
        if (!code) typed = param_coerce(arena, input->type, value, false, err);
        if (typed == NULL || param_allows(arena, input, typed, err) != 0) {
            if (err->line == 0)
                err_place(err, step->home->file, (int)input->fallback->line, (int)input->fallback->column);
            err_context(err, "the default of input \"%s\" of its approval", input->name);
            return err->code = EXIT_INVALID;
        }
        value_set(arena, defaults, input->name, typed);
    }
    *ret = defaults;
    return 0;
}

int
inputs_until(const struct inputs *inputs, const struct step_state *at, const struct value *outputs,
             struct arena *arena, bool *ret, struct err *err)
{
    const struct until *until = at->step->until;
    const struct value text = text_at(until->text, until->line, until->column), *value;
    const struct place place = place_of(inputs, at);
    struct step_state now = *at;
    now.outputs = value_is(outputs, VALUE_MAP) ? outputs : value_map(arena);
    int code = evaluate_text(inputs, &place, &text, place_outputs(arena, &now), NULL, arena, &value, err);
    if (code) return code;
    if (value->type != VALUE_BOOL) return not_boolean(at->step, "until", &text, value, err);
    *ret = value->boolean;
    return 0;
}

int
inputs_value(const struct inputs *inputs, const struct step_state *at, bool outside, const struct value *tree,
             struct arena *arena, const struct value **ret, struct err *err)
{
    struct evaluation ev = {.inputs = inputs, .arena = arena, .place = place_of(inputs, at)};
    ev.deferred = value_list(arena);
    ev.names = value_map(arena);
    if (outside && ev.place.variables != NULL) { /* all but the last, which is its own */
        size_t count = 0;
        while (ev.place.variables[count] != NULL) count++;
        const char **variables = ARENA_ARRAY(arena, count + 1, const char *);
        for (size_t i = 0; i + 1 < count; i++) variables[i] = ev.place.variables[i];
        ev.place.variables = variables;
    }
    return evaluate_tree(&ev, tree, NULL, NULL, 0, ret, err);
}

int
inputs_unit(const struct inputs *inputs, const struct model *model, const struct value *given, struct arena *arena,
            const struct value **params, const struct value **env, struct err *err)
{
    const struct value *run = inputs_run(arena, inputs->state, inputs->artifacts), *evaluated = NULL;
    struct value *names = value_map(arena), *texts = value_map(arena);
    int code = params_bind(arena, model, given, run, params, err);
    if (code) return code;
    value_set(arena, names, "params", *params);
    value_set(arena, names, "run", run);
    if (model->env != NULL) code = template_eval_tree(inputs->vm, model->env, NULL, names, arena, &evaluated, err);
    for (size_t i = 0; !code && evaluated != NULL && i < evaluated->map.count; i++)
        if (evaluated->map.values[i]->type != VALUE_NULL)
            value_set(arena, texts, evaluated->map.names[i], as_text(arena, evaluated->map.values[i]));
    *env = texts;
    if (code && err->file[0] == '\0' && err->line) err_place(err, model->file, err->line, err->column);
    return code;
}

int
inputs_finish(const struct inputs *inputs, const struct step_state *at, struct arena *arena,
              const struct value **outputs, struct err *err)
{
    const struct step *step = at->step;
    const struct place place = place_of(inputs, at);
    struct step_state now = *at;
    struct value *all = value_is(*outputs, VALUE_MAP) ? value_copy(arena, *outputs) : value_map(arena);
    int code = 0;
    now.outputs = all;
    const struct value *seen = place_outputs(arena, &now);
    for (size_t i = 0; i < step->noutputs && !code; i++) {
        const struct value *text = step->outputs[i].value, *value;
        if (text == NULL) continue;
        code = evaluate_text(inputs, &place, text, seen, NULL, arena, &value, err);
        if (!code) value_set(arena, all, step->outputs[i].name, value);
    }
    *outputs = all;
    seen = place_outputs(arena, &now);
    for (size_t i = 0; value_is(step->expect, VALUE_LIST) && i < step->expect->list.count && !code; i++) {
        const struct value *text = step->expect->list.items[i], *value;
        code = evaluate_text(inputs, &place, text, seen, NULL, arena, &value, err);
        if (code || (value->type == VALUE_BOOL && value->boolean)) continue;
        struct buf shown BUF_SCOPED;
        buf_init(&shown, 200);
        value_show(&shown, value);
        code = err_set(err, EXIT_FAILED, "expected %s, and it is %s", value_str(text, "a condition"), buf_str(&shown));
        err_place(err, step->home->file, (int)text->line, (int)text->column);
        err->error_class = LEVADA_CONTRACT;
    }
    return code;
}

int
inputs_outputs(const struct inputs *inputs, const struct step_state *block, struct arena *arena,
               const struct value **ret, struct err *err)
{
    const struct model *model = block != NULL ? block->step->body : inputs->state->model;
    struct evaluation ev = {.inputs = inputs, .arena = arena, .place = place_inside(block)};
    ev.deferred = value_list(arena);
    ev.references = value_list(arena);
    ev.names = value_map(arena);
    if (model->outputs == NULL) {
        *ret = value_map(arena);
        return 0;
    }
    return evaluate_tree(&ev, model->outputs, NULL, NULL, 0, ret, err);
}

int
inputs_init(struct inputs *inputs, struct expr_vm *vm, struct run_state *state, const char *run_folder,
            struct err *err)
{
    *inputs = (struct inputs){.vm = vm, .state = state};
    inputs->artifacts = arena_printf(state->arena, "%s/artifacts", run_folder);
    return inputs_unit(inputs, state->model, state->params != NULL ? state->params : value_map(state->arena),
                       state->arena, &inputs->params, &inputs->env, err);
}
