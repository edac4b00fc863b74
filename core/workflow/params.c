/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages are phrases behind the param's name, so that a default in a file, a line of a params file and a flag speak
 * with one voice.
 */
#include "workflow/params.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/str.h"
#include "workflow/expr.h"
#include "workflow/keys.h"
#include "workflow/library_regex.h"
#include "workflow/parse.h"
#include "workflow/template.h"

static const struct {
    const char *name, *phrase, *example;
    enum value_type type;
} types[] = {
    [PARAM_STRING] = {"string", "a text", NULL, VALUE_STRING},
    [PARAM_INTEGER] = {"integer", "an integer", NULL, VALUE_INT},
    [PARAM_NUMBER] = {"number", "a number", NULL, VALUE_REAL},
    [PARAM_BOOLEAN] = {"boolean", "true or false", NULL, VALUE_BOOL},
    [PARAM_DURATION] = {"duration", "a duration", "`30s`, `1h30m`, `2d`", VALUE_DURATION},
    [PARAM_SIZE] = {"size", "a size", "`512`, `10MiB`, `2GB`", VALUE_SIZE},
    [PARAM_TIMESTAMP] = {"timestamp", "a time", "`2026-01-31` or `2026-01-31T06:00:00Z`", VALUE_TIMESTAMP},
    [PARAM_LIST] = {"list", "a list", "`[a, b]`", VALUE_LIST},
    [PARAM_MAP] = {"map", "a map", "`{a: 1}`", VALUE_MAP},
};
#define NTYPES (sizeof types / sizeof types[0])

const char *
param_type_name(enum param_type type)
{
    return types[type].name;
}

bool
param_type_from_name(const char *name, enum param_type *ret)
{
    for (size_t i = 0; i < NTYPES; i++)
        if (str_eq(types[i].name, name)) {
            *ret = (enum param_type)i;
            return true;
        }
    return false;
}

bool
param_type_ordered(enum param_type type)
{
    return type == PARAM_INTEGER || type == PARAM_NUMBER || type == PARAM_DURATION || type == PARAM_SIZE ||
           type == PARAM_TIMESTAMP;
}

/* ---- one value ---------------------------------------------------------------------------------------- */

/* A text that stands for a value of another type. NULL: it does not. */
static const struct value *
from_text(struct arena *arena, enum param_type type, const char *text, bool any)
{
    int64_t integer;
    double real;
    switch (type) {
    case PARAM_DURATION: return str_to_duration(text, &integer) ? value_typed(arena, VALUE_DURATION, integer) : NULL;
    case PARAM_SIZE: return str_to_size(text, &integer) ? value_typed(arena, VALUE_SIZE, integer) : NULL;
    case PARAM_TIMESTAMP:
        return str_to_timestamp(text, &integer) ? value_typed(arena, VALUE_TIMESTAMP, integer) : NULL;
    default: break;
    }
    if (!any) return NULL;
    switch (type) {
    case PARAM_INTEGER: return str_to_int(text, &integer) ? value_int(arena, integer) : NULL;
    case PARAM_NUMBER:
        if (str_to_int(text, &integer)) return value_int(arena, integer);
        return str_to_real(text, &real) ? value_real(arena, real) : NULL;
    case PARAM_BOOLEAN:
        return str_eq(text, "true")    ? value_bool(arena, true)
               : str_eq(text, "false") ? value_bool(arena, false)
                                       : NULL;
    case PARAM_LIST: case PARAM_MAP: {
        struct diags diags;
        diags_init(&diags, arena, "");
        const struct value *ret = parse_yaml(arena, text, strlen(text), &diags);
        return diags.errors == 0 && value_is(ret, types[type].type) ? ret : NULL;
    }
    default: return NULL;
    }
}

static const struct value *
typed_copy(struct arena *arena, enum value_type type, const struct value *from)
{
    struct value *ret = value_typed(arena, type, from->integer);
    ret->line = from->line;
    ret->column = from->column;
    return ret;
}

