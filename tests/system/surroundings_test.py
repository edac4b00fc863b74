# SPDX-License-Identifier: Apache-2.0
"""Where runs happen: as process 1 of a container, under cron, under systemd."""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import levada

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def container():
    """The words that start a program as process 1 of a pid namespace of its own; None: this machine forbids it."""
    for words in (UNSHARE, [*UNSHARE, "--user", "--map-root-user"]):
        try:
            if subprocess.run([*words, "true"], capture_output=True, timeout=10, check=False).returncode == 0:
                return words
        except OSError:
            return None
    return None


class Case(levada.Case):
    def slow(self, seconds, keys=""):
        return self.write("slow.yaml", f"""levada: 1
name: slow
steps:
  - id: slow
    {keys}
    run: |
      echo begin >> "$LEDGER"
      sleep {seconds}
      echo end >> "$LEDGER"
  - id: after
    needs: [slow]
    run: echo after >> "$LEDGER"
""")

    def ours(self):
        """pid -> (comm, state, parent) of the processes of this test."""
        mark, found = ("LEVADA_STATE=" + self.state).encode(), {}
        for pid in [int(p) for p in os.listdir("/proc") if p.isdigit()]:
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ, open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                    if mark in environ.read().split(b"\0"):
                        text = stat.read()
                        rest = text.rsplit(")", 1)[1].split()
                        found[pid] = (text.split("(", 1)[1].rsplit(")", 1)[0], rest[0], int(rest[1]))
            except OSError:
                continue
        return found

    def named(self, name):
        return [pid for pid, (comm, _, _) in self.ours().items() if comm == name]


