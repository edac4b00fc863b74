/* SPDX-License-Identifier: Apache-2.0
 *
 * What an earlier engine left: its lock, and attempts whose workers may still run, have left a receipt, or are gone.
 * The protocol is in attempts.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "run/engine_internal.h"
#include "run/job.h"
#include "run/leftovers.h"

/* Kill the holder, known by pid, start time and boot, and wait until its lock is free. */
static int
end_holder(const struct attempt_record *holder, struct err *err)
{
    int fd FD_SCOPED = pidfd_open(holder->pid, 0);
    /* The pidfd is open: from here on the pid cannot come to mean another process. */
    if (fd < 0 || !attempts_alive(holder))
        return err_set(err, EXIT_HELD, "the run is held by process %d, which cannot be identified", holder->pid);
    if (pidfd_send_signal(fd, SIGKILL, NULL, 0) != 0)
        return err_errno(err, EXIT_HELD, "cannot end the holder (pid %d)", holder->pid);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (poll(&wait, 1, 10000) != 1) return err_set(err, EXIT_HELD, "the holder (pid %d) does not end", holder->pid);
    return 0;
}

/* The lock is free, but the engine that wrote the record lives: then it works in another folder, of which this one is a
 * copy. An engine that ends clears its record before it lets the lock go. */
static int
end_other_folder(const struct attempt_record *holder, bool takeover, struct err *err)
{
    if (holder->mark != ATTEMPT_STARTED || holder->pid == getpid()) return 0;
    for (int round = 0; round < 50 && attempts_alive(holder); round++) poll(NULL, 0, 10);
    if (!attempts_alive(holder)) return 0;
    if (takeover) return end_holder(holder, err);
    err_set(err, EXIT_HELD, "the engine of this run (pid %d) works in another folder: this one is a copy", holder->pid);
    err_hint(err, "Wait until it has ended, or end it.");
    return EXIT_HELD;
}

int
adopt_take(struct engine *e, bool takeover, struct err *err)
{
    struct attempt_record holder = {0}, self = {0};
    e->attempts = attempts_open(e->folder, err);
    if (e->attempts < 0) return EXIT_STORE;
    int code = attempts_take_run(e->attempts, &holder, err);
    bool elsewhere = code == EXIT_HELD && attempts_elsewhere(&holder);
    if (code == EXIT_HELD && takeover && holder.pid > 0 && !elsewhere) {
        code = end_holder(&holder, err);
        if (!code) code = attempts_take_run(e->attempts, &holder, err);
    } else if (code == EXIT_HELD) {
        err_hint(err, elsewhere ? "Wait for it, or type this in its container, or below nsenter."
                      : "Wait for it, `levada cancel` it, or take it over: levada resume --takeover");
    }
    if (!code) code = attempts_read(e->attempts, 0, &holder, err);
    if (!code) code = end_other_folder(&holder, takeover, err);
    if (code) return code;
    attempts_self(&self);
    self.mark = ATTEMPT_STARTED;
    e->boot = self.boot;
    e->again = holder.mark == ATTEMPT_STARTED && holder.pid == self.pid && holder.start_time == self.start_time &&
               holder.boot == self.boot;
    code = attempts_write(e->attempts, 0, &self, err);
    e->taken = code == 0;
    return code;
}

void
adopt_release(struct engine *e)
{
    struct err ignored;
    if (e->taken) (void)attempts_write(e->attempts, 0, &(struct attempt_record){0}, &ignored);
}

/* A receipt that a worker left because its engine was gone; NULL: none. */
const struct value *
adopt_receipt(struct engine *e, uint32_t record)
{
    char *text;
    size_t size;
    struct err ignored;
    const struct value *receipt;
    const char *path = arena_printf(&e->turn, "%s/" RECEIPTS_FOLDER "/%u.json", e->folder, record);
    if (access(path, F_OK) != 0 || fd_read_file(&e->turn, path, LIMIT_VALUE_SIZE, &text, &size, &ignored) != 0 ||
        json_parse(&e->turn, text, size, &receipt, &ignored) != 0 || receipt->type != VALUE_MAP)
        return NULL;
    return value_get_int(receipt, "record", -1) == (int64_t)record ? receipt : NULL;
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
    int pidfd = pidfd_open(record->pid, 0);
    if (pidfd < 0) return false; /* it ended just now */
    if (!attempts_alive(record)) { /* and its number is another's by now */
        fd_close(&pidfd);
        return false;
    }
    struct worker *w = pool_add(e);
    w->pid = record->pid;
    w->pidfd = pidfd;
    w->step = (ptrdiff_t)i;
    w->record = number;
    const struct step *step = e->state.steps[i].step;
    if (step->timeout_ms) w->kill_at_ms = clock_monotonic_ms() + step->timeout_ms + step->grace_ms + KILL_SLACK_MS;
    e->running++;
    engine_note(e, "step \"%s\" still runs in a worker of an earlier engine (pid %d): waiting for it",
                state_name(&e->turn, &e->state.steps[i]), record->pid);
    return true;
}

