/* SPDX-License-Identifier: Apache-2.0
 *
 * Effects that a test can count: lines in a ledger file. A line is one write with O_APPEND and is synced, so a
 * line is there whole or not at all, whatever is killed.
 */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int
append(struct levada_step *step, const char *ledger, int64_t part)
{
    char line[512];
    int fd = open(ledger, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return levada_fail(step, LEVADA_MISSING, "cannot open \"%s\": %s", ledger, strerror(errno));
    int size = part ? snprintf(line, sizeof line, "%s %u %lld\n", step->token, step->attempt, (long long)part)
                    : snprintf(line, sizeof line, "%s %u\n", step->token, step->attempt);
    int bad = write(fd, line, (size_t)size) != size || fsync(fd) != 0;
    close(fd);
    if (bad) return levada_fail(step, LEVADA_TRANSIENT, "cannot write \"%s\": %s", ledger, strerror(errno));
    return 0;
}

/* Lines of our token (with this part, unless 0); -1 when the ledger cannot be read. */
static int64_t
count(struct levada_step *step, const char *ledger, int64_t part)
{
    char line[512], token[256];
    int64_t lines = 0;
    FILE *file = fopen(ledger, "re");
    if (file == NULL) return errno == ENOENT ? 0 : -1;
    while (fgets(line, sizeof line, file) != NULL) {
        long long line_part = 0;
        if (sscanf(line, "%255s %*u %lld", token, &line_part) < 1) continue;
        if (strcmp(token, step->token) == 0 && (part == 0 || part == line_part)) lines++;
    }
    fclose(file);
    return lines;
}

static int
fault(struct levada_step *step, const struct effect_in *in, int64_t signal_number, const char *word)
{
    if ((int64_t)step->attempt > in->fault_attempts.value) return 0;
    if (signal_number) levada_log(step, LEVADA_INFO, "about to die of signal %d", (int)signal_number);
    probe_die((int)signal_number);
    return word[0] ? levada_fail(step, probe_class(word), "told to fail as %s", word) : 0;
}

static int
finish(struct levada_step *step, const struct effect_in *in, bool written)
{
    int code = step->host->output(step, "written", written ? "true" : "false");
    return code ? code : step->host->output_int(step, "lines", count(step, in->ledger.text, 0));
}

static int
effect(struct levada_step *step, const struct effect_in *in, bool look_first)
{
    int code;
    bool written = false;
    if (in->wait_before.ms && step->host->sleep(step, in->wait_before.ms))
        return levada_fail(step, LEVADA_CANCELLED, "ended before the effect");
    if ((code = fault(step, in, in->crash_before.value, in->fail_before.text))) return code;
    if (!look_first || count(step, in->ledger.text, 0) == 0) {
        if ((code = append(step, in->ledger.text, 0))) return code;
        written = true;
    }
    if (in->wait_after.ms && step->host->sleep(step, in->wait_after.ms))
        return levada_fail(step, LEVADA_CANCELLED, "ended after the effect");
    if ((code = fault(step, in, in->crash_after.value, in->fail_after.text))) return code;
    return finish(step, in, written);
}

int
effect_run(struct levada_step *step, const void *input)
{
    return effect(step, input, false);
}

/* A remote that de-duplicates by token: look and write are one step under a lock. */
int
effect_keyed_run(struct levada_step *step, const void *input)
{
    const struct effect_in *in = input;
    int fd = open(in->ledger.text, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || flock(fd, LOCK_EX) != 0) {
        if (fd >= 0) close(fd);
        return levada_fail(step, LEVADA_MISSING, "cannot lock \"%s\": %s", in->ledger.text, strerror(errno));
    }
    int code = effect(step, in, true);
    close(fd);
    return code;
}

int
effect_nothing_run(struct levada_step *step, const void *input)
{
    (void)step, (void)input;
    return 0;
}

int
effect_resolve(struct levada_step *step, const void *input, int32_t *found)
{
    const struct effect_in *in = input;
    int64_t lines = count(step, in->ledger.text, 0);
    if (lines < 0) {
        *found = LEVADA_UNDECIDED;
        return levada_fail(step, LEVADA_TRANSIENT, "cannot read \"%s\"", in->ledger.text);
    }
    *found = lines > 0 ? LEVADA_DONE : LEVADA_NOT_DONE;
    return lines > 0 ? finish(step, in, false) : 0;
}

int
parts_run(struct levada_step *step, const void *input)
{
    const struct parts_in *in = input;
    const char *text = step->host->checkpoint_get(step, "part");
    int64_t done = text != NULL ? strtoll(text, NULL, 10) : 0;
    int code = step->host->output_int(step, "started_from", done + 1);
    for (int64_t part = done + 1; code == 0 && part <= in->parts.value; part++) {
        char number[24];
        /* A kill between the line and its checkpoint comes back here: the part is looked for first. */
        if (count(step, in->ledger.text, part) == 0) code = append(step, in->ledger.text, part);
        snprintf(number, sizeof number, "%lld", (long long)part);
        if (code == 0) code = step->host->checkpoint_set(step, "part", number);
        if (code == 0 && part == in->crash_in.value && (int64_t)step->attempt <= in->fault_attempts.value)
            probe_die((int)in->crash.value);
        if (code == 0 && in->wait.ms && step->host->sleep(step, in->wait.ms))
            code = levada_fail(step, LEVADA_CANCELLED, "ended after part %lld", (long long)part);
    }
    return code ? code : step->host->output_int(step, "parts", in->parts.value);
}
