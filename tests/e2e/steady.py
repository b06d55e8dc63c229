#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Steady load while the configuration changes to and fro: each request must draw one reply, without
being sent again, and each reply must be what one of the two configurations says, whole.

   steady.py SECONDS STOP      until STOP exists, SECONDS at most; prints what was seen

Run by cases/reload.sh, which makes configurations A and B. Their Server header field tells which one a
reply is by; everything else that they differ in must fit it:

   open     the lifetime granted and the Service-Route
   alias    a host that is an alias in B only: 404 or 200
   trusted  a prefix that is trusted in B only: 403 or 200
   digest   the algorithm of the challenge
   proved   credentials of a subscriber: always 200
"""
import os
import select
import socket
import sys
import time

from phone import Phone, Reply, authorization

WINDOW = 48     # requests under way
LOST_S = 3


class Kind:
    def __init__(self, name, domain, user, wanted, local="198.18.0.2"):
        self.name, self.wanted, self.seen = name, wanted, {}
        self.users = 40 if "{" in user else 1
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((local, 0))
        self.socket.connect(("198.18.0.1", 5060))
        self.socket.setblocking(False)
        port = self.socket.getsockname()[1]
        self.template = "\r\n".join([
            f"REGISTER sip:{domain} SIP/2.0",
            f"Via: SIP/2.0/UDP {local}:{port};branch=z9hG4bK{name}{{n}};rport",
            f"From: <sip:{user}@{domain}>;tag=steady", f"To: <sip:{user}@{domain}>",
            f"Call-ID: {name}-{{u}}", "CSeq: {n} REGISTER", "Max-Forwards: 70",
            f"Contact: <sip:{name}{{u}}@{local}:{port}>", "Expires: 100000", "{more}Content-Length: 0", "", ""])

    def request(self, number, more=""):
        return self.template.format(n=number, u=number % self.users, more=more).encode()

    def check(self, reply):
        which = reply.get("Server")
        got = self.wanted[0](reply)
        assert which in ("A", "B"), reply.data
        assert got == self.wanted[1][which], f"{self.name} by {which}: got {got}, of {reply.data!r}"
        self.seen[which] = self.seen.get(which, 0) + 1


def registered(reply):
    lives = {value for value in reply.contacts().values() if value in (5000, 7000)}
    return (reply.code, max(lives, default=None), reply.get("Service-Route"))


def status(reply):
    return reply.code


def challenge(reply):
    return (reply.code, [c["algorithm"] for c in reply.challenges()])


class Proved(Kind):
    """Its credentials: one nonce as long as it is good."""

    def __init__(self, *args):
        super().__init__(*args)
        self.phone = Phone("1500")
        self.renew()

    def renew(self):
        self.challenge = self.phone.request().challenge("MD5")
        self.nc, self.since = 0, time.monotonic()

    def request(self, number, more=""):
        if time.monotonic() - self.since > 100:
            self.renew()
        self.nc += 1
        value = authorization(self.challenge, "1500", "secret-1500", "REGISTER", "sip:example.com", nc=self.nc)
        return super().request(number, f"Authorization: {value}\r\n")


def kinds():
    return [
        Kind("open", "policy.example", "user{u}",
             (registered, {"A": (200, 5000, "<sip:a.example;lr>"), "B": (200, 7000, "<sip:b.example;lr>")})),
        Kind("alias", "alias.example", "user{u}", (status, {"A": 404, "B": 200})),
        Kind("trusted", "prefix.example", "2100", (status, {"A": 403, "B": 200}), "198.18.0.3"),
        Kind("digest", "challenge.example", "user{u}",
             (challenge, {"A": (401, ["MD5"]), "B": (401, ["SHA-256"])})),
        Proved("proved", "example.com", "1500", (status, {"A": 200, "B": 200})),
    ]


def run(all_kinds, seconds, stop):
    poll = select.epoll()
    by_fd = {kind.socket.fileno(): kind for kind in all_kinds}
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    waiting, number = {}, 0
    end = time.monotonic() + seconds
    sending = True
    while sending or waiting:
        now = time.monotonic()
        sending = sending and now < end and not os.path.exists(stop)
        while sending and len(waiting) < WINDOW:
            number += 1
            kind = all_kinds[number % len(all_kinds)]
            kind.socket.send(kind.request(number))
            waiting[(kind.name, number)] = now
        for fd, _ in poll.poll(0.2):
            take(by_fd[fd], waiting)
        late = [key for key, sent in waiting.items() if now - sent > LOST_S]
        assert not late, f"no reply to {late}, {number} sent"
    return number


def take(kind, waiting):
    while True:
        try:
            reply = Reply(kind.socket.recv(65535))
        except BlockingIOError:
            return
        key = (kind.name, int(reply.get("CSeq").split()[0]))
        assert waiting.pop(key, None), f"two replies to {key}"
        kind.check(reply)


def main():
    began = time.monotonic()
    all_kinds = kinds()
    number = run(all_kinds, float(sys.argv[1]), sys.argv[2])
    for kind in all_kinds:
        print(kind.name, *(f"{which}:{cnt}" for which, cnt in sorted(kind.seen.items())))
        assert set(kind.seen) == {"A", "B"}, f"{kind.name}: only {kind.seen}"
    print(f"{number} requests, {number / (time.monotonic() - began):.0f} a second")


if __name__ == "__main__":
    main()
