/* SPDX-License-Identifier: Apache-2.0
 *
 * `levada worker`: an engine of one job. It forks a worker like any other and answers its frames,
 * so that what a person debugs is what runs at night. Without `run_folder` the job gets a folder
 * that goes again.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "run/folder.h"
#include "run/frame.h"
#include "run/job.h"

static int
make_folders(struct arena *arena, const char *folder, struct err *err)
{
    static const char *const names[] = {LOGS_FOLDER, RECEIPTS_FOLDER, ARTIFACTS_FOLDER};
    for (size_t i = 0; i < 3; i++) {
        int code = fd_make_folder(arena_printf(arena, "%s/%s", folder, names[i]), err);
        if (code) return code;
    }
    return 0;
}

/* The job with what a person may leave out. *made: a folder to remove afterwards, or NULL. */
static int
complete_job(struct arena *arena, const char *text, size_t size, const struct value **ret, const char **made,
             struct err *err)
{
    const struct value *given;
    int code = json_parse(arena, text, size, &given, err);
    if (code) return code;
    if (!value_is(given, VALUE_MAP)) return err_set(err, EXIT_INVALID, "a job must be a map");
    struct value *job = value_copy(arena, given);
    const char *run_folder = value_get_str(job, "run_folder", NULL);
    if (run_folder == NULL) {
        const char *base = getenv("TMPDIR");
        char *path = arena_printf(arena, "%s/levada-worker-XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp");
        if (mkdtemp(path) == NULL) return err_errno(err, EXIT_STORE, "cannot make the folder \"%s\"", path);
        *made = run_folder = path;
        value_set(arena, job, "run_folder", value_text(arena, path));
    }
    char cwd[4096];
    if (value_get(job, "folder") == NULL && getcwd(cwd, sizeof cwd) != NULL)
        value_set(arena, job, "folder", value_text(arena, cwd));
    if (value_get(job, "run") == NULL) value_set(arena, job, "run", value_text(arena, "by-hand"));
    if (value_get(job, "step") == NULL) value_set(arena, job, "step", value_text(arena, "by_hand"));
    value_set(arena, job, "log", value_null(arena));
    value_set(arena, job, "reuse", value_null(arena));
    *ret = job;
    return make_folders(arena, run_folder, err);
}

static void
send_record(int sock, struct arena *arena, enum frame_type type, const struct value *job, const char *why)
{
    struct err ignored = {0};
    struct value *data = value_map(arena);
    value_set(arena, data, "record", value_int(arena, value_get_int(job, "record", 0)));
    if (why != NULL) value_set(arena, data, "why", value_text(arena, why));
    (void)frame_send(sock, type, data, -1, &ignored);
}

/* Returns true when the worker has no more to say. */
/* There is no engine, and so no journal. */
static void
refuse_call(int sock, struct arena *arena, const struct value *job)
{
    struct value *data = value_map(arena), *error = value_map(arena);
    struct err err;
    value_set(arena, error, "class", value_text(arena, "invalid"));
    value_set(arena, error, "message", value_text(arena, "`levada worker` by hand calls no actions"));
    value_set(arena, data, "record", value_get(job, "record"));
    value_set(arena, data, "status", value_text(arena, "failed"));
    value_set(arena, data, "error", error);
    (void)frame_send(sock, FRAME_CALL_REPLY, data, -1, &err);
}

static bool
take_frame(int sock, struct arena *arena, const struct value *job, int *exit_code)
{
    struct frame frame;
    struct err err = {0};
    if (frame_receive(sock, arena, &frame, &err) != 0) return true;
    fd_close(&frame.fd);
    const char *status = value_get_str(frame.data, "status", "");
    switch (frame.type) {
    case FRAME_CHECKPOINT: send_record(sock, arena, FRAME_CHECKPOINT_ACK, job, NULL); break;
    case FRAME_CALL: refuse_call(sock, arena, job); break;
    case FRAME_REFUSED:
        fprintf(stderr, "levada: refused: %s\n", value_get_str(frame.data, "why", ""));
        *exit_code = EXIT_HELD;
        return true;
    case FRAME_RECEIPT:
        printf("%s\n", json_text(arena, frame.data));
        fflush(stdout);
        *exit_code = str_eq(status, "succeeded") || str_eq(status, "skipped") ? 0
                     : str_eq(status, "cancelled") ? EXIT_CANCELLED : EXIT_FAILED;
        send_record(sock, arena, FRAME_RECEIPT_ACK, job, NULL);
        return true;
    default: break;
    }
    return false;
}

static int
serve(int sock, int signals, pid_t pid, struct arena *arena, const struct value *job)
{
    int exit_code = -1;
    for (;;) {
        struct pollfd fds[2] = {{.fd = sock, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0) continue;
        struct signalfd_siginfo info;
        if (fds[1].revents != 0 && read(signals, &info, sizeof info) == (ssize_t)sizeof info)
            send_record(sock, arena, FRAME_CANCEL, job, "cancelled");
        if (fds[0].revents != 0 && take_frame(sock, arena, job, &exit_code)) break;
    }
    int status = 0;
    fd_close(&sock);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    if (exit_code >= 0) return exit_code;
    if (WIFSIGNALED(status)) fprintf(stderr, "levada: the worker died of signal %d\n", WTERMSIG(status));
    else fprintf(stderr, "levada: the worker ended with %d and left no receipt\n", WEXITSTATUS(status));
    return EXIT_UNKNOWN;
}

int
worker_by_hand(const char *job, size_t size)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    const struct value *data = NULL;
    const char *made = NULL;
    int socks[2] = {-1, -1};
    int code = complete_job(&arena, job, size, &data, &made, &err);
    if (code == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) != 0)
        code = err_errno(&err, EXIT_FAILED, "cannot make a socket");
    if (code) {
        err_print(&err);
        if (made != NULL) folder_remove(made);
        return code;
    }
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &mask, NULL);
    int signals FD_SCOPED = signalfd(-1, &mask, SFD_CLOEXEC);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) worker_main(socks[1]);
    fd_close(&socks[1]);
    if (pid < 0) code = err_errno(&err, EXIT_FAILED, "cannot fork");
    else code = frame_send(socks[0], FRAME_JOB, data, -1, &err);
    if (code) err_print(&err);
    else code = serve(socks[0], signals, pid, &arena, data);
    if (made != NULL) folder_remove(made);
    return code;
}
