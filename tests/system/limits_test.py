# SPDX-License-Identifier: Apache-2.0
"""`limits`: what goes over one is ended, with a message that says which, and nothing else is."""
import json
import os
import unittest

import levada

# Eats memory in a grandchild, a bit at a time, and would then wait.
GLUTTON = """sh -c 'python3 -c "
      import time
      kept = []
      for i in range(60):
          kept.append(bytearray(b\\"x\\") * (8 << 20))
          time.sleep(0.005)
      time.sleep(30)"; echo after'; echo and after
"""


class Limits(levada.Case):
    def setUp(self):
        super().setUp()
        self.env.pop("LEVADA_CGROUP", None)
        self.env.update(LEVADA_PLUGIN_PATH=os.path.join(levada.BUILD, "tests", "evil"),
                        LEVADA_CACHE=os.path.join(self.folder, "cache"))

    def flow(self, steps, head=""):
        return self.write("flow.yaml", "levada: 1\nname: flow\n" + head + "steps:\n" + steps)

    def step(self, ident, what, extra=""):
        return f"  - id: {ident}\n    needs: []\n    {what}\n" + "".join(f"    {line}\n" for line in extra.splitlines())

    def run_flow(self, steps, expect=1, head=""):
        """The last step_finished of each step."""
        done = self.levada("run", "--json", self.flow(steps, head), expect=expect, timeout=60)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        return {event["step"] + ("/" + event["item"] if event.get("item") else ""): event for event in events
                if event["event"] == "step_finished"}

    def error(self, what, extra):
        finished = self.run_flow(self.step("it", what, extra))["it"]
        self.assertEqual(finished["status"], "failed")
        self.assertEqual(finished["attempt"], 1)
        return finished["error"]

    def check_error(self, error, key, message, hint):
        self.assertEqual((error["class"], self.limit_of(error)), ("permanent", key))
        self.assertRegex(error["message"], message)
        self.assertRegex(error["hint"], hint)

    def limit_of(self, error):
        return error["hint"].split("{")[1].split(":")[0]

    def marked_processes(self):
        mark = b"LEVADA_STATE=" + self.state.encode()
        count = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/stat", "rb") as stat:
                    dead = stat.read().rsplit(b")", 1)[1].split()[0] in (b"Z", b"X")
                    count += mark in environ.read().split(b"\0") and not dead
            except OSError:
                continue
        return count

    def assert_all_gone(self):
        self.wait_for(lambda: self.marked_processes() == 0, "the end of all processes of the run")

    # ---- scripts ----

    def test_memory_of_a_grandchild_counts_and_its_tree_is_ended(self):
        error = self.error("run: |\n      " + GLUTTON, "limits: {memory: 96MiB}")
        self.check_error(error, "memory", r"^it went over its memory limit of 96MiB: \d+(\.\d)?MiB in [34] processes$",
                         r"^Write `limits: \{memory: (192|384)MiB\}`, or let it do less at a time\.$")
        self.assertNotIn("after", self.levada("logs", "last").stdout)
        self.assert_all_gone()

    def test_processes_that_share_memory_use_it_once(self):
        share = ("run: |\n      exec python3 -c \"\n"
                 "      import os, time\n"
                 "      kept = bytearray(b'x') * (40 << 20)\n"
                 "      for i in range(6):\n"
                 "          if os.fork() == 0: time.sleep(0.5); os._exit(0)\n"
                 "      time.sleep(0.4)\n"
                 "      print('done')\"")
        finished = self.run_flow(self.step("it", share, "limits: {memory: 128MiB}"), expect=0)["it"]
        self.assertEqual(finished["status"], "succeeded")

    def test_a_script_that_starts_ever_more_processes_is_ended(self):
        bomb = ("run: |\n      breed() { sleep 30 & [ $1 -lt 60 ] && breed $(($1 + 1)); }\n"
                "      (breed 0 & wait) & (setsid sleep 30 &) ; wait; sleep 30")
        error = self.error(bomb, "limits: {processes: 20}")
        self.check_error(error, "processes", r"^it went over its limit of 20 processes: there were \d\d$",
                         r"^Write `limits: \{processes: (40|80|160)\}`, or let it start fewer at a time\.$")
        self.assert_all_gone()

    def test_a_file_that_grows_beyond_its_limit_fails_the_step(self):
        for script in ("head -c 3000000 /dev/zero > big", "exec head -c 3000000 /dev/zero > big",
                       "python3 -c \"open('big', 'wb').write(bytes(3000000))\""):
            with self.subTest(script):
                error = self.error(f"run: {json.dumps(script)}", "limits: {file_size: 1MiB}")
                self.check_error(error, "file_size", r"^it went over its file_size limit of 1MiB: a file would have "
                                 r"become larger$", r"^Write `limits: \{file_size: 2MiB\}`, or let it write smaller "
                                 r"files\.$")
                self.assertLessEqual(os.path.getsize(os.path.join(self.folder, "big")), 1 << 20)

    def test_the_log_of_a_script_is_no_file_of_its_own(self):
        self.run_flow(self.step("it", "run: head -c 3000000 /dev/zero | tr '\\0' '\\n'", "limits: {file_size: 1MiB}"),
                      expect=0)
        self.assertGreater(len(self.levada("logs", "last", "it").stdout), 2 << 20)

    def test_time_that_children_computed_counts_also_when_they_have_ended(self):
        burn = "run: |\n      while :; do sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'; done"
        error = self.error(burn, "limits: {cpu_time: 400ms}\ngrace: 100ms")
        self.check_error(error, "cpu_time", r"^it went over its cpu_time limit of 400ms: it used \d+ms$",
                         r"^Write `limits: \{cpu_time: 800ms\}`, or let it do less at a time\.$")
        self.assert_all_gone()

    def test_a_script_over_its_time_may_tidy_up_within_its_grace(self):
        tidy = "run: |\n      trap 'echo tidied; exit 1' TERM\n      while :; do :; done"
        error = self.error(tidy, "limits: {cpu_time: 200ms}\ngrace: 20s")
        self.assertEqual(self.limit_of(error), "cpu_time")
        self.assertIn("tidied", self.levada("logs", "last").stdout)

    def test_what_stays_within_its_limits_runs_as_ever(self):
        finished = self.run_flow(self.step("it", "run: echo fine > file; sleep 0.6; cat file",
                                           "limits: {memory: 64MiB, cpu_time: 10s, processes: 8, file_size: 1KiB}"),
                                 expect=0)["it"]
        self.assertEqual(finished["status"], "succeeded")
        receipts = [event["data"] for event in self.journal("step_receipt")]
        self.assertIn(receipts[0]["processes"], (1, 2, 3))

    def journal(self, kind):
        """Events of the last run, from what `export` makes of its journal."""
        whole = os.path.join(self.folder, "whole.levada")
        self.levada("export", "last", "-o", whole)
        import sqlite3
        database = sqlite3.connect(os.path.join(self.run_folder(), "journal.db"))
        rows = database.execute("select type, data from events order by seq").fetchall()
        database.close()
        return [{"type": row[0], "data": json.loads(row[1])} for row in rows if row[0] == kind]

    # ---- control groups ----

    def group(self, controller=None):
        """A control group of our own, or a skip."""
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            mounts = [line.split()[4] for line in file if " - cgroup2 " in line]
        for mount in mounts:
            path = os.path.join(mount, f"levada-test-{os.getpid()}")
            try:
                os.mkdir(path)
                self.addCleanup(os.rmdir, path)
                with open(os.path.join(path, "cgroup.controllers"), encoding="utf-8") as file:
                    if controller is None or controller in file.read().split():
                        return path
            except OSError:
                continue
        self.skipTest(f"no control group of version 2 {'with ' + controller + ' ' if controller else ''}to divide")

    def test_a_script_has_a_control_group_where_there_is_one(self):
        path = self.group()
        self.env["LEVADA_CGROUP"] = path
        self.run_flow(self.step("it", "run: cat /proc/self/cgroup; echo; sleep 0.3", "limits: {processes: 20}")
                      + self.step("no", "run: cat /proc/self/cgroup"), expect=0)
        self.assertRegex(self.levada("logs", "last", "it").stdout,
                         f"0::.*/{os.path.basename(path)}/levada-{self.runs()[-1]}.1\n")
        self.assertNotIn(os.path.basename(path), self.levada("logs", "last", "no").stdout)
        self.assertEqual([name for name in os.listdir(path) if name.startswith("levada")], [], "it is removed")

    def test_a_control_group_is_ended_as_a_whole(self):
        path = self.env["LEVADA_CGROUP"] = self.group()
        error = self.error("run: |\n      for i in 1 2 3 4 5 6 7 8 9; do setsid sleep 30 & done; sleep 30",
                           "limits: {processes: 5}")
        self.check_error(error, "processes", "^it went over its limit of 5 processes", "processes: ")
        error = self.error("run: |\n      while :; do sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'; done",
                           "limits: {cpu_time: 300ms}\ngrace: 100ms")
        self.check_error(error, "cpu_time", r"^it went over its cpu_time limit of 300ms: it used \d+ms$", "cpu_time: ")
        self.assert_all_gone()
        self.assertEqual([name for name in os.listdir(path) if name.startswith("levada")], [])

    def test_the_kernel_holds_a_control_group_to_its_memory(self):
        self.env["LEVADA_CGROUP"] = self.group("memory")
        fast = "run: python3 -c \"kept = bytearray(b'x') * (400 << 20); import time; time.sleep(30)\""
        error = self.error(fast, "limits: {memory: 64MiB}")
        self.check_error(error, "memory", r"^it went over its memory limit of 64MiB: ", "memory: ")
        self.assert_all_gone()

    def test_a_control_group_that_cannot_be_had_is_a_warning(self):
        self.env["LEVADA_CGROUP"] = os.path.join(self.folder, "nowhere", "at all")
        error = self.error("run: while :; do :; done", "limits: {cpu_time: 200ms}\ngrace: 50ms")
        self.assertEqual(self.limit_of(error), "cpu_time")
        self.assertIn("warn cannot make the control group", self.levada("logs", "last").stdout)

    # ---- around ----

    def test_the_run_goes_on_and_other_steps_are_unharmed(self):
        finished = self.run_flow(
            self.step("glutton", "run: |\n      " + GLUTTON, "limits: {memory: 64MiB}\ncontinue_on_error: true")
            + self.step("beside", "run: sleep 1.5; echo fine")
            + "  - id: behind\n    needs: [glutton]\n    run: echo fine\n", expect=0)
        self.assertEqual({name: event["status"] for name, event in finished.items()},
                         {"glutton": "failed", "beside": "succeeded", "behind": "succeeded"})

    def test_limits_hold_without_an_engine_and_resume_hears_of_it(self):
        for what in ("run: touch began; sleep 0.5; while :; do :; done",
                     "uses: hungry.eat\n    with: {amount: 300MiB, first: 500ms}"):
            with self.subTest(what):
                limits = "limits: {cpu_time: 300ms, memory: 100MiB}\ngrace: 100ms"
                process = self.start("run", self.flow(self.step("it", what, limits)))
                self.wait_for(lambda: self.runs() and self.statuses().get("it") == "running", "the step")
                process.kill()
                process.wait()
                receipts = os.path.join(self.run_folder(), "receipts")
                self.wait_for(lambda: any(name.endswith(".json") for name in os.listdir(receipts)), "the receipt")
                self.levada("resume", "last", expect=1)
                self.assertRegex(self.show()["steps"][0]["error"]["message"], "^it went over its .* limit of ")

    def test_retry_does_not_repeat_what_went_over_a_limit_unless_it_says_so(self):
        spin = "run: while :; do :; done"
        limits = "limits: {cpu_time: 100ms}\ngrace: 50ms\n"
        finished = self.run_flow(self.step("it", spin, limits + "retry: {attempts: 3, delay: 10ms}"))["it"]
        self.assertEqual(finished["attempt"], 1)
        self.assertIn("over a limit", self.levada("why", "last", "it").stdout)
        finished = self.run_flow(self.step("it", spin, limits + "retry: {attempts: 2, delay: 10ms, "
                                           "for: [permanent]}"))["it"]
        self.assertEqual(finished["attempt"], 2)

    def test_defaults_give_limits_and_a_step_replaces_single_ones(self):
        head = "defaults:\n  limits: {cpu_time: 150ms, file_size: 1MiB}\n  grace: 50ms\n"
        finished = self.run_flow(
            self.step("plain", "run: while :; do :; done", "continue_on_error: true")
            + self.step("own", "run: head -c 3000000 /dev/zero > big", "limits: {cpu_time: 1h}"), head=head)
        self.assertEqual(self.limit_of(finished["plain"]["error"]), "cpu_time")
        self.assertEqual(self.limit_of(finished["own"]["error"]), "file_size")

    def test_each_item_of_a_loop_has_its_limits_also_within_a_group(self):
        head = "defaults:\n  limits: {file_size: 1MiB}\n"
        finished = self.run_flow(
            "  - id: all\n    foreach: [a, b]\n    steps:\n      - id: fill\n"
            "        run: head -c ${{ cond(item == 'a', 10, 3000000) }} /dev/zero > big-${{ item }}\n", head=head)
        self.assertEqual(finished["all.fill/a"]["status"], "succeeded")
        self.assertEqual(self.limit_of(finished["all.fill/b"]["error"]), "file_size")
        done = self.levada("check", self.flow("  - id: all\n    limits: {memory: 1GiB}\n    steps:\n"
                                              "      - {id: a, run: 'true'}\n"), expect=3)
        self.assertIn('"limits" means nothing beside `steps`', done.stdout + done.stderr)

    def test_check_says_what_is_wrong_with_limits(self):
        for limits, code, text in (
                ("{memory: 256}", "wrong-type", "`256MiB`"),
                ("{memory: 1MiB}", "wrong-value", "Nothing of use runs in less than `8MiB`."),
                ("{mem: 1GiB}", "foreign-key", "`memory`"),
                ("{cpu: 2}", "foreign-key", "`cpu_time: 10m`"),
                ("{processes: 0}", "wrong-value", "a whole number from 1"),
                ("{cpu_time: ${{ params.x }}}", "", ""),
                ("2GiB", "wrong-type", "`limits: {memory: 256MiB}`")):
            with self.subTest(limits):
                done = self.levada("check", self.flow(self.step("it", 'run: "true"', f"limits: {limits}")), expect=3)
                self.assertIn(code, done.stdout + done.stderr)
                self.assertIn(text, done.stdout + done.stderr)

    def test_a_lua_step_has_limits_too(self):
        error = self.error("lua: |\n      local n = 0\n      for i = 1, 100000000 do n = n + i end",
                           "limits: {cpu_time: 200ms}\ngrace: 100ms")
        self.assertEqual(self.limit_of(error), "cpu_time")

    # ---- actions: the worker itself ----

    def test_memory_of_an_action_ends_its_worker_and_the_step_says_why(self):
        for child in ("false", "true"):
            with self.subTest(in_child=child):
                error = self.error(f"uses: hungry.eat\n    with: {{in_child: {child}}}", "limits: {memory: 128MiB}")
                self.check_error(error, "memory", r"^it went over its memory limit of 128MiB: \d+(\.\d)?MiB in [12] "
                                 r"process(es)?$", r"memory: (256|512)MiB")
        self.assert_all_gone()

    def test_an_action_over_its_time_is_told_and_then_ended(self):
        for deaf in ("false", "true"):
            error = self.error(f"uses: hungry.spin\n    with: {{deaf: {deaf}}}", "limits: {cpu_time: 200ms}\n"
                               "grace: 200ms")
            self.check_error(error, "cpu_time", r"^it went over its cpu_time limit of 200ms: it used \d+ms$",
                             "cpu_time: 400ms")

    def test_processes_of_an_action_count_with_its_worker(self):
        error = self.error("uses: hungry.breed", "limits: {processes: 10}")
        self.check_error(error, "processes", r"^it went over its limit of 10 processes: there were \d\d$",
                         "processes: (20|40|80|160)")
        self.assert_all_gone()

    def test_a_write_of_an_action_beyond_the_limit_fails(self):
        error = self.error("uses: hungry.fill\n    with: {file: big}", "limits: {file_size: 1MiB}")
        self.check_error(error, "file_size", "^it went over its file_size limit of 1MiB", "file_size: 2MiB")

    def test_a_worker_that_is_used_again_keeps_no_limit_of_the_attempt_before(self):
        fill = "uses: hungry.fill\n    with: {{file: {0}}}\n"
        finished = self.run_flow(
            self.step("first", fill.format("a") + "    continue_on_error: true", "limits: {file_size: 1MiB}")
            + "  - id: second\n    needs: [first]\n    " + fill.format("b")
            + "  - id: third\n    needs: [second]\n    " + fill.format("c"), expect=0)
        self.assertEqual(finished["first"]["status"], "failed")
        self.assertEqual(finished["second"]["status"], "succeeded")
        self.assertEqual(finished["second"]["outputs"], finished["third"]["outputs"], "one worker, used again")
        self.assertEqual(os.path.getsize(os.path.join(self.folder, "c")), 2 << 20)


if __name__ == "__main__":
    levada.main()
