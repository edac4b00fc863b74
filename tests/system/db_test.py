# SPDX-License-Identifier: Apache-2.0
"""Damage is told with its place and what to do, and one damaged run is in nobody else's way."""
import json
import os
import random
import signal
import sqlite3

import levada

WORKFLOW = """levada: 1
name: w
steps:
  - id: a
    run: echo said; echo "n=1" >> "$LEVADA_OUTPUT"
    outputs: {n: {as: integer}}
  - id: b
    needs: [a]
    run: "true"
"""


class Check(levada.Case):
    def done(self):
        before = set(self.runs())
        self.levada("run", self.write("w.yaml", WORKFLOW))
        return (set(self.runs()) - before).pop()

    def path(self, run, name="journal.db"):
        return os.path.join(self.state, "runs", run, name)

    def check(self, *args, expect=0):
        return {o["run"]: o for o in json.loads(self.levada("db", "check", "--json", *args, expect=expect).stdout)}

    def damaged(self, run):
        """What is found, and that the other run is whole and nothing else breaks."""
        said = self.check(expect=8)
        self.assertEqual([r for r, o in said.items() if not o["ok"]], [run])
        found = [f for f in said[run]["findings"] if f["kind"] == "damage"]
        self.assertTrue(all(f["place"] and f["message"] and f["hint"] for f in found), found)
        rows = {r["run"]: r["status"] for r in json.loads(self.levada("ls", "--json").stdout)}
        self.assertEqual({rows[other] for other in self.runs() if other != run}, {"succeeded"})
        for command in (("ps",), ("gc", "--dry-run", "--keep", "0s"), ("resume", "--all")):
            self.levada(*command, expect=(0, 8))
        for command in (("show", run), ("why", run), ("logs", run), ("export", run, "-o", "x.levada"), ("resume", run)):
            done = self.levada(*command, expect=None)
            self.assertIn(done.returncode, range(0, 11), done.stderr)
        return found

    def test_whole_runs_are_said_to_be_whole(self):
        self.assertEqual(self.check(), {})
        run = self.done()
        self.assertEqual(self.check(), {run: {"run": run, "workflow": "w", "ok": True, "findings": []}})
        done = self.levada("db", "check")
        self.assertEqual((done.stdout, done.stderr), ("", "1 runs, all whole\n"))
        self.levada("export", run, "-o", "x.levada")
        self.levada("db", "check", "x.levada")
        for words in ((), ("mend",), ("check", "a", "b")):
            self.levada("db", *words, expect=2)

    def test_a_missing_an_empty_and_a_cut_journal_are_told(self):
        self.done()
        for size in (None, 0, 100, 4096, 9000):
            run = self.done()
            if size is None:
                os.remove(self.path(run))
            else:
                os.truncate(self.path(run), size)
            found = self.damaged(run)
            self.assertEqual(found[0]["place"], "journal.db")
            text = self.levada("db", "check", run, expect=8)
            self.assertIn(f"{run[-8:]}  damaged  journal.db: ", text.stdout)
            self.assertIn("backup", text.stdout)
            levada.shutil.rmtree(self.path(run, ""))

    def test_pages_that_were_overwritten_are_told(self):
        self.done()
        run = self.done()
        with open(self.path(run), "rb") as journal:
            whole = journal.read()
        chance = random.Random(4)
        for at in range(0, len(whole), 4096):
            with open(self.path(run), "wb") as journal:
                journal.write(whole[:at] + chance.randbytes(4096) + whole[at + 4096:])
            self.damaged(run)
        for _ in range(60):  # a flipped byte is told, or it changed nothing that is read, but never breaks anything
            at = chance.randrange(len(whole))
            with open(self.path(run), "wb") as journal:
                journal.write(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1:])
            self.levada("db", "check", run, expect=(0, 8))
            self.levada("show", run, expect=(0, 8))

    def test_events_that_are_lost_changed_or_of_no_kind_are_told(self):
        self.done()
        for sql, word in (("delete from events where seq = 3", "event 3 is missing"),
                          ("update events set data = '{' where seq = 2", "event 2 holds no valid data"),
                          ("update events set type = 'step_dreamt' where seq = 4", "event 4 has the unknown type"),
                          ("update events set step = 'z' where type = 'step_intent'", "names no step"),
                          ("update model set json = '[]'", "stored workflow"),
                          ("delete from model", "no workflow"),
                          ("update meta set value = 99 where name = 'version'", "newer Levada"),
                          ("update meta set value = '%s' where name = 'run'" % ("0" * 26), "of run 000")):
            run = self.done()
            with sqlite3.connect(self.path(run)) as db:
                db.execute(sql)
            db.close()
            found = self.damaged(run)
            self.assertTrue(any(word in f["message"] for f in found), (sql, found))
            levada.shutil.rmtree(self.path(run, ""))

    def interrupted(self):
        path = self.write("slow.yaml", "levada: 1\nname: slow\nsteps:\n  - id: slow\n    run: echo $PPID >> "
                          "\"$LEDGER\"; sleep ${SLOW:-0.5}; echo end >> \"$LEDGER\"\n")
        process = self.start("run", path)
        self.wait_for(lambda: len(self.ledger()) == 1, "the step to begin")
        process.kill()
        process.wait()
        return self.runs()[-1]

    def test_a_result_that_waits_is_a_note_and_one_that_cannot_be_read_is_damage(self):
        run = self.interrupted()
        receipt = self.path(run, "receipts/1.json")
        self.wait_for(lambda: os.path.exists(receipt), "the worker to leave its receipt")
        note = self.check()[run]["findings"]
        self.assertEqual([(f["kind"], f["place"]) for f in note], [("note", "receipts/1.json")])
        self.assertIn("levada resume", note[0]["hint"])
        with open(receipt, "rb") as file:
            whole = file.read()
        with open(receipt, "wb") as file:
            file.write(whole[:-20])
        self.assertEqual(self.check(expect=8)[run]["findings"][0]["kind"], "damage")
        with open(receipt, "wb") as file:
            file.write(whole)
        with open(self.path(run, "receipts/.3.json.tmp"), "wb"):
            pass
        self.assertEqual({f["kind"] for f in self.check()[run]["findings"]}, {"note"})
        self.levada("resume", run)
        self.assertEqual(self.ledger()[1:], ["end"])
        self.assertTrue(self.check()[run]["ok"])

    def test_a_damaged_attempts_file_is_told(self):
        run = self.interrupted()
        self.wait_for(lambda: len(self.ledger()) == 2, "the step to end")
        self.wait_for(lambda: os.listdir(self.path(run, "receipts")) == ["1.json"], "the receipt")
        attempts = self.path(run, "attempts")
        with open(attempts, "rb") as file:
            whole = file.read()
        for damage in (whole[:-10], whole[:64] + b"\xff" * 64, None):
            os.remove(attempts)
            if damage is not None:
                with open(attempts, "wb") as file:
                    file.write(damage)
            found = self.check(expect=8)[run]["findings"]
            self.assertIn("attempts", [f["place"] for f in found if f["kind"] == "damage"])
            if damage is None:
                with open(attempts, "wb"):
                    pass
        with open(attempts, "wb") as file:
            file.write(whole)
        self.assertTrue(self.check()[run]["ok"])

    def test_the_conversion_that_is_owed_is_done_when_nobody_has_the_journal_open(self):
        run = self.done()
        reader = sqlite3.connect(self.path(run))
        reader.execute("pragma journal_mode = wal")
        reader.execute("begin")
        reader.execute("select count(*) from events").fetchone()
        found = self.check()[run]
        self.assertEqual((found["ok"], [f["kind"] for f in found["findings"]]), (True, ["note"]))
        reader.close()
        self.assertEqual([f["kind"] for f in self.check()[run]["findings"]], ["done"])
        self.assertEqual(self.check()[run]["findings"], [])
        self.assertEqual([n for n in os.listdir(self.path(run, "")) if n.startswith("journal")], ["journal.db"])

    def test_a_run_that_goes_on_is_checked_and_not_disturbed(self):
        path = self.write("many.yaml", "levada: 1\nname: many\nsteps:\n" + "".join(
            f"  - {{id: s{i}, needs: [], run: 'sleep 0.02'}}\n" for i in range(60)))
        process = self.start("run", "--max-parallel", "2", path)
        self.wait_for(lambda: self.runs(), "the run")
        while process.poll() is None:
            self.levada("db", "check")
        self.assertEqual(process.returncode, 0)
        self.assertTrue(self.check()[self.runs()[0]]["ok"])

    def test_after_a_kill_at_a_journal_write_everything_is_whole(self):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")
        path = self.write("w.yaml", WORKFLOW)
        for where in ("journal_before:4", "journal_inside:4", "journal_after:4"):
            self.levada("run", path, expect=-signal.SIGKILL, env={"LEVADA_FAILPOINT": where})
            self.assertTrue(self.check()[self.runs()[-1]]["ok"], where)

    def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(self):
        self.levada("run", self.write("w.yaml", "levada: 1\nname: w\nsteps:\n  - id: a\n    run: echo said; exit 3\n"),
                    expect=1)
        for name, expect in (("attempts", 8), ("receipts/1.json", 0), ("logs/a.1.log", 0)):
            path = os.path.join(self.run_folder(), name)
            if os.path.exists(path):
                os.unlink(path)
            os.mkfifo(path)
            done = self.levada("db", "check", timeout=10, expect=expect)
            if not name.startswith("logs"):  # whose content is nobody's to judge
                self.assertIn(name, done.stderr + done.stdout)
            for command in (("ps",), ("ls",), ("show", "last"), ("logs", "last"), ("why", "last"),
                            ("export", "last", "-o", f"{os.path.basename(name)}.levada"), ("resume", "--all"),
                            ("gc", "--dry-run")):
                self.levada(*command, timeout=10)
            os.unlink(path)


if __name__ == "__main__":
    levada.main()
