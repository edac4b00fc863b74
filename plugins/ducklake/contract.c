/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading contracts. The same file steers a load (types, required columns, extra columns) and a check
 * (values, ranges, keys, counts).
 */
#include "contract.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "digest.h"
#include "document.h"

const char *
json_literal(struct levada_step *step, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING: return text_literal_of(step, json_string_value(value));
    case JSON_INTEGER: return text_format(step, "%lld", (long long)json_integer_value(value));
    case JSON_REAL: return text_format(step, "%.17g::DOUBLE", json_real_value(value));
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    default: return "NULL";
    }
}

static bool
is_scalar(const json_t *value)
{
    return json_is_string(value) || json_is_number(value) || json_is_boolean(value);
}

static int
wrong(struct work *work, const struct contract *contract, const char *where, const char *what)
{
    return fault_set(work, LEVADA_INVALID, NULL, "%s: %s: %s", contract->path, where, what);
}

/* The language's own words for types; all others are DuckDB's. */
static const char *
spell_type(const char *type)
{
    static const char *const words[][2] = {
        {"string", "VARCHAR"}, {"number", "DOUBLE"}, {"boolean", "BOOLEAN"}, {"integer", "BIGINT"},
        {"timestamp", "TIMESTAMP WITH TIME ZONE"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(type, words[i][0]) == 0) return words[i][1];
    return type;
}

static bool
is_type_text(const char *type)
{
    if (!isalpha((unsigned char)type[0])) return false;
    for (const char *c = type; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr(" _(),[]", *c) == NULL) return false;
    return true;
}

static int
read_promise_key(
    struct work *work, const struct contract *contract, struct promise *promise, const char *key, json_t *value)
{
    if (strcmp(key, "doc") == 0) return 0;
    if (strcmp(key, "type") == 0 && json_is_string(value)) {
        promise->type = json_string_value(value);
    } else if (strcmp(key, "required") == 0 && json_is_boolean(value)) {
        promise->required = json_is_true(value);
    } else if (strcmp(key, "unique") == 0 && json_is_boolean(value)) {
        promise->unique = json_is_true(value);
    } else if (strcmp(key, "values") == 0 && json_array_size(value) > 0) {
        for (size_t i = 0; i < json_array_size(value); i++)
            if (!is_scalar(json_array_get(value, i)))
                return wrong(work, contract, promise->name, "\"values\" holds more than plain values");
        promise->values = value;
    } else if (strcmp(key, "minimum") == 0 && is_scalar(value)) {
        promise->minimum = value;
    } else if (strcmp(key, "maximum") == 0 && is_scalar(value)) {
        promise->maximum = value;
    } else if (strcmp(key, "pattern") == 0 && json_is_string(value)) {
        promise->pattern = json_string_value(value);
    } else {
        return fault_set(work, LEVADA_INVALID,
            "A column has type, required, unique, values, minimum, maximum, pattern and doc.",
            "%s: column \"%s\": unknown key or wrong value: \"%s\"", contract->path, promise->name, key);
    }
    return 0;
}

static int
read_columns(struct work *work, struct contract *contract, json_t *columns)
{
    if (!json_is_object(columns)) return wrong(work, contract, "columns", "must be a map of names to types or rules");
    contract->columns =
        work->step->host->alloc(work->step, (json_object_size(columns) + 1) * sizeof *contract->columns);
    const char *name;
    json_t *value;
    json_object_foreach(columns, name, value) {
        struct promise *promise = &contract->columns[contract->count++];
        *promise = (struct promise){.name = name};
        if (json_is_string(value)) promise->type = json_string_value(value);
        else if (!json_is_object(value)) return wrong(work, contract, name, "must be a type or a map of rules");
        const char *key;
        json_t *rule;
        json_object_foreach(value, key, rule) {
            int error = read_promise_key(work, contract, promise, key, rule);
            if (error != 0) return error;
        }
        if (promise->type != NULL && !is_type_text(promise->type))
            return wrong(work, contract, name, text_format(work->step, "\"%s\" is not a type", promise->type));
        if (promise->type != NULL) promise->type = spell_type(promise->type);
    }
    return 0;
}

/* DuckDB's own spelling of each type, so that `int` and INTEGER compare equal; unknown types fail here. */
static int
canonical_types(struct work *work, struct contract *contract)
{
    struct text sql = text_new(work->step);
    for (size_t i = 0; i < contract->count; i++) {
        text_comma(&sql);
        text_addf(
            &sql, "NULL::%s AS c%zu", contract->columns[i].type != NULL ? contract->columns[i].type : "INTEGER", i);
    }
    struct table found;
    if (query_table(work, text_format(work->step, "SELECT column_type FROM (DESCRIBE SELECT %s)", sql.data), &found)
        != 0) {
        int error = work->fault.error_class;
        if (error == LEVADA_CANCELLED) return error;
        const char *why = work->fault.message;
        fault_clear(work);
        return wrong(work, contract, "columns", why);
    }
    for (size_t i = 0; i < contract->count; i++)
        if (contract->columns[i].type != NULL) contract->columns[i].type = table_cell(&found, i, 0);
    return 0;
}

static int
read_key(struct work *work, struct contract *contract, const json_t *key)
{
    if (!json_is_array(key)) return wrong(work, contract, "key", "must be a list of columns");
    contract->key = work->step->host->alloc(work->step, (json_array_size(key) + 1) * sizeof *contract->key);
    for (size_t i = 0; i < json_array_size(key); i++) {
        const char *column = json_string_value(json_array_get(key, i));
        if (column == NULL || contract_find(contract, column) == NULL)
            return wrong(work, contract, "key", "must be a list of the contract's columns");
        contract->key[contract->key_count++] = column;
    }
    return 0;
}

static int
read_rest(struct work *work, struct contract *contract, const char *key, json_t *value)
{
    static const char *const extras[] = {"error", "ignore", "add"};
    if (strcmp(key, "columns") == 0 || strcmp(key, "doc") == 0 || strcmp(key, "table") == 0) return 0;
    if (strcmp(key, "key") == 0) return read_key(work, contract, value);
    if (strcmp(key, "rows") == 0 && json_is_object(value)) {
        const json_t *min = json_object_get(value, "min"), *max = json_object_get(value, "max");
        if (json_is_integer(min)) contract->rows_min = json_integer_value(min);
        if (json_is_integer(max)) contract->rows_max = json_integer_value(max);
        if (json_object_size(value) == (size_t)json_is_integer(min) + (size_t)json_is_integer(max)) return 0;
    }
    for (size_t i = 0; strcmp(key, "extra") == 0 && json_is_string(value) && i < 3; i++)
        if (strcmp(json_string_value(value), extras[i]) == 0) {
            contract->extra = (enum contract_extra)i;
            return 0;
        }
    return fault_set(work, LEVADA_INVALID,
        "A contract has columns, key, rows {min, max}, extra (error, ignore, add), table and doc.",
        "%s: unknown key or wrong value: \"%s\"", contract->path, key);
}

int
contract_read(struct work *work, const char *path, struct contract *ret)
{
    *ret = (struct contract){.path = path, .digest = "", .rows_min = -1, .rows_max = -1};
    if (!text_given(path)) return 0;
    const char *content;
    int error = document_read(work, path, &ret->root, &content);
    if (error != 0) return error;
    if (!json_is_object(ret->root)) return wrong(work, ret, "the file", "must be a map");
    struct digest digest;
    digest_init(&digest);
    digest_text(&digest, content);
    char hex[DIGEST_TEXT];
    digest_end(&digest, hex);
    ret->digest = text_copy(work->step, hex, strlen(hex));
    error = read_columns(work, ret, json_object_get(ret->root, "columns"));
    const char *key;
    json_t *value;
    json_object_foreach(ret->root, key, value) if (error == 0) error = read_rest(work, ret, key, value);
    return error != 0 ? error : canonical_types(work, ret);
}

void
contract_free(struct contract *contract)
{
    json_decref(contract->root);
    contract->root = NULL;
}

const struct promise *
contract_find(const struct contract *contract, const char *column)
{
    for (size_t i = 0; i < contract->count; i++)
        if (strcasecmp(contract->columns[i].name, column) == 0) return &contract->columns[i];
    return NULL;
}
