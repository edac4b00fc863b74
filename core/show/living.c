/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker is found through its record in `attempts`, a leftover through its environment: a process of an attempt whose
 * recorded worker no longer lives.
 */
#include "show/living.h"

#include <inttypes.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "run/attempts.h"
#include "run/marked.h"
#include "run/store.h"
#include "show/asked.h"
#include "show/instance.h"
#include "show/show.h"
#include "show/text.h"
#include "show/view.h"

static const char *const kind_names[] = {
#define X(id, word) word,
    LIVING_KINDS(X)
#undef X
};

/* What is known of one run while it is looked at. */
struct look {
    struct arena *arena;
    struct living_list *list;
    const struct marked *marked; /* of all runs */
    size_t nmarked;
    const char *id, *folder;
    int attempts;                /* -1: none */
    struct view view;
};

static struct living *
add(struct look *look, enum living_kind kind, pid_t pid, int64_t since_ms)
{
    struct living_list *list = look->list;
    list->items = arena_grow(look->arena, list->items, list->count, &list->capacity, sizeof *list->items);
    struct living *one = &list->items[list->count++];
    *one = (struct living){.kind = kind, .pid = pid, .run = look->id, .since_ms = since_ms};
    one->workflow = arena_strdup(look->arena, look->view.state.model->name);
    one->status = run_status_name(look->view.status);
    one->stopped = marked_is_stopped(pid);
    return one;
}

static struct living *
add_recorded(struct look *look, enum living_kind kind, const struct attempt_record *record, int64_t since_ms)
{
    struct living *one = add(look, kind, record->pid, since_ms);
    one->elsewhere = attempts_elsewhere(record);
    if (one->elsewhere) one->stopped = false; /* that was another process */
    return one;
}

static bool
read_record(const struct look *look, uint32_t record, struct attempt_record *ret)
{
    struct err ignored;
    return look->attempts >= 0 && attempts_read(look->attempts, record, ret, &ignored) == 0 &&
           attempts_lives(look->attempts, record, ret);
}

static bool
look_for_engine(struct look *look)
{
    struct attempt_record record;
    const struct run_state *state = &look->view.state;
    struct tally tally;
    size_t done = 0;
    if (run_status_ended(look->view.status) || !read_record(look, 0, &record) ||
        !attempts_held(look->attempts, 0, false))
        return false;
    tally_run(&tally, state);
    for (size_t i = 0; i < sizeof tally.by / sizeof tally.by[0]; i++)
        if (step_status_ended((enum step_status)i)) done += tally.by[i];
    struct living *engine = add_recorded(look, LIVING_ENGINE, &record, marked_since_ms(record.start_time));
    engine->waits_for = state->queued_text != NULL ? arena_strdup(look->arena, state->queued_text) : NULL;
    engine->steps = tally.all;
    engine->done = done;
    engine->running = tally.by[STEP_RUNNING_STATUS];
    return true;
}

static void
look_for_workers(struct look *look, bool engine)
{
    const struct run_state *state = &look->view.state;
    for (size_t i = 0; i < state->nsteps; i++) {
        const struct step_state *step = &state->steps[i];
        const struct attempt_state *attempt = step_last_attempt(step);
        struct attempt_record record;
        if (step->status != STEP_RUNNING_STATUS || attempt == NULL) continue;
        if (!read_record(look, attempt->record, &record) || record.mark != ATTEMPT_STARTED) continue;
        struct living *worker =
            add_recorded(look, engine ? LIVING_WORKER : LIVING_ORPHAN, &record, attempt->intent_ms);
        worker->step = arena_strdup(look->arena, step->step->id);
        worker->item = step->item != NULL ? arena_strdup(look->arena, step->item) : NULL;
        worker->attempt = attempt->attempt;
    }
}

static void
look_for_leftovers(struct look *look)
{
    const struct run_state *state = &look->view.state;
    for (size_t i = 0; i < look->nmarked; i++) {
        const struct marked *process = &look->marked[i];
        struct attempt_record record;
        if (!str_eq(process->run, look->id) || read_record(look, process->record, &record)) continue;
        struct living *left = add(look, LIVING_LEFTOVER, process->pid, process->since_ms);
        left->command = process->command;
        for (size_t s = 0; s < state->nsteps && left->step == NULL; s++)
            for (size_t k = 0; k < state->steps[s].nattempts; k++)
                if (state->steps[s].attempts[k].record == process->record) {
                    const char *item = state->steps[s].item;
                    left->step = arena_strdup(look->arena, state->steps[s].step->id);
                    left->item = item != NULL ? arena_strdup(look->arena, item) : NULL;
                    left->attempt = state->steps[s].attempts[k].attempt;
                }
    }
}

