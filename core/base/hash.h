/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 and other digests (libmd; the only user of it) and random ids.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_HEX_SIZE 65 /* with the NUL */

void hash_sha256_hex(const void *data, size_t size, char *ret); /* HASH_HEX_SIZE */
/* For comparing with what others made. `ret` has room for HASH_HEX_LONG. */
#define HASH_HEX_LONG 129
void hash_sha512_hex(const void *data, size_t size, char *ret);
void hash_sha1_hex(const void *data, size_t size, char *ret);
void hash_md5_hex(const void *data, size_t size, char *ret);
/* 0, or -1 with errno. */
int hash_sha256_file(const char *path, char ret[HASH_HEX_SIZE]);

/* A run id: 26 characters of [0-9a-z] without i, l, o, u: 10 of time in ms, 16 of chance; sorts by time. */
#define ID_SIZE 27
void id_new(char ret[ID_SIZE]);
/* The same, but it sorts behind time_ms (wall) even when the clock was set back since. */
void id_new_after(char ret[ID_SIZE], int64_t time_ms);
/* Has it the shape of a run id? */
int id_is(const char *text);

#endif
