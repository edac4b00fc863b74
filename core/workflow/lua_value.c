/* SPDX-License-Identifier: Apache-2.0
 *
 * Values into Lua and back. Raising leaves through Lua's longjmp, so nothing here may hold memory that is not
 * an arena's, the interpreter's or Lua's.
 */
#include "workflow/lua_value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/str.h"

static const char box_name[] = "levada";

struct expr_vm *
lua_vm(lua_State *lua)
{
    struct expr_vm *vm;
    memcpy(&vm, lua_getextraspace(lua), sizeof vm);
    return vm;
}

/* Line of the innermost Lua function, which for expressions is a place. */
static int
current_line(lua_State *lua)
{
    lua_Debug frame;
    for (int level = 0; lua_getstack(lua, level, &frame); level++)
        if (lua_getinfo(lua, "l", &frame) && frame.currentline > 0) return frame.currentline;
    return 0;
}

__attribute__((format(printf, 5, 0))) _Noreturn static void
raise_at(struct expr_vm *vm, int64_t place, bool missing, const char *hint, const char *fmt, va_list ap)
{
    char message[LIMIT_MESSAGE_SIZE];
    vsnprintf(message, sizeof message, fmt, ap);
    err_set(&vm->raised, EXIT_INVALID, "%s", message);
    if (hint != NULL) err_hint(&vm->raised, "%s", hint);
    if (place < 0) place = current_line(vm->lua);
    if (vm->expr == NULL) {
        vm->raised.line = vm->script_line + (place > 0 ? (int)place - 1 : 0);
        vm->raised.column = 1;
    } else if (vm->expr->line > 0 && (size_t)place < vm->expr->code->nplaces) {
        vm->raised.line = vm->expr->code->places[place].line;
        vm->raised.column = vm->expr->code->places[place].column;
    }
    vm->missing = missing;
    lua_pushlightuserdata(vm->lua, vm);
    lua_error(vm->lua);
    UNREACHABLE("lua_error returns");
}

void
lua_raise(struct expr_vm *vm, int64_t place, const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    raise_at(vm, place, false, hint, fmt, ap);
}

void
lua_raise_missing(struct expr_vm *vm, int64_t place, const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    raise_at(vm, place, true, hint, fmt, ap);
}

void
lua_charge(struct expr_vm *vm, size_t bytes, uint64_t work)
{
    vm->scratch_memory += bytes;
    vm->instructions += work;
    size_t lua_memory = vm->lua_memory > vm->base_memory ? vm->lua_memory - vm->base_memory : 0;
    if (vm->scratch_memory + lua_memory > vm->limit.memory) vm->exhausted = "memory";
    if (vm->instructions > vm->limit.instructions) vm->exhausted = "instructions";
    if (vm->exhausted) lua_raise(vm, -1, NULL, "out of %s", vm->exhausted);
}

const char *
lua_type_name(const struct value *value)
{
    static const char *const names[] = {"null", "a boolean", "an integer", "a number", "a text", "a duration",
                                        "a size", "a timestamp", "SQL text", "a secret", "a list", "a map"};
    return value == NULL ? "nothing" : names[value->type];
}

const struct value *
lua_secret(struct expr_vm *vm, const char *text, size_t size)
{
    lua_charge(vm, sizeof(struct value) + size, size / 64);
    if (text != NULL) return value_textn(&vm->scratch, VALUE_SECRET, text, size);
    return value_new(&vm->scratch, VALUE_SECRET);
}

const char *
lua_path_text(struct expr_vm *vm, const struct lua_path *path, const struct value *value)
{
    const struct lua_path *parts[64];
    size_t count = 0;
    if (path == NULL)
        return value->type == VALUE_LIST  ? "this list"
               : value->type == VALUE_MAP ? "this map"
                                          : "this value";
    for (; path != NULL && count < 64; path = path->parent) parts[count++] = path;
    buf_clear(&vm->text);
    while (count-- > 0) {
        if (parts[count]->name == NULL) buf_printf(&vm->text, "[%lld]", (long long)parts[count]->index);
        else buf_printf(&vm->text, vm->text.size ? ".%s" : "%s", parts[count]->name);
    }
    return buf_str(&vm->text);
}

const struct lua_path *
lua_path_of(lua_State *lua, int index)
{
    const struct lua_box *box = luaL_testudata(lua, index, box_name);
    return box ? box->path : NULL;
}

