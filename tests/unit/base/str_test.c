/* SPDX-License-Identifier: Apache-2.0
 *
 * What users write and how it is written back: numbers, durations, sizes, times, ids, UTF-8, suggestions.
 */
#include "base/str.h"

#include <math.h>
#include <string.h>

#include "check.h"

#define NONE INT64_C(-424242) /* what ret holds when a parser refuses: untouched */

static void
check_number(bool (*parse)(const char *, int64_t *), const char *text, int64_t want, int line)
{
    int64_t got = NONE;
    bool ok = parse(text, &got);
    if (ok != (want != NONE) || got != want) printf("\n%d: \"%s\"\n", line, text);
    CHECK(ok == (want != NONE));
    CHECK_INT(got, want);
}

#define INT(text, want) check_number(str_to_int, text, want, __LINE__)
#define DURATION(text, want) check_number(str_to_duration, text, want, __LINE__)
#define SIZE(text, want) check_number(str_to_size, text, want, __LINE__)
#define TIME(text, want) check_number(str_to_timestamp, text, want, __LINE__)

static void
integers(void)
{
    INT("0", 0);
    INT("-0", 0);
    INT("+5", 5);
    INT("007", 7);
    INT("9223372036854775807", INT64_MAX);
    INT("-9223372036854775808", INT64_MIN);
    INT("9223372036854775808", NONE);
    INT("-9223372036854775809", NONE);
    INT("", NONE);
    INT("-", NONE);
    INT("+-5", NONE);
    INT(" 5", NONE);
    INT("5 ", NONE);
    INT("5.0", NONE);
    INT("0x10", NONE);
    INT("1e3", NONE);
    INT("\xd9\xa3", NONE); /* an Arabic digit */
}

static void
check_real(const char *text, double want)
{
    double got = -424242;
    bool ok = str_to_real(text, &got);
    CHECK(ok == !isnan(want));
    CHECK(ok ? got >= want && got <= want : got <= -424242 && got >= -424242);
}

static void
reals(void)
{
    check_real("1", 1);
    check_real("-1.5", -1.5);
    check_real("+.5", .5);
    check_real("1e3", 1000);
    check_real("1.7976931348623157e308", 1.7976931348623157e308);
    check_real("1e-400", 0);
    check_real("1e999", NAN);
    check_real("-1e999", NAN);
    check_real("", NAN);
    check_real(".", NAN);
    check_real("nan", NAN);
    check_real("inf", NAN);
    check_real("infinity", NAN);
    check_real("0x1p3", NAN);
    check_real("-0x1", NAN);
    check_real("1,5", NAN);
    check_real("1.5 ", NAN);
    check_real("--1", NAN);
}

static void
durations_are_read(void)
{
    DURATION("0s", 0);
    DURATION("90s", 90000);
    DURATION("500ms", 500);
    DURATION("1h30m", 5400000);
    DURATION("1m500ms", 60500);
    DURATION("2d", 172800000);
    DURATION("1w", 604800000);
    DURATION("1w2d3h4m5s6ms", 788645006);
    DURATION("1.5h", 5400000);
    DURATION("0.25s", 250);
    DURATION("0.0004s", 0);
    DURATION("0.0005s", 1);
    DURATION("9000000000000000ms", NONE);
    DURATION("8999999999999999ms", INT64_C(8999999999999999));
    DURATION("99999999999999999999w", NONE);
}

static void
durations_are_refused(void)
{
    static const char *const bad[] = {
        "", "5", "0", "s", "-5s", "+5s", " 5s", "5s ", "5 s", "1h 30m", "30m1h", "1h1h", "1s1s", "1.s", ".5s",
        "1e3s", "0x10s", "1..5s", "1.5.5s", "5min", "5sec", "5S", "5M", "1y", "5s,", "infs", "nans", "1h30",
        "1\xc2\xb5s"};
    for (size_t i = 0; i < CHECK_COUNT(bad); i++) DURATION(bad[i], NONE);
}

static void
check_duration_text(int64_t ms, const char *want)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 1000);
    str_duration(&buf, ms);
    CHECK_STR(buf_str(&buf), want);
    if (ms >= 0 && ms < INT64_C(9000000000000000)) DURATION(buf_str(&buf), ms);
}

