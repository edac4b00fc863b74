# SPDX-License-Identifier: Apache-2.0
"""What lives is found, also when the one who should look after it is dead; and it can be ended."""
import json
import os
import signal
import subprocess

import levada

SLOW = """levada: 1
name: slow
steps:
  - id: first
    run: "true"
  - id: slow
    needs: [first]
    run: |
      echo $PPID >> "$LEDGER"
      sleep 30
  - id: after
    needs: [slow]
    run: echo after >> "$LEDGER"
"""


class Living(levada.Case):
    def ps(self):
        return json.loads(self.levada("ps", "--json").stdout)

    def kinds(self):
        return sorted(one["kind"] for one in self.ps())

    def start_slow(self, text=SLOW):
        """A running run: its engine, and the pid of its worker."""
        process = self.start("run", self.write("slow.yaml", text))
        self.wait_for(lambda: len(self.ledger()) == 1, "the step to begin")
        return process, int(self.ledger()[0])

    def gone(self, pid):
        """Nobody may be there to reap it: what is dead does nothing any more."""
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            return True

    def launcher(self, worker):
        with open(f"/proc/{worker}/stat", encoding="utf-8") as stat:
            return int(stat.read().rsplit(")", 1)[1].split()[1])

    def test_an_engine_and_its_worker_are_listed_with_step_attempt_and_age(self):
        process, worker = self.start_slow()
        engine, step = self.ps()
        self.assertEqual((engine["kind"], engine["pid"], engine["workflow"], engine["status"]),
                         ("engine", process.pid, "slow", "running"))
        self.assertEqual((step["kind"], step["pid"], step["step"], step["attempt"]), ("worker", worker, "slow", 1))
        self.assertEqual(engine["steps"], {"total": 3, "done": 1, "running": 1})
        self.assertLess(engine["elapsed_ms"], 20000)
        self.assertRegex(engine["since"], "^20..-..-..T")
        text = self.levada("ps").stdout
        self.assertIn("slow: 1 of 3 done, 1 running", text)
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()), text)
        self.levada("cancel", "last")
        self.assertEqual(process.wait(timeout=20), 10)
        done = self.levada("ps")
        self.assertEqual((done.stdout, done.stderr[:13]), ("", "nothing lives"))
        self.assertEqual(self.ps(), [])

    def test_a_worker_without_its_engine_is_an_orphan_and_cancel_ends_it(self):
        process, worker = self.start_slow()
        process.kill()
        process.wait()
        self.assertEqual([(one["kind"], one["pid"], one["status"]) for one in self.ps()],
                         [("orphan", worker, "interrupted")])
        text = self.levada("ps").stdout
        self.assertIn("orphan    step slow, slow", text)
        run = self.runs()[0][-8:]
        self.assertIn(f"levada resume {run}", text)
        self.assertIn(f"levada cancel {run}", text)
        self.levada("cancel", run, expect=10, timeout=40)
        self.assertEqual(self.ps(), [])
        self.assertTrue(self.gone(worker))
        self.assertEqual(len(self.ledger()), 1)

    def sleeps_below(self, children):
        with open(children, encoding="utf-8") as text:
            below = [f"/proc/{pid}/task/{pid}/children" for pid in text.read().split()]
        commands = []
        for one in below:
            with open(one.split("/task/", maxsplit=1)[0] + "/comm", encoding="utf-8") as name:
                commands.append(name.read().strip())
        return "sleep" in commands or any(self.sleeps_below(one) for one in below)

    def test_what_a_dead_worker_left_is_a_leftover_and_cancel_ends_it(self):
        process, worker = self.start_slow()
        children = f"/proc/{worker}/task/{worker}/children"
        self.wait_for(lambda: self.sleeps_below(children), "the script to sleep")
        for pid in (process.pid, self.launcher(worker), worker):
            os.kill(pid, signal.SIGKILL)
        process.wait()
        self.wait_for(lambda: self.gone(worker), "the worker to be gone")
        left = self.ps()
        self.assertEqual({(one["kind"], one["step"]) for one in left}, {("leftover", "slow")}, left)
        self.assertIn("sleep", {one["command"] for one in left})
        self.assertIn("leftover  sleep of step slow, slow", self.levada("ps").stdout)
        self.levada("cancel", "last", expect=9, timeout=40) # what the dead worker did nobody knows
        self.assertEqual(self.ps(), [])
        for one in left:
            self.assertTrue(self.gone(one["pid"]))

    def test_a_process_that_outlived_its_ended_run_is_found_and_ended_too(self):
        self.levada("run", self.write("w.yaml", "levada: 1\nname: w\nsteps:\n  - {id: a, run: 'true'}\n"))
        run = self.runs()[0]
        left = subprocess.Popen(["sleep", "60"], env=dict(self.env, LEVADA_ATTEMPT=f"{run}/1"))
        other = subprocess.Popen(["sleep", "60"], env=dict(self.env, LEVADA_ATTEMPT="0" * 26 + "/1"))
        self.started += [left, other]
        self.wait_for(lambda: self.kinds() == ["leftover"], "the leftover to be seen, and not that of another state")
        self.assertIn(f"levada cancel {run[-8:]}", self.levada("ps").stdout)
        done = self.levada("cancel", "last", expect=0)
        self.assertIn("ended 1 processes", done.stderr)
        self.assertEqual(left.wait(timeout=10), -signal.SIGKILL)
        self.assertIsNone(other.poll())
        self.assertEqual(self.ps(), [])

    def test_many_orphans_of_one_run_are_all_listed_and_all_ended(self):
        steps = "".join(f"""  - id: s{i}
    needs: []
    grace: 200ms
    run: echo $PPID >> "$LEDGER"; sleep 30
""" for i in range(6))
        path = self.write("many.yaml", "levada: 1\nname: many\nsteps:\n" + steps)
        process = self.start("run", "--max-parallel", "6", path)
        self.wait_for(lambda: len(self.ledger()) == 6, "the steps to begin")
        process.kill()
        process.wait()
        workers = sorted(map(int, self.ledger()))
        os.kill(workers[0], signal.SIGSTOP)
        self.assertEqual(sorted(one["pid"] for one in self.ps() if one["kind"] == "orphan"), workers)
        self.assertEqual([one["pid"] for one in self.ps() if one["stopped"]], [workers[0]])
        for pid in workers[3:]:
            os.kill(pid, signal.SIGKILL)
        self.levada("cancel", "last", expect=(9, 10), timeout=60)
        self.assertEqual(self.ps(), [])

    def test_a_stopped_engine_is_said_to_be_stopped_with_the_way_to_take_over(self):
        process, _ = self.start_slow()
        os.kill(process.pid, signal.SIGSTOP)
        self.wait_for(lambda: self.ps()[0]["stopped"], "the engine to stop")
        text = self.levada("ps").stdout
        self.assertIn("(stopped by a signal)", text)
        self.assertIn("levada resume --takeover", text)
        done = self.levada("cancel", "last")
        self.assertIn("levada resume --takeover last", done.stderr)
        self.levada("resume", "--takeover", "last", expect=10, timeout=40)
        self.assertEqual(self.ps(), [])

    def test_interrupted_and_damaged_runs_without_a_process_are_counted(self):
        process, worker = self.start_slow()
        for pid in (process.pid, self.launcher(worker), worker):
            os.kill(pid, signal.SIGKILL)
        process.wait()
        self.wait_for(lambda: self.end_marked() or not self.ps(), "all to be gone")
        self.assertIn("levada resume --all", self.levada("ps").stdout)
        for name in os.listdir(self.run_folder()):
            if name.startswith("journal"):
                os.remove(os.path.join(self.run_folder(), name))
        self.assertIn("levada db check", self.levada("ps").stdout)

    def test_looking_takes_no_lock_and_writes_nothing(self):
        self.assertEqual(self.ps(), [])
        self.assertFalse(os.path.exists(self.state))
        self.levada("run", self.write("w.yaml", "levada: 1\nname: w\nsteps:\n  - {id: a, run: 'true'}\n"))
        before = {name: os.stat(os.path.join(self.run_folder(), name)).st_mtime_ns
                  for name in os.listdir(self.run_folder())}
        self.levada("ps")
        self.assertEqual(before, {name: os.stat(os.path.join(self.run_folder(), name)).st_mtime_ns
                                  for name in os.listdir(self.run_folder())})


if __name__ == "__main__":
    levada.main()
