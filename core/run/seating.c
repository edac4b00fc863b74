/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's side of seats: its run's place in a group, and slots of pools for its steps. What waits here is shown,
 * journalled once, and looked at again when the kernel says that something changed; a slow look finds what it does
 * not say (an outcome that a person settled). Runs without a group and steps without a pool never come here.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/str.h"
#include "run/engine_internal.h"
#include "run/requests.h"
#include "run/seats.h"

#define LOOK_FIRST_MS 2000   /* the first of a queue: a journal may have changed, which no watch tells */
#define LOOK_BEHIND_MS 10000 /* others: their turn is told by the one before them */
#define LOOK_BLIND_MS 300    /* the user's inotify instances are used up */
#define LOOK_BUSY_MS 10      /* somebody looks just now; doubled each time, for one that was stopped while it did */
#define LOOK_BUSY_DOUBLED 6
#define ASK_AGAIN_MS 60000   /* a holder that was asked for its end */
#define ASKED_MAX 64

extern char **environ;

struct pool {
    const char *name;
    struct seats seats;
    size_t *waiting;       /* steps, first come first */
    size_t nwaiting, capacity;
    bool look;             /* look again in this turn */
    int64_t look_at_ms;    /* monotonic; 0: nothing waits */
};

struct seating {
    const char *state_folder;
    int watch;             /* inotify; -1: none */
    struct seats group;
    bool group_open, group_look;
    int64_t group_since_ms, group_look_at_ms;
    const char *group_text; /* as journalled last */
    struct pool *pools;
    size_t npools, pools_capacity;
    unsigned busy;         /* looks in a row that found somebody else looking */
    pid_t helper;          /* a `levada cancel` of ours, 0: none */
    struct { char run[ID_SIZE]; int64_t at_ms; } asked[ASKED_MAX];
    size_t nasked;
};

static struct seating *
seating_of(struct engine *e)
{
    if (e->seating != NULL) return e->seating;
    struct seating *s = ARENA_NEW(&e->arena, struct seating);
    *s = (struct seating){.state_folder = seats_state_folder(&e->arena, e->folder), .watch = -1};
    return e->seating = s;
}

static int
watch_of(struct seating *s)
{
    if (s->watch < 0) s->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    return s->watch;
}

static bool
at_work(void *context, uint32_t record, const char *id)
{
    const struct engine *e = context;
    for (size_t i = 0; i < e->state.nsteps; i++) {
        const struct step_state *step = &e->state.steps[i];
        if (step->nattempts == 0 || step->attempts[step->nattempts - 1].record != record) continue;
        return str_eq(step->step->id, id) &&
               (step->status == STEP_RUNNING_STATUS || step->status == STEP_UNKNOWN_STATUS);
    }
    return false;
}

static int64_t
next_look(const struct engine *e, const struct seats_look *look)
{
    struct seating *s = e->seating;
    s->busy = look->busy ? s->busy + (s->busy < LOOK_BUSY_DOUBLED) : 0;
    int64_t wait = look->busy                    ? LOOK_BUSY_MS << s->busy
                   : s->watch < 0       ? LOOK_BLIND_MS
                   : look->nahead > 0            ? LOOK_BEHIND_MS
                                                 : LOOK_FIRST_MS;
    return e->tick_ms + wait;
}

static const char *
folder_of(struct engine *e, const char *run)
{
    return arena_printf(&e->turn, "%s/runs/%s", e->seating->state_folder, run);
}

/* ---- who has it, in words ----------------------------------------------------------------------------- */

static const char *
holder_text(struct engine *e, const char *marker)
{
    const char *run = seat_run(&e->turn, marker), *dot = strchr(marker, '.');
    const char *step = dot != NULL ? strchr(dot + 1, '.') : NULL;
    if (step != NULL)
        return str_eq(run, e->state.id) ? arena_printf(&e->turn, "step %s", step + 1)
                                        : arena_printf(&e->turn, "step %s of run %s", step + 1, run);
    pid_t pid = attempts_engine(folder_of(e, run));
    return pid > 0 ? arena_printf(&e->turn, "run %s (pid %d)", run, (int)pid)
                   : arena_printf(&e->turn, "run %s, which no engine works on (`levada resume` or `levada cancel` it)",
                                  run);
}

