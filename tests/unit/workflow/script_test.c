/* SPDX-License-Identifier: Apache-2.0
 *
 * `lua:` steps: what they may do, what is found before they run, and that they end.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "eval_help.h"
#include "levada/plugin.h"

struct recorder {
    struct buf said;
    int calls_left; /* of cancelled(), before it says yes; -1: never */
};

static int
record_log(void *context, const char *level, const char *text)
{
    buf_printf(&((struct recorder *)context)->said, "%s: %s\n", level, text);
    return 0;
}

static int
record_metric(void *context, const char *name, double value, const char *unit)
{
    buf_printf(&((struct recorder *)context)->said, "metric %s %g %s\n", name, value, unit);
    return 0;
}

static int
record_output(void *context, const char *name, const struct value *value, struct err *err)
{
    struct arena arena ARENA_SCOPED = {0};
    if (strcmp(name, "refused") == 0)
        return err_set(err, EXIT_INVALID, "the output \"refused\" is not declared");
    buf_printf(&((struct recorder *)context)->said, "%s = %s\n", name, eval_show(&arena, value));
    return 0;
}

static bool
record_cancelled(void *context)
{
    struct recorder *recorder = context;
    return recorder->calls_left >= 0 && recorder->calls_left-- == 0;
}

static char said[1 << 16];

/* Everything that a run did and how it ended. */
static const char *
run_cancelled(const char *text, int calls)
{
    struct arena arena ARENA_SCOPED = {0};
    struct recorder recorder = {.calls_left = calls};
    buf_init(&recorder.said, sizeof said / 2);
    struct script_host host = {.context = &recorder, .log = record_log, .metric = record_metric,
                               .set_output = record_output, .cancelled = record_cancelled};
    struct err err = {0};
    const char *skipped = NULL;
    int code = script_run(text, 20, eval_names(&arena), &host, &arena, &skipped, &err);
    snprintf(said, sizeof said, "%s", buf_str(&recorder.said));
    size_t used = strlen(said);
    if (code != 0)
        snprintf(said + used, sizeof said - used, "%s (%d, %d)", eval_error(&arena, &err), code,
                 err.error_class);
    else if (skipped != NULL) snprintf(said + used, sizeof said - used, "skipped: %s", skipped);
    buf_release(&recorder.said);
    return said;
}

static const char *
run(const char *text)
{
    return run_cancelled(text, -1);
}

static const char *
check(const char *text)
{
    static char found[4096];
    struct arena arena ARENA_SCOPED = {0};
    struct err err = {0};
    if (script_check(text, 20, NULL, &err) == 0) return "fine";
    snprintf(found, sizeof found, "%s", eval_error(&arena, &err));
    return found;
}

static void
a_script_computes_and_sets_outputs(void)
{
    const char *text = "local total = 0\n"
                       "for i, row in ipairs(steps.load.outputs.rows) do\n"
                       "  if row.n == 5 then goto continue end\n"
                       "  total = total + row.n * i\n"
                       "  ::continue::\n"
                       "end\n"
                       "local function twice(x) return x * 2 end\n"
                       "local t <const> = {}\n"
                       "t[#t + 1] = twice(total)\n"
                       "while #t < 3 do t[#t + 1] = upper(params.env) .. #t end\n"
                       "log('total ' .. total)\n"
                       "log('warn', params.wait)\n"
                       "metric('rows', total, 'rows')\n"
                       "metric('took', params.wait)\n"
                       "set_output('list', t)\n"
                       "return {total = total, none = null, map = {b = 1, a = {}}, secret = 'x' .. "
                       "secrets.password}";
    CHECK_STR(check(text), "fine");
    CHECK_STR(run(text), "info: total 12\nwarn: 1m30s\nmetric rows 12 rows\nmetric took 90 \nlist "
                         "= list [24,\"PROD1\",\"PROD2\"]\n"
                         "map = map {\"a\":[],\"b\":1}\nnone = null null\nsecret = secret "
                         "xhunter22\ntotal = integer 12\n");
    CHECK_STR(run(""), "");
    CHECK_STR(run("return {}"), "");
    CHECK_STR(run("return nil"), "");
}

static void
pairs_goes_in_sorted_order(void)
{
    CHECK_STR(run("local t = {b = 1, a = 2, [3] = 'c', [1] = 'd', [2.5] = 'e', [10] = 'f'}\n"
                  "for k, v in pairs(t) do log(k .. '=' .. v) end"),
              "info: 1=d\ninfo: 2.5=e\ninfo: 3=c\ninfo: 10=f\ninfo: a=2\ninfo: b=1\n");
    CHECK_STR(run("for k, v in pairs(params.map) do log(k .. '=' .. v) end for i, v in "
                  "pairs(params.list) do log(i .. v) end"),
              "info: b=2\ninfo: a=1\ninfo: 11\ninfo: 22\ninfo: 33\n");
    CHECK_STR(run("for i, v in ipairs({1, 2, nil, 4}) do log(i) end for i in ipairs(params.none) "
                  "do log(i) end"),
              "info: 1\ninfo: 2\n");
    CHECK_STR(run("local t = {a = 1, b = 2, c = 3} for k in pairs(t) do t.b = nil log(k) end"),
              "info: a\ninfo: c\n");
    CHECK_STR(run("local n = 0 for i = 1, 20000 do for k in pairs({a = 1, b = 2}) do n = n + 1 end "
                  "end log(n)"),
              "info: 40000\n");
}

