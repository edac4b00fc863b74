/* SPDX-License-Identifier: Apache-2.0
 *
 * Types, choices and bounds of one value. Strict where a silent conversion could lose something (1.10 is not
 * the text "1.1"), and never showing a value that may be secret.
 */
#include "plugin/rule.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "plugin/field.h"

static const struct phrase {
    const char *phrase; /* what it wants */
    const char *hint;   /* what to write */
} phrases[] = {
    [LEVADA_TYPE_STRING] = {"a string", "Write it in quotes to make it a text."},
    [LEVADA_TYPE_BOOL] = {"a boolean", "Write true or false, without quotes."},
    [LEVADA_TYPE_INT] = {"an integer", "Write a whole number, without quotes."},
    [LEVADA_TYPE_REAL] = {"a number", "Write a number, without quotes."},
    [LEVADA_TYPE_DURATION] = {"a duration", "Write a number with its unit, like 500ms, 90s, 5m, 2h or 1d."},
    [LEVADA_TYPE_SIZE] = {"a size", "Write a number of bytes, or one with a unit, like 10KiB or 1.5GiB."},
    [LEVADA_TYPE_TIMESTAMP] = {"a timestamp", "Write a date, or a time with its zone, like 2026-01-02T03:04:05Z."},
    [LEVADA_TYPE_URI] = {"a URI", "Write it with its scheme, like s3://bucket/key or https://host/path."},
    [LEVADA_TYPE_PATH] = {"a path", "Write the path of a file; it is relative to the workflow's folder."},
    [LEVADA_TYPE_SQL] = {"SQL text", "Write the SQL as a text; each expression in it becomes a bound parameter."},
    [LEVADA_TYPE_SECRET] = {"a secret", "Write ${{ secrets.NAME }} and declare NAME under `secrets`."},
    [LEVADA_TYPE_JSON] = {"a value", "Any value will do."},
    [LEVADA_TYPE_LIST] = {"a list of texts", "Write [a, b] or one item a line, each after a dash."},
    [LEVADA_TYPE_MAP] = {"a map of texts", "Write {name: text} or one `name: text` a line."},
    [LEVADA_TYPE_OBJECT] = {"an object", "Write one `name: value` a line."},
    [LEVADA_TYPE_OBJECTS] = {"a list of objects", "Write one object after each dash."},
};

struct rule
rule_of_field(const struct levada_field *field, const char *path)
{
    struct rule rule = {.path = path, .type = (enum levada_type)field->type, .choices = field->choices,
                        .minimum = field->minimum, .maximum = field->maximum};
    if (field->choices != NULL)
        while (field->choices[rule.nchoices] != NULL) rule.nchoices++;
    return rule;
}

struct rule
rule_of_schema(const struct schema_field *field, const char *path)
{
    return (struct rule){.path = path, .type = field->type, .choices = field->choices,
                         .nchoices = field->nchoices, .minimum = field->minimum, .maximum = field->maximum};
}

const char *
rule_show(struct arena *arena, const struct value *value)
{
    static const char *const articles[] = {
        [VALUE_NULL] = "null", [VALUE_BOOL] = "the boolean ", [VALUE_INT] = "the integer ",
        [VALUE_REAL] = "the number ", [VALUE_STRING] = "", [VALUE_DURATION] = "the duration ",
        [VALUE_SIZE] = "the size ", [VALUE_TIMESTAMP] = "the timestamp ", [VALUE_SQL] = "SQL",
        [VALUE_SECRET] = "a secret", [VALUE_LIST] = "a list", [VALUE_MAP] = "a map"};
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 4 * KIB);
    buf_text(&buf, articles[value->type]);
    if (value->type == VALUE_STRING) {
        size_t size = value->text.size > 80 ? 80 : value->text.size;
        while (size < value->text.size && ((unsigned char)value->text.ptr[size] & 0xc0) == 0x80) size--;
        buf_char(&buf, '"');
        str_plain(&buf, value->text.ptr, size);
        buf_text(&buf, size < value->text.size ? "…\"" : "\"");
    } else if (value->type != VALUE_NULL && value->type < VALUE_SQL) {
        value_show(&buf, value);
    }
    return arena_strdup(arena, buf_str(&buf));
}

