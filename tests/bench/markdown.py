#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Figures of the bench as the results of docs/benchmarks.md; those of avalanche and attack have
sections of their own.

  markdown.py JSON...                  prints the sections
  markdown.py --into PAGE JSON...      puts each between its two marks in the page

A later file's figures take the place of an earlier one's for the same `what`. Figures of a machine that was
not idle are left out; avalanche and attack, which compare servers by turns, have a column that says so.
"""
import json
import sys

from attack import page as attack
from avalanche import page as avalanche
from report import GOALS, short

BEGIN, END = "<!-- results: tests/bench/markdown.py -->", "<!-- end of results -->"
OWN = {"avalanche": avalanche, "attack": attack}
NAMES = {
    "reflector_share": "share of the reflector's frame rate", "rate_per_s": "rate /s", "ns_per_op": "ns",
    "bytes_per_binding": "bytes a binding", "core_percent": "% of a core", "lag_s": "lag, s", "seconds": "s",
    "p50_ns": "p50, ns", "p99_ns": "p99, ns", "ratio": "ratio",
}


def figures(paths):
    found = {}
    for path in paths:
        with open(path) as f:
            rows = [row for row in json.load(f) if not row.get("reason") and (row["idle"] or row["what"] in OWN)]
        for what in {row["what"] for row in rows}:
            found[what] = [row for row in rows if row["what"] == what]
    return found


def where_text(where):
    return " ".join(f"{key} {short(value)}" for key, value in where.items() if key != "what")


def goals(found):
    yield "| what | of | figure | must | aim | measured | |"
    yield "|---|---|---|---|---|---|---|"
    for where, key, more, must, aim in GOALS:
        rows = [row for row in found.get(where["what"], [])
                if row.get(key) is not None and all(row.get(k) == v for k, v in where.items())]
        # The worst counts: a promise holds for all of its rows or not at all.
        row = (min if more else max)(rows, key=lambda r: r[key], default=None)
        reached = next(g["reached"] for g in row["goals"] if g["figure"] == key) if row else None
        word = {"aim": "aim reached", "must": "must reached", "no": "**missed**", None: "not measured"}[reached]
        yield (f"| {where['what']} | {where_text(where)} | {NAMES[key]} | {short(must)} | {short(aim)} |"
               f" {short(row[key]) if row else '-'} | {word} |")


def everything(found):
    columns = ["what", "op", "load", "server", "dist", "workers", "bindings", "rate_per_s", "ns_per_op", "failed",
               "p50_ns", "p99_ns"]
    yield "| " + " | ".join(columns) + " |"
    yield "|---" * len(columns) + "|"
    for rows in found.values():
        for row in rows:
            yield "| " + " | ".join(short(row[c]) if row.get(c) is not None else "" for c in columns) + " |"


def origins(found):
    for origin in sorted({(row["machine"], row["commit"], row["command"]) for rows in found.values() for row in rows}):
        yield f"* `{origin[2]}`, commit {origin[1]}, {origin[0]}"


def section(found):
    yield from goals(found)
    yield ""
    yield from origins(found)
    yield ""
    yield from everything(found)


def sections(found):
    """(begin, end, text) of each section that there are figures for."""
    own = [(page, found.pop(what, [])) for what, page in OWN.items()]
    if found:
        yield BEGIN, END, "\n".join(section(found))
    for page, rows in own:
        if rows:
            yield page.BEGIN, page.END, "\n".join([*page.section(rows), "", *origins({"": rows})])


def main():
    page = sys.argv[2] if sys.argv[1] == "--into" else None
    whole = list(sections(figures(sys.argv[3 if page else 1:])))
    if not page:
        print("\n\n".join(text for _, _, text in whole))
        return
    with open(page) as f:
        content = f.read()
    for begin, end, text in whole:
        head, _, rest = content.partition(begin)
        content = f"{head}{begin}\n{text}\n{end}{rest.partition(end)[2]}"
    with open(page, "w") as f:
        f.write(content)


if __name__ == "__main__":
    main()
