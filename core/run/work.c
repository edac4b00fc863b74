/* SPDX-License-Identifier: Apache-2.0
 *
 * What every kind of work does towards the engine: send, take in, notice the time. An engine that
 * is gone is no error here: the attempt goes on and its receipt becomes a file.
 */
#include "run/work.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "levada/plugin.h"
#include "run/calling.h"
#include "run/secret.h"
#include "run/tree.h"

#define METRICS_MAX 1000u     /* of one attempt: a report shows them all */
#define METRIC_NAME_SIZE 128u /* longer ones are cut, units too */

void
work_init(struct work *work, struct worker *worker)
{
    *work = (struct work){.worker = worker};
    work->kept = value_map(&work->arena);
    work->checkpoints = value_map(&work->arena);
    work->metrics = value_list(&work->arena);
    work->secrets = value_map(&work->arena);
    work->started_us = clock_monotonic_us();
    work->cpu_before_ms = receipt_cpu_ms(NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&work->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&work->mutex, NULL);
}

void
work_release(struct work *work)
{
    for (int stream = 0; stream < 2; stream++) mask_stream_release(&work->streams[stream]);
    pthread_cond_destroy(&work->changed);
    pthread_mutex_destroy(&work->mutex);
    arena_release(&work->call_arena);
    arena_release(&work->arena);
}

static void
engine_gone(struct work *work)
{
    pthread_mutex_lock(&work->mutex);
    atomic_store(&work->worker->gone, true);
    pthread_cond_broadcast(&work->changed);
    pthread_mutex_unlock(&work->mutex);
}

bool
work_send(struct work *work, enum frame_type type, const struct value *data, bool may_drop)
{
    struct worker *worker = work->worker;
    while (!atomic_load(&worker->gone)) {
        struct err err = {0};
        int code = frame_send(worker->sock, type, data, -1, &err);
        if (code == 0) return true;
        if (code != EXIT_HELD) {
            engine_gone(work);
        } else if (may_drop) {
            return false;
        } else {
            struct pollfd ready = {.fd = worker->sock, .events = POLLOUT};
            (void)poll(&ready, 1, -1);
        }
    }
    return false;
}

static void
take_cancel(struct work *work, const struct value *data)
{
    const char *why = value_get_str(data, "why", "cancelled");
    work_stop(work, str_eq(why, "interrupted") ? STOP_INTERRUPTED : STOP_CANCELLED,
              value_get_int(data, "grace_ms", work->job.grace_ms));
}

void
work_receive(struct work *work, struct arena *scratch)
{
    struct worker *worker = work->worker;
    while (!atomic_load(&worker->gone)) {
        struct frame frame;
        struct err err = {0};
        int code = frame_receive(worker->sock, scratch, &frame, &err);
        if (code == -1) return;
        if (code != 0) { /* gone, or it talks nonsense, which comes to the same */
            engine_gone(work);
            return;
        }
        fd_close(&frame.fd);
        if (value_get_int(frame.data, "record", -1) != (int64_t)work->job.record) continue;
        if (frame.type == FRAME_CANCEL) take_cancel(work, frame.data);
        if (frame.type == FRAME_RECEIPT_ACK) {
            work->receipt_acked = true;
            return; /* what follows is another attempt's: its job may be right behind */
        }
        if (frame.type == FRAME_CALL_REPLY) calling_reply(work, frame.data);
        if (frame.type == FRAME_CHECKPOINT_ACK) {
            pthread_mutex_lock(&work->mutex);
            work->acks++;
            pthread_cond_broadcast(&work->changed);
            pthread_mutex_unlock(&work->mutex);
        }
    }
}

void
work_stop(struct work *work, enum stop why, int64_t grace_ms)
{
    int none = STOP_NONE;
    int64_t kill_at_ms = clock_monotonic_ms() + (grace_ms > 0 ? grace_ms : 0);
    if (work->kill_at_ms == 0 || kill_at_ms < work->kill_at_ms) work->kill_at_ms = kill_at_ms;
    pthread_mutex_lock(&work->mutex);
    atomic_compare_exchange_strong(&work->stop, &none, (int)why);
    pthread_cond_broadcast(&work->changed);
    pthread_mutex_unlock(&work->mutex);
}

void
work_wait(struct work *work, int64_t until_ms)
{
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    if (until_ms == 0) pthread_cond_wait(&work->changed, &work->mutex);
    else (void)pthread_cond_timedwait(&work->changed, &work->mutex, &until);
}

/* An engine that adopted this worker has no socket to it: it sends SIGUSR1 for cancel, SIGINT for
 * interrupt. SIGTERM comes when the machine goes down, and nobody gave the run up. */
static volatile sig_atomic_t signalled;

static void
note_signal(int number)
{
    signalled = number;
}

void
work_take_signals(void)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGUSR1, &action, NULL);
}

bool
work_signalled(void)
{
    return signalled != 0;
}

