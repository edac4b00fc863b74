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
    counted = []

    @classmethod
    def tearDownClass(cls):
        print("\n".join(cls.counted), flush=True)
        cls.counted.clear()

    def setUp(self):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")

    def kill(self, cases, least):
        share = SHARE if len(cases) > 20 else 1
        cases = [case for case in cases if zlib.crc32(" ".join(case).encode()) % share == 0]
        kills, wrong = crash.run_all(cases)
        self.counted.append(f"kill points that ran: {sum(kills.values())} in {len(cases)} cases, {dict(kills)}")
        if wrong:
            self.fail(f"{len(wrong)} of {len(cases)} cases went wrong\n\n" + "\n\n".join(wrong[:10]))
        self.assertGreaterEqual(sum(kills.values()), least // (share * (1 if share == 1 else 1.3)))

    def every_write(self, names, victims):
        cases = []
        for name in names:
            for point, count in crash.passings(name, JOURNAL).items():
                self.assertGreaterEqual(count, kinds.ALL[name].writes, (name, point))
                cases += [(name, f"{point}:{n}:{victim}") for victim in victims for n in range(1, count + 1)]
        least = sum(kinds.ALL[name].writes for name in names) * len(JOURNAL) * len(victims)
        self.kill(cases, least)


class Shells(Crash):
    def test_shell_steps_survive_a_kill_at_every_journal_write(self):
        self.every_write(SHELLS, VICTIMS)


class Actions(Crash):
    def test_actions_and_lua_survive_a_kill_at_every_journal_write(self):
        self.every_write(ACTIONS, VICTIMS)


class Protocol(Crash):
    """Points of the protocol between engine, launcher and worker."""

    POINTS = ("launcher_asked", "launcher_forked", "launcher_reaped", "worker_launched", "worker_locked",
              "worker_claimed", "worker_started", "worker_done", "worker_ended", "worker_delivered", "receipt_sent",
              "checkpoint_sent", "seat_marked", "seat_taken", "seat_released", "hook_before", "hook_after")
    KINDS = ("run-unsafe", "run-keyed", "run-shared-unsafe", "run-shared-keyed", "run-checkpointed", "retry-keyed",
             "handlers-unsafe", "run-hooked-unsafe", "retry-hooked-keyed", "lua-unsafe", "keeper",
             "keyed", "transactional", "probe", "unsafe", "checkpointed")

    def test_every_kind_survives_a_kill_at_every_point_of_the_protocol(self):
        cases, least = [], 0
        for name in self.KINDS:
            for point, count in crash.passings(name, self.POINTS).items():
                numbers = range(1, min(count, 3) + 1)
                for victim in ("self", "self+engine", "engine", "launcher", "all"):
                    cases += [(name, f"{point}:{n}:{victim}") for n in numbers]
            # Three workers, or one that takes three jobs; a launcher that is killed asks no more.
            least += 5 * 3 * (9 if name != "keeper" else 7)
        self.kill(cases, least)


class Alone(Crash):
    """A worker whose engine is gone keeps what it did, and may be killed while it keeps it."""

    POINTS = ("worker_done", "worker_ended", "file_written", "file_synced", "file_renamed", "worker_delivered",
              "checkpoint_written", "checkpoint_synced", "adopt_claimed")
    KINDS = ("run-unsafe", "run-keyed", "run-checkpointed", "handlers-unsafe", "lua-unsafe", "keeper", "keyed",
             "transactional", "probe", "unsafe", "checkpointed")

    def test_a_worker_without_an_engine_survives_a_kill_while_it_keeps_its_receipt(self):
        cases = []
        for name in self.KINDS:
            for first in ("worker_started:1:engine", "worker_claimed:2:engine+launcher", "worker_locked:1:engine"):
                cases += [(name, f"{first},{point}:{n}:{victim}") for point in self.POINTS for n in (1, 2)
                          for victim in ("self", "all")]
        # Not every point is passed in each: the engine's death always is.
        self.kill(cases, len(cases) * 5 // 4)

    def test_a_worker_without_an_engine_survives_a_kill_in_its_hooks(self):
        cases = [("run-hooked-unsafe", f"{first},{point}:{n}:{victim}")
                 for first in ("worker_claimed:2:engine", "worker_claimed:3:engine+launcher", "worker_locked:2:engine")
                 for point in ("hook_before", "hook_after", "worker_ended", "file_renamed") for n in (1, 2)
                 for victim in ("self", "all")]
        self.kill(cases, len(cases) * 5 // 4)


class Twice(Crash):
    """What recovers is killed as well."""

    def test_a_resume_that_is_killed_too_changes_nothing(self):
        chance, cases = random.Random(4), []
        for name, kind in kinds.KINDS.items():
            for _ in range(24):
                points = [f"{chance.choice(JOURNAL)}:{chance.randint(2, kind.writes)}:{chance.choice(VICTIMS)}",
                          f"{chance.choice(JOURNAL)}:{kind.writes + chance.randint(1, 3)}:{chance.choice(VICTIMS)}",
                          f"{chance.choice(Protocol.POINTS)}:{chance.randint(1, 3)}:{chance.choice(('self', 'all'))}"]
                cases.append((name, ",".join(points)))
        self.kill(cases, len(cases))

    def test_a_step_that_is_killed_again_and_again_is_taken_up_again_and_again(self):
        """The bound on workers that vanish is for those that die by themselves, not for a machine with a bad day."""
        for name in ("run-keyed", "run-checkpointed", "probe", "transactional", "checkpointed"):
            cases = [(name, ",".join(f"worker_started:{n}:all" for n in range(1, sessions))) for sessions in (9, 14)]
            self.kill(cases, len(cases) * 8)


class Trees(Crash):
    """Loops, groups, workflows of other files, until, undo, and what a chunk calls."""

    SHAPES = [name for name in kinds.TREES if name.startswith(("loop-", "group-", "workflow-", "until-"))]
    BEGUN = [name for name in kinds.TREES if name.startswith(("rollback-", "call-"))]

    def test_loops_groups_and_workflows_survive_a_kill_at_every_journal_write(self):
        self.every_write(self.SHAPES, ("engine", "worker", "all"))

    def test_undo_and_what_a_chunk_calls_survive_a_kill_at_every_journal_write(self):
        self.every_write(self.BEGUN, ("engine", "worker", "all"))

    def test_a_chunk_survives_a_kill_between_its_calls(self):
        cases = [(name, f"{point}:{n}:{victim}") for name in self.BEGUN if name.startswith("call-")
                 for point in ("call_sent", "call_replied", "worker_started", "worker_done") for n in (1, 2)
                 for victim in ("self", "engine", "self+engine", "launcher", "all")]
        self.kill(cases, len(cases) * 4 // 5)

    def test_a_resume_of_them_that_is_killed_too_changes_nothing(self):
        chance, cases = random.Random(6), []
        for name, kind in kinds.TREES.items():
            for _ in range(12):
                points = [f"{chance.choice(JOURNAL)}:{chance.randint(2, kind.writes)}:{chance.choice(VICTIMS)}",
                          f"{chance.choice(JOURNAL)}:{kind.writes + chance.randint(1, 3)}:{chance.choice(VICTIMS)}",
                          f"{chance.choice(Protocol.POINTS)}:{chance.randint(1, 3)}:{chance.choice(('self', 'all'))}"]
                cases.append((name, ",".join(points)))
        self.kill(cases, len(cases))


class Asked(Crash):
    """Somebody asks for the end of a run, and a kill comes between."""

    def test_a_cancel_or_an_interrupt_survives_a_kill_at_every_journal_write(self):
        # Commits 1 to 3 make and start the run and its first step; what is asked comes behind them.
        cases = [(name, f"{point}:{n}:{victim}") for name in ("cancelled", "interrupted") for point in JOURNAL
                 for n in range(4, 9) for victim in VICTIMS]
        self.kill(cases, len(cases) * 2 // 3)


    def test_a_retry_survives_a_kill_at_every_journal_write(self):
        cases = [("retried", f"{point}:{n}:{victim}") for point in JOURNAL for n in range(1, 6) for victim in VICTIMS]
        self.kill(cases, len(cases) * 4 // 5)

    def test_a_person_s_decision_survives_a_kill_at_every_journal_write_and_is_taken_once(self):
        cases = [(name, f"{point}:{n}:{victim}") for name in ("approved", "rejected", "answered") for point in JOURNAL
                 for n in range(2, 9) for victim in ("engine", "launcher", "all")]
        cases += [(name, f"{point}:{n}:{victim}") for name in ("approved", "rejected", "answered") for n in (1, 2)
                  for point in ("file_written", "file_synced", "file_renamed", "decision_taken")
                  for victim in ("self", "engine", "all")]
        self.kill(cases, len(cases) // 2)

    def test_without_syncs_a_kill_loses_nothing_either(self):
        cases = [(name, f"{point}:{n}:{victim}") for name in kinds.OTHERS if name.startswith("process-")
                 for point in JOURNAL for n in range(1, 7) for victim in VICTIMS]
        self.kill(cases, len(cases) * 4 // 5)

    def test_a_step_that_is_stopped_behind_its_effect_by_no_kill_at_all_has_it_once(self):
        # What the spec's length says is the signal: both are tried.
        self.kill([(name, spec) for name in kinds.OTHERS if name.startswith("halted")
                   for spec in ("journal_before:99", "journal_before:999")], 0)


class Struck(Crash):
    """No chosen points: some of its processes are killed at any moment."""

    def test_a_kill_at_any_moment_loses_nothing_and_repeats_nothing(self):
        chance, cases = random.Random(5), []
        victims = ("engine", "launcher", "worker", "engine+launcher", "engine+worker", "launcher+worker",
                   "engine+launcher+worker", "engine+launcher+worker+shell", "worker+shell")
        for name in ("struck-unsafe", "struck-keyed", "struck-checkpointed", "struck-probe"):
            cases += [(name, f"{chance.randint(1, 120)}-{chance.choice(victims)}") for _ in range(100)]
        self.kill(cases, len(cases) // 2)

    def test_a_machine_that_goes_down_and_kills_politely_loses_nothing_either(self):
        cases = [(name, f"{ms}-all") for name in kinds.OTHERS if name.startswith("downed") for ms in range(2, 80, 4)]
        self.kill(cases, len(cases))


if __name__ == "__main__":
    levada.main()
