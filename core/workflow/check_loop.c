/* SPDX-License-Identifier: Apache-2.0
 *
 * `foreach`, `matrix` and `until`. What an item is called is known before any text of the step is looked at; what the
 * items are is a text like any other.
 */
#include "base/limits.h"
#include "base/str.h"
#include "workflow/check.h"
#include "workflow/model_json.h"
#include "workflow/template.h"

static void
misplaced(struct check *check, const struct value *map, const char *key, const char *beside)
{
    if (value_get(map, key) != NULL)
        CHECK_KEY_ERROR(check, map, key, "misplaced-key", NULL, "\"%s\" means nothing without %s", key, beside);
}

/* The names that texts of the step may use: those of the loops around it, and its own. */
static const char *const *
add_variable(struct arena *arena, const char *const *outer, const char *name)
{
    size_t count = 0;
    while (outer != NULL && outer[count] != NULL) count++;
    const char **ret = ARENA_ARRAY(arena, count + 2, const char *);
    for (size_t i = 0; i < count; i++) ret[i] = outer[i];
    ret[count] = name;
    ret[count + 1] = NULL;
    return ret;
}

static void
read_name(struct check *check, const struct draft *draft, struct loop *loop)
{
    const struct value *as = keys_get(PLACE_STEP, draft->map, "as");
    loop->as = loop->matrix ? "matrix" : "item";
    if (as == NULL) return;
    if (!check_id(check, as->text.ptr, "a loop's variable", (int)as->line, (int)as->column)) return;
    loop->as = as->text.ptr;
    if (expr_is_root(loop->as))
        CHECK_ERROR(check, as, "wrong-value", "Choose another name.",
                    "\"as\" of %s cannot be \"%s\": expressions know that name already", draft->what, loop->as);
}

void
check_loop_read(struct check *check, uint32_t index)
{
    static const char *const belonging[] = {"as", "key", "max_parallel", "fail_fast"};
    struct step *step = &check->model->steps[index];
    const struct draft *draft = &check->drafts[index];
    const struct value *items = keys_get(PLACE_STEP, draft->map, "foreach"),
                       *matrix = keys_get(PLACE_STEP, draft->map, "matrix"),
                       *parallel = keys_get(PLACE_STEP, draft->map, "max_parallel");
    if (items != NULL && matrix != NULL)
        CHECK_ERROR(check, matrix, "misplaced-key", "Loop over one of the two, or put a group into the loop.",
                    "%s has both `foreach` and `matrix`", draft->what);
    if (items == NULL && matrix == NULL) {
        bool meant = value_get(draft->map, "foreach") != NULL || value_get(draft->map, "matrix") != NULL;
        for (size_t i = 0; !meant && i < sizeof belonging / sizeof belonging[0]; i++)
            misplaced(check, draft->map, belonging[i], "`foreach` or `matrix`");
        return;
    }
    struct loop *loop = ARENA_NEW(check->arena, struct loop);
    loop->matrix = items == NULL;
    loop->items = items != NULL ? items : matrix;
    loop->key = keys_get(PLACE_STEP, draft->map, "key");
    loop->max_parallel = parallel != NULL ? (uint32_t)parallel->integer : 0;
    loop->fail_fast = value_get_bool(draft->map, "fail_fast", false);
    read_name(check, draft, loop);
    if (expr_is_variable(check->variables, loop->as))
        CHECK_ERROR(check, loop->items, "wrong-value", "Give one of the two another name with `as`.",
                    "the loop around %s calls its items \"%s\" too", draft->what, loop->as);
    step->loop = loop;
    step->variables = add_variable(check->arena, check->variables, loop->as);
}

/* ---- what the items are ------------------------------------------------------------------------------- */

/* Without `key` an item that is a text or a number is called by itself. */
static void
check_same(struct check *check, const struct value *list, const char *key, const char *what)
{
    struct names names;
    names_init(&names, check->arena);
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->list.count; i++) {
        const struct value *item = list->list.items[i];
        bool scalar = item->type != VALUE_LIST && item->type != VALUE_MAP && item->type != VALUE_NULL;
        if (!scalar || template_find(item) != NULL) continue;
        struct buf text BUF_SCOPED;
        buf_init(&text, LIMIT_VALUE_SIZE);
        value_show(&text, item);
        if (names_add(&names, arena_strdup(check->arena, buf_str(&text))) >= 0)
            CHECK_ERROR(check, item, "wrong-value", "Each item has a name of its own: take one away, or give a `key`.",
                        "`%.100s` stands twice in \"%s\" of %s", buf_str(&text), key, what);
    }
}

