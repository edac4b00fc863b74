/* SPDX-License-Identifier: Apache-2.0
 *
 * What an expression names must exist, be of the right part of the file, and be allowed where it stands. A mention of
 * a step of the same part is an edge. Secrets, and outputs that an action declares to be secret, stay where a taint can
 * be kept.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/check.h"
#include "workflow/expr_lex.h"
#include "workflow/model_json.h"
#include "workflow/template.h"

#define REPORT(code, hint, ...) diag_add(check->diags, DIAG_ERROR, line, column, (code), (hint), __VA_ARGS__)

static const char *
suggest(struct check *check, const char *name, const struct names *names)
{
    return keys_suggest(check->diags, name, names->list, names->count);
}

static void
secret_ref(struct check *check, const struct scope *scope, const struct expr_ref *ref, int line, int column)
{
    if (ref->depth < 2) {
        REPORT("secret-flow", "Name one: `secrets.NAME`.", "\"secrets\" cannot be used as a whole");
        return;
    }
    ptrdiff_t i = names_find(&check->secrets, ref->path[1]);
    if (i < 0) {
        const char *hint = suggest(check, ref->path[1], &check->secrets);
        REPORT("unknown-name",
               hint != NULL ? hint : "Declare it at the top: `secrets: {NAME: {from: env, name: VARIABLE}}`.",
               "there is no secret \"%s\"", ref->path[1]);
        return;
    }
    check->secret_used[i] = true;
    if (ref->depth > 2) REPORT("unknown-name", NULL, "a secret has no members (\"%s\")", ref->path[2]);
    if (!(scope->allow & SCOPE_SECRETS))
        REPORT("secret-flow", "Give it to an input of an action that takes a secret, or to `stdin` of a `run`.",
               "the secret \"%s\" must not flow into %s", ref->path[1], scope->what);
}

static void
param_ref(struct check *check, const struct scope *scope, const struct expr_ref *ref, int line, int column)
{
    if (ref->depth < 2) {
        for (size_t i = 0; i < check->params.count; i++) check->param_used[i] = true;
        return;
    }
    ptrdiff_t i = names_find(&check->params, ref->path[1]);
    if (i < 0) {
        const char *hint = suggest(check, ref->path[1], &check->params);
        REPORT("unknown-name", hint != NULL ? hint : "Declare it at the top, under `params`.",
               "there is no param \"%s\"", ref->path[1]);
        return;
    }
    check->param_used[i] = true;
    const struct param *param = &check->model->params[i];
    if ((size_t)i >= scope->nparams)
        REPORT("scope", "A default may use the params above it.", "the param \"%s\" is not known yet here",
               ref->path[1]);
    if (ref->depth > 2 && param->type != PARAM_MAP && param->type != PARAM_LIST)
        REPORT("unknown-name", NULL, "the param \"%s\" is a %s and has no members", ref->path[1],
               param_type_name(param->type));
}

static void
env_ref(struct check *check, const struct expr_ref *ref, int line, int column)
{
    const struct value *env = check->env;
    if (ref->depth < 2 || value_get(env, ref->path[1]) != NULL) return;
    const char *hint = env != NULL ? keys_suggest(check->diags, ref->path[1], env->map.names, env->map.count) : NULL;
    REPORT("unknown-name",
           hint != NULL ? hint : "It has the variables of `env:` at the top; a param is the way in from outside.",
           "there is no \"%s\" in `env`", ref->path[1]);
}

static void
run_ref(struct check *check, const struct scope *scope, const struct expr_ref *ref, int line, int column)
{
    static const char *const members[] = {"id", "short_id", "name", "date", "time", "trigger", "artifacts",
                                          "error", "error_class", "failed_step"};
    const size_t count = sizeof members / sizeof members[0];
    if (ref->depth < 2) {
        REPORT("unknown-name", "Name a member: `run.id`.", "\"run\" cannot be used as a whole");
        return;
    }
    if (str_eq(ref->path[1], "window")) {
        REPORT("not-yet", "Give the run a param for it.", "\"run.window\" is not supported by this version");
        return;
    }
    size_t i = 0;
    while (i < count && !str_eq(members[i], ref->path[1])) i++;
    if (i == count) {
        REPORT("unknown-name", keys_suggest(check->diags, ref->path[1], members, count), "\"run\" has no \"%s\"",
               ref->path[1]);
        return;
    }
    if (ref->depth > 2)
        REPORT("unknown-name", NULL, "\"run.%s\" has no members", ref->path[1]);
    bool failure = str_eq(ref->path[1], "failed_step") || strncmp(ref->path[1], "error", 5) == 0;
    if (failure && !(scope->allow & SCOPE_FAILURE))
        REPORT("scope", "Use it in a step of `on_failure` or `finally`.", "\"run.%s\" is not known in %s",
               ref->path[1], scope->what);
}

/* Below steps.X.outputs or outputs: the rest of the path from `depth` on, against what the step declares. */
static void
output_ref(struct check *check, const struct scope *scope, uint32_t step, const struct expr_ref *ref, size_t depth,
           int line, int column)
{
    if (ref->depth <= depth || check->drafts[step].broken) return;
    if (step_is_block(&check->model->steps[step]) && check->model->steps[step].body == NULL) return;
    const char *name = ref->path[depth], *id = check->model->steps[step].local;
    const struct schema_field *field = NULL;
    if (!check_output_find(check, step, name, &field)) {
        const char *hint = check_output_suggest(check, step, name);
        REPORT("unknown-output", hint, "step \"%s\" has no output \"%s\"", id, name);
        return;
    }
    if ((scope->allow & SCOPE_RAW) && depth == 1 && field == NULL && check_output_made(check, step, name))
        REPORT("scope", "Repeat its expression here.", "the output \"%s\" is itself made by an expression", name);
    if (field != NULL && field->sensitive && !(scope->allow & SCOPE_SECRETS))
        REPORT("secret-flow", "Give it to an input of an action that takes a secret, or to `stdin` of a `run`.",
               "the output \"%s\" of step \"%s\" is a secret and must not flow into %s", name, id, scope->what);
    for (size_t i = depth + 1; i < ref->depth && field != NULL; i++) {
        bool scalar = field->type != LEVADA_TYPE_OBJECT && field->type != LEVADA_TYPE_OBJECTS &&
                      field->type != LEVADA_TYPE_JSON && field->type != LEVADA_TYPE_MAP &&
                      field->type != LEVADA_TYPE_LIST;
        if (scalar)
            REPORT("unknown-output", NULL, "the output \"%s\" of step \"%s\" is a %s and has no members",
                   field->name, id, schema_type_name(field->type));
        if (scalar || field->type != LEVADA_TYPE_OBJECT || field->nfields == 0) return;
        const struct schema_field *member = schema_field_find(field->fields, field->nfields, ref->path[i]);
        if (member == NULL) {
            const char **names = ARENA_ARRAY(check->arena, field->nfields, const char *);
            for (size_t k = 0; k < field->nfields; k++) names[k] = field->fields[k].name;
            REPORT("unknown-output", keys_suggest(check->diags, ref->path[i], names, field->nfields),
                   "the output \"%s\" of step \"%s\" has no \"%s\"", field->name, id, ref->path[i]);
        }
        field = member;
    }
}

