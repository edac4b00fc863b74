/* SPDX-License-Identifier: Apache-2.0
 *
 * The page around the sections: head, what happened in one screen, then everything else in the order in which
 * people ask.
 */
#include "show/report.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "show/html.h"
#include "show/next.h"
#include "show/text.h"

#define SECTIONS_MAX 1500u        /* steps with a section of their own; beyond, those that did not succeed */
#define LOGS_SIZE_MAX (6u * MIB)  /* in the whole page */

int64_t
report_end_ms(const struct view *view, int64_t now_ms)
{
    if (view->state.finished_ms) return view->state.finished_ms;
    if (view->status == RUN_RUNNING_STATUS || view->ndecisions == 0) return now_ms;
    return view->decisions[view->ndecisions - 1].time_ms;
}

void
report_pill(struct buf *buf, const char *class, const char *glyph, const char *word)
{
    buf_printf(buf, "<span class=\"pill s-%s\">%s %s</span>", class, glyph, word);
}

static const char *
run_glyph(enum run_status status)
{
    static const enum step_status same[] = {
        [RUN_RUNNING_STATUS] = STEP_RUNNING_STATUS,     [RUN_INTERRUPTED_STATUS] = STEP_PARKED_STATUS,
        [RUN_PARKED_STATUS] = STEP_PARKED_STATUS,       [RUN_UNKNOWN_STATUS] = STEP_UNKNOWN_STATUS,
        [RUN_SUCCEEDED_STATUS] = STEP_SUCCEEDED_STATUS, [RUN_FAILED_STATUS] = STEP_FAILED_STATUS,
        [RUN_CANCELLED_STATUS] = STEP_CANCELLED_STATUS};
    return text_glyph(same[status]);
}

static void
put_fact(struct buf *buf, const char *name, const char *value)
{
    buf_printf(buf, "<li><b>%s</b><span>%s</span></li>", value, name);
}

static void
put_facts(struct buf *buf, const struct view *view, int64_t now_ms)
{
    const struct run_state *state = &view->state;
    struct buf text BUF_SCOPED = {0};
    size_t attempts = 0;
    int64_t cpu_ms = 0, peak_kib = 0;
    buf_init(&text, 4096);
    struct tally tally;
    tally_run(&tally, state);
    for (const struct step_state *at = instance_next(state, NULL); at != NULL; at = instance_next(state, at))
        for (size_t k = 0; k < at->nattempts; k++) {
            const struct attempt_state *attempt = &at->attempts[k];
            attempts++;
            cpu_ms += attempt->cpu_ms;
            if (attempt->peak_kib > peak_kib) peak_kib = attempt->peak_kib;
        }
    buf_text(buf, "<ul class=\"facts\">");
    text_elapsed(&text, view_elapsed_ms(view, now_ms));
    put_fact(buf, view->status == RUN_RUNNING_STATUS ? "so far" : "duration", buf_str(&text));
    buf_clear(&text);
    text_count(&text, (int64_t)tally.all);
    put_fact(buf, "steps", buf_str(&text));
    buf_clear(&text);
    text_count(&text, (int64_t)attempts);
    put_fact(buf, "attempts", buf_str(&text));
    buf_clear(&text);
    if (cpu_ms) {
        text_elapsed(&text, cpu_ms);
        put_fact(buf, "CPU in all", buf_str(&text));
        buf_clear(&text);
    }
    if (peak_kib) {
        str_size_human(&text, peak_kib * 1024);
        put_fact(buf, "largest worker", buf_str(&text));
        buf_clear(&text);
    }
    if (state->sessions > 1) {
        buf_printf(&text, "%" PRIu32 "×", state->sessions - 1);
        put_fact(buf, "resumed", buf_str(&text));
    }
    buf_text(buf, "</ul>");
}

