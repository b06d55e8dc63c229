# SPDX-License-Identifier: BSD-3-Clause
"""The avalanche's part of docs/benchmarks.md: markdown.py writes it."""
from report import short

BEGIN, END = "<!-- avalanche: tests/bench/markdown.py -->", "<!-- end of avalanche -->"
# Heading, key.
COLUMNS = [
    ("server", "server"), ("wire", "wire"), ("phones", "bindings"), ("honour Retry-After, %", "honour"),
    ("50 %, s", "seconds_50"), ("90 %, s", "seconds_90"), ("99 %, s", "seconds_99"), ("all, s", "seconds"),
    ("never", "failed"), ("messages a phone", "messages"), ("p99", "messages_p99"), ("max", "messages_max"),
    ("sent again", "again"), ("lost on the way", "lost"), ("401", "challenges"), ("503", "busy"),
    ("other refusals", "refusals"), ("unanswered", "unanswered"), ("import, s", "import_s"),
    ("idle", "idle"),
]


def cell(row, key):
    value = row.get(key)
    if key == "idle":
        return "yes" if value else "no"
    return "" if value is None else short(value)


def section(rows):
    """Lines; `rows` are the figures of what=avalanche."""
    yield "| " + " | ".join(heading for heading, _ in COLUMNS) + " |"
    yield "|---" * len(COLUMNS) + "|"
    for row in rows:
        yield "| " + " | ".join(cell(row, key) for _, key in COLUMNS) + " |"
