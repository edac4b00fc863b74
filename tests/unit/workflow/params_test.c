/* SPDX-License-Identifier: Apache-2.0
 *
 * Param values: from flags, from files, from defaults.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "check.h"
#include "load_help.h"

static struct arena arena;

/* Binds `given` (JSON) over the declarations (YAML, one line each below `params:`); the result as JSON, or the
 * message and hint. */
static const char *
bind(const char *declared, const char *given)
{
    struct diags diags;
    struct err err = {0};
    const struct value *map = NULL, *ret = NULL;
    const struct model *model = load_text(
        &arena, arena_printf(&arena, "levada: 1\nname: w\nparams:\n%s\nsteps: [{id: a, run: x}]\n", declared),
        &diags);
    if (model == NULL) {
        diags_print(&diags, stdout, false);
        return "the workflow is wrong";
    }
    if (json_parse(&arena, given, strlen(given), &map, &err)) return arena_strdup(&arena, err.message);
    struct value *run = value_map(&arena);
    value_set(&arena, run, "date", value_text(&arena, "2026-01-31"));
    if (params_bind(&arena, model, map, run, &ret, &err))
        return arena_printf(&arena, "%s%s%s", err.message, err.hint[0] ? " | " : "", err.hint);
    return json_text(&arena, ret);
}

static void
test_defaults(void)
{
    CHECK_STR(bind("  a: {default: x}\n  b: {type: integer}\n  c: {type: list, default: [1]}", "{}"),
              "{\"a\":\"x\",\"b\":null,\"c\":[1]}");
    CHECK_STR(bind("  a: {default: x}", "{\"a\": \"y\"}"), "{\"a\":\"y\"}");
    CHECK_STR(bind("  a: {default: x}", "{\"a\": null}"), "{\"a\":\"x\"}");
}

static void
test_texts_become_their_types(void)
{
    CHECK_STR(bind("  i: {type: integer}\n  n: {type: number}\n  b: {type: boolean}\n  d: {type: duration}\n"
                   "  z: {type: size}\n  t: {type: timestamp}\n  l: {type: list}\n  m: {type: map}\n  s: {}",
                   "{\"i\":\"-5\",\"n\":\"2.5\",\"b\":\"true\",\"d\":\"90m\",\"z\":\"1KiB\",\"t\":\"2026-01-31\","
                   "\"l\":\"[a, 2]\",\"m\":\"{a: [true]}\",\"s\":\"5\"}"),
              "{\"i\":-5,\"n\":2.5,\"b\":true,\"d\":\"1h30m\",\"z\":1024,\"t\":\"2026-01-31T00:00:00Z\","
              "\"l\":[\"a\",2],\"m\":{\"a\":[true]},\"s\":\"5\"}");
}

static void
test_values_of_files_keep_their_types(void)
{
    CHECK_STR(bind("  i: {type: integer}\n  n: {type: number}\n  z: {type: size}", "{\"i\":5,\"n\":5,\"z\":5}"),
              "{\"i\":5,\"n\":5,\"z\":5}");
    CHECK_STR(bind("  s: {}", "{\"s\":5}"), "param \"s\" must be a text, not an integer | Put it in quotes.");
    CHECK_STR(bind("  i: {type: integer}", "{\"i\":2.5}"), "param \"i\" must be an integer, not a number");
    CHECK_STR(bind("  l: {type: list}", "{\"l\":{\"a\":1}}"),
              "param \"l\" must be a list, not a map | Write `[a, b]`.");
}

static void
test_wrong_texts(void)
{
    CHECK_STR(bind("  i: {type: integer}", "{\"i\":\"five\"}"), "param \"i\" must be an integer, not \"five\"");
    CHECK_STR(bind("  i: {type: integer}", "{\"i\":\"99999999999999999999\"}"),
              "param \"i\" must be an integer, not \"99999999999999999999\"");
    CHECK_STR(bind("  b: {type: boolean}", "{\"b\":\"yes\"}"), "param \"b\" must be true or false, not \"yes\"");
    CHECK_STR(bind("  d: {type: duration}", "{\"d\":\"5\"}"),
              "param \"d\" must be a duration, not \"5\" | Write `30s`, `1h30m`, `2d`.");
    CHECK_STR(bind("  l: {type: list}", "{\"l\":\"[a\"}"),
              "param \"l\" must be a list, not \"[a\" | Write `[a, b]`.");
    CHECK_STR(bind("  m: {type: map}", "{\"m\":\"text\"}"),
              "param \"m\" must be a map, not \"text\" | Write `{a: 1}`.");
}

static void
test_bounds(void)
{
    const char *rows = "  r: {type: integer, minimum: 1, maximum: 10}";
    CHECK_STR(bind(rows, "{\"r\":\"0\"}"), "param \"r\" is 0, less than the minimum of 1");
    CHECK_STR(bind(rows, "{\"r\":11}"), "param \"r\" is 11, more than the maximum of 10");
    CHECK_STR(bind(rows, "{\"r\":10}"), "{\"r\":10}");
    CHECK_STR(bind("  d: {type: duration, maximum: 1h}", "{\"d\":\"61m\"}"),
              "param \"d\" is 1h1m, more than the maximum of 1h");
    CHECK_STR(bind("  n: {type: number, minimum: 0.5}", "{\"n\":0}"),
              "param \"n\" is 0, less than the minimum of 0.5");
    CHECK_STR(bind("  e: {enum: [dev, prod]}", "{\"e\":\"prd\"}"),
              "param \"e\" cannot be \"prd\" | Did you mean `prod`?");
    CHECK_STR(bind("  e: {type: integer, enum: [1, 5]}", "{\"e\":\"5\"}"), "{\"e\":5}");
    CHECK_STR(bind("  e: {type: integer, enum: [1, 5]}", "{\"e\":\"3\"}"),
              "param \"e\" cannot be \"3\" | Allowed: 1, 5.");
}

