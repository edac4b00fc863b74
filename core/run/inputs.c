/* SPDX-License-Identifier: Apache-2.0
 *
 * The names an expression sees are built for it alone, from what it mentions: a workflow of ten thousand steps
 * costs nothing extra, and for a deferred template exactly these are its fixed operands.
 */
#include "run/inputs.h"

#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "plugin/field.h"
#include "run/approval.h"
#include "workflow/params.h"
#include "workflow/template.h"

const struct value *
inputs_run(struct arena *arena, const struct run_state *state, const char *artifacts)
{
    struct value *run = value_map(arena);
    struct buf date BUF_SCOPED;
    buf_init(&date, 64);
    str_timestamp(&date, state->started_ms);
    value_set(arena, run, "id", value_text(arena, state->id));
    value_set(arena, run, "short_id", value_text(arena, state->id + (ID_SIZE - 1 - 8)));
    value_set(arena, run, "name", value_text(arena, state->model->name));
    value_set(arena, run, "date", value_textn(arena, VALUE_STRING, buf_str(&date), 10));
    value_set(arena, run, "time", value_typed(arena, VALUE_TIMESTAMP, state->started_ms));
    value_set(arena, run, "trigger", value_text(arena, state->trigger ? state->trigger : "manual"));
    value_set(arena, run, "artifacts", value_text(arena, artifacts));
    return run;
}

/* run.* of this moment: after a failure it says which. */
static const struct value *
run_now(const struct inputs *inputs, struct arena *arena)
{
    struct value *run = value_copy(arena, inputs_run(arena, inputs->state, inputs->artifacts));
    const struct step_state *failed = NULL;
    for (size_t i = 0; i < inputs->state->nsteps; i++) {
        const struct step_state *step = &inputs->state->steps[i];
        if (step->status != STEP_FAILED_STATUS || step->step->continue_on_error) continue;
        if (failed == NULL || step->finished_ms < failed->finished_ms) failed = step;
    }
    const struct value *error = failed != NULL ? failed->error : NULL;
    value_set(arena, run, "failed_step", failed ? value_text(arena, failed->step->id) : value_null(arena));
    value_set(arena, run, "error",
              failed ? value_text(arena, value_get_str(error, "message", "")) : value_null(arena));
    value_set(arena, run, "error_class",
              failed ? value_text(arena, value_get_str(error, "class", "permanent")) : value_null(arena));
    return run;
}

static enum levada_type
output_type(const struct step *step, const char *name)
{
    const struct schema_field *field = step->schema_action == NULL ? NULL
        : schema_field_find(step->schema_action->outputs, step->schema_action->noutputs, name);
    return field == NULL ? LEVADA_TYPE_JSON : field->type;
}

/* Journalled outputs are JSON; durations, sizes and times get their types back. */
static const struct value *
typed_outputs(struct arena *arena, const struct step_state *state)
{
    struct value *ret = value_map(arena);
    const struct step *step = state->step;
    if (step->schema_action != NULL)
        for (size_t i = 0; i < step->schema_action->noutputs; i++)
            value_set(arena, ret, step->schema_action->outputs[i].name, value_null(arena));
    for (size_t i = 0; i < step->noutputs; i++) value_set(arena, ret, step->outputs[i].name, value_null(arena));
    for (size_t i = 0; value_is(state->outputs, VALUE_MAP) && i < state->outputs->map.count; i++) {
        const char *name = state->outputs->map.names[i];
        const struct value *value = state->outputs->map.values[i];
        enum levada_type type = output_type(step, name);
        struct err ignored;
        if (type == LEVADA_TYPE_DURATION || type == LEVADA_TYPE_SIZE || type == LEVADA_TYPE_TIMESTAMP) {
            const struct value *typed = field_coerce(arena, type, value, &ignored);
            if (typed != NULL) value = typed;
        }
        value_set(arena, ret, name, value);
    }
    return ret;
}

static const struct value *
step_names(struct arena *arena, const struct step_state *step)
{
    struct value *ret = value_map(arena);
    value_set(arena, ret, "outputs", typed_outputs(arena, step));
    value_set(arena, ret, "status", value_text(arena, step_status_name(step->status)));
    value_set(arena, ret, "attempt", value_int(arena, (int64_t)step->nattempts));
    value_set(arena, ret, "duration",
              value_typed(arena, VALUE_DURATION,
                          step->finished_ms > step->started_ms ? step->finished_ms - step->started_ms : 0));
    if (step->step->approve != NULL) value_set(arena, ret, "approval", approval_names(arena, step));
    return ret;
}

