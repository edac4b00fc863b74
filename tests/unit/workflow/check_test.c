/* SPDX-License-Identifier: Apache-2.0
 *
 * What the golden files cannot say: that the tables of keys hold together, that docs/workflow.md has every key, and
 * that rules hold in every place, not only in the one a golden file shows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "check.h"
#include "load_help.h"
#include "workflow/keys.h"

static struct arena arena;

static const struct key *
find_key(const struct key_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->keys[i].name, name) == 0) return &table->keys[i];
    return NULL;
}

static void
test_tables_hold_together(void)
{
    for (int place = 0; place < PLACES; place++) {
        const struct key_table *table = keys_table((enum key_place)place);
        CHECK(table->title != NULL && table->count > 0);
        for (size_t i = 0; i < table->count; i++) {
            const struct key *key = &table->keys[i];
            CHECK(find_key(table, key->name) == key); /* none twice */
            CHECK(key->doc[strlen(key->doc) - 1] == '.');
            CHECK((key->choices != NULL) == (key->type == KEY_WORD || key->type == KEY_WORDS));
        }
        for (size_t i = 0; i < table->naliases; i++) {
            CHECK(find_key(table, table->aliases[i].from) == NULL);
            CHECK(find_key(table, table->aliases[i].to) != NULL);
        }
    }
}

/* The part of the text from one heading to the next of the same level. */
static const char *
section(const char *doc, const char *heading)
{
    const char *start = strstr(doc, arena_printf(&arena, "\n%s\n", heading));
    if (start == NULL) return "";
    size_t level = strspn(heading, "#");
    const char *end = start + 1;
    do end = strstr(end + 1, "\n#");
    while (end != NULL && strspn(end + 1, "#") > level);
    return arena_strndup(&arena, start, end != NULL ? (size_t)(end - start) : strlen(start));
}

static void
test_every_key_is_documented(void)
{
    static const char *const headings[PLACES] = {"#### The workflow", "#### params", "#### secrets", "#### plugins",
                                                 "#### defaults", "#### A step", "#### retry", "#### outputs",
                                                 "#### concurrency", "#### pool", "#### history", "#### limits",
                                                 "#### approve", "#### undo", "#### hooks", "#### hooks"};
    const char *root = getenv("LEVADA_SOURCE");
    char *doc = NULL;
    size_t size = 0;
    struct err err = {0};
    if (root == NULL) root = "."; /* by hand, from the top folder */
    CHECK_FATAL(fd_read_file(&arena, arena_printf(&arena, "%s/docs/workflow.md", root), MIB, &doc, &size, &err) == 0);
    const char *later = section(doc, "## What this version does not do yet");
    for (int place = 0; place < PLACES; place++) {
        const struct key_table *table = keys_table((enum key_place)place);
        const char *text = section(doc, headings[place]);
        for (size_t i = 0; i < table->count; i++) {
            bool there = strstr(text, arena_printf(&arena, "`%s`", table->keys[i].name)) != NULL;
            bool refused = strstr(later, arena_printf(&arena, "`%s`", table->keys[i].name)) != NULL;
            bool right = table->keys[i].type == KEY_LATER ? refused : there;
            if (!right) printf("\n%s: `%s`\n", headings[place], table->keys[i].name);
            CHECK(right);
        }
    }
}

/* A step with a text in one of its places. */
static const char *
step_with(const char *place)
{
    return arena_printf(&arena,
                        "levada: 1\nparams: {p: {default: x}}\nsecrets: {s: {from: env, name: SECRET}}\nsteps:\n"
                        "  - {id: a, run: \"echo ${{ params.p }}\", stdin: \"${{ secrets.s }}\", outputs: [o]}\n"
                        "  - id: b\n    %s\n",
                        place);
}

static const char *const places[] = {
    "run: echo \"%s\"", "run: x\n    if: %s", "run: x\n    env: {A: \"%s\"}", "run: x\n    cwd: %s",
    "run: x\n    expect: [\"%s\"]", "run: x\n    outputs: {o: \"%s\"}",
};

static const char *
placed(size_t place, const char *expression)
{
    const char *text = places[place], *at = strstr(text, "%s");
    return step_with(arena_printf(&arena, "%.*s%s%s", (int)(at - text), text, expression, at + 2));
}

