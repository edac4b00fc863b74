/* SPDX-License-Identifier: Apache-2.0
 *
 * The open lake of this worker. The order of opening matters: settings, extensions, secrets, ATTACH, and
 * only then the lock-down, after which neither SQL nor this file can reach anything else. A step that needs
 * a folder outside of it gets the database opened again with the wider set.
 */
#include "lake.h"

#include <dlfcn.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog.h"
#include "query.h"
#include "watch.h"

/* libduckdb and the extensions must be of the very same release. */
#define DUCKDB_RELEASE "v1.5.5"
#define SPILL_FACTOR 32u /* temporary files may take this many times the memory limit */

struct lake {
    duckdb_database db;
    duckdb_connection con;
    char *key;      /* the inputs it was opened with */
    char *data;     /* the lake's data path */
    char *temp;     /* folder of temporary files */
    char *locked;   /* path whose lock this worker holds */
    char **allowed; /* folders and URI prefixes */
    size_t allowed_count;
    bool network; /* httpfs is loaded */
};

static struct lake the_lake;

const struct levada_field s3_fields[7] = {
    LEVADA_IN(struct s3_in, endpoint, "Host and port of the server, when it is not AWS; http:// turns TLS off."),
    LEVADA_IN(struct s3_in, region, "The region."),
    LEVADA_IN(struct s3_in, url_style, "How buckets appear in addresses.",
        .choices = (const char *const[]){"vhost", "path", NULL}),
    LEVADA_IN(struct s3_in, use_ssl, "Use TLS.", .fallback = "true"),
    LEVADA_IN(struct s3_in, key_id, "The access key's id."),
    LEVADA_IN(struct s3_in, secret, "The access key's secret."),
    LEVADA_IN(struct s3_in, session_token, "The session token of temporary credentials."),
};

static char *
keep(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) abort();
    return copy;
}

static void
replace(char **slot, char *value)
{
    free(*slot);
    *slot = value;
}

void
lake_forget(void)
{
    struct lake *lake = &the_lake;
    duckdb_disconnect(&lake->con);
    duckdb_close(&lake->db);
    replace(&lake->key, NULL);
    replace(&lake->data, NULL);
    replace(&lake->temp, NULL);
    for (size_t i = 0; i < lake->allowed_count; i++) free(lake->allowed[i]);
    free(lake->allowed);
    lake->allowed = NULL;
    lake->allowed_count = 0;
    lake->network = false;
}

void
lake_release(void)
{
    lake_forget();
    replace(&the_lake.locked, NULL);
}

static bool
is_allowed(const struct lake *lake, const char *path)
{
    for (size_t i = 0; i < lake->allowed_count; i++)
        if (path_within(path, lake->allowed[i])) return true;
    return false;
}

static void
allow(struct lake *lake, const char *path)
{
    if (is_allowed(lake, path)) return;
    char **grown = realloc(lake->allowed, (lake->allowed_count + 1) * sizeof *grown);
    if (grown == NULL) abort();
    lake->allowed = grown;
    lake->allowed[lake->allowed_count++] = keep(path);
}

/* The inputs that make one open lake different from another. Secrets are compared by value: this text
 * never leaves the process. */
static char *
make_key(struct work *work)
{
    const struct lake_in *in = work->in;
    struct text key = text_new(work->step);
    const struct s3_in *s3 = in->s3.value;
    const char *parts[] = {in->catalog.text, in->data.text, in->catalog_secret.value, work->step->folder,
        s3 ? s3->endpoint.text : "", s3 ? s3->region.text : "", s3 ? s3->url_style.text : "",
        s3 ? s3->key_id.text : "", s3 ? s3->secret.value : "", s3 ? s3->session_token.value : "",
        s3 && s3->use_ssl.value ? "tls" : ""};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        text_add(&key, parts[i] != NULL ? parts[i] : "");
        text_add(&key, "\n");
    }
    text_addf(&key, "%llu %lld", (unsigned long long)in->memory.bytes, (long long)in->threads.value);
    return key.data;
}

/* The extensions lie beside the library, which lies beside the plugins' folder. */
static const char *
extension_folder(struct levada_step *step)
{
    Dl_info info;
    if (dladdr(&the_lake, &info) == 0 || info.dli_fname == NULL) return NULL;
    char *real = realpath(info.dli_fname, NULL);
    if (real == NULL) return NULL;
    const char *folder = path_folder(step, path_folder(step, real));
    free(real);
    const char *path = text_format(step, "%s/duckdb/ext", folder);
    return access(path, R_OK) == 0 ? path : NULL;
}

static int
processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

