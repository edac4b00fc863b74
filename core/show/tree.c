/* SPDX-License-Identifier: Apache-2.0
 *
 * When there are more steps than rows on the screen, what is going on comes first; what has ended or has not
 * begun is counted, and the lines of the tree are left out because they would connect nothing.
 */
#include "show/tree.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "show/asked.h"
#include "show/next.h"
#include "show/text.h"
#include "show/view.h"

#define DEPTH_SHOWN 8u
#define BAR_CELLS 20

/* A line under construction: how many cells are left is always known, so nothing is ever too wide. */
struct line {
    struct buf *buf;
    size_t left;
};

static void
put(struct line *line, const char *text)
{
    line->left -= text_fit(line->buf, text, line->left);
}

static void
put_gap(struct line *line, size_t cells)
{
    for (; cells > 0 && line->left > 0; cells--, line->left--) buf_char(line->buf, ' ');
}

static void
put_colour(struct line *line, const char *escape)
{
    buf_text(line->buf, escape);
}

static void
put_buf(struct line *line, struct buf *buf)
{
    put(line, buf_str(buf));
    buf_clear(buf);
}

/* "━━━━━━╸─────" : eighths would not survive every font, halves do. */
static void
put_bar(struct line *line, const struct meter *meter, bool colour)
{
    if (line->left < BAR_CELLS + 12) return;
    double part = meter->done >= meter->total ? 1 : (double)meter->done / (double)meter->total;
    int halves = (int)(part * BAR_CELLS * 2);
    put_colour(line, text_colour(STEP_RUNNING_STATUS, colour));
    for (int i = 0; i < halves / 2; i++) buf_text(line->buf, "━");
    if (halves % 2) buf_text(line->buf, "╸");
    put_colour(line, TEXT_RESET(colour));
    put_colour(line, TEXT_DIM(colour));
    for (int i = (halves + 1) / 2; i < BAR_CELLS; i++) buf_text(line->buf, "─");
    put_colour(line, TEXT_RESET(colour));
    line->left -= BAR_CELLS;
    struct buf text BUF_SCOPED = {0};
    buf_init(&text, 64);
    buf_printf(&text, "%3d%%", (int)(part * 100));
    put_gap(line, 1);
    put_buf(line, &text);
    put_gap(line, 2);
}

static void
put_meter(struct line *line, const struct tree_view *view, const struct meter *meter)
{
    struct buf text BUF_SCOPED = {0};
    buf_init(&text, 256);
    if (meter->total > 0) put_bar(line, meter, view->colour);
    if (meter->total == 100 && str_eq(meter->what, "percent")) return; /* the bar has said it */
    bool bytes = str_eq(meter->what, "bytes");
    if (meter->total > 0) {
        text_quantity(&text, (double)meter->done, bytes ? meter->what : "");
        buf_text(&text, " of ");
        text_quantity(&text, (double)meter->total, meter->what);
    } else {
        text_quantity(&text, (double)meter->done, meter->what);
    }
    int64_t ms = view->now_ms - meter->since_ms;
    if (ms >= 1000 && meter->done > meter->since_done) {
        buf_text(&text, ", ");
        double rate = (double)(meter->done - meter->since_done) * 1000 / (double)ms;
        text_quantity(&text, rate >= 10 ? (double)(int64_t)rate : rate, bytes ? "bytes" : "");
        buf_text(&text, "/s");
    }
    put_buf(line, &text);
    put_gap(line, 2);
}

static void
put_needs(struct line *line, const struct tree_view *view, const struct step *step)
{
    bool first = true;
    for (size_t i = 0; i < step->nneeds; i++) {
        if (step_status_ended(view->state->steps[step->needs[i]].status)) continue;
        put(line, first ? "after" : ",");
        put_gap(line, 1);
        put(line, view->state->model->steps[step->needs[i]].id);
        first = false;
    }
}

/* What a step that ended moved: its first metric of rows. Progress would not do: its last word is an early one. */
static void
put_rows(struct buf *buf, const struct step_state *step)
{
    const struct attempt_state *last = step_last_attempt(step);
    const struct value *list = last != NULL ? last->metrics : NULL;
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->list.count; i++) {
        const struct value *metric = list->list.items[i], *number = value_get(metric, "value");
        if (!str_eq(value_get_str(metric, "unit", ""), "rows")) continue;
        double rows = value_is(number, VALUE_REAL) ? number->real : (double)value_get_int(metric, "value", 0);
        buf_text(buf, ", ");
        text_quantity(buf, rows, "rows");
        return;
    }
}

