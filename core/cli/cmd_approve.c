/* SPDX-License-Identifier: Apache-2.0
 *
 * `levada approve` and `levada reject`: a person decides about a step that waits for them. The decision is a file
 * first, so that whoever takes it, the engine or this command, takes it exactly once; then it is said what became of
 * it.
 */
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "run/attempts.h"
#include "run/approval.h"
#include "run/decisions.h"
#include "run/marked.h"
#include "run/requests.h"
#include "run/store.h"
#include "show/view.h"

#define USAGE_APPROVE "levada approve RUN STEP [--item KEY] [--input NAME=VALUE]… [--reason TEXT] [--json]"
#define USAGE_REJECT "levada reject RUN STEP [--item KEY] [--reason TEXT] [--json]"
#define WAIT_MS 10000 /* for an engine to take it: it looks when it is told */

struct ruling {
    struct arena arena;
    const char *usage, *run, *folder;
    bool json;
    bool foreign;        /* the run belongs to another user: we only leave the decision, their engine takes it */
    struct value *input;
    struct approval_request request;
    const char *file;
};

static int
add_input(struct ruling *d, const char *text)
{
    const char *equal = strchr(text, '=');
    if (equal == NULL || equal == text) return cli_usage(d->usage, "--input needs NAME=VALUE, not \"%s\"", text);
    const char *name = arena_strndup(&d->arena, text, (size_t)(equal - text));
    if (value_get(d->input, name) != NULL) return cli_usage(d->usage, "input \"%s\" is given twice", name);
    value_set(&d->arena, d->input, name, value_text(&d->arena, equal + 1));
    return 0;
}

/* -1: help was asked for. */
static int
parse_arguments(struct ruling *d, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (str_eq(argv[i], "--reason") && more) {
            d->request.why = argv[++i];
        } else if (str_eq(argv[i], "--item") && more) {
            d->request.item = argv[++i];
        } else if (str_eq(argv[i], "--input") && more && !d->request.reject) {
            if (add_input(d, argv[++i])) return EXIT_USAGE;
        } else if (str_eq(argv[i], "--json")) {
            d->json = true;
        } else if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h")) {
            printf("usage: %s\n", d->usage);
            return -1;
        } else if (argv[i][0] == '-') {
            return cli_usage(d->usage, more || d->request.reject ? "there is no option \"%s\""
                                                                 : "\"%s\" is no option, or has no value", argv[i]);
        } else if (d->run == NULL) {
            d->run = argv[i];
        } else if (d->request.step == NULL) {
            d->request.step = argv[i];
        } else {
            return cli_usage(d->usage, "unexpected \"%s\"", argv[i]);
        }
    }
    if (d->run == NULL || d->request.step == NULL) return cli_usage(d->usage, "which run, and which step?");
    return 0;
}

/* ---- who ---- */

static bool
in_group(gid_t wanted)
{
    gid_t groups[1024];
    int count = getgroups(1024, groups);
    for (int i = 0; i < count; i++)
        if (groups[i] == wanted) return true;
    return getegid() == wanted;
}

/* The entry of `by` that this process comes under: by what the kernel says of it. */
static const char *
entry_of(const struct value *by, const char *user)
{
    for (size_t i = 0; value_is(by, VALUE_LIST) && i < by->list.count; i++) {
        const char *entry = value_str(by->list.items[i], ""), *name = strchr(entry, ':');
        int64_t number = -1;
        if (name == NULL) continue;
        bool numeric = str_to_int(++name, &number);
        bool same = str_eq(name, user) || (numeric && number == (int64_t)geteuid());
        if (str_starts(entry, "user:") && same) return entry;
        if (!str_starts(entry, "group:")) continue;
        const struct group *group = numeric ? NULL : getgrnam(name);
        if (group != NULL ? in_group(group->gr_gid) : numeric && number >= 0 && in_group((gid_t)number)) return entry;
    }
    return NULL;
}