static void
failing_and_skipping_end_it(void)
{
    CHECK_STR(run("fail('no rows', 'contract') log('no')"), "20:1 no rows (1, 6)");
    CHECK_STR(run("\n\nfail('gone')"), "22:1 gone (1, 10)");
    CHECK_STR(run("error('as in Lua')"), "20:1 as in Lua (1, 10)");
    CHECK_STR(run("assert(params.n == 3) assert(params.n == 4, 'four')"), "20:1 four (1, 10)");
    CHECK_STR(run("fail('x', 'unknown')"),
              "20:1 fail(): \"unknown\" is not a class | Classes are transient, throttled, "
              "conflict, auth, invalid, contract, missing, "
              "timeout, cancelled, permanent. (1, 5)");
    CHECK_STR(run("set_output('a', 1) skip('nothing new') set_output('b', 2)"),
              "a = integer 1\nskipped: nothing new");
    CHECK_STR(run("skip()"), "skipped: ");
    CHECK_STR(run("set_output('refused', 1)"), "20:1 the output \"refused\" is not declared (1, 5)");
    CHECK_STR(run("set_output('Bad name', 1)"), "20:1 set_output(): \"Bad name\" is not a name | "
                                                "Names are lower case: rows, run_id. (1, 5)");
    CHECK_STR(
        run("return 5"),
        "20:1 the chunk returns an integer; outputs are a map | Write return {rows = 5}. (1, 5)");
    CHECK_STR(run("return {f = function() end}"), "20:1 a function is not a value (1, 5)");
    CHECK_STR(run("log('loud', 'x')"),
              "20:1 log(): \"loud\" is not a level | It is debug, info, warn or error. (1, 5)");
}

static void
errors_name_the_line_of_the_file(void)
{
    CHECK_STR(run("local a = 1\nlocal b = params.envv"),
              "21:1 params has no \"envv\" | Did you mean \"env\"? (1, 5)");
    CHECK_STR(run("\nlocal a = 'x' + 1"),
              "21:1 attempt to perform arithmetic on a string value (constant 'x') | Write "
              "number(x) to count with a text. (1, 5)");
    CHECK_STR(
        run("params.n = 4"),
        "20:1 values from the workflow cannot be changed | Build a new table and use that. (1, 5)");
    CHECK_STR(run("local t = {} t[secrets] = 1 return t"),
              "20:1 a table that is neither a list nor a map | Use either names or 1, 2, 3, … as "
              "keys. (1, 5)");
    CHECK_STR(run("local t = {} t.t = t return t"), "20:1 a value nested more than 64 deep (1, 5)");
    CHECK_STR(run("upper()"), "20:1 upper() is given 0 values | It is used as upper(text). (1, 5)");
}

static void
what_is_wrong_is_found_before_it_runs(void)
{
    static const struct { const char *text, *want;
    } cases[] = {
        {"local a = = 1", "20:11 unexpected symbol near '='"},
        {"local a = 1\nif a then", "21:6 'end' expected near <eof>"},
        {"local a = 'x", "20:11 a quote is never closed"},
        {"total = 1", "20:1 \"total\" is not declared | Write local in front of it, or "
                      "set_output(name, value)."},
        {"function f() end",
         "20:10 \"f\" is not declared | Write local in front of it, or set_output(name, value)."},
        {"local a = totl", "20:11 unknown name \"totl\" | Names start with params, env, secrets, steps, "
                           "outputs or run; texts stand in quotes."},
        {"local a = parms.n", "20:11 unknown name \"parms\" | Did you mean \"params\"?"},
        {"print('x')", "20:1 no function is named \"print\" | A lua: step has log(text)."},
        {"local t = {1}\ntable.insert(t, 2)",
         "21:1 unknown name \"table\" | Write join(list, \", \"), sort(list) and so on."},
        {"return string.upper('x')", "20:8 unknown name \"string\" | Write upper(x), replace(x, a, "
                                     "b), match(x, pattern) and so on."},
        {"require('os')",
         "20:1 no function is named \"require\" | Nothing can be loaded from outside."},
        {"local e = _ENV", "20:11 \"_ENV\" cannot be used"},
        {"if secrets.a == 'x' then end", "20:4 a secret cannot be compared | A secret can be "
                                         "joined with texts and passed on, nothing else."},
        {"return {x = 'y' ~= secrets.a}", "20:20 a secret cannot be compared | A secret can be "
                                          "joined with texts and passed on, nothing else."},
        {"\x1bLua", "20:1 a control character cannot stand here"},
        {"local a = 1 != 2", "20:13 \"!=\" is not an operator here | Write ~= instead."},
        {"-- comment total = 1\n--[[ x = 1 ]] local t = {total = 1, log = 2; x = 3}\nreturn {t = "
         "t.total, u = t['log'], v = [[x = 1]]}",
         "fine"},
        {"local function f(a, ...) return a, ... end\nfor i = 1, 2 do local j = i end\nfor k, v in "
         "pairs({}) do f(k, v) end",
         "fine"},
        {"local f = function(x) return x end\nlocal a <const>, b = 1, 2\na2 = 3",
         "22:1 \"a2\" is not declared | Write local in front of it, or set_output(name, value)."},
        {"goto done\n::done::\nlocal s = params.list\nreturn {n = #s, s = s}", "fine"},
        {"local t = {}\nt.total = 1\nt['x'] = 2\nt:method(1)", "fine"},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) CHECK_STR(check(cases[i].text), cases[i].want);
}

