/* SPDX-License-Identifier: Apache-2.0
 *
 * What `lua:` steps have beside the library: a few of Lua's basics that cannot reach out, and the
 * step's own functions. pairs() goes in sorted order, so that a script does the same in every
 * process.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "levada/plugin.h"
#include "workflow/library.h"
#include "workflow/script.h"

static const char *
arg_text(struct expr_vm *vm, int index, const char *function)
{
    struct value place;
    if (lua_isnoneornil(vm->lua, index)) lua_raise(vm, -1, NULL, "%s(): a text is missing", function);
    const struct value *value = lua_value_peek(vm, index, &place);
    if (value->type == VALUE_STRING) return value->text.ptr;
    lua_value_look(vm, value, NULL);
    buf_clear(&vm->text);
    value_show(&vm->text, value);
    lua_charge(vm, vm->text.size, 1);
    return arena_strndup(&vm->scratch, buf_str(&vm->text), vm->text.size);
}

static int
s_log(lua_State *lua)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    struct expr_vm *vm = lua_vm(lua);
    const char *level = "info";
    int text = 1;
    if (lua_gettop(lua) > 1) {
        level = NULL;
        for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
            if (str_eq(levels[i], arg_text(vm, 1, "log"))) level = levels[i];
        if (level == NULL)
            lua_raise(vm, -1, "It is debug, info, warn or error.",
                      "log(): \"%.50s\" is not a level", arg_text(vm, 1, "log"));
        text = 2;
    }
    const char *message = arg_text(vm, text, "log");
    lua_charge(vm, 0, 100 + strlen(message) / 16);
    if (vm->host != NULL && vm->host->log != NULL) vm->host->log(vm->host->context, level, message);
    return 0;
}

static int
s_metric(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    struct value place;
    const char *name = arg_text(vm, 1, "metric"),
               *unit = lua_isnoneornil(lua, 3) ? "" : arg_text(vm, 3, "metric");
    const struct value *value = lua_value_peek(vm, 2, &place);
    double number = 0;
    if (value->type == VALUE_REAL) number = value->real;
    else if (value->type == VALUE_INT || value->type == VALUE_SIZE) number = (double)value->integer;
    else if (value->type == VALUE_DURATION) number = (double)value->integer / 1000;
    else lua_raise(vm, -1, NULL, "metric(): %s is not a number", lua_type_name(value));
    lua_charge(vm, 0, 100);
    if (vm->host != NULL && vm->host->metric != NULL) vm->host->metric(vm->host->context, name, number, unit);
    return 0;
}

static int
s_set_output(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    const char *name = arg_text(vm, 1, "set_output");
    if (!str_is_id(name))
        lua_raise(vm, -1, "Names are lower case: rows, run_id.",
                  "set_output(): \"%.100s\" is not a name", name);
    const struct value *value = lua_value_get(vm, 2);
    lua_value_look(vm, value, NULL);
    lua_charge(vm, 0, 100);
    struct err err = {0};
    if (vm->host == NULL || vm->host->set_output == NULL ||
        vm->host->set_output(vm->host->context, name, value, &err) == 0)
        return 0;
    lua_raise(vm, -1, err.hint[0] ? err.hint : NULL, "%s", err.message);
}

static int
s_fail(lua_State *lua)
{
    static const struct { const char *word; int number; } classes[] = {
#define X(id, number, word, retry, meaning) {word, number},
        LEVADA_CLASSES(X)
#undef X
    };
    struct expr_vm *vm = lua_vm(lua);
    const char *message = lua_isnoneornil(lua, 1) ? "failed" : arg_text(vm, 1, "fail");
    const char *word = lua_isnoneornil(lua, 2) ? "permanent" : arg_text(vm, 2, "fail");
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (str_eq(classes[i].word, word)) {
            vm->failed_class = classes[i].number;
            lua_raise(vm, -1, NULL, "%s", message);
        }
    lua_raise(vm, -1,
              "Classes are transient, throttled, conflict, auth, invalid, contract, missing, "
              "timeout, cancelled, permanent.",
              "fail(): \"%.50s\" is not a class", word);
}

static int
s_skip(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    vm->skipped = arena_strdup(&vm->scratch, lua_isnoneornil(lua, 1) ? "" : arg_text(vm, 1, "skip"));
    lua_raise(vm, -1, NULL, "skipped");
}

static int
s_call(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    const char *action = arg_text(vm, 1, "call");
    const struct value *with = lua_isnoneornil(lua, 2) ? value_map(&vm->scratch) : lua_value_get(vm, 2), *outputs;
    struct err err = {0};
    if (with->type == VALUE_LIST && with->list.count == 0) with = value_map(&vm->scratch);
    if (with->type != VALUE_MAP)
        lua_raise(vm, -1, "Write call(\"plugin.action\", {name = value}).", "call(): the inputs are %s, not a map",
                  lua_type_name(with));
    if (vm->host == NULL || vm->host->call == NULL)
        lua_raise(vm, -1, "Put it into a `lua` step.", "call() is not possible here");
    if (vm->host->call(vm->host->context, action, with, &outputs, &err) != 0) {
        vm->failed_class = err.error_class;
        lua_raise(vm, -1, err.hint[0] ? err.hint : NULL, "%s", err.message);
    }
    lua_value_push(vm, outputs, NULL);
    return 1;
}

static int
s_assert(lua_State *lua)
{
    if (!lua_toboolean(lua, 1)) {
        lua_remove(lua, 1);
        if (lua_gettop(lua) == 0) lua_pushliteral(lua, "assertion failed");
        lua_settop(lua, 1);
        return s_fail(lua);
    }
    return lua_gettop(lua);
}

static int
s_type(lua_State *lua)
{
    struct value place;
    int type = lua_type(lua, 1);
    if (type == LUA_TNONE) lua_raise(lua_vm(lua), -1, NULL, "type(): a value is missing");
    if (type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TNIL)
        lua_pushstring(lua, lua_typename(lua, type));
    else lua_pushstring(lua, value_type_name(lua_value_peek(lua_vm(lua), 1, &place)->type));
    return 1;
}

struct key {
    const char *name; /* NULL: number */
    double number;
};