static void
test_secrets_flow_nowhere_else(void)
{
    for (size_t i = 0; i < CHECK_COUNT(places); i++) {
        const char *faults = load_faults(&arena, placed(i, "${{ secrets.s }}"));
        CHECK(strstr(faults, "secret-flow") != NULL);
        faults = load_faults(&arena, placed(i, "${{ upper(secrets.s) }}"));
        CHECK(strstr(faults, "secret-flow") != NULL);
    }
    CHECK_STR(load_faults(&arena, step_with("run: x\n    stdin: Bearer ${{ secrets.s }}")), "");
    CHECK_STR(load_faults(&arena, step_with("lua: log(\"info\", secrets.s)")), "7:22 secret-flow");
}

static void
test_references_are_looked_up_everywhere(void)
{
    static const char *const wrong[][2] = {
        {"${{ steps.aa.status == 'failed' }}", "unknown-step"},  {"${{ steps.a.outputs.x == 1 }}", "unknown-output"},
        {"${{ params.q == 'x' }}", "unknown-name"},         {"${{ steps.b.status == 'failed' }}", "self-need"},
        {"${{ run.error == 'x' }}", "scope"},               {"${{ run.window.from }}", "not-yet"},
        {"${{ steps.a.outputs.o == }}", "expression"},      {"${{ env.HOME }}", "unknown-name"},
    };
    for (size_t i = 0; i < CHECK_COUNT(places); i++)
        for (size_t k = 0; k < CHECK_COUNT(wrong); k++) {
            const char *faults = load_faults(&arena, placed(i, wrong[k][0]));
            if (strstr(faults, wrong[k][1]) == NULL) printf("\n%s in %s: %s\n", wrong[k][0], places[i], faults);
            CHECK(strstr(faults, wrong[k][1]) != NULL);
        }
}

static void
test_warnings_are_few(void)
{
    /* Loads side by side, then what needs them: an ordinary file. */
    CHECK_STR(
        load_faults(
            &arena,
            "levada: 1\nsteps:\n  - {id: a, run: x}\n  - {id: b, run: x}\n  - {id: c, run: x, needs: [a, b]}\n"),
        "");
    /* No step has edges: nobody forgot one. */
    CHECK_STR(load_faults(&arena, "levada: 1\nsteps:\n  - {id: a, run: x}\n  - {id: b, run: x}\n"), "");
    CHECK_STR(
        load_faults(
            &arena,
            "levada: 1\nsteps:\n  - {id: a, run: x}\n  - {id: b, run: x, needs: a}\n  - {id: c, run: x}\n"),
        "5:5 no-edges");
    CHECK_STR(
        load_faults(
            &arena,
            "levada: 1\nsteps:\n  - {id: a, run: x}\n  - {id: b, run: x, needs: a}\nfinally:\n  - {id: c, run: x}\n"),
        "");
}

static void
test_places_in_blocks(void)
{
    CHECK_STR(load_faults(&arena,
                          "levada: 1\nsteps:\n  - id: a\n    run: |\n      one\n\n      two ${{ parms.x }}\n"),
              "7:15 expression");
    CHECK_STR(load_faults(&arena, "levada: 1\nsteps:\n  - id: a\n    run: |\n\n      ${{ run.idd }}\n"),
              "6:11 unknown-name");
    CHECK_STR(load_faults(&arena, "levada: 1\nsteps:\n  - id: a\n    run: |2\n        ${{ run.idd }}\n"),
              "5:13 unknown-name");
    CHECK_STR(
        load_faults(&arena, "levada: 1\nsteps:\n  - id: a\n    run: x\n    stdin: \"é ${{ run.idd }}\"\n"),
        "5:19 unknown-name");
}

static void
test_every_beginning_of_a_file_is_answered(void)
{
    const char *text =
        step_with("uses: probe.echo\n    with: {text: \"${{ steps.a.outputs.o }}\", labels: {a: 'x'}}");
    for (size_t size = 0; size < strlen(text); size++) {
        struct diags diags;
        const struct model *model = load_text(&arena, arena_strndup(&arena, text, size), &diags);
        CHECK((model == NULL) == (diags.errors > 0));
    }
}

static const struct check_test tests[] = {
    {"the tables of keys hold together", test_tables_hold_together},
    {"docs/workflow.md has every key in its place", test_every_key_is_documented},
    {"a secret flows into stdin and nowhere else", test_secrets_flow_nowhere_else},
    {"references are looked up in every place", test_references_are_looked_up_everywhere},
    {"ordinary files are not warned about", test_warnings_are_few},
    {"places in blocks and quotes are those of the file", test_places_in_blocks},
    {"every beginning of a file is answered", test_every_beginning_of_a_file_is_answered},
};

int
main(int argc, char **argv)
{
    load_use_plugins();
    int ret = check_main("check", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return ret;
}
