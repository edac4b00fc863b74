/* SPDX-License-Identifier: Apache-2.0
 *
 * Loops, groups and what else stands in a step, as a run folder keeps them, and what becomes of them when that is
 * damaged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"
#include "check.h"
#include "workflow/check.h"

static struct arena arena;

static const char nested[] =
    "levada: 1\n"
    "name: nested\n"
    "steps:\n"
    "  - id: list\n"
    "    run: echo\n"
    "    outputs: {names: {as: json}}\n"
    "  - id: outer\n"
    "    foreach: ${{ steps.list.outputs.names }}\n"
    "    as: name\n"
    "    key: ${{ name }}!\n"
    "    max_parallel: 3\n"
    "    fail_fast: true\n"
    "    steps:\n"
    "      - id: one\n"
    "        matrix: {x: [p, q], y: [r]}\n"
    "        run: echo \"${{ name }}${{ matrix.x }}\"\n"
    "        undo: {run: \"true\", effect: idempotent}\n"
    "      - id: two\n"
    "        needs: [one]\n"
    "        steps:\n"
    "          - id: poll\n"
    "            run: echo\n"
    "            outputs: [done]\n"
    "            until: ${{ outputs.done == \"yes\" }}\n"
    "            every: 3s\n"
    "            attempts: 7\n"
    "          - id: last\n"
    "            needs: [poll]\n"
    "            run: echo\n"
    "    outputs: {n: \"${{ steps.one.status }}\"}\n"
    "  - id: behind\n"
    "    needs: [outer]\n"
    "    run: echo\n";

static const struct model *
load(const char *text, size_t *errors, const char **code)
{
    struct diags diags;
    struct model *model = ARENA_NEW(&arena, struct model);
    model->file = "/nowhere/nested.yaml";
    model->folder = "/nowhere";
    model->source = arena_strdup(&arena, text);
    diags_init(&diags, &arena, "nested.yaml");
    const struct model *ret = check_source(&arena, "nested.yaml", model, strlen(text), &diags);
    if (errors != NULL) *errors = diags.errors;
    if (code != NULL) *code = diags.count > 0 ? diags.items[0].code : "";
    return ret;
}

static const char *
stored(const struct model *model)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, 4 * MIB);
    model_write(&buf, model);
    return arena_strndup(&arena, buf_str(&buf), buf.size);
}

static const struct model *
read_back(const char *text, struct err *err)
{
    const struct model *ret = NULL;
    *err = (struct err){0};
    int code = model_read(&arena, text, strlen(text), &ret, err);
    CHECK((code == 0) == (ret != NULL));
    return ret;
}

static void
test_nothing_is_lost(void)
{
    struct err err;
    const struct model *model = load(nested, NULL, NULL);
    CHECK_FATAL(model != NULL);
    const char *once = stored(model);
    const struct model *back = read_back(once, &err);
    CHECK_FATAL(back != NULL);
    CHECK_STR(stored(back), once);
    const struct step *outer = &back->steps[1], *one = &outer->body->steps[0], *two = &outer->body->steps[1];
    CHECK_INT(back->total, model->total);
    CHECK_STR(outer->loop->as, "name");
    CHECK_STR(outer->loop->key->text.ptr, "${{ name }}!");
    CHECK_INT(outer->loop->max_parallel, 3);
    CHECK(outer->loop->fail_fast && !outer->loop->matrix && one->loop->matrix);
    CHECK(outer->body->owner == outer && one->home == outer->body);
    CHECK_STR(one->variables[0], "name");
    CHECK_STR(one->variables[1], "matrix");
    CHECK_STR(one->undo->steps[0].id, "outer.one.undo");
    CHECK_STR(two->body->steps[1].id, "outer.two.last");
    CHECK_STR(two->body->steps[1].local, "last");
    CHECK_INT(two->body->steps[1].needs[0], 0);
    CHECK_INT(two->body->steps[0].until->every_ms, 3000);
    CHECK_INT(two->body->steps[0].until->attempts, 7);
}

/* The text with one place changed, behind the first of `from`. */
static const char *
edited(const char *text, const char *from, const char *what, const char *by)
{
    const char *start = strstr(text, from), *at = start != NULL ? strstr(start, what) : NULL;
    CHECK_FATAL(at != NULL);
    return arena_printf(&arena, "%.*s%s%s", (int)(at - text), text, by, at + strlen(what));
}

