/* SPDX-License-Identifier: Apache-2.0
 *
 * The library: every example in its table is run, and the corners of the functions.
 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "eval_help.h"
#include "workflow/library.h"

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
every_example_gives_what_the_table_says(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct value *names = eval_names(&arena);
    value_set(&arena, names, "status", value_map(&arena));
    size_t count = 0;
    for (const struct library_function *f; (f = library_at(count)) != NULL; count++) {
        const char *got = eval_with(f->example, names), *space = strchr(got, ' ');
        CHECK_STR(space != NULL ? space + 1 : got, f->result);
        CHECK(strstr(f->example, f->name) != NULL);
        CHECK(strncmp(f->signature, f->name, strlen(f->name)) == 0);
        CHECK(f->doc[strlen(f->doc) - 1] == '.' || f->doc[strlen(f->doc) - 1] == '?');
        CHECK(library_find(f->name) == f);
    }
    CHECK(count > 50);
}

static void
texts(void)
{
    static const struct pair pairs[] = {
        {"text(params.map)", "string \"{\\\"b\\\":2,\\\"a\\\":1}\""},
        {"text(params.wait)", "string \"1m30s\""},
        {"upper('äb1')", "string \"äB1\""},
        {"upper(12)", "string \"12\""},
        {"trim('\\t\\n ')", "string \"\""},
        {"split('', ',')", "list [\"\"]"},
        {"split('a--b--', '--')", "list [\"a\",\"b\",\"\"]"},
        {"split('a', '')", "3:7 split(): the separator is empty | Write split(x, \",\")."},
        {"join({})", "string \"\""},
        {"join({1, 2.5, true, params.wait})", "string \"12.5true1m30s\""},
        {"join({1, {2}}, ',')", "3:7 join(): item 2 is not a text | Write map(list, function(x) "
                                "return json(x) end) first."},
        {"contains('abc', 'bc')", "boolean true"},
        {"contains(params.list, 2.0)", "boolean true"},
        {"contains(params.list, '2')", "boolean false"},
        {"contains(params.map, 'a')", "boolean true"},
        {"contains({{1}, {2}}, {2})", "boolean true"},
        {"starts_with('a', 'abc')", "boolean false"},
        {"ends_with('abc', '')", "boolean true"},
        {"replace('aaa', 'aa', 'b')", "string \"ba\""},
        {"replace('a%d', '%d', '%s')", "string \"a%s\""},
        {"replace('a', '', 'b')", "3:7 replace(): the text to look for is empty"},
        {"len('añ日')", "integer 3"},
        {"slice('añ日x', 2, 3)", "string \"ñ日\""},
        {"slice('abc', -2)", "string \"bc\""},
        {"slice('abc', 2, -2)", "string \"b\""},
        {"slice('abc', 3, 2)", "string \"\""},
        {"slice('abc', 0, 99)", "string \"abc\""},
        {"lines('a\\r\\n\\nb')", "list [\"a\",\"\",\"b\"]"},
        {"lines('')", "list []"},
        {"lines('a\\rb\\r')", "list [\"a\\rb\\r\"]"},
        {"pad('ñ', 3) .. '|' .. pad('ab', -4, '.') .. '|' .. pad('long', 2)", "string \"  ñ|ab..|long\""},
        {"pad('a', 5000)", "3:7 pad(): a width of more than 1000"},
        {"pad('a', 5, 'ab')", "3:7 pad(): it is filled with one character of ASCII"},
        {"basename('a/b/') .. basename('/') .. basename('a') .. basename('')", "string \"b/a\""},
        {"dirname('a/b/') .. dirname('/') .. dirname('a') .. dirname('/a') .. dirname('x//y')", "string \"a/./x\""},
        {"upper(null)",
         "3:7 upper(): the first value is null | Use default(x, other) where it may be null."},
        {"upper({})", "3:7 upper(): the first value is a list, and should be a text | Write "
                      "json(x) or join(list, \", \")."},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
patterns(void)
{
    static const struct pair pairs[] = {
        {"match('2026-01-31', '^(\\\\d{4})-(\\\\d\\\\d)')", "list [\"2026-01\",\"2026\",\"01\"]"},
        {"match('abc', 'x')", "null null"},
        {"match('ac', 'a(b)?c')", "list [\"ac\",null]"},
        {"match('aaa', 'a*?')", "list [\"\"]"},
        {"match('aaab', 'a+?b')", "list [\"aaab\"]"},
        {"match('<a><b>', '<(.+?)>')", "list [\"<a>\",\"a\"]"},
        {"match('<a><b>', '<(.+)>')", "list [\"<a><b>\",\"a><b\"]"},
        {"match('foobar', 'foo|foobar')", "list [\"foo\"]"},
        {"match('xfoobar', '(?:foo|x)(o*)')", "list [\"x\",\"\"]"},
        {"match('aXb', '(?i)x')", "list [\"X\"]"},
        {"match('AbC', '(?i)[a-b]+')", "list [\"Ab\"]"},
        {"match('日本', '^.(.)$')", "list [\"日本\",\"本\"]"},
        {"match('日本', '[日-本]+')", "list [\"日本\"]"},
        {"match('ñandú', '[^a-z]')", "list [\"ñ\"]"},
        {"matches('a.b', 'a\\\\.b') and not matches('axb', 'a\\\\.b')", "boolean true"},
        {"matches('word here', '\\\\bhere\\\\b') and not matches('where', '\\\\bhere')",
         "boolean true"},
        {"matches('a-b', '^[\\\\w-]+$')", "boolean true"},
        {"matches('a]b', 'a[]]b')", "boolean true"},
        {"matches('aaaa', '^a{2,3}$') or matches('a', '^a{2,}$')", "boolean false"},
        {"matches('a{2', 'a{2')", "boolean true"},
        {"matches('x\\ny', 'x.y')", "boolean false"},
        {"matches('', '^$')", "boolean true"},
        {"match('aaaaaaaaaaaaaaaaaaaaaaaaaaaaac', '(a|aa)+$')", "null null"},
        {"match('ab', '(a)(b)|(ab)')", "list [\"ab\",\"a\",\"b\",null]"},
        {"match('aba', '(?:(a)|(b))*')", "list [\"aba\",\"a\",\"b\"]"},
        {"match('a', '(((a)*)*)*')", "list [\"a\",\"a\",\"a\",\"a\"]"},
        {"matches('a', '(a')", "3:7 matches(): character 3 of the pattern: ( is never closed"},
        {"matches('a', 'a)')", "3:7 matches(): character 2 of the pattern: ) without ("},
        {"matches('a', '[a')", "3:7 matches(): character 3 of the pattern: [ is never closed"},
        {"matches('a', '*a')", "3:7 matches(): character 1 of the pattern: nothing to repeat"},
        {"matches('a', '(.)\\\\1')",
         "3:7 matches(): character 5 of the pattern: there are no back references"},
        {"matches('a', '(?=a)')",
         "3:7 matches(): character 2 of the pattern: only (?: ) is known, and (?i) in front"},
        {"matches('a', 'a{9999}')",
         "3:7 matches(): character 2 of the pattern: a repetition of more than 500"},
        {"matches('a', 'a{3,2}')",
         "3:7 matches(): character 7 of the pattern: a repetition that runs backwards"},
        {"matches('a', '[b-a]')",
         "3:7 matches(): character 5 of the pattern: a range that runs backwards"},
        {"matches('a', 'a**')", "3:7 matches(): character 4 of the pattern: a repetition of a "
                                "repetition; put ( ) around the inner one"},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
names_of_files(void)
{
    static const struct { const char *name, *pattern; bool fits; } cases[] = {
        {"orders.csv", "*.csv", true},        {"orders.csv", "*.CSV", false},      {"a/orders.csv", "*.csv", false},
        {"a/orders.csv", "*/*.csv", true},    {"orders.csv", "**/*.csv", true},    {"a/b/orders.csv", "**/*.csv", true},
        {"a/b/c", "a/**", true},              {"a", "a/**", false},                {"a/", "a/**", true},
        {"a/b/c/d", "a/**/d", true},          {"a/d", "a/**/d", true},             {"a/xd", "a/**/d", false},
        {"ab", "a**b", true},                 {"a/b", "a**b", false},              {"", "*", true},
        {"", "?", false},                     {"ñ", "?", true},                    {"/", "?", false},
        {"b", "[a-c]", true},                 {"d", "[a-c]", false},               {"d", "[!a-c]", true},
        {"d", "[^a-c]", true},                {"/", "[!a]", false},                {"]", "[]]", true},
        {"-", "[a-]", true},                  {"^", "[\\\\^]", true},             {"a.csv", "a?csv", true},
        {"axcsv", "a.csv", false},            {"a+b(c)|$^", "a+b(c)|$^", true},    {"a*", "a\\\\*", true},
        {"ab", "a\\\\*", false},             {"x.csv", "x.{csv,json}", true},     {"x.json", "x.{csv,json}", true},
        {"x.xml", "x.{csv,json}", false},     {"a,b", "a,b", true},                {"a}", "a}", true},
        {"ac", "{a,b{c,d}}c", true},          {"bdc", "{a,b{c,d}}c", true},        {"a\\nb", "a*b", true},
        {".hidden", "*", true},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
        char text[256];
        snprintf(text, sizeof text, "glob('%s', '%s')", cases[i].name, cases[i].pattern);
        const char *got = eval_text(text), *want = cases[i].fits ? "boolean true" : "boolean false";
        if (strcmp(got, want) != 0) printf("\n%s", text);
        CHECK_STR(got, want);
    }
    static const struct pair pairs[] = {
        {"glob('a', '[a')", "3:7 glob(): a [ of the pattern is never closed"},
        {"glob('a', '{a')", "3:7 glob(): a { of the pattern is never closed"},
        {"filter({'a.csv', 'b.txt'}, function(x) return glob(x, '*.csv') end)", "list [\"a.csv\"]"},
        {"replace_match('a1b22', '[0-9]+', '#')", "string \"a#b#\""},
        {"replace_match('abc', '', '-')", "string \"-a-b-c-\""},
        {"replace_match('ñandú', 'x*', '-')", "string \"-ñ-a-n-d-ú-\""},
        {"replace_match('aab', '^a', '-')", "string \"-ab\""},
        {"replace_match('ab ab', '\\\\bab', '$0')", "string \"$0 $0\""},
        {"replace_match('abc', 'x', '-')", "string \"abc\""},
        {"replace_match('', '^$', '-')", "string \"-\""},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
lists_and_maps(void)
{
    static const struct pair pairs[] = {
        {"first({})", "null null"},
        {"last(params.list)", "integer 3"},
        {"slice(params.list, 2)", "list [2,3]"},
        {"slice(params.list, -1, -1)", "list [3]"},
        {"get(params.map, 'zz')", "null null"},
        {"get(params.list, 9, 'none')", "string \"none\""},
        {"get(null, 'a', 1)", "integer 1"},
        {"keys({})", "3:7 keys(): the first value is a list, and should be a map"},
        {"keys(params.map)", "list [\"b\",\"a\"]"},
        {"merge(params.list, {4}, {})", "list [1,2,3,4]"},
        {"sort({'b', 'a', 'C'})", "list [\"C\",\"a\",\"b\"]"},
        {"sort({1.5, 1, 2})", "list [1,1.5,2]"},
        {"sort({params.wait, duration('1s')})", "list [\"1s\",\"1m30s\"]"},
        {"sort({{n = 2, k = 'x'}, {n = 1}, {n = 2, k = 'y'}}, function(x) return x.n end)",
         "list [{\"n\":1},{\"n\":2,\"k\":\"x\"},{\"n\":2,\"k\":\"y\"}]"},
        {"sort({1, 'a'})", "3:7 cannot compare an integer with a text"},
        {"unique({1, 1.0, '1', {1}, {1}, null, null})", "list [1,\"1\",[1],null]"},
        {"range(0)", "list []"},
        {"range(3)", "list [1,2,3]"},
        {"range(3, 1, -1)", "list [3,2,1]"},
        {"range(1, 2, 0)", "3:7 range(): the step is 0"},
        {"map(params.list, function(x, i) return x * i end)", "list [1,4,9]"},
        {"map({}, function(x) return x end)", "list []"},
        {"map({{a = 1}}, function(row) return row.b end)",
         "3:47 this map has no \"b\" | It has a."},
        {"filter(steps.load.outputs.rows, function(row) return row.n > 5 end)[1].n", "integer 6"},
        {"filter({1}, function(x) return x end)",
         "3:7 filter(): the function does not return true or false | Compare with something, as in "
         "x.size > 0."},
        {"any({}, function(x) return true end) or all({}, function(x) return false end)",
         "boolean true"},
        {"map({1, 2}, function(x) return map({10}, function(y) return x * y end)[1] end)",
         "list [10,20]"},
        {"flatten({1, {2, {3}}, {}})", "list [1,2,[3]]"},
        {"zip({1}, {})", "3:7 zip(): lists of 1 and 0 items"},
        {"chunks({1, 2, 3, 4}, 2)", "list [[1,2],[3,4]]"},
        {"chunks({}, 2)", "list []"},
        {"chunks({1}, 0)", "3:7 chunks(): chunks of 0 items"},
        {"entries(params.map)", "list [{\"key\":\"b\",\"value\":2},{\"key\":\"a\",\"value\":1}]"},
        {"group_by(params.list, function(x) return text(x % 2) end)", "map {\"1\":[1,3],\"0\":[2]}"},
        {"group_by({}, function(x) return x end)", "map {}"},
        {"group_by({1}, function(x) return x end)",
         "3:7 group_by(): the function returns an integer, and should return a text | Return text(x) in it."},
        {"len(5)", "3:7 len(): the first value is an integer, and should be a text"},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
numbers_and_units(void)
{
    static const struct pair pairs[] = {
        {"number('0x10')", "3:7 number(): \"0x10\" is not a number"},
        {"number(' 1')", "3:7 number(): \" 1\" is not a number"},
        {"number('-3')", "integer -3"},
        {"number('1e3')", "number 1000.0"},
        {"int('3.9')", "integer 3"},
        {"int(-3.9)", "integer -3"},
        {"int(1e300)", "3:7 int(): the number is too large for an integer"},
        {"number(params.wait)", "integer 90"},
        {"number(duration('1500ms'))", "number 1.5"},
        {"int(params.limit)", "integer 10240"},
        {"int(params.from)", "integer 1769817600"},
        {"number(true)", "3:7 number(): a boolean is not a number"},
        {"bool(true)", "boolean true"},
        {"bool('yes')", "3:7 bool(): \"yes\" is not a boolean | Only true and false are; compare "
                        "with anything else."},
        {"round(2.5)", "integer 3"},
        {"round(-2.5)", "integer -3"},
        {"round(3.14159, 2)", "number 3.14"},
        {"round(1234.5, -2)", "number 1200.0"},
        {"round(7)", "integer 7"},
        {"floor(-2.5) + ceil(-2.5)", "integer -5"},
        {"abs(-2.5)", "number 2.5"},
        {"abs(-params.wait)", "duration \"1m30s\""},
        {"abs(-9223372036854775807 - 1)", "3:7 abs(): the number is too large"},
        {"min({})",
         "3:7 min(): the list is empty | Write default(first(list), 0) where a list may be empty."},
        {"max(1, 2.5)", "number 2.5"},
        {"max('a', 'b')", "string \"b\""},
        {"min(params.wait, 5)",
         "3:7 cannot compare an integer with a duration | Write duration(\"4h\") for a duration."},
        {"sum({})", "integer 0"},
        {"sum({1, 2.5})", "number 3.5"},
        {"sum({params.wait, params.wait})", "duration \"3m\""},
        {"sum({params.wait, 1})", "3:7 sum(): item 2 is a integer among others of type duration"},
        {"sum({9223372036854775807, 1})", "3:7 sum(): the sum is too large"},
        {"fixed(1, 0) .. fixed(-0.125, 2) .. fixed(1e21, 1)", "string \"1-0.121000000000000000000000.0\""},
        {"fixed(1, 99)", "3:7 fixed(): 99 digits; from 0 to 15 are possible"},
        {"format_size(params.limit) .. format_size('1023')", "string \"10.0 KiB1023 B\""},
        {"duration('2 hours')",
         "3:7 duration(): \"2 hours\" is not a duration | Write \"90s\", \"1h30m\" or \"2d\"."},
        {"duration(0.25)", "duration \"250ms\""},
        {"size('1.5GiB')", "size 1610612736"},
        {"size('many')",
         "3:7 size(): \"many\" is not a size | Write \"512\", \"10KiB\" or \"1.5GiB\"."},
        {"timestamp(0)", "timestamp \"1970-01-01T00:00:00Z\""},
        {"timestamp('2026-01-31T08:00:00+08:00')", "timestamp \"2026-01-31T00:00:00Z\""},
        {"timestamp('yesterday')", "3:7 timestamp(): \"yesterday\" is not a time | Write "
                                   "\"2026-01-31\" or \"2026-01-31T08:00:00Z\"."},
        {"date(params.from)", "string \"2026-01-31\""},
        {"date(timestamp('2024-02-29T13:04:05.678Z'), '%F %T.%L %j %u %a %b %y %s %%')",
         "string \"2024-02-29 13:04:05.678 060 4 Thu Feb 24 1709211845 %\""},
        {"date(timestamp(-1), '%F %T')", "string \"1969-12-31 23:59:59\""},
        {"date(params.from, '%Q')",
         "3:7 date(): \"%Q\" is unknown | It has %Y %y %m %d %H %M %S %L %j %u %G %V %a %b %s %z %Z %F %T %%."},
        {"date(params.from, 'x%')",
         "3:7 date(): \"% \" is unknown | It has %Y %y %m %d %H %M %S %L %j %u %G %V %a %b %s %z %Z %F %T %%."},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
encodings(void)
{
    static const struct pair pairs[] = {
        {"json(null)", "string \"null\""},
        {"json('a\"b')", "string \"\\\"a\\\\\\\"b\\\"\""},
        {"from_json(params.json).port + 1", "integer 5433"},
        {"from_json('{\"a\":1,\"a\":2}')",
         "3:7 from_json(): not valid JSON: duplicate object key near '\"a\"'"},
        {"from_json(json({b = 1, a = {}}))", "map {\"b\":1,\"a\":[]}"},
        {"base64('')", "string \"\""},
        {"base64('a') .. base64('ab') .. base64('abc')", "string \"YQ==YWI=YWJj\""},
        {"from_base64('YQ') .. from_base64('YWI=') .. from_base64('YWJj')", "string \"aababc\""},
        {"from_base64('w7__')", "3:7 from_base64(): what comes out is not UTF-8 text"},
        {"from_base64('w7E')", "string \"ñ\""},
        {"from_base64('a')", "3:7 from_base64(): the base64 is cut off"},
        {"from_base64('a*b')", "3:7 from_base64(): character 2 is not base64"},
        {"sha256('')",
         "string \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""},
        {"sha512('')",
         "string \"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877e"
         "ec2f63b931bd47417a81a538327af927da3e\""},
        {"sha1('')", "string \"da39a3ee5e6b4b0d3255bfef95601890afd80709\""},
        {"md5('')", "string \"d41d8cd98f00b204e9800998ecf8427e\""},
        {"hex('ñ\\0') .. from_hex('C3b1')", "string \"c3b100ñ\""},
        {"from_hex('abc')", "3:7 from_hex(): an odd number of digits"},
        {"from_hex('a-')", "3:7 from_hex(): character 2 is no hexadecimal digit"},
        {"from_hex('ff')", "3:7 from_hex(): what comes out is not UTF-8 text"},
        {"urldecode('%C3%b1+%25')", "string \"ñ+%\""},
        {"urldecode('100%')", "3:7 urldecode(): two hexadecimal digits are missing behind % at character 4"},
        {"urldecode('%a')", "3:7 urldecode(): two hexadecimal digits are missing behind % at character 1"},
        {"shell_quote('')", "string \"''\""},
        {"shell_quote('$(x) `y` \"z\"')", "string \"'$(x) `y` \\\"z\\\"'\""},
        {"shell_quote('a\\0')", "3:7 shell_quote(): a zero byte in the text"},
        {"urlencode('é~-._')", "string \"%C3%A9~-._\""},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

static void
a_name_or_value_in_sql_cannot_leave_its_quotes(void)
{
    static const struct pair pairs[] = {
        {"ident('orders')", "sql \"\\\"orders\\\"\""},
        {"ident('lake.raw.orders')", "sql \"\\\"lake\\\".\\\"raw\\\".\\\"orders\\\"\""},
        {"ident('a', 'b.c')", "sql \"\\\"a\\\".\\\"b.c\\\"\""},
        {"ident('a\"; drop table x; --')", "sql \"\\\"a\\\"\\\"; drop table x; --\\\"\""},
        {"ident('\"a.b\".c')", "sql \"\\\"a.b\\\".\\\"c\\\"\""},
        {"ident('\"a\"\"b\"')", "sql \"\\\"a\\\"\\\"b\\\"\""},
        {"ident('\"a\"b')", "3:7 ident(): a quoted part does not end at a dot"},
        {"ident('\"a')", "3:7 ident(): a quote is never closed"},
        {"ident('a..b')", "3:7 ident(): a part of the name is empty"},
        {"ident('')", "3:7 ident(): a part of the name is empty"},
        {"ident('a', '')", "3:7 ident(): a part of the name is empty"},
        {"ident('a.b.c.d')", "3:7 ident(): a name has at most three parts | Give parts with dots "
                             "in them one by one: ident(\"a\", \"b.c\")."},
        {"ident('a\\0b')", "3:7 ident(): a zero byte in the text"},
        {"literal('a''b')", "3:18 a text stands where \")\" is missing | Join texts with a .. b, "
                            "and put a text in quotes."},
        {"literal(\"it's; --\")", "sql \"'it''s; --'\""},
        {"literal(5)", "sql \"5\""},
        {"literal(2.5)", "sql \"2.5\""},
        {"literal(null)", "sql \"NULL\""},
        {"literal(true)", "sql \"TRUE\""},
        {"literal({1, 'a', null})", "sql \"(1, 'a', NULL)\""},
        {"literal({})",
         "3:7 literal(): an empty list | Leave the condition out when the list is empty."},
        {"literal(params.from)", "sql \"TIMESTAMP '2026-01-31 00:00:00'\""},
        {"literal(params.wait)", "sql \"INTERVAL '90.000' SECOND\""},
        {"literal('a\\0')", "3:7 literal(): a zero byte in the text"},
        {"literal({a = 1})", "3:7 literal(): a map has no literal in SQL"},
        {"ident('a') .. literal(1)", "sql \"\\\"a\\\"1\""},
        {"ident('a') .. ' where '", "3:18 cannot join SQL text and a text | Write the other part "
                                    "as literal(x) or ident(x), or outside ${{ }}."},
    };
    check_pairs(pairs, CHECK_COUNT(pairs));
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"every example gives what the table says", every_example_gives_what_the_table_says},
        {"texts", texts},
        {"patterns", patterns},
        {"names of files", names_of_files},
        {"lists and maps", lists_and_maps},
        {"numbers and units", numbers_and_units},
        {"encodings", encodings},
        {"a name or value in SQL cannot leave its quotes", a_name_or_value_in_sql_cannot_leave_its_quotes},
    };
    int code = check_main("library", tests, CHECK_COUNT(tests), argc, argv);
    eval_end();
    return code;
}
