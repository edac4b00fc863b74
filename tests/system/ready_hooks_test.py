# SPDX-License-Identifier: Apache-2.0
"""The hooks under lua/, each in a run, as a workflow names it: levada:NAME."""
import json
import os
import re
import sqlite3

import levada

LOAD = """  - id: load
    run: {script}
    outputs: [rows, mail, bytes_scanned, table]
    hooks: {hooks}
"""


class Ready(levada.Case):
    def run_load(self, hooks, script="'true'", expect=0, top="", args=()):
        path = self.write("ready.yaml", "levada: 1\n" + top + "steps:\n" + LOAD.format(script=script, hooks=hooks))
        self.levada("run", *args, path, expect=expect)
        return self.show()["steps"][0]

    def log(self):
        lines = self.levada("logs", "last", "load").stdout.splitlines()
        return [re.sub(r"^\S+Z ", "", line) for line in lines]

    def metrics(self):
        with sqlite3.connect(os.path.join(self.run_folder(), "journal.db")) as db:
            text = str(db.execute("select * from events").fetchall())
        return {name: (float(value), unit)
                for name, value, unit in re.findall(r'\{"name":"(\w+)","value":([0-9.e+-]+),"unit":"(\w*)"\}', text)}

    def test_all_of_them_have_a_test_a_header_and_a_row_in_the_readme(self):
        folder = os.path.join(levada.SOURCE, "lua")
        names = sorted(name[:-4] for name in os.listdir(folder) if name.endswith(".lua"))
        self.assertEqual(names, ["cost", "dry_run", "naming", "redact", "row_guard", "runbook", "slow"])
        with open(os.path.join(folder, "README.md"), encoding="utf-8") as readme:
            rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", readme.read(), re.M)
        self.assertEqual([name for name, _ in rows], names)
        for name, when in rows:
            with open(os.path.join(folder, name + ".lua"), encoding="utf-8") as hook:
                self.assertIn(f"\n-- {when}: ", hook.read())
            self.assertTrue(any(test.startswith("test_" + name) for test in dir(self)), name)

    def test_cost_counts_bytes_and_time(self):
        self.run_load("{after_step: {use: 'levada:cost', with: {per_gib: 5, unit: eur}}}",
                      'echo bytes_scanned=1610612736 >> "$LEVADA_OUTPUT"')
        self.assertEqual(self.metrics()["cost"], (7.5, "eur"))
        self.run_load("{after_step: {use: 'levada:cost', with: {per_hour: 3600}}}", "sleep 0.2")
        value, unit = self.metrics()["cost"]
        self.assertTrue(0.2 <= value < 5 and unit == "usd", value)

    def test_cost_adds_metrics_of_the_step_and_warns_without_a_price(self):
        path = self.write("ready.yaml", """levada: 1
steps:
  - id: load
    lua: metric("read", 1073741824) metric("read", 1073741824) metric("other", 5)
    hooks: {after_step: {use: 'levada:cost', with: {per_gib: 2, scanned: [read]}}}
""")
        self.levada("run", path)
        self.assertEqual(self.metrics()["cost"], (4.0, "usd"))
        self.run_load("{after_step: 'levada:cost'}")
        self.assertIn("has no price", self.log()[0])

    def test_row_guard_fails_a_step_that_brought_too_little_or_too_much(self):
        for rows, more, message in ((0, {}, "rows is 0, less than 1"), (3, {"minimum": 10}, "rows is 3, less than 10"),
                                    (12, {"maximum": 10}, "rows is 12, more than 10")):
            step = self.run_load("{after_step: {use: 'levada:row_guard', with: %s}}" % json.dumps(more),
                                 f'echo rows={rows} >> "$LEVADA_OUTPUT"', 1)
            self.assertEqual((step["error"]["message"], step["error"]["class"]),
                             ("hook after_step: " + message, "contract"))
            self.assertEqual(step["outputs"]["rows"], str(rows))
        step = self.run_load("{after_step: 'levada:row_guard'}", "'true'", 1)
        self.assertEqual(step["error"]["message"], 'hook after_step: there is no output "rows" to count')

    def test_row_guard_lets_pass_what_is_within_its_bounds(self):
        guard = "{after_step: {use: 'levada:row_guard', with: {minimum: 3, maximum: 3}}}"
        self.assertEqual(self.run_load(guard, 'echo rows=3 >> "$LEVADA_OUTPUT"')["status"], "succeeded")
        self.assertEqual(self.run_load(guard, "exit 3", 1)["error"]["message"], "exit code 3")

    def test_slow_warns_and_fails_when_asked_to(self):
        self.run_load("{after_step: {use: 'levada:slow', with: {after: 50ms}}}", "sleep 0.1")
        self.assertRegex(self.log()[0], r"^warn load took \d+ms, longer than 50ms$")
        self.assertGreater(self.metrics()["slow"][0], 1)
        step = self.run_load("{after_step: {use: 'levada:slow', with: {after: 50ms, fail: true}}}", "sleep 0.1", 1)
        self.assertEqual(step["error"]["class"], "contract")
        self.run_load("{after_step: 'levada:slow'}", "'true'")
        self.assertNotIn("longer", "".join(self.log()))

    def test_naming_refuses_before_anything_is_done(self):
        def run_it(name, hook, expect):
            self.env["LEVADA_PLUGIN_PATH"] = os.path.join(levada.BUILD, "tests", "plugins")
            path = self.write("ready.yaml", f"""levada: 1
steps:
  - id: load
    uses: probe.pure
    with: {{ledger: {name}}}
    hooks: {{before_step: {{use: 'levada:naming', with: {hook}}}}}
""")
            self.levada("run", path, expect=expect)
            return self.show()["steps"][0]
        step = run_it("BadName", "{inputs: [ledger]}", 1)
        self.assertIn('the ledger "BadName" is not named as things are here', step["error"]["message"])
        self.assertEqual(step["error"]["class"], "invalid")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "BadName")))
        self.assertEqual(run_it("good_name.orders", "{inputs: [ledger, table]}", 0)["status"], "succeeded")
        self.assertEqual(run_it("BadName", "{inputs: [ledger], pattern: '^[A-Za-z]+$'}", 0)["status"], "succeeded")

    def test_dry_run_skips_what_has_an_effect_and_tells_it(self):
        top = "params: {dry_run: {type: boolean, default: false}}\nhooks: {before_step: 'levada:dry_run'}\n"
        step = self.run_load("{}", "echo x >> $LEDGER", top=top, args=("-p", "dry_run=true"))
        self.assertEqual((step["status"], self.ledger()), ("skipped", []))
        self.assertEqual(step["reason"]["text"], "dry run: its effect is unsafe")
        self.assertTrue(self.log()[0].startswith('info would run {"run":"echo x >> $LEDGER"'), self.log())
        step = self.run_load("{}", "echo x >> $LEDGER\n    effect: read", top=top, args=("-p", "dry_run=true"))
        self.assertEqual((step["status"], self.ledger()), ("succeeded", ["x"]))
        self.run_load("{}", "echo y >> $LEDGER", top=top)
        self.assertEqual(self.ledger(), ["x", "y"])

    def test_dry_run_of_a_workflow_without_the_param_is_refused(self):
        path = self.write("ready.yaml", "levada: 1\nhooks: {before_step: 'levada:dry_run'}\n"
                          "steps:\n  - {id: a, run: x}\n")
        done = self.levada("check", path, expect=3)
        self.assertIn('there is no param "dry_run"', done.stdout)

    def test_redact_keeps_a_value_out_of_the_journal_and_of_later_steps(self):
        step = self.run_load("{after_step: {use: 'levada:redact', with: {outputs: [mail, table]}}}",
                             'echo "mail=ann"@"example.org" >> "$LEVADA_OUTPUT"')
        self.assertEqual(step["outputs"]["mail"], "***")
        with open(os.path.join(self.run_folder(), "journal.db"), "rb") as journal:
            self.assertNotIn(b"ann@example.org", journal.read())
        step = self.run_load("{after_step: {use: 'levada:redact', with: {outputs: [mail], digest: true}}}",
                             'echo "mail=ann"@"example.org" >> "$LEVADA_OUTPUT"')
        self.assertRegex(step["outputs"]["mail"], "^sha256:[0-9a-f]{16}$")

    def test_runbook_says_who_and_what_to_do(self):
        self.run_load("{on_failure: {use: 'levada:runbook', with: {owner: data team, "
                      "url: 'https://wiki/{step}#{class}', hints: {Refused: is the tunnel up?, other: no}}}}",
                      "echo connection refused; exit 75", 1)
        self.assertEqual(self.log()[1:], ["error load failed for good, attempt 1 (transient)",
                                          "error hint: is the tunnel up?", "error owner: data team",
                                          "error what to do: https://wiki/load#transient"])


if __name__ == "__main__":
    levada.main()
