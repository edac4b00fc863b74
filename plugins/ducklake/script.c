/* SPDX-License-Identifier: Apache-2.0
 *
 * All statements of a step are one transaction, so those that begin or end one are refused, like those that
 * would change the database underneath.
 */
#include "script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_SIZE_MAX (1u << 20)
#define PARAMETER "levada_"

static int
read_file(struct work *work, const char *path, const char **ret)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return fault_set(work, errno == ENOENT ? LEVADA_MISSING : LEVADA_INVALID,
            "Paths are relative to the workflow's folder.", "cannot open \"%s\": %s", path, strerror(errno));
    char *data = work->step->host->alloc(work->step, SCRIPT_SIZE_MAX + 1);
    size_t size = fread(data, 1, SCRIPT_SIZE_MAX, file);
    bool failed = ferror(file) != 0, longer = fgetc(file) != EOF;
    fclose(file);
    if (failed) return fault_set(work, LEVADA_INVALID, NULL, "cannot read \"%s\"", path);
    if (longer || strlen(data) != size)
        return fault_set(
            work, LEVADA_INVALID, NULL, "\"%s\" is no SQL text of at most %u bytes", path, SCRIPT_SIZE_MAX);
    *ret = data;
    return 0;
}

static const char *
render(struct work *work, const levada_sql *sql)
{
    struct text text = text_new(work->step);
    size_t at = 0;
    for (size_t i = 0; i < sql->count; i++) {
        text_add_bytes(&text, sql->text + at, sql->params[i].offset - at);
        /* Spaces keep it apart from what stands around it. */
        text_addf(&text, " $" PARAMETER "%zu ", i + 1);
        at = sql->params[i].offset;
    }
    text_add(&text, sql->text + at);
    return text.data;
}

int
script_read(struct work *work, const levada_sql *sql, const char *file, json_t *named, struct script *ret)
{
    *ret = (struct script){.named = named};
    if (text_given(sql->text) == text_given(file))
        return fault_set(work, LEVADA_INVALID, NULL, "exactly one of the inputs \"sql\" and \"file\" must be given");
    if (text_given(file)) {
        ret->file = file;
        return read_file(work, file, &ret->text);
    }
    ret->sql = sql;
    ret->text = render(work, sql);
    return 0;
}

static duckdb_value
value_of(const json_t *value, struct work *work)
{
    switch (json_typeof(value)) {
    case JSON_NULL: return duckdb_create_null_value();
    case JSON_TRUE: return duckdb_create_bool(true);
    case JSON_FALSE: return duckdb_create_bool(false);
    case JSON_INTEGER: return duckdb_create_int64(json_integer_value(value));
    case JSON_REAL: return duckdb_create_double(json_real_value(value));
    case JSON_STRING: return duckdb_create_varchar_length(json_string_value(value), json_string_length(value));
    default: break;
    }
    /* A list of texts or of numbers becomes a list; anything else is JSON text. */
    size_t count = json_array_size(value);
    json_type first = count > 0 ? json_typeof(json_array_get(value, 0)) : JSON_NULL;
    bool alike = first == JSON_STRING || first == JSON_INTEGER || first == JSON_REAL;
    for (size_t i = 0; i < count; i++) alike = alike && json_typeof(json_array_get(value, i)) == first;
    if (alike) {
        duckdb_value *items = work->step->host->alloc(work->step, count * sizeof *items);
        for (size_t i = 0; i < count; i++) items[i] = value_of(json_array_get(value, i), work);
        duckdb_logical_type type = duckdb_create_logical_type(first == JSON_STRING ? DUCKDB_TYPE_VARCHAR
            : first == JSON_INTEGER ? DUCKDB_TYPE_BIGINT : DUCKDB_TYPE_DOUBLE);
        duckdb_value list = duckdb_create_list_value(type, items, count);
        duckdb_destroy_logical_type(&type);
        for (size_t i = 0; i < count; i++) duckdb_destroy_value(&items[i]);
        return list;
    }
    char *text = json_dumps(value, JSON_COMPACT);
    duckdb_value json = duckdb_create_varchar(text != NULL ? text : "null");
    free(text);
    return json;
}