static void
put_header(struct buf *buf, const struct view *view, int64_t now_ms)
{
    const struct run_state *state = &view->state;
    const char *status = run_status_name(view->status);
    buf_text(buf, "<header class=\"top\"><h1>");
    html_text(buf, state->model->name);
    report_pill(buf, status, run_glyph(view->status), status);
    buf_text(buf, "</h1>");
    if (state->model->description != NULL) {
        buf_text(buf, "<p>");
        html_text(buf, state->model->description);
        buf_text(buf, "</p>");
    }
    buf_text(buf, "<p class=\"sub\"><span class=\"mono\">");
    html_text(buf, state->id);
    buf_text(buf, "</span> · started ");
    text_clock(buf, state->started_ms);
    if (state->finished_ms) {
        buf_text(buf, " · finished ");
        text_clock(buf, state->finished_ms);
    }
    buf_text(buf, " UTC");
    if (state->trigger != NULL) {
        buf_text(buf, " · by ");
        html_text(buf, state->trigger);
    }
    buf_text(buf, "<br>");
    next_counts(buf, state);
    buf_text(buf, "</p>");
    put_facts(buf, view, now_ms);
    buf_text(buf, "</header>\n");
}

/* The commands of next.h as a list: lines of command and meaning. */
static void
put_next(struct buf *buf, const struct view *view)
{
    struct buf text BUF_SCOPED = {0};
    buf_init(&text, 1 << 16);
    next_commands(&text, &view->state, view->status, view_place(view, "report"));
    buf_text(buf, "<ul class=\"next\">");
    for (char *line = text.data, *end; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (strlen(line) < 6) continue;
        char *command = line + 6, *gap = strstr(command, "  ");
        size_t size = gap != NULL ? (size_t)(gap - command) : strlen(command);
        const char *meaning = gap != NULL ? gap + strspn(gap, " ") : "";
        buf_text(buf, "<li><code>");
        html_textn(buf, command, size);
        buf_text(buf, "</code> ");
        html_text(buf, meaning);
        buf_text(buf, "</li>");
    }
    buf_text(buf, "</ul>");
}

static void
put_cause(struct buf *buf, const struct report_page *page)
{
    const struct view *view = page->view;
    const struct step_state *culprit = next_culprit(&view->state);
    const char *class = view->status == RUN_UNKNOWN_STATUS  ? "unknown"
                        : view->status == RUN_FAILED_STATUS ? "failed" : "stopped";
    if (view->status == RUN_SUCCEEDED_STATUS || view->status == RUN_RUNNING_STATUS) return;
    const struct value *error = culprit != NULL && culprit->error != NULL ? culprit->error : view->state.error;
    const char *hint = value_get_str(error, "hint", NULL);
    struct buf text BUF_SCOPED = {0};
    buf_init(&text, 1 << 16);
    buf_printf(buf, "<section class=\"card callout %s\"><h2>", class);
    if (culprit != NULL) {
        buf_text(buf, "<a href=\"#");
        report_anchor(buf, page, culprit);
        buf_text(buf, "\">");
        report_name(buf, culprit);
        buf_text(buf, "</a> ");
        next_outcome(&text, culprit, culprit->finished_ms);
        html_text(buf, buf_str(&text));
        buf_clear(&text);
    } else {
        buf_printf(buf, "The run is %s", run_status_name(view->status));
    }
    buf_text(buf, "</h2>");
    if (error != NULL) {
        next_error(&text, error);
        buf_text(buf, "<p class=\"msg\">");
        html_text(buf, buf_str(&text));
        buf_text(buf, "</p>");
    }
    if (hint != NULL && *hint) {
        buf_text(buf, "<p>");
        html_text(buf, hint);
        buf_text(buf, "</p>");
    }
    put_next(buf, view);
    buf_text(buf, "</section>\n");
}

static void
put_maps(struct buf *buf, const struct run_state *state)
{
    bool params = value_is(state->params, VALUE_MAP) && state->params->map.count > 0;
    bool outputs = value_is(state->outputs, VALUE_MAP) && state->outputs->map.count > 0;
    if (!params && !outputs) return;
    buf_text(buf, params && outputs ? "<div class=\"two\">" : "");
    if (outputs) {
        buf_text(buf, "<section class=\"card\" id=\"outputs\"><h2>Outputs</h2>");
        html_map(buf, state->outputs);
        buf_text(buf, "</section>");
    }
    if (params) {
        buf_text(buf, "<section class=\"card\" id=\"params\"><h2>Params</h2>");
        html_map(buf, state->params);
        buf_text(buf, "</section>");
    }
    buf_text(buf, params && outputs ? "</div>\n" : "\n");
}