static const char *
holders_text(struct engine *e, const struct seats_look *look)
{
    const char *text = "";
    for (size_t i = 0; i < look->nholders && i < 3; i++)
        text = arena_printf(&e->turn, "%s%s%s", text, i ? ", " : "", holder_text(e, look->holders[i]));
    if (look->nholders > 3) text = arena_printf(&e->turn, "%s and %zu more", text, look->nholders - 3);
    return text;
}

static const struct value *
holders_value(struct engine *e, const struct seats_look *look)
{
    struct value *list = value_list(&e->turn);
    for (size_t i = 0; i < look->nholders && i < 100; i++) {
        const char *dot = strchr(look->holders[i], '.'), *step = dot != NULL ? strchr(dot + 1, '.') : NULL;
        struct value *map = value_map(&e->turn);
        value_set(&e->turn, map, "run", value_text(&e->turn, seat_run(&e->turn, look->holders[i])));
        if (step != NULL) value_set(&e->turn, map, "step", value_text(&e->turn, step + 1));
        value_push(&e->turn, list, map);
    }
    return list;
}

/* ---- replacing others --------------------------------------------------------------------------------- */

static void
reap_helper(struct seating *s)
{
    if (s->helper > 0 && waitpid(s->helper, NULL, WNOHANG) != 0) s->helper = 0;
}

/* Nobody works on that run: `levada cancel` ends what is left of it, as a person would. */
static void
start_helper(struct engine *e, const char *folder, const char *why)
{
    struct seating *s = e->seating;
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t actions;
    sigset_t none, all;
    char *const argv[] = {arena_strdup(&e->turn, "levada"), arena_strdup(&e->turn, "cancel"),
                          arena_strdup(&e->turn, "--quiet"), arena_strdup(&e->turn, "--reason"),
                          arena_strdup(&e->turn, why), arena_strdup(&e->turn, folder), NULL};
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd <= 2; fd++) posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    if (posix_spawn(&s->helper, "/proc/self/exe", &actions, &attr, argv, environ) != 0) s->helper = 0;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
}

/* False: there is no way to ask just now. */
static bool
ask_run(struct engine *e, const char *run)
{
    struct err err;
    const char *folder = folder_of(e, run);
    const char *why = arena_printf(&e->turn, "replaced by run %s", e->state.id);
    pid_t pid = attempts_engine(folder);
    if (pid > 0) {
        if (requests_ask_cancel(folder, requests_who(&e->turn), why, &err) != 0) return false;
        if (kill(pid, SIGUSR1) == 0) {
            engine_note(e, "asked run %s (pid %d) for its end: this run replaces it", run, (int)pid);
            return true;
        }
    }
    if (e->seating->helper > 0) return false;
    engine_note(e, "cancelling run %s, which no engine works on: this run replaces it", run);
    start_helper(e, folder, why);
    return true;
}

static void
replace_run(struct engine *e, const char *run)
{
    struct seating *s = e->seating;
    size_t i = 0;
    if (str_eq(run, e->state.id)) return;
    while (i < s->nasked && !str_eq(s->asked[i].run, run)) i++;
    if (i < s->nasked && e->tick_ms - s->asked[i].at_ms < ASK_AGAIN_MS) return;
    if (!ask_run(e, run)) return;
    if (i == ASKED_MAX) i = 0;
    if (i == s->nasked) s->nasked++;
    snprintf(s->asked[i].run, sizeof s->asked[i].run, "%s", run);
    s->asked[i].at_ms = e->tick_ms;
}

/* ---- the group ---------------------------------------------------------------------------------------- */

