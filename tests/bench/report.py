#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Turns what the bench found into a table for people and an array for programs.

  report.py ROWS [JSON]       ROWS: lines of key=value, one a figure; a value with blanks is quoted

Keys that stand in every object: what, workers, bindings, rate_per_s, failed, p50_ns, p99_ns,
reflector_per_s, bytes_per_binding, ratio, idle; null where they do not apply. `goals` says what the project
wants of the figure and whether it was reached.
"""
import json
import os
import shlex
import sys

ALWAYS = ["what", "op", "workers", "bindings", "rate_per_s", "failed", "p50_ns", "p90_ns", "p99_ns",
          "p999_ns", "max_ns", "ns_per_op", "reflector_per_s", "bytes_per_binding", "ratio", "seconds",
          "idle", "reason", "command", "commit", "machine"]
TEXT = {"what", "op", "reason", "command", "commit", "machine", "dist", "pages", "limit", "note", "server", "wire", "kind"}
MILLION = 1000000

# What is wanted: of which row, which figure, whether more or less is better, must and aim.
MORE, LESS = True, False
GOALS = [
    ({"what": "reregister", "op": "search", "bindings": MILLION}, "rate_per_s", MORE, 2.5e6, 5e6),
    ({"what": "reregister", "op": "search", "bindings": 10 * MILLION}, "rate_per_s", MORE, 2e6, 4e6),
    ({"what": "reregister", "op": "search", "bindings": MILLION}, "reflector_share", MORE, 0.15, 0.33),
    ({"what": "register", "op": "search"}, "rate_per_s", MORE, 1.2e6, 2.5e6),
    ({"what": "digest", "op": "preemptive"}, "rate_per_s", MORE, 0.8e6, 2e6),
    ({"what": "digest", "op": "challenge"}, "rate_per_s", MORE, 2e6, 4e6),
    ({"what": "redirect", "op": "search"}, "rate_per_s", MORE, 2.5e6, 5e6),
    ({"what": "table", "op": "refresh", "bindings": 10 * MILLION, "dist": "uniform"}, "rate_per_s", MORE, 10e6, 20e6),
    ({"what": "parse", "op": "600"}, "ns_per_op", LESS, 250, 120),
    ({"what": "memory", "bindings": MILLION}, "bytes_per_binding", LESS, 512, 320),
    ({"what": "memory", "bindings": 10 * MILLION}, "bytes_per_binding", LESS, 512, 320),
    ({"what": "expiry"}, "core_percent", LESS, 5, 1),
    ({"what": "expiry"}, "lag_s", LESS, 1, 1),
    ({"what": "attach"}, "seconds", LESS, 3, 1),
    ({"what": "latency", "load": 50}, "p50_ns", LESS, 30000, 10000),
    ({"what": "latency", "load": 50}, "p99_ns", LESS, 200000, 60000),
    ({"what": "peers", "op": "reregister", "server": "both"}, "ratio", MORE, 4, 8),
    ({"what": "scale", "op": "workers", "workers": 2}, "ratio", MORE, 1.7, 1.95),
]
# How the measuring programs call what this one calls otherwise.
ALIASES = {"entries": "bindings", "aors": "bindings", "ns": "ns_per_op", "rate": "rate_per_s"}


def value_of(key, text):
    if text in ("", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if key in TEXT:
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


def rows_of(path):
    with open(path) as f:
        for line in f:
            words = (word.partition("=") for word in shlex.split(line))
            row = {ALIASES.get(key, key): value_of(key, value) for key, _, value in words}
            if row:
                yield row


def reached(value, more, must, aim):
    def good(bound):
        return value >= bound if more else value <= bound
    return "aim" if good(aim) else "must" if good(must) else "no"


def judge(row):
    goals = []
    for where, key, more, must, aim in GOALS:
        if row.get(key) is not None and all(row.get(k) == v for k, v in where.items()):
            goals.append({"figure": key, "must": must, "aim": aim, "reached": reached(row[key], more, must, aim)})
    row["goals"] = goals
    row["must"] = goals[0]["must"] if goals else None
    row["aim"] = goals[0]["aim"] if goals else None


def short(number):
    if number is None:
        return "-"
    if not isinstance(number, (int, float)) or isinstance(number, bool):
        return str(number)
    if abs(number) >= MILLION:
        return f"{number / MILLION:.2f} M"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def detail(row):
    """What the columns do not say."""
    shown = set(ALWAYS) | {"goals", "must", "aim"}
    return "  ".join(f"{key}={short(value)}" for key, value in row.items() if key not in shown)


def cells(row):
    goals = ", ".join(f"{g['figure']} {short(g['must'])}/{short(g['aim'])}: "
                      f"{'MISSED' if g['reached'] == 'no' else g['reached'] + ' reached'}" for g in row["goals"])
    mark = "NOT IDLE" if row["idle"] is False else ""
    return [f"{row['what']} {row.get('op') or ''}".strip(), short(row["workers"]), short(row["bindings"]),
            short(row["rate_per_s"]), short(row["ns_per_op"]), short(row["failed"]), short(row["p50_ns"]),
            short(row["p99_ns"]), "  ".join(filter(None, [mark, row.get("reason"), goals, detail(row)]))]


def table(rows):
    head = ["what", "workers", "bindings", "rate/s", "ns/op", "failed", "p50 ns", "p99 ns", "must/aim and more"]
    lines = [head] + [cells(row) for row in rows]
    for row, line in zip([None, *rows], lines):
        if row:
            for key, unit in (("seconds", "s"), ("ratio", "x"), ("bytes_per_binding", "bytes a binding")):
                if row.get(key) is not None:
                    line[-1] = f"{row[key]:.4g} {unit}  {line[-1]}"
    width = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        text = [line[0].ljust(width[0])] + [line[i].rjust(width[i]) for i in range(1, len(head) - 1)]
        print("  ".join(text + [line[-1]]).rstrip())


def main():
    about = {key: os.environ.get(f"BENCH_{key.upper()}") for key in ("command", "commit", "machine")}
    rows = [{key: row.get(key) for key in ALWAYS} | row | about for row in rows_of(sys.argv[1])]
    for row in rows:
        if row["reflector_per_s"] and row["rate_per_s"]:
            row["reflector_share"] = round(row["rate_per_s"] / row["reflector_per_s"], 4)
        judge(row)
    table(rows)
    if len(sys.argv) > 2:
        with open(sys.argv[2], "w") as f:
            json.dump(rows, f, indent=2)
            f.write("\n")


if __name__ == "__main__":
    main()