/* Items of a long loop that have no section. */
static void
put_left(struct buf *buf, const struct view *view, const struct outline_row *row)
{
    buf_printf(buf, "<p class=\"dim\" style=\"margin-left:%upx\">… and ", 22 * row->depth);
    tally_text(buf, &row->left);
    buf_printf(buf, ": <code class=\"cmd\">levada show %s --step STEP</code></p>", view->name);
}

static void
put_steps(struct buf *buf, const struct report_page *page, int64_t now_ms)
{
    size_t log_left = LOGS_SIZE_MAX, left_out = 0;
    const struct outline *outline = &page->outline;
    buf_text(buf, "<section class=\"card\" id=\"steps\"><h2>Steps</h2>");
    for (size_t i = 0; i < outline->count; i++) {
        const struct outline_row *row = &outline->rows[i];
        if (row->step == NULL) put_left(buf, page->view, row);
        else if (i >= SECTIONS_MAX && row->step->status == STEP_SUCCEEDED_STATUS) left_out++;
        else if (buf->size < REPORT_SIZE_MAX - 16 * MIB) report_step(buf, page, row, now_ms, &log_left);
        else left_out++;
    }
    if (left_out) {
        text_count(buf, (int64_t)left_out);
        buf_printf(buf, " more steps: <code class=\"cmd\">levada show %s</code>", page->view->name);
    }
    buf_text(buf, "</section>\n");
}

static void
put_decisions(struct buf *buf, const struct view *view)
{
    buf_text(buf, "<details class=\"card\"><summary>Events of the run</summary><div class=\"scroll\"><table "
        "class=\"data\">"
             "<tbody>");
    for (size_t i = 0; i < view->ndecisions; i++) {
        const struct decision *decision = &view->decisions[i];
        if (decision->step != NULL) continue;
        buf_text(buf, "<tr><td class=\"dim\">");
        text_clock(buf, decision->time_ms);
        buf_text(buf, "</td><td><code>");
        html_text(buf, decision->code);
        buf_text(buf, "</code></td><td>");
        html_text(buf, decision->text);
        buf_text(buf, "</td></tr>");
    }
    buf_text(buf, "</tbody></table></div></details>\n");
}

void
report_write(struct buf *buf, const struct view *view, int64_t now_ms, bool linked)
{
    const struct run_state *state = &view->state;
    struct arena arena ARENA_SCOPED = {0};
    struct report_page page;
    report_page_init(&page, &arena, view);
    buf_text(buf, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">"
             "<meta name=\"generator\" content=\"levada " LEVADA_VERSION "\"><title>");
    html_text(buf, state->model->name);
    buf_printf(buf, " %s · %s</title><style>\n", run_status_name(view->status), view_short_id(state->id));
    report_css(buf);
    buf_text(buf, "</style></head><body>\n");
    put_header(buf, view, now_ms);
    buf_text(buf, "<main>\n");
    put_cause(buf, &page);
    put_maps(buf, state);
    report_dag(buf, &page, now_ms);
    report_gantt(buf, &page, now_ms);
    report_plots(buf, &page, now_ms);
    report_files(buf, view, linked);
    put_steps(buf, &page, now_ms);
    put_decisions(buf, view);
    if (state->model->source != NULL) {
        buf_text(buf, "<details class=\"card\"><summary>The workflow as it was run</summary><p class=\"sub mono\">");
        html_text(buf, state->model->file ? state->model->file : "");
        buf_text(buf, "</p><pre>");
        html_textn(buf, state->model->source, strnlen(state->model->source, MIB));
        buf_text(buf, "</pre></details>\n");
    }
    buf_text(buf, "</main><footer>Written by Levada " LEVADA_VERSION " at ");
    text_clock(buf, now_ms);
    buf_text(buf, " UTC. Times are UTC.</footer></body></html>\n");
}