static int
by_key(const void *a, const void *b)
{
    const struct key *left = a, *right = b;
    if (left->name == NULL || right->name == NULL) {
        if (left->name != NULL || right->name != NULL) return left->name != NULL ? 1 : -1;
        return (left->number > right->number) - (left->number < right->number);
    }
    return strcmp(left->name, right->name);
}

/* Leaves a table of the table's keys, sorted, on the stack. */
static void
push_keys(struct expr_vm *vm)
{
    lua_State *lua = vm->lua;
    size_t count = 0, i = 0;
    for (lua_pushnil(lua); lua_next(lua, 1); lua_pop(lua, 1)) count++;
    lua_charge(vm, count * sizeof(struct key), count * 64);
    struct arena_mark mark = arena_mark(&vm->scratch);
    struct key *keys = ARENA_ARRAY(&vm->scratch, count, struct key);
    for (lua_pushnil(lua); lua_next(lua, 1); lua_pop(lua, 1), i++) {
        if (lua_type(lua, -2) == LUA_TSTRING) keys[i].name = lua_tostring(lua, -2);
        else if (lua_type(lua, -2) == LUA_TNUMBER) keys[i].number = lua_tonumber(lua, -2);
        else lua_raise(vm, -1, "Use names and numbers as keys.", "pairs(): a key without an order");
    }
    qsort(keys, count, sizeof *keys, by_key);
    lua_createtable(lua, count < 1000000 ? (int)count : 0, 0);
    for (i = 0; i < count; i++) {
        if (keys[i].name != NULL) lua_pushstring(lua, keys[i].name);
        else if (keys[i].number >= -9e15 && keys[i].number <= 9e15 &&
                 (double)(int64_t)keys[i].number >= keys[i].number)
            lua_pushinteger(lua, (lua_Integer)keys[i].number);
        else lua_pushnumber(lua, keys[i].number);
        lua_rawseti(lua, -2, (lua_Integer)i + 1);
    }
    vm->scratch_memory -= count * sizeof(struct key);
    arena_rewind(&vm->scratch, mark);
}

