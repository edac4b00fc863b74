/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading is two passes over one open journal: the fold of run/state.c, then the decisions. What a journal
 * cannot know, that its engine was killed, is read from the engine's record in `attempts`.
 */
#include "show/view.h"

#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/str.h"
#include "run/attempts.h"
#include "run/journal.h"
#include "run/journal_export.h"

struct collector {
    struct arena *arena;
    struct view *view;
    size_t capacity;
};

bool
decision_of(struct arena *arena, const struct event *event, struct decision *ret)
{
    const struct value *data = event->data, *reason = value_get(data, "reason");
    const char *code = value_get_str(reason, "code", NULL), *text = value_get_str(reason, "text", NULL);
    const char *status = value_get_str(data, "status", NULL), *who = value_get_str(data, "who", NULL);
    const char *why = value_get_str(data, "why", NULL);
    if (why != NULL && *why == '\0') why = NULL; /* nobody gave one */
    if (event->type == EVENT_RUN_STARTED) {
        code = value_get_bool(data, "resumed", false) ? "resumed" : "started";
        text = arena_printf(arena, "%s by process %lld", str_eq(code, "resumed") ? "taken up again" : "started",
                            (long long)value_get_int(data, "pid", 0));
    } else if (event->type == EVENT_CANCEL_ASKED) {
        code = "cancel_asked";
        text = arena_printf(arena, "%s asked for the end%s%s", who ? who : "somebody", why ? ": " : "",
                            why ? why : "");
    } else if (event->type == EVENT_RUN_RETRIED) {
        const struct value *again = value_get(data, "again");
        code = "retried";
        text = arena_printf(arena, "%s retried the run%s: %zu steps run again", who ? who : "somebody",
                            value_get(data, "model") != NULL ? " with an edited workflow" : "",
                            value_is(again, VALUE_LIST) ? again->list.count : 0);
    } else if (event->type == EVENT_RUN_STOPPED || event->type == EVENT_RUN_FINISHED) {
        const char *failed = value_get_str(data, "failed_step", NULL);
        code = status ? status : "stopped";
        const char *item = value_get_str(data, "failed_item", NULL);
        text = failed ? arena_printf(arena, "the run %s at step %s%s%s%s",
                                     str_eq(code, "failed") ? "failed" : "stopped", failed, item ? "[" : "",
                                     item ? item : "", item ? "]" : "")
                      : str_eq(code, "unknown") ? "the run stopped: the outcome of a step is not known"
                                                : arena_printf(arena, "the run ended as %s", code);
        if (str_eq(code, "parked")) text = "the run waits for an approval";
        if (str_eq(code, "interrupted")) text = "the run was interrupted and can be resumed";
    } else if (event->type == EVENT_STEP_RESOLVED && code == NULL) {
        const char *decision = value_get_str(data, "decision", "");
        code = "resolved";
        text = arena_printf(arena, "%s said \"%s\"%s%s", who ? who : "somebody", decision, why ? ": " : "",
                            why ? why : "");
    } else if (code == NULL && text == NULL) {
        return false;
    }
    *ret = (struct decision){.seq = event->seq, .time_ms = event->time_ms, .type = event->type,
                             .attempt = value_get_int(data, "attempt", 0)};
    ret->step = event->step ? arena_strdup(arena, event->step) : NULL;
    ret->item = event->item ? arena_strdup(arena, event->item) : NULL;
    ret->code = arena_strdup(arena, code ? code : "");
    ret->text = arena_strdup(arena, text ? text : "");
    ret->status = status ? arena_strdup(arena, status) : NULL;
    return true;
}

static int
collect(void *context, const struct event *event, struct arena *scratch, struct err *err)
{
    struct collector *collector = context;
    struct view *view = collector->view;
    struct decision decision;
    (void)scratch;
    (void)err;
    if (!decision_of(collector->arena, event, &decision)) return 0;
    view->decisions = arena_grow(collector->arena, view->decisions, view->ndecisions, &collector->capacity,
                                 sizeof *view->decisions);
    view->decisions[view->ndecisions++] = decision;
    return 0;
}

