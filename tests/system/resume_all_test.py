# SPDX-License-Identifier: Apache-2.0
"""After a reboot one command goes on with everything that can go on, and names what needs a person."""
import json
import os
import signal
import time

import levada


class ResumeAll(levada.Case):
    def killed(self, name, run, extra=""):
        """A run whose engine, launcher and worker are gone. Its id."""
        path = self.write(f"{name}.yaml", f"levada: 1\nname: {name}\nsteps:\n  - id: a\n    {extra}\n    run: |\n"
                          f"      echo {name} >> \"$LEDGER\"\n      {run}\n")
        before = set(self.runs())
        process = self.start("run", path)
        self.wait_for(lambda: name in self.ledger(), "the step to begin")
        process.kill()
        process.wait()
        run_id = (set(self.runs()) - before).pop()
        return run_id

    def objects(self, *args, expect=0):
        lines = self.levada("resume", "--all", "--json", *args, expect=expect).stdout.splitlines()
        return {o["run"]: o for o in map(json.loads, lines)}

    def test_every_interrupted_run_is_resumed_and_none_else(self):
        done = self.write("done.yaml", "levada: 1\nname: done\nsteps:\n  - {id: a, run: 'true'}\n")
        self.levada("run", done)
        ids = [self.killed(f"k{i}", "[ $(grep -c k%d \"$LEDGER\") -gt 1 ] || sleep 20" % i, "effect: idempotent")
               for i in range(3)]
        self.end_marked()
        said = self.objects("--max-runs", "2")
        self.assertEqual({r: (o["action"], o["status"], o["exit"]) for r, o in said.items()},
                         {r: ("resumed", "succeeded", 0) for r in ids})
        self.assertEqual(sorted(self.ledger()), ["k0", "k0", "k1", "k1", "k2", "k2"])
        self.assertEqual(self.objects(), {})
        self.assertIn("no run is interrupted", self.levada("resume", "--all").stderr)

    def test_held_runs_are_left_alone_unknown_ones_are_named_and_the_worst_code_wins(self):
        unknown = self.killed("unsafe", "sleep 30")
        self.end_marked()
        self.levada("resume", unknown, expect=9)
        failing = self.killed("failing", "[ $(grep -c failing \"$LEDGER\") -gt 1 ] && exit 3; sleep 20",
                              "effect: idempotent")
        self.end_marked()
        path = self.write("held.yaml", "levada: 1\nname: held\nsteps:\n  - {id: a, run: 'echo held >> \"$LEDGER\"; "
                          "sleep 3'}\n")
        held = self.start("run", path)
        self.wait_for(lambda: "held" in self.ledger(), "the step to begin")
        held_id = json.loads(self.levada("ls", "--json", "--status", "running").stdout)[0]["run"]
        said = self.objects(expect=9)
        self.assertEqual({r: o["action"] for r, o in said.items()},
                         {unknown: "left", failing: "resumed", held_id: "held"})
        self.assertEqual((said[failing]["exit"], said[unknown]["exit"]), (1, 9))
        self.assertIn(f"levada resolve {unknown[-8:]} a", said[unknown]["text"])
        self.assertIn(str(held.pid), said[held_id]["text"])
        self.assertEqual(held.wait(timeout=20), 0)
        self.levada("resolve", unknown, "a", "--fail")
        said = self.objects(expect=1)
        self.assertEqual(said[unknown]["status"], "failed", "a settled run goes on")

    def test_a_damaged_run_is_told_and_the_others_are_resumed(self):
        broken = self.killed("broken", "sleep 20")
        good = self.killed("good", "[ $(grep -c good \"$LEDGER\") -gt 1 ] || sleep 20", "effect: idempotent")
        self.end_marked()
        folder = os.path.join(self.state, "runs", broken)
        for name in os.listdir(folder):
            if name.startswith("journal.db"):
                os.remove(os.path.join(folder, name))
        said = self.objects(expect=8)
        self.assertEqual((said[broken]["status"], said[good]["status"]), ("unreadable", "succeeded"))

    def test_a_state_folder_that_was_moved_is_resumed_where_it_is(self):
        run = self.killed("moved", "[ $(grep -c moved \"$LEDGER\") -gt 1 ] || sleep 20", "effect: idempotent")
        self.end_marked()
        elsewhere = os.path.join(self.folder, "else where?")
        os.rename(self.state, elsewhere)
        old = self.state
        self.state = elsewhere
        self.env["LEVADA_STATE"] = elsewhere
        self.assertEqual(self.objects()[run]["status"], "succeeded")
        self.assertFalse(os.path.exists(old), "nothing was made where it had been")

    def test_one_signal_stops_all_of_them_once_and_they_can_go_on(self):
        for i in range(3):
            self.killed(f"k{i}", "[ $(grep -c k%d \"$LEDGER\") -gt 2 ] || sleep 20" % i, "effect: idempotent")
        self.end_marked()
        process = self.start("resume", "--all", "--max-runs", "2", start_new_session=True)
        self.wait_for(lambda: len(self.ledger()) == 5, "two steps to begin again")
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130, out + err)
        self.assertIn("not resumed: 1;", err)
        self.assertEqual([r["status"] for r in json.loads(self.levada("ls", "--json").stdout)], ["interrupted"] * 3)
        time.sleep(0.1)
        self.assertEqual(len(self.ledger()), 5)

    def test_when_it_is_killed_the_engines_go_on_and_another_one_finds_them(self):
        ids = [self.killed(f"k{i}", "sleep 1.5", "effect: idempotent") for i in range(2)]
        self.end_marked()
        process = self.start("resume", "--all")
        self.wait_for(lambda: len(self.ledger()) == 4, "two steps to begin again")
        process.kill()
        process.wait()
        self.assertEqual({r: o["action"] for r, o in self.objects().items()}, {r: "held" for r in ids})
        self.wait_for(lambda: {r["status"] for r in json.loads(self.levada("ls", "--json").stdout)} == {"succeeded"},
                      "both to end")
        self.assertEqual(len(self.ledger()), 4)

    def test_options_that_do_not_go_together_are_refused(self):
        for words in (("--all", "last"), ("--all", "--takeover"), ("--max-runs", "2", "last"),
                      ("--all", "--max-runs", "0")):
            self.levada("resume", *words, expect=2)

    def test_a_run_whose_group_waits_for_a_person_is_left_and_said(self):
        workflow = self.write("g.yaml", """levada: 1
name: g
concurrency: shared
steps:
  - id: slow
    run: sleep 30
""")
        first = self.start("run", workflow)
        self.wait_for(lambda: self.runs() and self.statuses().get("slow") == "running", "the step to run")
        def workers():
            return [one for one in json.loads(self.levada("ps", "--json").stdout) if one["kind"] == "worker"]
        self.wait_for(workers, "its worker")
        worker = workers()[0]
        os.kill(worker["pid"], signal.SIGKILL)
        self.assertEqual(first.wait(timeout=20), 9)
        second = self.start("run", workflow)
        self.wait_for(lambda: len(self.runs()) == 2 and "waiting for group" in self.levada("show", "last").stdout,
                      "the second to wait")
        second.kill()
        second.wait()
        done = self.levada("resume", "--all", "--json", expect=9)
        said = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(sorted((one["action"], one["exit"]) for one in said), [("left", 6), ("left", 9)])
        self.assertIn("shared", [one for one in said if one["exit"] == 6][0]["text"])
        self.assertEqual(self.show()["status"], "interrupted")


if __name__ == "__main__":
    levada.main()
