# SPDX-License-Identifier: Apache-2.0
"""Outputs that are secrets: they travel as a reference, and their values stand nowhere."""
import base64
import json
import os
import secrets
import time
import unittest

import levada


class SecretOutput(levada.Case):
    def setUp(self):
        super().setUp()
        self.env.update(LEVADA_PLUGIN_PATH=os.path.join(levada.BUILD, "tests", "evil"),
                        LEVADA_CACHE=os.path.join(self.folder, "cache"))
        self.secret = "canary-" + secrets.token_hex(12)
        self.keep("vault.txt", self.secret)

    def keep(self, name, text):
        path = self.write(name, text + "\n")
        os.chmod(path, 0o600)
        return path

    def flow(self, steps):
        return self.write("flow.yaml", "levada: 1\nname: flow\nsteps:\n" + steps)

    def step(self, ident, action, extra="", **inputs):
        return f"  - id: {ident}\n    uses: {action}\n    with: {json.dumps(inputs)}\n{extra}"

    def run_flow(self, steps, expect=0, env=None):
        done = self.levada("run", "--json", self.flow(steps), expect=expect, env=env, timeout=60)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        self.assert_nowhere(done.stdout + done.stderr)
        return {event["step"]: event for event in events if event["event"] == "step_finished"}

    def assert_nowhere(self, said=""):
        """Not in what was said, nor in anything that is kept."""
        raw = self.secret.encode()
        for form in (raw, raw.hex().encode(), base64.b64encode(raw)):
            self.assertNotIn(form, said.encode())
            for folder, _, names in os.walk(self.state):
                for name in names:
                    with open(os.path.join(folder, name), "rb") as file:
                        self.assertNotIn(form, file.read(), os.path.join(folder, name))

    def log(self, step):
        return self.levada("logs", "last", step).stdout

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    # ---- where it may go ----

    def test_a_secret_input_and_standard_input_get_the_value_and_the_journal_the_reference(self):
        finished = self.run_flow(
            self.step("make", "vault.issue")
            + self.step("use", "vault.use", password="${{ steps.make.outputs.password }}", copy="copy.txt")
            + self.step("part", "vault.use", copy="part.txt",
                        password="Basic ${{ base64('me:' .. steps.make.outputs.password) }}")
            + "  - id: pipe\n    run: cat > piped.txt; cat piped.txt\n"
              "    stdin: 'user=${{ steps.make.outputs.user }} password=${{ steps.make.outputs.password }}'\n")
        self.assertEqual(finished["make"]["outputs"],
                         {"password": {"$secret": "password", "provider": "file",
                                       "name": os.path.join(os.path.realpath(self.folder), "vault.txt")},
                          "user": "maker"})
        self.assertEqual(self.read("copy.txt"), self.secret)
        self.assertEqual(self.read("part.txt"),
                         "Basic " + base64.b64encode(b"me:" + self.secret.encode()).decode())
        self.assertEqual(self.read("piped.txt"), f"user=maker password={self.secret}")
        self.assertEqual(finished["use"]["outputs"], {"size": len(self.secret), "careless": "***"})
        self.assertIn("used ***", self.log("use"))
        self.assertIn("user=maker password=***", self.log("pipe"))
        self.assertIn("made ***", self.log("make"))
        self.assertIn("printed ***", self.log("make"))
        self.assertIn("secret password", self.levada("show", "last").stdout)
        whole, page = os.path.join(self.folder, "whole.levada"), os.path.join(self.folder, "page.html")
        self.levada("export", "last", "-o", whole)
        self.levada("report", "last", "-o", page)
        for path in (whole, page):
            with open(path, "rb") as file:
                self.assertNotIn(self.secret.encode(), file.read())

    def test_another_step_that_comes_across_the_value_cannot_say_it(self):
        self.run_flow(self.step("make", "vault.issue")
                      + "  - id: finds\n    needs: [make]\n    run: cat vault.txt; "
                        "echo \"found=$(cat vault.txt)\" >> $LEVADA_OUTPUT\n    outputs: [found]\n")
        self.assertEqual(self.log("finds").split()[-1], "***")

    def test_a_variable_is_taken_out_of_the_environment_of_later_scripts(self):
        finished = self.run_flow(
            self.step("make", "vault.issue", file_optional=True, file="none", provider="env", name="THE_VAULT")
            + self.step("use", "vault.use", password="${{ steps.make.outputs.password }}", copy="copy.txt")
            + "  - id: finds\n    needs: [make]\n    run: echo \"[$THE_VAULT]\"\n",
            env={"THE_VAULT": self.secret})
        self.assertEqual(finished["use"]["status"], "succeeded")
        self.assertEqual(self.read("copy.txt"), self.secret)
        self.assertIn("[]", self.log("finds"))

    def test_a_field_of_json_is_a_secret_of_its_own(self):
        self.keep("vault.json", json.dumps({"user": "x", "password": self.secret}))
        finished = self.run_flow(
            self.step("make", "vault.issue", file="vault.json", field="password")
            + self.step("use", "vault.use", password="${{ steps.make.outputs.password }}", copy="copy.txt"))
        self.assertEqual(self.read("copy.txt"), self.secret)
        self.assertEqual(finished["make"]["outputs"]["password"]["field"], "password")

    def test_an_output_that_is_null_is_no_secret(self):
        finished = self.run_flow(
            self.step("make", "vault.issue", null=True) + self.step("other", "vault.issue")
            + self.step("use", "vault.use", password="${{ default(steps.make.outputs.password, 'none-at-all') }}")
            + self.step("both", "vault.use", copy="copy.txt", password="${{ default(steps.make.outputs.password, "
                                                                       "steps.other.outputs.password) }}"))
        self.assertEqual(finished["use"]["outputs"]["size"], len("none-at-all"))
        self.assertEqual(self.read("copy.txt"), self.secret)

    def test_a_group_and_an_item_of_a_loop_have_secret_outputs_too(self):
        self.keep("b.txt", self.secret + "-b")
        inside = (self.step("make", "vault.issue") + self.step(
            "use", "vault.use", password="${{ steps.make.outputs.password }}", copy="copy-${{ item }}.txt"))
        finished = self.run_flow(
            "  - id: each\n    foreach: [x, y]\n    steps:\n"
            + "".join("    " + line + "\n" for line in inside.splitlines())
            + self.step("made", "vault.issue", "    needs: []\n    foreach: [vault.txt, b.txt]\n", file="${{ item }}")
            + self.step("take", "vault.use", copy="copy-b.txt",
                        password="${{ steps.made.items['b.txt'].outputs.password }}")
            + "  - id: outer\n    needs: [made]\n    steps:\n      - id: inner\n        run: cat > copy-inner.txt\n"
              "        stdin: ${{ steps.made.items['vault.txt'].outputs.password }}\n")
        self.assertEqual({name: self.read(f"copy-{name}.txt") for name in ("x", "y", "b", "inner")},
                         {"x": self.secret, "y": self.secret, "b": self.secret + "-b", "inner": self.secret})
        self.assertEqual(finished["take"]["outputs"]["careless"], "***")

    def test_what_takes_a_step_back_gets_its_secret_outputs(self):
        undo = ("    undo:\n      uses: vault.use\n"
                "      with: {password: '${{ outputs.password }}', copy: undone.txt}\n      limits: {memory: 1GiB}\n")
        self.run_flow(self.step("make", "vault.issue", undo))
        done = self.levada("rollback", "last", expect=None)
        self.assertEqual(self.read("undone.txt"), self.secret, done.stdout + done.stderr)
        self.assert_nowhere(done.stdout + done.stderr)
        leak = "    undo: {run: 'echo ${{ outputs.password }}'}\n"
        done = self.levada("check", self.flow(self.step("make", "vault.issue", leak)), expect=3)
        self.assertIn("must not flow into", done.stdout + done.stderr)

    # ---- where it may not ----

    def test_check_refuses_every_other_way(self):
        mention = "${{ steps.make.outputs.password }}"
        for text in (self.step("use", "vault.use", said=mention),
                     f"  - id: use\n    run: echo {mention}\n",
                     f"  - id: use\n    run: echo\n    env: {{X: '{mention}'}}\n",
                     f"  - id: use\n    run: echo\n    cwd: '{mention}'\n",
                     "  - id: use\n    run: echo\n    if: ${{ steps.make.outputs.password == 'x' }}\n",
                     "  - id: use\n    run: echo\n    outputs: {x: '" + mention + "'}\n"):
            with self.subTest(text):
                done = self.levada("check", self.flow(self.step("make", "vault.issue") + text), expect=3)
                self.assertIn("is a secret and must not flow into", done.stdout + done.stderr)
        done = self.levada("check", self.flow(
            self.step("made", "vault.issue", "    foreach: [vault.txt]\n", file="${{ item }}")
            + "  - id: use\n    run: echo ${{ steps.made.items['vault.txt'].outputs.password }}\n"), expect=3)
        self.assertIn("is a secret and must not flow into", done.stdout + done.stderr)
        self.levada("check", self.flow(self.step("make", "vault.issue")))
        path = self.write("out.yaml", self.read("flow.yaml") + f"outputs: {{x: '{mention}'}}\n")
        done = self.levada("check", path, expect=3)
        self.assertIn("must not flow into", done.stdout + done.stderr)

    def test_a_script_that_prints_what_looks_like_a_reference_makes_none(self):
        reference = json.dumps({"x": {"$secret": "x", "provider": "file", "name": os.path.join(self.folder,
                                                                                               "vault.txt")}})
        self.write("print.sh", f"echo '{reference}' >> $LEVADA_OUTPUT\n")
        finished = self.run_flow(
            "  - id: forge\n    run: sh print.sh\n    outputs: [x]\n"
            "  - id: use\n    run: cat\n    stdin: ${{ json(steps.forge.outputs.x) }}\n")
        self.assertEqual(finished["use"]["status"], "succeeded")
        self.assertIn('"provider"', self.log("use"))

    def test_a_value_in_place_of_a_reference_fails_the_step_also_when_the_action_calls_it_a_success(self):
        for quiet in (False, True):
            error = self.run_flow(self.step("make", "vault.issue", plain=True, quiet=quiet), expect=1)["make"]["error"]
            self.assertEqual((error["class"], error["message"]),
                             ("contract", 'the output "password" is a secret, and the action set it to a value'))
            self.assertIn("output_secret", error["hint"])
            self.assertIn("set to ***", self.log("make"))

    def test_a_reference_to_nothing_is_an_error_of_the_step_that_made_it(self):
        for inputs, error_class, message in (
                ({"provider": "attic"}, "invalid",
                 'secret "steps.make.outputs.password": there is no provider "attic"'),
                ({"name": "/nowhere/at/all"}, "auth",
                 'secret "steps.make.outputs.password": cannot read "/nowhere/at/all": No such file or directory'),
                ({"provider": "env", "name": "NOT_SET_ANYWHERE"}, "auth",
                 'secret "steps.make.outputs.password": the variable "NOT_SET_ANYWHERE" is not set'),
                ({"provider": "env", "name": "HOME", "version": "3"}, "invalid",
                 'secret "steps.make.outputs.password": a variable has no versions'),
                ({"output": "user"}, "invalid", 'output "user" is no secret in the action\'s table'),
                ({"output": "nothing"}, "invalid", 'output "nothing" is not in the action\'s table'),
                ({"provider": ""}, "invalid",
                 'output "password" refers to nothing: it needs a provider and a name')):
            with self.subTest(inputs):
                error = self.run_flow(self.step("make", "vault.issue", **inputs), expect=1)["make"]["error"]
                self.assertEqual((error["class"], error["message"]), (error_class, message))

    # ---- later ----

    def rotate(self, pin):
        """Between the two steps another secret takes the place of the first."""
        self.next = "rotated-" + secrets.token_hex(12)
        self.keep("next.txt", self.next)
        return (self.step("make", "vault.issue", pin=pin)
                + "  - id: rotate\n    needs: [make]\n    run: mv next.txt vault.txt\n"
                + self.step("use", "vault.use", "    needs: [rotate]\n", copy="copy.txt",
                            password="${{ steps.make.outputs.password }}"))

    def test_a_file_that_was_rotated_gives_what_is_there_when_it_is_used(self):
        finished = self.run_flow(self.rotate(False))
        self.assertEqual(self.read("copy.txt"), self.next)
        self.secret = self.next
        self.assert_nowhere()
        self.assertEqual(finished["use"]["outputs"]["careless"], "***")

    def test_a_version_that_was_asked_for_and_is_gone_is_an_error(self):
        finished = self.run_flow(self.rotate(True), expect=1)
        error = finished["use"]["error"]
        self.assertEqual(error["class"], "missing")
        self.assertRegex(error["message"],
                         r'^secret "steps.make.outputs.password": the file ".*/vault.txt" has changed: '
                         r"version \d+ is asked for, and there is \d+$")
        self.assertIn("version", finished["make"]["outputs"]["password"])

    def test_a_retry_uses_the_reference_of_the_run_before(self):
        use = self.step("use", "vault.use", copy="sub/copy.txt", password="${{ steps.make.outputs.password }}")
        self.run_flow(self.step("make", "vault.issue") + use, expect=1)
        os.mkdir(os.path.join(self.folder, "sub"))
        done = self.levada("retry", "last")
        self.assertEqual(self.read("sub/copy.txt"), self.secret)
        self.assert_nowhere(done.stdout + done.stderr)

    def test_a_resumed_run_uses_the_reference_from_its_journal(self):
        use = self.step("use", "vault.use", "    needs: [gate]\n", copy="copy.txt",
                        password="${{ steps.make.outputs.password }}")
        gate = "  - id: gate\n    effect: idempotent\n    needs: [make]\n    run: |\n      while ! test -f go; do " \
               "sleep 0.02; done\n"
        process = self.start("run", self.flow(self.step("make", "vault.issue") + gate + use))
        self.wait_for(lambda: os.path.isdir(os.path.join(self.state, "runs")) and self.runs() and
                      self.statuses().get("gate") == "running", "the gate")
        process.kill()
        process.wait()
        self.write("go", "")
        time.sleep(0.1)
        self.levada("resume", "last")
        self.assertEqual(self.read("copy.txt"), self.secret)
        self.assert_nowhere()


if __name__ == "__main__":
    levada.main()
