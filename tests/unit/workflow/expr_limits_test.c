/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile expressions: nothing gets out of them, and each ends soon.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "eval_help.h"

/* Each must end soon, with an error. */
static const char *const hostile[] = {
    "('a'):rep(1000000000)",
    "'a'.rep('a', 1e9)",
    "params.env.rep",
    "string.rep('a', 1e9)",
    "string.format('%999999d', 1)",
    "table.concat({}, 'x', 1, 1e15)",
    "table.move({}, 1, 1e15, 2)",
    "os.execute('id')",
    "os.exit(1)",
    "io.open('/etc/passwd')",
    "io.popen('id')",
    "require('os')",
    "load('return 1')()",
    "loadstring('return 1')",
    "dofile('/etc/passwd')",
    "loadfile('x')",
    "debug.getregistry()",
    "debug.sethook()",
    "setmetatable({}, {})",
    "getmetatable('').__index",
    "getmetatable(params)",
    "rawset(params, 'a', 1)",
    "rawget(_G, 'x')",
    "_G",
    "_G.params",
    "_ENV",
    "_ENV.params",
    "_VERSION",
    "coroutine.wrap(function() end)",
    "coroutine.create(1)",
    "collectgarbage('count')",
    "pcall(error)",
    "xpcall(1, 2)",
    "error({})",
    "select('#', 1)",
    "next(params)",
    "pairs(params)",
    "print(1)",
    "unpack({}, 1, 1e8)",
    "string.dump(params)",
    "utf8.char(1)",
    "math.random()",
    "__r(0)",
    "__e(1, 2, 3)",
    "__null",
    "__l(1)",
    "__i(params, 'n', 0)",
    "(function() while true do end end)()",
    "(function(f) return f(f) end)(function(f) return f(f) end)",
    "function() return 1 end",
    "1) while true do end return (1",
    "1 -- )",
    "1 --[[ ]]",
    "1; while true do end",
    "goto x",
    "::x:: goto x",
    "params.n = 1",
    "local x = 1",
    "a, b = 1, 2",
    "return 1",
    "for i = 1, 1e9 do end",
    "repeat until false",
    "end) (function() return 1",
    "1 end",
    "\\",
    "\x1bLua",
    "'\\",
    "\"\n\"",
    "[==[",
    "]]",
    "map(range(1000), function(x) return map(range(1000), function(y) return map(range(1000), "
    "function(z) return z end) end) end)",
    "filter(range(200000), function(x) return any(range(1000), function(y) return y < 0 end) end)",
    "range(1000000000000)",
    "range(1, 9223372036854775807)",
    "range(-9223372036854775807, 9223372036854775807, 1)",
    "len(range(1000000))",
    "join(map(range(100000), function(x) return "
    "'012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012"
    "3456789012345678901234567890123456789' end))",
    "map(range(20000), function(x) return range(20000) end)",
    "unique(map(range(20000), function(x) return {x} end))",
    "sort(map(range(1000000), function(x) return -x end))",
    "replace(replace(replace(replace(replace(replace('aaaaaaaaaaaaaaaa', 'a', 'aaaaaaaaaaaaaaaa'), "
    "'a', 'aaaaaaaaaaaaaaaa'), 'a', 'aaaaaaaaaaaaaaaa'), 'a', 'aaaaaaaaaaaaaaaa'), 'a', "
    "'aaaaaaaaaaaaaaaa'), 'a', 'aaaaaaaaaaaaaaaa')",
    "matches(replace(replace(replace('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'a', "
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'), 'a', 'aaaaaaaaaaaaaaaaaaaaa'), 'a', 'aaaaaaaaaa'), "
    "'(a*)*(a*)*(a*)*b')",
    "matches('x', '(((a{500}){500}){500}){500}')",
    "matches('x', '((((((((((((((((((((((((((((((((((((((((((((((((((((((((')",
    "match('x', '[')",
    "matches('x', '(a')",
    "matches('x', '*')",
    "from_json('[')",
    "number(params.list)",
    "1 // 0",
    "1 % 0",
    "9223372036854775807 // 0",
    "1 / 0",
    "0 / 0",
    "2 ^ 99999",
};

