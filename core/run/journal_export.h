/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole run as one file: the journal as a plain SQLite file, with the logs, artifacts and receipts of the run folder
 * in two more tables. Whatever reads a run folder reads it, on any machine.
 *
 *   export(name, value)                version, exported_ms, status of the engine then ("living" or "none"), levada
 *   files(name, mode, size, skipped)   below the run folder; skipped: why its content is not there, or null
 *   parts(name, part, data)            content in pieces of at most EXPORT_PART_SIZE
 */
#ifndef RUN_JOURNAL_EXPORT_H
#define RUN_JOURNAL_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define EXPORT_SUFFIX ".levada"
#define EXPORT_VERSION 1
#define EXPORT_PART_SIZE (4u * MIB)

struct export_count {
    uint64_t files, bytes;
    uint64_t left_out;         /* files that are no regular files or could not be read */
    const char *first_left_out;
};

/* Writes the file `path`, which must be empty or absent: a consistent picture, also of a run that goes on. The caller
 * syncs, renames, or removes it after an error. The arena keeps what *count names. */
int journal_export(struct arena *arena, const char *run_folder, const char *path, bool artifacts, bool living,
                   struct export_count *count, struct err *err);

struct export_file {
    const char *name;          /* "logs/load.1.log" */
    int64_t size;
};

/* Is it the file of an exported run? *exported_ms and *living from it. */
bool export_is(const char *path, int64_t *exported_ms, bool *living);
/* The files whose name begins with `prefix`, by name. */
int export_list(struct arena *arena, const char *path, const char *prefix, struct export_file **ret, size_t *count,
                struct err *err);
/* A memfd with the content of one, at its beginning, or -1: there is none. */
int export_open(const char *path, const char *name);

/* The journal of a run that has ended becomes one plain file. 0: it is; 1: somebody has it open; else EXIT_STORE. *did:
 * it was not before. */
int journal_make_plain(const char *run_folder, bool *did, struct err *err);

#endif
