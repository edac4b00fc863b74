/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-384 works on 64-bit words: on the machines this runs on it takes two thirds of SHA-256's time.
 */
#include "digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (256 * 1024)

void
digest_init(struct digest *digest)
{
    SHA384Init(&digest->context);
}

void
digest_text(struct digest *digest, const char *text)
{
    uint64_t size = strlen(text);
    SHA384Update(&digest->context, (const uint8_t *)&size, sizeof size);
    SHA384Update(&digest->context, (const uint8_t *)text, size);
}

void
digest_end(struct digest *digest, char text[DIGEST_TEXT])
{
    uint8_t bytes[SHA384_DIGEST_LENGTH];
    SHA384Final(bytes, &digest->context);
    for (size_t i = 0; i < sizeof bytes; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static int
digest_file(struct digest_files *job, const char *path, char *text, uint8_t *chunk)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    struct digest digest;
    digest_init(&digest);
    ssize_t got;
    while ((got = read(fd, chunk, CHUNK)) != 0 && !job->stop) {
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) break;
        SHA384Update(&digest.context, chunk, (size_t)got);
    }
    int error = got < 0 ? errno : 0;
    close(fd);
    digest_end(&digest, text);
    return error;
}

static void *
digest_run(void *arg)
{
    struct digest_files *job = arg;
    uint8_t *chunk = malloc(CHUNK);
    if (chunk == NULL) job->error = ENOMEM;
    for (size_t i = 0; chunk != NULL && i < job->count && job->error == 0 && !job->stop; i++) {
        job->error = digest_file(job, job->files[i], job->texts[i], chunk);
        job->error_file = i;
    }
    free(chunk);
    return NULL;
}

int
digest_files_start(struct digest_files *job)
{
    return pthread_create(&job->thread, NULL, digest_run, job);
}

void
digest_files_join(struct digest_files *job)
{
    pthread_join(job->thread, NULL);
}
