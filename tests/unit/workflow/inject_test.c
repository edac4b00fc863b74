/* SPDX-License-Identifier: Apache-2.0
 *
 * `run:` scripts with `${{ }}`: what is rewritten, what is refused, and that no value, run under
 * the real shells, is ever anything but one argument.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "check.h"
#include "shell_help.h"
#include "workflow/template.h"

#define X "${{ params.x }}"
/* Every attack tries to leave this file behind. */
#define DO "touch pwned"

static const char *const attacks[] = {
    "plain",
    "two words",
    "  spaces  around  ",
    "",
    "-n",
    "-rf",
    "--",
    "*",
    "?",
    "[a-z]",
    "~",
    "~root",
    "$HOME",
    "${HOME}",
    "$LEVADA_1",
    "${LEVADA_1}",
    "$(" DO ")",
    "`" DO "`",
    "\\$(" DO ")",
    "\\`" DO "\\`",
    "$((1+1))",
    "$[1+1]",
    "a[$(" DO ")]",
    "a[`" DO "`]=1",
    "x=$(" DO ")",
    "; " DO,
    "&& " DO,
    "|| " DO,
    "| " DO,
    "& " DO,
    "\n" DO "\n",
    "\r\n" DO "\r\n",
    "\"; " DO "; \"",
    "'; " DO "; '",
    "\"'; " DO " #",
    "'\"'\"'; " DO " #",
    "\\'; " DO " #",
    "\\\"; " DO " #",
    "\"$(" DO ")\"",
    "'$(" DO ")'",
    "$'\\x24(" DO ")'",
    "$\"$(" DO ")\"",
    ") " DO "; (",
    "} " DO "; {",
    ";; *) " DO " ;; esac",
    "esac; " DO,
    "done; " DO,
    "fi; " DO,
    "EOF\n" DO "\n",
    "\nEOF\n" DO "\ncat <<EOF\n",
    "> pwned",
    ">> pwned",
    "2> pwned",
    "< /etc/passwd",
    "<(" DO ")",
    ">(" DO ")",
    "<<<x",
    "{a,b,c}",
    "{1..9}",
    "!!",
    "!(x)",
    "@(x|y)",
    "a|b",
    "# comment",
    "\\",
    "\\\\",
    "a\\",
    "\"",
    "'",
    "`",
    "$",
    "${",
    "$(",
    "${{ params.y }}",
    "%s%n%d",
    "%",
    "\\n\\t\\0\\033",
    "\001\002\037\177",
    "\xff\xfe\x80",
    "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac",
    "() { :;}; " DO,
    "BASH_FUNC_x%%=() { " DO "; }",
    "=$(" DO ")",
    "PATH=.",
    "-c " DO,
    "eval " DO,
    "\t\ttabs\t",
    " ",
    "\n\n",
    "a\nb\n",
};

/* Calls of show() whose arguments are known, each on a line of its own. */
static const char *const uses =
    "show() { printf '%s' \"$#\"; for i in \"$@\"; do printf '[%s]' \"$i\"; done; printf '\\n'; }\n"
    "show " X "\n"
    "show \"" X "\"\n"
    "show a" X "b\n"
    "show \"a " X " b\"\n"
    "show \"" X X "\"\n"
    "v=" X "; show \"$v\"\n"
    "show \"$(printf '%s.' " X ")\"\n"
    "show \"$(printf '%s.' \"" X "\")\"\n"
    "( show " X " )\n"
    "{ show " X "; }\n"
    "f() { show \"$1\" " X "; }; f " X "\n"
    "case " X " in " X ") show same;; *) show different;; esac\n"
    "show \"$(case " X " in " X ") echo same;; *) echo different;; esac)\"\n"
    "for w in " X " b; do show \"$w\"; done\n"
    "if [ " X " = " X " ]; then show equal; fi\n"
    "show $$" X " > /dev/null; show ${v+" "set} " X " # it's \"only a ` comment\n"
    "show \"$((1 + 2))\" " X "\n"
    "cat <<EOF\n<" X ">\nEOF\n"
    "cat <<-EOF\n\t<" X ">\n\tEOF\n"
    "show 'it''s' \"'\" \\\" " X "\n";

