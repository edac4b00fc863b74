/* SPDX-License-Identifier: Apache-2.0
 *
 * ducklake.snapshots: the lake's history, newest first.
 */
#include "actions.h"
#include "mark.h"
#include "rows.h"

static int
list(struct work *work, const struct snapshots_in *in)
{
    struct rows rows = {0};
    int64_t newest, count;
    int error = snapshot_current(work, &newest);
    if (error == 0) error = query_int(work, "SELECT count(*) FROM __ducklake_metadata_lake.ducklake_snapshot", &count);
    if (error == 0)
        error = rows_query(work,
            "SELECT s.snapshot_id, s.snapshot_time::TIMESTAMPTZ AS time, s.schema_version, c.changes_made AS "
            "changes, c.author, c.commit_message AS message "
            "FROM __ducklake_metadata_lake.ducklake_snapshot s LEFT JOIN "
            "__ducklake_metadata_lake.ducklake_snapshot_changes c USING (snapshot_id) "
            "ORDER BY s.snapshot_id DESC",
            (size_t)in->limit.value, &rows);
    if (error == 0)
        error = outputs_set(work,
            json_pack("{s:O, s:I, s:I}", "snapshots", rows.rows, "snapshot_id", (json_int_t)newest, "count",
                (json_int_t)count));
    rows_free(&rows);
    return error;
}

int
snapshots_run(struct levada_step *step, const void *input)
{
    const struct snapshots_in *in = input;
    struct work work;
    work_begin(&work, step, &in->lake);
    int error = lake_require(&work);
    if (error == 0) error = work_open(&work, NULL, 0);
    if (error == 0) error = list(&work, in);
    return work_close(&work, error);
}
