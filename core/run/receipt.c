/* SPDX-License-Identifier: Apache-2.0
 *
 * What came of an attempt, and how it gets to whoever decides: to the engine, which answers when it
 * is committed, else into a file that a resumer finds. A receipt may arrive twice (committed, but
 * the answer was lost): it is the same one.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/json.h"
#include "plugin/schema.h"
#include "run/secret.h"
#include "run/work.h"

/* Whatever a plugin or script gave may hold a secret. Our own words (a status, a class) stay,
 * even when somebody's password is "succeeded". */
static void
set_masked(struct work *work, struct arena *arena, struct value *map, const char *name, const struct value *value)
{
    value_set(arena, map, name, secret_mask_value(work, arena, value));
}

static const struct value *
error_make(struct work *work, struct arena *arena, const struct outcome *outcome)
{
    const struct err *err = &outcome->error;
    struct value *ret = value_map(arena);
    value_set(arena, ret, "class", value_text(arena, schema_class_name(err->error_class)));
    set_masked(work, arena, ret, "message", value_text(arena, err->message));
    if (err->hint[0] != '\0') set_masked(work, arena, ret, "hint", value_text(arena, err->hint));
    if (err->file[0] != '\0') value_set(arena, ret, "file", value_text(arena, err->file));
    if (err->line > 0) value_set(arena, ret, "line", value_int(arena, err->line));
    if (err->column > 0) value_set(arena, ret, "column", value_int(arena, err->column));
    if (outcome->limit != NULL) value_set(arena, ret, "limit", value_text(arena, outcome->limit));
    if (outcome->signal > 0) value_set(arena, ret, "signal", value_int(arena, outcome->signal));
    if (outcome->exit_code > 0) value_set(arena, ret, "exit", value_int(arena, outcome->exit_code));
    return ret;
}

static int64_t
cpu_ms(const struct rusage *usage)
{
    return (int64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000 +
           (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
}

int64_t
receipt_cpu_ms(long *peak_kib)
{
    struct rusage self, children;
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    if (peak_kib != NULL) *peak_kib = self.ru_maxrss > children.ru_maxrss ? self.ru_maxrss : children.ru_maxrss;
    return cpu_ms(&self) + cpu_ms(&children);
}

/* Outputs as they will be written, escapes and all: a receipt must fit into a frame. */
static bool
outputs_fit(const struct value *outputs)
{
    struct buf text BUF_SCOPED;
    buf_init(&text, LIMIT_OUTPUT_SIZE);
    if (outputs != NULL) json_write(&text, outputs);
    return !text.full;
}

const char *
outcome_status(const struct outcome *outcome)
{
    return outcome->status != NULL ? outcome->status : outcome->error.code ? "failed" : "succeeded";
}

const struct value *
receipt_make(struct work *work, struct arena *arena, const struct outcome *outcome)
{
    const struct job *job = &work->job;
    struct value *ret = value_map(arena);
    struct outcome too_large = {.exit_code = -1};
    if (!outputs_fit(outcome->outputs)) {
        err_set(&too_large.error, EXIT_INVALID, "its outputs are larger than the limit of %u bytes",
                (unsigned)LIMIT_OUTPUT_SIZE);
        err_hint(&too_large.error, "Write them into a file under the run's artifacts, and give its name.");
        too_large.error.error_class = LEVADA_INVALID;
        outcome = &too_large;
    }
    value_set(arena, ret, "record", value_int(arena, job->record));
    value_set(arena, ret, "fence", value_int(arena, (int64_t)job->fence));
    value_set(arena, ret, "attempt", value_int(arena, job->attempt));
    value_set(arena, ret, "step", value_text(arena, job->step));
    value_set(arena, ret, "item", value_text(arena, job->item));
    value_set(arena, ret, "status", value_text(arena, outcome_status(outcome)));
    if (!work->begun) value_set(arena, ret, "begun", value_bool(arena, false));
    if (outcome->outputs != NULL) set_masked(work, arena, ret, "outputs", outcome->outputs);
    if (outcome->error.code != 0) value_set(arena, ret, "error", error_make(work, arena, outcome));
    if (outcome->skipped != NULL) set_masked(work, arena, ret, "skipped", value_text(arena, outcome->skipped));
    if (outcome->found != NULL) value_set(arena, ret, "found", value_text(arena, outcome->found));
    if (!outcome->abandoned && work->metrics->list.count > 0)
        set_masked(work, arena, ret, "metrics", work->metrics);
    if (!outcome->abandoned && work->checkpoints->map.count > 0)
        set_masked(work, arena, ret, "checkpoints", work->checkpoints);

    long peak_kib;
    int64_t cpu = receipt_cpu_ms(&peak_kib) - work->cpu_before_ms;
    const struct usage *peak = &work->limiter.peak;
    if (peak->memory / 1024 > peak_kib) peak_kib = (long)(peak->memory / 1024);
    value_set(arena, ret, "duration_ms", value_int(arena, (clock_monotonic_us() - work->started_us) / 1000));
    value_set(arena, ret, "log_bytes", value_int(arena, (int64_t)work->log.size));
    value_set(arena, ret, "peak_kib", value_int(arena, peak_kib));
    value_set(arena, ret, "cpu_ms", value_int(arena, cpu));
    if (peak->processes > 0) value_set(arena, ret, "processes", value_int(arena, peak->processes));
    value_set(arena, ret, "pid", value_int(arena, getpid()));
    return ret;
}

/* Durable before anybody may see the lock free: a resumer that finds the byte unlocked looks for
 * this file. */
static int
receipt_keep(struct work *work, const struct value *receipt, struct err *err)
{
    struct buf text BUF_SCOPED;
    buf_init(&text, LIMIT_VALUE_SIZE);
    json_write(&text, receipt);
    buf_char(&text, '\n');

    char name[32];
    snprintf(name, sizeof name, "%u.json", work->job.record);
    int folder FD_SCOPED = openat(work->worker->folder, RECEIPTS_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return err_errno(err, EXIT_STORE, "cannot open \"%s/" RECEIPTS_FOLDER "\"", work->job.run_folder);
    return fd_replace_file(folder, name, buf_str(&text), text.size, 0600, true, err);
}

bool
receipt_deliver(struct work *work, struct arena *scratch, const struct value *receipt)
{
    if (work_send(work, FRAME_RECEIPT, receipt, false)) {
        FAILPOINT("receipt_sent");
        while (!work->receipt_acked && !atomic_load(&work->worker->gone)) {
            struct pollfd ready = {.fd = work->worker->sock, .events = POLLIN};
            (void)poll(&ready, 1, -1);
            work_receive(work, scratch);
        }
        if (work->receipt_acked) return true;
    }
    /* Nothing was started, and whoever comes next will see that: no file may say more. */
    if (!work->claimed) return false;
    struct err err = {0};
    if (receipt_keep(work, receipt, &err) == 0) return true;
    err_print(&err);
    return false;
}
