/* SPDX-License-Identifier: Apache-2.0
 *
 * The marker table. Rows are only ever added: two loads of different tables then never conflict over it.
 * DuckLake's own column snapshot_id says which commit a row came with.
 */
#include "mark.h"

#include <stdlib.h>

#define MARKS_COLUMNS "kind, target, digest, base::VARCHAR, outputs, snapshot_id::VARCHAR"

static int
exists(struct work *work, bool *ret)
{
    const struct name marks = {.schema = "levada", .table = "marks"};
    int64_t id = -1;
    int error = name_find(work, &marks, &id);
    *ret = id >= 0;
    return error;
}

static int
read_one(struct work *work, const char *where, const char *value, struct mark *ret, bool *found)
{
    *found = false;
    bool ready;
    int error = exists(work, &ready);
    if (error != 0 || !ready) return error;
    struct table rows;
    error = query_table(work, text_format(work->step,
        "SELECT " MARKS_COLUMNS " FROM lake.levada.marks WHERE %s = %s ORDER BY snapshot_id DESC, rowid DESC LIMIT 1",
        where, text_literal_of(work->step, value)), &rows);
    if (error != 0 || rows.rows == 0) return error;
    *ret = (struct mark){.kind = table_cell(&rows, 0, 0), .target = table_cell(&rows, 0, 1),
        .digest = table_cell(&rows, 0, 2), .base = strtoll(table_cell(&rows, 0, 3), NULL, 10),
        .outputs = table_cell(&rows, 0, 4), .snapshot_id = strtoll(table_cell(&rows, 0, 5), NULL, 10)};
    *found = true;
    return 0;
}

int
mark_find(struct work *work, struct mark *ret, bool *found)
{
    return read_one(work, "token", work->step->token, ret, found);
}

int
mark_last(struct work *work, const char *target, struct mark *ret, bool *found)
{
    return read_one(work, "target", target, ret, found);
}

int
mark_write(struct work *work, const struct mark *mark)
{
    bool ready;
    int error = exists(work, &ready);
    if (error == 0 && !ready)
        error = query(work,
            "CREATE SCHEMA IF NOT EXISTS lake.levada; CREATE TABLE IF NOT EXISTS lake.levada.marks("
            "token VARCHAR, kind VARCHAR, target VARCHAR, digest VARCHAR, base BIGINT, outputs VARCHAR, "
            "run VARCHAR, step VARCHAR, written TIMESTAMPTZ)");
    if (error != 0) return error;
    const char *values[] = {work->step->token, mark->kind, mark->target, mark->digest};
    struct text sql = text_new(work->step);
    text_add(&sql, "INSERT INTO lake.levada.marks VALUES (");
    for (size_t i = 0; i < 4; i++) {
        text_literal(&sql, values[i]);
        text_add(&sql, ", ");
    }
    text_addf(&sql, "%lld, ", (long long)mark->base);
    text_literal(&sql, mark->outputs);
    text_add(&sql, ", ");
    text_literal(&sql, work->step->run_id);
    text_add(&sql, ", ");
    text_literal(&sql, work->step->step_id);
    text_add(&sql, ", now()); CALL lake.set_commit_message('levada', ");
    text_literal(&sql, text_format(work->step, "%s%s%s, step %s of run %s", mark->kind, mark->target[0] ? " " : "",
        mark->target, work->step->step_id, work->step->run_id));
    text_add(&sql, ")");
    return query(work, sql.data);
}

int
outputs_set(struct work *work, json_t *outputs)
{
    int error = 0;
    const char *key;
    json_t *value;
    json_object_foreach(outputs, key, value) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
        if (text == NULL) abort();
        if (error == 0 && work->step->host->output(work->step, key, text) != 0)
            error = fault_set(work, LEVADA_PERMANENT, NULL, "the host refuses the output \"%s\"", key);
        free(text);
    }
    json_decref(outputs);
    return error;
}

int
mark_outputs(struct work *work, const struct mark *mark, bool changed)
{
    json_t *outputs = json_loads(mark->outputs, 0, NULL);
    if (!json_is_object(outputs)) {
        json_decref(outputs);
        return fault_set(work, LEVADA_PERMANENT, NULL, "the mark of \"%s\" in levada.marks is damaged", mark->target);
    }
    json_object_set_new(outputs, "snapshot_id", json_integer(mark->snapshot_id));
    json_object_set_new(outputs, "changed", json_boolean(changed));
    return outputs_set(work, outputs);
}

int
mark_resolve(struct levada_step *step, const struct lake_in *in, int32_t *found)
{
    *found = LEVADA_UNDECIDED;
    struct work work;
    work_begin(&work, step, in);
    if (!lake_exists(step, in)) {
        *found = LEVADA_NOT_DONE;
        return work_close(&work, 0);
    }
    struct mark mark;
    bool done;
    int error = work_open(&work, NULL, 0);
    if (error == 0) error = mark_find(&work, &mark, &done);
    if (error == 0 && done) error = mark_outputs(&work, &mark, true);
    if (error == 0) *found = done ? LEVADA_DONE : LEVADA_NOT_DONE;
    return work_close(&work, error);
}
