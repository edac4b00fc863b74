/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of the JSON are a promise to scripts: append, never rename.
 */
#include "show/show.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "show/asked.h"
#include "show/next.h"
#include "show/outline.h"
#include "show/stream.h"
#include "show/text.h"

void
json_member(struct buf *buf, const char *name, const char *text)
{
    if (text == NULL) return;
    buf_printf(buf, ",\"%s\":", name);
    json_quote(buf, text, strlen(text));
}

void
json_time(struct buf *buf, const char *name, int64_t ms)
{
    buf_printf(buf, ",\"%s\":", name);
    if (ms == 0) {
        buf_text(buf, "null");
        return;
    }
    buf_char(buf, '"');
    str_timestamp(buf, ms);
    buf_char(buf, '"');
}

static void
json_map(struct buf *buf, const char *name, const struct value *map)
{
    buf_printf(buf, ",\"%s\":", name);
    if (value_is(map, VALUE_MAP)) json_write(buf, map);
    else buf_text(buf, "{}");
}

/* Steps that an engine left behind go on no longer. */
static int64_t
view_now(const struct view *view, int64_t now_ms)
{
    now_ms = view_clock(view, now_ms);
    if (view->status == RUN_RUNNING_STATUS || view->ndecisions == 0) return now_ms;
    return view->decisions[view->ndecisions - 1].time_ms;
}

static void
step_json(struct buf *buf, const struct run_state *state, const struct step_state *step, int64_t now_ms)
{
    buf_text(buf, "{\"id\":");
    json_quote(buf, step->step->id, strlen(step->step->id));
    json_member(buf, "item", step->item);
    json_member(buf, "status", step_status_name(step->status));
    buf_printf(buf, ",\"attempts\":%" PRIu32, step_attempts(step));
    json_map(buf, "outputs", step->outputs);
    if (step->error != NULL) {
        buf_text(buf, ",\"error\":");
        stream_error(buf, step->error);
    }
    buf_text(buf, ",\"reason\":");
    if (step->reason_code == NULL && step->reason_text == NULL) {
        buf_text(buf, "null");
    } else {
        const char *code = step->reason_code ? step->reason_code : "", *text = step->reason_text;
        buf_text(buf, "{\"code\":");
        json_quote(buf, code, strlen(code));
        json_member(buf, "text", text ? text : "");
        buf_char(buf, '}');
    }
    asked_json(buf, state, step);
    json_time(buf, "started", step->started_ms);
    json_time(buf, "finished", step->finished_ms);
    buf_printf(buf, ",\"duration_ms\":%" PRId64 "}", step_elapsed_ms(step, now_ms));
}

static bool
is_wanted(const struct view *view, const struct show_wanted *wanted, const struct step_state *step)
{
    if (wanted->step != NULL && !instance_within(&view->state, step, wanted->step, wanted->item)) return false;
    return !wanted->failed || step->status == STEP_FAILED_STATUS || step->status == STEP_UNKNOWN_STATUS;
}

void
show_json(struct buf *buf, const struct view *view, const struct show_wanted *wanted, int64_t now_ms)
{
    bool first = true;
    const struct run_state *state = &view->state;
    buf_text(buf, "{\"run\":");
    json_quote(buf, state->id, strlen(state->id));
    json_member(buf, "workflow", state->model->name);
    json_member(buf, "status", run_status_name(view->status));
    json_time(buf, "started", state->started_ms);
    json_time(buf, "finished", state->finished_ms);
    if (state->queued_text != NULL) json_member(buf, "waits_for", state->queued_text);
    json_map(buf, "params", state->params);
    buf_text(buf, ",\"steps\":[");
    for (const struct step_state *at = instance_next(state, NULL); at != NULL; at = instance_next(state, at)) {
        if (!is_wanted(view, wanted, at)) continue;
        if (!first) buf_char(buf, ',');
        first = false;
        step_json(buf, state, at, view_now(view, now_ms));
    }
    buf_char(buf, ']');
    json_map(buf, "outputs", state->outputs);
    if (state->error != NULL) {
        buf_text(buf, ",\"error\":");
        stream_error(buf, state->error);
    }
    json_member(buf, "failed_step", state->failed_step);
    json_member(buf, "failed_item", state->failed_item);
    if (view->status != RUN_RUNNING_STATUS && view->state.status != RUN_RUNNING_STATUS)
        buf_printf(buf, ",\"exit\":%d", state->exit_code);
    buf_printf(buf, ",\"duration_ms\":%" PRId64, view_elapsed_ms(view, now_ms));
    json_member(buf, "file", state->model->file);
    json_member(buf, "trigger", state->trigger);
    json_member(buf, "folder", view->folder);
    if (view->exported) json_time(buf, "exported", view->exported_ms);
    if (view->at_ms) json_time(buf, "at", view->at_ms);
    buf_text(buf, "}\n");
}

