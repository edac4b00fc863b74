# SPDX-License-Identifier: Apache-2.0
"""Files made to hurt: `levada check` refuses each in little memory, and says why. How long it took is printed, never
judged. The files are written piece by piece, because a child's peak begins with what its parent has."""
import os
import resource
import subprocess
import sys
import time

import levada

MIB = 1 << 20
SANE = b"levada: 1\nsteps:\n  - id: a\n    run: echo\n"


def is_sanitized():
    with open(os.path.join(levada.BUILD, "CMakeCache.txt"), encoding="utf-8") as cache:
        return any(line.strip() == "LEVADA_SANITIZE:BOOL=ON" for line in cache)


MOST = 700 if is_sanitized() else 64  # MiB; sanitizers keep what was freed, and shadows of all


def many(piece, count):
    """`piece` of a number, `count` times, in writes of some size."""
    for start in range(0, count, 10000):
        yield b"".join(piece(i) for i in range(start, min(start + 10000, count)))


def blank(piece, size):
    part = piece * (MIB // len(piece))
    for _ in range(size // len(part)):
        yield part


class Bombs(levada.Case):
    def refused(self, code, message, *pieces, size=None):
        """Writes the file, checks it, and looks at exit code, message and peak memory."""
        path = os.path.join(self.folder, "bomb.yaml")
        with open(path, "wb") as file:
            for piece in pieces:
                for part in [piece] if isinstance(piece, bytes) else piece:
                    file.write(part)
            if size:
                file.truncate(size)
        return self.checked(code, message, [path])

    def checked(self, code, message, arguments, stdin=subprocess.DEVNULL):
        said = os.path.join(self.folder, "said")
        with open(said, "wb") as out:
            began = time.perf_counter()
            child = subprocess.Popen([levada.LEVADA, "check", *arguments], stdin=stdin, stdout=out,
                                     stderr=subprocess.STDOUT, env=self.env)
            _, status, usage = os.wait4(child.pid, 0)
            took = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        peak = usage.ru_maxrss / 1024
        with open(said, "rb") as file:
            text = file.read(100000).decode("utf-8", "replace")
        print(f"# {self._testMethodName[5:].replace('_', ' ')}: {took * 1000:.0f} ms, {peak:.0f} MB", flush=True)
        self.assertEqual(child.returncode, 3, text[:500])
        self.assertIn(message, text[:500])
        self.assertIn(f"[{code}]", text)
        self.assertLess(peak, MOST)
        self.assertLess(len(text), 100000)
        return text

    def test_an_alias_bomb_is_refused(self):
        lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n"]
        lines += [b"a%d: &a%d [%s]\n" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 30)]
        self.refused("alias", "aliases expand to more than 10000 values", lines)

    def test_a_bomb_of_merge_keys_is_refused(self):
        self.refused("alias", "aliases expand to more than 10000 values",
                     b"b: &b {", many(lambda i: b"k%d: x, " % i, 5000), b"}\n",
                     many(lambda i: b"m%d: {<<: *b}\n" % i, 10000))

    def test_a_million_open_brackets_are_refused(self):
        self.refused("too-deep", "nested more than 64 deep", b"levada: ", blank(b"[", MIB))

    def test_a_million_open_maps_are_refused(self):
        self.refused("too-deep", "nested more than 64 deep", b"levada:\n", blank(b" {a:\n", 5 * MIB))

    def test_a_million_dashes_are_refused(self):
        self.refused("too-deep", "nested more than 64 deep", b"x:\n  ", blank(b"- ", 2 * MIB), b"y")

    def test_ever_deeper_lines_are_refused(self):
        self.refused("too-deep", "nested more than 64 deep", many(lambda i: b" " * i + b"x:\n", 3000))

    def test_a_million_question_marks_are_refused(self):
        self.refused("key-type", "a name in a map must be text", blank(b"? ", 2 * MIB))

    def test_a_file_of_two_gib_is_not_read(self):
        self.refused("file", "is larger than the limit of 33554432 bytes", b"levada: 1\n", size=2 << 30)

    def test_a_text_of_two_gib_is_not_read(self):
        """The text goes on behind what is written: the rest of the file is a hole, and costs nothing."""
        self.refused("file", "is larger than the limit of 33554432 bytes", SANE, b"    name: ", blank(b"x", 8 * MIB),
                     size=2 << 30)

    def test_an_endless_text_from_a_pipe_is_not_read_to_its_end(self):
        source = subprocess.Popen(["yes", "levada: 1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.started.append(source)
        self.checked("file", "larger than the limit of 33554432 bytes", ["-"], stdin=source.stdout)

    def test_a_text_as_large_as_a_file_may_be_is_refused(self):
        self.refused("too-large", "larger than 2097152 bytes", SANE, b"    name: ", blank(b"x", 31 * MIB))

    def test_a_quoted_text_that_is_never_closed_is_refused(self):
        self.refused("too-large", "larger than 2097152 bytes", SANE, b"    name: \"", blank(b"x", 31 * MIB))

    def test_a_name_as_large_as_a_file_may_be_is_refused(self):
        self.refused("too-large", "larger than 2097152 bytes", blank(b"x", 31 * MIB), b": y")

    def test_nothing_but_comments_behind_a_step_is_refused(self):
        self.refused("too-large", "larger than 2097152 bytes", SANE, blank(b"# x\n", 31 * MIB))

    def test_nothing_but_line_ends_is_refused(self):
        self.refused("empty", "nothing but comments", blank(b"\n", 31 * MIB))

    def test_a_byte_that_is_no_utf8_at_the_start_is_refused(self):
        self.refused("encoding", "byte 0xff at offset 0 is not UTF-8", b"\xff", blank(b"x", 31 * MIB))

    def test_a_byte_that_is_no_utf8_at_the_end_is_refused(self):
        self.refused("encoding", "is not UTF-8", SANE, blank(b"# xxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", 31 * MIB), b"\xff")

    def test_a_byte_that_is_no_utf8_behind_a_line_of_31_mib_is_refused(self):
        self.refused("encoding", "is not UTF-8", SANE, b"#", blank(b"x", 31 * MIB), b"\xff")

    def test_millions_of_names_are_refused(self):
        self.refused("too-large", "a map of more than 20000 names", b"levada: 1\nsteps: []\n",
                     many(lambda i: b"k%d:\n" % i, 3000000))

    def test_millions_of_anchors_are_refused(self):
        self.refused("too-large", "a map of more than 20000 names", b"levada: 1\n",
                     many(lambda i: b"k%d: &a%d x\n" % (i, i), 1000000))

    def test_millions_of_items_are_refused(self):
        self.refused("too-large", "a list of more than 100000 items", b"levada: [", blank(b"a,", 30 * MIB), b"a]")

    def test_a_million_names_given_twice_are_counted_to_a_hundred(self):
        text = self.refused("duplicate-key", '"run" is given twice', SANE, blank(b"    run: x\n", 11 * MIB))
        self.assertEqual(text.count("error: "), 100)
        self.assertTrue(text.endswith("with so many errors the rest of the file was not looked at\n"), text[-200:])

    def test_a_million_tags_are_counted_to_a_hundred(self):
        self.refused("tag", "YAML tags are not used here", b"levada: [", blank(b"!a b,", 10 * MIB), b"a]")

    def test_ten_thousand_steps_that_are_all_wrong_are_counted_to_a_hundred(self):
        text = self.refused("unknown-key", 'unknown key "nope"', b"levada: 1\nsteps:\n", many(
            lambda i: b"  - id: s%d\n    nope: 1\n    when: 2\n    run: 3\n" % i, 10000))
        self.assertEqual(text.count("error: "), 100)

    def test_ten_thousand_wrong_expressions_are_counted_to_a_hundred(self):
        text = self.refused("expression", 'unknown name "nope"', b"levada: 1\nsteps:\n", many(
            lambda i: b"  - id: s%d\n    run: echo ${{ nope }} ${{ a.b }} ${{ 1 + }}\n" % i, 10000))
        self.assertEqual(text.count("error: "), 100)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(levada.main())
