/* SPDX-License-Identifier: Apache-2.0
 *
 * `hooks`: Lua beside the work of a step. A chunk stands in the workflow, in a file beside it, or comes with Levada; it
 * is read here, once, and the model keeps its text: a run that is resumed needs no file. What a hook may do depends on
 * when it runs, and that is known before anything runs.
 */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "workflow/check.h"
#include "workflow/expr_lex.h"
#include "workflow/template.h"

/* A Lua file: read once, however many hooks name it, with what is wrong in it. */
struct hook_source {
    const char *path; /* absolute */
    const char *text;
    struct diags diags;
    struct hook_source *next;
};

static const char *const variables[] = {"step", "result", "with", NULL};

/* Groups share what their file has read. */
static struct check *
sources_of(struct check *check)
{
    while (check->outer != NULL) check = check->outer;
    return check;
}

/* ---- files -------------------------------------------------------------------------------------------- */

/* Where those are that come with Levada: beside the program, wherever it lies. */
static const char *
ready_path(struct arena *arena, const char *name)
{
    char own[PATH_MAX], real[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", own, sizeof own - 1);
    own[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(own, '/');
    if (slash != NULL) *slash = '\0';
    const char *path = arena_printf(arena, "%s/../share/levada/lua/%s.lua", own, name);
    return realpath(path, real) != NULL ? arena_strdup(arena, real) : path;
}

#define READY_MAX 64

static const char *
suggest_ready(struct check *check, const char *name)
{
    const char *path = ready_path(check->arena, ""), *names[READY_MAX];
    size_t count = 0;
    DIR *folder = opendir(arena_strndup(check->arena, path, strlen(path) - strlen(".lua")));
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL && count < READY_MAX;) {
        size_t size = strlen(entry->d_name);
        if (str_ends(entry->d_name, ".lua"))
            names[count++] = arena_printf(check->arena, "levada:%.*s", (int)size - 4, entry->d_name);
    }
    if (folder != NULL) closedir(folder);
    const char *hint = keys_suggest(check->diags, arena_printf(check->arena, "levada:%s", name), names, count);
    return hint != NULL ? hint : "Those that come with Levada are in docs/workflow.md.";
}

static struct hook_source *
read_source(struct check *check, const char *path, const char *shown, const struct value *at)
{
    for (struct hook_source *source = sources_of(check)->hook_sources; source != NULL; source = source->next)
        if (str_eq(source->path, path)) return source;
    struct err err = {0};
    char *text;
    size_t size;
    if (fd_read_file(check->arena, path, LIMIT_HOOK_SIZE, &text, &size, &err) != 0) {
        const char *found = strstr(err.message, path);
        const char *rest = found != NULL ? found + strlen(path) : err.message;
        CHECK_ERROR(check, at, "missing-file", "Paths are relative to the workflow's folder.", "%.*s%s%s",
                    found != NULL ? (int)(found - err.message) : 0, err.message, found != NULL ? shown : "", rest);
        return NULL;
    }
    if (memchr(text, '\0', size) != NULL || str_utf8_bad(text, size) >= 0) {
        CHECK_ERROR(check, at, "encoding", NULL, "\"%s\" is not UTF-8 text", shown);
        return NULL;
    }
    struct hook_source *source = ARENA_NEW(check->arena, struct hook_source);
    *source = (struct hook_source){.path = path, .text = text, .next = sources_of(check)->hook_sources};
    diags_init(&source->diags, check->arena, shown);
    source->diags.source = text;
    source->diags.source_size = size;
    sources_of(check)->hook_sources = source;
    return source;
}

void
check_hooks_end(struct check *check)
{
    for (struct hook_source *source = sources_of(check)->hook_sources; source != NULL; source = source->next)
        if (source->diags.count > 0) diags_include(check->diags, &source->diags);
}

/* ---- what a hook is ----------------------------------------------------------------------------------- */

static bool
is_one_line(const char *text)
{
    const char *end = strchr(text, '\n');
    return end == NULL || end[1] == '\0';
}

static bool
is_ready(const char *text)
{
    return str_starts(text, "levada:");
}

static bool
is_path(const char *text)
{
    size_t size = strcspn(text, "\n");
    return is_one_line(text) && (is_ready(text) || (size > 4 && strncmp(text + size - 4, ".lua", 4) == 0));
}

static bool
from_file(struct check *check, struct hook *hook, const struct value *value)
{
    const char *name = arena_strndup(check->arena, value->text.ptr, strcspn(value->text.ptr, "\n"));
    const char *path, *shown;
    if (is_ready(name)) {
        name += strlen("levada:");
        if (!str_is_id(name)) {
            CHECK_ERROR(check, value, "wrong-value", "Those that come with Levada are in docs/workflow.md.",
                        "\"%s\" cannot be the name of a hook", name);
            return false;
        }
        path = shown = ready_path(check->arena, name);
        if (access(path, R_OK) != 0) {
            CHECK_ERROR(check, value, "wrong-value", suggest_ready(check, name),
                        "no hook named \"%s\" comes with Levada", name);
            return false;
        }
    } else {
        path = name[0] == '/' ? name : arena_printf(check->arena, "%s/%s", check->model->folder, name);
        shown = check_shown_path(check, name);
    }
    const struct hook_source *source = read_source(check, path, shown, value);
    if (source == NULL) return false;
    hook->file = source->path;
    hook->text = source->text;
    hook->line = hook->column = 1;
    return true;
}

/* A word that is neither a call nor anything else that Lua could run. */
static bool
is_word(const char *text)
{
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-\n";
    return is_one_line(text) && text[strspn(text, allowed)] == '\0';
}

static bool
from_text(struct check *check, struct hook *hook, const struct value *value, const char *what)
{
    const char *text = value->text.ptr;
    if (text[strspn(text, " \t\r\n")] == '\0')
        CHECK_ERROR(check, value, "wrong-value", NULL, "%s is empty", what);
    else if (template_is(text))
        CHECK_ERROR(check, value, "no-expression", "A hook is Lua: write params.x for `${{ params.x }}`.",
                    "%s takes no expression", what);
    else if (is_path(text))
        return from_file(check, hook, value);
    else if (is_word(text))
        CHECK_ERROR(check, value, "wrong-value", "Write `lua/NAME.lua`, or the Lua itself: `log(step.id)`.",
                    "%s is \"%.100s\", which is neither Lua nor the path of a .lua file", what, text);
    else {
        hook->text = text;
        hook->line = (int)value->line;
        hook->column = (int)value->column;
        return true;
    }
    return false;
}

static bool
from_map(struct check *check, struct hook *hook, const struct value *map, const char *what)
{
    keys_check(check->diags, PLACE_HOOK, map, what);
    const struct value *use = keys_get(PLACE_HOOK, map, "use");
    hook->with = keys_get(PLACE_HOOK, map, "with");
    const struct value *template = hook->with != NULL ? template_find(hook->with) : NULL;
    if (template != NULL)
        CHECK_ERROR(check, template, "no-expression", "A hook sees params, env, steps and run by itself.",
                    "\"with\" of %s takes no expression", what);
    if (use == NULL) return false;
    if (is_path(use->text.ptr)) return from_file(check, hook, use);
    CHECK_ERROR(check, use, "wrong-value", "It ends in `.lua`, or is `levada:NAME`; Lua itself needs no `use`.",
                "\"use\" of %s cannot be \"%.100s\"", what, use->text.ptr);
    return false;
}

struct hook_list {
    struct hook *items;
    size_t count;
};

static void
read_hook(struct check *check, struct hook_list *list, enum hook_on on, const struct value *value, const char *what)
{
    struct hook hook = {.on = on, .file = check->model->file};
    bool good = false;
    if (value->type == VALUE_STRING) good = from_text(check, &hook, value, what);
    else if (value->type == VALUE_MAP) good = from_map(check, &hook, value, what);
    else CHECK_ERROR(check, value, "wrong-type", "Write Lua, the path of a .lua file, or `{use: PATH, with: {…}}`.",
                     "%s must be a text or a map, not %s", what, keys_type_phrase(value));
    if (good) list->items[list->count++] = hook;
}

/* `what`: whose hooks they are, or NULL: of the workflow. */
static struct hook_list
read_hooks(struct check *check, const struct value *map, const char *what)
{
    struct hook_list ret = {0};
    const char *whose = what == NULL ? "`hooks`" : arena_printf(check->arena, "`hooks` of %s", what);
    if (!keys_check(check->diags, PLACE_HOOKS, map, whose)) return ret;
    const struct value *of[HOOKS];
    size_t count = 0;
    for (int on = 0; on < HOOKS; on++) {
        of[on] = keys_get(PLACE_HOOKS, map, hook_on_name((enum hook_on)on));
        if (of[on] != NULL) count += of[on]->type == VALUE_LIST ? of[on]->list.count : 1;
    }
    ret.items = ARENA_ARRAY(check->arena, count, struct hook);
    for (int on = 0; on < HOOKS; on++) {
        const char *name = hook_on_name((enum hook_on)on);
        const char *one = what == NULL ? arena_printf(check->arena, "the hook `%s`", name)
                                       : arena_printf(check->arena, "the hook `%s` of %s", name, what);
        if (of[on] == NULL) continue;
        if (on == HOOK_BEFORE_RUN && what != NULL) {
            CHECK_ERROR(check, of[on], "misplaced-key", "Put it into `hooks` at the top, or write `before_step`.",
                        "`before_run` is no hook of a step");
            continue;
        }
        if (of[on]->type != VALUE_LIST) read_hook(check, &ret, (enum hook_on)on, of[on], one);
        for (size_t i = 0; of[on]->type == VALUE_LIST && i < of[on]->list.count; i++)
            read_hook(check, &ret, (enum hook_on)on, of[on]->list.items[i], one);
    }
    return ret;
}

/* ---- what it says ------------------------------------------------------------------------------------- */

static const char *const step_members[] = {"id", "name", "item", "attempt", "kind", "action", "effect", "inputs", NULL};
static const char *const result_members[] = {"status", "outputs", "error", "duration", "metrics", "cpu", "memory",
                                             NULL};

struct reading {
    struct check *check;
    struct hook *hook;
    uint32_t index;                     /* of the step, or NO_STEP */
    const char *const *loops;           /* loop variables, or NULL */
    struct lexer lexer;
    struct token before, token, after;  /* a window on the chunk */
    bool hidden[3];                     /* variables that the chunk declares itself */
};

#define REPORT(reading, token, code, hint, ...) \
    diag_add((reading)->check->diags, DIAG_ERROR, (token)->line, (token)->column, (code), (hint), __VA_ARGS__)

static bool
move(struct reading *reading)
{
    struct err ignored = {0};
    reading->before = reading->token;
    reading->token = reading->after;
    return reading->token.kind != TOKEN_END && lex_next(&reading->lexer, &reading->after, &ignored) == 0;
}

static const char *
list_names(struct arena *arena, const char *const *names, size_t count)
{
    const char *ret = "It has ";
    for (size_t i = 0; i < count; i++)
        ret = arena_printf(arena, "%s`%s`%s", ret, names[i], i + 1 == count ? "." : ", ");
    return ret;
}

/* step.x, result.x, with.x */
static void
check_member(struct reading *reading, const char *root, const struct token *member)
{
    const char *const *names = str_eq(root, "step") ? step_members : result_members;
    const struct value *with = reading->hook->with;
    size_t count = 0;
    if (str_eq(root, "with")) {
        if (value_get(with, member->text) != NULL) return;
        names = with != NULL ? with->map.names : NULL;
        count = with != NULL ? with->map.count : 0;
    } else {
        for (; names[count] != NULL; count++)
            if (str_eq(names[count], member->text)) return;
    }
    const char *hint = count > 0 ? keys_suggest(reading->check->diags, member->text, names, count) : NULL;
    if (hint == NULL && str_eq(root, "with")) hint = "Give it one, or write get(with, name, other).";
    if (hint == NULL) hint = list_names(reading->check->arena, names, count);
    REPORT(reading, member, "unknown-name", hint, "\"%s\" has no \"%s\" in the hook `%s`", root, member->text,
           hook_on_name(reading->hook->on));
}

static void
check_variable(struct reading *reading, size_t which)
{
    const char *name = variables[which], *on = hook_on_name(reading->hook->on);
    struct token root = reading->token;
    bool early = reading->hook->on == HOOK_BEFORE_RUN || reading->hook->on == HOOK_BEFORE_STEP;
    if (which == 0 && reading->hook->on == HOOK_BEFORE_RUN)
        REPORT(reading, &root, "scope", "Write it as `before_step`.", "there is no step yet in the hook `%s`", on);
    else if (which == 1 && early)
        REPORT(reading, &root, "scope", "Write it as `after_step`.", "there is no result yet in the hook `%s`", on);
    if (!token_is(&reading->after, ".") || !move(reading) || !move(reading)) return;
    if (reading->token.kind == TOKEN_NAME) check_member(reading, name, &reading->token);
}

/* call(), skip() and set_output(): not every hook may. */
static void
check_deed(struct reading *reading)
{
    const struct token call = reading->token;
    enum hook_on on = reading->hook->on;
    if (str_eq(call.text, "call")) {
        /* It would happen again with every attempt, or behind an effect that no failure of it can take back. */
        if (on != HOOK_BEFORE_RUN)
            REPORT(reading, &call, "scope", "Put it into a `lua` step, or into `before_run`.",
                   "the hook `%s` cannot call actions", hook_on_name(on));
        return;
    }
    if (str_eq(call.text, "skip")) {
        if (on != HOOK_BEFORE_STEP && on != HOOK_BEFORE_RUN)
            REPORT(reading, &call, "scope", "Only `before_step` can, before the step has its effect.",
                   "the hook `%s` cannot skip a step", hook_on_name(on));
        return;
    }
    if (on != HOOK_AFTER_STEP) {
        REPORT(reading, &call, "scope", "Only `after_step` can.", "the hook `%s` cannot set outputs", hook_on_name(on));
        return;
    }
    if (reading->index == NO_STEP || !move(reading) || !move(reading) || reading->token.kind != TOKEN_STRING) return;
    const struct schema_field *field;
    const struct step *step = &reading->check->model->steps[reading->index];
    const char *name = reading->token.text;
    if (check_output_find(reading->check, reading->index, name, &field)) return;
    REPORT(reading, &reading->token, "unknown-output",
           arena_printf(reading->check->arena, "Declare it: `outputs: {%.100s: {}}`.", name),
           "step \"%s\" declares no output \"%s\"", step->local, name);
}

/* What check_ref() says of it too, with a hint that is nearer to hooks. */
static void
check_steps_name(struct reading *reading)
{
    const struct token root = reading->token;
    if (reading->index == NO_STEP) {
        REPORT(reading, &root, "scope", "Put the hook into the step that needs it.", "\"steps\" cannot be used in `%s`",
               hook_on_name(reading->hook->on));
        return;
    }
    const char *id = reading->check->model->steps[reading->index].local;
    if (!token_is(&reading->after, ".") || !move(reading) || !move(reading)) return;
    if (id != NULL && reading->token.kind == TOKEN_NAME && str_eq(reading->token.text, id))
        REPORT(reading, &root, "self-need", "A hook knows its own step as `step` and `result`.",
               "step \"%s\" refers to itself", id);
}

static void
look_at_name(struct reading *reading)
{
    static const char *const roots[] = {"params", "env", "run", "steps"};
    const char *name = reading->token.text;
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
        if (str_eq(roots[i], name)) reading->hook->names = true;
    if (expr_is_variable(reading->loops, name)) reading->hook->names = true;
    for (size_t i = 0; i < 3; i++)
        if (str_eq(variables[i], name)) {
            reading->hidden[i] |= token_is(&reading->before, "local") || token_is(&reading->before, "function");
            if (!reading->hidden[i]) check_variable(reading, i);
            return;
        }
    if (str_eq(name, "steps")) check_steps_name(reading);
    if (str_eq(name, "outputs"))
        REPORT(reading, &reading->token, "scope", "In a hook they are result.outputs.",
               "\"outputs\" cannot be used in `%s`", hook_on_name(reading->hook->on));
    bool deed = str_eq(name, "call") || str_eq(name, "skip") || str_eq(name, "set_output");
    if (deed && token_is(&reading->after, "(")) check_deed(reading);
}

static void
look_at_words(struct check *check, struct hook *hook, const struct scope *scope)
{
    struct reading reading = {.check = check, .hook = hook, .index = scope->step, .loops = scope->variables};
    lex_init_script(&reading.lexer, check->arena, hook->text, hook->line, hook->column);
    struct err ignored = {0};
    if (lex_next(&reading.lexer, &reading.after, &ignored) != 0) return;
    while (move(&reading)) {
        bool member = token_is(&reading.before, ".") || token_is(&reading.before, ":");
        if (reading.token.kind == TOKEN_NAME && !member && !token_is(&reading.after, "=")) look_at_name(&reading);
    }
}

/* Of hooks, and of the loops around. */
static const char *const *
all_variables(struct arena *arena, const char *const *loops)
{
    size_t count = 0, own = sizeof variables / sizeof variables[0] - 1;
    while (loops != NULL && loops[count] != NULL) count++;
    const char **ret = ARENA_ARRAY(arena, count + own + 1, const char *);
    for (size_t i = 0; i < own; i++) ret[i] = variables[i];
    for (size_t i = 0; i < count; i++) ret[own + i] = loops[i];
    return ret;
}

static void
check_hook(struct check *check, struct hook *hook, struct scope *scope)
{
    struct diags *own = check->diags;
    for (struct hook_source *source = sources_of(check)->hook_sources; source != NULL; source = source->next)
        if (str_eq(source->path, hook->file)) check->diags = &source->diags;
    scope->what = arena_printf(check->arena, "`%s`", hook_on_name(hook->on));
    /* First, for what it has to say of a name is nearer to hooks. */
    look_at_words(check, hook, scope);
    scope->variables = all_variables(check->arena, scope->variables);
    check_lua_text(check, scope, hook->text, hook->line, hook->column);
    check->diags = own;
}

void
check_hooks(struct check *check)
{
    const struct value *map = keys_get(PLACE_WORKFLOW, check->root, "hooks");
    if (map == NULL) return;
    struct hook_list list = read_hooks(check, map, NULL);
    check->model->hooks = list.items;
    check->model->nhooks = list.count;
    for (size_t i = 0; i < list.count; i++) {
        struct scope scope = {.step = NO_STEP, .nparams = check->model->nparams,
                              .allow = SCOPE_PARAMS | SCOPE_ENV | SCOPE_RUN};
        check_hook(check, &list.items[i], &scope);
    }
}

void
check_step_hooks(struct check *check, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    const struct value *map = keys_get(PLACE_STEP, check->drafts[index].map, "hooks");
    if (map == NULL) return;
    struct hook_list list = read_hooks(check, map, check->drafts[index].what);
    step->hooks = list.items;
    step->nhooks = list.count;
}

void
check_step_hook_texts(struct check *check, const struct scope *around, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    for (size_t i = 0; i < step->nhooks; i++) {
        struct scope scope = *around;
        check_hook(check, &step->hooks[i], &scope);
    }
}