static void
add_name(const struct inputs *inputs, struct arena *arena, struct value *names, const struct expr_ref *ref)
{
    const char *root = ref->path[0];
    if (str_eq(root, "steps") && ref->depth > 1) {
        struct value *steps = value_map(arena);
        const struct value *old = value_get(names, "steps");
        if (old != NULL) steps = value_copy(arena, old);
        const struct step_state *step = state_step(inputs->state, ref->path[1], NULL);
        if (step != NULL && value_get(steps, ref->path[1]) == NULL)
            value_set(arena, steps, ref->path[1], step_names(arena, step));
        value_set(arena, names, "steps", steps);
    } else if (value_get(names, root) != NULL) {
        return;
    } else if (str_eq(root, "params")) {
        value_set(arena, names, root, inputs->params);
    } else if (str_eq(root, "env")) {
        value_set(arena, names, root, inputs->env != NULL ? inputs->env : value_map(arena));
    } else if (str_eq(root, "run")) {
        value_set(arena, names, root, run_now(inputs, arena));
    } else if (str_eq(root, "approval") && inputs->approval != NULL) {
        value_set(arena, names, root, inputs->approval);
    }
}

static int
add_names(const struct inputs *inputs, struct arena *arena, struct value *names, const struct template *template)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct expr *expr = template->parts[i].expr;
        for (size_t k = 0; expr != NULL && k < expr->nrefs; k++) add_name(inputs, arena, names, &expr->refs[k]);
    }
    return 0;
}

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
evaluate_text(const struct inputs *inputs, const char *text, int line, int column, const struct value *outputs,
              const struct sched_view *view, struct arena *arena, const struct value **ret, struct err *err)
{
    struct template *template;
    struct value *names = base_names(arena, outputs, view);
    int code = template_parse(arena, text, line, column, NULL, &template, err);
    if (code) return code;
    add_names(inputs, arena, names, template);
    return template_eval(inputs->vm, template, names, arena, ret, err);
}

struct evaluation {
    const struct inputs *inputs;
    struct arena *arena;
    struct value *deferred, *names; /* of what touches secrets */
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
    add_names(ev->inputs, ev->arena, ev->names, template);
}

