/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile expressions and scripts, each in a process of its own: it ends with the right error, and the process never
 * held much more than its budget. Nothing here looks at a clock: what is not counted shows as a test that is ended by
 * CTest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "eval_help.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
#define FEW 4 /* of those that use up all their instructions, one in so many: each takes ten seconds */
#define SHADOW 6 /* what the sanitizer takes beside each byte, and keeps of what was freed */
#else
#define FEW 1
#define SHADOW 1
#endif
#define EXPRESSION_KIB (SHADOW * 80 * 1024L) /* 16 MiB of budget, twice for what grows by doubling, and the program */
#define SCRIPT_KIB (SHADOW * 600 * 1024L)    /* 256 MiB of budget */

struct hostile {
    const char *text, *want; /* a part of the error; NULL: it must end well */
};

#define INSTRUCTIONS "takes more than"
#define MEMORY "of memory"
#define DEEP "a value nested more than 64 deep"
#define UNKNOWN "no function is named"

static const struct hostile expressions[] = {
    {"map(range(1000), function(x) return map(range(1000), function(y) return map(range(1000), function(z) return z "
     "end) end) end)", MEMORY},
    {"map(range(1000000), function(x) return x end)", MEMORY},
    {"filter(range(200000), function(x) return any(range(1000), function(y) return y < 0 end) end)", MEMORY},
    {"all(range(100000), function(x) return all(range(100), function(y) return y > 0 end) end)", MEMORY},
    {"range(1, 1000000000000000000)", MEMORY},
    {"range(1000000000000000000, 1, -1)", MEMORY},
    {"(function(f) return f(f) end)(function(f) return f(f) end)", "function"},
    {"date(0, '%999999999Y')", "\"%9\" is unknown"},
    {"date(0, replace(replace(replace('ffffffffffffffffffffffffffffffff', 'f', 'gggggggggggggggggggggggggggggggg'), "
     "'g', 'hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh'), 'h', '%F%T%F%T%F%T%F%T%F%T%F%T%F%T%F%T%F%T'))", INSTRUCTIONS},
    {"date(9e15, '%Y')", "the number is too large"},
    {"date('9999-12-31', '%F', 'Etc/GMT-14')", NULL},
    {"timestamp(-9223372036854775807)", "the number is too large"},
    {"add_time(0, -9223372036854775807, 'quarter')", "a time beyond the year 9999"},
    {"pad('x', 1000000000000)", "a width of more than 1000"},
    {"fixed(1e308, 15)", NULL},
    {"round(1e308, -15)", NULL},
    {"chunks(range(1000), 0)", "chunks of 0 items"},
    {"chunks(range(130000), 1)", MEMORY},
    {"split(join(map(range(90000), function(x) return ',,,' end)), ',')", MEMORY},
    {"from_json(join(map(range(20000), function(x) return '[' end)))", "maximum parsing depth reached"},
    {"from_json('[' .. join(map(range(20000), function(x) return '0' end), ',') .. ']')", NULL},
    {"from_json('[' .. join(map(range(90000), function(x) return '0' end), ',') .. ']')", MEMORY},
    {"matches(join(range(50000)), '(([0-9]*)*)*x')", INSTRUCTIONS},
    {"glob(join(range(20000)), '*1*2*3*4*5*6*7*8*9*0*1*2*3*4*5*6*7*8*9*x')", INSTRUCTIONS},
    {"glob(join(range(9000), '/'), '**/1/**/2/**/3/**/4/**/5/**/6/**/7/**/8/**/9/**/x')", INSTRUCTIONS},
    {"replace_match(join(range(20000)), '[0-9]*x|7', '')", INSTRUCTIONS},
    {"len(filter(range(3000), function(x) return matches(text(x), '(((((((((((((((a{90})))))))))))))))') end))",
     INSTRUCTIONS},
    {"glob('x', '{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{')", "never closed"},
    {"group_by(range(9000), function(x) return text(x) end)", INSTRUCTIONS},
    {"unique(range(50000))", INSTRUCTIONS},
    {"sort(range(200000, 1, -1))", MEMORY},
    {"sort({1, 2, 3}, function(x) return 0 / 0 end)", "not finite"},
    {"sort({1, 2, 3}, function(x) return {x} end)", "cannot compare"},
    {"base64(base64(base64(base64(base64(base64(base64(base64(join(range(200000))))))))))", MEMORY},
    {"json(range(300000))", MEMORY},
    {"merge(range(100000), range(100000), range(100000))", MEMORY},
    {"pcall(range, 1e9)", UNKNOWN},
    {"coroutine.wrap(range)", "unknown name"},
    {"default(range(1000000000), 1)", MEMORY},
    {"default(default(default(range(1000000000), 1), 2), 3)", MEMORY},
    {"date(0, '%F', '../../etc/passwd')", "is not the name of a time zone"},
    {"date(0, '%F', json(range(10000)))", "is not the name of a time zone"},
};