static void
want(struct buf *buf, const char *attack)
{
    const char *a = attack;
    buf_printf(buf, "1[%s]\n1[%s]\n1[a%sb]\n1[a %s b]\n1[%s%s]\n1[%s]\n", a, a, a, a, a, a, a);
    buf_printf(buf, "1[%s.]\n1[%s.]\n1[%s]\n1[%s]\n2[%s][%s]\n", a, a, a, a, a, a);
    buf_printf(buf,
               "1[same]\n1[same]\n1[%s]\n1[b]\n1[equal]\n2[set][%s]\n2[3][%s]\n<%s>\n<%s>\n4[its]['"
               "][\"][%s]\n",
               a, a, a, a, a, a);
}

static const struct inject *
parse(struct arena *arena, const char *shell, const char *script, struct err *err)
{
    struct inject *inject = NULL;
    *err = (struct err){0};
    if (inject_parse(arena, shell, script, 1, 1, NULL, NULL, NULL, &inject, err) != 0) return NULL;
    return inject;
}

static void
a_value_is_one_argument_whatever_it_holds(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err;
    const struct inject *inject = parse(&arena, "sh", uses, &err);
    if (inject == NULL) printf("\n%d:%d: %s\n", err.line, err.column, err.message);
    CHECK_FATAL(inject != NULL);
    CHECK_INT(inject->count, 1);
    CHECK(strstr(inject->script, "${{") == NULL);
    CHECK(CHECK_COUNT(attacks) >= 60);
    for (size_t s = 0; shell_programs[s] != NULL; s++) {
        if (!shell_exists(shell_programs[s])) continue;
        for (size_t i = 0; i < CHECK_COUNT(attacks); i++) {
            struct buf expected BUF_SCOPED;
            buf_init(&expected, 1 << 20);
            want(&expected, attacks[i]);
            struct shell_result got = shell_run(shell_programs[s], inject->script, attacks[i]);
            if (got.touched || strcmp(got.output, buf_str(&expected)) != 0)
                printf("\n%s with value <%s>:\n", shell_programs[s], attacks[i]);
            CHECK(!got.touched);
            CHECK_STR(got.output, buf_str(&expected));
        }
    }
}

static void
a_script_is_changed_only_where_an_expression_stands(void)
{
    static const struct { const char *from, *to;
    } cases[] = {
        {"echo " X, "echo \"${LEVADA_1}\""},
        {"echo \"" X "\"", "echo \"${LEVADA_1}\""},
        {"echo \"a " X " b\"", "echo \"a ${LEVADA_1} b\""},
        {"echo " X " ${{ params.y }} " X, "echo \"${LEVADA_1}\" \"${LEVADA_2}\" \"${LEVADA_1}\""},
        {"echo 'no' # no", "echo 'no' # no"},
        {"cat <<E\n" X "\nE\necho " X, "cat <<E\n${LEVADA_1}\nE\necho \"${LEVADA_1}\""},
        {"cat <<'E'\n$(no) `no ${no\nE\necho " X,
         "cat <<'E'\n$(no) `no ${no\nE\necho \"${LEVADA_1}\""},
        {"a=$(case x in x) echo 1 ;; (y) echo 2;; esac); echo " X,
         "a=$(case x in x) echo 1 ;; (y) echo 2;; esac); echo \"${LEVADA_1}\""},
        {"echo ${a:-'}'} ${b#\"}\"} `echo \\`x\\`` " X,
         "echo ${a:-'}'} ${b#\"}\"} `echo \\`x\\`` \"${LEVADA_1}\""},
        {"echo a#b $# ${#a} " X, "echo a#b $# ${#a} \"${LEVADA_1}\""},
        {"a[1]=" X, "a[1]=\"${LEVADA_1}\""},
        {"a=(" X " b)", "a=(\"${LEVADA_1}\" b)"},
        {"[[ " X " == y* && -n " X " ]] && echo " X,
         "[[ \"${LEVADA_1}\" == y* && -n \"${LEVADA_1}\" ]] && echo \"${LEVADA_1}\""},
        {"diff <(echo " X ") b", "diff <(echo \"${LEVADA_1}\") b"},
        {"cat <<< " X, "cat <<< \"${LEVADA_1}\""},
        {"echo " X " > " X " 2>&1", "echo \"${LEVADA_1}\" > \"${LEVADA_1}\" 2>&1"},
        {"f() { case " X " in a) echo;; esac; }",
         "f() { case \"${LEVADA_1}\" in a) echo;; esac; }"},
        {"echo \"$(echo \"" X "\")\"", "echo \"$(echo \"${LEVADA_1}\")\""},
        {"echo \"${{ cond(params.x == \"}}\", 'a', \"b\") }}\"", "echo \"${LEVADA_1}\""},
        {"echo \\\\" X, "echo \\\\\"${LEVADA_1}\""},
        {"cat <<-E\n\t" X "\n\tE\n", "cat <<-E\n\t${LEVADA_1}\n\tE\n"},
        {"cat <<A <<B\n" X "\nA\n" X "\nB\n", "cat <<A <<B\n${LEVADA_1}\nA\n${LEVADA_1}\nB\n"},
        {"x=$(cat <<E\n" X "\nE\n)", "x=$(cat <<E\n${LEVADA_1}\nE\n)"},
        {"echo $'a\\nb' " X, "echo $'a\\nb' \"${LEVADA_1}\""},
        {"echo $$" X, "echo $$\"${LEVADA_1}\""},
    };
    struct arena arena ARENA_SCOPED = {0};
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
        struct err err;
        const struct inject *inject = parse(&arena, "bash", cases[i].from, &err);
        if (inject == NULL) printf("\n%s: %s\n", cases[i].from, err.message);
        CHECK_STR(inject ? inject->script : NULL, cases[i].to);
    }
}

