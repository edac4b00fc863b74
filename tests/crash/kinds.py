# SPDX-License-Identifier: Apache-2.0
"""The kinds of steps that are killed: a workflow of each, and what its effects may look like afterwards.

Effects are judged by ledgers outside the runner: each step appends to the file ledger.STEP beside its workflow, and
effects that a remote de-duplicates are files remote/STEP.TOKEN.
"""
import collections
import textwrap

Kind = collections.namedtuple("Kind", "name text effects code writes fates left parents files order first",
                              defaults=({}, None, (), {}, {}, ()))
# effects: step -> class, or "" for a step that must not run. code: of the run when all is settled.
# A part of a loop is called STEP-ITEM here.
# fates: how steps end that do not succeed. left: an exit code after which a resume goes on, besides a kill.
# writes: commits that every run of it has at least: the least number of kill points of one place.
# parents: loops, groups and workflows among the steps; they have no effect. files: beside the workflow, by name.
# order: step -> those that must have ended before it begins. first: the command that is killed, behind a run that
# is not.

SHELL = """\
      echo "begin $LEVADA_TOKEN" >> ledger.$LEVADA_STEP
      {body}
      echo "end $LEVADA_TOKEN" >> ledger.$LEVADA_STEP
"""
AGAIN = """\
      echo "begin $LEVADA_TOKEN" >> ledger.$LEVADA_STEP
      if [ "$(grep -c fail ledger.$LEVADA_STEP)" -lt 1 ]; then
        echo "fail $LEVADA_TOKEN" >> ledger.$LEVADA_STEP
        exit 3
      fi
      {body}
      echo "end $LEVADA_TOKEN" >> ledger.$LEVADA_STEP
"""
PARTS = """\
      echo "begin $LEVADA_TOKEN" >> ledger.$LEVADA_STEP
      done=$(levada checkpoint get part || echo 0)
      for part in 1 2 3; do
        [ "$part" -gt "$done" ] || continue
        line="part $LEVADA_TOKEN $part"
        grep -q "^$line$" ledger.$LEVADA_STEP || echo "$line" >> ledger.$LEVADA_STEP
        levada checkpoint set part "$part"
      done
      echo "end $LEVADA_TOKEN" >> ledger.$LEVADA_STEP
"""
REMOTE = 'mkdir remote/$LEVADA_STEP.$LEVADA_TOKEN 2>/dev/null; sleep 0.0{ms}'


def three(step):
    """a and b side by side, b slower; c behind both."""
    return "steps:\n" + step("a", "[]", 1) + step("b", "[]", 4) + step("c", "[a, b]", 1)


def shell(name, effect=None, text=SHELL, body="sleep 0.0{ms}", extra="", parts=None):
    def step(ident, needs, wait):
        script = text.replace("{body}", body.replace("{ms}", str(wait)))
        keys = (f"    effect: {effect}\n" if effect else "") + extra
        return f"  - id: {ident}\n    needs: {needs}\n{keys}    run: |\n{script}"
    whole = parts(step) if parts else three(step)
    return Kind(name, whole, dict.fromkeys("abc", effect or "unsafe"), 0, 5)


def plugin(name, action, effect=None, extra="wait_before: 2ms\n      wait_after: {ms}0ms", writes=5):
    def step(ident, needs, wait):
        return (f"  - id: {ident}\n    needs: {needs}\n    uses: {action}\n    with:\n"
                f"      ledger: ledger.{ident}\n      {extra.replace('{ms}', str(wait))}\n")
    return Kind(name, three(step), dict.fromkeys("abc", effect or name), 0, writes)


def silent(name, body, effect):
    """A step without an effect outside: only its run can be judged."""
    def step(ident, needs, wait):
        return f"  - id: {ident}\n    needs: {needs}\n{body.replace('{ms}', str(wait))}"
    return Kind(name, three(step), dict.fromkeys("abc", "silent " + effect), 0, 5)


def failing(name, effect):
    """a fails for good; b needs it and never runs; on_failure and finally do."""
    keys = f"    effect: {effect}\n" if effect else ""

    def step(ident, last, needs=""):
        script = SHELL.replace("{body}", "sleep 0.01")
        return f"  - id: {ident}\n{needs}{keys}    run: |\n{script}{last}"
    text = ("steps:\n" + step("a", "      exit 3\n") + step("b", "", "    needs: [a]\n") +
            "on_failure:\n" + step("c", "") + step("d", "", "    needs: [c]\n") + "finally:\n" + step("z", ""))
    effects = dict(dict.fromkeys("acdz", effect or "unsafe"), b="")
    return Kind(name, text, effects, 1, 6, {"a": "failed", "b": "skipped"})