static void
heading(struct buf *buf, const char *name)
{
    buf_printf(buf, "  %-9s ", name);
}

static void
show_head(struct buf *buf, const struct view *view, int64_t now_ms, bool colour)
{
    const struct run_state *state = &view->state;
    buf_text(buf, TEXT_BOLD(colour));
    text_line(buf, state->model->name);
    buf_printf(buf, "%s  %s  %s%s%s\n", TEXT_RESET(colour), state->id, text_run_colour(view->status, colour),
               run_status_name(view->status), TEXT_RESET(colour));
    heading(buf, "started");
    text_clock(buf, state->started_ms);
    buf_text(buf, " UTC");
    if (state->trigger != NULL) {
        buf_text(buf, ", by ");
        text_line(buf, state->trigger);
    }
    if (state->sessions > 1) buf_printf(buf, ", resumed %" PRIu32 "×", state->sessions - 1);
    buf_char(buf, '\n');
    if (state->finished_ms) {
        heading(buf, "finished");
        text_clock(buf, state->finished_ms);
        buf_text(buf, " UTC\n");
    }
    if (state->queued_text != NULL) {
        heading(buf, "queued");
        text_line(buf, state->queued_text);
        buf_char(buf, '\n');
    }
    heading(buf, "took");
    text_elapsed(buf, view_elapsed_ms(view, now_ms));
    buf_char(buf, '\n');
    heading(buf, "workflow");
    text_line(buf, state->model->file ? state->model->file : "-");
    buf_char(buf, '\n');
    heading(buf, view->exported ? "file" : "folder");
    text_line(buf, view->folder);
    buf_char(buf, '\n');
    if (view->exported) {
        heading(buf, "exported");
        text_clock(buf, view->exported_ms);
        buf_text(buf, view->engine_lived && !view->state.finished_ms ? " UTC, while the run went on\n" : " UTC\n");
    }
    if (view->at_ms) {
        heading(buf, "as it was");
        text_clock(buf, view->at_ms);
        buf_text(buf, " UTC\n");
    }
    for (size_t i = 0; value_is(state->params, VALUE_MAP) && i < state->params->map.count; i++) {
        heading(buf, i == 0 ? "params" : "");
        text_line(buf, state->params->map.names[i]);
        buf_text(buf, " = ");
        text_value(buf, state->params->map.values[i]);
        buf_char(buf, '\n');
    }
}

#define ITEMS_SHOWN 10u /* of a loop; of a longer one so many that failed, and so many that run */
#define NAME_CELLS 40u
#define STEP_INDENT 2u

static void
put_outputs(struct buf *buf, const struct step_state *step, unsigned indent, bool colour)
{
    struct buf text BUF_SCOPED = {0};
    buf_init(&text, LIMIT_VALUE_SIZE);
    for (size_t i = 0; value_is(step->outputs, VALUE_MAP) && i < step->outputs->map.count; i++) {
        buf_printf(buf, "%*s%s", (int)indent, "", TEXT_DIM(colour));
        text_line(buf, step->outputs->map.names[i]);
        buf_text(buf, " = ");
        buf_clear(&text);
        text_value(&text, step->outputs->map.values[i]);
        text_fit(buf, buf_str(&text), 160);
        buf_printf(buf, "%s\n", TEXT_RESET(colour));
    }
}