static void
group_queued(struct engine *e, const struct seats_look *look, const struct err *err)
{
    struct seating *s = e->seating;
    const struct concurrency *concurrency = &e->state.model->concurrency;
    const char *text;
    if (look->busy) return;
    if (err->code) text = arena_printf(&e->turn, "waiting for group \"%s\": %s", e->state.group, err->message);
    else if (look->nahead > 0)
        text = arena_printf(&e->turn, "waiting for group \"%s\", behind run %s", e->state.group, look->ahead[0]);
    else text = arena_printf(&e->turn, "waiting for group \"%s\", held by %s", e->state.group, holders_text(e, look));
    if (s->group_text != NULL && str_eq(s->group_text, text)) return;
    s->group_text = arena_strdup(&e->arena, text);
    struct value *data = value_map(&e->turn);
    value_set(&e->turn, data, "group", value_text(&e->turn, e->state.group));
    value_set(&e->turn, data, "limit", value_int(&e->turn, concurrency->limit));
    value_set(&e->turn, data, "overlap", value_text(&e->turn, overlap_name(concurrency->overlap)));
    value_set(&e->turn, data, "held_by", holders_value(e, look));
    value_set(&e->turn, data, "reason", engine_reason(e, "group", "%s", text));
    engine_emit(e, EVENT_RUN_QUEUED, NULL, data);
}

static unsigned
group_flags(const struct engine *e)
{
    if (e->state.seated) return SEATS_FORCE; /* it had its seat before its engine ended */
    switch (e->state.model->concurrency.overlap) {
    case OVERLAP_ALLOW: return SEATS_FORCE;
    case OVERLAP_REPLACE: return SEATS_QUEUE | SEATS_ALL;
    case OVERLAP_QUEUE: case OVERLAP_SKIP: break;
    }
    return SEATS_QUEUE;
}

static int
take_group(struct engine *e, struct seats_look *look, struct err *err)
{
    struct seating *s = e->seating;
    const struct seats_own own = {.run = e->state.id, .at_work = at_work, .context = e};
    return seats_take(&s->group, e->state.id, &own, e->state.model->concurrency.limit, group_flags(e), s->watch,
                      &e->turn, look, &e->group_seat, err);
}

int
seating_open(struct engine *e, struct err *err)
{
    struct seats_look look;
    if (e->state.group == NULL) return 0;
    struct seating *s = seating_of(e);
    bool durable = e->state.model->power;
    int code = seats_open(&s->group, &e->arena, s->state_folder, SEATS_GROUP, e->state.group, durable, err);
    if (code) return code;
    s->group_open = s->group_look = true;
    s->group_since_ms = e->tick_ms;
    if (!e->state.seated) return 0;
    for (int round = 0; round == 0 || (code == 1 && round < 50); round++) code = take_group(e, &look, err);
    if (code == 1)
        return err_set(err, EXIT_HELD, "group \"%s\" is locked by a process that does not move", e->state.group);
    return code;
}

/* Do all that hold the group wait for a person? */
static bool
nobody_makes_room(struct engine *e, const struct seats_look *look)
{
    for (size_t i = 0; i < look->nholders; i++) {
        const char *run = seat_run(&e->turn, look->holders[i]);
        if (attempts_engine(folder_of(e, run)) > 0) return false;
    }
    return look->nholders > 0 && look->nahead == 0 && !look->busy;
}

/* Whoever replaces us has asked for our end before it asked the holder: with that one's place comes the request. */
static bool
cancelled_meanwhile(struct engine *e)
{
    const char *who, *why;
    if (e->seating->group_look_at_ms == 0 || !requests_cancel(&e->turn, e->folder, &who, &why)) return false;
    seats_release(&e->seating->group, e->state.id);
    fd_close(&e->group_seat);
    turn_cancel(e, who, why);
    return true;
}

bool
seating_group(struct engine *e)
{
    struct seating *s = e->seating;
    struct seats_look look = {0};
    struct err err = {0};
    if (e->state.group == NULL || e->state.seated) return true;
    if (!s->group_look && e->tick_ms < s->group_look_at_ms) return false;
    s->group_look = false;
    (void)watch_of(s);
    reap_helper(s);
    int code = take_group(e, &look, &err);
    if (code == 0 && cancelled_meanwhile(e)) return false;
    if (code == 0) {
        struct value *data = value_map(&e->turn);
        value_set(&e->turn, data, "group", value_text(&e->turn, e->state.group));
        value_set(&e->turn, data, "waited_ms", value_int(&e->turn, e->tick_ms - s->group_since_ms));
        engine_emit(e, EVENT_RUN_SEATED, NULL, data);
        s->group_look_at_ms = 0;
        return true;
    }
    group_queued(e, &look, &err);
    if (e->state.model->concurrency.overlap == OVERLAP_REPLACE && !look.busy && code == 1) {
        /* Those that wait first: when the holder's place comes free, they know already. */
        for (size_t i = 0; i < look.nahead; i++) replace_run(e, look.ahead[i]);
        for (size_t i = 0; i < look.nholders; i++) replace_run(e, seat_run(&e->turn, look.holders[i]));
    }
    s->group_look_at_ms = next_look(e, &look);
    /* Another engine may just be starting: it gets a moment. */
    if (e->options->no_wait && e->tick_ms - s->group_since_ms > LOOK_FIRST_MS && nobody_makes_room(e, &look))
        e->left = true;
    return false;
}

