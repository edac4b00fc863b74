/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The action runs in the main thread, where a library expects to be; while it watches, the other one
 * owns the engine's socket. A reused worker keeps its thread and its pipe, and waking that thread would cost more than
 * a short attempt does: so while attempts follow each other it looks by itself every NAP_MS, and is called earlier when
 * the action begins to wait. What ended before it looked was never watched.
 */
#include "run/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "run/tree.h"

#define CHUNK_SIZE (16u * KIB)
#define CRASH_WAIT_MS 100 /* for the last words of a crashing library to reach the log */
#define NAP_MS 20         /* how late a cancel or a full pipe may be noticed */
#define NAPS_MAX 50       /* without a new attempt: then it sleeps until it is called */

struct control {
    struct arena scratch;
    pthread_t thread;
    bool running;          /* there is a thread */
    int wake;              /* eventfd: the action has ended */
    int out;               /* read end of what is written to 1 and 2 */
    int saved[2];          /* what 1 and 2 were */
    atomic_bool over;      /* who sets it ends the attempt */

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    struct work *work;     /* the attempt, or NULL */
    uint64_t attempts;     /* how many there were */
    bool watching;         /* the thread takes care of it */
    bool called, asleep;
    bool ending;
};

/* ---- last words ---- */

/* For the handler: the pipe a crashing library has just written to. */
static int crash_pipe = -1;

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/* "free(): invalid pointer" is in the pipe when the process dies: give the other thread a moment
 * to log it. Only what may be called in a handler. */
static void
on_crash(int signal_number)
{
    struct timespec moment = {.tv_nsec = 2000000};
    int waiting = 0;
    for (int i = 0; i < CRASH_WAIT_MS / 2; i++) {
        if (ioctl(crash_pipe, FIONREAD, &waiting) != 0 || waiting == 0) break;
        nanosleep(&moment, NULL);
    }
    nanosleep(&moment, NULL);
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
}

static void
watch_crashes(int pipe_fd)
{
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_NODEFER}, before;
    crash_pipe = pipe_fd;
    for (size_t i = 0; i < sizeof crash_signals / sizeof crash_signals[0]; i++)
        /* A sanitizer's handler, or the plugin's, says more than ours. */
        if (sigaction(crash_signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            (void)sigaction(crash_signals[i], &action, NULL);
}

/* ---- the thread ---- */

/* `work` NULL: what came between two attempts is nobody's. */
static bool
take_output(struct control *control, struct work *work)
{
    char chunk[CHUNK_SIZE];
    ssize_t n = read(control->out, chunk, sizeof chunk);
    if (n <= 0) return n < 0 && errno == EINTR;
    if (work != NULL) work_said(work, 0, chunk, (size_t)n);
    return true;
}

static void
pump(void *context, int wait_ms)
{
    struct control *control = context;
    struct pollfd ready = {.fd = control->out, .events = POLLIN};
    if (poll(&ready, 1, wait_ms) > 0) (void)take_output(control, control->work);
}

/* The grace is over and the action has not ended: this is the end of the process. */
static void
give_up(struct control *control, struct work *work)
{
    if (atomic_exchange(&control->over, true)) return;
    while (take_output(control, work)) continue;
    work_said_end(work);
    limits_leave(work); /* what follows is not the action's */
    bool limited = atomic_load(&work->stop) == STOP_LIMIT;
    work_log(work, "error", limited ? "the action went over a limit: its worker ends with it"
                                    : "the action does not end: its worker ends without it");
    work_end_tree(work, 0, 0, pump, control);
    struct outcome outcome = {.exit_code = -1, .abandoned = true};
    (void)work_stopped(work, &outcome);
    (void)receipt_deliver(work, &control->scratch, receipt_make(work, &control->scratch, &outcome));
    _exit(1);
}

static void
watch(struct control *control, struct work *work)
{
    struct worker *worker = work->worker;
    for (;;) {
        int wait_ms = work_tick(work);
        if (atomic_load(&work->stop) != STOP_NONE && clock_monotonic_ms() >= work->kill_at_ms) {
            give_up(control, work);
            wait_ms = -1; /* the action ended after all: wait to be told */
        }
        struct pollfd fds[3] = {
            {.fd = control->wake, .events = POLLIN},
            {.fd = control->out, .events = POLLIN},
            {.fd = atomic_load(&worker->gone) ? -1 : worker->sock, .events = POLLIN},
        };
        if (poll(fds, 3, wait_ms) <= 0) continue;
        if (fds[1].revents != 0) (void)take_output(control, work);
        if (fds[2].revents != 0) {
            struct arena_mark mark = arena_mark(&control->scratch);
            work_receive(work, &control->scratch);
            arena_rewind(&control->scratch, mark);
        }
        if (fds[0].revents != 0) break;
    }
    uint64_t count;
    (void)!read(control->wake, &count, sizeof count);
}

/* Mutex held. */
static void
nap(struct control *control)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += NAP_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&control->changed, &control->mutex, &until);
}