static void
look_for_parked(struct look *look)
{
    struct buf text BUF_SCOPED = {0};
    const struct run_state *state = &look->view.state;
    buf_init(&text, 1 << 16);
    for (size_t i = 0; i < state->nsteps; i++) {
        const struct step_state *step = &state->steps[i];
        if (step->status != STEP_PARKED_STATUS || step->approval == NULL) continue;
        struct living *one = add(look, LIVING_PARKED, 0, step->approval->parked_ms);
        one->step = arena_strdup(look->arena, step->step->id);
        one->item = step->item != NULL ? arena_strdup(look->arena, step->item) : NULL;
        one->stopped = false;
        buf_clear(&text);
        asked_text(&text, step);
        one->waits_for = arena_strdup(look->arena, buf_str(&text));
        buf_clear(&text);
        asked_words(&text, step, true);
        one->words = arena_strdup(look->arena, buf_str(&text));
    }
}

static bool
has_marked(const struct look *look)
{
    for (size_t i = 0; i < look->nmarked; i++)
        if (str_eq(look->marked[i].run, look->id)) return true;
    return false;
}

static void
look_at(struct look *look)
{
    struct arena scratch ARENA_SCOPED = {0};
    struct err err;
    bool ended = false;
    int code = view_ended(look->folder, &ended, &err);
    if (!code && ended && !has_marked(look)) return;
    if (!code) code = view_load(&scratch, look->folder, &look->view, &err);
    if (code) {
        look->list->unreadable += !store_run_is_gone(look->folder);
        return;
    }
    size_t before = look->list->count;
    look->attempts = attempts_open_read(look->folder);
    look_for_workers(look, look_for_engine(look));
    look_for_leftovers(look);
    look_for_parked(look);
    fd_close(&look->attempts);
    bool resumable = look->view.status == RUN_INTERRUPTED_STATUS;
    if (resumable && look->list->count == before) look->list->interrupted++;
}

int
living_load(struct arena *arena, struct living_list *ret, struct err *err)
{
    const char **ids, *store;
    size_t count, nmarked;
    struct marked *marked;
    *ret = (struct living_list){0};
    int code = store_run_list(arena, &ids, &count, err);
    if (code || count == 0) return code;
    code = store_open(arena, false, &store, err);
    if (code) return code;
    marked_list(arena, &marked, &nmarked);
    for (size_t i = 0; i < count; i++) {
        struct look look = {.arena = arena, .list = ret, .marked = marked, .nmarked = nmarked, .id = ids[i]};
        look.folder = arena_printf(arena, "%s/runs/%s", store, ids[i]);
        look_at(&look);
    }
    return 0;
}

/* ---- text ---- */

static void
put_what(struct buf *buf, const struct living *one)
{
    if (one->stopped) buf_text(buf, "(stopped by a signal) ");
    if (one->elsewhere) buf_text(buf, "(pid of another namespace) ");
    if (one->kind == LIVING_LEFTOVER) buf_printf(buf, "%s of ", one->command);
    if (one->step != NULL) buf_printf(buf, "step %s", one->step);
    else text_fit(buf, one->workflow, 18);
    if (one->item != NULL) {
        buf_char(buf, '[');
        text_line(buf, one->item);
        buf_char(buf, ']');
    }
    if (one->attempt > 1) buf_printf(buf, ", attempt %" PRIu32, one->attempt);
    if (one->waits_for != NULL) {
        buf_text(buf, one->kind == LIVING_PARKED ? " " : ": ");
        text_line(buf, one->waits_for);
        return;
    }
    if (one->kind == LIVING_ENGINE)
        buf_printf(buf, ": %zu of %zu done, %zu running", one->done, one->steps, one->running);
    else if (one->kind != LIVING_WORKER) buf_printf(buf, ", %s", one->workflow);
}

static void
put_row(struct buf *buf, const struct living *one, int64_t now_ms, size_t width, bool colour)
{
    struct buf text BUF_SCOPED = {0};
    buf_init(&text, 1 << 16);
    if (one->since_ms) text_elapsed(&text, now_ms > one->since_ms ? now_ms - one->since_ms : 0);
    if (one->pid != 0) buf_printf(buf, "%8d", (int)one->pid);
    else buf_printf(buf, "%8s", "-");
    buf_printf(buf, "  %-8s  %-8s  ", view_short_id(one->run), buf_str(&text));
    buf_clear(&text);
    put_what(&text, one);
    bool odd = one->kind == LIVING_ORPHAN || one->kind == LIVING_LEFTOVER || one->stopped;
    enum run_status tone = odd ? RUN_UNKNOWN_STATUS : RUN_RUNNING_STATUS;
    buf_printf(buf, "%s%-8s%s  ", text_run_colour(tone, colour && (odd || one->step == NULL)), kind_names[one->kind],
               TEXT_RESET(colour));
    text_fit(buf, buf_str(&text), width > 60 ? width - 41 : 1 << 12);
    buf_char(buf, '\n');
}