static int
configure(struct work *work, duckdb_config config)
{
    struct levada_step *step = work->step;
    uint64_t memory = work->in->memory.bytes != 0 ? work->in->memory.bytes : 1u << 30;
    int64_t threads = work->in->threads.value > 0 ? work->in->threads.value : processors();
    const char *extensions = extension_folder(step);
    const char *settings[][2] = {
        {"extension_directory", extensions},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "true"}, /* ducklake loads its scanners from the folder */
        {"allow_community_extensions", "false"},
        {"allow_unsigned_extensions", "false"},
        {"allow_persistent_secrets", "false"},
        {"secret_directory", text_format(step, "%s/secrets", the_lake.temp)},
        {"temp_directory", the_lake.temp},
        {"home_directory", the_lake.temp},
        {"memory_limit", text_format(step, "%lluB", (unsigned long long)memory)},
        {"max_temp_directory_size", text_format(step, "%lluB", (unsigned long long)(memory * SPILL_FACTOR))},
        {"threads", text_format(step, "%lld", (long long)threads)},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        if (settings[i][1] != NULL && duckdb_set_config(config, settings[i][0], settings[i][1]) != DuckDBSuccess)
            return fault_set(work, LEVADA_PERMANENT, NULL, "DuckDB does not take the setting %s = \"%s\"",
                settings[i][0], settings[i][1]);
    return 0;
}

static int
open_database(struct work *work)
{
    struct lake *lake = &the_lake;
    replace(&lake->temp, keep(text_format(work->step, "%s/duckdb", work->step->scratch)));
    duckdb_config config;
    if (duckdb_create_config(&config) != DuckDBSuccess) abort();
    int error = configure(work, config);
    char *text = NULL;
    if (error == 0 && duckdb_open_ext(NULL, &lake->db, config, &text) != DuckDBSuccess)
        error = fault_set(work, LEVADA_PERMANENT, NULL, "cannot open DuckDB: %s", text != NULL ? text : "");
    duckdb_free(text);
    duckdb_destroy_config(&config);
    if (error != 0) return error;
    if (duckdb_connect(lake->db, &lake->con) != DuckDBSuccess)
        return fault_set(work, LEVADA_PERMANENT, NULL, "cannot connect to DuckDB");
    work->con = lake->con;
    return query(work, "SET TimeZone='UTC'; SET enable_progress_bar=true; SET enable_progress_bar_print=false;"
                       "LOAD ducklake");
}

static int
lock_down(struct work *work)
{
    struct lake *lake = &the_lake;
    struct text sql = text_new(work->step);
    text_add(&sql, "SET allowed_directories=[");
    for (size_t i = 0; i < lake->allowed_count; i++) {
        if (i > 0) text_add(&sql, ", ");
        text_literal(&sql, lake->allowed[i]);
    }
    text_add(&sql, "]; SET enable_external_access=false; SET lock_configuration=true");
    return query(work, sql.data);
}

/* The folders that the lake itself needs, made where they are local. */
static int
make_folders(struct work *work, const struct catalog *catalog)
{
    const char *folders[] = {catalog->path != NULL ? path_folder(work->step, catalog->path) : NULL, catalog->data};
    for (size_t i = 0; i < 2; i++) {
        if (folders[i] == NULL || path_is_remote(folders[i])) continue;
        int error = path_make_folder(folders[i]);
        if (error != 0)
            return fault_set(
                work, LEVADA_PERMANENT, NULL, "cannot make folder \"%s\": %s", folders[i], strerror(error));
    }
    return 0;
}

static int
take_lock(struct work *work, const struct catalog *catalog)
{
    if (catalog->kind == CATALOG_POSTGRES) return 0;
    const char *path = text_format(work->step, "%s.lock", catalog->path);
    if (the_lake.locked != NULL && strcmp(the_lake.locked, path) == 0) return 0;
    int error = work->step->host->lock(work->step, path);
    if (error != 0) return fault_set(work, error, NULL, "cannot lock \"%s\"", path);
    replace(&the_lake.locked, keep(path));
    if (catalog->kind == CATALOG_SQLITE)
        levada_log(work->step, LEVADA_INFO,
            "an SQLite catalog has one writer at a time: steps on it wait for each other at %s", path);
    return 0;
}

static int
open_lake(struct work *work, const char *key)
{
    struct lake *lake = &the_lake;
    struct catalog catalog;
    int error = catalog_read(work, &catalog);
    if (error == 0) error = make_folders(work, &catalog);
    if (error == 0) error = take_lock(work, &catalog);
    if (error == 0) error = open_database(work);
    if (error != 0) return error;
    lake->network = work->in->s3.value != NULL || (catalog.data != NULL && path_is_remote(catalog.data));
    for (size_t i = 0; i < lake->allowed_count; i++) lake->network |= path_is_remote(lake->allowed[i]);
    if (lake->network) error = query(work, "LOAD httpfs");
    if (error == 0) error = catalog_s3_secret(work);
    if (error == 0) error = catalog_attach(work, &catalog);
    if (error != 0) return error;
    struct table found;
    error = query_table(
        work, "SELECT value FROM __ducklake_metadata_lake.ducklake_metadata WHERE key='data_path'", &found);
    if (error != 0) return error;
    const char *data = table_cell(&found, 0, 0);
    replace(&lake->data, keep(data != NULL ? data : ""));
    if (lake->data[0] != '\0') allow(lake, lake->data);
    error = query(work, "USE lake");
    if (error == 0) error = lock_down(work);
    if (error == 0) replace(&lake->key, keep(key));
    return error;
}

