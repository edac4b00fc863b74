/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker process: takes jobs, claims their attempts, runs them, delivers receipts. The order is
 * the promise: lock, look at the claim, hooks, write `started`, only then the first effect; and the
 * receipt is committed or durable before the lock goes.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "levada/plugin.h"
#include "run/environ.h"
#include "run/hook.h"
#include "run/job.h"
#include "run/mask.h"
#include "run/secret.h"
#include "run/work.h"

/* ---- claiming ---- */

static int
open_attempts(struct worker *worker, const char *run_folder, struct err *err)
{
    if (worker->attempts >= 0 && str_eq(worker->attempts_folder, run_folder)) return 0;
    fd_close(&worker->attempts);
    fd_close(&worker->folder);
    worker->attempts_folder = arena_strdup(&worker->arena, run_folder);
    worker->folder = open(run_folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (worker->folder < 0) return err_errno(err, EXIT_STORE, "cannot open \"%s\"", run_folder);
    worker->attempts = attempts_open(run_folder, err);
    return worker->attempts >= 0 ? 0 : EXIT_STORE;
}

static int
write_mark(struct work *work, enum attempt_mark mark, struct err *err)
{
    struct worker *worker = work->worker;
    struct attempt_record record = worker->self;
    record.mark = mark;
    record.fence = work->job.fence;
    record.claim = work->job.fence;
    int code = attempts_write(worker->attempts, work->job.record, &record, err);
    work->begun = code == 0 && mark == ATTEMPT_STARTED;
    return code;
}

/* 0: ours. Its record says started, unless hooks come first: then it only says whose it is, so that a resumer waits
 * for us, and whoever finds us gone knows that nothing has happened. 1: refused, *why tells. Else an exit code. */
static int
claim(struct work *work, const char **why, struct err *err)
{
    struct worker *worker = work->worker;
    const struct job *job = &work->job;
    int code = open_attempts(worker, job->run_folder, err);
    if (code) return code;
    FAILPOINT("worker_launched");
    code = attempts_lock(worker->attempts, job->record, err);
    if (code == 1) *why = "somebody else holds this attempt";
    if (code) return code;

    FAILPOINT("worker_locked");
    struct attempt_record record;
    code = attempts_read(worker->attempts, job->record, &record, err);
    bool newer = code == 0 && record.claim > job->fence;
    bool started = code == 0 && record.mark == ATTEMPT_STARTED && record.fence >= job->fence;
    if (newer || started) {
        attempts_unlock(worker->attempts, job->record);
        *why = newer ? "a newer engine claimed this attempt" : "this attempt was started before";
        return 1;
    }
    if (code == 0) code = write_mark(work, hook_comes_first(job) ? ATTEMPT_NEW : ATTEMPT_STARTED, err);
    if (code) attempts_unlock(worker->attempts, job->record);
    work->claimed = code == 0;
    FAILPOINT("worker_claimed");
    return code;
}

/* ---- one job ---- */

static void
run_kind(struct work *work, struct outcome *ret)
{
    value_set_all(&work->arena, work->kept, work->job.checkpoints);
    if (secret_resolve(work, &ret->error) != 0) return;
    if (!work->begun && (!hook_before(work, ret) || write_mark(work, ATTEMPT_STARTED, &ret->error) != 0)) return;
    switch (work->job.kind) {
    case JOB_RUN: shell_run(work, ret); return;
    case JOB_USES: case JOB_RESOLVE: action_run(work, ret); return;
    case JOB_LUA: chunk_run(work, ret); return;
    }
}

static void
refuse(struct work *work, const char *why)
{
    struct value *data = value_map(&work->arena);
    value_set(&work->arena, data, "record", value_int(&work->arena, work->job.record));
    value_set(&work->arena, data, "why", value_text(&work->arena, why));
    work_send(work, FRAME_REFUSED, data, false);
}

static bool
deliver(struct work *work, const struct outcome *outcome)
{
    bool kept = receipt_deliver(work, &work->arena, receipt_make(work, &work->arena, outcome));
    if (work->receipt_acked && (work->job.checkpoints != NULL || work->checkpoints->map.count > 0))
        (void)unlink(work_path(work, "checkpoints"));
    return kept;
}

static bool
run_claimed(struct work *work)
{
    struct outcome outcome = {.exit_code = -1};
    if (work->job.timeout_ms > 0) work->deadline_ms = clock_monotonic_ms() + work->job.timeout_ms;
    FAILPOINT("worker_started");
    run_kind(work, &outcome);
    FAILPOINT("worker_done");
    work_end_tree(work, 0, 0, NULL, NULL);
    hook_after(work, &outcome);
    FAILPOINT("worker_ended");
    bool kept = deliver(work, &outcome);
    FAILPOINT("worker_delivered");
    attempts_unlock(work->worker->attempts, work->job.record);
    return kept;
}

/* True: this worker may take another job. */
static bool
run_job(struct worker *worker, const struct value *data)
{
    struct work work;
    struct outcome outcome = {.exit_code = -1};
    const char *why = NULL;
    (void)prctl(PR_SET_NAME, "levada-worker");
    work_init(&work, worker);
    int code = job_read(data, &work.job, &outcome.error);
    if (code) { /* our own engine's fault, or a person's: nothing was done */
        work.job.record = (uint32_t)value_get_int(data, "record", 0);
        work.job.step = work.job.item = "";
    } else {
        code = claim(&work, &why, &outcome.error);
    }
    const char *log = work.job.log == NULL ? NULL
        : arena_printf(&work.arena, "%s/" LOGS_FOLDER "/%s", work.job.run_folder, work.job.log);
    logfile_init(&work.log, log);
    bool more = work.job.reuse != NULL;
    if (code == 0) more &= run_claimed(&work);
    else if (why != NULL) refuse(&work, why);
    else more = false, (void)deliver(&work, &outcome);
    logfile_release(&work.log);
    work_release(&work);
    return more;
}

/* ---- the process ---- */

static void
become_worker(struct worker *worker, int sock)
{
    (void)setsid();
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)prctl(PR_SET_NAME, "levada-spare");
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    static const int reset[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGCHLD, SIGTSTP, SIGTTIN,
                                SIGTTOU, SIGPIPE};
    /* Not those of a crash: a sanitizer may have its handler there. */
    for (size_t i = 0; i < sizeof reset / sizeof reset[0]; i++)
        (void)signal(reset[i], reset[i] == SIGPIPE ? SIG_IGN : SIG_DFL);
    work_take_signals();
    if (sock > 3) (void)close_range(3, (unsigned)sock - 1, 0);
    (void)close_range((unsigned)sock + 1, ~0u, 0);
    (void)fcntl(sock, F_SETFD, FD_CLOEXEC);
    (void)fcntl(sock, F_SETFL, O_RDWR | O_NONBLOCK);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0 && dup2(null, 0) == 0) fd_close(&null);
    *worker = (struct worker){
        .sock = sock, .attempts = -1, .folder = -1, .seat = -1, .slot = -1, .umask = umask(077)};
    (void)getrlimit(RLIMIT_CORE, &worker->core);
    worker->mask = mask_new(&worker->mask_arena);
    pthread_mutex_init(&worker->mask_mutex, NULL);
    attempts_self(&worker->self);
}

