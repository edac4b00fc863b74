/* SPDX-License-Identifier: Apache-2.0
 *
 * Workers: launched through the launcher, read from their own sockets, used again where the plugin allows it. A worker
 * counts as gone when the launcher says so (it has then ended what the worker left) and its socket is drained.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "run/engine_internal.h"
#include "run/leftovers.h"

static char *
text_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(memory_resize(NULL, size), text, size);
}

struct worker *
pool_add(struct engine *e)
{
    e->workers = engine_grow(e->workers, e->nworkers, &e->workers_capacity, sizeof *e->workers);
    struct worker *w = &e->workers[e->nworkers++];
    *w = (struct worker){.sock = -1, .pidfd = -1, .step = -1, .call = -1};
    return w;
}

void
pool_sweep(struct engine *e)
{
    for (size_t i = e->nworkers; i-- > 0;) {
        struct worker *w = &e->workers[i];
        if (!w->dead || w->sock >= 0 || w->step >= 0) continue;
        fd_close(&w->pidfd);
        memory_free(w->reuse);
        *w = e->workers[--e->nworkers];
    }
}

static struct worker *
find_idle(struct engine *e, const char *reuse)
{
    for (size_t i = 0; reuse != NULL && i < e->nworkers; i++) {
        struct worker *w = &e->workers[i];
        if (w->step < 0 && !w->dead && w->sock >= 0 && w->reuse != NULL && str_eq(w->reuse, reuse)) return w;
    }
    return NULL;
}

bool
pool_busy(const struct engine *e, const char *reuse)
{
    for (size_t i = 0; i < e->nworkers; i++) {
        const struct worker *w = &e->workers[i];
        if (w->step >= 0 && w->reuse != NULL && str_eq(w->reuse, reuse)) return true;
    }
    for (size_t i = 0; i < e->nafter; i++)
        if (e->after[i].type == AFTER_LAUNCH &&
            str_eq(value_get_str(e->after[i].job, "reuse", ""), reuse))
            return true;
    return false;
}

void
pool_hold(struct engine *e, size_t step, const char *reuse)
{
    if (e->seating != NULL) seating_forget(e, step);
    e->held = engine_grow(e->held, e->nheld, &e->held_capacity, sizeof *e->held);
    struct held *held = &e->held[e->nheld++];
    *held = (struct held){.step = step, .reuse = text_copy(reuse)};
}

/* A worker came free, or went: the first step that waits for one like it is looked at again. */
static void
release_held(struct engine *e, const struct worker *w)
{
    for (size_t i = e->first_held; w->reuse != NULL && i < e->nheld; i++) {
        if (!str_eq(e->held[i].reuse, w->reuse)) continue;
        sched_again(&e->sched, e->held[i].step);
        memory_free(e->held[i].reuse);
        /* Mostly it is the first: a hundred thousand may wait behind it. */
        memmove(&e->held[e->first_held + 1], &e->held[e->first_held], (i - e->first_held) * sizeof *e->held);
        if (++e->first_held == e->nheld) e->first_held = e->nheld = 0;
        return;
    }
}

/* Its attempt is over, one way or the other. */
static void
make_idle(struct engine *e, struct worker *w)
{
    w->step = -1;
    w->kill_at_ms = 0;
    e->running--;
    release_held(e, w);
}

/* A step whose idle worker closed on us, or that could not be launched: nothing happened, another worker takes it. */
static void
not_launched(struct engine *e, struct worker *w)
{
    size_t step = (size_t)w->step;
    make_idle(e, w);
    step_vanished(e, step, w->record, -1, false);
}

