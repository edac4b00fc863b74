/* SPDX-License-Identifier: Apache-2.0
 *
 * See the header. The action runs in the main thread, where a library expects to be; this one owns
 * the engine's socket until control_stop().
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

struct control {
    struct work *work;
    struct arena scratch;
    pthread_t thread;
    int wake;         /* eventfd: the action has ended */
    int out;          /* read end of what is written to 1 and 2 */
    int saved[2];     /* what 1 and 2 were */
    atomic_bool over; /* who sets it ends the attempt */
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

static bool
take_output(struct control *control)
{
    char chunk[CHUNK_SIZE];
    ssize_t n = read(control->out, chunk, sizeof chunk);
    if (n <= 0) return n < 0 && errno == EINTR;
    work_said(control->work, 0, chunk, (size_t)n);
    return true;
}

static void
pump(void *context, int wait_ms)
{
    struct control *control = context;
    struct pollfd ready = {.fd = control->out, .events = POLLIN};
    if (poll(&ready, 1, wait_ms) > 0) (void)take_output(control);
}

/* The grace is over and the action has not ended: this is the end of the process. */
static void
give_up(struct control *control)
{
    struct work *work = control->work;
    if (atomic_exchange(&control->over, true)) return;
    while (take_output(control)) continue;
    work_said_end(work);
    work_log(work, "error", "the action does not end: its worker ends without it");
    work_end_tree(work, 0, 0, pump, control);
    struct outcome outcome = {.exit_code = -1, .abandoned = true};
    (void)work_stopped(work, &outcome);
    (void)receipt_deliver(work, &control->scratch, receipt_make(work, &control->scratch, &outcome));
    _exit(1);
}

static void *
control_main(void *context)
{
    struct control *control = context;
    struct work *work = control->work;
    struct worker *worker = work->worker;
    for (;;) {
        int wait_ms = work_tick(work);
        if (atomic_load(&work->stop) != STOP_NONE && clock_monotonic_ms() >= work->kill_at_ms) {
            give_up(control);
            wait_ms = -1; /* the action ended after all: wait to be told */
        }
        struct pollfd fds[3] = {
            {.fd = control->wake, .events = POLLIN},
            {.fd = control->out, .events = POLLIN},
            {.fd = atomic_load(&worker->gone) ? -1 : worker->sock, .events = POLLIN},
        };
        if (poll(fds, 3, wait_ms) <= 0) continue;
        if (fds[1].revents != 0) (void)take_output(control);
        if (fds[2].revents != 0) {
            struct arena_mark mark = arena_mark(&control->scratch);
            work_receive(work, &control->scratch);
            arena_rewind(&control->scratch, mark);
        }
        if (fds[0].revents != 0) break;
    }
    while (take_output(control)) continue;
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
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        if (control->saved[i] >= 0) (void)dup2(control->saved[i], i + 1);
        fd_close(&control->saved[i]);
    }
}

static void
control_release(struct control *control)
{
    crash_pipe = -1;
    fd_close(&control->out);
    fd_close(&control->wake);
    arena_release(&control->scratch);
}

int
control_start(struct work *work, struct control **ret, struct err *err)
{
    struct control *control = ARENA_NEW(&work->arena, struct control);
    *control = (struct control){.work = work, .wake = eventfd(0, EFD_CLOEXEC), .out = -1, .saved = {-1, -1}};
    int code = control->wake < 0 ? err_errno(err, EXIT_FAILED, "cannot make an eventfd") : capture(control, err);
    if (code == 0) {
        errno = pthread_create(&control->thread, NULL, control_main, control);
        if (errno != 0) code = err_errno(err, EXIT_FAILED, "cannot start a thread");
    }
    if (code) {
        restore(control);
        control_release(control);
        return code;
    }
    watch_crashes(control->out);
    *ret = control;
    return 0;
}

void
control_stop(struct control *control)
{
    while (atomic_exchange(&control->over, true)) (void)pause();
    /* Buffers of the plugin first, while the pipe is still there; then the thread may drain it
     * for the last time. */
    restore(control);
    uint64_t one = 1;
    (void)!write(control->wake, &one, sizeof one);
    (void)pthread_join(control->thread, NULL);
    work_said_end(control->work);
    control_release(control);
}
