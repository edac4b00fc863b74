/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML into values: what scalars mean, where things stand, and what is refused.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "check.h"
#include "workflow/parse.h"
#include "workflow/yaml.h"

static struct arena arena;
static struct diags diags;

static const struct value *
parse(const char *text)
{
    arena_release(&arena);
    diags_init(&diags, &arena, "f.yaml");
    return parse_yaml(&arena, text, strlen(text), &diags);
}

static const char *
as_json(const char *text)
{
    const struct value *value = parse(text);
    return value != NULL && diags.errors == 0 ? json_text(&arena, value) : "refused";
}

/* "line:column code: message" of the first diagnostic, in the order they were found. */
static const char *
fault(const char *text)
{
    parse(text);
    if (diags.count == 0) return "none";
    const struct diag *diag = &diags.items[0];
    return arena_printf(&arena, "%d:%d %s: %s", diag->line, diag->column, diag->code, diag->message);
}

static const char *
place(const struct value *value)
{
    return arena_printf(&arena, "%u:%u", value->line, value->column);
}

static void
test_core_scalars(void)
{
    CHECK_STR(as_json("[null, Null, NULL, ~, , true, True, TRUE, false]"), "refused");
    CHECK_STR(as_json("[null, Null, NULL, ~, true, True, TRUE, false]"),
              "[null,null,null,null,true,true,true,false]");
    CHECK_STR(as_json("[yes, no, on, off, y, n, nULL, tRUE]"),
              "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\",\"nULL\",\"tRUE\"]");
    CHECK_STR(as_json("[1, -2, +3, 017, 0o17, 0x1F, 0b11, 1_000]"), "[1,-2,3,17,15,31,\"0b11\",\"1_000\"]");
    CHECK_STR(as_json("[1.5, -.5, 1., 1e3, 1.5E-2, 1.2.3, ., -, +, .e1]"),
              "[1.5,-0.5,1.0,1000.0,0.015,\"1.2.3\",\".\",\"-\",\"+\",\".e1\"]");
    CHECK_STR(as_json("[2026-01-02, 12:30:45, 1h, 0x, 0xg, 0o8]"),
              "[\"2026-01-02\",\"12:30:45\",\"1h\",\"0x\",\"0xg\",\"0o8\"]");
    CHECK_STR(as_json("[\"1\", 'true', \"~\", '', \"a\\u00e9\\n\"]"), "[\"1\",\"true\",\"~\",\"\",\"aé\\n\"]");
    CHECK_STR(as_json("[9223372036854775807, -9223372036854775808]"), "[9223372036854775807,-9223372036854775808]");
    CHECK_STR(fault("[9223372036854775808]"),
              "1:2 wrong-value: `9223372036854775808` is an integer that does not fit in 64 bits");
    CHECK_STR(fault("a: -.INF"), "1:4 wrong-value: `-.INF` is not a finite number");
}

static void
test_names_are_texts_as_written(void)
{
    CHECK_STR(as_json("{1: a, true: b, null: c, \"x y\": d, 0x10: e}"),
              "{\"1\":\"a\",\"true\":\"b\",\"null\":\"c\",\"x y\":\"d\",\"0x10\":\"e\"}");
    CHECK_STR(fault("? {a: b}\n: c"), "1:3 key-type: a name in a map must be text, not a map");
    CHECK_STR(fault("a: 1\nb: 2\n\"a\": 3"), "3:1 duplicate-key: \"a\" is given twice, first in line 1");
    CHECK_STR(fault("{\"1\": a, 1: b}"), "1:10 duplicate-key: \"1\" is given twice, first in line 1");
}

static void
test_places(void)
{
    const struct value *root =
        parse("# top\nname: plain\nquoted:  \"q\"\nlist:\n  - a\n  - {b: c}\nblock: |\n\n    two\n");
    int line, column;
    CHECK_STR(place(root), "2:1");
    CHECK_STR(place(value_get(root, "name")), "2:7");
    CHECK_STR(place(value_get(root, "quoted")), "3:11");
    CHECK_STR(place(value_get(root, "list")), "5:3");
    CHECK_STR(place(value_get(root, "list")->list.items[1]), "6:5");
    CHECK_STR(place(value_get(value_get(root, "list")->list.items[1], "b")), "6:9");
    CHECK_STR(place(value_get(root, "block")), "8:5");
    CHECK_STR(value_get_str(root, "block", ""), "\ntwo\n");
    parse_name_place(root, 2, &line, &column);
    CHECK_INT(line, 4);
    CHECK_INT(column, 1);
}

static void
test_columns_count_characters(void)
{
    const struct value *root = parse("{\"ä雪\": 1, b: [é, x]}\nc: 1");
    CHECK(root == NULL); /* a second node behind the first */
    root = parse("{\"ä雪\": 1, b: [é, x]}");
    CHECK_STR(place(value_get(root, "b")->list.items[1]), "1:18");
    root = parse("ä: 1\nrun: |\n  é\n  x\nlast: y");
    CHECK_STR(place(value_get(root, "run")), "3:3");
    CHECK_STR(place(value_get(root, "last")), "5:7");
}

static void
test_line_ends_and_a_mark(void)
{
    const struct value *root = parse("\xef\xbb\xbf" "a: 1\r\nrun: |\r\n  é\r\nb: 2\r");
    CHECK_STR(place(value_get(root, "a")), "1:4");
    CHECK_STR(place(value_get(root, "run")), "3:3");
    CHECK_STR(value_get_str(root, "run", ""), "é\n");
    CHECK_STR(place(value_get(root, "b")), "4:4");
}

