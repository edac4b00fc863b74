# SPDX-License-Identifier: Apache-2.0
"""One case: a run of one kind, killed at one point, resumed until it ends, and judged by its ledgers.

    python3 tests/crash/crash.py KIND SPEC      repeats one case and says what became of it
"""
import collections
import concurrent.futures
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))
import kinds  # noqa: E402
import levada  # noqa: E402

FAST = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
THREADS = 5
KILLED = (-signal.SIGKILL, -signal.SIGTERM)
SESSIONS = 20  # resumes until a run must have ended


def name_of(step, item):
    return step if not item else f"{step}-{item}"


class Wrong(Exception):
    """A promise that was not kept."""


def setting(name):
    with open(os.path.join(levada.BUILD, "CMakeCache.txt"), encoding="utf-8") as lines:
        return any(line.startswith(name + ":") and line.strip().endswith("=ON") for line in lines)


def is_gentle(kind, spec):
    """Is no worker killed? Then nothing may become unknown, and every effect happens once, whatever its class."""
    if kind.name in ("cancelled", "interrupted") or kind.name.startswith("halted"):
        return False
    if "-" in spec:
        return kind.name.startswith("struck") and set(spec.split("-")[1].split("+")) <= {"engine", "launcher"}
    for point in spec.split(","):
        where, _, victims = (point.split(":") + ["self"])[:3]
        spared = {"engine", "launcher"} | ({"self"} if where.startswith(("journal", "launcher", "adopt")) else set())
        if not set(victims.split("+")) <= spared:
            return False
    return True


