#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads lines of key=value on stdin.

  curve.py workers     lines of the replay with one and with two workers: adds what the second one brings
  curve.py csv         figures of the table at many sizes: one line a size, ns a column
"""
import sys


def lines():
    for line in sys.stdin:
        yield dict(word.partition("=")[::2] for word in line.split())


def workers():
    best = {}
    for row in lines():
        if row.get("what") != "reregister":
            continue
        count = int(row["workers"])
        if count not in best or float(row["rate_per_s"]) > float(best[count]["rate_per_s"]):
            best[count] = row
    for count, row in sorted(best.items()):
        row["op"] = "workers"
        del row["what"]
        if count > 1:
            row["ratio"] = f"{float(row['rate_per_s']) / float(best[1]['rate_per_s']):.3f}"
        print(" ".join(f"{key}={value}" for key, value in row.items()))


def csv():
    size, ops = {}, []
    for row in lines():
        bindings = row.get("bindings") or row.get("entries")
        ns = row.get("ns_per_op") or row.get("ns")
        if bindings and ns:
            size.setdefault(int(bindings), {})[row["op"]] = ns
            if row["op"] not in ops:
                ops.append(row["op"])
    print(",".join(["bindings"] + [f"{op}_ns" for op in ops]))
    for bindings, ns in sorted(size.items()):
        print(",".join([str(bindings)] + [ns.get(op, "") for op in ops]))


{"workers": workers, "csv": csv}[sys.argv[1]]()
