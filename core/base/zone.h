/* SPDX-License-Identifier: Apache-2.0
 *
 * Named time zones, read from the system's compiled tables (TZif, RFC 9636). The C library's tzset() is state of
 * the whole process, so nothing here uses it. All times are seconds since 1970, in int64_t; a local time is counted as
 * if its clock were UTC.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct zone;

#define ZONE_TEXT_SIZE 64 /* names and abbreviations, with the NUL */

/* "Europe/Berlin", "UTC". The table lies in $TZDIR, else /usr/share/zoneinfo; "UTC" needs none. `folder` (may be NULL)
 * takes the place of both. A name has letters, digits, `_`, `+`, `-` and single slashes, so that it never leaves the
 * folder. Errors: EXIT_INVALID with a hint: no such zone and the nearest name, no tables at all, a file that is none.
 * */
int zone_open(struct arena *arena, const char *folder, const char *name, const struct zone **ret, struct err *err);

/* The same from the bytes of a table. Errors: EXIT_INVALID. */
int zone_parse(struct arena *arena, const void *data, size_t size, const struct zone **ret, struct err *err);

/* Seconds east of UTC at this time; abbreviation (may be NULL) is "CEST" or "+08", and lives as long as the zone. */
int32_t zone_offset(const struct zone *zone, int64_t utc, const char **abbreviation);

/* The next time after `utc` at which the offset or abbreviation may change; false: none. */
bool zone_next(const struct zone *zone, int64_t utc, int64_t *ret);

/* When does this zone's clock show `local`? */
struct zone_time {
    int64_t utc;     /* the first time it does; in a gap, as far behind it as `local` is inside: 02:30 becomes 03:30 */
    int64_t again;   /* the second time when the clock was set back over it, else = utc */
    bool gap;        /* it never does: the clock was set forward over it */
    int64_t gap_end; /* in a gap: when the clock was set */
};
struct zone_time zone_to_utc(const struct zone *zone, int64_t local);

/* Days since 1970-01-01 of a date of the Gregorian calendar, and back; any year a time can have. */
int64_t zone_days(int64_t year, int64_t month, int64_t day);
void zone_date(int64_t days, int64_t *year, int64_t *month, int64_t *day);

#endif