static void
say_who(struct ruling *d, const struct step_state *step)
{
    struct approval_request *request = &d->request;
    unsigned char chance[8];
    struct buf id BUF_SCOPED;
    buf_init(&id, 64);
    arc4random_buf(chance, sizeof chance);
    for (size_t i = 0; i < sizeof chance; i++) buf_printf(&id, "%02x", chance[i]);
    request->id = arena_strdup(&d->arena, buf_str(&id));
    request->uid = (int64_t)geteuid();
    request->who = requests_who(&d->arena);
    const char *claim = getenv("SUDO_USER");
    if (claim != NULL && *claim && !str_eq(claim, request->who)) request->claim = claim;
    request->as = entry_of(step->approval->by, request->who);
    request->number = step->approval->number;
}

/* ---- what becomes of it ---- */

/* The question of a step has expired, and no engine lives to see it. */
static int
let_expire(struct ruling *d, struct journal *journal, struct run_state *state, struct step_state *step,
           struct err *err)
{
    if (step->status != STEP_PARKED_STATUS || !approval_expired(step->approval, clock_wall_ms())) return 0;
    struct event event = {.time_ms = clock_wall_ms(), .type = EVENT_STEP_FINISHED, .step = step->step->id,
                          .item = step->item};
    event.data = approval_expiry(&d->arena, state, step, event.time_ms);
    int code = state_apply(state, &event, err);
    if (!code) journal_append(journal, &event);
    return code;
}

static int
take_one(struct ruling *d, struct journal *journal, struct run_state *state, const struct approval_request *request,
         struct err *err)
{
    struct step_state *step = state_step(state, request->step, request->item);
    const struct value *data = NULL;
    struct err refused = {0};
    int code = step != NULL && step->approval != NULL ? let_expire(d, journal, state, step, err) : 0;
    if (code) return code;
    /* Why it does not count is said to who asked, once all is written down. */
    if (approval_judge(&d->arena, state, request, false, &data, &refused) != 0 || data == NULL) return 0;
    struct event event = {.time_ms = clock_wall_ms(), .type = EVENT_STEP_DECIDED, .step = step->step->id,
                          .item = step->item, .data = data};
    code = state_apply(state, &event, err);
    if (code) return code;
    journal_append(journal, &event);
    if (!step->approval->rejected) return 0;
    event.type = EVENT_STEP_FINISHED;
    event.data = approval_rejection(&d->arena, state, step, event.time_ms);
    code = state_apply(state, &event, err);
    if (!code) journal_append(journal, &event);
    return code;
}

/* No engine lives: all decisions that lie there are taken here, the oldest first. EXIT_HELD: one lives after all. */
static int
take_all(struct ruling *d, struct err *err)
{
    struct attempt_record holder = {0};
    struct journal *journal = NULL;
    struct run_state state;
    struct decision_file *files = NULL;
    size_t count = 0;
    uint64_t fence;
    int fd FD_SCOPED = attempts_open(d->folder, err);
    int code = fd < 0 ? EXIT_STORE : attempts_take_run(fd, &holder, err);
    if (!code) code = journal_open(d->folder, &journal, err);
    if (!code) code = state_read(&d->arena, journal, &state, err);
    if (!code) decisions_list(&d->arena, d->folder, &files, &count);
    for (size_t i = 0; i < count && !code; i++) code = take_one(d, journal, &state, &files[i].request, err);
    if (!code && journal_waiting(journal) > 0) {
        code = journal_take(journal, &fence, err);
        if (!code) code = journal_commit(journal, true, err);
    }
    for (size_t i = 0; i < count && !code; i++) decisions_forget(d->folder, files[i].name);
    journal_close(&journal, !code && run_status_ended(state.status));
    return code;
}

/* -1: no engine lives, and the run is not ours. Another user may write nothing there but the decision's file. */
static int
leave_it(struct ruling *d)
{
    const char *id = view_short_id(strrchr(d->folder, '/') + 1);
    if (d->json) {
        struct value *ret = value_map(&d->arena);
        value_set(&d->arena, ret, "run", value_text(&d->arena, strrchr(d->folder, '/') + 1));
        value_set(&d->arena, ret, "step", value_text(&d->arena, d->request.step));
        value_set(&d->arena, ret, "decision", value_text(&d->arena, d->request.reject ? "reject" : "approve"));
        value_set(&d->arena, ret, "who", value_text(&d->arena, d->request.who));
        value_set(&d->arena, ret, "left", value_bool(&d->arena, true));
        puts(json_text(&d->arena, ret));
    }
    fprintf(stderr, "step \"%s\": your decision is left with the run\n", d->request.step);
    fprintf(stderr, "  its owner takes it with: levada resume %s\n", id);
    return -1;
}

