#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A rule that cannot fail is no rule: each is shown one clean and one faulty small clone."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
LONG = SPDX + "int x;\n" * 600
HUGE = SPDX + "int\nhuge(void)\n{\n" + "    x();\n" * 68 + "}\n"

# sentence, rule, file, text, is it a fault?
CASES = [
    ("base may not include run", "includes", "core/base/a.c", '#include "run/state.h"\n', True),
    ("run may include base", "includes", "core/run/a.c", '#include "base/buf.h"\n', False),
    ("workflow may not include show", "includes", "core/workflow/a.c", '#include "show/tree.h"\n', True),
    ("a folder nobody declared is refused", "includes", "core/extra/a.c", '#include "base/buf.h"\n', True),
    ("core names the folder of a header", "includes", "core/base/a.c", '#include "buf.h"\n', True),
    ("a plugin may not include core", "includes", "plugins/p/a.c", '#include "base/buf.h"\n', True),
    ("a plugin may include the contract", "includes", "plugins/p/a.c", "#include <levada/plugin.h>\n", False),
    ("a test of base may not include run", "includes", "tests/unit/base/a.c", '#include "run/state.h"\n', True),
    ("libyaml belongs to the parser", "libraries", "core/run/a.c", "#include <yaml.h>\n", True),
    ("the parser may use libyaml", "libraries", "core/workflow/parse.c", "#include <yaml.h>\n", False),
    ("SQLite belongs to the journal", "libraries", "core/show/a.c", "#include <sqlite3.h>\n", True),
    ("Lua belongs to expressions and hooks", "libraries", "core/run/engine.c", "#include <lua.h>\n", True),
    ("dlopen belongs to the loader", "libraries", "core/run/worker.c", "#include <dlfcn.h>\n", True),
    ("jansson belongs to json.c", "libraries", "core/show/a.c", "#include <jansson.h>\n", True),
    ("libmd belongs to hash.c", "libraries", "core/run/a.c", "#include <sha2.h>\n", True),
    ("libcurl stays out of the engine", "libraries", "core/run/a.c", "#include <curl/curl.h>\n", True),
    ("sprintf is banned", "banned", "core/base/a.c", "    sprintf(x, y);\n", True),
    ("a banned name in a comment is no call", "banned", "core/base/a.c", "/* system(x) */ int y;\n", False),
    ("a banned name in a string is no call", "banned", "core/base/a.c", 'char *s = "popen(x)";\n', False),
    ("snprintf is not sprintf", "banned", "core/base/a.c", "    snprintf(x, 1, y);\n", False),
    ("core takes memory from arenas", "banned", "core/run/a.c", "    p = malloc(4);\n", True),
    ("the arena itself may call malloc", "banned", "core/base/arena.c", "    p = malloc(4);\n", False),
    ("a folder without README.md is found", "readme", "core/base/a.c", "int x;\n", True),
    ("a README that names a file that is gone is found", "readme", "core/README.md", "see `gone.c`\n", True),
    ("a link that leads nowhere is found", "links", "docs/a.md", "see [b](b.md)\n", True),
    ("a link to a file that is there passes", "links", "docs/a.md",
     "see [a](a.md#part) or [web](https://b.c)\n", False),
    ("a source without an SPDX line is found", "spdx", "core/base/a.c", "int x;\n", True),
    ("a source with an SPDX line passes", "spdx", "core/base/a.c", SPDX, False),
    ("unfinished work is found", "unfinished", "docs/a.md", "TO" "DO: later\n", True),
    ("a path of one machine is found", "places", "docs/a.md", "see /ro" "ot/x\n", True),
    ("a path of the system is none", "places", "docs/a.md", "see /etc/levada/config.yaml\n", False),
    ("an address in a tool is found", "places", "tools/a", "fetch http" "s://example.org/x\n", True),
    ("a file of 601 lines is too long", "size", "core/base/a.c", LONG, True),
    ("a tab is found", "size", "core/base/a.c", "\tint x;\n", True),
    ("a function of 72 lines is too long", "functions", "core/base/a.c", HUGE, True),
    ("a type stands on its own line", "functions", "core/base/a.c", "int one(void)\n{\n}\n", True),
    ("a function in our shape passes", "functions", "core/base/a.c", "int\none(void)\n{\n}\n", False),
    ("a typedef of a struct is found", "typedefs", "core/base/a.c", "typedef struct x x;\n", True),
]


def run(rule, name, text):
    with tempfile.TemporaryDirectory() as root:
        os.makedirs(os.path.join(root, "tests/lint"))
        shutil.copy(os.path.join(HERE, "lint.py"), os.path.join(root, "tests/lint/lint.py"))
        os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
        with open(os.path.join(root, name), "w", encoding="utf-8") as file:
            file.write(text)
        if rule == "readme":
            for folder in ("tests", "tests/lint", "core"):
                with open(os.path.join(root, folder, "README.md"), "a", encoding="utf-8") as file:
                    file.write("x\n")
        return subprocess.run([sys.executable, os.path.join(root, "tests/lint/lint.py"), rule],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main():
    failed = 0
    print(f"1..{len(CASES)}")
    for number, (sentence, rule, name, text, fault) in enumerate(CASES, 1):
        result = run(rule, name, text)
        good = result.returncode == (1 if fault else 0) and (name.split("/")[0] in result.stdout) == fault
        failed += not good
        print(f"{'ok' if good else 'not ok'} {number} - {sentence}")
        if not good:
            print(result.stdout)
    sys.exit(1 if failed else 0)


main()