/* What is said of a step behind its name. */
static void
put_standing(struct buf *buf, const struct view *view, const struct step_state *step, int64_t now_ms)
{
    struct tally parts;
    next_outcome(buf, step, now_ms);
    tally_parts(&parts, &view->state, step);
    if (state_is_parent(step) && parts.all > 0 && (step->error == NULL || !step_counts(step))) {
        buf_text(buf, ": ");
        tally_progress(buf, &parts);
    } else if (step->error != NULL) {
        buf_text(buf, ": ");
        next_error(buf, step->error);
    } else if (step->status == STEP_PARKED_STATUS && step->approval != NULL) {
        buf_text(buf, ": ");
        asked_text(buf, step);
    } else if (step->status != STEP_SUCCEEDED_STATUS && step->status != STEP_RUNNING_STATUS &&
               step->reason_text != NULL) {
        buf_text(buf, ": ");
        text_line(buf, step->reason_text);
    }
}

static void
show_row(struct buf *buf, const struct view *view, const struct outline_row *row, size_t width, int64_t now_ms,
         bool colour)
{
    const struct step_state *step = row->step;
    struct buf name BUF_SCOPED = {0};
    unsigned indent = 2 + STEP_INDENT * row->depth;
    buf_init(&name, 1 << 16);
    buf_printf(buf, "%*s", (int)indent, "");
    if (step == NULL) {
        buf_printf(buf, "%s… and ", TEXT_DIM(colour));
        tally_text(buf, &row->left);
        buf_printf(buf, "%s\n", TEXT_RESET(colour));
        return;
    }
    if (row->depth > 0) instance_label(&name, step);
    else instance_name(&name, step);
    buf_printf(buf, "%s%s%s ", text_colour(step->status, colour), text_glyph(step->status), TEXT_RESET(colour));
    text_pad(buf, buf_str(&name), width + 2 > indent ? width + 2 - indent : 1);
    buf_text(buf, "  ");
    put_standing(buf, view, step, now_ms);
    buf_char(buf, '\n');
    put_outputs(buf, step, indent + 4, colour);
}

static size_t
name_column(const struct outline *outline)
{
    size_t width = 8;
    struct buf name BUF_SCOPED = {0};
    buf_init(&name, 1 << 16);
    for (size_t i = 0; i < outline->count; i++) {
        const struct outline_row *row = &outline->rows[i];
        if (row->step == NULL) continue;
        if (row->depth > 0) instance_label(&name, row->step);
        else instance_name(&name, row->step);
        size_t size = text_width(buf_str(&name), name.size) + STEP_INDENT * (size_t)row->depth;
        buf_clear(&name);
        if (size > width) width = size > NAME_CELLS ? NAME_CELLS : size;
    }
    return width;
}

void
show_text(struct buf *buf, const struct view *view, const struct show_wanted *wanted, int64_t now_ms, bool colour)
{
    const struct run_state *state = &view->state;
    struct arena arena ARENA_SCOPED = {0};
    struct outline outline;
    const struct outline_options options = {
        .items = ITEMS_SHOWN, .nested = ITEMS_SHOWN, .others = ITEMS_SHOWN,
        .step = wanted->step, .item = wanted->item, .failed = wanted->failed};
    show_head(buf, view, now_ms, colour);
    outline_build(&arena, state, &options, &outline);
    size_t width = name_column(&outline);
    buf_char(buf, '\n');
    for (size_t i = 0; i < outline.count; i++) {
        const struct step_state *step = outline.rows[i].step;
        bool idle = step != NULL && step->status == STEP_WAITING_STATUS && view->status != RUN_RUNNING_STATUS;
        if (idle && step->step->part != PART_STEPS) continue;
        show_row(buf, view, &outline.rows[i], width, view_now(view, now_ms), colour);
    }
    if (outline.count == 0) buf_text(buf, "  no step failed\n");
    if (outline.cut) buf_printf(buf, "  all items: levada show %s --step STEP, or --failed\n", view->name);
    buf_char(buf, '\n');
    next_summary(buf, state, view->status, view_elapsed_ms(view, now_ms), colour, view_place(view, "show"));
}

