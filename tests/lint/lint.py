#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The house rules that a compiler does not hold. One rule per run: lint.py RULE [argument].

Each rule is a function that yields (file, line, message). The last table names them all."""
import fnmatch
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINES_MAX, FUNCTION_LINES_MAX, COLUMNS_MAX = 600, 70, 120
BINARY_SIZE_MAX = 2 * 1000 * 1000

# Who may include whom. A folder that is not named here may not exist in core/.
BELOW = {
    "base": [],
    "net": ["base"],
    "plugin": ["base"],
    "workflow": ["base", "plugin"],
    "run": ["base", "plugin", "workflow"],
    "schedule": ["base", "plugin", "workflow", "run"],
    "show": ["base", "plugin", "workflow", "run"],
    "cli": ["base", "plugin", "workflow", "run", "schedule", "show"],
}

# One library, one file: header -> the only places of core/ that may include it.
LIBRARIES = [
    (r"yaml\.h", ["core/workflow/parse*.[ch]", "core/workflow/yaml.c"]),
    (r"(lua|lauxlib|lualib|luaconf)\.h", ["core/workflow/expr*.[ch]", "core/workflow/library*.[ch]",
                                          "core/workflow/script*.[ch]", "core/workflow/lua*.[ch]"]),
    (r"sqlite3\.h", ["core/run/journal*.[ch]"]),
    (r"dlfcn\.h", ["core/plugin/loader*.[ch]"]),
    (r"(md5|sha|sha1|sha2|sha256|sha512|rmd160|md2|md4)\.h", ["core/base/hash.c"]),
    (r"jansson\.h", ["core/base/json.c"]),
    (r"curl/.*", ["core/net/http.c"]),
    (r"openssl/.*", ["core/net/sigv4.c", "core/net/sign.c"]),
    (r"microhttpd\.h", ["core/show/serve.c"]),
    (r"duckdb\.h", []),
]

BANNED = "strcpy strcat sprintf strtok atoi system popen localtime gmtime rand".split()
HEAP = "malloc calloc realloc reallocarray strdup strndup asprintf vasprintf".split()
HEAP_OWNERS = ["core/base/arena.c", "core/base/buf.c"]


def tracked():
    """Every file of the clone, by path from its root; of an unpacked archive, every file outside build/."""
    git = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if git.returncode == 0 and git.stdout:
        return sorted(n for n in git.stdout.decode().split("\0") if n and os.path.isfile(os.path.join(ROOT, n)))
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in ("build", ".git", "__pycache__")]
        found += [os.path.relpath(os.path.join(folder, f), ROOT) for f in files]
    return sorted(found)


def read(name):
    with open(os.path.join(ROOT, name), "rb") as file:
        return file.read().decode("utf-8", "replace")


def c_files(*tops):
    return [n for n in tracked() if n.endswith((".c", ".h")) and (not tops or n.split("/")[0] in tops)]


def is_input(name):
    """Inputs of tests are what they must be, wrong or not."""
    return name.startswith(("tests/fuzz/corpus/", "tests/golden/", "tests/abi/"))


def without_text(source):
    """The source with comments and string contents blanked, every line where it was."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", blank, source, flags=re.S)


def includes(name):
    for number, line in enumerate(read(name).split("\n"), 1):
        match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1), match.group(2)


