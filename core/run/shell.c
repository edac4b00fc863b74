/* SPDX-License-Identifier: Apache-2.0
 *
 * `run:`: a shell as a direct child, in a process group of its own so that TERM reaches a whole
 * pipeline. One poll loop over the engine, the shell's pidfd and its output. The loop ends when the
 * shell has ended, never when its output does: a daemon may hold the pipe for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "levada/plugin.h"
#include "run/checkpoint.h"
#include "run/deferred.h"
#include "run/environ.h"
#include "run/output.h"
#include "run/tree.h"
#include "run/work.h"

#define LEFT_SELF_MS 100 /* `> >(tee log)` ends a moment after its shell */
#define LEFT_TERM_MS 200
#define TOLD_TOO_MS 200  /* between the first and the last process that a shutdown tells */
#define CHUNK_SIZE (64u * KIB)

struct ends { /* the shell's side. Those for output stay open until it has ended, or their end of file would wake us
                 a moment before its death does. */
    int in, out, err;
};

struct shell {
    struct work *work;
    pid_t pid;
    int pidfd;
    int out, err;           /* our ends of the pipes; err -1: both go into out */
    struct ends ends;
    bool capture;
    struct buf captured;
    bool term_sent;
    struct arena scratch;   /* frames */
};

static int
invalid(struct err *err)
{
    err->error_class = LEVADA_INVALID;
    return EXIT_INVALID;
}

/* ---- starting ---- */

static int
make_pipe(int *ours, int *theirs, struct err *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return err_errno(err, EXIT_FAILED, "cannot make a pipe");
    *ours = fds[0];
    *theirs = fds[1];
    /* Theirs must block as any program expects; flags belong to the description, and each end
     * has its own. */
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    return 0;
}

static int
make_ends(struct shell *shell, struct ends *ends, struct err *err)
{
    const struct value *text = shell->work->job.standard_input;
    int code = deferred_stdin(shell->work, &text, err);
    if (code) return code;
    if (text != NULL) {
        ends->in = fd_memfd("stdin", text->text.ptr, text->text.size);
        if (ends->in < 0) return err_errno(err, EXIT_FAILED, "cannot make a memfd for stdin");
    }
    code = make_pipe(&shell->out, &ends->out, err);
    if (code == 0 && shell->capture) code = make_pipe(&shell->err, &ends->err, err);
    return code;
}

static int
explain_spawn(struct shell *shell, const char *program, const char *cwd, int error, struct err *err)
{
    struct stat st;
    errno = error;
    if (error == E2BIG) {
        err_set(err, EXIT_INVALID, "the script and its variables are larger than the kernel takes");
        err_hint(err, "Put the script into a file beside the workflow, and give large values as stdin.");
        return invalid(err);
    }
    if (stat(cwd, &st) != 0) {
        err_errno(err, EXIT_INVALID, "cannot use \"%s\" as working directory", cwd);
        return invalid(err);
    }
    if (!S_ISDIR(st.st_mode) || access(cwd, X_OK) != 0) {
        err_set(err, EXIT_INVALID, "\"%s\" is no directory one can enter", cwd);
        return invalid(err);
    }
    errno = error;
    err_errno(err, EXIT_INVALID, "cannot start the shell \"%s\"", program);
    if (error == ENOENT) err_hint(err, "Install it, or name another one as \"shell\" of step \"%s\".",
                                  shell->work->job.step);
    return invalid(err);
}

struct child {
    const char *program, *cwd;
    char **argv, **env;
    const struct ends *ends;
    const struct limits *limits;
    int group;                 /* to come into, or -1 */
    bool *alone;               /* it could not */
    bool data;                 /* the kernel bounds its data */
    const struct rlimit *core; /* to have again, or NULL: ours is the user's */
    mode_t umask;
};

