/* SPDX-License-Identifier: Apache-2.0
 *
 * The tree is drawn into a buffer and written with one call, so it never flickers and never mixes with another
 * writer's line. Cursor moves are relative: what was on the screen before stays there.
 */
#include "show/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "show/board.h"
#include "show/logs.h"
#include "show/next.h"
#include "show/stream.h"
#include "show/text.h"
#include "show/tree.h"
#include "show/view.h"

struct progress {
    struct arena arena;
    const struct run_state *state;
    const char *run_folder;
    FILE *out;
    enum progress_mode mode;
    bool colour, ended, more;
    struct stream stream;
    struct board board;
    struct next_place place;
    int64_t clock_ms;    /* wall time in a replay; 0: now */
    size_t drawn;        /* lines on the screen */
    int64_t drawn_ms;    /* monotonic */
    unsigned frame;
    struct buf text;
};

enum progress_mode
progress_mode_for(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term != NULL && !str_eq(term, "dumb") ? PROGRESS_TREE : PROGRESS_PLAIN;
}

struct progress *
progress_new(const char *run_folder, FILE *out, enum progress_mode mode)
{
    struct progress *progress = memory_resize(NULL, sizeof *progress);
    *progress = (struct progress){.run_folder = run_folder, .out = out, .mode = mode, .place = {.here = ""}};
    buf_init(&progress->text, LIMIT_VALUE_SIZE);
    progress->colour = text_colour_wanted(fileno(out));
    return progress;
}

void
progress_clock(struct progress *progress, int64_t now_ms, bool more)
{
    progress->clock_ms = now_ms;
    progress->more = more;
}

void
progress_place(struct progress *progress, struct next_place place)
{
    progress->place = place;
}

static int64_t
wall_ms(const struct progress *progress)
{
    return progress->clock_ms ? progress->clock_ms : clock_wall_ms();
}

/* The engine loads the state itself: it is first seen here. */
static void
attach(struct progress *progress, const struct run_state *state)
{
    if (progress->state != NULL) return;
    progress->state = state;
    stream_init(&progress->stream, &progress->arena, state);
    if (progress->mode == PROGRESS_TREE) board_init(&progress->board, &progress->arena, state);
}

static void
flush_text(struct progress *progress)
{
    fwrite(buf_str(&progress->text), 1, progress->text.size, progress->out);
    fflush(progress->out);
    buf_clear(&progress->text);
}

/* A picture taller than the screen could not be drawn over: its last lines are left out. Returns the lines kept. */
static size_t
cut_to_height(struct buf *lines, size_t count, int height)
{
    size_t most = height > 1 ? (size_t)height - 1 : 1, kept = 0;
    if (count <= most) return count;
    for (size_t i = 0; i < lines->size; i++) {
        if (lines->data[i] != '\n' || ++kept < most) continue;
        lines->size = i + 1;
        lines->data[lines->size] = '\0';
        break;
    }
    return kept;
}

