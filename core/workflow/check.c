/* SPDX-License-Identifier: Apache-2.0
 *
 * The way from a file to a model. Each check goes on after an error, so that one reading shows all of them; the model
 * is handed out only when there was none.
 */
#include "workflow/check.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/str.h"
#include "workflow/model_json.h"
#include "workflow/parse.h"
#include "workflow/template.h"

static void
check_version(struct check *check)
{
    const struct value *version = value_get(check->root, "levada");
    if (version == NULL) return; /* reported as missing */
    if (value_is(version, VALUE_INT) && version->integer == 1) return;
    CHECK_ERROR(check, version, "wrong-value", "Write `levada: 1`.",
                "this version of Levada reads language 1, not %s",
                value_is(version, VALUE_INT) ? arena_printf(check->arena, "%lld", (long long)version->integer)
                : value_is(version, VALUE_STRING) ? arena_printf(check->arena, "\"%.40s\"", version->text.ptr)
                                                  : keys_type_phrase(version));
}

/* The file's name without folder and ending, in the letters that a name may have. */
static const char *
name_from_path(struct arena *arena, const char *path)
{
    if (str_eq(path, "-")) return "stdin";
    const char *slash = strrchr(path, '/');
    char *ret = arena_strdup(arena, slash != NULL ? slash + 1 : path);
    if (str_ends(ret, ".yaml")) ret[strlen(ret) - 5] = '\0';
    else if (str_ends(ret, ".yml")) ret[strlen(ret) - 4] = '\0';
    for (char *p = ret; *p; p++) {
        bool good = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                    (p > ret && strchr("._-", *p) != NULL);
        if (!good) *p = p > ret ? '-' : 'w';
    }
    if (strlen(ret) > LIMIT_ID_SIZE) ret[LIMIT_ID_SIZE] = '\0';
    return *ret ? ret : "workflow";
}

static void
check_name(struct check *check, const char *path)
{
    const struct value *name = keys_get(PLACE_WORKFLOW, check->root, "name");
    check->model->name = name != NULL ? name->text.ptr : name_from_path(check->arena, path);
    if (name == NULL) return;
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    bool good = name->text.ptr[strspn(name->text.ptr, allowed)] == '\0' && name->text.size > 0 &&
                name->text.size <= LIMIT_ID_SIZE && strchr("-_.", name->text.ptr[0]) == NULL;
    if (!good)
        CHECK_ERROR(check, name, "bad-id",
                    "A name has letters, digits, `-`, `_` and `.`; sentences go into `description`.",
                    "\"%.200s\" cannot be the name of a workflow", name->text.ptr);
}

/* Quotes make a text of a number, and of nothing else. */
static const char *
label_hint(const struct value *value)
{
    if (value->type == VALUE_INT || value->type == VALUE_REAL || value->type == VALUE_BOOL) return "Put it in quotes.";
    if (value->type == VALUE_STRING) return "Labels are the same for every run: write the value itself.";
    return value->type == VALUE_NULL ? "Write `\"\"` for an empty one." : "Give each value a label of its own.";
}

static void
check_labels(struct check *check)
{
    const struct value *labels = keys_get(PLACE_WORKFLOW, check->root, "labels");
    check->model->labels = labels;
    for (size_t i = 0; labels != NULL && i < labels->map.count; i++)
        if (labels->map.values[i]->type != VALUE_STRING || template_is(labels->map.values[i]->text.ptr))
            CHECK_ERROR(check, labels->map.values[i], "wrong-type", label_hint(labels->map.values[i]),
                        "label \"%s\" must be a plain text", labels->map.names[i]);
}

/* Variables of all steps: they may use params and run, and nothing that a step makes. */
static void
check_shared_env(struct check *check)
{
    const struct value *defaults = keys_get(PLACE_WORKFLOW, check->root, "defaults");
    const struct value *top = keys_get(PLACE_WORKFLOW, check->root, "env");
    const struct value *shared = keys_get(PLACE_DEFAULTS, defaults, "env");
    struct scope scope = {.what = "`env` of all steps", .allow = SCOPE_PARAMS | SCOPE_RUN, .step = NO_STEP,
                          .nparams = check->model->nparams};
    check_env(check, top, "`env`");
    check_env(check, shared, "`env` of `defaults`");
    check_tree(check, &scope, top);
    check_tree(check, &scope, shared);
    check->env = check_merge(check->arena, top, shared);
    check->model->env = check->env;
}

static void
check_defaults(struct check *check)
{
    const struct value *defaults = keys_get(PLACE_WORKFLOW, check->root, "defaults");
    if (defaults == NULL) return;
    keys_check(check->diags, PLACE_DEFAULTS, defaults, "`defaults`");
    const struct value *retry = keys_get(PLACE_DEFAULTS, defaults, "retry");
    if (retry != NULL) {
        keys_check(check->diags, PLACE_RETRY, retry, "`retry` of `defaults`");
        check_retry(check, retry, "`defaults`");
        check_retry_delays(check, retry,
                           &(struct retry){.delay_ms = keys_duration(PLACE_RETRY, retry, "delay", 1000),
                                           .max_delay_ms = keys_duration(PLACE_RETRY, retry, "max_delay", 300000)},
                           "`defaults`");
    }
    const struct value *limits = keys_get(PLACE_DEFAULTS, defaults, "limits");
    if (limits != NULL) keys_check(check->diags, PLACE_LIMITS, limits, "`limits` of `defaults`");
    const struct value *shell = keys_get(PLACE_DEFAULTS, defaults, "shell");
    if (shell != NULL && (shell->text.size == 0 || strpbrk(shell->text.ptr, " \t\n") != NULL))
        CHECK_ERROR(check, shell, "wrong-value", NULL, "\"shell\" of `defaults` must be the name of one program");
}

