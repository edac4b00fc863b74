/* SPDX-License-Identifier: Apache-2.0
 *
 * DuckDB tells the syntax tree of a query as JSON. Tables in it are looked up, views are followed, and
 * whatever makes the result depend on something else (files, the clock, chance) makes the lineage unknown.
 */
#include "lineage.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VIEW_DEPTH_MAX 16
#define TREE_DEPTH_MAX 400

struct walk {
    struct work *work;
    struct lineage *lineage;
    json_t *functions; /* names seen, as keys */
    json_t *ctes;
    struct text views;
    int view_depth;
};

static int walk_sql(struct walk *walk, const char *sql);

static void
unknown(struct walk *walk, const char *why, const char *what)
{
    if (!walk->lineage->known) return;
    walk->lineage->known = false;
    walk->lineage->why = text_format(walk->work->step, "%s%s", why, what);
}

static const char *
text_in(const json_t *node, const char *key)
{
    const char *text = json_string_value(json_object_get(node, key));
    return text != NULL ? text : "";
}

static int
visit_view(struct walk *walk, const char *schema, const char *table, bool *found)
{
    struct text sql = text_new(walk->work->step);
    text_add(&sql,
        "SELECT v.sql FROM __ducklake_metadata_lake.ducklake_view v JOIN __ducklake_metadata_lake.ducklake_schema "
        "s USING (schema_id) "
        "WHERE v.end_snapshot IS NULL AND s.end_snapshot IS NULL AND lower(s.schema_name) = lower(");
    text_literal(&sql, schema);
    text_add(&sql, ") AND lower(v.view_name) = lower(");
    text_literal(&sql, table);
    text_add(&sql, ")");
    struct table rows;
    int error = query_table(walk->work, sql.data, &rows);
    *found = error == 0 && rows.rows > 0;
    if (!*found) return error;
    if (++walk->view_depth > VIEW_DEPTH_MAX) {
        unknown(walk, "views are nested too deep", "");
        return 0;
    }
    text_addf(&walk->views, "%s\n", table_cell(&rows, 0, 0));
    error = walk_sql(walk, table_cell(&rows, 0, 0));
    walk->view_depth--;
    return error;
}

static int
visit_table(struct walk *walk, const json_t *node)
{
    const char *schema = text_in(node, "schema_name"), *table = text_in(node, "table_name"),
               *catalog = text_in(node, "catalog_name");
    /* `lake.flights` parses as a schema of that name. */
    if (catalog[0] == '\0' && strcasecmp(schema, "lake") == 0) schema = "";
    const struct name name = {.schema = schema[0] != '\0' ? schema : "main", .table = table};
    if (catalog[0] != '\0' && strcasecmp(catalog, "lake") != 0) {
        unknown(walk, "it reads a table outside of the lake: ", table);
        return 0;
    }
    int64_t id;
    bool found;
    int error = name_find(walk->work, &name, &id);
    if (error != 0) return error;
    if (id >= 0 && walk->lineage->count < LINEAGE_TABLES_MAX) {
        walk->lineage->tables[walk->lineage->count++] = id;
        return 0;
    }
    error = visit_view(walk, name.schema, table, &found);
    if (error == 0 && !found && json_object_get(walk->ctes, table) == NULL) unknown(walk, "it reads ", table);
    return error;
}

static void
visit_column(struct walk *walk, const json_t *node)
{
    static const char *const clocks[] = {
        "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"};
    const json_t *names = json_object_get(node, "column_names");
    const char *name = json_array_size(names) == 1 ? json_string_value(json_array_get(names, 0)) : NULL;
    for (size_t i = 0; name != NULL && i < sizeof clocks / sizeof clocks[0]; i++)
        if (strcasecmp(name, clocks[i]) == 0) unknown(walk, "it uses ", name);
}

