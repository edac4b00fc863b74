/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The results hold secrets: they go into inputs and nowhere else.
 */
#include "run/deferred.h"

#include "base/str.h"
#include "levada/plugin.h"
#include "run/secret.h"
#include "workflow/template.h"

/* What an expression makes of a secret is one too, and not always a form of it that masking knows: upper(),
 * sha256(), a member of JSON. Pieces too short to mask stay visible. */
static void
learn(struct work *work, const struct value *value)
{
    struct err ignored;
    if (value->type == VALUE_SECRET && value->text.ptr != NULL)
        (void)secret_mask_add(work, value->text.ptr, value->text.size, &ignored);
    for (size_t i = 0; value->type == VALUE_LIST && i < value->list.count; i++) learn(work, value->list.items[i]);
    for (size_t i = 0; value->type == VALUE_MAP && i < value->map.count; i++) learn(work, value->map.values[i]);
}

/* What the names hold besides the roots that every expression knows: the loop variables. */
static const char *const *
variables_of(struct arena *arena, const struct value *names)
{
    const char **ret = ARENA_ARRAY(arena, names->map.count + 1, const char *);
    size_t count = 0;
    for (size_t i = 0; i < names->map.count; i++)
        if (!expr_is_root(names->map.names[i])) ret[count++] = names->map.names[i];
    return ret;
}

static int
evaluate(struct work *work, const struct value *entry, const struct value *names, const struct value **ret,
         struct err *err)
{
    struct arena *arena = &work->arena;
    struct template *template;
    const char *text = value_get_str(entry, "template", "");
    if (work->worker->vm == NULL) work->worker->vm = expr_vm_new();
    int code = template_parse(arena, text, (int)value_get_int(entry, "line", 0), (int)value_get_int(entry, "column", 0),
                              variables_of(arena, names), &template, err);
    if (code) return code;
    bool sql = value_get_bool(entry, "sql", false);
    code = (sql ? template_eval_sql : template_eval)(work->worker->vm, template, names, arena, ret, err);
    /* Each expression for itself: the text around it is no secret. */
    for (size_t i = 0; code == 0 && i < template->count; i++) {
        const struct value *part;
        if (template->parts[i].expr == NULL) continue;
        code = expr_eval(work->worker->vm, template->parts[i].expr, names, arena, &part, err);
        if (code == 0) learn(work, part);
    }
    return code;
}

static int
no_place(struct err *err)
{
    err_set(err, EXIT_INVALID, "the job has a deferred input without a place");
    err->error_class = LEVADA_INVALID;
    return EXIT_INVALID;
}

/* `root` is a deep copy of ours, so that taking const off its members changes nothing that is
 * shared. */
static int
put(struct work *work, struct value *root, const struct value *path, const struct value *value, struct err *err)
{
    if (!value_is(path, VALUE_LIST) || path->list.count == 0) return no_place(err);
    for (size_t i = 0; i < path->list.count; i++) {
        const struct value *at = path->list.items[i];
        const struct value **place = NULL;
        if (root->type == VALUE_MAP && at->type == VALUE_STRING) {
            if (value_get(root, at->text.ptr) == NULL)
                value_set(&work->arena, root, at->text.ptr, value_null(&work->arena));
            for (size_t k = 0; k < root->map.count; k++)
                if (str_eq(root->map.names[k], at->text.ptr)) place = &root->map.values[k];
        } else if (root->type == VALUE_LIST && at->type == VALUE_INT && at->integer >= 0 &&
                   (uint64_t)at->integer < root->list.count) {
            place = &root->list.items[at->integer];
        }
        if (place == NULL) return no_place(err);
        if (i + 1 == path->list.count) *place = value;
        else root = (struct value *)(uintptr_t)*place;
    }
    return 0;
}

const struct value *
deferred_names(struct work *work)
{
    struct arena *arena = &work->arena;
    struct value *names = value_map(arena);
    const struct value *given = work->job.names;
    if (given != NULL) names = value_copy(arena, given); /* deep: what outputs refer to is put into it */
    for (size_t i = 0; work->referred != NULL && i < work->referred->list.count; i++) {
        struct err ignored; /* without its place the expression cannot mention it either */
        const struct value *path = value_get(work->job.references->list.items[i], "path");
        (void)put(work, names, path, work->referred->list.items[i], &ignored);
    }
    value_set(arena, names, "secrets", work->secrets);
    return names;
}

int
deferred_with(struct work *work, const struct value **with, struct err *err)
{
    const struct value *list = work->job.deferred;
    if (list == NULL || list->list.count == 0) return 0;
    struct value *ret = *with != NULL ? value_copy(&work->arena, *with) : value_map(&work->arena);
    const struct value *names = deferred_names(work);
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *entry = list->list.items[i], *value;
        int code = evaluate(work, entry, names, &value, err);
        if (code == 0) code = put(work, ret, value_get(entry, "path"), value, err);
        if (code) return code;
    }
    *with = ret;
    return 0;
}

int
deferred_stdin(struct work *work, const struct value **text, struct err *err)
{
    const struct value *list = work->job.deferred, *value;
    for (size_t i = 0; list != NULL && i < list->list.count; i++) {
        const struct value *path = value_get(list->list.items[i], "path");
        if (!value_is(path, VALUE_LIST) || path->list.count != 1 ||
            !str_eq(value_str(path->list.items[0], ""), "stdin"))
            return no_place(err);
        int code = evaluate(work, list->list.items[i], deferred_names(work), &value, err);
        if (code) return code;
        if (value->type != VALUE_STRING && value->type != VALUE_SECRET) {
            struct buf shown BUF_SCOPED;
            buf_init(&shown, LIMIT_VALUE_SIZE);
            value_show(&shown, value);
            value = value_textn(&work->arena, VALUE_STRING, buf_str(&shown), shown.size);
        }
        *text = value;
    }
    return 0;
}
