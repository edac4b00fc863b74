# SPDX-License-Identifier: Apache-2.0
"""Old runs go when somebody said so, as a whole, and never one that is still needed."""
import fcntl
import json
import os
import signal
import struct
import subprocess
import time

import levada


def workflow(name, history="", run="echo said"):
    return f"levada: 1\nname: {name}\n{'history: ' + history if history else ''}\nsteps:\n  - id: a\n    run: {run}\n"


class Collect(levada.Case):
    def done(self, name="w", history="", run="echo said", expect=0):
        before = set(self.runs())
        self.levada("run", self.write(f"{name}.yaml", workflow(name, history, run)), expect=expect)
        return (set(self.runs()) - before).pop()

    def gc(self, *args, expect=0):
        done = self.levada("gc", "--json", *args, expect=expect)
        return {o["run"]: o["action"] for o in json.loads(done.stdout)}, done.stderr

    def test_without_a_rule_nothing_is_removed_and_it_says_so(self):
        self.done()
        said, err = self.gc()
        self.assertEqual((said, len(self.runs())), ({}, 1))
        self.assertIn("no workflow here says `history:`", err)
        self.levada("gc", env={"LEVADA_STATE": os.path.join(self.folder, "none")})

    def test_the_workflow_says_how_many_and_dry_run_only_says(self):
        ids = [self.done(history="{keep: 2, keep_failed: 1}") for _ in range(3)]
        failed = [self.done(name="w", history="{keep: 2, keep_failed: 1}", run="exit 3", expect=1) for _ in range(2)]
        said, err = self.gc("--dry-run")
        self.assertEqual(said, {ids[0]: "run", failed[0]: "run"})
        self.assertIn("would be taken away: 2 runs", err)
        self.assertEqual(len(self.runs()), 5)
        said, err = self.gc()
        self.assertEqual(said, {ids[0]: "run", failed[0]: "run"})
        self.assertRegex(err, r"taken away: 2 runs.* [1-9][0-9.]* KiB freed")
        self.assertEqual(self.runs(), sorted([ids[1], ids[2], failed[1]]))
        self.assertEqual(sorted(os.listdir(os.path.join(self.state, "runs"))), self.runs())
        self.assertEqual(self.gc()[0], {})

    def test_options_hold_for_workflows_without_history_and_for_all_with_all(self):
        silent, speaks = self.done("silent"), self.done("speaks", "{keep: 30d}")
        self.assertEqual(self.gc("--keep", "0s", "--dry-run")[0], {silent: "run"})
        self.assertEqual(self.gc("--keep", "0s", "--dry-run", "--all")[0], {silent: "run", speaks: "run"})
        text = self.levada("gc", "--keep", "0s", "--all", "--dry-run").stdout
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()), text)
        for words in (("--keep", "0"), ("--keep", "soon"), ("--logs", "5"), ("--all",), ("last",)):
            self.levada("gc", *words, expect=2)

    def test_the_logs_go_first_and_what_is_left_says_so(self):
        run = self.done(history="{keep: 30d, logs: 1ms}")
        time.sleep(0.01)
        self.assertEqual(self.gc()[0], {run: "logs"})
        self.assertEqual(self.gc()[0], {}, "once")
        self.assertEqual(self.show()["status"], "succeeded")
        done = self.levada("logs", "last")
        self.assertEqual(done.stdout, "")
        self.assertIn("are gone", done.stderr)
        self.levada("report", "last")

    def test_runs_that_go_on_are_interrupted_or_have_something_living_are_never_touched(self):
        slow = workflow("slow", "{keep: 1ms}", 'echo x >> "$LEDGER"; sleep 30')
        process = self.start("run", self.write("slow.yaml", slow))
        self.wait_for(lambda: self.ledger() == ["x"], "the step to begin")
        self.assertEqual(self.gc("--all", "--keep", "0s")[0], {})
        process.kill()
        process.wait()
        self.assertEqual(self.gc("--all", "--keep", "0s")[0], {}, "an interrupted run with an orphan")
        self.levada("cancel", "last", expect=10, timeout=40)
        left = subprocess.Popen(["sleep", "60"], env=dict(self.env, LEVADA_ATTEMPT=f"{self.runs()[0]}/1"))
        self.started.append(left)
        self.wait_for(lambda: self.levada("ps").stdout, "the leftover to be seen")
        self.assertEqual(self.gc("--keep", "0s")[0], {self.runs()[0]: "kept"})
        left.kill()
        left.wait()
        self.assertEqual(list(self.gc()[0].values()), ["run"])
        self.assertEqual(self.runs(), [])

    def test_a_run_that_an_engine_holds_is_kept(self):
        run = self.done()
        with open(os.path.join(self.run_folder(), "attempts"), "r+b") as attempts:
            lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0)
            fcntl.fcntl(attempts, fcntl.F_OFD_SETLK, lock)
            self.assertEqual(self.gc("--keep", "0s")[0], {run: "kept"})
            self.assertEqual(self.gc("--keep", "0s", "--dry-run")[0], {run: "kept"})
        self.assertEqual(self.gc("--keep", "0s")[0], {run: "run"})

    def test_a_kill_in_the_middle_leaves_nothing_half_listed_and_the_next_gc_finishes_it(self):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")
        ids = [self.done() for _ in range(3)]
        self.levada("gc", "--keep", "0s", expect=-signal.SIGKILL, env={"LEVADA_FAILPOINT": "gc_gone:2"})
        self.assertEqual(len(self.runs()), 1)
        listed = [r["status"] for r in json.loads(self.levada("ls", "--json").stdout)]
        self.assertEqual(listed, ["succeeded"])
        self.assertTrue(any(n.startswith(".gone-") for n in os.listdir(os.path.join(self.state, "runs"))))
        self.assertIn("finished: 1 folders", self.levada("gc").stderr)
        self.assertEqual(os.listdir(os.path.join(self.state, "runs")), self.runs())
        self.assertEqual(self.runs(), [ids[2]])

    def test_what_the_making_of_a_run_left_goes_when_it_is_old(self):
        self.done()
        runs = os.path.join(self.state, "runs")
        for name, age in ((".new-" + "0" * 26, 7200), (".new-" + "1" * 26, 60), (".new-other", 7200), ("mine", 7200)):
            os.makedirs(os.path.join(runs, name, "logs"))
            os.utime(os.path.join(runs, name), (time.time() - age, time.time() - age))
        self.levada("gc")
        self.assertEqual(sorted(os.listdir(runs)), sorted([".new-" + "1" * 26, ".new-other", "mine", *self.runs()[:1]]))

    def test_a_run_that_cannot_be_read_is_kept(self):
        run, good = self.done(), self.done()
        with open(os.path.join(self.state, "runs", run, "journal.db"), "wb") as journal:
            journal.write(b"no journal")
        said, err = self.gc("--keep", "0s", "--all")
        self.assertEqual(said, {good: "run"})
        self.assertIn("levada db check", err)
        self.assertEqual(self.runs(), [run])

    def test_two_at_once_do_not_quarrel(self):
        for _ in range(6):
            self.done()
        # The last worker lets go of its attempt a moment after its run has ended, and is rightly spared until then.
        self.wait_for(lambda: json.loads(self.levada("ps", "--json").stdout) == [], "the last worker to end")
        two = [self.start("gc", "--keep", "0s", "--json") for _ in range(2)]
        said = []
        for process in two:
            out, err = process.communicate(timeout=30)
            self.assertIn(process.returncode, (0, 6), err)
            self.assertEqual(process.returncode == 6, "another `levada gc`" in err)
            said += [] if process.returncode else [o["run"] for o in json.loads(out) if o["action"] == "run"]
        self.assertEqual(len(said), len(set(said)))
        self.assertEqual(self.runs(), [])


if __name__ == "__main__":
    levada.main()
