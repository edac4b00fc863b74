/* SPDX-License-Identifier: Apache-2.0
 *
 * One step of the report: why it ran or did not, what went in and came out, each attempt, the end of its logs.
 */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "run/approval.h"
#include "show/asked.h"
#include "show/html.h"
#include "show/logs.h"
#include "show/report.h"
#include "show/text.h"

#define LOG_LINES 200u

static void
put_error(struct buf *buf, const struct value *error)
{
    const char *hint = value_get_str(error, "hint", NULL), *file = value_get_str(error, "file", NULL);
    int64_t line = value_get_int(error, "line", 0);
    buf_text(buf, "<div class=\"error\"><b>");
    html_text(buf, value_get_str(error, "class", "error"));
    buf_text(buf, "</b>: <span class=\"t\">");
    html_text(buf, value_get_str(error, "message", "no message"));
    buf_text(buf, "</span>");
    if (hint != NULL && *hint) {
        buf_text(buf, "<div class=\"dim\">");
        html_text(buf, hint);
        buf_text(buf, "</div>");
    }
    if (file != NULL) {
        buf_text(buf, "<div class=\"dim mono\">");
        html_text(buf, file);
        if (line) buf_printf(buf, ":%" PRId64, line);
        buf_text(buf, "</div>");
    }
    buf_text(buf, "</div>");
}

/* Blocks stand side by side where there is room; a wide one has a row of its own. */
static void
block_begin(struct buf *buf, const char *title, bool wide)
{
    buf_printf(buf, "<div class=\"b%s\"><h3>%s</h3>", wide ? " wide" : "", title);
}

static void
block_end(struct buf *buf)
{
    buf_text(buf, "</div>");
}

/* A map of the intent, or nothing. */
static void
put_input_map(struct buf *buf, const struct value *inputs, const char *name, const char *title)
{
    const struct value *map = value_get(inputs, name);
    if (!value_is(map, VALUE_MAP) || map->map.count == 0) return;
    block_begin(buf, title, html_map_is_wide(map));
    html_map(buf, map);
    block_end(buf);
}

static void
put_input_text(struct buf *buf, const struct value *inputs, const char *name, const char *title)
{
    const struct value *text = value_get(inputs, name);
    if (!value_is(text, VALUE_STRING) || text->text.size == 0) return;
    block_begin(buf, title, true);
    buf_text(buf, "<pre>");
    html_textn(buf, text->text.ptr, text->text.size > 20000 ? 20000 : text->text.size);
    buf_text(buf, "</pre>");
    block_end(buf);
}

/* Inputs that touch a secret were never evaluated here: the template is all that anybody may see. */
static void
put_deferred(struct buf *buf, const struct value *list)
{
    if (!value_is(list, VALUE_LIST) || list->list.count == 0) return;
    block_begin(buf, "Inputs that touch a secret", false);
    buf_text(buf, "<table class=\"kv\"><tbody>");
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *path = value_get(list->list.items[i], "path");
        buf_text(buf, "<tr><th>");
        for (size_t k = 0; value_is(path, VALUE_LIST) && k < path->list.count; k++) {
            struct buf part BUF_SCOPED = {0};
            buf_init(&part, 4096);
            value_show(&part, path->list.items[k]);
            if (k) buf_char(buf, '.');
            html_text(buf, buf_str(&part));
        }
        buf_text(buf, "</th><td><span class=\"secret\">secret</span> <code>");
        html_text(buf, value_get_str(list->list.items[i], "template", ""));
        buf_text(buf, "</code></td></tr>");
    }
    buf_text(buf, "</tbody></table>");
    block_end(buf);
}

static void
put_inputs(struct buf *buf, const struct step_state *step)
{
    const struct value *inputs = step->inputs;
    if (!value_is(inputs, VALUE_MAP)) return;
    put_input_map(buf, inputs, "with", "Inputs");
    put_deferred(buf, value_get(inputs, "deferred"));
    put_input_text(buf, inputs, "script", "Script");
    put_input_text(buf, inputs, "text", "Chunk");
    put_input_map(buf, inputs, "vars", "Values in the script");
    put_input_map(buf, inputs, "env", "Environment");
    put_input_text(buf, inputs, "stdin", "Standard input");
}

