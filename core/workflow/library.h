/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of expressions and `lua:` steps: one table that holds name, signature, sentence and
 * example, and makes checks, help and docs/expressions.md. Each example is a test.
 */
#ifndef WORKFLOW_LIBRARY_H
#define WORKFLOW_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

#include "base/value.h"

struct expr_vm;

/* One call of a function. Results are made with the call_ functions, which count memory and work;
 * failing does not return. Nothing here may hold memory of its own. */
struct call {
    struct expr_vm *vm;
    const char *name;
    const struct value **args;
    size_t nargs;
    bool tainted; /* an argument was secret: no message may quote it */
};

enum {
    LIBRARY_STRUCTURE =
        1, /* looks at no text: secrets pass through untouched instead of tainting the result */
    LIBRARY_FUNCTION = 2, /* its second argument is a function: call_function() */
    LIBRARY_NULLS = 4,    /* null is an argument like any other; to the rest it is an error */
    LIBRARY_LAZY = 8,     /* asks for its arguments when it needs them: default() and cond() */
};

struct library_function {
    const char *name, *signature, *doc;
    const char *example, *result; /* an expression, and its value as JSON */
    uint8_t args_min, args_max;
    uint8_t flags;
    const struct value *(*call)(struct call *call);
};

/* In the order of the documentation; NULL behind the last. */
const struct library_function *library_at(size_t index);
/* The heading above this function, when it is the first below one; else NULL. */
const char *library_title(size_t index);
const struct library_function *library_find(const char *name);
/* Sets all functions as globals. */
void library_install(struct expr_vm *vm);

/* For library_*.c. */
extern const struct library_function library_texts[], library_lists[], library_numbers[], library_times[],
    library_data[], library_patterns[];
__attribute__((format(printf, 3, 4))) _Noreturn void call_fail(struct call *call, const char *hint,
                                                               const char *fmt, ...);
void call_count(struct call *call, size_t bytes, uint64_t work);
const struct value *call_text(struct call *call, const char *text, size_t size);
const struct value *call_int(struct call *call, int64_t integer);
const struct value *call_real(struct call *call, double real);
const struct value *call_bool(struct call *call, bool boolean);
const struct value *call_typed(struct call *call, enum value_type type, int64_t integer);
struct value *call_list(struct call *call);
struct value *call_map(struct call *call);
void call_push(struct call *call, struct value *list, const struct value *item);
struct arena *call_arena(struct call *call);
/* An empty buffer for a text under construction; one at a time. call_buf_text makes it a value. */
struct buf *call_buf(struct call *call);
const struct value *call_buf_text(struct call *call);
/* Arguments, or an error that names the function, the place and the type. `index` from 0. */
const struct value *call_arg(struct call *call, size_t index, enum value_type type);
const struct value *call_arg_list(struct call *call, size_t index);
int64_t call_arg_int(struct call *call, size_t index);
int64_t call_arg_int_or(struct call *call, size_t index, int64_t fallback);
double call_arg_real(struct call *call, size_t index); /* an integer or a number */
/* Texts, numbers, booleans and typed values as text; the pointer lives as long as the call's values. */
const struct value *call_arg_text(struct call *call, size_t index);
bool value_is_number(const struct value *value);
/* The function argument with one item and its index. */
const struct value *call_function(struct call *call, const struct value *item, int64_t index);
bool call_equal(struct call *call, const struct value *a, const struct value *b);
int call_compare(struct call *call, const struct value *a, const struct value *b);

#endif
