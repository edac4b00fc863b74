/* SPDX-License-Identifier: Apache-2.0
 *
 * How Lua calls a library function. Secrets are unwrapped here and nowhere else: what a function
 * makes of one becomes secret again, and what would tell something about it (a number, a
 * comparison) is refused.
 */
#include "workflow/library.h"

#include <string.h>

#include "base/assert.h"
#include "base/str.h"
#include "workflow/lua_value.h"

static const char only_passed_on[] = "A secret can be joined with texts and passed on, nothing else.";

static const struct value *
f_status(struct call *call)
{
    const struct value *status = value_get(call->vm->names, "status");
    bool success = value_get_bool(status, "success", true);
    switch (call->name[0]) {
    case 'a': return call_bool(call, true);
    case 's': return call_bool(call, success);
    case 'f': return call_bool(call, value_get_bool(status, "failure", false));
    default: return call_bool(call, value_get_bool(status, "cancelled", false));
    }
}

static const struct library_function library_flow[] = {
    {"default", "default(x, other)", "x, or other where x is null or missing.", "default(null, 8)",
     "8", 2, 2, LIBRARY_LAZY, NULL},
    {"cond", "cond(test, a, b)",
     "a when test is true, else b. Only the one that is needed is computed.",
     "cond(2 > 1, \"yes\", \"no\")", "\"yes\"", 3, 3, LIBRARY_LAZY, NULL},
    {"always", "always()", "In `if`: run whatever became of the steps before.", "always()", "true",
     0, 0, 0, f_status},
    {"success", "success()", "In `if`: have all needed steps succeeded? The default.", "success()",
     "true", 0, 0, 0, f_status},
    {"failure", "failure()", "In `if`: has a needed step failed?", "failure()", "false", 0, 0, 0,
     f_status},
    {"cancelled", "cancelled()", "In `if`: is the run being cancelled?", "cancelled()", "false", 0,
     0, 0, f_status},
    {0}};

static const struct {
    const char *title;
    const struct library_function *functions;
} tables[] = {
    {"Choosing", library_flow},          {"Texts", library_texts},   {"Patterns", library_patterns},
    {"Lists and maps", library_lists},   {"Numbers and sizes", library_numbers},
    {"Durations and times", library_times}, {"Encodings, digests and SQL", library_data},
};

const struct library_function *
library_at(size_t index)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct library_function *f = tables[i].functions; f->name != NULL; f++)
            if (index-- == 0) return f;
    return NULL;
}

const char *
library_title(size_t index)
{
    const struct library_function *f = library_at(index);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i].functions == f) return tables[i].title;
    return NULL;
}

const struct library_function *
library_find(const char *name)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct library_function *f = tables[i].functions; f->name != NULL; f++)
            if (str_eq(f->name, name)) return f;
    return NULL;
}

_Noreturn void
call_fail(struct call *call, const char *hint, const char *fmt, ...)
{
    va_list ap;
    char message[1024];
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    /* What it says may hold what it was given. */
    if (call->tainted)
        lua_raise(call->vm, -1, only_passed_on, "%s(): the secret is not what it takes",
                  call->name);
    lua_raise(call->vm, -1, hint, "%s(): %s", call->name, message);
}

void
call_count(struct call *call, size_t bytes, uint64_t work)
{
    lua_charge(call->vm, bytes, work);
}

struct arena *
call_arena(struct call *call)
{
    return &call->vm->scratch;
}

const struct value *
call_text(struct call *call, const char *text, size_t size)
{
    lua_charge(call->vm, sizeof(struct value) + size, 1 + size / 64);
    return value_textn(&call->vm->scratch, VALUE_STRING, text, size);
}

const struct value *
call_typed(struct call *call, enum value_type type, int64_t integer)
{
    lua_charge(call->vm, sizeof(struct value), 1);
    return value_typed(&call->vm->scratch, type, integer);
}

const struct value *
call_int(struct call *call, int64_t integer)
{
    return call_typed(call, VALUE_INT, integer);
}

const struct value *
call_real(struct call *call, double real)
{
    lua_charge(call->vm, sizeof(struct value), 1);
    return value_real(&call->vm->scratch, real);
}

const struct value *
call_bool(struct call *call, bool boolean)
{
    lua_charge(call->vm, sizeof(struct value), 1);
    return value_bool(&call->vm->scratch, boolean);
}

struct value *
call_list(struct call *call)
{
    lua_charge(call->vm, sizeof(struct value), 1);
    return value_list(&call->vm->scratch);
}

struct value *
call_map(struct call *call)
{
    lua_charge(call->vm, sizeof(struct value), 1);
    return value_map(&call->vm->scratch);
}

void
call_push(struct call *call, struct value *list, const struct value *item)
{
    lua_charge(call->vm, 2 * sizeof(void *), 1);
    value_push(&call->vm->scratch, list, item);
}

struct buf *
call_buf(struct call *call)
{
    buf_clear(&call->vm->text);
    return &call->vm->text;
}

