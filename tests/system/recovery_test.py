# SPDX-License-Identifier: Apache-2.0
"""Kill anything at any moment: nothing is lost and nothing is done twice."""
import collections
import json
import os
import signal
import sqlite3
import time

import levada

CHAIN = """levada: 1
name: chain
steps:
""" + "".join(f"""  - id: s{i}
    {"needs: [s%d]" % (i - 1) if i else "needs: []"}
    run: echo s{i} >> "$LEDGER"
""" for i in range(4)) + """  - id: beside
    needs: []
    run: |
      echo beside >> "$LEDGER"
      echo "n=7" >> "$LEVADA_OUTPUT"
    outputs: {n: {}}
  - id: join
    run: echo "join${{ steps.beside.outputs.n }}" >> "$LEDGER"
    needs: [s3]
finally:
  - id: last
    run: echo last >> "$LEDGER"
"""
EFFECTS = ["s0", "s1", "s2", "s3", "beside", "join7", "last"]


def check_journal(case):
    journal = os.path.join(case.run_folder(), "journal.db")
    with sqlite3.connect(journal) as db:
        case.assertEqual(db.execute("pragma integrity_check").fetchone()[0], "ok")
        case.assertEqual([row[0] for row in db.execute("select seq from events order by seq")],
                         list(range(1, 1 + db.execute("select count(*) from events").fetchone()[0])))


