/* SPDX-License-Identifier: Apache-2.0
 *
 * The interpreter behind expressions and `lua:` steps, and the bridge between its values and ours.
 * Texts, numbers and booleans are Lua's own; everything else is a box around a `struct value` that
 * Lua can neither change nor look into except through us. Private to
 * core/workflow/{expr,lua_value,library,script}*.c.
 */
#ifndef WORKFLOW_LUA_VALUE_H
#define WORKFLOW_LUA_VALUE_H

#include <lauxlib.h>
#include <lua.h>

#include "workflow/expr.h"
#include "workflow/expr_node.h"

/* How a box was reached, for messages: steps.load.outputs. */
struct lua_path {
    const struct lua_path *parent;
    const char *name; /* NULL: index */
    int64_t index;
};

struct lua_box {
    const struct value *value;
    const struct lua_path *path; /* NULL: computed */
};

struct lua_budget {
    uint64_t instructions;
    size_t memory;       /* at once */
    uint64_t allocated;  /* in all: copying is work that no instruction counts */
    int64_t time_ms;     /* of this thread's CPU; the net below the nets */
};

struct expr_vm {
    lua_State *lua;
    struct arena scratch;      /* values made while one evaluation runs */
    struct buf text;           /* one text under construction */
    struct lua_budget limit;
    uint64_t instructions;
    size_t lua_memory;         /* what Lua holds, whoever caused it */
    size_t base_memory;        /* what it held when this evaluation began */
    size_t scratch_memory;
    uint64_t allocated;
    int64_t started_ms;
    struct arena_mark mark;    /* of scratch, before any evaluation */
    size_t first_memory;       /* what Lua held when it was new */
    bool open;                 /* an evaluation runs: budgets count */
    const struct value *result; /* in scratch, or one of the names */
    size_t cached;             /* compiled expressions */
    const char *exhausted;     /* which budget, once one is; nothing can catch that */

    const struct expr *expr;   /* being evaluated; NULL: a script */
    int script_line;
    const struct value *names;
    struct err raised;         /* what was raised by us; code 0: Lua's own error */
    bool missing;              /* it was a missing member, which default() may catch */

    const struct script_host *host;
    const void *script;        /* script.c's own */
    const char *skipped;       /* skip() was called: its reason */
    int failed_class;          /* fail() was called: its class */
    struct expr_zone *zones;   /* library_time.c's own, in scratch */
};

/* lua_value.c */
struct expr_vm *lua_vm(lua_State *lua);
/* End the evaluation with an error. `place`: index into the expression's places, or -1: where Lua
 * stands. Messages take no memory. */
__attribute__((format(printf, 4, 5))) _Noreturn void lua_raise(struct expr_vm *vm, int64_t place,
                                                               const char *hint, const char *fmt,
                                                               ...);
/* The same for a member that is not there, which default() catches. */
__attribute__((format(printf, 4, 5))) _Noreturn void lua_raise_missing(struct expr_vm *vm,
                                                                       int64_t place,
                                                                       const char *hint,
                                                                       const char *fmt, ...);
/* Count `bytes` of scratch memory and `work` (in instructions) against the budgets; does not return
 * when one is used up. */
void lua_charge(struct expr_vm *vm, size_t bytes, uint64_t work);
void lua_value_install(struct expr_vm *vm);
void lua_value_push(struct expr_vm *vm, const struct value *value, const struct lua_path *path);
/* The value at a stack index, in scratch memory; tables become lists and maps (names sorted). nil
 * and functions raise. */
const struct value *lua_value_get(struct expr_vm *vm, int index);
/* The same without copying a text: it lives as long as its stack slot. */
const struct value *lua_value_peek(struct expr_vm *vm, int index, struct value *place);
/* Goes through a value before C does so without counting: its parts are charged, and one that is nested deeper than
 * any JSON text may be raises (in Lua it costs nothing to wrap a value a million times, or to hold it twice in
 * itself). True when a secret is in it; *unresolved (may be NULL): one that is not known here. */
bool lua_value_look(struct expr_vm *vm, const struct value *value, bool *unresolved);
/* container[key]; raises with a suggestion when there is none. *path: the container's, becomes the
 * member's. */
const struct value *lua_value_find(struct expr_vm *vm, const struct value *container, const struct value *key,
                                   int64_t place, const struct lua_path **path);
/* Pushes the member of what is at `index`. */
void lua_value_member(struct expr_vm *vm, int index, const struct value *key, int64_t place);
const struct lua_path *lua_path_of(lua_State *lua, int index);
/* "steps.load.outputs", or "this map". */
const char *lua_path_text(struct expr_vm *vm, const struct lua_path *path, const struct value *value);
const char *lua_type_name(const struct value *value); /* "a duration", "an integer" */
const struct value *lua_secret(struct expr_vm *vm, const char *text, size_t size);

/* lua_value_math.c: arithmetic, joining and comparing of boxes. */
void lua_math_install(struct expr_vm *vm); /* the metatable is on top of the stack */
bool lua_math_equal(struct expr_vm *vm, const struct value *a, const struct value *b, int64_t place);
/* <0, 0, >0; raises when the two have no order. */
int lua_math_compare(struct expr_vm *vm, const struct value *a, const struct value *b, int64_t place);

/* lua_vm.c: an interpreter with nothing in it, and budgets around one protected call. */
struct expr_vm *lua_vm_new(struct lua_budget limit);
void lua_vm_free(struct expr_vm *vm);
/* Clears what the last evaluation left and opens the budgets. */
void lua_vm_begin(struct expr_vm *vm, const struct expr *expr, const struct value *names);
/* Calls a C function (no arguments, no results) with errors caught. 0, or EXIT_INVALID with err placed. */
int lua_vm_call(struct expr_vm *vm, lua_CFunction function, struct err *err);

#endif
