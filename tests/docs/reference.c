/* SPDX-License-Identifier: Apache-2.0
 *
 * usage: reference [--check] DOCUMENT… Writes what the tables of the language say between the lines
 *     <!-- made from FILE: NAME -->
 *     <!-- end of NAME -->
 * of the documents. With --check it writes nothing, and ends with 1 when something would change. Each table of keys and
 * the functions must stand in one of the documents.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"
#include "workflow/keys.h"
#include "workflow/library.h"

#define DOCUMENT_MAX (4 * MIB)

static struct arena arena;

/* A cell of a table: a bar would end it. */
static void
add_cell(struct buf *buf, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') buf_char(buf, '\\');
        buf_char(buf, *text);
    }
}

static const char *
place_name(enum key_place place)
{
    static const char *const articles[] = {"The ", "A ", "a "};
    const char *title = keys_table(place)->title;
    for (size_t i = 0; i < sizeof articles / sizeof *articles; i++)
        if (str_starts(title, articles[i])) return title + strlen(articles[i]);
    return title;
}

static void
add_choices(struct buf *buf, const struct key *key)
{
    for (size_t i = 0; key->choices[i] != NULL; i++) {
        const char *before = i == 0 ? "" : key->choices[i + 1] == NULL ? " or " : ", ";
        buf_printf(buf, "%s`%s`", before, key->choices[i]);
    }
}

/* A link to the table of this key's own members; false: it has none. */
static bool
add_link(struct buf *buf, enum key_place place, const struct key *key)
{
    static const char *const above[] = {"params", "secrets", NULL}; /* headings of the tutorial too */
    bool map = key->type == KEY_MAP || key->type == KEY_SHORT || key->type == KEY_NAMED || key->type == KEY_SWITCH;
    if (!map) return false;
    /* Outputs of a step, not of the workflow. */
    if (place == PLACE_WORKFLOW && str_eq(key->name, "outputs")) return false;
    for (int i = 0; i < PLACES; i++) {
        if (!str_eq(place_name((enum key_place)i), key->name)) continue;
        bool twice = false;
        for (size_t k = 0; above[k] != NULL; k++) twice |= str_eq(above[k], key->name);
        buf_printf(buf, "[%s](#%s%s)", key->name, key->name, twice ? "-1" : "");
        if (key->type == KEY_SHORT) buf_text(buf, ", or one text");
        if (key->type == KEY_SWITCH) buf_text(buf, ", or true or false");
        return true;
    }
    return false;
}

static void
add_value(struct buf *buf, enum key_place place, const struct key *key)
{
    static const char *const phrases[] = {
        [KEY_TEXT] = "text",
        [KEY_TEMPLATE] = "text with expressions",
        [KEY_CONDITION] = "expression, or true or false",
        [KEY_BOOL] = "true or false",
        [KEY_COUNT] = "integer from 1",
        [KEY_NUMBER] = "number",
        [KEY_DURATION] = "duration",
        [KEY_KEEP] = "duration, or number",
        [KEY_NAMES] = "list of names, or one",
        [KEY_LIST] = "list",
        [KEY_ITEMS] = "list, map or expression",
        [KEY_MAP] = "map",
        [KEY_NAMED] = "map or list of names",
        [KEY_SHORT] = "map, or one text",
        [KEY_SHORTS] = "map or text, or a list of them",
        [KEY_SIZE] = "size",
        [KEY_SWITCH] = "map, or true or false",
        [KEY_ANY] = "any value",
    };
    if (key->type == KEY_WORDS) buf_text(buf, "list of ");
    if (key->type == KEY_WORD || key->type == KEY_WORDS) add_choices(buf, key);
    else if (!add_link(buf, place, key)) {
        size_t type = (size_t)key->type;
        if (type >= sizeof phrases / sizeof *phrases || phrases[type] == NULL) {
            fprintf(stderr, "`%s` has a type without a phrase; give it one in reference.c\n", key->name);
            exit(1);
        }
        buf_text(buf, phrases[type]);
    }
}

static void
add_keys(struct buf *buf, enum key_place place)
{
    const struct key_table *table = keys_table(place);
    buf_text(buf, "| key | value | |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < table->count; i++) {
        const struct key *key = &table->keys[i];
        if (key->type == KEY_LATER) continue;
        buf_printf(buf, "| `%s` | ", key->name);
        add_value(buf, place, key);
        buf_text(buf, " | ");
        /* "; see retry.": the link says it. */
        const char *see = strstr(key->doc, "; see ");
        bool linked = see != NULL && str_starts(see + 6, key->name);
        add_cell(buf, linked ? arena_printf(&arena, "%.*s.", (int)(see - key->doc), key->doc) : key->doc);
        buf_text(buf, key->required ? " Required. |\n" : " |\n");
    }
}

