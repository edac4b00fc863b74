/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain scripts as commands, and what is not plain.
 */
#include <string.h>

#include "check.h"
#include "workflow/shell_words.h"

static struct arena arena;

/* "name,word,word>;…": `>` for one that writes a file, `?` for one that may not run. "-": not plain. */
static const char *
commands_of(const char *text)
{
    struct shell_words *commands;
    size_t count;
    const char *ret = "";
    if (!shell_words_read(&arena, text, &commands, &count)) return "-";
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < commands[i].count; k++)
            ret = arena_printf(&arena, "%s%s%s", ret, k ? "," : i ? ";" : "", commands[i].words[k]);
        ret = arena_printf(&arena, "%s%s%s", ret, commands[i].writes ? ">" : "", commands[i].guarded ? "?" : "");
    }
    return ret;
}

static void
test_words(void)
{
    static const char *const cases[][2] = {
        {"echo a b", "echo,a,b"},
        {"echo 'a b' \"c d\" e\\ f", "echo,a b,c d,e f"},
        {"a;b\nc & d", "a;b;c;d"},
        {"a | b |& c", "a;b;c"},
        {"a | b", "a;b"},
        {"A=1 B=2 run x", "run,x"},
        {"PATH=/tmp run x", "-"},
        {"echo $A \"${B:-c}\" ${{ params.x }}", "echo,$A,$,$"},
        {"# nothing\n  echo # more\n", "echo"},
        {"echo a#b", "echo,a#b"},
        {"echo \\\n  a", "echo,a"},
        {"", ""},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) CHECK_STR(commands_of(cases[i][0]), cases[i][1]);
}

static void
test_redirections(void)
{
    static const char *const cases[][2] = {
        {"cat < in", "cat"},          {"cat x > out", "cat,x>"},         {"cat x >> out", "cat,x>"},
        {"cat x 2> err", "cat,x>"},   {"cat x > /dev/null", "cat,x"},    {"cat x 2>&1", "cat,x"},
        {"> out", ":>"},              {"wc -l >> \"$LEVADA_OUTPUT\"", "wc,-l"},
        {"cat <<E\nx\nE", "-"},       {"diff <(a) <(b)", "-"},           {"cat x >", "-"},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) CHECK_STR(commands_of(cases[i][0]), cases[i][1]);
}

static void
test_conditions(void)
{
    static const char *const cases[][2] = {
        {"a && b || c\nd", "a;b?;c?;d"},
        {"if a; then b; else c; fi; d", "a?;b?;c?;d"},
        {"for x in 1 2; do a; done\nb", ":,x,in,1,2?;a?;b"},
        {"while a; do b; done", "a?;b?"},
    };
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) CHECK_STR(commands_of(cases[i][0]), cases[i][1]);
}

static void
test_what_is_not_plain(void)
{
    static const char *const cases[] = {
        "echo $(date)", "echo `date`",      "(a; b)",        "f() { a; }",        "case x in x) a;; esac",
        "echo 'open",   "echo \"open",      "echo ${open",   "[[ a == b ]]",      "function f { a; }",
        "echo $'a'",    "a ;; b",           "echo \"$(a)\"", "echo ${a:-$(b)}",   "a &> b"};
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) CHECK_STR(commands_of(cases[i]), "-");
}

static const struct check_test tests[] = {
    {"a plain script is a list of commands", test_words},
    {"a command that writes a file is known", test_redirections},
    {"a command that may not run is known", test_conditions},
    {"what takes a shell to read is not plain", test_what_is_not_plain},
};

int
main(int argc, char **argv)
{
    int ret = check_main("shell_words", tests, CHECK_COUNT(tests), argc, argv);
    arena_release(&arena);
    return ret;
}
