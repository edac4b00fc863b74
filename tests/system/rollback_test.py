# SPDX-License-Identifier: Apache-2.0
"""What an ended run did is taken back: the last first, each step with its own outputs, and it can be killed."""
import json
import os
import signal

import levada

WORKFLOW = """levada: 1
name: undone
steps:
  - id: base
    run: |
      echo base >> "$LEDGER"
      echo "name=base-7" >> "$LEVADA_OUTPUT"
    outputs: [name]
    undo: {run: 'echo "undo:${{ outputs.name }}:$LEVADA_TOKEN" >> "$LEDGER"'}
  - id: parts
    needs: [base]
    foreach: [a, b]
    max_parallel: 1
    run: |
      echo "part:${{ item }}" >> "$LEDGER"
      echo "of=${{ steps.base.outputs.name }}/${{ item }}" >> "$LEVADA_OUTPUT"
    outputs: [of]
    undo:
      run: |
        test -e "$OPEN" || exit 1
        echo "undo:${{ outputs.of }}:${{ item }}" >> "$LEDGER"
      effect: idempotent
  - id: inner
    needs: [parts]
    steps:
      - id: last
        run: echo "last" >> "$LEDGER"
        undo: {lua: 'log("undo last after " .. steps.parts.status)', effect: pure}
  - id: plain
    needs: [inner]
    run: echo plain >> "$LEDGER"
  - id: bad
    needs: [plain]
    run: exit 3
    undo: {run: 'echo never >> "$LEDGER"'}
"""