static void
draw(struct progress *progress, bool final)
{
    struct winsize size = {0};
    int width = 80, height = 24;
    if (ioctl(fileno(progress->out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        width = size.ws_col;
        height = size.ws_row > 0 ? size.ws_row : 24;
    }
    struct tree_view view = {.board = &progress->board, .width = width > 20 ? width : 20, .height = height,
                             .now_ms = wall_ms(progress), .frame = progress->frame++, .colour = progress->colour,
                             .final = final};
    struct buf lines BUF_SCOPED = {0};
    buf_init(&lines, LIMIT_VALUE_SIZE);
    if (progress->drawn) buf_printf(&progress->text, "\033[%zuA\r", progress->drawn);
    size_t count = tree_render(&view, &lines);
    progress->drawn = final ? count : cut_to_height(&lines, count, height);
    /* Each line is written over the old one and cleared to its end: no moment without text, no flicker. */
    for (size_t i = 0; i < lines.size; i++) {
        if (lines.data[i] == '\n') buf_text(&progress->text, "\033[K");
        buf_char(&progress->text, lines.data[i]);
    }
    buf_text(&progress->text, "\033[J");
    flush_text(progress);
}

static void
end_run(struct progress *progress)
{
    const struct run_state *state = progress->state;
    int64_t end = state->finished_ms ? state->finished_ms : wall_ms(progress);
    if (progress->ended) return;
    progress->ended = true;
    if (progress->mode == PROGRESS_TREE) {
        draw(progress, true);
        progress->drawn = 0;
        buf_char(&progress->text, '\n');
    }
    next_summary(&progress->text, state, state->status, end - state->begun_ms, progress->colour,
                 progress->place);
    flush_text(progress);
}

static void
tree_event(struct progress *progress, const struct event *event)
{
    board_event(&progress->board, event);
    if (event->step == NULL) return;
    const struct step_state *step = state_step(progress->state, event->step, event->item);
    if (step == NULL) return;
    struct board_part *part = board_part(&progress->board, step);
    if (event->type == EVENT_STEP_INTENT && part->meter != NULL) *part->meter = (struct meter){0};
    const struct attempt_state *last = step_last_attempt(step);
    if (event->type == EVENT_STEP_FINISHED && step->status == STEP_FAILED_STATUS && last != NULL && last->log != NULL)
        part->hint = logs_last_line(&progress->arena, progress->run_folder, last->log);
}

void
progress_event(void *context, const struct run_state *state, const struct event *event)
{
    struct progress *progress = context;
    bool end = event->type == EVENT_RUN_FINISHED || event->type == EVENT_RUN_STOPPED;
    attach(progress, state);
    switch (progress->mode) {
    case PROGRESS_QUIET: return;
    case PROGRESS_JSON:
        stream_json(&progress->stream, event, &progress->text);
        break;
    case PROGRESS_PLAIN:
        stream_plain(&progress->stream, event, &progress->text);
        break;
    case PROGRESS_TREE:
        tree_event(progress, event);
        if (event->type == EVENT_RUN_QUEUED)
            progress_note(progress, value_get_str(value_get(event->data, "reason"), "text", "waiting"));
        break;
    }
    if (progress->text.size) flush_text(progress);
    if (end && progress->mode != PROGRESS_JSON && !progress->more) end_run(progress);
}

void
progress_step(void *context, const struct run_state *state, const struct step_state *step, uint64_t done,
              uint64_t total, const char *what)
{
    struct progress *progress = context;
    attach(progress, state);
    if (progress->mode != PROGRESS_TREE) return;
    struct board_part *part = board_part(&progress->board, step);
    if (part->meter == NULL) part->meter = ARENA_NEW(&progress->arena, struct meter);
    struct meter *meter = part->meter;
    if (meter->what[0] == '\0' || done < meter->done) {
        meter->since_ms = wall_ms(progress);
        meter->since_done = done;
    }
    snprintf(meter->what, sizeof meter->what, "%s", what != NULL && *what ? what : "done");
    meter->done = done;
    meter->total = total;
}

void
progress_tick(void *context, const struct run_state *state)
{
    struct progress *progress = context;
    int64_t now_ms = clock_monotonic_ms();
    attach(progress, state);
    if (progress->mode != PROGRESS_TREE || progress->ended) return;
    if (progress->drawn_ms != 0 && now_ms - progress->drawn_ms < PROGRESS_TICK_MS) return;
    draw(progress, false);
    progress->drawn_ms = now_ms;
}

void
progress_note(void *context, const char *text)
{
    struct progress *progress = context;
    if (progress->mode == PROGRESS_QUIET) return;
    if (progress->mode == PROGRESS_JSON) { /* stdout is for events */
        struct buf line BUF_SCOPED = {0};
        buf_init(&line, 1 << 16);
        text_line(&line, text);
        fprintf(stderr, "levada: %s\n", buf_str(&line));
        return;
    }
    if (progress->mode == PROGRESS_PLAIN) {
        int64_t ms = wall_ms(progress);
        str_timestamp(&progress->text, ms - ms % 1000);
        buf_char(&progress->text, ' ');
    } else if (progress->drawn) {
        buf_printf(&progress->text, "\033[%zuA\r", progress->drawn);
    }
    text_line(&progress->text, text);
    buf_text(&progress->text, progress->drawn ? "\033[K\n" : "\n");
    if (progress->drawn) { /* the note stays where the tree began, and the tree is drawn below it */
        progress->drawn = 0;
        draw(progress, false);
    } else {
        flush_text(progress);
    }
}

void
progress_free(struct progress **progress)
{
    struct progress *p = *progress;
    *progress = NULL;
    if (p == NULL) return;
    if (p->mode == PROGRESS_TREE && p->drawn != 0) draw(p, true); /* ended by an error: leave the last picture */
    buf_release(&p->text);
    arena_release(&p->arena);
    memory_free(p);
}