/* A worker is mostly forked ahead of its job. Here it does what every job does, without any effect: so the pages it
 * shares with the launcher are copied, and symbols bound, while nobody waits for it. */
static void
rehearse(struct worker *worker)
{
    static const char text[] =
        "{\"attempt\":1,\"record\":1,\"fence\":1,\"token\":\"\",\"kind\":\"run\",\"run\":\"\",\"step\":\"\","
        "\"item\":\"\",\"run_folder\":\"/\",\"folder\":\"/\",\"timeout_ms\":0,\"grace_ms\":0,\"script\":\"\","
        "\"secrets\":[{\"mask_only\":true}],\"shell\":\"sh\",\"vars\":{},\"unset\":[],\"outputs\":[]}";
    struct work work;
    struct outcome outcome = {.exit_code = 0};
    const struct value *data;
    char **env;
    work_init(&work, worker);
    if (json_parse(&work.arena, text, sizeof text - 1, &data, &outcome.error) == 0 &&
        job_read(data, &work.job, &outcome.error) == 0 && environ_make(&work, &env, &outcome.error) == 0)
        (void)json_text(&work.arena, receipt_make(&work, &work.arena, &outcome));
    /* In a mask that goes again: the worker's own holds secrets only. */
    struct mask *mask = mask_new(&work.arena);
    struct buf masked BUF_SCOPED;
    buf_init(&masked, LIMIT_VALUE_SIZE);
    if (mask_add(mask, "rehearsal of a mask", 19, &outcome.error) == 0) {
        mask_write(mask, &work.streams[0], text, sizeof text - 1, &masked);
        mask_flush(mask, &work.streams[0], &masked);
    }
    work_release(&work);
}

/* True: a job or the end of file is there. False: somebody waits for a lock we only keep for
 * reuse, or asks us to end. */
static bool
wait_idle(struct worker *worker)
{
    struct pollfd fds[2] = {{.fd = worker->sock, .events = POLLIN},
                            {.fd = locks_watch(&worker->locks), .events = POLLIN}};
    for (;;) {
        if (work_signalled()) return false;
        if (poll(fds, 2, -1) <= 0) continue;
        if (fds[0].revents != 0) return true;
        if (fds[1].revents != 0) return false;
    }
}

/* Waits for the next job. Returns 0 with *ret, or 1: nothing more to do. */
static int
next_job(struct worker *worker, struct arena *arena, const struct value **ret)
{
    for (;;) {
        struct frame frame;
        struct err err = {0};
        int code = frame_receive(worker->sock, arena, &frame, &err);
        if (code == -1) {
            if (!wait_idle(worker)) return 1;
            continue;
        }
        if (code != 0) return 1;
        if (frame.type == FRAME_SEAT) { /* never closed: it is held as long as we live */
            worker->seat = frame.fd;
            continue;
        }
        if (frame.type != FRAME_JOB) fd_close(&frame.fd);
        if (frame.type == FRAME_BYE) return 1;
        if (frame.type != FRAME_JOB) continue; /* a CANCEL that crossed our receipt */
        worker->slot = frame.fd;
        *ret = frame.data;
        return 0;
    }
}

_Noreturn void
worker_main(int sock)
{
    struct worker worker;
    become_worker(&worker, sock);
    rehearse(&worker);
    for (bool more = true; more && !atomic_load(&worker.gone);) {
        struct arena arena = {0};
        const struct value *data;
        more = next_job(&worker, &arena, &data) == 0 && run_job(&worker, data);
        fd_close(&worker.slot);
        arena_release(&arena);
    }
    if (worker.scratch_empty) (void)rmdir(worker.scratch);
    /* Not exit(): the launcher's buffers and handlers are not ours. */
    _exit(0);
}
