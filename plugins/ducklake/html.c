/* SPDX-License-Identifier: Apache-2.0
 *
 * See html.h. Colours are variables, so that one block serves light and dark.
 */
#include "html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
    ":root{--bg:#f7f7f5;--card:#fff;--ink:#1d2129;--soft:#606875;--line:#dfe2e6;--s0:#0072b2;--s1:#d55e00;--s2:#"
    "009e73;--s3:#cc79a7;"
    "--s4:#b58900;--s5:#56b4e9;color-scheme:light dark}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171c;--card:#1d2128;--ink:#e8eaed;--soft:#9aa3af;--line:#"
    "343a44;--s0:#4ba3e3;"
    "--s1:#f0853f;--s2:#2fc79b;--s3:#dd9cc1;--s4:#e0b93f;--s5:#8fd0f5}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 "
    "system-ui,sans-serif}"
    "main{max-width:1080px;margin:0 auto;padding:24px 16px 40px}h1{font-size:1.6rem;line-height:1.25;margin:0 0 "
    "4px}"
    "p.note{color:var(--soft);margin:0 0 20px;max-width:70ch}"
    ".cards{display:grid;gap:16px;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr))}"
    "section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;min-width:0}"
    "section.wide{grid-column:1/-1}h2{font-size:1.05rem;margin:0 0 8px}section "
    "p{color:var(--soft);font-size:.875rem;margin:8px 0 0}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}"
    "th,td{padding:5px 10px;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}"
    "th{color:var(--soft);font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    "svg{display:block;width:100%;height:auto}svg text{fill:var(--soft);font:12px system-ui,sans-serif}svg "
    "text.v{fill:var(--ink)}"
    ".axis{stroke:var(--line);stroke-width:1}.legend{display:flex;flex-wrap:wrap;gap:2px "
    "14px;font-size:.85rem;color:var(--soft);margin-bottom:4px}"
    ".legend "
    "span::before{content:\"\";display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px;"
    "background:var(--c)}"
    "footer{color:var(--soft);font-size:.85rem;margin-top:24px}";

void
html_text(struct text *page, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '&': text_add(page, "&amp;"); break;
        case '<': text_add(page, "&lt;"); break;
        case '>': text_add(page, "&gt;"); break;
        case '"': text_add(page, "&quot;"); break;
        case '\'': text_add(page, "&#39;"); break;
        default: text_add_bytes(page, c, 1);
        }
    }
}

void
html_begin(struct text *page, const char *title, const char *note)
{
    text_add(page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'\">\n<title>");
    html_text(page, title);
    text_addf(page, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>", style);
    html_text(page, title);
    text_add(page, "</h1>\n");
    if (text_given(note)) {
        text_add(page, "<p class=\"note\">");
        html_text(page, note);
        text_add(page, "</p>\n");
    }
    text_add(page, "<div class=\"cards\">\n");
}

void
html_end(struct text *page, const char *footer)
{
    text_add(page, "</div>\n<footer>");
    html_text(page, footer);
    text_add(page, "</footer>\n</main>\n</body>\n</html>\n");
}

const char *
html_number(struct levada_step *step, double value)
{
    if (!isfinite(value)) return "–";
    char digits[64];
    double size = fabs(value);
    int places = value == rint(value) ? 0 : size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4;
    if (size >= 1e15) return text_format(step, "%.3g", value);
    snprintf(digits, sizeof digits, "%.*f", places, size);
    char *dot = strchr(digits, '.');
    if (dot != NULL) {
        char *end = digits + strlen(digits);
        while (end > dot + 1 && end[-1] == '0') *--end = '\0';
        if (end == dot + 1) *dot = '\0';
    }
    size_t whole = strcspn(digits, ".");
    struct text text = text_new(step);
    if (value < 0 && strtod(digits, NULL) != 0) text_add(&text, "−");
    for (size_t i = 0; i < whole; i++) {
        if (i > 0 && (whole - i) % 3 == 0) text_add(&text, ",");
        text_add_bytes(&text, digits + i, 1);
    }
    text_add(&text, digits + whole);
    return text.data;
}

const char *
html_value(struct levada_step *step, const json_t *value)
{
    if (value == NULL || json_is_null(value)) return "–";
    if (json_is_string(value)) return json_string_value(value);
    if (json_is_boolean(value)) return json_is_true(value) ? "yes" : "no";
    if (json_is_number(value)) return html_number(step, json_number_value(value));
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));
    const char *copy = text_copy(step, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
    free(text);
    return copy;
}

static bool
is_number(const json_t *column)
{
    const char *type = json_string_value(json_object_get(column, "type"));
    return strcmp(type, "integer") == 0 || strcmp(type, "number") == 0;
}

/* Years and ids are integers too: only what is called so is left without separators. */
static bool
is_label(const char *name)
{
    return strcmp(name, "year") == 0 || strcmp(name, "month") == 0 || strcmp(name, "id") == 0 || text_ends(name, "_id");
}

void
html_table(struct text *page, const json_t *columns, const json_t *rows)
{
    text_add(page, "<div class=\"scroll\"><table>\n<thead><tr>");
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const json_t *column = json_array_get(columns, i);
        text_addf(page, "<th%s>", is_number(column) ? " class=\"n\"" : "");
        html_text(page, json_string_value(json_object_get(column, "name")));
        text_add(page, "</th>");
    }
    text_add(page, "</tr></thead>\n<tbody>\n");
    for (size_t row = 0; row < json_array_size(rows); row++) {
        text_add(page, "<tr>");
        for (size_t i = 0; i < json_array_size(columns); i++) {
            const json_t *column = json_array_get(columns, i);
            const char *name = json_string_value(json_object_get(column, "name"));
            const json_t *value = json_object_get(json_array_get(rows, row), name);
            text_addf(page, "<td%s>", is_number(column) ? " class=\"n\"" : "");
            if (json_is_integer(value) && is_label(name)) text_addf(page, "%lld", (long long)json_integer_value(value));
            else html_text(page, html_value(page->step, value));
            text_add(page, "</td>");
        }
        text_add(page, "</tr>\n");
    }
    text_add(page, "</tbody></table></div>\n");
}
