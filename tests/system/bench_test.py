# SPDX-License-Identifier: Apache-2.0
"""What bench/ measures is what is shipped: its workflows, run here with steps that speak, have their secrets masked,
their attempts claimed and their receipts journalled; and what makes them quick leaves nothing behind."""
import os
import signal
import sqlite3
import struct
import sys

from levada import BUILD, SOURCE, Case, main

sys.path.insert(0, os.path.join(SOURCE, "bench"))
import shapes  # noqa: E402

COUNT = 12
PLUGINS = os.path.join(BUILD, "tests", "plugins")
SECRET = next(iter(shapes.SECRET.values()))


class Bench(Case):
    def setUp(self):
        super().setUp()
        self.env.update(shapes.SECRET, LEVADA_PLUGIN_PATH=PLUGINS, LEVADA_CACHE=os.path.join(self.folder, "cache"))

    def events(self, kind):
        uri = "file:" + os.path.join(self.run_folder(), "journal.db") + "?mode=ro"
        with sqlite3.connect(uri, uri=True) as db:
            return [row[0] for row in db.execute(
                f"select json_extract(data, '$.{'pid' if kind == 'step_receipt' else 'record'}') from events"
                " where type = ? order by seq", (kind,))]

    def logs(self):
        folder = os.path.join(self.run_folder(), "logs")
        texts = []
        for name in sorted(os.listdir(folder), key=lambda name: int(name.split(".")[0][1:])):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                texts.append(file.read())
        return texts

    def claims(self):
        """(mark, pid, fence) of each attempt's record."""
        with open(os.path.join(self.run_folder(), "attempts"), "rb") as file:
            data = file.read()
        return [struct.unpack_from("=IiQ", data, 64 * record) for record in range(1, len(data) // 64)]

    def named(self, name):
        pids, mark = [], ("LEVADA_STATE=" + self.state).encode()
        for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as comm, open(f"/proc/{pid}/environ", "rb") as environ:
                    if comm.read().strip() == name and mark in environ.read().split(b"\0"):
                        pids.append(int(pid))
            except OSError:
                continue
        return pids

    def check_protocol(self):
        intents, receipts, claims = self.events("step_intent"), self.events("step_receipt"), self.claims()
        self.assertEqual(intents, list(range(1, COUNT + 1)))
        self.assertEqual(len(receipts), COUNT)
        self.assertEqual([mark for mark, _, _ in claims], [1] * COUNT, "every attempt said started")
        self.assertEqual(sorted(pid for _, pid, _ in claims), sorted(receipts))
        fences = [fence for _, _, fence in claims]
        self.assertEqual(fences, sorted(set(fences)), "fences rise")
        return receipts

    def test_shell_steps_are_masked_claimed_and_receipted_each_in_a_worker_of_its_own(self):
        for chain in (True, False):
            for durability in ("process", "power"):
                workflow = shapes.shell(COUNT, chain, durability, command=f"echo out {SECRET}; echo err {SECRET} >&2")
                self.levada("run", self.write("shell.yaml", workflow))
                self.assertEqual(self.logs(), ["out ***\nerr ***\n"] * COUNT)
                self.assertEqual(len(set(self.check_protocol())), COUNT, "no worker had two attempts")

    def test_steps_of_a_reused_worker_have_each_their_own_claim_receipt_and_log(self):
        self.levada("run", self.write("noop.yaml", shapes.noop(COUNT, True, "process", say=SECRET)))
        self.assertEqual(len(set(self.check_protocol())), 1, "one worker had all attempts")
        self.assertEqual(self.logs(), [f"***{i}" for i in range(COUNT)])
        scratch = os.path.join(self.run_folder(), "scratch")
        self.wait_for(lambda: not os.listdir(scratch), "the worker to take its scratch folder with it")

    def start_slow(self):
        workflow = shapes.shell(2, True, "process", command='echo $$ >> "$LEDGER"; sleep 1')
        process = self.start("run", self.write("slow.yaml", workflow))
        self.wait_for(lambda: self.named("levada-spare") and self.ledger(), "a spare worker and a step")
        return process

    def test_a_spare_worker_waits_for_the_next_step_and_ends_with_the_run(self):
        process = self.start_slow()
        spare = self.named("levada-spare")
        self.assertEqual(len(spare), 1)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertIn(spare[0], self.events("step_receipt"), "it was the second step's")
        self.wait_for(lambda: not self.named("levada-spare") and not self.named("levada-launch"), "the end of all")

    def test_a_spare_worker_ends_with_its_engine_while_the_step_goes_on(self):
        process = self.start_slow()
        process.kill()
        self.wait_for(lambda: not self.named("levada-spare"), "the end of the spare worker")
        self.levada("resume", "last")
        self.assertEqual(len(self.ledger()), 2)

    def test_a_killed_spare_worker_is_replaced(self):
        process = self.start_slow()
        os.kill(self.named("levada-spare")[0], signal.SIGKILL)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(self.ledger()), 2)


if __name__ == "__main__":
    main()