/* ---- pools -------------------------------------------------------------------------------------------- */

static struct pool *
find_pool(struct engine *e, const char *name, struct err *err)
{
    struct seating *s = seating_of(e);
    for (size_t i = 0; i < s->npools; i++)
        if (str_eq(s->pools[i].name, name)) return &s->pools[i];
    struct pool pool = {.name = name};
    if (seats_open(&pool.seats, &e->arena, s->state_folder, SEATS_POOL, name, false, err) != 0) return NULL;
    s->pools = engine_grow(s->pools, s->npools, &s->pools_capacity, sizeof *s->pools);
    s->pools[s->npools] = pool;
    return &s->pools[s->npools++];
}

static void
pool_queued(struct engine *e, struct step_state *step, const struct seats_look *look, const struct err *err)
{
    struct value *data = value_map(&e->turn);
    const char *pool = step->step->pool;
    if (step->queued) return;
    value_set(&e->turn, data, "pool", value_text(&e->turn, pool));
    value_set(&e->turn, data, "slots", value_int(&e->turn, step->step->pool_slots));
    value_set(&e->turn, data, "held_by", holders_value(e, look));
    const char *why = err->code            ? arena_printf(&e->turn, ": %s", err->message)
                      : look->nholders > 0 ? arena_printf(&e->turn, ", held by %s", holders_text(e, look))
                      : look->nahead > 0   ? arena_printf(&e->turn, ", behind run %s", look->ahead[0])
                                           : "";
    value_set(&e->turn, data, "reason", engine_reason(e, "pool", "waiting for pool \"%s\"%s", pool, why));
    engine_emit(e, EVENT_STEP_QUEUED, step, data);
}

/* Where step i waits; nwaiting: it does not. */
static size_t
place_of(const struct pool *pool, size_t i)
{
    size_t k = 0;
    while (k < pool->nwaiting && pool->waiting[k] != i) k++;
    return k;
}

static void
drop(struct pool *pool, size_t k)
{
    pool->nwaiting--;
    memmove(pool->waiting + k, pool->waiting + k + 1, (pool->nwaiting - k) * sizeof *pool->waiting);
}

static int
take_slot(struct engine *e, struct pool *pool, const struct step_state *step, struct seats_look *look, int *seat,
          struct err *err)
{
    const struct seats_own own = {.run = e->state.id, .at_work = at_work, .context = e};
    char marker[SEAT_NAME_SIZE];
    seat_name(marker, e->state.id, e->state.next_record, step->step->id);
    /* What must survive a power cut is what has an effect, as with its intent. */
    pool->seats.durable = e->state.model->power && step->step->effect > LEVADA_EFFECT_READ;
    unsigned flags = SEATS_QUEUE | (pool->nwaiting > 1 ? SEATS_MORE : 0);
    int watch = e->seating->watch;
    if (pool->nwaiting == 0) { /* it waits for nothing yet, and perhaps need not */
        int code = seats_take(&pool->seats, marker, &own, step->step->pool_slots, 0, watch, &e->turn, look, seat, err);
        if (code != 1) return code;
        watch = watch_of(e->seating);
    }
    return seats_take(&pool->seats, marker, &own, step->step->pool_slots, flags, watch, &e->turn, look, seat, err);
}