bool
view_engine_lives(const char *folder)
{
    struct attempt_record record;
    struct err ignored;
    int fd FD_SCOPED = attempts_open_read(folder);
    /* Of another pid namespace only the lock tells. Who else may hold it beside such a record? The engine that comes
     * next, which lives too; gc, of runs that have ended; and for a moment who retries or resolves. */
    return fd >= 0 && attempts_read(fd, 0, &record, &ignored) == 0 && attempts_lives(fd, 0, &record);
}

static int
before_it_began(struct journal *journal, const struct view *view, int64_t until_ms, struct err *err)
{
    struct buf text BUF_SCOPED = {0};
    struct arena scratch ARENA_SCOPED = {0};
    struct run_state state;
    buf_init(&text, 64);
    journal_until(journal, 0);
    int code = state_read(&scratch, journal, &state, err);
    if (code) return code;
    str_timestamp(&text, until_ms);
    err_set(err, EXIT_USAGE, "run %s had not begun at %s", view->state.id, buf_str(&text));
    buf_clear(&text);
    str_timestamp(&text, state.started_ms);
    err_hint(err, "It began at %s.", buf_str(&text));
    return EXIT_USAGE;
}

/* Ids with dots between. */
static bool
path_is(const char *path)
{
    char part[LIMIT_ID_SIZE + 1];
    for (;; path++) {
        size_t size = strcspn(path, ".");
        if (size >= sizeof part) return false;
        memcpy(part, path, size);
        part[size] = '\0';
        if (!str_is_id(part)) return false;
        path += size;
        if (*path == '\0') return true;
    }
}

/* Ids are printed as they are. In a run of ours they have their shape; a file may come from anywhere. */
static int
check_ids(const struct run_state *state, struct err *err)
{
    bool good = id_is(state->id);
    for (size_t i = 0; i < state->nsteps && good; i++) good = path_is(state->steps[i].step->id);
    return good ? 0 : err_set(err, EXIT_STORE, "the exported run has an id that no run or step has");
}

static int
load_open(struct arena *arena, struct journal *journal, int64_t until_ms, struct view *ret, struct err *err)
{
    struct collector collector = {.arena = arena, .view = ret};
    journal_until(journal, until_ms);
    int code = state_read(arena, journal, &ret->state, err);
    if (!code) code = journal_read(journal, 0, collect, &collector, err);
    if (!code && ret->exported) code = check_ids(&ret->state, err);
    if (code) return code;
    if (ret->state.last_seq == 0 && until_ms) return before_it_began(journal, ret, until_ms, err);
    ret->name = ret->exported ? ret->folder : view_short_id(ret->state.id);
    ret->status = ret->state.status;
    ret->at_ms = until_ms;
    /* What its engine was then, nobody wrote down; what it is now says something of the end of the journal only. */
    if (ret->status == RUN_RUNNING_STATUS && !journal_was_cut(journal) && !ret->engine_lived &&
        !view_engine_lives(ret->folder)) /* neither before nor after the journal was read */
        ret->status = RUN_INTERRUPTED_STATUS;
    return 0;
}

int
view_load_at(struct arena *arena, const char *folder, int64_t until_ms, struct view *ret, struct err *err)
{
    struct journal *journal;
    *ret = (struct view){.folder = arena_strdup(arena, folder)};
    ret->exported = export_is(folder, &ret->exported_ms, &ret->engine_lived);
    /* Before the journal is read: an engine that ends meanwhile would look like one that was killed. */
    if (!ret->exported) ret->engine_lived = view_engine_lives(folder);
    int code = journal_open_read(folder, &journal, err);
    if (code) return code;
    code = load_open(arena, journal, until_ms, ret, err);
    journal_close(&journal, false);
    return code;
}

int
view_ended(const char *folder, bool *ret, struct err *err)
{
    struct journal *journal;
    int code = journal_open_read(folder, &journal, err);
    if (code) return code;
    code = journal_is_ended(journal, ret, err);
    journal_close(&journal, false);
    return code;
}

int
view_load(struct arena *arena, const char *folder, struct view *ret, struct err *err)
{
    return view_load_at(arena, folder, 0, ret, err);
}

int
view_load_when(struct arena *arena, const char *folder, const char *at, struct view *ret, struct err *err)
{
    int64_t until_ms;
    int code = view_load(arena, folder, ret, err);
    if (code || at == NULL) return code;
    int64_t now_ms = view_clock(ret, clock_wall_ms());
    code = view_moment(at, ret, now_ms, &until_ms, err);
    if (!code && until_ms > now_ms + 1000) {
        err_set(err, EXIT_USAGE, "\"%s\" is later than %s", at, ret->exported ? "the export" : "now");
        err_hint(err, "Leave out --at to see the run as it is.");
        code = EXIT_USAGE;
    }
    return code ? code : view_load_at(arena, folder, until_ms, ret, err);
}

