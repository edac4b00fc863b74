/* SPDX-License-Identifier: Apache-2.0
 *
 * Escaping covers both elements and quoted attributes with one set of characters, so that no caller can pick
 * the wrong one. Unquoted attributes, scripts and styles never hold foreign text.
 */
#include "show/html.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "show/text.h"

#define TABLE_ROWS 100u
#define TABLE_COLUMNS 24u
#define LIST_ITEMS 100u
#define TEXT_SHOWN 20000u
#define DEPTH_SHOWN 5

void
html_textn(struct buf *buf, const char *text, size_t size)
{
    struct buf plain BUF_SCOPED = {0};
    buf_init(&plain, LIMIT_VALUE_SIZE);
    str_plain(&plain, text, size);
    for (size_t i = 0; i < plain.size; i++) {
        switch (plain.data[i]) {
        case '&': buf_text(buf, "&amp;"); break;
        case '<': buf_text(buf, "&lt;"); break;
        case '>': buf_text(buf, "&gt;"); break;
        case '"': buf_text(buf, "&quot;"); break;
        case '\'': buf_text(buf, "&#39;"); break;
        default: buf_char(buf, plain.data[i]); break;
        }
    }
}

void
html_text(struct buf *buf, const char *text)
{
    html_textn(buf, text, strlen(text));
}

void
html_path(struct buf *buf, const char *path)
{
    for (const char *p = path; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x80 && (isalnum(c) || strchr("-._~/", c) != NULL)) buf_char(buf, *p);
        else buf_printf(buf, "%%%02X", c);
    }
}

static void put_value(struct buf *buf, const struct value *value, int depth);

static void
put_string(struct buf *buf, const char *text, size_t size)
{
    bool block = memchr(text, '\n', size) != NULL, cut = size > TEXT_SHOWN;
    buf_text(buf, block ? "<pre>" : "<span class=\"t\">");
    html_textn(buf, text, cut ? TEXT_SHOWN : size);
    buf_text(buf, block ? "</pre>" : "</span>");
    if (cut) buf_printf(buf, " <span class=\"dim\">… %zu bytes in all</span>", size);
}

static bool
is_list_of_maps(const struct value *list)
{
    if (list->list.count == 0) return false;
    for (size_t i = 0; i < list->list.count; i++)
        if (list->list.items[i]->type != VALUE_MAP || text_secret_name(list->list.items[i]) != NULL) return false;
    return true;
}

/* Names of the members of all rows, in the order they are first seen. */
static size_t
columns_of(const struct value *list, const char **names)
{
    size_t count = 0;
    for (size_t i = 0; i < list->list.count && i < TABLE_ROWS; i++) {
        const struct value *row = list->list.items[i];
        for (size_t k = 0; k < row->map.count; k++) {
            size_t n = 0;
            while (n < count && !str_eq(names[n], row->map.names[k])) n++;
            if (n == count && count < TABLE_COLUMNS) names[count++] = row->map.names[k];
        }
    }
    return count;
}

/* In a table an empty cell says it better than words. */
static bool
is_empty(const struct value *value)
{
    return (value->type == VALUE_LIST && value->list.count == 0) ||
           (value->type == VALUE_MAP && value->map.count == 0);
}

static void
put_table(struct buf *buf, const struct value *list, int depth)
{
    const char *names[TABLE_COLUMNS];
    size_t columns = columns_of(list, names);
    buf_text(buf, "<div class=\"scroll\"><table class=\"data\"><thead><tr>");
    for (size_t i = 0; i < columns; i++) {
        const struct value *cell = value_get(list->list.items[0], names[i]);
        bool number = value_is(cell, VALUE_INT) || value_is(cell, VALUE_REAL);
        buf_text(buf, number ? "<th class=\"n\">" : "<th>");
        html_text(buf, names[i]);
        buf_text(buf, "</th>");
    }
    buf_text(buf, "</tr></thead><tbody>");
    for (size_t i = 0; i < list->list.count && i < TABLE_ROWS; i++) {
        buf_text(buf, "<tr>");
        for (size_t k = 0; k < columns; k++) {
            const struct value *cell = value_get(list->list.items[i], names[k]);
            bool number = value_is(cell, VALUE_INT) || value_is(cell, VALUE_REAL);
            buf_text(buf, number ? "<td class=\"n\">" : "<td>");
            if (cell != NULL && !is_empty(cell)) put_value(buf, cell, depth + 1);
            buf_text(buf, "</td>");
        }
        buf_text(buf, "</tr>");
    }
    buf_text(buf, "</tbody></table></div>");
    if (list->list.count > TABLE_ROWS)
        buf_printf(buf, "<p class=\"dim\">the first %u of %zu rows</p>", TABLE_ROWS, list->list.count);
}

