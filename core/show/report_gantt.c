/* SPDX-License-Identifier: Apache-2.0
 *
 * When each step waited, ran and backed off. Bars carry a pattern as well as a colour, and each says its numbers when
 * pointed at.
 */
#include "base/str.h"
#include "show/chart.h"
#include "show/html.h"
#include "show/report.h"
#include "show/text.h"

#define ROWS_MAX 200u

struct gantt {
    struct buf *buf;
    const struct report_page *page;
    struct chart chart;
    int64_t start_ms, end_ms;
};

static void
put_bar(const struct gantt *gantt, const char *class, int64_t from_ms, int64_t to_ms, const char *title)
{
    double left = chart_at(&gantt->chart, (double)(from_ms - gantt->start_ms));
    double right = chart_at(&gantt->chart, (double)(to_ms - gantt->start_ms));
    if (left > 99.7) left = 99.7; /* what ends with the run must still be seen */
    buf_printf(gantt->buf, "<span class=\"bar %s\" style=\"left:%.2f%%;width:%.2f%%\" title=\"", class, left,
               right > left ? right - left : 0);
    html_text(gantt->buf, title);
    buf_text(gantt->buf, "\"></span>");
}

/* When all it needs had ended: from then on it waited for a free place only. */
static int64_t
ready_ms(const struct gantt *gantt, const struct step_state *step)
{
    const struct run_state *state = &gantt->page->view->state;
    int64_t ready = gantt->start_ms;
    if (step->parent != NO_PARENT && state->steps[step->parent].started_ms > ready)
        ready = state->steps[step->parent].started_ms;
    for (size_t i = 0; i < step->step->nneeds && !step->is_item; i++) {
        int64_t end = state_sibling(state, step, step->step->needs[i])->finished_ms;
        if (end > ready) ready = end;
    }
    return ready;
}

static void
put_attempt(const struct gantt *gantt, const struct step_state *step, size_t at)
{
    const struct attempt_state *attempt = &step->attempts[at];
    const char *status = attempt->status ? attempt->status : "running";
    int64_t end = attempt->finished_ms ? attempt->finished_ms : gantt->end_ms;
    struct buf title BUF_SCOPED = {0};
    buf_init(&title, 8192);
    if (at > 0 && step->attempts[at - 1].finished_ms && attempt->intent_ms > step->attempts[at - 1].finished_ms) {
        buf_text(&title, "waited ");
        text_elapsed(&title, attempt->intent_ms - step->attempts[at - 1].finished_ms);
        buf_printf(&title, " before attempt %u", attempt->attempt);
        put_bar(gantt, "back", step->attempts[at - 1].finished_ms, attempt->intent_ms, buf_str(&title));
        buf_clear(&title);
    }
    instance_name(&title, step);
    buf_printf(&title, " attempt %u: %s, ", attempt->attempt, status);
    text_elapsed(&title, end - attempt->intent_ms);
    buf_text(&title, " from +");
    text_elapsed(&title, attempt->intent_ms - gantt->start_ms);
    const char *message = value_get_str(attempt->error, "message", NULL);
    if (message != NULL) buf_printf(&title, ": %.500s", message);
    struct buf class BUF_SCOPED = {0};
    buf_init(&class, 64);
    buf_text(&class, "a-");
    html_path(&class, status);
    put_bar(gantt, buf_str(&class), attempt->intent_ms, end, buf_str(&title));
}

/* From the first of its parts to the last. */
static void
put_whole(const struct gantt *gantt, const struct step_state *step)
{
    struct buf title BUF_SCOPED = {0};
    struct tally tally;
    if (step->started_ms == 0) return;
    buf_init(&title, 1 << 16);
    tally_parts(&tally, &gantt->page->view->state, step);
    instance_name(&title, step);
    buf_text(&title, ": ");
    tally_progress(&title, &tally);
    put_bar(gantt, "whole", step->started_ms, step->finished_ms ? step->finished_ms : gantt->end_ms, buf_str(&title));
}

