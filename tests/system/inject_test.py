# SPDX-License-Identifier: Apache-2.0
"""Values as attacks: whatever text a value is, it reaches a script byte for byte, and nothing else happens.

One step for each value and shell has the value in every place where `${{ }}` may stand, writes what arrived into files,
and works in a folder of its own, in which nothing else may appear. Every attack that gets through leaves `pwned` there,
in the folder of the test, or in $HOME.
"""
import json
import os
import re
import shutil
import subprocess

import levada

DO = "touch pwned"

ATTACKS = [
    "plain", "two words", "  spaces  around  ", "", " ", "\t\ttabs\t", "a\nb\n", "\n\n", "\r\n", "x" * 5000,
    # options and numbers
    "-n", "-e", "-rf", "--", "-", "-c " + DO, "--help", "0", "00", "-1", "1e9", "0x10",
    # globs, tildes, braces
    "*", "?", "[a-z]", "**/*", "~", "~root", "{a,b,c}", "{1..9}", "!(x)", "@(x|y)", "+(a)", "dir/*",
    # expansion
    "$HOME", "${HOME}", "$LEVADA_1", "${LEVADA_1}", "$@", "$*", "$#", "$$", "$!", "$?", "$0", "$-", "$", "${", "${x",
    "${x:=" + DO + "}", "${!LEVADA_1}", "${x@P}", "${{ params.v1 }}", "${{ 1 + 1 }}", "}}", "${{",
    # command substitution
    "$(" + DO + ")", "`" + DO + "`", "\\$(" + DO + ")", "\\`" + DO + "\\`", "\"$(" + DO + ")\"", "'$(" + DO + ")'",
    "$(", "`", "$'\\x24(" + DO + ")'", "$\"$(" + DO + ")\"", "$(<pwned)", "${ " + DO + "; }", "${| " + DO + "; }",
    # arithmetic and subscripts
    "$((1+1))", "$[1+1]", "a[$(" + DO + ")]", "a[`" + DO + "`]=1", "x=$(" + DO + ")", "=$(" + DO + ")",
    "a[$(" + DO + ")]=1",
    "1+a[$(" + DO + ")]",
    # separators
    "; " + DO, "& " + DO, "&& " + DO, "|| " + DO, "| " + DO, "|& " + DO, "\n" + DO + "\n", "\r\n" + DO + "\r\n",
    "# comment", "x #", "!!", "!x", "^a^b",
    # quotes
    "\"", "'", "\"; " + DO + "; \"", "'; " + DO + "; '", "\"'; " + DO + " #", "'\"'\"'; " + DO + " #",
    "\\'; " + DO + " #",
    "\\\"; " + DO + " #", "\\", "\\\\", "a\\", "\\\n", "it's", "\"a\" 'b'",
    # the ends of constructions
    ") " + DO + "; (", "} " + DO + "; {", ";; *) " + DO + " ;; esac", "esac; " + DO, "done; " + DO, "fi; " + DO,
    "EOF", "EOF\n" + DO + "\n", "\nEOF\n" + DO + "\ncat <<EOF\n", "\n\tEOF\n" + DO, "]] && " + DO, "] || " + DO,
    "x ] ; " + DO,
    ")", "(", "]", "[", "}", "{", "=", "!", "( x", "-a", "-o", "x -o 1 = 1", "a|b", ";;", "&",
    # redirection
    "> pwned", ">> pwned", "2> pwned", ">| pwned", "&> pwned", "< /etc/passwd", "<(" + DO + ")", ">(" + DO + ")",
    "<<<x",
    "<<EOF", "3<>pwned", "/dev/tcp/127.0.0.1/1",
    # formats, escapes, control characters, other alphabets
    "%s%n%d", "%", "%q", "\\n\\t\\0\\033", "\\c", "\x01\x02\x1b[2J\x7f", "caf\u00e9 \u65e5\u672c", "\u202e",
    "\u2028" + DO,
    "\u00a0; " + DO, "\uff1b " + DO, "e\u0301", "\U0001f4a5",
    # environment
    "() { :;}; " + DO, "BASH_FUNC_x%%=() { " + DO + "; }", "PATH=.", "IFS=/", "LD_PRELOAD=./x", "eval " + DO,
    "exec " + DO,
    "source pwned", ". pwned",
]

