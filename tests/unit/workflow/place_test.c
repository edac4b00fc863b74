/* SPDX-License-Identifier: Apache-2.0
 *
 * Places in folded, quoted and block texts are those of the file.
 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "workflow/parse.h"
#include "workflow/place.h"

static struct arena arena;

/* Where the `@` of the file's only value is, found through the text that YAML makes of it. */
static const char *
place_of_mark(const char *source)
{
    struct diags diags;
    diags_init(&diags, &arena, "flow.yaml");
    const struct value *root = parse_yaml(&arena, source, strlen(source), &diags);
    if (root == NULL || root->type != VALUE_MAP) return "no map";
    const struct value *text = root->map.values[0];
    const char *mark = strchr(text->text.ptr, '@');
    if (mark == NULL) return "no mark";
    int line = (int)text->line, column = (int)text->column;
    for (const char *p = text->text.ptr; p < mark; p++) {
        column = *p == '\n' ? (int)text->column : column + (((unsigned char)*p & 0xc0) != 0x80);
        line += *p == '\n';
    }
    place_in_source(source, strlen(source), text, &line, &column);
    return arena_printf(&arena, "%d:%d", line, column);
}

static void
test_places(void)
{
    static const char *const cases[][2] = {
        {"a: x @", "1:6"},
        {"a: x\n  y @", "2:5"},
        {"a: x\n\n\n  y @", "4:5"},
        {"a: ü @", "1:6"},
        {"a: 'it''s @'", "1:11"},
        {"a: 'x\n   y @'", "2:6"},
        {"a: \"q\\\"r @\"", "1:10"},
        {"a: \"\\x41\\u00e9\\U0001F600 @\"", "1:26"},
        {"a: \"x\\n @\"", "1:9"},
        {"a: \"x \\\n   y @\"", "2:6"},
        {"a: \"x\n\n  y @\"", "3:5"},
        {"a: |\n  x\n  y @\n", "3:5"},
        {"a: |\n  x\n    y @\n", "3:7"},
        {"a: >\n  x\n  y @\n", "3:5"},
        {"a: >-\n  x\n\n  y\n    z @\n  w\n", "5:7"},
        {"a: >2\n    x\n  y @\n", "3:5"},
        {"\xef\xbb\xbf" "a: x\n  y @", "2:5"},
        {"a: x\r\n  y @", "2:5"},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
        if (strcmp(place_of_mark(cases[i][0]), cases[i][1]) != 0) fprintf(stderr, "%s\n", cases[i][0]);
        CHECK_STR(place_of_mark(cases[i][0]), cases[i][1]);
    }
}

static void
test_a_text_from_elsewhere_keeps_its_place(void)
{
    const struct value text = {.type = VALUE_STRING, .line = 1, .column = 4, .text = {"quite another", 13}};
    int line = 1, column = 9;
    place_in_source("a: something", 12, &text, &line, &column);
    CHECK_INT(line, 1);
    CHECK_INT(column, 9);
    place_in_source(NULL, 0, &text, &line, &column);
    CHECK_INT(column, 9);
}

static const struct check_test tests[] = {
    {"a place in a text is that of the file", test_places},
    {"a text that is not in the source keeps its place", test_a_text_from_elsewhere_keeps_its_place},
};

int
main(int argc, char **argv)
{
    int ret = check_main("place", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return ret;
}
