/* SPDX-License-Identifier: Apache-2.0
 *
 * Fork and exec, a pipe, a pid descriptor and a deadline. The child is the leader of a process group of its own,
 * which is ended as a whole, so that a plugin cannot leave anything running.
 */
#include "plugin/describer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"

/* Only async-signal-safe calls: the parent may have threads. */
_Noreturn static void
child(const char *executable, const char *path, int out, pid_t parent)
{
    struct rlimit no_core = {0, 0};
    sigset_t none;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    setrlimit(RLIMIT_CORE, &no_core);
    for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(127);
    if (null > STDERR_FILENO) close(null);
    execl(executable, "levada", "describe", path, (char *)NULL);
    _exit(127);
}

/* Reads until the process has ended or a limit is reached. 0: it ended; else what went wrong. */
static int
collect(int pidfd, int in, struct buf *buf, int64_t deadline_ms, const char *name, int64_t timeout_ms,
        struct err *err)
{
    struct pollfd fds[2] = {{.fd = pidfd, .events = POLLIN}, {.fd = in, .events = POLLIN}};
    for (;;) {
        char chunk[16 * KIB];
        int64_t left = deadline_ms - clock_monotonic_ms();
        int ready = left > 0 ? poll(fds, 2, (int)left) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return err_errno(err, EXIT_FAILED, "cannot wait for the describer");
        if (ready == 0)
            return err_set(err, EXIT_INVALID, "plugin \"%s\" did not finish loading within %g s", name,
                           (double)timeout_ms / 1000);
        ssize_t n = fds[1].revents ? read(in, chunk, sizeof chunk) : -1;
        if (n > 0) buf_add(buf, chunk, (size_t)n);
        if (n == 0) fds[1].fd = -1;
        if (buf->full)
            return err_set(err, EXIT_INVALID, "the tables of plugin \"%s\" are larger than the limit of %u bytes",
                           name, LIMIT_DESCRIBE_SIZE);
        /* What it wrote before it ended is still in the pipe: read on until that is empty. */
        if (fds[0].revents && n <= 0) return 0;
    }
}

static int
judge(struct arena *arena, const siginfo_t *end, const struct buf *buf, const char *name, const struct value **ret,
      bool *said, struct err *err)
{
    const struct value *json = NULL;
    struct err ignored;
    if (end->si_code == CLD_KILLED || end->si_code == CLD_DUMPED)
        return err_set(err, EXIT_INVALID, "plugin \"%s\" crashed while loading: signal %d (%s)", name,
                       end->si_status, strsignal(end->si_status));
    if (buf->size) (void)json_parse(arena, buf->data, buf->size, &json, &ignored);
    const struct value *error = value_get(json, "error");
    if (error != NULL) {
        *said = true;
        err_set(err, EXIT_INVALID, "%s", value_get_str(error, "message", "unknown error"));
        err_hint(err, "%s", value_get_str(error, "hint", ""));
        return EXIT_INVALID;
    }
    if (end->si_status != 0 || json == NULL)
        return err_set(err, EXIT_INVALID, "plugin \"%s\" ended its process while loading (exit code %d)", name,
                       end->si_status);
    *ret = json;
    return 0;
}

int
describer_run(struct arena *arena, const char *executable, const char *name, const char *path, int64_t timeout_ms,
              const struct value **ret, struct err *err)
{
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0) return err_errno(err, EXIT_FAILED, "cannot make a pipe");
    int in FD_SCOPED = pipes[0], out FD_SCOPED = pipes[1];
    pid_t parent = getpid(), pid = fork();
    if (pid < 0) return err_errno(err, EXIT_FAILED, "cannot start a describer");
    if (pid == 0) child(executable, path, out, parent);
    setpgid(pid, pid); /* in both processes: whoever comes first */
    fd_close(&out);
    struct buf buf BUF_SCOPED;
    buf_init(&buf, LIMIT_DESCRIBE_SIZE);
    (void)fcntl(in, F_SETFL, O_NONBLOCK);
    int pidfd FD_SCOPED = (int)syscall(SYS_pidfd_open, pid, 0);
    int code = pidfd < 0 ? err_errno(err, EXIT_FAILED, "cannot watch the describer")
                         : collect(pidfd, in, &buf, clock_monotonic_ms() + timeout_ms, name, timeout_ms, err);
    if (code) kill(pid, SIGKILL); /* it may not have its group yet */
    siginfo_t end = {0};
    while (waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT) != 0 && errno == EINTR) continue;
    kill(-pid, SIGKILL); /* before the pid is free again */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    bool said = false; /* the describer itself found what is wrong: it says no more by hand */
    if (code == 0) code = judge(arena, &end, &buf, name, ret, &said, err);
    if (code && !said) err_hint(err, "Run \"levada describe %s\" to see it by itself.", path);
    return code;
}
