/* SPDX-License-Identifier: Apache-2.0
 *
 * Each run gets a process that executes this program anew, in a process group of its own: an engine needs a launcher
 * that was forked before anything was open, and a signal from the terminal must reach each once, from here.
 */
#include "cli/resume_all.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "run/approval.h"
#include "run/attempts.h"
#include "run/decisions.h"
#include "run/store.h"
#include "show/next.h"
#include "show/instance.h"
#include "show/show.h"
#include "show/text.h"

/* A run is there some milliseconds before its engine is: who takes it then takes it from the one that makes it. */
#define STARTING_MS 10000

struct child {
    pid_t pid;          /* 0: not started yet, -1: ended */
    const char *folder;
};

struct all {
    struct arena arena;
    struct child *children;
    size_t count, next, running;
    uint32_t max_runs, max_parallel;
    bool json;
    int worst, stopped; /* stopped: the signal */
};

static int
rank(int code)
{
    static const int order[] = {EXIT_UNKNOWN, EXIT_PARKED, EXIT_FAILED, EXIT_STORE};
    for (int i = 0; i < (int)(sizeof order / sizeof order[0]); i++)
        if (code == order[i]) return 9 - i;
    return code != 0;
}

static void
count_code(struct all *all, int code)
{
    if (rank(code) > rank(all->worst)) all->worst = code;
}

/* One line, or one object, about one run. `exit` -1: none. */
static void
say(const struct all *all, const char *id, const struct view *view, const char *action, int exit_code, const char *text)
{
    struct buf line BUF_SCOPED = {0};
    const char *status = view != NULL ? run_status_name(view->status) : "unreadable";
    buf_init(&line, 1 << 20);
    if (all->json) {
        buf_printf(&line, "{\"run\":\"%s\"", id);
        json_member(&line, "workflow", view != NULL ? view->state.model->name : NULL);
        json_member(&line, "action", action);
        json_member(&line, "status", status);
        if (exit_code >= 0) buf_printf(&line, ",\"exit\":%d", exit_code);
        json_member(&line, "text", text);
        buf_text(&line, "}\n");
    } else {
        buf_printf(&line, "%s  %-11s  ", view_short_id(id), status);
        text_pad(&line, view != NULL ? view->state.model->name : "-", 20);
        buf_printf(&line, "  %s%s", action, text != NULL ? ": " : "");
        if (text != NULL) text_line(&line, text);
        buf_char(&line, '\n');
    }
    fputs(buf_str(&line), stdout);
    fflush(stdout);
}

static const struct step_state *
unknown_step(const struct view *view)
{
    const struct step_state *at = instance_next(&view->state, NULL);
    while (at != NULL && at->status != STEP_UNKNOWN_STATUS) at = instance_next(&view->state, at);
    return at;
}

/* Parked, and nothing has come since that an engine would act on: no decision, no end of a question. */
static bool
waits_for_person(const struct view *view, const char *folder)
{
    struct arena arena ARENA_SCOPED = {0};
    struct decision_file *files;
    size_t count;
    if (view->status != RUN_PARKED_STATUS) return false;
    for (size_t i = 0; i < view->state.nsteps; i++) {
        const struct step_state *step = &view->state.steps[i];
        if (step->status == STEP_PARKED_STATUS && step->approval != NULL &&
            approval_expired(step->approval, clock_wall_ms()))
            return false;
    }
    decisions_list(&arena, folder, &files, &count);
    return count == 0;
}

/* True: an engine may take it. Else it was said what it is. */
static bool
wants_resume(struct all *all, const char *id, const char *folder)
{
    struct arena arena ARENA_SCOPED = {0};
    struct view view;
    struct err err = {0};
    bool ended = false;
    int code = view_ended(folder, &ended, &err);
    if (!code && ended) return false;
    /* Before the journal is read: an engine that ends between would else look like one that was killed. */
    int holder = attempts_engine(folder);
    if (!code) code = view_load(&arena, folder, &view, &err);
    if (code && store_run_is_gone(folder)) return false;
    if (code) {
        say(all, id, NULL, "left", code, err.message);
        count_code(all, code);
        return false;
    }
    const struct step_state *unknown = unknown_step(&view);
    const char *name = view_short_id(id);
    if (holder > 0) {
        say(all, id, &view, "held", -1, arena_printf(&arena, "process %d is at work on it", holder));
    } else if (view.state.sessions == 0 && clock_wall_ms() - view.state.started_ms < STARTING_MS) {
        say(all, id, &view, "held", -1, "it is being started");
    } else if (view.status == RUN_UNKNOWN_STATUS && unknown != NULL) {
        say(all, id, &view, "left", EXIT_UNKNOWN,
            arena_printf(&arena, "levada resolve %s %s --done|--redo|--fail", name, state_address(&arena, unknown)));
        count_code(all, EXIT_UNKNOWN);
    } else if (waits_for_person(&view, folder)) {
        /* As it should be, and nothing that a timer could mend: only who reads the objects is told. */
        if (all->json)
            say(all, id, &view, "left", EXIT_PARKED,
                arena_printf(&arena, "levada show %s says what it waits for", name));
    } else {
        return !run_status_ended(view.status);
    }
    return false;
}