__attribute__((format(printf, 5, 6))) static const struct value *
refuse(struct fault *fault, const char *code, const struct value *at, const char *hint, const char *fmt, ...)
{
    char message[LIMIT_MESSAGE_SIZE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    err_set(&fault->err, EXIT_INVALID, "%s", message);
    if (hint != NULL) err_hint(&fault->err, "%s", hint);
    fault->err.error_class = LEVADA_INVALID;
    fault->code = code;
    fault->at = at;
    return NULL;
}

static const struct value *
refuse_type(struct arena *arena, const struct rule *rule, const struct value *given, struct fault *fault)
{
    const char *hint = phrases[rule->type].hint;
    if (given->type == VALUE_NULL) hint = "Leave the input out, or give another value with default(x, …).";
    return refuse(fault, given->type == VALUE_STRING ? "bad-value" : "wrong-type", given, hint,
                  "input \"%s\" wants %s, got %s", rule->path, phrases[rule->type].phrase, rule_show(arena, given));
}

/* Texts go to plugins as C strings of UTF-8. */
static bool
text_fits(const struct rule *rule, const struct value *value, struct fault *fault)
{
    if (memchr(value->text.ptr, '\0', value->text.size) != NULL) {
        refuse(fault, "bad-value", value, "Remove it, or encode the text first.",
               "input \"%s\" has a NUL byte in its text", rule->path);
        return false;
    }
    ptrdiff_t bad = str_utf8_bad(value->text.ptr, value->text.size);
    if (bad >= 0)
        refuse(fault, "bad-value", value, "Convert the text to UTF-8 first.",
               "input \"%s\" is not valid UTF-8 at byte %td", rule->path, bad + 1);
    return bad < 0;
}

static bool
is_uri(const char *text)
{
    size_t i = 0;
    if (!isalpha((unsigned char)text[0])) return false;
    while (isalnum((unsigned char)text[i]) || (text[i] != '\0' && strchr("+.-", text[i]) != NULL)) i++;
    if (i < 2 || text[i] != ':' || text[i + 1] == '\0') return false;
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= 0x20 || *p == 0x7f) return false;
    return true;
}

/* A scalar as the text of a list item or of a map's value; NULL when it is none. */
static const struct value *
item_text(struct arena *arena, const struct value *value)
{
    if (value->type == VALUE_STRING) return value;
    if (value->type == VALUE_NULL || value->type >= VALUE_SQL) return NULL;
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 4 * KIB);
    value_show(&buf, value);
    struct value *ret = value_textn(arena, VALUE_STRING, buf_str(&buf), buf.size);
    ret->line = value->line;
    ret->column = value->column;
    return ret;
}

static const struct value *
accept_scalar(struct arena *arena, const struct rule *rule, const struct value *given, struct fault *fault)
{
    int64_t integer;
    bool text = given->type == VALUE_STRING;
    switch (rule->type) {
    case LEVADA_TYPE_STRING:
        if (text) return given;
        if (given->type >= VALUE_DURATION && given->type <= VALUE_TIMESTAMP) return item_text(arena, given);
        break;
    case LEVADA_TYPE_BOOL:
        if (given->type == VALUE_BOOL) return given;
        break;
    case LEVADA_TYPE_INT:
        if (given->type == VALUE_INT) return given;
        break;
    case LEVADA_TYPE_REAL:
        if (given->type == VALUE_REAL) return given;
        if (given->type == VALUE_INT) return value_real(arena, (double)given->integer);
        break;
    case LEVADA_TYPE_DURATION:
        if (given->type == VALUE_DURATION) return given;
        if (text && str_to_duration(given->text.ptr, &integer))
            return value_typed(arena, VALUE_DURATION, integer);
        break;
    case LEVADA_TYPE_SIZE:
        if (given->type == VALUE_SIZE || (given->type == VALUE_INT && given->integer >= 0))
            return value_typed(arena, VALUE_SIZE, given->integer);
        if (text && str_to_size(given->text.ptr, &integer)) return value_typed(arena, VALUE_SIZE, integer);
        break;
    case LEVADA_TYPE_TIMESTAMP:
        if (given->type == VALUE_TIMESTAMP) return given;
        if (text && str_to_timestamp(given->text.ptr, &integer))
            return value_typed(arena, VALUE_TIMESTAMP, integer);
        break;
    case LEVADA_TYPE_URI:
        if (text && is_uri(given->text.ptr)) return given;
        break;
    case LEVADA_TYPE_PATH:
        if (text && given->text.size > 0) return given;
        break;
    default: break;
    }
    return refuse_type(arena, rule, given, fault);
}