static void
test_patterns_and_formats(void)
{
    CHECK_STR(bind("  p: {pattern: \"[a-z]+|x1\"}", "{\"p\":\"x1\"}"), "{\"p\":\"x1\"}");
    CHECK_STR(bind("  p: {pattern: \"[a-z]+\"}", "{\"p\":\"abc1\"}"),
              "param \"p\" is \"abc1\", which does not match the pattern \"[a-z]+\"");
    CHECK_STR(bind("  p: {pattern: \"(?i)[a-z]+\"}", "{\"p\":\"ABC\"}"), "{\"p\":\"ABC\"}");
    CHECK_STR(bind("  u: {format: uri}", "{\"u\":\"s3://b/c\"}"), "{\"u\":\"s3://b/c\"}");
    CHECK_STR(bind("  u: {format: uri}", "{\"u\":\"b/c\"}"),
              "param \"u\" must be a URI, not \"b/c\" | A URI begins with its scheme: `s3://…`, `https://…`.");
    CHECK_STR(bind("  f: {format: path}", "{\"f\":\"\"}"), "param \"f\" must be a path");
}

static void
test_a_pattern_takes_linear_time(void)
{
    char *text = arena_alloc(&arena, 60000);
    memset(text, 'a', 50000);
    const char *given = arena_printf(&arena, "{\"p\":\"%sb\"}", text);
    CHECK(strstr(bind("  p: {pattern: \"(a*)*(a|aa)*c\"}", given), "does not match") != NULL);
}

static void
test_unknown_and_missing(void)
{
    CHECK_STR(bind("  region: {}", "{\"regoin\":\"x\"}"),
              "workflow \"w\" has no param \"regoin\" | Did you mean `region`?");
    CHECK_STR(bind("  region: {required: true, doc: Where to.}", "{}"),
              "param \"region\" must be given | Add `-p region=VALUE`. Where to.");
    CHECK_STR(bind("  region: {required: true}", "{\"region\": null}"),
              "param \"region\" must be given | Add `-p region=VALUE`.");
}

static void
test_default_expressions(void)
{
    CHECK_STR(bind("  a: {default: x}\n  b: {default: \"s3://${{ params.a }}/${{ run.date }}\"}\n"
                   "  n: {type: integer, default: 2}\n  m: {type: integer, default: \"${{ params.n * 2 }}\"}",
                   "{\"a\":\"y\"}"),
              "{\"a\":\"y\",\"b\":\"s3://y/2026-01-31\",\"n\":2,\"m\":4}");
    CHECK_STR(bind("  m: {type: integer, maximum: 3, default: \"${{ 2 + 2 }}\"}", "{}"),
              "param \"m\" is 4, more than the maximum of 3");
    CHECK_STR(bind("  m: {type: integer, default: \"${{ 'x' }}\"}", "{}"),
              "param \"m\" must be an integer, not \"x\"");
}

static void
test_given_texts_are_never_evaluated(void)
{
    CHECK_STR(bind("  a: {}\n  b: {default: \"${{ params.a }}\"}", "{\"a\":\"${{ 1 + 1 }}\"}"),
              "{\"a\":\"${{ 1 + 1 }}\",\"b\":\"${{ 1 + 1 }}\"}");
}

static const char *
read_file(const char *text)
{
    char path[] = "/tmp/levada-params-XXXXXX";
    struct err err = {0};
    const struct value *ret = NULL;
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) return "no file";
    close(fd);
    int code = params_read(&arena, path, &ret, &err);
    unlink(path);
    return code == 0 ? json_text(&arena, ret) : arena_printf(&arena, "%d:%d %s", err.line, err.column, err.message);
}

static void
test_files(void)
{
    CHECK_STR(read_file("a: 1\nb: [x]\n"), "{\"a\":1,\"b\":[\"x\"]}");
    CHECK_STR(read_file("{\"a\": 1.5, \"b\": null}"), "{\"a\":1.5,\"b\":null}");
    CHECK_STR(read_file("a: 1\na: 2\n"), "2:1 \"a\" is given twice, first in line 1");
    CHECK_STR(read_file("- a\n"), "1:1 a params file must hold a map of names and values");
    CHECK_STR(read_file(""), "0:0 the file is empty");
    struct err err = {0};
    const struct value *ret = NULL;
    CHECK_INT(params_read(&arena, "/no/such/params.yaml", &ret, &err), EXIT_INVALID);
}

static const struct check_test tests[] = {
    {"a default counts when nothing is given, and null without one", test_defaults},
    {"a text becomes a value of the param's type", test_texts_become_their_types},
    {"values of a file keep their types", test_values_of_files_keep_their_types},
    {"a text that is no such value is refused", test_wrong_texts},
    {"minimum, maximum and enum hold", test_bounds},
    {"pattern and format hold, and a pattern means the whole text", test_patterns_and_formats},
    {"a pattern takes linear time", test_a_pattern_takes_linear_time},
    {"unknown and missing params are named", test_unknown_and_missing},
    {"a default may use params above it and run", test_default_expressions},
    {"a given text is never evaluated", test_given_texts_are_never_evaluated},
    {"a params file is YAML or JSON", test_files},
};

int
main(int argc, char **argv)
{
    int ret = check_main("params", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return ret;
}