static void
put_detail(struct line *line, const struct tree_view *view, const struct step_state *step)
{
    struct buf text BUF_SCOPED = {0};
    buf_init(&text, 1 << 16);
    const struct meter *meter = &view->meters[step - view->state->steps];
    uint32_t attempts = step_attempts(step), allowed = step->step->retry.attempts;
    switch (step->status) {
    case STEP_RUNNING_STATUS:
        if (meter->what[0]) put_meter(line, view, meter);
        text_elapsed(&text, step_elapsed_ms(step, view->now_ms));
        if (attempts > 1) {
            buf_printf(&text, ", attempt %" PRIu32, attempts);
            if (allowed >= attempts) buf_printf(&text, " of %" PRIu32, allowed);
        }
        put_buf(line, &text);
        break;
    case STEP_BACKOFF_STATUS:
        buf_printf(&text, "attempt %" PRIu32, attempts + 1);
        if (allowed > attempts) buf_printf(&text, " of %" PRIu32, allowed);
        buf_text(&text, " in ");
        text_elapsed(&text, step->due_ms > view->now_ms ? step->due_ms - view->now_ms : 0);
        if (step->reason_text != NULL) buf_printf(&text, ": %s", step->reason_text);
        put_buf(line, &text);
        break;
    case STEP_SUCCEEDED_STATUS:
        put_colour(line, TEXT_DIM(view->colour));
        text_elapsed(&text, step_elapsed_ms(step, view->now_ms));
        put_rows(&text, step);
        if (attempts > 1) buf_printf(&text, ", attempt %" PRIu32, attempts);
        put_buf(line, &text);
        break;
    case STEP_WAITING_STATUS:
        put_colour(line, TEXT_DIM(view->colour));
        if (step->step->part == PART_FINALLY && step->step->nneeds == 0) put(line, "at the end");
        put_needs(line, view, step->step);
        break;
    case STEP_READY_STATUS:
        put_colour(line, TEXT_DIM(view->colour));
        put(line, "ready");
        break;
    case STEP_PARKED_STATUS:
        if (step->approval != NULL) asked_text(&text, step);
        put_buf(line, &text);
        break;
    case STEP_FAILED_STATUS:
        next_outcome(&text, step, view->now_ms);
        put_buf(line, &text);
        break;
    default:
        buf_text(&text, step_status_name(step->status));
        if (step->reason_text != NULL) buf_printf(&text, ": %s", step->reason_text);
        put_buf(line, &text);
        break;
    }
    put_colour(line, TEXT_RESET(view->colour));
}

static size_t
end_line(struct line *line)
{
    buf_char(line->buf, '\n');
    return 1;
}

/* What went wrong, under the step: the error, then the last line of its log. */
static size_t
put_failure(const struct tree_view *view, const struct step_state *step, struct buf *buf)
{
    struct buf text BUF_SCOPED = {0};
    size_t lines = 0;
    const char *hint = view->hints[step - view->state->steps];
    buf_init(&text, 1 << 16);
    if (step->error != NULL) {
        struct line line = {buf, (size_t)view->width - 1};
        next_error(&text, step->error);
        put_gap(&line, 6);
        put_buf(&line, &text);
        lines += end_line(&line);
    }
    if (hint != NULL) {
        struct line line = {buf, (size_t)view->width - 1};
        put_gap(&line, 6);
        put_colour(&line, TEXT_DIM(view->colour));
        buf_text(&text, "log: ");
        buf_text(&text, hint + strspn(hint, " \t"));
        put_buf(&line, &text);
        put_colour(&line, TEXT_RESET(view->colour));
        lines += end_line(&line);
    }
    return lines;
}

