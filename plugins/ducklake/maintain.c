/* SPDX-License-Identifier: Apache-2.0
 *
 * ducklake.maintain: four things in the order in which each makes work for the next. Every one of them can
 * be repeated, and none makes a snapshot when there is nothing to do. Files are deleted by age only: a file
 * that no snapshot knows may belong to a writer that is about to commit.
 */
#include <stdlib.h>

#include "actions.h"
#include "mark.h"

struct counts {
    int64_t merged, created, expired, deleted, orphans;
};

static const char *
ago(struct work *work, int64_t ms)
{
    return text_format(work->step, "now() - to_milliseconds(%lld)", (long long)ms);
}

static int
merge_files(struct work *work, struct counts *counts)
{
    struct table found;
    int error = query_table(work,
        "SELECT coalesce(sum(files_processed), 0)::VARCHAR, coalesce(sum(files_created), 0)::VARCHAR "
        "FROM ducklake_merge_adjacent_files('lake')",
        &found);
    if (error != 0) return error;
    counts->merged = strtoll(table_cell(&found, 0, 0), NULL, 10);
    counts->created = strtoll(table_cell(&found, 0, 1), NULL, 10);
    return 0;
}

static int
count_call(struct work *work, const char *function, int64_t age_ms, bool dry_run, int64_t *count)
{
    return query_int(work,
        text_format(work->step, "SELECT count(*) FROM %s('lake', older_than => %s, dry_run => %s)", function,
            ago(work, age_ms), dry_run ? "true" : "false"),
        count);
}

static int
maintain(struct work *work, const struct maintain_in *in)
{
    struct counts counts = {0};
    bool dry_run = in->dry_run.value != 0;
    int64_t snapshot;
    int error = 0;
    if (in->merge.value && !dry_run) error = merge_files(work, &counts);
    if (error == 0) error = count_call(work, "ducklake_expire_snapshots", in->keep.ms, dry_run, &counts.expired);
    if (error == 0) error = count_call(work, "ducklake_cleanup_old_files", in->older_than.ms, dry_run, &counts.deleted);
    if (error == 0)
        error = count_call(work, "ducklake_delete_orphaned_files", in->older_than.ms, dry_run, &counts.orphans);
    if (error == 0) error = snapshot_current(work, &snapshot);
    if (error != 0) return error;
    bool changed = !dry_run && counts.merged + counts.expired + counts.deleted + counts.orphans > 0;
    levada_log(work->step, LEVADA_INFO,
        "%s%lld files merged into %lld, %lld snapshots expired, %lld old files and %lld orphans deleted",
        dry_run ? "would be: " : "", (long long)counts.merged, (long long)counts.created, (long long)counts.expired,
        (long long)counts.deleted, (long long)counts.orphans);
    return outputs_set(work,
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "files_merged", (json_int_t)counts.merged, "files_created",
            (json_int_t)counts.created, "snapshots_expired", (json_int_t)counts.expired, "files_deleted",
            (json_int_t)counts.deleted, "orphans_deleted", (json_int_t)counts.orphans, "snapshot_id",
            (json_int_t)snapshot, "changed", changed));
}

int
maintain_run(struct levada_step *step, const void *input)
{
    const struct maintain_in *in = input;
    struct work work;
    work_begin(&work, step, &in->lake);
    int error = lake_require(&work);
    if (error == 0) error = work_open(&work, NULL, 0);
    if (error == 0) error = maintain(&work, in);
    return work_close(&work, error);
}
