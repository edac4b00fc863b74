/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header.
 */
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <md5.h>
#include <sha1.h>
#include <sha2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/fd.h"

void
hash_sha256_hex(const void *data, size_t size, char *ret)
{
    SHA2_CTX ctx;
    SHA256Init(&ctx);
    SHA256Update(&ctx, data, size);
    SHA256End(&ctx, ret);
}

void
hash_sha512_hex(const void *data, size_t size, char *ret)
{
    SHA2_CTX ctx;
    SHA512Init(&ctx);
    SHA512Update(&ctx, data, size);
    SHA512End(&ctx, ret);
}

void
hash_sha1_hex(const void *data, size_t size, char *ret)
{
    SHA1_CTX ctx;
    SHA1Init(&ctx);
    SHA1Update(&ctx, data, size);
    SHA1End(&ctx, ret);
}

void
hash_md5_hex(const void *data, size_t size, char *ret)
{
    MD5_CTX ctx;
    MD5Init(&ctx);
    MD5Update(&ctx, data, size);
    MD5End(&ctx, ret);
}

int
hash_sha256_file(const char *path, char ret[HASH_HEX_SIZE])
{
    int fd FD_SCOPED = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    SHA2_CTX ctx;
    unsigned char chunk[32768];
    SHA256Init(&ctx);
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        SHA256Update(&ctx, chunk, (size_t)n);
    }
    SHA256End(&ctx, ret);
    return 0;
}

static const char id_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

void
id_new(char ret[ID_SIZE])
{
    id_new_after(ret, 0);
}

void
id_new_after(char ret[ID_SIZE], int64_t time_ms)
{
    unsigned char chance[16];
    int64_t wall = clock_wall_ms();
    uint64_t now = (uint64_t)(wall > time_ms ? wall : time_ms + 1);
    ASSERT(getrandom(chance, sizeof chance, 0) == (ssize_t)sizeof chance);
    for (int i = 9; i >= 0; i--, now >>= 5) ret[i] = id_digits[now & 31];
    for (int i = 0; i < 16; i++) ret[10 + i] = id_digits[chance[i] & 31];
    ret[26] = '\0';
}

int
id_is(const char *text)
{
    return strspn(text, id_digits) == ID_SIZE - 1 && text[ID_SIZE - 1] == '\0';
}
