/* SPDX-License-Identifier: Apache-2.0
 *
 * `levada ls` and `levada show`: text for people, JSON for scripts (design section 5). Pure: a view in, text out.
 */
#ifndef SHOW_SHOW_H
#define SHOW_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "show/view.h"

/* What of the steps is shown. All NULL and false: the short form, in which a long loop has a few of its items. */
struct show_wanted {
    const char *step, *item; /* only these, with all that is in them */
    bool failed;             /* only what failed or is unknown */
};

void show_text(struct buf *buf, const struct view *view, const struct show_wanted *wanted, int64_t now_ms, bool colour);
/* {run,workflow,status,started,finished,params,steps[{id,item?,status,attempts,outputs,error?,reason}],outputs,…} */
void show_json(struct buf *buf, const struct view *view, const struct show_wanted *wanted, int64_t now_ms);

/* The table of `ls`: its head, a row per run. `width`: of the terminal, whose lines are not to wrap; 0: none. */
void list_head(struct buf *buf, size_t width, bool colour);
void list_row(struct buf *buf, const struct view *view, int64_t now_ms, size_t width, bool colour);
/* A run whose journal cannot be read. */
void list_broken(struct buf *buf, const char *id, const struct err *err, bool colour);
void list_row_json(struct buf *buf, const struct view *view, int64_t now_ms);
void list_broken_json(struct buf *buf, const char *id, const struct err *err);

/* "name":"2026-…Z" or null, with a comma in front. */
void json_time(struct buf *buf, const char *name, int64_t ms);
/* "name":"text", with a comma in front; nothing when text is NULL. */
void json_member(struct buf *buf, const char *name, const char *text);

#endif
