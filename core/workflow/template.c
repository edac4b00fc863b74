/* SPDX-License-Identifier: Apache-2.0
 *
 * Cutting a text at `${{ }}` and putting it together again. One pass: what comes out is never
 * looked at for `${{` once more.
 */
#include "workflow/template.h"

#include <string.h>

#include "base/json.h"
#include "levada/plugin.h"
#include "workflow/expr_lex.h"

bool
template_is(const char *text)
{
    return strstr(text, "${{") != NULL;
}

/* Moves line and column over `size` characters of text. */
static void
advance(const char *text, size_t size, int base, int *line, int *column)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n') {
            (*line)++;
            *column = base;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            (*column)++;
        }
    }
}

static void
add_part(struct arena *arena, struct template *template, struct template_part part)
{
    size_t count = template->count;
    if ((count & (count - 1)) == 0) {
        struct template_part *more = ARENA_ARRAY(arena, count == 0 ? 1 : count * 2, struct template_part);
        if (count) memcpy(more, template->parts, count * sizeof *more);
        template->parts = more;
    }
    template->parts[template->count++] = part;
}

int
template_parse(struct arena *arena, const char *text, int line, int column, const char *const *extra,
               struct template **ret, struct err *err)
{
    struct template *template = ARENA_NEW(arena, struct template);
    const int known = line > 0, base = column;
    for (const char *at = text; *at != '\0';) {
        const char *open = strstr(at, "${{");
        size_t literal = open != NULL ? (size_t)(open - at) : strlen(at);
        if (literal > 0)
            add_part(
                arena, template,
                (struct template_part){.text = arena_strndup(arena, at, literal), .size = literal});
        advance(at, literal, base, &line, &column);
        if (open == NULL) break;
        size_t rest = strlen(open);
        ptrdiff_t close = lex_template_end(open, rest, 3);
        if (close < 0) {
            err_set(err, EXIT_INVALID, "\"${{\" is never closed");
            err_hint(err, "Write ${{ expression }}; quotes inside it must be closed too.");
            if (known) err->line = line;
            if (known) err->column = column;
            return EXIT_INVALID;
        }
        struct expr *expr;
        const char *inner = arena_strndup(arena, open + 3, (size_t)close - 3);
        int code = expr_parse(arena, inner, known ? line : 0, column + 3, extra, &expr, err);
        /* It took its further lines to begin where it does; they begin where the text does. */
        if (code && err->line > line) err->column += base - column - 3;
        if (code) return err->code;
        if (known && expr->line > line) expr->column += base - column - 3;
        add_part(arena, template, (struct template_part){.expr = expr});
        advance(open, (size_t)close + 2, base, &line, &column);
        at = open + close + 2;
    }
    *ret = template;
    return 0;
}

static int
refuse(const struct expr *expr, struct err *err, const char *hint, const char *message)
{
    err_set(err, EXIT_INVALID, "%s", message);
    err_hint(err, "%s", hint);
    err->error_class = LEVADA_INVALID;
    err->line = expr->line;
    err->column = expr->column;
    return EXIT_INVALID;
}

int
template_eval(struct expr_vm *vm, const struct template *template, const struct value *names,
              struct arena *arena, const struct value **ret, struct err *err)
{
    if (template->count == 1 && template->parts[0].expr != NULL)
        return expr_eval(vm, template->parts[0].expr, names, arena, ret, err);
    struct buf buf BUF_SCOPED;
    bool secret = false, unresolved = false;
    buf_init(&buf, LIMIT_VALUE_SIZE);
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        const struct value *value;
        if (part->expr == NULL) {
            buf_add(&buf, part->text, part->size);
            continue;
        }
        if (expr_eval(vm, part->expr, names, arena, &value, err) != 0) return err->code;
        if (value->type == VALUE_NULL)
            return refuse(part->expr, err, "Use default(x, other) where it may be null.",
                          "null inside a text");
        if (value->type == VALUE_SECRET) {
            secret = true;
            unresolved = unresolved || value->text.ptr == NULL;
            if (value->text.ptr != NULL) buf_add(&buf, value->text.ptr, value->text.size);
        } else if (value_tainted(value)) {
            return refuse(part->expr, err, "Name the secret itself.",
                          "a list or map with a secret in it, inside a text");
        } else {
            value_show(&buf, value);
        }
    }
    if (buf.full) return err_set(err, EXIT_INVALID, "a text of more than %u MiB", LIMIT_VALUE_SIZE / MIB);
    if (unresolved) *ret = value_new(arena, VALUE_SECRET);
    else *ret = value_textn(arena, secret ? VALUE_SECRET : VALUE_STRING, buf_str(&buf), buf.size);
    return 0;
}

