/* SPDX-License-Identifier: Apache-2.0
 *
 * Attaching the lake. Passwords reach DuckDB only through CREATE SECRET: a failed ATTACH repeats its whole
 * text in the error message.
 */
#include "catalog.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "query.h"

const char *
catalog_file(struct levada_step *step, const struct lake_in *in)
{
    const char *text = in->catalog.text;
    if (text_starts(text, "postgres:")) return NULL;
    if (text_starts(text, "sqlite:")) text += strlen("sqlite:");
    return path_resolve(step, text);
}

bool
lake_exists(struct levada_step *step, const struct lake_in *in)
{
    const char *file = catalog_file(step, in);
    struct stat st;
    return file == NULL || stat(file, &st) == 0;
}

int
lake_require(struct work *work)
{
    if (lake_exists(work->step, work->in)) return 0;
    return fault_set(work, LEVADA_MISSING, "A load makes it; or name another `catalog`.", "there is no lake at \"%s\"",
        catalog_file(work->step, work->in));
}

/* Does the option text of libpq set this key? */
static bool
has_option(const char *options, const char *key)
{
    size_t size = strlen(key);
    for (const char *at = options; (at = strstr(at, key)) != NULL; at += size) {
        const char *end = at + size;
        while (isspace((unsigned char)*end)) end++;
        if ((at == options || isspace((unsigned char)at[-1])) && *end == '=') return true;
    }
    return false;
}

static int
read_postgres(struct work *work, const char *options, struct catalog *ret)
{
    ret->kind = CATALOG_POSTGRES;
    if (has_option(options, "password") || (strstr(options, "://") != NULL && strchr(options, '@') != NULL))
        return fault_set(work, LEVADA_INVALID,
            "Write the options as key=value without the password, and give the password as `catalog_secret`.",
            "input \"catalog\" contains a password or a URI with one");
    if (options[0] == '\0')
        return fault_set(work, LEVADA_INVALID, "Write for example postgres:dbname=lake host=db.internal user=etl.",
            "input \"catalog\" names no PostgreSQL database");
    /* A lone word is the database's name. */
    ret->options = strchr(options, '=') == NULL ? text_format(work->step, "dbname=%s", options) : options;
    return 0;
}

int
catalog_read(struct work *work, struct catalog *ret)
{
    struct catalog catalog = {0};
    const char *text = work->in->catalog.text;
    if (text_given(work->in->data.text)) catalog.data = path_resolve(work->step, work->in->data.text);
    if (text_starts(text, "postgres:")) {
        int error = read_postgres(work, text + strlen("postgres:"), &catalog);
        if (error != 0) return error;
    } else {
        if (path_is_remote(text))
            return fault_set(work, LEVADA_INVALID, "Use a local path, sqlite:PATH or postgres:OPTIONS.",
                "input \"catalog\": \"%s\" is a URI", text);
        catalog.kind = text_starts(text, "sqlite:") ? CATALOG_SQLITE : CATALOG_FILE;
        catalog.path = catalog_file(work->step, work->in);
        struct stat st;
        if (stat(catalog.path, &st) != 0) {
            if (catalog.data == NULL) catalog.data = text_format(work->step, "%s.files", catalog.path);
        } else if (!S_ISREG(st.st_mode)) {
            return fault_set(work, LEVADA_INVALID, "Name the catalog's file; it is made when it does not exist.",
                "catalog \"%s\" is not a file", catalog.path);
        }
    }
    *ret = catalog;
    return 0;
}

static void
add_option(struct text *sql, const char *key, const char *value)
{
    if (!text_given(value)) return;
    text_addf(sql, ", %s ", key);
    text_literal(sql, value);
}

static int
attach_postgres(struct work *work, const struct catalog *catalog)
{
    /* With persistent secrets off, PostgreSQL attaches need a named secret, also one without a password. */
    struct text sql = text_new(work->step);
    text_add(&sql, "LOAD postgres_scanner; CREATE OR REPLACE TEMPORARY SECRET levada_catalog (TYPE postgres");
    add_option(&sql, "PASSWORD", work->in->catalog_secret.value);
    text_add(&sql, "); CREATE OR REPLACE TEMPORARY SECRET levada_lake (TYPE ducklake, METADATA_PATH ");
    text_literal(&sql, catalog->options);
    text_add(&sql, ", METADATA_PARAMETERS MAP {'TYPE': 'postgres', 'SECRET': 'levada_catalog'}");
    add_option(&sql, "DATA_PATH", catalog->data);
    text_add(&sql, "); ATTACH 'ducklake:levada_lake' AS lake");
    return query(work, sql.data);
}

int
catalog_attach(struct work *work, const struct catalog *catalog)
{
    if (catalog->kind == CATALOG_POSTGRES) return attach_postgres(work, catalog);
    struct text sql = text_new(work->step);
    text_add(&sql, "ATTACH ");
    text_literal(&sql, text_format(work->step, "ducklake:%s%s",
        catalog->kind == CATALOG_SQLITE ? "sqlite:" : "", catalog->path));
    text_add(&sql, " AS lake");
    if (catalog->data != NULL) {
        text_add(&sql, " (DATA_PATH ");
        text_literal(&sql, catalog->data);
        text_add(&sql, ")");
    }
    return query(work, sql.data);
}

int
catalog_s3_secret(struct work *work)
{
    const struct s3_in *s3 = work->in->s3.value;
    if (s3 == NULL) return 0;
    bool ssl = !LEVADA_HAS(s3, use_ssl) || s3->use_ssl.value != 0;
    const char *endpoint = s3->endpoint.text != NULL ? s3->endpoint.text : "";
    if (text_starts(endpoint, "http://")) {
        endpoint += strlen("http://");
        ssl = false;
    } else if (text_starts(endpoint, "https://")) {
        endpoint += strlen("https://");
    }
    size_t size = strlen(endpoint);
    while (size > 0 && endpoint[size - 1] == '/') size--;
    struct text sql = text_new(work->step);
    text_addf(&sql, "CREATE OR REPLACE TEMPORARY SECRET levada_s3 (TYPE s3, USE_SSL %s", ssl ? "true" : "false");
    add_option(&sql, "ENDPOINT", text_copy(work->step, endpoint, size));
    add_option(&sql, "REGION", s3->region.text);
    add_option(&sql, "URL_STYLE", s3->url_style.text);
    add_option(&sql, "KEY_ID", s3->key_id.text);
    add_option(&sql, "SECRET", s3->secret.value);
    add_option(&sql, "SESSION_TOKEN", s3->session_token.value);
    text_add(&sql, ")");
    return query(work, sql.data);
}