static const struct hostile scripts[] = {
    {"while true do end", INSTRUCTIONS},
    {"for i = 1, 1e18 do end", INSTRUCTIONS},
    {"local function f() return 1 + f() end f()", "stack overflow"},
    {"local function f(x) return map({1}, function() return f(x) end) end f(1)", "C stack overflow"},
    {"local function f(x) return default(function() return f(x) end, 1) end f(1)", "C stack overflow"},
    {"local s = 'x' while true do s = s .. s end", MEMORY},
    {"local s = 'x' for i = 1, 40 do s = s .. 'y' .. s end", MEMORY},
    {"local t = {} while true do t = {t} end", MEMORY},
    {"local t = {} for i = 1, 1e18 do t[i] = i end", MEMORY},
    {"local t = {} for i = 1, 1e18 do t[i + 0.5] = function() return t end end", MEMORY},
    {"local t = {} t[1e18] = 1 t[2^53] = 1 return {n = #t}", NULL},
    {"local t = {} t.t = t return {n = json(t)}", DEEP},
    {"local t = {} t[1] = t set_output('x', t)", DEEP},
    {"local t = {} t[1] = t log(json({t}))", DEEP},
    {"local t = {} t[1] = t return {t = merge(t, t)}", DEEP},
    /* Boxes that hold each other twice, or one another very deep, cost next to nothing to make. */
    {"local t = merge({1}, {}) for i = 1, 40 do t = merge({t}, {t}) end log(json(t))", INSTRUCTIONS},
    {"local t = merge({1}, {}) for i = 1, 40 do t = merge({t}, {t}) end return {t = t}", INSTRUCTIONS},
    {"local t = merge({1}, {}) for i = 1, 40 do t = merge({t}, {t}) end if t == merge(t, {}) then end", INSTRUCTIONS},
    {"local t = merge({1}, {}) for i = 1, 300000 do t = merge({t}, {}) end log(json(t))", DEEP},
    {"local t = merge({1}, {}) for i = 1, 300000 do t = merge({t}, {}) end return {t = t}", DEEP},
    {"local t = merge({1}, {}) for i = 1, 300000 do t = merge({t}, {}) end log(t == merge(t, {}))", DEEP},
    {"local t = merge({1}, {}) for i = 1, 300000 do t = zip({t}, {i}) end upper(t)", DEEP},
    {"local t = params.map for i = 1, 300000 do t = merge({z = t}, params.map) end keys(t)", DEEP},
    {"local t = {} for i = 1, 20000 do t['k' .. i] = i end local a, b = merge(t, params.map), merge(t, params.map) "
        "while true do "
     "if a == b then end end", INSTRUCTIONS},
    {"local t = {} for i = 1, 100000 do t['k' .. i] = i end while true do for k in pairs(t) do break end end",
     INSTRUCTIONS},
    {"local t = merge({}, range(1000000)) while true do first(t) contains(t, 0) end", INSTRUCTIONS},
    {"while true do log('x') end", INSTRUCTIONS},
    {"while true do metric('x', 1) end", INSTRUCTIONS},
    {"while true do default(function() return params.nothing end, 1) end", INSTRUCTIONS},
    {"while true do default(function() return range(1000000000) end, 1) end", MEMORY},
    {"local s = join(range(1000000)) while true do contains(s, 'x') end", INSTRUCTIONS},
    {"local s = join(range(1000000)) while true do sha512(s) end", INSTRUCTIONS},
    {"local s = join(range(100000)) while true do split(s, '1') end", MEMORY},
    {"local s = join(range(100000)) while true do from_json('\"' .. s .. '\"') end", INSTRUCTIONS},
    {"while true do date(0, '%F', 'Europe/Berlin') end", INSTRUCTIONS},
    {"while true do matches('x', '(((((((((((((((a{90})))))))))))))))') end", INSTRUCTIONS},
    {"local t <close> = {}", "non-closable"},
    {"for i = 1, 10, 0 do end", "'for' step is zero"},
    {"pcall(function() while true do end end)", "unknown name"},
    {"xpcall(function() end, log)", "unknown name"},
    {"setmetatable({}, {__index = function() while true do end end})", "unknown name"},
    {"local t = params t.__index = t", "cannot be changed"},
    {"coroutine.wrap(function() while true do end end)()", "unknown name"},
    {"string.rep('x', 1e9)", "unknown name"},
    {"string.format('%999999999d', 1)", "unknown name"},
    {"return {x = ('x'):rep(1e9)}", "attempt to"},
    {"table.concat(range(1000000))", "unknown name"},
    {"local t = {} sort(t, t)", "should be a function"},
    {"local n = 0 local t = range(100000) map(t, function(x) n = n + 1 t = {t, t} return 1 end) json(t)", DEEP},
    {"error(join(range(1000000)))", "123456789101112"},
    {"return {n = len(map(range(100000), function(x) return x end))}", NULL},
};

