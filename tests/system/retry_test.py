# SPDX-License-Identifier: Apache-2.0
"""An ended run is retried: what did not succeed runs again, what did stays done, and it is said first."""
import json
import os
import sqlite3

import levada

WORKFLOW = """levada: 1
name: retried
params:
  day: {type: string, default: monday}
steps:
  - id: extract
    run: |
      echo extract >> "$LEDGER"
      echo "rows=7" >> "$LEVADA_OUTPUT"
    outputs: {rows: {as: integer}}
  - id: beside
    needs: []
    run: echo beside >> "$LEDGER"
  - id: load
    run: |
      echo "load${{ steps.extract.outputs.rows }}" >> "$LEDGER"
      test -e "$OPEN"
    effect: idempotent
  - id: tell
    needs: [load]
    run: echo "tell-${{ params.day }}" >> "$LEDGER"
on_failure:
  - id: alarm
    run: echo alarm >> "$LEDGER"
finally:
  - id: clean
    run: echo clean >> "$LEDGER"
"""


class Retry(levada.Case):
    def setUp(self):
        super().setUp()
        self.door = os.path.join(self.folder, "open")
        self.env["OPEN"] = self.door

    def open(self):
        with open(self.door, "w", encoding="utf-8"):
            pass

    def fail_once(self, text=WORKFLOW):
        self.file = self.write("w.yaml", text)
        self.levada("run", self.file, expect=1)
        before = self.ledger()
        if os.path.exists(self.ledger_path):
            os.remove(self.ledger_path)
        return before

    def plan(self, *args, expect=0):
        done = self.levada("retry", "last", "--dry-run", "--json", *args, expect=expect)
        return {step["id"]: (step["action"], step["reason"]["code"]) for step in json.loads(done.stdout)["steps"]}

    def test_what_failed_and_what_is_behind_it_runs_again_and_nothing_else(self):
        self.assertEqual(sorted(self.fail_once()), ["alarm", "beside", "clean", "extract", "load7"])
        self.open()
        done = self.levada("retry", "last", "--reason", "the door is open")
        self.assertIn("keep", done.stderr)
        self.assertEqual(self.ledger(), ["load7", "tell-monday", "clean"])
        shown = self.show()
        self.assertEqual(shown["status"], "succeeded")
        self.assertEqual({s["id"]: s["attempts"] for s in shown["steps"]},
                         {"extract": 1, "beside": 1, "load": 2, "tell": 1, "alarm": 1, "clean": 2})
        self.assertEqual(len(self.runs()), 1, "it is the same run")
        self.assertIn("retried", self.levada("why", "last").stdout)
        self.levada("resume", "last", expect=0)
        self.assertEqual(self.ledger(), ["load7", "tell-monday", "clean"])

    def test_a_retry_that_fails_again_fails_again_and_can_be_retried(self):
        self.fail_once()
        self.levada("retry", "last", expect=1)
        self.assertEqual(sorted(self.ledger()), ["alarm", "clean", "load7"])
        self.open()
        self.levada("retry", "last", expect=0)

    def test_the_token_stays_after_a_failure_and_changes_after_a_success(self):
        self.fail_once()
        self.open()
        self.levada("retry", "last")
        self.levada("retry", "last", "--only", "load")
        with sqlite3.connect(os.path.join(self.run_folder(), "journal.db")) as db:
            tokens = [row[0] for row in db.execute("select json_extract(data, '$.token') from events where "
                                                   "type = 'step_intent' and step = 'load' order by seq")]
        self.assertEqual(len(tokens), 3)
        self.assertEqual(tokens[0], tokens[1])
        self.assertNotEqual(tokens[1], tokens[2])

    def test_from_runs_a_step_and_all_behind_it_and_only_runs_that_step_alone(self):
        self.open()
        file = self.write("w.yaml", WORKFLOW)
        self.levada("run", file)
        os.remove(self.ledger_path)
        self.levada("retry", "last", "--only", "beside")
        self.assertEqual(self.ledger(), ["beside"])
        self.levada("retry", "last", "--from", "load")
        self.assertEqual(self.ledger(), ["beside", "load7", "tell-monday", "clean"])
        self.levada("retry", "last", expect=2)
        done = self.levada("retry", "last", "--from", "laod", expect=2)
        self.assertIn('"load"', done.stderr)

    def test_with_an_edited_file_it_says_which_results_stay_valid_and_why_not(self):
        self.fail_once()
        edited = WORKFLOW.replace('test -e "$OPEN"', "true").replace("run: echo beside", "run: echo besides")
        edited = edited.replace("- id: tell", "- id: told").replace("name: retried", "name: retried # edited")
        edited = edited.replace("finally:", """  - id: added
    needs: [extract]
    run: echo added >> "$LEDGER"
finally:""", 0)
        self.write("w.yaml", edited)
        self.assertEqual(self.plan("--with", self.file), {
            "extract": ("keep", "succeeded"), "beside": ("again", "edited"), "load": ("again", "edited"),
            "told": ("new", "new"), "tell": ("gone", "gone"), "alarm": ("again", "end"), "clean": ("again", "end")})
        self.assertEqual(self.ledger(), [], "a plan runs nothing")
        self.assertEqual(self.show()["status"], "failed")
        done = self.levada("retry", "last", "--with", self.file)
        self.assertIn("its `run` was edited", done.stderr)
        self.assertEqual(sorted(self.ledger()), ["besides", "clean", "load7", "tell-monday"])
        self.assertEqual(self.statuses(), {"extract": "succeeded", "beside": "succeeded", "load": "succeeded",
                                           "told": "succeeded", "alarm": "skipped", "clean": "succeeded"})
        for command in (["show"], ["why"], ["logs"], ["report", "-o", os.path.join(self.folder, "r.html")]):
            self.levada(command[0], "last", *command[1:])

    def test_how_often_or_how_long_a_step_may_run_does_not_change_what_it_did(self):
        self.fail_once()
        slower = WORKFLOW.replace("  - id: extract\n", "  - id: extract\n    timeout: 5m\n    name: First\n")
        self.write("w.yaml", slower)
        self.assertEqual(self.plan("--with", self.file)["extract"], ("keep", "succeeded"))

    def test_an_edited_file_with_errors_retries_nothing(self):
        self.fail_once()
        self.write("bad.yaml", WORKFLOW.replace("needs: [load]", "needs: [lod]"))
        done = self.levada("retry", "last", "--with", os.path.join(self.folder, "bad.yaml"), expect=3)
        self.assertIn("nothing was retried", done.stderr)
        self.assertEqual(self.show()["status"], "failed")

    def test_a_run_that_has_not_ended_is_not_retried(self):
        file = self.write("w.yaml", "levada: 1\nname: w\nsteps:\n  - id: a\n    run: sleep 20\n")
        process = self.start("run", file)
        self.wait_for(lambda: self.runs() and self.statuses().get("a") == "running", "the step to run")
        self.assertIn(str(process.pid), self.levada("retry", "last", expect=6).stderr)
        process.kill()
        process.wait()
        self.assertIn("levada resume", self.levada("retry", "last", expect=6).stderr)
        self.levada("cancel", "last", expect=10)

    def test_a_cancelled_run_is_retried_and_is_not_cancelled_again(self):
        file = self.write("w.yaml", """levada: 1
name: w
steps:
  - id: a
    run: test -e "$OPEN" || sleep 20; echo a >> "$LEDGER"
  - id: b
    needs: [a]
    run: echo b >> "$LEDGER"
""")
        process = self.start("run", file)
        self.wait_for(lambda: self.runs() and self.statuses().get("a") == "running", "the step to run")
        self.levada("cancel", "last")
        self.assertEqual(process.wait(timeout=30), 10)
        self.open()
        self.levada("retry", "last")
        self.assertEqual(self.ledger(), ["a", "b"])

    def test_a_result_belongs_to_the_workflow_that_it_came_from(self):
        self.fail_once()
        self.open()
        edited = WORKFLOW.replace("run: echo beside", "run: echo besides").replace('test -e "$OPEN"', "true")
        self.write("w.yaml", edited)
        self.levada("retry", "last", "--only", "load", "--with", self.file)
        plan = self.plan()
        self.assertEqual(plan["beside"], ("again", "edited"))
        self.assertEqual(plan["load"], ("keep", "succeeded"))
        self.assertEqual(plan["extract"], ("keep", "succeeded"))
        self.levada("retry", "last")
        self.assertIn("besides", self.ledger())

    def test_only_one_step_runs_even_when_the_file_has_new_ones(self):
        self.fail_once()
        self.open()
        self.write("w.yaml", WORKFLOW.replace("on_failure:", "  - id: added\n    run: echo added\non_failure:"))
        done = self.levada("retry", "last", "--only", "load", "--with", self.file, expect=2)
        self.assertIn("added", done.stderr)
        self.assertEqual(self.ledger(), [])

    def test_a_file_elsewhere_says_where_its_steps_run(self):
        self.fail_once()
        self.open()
        other = self.write("other/w.yaml", WORKFLOW)
        done = self.levada("retry", "last", "--with", other)
        self.assertIn(f"runs in {os.path.dirname(other)}", done.stderr)

    def test_what_was_cancelled_half_way_is_said_to_be_done_twice_perhaps(self):
        file = self.write("w.yaml", "levada: 1\nname: w\nsteps:\n  - id: pay\n    run: sleep 20\n")
        process = self.start("run", file)
        self.wait_for(lambda: self.runs() and self.statuses().get("pay") == "running", "the step to run")
        self.levada("cancel", "last")
        self.assertEqual(process.wait(timeout=30), 10)
        self.assertEqual(self.plan(), {"pay": ("again", "half_done")})

    def test_a_kill_after_the_retry_was_written_down_is_resumed(self):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")
        self.fail_once()
        self.open()
        for point in ("journal_before:1", "journal_inside:1", "journal_after:1", "journal_after:2", "journal_before:4"):
            done = self.levada("retry", "last", expect=None, env={"LEVADA_FAILPOINT": point})
            self.assertEqual(done.returncode, -9, point + done.stderr)
            if self.show()["status"] == "failed":
                continue
            self.levada("resume", "last")
            self.assertEqual(self.show()["status"], "succeeded")
            os.remove(self.door)
            self.levada("retry", "last", "--from", "load", expect=1)
            self.open()

    def test_a_step_that_an_edited_workflow_has_no_more_is_still_told_of(self):
        text = "levada: 1\nname: w\nsteps:\n  - id: old\n    retry: {attempts: 2, delay: 1ms, for: [permanent]}\n" \
               "    run: echo \"said $LEVADA_ATTEMPT\"; exit 3\n  - id: never\n    needs: [old]\n    run: echo x\n"
        self.fail_once(text)
        self.write("w.yaml", "levada: 1\nname: w\nsteps:\n  - id: fresh\n    run: echo fresh\n")
        self.levada("retry", "last", "--with", self.file)
        done = self.levada("logs", "last", "old")
        self.assertTrue(done.stdout.startswith("said"), done.stdout)
        self.assertIn("before it was retried with an edited workflow", done.stderr)
        first = self.levada("logs", "last", "old", "--attempt", "1")
        self.assertTrue(first.stdout.startswith("said"), first.stdout)
        for args in (("logs", "last", "old", "--attempt", "7"), ("logs", "last", "never"), ("why", "last", "old")):
            done = self.levada(*args, expect=2)
            self.assertRegex(done.stderr, f"had step \"{args[2]}\" before it was retried with an edited workflow")
            words = done.stderr.split("levada why ")[1].split()
            self.assertTrue(self.levada("why", *words).stdout)
        for command in ("logs", "why"):
            self.assertIn("has no step \"neither\"", self.levada(command, "last", "neither", expect=2).stderr)
        folder = os.path.join(self.run_folder(), "logs")
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        self.assertIn("before it was retried", self.levada("logs", "last", "old", expect=2).stderr)


if __name__ == "__main__":
    levada.main()
