#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What a binding takes, everything included.

  memory.py SHOW-INFO.json PID...

The arena counts as far as it is used: all of it but the record memory that was never handed out. The
processes count with all their memory but the arena, hugepages of the packet buffers included. Prints one
line of key=value.
"""
import json
import os
import sys


def outside_arena(pid, arena):
    """Bytes of a process: resident, and in hugepages, which resident does not count."""
    kib, inside = 0, False
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            field = line.split()
            if not field[0].endswith(":"):
                inside = field[-1] == arena
            elif not inside and field[0] in ("Pss:", "Private_Hugetlb:", "Shared_Hugetlb:"):
                kib += int(field[1])
    return kib * 1024


def main():
    with open(sys.argv[1]) as f:
        info = json.load(f)
    processes = sum(outside_arena(pid, info["arena"]["path"]) for pid in sys.argv[2:])
    whole, records = os.stat(info["arena"]["path"]).st_size, info["records"]
    used = whole - (records["total_bytes"] - records["carved_bytes"])
    n = info["bindings"]
    print(f"op=used workers=1 bindings={n} bytes_per_binding={(used + processes) / n:.1f}"
          f" arena_bytes={used / n:.1f} processes_bytes={processes / n:.1f}"
          f" records_bytes={records['carved_bytes'] / n:.1f} reserved_bytes={(whole + processes) / n:.1f}")


if __name__ == "__main__":
    main()