void
lua_value_push(struct expr_vm *vm, const struct value *value, const struct lua_path *path)
{
    lua_State *lua = vm->lua;
    if (!lua_checkstack(lua, 4)) lua_raise(vm, -1, NULL, "nested too deeply");
    switch (value->type) {
    case VALUE_BOOL: lua_pushboolean(lua, value->boolean); return;
    case VALUE_INT: lua_pushinteger(lua, value->integer); return;
    case VALUE_REAL: lua_pushnumber(lua, value->real); return;
    case VALUE_STRING: lua_pushlstring(lua, value->text.ptr, value->text.size); return;
    case VALUE_NULL:
        if (path == NULL) {
            lua_getfield(lua, LUA_REGISTRYINDEX, "levada.null");
            return;
        }
        break;
    default: break;
    }
    struct lua_box *box = lua_newuserdatauv(lua, sizeof *box, 0);
    *box = (struct lua_box){value, path};
    luaL_setmetatable(lua, box_name);
}

const struct value *
lua_value_peek(struct expr_vm *vm, int index, struct value *place)
{
    lua_State *lua = vm->lua;
    *place = (struct value){0};
    switch (lua_type(lua, index)) {
    case LUA_TBOOLEAN:
        place->type = VALUE_BOOL;
        place->boolean = lua_toboolean(lua, index);
        return place;
    case LUA_TNUMBER:
        place->type = lua_isinteger(lua, index) ? VALUE_INT : VALUE_REAL;
        if (place->type == VALUE_INT) place->integer = lua_tointeger(lua, index);
        else place->real = lua_tonumber(lua, index);
        return place;
    case LUA_TSTRING:
        place->type = VALUE_STRING;
        place->text.ptr = lua_tolstring(lua, index, &place->text.size);
        return place;
    case LUA_TUSERDATA: {
        const struct lua_box *box = luaL_testudata(lua, index, box_name);
        ASSERT(box != NULL);
        return box->value;
    }
    default: return lua_value_get(vm, index);
    }
}

static const struct value *get_deep(struct expr_vm *vm, int index, unsigned depth);

struct sorted_name {
    const char *name;
    const struct value *value;
};

static int
by_name(const void *a, const void *b)
{
    const struct sorted_name *left = a, *right = b;
    return strcmp(left->name, right->name);
}

/* Names come out sorted: Lua's own order changes from one process to the next. */
static const struct value *
get_map(struct expr_vm *vm, int index, size_t count, unsigned depth)
{
    lua_State *lua = vm->lua;
    /* Sorting is work that grows faster. */
    lua_charge(vm, sizeof(struct value) + count * 4 * sizeof(void *), count * 64);
    struct sorted_name *members = ARENA_ARRAY(&vm->scratch, count, struct sorted_name);
    size_t i = 0;
    for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1), i++) {
        size_t size;
        if (lua_type(lua, -2) != LUA_TSTRING)
            lua_raise(vm, -1, "Use either names or 1, 2, 3, … as keys.",
                      "a table that is neither a list nor a map");
        const char *name = lua_tolstring(lua, -2, &size);
        if (memchr(name, 0, size) != NULL) lua_raise(vm, -1, NULL, "a name with a zero byte in it");
        lua_charge(vm, size + 1, 1);
        members[i] = (struct sorted_name){arena_strndup(&vm->scratch, name, size),
                                          get_deep(vm, lua_gettop(lua), depth + 1)};
    }
    qsort(members, count, sizeof *members, by_name);
    struct value *ret = value_map(&vm->scratch);
    ret->map.names = ARENA_ARRAY(&vm->scratch, count, const char *);
    ret->map.values = ARENA_ARRAY(&vm->scratch, count, const struct value *);
    ret->map.count = count;
    for (i = 0; i < count; i++) {
        ret->map.names[i] = members[i].name;
        ret->map.values[i] = members[i].value;
    }
    return ret;
}

static const struct value *
get_table(struct expr_vm *vm, int index, unsigned depth)
{
    lua_State *lua = vm->lua;
    size_t count = 0, length = lua_rawlen(lua, index);
    if (!lua_checkstack(lua, 4)) lua_raise(vm, -1, NULL, "nested too deeply");
    for (lua_pushnil(lua); lua_next(lua, index); lua_pop(lua, 1)) count++;
    lua_charge(vm, 0, count);
    if (count != length) return get_map(vm, index, count, depth);
    lua_charge(vm, sizeof(struct value) + count * sizeof(void *), count);
    struct value *ret = value_list(&vm->scratch);
    ret->list.items = ARENA_ARRAY(&vm->scratch, count, const struct value *);
    for (size_t i = 0; i < count; i++, lua_pop(lua, 1)) {
        lua_rawgeti(lua, index, (lua_Integer)i + 1);
        ret->list.items[ret->list.count++] = get_deep(vm, lua_gettop(lua), depth + 1);
    }
    return ret;
}