static const char *
glyph_of(const struct tree_view *view, enum step_status status)
{
    static const char *const spinner[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    if (status == STEP_RUNNING_STATUS && !view->final) return spinner[view->frame % 10];
    return text_glyph(status);
}

static size_t
row_indent(const struct tree_row *row, bool flat)
{
    return flat ? 0 : 2 * (size_t)(row->depth > DEPTH_SHOWN ? DEPTH_SHOWN : row->depth);
}

static size_t
put_row(const struct tree_view *view, const struct tree_row *row, size_t name_cells, bool flat, struct buf *buf)
{
    const struct step_state *step = &view->state->steps[row->step];
    struct line line = {buf, (size_t)view->width - 1};
    size_t indent = row_indent(row, flat);
    put_gap(&line, 2);
    if (indent && line.left > indent) {
        put_colour(&line, TEXT_DIM(view->colour));
        for (uint32_t d = 1; d < indent / 2; d++) buf_text(buf, row->open >> (d - 1) & 1 ? "│ " : "  ");
        buf_text(buf, row->last ? "└ " : "├ ");
        put_colour(&line, TEXT_RESET(view->colour));
        line.left -= indent;
    }
    put_colour(&line, text_colour(step->status, view->colour));
    put(&line, glyph_of(view, step->status));
    put_colour(&line, TEXT_RESET(view->colour));
    size_t cells = name_cells > indent ? name_cells - indent : 1;
    if (line.left > cells + 3) {
        buf_char(buf, ' ');
        text_pad(buf, step->step->id, cells);
        buf_text(buf, "  ");
        line.left -= cells + 3;
        put_detail(&line, view, step);
    } else if (line.left > 2) {
        buf_char(buf, ' ');
        line.left--;
        put(&line, step->step->id);
    }
    size_t lines = end_line(&line);
    if (step->status == STEP_FAILED_STATUS) lines += put_failure(view, step, buf);
    return lines;
}

static size_t
put_title(const struct tree_view *view, struct buf *buf)
{
    struct line line = {buf, (size_t)view->width - 1};
    struct buf text BUF_SCOPED = {0};
    const struct run_state *state = view->state;
    buf_init(&text, 1 << 16);
    put_colour(&line, TEXT_BOLD(view->colour));
    put(&line, state->model->name);
    put_colour(&line, TEXT_RESET(view->colour));
    put_colour(&line, TEXT_DIM(view->colour));
    int64_t end = state->finished_ms ? state->finished_ms : view->now_ms;
    buf_printf(&text, "%s  ", view_short_id(state->id));
    text_elapsed(&text, end > state->begun_ms ? end - state->begun_ms : 0);
    if (state->cancel_asked && !run_status_ended(state->status)) buf_text(&text, "  cancelling");
    put_gap(&line, 2);
    put_buf(&line, &text);
    put_colour(&line, TEXT_RESET(view->colour));
    return end_line(&line);
}

/* Steps of on_failure and finally are of interest only once they do something. */
static bool
row_shown(const struct tree_view *view, const struct tree_row *row)
{
    const struct step_state *step = &view->state->steps[row->step];
    if (!step_counts(step)) return false;
    return step->step->part == PART_STEPS || step->status != STEP_WAITING_STATUS || !view->final;
}

static bool
row_active(const struct step_state *step)
{
    return step->status == STEP_RUNNING_STATUS || step->status == STEP_BACKOFF_STATUS ||
           step->status == STEP_PARKED_STATUS || step->status == STEP_UNKNOWN_STATUS ||
           step->status == STEP_FAILED_STATUS;
}

static size_t
name_column(const struct tree_view *view, bool flat)
{
    size_t cells = 8, most = (size_t)view->width * 2 / 5;
    for (size_t i = 0; i < view->state->nsteps; i++) {
        const struct tree_row *row = &view->rows[i];
        size_t w = strlen(view->state->steps[row->step].step->id) + row_indent(row, flat);
        if (w > cells) cells = w;
    }
    return cells > most ? most : cells;
}

/* Too many steps: what is going on, then how many there are of the rest. */
static size_t
render_collapsed(const struct tree_view *view, size_t room, struct buf *buf)
{
    struct buf text BUF_SCOPED = {0};
    struct line line = {buf, (size_t)view->width - 1};
    size_t lines = 0, cells = name_column(view, true);
    buf_init(&text, 512);
    for (size_t i = 0; i < view->state->nsteps && lines + 4 < room; i++) {
        const struct step_state *step = &view->state->steps[view->rows[i].step];
        if (row_active(step)) lines += put_row(view, &view->rows[i], cells, true, buf);
    }
    for (size_t i = 0; i < view->state->nsteps && lines + 4 < room && !view->final; i++) {
        const struct step_state *step = &view->state->steps[view->rows[i].step];
        if (step->status == STEP_READY_STATUS) lines += put_row(view, &view->rows[i], cells, true, buf);
    }
    put_gap(&line, 2);
    text_count(&text, (int64_t)view->state->nsteps);
    buf_text(&text, " steps: ");
    next_counts(&text, view->state);
    put_buf(&line, &text);
    return lines + end_line(&line);
}

size_t
tree_render(const struct tree_view *view, struct buf *buf)
{
    size_t lines = put_title(view, buf), shown = 0, room = view->height > 8 ? (size_t)view->height - 1 : 7;
    for (size_t i = 0; i < view->state->nsteps; i++) {
        const struct step_state *step = &view->state->steps[view->rows[i].step];
        if (!row_shown(view, &view->rows[i])) continue;
        shown += 1 + (step->status == STEP_FAILED_STATUS ? 2u : 0u);
    }
    if (view->final ? shown > 200 : shown + lines > room)
        return lines + render_collapsed(view, view->final ? 60 : room - lines, buf);
    size_t cells = name_column(view, false);
    for (size_t i = 0; i < view->state->nsteps; i++)
        if (row_shown(view, &view->rows[i])) lines += put_row(view, &view->rows[i], cells, false, buf);
    return lines;
}