/* Until it is taken. */
static int
hand_over(struct ruling *d, struct err *err)
{
    int64_t until_ms = clock_monotonic_ms() + WAIT_MS;
    for (int told = 0; decisions_has(d->folder, d->file);) {
        int holder = attempts_engine(d->folder), code = 0;
        /* Between look and signal it may end: then nobody holds the run any more. */
        if (holder > 0 && holder != told && kill(holder, SIGUSR1) == 0) told = holder;
        if (holder <= 0 && d->foreign) return leave_it(d);
        if (holder <= 0) code = take_all(d, err);
        if (code == 0 && holder <= 0) continue;
        if (code != 0 && code != EXIT_HELD) return code;
        if (clock_monotonic_ms() > until_ms) {
            err_set(err, EXIT_HELD, "process %d holds the run and has not taken it yet", holder);
            err_hint(err, "It is kept, and counts when the run goes on. %s",
                     holder > 0 && marked_is_stopped(holder) ? "That process is stopped by a signal." : "");
            return EXIT_HELD;
        }
        poll(NULL, 0, 20);
    }
    return 0;
}

static void
say_json(struct ruling *d, const struct run_state *state, const struct step_state *step)
{
    struct arena *arena = &d->arena;
    struct value *ret = value_map(arena);
    value_set(arena, ret, "run", value_text(arena, state->id));
    value_set(arena, ret, "step", value_text(arena, step->step->id));
    if (step->item != NULL) value_set(arena, ret, "item", value_text(arena, step->item));
    value_set(arena, ret, "decision", value_text(arena, d->request.reject ? "reject" : "approve"));
    value_set(arena, ret, "who", value_text(arena, d->request.who));
    value_set(arena, ret, "granted", value_bool(arena, step->approval->granted));
    value_set(arena, ret, "approvals", value_int(arena, approval_count(step->approval)));
    value_set(arena, ret, "min", value_int(arena, step->approval->min));
    value_set(arena, ret, "status", value_text(arena, step_status_name(step->status)));
    puts(json_text(arena, ret));
}

static void
say(struct ruling *d, const struct run_state *state, const struct step_state *step, bool again)
{
    const struct approval_state *approval = step->approval;
    const char *id = view_short_id(state->id);
    if (d->json) say_json(d, state, step);
    const char *name = step->item == NULL ? arena_printf(&d->arena, "step \"%s\"", step->step->id)
                                          : arena_printf(&d->arena, "step \"%s\", item \"%s\",", step->step->id,
                                                         step->item);
    if (d->request.reject) fprintf(stderr, "%s is rejected\n", name);
    else if (again) fprintf(stderr, "%s: you have approved it already\n", name);
    if (!d->request.reject && !approval->granted && step->status == STEP_PARKED_STATUS)
        fprintf(stderr, "%s has %u of %u approvals\n  it waits for another user\n", name, approval_count(approval),
                approval->min);
    else if (!d->request.reject && !again)
        fprintf(stderr, "%s is approved\n", name);
    if ((!approval->granted && !approval->rejected) || (again && step->status != STEP_READY_STATUS)) return;
    int holder = attempts_engine(d->folder);
    if (holder > 0) fprintf(stderr, "  the run goes on (pid %d): levada show %s\n", holder, id);
    else if (!run_status_ended(state->status)) fprintf(stderr, "  go on with: levada resume %s\n", id);
}

