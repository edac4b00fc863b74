#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tally.py SKIPS FOLDER: counts what a test run left in FOLDER and prints `N passed, N failed, N skipped`.

Counted is the smallest thing with a name: each sentence of a CUnit program, each TAP line, each test of a
Python unittest, and a whole program where its output has none of them. Skips are listed with their reasons;
one that SKIPS does not list counts as failed. The exit code is 0 only if nothing failed."""
import fnmatch
import glob
import os
import re
import sys
import xml.etree.ElementTree as xml


def allowed_skips(path):
    """Lines `pattern | reason`; the pattern is a test's name, or `name: sentence`, and may hold wildcards."""
    patterns = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            pattern, bar, reason = line.partition("|")
            if not bar or not reason.strip():
                sys.exit(f"{path}:{number}: expected `pattern | reason`")
            patterns.append(pattern.strip())
    return patterns


def sentences(output):
    """(verdict, sentence, reason) for each named thing in one program's output."""
    found = []
    cunit = r"^  Test: (.*?) ?\.\.\.(.*?)(?=^  Test: |^Suite: |^Run Summary:|\Z)"
    for match in re.finditer(cunit, output, re.S | re.M):
        verdict = re.search(r"(passed|FAILED)", match.group(2))
        found.append(("passed" if verdict and verdict.group(1) == "passed" else "failed", match.group(1), ""))
    for match in re.finditer(r"^(not ok|ok)\b *\d* *-? *(.*?)(?: *# *(?i:skip)\b:? *(.*))?$", output, re.M):
        verdict = "failed" if match.group(1) == "not ok" else "skipped" if match.group(3) is not None else "passed"
        found.append((verdict, match.group(2), match.group(3) or ""))
    for match in re.finditer(r"^test_(\w+) \(.*\)(?:\n.*)? \.\.\. (ok|FAIL|ERROR|skipped '(.*)')$", output, re.M):
        verdict = {"ok": "passed", "FAIL": "failed", "ERROR": "failed"}.get(match.group(2), "skipped")
        found.append((verdict, match.group(1).replace("_", " "), match.group(3) or ""))
    return found


def read_results(path):
    """Yields (verdict, name, reason) for one JUnit file written by ctest."""
    for case in xml.parse(path).getroot().iter("testcase"):
        name = case.get("name")
        output = case.findtext("system-out") or ""
        inner = sentences(output)
        last = (output.strip().split("\n") or [""])[-1]
        if case.get("status") == "run":
            if any(verdict == "failed" for verdict, _, _ in inner):
                yield "failed", name, "it passed although a sentence in it failed"
            elif not inner:
                yield "passed", name, ""
        elif case.find("skipped") is not None:
            yield "skipped", name, re.sub(r"^\W*skip(ped)?\W*", "", last, flags=re.I) or "no reason given"
            continue
        elif not any(verdict == "failed" for verdict, _, _ in inner):
            failure = case.find("failure")
            yield "failed", name, (failure.get("message") if failure is not None else "") or case.get("status")
        for verdict, sentence, reason in inner:
            yield verdict, f"{name}: {sentence}", reason


def read_notes(path):
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            for line in file:
                verdict, _, name = line.strip().partition(" ")
                yield verdict, name, ""


def main():
    patterns = allowed_skips(sys.argv[1])
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    failures, skips = [], {}
    results = [("", r) for r in read_notes(os.path.join(sys.argv[2], "notes"))]
    for path in sorted(glob.glob(os.path.join(sys.argv[2], "*.xml"))):
        preset = os.path.basename(path)[:-4]
        results += [(preset, r) for r in read_results(path)]
    for preset, (verdict, name, reason) in results:
        if verdict == "skipped" and not any(fnmatch.fnmatchcase(name, p) for p in patterns):
            verdict, reason = "failed", f"skipped, and {sys.argv[1]} does not list it: {reason}"
        counts[verdict] += 1
        where = f" ({preset})" if preset else ""
        if verdict == "failed":
            failures.append(f"{name}{where}" + (f": {reason}" if reason else ""))
        elif verdict == "skipped":
            skips.setdefault((name, reason), []).append(preset)
    for (name, reason), presets in sorted(skips.items()):
        print(f"skipped: {name} ({', '.join(presets)}): {reason}")
    for line in failures:
        print(f"failed: {line}")
    if not counts["passed"] and not counts["failed"]:
        counts["failed"] = 1
        print("failed: nothing was run")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(1 if counts["failed"] else 0)


main()
