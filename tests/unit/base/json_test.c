/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON in and out: strict on the way in, exact on the way out, and the same after a round trip.
 */
#include "base/json.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "check.h"

static void
round_trip(const char *text, const char *want)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct value *value = NULL;
    struct err err = {0};
    CHECK_INT(json_parse(&arena, text, strlen(text), &value, &err), 0);
    CHECK_STR(err.message, "");
    CHECK_FATAL(value != NULL);
    CHECK_STR(json_text(&arena, value), want);
}

static void
valid_json_comes_back(void)
{
    static const char *const same[] = {
        "null", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808", "1.5", "-0.25", "\"\"",
        "[]", "{}", "[1,[2,[3]],{}]", "{\"b\":1,\"a\":2}", "\"\\\"\\\\\\n\\t\\r\\u0001\"", "{\"\":null}", "0.1",
        "1e+300",
        "4.94065645841247e-324", "1.7976931348623157e+308", "100.0", "0.30000000000000004"};
    for (size_t i = 0; i < CHECK_COUNT(same); i++) round_trip(same[i], same[i]);
    round_trip(" [ 1 , 2 ] ", "[1,2]");
    round_trip("\"\\u00e9\\ud83d\\ude00\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"");
    round_trip("\"\\/\\b\\f\"", "\"/\\u0008\\u000c\"");
    round_trip("\"a\\u0000b\"", "\"a\\u0000b\"");
    round_trip("1.0", "1.0");
    round_trip("1E2", "100.0");
    round_trip("-0.0", "-0.0");
    round_trip("\"\x7f\"", "\"\x7f\"");
}

static void
refused(const char *text, size_t size)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct value *value = NULL;
    struct err err = {0};
    int code = json_parse(&arena, text, size, &value, &err);
    if (code != EXIT_INVALID) printf("\ntaken: %s\n", text);
    CHECK_INT(code, EXIT_INVALID);
    CHECK(value == NULL);
    CHECK(err.message[0] != '\0');
    CHECK(json_read(&arena, text, size) == NULL);
}

static void
invalid_json_is_refused(void)
{
    static const char *const bad[] = {
        "", " ", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "'a'", "[1 2]", "01", "+1", "1.", ".5", "1e", "0x1",
        "NaN", "Infinity", "nul", "TRUE", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\\ud800\"",
        "\"a\nb\"",
        "1 2", "[1]]", "{\"a\":1,\"a\":2}", "9223372036854775808", "-9223372036854775809", "1e999", "\"\xff\"",
        "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\xef\xbb\xbf[]", "/**/1", "{\"a\\u0000b\":1}"};
    for (size_t i = 0; i < CHECK_COUNT(bad); i++) refused(bad[i], strlen(bad[i]));
    refused("1\0", 2);
    refused("1\0junk", 6);
    refused("[\0]", 3);
}

static void
the_quick_way_takes_what_is_plain_and_leaves_the_rest(void)
{
    static const char *const plain[] = {
        "{\"a\":[1,-2,0,3.5,1e-07],\"b\":{\"c\":null,\"d\":[true,false]},\"\\u00e9\\n\":\"\\ud83d\\ude00\\\\\\\"\\/\"}",
        " [ \"\xc3\xa9\" , { } , [ ] ]\n", "999999999999999999", "\"a\\u0000b\"", "-0.0"};
    static const char *const odd[] = {"9223372036854775807", "-1000000000000000000",
                                      "0.0000000000000000000000000000000000000000001"};
    struct arena arena ARENA_SCOPED = {0};
    for (size_t i = 0; i < CHECK_COUNT(plain); i++) {
        const struct value *quick = json_read(&arena, plain[i], strlen(plain[i]));
        CHECK_FATAL(quick != NULL);
        /* Behind a number that only jansson takes, the same text goes the other way. */
        const char *slow_text = arena_printf(&arena, "[%s,9223372036854775807]", plain[i]);
        const struct value *slow = NULL;
        struct err err = {0};
        CHECK_INT(json_parse(&arena, slow_text, strlen(slow_text), &slow, &err), 0);
        CHECK(value_equal(quick, slow->list.items[0]));
    }
    for (size_t i = 0; i < CHECK_COUNT(odd); i++) {
        CHECK(json_read(&arena, odd[i], strlen(odd[i])) == NULL);
        round_trip(odd[i], i == 2 ? "1e-43" : odd[i]);
    }
    struct buf many BUF_SCOPED;
    buf_init(&many, 10000);
    for (int i = 0; i < 100; i++) buf_printf(&many, "%c\"k%d\":%d", i ? ',' : '{', i, i);
    buf_char(&many, '}');
    CHECK(json_read(&arena, buf_str(&many), many.size) == NULL);
    round_trip(buf_str(&many), buf_str(&many));
}

