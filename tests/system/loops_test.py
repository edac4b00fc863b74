# SPDX-License-Identifier: Apache-2.0
"""Loops, as a person and a script see them: items have keys, attempts and logs of their own, and none is done twice."""
import json
import os
import signal
import subprocess
import time

import levada


class LoopCase(levada.Case):
    def workflow(self, body, name="w.yaml"):
        return self.write(name, "levada: 1\n" + body)

    def items(self, step, run="last"):
        return {s["item"]: s for s in self.show(run)["steps"] if s["id"] == step and "item" in s}

    def step(self, step, item=None, run="last"):
        return next(s for s in self.show(run)["steps"] if s["id"] == step and s.get("item") == item)

    def events(self, *args, expect=0, **kwargs):
        return [json.loads(line) for line in self.levada(*args, expect=expect, **kwargs).stdout.splitlines()]


class Items(LoopCase):
    def test_a_list_gives_items_that_are_called_by_themselves_and_outputs_by_key(self):
        path = self.workflow("""
steps:
  - id: load
    foreach: [a.csv, 7, true]
    as: file
    run: x="${{ file }}"; echo "size=${#x}" >> "$LEVADA_OUTPUT"
    outputs: {size: {as: integer}}
  - id: total
    run: 'echo "n=${{ sum(map(values(steps.load.items), function(i) return i.outputs.size end)) }}" >> "$LEVADA_OUTPUT"'
    outputs: {n: {as: integer}}
outputs:
  first: '${{ steps.load.items["a.csv"].outputs.size }}'
  all: ${{ keys(steps.load.items) }}
""")
        self.levada("run", path)
        self.assertEqual({k: v["outputs"]["size"] for k, v in self.items("load").items()},
                         {"a.csv": 5, "7": 1, "true": 4})
        self.assertEqual(self.step("total")["outputs"], {"n": 10})
        self.assertEqual(self.show()["outputs"], {"first": 5, "all": ["a.csv", "7", "true"]})

    def test_a_map_gives_items_that_are_called_by_their_names(self):
        self.levada("run", self.workflow("""
steps:
  - id: load
    foreach: {eu: {rows: 1}, us: {rows: 2}}
    run: echo "rows=${{ item.rows }}" >> "$LEVADA_OUTPUT"
    outputs: {rows: {as: integer}}
"""))
        self.assertEqual({k: v["outputs"]["rows"] for k, v in self.items("load").items()}, {"eu": 1, "us": 2})

    def test_a_matrix_makes_every_combination(self):
        self.levada("run", self.workflow("""
steps:
  - id: build
    matrix: {region: [eu, us], size: [1, 2]}
    run: echo "${{ matrix.region }}${{ matrix.size }}" >> "$LEDGER"
"""))
        self.assertEqual(sorted(self.ledger()), ["eu1", "eu2", "us1", "us2"])
        self.assertEqual(sorted(self.items("build")),
                         ["region=eu,size=1", "region=eu,size=2", "region=us,size=1", "region=us,size=2"])

    def test_two_items_of_one_key_fail_the_step_before_any_begins(self):
        path = self.workflow("""
steps:
  - id: load
    foreach: [{n: a, x: 1}, {n: b, x: 2}, {n: a, x: 3}]
    key: ${{ item.n }}
    run: echo ran >> "$LEDGER"
""")
        done = self.levada("run", path, expect=1)
        self.assertIn('items 1 and 3 have the same key "a"', done.stderr)
        self.assertIn("Let `key` name what is different in each.", done.stderr)
        self.assertEqual(self.ledger(), [])
        done = self.levada("run", self.workflow("""
steps:
  - id: load
    foreach: ["", b]
    run: echo ran >> "$LEDGER"
"""), expect=1)
        self.assertIn("the key of an item is empty", done.stderr)
        self.assertEqual(self.ledger(), [])

    def test_what_is_no_list_is_said_with_what_would_make_one(self):
        done = self.levada("run", self.workflow("""
params: {names: {default: "a,b"}}
steps:
  - id: load
    foreach: ${{ params.names }}
    run: "true"
"""), expect=1)
        self.assertIn("`foreach` gave a string, not a list or a map", done.stderr)
        self.assertIn('split(text, ",")', done.stderr)

    def test_no_items_are_a_success_and_what_follows_runs(self):
        self.levada("run", self.workflow("""
params: {names: {type: list, default: []}}
steps:
  - id: load
    foreach: ${{ params.names }}
    run: "false"
  - id: after
    needs: [load]
    run: echo "${{ len(steps.load.items) }}" >> "$LEDGER"
"""))
        self.assertEqual(self.ledger(), ["0"])
        self.assertEqual(self.step("load")["reason"]["text"], "it had no items")

    def test_if_that_names_the_item_is_asked_for_each(self):
        self.levada("run", self.workflow("""
steps:
  - id: load
    foreach: [1, 2, 3]
    if: ${{ item ~= 2 }}
    run: echo "${{ item }}" >> "$LEDGER"
  - id: never
    foreach: [1, 2]
    if: ${{ 1 > 2 }}
    run: echo never >> "$LEDGER"
"""))
        self.assertEqual(sorted(self.ledger()), ["1", "3"])
        self.assertEqual(self.items("load")["2"]["status"], "skipped")
        self.assertEqual(self.step("never")["status"], "skipped")
        self.assertEqual(self.items("never"), {})

    def test_never_more_items_at_once_than_max_parallel(self):
        self.levada("run", "--max-parallel", "16", self.workflow("""
steps:
  - id: load
    foreach: [1, 2, 3, 4, 5, 6, 7, 8]
    max_parallel: 3
    run: echo + >> "$LEDGER"; sleep 0.1; echo - >> "$LEDGER"
"""))
        now, most = 0, 0
        for word in self.ledger():
            now += 1 if word == "+" else -1
            most = max(most, now)
        self.assertEqual(len(self.ledger()), 16)
        self.assertLessEqual(most, 3)
        self.assertGreater(most, 1)

    def test_the_others_go_on_when_an_item_fails_and_the_loop_fails_at_the_end(self):
        path = self.workflow("""
steps:
  - id: load
    foreach: [a, b, c]
    run: echo "${{ item }}" >> "$LEDGER"; test "${{ item }}" != a
  - id: after
    needs: [load]
    run: echo after >> "$LEDGER"
""")
        done = self.levada("run", path, expect=1)
        self.assertEqual(sorted(self.ledger()), ["a", "b", "c"])
        self.assertEqual(self.step("after")["status"], "skipped")
        self.assertIn('1 of 3 items failed, first "a"', self.step("load")["error"]["message"])
        self.assertIn("load --item a", done.stderr)
        self.assertEqual(self.show()["failed_step"], "load")
        self.assertEqual(self.show()["failed_item"], "a")

    def test_fail_fast_begins_no_further_item(self):
        self.levada("run", self.workflow("""
steps:
  - id: load
    foreach: [a, b, c, d]
    max_parallel: 1
    fail_fast: true
    run: echo "${{ item }}" >> "$LEDGER"; test "${{ item }}" != b
"""), expect=1)
        self.assertEqual(self.ledger(), ["a", "b"])
        self.assertEqual([self.items("load")[k]["status"] for k in "abcd"],
                         ["succeeded", "failed", "skipped", "skipped"])

    def test_continue_on_error_is_about_the_loop(self):
        self.levada("run", self.workflow("""
steps:
  - id: load
    foreach: [a, b]
    continue_on_error: true
    run: test "${{ item }}" != a
  - id: after
    needs: [load]
    run: echo "${{ steps.load.items.a.status }} ${{ steps.load.items.b.status }}" >> "$LEDGER"
"""))
        self.assertEqual(self.ledger(), ["failed", "succeeded"])

    def test_each_item_has_its_own_attempts(self):
        self.levada("run", self.workflow("""
steps:
  - id: load
    foreach: [a, b]
    retry: {attempts: 3, delay: 10ms}
    run: |
      echo "${{ item }}" >> "$LEDGER"
      test "${{ item }}" = b || test $(grep -c a "$LEDGER") -ge 3
"""))
        self.assertEqual({k: v["attempts"] for k, v in self.items("load").items()}, {"a": 3, "b": 1})

    def test_a_loop_goes_over_what_an_earlier_loop_gave(self):
        self.levada("run", self.workflow("""
steps:
  - id: find
    foreach: [eu, us]
    run: echo "size=${{ len(item) }}" >> "$LEVADA_OUTPUT"
    outputs: {size: {as: integer}}
  - id: load
    foreach: ${{ steps.find.items }}
    run: echo "${{ item.status }}${{ item.outputs.size }}" >> "$LEDGER"
"""))
        self.assertEqual(self.ledger(), ["succeeded2", "succeeded2"])
        self.assertEqual(sorted(self.items("load")), ["eu", "us"])

    def test_loops_stand_in_on_failure_and_finally(self):
        self.levada("run", self.workflow("""
steps:
  - id: bad
    run: exit 3
on_failure:
  - id: tell
    foreach: [ana, bo]
    run: echo "${{ item }}:${{ run.failed_step }}" >> "$LEDGER"
finally:
  - id: clean
    foreach: [x, y]
    run: echo "${{ item }}" >> "$LEDGER"
"""), expect=1)
        self.assertEqual(sorted(self.ledger()[:2]), ["ana:bad", "bo:bad"])
        self.assertEqual(sorted(self.ledger()[2:]), ["x", "y"])

    def test_a_lua_step_sees_the_item_and_the_steps_before(self):
        self.levada("run", self.workflow("""
steps:
  - id: base
    lua: return {n = 10}
    outputs: [n]
  - id: add
    foreach: [1, 2]
    lua: return {sum = steps.base.outputs.n + item}
    outputs: [sum]
"""))
        self.assertEqual({k: v["outputs"]["sum"] for k, v in self.items("add").items()}, {"1": 11, "2": 12})

    def test_a_step_is_repeated_until_its_condition_holds(self):
        path = self.workflow("""
steps:
  - id: wait
    until: ${{ outputs.n >= 3 }}
    every: 10ms
    attempts: 5
    run: echo x >> "$LEDGER"; echo "n=$(wc -l < "$LEDGER")" >> "$LEVADA_OUTPUT"
    outputs: {n: {as: integer}}
""")
        self.levada("run", path)
        self.assertEqual(len(self.ledger()), 3)
        self.assertEqual(self.step("wait")["attempts"], 3)

    def test_until_gives_up_with_class_timeout(self):
        self.levada("run", self.workflow("""
steps:
  - id: wait
    until: ${{ outputs.n > 100 }}
    every: 1ms
    attempts: 2
    run: echo "n=1" >> "$LEVADA_OUTPUT"
    outputs: {n: {as: integer}}
"""), expect=1)
        self.assertEqual(self.step("wait")["error"]["class"], "timeout")