bool
seating_pool(struct engine *e, size_t i, int *seat)
{
    struct step_state *step = &e->state.steps[i];
    struct seats_look look = {0};
    struct err err = {0};
    struct pool *pool = find_pool(e, step->step->pool, &err);
    if (pool == NULL) { /* no folder, no order: it is looked at again like a failed attempt */
        pool_queued(e, step, &look, &err);
        turn_wait(e, i, LOOK_FIRST_MS);
        return false;
    }
    bool first = pool->nwaiting > 0 && pool->waiting[0] == i;
    bool behind = pool->nwaiting > 0 && !first;
    if (!behind && take_slot(e, pool, step, &look, seat, &err) == 0) {
        if (first) drop(pool, 0);
        pool->look_at_ms = pool->nwaiting > 0 ? next_look(e, &look) : 0;
        /* The next one tries at once, unless that was the last slot and we shall be told of another. */
        if (pool->nwaiting > 0 && !(seats_first(&pool->seats) &&
                                    look.nholders + 1 >= e->state.steps[pool->waiting[0]].step->pool_slots))
            sched_again(&e->sched, pool->waiting[0]);
        return true;
    }
    if (place_of(pool, i) == pool->nwaiting) {
        pool->waiting = engine_grow(pool->waiting, pool->nwaiting, &pool->capacity, sizeof *pool->waiting);
        pool->waiting[pool->nwaiting++] = i;
    }
    if (!look.busy) pool_queued(e, step, &look, &err);
    if (!behind) pool->look_at_ms = next_look(e, &look);
    return false;
}

void
seating_event(struct engine *e, enum event_type type, const struct step_state *step)
{
    struct err ignored;
    char marker[SEAT_NAME_SIZE];
    bool over = type == EVENT_STEP_RETRY || type == EVENT_STEP_VANISHED ||
                (type == EVENT_STEP_FINISHED && step->status != STEP_UNKNOWN_STATUS);
    if (!over || step->nattempts == 0) return;
    /* Vanished, and not unknown: another attempt takes a seat of its own. Unknown follows in the same turn. */
    if (type == EVENT_STEP_VANISHED) return;
    struct pool *pool = find_pool(e, step->step->pool, &ignored);
    if (pool == NULL) return;
    seat_name(marker, e->state.id, step->attempts[step->nattempts - 1].record, step->step->id);
    seats_release(&pool->seats, marker);
    pool->look = pool->nwaiting > 0;
}

/* Steps that were cancelled meanwhile wait no more. */
static void
forget_ended(struct engine *e, struct pool *pool)
{
    size_t kept = 0;
    for (size_t k = 0; k < pool->nwaiting; k++) {
        const struct step_state *step = &e->state.steps[pool->waiting[k]];
        if (!step_status_ended(step->status)) pool->waiting[kept++] = pool->waiting[k];
    }
    if (pool->nwaiting > 0 && kept == 0) {
        seats_leave(&pool->seats, e->seating->watch);
        pool->look_at_ms = 0;
    }
    pool->nwaiting = kept;
}

void
seating_forget(struct engine *e, size_t i)
{
    struct seating *s = e->seating;
    for (size_t p = 0; p < s->npools; p++) {
        struct pool *pool = &s->pools[p];
        size_t k = place_of(pool, i);
        if (k == pool->nwaiting) continue;
        drop(pool, k);
        pool->look = pool->nwaiting > 0;
        if (pool->nwaiting == 0) seats_leave(&pool->seats, s->watch);
    }
}

void
seating_wake(struct engine *e)
{
    struct seating *s = e->seating;
    bool changed = false, full = e->running + e->launching >= e->state.max_parallel;
    for (size_t i = 0; i < s->npools; i++) changed |= s->pools[i].look;
    /* What we gave back ourselves is told too: now rather than in a turn of its own. */
    if (changed && s->watch >= 0) seating_changed(e);
    for (size_t i = 0; i < s->npools; i++) {
        struct pool *pool = &s->pools[i];
        if (pool->nwaiting == 0) continue;
        forget_ended(e, pool);
        if (pool->nwaiting == 0) continue;
        bool look = pool->look || pool->seats.place < 0 || e->tick_ms >= pool->look_at_ms;
        if (e->interrupted || (full && look)) { /* it could use no slot: those behind it can */
            seats_leave(&pool->seats, s->watch);
            pool->look = false;
            pool->look_at_ms = 0;
            continue;
        }
        if (!look) continue;
        pool->look = false;
        /* It is tried when the run has a place for it, perhaps behind others: the clock must not wait for that. */
        pool->look_at_ms = e->tick_ms + LOOK_FIRST_MS;
        sched_again(&e->sched, pool->waiting[0]);
    }
}