/* Upvalues: the table, its keys, how far we are. */
static int
next_table(lua_State *lua)
{
    for (;;) {
        lua_Integer at = lua_tointeger(lua, lua_upvalueindex(3)) + 1;
        lua_pushinteger(lua, at);
        lua_replace(lua, lua_upvalueindex(3));
        lua_rawgeti(lua, lua_upvalueindex(2), at);
        if (lua_isnil(lua, -1)) return 1;
        lua_pushvalue(lua, -1);
        lua_rawget(lua, lua_upvalueindex(1));
        if (!lua_isnil(lua, -1)) return 2;
        lua_pop(lua, 2);
    }
}

/* Upvalues: the box, how far we are. */
static int
next_box(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    struct value place;
    lua_pushvalue(lua, lua_upvalueindex(1));
    const struct value *value = lua_value_peek(vm, -1, &place);
    size_t at = (size_t)lua_tointeger(lua, lua_upvalueindex(2));
    size_t count = value->type == VALUE_LIST ? value->list.count : value->map.count;
    lua_pushinteger(lua, (lua_Integer)at + 1);
    lua_replace(lua, lua_upvalueindex(2));
    lua_charge(vm, 0, 1);
    if (at >= count) return lua_pushnil(lua), 1;
    if (value->type == VALUE_LIST) lua_pushinteger(lua, (lua_Integer)at + 1);
    else lua_pushstring(lua, value->map.names[at]);
    lua_value_push(vm, value->type == VALUE_LIST ? value->list.items[at] : value->map.values[at], NULL);
    return 2;
}

static int
s_pairs(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    struct value place;
    lua_settop(lua, 1);
    if (lua_type(lua, 1) == LUA_TTABLE) {
        push_keys(vm);
        lua_pushinteger(lua, 0);
        lua_pushcclosure(lua, next_table, 3);
        return 1;
    }
    if (lua_isnil(lua, 1)) lua_raise(vm, -1, NULL, "pairs() of nil");
    const struct value *value = lua_value_peek(vm, 1, &place);
    if (value->type != VALUE_LIST && value->type != VALUE_MAP)
        lua_raise(vm, -1, NULL, "pairs() of %s", lua_type_name(value));
    lua_pushinteger(lua, 0);
    lua_pushcclosure(lua, next_box, 2);
    return 1;
}

static int
next_item(lua_State *lua)
{
    lua_Integer at = lua_tointeger(lua, 2) + 1;
    lua_pushinteger(lua, at);
    return lua_rawgeti(lua, 1, at) == LUA_TNIL ? 1 : 2;
}

static int
s_ipairs(lua_State *lua)
{
    if (lua_type(lua, 1) != LUA_TTABLE) return s_pairs(lua);
    lua_settop(lua, 1);
    lua_pushcfunction(lua, next_item);
    lua_insert(lua, 1);
    lua_pushinteger(lua, 0);
    return 3;
}

const luaL_Reg script_functions[] = {
    {"log", s_log},       {"metric", s_metric}, {"set_output", s_set_output},
    {"fail", s_fail},     {"error", s_fail},    {"skip", s_skip},
    {"call", s_call},     {"assert", s_assert}, {"type", s_type},     {"pairs", s_pairs},
    {"ipairs", s_ipairs}, {NULL, NULL}};

bool
script_knows(const char *name)
{
    if (expr_is_root(name) || str_eq(name, "null") || library_find(name) != NULL) return true;
    for (const luaL_Reg *f = script_functions; f->name != NULL; f++)
        if (str_eq(f->name, name)) return true;
    return false;
}