/* The value of the parameter called `name`; a new reference, NULL: there is none. */
static json_t *
parameter(const struct script *script, const char *name)
{
    if (text_starts(name, PARAMETER) && script->sql != NULL) {
        size_t index = strtoull(name + strlen(PARAMETER), NULL, 10);
        if (index >= 1 && index <= script->sql->count)
            return json_loads(script->sql->params[index - 1].json, JSON_DECODE_ANY, NULL);
    }
    return json_incref(json_object_get(script->named, name));
}

static int
bind(struct work *work, const struct script *script, duckdb_prepared_statement statement)
{
    for (idx_t i = 1; i <= duckdb_nparams(statement); i++) {
        const char *name = duckdb_parameter_name(statement, i);
        json_t *value = name != NULL ? parameter(script, name) : NULL;
        int error = 0;
        if (value == NULL) {
            error = fault_set(work, LEVADA_INVALID, "Give it in the input `params`.",
                "no value for the parameter $%s", name != NULL ? name : "?");
        } else {
            duckdb_value bound = value_of(value, work);
            if (duckdb_bind_value(statement, i, bound) != DuckDBSuccess)
                error = fault_set(work, LEVADA_INVALID, NULL, "cannot bind the parameter $%s", name);
            duckdb_destroy_value(&bound);
            json_decref(value);
        }
        duckdb_free((void *)(uintptr_t)name);
        if (error != 0) return error;
    }
    return 0;
}

/* May this kind of statement stand in a step? */
static int
check_kind(struct work *work, duckdb_statement_type kind)
{
    switch (kind) {
    case DUCKDB_STATEMENT_TYPE_TRANSACTION:
        return fault_set(work, LEVADA_INVALID,
            "Leave BEGIN, COMMIT and ROLLBACK out: all statements of a step are one transaction.",
            "a step's SQL cannot begin or end a transaction");
    case DUCKDB_STATEMENT_TYPE_ATTACH:
    case DUCKDB_STATEMENT_TYPE_DETACH:
    case DUCKDB_STATEMENT_TYPE_LOAD:
    case DUCKDB_STATEMENT_TYPE_EXTENSION:
    case DUCKDB_STATEMENT_TYPE_UPDATE_EXTENSIONS:
    case DUCKDB_STATEMENT_TYPE_EXPORT:
    case DUCKDB_STATEMENT_TYPE_COPY_DATABASE:
    case DUCKDB_STATEMENT_TYPE_VARIABLE_SET:
    case DUCKDB_STATEMENT_TYPE_SET:
        return fault_set(work, LEVADA_INVALID, "A step works on its lake with the plugin's settings.",
            "a step's SQL cannot attach, load or set anything");
    default: return 0;
    }
}

static void
count_effect(duckdb_statement_type kind, duckdb_result *result, struct script_result *ret)
{
    int64_t changed = (int64_t)duckdb_rows_changed(result);
    switch (kind) {
    case DUCKDB_STATEMENT_TYPE_INSERT:
    case DUCKDB_STATEMENT_TYPE_UPDATE:
    case DUCKDB_STATEMENT_TYPE_DELETE:
    case DUCKDB_STATEMENT_TYPE_MERGE_INTO:
        /* With RETURNING the rows come instead of their number. */
        if (changed == 0 && duckdb_result_return_type(*result) == DUCKDB_RESULT_TYPE_QUERY_RESULT)
            changed = (int64_t)duckdb_row_count(result);
        ret->rows_changed += changed;
        ret->wrote |= changed > 0;
        break;
    case DUCKDB_STATEMENT_TYPE_COPY: ret->rows_changed += changed; /* fall through */
    case DUCKDB_STATEMENT_TYPE_CREATE: /* also with IF NOT EXISTS, and of temporary tables */
    case DUCKDB_STATEMENT_TYPE_ALTER:
    case DUCKDB_STATEMENT_TYPE_DROP:
    case DUCKDB_STATEMENT_TYPE_CREATE_FUNC: ret->schema = true; break;
    default: break;
    }
}

