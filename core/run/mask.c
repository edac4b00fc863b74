/* SPDX-License-Identifier: Apache-2.0
 *
 * The automaton of Aho and Corasick: a trie of all forms with a failure link per node, so that one
 * step per byte finds every occurrence, overlapping ones too. Edges are in one hash table: a node
 * costs some 30 bytes, not 1,024.
 */
#include "run/mask.h"

#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "run/mask_forms.h"

static const char replacement[] = "***";

struct node {
    uint32_t fail;
    uint32_t depth;
    uint32_t match;    /* length of the longest form that ends here, itself or by failure links; 0: none */
    uint32_t own;      /* length of the form that is this node */
    uint32_t sibling, child, parent; /* 0: none */
    unsigned char byte;
};

struct mask {
    struct arena *arena;
    struct node *nodes; /* nodes[0] is the root */
    size_t count, capacity;
    uint64_t *keys;     /* node << 8 | byte, plus one; 0: free */
    uint32_t *children;
    size_t slots, edges;
    unsigned generation; /* of the failure links */
    bool stale;          /* forms were added since they were made */
    /* The first two bytes of any form: almost every byte of a log is passed over by this. */
    unsigned char pairs[65536 / 8];
    bool first[256];
    uint32_t *queue;
    size_t queue_capacity;
};

struct mask_run {
    size_t start, end; /* offsets in held */
};

struct mask *
mask_new(struct arena *arena)
{
    struct mask *mask = ARENA_NEW(arena, struct mask);
    mask->arena = arena;
    return mask;
}

bool
mask_empty(const struct mask *mask)
{
    return mask->count == 0;
}

