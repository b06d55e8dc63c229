# SPDX-License-Identifier: BSD-3-Clause
"""What protocol.py, watcher.py and clocks.py have in common: questions to the appliance, and how their cases
are run: one by its name, and --list prints the names."""
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

INSTANCE = ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-0000000011%02x>"'


def ctl(*command):
    """The JSON document of a binderyctl command."""
    done = subprocess.run([*os.environ["BINDERYCTL"].split(), "--json", *command],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def contacts_of(aor):
    """The Contact URIs that the appliance holds for an AoR."""
    return {binding["contact"] for binding in ctl("show", "bindings", aor)["bindings"]}


def counter(name):
    """A counter or a verdict of show stats; a verdict that has not occurred is not listed."""
    stats = ctl("show", "stats")
    rows = {row["counter"]: row["total"] for row in stats["counters"]}
    rows.update({row["verdict"]: row["total"] for row in stats["verdicts"]})
    return rows.get(name, 0)


def equal(got, wanted, what=""):
    assert got == wanted, f"{what}: got {got!r}, wanted {wanted!r}"


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def gruus(reply):
    text = reply.get("Contact")
    return [re.search(rf';{name}="([^"]*)"', text).group(1) for name in ("pub-gruu", "temp-gruu")]


def run(file, names):
    """The exit status. names: globals() of the file; case_NAME is a case."""
    cases = {name[5:]: function for name, function in names.items() if name.startswith("case_")}
    if sys.argv[1:] == ["--list"]:
        print("\n".join(cases))
        return 0
    if len(sys.argv) != 2 or sys.argv[1] not in cases:
        print(f"usage: {Path(file).name} --list | CASE", file=sys.stderr)
        return 2
    cases[sys.argv[1]]()
    return 0