static void
an_error_has_its_place(void)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct value *value = NULL;
    struct err err = {0};
    const char *text = "{\n  \"a\": 1,\n  \"b\": oops\n}";
    CHECK_INT(json_parse(&arena, text, strlen(text), &value, &err), EXIT_INVALID);
    CHECK_INT(err.line, 3);
    CHECK(err.column >= 8 && err.column <= 11);
    CHECK(strstr(err.message, "not valid JSON: ") == err.message);
}

static void
depth_is_bounded(void)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct value *value = NULL;
    struct err err = {0};
    char text[4001];
    memset(text, '[', 2000);
    memset(text + 2000, ']', 2000);
    CHECK_INT(json_parse(&arena, text + 2000 - LIMIT_DEPTH, 2 * LIMIT_DEPTH, &value, &err), 0);
    value = NULL;
    CHECK_INT(json_parse(&arena, text + 1900, 200, &value, &err), EXIT_INVALID);
    CHECK_STR(err.message, "JSON is nested more than 64 deep");
    CHECK(value == NULL);
    CHECK_INT(json_parse(&arena, text, 4000, &value, &err), EXIT_INVALID);
    CHECK_INT(json_parse(&arena, text, 2000, &value, &err), EXIT_INVALID);
}

static void
parsed_maps_can_grow(void)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct value *value = NULL;
    struct err err = {0};
    const char *text = "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5}";
    CHECK_INT(json_parse(&arena, text, strlen(text), &value, &err), 0);
    struct value *copy = value_copy(&arena, value);
    for (int i = 0; i < 30; i++) value_set(&arena, copy, arena_printf(&arena, "k%d", i), value_int(&arena, i));
    CHECK_INT(copy->map.count, 35);
    CHECK_INT(value_get_int(copy, "e", 0), 5);
}

static void
check_quote(const char *text, size_t size, const char *want)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 1000);
    json_quote(&buf, text, size);
    CHECK_STR(buf_str(&buf), want);
}

static void
quoting_repairs_bad_bytes(void)
{
    check_quote("plain", 5, "\"plain\"");
    check_quote("a\xff" "b", 3, "\"a\xef\xbf\xbd" "b\"");
    check_quote("\xc3", 1, "\"\xef\xbf\xbd\"");
    check_quote("\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    check_quote("\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_quote("\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\"");
    check_quote("a\0b", 3, "\"a\\u0000b\"");
    check_quote("", 0, "\"\"");
}

static void
typed_values_are_written(void)
{
    struct arena arena ARENA_SCOPED = {0};
    CHECK_STR(json_text(&arena, value_typed(&arena, VALUE_DURATION, 5400000)), "\"1h30m\"");
    CHECK_STR(json_text(&arena, value_typed(&arena, VALUE_SIZE, 1536)), "1536");
    CHECK_STR(json_text(&arena, value_typed(&arena, VALUE_TIMESTAMP, 1)), "\"1970-01-01T00:00:00.001Z\"");
    CHECK_STR(json_text(&arena, value_textn(&arena, VALUE_SECRET, "hunter22", 8)), "\"***\"");
    CHECK_STR(json_text(&arena, value_textn(&arena, VALUE_SQL, "\"a\"", 3)), "\"\\\"a\\\"\"");
    CHECK_STR(json_text(&arena, value_real(&arena, NAN)), "null");
    CHECK_STR(json_text(&arena, value_real(&arena, -INFINITY)), "null");
}

static void
reals_survive_a_round_trip(void)
{
    static const double reals[] = {0.1, 1.0 / 3, 2.5e-8, 123456789.123456789, 1e15, 1e16, 1e17, 9007199254740993.0,
                                   DBL_MAX, DBL_MIN, DBL_EPSILON, 5e-324, -1e-300};
    for (size_t i = 0; i < CHECK_COUNT(reals); i++) {
        struct arena arena ARENA_SCOPED = {0};
        const struct value *back = NULL;
        struct err err = {0};
        const char *text = json_text(&arena, value_real(&arena, reals[i]));
        CHECK_INT(json_parse(&arena, text, strlen(text), &back, &err), 0);
        CHECK(value_is(back, VALUE_REAL));
        CHECK(value_equal(back, value_real(&arena, reals[i])));
    }
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"valid JSON comes back in one form", valid_json_comes_back},
        {"invalid JSON is refused", invalid_json_is_refused},
        {"the quick way takes what is plain and leaves the rest to jansson",
         the_quick_way_takes_what_is_plain_and_leaves_the_rest},
        {"an error has its line and column", an_error_has_its_place},
        {"depth is bounded, and the message names the limit", depth_is_bounded},
        {"a parsed map can be copied and grown", parsed_maps_can_grow},
        {"quoting escapes controls and repairs what is no UTF-8", quoting_repairs_bad_bytes},
        {"typed values are written as documented", typed_values_are_written},
        {"reals stay reals and keep their value", reals_survive_a_round_trip},
    };
    return check_main("json", tests, CHECK_COUNT(tests), argc, argv);
}