bool
seating_waits(const struct engine *e)
{
    const struct seating *s = e->seating;
    for (size_t i = 0; s != NULL && i < s->npools; i++) {
        const struct pool *pool = &s->pools[i];
        size_t unknown = 0;
        if (pool->nwaiting == 0) continue;
        for (size_t k = 0; k < e->state.nsteps; k++) {
            const struct step_state *step = &e->state.steps[k];
            unknown += step->status == STEP_UNKNOWN_STATUS && step->step->pool != NULL &&
                       str_eq(step->step->pool, pool->name);
        }
        /* Held by our own unknown steps alone, it comes free when this run has stopped and a person has spoken. */
        if (unknown < e->state.steps[pool->waiting[0]].step->pool_slots) return true;
    }
    return false;
}

/* ---- the loop ----------------------------------------------------------------------------------------- */

int
seating_fd(const struct engine *e)
{
    return e->seating != NULL ? e->seating->watch : -1;
}

int64_t
seating_due(const struct engine *e)
{
    const struct seating *s = e->seating;
    int64_t due = s != NULL && s->group_look_at_ms > 0 ? s->group_look_at_ms : -1;
    for (size_t i = 0; s != NULL && i < s->npools; i++) {
        int64_t at = s->pools[i].nwaiting > 0 ? s->pools[i].look_at_ms : 0;
        if (at > 0 && (due < 0 || at < due)) due = at;
    }
    return due;
}

void
seating_changed(struct engine *e)
{
    struct seating *s = e->seating;
    char events[4096];
    while (read(s->watch, events, sizeof events) > 0) continue;
    s->group_look = true;
    for (size_t i = 0; i < s->npools; i++) s->pools[i].look = s->pools[i].nwaiting > 0;
}

void
seating_end(struct engine *e, bool committed)
{
    struct seating *s = e->seating;
    fd_close(&e->group_seat);
    if (s == NULL) return;
    if (s->group_open) {
        if (committed && run_status_ended(e->state.status)) seats_release(&s->group, e->state.id);
        seats_close(&s->group, s->watch);
    }
    for (size_t i = 0; i < s->npools; i++) {
        seats_close(&s->pools[i].seats, s->watch);
        memory_free(s->pools[i].waiting);
    }
    memory_free(s->pools);
    fd_close(&s->watch);
    e->seating = NULL;
}

/* ---- before there is a run ---------------------------------------------------------------------------- */

int
seating_skip(struct arena *arena, const char *run_folder, const char *run, const struct concurrency *concurrency,
             const char *group, bool durable, int *seat, struct err *err)
{
    struct seats seats;
    struct seats_look look = {0};
    const struct seats_own own = {.run = run}; /* nothing of it is at work yet */
    const char *state_folder = seats_state_folder(arena, run_folder);
    int code = seats_open(&seats, arena, state_folder, SEATS_GROUP, group, durable, err);
    if (code) return code;
    for (int round = 0; round == 0 || (code == 1 && look.busy && round < 100); round++)
        code = seats_take(&seats, run, &own, concurrency->limit, 0, -1, arena, &look, seat, err);
    seats_close(&seats, -1);
    if (code != 1) return code;
    const char *holder = look.nholders > 0 ? seat_run(arena, look.holders[0]) : look.nahead > 0 ? look.ahead[0] : NULL;
    if (holder == NULL) return err_set(err, EXIT_HELD, "not started: group \"%s\" is busy", group);
    pid_t pid = attempts_engine(arena_printf(arena, "%s/runs/%s", state_folder, holder));
    err_set(err, EXIT_HELD, "not started: group \"%s\" is held by run %s%s", group, holder,
            pid > 0 ? arena_printf(arena, " (pid %d)", (int)pid) : ", which has not ended");
    if (pid > 0) err_hint(err, "Wait for it (levada show %s), or end it: levada cancel %s", holder, holder);
    else err_hint(err, "Go on with it, or end it: levada resume %s, levada cancel %s", holder, holder);
    return EXIT_HELD;
}
