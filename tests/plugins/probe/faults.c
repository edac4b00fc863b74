/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults on demand: sleep, hang, crash, leave, flood, fail, take memory, leave processes behind.
 */
#include "probe.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void
probe_die(int signal_number)
{
    if (signal_number == 0) return;
    /* A sanitizer or the host may have a handler: the process must die of the signal itself. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    signal(signal_number, SIG_DFL);
    kill(getpid(), signal_number);
    for (;;) pause();
}

int
probe_class(const char *word)
{
#define X(id, number, name, retry, meaning) \
    if (strcmp(word, name) == 0) return LEVADA_##id;
    LEVADA_CLASSES(X)
#undef X
    return 0;
}

int
pause_run(struct levada_step *step, const void *input)
{
    const struct pause_in *in = input;
    if (!in->deaf.value) {
        if (step->host->sleep(step, in->wait.ms))
            return levada_fail(step, LEVADA_CANCELLED, "the pause was ended");
        return 0;
    }
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    struct timespec left = {.tv_sec = in->wait.ms / 1000, .tv_nsec = in->wait.ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
    return 0;
}

int
crash_run(struct levada_step *step, const void *input)
{
    const struct crash_in *in = input;
    levada_log(step, LEVADA_INFO, "about to die of signal %d", (int)in->signal.value);
    if ((int64_t)step->attempt <= in->fault_attempts.value) probe_die((int)in->signal.value);
    return 0;
}

int
leave_run(struct levada_step *step, const void *input)
{
    const struct leave_in *in = input;
    levada_log(step, LEVADA_INFO, "about to leave with code %d", (int)in->code.value);
    exit((int)in->code.value);
}

int
flood_run(struct levada_step *step, const void *input)
{
    const struct flood_in *in = input;
    size_t size = (size_t)in->line_size.bytes, length = strlen(in->text.text);
    char *line = step->host->alloc(step, size + 1);
    for (size_t i = 0; i < size; i++) line[i] = length ? in->text.text[i % length] : ' ';
    for (int64_t i = 0; i < in->lines.value; i++) {
        if (step->host->cancelled(step)) return levada_fail(step, LEVADA_CANCELLED, "the flood was ended");
        if (strcmp(in->stream.text, "log") == 0) levada_log(step, LEVADA_INFO, "%s", line);
        else fprintf(strcmp(in->stream.text, "stdout") == 0 ? stdout : stderr, "%s\n", line);
    }
    fflush(stdout);
    return 0;
}

int
memory_run(struct levada_step *step, const void *input)
{
    const struct memory_in *in = input;
    memset(step->host->alloc(step, (size_t)in->amount.bytes), 1, (size_t)in->amount.bytes);
    if (step->host->sleep(step, in->wait.ms)) return levada_fail(step, LEVADA_CANCELLED, "ended");
    return 0;
}

int
children_run(struct levada_step *step, const void *input)
{
    const struct children_in *in = input;
    char pids[64 * 12 + 3];
    size_t used = 0;
    for (int64_t i = 0; i < in->count.value; i++) {
        pid_t pid = fork();
        if (pid < 0) return levada_fail(step, LEVADA_TRANSIENT, "cannot fork: %s", strerror(errno));
        if (pid == 0) {
            if (in->own_session.value) setsid();
            signal(SIGTERM, SIG_IGN);
            struct timespec left = {.tv_sec = in->wait.ms / 1000, .tv_nsec = in->wait.ms % 1000 * 1000000};
            nanosleep(&left, NULL);
            _exit(0);
        }
        int n = snprintf(pids + used, sizeof pids - used, "%c%d", used ? ',' : '[', (int)pid);
        used += (size_t)n;
    }
    pids[used++] = ']';
    pids[used] = '\0';
    return step->host->output(step, "pids", pids);
}

int
fail_run(struct levada_step *step, const void *input)
{
    const struct fail_in *in = input;
    if ((int64_t)step->attempt > in->fault_attempts.value) return 0;
    if (in->bare.value) return (int)in->bare.value;
    const char *hint = in->hint.text[0] ? in->hint.text : NULL;
    levada_fail_hint(step, probe_class(in->fault.text), hint, "%s", in->message.text);
    /* The first call counts: a second one must change nothing. */
    levada_fail(step, LEVADA_PERMANENT, "a second message that nobody should see");
    return probe_class(in->fault.text);
}

int
progress_run(struct levada_step *step, const void *input)
{
    const struct progress_in *in = input;
    for (int64_t i = 1; i <= in->total.value; i++) {
        if (step->host->sleep(step, in->wait.ms)) return levada_fail(step, LEVADA_CANCELLED, "ended");
        step->host->progress(step, (uint64_t)i, (uint64_t)in->total.value, in->what.text);
    }
    step->host->metric(step, "steps", (double)in->total.value, in->what.text);
    return 0;
}