def rule_includes():
    for name in c_files("core", "plugins"):
        parts = name.split("/")
        for number, quote, header in includes(name):
            if header == "levada/plugin.h":
                continue
            if parts[0] == "core" and quote == '"':
                folder = header.split("/")[0]
                if parts[1] not in BELOW:
                    yield name, number, f'core/{parts[1]} has no place in the include rule (core/README.md)'
                elif "/" not in header or folder not in BELOW:
                    yield name, number, f'write "folder/{os.path.basename(header)}", not "{header}"'
                elif folder != parts[1] and folder not in BELOW[parts[1]]:
                    yield name, number, f'core/{parts[1]} may not include "{header}": includes point down only'
            elif parts[0] == "plugins" and quote == '"':
                own = os.path.join(ROOT, "plugins", parts[1], header)
                common = os.path.join(ROOT, "plugins", "common", os.path.basename(header))
                if not os.path.isfile(own) and not (header.startswith("common/") and os.path.isfile(common)):
                    yield name, number, (f'a plugin includes <levada/plugin.h>, its own headers and plugins/common, '
                                         f'not "{header}"')
    for name in c_files("tests"):
        match = re.match(r"tests/unit/(\w+)/", name)
        for number, quote, header in includes(name) if match else ():
            folder = header.split("/")[0]
            if quote == '"' and folder in BELOW and folder != match.group(1) and folder not in BELOW[match.group(1)]:
                yield name, number, f'a test of {match.group(1)} may include only that folder and those below it'


def rule_libraries():
    for name in c_files("core", "include"):
        for number, _, header in includes(name):
            for pattern, places in LIBRARIES:
                if re.fullmatch(pattern, header) and not any(fnmatch.fnmatch(name, p) for p in places):
                    yield name, number, f"<{header}> belongs to {' '.join(places) or 'plugins'} alone"
    for name in c_files("plugins"):
        for number, _, header in includes(name):
            if re.fullmatch(r"curl/.*|openssl/.*|sqlite3\.h|lua\.h", header):
                yield name, number, f"a plugin asks its host for what <{header}> does"


def rule_banned():
    words = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    heap = re.compile(r"(?<![\w.>])(" + "|".join(HEAP) + r")\s*\(")
    for name in c_files():
        if is_input(name):
            continue
        for number, line in enumerate(without_text(read(name)).split("\n"), 1):
            for match in words.finditer(line):
                yield name, number, f"{match.group(1)}() is banned (CONTRIBUTING.md)"
            if name.startswith("core/") and name not in HEAP_OWNERS:
                for match in heap.finditer(line):
                    yield name, number, f"{match.group(1)}() only in {' and '.join(HEAP_OWNERS)}: use an arena or a buf"


def rule_readme():
    names = set(tracked())
    folders = set()
    for name in names:
        parts = os.path.dirname(name).split("/")
        for depth in range(1, min(len(parts), 2) + 1):
            folders.add("/".join(parts[:depth]))
    for folder in sorted(f for f in folders if f and not f.startswith(".") and f != "include/levada"):
        if folder + "/README.md" not in names:
            yield folder, 0, "a folder says in its README.md what it is for, its one invariant and what it may include"
    known = {os.path.basename(n) for n in names}
    for name in sorted(n for n in names if n.endswith("/README.md")):
        for number, line in enumerate(read(name).split("\n"), 1):
            for file in re.findall(r"`([a-z]\w*\.[ch])`", line):
                if file not in known and "NAME" not in file:
                    yield name, number, f"there is no `{file}`"


def rule_links():
    for name in (n for n in tracked() if n.endswith(".md")):
        for number, line in enumerate(read(name).split("\n"), 1):
            for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", line):
                if not os.path.exists(os.path.join(ROOT, os.path.dirname(name), link)):
                    yield name, number, f"the link to {link} leads nowhere"


def rule_spdx():
    for name in tracked():
        text = read(name) if not is_input(name) else ""
        program = name.endswith((".c", ".h", ".py", ".lua", ".sh")) or text.startswith("#!")
        if program and text.strip() and "SPDX-License-Identifier: Apache-2.0" not in "".join(text.split("\n")[:3]):
            yield name, 1, "the SPDX line is missing from the first three lines"


def rule_unfinished():
    words = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
    for name in tracked():
        for number, line in enumerate(read(name).split("\n") if not is_input(name) else [], 1):
            if words.search(line):
                yield name, number, "unfinished work is an issue, not a comment"