static struct worker *
fork_worker(struct engine *e)
{
    int pair[2];
    struct err err;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return NULL;
    /* Roomy, so that a job never waits for a worker that is still being forked. */
    int size = 512 * 1024;
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) UNREACHABLE("fcntl on our own socket");
    struct worker *w = pool_add(e);
    w->sock = pair[0];
    w->key = ++e->worker_key;
    w->fresh = true;
    struct value *data = value_map(&e->turn);
    value_set(&e->turn, data, "worker", value_int(&e->turn, w->key));
    if (frame_send(e->launcher.sock, FRAME_FORK, data, pair[1], &err) != 0) e->launcher_gone = true;
    close(pair[1]);
    /* Waits in its socket: the first frame it reads. */
    if (e->group_seat >= 0) (void)frame_send(w->sock, FRAME_SEAT, value_map(&e->turn), e->group_seat, &err);
    return w;
}

static struct worker *
find_fresh(struct engine *e)
{
    for (size_t i = 0; i < e->nworkers; i++)
        if (e->workers[i].fresh && !e->workers[i].dead && e->workers[i].sock >= 0) return &e->workers[i];
    return NULL;
}

/* Forked while a step runs, so that the next one need not wait for a fork. It knows nothing of any job. */
static void
keep_spare(struct engine *e)
{
    bool more = e->sched.open > e->running;
    if (more && !e->interrupted && !e->launcher_gone && find_fresh(e) == NULL) (void)fork_worker(e);
}

void
pool_launch(struct engine *e, size_t step, uint32_t record, const struct value *job, int seat)
{
    int seat_fd FD_SCOPED = seat;
    struct err err;
    const char *reuse = value_get_str(job, "reuse", NULL);
    struct worker *w = find_idle(e, reuse);
    if (w == NULL) w = find_fresh(e);
    if (w == NULL && !e->launcher_gone) w = fork_worker(e);
    if (e->launcher_gone) return; /* the intent stands: the engine starts again and finds that it has not begun */
    if (w == NULL) {
        step_vanished(e, step, record, -1, false);
        return;
    }
    w->step = (ptrdiff_t)step;
    w->record = record;
    w->asked_to_stop = false;
    w->call = -1;
    if (w->fresh && reuse != NULL) w->reuse = text_copy(reuse);
    w->fresh = false;
    const struct step *model = e->state.steps[step].step;
    if (model->timeout_ms)
        w->kill_at_ms = clock_monotonic_ms() + model->timeout_ms + model->grace_ms + KILL_SLACK_MS;
    e->running++;
    if (frame_send(w->sock, FRAME_JOB, job, seat_fd, &err) != 0) {
        fd_close(&w->sock); /* an idle one that was killed: it must not be found again before the launcher says so */
        not_launched(e, w);
    }
    keep_spare(e);
}

void
pool_ack(struct engine *e, const struct after *after)
{
    struct worker *w = &e->workers[after->worker];
    struct err err;
    if (after->type == AFTER_CALL_REPLY) {
        if (w->sock >= 0 && w->record == after->record)
            (void)frame_send(w->sock, FRAME_CALL_REPLY, after->job, -1, &err);
        return;
    }
    struct value *data = value_map(&e->turn);
    value_set(&e->turn, data, "record", value_int(&e->turn, after->record));
    if (w->sock < 0) return;
    /* A worker that is gone by now keeps nothing that is not committed. */
    (void)frame_send(w->sock, after->type == AFTER_RECEIPT_ACK ? FRAME_RECEIPT_ACK : FRAME_CHECKPOINT_ACK, data, -1,
                     &err);
    if (after->type != AFTER_RECEIPT_ACK) return;
    w->acking = false;
    if (w->reuse == NULL) fd_close(&w->sock); /* it ends now, and nothing it could say would matter */
}

static void
take_receipt(struct engine *e, size_t worker, const struct value *receipt)
{
    struct worker *w = &e->workers[worker];
    if (w->step < 0 || value_get_int(receipt, "record", -1) != (int64_t)w->record) return;
    size_t step = (size_t)w->step;
    uint32_t record = w->record;
    make_idle(e, w);
    w->acking = true;
    engine_after(e, (struct after){.type = AFTER_RECEIPT_ACK, .worker = worker, .record = record});
    step_receipt(e, step, record, receipt);
}

