/* SPDX-License-Identifier: Apache-2.0
 *
 * Single-threaded, and nothing but libc has been initialised when it forks. Being a child subreaper it inherits
 * what a dead worker leaves: any child it did not fork itself is such a leftover.
 */
#include "run/launcher.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/limits.h"
#include "run/attempts.h"
#include "run/frame.h"
#include "run/job.h"

struct launching {
    int sock, signals;
    int children; /* our own list of them, in /proc */
    bool engine_gone;
    pid_t workers[LIMIT_WORKERS];
    size_t count;
};

static void
send_numbers(struct launching *l, enum frame_type type, const char *a, int64_t x, const char *b, int64_t y)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err;
    struct value *data = value_map(&arena);
    value_set(&arena, data, a, value_int(&arena, x));
    value_set(&arena, data, b, value_int(&arena, y));
    if (!l->engine_gone && frame_send(l->sock, type, data, -1, &err) != 0) l->engine_gone = true;
}

static void
fork_worker(struct launching *l, const struct frame *frame)
{
    int64_t slot = value_get_int(frame->data, "worker", -1);
    FAILPOINT("launcher_asked");
    pid_t pid = l->count < LIMIT_WORKERS ? fork() : -1;
    if (pid == 0) {
        sigset_t none;
        close(l->sock);
        close(l->signals);
        close(l->children);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        worker_main(frame->fd);
    }
    if (pid > 0) l->workers[l->count++] = pid;
    FAILPOINT("launcher_forked");
    send_numbers(l, FRAME_FORKED, "worker", slot, "pid", pid > 0 ? pid : -errno);
}

static bool
is_worker(const struct launching *l, pid_t pid)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->workers[i] == pid) return true;
    return false;
}

/* One pass over our children: those that are no workers are killed and reaped. Returns how many
 * there were: also of one that is gone by now the children come to us. */
static size_t
kill_leftovers(const struct launching *l)
{
    char text[4096];
    size_t found = 0, used = 0;
    if (lseek(l->children, 0, SEEK_SET) != 0) return 0;
    for (;;) {
        ssize_t n = read(l->children, text + used, sizeof text - 1 - used);
        if (n <= 0 && used == 0) break;
        size_t size = used + (size_t)(n > 0 ? n : 0);
        text[size] = '\0';
        char *p = text, *end;
        for (;;) {
            long pid = strtol(p, &end, 10);
            if (end == p || (*end == '\0' && n > 0)) break; /* nothing, or perhaps half a number */
            if (pid > 1 && !is_worker(l, (pid_t)pid)) {
                kill((pid_t)pid, SIGKILL);
                (void)waitpid((pid_t)pid, NULL, WNOHANG);
                found++;
            }
            p = end;
        }
        used = n > 0 ? strlen(p) : 0;
        memmove(text, p, used);
        if (n <= 0) break;
    }
    return found;
}

/* Leftovers may have children of their own, which come to us when they die: until there are none. The kernel's list may
 * lack one while another ends, so behind a worker that was killed an empty list must be seen twice. */
static void
end_leftovers(const struct launching *l, bool killed)
{
    for (int round = 0, empty = 0; round < 1000; round++) {
        empty = kill_leftovers(l) > 0 ? 0 : empty + 1;
        if (empty > killed) return;
        if (empty > 0) continue;
        struct timespec moment = {0, 1000000};
        nanosleep(&moment, NULL);
    }
}

static void
reap(struct launching *l)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0) return;
        for (size_t i = 0; i < l->count; i++) {
            if (l->workers[i] != pid) continue;
            l->workers[i] = l->workers[--l->count];
            FAILPOINT("launcher_reaped");
            end_leftovers(l, !WIFEXITED(status) || WEXITSTATUS(status) != 0);
            send_numbers(l, FRAME_DIED, "pid", pid, "status", status);
            break;
        }
    }
}

_Noreturn static void
launcher_main(int sock)
{
    static struct launching l;
    sigset_t mask;
    struct pollfd fds[2];
    /* Its own session: Ctrl-C at the terminal is the engine's to handle. */
    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_NAME, "levada-launch");
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        if (fd != 2 || getenv("LEVADA_WORKER_STDERR") == NULL) dup2(null, fd);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    l.children = open(path, O_RDONLY | O_CLOEXEC);
    struct attempt_record ignored;
    attempts_self(&ignored); /* what of it is the same for all workers is known from here on */
    l.sock = sock;
    l.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    fds[0] = (struct pollfd){.fd = sock, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = l.signals, .events = POLLIN};
    while (!l.engine_gone || l.count > 0) {
        struct signalfd_siginfo info;
        if (l.engine_gone) fds[0].fd = -1;
        if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
        while (read(l.signals, &info, sizeof info) > 0) continue;
        reap(&l);
        if (fds[0].revents == 0 || l.engine_gone) continue;
        struct arena arena ARENA_SCOPED = {0};
        struct err err;
        struct frame frame = {.fd = -1};
        if (frame_receive(sock, &arena, &frame, &err) != 0) l.engine_gone = true;
        else if (frame.type == FRAME_FORK && frame.fd >= 0) fork_worker(&l, &frame);
        fd_close(&frame.fd);
    }
    _exit(0);
}

int
launcher_start(struct launcher *ret, struct err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return err_errno(err, EXIT_FAILED, "cannot make a socket");
    pid_t pid = fork();
    if (pid < 0) return err_errno(err, EXIT_FAILED, "cannot fork the launcher");
    if (pid == 0) {
        close(pair[0]);
        launcher_main(pair[1]);
    }
    close(pair[1]);
    if (fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) return err_errno(err, EXIT_FAILED, "cannot set up a socket");
    *ret = (struct launcher){.sock = pair[0], .pid = pid};
    return 0;
}
