/* SPDX-License-Identifier: Apache-2.0
 *
 * The names hold one of each: texts, numbers, null, lists, typed values, a skipped step, a secret
 * known and one that is not.
 */
#include "eval_help.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static struct expr_vm *vm;
static struct arena last;

struct expr_vm *
eval_vm(void)
{
    if (vm == NULL) vm = expr_vm_new();
    return vm;
}

struct value *
eval_names(struct arena *arena)
{
    static const char json[] =
        "{\"params\":{\"env\":\"prod\",\"n\":3,\"x\":null,\"pi\":3.5,\"yes\":true,\"list\":[1,2,3],"
        "\"none\":[],\"empty\":{},"
        "\"map\":{\"b\":2,\"a\":1},\"odd "
        "name\":7,\"json\":\"{\\\"port\\\":5432}\"},\"env\":{\"HOME\":\"/x\"},"
        "\"run\":{\"id\":\"01abc\",\"date\":\"2026-01-31\"},"
        "\"steps\":{\"load\":{\"outputs\":{\"rows\":[{\"n\":5},{\"n\":6}],\"table\":\"raw.orders\"}"
        ",\"status\":\"succeeded\"},"
        "\"skipped\":{\"outputs\":null,\"status\":\"skipped\"}},"
        "\"outputs\":{\"failed\":0},\"status\":{\"success\":false,\"failure\":true,\"cancelled\":"
        "false}}";
    const struct value *parsed;
    struct err err;
    if (json_parse(arena, json, sizeof json - 1, &parsed, &err) != 0) abort();
    struct value *names = value_copy(arena, parsed), *secrets = value_map(arena);
    value_set(arena, secrets, "password", value_textn(arena, VALUE_SECRET, "hunter22", 8));
    value_set(arena, secrets, "account",
              value_textn(arena, VALUE_SECRET, "{\"user\":\"bob\",\"port\":5432}", 26));
    value_set(arena, secrets, "unknown", value_new(arena, VALUE_SECRET));
    value_set(arena, names, "secrets", secrets);
    struct value *params = value_copy(arena, value_get(names, "params"));
    value_set(arena, params, "wait", value_typed(arena, VALUE_DURATION, 90000));
    value_set(arena, params, "limit", value_typed(arena, VALUE_SIZE, 10240));
    value_set(arena, params, "from", value_typed(arena, VALUE_TIMESTAMP, 1769817600000));
    value_set(arena, names, "params", params);
    return names;
}

const char *
eval_show(struct arena *arena, const struct value *value)
{
    if (value->type == VALUE_SECRET)
        return arena_printf(arena, "secret %s", value->text.ptr != NULL ? value->text.ptr : "(unknown)");
    return arena_printf(arena, "%s %s", value_type_name(value->type), json_text(arena, value));
}

const char *
eval_error(struct arena *arena, const struct err *err)
{
    if (err->hint[0] == '\0') return arena_printf(arena, "%d:%d %s", err->line, err->column, err->message);
    return arena_printf(arena, "%d:%d %s | %s", err->line, err->column, err->message, err->hint);
}

const char *
eval_with(const char *text, const struct value *names)
{
    struct err err = {0};
    struct expr *expr;
    const struct value *value;
    arena_release(&last);
    last = (struct arena){0};
    if (names == NULL) names = eval_names(&last);
    static const char *const variables[] = {"item", NULL};
    if (expr_parse(&last, text, 3, 7, variables, &expr, &err) != 0) return eval_error(&last, &err);
    if (expr_eval(eval_vm(), expr, names, &last, &value, &err) != 0) return eval_error(&last, &err);
    return eval_show(&last, value);
}

const char *
eval_text(const char *text)
{
    return eval_with(text, NULL);
}

void
eval_end(void)
{
    arena_release(&last);
    if (vm != NULL) expr_vm_free(vm);
    vm = NULL;
}
