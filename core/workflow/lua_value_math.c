/* SPDX-License-Identifier: Apache-2.0
 *
 * What Lua's operators mean on durations, sizes, timestamps, secrets, lists and maps. Units never
 * mix in silence, and whatever touches a secret is one.
 */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "workflow/lua_value.h"

enum op { OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_IDIV, OP_MOD, OP_POW, OP_UNM, OP_BIT };

static const struct op_name {
    const char *event, *verb;
    enum op op;
} ops[] = {
    {"__add", "add %s and %s", OP_ADD},         {"__sub", "subtract: %s minus %s", OP_SUB},
    {"__mul", "multiply %s by %s", OP_MUL},     {"__div", "divide %s by %s", OP_DIV},
    {"__idiv", "divide %s by %s with //", OP_IDIV}, {"__mod", "take %s modulo %s", OP_MOD},
    {"__pow", "raise %s to the power of %s", OP_POW}, {"__unm", "negate %s", OP_UNM},
    {"__band", "use bit operators on %s and %s", OP_BIT}, {"__bor", "use bit operators on %s and %s", OP_BIT},
    {"__bxor", "use bit operators on %s and %s", OP_BIT}, {"__shl", "use bit operators on %s and %s", OP_BIT},
    {"__shr", "use bit operators on %s and %s", OP_BIT}, {"__bnot", "use bit operators on %s", OP_BIT}};

static bool
is_number(const struct value *v)
{
    return v->type == VALUE_INT || v->type == VALUE_REAL;
}

static double
real_of(const struct value *v)
{
    return v->type == VALUE_REAL ? v->real : (double)v->integer;
}

static bool
is_unit(const struct value *v)
{
    return v->type == VALUE_DURATION || v->type == VALUE_SIZE;
}

static void
push_typed(struct expr_vm *vm, enum value_type type, int64_t integer)
{
    lua_charge(vm, sizeof(struct value), 1);
    lua_value_push(vm, value_typed(&vm->scratch, type, integer), NULL);
}

_Noreturn static void
overflow(struct expr_vm *vm, const struct value *a)
{
    lua_raise(vm, -1, NULL, "%s too large to count", lua_type_name(a));
}

/* unit * factor, for an integer exactly. */
static void
push_scaled(struct expr_vm *vm, const struct value *unit, const struct value *by, bool divide)
{
    int64_t exact;
    if (divide && real_of(by) >= 0 && real_of(by) <= 0)
        lua_raise(vm, -1, NULL, "%s divided by zero", lua_type_name(unit));
    if (!divide && by->type == VALUE_INT) {
        if (__builtin_mul_overflow(unit->integer, by->integer, &exact)) overflow(vm, unit);
    } else {
        double scaled = divide ? (double)unit->integer / real_of(by) : (double)unit->integer * real_of(by);
        if (!(fabs(scaled) < 9e18)) overflow(vm, unit);
        exact = llround(scaled);
    }
    push_typed(vm, unit->type, exact);
}

/* The type of a ± b, or VALUE_NULL. */
static enum value_type
sum_type(const struct value *a, const struct value *b, enum op op)
{
    if (is_unit(a) && a->type == b->type) return a->type;
    if (a->type == VALUE_TIMESTAMP && b->type == VALUE_DURATION) return VALUE_TIMESTAMP;
    if (op == OP_ADD && a->type == VALUE_DURATION && b->type == VALUE_TIMESTAMP) return VALUE_TIMESTAMP;
    if (op == OP_SUB && a->type == VALUE_TIMESTAMP && b->type == VALUE_TIMESTAMP) return VALUE_DURATION;
    return VALUE_NULL;
}

static bool
push_math(struct expr_vm *vm, enum op op, const struct value *a, const struct value *b)
{
    int64_t sum;
    enum value_type type;
    switch (op) {
    case OP_ADD:
    case OP_SUB:
        if ((type = sum_type(a, b, op)) == VALUE_NULL) return false;
        if (op == OP_ADD ? __builtin_add_overflow(a->integer, b->integer, &sum)
                         : __builtin_sub_overflow(a->integer, b->integer, &sum))
            overflow(vm, a);
        push_typed(vm, type, sum);
        return true;
    case OP_MUL:
        if (is_unit(a) && is_number(b)) push_scaled(vm, a, b, false);
        else if (is_unit(b) && is_number(a)) push_scaled(vm, b, a, false);
        else return false;
        return true;
    case OP_DIV:
        if (is_unit(a) && is_number(b)) {
            push_scaled(vm, a, b, true);
            return true;
        }
        if (!is_unit(a) || a->type != b->type) return false;
        lua_pushnumber(vm->lua, (double)a->integer / (double)b->integer);
        return true;
    case OP_MOD:
        if (!is_unit(a) || a->type != b->type) return false;
        if (b->integer == 0) lua_raise(vm, -1, NULL, "%s divided by zero", lua_type_name(a));
        sum = b->integer == -1 ? 0 : a->integer % b->integer;
        push_typed(vm, a->type, sum != 0 && (sum ^ b->integer) < 0 ? sum + b->integer : sum);
        return true;
    case OP_UNM:
        if (a->type != VALUE_DURATION || __builtin_sub_overflow((int64_t)0, a->integer, &sum)) return false;
        push_typed(vm, a->type, sum);
        return true;
    case OP_IDIV:
    case OP_POW:
    case OP_BIT: break;
    }
    return false;
}

