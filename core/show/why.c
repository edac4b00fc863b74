/* SPDX-License-Identifier: Apache-2.0
 *
 * The cause of a failed run is the step that the run's end names; what it took with it follows from the edges.
 */
#include "show/why.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "run/sched.h"
#include "show/asked.h"
#include "show/instance.h"
#include "show/next.h"
#include "show/show.h"
#include "show/stream.h"
#include "show/text.h"

#define ROUTINE_MAX 100u /* decisions about items that went as they should: of more only the number is said */
#define PARTS_SHOWN 10u

/* Breadth first over the edges from a step to those that need it, among the steps beside it. */
static void
mark_behind(struct arena *arena, const struct run_state *state, const struct step_state *cause, bool *marks)
{
    const struct model *home = cause->step->home;
    const struct step_state *block = state_block(state, cause);
    size_t base = block != NULL ? block->first : 0, n = home->nsteps, head = 0, tail = 0;
    uint32_t *first, *behind, *queue = ARENA_ARRAY(arena, n + 1, uint32_t);
    sched_dependents(arena, home->steps, n, &first, &behind);
    queue[tail++] = (uint32_t)(cause->step - home->steps);
    while (head < tail) {
        uint32_t from = queue[head++];
        for (uint32_t k = first[from]; k < first[from + 1]; k++) {
            const struct step_state *step = &state->steps[base + behind[k]];
            bool idle = step->status == STEP_SKIPPED_STATUS || step->status == STEP_CANCELLED_STATUS ||
                        step->status == STEP_WAITING_STATUS;
            if (!idle || marks[base + behind[k]]) continue;
            marks[base + behind[k]] = true;
            queue[tail++] = behind[k];
        }
    }
}

void
why_affected(const struct run_state *state, const struct step_state *cause, bool *marks)
{
    struct arena arena ARENA_SCOPED = {0};
    if (cause->caller != NO_PARENT) cause = &state->steps[cause->caller];
    if (cause->undoes != NO_PARENT) return; /* what undoes stands behind all else */
    for (;;) { /* what it failed failed others in turn */
        if (cause->is_item) cause = &state->steps[cause->parent];
        mark_behind(&arena, state, cause, marks);
        if (cause->parent == NO_PARENT) return;
        cause = &state->steps[cause->parent];
    }
}

static bool
decision_wanted(const struct decision *decision, const struct step_state *step)
{
    if (step == NULL) return true;
    if (decision->step == NULL || !str_eq(decision->step, step->step->id)) return false;
    if (decision->item == NULL || step->item == NULL) return decision->item == step->item;
    return str_eq(decision->item, step->item);
}

/* Ten thousand items that went well say nothing that anybody asks for here. */
static bool
decision_is_routine(const struct decision *decision)
{
    return decision->item != NULL && (str_eq(decision->code, "ready") || str_eq(decision->code, "done"));
}

static void
decision_name(struct buf *buf, const struct decision *decision)
{
    if (decision->step == NULL) {
        buf_text(buf, "(run)");
        return;
    }
    text_line(buf, decision->step);
    if (decision->item == NULL) return;
    buf_char(buf, '[');
    text_line(buf, decision->item);
    buf_char(buf, ']');
}

static void
put_decision(struct buf *buf, const struct decision *decision, size_t step_width, size_t code_width, bool colour)
{
    buf_printf(buf, "  %s", TEXT_DIM(colour));
    text_clock(buf, decision->time_ms);
    buf_printf(buf, "%s  ", TEXT_RESET(colour));
    if (step_width) {
        struct buf name BUF_SCOPED = {0};
        buf_init(&name, 1 << 16);
        decision_name(&name, decision);
        text_pad(buf, buf_str(&name), step_width);
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
    size_t steps = step ? 0 : 5, codes = 4, count = 0, routine = 0;
    struct buf name BUF_SCOPED = {0};
    buf_init(&name, 1 << 16);
    for (size_t i = 0; i < view->ndecisions && step == NULL; i++) routine += decision_is_routine(&view->decisions[i]);
    bool brief = routine > ROUTINE_MAX;
    for (size_t i = 0; i < view->ndecisions; i++) {
        const struct decision *decision = &view->decisions[i];
        if (!decision_wanted(decision, step) || (brief && decision_is_routine(decision))) continue;
        count++;
        buf_clear(&name);
        decision_name(&name, decision);
        size_t s = text_width(buf_str(&name), name.size), c = strlen(decision->code);
        if (steps && s > steps) steps = s > 32 ? 32 : s;
        if (c > codes) codes = c > 24 ? 24 : c;
    }
    buf_text(buf, count ? "decisions (UTC)\n" : "no decision is recorded yet\n");
    for (size_t i = 0; i < view->ndecisions; i++)
        if (decision_wanted(&view->decisions[i], step) && !(brief && decision_is_routine(&view->decisions[i])))
            put_decision(buf, &view->decisions[i], steps, codes, colour);
    if (!brief) return;
    buf_text(buf, "  … and ");
    text_count(buf, (int64_t)routine);
    buf_printf(buf, " of items that began or succeeded: levada why %s STEP --item KEY, or --json\n", view->name);
}

/* Of a loop or group: which of its parts failed. */
static void
put_failed_parts(struct buf *buf, const struct view *view, const struct step_state *parent, int64_t now_ms)
{
    size_t count, shown = 0, more = 0;
    const struct step_state *parts = instance_parts(&view->state, parent, &count);
    for (size_t i = 0; i < count; i++) {
        bool bad = parts[i].status == STEP_FAILED_STATUS || parts[i].status == STEP_UNKNOWN_STATUS;
        if (!bad || parts[i].gone) continue;
        if (shown++ >= PARTS_SHOWN) {
            more++;
            continue;
        }
        if (shown == 1) buf_text(buf, "did not succeed\n");
        buf_text(buf, "  ");
        instance_name(buf, &parts[i]);
        buf_char(buf, ' ');
        next_outcome(buf, &parts[i], now_ms);
        buf_text(buf, ": ");
        if (parts[i].error != NULL) next_error(buf, parts[i].error);
        else text_line(buf, parts[i].reason_text ? parts[i].reason_text : "no reason recorded");
        buf_char(buf, '\n');
    }
    if (more == 0) return;
    buf_text(buf, "  … and ");
    text_count(buf, (int64_t)more);
    buf_printf(buf, " more: levada show %s --failed\n", view->name);
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
    buf_text(buf, "cause\n  ");
    instance_name(buf, cause);
    buf_char(buf, ' ');
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
        buf_text(buf, "  ");
        instance_name(buf, &state->steps[i]);
        buf_printf(buf, " %s", step_status_name(state->steps[i].status));
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
        struct arena arena ARENA_SCOPED = {0};
        buf_text(buf, TEXT_BOLD(colour));
        instance_name(buf, step);
        buf_printf(buf, "%s ", TEXT_RESET(colour));
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
        put_failed_parts(buf, view, step, now_ms);
        put_decisions(buf, view, step, colour);
        if (step->status == STEP_PARKED_STATUS && !view->exported && !view->at_ms) {
            struct buf words BUF_SCOPED = {0};
            buf_init(&words, 1 << 16);
            asked_words(&words, step, true);
            buf_printf(buf, "next: levada approve %s %s\n", view->name, buf_str(&words));
        }
        if (step->nattempts || step->nchildren)
            buf_printf(buf, "next: levada logs %s %s\n", view->name, state_address(&arena, step));
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
    json_member(buf, "item", cause->item);
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
        json_member(buf, "item", state->steps[i].item);
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
    if (step != NULL) json_member(buf, "item", step->item);
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