/* Between vfork and execve: on the parent's stack and in its memory, with signals blocked. */
static void
child_main(const struct child *child)
{
    /* Those that we handle or ignore; execve resets a handler, but until then it would be the parent's. */
    static const int ours[] = {SIGTERM, SIGINT, SIGUSR1, SIGPIPE};
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;
    sigemptyset(&none);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) (void)sigaction(ours[i], &action, NULL);
    (void)umask(child->umask);
    if (child->core != NULL) (void)setrlimit(RLIMIT_CORE, child->core);
    *child->alone = !limits_child(child->limits, child->group, child->data);
    if (setpgid(0, 0) != 0 || (child->ends->in >= 0 && dup2(child->ends->in, 0) < 0) ||
        dup2(child->ends->out, 1) < 0 || dup2(child->ends->err >= 0 ? child->ends->err : child->ends->out, 2) < 0 ||
        chdir(child->cwd) != 0 || sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        return;
    (void)execvpe(child->program, child->argv, child->env);
}

/* posix_spawn would do, but it resets all 64 signals, two system calls each. Returns 0 or an errno. */
static int
child_start(const struct child *child, pid_t *ret)
{
    volatile int error = 0;
    sigset_t all, before;
    sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, &before);
    pid_t pid = vfork();
    if (pid == 0) {
        child_main(child);
        error = errno;
        _exit(127);
    }
    if (pid < 0) error = errno;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid > 0 && error != 0)
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
    *ret = pid;
    return error;
}

static int
spawn(struct shell *shell, const struct ends *ends, char **env, struct err *err)
{
    const struct job *job = &shell->work->job;
    const struct worker *worker = shell->work->worker;
    const char *program = str_eq(job->shell, "sh") ? "/bin/sh" : job->shell;
    const char *cwd = job->folder;
    if (job->cwd != NULL)
        cwd = job->cwd[0] == '/' ? job->cwd : arena_printf(&shell->work->arena, "%s/%s", job->folder, job->cwd);
    if (strlen(job->script) + 1 > LIMIT_ENV_VALUE) return explain_spawn(shell, program, cwd, E2BIG, err);

    char *argv[] = {arena_strdup(&shell->work->arena, job->shell), arena_strdup(&shell->work->arena, "-c"),
                    arena_strdup(&shell->work->arena, job->script), NULL};
    bool alone = false, data;
    int group = limits_prepare(shell->work, &data);
    const struct child child = {.program = program, .cwd = cwd, .argv = argv, .env = env, .ends = ends,
                                .limits = &job->limits, .umask = worker->umask,
                                .group = group, .alone = &alone, .data = data,
                                .core = worker->no_core ? &worker->core : NULL};
    int error = child_start(&child, &shell->pid);
    if (alone) limits_alone(shell->work);
    if (error != 0) return explain_spawn(shell, program, cwd, error, err);
    shell->pidfd = pidfd_open(shell->pid, 0);
    if (shell->pidfd < 0) {
        err_errno(err, EXIT_FAILED, "cannot watch the shell");
        tree_end(0, 0, NULL, NULL, NULL);
        return EXIT_FAILED;
    }
    return 0;
}

/* What earlier attempts kept, where `levada checkpoint get` looks for it. It need not be synced:
 * the journal has it. */
static int
write_checkpoints(struct work *work, struct err *err)
{
    const struct value *kept = work->job.checkpoints;
    if (kept == NULL || kept->map.count == 0) return 0;
    return checkpoint_write(work_path(work, "checkpoints"), kept, err);
}

static int
start(struct shell *shell, struct err *err)
{
    char **env;
    int code = write_checkpoints(shell->work, err);
    if (code == 0) code = environ_make(shell->work, &env, err);
    if (code == 0) code = make_ends(shell, &shell->ends, err);
    if (code == 0) code = spawn(shell, &shell->ends, env, err);
    fd_close(&shell->ends.in);
    return code;
}

/* ---- running ---- */

/* One read. False: nothing there, or the end. */
static bool
take_output(struct shell *shell, int *fd)
{
    char chunk[CHUNK_SIZE];
    if (*fd < 0) return false;
    ssize_t n = read(*fd, chunk, sizeof chunk);
    if (n < 0) return errno == EINTR;
    if (n == 0) {
        fd_close(fd);
        return false;
    }
    if (shell->capture && fd == &shell->out) buf_add(&shell->captured, chunk, (size_t)n);
    work_said(shell->work, fd == &shell->err, chunk, (size_t)n);
    return true;
}

