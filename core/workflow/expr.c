/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluation. The Lua that runs is expr_emit.c's, kept compiled by its text; the names and constants of paths
 * come from the expression, so two expressions of one shape share a chunk.
 */
#include <string.h>

#include "base/str.h"
#include "workflow/library.h"
#include "workflow/lua_value.h"

#define CACHE_MAX 512 /* compiled expressions kept by one interpreter */
#define TIME_MAX_MS 2000

static const struct value *
walk(struct expr_vm *vm, size_t index, const struct lua_path **path)
{
    const struct expr_ref *ref = &vm->expr->refs[index];
    const uint32_t *at = vm->expr->code->ref_places[index].at;
    const struct value *value = value_get(vm->names, ref->path[0]);
    if (value == NULL)
        lua_raise(vm, at[0], NULL, "\"%s\" is not known at this point", ref->path[0]);
    struct lua_path *root = ARENA_NEW(&vm->scratch, struct lua_path);
    root->name = ref->path[0];
    *path = root;
    for (size_t i = 1; i < ref->depth; i++) {
        struct value key = {.type = VALUE_STRING, .text = {ref->path[i], strlen(ref->path[i])}};
        value = lua_value_find(vm, value, &key, at[i], path);
    }
    return value;
}

static int
fn_ref(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    const struct lua_path *path;
    const struct value *value = walk(vm, (size_t)lua_tointeger(lua, 1), &path);
    if (value->type == VALUE_STRING) lua_charge(vm, 0, value->text.size / 64);
    lua_value_push(vm, value, path);
    return 1;
}

static int
fn_index(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    struct value key;
    lua_value_member(vm, 1, lua_value_peek(vm, 2, &key), lua_tointeger(lua, 3));
    return 1;
}

static int
fn_equal(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    struct value left, right;
    const struct value *a = lua_value_peek(vm, 1, &left);
    lua_pushboolean(lua, lua_math_equal(vm, a, lua_value_peek(vm, 2, &right), lua_tointeger(lua, 3)));
    return 1;
}

static void
check_truth(struct expr_vm *vm, bool secret_allowed)
{
    struct value place;
    if (lua_type(vm->lua, 1) != LUA_TUSERDATA) return;
    const struct value *value = lua_value_peek(vm, 1, &place);
    if (value->type == VALUE_NULL)
        lua_raise(vm, lua_tointeger(vm->lua, 2), "Write x ~= null, or default(x, other).",
                  "null is neither true nor false");
    if (value->type == VALUE_SECRET && !secret_allowed)
        lua_raise(vm, lua_tointeger(vm->lua, 2),
                  "A secret can be joined with texts and passed on, nothing else.",
                  "a secret is neither true nor false");
}

static int
fn_truth(lua_State *lua)
{
    check_truth(lua_vm(lua), false);
    lua_settop(lua, 1);
    return 1;
}

/* Left of `or`, as in `test and secrets.a or secrets.b`. */
static int
fn_or(lua_State *lua)
{
    check_truth(lua_vm(lua), true);
    lua_settop(lua, 1);
    return 1;
}

static int
fn_list(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    int count = lua_gettop(lua);
    lua_charge(vm, sizeof(struct value) + (size_t)count * sizeof(void *), (uint64_t)count);
    struct value *list = value_list(&vm->scratch);
    for (int i = 1; i <= count; i++) value_push(&vm->scratch, list, lua_value_get(vm, i));
    lua_value_push(vm, list, NULL);
    return 1;
}

static int
fn_map(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    int count = lua_gettop(lua);
    lua_charge(vm, sizeof(struct value) + (size_t)count * 2 * sizeof(void *), (uint64_t)count);
    struct value *map = value_map(&vm->scratch);
    for (int i = 1; i <= count; i += 2) {
        const struct value *key = lua_value_get(vm, i);
        if (key->type != VALUE_STRING) lua_raise(vm, -1, NULL, "%s as a member's name", lua_type_name(key));
        if (strlen(key->text.ptr) != key->text.size) lua_raise(vm, -1, NULL, "a name with a zero byte in it");
        if (value_get(map, key->text.ptr) != NULL)
            lua_raise(vm, -1, NULL, "\"%.200s\" twice in one map", key->text.ptr);
        value_set(&vm->scratch, map, key->text.ptr, lua_value_get(vm, i + 1));
    }
    lua_value_push(vm, map, NULL);
    return 1;
}