class Rollback(levada.Case):
    def setUp(self):
        super().setUp()
        self.door = os.path.join(self.folder, "open")
        self.env["OPEN"] = self.door
        self.file = self.write("w.yaml", WORKFLOW)
        self.levada("run", self.file, expect=1)
        os.remove(self.ledger_path)

    def open(self):
        with open(self.door, "w", encoding="utf-8"):
            pass

    def lines(self):
        return [line.split(":")[:2] for line in self.ledger()]

    def undone(self):
        return {(step["id"], step.get("item")): step["status"] for step in self.show()["steps"]
                if step["id"].endswith(".undo")}

    def test_the_last_is_undone_first_and_each_sees_its_own_outputs(self):
        self.open()
        self.levada("rollback", "last")
        self.assertEqual(self.lines(), [["undo", "base-7/b"], ["undo", "base-7/a"], ["undo", "base-7"]])
        self.assertEqual(set(self.undone().values()), {"succeeded"})
        shown = self.show()
        self.assertEqual((shown["status"], shown["failed_step"]), ("failed", "bad"), "it is as ended as it was")
        self.assertIn("exit code 3", shown["error"]["message"])
        self.assertTrue(shown["rolled_back"])
        self.assertIn("failed, rolled back", self.levada("show", "last").stdout)
        self.assertEqual({step["id"] for step in shown["steps"] if step.get("undone")},
                         {"base", "parts", "inner.last"})
        self.assertIn("undo last after succeeded", self.levada("logs", "last", "inner.last.undo").stdout)

    def test_what_it_will_do_is_said_first_and_a_dry_run_does_nothing(self):
        said = json.loads(self.levada("rollback", "last", "--dry-run", "--json").stdout)
        self.assertEqual([(step["id"], step.get("item"), step["action"]) for step in said["steps"]],
                         [("inner.last", None, "undo"), ("parts", "b", "undo"), ("parts", "a", "undo"),
                          ("base", None, "undo"), ("bad", None, "keep"), ("plain", None, "keep")],
                         "what is left to a person stands before what is well")
        self.assertIn("half-way", said["steps"][4]["reason"])
        self.assertFalse(os.path.exists(self.ledger_path))

    def test_what_cannot_be_undone_ends_it_and_what_came_before_stays(self):
        done = self.levada("rollback", "last", expect=1)
        self.assertIn("parts.undo", done.stderr)
        self.assertFalse(os.path.exists(self.ledger_path))
        self.assertEqual(self.undone(), {("inner.last.undo", None): "succeeded", ("parts.undo", "b"): "failed",
                                         ("parts.undo", "a"): "skipped", ("base.undo", None): "skipped"})
        self.open()
        self.levada("rollback", "last")
        self.assertEqual(self.lines(), [["undo", "base-7/b"], ["undo", "base-7/a"], ["undo", "base-7"]])
        self.assertTrue(self.show()["rolled_back"])
        self.assertIn("all is undone already", self.levada("rollback", "last", expect=2).stderr)

    def test_one_item_is_undone_alone_and_a_retry_does_it_again(self):
        self.open()
        self.levada("rollback", "last", "--only", "parts", "--item", "a")
        self.assertEqual(self.lines(), [["undo", "base-7/a"]])
        os.remove(self.ledger_path)
        self.levada("retry", "last", expect=1)
        self.assertEqual(self.lines()[0], ["part", "a"])
        self.assertNotIn(["part", "b"], self.lines())

    def test_the_token_of_a_second_undo_is_another_one(self):
        self.open()
        self.levada("rollback", "last", "--only", "base")
        first = self.ledger()[0]
        self.levada("retry", "last", expect=1)
        self.levada("rollback", "last", "--only", "base")
        second = [line for line in self.ledger() if line.startswith("undo:base-7:")][-1]
        self.assertNotEqual(first, second)

    def test_a_killed_rollback_is_resumed_where_it_was(self):
        self.write("slow", "")
        self.env["SLOW"] = os.path.join(self.folder, "slow")
        self.file = self.write("s.yaml", """levada: 1
steps:
  - id: one
    run: 'true'
    undo: {run: 'echo one >> "$LEDGER"'}
  - id: two
    needs: [one]
    run: 'true'
    undo: {run: 'while test -e "$SLOW"; do sleep 0.02; done; echo two >> "$LEDGER"', effect: idempotent}
""")
        self.levada("run", self.file)
        child = self.start("rollback", "last", "--json")
        self.wait_for(lambda: self.undone().get(("two.undo", None)) == "running", "the first undo")
        child.send_signal(signal.SIGKILL)
        child.wait()
        os.remove(self.env["SLOW"])
        self.assertEqual(self.levada("resume", "last").returncode, 0)
        self.assertEqual(self.ledger(), ["two", "one"])
        self.assertEqual(self.show()["status"], "succeeded")

    def test_a_rollback_that_ends_in_the_end_leaves_no_failure(self):
        self.levada("run", self.write("s.yaml", """levada: 1
steps:
  - id: one
    run: 'true'
    undo: {run: 'test -e "$OPEN"'}
  - id: two
    needs: [one]
    run: 'true'
    undo: {run: 'true'}
outputs: {x: 7}
"""))
        self.levada("rollback", "last", expect=1)
        self.assertEqual(self.show()["failed_step"], "one.undo")
        self.open()
        self.levada("rollback", "last")
        shown = self.show()
        self.assertEqual((shown["status"], shown["outputs"]), ("succeeded", {"x": 7}))

    def test_items_that_failed_run_again_with_the_tolerated_loop_that_they_are_of(self):
        self.levada("run", self.write("t.yaml", """levada: 1
steps:
  - id: each
    foreach: [a, b, c]
    max_parallel: 1
    fail_fast: true
    continue_on_error: true
    run: echo "did:${{ item }}" >> "$LEDGER"; test "${{ item }}" != b -o -e "$OPEN"
    undo: {run: 'true'}
"""))
        self.open()
        self.levada("rollback", "last")
        os.remove(self.ledger_path)
        self.levada("retry", "last")
        self.assertEqual(self.ledger(), ["did:a", "did:b", "did:c"])
        self.assertEqual([step["status"] for step in self.show()["steps"]], ["succeeded"] * 4)

    LEFT = """levada: 1
steps:
  - id: list
    run: cat "$LIST"
    outputs: {items: {from: stdout, as: lines}}
  - id: each
    foreach: ${{ steps.list.outputs.items }}
    run: echo "did:${{ item }}" >> "$LEDGER"
    undo: {run: 'echo "undo:${{ item }}" >> "$LEDGER"'}
  - id: alone
    needs: [each]
    run: 'true'
    undo: {run: 'echo undo:alone >> "$LEDGER"'}
"""

    def retry_with_list(self, text, expect=0):
        self.env["LIST"] = self.write("list", text) if text else os.path.join(self.folder, "none")
        self.levada("retry", "last", "--from", "list", expect=expect)
        said = json.loads(self.levada("rollback", "last", "--dry-run", "--json").stdout) if not expect else None
        return said and {(step["id"], step.get("item")): (step["action"], step["reason"]) for step in said["steps"]}

    def test_what_a_retry_left_out_is_named_and_left_to_a_person(self):
        self.env["LIST"] = self.write("list", "a\nb\n")
        self.levada("run", self.write("left.yaml", self.LEFT))
        rows = self.retry_with_list("b\nc\n")
        self.assertEqual(rows["each", "b"][0], "undo")
        self.assertEqual(rows["each", "a"][0], "keep")
        self.assertIn("a retry left it out", rows["each", "a"][1])
        self.levada("rollback", "last")
        rows = self.retry_with_list("a\n")
        self.assertEqual([key for key in rows if key[1]], [("each", "a")], "what is undone is not left")

    def test_what_did_not_run_again_has_not_done_nothing(self):
        self.env["LIST"] = self.write("list", "a\n")
        self.levada("run", self.write("left.yaml", self.LEFT))
        self.retry_with_list("", expect=1)
        said = self.levada("rollback", "last", expect=2).stderr
        self.assertIn("mend it by hand: list, each[a], alone.", said.replace("alone, each[a]", "each[a], alone"))
        self.assertIn("before the retry", self.levada("rollback", "last", "--only", "alone", expect=2).stderr)

    def test_a_run_without_undo_says_so(self):
        self.levada("run", self.write("n.yaml", "levada: 1\nsteps:\n  - id: a\n    run: 'true'\n"))
        self.assertIn("undo", self.levada("rollback", "last", expect=2).stderr)


if __name__ == "__main__":
    levada.main()