/* As the journal tells it. */
static int
say_outcome(struct ruling *d, struct err *err)
{
    struct run_state state;
    const struct value *data = NULL;
    int code = state_load(&d->arena, d->folder, &state, err);
    if (code) return code;
    const struct step_state *step = state_step(&state, d->request.step, d->request.item);
    for (size_t i = 0; step != NULL && step->approval != NULL && i < step->approval->napprovers; i++)
        if (str_eq(step->approval->approvers[i].request ? step->approval->approvers[i].request : "", d->request.id)) {
            say(d, &state, step, false);
            return 0;
        }
    code = approval_judge(&d->arena, &state, &d->request, false, &data, err);
    if (!code && data == NULL) say(d, &state, step, true);
    else if (!code) code = err_set(err, EXIT_STORE, "the decision was not taken");
    return code;
}

/* What is asked about has a name of its own: the step's, or that of an item. */
static int
find_none(struct ruling *d, const struct run_state *state, const struct step_state *loop, struct err *err)
{
    const char *near = state_nearest(state, d->request.step);
    for (size_t i = 0; i < state->nsteps; i++) {
        const struct step_state *step = &state->steps[i];
        if (step->status != STEP_PARKED_STATUS || !str_eq(step->step->id, d->request.step)) continue;
        near = state_address(&d->arena, step);
        break;
    }
    if (loop != NULL)
        err_set(err, EXIT_USAGE, "step \"%s\" is a loop, and each of its items is asked about by itself",
                d->request.step);
    else if (d->request.item != NULL)
        err_set(err, EXIT_USAGE, "run %s has no step \"%s\" with an item \"%s\"", state->id, d->request.step,
                d->request.item);
    else err_set(err, EXIT_USAGE, "run %s has no step \"%s\"", state->id, d->request.step);
    if (near != NULL) err_hint(err, loop != NULL ? "One that waits: %s" : "Did you mean \"%s\"?", near);
    return EXIT_USAGE;
}

/* What can be known beforehand is said before anything is written. 1: nothing is to be done, and that was said. */
static int
look(struct ruling *d, struct err *err)
{
    struct run_state state;
    const struct value *data;
    int code = state_load(&d->arena, d->folder, &state, err);
    if (code) return code;
    const struct step_state *step = state_step(&state, d->request.step, d->request.item);
    if (step == NULL || (step->step->approve != NULL && step->step->approve->of_item && !step->is_item))
        return find_none(d, &state, step, err);
    int elsewhere = session_holder_elsewhere(d->folder);
    if (elsewhere)
        return err_set(err, EXIT_HELD, "the engine of run %s works in another pid namespace (pid %d there) and cannot "
                       "be told from here", state.id, elsewhere);
    if (step->approval != NULL) say_who(d, step);
    code = approval_judge(&d->arena, &state, &d->request, false, &data, err);
    if (code || data != NULL) return code;
    say(d, &state, step, true);
    return -1;
}

static int
decide(struct ruling *d, int argc, char **argv)
{
    struct err err = {0};
    d->input = value_map(&d->arena);
    d->request.why = "";
    int code = parse_arguments(d, argc, argv);
    if (code) return code < 0 ? EXIT_OK : code;
    if (d->input->map.count) d->request.input = d->input;
    code = store_run_find(&d->arena, d->run, &d->folder, &err);
    struct stat st;
    if (!code) d->foreign = stat(d->folder, &st) == 0 && st.st_uid != geteuid();
    if (!code) code = look(d, &err);
    if (code < 0) return EXIT_OK;
    if (!code) code = decisions_leave(&d->arena, d->folder, &d->request, &d->file, &err);
    if (!code) code = hand_over(d, &err);
    if (code < 0) return EXIT_OK;
    if (!code) code = say_outcome(d, &err);
    return code ? cli_fail(&err) : EXIT_OK;
}

int
cmd_approve(int argc, char **argv)
{
    struct ruling ruling = {.usage = USAGE_APPROVE};
    int code = decide(&ruling, argc, argv);
    arena_release(&ruling.arena);
    return code;
}

int
cmd_reject(int argc, char **argv)
{
    struct ruling ruling = {.usage = USAGE_REJECT, .request = {.reject = true}};
    int code = decide(&ruling, argc, argv);
    arena_release(&ruling.arena);
    return code;
}
