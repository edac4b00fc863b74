# SPDX-License-Identifier: Apache-2.0
"""A secret is made up, used wherever it may be used, and then looked for everywhere it must not be."""
import base64
import json
import os
import resource
import secrets
import shlex
import time
import unittest
import urllib.parse

import levada

# Says what it reads in every form that programs write, from every place in a line, in pieces, on both streams, as an
# output and as the last line before it fails.
SHOUT = r'''
import base64, json, os, shlex, sys, time, urllib.parse
value = sys.stdin.read()
raw = value.encode()
forms = [value, raw.hex(), raw.hex().upper(), urllib.parse.quote(value, safe=""), urllib.parse.quote(value),
         urllib.parse.quote_plus(value), json.dumps(value), json.dumps(value)[1:-1],
         json.dumps(value, ensure_ascii=False), shlex.quote(value), repr(value),
         "'" + value.replace("'", "'\\''") + "'"]
for before in ("", "x", "xy", "xyz", "user:"):
    for after in ("", "!", "??"):
        whole = (before + value + after).encode()
        forms += [base64.b64encode(whole).decode(), base64.urlsafe_b64encode(whole).decode().rstrip("=")]
for form in forms:
    os.write(1, f"<{form}>\n".encode())
    os.write(2, f"[{form}]\n".encode())
for line in value.splitlines():
    os.write(1, f"line {line} of it\n".encode())
for i, byte in enumerate(raw):
    os.write(1, bytes([byte]))
    if i % 4 == 0: time.sleep(0.001)
os.write(1, b"\n")
for size in (2, 3, 7):
    for i in range(0, len(raw), size):
        os.write(1, raw[i:i + size])
        os.write(2, b"")
    os.write(1, b"\n")
with open(os.environ["LEVADA_OUTPUT"], "a") as out:
    for i, form in enumerate(forms):
        out.write(json.dumps({"form_%d" % i: form, "deep_%d" % i: {"a": [form, {form: form}]}}) + "\n")
time.sleep(0.3)
sys.stderr.write("it was " + value.replace("\n", " ") + "\n")
sys.exit(int(sys.argv[1]))
'''


def pieces(value):
    """What must not be found of a value, in any of its forms: base64 without the digits that depend on neighbours."""
    lines = [line for line in value.splitlines() if len(line) >= 6]
    for text in {value, *lines}:
        raw = text.encode()
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        for safe in ("", "/"):
            quoted = urllib.parse.quote(text, safe=safe)
            yield quoted.encode()
            yield quoted.lower().encode()
        yield urllib.parse.quote_plus(text).encode()
        yield json.dumps(text)[1:-1].encode()
        yield shlex.quote(text).encode()
        for place in range(3):
            whole = base64.b64encode(b"\0" * place + raw)
            first, behind = (8 * place + 5) // 6, 8 * (place + len(raw)) // 6
            yield whole[first:behind]
            yield whole[first:behind].replace(b"+", b"-").replace(b"/", b"_")