static void
nothing_gets_out_and_nothing_hangs(void)
{
    CHECK(CHECK_COUNT(hostile) >= 60);
    for (size_t i = 0; i < CHECK_COUNT(hostile); i++) {
        clock_t before = clock();
        const char *got = eval_text(hostile[i]);
        double seconds = (double)(clock() - before) / CLOCKS_PER_SEC;
        bool failed = strncmp(got, "3:", 2) == 0 || strncmp(got, "4:", 2) == 0;
        if (!failed || seconds > 5) printf("\n%.60s: %.200s (%.2f s)\n", hostile[i], got, seconds);
        CHECK(failed);
        CHECK(seconds < 5);
    }
    CHECK_STR(eval_text("1 + 1"), "integer 2");
}

static void
deep_and_long_texts_end_with_an_error(void)
{
    static const struct { const char *open, *middle, *close; size_t times;
    } shapes[] = {{"(", "1", ")", 5000},
                  {"{", "", "}", 5000},
                  {"not ", "true", "", 4000},
                  {"-", " 1", "", 8000},
                  {"upper(", "'a'", ")", 2000},
                  {"1+", "1", "", 8000},
                  {"'a'..", "'a'", "", 3000},
                  {"2^", "2", "", 8000},
                  {"true and ", "true", "", 1700},
                  {"{1}[", "1", "]", 3000},
                  {"params.list[", "1", "]", 1300},
                  {"", "params", ".a", 8000},
                  {"1,", "1", "", 8000},
                  {"map({1},function(x)return ", "1", " end)", 400}};
    struct arena arena ARENA_SCOPED = {0};
    for (size_t i = 0; i < CHECK_COUNT(shapes); i++) {
        struct buf text BUF_SCOPED;
        buf_init(&text, 1 << 20);
        for (size_t k = 0; k < shapes[i].times; k++) buf_text(&text, shapes[i].open);
        buf_text(&text, shapes[i].middle);
        for (size_t k = 0; k < shapes[i].times; k++) buf_text(&text, shapes[i].close);
        struct expr *expr;
        struct err err = {0};
        CHECK_INT(expr_parse(&arena, buf_str(&text), 1, 1, NULL, &expr, &err), EXIT_INVALID);
        CHECK(err.message[0] != '\0' && strlen(err.message) < 200);
    }
    char *large = arena_alloc(&arena, 20000);
    memset(large, ' ', 19999);
    struct expr *expr;
    struct err err;
    CHECK_INT(expr_parse(&arena, large, 1, 1, NULL, &expr, &err), EXIT_INVALID);
    CHECK_STR(err.message, "an expression of 19999 bytes; the limit is 16384");
}

static void
moderate_depth_is_fine(void)
{
    static const struct { const char *open, *middle, *close; size_t times; const char *want;
    } shapes[] = {{"(", "1", ")", 50, "integer 1"},
                  {"1+", "1", "", 150, "integer 151"},
                  {"'a'..", "'b'", "", 5, "string \"aaaaab\""},
                  {"true and ", "true", "", 150, "boolean true"},
                  {"false or ", "3", "", 150, "integer 3"},
                  {"upper(", "'a'", ")", 50, "string \"A\""}};
    for (size_t i = 0; i < CHECK_COUNT(shapes); i++) {
        struct buf text BUF_SCOPED;
        buf_init(&text, 1 << 20);
        for (size_t k = 0; k < shapes[i].times; k++) buf_text(&text, shapes[i].open);
        buf_text(&text, shapes[i].middle);
        for (size_t k = 0; k < shapes[i].times; k++) buf_text(&text, shapes[i].close);
        CHECK_STR(eval_text(buf_str(&text)), shapes[i].want);
    }
}

static void
budgets_are_named_and_reset(void)
{
    CHECK_STR(eval_text("range(1000000000)"),
              "3:7 the expression needs more than 16 MiB of memory | Compute large things in a "
              "step and pass on what is small.");
    CHECK_STR(eval_text("matches(join(range(100000)), '(([0-9]*)*)*x')"),
              "3:7 the expression takes more than 1000000 instructions | Compute large things in a "
              "step and pass on what is small.");
    CHECK_STR(eval_text("default(range(1000000000), 1)"),
              "3:7 the expression needs more than 16 MiB of memory | Compute large things in a "
              "step and pass on what is small.");
    CHECK_STR(eval_text("len(range(1000))"), "integer 1000");
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"nothing gets out and nothing hangs", nothing_gets_out_and_nothing_hangs},
        {"deep and long texts end with an error", deep_and_long_texts_end_with_an_error},
        {"moderate depth is fine", moderate_depth_is_fine},
        {"budgets are named and reset", budgets_are_named_and_reset},
    };
    int code = check_main("expr_limits", tests, CHECK_COUNT(tests), argc, argv);
    eval_end();
    return code;
}
