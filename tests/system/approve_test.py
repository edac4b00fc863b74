# SPDX-License-Identifier: Apache-2.0
"""A step that a person must approve: it parks, is settled by approve and reject, and expires."""
import json
import os
import pwd
import re
import signal
import subprocess
import time

import levada

ASKS = """levada: 1
name: asks
steps:
  - id: build
    run: |
      echo build >> "$LEDGER"
      echo "count=3" >> "$LEVADA_OUTPUT"
    outputs: {count: {as: integer}}
  - id: deploy
    needs: [build]
    approve:
%s
    run: echo "deploy" >> "$LEDGER"
  - id: tell
    needs: [deploy]
    run: echo tell >> "$LEDGER"
  - id: beside
    needs: []
    run: echo beside >> "$LEDGER"
on_failure:
  - id: alarm
    run: echo "alarm-${{ run.error_class }}" >> "$LEDGER"
finally:
  - id: clean
    run: echo clean >> "$LEDGER"
"""


def keys(text):
    return ASKS % "\n".join("      " + line for line in text.strip().splitlines())


class Approve(levada.Case):
    def park(self, text="min: 1", expect=5):
        path = self.write("w.yaml", keys(text) if "levada: 1" not in text else text)
        return self.levada("run", "--json", path, expect=expect)

    def events(self, done, name=None):
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [line for line in lines if name is None or line["event"] == name]

    def step(self, ident="deploy"):
        return [s for s in self.show()["steps"] if s["id"] == ident][0]

    def me(self):
        return pwd.getpwuid(os.geteuid()).pw_name

    def test_a_step_parks_while_the_others_go_on_and_the_run_stops_with_5_and_says_what_to_type(self):
        done = self.park("expires: 2d\nby: [user:%s]" % self.me())
        self.assertEqual(sorted(self.ledger()), ["beside", "build"])
        parked = self.events(done, "run_parked")[0]
        self.assertEqual((parked["status"], parked["exit"]), ("parked", 5))
        self.assertEqual(self.events(done)[-1], parked)
        self.assertEqual([s["step"] for s in parked["steps"]], ["deploy"])
        asked = parked["steps"][0]["approval"]
        self.assertEqual((asked["status"], asked["min"], asked["by"]), ("asked", 1, ["user:" + self.me()]))
        self.assertEqual(self.events(done, "step_parked")[0]["step"], "deploy")
        self.assertEqual(self.statuses()["deploy"], "parked")
        typed = asked["approve"].split()
        self.assertEqual(typed[:2], ["levada", "approve"])
        self.assertIn("levada resume", self.levada(*typed[1:]).stderr)
        self.assertEqual(self.show()["status"], "interrupted")
        self.levada("resume", "last")
        self.assertEqual(sorted(self.ledger()), ["beside", "build", "clean", "deploy", "tell"])
        decided = self.step()["approval"]
        self.assertEqual((decided["status"], decided["decisions"][0]["who"]), ("approved", self.me()))

    def test_what_is_asked_for_is_typed_checked_and_seen_by_the_step_and_by_later_ones(self):
        text = """levada: 1
steps:
  - id: build
    run: echo "count=3" >> "$LEVADA_OUTPUT"
    outputs: {count: {as: integer}}
  - id: deploy
    approve:
      input:
        limit: {type: integer, minimum: 1, maximum: 10, default: "${{ steps.build.outputs.count }}"}
        wait: {type: duration, default: 90s}
        where: {required: true, enum: [eu, us]}
        note: {pattern: "[a-z'$ ()]*"}
    run: echo "${{ approval.input.limit + 1 }} ${{ approval.input.wait }} ${{ approval.input.where }}"
    outputs:
      said: {from: stdout}
  - id: lua
    approve: {input: {n: {type: integer, default: 7}}}
    needs: [deploy]
    lua: set_output("n", approval.input.n + len(approval.by))
    outputs: [n]
  - id: tell
    run: |
      echo "note=${{ steps.deploy.approval.input.note }}" >> "$LEVADA_OUTPUT"
      echo "by=${{ join(steps.deploy.approval.by, ',') }}" >> "$LEVADA_OUTPUT"
      echo "why=${{ steps.deploy.approval.reason }}" >> "$LEVADA_OUTPUT"
    outputs: [note, by, why]
"""
        self.park(text)
        for given, says in ((["where=mars"], "cannot be \"mars\""), ([], "\"where\" must be given"),
                            (["where=eu", "limit=11"], "more than the maximum"),
                            (["where=eu", "limit=x"], "an integer"),
                            (["where=eu", "wher=x"], "Did you mean `where`"), (["where=eu", "note=A1"], "pattern")):
            options = [word for value in given for word in ("--input", value)]
            self.assertIn(says, self.levada("approve", "last", "deploy", *options, expect=3).stderr)
        self.assertEqual(self.step()["approval"]["asks"]["limit"]["default"], 3, "evaluated once, and journalled")
        self.levada("approve", "last", "deploy", "--input", "where=eu", "--input", "note=$(it's)", "--reason",
                    "why not")
        self.levada("resume", "last", expect=5)
        self.assertEqual(self.step()["outputs"]["said"], "4 1m30s eu")
        self.assertEqual(self.step("tell")["outputs"],
                         {"note": "$(it's)", "by": self.me(), "why": "why not"})
        self.levada("approve", "last", "lua")
        self.levada("resume", "last")
        self.assertEqual(self.step("lua")["outputs"]["n"], 8)

    def test_nobody_is_asked_when_when_is_false_and_the_defaults_hold(self):
        text = """levada: 1
params: {env: {default: test}}
steps:
  - id: deploy
    approve:
      when: ${{ params.env == "prod" }}
      input: {limit: {type: integer, default: 4}, note: {required: true}}
    run: echo "limit=${{ approval.input.limit }} ${{ default(approval.input.note, 'none') }} ${{ len(approval.by) }}"
    outputs: {said: {from: stdout}}
"""
        self.park(text, expect=0)
        self.assertEqual(self.step()["outputs"]["said"], "limit=4 none 0")
        self.assertIn("not_asked", self.levada("why", "last", "deploy").stdout)
        self.levada("run", "-p", "env=prod", os.path.join(self.folder, "w.yaml"), expect=5)

    def test_a_rejected_step_fails_with_who_and_why_and_what_needs_it_does_not_run(self):
        self.park()
        self.assertIn("rejected", self.levada("reject", "last", "deploy", "--reason", "not on a Friday").stderr)
        self.levada("resume", "last", expect=1)
        self.assertEqual(sorted(self.ledger()), ["alarm-permanent", "beside", "build", "clean"])
        error = self.step()["error"]
        self.assertEqual(error["class"], "permanent")
        self.assertEqual(error["message"], self.me() + " rejected it: not on a Friday")
        self.assertEqual(self.statuses()["tell"], "skipped")
        self.assertIn("was rejected by", self.levada("approve", "last", "deploy", expect=2).stderr)

    def test_a_retry_asks_again_and_the_old_approval_does_not_count(self):
        self.park()
        self.levada("reject", "last", "deploy")
        self.levada("resume", "last", expect=1)
        self.levada("retry", "last", expect=5)
        self.assertEqual(self.step()["approval"]["decisions"], [])
        self.levada("approve", "last", "deploy")
        self.levada("resume", "last")
        self.assertEqual(self.ledger().count("deploy"), 1)
        self.levada("retry", "last", "--from", "deploy", expect=5)
        self.assertEqual(self.statuses()["deploy"], "parked")

    def slow(self, more=""):
        return """levada: 1
steps:
  - id: deploy
    approve: {%s}
    run: echo deploy >> "$LEDGER"
  - id: beside
    needs: []
    effect: pure
    run: |
      echo beside >> "$LEDGER"
      while [ ! -e "$OPEN" ]; do sleep 0.02; done
""" % more

    def start_slow(self, more=""):
        self.env["OPEN"] = os.path.join(self.folder, "open")
        process = self.start("run", "--json", self.write("w.yaml", self.slow(more)))
        self.wait_for(lambda: self.ledger() and self.statuses().get("deploy") == "parked", "the step to park")
        return process

    def open(self):
        with open(self.env["OPEN"], "w", encoding="utf-8"):
            pass

    def test_a_decision_reaches_a_running_engine_at_once(self):
        process = self.start_slow()
        self.assertIn("the run goes on", self.levada("approve", "last", "deploy", "--reason", "now").stderr)
        self.wait_for(lambda: "deploy" in self.ledger(), "the approved step")
        self.open()
        out, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)
        events = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([e["decision"] for e in events if e["event"] == "step_decided"], ["approve"])
        self.assertNotIn("run_parked", [e["event"] for e in events])

    def test_a_rejection_reaches_a_running_engine_at_once(self):
        process = self.start_slow()
        self.levada("reject", "last", "deploy")
        self.wait_for(lambda: self.statuses()["deploy"] == "failed", "the rejected step")
        self.open()
        process.communicate(timeout=30)
        self.assertEqual((process.returncode, self.ledger()), (1, ["beside"]))

    def test_a_question_expires_while_the_engine_runs(self):
        process = self.start_slow("expires: 300ms")
        self.wait_for(lambda: self.statuses()["deploy"] == "failed", "the question to expire")
        self.assertIsNone(process.poll(), "other steps still run")
        self.assertIn("expired at", self.levada("approve", "last", "deploy", expect=7).stderr)
        self.open()
        process.communicate(timeout=30)
        error = self.step()["error"]
        self.assertEqual((process.returncode, error["class"]), (1, "timeout"))
        self.assertIn("nobody approved it until", error["message"])
        self.assertEqual(self.step()["reason"]["code"], "expired")

    def test_an_engine_with_nothing_else_to_do_does_not_wait_for_the_end_of_a_question(self):
        began = time.monotonic()
        self.park("expires: 1h")
        self.assertLess(time.monotonic() - began, 30)

    def test_a_question_expires_while_no_engine_lives(self):
        self.park("expires: 100ms")
        time.sleep(0.15)
        done = self.levada("approve", "last", "deploy", expect=7)
        self.assertIn("expired at", done.stderr)
        self.assertIn("levada retry", done.stderr)
        self.assertEqual(self.show()["status"], "interrupted")
        self.levada("resume", "last", expect=1)
        self.assertEqual(sorted(self.ledger()), ["alarm-timeout", "beside", "build", "clean"])
        self.levada("retry", "last", expect=5)
        time.sleep(0.15)
        self.levada("resume", "--all", expect=1)
        self.assertEqual(self.show()["status"], "failed")

    def test_only_whom_by_names_may_decide_and_a_group_is_enough(self):
        self.park("by: [user:nobody_we_know, group:no_group_we_know]")
        for verb in ("approve", "reject"):
            done = self.levada(verb, "last", "deploy", expect=7, env={"SUDO_USER": "nobody_we_know"})
            self.assertIn("by` names user:nobody_we_know, group:no_group_we_know", done.stderr)
        self.assertEqual(self.statuses()["deploy"], "parked")
        self.levada("cancel", "last", expect=10)
        for by in ("user:%d" % os.geteuid(), "group:%d" % os.getegid(), "user:" + self.me()):
            self.park("by: [user:nobody_we_know, \"%s\"]" % by)
            self.levada("approve", "last", "deploy")
            self.levada("resume", "last")

    def test_who_came_through_sudo_is_written_down_as_a_claim(self):
        self.park()
        self.levada("approve", "last", "deploy", env={"SUDO_USER": "ann"})
        self.assertEqual(self.step()["approval"]["decisions"][0]["claim"], "ann")
        self.assertIn("(through sudo by ann) approved", self.levada("why", "last", "deploy").stdout)

    def test_one_user_counts_once(self):
        self.park("min: 2")
        self.assertIn("1 of 2", self.levada("approve", "last", "deploy").stderr)
        self.assertIn("already", self.levada("approve", "last", "deploy").stderr)
        self.assertEqual(self.show()["status"], "parked")
        self.levada("resume", "last", expect=5)
        self.assertEqual(self.step()["approval"]["approvals"], 1)
        self.assertIn("1 of 2: " + self.me(), self.levada("show", "last").stdout)
        self.levada("reject", "last", "deploy")
        self.levada("resume", "last", expect=1)

    def test_the_owner_and_root_are_two_users_with_an_engine_and_without(self):
        if os.geteuid() != 0:
            return self.test_one_user_counts_once()  # only root can be another user
        owner = pwd.getpwnam("nobody")
        os.chmod(self.folder, 0o711)
        os.mkdir(self.state, 0o700)
        os.chown(self.state, owner.pw_uid, owner.pw_gid)
        as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        self.env["OPEN"] = os.path.join(self.folder, "open")
        self.env["LEDGER"] = os.path.join(self.state, "ledger")
        self.ledger_path = self.env["LEDGER"]

        def owned(*args, expect=0):
            done = subprocess.run([levada.LEVADA, *args], env=self.env, cwd="/", capture_output=True, text=True,
                                  timeout=60, check=False, **as_owner)
            self.assertEqual(done.returncode, expect, done.stderr)
            return done

        def approvals():
            shown = json.loads(owned("show", "last", "--json").stdout)
            return [(d["who"], shown["status"]) for d in shown["steps"][0].get("approval", {}).get("decisions", [])]
        path = self.write("w.yaml", self.slow("min: 2, by: [user:root, user:nobody]"))
        os.chmod(path, 0o644)
        process = self.start("run", path, **as_owner)
        self.wait_for(lambda: "beside" in self.ledger() and '"parked"' in owned("show", "last", "--json").stdout,
                      "the step to park")
        self.assertIn("1 of 2", self.levada("approve", self.run_folder(), "deploy").stderr)
        owned("approve", "last", "deploy")
        self.wait_for(lambda: "deploy" in self.ledger(), "the step that both approved")
        self.open()
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)
        owned("run", path, expect=5)
        self.assertIn("is left with the run", self.levada("approve", self.run_folder(), "deploy").stderr)
        self.assertEqual(approvals(), [])
        owned("approve", "last", "deploy")
        self.assertEqual(approvals(), [("root", "interrupted"), ("nobody", "interrupted")])
        owned("resume", "last")
        self.assertEqual(self.ledger().count("deploy"), 2)
        for name, _, files in os.walk(self.state):
            for file in files:
                self.assertEqual(os.stat(os.path.join(name, file)).st_uid, owner.pw_uid, file)

    def test_a_cancel_ends_a_parked_run(self):
        self.park()
        self.levada("cancel", "last", expect=10)
        self.assertEqual(self.statuses()["deploy"], "cancelled")
        self.assertEqual(sorted(self.ledger()), ["beside", "build", "clean"])
        self.assertIn("only a parked step", self.levada("approve", "last", "deploy", expect=2).stderr)

    def test_a_cancelled_run_asks_nobody_in_finally(self):
        text = """levada: 1
steps:
  - id: work
    approve: true
    run: echo work >> "$LEDGER"
finally:
  - id: clean
    run: echo clean >> "$LEDGER"
  - id: wipe
    approve: true
    run: echo wipe >> "$LEDGER"
"""
        self.park(text)
        self.levada("cancel", "last", expect=10)
        self.assertEqual((self.ledger(), self.statuses()["wipe"]), (["clean"], "cancelled"))
        self.park(text)
        self.levada("approve", "last", "work")
        self.levada("resume", "last", expect=5)
        self.assertEqual(self.statuses()["wipe"], "parked")
        self.levada("cancel", "last", expect=10)
        self.assertEqual(self.statuses()["wipe"], "cancelled")

    def test_a_resume_of_what_is_still_parked_says_what_to_type_and_resume_all_says_nothing(self):
        self.park()
        done = self.levada("resume", "last", expect=5)
        self.assertRegex(done.stderr, r"next: levada approve \w+ deploy")
        done = self.levada("resume", "--all")
        self.assertEqual(done.stdout, "")
        rows = [json.loads(line) for line in self.levada("resume", "--all", "--json").stdout.splitlines()]
        self.assertEqual([(row["action"], row["exit"]) for row in rows], [("left", 5)])
        self.assertIn("levada approve", self.levada("retry", "last", expect=5).stderr)
        self.levada("approve", "last", "deploy")
        self.levada("resume", "--all")
        self.assertEqual(self.show()["status"], "succeeded")

    def test_who_looks_sees_who_is_waited_for_since_when_and_what_to_type(self):
        self.park("expires: 3d\nby: [user:ann, group:dba]")
        for command in (("show", "last"), ("ps",), ("why", "last", "deploy"), ("why", "last")):
            said = self.levada(*command).stdout
            self.assertRegex(said, r"waits for an approval by user:ann or group:dba since 20\S+ \S+ until 20", command)
            self.assertRegex(said, r"levada approve \w+ deploy", command)
        self.assertRegex(self.levada("ls").stdout, r"parked .*1 parked")
        self.assertEqual([row["kind"] for row in json.loads(self.levada("ps", "--json").stdout)], ["parked"])
        self.levada("report", "last", "-o", "page.html")
        with open(os.path.join(self.folder, "page.html"), encoding="utf-8") as text:
            page = text.read()
        self.assertRegex(page, r"waits for an approval by user:ann or group:dba")
        self.assertRegex(page, r"levada approve \w+ deploy")

    def test_a_parked_run_is_kept_by_gc_and_keeps_its_place_in_its_group(self):
        text = "levada: 1\nconcurrency: {group: g, overlap: skip}\nsteps: [{id: a, approve: true, run: 'true'}]\n"
        self.park(text)
        self.levada("run", os.path.join(self.folder, "w.yaml"), expect=6)
        self.levada("gc", "--keep", "1", "--keep-failed", "1")
        self.assertEqual(len(self.runs()), 1)
        self.levada("cancel", "last", expect=10)
        self.levada("run", os.path.join(self.folder, "w.yaml"), expect=5)

    def test_a_parked_step_holds_no_slot_of_its_pool(self):
        text = "levada: 1\nsteps: [{id: deploy, pool: p, %srun: 'true'}]\n"
        self.park(text % "approve: true, ")
        other = self.write("other.yaml", text % "")
        self.levada("run", other)
        self.levada("approve", self.runs()[0], "deploy")
        self.levada("resume", self.runs()[0])

    def test_an_unknown_step_wins_over_a_parked_one(self):
        text = """levada: 1
steps:
  - id: deploy
    approve: true
    run: 'true'
  - id: odd
    needs: []
    run: |
      echo $PPID >> "$LEDGER"
      sleep 60
"""
        process = self.start("run", self.write("w.yaml", text))
        self.wait_for(lambda: self.ledger() and self.statuses()["deploy"] == "parked", "both")
        os.kill(int(self.ledger()[0]), signal.SIGKILL)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 9)
        self.levada("approve", "last", "deploy")
        self.assertEqual(self.show()["status"], "unknown")
        self.levada("resume", "last", expect=9)
        self.levada("resolve", "last", "odd", "--done")
        self.levada("resume", "last")

    def test_a_decision_that_lies_there_is_taken_by_the_next_resume_exactly_once(self):
        if not levada.has_failpoints():
            return
        self.park()
        self.levada("approve", "last", "deploy", expect=-9, env={"LEVADA_FAILPOINT": "file_renamed:1:self"})
        left = [n for n in os.listdir(self.run_folder()) if n.startswith("decide.")]
        self.assertEqual(len(left), 1)
        self.assertEqual(self.statuses()["deploy"], "parked")
        self.levada("resume", "--all")
        self.assertEqual(self.ledger().count("deploy"), 1)
        self.assertEqual([n for n in os.listdir(self.run_folder()) if "decide" in n], [])
        # The same file again, as if it had not gone: the question it answers is an old one.
        self.levada("retry", "last", "--from", "deploy", expect=5)
        with open(os.path.join(self.run_folder(), left[0]), "w", encoding="utf-8") as out:
            json.dump({"id": "0", "step": "deploy", "number": 1, "decision": "approve", "who": "ann"}, out)
        self.levada("resume", "last", expect=5)
        self.assertEqual(self.statuses()["deploy"], "parked")
        self.assertEqual([n for n in os.listdir(self.run_folder()) if "decide" in n], [])

    def test_of_two_who_decide_at_once_one_is_taken_and_the_other_is_told(self):
        for engine in (False, True):
            for _ in range(6):
                process = self.start_slow() if engine else None
                if not engine:
                    self.park()
                run = self.show()["run"]
                both = [self.start(verb, run, "deploy") for verb in ("approve", "reject")]
                said = [(one.communicate(timeout=30), one.returncode)[1] for one in both]
                self.assertEqual(sorted(said), [0, 2], (engine, said))
                decisions = self.step()["approval"]["decisions"]
                self.assertEqual([d["decision"] for d in decisions], ["approve" if said[0] == 0 else "reject"])
                if engine:
                    self.open()
                    process.communicate(timeout=30)
                    os.remove(self.env["OPEN"])
                    os.remove(self.ledger_path)
                    self.assertEqual(process.returncode, 1 if said[0] else 0)
                else:
                    self.levada("resume", run, expect=1 if said[0] else 0)

    def test_an_engine_that_does_not_move_gets_the_decision_when_it_does(self):
        process = self.start_slow()
        os.kill(process.pid, signal.SIGSTOP)
        try:
            approve = self.start("approve", "last", "deploy")
            self.wait_for(lambda: [n for n in os.listdir(self.run_folder()) if n.startswith("decide.")], "the file")
        finally:
            os.kill(process.pid, signal.SIGCONT)
        approve.communicate(timeout=30)
        self.assertEqual(approve.returncode, 0)
        self.wait_for(lambda: "deploy" in self.ledger(), "the approved step")
        self.open()
        process.communicate(timeout=30)

    def test_a_killed_engine_leaves_the_question_and_the_answer(self):
        process = self.start_slow()
        process.kill()
        process.communicate(timeout=30)
        self.open()
        self.assertIn("levada resume", self.levada("approve", "last", "deploy").stderr)
        self.levada("resume", "last")
        self.assertEqual(self.ledger().count("deploy"), 1)

    def test_what_cannot_be_decided_is_refused_with_a_sentence(self):
        self.park()
        for args, code, says in ((("approve", "last", "deplo"), 2, "Did you mean \"deploy\""),
                                 (("approve", "last", "build"), 2, "it has no `approve`"),
                                 (("approve", "last"), 2, "which step"),
                                 (("reject", "last", "deploy", "--input", "a=b"), 2, "no option"),
                                 (("approve", "last", "deploy", "--input", "a"), 2, "NAME=VALUE"),
                                 (("approve", "last", "deploy", "--input", "a=b"), 3, "has no input \"a\"")):
            self.assertIn(says, self.levada(*args, expect=code).stderr)
        self.assertEqual(self.statuses()["deploy"], "parked")

    def test_a_loop_is_asked_about_as_a_whole(self):
        text = """levada: 1
steps:
  - id: each
    foreach: [a, b, c]
    approve: {input: {n: {type: integer, default: 2}}}
    run: echo "${{ item }}${{ approval.input.n }}" >> "$LEDGER"
  - id: tell
    run: echo "by-${{ join(steps.each.approval.by, '') }}" >> "$LEDGER"
"""
        self.park(text)
        self.assertEqual(self.ledger(), [])
        self.levada("approve", "last", "each", "--input", "n=5")
        self.levada("resume", "last")
        self.assertEqual(sorted(self.ledger()[:3]), ["a5", "b5", "c5"])
        self.assertEqual(self.ledger()[3:], ["by-" + self.me()])

    def test_items_that_when_names_are_asked_about_one_by_one(self):
        text = """levada: 1
steps:
  - id: each
    foreach: ["1", "2", "a b"]
    key: ${{ item }}
    approve: {when: "${{ item ~= '2' }}", input: {note: {default: "${{ item }}"}}}
    run: echo "item-${{ replace(item, ' ', '_') }}-${{ replace(approval.input.note, ' ', '_') }}" >> "$LEDGER"
"""
        parked = self.events(self.park(text), "run_parked")[0]["steps"]
        self.assertEqual([(s["step"], s["item"]) for s in parked], [("each", "1"), ("each", "a b")])
        self.assertEqual(self.ledger(), ["item-2-2"])
        self.assertTrue(parked[1]["approval"]["approve"].endswith("each --item 'a b'"), parked[1])
        self.assertIn("One that waits: each --item 1", self.levada("approve", "last", "each", expect=2).stderr)
        self.assertIn("Did you mean", self.levada("approve", "last", "each", "--item", "9", expect=2).stderr)
        self.assertIn("levada approve", self.levada("show", "last").stdout)
        self.levada("approve", "last", "each", "--item", "a b", "--input", "note=yes")
        self.levada("reject", "last", "each", "--item", "1", "--reason", "no")
        self.levada("resume", "last", expect=1)
        self.assertEqual(self.ledger(), ["item-2-2", "item-a_b-yes"])
        self.levada("retry", "last", expect=5)
        self.levada("approve", "last", "each", "--item", "1")
        self.levada("resume", "last")
        self.assertEqual(self.ledger(), ["item-2-2", "item-a_b-yes", "item-1-1"])

    def test_an_item_that_is_rejected_stops_the_others_of_a_loop_that_fails_fast(self):
        self.park("""levada: 1
steps:
  - id: each
    foreach: [a, b, c]
    fail_fast: true
    approve: {input: {note: {default: "${{ item }}"}}}
    run: echo "${{ item }}" >> "$LEDGER"
""")
        self.levada("reject", "last", "each", "--item", "b")
        self.levada("resume", "last", expect=1)
        self.assertEqual(self.ledger(), [])
        self.assertEqual(sorted(s["status"] for s in self.show()["steps"] if s.get("item")),
                         ["failed", "skipped", "skipped"])

    def test_an_interrupted_run_with_a_parked_step_is_resumed_and_parks_again(self):
        process = self.start_slow()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)
        self.open()
        self.levada("resume", "--all", expect=5)
        self.assertEqual(self.statuses(), {"deploy": "parked", "beside": "succeeded"})

    def test_a_group_is_asked_about_before_its_steps_and_they_see_what_was_said(self):
        self.write("inner.yaml", """levada: 1
params: {limit: {type: integer, required: true}}
steps:
  - id: load
    approve: {input: {note: {default: none}}}
    run: echo "load-${{ params.limit }}-${{ approval.input.note }}" >> "$LEDGER"
""")
        text = """levada: 1
steps:
  - id: both
    approve: {input: {limit: {type: integer, required: true}}}
    steps:
      - id: one
        run: echo "one-${{ approval.input.limit }}" >> "$LEDGER"
      - id: two
        needs: [one]
        workflow: inner.yaml
        with: {limit: "${{ approval.input.limit }}"}
    outputs: {limit: "${{ approval.input.limit }}"}
  - id: tell
    run: echo "tell-${{ steps.both.outputs.limit }}-${{ steps.both.approval.input.limit }}" >> "$LEDGER"
"""
        self.park(text)
        self.assertEqual(self.ledger(), [])
        self.levada("approve", "last", "both", "--input", "limit=7")
        self.levada("resume", "last", expect=5)
        self.assertEqual(self.ledger(), ["one-7"])
        self.assertIn("levada approve", self.levada("show", "last").stdout)
        self.levada("approve", "last", "both.two.load", "--input", "note=go")
        self.levada("resume", "last")
        self.assertEqual(self.ledger(), ["one-7", "load-7-go", "tell-7-7"])

    def test_the_example_of_the_documentation_does_what_it_says(self):
        with open(os.path.join(levada.SOURCE, "docs", "workflow.md"), encoding="utf-8") as text:
            section = text.read().split("## Asking a person", 1)[1].split("\n## ", 1)[0]
        example = re.search(r"```yaml\n(.*?)```", section, re.S).group(1)
        path = self.write("release.yaml", example)
        self.levada("run", path, expect=5)
        self.levada("approve", "last", "release", expect=3)
        self.levada("approve", "last", "release", "--input", "ticket=OPS-17", "--reason", "window is open")
        done = self.levada("resume", "last")
        self.assertIn("OPS-17", self.levada("logs", "last").stdout, done.stderr)
        self.levada("run", "-p", "env=test", path)


if __name__ == "__main__":
    levada.main()
