/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts with `${{ }}` in them: types kept alone, text inside text, one pass, and parameters for SQL.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "check.h"
#include "eval_help.h"
#include "workflow/template.h"

static const char *
fill(struct arena *arena, const char *text, bool sql)
{
    struct template *template;
    struct err err = {0};
    const struct value *value;
    if (template_parse(arena, text, 3, 7, NULL, &template, &err) != 0) return eval_error(arena, &err);
    if ((sql ? template_eval_sql : template_eval)(eval_vm(), template, eval_names(arena), arena,
                                                  &value, &err) != 0)
        return eval_error(arena, &err);
    return eval_show(arena, value);
}

static void
alone_an_expression_keeps_its_type(void)
{
    struct arena arena ARENA_SCOPED = {0};
    CHECK_STR(fill(&arena, "${{ params.n }}", false), "integer 3");
    CHECK_STR(fill(&arena, "${{params.list}}", false), "list [1,2,3]");
    CHECK_STR(fill(&arena, "${{ params.x }}", false), "null null");
    CHECK_STR(fill(&arena, "${{ secrets.password }}", false), "secret hunter22");
    CHECK_STR(fill(&arena, "${{ {a = {b = 1}} }}", false), "map {\"a\":{\"b\":1}}");
    CHECK_STR(fill(&arena, " ${{ params.n }}", false), "string \" 3\"");
}

static void
inside_text_it_becomes_text(void)
{
    struct arena arena ARENA_SCOPED = {0};
    CHECK_STR(fill(&arena, "", false), "string \"\"");
    CHECK_STR(fill(&arena, "plain $ {{ }} ${x}", false), "string \"plain $ {{ }} ${x}\"");
    CHECK_STR(fill(&arena, "a ${{ params.n }} b ${{ params.env }}", false), "string \"a 3 b prod\"");
    CHECK_STR(fill(&arena, "${{ params.n }}${{ params.n }}", false), "string \"33\"");
    CHECK_STR(fill(&arena, "x${{ params.list }}${{ params.map }}", false),
              "string \"x[1,2,3]{\\\"b\\\":2,\\\"a\\\":1}\"");
    CHECK_STR(fill(&arena, "x${{ params.wait }} ${{ params.yes }} ${{ params.pi }}", false),
              "string \"x1m30s true 3.5\"");
    CHECK_STR(fill(&arena, "x ${{ params.x }}", false),
              "3:13 null inside a text | Use default(x, other) where it may be null.");
    CHECK_STR(fill(&arena, "x ${{ '}}' .. \"{{\" }} y", false), "string \"x }}{{ y\"");
}

static void
results_are_not_evaluated_again(void)
{
    struct arena arena ARENA_SCOPED = {0};
    CHECK_STR(fill(&arena, "${{ '${' .. '{ params.env }}' }}", false), "string \"${{ params.env }}\"");
    CHECK_STR(fill(&arena, "x${{ '${' .. '{ params.env }}' }}", false), "string \"x${{ params.env }}\"");
}

static void
a_secret_makes_the_whole_text_secret(void)
{
    struct arena arena ARENA_SCOPED = {0};
    CHECK_STR(fill(&arena, "user:${{ secrets.password }}@${{ params.n }}", false), "secret user:hunter22@3");
    CHECK_STR(fill(&arena, "user:${{ secrets.unknown }}", false), "secret (unknown)");
    CHECK_STR(fill(&arena, "x ${{ {secrets.password} }}", false),
              "3:13 a list or map with a secret in it, inside a text | Name the secret itself.");
}

static void
errors_stand_in_the_line_of_the_expression(void)
{
    struct arena arena ARENA_SCOPED = {0};
    CHECK_STR(fill(&arena, "a\n  b ${{ params.envv }}", false),
              "4:22 params has no \"envv\" | Did you mean \"env\"?");
    CHECK_STR(fill(&arena, "é ${{ params.a != 1 }}", false),
              "3:22 \"!=\" is not an operator here | Write ~= instead.");
    CHECK_STR(fill(&arena, "a ${{ params.n", false),
              "3:9 \"${{\" is never closed | Write ${{ expression }}; quotes inside it must be "
              "closed too.");
    CHECK_STR(fill(&arena, "a ${{ 'x }}", false),
              "3:9 \"${{\" is never closed | Write ${{ expression }}; quotes inside it must be "
              "closed too.");
    CHECK_STR(fill(&arena, "${{ }}", false), "3:11 an empty expression");
    struct template *template;
    struct err err;
    CHECK_INT(template_parse(&arena, "${{ 1 + }}", 0, 0, NULL, &template, &err), EXIT_INVALID);
    CHECK_INT(err.line, 0);
}

