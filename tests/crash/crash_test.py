# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every point of every kind of step: nothing is lost and nothing is done twice."""
import random
import unittest
import zlib

import crash
import kinds
import levada

JOURNAL = ("journal_before", "journal_inside", "journal_after")
VICTIMS = ("engine", "launcher", "worker", "engine+worker", "all")
SHELLS = [name for name in kinds.KINDS if name.startswith(("run-", "retry-", "handlers-"))]
ACTIONS = [name for name in kinds.KINDS if name not in SHELLS]
# A build with sanitizers is five times slower: there every fourth case must do.
SHARE = 4 if crash.setting("LEVADA_SANITIZE") else 1


class Crash(unittest.TestCase):
    def setUp(self):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")

    def kill(self, cases, least):
        cases = [case for case in cases if zlib.crc32(" ".join(case).encode()) % SHARE == 0]
        kills, wrong = crash.run_all(cases)
        print(f"kill points that ran: {sum(kills.values())} in {len(cases)} cases,", dict(kills), flush=True)
        if wrong:
            self.fail(f"{len(wrong)} of {len(cases)} cases went wrong\n\n" + "\n\n".join(wrong[:10]))
        self.assertGreaterEqual(sum(kills.values()), least // (SHARE * (1 if SHARE == 1 else 1.2)))

    def every_write(self, names, victims):
        cases = []
        for name in names:
            for point, count in crash.passings(name, JOURNAL).items():
                self.assertGreaterEqual(count, kinds.KINDS[name].writes, (name, point))
                cases += [(name, f"{point}:{n}:{victim}") for victim in victims for n in range(1, count + 1)]
        least = sum(kinds.KINDS[name].writes for name in names) * len(JOURNAL) * len(victims)
        self.kill(cases, least)


class Shells(Crash):
    def test_shell_steps_survive_a_kill_at_every_journal_write(self):
        self.every_write(SHELLS, VICTIMS)


class Actions(Crash):
    def test_actions_and_lua_survive_a_kill_at_every_journal_write(self):
        self.every_write(ACTIONS, VICTIMS)


if __name__ == "__main__":
    levada.main()
