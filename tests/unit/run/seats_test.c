/* SPDX-License-Identifier: Apache-2.0
 *
 * Seats: who may begin, who waits, and what the dead leave behind. The crowd at the end is of processes that hold,
 * wait and are killed; that two are never inside is judged by files that nobody else can have made.
 */
#include "run/seats.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "check.h"
#include "run/folder.h"
#include "run/journal.h"

#define RUN_A "0aaaaaaaaaaaaaaaaaaaaaaaaa"
#define RUN_B "0bbbbbbbbbbbbbbbbbbbbbbbbb"
#define RUN_C "0ccccccccccccccccccccccccc"

static char state[64];
static struct arena arena;

static void
fresh(void)
{
    snprintf(state, sizeof state, "/tmp/levada-seats-XXXXXX");
    CHECK_FATAL(mkdtemp(state) != NULL);
}

static void
done(void)
{
    CHECK_INT(folder_remove(state), 0);
    arena_release(&arena);
}

static struct seats
open_seats(enum seats_kind kind, const char *name)
{
    struct seats seats;
    struct err err = {0};
    CHECK_FATAL(seats_open(&seats, &arena, state, kind, name, false, &err) == 0);
    return seats;
}

static bool
never(void *context, uint32_t record, const char *step)
{
    (void)context;
    (void)record;
    (void)step;
    return false;
}

/* 0 or 1; *fd is -1 without a seat. */
static int
take(struct seats *seats, const char *run, const char *marker, uint32_t limit, unsigned flags, int watch,
     struct seats_look *look, int *fd)
{
    struct err err = {0};
    const struct seats_own own = {.run = run, .at_work = never};
    *fd = -1;
    int code = seats_take(seats, marker, &own, limit, flags, watch, &arena, look, fd, &err);
    if (code > 1) printf("\n%s\n", err.message);
    CHECK(code <= 1);
    return code;
}

static void
a_full_group_has_no_seat_and_names_its_holder(void)
{
    struct seats_look look;
    int a, b, c;
    fresh();
    struct seats seats = open_seats(SEATS_GROUP, "one");
    CHECK_INT(take(&seats, RUN_A, RUN_A, 1, 0, -1, &look, &a), 0);
    CHECK_INT(take(&seats, RUN_B, RUN_B, 1, 0, -1, &look, &b), 1);
    CHECK_INT(look.nholders, 1);
    CHECK_STR(look.holders[0], RUN_A);
    CHECK_INT(take(&seats, RUN_B, RUN_B, 2, 0, -1, &look, &b), 0);
    CHECK_INT(take(&seats, RUN_C, RUN_C, 1, SEATS_FORCE, -1, &look, &c), 0);
    seats_release(&seats, RUN_A);
    seats_release(&seats, RUN_C);
    CHECK_INT(take(&seats, RUN_C, RUN_C, 2, 0, -1, &look, &c), 0);
    fd_close(&a);
    fd_close(&b);
    fd_close(&c);
    seats_close(&seats, -1);
    done();
}

static void
a_seat_is_held_by_whoever_has_its_description(void)
{
    struct seats_look look;
    int a, b, pipes[2];
    char byte;
    fresh();
    struct seats seats = open_seats(SEATS_POOL, "db");
    CHECK_INT(take(&seats, RUN_A, RUN_A ".1.s", 1, 0, -1, &look, &a), 0);
    CHECK_FATAL(pipe(pipes) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(pipes[1]);
        (void)!read(pipes[0], &byte, 1);
        _exit(0);
    }
    close(pipes[0]);
    fd_close(&a);
    CHECK_INT(take(&seats, RUN_B, RUN_B ".1.s", 1, 0, -1, &look, &b), 1);
    close(pipes[1]);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
    /* Its run has no folder, so nothing says any more that it is taken. */
    CHECK_INT(take(&seats, RUN_B, RUN_B ".1.s", 1, 0, -1, &look, &b), 0);
    CHECK(access(arena_printf(&arena, "%s/pools/db/" RUN_A ".1.s", state), F_OK) != 0);
    fd_close(&b);
    seats_close(&seats, -1);
    done();
}

static void
a_run_s_own_marker_is_its_own_again(void)
{
    struct seats_look look;
    int a, again;
    fresh();
    struct seats seats = open_seats(SEATS_GROUP, "one");
    CHECK_INT(take(&seats, RUN_A, RUN_A, 1, 0, -1, &look, &a), 0);
    struct seats resumer = open_seats(SEATS_GROUP, "one");
    CHECK_INT(take(&resumer, RUN_A, RUN_A, 1, SEATS_QUEUE, -1, &look, &again), 0);
    CHECK_INT(again, -1); /* a worker has it */
    fd_close(&a);
    CHECK_INT(take(&resumer, RUN_A, RUN_A, 1, SEATS_QUEUE, -1, &look, &again), 0);
    CHECK(again >= 0);
    fd_close(&again);
    seats_close(&seats, -1);
    seats_close(&resumer, -1);
    done();
}

