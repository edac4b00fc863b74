/* SPDX-License-Identifier: Apache-2.0
 *
 * The names and members here are a promise to scripts: append, never rename. A journal has more kinds of events
 * than this stream: what a script cannot act on is left out.
 */
#include "show/stream.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "show/asked.h"
#include "show/next.h"
#include "show/show.h"
#include "show/text.h"
#include "show/view.h"

void
stream_init(struct stream *stream, struct arena *arena, const struct run_state *state)
{
    *stream = (struct stream){.state = state, .arena = arena};
}

static int64_t
time_of(const struct event *event)
{
    return event->time_ms ? event->time_ms : clock_wall_ms();
}

/* The state grows while loops and groups begin. */
static uint32_t *
announced_of(struct stream *stream, const struct step_state *step)
{
    size_t needed = stream->state->nsteps;
    if (needed > stream->capacity) {
        size_t capacity = stream->capacity * 2 > needed ? stream->capacity * 2 : needed;
        uint32_t *grown = ARENA_ARRAY(stream->arena, capacity, uint32_t);
        if (stream->capacity) memcpy(grown, stream->announced, stream->capacity * sizeof *grown);
        stream->announced = grown;
        stream->capacity = capacity;
    }
    return &stream->announced[step - stream->state->steps];
}

/* The attempt that this event is the first to tell of, or NULL: its intent, which is committed just before the launch,
 * or what an earlier engine's worker left. One that only asks about an earlier attempt is no attempt to a script. */
static const struct attempt_state *
take_news(struct stream *stream, const struct event *event, const struct step_state *step)
{
    uint32_t *announced = announced_of(stream, step);
    int64_t record = value_get_int(event->data, "record", 0);
    if (record <= (int64_t)*announced) return NULL;
    for (size_t i = step->nattempts; i-- > 0;)
        if (step->attempts[i].record == record) {
            *announced = (uint32_t)record;
            return step->attempts[i].resolve ? NULL : &step->attempts[i];
        }
    return NULL;
}

static void
json_head(struct buf *buf, const struct stream *stream, const char *name, const struct event *event)
{
    buf_printf(buf, "{\"event\":\"%s\",\"run\":", name);
    json_quote(buf, stream->state->id, strlen(stream->state->id));
    buf_text(buf, ",\"time\":\"");
    str_timestamp(buf, time_of(event));
    buf_char(buf, '"');
}

static void
json_step(struct buf *buf, const struct event *event)
{
    buf_text(buf, ",\"step\":");
    json_quote(buf, event->step, strlen(event->step));
    if (event->item != NULL) {
        buf_text(buf, ",\"item\":");
        json_quote(buf, event->item, strlen(event->item));
    }
}

void
stream_error(struct buf *buf, const struct value *error)
{
    static const char *const texts[] = {"class", "message", "hint"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = value_get_str(error, texts[i], "");
        buf_printf(buf, "%s\"%s\":", i ? "," : "{", texts[i]);
        json_quote(buf, text, strlen(text));
    }
    const char *file = value_get_str(error, "file", NULL);
    if (file != NULL) {
        buf_text(buf, ",\"file\":");
        json_quote(buf, file, strlen(file));
    }
    int64_t line = value_get_int(error, "line", 0), column = value_get_int(error, "column", 0);
    if (line > 0) buf_printf(buf, ",\"line\":%" PRId64, line);
    if (column > 0) buf_printf(buf, ",\"column\":%" PRId64, column);
    buf_char(buf, '}');
}

static void
json_run_end(struct stream *stream, const struct event *event, struct buf *buf)
{
    const char *status = value_get_str(event->data, "status", "");
    bool parked = str_eq(status, "parked");
    json_head(buf, stream, parked ? "run_parked" : "run_finished", event);
    buf_text(buf, ",\"status\":");
    json_quote(buf, status, strlen(status));
    buf_printf(buf, ",\"exit\":%" PRId64, value_get_int(event->data, "exit", 0));
    const struct run_state *state = stream->state;
    bool first = true;
    if (parked) buf_text(buf, ",\"steps\":[");
    for (size_t i = 0; parked && i < state->nsteps; i++) {
        const struct step_state *step = &state->steps[i];
        if (step->status != STEP_PARKED_STATUS) continue;
        buf_text(buf, first ? "{\"step\":" : ",{\"step\":");
        first = false;
        json_quote(buf, step->step->id, strlen(step->step->id));
        json_member(buf, "item", step->item);
        asked_json(buf, state, step);
        buf_char(buf, '}');
    }
    buf_text(buf, parked ? "]}\n" : "}\n");
}