static void
a_place_that_cannot_be_made_safe_is_refused_with_its_name(void)
{
    static const struct { const char *script, *why; int column; } cases[] = {
        {"echo '" X "'", "inside single quotes", 7},
        {"echo `echo " X "`", "inside backticks", 12},
        {"echo \"`echo " X "`\"", "inside backticks", 13},
        {"echo $((" X " + 1))", "inside arithmetic", 9},
        {"echo $(( $(echo " X ") + 1))", "inside arithmetic", 17},
        {"(( " X " > 1 ))", "inside arithmetic", 4},
        {"for ((i=0;i<" X ";i++)); do :; done", "inside arithmetic", 13},
        {"echo $[" X "]", "inside arithmetic", 8},
        {"cat <<'E'\n" X "\nE\n", "inside a here-document with a quoted end mark", 1},
        {"cat <<\"E\"\n" X "\nE\n", "inside a here-document with a quoted end mark", 1},
        {"cat <<\\E\n" X "\nE\n", "inside a here-document with a quoted end mark", 1},
        {"cat <<" X "\n", "in the end mark of a here-document", 7},
        {"cat <<'" X "'\n", "in the end mark of a here-document", 8},
        {"echo $'it\\' " X "'", "inside single quotes", 13},
        {"cat <<E\\" X "\n", "in the end mark of a here-document", 9},
        {"# " X, "inside a comment", 3},
        {"echo a; # it's " X, "inside a comment", 16},
        {"echo ${a:-" X "}", "inside ${ }", 11},
        {"echo \"${a:-" X "}\"", "inside ${ }", 12},
        {"echo ${a:" X "}", "inside ${ }", 10},
        {"echo ${a[" X "]}", "inside ${ }", 10},
        {"echo ${a:-$(echo " X ")}", "inside ${ }", 18},
        {"echo \\" X, "right behind a backslash", 7},
        {"echo \"\\" X "\"", "right behind a backslash", 8},
        {"echo $" X, "right behind a dollar sign", 7},
        {"a[" X "]=1", "in a subscript", 3},
        {"a[b[1]+" X "]=1", "in a subscript", 8},
        {"a[\"" X "\"]=1", "in a subscript", 4},
        {"a=([" X "]=1)", "in a subscript", 5},
        {"[[ " X " -eq 1 ]]", "in a [[ ]] that counts (-eq, -lt, …)", 4},
        {"[[ a == a && ( 1 -lt " X " ) ]]", "in a [[ ]] that counts (-eq, -lt, …)", 22},
        {"let x=" X, "in arithmetic (let)", 7},
        {"echo $'it\\'s' " X, "behind $'…\\'…', which only bash reads as one quote,", 15},
        {"echo \"${a:-'}\" " X, "behind quotes inside \"${ }\", which shells read differently,", 16},
        {"echo $((a) ) " X, "behind \"((\" that is not closed by \"))\"", 14},
        {"echo ) " X, "behind a \")\" without \"(\"", 8},
        {"echo \"a " X, "in a script whose quotes or brackets are not closed", 9},
        {"echo $(echo " X, "in a script whose quotes or brackets are not closed", 13},
        {"cat <<E\n" X "\\\nE\n" X "\nE\n", "behind an end mark that follows a backslash", 1},
        {"cat <<\"$a\"\nb\n$a\necho " X, "behind an unusual end mark of a here-document", 6},
    };
    struct arena arena ARENA_SCOPED = {0};
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
        struct err err;
        const struct inject *inject = parse(&arena, "sh", cases[i].script, &err);
        char message[512];
        snprintf(message, sizeof message, "${{ }} %s cannot be made safe", cases[i].why);
        if (inject != NULL || strcmp(err.message, message) != 0 || err.column != cases[i].column)
            printf("\n%s\n", cases[i].script);
        CHECK(inject == NULL);
        CHECK_STR(err.message, message);
        CHECK_INT(err.column, cases[i].column);
        CHECK(err.hint[0] != '\0');
    }
}