static bool
told(int watch, int ms)
{
    char events[4096];
    struct pollfd fds = {.fd = watch, .events = POLLIN};
    bool ret = poll(&fds, 1, ms) == 1;
    while (read(watch, events, sizeof events) > 0) continue;
    return ret;
}

static void
those_who_wait_are_told_in_their_order(void)
{
    struct seats_look look;
    int a, b, c;
    int watch_b = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), watch_c = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    fresh();
    struct seats first = open_seats(SEATS_GROUP, "one"), second = open_seats(SEATS_GROUP, "one"),
                 third = open_seats(SEATS_GROUP, "one");
    CHECK_INT(take(&first, RUN_A, RUN_A, 1, SEATS_QUEUE, -1, &look, &a), 0);
    CHECK_INT(take(&second, RUN_B, RUN_B, 1, SEATS_QUEUE, watch_b, &look, &b), 1);
    CHECK_INT(look.nahead, 0);
    CHECK_INT(take(&third, RUN_C, RUN_C, 1, SEATS_QUEUE, watch_c, &look, &c), 1);
    CHECK_INT(look.nahead, 1);
    CHECK_STR(look.ahead[0], RUN_B);
    CHECK(!told(watch_b, 0));
    CHECK(!told(watch_c, 0));
    seats_release(&first, RUN_A);
    CHECK(told(watch_b, 1000));
    CHECK(!told(watch_c, 0)); /* not its turn, so it sleeps on */
    CHECK_INT(take(&third, RUN_C, RUN_C, 1, SEATS_QUEUE, watch_c, &look, &c), 1);
    CHECK_INT(take(&second, RUN_B, RUN_B, 1, SEATS_QUEUE, watch_b, &look, &b), 0);
    CHECK(told(watch_c, 1000));
    CHECK_INT(take(&third, RUN_C, RUN_C, 1, SEATS_QUEUE, watch_c, &look, &c), 1);
    CHECK_INT(look.nahead, 0);
    CHECK_STR(look.holders[0], RUN_B);
    fd_close(&b); /* as when its last process dies */
    CHECK(told(watch_c, 1000));
    CHECK_INT(take(&third, RUN_C, RUN_C, 1, SEATS_QUEUE, watch_c, &look, &c), 0);
    fd_close(&a);
    fd_close(&c);
    seats_close(&first, -1);
    seats_close(&second, watch_b);
    seats_close(&third, watch_c);
    close(watch_b);
    close(watch_c);
    done();
}

static void
who_wants_more_lets_others_in_between(void)
{
    struct seats_look look;
    int a, b, watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    fresh();
    struct seats one = open_seats(SEATS_POOL, "db"), other = open_seats(SEATS_POOL, "db");
    CHECK_INT(take(&one, RUN_A, RUN_A ".1.s", 1, 0, -1, &look, &a), 0);
    CHECK_INT(take(&one, RUN_A, RUN_A ".2.t", 1, SEATS_QUEUE | SEATS_MORE, watch, &look, &b), 1);
    CHECK_INT(take(&other, RUN_B, RUN_B ".1.s", 1, SEATS_QUEUE, watch, &look, &b), 1);
    fd_close(&a);
    CHECK_INT(take(&one, RUN_A, RUN_A ".2.t", 1, SEATS_QUEUE | SEATS_MORE, watch, &look, &a), 0);
    CHECK_INT(take(&one, RUN_A, RUN_A ".3.u", 1, SEATS_QUEUE | SEATS_MORE, watch, &look, &b), 1);
    CHECK_STR(look.ahead[0], RUN_B); /* it went behind */
    fd_close(&a);
    CHECK_INT(take(&other, RUN_B, RUN_B ".1.s", 1, SEATS_QUEUE, watch, &look, &b), 0);
    fd_close(&b);
    seats_close(&one, watch);
    seats_close(&other, watch);
    close(watch);
    done();
}