int
template_eval_tree(struct expr_vm *vm, const struct value *tree, const char *const *extra, const struct value *names,
                   struct arena *arena, const struct value **ret, struct err *err)
{
    const struct value *item;
    if (tree->type == VALUE_STRING && template_is(tree->text.ptr)) {
        struct template *template;
        if (template_parse(arena, tree->text.ptr, (int)tree->line, (int)tree->column, extra,
                           &template, err) != 0)
            return err->code;
        return template_eval(vm, template, names, arena, ret, err);
    }
    if (tree->type == VALUE_LIST) {
        struct value *list = value_list(arena);
        for (size_t i = 0; i < tree->list.count; i++) {
            if (template_eval_tree(vm, tree->list.items[i], extra, names, arena, &item, err) != 0)
                return err->code;
            value_push(arena, list, item);
        }
        *ret = list;
        return 0;
    }
    if (tree->type == VALUE_MAP) {
        struct value *map = value_map(arena);
        for (size_t i = 0; i < tree->map.count; i++) {
            if (template_eval_tree(vm, tree->map.values[i], extra, names, arena, &item, err) != 0)
                return err->code;
            value_set(arena, map, tree->map.names[i], item);
        }
        *ret = map;
        return 0;
    }
    *ret = value_copy(arena, tree);
    return 0;
}

int
template_eval_sql(struct expr_vm *vm, const struct template *template, const struct value *names,
                  struct arena *arena, const struct value **ret, struct err *err)
{
    struct buf sql BUF_SCOPED;
    struct value *params = value_list(arena);
    bool expressions = false;
    buf_init(&sql, LIMIT_VALUE_SIZE);
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        const struct value *value;
        if (part->expr == NULL) {
            buf_add(&sql, part->text, part->size);
            continue;
        }
        expressions = true;
        if (expr_eval(vm, part->expr, names, arena, &value, err) != 0) return err->code;
        if (value->type == VALUE_SQL) {
            buf_add(&sql, value->text.ptr, value->text.size);
            continue;
        }
        struct value *param = value_list(arena);
        value_push(arena, param, value_int(arena, (int64_t)sql.size));
        value_push(arena, param, value);
        value_push(arena, params, param);
    }
    if (sql.full) return err_set(err, EXIT_INVALID, "SQL of more than %u MiB", LIMIT_VALUE_SIZE / MIB);
    const struct value *text = value_textn(arena, VALUE_STRING, buf_str(&sql), sql.size);
    if (!expressions) {
        *ret = text;
        return 0;
    }
    struct value *map = value_map(arena);
    value_set(arena, map, "sql", text);
    value_set(arena, map, "params", params);
    *ret = map;
    return 0;
}

int
template_walk(struct arena *arena, const struct value *tree, const char *const *extra,
              int (*visit)(void *context, const struct expr *expr, const struct value *at),
              void *context, struct err *err)
{
    int code = 0;
    if (tree == NULL) return 0;
    if (tree->type == VALUE_STRING && template_is(tree->text.ptr)) {
        struct template *template;
        code = template_parse(arena, tree->text.ptr, (int)tree->line, (int)tree->column, extra,
                              &template, err);
        for (size_t i = 0; code == 0 && i < template->count; i++)
            if (template->parts[i].expr != NULL) code = visit(context, template->parts[i].expr, tree);
    }
    if (tree->type == VALUE_LIST)
        for (size_t i = 0; code == 0 && i < tree->list.count; i++)
            code = template_walk(arena, tree->list.items[i], extra, visit, context, err);
    if (tree->type == VALUE_MAP)
        for (size_t i = 0; code == 0 && i < tree->map.count; i++)
            code = template_walk(arena, tree->map.values[i], extra, visit, context, err);
    return code;
}

static int
mentions(void *context, const struct expr *expr, const struct value *at)
{
    (void)at;
    return expr_mentions(expr, context);
}

bool
template_mentions(struct arena *arena, const struct value *tree, const char *const *extra, const char *root)
{
    struct err ignored = {0};
    union { const char *text; void *context; } name = {.text = root};
    return template_walk(arena, tree, extra, mentions, name.context, &ignored) == 1;
}

const struct value *
template_find(const struct value *tree)
{
    const struct value *found = NULL;
    if (tree->type == VALUE_STRING && template_is(tree->text.ptr)) return tree;
    for (size_t i = 0; tree->type == VALUE_LIST && i < tree->list.count && found == NULL; i++)
        found = template_find(tree->list.items[i]);
    for (size_t i = 0; tree->type == VALUE_MAP && i < tree->map.count && found == NULL; i++)
        found = template_find(tree->map.values[i]);
    return found;
}
