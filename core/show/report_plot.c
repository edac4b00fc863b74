/* SPDX-License-Identifier: Apache-2.0
 *
 * Two bar charts: how long each step took, and how many rows it moved. The longest come first when there are more
 * than fit.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "show/chart.h"
#include "show/html.h"
#include "show/report.h"
#include "show/text.h"

#define BARS_MAX 40u

struct bar {
    const struct step_state *step;
    const char *detail; /* detail: the metric's name, when a step has several */
    double value;
    size_t order;
};

struct bars {
    struct arena *arena;
    struct bar *list;
    size_t count, capacity;
};

static void
add_bar(struct bars *bars, const struct step_state *step, const char *detail, double value)
{
    bars->list = arena_grow(bars->arena, bars->list, bars->count, &bars->capacity, sizeof *bars->list);
    bars->list[bars->count] = (struct bar){.step = step, .detail = detail, .value = value, .order = bars->count};
    bars->count++;
}

static double
number_of(const struct value *value)
{
    if (value_is(value, VALUE_REAL)) return value->real;
    return value_is(value, VALUE_INT) ? (double)value->integer : -1;
}

/* Metrics of the attempt that succeeded, else of the last; a step that measures nothing but has an output `rows`
 * counts too. */
static void
add_rows(struct bars *bars, const struct step_state *step)
{
    const struct attempt_state *last = step_last_attempt(step);
    size_t before = bars->count, metrics = 0;
    const struct value *list = last != NULL ? last->metrics : NULL;
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->list.count; i++)
        metrics += str_eq(value_get_str(list->list.items[i], "unit", ""), "rows");
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->list.count; i++) {
        const struct value *metric = list->list.items[i];
        double value = number_of(value_get(metric, "value"));
        const char *name = value_get_str(metric, "name", "");
        if (str_eq(value_get_str(metric, "unit", ""), "rows") && value >= 0)
            add_bar(bars, step, metrics > 1 || !str_eq(name, "rows") ? name : NULL, value);
    }
    double rows = number_of(value_get(step->outputs, "rows"));
    if (bars->count == before && rows >= 0) add_bar(bars, step, NULL, rows);
}

static int
largest_first(const void *a, const void *b)
{
    const struct bar *x = a, *y = b;
    if (x->value > y->value) return -1;
    if (x->value < y->value) return 1;
    return x->order < y->order ? -1 : 1;
}

static int
in_order(const void *a, const void *b)
{
    const struct bar *x = a, *y = b;
    return x->order < y->order ? -1 : 1;
}

static void
put_bars(struct buf *buf, const struct report_page *page, struct bars *bars, const char *title, const char *class,
         bool time)
{
    struct chart chart;
    struct buf text BUF_SCOPED = {0}, anchor BUF_SCOPED = {0}, name BUF_SCOPED = {0};
    double most = 0;
    size_t all = bars->count;
    buf_init(&text, 256);
    buf_init(&anchor, 4096);
    buf_init(&name, 1 << 16);
    if (bars->count > BARS_MAX) {
        qsort(bars->list, bars->count, sizeof *bars->list, largest_first);
        bars->count = BARS_MAX;
        qsort(bars->list, bars->count, sizeof *bars->list, in_order);
    }
    for (size_t i = 0; i < bars->count; i++)
        if (bars->list[i].value > most) most = bars->list[i].value;
    if (time) chart_times(&chart, most);
    else chart_numbers(&chart, most);
    buf_printf(buf, "<section class=\"card\"><h2>%s</h2><div class=\"chart\">", title);
    for (size_t i = 0; i < bars->count; i++) {
        const struct bar *bar = &bars->list[i];
        buf_clear(&text);
        if (time) text_elapsed(&text, (int64_t)bar->value);
        else text_real(&text, bar->value);
        buf_clear(&anchor);
        buf_clear(&name);
        report_anchor(&anchor, page, bar->step);
        instance_name(&name, bar->step);
        chart_row(buf, &chart, buf_str(&anchor), buf_str(&name), bar->detail);
        buf_printf(buf, "<span class=\"bar %s\" style=\"width:%.2f%%\" title=\"%s\"></span>", class,
                   chart_at(&chart, bar->value), buf_str(&text));
        chart_row_end(buf, buf_str(&text));
    }
    chart_axis(buf, &chart, time ? chart_label_time : chart_label_number);
    buf_text(buf, "</div>");
    if (all > BARS_MAX) buf_printf(buf, "<p class=\"dim\">the largest %u of %zu</p>", BARS_MAX, all);
    buf_text(buf, "</section>\n");
}

void
report_plots(struct buf *buf, const struct report_page *page, int64_t now_ms)
{
    const struct view *view = page->view;
    struct arena arena ARENA_SCOPED = {0};
    struct bars durations = {.arena = &arena}, rows = {.arena = &arena};
    int64_t end = report_end_ms(view, now_ms);
    for (const struct step_state *step = instance_next(&view->state, NULL); step != NULL;
         step = instance_next(&view->state, step)) {
        if (step->nattempts == 0) continue;
        add_bar(&durations, step, NULL, (double)step_elapsed_ms(step, end));
        add_rows(&rows, step);
    }
    if (durations.count == 0) return;
    buf_text(buf, rows.count ? "<div class=\"two\">" : "");
    put_bars(buf, page, &durations, "Duration", "dur", true);
    if (rows.count) put_bars(buf, page, &rows, "Rows", "rows", false);
    buf_text(buf, rows.count ? "</div>" : "");
}