static const struct value *
get_deep(struct expr_vm *vm, int index, unsigned depth)
{
    if (depth > LIMIT_DEPTH) lua_raise(vm, -1, NULL, "a value nested more than %u deep", LIMIT_DEPTH);
    switch (lua_type(vm->lua, index)) {
    case LUA_TTABLE: return get_table(vm, index, depth);
    case LUA_TNIL:
    case LUA_TNONE: lua_raise(vm, -1, "Use null for a value that is not there.", "nil is not a value");
    case LUA_TFUNCTION: lua_raise(vm, -1, NULL, "a function is not a value");
    default: break;
    }
    struct value place;
    const struct value *value = lua_value_peek(vm, index, &place);
    if (value != &place) return value;
    if (place.type == VALUE_REAL && !isfinite(place.real))
        lua_raise(vm, -1, "Look for a division by zero.", "a number that is not finite");
    size_t size = place.type == VALUE_STRING ? place.text.size : 0;
    lua_charge(vm, sizeof place + size, 1 + size / 64);
    return value_copy(&vm->scratch, &place);
}

const struct value *
lua_value_get(struct expr_vm *vm, int index)
{
    return get_deep(vm, lua_absindex(vm->lua, index), 0);
}

struct look {
    uint64_t parts;
    bool tainted, unresolved;
};

static void
look_into(struct expr_vm *vm, const struct value *value, unsigned depth, struct look *look)
{
    if (depth > LIMIT_DEPTH) lua_raise(vm, -1, NULL, "a value nested more than %u deep", LIMIT_DEPTH);
    if (++look->parts % 4096 == 0) lua_charge(vm, 0, 4096);
    if (value->type == VALUE_SECRET) {
        look->tainted = true;
        if (value->text.ptr == NULL) look->unresolved = true;
    }
    if (value->type == VALUE_LIST)
        for (size_t i = 0; i < value->list.count; i++) look_into(vm, value->list.items[i], depth + 1, look);
    if (value->type == VALUE_MAP)
        for (size_t i = 0; i < value->map.count; i++) look_into(vm, value->map.values[i], depth + 1, look);
}

bool
lua_value_look(struct expr_vm *vm, const struct value *value, bool *unresolved)
{
    struct look look = {0};
    look_into(vm, value, 0, &look);
    lua_charge(vm, 0, look.parts % 4096);
    if (unresolved != NULL) *unresolved = look.unresolved;
    return look.tainted;
}

static const struct lua_path *
path_child(struct expr_vm *vm, const struct lua_path *parent, const char *name, int64_t index)
{
    if (parent == NULL) return NULL;
    lua_charge(vm, sizeof(struct lua_path) + (name ? strlen(name) + 1 : 0), 0);
    struct lua_path *ret = ARENA_NEW(&vm->scratch, struct lua_path);
    *ret = (struct lua_path){parent, name ? arena_strdup(&vm->scratch, name) : NULL, index};
    return ret;
}

/* steps.X.outputs of a skipped step is null, and so is everything in it. */
static bool
is_skipped_output(const struct lua_path *path)
{
    const struct lua_path *below[3] = {0};
    for (; path != NULL; path = path->parent) {
        below[2] = below[1];
        below[1] = below[0];
        below[0] = path;
    }
    return below[2] != NULL && str_eq(below[0]->name, "steps") && below[2]->name != NULL &&
           str_eq(below[2]->name, "outputs");
}

_Noreturn static void
raise_missing(struct expr_vm *vm, const struct value *map, const struct lua_path *path,
              const char *name, int64_t place)
{
    char hint[512];
    lua_charge(vm, 0, 600 + 20 * map->map.count);
    const char *nearest = str_nearest(name, map->map.names, map->map.count);
    size_t used = 0;
    if (nearest != NULL) {
        snprintf(hint, sizeof hint, "Did you mean \"%s\"?", nearest);
    } else if (map->map.count == 0) {
        snprintf(hint, sizeof hint, "It is empty.");
    } else {
        used = (size_t)snprintf(hint, sizeof hint, "It has");
        for (size_t i = 0; i < map->map.count && used < 300; i++)
            used += (size_t)snprintf(hint + used, sizeof hint - used, "%s %.80s", i ? "," : "",
                                     map->map.names[i]);
        if (used < sizeof hint - 2) snprintf(hint + used, sizeof hint - used, used < 300 ? "." : ", …");
    }
    const char *where = lua_path_text(vm, path, map);
    char message[LIMIT_MESSAGE_SIZE / 2];
    snprintf(message, sizeof message, "%s", where);
    lua_raise_missing(vm, place, hint, "%s has no \"%.200s\"", message, name);
}

