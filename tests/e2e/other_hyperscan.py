#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the compiled screening rules of an arena those of another version of Hyperscan; run by cases/screening.sh.

   other_hyperscan.py ARENA

A database begins with a magic number and the version that made it."""
import mmap
import sys

MAGIC = 0xDBDBDBDB.to_bytes(4, "little")
MADE_BY = 5  # the major version; the byte after three of the minor ones


def main():
    with open(sys.argv[1], "r+b") as arena:
        memory = mmap.mmap(arena.fileno(), 0)
    end = len(memory) - 8  # a search up to the very end reads the byte behind it, where nothing is mapped
    cnt = 0
    at = memory.find(MAGIC, 0, end)
    while at >= 0:
        if memory[at + 7] == MADE_BY:
            memory[at + 7] += 1
            cnt += 1
        at = memory.find(MAGIC, at + 1, end)
    assert cnt, "no rules of Hyperscan 5 in the arena"


if __name__ == "__main__":
    main()