const struct value *
param_coerce(struct arena *arena, enum param_type type, const struct value *value, bool text, struct err *err)
{
    if (value->type == types[type].type) return value;
    if (type == PARAM_NUMBER && value->type == VALUE_INT) return value;
    if (type == PARAM_SIZE && value->type == VALUE_INT && value->integer >= 0)
        return typed_copy(arena, VALUE_SIZE, value);
    if (value->type == VALUE_STRING) {
        const struct value *ret = from_text(arena, type, value->text.ptr, text);
        if (ret != NULL) {
            struct value *placed = value_new(arena, ret->type);
            *placed = *ret;
            placed->line = value->line;
            placed->column = value->column;
            return placed;
        }
        err_set(err, EXIT_INVALID, "must be %s, not \"%.100s\"", types[type].phrase, value->text.ptr);
    } else {
        err_set(err, EXIT_INVALID, "must be %s, not %s", types[type].phrase, keys_type_phrase(value));
    }
    if (types[type].example != NULL) err_hint(err, "Write %s.", types[type].example);
    else if (type == PARAM_STRING) err_hint(err, "Put it in quotes.");
    return NULL;
}

static const char *
shown(struct arena *arena, const struct value *value)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 200);
    value_show(&buf, value);
    return arena_strdup(arena, buf_str(&buf));
}

static bool
is_less(const struct value *a, const struct value *b)
{
    if (a->type == VALUE_REAL || b->type == VALUE_REAL)
        return (a->type == VALUE_REAL ? a->real : (double)a->integer) <
               (b->type == VALUE_REAL ? b->real : (double)b->integer);
    return a->integer < b->integer;
}

