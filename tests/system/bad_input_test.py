# SPDX-License-Identifier: Apache-2.0
"""Bad input gets a message with place, reason and remedy, and nothing is lost. (Files: see tests/golden too.)"""
import json
import os
import pwd
import subprocess
import sys

import levada

OK = "levada: 1\nname: ok\nsteps:\n  - id: a\n    run: echo a >> \"$LEDGER\"\n"
LAKE = """levada: 1
name: lake
steps:
  - id: load
    uses: ducklake.load
    with: {catalog: lake.ducklake, table: t, from: data.csv}
"""


def as_nobody():
    """What a child calls before exec: an unprivileged user, whoever runs the tests."""
    if os.geteuid() == 0:
        entry = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)


class BadInput(levada.Case):
    def check(self, path, *words, command="check"):
        done = self.levada(command, path, expect=3)
        text = done.stdout + done.stderr
        for word in words:
            self.assertIn(word, text)
        return text

    def check_text(self, text, *words):
        return self.check(self.write("w.yaml", text), *words)

    def test_files_that_are_no_workflow(self):
        self.check("missing.yaml", "missing.yaml", "No such file")
        self.check(self.folder, "directory")
        self.check(self.write("empty.yaml", ""), "empty")
        path = os.path.join(self.folder, "latin.yaml")
        with open(path, "wb") as out:
            out.write(b"levada: 1\nname: caf\xe9\n")
        self.check(path, "latin.yaml:2:", "UTF-8")
        self.check_text("levada: 1\nsteps:\n\t- id: a\n", "w.yaml:3:", "tab")

    def test_every_mistake_has_its_place_and_a_suggestion(self):
        text = self.check_text("""levada: 1
name: bad
name: twice
steps:
  - id: a
    rum: echo
    max-parallel: 3
  - id: b
    uses: duklake.load
    with: {}
  - id: c
    run: echo ${{ steps.nowhere.outputs.x }}
    needs: [a, d]
  - id: d
    run: echo
    needs: [c]
    retry: {attempts: many}
""")
        for word in ("w.yaml:3:1:", "duplicate", "w.yaml:6:5:", "run", "max_parallel", "w.yaml:9:", "ducklake",
                     "nowhere", "c -> d -> c", "w.yaml:17:23:", "whole number", "^"):
            self.assertIn(word, text)

    def test_plugin_actions_are_checked_against_their_tables(self):
        for line, words in (("uses: ducklake.laod\n    with: {table: t, from: x}", ("load",)),
                            ("uses: ducklake.load\n    with: {table: t}", ("from", "missing-input")),
                            ("uses: ducklake.load\n    with: {table: t, from: x, modus: append}", ("modus", "mode")),
                            ("uses: ducklake.load\n    with: {table: t, from: x, mode: apend}", ("append",)),
                            ("uses: ducklake.load\n    with: {table: t, from: x, memory: much}", ("memory",))):
            self.check_text(f"levada: 1\nname: x\nsteps:\n  - id: a\n    {line}\n", "w.yaml:", *words)
        self.check_text("levada: 1\nname: x\nsteps:\n"
                        "  - id: a\n    uses: ducklake.load\n    with: {table: t, from: x}\n"
                        "  - id: b\n    run: echo ${{ steps.a.outputs.rovs }}\n", "rovs", "rows")

    def test_an_expression_that_is_wrong_or_endless_is_an_error_at_its_place(self):
        self.check_text("levada: 1\nname: x\nsteps:\n  - id: a\n    if: ${{ 1 + }}\n    run: echo\n", "w.yaml:5:")
        self.check_text("levada: 1\nname: x\nsteps:\n  - id: a\n    if: ${{ 1 != 2 && true }}\n    run: echo\n", "~=")
        path = self.write("e.yaml", "levada: 1\nname: x\nsteps:\n  - id: a\n"
                          "    if: ${{ len(map(range(1, 100000),"
                          " function(x) return sum(range(1, 100000)) end)) > 1 }}\n"
                          "    run: echo\n")
        done = self.levada("run", "--json", path, expect=(1, 3), timeout=30)
        self.assertIn("e.yaml", done.stdout + done.stderr)
        self.assertEqual(self.ledger(), [])

    def plugin(self, *names):
        return {"LEVADA_PLUGIN_PATH": os.path.join(levada.BUILD, "tests", *names), "XDG_CACHE_HOME": self.folder}

    def test_a_plugin_that_is_missing_has_another_abi_or_crashes_is_one_error_message(self):
        self.check_text("levada: 1\nname: x\nsteps: [{id: a, uses: nowhere.thing}]\n", "nowhere")
        for name, words in (("major", ("contract 1.9", "has 0.9")), ("crash", ("crashed while loading", "signal"))):
            files = os.listdir(os.path.join(levada.BUILD, "tests", "evil"))
            evil = [f for f in files if f.endswith(".so") and name in f]
            self.assertTrue(evil, name)
            plugin = evil[0][:-3]
            path = self.write("p.yaml", f"levada: 1\nname: x\nsteps: [{{id: a, uses: {plugin}.thing}}]\n")
            done = self.levada("check", path, expect=3, env=self.plugin("evil"))
            for word in words:
                self.assertIn(word, done.stdout + done.stderr)

    def test_a_csv_with_a_broken_row_is_named_with_file_and_line_and_leaves_no_table(self):
        self.write("data.csv", "a,b\n" + "1,2\n" * 50 + "3\n" + "4,5\n" * 50)
        done = self.levada("run", self.write("w.yaml", LAKE), expect=1)
        self.assertIn("data.csv", done.stderr)
        self.assertIn("52", done.stderr)
        look = self.write("look.yaml", LAKE.replace("ducklake.load", "ducklake.sql").replace(
            "table: t, from: data.csv", "sql: select count(*) from t"))
        self.assertIn("does not exist", self.levada("run", look, expect=1).stderr)

    def test_a_ragged_csv_is_refused_with_its_line_and_no_row_is_dropped_without_a_word(self):
        for text, place in (("id,name,amount\n4,d,40\n5,e,50\n6,x,1,extra,cols\n", "data.csv:4"),
                            ("report made monday\nid,name\n1,a\n", "data.csv:2")):
            self.write("data.csv", text)
            done = self.levada("run", self.write("w.yaml", LAKE), expect=1)
            self.assertIn(place, done.stderr)

    def test_a_table_that_is_missing_is_of_class_missing_and_names_those_there_are(self):
        self.write("data.csv", "a,b\n1,2\n")
        self.levada("run", self.write("w.yaml", LAKE.replace("table: t,", "table: orders,")))
        look = self.write("look.yaml", LAKE.replace("ducklake.load", "ducklake.sql").replace(
            "table: t, from: data.csv", "sql: select * from ordres"))
        done = self.levada("run", "--json", look, expect=1)
        error = [json.loads(line) for line in done.stdout.splitlines()][-2]["error"]
        self.assertEqual(error["class"], "missing")
        self.assertIn("orders", error.get("hint", "") + error["message"])

    def test_a_read_only_state_directory_and_one_of_somebody_else_are_refused(self):
        path = self.write("w.yaml", OK)
        os.chmod(self.folder, 0o755)
        os.makedirs(os.path.join(self.folder, "locked"), mode=0o555)
        for state, word, code in ((os.path.join(self.folder, "locked", "state"), "Permission denied", 8),
                                  (os.path.join(self.folder, "open"), "written by others", 7),
                                  (os.path.join(self.folder, "foreign"), "belongs to user", 7)):
            if word == "belongs to user" and os.geteuid() != 0:
                state = "/"  # root's, whoever we are
            elif word != "Permission denied":
                os.makedirs(state)
                os.chmod(state, 0o777 if word == "written by others" else 0o755)
                if word == "written by others" and os.geteuid() == 0:
                    os.chown(state, pwd.getpwnam("nobody").pw_uid, -1)
            done = subprocess.run([levada.LEVADA, "run", path], env=dict(self.env, LEVADA_STATE=state), cwd="/",
                                  capture_output=True, text=True, preexec_fn=as_nobody, timeout=30, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(word, done.stderr)
            self.assertIn("LEVADA_STATE" if word != "written by others" else "chmod", done.stderr)
        self.assertEqual(self.ledger(), [])

    def test_a_network_file_system_is_refused(self):
        if not levada.has_failpoints():
            self.skipTest("only test builds can pretend the kind of a file system")
        done = self.levada("run", self.write("w.yaml", OK), expect=8, env={"LEVADA_TEST_FSTYPE": "6969"})
        self.assertIn("NFS", done.stderr)
        self.assertEqual(self.ledger(), [])

    def test_a_full_disk_is_one_line_and_exit_8_and_the_run_goes_on_when_there_is_room(self):
        if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
            self.skipTest("needs root and a mount namespace for a small file system")
        workflow = self.write("full.yaml", """levada: 1
name: full
params: {fill: {type: boolean, default: true}}
steps:
  - id: fill
    run: |
      echo fill >> "$LEDGER"
      dd if=/dev/zero of="$LEVADA_STATE/hog" bs=4k 2> /dev/null
      true
""" + "".join(f"""  - id: s{i}
    needs: [{'s%d' % (i - 1) if i else 'fill'}]
    run: echo s{i} >> "$LEDGER"
""" for i in range(30)))
        script = f"""
mkdir -p {self.state} && mount -t tmpfs -o size=1m,mode=700 none {self.state} || exit 77
{levada.LEVADA} run {workflow}; echo "run=$?"
rm {self.state}/hog
{levada.LEVADA} resume last; echo "resume=$?"
"""
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], env=self.env, capture_output=True, text=True,
                              timeout=100, check=False)
        self.assertIn("run=8", done.stdout, done.stderr)
        self.assertIn("resume=0", done.stdout, done.stderr)
        self.assertIn("full", done.stderr)
        self.assertEqual(self.ledger(), ["fill"] + [f"s{i}" for i in range(30)])

    def test_usage_errors_say_how_it_is_used(self):
        for args in (["run"], ["run", "--nope", "x"], ["resume"], ["resolve", "last"], ["frobnicate"], ["show"],
                     ["logs", "--attempt", "x", "last"], ["run", "-p", "novalue", "x"]):
            done = self.levada(*args, expect=2)
            self.assertTrue(done.stderr.strip(), args)
            self.assertEqual(done.stdout, "")

    def test_a_full_standard_output_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([levada.LEVADA, "help"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    sys.exit(levada.main())
