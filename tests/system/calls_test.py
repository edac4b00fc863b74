# SPDX-License-Identifier: Apache-2.0
"""A chunk calls actions: each is a step in the journal, and a chunk that runs again does no call twice."""
import json
import os
import signal
import time

import levada

HEAD = "levada: 1\nsteps:\n"


def chunk(text, extra=""):
    lines = "\n".join("      " + line for line in text.strip("\n").split("\n"))
    return f"{HEAD}  - id: c\n    lua: |\n{lines}\n{extra}"


class Calls(levada.Case):
    def setUp(self):
        super().setUp()
        self.env["LEVADA_PLUGIN_PATH"] = os.path.join(levada.BUILD, "tests", "plugins")

    def run_chunk(self, text, extra="", expect=0, args=()):
        text = text.replace("LEDGER", self.ledger_path)
        return self.levada("run", *args, self.write("w.yaml", chunk(text, extra)), expect=expect)

    def steps(self):
        return {(step["id"], step.get("item")): step for step in self.show()["steps"]}

    def lines(self):
        with open(self.ledger_path, encoding="utf-8") as ledger:
            return ledger.read().splitlines()

    def test_a_call_gives_the_outputs_and_is_a_step_with_its_effect(self):
        self.run_chunk("""
local got = call("probe.echo", {text = "hello", count = 3})
local none = call("probe.nothing")
call("probe.keyed", {ledger = "LEDGER"})
return {text = got.text, count = got.count + 1}
""", "    outputs: [text, count]\n")
        steps = self.steps()
        self.assertEqual(steps["c", None]["outputs"], {"text": "hello", "count": 4})
        self.assertEqual([key for key in steps if key[1]],
                         [("c.probe_echo", "1"), ("c.probe_nothing", "2"), ("c.probe_keyed", "3")])
        self.assertEqual(len(self.lines()), 1)

    def test_one_slot_is_enough_for_a_chunk_and_what_it_calls(self):
        self.run_chunk('for i = 1, 5 do call("probe.nothing") end', args=("--max-parallel", "1"))
        self.assertEqual(len(self.steps()), 6)

    def test_a_call_that_fails_fails_the_chunk_with_its_class(self):
        done = self.run_chunk('call("probe.fail", {fault = "conflict", message = "taken"})', expect=1)
        self.assertIn("taken", done.stderr)
        self.assertEqual(self.steps()["c", None]["error"]["class"], "conflict")

    def test_a_retry_repeats_the_call_that_failed_and_no_other(self):
        self.run_chunk("""
call("probe.keyed", {ledger = "LEDGER"})
call("probe.unsafe", {ledger = "LEDGER"})
call("probe.fail", {fault = "transient", fault_attempts = 1})
return {x = 1}
""", "    outputs: [x]\n    retry: {attempts: 3, delay: 10ms}\n")
        steps = self.steps()
        self.assertEqual(len(self.lines()), 2)
        self.assertEqual(steps["c", None]["attempts"], 2)
        self.assertEqual(steps["c.probe_unsafe", "2"]["attempts"], 1)
        self.assertEqual(steps["c.probe_fail", "3"]["attempts"], 2)

    def test_an_edited_chunk_has_calls_of_its_own(self):
        self.run_chunk("""
call("probe.keyed", {ledger = "LEDGER"})
call("probe.fail", {fault = "permanent"})
""", expect=1)
        text = chunk("""
call("probe.echo", {text = "now"})
call("probe.keyed", {ledger = "LEDGER"})
""".replace("LEDGER", self.ledger_path))
        self.levada("retry", "last", "--with", self.write("edited.yaml", text))
        self.assertEqual(len(self.lines()), 2)
        self.assertEqual(self.steps()["c", None]["status"], "succeeded")

    def test_inputs_are_checked_before_anything_happens(self):
        done = self.run_chunk('call("probe.keyed", {ledgr = "LEDGER"})', expect=1)
        self.assertIn("ledgr", done.stderr)
        self.assertFalse(os.path.exists(self.ledger_path))
        self.assertEqual(list(self.steps()), [("c", None)])

    def test_check_knows_the_actions_that_a_chunk_calls(self):
        for text, said in ('call("probe.ech")', "Did you mean `probe.echo`?"), \
                          ('call("nowhere.at_all", {})', "nowhere"), \
                          ('local a = "probe.echo" call(a)', "must be written as a text"):
            done = self.levada("check", self.write("w.yaml", chunk(text)), expect=3)
            self.assertIn(said, done.stdout)

    def kill_while(self, text, status, extra=""):
        file = self.write("w.yaml", chunk(text.replace("LEDGER", self.ledger_path), extra))
        child = self.start("run", file, "--json")
        self.wait_for(status, "the call")
        child.send_signal(signal.SIGKILL)
        child.wait()

    def running(self, key):
        return lambda: self.runs() and self.steps().get(key, {}).get("status") == "running"

    def test_after_a_kill_of_the_engine_no_call_is_made_twice(self):
        self.kill_while("""
call("probe.unsafe", {ledger = "LEDGER"})
call("probe.keyed", {ledger = "LEDGER", wait_before = "1s"})
call("probe.unsafe", {ledger = "LEDGER"})
""", self.running(("c.probe_keyed", "2")))
        self.levada("resume", "last")
        tokens = [line.split()[0] for line in self.lines()]
        self.assertEqual(len(tokens), 3)
        self.assertEqual(len(set(tokens)), 3)

    def test_after_a_kill_of_the_chunk_no_call_is_made_twice(self):
        file = self.write("w.yaml", chunk("""
call("probe.unsafe", {ledger = "LEDGER"})
call("probe.pause", {wait = "1s"})
call("probe.unsafe", {ledger = "LEDGER"})
""".replace("LEDGER", self.ledger_path)))
        child = self.start("run", file, "--json")
        self.wait_for(self.running(("c.probe_pause", "2")), "the pause")
        ps = self.levada("ps", "--json").stdout
        pids = [process["pid"] for process in json.loads(ps) if process.get("step") == "c"]
        self.assertEqual(len(pids), 1, ps)
        os.kill(pids[0], signal.SIGKILL)
        self.assertEqual(child.wait(60), 0)
        self.assertEqual(len(self.lines()), 2)

    def test_nobody_knows_of_a_call_that_was_unsafe_and_died(self):
        self.run_chunk("""
call("probe.unsafe", {ledger = "LEDGER", crash_after = 9, fault_attempts = 1})
return {x = 1}
""", "    outputs: [x]\n", expect=9)
        self.levada("resolve", "last", "c.probe_unsafe", "--item", "1", "--done")
        self.levada("resume", "last")
        self.assertEqual(self.steps()["c", None]["outputs"], {"x": 1})
        self.assertEqual(len(self.lines()), 1)

    def test_a_cancel_ends_the_chunk_and_what_it_called(self):
        file = self.write("w.yaml", chunk('call("probe.pause", {wait = "1h"})'))
        child = self.start("run", file)
        self.wait_for(self.running(("c.probe_pause", "1")), "the pause")
        self.levada("cancel", "last")
        self.assertEqual(child.wait(60), 10)
        self.assertEqual({step["status"] for step in self.show()["steps"]}, {"cancelled"})

    def test_a_time_limit_of_the_chunk_ends_what_it_called(self):
        start = time.monotonic()
        self.run_chunk('call("probe.pause", {wait = "1h"})', "    timeout: 300ms\n    grace: 100ms\n", expect=1)
        self.assertLess(time.monotonic() - start, 60, "it waited for the action")
        self.assertEqual(self.steps()["c.probe_pause", "1"]["status"], "cancelled")

    def test_each_item_of_a_loop_has_its_own_calls(self):
        self.levada("run", self.write("w.yaml", HEAD + """  - id: c
    foreach: [a, b]
    lua: return {x = call("probe.echo", {text = item}).text}
    outputs: [x]
outputs: {x: "${{ map(values(steps.c.items), function(i) return i.outputs.x end) }}"}
"""))
        self.assertEqual(self.show()["outputs"], {"x": ["a", "b"]})
        self.assertIn(("c.probe_echo", "b/1"), self.steps())

    def test_the_hook_before_a_run_may_call_actions_and_the_others_may_not(self):
        text = HEAD.replace("steps:", """hooks:
  before_run: call("probe.keyed", {ledger = "LEDGER"})
steps:""").replace("LEDGER", self.ledger_path)
        self.levada("run", self.write("w.yaml", text + "  - id: a\n    run: 'true'\n"))
        self.assertEqual(len(self.lines()), 1)
        self.assertIn(("before_run.probe_keyed", "1"), self.steps())
        text = text.replace("before_run", "after_step")
        said = self.levada("check", self.write("w.yaml", text + "  - id: a\n    run: 'true'\n"), expect=3).stdout
        self.assertIn("the hook `after_step` cannot call actions", said)

    def test_a_step_done_again_after_a_success_calls_again(self):
        self.run_chunk('call("probe.keyed", {ledger = "LEDGER"})')
        self.levada("retry", "last", "--from", "c")
        self.assertEqual(len(self.lines()), 2)


if __name__ == "__main__":
    levada.main()