static void
durations_are_written_and_parse_back(void)
{
    check_duration_text(0, "0s");
    check_duration_text(1, "1ms");
    check_duration_text(999, "999ms");
    check_duration_text(1000, "1s");
    check_duration_text(1500, "1.5s");
    check_duration_text(1050, "1.05s");
    check_duration_text(1001, "1.001s");
    check_duration_text(60000, "1m");
    check_duration_text(60500, "1m500ms");
    check_duration_text(61500, "1m1.5s");
    check_duration_text(5400000, "1h30m");
    check_duration_text(7200000, "2h");
    check_duration_text(604800000, "7d");
    check_duration_text(90061001, "1d1h1m1.001s");
    check_duration_text(-1500, "-1.5s");
    check_duration_text(INT64_MIN, "-106751991167d7h12m55.808s");
    check_duration_text(INT64_MAX, "106751991167d7h12m55.807s");
    for (int64_t ms = 1; ms < 10000000; ms = ms * 3 + 7) {
        struct buf buf BUF_SCOPED;
        buf_init(&buf, 100);
        str_duration(&buf, ms);
        DURATION(buf_str(&buf), ms);
    }
}

static void
sizes_are_read(void)
{
    SIZE("0", 0);
    SIZE("512", 512);
    SIZE("512B", 512);
    SIZE("10KiB", 10240);
    SIZE("10 KiB", 10240);
    SIZE("1.5GiB", 1610612736);
    SIZE("2GB", 2000000000);
    SIZE("1kB", 1000);
    SIZE("1KB", 1000);
    SIZE("1TiB", INT64_C(1099511627776));
    SIZE("1PiB", INT64_C(1125899906842624));
    SIZE("1.3KiB", 1331);
    SIZE("9007199254740993", INT64_C(9007199254740993)); /* no double holds it */
    SIZE("9199999999999999999", INT64_C(9199999999999999999));
    SIZE("8191PiB", INT64_C(9222246136947933184));
    SIZE("8192PiB", NONE);
    SIZE("8192.5PiB", NONE);
    SIZE("8000PiB", INT64_C(9007199254740992000));
    SIZE("9223372036854775807", INT64_MAX);
    SIZE("9223372036854775808", NONE);
    SIZE("99999999999999999999999", NONE);
}

static void
sizes_are_refused(void)
{
    static const char *const bad[] = {"", "B", "KiB", "-1", "+1", " 1", "1 ", "1  KiB", "1KiB ", "1.5", "1.5B", "1.KiB",
                                      ".5KiB", "0x10", "1e3", "1kib", "1K", "1M", "1G", "1Ki", "1mb", "1,5MB", "one",
                                      "1KiB1B"};
    for (size_t i = 0; i < CHECK_COUNT(bad); i++) SIZE(bad[i], NONE);
}

static void
check_size_human(int64_t bytes, const char *want)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 100);
    str_size_human(&buf, bytes);
    CHECK_STR(buf_str(&buf), want);
}

static void
sizes_for_people(void)
{
    check_size_human(0, "0 B");
    check_size_human(1023, "1023 B");
    check_size_human(1024, "1.0 KiB");
    check_size_human(1536, "1.5 KiB");
    check_size_human(1048575, "1.0 MiB");
    check_size_human(1048576, "1.0 MiB");
    check_size_human(INT64_C(1) << 50, "1.0 PiB");
    check_size_human(INT64_MAX, "8192.0 PiB");
}

static void
timestamps_are_read(void)
{
    TIME("1970-01-01", 0);
    TIME("1970-01-01T00:00:00Z", 0);
    TIME("1970-01-01t00:00:00z", 0);
    TIME("1970-01-01 00:00:00Z", 0);
    TIME("2026-01-02T03:04:05Z", INT64_C(1767323045000));
    TIME("2026-01-02T03:04:05.6Z", INT64_C(1767323045600));
    TIME("2026-01-02T03:04:05.678Z", INT64_C(1767323045678));
    TIME("2026-01-02T03:04:05.678999999999999999999999Z", INT64_C(1767323045678));
    TIME("2026-01-02T03:04:05+08:00", INT64_C(1767294245000));
    TIME("2026-01-01T19:34:05-07:30", INT64_C(1767323045000));
    TIME("1969-12-31T23:59:59.999Z", -1);
    TIME("2000-02-29", INT64_C(951782400000));
    TIME("0000-01-01", INT64_C(-62167219200000));
    TIME("9999-12-31T23:59:59.999Z", INT64_C(253402300799999));
}