const struct value *
call_buf_text(struct call *call)
{
    struct buf *buf = &call->vm->text;
    if (buf->full) lua_charge(call->vm, call->vm->limit.memory, 0);
    return call_text(call, buf_str(buf), buf->size);
}

static const char *
ordinal(size_t index)
{
    static const char *const words[] = {"first", "second", "third", "fourth"};
    return index < 4 ? words[index] : "last";
}

const struct value *
call_arg(struct call *call, size_t index, enum value_type type)
{
    ASSERT(index < call->nargs);
    const struct value *arg = call->args[index];
    struct value wanted = {.type = type};
    if (arg->type != type)
        call_fail(call, NULL, "the %s value is %s, and should be %s", ordinal(index),
                  lua_type_name(arg), lua_type_name(&wanted));
    return arg;
}

const struct value *
call_arg_list(struct call *call, size_t index)
{
    return call_arg(call, index, VALUE_LIST);
}

int64_t
call_arg_int(struct call *call, size_t index)
{
    const struct value *arg = call->args[index];
    /* 3.0 is what 6 / 2 gives. */
    if (arg->type == VALUE_REAL && arg->real >= -9e15 && arg->real <= 9e15 &&
        (double)(int64_t)arg->real >= arg->real && (double)(int64_t)arg->real <= arg->real)
        return (int64_t)arg->real;
    return call_arg(call, index, VALUE_INT)->integer;
}

int64_t
call_arg_int_or(struct call *call, size_t index, int64_t fallback)
{
    return index < call->nargs ? call_arg_int(call, index) : fallback;
}

bool
value_is_number(const struct value *value)
{
    return value->type == VALUE_INT || value->type == VALUE_REAL;
}

double
call_arg_real(struct call *call, size_t index)
{
    const struct value *arg = call->args[index];
    return arg->type == VALUE_INT ? (double)arg->integer : call_arg(call, index, VALUE_REAL)->real;
}

const struct value *
call_arg_text(struct call *call, size_t index)
{
    const struct value *arg = call->args[index];
    if (arg->type == VALUE_STRING) return arg;
    if (arg->type == VALUE_LIST || arg->type == VALUE_MAP || arg->type == VALUE_NULL)
        call_fail(call,
                  arg->type == VALUE_NULL ? "Use default(x, other) where it may be null."
                                          : "Write json(x) or join(list, \", \").",
                  "the %s value is %s, and should be a text", ordinal(index), lua_type_name(arg));
    value_show(call_buf(call), arg);
    return call_buf_text(call);
}

bool
call_equal(struct call *call, const struct value *a, const struct value *b)
{
    if (value_is_number(a) && value_is_number(b)) return lua_math_compare(call->vm, a, b, -1) == 0;
    return a->type == b->type && lua_math_equal(call->vm, a, b, -1);
}

int
call_compare(struct call *call, const struct value *a, const struct value *b)
{
    return lua_math_compare(call->vm, a, b, -1);
}

const struct value *
call_function(struct call *call, const struct value *item, int64_t index)
{
    lua_State *lua = call->vm->lua;
    if (!lua_checkstack(lua, 8)) call_fail(call, NULL, "nested too deeply");
    lua_pushvalue(lua, 2);
    lua_value_push(call->vm, item, NULL);
    lua_pushinteger(lua, index);
    lua_call(lua, 2, 1);
    const struct value *ret = lua_value_get(call->vm, -1);
    lua_pop(lua, 1);
    return ret;
}

/* Secrets in a copy of `value` become texts (taint false), or all it holds becomes secret (taint true). */
static const struct value *
retainted(struct call *call, const struct value *value, bool taint)
{
    struct arena *arena = &call->vm->scratch;
    lua_charge(call->vm, sizeof *value, 1);
    struct value *ret = value_new(arena, value->type);
    *ret = *value;
    switch (value->type) {
    case VALUE_NULL: return value;
    case VALUE_SECRET:
        ret->type = taint ? VALUE_SECRET : VALUE_STRING;
        return ret;
    case VALUE_LIST:
        lua_charge(call->vm, value->list.count * sizeof(void *), value->list.count);
        ret->list.items = ARENA_ARRAY(arena, value->list.count, const struct value *);
        for (size_t i = 0; i < value->list.count; i++)
            ret->list.items[i] = retainted(call, value->list.items[i], taint);
        return ret;
    case VALUE_MAP:
        lua_charge(call->vm, value->map.count * sizeof(void *), value->map.count);
        ret->map.values = ARENA_ARRAY(arena, value->map.count, const struct value *);
        for (size_t i = 0; i < value->map.count; i++)
            ret->map.values[i] = retainted(call, value->map.values[i], taint);
        return ret;
    default: break;
    }
    if (!taint) return value;
    if (value->type == VALUE_SQL)
        call_fail(call, "Give it as ${{ }} of its own: it becomes a bound parameter.",
                  "a secret cannot become SQL text");
    value_show(call_buf(call), value);
    return lua_secret(call->vm, buf_str(&call->vm->text), call->vm->text.size);
}