static void
put_attempts(struct buf *buf, const struct view *view, const struct step_state *step, int64_t end_ms)
{
    if (step->nattempts == 0) return;
    block_begin(buf, "Attempts", false);
    buf_text(buf, "<div class=\"scroll\"><table class=\"data\"><thead><tr><th class=\"n\">#</th><th>Ended"
             "</th><th class=\"n\">Began</th><th class=\"n\">Took</th><th class=\"n\">CPU</th><th "
             "class=\"n\">Memory</th>"
             "<th class=\"n\">Log</th></tr></thead><tbody>");
    for (size_t i = 0; i < step->nattempts; i++) {
        const struct attempt_state *attempt = &step->attempts[i];
        const char *status = attempt->status ? attempt->status : "open";
        int64_t end = attempt->finished_ms ? attempt->finished_ms : end_ms;
        buf_printf(buf, "<tr><td class=\"n\">%" PRIu32 "</td><td>", attempt->attempt);
        html_text(buf, status);
        if (attempt->resolve) buf_text(buf, " (asked whether it happened)");
        buf_text(buf, "</td><td class=\"n\">+");
        text_elapsed(buf, attempt->intent_ms - view->state.started_ms);
        buf_text(buf, "</td><td class=\"n\">");
        text_elapsed(buf, end - attempt->intent_ms);
        buf_text(buf, "</td><td class=\"n\">");
        if (attempt->cpu_ms) text_elapsed(buf, attempt->cpu_ms);
        buf_text(buf, "</td><td class=\"n\">");
        if (attempt->peak_kib) str_size_human(buf, attempt->peak_kib * 1024);
        buf_text(buf, "</td><td class=\"n\">");
        if (attempt->log_bytes) str_size_human(buf, attempt->log_bytes);
        buf_text(buf, "</td></tr>");
    }
    buf_text(buf, "</tbody></table></div>");
    for (size_t i = 0; i + 1 < step->nattempts; i++)
        if (step->attempts[i].error != NULL) {
            buf_printf(buf, "<p class=\"dim\">attempt %" PRIu32 "</p>", step->attempts[i].attempt);
            put_error(buf, step->attempts[i].error);
        }
    block_end(buf);
}

static void
put_metrics(struct buf *buf, const struct attempt_state *attempt)
{
    if (attempt == NULL || !value_is(attempt->metrics, VALUE_LIST) || attempt->metrics->list.count == 0) return;
    block_begin(buf, "Metrics", false);
    buf_text(buf, "<table class=\"kv\"><tbody>");
    for (size_t i = 0; i < attempt->metrics->list.count; i++) {
        const struct value *metric = attempt->metrics->list.items[i], *number = value_get(metric, "value");
        struct buf text BUF_SCOPED = {0};
        buf_init(&text, 4096);
        double value = value_is(number, VALUE_REAL) ? number->real
                       : value_is(number, VALUE_INT) ? (double)number->integer : 0;
        text_quantity(&text, value, value_get_str(metric, "unit", ""));
        buf_text(buf, "<tr><th>");
        html_text(buf, value_get_str(metric, "name", ""));
        buf_text(buf, "</th><td>");
        html_text(buf, buf_str(&text));
        buf_text(buf, "</td></tr>");
    }
    buf_text(buf, "</tbody></table>");
    block_end(buf);
}

/* Who was asked, who decided, and for what. */
static void
put_approval(struct buf *buf, const struct view *view, const struct step_state *step)
{
    struct arena arena ARENA_SCOPED = {0};
    struct buf text BUF_SCOPED = {0};
    const struct approval_state *approval = step->approval;
    if (approval == NULL || approval->parked_ms == 0) return;
    buf_init(&text, 1 << 16);
    block_begin(buf, "Approval", false);
    if (step->status == STEP_PARKED_STATUS) {
        asked_text(&text, step);
        buf_text(buf, "<p>");
        html_text(buf, buf_str(&text));
        buf_text(buf, "</p><p><code class=\"cmd\">levada approve ");
        buf_clear(&text);
        buf_printf(&text, "%s ", view->name);
        asked_words(&text, step, true);
        html_text(buf, buf_str(&text));
        buf_text(buf, "</code></p>");
    }
    buf_text(buf, "<table class=\"data\"><tbody>");
    for (size_t i = 0; i < approval->napprovers; i++) {
        const struct approver *one = &approval->approvers[i];
        bool rejects = approval->rejected && i + 1 == approval->napprovers;
        buf_text(buf, "<tr><td class=\"n dim\">+");
        text_elapsed(buf, one->time_ms - view->state.started_ms);
        buf_printf(buf, "</td><td>%s by ", rejects ? "rejected" : "approved");
        html_text(buf, approver_name(&arena, one));
        buf_text(buf, "</td><td>");
        html_text(buf, one->why != NULL ? one->why : "");
        buf_text(buf, "</td></tr>");
    }
    buf_text(buf, "</tbody></table>");
    block_end(buf);
    if (value_is(approval->input, VALUE_MAP) && approval->input->map.count > 0) {
        block_begin(buf, "Approved with", html_map_is_wide(approval->input));
        html_map(buf, approval->input);
        block_end(buf);
    }
}

static void
put_reasons(struct buf *buf, const struct report_page *page, const struct step_state *step)
{
    const struct view *view = page->view;
    bool first = true;
    for (uint32_t i = page->first[step - view->state.steps]; i != 0; i = page->next[i - 1]) {
        const struct decision *decision = &view->decisions[i - 1];
        if (first) {
            block_begin(buf, "Why", false);
            buf_text(buf, "<div class=\"scroll\"><table class=\"data\"><tbody>");
        }
        first = false;
        buf_text(buf, "<tr><td class=\"n dim\">+");
        text_elapsed(buf, decision->time_ms - view->state.started_ms);
        buf_text(buf, "</td><td><code>");
        html_text(buf, decision->code);
        buf_text(buf, "</code></td><td>");
        html_text(buf, decision->text);
        buf_text(buf, "</td></tr>");
    }
    if (!first) buf_text(buf, "</tbody></table></div></div>");
}

