/* SPDX-License-Identifier: Apache-2.0
 *
 * ducklake.load: files become rows of a table. Rows and mark are one commit; a load that would repeat the
 * last one on its table commits nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "actions.h"
#include "fit.h"
#include "mark.h"

struct load {
    const struct load_in *in;
    struct name name;
    struct source source;
    struct contract contract;
    const char *digest; /* "": unknown, so never unchanged */
    bool changed;       /* set by the transaction */
};

static bool
is_mode(const struct load *load, const char *mode)
{
    return strcmp(load->in->mode.text, mode) == 0;
}

static int
find_digest(struct work *work, struct load *load)
{
    const struct load_in *in = load->in;
    const char *content;
    int error = source_digest(work, &load->source, &content);
    load->digest = "";
    if (error != 0 || content[0] == '\0') return error;
    struct digest digest;
    digest_init(&digest);
    const char *parts[] = {content, load->contract.digest, in->mode.text, in->format.text, in->options.text,
        in->evolve.value ? "evolve" : ""};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) digest_text(&digest, parts[i] != NULL ? parts[i] : "");
    const levada_list *lists[] = {&in->key, &in->nulls, &in->partition_by};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        digest_text(&digest, "list");
        for (size_t k = 0; k < lists[i]->count; k++) digest_text(&digest, lists[i]->items[k]);
    }
    char hex[DIGEST_TEXT];
    digest_end(&digest, hex);
    load->digest = text_copy(work->step, hex, strlen(hex));
    return 0;
}

/* The last commit on the table was this very load, and nothing touched the table since. */
static int
find_unchanged(struct work *work, const struct load *load, struct mark *mark, bool *unchanged)
{
    *unchanged = false;
    bool found;
    int64_t id, changed;
    int error = mark_last(work, load->name.plain, mark, &found);
    if (error != 0 || !found || load->digest[0] == '\0' || strcmp(mark->digest, load->digest) != 0) return error;
    error = name_find(work, &load->name, &id);
    if (error != 0 || id < 0) return error;
    error = name_changed(work, id, &changed);
    *unchanged = error == 0 && changed <= mark->snapshot_id;
    return error;
}

struct counts {
    int64_t rows, inserted, updated;
};

static int
check_keys(struct work *work, const struct load *load, const struct fit *fit)
{
    struct text names = text_new(work->step), nulls = text_new(work->step);
    for (size_t i = 0; i < load->in->key.count; i++) {
        const struct column *column = columns_find(&fit->columns, load->in->key.items[i]);
        if (column == NULL)
            return fault_set(work, LEVADA_CONTRACT, NULL, "the data of \"%s\" have no key column \"%s\"",
                load->name.plain, load->in->key.items[i]);
        text_comma(&names);
        text_name(&names, column->name);
        text_addf(&nulls, "%s%s IS NULL", i > 0 ? " OR " : "", text_name_of(work->step, column->name));
    }
    struct table found;
    int error = query_table(work,
        text_format(work->step,
            "SELECT (ROW(%s))::VARCHAR FROM temp.levada_stage GROUP BY %s HAVING count(*) > 1 LIMIT 1", names.data,
            names.data),
        &found);
    if (error != 0) return error;
    if (found.rows > 0)
        return fault_set(work, LEVADA_CONTRACT, "Merging needs one row per key.",
            "the data of \"%s\" have several rows with the key %s", load->name.plain, table_cell(&found, 0, 0));
    int64_t count;
    error = query_int(
        work, text_format(work->step, "SELECT count(*) FROM temp.levada_stage WHERE %s", nulls.data), &count);
    if (error == 0 && count > 0)
        error = fault_set(work, LEVADA_CONTRACT, "Merging needs complete keys.",
            "%lld rows for \"%s\" have NULL in their key", (long long)count, load->name.plain);
    return error;
}

