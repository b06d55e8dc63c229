#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Refreshes at a steady rate, each sent once, and how long nobody answered.

   gap.py RATE STOP      until STOP exists; prints "longest_gap_ms N sent N answered N" and how many of each status

One socket, open loop: each REGISTER goes out at its time whether replies come or not. The gap is the longest time
between two replies one after the other.
"""
import collections
import os
import socket
import sys
import time

PHONES = 100


def main():
    rate, stop = float(sys.argv[1]), sys.argv[2]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("198.18.0.2", 0))
    sock.setblocking(False)
    port = sock.getsockname()[1]
    template = "\r\n".join([
        "REGISTER sip:open.example SIP/2.0", f"Via: SIP/2.0/UDP 198.18.0.2:{port};branch=z9hG4bKgap{{n}};rport",
        "From: <sip:gap{u}@open.example>;tag=gap", "To: <sip:gap{u}@open.example>", "Call-ID: gap{u}",
        "CSeq: {n} REGISTER", "Max-Forwards: 70", f"Contact: <sip:gap{{u}}@198.18.0.2:{port}>", "Expires: 3600",
        "Content-Length: 0", "", ""])
    seen, sent, gap, lost = collections.Counter(), 0, 0.0, False
    began = last = time.monotonic()
    while not os.path.exists(stop):
        now = time.monotonic()
        while sent < (now - began) * rate:
            sent += 1
            try:
                sock.sendto(template.format(n=sent, u=sent % PHONES).encode(), ("198.18.0.1", 5060))
            except OSError:  # the interface is away with its owner
                pass
        time.sleep(0.002)
        while True:
            try:
                reply = sock.recv(4096)
            except OSError:
                break
            now = time.monotonic()
            gap, last = max(gap, now - last), now
            seen[reply[8:11].decode()] += 1
    print(f"longest_gap_ms {gap * 1000:.0f} sent {sent} answered {sum(seen.values())}",
          *(f"{code}:{cnt}" for code, cnt in sorted(seen.items())))


if __name__ == "__main__":
    main()