class Container(Case):
    def setUp(self):
        super().setUp()
        self.words = container()
        if self.words is None:
            self.skipTest("this machine allows no pid namespaces")

    def start_inside(self, *args, env=None):
        process = subprocess.Popen([*self.words, levada.LEVADA, *args], env=dict(self.env, **(env or {})),
                                   cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   start_new_session=True)
        self.started.append(process)
        return process

    def engine(self):
        """The pid, seen from here, of process 1 of the container."""
        for pid in self.ours():
            try:
                with open(f"/proc/{pid}/status", encoding="utf-8") as status:
                    if re.search(r"^NSpid:\s+\d+\s+1$", status.read(), re.M):
                        return pid
            except OSError:
                continue
        return 0

    def stop(self, process):
        """As `docker stop` does: TERM to process 1, and its exit code."""
        os.kill(self.engine(), signal.SIGTERM)
        _, err = process.communicate(timeout=40)
        self.wait_for(lambda: not self.ours(), "the container to be empty")
        return process.returncode, err

    def test_a_run_as_process_1_is_a_run_like_any_other(self):
        process = self.start_inside("run", self.slow(0.1))
        _, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(self.ledger(), ["begin", "end", "after"])
        self.assertEqual(self.statuses(), {"slow": "succeeded", "after": "succeeded"}, "seen from outside")

    def test_process_1_that_is_told_to_stop_waits_for_what_is_unsafe(self):
        process = self.start_inside("run", self.slow(1, "grace: 5s"))
        self.wait_for(self.ledger, "the step to begin")
        code, err = self.stop(process)
        self.assertEqual(code, 143, err)
        self.assertEqual(self.ledger(), ["begin", "end"])
        self.levada("resume", "last")
        self.assertEqual(self.ledger(), ["begin", "end", "after"])

    def test_an_engine_in_another_pid_namespace_is_seen_and_who_would_end_it_is_told_where_it_is(self):
        process = self.start_inside("run", self.slow(30))
        self.wait_for(self.ledger, "the step to begin")
        listed = json.loads(self.levada("ls", "--json").stdout)
        self.assertEqual([run["status"] for run in listed], ["running"])
        self.assertEqual(self.show()["status"], "running")
        self.assertNotIn("levada resume", self.levada("show", "last").stdout)
        living = json.loads(self.levada("ps", "--json").stdout)
        self.assertEqual([(one["kind"], one["status"], one["elsewhere"], one["stopped"]) for one in living],
                         [("engine", "running", True, False), ("worker", "running", True, False)])
        self.assertIn("pid of another namespace", self.levada("ps").stdout)
        for args in (("cancel", "last"), ("resume", "last"), ("resume", "--takeover", "last")):
            done = self.levada(*args, expect=6)
            self.assertRegex(done.stderr, r"pid 1\b.*\n?.*another pid namespace|another pid namespace \(pid 1 there\)")
            self.assertIn("nsenter", done.stderr)
            self.assertNotIn("levada cancel` it", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.run_folder(), "cancel.json")))
        os.kill(self.engine(), signal.SIGKILL)
        process.communicate(timeout=20)
        self.wait_for(lambda: not self.ours(), "the container to be empty")
        self.assertEqual(self.show()["status"], "interrupted")
        self.levada("cancel", "last", expect=9)  # nobody knows what it did before its container ended

    def test_process_1_leaves_nothing_behind_that_the_kernel_would_end_with_it(self):
        process = self.start_inside("run", self.slow(30, "grace: 300ms"))
        self.wait_for(self.ledger, "the step to begin")
        code, err = self.stop(process)
        self.assertEqual(code, 9, err)
        self.assertIn("process 1 of its container", err)
        self.assertEqual(self.statuses()["slow"], "unknown")
        self.levada("resume", "last", expect=9)
        self.assertEqual(self.ledger(), ["begin"])

    def test_a_safe_step_is_stopped_and_runs_again_on_resume(self):
        process = self.start_inside("run", self.slow(30, "effect: idempotent"))
        self.wait_for(self.ledger, "the step to begin")
        self.assertEqual(self.stop(process)[0], 143)
        self.assertEqual(self.statuses()["slow"], "backoff")

    def test_process_1_starts_again_when_its_launcher_dies_and_reaps_what_came_to_it(self):
        process = self.start_inside("run", self.slow(1))
        self.wait_for(self.ledger, "the step to begin")
        os.kill(self.named("levada-launch")[0], signal.SIGKILL)
        self.wait_for(lambda: "end" in self.ledger(), "the step to end")
        _, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(self.ledger(), ["begin", "end", "after"])

    def test_process_1_has_no_zombies_when_its_launcher_died(self):
        steps = "".join(f"  - id: s{i}\n    run: echo x >> \"$LEDGER\"; sleep 0.{i}5\n    needs: []\n"
                        for i in range(5))
        workflow = self.write("many.yaml", "levada: 1\nname: many\nsteps:\n" + steps +
                              "  - id: last\n    needs: [s0, s1, s2, s3, s4]\n    run: sleep 1\n")
        process = self.start_inside("run", workflow)
        self.wait_for(lambda: len(self.ledger()) == 4, "the steps to begin")
        os.kill(self.named("levada-launch")[0], signal.SIGKILL)
        self.wait_for(lambda: self.statuses().get("last") == "running", "the last step")
        engine = self.engine()
        zombies = [line for line in self.children_states(engine) if line[1] == "Z"]
        self.assertEqual(zombies, [])
        self.assertEqual(process.wait(timeout=20), 0)

    def children_states(self, parent):
        with open(f"/proc/{parent}/task/{parent}/children", encoding="utf-8") as children:
            pids = children.read().split()
        found = []
        for pid in pids:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                found.append((pid, stat.read().rsplit(")", 1)[1].split()[0]))
        return found

    def test_process_1_that_is_told_to_stop_keeps_its_word_though_its_launcher_dies(self):
        for seconds, grace, code, ledger in ((1, "5s", 143, ["begin", "end"]), (30, "300ms", 9, ["begin"])):
            process = self.start_inside("run", self.slow(seconds, f"grace: {grace}"))
            self.wait_for(self.ledger, "the step to begin")
            launcher = self.named("levada-launch")[0]
            os.kill(self.engine(), signal.SIGTERM)
            time.sleep(0.1)
            os.kill(launcher, signal.SIGKILL)
            _, err = process.communicate(timeout=40)
            self.assertEqual((process.returncode, self.ledger()), (code, ledger), err)
            os.remove(self.ledger_path)

    def test_a_container_that_is_killed_is_resumed_by_another(self):
        process = self.start_inside("run", self.slow(30, "effect: idempotent"))
        self.wait_for(self.ledger, "the step to begin")
        os.kill(self.engine(), signal.SIGKILL)
        process.wait(timeout=10)
        self.wait_for(lambda: not self.ours(), "the container to be empty")
        os.remove(self.ledger_path)
        other = self.start_inside("resume", "last")
        self.wait_for(self.ledger, "the step to begin again")
        self.assertEqual(self.stop(other)[0], 143)
        self.assertEqual(self.ledger(), ["begin"])

    def test_a_worker_in_another_pid_namespace_is_not_taken_for_a_dead_one(self):
        process = self.start_inside("run", self.slow(1))
        self.wait_for(self.ledger, "the step to begin")
        held = self.levada("resume", "last", expect=6)
        self.assertIn("pid namespace", held.stderr)
        self.assertEqual(process.wait(timeout=20), 0)
        self.assertEqual(self.ledger(), ["begin", "end", "after"])