class Killed(levada.Case):
    def reset(self):
        self.end_marked()
        for path in (self.ledger_path,):
            if os.path.exists(path):
                os.remove(path)
        if os.path.isdir(self.state):
            levada.shutil.rmtree(self.state)

    def kill_everywhere(self, where, workflow):
        """Kill at the 1st, 2nd, … passing of a point until a run gets through. Returns how many kills."""
        for n in range(1, 200):
            self.reset()
            done = self.levada("run", workflow, "--json", expect=None, env={"LEVADA_FAILPOINT": f"{where}:{n}"})
            if done.returncode == 0:
                return n - 1
            self.assertEqual(done.returncode, -signal.SIGKILL, done.stderr)
            if not self.runs():  # killed before the run was one: nothing had started
                self.assertEqual((self.ledger(), done.stdout), ([], ""))
                continue
            resumed = self.levada("resume", "last", "--json")
            self.assertEqual(sorted(self.ledger()), sorted(EFFECTS), f"{where}:{n}\n{done.stdout}\n{resumed.stdout}")
            self.assertEqual(set(self.statuses().values()), {"succeeded"})
            check_journal(self)
        self.fail("a run that never gets through")

    def test_a_chain_killed_at_every_journal_write_and_resumed_has_every_effect_once(self):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")
        workflow = self.write("chain.yaml", CHAIN)
        kills = {where: self.kill_everywhere(where, workflow)
                 for where in ("journal_before", "journal_inside", "journal_after")}
        print("kills:", kills, flush=True)
        self.assertGreater(min(kills.values()), 8)

    def test_a_resume_killed_at_every_journal_write_has_every_effect_once(self):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")
        workflow = self.write("chain.yaml", CHAIN)
        kills = 0
        for n in range(1, 30):
            self.reset()
            self.levada("run", workflow, expect=-signal.SIGKILL, env={"LEVADA_FAILPOINT": "journal_after:5"})
            again = self.levada("resume", "last", expect=None, env={"LEVADA_FAILPOINT": f"journal_before:{n}"})
            if again.returncode == 0:
                break
            kills += 1
            self.levada("resume", "last")
            collected = collections.Counter(self.ledger())
            self.assertEqual(sorted(collected.elements()), sorted(EFFECTS))
        print("kills:", kills, flush=True)
        self.assertGreater(kills, 3)

    def start_slow(self, extra="", seconds=3):
        workflow = self.write("slow.yaml", f"""levada: 1
name: slow
steps:
  - id: slow
    {extra}
    run: |
      echo begin >> "$LEDGER"
      sleep {seconds}
      echo end >> "$LEDGER"
  - id: after
    needs: [slow]
    run: echo after >> "$LEDGER"
""")
        process = self.start("run", workflow, "--json")
        self.wait_for(lambda: self.ledger() == ["begin"], "the step to begin")
        return process

    def worker_pids(self):
        """Those of this test that have a job; a spare one is called levada-spare."""
        pids = []
        for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                    if ("LEVADA_STATE=" + self.state).encode() not in environ.read().split(b"\0"):
                        continue
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
                names = []
                for process in (parent, pid):
                    with open(f"/proc/{process}/comm", encoding="utf-8") as comm:
                        names.append(comm.read().strip())
                if names == ["levada-launch", "levada-worker"]:
                    pids.append(int(pid))
            except OSError:
                continue
        return pids

    def launcher_pids(self, engine):
        with open(f"/proc/{engine}/task/{engine}/children", encoding="utf-8") as children:
            return [int(pid) for pid in children.read().split()]

    def test_an_engine_killed_while_a_step_runs_is_resumed_and_takes_the_result(self):
        process = self.start_slow()
        process.kill()
        process.wait()
        self.levada("resume", "last")
        self.assertEqual(self.ledger(), ["begin", "end", "after"])

    def test_a_worker_killed_inside_an_unsafe_step_leaves_it_unknown_and_it_never_runs_again_by_itself(self):
        process = self.start_slow(seconds=30)
        workers = self.worker_pids()
        self.assertEqual(len(workers), 1)
        os.kill(workers[0], signal.SIGKILL)
        self.assertEqual(process.wait(timeout=20), 9)
        self.assertEqual(self.statuses()["slow"], "unknown")
        self.levada("resume", "last", expect=9)
        self.levada("resume", "last", expect=9)
        self.assertEqual(self.ledger(), ["begin"], "nothing ran again, and the killed worker's shell was ended")
        why = self.levada("why", "last", "slow").stdout
        self.assertIn("signal 9", why)
        self.levada("resolve", "last", "slow", "--done", "--reason", "looked at it")
        self.levada("resume", "last")
        self.assertEqual(self.ledger(), ["begin", "after"])
        self.assertIn("looked at it", self.levada("why", "last", "slow").stdout)

    def test_resolve_redo_runs_it_again_and_fail_fails_it(self):
        for word, effects, code in (("--redo", ["begin", "begin", "end", "after"], 0), ("--fail", ["begin"], 1)):
            self.reset()
            process = self.start_slow(seconds=1)
            os.kill(self.worker_pids()[0], signal.SIGKILL)
            self.assertEqual(process.wait(timeout=20), 9)
            self.levada("resolve", "last", "slow", word)
            self.levada("resume", "last", expect=code)
            self.assertEqual(self.ledger(), effects)

    def test_on_unknown_says_whether_a_person_is_asked_or_it_runs_again_or_fails(self):
        for word, effects, code in (("hold", ["begin"], 9), ("retry", ["begin", "begin", "end", "after"], 0),
                                    ("fail", ["begin"], 1)):
            self.reset()
            process = self.start_slow(extra=f"on_unknown: {word}", seconds=1)
            os.kill(self.worker_pids()[0], signal.SIGKILL)
            self.assertEqual(process.wait(timeout=20), code)
            self.assertEqual(self.ledger(), effects)
            self.assertIn("signal 9", self.levada("why", "last", "slow").stdout)

    def test_a_cancel_does_not_answer_whether_an_effect_has_happened(self):
        process = self.start_slow(seconds=30)
        os.kill(self.worker_pids()[0], signal.SIGKILL)
        self.assertEqual(process.wait(timeout=20), 9)
        self.levada("cancel", "last", expect=9)
        self.assertEqual(self.statuses(), {"slow": "unknown", "after": "cancelled"})
        self.levada("resume", "last", expect=9)
        self.levada("retry", "last", expect=9)
        self.levada("resolve", "last", "slow", "--done")
        self.assertEqual(self.show()["status"], "interrupted")
        self.levada("resume", "last", expect=10)
        self.assertEqual(self.ledger(), ["begin"])

    def test_what_a_person_says_was_put_out_must_fit_what_the_step_declares(self):
        process = self.start_slow(extra="outputs: {n: {as: integer}}", seconds=30)
        os.kill(self.worker_pids()[0], signal.SIGKILL)
        self.assertEqual(process.wait(timeout=20), 9)
        self.assertIn("integer", self.levada("resolve", "last", "slow", "--done", '{"n": "many"}', expect=2).stderr)
        self.assertIn('"m"', self.levada("resolve", "last", "slow", "--done", '{"m": 1}', expect=2).stderr)
        self.assertEqual(self.statuses()["slow"], "unknown")
        self.levada("resolve", "last", "slow", "--done", '{"n": 7}')
        self.assertIn("only an unknown step", self.levada("resolve", "last", "slow", "--done", expect=2).stderr)

    def test_a_command_that_holds_the_run_for_a_moment_is_waited_for(self):
        process = self.start_slow(seconds=30)
        os.kill(self.worker_pids()[0], signal.SIGKILL)
        self.assertEqual(process.wait(timeout=20), 9)
        hold = """
import fcntl, os, struct, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""
        for seconds, code in (("0.5", 0), ("20", 6)):
            holder = levada.subprocess.Popen([levada.sys.executable, "-c", hold,
                                              os.path.join(self.run_folder(), "attempts"), seconds],
                                             stdout=levada.subprocess.PIPE)
            self.started.append(holder)
            holder.stdout.readline()
            done = self.levada("resolve", "last", "slow", "--done", expect=code)
            self.assertNotIn("pid 0", done.stderr)

    def test_a_kill_while_a_journal_becomes_a_plain_file_damages_nothing(self):
        """The journal's file is rewritten in place then; what protects it is undone by whoever looks next."""
        workflow = self.write("w.yaml", "levada: 1\nname: w\nconcurrency: {group: g, overlap: skip}\n"
                              "steps:\n  - id: a\n    run: echo a >> \"$LEDGER\"\n")
        self.levada("run", workflow)
        journal = os.path.join(self.run_folder(), "journal.db")
        hot = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("pragma cache_size = 1")