/* May a text of step `own` (or NO_STEP) name the step `to` beside it? Adds the edge. */
static bool
step_reach(struct check *check, uint32_t from, uint32_t to, int line, int column)
{
    const struct step *step = &check->model->steps[to];
    enum step_part own = from == NO_STEP ? PART_STEPS : check->model->steps[from].part;
    if (from == to) {
        REPORT("self-need", "In `expect` and `outputs` its own outputs are `outputs.NAME`.",
               "step \"%s\" refers to itself", step->local);
        return false;
    }
    if (step->part > own) {
        REPORT("later-part", NULL, "step \"%s\" is in `%s`, which runs after %s", step->local,
               model_parts[step->part],
               from == NO_STEP ? "the run's outputs are made"
                               : arena_printf(check->arena, "`%s`", model_parts[own]));
        return false;
    }
    struct draft *draft = from != NO_STEP ? &check->drafts[from] : NULL;
    if (draft != NULL) edges_add(check->arena, step->part == own ? &draft->edges : &draft->reads, to);
    return true;
}

/* Below steps.X of a loop: its items by key, or what it is as a whole. */
static void
loop_ref(struct check *check, const struct expr_ref *ref, int line, int column)
{
    if (str_eq(ref->path[2], "outputs"))
        REPORT("unknown-output",
               arena_printf(check->arena,
                            "By key: `steps.%s.items[\"KEY\"].outputs`; all of them: `values(steps.%s.items)`.",
                            ref->path[1], ref->path[1]),
               "step \"%s\" is a loop: each of its items has outputs", ref->path[1]);
}

