/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the probe: each file holds the functions of one subject, probe.c holds the tables.
 */
#ifndef PROBE_H
#define PROBE_H

#include <levada/plugin.h>

/* values.c: every type in, every type out. */
struct place_in {
    levada_present present;
    levada_string name;
    levada_int floor;
};

struct echo_in {
    levada_present present;
    levada_string text;
    levada_bool flag;
    levada_int count;
    levada_real ratio;
    levada_duration wait;
    levada_size amount;
    levada_timestamp at;
    levada_uri link;
    levada_path file;
    levada_sql query;
    levada_secret key;
    levada_json document;
    levada_list words;
    levada_map labels;
    levada_object place;
    levada_objects places;
    levada_string colour;
    levada_int bounded;
};

struct big_in {
    levada_present present;
    levada_size amount;
};

struct key_in {
    levada_present present;
    levada_secret key;
    levada_string name;
    levada_bool reveal;
    levada_bool give_back;
};

struct answer_in {
    levada_present present;
    levada_string name;
    levada_json document;
};

int echo_run(struct levada_step *step, const void *input);
int big_run(struct levada_step *step, const void *input);
int key_run(struct levada_step *step, const void *input);
int answer_run(struct levada_step *step, const void *input);
int surroundings_run(struct levada_step *step, const void *input);

/* effects.c: one action per effect class, all writing into a ledger. */
struct effect_in {
    levada_present present;
    levada_path ledger;
    levada_duration wait_before, wait_after;
    levada_int crash_before, crash_after;
    levada_string fail_before, fail_after;
    levada_int fault_attempts;
};

struct parts_in {
    levada_present present;
    levada_path ledger;
    levada_int parts;
    levada_duration wait;
    levada_int crash_in, crash;
    levada_int fault_attempts;
};

int effect_run(struct levada_step *step, const void *input);
int effect_nothing_run(struct levada_step *step, const void *input);
int effect_keyed_run(struct levada_step *step, const void *input);
int effect_resolve(struct levada_step *step, const void *input, int32_t *found);
int parts_run(struct levada_step *step, const void *input);

/* faults.c: what a bad day looks like. */
struct pause_in {
    levada_present present;
    levada_duration wait;
    levada_bool deaf;
};

struct crash_in {
    levada_present present;
    levada_int signal;
    levada_int fault_attempts;
};

struct leave_in {
    levada_present present;
    levada_int code;
};

struct flood_in {
    levada_present present;
    levada_int lines;
    levada_size line_size;
    levada_string text;
    levada_string stream;
};

struct memory_in {
    levada_present present;
    levada_size amount;
    levada_duration wait;
};

struct children_in {
    levada_present present;
    levada_int count;
    levada_duration wait;
    levada_bool own_session;
};

struct fail_in {
    levada_present present;
    levada_string fault;
    levada_string message, hint;
    levada_int fault_attempts;
    levada_int bare;
};

struct progress_in {
    levada_present present;
    levada_int total;
    levada_duration wait;
    levada_string what;
};

int pause_run(struct levada_step *step, const void *input);
int crash_run(struct levada_step *step, const void *input);
int leave_run(struct levada_step *step, const void *input);
int flood_run(struct levada_step *step, const void *input);
int memory_run(struct levada_step *step, const void *input);
int children_run(struct levada_step *step, const void *input);
int fail_run(struct levada_step *step, const void *input);
int progress_run(struct levada_step *step, const void *input);

/* Die of a signal now, whatever handlers the process has. Returns only for 0. */
void probe_die(int signal_number);
/* The number of a class by its word, 0 for "". */
int probe_class(const char *word);

#endif
