# SPDX-License-Identifier: Apache-2.0
"""What a workflow may say, run for real."""
import json
import os
import re
import time

import levada

HEAD = "levada: 1\nname: t\n"


class Run(levada.Case):
    def run_file(self, text, *args, expect=0, env=None, name="w.yaml", **kwargs):
        return self.levada("run", "--json", *args, self.write(name, HEAD + text), expect=expect, env=env, **kwargs)

    def events(self, done):
        return [json.loads(line) for line in done.stdout.splitlines()]

    def finished(self, done):
        return {event["step"]: event for event in self.events(done) if event["event"] == "step_finished"}

    def outputs(self, step, run="last"):
        return {s["id"]: s.get("outputs") or {} for s in self.show(run)["steps"]}[step]

    def test_events_are_as_scripts_may_rely_on(self):
        done = self.run_file("""steps:
  - id: a
    run: echo "x=1" >> "$LEVADA_OUTPUT"
    outputs: {x: {}}
  - id: b
    needs: [a]
    run: exit 4
""", expect=1)
        events = self.events(done)
        self.assertEqual([e["event"] for e in events],
                         ["run_started", "step_started", "step_finished", "step_started", "step_finished",
                          "run_finished"])
        run = events[0]["run"]
        for event in events:
            self.assertEqual(event["run"], run)
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        self.assertEqual(events[0]["workflow"], "t")
        self.assertIsInstance(events[0]["pid"], int)
        self.assertEqual((events[1]["step"], events[1]["attempt"]), ("a", 1))
        self.assertEqual(events[2]["outputs"], {"x": "1"})
        self.assertEqual(events[4]["status"], "failed")
        self.assertLessEqual({"class", "message"}, set(events[4]["error"]))
        self.assertEqual(events[4]["error"]["class"], "permanent")
        self.assertIn("exit code 4", events[4]["error"]["message"])
        self.assertEqual((events[5]["status"], events[5]["exit"]), ("failed", 1))
        shown = self.show()
        for key in ("run", "workflow", "status", "started", "finished", "params", "steps"):
            self.assertIn(key, shown)
        self.assertEqual(shown["steps"][0]["attempts"], 1)
        self.assertIn("reason", shown["steps"][0])

    def test_resume_of_a_finished_run_repeats_its_code_and_does_nothing(self):
        self.run_file('steps: [{id: a, run: echo a >> "$LEDGER"; exit 1}]\n', expect=1)
        self.levada("resume", "last", expect=1)
        self.assertEqual(self.ledger(), ["a"])

    def test_params_come_typed_from_flags_and_files_over_defaults(self):
        text = """params:
  n: {type: integer, default: 3, minimum: 1}
  wait: {type: duration, default: 90s}
  who: {type: string, required: true}
  tags: {type: list, default: [x]}
steps:
  - id: a
    run: printf '%s|%s|%s|%s' "$N" "$W" "$WHO" "$T"
    env: {N: "${{ params.n + 1 }}", W: "${{ params.wait * 2 }}", WHO: "${{ params.who }}", T: "${{ len(params.tags) }}"}
    outputs: {all: {from: stdout}}
"""
        values = self.write("values.yaml", "who: file\nn: 5\ntags: [a, b]\n")
        self.run_file(text, "--params", values, "-p", "n=7")
        self.assertEqual(self.outputs("a")["all"], "8|3m|file|2")
        self.assertIn("who", self.run_file(text, expect=3).stderr)
        bad = self.run_file(text, "-p", "who=x", "-p", "n=zero", expect=3)
        self.assertIn('"n"', bad.stderr)
        bad = self.run_file(text, "-p", "whoo=x", expect=3)
        self.assertIn("who", bad.stderr)

    def test_retry_waits_and_then_succeeds_and_says_so(self):
        done = self.run_file("""steps:
  - id: a
    run: |
      echo try >> "$LEDGER"
      [ "$(wc -l < "$LEDGER")" -ge 3 ]
    retry: {attempts: 4, delay: 10ms, backoff: 2}
""")
        self.assertEqual(len(self.ledger()), 3)
        retries = [e for e in self.events(done) if e["event"] == "step_retry"]
        self.assertEqual(len(retries), 2)
        self.assertIn("attempt 1 of 4 failed", self.levada("why", "last", "a").stdout)

    def test_retries_are_used_up(self):
        self.run_file('steps:\n  - {id: a, run: echo x >> "$LEDGER"; exit 1, retry: {attempts: 3, delay: 1ms}}\n',
                      expect=1)
        self.assertEqual(len(self.ledger()), 3)

    def test_a_timeout_ends_the_whole_tree_of_a_step(self):
        started = time.monotonic()
        done = self.run_file("""steps:
  - id: a
    run: |
      sleep 300 &
      (trap '' TERM; sleep 301)
    timeout: 300ms
    grace: 200ms
""", expect=1)
        self.assertLess(time.monotonic() - started, 20)
        self.assertEqual(self.finished(done)["a"]["error"]["class"], "timeout")
        for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ:
                    names = environ.read().split(b"\0")
            except OSError:
                continue
            ours = ("LEVADA_STATE=" + self.state).encode() in names
            marked = any(name.startswith(b"LEVADA_ATTEMPT=") for name in names)
            self.assertFalse(ours and marked, f"{pid} was left behind")

    def test_if_skips_and_the_skip_reaches_dependents_unless_they_say_otherwise(self):
        self.run_file("""steps:
  - id: a
    if: ${{ 1 > 2 }}
    run: echo a >> "$LEDGER"
  - id: b
    needs: [a]
    run: echo b >> "$LEDGER"
  - id: c
    needs: [a]
    if: ${{ always() }}
    run: echo c >> "$LEDGER"
""")
        self.assertEqual(self.ledger(), ["c"])
        self.assertEqual(self.statuses(), {"a": "skipped", "b": "skipped", "c": "succeeded"})
        self.assertIn("1 > 2", self.levada("why", "last", "a").stdout)

    def test_a_failure_runs_on_failure_and_finally_and_says_which_step(self):
        self.run_file("""steps:
  - id: bad
    run: echo oops >&2; exit 7
  - id: after
    needs: [bad]
    run: echo after >> "$LEDGER"
on_failure:
  - id: tell
    run: echo "tell:${{ run.failed_step }}:${{ run.error_class }}" >> "$LEDGER"
finally:
  - id: clean
    run: echo clean >> "$LEDGER"
""", expect=1)
        self.assertEqual(self.ledger(), ["tell:bad:permanent", "clean"])
        self.assertIn("oops", self.levada("logs", "last", "bad").stdout)

    def test_expect_turns_a_wrong_result_into_a_contract_failure_that_is_not_retried(self):
        done = self.run_file("""steps:
  - id: a
    run: echo "n=3" >> "$LEVADA_OUTPUT"; echo x >> "$LEDGER"
    outputs: {n: {}}
    expect: ["${{ int(outputs.n) > 5 }}"]
    retry: {attempts: 3}
""", expect=1)
        error = self.finished(done)["a"]["error"]
        self.assertEqual(error["class"], "contract")
        self.assertIn("> 5", error["message"])
        self.assertEqual(self.ledger(), ["x"])

    def test_a_declared_output_that_is_not_set_is_warned_about_and_a_replaced_file_fails(self):
        self.run_file("steps:\n  - id: a\n    run: 'true'\n    outputs: [x]\n")
        self.assertIn('"x" was not set', self.levada("logs", "last", "a").stdout)
        done = self.run_file("steps:\n  - id: a\n    run: rm $LEVADA_OUTPUT; mkfifo $LEVADA_OUTPUT\n    outputs: [x]\n",
                             expect=1)
        self.assertIn("LEVADA_OUTPUT", self.finished(done)["a"]["error"]["message"])

    def test_outputs_from_stdout_are_typed_and_top_level_outputs_are_given(self):
        self.run_file("""steps:
  - id: a
    run: |
      echo '{"rows": [1, 2, 3], "name": "x"}'
    outputs:
      doc: {from: stdout, as: json}
  - id: b
    lua: |
      local total = 0
      for i = 1, len(steps.a.outputs.doc.rows) do total = total + steps.a.outputs.doc.rows[i] end
      log("the total is " .. total)
      return {total = total}
    outputs: {total: {}}
    needs: [a]
outputs:
  total: ${{ steps.b.outputs.total * 2 }}
""")
        self.assertEqual(self.show()["outputs"], {"total": 12})
        self.assertIn("the total is 6", self.levada("logs", "last", "b").stdout)

    def test_lua_can_fail_and_skip(self):
        done = self.run_file("""steps:
  - id: a
    lua: skip("nothing to do")
  - id: b
    needs: []
    lua: fail("no good", "conflict")
""", expect=1)
        self.assertEqual(self.finished(done)["a"]["status"], "skipped")
        self.assertEqual(self.finished(done)["b"]["error"]["class"], "conflict")

    def test_an_endless_expression_and_an_endless_script_end(self):
        done = self.run_file("""steps:
  - id: a
    lua: while true do end
    timeout: 60s
""", expect=1)
        self.assertIn("instruction", self.finished(done)["a"]["error"]["message"])

    def test_stdin_arrives_byte_for_byte(self):
        self.run_file('steps:\n  - id: a\n    run: od -An -tx1 | tr -d " \\n"\n    stdin: "a\\tb  "\n'
                      '    outputs: {hex: {from: stdout}}\n')
        self.assertEqual(self.outputs("a")["hex"], b"a\tb  ".hex())

    def test_run_is_sh_without_e_and_a_direct_child_of_its_worker(self):
        self.run_file("""steps:
  - id: a
    run: |
      false
      echo "$0 $(cat /proc/$PPID/comm)"
    outputs: {who: {from: stdout}}
""")
        self.assertEqual(self.outputs("a")["who"], "sh levada-worker")

    def test_hostile_values_stay_values(self):
        marker = os.path.join(self.folder, "broken-in")
        attacks = [f"; touch {marker}", f"$(touch {marker})", f"`touch {marker}`", f'" ; touch {marker}; "', "'", "-rf",
                   f"\n touch {marker}\n", "${HOME}", "*", "\\", "!!", "a  b", "$((1+1))", f"${{{{ run.id }}}}"]
        for attack in attacks:
            self.run_file("""params:
  v: {type: string}
steps:
  - id: a
    run: |
      printf '%s' ${{ params.v }} > bare
      printf '%s' "<${{ params.v }}>" > quoted
    cwd: .
""", "-p", "v=" + attack)
            with open(os.path.join(self.folder, "bare"), encoding="utf-8") as bare:
                self.assertEqual(bare.read(), attack)
            with open(os.path.join(self.folder, "quoted"), encoding="utf-8") as quoted:
                self.assertEqual(quoted.read(), f"<{attack}>")
            self.assertFalse(os.path.exists(marker), attack)

    def test_no_more_steps_run_at_once_than_allowed(self):
        steps = "".join(f'  - id: s{i}\n    needs: []\n    run: echo + >> "$LEDGER"; sleep 0.1; echo - >> "$LEDGER"\n'
                        for i in range(6))
        self.run_file("steps:\n" + steps, "--max-parallel", "2")
        now = most = 0
        for mark in self.ledger():
            now += 1 if mark == "+" else -1
            most = max(most, now)
        self.assertEqual(most, 2)

    def test_engine_and_launcher_map_no_plugin_curl_openssl_or_libduckdb(self):
        path = self.write("w.yaml", HEAD + 'steps: [{id: a, run: echo x >> "$LEDGER"; sleep 5, effect: idempotent}]\n')
        process = self.start("run", path)
        self.wait_for(self.ledger, "the step to begin")
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="utf-8") as children:
            pids = [process.pid, *map(int, children.read().split())]
        self.assertEqual(len(pids), 2)
        for pid in pids:
            with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
                text = maps.read()
            for name in ("libcurl", "libssl", "libcrypto", "libduckdb", "/plugins/"):
                self.assertNotIn(name, text)
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            print("engine:", re.search(r"VmRSS:\s*(.*)", status.read()).group(1), flush=True)

    def test_detach_prints_the_run_and_leaves_and_the_run_goes_on(self):
        path = self.write("w.yaml", HEAD + 'steps: [{id: a, run: sleep 0.3; echo a >> "$LEDGER"}]\n')
        done = self.levada("run", "--detach", path)
        run = done.stdout.strip()
        self.assertRegex(run, r"^[0-9a-z]{26}$")
        self.wait_for(lambda: self.show(run)["status"] == "succeeded", "the run to end")
        self.assertEqual(self.ledger(), ["a"])
        self.assertEqual(self.levada("run", "--detach", "missing.yaml", expect=3).stdout, "")

    def test_a_run_is_named_by_its_short_id_a_prefix_and_last(self):
        self.run_file('steps: [{id: a, run: "true"}]\n')
        run = self.runs()[0]
        for name in (run, run[:12], run[-8:], "last"):
            self.assertEqual(self.show(name)["run"], run)
        for name in ("zzzz", "../" + run, "..", "", "la"):
            self.levada("show", name, "--json", expect=2)

    def test_checkpoints_survive_attempts(self):
        self.run_file("""steps:
  - id: a
    effect: checkpointed
    run: |
      seen=$(levada checkpoint get part || echo none)
      echo "$seen" >> "$LEDGER"
      levada checkpoint set part "done-$seen"
      [ "$seen" != none ]
    retry: {attempts: 2, delay: 1ms}
""")
        self.assertEqual(self.ledger(), ["none", "done-none"])

    def test_a_daemon_left_behind_by_a_step_is_ended_with_it(self):
        self.run_file("""steps:
  - id: a
    run: |
      setsid sh -c 'sleep 60; echo late >> "$LEDGER"' > /dev/null 2>&1 &
      echo $! > pid
      sleep 0.1
""")
        with open(os.path.join(self.folder, "pid"), encoding="utf-8") as file:
            self.assertFalse(os.path.exists(f"/proc/{int(file.read())}"))

    def test_large_outputs_travel_whole(self):
        self.run_file("""steps:
  - id: a
    run: head -c 300000 /dev/zero | tr '\\0' x
    outputs: {big: {from: stdout}}
  - id: b
    run: wc -c
    stdin: ${{ steps.a.outputs.big }}
    outputs: {size: {from: stdout, as: integer}}
""")
        self.assertEqual(self.outputs("b")["size"], 300000)

    def test_one_workflow_of_a_thousand_steps_runs(self):
        steps = "".join(f"  - {{id: s{i}, run: ':', needs: [{'s%d' % (i - 1) if i % 10 else ''}]}}\n"
                        for i in range(1000))
        self.run_file("durability: process\nsteps:\n" + steps)
        self.assertEqual(set(self.statuses().values()), {"succeeded"})

    def test_what_a_script_leaves_in_the_background_ends_with_its_step_and_the_log_names_it(self):
        inner = self.write("inner.yaml", "levada: 1\nname: inner\nsteps:\n  - id: deep\n    run: echo on; sleep 71\n")
        outer = self.write("outer.yaml", "levada: 1\nname: outer\nsteps:\n  - id: a\n    run: |\n"
                           "      setsid nohup sleep 72 >/dev/null 2>&1 &\n  - id: b\n    run: |\n"
                           f"      setsid {levada.LEVADA} run --quiet {inner} </dev/null >/dev/null 2>&1 &\n"
                           "      until grep -q on $LEVADA_STATE/runs/*/logs/deep.1.log; do sleep 0.05; done\n")
        run = re.search("run:  (.*)", self.levada("run", outer).stderr).group(1)
        self.assertIn("ended 1 process that the step left behind: sleep", self.levada("logs", run, "a").stdout)
        self.assertRegex(self.levada("logs", run, "b").stdout, "ended [0-9]+ process.* the step left behind: .*levada")
        self.assertEqual(self.levada("ps", "--json").stdout, "[]\n")

    def test_the_last_words_of_a_script_are_its_own(self):
        self.levada("run", self.write("words.yaml", """levada: 1
steps:
  - id: quiet
    run: exit 4
    hooks: {before_step: log("a word before")}
  - id: loud
    needs: []
    run: echo own >&2; sleep 60 & exit 4
    hooks: {before_step: log("a word before")}
"""), expect=1)
        self.assertEqual({step["id"]: step["error"]["message"] for step in self.show()["steps"]},
                         {"quiet": "exit code 4", "loud": "exit code 4: own"})

    def test_on_success_runs_when_nothing_failed_and_on_failure_when_something_did(self):
        text = """levada: 1
name: parts
steps:
  - id: work
    run: echo work >> "$LEDGER"; exit %d
    continue_on_error: %s
on_success:
  - id: tell
    run: echo "tell-${{ steps.work.status }}" >> "$LEDGER"; exit %d
on_failure:
  - id: alarm
    run: echo "alarm-${{ run.failed_step }}" >> "$LEDGER"
finally:
  - id: clean
    run: echo clean >> "$LEDGER"
"""
        for work, tolerated, tell, code, ledger in ((0, "false", 0, 0, ["work", "tell-succeeded", "clean"]),
                                                    (3, "false", 0, 1, ["work", "alarm-work", "clean"]),
                                                    (3, "true", 0, 0, ["work", "tell-failed", "clean"]),
                                                    (0, "false", 3, 1,
                                                     ["work", "tell-succeeded", "alarm-tell", "clean"])):
            self.levada("run", self.write("p.yaml", text % (work, tolerated, tell)), expect=code)
            self.assertEqual(self.ledger(), ledger)
            os.remove(self.ledger_path)
        slow = text.replace("echo work", "sleep 20; echo work") % (0, "false", 0)
        process = self.start("run", self.write("p.yaml", slow))
        self.wait_for(lambda: self.runs() and self.statuses().get("work") == "running", "the step to run")
        self.levada("cancel", "last")
        self.assertEqual(process.wait(timeout=30), 10)
        self.assertEqual(self.ledger(), ["clean"])
        self.assertEqual(self.statuses()["tell"], "cancelled")


if __name__ == "__main__":
    levada.main()
