# SPDX-License-Identifier: Apache-2.0
"""Groups and pools: what runs and steps of one state directory share, whatever is killed."""
import json
import os
import signal
import time

from levada import main
from locks import WAIT, Locks, alive, counted, workflow


class Groups(Locks):
    def test_two_runs_of_a_group_are_never_open_at_once(self):
        flow = self.write("flow.yaml", workflow([counted()], "one"))
        for process in [self.start("run", "--quiet", flow) for _ in range(4)]:
            self.ended(process)
        self.assertEqual(self.counts(), [1, 1, 1, 1])
        self.assertEqual(self.markers(), [])

    def test_a_limit_of_two_lets_two_in_and_no_third(self):
        flow = self.write("flow.yaml", workflow([counted(0.5)], "{group: one, limit: 2}"))
        for process in [self.start("run", "--quiet", flow) for _ in range(4)]:
            self.ended(process)
        self.assertEqual(max(self.counts()), 2)

    def test_each_workflow_keeps_to_its_own_limit(self):
        """Two may be open for the one, so it begins beside the other, whose own limit of one it does not ask about."""
        one, _, _ = self.held(self.holding_flow(limit=1, name="one.yaml"))
        two, _, _ = self.held(self.holding_flow(limit=2, name="two.yaml"))
        three, _ = self.waits(self.holding_flow(limit=2, name="three.yaml"))
        self.let_go()
        for process in (one, two, three):
            self.ended(process)

    def test_a_group_is_a_text_with_expressions(self):
        flow = self.write("flow.yaml", "levada: 1\nparams: {t: {default: a}}\n"
                          "concurrency: \"load / ${{ params.t }} …\"\nsteps:\n  - {id: a, run: sleep 0.5}\n")
        first = self.start("run", "--json", "-p", "t=x", flow)
        self.engine_of(first)
        begun = time.monotonic()
        self.levada("run", "--quiet", "-p", "t=y", flow)
        self.assertLess(time.monotonic() - begun, 5)
        self.ended(first)
        names = []
        for folder in os.listdir(os.path.join(self.state, "groups")):
            path = os.path.join(self.state, "groups", folder, "name")
            if os.path.exists(path):
                with open(path, encoding="utf-8") as text:
                    names.append(text.read())
        self.assertEqual(sorted(names), ["load / x …", "load / y …"])

    def test_a_group_that_is_no_text_makes_no_run(self):
        flow = self.write("flow.yaml", "levada: 1\nparams: {t: {default: \"\"}}\nconcurrency: \"${{ params.t }}\"\n"
                          "steps:\n  - {id: a, run: 'true'}\n")
        said = self.levada("run", flow, expect=3).stderr
        self.assertIn("the group of `concurrency`: it must have 1 to 1024 bytes", said)
        self.assertIn("flow.yaml:3:15", said)
        self.assertEqual(self.runs(), [])

    def test_skip_makes_no_run_and_says_who_holds_the_group(self):
        holder, run, pid = self.held(self.holding_flow())
        said = self.levada("run", self.holding_flow("skip", "skip.yaml"), expect=6).stderr
        self.assertIn(f'not started: group "one" is held by run {run} (pid {pid})', said)
        self.assertIn(f"levada cancel {run}", said)
        self.assertIn("not started", self.levada("run", "--detach", "skip.yaml", expect=6).stderr)
        self.assertEqual(self.runs(), [run])
        self.let_go()
        self.ended(holder)
        self.levada("run", "--quiet", "skip.yaml")
        self.assertEqual(self.markers(), [])

    def test_of_many_that_skip_at_once_one_begins(self):
        flow = self.write("flow.yaml", workflow(["{id: a, run: sleep 1}"], "{group: one, overlap: skip}"))
        codes = [p.wait(30) for p in [self.start("run", "--quiet", flow) for _ in range(6)]]
        self.assertEqual(sorted(codes), [0, 6, 6, 6, 6, 6])
        self.assertEqual(len(self.runs()), 1)

    def test_allow_begins_all_the_same_and_is_counted(self):
        first, _, _ = self.held(self.holding_flow())
        second, _, _ = self.held(self.holding_flow("allow", "allow.yaml"))
        self.assertEqual(len(self.markers()), 2)
        third, _ = self.waits(self.holding_flow(limit=2, name="third.yaml"))
        self.let_go()
        for process in (first, second, third):
            self.ended(process)

    def test_replace_cancels_those_before_it(self):
        holder, run, _ = self.held(self.holding_flow(effect="\n    effect: idempotent\n    grace: 200ms"))
        queued, waiting = self.waits(os.path.join(self.folder, "flow.yaml"))
        self.write("new.yaml", workflow(["{id: a, run: 'true'}"], "{group: one, overlap: replace}"))
        self.levada("run", "--quiet", "new.yaml")
        self.ended(holder, 10)
        self.ended(queued, 10)
        self.assertEqual([self.show(r)["status"] for r in (run, waiting)], ["cancelled", "cancelled"])
        self.assertIn("replaced by run", self.levada("why", run, expect=None).stdout)
        self.assertEqual(self.show(waiting)["steps"][0]["attempts"], 0)

    def test_replace_cancels_a_run_that_no_engine_works_on(self):
        holder, run, pid = self.held(self.holding_flow(effect="\n    effect: idempotent"))
        os.kill(pid, signal.SIGINT)
        self.ended(holder, 130)
        self.write("new.yaml", workflow(["{id: a, run: 'true'}"], "{group: one, overlap: replace}"))
        self.levada("run", "--quiet", "new.yaml")
        self.assertEqual(self.show(run)["status"], "cancelled")

    def test_who_comes_first_begins_first(self):
        holder, _, _ = self.held(self.holding_flow())
        flow = self.write("flow2.yaml", "levada: 1\ndurability: process\nparams: {n: {default: x}}\nconcurrency: one\n"
                          "steps:\n  - {id: a, run: 'echo ${{ params.n }} >> \"$LEDGER\"'}\n")
        queued = []
        for n in range(5):
            queued.append(self.start("run", "--quiet", "-p", f"n={n}", flow))
            self.wait_for(lambda count=n + 1: self.waiting(count), "its place")
        self.let_go()
        for process in [holder, *queued]:
            self.ended(process)
        self.assertEqual(self.ledger(), ["in", "0", "1", "2", "3", "4"])

    def test_who_dies_in_the_queue_holds_up_nobody(self):
        holder, _, _ = self.held(self.holding_flow())
        first, run = self.waits(os.path.join(self.folder, "flow.yaml"))
        second, _ = self.waits(os.path.join(self.folder, "flow.yaml"))
        first.kill()
        first.wait()
        self.let_go()
        begun = time.monotonic()
        self.ended(holder)
        self.ended(second)
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(self.show(run)["status"], "interrupted")
        self.assertEqual(self.markers(), [])
        self.levada("resume", "--quiet", run)

    def test_ctrl_c_and_cancel_reach_a_run_that_waits(self):
        holder, _, _ = self.held(self.holding_flow())
        queued, run = self.waits(os.path.join(self.folder, "flow.yaml"))
        queued.send_signal(signal.SIGINT)
        self.ended(queued, 130)
        self.assertEqual(self.show(run)["status"], "interrupted")
        self.levada("cancel", "--quiet", run, expect=10)
        self.assertEqual(self.show(run)["status"], "cancelled")
        self.write("final.yaml", "levada: 1\nconcurrency: one\nsteps:\n  - {id: a, run: 'true'}\nfinally:\n"
                   "  - {id: b, run: 'echo finally >> \"$LEDGER\"'}\n")
        queued, run = self.waits("final.yaml")
        self.levada("cancel", run)
        self.ended(queued, 10)
        self.assertEqual(self.statuses(run), {"a": "cancelled", "b": "cancelled"})
        self.let_go()
        self.ended(holder)
        self.assertEqual(self.ledger(), ["in"])

    def test_a_run_that_waits_says_for_whom(self):
        holder, run, pid = self.held(self.holding_flow())
        queued, waiting = self.waits(os.path.join(self.folder, "flow.yaml"))
        event = json.loads(queued.stdout.readline())
        text = f'waiting for group "one", held by run {run} (pid {pid})'
        self.assertEqual((event["event"], event["group"], event["reason"], event["held_by"]),
                         ("run_queued", "one", text, [{"run": run}]))
        self.assertIn(text, self.levada("show", waiting).stdout)
        self.assertEqual(self.show(waiting)["waits_for"], text)
        self.assertIn(text, self.levada("why", waiting, expect=None).stdout)
        self.assertIn(text, self.levada("ps").stdout)
        self.let_go()
        self.ended(holder)
        self.ended(queued)
        self.assertNotIn("waits_for", self.show(waiting))

    def test_waiting_costs_nothing(self):
        holder, _, _ = self.held(self.holding_flow())
        queued, _ = self.waits(os.path.join(self.folder, "flow.yaml"))
        self.sleeps(queued, "a run that waited for its group")
        self.let_go()
        self.ended(holder)
        self.ended(queued)