static void
check_matrix(struct check *check, struct scope *scope, uint32_t index)
{
    const struct value *matrix = check->model->steps[index].loop->items;
    const char *what = check->drafts[index].what;
    if (matrix->map.count == 0)
        CHECK_ERROR(check, matrix, "wrong-value", "Write `matrix: {region: [eu, us], size: [1, 2]}`.",
                    "\"matrix\" of %s is empty", what);
    for (size_t i = 0; i < matrix->map.count; i++) {
        const struct value *values = matrix->map.values[i];
        int line, column;
        parse_name_place(matrix, i, &line, &column);
        check_id(check, matrix->map.names[i], "a name of a matrix", line, column);
        bool template = values->type == VALUE_STRING && template_is(values->text.ptr);
        if (values->type != VALUE_LIST && !template)
            CHECK_ERROR(check, values, "wrong-type", "Write a list, or an expression that gives one.",
                        "\"%s\" of the matrix of %s must be a list, not %s", matrix->map.names[i], what,
                        keys_type_phrase(values));
        if (values->type == VALUE_LIST && values->list.count == 0)
            CHECK_ERROR(check, values, "wrong-value", "A matrix with an empty side has no items at all.",
                        "\"%s\" of the matrix of %s is empty", matrix->map.names[i], what);
        check_same(check, values, matrix->map.names[i], arena_printf(check->arena, "the matrix of %s", what));
        check_tree(check, scope, values);
    }
}

/* The number of an item is no name that lasts: in another run the same thing may have another one. */
static void
warn_key(struct check *check, uint32_t index)
{
    const struct loop *loop = check->model->steps[index].loop;
    if (loop->key != NULL || loop->matrix || loop->items->type != VALUE_LIST) return;
    check_same(check, loop->items, "foreach", check->drafts[index].what);
    for (size_t i = 0; i < loop->items->list.count; i++) {
        enum value_type type = loop->items->list.items[i]->type;
        if (type != VALUE_MAP && type != VALUE_LIST) continue;
        CHECK_WARNING(check, loop->items, "no-key",
                      arena_printf(check->arena, "Name what is unique in each: `key: ${{ %s.… }}`.", loop->as),
                      "the items of %s have no names: they are counted", check->drafts[index].what);
        return;
    }
}

static void
check_items(struct check *check, struct scope *scope, uint32_t index)
{
    const struct loop *loop = check->model->steps[index].loop;
    const struct draft *draft = &check->drafts[index];
    scope->what = loop->matrix ? "`matrix`" : "`foreach`";
    scope->variables = check->variables;
    if (loop->matrix) check_matrix(check, scope, index);
    else check_tree(check, scope, loop->items);
    warn_key(check, index);
    if (loop->key == NULL) return;
    scope->what = "`key`";
    scope->variables = check->model->steps[index].variables;
    check_tree(check, scope, loop->key);
    if (check->diags->errors == 0 && !template_mentions(check->arena, loop->key, scope->variables, loop->as))
        CHECK_ERROR(check, loop->key, "wrong-value",
                    arena_printf(check->arena, "Write what is unique in each: `${{ %s.… }}`.", loop->as),
                    "\"key\" of %s is the same for all items", draft->what);
}

/* ---- until -------------------------------------------------------------------------------------------- */

static void
check_until(struct check *check, struct scope *scope, uint32_t index)
{
    struct step *step = &check->model->steps[index];
    const struct draft *draft = &check->drafts[index];
    const struct value *text = keys_get(PLACE_STEP, draft->map, "until"),
                       *attempts = keys_get(PLACE_STEP, draft->map, "attempts");
    if (text == NULL) {
        if (value_get(draft->map, "until") != NULL) return;
        misplaced(check, draft->map, "every", "`until`");
        if (value_get(draft->map, "attempts") != NULL)
            CHECK_KEY_ERROR(check, draft->map, "attempts", "misplaced-key", "Write `retry: {attempts: 3}`.",
                            "\"attempts\" means nothing without `until`");
        return;
    }
    if (text->type == VALUE_BOOL) {
        CHECK_ERROR(check, text, "wrong-type", "Write `until: ${{ outputs.… }}`.",
                    "\"until\" of %s must be an expression", draft->what);
        return;
    }
    struct until *until = ARENA_NEW(check->arena, struct until);
    *until = (struct until){.text = text->text.ptr, .line = (int)text->line, .column = (int)text->column,
                            .every_ms = keys_duration(PLACE_STEP, draft->map, "every", 10000),
                            .attempts = attempts != NULL ? (uint32_t)attempts->integer : 60};
    step->until = until;
    scope->what = "`until`";
    scope->allow |= SCOPE_OUTPUTS;
    scope->variables = step->variables;
    check_tree(check, scope, text);
    check_lone(check, text, step->variables, "until", draft->what);
    scope->allow &= ~(unsigned)SCOPE_OUTPUTS;
}

void
check_loop_texts(struct check *check, uint32_t index)
{
    struct scope scope = check_scope(check, index, "`foreach`");
    if (check->model->steps[index].loop != NULL) check_items(check, &scope, index);
    check_until(check, &scope, index);
}
