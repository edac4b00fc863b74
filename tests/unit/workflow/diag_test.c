/* SPDX-License-Identifier: Apache-2.0
 *
 * How diagnostics look, byte for byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "check.h"
#include "workflow/diag.h"

static struct arena arena;

static void
begin(struct diags *diags, const char *source)
{
    diags_init(diags, &arena, "f.yaml");
    diags->source = source;
    diags->source_size = source != NULL ? strlen(source) : 0;
}

static const char *
printed(const struct diags *diags, bool colour)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    diags_print(diags, out, colour);
    fclose(out);
    const char *ret = arena_strndup(&arena, text, size);
    free(text);
    return ret;
}

static void
test_one(void)
{
    struct diags diags;
    begin(&diags, "levada: 1\nsteps:\n  - ned: [b]\n");
    diag_add(&diags, DIAG_ERROR, 3, 5, "unknown-key", "Did you mean `needs`?", "unknown key \"%s\"", "ned");
    CHECK_STR(printed(&diags, false), "f.yaml:3:5: error: unknown key \"ned\" [unknown-key]\n"
                                      "    3 |   - ned: [b]\n"
                                      "      |     ^\n"
                                      "  hint: Did you mean `needs`?\n");
    CHECK_INT(diags.errors, 1);
}

static void
test_file_as_a_whole(void)
{
    struct diags diags;
    begin(&diags, "x");
    diag_add(&diags, DIAG_WARNING, 0, 0, "empty", NULL, "the file is empty");
    CHECK_STR(printed(&diags, false), "f.yaml: warning: the file is empty [empty]\n");
    CHECK_INT(diags.errors, 0);
}

static void
test_sorted_and_once(void)
{
    struct diags diags;
    begin(&diags, "a\nb\n");
    diag_add(&diags, DIAG_WARNING, 2, 1, "w", NULL, "second");
    diag_add(&diags, DIAG_ERROR, 1, 1, "e", NULL, "first");
    diag_add(&diags, DIAG_ERROR, 1, 1, "e", NULL, "first");
    CHECK_STR(printed(&diags, false), "f.yaml:1:1: error: first [e]\n    1 | a\n      | ^\n"
                                      "f.yaml:2:1: warning: second [w]\n    2 | b\n      | ^\n");
    CHECK_INT(diags.count, 2);
}

static void
test_caret_under_tabs_and_wide_characters(void)
{
    struct diags diags;
    begin(&diags, "\ta: 雪e\xcc\x81x\n");
    diag_add(&diags, DIAG_ERROR, 1, 8, "e", NULL, "here");
    CHECK_STR(printed(&diags, false), "f.yaml:1:8: error: here [e]\n"
                                      "    1 |     a: 雪e\xcc\x81x\n"
                                      "      |           ^\n");
}

static void
test_caret_behind_the_end(void)
{
    struct diags diags;
    begin(&diags, "ab\r\ncd");
    diag_add(&diags, DIAG_ERROR, 1, 40, "e", NULL, "here");
    diag_add(&diags, DIAG_ERROR, 2, 3, "e", NULL, "there");
    diag_add(&diags, DIAG_ERROR, 9, 1, "e", NULL, "nowhere");
    CHECK_STR(printed(&diags, false), "f.yaml:1:40: error: here [e]\n    1 | ab\n      |   ^\n"
                                      "f.yaml:2:3: error: there [e]\n    2 | cd\n      |   ^\n"
                                      "f.yaml:9:1: error: nowhere [e]\n");
}

static void
test_nothing_reaches_the_terminal_raw(void)
{
    struct diags diags;
    begin(&diags, "a: \x1b[31m\n");
    diag_add(&diags, DIAG_ERROR, 1, 4, "e", "Try\x07.", "bad \"%s\"", "\x1b[31m\nx\xe2\x80\xae");
    CHECK_STR(printed(&diags, false), "f.yaml:1:4: error: bad \"\\x1b[31m\\nx\\xe2\\x80\\xae\" [e]\n"
                                      "    1 | a: \\x1b[31m\n"
                                      "      |    ^\n"
                                      "  hint: Try\\x07.\n");
}

static void
test_colour(void)
{
    struct diags diags;
    begin(&diags, NULL);
    diag_add(&diags, DIAG_ERROR, 1, 1, "e", NULL, "x");
    CHECK_STR(printed(&diags, true), "\033[1mf.yaml:1:1:\033[0m \033[1;31merror:\033[0m x [e]\n");
}

static void
test_limit(void)
{
    struct diags diags;
    begin(&diags, NULL);
    diag_add(&diags, DIAG_WARNING, 1, 1, "w", NULL, "a warning");
    for (unsigned i = 0; i < LIMIT_DIAGNOSTICS + 20; i++)
        diag_add(&diags, DIAG_ERROR, 2, 1, "e", NULL, "error %u", i);
    CHECK_INT(diags.count, LIMIT_DIAGNOSTICS);
    CHECK_INT(diags.errors, LIMIT_DIAGNOSTICS + 20);
    CHECK_INT(diags.dropped, 21);
    const char *text = printed(&diags, false);
    CHECK(strstr(text, "warning") == NULL); /* an error takes its place */
    CHECK(strstr(text, "f.yaml: 21 more are not shown (the limit is 100)\n") != NULL);
}