static void
put_command(struct buf *buf, bool *any, const char *verb, const char *run, const char *what, const char *rest)
{
    struct arena arena ARENA_SCOPED = {0};
    const char *command = arena_printf(&arena, "levada %s %s%s%s", verb, view_short_id(run), *rest ? " " : "", rest);
    buf_printf(buf, "%s %-34s %s\n", *any ? "     " : "next:", command, what);
    *any = true;
}

/* What to type, once for each run that needs it. */
static void
put_next(struct buf *buf, const struct living_list *list)
{
    bool any = false;
    for (size_t i = 0; i < list->count;) {
        bool kinds[LIVING_PARKED + 1] = {0}, stopped = false;
        const char *run = list->items[i].run, *words = NULL;
        bool ended = !str_eq(list->items[i].status, "interrupted") && !str_eq(list->items[i].status, "running");
        for (; i < list->count && list->items[i].run == run; i++) {
            kinds[list->items[i].kind] = true;
            if (words == NULL) words = list->items[i].words;
            stopped |= list->items[i].kind == LIVING_ENGINE && list->items[i].stopped;
        }
        if (stopped) put_command(buf, &any, "resume --takeover", run, "takes the run from its engine", "");
        if (words != NULL) put_command(buf, &any, "approve", run, "lets the step start", words);
        bool odd = kinds[LIVING_ORPHAN] || kinds[LIVING_LEFTOVER];
        if (kinds[LIVING_ENGINE] || (words != NULL && !odd)) continue;
        if (kinds[LIVING_ORPHAN]) put_command(buf, &any, "resume", run, "waits for its orphans, takes their results",
                                                "");
        else if (!ended) put_command(buf, &any, "resume", run, "goes on", "");
        put_command(buf, &any, "cancel", run, "ends it", "");
    }
    if (list->interrupted) {
        buf_printf(buf, "%s %-34s ", any ? "     " : "next:", "levada resume --all");
        buf_printf(buf, "%zu interrupted, and nothing of %s lives\n", list->interrupted,
                   list->interrupted > 1 ? "them" : "it");
        any = true;
    }
    if (list->unreadable)
        buf_printf(buf, "%s %-34s %zu cannot be read\n", any ? "     " : "next:", "levada db check", list->unreadable);
}

void
living_text(struct buf *buf, const struct living_list *list, int64_t now_ms, size_t width, bool colour)
{
    if (list->count)
        buf_printf(buf, "%s     PID  RUN       SINCE     KIND      WHAT%s\n", TEXT_DIM(colour), TEXT_RESET(colour));
    for (size_t i = 0; i < list->count; i++) put_row(buf, &list->items[i], now_ms, width, colour);
    put_next(buf, list);
}

void
living_json(struct buf *buf, const struct living_list *list, int64_t now_ms)
{
    buf_char(buf, '[');
    for (size_t i = 0; i < list->count; i++) {
        const struct living *one = &list->items[i];
        buf_printf(buf, "%s{\"kind\":\"%s\",\"pid\":%d,\"run\":\"%s\"", i ? ",\n" : "", kind_names[one->kind],
                   (int)one->pid, one->run);
        json_member(buf, "workflow", one->workflow);
        json_member(buf, "status", one->status);
        json_member(buf, "step", one->step);
        json_member(buf, "item", one->item);
        if (one->attempt) buf_printf(buf, ",\"attempt\":%" PRIu32, one->attempt);
        json_member(buf, "command", one->command);
        json_member(buf, "waits_for", one->waits_for);
        if (one->kind == LIVING_ENGINE)
            buf_printf(buf, ",\"steps\":{\"total\":%zu,\"done\":%zu,\"running\":%zu}", one->steps, one->done,
                       one->running);
        json_time(buf, "since", one->since_ms);
        int64_t elapsed_ms = one->since_ms && now_ms > one->since_ms ? now_ms - one->since_ms : 0;
        buf_printf(buf, ",\"elapsed_ms\":%" PRId64 ",\"stopped\":%s,\"elsewhere\":%s}", elapsed_ms,
                   one->stopped ? "true" : "false", one->elsewhere ? "true" : "false");
    }
    buf_text(buf, "]\n");
}
