# SPDX-License-Identifier: Apache-2.0
"""Who may go on with a run: stopped and revived engines and workers, races, recycled pids, reboots, clocks, copies."""
import fcntl
import json
import os
import shutil
import signal
import sqlite3
import struct
import subprocess
import time
import unittest

import levada

RECORD = struct.Struct("=IiQQQQ24x")  # core/run/attempts.h: mark pid fence claim start_time boot


def state_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return ["gone"]


def start_time(pid):
    return int(state_of(pid)[19])


class Case(levada.Case):
    def failpoint(self, spec):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")
        return {"LEVADA_FAILPOINT": spec, "LEVADA_FAILPOINT_FILE": os.path.join(self.folder, "passed")}

    def one_step(self, body, keys="", name="w.yaml"):
        return self.write(name, f"""levada: 1
name: w
steps:
  - id: a
    {keys}
    run: |
      {body}
  - id: after
    needs: [a]
    run: echo after >> "$LEDGER"
""")

    def journal(self, folder=None):
        return sqlite3.connect(os.path.join(folder or self.run_folder(), "journal.db"))

    def events(self, folder=None):
        with self.journal(folder) as db:
            return db.execute("select count(*) from events").fetchone()[0]

    def processes(self, comm=None):
        mark, found = ("LEVADA_STATE=" + self.state).encode(), []
        for pid in [int(p) for p in os.listdir("/proc") if p.isdigit()]:
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/comm", encoding="utf-8") as name:
                    if mark in environ.read().split(b"\0") and (comm is None or name.read().strip() == comm):
                        found.append(pid)
            except OSError:
                continue
        return found

    def kill_all(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def workers(self):
        return self.processes("levada-worker")

    def nothing_left(self):
        self.wait_for(lambda: not self.processes(), "all processes of the run to end")

    def record(self, number, folder=None):
        with open(os.path.join(folder or self.run_folder(), "attempts"), "rb") as attempts:
            attempts.seek(number * 64)
            return list(RECORD.unpack(attempts.read(64)))

    def write_record(self, number, values):
        with open(os.path.join(self.run_folder(), "attempts"), "r+b") as attempts:
            attempts.seek(number * 64)
            attempts.write(RECORD.pack(*values))

    def stranger(self):
        """A process that is none of ours."""
        process = subprocess.Popen(["sleep", "600"], env={}, start_new_session=True)
        self.started.append(process)
        return process


class Stopped(Case):
    SLOW = "echo begin >> \"$LEDGER\"; sleep 0.3; echo end >> \"$LEDGER\""

    def test_takeover_of_an_engine_that_was_stopped_takes_what_its_worker_did(self):
        engine = self.start("run", self.one_step(self.SLOW))
        self.wait_for(self.ledger, "the step to begin")
        engine.send_signal(signal.SIGSTOP)
        self.wait_for(lambda: "end" in self.ledger(), "the step to end")
        refused = self.levada("resume", "last", expect=6)
        self.assertIn(f"pid {engine.pid}", refused.stderr)
        self.assertIn("--takeover", refused.stderr)
        self.levada("resume", "last", "--takeover")
        self.assertEqual(engine.wait(timeout=10), -signal.SIGKILL)
        self.assertEqual(self.ledger(), ["begin", "end", "after"])
        self.nothing_left()

    def test_an_engine_revived_after_a_takeover_writes_nothing_and_says_so(self):
        for n in range(2, 7):  # 1 is the making of the run: nobody else can know of it
            workflow = self.one_step("echo a >> \"$LEDGER\"")
            engine = self.start("run", workflow, env=self.failpoint(f"journal_before:{n}:stop"))
            self.wait_for(lambda p=engine: p.poll() is not None or state_of(p.pid)[0] == "T", "the engine to stop")
            if engine.poll() is not None:
                self.assertGreaterEqual(n, 5)
                break
            with self.journal() as db:
                db.execute("update meta set value = value + 1 where name in ('holder', 'fence')")
            before, ledger = self.events(), self.ledger()
            engine.send_signal(signal.SIGCONT)
            _, err = engine.communicate(timeout=20)
            self.assertEqual(engine.returncode, 6, err)
            self.assertIn("taken over", err)
            self.assertEqual((self.events(), self.ledger()), (before, ledger), "nothing that counts was written")
            self.levada("resume", "last")
            self.assertEqual(self.ledger(), ["a", "after"])
            self.nothing_left()
            os.remove(self.ledger_path)
            os.remove(os.path.join(self.folder, "passed.journal_before"))
            shutil.rmtree(self.state)
        else:
            self.fail("a run that never gets through")

    def revive(self, point):
        """The worker is stopped at the point, its engine killed. Returns the worker's pid."""
        engine = self.start("run", self.one_step("echo a >> \"$LEDGER\""), env=self.failpoint(f"{point}:1:stop"))
        self.wait_for(lambda: self.workers() and state_of(self.workers()[0])[0] == "T", "the worker to stop")
        worker = self.workers()[0]
        engine.kill()
        engine.wait()
        return worker

    def test_a_worker_revived_after_its_attempt_was_claimed_has_no_effect(self):
        worker = self.revive("worker_launched")
        self.levada("resume", "last")
        self.assertEqual(self.ledger(), ["a", "after"])
        os.kill(worker, signal.SIGCONT)
        self.nothing_left()
        self.assertEqual(self.ledger(), ["a", "after"])

    def test_a_worker_that_finds_its_attempt_locked_leaves_it_alone(self):
        engine = self.start("run", self.one_step("echo a >> \"$LEDGER\""), env=self.failpoint("worker_launched:1:stop"))
        self.wait_for(lambda: self.workers() and state_of(self.workers()[0])[0] == "T", "the worker to stop")
        with open(os.path.join(self.run_folder(), "attempts"), "r+b") as attempts:
            fcntl.fcntl(attempts, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 64, 1, 0))
            os.kill(self.workers()[0], signal.SIGCONT)
            self.assertEqual(engine.wait(timeout=20), 0)
        self.assertEqual(self.ledger(), ["a", "after"])
        self.assertEqual(self.record(1)[0], 0, "the locked attempt never began")
        with self.journal() as db:
            reasons = [json.loads(row[0])["reason"]["code"] for row in
                       db.execute("select data from events where type = 'step_vanished'")]
        self.assertEqual(reasons, ["not_started"])

    def test_a_worker_stopped_before_it_said_who_it_is_is_ended_and_nothing_is_lost(self):
        self.revive("worker_locked")
        self.levada("resume", "last")
        self.assertEqual(self.ledger(), ["a", "after"])
        self.nothing_left()

    def test_a_worker_stopped_in_its_attempt_is_waited_for(self):
        worker = self.revive("worker_claimed")
        resume = self.start("resume", "last")
        time.sleep(0.5)
        self.assertIsNone(resume.poll())
        os.kill(worker, signal.SIGCONT)
        _, err = resume.communicate(timeout=20)
        self.assertEqual(resume.returncode, 0, err)
        self.assertIn(f"pid {worker}", err)
        self.assertEqual(self.ledger(), ["a", "after"])
        self.nothing_left()

    def test_of_ten_resumes_one_goes_on_and_the_others_say_who(self):
        for count in (2, 10):
            # Long enough for the last of ten to come while the first is at work, on a machine that is busy.
            body = "echo begin >> \"$LEDGER\"; sleep 3; echo end >> \"$LEDGER\""
            engine = self.start("run", self.one_step(body))
            self.wait_for(self.ledger, "the step to begin")
            engine.kill()
            engine.wait()
            resumes = [self.start("resume", "last") for _ in range(count)]
            said = [process.communicate(timeout=30)[1] for process in resumes]
            codes = [process.returncode for process in resumes]
            self.assertEqual((codes.count(0), codes.count(6)), (1, count - 1), said)
            winner = resumes[codes.index(0)].pid
            for code, text in zip(codes, said):
                if code == 6:
                    self.assertIn(f"pid {winner}", text)
            self.assertEqual(self.ledger(), ["begin", "end", "after"])
            os.remove(self.ledger_path)