static void
in_sql_values_are_parameters_and_names_are_quoted(void)
{
    struct arena arena ARENA_SCOPED = {0};
    CHECK_STR(fill(&arena, "select 1", true), "string \"select 1\"");
    CHECK_STR(fill(&arena,
                   "select * from ${{ ident(steps.load.outputs.table) }} where a = ${{ params.env "
                   "}} and b > ${{ params.n }}",
                   true),
              "map {\"sql\":\"select * from \\\"raw\\\".\\\"orders\\\" where a =  and b > "
              "\",\"params\":[[39,\"prod\"],[48,3]]}");
    CHECK_STR(fill(&arena, "${{ params.env }}", true), "map {\"sql\":\"\",\"params\":[[0,\"prod\"]]}");
    CHECK_STR(fill(&arena, "limit ${{ literal(5) }}", true), "map {\"sql\":\"limit 5\",\"params\":[]}");
    CHECK_STR(fill(&arena, "${{ params.x }}${{ secrets.password }}", true),
              "map {\"sql\":\"\",\"params\":[[0,null],[0,\"***\"]]}");
}

static void
a_tree_is_evaluated_where_it_holds_templates(void)
{
    struct arena arena ARENA_SCOPED = {0};
    static const char json[] = "{\"a\":\"${{ params.n }}\",\"b\":[1,\"x${{ params.env "
                               "}}\",null,{\"c\":true}],\"${{ d }}\":\"$\"}";
    const struct value *tree, *ret;
    struct err err = {0};
    CHECK_INT(json_parse(&arena, json, strlen(json), &tree, &err), 0);
    CHECK_INT(template_eval_tree(eval_vm(), tree, NULL, eval_names(&arena), &arena, &ret, &err), 0);
    CHECK_STR(json_text(&arena, ret), "{\"a\":3,\"b\":[1,\"xprod\",null,{\"c\":true}],\"${{ d }}\":\"$\"}");
    CHECK_STR(json_text(&arena, tree), json);
}

static int
collect(void *context, const struct expr *expr, const struct value *at)
{
    buf_printf(context, "%s at %s|", expr->text, at->text.ptr);
    return strcmp(expr->text, "params.stop") == 0 ? 42 : 0;
}

static void
every_expression_of_a_tree_is_visited_in_order(void)
{
    struct arena arena ARENA_SCOPED = {0};
    static const char json[] = "{\"a\":\"${{ params.n }}\",\"b\":[1,\"x${{ params.env }}${{ item "
                               "}}\"],\"c\":\"${{ params.stop }}\",\"d\":\"${{ params.z }}\"}";
    const struct value *tree;
    struct err err = {0};
    struct buf got BUF_SCOPED;
    buf_init(&got, 4096);
    CHECK_INT(json_parse(&arena, json, strlen(json), &tree, &err), 0);
    CHECK_INT(template_walk(&arena, tree, (const char *const[]){"item", NULL}, collect, &got, &err), 42);
    CHECK_STR(buf_str(&got), "params.n at ${{ params.n }}|params.env at x${{ params.env }}${{ item "
                             "}}|item at x${{ params.env }}${{ item }}|"
                             "params.stop at ${{ params.stop }}|");
    CHECK_INT(template_walk(&arena, NULL, NULL, collect, &got, &err), 0);
    CHECK_INT(template_walk(&arena, tree, NULL, collect, &got, &err), EXIT_INVALID);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"alone an expression keeps its type", alone_an_expression_keeps_its_type},
        {"inside text it becomes text", inside_text_it_becomes_text},
        {"results are not evaluated again", results_are_not_evaluated_again},
        {"a secret makes the whole text secret", a_secret_makes_the_whole_text_secret},
        {"errors stand in the line of the expression", errors_stand_in_the_line_of_the_expression},
        {"in SQL values are parameters and names are quoted",
         in_sql_values_are_parameters_and_names_are_quoted},
        {"a tree is evaluated where it holds templates",
         a_tree_is_evaluated_where_it_holds_templates},
        {"every expression of a tree is visited in order",
         every_expression_of_a_tree_is_visited_in_order},
    };
    int code = check_main("template", tests, CHECK_COUNT(tests), argc, argv);
    eval_end();
    return code;
}
