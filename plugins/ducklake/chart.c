/* SPDX-License-Identifier: Apache-2.0
 *
 * Charts are 480 units wide: beside each other on a screen, below each other and still readable on a phone.
 * Bars lie, because names are long and phones are narrow.
 */
#include "chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"

#define WIDTH 480.0
#define HEIGHT 260.0
#define LEFT 56.0
#define RIGHT 14.0
#define TOP 10.0
#define BOTTOM 28.0
#define TICKS 5

enum axis { AXIS_NUMBER, AXIS_TIME, AXIS_NAME };

struct scale {
    enum axis axis;
    double min, max;
};

/* Seconds since 1970 of an ISO 8601 text, or NAN. */
static double
parse_time(const char *text)
{
    int year, month, day, hour = 0, minute = 0, second = 0;
    if (text == NULL || sscanf(text, "%d-%d-%dT%d:%d:%d", &year, &month, &day, &hour, &minute, &second) < 3) return NAN;
    if (strlen(text) < 10 || text[4] != '-' || text[7] != '-') return NAN;
    /* Days from the civil date: March begins the year, so that the leap day is its last. */
    int y = year - (month <= 2), era = y / 400, yoe = y - era * 400;
    int doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1, doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    double days = (double)era * 146097 + doe - 719468;
    return days * 86400 + hour * 3600 + minute * 60 + second;
}

static const json_t *
cell(const struct chart *chart, size_t row, const char *column)
{
    return json_object_get(json_array_get(chart->rows, row), column);
}

