#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Phones for cases/limits.sh.

   limits.py register USER SOURCE        the status that a REGISTER with the right password ends in; 0: silence
   limits.py guess USER SOURCE COUNT     so many passwords; prints how often each status was the answer to one
   limits.py hammer SOURCE COUNT         so many registrations of one address of record, likewise
   limits.py maddr SOURCE OTHER          where the answer to a request from SOURCE with maddr=OTHER goes
   limits.py under-fire SOURCE SECONDS   registers a phone again and again; prints "served of tried"
"""
import collections
import select
import socket
import sys
import time

from phone import Phone, Silence


def server_of(source):
    return "2001:db8::1" if ":" in source else None


def status(function):
    try:
        return function().code
    except Silence:
        return 0


def register(user, source):
    print(status(Phone(user, local=source, server=server_of(source)).register))


def guess(user, source, count):
    phone, seen = Phone(user, local=source, server=server_of(source)), collections.Counter()
    challenge = phone.request()
    for number in range(int(count)):
        phone.password = f"guess {number}"
        auth = phone.answer(challenge, "REGISTER", f"sip:{phone.domain}")
        data = phone.build(headers=[f"Contact: <{phone.contact}>", auth])
        code = status(lambda: phone.exchange(data, 1))
        seen[code] += 1
        if code == 0:  # nobody hears it any more
            break
    print(*(f"{code}:{n}" for code, n in sorted(seen.items())))


def hammer(source, count):
    phone, seen = Phone("broken", domain="open.example", local=source), collections.Counter()
    for _ in range(int(count)):
        seen[status(lambda: phone.register(60))] += 1
    print(*(f"{code}:{n}" for code, n in sorted(seen.items())))


def maddr(source, other):
    """An answer by maddr goes to the port of sent-by (RFC 3261 18.2.2)."""
    phone = Phone("anybody", local=source)
    sockets = {source: phone.socket, other: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)}
    sockets[other].bind((other, phone.port))
    phone.send(phone.build("OPTIONS", via=f"SIP/2.0/UDP {source}:{phone.port};branch=z9hG4bKm;maddr={other}"))
    readable, _, _ = select.select(sockets.values(), [], [], 5)
    print(*(name for name, s in sockets.items() if s in readable))


def under_fire(source, seconds):
    end, served, tried = time.monotonic() + float(seconds), 0, 0
    while time.monotonic() < end:
        phone = Phone(f"honest{tried}", domain="open.example", local=source)
        tried += 1
        served += status(phone.register) == 200
    print(served, "of", tried)


if __name__ == "__main__":
    {"register": register, "guess": guess, "hammer": hammer, "maddr": maddr, "under-fire": under_fire}[sys.argv[1]](*sys.argv[2:])