static int
format_allows(const char *format, const char *text, struct err *err)
{
    if (str_eq(format, "path")) {
        if (*text != '\0' && strlen(text) < 4096) return 0;
        return err_set(err, EXIT_INVALID, "must be a path");
    }
    size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    bool letter = (text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z');
    if (letter && text[scheme] == ':' && text[scheme + 1] != '\0' && strpbrk(text, " \t\n\"<>") == NULL) return 0;
    err_set(err, EXIT_INVALID, "must be a URI, not \"%.100s\"", text);
    err_hint(err, "A URI begins with its scheme: `s3://…`, `https://…`.");
    return EXIT_INVALID;
}

static int
choices_allow(struct arena *arena, const struct value *choices, const struct value *value, struct err *err)
{
    const char *all = "", **names = ARENA_ARRAY(arena, choices->list.count + 1, const char *);
    for (size_t i = 0; i < choices->list.count; i++) {
        const struct value *choice = choices->list.items[i];
        if (value_equal(choice, value)) return 0;
        names[i] = shown(arena, choice);
        if (i < 12) all = arena_printf(arena, "%s%s%s", all, i ? ", " : "", names[i]);
    }
    err_set(err, EXIT_INVALID, "cannot be \"%s\"", shown(arena, value));
    const char *near = str_nearest(shown(arena, value), names, choices->list.count);
    if (near != NULL) err_hint(err, "Did you mean `%s`?", near);
    else err_hint(err, "Allowed: %.400s.", all);
    return EXIT_INVALID;
}

static const struct regex *
pattern_compile(struct arena *arena, const char *pattern, struct err *err)
{
    const char *problem = NULL;
    size_t at = 0;
    const struct regex *bare = regex_compile(arena, pattern, strlen(pattern), &problem, &at);
    if (bare == NULL) {
        err_set(err, EXIT_INVALID, "%s (at character %zu)", problem, at + 1);
        return NULL;
    }
    bool option = str_starts(pattern, "(?i)");
    const char *whole = arena_printf(arena, "%s^(?:%s)$", option ? "(?i)" : "", pattern + (option ? 4 : 0));
    const struct regex *ret = regex_compile(arena, whole, strlen(whole), &problem, &at);
    if (ret == NULL) err_set(err, EXIT_INVALID, "%s", problem);
    return ret;
}

int
param_pattern_check(struct arena *arena, const char *pattern, struct err *err)
{
    return pattern_compile(arena, pattern, err) != NULL ? 0 : EXIT_INVALID;
}

static void
count_nothing(void *context, uint64_t steps)
{
    (void)context;
    (void)steps;
}

static int
pattern_allows(struct arena *arena, const char *pattern, const struct value *value, struct err *err)
{
    const struct regex *regex = pattern_compile(arena, pattern, err);
    if (regex == NULL) return EXIT_INVALID;
    size_t *spans = ARENA_ARRAY(arena, 2 * regex_groups(regex), size_t);
    if (regex_search(regex, arena, value->text.ptr, value->text.size, 0, spans, count_nothing, NULL)) return 0;
    return err_set(err, EXIT_INVALID, "is \"%.100s\", which does not match the pattern \"%s\"", value->text.ptr,
                   pattern);
}

int
param_allows(struct arena *arena, const struct param *param, const struct value *value, struct err *err)
{
    if (param->choices != NULL && choices_allow(arena, param->choices, value, err)) return EXIT_INVALID;
    if (param->minimum != NULL && is_less(value, param->minimum))
        return err_set(err, EXIT_INVALID, "is %s, less than the minimum of %s", shown(arena, value),
                       shown(arena, param->minimum));
    if (param->maximum != NULL && is_less(param->maximum, value))
        return err_set(err, EXIT_INVALID, "is %s, more than the maximum of %s", shown(arena, value),
                       shown(arena, param->maximum));
    if (value->type != VALUE_STRING) return 0;
    if (param->format != NULL && format_allows(param->format, value->text.ptr, err)) return EXIT_INVALID;
    return param->pattern != NULL ? pattern_allows(arena, param->pattern, value, err) : 0;
}

/* ---- all of them -------------------------------------------------------------------------------------- */

struct binder {
    struct arena *arena;
    const struct param *params;
    size_t nparams;
    const char *owner, *noun, *flag; /* "workflow \"w\"", "param", "-p" */
    struct value *names;   /* for defaults: params so far, run */
    struct expr_vm *vm;    /* made when a default needs it */
};

static int
find_unknown(const struct binder *binder, const struct value *given, struct err *err)
{
    const char **names = ARENA_ARRAY(binder->arena, binder->nparams + 1, const char *);
    for (size_t i = 0; i < binder->nparams; i++) names[i] = binder->params[i].name;
    for (size_t i = 0; given != NULL && i < given->map.count; i++) {
        size_t k = 0;
        while (k < binder->nparams && !str_eq(names[k], given->map.names[i])) k++;
        if (k < binder->nparams) continue;
        err_set(err, EXIT_INVALID, "%s has no %s \"%s\"", binder->owner, binder->noun, given->map.names[i]);
        const char *near = str_nearest(given->map.names[i], names, binder->nparams);
        if (near != NULL) err_hint(err, "Did you mean `%s`?", near);
        else if (binder->nparams == 0) err_hint(err, "It takes no %ss.", binder->noun);
        return EXIT_INVALID;
    }
    return 0;
}

/* The default as a value of the param's type, NULL value without one. */
static int
bind_default(struct binder *binder, const struct param *param, const struct value **ret, struct err *err)
{
    const struct value *value = param->fallback;
    if (value == NULL) {
        *ret = value_null(binder->arena);
        return 0;
    }
    if (binder->vm == NULL) binder->vm = expr_vm_new();
    if (template_eval_tree(binder->vm, value, NULL, binder->names, binder->arena, &value, err)) {
        err_context(err, "default of %s \"%s\"", binder->noun, param->name);
        return EXIT_INVALID;
    }
    *ret = value;
    return 0;
}

static int
bind_one(struct binder *binder, const struct param *param, const struct value *given, const struct value **ret,
         struct err *err)
{
    const struct value *value = value_get(given, param->name);
    if (value == NULL || value->type == VALUE_NULL) {
        if (param->required) {
            err_set(err, EXIT_INVALID, "%s \"%s\" must be given", binder->noun, param->name);
            err_hint(err, "Add `%s %s=VALUE`.%s%s", binder->flag, param->name, param->doc != NULL ? " " : "",
                     param->doc != NULL ? param->doc : "");
            return EXIT_INVALID;
        }
        if (bind_default(binder, param, &value, err)) return EXIT_INVALID;
        if (value->type == VALUE_NULL) {
            *ret = value;
            return 0;
        }
    }
    const struct value *typed = param_coerce(binder->arena, param->type, value, true, err);
    if (typed == NULL || param_allows(binder->arena, param, typed, err)) {
        char phrase[LIMIT_MESSAGE_SIZE];
        memcpy(phrase, err->message, sizeof phrase);
        snprintf(err->message, sizeof err->message, "%s \"%s\" ", binder->noun, param->name);
        size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, "%s", phrase);
        return EXIT_INVALID;
    }
    *ret = typed;
    return 0;
}

