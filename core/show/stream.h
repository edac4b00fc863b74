/* SPDX-License-Identifier: Apache-2.0
 *
 * One event of a run as one line: JSON for scripts (the contract of design section 5), or plain text for people
 * and log files. Pure: text in a buffer. `state` is the state after the event.
 */
#ifndef SHOW_STREAM_H
#define SHOW_STREAM_H

#include "base/buf.h"
#include "run/state.h"

/* What has been said of each step: an attempt is announced once, whichever event brings the news first. */
struct stream {
    const struct run_state *state;
    struct arena *arena;
    uint32_t *announced; /* per step or item, the last record that was announced */
    size_t capacity;
};

void stream_init(struct stream *stream, struct arena *arena, const struct run_state *state);
/* Append nothing, or complete lines, each ending in a newline. */
void stream_json(struct stream *stream, const struct event *event, struct buf *buf);
void stream_plain(struct stream *stream, const struct event *event, struct buf *buf);
/* {class, message, hint}, and file, line, column when known: the shape that scripts rely on. */
void stream_error(struct buf *buf, const struct value *error);

#endif
