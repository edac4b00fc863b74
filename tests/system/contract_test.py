# SPDX-License-Identifier: Apache-2.0
"""The plugin contract from outside: the probe plugin does what it is told, and Levada keeps its promises."""
import json
import os
import unittest

from levada import BUILD, Case

SECRET = "tangerine-lighthouse-42"


class Contract(Case):
    def setUp(self):
        super().setUp()
        self.env.update(LEVADA_PLUGIN_PATH=os.path.join(BUILD, "tests", "plugins"),
                        LEVADA_CACHE=os.path.join(self.folder, "cache"), THE_KEY=SECRET)

    def flow(self, steps, head=""):
        return self.write("flow.yaml", "levada: 1\nname: flow\nsecrets: {key: {from: env, name: THE_KEY}}\n"
                          + head + "steps:\n" + steps)

    def step(self, action, extra="", ident="it", **inputs):
        text = f"  - id: {ident}\n    uses: {action}\n"
        if inputs:
            text += f"    with: {json.dumps(inputs)}\n"
        return text + extra

    def run_flow(self, steps, expect=0, head=""):
        done = self.levada("run", "--json", self.flow(steps, head), expect=expect)
        return done, [json.loads(line) for line in done.stdout.splitlines()]

    def finished(self, events, ident="it"):
        return [e for e in events if e["event"] == "step_finished" and e["step"] == ident][-1]

    def outputs(self, action, **inputs):
        _, events = self.run_flow(self.step(action, **inputs))
        return self.finished(events)["outputs"]

    def error(self, action, expect=1, extra="", **inputs):
        _, events = self.run_flow(self.step(action, extra=extra, **inputs), expect=expect)
        return self.finished(events)["error"]

    def log(self):
        return self.levada("logs", "last").stdout

    def marks_path(self):
        return os.path.join(self.folder, "marks")

    def marks(self):
        if not os.path.exists(self.marks_path()):
            return []
        with open(self.marks_path(), encoding="utf-8") as lines:
            return [line.split() for line in lines]

    # ---- values ----

    def test_every_type_goes_in_and_comes_out(self):
        given = {"text": "h\u00e9", "flag": False, "count": -3, "ratio": 2.25, "wait": "90s", "amount": "1.5KiB",
                 "at": "1970-01-02T00:00:00+01:00", "link": "s3://bucket/key", "file": "data/a.csv",
                 "query": "select 1",
                 "document": {"a": [1, None, "x"]}, "words": ["x", "y z"], "labels": {"b": "2", "a": "1"},
                 "place": {"name": "hall"}, "places": [{"name": "a", "floor": 0}, {"name": "b"}], "colour": "blue",
                 "bounded": 10}
        out = self.outputs("probe.echo", **given)
        self.assertEqual(out["given"], list(given))
        for name in ("text", "flag", "count", "ratio", "link", "document", "words", "labels", "colour", "bounded"):
            self.assertEqual(out[name], given[name], name)
        self.assertEqual(list(out["labels"]), ["b", "a"])
        self.assertEqual((out["wait"], out["wait_ms"]), ("1m30s", 90000))
        self.assertEqual((out["amount"], out["at_ms"]), (1536, 82800000))
        self.assertEqual(out["file"], os.path.join(os.path.realpath(self.folder), "data/a.csv"))
        self.assertEqual((out["query"], out["query_params"]), ("select 1", []))
        self.assertEqual(out["place"], {"name": "hall", "floor": 1})
        self.assertEqual(out["places"], [{"name": "a", "floor": 0, "floor_given": True}, {"name": "b", "floor": 1}])

    def test_what_is_not_given_has_its_default_and_is_not_given(self):
        out = self.outputs("probe.echo")
        self.assertEqual(out["given"], [])
        self.assertEqual([out[n] for n in ("text", "flag", "count", "wait", "place", "places", "key_size")],
                         ["", True, 7, "1h30m", None, [], 0])

    def test_expressions_in_sql_become_bound_parameters(self):
        evil = "x'; drop table t; --"
        _, events = self.run_flow(self.step("probe.echo", query="select ${{ params.who }} + ${{ 1 + 1 }} -- end"),
                                  head=f"params: {{who: {{type: string, default: {json.dumps(evil)}}}}}\n")
        out = self.finished(events)["outputs"]
        self.assertEqual(out["query"], "select ?1 + ?2 -- end")
        self.assertEqual(out["query_params"], [evil, 2])

    def test_outputs_keep_their_types_in_expressions(self):
        _, events = self.run_flow(
            self.step("probe.echo", ident="first", wait="90s")
            + self.step("probe.echo", count="${{ steps.first.outputs.count + 1 }}",
                        wait="${{ steps.first.outputs.wait }}", words="${{ steps.first.outputs.given }}"))
        out = self.finished(events)["outputs"]
        self.assertEqual((out["count"], out["wait_ms"], out["words"]), (8, 90000, ["wait"]))

    def test_an_output_larger_than_a_frame_arrives_whole(self):
        for amount in (65536, 1000003):
            out = self.outputs("probe.big", amount=amount)
            self.assertEqual(len(out["text"]), amount)
            self.assertEqual(out["text"][:12] + out["text"][-1], "012345678901" + str((amount - 1) % 10))

    def test_an_output_that_is_not_in_the_table_is_refused(self):
        self.assertIs(self.outputs("probe.answer", name="surprise")["refused"], True)
        self.assertIn('output "surprise" is not in the action\'s table', self.log())
        self.assertIs(self.outputs("probe.answer", name="number", document="many")["refused"], True)
        self.assertEqual(self.outputs("probe.answer", name="answer", document=[1, {"a": None}])["answer"],
                         [1, {"a": None}])

    # ---- secrets ----

    def everything_kept(self):
        for folder, _, names in os.walk(self.state):
            for name in names:
                with open(os.path.join(folder, name), "rb") as kept:
                    yield os.path.join(folder, name), kept.read()

    def test_a_careless_plugin_is_masked_everywhere(self):
        done, events = self.run_flow(self.step("probe.key", key="${{ secrets.key }}", reveal=True), expect=1)
        self.assertNotIn(SECRET, done.stdout + done.stderr + self.log())
        self.assertIn("the secret is ***.", self.log())
        self.assertIn("stdout says ***.", self.log())
        self.assertIn("stderr says ***.", self.log())
        error = self.finished(events)["error"]
        self.assertEqual((error["class"], error["message"]), ("permanent", 'cannot use "***"'))
        for path, data in self.everything_kept():
            self.assertNotIn(SECRET.encode(), data, path)

    def test_a_secret_output_that_is_set_to_a_value_fails_the_attempt(self):
        error = self.error("probe.key", key="${{ secrets.key }}", give_back=True)
        self.assertEqual((error["class"], error["message"]),
                         ("contract", 'the output "copy" is a secret, and the action set it to a value'))
        for path, data in self.everything_kept():
            self.assertNotIn(SECRET.encode(), data, path)

    def test_a_secret_goes_into_no_other_input(self):
        done = self.levada("run", self.flow(self.step("probe.echo", text="${{ secrets.key }}")), expect=None)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn(SECRET, done.stdout + done.stderr)

    # ---- faults ----

    def test_a_crash_is_one_failed_step_with_its_signal(self):
        for number, name in ((11, "Segmentation fault"), (6, "Aborted"), (9, "Killed")):
            error = self.error("probe.crash", signal=number)
            self.assertIn(f"signal {number} ({name})", error["message"])

    def test_a_plugin_that_ends_its_process_fails_its_step(self):
        for code in (0, 7):
            error = self.error("probe.leave", code=code)
            self.assertEqual((error["class"], error["message"]),
                             ("permanent", f"its worker exited with code {code} and left no receipt"))

    def test_an_engine_does_not_wait_for_a_worker_that_ended_at_once(self):
        steps = "".join(self.step("probe.leave", ident=f"s{i}", extra="    needs: []\n") for i in range(8))
        for _ in range(5):
            _, events = self.run_flow(steps, expect=1)
            self.assertEqual(events[-1]["event"], "run_finished")

    def test_an_error_has_its_class_message_and_hint(self):
        error = self.error("probe.fail", fault="contract", message="12 rows are bad", hint="Look at them.")
        self.assertEqual((error["class"], error["message"], error["hint"]),
                         ("contract", "12 rows are bad", "Look at them."))
        error = self.error("probe.fail", bare=3)
        self.assertEqual((error["class"], error["message"]),
                         ("conflict", "the action failed with 3 and did not say why"))

    def test_classes_decide_what_is_tried_again(self):
        again = "    retry: {attempts: 3, delay: 10ms}\n"
        _, events = self.run_flow(self.step("probe.fail", extra=again, fault="transient", fault_attempts=2))
        self.assertEqual(self.finished(events)["attempt"], 3)
        _, events = self.run_flow(self.step("probe.fail", extra=again, fault="invalid"), expect=1)
        self.assertEqual(self.finished(events)["attempt"], 1)

    def test_a_timeout_ends_a_plugin_that_listens_and_one_that_does_not(self):
        short = "    timeout: 300ms\n    grace: 200ms\n"
        for deaf in (False, True):
            error = self.error("probe.pause", extra=short, wait="1h", deaf=deaf)
            self.assertEqual(error["class"], "timeout")

    def test_what_a_plugin_leaves_behind_is_ended(self):
        for own_session in (True, False):
            pids = self.outputs("probe.children", count=3, own_session=own_session)["pids"]
            self.assertEqual(len(pids), 3)
            for pid in pids:
                self.assertFalse(self.is_alive(int(pid)), f"{pid} lives on")

    def is_alive(self, pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
        except OSError:
            return False

    def test_a_flood_of_log_does_no_harm(self):
        for stream in ("log", "stdout", "stderr"):
            self.outputs("probe.flood", lines=20000, line_size=200, stream=stream)
            self.assertGreaterEqual(self.log().count("flood "), 20000, stream)

    # ---- effects ----

    def test_a_lost_attempt_of_each_class_does_what_its_class_says(self):
        lost = {"crash_after": 9, "fault_attempts": 1}
        for action, lines in (("pure", 2), ("read", 2), ("idempotent", 2), ("keyed", 1), ("transactional", 1),
                              ("probe", 1)):
            with self.subTest(action):
                self.clear()
                self.run_flow(self.step(f"probe.{action}", ledger=self.marks_path(), **lost))
                self.assertEqual(len(self.marks()), lines)
                self.assertEqual(len({mark[0] for mark in self.marks()}), 1, "one token on every attempt")

    def test_an_attempt_lost_before_its_effect_runs_again(self):
        lost = {"crash_before": 9, "fault_attempts": 1}
        for action in ("pure", "idempotent", "keyed", "transactional", "probe"):
            with self.subTest(action):
                self.clear()
                self.run_flow(self.step(f"probe.{action}", ledger=self.marks_path(), **lost))
                self.assertEqual([mark[1] for mark in self.marks()], ["2"])

    def test_a_lost_attempt_of_an_unsafe_action_is_unknown_and_not_run_again(self):
        self.run_flow(self.step("probe.unsafe", ledger=self.marks_path(), crash_after=9), expect=9)
        self.assertEqual(len(self.marks()), 1)
        self.levada("resume", "last", expect=9)
        self.assertEqual(len(self.marks()), 1)

    def test_a_checkpointed_action_goes_on_from_its_checkpoint(self):
        _, events = self.run_flow(self.step("probe.checkpointed", ledger=self.marks_path(), parts=5, crash_in=3,
                                            fault_attempts=1))
        self.assertEqual([mark[1:] for mark in self.marks()],
                         [["1", "1"], ["1", "2"], ["1", "3"], ["2", "4"], ["2", "5"]])
        self.assertEqual(self.finished(events)["outputs"], {"started_from": 4, "parts": 5})

    def clear(self):
        if os.path.exists(self.marks_path()):
            os.remove(self.marks_path())

    # ---- reuse ----

    def test_a_worker_is_reused_for_the_same_catalog_only(self):
        steps, before = "", ""
        for ident, catalog in (("a", "one"), ("b", "one"), ("c", "two"), ("d", "one")):
            steps += self.step("keeper.count", ident=ident, catalog=catalog, extra=before)
            before = f"    needs: [{ident}]\n"
        _, events = self.run_flow(steps)
        out = {ident: self.finished(events, ident)["outputs"] for ident in "abcd"}
        self.assertEqual(out["a"]["pid"], out["b"]["pid"])
        self.assertNotEqual(out["a"]["pid"], out["c"]["pid"])
        self.assertEqual((out["a"]["attempts"], out["b"]["attempts"], out["c"]["attempts"]), (1, 2, 1))

    def test_a_reused_worker_that_died_is_replaced(self):
        _, events = self.run_flow(self.step("keeper.count", ident="a", catalog="one")
                                  + self.step("keeper.count", ident="b", catalog="one", crash=9,
                                              extra="    needs: [a]\n    continue_on_error: true\n"
                                                    "    retry: {attempts: 1}\n")
                                  + self.step("keeper.count", ident="c", catalog="two", extra="    needs: [a]\n"),
                                  expect=None)
        self.assertEqual(self.finished(events, "c")["status"], "succeeded")
        self.assertNotEqual(self.finished(events, "b")["status"], "succeeded")


if __name__ == "__main__":
    unittest.main()
