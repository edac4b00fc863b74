/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions on numbers, durations, sizes and times. Times are UTC; there is no "now", because a
 * resumed run must compute what the first one did.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
f_duration(struct call *call)
{
    const struct value *arg = call->args[0];
    int64_t ms;
    if (arg->type == VALUE_DURATION) return arg;
    if (value_is_number(arg)) {
        double seconds = call_arg_real(call, 0);
        if (!(fabs(seconds) < 9e15)) call_fail(call, NULL, "the number is too large");
        return call_typed(call, VALUE_DURATION, llround(seconds * 1000));
    }
    const char *text = call_arg(call, 0, VALUE_STRING)->text.ptr;
    if (!str_to_duration(text, &ms))
        call_fail(call, "Write \"90s\", \"1h30m\" or \"2d\".", "\"%.100s\" is not a duration",
                  text);
    return call_typed(call, VALUE_DURATION, ms);
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
f_timestamp(struct call *call)
{
    const struct value *arg = call->args[0];
    int64_t ms;
    if (arg->type == VALUE_TIMESTAMP) return arg;
    if (value_is_number(arg)) {
        double seconds = call_arg_real(call, 0);
        if (!(fabs(seconds) < 2e11))
            call_fail(call, "The number counts seconds since 1970.", "the number is too large");
        return call_typed(call, VALUE_TIMESTAMP, llround(seconds * 1000));
    }
    const char *text = call_arg(call, 0, VALUE_STRING)->text.ptr;
    if (!str_to_timestamp(text, &ms))
        call_fail(call, "Write \"2026-01-31\" or \"2026-01-31T08:00:00Z\".",
                  "\"%.100s\" is not a time", text);
    return call_typed(call, VALUE_TIMESTAMP, ms);
}

/* One conversion behind `%`. */
static bool
add_date(struct buf *buf, char what, const struct tm *tm, int64_t ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec", days[] = "SunMonTueWedThuFriSat";
    switch (what) {
    case 'Y': buf_printf(buf, "%04lld", (long long)tm->tm_year + 1900); break;
    case 'y': buf_printf(buf, "%02d", ((tm->tm_year % 100) + 100) % 100); break;
    case 'm': buf_printf(buf, "%02d", tm->tm_mon + 1); break;
    case 'd': buf_printf(buf, "%02d", tm->tm_mday); break;
    case 'H': buf_printf(buf, "%02d", tm->tm_hour); break;
    case 'M': buf_printf(buf, "%02d", tm->tm_min); break;
    case 'S': buf_printf(buf, "%02d", tm->tm_sec); break;
    case 'L': buf_printf(buf, "%03d", (int)(((ms % 1000) + 1000) % 1000)); break;
    case 'j': buf_printf(buf, "%03d", tm->tm_yday + 1); break;
    case 'u': buf_printf(buf, "%d", tm->tm_wday == 0 ? 7 : tm->tm_wday); break;
    case 'a': buf_add(buf, days + (size_t)tm->tm_wday * 3, 3); break;
    case 'b': buf_add(buf, months + (size_t)tm->tm_mon * 3, 3); break;
    case 's': buf_printf(buf, "%" PRId64, (ms - (((ms % 1000) + 1000) % 1000)) / 1000); break;
    case 'F':
        return add_date(buf, 'Y', tm, ms) && (buf_char(buf, '-'), add_date(buf, 'm', tm, ms)) &&
               (buf_char(buf, '-'), add_date(buf, 'd', tm, ms));
    case 'T':
        return add_date(buf, 'H', tm, ms) && (buf_char(buf, ':'), add_date(buf, 'M', tm, ms)) &&
               (buf_char(buf, ':'), add_date(buf, 'S', tm, ms));
    case '%': buf_char(buf, '%'); break;
    default: return false;
    }
    return true;
}

static const struct value *
f_date(struct call *call)
{
    const struct value *at = f_timestamp(call);
    const char *format = call->nargs > 1 ? call_arg(call, 1, VALUE_STRING)->text.ptr : "%Y-%m-%d";
    time_t seconds = (time_t)((at->integer - (((at->integer % 1000) + 1000) % 1000)) / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL) call_fail(call, NULL, "the time is out of range");
    struct buf *buf = call_buf(call);
    for (const char *p = format; *p; p++) {
        if (*p != '%') buf_char(buf, *p);
        else if (!add_date(buf, *++p, &tm, at->integer))
            call_fail(call, "It has %Y %y %m %d %H %M %S %L %j %u %a %b %s %F %T %%.",
                      "\"%%%c\" is unknown", *p ? *p : ' ');
    }
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
    {"duration", "duration(x)", "From a text like \"1h30m\", or from seconds.",
     "duration(\"1h\") + duration(90)", "\"1h1m30s\"", 1, 1, 0, f_duration},
    {"size", "size(x)", "From a text like \"10KiB\", or from bytes.", "size(\"10KiB\") * 2",
     "20480", 1, 1, 0, f_size},
    {"timestamp", "timestamp(x)",
     "From a text in RFC 3339, from a date (midnight UTC), or from seconds since 1970.",
     "timestamp(\"2026-01-31\") + duration(\"36h\")", "\"2026-02-01T12:00:00Z\"", 1, 1, 0,
     f_timestamp},
    {"date", "date(time, format)",
     "A time as text, in UTC: %Y %y %m %d %H %M %S %L (milliseconds) %j %u %a %b %s %F %T %%. "
     "Without a format, %Y-%m-%d.",
     "date(\"2026-01-31T08:05:00Z\", \"%Y/%m/%d %H\")", "\"2026/01/31 08\"", 1, 2, 0, f_date},
    {0}};