static void
test_what_cannot_be_is_refused(void)
{
    static const struct {
        const char *from, *what, *by;
    } edits[] = {
        {"\"id\":\"outer\"", "\"body\":", "\"bodi\":"},
        {"\"id\":\"outer\"", "\"body\":{", "\"body\":7,\"rest\":{"},
        {"\"id\":\"outer.two.last\"", "\"needs\":[0]", "\"needs\":[2]"},
        {"\"id\":\"outer.two.last\"", "\"needs\":[0]", "\"needs\":[1]"},
        {"\"id\":\"outer.two\"", "\"needs\":[0]", "\"needs\":[1]"},
        {"\"id\":\"behind\"", "\"needs\":[1]", "\"needs\":[2]"},
        {"\"id\":\"outer.two.last\"", "outer.two.last", "outer.one.last"},
        {"\"id\":\"outer.two.last\"", "outer.two.last", "outer.two.poll"},
        {"\"id\":\"outer.two.last\"", "outer.two.last", "outer.two.x.last"},
        {"\"id\":\"outer.two.last\"", "outer.two.last", "last"},
        {"\"id\":\"outer.two.last\"", "outer.two.last", "outer.two./etc"},
        {"\"id\":\"behind\"", "\"behind\"", "\"outer.behind\""},
        {"\"id\":\"outer\"", "\"items\":", "\"itemz\":"},
        {"\"id\":\"outer\"", "\"as\":\"name\"", "\"as\":5"},
        {"\"id\":\"outer\"", "\"max_parallel\":3", "\"max_parallel\":-3"},
        {"\"id\":\"outer.one\"", "\"items\":{", "\"items\":[],\"rest\":{"},
        {"\"id\":\"outer.one\"", "\"undo\":{", "\"undo\":[],\"rest\":{"},
        {"\"id\":\"outer.one\"", "\"undo\":{", "\"calls\":{\"rest\":0},\"rest\":{"},
        {"\"id\":\"outer.one\"", "\"undo\":{\"id\":\"outer.one.undo\"", "\"undo\":{\"id\":\"outer.two.undo\""},
        {"\"id\":\"outer.two.poll\"", "\"until\":{\"text\":", "\"until\":{\"test\":"},
    };
    const struct model *model = load(nested, NULL, NULL);
    struct err err;
    CHECK_FATAL(model != NULL);
    const char *text = stored(model);
    for (size_t i = 0; i < CHECK_COUNT(edits); i++) {
        const struct model *back = read_back(edited(text, edits[i].from, edits[i].what, edits[i].by), &err);
        if (back != NULL) printf("\naccepted: %s\n", edits[i].by);
        CHECK(back == NULL && err.code == EXIT_INVALID && err.message[0] != '\0');
    }
    /* What a chunk calls are actions, and a script is none. */
    const char *calls = edited(text, "\"id\":\"outer.one\"", "\"undo\":{", "\"calls\":[{");
    const char *undo = strstr(calls, "\"calls\":[{"), *end = undo != NULL ? strstr(undo, "\"retry\"") : NULL;
    CHECK_FATAL(end != NULL && (end = strchr(end, '}')) != NULL && (end = strchr(end + 1, '}')) != NULL);
    CHECK(read_back(arena_printf(&arena, "%.*s]%s", (int)(end + 1 - calls), calls, end + 1), &err) == NULL);
    CHECK(strstr(err.message, "calls") != NULL);
}

/* Nothing is said here about what is refused: only that reading ends, and that what is accepted can be written. */
static void
test_no_single_damage_breaks_the_reader(void)
{
    static const char by[] = "0\"{}[],:-9x";
    const struct model *model = load(nested, NULL, NULL);
    CHECK_FATAL(model != NULL);
    const char *text = stored(model);
    size_t size = strlen(text), accepted = 0, tried = 0;
    /* The text of the file is in it, and means nothing: what is behind it is looked at. */
    const char *steps = strstr(text, "\"steps\":[");
    CHECK_FATAL(steps != NULL);
    for (size_t at = (size_t)(steps - text); at < size; at += 3) {
        struct arena own ARENA_SCOPED = {0};
        char *damaged = arena_strndup(&own, text, size);
        const struct model *back = NULL;
        struct err err = {0};
        damaged[at] = by[at / 3 % (sizeof by - 1)];
        tried++;
        if (model_read(&own, damaged, size, &back, &err) != 0) {
            CHECK(err.message[0] != '\0');
            continue;
        }
        struct buf buf BUF_SCOPED;
        buf_init(&buf, 4 * MIB);
        model_write(&buf, back);
        CHECK(buf.size > 0);
        accepted++;
    }
    CHECK(tried > 500 && accepted < tried);
}

static const char *
groups(unsigned count, const char *inside)
{
    struct buf buf BUF_SCOPED;
    buf_init(&buf, MIB);
    buf_text(&buf, "levada: 1\nsteps:\n");
    for (unsigned i = 0; i < count; i++)
        buf_printf(&buf, "%*s- id: g\n%*ssteps:\n", (int)(4 * i + 2), "", (int)(4 * i + 4), "");
    buf_printf(&buf, "%*s- id: x\n%*s%s\n", (int)(4 * count + 2), "", (int)(4 * count + 4), "", inside);
    return arena_strdup(&arena, buf_str(&buf));
}

/* What check accepts can be stored, and read again. */
static void
test_what_is_too_deep_to_be_stored_is_refused_at_once(void)
{
    size_t errors;
    const char *code;
    struct err err;
    const struct model *deepest = load(groups(LIMIT_NESTING, "run: echo"), NULL, NULL);
    CHECK_FATAL(deepest != NULL);
    CHECK(read_back(stored(deepest), &err) != NULL);
    CHECK(load(groups(LIMIT_NESTING + 1, "run: echo"), &errors, &code) == NULL);
    CHECK_INT(errors, 1);
    CHECK_STR(code, "too-deep");
    /* With values that are nested themselves: the deepest that is accepted is read again. */
    size_t taken = 0;
    for (unsigned depth = 1; depth < 40; depth++) {
        char inside[200];
        snprintf(inside, sizeof inside, "foreach: %.*s1%.*s\n%*srun: echo", (int)depth,
                 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", (int)depth, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
                 (int)(4 * LIMIT_NESTING + 4), "");
        const struct model *model = load(groups(LIMIT_NESTING, inside), NULL, &code);
        if (model == NULL) CHECK_STR(code, "too-deep");
        else CHECK(read_back(stored(model), &err) != NULL);
        taken += model != NULL;
    }
    CHECK(taken > 5 && taken < 39);
}

static const struct check_test tests[] = {
    {"loops, groups, undo and until go through JSON and back", test_nothing_is_lost},
    {"nested steps that cannot be so are refused", test_what_cannot_be_is_refused},
    {"no single damage breaks the reader", test_no_single_damage_breaks_the_reader},
    {"what is too deep to be stored is refused by check", test_what_is_too_deep_to_be_stored_is_refused_at_once},
};

int
main(int argc, char **argv)
{
    int ret = check_main("model_nested", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return ret;
}