def rule_places():
    """Nothing names a folder of the machine it was written on, and nothing that builds names a host to fetch from."""
    here = "|".join(re.escape(p) for p in {ROOT, os.path.expanduser("~")} if len(p) > 2)
    folders = re.compile(r"(?<![\w.$}])(/(work|root|tmp/wt|tmp/prep)|" + here + r")(/|\b)")
    for name in tracked():
        if name == "tests/lint/lint.py" or is_input(name):
            continue
        builds = name.startswith(("tools/", ".ci/")) or os.path.basename(name).startswith("CMake")
        for number, line in enumerate(read(name).split("\n"), 1):
            if folders.search(line):
                yield name, number, "a path of one machine"
            if builds and re.search(r"https?://(?!127\.0\.0\.1|localhost)", line):
                yield name, number, "tools fetch by package name through the package clients, never by address"


def rule_size():
    for name in tracked():
        if not name.endswith((".c", ".h", ".py", ".sh", ".lua")) or is_input(name):
            continue
        lines = read(name).split("\n")
        if len(lines) - 1 > LINES_MAX:
            yield name, len(lines) - 1, f"longer than {LINES_MAX} lines: it holds two nouns"
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS_MAX:
                yield name, number, f"longer than {COLUMNS_MAX} columns ({len(line)})"
            if "\t" in line or line.endswith((" ", "\r")):
                yield name, number, "a tab or a blank at the end of the line"


def rule_functions():
    for name in c_files():
        if is_input(name):
            continue
        lines = without_text(read(name)).split("\n")
        for opened in (i for i, line in enumerate(lines) if line == "{"):
            head = opened - 1
            while head > 0 and not re.match(r"[A-Za-z_]\w*\(", lines[head]) and lines[head].strip():
                head -= 1
            closed = next((i for i in range(opened, len(lines)) if lines[i].startswith("}")), opened)
            match = re.match(r"([A-Za-z_]\w*)\(", lines[head])
            if not match:
                yield name, opened + 1, "the name of a function starts its own line, below its type"
            elif closed - head + 1 > FUNCTION_LINES_MAX:
                length = closed - head + 1
                yield name, head + 1, f"{match.group(1)}() has {length} lines, more than {FUNCTION_LINES_MAX}"


def rule_typedefs():
    for name in c_files("core", "plugins"):
        for number, line in enumerate(without_text(read(name)).split("\n"), 1):
            if re.match(r"\s*typedef\s+(struct|union|enum)\b", line):
                yield name, number, "no typedef for structs: write struct where it is used"


def rule_binary(program, stripped_counts):
    """The engine links neither a network nor a database library, exports nothing, and stays small."""
    dynamic = subprocess.run(["readelf", "-dW", program], check=True, stdout=subprocess.PIPE, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.+?)\]", dynamic)
    if not needed:
        yield program, 0, "no needed library found: is this the program?"
    for library in needed:
        if re.match(r"lib(curl|ssl|crypto|duckdb|pq|mariadb|stdc\+\+)\b", library):
            yield program, 0, f"links {library}; only a worker may map that"
    symbols = subprocess.run(["nm", "-D", "--defined-only", program], check=True, stdout=subprocess.PIPE, text=True)
    for symbol in re.findall(r"\b[TDR] (\w+)", symbols.stdout):
        if not symbol.startswith("_") and stripped_counts == "yes":
            yield program, 0, f"exports {symbol}; a plugin must find the host in the table it is given, nowhere else"
    if stripped_counts == "yes":
        copy = program + ".stripped"
        subprocess.run(["strip", "-o", copy, program], check=True)
        size = os.path.getsize(copy)
        os.unlink(copy)
        print(f"{size} bytes stripped, {' '.join(needed)}")
        if size > BINARY_SIZE_MAX:
            yield program, 0, f"{size} bytes stripped, more than {BINARY_SIZE_MAX}"


RULES = {name[5:]: rule for name, rule in list(globals().items()) if name.startswith("rule_")}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in RULES:
        sys.exit("usage: lint.py " + "|".join(RULES) + " [argument...]")
    count = 0
    for file, line, message in RULES[sys.argv[1]](*sys.argv[2:]):
        print(f"{file}:{line}: {message}" if line else f"{file}: {message}")
        count += 1
    sys.exit(1 if count else 0)


main()
