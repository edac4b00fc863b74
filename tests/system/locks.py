# SPDX-License-Identifier: Apache-2.0
"""What the tests of groups and pools share."""
import json
import os
import time

from levada import Case

# Says how many are inside with it, by files that nobody else makes; `inside` is a folder beside the ledger.
COUNTED = """mkdir -p "$LEDGER.inside"
      set -C
      : > "$LEDGER.inside/$$"
      set +C
      ls "$LEDGER.inside" | wc -l >> "$LEDGER.counts"
      sleep {seconds}
      rm "$LEDGER.inside/$$\""""

WAIT = 'while [ ! -e "$LEDGER.go" ]; do sleep 0.02; done'


def workflow(steps, concurrency=None, durability="process"):
    head = f"levada: 1\ndurability: {durability}\n"
    if concurrency:
        head += f"concurrency: {concurrency}\n"
    return head + "steps:\n" + "".join(f"  - {step}\n" for step in steps)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def counted(seconds=0.2, more=""):
    return f"id: work{more}\n    run: |\n      " + COUNTED.format(seconds=seconds)


class Locks(Case):
    def counts(self):
        try:
            with open(self.ledger_path + ".counts", encoding="utf-8") as lines:
                return [int(n) for n in lines.read().split()]
        except FileNotFoundError:
            return []

    def markers(self, kind="groups"):
        found = []
        for folder, _, names in os.walk(os.path.join(self.state, kind)):
            found += [n for n in names if n != "name" and not n.endswith(".lock")]
        return sorted(found)

    def waiting(self, count=1, kind="groups"):
        return len([m for m in self.markers(kind) if m.startswith("q-")]) == count

    def sleeps(self, process, what):
        def ticks():
            with open(f"/proc/{process.pid}/stat", encoding="utf-8") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])

        time.sleep(0.3)
        before = ticks()
        time.sleep(2.5)
        used = (ticks() - before) * 1000 / os.sysconf("SC_CLK_TCK")
        print(f"\n  {what} used {used:.0f} ms of CPU time in 2.5 s", flush=True)
        self.assertLessEqual(used, 50)

    def ended(self, process, expect=0, timeout=30):
        process.wait(timeout)
        # Not communicate(): it loses what a readline() before it has read ahead.
        out, err = process.stdout.read(), process.stderr.read()
        self.assertEqual(process.returncode, expect, out + err)
        return out + err

    def engine_of(self, process):
        """--json prints run_started first."""
        event = json.loads(process.stdout.readline())
        self.assertEqual(event["event"], "run_started")
        return event["run"], event["pid"]

    def held(self, flow, more=()):
        """A run of the workflow whose first step has begun."""
        before = len(self.ledger())
        process = self.start("run", "--json", *more, flow)
        run, pid = self.engine_of(process)
        self.wait_for(lambda: len(self.ledger()) > before, "the first step")
        return process, run, pid

    def waits(self, flow, more=()):
        process = self.start("run", "--json", *more, flow)
        run, _ = self.engine_of(process)
        self.wait_for(lambda: any(run in m for m in self.markers() if m.startswith("q-")), "the queue")
        return process, run

    def holding_flow(self, overlap="queue", name="flow.yaml", limit=1, effect=""):
        step = f"id: hold{effect}\n    run: |\n      echo in >> \"$LEDGER\"; {WAIT}"
        return self.write(name, workflow([step], f"{{group: one, limit: {limit}, overlap: {overlap}}}"))

    def let_go(self):
        open(self.ledger_path + ".go", "w", encoding="utf-8").close()
