/* SPDX-License-Identifier: Apache-2.0
 *
 * Named time zones: names that stay in their folder, hours that never come or come twice, and a machine without tables.
 * tests/zone compares with another reader.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/zone.h"
#include "check.h"

static struct arena arena;

static const struct zone *
zone_of(const char *name)
{
    struct err err = {0};
    const struct zone *zone = NULL;
    if (zone_open(&arena, NULL, name, &zone, &err) != 0) {
        printf("\n%s | %s\n", err.message, err.hint);
        CHECK_FATAL(zone != NULL);
    }
    return zone;
}

/* What a clock shows, as seconds. */
static int64_t
clock_at(const char *text)
{
    int64_t ms = 0;
    char full[64];
    snprintf(full, sizeof full, "%sZ", text);
    CHECK_FATAL(str_to_timestamp(full, &ms));
    return ms / 1000;
}

static const char *
shown(int64_t seconds)
{
    static char text[4][64];
    static unsigned at;
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 60);
    str_timestamp(&buf, seconds * 1000);
    at = (at + 1) % 4;
    snprintf(text[at], sizeof text[at], "%s", buf_str(&buf));
    return text[at];
}

static void
an_hour_that_never_comes_is_moved_behind_the_gap(void)
{
    static const struct { const char *zone, *clock, *utc, *set; } gaps[] = {
        {"Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:30:00Z", "2026-03-29T01:00:00Z"},
        {"America/New_York", "2026-03-08T02:00:00", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z"},
        {"Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:45:00Z", "2026-10-03T15:30:00Z"},
        {"Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T22:00:00Z", "2011-12-30T10:00:00Z"},
        {"Europe/Berlin", "2099-03-29T02:30:00", "2099-03-29T01:30:00Z", "2099-03-29T01:00:00Z"},
    };
    for (size_t i = 0; i < CHECK_COUNT(gaps); i++) {
        struct zone_time found = zone_to_utc(zone_of(gaps[i].zone), clock_at(gaps[i].clock));
        CHECK(found.gap);
        CHECK_STR(shown(found.utc), gaps[i].utc);
        CHECK_STR(shown(found.gap_end), gaps[i].set);
    }
}

static void
an_hour_that_comes_twice_is_the_first_and_the_second_is_known(void)
{
    static const struct { const char *zone, *clock, *first, *second; } folds[] = {
        {"Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
        {"America/New_York", "2026-11-01T01:00:00", "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z"},
        {"Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z"},
        {"America/New_York", "2199-11-03T01:30:00", "2199-11-03T05:30:00Z", "2199-11-03T06:30:00Z"},
    };
    for (size_t i = 0; i < CHECK_COUNT(folds); i++) {
        struct zone_time found = zone_to_utc(zone_of(folds[i].zone), clock_at(folds[i].clock));
        CHECK(!found.gap);
        CHECK_STR(shown(found.utc), folds[i].first);
        CHECK_STR(shown(found.again), folds[i].second);
    }
}

static void
a_zone_without_summer_time_has_neither(void)
{
    const struct zone *perth = zone_of("Australia/Perth");
    int64_t next;
    CHECK_INT(zone_offset(perth, clock_at("2026-07-01T00:00:00"), NULL), 8 * 3600);
    CHECK(!zone_next(perth, clock_at("2026-01-01T00:00:00"), &next));
    for (int64_t at = clock_at("2026-01-01T00:00:00"); at < clock_at("2027-01-01T00:00:00"); at += 1800) {
        struct zone_time found = zone_to_utc(perth, at);
        CHECK_INT(found.utc, at - 8 * 3600);
        CHECK(found.again == found.utc && !found.gap);
    }
}

static void
a_name_that_could_leave_the_folder_is_refused(void)
{
    static const char *const names[] = {
        "",           "/etc/passwd", "../passwd",   "Europe/../Asia/Tokyo", "Europe//Berlin", "Europe/",
        ".",          "..",          "zone.tab",    "Europe/Berlin\n",      "localtime",      "right/Europe/Berlin",
        "a\xc3\xa4o", "C:\\x",       "Europe/.git", "$TZ",                  ":UTC",           "-UTC",
        "Europe Berlin", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < CHECK_COUNT(names); i++) {
        struct err err = {0};
        const struct zone *zone = NULL;
        CHECK_INT(zone_open(&arena, NULL, names[i], &zone, &err), EXIT_INVALID);
        CHECK(zone == NULL);
        CHECK(strstr(err.message, "is not the name of a time zone") != NULL);
        CHECK_STR(err.hint, "Write a name like \"Europe/Berlin\", or \"UTC\".");
    }
}

static void
a_name_that_is_not_there_gets_the_nearest(void)
{
    static const struct { const char *name, *hint; } names[] = {
        {"Europe/Berlni", "Did you mean \"Europe/Berlin\"?"},
        {"Eurpe/Berlin", "Did you mean \"Europe/Berlin\"?"},
        {"Asia/Shangai", "Did you mean \"Asia/Shanghai\"?"},
        {"America/Argentina/Buenos_Aries", "Did you mean \"America/Argentina/Buenos_Aires\"?"},
    };
    for (size_t i = 0; i < CHECK_COUNT(names); i++) {
        struct err err = {0};
        const struct zone *zone;
        char message[128];
        snprintf(message, sizeof message, "no time zone is named \"%s\"", names[i].name);
        CHECK_INT(zone_open(&arena, NULL, names[i].name, &zone, &err), EXIT_INVALID);
        CHECK_STR(err.message, message);
        CHECK_STR(err.hint, names[i].hint);
    }
    struct err err = {0};
    const struct zone *zone;
    /* The nearest to the area is a file. */
    CHECK_INT(zone_open(&arena, NULL, "Gtc/GMT+12", &zone, &err), EXIT_INVALID);
    CHECK_STR(err.message, "no time zone is named \"Gtc/GMT+12\"");
    CHECK_INT(zone_open(&arena, NULL, "Europe", &zone, &err), EXIT_INVALID);
    CHECK_INT(zone_open(&arena, NULL, "leapseconds", &zone, &err), EXIT_INVALID);
    CHECK_STR(err.message, "the time zone \"leapseconds\": it is no time zone of version 2 or later, or cut off");
}

static void
without_tables_there_is_UTC_and_the_remedy(void)
{
    char folder[] = "/tmp/levada-zone-XXXXXX", message[256];
    CHECK_FATAL(mkdtemp(folder) != NULL);
    struct err err = {0};
    const struct zone *zone = NULL;
    CHECK_INT(zone_open(&arena, folder, "Europe/Berlin", &zone, &err), EXIT_INVALID);
    snprintf(message, sizeof message, "the time zone \"Europe/Berlin\" cannot be read: there are no zones in %s",
        folder);
    CHECK_STR(err.message, message);
    CHECK_STR(err.hint, "Install the package tzdata, or set TZDIR to the folder of the zones.");
    CHECK_INT(zone_open(&arena, folder, "UTC", &zone, &err), 0);
    const char *abbreviation = NULL;
    CHECK_INT(zone_offset(zone, 1769817600, &abbreviation), 0);
    CHECK_STR(abbreviation, "UTC");
    rmdir(folder);
    CHECK_INT(zone_open(&arena, folder, "Europe/Berlin", &zone, &err), EXIT_INVALID);
    CHECK_STR(err.message, message);
}

static void
what_is_no_file_is_not_waited_for(void)
{
    char folder[] = "/tmp/levada-zone-XXXXXX", path[64];
    CHECK_FATAL(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/Pipe", folder);
    CHECK_FATAL(mkfifo(path, 0600) == 0);
    struct err err = {0};
    const struct zone *zone;
    CHECK_INT(zone_open(&arena, folder, "Pipe", &zone, &err), EXIT_INVALID);
    CHECK_STR(err.message, "the time zone \"Pipe\" is not a file");
    unlink(path);
    rmdir(folder);
}

static void
a_date_is_a_number_of_days_and_back(void)
{
    CHECK_INT(zone_days(1970, 1, 1), 0);
    CHECK_INT(zone_days(2000, 3, 1), 11017);
    CHECK_INT(zone_days(1600, 2, 29), -135081);
    for (int64_t days = -1000000; days < 1000000; days += 97) {
        int64_t year, month, day;
        zone_date(days, &year, &month, &day);
        CHECK_INT(zone_days(year, month, day), days);
        CHECK(month >= 1 && month <= 12 && day >= 1 && day <= 31);
    }
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"an hour that never comes is moved behind the gap", an_hour_that_never_comes_is_moved_behind_the_gap},
        {"an hour that comes twice is the first, and the second is known",
         an_hour_that_comes_twice_is_the_first_and_the_second_is_known},
        {"a zone without summer time has neither", a_zone_without_summer_time_has_neither},
        {"a name that could leave the folder is refused", a_name_that_could_leave_the_folder_is_refused},
        {"a name that is not there gets the nearest", a_name_that_is_not_there_gets_the_nearest},
        {"without tables there is UTC, and the remedy", without_tables_there_is_UTC_and_the_remedy},
        {"what is no file is not waited for", what_is_no_file_is_not_waited_for},
        {"a date is a number of days and back", a_date_is_a_number_of_days_and_back},
    };
    int code = check_main("zone", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return code;
}
