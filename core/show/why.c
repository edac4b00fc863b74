/* SPDX-License-Identifier: Apache-2.0
 *
 * The cause of a failed run is the step that the run's end names; what it took with it follows from the edges.
 */
#include "show/why.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "show/asked.h"
#include "show/next.h"
#include "show/show.h"
#include "show/stream.h"
#include "show/text.h"

void
why_affected(const struct run_state *state, const struct step_state *cause, bool *marks)
{
    size_t from = (size_t)(cause - state->steps);
    bool changed = true;
    for (size_t round = 0; changed && round < state->nsteps; round++) { /* needs may point forward in the file */
        changed = false;
        for (size_t i = 0; i < state->nsteps; i++) {
            const struct step_state *step = &state->steps[i];
            bool idle = step->status == STEP_SKIPPED_STATUS || step->status == STEP_CANCELLED_STATUS ||
                        step->status == STEP_WAITING_STATUS;
            for (size_t k = 0; k < step->step->nneeds && idle && !marks[i]; k++)
                if (step->step->needs[k] == from || marks[step->step->needs[k]]) marks[i] = changed = true;
        }
    }
}

static bool
decision_wanted(const struct decision *decision, const struct step_state *step)
{
    return step == NULL || (decision->step != NULL && str_eq(decision->step, step->step->id));
}

static void
put_decision(struct buf *buf, const struct decision *decision, size_t step_width, size_t code_width, bool colour)
{
    buf_printf(buf, "  %s", TEXT_DIM(colour));
    text_clock(buf, decision->time_ms);
    buf_printf(buf, "%s  ", TEXT_RESET(colour));
    if (step_width) {
        text_pad(buf, decision->step ? decision->step : "(run)", step_width);
        buf_text(buf, "  ");
    }
    text_pad(buf, decision->code, code_width);
    buf_text(buf, "  ");
    text_line(buf, decision->text);
    if (decision->attempt > 1 && decision->type == EVENT_STEP_INTENT)
        buf_printf(buf, " (attempt %" PRId64 ")", decision->attempt);
    buf_char(buf, '\n');
}

static void
put_decisions(struct buf *buf, const struct view *view, const struct step_state *step, bool colour)
{
    size_t steps = step ? 0 : 5, codes = 4, count = 0;
    for (size_t i = 0; i < view->ndecisions; i++) {
        const struct decision *decision = &view->decisions[i];
        if (!decision_wanted(decision, step)) continue;
        count++;
        size_t s = decision->step ? strlen(decision->step) : 0, c = strlen(decision->code);
        if (steps && s > steps) steps = s > 32 ? 32 : s;
        if (c > codes) codes = c > 24 ? 24 : c;
    }
    buf_text(buf, count ? "decisions (UTC)\n" : "no decision is recorded yet\n");
    for (size_t i = 0; i < view->ndecisions; i++)
        if (decision_wanted(&view->decisions[i], step)) put_decision(buf, &view->decisions[i], steps, codes, colour);
}

static void
put_attempt_errors(struct buf *buf, const struct step_state *step)
{
    bool first = true;
    for (size_t i = 0; i < step->nattempts; i++) {
        const struct attempt_state *attempt = &step->attempts[i];
        if (attempt->error == NULL) continue;
        if (first) buf_text(buf, "errors\n");
        first = false;
        buf_printf(buf, "  attempt %" PRIu32 "  ", attempt->attempt);
        next_error(buf, attempt->error);
        buf_char(buf, '\n');
        const char *hint = value_get_str(attempt->error, "hint", NULL);
        if (hint != NULL && *hint) {
            buf_text(buf, "    ");
            text_line(buf, hint);
            buf_char(buf, '\n');
        }
    }
}

static void
put_cause(struct buf *buf, const struct view *view, const struct step_state *cause, int64_t now_ms)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct run_state *state = &view->state;
    bool *marks = ARENA_ARRAY(&arena, state->nsteps + 1, bool), first = true;
    const char *hint = value_get_str(cause->error, "hint", NULL);
    buf_printf(buf, "cause\n  %s ", cause->step->id);
    next_outcome(buf, cause, now_ms);
    buf_text(buf, ": ");
    if (cause->error != NULL) next_error(buf, cause->error);
    else text_line(buf, cause->reason_text ? cause->reason_text : "no reason recorded");
    buf_char(buf, '\n');
    if (hint != NULL && *hint) {
        buf_text(buf, "    ");
        text_line(buf, hint);
        buf_char(buf, '\n');
    }
    why_affected(state, cause, marks);
    for (size_t i = 0; i < state->nsteps; i++) {
        if (!marks[i]) continue;
        if (first) buf_text(buf, "did not run because of it\n");
        first = false;
        buf_printf(buf, "  %s %s", state->steps[i].step->id, step_status_name(state->steps[i].status));
        if (state->steps[i].reason_text != NULL) {
            buf_text(buf, ": ");
            text_line(buf, state->steps[i].reason_text);
        }
        buf_char(buf, '\n');
    }
}

static void
put_moment(struct buf *buf, const struct view *view)
{
    if (view->at_ms == 0) return;
    buf_text(buf, "as it was ");
    text_clock(buf, view->at_ms);
    buf_text(buf, " UTC\n");
}

