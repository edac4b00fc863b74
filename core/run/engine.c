/* SPDX-License-Identifier: Apache-2.0
 *
 * One turn: take what workers, launcher, signals and clocks say; decide; commit; only then acknowledge, launch and
 * tell who watches. So nothing is acknowledged that a kill could lose, and no effect begins before its intent.
 */
#include "run/engine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "run/decisions.h"
#include "run/engine_internal.h"
#include "run/requests.h"
#include "run/seats.h"
#include "run/store.h"
#include "workflow/template.h"

#define FIRST_PID_SPACE 0xEFFFFFFCu /* inode of the pid namespace the kernel starts with: PROC_PID_INIT_INO */

const struct value *
engine_run_names(struct arena *arena, const struct model *model)
{
    struct run_state none = {.model = model, .id = "00000000000000000000000000", .started_ms = clock_wall_ms()};
    const struct value *all = inputs_run(arena, &none, "");
    struct value *ret = value_map(arena);
    static const char *const known[] = {"name", "date", "time", "trigger"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        value_set(arena, ret, known[i], value_get(all, known[i]));
    return ret;
}

/* The journal's own hint speaks of resuming, and there is nothing to resume. */
static int
not_made(int code, struct err *err)
{
    if (code == EXIT_STORE) err_hint(err, "No run was made. Make room, or set LEVADA_STATE to another directory.");
    return code;
}

int
engine_group(struct arena *arena, const struct model *model, const struct value *params, const char *id,
             const char *trigger, const char **ret, struct err *err)
{
    const struct run_state run = {.model = model, .id = id, .started_ms = clock_wall_ms(), .trigger = trigger};
    const struct value *value;
    struct value *names = value_map(arena);
    *ret = NULL;
    if (model->concurrency.group == NULL) return 0;
    value_set(arena, names, "params", params);
    value_set(arena, names, "run", inputs_run(arena, &run, ""));
    struct expr_vm *vm = expr_vm_new();
    int code = template_eval_tree(vm, model->concurrency.group, NULL, names, arena, &value, err);
    expr_vm_free(vm);
    if (!code && (value->type == VALUE_NULL || value->type == VALUE_LIST || value->type == VALUE_MAP))
        code = err_set(err, EXIT_INVALID, "it must be a text, not a %s", value_type_name(value->type));
    const char *text = code ? "" : value->type == VALUE_STRING ? value->text.ptr : json_text(arena, value);
    if (!code && (text[0] == '\0' || strlen(text) > LIMIT_GROUP_NAME))
        code = err_set(err, EXIT_INVALID, "it must have 1 to %u bytes, not %zu", LIMIT_GROUP_NAME, strlen(text));
    if (code) {
        const struct value *at = model->concurrency.group;
        err_context(err, "the group of `concurrency`");
        if (err->file[0] == '\0') err_place(err, model->file, err->line ? err->line : (int)at->line,
                                            err->line ? err->column : (int)at->column);
        return err->code = EXIT_INVALID;
    }
    *ret = text;
    return 0;
}

static int
make_run(struct arena *arena, const char *store, const char *id, const struct model *model, const struct value *created,
         const char **run_folder, struct err *err)
{
    const char *folder;
    struct journal *journal;
    mode_t umask_before = umask(077);
    int code = store_run_make(arena, store, id, &folder, err);
    struct buf text BUF_SCOPED;
    buf_init(&text, SIZE_MAX / 4);
    model_write(&text, model);
    if (!code) code = journal_create(folder, id, buf_str(&text), model->power, &journal, err);
    umask(umask_before);
    if (code) return not_made(code, err);
    journal_append(journal, &(struct event){.time_ms = clock_wall_ms(), .type = EVENT_RUN_CREATED, .data = created});
    code = journal_commit(journal, model->power, err);
    journal_close(&journal, false);
    if (!code) code = store_run_publish(arena, store, id, model->power, run_folder, err);
    return code ? not_made(code, err) : 0;
}

int
engine_create(struct arena *arena, const struct model *model, const struct value *params, const char *trigger,
              const char **run_folder, struct err *err)
{
    char id[ID_SIZE];
    const char *store, *group;
    int seat FD_SCOPED = -1;
    int code = store_open(arena, true, &store, err);
    if (!code) id_new_after(id, store_changed_ms(arena, store));
    if (!code) code = engine_group(arena, model, params, id, trigger, &group, err);
    if (code) return not_made(code, err);
    const char *folder = arena_printf(arena, "%s/runs/%s", store, id);
    bool skips = group != NULL && model->concurrency.overlap == OVERLAP_SKIP;
    if (skips) code = seating_skip(arena, folder, id, &model->concurrency, group, model->power, &seat, err);
    if (code) return not_made(code, err);
    struct value *data = value_map(arena);
    value_set(arena, data, "run", value_text(arena, id));
    value_set(arena, data, "workflow", value_text(arena, model->name));
    value_set(arena, data, "file", value_text(arena, model->file));
    value_set(arena, data, "params", params);
    value_set(arena, data, "version", value_text(arena, LEVADA_VERSION));
    value_set(arena, data, "trigger", value_text(arena, trigger));
    if (group != NULL) value_set(arena, data, "group", value_text(arena, group));
    code = make_run(arena, store, id, model, data, run_folder, err);
    if (code && skips) seats_forget(store, SEATS_GROUP, group, id);
    return code;
}

/* ---- the loop ---- */

static void
take_signal(struct engine *e, int signal)
{
    if (signal == SIGCHLD) return; /* pool_reap looks */
    if (signal == SIGUSR1) {
        const char *who, *why;
        if (requests_cancel(&e->turn, e->folder, &who, &why)) turn_cancel(e, who, why);
        asking_take(e);
        return;
    }
    e->interrupts++;
    if (e->interrupts == 1) {
        e->interrupted = signal;
        int64_t grace = 0;
        for (size_t i = 0; i < e->nworkers; i++) {
            const struct worker *w = &e->workers[i];
            if (w->step < 0 || step_safe_to_stop(&e->state.steps[w->step])) continue;
            const struct step *step = e->state.steps[w->step].step;
            if (step->grace_ms > grace) grace = step->grace_ms;
            engine_note(e, "waiting for step \"%s\": it is not safe to stop half-way; once more (Ctrl-C) kills it",
                        state_name(&e->turn, &e->state.steps[w->step]));
        }
        e->leave_at_ms = clock_monotonic_ms() + (grace ? grace : LIMIT_GRACE_MS);
        pool_stop(e, "interrupted", true);
    } else {
        engine_note(e, "killing what still runs");
        pool_kill(e);
    }
}

static void
take_signals(struct engine *e)
{
    struct signalfd_siginfo info;
    while (read(e->signals, &info, sizeof info) == (ssize_t)sizeof info) take_signal(e, (int)info.ssi_signo);
}

static int
poll_timeout(const struct engine *e)
{
    int64_t now = clock_monotonic_ms(), timeout = -1;
    int64_t due = e->interrupted ? -1 : turn_next_due(e);
    if (due >= 0) timeout = due > now ? due - now : 0;
    int64_t look = e->interrupted ? -1 : seating_due(e);
    if (look >= 0 && (timeout < 0 || look - now < timeout)) timeout = look > now ? look - now : 0;
    for (size_t i = 0; i < e->nworkers; i++) {
        int64_t kill_at = e->workers[i].kill_at_ms;
        if (kill_at && (timeout < 0 || kill_at - now < timeout)) timeout = kill_at > now ? kill_at - now : 0;
    }
    if (e->interrupted && (timeout < 0 || e->leave_at_ms - now < timeout))
        timeout = e->leave_at_ms > now ? e->leave_at_ms - now : 0;
    if (e->options->watch.tick_ms && (timeout < 0 || timeout > e->options->watch.tick_ms))
        timeout = e->options->watch.tick_ms;
    return timeout > 60000 ? 60000 : (int)timeout;
}

static void
look_at_clocks(struct engine *e)
{
    e->now_ms = clock_wall_ms();
    e->tick_ms = clock_monotonic_ms();
}

static void
wait_and_take(struct engine *e)
{
    size_t n = e->nworkers + 3, workers = e->nworkers;
    struct pollfd *fds = ARENA_ARRAY(&e->turn, n, struct pollfd);
    fds[0] = (struct pollfd){.fd = e->signals, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = e->launcher_gone ? -1 : e->launcher.sock,
                             .events = pool_needs_launcher(e) ? POLLIN : 0};
    for (size_t i = 0; i < e->nworkers; i++) {
        const struct worker *w = &e->workers[i];
        fds[i + 2] = (struct pollfd){.fd = w->sock >= 0 ? w->sock : w->pidfd, .events = POLLIN};
    }
    fds[n - 1] = (struct pollfd){.fd = seating_fd(e), .events = POLLIN};
    int ready = poll(fds, (nfds_t)n, poll_timeout(e));
    look_at_clocks(e);
    if (ready < 0) return;
    for (size_t i = 0; i < workers; i++) {
        if (!fds[i + 2].revents) continue;
        if (e->workers[i].sock >= 0) pool_read(e, i);
        else adopt_gone(e, i);
    }
    if (!e->launcher_gone) pool_launcher(e);
    if (fds[0].revents) take_signals(e);
    if (e->last) pool_reap(e);
    if (fds[n - 1].revents) seating_changed(e);
    for (size_t i = 0; i < workers; i++) {
        struct worker *w = &e->workers[i];
        if (w->kill_at_ms && w->kill_at_ms <= e->tick_ms && w->pid > 0) {
            w->kill_at_ms = 0;
            pool_signal(w, SIGKILL);
        }
    }
}

static int
commit_turn(struct engine *e, struct err *err)
{
    for (size_t i = 0; i < e->nhappened; i++) journal_append(e->journal, &e->happened[i]);
    journal_set_fence(e->journal, e->last_fence);
    int code = journal_commit(e->journal, e->sync, err);
    if (!code) e->sync = false;
    return code;
}

/* What was waited for begins first, before the answers to those that are done and before anybody is told. A reused
 * worker must have its answer before its next job. */
static void
carry_out(struct engine *e)
{
    for (size_t i = 0; i < e->nafter; i++) {
        struct after after = e->after[i];
        if (after.type == AFTER_STOP) pool_stop(e, "cancelled", false);
        else if (after.type == AFTER_STOP_ONE) pool_stop_step(e, after.step, "cancelled");
        else if (after.type == AFTER_LAUNCH && value_get(after.job, "reuse") == NULL)
            pool_launch(e, after.step, after.record, after.job, after.seat);
    }
    for (size_t i = 0; i < e->nafter; i++) {
        struct after after = e->after[i];
        switch (after.type) {
        case AFTER_LAUNCH:
            if (value_get(after.job, "reuse") != NULL)
                pool_launch(e, after.step, after.record, after.job, after.seat);
            break;
        case AFTER_RECEIPT_ACK: case AFTER_CHECKPOINT_ACK: case AFTER_CALL_REPLY: pool_ack(e, &after); break;
        case AFTER_FORGET: decisions_forget(e->folder, value_str(after.job, "")); break;
        case AFTER_STOP: case AFTER_STOP_ONE: break; /* done above */
        }
    }
    e->nafter = 0;
}

static int
end_turn(struct engine *e, struct err *err)
{
    int code = commit_turn(e, err);
    if (code) return code;
    /* A launch that fails makes new events: they are the next turn's. */
    struct event *told = e->happened;
    size_t ntold = e->nhappened, capacity = e->happened_capacity;
    e->happened = e->told;
    e->happened_capacity = e->told_capacity;
    e->nhappened = 0;
    carry_out(e);
    for (size_t i = 0; i < ntold; i++)
        if (e->options->watch.event != NULL)
            e->options->watch.event(e->options->watch.context, &e->state, &told[i]);
    e->told = told;
    e->told_capacity = capacity;
    e->launching = 0;
    pool_sweep(e);
    return 0;
}

/* Interrupted, and what is left is unsafe to stop: it goes on by itself, and `resume` takes its receipt. */
static bool
leave_rest(struct engine *e)
{
    if (!e->interrupted || e->ended || e->running == 0 || clock_monotonic_ms() < e->leave_at_ms) return false;
    if (e->last && !e->killed) {
        engine_note(e, "killing what still runs: this is process 1 of its container, nothing outlives it");
        pool_kill(e);
        e->killed = true;
        e->leave_at_ms += KILL_SLACK_MS; /* for those that hang in the kernel */
        return false;
    }
    for (size_t i = 0; i < e->nworkers; i++)
        if (e->workers[i].step >= 0)
            engine_note(e, "step \"%s\" goes on by itself (pid %d); "
                        "`levada resume` takes its result, `levada cancel` ends it",
                        state_name(&e->turn, &e->state.steps[e->workers[i].step]), (int)e->workers[i].pid);
    turn_stop(e);
    return true;
}

static void
start_again(struct engine *e)
{
    /* Workers keep what they have; the resumer finds them through `attempts`. There is one recovery path. */
    struct err err;
    (void)commit_turn(e, &err);
    journal_close(&e->journal, false);
    if (e->options->again != NULL) execv("/proc/self/exe", e->options->again);
    fprintf(stderr, "levada: the launcher died, and starting again failed: %s\n  Run `levada resume`.\n",
            strerror(errno));
    _exit(EXIT_FAILED);
}

static int
loop(struct engine *e, struct err *err)
{
    int code = 0;
    while (!code && !e->ended) {
        turn_decide(e);
        code = end_turn(e, err);
        if (code || e->ended) break;
        bool stay = e->last && e->interrupted; /* orphans are ours then, and their sockets still speak */
        if (!e->launcher_gone || stay) {
            if (e->nhappened || e->nafter) continue; /* a launch that failed: decide again first */
            arena_rewind(&e->turn, e->turn_start);
            wait_and_take(e);
        }
        if (e->options->watch.tick != NULL) e->options->watch.tick(e->options->watch.context, &e->state);
        stay = e->last && e->interrupted;
        if (e->launcher_gone && e->interrupted && !stay) {
            turn_stop(e); /* somebody asked for the end: workers go on by themselves, and resume finds them */
            code = end_turn(e, err);
            break;
        }
        if (e->launcher_gone && !stay) start_again(e);
        if (leave_rest(e)) code = end_turn(e, err);
    }
    return code;
}

/* Are we process 1 of a container, or what it waits for (`docker run --init`, `sh -c`)? Then nothing outlives us.
 * What was detached has a session of its own. */
static bool
is_last(void)
{
    struct stat st;
    if (getpid() == 1) return true;
    bool container = stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != FIRST_PID_SPACE;
    return container && getppid() == 1 && getsid(0) == getsid(1) && access("/run/systemd/system", F_OK) != 0;
}

/* What was ignored when we were started stays so: nohup ignores SIGHUP, a shell SIGINT of what it puts behind itself.
 * Blocked signals are queued even when they are ignored, so those are left alone. */
static int
open_signals(struct err *err)
{
    sigset_t mask;
    struct sigaction before;
    sigemptyset(&mask);
    const int all[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (sigaction(all[i], NULL, &before) != 0 || before.sa_handler != SIG_IGN) sigaddset(&mask, all[i]);
    sigaddset(&mask, SIGUSR1);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) err_errno(err, EXIT_FAILED, "cannot watch signals");
    return fd;
}

static int
begin_session(struct engine *e, struct err *err)
{
    int code = journal_take(e->journal, &e->fence, err);
    if (code) return code;
    e->last_fence = e->fence;
    bool resumed = e->state.sessions > 0;
    uint32_t parallel = e->options->max_parallel ? e->options->max_parallel : e->state.max_parallel;
    if (parallel == 0) {
        int processors = get_nprocs();
        parallel = processors < 4 ? 4 : (uint32_t)processors;
    }
    struct value *data = value_map(&e->turn);
    value_set(&e->turn, data, "pid", value_int(&e->turn, getpid()));
    value_set(&e->turn, data, "fence", value_int(&e->turn, (int64_t)e->fence));
    value_set(&e->turn, data, "resumed", value_bool(&e->turn, resumed));
    value_set(&e->turn, data, "boot", value_int(&e->turn, (int64_t)e->boot));
    if (e->again) value_set(&e->turn, data, "again", value_bool(&e->turn, true));
    value_set(&e->turn, data, "max_parallel", value_int(&e->turn, parallel > LIMIT_WORKERS ? LIMIT_WORKERS : parallel));
    engine_emit(e, EVENT_RUN_STARTED, NULL, data);
    const char *who, *why;
    if (e->options->cancel) turn_cancel(e, e->options->who, e->options->why);
    else if (requests_cancel(&e->turn, e->folder, &who, &why)) turn_cancel(e, who, why);
    asking_take(e);
    return end_turn(e, err);
}

static void
find_units(struct engine *e, const struct model *model, size_t *capacity)
{
    if (model->owner == NULL || model->owner->kind == STEP_WORKFLOW) {
        e->units = engine_grow(e->units, e->nunits, capacity, sizeof *e->units);
        e->units[e->nunits++] = model;
    }
    for (size_t i = 0; i < model->nsteps; i++)
        if (model->steps[i].body != NULL) find_units(e, model->steps[i].body, capacity);
}

static int
work(struct engine *e, struct err *err)
{
    size_t capacity = 0;
    find_units(e, e->state.model, &capacity);
    (void)arena_alloc(&e->turn, 1);
    e->turn_start = arena_mark(&e->turn);
    look_at_clocks(e);
    int code = begin_session(e, err);
    if (code) return code;
    struct expr_vm *vm = expr_vm_new();
    code = inputs_init(&e->inputs, vm, &e->state, e->folder, err);
    if (!code) code = seating_open(e, err);
    if (!code) {
        code = adopt_all(e, err);
        turn_begin(e);
    }
    if (!code) code = end_turn(e, err);
    if (!code) code = loop(e, err);
    pool_end(e);
    expr_vm_free(vm);
    return code;
}

int
engine_run(const char *run_folder, const struct engine_options *options, struct err *err)
{
    struct engine e = {.options = options, .folder = run_folder, .attempts = -1, .signals = -1,
                       .launcher = options->launcher, .group_seat = -1, .last = is_last()};
    mode_t umask_before = umask(077);
    /* Before the run is held: who sees that asks us by a signal. */
    e.signals = open_signals(err);
    int result = EXIT_FAILED, code = e.signals < 0 ? EXIT_FAILED : adopt_take(&e, options->takeover, err);
    if (!code) code = journal_open(run_folder, &e.journal, err);
    if (!code) code = state_read(&e.arena, e.journal, &e.state, err);
    if (!code && run_status_ended(e.state.status)) {
        result = e.state.exit_code; /* a finished run repeats its code and does nothing */
    } else if (!code) {
        code = work(&e, err);
        result = e.state.rolled_back ? EXIT_OK : e.state.exit_code;
    }
    journal_close(&e.journal, run_status_ended(e.state.status));
    seating_end(&e, code == 0);
    for (size_t i = 0; i < e.nworkers; i++) {
        fd_close(&e.workers[i].sock);
        fd_close(&e.workers[i].pidfd);
        memory_free(e.workers[i].reuse);
    }
    memory_free(e.workers);
    for (size_t i = e.first_held; i < e.nheld; i++) memory_free(e.held[i].reuse);
    memory_free(e.held);
    memory_free(e.units);
    memory_free(e.delayed);
    memory_free(e.asked);
    memory_free(e.after);
    memory_free(e.happened);
    memory_free(e.told);
    fd_close(&e.launcher.sock);
    adopt_release(&e);
    fd_close(&e.attempts);
    fd_close(&e.signals);
    arena_release(&e.turn);
    arena_release(&e.arena);
    umask(umask_before);
    return code ? code : result;
}
