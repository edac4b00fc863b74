/* SPDX-License-Identifier: Apache-2.0
 *
 * lake.h: the open lake. One DuckDB database per worker, with the lake attached as `lake`, locked down and
 * kept open for the next step; `struct work` is one action's use of it.
 */
#ifndef DUCKLAKE_LAKE_H
#define DUCKLAKE_LAKE_H

#include <pthread.h>

#include "fault.h"
#include "text.h"

struct s3_in {
    levada_present present;
    levada_string endpoint, region, url_style;
    levada_bool use_ssl;
    levada_string key_id;
    levada_secret secret, session_token;
};

/* The inputs all actions share; a member of every input struct, after `present`. */
struct lake_in {
    levada_string catalog;
    levada_string data;
    levada_secret catalog_secret;
    levada_object s3;
    levada_size memory;
    levada_int threads;
    levada_list allow;
};

extern const struct levada_field s3_fields[7];

/* Rows for the input table of an action whose struct T has the member `lake`. */
#define LAKE_FIELD(T, member, text, ...)                                                                     \
    { .name = #member, .type = LEVADA_TYPE_OF_(((T *)0)->lake.member),                                       \
      .offset = offsetof(T, lake) + offsetof(struct lake_in, member), .doc = text, __VA_ARGS__ }
#define LAKE_FIELDS(T)                                                                                       \
    LAKE_FIELD(T, catalog,                                                                                   \
        "The lake's catalog: a path (a DuckDB file), sqlite:PATH, or postgres:OPTIONS as for libpq, without " \
        "a password.", .fallback = "lake.ducklake"),                                                         \
    LAKE_FIELD(T, data, "Where the lake keeps its Parquet files: a folder or s3://bucket/prefix. "           \
        "Default: what the catalog says, or a folder beside a new catalog, named after it with .files.",     \
        .flags = 0),                                                                                         \
    LAKE_FIELD(T, catalog_secret, "The password of a PostgreSQL catalog.", .flags = 0),                      \
    LAKE_FIELD(T, s3, "How to reach S3.", .fields = s3_fields, .nfields = 7, .object_size = sizeof(struct s3_in)), \
    LAKE_FIELD(T, memory, "How much memory DuckDB may use.", .fallback = "1GiB", .minimum = "64MiB"),        \
    LAKE_FIELD(T, threads, "Threads of DuckDB; 0: one per processor.", .fallback = "0", .minimum = "0",      \
        .maximum = "256"),                                                                                   \
    LAKE_FIELD(T, allow, "Further folders or URI prefixes that SQL may read and write; the workflow's folder, " \
        "its artifacts and the lake's data are always allowed.", .flags = 0)

struct watch {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool running, stop;
};

/* The database of this worker; defined in lake.c. */
struct lake;

struct work {
    struct levada_step *step;
    const struct lake_in *in;
    struct lake *lake;
    duckdb_connection con;
    struct fault fault;
    struct watch watch;
    bool in_transaction;
    bool temporary; /* SQL ran that may have made temporary tables */
    _Atomic bool closing; /* cancelling no longer counts; the watch reads it */
    const char *data; /* the lake's data path, absolute */
};

/* Begin a step's use; work_close() ends it whatever happened between. */
void work_begin(struct work *work, struct levada_step *step, const struct lake_in *in);
/* Open the lake, or take the one this worker has open. `paths`: folders or URI prefixes the step will touch
 * besides the usual ones. 0 or the class of the fault. */
int work_open(struct work *work, const char *const *paths, size_t count);
/* Ends the step's use: stops the watch, rolls back what is open, drops temporary tables, tells the host the
 * fault. Returns `error_class`. */
int work_close(struct work *work, int error_class);
/* Is there a lake at all? False only for a local catalog whose file does not exist. */
bool lake_exists(struct levada_step *step, const struct lake_in *in);
/* A fault when there is none: actions that read must not make one. */
int lake_require(struct work *work);
/* Let go of the open database. */
void lake_forget(void);
/* The same, and of the memory that this worker holds the catalog's lock: for tests, whose fake host can unlock. */
void lake_release(void);

/* An absolute path or a URI, from one that is relative to the workflow's folder. */
const char *path_resolve(struct levada_step *step, const char *path);
bool path_is_remote(const char *path);
/* mkdir -p. 0 or errno. */
int path_make_folder(const char *path);
/* The folder a file is in; "." has been resolved before. */
const char *path_folder(struct levada_step *step, const char *path);
/* Is `path` the folder or below it? A URI prefix counts as a folder. */
bool path_within(const char *path, const char *folder);

#endif