static int
box_math(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    const struct op_name *op = &ops[lua_tointeger(lua, lua_upvalueindex(1))];
    struct value left, right;
    const struct value *a = lua_value_peek(vm, 1, &left), *b = lua_value_peek(vm, 2, &right);
    if (push_math(vm, op->op, a, b)) return 1;
    char message[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(message, sizeof message, op->verb, lua_type_name(a), lua_type_name(b));
#pragma GCC diagnostic pop
    const char *hint = NULL;
    if (a->type == VALUE_SECRET || b->type == VALUE_SECRET)
        hint = "A secret can be joined with texts and passed on, nothing else.";
    else if (a->type == VALUE_NULL || b->type == VALUE_NULL)
        hint = "Use default(x, other) where it may be null.";
    else if (a->type == VALUE_STRING || b->type == VALUE_STRING)
        hint = "Write duration(x), size(x), timestamp(x) or number(x) first.";
    else if (is_number(a) || is_number(b))
        hint = "Write duration(\"90s\") or size(\"10MiB\") for a number with a unit.";
    lua_raise(vm, -1, hint, "cannot %s", message);
}

static bool
joinable(const struct value *v)
{
    return v->type != VALUE_NULL && v->type != VALUE_LIST && v->type != VALUE_MAP && v->type != VALUE_BOOL;
}

/* SQL text joined with anything but SQL text would let a value become syntax. */
static int
box_concat(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    struct value left, right;
    const struct value *a = lua_value_peek(vm, 1, &left), *b = lua_value_peek(vm, 2, &right);
    if (!joinable(a) || !joinable(b)) {
        const struct value *bad = joinable(a) ? b : a;
        lua_raise(vm, -1, bad->type == VALUE_NULL ? "Use default(x, other) where it may be null."
                                                  : "Write json(x), text(x) or join(list, \", \").",
                  "%s cannot be joined with a text", lua_type_name(bad));
    }
    if ((a->type == VALUE_SQL) != (b->type == VALUE_SQL))
        lua_raise(vm, -1, "Write the other part as literal(x) or ident(x), or outside ${{ }}.",
                  "cannot join %s and %s", lua_type_name(a), lua_type_name(b));
    bool secret = a->type == VALUE_SECRET || b->type == VALUE_SECRET;
    buf_clear(&vm->text);
    for (int i = 0; i < 2; i++) {
        const struct value *v = i ? b : a;
        if (v->type == VALUE_SECRET && v->text.ptr == NULL) {
            lua_value_push(vm, lua_secret(vm, NULL, 0), NULL);
            return 1;
        }
        if (v->type == VALUE_SECRET) buf_add(&vm->text, v->text.ptr, v->text.size);
        else value_show(&vm->text, v);
    }
    if (vm->text.full) lua_charge(vm, vm->limit.memory, 0);
    lua_charge(vm, vm->text.size, vm->text.size / 64);
    if (secret) {
        lua_value_push(vm, lua_secret(vm, buf_str(&vm->text), vm->text.size), NULL);
    } else if (a->type == VALUE_SQL) {
        lua_value_push(vm, value_textn(&vm->scratch, VALUE_SQL, buf_str(&vm->text), vm->text.size), NULL);
    } else {
        lua_pushlstring(lua, buf_str(&vm->text), vm->text.size);
    }
    return 1;
}

/* Each name of one map is looked for in the other. */
static void
charge_names(struct expr_vm *vm, const struct value *value)
{
    if (value->type == VALUE_LIST)
        for (size_t i = 0; i < value->list.count; i++) charge_names(vm, value->list.items[i]);
    if (value->type != VALUE_MAP) return;
    lua_charge(vm, 0, value->map.count * (value->map.count / 2));
    for (size_t i = 0; i < value->map.count; i++) charge_names(vm, value->map.values[i]);
}

bool
lua_math_equal(struct expr_vm *vm, const struct value *a, const struct value *b, int64_t place)
{
    bool tainted = lua_value_look(vm, a, NULL);
    if (lua_value_look(vm, b, NULL) || tainted)
        lua_raise(vm, place, "A secret can be joined with texts and passed on, nothing else.",
                  "a secret cannot be compared");
    if (a->type == VALUE_NULL || b->type == VALUE_NULL) return a->type == b->type;
    if (is_number(a) && is_number(b)) {
        if (a->type == VALUE_INT && b->type == VALUE_INT) return a->integer == b->integer;
        return real_of(a) >= real_of(b) && real_of(a) <= real_of(b);
    }
    if (a->type == b->type) {
        lua_charge(vm, 0, a->type == VALUE_STRING ? a->text.size / 256 : 1);
        charge_names(vm, a);
        return value_equal(a, b);
    }
    const char *hint = NULL;
    if (a->type == VALUE_DURATION || b->type == VALUE_DURATION)
        hint = "Write duration(\"4h\") for a duration.";
    else if (a->type == VALUE_SIZE || b->type == VALUE_SIZE) hint = "Write size(\"10MiB\") for a size.";
    else if (a->type == VALUE_TIMESTAMP || b->type == VALUE_TIMESTAMP)
        hint = "Write timestamp(\"2026-01-31\") for a time.";
    else if (is_number(a) || is_number(b)) hint = "Write number(x) or text(x) first.";
    else if (a->type == VALUE_BOOL || b->type == VALUE_BOOL)
        hint = "Write true and false without quotes, or bool(x).";
    lua_raise(vm, place, hint, "%s is never equal to %s", lua_type_name(a), lua_type_name(b));
}

int
lua_math_compare(struct expr_vm *vm, const struct value *a, const struct value *b, int64_t place)
{
    if (a->type == VALUE_SECRET || b->type == VALUE_SECRET)
        lua_raise(vm, place, "A secret can be joined with texts and passed on, nothing else.",
                  "a secret cannot be compared");
    if (is_number(a) && is_number(b) && (a->type == VALUE_REAL || b->type == VALUE_REAL))
        return (real_of(a) > real_of(b)) - (real_of(a) < real_of(b));
    if (a->type == b->type && (a->type == VALUE_INT || is_unit(a) || a->type == VALUE_TIMESTAMP))
        return (a->integer > b->integer) - (a->integer < b->integer);
    if (a->type == VALUE_STRING && b->type == VALUE_STRING) {
        size_t size = a->text.size < b->text.size ? a->text.size : b->text.size;
        int order = memcmp(a->text.ptr, b->text.ptr, size);
        lua_charge(vm, 0, size / 256);
        return order ? order : (a->text.size > b->text.size) - (a->text.size < b->text.size);
    }
    const char *hint = NULL;
    if (a->type == VALUE_NULL || b->type == VALUE_NULL) hint = "Use default(x, other) where it may be null.";
    else if (a->type == VALUE_DURATION || b->type == VALUE_DURATION)
        hint = "Write duration(\"4h\") for a duration.";
    else if (a->type == VALUE_SIZE || b->type == VALUE_SIZE) hint = "Write size(\"10MiB\") for a size.";
    else if (a->type == VALUE_TIMESTAMP || b->type == VALUE_TIMESTAMP)
        hint = "Write timestamp(\"2026-01-31\") for a time.";
    lua_raise(vm, place, hint, "cannot compare %s with %s", lua_type_name(a), lua_type_name(b));
}

static int
box_equal(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    struct value left, right;
    const struct value *a = lua_value_peek(vm, 1, &left);
    lua_pushboolean(lua, lua_math_equal(vm, a, lua_value_peek(vm, 2, &right), -1));
    return 1;
}

static int
box_less(lua_State *lua)
{
    struct expr_vm *vm = lua_vm(lua);
    struct value left, right;
    const struct value *a = lua_value_peek(vm, 1, &left);
    int order = lua_math_compare(vm, a, lua_value_peek(vm, 2, &right), -1);
    lua_pushboolean(lua, lua_toboolean(lua, lua_upvalueindex(1)) ? order <= 0 : order < 0);
    return 1;
}

void
lua_math_install(struct expr_vm *vm)
{
    lua_State *lua = vm->lua;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        lua_pushinteger(lua, (lua_Integer)i);
        lua_pushcclosure(lua, box_math, 1);
        lua_setfield(lua, -2, ops[i].event);
    }
    lua_pushcfunction(lua, box_concat);
    lua_setfield(lua, -2, "__concat");
    lua_pushcfunction(lua, box_equal);
    lua_setfield(lua, -2, "__eq");
    lua_pushboolean(lua, false);
    lua_pushcclosure(lua, box_less, 1);
    lua_setfield(lua, -2, "__lt");
    lua_pushboolean(lua, true);
    lua_pushcclosure(lua, box_less, 1);
    lua_setfield(lua, -2, "__le");
}