db.execute("begin immediate")
db.executemany("insert into events(time_ms, type, data) values(1, 'x', ?)", [("y" * 3000,)] * 300)
os.kill(os.getpid(), signal.SIGKILL)
"""
        for look in (["show", "last"], ["ls"], ["why", "last"], ["db", "check"], ["resume", "last"],
                     ["resume", "--all"], ["run", workflow]):
            levada.subprocess.run([levada.sys.executable, "-c", hot, journal], check=False)
            self.assertTrue(os.path.exists(journal + "-journal"))
            self.levada(*look)
            self.assertEqual(self.show(self.runs()[0])["status"], "succeeded")
            self.assertFalse(os.path.exists(journal + "-journal"))

    def test_a_worker_killed_inside_an_idempotent_step_is_run_again(self):
        process = self.start_slow(extra="effect: idempotent", seconds=1)
        os.kill(self.worker_pids()[0], signal.SIGKILL)
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertEqual(self.ledger(), ["begin", "begin", "end", "after"])

    def test_engine_launcher_and_worker_killed_together_leave_an_unsafe_step_unknown(self):
        process = self.start_slow(seconds=30)
        victims = [process.pid, *self.launcher_pids(process.pid), *self.worker_pids()]
        self.assertEqual(len(victims), 3)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        process.wait()
        self.levada("resume", "last", expect=9)
        self.assertEqual(self.statuses()["slow"], "unknown")
        time.sleep(0.2)
        self.assertEqual(self.ledger(), ["begin"])

    def test_when_the_launcher_dies_the_engine_starts_again_and_the_step_goes_on(self):
        process = self.start_slow(seconds=1)
        os.kill(self.launcher_pids(process.pid)[0], signal.SIGKILL)
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0, out + err)
        self.assertEqual(self.ledger(), ["begin", "end", "after"])

    def test_two_engines_on_one_run_the_second_is_refused_with_the_pid_of_the_first(self):
        process = self.start_slow(seconds=2)
        done = self.levada("resume", "last", expect=6)
        self.assertIn(str(process.pid), done.stderr)
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertEqual(self.ledger(), ["begin", "end", "after"])

    def test_takeover_kills_a_stopped_engine_and_goes_on(self):
        process = self.start_slow(seconds=1)
        os.kill(process.pid, signal.SIGSTOP)
        self.levada("resume", "last", "--takeover")
        process.wait(timeout=10)
        self.assertEqual(self.ledger(), ["begin", "end", "after"])

    def test_ctrl_c_once_interrupts_and_the_run_can_be_resumed(self):
        process = self.start_slow(extra="effect: idempotent", seconds=20)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), 130)
        self.assertEqual(self.show()["status"], "interrupted")

    def test_ctrl_c_once_lets_an_unsafe_step_end_or_go_on_by_itself(self):
        process = self.start_slow(extra="grace: 200ms", seconds=2)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), 130)
        self.levada("resume", "last")
        self.assertEqual(self.ledger(), ["begin", "end", "after"])

    def test_ctrl_c_twice_kills_and_an_unsafe_step_is_unknown(self):
        process = self.start_slow(seconds=30)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), 9)
        self.assertEqual(self.ledger(), ["begin"])

    def test_cancel_ends_a_run_for_good_and_finally_still_runs(self):
        workflow = self.write("c.yaml", """levada: 1
name: c
steps:
  - id: slow
    run: echo begin >> "$LEDGER"; sleep 30; echo end >> "$LEDGER"
  - id: after
    needs: [slow]
    run: echo after >> "$LEDGER"
finally:
  - id: clean
    run: echo clean >> "$LEDGER"