static void
nothing_gets_out(void)
{
    static const char *const attempts[] = {"return {x = ('x'):rep(10)}",
                                           "return {x = _G}",
                                           "x = 1",
                                           "params = 1",
                                           "upper = 1",
                                           "log = nil",
                                           "return {x = os}",
                                           "return {x = io.open('/etc/passwd')}",
                                           "return {x = load('return 1')}",
                                           "return {x = getmetatable('')}",
                                           "setmetatable({}, {})",
                                           "rawset(params, 'a', 1)",
                                           "debug.sethook()",
                                           "pcall(fail)",
                                           "coroutine.wrap(log)",
                                           "string.rep('x', 9)",
                                           "collectgarbage()",
                                           "require('x')",
                                           "dofile('x')",
                                           "return {x = tostring}",
                                           "params.map.a = 2",
                                           "steps.load = nil",
                                           "local t <close> = {}",
                                           "local t <close> = params",
                                           "return {x = #params.map}",
                                           "params()",
                                           "return {x = -secrets.password}",
                                           "return {x = secrets.password < 'a'}",
                                           "return {x = secrets.password == secrets.account}",
                                           "return {x = len(secrets.password)}",
                                           "log(params.nothing)",
                                           "return {x = params .. ''}",
                                           "for x in params do end",
                                           "local a = {} return {x = a.b.c}",
                                           "error({})",
                                           "error(nil, {})",
                                           "fail(fail)",
                                           "return {[{}] = 1}",
                                           "return {x = {1, a = 2}}"};
    for (size_t i = 0; i < CHECK_COUNT(attempts); i++) {
        const char *got = run(attempts[i]);
        if (strncmp(got, "20:1 ", 5) != 0) printf("\n%s: %s\n", attempts[i], got);
        CHECK(strncmp(got, "20:1 ", 5) == 0);
    }
    /* _ENV is ours, and empty: giving it another value reaches nothing. */
    CHECK_STR(run("local _ENV = {} return {x = params}"), "");
    CHECK_STR(run("log(secrets.password)"), "info: ***\n");
}

static void
what_never_ends_is_ended(void)
{
    static const struct { const char *text, *want;
    } cases[] = {
        {"local s = 'x' while true do s = s .. s end",
         "20:1 the script needs more than 256 MiB of memory (1, 10)"},
        {"local t = {} while true do t = {t} end",
         "20:1 the script needs more than 256 MiB of memory (1, 10)"},
        {"local function f() return 1 + f() end f()", "20:1 stack overflow (1, 5)"},
        {"local function f(x) return map({1}, function() return f(x) end) end f(1)",
         "20:1 C stack overflow (1, 5)"},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) CHECK_STR(run(cases[i].text), cases[i].want);
    CHECK_STR(run_cancelled("while true do end", 1000), "20:1 the script was cancelled (1, 9)");
    CHECK_STR(run_cancelled("while true do default(nil, 1) end", 1000),
              "20:1 the script was cancelled (1, 9)");
    clock_t before = clock();
    CHECK_STR(run("while true do end"), "20:1 the script takes more than 200000000 instructions (1, 10)");
    CHECK((clock() - before) / CLOCKS_PER_SEC < 30);
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a script computes and sets outputs", a_script_computes_and_sets_outputs},
        {"pairs() goes in sorted order", pairs_goes_in_sorted_order},
        {"failing and skipping end it", failing_and_skipping_end_it},
        {"errors name the line of the file", errors_name_the_line_of_the_file},
        {"what is wrong is found before it runs", what_is_wrong_is_found_before_it_runs},
        {"nothing gets out", nothing_gets_out},
        {"what never ends is ended", what_never_ends_is_ended},
    };
    int code = check_main("script", tests, CHECK_COUNT(tests), argc, argv);
    eval_end();
    return code;
}
