#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every YAML block of the README and the documents is a whole workflow that `levada check` takes without a word, and is
run in an empty folder. A comment above it may say otherwise:
    <!-- needs: PLUGIN -->      not run, and checked only where the plugin was built
    <!-- run with: ARGUMENTS -->
    <!-- ends with: EXIT CODE -->
    <!-- not run: REASON -->
    <!-- part: REASON -->       no whole workflow, and not looked at
docs/plugin.md is followed to the letter by plugin_doc_test.sh."""
import glob
import os
import re
import subprocess
import sys
import tempfile

SOURCE, BUILD, LEVADA = os.environ["LEVADA_SOURCE"], os.environ["LEVADA_BUILD"], os.environ["LEVADA"]
PLUGINS = os.path.join(BUILD, "lib", "levada", "plugins")
BLOCK = re.compile(r"(?:<!-- (needs|run with|ends with|not run|part): ([^>]*?) -->\n)?```ya?ml\n(.*?)```", re.S)
# What the examples call that no machine has.
PROGRAMS = {"load": "exit 0", "decorate": "exit 0", "publish": "exit 0", "convert": "exit 0", "sign": "exit 0",
    "curl": "echo {} > data.json"}
count = failures = 0


def tell(good, sentence, detail=""):
    global count, failures
    count += 1
    print("%s %d - %s" % ("ok" if good else "not ok", count, sentence))
    if not good:
        failures += 1
        print("\n".join("  | " + line for line in detail.splitlines()))


def levada(folder, *args):
    env = dict(os.environ, LEVADA_STATE=os.path.join(folder, "state"), LEVADA_PLUGIN_PATH=PLUGINS, NO_COLOR="1",
               PATH=folder + os.pathsep + os.environ["PATH"])
    done = subprocess.run([LEVADA, *args], cwd=folder, env=env, capture_output=True, text=True, timeout=100,
        check=False,
                          stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


def one(name, line, mark, argument, text):
    where = "%s:%d" % (name, line)
    if mark == "part":
        return
    if mark == "needs" and not os.path.exists(os.path.join(PLUGINS, argument + ".so")):
        tell(True, where + " needs the plugin " + argument + " # SKIP it was not built")
        return
    with tempfile.TemporaryDirectory(prefix="levada-docs-") as folder:
        for program, script in PROGRAMS.items():
            path = os.path.join(folder, program)
            with open(path, "w", encoding="utf-8") as out:
                out.write("#!/bin/sh\n" + script + "\n")
            os.chmod(path, 0o755)
        with open(os.path.join(folder, "flow.yaml"), "w", encoding="utf-8") as out:
            out.write(text)
        code, said = levada(folder, "check", "flow.yaml")
        tell(code == 0 and len(said.splitlines()) == 1, where + " is a workflow without a fault", text + said)
        if mark in ("needs", "not run"):
            return
        # What waits in it for a reader to do something need not wait here.
        with open(os.path.join(folder, "flow.yaml"), "w", encoding="utf-8") as out:
            out.write(re.sub(r"\bsleep \d+", "sleep 0", text))
        code, said = levada(folder, "run", *(argument.split() if mark == "run with" else []), "flow.yaml")
        tell(code == (int(argument) if mark == "ends with" else 0), where + " runs as it stands", text + said)


def main():
    documents = sorted(glob.glob(os.path.join(SOURCE, "docs", "**", "*.md"), recursive=True))
    documents.append(os.path.join(SOURCE, "README.md"))
    found = 0
    for path in documents:
        name = os.path.relpath(path, SOURCE)
        if name == os.path.join("docs", "plugin.md"):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for block in BLOCK.finditer(text):
            found += 1
            one(name, text.count("\n", 0, block.start()) + 1, block[1], block[2], block[3])
        fences = len(re.findall(r"^\s*```ya?ml", text, re.M))
        tell(fences == len(BLOCK.findall(text)), name + " has no block that this test cannot read")
    tell(found >= 14, "the documents have examples")
    print("1..%d" % count)
    return 1 if failures else 0


sys.exit(main())
