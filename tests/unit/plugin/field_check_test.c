/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be said about a step's inputs before a run: every fault once, with its place, and templates on trust.
 */
#include <string.h>

#include "base/json.h"
#include "check.h"
#include "plugin/field.h"

static struct schema_field place_fields[] = {
    {.name = "name", .doc = "What it is called.", .type = LEVADA_TYPE_STRING, .required = true},
    {.name = "floor", .doc = "Which floor.", .type = LEVADA_TYPE_INT},
};

static const char *colours[] = {"red", "green"};

static struct schema_field fields[] = {
    {.name = "file", .doc = "The file to read.", .type = LEVADA_TYPE_PATH, .required = true},
    {.name = "count", .doc = "How many.", .type = LEVADA_TYPE_INT, .minimum = "1"},
    {.name = "wait", .doc = "How long.", .type = LEVADA_TYPE_DURATION},
    {.name = "words", .doc = "Texts.", .type = LEVADA_TYPE_LIST, .choices = colours, .nchoices = 2},
    {.name = "labels", .doc = "Texts.", .type = LEVADA_TYPE_MAP},
    {.name = "key", .doc = "A secret.", .type = LEVADA_TYPE_SECRET},
    {.name = "place", .doc = "One.", .type = LEVADA_TYPE_OBJECT, .fields = place_fields, .nfields = 2},
    {.name = "places", .doc = "Some.", .type = LEVADA_TYPE_OBJECTS, .fields = place_fields, .nfields = 2},
};

/* Reports as one text: `code|message|hint` a line. */
static void
report(void *context, const struct value *at, const char *code, const char *message, const char *hint)
{
    struct buf *buf = context;
    if (at != NULL && at->line) buf_printf(buf, "%u:%u ", at->line, at->column);
    buf_printf(buf, "%s|%s|%s\n", code, message, hint != NULL ? hint : "");
}

static void
check_value(struct arena *arena, const struct value *given, const char *want)
{
    struct buf got BUF_SCOPED;
    buf_init(&got, 64 * KIB);
    field_check(arena, fields, CHECK_COUNT(fields), given, "x.y", report, &got);
    CHECK_STR(buf_str(&got), want);
}

static void
check(const char *json, const char *want)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct value *given = NULL;
    struct err err = {0};
    CHECK_INT(json_parse(&arena, json, strlen(json), &given, &err), 0);
    check_value(&arena, given, want);
}

static void
takes_what_is_right(void)
{
    check("{\"file\":\"a\",\"count\":3,\"wait\":\"2h\",\"words\":[\"red\"],\"key\":\"x\","
          "\"place\":{\"name\":\"n\"},\"places\":[{\"name\":\"n\",\"floor\":1}]}", "");
}

static void
names_what_is_missing(void)
{
    struct arena arena ARENA_SCOPED = {0};
    check("{}", "missing-input|x.y needs the input \"file\"|The file to read.\n");
    check_value(&arena, NULL, "missing-input|x.y needs the input \"file\"|The file to read.\n");
    check("{\"file\":\"a\",\"places\":[{\"name\":\"n\"},{}]}",
          "missing-input|x.y needs the input \"places[2].name\"|What it is called.\n");
}

static void
reports_every_fault_once(void)
{
    check("{\"fil\":\"a\",\"count\":0,\"wait\":\"soon\",\"words\":[\"blue\"],\"place\":7}",
          "unknown-input|x.y has no input \"fil\"|Did you mean \"file\"?\n"
          "missing-input|x.y needs the input \"file\"|The file to read.\n"
          "bad-value|input \"count\" must be at least 1, got the integer 0|\n"
          "bad-value|input \"wait\" wants a duration, got \"soon\"|"
          "Write a number with its unit, like 500ms, 90s, 5m, 2h or 1d.\n"
          "bad-value|input \"words\" does not take \"blue\"|It takes one of: red, green.\n"
          "wrong-type|input \"place\" wants an object, got the integer 7|Write one `name: value` a line.\n");
    check("{\"file\":\"a\",\"places\":[4,{\"name\":\"n\",\"flor\":1,\"floor\":\"x\"}]}",
          "wrong-type|input \"places[1]\" wants an object, got the integer 4|\n"
          "unknown-input|x.y has no input \"places[2].flor\"|Did you mean \"floor\"?\n"
          "bad-value|input \"places[2].floor\" wants an integer, got \"x\"|Write a whole number, without quotes.\n");
    check("[]", "wrong-type|the inputs of x.y must be a map, got a list|\n");
}

static void
takes_templates_on_trust(void)
{
    check("\"${{ params.all }}\"", "");
    check("{\"file\":\"${{ a }}\",\"count\":\"${{ b }}\",\"words\":[\"red\",\"${{ c }}\"],"
          "\"place\":\"${{ d }}\",\"places\":[\"${{ e }}\",{\"name\":\"${{ f }}\",\"floor\":\"${{ g }}\"}],"
          "\"labels\":{\"a\":\"${{ h }}\"}}", "");
    check("{\"file\":\"${{ a }}\",\"words\":[\"${{ c }}\",\"blue\"],\"labels\":{\"a\":\"${{ h }}\",\"b\":[]}}",
          "bad-value|input \"words\" does not take \"blue\"|It takes one of: red, green.\n"
          "wrong-type|input \"labels.b\" wants a text, got a list|Write {name: text} or one `name: text` a line.\n");
}

static void
points_at_the_place(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *given = value_map(&arena), *file = value_text(&arena, "a"), *count = value_int(&arena, 0);
    struct value *cuont = value_int(&arena, 1);
    uint32_t places[] = {2u << 12 | 5, 3u << 12 | 5, 4u << 12 | 5};
    count->line = 3;
    count->column = 12;
    value_set(&arena, given, "file", file);
    value_set(&arena, given, "count", count);
    value_set(&arena, given, "cuont", cuont);
    given->map.places = places;
    check_value(&arena, given, "4:5 unknown-input|x.y has no input \"cuont\"|Did you mean \"count\"?\n"
                               "3:12 bad-value|input \"count\" must be at least 1, got the integer 0|\n");
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"right inputs are silent", takes_what_is_right},
        {"a missing input is named with its documentation", names_what_is_missing},
        {"every fault is reported once, deep ones by their path", reports_every_fault_once},
        {"templates are taken on trust, what stands beside them is not", takes_templates_on_trust},
        {"a fault points at the name or the value in the file", points_at_the_place},
    };
    return check_main("field_check", tests, CHECK_COUNT(tests), argc, argv);
}