static void
take_frame(struct engine *e, size_t worker, const struct frame *frame)
{
    struct worker *w = &e->workers[worker];
    struct step_state *step = w->step >= 0 ? &e->state.steps[w->step] : NULL;
    bool ours = step != NULL && value_get_int(frame->data, "record", -1) == (int64_t)w->record;
    switch (frame->type) {
    case FRAME_REFUSED:
        if (ours) not_launched(e, w);
        break;
    case FRAME_PROGRESS:
        if (ours && e->options->watch.progress != NULL)
            e->options->watch.progress(e->options->watch.context, &e->state, step,
                                       (uint64_t)value_get_int(frame->data, "done", 0),
                                       (uint64_t)value_get_int(frame->data, "total", 0),
                                       value_get_str(frame->data, "what", ""));
        break;
    case FRAME_CHECKPOINT:
        if (!ours) break;
        engine_emit(e, EVENT_STEP_CHECKPOINT, step, frame->data);
        e->sync = true;
        engine_after(e, (struct after){.type = AFTER_CHECKPOINT_ACK, .worker = worker, .record = w->record});
        break;
    case FRAME_CALL:
        if (ours) calls_take(e, worker, frame->data);
        break;
    case FRAME_RECEIPT: take_receipt(e, worker, frame->data); break;
    default: break; /* nothing else is a worker's to say */
    }
}

void
pool_read(struct engine *e, size_t worker)
{
    for (;;) {
        struct err err;
        struct frame frame = {.fd = -1};
        if (e->workers[worker].sock < 0) return;
        int code = frame_receive(e->workers[worker].sock, &e->turn, &frame, &err);
        fd_close(&frame.fd);
        if (code == -1) return;
        if (code != 0) { /* end of file, or a frame no worker of ours would send */
            const struct worker *w = &e->workers[worker];
            if (code != 1 && w->pid > 0 && !w->dead) kill(w->pid, SIGKILL);
            fd_close(&e->workers[worker].sock);
            if (e->workers[worker].dead) pool_settle(e, worker);
            return;
        }
        take_frame(e, worker, &frame);
    }
}

void
pool_settle(struct engine *e, size_t worker)
{
    struct worker *w = &e->workers[worker];
    struct attempt_record record = {0};
    struct err err;
    if (w->step < 0) return;
    size_t step = (size_t)w->step;
    make_idle(e, w);
    bool started = attempts_read(e->attempts, w->record, &record, &err) != 0 || record.mark == ATTEMPT_STARTED;
    const struct value *receipt = adopt_receipt(e, w->record);
    adopt_checkpoints(e, step, w->record);
    if (receipt != NULL) step_receipt(e, step, w->record, receipt); /* it lost us before it died, and kept it */
    else step_vanished(e, step, w->record, w->status, started);
}

static void
take_forked(struct engine *e, const struct value *data)
{
    int64_t key = value_get_int(data, "worker", -1), pid = value_get_int(data, "pid", 0);
    for (size_t i = 0; i < e->nworkers; i++) {
        struct worker *w = &e->workers[i];
        if (w->key != key || w->pid != 0) continue;
        if (pid > 0) {
            w->pid = (pid_t)pid;
        } else { /* the machine has no room for another process */
            w->dead = true;
            fd_close(&w->sock);
            pool_settle(e, i);
        }
        return;
    }
}

static void
take_died(struct engine *e, pid_t pid, int status)
{
    for (size_t i = 0; i < e->nworkers; i++) {
        struct worker *w = &e->workers[i];
        if (w->pid != pid || w->dead || w->pidfd >= 0) continue;
        w->status = status;
        pool_read(e, i); /* what it said before it died counts */
        w->dead = true;
        fd_close(&w->sock);
        pool_settle(e, i);
        return;
    }
}

/* Most of what the launcher says can be read whenever something else wakes us. Not so when a worker hung up on its
 * attempt: then its death, with all it left behind, is what everybody waits for. */
bool
pool_needs_launcher(const struct engine *e)
{
    for (size_t i = 0; i < e->nworkers; i++) {
        const struct worker *w = &e->workers[i];
        if (w->step >= 0 && w->sock < 0 && w->pidfd < 0 && !w->dead) return true;
    }
    return false;
}