# place: (line of the script, what should be in the file). X is the expression, V the value.
PLACES = {
    "unquoted": ("printf '%s' X > $O/unquoted", "V"),
    "quoted": ("printf '%s' \"X\" > $O/quoted", "V"),
    "in_a_word": ("printf '%s' a=Xb > $O/in_a_word", "a=Vb"),
    "in_a_text": ("printf '%s' \"say \\\"X\\\" to 'X'\" > $O/in_a_text", "say \"V\" to 'V'"),
    "twice": ("printf '%s' XX\"X\" > $O/twice", "VVV"),
    "behind_quotes": ("printf '%s' 'it''s '\"$E\"X > $O/behind_quotes", "its VV"),
    "arguments": ("f() { printf '%s|%s|%s' \"$#\" \"$1\" \"$2\"; }; f X \"X\" > $O/arguments", "2|V|V"),
    "set": ("set -- X z; printf '%s|%s|%s' \"$#\" \"$1\" \"$2\" > $O/set", "2|V|z"),
    "assigned": ("v=X; printf '%s' \"$v\" > $O/assigned", "V"),
    "exported": ("export w=X; printf '%s' \"$w\" > $O/exported", "V"),
    "local": ("g() { local v=X; printf '%s' \"$v\"; }; g > $O/local", "V"),
    "one_command": ("W=X sh -c 'printf %s \"$W\"' > $O/one_command", "V"),
    "case": ("case X in X) printf same;; *) printf different;; esac > $O/case", "same"),
    "case_other": ("case zz in X) printf same;; *) printf different;; esac > $O/case_other", "different"),
    "for": ("for i in X b; do printf '[%s]' \"$i\"; done > $O/for", "[V][b]"),
    "test": ("if [ X = X ] && [ \"xX\" = \"xX\" ]; then printf equal; fi > $O/test", "equal"),
    "substituted": ("v=$(printf '%s.' X); printf '%s' \"$v\" > $O/substituted", "V."),
    "substituted_twice": ("printf '%s' \"$(printf '%s.' \"$(printf '%s.' \"X\")\")\" > $O/substituted_twice", "V.."),
    "subshell": ("( printf '%s' X ) > $O/subshell", "V"),
    "braces": ("{ printf '%s' X; } > $O/braces", "V"),
    "pipe": ("printf '%s' X | cat > $O/pipe", "V"),
    "and_or": ("false || printf '%s' X > $O/and_or && :", "V"),
    "background": ("printf '%s' X > $O/background & wait", "V"),
    "document": ("cat > $O/document <<EOF\n<X> 'X' \"X\"\nEOF", "<V> 'V' \"V\"\n"),
    "document_tabs": ("cat > $O/document_tabs <<-EOF\n\t<X>\n\tEOF", "<V>\n"),
    "document_in_substitution": ("v=$(cat <<EOF\n<X>\nEOF\n)\nprintf '%s' \"$v\" > $O/document_in_substitution", "<V>"),
    "if_elif": ("if false; then :; elif true; then printf '%s' X > $O/if_elif; fi", "V"),
    "quoted_for_later": ("eval \"printf '%s' $Q\" > $O/quoted_for_later", "V"),
    "variable": ("printf '%s' \"$E\" > $O/variable", "V"),
    "stdin": ("cat > $O/stdin", "V"),
    "folder": ("printf '%s' \"$PWD\" > $O/folder", "FOLDER"),
}
BASH_PLACES = {
    "here_string": ("cat <<< X > $O/here_string", "V\n"),
    "array": ("a=(X b); printf '%s|%s' \"${#a[@]}\" \"${a[0]}\" > $O/array", "2|V"),
    "brackets": ("[[ X == X && ! zz == X ]] && printf equal > $O/brackets", "equal"),
    "member": ("declare -A m; m[k]=X; printf '%s' \"${m[k]}\" > $O/member", "V"),
    "process": ("cat <(printf '%s' X) > $O/process", "V"),
}

SHELLS = ["sh", "dash", "bash"]


def as_yaml(value):
    """JSON is YAML, but for pairs of surrogates."""
    def escape(match):
        code = ord(match.group())
        return "\\u%04x" % code if code < 0x10000 else "\\U%08x" % code

    return re.sub("[^ -~]", escape, json.dumps(value, ensure_ascii=False))


