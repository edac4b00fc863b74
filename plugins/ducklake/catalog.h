/* SPDX-License-Identifier: Apache-2.0
 *
 * catalog.h: the `catalog` input read: which kind of database holds the lake's catalog and where.
 */
#ifndef DUCKLAKE_CATALOG_H
#define DUCKLAKE_CATALOG_H

#include "lake.h"

enum catalog_kind { CATALOG_FILE, CATALOG_SQLITE, CATALOG_POSTGRES };

struct catalog {
    enum catalog_kind kind;
    const char *path;    /* FILE and SQLITE: absolute */
    const char *options; /* POSTGRES: libpq options */
    const char *data;    /* absolute or URI; NULL: what the catalog says */
};

/* Read the input; a password in it is refused. 0 or a class. */
int catalog_read(struct work *work, struct catalog *ret);
/* Path of the local catalog file, or NULL. */
const char *catalog_file(struct levada_step *step, const struct lake_in *in);
/* CREATE SECRETs and ATTACH ... AS lake on the work's connection. */
int catalog_attach(struct work *work, const struct catalog *catalog);
/* The secret for S3, when the input `s3` is given. */
int catalog_s3_secret(struct work *work);

#endif