class Pids(Case):
    """A number that belongs to somebody else by now."""

    def killed(self, effect=""):
        """A run whose step had begun when all of it was killed."""
        keys = f"effect: {effect}" if effect else ""
        engine = self.start("run", self.one_step("echo begin >> \"$LEDGER\"; sleep 1", keys))
        self.wait_for(self.ledger, "the step to begin")
        self.kill_all()
        engine.wait()
        self.nothing_left()
        record = self.record(1)
        self.assertEqual(record[0], 1, "it had begun")
        return record

    def test_a_worker_whose_pid_is_recycled_is_not_waited_for_and_its_heir_is_left_alone(self):
        for recycled_leader in (False, True):
            record = self.killed("idempotent")
            stranger = self.stranger()
            record[1] = stranger.pid
            record[4] = start_time(stranger.pid) - (1 if recycled_leader else 1000)
            self.write_record(1, record)
            self.levada("resume", "last", timeout=20)
            self.assertEqual(self.ledger(), ["begin", "begin", "after"])
            self.assertIsNone(stranger.poll(), "the stranger lives")
            os.remove(self.ledger_path)

    def test_an_engine_whose_pid_is_recycled_holds_nothing(self):
        self.killed("idempotent")
        stranger = self.stranger()
        holder = self.record(0)
        holder[0], holder[1], holder[4] = 1, stranger.pid, start_time(stranger.pid) - 1
        self.write_record(0, holder)
        self.levada("resume", "--takeover", "last", timeout=20)
        self.assertIsNone(stranger.poll(), "the stranger lives")

    def test_a_holder_that_cannot_be_identified_is_neither_killed_nor_signalled(self):
        self.killed("idempotent")
        stranger = self.stranger()
        holder = self.record(0)
        holder[0], holder[1], holder[4] = 1, stranger.pid, start_time(stranger.pid) - 1
        self.write_record(0, holder)
        with open(os.path.join(self.run_folder(), "attempts"), "r+b") as attempts:
            fcntl.fcntl(attempts, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0))
            self.levada("resume", "last", expect=6, timeout=20)
            self.levada("resume", "--takeover", "last", expect=6, timeout=20)
            self.levada("cancel", "last", expect=6, timeout=20)
        self.assertIsNone(stranger.poll(), "the stranger lives")

    def test_records_of_an_earlier_boot_are_dead_and_the_class_decides(self):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")
        boot = self.write("boot", "00000000-0000-0000-0000-000000000000\n")
        for effect, code, ledger in (("idempotent", 0, ["begin", "begin", "after"]), ("", 9, ["begin"])):
            record = self.killed(effect)
            stranger = self.stranger()
            record[1], record[4] = stranger.pid, start_time(stranger.pid)  # this very process, were it not for the boot
            self.write_record(1, record)
            holder = self.record(0)
            holder[0], holder[1], holder[4] = 1, stranger.pid, start_time(stranger.pid)
            self.write_record(0, holder)
            self.levada("resume", "last", expect=code, env={"LEVADA_TEST_BOOT_ID": boot}, timeout=20)
            self.assertEqual(self.ledger(), ledger)
            self.assertIsNone(stranger.poll(), "the stranger lives")
            os.remove(self.ledger_path)

    def test_after_a_reboot_an_intent_without_a_receipt_counts_as_begun(self):
        """`attempts` is not synced: a power cut may take a record that said so."""
        for boot, code, ledger in (("", 0, ["a", "after"]), ("another", 9, [])):
            env = self.failpoint("worker_launched:1:all")
            self.levada("run", self.one_step("echo a >> \"$LEDGER\""), expect=-signal.SIGKILL, env=env)
            self.nothing_left()
            env = {"LEVADA_TEST_BOOT_ID": self.write("boot", boot)} if boot else {}
            if boot:  # a resume that is killed before it could settle anything must not make it forget
                kill = {"LEVADA_FAILPOINT": "journal_before:2"}
                self.levada("resume", "last", expect=-signal.SIGKILL, env=dict(env, **kill))
            self.levada("resume", "last", expect=code, env=env)
            self.assertEqual(self.ledger(), ledger)
            for name in os.listdir(self.folder):
                if name.startswith(("passed", "ledger")):
                    os.remove(os.path.join(self.folder, name))

    def test_after_a_power_cut_what_the_journal_does_not_know_is_forgotten(self):
        """Intents that were never on disk: `attempts` and a receipt tell of an attempt whose number is given again."""
        self.killed("idempotent")
        folder = self.run_folder()
        with self.journal() as db:
            db.execute("delete from events where seq > 2")
            db.execute("update meta set value = 1 where name in ('holder', 'fence')")
        for number in (1, 2):
            self.write_record(number, [1, 1, 99, 99, 1, 1])
            with open(os.path.join(folder, "receipts", f"{number}.json"), "w", encoding="utf-8") as out:
                json.dump({"record": number, "fence": 99, "status": "succeeded"}, out)
        with open(os.path.join(folder, "receipts", "1.checkpoints"), "w", encoding="utf-8") as out:
            out.write('{"key":"part","value":"3"}\n')
        os.remove(self.ledger_path)
        self.levada("resume", "last", timeout=20)
        self.assertEqual(self.ledger(), ["begin", "after"])

    def test_a_child_that_was_forked_and_executed_nothing_cannot_hold_a_run_for_ever(self):
        plugins = os.path.join(levada.BUILD, "tests", "plugins")
        workflow = self.write("children.yaml", """levada: 1
name: children
steps:
  - id: a
    uses: probe.children
    with: {count: 2, wait: 1h, own_session: true}
""")
        env = dict(self.failpoint("worker_done:1:engine+launcher+self"), LEVADA_PLUGIN_PATH=plugins)
        self.levada("run", workflow, expect=-signal.SIGKILL, env=env)
        self.wait_for(lambda: len(self.processes()) == 2, "all but the children to be gone")
        self.levada("resume", "last", env={"LEVADA_PLUGIN_PATH": plugins}, timeout=20)
        self.nothing_left()