static void
put_logs(struct buf *buf, const struct view *view, const struct step_state *step, size_t *log_left)
{
    for (size_t i = step->nattempts; i-- > 0;) {
        const struct attempt_state *attempt = &step->attempts[i];
        struct arena arena ARENA_SCOPED = {0};
        size_t size = 0;
        bool cut = false, open = i + 1 == step->nattempts && step->status != STEP_SUCCEEDED_STATUS;
        const char *text = logs_tail(&arena, view->folder, attempt->log, LOG_LINES, &size, &cut);
        if (text == NULL) continue;
        buf_printf(buf, "<details class=\"log\"%s><summary>Log of attempt %" PRIu32 "%s</summary>", open ? " "
            "open" : "",
                   attempt->attempt, cut ? ", its end" : "");
        if (size > *log_left) {
            struct buf escaped BUF_SCOPED = {0};
            buf_init(&escaped, 1 << 16);
            html_text(&escaped, state_address(&arena, step));
            const char *arguments = buf_str(&escaped);
            buf_printf(buf, "<p class=\"dim\">left out, the page is large enough: <code class=\"cmd\">levada "
                "logs %s %s"
                       " --attempt %" PRIu32 "</code></p></details>", view->name, arguments, attempt->attempt);
            continue;
        }
        *log_left -= size;
        buf_text(buf, "<pre>");
        html_textn(buf, text, size);
        buf_text(buf, "</pre></details>");
    }
}

static void
put_kind(struct buf *buf, const struct view *view, const struct step_state *step)
{
    static const char *const words[] = {
        [STEP_USES] = "action", [STEP_RUN] = "run", [STEP_LUA] = "lua", [STEP_GROUP] = "group",
        [STEP_WORKFLOW] = "workflow"};
    struct tally parts;
    buf_text(buf, state_is_loop(step) ? "loop" : words[step->step->kind]);
    if (!state_is_parent(step)) return;
    tally_parts(&parts, &view->state, step);
    if (parts.all == 0) return;
    buf_text(buf, " · ");
    tally_progress(buf, &parts);
}

void
report_step(struct buf *buf, const struct report_page *page, const struct outline_row *row, int64_t now_ms,
            size_t *log_left)
{
    const struct view *view = page->view;
    const struct step_state *step = row->step;
    int64_t end_ms = report_end_ms(view, now_ms);
    bool open = step->status == STEP_FAILED_STATUS || step->status == STEP_UNKNOWN_STATUS ||
                step->status == STEP_PARKED_STATUS;
    const char *status = step_status_name(step->status);
    buf_text(buf, "<details class=\"step\" id=\"");
    report_anchor(buf, page, step);
    buf_char(buf, '"');
    if (row->depth > 0) buf_printf(buf, " style=\"margin-left:%upx\"", 22 * (row->depth < 8 ? row->depth : 8));
    buf_printf(buf, "%s><summary><b>", open ? " open" : "");
    report_name(buf, step);
    buf_text(buf, "</b>");
    report_pill(buf, status, text_glyph(step->status), status);
    buf_text(buf, "<span class=\"dim\">");
    if (step->step->kind == STEP_USES && step->step->plugin != NULL && !state_is_parent(step)) {
        html_text(buf, step->step->plugin);
        buf_char(buf, '.');
        html_text(buf, step->step->action ? step->step->action : "");
    } else {
        put_kind(buf, view, step);
    }
    if (step->started_ms) {
        buf_text(buf, " · ");
        text_elapsed(buf, step_elapsed_ms(step, end_ms));
    }
    if (step_attempts(step) > 1) buf_printf(buf, " · %" PRIu32 " attempts", step_attempts(step));
    buf_text(buf, "</span></summary><div class=\"in\">");
    if (step->step->name != NULL && !str_eq(step->step->name, step->step->id)) {
        buf_text(buf, "<p>");
        html_text(buf, step->step->name);
        buf_text(buf, "</p>");
    }
    if (step->error != NULL) put_error(buf, step->error);
    buf_text(buf, "<div class=\"blocks\">");
    if (value_is(step->outputs, VALUE_MAP) && step->outputs->map.count > 0) {
        block_begin(buf, "Outputs", html_map_is_wide(step->outputs));
        html_map(buf, step->outputs);
        block_end(buf);
    }
    put_approval(buf, view, step);
    put_inputs(buf, step);
    put_metrics(buf, step_last_attempt(step));
    if (value_is(step->checkpoints, VALUE_MAP) && step->checkpoints->map.count > 0) {
        block_begin(buf, "Checkpoints", false);
        html_map(buf, step->checkpoints);
        block_end(buf);
    }
    put_reasons(buf, page, step);
    put_attempts(buf, view, step, end_ms);
    buf_text(buf, "</div>");
    put_logs(buf, view, step, log_left);
    buf_text(buf, "</div></details>\n");
}