static void
check_history(struct check *check)
{
    const struct value *history = keys_get(PLACE_WORKFLOW, check->root, "history");
    if (history != NULL) keys_check(check->diags, PLACE_HISTORY, history, "`history`");
    check->model->history = history;
}

static void
check_run_outputs(struct check *check)
{
    const struct value *outputs = keys_get(PLACE_WORKFLOW, check->root, "outputs");
    struct scope scope = {.what = "`outputs` of the workflow", .step = NO_STEP, .nparams = check->model->nparams,
                          .allow = SCOPE_PARAMS | SCOPE_RUN | SCOPE_STEPS | SCOPE_ENV};
    check->model->outputs = outputs;
    for (size_t i = 0; outputs != NULL && i < outputs->map.count; i++) {
        int line, column;
        parse_name_place(outputs, i, &line, &column);
        check_id(check, outputs->map.names[i], "an output", line, column);
        check_tree(check, &scope, outputs->map.values[i]);
    }
}

static void
check_workflow(struct check *check, const char *path)
{
    struct model *model = check->model;
    if (check->root->type != VALUE_MAP) {
        CHECK_ERROR(check, check->root, "wrong-type", "It begins with `levada: 1`, then `steps:`.",
                    "a workflow must be a map, not %s", keys_type_phrase(check->root));
        return;
    }
    keys_check(check->diags, PLACE_WORKFLOW, check->root, "the workflow");
    check_version(check);
    check_name(check, path);
    check_labels(check);
    model->description = keys_text(PLACE_WORKFLOW, check->root, "description");
    const char *durability = keys_text(PLACE_WORKFLOW, check->root, "durability");
    model->power = durability == NULL || str_eq(durability, "power");
    check_history(check);
    check_secrets(check);
    check_params(check);
    check_plugins(check);
    check_defaults(check);
    check_shared_env(check);
    check_concurrency(check);
    check_hooks(check);
    const struct value *parts[PARTS];
    for (size_t p = 0; p < PARTS; p++) parts[p] = keys_get(PLACE_WORKFLOW, check->root, model_parts[p]);
    parts[PART_STEPS] = check_hook_steps(check, parts[PART_STEPS]);
    check_steps_read(check, parts);
    check_hook_steps_read(check);
    check_steps_link(check);
    check_hook_edges(check);
    check_pools(check);
    check_run_outputs(check);
    check_shared_inputs(check);
    check_hooks_end(check);
    if (check->diags->errors == 0) check_unused(check);
    if (check->diags->errors == 0) check_reach(check);
    if (check->diags->errors == 0) check_files(check);
    if (check->diags->errors == 0) check_order(check);
    if (check->diags->errors == 0) check_effects(check);
}

/* ---- the file ----------------------------------------------------------------------------------------- */

static int
read_source(struct arena *arena, const char *path, struct model *model, size_t *size, struct err *err)
{
    char *text, real[PATH_MAX];
    bool standard = str_eq(path, "-");
    int code = standard ? fd_read_rest(arena, STDIN_FILENO, LIMIT_WORKFLOW_SIZE, &text, size, err)
                        : fd_read_file(arena, path, LIMIT_WORKFLOW_SIZE, &text, size, err);
    if (code) {
        if (standard) err_context(err, "standard input");
        err->code = EXIT_INVALID;
        return EXIT_INVALID;
    }
    model->source = text;
    if (realpath(standard ? "." : path, real) == NULL)
        return err_errno(err, EXIT_INVALID, "cannot resolve \"%s\"", path);
    if (standard) {
        model->folder = arena_strdup(arena, real);
        model->file = arena_printf(arena, "%s/-", real);
        return 0;
    }
    model->file = arena_strdup(arena, real);
    char *slash = strrchr(real, '/');
    slash[slash == real] = '\0';
    model->folder = arena_strdup(arena, real);
    return 0;
}

const struct model *
check_file(struct arena *arena, const char *path, struct model *model, size_t size, struct diags *diags,
           const struct including *from, const char *prefix, size_t *total)
{
    diags->source = model->source;
    diags->source_size = size;
    const struct value *root = parse_yaml(arena, model->source, size, diags);
    if (root == NULL) return NULL;
    struct check *check = ARENA_NEW(arena, struct check);
    *check = (struct check){.arena = arena, .diags = diags, .model = model, .root = root, .prefix = prefix,
                            .including = from, .total = total, .scratch = ARENA_NEW(arena, struct arena)};
    names_init(&check->steps, arena);
    names_init(&check->params, arena);
    names_init(&check->secrets, arena);
    names_init(&check->plugins, arena);
    check_workflow(check, path);
    arena_release(check->scratch);
    return diags->errors == 0 ? model : NULL;
}

const struct model *
check_source(struct arena *arena, const char *path, struct model *model, size_t size, struct diags *diags)
{
    const struct including top = {.path = model->file};
    size_t total = 0;
    return check_file(arena, path, model, size, diags, &top, "", &total);
}

int
workflow_load(struct arena *arena, const char *path, struct diags *diags, const struct model **ret, struct err *err)
{
    struct model *model = ARENA_NEW(arena, struct model);
    size_t size;
    int code = read_source(arena, path, model, &size, err);
    if (code) return code;
    *ret = check_source(arena, path, model, size, diags);
    return 0;
}