/* A few short words fit on one line. */
static bool
is_short_list(const struct value *list)
{
    size_t size = 0;
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *item = list->list.items[i];
        if (item->type == VALUE_LIST || item->type == VALUE_MAP) return false;
        size += item->type == VALUE_STRING ? item->text.size + 2 : 8;
        if (size > 60 || (item->type == VALUE_STRING && memchr(item->text.ptr, '\n', item->text.size) != NULL))
            return false;
    }
    return true;
}

static void
put_list(struct buf *buf, const struct value *list, int depth)
{
    if (is_list_of_maps(list)) {
        put_table(buf, list, depth);
        return;
    }
    if (list->list.count == 0) {
        buf_text(buf, "<span class=\"dim\">empty list</span>");
        return;
    }
    if (is_short_list(list)) {
        for (size_t i = 0; i < list->list.count; i++) {
            if (i) buf_text(buf, ", ");
            put_value(buf, list->list.items[i], depth + 1);
        }
        return;
    }
    buf_text(buf, "<ul>");
    for (size_t i = 0; i < list->list.count && i < LIST_ITEMS; i++) {
        buf_text(buf, "<li>");
        put_value(buf, list->list.items[i], depth + 1);
        buf_text(buf, "</li>");
    }
    buf_text(buf, "</ul>");
    if (list->list.count > LIST_ITEMS)
        buf_printf(buf, "<p class=\"dim\">the first %u of %zu</p>", LIST_ITEMS, list->list.count);
}

static void
put_map(struct buf *buf, const struct value *map, int depth)
{
    buf_text(buf, "<table class=\"kv\"><tbody>");
    for (size_t i = 0; i < map->map.count; i++) {
        buf_text(buf, "<tr><th>");
        html_text(buf, map->map.names[i]);
        buf_text(buf, "</th><td>");
        put_value(buf, map->map.values[i], depth + 1);
        buf_text(buf, "</td></tr>");
    }
    buf_text(buf, "</tbody></table>");
}

static void
put_value(struct buf *buf, const struct value *value, int depth)
{
    const char *secret = text_secret_name(value);
    struct buf text BUF_SCOPED = {0};
    buf_init(&text, LIMIT_VALUE_SIZE);
    if (secret != NULL || value->type == VALUE_SECRET) {
        buf_text(buf, "<span class=\"secret\">secret ");
        html_text(buf, secret ? secret : "");
        buf_text(buf, "</span>");
    } else if (value->type == VALUE_STRING || value->type == VALUE_SQL) {
        put_string(buf, value->text.ptr, value->text.size);
    } else if (value->type == VALUE_NULL) {
        buf_text(buf, "<span class=\"dim\">null</span>");
    } else if (value->type == VALUE_LIST && depth < DEPTH_SHOWN) {
        put_list(buf, value, depth);
    } else if (value->type == VALUE_MAP && value->map.count == 0) {
        buf_text(buf, "<span class=\"dim\">empty map</span>");
    } else if (value->type == VALUE_MAP && depth < DEPTH_SHOWN) {
        put_map(buf, value, depth);
    } else {
        value_show(&text, value);
        buf_text(buf, "<code>");
        html_textn(buf, buf_str(&text), text.size > TEXT_SHOWN ? TEXT_SHOWN : text.size);
        buf_text(buf, "</code>");
    }
}

void
html_value(struct buf *buf, const struct value *value)
{
    put_value(buf, value, 0);
}

static bool
is_table(const struct value *value)
{
    return value->type == VALUE_LIST && is_list_of_maps(value);
}

bool
html_map_is_wide(const struct value *map)
{
    for (size_t i = 0; value_is(map, VALUE_MAP) && i < map->map.count; i++)
        if (is_table(map->map.values[i])) return true;
    return false;
}

/* Tables come below the names and values: inside a cell they would have no width to scroll in. */
void
html_map(struct buf *buf, const struct value *map)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *plain = value_map(&arena);
    if (!value_is(map, VALUE_MAP)) return;
    for (size_t i = 0; i < map->map.count; i++)
        if (!is_table(map->map.values[i])) value_set(&arena, plain, map->map.names[i], map->map.values[i]);
    if (plain->map.count > 0) put_map(buf, plain, 0);
    for (size_t i = 0; i < map->map.count; i++) {
        if (!is_table(map->map.values[i])) continue;
        buf_text(buf, "<h4>");
        html_text(buf, map->map.names[i]);
        buf_text(buf, "</h4>");
        put_table(buf, map->map.values[i], 0);
    }
}