static void
timestamps_are_refused(void)
{
    static const char *const bad[] = {
        "", "2026", "2026-01", "2026-1-2", "26-01-02", "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32",
        "2026-02-29", "1900-02-29", "2026-04-31", "2026-01-02T", "2026-01-02T03:04Z", "2026-01-02T03:04:05",
        "2026-01-02T24:00:00Z", "2026-01-02T03:60:00Z", "2026-01-02T03:04:60Z", "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05+0800", "2026-01-02T03:04:05+08", "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+08:60", "2026-01-02T03:04:05ZZ", "2026-01-02Z", " 2026-01-02", "2026-01-02 ",
        "-2026-01-02", "2026/01/02", "20260102T030405Z", "now", "2026-01-02T03:04:05 Z"};
    for (size_t i = 0; i < CHECK_COUNT(bad); i++) TIME(bad[i], NONE);
}

static void
check_timestamp_text(int64_t ms, const char *want)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 100);
    str_timestamp(&buf, ms);
    CHECK_STR(buf_str(&buf), want);
    TIME(buf_str(&buf), ms);
}

static void
timestamps_are_written_and_parse_back(void)
{
    check_timestamp_text(0, "1970-01-01T00:00:00Z");
    check_timestamp_text(-1, "1969-12-31T23:59:59.999Z");
    check_timestamp_text(INT64_C(1767323045678), "2026-01-02T03:04:05.678Z");
    check_timestamp_text(INT64_C(1767323045070), "2026-01-02T03:04:05.070Z");
    check_timestamp_text(INT64_C(951782400000), "2000-02-29T00:00:00Z");
    check_timestamp_text(INT64_C(-62167219200000), "0000-01-01T00:00:00Z");
    /* Every day of four centuries there and back. */
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 100);
    int64_t wrong = 0;
    for (int64_t day = -100000; day < 100000; day += 7) {
        int64_t back = NONE;
        buf_clear(&buf);
        str_timestamp(&buf, day * 86400000 + 12345678);
        if (!str_to_timestamp(buf_str(&buf), &back) || back != day * 86400000 + 12345678) wrong++;
    }
    CHECK_INT(wrong, 0);
}

static void
ids(void)
{
    CHECK(str_is_id("a"));
    CHECK(str_is_id("load_2"));
    CHECK(!str_is_id(""));
    CHECK(!str_is_id("2a"));
    CHECK(!str_is_id("_a"));
    CHECK(!str_is_id("A"));
    CHECK(!str_is_id("a-b"));
    CHECK(!str_is_id("a.b"));
    CHECK(!str_is_id("a b"));
    CHECK(!str_is_id("\xc3\xa9"));
    static const char *const words[] = {"end", "nil", "repeat", "class", "export", "int", "restrict", "true", "elseif",
                                        "co_await", "xor_eq"};
    for (size_t i = 0; i < CHECK_COUNT(words); i++) CHECK(str_is_keyword(words[i]));
    CHECK(!str_is_keyword("load"));
    CHECK(!str_is_keyword("End"));
    CHECK(!str_is_keyword(""));
}

static void
prefixes_and_suffixes(void)
{
    CHECK(str_starts("abc", "") && str_starts("abc", "abc") && !str_starts("ab", "abc"));
    CHECK(str_ends("abc", "") && str_ends("abc", "bc") && !str_ends("bc", "abc") && !str_ends("abc", "ab"));
    CHECK(str_eq("", "") && !str_eq("a", "A"));
}