static void
drain(struct shell *shell)
{
    /* Bounded: a leftover that cannot be killed could write for ever. */
    for (int i = 0; i < 1024 && take_output(shell, &shell->out); i++) continue;
    for (int i = 0; i < 1024 && take_output(shell, &shell->err); i++) continue;
}

/* One turn: wait, take what came. True: the shell has ended. */
static bool
turn(struct shell *shell, int wait_ms)
{
    struct worker *worker = shell->work->worker;
    struct pollfd fds[4] = {
        {.fd = atomic_load(&worker->gone) ? -1 : worker->sock, .events = POLLIN},
        {.fd = shell->out, .events = POLLIN},
        {.fd = shell->err, .events = POLLIN},
        {.fd = shell->pidfd, .events = POLLIN},
    };
    if (poll(fds, 4, wait_ms) <= 0) return false;
    if (fds[0].revents != 0) {
        struct arena_mark mark = arena_mark(&shell->scratch);
        work_receive(shell->work, &shell->scratch);
        arena_rewind(&shell->scratch, mark);
    }
    if (fds[1].revents != 0) take_output(shell, &shell->out);
    if (fds[2].revents != 0) take_output(shell, &shell->err);
    return fds[3].revents != 0;
}

/* For tree_end: go on reading, or what is left could block on a full pipe and never end. */
static void
pump(void *context, int wait_ms)
{
    struct shell *shell = context;
    struct pollfd fds[2] = {{.fd = shell->out, .events = POLLIN}, {.fd = shell->err, .events = POLLIN}};
    int64_t until = clock_monotonic_ms() + wait_ms;
    for (int64_t left = wait_ms; left >= 0; left = until - clock_monotonic_ms()) {
        if (poll(fds, 2, (int)left) <= 0) return;
        if (fds[0].revents != 0) take_output(shell, &shell->out);
        if (fds[1].revents != 0) take_output(shell, &shell->err);
        fds[0].fd = shell->out;
        fds[1].fd = shell->err;
    }
}

static void
wait_for_end(struct shell *shell)
{
    struct work *work = shell->work;
    for (;;) {
        int wait_ms = work_tick(work);
        if (atomic_load(&work->stop) != STOP_NONE) {
            if (!shell->term_sent) {
                (void)kill(-shell->pid, SIGTERM);
                (void)kill(-shell->pid, SIGCONT); /* a stopped one would never notice */
                shell->term_sent = true;
            }
            if (clock_monotonic_ms() >= work->kill_at_ms) {
                /* Its orphans become ours and show up in the next round. Who starts processes faster than we find
                 * them stays in the shell's group, which the kernel ends at once. */
                if (atomic_load(&work->stop) == STOP_LIMIT) {
                    (void)kill(-shell->pid, SIGKILL);
                    limits_kill(work);
                }
                tree_signal(SIGKILL, NULL);
                wait_ms = 20;
            }
        }
        if (turn(shell, wait_ms)) return;
    }
}

/* ---- the verdict ---- */

static void
failed(struct shell *shell, struct outcome *ret, int error_class, const char *what)
{
    struct buf line BUF_SCOPED;
    buf_init(&line, 1024);
    logfile_last_line(&shell->work->log, &line, 300);
    err_set(&ret->error, EXIT_FAILED, line.size ? "%s: %s" : "%s", what, buf_str(&line));
    ret->error.error_class = error_class;
    ret->status = "failed";
    (void)limits_explain_file(shell->work, ret->exit_code > 128 ? ret->exit_code - 128 : ret->signal, buf_str(&line),
                              ret);
}