class Deaths(Locks):
    def killed_engine(self):
        holder, run, pid = self.held(self.holding_flow())
        os.kill(pid, signal.SIGKILL)
        holder.wait()
        return run

    def refused(self, run):
        said = self.levada("run", self.holding_flow("skip", "skip.yaml"), expect=6).stderr
        self.assertIn(run, said)

    def test_a_group_outlives_its_engine_until_the_run_has_ended(self):
        run = self.killed_engine()
        self.refused(run)  # its worker is at work
        queued, _ = self.waits(os.path.join(self.folder, "flow.yaml"))
        self.let_go()
        self.wait_for(lambda: os.listdir(os.path.join(self.state, "runs", run, "receipts")), "the receipt")
        time.sleep(0.3)
        self.assertIsNone(queued.poll())  # interrupted, and open
        self.refused(run)
        self.assertEqual(self.ledger(), ["in"])
        self.levada("resume", "--quiet", run)
        self.ended(queued)
        self.assertEqual(self.ledger(), ["in", "in"])
        self.assertEqual(self.markers(), [])

    def test_a_run_whose_processes_are_all_dead_holds_its_group_until_settled(self):
        run = self.killed_engine()
        self.end_marked()
        self.refused(run)
        queued, _ = self.waits(os.path.join(self.folder, "flow.yaml"))
        self.levada("resume", "--quiet", run, expect=9)  # unsafe: nobody knows
        self.refused(run)
        self.assertIsNone(queued.poll())
        self.levada("cancel", "--quiet", run, expect=9)  # a cancel does not say whether it happened
        self.refused(run)
        self.levada("resolve", run, "hold", "--done")
        self.levada("resume", "--quiet", run, expect=10)
        self.let_go()
        self.ended(queued)

    def test_a_resumed_run_has_its_place_before_those_who_wait(self):
        run = self.killed_engine()
        queued, _ = self.waits(os.path.join(self.folder, "flow.yaml"))
        resumed = self.start("resume", "--json", run)
        self.engine_of(resumed)
        self.let_go()
        self.ended(resumed)
        self.ended(queued)

    def test_a_finished_run_that_is_retried_waits_like_any_other(self):
        flow = self.write("retry.yaml", workflow(['{id: a, run: "test -e $LEDGER.go"}'], "one"))
        self.levada("run", "--quiet", flow, expect=1)
        run = self.runs()[-1]
        holder, _, _ = self.held(self.holding_flow())
        again = self.start("retry", "--json", run)
        self.wait_for(self.waiting, "the queue")
        self.let_go()
        self.ended(holder)
        self.ended(again)

    def test_a_retry_with_an_edited_workflow_belongs_to_its_group(self):
        self.levada("run", "--quiet", self.write("edited.yaml", workflow(["{id: a, run: 'false'}"])), expect=1)
        run = self.runs()[-1]
        holder, _, _ = self.held(self.holding_flow())
        edited = self.write("edited.yaml", workflow(["{id: a, run: 'true'}"], "one"))
        again = self.start("retry", "--quiet", run, "--with", edited)
        self.wait_for(self.waiting, "the queue")
        self.let_go()
        self.ended(holder)
        self.ended(again)

    def test_a_daemon_that_a_script_left_behind_holds_no_place(self):
        """It lives on where nobody can end it: worker and launcher were killed, session and environment are its own."""
        flow = self.write("daemon.yaml", workflow(
            ['id: a\n    pool: db\n    run: |\n'
             '      setsid env -i PATH="$PATH" sh -c "sleep 60 & echo \\$! > $LEDGER.pid" </dev/null >/dev/null 2>&1\n'
             '      echo $$ $PPID $(cut -d" " -f4 /proc/$PPID/stat) > "$LEDGER.victims"\n'
             '      echo in >> "$LEDGER"; sleep 60'], "one"))
        process, run, engine = self.held(flow)
        with open(self.ledger_path + ".pid", encoding="utf-8") as text:
            daemon = int(text.read())
        self.addCleanup(os.kill, daemon, signal.SIGKILL)
        with open(self.ledger_path + ".victims", encoding="utf-8") as text:
            script, worker, launcher = [int(n) for n in text.read().split()]
        for pid in (engine, launcher, worker, script):
            os.kill(pid, signal.SIGKILL)
        process.wait()
        self.wait_for(lambda: not any(alive(pid) for pid in (launcher, worker, script)), "their end")
        self.assertEqual(len(self.markers() + self.markers("pools")), 2)
        self.levada("cancel", "--quiet", run, expect=9)
        self.levada("resolve", run, "a", "--done")
        self.levada("resume", "--quiet", run, expect=10)
        os.kill(daemon, 0)
        other = self.write("other.yaml", workflow(["{id: b, pool: db, run: 'true'}"], "{group: one, overlap: skip}"))
        self.levada("run", "--quiet", other, timeout=20)
        os.kill(daemon, 0)

    def test_a_script_inherits_no_seat_and_its_worker_has_both(self):
        flow = self.write("flow.yaml", workflow(
            ["id: a\n    pool: db\n    run: |\n      ls -l /proc/$$/fd > \"$LEDGER.own\"\n"
             "      ls -l /proc/$PPID/fd > \"$LEDGER.worker\""], "one"))
        self.levada("run", "--quiet", flow)
        with open(self.ledger_path + ".own", encoding="utf-8") as own, \
                open(self.ledger_path + ".worker", encoding="utf-8") as worker:
            self.assertNotRegex(own.read(), "/(groups|pools)/")
            text = worker.read()
        self.assertRegex(text, "/groups/one/")
        self.assertRegex(text, "/pools/db/")