struct next_place
view_place(const struct view *view, const char *here)
{
    return (struct next_place){.here = here, .file = view->exported ? view->folder : NULL, .past = view->at_ms != 0};
}

/* Two digits and what must come behind them. */
static bool
take_two(const char **text, int64_t most, const char *behind, int64_t *ret)
{
    const char *p = *text;
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9') return false;
    *ret = (p[0] - '0') * 10 + (p[1] - '0');
    if (*ret > most || strchr(behind, p[2]) == NULL) return false;
    *text = p + 2 + (p[2] != '\0');
    return true;
}

static bool
clock_of_day(const char *text, int64_t *ms)
{
    int64_t hours, minutes, seconds = 0;
    if (!take_two(&text, 23, ":", &hours) || !take_two(&text, 59, ":", &minutes)) return false;
    if (text[-1] == ':' && (!take_two(&text, 59, "", &seconds) || *text != '\0')) return false;
    *ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + 999; /* all of that second */
    return true;
}

int
view_moment(const char *text, const struct view *view, int64_t now_ms, int64_t *ret, struct err *err)
{
    const int64_t day_ms = 24 * 3600 * 1000;
    int64_t ms;
    if (str_to_timestamp(text, &ms)) {
        *ret = strchr(text, '.') != NULL ? ms : ms + 999;
        return 0;
    }
    if (*text == '-' && str_to_duration(text + 1, &ms) && ms < now_ms) {
        *ret = now_ms - ms;
        return 0;
    }
    if (clock_of_day(text, &ms)) {
        int64_t began = view->state.started_ms;
        *ret = began - began % day_ms + ms;
        if (*ret < began) *ret += day_ms;
        return 0;
    }
    err_set(err, EXIT_USAGE, "\"%s\" is no moment", text);
    err_hint(err, "Write 2026-01-02T03:04:05Z, or -5m for five minutes ago, or 03:04:05 (UTC) of the run's day.");
    return EXIT_USAGE;
}

const char *
view_short_id(const char *id)
{
    size_t size = strlen(id);
    return size > SHORT_ID_SIZE ? id + size - SHORT_ID_SIZE : id;
}

int64_t
step_elapsed_ms(const struct step_state *step, int64_t now_ms)
{
    if (step->started_ms == 0) return 0;
    int64_t end = step->finished_ms ? step->finished_ms : now_ms;
    return end > step->started_ms ? end - step->started_ms : 0;
}

uint32_t
step_attempts(const struct step_state *step)
{
    for (size_t i = step->nattempts; i-- > 0;)
        if (!step->attempts[i].resolve) return step->attempts[i].attempt;
    return 0;
}

const struct attempt_state *
step_last_attempt(const struct step_state *step)
{
    return step->nattempts ? &step->attempts[step->nattempts - 1] : NULL;
}

bool
step_counts(const struct step_state *step)
{
    bool sometimes = step->step->part == PART_ON_FAILURE || step->step->part == PART_ON_SUCCESS;
    if (state_is_parent(step) && step->expanded && step->nchildren > 0) {
        /* Its parts count instead, unless it failed for a reason of its own. */
        return step->status == STEP_FAILED_STATUS &&
               (step->reason_code == NULL || !str_eq(step->reason_code, "parts_failed"));
    }
    return !sometimes || (step->status != STEP_SKIPPED_STATUS && step->status != STEP_WAITING_STATUS);
}

int64_t
view_clock(const struct view *view, int64_t now_ms)
{
    return view->at_ms ? view->at_ms : view->exported ? view->exported_ms : now_ms;
}

int64_t
view_elapsed_ms(const struct view *view, int64_t now_ms)
{
    const struct run_state *state = &view->state;
    int64_t end = state->finished_ms;
    if (end == 0 && view->status == RUN_RUNNING_STATUS) end = view_clock(view, now_ms);
    if (end == 0 && view->ndecisions) end = view->decisions[view->ndecisions - 1].time_ms;
    return end > state->begun_ms ? end - state->begun_ms : 0;
}
