/* SPDX-License-Identifier: Apache-2.0
 *
 * What the charts of the report share: a horizontal axis with round ticks, rows of name, track and value. Positions
 * are percentages, so a chart fits any width without a script.
 */
#ifndef SHOW_CHART_H
#define SHOW_CHART_H

#include "base/buf.h"

#define CHART_TICKS_MAX 7

struct chart {
    double span;                    /* what the whole width stands for */
    double ticks[CHART_TICKS_MAX];  /* from 0, rising, the last at most span */
    size_t nticks;
};

/* Round ticks (1, 2, 5 times a power of ten) up to `most`; the width ends at the first tick at or above it. */
void chart_numbers(struct chart *chart, double most);
/* Ticks at seconds, minutes, hours, days; the width ends at `most_ms`. */
void chart_times(struct chart *chart, double most_ms);
/* Percentage of the width, 0 to 100. */
double chart_at(const struct chart *chart, double value);

/* One row: name linked to the anchor, the tick lines; then bars go in; then the value. Anchor and value are markup of
 * our own, the others are escaped here. */
void chart_row(struct buf *buf, const struct chart *chart, const char *anchor, const char *name, const char *detail);
void chart_row_end(struct buf *buf, const char *value);
/* The axis below, labelled by `label`. */
void chart_axis(struct buf *buf, const struct chart *chart, void (*label)(struct buf *buf, double value));
/* "336k", "1.5M": short, for axes. */
void chart_label_number(struct buf *buf, double value);
void chart_label_time(struct buf *buf, double ms);

#endif