def slow(name, code, fates, left=None, effect="unsafe"):
    """a takes its time: the run is cancelled or interrupted meanwhile."""
    def step(ident, body, needs="[]"):
        return (f"  - id: {ident}\n    needs: {needs}\n    effect: {effect}\n    grace: 1s\n    run: |\n" +
                SHELL.replace("{body}", body))
    text = ("steps:\n" + step("a", "sleep 0.25") + step("b", "sleep 0.01", "[a]") + "finally:\n" +
            step("z", "sleep 0.01").replace("    needs: []\n", ""))
    return Kind(name, text, dict.fromkeys("abz", effect), code, 7, fates, left)


def retried():
    """a succeeds, b fails until its cause is mended, c needs both: `levada retry` is killed."""
    def step(ident, needs, first=""):
        return (f"  - id: {ident}\n    needs: {needs}\n    effect: idempotent\n    run: |\n{first}" +
                SHELL.replace("{body}", "sleep 0.01"))
    text = ("steps:\n" + step("a", "[]") + step("b", "[]", "      [ -e mended ] || exit 1\n") + step("c", "[a, b]") +
            "finally:\n" + step("z", "[]").replace("    needs: []\n", ""))
    # finally runs for each of the two, with a token for each.
    return Kind("retried", text, dict(dict.fromkeys("abc", "idempotent"), z="silent idempotent"), 0, 4)


def asked(name, code, fates, more=""):
    """b asks a person, who answers when the run has parked, or while another step still runs."""
    def step(ident, needs, extra=""):
        return (f"  - id: {ident}\n    needs: {needs}\n{extra}    run: |\n" + SHELL.replace("{body}", "sleep 0.01"))
    text = ("steps:\n" + step("a", "[]") + step("b", "[a]", "    approve: {min: 1, input: {n: {default: x}}}\n") +
            step("c", "[b]") + more + "finally:\n" + step("z", "[]").replace("    needs: []\n", ""))
    effects = {ident: "" if fates.get(ident) in ("failed", "skipped") else "unsafe" for ident in "abcz"}
    return Kind(name, text, dict(effects, w="silent unsafe") if more else effects, code, 8, fates)


WAITS = """\
  - id: w
    needs: []
    effect: pure
    run: for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -e answered ] || sleep 0.02; done
"""


def halted(name, keys, effect=None):
    """a has had its effect and goes on a while, when it is interrupted or runs out of time."""
    def step(ident, needs, after, more=""):
        return (f"  - id: {ident}\n    needs: {needs}\n    uses: probe.{name}\n{more}    with:\n"
                f"      ledger: ledger.{ident}\n      wait_after: {after}\n")
    text = "steps:\n" + step("a", "[]", "300ms", keys) + step("b", "[a]", "0s")
    return Kind("halted-" + name + ("-late" if keys else ""), text, dict.fromkeys("ab", effect or name), 0, 0, {}, 130)


def process_only(kind):
    """The same kind with `durability: process`: nothing is synced, and a kill loses nothing all the same."""
    return kind._replace(name="process-" + kind.name, text="durability: process\n" + kind.text)


def downed(kind):
    """The same kind on a machine that goes down: everything is told to end at once."""
    return kind._replace(name="downed-" + kind.name.replace("run-", ""), left=143)


def struck(kind):
    """The same kind, for kills at any moment."""
    return kind._replace(name="struck-" + kind.name.replace("run-", ""))


def shared(kind):
    """The same in a group, and each step in a pool of one slot: one after the other."""
    return kind._replace(text="concurrency: {group: shared group}\n" + kind.text)


def script(ident, effect, text=SHELL, body="sleep 0.01", keys="", item=False, last=""):
    """A step of its own, at the left margin."""
    effect = f"  effect: {effect}\n" if effect else ""
    item = '      LEVADA_STEP="$LEVADA_STEP-${{ item }}"\n' if item else ""
    lines = textwrap.indent(textwrap.dedent(item + text.replace("{body}", body) + last), "    ")
    return f"- id: {ident}\n{textwrap.indent(keys, '  ')}{effect}  run: |\n{lines}"


def inner(*steps, by=2):
    return textwrap.indent("".join(steps), " " * by)


def looped(effect, text=SHELL, body="sleep 0.01"):
    """Items, two at a time, and a step behind the loop."""
    keys = "foreach: [x, y, w]\nmax_parallel: 2\n"
    whole = "steps:\n" + inner(script("a", effect, text, body, keys, item=True),
                              script("b", effect, text, body, "needs: [a]\n"))
    names = ("a-x", "a-y", "a-w", "b")
    return Kind("loop-" + (effect or "unsafe"), whole, dict.fromkeys(names, effect or "unsafe"), 0, 5, parents=("a",),
                order={"b": ["a", "a-x", "a-y", "a-w"]})


