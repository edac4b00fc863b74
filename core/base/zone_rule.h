/* SPDX-License-Identifier: Apache-2.0
 *
 * The rule at the end of a time zone's table, as POSIX writes it in TZ: "CET-1CEST,M3.5.0,M10.5.0/3". It holds for all
 * times behind the table. Private to zone*.c.
 */
#ifndef BASE_ZONE_RULE_H
#define BASE_ZONE_RULE_H

#include "base/zone.h"

struct zone_day {
    char kind; /* 'M': day of the week; 'J': day from 1, never 29 February; 'D': day from 0 */
    int month, week, day;
    int32_t seconds; /* of the local clock, from midnight; may be negative or more than a day */
};

struct zone_rule {
    char standard[ZONE_TEXT_SIZE], summer[ZONE_TEXT_SIZE];
    int32_t standard_offset, summer_offset; /* seconds east */
    bool has_summer;
    struct zone_day start, end; /* of summer time; start by the standard clock, end by the summer one */
};

/* The whole text, `size` bytes; false: it is no rule. */
bool zone_rule_parse(const char *text, size_t size, struct zone_rule *ret);
int32_t zone_rule_offset(const struct zone_rule *rule, int64_t utc, const char **abbreviation);
/* The next change after `utc`; false: there is none. */
bool zone_rule_next(const struct zone_rule *rule, int64_t utc, int64_t *ret);

#endif