/* Somebody is asked, or has decided. */
static void
json_asked(struct stream *stream, const struct event *event, const struct step_state *step, struct buf *buf)
{
    bool parked = event->type == EVENT_STEP_PARKED;
    const char *decision = value_get_str(event->data, "decision", "");
    if (str_eq(decision, "pass")) return;
    json_head(buf, stream, parked ? "step_parked" : "step_decided", event);
    json_step(buf, event);
    if (!parked) {
        json_member(buf, "decision", decision);
        json_member(buf, "who", value_get_str(event->data, "who", ""));
        buf_printf(buf, ",\"granted\":%s", value_get_bool(event->data, "granted", false) ? "true" : "false");
    }
    json_member(buf, "reason", value_get_str(value_get(event->data, "reason"), "text", ""));
    asked_json(buf, stream->state, step);
    buf_text(buf, "}\n");
}

static void
json_queued(struct stream *stream, const struct event *event, struct buf *buf)
{
    bool run = event->type == EVENT_RUN_QUEUED;
    const char *name = value_get_str(event->data, run ? "group" : "pool", "");
    const char *text = value_get_str(value_get(event->data, "reason"), "text", "");
    const struct value *holders = value_get(event->data, "held_by");
    json_head(buf, stream, run ? "run_queued" : "step_queued", event);
    if (!run) json_step(buf, event);
    buf_printf(buf, ",\"%s\":", run ? "group" : "pool");
    json_quote(buf, name, strlen(name));
    buf_text(buf, ",\"held_by\":");
    if (holders != NULL) json_write(buf, holders);
    else buf_text(buf, "[]");
    buf_text(buf, ",\"reason\":");
    json_quote(buf, text, strlen(text));
    buf_text(buf, "}\n");
}

/* How many items or steps the loop or block has. */
static size_t
parts_of(const struct event *event, const struct step_state *step)
{
    const struct value *items = value_get(event->data, "items");
    return value_is(items, VALUE_LIST) ? items->list.count : step->step->body != NULL ? step->step->body->nsteps : 0;
}

static void
json_expanded(struct stream *stream, const struct event *event, const struct step_state *step, struct buf *buf)
{
    json_head(buf, stream, "step_expanded", event);
    json_step(buf, event);
    buf_printf(buf, ",\"%s\":%zu}\n", state_is_loop(step) ? "items" : "steps", parts_of(event, step));
}

static void
json_step_finished(struct stream *stream, const struct event *event, const struct step_state *step, struct buf *buf)
{
    const char *status = value_get_str(event->data, "status", step_status_name(step->status));
    const struct value *error = value_get(event->data, "error");
    json_head(buf, stream, "step_finished", event);
    json_step(buf, event);
    buf_text(buf, ",\"status\":");
    json_quote(buf, status, strlen(status));
    buf_printf(buf, ",\"attempt\":%" PRId64 ",\"duration_ms\":%" PRId64 ",\"outputs\":",
               value_get_int(event->data, "attempt", (int64_t)step_attempts(step)),
               value_get_int(event->data, "duration_ms", 0));
    if (value_is(step->outputs, VALUE_MAP)) json_write(buf, step->outputs);
    else buf_text(buf, "{}");
    if (value_is(error, VALUE_MAP)) {
        buf_text(buf, ",\"error\":");
        stream_error(buf, error);
    }
    buf_text(buf, "}\n");
}

