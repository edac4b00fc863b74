/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as an expression, a template, a shell script with `${{ }}` and a Lua chunk: parsed, and
 * evaluated over a few names. What an expression is given as a secret may not come out of it as
 * anything but a secret.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "workflow/template.h"

static const char secret[] = "Qz7-canary-Zq";

static struct expr_vm *vm;

static struct value *
names_of(struct arena *arena)
{
    static const char json[] = "{\"params\":{\"a\":\"x "
                               "y\",\"n\":3,\"x\":null,\"l\":[1,2.5,\"z\"],\"m\":{\"k\":true}},"
                               "\"env\":{},\"run\":{\"id\":\"r\"},"
                               "\"steps\":{\"s\":{\"outputs\":{\"rows\":[{\"n\":1}]}},\"k\":{"
                               "\"outputs\":null}},\"outputs\":{}}";
    const struct value *parsed;
    struct err err;
    if (json_parse(arena, json, sizeof json - 1, &parsed, &err) != 0) abort();
    struct value *names = value_copy(arena, parsed), *secrets = value_map(arena);
    value_set(arena, secrets, "p", value_textn(arena, VALUE_SECRET, secret, sizeof secret - 1));
    value_set(arena, secrets, "u", value_new(arena, VALUE_SECRET));
    value_set(arena, names, "secrets", secrets);
    return names;
}

static void
must_not_show(const char *text)
{
    if (strstr(text, secret) != NULL) abort();
}

static void
try_expression(struct arena *arena, const char *text, const struct value *names)
{
    struct err err = {0};
    struct expr *expr;
    const struct value *value;
    if (expr_parse(arena, text, 1, 1, (const char *const[]){"item", NULL}, &expr, &err) == 0 &&
        expr_eval(vm, expr, names, arena, &value, &err) == 0)
        must_not_show(json_text(arena, value));
    must_not_show(err.message);
    must_not_show(err.hint);
}

static void
try_template(struct arena *arena, const char *text, const struct value *names)
{
    struct err err = {0};
    struct template *template;
    const struct value *value;
    if (template_parse(arena, text, 1, 1, NULL, &template, &err) != 0) return;
    if (template_eval(vm, template, names, arena, &value, &err) == 0) must_not_show(json_text(arena, value));
    if (template_eval_sql(vm, template, names, arena, &value, &err) == 0)
        must_not_show(json_text(arena, value));
    must_not_show(err.message);
}

static void
warn(void *context, int line, int column, const char *message)
{
    (void)message;
    if (line < 1 || column < 1) abort();
    ++*(int *)context;
}

static void
try_shell(struct arena *arena, const char *text)
{
    struct err err = {0};
    struct inject *inject;
    int warnings = 0;
    if (inject_parse(arena, "sh", text, 1, 1, NULL, warn, &warnings, &inject, &err) != 0) return;
    /* Whatever was accepted holds no expression any more. */
    if (strstr(inject->script, "${{") != NULL) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err;
    if (vm == NULL) vm = expr_vm_new();
    if (size > 20000 || memchr(data, 0, size) != NULL) return 0;
    const char *text = arena_strndup(&arena, (const char *)data, size);
    /* An input that brings the secret along proves nothing; libFuzzer finds it in our comparisons. */
    if (strstr(text, "canary") != NULL) return 0;
    const struct value *names = names_of(&arena);
    try_expression(&arena, text, names);
    try_template(&arena, text, names);
    try_shell(&arena, text);
    (void)script_check(text, 1, NULL, &err);
    return 0;
}
