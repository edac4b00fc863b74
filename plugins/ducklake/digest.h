/* SPDX-License-Identifier: Apache-2.0
 *
 * digest.h: fingerprints of files and settings (SHA-384). Reading the files runs in a thread of its own,
 * while DuckDB opens.
 */
#ifndef DUCKLAKE_DIGEST_H
#define DUCKLAKE_DIGEST_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sha2.h>

#define DIGEST_TEXT 97 /* hex digits and NUL */

struct digest {
    SHA2_CTX context;
};

void digest_init(struct digest *digest);
/* Each part is hashed with its length, so that parts cannot run into each other. */
void digest_text(struct digest *digest, const char *text);
void digest_end(struct digest *digest, char text[DIGEST_TEXT]);

struct digest_files {
    const char *const *files;
    size_t count;
    char (*texts)[DIGEST_TEXT]; /* one per file; the caller's memory */
    int error;                  /* errno */
    size_t error_file;
    volatile int stop;
    pthread_t thread;
};

/* 0 or errno. */
int digest_files_start(struct digest_files *job);
void digest_files_join(struct digest_files *job);

#endif
