# SPDX-License-Identifier: Apache-2.0
"""A secret is made up, used wherever it may be used, and then looked for everywhere it must not be."""
import base64
import json
import os
import secrets
import time
import urllib.parse

import levada


class Canary(levada.Case):
    def setUp(self):
        super().setUp()
        self.secret = "canary/" + secrets.token_hex(12) + "+" + secrets.token_hex(4)
        self.file_secret = "filed-" + secrets.token_hex(16)
        path = self.write("secret.txt", self.file_secret + "\n")
        os.chmod(path, 0o600)
        self.workflow = self.write("canary.yaml", """levada: 1
name: canary
secrets:
  token: {from: env, name: CANARY}
  filed: {from: file, name: secret.txt}
steps:
  - id: used
    run: cat; sleep 0.3
    stdin: "${{ secrets.token }} and ${{ secrets.filed }}"
  - id: shouts
    needs: [used]
    run: |
      read -r line
      printf '%s\\n' "$line" | base64 -w0; echo
      printf '%s' "$line" | od -An -tx1 | tr -d ' \\n'; echo
      echo "got=$line" >> "$LEVADA_OUTPUT"
      printf '%s' "${line%??????????}" ; sleep 0.1 ; printf '%s\\n' "${line#"${line%??????????}"}"
      echo "$line" >&2
      exit 3
    outputs: {got: {}}
    stdin: ${{ secrets.token }}
""")

    def test_a_step_that_comes_across_a_secret_of_another_step_cannot_say_it(self):
        path = self.write("other.yaml", """levada: 1
name: other
secrets:
  token: {from: env, name: CANARY}
  filed: {from: file, name: secret.txt}
steps:
  - id: uses_them
    run: cat
    stdin: "${{ secrets.token }} ${{ secrets.filed }}"
  - id: finds_them
    needs: [uses_them]
    run: |
      cat secret.txt
      echo "found=$(cat secret.txt)" >> "$LEVADA_OUTPUT"
      tr '\\0' '\\n' < /proc/$PPID/environ | grep CANARY
    outputs: [found]
""")
        self.levada("run", path, env={"CANARY": self.secret})
        for folder, _, names in os.walk(self.state):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assert_absent(file.read(), os.path.join(folder, name))
        self.assertIn("CANARY=***", self.levada("logs", "last", "finds_them").stdout)

    def forms(self):
        for value in (self.secret, self.file_secret):
            raw = value.encode()
            yield value
            yield raw.hex()
            yield urllib.parse.quote(value, safe="")
            yield json.dumps(value)[1:-1]
            yield base64.b64encode(raw).decode().rstrip("=")[:-2]

    def assert_absent(self, data, where):
        for form in self.forms():
            self.assertNotIn(form.encode(), data, f"the secret is in {where}")

    def environments(self):
        """Environment and arguments of the processes of this run, but for the engine's and launcher's own."""
        mark = ("LEVADA_ATTEMPT=").encode()
        for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/cmdline", "rb") as command:
                    text, line = environ.read(), command.read()
            except OSError:
                continue
            if mark in text and self.state.encode() in text:
                yield pid, text, line

    def test_a_secret_is_used_and_stands_nowhere(self):
        process = self.start("run", self.workflow, "--json", env={"CANARY": self.secret})
        seen = 0
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            for pid, environ, command in self.environments():
                self.assert_absent(environ, f"the environment of process {pid}")
                self.assert_absent(command, f"the arguments of process {pid}")
                seen += 1
            time.sleep(0.02)
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 1, out + err)
        self.assertGreater(seen, 0, "the steps' processes were looked at")
        self.assert_absent(out.encode(), "the events on stdout")
        self.assert_absent(err.encode(), "the messages on stderr")
        logs = b""
        for folder, _, names in os.walk(self.state):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    data = file.read()
                self.assert_absent(data, os.path.join(folder, name))
                if folder.endswith("/logs"):
                    logs += data
        self.assertIn(b"*** and ***", logs, "the step did get the secrets")
        for command in (["show", "last", "--json"], ["show", "last"], ["logs", "last"], ["why", "last"], ["ls"]):
            self.assert_absent(self.levada(*command, expect=None).stdout.encode(), " ".join(command))
        page = os.path.join(self.folder, "page.html")
        self.levada("report", "last", "-o", page)
        with open(page, "rb") as file:
            self.assert_absent(file.read(), "the report")
        whole = os.path.join(self.folder, "whole.levada")
        self.levada("export", "last", "-o", whole)
        with open(whole, "rb") as file:
            data = file.read()
        self.assertIn(b"*** and ***", data, "the logs are in the exported file")
        self.assert_absent(data, "the exported file")
        for command in ("show", "logs", "why", "replay"):
            self.assert_absent(self.levada(command, whole).stdout.encode(), f"{command} of the exported file")

    def test_a_secret_cannot_be_written_into_a_script(self):
        for line in ('run: echo ${{ secrets.token }}', 'run: echo "$X"\n    env: {X: "${{ secrets.token }}"}',
                     'if: ${{ secrets.token == "x" }}\n    run: "true"'):
            path = self.write("bad.yaml", "levada: 1\nname: bad\nsecrets:\n  token: {from: env, name: CANARY}\n"
                              f"steps:\n  - id: a\n    {line}\n")
            done = self.levada("check", path, expect=3)
            self.assertIn("secret", done.stdout + done.stderr)


if __name__ == "__main__":
    levada.main()