static const char *
merge_sql(struct work *work, const struct load *load, const struct fit *fit)
{
    struct text on = text_new(work->step), differ = text_new(work->step), set = text_new(work->step),
                values = text_new(work->step);
    for (size_t i = 0; i < load->in->key.count; i++) {
        const char *name = text_name_of(work->step, columns_find(&fit->columns, load->in->key.items[i])->name);
        text_addf(&on, "%st.%s = s.%s", i > 0 ? " AND " : "", name, name);
    }
    for (size_t i = 0; i < fit->columns.count; i++) {
        const char *name = text_name_of(work->step, fit->columns.items[i].name);
        text_addf(&values, "%ss.%s", i > 0 ? ", " : "", name);
        bool is_key = false;
        for (size_t k = 0; k < load->in->key.count; k++)
            is_key |= strcasecmp(fit->columns.items[i].name, load->in->key.items[k]) == 0;
        if (is_key) continue;
        text_addf(&differ, "%st.%s IS DISTINCT FROM s.%s", differ.size > 0 ? " OR " : "", name, name);
        text_addf(&set, "%s%s = s.%s", set.size > 0 ? ", " : "", name, name);
    }
    struct text sql = text_new(work->step);
    text_addf(&sql, "MERGE INTO %s t USING temp.levada_stage s ON (%s)", load->name.quoted, on.data);
    /* Rows that are the same already are left alone: they would be written anew for nothing. */
    if (set.size > 0) text_addf(&sql, " WHEN MATCHED AND (%s) THEN UPDATE SET %s", differ.data, set.data);
    text_addf(&sql, " WHEN NOT MATCHED THEN INSERT (%s) VALUES (%s)", columns_names(work->step, &fit->columns),
        values.data);
    return sql.data;
}

static int
count_rows(struct work *work, const struct load *load, int64_t *count)
{
    return query_int(work, text_format(work->step, "SELECT count(*) FROM %s", load->name.quoted), count);
}

static int
merge_rows(struct work *work, const struct load *load, const struct fit *fit, const char *select, struct counts *counts)
{
    int64_t before, after, written;
    work->temporary = true;
    int error = query_changed(
        work, text_format(work->step, "CREATE OR REPLACE TEMP TABLE levada_stage AS %s", select), &counts->rows);
    if (error == 0) error = query_int(work, "SELECT count(*) FROM temp.levada_stage", &counts->rows);
    if (error == 0) error = check_keys(work, load, fit);
    if (error == 0) error = count_rows(work, load, &before);
    if (error == 0) error = query_changed(work, merge_sql(work, load, fit), &written);
    if (error == 0) error = count_rows(work, load, &after);
    if (error == 0) error = query(work, "DROP TABLE temp.levada_stage");
    if (error != 0) return error;
    counts->inserted = after - before;
    counts->updated = written - counts->inserted;
    return 0;
}

static int
write_mark(struct work *work, const struct load *load, int64_t base, const struct counts *counts)
{
    int64_t total;
    int error = count_rows(work, load, &total);
    if (error != 0) return error;
    json_t *outputs = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "table", load->name.plain, "rows",
        (json_int_t)counts->rows, "rows_total", (json_int_t)total, "rows_inserted", (json_int_t)counts->inserted,
        "rows_updated", (json_int_t)counts->updated, "files", (json_int_t)load->source.count, "bytes",
        (json_int_t)load->source.bytes);
    char *text = json_dumps(outputs, JSON_COMPACT);
    json_decref(outputs);
    if (text == NULL) abort();
    struct mark mark = {
        .kind = "load", .target = load->name.plain, .digest = load->digest, .base = base, .outputs = text};
    error = mark_write(work, &mark);
    free(text);
    return error;
}

/* The transaction: table, rows, mark. */
static int
load_body(struct work *work, void *arg)
{
    struct load *load = arg;
    const struct load_in *in = load->in;
    struct fit fit;
    struct fit_want want = {.name = &load->name, .source = &load->source, .contract = &load->contract,
        .partition_by = &in->partition_by, .evolve = in->evolve.value != 0};
    int64_t base;
    int error = snapshot_current(work, &base);
    if (error == 0) error = fit_table(work, &want, &fit);
    if (error != 0) return error;
    const char *relation = source_relation(work, &load->source, &fit.columns);
    if (relation == NULL) return work->fault.error_class;
    const char *select = text_format(work->step, "SELECT %s FROM %s", fit_select(work, &load->source, &fit), relation);
    struct counts counts = {0};
    if (is_mode(load, "merge")) {
        error = merge_rows(work, load, &fit, select, &counts);
    } else {
        if (is_mode(load, "replace") && !fit.created)
            error = query(work, text_format(work->step, "DELETE FROM %s", load->name.quoted));
        if (error == 0)
            error = query_changed(work, text_format(work->step, "INSERT INTO %s (%s) %s", load->name.quoted,
                columns_names(work->step, &fit.columns), select), &counts.rows);
        counts.inserted = counts.rows;
    }
    if (error == 0) error = source_same(work, &load->source);
    if (error != 0) return error;
    load->changed = fit.created || fit.altered || is_mode(load, "replace") || counts.inserted > 0 || counts.updated > 0;
    return load->changed ? write_mark(work, load, base, &counts) : 0;
}