void
stream_json(struct stream *stream, const struct event *event, struct buf *buf)
{
    const struct step_state *step =
        event->step != NULL ? state_step(stream->state, event->step, event->item) : NULL;
    const struct attempt_state *news = step != NULL ? take_news(stream, event, step) : NULL;
    if (news != NULL) {
        json_head(buf, stream, "step_started", event);
        json_step(buf, event);
        buf_printf(buf, ",\"attempt\":%" PRIu32 "}\n", news->attempt);
    }
    if (event->type == EVENT_RUN_STARTED) {
        json_head(buf, stream, "run_started", event);
        buf_text(buf, ",\"workflow\":");
        json_quote(buf, stream->state->model->name, strlen(stream->state->model->name));
        buf_printf(buf, ",\"pid\":%" PRId64, value_get_int(event->data, "pid", 0));
        if (value_get_bool(event->data, "resumed", false)) buf_text(buf, ",\"resumed\":true");
        buf_text(buf, "}\n");
    } else if (event->type == EVENT_STEP_RETRY) {
        const struct value *reason = value_get(event->data, "reason");
        const char *text = value_get_str(reason, "text", "");
        json_head(buf, stream, "step_retry", event);
        json_step(buf, event);
        buf_printf(buf, ",\"attempt\":%" PRId64 ",\"delay_ms\":%" PRId64 ",\"reason\":",
                   value_get_int(event->data, "attempt", 0), value_get_int(event->data, "delay_ms", 0));
        json_quote(buf, text, strlen(text));
        buf_text(buf, "}\n");
    } else if (event->type == EVENT_RUN_QUEUED || event->type == EVENT_STEP_QUEUED) {
        json_queued(stream, event, buf);
    } else if (event->type == EVENT_STEP_EXPANDED && step != NULL) {
        json_expanded(stream, event, step, buf);
    } else if (event->type == EVENT_STEP_FINISHED && step != NULL) {
        json_step_finished(stream, event, step, buf);
    } else if ((event->type == EVENT_STEP_PARKED || event->type == EVENT_STEP_DECIDED) && step != NULL) {
        json_asked(stream, event, step, buf);
    } else if (event->type == EVENT_RUN_STOPPED || event->type == EVENT_RUN_FINISHED) {
        json_run_end(stream, event, buf);
    }
}

static void
plain_head(struct buf *buf, const struct event *event)
{
    int64_t ms = time_of(event);
    str_timestamp(buf, ms - ms % 1000);
    buf_char(buf, ' ');
    if (event->step == NULL) return;
    text_line(buf, event->step); /* of an edited or a foreign workflow it may be none of ours */
    if (event->item != NULL) {
        buf_char(buf, '[');
        text_line(buf, event->item);
        buf_char(buf, ']');
    }
    buf_char(buf, ' ');
}

static void
plain_reason(struct buf *buf, const struct value *data)
{
    const char *text = value_get_str(value_get(data, "reason"), "text", NULL);
    if (text == NULL || *text == '\0') return;
    buf_text(buf, ": ");
    text_line(buf, text);
}

/* From the event, not the state: the state may already be further on. */
static void
plain_step_finished(const struct event *event, const struct step_state *step, struct buf *buf)
{
    const struct value *error = value_get(event->data, "error");
    const char *status = value_get_str(event->data, "status", "");
    int64_t attempt = value_get_int(event->data, "attempt", 0);
    plain_head(buf, event);
    buf_text(buf, status);
    if (attempt > 0 || (state_is_parent(step) && step->started_ms)) {
        buf_text(buf, " (");
        if (attempt > 1 || (attempt > 0 && step->step->retry.attempts > 1 && str_eq(status, "failed"))) {
            buf_printf(buf, "attempt %" PRId64, attempt);
            if (attempt <= step->step->retry.attempts) buf_printf(buf, " of %" PRIu32, step->step->retry.attempts);
            buf_text(buf, ", ");
        }
        text_elapsed(buf, value_get_int(event->data, "duration_ms", 0));
        buf_char(buf, ')');
    }
    if (value_is(error, VALUE_MAP)) {
        buf_text(buf, ": ");
        next_error(buf, error);
    } else if (!str_eq(status, "succeeded")) {
        plain_reason(buf, event->data);
    }
    buf_char(buf, '\n');
}

