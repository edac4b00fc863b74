# SPDX-License-Identifier: Apache-2.0
"""What cannot be written is not passed over in silence."""
import subprocess

import levada

TWO = """levada: 1
name: two
history: {keep: 1000}
steps:
  - id: a
    run: |
      i=0
      while [ $i -lt 3000 ]; do echo "a line that fills more than one buffer $i"; i=$((i + 1)); done
  - id: b
    needs: [a]
    run: test -e "$LEDGER"
"""


class Output(levada.Case):
    def full(self, *args, expect=1, input=None):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([levada.LEVADA, *args], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                                  env=self.env, cwd=self.folder, input=input, check=False)
        self.assertEqual(done.returncode, expect, f"levada {' '.join(args)}: {done.stderr}")
        self.assertIn("cannot write the output", done.stderr, args)

    def test_every_command_that_prints_says_that_its_output_is_lost_and_does_not_end_with_0(self):
        two = self.write("two.yaml", TWO)
        self.levada("run", two, expect=1)
        for args in (("ls",), ("ls", "--json"), ("show", "last"), ("show", "last", "--json"), ("logs", "last"),
                     ("logs", "last", "a"), ("logs", "-f", "last"), ("why", "last"), ("why", "last", "--json"),
                     ("replay", "last"), ("export", "last", "-o", "one.levada"),
                     ("export", "--json", "last", "-o", "two.levada"), ("export", "--unpack", "out", "one.levada"),
                     ("show", "one.levada"), ("report", "last", "-o", "one.html"),
                     ("gc", "--dry-run", "--all", "--keep", "0s"), ("gc", "--json"), ("db", "check", "--json"),
                     ("actions",), ("actions", "--json"),
                     ("check", "--json", two), ("help",), ("version",), ("run", "--help"), ("ps", "--json")):
            with self.subTest(args):
                self.full(*args)
        self.assertEqual(len(self.runs()), 1, "--dry-run")

    def test_a_run_goes_on_without_its_output_and_its_own_code_stays_when_it_is_worse(self):
        two = self.write("two.yaml", TWO)
        self.full("run", "--json", two, expect=1)
        self.assertEqual(self.statuses(), {"a": "succeeded", "b": "failed"})
        with open(self.ledger_path, "w", encoding="utf-8"):
            pass
        self.full("retry", "--json", "last", expect=1)
        self.assertEqual(self.show()["status"], "succeeded")
        self.full("run", "--json", two, expect=1)
        self.assertEqual(self.show()["status"], "succeeded")
        self.full("check", "--json", self.write("bad.yaml", "levada: 1\nname: bad\n"), expect=3)


if __name__ == "__main__":
    levada.main()