static void
put_row(const struct gantt *gantt, const struct step_state *step)
{
    struct buf value BUF_SCOPED = {0}, anchor BUF_SCOPED = {0}, name BUF_SCOPED = {0};
    int64_t ready = ready_ms(gantt, step);
    buf_init(&value, 4096);
    buf_init(&anchor, 4096);
    buf_init(&name, 1 << 16);
    report_anchor(&anchor, gantt->page, step);
    instance_name(&name, step);
    chart_row(gantt->buf, &gantt->chart, buf_str(&anchor), buf_str(&name), NULL);
    if (state_is_parent(step)) put_whole(gantt, step);
    bool known = step->step->part == PART_STEPS || step->step->nneeds > 0; /* the others wait for the steps */
    if (known && step->nattempts && step->attempts[0].intent_ms > ready)
        put_bar(gantt, "wait", ready, step->attempts[0].intent_ms, "ready, waiting for a free place");
    for (size_t i = 0; i < step->nattempts; i++) put_attempt(gantt, step, i);
    const struct attempt_state *last = step_last_attempt(step);
    if (step->status == STEP_BACKOFF_STATUS && last != NULL && last->finished_ms)
        put_bar(gantt, "back", last->finished_ms, gantt->end_ms, "waiting for the next attempt");
    if (step->started_ms) text_elapsed(&value, step_elapsed_ms(step, gantt->end_ms));
    else buf_text(&value, step_status_name(step->status));
    chart_row_end(gantt->buf, buf_str(&value));
}

static void
put_legend(struct buf *buf, const struct run_state *state)
{
    static const struct { const char *status, *text; } entries[] = {
        {"succeeded", "succeeded"}, {"failed", "failed attempt"}, {"running", "running"}, {"vanished", "vanished"},
        {"interrupted", "interrupted"}, {"cancelled", "cancelled"}, {"skipped", "skipped itself"}};
    bool seen[sizeof entries / sizeof entries[0]] = {0}, backoff = false;
    for (size_t i = 0; i < state->nsteps; i++)
        for (size_t k = 0; k < state->steps[i].nattempts; k++) {
            const char *status = state->steps[i].attempts[k].status;
            backoff = backoff || k > 0 || state->steps[i].status == STEP_BACKOFF_STATUS;
            for (size_t n = 0; n < sizeof entries / sizeof entries[0]; n++)
                if (str_eq(entries[n].status, status ? status : "running")) seen[n] = true;
        }
    buf_text(buf, "<ul class=\"legend\">");
    for (size_t n = 0; n < sizeof entries / sizeof entries[0]; n++)
        if (seen[n])
            buf_printf(buf, "<li><span><span class=\"bar a-%s\"></span></span>%s</li>", entries[n].status,
                       entries[n].text);
    if (backoff) buf_text(buf, "<li><span><span class=\"bar back\"></span></span>waiting to try again</li>");
    buf_text(buf, "<li><span><span class=\"bar wait\"></span></span>ready, waiting for a place</li></ul>");
}

void
report_gantt(struct buf *buf, const struct report_page *page, int64_t now_ms)
{
    const struct view *view = page->view;
    const struct run_state *state = &view->state;
    struct gantt gantt = {.buf = buf, .page = page, .start_ms = state->started_ms,
                          .end_ms = report_end_ms(view, now_ms)};
    size_t rows = 0;
    if (state->nsteps == 0 || state->started_ms == 0) return;
    if (gantt.end_ms <= gantt.start_ms) gantt.end_ms = gantt.start_ms + 1;
    chart_times(&gantt.chart, (double)(gantt.end_ms - gantt.start_ms));
    buf_text(buf, "<section class=\"card\" id=\"timeline\"><h2>Timeline</h2><div class=\"chart\">");
    for (size_t i = 0; i < page->outline.count && rows < ROWS_MAX; i++) {
        const struct step_state *step = page->outline.rows[i].step;
        if (step == NULL) continue;
        bool began = step->nattempts > 0 || (state_is_parent(step) && step->started_ms > 0);
        if (!began && (step->step->part != PART_STEPS || page->outline.count > 40)) continue;
        put_row(&gantt, step);
        rows++;
    }
    chart_axis(buf, &gantt.chart, chart_label_time);
    buf_text(buf, "</div>");
    if (page->outline.cut)
        buf_text(buf, "<p class=\"dim\">of long loops only items that did not succeed have a line</p>");
    if (rows == ROWS_MAX) buf_printf(buf, "<p class=\"dim\">the first %u steps</p>", ROWS_MAX);
    put_legend(buf, state);
    buf_text(buf, "</section>\n");
}