static void
plain_expanded(const struct event *event, const struct step_state *step, struct buf *buf)
{
    size_t parts = parts_of(event, step);
    plain_head(buf, event);
    buf_text(buf, "begins: ");
    text_count(buf, (int64_t)parts);
    buf_printf(buf, " %s%s\n", state_is_loop(step) ? "item" : "step", parts == 1 ? "" : "s");
}

static void
plain_run_event(struct stream *stream, const struct event *event, struct buf *buf)
{
    const struct run_state *state = stream->state;
    plain_head(buf, event);
    if (event->type == EVENT_RUN_STARTED) {
        text_line(buf, state->model->name);
        buf_printf(buf, " %s: run %s, process %" PRId64 "\n",
                   value_get_bool(event->data, "resumed", false) ? "resumed" : "started", state->id,
                   value_get_int(event->data, "pid", 0));
    } else if (event->type == EVENT_CANCEL_ASKED) {
        text_line(buf, value_get_str(event->data, "who", "somebody"));
        buf_text(buf, " asked for the end");
        const char *why = value_get_str(event->data, "why", NULL);
        if (why != NULL && *why) {
            buf_text(buf, ": ");
            text_line(buf, why);
        }
        buf_char(buf, '\n');
    } else if (event->type == EVENT_RUN_QUEUED) {
        text_line(buf, value_get_str(value_get(event->data, "reason"), "text", "waiting"));
        buf_char(buf, '\n');
    } else {
        text_line(buf, state->model->name);
        buf_printf(buf, " %s (", value_get_str(event->data, "status", ""));
        text_elapsed(buf, time_of(event) - state->begun_ms);
        buf_text(buf, "): ");
        next_counts(buf, state);
        buf_char(buf, '\n');
    }
}

void
stream_plain(struct stream *stream, const struct event *event, struct buf *buf)
{
    const struct step_state *step =
        event->step != NULL ? state_step(stream->state, event->step, event->item) : NULL;
    const struct attempt_state *news = step != NULL ? take_news(stream, event, step) : NULL;
    if (news != NULL) {
        plain_head(buf, event);
        buf_text(buf, "started");
        if (news->attempt > 1) buf_printf(buf, " (attempt %" PRIu32 ")", news->attempt);
        buf_char(buf, '\n');
    }
    switch (event->type) {
    case EVENT_RUN_STARTED: case EVENT_CANCEL_ASKED: case EVENT_RUN_STOPPED: case EVENT_RUN_FINISHED:
    case EVENT_RUN_QUEUED:
        plain_run_event(stream, event, buf);
        break;
    case EVENT_STEP_VANISHED:
        plain_head(buf, event);
        buf_text(buf, "vanished");
        plain_reason(buf, event->data);
        buf_char(buf, '\n');
        break;
    case EVENT_STEP_PARKED: case EVENT_STEP_DECIDED:
        plain_head(buf, event);
        buf_text(buf, event->type == EVENT_STEP_PARKED ? "parked" : value_get_str(event->data, "decision", ""));
        plain_reason(buf, event->data);
        buf_char(buf, '\n');
        break;
    case EVENT_STEP_QUEUED:
        plain_head(buf, event);
        text_line(buf, value_get_str(value_get(event->data, "reason"), "text", "waiting"));
        buf_char(buf, '\n');
        break;
    case EVENT_STEP_RETRY:
        plain_head(buf, event);
        buf_text(buf, "waits ");
        text_elapsed(buf, value_get_int(event->data, "delay_ms", 0));
        buf_printf(buf, " before attempt %" PRId64, value_get_int(event->data, "attempt", 0));
        plain_reason(buf, event->data);
        buf_char(buf, '\n');
        break;
    case EVENT_STEP_RESOLVED:
        plain_head(buf, event);
        buf_printf(buf, "resolved as %s", value_get_str(event->data, "decision", ""));
        plain_reason(buf, event->data);
        buf_char(buf, '\n');
        break;
    case EVENT_STEP_EXPANDED:
        if (step != NULL) plain_expanded(event, step, buf);
        break;
    case EVENT_STEP_FINISHED:
        if (step != NULL) plain_step_finished(event, step, buf);
        break;
    default: break;
    }
}
