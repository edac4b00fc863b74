/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions on numbers and sizes.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "workflow/library.h"

static const struct value *
whole(struct call *call, double real)
{
    if (!(fabs(real) < 9.2e18)) call_fail(call, NULL, "the number is too large for an integer");
    return call_int(call, (int64_t)real);
}

static const struct value *
f_number(struct call *call)
{
    const struct value *arg = call->args[0];
    bool integer = call->name[0] == 'i';
    int64_t i;
    double real;
    switch (arg->type) {
    case VALUE_INT: return arg;
    case VALUE_REAL: return integer ? whole(call, trunc(arg->real)) : arg;
    case VALUE_SIZE: return call_int(call, arg->integer);
    case VALUE_DURATION: case VALUE_TIMESTAMP:
        if (integer || arg->integer % 1000 == 0) return call_int(call, arg->integer / 1000);
        return call_real(call, (double)arg->integer / 1000);
    case VALUE_STRING: {
        const char *text = arg->text.ptr;
        bool plain = strlen(text) == arg->text.size;
        if (plain && str_to_int(text, &i)) return call_int(call, i);
        if (plain && str_to_real(text, &real))
            return integer ? whole(call, trunc(real)) : call_real(call, real);
        call_fail(call, NULL, "\"%.100s\" is not a number", text);
    }
    default: call_fail(call, NULL, "a %s is not a number", value_type_name(arg->type));
    }
}

static const struct value *
f_bool(struct call *call)
{
    const struct value *arg = call->args[0];
    if (arg->type == VALUE_BOOL) return arg;
    const struct value *text = call_arg_text(call, 0);
    if (str_eq(text->text.ptr, "true")) return call_bool(call, true);
    if (str_eq(text->text.ptr, "false")) return call_bool(call, false);
    call_fail(call, "Only true and false are; compare with anything else.",
              "\"%.100s\" is not a boolean", text->text.ptr);
}

static const struct value *
f_round(struct call *call)
{
    double x = call_arg_real(call, 0);
    int64_t digits = call_arg_int_or(call, 1, 0);
    if (call->args[0]->type == VALUE_INT && digits >= 0) return call->args[0];
    if (digits < -15 || digits > 15)
        call_fail(call, NULL, "%" PRId64 " digits; from -15 to 15 are possible", digits);
    if (call->nargs < 2) return whole(call, round(x));
    char text[400];
    double back;
    /* Through decimal digits: 2.675 with two of them is what a reader sees. */
    if (digits < 0) return call_real(call, round(x / pow(10, (double)-digits)) * pow(10, (double)-digits));
    snprintf(text, sizeof text, "%.*f", (int)digits, x);
    return call_real(call, str_to_real(text, &back) ? back : x);
}

static const struct value *
f_floor(struct call *call)
{
    if (call->args[0]->type == VALUE_INT) return call->args[0];
    double x = call_arg_real(call, 0);
    return whole(call, call->name[0] == 'f' ? floor(x) : ceil(x));
}

static const struct value *
f_min(struct call *call)
{
    const struct value **items = call->args;
    size_t count = call->nargs;
    if (count == 1) {
        items = call_arg_list(call, 0)->list.items;
        count = call->args[0]->list.count;
    }
    if (count == 0)
        call_fail(call, "Write default(first(list), 0) where a list may be empty.",
                  "the list is empty");
    const struct value *best = items[0];
    for (size_t i = 1; i < count; i++) {
        int order = call_compare(call, items[i], best);
        if (call->name[1] == 'i' ? order < 0 : order > 0) best = items[i];
    }
    if (call_compare(call, best, best) != 0) call_fail(call, NULL, "it is not a number");
    return best;
}

static const struct value *
f_abs(struct call *call)
{
    const struct value *arg = call->args[0];
    if (arg->type == VALUE_REAL) return call_real(call, fabs(arg->real));
    if (arg->type != VALUE_INT && arg->type != VALUE_DURATION) call_arg(call, 0, VALUE_INT);
    if (arg->integer == INT64_MIN) call_fail(call, NULL, "the number is too large");
    return call_typed(call, arg->type, arg->integer < 0 ? -arg->integer : arg->integer);
}