""")
        process = self.start("run", workflow)
        self.wait_for(lambda: self.ledger() == ["begin"], "the step to begin")
        self.levada("cancel", "last", "--reason", "enough")
        self.assertEqual(process.wait(timeout=20), 10)
        self.assertEqual(self.ledger(), ["begin", "clean"])
        self.assertEqual(self.statuses(), {"slow": "cancelled", "after": "cancelled", "clean": "succeeded"})
        self.levada("resume", "last", expect=10)

    def test_what_a_killed_cancel_left_goes_with_the_next(self):
        process = self.start("run", self.write("slow.yaml", "levada: 1\nname: slow\nsteps:\n  - id: a\n"
                                               "    run: echo on >> $LEDGER; sleep 30\n"))
        self.wait_for(self.ledger, "the step to begin")
        old, new = [os.path.join(self.run_folder(), f".cancel.json.{n}.new") for n in (4711, 4712)]
        for path, age in ((old, 3600), (new, 0)):
            with open(path, "w", encoding="utf-8"):
                pass
            os.utime(path, (time.time() - age, time.time() - age))
        self.levada("cancel", "last")
        process.communicate(timeout=30)
        self.assertEqual((process.returncode, os.path.exists(old), os.path.exists(new)), (10, False, True))

    def test_cancel_reaches_a_step_whose_engine_was_killed(self):
        process = self.start_slow(seconds=30)
        process.kill()
        process.wait()
        self.levada("cancel", "last", expect=10, timeout=40)
        self.assertEqual(self.ledger(), ["begin"])
        self.assertEqual(self.worker_pids(), [])

    def test_a_step_whose_workers_keep_dying_ends_after_a_bound_whatever_retry_says(self):
        for extra, most in (("", 6), ("\n    retry: {attempts: 9, delay: 1ms}", 6)):
            self.reset()
            workflow = self.write("dies.yaml", f"""levada: 1
name: dies
steps:
  - id: a
    effect: idempotent{extra}
    run: echo x >> "$LEDGER"; kill -9 $PPID; sleep 5
""")
            self.levada("run", workflow, expect=1, timeout=60)
            self.assertEqual(len(self.ledger()), most)
            self.assertIn("vanished", self.levada("why", "last", "a").stdout)

    def test_workers_that_were_killed_do_not_use_up_the_retries_of_a_step(self):
        workflow = self.write("bad_day.yaml", """levada: 1
name: bad_day
steps:
  - id: a
    effect: idempotent
    retry: {attempts: 2, delay: 1ms}
    run: |
      echo x >> "$LEDGER"
      if [ "$(wc -l < "$LEDGER")" -le 2 ]; then kill -9 $PPID; sleep 5; fi
      [ "$(wc -l < "$LEDGER")" -gt 3 ]
""")
        self.levada("run", workflow, timeout=60)
        self.assertEqual(len(self.ledger()), 4, "two kills, one failure, and the second of two attempts")

    def test_many_workers_that_die_together_are_all_accounted_for(self):
        steps = "".join(f"""  - id: s{i}
    needs: []
    run: echo s{i} >> "$LEDGER"; kill -9 $PPID; sleep 5
""" for i in range(24))
        workflow = self.write("die.yaml", "levada: 1\nname: die\nsteps:\n" + steps)
        self.levada("run", "--max-parallel", "12", workflow, expect=9, timeout=60)
        self.assertEqual(set(self.statuses().values()), {"unknown"})
        self.assertEqual(len(self.ledger()), 24)

    def test_a_run_with_closed_standard_descriptors_is_a_run_like_any_other(self):
        workflow = self.write("chain.yaml", CHAIN)
        for closed in ("2>&-", "0<&- 1>&- 2>&-"):
            self.reset()
            done = levada.subprocess.run(["sh", "-c", f'"$0" run "$1" {closed}', levada.LEVADA, workflow], env=self.env,
                                         cwd=self.folder, timeout=60, check=False, capture_output=True)
            self.assertEqual(done.returncode, 0)
            self.assertEqual(sorted(self.ledger()), sorted(EFFECTS))

    def test_an_interrupt_is_not_forgotten_when_the_launcher_dies(self):
        process = self.start_slow(seconds=2)
        launcher = self.launcher_pids(process.pid)[0]
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        os.kill(launcher, signal.SIGKILL)
        self.assertEqual(process.wait(timeout=20), 130)
        self.assertEqual(self.ledger(), ["begin"])
        self.levada("resume", "last")
        self.assertEqual(self.ledger(), ["begin", "end", "after"])

    def test_a_journal_moved_elsewhere_can_still_be_shown(self):
        workflow = self.write("chain.yaml", CHAIN)
        self.levada("run", workflow)
        away = os.path.join(self.folder, "away")
        levada.shutil.copytree(self.run_folder(), away)
        self.assertFalse(os.path.exists(os.path.join(away, "journal.db-wal")), "one plain file")
        self.assertEqual(json.loads(self.levada("show", away, "--json").stdout)["status"], "succeeded")


if __name__ == "__main__":
    levada.main()
