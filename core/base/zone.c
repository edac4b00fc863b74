/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of changes and, behind its last, a rule. Everything in a file is checked when it is read: counts against its
 * size, order, indices, offsets; what is not plain is refused, so that looking something up cannot fail.
 */
#include "base/zone.h"

#include <string.h>

#include "base/zone_rule.h"

/* RFC 9636 counts in these; real zones have at most 250 changes and 20 kinds of time. */
#define TIMES_MAX 4096
#define KINDS_MAX 256
#define OFFSET_MAX 93599 /* 25:59:59, as the RFC bounds it */

struct kind {
    int32_t offset;
    const char *abbreviation;
};

struct zone {
    int64_t *times;
    uint8_t *after; /* the kind from times[i] on */
    size_t ntimes;
    struct kind *kinds; /* [0]: before the first change */
    struct zone_rule rule;
    bool has_rule;
};

struct header {
    uint32_t nutc, nstd, nleap, ntimes, nkinds, nchars;
};

static uint64_t
big_endian(const unsigned char *p, size_t size)
{
    uint64_t ret = 0;
    for (size_t i = 0; i < size; i++) ret = ret << 8 | p[i];
    return ret;
}

static bool
read_header(const unsigned char *p, size_t size, struct header *ret)
{
    if (size < 44 || memcmp(p, "TZif", 4) != 0 || p[4] < '2') return false;
    uint32_t *fields[] = {&ret->nutc, &ret->nstd, &ret->nleap, &ret->ntimes, &ret->nkinds, &ret->nchars};
    for (size_t i = 0; i < 6; i++) {
        *fields[i] = (uint32_t)big_endian(p + 20 + 4 * i, 4);
        if (*fields[i] > TIMES_MAX) return false;
    }
    return true;
}

static size_t
body_size(const struct header *h, size_t time_size)
{
    return h->ntimes * (time_size + 1) + h->nkinds * 6 + h->nchars + h->nleap * (time_size + 4) + h->nstd + h->nutc;
}

static const char *
read_kinds(struct arena *arena, const struct header *h, const unsigned char *p, struct zone *zone)
{
    const unsigned char *chars = p + h->nkinds * 6;
    zone->kinds = ARENA_ARRAY(arena, h->nkinds, struct kind);
    for (size_t i = 0; i < h->nkinds; i++) {
        int32_t offset = (int32_t)(uint32_t)big_endian(p + 6 * i, 4);
        size_t at = p[6 * i + 5];
        if (offset < -OFFSET_MAX || offset > OFFSET_MAX) return "an offset of more than a day";
        const unsigned char *end = at < h->nchars ? memchr(chars + at, 0, h->nchars - at) : NULL;
        if (end == NULL || end - (chars + at) >= ZONE_TEXT_SIZE) return "an abbreviation without an end";
        zone->kinds[i].offset = offset;
        zone->kinds[i].abbreviation = arena_strdup(arena, (const char *)chars + at);
    }
    return NULL;
}

/* What is wrong with it, or NULL. `p` is behind the second header. */
static const char *
read_body(struct arena *arena, const struct header *h, const unsigned char *p, struct zone *zone)
{
    if (h->nkinds == 0 || h->nkinds > KINDS_MAX || h->nchars == 0) return "no kind of time in it";
    if (h->nleap > 0) return "it counts leap seconds";
    zone->ntimes = h->ntimes;
    zone->times = ARENA_ARRAY(arena, h->ntimes, int64_t);
    zone->after = ARENA_ARRAY(arena, h->ntimes, uint8_t);
    const unsigned char *kinds = p + h->ntimes * 8;
    for (size_t i = 0; i < h->ntimes; i++) {
        zone->times[i] = (int64_t)big_endian(p + 8 * i, 8);
        zone->after[i] = kinds[i];
        if (i > 0 && zone->times[i] <= zone->times[i - 1]) return "its changes are not in order";
        if (zone->after[i] >= h->nkinds) return "a change to a kind of time that is not there";
    }
    return read_kinds(arena, h, kinds + h->ntimes, zone);
}

static const char *
read_table(struct arena *arena, const unsigned char *p, size_t size, struct zone *zone)
{
    struct header h;
    static const char damaged[] = "it is no time zone of version 2 or later, or cut off";
    /* The first part counts in 32 bits and is there for old readers. */
    if (!read_header(p, size, &h) || body_size(&h, 4) > size - 44) return damaged;
    p += 44 + body_size(&h, 4);
    size -= 44 + body_size(&h, 4);
    if (!read_header(p, size, &h) || body_size(&h, 8) > size - 44) return damaged;
    const char *problem = read_body(arena, &h, p + 44, zone);
    if (problem != NULL) return problem;
    p += 44 + body_size(&h, 8);
    size -= 44 + body_size(&h, 8);
    const unsigned char *end = size > 1 && p[0] == '\n' ? memchr(p + 1, '\n', size - 1) : NULL;
    if (end == NULL) return damaged;
    zone->has_rule = end > p + 1;
    if (zone->has_rule && !zone_rule_parse((const char *)p + 1, (size_t)(end - p) - 1, &zone->rule))
        return "the rule at its end cannot be read";
    return NULL;
}

int
zone_parse(struct arena *arena, const void *data, size_t size, const struct zone **ret, struct err *err)
{
    struct zone *zone = ARENA_NEW(arena, struct zone);
    const char *problem = read_table(arena, data, size, zone);
    if (problem != NULL) return err_set(err, EXIT_INVALID, "%s", problem);
    *ret = zone;
    return 0;
}

/* How many changes have come by then. */
static size_t
passed(const struct zone *zone, int64_t utc)
{
    size_t low = 0, high = zone->ntimes;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->times[middle] <= utc) low = middle + 1;
        else high = middle;
    }
    return low;
}

int32_t
zone_offset(const struct zone *zone, int64_t utc, const char **abbreviation)
{
    size_t count = passed(zone, utc);
    if (count == zone->ntimes && zone->has_rule) return zone_rule_offset(&zone->rule, utc, abbreviation);
    const struct kind *kind = &zone->kinds[count > 0 ? zone->after[count - 1] : 0];
    if (abbreviation != NULL) *abbreviation = kind->abbreviation;
    return kind->offset;
}

bool
zone_next(const struct zone *zone, int64_t utc, int64_t *ret)
{
    size_t count = passed(zone, utc);
    if (count < zone->ntimes) {
        *ret = zone->times[count];
        return true;
    }
    return zone->has_rule && zone_rule_next(&zone->rule, utc, ret);
}

struct zone_time
zone_to_utc(const struct zone *zone, int64_t local)
{
    /* From so early that no clock can show `local` yet, change by change. */
    int64_t at = local - 2 * OFFSET_MAX, next;
    int32_t offset = zone_offset(zone, at, NULL);
    while (zone_next(zone, at, &next) && next <= local + 2 * OFFSET_MAX) {
        int32_t after = zone_offset(zone, next, NULL);
        int32_t late = after > offset ? after : offset;
        if (local < next + late) {
            struct zone_time ret = {.utc = local - offset, .again = local - offset};
            ret.gap = local >= next + offset;
            if (ret.gap) ret.gap_end = next;
            else if (local >= next + after) ret.again = local - after;
            return ret;
        }
        at = next;
        offset = after;
    }
    return (struct zone_time){.utc = local - offset, .again = local - offset};
}
