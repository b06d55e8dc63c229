#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Whether figures are whole.

  whole.py FIGURES.json WHAT...     exit status 1 when a row lacks a key that each must have, or when
                                    a WHAT has no row with its figures; a line each on stderr
"""
import json
import sys

KEYS = {"what", "workers", "bindings", "rate_per_s", "failed", "p50_ns", "p99_ns", "reflector_per_s",
        "bytes_per_binding", "ratio", "idle", "command", "commit", "machine"}
RATE = {"workers", "bindings", "rate_per_s", "failed"}
WIRE = RATE | {"p50_ns", "p99_ns", "reflector_per_s"}
# What one row at least has to hold.
FIGURES = {
    "parse": {"ns_per_op"}, "table": RATE, "register": WIRE, "reregister": WIRE, "redirect": WIRE,
    "latency": WIRE | {"load"}, "digest": RATE, "expiry": {"bindings", "failed", "core_percent", "lag_s"},
    "attach": {"bindings", "failed", "seconds"}, "memory": {"bindings", "bytes_per_binding"},
    "scale": RATE | {"ratio"}, "peers": {"bindings", "ratio"},
}


def has(row, keys):
    return all(row.get(key) is not None for key in keys)


def lacks(rows, whats):
    for row in rows:
        for key in sorted(KEYS - row.keys()):
            yield f"{row.get('what')} {row.get('op')}: no key {key}"
        if row["idle"] not in (True, False) and not row.get("reason"):
            yield f"{row['what']} {row.get('op')}: neither idle nor not"
    for what in whats:
        mine = [row for row in rows if row["what"] == what]
        reasons = [row["reason"] for row in mine if row.get("reason")]
        if reasons:
            yield f"{what}: {'; '.join(reasons)}"
        elif not any(has(row, FIGURES[what]) for row in mine):
            yield f"{what}: no row with {', '.join(sorted(FIGURES[what]))}"


def main():
    with open(sys.argv[1]) as f:
        found = list(lacks(json.load(f), sys.argv[2:]))
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