static double
number(const json_t *value)
{
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static double
x_of(const struct chart *chart, const struct scale *scale, size_t row)
{
    const json_t *value = cell(chart, row, chart->x);
    if (scale->axis == AXIS_NAME) return (double)row;
    return scale->axis == AXIS_TIME ? parse_time(json_string_value(value)) : number(value);
}

static struct scale
scale_x(const struct chart *chart)
{
    struct scale scale = {.axis = AXIS_NUMBER};
    size_t count = json_array_size(chart->rows);
    bool numbers = true, times = true;
    for (size_t row = 0; row < count; row++) {
        const json_t *value = cell(chart, row, chart->x);
        numbers = numbers && json_is_number(value);
        times = times && !isnan(parse_time(json_string_value(value)));
    }
    scale.axis = numbers ? AXIS_NUMBER : times ? AXIS_TIME : AXIS_NAME;
    scale.min = INFINITY;
    scale.max = -INFINITY;
    for (size_t row = 0; row < count; row++) {
        double x = x_of(chart, &scale, row);
        scale.min = fmin(scale.min, x);
        scale.max = fmax(scale.max, x);
    }
    if (!(scale.max > scale.min)) {
        scale.min = isfinite(scale.min) ? scale.min - 0.5 : 0;
        scale.max = scale.min + 1;
    }
    return scale;
}

/* A step of 1, 2 or 5 times a power of ten that gives about `TICKS` of them. */
static double
nice_step(double range)
{
    double raw = range / TICKS, power = pow(10, floor(log10(raw))), rest = raw / power;
    return power * (rest <= 1 ? 1 : rest <= 2 ? 2 : rest <= 5 ? 5 : 10);
}

static struct scale
scale_y(const struct chart *chart)
{
    struct scale scale = {.min = INFINITY, .max = -INFINITY};
    for (size_t row = 0; row < json_array_size(chart->rows); row++)
        for (size_t i = 0; i < chart->series_count; i++) {
            double y = number(cell(chart, row, chart->series[i]));
            if (!isfinite(y)) continue;
            scale.min = fmin(scale.min, y);
            scale.max = fmax(scale.max, y);
        }
    if (!isfinite(scale.min)) scale = (struct scale){.min = 0, .max = 1};
    /* Bars start at zero; lines do too, unless that would flatten them. */
    if (scale.min > 0 && (strcmp(chart->kind, "bar") == 0 || scale.min < scale.max / 2)) scale.min = 0;
    if (scale.max < 0 && strcmp(chart->kind, "bar") == 0) scale.max = 0;
    if (!(scale.max > scale.min)) scale.max = scale.min + 1;
    double step = nice_step(scale.max - scale.min);
    scale.min = floor(scale.min / step) * step;
    scale.max = ceil(scale.max / step) * step;
    return scale;
}

static double
place(const struct scale *scale, double value, double from, double to)
{
    return from + (value - scale->min) / (scale->max - scale->min) * (to - from);
}

static const char *
x_label(struct text *page, const struct chart *chart, const struct scale *scale, double x)
{
    if (scale->axis == AXIS_NAME) {
        size_t row = (size_t)fmax(0, rint(x));
        return html_value(page->step, cell(chart, row, chart->x));
    }
    if (scale->axis == AXIS_NUMBER) return html_number(page->step, x);
    /* The nearest row's own text says the date; a span of days needs no time. */
    size_t best = 0;
    for (size_t row = 1; row < json_array_size(chart->rows); row++)
        if (fabs(x_of(chart, scale, row) - x) < fabs(x_of(chart, scale, best) - x)) best = row;
    const char *text = html_value(page->step, cell(chart, best, chart->x));
    double span = scale->max - scale->min;
    if (strlen(text) > 16 && span < 2 * 86400) return text_copy(page->step, text + 11, 5);
    return text_copy(page->step, text, strlen(text) < 10 ? strlen(text) : span > 200 * 86400 ? 7 : 10);
}

static void
draw_axes(struct text *page, const struct chart *chart, const struct scale *x, const struct scale *y)
{
    double step = nice_step(y->max - y->min);
    for (double value = y->min; value <= y->max + step / 2; value += step) {
        double at = place(y, value, HEIGHT - BOTTOM, TOP);
        text_addf(page, "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT,
            WIDTH - RIGHT, at, at);
        text_addf(page, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 6, at + 4);
        html_text(page, html_number(page->step, fabs(value) < step / 1e6 ? 0 : value));
        text_add(page, "</text>");
    }
    size_t rows = json_array_size(chart->rows);
    int count = rows < 2 ? 1 : rows < 4 ? (int)rows : 4;
    for (int i = 0; i < count; i++) {
        double value = count == 1 ? x->min : x->min + (x->max - x->min) * i / (count - 1);
        if (x->axis == AXIS_NUMBER && x->max - x->min > count) value = rint(value);
        if (x->axis == AXIS_NAME) value = rint(value);
        double at = place(x, value, LEFT, WIDTH - RIGHT);
        text_addf(page, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", at, HEIGHT - 8,
            i == 0               ? "start"
                : i == count - 1 ? "end"
                                 : "middle");
        html_text(page, x_label(page, chart, x, value));
        text_add(page, "</text>");
    }
    text_add(page, "\n");
}

static void
draw_title(struct text *page, const struct chart *chart, size_t row, size_t series)
{
    text_add(page, "<title>");
    html_text(page, html_value(page->step, cell(chart, row, chart->x)));
    text_add(page, ", ");
    html_text(page, chart->series[series]);
    text_add(page, ": ");
    html_text(page, html_value(page->step, cell(chart, row, chart->series[series])));
    text_add(page, "</title>");
}

static void
draw_points(struct text *page, const struct chart *chart)
{
    struct scale x = scale_x(chart), y = scale_y(chart);
    size_t rows = json_array_size(chart->rows);
    bool line = strcmp(chart->kind, "line") == 0;
    text_addf(page, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    html_text(page, chart->title);
    text_add(page, "\">\n");
    draw_axes(page, chart, &x, &y);
    for (size_t i = 0; i < chart->series_count; i++) {
        bool pen_down = false;
        if (line)
            text_addf(page,
                "<path fill=\"none\" stroke=\"var(--s%zu)\" stroke-width=\"2\" stroke-linejoin=\"round\" d=\"", i);
        for (size_t row = 0; row < rows; row++) {
            double value = number(cell(chart, row, chart->series[i])), at = x_of(chart, &x, row);
            if (!line && isfinite(value) && isfinite(at)) {
                text_addf(page, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"var(--s%zu)\" fill-opacity=\".65\">",
                    place(&x, at, LEFT, WIDTH - RIGHT), place(&y, value, HEIGHT - BOTTOM, TOP), i);
                draw_title(page, chart, row, i);
                text_add(page, "</circle>\n");
            } else if (line) {
                /* A missing value is a gap, not a zero. */
                bool there = isfinite(value) && isfinite(at);
                if (there)
                    text_addf(page, "%s%.1f %.1f", pen_down ? "L" : "M", place(&x, at, LEFT, WIDTH - RIGHT),
                        place(&y, value, HEIGHT - BOTTOM, TOP));
                pen_down = there;
            }
        }
        if (line) text_add(page, "\"/>\n");
        for (size_t row = 0; line && rows <= 60 && row < rows; row++) {
            double value = number(cell(chart, row, chart->series[i])), at = x_of(chart, &x, row);
            if (!isfinite(value) || !isfinite(at)) continue;
            text_addf(page, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"var(--s%zu)\">",
                place(&x, at, LEFT, WIDTH - RIGHT), place(&y, value, HEIGHT - BOTTOM, TOP), i);
            draw_title(page, chart, row, i);
            text_add(page, "</circle>\n");
        }
    }
    text_add(page, "</svg>\n");
}

static void
draw_bar(struct text *page, const struct chart *chart, const struct scale *y, size_t row, size_t series, double top,
    double height, double left)
{
    double value = number(cell(chart, row, chart->series[series]));
    if (!isfinite(value)) return;
    double zero = place(y, fmax(y->min, 0), left, WIDTH - 70), end = place(y, value, left, WIDTH - 70);
    text_addf(page, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\" fill=\"var(--s%zu)\">",
        fmin(zero, end), top, fmax(fabs(end - zero), 1), height, series);
    draw_title(page, chart, row, series);
    text_addf(page, "</rect><text class=\"v\" x=\"%.1f\" y=\"%.1f\">", fmax(zero, end) + 5, top + height / 2 + 4);
    html_text(page, html_number(page->step, value));
    text_add(page, "</text>\n");
}

static void
draw_bars(struct text *page, const struct chart *chart)
{
    struct scale y = scale_y(chart);
    size_t rows = json_array_size(chart->rows);
    double bar = chart->series_count == 1 ? 16 : 13, group = bar * (double)chart->series_count + 8, left = 40;
    for (size_t row = 0; row < rows; row++) {
        double size = (double)strlen(html_value(page->step, cell(chart, row, chart->x))) * 6.6 + 10;
        left = fmin(fmax(left, size), 170);
    }
    text_addf(page, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", WIDTH, group * (double)rows + 8);
    html_text(page, chart->title);
    text_add(page, "\">\n");
    for (size_t row = 0; row < rows; row++) {
        double top = group * (double)row + 4;
        const char *label = html_value(page->step, cell(chart, row, chart->x));
        text_addf(page, "<text class=\"v\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", left - 6,
            top + (group - 8) / 2 + 4);
        html_text(page, strlen(label) > 26 ? text_format(page->step, "%.24s…", label) : label);
        text_add(page, "</text>");
        for (size_t i = 0; i < chart->series_count; i++)
            draw_bar(page, chart, &y, row, i, top + bar * (double)i, bar - 2, left);
    }
    text_add(page, "</svg>\n");
}

void
chart_draw(struct text *page, const struct chart *chart)
{
    if (json_array_size(chart->rows) == 0) {
        text_add(page, "<p>No rows.</p>\n");
        return;
    }
    if (chart->series_count > 1) {
        text_add(page, "<div class=\"legend\">");
        for (size_t i = 0; i < chart->series_count; i++) {
            text_addf(page, "<span style=\"--c:var(--s%zu)\">", i);
            html_text(page, chart->series[i]);
            text_add(page, "</span>");
        }
        text_add(page, "</div>\n");
    }
    if (strcmp(chart->kind, "bar") == 0) draw_bars(page, chart);
    else draw_points(page, chart);
}