static void
judge(struct shell *shell, int status, struct outcome *ret)
{
    char what[64];
    if (WIFSIGNALED(status)) {
        ret->signal = WTERMSIG(status);
        if (work_stopped(shell->work, ret)) return;
        const char *name = sigabbrev_np(ret->signal);
        snprintf(what, sizeof what, "ended by signal %d (%s)", ret->signal, name != NULL ? name : "?");
        failed(shell, ret, LEVADA_PERMANENT, what);
        if (ret->signal == SIGKILL && ret->limit == NULL)
            err_hint(&ret->error, "Somebody killed it, or the kernel did when memory ran out (see dmesg).");
        return;
    }
    ret->exit_code = WEXITSTATUS(status);
    int why = atomic_load(&shell->work->stop);
    /* Asked to stop, it ended well all the same: its effect is there, and saying otherwise would
     * make it run again. */
    if (ret->exit_code == 0 && why != STOP_TIMEOUT && why != STOP_LIMIT) return;
    if (work_stopped(shell->work, ret)) return;
    snprintf(what, sizeof what, "exit code %d", ret->exit_code);
    failed(shell, ret, ret->exit_code == 75 ? LEVADA_TRANSIENT : LEVADA_PERMANENT, what);
    if (ret->exit_code == 127)
        err_hint(&ret->error, "A command was not found: check its name and the step's PATH.");
    else if (ret->exit_code == 126)
        err_hint(&ret->error, "A command was found but cannot be executed: check its mode.");
}

static void
collect(struct shell *shell, struct outcome *ret)
{
    if (shell->captured.full) {
        err_set(&ret->error, EXIT_INVALID, "standard output is larger than the limit of %u bytes",
                (unsigned)LIMIT_OUTPUT_SIZE);
        err_hint(&ret->error, "Write it into a file under $LEVADA_ARTIFACTS.");
        invalid(&ret->error);
        return;
    }
    (void)output_collect(shell->work, &shell->captured, &ret->outputs, &ret->error);
}

static void
take_checkpoints(struct work *work)
{
    struct value *map = value_map(&work->arena);
    struct err err = {0};
    if (checkpoint_read(&work->arena, work_path(work, "checkpoints"), map, &err) != 0)
        work_log(work, "error", "%s", err.message);
    for (size_t i = 0; i < map->map.count; i++) {
        const struct value *before = value_get(work->job.checkpoints, map->map.names[i]);
        if (!value_equal(before, map->map.values[i]))
            value_set(&work->arena, work->checkpoints, map->map.names[i], map->map.values[i]);
    }
}

static void
close_ends(struct shell *shell)
{
    fd_close(&shell->ends.out);
    fd_close(&shell->ends.err);
}

/* Somebody ended it with TERM. A machine that goes down tells everybody, us too, a moment sooner or later: then it was
 * interrupted, and has not failed. */
static void
await_own_signal(struct work *work, int status)
{
    bool by_term = (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) ||
                   (WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM);
    int64_t until = clock_monotonic_ms() + (by_term ? TOLD_TOO_MS : 0);
    while (by_term && atomic_load(&work->stop) == STOP_NONE && clock_monotonic_ms() < until) {
        (void)poll(NULL, 0, 5);
        (void)work_tick(work);
    }
}

void
shell_run(struct work *work, struct outcome *ret)
{
    struct shell shell = {.work = work, .pidfd = -1, .out = -1, .err = -1, .ends = {-1, -1, -1}};
    shell.capture = output_wants_stdout(&work->job);
    buf_init(&shell.captured, LIMIT_OUTPUT_SIZE);
    if (start(&shell, &ret->error) == 0) {
        work->output_made = true;
        wait_for_end(&shell);
        int status = 0;
        while (waitpid(shell.pid, &status, 0) < 0 && errno == EINTR) continue;
        close_ends(&shell);
        await_own_signal(work, status);
        drain(&shell);
        int64_t left = work->kill_at_ms - clock_monotonic_ms();
        bool stopped = atomic_load(&work->stop) != STOP_NONE;
        work_end_tree(work, stopped ? left : LEFT_SELF_MS, stopped ? 0 : LEFT_TERM_MS, pump, &shell);
        drain(&shell);
        work_said_end(work);
        if (limits_finish(work) && atomic_load(&work->stop) == STOP_NONE && status != 0) limits_explain(work, ret);
        else judge(&shell, status, ret);
        if (ret->status == NULL) collect(&shell, ret);
        take_checkpoints(work);
    }
    (void)limits_finish(work);
    if (work->output_made) (void)unlink(work_path(work, "output"));
    close_ends(&shell);
    fd_close(&shell.out);
    fd_close(&shell.err);
    fd_close(&shell.pidfd);
    buf_release(&shell.captured);
    arena_release(&shell.scratch);
}