def looped_action(action):
    whole = (f"steps:\n  - id: a\n    foreach: [x, y]\n    uses: probe.{action}\n    with:\n"
             "      ledger: ledger.a-${{ item }}\n      wait_before: 2ms\n      wait_after: 10ms\n")
    return Kind("loop-action-" + action, whole, dict.fromkeys(("a-x", "a-y"), action), 0, 4, parents=("a",))


def grouped(effect):
    """A group for each of two items, and a loop within the group."""
    group = inner(script("p", effect, item=True), script("q", effect, keys="needs: [p]\n", item=True), by=4)
    whole = (f"steps:\n  - id: g\n    foreach: [x, y]\n    steps:\n{inner(group)}" +
             inner(script("b", effect, keys="needs: [g]\n")))
    order = {"b": ["g", "g-x", "g-y"], "g.q-x": ["g.p-x"], "g.q-y": ["g.p-y"]}
    return Kind("group-" + (effect or "unsafe"), whole,
                dict.fromkeys(("g.p-x", "g.q-x", "g.p-y", "g.q-y", "b"), effect or "unsafe"), 0, 6,
                parents=("g", "g-x", "g-y"), order=order)


def included(effect):
    """A workflow of another file that fails in the middle, and cleans up."""
    bad = script("b", effect, keys="needs: [a]\n", last="      exit 3\n")
    sub = ("levada: 1\nsteps:\n" + inner(script("a", effect), bad, script("d", effect, keys="needs: [b]\n")) +
           "on_failure:\n" + inner(script("c", effect)) + "finally:\n" + inner(script("y", effect)))
    whole = ("steps:\n  - id: s\n    workflow: sub.yaml\n" + inner(script("e", effect, keys="needs: [s]\n")) +
             "finally:\n" + inner(script("z", effect)))
    effects = {**dict.fromkeys(("s.a", "s.b", "s.c", "s.y", "z"), effect or "unsafe"), "s.d": "", "e": ""}
    return Kind("workflow-" + (effect or "unsafe"), whole, effects, 1, 7,
                {"s.b": "failed", "s.d": "skipped", "e": "skipped", "s": "failed"}, parents=("s",),
                files={"sub.yaml": sub}, order={"s.y": ["s.c"], "s.c": ["s.b"], "z": ["s", "s.y"]})


def polled():
    """Three times until it holds; each time is an effect with a token of its own."""
    text = """\
      mkdir remote/$LEVADA_STEP.$LEVADA_TOKEN 2>/dev/null
      echo "$LEVADA_TOKEN" >> ledger.$LEVADA_STEP
      sleep 0.01
      ls remote | grep -c "^$LEVADA_STEP[.]" | sed 's/^/times=/' >> "$LEVADA_OUTPUT"
"""
    keys = "until: ${{ outputs.times >= 3 }}\nevery: 5ms\nattempts: 9\noutputs: {times: {as: integer}}\n"
    whole = "steps:\n" + inner(script("a", "keyed", text, keys=keys), script("b", "keyed", keys="needs: [a]\n"))
    return Kind("until-keyed", whole, {"a": "polled", "b": "keyed script"}, 0, 6, order={"b": ["a"]})


def rolled(effect):
    """What succeeded is undone, the last first: `levada rollback` is killed."""
    def step(ident, keys):
        undo = f"undo:\n  effect: {effect or 'unsafe'}\n  run: |\n" + textwrap.indent(
            textwrap.dedent(SHELL.replace("{body}", REMOTE.replace("{ms}", "1"))), "    ")
        return script(ident, "idempotent", keys=keys + undo)
    whole = "steps:\n" + inner(step("a", "needs: []\n"), step("b", "needs: [a]\n"))
    effects = {**dict.fromkeys(("a", "b"), "idempotent"), **dict.fromkeys(("a.undo", "b.undo"), effect or "unsafe")}
    return Kind("rollback-" + (effect or "unsafe"), whole, effects, 0, 4, order={"a.undo": ["b.undo"]},
                first=("rollback",))


def called(action):
    """A chunk that calls an action twice, and a step behind it."""
    chunk = "".join(f'      call("probe.{action}", {{ledger = "ledger.a.probe_{action}-{n}", wait_before = "2ms", '
                    f'wait_after = "10ms"}})\n' for n in (1, 2))
    whole = f"steps:\n  - id: a\n    lua: |\n{chunk}" + inner(script("b", "keyed", body=REMOTE.replace("{ms}", "1"),
                                                                    keys="needs: [a]\n"))
    names = [f"a.probe_{action}-{n}" for n in (1, 2)]
    return Kind("call-" + action, whole, {"a": "silent checkpointed", "b": "keyed", **dict.fromkeys(names, action)},
                0, 7, order={names[1]: [names[0]], "b": ["a"]})


