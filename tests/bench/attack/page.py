# SPDX-License-Identifier: BSD-3-Clause
"""The part of docs/benchmarks.md that is under attack: markdown.py writes it."""
from report import short

BEGIN, END = "<!-- attack: tests/bench/markdown.py -->", "<!-- end of attack -->"
# Heading, key.
COLUMNS = [
    ("server", "server"), ("wire", "wire"), ("kind", "kind"), ("sources", "sources"), ("offered", "offered"),
    ("flood /s", "flood_per_s"), ("head, s", "head"), ("registered", "registered"), ("all, s", "seconds"),
    ("at once, %", "first_percent"), ("answered, %", "answered_percent"), ("p50, us", "p50_ns"),
    ("p99, us", "p99_ns"), ("max, us", "max_ns"), ("sent again", "again"), ("503", "busy"),
    ("idle", "idle"),
]


def cell(row, key):
    value = row.get(key)
    if key == "idle":
        return "yes" if value else "no"
    return "" if value is None else short(value / 1000) if key.endswith("_ns") else short(value)


def section(rows):
    """Lines; `rows` are the figures of what=attack."""
    yield "| " + " | ".join(heading for heading, _ in COLUMNS) + " |"
    yield "|---" * len(COLUMNS) + "|"
    for row in rows:
        yield "| " + " | ".join(cell(row, key) for _, key in COLUMNS) + " |"