class Cron(Case):
    def bare(self, *args, preexec=None, **env):
        """As cron does: almost no environment, no terminal, a folder of somebody else."""
        return subprocess.Popen([levada.LEVADA, *args], env={"PATH": "/usr/bin:/bin", **env}, cwd="/",
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                start_new_session=True, preexec_fn=preexec)

    def finish(self, process, code):
        self.started.append(process)
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, code, out + err)
        return err

    def test_without_home_and_terminal_a_run_needs_only_its_state_directory(self):
        workflow = self.slow(0.1)
        said = self.finish(self.bare("run", workflow), 8)
        self.assertIn("LEVADA_STATE", said)
        self.finish(self.bare("run", "--quiet", workflow, LEVADA_STATE=self.state, LEDGER=self.ledger_path), 0)
        self.assertEqual(self.ledger(), ["begin", "end", "after"])

    def test_signals_that_were_ignored_stay_ignored(self):
        def ignore():
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGCHLD):
                signal.signal(number, signal.SIG_IGN)
            os.nice(10)
        process = self.bare("run", self.slow(0.5), preexec=ignore, LEVADA_STATE=self.state, LEDGER=self.ledger_path)
        self.wait_for(self.ledger, "the step to begin")
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        self.finish(process, 0)
        self.assertEqual(self.ledger(), ["begin", "end", "after"])

    def test_a_terminal_that_goes_away_interrupts_and_the_run_can_be_resumed(self):
        workflow = self.slow(20, "effect: idempotent")
        process = self.bare("run", workflow, LEVADA_STATE=self.state, LEDGER=self.ledger_path)
        self.wait_for(self.ledger, "the step to begin")
        process.send_signal(signal.SIGHUP)
        self.finish(process, 129)
        self.assertEqual(self.show()["status"], "interrupted")

    def test_a_reader_that_goes_away_does_not_end_a_run(self):
        process = self.start("run", "--json", self.slow(0.3))
        self.wait_for(self.ledger, "the step to begin")
        process.stdout.close()
        process.stderr.close()
        process.wait(timeout=20)
        self.assertEqual(self.ledger(), ["begin", "end", "after"])
        self.assertEqual(self.show()["status"], "succeeded")


class Systemd(Case):
    def test_a_service_that_is_stopped_with_killmode_process_leaves_its_worker_and_takes_the_result_later(self):
        process = self.start("run", self.slow(1.5, "grace: 200ms"))
        self.wait_for(self.ledger, "the step to begin")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 143, err)
        self.assertIn("goes on by itself", err)
        self.assertEqual(len(self.named("levada-worker")), 1)
        self.levada("resume", "--all", "--quiet")
        self.assertEqual(self.ledger(), ["begin", "end", "after"])

    def test_the_example_units_are_good(self):
        folder = os.path.join(levada.SOURCE, "docs", "systemd")
        units = sorted(glob.glob(os.path.join(folder, "*.service")) + glob.glob(os.path.join(folder, "*.timer")))
        self.assertGreaterEqual(len(units), 4, units)
        sections = {".service": "[Service]", ".timer": "[Timer]"}
        for unit in units:
            with open(unit, encoding="utf-8") as lines:
                text = lines.read()
            self.assertIn(sections[os.path.splitext(unit)[1]], text)
            for line in text.splitlines():
                self.assertRegex(line, r"^(#.*|\[\w+\]|\w+=.*|)$")
            if unit.endswith(".service"):
                self.assertIn("KillMode=process\n", text)
                self.assertRegex(text, r"(?m)^ExecStart=/\S+/levada (run|resume --all)\b")
        if shutil.which("systemd-analyze"):
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True,
                                  check=False, timeout=60)
            bad = [line for line in done.stderr.splitlines() if "levada" in line and "is not executable" not in line]
            self.assertEqual(bad, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