/* ---- ls ---------------------------------------------------------------------------------------------- */

#define LIST_WIDE 110 /* columns: below, the year and the seconds go, and names are shorter */

static bool
is_narrow(size_t width)
{
    return width != 0 && width < LIST_WIDE;
}

void
list_head(struct buf *buf, size_t width, bool colour)
{
    const char *head = is_narrow(width) ? "STARTED UTC  TOOK      WORKFLOW          STEPS"
                                        : "STARTED (UTC)        TOOK      WORKFLOW              STEPS";
    buf_printf(buf, "%sRUN       STATUS       %s%s\n", TEXT_DIM(colour), head, TEXT_RESET(colour));
}

void
list_row(struct buf *buf, const struct view *view, int64_t now_ms, size_t width, bool colour)
{
    struct buf took BUF_SCOPED = {0}, text BUF_SCOPED = {0};
    const size_t before_steps = 64, year_size = strlen("2026-"), minutes_size = strlen("01-02 03:04");
    buf_init(&took, 64);
    buf_init(&text, 4096);
    buf_printf(buf, "%-8s  %s%-11s%s  ", view_short_id(view->state.id), text_run_colour(view->status, colour),
               run_status_name(view->status), TEXT_RESET(colour));
    text_clock(&text, view->state.started_ms);
    if (is_narrow(width)) buf_add(buf, buf_str(&text) + year_size, minutes_size);
    else buf_text(buf, buf_str(&text));
    text_elapsed(&took, view_elapsed_ms(view, now_ms));
    buf_printf(buf, "  %-8s  ", buf_str(&took));
    text_pad(buf, view->state.model->name, is_narrow(width) ? 16 : 20);
    buf_text(buf, "  ");
    buf_clear(&text);
    next_counts(&text, &view->state);
    if (is_narrow(width)) text_fit(buf, buf_str(&text), width > before_steps + 8 ? width - before_steps : 8);
    else buf_text(buf, buf_str(&text));
    buf_char(buf, '\n');
}

void
list_broken(struct buf *buf, const char *id, const struct err *err, bool colour)
{
    buf_printf(buf, "%-8s  %sunreadable%s   ", view_short_id(id), text_run_colour(RUN_FAILED_STATUS, colour),
               TEXT_RESET(colour));
    text_line(buf, err->message);
    buf_char(buf, '\n');
}

void
list_row_json(struct buf *buf, const struct view *view, int64_t now_ms)
{
    struct tally tally;
    bool first = true;
    buf_text(buf, "{\"run\":");
    json_quote(buf, view->state.id, strlen(view->state.id));
    json_member(buf, "workflow", view->state.model->name);
    json_member(buf, "status", run_status_name(view->status));
    json_time(buf, "started", view->state.started_ms);
    json_time(buf, "finished", view->state.finished_ms);
    buf_printf(buf, ",\"duration_ms\":%" PRId64 ",\"steps\":{", view_elapsed_ms(view, now_ms));
    tally_run(&tally, &view->state);
    for (size_t i = 0; i < sizeof tally.by / sizeof tally.by[0]; i++) {
        if (tally.by[i] == 0) continue;
        buf_printf(buf, "%s\"%s\":%zu", first ? "" : ",", step_status_name((enum step_status)i), tally.by[i]);
        first = false;
    }
    buf_text(buf, "}}");
}

void
list_broken_json(struct buf *buf, const char *id, const struct err *err)
{
    buf_text(buf, "{\"run\":");
    json_quote(buf, id, strlen(id));
    buf_text(buf, ",\"status\":\"unreadable\",\"error\":{\"class\":\"permanent\"");
    json_member(buf, "message", err->message);
    json_member(buf, "hint", err->hint);
    buf_text(buf, "}}");
}