/* The keys that this version refuses. */
static void
add_later(struct buf *buf)
{
    for (int place = 0; place < PLACES; place++) {
        const struct key_table *table = keys_table((enum key_place)place);
        size_t count = 0;
        for (size_t i = 0; i < table->count; i++) {
            if (table->keys[i].type != KEY_LATER) continue;
            if (count++ == 0) buf_printf(buf, "- %s: ", place == PLACE_WORKFLOW ? "at the top" : table->title);
            else buf_text(buf, ", ");
            buf_printf(buf, "`%s`", table->keys[i].name);
        }
        if (count > 0) buf_char(buf, '\n');
    }
}

static void
add_functions(struct buf *buf)
{
    const struct library_function *f;
    for (size_t i = 0; (f = library_at(i)) != NULL; i++) {
        const char *title = library_title(i);
        if (title != NULL)
            buf_printf(buf, "%s### %s\n\n| function | what it gives | example |\n| --- | --- | --- |\n",
                i ? "\n" : "", title);
        buf_printf(buf, "| `%s` | ", f->signature);
        add_cell(buf, f->doc);
        buf_text(buf, " | `");
        add_cell(buf, f->example);
        buf_text(buf, "` is `");
        add_cell(buf, f->result);
        buf_text(buf, "` |\n");
    }
}

static bool seen[PLACES + 2];

/* What stands in the region of this name; false: there is no such name. */
static bool
add_region(struct buf *buf, const char *name)
{
    for (int place = 0; place < PLACES; place++)
        if (str_eq(place_name((enum key_place)place), name)) {
            seen[place] = true;
            add_keys(buf, (enum key_place)place);
            return true;
        }
    if (str_eq(name, "later")) add_later(buf);
    else if (str_eq(name, "functions")) add_functions(buf);
    else return false;
    seen[PLACES + str_eq(name, "later")] = true;
    return true;
}

/* The document as it should be; NULL after a word about what is wrong with it. */
static const char *
made(const char *path, const char *text)
{
    static const char begin[] = "<!-- made from ";
    struct buf buf BUF_SCOPED;
    buf_init(&buf, DOCUMENT_MAX);
    for (const char *at; (at = strstr(text, begin)) != NULL;) {
        const char *line = strchr(at, '\n'), *colon = strstr(at, ": "), *close = strstr(at, " -->\n");
        if (line == NULL || colon == NULL || close == NULL || colon > line || close > line) {
            fprintf(stderr, "%s: a mark that cannot be read: %.60s\n", path, at);
            return NULL;
        }
        const char *name = arena_strndup(&arena, colon + 2, (size_t)(close - colon) - 2);
        const char *end = strstr(line, arena_printf(&arena, "<!-- end of %s -->\n", name));
        if (end == NULL) {
            fprintf(stderr, "%s: there is no <!-- end of %s -->\n", path, name);
            return NULL;
        }
        buf_add(&buf, text, (size_t)(line + 1 - text));
        buf_char(&buf, '\n');
        if (!add_region(&buf, name)) {
            fprintf(stderr, "%s: nothing is named \"%s\"\n", path, name);
            return NULL;
        }
        buf_char(&buf, '\n');
        text = end;
    }
    buf_text(&buf, text);
    return arena_strdup(&arena, buf_str(&buf));
}

static int
write_document(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

static int
one_document(const char *path, bool check)
{
    char *text;
    size_t size;
    struct err err = {0};
    if (fd_read_file(&arena, path, DOCUMENT_MAX, &text, &size, &err) != 0) {
        err_print(&err);
        return 1;
    }
    const char *want = made(path, text);
    if (want == NULL) return 1;
    if (strcmp(want, text) == 0) return 0;
    if (!check) return write_document(path, want);
    size_t same = 0, line = 1;
    for (; want[same] == text[same]; same++) line += text[same] == '\n';
    while (same > 0 && want[same - 1] != '\n') same--;
    printf("%s:%zu: is not what the tables say. It should be:\n%.*s\nType: build/dev/tests/docs/reference "
        "docs/*.md\n", path,
           line, (int)strcspn(want + same, "\n"), want + same);
    return 1;
}

int
main(int argc, char **argv)
{
    bool check = argc > 1 && str_eq(argv[1], "--check");
    int code = 0;
    for (int i = check ? 2 : 1; i < argc; i++) code |= one_document(argv[i], check);
    for (int place = 0; place < PLACES + 2; place++) {
        if (seen[place] || code != 0) continue;
        const char *name = place < PLACES ? place_name((enum key_place)place) : place == PLACES ? "functions" : "later";
        printf("no document has a line <!-- made from FILE: %s -->\n", name);
        code = 1;
    }
    arena_release(&arena);
    return code;
}