static int
run_statement(struct work *work, const struct script *script, duckdb_prepared_statement statement, bool last,
    size_t limit, struct script_result *ret)
{
    duckdb_statement_type kind = duckdb_prepared_statement_type(statement);
    int error = check_kind(work, kind);
    if (error == 0) error = bind(work, script, statement);
    if (error == 0) error = query_allowed(work);
    if (error != 0) return error;
    duckdb_result result;
    bool streams = last && kind == DUCKDB_STATEMENT_TYPE_SELECT;
    duckdb_state state = streams ? duckdb_execute_prepared_streaming(statement, &result)
                                 : duckdb_execute_prepared(statement, &result);
    if (state != DuckDBSuccess) {
        error = fault_duckdb(work, duckdb_result_error_type(&result), duckdb_result_error(&result));
        duckdb_destroy_result(&result);
        return error;
    }
    if (!streams) count_effect(kind, &result, ret);
    if (last
        && (duckdb_result_return_type(result) == DUCKDB_RESULT_TYPE_QUERY_RESULT
            || kind == DUCKDB_STATEMENT_TYPE_COPY))
        return rows_read(work, &result, limit, &ret->rows);
    duckdb_destroy_result(&result);
    return 0;
}

int
script_run_text(
    struct work *work, const struct script *script, const char *sql, size_t limit, struct script_result *ret)
{
    duckdb_extracted_statements statements;
    idx_t count = duckdb_extract_statements(work->con, sql, &statements);
    int error = 0;
    work->temporary = true;
    if (count == 0) {
        const char *text = duckdb_extract_statements_error(statements);
        error = text != NULL ? fault_prepare(work, text)
                             : fault_set(work, LEVADA_INVALID, NULL, "there is no statement in the SQL");
    }
    for (idx_t i = 0; i < count && error == 0; i++) {
        duckdb_prepared_statement statement;
        if (duckdb_prepare_extracted_statement(work->con, statements, i, &statement) != DuckDBSuccess)
            error = fault_prepare(work, duckdb_prepare_error(statement));
        else
            error = run_statement(work, script, statement, i + 1 == count, limit, ret);
        duckdb_destroy_prepare(&statement);
        ret->statements++;
    }
    duckdb_destroy_extracted(&statements);
    if (error != 0) {
        rows_free(&ret->rows);
        if (script->file != NULL)
            work->fault.message = text_format(work->step, "%s: %s", script->file, work->fault.message);
    }
    return error;
}

int
script_run(struct work *work, const struct script *script, size_t limit, struct script_result *ret)
{
    return script_run_text(work, script, script->text, limit, ret);
}

const char *
script_identity(struct work *work, const struct script *script)
{
    struct text text = text_new(work->step);
    text_add(&text, script->text);
    for (size_t i = 0; script->sql != NULL && i < script->sql->count; i++)
        text_addf(&text, "\n%s", script->sql->params[i].json);
    char *named = json_dumps(script->named, JSON_COMPACT | JSON_SORT_KEYS);
    text_addf(&text, "\n%s", named != NULL ? named : "");
    free(named);
    return text.data;
}

int
script_trim(struct work *work, struct script *script)
{
    duckdb_extracted_statements statements;
    idx_t count = duckdb_extract_statements(work->con, script->text, &statements);
    const char *text = duckdb_extract_statements_error(statements);
    int error = count == 0 && text != NULL ? fault_prepare(work, text) : 0;
    duckdb_destroy_extracted(&statements);
    if (error == 0 && count != 1)
        error = fault_set(work, LEVADA_INVALID, "Put the other statements into a step of their own.",
            "here stands one query, but there are %llu statements", (unsigned long long)count);
    char *copy = text_copy(work->step, script->text, strlen(script->text));
    size_t size = strlen(copy);
    while (size > 0 && strchr(" \t\r\n;", copy[size - 1]) != NULL) copy[--size] = '\0';
    script->text = copy;
    return error;
}