static void
any_text_is_a_group_and_no_two_are_one(void)
{
    static const char *const names[] = {"one", "One", "one/../two", "..", "load / x", "load / y",
                                        ("q-000000000001-" RUN_A),
                                        "a name that is longer than any folder's name should be, and goes on and on"};
    struct seats seats[CHECK_COUNT(names)];
    fresh();
    for (size_t i = 0; i < CHECK_COUNT(names); i++) {
        char *text = NULL;
        size_t size;
        struct err err;
        seats[i] = open_seats(SEATS_GROUP, names[i]);
        CHECK(str_starts(seats[i].path, arena_printf(&arena, "%s/groups/", state)));
        CHECK(strchr(seats[i].path + strlen(state) + strlen("/groups/"), '/') == NULL);
        for (size_t k = 0; k < i; k++) CHECK(!str_eq(seats[i].path, seats[k].path));
        CHECK_INT(fd_read_file(&arena, arena_printf(&arena, "%s/name", seats[i].path), KIB, &text, &size, &err), 0);
        CHECK_STR(text, names[i]);
    }
    for (size_t i = 0; i < CHECK_COUNT(names); i++) seats_close(&seats[i], -1);
    done();
}

/* ---- what journals say -------------------------------------------------------------------------------- */

struct line {
    enum event_type type;
    const char *step, *json;
};

static bool
claimed(const char *marker, const struct line *lines, size_t count)
{
    struct journal *journal = NULL;
    struct err err = {0};
    const char *folder = arena_printf(&arena, "%s/runs/" RUN_A, state);
    fresh();
    folder = arena_printf(&arena, "%s/runs/" RUN_A, state);
    CHECK_FATAL(fd_make_folder(folder, &err) == 0);
    CHECK_FATAL(journal_create(folder, RUN_A, "{}", false, &journal, &err) == 0);
    for (size_t i = 0; i < count; i++) {
        const struct value *data = NULL;
        CHECK_FATAL(json_parse(&arena, lines[i].json, strlen(lines[i].json), &data, &err) == 0);
        struct event event = {.time_ms = 1, .type = lines[i].type, .step = lines[i].step, .data = data};
        journal_append(journal, &event);
    }
    CHECK_INT(journal_commit(journal, false, &err), 0);
    journal_close(&journal, false);
    bool ret = seat_claimed(state, marker);
    done();
    return ret;
}

static void
a_run_claims_its_group_until_it_has_ended(void)
{
    static const struct line lines[] = {
        {EVENT_RUN_CREATED, NULL, "{}"}, {EVENT_RUN_STARTED, NULL, "{}"}, {EVENT_RUN_STOPPED, NULL, "{}"},
        {EVENT_RUN_STARTED, NULL, "{}"}, {EVENT_RUN_FINISHED, NULL, "{}"}, {EVENT_CANCEL_ASKED, NULL, "{}"},
        {EVENT_RUN_RETRIED, NULL, "{}"}};
    static const bool want[] = {true, true, true, true, false, false, true};
    for (size_t i = 0; i < CHECK_COUNT(lines); i++) CHECK_INT(claimed(RUN_A, lines, i + 1), want[i]);
    fresh();
    CHECK(!seat_claimed(state, RUN_A)); /* no such run */
    CHECK_INT(mkdir(arena_printf(&arena, "%s/runs", state), 0700), 0);
    CHECK_INT(mkdir(arena_printf(&arena, "%s/runs/" RUN_A, state), 0700), 0);
    CHECK(seat_claimed(state, RUN_A)); /* a journal that cannot be read */
    done();
}

static void
a_step_claims_its_slot_while_its_attempt_is_open_or_unknown(void)
{
    static const struct line head = {EVENT_STEP_INTENT, "s", "{\"record\":7}"};
    static const struct {
        struct line line;
        bool want;
    } rows[] = {
        {{EVENT_STEP_CHECKPOINT, "s", "{}"}, true},
        {{EVENT_STEP_RETRY, "s", "{}"}, false},
        {{EVENT_STEP_VANISHED, "s", "{}"}, false},
        {{EVENT_STEP_INTENT, "s", "{\"record\":9}"}, false},
        {{EVENT_STEP_INTENT, "other", "{\"record\":9}"}, true},
        {{EVENT_STEP_FINISHED, "s", "{\"status\":\"unknown\"}"}, true},
        {{EVENT_STEP_FINISHED, "s", "{\"status\":\"failed\"}"}, false},
        {{EVENT_STEP_FINISHED, "other", "{\"status\":\"failed\"}"}, true},
        {{EVENT_RUN_STOPPED, NULL, "{}"}, true},
        {{EVENT_RUN_FINISHED, NULL, "{}"}, false},
    };
    for (size_t i = 0; i < CHECK_COUNT(rows); i++)
        CHECK_INT(claimed(RUN_A ".7.s", (const struct line[]){head, rows[i].line}, 2), rows[i].want);
    CHECK(!claimed(RUN_A ".8.s", &head, 1)); /* taken, and never begun */
    const struct line settled[] = {head, {EVENT_STEP_FINISHED, "s", "{\"status\":\"unknown\"}"},
                                   {EVENT_STEP_RESOLVED, "s", "{\"decision\":\"redo\"}"}};
    CHECK(!claimed(RUN_A ".7.s", settled, 3));
}

