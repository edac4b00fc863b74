# SPDX-License-Identifier: Apache-2.0
"""The built program, seen from outside."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

LEVADA = os.environ.get("LEVADA") or os.path.join(os.environ["LEVADA_BUILD"], "core", "levada")
BUILD = os.environ.get("LEVADA_BUILD", "")
SOURCE = os.environ.get("LEVADA_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def has_failpoints():
    cache = os.path.join(BUILD, "CMakeCache.txt")
    with open(cache, encoding="utf-8") as lines:
        return any(line.startswith("LEVADA_FAILPOINTS:") and line.strip().endswith("=ON") for line in lines)


class Case(unittest.TestCase):
    """A test with a folder, a state directory and a ledger of its own."""

    def setUp(self):
        fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.mkdtemp(prefix="levada-test-", dir=fast)
        self.state = os.path.join(self.folder, "state")
        self.ledger_path = os.path.join(self.folder, "ledger")
        self.env = dict(os.environ, LEVADA_STATE=self.state, LEDGER=self.ledger_path, NO_COLOR="1")
        self.env.pop("LEVADA_FAILPOINT", None)
        self.started = []

    def tearDown(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()
        self.end_marked()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end_marked(self):
        """End what runs of ours still left: processes that carry this test's own state directory."""
        mark = ("LEVADA_STATE=" + self.state).encode()
        for pid in [p for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]:
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ:
                    if mark in environ.read().split(b"\0"):
                        os.kill(int(pid), signal.SIGKILL)
            except OSError:
                continue

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def levada(self, *args, expect=0, timeout=120, env=None, input=None, cwd=None):
        done = subprocess.run([LEVADA, *args], capture_output=True, text=True, timeout=timeout, input=input,
                              env=dict(self.env, **(env or {})), cwd=cwd or self.folder, check=False)
        if expect is not None:
            allowed = expect if isinstance(expect, tuple) else (expect,)
            self.assertIn(done.returncode, allowed,
                          f"levada {' '.join(args)}\nstdout: {done.stdout}\nstderr: {done.stderr}")
        return done

    def start(self, *args, env=None, **kwargs):
        process = subprocess.Popen([LEVADA, *args], env=dict(self.env, **(env or {})), cwd=self.folder,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)
        self.started.append(process)
        return process

    def show(self, run="last"):
        return json.loads(self.levada("show", run, "--json").stdout)

    def statuses(self, run="last"):
        return {step["id"]: step["status"] for step in self.show(run)["steps"]}

    def ledger(self):
        try:
            with open(self.ledger_path, encoding="utf-8") as lines:
                return lines.read().split()
        except FileNotFoundError:
            return []

    def wait_for(self, condition, what, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(0.01)
        self.fail(f"waited {seconds} s for {what}")

    def runs(self):
        folder = os.path.join(self.state, "runs")
        return sorted(n for n in os.listdir(folder) if n[0] != ".") if os.path.isdir(folder) else []

    def run_folder(self, index=-1):
        return os.path.join(self.state, "runs", self.runs()[index])


def main():
    unittest.main(verbosity=2)
