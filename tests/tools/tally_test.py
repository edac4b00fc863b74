#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The last line of tools/test is what everybody trusts, so it is tested itself: small results in, verdict out."""
import os
import subprocess
import sys
import tempfile

SOURCE = os.environ["LEVADA_SOURCE"]
CUNIT = """
     CUnit - A unit testing framework for C

Suite: buf
  Test: a full buffer drops bytes ...passed
  Test: an empty buffer is a text ...%s
Run Summary:    Type  Total    Ran Passed Failed Inactive
"""


def case(name, status, output="", inside=""):
    output = output.replace("&", "&amp;").replace("<", "&lt;")
    return f'<testcase name="{name}" status="{status}">{inside}<system-out>{output}</system-out></testcase>'


def skipped(name, output):
    return case(name, "notrun", output, '<skipped message="SKIP_RETURN_CODE=77"/>')


def broken(name, output):
    return case(name, "fail", output, '<failure message="Failed"/>')


# sentence, test cases, notes, SKIPS, last line, exit code, a text that must be printed
CASES = [
    ("a program without sentences counts as one",
     [case("a/b", "run", "fine")],
     "", "", "1 passed, 0 failed, 0 skipped", 0, ""),
    ("each CUnit sentence counts",
     [case("a/b", "run", CUNIT % "passed")],
     "", "", "2 passed, 0 failed, 0 skipped", 0, ""),
    ("a failed CUnit sentence is named",
     [broken("a/b", CUNIT % "FAILED\n  1. x.c:3 - no")],
     "", "", "1 passed, 1 failed, 0 skipped", 1, "failed: a/b: an empty buffer is a text (check)"),
    ("each TAP line counts",
     [case("a/b", "run", "1..2\nok 1 - one\nok 2 - two\n")],
     "", "", "2 passed, 0 failed, 0 skipped", 0, ""),
    ("a failed TAP line is named",
     [broken("a/b", "ok 1 - one\nnot ok 2 - two\n")],
     "", "", "1 passed, 1 failed, 0 skipped", 1, "failed: a/b: two (check)"),
    ("each test of a Python unittest counts",
     [broken("a/b", "test_one_is_one (__main__.A.test_one_is_one) ... ok\ntest_two (__main__.A.test_two) ... FAIL\n"
             "test_no (__main__.A.test_no) ... skipped 'no root'\n")],
     "", "a/b: no | needs root\n", "1 passed, 1 failed, 1 skipped", 1, "skipped: a/b: no (check): no root"),
    ("a program that lies about its failure is caught",
     [case("a/b", "run", "not ok 1 - one\n")],
     "", "", "0 passed, 2 failed, 0 skipped", 1, "although a sentence in it failed"),
    ("a crash after good sentences is a failure",
     [broken("a/b", "ok 1 - one\n")],
     "", "", "1 passed, 1 failed, 0 skipped", 1, "failed: a/b (check): Failed"),
    ("a listed skip is a skip and says why",
     [case("x", "run"), skipped("a/b", "no server\nskip: no PostgreSQL here")],
     "", "a/b | needs PostgreSQL\n", "1 passed, 0 failed, 1 skipped", 0, "skipped: a/b (check): no PostgreSQL here"),
    ("a skip nobody listed is a failure",
     [case("x", "run"), skipped("a/b", "skip: why not")],
     "", "a/c | other\n", "1 passed, 1 failed, 0 skipped", 1, "does not list it: why not"),
    ("one sentence may be skipped",
     [case("a/b", "run", "ok 1 - one\nok 2 - two # SKIP no disk\n")],
     "", "a/b: two | needs a disk\n", "1 passed, 0 failed, 1 skipped", 0, "skipped: a/b: two (check): no disk"),
    ("a wildcard lists many",
     [case("x", "run"), skipped("peer/a", ""), skipped("peer/b", "")],
     "", "peer/* | servers\n", "1 passed, 0 failed, 2 skipped", 0, "no reason given"),
    ("a build that failed counts",
     [case("x", "run")],
     "failed build/clang: builds without a warning\n", "", "1 passed, 1 failed, 0 skipped", 1,
     "failed: build/clang: builds without a warning"),
    ("nothing run is a failure",
     [],
     "", "", "0 passed, 1 failed, 0 skipped", 1, "nothing was run"),
]


def main():
    failed = 0
    print(f"1..{len(CASES)}")
    for number, (sentence, cases, notes, skips, last, code, text) in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory() as folder:
            for name, content in (("notes", notes), ("SKIPS", skips),
                                  ("check.xml", f"<testsuite>{''.join(cases)}</testsuite>")):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(content)
            result = subprocess.run([sys.executable, os.path.join(SOURCE, "tools/tally.py"),
                                     os.path.join(folder, "SKIPS"), folder], stdout=subprocess.PIPE, text=True)
        good = result.returncode == code and result.stdout.strip().split("\n")[-1] == last and text in result.stdout
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {sentence}")
        if not good:
            print("  | " + result.stdout.replace("\n", "\n  | "))
    sys.exit(1 if failed else 0)


main()
