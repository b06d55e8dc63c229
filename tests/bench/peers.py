#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Medians of the turns of two servers, and their ratio.

  peers.py BINDINGS KAMAILIO-TURNS BINDERY-TURNS      lines of load_socket, of all turns

Prints lines of key=value: each server at its rate and at 10, 50 and 90 % of it, then both.
"""
import statistics
import sys

FIGURES = ["rate", "failed", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns"]


def turns(path):
    """{load in percent: [the line of each turn as a dict]}"""
    found = {}
    with open(path) as f:
        for line in f:
            row = dict(word.partition("=")[::2] for word in line.split())
            if "load" in row:
                found.setdefault(int(row["load"]), []).append(row)
    return found


def main():
    bindings, rate = sys.argv[1], {}
    for server, path in (("kamailio", sys.argv[2]), ("bindery", sys.argv[3])):
        found = turns(path)
        rates = [float(row["rate"]) for row in found[100]]
        rate[server] = statistics.median(rates)
        for load, rows in sorted(found.items(), reverse=True):
            median = {key: statistics.median(float(row[key]) for row in rows) for key in FIGURES}
            text = " ".join(f"{key}={value:.0f}" for key, value in median.items())
            spread = f" slowest={min(rates):.0f} fastest={max(rates):.0f}" if load == 100 else ""
            limit = ",".join(sorted({row["limit"] for row in rows}))
            print(f"op=reregister server={server} load={load} workers=1 bindings={bindings} {text}"
                  f"{spread} turns={len(rows)} limit={limit}")
    print(f"op=reregister server=both workers=1 bindings={bindings}"
          f" ratio={rate['bindery'] / rate['kamailio']:.2f}")


if __name__ == "__main__":
    main()
