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
#include "show/board.h"
#include "show/next.h"
#include "show/text.h"
#include "show/view.h"

#define DEPTH_SHOWN 8u
#define BAR_CELLS 20
#define ROWS_MAX 200u    /* of the last picture, which no screen bounds */
#define ITEMS_SHOWN 8u   /* a loop of so many has a row for each; of a longer one only what is going on has */
#define FAILED_SHOWN 3u
#define BUSY_SHOWN 6u

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
put_needs(struct line *line, const struct tree_view *view, const struct step_state *step)
{
    bool first = true;
    for (size_t i = 0; i < step->step->nneeds && !step->is_item; i++) {
        const struct step_state *need = state_sibling(view->board->state, step, step->step->needs[i]);
        if (step_status_ended(need->status)) continue;
        put(line, first ? "after" : ",");
        put_gap(line, 1);
        put(line, need->step->local);
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
    const struct meter *meter = board_part(view->board, step)->meter;
    const struct board_sum *sum = board_sum(view->board, step);
    uint32_t attempts = step_attempts(step), allowed = step->step->retry.attempts;
    switch (step->status) {
    case STEP_RUNNING_STATUS:
        if (meter != NULL && meter->what[0]) put_meter(line, view, meter);
        if (sum != NULL) {
            tally_progress(&text, &sum->tally);
            buf_text(&text, "  ");
        }
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
        if (sum != NULL && state_is_loop(step)) {
            bool all = sum->tally.by[STEP_SUCCEEDED_STATUS] == sum->tally.all;
            buf_text(&text, ", ");
            if (all) text_count(&text, (int64_t)sum->tally.all);
            else tally_progress(&text, &sum->tally);
            if (all) buf_text(&text, sum->tally.all == 1 ? " item" : " items");
        }
        if (attempts > 1) buf_printf(&text, ", attempt %" PRIu32, attempts);
        put_buf(line, &text);
        break;
    case STEP_WAITING_STATUS:
        put_colour(line, TEXT_DIM(view->colour));
        if (step->step->part == PART_FINALLY && step->step->nneeds == 0) put(line, "at the end");
        put_needs(line, view, step);
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
put_failure(const struct tree_view *view, const struct step_state *step, size_t indent, struct buf *buf)
{
    struct buf text BUF_SCOPED = {0};
    size_t lines = 0;
    const char *hint = board_part(view->board, step)->hint;
    buf_init(&text, 1 << 16);
    if (step->error != NULL) {
        struct line line = {buf, (size_t)view->width - 1};
        next_error(&text, step->error);
        put_gap(&line, indent);
        put_buf(&line, &text);
        lines += end_line(&line);
    }
    if (hint != NULL) {
        struct line line = {buf, (size_t)view->width - 1};
        put_gap(&line, indent);
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

/* ---- one row ------------------------------------------------------------------------------------------ */

/* A step or item, and how it stands below others; or that there are more. */
struct row {
    const struct step_state *step; /* NULL: of `more` items nothing is shown */
    const struct tree_row *tree;   /* its place among the steps beside it; NULL: none */
    uint32_t base;                 /* loops and blocks that it is shown below */
    bool full;                     /* named all the way: what it is below is not shown */
    size_t more;
};

static size_t
row_indent(const struct row *row)
{
    size_t depth = row->base + (row->tree != NULL ? row->tree->depth : 0);
    return 2 * (depth > DEPTH_SHOWN ? DEPTH_SHOWN : depth);
}

static void
row_name(struct buf *buf, const struct row *row)
{
    if (row->full) instance_name(buf, row->step);
    else instance_label(buf, row->step);
}

static void
put_indent(struct line *line, const struct tree_view *view, const struct row *row)
{
    size_t indent = row_indent(row), tree = row->tree != NULL ? row->tree->depth : 0;
    if (indent == 0 || line->left <= indent) return;
    put_colour(line, TEXT_DIM(view->colour));
    for (size_t d = 0; d + 1 < indent / 2; d++) {
        bool open = d >= row->base && row->tree != NULL && (row->tree->open >> (d - row->base) & 1) != 0;
        buf_text(line->buf, open ? "│ " : "  ");
    }
    if (tree > 0) buf_text(line->buf, row->tree->last ? "└ " : "├ ");
    else buf_text(line->buf, "  ");
    put_colour(line, TEXT_RESET(view->colour));
    line->left -= indent;
}

static size_t
put_row(const struct tree_view *view, const struct row *row, size_t name_cells, struct buf *buf)
{
    const struct step_state *step = row->step;
    struct line line = {buf, (size_t)view->width - 1};
    struct buf name BUF_SCOPED = {0};
    size_t indent = row_indent(row);
    buf_init(&name, 1 << 16);
    put_gap(&line, 2);
    put_indent(&line, view, row);
    if (step == NULL) {
        buf_text(&name, "… and ");
        text_count(&name, (int64_t)row->more);
        buf_text(&name, " more");
        put_colour(&line, TEXT_DIM(view->colour));
        put_buf(&line, &name);
        put_colour(&line, TEXT_RESET(view->colour));
        return end_line(&line);
    }
    row_name(&name, row);
    put_colour(&line, text_colour(step->status, view->colour));
    put(&line, glyph_of(view, step->status));
    put_colour(&line, TEXT_RESET(view->colour));
    size_t cells = name_cells > indent ? name_cells - indent : 1;
    if (line.left > cells + 3) {
        buf_char(buf, ' ');
        text_pad(buf, buf_str(&name), cells);
        buf_text(buf, "  ");
        line.left -= cells + 3;
        put_detail(&line, view, step);
    } else if (line.left > 2) {
        buf_char(buf, ' ');
        line.left--;
        put_buf(&line, &name);
    }
    size_t lines = end_line(&line);
    if (step->status == STEP_FAILED_STATUS) lines += put_failure(view, step, 6 + 2 * (size_t)row->base, buf);
    return lines;
}

static size_t
put_title(const struct tree_view *view, struct buf *buf)
{
    struct line line = {buf, (size_t)view->width - 1};
    struct buf text BUF_SCOPED = {0};
    const struct run_state *state = view->board->state;
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

/* ---- which rows ---------------------------------------------------------------------------------------- */

struct rows {
    const struct tree_view *view;
    struct row list[ROWS_MAX];
    size_t count, lines, room; /* lines: that they take. Beyond the room none is added */
};

static void
add_row(struct rows *rows, struct row row)
{
    bool failed = row.step != NULL && row.step->status == STEP_FAILED_STATUS;
    rows->lines += 1 + (failed ? 2u : 0u);
    if (rows->lines <= rows->room && rows->count < ROWS_MAX) rows->list[rows->count++] = row;
}

static bool
is_full(const struct rows *rows)
{
    return rows->lines > rows->room || rows->count == ROWS_MAX;
}

/* Steps of on_failure and finally are of interest only once they do something. */
static bool
row_shown(const struct tree_view *view, const struct step_state *step)
{
    bool sometimes = step->step->part == PART_ON_FAILURE || step->step->part == PART_ON_SUCCESS;
    if (sometimes && (step->status == STEP_SKIPPED_STATUS || step->status == STEP_WAITING_STATUS)) return false;
    return step->step->part == PART_STEPS || step->status != STEP_WAITING_STATUS || !view->final;
}

static void add_block(struct rows *rows, const struct step_state *block, uint32_t base);
static void add_loop(struct rows *rows, const struct step_state *loop, uint32_t base);

static void
add_parts(struct rows *rows, const struct step_state *step, uint32_t base)
{
    if (!state_is_parent(step) || !step->expanded || is_full(rows)) return;
    if (state_is_loop(step)) add_loop(rows, step, base);
    else add_block(rows, step, base);
}

static void
add_block(struct rows *rows, const struct step_state *block, uint32_t base)
{
    struct board *board = rows->view->board;
    const struct model *model = block != NULL ? block->step->body : board->state->model;
    const struct tree_row *tree = board_rows(board, model);
    const struct step_state *first = &board->state->steps[block != NULL ? block->first : 0];
    for (size_t i = 0; i < model->nsteps && !is_full(rows); i++) {
        const struct step_state *step = &first[tree[i].step];
        if (!row_shown(rows->view, step)) continue;
        add_row(rows, (struct row){.step = step, .tree = &tree[i], .base = base});
        add_parts(rows, step, base + tree[i].depth + 1);
    }
}

/* The first that failed, then what is at work, then how many more of these there are. */
static void
add_busy_items(struct rows *rows, const struct step_state *loop, uint32_t base)
{
    const struct board *board = rows->view->board;
    const struct board_sum *sum = board_sum(board, loop);
    const struct tally *tally = &sum->tally;
    size_t shown = 0, left = tally->by[STEP_FAILED_STATUS];
    size_t most = rows->view->final ? BOARD_FAILURES : FAILED_SHOWN;
    for (; shown < sum->nfailed && shown < most; shown++, left--) {
        const struct step_state *step = &board->state->steps[sum->failed[shown]];
        add_row(rows, (struct row){.step = step, .base = base});
        add_parts(rows, step, base + 1);
    }
    left += tally->by[STEP_RUNNING_STATUS] + tally->by[STEP_BACKOFF_STATUS] + tally->by[STEP_READY_STATUS] +
            tally->by[STEP_UNKNOWN_STATUS] + tally->by[STEP_PARKED_STATUS];
    shown = 0;
    for (uint32_t i = sum->first; i != 0 && shown < BUSY_SHOWN; i = board->parts[i - 1].next, shown++, left--) {
        const struct step_state *step = &board->state->steps[i - 1];
        if (step_status_ended(step->status)) continue; /* the state is ahead of what was told */
        add_row(rows, (struct row){.step = step, .base = base});
        add_parts(rows, step, base + 1);
    }
    if (left > 0) add_row(rows, (struct row){.base = base, .more = left});
}

static void
add_loop(struct rows *rows, const struct step_state *loop, uint32_t base)
{
    const struct run_state *state = rows->view->board->state;
    if (board_sum(rows->view->board, loop) == NULL) return;
    if (loop->nchildren > ITEMS_SHOWN) {
        add_busy_items(rows, loop, base);
        return;
    }
    for (uint32_t i = 0; i < loop->nchildren; i++) {
        const struct step_state *item = &state->steps[loop->first + i];
        add_row(rows, (struct row){.step = item, .base = base});
        add_parts(rows, item, base + 1);
    }
}

/* Too many steps: those that failed, and what is going on, wherever it is. */
static void
add_going_on(struct rows *rows, const struct step_state *parent)
{
    const struct board *board = rows->view->board;
    const struct board_sum *sum = board_sum(board, parent);
    for (size_t i = 0; sum != NULL && i < sum->nfailed && !is_full(rows); i++) {
        const struct step_state *step = &board->state->steps[sum->failed[i]];
        add_row(rows, (struct row){.step = step, .full = true});
        add_going_on(rows, step);
    }
    for (uint32_t i = sum != NULL ? sum->first : 0; i != 0 && !is_full(rows); i = board->parts[i - 1].next) {
        const struct step_state *step = &board->state->steps[i - 1];
        if (step->status == STEP_READY_STATUS && rows->view->final) continue;
        add_row(rows, (struct row){.step = step, .full = true});
        add_going_on(rows, step);
    }
}

/* Calls and steps that undo, while they are at work: they have no place among the steps. */
static void
add_beside(struct rows *rows)
{
    const struct board *board = rows->view->board;
    size_t own = board->state->model->nsteps;
    for (uint32_t i = board->sum.first; i != 0 && !is_full(rows); i = board->parts[i - 1].next)
        if (i > own) add_row(rows, (struct row){.step = &board->state->steps[i - 1], .full = true});
}

static size_t
name_column(const struct rows *rows)
{
    size_t cells = 8, most = (size_t)rows->view->width * 2 / 5;
    struct buf name BUF_SCOPED = {0};
    buf_init(&name, 1 << 16);
    for (size_t i = 0; i < rows->count; i++) {
        if (rows->list[i].step == NULL) continue;
        row_name(&name, &rows->list[i]);
        size_t w = text_width(buf_str(&name), name.size) + row_indent(&rows->list[i]);
        buf_clear(&name);
        if (w > cells) cells = w;
    }
    return cells > most ? most : cells;
}

static size_t
put_total(const struct tree_view *view, struct buf *buf)
{
    struct buf text BUF_SCOPED = {0};
    struct line line = {buf, (size_t)view->width - 1};
    buf_init(&text, 512);
    put_gap(&line, 2);
    text_count(&text, (int64_t)view->board->all.all);
    buf_text(&text, " steps: ");
    tally_text(&text, &view->board->all);
    put_buf(&line, &text);
    return end_line(&line);
}

size_t
tree_render(const struct tree_view *view, struct buf *buf)
{
    size_t lines = put_title(view, buf), height = view->height > 8 ? (size_t)view->height - 1 : 7;
    struct rows rows = {.view = view, .room = view->final ? ROWS_MAX : height - lines};
    add_block(&rows, NULL, 0);
    add_beside(&rows);
    bool fits = !is_full(&rows);
    if (!fits) {
        size_t room = view->final ? 60 : height - lines;
        rows.count = rows.lines = 0;
        rows.room = room > 4 ? room - 4 : 1;
        add_going_on(&rows, NULL);
    }
    size_t cells = name_column(&rows);
    for (size_t i = 0; i < rows.count; i++) lines += put_row(view, &rows.list[i], cells, buf);
    return fits ? lines : lines + put_total(view, buf);
}