static bool
all_allowed(const char *const *paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_allowed(&the_lake, paths[i])) return false;
    return true;
}

/* Take the open lake or open one that may touch `paths` too. */
static int
ensure_open(struct work *work, const char *const *paths, size_t count)
{
    struct lake *lake = &the_lake;
    const char *key = make_key(work);
    if (lake->key != NULL && strcmp(lake->key, key) == 0 && all_allowed(paths, count)) {
        work->con = lake->con;
        return 0;
    }
    /* Keep what earlier steps were allowed: steps that alternate must not open it every time. */
    size_t kept_count = lake->key != NULL && strcmp(lake->key, key) == 0 ? lake->allowed_count : 0;
    const char **kept = work->step->host->alloc(work->step, (kept_count + 1) * sizeof *kept);
    for (size_t i = 0; i < kept_count; i++) kept[i] = text_copy(work->step, lake->allowed[i], strlen(lake->allowed[i]));
    lake_forget();
    for (size_t i = 0; i < kept_count; i++) allow(lake, kept[i]);
    for (size_t i = 0; i < count; i++) allow(lake, paths[i]);
    int error = open_lake(work, key);
    if (error != 0) lake_forget();
    return error;
}

static int
check_release(struct work *work)
{
    if (strcmp(duckdb_library_version(), DUCKDB_RELEASE) == 0) return 0;
    return fault_set(work, LEVADA_PERMANENT, "Run tools/setup and build again.",
        "this plugin needs DuckDB %s, but libduckdb is %s", DUCKDB_RELEASE, duckdb_library_version());
}

void
work_begin(struct work *work, struct levada_step *step, const struct lake_in *in)
{
    memset(work, 0, sizeof *work);
    work->step = step;
    work->in = in;
    work->lake = &the_lake;
}

int
work_open(struct work *work, const char *const *paths, size_t count)
{
    struct levada_step *step = work->step;
    const struct lake_in *in = work->in;
    int error = check_release(work);
    if (error != 0) return error;
    if (step->host->cancelled(step)) return fault_set(work, LEVADA_CANCELLED, NULL, "cancelled before it began");
    size_t extra = in->allow.count, all = 0;
    const char **wanted = step->host->alloc(step, (count + extra + 2) * sizeof *wanted);
    wanted[all++] = path_resolve(step, step->folder);
    if (text_given(step->artifacts)) wanted[all++] = path_resolve(step, step->artifacts);
    for (size_t i = 0; i < extra; i++) wanted[all++] = path_resolve(step, in->allow.items[i]);
    for (size_t i = 0; i < count; i++) wanted[all++] = paths[i];
    error = ensure_open(work, wanted, all);
    if (error != 0) return error;
    work->data = the_lake.data;
    /* The scratch folder of an earlier step is gone by now; DuckDB spills to the path it was opened with. */
    (void)path_make_folder(the_lake.temp);
    return watch_start(work);
}

/* Temporary tables must not leak from one step into the next. */
static void
drop_temporary(struct work *work)
{
    struct table found;
    if (query_table(work, "SELECT table_name FROM duckdb_tables() WHERE temporary AND NOT internal", &found) != 0)
        return;
    for (size_t i = 0; i < found.rows; i++)
        (void)query(work, text_format(work->step, "DROP TABLE temp.%s",
            text_name_of(work->step, table_cell(&found, i, 0))));
}

int
work_close(struct work *work, int error_class)
{
    watch_stop(work);
    struct fault fault = work->fault;
    if (work->con != NULL && the_lake.key != NULL) {
        work->closing = true;
        if (work->in_transaction) (void)query(work, "ROLLBACK");
        if (work->temporary) drop_temporary(work);
        (void)rmdir(the_lake.temp);
        /* After a fatal error DuckDB refuses everything: the next step must open it anew. */
        if (query(work, "SELECT 1") != 0) lake_forget();
    }
    if (error_class == 0) return 0;
    if (fault.error_class == 0) return levada_fail(work->step, error_class, "the step failed");
    if (fault.hint != NULL) return levada_fail_hint(work->step, fault.error_class, fault.hint, "%s", fault.message);
    return levada_fail(work->step, fault.error_class, "%s", fault.message);
}
