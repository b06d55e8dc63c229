#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The power cut: makes of a shadow (disk_shadow.c) what the directory holds when the machine is back.

   cut.py DIR SHADOW [--trace FILE] [--at TIME] [--seed N] [--torn]

Without --torn only what was synced is there. With it, by chance, also what was not: names made or
removed since the last sync of the directory, and of each file some of the bytes behind the last
sync, cut anywhere, blocks of 512 bytes in them lost. Afterwards the shadow is that of the new
directory. Both processes must be dead.

   --at: when the processes died, seconds since 1970; a control process that the disk has killed died
   when the trace says.

Prints "SAFE CUT", seconds of the monotonic clock: what was acknowledged before SAFE is on disk also
without `durability: sync`, says the trace; and when control died. The sweep whose sync was the last to
succeed had begun when the one before it was on disk, so it found all that was acknowledged by then.
"""
import argparse
import os
import random
import shutil
import time
from pathlib import Path

BLOCK = 512


def tail(real, synced, chance):
    """Bytes behind the synced ones that reached the disk nevertheless."""
    with open(real, "rb") as file:
        file.seek(synced)
        data = bytearray(file.read())
    data = data[: chance.randint(0, len(data))]
    for at in range(0, len(data), BLOCK):
        if chance.random() < 0.05:
            size = len(data[at : at + BLOCK])
            data[at : at + BLOCK] = bytes(size) if chance.random() < 0.5 else chance.randbytes(size)
    return bytes(data)


def names_of(folder):
    return {name: (folder / name).stat().st_ino for name in sorted(os.listdir(folder))}


def left_over(directory, shadow, torn, chance):
    """Name -> bytes."""
    durable, volatile = names_of(shadow / "durable"), names_of(shadow / "volatile")
    present = {inode: name for name, inode in volatile.items()}
    chosen = dict.fromkeys(durable, durable)
    if torn:
        chosen = {name: chance.choice([durable, volatile]) for name in sorted({*durable, *volatile})}
    out = {}
    for name, names in chosen.items():
        if name not in names:
            continue
        folder = shadow / ("durable" if names is durable else "volatile")
        data = (folder / name).read_bytes()
        real = present.get(names[name])
        if torn and real and (directory / real).exists():
            data += tail(directory / real, len(data), chance)
        out[name] = data
    return out


def replace(folder, content):
    """The folder stays, as it may be a mount point."""
    for path in folder.iterdir():
        path.unlink()
    for name, data in content.items():
        (folder / name).write_bytes(data)


def moments(trace, cut):
    """The syncs of sweeps are those of the newest journal but its first, which is of the header. A
    sync that the process did not survive is none that anybody rests on, but it may be on disk."""
    newest, ended = 0, [0.0, 0.0]
    for line in trace.read_text().splitlines() if trace.exists() else []:
        _, end, operation, _, name, result = line.split()
        if result == "killed":
            return ended[-2], float(end)
        if operation != "sync" or result != "0" or not name.startswith("journal-"):
            continue
        number = int(name.split("-")[1])
        if number == newest:
            ended.append(float(end))
        newest = max(newest, number)
    return ended[-2], cut


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dir", type=Path)
    parser.add_argument("shadow", type=Path)
    parser.add_argument("--trace", type=Path, default=Path("/nowhere"))
    parser.add_argument("--at", type=float, default=time.time())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--torn", action="store_true")
    args = parser.parse_args()
    content = left_over(args.dir, args.shadow, args.torn, random.Random(args.seed))
    replace(args.dir, content)
    replace(args.shadow / "volatile", content)
    shutil.rmtree(args.shadow / "durable")
    shutil.copytree(args.shadow / "volatile", args.shadow / "durable", copy_function=os.link)
    print(*moments(args.trace, time.monotonic() - (time.time() - args.at)))


if __name__ == "__main__":
    main()