static int
visit(struct walk *walk, const json_t *node, int depth)
{
    int error = 0;
    if (depth > TREE_DEPTH_MAX) {
        unknown(walk, "it is nested too deep", "");
        return 0;
    }
    if (json_is_array(node)) {
        for (size_t i = 0; i < json_array_size(node) && error == 0; i++)
            error = visit(walk, json_array_get(node, i), depth + 1);
        return error;
    }
    if (!json_is_object(node)) return 0;
    const char *type = text_in(node, "type"), *function = text_in(node, "function_name");
    if (strcmp(type, "BASE_TABLE") == 0) error = visit_table(walk, node);
    if (strcmp(type, "COLUMN_REF") == 0) visit_column(walk, node);
    if (strcmp(type, "TABLE_FUNCTION") == 0) {
        function = text_in(json_object_get(node, "function"), "function_name");
        if (strcmp(function, "range") != 0 && strcmp(function, "generate_series") != 0
            && strcmp(function, "unnest") != 0)
            unknown(walk, "it reads ", function);
    }
    if (json_is_object(json_object_get(node, "sample"))) unknown(walk, "it takes a sample", "");
    if (function[0] != '\0') json_object_set_new(walk->functions, function, json_true());
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)node, key, value) {
        if (error == 0 && strcmp(key, "cte_map") == 0) {
            const json_t *map = json_object_get(value, "map");
            for (size_t i = 0; i < json_array_size(map); i++)
                json_object_set_new(walk->ctes, text_in(json_array_get(map, i), "key"), json_true());
        }
        if (error == 0) error = visit(walk, value, depth + 1);
    }
    return error;
}

static int
walk_sql(struct walk *walk, const char *sql)
{
    struct table rows;
    int error = query_table(walk->work, text_format(walk->work->step, "SELECT json_serialize_sql(%s)::VARCHAR",
        text_literal_of(walk->work->step, sql)), &rows);
    if (error != 0) return error;
    /* Positions in the tree may be 2^64 - 1, which is no JSON integer to jansson. */
    json_t *tree =
        json_loads(table_cell(&rows, 0, 0) != NULL ? table_cell(&rows, 0, 0) : "", JSON_DECODE_INT_AS_REAL, NULL);
    if (tree == NULL || json_is_true(json_object_get(tree, "error"))
        || json_array_size(json_object_get(tree, "statements")) != 1)
        unknown(walk, "it cannot be taken apart", "");
    else
        error = visit(walk, tree, 0);
    json_decref(tree);
    return error;
}

/* Functions that give different results for equal arguments, and macros, whose text may change. */
static int
check_functions(struct walk *walk)
{
    struct text names = text_new(walk->work->step);
    const char *name;
    json_t *value;
    json_object_foreach(walk->functions, name, value) {
        text_comma(&names);
        text_literal(&names, name);
    }
    if (names.size == 0 || !walk->lineage->known) return 0;
    struct table rows;
    int error = query_table(walk->work,
        text_format(walk->work->step,
            "SELECT function_name FROM duckdb_functions() WHERE function_name IN (%s) AND ((function_type = "
            "'scalar' AND stability <> 'CONSISTENT') "
            "OR (function_type = 'macro' AND NOT internal)) LIMIT 1",
            names.data),
        &rows);
    if (error == 0 && rows.rows > 0) unknown(walk, "it uses ", table_cell(&rows, 0, 0));
    return error;
}

int
lineage_read(struct work *work, const char *sql, struct lineage *ret)
{
    *ret = (struct lineage){.known = true};
    struct walk walk = {.work = work,
        .lineage = ret,
        .functions = json_object(),
        .ctes = json_object(),
        .views = text_new(work->step)};
    int error = walk_sql(&walk, sql);
    if (error == 0) error = check_functions(&walk);
    ret->views = walk.views.data;
    json_decref(walk.functions);
    json_decref(walk.ctes);
    return error;
}

int
lineage_unchanged(struct work *work, const struct lineage *lineage, int64_t since, bool *ret)
{
    *ret = lineage->known;
    for (size_t i = 0; i < lineage->count && *ret; i++) {
        int64_t changed;
        int error = name_changed(work, lineage->tables[i], &changed);
        if (error != 0) return error;
        *ret = changed <= since;
    }
    return 0;
}
