/* SPDX-License-Identifier: Apache-2.0
 *
 * ducklake.report: queries become one HTML page. It holds no time of making, so equal data give equal bytes
 * and the page is then left alone.
 */
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "chart.h"
#include "files.h"
#include "html.h"
#include "mark.h"
#include "script.h"

#define TABLE_ROWS_MAX 500
#define BARS_MAX 60

struct reporting {
    const struct report_in *in;
    struct text page;
};

static bool
is_number_column(const json_t *column)
{
    const char *type = json_string_value(json_object_get(column, "type"));
    return strcmp(type, "integer") == 0 || strcmp(type, "number") == 0;
}

static const json_t *
find_column(const struct rows *rows, const char *name)
{
    for (size_t i = 0; i < json_array_size(rows->columns); i++)
        if (strcmp(json_string_value(json_object_get(json_array_get(rows->columns, i), "name")), name) == 0)
            return json_array_get(rows->columns, i);
    return NULL;
}

static int
no_column(struct work *work, const struct chart_in *in, const struct rows *rows, const char *name)
{
    struct text names = text_new(work->step);
    for (size_t i = 0; i < json_array_size(rows->columns); i++) {
        text_comma(&names);
        text_add(&names, json_string_value(json_object_get(json_array_get(rows->columns, i), "name")));
    }
    return fault_set(work, LEVADA_INVALID, text_format(work->step, "Its query gives %s.", names.data),
        "chart \"%s\" has no column \"%s\"", in->title.text, name);
}

/* Which columns go across and which up. */
static int
choose_columns(struct work *work, const struct chart_in *in, const struct rows *rows, struct chart *chart)
{
    chart->x = text_given(in->x.text)
        ? in->x.text
        : json_string_value(json_object_get(json_array_get(rows->columns, 0), "name"));
    if (find_column(rows, chart->x) == NULL) return no_column(work, in, rows, chart->x);
    if (in->y.count > CHART_SERIES_MAX)
        return fault_set(work, LEVADA_INVALID, NULL, "chart \"%s\" has more than %d columns of numbers",
            in->title.text, CHART_SERIES_MAX);
    for (size_t i = 0; i < in->y.count; i++) {
        if (find_column(rows, in->y.items[i]) == NULL) return no_column(work, in, rows, in->y.items[i]);
        chart->series[chart->series_count++] = in->y.items[i];
    }
    for (size_t i = 0;
         in->y.count == 0 && i < json_array_size(rows->columns) && chart->series_count < CHART_SERIES_MAX; i++) {
        const json_t *column = json_array_get(rows->columns, i);
        const char *name = json_string_value(json_object_get(column, "name"));
        if (is_number_column(column) && strcmp(name, chart->x) != 0) chart->series[chart->series_count++] = name;
    }
    if (chart->series_count > 0) return 0;
    return fault_set(work, LEVADA_INVALID, "Name the column in `y`, or use kind: table.",
        "chart \"%s\" has no column of numbers", in->title.text);
}

static int
draw(struct work *work, struct reporting *reporting, const struct chart_in *in, const struct rows *rows, bool table)
{
    struct text *page = &reporting->page;
    struct chart chart = {.title = in->title.text, .kind = in->kind.text, .rows = rows->rows};
    if (!table) {
        int error = choose_columns(work, in, rows, &chart);
        if (error != 0) return error;
    }
    text_addf(page, "<section%s>\n<h2>", table && json_array_size(rows->columns) > 4 ? " class=\"wide\"" : "");
    html_text(page, in->title.text);
    text_add(page, "</h2>\n");
    if (table) html_table(page, rows->columns, rows->rows);
    else chart_draw(page, &chart);
    if (rows->more)
        text_addf(page, "<p>Only the first %s rows are shown.</p>\n",
            html_number(work->step, (double)json_array_size(rows->rows)));
    if (text_given(in->note.text)) {
        text_add(page, "<p>");
        html_text(page, in->note.text);
        text_add(page, "</p>\n");
    }
    text_add(page, "</section>\n");
    return 0;
}

static int
add_chart(struct work *work, struct reporting *reporting, const struct chart_in *in, json_t *none)
{
    bool table = !text_given(in->kind.text) || strcmp(in->kind.text, "table") == 0;
    size_t limit = table ? TABLE_ROWS_MAX : strcmp(in->kind.text, "bar") == 0 ? BARS_MAX : CHART_POINTS_MAX;
    struct script script;
    struct script_result result = {0};
    int error = script_read(work, &in->sql, "", none, &script);
    if (error == 0) error = script_run(work, &script, limit, &result);
    if (error == 0 && result.wrote)
        error = fault_set(
            work, LEVADA_INVALID, "Use ducklake.sql to write.", "chart \"%s\" writes to the lake", in->title.text);
    if (error == 0 && result.rows.rows == NULL)
        error = fault_set(work, LEVADA_INVALID, NULL, "chart \"%s\": its SQL gives no rows", in->title.text);
    if (error == 0) error = draw(work, reporting, in, &result.rows, table);
    rows_free(&result.rows);
    return error;
}

/* In one transaction, so that all charts show one snapshot. */
static int
report_body(struct work *work, void *arg)
{
    struct reporting *reporting = arg;
    const struct report_in *in = reporting->in;
    const struct chart_in *charts = in->charts.items;
    json_t *none = json_object();
    reporting->page = text_new(work->step);
    html_begin(&reporting->page, in->title.text, in->note.text);
    int error = 0;
    for (size_t i = 0; i < in->charts.count && error == 0; i++) error = add_chart(work, reporting, &charts[i], none);
    html_end(&reporting->page, "Made by Levada with DuckDB.");
    json_decref(none);
    return error;
}

static int
write_page(struct work *work, const struct reporting *reporting)
{
    const struct report_in *in = reporting->in;
    const char *path = path_resolve(work->step, in->to.text);
    bool changed;
    int error = file_write(work, path, reporting->page.data, reporting->page.size, &changed);
    if (error != 0) return error;
    levada_log(work->step, LEVADA_INFO, "report %s: %s", changed ? "written" : "is unchanged", path);
    return outputs_set(work,
        json_pack("{s:s, s:I, s:I, s:b}", "path", path, "charts", (json_int_t)in->charts.count, "bytes",
            (json_int_t)reporting->page.size, "changed", changed));
}

int
report_run(struct levada_step *step, const void *input)
{
    struct reporting reporting = {.in = input};
    struct work work;
    work_begin(&work, step, &reporting.in->lake);
    int error = lake_require(&work);
    if (error == 0 && reporting.in->charts.count == 0)
        error = fault_set(&work, LEVADA_INVALID, NULL, "input \"charts\" is empty");
    if (error == 0) error = work_open(&work, NULL, 0);
    if (error == 0) error = transact(&work, report_body, &reporting);
    if (error == 0) error = write_page(&work, &reporting);
    return work_close(&work, error);
}
