#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# usage: zone_test.py ZONE_PRINT. A third of the zones of the system, and those that are odd, at and around each hour at
# which their clocks are set, at the ends of years, and at times far behind their tables.
import datetime
import os
import random
import subprocess
import sys

try:
    import zoneinfo
except ImportError:
    print("this Python has no zoneinfo")
    sys.exit(77)

FOLDER = os.environ.get("TZDIR", "/usr/share/zoneinfo")
EPOCH = datetime.datetime(1970, 1, 1)
UTC = datetime.timezone.utc


def seconds(delta):
    return delta.days * 86400 + delta.seconds


def zones():
    """Names of files below the folder whose bytes are a table; each table once, under its first name."""
    seen, found = set(), []
    for top, folders, files in sorted(os.walk(FOLDER)):
        if os.path.relpath(top, FOLDER).split(os.sep)[0] in ("right", "posix"):
            continue
        for file in sorted(files):
            name = os.path.relpath(os.path.join(top, file), FOLDER)
            with open(os.path.join(FOLDER, name), "rb") as f:
                data = f.read()
            if data[:4] == b"TZif" and data not in seen and name != "localtime":
                seen.add(data)
                found.append(name)
    return found


def changes(zone):
    """Times about which the offset changes, found by halving days from 1900 to 2060."""
    def offset(at):
        return (EPOCH + datetime.timedelta(seconds=at)).replace(tzinfo=UTC).astimezone(zone).utcoffset()

    step = 86400 * 9
    at, end, ret = -70 * 365 * 86400, 90 * 365 * 86400, []
    before = offset(at)
    while at < end:
        after = offset(at + step)
        if after != before:
            low, high = at, at + step
            while high - low > 1:
                middle = (low + high) // 2
                if offset(middle) == before:
                    low = middle
                else:
                    high = middle
            ret.append(high)
        before, at = after, at + step
    return ret


def questions(name, zone, chance):
    found = changes(zone)
    if len(found) > 60:
        found = found[:10] + found[-10:] + chance.sample(found, 40)
    utc, local = set(), set()
    for at in found:
        utc.update((at - 1, at, at + 1, at + 3601))
        for shift in (-1, 0, 1, 599, 1800, 5400):
            for offset in (-36000, 0, 36000):
                local.add(at + shift + offset)
        before = (EPOCH + datetime.timedelta(seconds=at - 1)).replace(tzinfo=UTC).astimezone(zone).utcoffset()
        after = (EPOCH + datetime.timedelta(seconds=at)).replace(tzinfo=UTC).astimezone(zone).utcoffset()
        for shift in (-3601, -1, 0, 1, 1799, 1800, 3599, 3600):
            local.add(at + seconds(before) + shift)
            local.add(at + seconds(after) + shift)
    for year in (1900, 1970, 2026, 2038, 2100, 2399):
        start = seconds(datetime.datetime(year, 1, 1) - EPOCH)
        for shift in (-86401, -1, 0, 1, 86400 * 180):
            utc.add(start + shift)
            local.add(start + shift)
    utc.update(chance.randrange(-2 * 10**9, 8 * 10**9) for _ in range(40))
    local.update(chance.randrange(-2 * 10**9, 8 * 10**9) for _ in range(40))
    return sorted(utc), sorted(local)


def of_utc(zone, at):
    there = (EPOCH + datetime.timedelta(seconds=at)).replace(tzinfo=UTC).astimezone(zone)
    return "%d %s" % (seconds(there.utcoffset()), there.tzname())


def of_local(zone, at):
    there = (EPOCH + datetime.timedelta(seconds=at)).replace(tzinfo=zone)
    first = at - seconds(there.utcoffset())
    again = at - seconds(there.replace(fold=1).utcoffset())
    if again < first:
        return "%d %d gap" % (first, first)
    return "%d %d once" % (first, again)


def main():
    names = zones()
    if not names:
        print("there are no zones in " + FOLDER + "; install the package tzdata")
        return 77
    chance = random.Random(5)
    wanted = ["Australia/Perth", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia",
              "Europe/Dublin", "Africa/Casablanca", "America/Nuuk", "Asia/Kathmandu", "Antarctica/Troll"]
    others = [name for name in names if name not in wanted]
    names = [name for name in wanted if os.path.exists(os.path.join(FOLDER, name))]
    names += chance.sample(others, len(others) // 3)
    lines, answers = [], []
    for name in names:
        with open(os.path.join(FOLDER, name), "rb") as file:
            zone = zoneinfo.ZoneInfo.from_file(file)
        utc, local = questions(name, zone, chance)
        lines.append("zone " + name)
        for at in utc:
            lines.append("utc %d" % at)
            answers.append((name, lines[-1], of_utc(zone, at)))
        for at in local:
            lines.append("local %d" % at)
            answers.append((name, lines[-1], of_local(zone, at)))
    run = subprocess.run([sys.argv[1]], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=100)
    got = run.stdout.splitlines()
    wrong = ["%s %s: we say %s, Python %s" % (name, ask, ours, theirs)
             for (name, ask, theirs), ours in zip(answers, got) if ours != theirs]
    complete = run.returncode == 0 and len(got) == len(answers) and len(answers) > 10000
    print("1..2")
    print("%s 1 - every question about %d zones is answered" % ("ok" if complete else "not ok", len(names)))
    print("%s 2 - %d answers are Python's" % ("not ok" if wrong else "ok", len(answers)))
    for line in (wrong[:20] if complete else [run.stderr, "%d answers to %d questions" % (len(got), len(answers))]):
        print("  | " + line)
    return 0 if complete and not wrong else 1


sys.exit(main())
