/* SPDX-License-Identifier: Apache-2.0
 *
 * actions.h: one input struct and one run function per action; ducklake.c has their tables.
 */
#ifndef DUCKLAKE_ACTIONS_H
#define DUCKLAKE_ACTIONS_H

#include "lake.h"

struct load_in {
    levada_present present;
    struct lake_in lake;
    levada_string table;
    levada_json from;
    levada_string format, mode;
    levada_list key;
    levada_path contract;
    levada_bool evolve;
    levada_list nulls;
    levada_json options;
    levada_list partition_by;
};
int load_run(struct levada_step *step, const void *input);
int load_resolve(struct levada_step *step, const void *input, int32_t *found);


struct publish_in {
    levada_present present;
    levada_string table;
    levada_list partition_by;
};
struct sql_in {
    levada_present present;
    struct lake_in lake;
    levada_sql sql;
    levada_path file;
    levada_json params;
    levada_int limit;
    levada_object publish;
};
int sql_run(struct levada_step *step, const void *input);
int sql_resolve(struct levada_step *step, const void *input, int32_t *found);

struct values_in {
    levada_present present;
    levada_string column;
    levada_list accepted;
};
struct range_in {
    levada_present present;
    levada_string column;
    levada_json min, max;
};
struct row_count_in {
    levada_present present;
    levada_int min, max;
};
struct freshness_in {
    levada_present present;
    levada_string column;
    levada_duration max_age;
};
struct references_in {
    levada_present present;
    levada_string column, table, to;
};
struct check_item {
    levada_present present;
    levada_string name, table, severity;
    levada_list not_null, unique;
    levada_object values, range, row_count, freshness, references;
    levada_sql sql;
};
struct check_in {
    levada_present present;
    struct lake_in lake;
    levada_string table;
    levada_int snapshot;
    levada_path contract;
    levada_objects checks;
    levada_bool fail;
    levada_int samples;
};
int check_run(struct levada_step *step, const void *input);

struct export_in {
    levada_present present;
    struct lake_in lake;
    levada_string table;
    levada_sql sql;
    levada_int snapshot;
    levada_string to, format;
    levada_list partition_by;
    levada_bool overwrite;
};
int export_run(struct levada_step *step, const void *input);

struct maintain_in {
    levada_present present;
    struct lake_in lake;
    levada_bool merge;
    levada_duration keep, older_than;
    levada_bool dry_run;
};
int maintain_run(struct levada_step *step, const void *input);

struct snapshots_in {
    levada_present present;
    struct lake_in lake;
    levada_int limit;
};
int snapshots_run(struct levada_step *step, const void *input);

struct chart_in {
    levada_present present;
    levada_string title, kind, note;
    levada_sql sql;
    levada_string x;
    levada_list y;
};
struct report_in {
    levada_present present;
    struct lake_in lake;
    levada_string title, note;
    levada_path to;
    levada_objects charts;
};
int report_run(struct levada_step *step, const void *input);

#endif