static void
test_a_long_message_is_cut(void)
{
    struct diags diags;
    char text[5000];
    memset(text, 'x', sizeof text);
    memcpy(text + 998, "\xe9\x9b\xaa", 3); /* a character across the cut */
    text[sizeof text - 1] = '\0';
    begin(&diags, NULL);
    diag_add(&diags, DIAG_ERROR, 1, 1, "e", NULL, "%s", text);
    CHECK_INT(strlen(diags.items[0].message), 998 + strlen("…"));
}

static void
test_json(void)
{
    struct diags diags;
    begin(&diags, "x");
    diag_add(&diags, DIAG_ERROR, 0, 0, "file", NULL, "gone");
    diag_add(&diags, DIAG_WARNING, 3, 7, "unused", "Use it.", "param \"p\" is never used");
    struct value *list = value_list(&arena);
    diags_json(&diags, &arena, list);
    CHECK_STR(json_text(&arena, list),
              "[{\"file\":\"f.yaml\",\"line\":null,\"column\":null,\"severity\":\"error\",\"code\":\"file\","
              "\"message\":\"gone\",\"hint\":null},"
              "{\"file\":\"f.yaml\",\"line\":3,\"column\":7,\"severity\":\"warning\",\"code\":\"unused\","
              "\"message\":\"param \\\"p\\\" is never used\",\"hint\":\"Use it.\"}]");
}

static void
test_from_err(void)
{
    struct diags diags;
    struct err err = {0};
    begin(&diags, NULL);
    err_set(&err, EXIT_INVALID, "unknown name \"x\"");
    err_hint(&err, "Did you mean \"y\"?");
    err.line = 4;
    err.column = 2;
    diag_err(&diags, "expression", &err);
    CHECK_STR(printed(&diags, false),
              "f.yaml:4:2: error: unknown name \"x\" [expression]\n  hint: Did you mean \"y\"?\n");
}

static const struct check_test tests[] = {
    {"a diagnostic has its place, the line, a caret and a hint", test_one},
    {"a file as a whole has no line", test_file_as_a_whole},
    {"diagnostics are sorted by place, and each is said once", test_sorted_and_once},
    {"the caret stands right under tabs and wide characters", test_caret_under_tabs_and_wide_characters},
    {"a place behind the end of line or file is shown as well as can be", test_caret_behind_the_end},
    {"escapes in a file never reach the terminal", test_nothing_reaches_the_terminal_raw},
    {"colour is optional", test_colour},
    {"beyond the limit they are counted, and errors go before warnings", test_limit},
    {"a long message is cut between characters", test_a_long_message_is_cut},
    {"JSON has the seven members", test_json},
    {"an error with a place becomes a diagnostic", test_from_err},
};

int
main(int argc, char **argv)
{
    int ret = check_main("diag", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return ret;
}
