/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "base/clock.h"

#include <time.h>

#ifdef LEVADA_FAILPOINTS
#include <stdio.h>
#include <stdlib.h>

/* Test builds: a clock that somebody sets. The file LEVADA_TEST_CLOCK_FILE has the milliseconds that it is off. */
static int64_t
jump_ms(void)
{
    const char *path = getenv("LEVADA_TEST_CLOCK_FILE");
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    char text[32] = "";
    if (file == NULL) return 0;
    const char *line = fgets(text, sizeof text, file);
    fclose(file);
    return line != NULL ? strtoll(line, NULL, 10) : 0;
}
#else
#define jump_ms() 0
#endif

static int64_t
read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000 + jump_ms();
}

int64_t
clock_monotonic_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}