static void
test_places_survive_many_names(void)
{
    char text[4000] = "";
    for (int i = 0; i < 200; i++) snprintf(text + strlen(text), sizeof text - strlen(text), "k%d: %d\n", i, i);
    const struct value *root = parse(text);
    int line, column;
    CHECK_INT(root->map.count, 200);
    for (size_t i = 0; i < 200; i++) {
        parse_name_place(root, i, &line, &column);
        CHECK_INT(line, i + 1);
        CHECK_INT(root->map.values[i]->integer, i);
    }
    snprintf(text + strlen(text), sizeof text - strlen(text), "k150: x\n");
    CHECK_STR(fault(text), "201:1 duplicate-key: \"k150\" is given twice, first in line 151");
}

static void
test_aliases(void)
{
    CHECK_STR(as_json("a: &x {p: [1, 2]}\nb: *x\nc: [*x]"),
              "{\"a\":{\"p\":[1,2]},\"b\":{\"p\":[1,2]},\"c\":[{\"p\":[1,2]}]}");
    CHECK_STR(as_json("a: &x 1\nb: *x\nc: &x 2\nd: *x"), "{\"a\":1,\"b\":1,\"c\":2,\"d\":2}");
    CHECK_STR(fault("a: *x"), "1:4 alias: there is no anchor \"&x\" before this alias");
    CHECK_STR(fault("a: &x [1, *x]"), "1:11 alias: the alias \"*x\" stands inside its own anchor");
    CHECK_STR(fault("a: &x 1\n<<: *x"),
              "2:1 merge-key: \"<<\" takes a map or a list of maps, and this is of type integer");
    CHECK_STR(fault("a: &x {b: 1}\n<<: *x\n<<: *x"), "3:1 duplicate-key: \"<<\" is given twice");
    CHECK_STR(as_json("a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}"),
              "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"b\":3,\"c\":2}}");
    CHECK_STR(as_json("a: &x {b: 1}\nd: {<<: [{b: 2, c: 2}, *x], e: 3}"),
              "{\"a\":{\"b\":1},\"d\":{\"e\":3,\"b\":2,\"c\":2}}");
    CHECK_STR(as_json("\"<<\": 1"), "{\"<<\":1}");
}

static void
test_aliases_are_bounded(void)
{
    char text[2000] = "a0: &a0 [0,0,0,0,0,0,0,0,0,0]\n";
    for (int i = 1; i < 9; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    parse(text);
    CHECK_INT(diags.count, 1);
    CHECK_STR(diags.items[0].message, "aliases expand to more than 10000 values");
}

static void
test_depth_is_bounded(void)
{
    char text[200] = "";
    memset(text, '[', 66);
    memset(text + 66, ']', 66);
    CHECK_STR(fault(text), "1:66 too-deep: values are nested more than 64 deep");
    memset(text, 0, sizeof text);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    CHECK_STR(fault(text), "none");
}

static void
test_documents_and_tags(void)
{
    CHECK_STR(as_json("---\na: 1\n...\n"), "{\"a\":1}");
    CHECK_STR(fault("a: 1\n---\nb: 2"), "2:1 documents: a second YAML document begins here");
    CHECK_STR(fault("a: !!int 1"), "1:4 tag: YAML tags are not used here (\"!!int\")");
    CHECK_STR(fault("a: !x {}"), "1:4 tag: YAML tags are not used here (\"!x\")");
    CHECK_STR(fault("a: !u!x 1"), "1:4 tag: YAML tags are not used here");
}

static void
test_sources_that_are_no_text(void)
{
    CHECK_STR(fault(""), "0:0 empty: the file is empty");
    CHECK_STR(fault(" \n# x\n\t# y"), "0:0 empty: the file holds nothing but comments");
    CHECK_STR(fault("a: \"\xc3\""), "1:5 encoding: byte 0xc3 at offset 4 is not UTF-8");
    CHECK_STR(fault("é: \xff"), "1:4 encoding: byte 0xff at offset 4 is not UTF-8");
    CHECK_STR(fault("a: b\nc: d\x01"), "2:5 encoding: the file holds a control character");
    CHECK_STR(fault("a: b\xe2\x80\xa8"), "1:5 encoding: the file holds an invisible line end (U+2028 or U+2029)");
    diags_init(&diags, &arena, "f.yaml");
    CHECK(!yaml_source_check("a\0b", 3, &diags));
    CHECK_STR(diags.items[0].message, "the file holds a NUL byte");
    diags_init(&diags, &arena, "f.yaml");
    CHECK(!yaml_source_check("\xff\xfe" "a\0b\0", 6, &diags));
    CHECK_STR(diags.items[0].message, "the file is UTF-16, not UTF-8");
    diags_init(&diags, &arena, "f.yaml");
    CHECK(!yaml_source_check("a\0b\0c\0", 6, &diags));
    CHECK_STR(diags.items[0].message, "the file is UTF-16, not UTF-8");
}

static const struct check_test tests[] = {
    {"plain scalars mean what YAML 1.2 says, and yes is a text", test_core_scalars},
    {"names are texts as written, and unique", test_names_are_texts_as_written},
    {"every value has the place of its first character", test_places},
    {"columns count characters", test_columns_count_characters},
    {"CRLF, a lone CR and a byte order mark shift no place", test_line_ends_and_a_mark},
    {"two hundred names keep their places", test_places_survive_many_names},
    {"an alias is its anchor's value", test_aliases},
    {"what aliases expand to is bounded", test_aliases_are_bounded},
    {"nesting is bounded", test_depth_is_bounded},
    {"one document, no tags", test_documents_and_tags},
    {"bytes that are no text are named with their place", test_sources_that_are_no_text},
};

int
main(int argc, char **argv)
{
    int ret = check_main("parse", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return ret;
}