static void
member_ref(struct check *check, struct check *at, const struct scope *scope, uint32_t to, const struct expr_ref *ref,
           int line, int column)
{
    static const char *const members[] = {"outputs", "status", "attempt", "duration", "items"};
    const struct step *step = &at->model->steps[to];
    if (str_eq(ref->path[2], "approval")) {
        check_approval_of(at, to, ref, line, column);
        return;
    }
    const size_t count = step->loop != NULL ? 5 : 4;
    size_t k = 0;
    while (k < count && !str_eq(members[k], ref->path[2])) k++;
    if (k == count && str_eq(ref->path[2], "items")) {
        REPORT("unknown-name", "It has `outputs`, `status`, `attempt` and `duration`.",
               "step \"%s\" is no loop and has no \"items\"", ref->path[1]);
        return;
    }
    if (k == count) {
        const struct schema_field *found = NULL;
        bool output = check_output_find(at, to, ref->path[2], &found);
        const char *field =
            output ? arena_printf(check->arena, "Did you mean `steps.%s.outputs.%s`?", ref->path[1], ref->path[2])
                   : keys_suggest(check->diags, ref->path[2], members, count);
        const char *all = step->loop != NULL ? "It has `items`, `status`, `attempt` and `duration`."
                                             : "It has `outputs`, `status`, `attempt` and `duration`.";
        REPORT("unknown-name", field != NULL ? field : all, "\"steps.%s\" has no \"%s\"", ref->path[1],
               ref->path[2]);
        return;
    }
    if (step->loop != NULL && k == 0) loop_ref(check, ref, line, column);
    else if (k == 0) output_ref(at, scope, to, ref, 3, line, column);
    else if (k == 4 && ref->depth > 5 && str_eq(ref->path[4], "outputs"))
        output_ref(at, scope, to, ref, 5, line, column);
    else if (k < 4 && ref->depth > 3)
        REPORT("unknown-name", NULL, "\"steps.%s.%s\" has no members", ref->path[1], ref->path[2]);
}

/* A step of the same group, or of one around it: then the group is what has to wait. */
static void
step_ref(struct check *check, const struct scope *scope, const struct expr_ref *ref, int line, int column)
{
    if (ref->depth < 2) {
        REPORT("unknown-name", "Name one: `steps.ID.outputs.NAME`.", "\"steps\" cannot be used as a whole");
        return;
    }
    struct check *at = check;
    uint32_t from = scope->step;
    ptrdiff_t i = names_find(&at->steps, ref->path[1]);
    while (i < 0 && at->outer != NULL) {
        from = at->owner;
        at = at->outer;
        i = names_find(&at->steps, ref->path[1]);
    }
    if (i < 0) {
        REPORT("unknown-step", suggest(check, ref->path[1], &check->steps), "there is no step \"%s\"", ref->path[1]);
        return;
    }
    uint32_t to = at->step_index[i];
    if (!step_reach(at, from, to, line, column)) return;
    if (ref->depth < 3) {
        REPORT("unknown-name", "Name a member: `outputs`, `status`, `attempt` or `duration`.",
               "\"steps.%s\" cannot be used as a whole", ref->path[1]);
        return;
    }
    member_ref(check, at, scope, to, ref, line, column);
}

