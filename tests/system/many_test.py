# SPDX-License-Identifier: Apache-2.0
"""Ten thousand items, ten thousand steps: they run to their end, and everything that looks at them answers."""
import os
import time

import levada


def is_sanitized():
    with open(os.path.join(levada.BUILD, "CMakeCache.txt"), encoding="utf-8") as lines:
        return any(line.strip() == "LEVADA_SANITIZE:BOOL=ON" for line in lines)


class Many(levada.Case):
    """Times are printed, none is asserted. The bound of the engine's memory is three times what it needs; a sanitizer
    keeps what is freed for a while, and shadows the rest."""
    memory_mib = 1500 if is_sanitized() else 128

    def workflow(self, body):
        return self.write("w.yaml", "levada: 1\n" + body)

    def timed(self, what, *args, **kwargs):
        began = time.monotonic()
        done = self.levada(*args, **kwargs)
        print(f"    {what}: {time.monotonic() - began:.2f} s", flush=True)
        return done

    def peak_mib(self, *args):
        """Run with a look at the engine's memory at its end."""
        process = self.start("run", "--json", *args)
        peak = 0
        while True:
            line = process.stdout.readline()
            if not line:
                break
            if "run_finished" in line or '9999' in line:
                try:
                    with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
                        peak = max([peak] + [int(l.split()[1]) // 1024 for l in status if l.startswith("VmHWM")])
                except OSError:
                    pass
        self.assertEqual(process.wait(60), 0)
        return peak

    def test_a_loop_of_10000_items_runs_to_its_end_and_everything_that_looks_at_it_works(self):
        path = self.workflow("""
durability: process
steps:
  - id: list
    lua: |
      local l = {}
      for i = 1, 10000 do l[i] = "k" .. i end
      return {l = l}
    outputs: [l]
  - id: load
    foreach: ${{ steps.list.outputs.l }}
    effect: idempotent
    lua: return {n = 1}
    outputs: [n]
  - id: total
    lua: return {sum = len(steps.load.items)}
    outputs: [sum]
""")
        began = time.monotonic()
        peak = self.peak_mib("--max-parallel", "8", path)
        print(f"    10,000 items: {time.monotonic() - began:.2f} s, engine {peak} MiB at most", flush=True)
        self.assertGreater(peak, 0)
        self.assertLess(peak, self.memory_mib)
        size = os.path.getsize(os.path.join(self.run_folder(), "journal.db")) >> 20
        print(f"    journal: {size} MiB", flush=True)
        self.assertLess(size, 64)
        steps = self.show()["steps"]
        self.assertEqual(len({s["item"] for s in steps if "item" in s}), 10000)
        self.assertEqual(steps[-1]["outputs"], {"sum": 10000})
        self.assertLess(len(self.timed("show", "show", "last").stdout.splitlines()), 40)
        self.assertIn("10,002 succeeded", self.timed("ls", "ls").stdout)
        self.assertLess(len(self.timed("why", "why", "last").stdout.splitlines()), 40)
        self.timed("logs", "logs", "last")
        self.timed("replay", "replay", "--speed", "0", "--json", "last")
        self.timed("report", "report", "last")
        self.assertLess(os.path.getsize(os.path.join(self.run_folder(), "report.html")), 4 << 20)
        self.timed("export", "export", "last")
        self.timed("db check", "db", "check", "last")
        self.timed("retry of the last step", "retry", "--only", "total", "last")
        self.assertEqual({s["attempts"] for s in self.show()["steps"] if "item" in s}, {1})
        self.timed("gc", "gc", "--keep", "0s")
        self.assertEqual(self.runs(), [])

    def test_a_workflow_of_10000_steps_runs_to_its_end(self):
        steps = "".join(f"  - id: s{i}\n    needs: [{f's{i - 100}' if i >= 100 else ''}]\n    lua: return\n"
                        for i in range(10000))
        path = self.workflow("durability: process\nsteps:\n" + steps)
        self.timed("check", "check", path)
        began = time.monotonic()
        peak = self.peak_mib("--max-parallel", "8", path)
        print(f"    10,000 steps: {time.monotonic() - began:.2f} s, engine {peak} MiB at most", flush=True)
        self.assertLess(peak, self.memory_mib)
        self.assertIn("10,000 succeeded", self.timed("ls", "ls").stdout)
        self.assertEqual(set(self.statuses().values()), {"succeeded"})
        self.timed("report", "report", "last")


if __name__ == "__main__":
    levada.main()