class Seen(LoopCase):
    """What commands say of items."""

    LOADS = """
name: loads
steps:
  - id: load
    foreach: [a.csv, b.csv, it's here]
    run: echo "loading ${{ item }}"; test "${{ item }}" != b.csv || { echo broken >&2; exit 3; }
  - id: tables
    foreach: [orders]
    steps:
      - id: dump
        run: echo dumping
"""

    def setUp(self):
        super().setUp()
        self.levada("run", self.workflow(self.LOADS), expect=1)

    def test_show_lists_the_items_below_their_loop(self):
        text = self.levada("show", "last").stdout
        self.assertIn("✗ load           failed", text)
        self.assertRegex(text, r"load +failed \([^)]*\): 2 of 3 done, 1 failed")
        self.assertRegex(text, r"✗ \[b\.csv\] +failed \([^)]*\): permanent: exit code 3: broken")
        self.assertRegex(text, r"    ✓ \[orders\] +succeeded \([^)]*\): 1 of 1 done\n      ✓ dump ")

    def test_show_can_be_asked_for_one_step_one_item_or_failures(self):
        failed = json.loads(self.levada("show", "last", "--failed", "--json").stdout)["steps"]
        self.assertEqual([(s["id"], s.get("item")) for s in failed], [("load", None), ("load", "b.csv")])
        one = json.loads(self.levada("show", "last", "--step", "load", "--item", "a.csv", "--json").stdout)["steps"]
        self.assertEqual([s["item"] for s in one], ["a.csv"])
        text = self.levada("show", "last", "--step", "tables").stdout
        self.assertIn("dump", text)
        self.assertNotIn("a.csv]", text)

    def test_logs_of_a_loop_name_the_item_on_each_line(self):
        lines = self.levada("logs", "last").stdout.splitlines()
        self.assertIn("load[a.csv]         | loading a.csv", lines)
        self.assertIn("load[it's here]     | loading it's here", lines)
        self.assertIn("tables.dump[orders] | dumping", lines)
        self.assertEqual(self.levada("logs", "last", "load", "--item", "a.csv").stdout, "loading a.csv\n")
        self.assertEqual(self.levada("logs", "last", "load[a.csv]").stdout, "loading a.csv\n")
        self.assertEqual(len(self.levada("logs", "last", "load").stdout.splitlines()), 4)
        self.assertEqual(self.levada("logs", "last", "tables").stdout, "tables.dump[orders] | dumping\n")

    def test_an_unknown_key_is_refused_with_the_nearest(self):
        for command in (["logs", "last", "load", "--item", "a.cvs"], ["why", "last", "load", "--item", "a.cvs"],
                        ["show", "last", "--step", "load", "--item", "a.cvs"],
                        ["resolve", "last", "load", "--item", "a.cvs", "--done"]):
            done = self.levada(*command, expect=2)
            self.assertIn('has no item "a.cvs"', done.stderr, command)
            self.assertIn('Did you mean "a.csv"?', done.stderr, command)
        done = self.levada("why", "last", "tables.dump", expect=2)
        self.assertIn("is done for each item: which one?", done.stderr)
        self.assertIn("--item orders", done.stderr)
        self.assertIn('Did you mean "tables.dump"?', self.levada("logs", "last", "tables.dmup", expect=2).stderr)

    def test_why_knows_the_cause_and_what_it_took_with_it(self):
        text = self.levada("why", "last").stdout
        self.assertIn("cause\n  load[b.csv] failed", text)
        self.assertRegex(text, r"load\[a\.csv\] +ready +it is an item of the loop")
        text = self.levada("why", "last", "load").stdout
        self.assertIn("did not succeed\n  load[b.csv] failed", text)
        text = self.levada("why", "last", "load", "--item", "b.csv").stdout
        self.assertNotIn("a.csv", text)
        why = json.loads(self.levada("why", "last", "--json").stdout)
        self.assertEqual((why["cause"]["step"], why["cause"]["item"]), ("load", "b.csv"))

    def test_what_to_type_next_can_be_typed(self):
        self.levada("run", self.workflow("""
steps:
  - id: load
    foreach: ["it's here"]
    run: echo found; exit 1
"""), expect=1)
        shown = self.levada("show", "last").stdout
        command = shown.split("next: ")[1].split("  what it wrote")[0].strip()
        self.assertEqual(command.split(" ", 3)[3], "load --item 'it'\\''s here'")
        done = subprocess.run(["sh", "-c", command.replace("levada", levada.LEVADA, 1)], env=self.env,
                              capture_output=True, text=True, timeout=30, check=True)
        self.assertEqual(done.stdout, "found\n")

    def test_events_of_items_carry_their_key(self):
        events = self.events("run", "--json", self.workflow(self.LOADS), expect=1)
        begun = [e for e in events if e["event"] == "step_expanded"]
        self.assertEqual([(e["step"], e.get("items"), e.get("steps")) for e in begun],
                         [("load", 3, None), ("tables", 1, None), ("tables", None, 1)])
        for name in ("step_started", "step_finished"):
            got = {e["item"] for e in events if e["event"] == name and e["step"] == "load" and "item" in e}
            self.assertEqual(got, {"a.csv", "b.csv", "it's here"})

    def test_replay_and_an_exported_run_tell_the_same(self):
        told = self.levada("replay", "last", "--json").stdout
        self.assertIn('"item":"b.csv"', told)
        self.levada("export", "last", "-o", os.path.join(self.folder, "x.levada"))
        away = json.loads(self.levada("show", "x.levada", "--json").stdout)
        here = self.show()
        self.assertEqual([(s["id"], s.get("item"), s["status"]) for s in away["steps"]],
                         [(s["id"], s.get("item"), s["status"]) for s in here["steps"]])
        self.assertEqual(self.levada("logs", "x.levada", "load", "--item", "a.csv").stdout, "loading a.csv\n")
        self.levada("db", "check", "last")

    def test_the_report_has_the_items_below_their_loop(self):
        path = self.levada("report", "last").stdout.strip()
        with open(path, encoding="utf-8") as page:
            text = page.read()
        for name in ("<b>load[b.csv]</b>", "<b>tables.dump[orders]</b>", "it&#39;s here", "2 of 3 done"):
            self.assertTrue(name in text, name)

    def test_a_retry_repeats_what_failed_and_nothing_else(self):
        path = self.workflow("""
steps:
  - id: load
    foreach: [a, b, c]
    run: |
      echo "${{ item }}" >> "$LEDGER"
      test "${{ item }}" != b || test -e "$LEDGER.fixed"
""")
        self.levada("run", path, expect=1)
        self.write("ledger.fixed", "")
        self.levada("retry", "last")
        self.assertEqual(sorted(self.ledger()), ["a", "b", "b", "c"])
        self.assertEqual({s["status"] for s in self.items("load").values()}, {"succeeded"})
        self.assertEqual(self.step("load")["status"], "succeeded")
        text = self.levada("show", "last").stdout
        self.assertRegex(text, r"✓ load +succeeded \([^)]*\): 3 of 3 done")