void
why_text(struct buf *buf, const struct view *view, const struct step_state *step, int64_t now_ms, bool colour)
{
    const struct run_state *state = &view->state;
    const struct step_state *cause = view->status == RUN_SUCCEEDED_STATUS ? NULL : next_culprit(state);
    if (step != NULL) {
        buf_printf(buf, "%s%s%s ", TEXT_BOLD(colour), step->step->id, TEXT_RESET(colour));
        next_outcome(buf, step, now_ms);
        if (step->status == STEP_PARKED_STATUS && step->approval != NULL) {
            buf_text(buf, ": ");
            asked_text(buf, step);
        } else if (step->reason_text != NULL) {
            buf_text(buf, ": ");
            text_line(buf, step->reason_text);
        }
        buf_char(buf, '\n');
        put_moment(buf, view);
        put_attempt_errors(buf, step);
        put_decisions(buf, view, step, colour);
        if (step->status == STEP_PARKED_STATUS && !view->exported && !view->at_ms) {
            struct buf words BUF_SCOPED = {0};
            buf_init(&words, 1 << 16);
            asked_words(&words, step, true);
            buf_printf(buf, "next: levada approve %s %s\n", view->name, buf_str(&words));
        }
        if (step->nattempts)
            buf_printf(buf, "next: levada logs %s %s\n", view->name, step->step->id);
        return;
    }
    buf_text(buf, TEXT_BOLD(colour));
    text_line(buf, state->model->name);
    buf_printf(buf, "%s %s%s%s after ", TEXT_RESET(colour), text_run_colour(view->status, colour),
               run_status_name(view->status), TEXT_RESET(colour));
    text_elapsed(buf, view_elapsed_ms(view, now_ms));
    buf_text(buf, ": ");
    next_counts(buf, state);
    buf_char(buf, '\n');
    put_moment(buf, view);
    asked_summary(buf, state);
    if (cause != NULL) put_cause(buf, view, cause, now_ms);
    put_decisions(buf, view, NULL, colour);
    next_commands(buf, state, view->status, view_place(view, "why"));
}

static void
decision_json(struct buf *buf, const struct decision *decision)
{
    buf_printf(buf, "{\"seq\":%" PRId64, decision->seq);
    json_time(buf, "time", decision->time_ms);
    json_member(buf, "event", event_name(decision->type));
    json_member(buf, "step", decision->step);
    json_member(buf, "item", decision->item);
    if (decision->attempt) buf_printf(buf, ",\"attempt\":%" PRId64, decision->attempt);
    json_member(buf, "status", decision->status);
    json_member(buf, "code", decision->code);
    json_member(buf, "text", decision->text);
    buf_char(buf, '}');
}

static void
cause_json(struct buf *buf, const struct view *view, const struct step_state *cause)
{
    struct arena arena ARENA_SCOPED = {0};
    const struct run_state *state = &view->state;
    bool *marks = ARENA_ARRAY(&arena, state->nsteps + 1, bool), first = true;
    buf_text(buf, ",\"cause\":{\"step\":");
    json_quote(buf, cause->step->id, strlen(cause->step->id));
    json_member(buf, "status", step_status_name(cause->status));
    json_member(buf, "code", cause->reason_code);
    json_member(buf, "text", cause->reason_text);
    if (cause->error != NULL) {
        buf_text(buf, ",\"error\":");
        stream_error(buf, cause->error);
    }
    buf_text(buf, "},\"affected\":[");
    why_affected(state, cause, marks);
    for (size_t i = 0; i < state->nsteps; i++) {
        if (!marks[i]) continue;
        buf_text(buf, first ? "{\"step\":" : ",{\"step\":");
        first = false;
        json_quote(buf, state->steps[i].step->id, strlen(state->steps[i].step->id));
        json_member(buf, "status", step_status_name(state->steps[i].status));
        json_member(buf, "code", state->steps[i].reason_code);
        json_member(buf, "text", state->steps[i].reason_text);
        buf_char(buf, '}');
    }
    buf_char(buf, ']');
}

void
why_json(struct buf *buf, const struct view *view, const struct step_state *step)
{
    const struct step_state *cause = view->status == RUN_SUCCEEDED_STATUS ? NULL : next_culprit(&view->state);
    bool first = true;
    buf_text(buf, "{\"run\":");
    json_quote(buf, view->state.id, strlen(view->state.id));
    if (step != NULL) json_member(buf, "step", step->step->id);
    json_member(buf, "status", step ? step_status_name(step->status) : run_status_name(view->status));
    if (view->at_ms) json_time(buf, "at", view->at_ms);
    buf_text(buf, ",\"decisions\":[");
    for (size_t i = 0; i < view->ndecisions; i++) {
        if (!decision_wanted(&view->decisions[i], step)) continue;
        if (!first) buf_char(buf, ',');
        first = false;
        decision_json(buf, &view->decisions[i]);
    }
    buf_char(buf, ']');
    if (step == NULL && cause != NULL) cause_json(buf, view, cause);
    buf_text(buf, "}\n");
}