/* 0: the lock is ours and its worker is gone. 1: its worker lives, and is watched from now on. Else an exit code. */
static int
lock_attempt(struct engine *e, size_t i, uint32_t number, bool may_wait, struct attempt_record *record, struct err *err)
{
    const char *mark = arena_printf(&e->turn, "%s/%u", e->state.id, number);
    struct leftovers holders = {.mark = mark, .record = record, .attempts = e->attempts, .number = number};
    for (int round = 0;; round++) {
        int code = attempts_lock(e->attempts, number, err);
        if (code > 1) return code;
        int read_code = attempts_read(e->attempts, number, record, err);
        if (read_code) return read_code;
        /* Free, and its worker lives all the same: this folder is a copy, and the worker works in the other. */
        bool wait = may_wait && attempts_alive(record) && (code == 1 || adopt_receipt(e, number) == NULL);
        if (wait && watch_worker(e, i, record, number)) {
            if (code == 0) attempts_unlock(e->attempts, number);
            return 1;
        }
        if (code == 0) return 0;
        if (attempts_elsewhere(record))
            return err_set(err, EXIT_HELD, "step \"%s\" still runs in another pid namespace (pid %d there): resume it "
                           "there", state_name(&e->turn, &e->state.steps[i]), record->pid);
        /* Held, and its process is gone, or stopped before it said who it is: end what holds the lock. */
        if (round % 50 == (record->pid ? 0 : 49)) (void)leftovers_end(&holders);
        if (round > 200)
            return err_set(err, EXIT_HELD, "attempt %u of step \"%s\" is held by a process that cannot be found",
                           number, state_name(&e->turn, &e->state.steps[i]));
        poll(NULL, 0, 10);
    }
}

/* `attempts` is not synced: when the machine went down since, a record that says nothing means nothing. */
static bool
rebooted(const struct engine *e, size_t i)
{
    const struct step_state *step = &e->state.steps[i];
    uint64_t boot = step->attempts[step->nattempts - 1].boot;
    return boot != 0 && boot != e->boot;
}

/* What became of one open attempt. */
static int
settle_attempt(struct engine *e, size_t i, uint32_t number, bool may_wait, struct err *err)
{
    struct attempt_record record = {0};
    int code = lock_attempt(e, i, number, may_wait, &record, err);
    if (code) return code == 1 ? 0 : code;
    const struct value *receipt = adopt_receipt(e, number);
    adopt_checkpoints(e, i, number);
    if (receipt != NULL) {
        step_receipt(e, i, number, receipt);
    } else if (record.mark != ATTEMPT_STARTED && !rebooted(e, i)) {
        record.claim = e->fence; /* a late worker finds it and exits */
        code = attempts_write(e->attempts, number, &record, err);
        FAILPOINT("adopt_claimed");
        if (!code) step_vanished(e, i, number, -1, false);
    } else {
        const char *mark = arena_printf(&e->turn, "%s/%u", e->state.id, number);
        (void)leftovers_end(&(struct leftovers){.mark = mark, .record = &record, .attempts = -1});
        step_vanished(e, i, number, -1, true);
    }
    attempts_unlock(e->attempts, number);
    return code;
}

/* After a power cut files may tell of attempts whose intents were never on disk: their numbers are given again. */
static int
forget_unknown(struct engine *e, struct err *err)
{
    int code = attempts_forget(e->attempts, e->state.next_record, err);
    DIR *dir = code ? NULL : opendir(arena_printf(&e->turn, "%s/" RECEIPTS_FOLDER, e->folder));
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        const char *name = entry->d_name + (entry->d_name[0] == '.');
        if (*name >= '0' && *name <= '9' && strtoul(name, NULL, 10) >= e->state.next_record)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL) closedir(dir);
    return code;
}

int
adopt_all(struct engine *e, struct err *err)
{
    int forgotten = forget_unknown(e, err);
    if (forgotten) return forgotten;
    for (size_t i = 0; i < e->state.nsteps; i++) {
        struct step_state *step = &e->state.steps[i];
        if (step->status == STEP_BACKOFF_STATUS) {
            /* What is left by the wall clock, if that makes sense: it may have been set since. */
            int64_t left = step->due_ms - e->now_ms;
            turn_wait(e, i, left < 0 ? 0 : left > step->delay_ms ? step->delay_ms : left);
        }
        asking_adopt(e, i);
        /* A loop or block has attempts only of the workflow before this one, in which it was something else. */
        if (step->status != STEP_RUNNING_STATUS || state_is_parent(step)) continue;
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
