/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs `lua:` steps, in the sandbox of expressions with larger budgets. The chunk's globals are
 * read-only: what it computes it returns or sets as output, and it cannot leave anything behind.
 */
#include "workflow/script.h"

#include <string.h>

#include "base/str.h"
#include "levada/plugin.h"
#include "workflow/library.h"

/* Of CPU. The instruction budget ends sooner, but for what it cannot see: comparing texts of many megabytes is one
 * instruction of Lua. */
#define TIME_MAX_MS 120000

struct script_input {
    const char *text;
    size_t size;
};

/* Upvalue: the table of all that is known. */
static int
global_get(lua_State *lua)
{
    lua_pushvalue(lua, 2);
    if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    struct err err = {0};
    struct token token = {.kind = TOKEN_NAME,
                          .text = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "?"};
    expr_unknown_name(&token, NULL, false, &err);
    lua_raise(lua_vm(lua), -1, err.hint[0] ? err.hint : NULL, "%s", err.message);
}

static int
global_set(lua_State *lua)
{
    lua_raise(lua_vm(lua), -1, "Write local in front of it, or set_output(name, value).",
              "\"%.100s\" cannot be set",
              lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "?");
}

/* Puts names and functions into a table that the chunk sees through an empty one. */
static void
push_globals(struct expr_vm *vm)
{
    lua_State *lua = vm->lua;
    lua_newtable(lua);
    lua_newtable(lua);
    lua_pushglobaltable(lua);
    for (size_t i = 0; value_is(vm->names, VALUE_MAP) && i < vm->names->map.count; i++) {
        struct lua_path *path = ARENA_NEW(&vm->scratch, struct lua_path);
        path->name = vm->names->map.names[i];
        lua_value_push(vm, vm->names->map.values[i], path);
        lua_setfield(lua, -2, path->name);
    }
    lua_pushcclosure(lua, global_get, 1);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, global_set);
    lua_setfield(lua, -2, "__newindex");
    lua_setmetatable(lua, -2);
}

static void
set_outputs(struct expr_vm *vm, const struct value *result)
{
    lua_value_look(vm, result, NULL);
    if (result->type == VALUE_LIST && result->list.count == 0) return;
    if (result->type != VALUE_MAP)
        lua_raise(vm, -1, "Write return {rows = 5}.", "the chunk returns %s; outputs are a map",
                  lua_type_name(result));
    for (size_t i = 0; i < result->map.count; i++) {
        struct err err = {0};
        if (vm->host == NULL || vm->host->set_output == NULL) return;
        if (vm->host->set_output(vm->host->context, result->map.names[i], result->map.values[i], &err) != 0)
            lua_raise(vm, -1, err.hint[0] ? err.hint : NULL, "%s", err.message);
    }
}

static int
run(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    const struct script_input *input = vm->script;
    if (luaL_loadbufferx(lua, input->text, input->size, "=e", "t") != LUA_OK) lua_error(lua);
    push_globals(vm);
    lua_setupvalue(lua, -2, 1);
    lua_call(lua, 0, 1);
    if (!lua_isnil(lua, -1)) set_outputs(vm, lua_value_get(vm, -1));
    return 0;
}

static void
install(struct expr_vm *vm)
{
    lua_State *lua = vm->lua;
    library_install(vm);
    lua_pushglobaltable(lua);
    luaL_setfuncs(lua, script_functions, 0);
    lua_getfield(lua, LUA_REGISTRYINDEX, "levada.null");
    lua_setfield(lua, -2, "null");
    /* luaL_setfuncs and the state itself leave nothing else there but these. */
    lua_pushnil(lua);
    lua_setfield(lua, -2, "_G");
    lua_settop(lua, 0);
}

int
script_run(const char *text, int line, const struct value *names, const struct script_host *host,
           struct arena *arena, const char **skipped, struct err *err)
{
    struct script_input input = {text, strlen(text)};
    uint64_t instructions = host != NULL && host->instructions ? host->instructions : LIMIT_LUA_INSTRUCTIONS;
    struct expr_vm *vm = lua_vm_new((struct lua_budget){.instructions = instructions,
                                                        .memory = LIMIT_LUA_MEMORY,
                                                        .allocated = 64ull * LIMIT_LUA_MEMORY,
                                                        .time_ms = TIME_MAX_MS});
    install(vm);
    lua_vm_begin(vm, NULL, names);
    vm->script_line = line > 0 ? line : 1;
    vm->script = &input;
    vm->host = host;
    *skipped = NULL;
    int code = lua_vm_call(vm, run, err);
    if (vm->skipped != NULL) {
        *skipped = arena_strdup(arena, vm->skipped);
        code = 0;
    } else if (code != 0) {
        code = err->code = EXIT_FAILED;
        if (vm->exhausted != NULL)
            err->error_class =
                strcmp(vm->exhausted, "cancelled") == 0 ? LEVADA_CANCELLED : LEVADA_PERMANENT;
        else if (vm->failed_class != 0) err->error_class = vm->failed_class;
    }
    lua_vm_free(vm);
    return code;
}
