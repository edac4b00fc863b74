/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates and calendars in named zones: what a nightly load and the name of a backup need, over the hours at which
 * clocks are set.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "eval_help.h"

struct pair {
    const char *text, *want;
};

static void
check_pairs(const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = eval_text(pairs[i].text);
        if (strcmp(got, pairs[i].want) != 0) printf("\n%s", pairs[i].text);
        CHECK_STR(got, pairs[i].want);
    }
}

static void
a_clock_is_read_in_its_zone(void)
{
    static const struct pair pairs[] = {
        {"timestamp('2026-01-31', 'Australia/Perth')", "timestamp \"2026-01-30T16:00:00Z\""},
        {"timestamp('2026-01-31 08:15', 'Europe/Berlin')", "timestamp \"2026-01-31T07:15:00Z\""},
        {"timestamp('2026-07-31T08:15:30.250', 'Europe/Berlin')", "timestamp \"2026-07-31T06:15:30.250Z\""},
        {"timestamp('2026-07-31T08:15:00Z', 'Europe/Berlin')", "timestamp \"2026-07-31T08:15:00Z\""},
        {"timestamp('2026-07-31T08:15:00-04:00', 'Europe/Berlin')", "timestamp \"2026-07-31T12:15:00Z\""},
        {"timestamp('2026-07-31T08:15:00', 'UTC')", "timestamp \"2026-07-31T08:15:00Z\""},
        {"timestamp(0, 'Asia/Tokyo')", "timestamp \"1970-01-01T00:00:00Z\""},
        /* never, twice, and the day that Samoa left out */
        {"timestamp('2026-03-29 02:30', 'Europe/Berlin')", "timestamp \"2026-03-29T01:30:00Z\""},
        {"timestamp('2026-10-25 02:30', 'Europe/Berlin')", "timestamp \"2026-10-25T00:30:00Z\""},
        {"timestamp('2026-10-04 02:15', 'Australia/Lord_Howe')", "timestamp \"2026-10-03T15:45:00Z\""},
        {"timestamp('2011-12-30', 'Pacific/Apia')", "timestamp \"2011-12-30T10:00:00Z\""},
        {"timestamp('2026-07-31 08:15')", "3:7 timestamp(): \"2026-07-31 08:15\" is not a time | Write the zone too: "
                                          "timestamp(text, \"Europe/Berlin\")."},
        {"timestamp('soon', 'Europe/Berlin')", "3:7 timestamp(): \"soon\" is not a time | Write \"2026-01-31\" or "
                                               "\"2026-01-31T08:00:00Z\"."},
        {"timestamp(0, 'Europe/Berlni')",
         "3:7 timestamp(): no time zone is named \"Europe/Berlni\" | Did you mean \"Europe/Berlin\"?"},
        {"timestamp(0, '/etc/passwd')", "3:7 timestamp(): \"/etc/passwd\" is not the name of a time zone | Write a "
            "name "
                                        "like \"Europe/Berlin\", or \"UTC\"."},
        {"timestamp(0, '../passwd')", "3:7 timestamp(): \"../passwd\" is not the name of a time zone | Write a name "
                                      "like \"Europe/Berlin\", or \"UTC\"."},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
a_date_is_written_in_its_zone(void)
{
    static const struct pair pairs[] = {
        {"date('2026-01-31T23:30:00Z', '%F', 'Europe/Berlin')", "string \"2026-02-01\""},
        {"date('2026-07-31T12:00:00Z', '%F %T %z %Z', 'Europe/Berlin')", "string \"2026-07-31 14:00:00 +0200 CEST\""},
        {"date('2026-07-31T12:00:00Z', '%H:%M %z %Z', 'America/St_Johns')", "string \"09:30 -0230 NDT\""},
        {"date('2026-07-31T12:00:00Z', '%z %Z')", "string \"+0000 UTC\""},
        {"date('2026-07-31T12:00:00Z', '%s', 'Asia/Tokyo')", "string \"1785499200\""},
        {"date('2011-12-30T09:59:59Z', '%F %T', 'Pacific/Apia')", "string \"2011-12-29 23:59:59\""},
        {"date('2011-12-30T10:00:00Z', '%F %T', 'Pacific/Apia')", "string \"2011-12-31 00:00:00\""},
        /* The two hours have names of their own. */
        {"map({'2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'}, function(t) return date(t, '%H:%M %Z', "
         "'Europe/Berlin') end)",
         "list [\"02:30 CEST\",\"02:30 CET\"]"},
        /* Weeks belong to the year of their Thursday. */
        {"map({'2020-12-31', '2021-01-03', '2021-01-04', '2026-12-31', '2024-12-30'}, function(t) return date(t, "
         "'%G-W%V-%u') end)",
         "list [\"2020-W53-4\",\"2020-W53-7\",\"2021-W01-1\",\"2026-W53-4\",\"2025-W01-1\"]"},
        {"date('2026-01-31', '%F', 'Nowhere/Land')", "3:7 date(): no time zone is named \"Nowhere/Land\" | Zones have "
                                                     "names like Europe/Berlin; those that are known lie in "
                                                     "/usr/share/zoneinfo."},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
a_day_starts_when_its_zone_says(void)
{
    static const struct pair pairs[] = {
        {"floor_time('2026-07-31T12:34:56.789Z', 'day')", "timestamp \"2026-07-31T00:00:00Z\""},
        {"floor_time('2026-07-31T23:00:00Z', 'day', 'Europe/Berlin')", "timestamp \"2026-07-31T22:00:00Z\""},
        {"floor_time('2026-07-31T12:34:56.789Z', '1d', 'America/New_York')", "timestamp \"2026-07-31T04:00:00Z\""},
        {"floor_time('2026-07-31T12:34:56.789Z', duration('15m'), 'Asia/Kathmandu')",
         "timestamp \"2026-07-31T12:30:00Z\""},
        {"floor_time('2026-07-31T12:34:56Z', 'hour', 'Asia/Kathmandu')", "timestamp \"2026-07-31T12:15:00Z\""},
        {"floor_time('2026-07-31T12:34:56Z', 'minute')", "timestamp \"2026-07-31T12:34:00Z\""},
        {"floor_time('2026-07-31T12:00:00Z', 'week', 'Europe/Berlin')", "timestamp \"2026-07-26T22:00:00Z\""},
        {"floor_time('2026-07-31T12:00:00Z', '1w')", "timestamp \"2026-07-27T00:00:00Z\""},
        {"floor_time('1969-12-31T12:00:00Z', 'week')", "timestamp \"1969-12-29T00:00:00Z\""},
        {"floor_time('2026-07-31T22:30:00Z', 'month', 'Europe/Berlin')", "timestamp \"2026-07-31T22:00:00Z\""},
        {"floor_time('2026-08-31T12:00:00Z', 'quarter', 'Europe/Berlin')", "timestamp \"2026-06-30T22:00:00Z\""},
        {"floor_time('2026-08-31T12:00:00Z', 'year', 'Europe/Berlin')", "timestamp \"2025-12-31T23:00:00Z\""},
        /* The days on which clocks are set have 23 and 25 hours. */
        {"floor_time('2026-03-29T10:00:00Z', 'day', 'Europe/Berlin')", "timestamp \"2026-03-28T23:00:00Z\""},
        {"floor_time('2026-10-25T10:00:00Z', 'day', 'Europe/Berlin')", "timestamp \"2026-10-24T22:00:00Z\""},
        {"floor_time('2026-10-25T01:40:00Z', '1h', 'Europe/Berlin')", "timestamp \"2026-10-25T01:00:00Z\""},
        {"floor_time('2026-10-25T00:40:00Z', '1h', 'Europe/Berlin')", "timestamp \"2026-10-25T00:00:00Z\""},
        {"floor_time('2026-03-29T10:00:00Z', '6h', 'Europe/Berlin')", "timestamp \"2026-03-29T10:00:00Z\""},
        {"floor_time('2026-03-29T09:59:00Z', '6h', 'Europe/Berlin')", "timestamp \"2026-03-29T04:00:00Z\""},
        {"floor_time('2026-03-29T03:59:00Z', '6h', 'Europe/Berlin')", "timestamp \"2026-03-28T23:00:00Z\""},
        {"floor_time('2026-03-29T01:10:00Z', '2h', 'Europe/Berlin')", "timestamp \"2026-03-29T01:00:00Z\""},
        {"floor_time('2026-10-04T02:00:00Z', 'day', 'Australia/Lord_Howe')", "timestamp \"2026-10-03T13:30:00Z\""},
        {"floor_time('2011-12-30T12:00:00Z', 'day', 'Pacific/Apia')", "timestamp \"2011-12-30T10:00:00Z\""},
        /* Where a day begins at one o'clock because midnight was left out. */
        {"floor_time('2018-11-04T12:00:00Z', 'day', 'America/Sao_Paulo')", "timestamp \"2018-11-04T03:00:00Z\""},
        {"floor_time(0, '7h')", "3:7 floor_time(): a day is no multiple of the step | Write \"15m\", \"1h\", \"day\", "
                                "\"week\", \"month\", \"quarter\" or \"year\"."},
        {"floor_time(0, 'fortnight')", "3:7 floor_time(): \"fortnight\" is not a step | Write \"15m\", \"1h\", "
            "\"day\", "
                                       "\"week\", \"month\", \"quarter\" or \"year\"."},
        {"floor_time(0, duration('0s'))", "3:7 floor_time(): a day is no multiple of the step | Write \"15m\", \"1h\", "
                                          "\"day\", \"week\", \"month\", \"quarter\" or \"year\"."},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
the_calendar_is_counted_by_the_clock(void)
{
    static const struct pair pairs[] = {
        {"add_time('2026-10-24T10:00:00Z', 1, 'day', 'Europe/Berlin')", "timestamp \"2026-10-25T11:00:00Z\""},
        {"add_time('2026-10-25T11:00:00Z', -1, 'day', 'Europe/Berlin')", "timestamp \"2026-10-24T10:00:00Z\""},
        {"add_time('2026-10-24T10:00:00Z', 1, 'day')", "timestamp \"2026-10-25T10:00:00Z\""},
        {"add_time('2026-01-31T12:00:00Z', 1, 'month')", "timestamp \"2026-02-28T12:00:00Z\""},
        {"add_time('2024-02-29T12:00:00Z', 1, 'year')", "timestamp \"2025-02-28T12:00:00Z\""},
        {"add_time('2026-01-31T12:00:00Z', -2, 'month')", "timestamp \"2025-11-30T12:00:00Z\""},
        {"add_time('2026-01-31T12:00:00Z', -5, 'quarter')", "timestamp \"2024-10-31T12:00:00Z\""},
        {"add_time('2026-03-22T01:30:00Z', 1, 'week', 'Europe/Berlin')", "timestamp \"2026-03-29T01:30:00Z\""},
        {"add_time(floor_time('2026-03-29T10:00:00Z', 'day', 'Europe/Berlin'), 1, 'day', 'Europe/Berlin') - "
         "floor_time('2026-03-29T10:00:00Z', 'day', 'Europe/Berlin')",
         "duration \"23h\""},
        {"add_time(0, 1, 'hour')", "3:7 add_time(): \"hour\" is not a unit | Write \"day\", \"week\", \"month\", "
                                   "\"quarter\" or \"year\"; for hours, time + duration(\"2h\")."},
        {"add_time(0, 9223372036854775807, 'year')", "3:7 add_time(): a time beyond the year 9999"},
        {"add_time(0, 4000000, 'year')", "3:7 add_time(): a time beyond the year 9999"},
        {"floor_time(timestamp(0) + duration(9000000000000), 'year')",
         "3:7 floor_time(): a time beyond the year 9999"},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
a_floor_is_never_later_and_is_its_own_floor(void)
{
    static const char *const zones[] = {"Australia/Perth", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                        "Pacific/Apia",    "Asia/Kathmandu", "America/Sao_Paulo", "Africa/Cairo"};
    static const char *const steps[] = {"15m", "30m", "1h", "6h", "day", "week", "month", "quarter", "year"};
    unsigned seed = 5;
    for (int i = 0; i < 4000; i++) {
        char text[512];
        seed = seed * 1103515245u + 12345u;
        long long at = 1262304000LL + (long long)(seed >> 4) * 3;
        const char *zone = zones[seed / 7 % CHECK_COUNT(zones)], *step = steps[seed / 64 % CHECK_COUNT(steps)];
        /* Near the days on which clocks are set, half of the time. */
        if (i % 2) at = at / 31556952 * 31556952 + (i % 4 == 1 ? 7 : 24) * 1000000LL + (long long)(seed % 3000000);
        snprintf(text, sizeof text,
                 "map({timestamp(%lld)}, function(t) return map({floor_time(t, '%s', '%s')}, function(f) return "
                 "f <= t and floor_time(f, '%s', '%s') == f end)[1] end)[1]",
                 at, step, zone, step, zone);
        const char *got = eval_text(text);
        if (strcmp(got, "boolean true") != 0) printf("\n%s", text);
        CHECK_STR(got, "boolean true");
    }
}

static void
without_tables_the_remedy_is_said(void)
{
    setenv("TZDIR", "/nonexistent", 1);
    CHECK_STR(eval_text("date(0, '%F', 'Europe/Berlin')"),
              "3:7 date(): the time zone \"Europe/Berlin\" cannot be read: there are no zones in /nonexistent | "
              "Install "
              "the package tzdata, or set TZDIR to the folder of the zones.");
    CHECK_STR(eval_text("date(0, '%F %Z', 'UTC')"), "string \"1970-01-01 UTC\"");
    unsetenv("TZDIR");
    CHECK_STR(eval_text("date(0, '%F %Z', 'Europe/Berlin')"), "string \"1970-01-01 CET\"");
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a clock is read in its zone", a_clock_is_read_in_its_zone},
        {"a date is written in its zone", a_date_is_written_in_its_zone},
        {"a day starts when its zone says", a_day_starts_when_its_zone_says},
        {"the calendar is counted by the clock", the_calendar_is_counted_by_the_clock},
        {"a floor is never later, and is its own floor", a_floor_is_never_later_and_is_its_own_floor},
        {"without tables the remedy is said", without_tables_the_remedy_is_said},
    };
    unsetenv("TZDIR");
    int code = check_main("library_time", tests, CHECK_COUNT(tests), argc, argv);
    eval_end();
    return code;
}