void
pool_launcher(struct engine *e)
{
    for (;;) {
        struct err err;
        struct frame frame = {.fd = -1};
        int code = frame_receive(e->launcher.sock, &e->turn, &frame, &err);
        fd_close(&frame.fd);
        if (code == -1) return;
        if (code != 0) {
            e->launcher_gone = true;
            return;
        }
        if (frame.type == FRAME_FORKED) take_forked(e, frame.data);
        else if (frame.type == FRAME_DIED)
            take_died(e, (pid_t)value_get_int(frame.data, "pid", 0), (int)value_get_int(frame.data, "status", 0));
    }
}

void
pool_reap(struct engine *e)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        /* Without a launcher the workers are ours: what one left is ended before its death counts. */
        struct attempt_record record = {.pid = pid};
        for (size_t i = 0; i < e->nworkers; i++) {
            const struct worker *w = &e->workers[i];
            struct err ignored;
            if (w->pid != pid || w->step < 0 || w->pidfd >= 0) continue;
            (void)attempts_read(e->attempts, w->record, &record, &ignored);
            const char *mark = arena_printf(&e->turn, "%s/%u", e->state.id, w->record);
            (void)leftovers_end(&(struct leftovers){.mark = mark, .record = &record, .attempts = -1});
        }
        take_died(e, pid, status);
    }
}

static void
stop_worker(struct engine *e, struct worker *w, const char *why)
{
    struct err err;
    int64_t grace = e->state.steps[w->step].step->grace_ms;
    w->asked_to_stop = true;
    if (w->sock >= 0) {
        struct value *data = value_map(&e->turn);
        value_set(&e->turn, data, "record", value_int(&e->turn, w->record));
        value_set(&e->turn, data, "why", value_text(&e->turn, why));
        value_set(&e->turn, data, "grace_ms", value_int(&e->turn, grace));
        (void)frame_send(w->sock, FRAME_CANCEL, data, -1, &err);
    } else if (w->pid > 0) {
        pool_signal(w, str_eq(why, "cancelled") ? SIGUSR1 : SIGINT); /* adopted: its socket died with its engine */
    }
    w->kill_at_ms = clock_monotonic_ms() + grace + KILL_SLACK_MS;
}

void
pool_stop(struct engine *e, const char *why, bool safe_only)
{
    for (size_t i = 0; i < e->nworkers; i++) {
        struct worker *w = &e->workers[i];
        if (w->step < 0 || w->asked_to_stop) continue;
        const struct step_state *step = &e->state.steps[w->step];
        bool spared = (safe_only && !step_safe_to_stop(step)) || (str_eq(why, "cancelled") && !turn_cancels(e, step));
        if (!spared) stop_worker(e, w, why);
    }
}

void
pool_stop_step(struct engine *e, size_t step, const char *why)
{
    for (size_t i = 0; i < e->nworkers; i++)
        if (e->workers[i].step == (ptrdiff_t)step && !e->workers[i].asked_to_stop)
            stop_worker(e, &e->workers[i], why);
}

void
pool_kill(struct engine *e)
{
    for (size_t i = 0; i < e->nworkers; i++)
        if (e->workers[i].step >= 0 && e->workers[i].pid > 0) pool_signal(&e->workers[i], SIGKILL);
}

void
pool_signal(const struct worker *w, int signal)
{
    /* An adopted worker is nobody's child we know of: its number may be another's by now. */
    if (w->pidfd >= 0) (void)pidfd_send_signal(w->pidfd, signal, NULL, 0);
    else (void)kill(w->pid, signal);
}

void
pool_end(struct engine *e)
{
    for (size_t i = 0; i < e->nworkers; i++) {
        struct worker *w = &e->workers[i];
        struct err err;
        if (w->sock >= 0 && w->step < 0) (void)frame_send(w->sock, FRAME_BYE, value_map(&e->turn), -1, &err);
    }
}
