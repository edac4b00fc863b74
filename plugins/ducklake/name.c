/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of the lake. What is asked here reads DuckLake's own catalog tables: they are exact, and cheap
 * where DuckDB's views of a whole catalog are not.
 */
#include "name.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define META "__ducklake_metadata_lake."

/* One part of a dotted name; a part may be quoted. Returns what follows it, NULL: no part here. */
static const char *
read_part(struct levada_step *step, const char *text, const char **ret)
{
    struct text part = text_new(step);
    if (*text == '"') {
        for (text++; *text != '\0'; text++) {
            if (*text == '"' && *++text != '"') break;
            text_add_bytes(&part, text, 1);
        }
    } else {
        size_t size = strcspn(text, ".\"");
        text_add_bytes(&part, text, size);
        text += size;
    }
    *ret = part.data;
    return part.size > 0 ? text : NULL;
}

int
name_read(struct work *work, const char *input, const char *text, struct name *ret)
{
    const char *parts[3];
    size_t count = 0;
    const char *at = text;
    for (;;) {
        at = count < 3 ? read_part(work->step, at, &parts[count++]) : NULL;
        if (at == NULL || (*at != '\0' && *at != '.'))
            return fault_set(work, LEVADA_INVALID, "Write TABLE or SCHEMA.TABLE.",
                "input \"%s\": \"%s\" does not name a table", input, text);
        if (*at == '\0') break;
        at++;
    }
    if (count == 3 && strcasecmp(parts[0], "lake") != 0)
        return fault_set(work, LEVADA_INVALID, "The lake of a step is called `lake`; leave it out.",
            "input \"%s\": \"%s\" names a table outside of the lake", input, text);
    struct name name = {.schema = count > 1 ? parts[count - 2] : "main", .table = parts[count - 1]};
    if (strcasecmp(name.schema, "levada") == 0)
        return fault_set(work, LEVADA_INVALID, "Use another schema.",
            "input \"%s\": the schema \"levada\" keeps the marks of loads", input);
    name.plain = strcmp(name.schema, "main") == 0 ? name.table
                                                  : text_format(work->step, "%s.%s", name.schema, name.table);
    name.quoted = text_format(work->step, "lake.%s.%s", text_name_of(work->step, name.schema),
        text_name_of(work->step, name.table));
    *ret = name;
    return 0;
}

int
name_find(struct work *work, const struct name *name, int64_t *id)
{
    struct text sql = text_new(work->step);
    text_add(&sql,
        "SELECT t.table_id::VARCHAR FROM " META "ducklake_table t JOIN " META "ducklake_schema s USING (schema_id) "
        "WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL AND lower(s.schema_name) = lower(");
    text_literal(&sql, name->schema);
    text_add(&sql, ") AND lower(t.table_name) = lower(");
    text_literal(&sql, name->table);
    text_add(&sql, ")");
    struct table found;
    int error = query_table(work, sql.data, &found);
    if (error == 0) *id = found.rows > 0 ? strtoll(table_cell(&found, 0, 0), NULL, 10) : -1;
    return error;
}

int
name_require(struct work *work, const struct name *name, int64_t *id)
{
    int error = name_find(work, name, id);
    if (error != 0 || *id >= 0) return error;
    return fault_set(work, LEVADA_MISSING, fault_tables(work), "table \"%s\" does not exist", name->plain);
}

int
name_changed(struct work *work, int64_t id, int64_t *snapshot)
{
    struct table found;
    int error = query_table(work,
        text_format(work->step,
            "SELECT greatest((SELECT min(begin_snapshot) FROM " META "ducklake_table WHERE table_id = %lld), "
            "(SELECT max(snapshot_id) FROM " META "ducklake_snapshot_changes WHERE regexp_matches(changes_made, "
            "'(^|,)(inserted_into_table|deleted_from_table|altered_table|inlined_insert|inlined_delete):%lld(,|$)')"
            "))::VARCHAR",
            (long long)id, (long long)id),
        &found);
    if (error == 0) *snapshot = table_cell(&found, 0, 0) != NULL ? strtoll(table_cell(&found, 0, 0), NULL, 10) : -1;
    return error;
}

int
columns_read(struct work *work, const char *relation, struct columns *ret)
{
    struct table found;
    int error = query_table(work, text_format(work->step,
        "SELECT column_name, column_type, \"null\" FROM (DESCRIBE FROM %s)", relation), &found);
    if (error != 0) return error;
    struct columns columns = {.count = found.rows};
    columns.items = work->step->host->alloc(work->step, (found.rows + 1) * sizeof *columns.items);
    for (size_t i = 0; i < found.rows; i++)
        columns.items[i] = (struct column){.name = table_cell(&found, i, 0), .type = table_cell(&found, i, 1),
            .required = strcmp(table_cell(&found, i, 2), "NO") == 0};
    *ret = columns;
    return 0;
}

const struct column *
columns_find(const struct columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcasecmp(columns->items[i].name, name) == 0) return &columns->items[i];
    return NULL;
}

const char *
columns_names(struct levada_step *step, const struct columns *columns)
{
    struct text text = text_new(step);
    for (size_t i = 0; i < columns->count; i++) {
        text_comma(&text);
        text_name(&text, columns->items[i].name);
    }
    return text.data;
}

int
snapshot_current(struct work *work, int64_t *id)
{
    return query_int(work, "SELECT id FROM lake.current_snapshot()", id);
}
