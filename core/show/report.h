/* SPDX-License-Identifier: Apache-2.0
 *
 * One run as one HTML page: no other file, no network, no script; light and dark, wide and narrow. Its own policy
 * (a Content-Security-Policy in the page) forbids scripts and requests, besides everything being escaped.
 */
#ifndef SHOW_REPORT_H
#define SHOW_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "show/view.h"

#define REPORT_FILE "report.html"
#define REPORT_SIZE_MAX (64u * MIB)

/* `linked`: the page lies in the run folder, so artifacts can be linked by relative addresses. */
void report_write(struct buf *buf, const struct view *view, int64_t now_ms, bool linked);

/* The sections, one file each. Each appends a whole <section>, or nothing when there is nothing to show. */
void report_css(struct buf *buf);
void report_dag(struct buf *buf, const struct view *view, int64_t now_ms);
void report_gantt(struct buf *buf, const struct view *view, int64_t now_ms);
void report_plots(struct buf *buf, const struct view *view, int64_t now_ms);
void report_step(struct buf *buf, const struct view *view, const struct step_state *step, int64_t now_ms,
                 size_t *log_left);
void report_files(struct buf *buf, const struct view *view, bool linked);
/* "<span class="pill s-failed">✗ failed</span>" */
void report_pill(struct buf *buf, const char *class, const char *glyph, const char *word);
/* The moment up to which unfinished things are drawn: now for a run that goes on, else its last sign of life. */
int64_t report_end_ms(const struct view *view, int64_t now_ms);

#endif
