/* SPDX-License-Identifier: Apache-2.0
 *
 * One run as one HTML page: no other file, no network, no script; light and dark, wide and narrow. Its own policy
 * (a Content-Security-Policy in the page) forbids scripts and requests, besides everything being escaped.
 */
#ifndef SHOW_REPORT_H
#define SHOW_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "show/outline.h"
#include "show/view.h"

#define REPORT_FILE "report.html"
#define REPORT_SIZE_MAX (64u * MIB)

/* `linked`: the page lies in the run folder, so artifacts can be linked by relative addresses. */
void report_write(struct buf *buf, const struct view *view, int64_t now_ms, bool linked);

/* What the sections have in common. */
struct report_page {
    const struct view *view;
    struct outline outline;  /* what has a section of its own */
    bool *shown;             /* per instance: it is in the outline */
    uint32_t *first, *next;  /* decisions of an instance: position + 1, 0: none; and the one behind each */
};
void report_page_init(struct report_page *page, struct arena *arena, const struct view *view);
/* Where the section of the step is, or of the nearest around it that has one: for `id` and behind `#`. */
void report_anchor(struct buf *buf, const struct report_page *page, const struct step_state *step);
/* "load[a.csv]", escaped. */
void report_name(struct buf *buf, const struct step_state *step);

/* The sections, one file each. Each appends a whole <section>, or nothing when there is nothing to show. */
void report_css(struct buf *buf);
void report_dag(struct buf *buf, const struct report_page *page, int64_t now_ms);
void report_gantt(struct buf *buf, const struct report_page *page, int64_t now_ms);
void report_plots(struct buf *buf, const struct report_page *page, int64_t now_ms);
void report_step(struct buf *buf, const struct report_page *page, const struct outline_row *row, int64_t now_ms,
                 size_t *log_left);
void report_files(struct buf *buf, const struct view *view, bool linked);
/* "<span class="pill s-failed">✗ failed</span>" */
void report_pill(struct buf *buf, const char *class, const char *glyph, const char *word);
/* The moment up to which unfinished things are drawn: now for a run that goes on, else its last sign of life. */
int64_t report_end_ms(const struct view *view, int64_t now_ms);

#endif