class Inject(levada.Case):
    def folder_name(self, number, shell):
        """A folder whose name is the attack, where the file system allows it."""
        attack = ATTACKS[number]
        plain = "/" in attack or attack in ("", ".", "..") or len(attack.encode()) > 200
        return f"{shell}-{number}-" + ("plain" if plain else attack)

    def script(self, number, shell):
        lines = []
        for line, _ in self.places(shell).values():
            lines.append(line.replace("X", "${{ params.v%d }}" % number))
        # A value may be among the shell's history or functions; nothing may be left of either.
        return "\n".join(["O=\"$OUT\""] + [line.replace("$O/", "\"$O\"/") for line in lines]) + "\n"

    @staticmethod
    def places(shell):
        return {**PLACES, **BASH_PLACES} if shell == "bash" else PLACES

    def workflow(self, shell):
        params = {"v%d" % i: {"type": "string"} for i in range(len(ATTACKS))}
        params.update({"d%d" % i: {"type": "string"} for i in range(len(ATTACKS))})
        steps = []
        for i in range(len(ATTACKS)):
            steps.append({"id": "s%d" % i, "shell": shell, "effect": "idempotent", "needs": [],
                "cwd": "${{ params.d%d }}" % i,
                          "env": {"E": "${{ params.v%d }}" % i, "OUT": os.path.join(self.folder, "out", shell, str(i)),
                                  "Q": "${{ shell_quote(params.v%d) }}" % i},
                          "stdin": "${{ params.v%d }}" % i, "run": self.script(i, shell)})
        return {"levada": 1, "name": "inject_" + shell, "params": params, "steps": steps}

    def run_all(self, shell):
        values = {}
        for i, attack in enumerate(ATTACKS):
            name = os.path.join("desk", self.folder_name(i, shell))
            os.makedirs(os.path.join(self.folder, name))
            os.makedirs(os.path.join(self.folder, "out", shell, str(i)))
            values["v%d" % i], values["d%d" % i] = attack, name
        flow = self.write(shell + ".yaml", as_yaml(self.workflow(shell)))
        home = os.path.join(self.folder, "home-" + shell)
        os.mkdir(home)
        self.levada("run", "--max-parallel", "4", "--params", self.write(shell + ".json", as_yaml(values)), flow,
                    env={"HOME": home, "CDPATH": "", "IFS": " \t\n"}, timeout=400)
        return home

    def check_one(self, number, shell):
        attack, wrong = ATTACKS[number], []
        desk = os.path.join(self.folder, "desk", self.folder_name(number, shell))
        out = os.path.join(self.folder, "out", shell, str(number))
        if os.listdir(desk):
            wrong.append("appeared: %r" % os.listdir(desk))
        for place, (_, want) in self.places(shell).items():
            want = want.replace("V", attack) if want != "FOLDER" else desk
            try:
                with open(os.path.join(out, place), "rb") as file:
                    got = file.read()
            except FileNotFoundError:
                got = None
            if got != want.encode():
                wrong.append("%s: %r instead of %r" % (place, got and got[:200], want.encode()[:200]))
        if set(os.listdir(out)) != set(self.places(shell)):
            wrong.append("files: %r" % os.listdir(out))
        return wrong

    def check_shell(self, shell):
        if shutil.which(shell) is None:
            self.skipTest(shell + " is not installed")
        home = self.run_all(shell)
        wrong = []
        for i, attack in enumerate(ATTACKS):
            wrong += ["%r: %s" % (attack[:60], line) for line in self.check_one(i, shell)]
        self.assertEqual(wrong[:10], [], "%d in all" % len(wrong))
        self.assertEqual(os.listdir(home), [])
        for top, folders, files in os.walk(self.folder):
            for name in folders + files:
                self.assertNotEqual(name, "pwned", top)

    def test_there_are_attacks_of_every_kind(self):
        self.assertGreaterEqual(len(ATTACKS), 60)
        self.assertEqual(len(set(ATTACKS)), len(ATTACKS))

    def test_in_sh_each_value_arrives_as_it_is_in_every_place_and_does_nothing_else(self):
        self.check_shell("sh")

    def test_in_dash_each_value_arrives_as_it_is_in_every_place_and_does_nothing_else(self):
        self.check_shell("dash")

    def test_in_bash_each_value_arrives_as_it_is_in_every_place_and_does_nothing_else(self):
        self.check_shell("bash")

    def test_the_attacks_are_attacks_when_they_are_pasted_into_a_script(self):
        """What this test would see if a value became text."""
        marks = 0
        for i, attack in enumerate(ATTACKS):
            if DO not in attack and "> pwned" not in attack:
                continue
            desk = os.path.join(self.folder, "pasted", str(i))
            os.makedirs(desk)
            subprocess.run(["bash", "-c", "printf '%%s' %s" % attack], cwd=desk, stdin=subprocess.DEVNULL,
                capture_output=True,
                           timeout=30, env={"PATH": "/usr/bin:/bin", "HOME": desk}, check=False)
            marks += os.path.exists(os.path.join(desk, "pwned"))
        self.assertGreaterEqual(marks, 20)


if __name__ == "__main__":
    levada.main()