static void
start_child(struct all *all, struct child *child)
{
    char parallel[16];
    snprintf(parallel, sizeof parallel, "%u", all->max_parallel);
    const char *argv[8] = {"levada", "resume", "--quiet", "--no-wait", child->folder};
    if (all->max_parallel) {
        argv[5] = "--max-parallel";
        argv[6] = parallel;
    }
    fflush(NULL);
    child->pid = fork();
    if (child->pid < 0) {
        perror("levada: cannot fork");
        count_code(all, EXIT_FAILED);
        return;
    }
    if (child->pid > 0 && !all->json)
        fprintf(stderr, "resuming %s\n", view_short_id(strrchr(child->folder, '/') + 1));
    if (child->pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)setpgid(0, 0);
        execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
        perror("levada: cannot execute itself");
        _exit(EXIT_FAILED);
    }
    all->running++;
}

static void
take_end(struct all *all, pid_t pid, int status)
{
    struct arena arena ARENA_SCOPED = {0};
    struct view view;
    struct err err = {0};
    size_t i = 0;
    while (i < all->count && all->children[i].pid != pid) i++;
    if (i == all->count) return;
    const char *folder = all->children[i].folder, *id = strrchr(folder, '/') + 1, *text = NULL;
    all->children[i].pid = -1;
    all->running--;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    bool loaded = view_load(&arena, folder, &view, &err) == 0;
    if (!loaded && store_run_is_gone(folder)) return; /* it ended, and was taken away */
    bool queued = loaded && view.state.group != NULL && !view.state.seated;
    if (code == EXIT_HELD && !queued) { /* another resumer was faster */
        say(all, id, loaded ? &view : NULL, "held", -1, NULL);
        return;
    }
    count_code(all, code);
    if (code == EXIT_HELD) {
        say(all, id, &view, "left", code,
            arena_printf(&arena, "its group \"%s\" is full of runs that no engine works on", view.state.group));
        return;
    }
    const struct step_state *unknown = loaded ? unknown_step(&view) : NULL;
    if (unknown != NULL && code == EXIT_UNKNOWN)
        text = arena_printf(&arena, "levada resolve %s %s --done|--redo|--fail", view_short_id(id), unknown->step->id);
    else if (code == EXIT_PARKED)
        text = arena_printf(&arena, "levada show %s says what it waits for", view_short_id(id));
    else if (code != 0)
        text = arena_printf(&arena, "exit code %d, levada why %s", code, view_short_id(id));
    say(all, id, loaded ? &view : NULL, "resumed", code, text);
}

static void
take_signal(struct all *all, int signal_number)
{
    int status;
    if (signal_number != SIGCHLD) {
        all->stopped = signal_number;
        for (size_t i = 0; i < all->count; i++)
            if (all->children[i].pid > 0) (void)kill(all->children[i].pid, signal_number);
        return;
    }
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) take_end(all, pid, status);
}

static void
run_children(struct all *all)
{
    sigset_t signals;
    sigemptyset(&signals);
    const int wanted[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) sigaddset(&signals, wanted[i]);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    while (all->running > 0 || (all->next < all->count && !all->stopped)) {
        while (!all->stopped && all->next < all->count && all->running < all->max_runs)
            start_child(all, &all->children[all->next++]);
        if (all->running == 0) continue;
        int number = sigwaitinfo(&signals, NULL);
        if (number > 0) take_signal(all, number);
    }
    if (all->stopped && all->next < all->count)
        fprintf(stderr, "levada: not resumed: %zu; `levada resume --all` goes on\n", all->count - all->next);
    if (all->stopped && all->worst == 0) all->worst = 128 + all->stopped;
}

int
resume_all(bool json, uint32_t max_runs, uint32_t max_parallel)
{
    struct all all = {.json = json, .max_runs = max_runs, .max_parallel = max_parallel};
    struct err err = {0};
    const char **ids, *store;
    size_t count;
    int code = store_run_list(&all.arena, &ids, &count, &err);
    if (!code && count > 0) code = store_open(&all.arena, true, &store, &err);
    if (code) return cli_fail(&err);
    all.children = ARENA_ARRAY(&all.arena, count + 1, struct child);
    for (size_t i = count; i-- > 0;) { /* the oldest first */
        const char *folder = arena_printf(&all.arena, "%s/runs/%s", store, ids[i]);
        if (wants_resume(&all, ids[i], folder)) all.children[all.count++].folder = folder;
    }
    if (all.count == 0 && !json) fputs("no run is interrupted\n", stderr);
    run_children(&all);
    arena_release(&all.arena);
    return all.worst;
}