/* A string, SQL from ident() and literal(), or the map that a template makes of SQL with expressions. */
static const struct value *
accept_sql(struct arena *arena, const struct rule *rule, const struct value *given, struct fault *fault)
{
    if (given->type == VALUE_STRING || given->type == VALUE_SQL) {
        struct value *map = value_map(arena);
        value_set(arena, map, "sql", value_textn(arena, VALUE_STRING, given->text.ptr, given->text.size));
        value_set(arena, map, "params", value_list(arena));
        return map;
    }
    const struct value *sql = value_get(given, "sql"), *params = value_get(given, "params");
    if (!value_is(sql, VALUE_STRING) || !value_is(params, VALUE_LIST) || given->map.count != 2)
        return refuse_type(arena, rule, given, fault);
    int64_t last = 0;
    for (size_t i = 0; i < params->list.count; i++) {
        const struct value *param = params->list.items[i];
        const struct value *offset = value_is(param, VALUE_LIST) && param->list.count == 2
                                         ? param->list.items[0] : NULL;
        if (!value_is(offset, VALUE_INT) || offset->integer < last || (uint64_t)offset->integer > sql->text.size)
            return refuse(fault, "wrong-type", given, NULL,
                          "input \"%s\" has a parameter %zu that is no [offset, value] within the text",
                          rule->path, i + 1);
        last = offset->integer;
    }
    return given;
}

static const struct value *
accept_list(struct arena *arena, const struct rule *rule, const struct value *given, struct fault *fault)
{
    /* One item may stand for a list of one. */
    if (given->type == VALUE_STRING) {
        struct value *one = value_list(arena);
        value_push(arena, one, given);
        return one;
    }
    if (given->type != VALUE_LIST) return refuse_type(arena, rule, given, fault);
    struct value *ret = value_list(arena);
    for (size_t i = 0; i < given->list.count; i++) {
        const struct value *item = item_text(arena, given->list.items[i]);
        if (item == NULL)
            return refuse(fault, "wrong-type", given->list.items[i], phrases[LEVADA_TYPE_LIST].hint,
                          "input \"%s[%zu]\" wants a text, got %s", rule->path, i + 1,
                          rule_show(arena, given->list.items[i]));
        if (!text_fits(rule, item, fault)) return NULL;
        value_push(arena, ret, item);
    }
    return ret;
}

static const struct value *
accept_map(struct arena *arena, const struct rule *rule, const struct value *given, struct fault *fault)
{
    if (given->type != VALUE_MAP) return refuse_type(arena, rule, given, fault);
    struct value *ret = value_map(arena);
    for (size_t i = 0; i < given->map.count; i++) {
        const struct value *item = item_text(arena, given->map.values[i]);
        if (item == NULL)
            return refuse(fault, "wrong-type", given->map.values[i], phrases[LEVADA_TYPE_MAP].hint,
                          "input \"%s.%s\" wants a text, got %s", rule->path, given->map.names[i],
                          rule_show(arena, given->map.values[i]));
        if (!text_fits(rule, item, fault)) return NULL;
        value_set(arena, ret, given->map.names[i], item);
    }
    return ret;
}

static const struct value *
accept_type(struct arena *arena, const struct rule *rule, const struct value *given, struct fault *fault)
{
    if (rule->type == LEVADA_TYPE_SECRET) {
        if (given->type != VALUE_SECRET && given->type != VALUE_STRING)
            return refuse_type(arena, rule, given, fault);
        if (given->text.ptr == NULL)
            return refuse(fault, "secret-misused", given, NULL, "input \"%s\" has a secret without a value",
                          rule->path);
        return given;
    }
    /* A member of an object may be a secret: it meets its own rule. */
    bool object = (rule->type == LEVADA_TYPE_OBJECT || rule->type == LEVADA_TYPE_OBJECTS) &&
                  (given->type == VALUE_MAP || given->type == VALUE_LIST);
    if (!object && value_tainted(given))
        return refuse(fault, "secret-misused", given,
                      "Give it to an input of type secret, to standard input, or to a `run` step's environment.",
                      "input \"%s\" is not marked secret and may not take one", rule->path);
    if (given->type == VALUE_STRING && rule->type != LEVADA_TYPE_JSON && !text_fits(rule, given, fault)) return NULL;
    switch (rule->type) {
    case LEVADA_TYPE_JSON: return given;
    case LEVADA_TYPE_SQL: return accept_sql(arena, rule, given, fault);
    case LEVADA_TYPE_LIST: return accept_list(arena, rule, given, fault);
    case LEVADA_TYPE_MAP: return accept_map(arena, rule, given, fault);
    case LEVADA_TYPE_OBJECT:
        return given->type == VALUE_MAP ? given : refuse_type(arena, rule, given, fault);
    case LEVADA_TYPE_OBJECTS:
        if (given->type == VALUE_MAP) {
            struct value *one = value_list(arena);
            value_push(arena, one, given);
            return one;
        }
        return given->type == VALUE_LIST ? given : refuse_type(arena, rule, given, fault);
    default: return accept_scalar(arena, rule, given, fault);
    }
}