static void *
control_main(void *context)
{
    struct control *control = context;
    uint64_t attempts = 0;
    pthread_mutex_lock(&control->mutex);
    for (int naps = 0; !control->ending; naps++) {
        if (control->attempts != attempts) naps = 0;
        attempts = control->attempts;
        if (control->work != NULL) {
            control->watching = true;
            pthread_mutex_unlock(&control->mutex);
            watch(control, control->work);
            pthread_mutex_lock(&control->mutex);
            control->watching = control->called = false;
            control->work = NULL;
            pthread_cond_broadcast(&control->changed);
        } else if (naps < NAPS_MAX) {
            nap(control);
        } else {
            control->asleep = true;
            while (control->work == NULL && !control->ending) pthread_cond_wait(&control->changed, &control->mutex);
            control->asleep = false;
        }
    }
    pthread_mutex_unlock(&control->mutex);
    return NULL;
}

/* ---- starting and stopping ---- */

static int
capture(struct control *control, struct err *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return err_errno(err, EXIT_FAILED, "cannot make a pipe");
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    control->out = fds[0];
    for (int i = 0; i < 2; i++) {
        control->saved[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, 3);
        if (control->saved[i] < 0 || dup2(fds[1], i + 1) < 0) {
            fd_close(&fds[1]);
            return err_errno(err, EXIT_FAILED, "cannot redirect output");
        }
    }
    fd_close(&fds[1]);
    return 0;
}

static void
restore(struct control *control)
{
    for (int i = 0; i < 2; i++) {
        if (control->saved[i] >= 0) (void)dup2(control->saved[i], i + 1);
        fd_close(&control->saved[i]);
    }
}

/* Everything as it was before there was one. */
static void
control_end(struct worker *worker)
{
    struct control *control = worker->control;
    worker->control = NULL;
    restore(control);
    if (control->running) {
        pthread_mutex_lock(&control->mutex);
        control->ending = true;
        pthread_cond_broadcast(&control->changed);
        pthread_mutex_unlock(&control->mutex);
        (void)pthread_join(control->thread, NULL);
    }
    crash_pipe = -1;
    fd_close(&control->out);
    fd_close(&control->wake);
    arena_release(&control->scratch);
    pthread_mutex_destroy(&control->mutex);
    pthread_cond_destroy(&control->changed);
}

static int
control_make(struct worker *worker, struct err *err)
{
    struct control *control = worker->control = ARENA_NEW(&worker->arena, struct control);
    *control = (struct control){.wake = eventfd(0, EFD_CLOEXEC), .out = -1, .saved = {-1, -1}};
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&control->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&control->mutex, NULL);
    if (control->wake < 0) return err_errno(err, EXIT_FAILED, "cannot make an eventfd");
    int code = capture(control, err);
    if (code) return code;
    errno = pthread_create(&control->thread, NULL, control_main, control);
    if (errno != 0) return err_errno(err, EXIT_FAILED, "cannot start a thread");
    control->running = true;
    return 0;
}

int
control_start(struct work *work, struct err *err)
{
    struct worker *worker = work->worker;
    int code = worker->control == NULL ? control_make(worker, err) : 0;
    struct control *control = worker->control;
    if (code) {
        fflush(NULL);
        control_end(worker);
        return code;
    }
    while (take_output(control, NULL)) continue;
    watch_crashes(control->out);
    pthread_mutex_lock(&control->mutex);
    atomic_store(&control->over, false);
    control->work = work;
    bool watched = limits_watched(&work->job.limits);
    if (control->attempts++ == 0 || control->asleep || watched) pthread_cond_broadcast(&control->changed);
    pthread_mutex_unlock(&control->mutex);
    return 0;
}

void
control_call(struct work *work)
{
    struct control *control = work->worker->control;
    if (control == NULL) return;
    pthread_mutex_lock(&control->mutex);
    if (!control->watching && !control->called) pthread_cond_broadcast(&control->changed);
    control->called = true;
    pthread_mutex_unlock(&control->mutex);
}

void
control_stop(struct work *work)
{
    struct control *control = work->worker->control;
    while (atomic_exchange(&control->over, true)) (void)pause();
    /* Buffers of the plugin first: who reads the pipe looks at it once more when told. */
    fflush(NULL);
    pthread_mutex_lock(&control->mutex);
    if (control->watching) {
        uint64_t one = 1;
        (void)!write(control->wake, &one, sizeof one);
        while (control->watching) pthread_cond_wait(&control->changed, &control->mutex);
    }
    control->work = NULL;
    control->called = false;
    pthread_mutex_unlock(&control->mutex);
    while (take_output(control, work)) continue;
    work_said_end(work);
    if (work->job.reuse == NULL) control_end(work->worker);
}
