/* SPDX-License-Identifier: Apache-2.0
 *
 * The interpreter's three budgets: instructions (a count hook), memory at once (the allocator),
 * memory in all (because copying is work that the hook does not see); and, below these, the
 * thread's CPU time. A budget that is used up stays used up: catching the error does not help.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "levada/plugin.h"
#include "workflow/lua_value.h"

#define HOOK_INSTRUCTIONS 256

static void *
counted_alloc(void *context, void *old, size_t old_size, size_t size)
{
    struct expr_vm *vm = context;
    if (old == NULL) old_size = 0; /* Lua passes the kind of object there */
    if (size == 0) {
        vm->lua_memory -= old_size;
        memory_free(old);
        return NULL;
    }
    if (vm->open && size > old_size) {
        size_t grown = vm->lua_memory + (size - old_size);
        vm->allocated += size;
        if (vm->allocated > vm->limit.allocated) vm->exhausted = "instructions";
        if (vm->exhausted || (grown > vm->base_memory &&
                              grown - vm->base_memory + vm->scratch_memory > vm->limit.memory))
            return NULL;
    }
    vm->lua_memory += size - old_size;
    return memory_resize(old, size);
}

static int64_t
cpu_ms(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0) return 0;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
count_hook(lua_State *lua, lua_Debug *frame)
{
    (void)frame;
    struct expr_vm *vm = lua_vm(lua);
    if (!vm->open) return;
    lua_charge(vm, 0, HOOK_INSTRUCTIONS);
    if (cpu_ms() - vm->started_ms > vm->limit.time_ms) {
        vm->exhausted = "time";
        lua_raise(vm, -1, NULL, "out of time");
    }
    if (vm->host != NULL && vm->host->cancelled != NULL && vm->host->cancelled(vm->host->context)) {
        vm->exhausted = "cancelled";
        lua_raise(vm, -1, NULL, "cancelled");
    }
}

struct expr_vm *
lua_vm_new(struct lua_budget limit)
{
    struct expr_vm *vm = memory_resize(NULL, sizeof *vm);
    *vm = (struct expr_vm){.limit = limit};
    buf_init(&vm->text, limit.memory);
    arena_alloc(&vm->scratch, 16);
    vm->mark = arena_mark(&vm->scratch);
    vm->lua = lua_newstate(counted_alloc, vm);
    ASSERT(vm->lua != NULL);
    memcpy(lua_getextraspace(vm->lua), &vm, sizeof vm);
    lua_value_install(vm);
    lua_sethook(vm->lua, count_hook, LUA_MASKCOUNT, HOOK_INSTRUCTIONS);
    return vm;
}

void
lua_vm_free(struct expr_vm *vm)
{
    if (vm == NULL) return;
    vm->open = false;
    lua_close(vm->lua);
    arena_release(&vm->scratch);
    buf_release(&vm->text);
    memory_free(vm);
}

void
lua_vm_begin(struct expr_vm *vm, const struct expr *expr, const struct value *names)
{
    vm->open = false;
    lua_settop(vm->lua, 0);
    if (vm->first_memory == 0) vm->first_memory = vm->lua_memory;
    /* Boxes of earlier evaluations are unreachable, but they and their texts fill the heap. */
    if (vm->lua_memory > vm->first_memory + 512 * KIB) lua_gc(vm->lua, LUA_GCCOLLECT);
    arena_rewind(&vm->scratch, vm->mark);
    vm->scratch_memory = 0;
    vm->base_memory = vm->lua_memory;
    vm->instructions = vm->allocated = 0;
    vm->started_ms = cpu_ms();
    vm->exhausted = NULL;
    vm->expr = expr;
    vm->names = names;
    vm->raised.code = 0;
    vm->missing = false;
    vm->result = NULL;
    vm->skipped = NULL;
    vm->zones = NULL;
    vm->open = true;
}

static int
exhausted(const struct expr_vm *vm, struct err *err)
{
    const char *what = vm->expr ? "the expression" : "the script";
    if (strcmp(vm->exhausted, "memory") == 0)
        err_set(err, EXIT_INVALID, "%s needs more than %zu MiB of memory", what, vm->limit.memory / MIB);
    else if (strcmp(vm->exhausted, "instructions") == 0)
        err_set(err, EXIT_INVALID, "%s takes more than %llu instructions", what,
                (unsigned long long)vm->limit.instructions);
    else if (strcmp(vm->exhausted, "time") == 0)
        err_set(err, EXIT_INVALID, "%s takes more than %lld ms", what, (long long)vm->limit.time_ms);
    else
        err_set(err, EXIT_INVALID, "%s was cancelled", what);
    if (vm->expr) err_hint(err, "Compute large things in a step and pass on what is small.");
    return EXIT_INVALID;
}

/* Lua's own message: "e:12: attempt to …", where 12 is a place or a script's line. */
static void
native_error(struct expr_vm *vm, const char *text, struct err *err)
{
    const char *rest = text;
    long line = 0;
    if (strncmp(text, "e:", 2) == 0) {
        char *end;
        line = strtol(text + 2, &end, 10);
        if (end[0] == ':' && end[1] == ' ') rest = end + 2;
    }
    err_set(err, EXIT_INVALID, "%s", rest);
    if (strstr(rest, "string value") != NULL && strstr(rest, "arithmetic") != NULL)
        err_hint(err, "Write number(x) to count with a text.");
    else if (strstr(rest, "concatenate a boolean") != NULL)
        err_hint(err, "Write text(x) to join it with a text.");
    if (vm->expr == NULL && line > 0) {
        err->line = vm->script_line + (int)line - 1;
        err->column = 1;
    } else if (vm->expr != NULL && vm->expr->line > 0 && line >= 0 &&
               (size_t)line < vm->expr->code->nplaces) {
        err->line = vm->expr->code->places[line].line;
        err->column = vm->expr->code->places[line].column;
    }
}

int
lua_vm_call(struct expr_vm *vm, lua_CFunction function, struct err *err)
{
    lua_State *lua = vm->lua;
    lua_pushcfunction(lua, function);
    int status = lua_pcall(lua, 0, 0, 0);
    vm->open = false;
    if (status == LUA_OK && vm->exhausted == NULL) return 0;
    if (status == LUA_ERRMEM && vm->exhausted == NULL) vm->exhausted = "memory";
    if (vm->exhausted != NULL) {
        exhausted(vm, err);
    } else if (lua_touserdata(lua, -1) == vm) {
        *err = vm->raised;
    } else if (lua_type(lua, -1) == LUA_TSTRING) {
        native_error(vm, lua_tostring(lua, -1), err);
    } else {
        err_set(err, EXIT_INVALID, "an error that is not a text");
    }
    if (err->line == 0 && vm->expr != NULL) {
        err->line = vm->expr->line;
        err->column = vm->expr->column;
    }
    if (err->line == 0 && vm->expr == NULL) {
        err->line = vm->script_line;
        err->column = 1;
    }
    err->error_class = LEVADA_INVALID;
    lua_settop(lua, 0);
    return err->code;
}