static int
report_unchanged(struct work *work, const struct load *load, int64_t snapshot)
{
    int64_t total;
    int error = count_rows(work, load, &total);
    if (error != 0) return error;
    levada_log(work->step, LEVADA_INFO, "table %s is unchanged since snapshot %lld: nothing is loaded",
        load->name.plain, (long long)snapshot);
    return outputs_set(work,
        json_pack("{s:s, s:i, s:I, s:i, s:i, s:I, s:I, s:I, s:b}", "table", load->name.plain, "rows", 0,
            "rows_total", (json_int_t)total, "rows_inserted", 0, "rows_updated", 0, "files",
            (json_int_t)load->source.count, "bytes", (json_int_t)load->source.bytes, "snapshot_id",
            (json_int_t)snapshot, "changed", 0));
}

static int
load_commit(struct work *work, struct load *load)
{
    int error = source_look(work, &load->source);
    if (error == 0) error = transact(work, load_body, load);
    if (error != 0) return error;
    struct mark mark;
    bool found;
    if (load->changed) {
        error = mark_find(work, &mark, &found);
        if (error == 0 && !found)
            error = fault_set(work, LEVADA_PERMANENT, NULL, "the mark of the committed load is gone");
        if (error != 0) return error;
        levada_log(work->step, LEVADA_INFO, "table %s: snapshot %lld", load->name.plain, (long long)mark.snapshot_id);
        return mark_outputs(work, &mark, true);
    }
    int64_t id, snapshot;
    error = name_find(work, &load->name, &id);
    if (error == 0) error = name_changed(work, id, &snapshot);
    return error != 0 ? error : report_unchanged(work, load, snapshot);
}

static int
load_all(struct work *work, struct load *load, json_t *options)
{
    const struct load_in *in = load->in;
    int error = name_read(work, "table", in->table.text, &load->name);
    if (error == 0 && is_mode(load, "merge") != (in->key.count > 0))
        error = fault_set(work, LEVADA_INVALID,
            "`key` lists the columns that identify a row, and belongs to `mode: merge`.",
            is_mode(load, "merge") ? "mode \"merge\" needs the input \"key\""
                                   : "input \"key\" is of use only with mode \"merge\"");
    if (error == 0) error = source_find(work, in->from.text, in->format.text, options, &in->nulls, &load->source);
    if (error == 0) error = work_open(work, load->source.folders, load->source.count);
    if (error == 0) error = contract_read(work, in->contract.text, &load->contract);
    if (error == 0) error = find_digest(work, load);
    if (error != 0) return error;
    struct mark mark;
    bool done, unchanged;
    error = mark_find(work, &mark, &done);
    if (error != 0) return error;
    if (done) {
        levada_log(work->step, LEVADA_INFO, "an earlier attempt committed this load as snapshot %lld",
            (long long)mark.snapshot_id);
        return mark_outputs(work, &mark, true);
    }
    error = find_unchanged(work, load, &mark, &unchanged);
    if (error != 0) return error;
    return unchanged ? report_unchanged(work, load, mark.snapshot_id) : load_commit(work, load);
}

int
load_run(struct levada_step *step, const void *input)
{
    struct load load = {.in = input};
    struct work work;
    work_begin(&work, step, &load.in->lake);
    json_t *options = text_given(load.in->options.text) ? json_loads(load.in->options.text, 0, NULL) : json_object();
    int error = json_is_object(options) ? load_all(&work, &load, options)
                                        : fault_set(&work, LEVADA_INVALID, NULL, "input \"options\" must be a map");
    source_close(&load.source);
    contract_free(&load.contract);
    json_decref(options);
    return work_close(&work, error);
}

int
load_resolve(struct levada_step *step, const void *input, int32_t *found)
{
    const struct load_in *in = input;
    return mark_resolve(step, &in->lake, found);
}