static int
evaluate_string(struct evaluation *ev, const struct value *value, bool sql, const struct value **ret, struct err *err)
{
    struct template *template;
    *ret = value;
    if (!template_is(value->text.ptr)) return 0;
    int code = template_parse(ev->arena, value->text.ptr, (int)value->line, (int)value->column, NULL, &template, err);
    if (code) return code;
    if (touches_secret(template)) {
        defer(ev, value, template, sql);
        *ret = value_null(ev->arena);
        return 0;
    }
    struct value *names = value_map(ev->arena);
    add_names(ev->inputs, ev->arena, names, template);
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

static int
evaluate_env(struct evaluation *ev, const struct value *env, struct value *to, struct err *err)
{
    for (size_t i = 0; value_is(env, VALUE_MAP) && i < env->map.count; i++) {
        const struct value *value;
        ev->path[ev->depth++] = env->map.names[i];
        int code = evaluate_tree(ev, env->map.values[i], NULL, NULL, 0, &value, err);
        ev->depth--;
        if (code) return code;
        value_set(ev->arena, to, env->map.names[i], as_text(ev->arena, value));
    }
    return 0;
}

static int
evaluate_run(struct evaluation *ev, const struct step *step, struct value *ret, struct err *err)
{
    struct inject *inject;
    struct value *vars = value_map(ev->arena);
    int code = inject_parse(ev->arena, step->shell, step->text, step->text_line, step->text_column, NULL, NULL, NULL,
                            &inject, err);
    for (size_t i = 0; !code && i < inject->count; i++) {
        const struct value *value;
        struct value *names = value_map(ev->arena);
        const struct expr *expr = inject->vars[i].expr;
        for (size_t k = 0; k < expr->nrefs; k++) add_name(ev->inputs, ev->arena, names, &expr->refs[k]);
        code = expr_eval(ev->inputs->vm, expr, names, ev->arena, &value, err);
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

static void
lua_names(struct evaluation *ev, const struct step *step)
{
    static const char *const roots[] = {"params", "env", "run"};
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
        add_name(ev->inputs, ev->arena, ev->names, &(struct expr_ref){{roots[i]}, 1});
    if (step->approve != NULL) add_name(ev->inputs, ev->arena, ev->names, &(struct expr_ref){{"approval"}, 1});
    for (size_t i = 0; i < step->nneeds; i++)
        add_name(ev->inputs, ev->arena, ev->names,
                 &(struct expr_ref){{"steps", ev->inputs->state->steps[step->needs[i]].step->id}, 2});
    for (size_t i = 0; i < step->nreads; i++)
        add_name(ev->inputs, ev->arena, ev->names,
                 &(struct expr_ref){{"steps", ev->inputs->state->steps[step->reads[i]].step->id}, 2});
}

/* The same with the step's own `approval`. */
static struct inputs
with_approval(const struct inputs *inputs, const struct step *step, struct arena *arena)
{
    struct inputs ret = *inputs;
    const struct step_state *state = step->approve != NULL ? state_step(inputs->state, step->id, NULL) : NULL;
    if (state != NULL) ret.approval = approval_names(arena, state);
    return ret;
}

int
inputs_evaluate(const struct inputs *inputs, const struct step *step, struct arena *arena, const struct value **ret,
                struct err *err)
{
    const struct inputs own = with_approval(inputs, step, arena);
    struct evaluation ev = {.inputs = &own, .arena = arena};
    struct value *map = value_map(arena);
    int code = 0;
    ev.deferred = value_list(arena);
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
    if (ev.deferred->list.count) value_set(arena, map, "deferred", ev.deferred);
    if (ev.names->map.count) value_set(arena, map, "names", ev.names);
    *ret = map;
    return code;
}

int
inputs_condition(const struct inputs *inputs, const struct step *step, struct sched_view view, struct arena *arena,
                 bool *ret, struct err *err)
{
    static const char *const words[] = {"always", "success", "failure", "cancelled"};
    struct template *template;
    const struct value *value;
    if (step->condition == NULL) {
        *ret = view.success;
        return 0;
    }
    int code = template_parse(arena, step->condition, step->condition_line, step->condition_column, NULL, &template,
                              err);
    if (code) return code;
    bool asks = false;
    for (size_t i = 0; i < template->count; i++)
        for (size_t k = 0; template->parts[i].expr != NULL && k < template->parts[i].expr->ncalls; k++)
            for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
                if (str_eq(template->parts[i].expr->calls[k], words[w])) asks = true;
    *ret = false;
    if (!asks && !view.success) return 0;
    code = evaluate_text(inputs, step->condition, step->condition_line, step->condition_column, NULL, &view, arena,
                         &value, err);
    if (code) return code;
    if (value->type != VALUE_BOOL) {
        err_set(err, EXIT_INVALID, "`if` of step \"%s\" gave a %s, not true or false", step->id,
                value_type_name(value->type));
        err_place(err, inputs->state->model->file, step->condition_line, step->condition_column);
        return EXIT_INVALID;
    }
    *ret = value->boolean;
    return 0;
}

int
inputs_asks(const struct inputs *inputs, const struct step *step, struct arena *arena, bool *ret, struct err *err)
{
    const struct approve *approve = step->approve;
    const struct value *value;
    *ret = true;
    if (approve->condition == NULL) return 0;
    int code = evaluate_text(inputs, approve->condition, approve->condition_line, approve->condition_column, NULL, NULL,
                             arena, &value, err);
    if (code) return code;
    if (value->type != VALUE_BOOL) {
        err_set(err, EXIT_INVALID, "`when` in `approve` of step \"%s\" gave a %s, not true or false", step->id,
                value_type_name(value->type));
        err_place(err, inputs->state->model->file, approve->condition_line, approve->condition_column);
        return EXIT_INVALID;
    }
    *ret = value->boolean;
    return 0;
}

int
inputs_approval(const struct inputs *inputs, const struct step *step, struct arena *arena, const struct value **ret,
                struct err *err)
{
    struct evaluation ev = {.inputs = inputs, .arena = arena};
    struct value *defaults = value_map(arena);
    ev.deferred = value_list(arena);
    ev.names = value_map(arena);
    for (size_t i = 0; i < step->approve->ninputs; i++) {
        const struct param *input = &step->approve->inputs[i];
        const struct value *value = input->fallback;
        if (value == NULL) continue;
        int code = evaluate_tree(&ev, input->fallback, NULL, NULL, 0, &value, err);
        if (!code && value->type == VALUE_NULL) continue;
        const struct value *typed = code ? NULL : param_coerce(arena, input->type, value, false, err);
        if (typed == NULL || param_allows(arena, input, typed, err) != 0) {
            if (err->line == 0) err_place(err, inputs->state->model->file, (int)input->fallback->line,
                                          (int)input->fallback->column);
            err_context(err, "the default of input \"%s\" of its approval", input->name);
            return err->code = EXIT_INVALID;
        }
        value_set(arena, defaults, input->name, typed);
    }
    *ret = defaults;
    return 0;
}

int
inputs_finish(const struct inputs *inputs, const struct step *step, struct arena *arena, const struct value **outputs,
              struct err *err)
{
    struct step_state now = *state_step(inputs->state, step->id, NULL);
    const struct inputs own = with_approval(inputs, step, arena);
    inputs = &own;
    struct value *all = value_is(*outputs, VALUE_MAP) ? value_copy(arena, *outputs) : value_map(arena);
    int code = 0;
    now.outputs = all;
    const struct value *seen = typed_outputs(arena, &now);
    for (size_t i = 0; i < step->noutputs && !code; i++) {
        const struct value *text = step->outputs[i].value, *value;
        if (text == NULL) continue;
        code = text->type != VALUE_STRING ? (value = text, 0)
            : evaluate_text(inputs, text->text.ptr, (int)text->line, (int)text->column, seen, NULL, arena, &value, err);
        if (!code) value_set(arena, all, step->outputs[i].name, value);
    }
    *outputs = all;
    seen = typed_outputs(arena, &now);
    for (size_t i = 0; value_is(step->expect, VALUE_LIST) && i < step->expect->list.count && !code; i++) {
        const struct value *text = step->expect->list.items[i], *value;
        code = text->type != VALUE_STRING ? (value = text, 0)
            : evaluate_text(inputs, text->text.ptr, (int)text->line, (int)text->column, seen, NULL, arena, &value, err);
        if (code || (value->type == VALUE_BOOL && value->boolean)) continue;
        struct buf shown BUF_SCOPED;
        buf_init(&shown, 200);
        value_show(&shown, value);
        code = err_set(err, EXIT_FAILED, "expected %s, and it is %s", value_str(text, "a condition"), buf_str(&shown));
        err_place(err, inputs->state->model->file, (int)text->line, (int)text->column);
        err->error_class = LEVADA_CONTRACT;
    }
    return code;
}

int
inputs_run_outputs(const struct inputs *inputs, struct arena *arena, const struct value **ret, struct err *err)
{
    struct evaluation ev = {.inputs = inputs, .arena = arena};
    ev.deferred = value_list(arena);
    ev.names = value_map(arena);
    if (inputs->state->model->outputs == NULL) {
        *ret = value_map(arena);
        return 0;
    }
    return evaluate_tree(&ev, inputs->state->model->outputs, NULL, NULL, 0, ret, err);
}

int
inputs_init(struct inputs *inputs, struct expr_vm *vm, struct run_state *state, const char *run_folder,
            struct err *err)
{
    *inputs = (struct inputs){.vm = vm, .state = state};
    inputs->artifacts = arena_printf(state->arena, "%s/artifacts", run_folder);
    const struct value *run = inputs_run(state->arena, state, inputs->artifacts);
    int code = params_bind(state->arena, state->model, state->params, run, &inputs->params, err);
    struct evaluation ev = {.inputs = inputs, .arena = state->arena};
    struct value *env = value_map(state->arena);
    ev.deferred = value_list(state->arena);
    ev.names = value_map(state->arena);
    if (!code) code = evaluate_env(&ev, state->model->env, env, err);
    inputs->env = env;
    return code;
}