class Case:
    def __init__(self, kind, spec):
        self.kind, self.spec = kind, spec
        self.folder = tempfile.mkdtemp(prefix="levada-crash-", dir=FAST)
        self.state = os.path.join(self.folder, "state")
        os.mkdir(os.path.join(self.folder, "remote"))
        self.workflow = os.path.join(self.folder, "crash.yaml")
        with open(self.workflow, "w", encoding="utf-8") as out:
            out.write("levada: 1\nname: crash\n" + kind.text)
        for name, text in kind.files.items():
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as out:
                out.write(text)
        self.env = dict(os.environ, LEVADA_STATE=self.state, NO_COLOR="1", LC_ALL="C",
                        LEVADA_PLUGIN_PATH=os.path.join(levada.BUILD, "tests", "plugins"))
        self.history = []
        self.redone = collections.Counter()
        self.struck = 0
        self.gentle = is_gentle(kind, spec)

    def close(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- doing ----

    def levada(self, *args, spec=None, meanwhile=None):
        """(exit code, stdout). meanwhile: called with the process while it runs."""
        env = dict(self.env)
        if spec:
            env.update(LEVADA_FAILPOINT=spec, LEVADA_FAILPOINT_FILE=os.path.join(self.folder, "passed"))
        with open(os.path.join(self.folder, "said"), "w+", encoding="utf-8") as said:
            done = subprocess.Popen([levada.LEVADA, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=said, env=env, cwd=self.folder, text=True)
            try:
                if meanwhile:
                    meanwhile(self, done)
                out, _ = done.communicate(timeout=60)
            except subprocess.TimeoutExpired as hang:
                raise Wrong(f"levada {args[0]} hangs") from hang
            finally:
                done.kill()
                done.wait()
            said.seek(0)
            self.history.append(f"{args[0]} = {done.returncode}: {said.read()[-600:].strip()}")
        return done.returncode, out

    def passed(self, where):
        try:
            return os.path.getsize(os.path.join(self.folder, "passed." + where))
        except FileNotFoundError:
            return 0

    def fired(self):
        """How many of the points of the spec were reached."""
        points = [point.split(":") for point in self.spec.split(",")]
        return self.struck + sum(self.passed(point[0]) >= int(point[1]) for point in points if len(point) > 1)

    def processes(self):
        """Processes of this case that still do something."""
        mark, found = ("LEVADA_STATE=" + self.state).encode(), []
        for pid in os.listdir("/proc"):
            if not pid.isdigit():
                continue
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ:
                    if mark in environ.read().split(b"\0"):
                        found.append(int(pid))
            except OSError:
                continue
        return found

    def drive(self):
        """Run, then resume and settle until the run has ended."""
        meanwhile = MEANWHILE.get(self.kind.name)
        if self.kind.name == "retried":  # it fails, its cause is mended, and the retry is what is killed
            if self.levada("run", "--quiet", self.workflow)[0] != 1:
                raise Wrong("the first run does not fail")
            with open(os.path.join(self.folder, "mended"), "w", encoding="utf-8"):
                pass
            code, _ = self.levada("retry", "--quiet", "last", spec=self.spec)
            if code == -signal.SIGKILL and self.show()["status"] == "failed":
                code, _ = self.levada("retry", "--quiet", "last")  # killed before it was a retry
        elif self.kind.first:
            if self.levada("run", "--quiet", self.workflow)[0] != 0:
                raise Wrong("the first run does not succeed")
            code, _ = self.levada(*self.kind.first, "--quiet", "last", spec=self.spec)
            if code == -signal.SIGKILL and not [s for s in self.show()["steps"] if s["id"].endswith(".undo")]:
                code, _ = self.levada(*self.kind.first, "--quiet", "last")  # killed before it had begun
        else:
            code, _ = self.levada("run", "--quiet", self.workflow, spec=self.spec, meanwhile=meanwhile)
        for session in range(SESSIONS):
            runs = os.path.join(self.state, "runs")
            if not os.path.isdir(runs) or not [n for n in os.listdir(runs) if n[0] != "."]:
                if code not in KILLED or self.all_ledgers():
                    raise Wrong(f"no run is there, exit code {code}, and effects are {self.all_ledgers()}")
                return False
            if code == self.kind.code:
                return True
            if code == 9:
                self.settle(session)
            elif code == 5:
                self.answer()
            elif code not in KILLED and not (self.kind.left and code > 128):
                raise Wrong(f"exit code {code}")
            code, _ = self.levada("resume", "--quiet", "last", spec=self.spec)
        raise Wrong("the run does not end")

    def settle(self, session):
        unknown = [s for s in self.show()["steps"] if s["status"] == "unknown"]
        if not unknown:
            raise Wrong("exit code 9, and no step is unknown")
        if self.gentle:
            raise Wrong(f"no worker was killed, and steps are unknown: {[step['id'] for step in unknown]}")
        for step in unknown:
            name = name_of(step["id"], step.get("item"))
            effect = self.kind.effects[name]
            if not effect.endswith("unsafe"):
                raise Wrong(f"step {name} is {effect}, and unknown")
            redo = (session + len(self.spec)) % 2
            self.redone[name] += redo
            known = "--fail" if self.kind.fates.get(name) == "failed" else "--done"
            item = ["--item", step["item"]] if step.get("item") else []
            code, _ = self.levada("resolve", "last", step["id"], *item, "--redo" if redo else known)
            if code:
                raise Wrong(f"resolve: exit code {code}")

    def answer(self):
        """The person's command may be killed too: then they type it again when the run still waits."""
        verb = "reject" if self.kind.name == "rejected" else "approve"
        code, _ = self.levada(verb, "last", "b", spec=self.spec)
        if code not in (0,) + KILLED:
            raise Wrong(f"{verb}: exit code {code}")

    def show(self):
        code, out = self.levada("show", "last", "--json")
        if code:
            raise Wrong(f"show: exit code {code}")
        return json.loads(out)

    # ---- judging ----

    def ledger(self, step):
        try:
            with open(os.path.join(self.folder, "ledger." + step), encoding="utf-8") as lines:
                return [line.split() for line in lines]
        except FileNotFoundError:
            return []

    def all_ledgers(self):
        return {step: self.ledger(step) for step in self.kind.effects if self.ledger(step)}

    def judge(self):
        for _ in range(200):
            left = self.processes()
            if not left:
                break
            time.sleep(0.01)
        else:
            raise Wrong(f"processes are left: {left}")
        attempts = self.judge_journal()
        shown = self.show()
        want = {0: "succeeded", 1: "failed", 10: "cancelled"}[self.kind.code]
        if shown["status"] != want:
            raise Wrong(f"the run is {shown['status']}, not {want}")
        for step in shown["steps"]:
            name = name_of(step["id"], step.get("item"))
            if name not in self.kind.parents:
                self.judge_step(name, step, attempts[name])
            elif step["status"] != self.kind.fates.get(name, "succeeded"):
                raise Wrong(f"{name} is {step['status']}")
        if len(self.spec) % 4 == 0 and self.levada("resume", "--quiet", "last")[0] != self.kind.code:
            raise Wrong("a resume of the finished run does not repeat its code")
        self.judge_seats()

    def judge_seats(self):
        """An ended run holds nothing: another that shares with it begins at once."""
        if "concurrency" not in self.kind.text:
            return
        path = os.path.join(self.folder, "next.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write("levada: 1\nconcurrency: {group: shared group, overlap: skip}\n"
                      "steps: [{id: a, pool: shared-pool, run: 'true'}]\n")
        code, _ = self.levada("run", "--quiet", path)
        left = [name for kind in ("groups", "pools") for _, _, names in os.walk(os.path.join(self.state, kind))
                for name in names if name != "name" and not name.endswith(".lock")]
        if code or left:
            raise Wrong(f"the next run of the group: exit code {code}; markers left: {left}")

    def judge_journal(self):
        runs = os.path.join(self.state, "runs")
        folder = os.path.join(runs, [n for n in os.listdir(runs) if n[0] != "."][0])
        if os.path.exists(os.path.join(folder, "journal.db-wal")):
            raise Wrong("the journal of a finished run is not one plain file")
        with sqlite3.connect(os.path.join(folder, "journal.db")) as db:
            if db.execute("pragma integrity_check").fetchone()[0] != "ok":
                raise Wrong("the journal is damaged")
            events = db.execute("select seq, type, step, item, data from events order by seq").fetchall()
        if [event[0] for event in events] != list(range(1, len(events) + 1)):
            raise Wrong("an event is missing")
        attempts, ended, fence, records, begun = collections.Counter(), set(), 0, set(), set()
        if "approve:" in self.kind.text and [event[1] for event in events].count("step_decided") != 1:
            raise Wrong("the person's decision is not there once")
        for _, event, step, item, data in events:
            data, step = json.loads(data), name_of(step, item)
            if event == "step_expanded":
                if step in begun:
                    raise Wrong(f"{step} began twice")
                begun.add(step)
            elif event == "step_intent":
                if step in ended:
                    raise Wrong(f"step {step} had ended, and was started again")
                if missing := set(self.kind.order.get(step, ())) - ended:
                    raise Wrong(f"step {step} began before {missing}")
                if data["fence"] <= fence or data["record"] in records:
                    raise Wrong(f"the fence or the record of an attempt of {step} was used before")
                fence = data["fence"]
                records.add(data["record"])
                attempts[step] += 1
            elif event == "run_retried":
                ended -= set(data["again"])
            elif event == "step_receipt" and step in ended:
                raise Wrong(f"step {step} had ended, and a receipt came")
            elif event == "step_finished" and data["status"] != "unknown":
                ended.add(step)
            elif event == "step_resolved" and data["decision"] != "redo":
                ended.add(step)
        return attempts

    def judge_polls(self, ident):
        """Each time is one effect, and three times were enough."""
        remote = [n for n in os.listdir(os.path.join(self.folder, "remote")) if n.startswith(ident + ".")]
        tokens = {line[0] for line in self.ledger(ident)}
        if len(remote) != 3 or len(tokens) != 3:
            raise Wrong(f"step {ident} came to {len(remote)} effects of {len(tokens)} tokens, not to 3")

    def judge_step(self, ident, step, attempts):
        effect = self.kind.effects[ident]
        lines = self.ledger(ident)
        if effect == "polled":
            self.judge_polls(ident)
            return
        fate = self.kind.fates.get(ident, "succeeded")
        resolved = step["reason"]["code"] == "resolved"
        if fate != "any" and step["status"] != fate and not (resolved and step["status"] == "succeeded"):
            raise Wrong(f"step {ident} is {step['status']}, not {fate}")
        if effect == "" and lines:
            raise Wrong(f"step {ident} was never to run, and did: {lines}")
        if effect == "" or effect.startswith("silent"):
            return
        words = [line[0] for line in lines]
        shell = "begin" in words
        # Of what is done in parts the first one counts.
        once = words.count("begin") - words.count("fail") if shell else len([n for n in lines if n[2:] in ([], ["1"])])
        if self.gentle and once != 1:
            raise Wrong(f"no worker was killed, and step {ident} began {once} times: {lines}")
        ends = words.count("end") if shell else len(lines)
        if ends == 0 and not resolved and step["status"] == "succeeded":
            raise Wrong(f"step {ident} succeeded without its effect")
        if shell and words.count("begin") > attempts:
            raise Wrong(f"step {ident} began {words.count('begin')} times in {attempts} attempts")
        tokens = {line[1] if shell else line[0] for line in lines}
        if len(tokens) > 1:
            raise Wrong(f"step {ident} used several tokens: {tokens}")
        self.judge_class(ident, effect, lines, words, ends)

    def judge_class(self, ident, effect, lines, words, ends):
        if effect in ("transactional", "probe", "keyed") and "begin" not in words and len(lines) != 1:
            raise Wrong(f"step {ident} is {effect}, and its effect is there {len(lines)} times")
        remote = [n for n in os.listdir(os.path.join(self.folder, "remote")) if n.startswith(ident + ".")]
        if effect == "keyed" and "begin" in words and len(remote) != 1:
            raise Wrong(f"step {ident} is keyed, and its effect is there {len(remote)} times")
        if effect == "checkpointed":
            parts = sorted(line[2] for line in lines if len(line) > 2)
            if parts != ["1", "2", "3"]:
                raise Wrong(f"step {ident} did the parts {parts}")
        if effect != "unsafe":
            return
        if "begin" not in words:
            if ends > 1 + self.redone[ident]:
                raise Wrong(f"step {ident} is unsafe, and its effect is there {ends} times")
            return
        # A second beginning is right behind a known failure, or when a person said redo.
        open_ends = sum(words[i] == "begin" and words[i - 1] != "fail" for i in range(1, len(words)))
        if open_ends > self.redone[ident]:
            raise Wrong(f"step {ident} is unsafe, and began again: {words}")


def begun(case, process):
    """Until its first step has begun, or the run is over."""
    for _ in range(1000):
        if case.ledger("a") or process.poll() is not None:
            return
        time.sleep(0.005)
    raise Wrong("the run does not begin")


def cancel(case, process):
    begun(case, process)
    case.levada("cancel", "--quiet", "last")


def answer(case, process):
    """As soon as the step asks, while the engine looks on."""
    for _ in range(1000):
        shown = case.levada("show", "last", "--json")[1]
        if process.poll() is not None or '"id":"b","status":"parked"' in shown:
            break
        time.sleep(0.005)
    if process.poll() is None:
        case.levada("approve", "last", "b", spec=case.spec)
    with open(os.path.join(case.folder, "answered"), "w", encoding="utf-8"):
        pass


def interrupt(case, process):
    begun(case, process)
    process.send_signal(signal.SIGTERM if len(case.spec) % 2 else signal.SIGINT)


def strike(case, process):
    """Kills some of its processes at some moment: SPEC is MILLISECONDS-VICTIMS."""
    wait_ms, victims = case.spec.split("-")
    time.sleep(int(wait_ms) / 1000)
    names = {"levada-launch": "launcher", "levada-worker": "worker", "levada": "engine", "sh": "shell"}
    for pid in case.processes():
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
                if names.get(comm.read().strip(), "engine" if pid == process.pid else "") in victims.split("+"):
                    os.kill(pid, signal.SIGKILL)
                    case.struck += 1
        except OSError:
            continue


def go_down(case, process):
    """SIGTERM to every process of it, in no order, at the moment that SPEC says in milliseconds."""
    time.sleep(int(case.spec.split("-")[0]) / 1000)
    for pid in random.Random(case.spec).sample(found := case.processes(), len(found)):
        try:
            os.kill(pid, signal.SIGTERM)
            case.struck += 1
        except OSError:
            continue


def hang_up(case, process):
    """The machine is shut down: everything is told to end, whoever it is."""
    begun(case, process)
    process.kill()
    process.wait()
    for pid in case.processes():
        try:
            os.kill(pid, signal.SIGTERM)
        except OSError:
            continue


MEANWHILE = {"answered": answer, "cancelled": cancel, "interrupted": interrupt, "halted-probe": interrupt,
             "halted-transactional": interrupt, "halted-keyed": interrupt, "halted-unsafe": hang_up,
             **{name: go_down for name in kinds.OTHERS if name.startswith("downed")},
             "struck-unsafe": strike, "struck-keyed": strike, "struck-checkpointed": strike, "struck-probe": strike}


def run_case(name, spec):
    """(points reached, None or what is wrong, passings)"""
    case = Case(kinds.ALL[name], spec)
    try:
        if case.drive():
            case.judge()
        return case.fired(), None
    except Wrong as wrong:
        return case.fired(), f"{wrong}\n    " + "\n    ".join(case.history) + f"\n    {case.all_ledgers()}"
    finally:
        case.close()


def passings(name, points):
    """How often a run of this kind that nobody kills passes each point."""
    case = Case(kinds.ALL[name], ",".join(f"{point}:1000000" for point in points))
    try:
        case.drive()
        case.judge()
        return {point: case.passed(point) for point in points}
    except Wrong as wrong:
        raise AssertionError(f"{name}, with nothing killed: {wrong}\n" + "\n".join(case.history)) from wrong
    finally:
        case.close()


def run_all(cases):
    """Cases (kind, spec), several side by side. Returns (kills, messages of what went wrong)."""
    kills, wrong = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for (name, spec), (fired, message) in zip(cases, pool.map(lambda case: run_case(*case), cases)):
            kills[name] += fired
            if message:
                wrong.append(f"repeat with: python3 tests/crash/crash.py {name} {spec}\n    {message}")
    return kills, wrong


if __name__ == "__main__":
    reached, what = run_case(sys.argv[1], sys.argv[2])
    print(f"{reached} points reached: {what or 'all is well'}")
    sys.exit(1 if what else 0)