static bool
choice_fits(struct arena *arena, const struct rule *rule, const struct value *text, struct fault *fault)
{
    struct buf all BUF_SCOPED;
    buf_init(&all, sizeof fault->err.hint / 2);
    for (size_t i = 0; i < rule->nchoices; i++) {
        if (str_eq(rule->choices[i], text->text.ptr)) return true;
        buf_printf(&all, "%s%s", i ? ", " : "", rule->choices[i]);
    }
    const char *nearest = str_nearest(text->text.ptr, rule->choices, rule->nchoices);
    const char *hint = nearest != NULL
        ? arena_printf(arena, "Did you mean \"%s\"? It takes one of: %s.", nearest, buf_str(&all))
        : arena_printf(arena, "It takes one of: %s.", buf_str(&all));
    refuse(fault, "bad-value", text, hint, "input \"%s\" does not take %s", rule->path, rule_show(arena, text));
    return false;
}

static bool
bound_fits(struct arena *arena, const struct rule *rule, const struct value *value, const char *bound, int sign,
           struct fault *fault)
{
    struct rule plain = {.path = rule->path, .type = rule->type};
    const struct value *limit = bound != NULL ? rule_text(arena, &plain, bound, fault) : NULL;
    if (limit == NULL) return bound == NULL;
    bool over = value->type == VALUE_REAL
        ? (sign < 0 ? value->real < limit->real : value->real > limit->real)
        : (sign < 0 ? value->integer < limit->integer : value->integer > limit->integer);
    if (over)
        refuse(fault, "bad-value", value, NULL, "input \"%s\" must be at %s %s, got %s", rule->path,
               sign < 0 ? "least" : "most", bound, rule_show(arena, value));
    return !over;
}

const struct value *
rule_accept(struct arena *arena, const struct rule *rule, const struct value *given, struct fault *fault)
{
    const struct value *ret = accept_type(arena, rule, given, fault);
    if (ret == NULL) return NULL;
    if (rule->nchoices && ret->type == VALUE_STRING && !choice_fits(arena, rule, ret, fault)) return NULL;
    if (rule->nchoices && ret->type == VALUE_LIST)
        for (size_t i = 0; i < ret->list.count; i++)
            if (!choice_fits(arena, rule, ret->list.items[i], fault)) return NULL;
    if (!bound_fits(arena, rule, ret, rule->minimum, -1, fault) ||
        !bound_fits(arena, rule, ret, rule->maximum, 1, fault)) {
        fault->at = given; /* a converted value has no place in the file */
        return NULL;
    }
    return ret;
}

const struct value *
rule_text(struct arena *arena, const struct rule *rule, const char *text, struct fault *fault)
{
    const struct value *value = value_text(arena, text);
    if (rule->type == LEVADA_TYPE_JSON || rule->type >= LEVADA_TYPE_MAP ||
        (rule->type == LEVADA_TYPE_LIST && text[0] == '[')) {
        if (json_parse(arena, text, strlen(text), &value, &fault->err)) {
            char reason[LIMIT_MESSAGE_SIZE];
            memcpy(reason, fault->err.message, sizeof reason);
            return refuse(fault, "bad-value", value, NULL, "input \"%s\": %s", rule->path, reason);
        }
    } else {
        struct err ignored;
        const struct value *typed = field_coerce(arena, rule->type, value, &ignored);
        if (typed == NULL) return refuse_type(arena, rule, value, fault);
        value = typed;
    }
    return rule_accept(arena, rule, value, fault);
}

const char *
rule_detail(const struct rule *rule, const struct fault *fault)
{
    const char *text = fault->err.message;
    size_t size = strlen(rule->path);
    bool named = str_starts(text, "input \"") && strncmp(text + 7, rule->path, size) == 0 &&
                 str_starts(text + 7 + size, "\" ");
    return named ? text + 7 + size + 2 : text;
}

const struct value *
field_coerce(struct arena *arena, enum levada_type type, const struct value *value, struct err *err)
{
    struct rule rule = {.path = "value", .type = type};
    struct fault fault;
    /* A text may spell what a workflow file writes without quotes. */
    if (value->type == VALUE_STRING && strlen(value->text.ptr) == value->text.size) {
        int64_t integer;
        double real;
        const char *text = value->text.ptr;
        if (type == LEVADA_TYPE_BOOL && (str_eq(text, "true") || str_eq(text, "false")))
            return value_bool(arena, str_eq(text, "true"));
        if (type == LEVADA_TYPE_INT && str_to_int(text, &integer)) return value_int(arena, integer);
        if (type == LEVADA_TYPE_REAL && str_to_real(text, &real)) return value_real(arena, real);
    }
    const struct value *ret = rule_accept(arena, &rule, value, &fault);
    if (ret != NULL) return ret;
    err_set(err, EXIT_INVALID, "%s", rule_detail(&rule, &fault));
    err_hint(err, "%s", fault.err.hint);
    err->error_class = LEVADA_INVALID;
    return NULL;
}
