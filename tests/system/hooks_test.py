# SPDX-License-Identifier: Apache-2.0
"""Hooks: Lua beside the work of a step, before its effect and after it."""
import json
import os
import re
import signal
import sqlite3
import time

import levada

LOOP = "while true do end"
# Long enough to be found at work, and within the budget of a hook.
SPIN = "local n = 0 for i = 1, 3000000 do n = n + i end"


class Hooks(levada.Case):
    def workflow(self, text, name="hooked.yaml"):
        return self.write(name, "levada: 1\n" + text)

    def run_steps(self, text, expect=0, args=()):
        self.levada("run", *args, self.workflow(text), expect=expect)
        return {step["id"]: step for step in self.show()["steps"]}

    def log(self, step, *args):
        lines = self.levada("logs", "last", step, *args).stdout.splitlines()
        return [re.sub(r"^\S+Z ", "", line) for line in lines]

    def receipts(self):
        folder = os.path.join(self.run_folder(), "receipts")
        return sorted(os.listdir(folder))

    # ---- what they see and do ----

    def test_hooks_of_the_top_come_before_those_of_the_step_in_the_order_of_the_file(self):
        self.run_steps("""
hooks:
  before_step: [log("top 1"), log("top 2")]
  after_step: log("top after")
steps:
  - id: a
    run: echo work
    hooks: {before_step: log("own"), after_step: log("own after")}
""")
        self.assertEqual(self.log("a"), ["info top 1", "info top 2", "info own", "work", "info top after",
                                         "info own after"])

    def test_a_hook_sees_its_step_and_the_names_of_the_workflow(self):
        self.run_steps("""
params: {who: {default: ann}}
env: {REGION: eu}
steps:
  - id: first
    run: echo n=7 >> "$LEVADA_OUTPUT"
    outputs: {n: {as: integer}}
  - id: a
    name: The second
    effect: idempotent
    run: echo "${{ params.who }}"
    hooks:
      before_step: |
        log(json({step.id, step.name, step.item, step.attempt, step.kind, step.action, step.effect}))
        log(params.who .. " " .. env.REGION .. " " .. steps.first.outputs.n .. " " .. run.name)
        log(step.inputs.run)
""")
        self.assertEqual(self.log("a"), ['info ["a","The second",null,1,"run",null,"idempotent"]',
                                         "info ann eu 7 hooked",
                                         'info echo "${LEVADA_1}"', "ann"])

    def test_a_step_that_a_hook_mentions_is_an_edge(self):
        done = self.levada("run", "--json", self.workflow("""
steps:
  - id: late
    run: sleep 0.2
  - id: a
    run: 'true'
    hooks: {after_step: log(steps.late.status)}
"""))
        events = [json.loads(line) for line in done.stdout.splitlines()]
        order = [(e["event"], e["step"]) for e in events if e["event"] in ("step_started", "step_finished")]
        self.assertLess(order.index(("step_finished", "late")), order.index(("step_started", "a")))
        self.assertEqual(self.log("a"), ["info succeeded"])

    BEFORE = """
params: {day: {default: mon}}
defaults: {retry: {attempts: 3, delay: 1ms}}
hooks:
  before_run:
    - if params.day == "sun" then skip("not on sundays") end log("go " .. run.name)
    - {use: lua/day.lua, with: {bad: tue}}
  before_step: log("step " .. step.id)
steps:
  - id: a
    needs: []
    run: echo a >> "$LEDGER"
  - id: b
    needs: [a]
    run: echo b >> "$LEDGER"
  - id: c
    needs: []
    run: echo c >> "$LEDGER"
finally:
  - id: z
    run: echo z >> "$LEDGER"
"""

    def test_before_run_is_a_step_in_front_of_all_others(self):
        self.write("lua/day.lua", "-- no\nif params.day == with.bad then fail(\"no \" .. with.bad, \"contract\") end\n")
        done = self.levada("run", "--json", self.workflow(self.BEFORE))
        events = [json.loads(line) for line in done.stdout.splitlines()]
        order = [(e["event"], e["step"]) for e in events if e["event"] in ("step_started", "step_finished")]
        self.assertEqual(order[:4], [("step_started", "before_run"), ("step_finished", "before_run"),
                                     ("step_started", "before_run_2"), ("step_finished", "before_run_2")])
        self.assertEqual(self.log("before_run"), ["info go hooked"])
        self.assertEqual((sorted(self.ledger()), set(self.statuses().values())), (["a", "b", "c", "z"], {"succeeded"}))

    def test_before_run_that_fails_or_skips_keeps_all_from_running_but_the_end(self):
        self.write("lua/day.lua", "-- no\nif params.day == with.bad then fail(\"no \" .. with.bad, \"contract\") end\n")
        steps = self.run_steps(self.BEFORE, 1, ("-p", "day=tue"))
        self.assertEqual(self.ledger(), ["z"])
        self.assertEqual([steps[i]["status"] for i in ("before_run", "before_run_2", "a", "b", "c", "z")],
                         ["succeeded", "failed", "skipped", "skipped", "skipped", "succeeded"])
        self.assertEqual(steps["before_run_2"]["attempts"], 1)
        error = steps["before_run_2"]["error"]
        self.assertEqual((error["message"], error["class"], error["line"]), ("hook before_run: no tue", "contract", 2))
        self.assertEqual(error["file"], os.path.join(self.folder, "lua", "day.lua"))
        steps = self.run_steps(self.BEFORE, 0, ("-p", "day=sun"))
        self.assertEqual(self.ledger(), ["z", "z"])
        self.assertEqual(steps["before_run"]["reason"]["text"], "not on sundays")

    def test_an_edited_or_new_hook_makes_no_finished_step_run_again(self):
        text = """
steps:
  - id: a
    run: echo a >> "$LEDGER"
  - id: b
    needs: [a]
    run: test -e mended && echo b >> "$LEDGER"
"""
        self.levada("run", self.workflow(text), expect=1)
        self.write("mended", "")
        for hooks in ("hooks: {before_run: log(1), after_step: log(1)}", "hooks: {before_run: log(2)}"):
            edited = self.workflow(hooks + text, "edited.yaml")
            done = self.levada("retry", "last", "--with", edited, "--dry-run")
            said = done.stdout + done.stderr
            self.assertRegex(said, r"keep +a +it succeeded")
        self.levada("retry", "last", "--with", edited)
        self.assertEqual(self.ledger(), ["a", "b"])
        self.assertEqual(self.log("before_run"), ["info 2"])

    def test_a_step_that_is_called_like_the_hook_is_refused(self):
        done = self.levada("check", self.workflow("""
hooks: {before_run: log(1)}
steps:
  - {id: before_run, run: echo}
"""), expect=3)
        self.assertIn('there are two steps "before_run"', done.stdout)

    def test_hooks_of_a_loop_run_for_each_item_and_know_it(self):
        self.run_steps("""
steps:
  - id: before
    run: echo n=5 >> "$LEVADA_OUTPUT"
    outputs: [n]
  - id: a
    foreach: {x: 1, y: 2}
    as: part
    run: echo "${{ part }}" >> "$LEDGER"
    hooks:
      before_step: |
        log(step.id .. " " .. step.item .. " " .. part .. " " .. steps.before.outputs.n)
        if part == 2 then skip("no second") end
""")
        self.assertEqual(self.ledger(), ["1"])
        items = {s.get("item"): (s["status"], s["reason"]["text"]) for s in self.show()["steps"] if s["id"] == "a"}
        self.assertEqual(items["x"][0], "succeeded")
        self.assertEqual(items["y"], ("skipped", "no second"))
        logs = os.path.join(self.run_folder(), "logs")
        said = ""
        for name in sorted(os.listdir(logs)):
            with open(os.path.join(logs, name), encoding="utf-8") as log:
                said += log.read()
        self.assertIn("info a x 1 5\n", said)
        self.assertIn("info a y 2 5\n", said)

    def test_steps_of_a_group_and_of_another_workflow_have_the_hooks_of_their_file(self):
        self.write("lua/say.lua", "log(with.what .. \" \" .. step.id)\n")
        self.write("inner.yaml", """levada: 1
hooks: {before_step: {use: lua/say.lua, with: {what: inner}}}
steps:
  - {id: deep, run: echo deep}
""")
        self.run_steps("""
hooks: {before_step: {use: lua/say.lua, with: {what: outer}}}
steps:
  - id: group
    steps:
      - id: one
        run: echo one
      - id: two
        run: echo two
        hooks: {after_step: 'log(steps.one.status) log(params.who)'}
  - id: other
    needs: []
    workflow: inner.yaml
params: {who: {default: ann}}
""")
        self.assertEqual(self.log("group.one"), ["info outer group.one", "one"])
        self.assertEqual(self.log("group.two"), ["info outer group.two", "two", "info succeeded", "info ann"])
        self.assertEqual(self.log("other.deep"), ["info inner other.deep", "deep"])

    def test_after_step_sees_the_result_and_adds_an_output_and_a_metric(self):
        steps = self.run_steps("""
steps:
  - id: a
    run: echo n=20 >> "$LEVADA_OUTPUT"
    outputs: {n: {as: integer}, twice: {}}
    hooks:
     after_step:
      - |
        metric("seen", result.outputs.n, "rows")
        return {twice = result.outputs.n * 2}
      - log(json({result.status, result.error, number(result.duration) >= 0, number(result.memory) > 0}))
      - log(result.metrics[1].name .. " " .. result.metrics[1].value .. " " .. result.outputs.twice)
  - id: b
    run: echo "${{ steps.a.outputs.twice }}"
""")
        self.assertEqual(steps["a"]["outputs"], {"n": 20, "twice": 40})
        self.assertEqual(self.log("a"), ['info ["succeeded",null,true,true]', "info seen 20.0 40"])
        self.assertEqual(self.log("b"), ["40"])
        with sqlite3.connect(os.path.join(self.run_folder(), "journal.db")) as db:
            events = str(db.execute("select * from events").fetchall())
        self.assertIn('{"name":"seen","value":20.0,"unit":"rows"}', events)

    def test_lua_steps_and_actions_have_hooks_too(self):
        plugins = os.path.join(levada.BUILD, "tests", "plugins")
        self.env["LEVADA_PLUGIN_PATH"] = plugins
        steps = self.run_steps("""
hooks: {before_step: log(step.kind .. " " .. json(step.inputs))}
steps:
  - id: a
    lua: return {n = 2}
    outputs: [n, m]
    hooks: {after_step: 'set_output("m", result.outputs.n + 1)'}
  - id: b
    uses: probe.pure
    with: {ledger: ledger.b}
    outputs: [note]
    hooks: {after_step: 'set_output("note", step.action)'}
""")
        self.assertEqual(steps["a"]["outputs"], {"n": 2, "m": 3})
        self.assertEqual(steps["b"]["outputs"]["note"], "probe.pure")
        self.assertEqual(self.log("a"), ["info lua {}"])
        self.assertIn("info uses ", self.log("b")[0])

    def test_before_step_may_skip_the_step_or_fail_it_and_then_nothing_has_happened(self):
        steps = self.run_steps("""
steps:
  - id: a
    run: echo a >> "$LEDGER"
    hooks: {before_step: skip("not today")}
  - id: b
    run: echo b >> "$LEDGER"
    hooks: {before_step: 'fail("the moon is wrong", "contract")'}
""", expect=1)
        self.assertEqual(self.ledger(), [])
        self.assertEqual((steps["a"]["status"], steps["a"]["reason"]["text"]), ("skipped", "not today"))
        self.assertEqual(steps["b"]["error"]["class"], "contract")
        self.assertEqual(steps["b"]["error"]["message"], "hook before_step: the moon is wrong")
        self.assertEqual(steps["b"]["error"]["line"], 9)
        self.assertTrue(steps["b"]["error"]["file"].endswith("/hooked.yaml"))

    def test_after_step_may_turn_a_success_into_a_failure_and_what_happened_stays(self):
        steps = self.run_steps("""
steps:
  - id: a
    run: echo rows=2 >> "$LEVADA_OUTPUT"; echo a >> "$LEDGER"
    outputs: [rows]
    hooks: {after_step: 'if number(result.outputs.rows) < 3 then fail("only " .. result.outputs.rows, "contract") end'}
  - id: b
    needs: [a]
    run: echo b >> "$LEDGER"
""", expect=1)
        self.assertEqual(self.ledger(), ["a"])
        self.assertEqual((steps["a"]["status"], steps["b"]["status"]), ("failed", "skipped"))
        self.assertEqual(steps["a"]["outputs"], {"rows": "2"})
        self.assertEqual(steps["a"]["error"]["message"], "hook after_step: only 2")
        self.assertEqual(steps["a"]["error"]["class"], "contract")

    def test_the_class_that_a_hook_fails_with_decides_over_a_retry(self):
        self.env["LEVADA_PLUGIN_PATH"] = os.path.join(levada.BUILD, "tests", "plugins")
        steps = self.run_steps("""
defaults: {retry: {attempts: 3, delay: 1ms}}
steps:
  - id: again
    uses: probe.pure
    with: {ledger: ledger.again}
    hooks: {after_step: 'if step.attempt < 3 then fail("busy", "transient") end'}
  - id: once
    needs: []
    uses: probe.pure
    with: {ledger: ledger.once}
    hooks: {before_step: 'fail("no", "contract")'}
""", expect=1)
        self.assertEqual((steps["again"]["status"], steps["again"]["attempts"]), ("succeeded", 3))
        self.assertEqual((steps["once"]["status"], steps["once"]["attempts"]), ("failed", 1))

    def test_on_retry_sees_the_last_error_and_on_failure_runs_once_at_the_end(self):
        self.run_steps("""
hooks:
  on_retry: log("again " .. step.attempt .. ", " .. result.error.class)
  on_failure: log("gave up, " .. step.attempt)
  after_step: log("ended " .. result.status)
steps:
  - id: a
    run: exit 75
    retry: {attempts: 3, delay: 1ms}
""", expect=1)
        self.assertEqual([self.log("a", "--attempt", str(n)) for n in (1, 2, 3)],
                         [["info ended failed"], ["info again 2, transient", "info ended failed"],
                          ["info again 3, transient", "info ended failed", "info gave up, 3"]])

    def test_on_failure_runs_at_once_when_the_class_is_not_retried(self):
        self.run_steps("""
steps:
  - id: a
    run: exit 1
    retry: {attempts: 3, delay: 1ms, for: [transient]}
    hooks: {on_failure: log("gave up " .. step.attempt), after_step: log(result.error.message)}
""", expect=1)
        self.assertEqual(self.log("a"), ["info exit code 1", "info gave up 1"])

    def test_a_step_out_of_time_has_its_hooks_all_the_same(self):
        self.run_steps("""
steps:
  - id: a
    run: trap '' TERM; sleep 9 & wait; sleep 9
    timeout: 100ms
    grace: 100ms
    hooks: {after_step: log(result.error.class), on_failure: log("gave up")}
""", expect=1)
        self.assertEqual([line for line in self.log("a") if line.startswith("info")], ["info timeout", "info gave up"])

    def test_the_example_of_the_documentation_does_what_it_says(self):
        with open(os.path.join(levada.SOURCE, "docs", "workflow.md"), encoding="utf-8") as doc:
            section = doc.read().split("\n## Hooks\n")[1]
        path = self.write("example.yaml", re.search(r"```yaml\n(.*?)```", section, re.S)[1])
        self.levada("run", path)
        self.assertEqual(self.log("publish"), ["published 4 rows, enough is true"])
        self.levada("run", "-p", "least=5", path, expect=1)
        self.assertEqual(self.show()["steps"][0]["error"]["message"], "hook after_step: only 4 rows")
        self.assertEqual(self.log("load")[-1], "error load gave up, hook after_step: only 4 rows")

    # ---- files ----

    def test_a_hook_of_a_file_is_kept_with_the_run_and_needs_the_file_no_more(self):
        self.write("lua/hooks/say.lua", "-- what it says\nlog(with.what .. \" \" .. step.id)\n")
        self.write("lua/hooks/fail.lua", "\nfail(\"here\")\n")
        path = self.workflow("""
hooks: {before_step: {use: lua/hooks/say.lua, with: {what: hello}}}
steps:
  - id: a
    effect: idempotent
    run: |
      [ -e go ] || { touch here; sleep 30; }
  - id: b
    needs: [a]
    run: echo b
    hooks: {after_step: lua/hooks/fail.lua}
""")
        run = self.start("run", path)
        self.wait_for(lambda: os.path.exists(os.path.join(self.folder, "here")), "the first step")
        run.send_signal(signal.SIGINT)
        run.wait(30)
        self.write("go", "")
        levada.shutil.rmtree(os.path.join(self.folder, "lua"))
        self.levada("resume", "last", expect=1)
        self.assertEqual(self.log("a"), ["info hello a"])
        error = {step["id"]: step for step in self.show()["steps"]}["b"]["error"]
        self.assertEqual(error["message"], "hook after_step: here")
        self.assertEqual((error["file"], error["line"]), (os.path.join(self.folder, "lua/hooks/fail.lua"), 2))

    # ---- hooks that break ----

    def test_a_hook_without_end_ends_within_its_budget_and_the_step_says_so(self):
        started = time.monotonic()
        steps = self.run_steps(f"""
steps:
  - id: a
    run: echo a >> "$LEDGER"
    hooks: {{before_step: {LOOP}}}
  - id: b
    needs: []
    run: echo b >> "$LEDGER"; echo n=1 >> "$LEVADA_OUTPUT"
    outputs: [n]
    hooks: {{after_step: {LOOP}}}
""", expect=1)
        self.assertLess(time.monotonic() - started, 30)
        self.assertEqual(self.ledger(), ["b"])
        for step, hook in (("a", "before_step"), ("b", "after_step")):
            self.assertEqual(steps[step]["error"]["message"],
                             f"hook {hook}: the script takes more than 20000000 instructions")
        self.assertEqual(steps["b"]["outputs"], {"n": "1"})

    def test_a_hook_that_eats_memory_or_hides_its_errors_ends_too(self):
        steps = self.run_steps("""
steps:
  - id: a
    run: 'true'
    hooks:
      before_step: |
        local all = {}
        while true do all[len(all) + 1] = {1, 2, 3, "x" .. len(all)} end
  - id: b
    needs: []
    run: 'true'
    hooks:
      before_step: |
        local function deep(n) return deep(n + 1) + 1 end
        deep(1)
""", expect=1)
        self.assertEqual({step["status"] for step in steps.values()}, {"failed"})

    def test_a_hook_ends_with_the_time_of_its_step(self):
        steps = self.run_steps(f"""
steps:
  - id: a
    run: echo a >> "$LEDGER"
    timeout: 20ms
    hooks: {{before_step: {LOOP}}}
  - id: b
    needs: []
    run: echo b >> "$LEDGER"; echo n=1 >> "$LEVADA_OUTPUT"
    outputs: [n]
    timeout: 60ms
    hooks: {{after_step: {LOOP}}}
""", expect=1)
        self.assertEqual(steps["a"]["error"]["message"], "hook before_step: timed out after 20ms")
        self.assertEqual(steps["b"]["error"]["message"], "hook after_step: timed out after 60ms")
        self.assertEqual({step["error"]["class"] for step in steps.values()}, {"timeout"})
        self.assertEqual(steps["b"]["outputs"], {"n": "1"})
        self.assertEqual(self.ledger(), ["b"])

    def test_a_broken_hook_hides_no_error_before_it_and_no_hook_behind_it(self):
        steps = self.run_steps("""
steps:
  - id: a
    run: echo broken; exit 4
    retry: {attempts: 2, delay: 1ms, for: [permanent]}
    hooks:
      on_failure: ['local x = result.outputs.nope', 'log("told")']
      after_step: ['local x = step.item .. "x"', 'log("counted")']
  - id: b
    needs: []
    run: exit 4
    retry: {attempts: 2, delay: 1ms}
    hooks: {on_retry: 'fail("stop that")'}
""", expect=1)
        message = steps["a"]["error"]["message"]
        self.assertTrue(message.startswith("exit code 4: broken; then hook after_step, hooked.yaml:9: "), message)
        self.assertIn("; then hook on_failure, hooked.yaml:8: ", message)
        self.assertEqual(steps["a"]["error"]["class"], "permanent")
        self.assertIn("info counted", self.log("a"))
        self.assertIn("info told", self.log("a"))
        self.assertEqual(steps["b"]["error"]["message"], "hook on_retry: stop that; the attempt before: exit code 4")

    def test_what_a_hook_may_not_do_is_refused_while_it_runs_too(self):
        steps = self.run_steps("""
steps:
  - id: a
    run: 'true'
    hooks: {after_step: 'return {nobody = 1}'}
  - id: b
    needs: []
    run: 'true'
    hooks: {after_step: 'local leave = skip leave("x")'}
  - id: c
    needs: []
    run: 'true'
    hooks: {before_step: 'return {n = 1}'}
""", expect=1)
        self.assertEqual([steps[i]["error"]["message"] for i in "abc"],
                         ['hook after_step: step "a" declares no output "nobody"',
                          "hook after_step: skip() is for before_step only",
                          "hook before_step: only the hook after_step can set outputs"])

    # ---- secrets ----

    def test_a_hook_sees_no_secret_and_says_none(self):
        secret = "sesame-opens-everything"
        self.env["SESAME"] = secret
        self.run_steps("""
secrets: {word: {from: env, name: SESAME}}
steps:
  - id: a
    run: read -r x; echo "said=$x" >> "$LEVADA_OUTPUT"
    stdin: ${{ secrets.word }}
    outputs: [said, copy]
    hooks:
      before_step: log(json(step.inputs))
      after_step: log(result.outputs.said) set_output("copy", result.outputs.said .. "!") metric(result.outputs.said, 1)
""")
        for folder, _, names in os.walk(self.state):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(secret.encode(), file.read(), name)
        self.assertIn("info ***", self.log("a"))

    def test_a_secret_in_a_hook_is_refused_before_anything_runs(self):
        done = self.levada("check", self.workflow("""
secrets: {word: {from: env, name: SESAME}}
steps:
  - id: a
    run: 'true'
    hooks: {before_step: log(secrets.word)}
"""), expect=3)
        self.assertIn('the secret "word" must not flow into `before_step`', done.stdout + done.stderr)

    # ---- killed and interrupted ----

    def spinning(self, hook, effect="unsafe"):
        return self.workflow(f"""
steps:
  - id: a
    effect: {effect}
    run: echo a >> "$LEDGER"
    hooks:
      {hook}: |
        log("in the hook")
        {SPIN}
""")

    def kill_in_hook(self, hook, effect="unsafe", whom="worker"):
        """Kills the worker, or engine and all, while the hook runs."""
        point = "hook_before" if hook == "before_step" else "hook_after"
        return self.levada("run", self.spinning(hook, effect), expect=None,
                           env={"LEVADA_FAILPOINT": f"{point}:1:{whom}",
                                "LEVADA_FAILPOINT_FILE": os.path.join(self.folder, "passed." + effect)})

    def test_a_worker_killed_before_the_effect_has_had_none_and_everybody_knows(self):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")
        self.kill_in_hook("before_step")
        self.assertEqual((self.statuses(), self.ledger()), ({"a": "succeeded"}, ["a"]))
        self.assertEqual(self.show()["steps"][0]["attempts"], 2)

    def test_all_killed_before_the_effect_a_resume_runs_an_unsafe_step_again(self):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")
        self.kill_in_hook("before_step", whom="all")
        self.assertEqual(self.ledger(), [])
        self.levada("resume", "last")
        self.assertEqual((self.statuses(), self.ledger()), ({"a": "succeeded"}, ["a"]))

    def test_a_worker_killed_behind_the_effect_leaves_it_to_the_effect_class(self):
        if not levada.has_failpoints():
            self.skipTest("this build has no failpoints")
        done = self.kill_in_hook("after_step")
        self.assertEqual((done.returncode, self.statuses(), self.ledger()), (9, {"a": "unknown"}, ["a"]))
        done = self.kill_in_hook("after_step", "idempotent", "all")
        os.remove(self.ledger_path)
        self.levada("resume", "last")
        self.assertEqual((self.statuses(), self.ledger()), ({"a": "succeeded"}, ["a"]))

    def test_a_resume_waits_for_a_worker_that_is_still_in_a_hook(self):
        path = self.workflow("""
steps:
  - id: a
    run: echo a >> "$LEDGER"
    hooks:
      before_step: |
        log("in the hook")
        local n = 0
        for i = 1, 6000000 do n = n + i end
""")
        run = self.start("run", path)
        self.wait_for(lambda: self.runs() and self.logged("in the hook"), "the hook")
        run.kill()
        run.wait()
        self.levada("resume", "last")
        self.assertEqual((self.statuses(), self.ledger()), ({"a": "succeeded"}, ["a"]))

    def logged(self, text):
        folder = os.path.join(self.run_folder(), "logs")
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name), encoding="utf-8") as log:
                if text in log.read():
                    return True
        return False


if __name__ == "__main__":
    levada.main()
