# SPDX-License-Identifier: Apache-2.0
"""Groups and pools with many at once: runs that are killed at any moment, and two hundred that wait together."""
import json
import os
import random
import signal
import time

from levada import main
from locks import COUNTED, WAIT, Locks, workflow


class Kills(Locks):
    RUNS, KILLS = 12, 30

    def cells(self, name, count, seconds):
        """As many cells as places, locked by what is at work: who finds none is one too many."""
        return (f"    effect: idempotent\n    run: |\n      for i in {' '.join(map(str, range(count)))}; do\n"
                f"        flock -n -E 99 \"$LEDGER.{name}$i\" sh -c 'sleep {seconds}; echo {name} >> \"$LEDGER\"'\n"
                f"        code=$?\n        [ $code = 99 ] || exit $code\n      done\n"
                f"      echo \"$LEVADA_ATTEMPT\" >> \"$LEDGER.over\"\n")

    def rows(self):
        return json.loads(self.levada("ls", "--json", "--limit", "0").stdout)

    def kill_one(self, chance):
        living = json.loads(self.levada("ps", "--json").stdout)
        if not living:
            return 0
        try:
            os.kill(chance.choice(living)["pid"], chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGINT)))
        except ProcessLookupError:
            return 0
        return 1

    def test_kills_at_any_moment_let_no_one_too_many_in(self):
        """Engines, workers and what they left are killed and runs resumed, until all have succeeded."""
        chance, kills = random.Random(5), 0
        flow = self.write("kills.yaml", "levada: 1\ndurability: process\nconcurrency: {group: kills, limit: 3}\n"
                          "steps:\n  - id: first\n" + self.cells("group", 3, 0.3) + "".join(
                              f"  - id: s{i}\n    pool: {{name: db, slots: 2}}\n" + self.cells("pool", 2, f"0.{i + 2}")
                              for i in range(4)))
        for _ in range(self.RUNS):
            self.levada("run", "--detach", flow)
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            rows = self.rows()
            if all(row["status"] == "succeeded" for row in rows):
                break
            if kills < self.KILLS:
                kills += self.kill_one(chance)
                time.sleep(chance.random() * 0.02)
            if kills == self.KILLS or chance.random() < 0.2:
                for row in [row for row in rows if row["status"] == "interrupted"]:
                    self.start("resume", "--quiet", row["run"])
                time.sleep(0.1)
        print(f"\n  {kills} kills, {len(self.ledger())} ends of {self.RUNS * 5} steps", flush=True)
        self.assertEqual({row["status"] for row in self.rows()}, {"succeeded"})
        self.assertFalse(os.path.exists(self.ledger_path + ".over"))
        self.assertGreaterEqual(len(self.ledger()), self.RUNS * 5)
        for process in self.started:
            process.wait(20)
        self.assertEqual(self.markers() + self.markers("pools"), [])
        self.assertGreater(kills, 3)


class Crowd(Locks):
    RUNS = 200

    def test_two_hundred_runs_at_once_share_a_pool_and_a_group(self):
        flow = self.write("crowd.yaml", "levada: 1\ndurability: process\nparams: {n: {type: integer}}\n"
                          "concurrency: {group: crowd, limit: 40}\nsteps:\n"
                          "  - {id: a, run: 'true'}\n  - id: b\n    pool: {name: db, slots: 3}\n    run: |\n      "
                          + COUNTED.format(seconds=0.01) + "\n")
        keeper = self.start("run", "--quiet", self.write("keeper.yaml", workflow(
            [f"{{id: k{i}, pool: {{name: db, slots: 3}}, run: '{WAIT}'}}" for i in range(3)])))
        self.wait_for(lambda: len(self.markers("pools")) == 3, "the pool to be full")
        begun = time.monotonic()
        for n in range(self.RUNS):
            self.levada("run", "--detach", "-p", f"n={n}", flow)
        started = time.monotonic() - begun
        self.assertEqual(len(self.runs()), self.RUNS + 1)
        # All of them live and wait: forty for the pool, the others for the group.
        self.wait_for(lambda: self.waiting(self.RUNS - 40) and self.waiting(40, "pools"), "all to wait")
        looked = time.monotonic()
        self.levada("ls", "--limit", "10")
        self.levada("show", "last")
        looked = time.monotonic() - looked
        self.let_go()
        went = time.monotonic()

        def over():
            rows = json.loads(self.levada("ls", "--json", "--limit", "0").stdout)
            states = [row["status"] for row in rows]
            return len(states) == self.RUNS + 1 and all(s not in ("running", "interrupted") for s in states)

        deadline = time.monotonic() + 120
        while not over() and time.monotonic() < deadline:
            time.sleep(0.5)
        rows = json.loads(self.levada("ls", "--json", "--limit", "0").stdout)
        took = time.monotonic() - went
        print(f"\n  {self.RUNS} runs at once: started in {started:.1f} s, all ended {took:.1f} s after the pool came "
              f"free; a look meanwhile took {looked:.2f} s", flush=True)
        self.ended(keeper)
        self.assertEqual({row["status"] for row in rows}, {"succeeded"})
        self.assertEqual(len(self.counts()), self.RUNS)
        self.assertLessEqual(max(self.counts()), 3)
        self.assertEqual(max(self.counts()), 3)
        self.assertEqual(self.markers() + self.markers("pools"), [])


if __name__ == "__main__":
    main()