class Clocks(Case):
    def clock(self, offset_ms):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")
        with open(os.path.join(self.folder, "clock"), "w", encoding="utf-8") as out:
            out.write(str(offset_ms))
        return {"LEVADA_TEST_CLOCK_FILE": os.path.join(self.folder, "clock")}

    FAILS_ONCE = "date +%s.%N >> \"$LEDGER\"; [ $(wc -l < \"$LEDGER\") -gt 1 ]"
    RETRY = "retry: {attempts: 3, delay: 1s, jitter: 0}"

    def durations(self):
        shown = self.show()
        found = [step.get("duration_ms", 0) for step in shown["steps"]] + [shown.get("duration_ms", 0)]
        with self.journal() as db:
            found += [row[0] for row in db.execute("select json_extract(data, '$.duration_ms') from events") if row[0]]
        return found

    def test_a_clock_that_is_set_during_a_backoff_neither_lengthens_nor_drops_the_delay(self):
        for hours in (-1, 1, -24 * 365):
            for resumed in (False, True):
                env = self.clock(0)
                engine = self.start("run", self.one_step(self.FAILS_ONCE, self.RETRY), env=env)
                self.wait_for(lambda: len(self.ledger()) == 1, "the first attempt")
                self.wait_for(lambda: self.statuses()["a"] == "backoff", "the backoff")
                self.clock(hours * 3600000)
                if resumed:
                    engine.kill()
                    engine.wait()
                    engine = self.start("resume", "last", env=env)
                out, err = engine.communicate(timeout=10)
                self.assertEqual(engine.returncode, 0, out + err)
                first, second = [float(line) for line in self.ledger()[:2]]
                self.assertLess(second - first, 4)
                if not (resumed and hours > 0):  # a resumer has nothing but the wall clock to say what is left
                    self.assertGreater(second - first, 0.95)
                self.assertGreaterEqual(min(self.durations()), 0)
                os.remove(self.ledger_path)

    def test_a_timeout_does_not_run_by_the_wall_clock(self):
        for hours in (-1, 1):
            env = self.clock(0)
            engine = self.start("run", self.one_step("echo begin >> \"$LEDGER\"; sleep 30", "timeout: 1s"), env=env)
            self.wait_for(self.ledger, "the step to begin")
            began = time.monotonic()
            self.clock(hours * 3600000)
            self.assertEqual(engine.wait(timeout=10), 1)
            self.assertTrue(0.7 < time.monotonic() - began < 6)
            self.assertIn("timed out after 1s", json.dumps(self.show()))
            self.assertGreaterEqual(min(self.durations()), 0)
            os.remove(self.ledger_path)

    def test_runs_keep_their_order_when_the_clock_is_set_back(self):
        workflow = self.one_step("echo a >> \"$LEDGER\"")
        ids = []
        for offset in (0, -3600000, -7200000, 1000):
            self.levada("run", workflow, env=self.clock(offset))
            ids.append(self.show()["run"])
        self.assertEqual(ids, sorted(set(ids)))