class Canary(levada.Case):
    def setUp(self):
        super().setUp()
        self.secret = "canary/" + secrets.token_hex(6) + "+ü'\"$ \\" + secrets.token_hex(6)
        self.file_secret = "filed-" + secrets.token_hex(16)
        self.lines = "\n".join(["-----BEGIN KEY-----"] + [secrets.token_urlsafe(24) for _ in range(4)] +
                               ["-----END KEY-----"])
        self.member = "member-" + secrets.token_hex(12)
        self.keep("secret.txt", self.file_secret + "\n")
        self.keep("lines.pem", self.lines + "\n")
        self.keep("all.json", json.dumps({"user": "harmless", "password": self.member}))
        self.write("shout.py", SHOUT)
        self.env.update(LEVADA_PLUGIN_PATH=os.path.join(levada.BUILD, "tests", "evil"),
                        LEVADA_CACHE=os.path.join(self.folder, "cache"))
        self.head = """levada: 1
name: canary
secrets:
  token: {from: env, name: CANARY}
  filed: {from: file, name: secret.txt}
  lines: {from: file, name: lines.pem}
  member: {from: file, name: all.json, field: password}
steps:
"""

    def keep(self, name, text):
        path = self.write(name, text)
        os.chmod(path, 0o600)
        return path

    def flow(self, steps):
        return self.write("flow.yaml", self.head + steps)

    def all_pieces(self):
        for value in (self.secret, self.file_secret, self.lines, self.member):
            for piece in pieces(value):
                if b"KEY-----" not in piece:
                    yield piece

    def assert_absent(self, data, where):
        for piece in self.all_pieces():
            if piece in data:
                at = data.index(piece)
                self.fail(f"{piece!r} is in {where}: {data[max(0, at - 80):at + len(piece) + 40]!r}")

    def assert_kept_nowhere(self):
        """Journal, logs, attempts, receipts, artifacts: all files under the state directory. Returns the logs."""
        logs = b""
        for folder, _, names in os.walk(self.state):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    data = file.read()
                self.assert_absent(data, os.path.join(folder, name))
                logs += data if folder.endswith("/logs") else b""
        return logs

    def assert_shown_nowhere(self, steps):
        for command in (["show", "last", "--json"], ["show", "last"], ["logs", "last"], ["why", "last"], ["ls"],
                        ["ls", "--json"], ["replay", "last"], *(["why", "last", step] for step in steps)):
            done = self.levada(*command, expect=None)
            self.assert_absent((done.stdout + done.stderr).encode(), " ".join(command))
        page, whole = os.path.join(self.folder, "page.html"), os.path.join(self.folder, "whole.levada")
        self.levada("report", "last", "-o", page)
        self.levada("export", "last", "-o", whole)
        for path in (page, whole):
            with open(path, "rb") as file:
                self.assert_absent(file.read(), path)
        for command in ("show", "logs", "why", "replay"):
            self.assert_absent(self.levada(command, whole).stdout.encode(), f"{command} of the exported file")

    def look_at_processes(self):
        """Arguments of all processes of this test, and the environment of what steps started. Returns how many."""
        count = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/cmdline", "rb") as command:
                    text, line = environ.read(), command.read()
            except OSError:
                continue
            if self.state.encode() not in text:
                continue
            self.assert_absent(line, f"the arguments of process {pid}")
            if b"LEVADA_ATTEMPT=" in text:
                self.assert_absent(text, f"the environment of process {pid}")
                count += 1
        return count

    # ---- tests ----

    def test_a_secret_is_used_and_stands_nowhere_in_any_form(self):
        steps = ["token", "filed", "lines", "member"]
        text = "".join(f"  - id: {name}\n    needs: []\n    continue_on_error: true\n"
                       f"    stdin: ${{{{ secrets.{name} }}}}\n    run: python3 shout.py {i % 2}\n"
                       for i, name in enumerate(steps))
        process = self.start("run", self.flow(text), "--json", env={"CANARY": self.secret})
        seen, deadline = 0, time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            seen += self.look_at_processes()
            time.sleep(0.02)
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0, out + err)
        self.assertGreater(seen, 0, "the steps' processes were looked at")
        self.assert_absent(out.encode(), "the events on stdout")
        self.assert_absent(err.encode(), "the messages on stderr")
        logs = self.assert_kept_nowhere()
        self.assertGreater(logs.count(b"***"), 300, "the steps did get the secrets")
        self.assertIn(b"it was ***", logs)
        self.assert_shown_nowhere(steps)

    def test_an_error_says_nothing_of_a_secret(self):
        finished = self.run_flow("  - id: a\n    run: read -r x; echo \"cannot log in with $x\" >&2; exit 3\n"
                                 "    stdin: ${{ secrets.filed }}\n")
        self.assertEqual(finished["a"]["error"]["message"], "exit code 3: cannot log in with ***")
        self.assert_kept_nowhere()
        self.assert_shown_nowhere(["a"])

    def run_flow(self, steps, expect=1):
        done = self.levada("run", "--json", self.flow(steps), expect=expect, env={"CANARY": self.secret})
        self.assert_absent((done.stdout + done.stderr).encode(), "what run says")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        return {event["step"]: event for event in events if event["event"] == "step_finished"}

    def test_operators_and_functions_pass_the_taint_on(self):
        expressions = ["secrets.filed .. '!'", "'x' .. secrets.filed .. 1", "upper(secrets.filed)",
                       "json({secrets.filed, 'x'})", "json({a = {b = secrets.filed}})",
                       "join({'a', secrets.filed}, ',')", "params.yes and secrets.filed or 'x'",
                       "cond(params.yes, secrets.filed, 'x')",
                       "first(map({1}, function(x) return x .. secrets.filed end))",
                       "default(null, secrets.filed)", "base64(secrets.filed .. secrets.member)",
                       "replace(secrets.filed, '-', '_')", "sha256(secrets.filed)"]
        self.head = "levada: 1\nname: canary\nparams: {yes: {type: boolean, default: true}}\n" + \
            self.head.split("name: canary\n")[1]
        steps = "".join(f"  - id: s{i}\n    needs: []\n    run: cat > got{i}; cat got{i}; echo; exit 0\n"
                        f"    stdin: {json.dumps('[${{ ' + text + ' }}]')}\n" for i, text in enumerate(expressions))
        self.run_flow(steps, expect=0)
        self.assert_kept_nowhere()
        for i, text in enumerate(expressions):
            with self.subTest(text), open(os.path.join(self.folder, f"got{i}"), encoding="utf-8") as file:
                got = file.read()[1:-1]
                self.assertNotIn("***", got)
                log = self.levada("logs", "last", f"s{i}").stdout
                self.assertIn("***", log)
                self.assertNotIn(got, log)

    def test_what_would_tell_something_about_a_secret_is_refused(self):
        for text in ("secrets.filed == 'x'", "secrets.filed < 'x'", "secrets.filed + 1", "-secrets.filed",
                     "not secrets.filed", "secrets.filed and 'x'", "len(secrets.filed)", "secrets.filed[1]",
                     "{secrets.filed} == {'x'}", "contains(secrets.filed, 'f')", "number(secrets.filed)"):
            with self.subTest(text):
                error = self.run_flow(f"  - id: a\n    run: cat\n    stdin: {json.dumps('${{ ' + text + ' }}')}\n",
                                      expect=(1, 3)).get("a", {}).get("error")
                if error is not None:
                    self.assertEqual(error["class"], "invalid")
                    self.assertIn("secret", error["message"])

    def test_a_step_that_comes_across_a_secret_of_another_step_cannot_say_it(self):
        finished = self.run_flow("""  - id: uses_them
    run: cat
    stdin: "${{ secrets.token }} ${{ secrets.filed }}"
  - id: finds_them
    needs: [uses_them]
    run: |
      cat secret.txt lines.pem all.json
      echo "found=$(cat secret.txt)" >> "$LEVADA_OUTPUT"
      tr '\\0' '\\n' < /proc/$PPID/environ | grep CANARY
    outputs: [found]
""", expect=0)
        self.assertEqual(finished["finds_them"]["outputs"], {"found": "***"})
        self.assert_kept_nowhere()
        self.assertIn("CANARY=***", self.levada("logs", "last", "finds_them").stdout)

    def test_a_receipt_that_waits_for_a_resume_holds_no_secret(self):
        process = self.start("run", self.flow(
            "  - id: a\n    stdin: ${{ secrets.token }}\n    run: |\n      read -r x; touch began\n"
            "      while ! test -f go; do sleep 0.02; done\n"
            "      printf 'x=%s\\n' \"$x\" >> $LEVADA_OUTPUT\n"
            "      printf 'last words %s\\n' \"$x\" >&2; exit 4\n"), env={"CANARY": self.secret})
        self.wait_for(lambda: os.path.exists(os.path.join(self.folder, "began")), "the step")
        process.kill()
        process.wait()
        self.assert_kept_nowhere()
        self.write("go", "")
        receipts = os.path.join(self.run_folder(), "receipts")
        self.wait_for(lambda: any(name.endswith(".json") for name in os.listdir(receipts)), "the receipt")
        with open(os.path.join(receipts, "1.json"), encoding="utf-8") as file:
            self.assertIn("exit code 4: last words ***", file.read())
        self.assert_kept_nowhere()
        done = self.levada("resume", "last", expect=1, env={"CANARY": self.secret})
        self.assert_absent((done.stdout + done.stderr).encode(), "what resume says")
        self.assert_kept_nowhere()

    def test_a_worker_that_knows_a_secret_leaves_no_core_file(self):
        with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
            pattern = file.read().strip()
        found = {}
        for name, key in (("with", "${{ secrets.token }}"), ("without", "no-secret-at-all")):
            folder = os.path.join(self.folder, name)
            os.mkdir(folder)
            head = "levada: 1\n" + ("secrets: {token: {from: env, name: CANARY}}\n" if name == "with" else "")
            path = self.write("crash.yaml", head + "params: {key: {default: no-secret-at-all}}\nsteps:\n  - id: a\n"
                              "    uses: vault.use\n    with: {crash: 11, password: \"%s\"}\n"
                              % (key if name == "with" else "${{ params.key }}"))
            soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
            try:
                done = self.levada("run", path, expect=1, cwd=folder, env={"CANARY": self.secret})
            finally:
                resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
            self.assertIn("signal 11", done.stderr + done.stdout)
            found[name] = [file for file in os.listdir(folder) if "core" in file]
        self.assertEqual(found["with"], [])
        plain = "/" not in pattern and "|" not in pattern and "core" in pattern and hard != 0
        with open(levada.LEVADA, "rb") as file:
            sanitized = b"__asan_init" in file.read()
        if plain and not sanitized:
            self.assertEqual(len(found["without"]), 1, "a worker without a secret leaves one, so we would have seen it")

    def test_no_program_is_given_the_core_of_a_worker_that_knows_a_secret(self):
        """With a limit of 1 the kernel does not even start the program of core_pattern; the step's own is as it was."""
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        self.run_flow("  - id: a\n    run: cat > /dev/null; grep 'core file' /proc/$PPID/limits /proc/self/limits\n"
                      "    stdin: ${{ secrets.token }}\n", expect=0)
        worker, own = self.levada("logs", "last", "a").stdout.splitlines()
        self.assertIn(worker.split()[-3], ("1", "0") if hard == 0 else ("1",))
        with open("/proc/self/limits", encoding="utf-8") as file:
            ours = [line for line in file if "core file" in line][0]
        self.assertEqual(own.split()[-3:], ours.split()[-3:])

    def test_a_secret_cannot_be_written_into_a_script(self):
        for line in ('run: echo ${{ secrets.token }}', 'run: echo "$X"\n    env: {X: "${{ secrets.token }}"}',
                     'if: ${{ secrets.token == "x" }}\n    run: "true"'):
            path = self.write("bad.yaml", "levada: 1\nname: bad\nsecrets:\n  token: {from: env, name: CANARY}\n"
                              f"steps:\n  - id: a\n    {line}\n")
            done = self.levada("check", path, expect=3)
            self.assertIn("secret", done.stdout + done.stderr)


if __name__ == "__main__":
    levada.main()