void
check_ref(struct check *check, const struct scope *scope, const struct expr_ref *ref, int line, int column)
{
    static const struct {
        const char *name;
        unsigned bit;
        const char *hint;
    } roots[] = {
        {"params", SCOPE_PARAMS, NULL},
        {"env", SCOPE_ENV, "Use a param."},
        {"steps", SCOPE_STEPS, "Use it in a step."},
        {"run", SCOPE_RUN, NULL},
        {"outputs", SCOPE_OUTPUTS,
         "Its own outputs are known in `expect` and `outputs` of a step; others are `steps.ID.outputs.NAME`."}};
    if (ref->depth == 0 || expr_is_variable(scope->variables, ref->path[0])) return;
    const char *root = ref->path[0];
    if (str_eq(root, "secrets")) {
        secret_ref(check, scope, ref, line, column);
        return;
    }
    if (str_eq(root, "plan")) {
        REPORT("not-yet", NULL, "\"%s\" is not supported by this version", root);
        return;
    }
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
        if (str_eq(root, roots[i].name) && !(scope->allow & roots[i].bit)) {
            REPORT("scope", roots[i].hint, "\"%s\" cannot be used in %s", root, scope->what);
            return;
        }
    if (str_eq(root, "params")) param_ref(check, scope, ref, line, column);
    if (str_eq(root, "env")) env_ref(check, ref, line, column);
    if (str_eq(root, "steps")) step_ref(check, scope, ref, line, column);
    if (str_eq(root, "run")) run_ref(check, scope, ref, line, column);
    if (str_eq(root, "approval")) check_approval(check, scope, ref, line, column);
    if (str_eq(root, "outputs") && check->undoes)
        output_ref(check->outer, scope, check->owner, ref, 1, line, column);
    else if (str_eq(root, "outputs") && scope->step != NO_STEP)
        output_ref(check, scope, scope->step, ref, 1, line, column);
}

void
check_call(struct check *check, const struct scope *scope, const char *name, int line, int column)
{
    bool status = str_eq(name, "always") || str_eq(name, "success") || str_eq(name, "failure") ||
                  str_eq(name, "cancelled");
    if (status && !(scope->allow & SCOPE_STATUS))
        REPORT("scope", "It says whether a step runs at all; write it in `if`.", "%s() cannot be used in %s", name,
               scope->what);
}