class Pools(Locks):
    def test_a_pool_bounds_steps_of_all_runs(self):
        flow = self.write("flow.yaml", workflow(
            [counted(0.1, more=str(i)) + "\n    pool: {name: db, slots: 2}" for i in range(4)]))
        for process in [self.start("run", "--quiet", flow) for _ in range(3)]:
            self.ended(process)
        self.assertEqual(len(self.counts()), 12)
        self.assertEqual(max(self.counts()), 2)
        self.assertEqual(self.markers("pools"), [])

    def test_runs_that_wait_for_a_pool_take_turns(self):
        flow = self.write("flow.yaml", "levada: 1\ndurability: process\nparams: {n: {default: x}}\nsteps:\n" + "".join(
            f"  - {{id: s{i}, pool: db, run: 'echo ${{{{ params.n }}}} >> \"$LEDGER\"; sleep 0.15'}}\n"
            for i in range(4)))
        first = self.start("run", "--quiet", "-p", "n=a", flow)
        self.wait_for(lambda: self.ledger() == ["a"], "the first")
        second = self.start("run", "--quiet", "-p", "n=b", flow)
        self.ended(first)
        self.ended(second)
        self.assertIn("b", self.ledger()[:4])
        self.assertEqual(sorted(self.ledger()), ["a"] * 4 + ["b"] * 4)

    def test_a_step_that_waits_takes_no_place_of_its_run_and_holds_up_no_other(self):
        flow = self.write("flow.yaml", workflow(
            [f"id: a\n    pool: db\n    run: '{WAIT}'", "{id: b, pool: db, run: 'true'}",
             "{id: c, pool: db, run: 'true'}", "{id: d, run: 'echo d >> \"$LEDGER\"'}"]))
        process = self.start("run", "--json", "--max-parallel", "2", flow)
        run, _ = self.engine_of(process)
        self.wait_for(lambda: self.ledger() == ["d"], "the step without a pool")
        steps = {s["id"]: s for s in self.show(run)["steps"]}
        self.assertEqual(steps["b"]["status"], "ready")
        self.assertEqual(steps["b"]["reason"]["text"], 'waiting for pool "db", held by step a')
        self.let_go()
        self.assertIn('"event":"step_queued"', self.ended(process))

    def test_a_cancel_reaches_steps_that_wait(self):
        flow = self.write("flow.yaml", workflow(
            ["{id: a, pool: db, effect: idempotent, grace: 100ms, run: 'echo in >> \"$LEDGER\"; sleep 60'}",
             "{id: b, pool: db, run: 'true'}"]))
        process, run, _ = self.held(flow)
        self.levada("cancel", run)
        self.ended(process, 10)
        self.assertEqual(self.statuses(run), {"a": "cancelled", "b": "cancelled"})
        self.assertEqual(self.markers("pools"), [])

    def test_a_slot_is_given_up_between_two_attempts(self):
        flow = self.write("flow.yaml", workflow(
            ["{id: a, pool: db, retry: {attempts: 2, delay: 1s}, run: 'echo a >> \"$LEDGER\"; test -e \"$LEDGER.go\"'}",
             "{id: b, pool: db, run: 'echo b >> \"$LEDGER\"; : > \"$LEDGER.go\"'}"]))
        self.levada("run", "--quiet", flow)
        self.assertEqual(self.ledger(), ["a", "b", "a"])

    def hold_slot(self, effect="unsafe"):
        return self.held(self.write("slot.yaml", workflow(
            [f"id: a\n    pool: db\n    effect: {effect}\n    run: |\n      echo a >> \"$LEDGER\"; {WAIT}"])))

    def other(self):
        flow = self.write("other.yaml", workflow(["{id: b, pool: db, run: 'echo b >> \"$LEDGER\"'}"]))
        process = self.start("run", "--json", flow)
        self.wait_for(lambda: self.waiting(kind="pools"), "the queue")
        return process

    def test_a_slot_is_held_by_a_worker_whose_engine_died(self):
        holder, run, pid = self.hold_slot()
        os.kill(pid, signal.SIGKILL)
        holder.wait()
        other = self.other()
        time.sleep(0.2)
        self.assertEqual(self.ledger(), ["a"])
        # Its end alone is not enough: whether it did its work stands in no journal yet.
        self.let_go()
        time.sleep(0.5)
        self.assertEqual(self.ledger(), ["a"])
        self.levada("resume", "--quiet", run)
        self.ended(other)
        self.assertEqual(self.ledger(), ["a", "b"])
        self.assertEqual(self.markers("pools"), [])

    def test_a_step_that_waits_costs_nothing_while_its_run_is_full(self):
        holder, _, _ = self.hold_slot()
        flow = self.write("full.yaml", workflow(["{id: b, pool: db, run: 'true'}", f"id: c\n    run: '{WAIT}'"]))
        process = self.start("run", "--json", "--max-parallel", "1", flow)
        run, _ = self.engine_of(process)
        self.wait_for(lambda: self.statuses(run) == {"b": "ready", "c": "running"}, "the step behind it")
        self.sleeps(process, "a run whose step waited for its pool")
        self.let_go()
        self.ended(holder)
        self.ended(process)

    def test_a_run_that_is_full_holds_up_nobody_behind_it(self):
        holder, _, _ = self.hold_slot()
        flow = self.write("full.yaml", workflow(
            ["{id: b, pool: db, run: 'true'}", "id: c\n    run: '" + WAIT.replace(".go", ".end") + "'"]))
        full = self.start("run", "--json", "--max-parallel", "1", flow)
        run, _ = self.engine_of(full)
        self.wait_for(lambda: self.statuses(run) == {"b": "ready", "c": "running"}, "the step behind it")
        other = self.start("run", "--json", self.write("other.yaml", workflow(["{id: b, pool: db, run: 'true'}"])))
        self.wait_for(lambda: self.waiting(2, "pools"), "the queue")
        self.let_go()
        self.ended(holder)
        self.ended(other, timeout=10)
        self.assertEqual(self.statuses(run), {"b": "ready", "c": "running"})
        open(self.ledger_path + ".end", "w", encoding="utf-8").close()
        self.ended(full)

    def test_a_step_nobody_knows_about_keeps_its_slot_until_it_is_settled(self):
        holder, run, pid = self.hold_slot()
        os.kill(pid, signal.SIGKILL)
        holder.wait()
        self.end_marked()
        self.levada("resume", "--quiet", run, expect=9)
        other = self.other()
        time.sleep(0.3)
        self.assertEqual(self.ledger(), ["a"])
        begun = time.monotonic()
        self.levada("resolve", run, "a", "--done")
        self.ended(other)
        self.assertLess(time.monotonic() - begun, 5)
        self.levada("resume", "--quiet", run)
        self.assertEqual(self.markers("pools"), [])

    def test_a_run_that_waits_for_its_own_unknown_step_stops(self):
        flow = self.write("flow.yaml", workflow(
            ["{id: a, pool: db, run: 'kill -9 $PPID'}", "{id: b, pool: db, run: 'echo b >> \"$LEDGER\"'}"]))
        self.levada("run", "--quiet", flow, expect=9, timeout=20)
        self.levada("resolve", "last", "a", "--fail")
        self.levada("resume", "--quiet", "last", expect=1, timeout=20)
        self.assertEqual(self.ledger(), ["b"])

    def test_a_worker_that_vanishes_gives_its_slot_to_its_next_attempt(self):
        flow = self.write("flow.yaml", workflow(
            ["id: a\n    pool: db\n    effect: idempotent\n    run: |\n      echo a >> \"$LEDGER\"\n"
             "      test -e \"$LEDGER.go\" || { : > \"$LEDGER.go\"; kill -9 $PPID; }"]))
        self.levada("run", "--quiet", flow, timeout=20)
        self.assertEqual(self.ledger(), ["a", "a"])
        self.assertEqual(self.markers("pools"), [])

    def test_the_slow_look_finds_a_slot_when_nobody_tells(self):
        """A marker that is left behind, as by a machine that lost power; its run was removed."""
        holder, run, pid = self.hold_slot()
        os.kill(pid, signal.SIGKILL)
        holder.wait()
        self.end_marked()
        other = self.other()
        os.rename(os.path.join(self.state, "runs", run), os.path.join(self.folder, "gone"))
        self.ended(other, timeout=10)


if __name__ == "__main__":
    main()