static size_t
slot_of(const struct mask *mask, uint64_t key)
{
    size_t slot = (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & (mask->slots - 1);
    while (mask->keys[slot] != 0 && mask->keys[slot] != key) slot = (slot + 1) & (mask->slots - 1);
    return slot;
}

static uint32_t
child_of(const struct mask *mask, uint32_t node, unsigned char byte)
{
    size_t slot = slot_of(mask, ((uint64_t)node << 8 | byte) + 1);
    return mask->keys[slot] != 0 ? mask->children[slot] : 0;
}

static void
grow_edges(struct mask *mask)
{
    size_t old_slots = mask->slots;
    uint64_t *old_keys = mask->keys;
    uint32_t *old_children = mask->children;
    mask->slots = old_slots == 0 ? 1024 : old_slots * 2;
    mask->keys = ARENA_ARRAY(mask->arena, mask->slots, uint64_t);
    mask->children = ARENA_ARRAY(mask->arena, mask->slots, uint32_t);
    for (size_t i = 0; i < old_slots; i++) {
        if (old_keys[i] == 0) continue;
        size_t slot = slot_of(mask, old_keys[i]);
        mask->keys[slot] = old_keys[i];
        mask->children[slot] = old_children[i];
    }
}

static uint32_t
node_new(struct mask *mask)
{
    if (mask->count == mask->capacity) {
        mask->capacity = mask->capacity == 0 ? 256 : mask->capacity * 2;
        struct node *more = ARENA_ARRAY(mask->arena, mask->capacity, struct node);
        if (mask->count) memcpy(more, mask->nodes, mask->count * sizeof *more);
        mask->nodes = more;
    }
    ASSERT(mask->count < UINT32_MAX);
    return (uint32_t)mask->count++;
}

static void
add_form(void *context, const char *form, size_t size)
{
    struct mask *mask = context;
    const unsigned char *bytes = (const unsigned char *)form;
    uint32_t at = 0;
    if (size < LIMIT_SECRET_MIN) return;
    if (mask->count == 0) (void)node_new(mask);
    mask->first[bytes[0]] = true;
    size_t pair = (size_t)bytes[0] << 8 | bytes[1];
    mask->pairs[pair / 8] = (unsigned char)(mask->pairs[pair / 8] | 1u << pair % 8);
    for (size_t i = 0; i < size; i++) {
        if (mask->edges * 3 >= mask->slots * 2) grow_edges(mask);
        size_t slot = slot_of(mask, ((uint64_t)at << 8 | bytes[i]) + 1);
        if (mask->keys[slot] == 0) {
            uint32_t node = node_new(mask);
            mask->keys[slot] = ((uint64_t)at << 8 | bytes[i]) + 1;
            mask->children[slot] = node;
            mask->edges++;
            mask->nodes[node] = (struct node){.depth = (uint32_t)i + 1,
                                              .byte = bytes[i],
                                              .parent = at,
                                              .sibling = mask->nodes[at].child};
            mask->nodes[at].child = node;
            at = node;
        } else {
            at = mask->children[slot];
        }
    }
    mask->nodes[at].own = (uint32_t)size;
    mask->stale = true;
}

int
mask_add(struct mask *mask, const char *value, size_t size, struct err *err)
{
    if (size < LIMIT_SECRET_MIN) {
        err_set(err, EXIT_INVALID, "a secret of less than %u bytes cannot be masked", LIMIT_SECRET_MIN);
        err_hint(err, "Use a longer secret: one so short would be found in any log.");
        return EXIT_INVALID;
    }
    if (size > LIMIT_SECRET_SIZE)
        return err_set(err, EXIT_INVALID, "a secret of more than %u KiB", LIMIT_SECRET_SIZE / KIB);
    mask_forms(value, size, add_form, mask);
    return 0;
}

static uint32_t
step(const struct mask *mask, uint32_t node, unsigned char byte)
{
    uint32_t next;
    while ((next = child_of(mask, node, byte)) == 0 && node != 0) node = mask->nodes[node].fail;
    return next;
}

/* Failure links, breadth first. */
static void
refresh(struct mask *mask)
{
    if (!mask->stale) return;
    if (mask->queue_capacity < mask->count) {
        mask->queue_capacity = mask->capacity;
        mask->queue = ARENA_ARRAY(mask->arena, mask->queue_capacity, uint32_t);
    }
    size_t head = 0, tail = 0;
    for (uint32_t c = mask->nodes[0].child; c != 0; c = mask->nodes[c].sibling) {
        mask->nodes[c].fail = 0;
        mask->queue[tail++] = c;
    }
    while (head < tail) {
        uint32_t at = mask->queue[head++];
        struct node *node = &mask->nodes[at];
        node->match = node->own > 0 ? node->own : mask->nodes[node->fail].match;
        for (uint32_t c = node->child; c != 0; c = mask->nodes[c].sibling) {
            mask->nodes[c].fail = step(mask, node->fail, mask->nodes[c].byte);
            mask->queue[tail++] = c;
        }
    }
    mask->generation++;
    mask->stale = false;
}

/* The secret bytes [start, end) join the runs before them that they touch. */
static void
add_run(struct mask_stream *stream, size_t start, size_t end)
{
    struct mask_run run = {start, end}, last;
    while (stream->runs.size > 0) {
        memcpy(&last, stream->runs.data + stream->runs.size - sizeof last, sizeof last);
        if (last.end < start) break;
        if (last.start < run.start) run.start = last.start;
        stream->runs.size -= sizeof last;
    }
    buf_add(&stream->runs, &run, sizeof run);
}

/* Gives out the first `size` bytes held. */
static void
give(struct mask_stream *stream, size_t size, struct buf *out)
{
    size_t at = 0, kept = 0;
    for (size_t i = 0; i < stream->runs.size; i += sizeof(struct mask_run)) {
        struct mask_run run;
        memcpy(&run, stream->runs.data + i, sizeof run);
        if (run.start < size) {
            size_t end = run.end < size ? run.end : size;
            if (run.start > at) buf_add(out, stream->held.data + at, run.start - at);
            if (run.start > at || !stream->in_run) buf_add(out, replacement, sizeof replacement - 1);
            stream->in_run = true;
            at = end;
        }
        if (run.end <= size) continue;
        run.start = run.start > size ? run.start - size : 0;
        run.end -= size;
        memcpy(stream->runs.data + kept, &run, sizeof run);
        kept += sizeof run;
    }
    stream->runs.size = kept;
    if (at < size) {
        buf_add(out, stream->held.data + at, size - at);
        stream->in_run = false;
    }
    buf_drop(&stream->held, size);
}

/* Bytes [from, held.size) are new: walk over them. */
static void
scan(const struct mask *mask, struct mask_stream *stream, size_t from)
{
    const unsigned char *data = (const unsigned char *)stream->held.data;
    size_t size = stream->held.size;
    uint32_t node = (uint32_t)stream->node;
    for (size_t i = from; i < size; i++) {
        if (node == 0) {
            for (; i + 1 < size; i++) {
                size_t pair = (size_t)data[i] << 8 | data[i + 1];
                if (mask->pairs[pair / 8] & 1u << pair % 8) break;
            }
            if (!mask->first[data[i]]) continue;
        }
        node = step(mask, node, data[i]);
        uint32_t match = mask->nodes[node].match;
        if (match > 0) add_run(stream, i + 1 - match, i + 1);
    }
    stream->node = node;
}

static void
begin(struct mask *mask, struct mask_stream *stream)
{
    if (stream->held.size_max == 0) {
        buf_init(&stream->held, SIZE_MAX / 2);
        buf_init(&stream->runs, SIZE_MAX / 2);
    }
    refresh(mask);
    if (stream->generation == mask->generation) return;
    stream->generation = mask->generation;
    stream->node = 0;
    /* Everything is found again but a run whose beginning was given out already. */
    struct mask_run first = {0, 0};
    if (stream->in_run && stream->runs.size > 0) memcpy(&first, stream->runs.data, sizeof first);
    stream->runs.size = 0;
    if (first.start == 0 && first.end > 0) buf_add(&stream->runs, &first, sizeof first);
    scan(mask, stream, 0);
}

void
mask_write(struct mask *mask, struct mask_stream *stream, const char *data, size_t size, struct buf *out)
{
    if (mask->count == 0 || size == 0) {
        buf_add(out, data, size);
        return;
    }
    begin(mask, stream);
    size_t before = stream->held.size;
    buf_add(&stream->held, data, size);
    scan(mask, stream, before);
    size_t open = mask->nodes[stream->node].depth;
    ASSERT(open <= stream->held.size);
    give(stream, stream->held.size - open, out);
}

void
mask_flush(struct mask *mask, struct mask_stream *stream, struct buf *out)
{
    if (mask->count == 0 || stream->held.size_max == 0) return;
    begin(mask, stream);
    give(stream, stream->held.size, out);
    stream->node = 0;
    stream->in_run = false;
}

void
mask_stream_release(struct mask_stream *stream)
{
    buf_release(&stream->held);
    buf_release(&stream->runs);
    *stream = (struct mask_stream){0};
}

/* NULL when nothing was masked. */
static const char *
masked(struct mask *mask, struct arena *arena, const char *text, size_t *size)
{
    struct mask_stream stream = {0};
    struct buf out;
    const char *ret = NULL;
    if (mask->count == 0 || *size < LIMIT_SECRET_MIN) return NULL;
    buf_init(&out, SIZE_MAX / 2);
    mask_write(mask, &stream, text, *size, &out);
    mask_flush(mask, &stream, &out);
    if (out.size != *size || memcmp(out.data, text, *size) != 0) {
        ret = arena_strndup(arena, buf_str(&out), out.size);
        *size = out.size;
    }
    mask_stream_release(&stream);
    buf_release(&out);
    return ret;
}

const char *
mask_text(struct mask *mask, struct arena *arena, const char *text)
{
    size_t size = strlen(text);
    const char *ret = masked(mask, arena, text, &size);
    return ret != NULL ? ret : text;
}

static const struct value *
mask_map(struct mask *mask, struct arena *arena, const struct value *map)
{
    struct value *ret = NULL;
    for (size_t i = 0; i < map->map.count; i++) {
        const char *name = mask_text(mask, arena, map->map.names[i]);
        const struct value *value = mask_value(mask, arena, map->map.values[i]);
        if (ret == NULL && name == map->map.names[i] && value == map->map.values[i]) continue;
        if (ret == NULL) {
            ret = value_map(arena);
            for (size_t k = 0; k < i; k++) value_set(arena, ret, map->map.names[k], map->map.values[k]);
        }
        /* Two names may become one; both members stay. */
        while (name != map->map.names[i] && value_get(ret, name) != NULL)
            name = arena_printf(arena, "%s*", name);
        value_set(arena, ret, name, value);
    }
    return ret != NULL ? ret : map;
}

const struct value *
mask_value(struct mask *mask, struct arena *arena, const struct value *value)
{
    switch (value->type) {
    case VALUE_STRING: case VALUE_SQL: {
        size_t size = value->text.size;
        const char *text = masked(mask, arena, value->text.ptr, &size);
        return text == NULL ? value : value_textn(arena, value->type, text, size);
    }
    case VALUE_SECRET: return value_text(arena, replacement);
    case VALUE_LIST: {
        struct value *ret = NULL;
        for (size_t i = 0; i < value->list.count; i++) {
            const struct value *item = mask_value(mask, arena, value->list.items[i]);
            if (ret == NULL && item == value->list.items[i]) continue;
            if (ret == NULL) {
                ret = value_list(arena);
                for (size_t k = 0; k < i; k++) value_push(arena, ret, value->list.items[k]);
            }
            value_push(arena, ret, item);
        }
        return ret != NULL ? ret : value;
    }
    case VALUE_MAP: return mask_map(mask, arena, value);
    default: return value;
    }
}