static void
another_shell_takes_no_expression(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err;
    CHECK(parse(&arena, "python3", "print(" X ")", &err) == NULL);
    CHECK_STR(err.message, "${{ }} in a script for \"python3\" cannot be made safe");
    CHECK(parse(&arena, "fish", "echo " X, &err) == NULL);
    CHECK(parse(&arena, "python3", "print('$' + '{' '{')", &err) != NULL);
    CHECK(parse(&arena, "/bin/bash -eu", "echo " X, &err) != NULL);
    CHECK(parse(&arena, "/usr/bin/dash", "echo " X, &err) != NULL);
}

static void
errors_inside_an_expression_stand_at_their_place(void)
{
    struct arena arena ARENA_SCOPED = {0};
    struct err err;
    struct inject *inject;
    CHECK_INT(inject_parse(&arena, "sh", "true\necho ${{ params.a != 2 }}", 10, 7, NULL, NULL, NULL,
                           &inject, &err),
              EXIT_INVALID);
    CHECK_INT(err.line, 11);
    CHECK_INT(err.column, 7 + 18);
    CHECK_STR(err.message, "\"!=\" is not an operator here");
    CHECK(parse(&arena, "sh", "echo ${{ params.x", &err) == NULL);
    CHECK_STR(err.message, "\"${{\" is never closed");
}

static void
note(void *context, int line, int column, const char *message)
{
    buf_printf(context, "%d:%d %s|", line, column, message);
}

static void
a_value_that_reaches_another_interpreter_is_warned_about(void)
{
    static const struct { const char *script, *want;
    } cases[] = {
        {"sh -c " X, "1:7 the value of ${{ }} reaches sh -c, which may read it as a program|"},
        {"bash -ec \"ls " X "\"",
         "1:14 the value of ${{ }} reaches sh -c, which may read it as a program|"},
        {"sudo -u x sh -c " X,
         "1:17 the value of ${{ }} reaches sh -c, which may read it as a program|"},
        {"eval " X, "1:6 the value of ${{ }} reaches eval, which may read it as a program|"},
        {"ssh host rm " X, "1:13 the value of ${{ }} reaches ssh, which may read it as a program|"},
        {"true && /usr/bin/ssh host " X,
         "1:27 the value of ${{ }} reaches ssh, which may read it as a program|"},
        {"awk " X " file", "1:5 the value of ${{ }} reaches awk, which may read it as a program|"},
        {"echo " X " | sh", "1:6 the value of ${{ }} reaches sh, which may read it as a program|"},
        {"echo " X " | tr a b |\n bash -s",
         "1:6 the value of ${{ }} reaches bash, which may read it as a program|"},
        {"psql <<E\nselect '" X "'\nE\n",
         "2:9 the value of ${{ }} reaches psql, which may read it as a program|"},
        {X " a", "1:1 the value of ${{ }} chooses the command that is run|"},
        {"export " X,
         "1:8 the value of ${{ }} reaches a variable's name, which may read it as a program|"},
        {"unset " X, "1:7 the value of ${{ }} reaches unset, which may read it as a program|"},
        {"[ -v " X " ]",
         "1:6 the value of ${{ }} reaches a variable's name, which may read it as a program|"},
        {"awk -v x=" X " '{print x}'", ""},
        {"a=(" X " b\n" X "\n)\nb+=(" X ")", ""},
        {"a=(b $(" X "))", "1:8 the value of ${{ }} chooses the command that is run|"},
        {"(" X " b)", "1:2 the value of ${{ }} chooses the command that is run|"},
        {"export a=" X, ""},
        {"echo " X " | grep ssh; sh file", ""},
        {"echo ssh eval sh -c " X, ""},
        {"sh script.sh " X, ""},
        {"cat <<E | tr a b\n" X "\nE\n", ""},
    };
    struct arena arena ARENA_SCOPED = {0};
    for (size_t i = 0; i < CHECK_COUNT(cases); i++) {
        struct err err;
        struct inject *inject;
        struct buf notes BUF_SCOPED;
        buf_init(&notes, 4096);
        CHECK_INT(inject_parse(&arena, "sh", cases[i].script, 1, 1, NULL, note, &notes, &inject, &err), 0);
        if (strcmp(buf_str(&notes), cases[i].want) != 0) printf("\n%s\n", cases[i].script);
        CHECK_STR(buf_str(&notes), cases[i].want);
    }
}

