# SPDX-License-Identifier: Apache-2.0
"""`levada actions` and `levada describe`: what plugins can do, and what is wrong with bad ones."""
import json
import os
import shutil
import tempfile
import unittest

from levada import BUILD, Case

PLUGINS = os.path.join(BUILD, "tests", "plugins")
EVIL = os.path.join(BUILD, "tests", "evil")


class Actions(Case):
    def setUp(self):
        super().setUp()
        self.mine = None
        self.env.update(LEVADA_PLUGIN_PATH=PLUGINS, LEVADA_CACHE=os.path.join(self.folder, "cache"))

    def copy(self, source, mode=0o644):
        if not self.mine:
            self.mine = tempfile.mkdtemp(prefix="levada-test-")  # not on tmpfs, which may be mounted noexec
            self.addCleanup(shutil.rmtree, self.mine)
        folder = self.mine
        path = os.path.join(folder, os.path.basename(source))
        shutil.copyfile(source, path)
        os.chmod(path, mode)
        self.env["LEVADA_PLUGIN_PATH"] = folder
        return path

    def test_all_plugins_are_listed_with_class_and_text(self):
        out = self.levada("actions").stdout
        self.assertIn("probe 0.9.0: ", out)
        self.assertRegex(out, r"(?m)^  probe\.transactional +transactional +Append to the ledger; resolve looks for")
        self.assertRegex(out, r"(?m)^  keeper\.count +idempotent +Lock the catalog")
        self.assertIn('Type "levada actions PLUGIN.ACTION"', out)

    def test_one_plugin_is_listed_alone(self):
        out = self.levada("actions", "keeper").stdout
        self.assertIn("keeper.count", out)
        self.assertNotIn("probe", out)

    def test_one_action_shows_everything_its_tables_say(self):
        out = self.levada("actions", "probe.echo").stdout
        for expected in ("probe.echo\n    Give every input back.\n", "effect: pure\n", "no effect: run again",
                         "  bounded (integer, default 5, at least 1, at most 10)\n      Between 1 and 10.\n",
                         "  colour (string, default red, one of red | green | blue)\n", "  key (secret)\n",
                         "  places (objects)\n      Several places.\n      name (string, required)\n",
                         "\noutputs:\n  given (list)\n", "from probe 0.9.0, "):
            self.assertIn(expected, out)
        self.assertIn("inputs: none", self.levada("actions", "probe.nothing").stdout)

    def test_json_has_the_keys_that_scripts_rely_on(self):
        actions = json.loads(self.levada("actions", "--json").stdout)
        by_name = {action["name"]: action for action in actions}
        self.assertEqual(len(by_name), len(actions))
        for action in actions:
            self.assertEqual(list(action), ["name", "doc", "effect", "plan", "resolve", "inputs", "outputs"])
            for field in action["inputs"]:
                self.assertLessEqual({"name", "type", "required", "default", "secret", "doc"}, set(field))
            for field in action["outputs"]:
                self.assertLessEqual({"name", "type", "secret", "doc"}, set(field))
        self.assertIs(by_name["probe.transactional"]["resolve"], True)
        self.assertIs(by_name["probe.unsafe"]["resolve"], False)
        inputs = {field["name"]: field for field in by_name["probe.echo"]["inputs"]}
        self.assertEqual([inputs[n]["default"] for n in ("flag", "count", "ratio", "wait", "text")],
                         [True, 7, 0.5, "1h30m", None])
        self.assertIs(inputs["key"]["secret"], True)
        self.assertEqual(inputs["colour"]["choices"], ["red", "green", "blue"])
        self.assertEqual([field["name"] for field in inputs["place"]["fields"]], ["name", "floor"])
        copy = [f for f in by_name["probe.key"]["outputs"] if f["name"] == "copy"][0]
        self.assertIs(copy["secret"], True)

    def test_json_of_one_action_is_an_array_of_one(self):
        actions = json.loads(self.levada("actions", "probe.big", "--json").stdout)
        self.assertEqual([action["name"] for action in actions], ["probe.big"])

    def test_unknown_names_are_answered_with_the_nearest(self):
        done = self.levada("actions", "prob", expect=3)
        self.assertEqual(done.stdout, "")
        self.assertIn('levada: there is no plugin "prob"\n  Did you mean "probe"? Looked in ', done.stderr)
        done = self.levada("actions", "probe.bigg", "--json", expect=3)
        self.assertEqual(done.stdout, "")
        self.assertIn('plugin "probe" has no action "bigg"\n  Did you mean "probe.big"?', done.stderr)
        done = self.levada("actions", "probe.xyzzy", expect=3)
        self.assertIn('Type "levada actions probe"', done.stderr)

    def test_wrong_use_is_exit_2(self):
        self.assertIn('unknown option "--jsn"', self.levada("actions", "--jsn", expect=2).stderr)
        self.assertIn('got also "b"', self.levada("actions", "a", "b", expect=2).stderr)
        self.levada("describe", expect=2)
        self.assertIn("usage: levada actions", self.levada("actions", "--help").stdout)

    def test_a_bad_plugin_does_not_hide_the_good_ones(self):
        self.copy(os.path.join(EVIL, "crash.so"))
        self.copy(os.path.join(PLUGINS, "keeper.so"))
        done = self.levada("actions", expect=3)
        self.assertIn("keeper.count", done.stdout)
        self.assertIn('plugin "crash" crashed while loading: signal 11 (Segmentation fault)', done.stderr)
        done = self.levada("actions", "--json", expect=3)
        self.assertIn("keeper.count", [action["name"] for action in json.loads(done.stdout)])

    def test_a_plugin_that_others_may_change_is_exit_7_with_the_remedy(self):
        path = self.copy(os.path.join(PLUGINS, "keeper.so"), mode=0o666)
        done = self.levada("actions", "keeper", expect=7)
        self.assertIn(f'"{path}" can be changed by everybody\n', done.stderr)
        self.assertIn(f"  Take that right away: chmod go-w '{path}'\n", done.stderr)
        os.chmod(path, 0o644)
        self.levada("actions", "keeper")

    def test_describe_prints_one_object_or_one_error(self):
        done = self.levada("describe", os.path.join(PLUGINS, "keeper.so"))
        self.assertEqual(json.loads(done.stdout)["name"], "keeper")
        done = self.levada("describe", os.path.join(EVIL, "wrong_major.so"), expect=3)
        said = "the plugin was built for plugin contract 1.9, this levada has 0.9"
        self.assertIn(said, json.loads(done.stdout)["error"]["message"])
        self.assertIn(said, done.stderr)

    def test_the_second_look_starts_no_describer(self):
        self.levada("actions", "keeper")
        cached = os.listdir(os.path.join(self.folder, "cache", "plugins"))
        self.assertEqual(len(cached), 1)
        path = os.path.join(self.folder, "cache", "plugins", cached[0])
        with open(path, encoding="utf-8") as text:
            description = text.read()
        with open(path, "w", encoding="utf-8") as text:
            text.write(description.replace("Lock the catalog", "From the cache"))
        self.assertIn("From the cache", self.levada("actions", "keeper").stdout)

    def test_a_workflow_with_a_bad_plugin_says_which_line(self):
        for name, said in (("crash", "crashed while loading: signal 11"), ("newer_minor", "plugin contract 0.10"),
                           ("not_elf", "file too short"), ("leave", "ended its process while loading")):
            flow = self.write(f"{name}.yaml", f"levada: 1\nsteps:\n  - id: a\n    uses: {name}.act\n")
            done = self.levada("check", flow, env={"LEVADA_PLUGIN_PATH": EVIL}, expect=3)
            self.assertIn(said, done.stdout + done.stderr)
            self.assertIn(f"{name}.yaml:4:", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
