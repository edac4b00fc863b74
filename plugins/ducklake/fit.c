/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules, in one place: a column of the data that neither table nor contract knows is an error unless
 * the load may `evolve` the table (or the contract says what to do); a column that the data lack is NULL
 * unless it is required; types are the contract's, then the table's, then the data's.
 */
#include "fit.h"

#include <string.h>
#include <strings.h>

static void
append(struct work *work, struct columns *columns, const char *name, const char *type, bool required)
{
    struct column *items = work->step->host->alloc(work->step, (columns->count + 1) * sizeof *items);
    if (columns->count > 0) memcpy(items, columns->items, columns->count * sizeof *items);
    items[columns->count++] = (struct column){.name = name, .type = type, .required = required};
    columns->items = items;
}

/* The contract is about the data whether the table exists or not. */
static int
check_data(struct work *work, const struct fit_want *want)
{
    const struct contract *contract = want->contract;
    const char *first = want->source->files[0];
    for (size_t i = 0; i < contract->count; i++)
        if (contract->columns[i].required && columns_find(&want->source->columns, contract->columns[i].name) == NULL)
            return fault_set(work, LEVADA_CONTRACT,
                text_format(
                    work->step, "The data have the columns %s.", columns_names(work->step, &want->source->columns)),
                "\"%s\" lacks the required column \"%s\" of contract \"%s\"", first, contract->columns[i].name,
                contract->path);
    for (size_t i = 0; contract->count > 0 && contract->extra == EXTRA_ERROR && i < want->source->columns.count; i++)
        if (contract_find(contract, want->source->columns.items[i].name) == NULL)
            return fault_set(work, LEVADA_CONTRACT,
                "Add it to the contract, or write `extra: ignore` or `extra: add` there.",
                "\"%s\" has the column \"%s\", which contract \"%s\" does not know", first,
                want->source->columns.items[i].name, contract->path);
    return 0;
}

/* What the table should have: the contract's columns, then those of the data. */
static struct columns
wanted_columns(struct work *work, const struct fit_want *want)
{
    struct columns columns = {0};
    const struct contract *contract = want->contract;
    for (size_t i = 0; i < contract->count; i++) {
        const struct promise *promise = &contract->columns[i];
        const struct column *found = columns_find(&want->source->columns, promise->name);
        const char *type = promise->type != NULL ? promise->type : found != NULL ? found->type : "VARCHAR";
        append(work, &columns, promise->name, type, promise->required);
    }
    for (size_t i = 0; i < want->source->columns.count; i++) {
        const struct column *column = &want->source->columns.items[i];
        if (columns_find(&columns, column->name) == NULL && (contract->count == 0 || contract->extra == EXTRA_ADD))
            append(work, &columns, column->name, column->type, false);
    }
    return columns;
}

/* NAME or FUNCTION(NAME) or bucket(N, NAME): nothing else reaches the SQL. */
int
fit_partition(struct work *work, struct text *sql, const char *text)
{
    static const char *const functions[] = {"year", "month", "day", "hour"};
    text_comma(sql);
    const char *open = strchr(text, '(');
    if (open == NULL) {
        text_name(sql, text);
        return 0;
    }
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        size_t size = strlen(functions[i]);
        if (strncasecmp(text, functions[i], size) != 0 || text[size] != '(' || !text_ends(text, ")")) continue;
        text_addf(sql, "%s(", functions[i]);
        text_name(sql, text_copy(work->step, open + 1, strlen(open) - 2));
        text_add(sql, ")");
        return 0;
    }
    return fault_set(work, LEVADA_INVALID, "Write a column's name, or year, month, day or hour of one: month(time).",
        "input \"partition_by\": \"%s\" is not a way to partition", text);
}

static int
create(struct work *work, const struct fit_want *want, const struct columns *columns)
{
    struct text sql = text_new(work->step);
    if (strcmp(want->name->schema, "main") != 0)
        text_addf(&sql, "CREATE SCHEMA IF NOT EXISTS lake.%s; ", text_name_of(work->step, want->name->schema));
    text_addf(&sql, "CREATE TABLE %s (", want->name->quoted);
    for (size_t i = 0; i < columns->count; i++) {
        if (i > 0) text_add(&sql, ", ");
        text_name(&sql, columns->items[i].name);
        text_addf(&sql, " %s%s", columns->items[i].type, columns->items[i].required ? " NOT NULL" : "");
    }
    text_add(&sql, ")");
    int error = query(work, sql.data);
    if (error != 0 || want->partition_by->count == 0) return error;
    sql = text_new(work->step);
    text_addf(&sql, "ALTER TABLE %s SET PARTITIONED BY (", want->name->quoted);
    for (size_t i = 0; i < want->partition_by->count && error == 0; i++)
        error = fit_partition(work, &sql, want->partition_by->items[i]);
    text_add(&sql, ")");
    return error != 0 ? error : query(work, sql.data);
}