static uint64_t
next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void
count_warning(void *context, int line, int column, const char *message)
{
    (void)line;
    (void)column;
    (void)message;
    ++*(int *)context;
}

static const char *const crumbs[] = {"'",
                                     "'",
                                     "\"",
                                     "\"",
                                     "`",
                                     "\\",
                                     "$",
                                     "#",
                                     " ",
                                     " ",
                                     " ",
                                     "\n",
                                     "\n",
                                     ";",
                                     ";;",
                                     "&&",
                                     "|",
                                     "(",
                                     ")",
                                     "{ ",
                                     " }",
                                     "$(",
                                     "$((",
                                     "))",
                                     "${x:-",
                                     "${x#",
                                     "}",
                                     "<<E\n",
                                     "<<'E'\n",
                                     "<<-E\n",
                                     "\nE\n",
                                     "E",
                                     "case x in ",
                                     "x) ",
                                     " esac",
                                     "[[ ",
                                     " ]]",
                                     "a[",
                                     "]",
                                     "=",
                                     "echo ",
                                     "echo ",
                                     "true ",
                                     "$'",
                                     "$\"",
                                     "\t",
                                     "x",
                                     "-eq ",
                                     "1",
                                     X,
                                     X,
                                     X,
                                     X,
                                     "\"" X "\"",
                                     "if true; then ",
                                     "; fi\n",
                                     "f() "};

/* Scripts out of crumbs of syntax: what we accept without a warning, no shell may read otherwise
 * than we did. */
static void
what_is_accepted_no_shell_reads_otherwise(void)
{
    static const char value[] = "x$(" DO ")`" DO "`\"; " DO "; '; " DO "; a[$(" DO ")]\n" DO "\n";
    const char *wanted = getenv("LEVADA_INJECT_ROUNDS");
    long rounds = wanted != NULL ? strtol(wanted, NULL, 10) : 60, accepted = 0;
    uint64_t state = wanted != NULL ? (uint64_t)rounds * 0x9e3779b97f4a7c15u : 0x123456789abcdefu;
    while (accepted < rounds) {
        struct arena arena ARENA_SCOPED = {0};
        struct buf script BUF_SCOPED;
        struct err err;
        struct inject *inject;
        int warnings = 0;
        buf_init(&script, 4096);
        buf_text(&script, "echo ");
        size_t count = 2 + next_number(&state) % 14;
        for (size_t i = 0; i < count; i++)
            buf_text(&script, crumbs[next_number(&state) % CHECK_COUNT(crumbs)]);
        if (inject_parse(&arena, "sh", buf_str(&script), 1, 1, NULL, count_warning, &warnings,
                         &inject, &err) != 0)
            continue;
        if (inject->count == 0 || warnings > 0) continue;
        accepted++;
        for (size_t s = 0; shell_programs[s] != NULL; s++) {
            if (!shell_exists(shell_programs[s])) continue;
            struct shell_result got = shell_run(shell_programs[s], inject->script, value);
            if (got.touched) printf("\n%s reads otherwise:\n%s\n", shell_programs[s], buf_str(&script));
            CHECK(!got.touched);
        }
    }
}

int
main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        {"a script is changed only where an expression stands",
         a_script_is_changed_only_where_an_expression_stands},
        {"a place that cannot be made safe is refused with its name",
         a_place_that_cannot_be_made_safe_is_refused_with_its_name},
        {"another shell takes no expression", another_shell_takes_no_expression},
        {"errors inside an expression stand at their place",
         errors_inside_an_expression_stand_at_their_place},
        {"a value that reaches another interpreter is warned about",
         a_value_that_reaches_another_interpreter_is_warned_about},
        {"a value is one argument whatever it holds", a_value_is_one_argument_whatever_it_holds},
        {"what is accepted no shell reads otherwise", what_is_accepted_no_shell_reads_otherwise},
    };
    int code = check_main("inject", tests, CHECK_COUNT(tests), argc, argv);
    shell_end();
    return code;
}
