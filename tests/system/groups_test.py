# SPDX-License-Identifier: Apache-2.0
"""Groups, and workflows within workflows: steps in their own places, in one run."""
import json
import os

import levada


class GroupCase(levada.Case):
    def workflow(self, body, name="w.yaml"):
        return self.write(name, "levada: 1\n" + body)

    def steps(self, run="last"):
        return {(s["id"], s.get("item")): s for s in self.show(run)["steps"]}

    def status(self, step, item=None):
        return self.steps()[(step, item)]["status"]


class Groups(GroupCase):
    def test_what_waits_for_a_group_need_not_wait_for_a_loop_beside_it(self):
        self.levada("run", "--max-parallel", "1", self.write("beside.yaml", """levada: 1
steps:
  - id: group
    steps:
      - {id: part, run: 'true'}
  - id: many
    needs: []
    foreach: [1, 2, 3, 4, 5, 6]
    max_parallel: 1
    run: echo "${{ item }}" >> "$LEDGER"
  - id: behind
    needs: [group]
    run: echo behind >> "$LEDGER"
"""))
        self.assertLess(self.ledger().index("behind"), 3)

    def test_a_group_gives_what_its_outputs_say_and_holds_it_to_expect(self):
        body = """
params: {least: {type: integer, default: 1}}
steps:
  - id: tables
    steps:
      - id: dump
        run: echo "rows=7" >> "$LEVADA_OUTPUT"
        outputs: {rows: {as: integer}}
      - id: check
        run: echo "check ${{ steps.dump.outputs.rows }}" >> "$LEDGER"
    outputs: {rows: "${{ steps.dump.outputs.rows }}"}
    expect: ["${{ outputs.rows >= params.least }}"]
  - id: after
    run: echo "after ${{ steps.tables.outputs.rows }}" >> "$LEDGER"
"""
        path = self.workflow(body)
        self.levada("run", path)
        self.assertEqual(self.ledger(), ["check", "7", "after", "7"])
        self.levada("run", "-p", "least=8", path, expect=1)
        self.assertEqual(self.steps()[("tables", None)]["error"]["class"], "contract")
        self.assertEqual(self.status("tables.dump"), "succeeded")
        self.assertEqual(self.status("after"), "skipped")
        text = self.levada("show", "last").stdout
        self.assertRegex(text, r"✗ tables +failed \([^)]*\): contract: expected")
        self.assertIn("2 succeeded, 1 failed, 1 skipped", text)

    def test_a_step_in_a_group_sees_the_steps_and_loop_variables_around_it(self):
        self.levada("run", self.workflow("""
steps:
  - id: base
    run: echo "n=5" >> "$LEVADA_OUTPUT"
    outputs: {n: {as: integer}}
  - id: each
    foreach: [a, b]
    as: letter
    steps:
      - id: shell
        run: echo "${{ letter }}${{ steps.base.outputs.n }}" >> "$LEDGER"
      - id: chunk
        needs: [shell]
        lua: return {t = letter .. steps.base.outputs.n}
        outputs: [t]
"""))
        self.assertEqual(sorted(self.ledger()), ["a5", "b5"])
        self.assertEqual(self.steps()[("each.chunk", "b")]["outputs"], {"t": "b5"})

    def test_loops_within_loops_name_their_items_by_all_keys(self):
        self.levada("run", self.workflow("""
steps:
  - id: region
    foreach: [eu, us/west]
    steps:
      - id: load
        foreach: [x, 50%]
        as: file
        run: echo "${{ item }}:${{ file }}" >> "$LEDGER"
"""))
        self.assertEqual(sorted(self.ledger()), ["eu:50%", "eu:x", "us/west:50%", "us/west:x"])
        keys = sorted(item for step, item in self.steps() if step == "region.load" and "/" in item)
        self.assertEqual(keys, ["eu/50%25", "eu/x", "us%2Fwest/50%25", "us%2Fwest/x"])
        lines = self.levada("why", "last", "region.load", "--item", "us%2Fwest/x").stdout
        self.assertIn("region.load[us%2Fwest/x]", lines)
        shown = json.loads(self.levada("show", "last", "--step", "region", "--item", "us/west", "--json").stdout)
        self.assertEqual([s["item"] for s in shown["steps"]],
                         ["us%2Fwest", "us%2Fwest", "us%2Fwest/x", "us%2Fwest/50%25"])
        self.assertIn("region[us%2Fwest]", self.levada("why", "last", "region", "--item", "us/west").stdout)

    def test_a_failure_in_a_group_skips_what_needs_it_inside_and_outside(self):
        self.levada("run", self.workflow("""
steps:
  - id: tables
    steps:
      - id: dump
        run: exit 4
      - id: check
        needs: [dump]
        run: echo no
  - id: after
    needs: [tables]
    run: echo no
"""), expect=1)
        self.assertEqual(self.status("tables.check"), "skipped")
        self.assertEqual(self.status("after"), "skipped")
        why = json.loads(self.levada("why", "last", "--json").stdout)
        self.assertEqual(why["cause"]["step"], "tables.dump")
        self.assertEqual([a["step"] for a in why["affected"]], ["after", "tables.check"])
        self.assertIn("did not run because of it\n  after skipped", self.levada("why", "last").stdout)

    def test_a_retry_goes_on_inside_the_group(self):
        path = self.workflow("""
steps:
  - id: each
    foreach: [a, b]
    steps:
      - id: one
        run: echo "one:${{ item }}" >> "$LEDGER"
      - id: two
        needs: [one]
        run: echo "two:${{ item }}" >> "$LEDGER"; test "${{ item }}" = a || test -e "$LEDGER.fixed"
""")
        self.levada("run", path, expect=1)
        self.write("ledger.fixed", "")
        self.levada("retry", "last")
        self.assertEqual(sorted(self.ledger()), ["one:a", "one:b", "two:a", "two:b", "two:b"])
        self.assertEqual({s["status"] for s in self.show()["steps"]}, {"succeeded"})