static int
bind_all(struct binder *binder, struct value *to, const struct value *given, struct err *err)
{
    int code = find_unknown(binder, given, err);
    for (size_t i = 0; i < binder->nparams && code == 0; i++) {
        const struct value *value;
        code = bind_one(binder, &binder->params[i], given, &value, err);
        if (code == 0) value_set(binder->arena, to, binder->params[i].name, value);
    }
    if (binder->vm != NULL) expr_vm_free(binder->vm);
    return code;
}

int
params_bind(struct arena *arena, const struct model *model, const struct value *given, const struct value *run,
            const struct value **ret, struct err *err)
{
    struct value *params = value_map(arena);
    struct binder binder = {.arena = arena, .params = model->params, .nparams = model->nparams, .noun = "param",
                            .flag = "-p", .names = value_map(arena),
                            .owner = arena_printf(arena, "workflow \"%s\"", model->name)};
    value_set(arena, binder.names, "params", params);
    if (run != NULL) value_set(arena, binder.names, "run", run);
    int code = bind_all(&binder, params, given, err);
    if (code) return code;
    *ret = params;
    return 0;
}

int
params_bind_input(struct arena *arena, const struct param *inputs, size_t ninputs, const struct value *given,
                  const char *step, const struct value **ret, struct err *err)
{
    struct value *bound = value_map(arena);
    struct binder binder = {.arena = arena, .params = inputs, .nparams = ninputs, .noun = "input", .flag = "--input",
                            .names = value_map(arena),
                            .owner = arena_printf(arena, "the approval of step \"%s\"", step)};
    int code = bind_all(&binder, bound, given, err);
    if (code) return code;
    *ret = bound;
    return 0;
}

int
params_read(struct arena *arena, const char *path, const struct value **ret, struct err *err)
{
    char *text;
    size_t size;
    int code = fd_read_file(arena, path, LIMIT_WORKFLOW_SIZE, &text, &size, err);
    if (code) return code;
    struct diags diags;
    diags_init(&diags, arena, path);
    const struct value *value = parse_yaml(arena, text, size, &diags);
    if (diags.errors) {
        const struct diag *first = &diags.items[0];
        err_set(err, EXIT_INVALID, "%s", first->message);
        if (first->hint != NULL) err_hint(err, "%s", first->hint);
        err_place(err, path, first->line, first->column);
        return EXIT_INVALID;
    }
    if (!value_is(value, VALUE_MAP)) {
        err_set(err, EXIT_INVALID, "a params file must hold a map of names and values");
        err_place(err, path, (int)value->line, (int)value->column);
        return EXIT_INVALID;
    }
    *ret = value;
    return 0;
}
