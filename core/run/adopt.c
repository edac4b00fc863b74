/* SPDX-License-Identifier: Apache-2.0
 *
 * What an earlier engine left: its lock, and attempts whose workers may still run, have left a receipt, or are gone.
 * The protocol is in attempts.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "run/engine_internal.h"
#include "run/job.h"

static int
open_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Kill the holder, known by pid, start time and boot, and wait until its lock is free. */
static int
end_holder(const struct attempt_record *holder, struct err *err)
{
    int fd FD_SCOPED = open_pidfd(holder->pid);
    /* The pidfd is open: from here on the pid cannot come to mean another process. */
    if (fd < 0 || !attempts_alive(holder))
        return err_set(err, EXIT_HELD, "the run is held by a process that cannot be identified");
    if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) != 0)
        return err_errno(err, EXIT_HELD, "cannot end the holder (pid %d)", holder->pid);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, 10000) != 1) return err_set(err, EXIT_HELD, "the holder (pid %d) does not end", holder->pid);
    return 0;
}

int
adopt_take(struct engine *e, bool takeover, struct err *err)
{
    struct attempt_record holder = {0}, self = {0};
    e->attempts = attempts_open(e->folder, err);
    if (e->attempts < 0) return EXIT_STORE;
    int code = attempts_lock(e->attempts, 0, err);
    if (code == 1) {
        code = attempts_read(e->attempts, 0, &holder, err);
        if (code) return code;
        if (!takeover) {
            err_set(err, EXIT_HELD, "the run is held by another engine, pid %d", holder.pid);
            err_hint(err, "Wait for it, `levada cancel` it, or take it over: levada resume --takeover");
            return EXIT_HELD;
        }
        code = end_holder(&holder, err);
        if (!code) code = attempts_lock(e->attempts, 0, err);
        if (code == 1) return err_set(err, EXIT_HELD, "the run was taken by yet another engine");
    }
    if (code) return code;
    attempts_self(&self);
    self.mark = ATTEMPT_STARTED;
    return attempts_write(e->attempts, 0, &self, err);
}

/* A receipt that a worker left because its engine was gone; NULL: none. */
static const struct value *
left_receipt(struct engine *e, uint32_t record)
{
    char *text;
    size_t size;
    struct err ignored;
    const struct value *receipt;
    const char *path = arena_printf(&e->turn, "%s/" RECEIPTS_FOLDER "/%u.json", e->folder, record);
    if (access(path, F_OK) != 0 || fd_read_file(&e->turn, path, LIMIT_VALUE_SIZE, &text, &size, &ignored) != 0 ||
        json_parse(&e->turn, text, size, &receipt, &ignored) != 0 || receipt->type != VALUE_MAP)
        return NULL;
    return receipt;
}

/* Checkpoints that no engine took: one JSON object a line; a torn last line was never promised. */
void
adopt_checkpoints(struct engine *e, size_t i, uint32_t record)
{
    char *text;
    size_t size;
    struct err ignored;
    const char *path = arena_printf(&e->turn, "%s/" RECEIPTS_FOLDER "/%u.checkpoints", e->folder, record);
    if (access(path, F_OK) != 0 || fd_read_file(&e->turn, path, LIMIT_VALUE_SIZE, &text, &size, &ignored) != 0) return;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        const struct value *data;
        if (json_parse(&e->turn, line, (size_t)(end - line), &data, &ignored) == 0 && value_is(data, VALUE_MAP))
            engine_emit(e, EVENT_STEP_CHECKPOINT, &e->state.steps[i], data);
    }
}

static bool
watch_worker(struct engine *e, size_t i, const struct attempt_record *record, uint32_t number)
{
    int pidfd = open_pidfd(record->pid);
    if (pidfd < 0) return false; /* it ended just now */
    struct worker *w = pool_add(e);
    w->pid = record->pid;
    w->pidfd = pidfd;
    w->step = (ptrdiff_t)i;
    w->record = number;
    const struct step *step = e->state.steps[i].step;
    if (step->timeout_ms) w->kill_at_ms = clock_monotonic_ms() + step->timeout_ms + step->grace_ms + KILL_SLACK_MS;
    e->running++;
    engine_note(e, "step \"%s\" still runs in a worker of an earlier engine (pid %d): waiting for it",
                e->state.steps[i].step->id, record->pid);
    return true;
}

/* What became of one open attempt. The lock is ours when attempts_lock gave 0. */
static int
settle_attempt(struct engine *e, size_t i, uint32_t number, bool may_wait, struct err *err)
{
    struct attempt_record record = {0};
    char mark[64];
    snprintf(mark, sizeof mark, "%s/%u", e->state.id, number);
    for (int round = 0;; round++) {
        int code = attempts_lock(e->attempts, number, err);
        if (code > 1) return code;
        int read_code = attempts_read(e->attempts, number, &record, err);
        if (read_code) return read_code;
        if (code == 0) break;
        if (may_wait && attempts_alive(&record) && watch_worker(e, i, &record, number)) return 0;
        /* Held, and its process is gone or has not said who it is yet: a moment, then end what holds it. */
        if (round == 50) (void)attempts_end_leftovers(mark);
        if (round > 200)
            return err_set(err, EXIT_HELD, "attempt %u of step \"%s\" is held by a process that cannot be found",
                           number, e->state.steps[i].step->id);
        poll(NULL, 0, 10);
    }
    const struct value *receipt = left_receipt(e, number);
    int code = 0;
    adopt_checkpoints(e, i, number);
    if (receipt != NULL) {
        step_receipt(e, i, number, receipt);
    } else if (record.mark != ATTEMPT_STARTED) {
        record.claim = e->fence; /* a late worker finds it and exits */
        code = attempts_write(e->attempts, number, &record, err);
        if (!code) step_vanished(e, i, number, -1, false);
    } else {
        (void)attempts_end_leftovers(mark);
        step_vanished(e, i, number, -1, true);
    }
    attempts_unlock(e->attempts, number);
    return code;
}

int
adopt_all(struct engine *e, struct err *err)
{
    for (size_t i = 0; i < e->state.nsteps; i++) {
        struct step_state *step = &e->state.steps[i];
        if (step->status == STEP_BACKOFF_STATUS) {
            /* What is left by the wall clock, if that makes sense: it may have been set since. */
            int64_t left = step->due_ms - e->now_ms;
            turn_wait(e, i, left < 0 ? 0 : left > step->delay_ms ? step->delay_ms : left);
        }
        if (step->status != STEP_RUNNING_STATUS || step->nattempts == 0) continue;
        int code = settle_attempt(e, i, step->attempts[step->nattempts - 1].record, true, err);
        if (code) return code;
    }
    return 0;
}

void
adopt_gone(struct engine *e, size_t worker)
{
    struct err err;
    struct worker *w = &e->workers[worker];
    size_t i = (size_t)w->step;
    w->step = -1;
    w->dead = true;
    e->running--;
    if (settle_attempt(e, i, w->record, false, &err) != 0) {
        err_print(&err);
        step_vanished(e, i, w->record, -1, true);
    }
}
