#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Whether the machine is idle but for the bench itself.

  idle.py sample FILE             notes what every process and core has used so far
  idle.py since FILE              what others have used since then; exit status 1 when that was too much
  idle.py now [BEST-FILE]         looks on for a second: others' load, stolen time, and whether each core
                                  still counts as fast as the best it ever did (kept in BEST-FILE)

A process belongs to the bench when BINDERY_BENCH in its environment is the one of this program. Kernel
threads that carry the bench's own packets (ksoftirqd, napi) count as the bench's. One line on stdout.
"""
import json
import os
import sys
import time

TICKS = os.sysconf("SC_CLK_TCK")
OTHERS_MAX = 0.05  # of one core
STEAL_MAX = 0.02
SLOWER_MAX = 0.15  # a core may count so much slower than at its best
OURS = ("ksoftirqd/", "napi/")


def environment_has(pid, mark):
    try:
        with open(f"/proc/{pid}/environ", "rb") as f:
            return mark in f.read().split(b"\0")
    except OSError:
        return False


def processes():
    """Seconds of processor time of each process that is not ours, its reaped children included."""
    mark = f"BINDERY_BENCH={os.environ.get('BINDERY_BENCH', '')}".encode()
    used = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                head, tail = f.read().rsplit(")", 1)
        except OSError:
            continue
        name = head.split("(", 1)[1]
        if name.startswith(OURS) or environment_has(pid, mark):
            continue
        field = tail.split()
        # What process 1 reaps may have been ours.
        own, reaped = sum(map(int, field[11:13])), sum(map(int, field[13:15]))
        used[pid] = {"name": name, "born": field[19], "parent": field[1],
                     "seconds": (own + (reaped if pid != "1" else 0)) / TICKS}
    return used


def stolen():
    with open("/proc/stat") as f:
        return int(f.readline().split()[8]) / TICKS


def sample():
    return {"time": time.monotonic(), "steal": stolen(), "processes": processes()}


def compare(before, after):
    """Returns what speaks against an idle machine: a list of phrases."""
    span = max(after["time"] - before["time"], 0.1)
    used = {pid: p["seconds"] for pid, p in after["processes"].items()}
    for pid, was in before["processes"].items():
        now = after["processes"].get(pid)
        # Who has gone is in the time that its parent has reaped.
        heir = pid if now and now["born"] == was["born"] else was["parent"]
        if heir in used and heir != "1" or heir == pid:
            used[heir] -= was["seconds"]
    others = [(max(seconds, 0), after["processes"][pid]["name"]) for pid, seconds in used.items()]
    load = sum(seconds for seconds, _ in others) / span
    steal = (after["steal"] - before["steal"]) / span
    found = []
    # A tick more or less is no load.
    if load > OTHERS_MAX + 2 / TICKS / span:
        most = ", ".join(f"{name} {seconds / span:.0%}" for seconds, name in sorted(others)[:-4:-1])
        found.append(f"other processes use {load:.0%} of a core ({most})")
    if steal > STEAL_MAX + 2 / TICKS / span:
        found.append(f"the hypervisor takes {steal:.0%} of a core")
    return found


def spin():
    """Rounds of a fixed loop in a millisecond, the best of a hundred."""
    best = 0
    for _ in range(100):
        rounds, end = 0, time.perf_counter_ns() + 1000000
        while time.perf_counter_ns() < end:
            rounds += 1
        best = max(best, rounds)
    return best


def slower(best_file):
    """Each core's speed against the best that was ever seen here."""
    found, allowed = [], os.sched_getaffinity(0)
    try:
        with open(best_file) as f:
            best = json.load(f)
    except (OSError, ValueError, TypeError):
        best = 0
    speeds = {}
    for core in sorted(allowed):
        os.sched_setaffinity(0, {core})
        speeds[core] = spin()
    os.sched_setaffinity(0, allowed)
    best = max([best, *speeds.values()])
    if best_file:
        with open(best_file, "w") as f:
            json.dump(best, f)
    for core, speed in speeds.items():
        if speed < best * (1 - SLOWER_MAX):
            found.append(f"core {core} counts {speed / best:.0%} of its best")
    return found


def report(found):
    print("; ".join(found) or "idle")
    return 1 if found else 0


def main():
    verb, path = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    if verb == "sample":
        with open(path, "w") as f:
            json.dump(sample(), f)
        return 0
    if verb == "since":
        with open(path) as f:
            return report(compare(json.load(f), sample()))
    before = sample()
    time.sleep(1)
    return report(compare(before, sample()) + slower(path))


if __name__ == "__main__":
    sys.exit(main())
