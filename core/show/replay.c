/* SPDX-License-Identifier: Apache-2.0
 *
 * All events are read first and the journal is closed: who looks at a run for minutes must not be in its engine's
 * way.
 */
#include "show/replay.h"

#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "run/journal.h"
#include "show/text.h"

#define WHOLE_MS 30000.0 /* the longest replay at a speed that nobody asked for */

struct tape {
    struct arena *arena;
    struct event *events;
    size_t count, capacity;
};

static int
record(void *context, const struct event *event, struct arena *scratch, struct err *err)
{
    struct tape *tape = context;
    (void)scratch;
    (void)err;
    tape->events = arena_grow(tape->arena, tape->events, tape->count, &tape->capacity, sizeof *tape->events);
    struct event *kept = &tape->events[tape->count++];
    *kept = *event;
    kept->step = event->step != NULL ? arena_strdup(tape->arena, event->step) : NULL;
    kept->item = event->item != NULL ? arena_strdup(tape->arena, event->item) : NULL;
    kept->data = value_copy(tape->arena, event->data);
    return 0;
}

/* Between two events: the picture goes on moving, in the time of the run. */
static void
wait_between(struct progress *progress, const struct run_state *state, int64_t from_ms, int64_t to_ms, double speed)
{
    double left = (double)(to_ms - from_ms) / speed;
    if (left <= 0) return;
    double rate = left > REPLAY_GAP_MS ? (double)(to_ms - from_ms) / REPLAY_GAP_MS : speed;
    if (left > REPLAY_GAP_MS) left = REPLAY_GAP_MS;
    int64_t began = clock_monotonic_ms(), end = began + (int64_t)left;
    for (int64_t now; (now = clock_monotonic_ms()) < end;) {
        progress_clock(progress, from_ms + (int64_t)((double)(now - began) * rate), true);
        progress_tick(progress, state);
        (void)poll(NULL, 0, end - now < PROGRESS_TICK_MS ? (int)(end - now) : PROGRESS_TICK_MS);
    }
}

static double
speed_of(const struct tape *tape, double asked)
{
    if (asked >= 0 || tape->count < 2) return asked < 0 ? 0 : asked;
    double took = (double)(tape->events[tape->count - 1].time_ms - tape->events[0].time_ms);
    return took > WHOLE_MS ? took / WHOLE_MS : 1;
}

/* A journal that ends in the middle of things says how the run stands. */
static void
end_open(const struct tape *tape, const struct view *view, FILE *out)
{
    struct buf text BUF_SCOPED = {0};
    enum event_type last = tape->events[tape->count - 1].type;
    if (last == EVENT_RUN_FINISHED || last == EVENT_RUN_STOPPED) return;
    buf_init(&text, LIMIT_VALUE_SIZE);
    next_summary(&text, &view->state, view->status, view_elapsed_ms(view, clock_wall_ms()),
                 text_colour_wanted(fileno(out)), view_place(view, "replay"));
    fwrite(buf_str(&text), 1, text.size, out);
}

int
replay_run(struct arena *arena, const struct view *view, const struct replay_options *options, struct err *err)
{
    struct tape tape = {.arena = arena};
    struct journal *journal;
    struct run_state state;
    int code = journal_open_read(view->folder, &journal, err);
    if (code) return code;
    journal_until(journal, view->at_ms);
    code = journal_read(journal, 0, record, &tape, err);
    journal_close(&journal, false);
    state_init(&state, arena, view->state.model, view->state.id);
    state.models = view->state.models;
    double speed = speed_of(&tape, options->speed);
    struct progress *progress = progress_new(view->folder, options->out, options->mode);
    progress_place(progress, view_place(view, "replay"));
    for (size_t i = 0; i < tape.count && !code && !ferror(options->out); i++) {
        const struct event *event = &tape.events[i];
        if (i > 0 && speed > 0) wait_between(progress, &state, tape.events[i - 1].time_ms, event->time_ms, speed);
        code = state_apply(&state, event, err);
        if (code) break;
        progress_clock(progress, event->time_ms, i + 1 < tape.count);
        progress_event(progress, &state, event);
        if (speed > 0) progress_tick(progress, &state);
    }
    progress_free(&progress);
    if (!code && tape.count && options->mode != PROGRESS_JSON) end_open(&tape, view, options->out);
    return code;
}
