/* SPDX-License-Identifier: Apache-2.0
 *
 * source.h: the files a load reads. They are found and fingerprinted without DuckDB, and looked into
 * (names and types of columns) once it is open.
 */
#ifndef DUCKLAKE_SOURCE_H
#define DUCKLAKE_SOURCE_H

#include <jansson.h>

#include "contract.h"
#include "digest.h"

enum source_format { FORMAT_CSV, FORMAT_PARQUET, FORMAT_JSON };

struct source_file {
    int64_t size, mtime_ns;
    uint64_t inode;
};

struct source {
    enum source_format format;
    bool tabs; /* .tsv */
    const char **files; /* local ones absolute and without patterns; remote ones as given */
    struct source_file *stats;
    size_t count, local; /* the first `local` files are local */
    int64_t bytes;       /* of local files */
    const char **folders; /* to be allowed */
    json_t *options;      /* of DuckDB's reader; owned by the caller */
    const levada_list *nulls;
    struct columns columns; /* set by source_look() */
    bool unquoted;          /* read quotes as plain characters: only to explain a fault */
    const char *dialect;    /* what the sniffer found, as reader arguments */
    struct digest_files hashing;
    bool hashing_runs;
};

/* Find the files: `from` is a text or a list of texts, `format` a word or "". Starts the hashing. */
int source_find(struct work *work, const char *from, const char *format, json_t *options, const levada_list *nulls,
    struct source *ret);
/* Stops the hashing if it still runs. */
void source_close(struct source *source);
/* Waits for the hashes; *digest: of all contents, "" when a remote file cannot be fingerprinted. */
int source_digest(struct work *work, struct source *source, const char **digest);
/* Names and types of the columns. */
int source_look(struct work *work, struct source *source);
/* What may stand after FROM, reading columns of these types (NULL: as found). */
const char *source_relation(struct work *work, const struct source *source, const struct columns *types);
/* Did a local file change since source_find()? Then a fault. */
int source_same(struct work *work, const struct source *source);

#endif