const struct value *
lua_value_find(struct expr_vm *vm, const struct value *container, const struct value *key, int64_t place,
               const struct lua_path **path)
{
    const struct value *found = NULL;
    char where[512];
    if (container->type == VALUE_MAP) {
        if (key->type != VALUE_STRING)
            lua_raise(vm, place, "Members of a map have names.", "%s as a member's name", lua_type_name(key));
        found = value_get(container, key->text.ptr);
        lua_charge(vm, 0, container->map.count / 16);
        if (found == NULL) raise_missing(vm, container, *path, key->text.ptr, place);
        *path = path_child(vm, *path, key->text.ptr, 0);
        return found;
    }
    if (container->type == VALUE_LIST) {
        size_t count = container->list.count;
        if (key->type != VALUE_INT)
            lua_raise(vm, place, "Items of a list are numbered from 1.", "%s as an item's number",
                      lua_type_name(key));
        if (key->integer == 0) lua_raise(vm, place, "Lists start at 1: the first item is [1].", "index 0");
        if (key->integer > 0 && (uint64_t)key->integer <= count) {
            *path = path_child(vm, *path, NULL, key->integer);
            return container->list.items[key->integer - 1];
        }
        snprintf(where, sizeof where, "%s", lua_path_text(vm, *path, container));
        lua_raise_missing(vm, place, key->integer < 0 ? "Use last(list) for the last item." : NULL,
                          "%s has %zu item%s, and no item %lld", where, count,
                          count == 1 ? "" : "s", (long long)key->integer);
    }
    if (container->type == VALUE_NULL && is_skipped_output(*path)) {
        *path = path_child(vm, *path, key->type == VALUE_STRING ? key->text.ptr : "[ ]", 0);
        return container;
    }
    if (container->type == VALUE_SECRET && container->text.ptr == NULL) {
        *path = NULL;
        return container;
    }
    snprintf(where, sizeof where, "%s", lua_path_text(vm, *path, container));
    if (container->type == VALUE_NULL)
        lua_raise_missing(vm, place, "Use default(x, other) where it may be null.",
                          "%s is null and has no members", where);
    lua_raise(vm, place,
              container->type == VALUE_STRING || container->type == VALUE_SECRET
                  ? "Write from_json(x) first if it holds JSON."
                  : NULL,
              "%s is %s and has no members", where, lua_type_name(container));
}

void
lua_value_member(struct expr_vm *vm, int index, const struct value *key, int64_t place)
{
    struct value slot;
    const struct lua_path *path = lua_path_of(vm->lua, index);
    const struct value *container = lua_value_peek(vm, index, &slot);
    const struct value *found = lua_value_find(vm, container, key, place, &path);
    lua_value_push(vm, found, path);
}

static int
box_index(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    struct value key;
    lua_value_member(vm, 1, lua_value_peek(vm, 2, &key), -1);
    return 1;
}

static int
box_fixed(lua_State *lua)
{
    lua_raise(lua_vm(lua), -1, "Build a new table and use that.",
              "values from the workflow cannot be changed");
}

static int
box_call(lua_State *lua)
{
    struct value place;
    struct expr_vm *vm = lua_vm(lua);
    lua_raise(vm, -1, NULL, "%s is not a function", lua_type_name(lua_value_peek(vm, 1, &place)));
}

static int
box_length(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    const struct lua_box *box = luaL_checkudata(lua, 1, box_name);
    if (box->value->type != VALUE_LIST)
        lua_raise(vm, -1, "Use len(x).", "# of %s", lua_type_name(box->value));
    lua_pushinteger(lua, (lua_Integer)box->value->list.count);
    return 1;
}

void
lua_value_install(struct expr_vm *vm)
{
    static const struct value null = {.type = VALUE_NULL};
    static const luaL_Reg methods[] = {{"__index", box_index},
                                       {"__newindex", box_fixed},
                                       {"__len", box_length},
                                       {"__call", box_call},
                                       {NULL, NULL}};
    lua_State *lua = vm->lua;
    luaL_newmetatable(lua, box_name);
    luaL_setfuncs(lua, methods, 0);
    lua_math_install(vm);
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_pop(lua, 1);
    struct lua_box *box = lua_newuserdatauv(lua, sizeof *box, 0);
    *box = (struct lua_box){&null, NULL};
    luaL_setmetatable(lua, box_name);
    lua_setfield(lua, LUA_REGISTRYINDEX, "levada.null");
}