static void
utf8(void)
{
    CHECK_INT(str_utf8_bad("", 0), -1);
    CHECK_INT(str_utf8_bad("h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10), -1);
    CHECK_INT(str_utf8_bad("a\0b", 3), -1);
    CHECK_INT(str_utf8_bad("\xf4\x8f\xbf\xbf", 4), -1);       /* the last code point */
    CHECK_INT(str_utf8_bad("\xf4\x90\x80\x80", 4), 0);        /* one beyond */
    CHECK_INT(str_utf8_bad("\xed\x9f\xbf\xee\x80\x80", 6), -1); /* both sides of the surrogates */
    CHECK_INT(str_utf8_bad("ab\xed\xa0\x80", 5), 2);          /* a surrogate */
    CHECK_INT(str_utf8_bad("\xc0\xaf", 2), 0);                /* overlong */
    CHECK_INT(str_utf8_bad("\xe0\x80\xaf", 3), 0);
    CHECK_INT(str_utf8_bad("\xf0\x80\x80\xaf", 4), 0);
    CHECK_INT(str_utf8_bad("\xc3", 1), 0);                    /* cut off */
    CHECK_INT(str_utf8_bad("\xe2\x82", 2), 0);
    CHECK_INT(str_utf8_bad("a\xf0\x9f\x98", 4), 1);
    CHECK_INT(str_utf8_bad("\x80", 1), 0);                    /* a tail without a head */
    CHECK_INT(str_utf8_bad("\xff", 1), 0);
    CHECK_INT(str_utf8_bad("\xc3\x28", 2), 0);
    /* The tail lies beyond what we may look at. */
    CHECK_INT(str_utf8_bad("\xc3\xa9", 1), 0);
}

static void
suggestions(void)
{
    static const char *const names[] = {"max_parallel", "needs", "retry", "timeout", "id", "if", "on_failure"};
    const size_t n = CHECK_COUNT(names);
    CHECK_STR(str_nearest("max-parallel", names, n), "max_parallel");
    CHECK_STR(str_nearest("maxparallel", names, n), "max_parallel");
    CHECK_STR(str_nearest("Needs", names, n), "needs");
    CHECK_STR(str_nearest("need", names, n), "needs");
    CHECK_STR(str_nearest("nedes", names, n), "needs"); /* two neighbours swapped */
    CHECK_STR(str_nearest("tiemout", names, n), "timeout");
    CHECK_STR(str_nearest("on-failure", names, n), "on_failure");
    CHECK_STR(str_nearest("idd", names, n), "id");
    CHECK(str_nearest("banana", names, n) == NULL);
    CHECK(str_nearest("", names, n) == NULL);
    CHECK(str_nearest("x", names, n) == NULL);
    CHECK(str_nearest("needs", names, 0) == NULL);
    char longest[300];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CHECK(str_nearest(longest, names, n) == NULL);
}

static void
check_plain(const char *text, size_t size, const char *want)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 1000);
    str_plain(&buf, text, size);
    CHECK_STR(buf_str(&buf), want);
}

static void
plain_text(void)
{
    check_plain("a\tb\nh\xc3\xa9", 7, "a\tb\nh\xc3\xa9");
    check_plain("\x1b[31mred", 8, "\\x1b[31mred");
    check_plain("a\rb\0c\x7f", 6, "a\\x0db\\x00c\\x7f");
    check_plain("\xc2\x9b" "31m", 5, "\\xc2\\x9b31m");              /* CSI as a C1 control */
    check_plain("x\xe2\x80\xaey", 5, "x\\xe2\\x80\\xaey");          /* right-to-left override */
    check_plain("x\xe2\x81\xa6y", 5, "x\\xe2\\x81\\xa6y");          /* isolate */
    check_plain("x\xd8\x9cy", 4, "x\\xd8\\x9cy");                   /* Arabic letter mark */
    check_plain("\xff\xc3", 2, "\\xff\\xc3");
    check_plain("\xe2\x82", 2, "\\xe2\\x82");
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"integers are decimal and whole", integers},
        {"reals are finite and whole", reals},
        {"durations are read with their units, falling, once each", durations_are_read},
        {"anything near a duration is refused", durations_are_refused},
        {"durations are written in one way and parse back", durations_are_written_and_parse_back},
        {"sizes are read exactly", sizes_are_read},
        {"anything near a size is refused", sizes_are_refused},
        {"sizes for people round to one decimal", sizes_for_people},
        {"timestamps are read with their zones", timestamps_are_read},
        {"anything near a timestamp is refused", timestamps_are_refused},
        {"timestamps are written in one way and parse back", timestamps_are_written_and_parse_back},
        {"ids and keywords", ids},
        {"prefixes and suffixes", prefixes_and_suffixes},
        {"UTF-8 is checked to the letter", utf8},
        {"a suggestion is near or is not made", suggestions},
        {"text for a terminal hides nothing and moves nothing", plain_text},
    };
    return check_main("str", tests, CHECK_COUNT(tests), argc, argv);
}