static const struct value *
dispatch(struct call *call, const struct library_function *f)
{
    for (size_t i = 0; i < call->nargs && !(f->flags & LIBRARY_STRUCTURE); i++) {
        bool unresolved;
        if (!lua_value_look(call->vm, call->args[i], &unresolved)) continue;
        if (unresolved) return lua_secret(call->vm, NULL, 0);
        call->args[i] = retainted(call, call->args[i], false);
        call->tainted = true;
    }
    const struct value *ret = f->call(call);
    if (!call->tainted) return ret;
    call->tainted = false;
    lua_value_look(call->vm, ret, NULL);
    if (ret->type != VALUE_STRING && ret->type != VALUE_LIST && ret->type != VALUE_MAP &&
        ret->type != VALUE_SQL)
        call_fail(call, only_passed_on, "the answer would tell something about a secret");
    return retainted(call, ret, true);
}

static int
run_function(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    const struct library_function *f = lua_touserdata(lua, lua_upvalueindex(1));
    const struct value *args[2 * EXPR_ITEMS_MAX];
    const struct arena_mark mark = arena_mark(&vm->scratch);
    const struct expr_zone *zones = vm->zones;
    size_t scratch_memory = vm->scratch_memory;
    struct call call = {.vm = vm, .name = f->name, .args = args, .nargs = (size_t)lua_gettop(lua)};
    if (call.nargs < f->args_min || call.nargs > f->args_max || call.nargs > sizeof args / sizeof *args) {
        char hint[256];
        snprintf(hint, sizeof hint, "It is used as %s.", f->signature);
        lua_raise(vm, -1, hint, "%s() is given %zu value%s", f->name, call.nargs, call.nargs == 1 ? "" : "s");
    }
    for (size_t i = 0; i < call.nargs; i++) {
        if (i == 1 && (f->flags & LIBRARY_FUNCTION)) {
            if (lua_type(lua, 2) != LUA_TFUNCTION)
                call_fail(&call, "Write function(x) return … end.",
                          "the second value should be a function");
            static const struct value none = {.type = VALUE_NULL};
            args[i] = &none;
            continue;
        }
        args[i] = lua_value_get(vm, (int)i + 1);
        if (args[i]->type == VALUE_NULL && !(f->flags & LIBRARY_NULLS))
            call_fail(&call, "Use default(x, other) where it may be null.", "the %s value is null",
                      ordinal(i));
    }
    const struct value *ret = dispatch(&call, f);
    lua_value_push(vm, ret, NULL);
    /* What Lua has got as its own needs nothing of what was made on the way. A function that called back into Lua may
     * have left boxes there. */
    if (lua_type(lua, -1) != LUA_TUSERDATA && !(f->flags & LIBRARY_FUNCTION) && vm->zones == zones) {
        arena_rewind(&vm->scratch, mark);
        vm->scratch_memory = scratch_memory;
    }
    return 1;
}

/* A lazy argument is a function without parameters; constants come as they are. */
static void
force(lua_State *lua, int index)
{
    lua_pushvalue(lua, index);
    if (lua_type(lua, -1) == LUA_TFUNCTION) lua_call(lua, 0, 1);
}

static bool
is_absent(lua_State *lua)
{
    struct value place;
    if (lua_isnil(lua, -1)) return true;
    return lua_type(lua, -1) == LUA_TUSERDATA && lua_value_peek(lua_vm(lua), -1, &place)->type == VALUE_NULL;
}

static int
run_default(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    lua_settop(lua, 2);
    lua_pushvalue(lua, 1);
    if (lua_type(lua, 1) == LUA_TFUNCTION && lua_pcall(lua, 0, 1, 0) != LUA_OK) {
        if (lua_touserdata(lua, -1) != vm || !vm->missing || vm->exhausted != NULL) return lua_error(lua);
        vm->missing = false;
        lua_pop(lua, 1);
        lua_pushnil(lua);
    }
    if (!is_absent(lua)) return 1;
    force(lua, 2);
    return 1;
}

static int
run_cond(lua_State *lua)
{
    lua_settop(lua, 3);
    force(lua, 1);
    if (lua_type(lua, -1) != LUA_TBOOLEAN)
        lua_raise(lua_vm(lua), -1, "Compare with something, as in cond(x > 1, a, b).",
                  "cond(): the first value is neither true nor false");
    force(lua, lua_toboolean(lua, -1) ? 2 : 3);
    return 1;
}

void
library_install(struct expr_vm *vm)
{
    lua_State *lua = vm->lua;
    const struct library_function *f;
    for (size_t i = 0; (f = library_at(i)) != NULL; i++) {
        if (f->flags & LIBRARY_LAZY) {
            lua_pushcfunction(lua, f->name[0] == 'd' ? run_default : run_cond);
        } else {
            lua_pushlightuserdata(lua, (void *)(uintptr_t)f);
            lua_pushcclosure(lua, run_function, 1);
        }
        lua_setglobal(lua, f->name);
    }
}