class Killed(LoopCase):
    SLOW = """
steps:
  - id: load
    foreach: ${{ split("1,2,3,4,5,6,7,8,9,10,11,12", ",") }}
    max_parallel: 2
    effect: idempotent
    run: echo "begin ${{ item }}" >> "$LEDGER"; sleep 0.15; echo "end ${{ item }}" >> "$LEDGER"
"""

    def test_an_engine_killed_in_a_loop_repeats_no_item_that_had_ended(self):
        path = self.workflow(self.SLOW)
        process = self.start("run", path)
        self.wait_for(lambda: self.ledger().count("end") >= 4, "four items")
        process.kill()
        process.wait()
        done = {key for key, item in self.items("load").items() if item["status"] == "succeeded"}
        self.assertGreater(len(done), 1)
        self.levada("resume", "last")
        words = self.ledger()
        begun = [words[i + 1] for i, word in enumerate(words) if word == "begin"]
        for key in done:
            self.assertEqual(begun.count(key), 1, key)
        self.assertEqual({s["status"] for s in self.items("load").values()}, {"succeeded"})
        self.assertEqual(set(begun), {str(n) for n in range(1, 13)})
        self.assertEqual(len(self.items("load")), 12)

    def test_a_cancel_in_a_loop_ends_what_runs_and_begins_no_more(self):
        process = self.start("run", self.workflow(self.SLOW))
        self.wait_for(lambda: self.ledger().count("end") >= 2, "two items")
        self.levada("cancel", "last")
        self.assertEqual(process.wait(30), 10)
        begun = self.ledger().count("begin")
        statuses = [s["status"] for s in self.items("load").values()]
        self.assertLess(begun, 12)
        self.assertEqual(set(statuses), {"succeeded", "cancelled"})
        self.assertEqual(self.step("load")["status"], "cancelled")

    def test_an_item_that_nobody_knows_about_is_settled_by_its_key(self):
        process = self.start("run", self.workflow("""
steps:
  - id: load
    foreach: [a, b]
    run: echo "$$" > "$LEDGER.${{ item }}"; sleep 60
"""))
        self.wait_for(lambda: all(os.path.exists(f"{self.ledger_path}.{k}") for k in "ab"), "both items")
        workers = [w for w in json.loads(self.levada("ps", "--json").stdout) if w["kind"] == "worker"]
        self.assertEqual(sorted((w["step"], w["item"]) for w in workers), [("load", "a"), ("load", "b")])
        self.assertIn("step load[a]", self.levada("ps").stdout)
        for worker in workers:
            os.kill(worker["pid"], signal.SIGKILL)
        self.assertEqual(process.wait(30), 9)
        done = self.levada("resolve", "last", "load", "--done", expect=2)
        self.assertIn('2 parts of "load" are unknown', done.stderr)
        self.assertIn("load --item a --done", done.stderr)
        self.assertIn("levada resolve", self.items("load")["b"]["error"]["hint"])
        self.assertIn("load --item b", self.items("load")["b"]["error"]["hint"])
        self.assertIn('step "load[a]" is settled: done', self.levada("resolve", "last", "load", "--item", "a",
                                                                     "--done").stderr)
        self.levada("resolve", "last", "load", "--fail")
        self.levada("resume", "last", expect=1)
        self.assertEqual({k: s["status"] for k, s in self.items("load").items()}, {"a": "succeeded", "b": "failed"})


if __name__ == "__main__":
    levada.main()
