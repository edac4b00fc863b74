/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions on durations and times, in UTC or a named zone. There is no "now", because a resumed run must compute what
 * the first one did.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "base/zone.h"
#include "workflow/library.h"
#include "workflow/lua_value.h"

#define DAY_MS INT64_C(86400000)
#define TIME_MAX_MS INT64_C(253402300799999) /* the end of the year 9999, the last one that can be written down */

/* Zones that this evaluation has read; they lie in its scratch memory. */
struct expr_zone {
    const char *name;
    const struct zone *zone;
    struct expr_zone *next;
};

/* The zone an argument names, or UTC without it. */
static const struct zone *
arg_zone(struct call *call, size_t index)
{
    const char *name = index < call->nargs ? call_arg(call, index, VALUE_STRING)->text.ptr : "UTC";
    call_count(call, 0, 20);
    for (struct expr_zone *known = call->vm->zones; known != NULL; known = known->next)
        if (str_eq(known->name, name)) return known->zone;
    call_count(call, 16 * KIB, 2000);
    struct expr_zone *entry = ARENA_NEW(call_arena(call), struct expr_zone);
    struct err err = {0};
    if (zone_open(call_arena(call), NULL, name, &entry->zone, &err) != 0)
        call_fail(call, err.hint[0] ? err.hint : NULL, "%.400s", err.message);
    entry->name = arena_strdup(call_arena(call), name);
    entry->next = call->vm->zones;
    call->vm->zones = entry;
    return entry->zone;
}

/* The time up to its second, and what is behind that. */
static int64_t
seconds_of(int64_t ms, int64_t *rest)
{
    int64_t behind = ((ms % 1000) + 1000) % 1000;
    if (rest != NULL) *rest = behind;
    return (ms - behind) / 1000;
}

static const struct value *
f_duration(struct call *call)
{
    const struct value *arg = call->args[0];
    int64_t ms;
    if (arg->type == VALUE_DURATION) return arg;
    if (value_is_number(arg)) {
        double seconds = call_arg_real(call, 0);
        if (!(fabs(seconds) < 9e15)) call_fail(call, NULL, "the number is too large");
        return call_typed(call, VALUE_DURATION, llround(seconds * 1000));
    }
    const char *text = call_arg(call, 0, VALUE_STRING)->text.ptr;
    if (!str_to_duration(text, &ms))
        call_fail(call, "Write \"90s\", \"1h30m\" or \"2d\".", "\"%.100s\" is not a duration", text);
    return call_typed(call, VALUE_DURATION, ms);
}

/* "2026-03-29 02:30" as milliseconds of a clock that nobody has named; false: it is none, or names its zone. */
static bool
clock_text(const char *text, int64_t *ms)
{
    char full[64];
    size_t size = strlen(text);
    if (size > 40) return false;
    if (size == 10) return str_to_timestamp(text, ms);
    /* Seconds may be left out. */
    snprintf(full, sizeof full, size == 16 ? "%s:00Z" : "%sZ", text);
    return str_to_timestamp(full, ms);
}

static int64_t
arg_time(struct call *call, size_t zone_index)
{
    const struct value *arg = call->args[0];
    int64_t ms = 0, rest;
    if (arg->type == VALUE_TIMESTAMP) {
        ms = arg->integer;
    } else if (value_is_number(arg)) {
        double seconds = call_arg_real(call, 0);
        if (!(fabs(seconds) < 2e11))
            call_fail(call, "The number counts seconds since 1970.", "the number is too large");
        ms = llround(seconds * 1000);
    } else {
        const char *text = call_arg(call, 0, VALUE_STRING)->text.ptr;
        if (zone_index < call->nargs && clock_text(text, &ms)) {
            const struct zone *zone = arg_zone(call, zone_index);
            ms = zone_to_utc(zone, seconds_of(ms, &rest)).utc * 1000 + rest;
        } else if (!str_to_timestamp(text, &ms)) {
            call_fail(call, clock_text(text, &ms) ? "Write the zone too: timestamp(text, \"Europe/Berlin\")."
                                                  : "Write \"2026-01-31\" or \"2026-01-31T08:00:00Z\".",
                      "\"%.100s\" is not a time", text);
        }
    }
    if (ms > TIME_MAX_MS || ms < -TIME_MAX_MS) call_fail(call, NULL, "a time beyond the year 9999");
    return ms;
}