struct expr_vm *
expr_vm_new(void)
{
    static const luaL_Reg ours[] = {{"__r", fn_ref}, {"__i", fn_index}, {"__e", fn_equal}, {"__t", fn_truth},
                                    {"__o", fn_or}, {"__l", fn_list}, {"__m", fn_map}, {NULL, NULL}};
    struct expr_vm *vm = lua_vm_new((struct lua_budget){.instructions = LIMIT_EXPR_INSTRUCTIONS,
                                                        .memory = LIMIT_EXPR_MEMORY,
                                                        .allocated = 16 * LIMIT_EXPR_MEMORY,
                                                        .time_ms = TIME_MAX_MS});
    lua_State *lua = vm->lua;
    lua_pushglobaltable(lua);
    luaL_setfuncs(lua, ours, 0);
    lua_getfield(lua, LUA_REGISTRYINDEX, "levada.null");
    lua_setfield(lua, -2, "__null");
    library_install(vm);
    lua_settop(lua, 0);
    lua_newtable(lua);
    lua_setfield(lua, LUA_REGISTRYINDEX, "levada.cache");
    return vm;
}

void
expr_vm_free(struct expr_vm *vm)
{
    lua_vm_free(vm);
}

int
expr_compile_check(const char *text, size_t size, struct err *err)
{
    lua_State *lua = luaL_newstate();
    if (lua == NULL) return err_set(err, EXIT_STORE, "out of memory");
    int code = 0;
    if (luaL_loadbufferx(lua, text, size, "=e", "t") != LUA_OK) {
        code = err_set(err, EXIT_INVALID, "an expression that Lua cannot compile: %s", lua_tostring(lua, -1));
        err_hint(err, "Compute it in a lua: step.");
    }
    lua_close(lua);
    return code;
}

/* Leaves the compiled chunk on the stack. */
static void
push_chunk(struct expr_vm *vm)
{
    lua_State *lua = vm->lua;
    const struct expr_code *code = vm->expr->code;
    lua_getfield(lua, LUA_REGISTRYINDEX, "levada.cache");
    lua_pushlstring(lua, code->text, code->size);
    if (lua_rawget(lua, -2) == LUA_TFUNCTION) return;
    lua_pop(lua, 1);
    if (vm->cached++ >= CACHE_MAX) {
        vm->cached = 1;
        lua_newtable(lua);
        lua_copy(lua, -1, -2);
        lua_setfield(lua, LUA_REGISTRYINDEX, "levada.cache");
    }
    lua_pushlstring(lua, code->text, code->size);
    if (luaL_loadbufferx(lua, code->text, code->size, "=e", "t") != LUA_OK) lua_error(lua);
    lua_pushvalue(lua, -2);
    lua_pushvalue(lua, -2);
    lua_rawset(lua, -5);
}

static int
run(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    const struct lua_path *path;
    if (vm->expr->code->lone_ref) {
        vm->result = walk(vm, 0, &path);
        return 0;
    }
    push_chunk(vm);
    lua_call(lua, 0, 1);
    vm->result = lua_value_get(vm, -1);
    lua_value_look(vm, vm->result, NULL);
    return 0;
}

int
expr_eval(struct expr_vm *vm, const struct expr *expr, const struct value *names, struct arena *arena,
          const struct value **ret, struct err *err)
{
    lua_vm_begin(vm, expr, names);
    if (lua_vm_call(vm, run, err) != 0) return err->code;
    *ret = value_copy(arena, vm->result);
    return 0;
}