static bool
is_name_char(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Where in the text a name begins that a reference was found by; 0 when it is not to be seen. */
static size_t
find_name(const char *text, const char *root, const char *member)
{
    for (const char *p = strstr(text, root); p != NULL; p = strstr(p + 1, root)) {
        const char *after = p + strlen(root);
        if ((p > text && (is_name_char(p[-1]) || p[-1] == '.')) || is_name_char(*after)) continue;
        if (member == NULL) return (size_t)(p - text);
        while (*after == ' ' || *after == '.') after++;
        if (strncmp(after, member, strlen(member)) == 0 && !is_name_char(after[strlen(member)]))
            return (size_t)(p - text);
    }
    return 0;
}

static void
look_at(struct check *check, const struct scope *scope, const struct expr *expr)
{
    const struct value *within = check->diags->within;
    const int base = within != NULL ? (int)within->column : 1;
    for (size_t i = 0; i < expr->nrefs; i++) {
        const struct expr_ref *ref = &expr->refs[i];
        size_t at = ref->depth == 0 ? 0 : find_name(expr->text, ref->path[0], ref->depth > 1 ? ref->path[1] : NULL);
        int line = expr->line, column = expr->column;
        for (size_t k = 0; k < at; k++) {
            bool end = expr->text[k] == '\n';
            line += end;
            column = end ? base : column + (((unsigned char)expr->text[k] & 0xc0) != 0x80);
        }
        check_ref(check, scope, ref, line, column);
    }
    for (size_t i = 0; i < expr->ncalls; i++)
        check_call(check, scope, expr->calls[i], expr->line, expr->column);
}

struct walk {
    struct check *check;
    const struct scope *scope;
};

static int
visit(void *context, const struct expr *expr, const struct value *at)
{
    const struct walk *walk = context;
    (void)at;
    look_at(walk->check, walk->scope, expr);
    return 0;
}

/* Is the rest of the line that the expression began on a comment to YAML? */
static bool
is_cut_by_comment(const struct diags *diags, const struct err *err)
{
    if (strstr(err->message, "never closed") == NULL || diags->source == NULL) return false;
    const char *p = diags->source;
    for (int line = 1; line < err->line && p != NULL; line++) p = (p = strchr(p, '\n')) != NULL ? p + 1 : NULL;
    for (; p != NULL && *p != '\0' && *p != '\n'; p++)
        if (p[0] == ' ' && p[1] == '#') return true;
    return false;
}

static void
report_expr(struct check *check, const struct value *at, struct err *err)
{
    if (err->line == 0) {
        err->line = (int)at->line;
        err->column = (int)at->column;
    }
    check_hint_name(check, err);
    if (is_cut_by_comment(check->diags, err))
        err_hint(err, "A space and `#` begin a comment in YAML: write len(x) for #x, or put the text in quotes.");
    diag_err(check->diags, "expression", err);
}

/* Every expression of a text by itself, so that a fault in one hides none in the next. */
static void
check_pieces(struct check *check, struct walk *walk, const struct value *text)
{
    const char *const *variables = walk->scope->variables;
    uint32_t line = text->line, column = text->column;
    for (size_t at = 0; at < text->text.size;) {
        const char *p = text->text.ptr + at;
        bool open = strncmp(p, "${{", 3) == 0;
        ptrdiff_t end = open ? lex_template_end(text->text.ptr, text->text.size, at + 3) : -1;
        size_t size = end >= 0 ? (size_t)end + 2 - at : 1;
        if (end >= 0) {
            struct value *piece = value_textn(check->arena, VALUE_STRING, p, size);
            struct err err = {0};
            piece->line = line;
            piece->column = column;
            if (template_walk(check->arena, piece, variables, visit, walk, &err)) {
                if (err.line > (int)line) err.column += (int)text->column - (int)column;
                report_expr(check, piece, &err);
            }
        }
        for (size_t i = 0; i < size; i++) {
            line += p[i] == '\n';
            column = p[i] == '\n' ? text->column : column + (((unsigned char)p[i] & 0xc0) != 0x80);
        }
        at += size;
    }
}

void
check_tree(struct check *check, const struct scope *scope, const struct value *tree)
{
    if (tree == NULL) return;
    if (tree->type == VALUE_LIST)
        for (size_t i = 0; i < tree->list.count; i++) check_tree(check, scope, tree->list.items[i]);
    if (tree->type == VALUE_MAP)
        for (size_t i = 0; i < tree->map.count; i++) check_tree(check, scope, tree->map.values[i]);
    if (tree->type != VALUE_STRING) return;
    if (strstr(tree->text.ptr, "{{") == NULL) return;
    check->diags->within = tree;
    check_braces(check, tree);
    check->diags->within = NULL;
    if (!template_is(tree->text.ptr)) return;
    struct walk walk = {check, scope};
    struct err err = {0};
    struct arena_mark before = arena_mark(check->scratch);
    check->diags->within = tree;
    int code = template_walk(check->scratch, tree, scope->variables, visit, &walk, &err);
    arena_rewind(check->scratch, before);
    if (code != 0) {
        report_expr(check, tree, &err);
        check_pieces(check, &walk, tree);
    }
    check->diags->within = NULL;
}
