/* SPDX-License-Identifier: Apache-2.0
 *
 * An axis promises that its ticks are round and few; both are chosen from lists of what people find round.
 */
#include "show/chart.h"

#include <math.h>

#include "show/html.h"
#include "show/text.h"

static void
fill_ticks(struct chart *chart, double step, double most, bool beyond)
{
    chart->nticks = 0;
    double value = 0;
    for (; chart->nticks < CHART_TICKS_MAX && value <= most * 1.0001; value = step * (double)chart->nticks)
        chart->ticks[chart->nticks++] = value;
    if (beyond && chart->nticks < CHART_TICKS_MAX && chart->ticks[chart->nticks - 1] < most * 0.9999)
        chart->ticks[chart->nticks++] = value;
    double last = chart->ticks[chart->nticks - 1];
    chart->span = beyond && last > most ? last : most;
}

void
chart_numbers(struct chart *chart, double most)
{
    static const double round[] = {1, 2, 2.5, 5, 10};
    if (!(most > 0)) most = 1;
    double power = pow(10, floor(log10(most / 5))), step = power * 10;
    for (size_t i = 0; i < sizeof round / sizeof round[0]; i++)
        if (most / (round[i] * power) <= 5) {
            step = round[i] * power;
            break;
        }
    fill_ticks(chart, step, most, true);
}

void
chart_times(struct chart *chart, double most_ms)
{
    static const double round[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3,
                                   300e3, 600e3, 900e3, 1800e3, 3600e3, 7200e3, 10800e3, 21600e3, 43200e3, 86400e3};
    const size_t count = sizeof round / sizeof round[0];
    size_t i = 0;
    if (!(most_ms >= 1)) most_ms = 1;
    while (i < count && most_ms / round[i] > 6) i++;
    double step = i < count ? round[i] : ceil(most_ms / 6 / 86400e3) * 86400e3;
    fill_ticks(chart, step, most_ms, false);
}

double
chart_at(const struct chart *chart, double value)
{
    double part = value / chart->span * 100;
    return part < 0 ? 0 : part > 100 ? 100 : part;
}

void
chart_row(struct buf *buf, const struct chart *chart, const char *anchor, const char *name, const char *detail)
{
    buf_text(buf, "<div class=\"row\"><div class=\"name\" title=\"");
    html_text(buf, name);
    buf_text(buf, "\"><a href=\"#");
    buf_text(buf, anchor);
    buf_text(buf, "\">");
    html_text(buf, name);
    buf_text(buf, "</a>");
    if (detail != NULL) {
        buf_text(buf, " <span class=\"dim\">");
        html_text(buf, detail);
        buf_text(buf, "</span>");
    }
    buf_text(buf, "</div><div class=\"track\">");
    for (size_t i = 1; i < chart->nticks; i++)
        buf_printf(buf, "<span class=\"grid\" style=\"left:%.2f%%\"></span>", chart_at(chart, chart->ticks[i]));
}

void
chart_row_end(struct buf *buf, const char *value)
{
    buf_printf(buf, "</div><div class=\"val\">%s</div></div>\n", value);
}

void
chart_axis(struct buf *buf, const struct chart *chart, void (*label)(struct buf *buf, double value))
{
    buf_text(buf, "<div class=\"corner\"></div><div class=\"axis\">");
    for (size_t i = 0; i < chart->nticks; i++) {
        double at = chart_at(chart, chart->ticks[i]);
        buf_printf(buf, "<i style=\"left:%.2f%%%s\">", at, at > 96 ? ";transform:translateX(-100%)" : "");
        label(buf, chart->ticks[i]);
        buf_text(buf, "</i>");
    }
    buf_text(buf, "</div><div class=\"corner\"></div>");
}

void
chart_label_number(struct buf *buf, double value)
{
    static const struct { double factor; const char *unit; } units[] = {
        {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (value >= units[i].factor) {
            buf_printf(buf, "%.4g%s", value / units[i].factor, units[i].unit);
            return;
        }
    buf_printf(buf, "%.4g", value);
}

void
chart_label_time(struct buf *buf, double ms)
{
    if (!(ms > 0)) buf_text(buf, "0");
    else if (ms < 100) buf_printf(buf, "%.4g ms", ms);
    else if (ms < 60e3) buf_printf(buf, "%.4g s", ms / 1e3);
    else if (ms < 3600e3) buf_printf(buf, "%.4g min", ms / 60e3);
    else if (ms < 86400e3) buf_printf(buf, "%.4g h", ms / 3600e3);
    else buf_printf(buf, "%.4g d", ms / 86400e3);
}