int
work_tick(struct work *work)
{
    int64_t now = clock_monotonic_ms();
    if (signalled != 0) {
        work_stop(work, signalled == SIGUSR1 ? STOP_CANCELLED : STOP_INTERRUPTED, work->job.grace_ms);
        signalled = 0;
    }
    bool stopped = atomic_load(&work->stop) != STOP_NONE;
    if (!stopped && work->deadline_ms != 0 && now >= work->deadline_ms) {
        work_stop(work, STOP_TIMEOUT, work->job.grace_ms);
        stopped = true;
    }
    int64_t look_ms = limits_look(work, now);
    stopped = atomic_load(&work->stop) != STOP_NONE;
    int64_t next = stopped ? work->kill_at_ms : work->deadline_ms;
    if (look_ms != 0 && (next == 0 || look_ms < next)) next = look_ms;
    /* A signal may reach the thread that does not poll, so without an engine somebody looks now
     * and then. */
    int longest = atomic_load(&work->worker->gone) ? 200 : 60000;
    if (next == 0) return longest;
    if (next <= now) return 0;
    return next - now > longest ? longest : (int)(next - now);
}

void
work_log(struct work *work, const char *level, const char *fmt, ...)
{
    struct buf text BUF_SCOPED;
    buf_init(&text, LIMIT_LOG_SIZE);
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    work_log_text(work, level, buf_str(&text));
}

void
work_log_text(struct work *work, const char *level, const char *text)
{
    struct arena arena ARENA_SCOPED = {0};
    text = secret_mask_text(work, &arena, text);
    logfile_line(&work->log, level, text, strlen(text));
}

void
work_metric(struct work *work, const char *name, double value, const char *unit)
{
    struct arena *arena = &work->arena;
    if (work->metrics->list.count >= METRICS_MAX) return;
    struct value *metric = value_map(arena);
    if (unit == NULL) unit = "";
    value_set(arena, metric, "name", value_textn(arena, VALUE_STRING, name, strnlen(name, METRIC_NAME_SIZE)));
    value_set(arena, metric, "value", value_real(arena, value));
    value_set(arena, metric, "unit", value_textn(arena, VALUE_STRING, unit, strnlen(unit, METRIC_NAME_SIZE)));
    value_push(arena, work->metrics, metric);
}

void
work_said(struct work *work, int stream, const void *data, size_t size)
{
    struct buf out BUF_SCOPED;
    buf_init(&out, LIMIT_LOG_SIZE);
    if (size == 0) return;
    secret_mask_stream(work, stream, data, size, &out);
    logfile_write(&work->log, buf_str(&out), out.size);
}

void
work_said_end(struct work *work)
{
    for (int stream = 0; stream < 2; stream++) {
        struct buf out BUF_SCOPED;
        buf_init(&out, LIMIT_LOG_SIZE);
        secret_mask_stream(work, stream, NULL, 0, &out);
        logfile_write(&work->log, buf_str(&out), out.size);
    }
}

const char *
work_path(struct work *work, const char *suffix)
{
    return arena_printf(&work->arena, "%s/" RECEIPTS_FOLDER "/%u.%s", work->job.run_folder, work->job.record, suffix);
}

const char *
work_own_path(struct work *work, const char *suffix)
{
    return arena_printf(&work->arena, "/proc/self/fd/%d/" RECEIPTS_FOLDER "/%u.%s", work->worker->folder,
                        work->job.record, suffix);
}

void
work_end_tree(struct work *work, int64_t self_ms, int64_t term_ms, void (*pump)(void *, int), void *context)
{
    struct buf names BUF_SCOPED;
    buf_init(&names, 512);
    int count = tree_end(self_ms, term_ms, pump, context, &names);
    if (count > 0)
        work_log(work, "warn", "ended %d process%s that the step left behind: %s", count, count == 1 ? "" : "es",
                 buf_str(&names));
    if (!tree_empty()) work_log(work, "error", "a process that the step left behind does not end");
}

bool
work_stopped(struct work *work, struct outcome *ret)
{
    switch ((enum stop)atomic_load(&work->stop)) {
    case STOP_NONE: return false;
    case STOP_CANCELLED:
        ret->status = "cancelled";
        err_set(&ret->error, EXIT_CANCELLED, "it was cancelled while it ran");
        ret->error.error_class = LEVADA_CANCELLED;
        return true;
    case STOP_INTERRUPTED: ret->status = "interrupted"; return true;
    case STOP_LIMIT: limits_explain(work, ret); return true;
    case STOP_TIMEOUT: break;
    }
    struct buf text BUF_SCOPED;
    buf_init(&text, 64);
    str_duration(&text, work->job.timeout_ms);
    err_set(&ret->error, EXIT_FAILED, "timed out after %s", buf_str(&text));
    err_hint(&ret->error, "See its log for what it waited for, or raise the step's \"timeout\".");
    ret->error.error_class = LEVADA_TIMEOUT;
    ret->status = "failed";
    return true;
}
