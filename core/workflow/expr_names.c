/* SPDX-License-Identifier: Apache-2.0
 *
 * The names that expressions and scripts may begin with, and what to say of any other.
 */
#include "base/str.h"
#include "workflow/expr_node.h"
#include "workflow/library.h"

static const char *const roots[] = {"params", "env", "secrets", "steps", "outputs", "run", "status", "approval"};

bool
expr_is_root(const char *name)
{
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if (str_eq(roots[i], name)) return true;
    return false;
}

bool
expr_is_variable(const char *const *variables, const char *name)
{
    for (size_t i = 0; variables != NULL && variables[i] != NULL; i++)
        if (str_eq(variables[i], name)) return true;
    return false;
}

/* What people write who come from elsewhere. */
static const struct {
    const char *name, *hint;
} habits[] = {
    {"yes", "Write true, or 'yes' if it is text."},
    {"no", "Write false, or 'no' if it is text."},
    {"on", "Write true, or 'on' if it is text."},
    {"off", "Write false, or 'off' if it is text."},
    {"Yes", "Write true, or 'Yes' if it is text."},
    {"No", "Write false, or 'No' if it is text."},
    {"needs", "Write steps.ID.outputs.NAME."},
    {"tasks", "Write steps.ID.outputs.NAME."},
    {"jobs", "Write steps.ID.outputs.NAME."},
    {"ti", "Write steps.ID.outputs.NAME."},
    {"task_instance", "Write steps.ID.outputs.NAME."},
    {"workflow", "Write params.NAME, or run.name for its name."},
    {"parameters", "Write params.NAME."},
    {"var", "Write params.NAME or env.NAME."},
    {"dag_run", "Write params.NAME or run.id."},
    {"execution", "Write run.id, run.date or run.time."},
    {"trigger", "Write run.trigger."},
    {"ds", "Write run.date."},
    {"execution_date", "Write run.date or run.time."},
    {"logical_date", "Write run.date or run.time."},
    {"now", "Expressions have no clock: run.time is when the run began."},
    {"today", "Expressions have no clock: run.date is the day of the run."},
    {"runner", "A step runs where `levada run` does; a script has its environment."},
    {"hostvars", "A step runs where `levada run` does; params come from outside."},
    {"lookup", "Read the file or variable in a step, or declare a secret."},
    {"coalesce", "Write default(x, other)."},
    {"length", "Write len(x)."},
    {"count", "Write len(x)."},
    {"str", "Write text(x)."},
    {"uuid", "Write run.id, which is unique."},
    {"random", "Expressions have no chance: run.id is unique."},
    {"plan", "Plans are not supported by this version."},
    {"True", "Write true."},
    {"False", "Write false."},
    {"None", "Write null."},
    {"NULL", "Write null."},
    {"undefined", "Write null."},
    {"github", "The run is named run here."},
    {"inputs", "Write params."},
    {"vars", "Write params or env."},
    {"matrix", "A loop's variable has the name that `as` gives it."},
    {"string", "Write upper(x), replace(x, a, b), match(x, pattern) and so on."},
    {"math", "Write floor(x), min(a, b) and so on."},
    {"table", "Write join(list, \", \"), sort(list) and so on."},
    {"os", "Expressions have no clock and no environment: use run.time and env."},
    {"tonumber", "Write number(x) or int(x)."},
    {"print", "A lua: step has log(text)."},
    {"_G", "Names are params, env, secrets, steps, outputs and run."},
    {"require", "Nothing can be loaded from outside."},
    {"concat", "Write a .. b."},
    {"format", "Write a .. b."},
    {"toJSON", "Write json(x)."},
    {"fromJSON", "Write from_json(x)."},
    {"hashFiles", "Expressions read no files."},
};

int
expr_unknown_name(const struct token *token, const char *const *extra, bool call, struct err *err)
{
    const char *names[256], *nearest;
    size_t count = 0;
    for (size_t i = 0; i < sizeof roots / sizeof *roots && !call; i++) names[count++] = roots[i];
    for (size_t i = 0; extra != NULL && !call && extra[i] != NULL && count < 64; i++) names[count++] = extra[i];
    /* A bare name is no function, so none is meant. */
    for (size_t i = 0; call && library_at(i) != NULL && count < 256; i++) names[count++] = library_at(i)->name;
    err_set(err, EXIT_INVALID, call ? "no function is named \"%s\"" : "unknown name \"%s\"", token->text);
    err->line = token->line;
    err->column = token->column;
    for (size_t i = 0; i < sizeof habits / sizeof *habits; i++)
        if (str_eq(habits[i].name, token->text)) {
            err_hint(err, "%s", habits[i].hint);
            return EXIT_INVALID;
        }
    nearest = str_nearest(token->text, names, count);
    if (nearest != NULL) err_hint(err, "Did you mean \"%s\"?", nearest);
    else if (call) err_hint(err, "The functions are listed in docs/expressions.md.");
    else
        err_hint(
            err,
            "Names start with params, env, secrets, steps, outputs or run; texts stand in quotes.");
    return EXIT_INVALID;
}

bool
expr_mentions(const struct expr *expr, const char *root)
{
    for (size_t i = 0; i < expr->nrefs; i++)
        if (str_eq(expr->refs[i].path[0], root)) return true;
    return false;
}
