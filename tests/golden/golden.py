#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Workflow files and what `levada check` says of them, byte for byte: NAME.yaml, NAME.expect, whose last line is the
exit code. `golden.py --update` writes the .expect files anew; read the difference before you commit it."""
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
LEVADA = os.environ.get("LEVADA", "levada")
BUILD = os.environ.get("LEVADA_BUILD", ".")


def environment(plugins):
    env = {k: v for k, v in os.environ.items() if not k.startswith("LEVADA")}
    env["LEVADA_PLUGIN_PATH"] = plugins or os.path.join(BUILD, "tests", "plugins")
    env["LC_ALL"] = "C"
    return env


def check(*paths, text=None, folder=HERE, plugins=None):
    """Exit code, stdout and peak resident memory in MiB of `levada check PATHS`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as source:
        source.write(text or b"")
        source.seek(0)
        child = subprocess.Popen([LEVADA, "check", *paths], cwd=folder, env=environment(plugins), stdin=source, stdout=out,
                                 stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return child.returncode, out.read().decode("utf-8", "replace"), usage.ru_maxrss / 1024


def cases():
    return sorted(name[:-5] for name in os.listdir(HERE) if name.endswith(".yaml"))


def spoken(name):
    """The .expect text. Where plugins are looked for differs from machine to machine."""
    code, text, _ = check(name + ".yaml")
    return re.sub(r"Looked in .*", "Looked in FOLDERS.", text) + "exit %d\n" % code


class Files(unittest.TestCase):
    maxDiff = None

    def test_every_file_is_answered_as_expected(self):
        names = cases()
        self.assertGreaterEqual(sum(name.startswith("bad_") for name in names), 300)
        for name in names:
            with self.subTest(name):
                with open(os.path.join(HERE, name + ".expect"), encoding="utf-8") as expect:
                    self.assertEqual(expect.read(), spoken(name))

    def test_every_expectation_belongs_to_a_file(self):
        for name in os.listdir(HERE):
            if name.endswith(".expect"):
                self.assertTrue(os.path.exists(os.path.join(HERE, name[:-7] + ".yaml")), name)

    def test_several_files_are_answered_in_one_go(self):
        code, text, _ = check("good_hello.yaml", "bad_empty.yaml", "good_chain.yaml")
        self.assertEqual(code, 3)
        self.assertEqual([line.split(":")[0] for line in text.splitlines() if ".yaml" in line],
                         ["good_hello.yaml", "bad_empty.yaml", "good_chain.yaml"])

    def test_a_folder_a_missing_file_and_standard_input(self):
        code, text, _ = check("no_such.yaml", ".")
        self.assertEqual(code, 3)
        self.assertIn('no_such.yaml: error: cannot read "no_such.yaml": No such file or directory [file]', text)
        self.assertIn('.: error: "." is a directory, not a file [file]', text)
        code, text, _ = check("-", text=b"levada: 1\nsteps:\n  - {id: a, run: 'true'}\n")
        self.assertEqual((code, text), (0, "stdin: ok (1 step)\n"))


SANE = b"levada: 1\nsteps:\n  - id: a\n    run: echo\n"


class Documents(unittest.TestCase):
    """docs/workflow.md promises nothing that does not work."""

    def setUp(self):
        with open(os.path.join(HERE, "..", "..", "docs", "workflow.md"), encoding="utf-8") as doc:
            self.text = doc.read()

    def test_every_example_is_right(self):
        plugins = os.pathsep.join([os.path.join(BUILD, "lib", "levada", "plugins")])
        found = 0
        for block in re.finditer(r"(?:<!-- needs: (\w+) -->\n)?```yaml\n(levada: 1\n.*?)```", self.text, re.S):
            found += 1
            if block[1] and not os.path.exists(os.path.join(plugins, block[1] + ".so")):
                continue
            code, text, _ = check("-", text=block[2].encode(), plugins=plugins)
            self.assertEqual((code, len(text.splitlines())), (0, 1), block[2] + text)
        self.assertGreaterEqual(found, 6)

    def test_every_code_is_explained_and_every_explained_code_is_said(self):
        said = set()
        for name in os.listdir(HERE):
            if name.endswith(".expect"):
                with open(os.path.join(HERE, name), encoding="utf-8") as expect:
                    said.update(re.findall(r"^\S+(?::\d+:\d+)?: (?:error|warning|note): .* \[([a-z-]+)\]$", expect.read(), re.M))
        table = self.text[self.text.index("| code | says |"):]
        explained = set(re.findall(r"`([a-z-]+)`", "".join(line.split("|")[1] for line in table.splitlines()[2:] if "|" in line)))
        elsewhere = {"file", "too-deep", "too-large", "plugin"}  # said by the tests of this file, and of tests/evil
        self.assertEqual(said | elsewhere, explained)


class Hostile(unittest.TestCase):
    """Files made to hurt are refused soon and cheaply; the sanitizers' own memory is allowed for."""

    def refused(self, text, code, mib=200, seconds=20):
        with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
            for piece in ([text] if isinstance(text, bytes) else text):
                file.write(piece)
            file.flush()
            start = time.monotonic()
            status, out, peak = check(file.name)
            self.assertLess(time.monotonic() - start, seconds)
        self.assertEqual(status, 3, out[:2000])
        self.assertIn("[%s]" % code, out[:100000])
        self.assertLess(peak, mib)
        return out

    def test_alias_bomb(self):
        lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        for i in range(1, 30):
            lines.append(b"a%d: &a%d [%s]" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 9)))
        self.refused(b"\n".join(lines), "alias")

    def test_alias_bomb_in_a_step(self):
        bomb = SANE + b"    env: {A: &a [" + b"x," * 5000 + b"], B: [*a, *a, *a]}\n"
        self.refused(bomb, "alias")

    def test_hundred_thousand_open_brackets(self):
        self.refused(b"levada: " + b"[" * 100000, "too-deep")

    def test_hundred_thousand_open_braces_over_lines(self):
        self.refused(b"levada:\n" + b" {a:\n" * 100000, "too-deep")

    def test_deep_block_lists(self):
        self.refused(b"levada: " + b"- " * 1 + b"\n" + b"x:\n  " + b"- " * 100000 + b"y", "syntax")
        self.refused(b"x:\n  " + b"- " * 100000 + b"y", "too-deep")

    def test_a_file_of_two_gib_is_not_read(self):
        with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
            file.truncate(2 << 30)
            start = time.monotonic()
            status, out, peak = check(file.name)
        self.assertEqual(status, 3)
        self.assertIn("is larger than the limit of 33554432 bytes", out)
        self.assertLess(time.monotonic() - start, 5)
        self.assertLess(peak, 200)

    def test_an_endless_input_is_not_read_to_its_end(self):
        status, out, _ = check("/dev/zero")
        self.assertEqual(status, 3)
        self.assertIn("33554432", out)

    def test_a_text_of_a_mib_where_a_word_belongs(self):
        out = self.refused(SANE + b"    effect: " + b"x" * (1 << 20) + b"\n", "wrong-value")
        self.assertLess(len(out), 5000)

    def test_very_many_faults_are_counted_not_listed(self):
        out = self.refused(SANE + b"".join(b"    k%d: 1\n" % i for i in range(15000)), "unknown-key")
        self.assertIn("more are not shown (the limit is 100)", out)

    def test_very_many_keys_take_no_square_of_time(self):
        self.refused(SANE + b"    env:\n" + b"".join(b"      v%d: x\n" % i for i in range(19000)) + b"    oops: 1\n",
                     "unknown-key")

    def test_a_file_of_nothing_but_values(self):
        self.refused([b"levada: [", b"a," * (15 << 20), b"a]"], "too-large")

    def test_a_file_of_nothing_but_mistakes(self):
        self.refused([b"levada: 1\nsteps: []\n"] + [b"k%d:\n" % i for i in range(1000000)], "too-large")

    def test_a_file_whose_every_step_is_wrong_is_not_read_to_its_end(self):
        out = self.refused(b"levada: 1\nsteps:\n" + b"".join(b"  - {id: s%d, run: 'true', nope: 1}\n" % i for i in range(1000)),
                           "unknown-key")
        self.assertTrue(out.endswith(": with so many errors the rest of the file was not looked at\n"), out[-300:])
        self.assertEqual(out.count("error: "), 100)

    def test_every_need_of_ten_thousand_steps_is_unknown(self):
        self.refused(b"levada: 1\nsteps:\n" + b"".join(
            b"  - {id: step_%d, run: 'true', needs: [stop_%d]}\n" % (i, i) for i in range(10000)), "unknown-step", mib=600)

    def test_hundred_thousand_steps_in_a_chain(self):
        def steps():
            yield b"levada: 1\nsteps:\n  - {id: s0, run: 'true'}\n"
            for i in range(1, 100000):
                yield b"  - {id: s%d, run: 'true', needs: [s%d]}\n" % (i, i - 1)
            yield b"  - {id: last, run: 'true', needs: [nobody]}\n"
        self.refused(steps(), "too-large", mib=900, seconds=60)

    def test_a_circle_of_ten_thousand_steps(self):
        out = self.refused(b"levada: 1\nsteps:\n" + b"".join(
            b"  - {id: s%d, run: 'true', needs: [s%d]}\n" % (i, (i + 1) % 10000) for i in range(10000)), "cycle", mib=600)
        self.assertLess(len(out), 5000)

    def test_escapes_of_a_file_do_not_reach_the_terminal(self):
        out = self.refused(b'levada: 1\nsteps:\n  - id: "a\\e[31m\\u202E"\n    run: x\n    uses: "\\e]52;c;eA==\\a.b"\n', "bad-id")
        self.assertNotIn("\x1b", out)
        self.assertNotIn("\u202e", out)

    def test_damaged_bytes_at_every_place(self):
        text = b"levada: 1\nsteps:\n  - id: a\n    run: |\n      echo \"${{ run.id }}\"\n"
        for i in range(0, len(text), 5):
            for bad in (b"\xff", b"\x00", b"\xc3", b"\xed\xa0\x80"):
                status, out, _ = check("-", text=text[:i] + bad + text[i:])
                self.assertEqual(status, 3, out)
                self.assertIn("[encoding]", out)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        for case in cases():
            with open(os.path.join(HERE, case + ".expect"), "w", encoding="utf-8") as expect_file:
                expect_file.write(spoken(case))
        sys.exit(0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    unittest.main()