class Workflows(GroupCase):
    CHILD = """
name: child
params: {table: {required: true}, limit: {type: integer, default: 10}}
env: {WHERE: child}
steps:
  - id: load
    run: |
      echo "$WHERE:${{ params.table }}:${{ params.limit }}:$(basename "$PWD")" >> "$LEDGER"
      echo "rows=${{ params.limit }}" >> "$LEVADA_OUTPUT"
      test "${{ params.table }}" != bad
    outputs: {rows: {as: integer}}
on_failure:
  - id: tell
    run: echo "tell:${{ run.error_class }}" >> "$LEDGER"
finally:
  - id: clean
    run: echo "clean:${{ params.table }}" >> "$LEDGER"
outputs: {rows: "${{ steps.load.outputs.rows }}"}
"""

    def test_it_has_params_env_a_folder_and_outputs_of_its_own(self):
        self.workflow(self.CHILD, "sub/child.yaml")
        self.levada("run", self.workflow("""
env: {WHERE: parent}
steps:
  - id: orders
    workflow: sub/child.yaml
    with: {table: orders, limit: "${{ 3 * 4 }}"}
  - id: after
    run: echo "$WHERE:${{ steps.orders.outputs.rows }}" >> "$LEDGER"
"""))
        self.assertEqual(self.ledger(), ["child:orders:12:sub", "clean:orders", "parent:12"])
        self.assertEqual(self.steps()[("orders", None)]["outputs"], {"rows": 12})
        self.assertEqual(self.status("orders.tell"), "skipped")
        text = self.levada("show", "last").stdout
        self.assertNotIn("tell", text)
        self.assertRegex(text, r"✓ orders +succeeded")

    def test_its_failure_runs_its_own_on_failure_and_finally_and_fails_the_step(self):
        self.workflow(self.CHILD, "sub/child.yaml")
        self.levada("run", self.workflow("""
steps:
  - id: bad
    workflow: sub/child.yaml
    with: {table: bad}
on_failure:
  - id: page
    run: echo "page:${{ run.failed_step }}" >> "$LEDGER"
"""), expect=1)
        self.assertEqual(self.ledger(), ["child:bad:10:sub", "tell:permanent", "clean:bad", "page:bad.load"])
        self.assertEqual(self.show()["failed_step"], "bad.load")

    def test_it_runs_for_each_item_of_a_loop(self):
        self.workflow(self.CHILD, "sub/child.yaml")
        self.levada("run", self.workflow("""
steps:
  - id: tables
    foreach: [orders, customers]
    workflow: sub/child.yaml
    with: {table: "${{ item }}"}
  - id: sum
    run: echo "sum:${{ sum(map(values(steps.tables.items), function(i) return i.outputs.rows end)) }}" >> "$LEDGER"
"""))
        self.assertIn("sum:20", self.ledger())
        self.assertEqual(sorted(w for w in self.ledger() if w.startswith("child:")),
                         ["child:customers:10:sub", "child:orders:10:sub"])
        lines = self.levada("logs", "last", "tables", "--item", "orders").stdout
        self.assertEqual(lines, "")

    def test_its_secrets_are_its_own(self):
        self.workflow("""
secrets: {token: {from: env, name: CHILD_TOKEN}}
steps:
  - id: use
    run: cat > "$LEDGER"; cat "$LEDGER"
    stdin: ${{ secrets.token }}
""", "sub/child.yaml")
        self.levada("run", self.workflow("steps:\n  - id: use\n    workflow: sub/child.yaml\n"),
                    env={"CHILD_TOKEN": "canary-7731-secret"})
        self.assertEqual(self.ledger(), ["canary-7731-secret"])
        self.assertEqual(self.levada("logs", "last", "use.use").stdout, "***\n")
        path = self.levada("report", "last").stdout.strip()
        for file in (path, os.path.join(self.run_folder(), "journal.db")):
            with open(file, "rb") as data:
                self.assertFalse(b"canary-7731" in data.read(), file)
        done = self.levada("check", self.workflow("""
steps:
  - id: use
    workflow: sub/child.yaml
  - id: steal
    run: cat
    stdin: ${{ secrets.token }}
"""), expect=3)
        self.assertIn("token", done.stderr + done.stdout)

    def test_an_engine_killed_inside_goes_on_inside(self):
        self.workflow("""
steps:
  - id: one
    run: echo one >> "$LEDGER"
  - id: two
    needs: [one]
    effect: idempotent
    run: echo two >> "$LEDGER"; sleep 0.4
  - id: three
    needs: [two]
    run: echo three >> "$LEDGER"
""", "sub/child.yaml")
        process = self.start("run", self.workflow("""
steps:
  - id: sub
    workflow: sub/child.yaml
  - id: after
    needs: [sub]
    run: echo after >> "$LEDGER"
"""))
        self.wait_for(lambda: "two" in self.ledger(), "the second step")
        process.kill()
        process.wait()
        os.rename(os.path.join(self.folder, "sub/child.yaml"), os.path.join(self.folder, "sub/gone.yaml"))
        self.levada("resume", "last")
        self.assertEqual(self.ledger().count("one"), 1)
        self.assertEqual(self.ledger()[-2:], ["three", "after"])
        self.levada("db", "check", "last")


if __name__ == "__main__":
    levada.main()