def hooked(kind):
    """The same with hooks: one in front of the run, and those of the steps around their effects."""
    return kind._replace(text="hooks: {before_run: log(run.id)}\n" + kind.text, writes=kind.writes + 2,
                         effects={**kind.effects, "before_run": "silent pure"})


HOOKS = """    hooks:
      before_step: local n = 0 for i = 1, 20000 do n = n + i end
      on_retry: log(result.error.message)
      after_step: metric("seconds", number(result.duration))
      on_failure: log("gave up")
"""
SHARED = "    pool: shared-pool\n"
RETRY = "    retry: {attempts: 9, delay: 5ms, backoff: 1}\n"
KINDS = {kind.name: kind for kind in (
    shell("run-unsafe"),
    shell("run-pure", "pure"),
    shell("run-read", "read"),
    shell("run-idempotent", "idempotent"),
    shell("run-keyed", "keyed", body=REMOTE),
    shell("run-checkpointed", "checkpointed", text=PARTS),
    shell("retry-unsafe", text=AGAIN, extra=RETRY)._replace(writes=9),
    shell("retry-keyed", "keyed", text=AGAIN, body=REMOTE, extra=RETRY)._replace(writes=9),
    shared(shell("run-shared-unsafe", extra=SHARED)),
    shared(shell("run-shared-keyed", "keyed", body=REMOTE, extra=SHARED)),
    hooked(shell("run-hooked-unsafe", extra=HOOKS)),
    hooked(shell("retry-hooked-keyed", "keyed", text=AGAIN, body=REMOTE, extra=RETRY + HOOKS)._replace(writes=9)),
    failing("handlers-unsafe", None),
    failing("handlers-idempotent", "idempotent"),
    silent("lua-unsafe", "    lua: set_output(\"n\", {ms})\n", "unsafe"),
    silent("lua-pure", "    effect: pure\n    lua: set_output(\"n\", {ms})\n", "pure"),
    silent("older", "    uses: older.first\n    with: {count: 1, wait: {ms}0ms}\n", "pure"),
    silent("keeper", "    uses: keeper.count\n    with: {catalog: catalog, wait: {ms}0ms}\n", "idempotent"),
    plugin("pure", "probe.pure"),
    plugin("read", "probe.read"),
    plugin("idempotent", "probe.idempotent"),
    plugin("keyed", "probe.keyed"),
    plugin("transactional", "probe.transactional"),
    plugin("probe", "probe.probe"),
    plugin("unsafe", "probe.unsafe"),
    plugin("checkpointed", "probe.checkpointed", extra="parts: 3\n      wait: {ms}ms", writes=12),
)}
# Kinds that something happens to besides.
OTHERS = {kind.name: kind for kind in (
    retried(),
    asked("approved", 0, {}), asked("rejected", 1, {"b": "failed", "c": "skipped"}), asked("answered", 0, {}, WAITS),
    slow("cancelled", 10, {"a": "any", "b": "any", "z": "any"}),
    slow("interrupted", 0, {}, 130, "idempotent"),
    halted("probe", ""), halted("transactional", ""), halted("keyed", ""), halted("unsafe", ""),
    halted("probe", "    timeout: 100ms\n" + RETRY), halted("transactional", "    timeout: 100ms\n" + RETRY),
    downed(KINDS["run-unsafe"]), downed(KINDS["run-keyed"]), downed(KINDS["checkpointed"]), downed(KINDS["probe"]),
    downed(KINDS["keeper"]), downed(KINDS["lua-pure"]),
    process_only(KINDS["run-unsafe"]), process_only(KINDS["probe"]), process_only(KINDS["checkpointed"]),
    struck(KINDS["run-unsafe"]), struck(KINDS["run-keyed"]), struck(KINDS["checkpointed"]), struck(KINDS["probe"]),
)}
# Steps within steps, and steps that others begin.
TREES = {kind.name: kind for kind in (
    looped(None), looped("pure"), looped("read"), looped("idempotent"), looped("checkpointed", PARTS),
    looped("keyed", body=REMOTE.replace("{ms}", "1")),
    looped_action("transactional"), looped_action("probe"),
    grouped(None), grouped("idempotent"), included(None), included("idempotent"), polled(),
    rolled(None), rolled("keyed"),
    called("keyed"), called("transactional"), called("unsafe"),
)}
ALL = {**KINDS, **OTHERS, **TREES}
