/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads lines "zone NAME", "utc SECONDS", "local SECONDS", and answers each of the latter two: "OFFSET ABBREVIATION" or
 * "FIRST SECOND gap|once".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zone.h"

int
main(void)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct zone *zone = NULL;
    char line[256];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *argument = strchr(line, ' ');
        if (argument == NULL) return 2;
        *argument++ = '\0';
        if (strcmp(line, "zone") == 0) {
            struct err err = {0};
            arena_release(&arena);
            if (zone_open(&arena, NULL, argument, &zone, &err) != 0) {
                fprintf(stderr, "%s\n", err.message);
                return 1;
            }
            continue;
        }
        if (zone == NULL) return 2;
        int64_t seconds = strtoll(argument, NULL, 10);
        if (strcmp(line, "utc") == 0) {
            const char *abbreviation;
            int32_t offset = zone_offset(zone, seconds, &abbreviation);
            printf("%" PRId32 " %s\n", offset, abbreviation);
        } else {
            struct zone_time time = zone_to_utc(zone, seconds);
            printf("%" PRId64 " %" PRId64 " %s\n", time.utc, time.again, time.gap ? "gap" : "once");
        }
    }
    return 0;
}