static const struct value *
f_timestamp(struct call *call)
{
    if (call->nargs > 1) arg_zone(call, 1);
    return call_typed(call, VALUE_TIMESTAMP, arg_time(call, 1));
}

struct moment {
    struct tm tm;
    int64_t ms;
    int32_t offset;
    const char *abbreviation;
};

/* Year and week of ISO 8601: a week belongs to the year that has its Thursday. */
static int
iso_week(const struct tm *tm, long long *year)
{
    int64_t y, month, day, days = zone_days(tm->tm_year + 1900LL, tm->tm_mon + 1, tm->tm_mday);
    int64_t thursday = days - (tm->tm_wday + 6) % 7 + 3;
    zone_date(thursday, &y, &month, &day);
    *year = (long long)y;
    return (int)((thursday - zone_days(y, 1, 1)) / 7) + 1;
}

static void
add_offset(struct buf *buf, int32_t offset)
{
    int32_t minutes = (offset < 0 ? -offset : offset) / 60;
    buf_printf(buf, "%c%02d%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static bool add_date(struct buf *buf, char what, const struct moment *at);

static bool
add_dates(struct buf *buf, const char *what, char between, const struct moment *at)
{
    for (const char *p = what; *p; p++) {
        if (p > what) buf_char(buf, between);
        add_date(buf, *p, at);
    }
    return true;
}

/* One conversion behind `%`. */
static bool
add_date(struct buf *buf, char what, const struct moment *at)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec", days[] = "SunMonTueWedThuFriSat";
    const struct tm *tm = &at->tm;
    long long year = tm->tm_year + 1900LL;
    switch (what) {
    case 'Y': buf_printf(buf, "%04lld", year); break;
    case 'y': buf_printf(buf, "%02d", ((tm->tm_year % 100) + 100) % 100); break;
    case 'm': buf_printf(buf, "%02d", tm->tm_mon + 1); break;
    case 'd': buf_printf(buf, "%02d", tm->tm_mday); break;
    case 'H': buf_printf(buf, "%02d", tm->tm_hour); break;
    case 'M': buf_printf(buf, "%02d", tm->tm_min); break;
    case 'S': buf_printf(buf, "%02d", tm->tm_sec); break;
    case 'L': buf_printf(buf, "%03d", (int)(((at->ms % 1000) + 1000) % 1000)); break;
    case 'j': buf_printf(buf, "%03d", tm->tm_yday + 1); break;
    case 'u': buf_printf(buf, "%d", tm->tm_wday == 0 ? 7 : tm->tm_wday); break;
    case 'V': buf_printf(buf, "%02d", iso_week(tm, &year)); break;
    case 'G': (void)iso_week(tm, &year); buf_printf(buf, "%04lld", year); break;
    case 'a': buf_add(buf, days + (size_t)tm->tm_wday * 3, 3); break;
    case 'b': buf_add(buf, months + (size_t)tm->tm_mon * 3, 3); break;
    case 's': buf_printf(buf, "%" PRId64, seconds_of(at->ms, NULL)); break;
    case 'z': add_offset(buf, at->offset); break;
    case 'Z': buf_text(buf, at->abbreviation); break;
    case 'F': return add_dates(buf, "Ymd", '-', at);
    case 'T': return add_dates(buf, "HMS", ':', at);
    case '%': buf_char(buf, '%'); break;
    default: return false;
    }
    return true;
}

static const struct value *
f_date(struct call *call)
{
    const struct zone *zone = arg_zone(call, 2);
    struct moment at = {.ms = arg_time(call, 2)};
    int64_t utc = seconds_of(at.ms, NULL);
    const char *format = call->nargs > 1 ? call_arg(call, 1, VALUE_STRING)->text.ptr : "%Y-%m-%d";
    at.offset = zone_offset(zone, utc, &at.abbreviation);
    time_t local = (time_t)(utc + at.offset);
    if (gmtime_r(&local, &at.tm) == NULL) call_fail(call, NULL, "the time is out of range");
    struct buf *buf = call_buf(call);
    call_count(call, 0, 100 + 4 * strlen(format));
    for (const char *p = format; *p; p++) {
        if (*p != '%') buf_char(buf, *p);
        else if (!add_date(buf, *++p, &at))
            call_fail(call, "It has %Y %y %m %d %H %M %S %L %j %u %G %V %a %b %s %z %Z %F %T %%.",
                      "\"%%%c\" is unknown", *p ? *p : ' ');
    }
    return call_buf_text(call);
}

/* What a calendar counts in. */
enum unit { UNIT_DURATION, UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_QUARTER, UNIT_YEAR };

static enum unit
unit_of(const char *word)
{
    static const char *const words[] = {"", "day", "week", "month", "quarter", "year"};
    for (size_t i = 1; i < sizeof words / sizeof *words; i++)
        if (str_eq(words[i], word)) return (enum unit)i;
    return UNIT_DURATION;
}

static int64_t
day_floor(int64_t local_ms)
{
    return (local_ms - ((local_ms % DAY_MS) + DAY_MS) % DAY_MS) / DAY_MS;
}

/* The step as milliseconds that a day is a multiple of, or a unit of the calendar. */
static enum unit
arg_step(struct call *call, size_t index, int64_t *ms)
{
    const struct value *arg = call->args[index];
    static const char hint[] = "Write \"15m\", \"1h\", \"day\", \"week\", \"month\", \"quarter\" or \"year\".";
    *ms = 0;
    if (arg->type == VALUE_DURATION) {
        *ms = arg->integer;
    } else {
        const char *text = call_arg(call, index, VALUE_STRING)->text.ptr;
        enum unit unit = unit_of(text);
        if (unit != UNIT_DURATION) return unit;
        if (str_eq(text, "hour")) text = "1h";
        if (str_eq(text, "minute")) text = "1m";
        if (!str_to_duration(text, ms)) call_fail(call, hint, "\"%.100s\" is not a step", text);
    }
    if (*ms == DAY_MS) return UNIT_DAY;
    if (*ms == 7 * DAY_MS) return UNIT_WEEK;
    if (*ms <= 0 || DAY_MS % *ms != 0) call_fail(call, hint, "a day is no multiple of the step");
    return UNIT_DURATION;
}

static int64_t
calendar_floor(int64_t local_ms, enum unit unit, int64_t step)
{
    int64_t days = day_floor(local_ms), year, month, day;
    zone_date(days, &year, &month, &day);
    switch (unit) {
    case UNIT_DURATION: return days * DAY_MS + (local_ms - days * DAY_MS) / step * step;
    case UNIT_DAY: return days * DAY_MS;
    case UNIT_WEEK: return (days - ((days + 3) % 7 + 7) % 7) * DAY_MS; /* 1970-01-01 was a Thursday */
    case UNIT_MONTH: return zone_days(year, month, 1) * DAY_MS;
    case UNIT_QUARTER: return zone_days(year, month - (month - 1) % 3, 1) * DAY_MS;
    case UNIT_YEAR: return zone_days(year, 1, 1) * DAY_MS;
    }
    return local_ms;
}

static const struct value *
f_floor_time(struct call *call)
{
    const struct zone *zone = arg_zone(call, 2);
    int64_t step, rest, at = arg_time(call, 2);
    enum unit unit = arg_step(call, 1, &step);
    int32_t offset = zone_offset(zone, seconds_of(at, NULL), NULL);
    int64_t local = at + offset * INT64_C(1000), wanted = calendar_floor(local, unit, step);
    int64_t ret = at - (local - wanted);
    /* Where the clock was set in between, the distance on it is not the time that went by. */
    if (zone_offset(zone, seconds_of(ret, NULL), NULL) != offset) {
        struct zone_time found = zone_to_utc(zone, seconds_of(wanted, &rest));
        if (found.gap) ret = found.gap_end * 1000;
        else ret = (found.again * 1000 + rest <= at ? found.again : found.utc) * 1000 + rest;
    }
    return call_typed(call, VALUE_TIMESTAMP, ret);
}

static int64_t
calendar_add(int64_t local_ms, int64_t count, enum unit unit)
{
    int64_t days = day_floor(local_ms), year, month, day, of_day = local_ms - days * DAY_MS;
    if (unit == UNIT_DAY) return local_ms + count * DAY_MS;
    if (unit == UNIT_WEEK) return local_ms + count * 7 * DAY_MS;
    zone_date(days, &year, &month, &day);
    int64_t months = year * 12 + month - 1 + count * (unit == UNIT_YEAR ? 12 : unit == UNIT_QUARTER ? 3 : 1);
    year = (months - ((months % 12) + 12) % 12) / 12;
    month = months - year * 12 + 1;
    int64_t first = zone_days(year, month, 1);
    int64_t length = zone_days(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) - first;
    return (first + (day < length ? day : length) - 1) * DAY_MS + of_day;
}

static const struct value *
f_add_time(struct call *call)
{
    const struct zone *zone = arg_zone(call, 3);
    int64_t rest, at = arg_time(call, 3), count = call_arg_int(call, 1);
    const char *word = call_arg(call, 2, VALUE_STRING)->text.ptr;
    enum unit unit = unit_of(word);
    if (unit == UNIT_DURATION)
        call_fail(call, "Write \"day\", \"week\", \"month\", \"quarter\" or \"year\"; for hours, time + "
            "duration(\"2h\").",
                  "\"%.100s\" is not a unit", word);
    if (count > 4000000 || count < -4000000) call_fail(call, NULL, "a time beyond the year 9999");
    int32_t offset = zone_offset(zone, seconds_of(at, NULL), NULL);
    int64_t local = calendar_add(at + offset * INT64_C(1000), count, unit);
    int64_t ret = zone_to_utc(zone, seconds_of(local, &rest)).utc * 1000 + rest;
    if (ret > TIME_MAX_MS || ret < -TIME_MAX_MS) call_fail(call, NULL, "a time beyond the year 9999");
    return call_typed(call, VALUE_TIMESTAMP, ret);
}

const struct library_function library_times[] = {
    {"duration", "duration(x)", "From a text like \"1h30m\", or from seconds.",
     "duration(\"1h\") + duration(90)", "\"1h1m30s\"", 1, 1, 0, f_duration},
    {"timestamp", "timestamp(x, zone)",
     "From a text in RFC 3339, from a date (midnight), or from seconds since 1970. With a zone, also from what a clock "
     "there shows.",
     "timestamp(\"2026-07-01 08:00\", \"Europe/Berlin\")", "\"2026-07-01T06:00:00Z\"", 1, 2, 0, f_timestamp},
    {"date", "date(time, format, zone)",
     "A time as text, in UTC or a zone: %Y %y %m %d %H %M %S %L (milliseconds) %j %u %G %V (ISO week) %a %b %s %z "
     "%Z %F %T %%. Without a format, %Y-%m-%d.",
     "date(\"2026-01-31T20:05:00Z\", \"%Y/%m/%d %H %Z\", \"Asia/Tokyo\")", "\"2026/02/01 05 JST\"", 1, 3, 0, f_date},
    {"floor_time", "floor_time(time, step, zone)",
     "The start of the \"day\", \"week\" (Monday), \"month\", \"quarter\" or \"year\" in a zone, or of \"15m\", \"6h\" "
     "counted from its midnight.",
     "floor_time(\"2026-07-01T12:00:00Z\", \"day\", \"Australia/Perth\")", "\"2026-06-30T16:00:00Z\"", 2, 3, 0,
     f_floor_time},
    {"add_time", "add_time(time, count, unit, zone)",
     "So many days, weeks, months, quarters or years later (or earlier) by the calendar and the clock of a zone; the "
     "31st becomes the last of a shorter month.",
     "add_time(\"2026-03-28T12:00:00Z\", 1, \"day\", \"Europe/Berlin\")", "\"2026-03-29T11:00:00Z\"", 3, 4, 0,
     f_add_time},
    {0}};
