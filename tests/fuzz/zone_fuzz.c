/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of time zones: whatever is read answers for every time, offsets stay within a day, and a clock's time found
 * is one that the clock shows.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(const struct zone *zone, int64_t at)
{
    const char *abbreviation = NULL;
    int32_t offset = zone_offset(zone, at, &abbreviation);
    ASSERT(offset > -100000 && offset < 100000 && strlen(abbreviation) < ZONE_TEXT_SIZE);
    struct zone_time found = zone_to_utc(zone, at);
    if (!found.gap) {
        ASSERT(found.utc + zone_offset(zone, found.utc, NULL) == at);
        ASSERT(found.again >= found.utc);
    } else {
        ASSERT(found.gap_end <= found.utc);
    }
    int64_t next;
    if (zone_next(zone, at, &next)) ASSERT(next > at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    const struct zone *zone = NULL;
    /* Exactly as long as it is: a byte read behind it is found. */
    uint8_t *copy = arena_alloc(&arena, size + 1);
    if (size > 0) memcpy(copy, data, size);
    if (zone_parse(&arena, copy, size, &zone, &err) != 0) {
        ASSERT(err.message[0] != '\0');
        return 0;
    }
    for (int64_t at = -4000000000; at < 12000000000; at += 123456789) look(zone, at);
    int64_t at = -253402300800;
    for (int i = 0; i < 500 && zone_next(zone, at, &at) && at < 253402300800; i++) {
        look(zone, at - 1);
        look(zone, at);
    }
    return 0;
}
