/* SPDX-License-Identifier: Apache-2.0
 *
 * chart.h: rows as an SVG picture inside the page.
 */
#ifndef DUCKLAKE_CHART_H
#define DUCKLAKE_CHART_H

#include <jansson.h>

#include "text.h"

#define CHART_SERIES_MAX 6
#define CHART_POINTS_MAX 2000

struct chart {
    const char *title, *kind; /* line, bar, scatter */
    const json_t *rows;
    const char *x;
    const char *series[CHART_SERIES_MAX]; /* columns of numbers */
    size_t series_count;
};

/* Draw it, legend included. */
void chart_draw(struct text *page, const struct chart *chart);

#endif
