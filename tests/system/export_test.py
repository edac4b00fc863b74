# SPDX-License-Identifier: Apache-2.0
"""A run as one file: what reads a run reads the file, on a machine that has nothing but the file."""
import json
import os
import re
import signal
import sqlite3
import stat

import levada

WORKFLOW = """levada: 1
name: water
steps:
  - id: open
    run: |
      echo opened; echo "gate=3" >> "$LEVADA_OUTPUT"
      mkdir "$LEVADA_ARTIFACTS/deep"; printf 'a picture' > "$LEVADA_ARTIFACTS/deep/x.txt"
      ln -s /etc/hostname "$LEVADA_ARTIFACTS/link"
    outputs: {gate: {as: integer}}
  - id: carry
    needs: [open]
    effect: idempotent
    retry: {attempts: 2, delay: 1ms, for: [permanent]}
    run: echo "carried $LEVADA_STATE"; [ -e "$LEDGER" ] || { touch "$LEDGER"; exit 3; }
  - id: close
    needs: [carry]
    run: echo closed; exit 4
"""


class Export(levada.Case):
    def elsewhere(self, *args, expect=0):
        """As on another machine: another state directory, the run folder gone, the file read-only."""
        return self.levada(*args, expect=expect, env={"LEVADA_STATE": os.path.join(self.folder, "no-state")})

    def exported(self):
        self.levada("run", self.write("water.yaml", WORKFLOW), expect=1)
        path = os.path.join(self.folder, "out.levada")
        done = self.levada("export", "last", "-o", path)
        self.assertEqual(done.stdout, path + "\n")
        return path

    def test_everything_that_reads_a_run_reads_its_file_where_there_is_no_state_directory(self):
        path = self.exported()
        before = {command: self.levada(*command).stdout for command in (
            ("show", "last", "--json"), ("why", "last", "--json"), ("logs", "last"), ("logs", "last", "carry"),
            ("logs", "last", "carry", "--attempt", "1"), ("replay", "last", "--json"))}
        levada.shutil.rmtree(self.state)
        os.chmod(path, 0o400)
        for command, expected in before.items():
            got = self.elsewhere(*[path if word == "last" else word for word in command]).stdout
            if command[0] == "show":
                mine, theirs = json.loads(got), json.loads(expected)
                self.assertRegex(mine.pop("exported"), r"^20..-..-..T")
                self.assertEqual((mine.pop("folder"), bool(theirs.pop("folder"))), (path, True))
                self.assertEqual(mine, theirs)
            else:
                self.assertEqual(got, expected, command)
        page = os.path.join(self.folder, "page.html")
        self.elsewhere("report", path, "-o", page)
        with open(page, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("deep/x.txt", text)
        self.assertIn("carried", text, "the logs are in the page")
        text = self.elsewhere("show", path).stdout
        self.assertIn(f"levada logs {path} close", text)
        self.assertEqual([n for n in os.listdir(self.folder) if n.startswith("out.levada")], ["out.levada"],
                         "reading leaves nothing beside the file")

    def test_the_file_is_found_without_a_slash_and_nothing_can_be_done_to_it(self):
        self.exported()
        self.assertEqual(json.loads(self.elsewhere("show", "out.levada", "--json").stdout)["status"], "failed")
        for command in ("resume", "cancel", "export"):
            self.assertIn("nothing can be done to it", self.elsewhere(command, "out.levada", expect=2).stderr)
        self.assertNotIn("resume", self.elsewhere("show", "out.levada").stdout)

    def test_the_file_is_its_owners_whole_and_says_what_it_left_out(self):
        os.umask(0o022)
        path = self.exported()
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with sqlite3.connect(path) as db:
            self.assertEqual(db.execute("pragma integrity_check").fetchone()[0], "ok")
            names = {row[0] for row in db.execute("select name from files")}
        self.assertIn("artifacts/deep/x.txt", names)
        self.assertNotIn("artifacts/link", names, "a link is not followed")
        done = self.levada("export", "last", "-o", path)
        self.assertIn("artifacts/link: it is a link", done.stderr)
        bare = os.path.join(self.folder, "bare.levada")
        done = self.levada("export", "last", "-o", bare, "--no-artifacts", "--json")
        self.assertEqual(json.loads(done.stdout)["files"], 4, "four logs")
        with sqlite3.connect(bare) as db:
            self.assertEqual(db.execute("select count(*) from files where name like 'artifacts/%'").fetchone()[0], 0)

    def test_the_files_come_out_again_and_a_hostile_name_leads_nowhere(self):
        path = self.exported()
        self.elsewhere("export", "--unpack", "out", path)
        with open(os.path.join(self.folder, "out", "artifacts", "deep", "x.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "a picture")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "out", "journal.db")), "nothing that can be resumed")
        self.elsewhere("export", "--unpack", "out", path, expect=2)
        self.assertIn("its files are in its folder", self.levada("export", "--unpack", "o", "last", expect=2).stderr)
        for name in ("../escaped", "/tmp/levada-escaped", "a/../../escaped", ".."):
            with sqlite3.connect(path) as db:
                db.execute("update files set name = ? where name like 'logs/close%' or name like '%escaped'"
                           " or name = '..'", (name,))
            db.close()
            target = os.path.join(self.folder, "t" + str(len(os.listdir(self.folder))))
            self.elsewhere("export", "--unpack", target, path, expect=8)
            self.assertFalse(os.path.exists(os.path.join(self.folder, "escaped")))
            self.assertFalse(os.path.exists("/tmp/levada-escaped"))

    def test_a_large_log_comes_back_byte_for_byte(self):
        path = self.write("big.yaml", """levada: 1
name: big
steps:
  - id: a
    run: head -c 9000000 /dev/zero | tr '\\0' x | fold -w 99; echo; echo the end
""")
        self.levada("run", path)
        self.levada("export", "last", "-o", "big.levada")
        before = self.levada("logs", "last").stdout
        self.assertGreater(len(before), 9000000)
        self.assertEqual(self.elsewhere("logs", "big.levada").stdout, before)

    def test_a_run_that_goes_on_is_exported_as_it_is_and_goes_on(self):
        path = self.write("slow.yaml", """levada: 1
name: slow
steps:
  - id: first
    run: echo one
  - id: slow
    needs: [first]
    run: echo begin >> "$LEDGER"; echo half-way; sleep 1.5; echo more
  - id: after
    needs: [slow]
    run: "true"
""")
        process = self.start("run", path)
        self.wait_for(lambda: self.ledger() == ["begin"], "the step to begin")
        done = self.levada("export", "last", "-o", "now.levada")
        self.assertIn("while the run goes on", done.stderr)
        shown = json.loads(self.elsewhere("show", "now.levada", "--json").stdout)
        self.assertEqual((shown["status"], [s["status"] for s in shown["steps"]]),
                         ("running", ["succeeded", "running", "waiting"]))
        self.assertIn("while the run went on", self.elsewhere("show", "now.levada").stdout)
        self.elsewhere("logs", "-f", "now.levada")
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertFalse(os.path.exists(os.path.join(self.run_folder(), "journal.db-wal")), "nobody was in its way")
        self.assertEqual(json.loads(self.elsewhere("show", "now.levada", "--json").stdout), shown)

    def test_what_is_no_exported_run_is_refused_with_the_way_to_make_one(self):
        path = self.write("text.levada", "no database\n")
        self.assertIn("levada export", self.elsewhere("show", path, expect=2).stderr)
        with sqlite3.connect(os.path.join(self.folder, "other.levada")) as db:
            db.execute("create table t(x)")
        self.elsewhere("show", "other.levada", expect=2)
        self.elsewhere("show", "missing.levada", expect=2)
        self.levada("run", self.write("w.yaml", "levada: 1\nname: w\nsteps:\n  - {id: a, run: 'true'}\n"))
        self.assertIn("-o FILE", self.levada("export", "last", "-o", "nowhere/x.levada", expect=2).stderr)
        self.levada("export", "last", "-o", self.state, expect=2)

    def test_a_file_made_to_hurt_the_terminal_is_refused(self):
        path = self.exported()
        with sqlite3.connect(path) as db:
            db.execute("update model set json = replace(json, '\"id\":\"close\"', '\"id\":\"\\u001b[31mclose\"')")
        db.close()
        for command in ("show", "why", "logs", "replay"):
            done = self.elsewhere(command, path, expect=8)
            self.assertNotIn("\x1b", done.stdout + done.stderr)

    def test_a_damaged_file_is_told_and_not_believed(self):
        path = self.exported()
        with open(path, "r+b") as file:
            size = os.path.getsize(path)
            for at in range(4096, size, 4096):
                file.seek(at)
                file.write(b"\xff" * 512)
        for command in ("show", "why", "replay", "report"):
            done = self.elsewhere(command, path, expect=(2, 8))
            self.assertTrue(done.stderr.startswith("levada: "), done.stderr)


class Then(levada.Case):
    def test_a_run_is_shown_as_it_was_at_each_of_its_moments(self):
        self.levada("run", self.write("water.yaml", WORKFLOW), expect=1)
        events = [json.loads(line) for line in self.levada("replay", "last", "--json").stdout.splitlines()]
        ended = {e["step"]: e["time"] for e in events if e["event"] == "step_finished"}
        then = json.loads(self.levada("show", "last", "--at", ended["open"], "--json").stdout)
        self.assertEqual({s["id"]: s["status"] for s in then["steps"]},
                         {"open": "succeeded", "carry": then["steps"][1]["status"], "close": "waiting"})
        self.assertEqual((then["status"], then["finished"], then["at"]), ("running", None, ended["open"]))
        now = json.loads(self.levada("show", "last", "--json").stdout)
        last = json.loads(self.levada("show", "last", "--at", now["finished"], "--json").stdout)
        self.assertEqual(last["steps"], now["steps"])
        why = json.loads(self.levada("why", "last", "--at", ended["open"], "--json").stdout)
        self.assertTrue(all(d["time"] <= ended["open"] for d in why["decisions"]), why)
        self.assertGreater(len(why["decisions"]), 1)
        self.assertEqual(why["at"], ended["open"])
        self.assertIn("as it was", self.levada("why", "last", "open", "--at", ended["open"]).stdout)
        text = self.levada("show", "last", "--at", ended["open"]).stdout
        self.assertIn("as it was", text)
        self.assertIn("as it is now", text)

    def test_a_run_retried_with_an_edited_workflow_is_shown_with_the_workflow_it_had_then(self):
        path = self.write("w.yaml", "levada: 1\nname: w\nsteps:\n  - {id: a, run: 'true'}\n  - {id: old, needs: [a], "
                          "run: exit 3}\n")
        self.levada("run", path, expect=1)
        then = self.show()["finished"]
        self.write("w.yaml", "levada: 1\nname: w\nsteps:\n  - {id: a, run: 'true'}\n  - {id: fresh, needs: [a], "
                   "run: 'true'}\n")
        self.levada("retry", "last", "--with", path)
        self.assertEqual(self.statuses(), {"a": "succeeded", "fresh": "succeeded"})
        shown = json.loads(self.levada("show", "last", "--at", then, "--json").stdout)
        self.assertEqual(({s["id"]: s["status"] for s in shown["steps"]}, shown["status"]),
                         ({"a": "succeeded", "old": "failed"}, "failed"))
        events = [json.loads(line) for line in self.levada("replay", "last", "--json").stdout.splitlines()]
        self.assertEqual([e["status"] for e in events if e["event"] == "run_finished"], ["failed", "succeeded"])
        self.levada("export", "last", "-o", "whole.levada")
        self.assertEqual(json.loads(self.levada("show", "whole.levada", "--at", then, "--json").stdout)["steps"],
                         shown["steps"])

    def test_moments_are_times_durations_before_now_and_clock_times_of_the_runs_day(self):
        self.levada("run", self.write("water.yaml", WORKFLOW), expect=1)
        now = self.show()
        clock = re.search(r"T(..:..:..)", now["finished"]).group(1)
        for at in (now["finished"], "-0s", clock):
            then = json.loads(self.levada("show", "last", "--at", at, "--json").stdout)
            self.assertEqual(then["status"], "failed", at)
        for at, word in (("2001-01-01", "had not begun"), ("-100d", "had not begun"), ("soon", "is no moment"),
                         ("2901-01-01", "later than now"), ("25:00", "is no moment"), ("10:00:61", "is no moment")):
            self.assertIn(word, self.levada("show", "last", "--at", at, expect=2).stderr)

    def test_an_export_that_is_interrupted_leaves_no_file_and_ends_by_the_signal(self):
        self.levada("run", self.write("big.yaml", "levada: 1\nname: big\nsteps:\n  - id: a\n    run: |\n"
                    "      truncate -s 400M \"$LEVADA_ARTIFACTS/big\"\n"))
        there = os.path.join(self.folder, "there")
        os.mkdir(there)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.start("export", "last", "-o", os.path.join(there, "x.levada"))
            self.wait_for(lambda: any(n.endswith("-journal") for n in os.listdir(there)), "the export to begin")
            names = os.listdir(there)
            process.send_signal(number)
            process.communicate(timeout=20)
            self.assertEqual((process.returncode, os.listdir(there)), (-number, []), names)
            self.assertNotIn(str(process.pid), "".join(names))


class Replay(levada.Case):
    def test_the_events_of_run_json_are_told_again_as_they_were(self):
        told = self.levada("run", self.write("water.yaml", WORKFLOW), "--json", expect=1).stdout
        again = self.levada("replay", "last", "--json").stdout
        self.assertEqual([{**json.loads(line), "time": ""} for line in again.splitlines()],
                         [{**json.loads(line), "time": ""} for line in told.splitlines()])
        lines = self.levada("replay", "last").stdout
        self.assertIn("carry waits", lines)
        self.assertIn("water failed after", lines)
        events = [json.loads(line) for line in again.splitlines()]
        half = self.levada("replay", "last", "--json", "--at", events[2]["time"]).stdout
        self.assertTrue(again.startswith(half) and 0 < len(half) < len(again))

    def test_a_resumed_run_is_told_with_all_its_engines_and_one_summary(self):
        path = self.write("w.yaml", "levada: 1\nname: w\nsteps:\n  - {id: a, effect: idempotent, "
                          "run: 'echo x >> \"$LEDGER\"; [ $(wc -l < \"$LEDGER\") -gt 1 ] || sleep 20'}\n")
        process = self.start("run", path)
        self.wait_for(lambda: self.ledger() == ["x"], "the step to begin")
        process.send_signal(levada.signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), 130)
        self.levada("resume", "last")
        lines = self.levada("replay", "last").stdout
        self.assertEqual((lines.count("w started"), lines.count("w resumed"), lines.count("run:  ")), (1, 1, 1), lines)

    def test_speed_stretches_the_time_between_events(self):
        path = self.write("w.yaml", "levada: 1\nname: w\nsteps:\n  - {id: a, run: sleep 0.6}\n")
        self.levada("run", path)
        for speed, least, most in (("0", 0, 0.5), ("1", 0.55, 3), ("1000", 0, 0.5)):
            began = levada.time.monotonic()
            self.levada("replay", "last", "--speed", speed)
            self.assertTrue(least <= levada.time.monotonic() - began <= most, speed)
        self.levada("replay", "last", "--speed", "fast", expect=2)
        self.levada("replay", "last", "--speed", "-1", expect=2)


if __name__ == "__main__":
    levada.main()
