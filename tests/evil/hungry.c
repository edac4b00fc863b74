/* SPDX-License-Identifier: Apache-2.0
 *
 * Uses more than anybody should: memory, time, processes and disk, each in the worker's own process. Its worker is
 * reused, so that what one attempt was limited to could be left to the next.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <levada/plugin.h>

#define CHUNK ((size_t)1024 * 1024)

struct eat_in {
    levada_present present;
    levada_size amount;
    levada_bool in_child, deaf;
    levada_duration first;
};

static void
nap(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Page by page, and not as fast as it goes: who watches shall have a chance, as mostly in life. */
static int
eat(size_t amount)
{
    for (size_t done = 0; done < amount; done += CHUNK) {
        char *chunk = malloc(CHUNK);
        if (chunk == NULL) return -1;
        memset(chunk, (int)(done / CHUNK) | 1, CHUNK);
        if (done % (8 * CHUNK) == 0) nap(2);
    }
    return 0;
}

static int
eat_run(struct levada_step *step, const void *input)
{
    const struct eat_in *in = input;
    (void)step->host->sleep(step, in->first.ms);
    if (in->in_child.value) {
        pid_t pid = fork();
        if (pid < 0) return levada_fail(step, LEVADA_TRANSIENT, "cannot fork");
        if (pid == 0) {
            (void)eat((size_t)in->amount.bytes);
            nap(30000);
            _exit(0);
        }
        return step->host->sleep(step, 30000) ? levada_fail(step, LEVADA_CANCELLED, "told to end") : 0;
    }
    if (eat((size_t)in->amount.bytes) != 0) return levada_fail(step, LEVADA_PERMANENT, "no memory left");
    nap(30000);
    return 0;
}

static int
spin_run(struct levada_step *step, const void *input)
{
    const struct eat_in *in = input;
    volatile unsigned long turns = 0;
    while (in->deaf.value || !step->host->cancelled(step))
        for (int i = 0; i < 100000; i++) turns++;
    return levada_fail(step, LEVADA_CANCELLED, "told to end");
}

struct breed_in {
    levada_present present;
    levada_int count;
};

static int
breed_run(struct levada_step *step, const void *input)
{
    const struct breed_in *in = input;
    for (int64_t i = 0; i < in->count.value && i < 100; i++) {
        if (fork() == 0) {
            nap(30000);
            _exit(0);
        }
        nap(1);
    }
    return step->host->sleep(step, 30000) ? levada_fail(step, LEVADA_CANCELLED, "told to end") : 0;
}

struct fill_in {
    levada_present present;
    levada_path file;
    levada_size amount;
};

static int
fill_run(struct levada_step *step, const void *input)
{
    const struct fill_in *in = input;
    static const char chunk[65536];
    int fd = open(in->file.text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int code = fd < 0 ? levada_fail(step, LEVADA_PERMANENT, "cannot open it") : 0;
    for (uint64_t done = 0; code == 0 && done < in->amount.bytes; done += sizeof chunk)
        if (write(fd, chunk, sizeof chunk) < 0)
            code = levada_fail(step, LEVADA_TRANSIENT, "cannot write: %s", strerror(errno));
    if (fd >= 0) close(fd);
    return code ? code : step->host->output_int(step, "pid", getpid());
}

static const struct levada_field eat_inputs[] = {
    LEVADA_IN(struct eat_in, amount, "How much.", .fallback = "300MiB"),
    LEVADA_IN(struct eat_in, in_child, "In a child.", .fallback = "false"),
    LEVADA_IN(struct eat_in, first, "Wait before that.", .fallback = "0s"),
};
static const struct levada_field spin_inputs[] = {
    LEVADA_IN(struct eat_in, deaf, "Do not hear of the end.", .fallback = "false"),
};
static const struct levada_field breed_inputs[] = {
    LEVADA_IN(struct breed_in, count, "How many.", .fallback = "40"),
};
static const struct levada_field fill_inputs[] = {
    LEVADA_IN(struct fill_in, file, "Where.", .flags = LEVADA_REQUIRED),
    LEVADA_IN(struct fill_in, amount, "How much.", .fallback = "2MiB"),
};
static const struct levada_field outputs[] = {
    LEVADA_OUT(pid, INT, "The worker's."),
};

static const struct levada_action actions[] = {
    LEVADA_ACTION(eat, UNSAFE, struct eat_in, eat_inputs, outputs, "Take memory.", .run = eat_run),
    LEVADA_ACTION(spin, IDEMPOTENT, struct eat_in, spin_inputs, outputs, "Take time.", .run = spin_run),
    LEVADA_ACTION(breed, IDEMPOTENT, struct breed_in, breed_inputs, outputs, "Take processes.", .run = breed_run),
    LEVADA_ACTION(fill, IDEMPOTENT, struct fill_in, fill_inputs, outputs, "Take disk.", .run = fill_run),
};

static const char *const reuse_by[] = {"amount", NULL};

LEVADA_PLUGIN(.name = "hungry", .version = "1.0.0", .doc = "Bad.", .flags = LEVADA_REUSE, .reuse_by = reuse_by,
              LEVADA_ACTIONS(actions));