class Places(Case):
    SLOW = "echo begin >> \"$LEDGER\"; sleep 1; echo end >> \"$LEDGER\""

    def interrupted(self):
        workflow = self.one_step("echo begin >> \"$LEDGER\"; sleep 0.2; echo end >> \"$LEDGER\"", "effect: idempotent")
        engine = self.start("run", workflow)
        self.wait_for(self.ledger, "the step to begin")
        self.kill_all()
        engine.wait()
        return workflow

    def test_a_state_directory_that_was_renamed_and_a_workflow_file_that_is_gone_change_nothing(self):
        workflow = self.interrupted()
        os.remove(workflow)
        elsewhere = os.path.join(self.folder, "elsewhere")
        os.rename(self.state, elsewhere)
        self.levada("resume", "last", env={"LEVADA_STATE": elsewhere})
        self.assertEqual(self.ledger(), ["begin", "begin", "end", "after"])
        shown = json.loads(self.levada("show", "last", "--json", env={"LEVADA_STATE": elsewhere}).stdout)
        self.assertEqual(shown["status"], "succeeded")

    def test_a_workflow_file_that_was_changed_does_not_change_a_run(self):
        workflow = self.interrupted()
        with open(workflow, "w", encoding="utf-8") as out:
            out.write("levada: 1\nsteps: no workflow at all\n")
        self.levada("resume", "last")
        self.assertEqual(self.ledger(), ["begin", "begin", "end", "after"])

    def test_a_run_folder_that_was_copied_elsewhere_goes_on_there(self):
        self.interrupted()
        copy = os.path.join(self.folder, "copy")
        shutil.copytree(self.run_folder(), copy)
        shutil.rmtree(self.state)
        self.levada("resume", copy)
        self.assertEqual(self.ledger(), ["begin", "begin", "end", "after"])

    def orphan(self):
        engine = self.start("run", self.one_step(self.SLOW))
        self.wait_for(self.ledger, "the step to begin")
        engine.kill()
        engine.wait()

    def test_a_state_directory_renamed_while_an_orphan_works_takes_its_receipt_along(self):
        for wait in (False, True):
            self.orphan()
            elsewhere = os.path.join(self.folder, "elsewhere")
            os.rename(self.state, elsewhere)
            if wait:
                self.nothing_left()
            self.levada("resume", "last", env={"LEVADA_STATE": elsewhere})
            self.assertEqual(self.ledger(), ["begin", "end", "after"])
            os.remove(self.ledger_path)
            shutil.rmtree(elsewhere)

    def test_a_copy_made_while_an_orphan_works_waits_for_it_and_repeats_nothing(self):
        self.orphan()
        copy = os.path.join(self.folder, "copy")
        shutil.copytree(self.run_folder(), copy)
        self.levada("resume", copy, expect=9)
        self.assertEqual(self.ledger(), ["begin", "end"])
        self.levada("resume", "last")
        self.assertEqual(self.ledger(), ["begin", "end", "after"])

    def test_a_copy_made_while_an_engine_works_is_held_by_it(self):
        engine = self.start("run", self.one_step(self.SLOW))
        self.wait_for(self.ledger, "the step to begin")
        copy = os.path.join(self.folder, "copy")
        shutil.copytree(self.run_folder(), copy)
        held = self.levada("resume", copy, expect=6)
        self.assertIn("copy", held.stderr)
        self.assertEqual(engine.wait(timeout=20), 0)
        self.assertEqual(self.ledger(), ["begin", "end", "after"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
