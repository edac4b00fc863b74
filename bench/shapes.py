# SPDX-License-Identifier: Apache-2.0
"""The workflows that bench/run measures, and what make is given for the same work. tests/system/bench_test.py runs them
too, with steps that speak, and looks whether masks, receipts and claims were there."""

COMMAND = 'test -n "$HOME"'
SECRET = {"LEVADA_BENCH_TOKEN": "a-secret-that-nobody-prints"}


def head(name, durability):
    return f"levada: 1\nname: {name}\ndurability: {durability}\n"


def secret():
    return "secrets:\n  token: {from: env, name: LEVADA_BENCH_TOKEN}\n"


def step(i, needs, body):
    return f"  - id: s{i}\n    needs: [{f's{i - 1}' if needs and i else ''}]\n    {body}\n"


def shell(count, chain, durability, command=COMMAND):
    """Shell steps, one after the other or side by side. A secret is declared, so everything they say is masked."""
    return (head("chain" if chain else "wide", durability) + secret() + "steps:\n" +
            "".join(step(i, chain, f"run: '{command}'") for i in range(count)))


def noop(count, chain, durability, say=None):
    """Steps of a plugin that do nothing, in one reused worker."""
    return (head("noop", durability) + secret() + "steps:\n" +
            "".join(step(i, chain, "uses: noop.nothing" + (f"\n    with: {{say: {say}{i}}}" if say else ""))
                    for i in range(count)))


def items(count, durability):
    """One step for so many items."""
    return (head("items", durability) + secret() + "steps:\n  - id: each\n"
            f"    foreach: ${{{{ range(1, {count}) }}}}\n    uses: noop.nothing\n")


def groups(count, durability):
    """Two steps after each other for so many items."""
    return (head("groups", durability) + secret() + "steps:\n  - id: each\n"
            f"    foreach: ${{{{ range(1, {count}) }}}}\n    steps:\n      - id: one\n        uses: noop.nothing\n"
            "      - id: two\n        needs: [one]\n        uses: noop.nothing\n")


def mixed(count):
    """A file as people write them: five kinds of steps in a chain, with expressions, retries, outputs and blocks."""
    bodies = (
        "    run: echo one {i}\n",
        '    run: echo "${{{{ params.where }}}}" {i}\n',
        '    env: {{PLACE: "${{{{ params.where }}}}"}}\n    run: echo "$PLACE" {i}\n',
        "    if: ${{{{ params.where == 'here' }}}}\n    retry: {{attempts: 3, delay: 5s}}\n    timeout: 10m\n"
        "    run: |\n      set -eu\n      echo {i} | sort > /dev/null\n      echo done\n",
        "    outputs: {{rows: {{from: stdout, as: integer}}}}\n    effect: read\n    run: echo {i}\n"
        "    expect:\n      - ${{{{ outputs.rows > 0 }}}}\n",
    )
    return (head("mixed", "process") + "params:\n  where: {type: string, default: here}\nsteps:\n" +
            "".join(f"  - id: step_{i}\n" + (f"    needs: [step_{i - 1}]\n" if i else "") + bodies[i % 5].format(i=i)
                    for i in range(count)))


def makefile(count, chain, command=COMMAND):
    command = command.replace("$", "$$")
    goals = f"s{count - 1}" if chain else " ".join(f"s{i}" for i in range(count))
    return (f"SHELL = /bin/sh\nall: {goals}\n" +
            "".join(f"s{i}:{f' s{i - 1}' if chain and i else ''}\n\t@{command}\n" for i in range(count)))