static const struct value *
f_sum(struct call *call)
{
    const struct value *list = call_arg_list(call, 0);
    enum value_type type = VALUE_INT;
    int64_t exact = 0;
    double real = 0;
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *item = list->list.items[i];
        bool unit = item->type == VALUE_DURATION || item->type == VALUE_SIZE;
        if (!unit && !value_is_number(item))
            call_fail(call, NULL, "item %zu is a %s", i + 1, value_type_name(item->type));
        if (i == 0) type = item->type;
        else if (type == VALUE_INT && item->type == VALUE_REAL) type = VALUE_REAL;
        else if (type != item->type && !(type == VALUE_REAL && item->type == VALUE_INT))
            call_fail(call, NULL, "item %zu is a %s among others of type %s", i + 1,
                      value_type_name(item->type), value_type_name(type));
        real += item->type == VALUE_REAL ? item->real : (double)item->integer;
        bool too_large = item->type != VALUE_REAL && __builtin_add_overflow(exact, item->integer, &exact);
        if (too_large && type != VALUE_REAL) call_fail(call, NULL, "the sum is too large");
    }
    return type == VALUE_REAL ? call_real(call, real) : call_typed(call, type, exact);
}

static const struct value *
f_size(struct call *call)
{
    const struct value *arg = call->args[0];
    int64_t bytes;
    if (arg->type == VALUE_SIZE) return arg;
    if (value_is_number(arg)) return call_typed(call, VALUE_SIZE, call_arg_int(call, 0));
    const char *text = call_arg(call, 0, VALUE_STRING)->text.ptr;
    if (!str_to_size(text, &bytes))
        call_fail(call, "Write \"512\", \"10KiB\" or \"1.5GiB\".", "\"%.100s\" is not a size",
                  text);
    return call_typed(call, VALUE_SIZE, bytes);
}

static const struct value *
f_format_size(struct call *call)
{
    const struct value *size = f_size(call);
    struct buf *buf = call_buf(call);
    str_size_human(buf, size->integer);
    return call_buf_text(call);
}

static const struct value *
f_fixed(struct call *call)
{
    int64_t digits = call_arg_int(call, 1);
    if (digits < 0 || digits > 15) call_fail(call, NULL, "%" PRId64 " digits; from 0 to 15 are possible", digits);
    struct buf *buf = call_buf(call);
    buf_printf(buf, "%.*f", (int)digits, call_arg_real(call, 0));
    return call_buf_text(call);
}

const struct library_function library_numbers[] = {
    {"number", "number(x)", "A number from a text; seconds of a duration or time, bytes of a size.",
     "number(\"1.5\")", "1.5", 1, 1, 0, f_number},
    {"int", "int(x)", "The same as an integer, cut towards zero.", "int(\"42\") + int(2.9)", "44",
     1, 1, 0, f_number},
    {"bool", "bool(x)", "A boolean from \"true\" or \"false\".", "bool(\"true\")", "true", 1, 1, 0,
     f_bool},
    {"round", "round(x, digits)", "To an integer, or to so many digits behind the point.",
     "round(2.6)", "3", 1, 2, 0, f_round},
    {"floor", "floor(x)", "The integer below.", "floor(2.6)", "2", 1, 1, 0, f_floor},
    {"ceil", "ceil(x)", "The integer above.", "ceil(2.1)", "3", 1, 1, 0, f_floor},
    {"abs", "abs(x)", "Without its sign.", "abs(-3)", "3", 1, 1, 0, f_abs},
    {"min", "min(a, b)", "The smallest of the values, or of one list.", "min(3, 1, 2)", "1", 1, 50,
     0, f_min},
    {"max", "max(a, b)", "The largest of the values, or of one list.",
     "max({duration(\"90s\"), duration(\"1m\")})", "\"1m30s\"", 1, 50, 0, f_min},
    {"sum", "sum(list)", "Of numbers, durations or sizes.", "sum({1, 2, 3})", "6", 1, 1, 0, f_sum},
    {"size", "size(x)", "From a text like \"10KiB\", or from bytes.", "size(\"10KiB\") * 2",
     "20480", 1, 1, 0, f_size},
    {"format_size", "format_size(size)", "For people to read.", "format_size(1610612736)", "\"1.5 GiB\"", 1, 1, 0,
     f_format_size},
    {"fixed", "fixed(x, digits)", "A number as text with so many digits behind the point.", "fixed(2.5, 2)",
     "\"2.50\"", 2, 2, 0, f_fixed},
    {0}};
