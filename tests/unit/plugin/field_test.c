/* SPDX-License-Identifier: Apache-2.0
 *
 * Values into a struct and out again: what a plugin sees for what a workflow gives, and every refusal. Inputs are
 * written as JSON here.
 */
#include "plugin/field.h"

#include <string.h>

#include "base/json.h"
#include "check.h"

struct place_in {
    levada_present present;
    levada_string name;
    levada_int floor;
    levada_secret code;
};

struct all_in {
    levada_present present;
    levada_string text;
    levada_bool flag;
    levada_int count;
    levada_real ratio;
    levada_duration wait;
    levada_size amount;
    levada_timestamp at;
    levada_uri link;
    levada_path file;
    levada_sql query;
    levada_secret key;
    levada_json document;
    levada_list words;
    levada_map labels;
    levada_object place;
    levada_objects places;
    levada_string colour;
    levada_int bounded;
};

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct levada_field place_fields[] = {
    LEVADA_IN(struct place_in, name, "What it is called.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct place_in, floor, "Which floor.", .fallback = "1"),
    LEVADA_IN(struct place_in, code, "What opens its door."),
};

static const struct levada_field fields[] = {
    LEVADA_IN(struct all_in, text, "Any text."),
    LEVADA_IN(struct all_in, flag, "Yes or no."),
    LEVADA_IN(struct all_in, count, "A whole number."),
    LEVADA_IN(struct all_in, ratio, "A number."),
    LEVADA_IN(struct all_in, wait, "A length of time.", .fallback = "1h30m"),
    LEVADA_IN(struct all_in, amount, "Bytes."),
    LEVADA_IN(struct all_in, at, "A moment."),
    LEVADA_IN(struct all_in, link, "A URI."),
    LEVADA_IN(struct all_in, file, "A path."),
    LEVADA_IN(struct all_in, query, "A query."),
    LEVADA_IN(struct all_in, key, "A secret."),
    LEVADA_IN(struct all_in, document, "Any value."),
    LEVADA_IN(struct all_in, words, "Texts.", .fallback = "[\"a\", \"b\"]"),
    LEVADA_IN(struct all_in, labels, "Names and texts."),
    LEVADA_NESTED(struct all_in, place, place_fields, struct place_in, "One place."),
    LEVADA_NESTED(struct all_in, places, place_fields, struct place_in, "Several."),
    LEVADA_IN(struct all_in, colour, "One of three.", .choices = colours),
    LEVADA_IN(struct all_in, bounded, "1 to 10.", .minimum = "1", .maximum = "10"),
};

#define FIELDS fields, CHECK_COUNT(fields)

static const struct value *
parse(struct arena *arena, const char *json)
{
    const struct value *ret = NULL;
    struct err err = {0};
    CHECK_INT(json_parse(arena, json, strlen(json), &ret, &err), 0);
    CHECK_STR(err.message, "");
    CHECK_FATAL(ret != NULL);
    return ret;
}

static void
fill(struct arena *arena, const char *json, struct all_in *in)
{
    struct err err = {0};
    memset(in, 0, sizeof *in);
    CHECK_INT(field_fill(arena, FIELDS, parse(arena, json), "/flow", in, sizeof *in, &err), 0);
    CHECK_STR(err.message, "");
}

static void
refused_value(const struct value *given, const char *message, const char *hint)
{
    struct arena arena ARENA_SCOPED = {0};
    struct all_in in = {0};
    struct err err = {0};
    CHECK_INT(field_fill(&arena, FIELDS, given, "/flow", &in, sizeof in, &err), EXIT_INVALID);
    CHECK_STR(err.message, message);
    if (hint != NULL) CHECK_STR(err.hint, hint);
    CHECK_INT(err.error_class, LEVADA_INVALID);
}

static void
refused(const char *json, const char *message, const char *hint)
{
    struct arena arena ARENA_SCOPED = {0};
    refused_value(parse(&arena, json), message, hint);
}

static void
scalars_arrive(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct all_in in;
    fill(&arena,
         "{\"text\":\"h\\u00e9\",\"flag\":true,\"count\":-3,\"ratio\":2,\"wait\":\"90s\",\"amount\":\"1.5KiB\","
         "\"at\":\"1970-01-02\",\"link\":\"s3://b/k\",\"colour\":\"blue\",\"bounded\":10}", &in);
    CHECK_STR(in.text.text, "h\xc3\xa9");
    CHECK_INT(in.flag.value, 1);
    CHECK_INT(in.count.value, -3);
    CHECK(in.ratio.value == 2.0);
    CHECK_INT(in.wait.ms, 90000);
    CHECK_INT(in.amount.bytes, 1536);
    CHECK_INT(in.at.ms, 86400000);
    CHECK_STR(in.link.text, "s3://b/k");
    CHECK_STR(in.colour.text, "blue");
    CHECK_INT(in.bounded.value, 10);
    fill(&arena, "{\"amount\":512,\"ratio\":0.25}", &in);
    CHECK_INT(in.amount.bytes, 512);
    CHECK(in.ratio.value == 0.25);
}

static void
presence_is_what_was_given(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct all_in in;
    fill(&arena, "{\"flag\":false,\"count\":0,\"text\":\"\"}", &in);
    CHECK(LEVADA_HAS(&in, flag) && LEVADA_HAS(&in, count) && LEVADA_HAS(&in, text));
    CHECK(!LEVADA_HAS(&in, wait)); /* a default is not given */
    CHECK_INT(in.wait.ms, 5400000);
    CHECK(!LEVADA_HAS(&in, ratio) && !LEVADA_HAS(&in, place) && !LEVADA_HAS(&in, bounded));
    fill(&arena, "{\"bounded\":1,\"places\":[]}", &in);
    CHECK(LEVADA_HAS(&in, bounded) && LEVADA_HAS(&in, places));
    CHECK_INT(in.places.count, 0);
}

static void
nothing_given_is_empty_never_null(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct all_in in = {0};
    struct err err = {0};
    CHECK_INT(field_fill(&arena, FIELDS, NULL, "/flow", &in, sizeof in, &err), 0);
    CHECK_STR(in.text.text, "");
    CHECK_STR(in.link.text, "");
    CHECK_STR(in.file.text, "");
    CHECK_STR(in.query.text, "");
    CHECK_STR(in.key.value, "");
    CHECK_STR(in.document.text, "");
    CHECK_INT(in.words.count, 2);
    CHECK_STR(in.words.items[1], "b");
    CHECK(in.place.value == NULL);
    CHECK_INT(in.labels.count, 0);
}

static void
paths_are_relative_to_the_folder(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct all_in in;
    fill(&arena, "{\"file\":\"data/a.csv\"}", &in);
    CHECK_STR(in.file.text, "/flow/data/a.csv");
    fill(&arena, "{\"file\":\"./a.csv\"}", &in);
    CHECK_STR(in.file.text, "/flow/a.csv");
    fill(&arena, "{\"file\":\"/etc/hosts\"}", &in);
    CHECK_STR(in.file.text, "/etc/hosts");
    fill(&arena, "{\"file\":\".//etc\"}", &in);
    CHECK_STR(in.file.text, "/flow/etc");
    fill(&arena, "{\"file\":\".\"}", &in);
    CHECK_STR(in.file.text, "/flow");
    fill(&arena, "{\"file\":\"../x\"}", &in);
    CHECK_STR(in.file.text, "/flow/../x");
    refused("{\"file\":\"\"}", "input \"file\" wants a path, got \"\"", NULL);
}

static void
lists_and_maps_hold_texts(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct all_in in;
    fill(&arena, "{\"words\":[\"x\",1,true,2.5],\"labels\":{\"b\":\"2\",\"a\":3}}", &in);
    CHECK_INT(in.words.count, 4);
    CHECK_STR(in.words.items[1], "1");
    CHECK_STR(in.words.items[2], "true");
    CHECK_STR(in.words.items[3], "2.5");
    CHECK_INT(in.labels.count, 2);
    CHECK_STR(in.labels.names[0], "b");
    CHECK_STR(in.labels.values[1], "3");
    fill(&arena, "{\"words\":\"only\"}", &in);
    CHECK_INT(in.words.count, 1);
    CHECK_STR(in.words.items[0], "only");
    fill(&arena, "{\"words\":[]}", &in);
    CHECK_INT(in.words.count, 0);
    refused("{\"words\":[\"x\",[1]]}", "input \"words[2]\" wants a text, got a list", NULL);
    refused("{\"words\":[null]}", "input \"words[1]\" wants a text, got null", NULL);
    refused("{\"labels\":{\"a\":{}}}", "input \"labels.a\" wants a text, got a map", NULL);
    refused("{\"labels\":[]}", "input \"labels\" wants a map of texts, got a list",
            "Write {name: text} or one `name: text` a line.");
}

static void
documents_are_json(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct all_in in;
    fill(&arena, "{\"document\":{\"a\":[1,null,\"x\"]}}", &in);
    CHECK_STR(in.document.text, "{\"a\":[1,null,\"x\"]}");
    fill(&arena, "{\"document\":null}", &in);
    CHECK_STR(in.document.text, "null");
    CHECK(LEVADA_HAS(&in, document));
    fill(&arena, "{\"document\":\"x\"}", &in);
    CHECK_STR(in.document.text, "\"x\"");
}

static void
objects_nest(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct all_in in;
    fill(&arena,
         "{\"place\":{\"name\":\"hall\",\"floor\":0},\"places\":[{\"name\":\"a\"},{\"name\":\"b\",\"floor\":9}]}", &in);
    const struct place_in *place = in.place.value, *places = in.places.items;
    CHECK_FATAL(place != NULL && places != NULL);
    CHECK_STR(place->name.text, "hall");
    CHECK_INT(place->floor.value, 0);
    CHECK(LEVADA_HAS(place, floor));
    CHECK_INT(in.places.count, 2);
    CHECK_INT(places[0].floor.value, 1);
    CHECK(!LEVADA_HAS(&places[0], floor) && LEVADA_HAS(&places[1], floor));
    CHECK_STR(places[1].name.text, "b");
    fill(&arena, "{\"places\":{\"name\":\"alone\"}}", &in);
    CHECK_INT(in.places.count, 1);
    refused("{\"place\":{\"floor\":2}}", "the input \"place.name\" is missing", "What it is called.");
    refused("{\"places\":[{\"name\":\"a\"},{\"name\":\"b\",\"flor\":2}]}", "there is no input \"places[2].flor\"",
            "Did you mean \"floor\"?");
    refused("{\"places\":[{\"name\":\"a\",\"floor\":\"x\"}]}",
            "input \"places[1].floor\" wants an integer, got \"x\"", NULL);
    refused("{\"places\":[3]}", "input \"places[1]\" wants an object, got the integer 3", NULL);
    refused("{\"place\":\"hall\"}", "input \"place\" wants an object, got \"hall\"", NULL);
}

static void
sql_keeps_its_parameters_apart(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct all_in in;
    fill(&arena, "{\"query\":\"select 1\"}", &in);
    CHECK_STR(in.query.text, "select 1");
    CHECK_INT(in.query.count, 0);
    fill(&arena, "{\"query\":{\"sql\":\"select  + \",\"params\":[[7,\"x' or 1\"],[10,{\"a\":1}]]}}", &in);
    CHECK_STR(in.query.text, "select  + ");
    CHECK_INT(in.query.count, 2);
    CHECK_INT(in.query.params[0].offset, 7);
    CHECK_STR(in.query.params[0].json, "\"x' or 1\"");
    CHECK_STR(in.query.params[1].json, "{\"a\":1}");
    const char *message = "input \"query\" has a parameter 1 that is no [offset, value] within the text";
    refused("{\"query\":{\"sql\":\"abc\",\"params\":[[4,1]]}}", message, NULL);
    refused("{\"query\":{\"sql\":\"abc\",\"params\":[[-1,1]]}}", message, NULL);
    refused("{\"query\":{\"sql\":\"abc\",\"params\":[7]}}", message, NULL);
    refused("{\"query\":{\"sql\":\"abc\",\"params\":[[2,1],[1,1]]}}",
            "input \"query\" has a parameter 2 that is no [offset, value] within the text", NULL);
    refused("{\"query\":{\"sql\":\"abc\"}}", "input \"query\" wants SQL text, got a map", NULL);
    refused("{\"query\":5}", "input \"query\" wants SQL text, got the integer 5", NULL);
}

static void
secrets_go_into_secret_inputs_only(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *secret = value_textn(&arena, VALUE_SECRET, "hunter22", 8), *given = value_map(&arena);
    struct all_in in = {0};
    struct err err = {0};
    value_set(&arena, given, "key", secret);
    CHECK_INT(field_fill(&arena, FIELDS, given, "/flow", &in, sizeof in, &err), 0);
    CHECK_STR(in.key.value, "hunter22");
    CHECK_INT(in.key.size, 8);
    CHECK_STR(in.key.name, "key");
    static const char *const others[] = {"text", "count", "document", "words", "labels", "query", "file", "place"};
    for (size_t i = 0; i < CHECK_COUNT(others); i++) {
        given = value_map(&arena);
        value_set(&arena, given, others[i], secret);
        refused_value(given, arena_printf(&arena, "input \"%s\" is not marked secret and may not take one", others[i]),
                      NULL);
    }
    /* Deep inside as well. */
    struct value *list = value_list(&arena);
    value_push(&arena, list, secret);
    given = value_map(&arena);
    value_set(&arena, given, "document", list);
    refused_value(given, "input \"document\" is not marked secret and may not take one", NULL);
    struct value *reference = value_new(&arena, VALUE_SECRET);
    given = value_map(&arena);
    value_set(&arena, given, "key", reference);
    refused_value(given, "input \"key\" has a secret without a value", NULL);
}

static void
a_secret_may_be_a_member_of_an_object(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *secret = value_textn(&arena, VALUE_SECRET, "hunter22", 8);
    struct value *given = value_map(&arena), *places = value_list(&arena), *place = value_map(&arena);
    struct all_in in = {0};
    struct err err = {0};
    value_set(&arena, given, "places", places);
    value_set(&arena, given, "place", place);
    value_push(&arena, places, place);
    value_set(&arena, place, "name", value_text(&arena, "vault"));
    value_set(&arena, place, "code", secret);
    CHECK_INT(field_fill(&arena, FIELDS, given, "/flow", &in, sizeof in, &err), 0);
    CHECK_STR(err.message, "");
    CHECK_STR(((const struct place_in *)in.place.value)->code.value, "hunter22");
    CHECK_STR(((const struct place_in *)in.places.items)->code.name, "places[1].code");
    value_set(&arena, place, "name", secret);
    refused_value(given, "input \"place.name\" is not marked secret and may not take one", NULL);
}

static void
a_wrong_type_is_refused_with_what_to_write(void)
{
    refused("{\"text\":1.10}", "input \"text\" wants a string, got the number 1.1",
            "Write it in quotes to make it a text.");
    refused("{\"flag\":\"yes\"}", "input \"flag\" wants a boolean, got \"yes\"",
            "Write true or false, without quotes.");
    refused("{\"count\":\"5\"}", "input \"count\" wants an integer, got \"5\"", NULL);
    refused("{\"count\":1.5}", "input \"count\" wants an integer, got the number 1.5", NULL);
    refused("{\"ratio\":true}", "input \"ratio\" wants a number, got the boolean true", NULL);
    refused("{\"wait\":30}", "input \"wait\" wants a duration, got the integer 30",
            "Write a number with its unit, like 500ms, 90s, 5m, 2h or 1d.");
    refused("{\"wait\":\"soon\"}", "input \"wait\" wants a duration, got \"soon\"", NULL);
    refused("{\"amount\":-1}", "input \"amount\" wants a size, got the integer -1", NULL);
    refused("{\"amount\":\"10 potatoes\"}", "input \"amount\" wants a size, got \"10 potatoes\"", NULL);
    refused("{\"at\":\"2026-02-30\"}", "input \"at\" wants a timestamp, got \"2026-02-30\"", NULL);
    refused("{\"link\":\"/tmp/x\"}", "input \"link\" wants a URI, got \"/tmp/x\"", NULL);
    refused("{\"link\":\"https://a b\"}", "input \"link\" wants a URI, got \"https://a b\"", NULL);
    refused("{\"text\":null}", "input \"text\" wants a string, got null",
            "Leave the input out, or give another value with default(x, …).");
    refused("{\"text\":\"a\\u0000b\"}", "input \"text\" has a NUL byte in its text", NULL);
    refused("[1]", "inputs must be a map, got a list", NULL);
    refused("{\"coutn\":1}", "there is no input \"coutn\"", "Did you mean \"count\"?");
}

static void
typed_values_are_taken(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *given = value_map(&arena);
    struct all_in in = {0};
    struct err err = {0};
    value_set(&arena, given, "wait", value_typed(&arena, VALUE_DURATION, 5000));
    value_set(&arena, given, "amount", value_typed(&arena, VALUE_SIZE, 7));
    value_set(&arena, given, "at", value_typed(&arena, VALUE_TIMESTAMP, 1000));
    value_set(&arena, given, "text", value_typed(&arena, VALUE_TIMESTAMP, 0));
    value_set(&arena, given, "query", value_textn(&arena, VALUE_SQL, "\"a\"", 3));
    CHECK_INT(field_fill(&arena, FIELDS, given, "/flow", &in, sizeof in, &err), 0);
    CHECK_INT(in.wait.ms, 5000);
    CHECK_INT(in.amount.bytes, 7);
    CHECK_INT(in.at.ms, 1000);
    CHECK_STR(in.text.text, "1970-01-01T00:00:00Z");
    CHECK_STR(in.query.text, "\"a\"");
}

static void
choices_and_bounds_hold(void)
{
    refused("{\"colour\":\"rde\"}", "input \"colour\" does not take \"rde\"",
            "Did you mean \"red\"? It takes one of: red, green, blue.");
    refused("{\"colour\":\"mauve\"}", "input \"colour\" does not take \"mauve\"", "It takes one of: red, green, blue.");
    refused("{\"bounded\":0}", "input \"bounded\" must be at least 1, got the integer 0", NULL);
    refused("{\"bounded\":11}", "input \"bounded\" must be at most 10, got the integer 11", NULL);
}

static void
long_and_wild_texts_are_shown_short_and_plain(void)
{
    struct arena arena ARENA_SCOPED = {0};
    char text[400] = "{\"wait\":\"";
    for (int i = 0; i < 50; i++) strncat(text, "\xc3\xa9y", sizeof text - strlen(text) - 1);
    strncat(text, "\"}", sizeof text - strlen(text) - 1);
    struct all_in in = {0};
    struct err err = {0};
    CHECK_INT(field_fill(&arena, FIELDS, parse(&arena, text), "/", &in, sizeof in, &err), EXIT_INVALID);
    CHECK(strlen(err.message) < 130);
    CHECK(strstr(err.message, "…\"") != NULL);
    refused("{\"wait\":\"\\u001b[31m\"}", "input \"wait\" wants a duration, got \"\\x1b[31m\"", NULL);
}

static void
coerce_reads_texts(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    CHECK_INT(field_coerce(&arena, LEVADA_TYPE_INT, value_text(&arena, "12"), &err)->integer, 12);
    CHECK(field_coerce(&arena, LEVADA_TYPE_REAL, value_text(&arena, "1.5"), &err)->real == 1.5);
    CHECK(field_coerce(&arena, LEVADA_TYPE_REAL, value_int(&arena, 1), &err)->real == 1.0);
    CHECK(field_coerce(&arena, LEVADA_TYPE_BOOL, value_text(&arena, "true"), &err)->boolean);
    CHECK_INT(field_coerce(&arena, LEVADA_TYPE_DURATION, value_text(&arena, "2h"), &err)->integer, 7200000);
    CHECK(field_coerce(&arena, LEVADA_TYPE_INT, value_text(&arena, "twelve"), &err) == NULL);
    CHECK_STR(err.message, "wants an integer, got \"twelve\"");
    CHECK_STR(err.hint, "Write a whole number, without quotes.");
    CHECK(field_coerce(&arena, LEVADA_TYPE_BOOL, value_text(&arena, "yes"), &err) == NULL);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"scalars of every type arrive", scalars_arrive},
        {"presence says what was given, false and 0 and empty included", presence_is_what_was_given},
        {"what is not given is empty and never NULL", nothing_given_is_empty_never_null},
        {"paths are relative to the workflow's folder", paths_are_relative_to_the_folder},
        {"lists and maps hold texts, and one text is a list of one", lists_and_maps_hold_texts},
        {"documents are JSON", documents_are_json},
        {"objects nest with their own presence and defaults", objects_nest},
        {"SQL keeps its parameters apart from its text", sql_keeps_its_parameters_apart},
        {"a secret goes into secret inputs only", secrets_go_into_secret_inputs_only},
        {"a secret may be a member of an object, where its table says so", a_secret_may_be_a_member_of_an_object},
        {"a wrong type is refused with what to write instead", a_wrong_type_is_refused_with_what_to_write},
        {"values that are typed already are taken", typed_values_are_taken},
        {"choices and bounds hold", choices_and_bounds_hold},
        {"long and wild texts are shown short and plain", long_and_wild_texts_are_shown_short_and_plain},
        {"coerce reads what a person types", coerce_reads_texts},
    };
    return check_main("field", tests, CHECK_COUNT(tests), argc, argv);
}