/* In a child: what came of it goes to `out`. */
static void
evaluate(const struct hostile *hostile, bool script, int out)
{
    struct arena arena ARENA_SCOPED = {0};
    const char *said = "fine";
    if (!script) {
        said = eval_text(hostile->text);
        if (strncmp(said, "3:", 2) != 0) said = "fine";
    } else {
        struct script_host host = {0};
        struct err err = {0};
        const char *skipped;
        if (script_run(hostile->text, 1, eval_names(&arena), &host, &arena, &skipped, &err) != 0)
            said = eval_error(&arena, &err);
    }

    if (write(out, said, strlen(said)) < 0) _exit(1);
}

static void
check_one(const struct hostile *hostile, bool script, long limit_kib)
{
    char said[8192] = "";
    size_t used = 0;
    int ends[2], status;
    CHECK_FATAL(pipe(ends) == 0);
    fflush(NULL);
    pid_t pid = fork();
    CHECK_FATAL(pid >= 0);
    if (pid == 0) {
        evaluate(hostile, script, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], said + used, sizeof said - 1 - used)) > 0;) used += (size_t)n;
    close(ends[0]);
    struct rusage usage;
    pid_t ended;
    do ended = wait4(pid, &status, 0, &usage);
    while (ended < 0 && errno == EINTR);
    bool good = ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
                strstr(said, hostile->want ? hostile->want : "fine") != NULL;
    if (!good || usage.ru_maxrss > limit_kib)
        printf("\n%.100s\n  status %d, %ld KiB: %.300s", hostile->text, status, usage.ru_maxrss, said);
    CHECK(good);
    CHECK(usage.ru_maxrss <= limit_kib);
}

static void
each_expression_ends_within_its_budget(void)
{
    for (size_t i = 0; i < CHECK_COUNT(expressions); i++) check_one(&expressions[i], false, EXPRESSION_KIB);
}

static void
each_script_ends_within_its_budget(void)
{
    for (size_t i = 0; i < CHECK_COUNT(scripts); i++) {
        bool long_one = scripts[i].want != NULL && strcmp(scripts[i].want, INSTRUCTIONS) == 0;
        if (!long_one || i % FEW == 0) check_one(&scripts[i], true, SCRIPT_KIB);
    }
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"each expression ends within its budget", each_expression_ends_within_its_budget},
        {"each script ends within its budget", each_script_ends_within_its_budget},
    };
    return check_main("hostile", tests, CHECK_COUNT(tests), argc, argv);
}