/* ---- a crowd ------------------------------------------------------------------------------------------ */

#define CROWD 12 /* half of them are killed */
#define ROUNDS 25
#define SLOTS 3

static bool
lock_cell(int cell, int type)
{
    struct flock range = {.l_type = (short)type, .l_whence = SEEK_SET};
    /* A lock of the process: the kernel takes those of a dead one away before it closes what it had open. */
    return fcntl(cell, F_SETLK, &range) == 0;
}

/* There are as many cells as seats: who has a seat and finds no cell is one too many. */
static void
be_inside(const int *cells)
{
    for (int i = 0; i < SLOTS; i++) {
        if (!lock_cell(cells[i], F_WRLCK)) continue;
        poll(NULL, 0, (int)arc4random_uniform(3));
        (void)lock_cell(cells[i], F_UNLCK);
        return;
    }
    _exit(8);
}

/* One of the crowd: waits for a seat, is inside, goes, comes again. Its exit code says what was wrong. */
static void
member(void)
{
    struct arena mine = {0};
    struct seats seats;
    struct err err = {0};
    struct seats_look look;
    char run[ID_SIZE];
    int cells[SLOTS];
    for (int i = 0; i < SLOTS; i++)
        cells[i] = open(arena_printf(&mine, "%s/cell-%d", state, i), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    id_new(run);
    const struct seats_own own = {.run = run, .at_work = never};
    if (seats_open(&seats, &mine, state, SEATS_POOL, "crowd", false, &err) != 0) _exit(2);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        char marker[SEAT_NAME_SIZE];
        int fd = -1, code;
        int64_t since = clock_monotonic_ms();
        seat_name(marker, run, round + 1, "s");
        while ((code = seats_take(&seats, marker, &own, SLOTS, SEATS_QUEUE, watch, &mine, &look, &fd, &err)) == 1) {
            /* Nobody looks by himself here: who is not told waits for ever, and is found out. */
            struct pollfd fds = {.fd = watch, .events = POLLIN};
            char events[4096];
            if (poll(&fds, 1, look.busy ? 5 : 10000) == 0 && !look.busy) _exit(5);
            while (read(watch, events, sizeof events) > 0) continue;
            if (clock_monotonic_ms() - since > 20000) _exit(6);
        }
        if (code != 0 || fd < 0) _exit(7);
        be_inside(cells);
        if (round % 2) seats_release(&seats, marker);
        fd_close(&fd);
    }
    seats_close(&seats, watch);
    _exit(0);
}

static pid_t
start_member(void)
{
    pid_t pid = fork();
    if (pid == 0) member();
    return pid;
}

static void
a_crowd_never_fills_more_seats_than_there_are(void)
{
    pid_t pids[CROWD];
    size_t killed = 0, living = 0;
    fresh();
    for (size_t i = 0; i < CROWD; i++, living++) pids[i] = start_member();
    while (living > 0) {
        poll(NULL, 0, 5);
        size_t victim = arc4random_uniform(CROWD);
        if (killed < CROWD / 2 && pids[victim] > 0 && kill(pids[victim], SIGKILL) == 0) killed++;
        for (size_t i = 0; i < CROWD; i++) {
            int status;
            if (pids[i] <= 0 || waitpid(pids[i], &status, WNOHANG) != pids[i]) continue;
            pids[i] = 0;
            living--;
            if (WIFEXITED(status)) CHECK_INT(WEXITSTATUS(status), 0);
            else CHECK_INT(WTERMSIG(status), SIGKILL);
        }
    }
    CHECK(killed > 0);
    done();
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a full group has no seat and names its holder", a_full_group_has_no_seat_and_names_its_holder},
        {"a seat is held by whoever has its description", a_seat_is_held_by_whoever_has_its_description},
        {"a run's own marker is its own again", a_run_s_own_marker_is_its_own_again},
        {"those who wait are told in their order", those_who_wait_are_told_in_their_order},
        {"who wants more lets others in between", who_wants_more_lets_others_in_between},
        {"any text is a group and no two are one", any_text_is_a_group_and_no_two_are_one},
        {"a run claims its group until it has ended", a_run_claims_its_group_until_it_has_ended},
        {"a step claims its slot while its attempt is open or unknown",
         a_step_claims_its_slot_while_its_attempt_is_open_or_unknown},
        {"a crowd never fills more seats than there are", a_crowd_never_fills_more_seats_than_there_are},
    };
    return check_main("seats", tests, CHECK_COUNT(tests), argc, argv);
}
