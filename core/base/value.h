/* SPDX-License-Identifier: Apache-2.0
 *
 * A typed value: what YAML, JSON, expressions, params and outputs have in common. Values live in an arena, are
 * immutable once shared, and are passed as const pointers. JSON null is a value of its own; an absent member
 * is a NULL pointer.
 */
#ifndef BASE_VALUE_H
#define BASE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

enum value_type {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_REAL,
    VALUE_STRING,
    VALUE_DURATION,  /* integer: milliseconds */
    VALUE_SIZE,      /* integer: bytes */
    VALUE_TIMESTAMP, /* integer: milliseconds since 1970 UTC */
    VALUE_SQL,       /* text: SQL made by ident() or literal(), goes into SQL inputs as it is */
    VALUE_SECRET,    /* text: the tainted value; exists in workers only. text may be NULL: a reference not resolved */
    VALUE_LIST,
    VALUE_MAP,
};

struct value {
    enum value_type type;
    uint32_t line, column; /* where the workflow file says it, from 1; 0: nowhere */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct {
            const char *ptr; /* ends in NUL; may contain NUL */
            size_t size;
        } text;
        struct {
            const struct value **items;
            size_t count;
        } list;
        struct {
            const char **names; /* in the order of the file, unique */
            const struct value **values;
            size_t count;
            uint32_t *places; /* line << 12 | column of the names; NULL: unknown */
        } map;
    };
};

const char *value_type_name(enum value_type type); /* "string", "list", … */

struct value *value_new(struct arena *arena, enum value_type type);
struct value *value_null(struct arena *arena);
struct value *value_bool(struct arena *arena, bool boolean);
struct value *value_int(struct arena *arena, int64_t integer);
struct value *value_real(struct arena *arena, double real);
struct value *value_typed(struct arena *arena, enum value_type type, int64_t integer);
struct value *value_text(struct arena *arena, const char *text);
struct value *value_textn(struct arena *arena, enum value_type type, const char *text, size_t size);
/* A map or list under construction: append, then treat as const. A name given twice replaces. */
struct value *value_map(struct arena *arena);
struct value *value_list(struct arena *arena);
void value_set(struct arena *arena, struct value *map, const char *name, const struct value *value);
/* The same for a name that is known to be new: adding many takes no longer for each. */
void value_append(struct arena *arena, struct value *map, const char *name, const struct value *value);
/* All members of another map over those that are there; nothing of NULL and of what is no map. */
void value_set_all(struct arena *arena, struct value *map, const struct value *from);
void value_push(struct arena *arena, struct value *list, const struct value *item);

/* NULL when map is NULL, not a map, or has no such name. */
const struct value *value_get(const struct value *map, const char *name);
/* Text of a string value, or `fallback`. */
const char *value_str(const struct value *value, const char *fallback);
const char *value_get_str(const struct value *map, const char *name, const char *fallback);
int64_t value_get_int(const struct value *map, const char *name, int64_t fallback);
bool value_get_bool(const struct value *map, const char *name, bool fallback);
bool value_is(const struct value *value, enum value_type type); /* false for NULL */
bool value_equal(const struct value *a, const struct value *b);
/* A deep copy into another arena. */
struct value *value_copy(struct arena *arena, const struct value *value);
/* Does it hold a VALUE_SECRET anywhere? */
bool value_tainted(const struct value *value);
/* As text inside a string: numbers and booleans plainly, durations "2h", times RFC 3339, lists and maps as JSON. */
void value_show(struct buf *buf, const struct value *value);

#endif
