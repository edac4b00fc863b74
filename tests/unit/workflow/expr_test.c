/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions: what they mean, what is wrong with them and where, what they mention, and that
 * nothing gets out of them.
 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "eval_help.h"

struct pair {
    const char *text, *want;
};

static void
check_pairs(const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = eval_text(pairs[i].text);
        if (strcmp(got, pairs[i].want) != 0) printf("\n%s", pairs[i].text);
        CHECK_STR(got, pairs[i].want);
    }
}

static void
values_keep_their_types(void)
{
    static const struct pair pairs[] = {
        {"1 + 2", "integer 3"},
        {"7 // 2", "integer 3"},
        {"7 / 2", "number 3.5"},
        {"2 ^ 10", "number 1024.0"},
        {"7 % 3 - -1", "integer 2"},
        {"1.5e1 + 0x10", "number 31.0"},
        {"- 2 ^ 2", "number -4.0"},
        {"2 ^ 3 ^ 0", "number 2.0"},
        {"1 - 2 - 3", "integer -4"},
        {"1 - (2 - 3)", "integer 2"},
        {"(1 + 2) * 3", "integer 9"},
        {"'a' .. \"b\" .. 1 .. 2.5", "string \"ab12.5\""},
        {"\"\\n\\x41\\u{e9}\\65\\z   b\"", "string \"\\nAéAb\""},
        {"'a\\z \n\n  bcdefghijklmnopqrstuvwxyz0123456789'", "string \"abcdefghijklmnopqrstuvwxyz0123456789\""},
        {"params.env", "string \"prod\""},
        {"params.n", "integer 3"},
        {"params.x", "null null"},
        {"null", "null null"},
        {"params.none", "list []"},
        {"params.empty", "map {}"},
        {"params.map", "map {\"b\":2,\"a\":1}"},
        {"params['odd name'] + params[\"n\"]", "integer 10"},
        {"{}", "list []"},
        {"{1, 'a', {2}}", "list [1,\"a\",[2]]"},
        {"{a = 1, ['b c'] = {}, [params.env] = true,}", "map {\"a\":1,\"b c\":[],\"prod\":true}"},
        {"{b = 1, a = 2}", "map {\"b\":1,\"a\":2}"},
        {"{end = 1}", "map {\"end\":1}"},
        {"params.list[2]", "integer 2"},
        {"steps.load.outputs.rows[params.n - 1].n", "integer 6"},
        {"{10, 20}[1 + 1]", "integer 20"},
        {"({a = {b = 5}}).a.b", "integer 5"},
        {"params.wait", "duration \"1m30s\""},
        {"params.limit", "size 10240"},
        {"params.from", "timestamp \"2026-01-31T00:00:00Z\""},
        {"9223372036854775807", "integer 9223372036854775807"},
        {" \n params.n \n ", "integer 3"},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
comparing_and_choosing(void)
{
    static const struct pair pairs[] = {
        {"params.env == 'prod'", "boolean true"},
        {"params.env ~= 'prod'", "boolean false"},
        {"params.n == 3.0", "boolean true"},
        {"params.n >= 3 and params.n < 4", "boolean true"},
        {"params.x == null", "boolean true"},
        {"null ~= params.n", "boolean true"},
        {"params.list == {1, 2, 3}", "boolean true"},
        {"params.map == {a = 1, b = 2}", "boolean true"},
        {"params.none == {}", "boolean true"},
        {"params.yes == true", "boolean true"},
        {"not (params.n == 3)", "boolean false"},
        {"params.n > 2 and 'big' or 'small'", "string \"big\""},
        {"params.n > 5 and 'big' or 'small'", "string \"small\""},
        {"false or false or params.n", "integer 3"},
        {"true and (false or true) and not false", "boolean true"},
        {"'a' < 'b' and not ('b' <= 'a')", "boolean true"},
        {"1 == 1 or params.nothing", "boolean true"},
        {"params.wait < duration('2m') and params.limit > size('1KiB')", "boolean true"},
        {"params.from == timestamp('2026-01-31')", "boolean true"},
        {"success() or failure()", "boolean true"},
        {"cancelled()", "boolean false"},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
units_count_and_never_mix(void)
{
    static const struct pair pairs[] = {
        {"params.wait + duration('1h')", "duration \"1h1m30s\""},
        {"params.wait * 2 - duration('1s')", "duration \"2m59s\""},
        {"0.5 * params.wait", "duration \"45s\""},
        {"params.wait / 3", "duration \"30s\""},
        {"params.wait / duration('30s')", "number 3.0"},
        {"-params.wait + duration('2m')", "duration \"30s\""},
        {"params.wait % duration('1m')", "duration \"30s\""},
        {"params.from + duration('1d')", "timestamp \"2026-02-01T00:00:00Z\""},
        {"params.from - timestamp('2026-01-30T12:00:00Z')", "duration \"12h\""},
        {"params.limit * 2 + size('1KiB')", "size 21504"},
        {"'in ' .. params.wait .. ' from ' .. params.from",
         "string \"in 1m30s from 2026-01-31T00:00:00Z\""},
        {"params.wait + 5", "3:19 cannot add a duration and an integer | Write duration(\"90s\") "
                            "or size(\"10MiB\") for a number with a unit."},
        {"params.wait + params.limit", "3:19 cannot add a duration and a size"},
        {"params.from + params.from", "3:19 cannot add a timestamp and a timestamp"},
        {"params.wait * params.wait", "3:19 cannot multiply a duration by a duration"},
        {"params.wait < 5",
         "3:19 cannot compare a duration with an integer | Write duration(\"4h\") for a duration."},
        {"params.wait == '90s'",
         "3:19 a duration is never equal to a text | Write duration(\"4h\") for a duration."},
        {"params.wait / 0", "3:19 a duration divided by zero"},
        {"params.limit * 9223372036854775807", "3:20 a size too large to count"},
        {"params.wait .. params.list", "3:19 a list cannot be joined with a text | Write json(x), "
                                       "text(x) or join(list, \", \")."},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
what_is_missing_is_an_error_with_a_suggestion(void)
{
    static const struct pair pairs[] = {
        {"params.envv", "3:14 params has no \"envv\" | Did you mean \"env\"?"},
        {"steps.load.outputs.rowz",
         "3:26 steps.load.outputs has no \"rowz\" | Did you mean \"rows\"?"},
        {"steps.load.outputs.rows[3]", "3:31 steps.load.outputs.rows has 2 items, and no item 3"},
        {"steps.load.outputs.rows[1].m2",
         "3:34 steps.load.outputs.rows[1] has no \"m2\" | It has n."},
        {"params.list[-1]",
         "3:19 params.list has 3 items, and no item -1 | Use last(list) for the last item."},
        {"params.env.x", "3:18 params.env is a text and has no members | Write from_json(x) first "
                         "if it holds JSON."},
        {"params.x.y",
         "3:16 params.x is null and has no members | Use default(x, other) where it may be null."},
        {"params.map.zz", "3:18 params.map has no \"zz\" | It has b, a."},
        {"params.list.first",
         "3:19 a text as an item's number | Items of a list are numbered from 1."},
        {"params.map[1]", "3:18 an integer as a member's name | Members of a map have names."},
        {"item.x", "3:7 \"item\" is not known at this point"},
        {"steps.skipped.outputs.rows", "null null"},
        {"steps.skipped.outputs.rows[1].n", "null null"},
        {"default(steps.skipped.outputs.rows, 0)", "integer 0"},
        {"default(params.nothing.at.all, 'x')", "string \"x\""},
        {"default(params.n, 1 / 0)", "integer 3"},
        {"default(params.list[9], 9)", "integer 9"},
        {"default(params.n + 'x', 9)", "3:24 \"+\" cannot count with a text | Write a .. b to join texts."},
        {"cond(params.x == null, 'none', params.x.y)", "string \"none\""},
        {"cond(params.n, 1, 2)", "3:7 cond(): the first value is neither true nor false | Compare "
                                 "with something, as in cond(x > 1, a, b)."},
        {"params.x or 1",
         "3:7 null is neither true nor false | Write x ~= null, or default(x, other)."},
        {"not params.x",
         "3:11 null is neither true nor false | Write x ~= null, or default(x, other)."},
        {"'n is ' .. params.x",
         "3:15 null cannot be joined with a text | Use default(x, other) where it may be null."},
        {"params.x + 1",
         "3:16 cannot add null and an integer | Use default(x, other) where it may be null."},
        {"params.n == '3'",
         "3:16 an integer is never equal to a text | Write number(x) or text(x) first."},
        {"not params.n == 3",
         "3:20 a boolean is never equal to an integer | Write number(x) or text(x) first."},
        {"params.n < 'x'", "3:16 attempt to compare number with string"},
        {"params.yes .. 'x'",
         "3:18 attempt to concatenate a boolean value | Write text(x) to join it with a text."},
        {"1 // 0", "3:9 attempt to divide by zero"},
        {"1 / 0", "3:7 a number that is not finite | Look for a division by zero."},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
secrets_stay_secret(void)
{
    static const char only[] = "A secret can be joined with texts and passed on, nothing else.";
    static const struct pair good[] = {
        {"secrets.password", "secret hunter22"},
        {"'user:' .. secrets.password .. '@'", "secret user:hunter22@"},
        {"1 .. secrets.password", "secret 1hunter22"},
        {"upper(secrets.password)", "secret HUNTER22"},
        {"base64('bob:' .. secrets.password)", "secret Ym9iOmh1bnRlcjIy"},
        {"sha256(secrets.password)", "secret 6f7b1c9e3d9b8b0e"},
        {"slice(secrets.password, 1, 3)", "secret hun"},
        {"json({a = secrets.password})", "secret {\"a\":\"hunter22\"}"},
        {"from_json(secrets.account).user", "secret bob"},
        {"from_json(secrets.account).port", "secret 5432"},
        {"join({'a', secrets.password}, '-')", "secret a-hunter22"},
        {"replace('x', 'x', secrets.password)", "secret hunter22"},
        {"text(secrets.password)", "secret hunter22"},
        {"tostring(secrets.password)", "string \"***\""},
        {"default(secrets.password, 'x')", "secret hunter22"},
        {"cond(params.n == 3, secrets.password, 'x')", "secret hunter22"},
        {"params.n == 3 and secrets.password or 'x'", "secret hunter22"},
        {"first({secrets.password})", "secret hunter22"},
        {"first(map({'a'}, function(x) return x .. secrets.password end))", "secret ahunter22"},
        {"len({secrets.password})", "integer 1"},
        {"urlencode(secrets.password .. ' ')", "secret hunter22%20"},
        {"secrets.unknown", "secret (unknown)"},
        {"'x' .. secrets.unknown", "secret (unknown)"},
        {"upper(secrets.unknown)", "secret (unknown)"},
        {"from_json(secrets.unknown).user", "secret (unknown)"},
    };
    static const char *const refused[] = {"secrets.password == 'hunter22'",
                                          "'x' ~= secrets.password",
                                          "secrets.password == secrets.password",
                                          "secrets.password < 'z'",
                                          "'a' >= secrets.password",
                                          "not secrets.password",
                                          "secrets.password and 1",
                                          "{secrets.password} == {'hunter22'}",
                                          "matches(secrets.password, 'h')",
                                          "contains(secrets.password, 'h')",
                                          "starts_with(secrets.password, 'h')",
                                          "ends_with('x', secrets.password)",
                                          "number(secrets.password)",
                                          "contains({'hunter22'}, secrets.password)",
                                          "bool(secrets.password)",
                                          "secrets.password + 1",
                                          "-secrets.password"};
    for (size_t i = 0; i < CHECK_COUNT(good); i++) {
        const char *got = eval_text(good[i].text);
        if (strstr(good[i].text, "sha256") != NULL) {
            CHECK(strncmp(got, "secret ", 7) == 0 && strlen(got) == 7 + 64);
            continue;
        }
        if (strcmp(got, good[i].want) != 0) printf("\n%s", good[i].text);
        CHECK_STR(got, good[i].want);
    }
    for (size_t i = 0; i < CHECK_COUNT(refused); i++) {
        const char *got = eval_text(refused[i]);
        bool told = strstr(got, only) != NULL;
        if (!told || strstr(got, "hunter22") != NULL) printf("\n%s: %s\n", refused[i], got);
        CHECK(told);
        CHECK(strstr(got, "hunter22") == NULL);
    }
    CHECK_STR(eval_text("len(secrets.password)"),
              "3:7 len(): the length would tell something about a secret");
    CHECK_STR(eval_text("{[secrets.password] = 1}"), "3:7 a secret as a member's name");
    CHECK_STR(eval_text("literal(secrets.password)"),
              "3:7 literal(): a secret cannot become SQL text | Give it as ${{ }} of its own: it "
              "becomes a bound parameter.");
}

static void
foreign_spellings_are_answered_with_ours(void)
{
    static const struct pair pairs[] = {
        {"params.n != 3", "3:16 \"!=\" is not an operator here | Write ~= instead."},
        {"params.yes && true", "3:18 \"&&\" is not an operator here | Write \"and\" instead."},
        {"params.yes || true", "3:18 \"||\" is not an operator here | Write \"or\" instead."},
        {"!params.yes", "3:7 \"!\" is not an operator here | Write \"not x\" instead of !x."},
        {"#params.list", "3:7 \"#\" is not an operator here | Write len(x) instead of #x: after a "
                         "space YAML takes # for a comment."},
        {"params.n ? 1 : 2",
         "3:16 \"?\" is not an operator here | Write cond(test, a, b) instead of test ? a : b."},
        {"params.x ?? 1",
         "3:16 \"??\" is not an operator here | Write default(value, other) instead."},
        {"params.n === 3", "3:16 \"===\" is not an operator here | Write == instead."},
        {"params.n = 3", "3:16 \"=\" cannot stand in an expression | Write == to compare."},
        {"2 ** 3", "3:9 \"**\" is not an operator here | Write ^ for powers."},
        {"params.env | upper", "3:18 there are no filters in expressions | Write upper(x) instead "
                               "of x | upper, and \"or\" to combine conditions."},
        {"params.list[0]", "3:19 index 0 | Lists start at 1: the first item is [1]."},
        {"params.list.0", "3:18 \".0\" after a value | Items of lists are [1], [2], …"},
        {"nil", "3:7 \"nil\" is no value here | Write null."},
        {"None", "3:7 unknown name \"None\" | Write null."},
        {"True", "3:7 unknown name \"True\" | Write true."},
        {"params.n == nil", "3:19 \"nil\" is no value here | Write null."},
        {"if params.n then 1 end",
         "3:7 \"if\" is a statement, and an expression has none | Write cond(test, a, b)."},
        {"params.env:upper()",
         "3:17 methods cannot be called in expressions | Write upper(x) instead of x:upper()."},
        {"string.upper('x')", "3:7 unknown name \"string\" | Write upper(x), replace(x, a, b), "
                              "match(x, pattern) and so on."},
        {"github.ref", "3:7 unknown name \"github\" | The run is named run here."},
        {"toJSON(params)", "3:7 no function is named \"toJSON\" | Write json(x)."},
        {"1 < params.n < 5", "3:20 two comparisons in a row | Write a < b and b < c."},
        {"\xe2\x80\x9cprod\xe2\x80\x9d",
         "3:7 a typographic quote in an expression | Write straight quotes: 'text' or \"text\"."},
        {"{a: 1}",
         "3:9 methods cannot be called in expressions | Write upper(x) instead of x:upper()."},
        {"params.a -- b", "3:16 a comment cannot stand in an expression | Put comments outside ${{ "
                          "}}; to subtract a negative number, write a - (-b)."},
        {"${{ params.n }}",
         "3:7 an expression cannot stand inside an expression | Write the names without ${{ }}."},
        {"steps.my-step.outputs", "3:16 unknown name \"step\" | Did you mean \"steps\"?"},
        {"4h", "3:7 a malformed number | Write 10, 0.5 or 1e3; durations and sizes are "
               "duration(\"4h\") and size(\"10MiB\")."},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
wrong_syntax_stands_at_its_column(void)
{
    static const struct pair pairs[] = {
        {"", "3:7 an empty expression"},
        {"   ", "3:10 an empty expression"},
        {"1 +", "3:10 a value is missing at the end of the expression"},
        {"(1 + 2", "3:13 the expression ends where \")\" is missing"},
        {"1) or (2", "3:8 \")\" cannot stand here"},
        {"1, 2", "3:8 an expression is one value, and this is a second"},
        {"1 2",
         "3:9 a second value begins here | Join texts with a .. b, and put a text in quotes."},
        {"params.",
         "3:14 a name is missing after \".\" | Write .name, [\"name with spaces\"] or [1]."},
        {"'abc", "3:7 a quote is never closed"},
        {"'a\\q'", "3:9 an unknown escape in a quoted text | Write \\\\ for a backslash."},
        {"f(1)",
         "3:7 no function is named \"f\" | The functions are listed in docs/expressions.md."},
        {"uper('x')", "3:7 no function is named \"uper\" | Did you mean \"upper\"?"},
        {"upper()", "3:7 upper() is given 0 values | It is used as upper(text)."},
        {"upper", "3:7 \"upper\" is a function | It is used as upper(text)."},
        {"params()", "3:7 \"params\" is not a function"},
        {"param.env", "3:7 unknown name \"param\" | Did you mean \"params\"?"},
        {"[[x]]", "3:7 long brackets cannot stand in an expression | Write 'text' or \"text\"; put "
                  "a space between nested [ [."},
        {"{1, a = 2}", "3:11 a list and a map in one | Write {1, 2} or {a = 1, b = 2}."},
        {"{a = 1, a = 2}", "3:7 \"a\" twice in one map"},
        {"function(x) return x end", "3:7 a function is not a value that a workflow can use"},
        {"map({1}, 2)",
         "3:7 map() wants a function in second place | Write function(x) return … end."},
        {"map({1}, function(x) local y = x return y end)",
         "3:28 a function in an expression is one \"return\" | Write function(x) return … end; "
         "anything longer belongs in a lua: step."},
        {"upper(function(x) return x end)", "3:7 a function is passed where upper() wants a value"},
        {"map({1}, function(x) return x(1) end)", "3:35 \"x\" is a value here, not a function"},
        {"map({1}, function(params) return 1 end)",
         "3:25 \"params\" has a meaning already | Choose another name."},
        {"steps", "3:7 \"steps\" alone names no step | Write steps.ID.outputs.NAME."},
        {"secrets", "3:7 \"secrets\" alone names no secret | Write secrets.NAME."},
        {"steps[params.env].outputs", "3:13 a computed name after \"steps\" | Write the name "
                                      "itself, as in steps.load or params[\"name\"]."},
        {"params[params.env]", "3:14 a computed name after \"params\" | Write the name itself, as "
                               "in steps.load or params[\"name\"]."},
        {"secrets['a' .. 'b']", "3:15 a computed name after \"secrets\" | Write the name itself, "
                                "as in steps.load or params[\"name\"]."},
        {"params.n\n +\n )", "5:8 \")\" stands where a value is missing"},
        {"\xff", "3:7 byte 1 of the expression is not UTF-8"},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
names_and_calls_are_found(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct expr *expr;
    struct err err;
    char got[1024];
    size_t used = 0;
    const char *text = "steps.load.outputs.rows[1].n + default(steps['a b'].outputs.x, "
                       "upper(params.env)) .. upper(item.uri) .. env.A";
    CHECK_INT(expr_parse(&arena, text, 1, 1, (const char *const[]){"item", NULL}, &expr, &err), 0);
    for (size_t i = 0; i < expr->nrefs; i++) {
        for (size_t k = 0; k < expr->refs[i].depth; k++)
            used += (size_t)snprintf(got + used, sizeof got - used, "%s/", expr->refs[i].path[k]);
        used += (size_t)snprintf(got + used, sizeof got - used, " ");
    }
    CHECK_STR(got, "steps/load/outputs/rows/ steps/a b/outputs/x/ params/env/ item/uri/ env/A/ ");
    CHECK_INT(expr->ncalls, 2);
    CHECK_STR(expr->calls[0], "upper");
    CHECK_STR(expr->calls[1], "default");
    CHECK(expr_mentions(expr, "steps") && expr_mentions(expr, "item") && !expr_mentions(expr, "secrets"));
    CHECK_STR(expr->text, text);
    CHECK_INT(expr_parse(&arena, "item", 1, 1, NULL, &expr, &err), EXIT_INVALID);
    CHECK_INT(expr_parse(&arena, "\n  params.a.b.c.d.e.f.g.h.i.j ", 5, 3, NULL, &expr, &err), 0);
    CHECK_INT(expr->refs[0].depth, EXPR_PATH_MAX);
    CHECK_STR(expr->text, "params.a.b.c.d.e.f.g.h.i.j");
    CHECK_INT(expr->line, 6);
}

static void
a_large_value_passes_through_untouched(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *names = eval_names(&arena), *params = value_map(&arena);
    char *large = arena_alloc(&arena, (32u << 20) + 1);
    memset(large, 'x', 32u << 20);
    value_set(&arena, params, "large", value_textn(&arena, VALUE_STRING, large, 32u << 20));
    value_set(&arena, names, "params", params);
    const char *got = eval_with("params.large", names);
    CHECK_INT(strlen(got), (32u << 20) + strlen("string \"\""));
    CHECK_STR(eval_with("params.large .. 'x'", names),
              "3:7 the expression needs more than 16 MiB of memory | Compute large things in a "
              "step and pass on what is small.");
}

static void
results_do_not_depend_on_what_was_evaluated_before(void)
{
    for (int i = 0; i < 1500; i++) {
        char text[64], want[64];
        snprintf(text, sizeof text, "params.n + %d", i);
        snprintf(want, sizeof want, "integer %d", i + 3);
        CHECK_STR(eval_text(text), want);
    }
    CHECK_STR(eval_text("steps.load.outputs.table .. ''"), "string \"raw.orders\"");
    CHECK_STR(eval_text("params.env .. ''"), "string \"prod\"");
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"values keep their types", values_keep_their_types},
        {"comparing and choosing", comparing_and_choosing},
        {"units count and never mix", units_count_and_never_mix},
        {"what is missing is an error with a suggestion",
         what_is_missing_is_an_error_with_a_suggestion},
        {"secrets stay secret", secrets_stay_secret},
        {"foreign spellings are answered with ours", foreign_spellings_are_answered_with_ours},
        {"wrong syntax stands at its column", wrong_syntax_stands_at_its_column},
        {"names and calls are found", names_and_calls_are_found},
        {"a large value passes through untouched", a_large_value_passes_through_untouched},
        {"results do not depend on what was evaluated before",
         results_do_not_depend_on_what_was_evaluated_before},
    };
    int code = check_main("expr", tests, CHECK_COUNT(tests), argc, argv);
    eval_end();
    return code;
}
