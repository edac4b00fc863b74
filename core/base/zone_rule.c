/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The dates are reckoned, not stored: a rule has no last year.
 */
#include "base/zone_rule.h"

#include <ctype.h>
#include <string.h>

#define DAY 86400

int64_t
zone_days(int64_t year, int64_t month, int64_t day)
{
    /* March first: the leap day is then the last of its year. */
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void
zone_date(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100), part = (5 * of_year + 2) / 153;
    *day = of_year - (153 * part + 2) / 5 + 1;
    *month = part < 10 ? part + 3 : part - 9;
    *year = years + era * 400 + (*month <= 2);
}

/* What is left of the text. */
struct rest {
    const char *at, *end;
};

static bool
take(struct rest *rest, char c)
{
    if (rest->at == rest->end || *rest->at != c) return false;
    rest->at++;
    return true;
}

static bool
take_number(struct rest *rest, int max, int *ret)
{
    int number = 0, digits = 0;
    for (; rest->at < rest->end && isdigit((unsigned char)*rest->at) && digits < 4; rest->at++, digits++)
        number = number * 10 + (*rest->at - '0');
    if (digits == 0 || number > max) return false;
    *ret = number;
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool
take_time(struct rest *rest, int hours_max, int32_t *ret)
{
    int hours, minutes = 0, seconds = 0;
    bool negative = take(rest, '-');
    if (!negative) take(rest, '+');
    if (!take_number(rest, hours_max, &hours)) return false;
    if (take(rest, ':')) {
        if (!take_number(rest, 59, &minutes)) return false;
        if (take(rest, ':') && !take_number(rest, 59, &seconds)) return false;
    }
    *ret = (hours * 60 + minutes) * 60 + seconds;
    if (negative) *ret = -*ret;
    return true;
}

/* CET, <+08> */
static bool
take_name(struct rest *rest, char ret[ZONE_TEXT_SIZE])
{
    size_t size = 0;
    bool quoted = take(rest, '<');
    while (rest->at < rest->end && size < ZONE_TEXT_SIZE - 1) {
        char c = *rest->at;
        if (!isalpha((unsigned char)c) && !(quoted && (isdigit((unsigned char)c) || c == '+' || c == '-'))) break;
        ret[size++] = c;
        rest->at++;
    }
    ret[size] = '\0';
    return size >= 3 && (!quoted || take(rest, '>'));
}

/* ,M3.5.0/2 */
static bool
take_day(struct rest *rest, struct zone_day *ret)
{
    ret->seconds = 2 * 3600;
    if (!take(rest, ',')) return false;
    if (take(rest, 'M')) {
        ret->kind = 'M';
        if (!take_number(rest, 12, &ret->month) || ret->month < 1 || !take(rest, '.') ||
            !take_number(rest, 5, &ret->week) || ret->week < 1 || !take(rest, '.') ||
            !take_number(rest, 6, &ret->day))
            return false;
    } else {
        ret->kind = take(rest, 'J') ? 'J' : 'D';
        if (!take_number(rest, 365, &ret->day) || (ret->kind == 'J' && ret->day < 1)) return false;
    }
    return !take(rest, '/') || take_time(rest, 167, &ret->seconds);
}

bool
zone_rule_parse(const char *text, size_t size, struct zone_rule *ret)
{
    struct rest rest = {text, text + size};
    struct zone_rule rule = {0};
    if (!take_name(&rest, rule.standard) || !take_time(&rest, 24, &rule.standard_offset)) return false;
    rule.standard_offset = -rule.standard_offset; /* POSIX counts west */
    rule.has_summer = rest.at < rest.end;
    if (rule.has_summer) {
        if (!take_name(&rest, rule.summer)) return false;
        rule.summer_offset = rule.standard_offset + 3600;
        if (rest.at < rest.end && *rest.at != ',') {
            if (!take_time(&rest, 24, &rule.summer_offset)) return false;
            rule.summer_offset = -rule.summer_offset;
        }
        if (!take_day(&rest, &rule.start) || !take_day(&rest, &rule.end)) return false;
    }
    if (rest.at != rest.end) return false;
    *ret = rule;
    return true;
}

static bool
is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* When this day's time comes in `year`, by its own clock. */
static int64_t
local_time(const struct zone_day *day, int64_t year)
{
    int64_t days;
    if (day->kind == 'M') {
        int64_t first = zone_days(year, day->month, 1);
        int64_t next = day->month == 12 ? zone_days(year + 1, 1, 1) : zone_days(year, day->month + 1, 1);
        /* 1970-01-01 was a Thursday. */
        int64_t weekday = ((first + 4) % 7 + 7) % 7;
        days = first + (day->day - weekday + 7) % 7 + 7 * (day->week - 1);
        if (days >= next) days -= 7;
    } else {
        days = zone_days(year, 1, 1) + day->day;
        if (day->kind == 'J') days -= is_leap(year) && day->day >= 60 ? 0 : 1;
    }
    return days * DAY + day->seconds;
}

static void
transitions(const struct zone_rule *rule, int64_t year, int64_t *start, int64_t *end)
{
    *start = local_time(&rule->start, year) - rule->standard_offset;
    *end = local_time(&rule->end, year) - rule->summer_offset;
}

static int64_t
year_of(int64_t local)
{
    int64_t year, month, day;
    zone_date((local - ((local % DAY) + DAY) % DAY) / DAY, &year, &month, &day);
    return year;
}

int32_t
zone_rule_offset(const struct zone_rule *rule, int64_t utc, const char **abbreviation)
{
    bool summer = false;
    if (rule->has_summer) {
        int64_t start, end;
        transitions(rule, year_of(utc + rule->standard_offset), &start, &end);
        summer = start < end ? start <= utc && utc < end : !(end <= utc && utc < start);
    }
    if (abbreviation != NULL) *abbreviation = summer ? rule->summer : rule->standard;
    return summer ? rule->summer_offset : rule->standard_offset;
}

bool
zone_rule_next(const struct zone_rule *rule, int64_t utc, int64_t *ret)
{
    if (!rule->has_summer) return false;
    int64_t year = year_of(utc), found = INT64_MAX;
    for (int64_t y = year - 1; y <= year + 1; y++) {
        int64_t times[3];
        transitions(rule, y, &times[0], &times[1]);
        /* Where the rule is asked for one year or the next: a change too when the two meet askew. */
        times[2] = zone_days(y, 1, 1) * DAY - rule->standard_offset;
        for (int i = 0; i < 3; i++)
            if (times[i] > utc && times[i] < found &&
                zone_rule_offset(rule, times[i] - 1, NULL) != zone_rule_offset(rule, times[i], NULL))
                found = times[i];
    }
    if (found == INT64_MAX) return false;
    *ret = found;
    return true;
}