static int
alter(struct work *work, const struct fit_want *want, const struct columns *wanted, const struct columns *existing,
    bool *altered)
{
    for (size_t i = 0; i < wanted->count; i++) {
        const struct column *column = &wanted->items[i], *old = columns_find(existing, column->name);
        const struct promise *promise = contract_find(want->contract, column->name);
        const char *change = NULL;
        if (old == NULL) {
            if (!want->evolve)
                return fault_set(work, LEVADA_CONTRACT, "Set `evolve: true` to add it to the table.",
                    "table \"%s\" has no column \"%s\", which \"%s\" brings", want->name->plain, column->name,
                    promise != NULL ? want->contract->path : want->source->files[0]);
            change = text_format(work->step, "ADD COLUMN %s %s", text_name_of(work->step, column->name), column->type);
        } else if (promise != NULL && promise->type != NULL && strcasecmp(promise->type, old->type) != 0) {
            if (!want->evolve)
                return fault_set(work, LEVADA_CONTRACT,
                    "Set `evolve: true` to widen the column, or change the contract.",
                    "column \"%s\" of table \"%s\" is %s, but contract \"%s\" says %s", old->name,
                    want->name->plain, old->type, want->contract->path, promise->type);
            change = text_format(
                work->step, "ALTER COLUMN %s SET DATA TYPE %s", text_name_of(work->step, old->name), promise->type);
        }
        if (change == NULL) continue;
        int error = query(work, text_format(work->step, "ALTER TABLE %s %s", want->name->quoted, change));
        if (error != 0) return error;
        levada_log(work->step, LEVADA_INFO, "table %s: %s", want->name->plain, change);
        *altered = true;
    }
    return 0;
}

/* Those of the table's columns that the data bring. */
static int
match(struct work *work, const struct fit_want *want, const struct columns *table, struct fit *fit)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct column *column = &table->items[i];
        if (columns_find(&want->source->columns, column->name) != NULL) {
            append(work, &fit->columns, column->name, column->type, column->required);
        } else if (column->required) {
            return fault_set(work, LEVADA_CONTRACT, NULL,
                "\"%s\" lacks the column \"%s\", which table \"%s\" requires", want->source->files[0], column->name,
                want->name->plain);
        } else if (want->contract->count == 0) {
            levada_log(work->step, LEVADA_WARN, "the data lack the column \"%s\" of table %s: it becomes NULL",
                column->name, want->name->plain);
        }
    }
    if (fit->columns.count == 0)
        return fault_set(work, LEVADA_CONTRACT, NULL, "\"%s\" has no column of table \"%s\"",
            want->source->files[0], want->name->plain);
    return 0;
}

int
fit_table(struct work *work, const struct fit_want *want, struct fit *ret)
{
    *ret = (struct fit){0};
    int64_t id;
    int error = check_data(work, want);
    if (error == 0) error = name_find(work, want->name, &id);
    if (error != 0) return error;
    struct columns wanted = wanted_columns(work, want), table = wanted;
    if (id < 0) {
        ret->created = true;
        error = create(work, want, &wanted);
    } else {
        error = columns_read(work, want->name->quoted, &table);
        if (error == 0) error = alter(work, want, &wanted, &table, &ret->altered);
        if (error == 0 && ret->altered) error = columns_read(work, want->name->quoted, &table);
    }
    return error != 0 ? error : match(work, want, &table, ret);
}

const char *
fit_select(struct work *work, const struct source *source, const struct fit *fit)
{
    struct text sql = text_new(work->step);
    for (size_t i = 0; i < fit->columns.count; i++) {
        const struct column *column = &fit->columns.items[i], *found = columns_find(&source->columns, column->name);
        text_comma(&sql);
        /* CSV is read with the right types at once, so that an error can name the line. */
        if (source->format != FORMAT_CSV && strcasecmp(found->type, column->type) != 0)
            text_addf(&sql, "CAST(%s AS %s) AS ", text_name_of(work->step, found->name), column->type);
        text_name(&sql, found->name);
    }
    return sql.data;
}
