#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A crowd of phones that registers without pause and remembers every answer.

   oracle.py run STATE [--seed N] [--phones N] [--digest N]   until SIGTERM; then writes STATE
   oracle.py check STATE BINDINGS      compares it with what `show bindings all` says

What a 200 said is a promise: the binding with that Contact, at least that CSeq and that expiry is there,
or, when it was removed, is not. `run` keeps the promises; `check` counts the broken ones. While it runs,
STATE.progress holds the number of acknowledged requests.

A request that gets no answer is sent again, byte for byte, until there is one: that is what a phone does,
and it makes the last answer of each phone certain although processes die all the time. A phone that waits
longer than GIVE_UP_S ends the run as a failure.
"""
import argparse
import heapq
import json
import os
import random
import select
import signal
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from phone import Phone, Reply  # noqa: E402

RETRANSMIT_S = 0.15
GIVE_UP_S = 20.0
SOCKETS = 8  # flows, so that several workers have something to do
PAUSE_MAX_S = 0.9  # of a phone between an answer and its next request
EXPIRY_SLACK_S = 3  # around the instant of expiry nothing is asserted


class Subscriber(Phone):
    """One AoR: at most one request in the air, contacts that come and go."""

    def __init__(self, user, domain, shared, chance):
        self.user, self.domain, self.password = user, domain, f"secret-{user}"
        self.algorithm, self.qop = chance.choice(["MD5", "SHA-256"]), "auth"
        self.socket, self.chance = shared, chance
        self.host, self.port = shared.getsockname()[:2]
        self.call_id, self.tag, self.cseq = os.urandom(8).hex(), os.urandom(4).hex(), 0
        self.known = {}  # Contact URI -> (CSeq, expires at) as acknowledged
        self.data = None  # the request in the air
        self.due_at = 0.0

    def compose(self, auth=None):
        lines = [f"Contact: <{self.uri}>;pad={self.pad}", f"Expires: {self.expires}"]
        self.data = self.build(headers=lines + ([auth] if auth else []))
        self.began = time.monotonic()

    def next_request(self):
        """Mostly a refresh; else another contact, a short life, or a removal."""
        line = self.chance.choice([0, 0, 0, 1])
        self.uri = f"sip:{self.user}@198.18.0.2:{6000 + line}"
        brief = 5 if self.domain == "open.example" else 60  # min_expires of the other
        self.expires = self.chance.choice([600, 600, 600, 600, 900, brief, 0])
        self.pad = "x" * self.chance.choice([1, 1, 1, 1, 90, 400])  # a record of another size
        self.compose()

    def acknowledged(self, reply):
        """The answer says how much is left, which is less than asked for when it was long in coming."""
        left = reply.contacts().get(self.uri, 0)
        self.known[self.uri] = (self.cseq, time.time() + left if left else 0)
        self.data = None


class Crowd:
    def __init__(self, args):
        self.chance = random.Random(args.seed)
        self.sockets = [self.open_socket() for _ in range(SOCKETS)]
        people = [(str(1000 + i), "example.com") for i in range(args.digest)]
        people += [(f"crash{i}", "open.example") for i in range(args.phones)]
        self.phones, self.due = {}, []
        for i, (user, domain) in enumerate(people):
            phone = Subscriber(user, domain, self.sockets[i % SOCKETS], self.chance)
            self.phones[phone.call_id] = phone
            self.wake(phone, self.chance.random())
        self.stopping = False
        self.acknowledged = self.refused = self.sent_again = 0

    @staticmethod
    def open_socket():
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        opened.bind(("198.18.0.2", 0))
        opened.connect(("198.18.0.1", 5060))
        opened.setblocking(False)
        return opened

    def wake(self, phone, in_s):
        """Sets its alarm; a former one no longer counts."""
        phone.due_at = time.monotonic() + in_s
        heapq.heappush(self.due, (phone.due_at, phone.call_id))

    def transmit(self, phone):
        try:
            phone.socket.send(phone.data)
        except OSError:  # no buffer, or the port is unreachable for the moment
            pass
        self.wake(phone, RETRANSMIT_S)

    def turn(self, phone):
        """Its time has come: something new, or the same again."""
        if phone.data is None:
            if self.stopping:
                return
            phone.next_request()
        elif time.monotonic() - phone.began > GIVE_UP_S:
            raise SystemExit(f"no answer to {phone.data!r} within {GIVE_UP_S} s")
        else:
            self.sent_again += 1
        self.transmit(phone)

    def take(self, data):
        reply = Reply(data)
        phone = self.phones.get(reply.get("Call-ID"))
        if phone is None or phone.data is None or reply.get("CSeq") != f"{phone.cseq} REGISTER":
            return
        if reply.code == 200:
            phone.acknowledged(reply)
            self.acknowledged += 1
            self.wake(phone, self.chance.uniform(0.1, PAUSE_MAX_S))
        elif reply.code == 401:
            phone.compose(phone.answer(reply, "REGISTER", f"sip:{phone.domain}"))
            self.transmit(phone)
        elif reply.code == 503:  # control is away: the same wish as a new request, soon
            self.refused += 1
            phone.compose()
        else:
            raise SystemExit(f"unexpected {reply.line!r} to {phone.data!r}")

    def busy(self):
        return any(phone.data is not None for phone in self.phones.values())

    def run(self, progress):
        file = os.open(progress, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        while not self.stopping or self.busy():
            now = time.monotonic()
            for _ in range(64):
                if not self.due or self.due[0][0] > now:
                    break
                at, call_id = heapq.heappop(self.due)
                if at == self.phones[call_id].due_at:
                    self.turn(self.phones[call_id])
            wait = min(0.05, max(0.0, self.due[0][0] - time.monotonic())) if self.due else 0.05
            for ready in select.select(self.sockets, [], [], wait)[0]:
                self.drain(ready)
            os.pwrite(file, b"%12d\n" % self.acknowledged, 0)

    def drain(self, ready):
        for _ in range(256):
            try:
                data = ready.recv(65535)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            self.take(data)

    def save(self, path):
        known = {f"{phone.user}@{phone.domain}": phone.known for phone in self.phones.values()}
        Path(path).write_text(json.dumps(known))
        print(f"{self.acknowledged} acknowledged, {self.refused} answered 503, {self.sent_again} sent "
              f"again, {len(self.phones)} phones")


def check(state, bindings):
    """Prints every broken promise; returns how many."""
    known = json.loads(Path(state).read_text())
    document = json.loads(Path(bindings).read_text())
    there = {(row["aor"], row["contact"]): row for row in document["bindings"]}
    now, kept, broken = time.time(), 0, 0

    def complain(text):
        nonlocal broken
        broken += 1
        if broken <= 20:
            print(text)

    for aor, contacts in known.items():
        for uri, (cseq, expires_at) in contacts.items():
            row = there.get((aor, uri))
            if expires_at > now + EXPIRY_SLACK_S:
                kept += 1
                if row is None:
                    complain(f"{aor} {uri}: acknowledged with CSeq {cseq}, is not there")
                elif row["cseq"] < cseq:
                    complain(f"{aor} {uri}: acknowledged with CSeq {cseq}, has {row['cseq']}")
            elif expires_at < now - EXPIRY_SLACK_S and row is not None and row["cseq"] <= cseq:
                complain(f"{aor} {uri}: removed or expired with CSeq {cseq}, is there again")
    print(f"{kept} bindings had to be there, {broken} promises broken")
    if kept == 0:
        print("nothing was checked")
    return broken or not kept


def main():
    parser = argparse.ArgumentParser()
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run")
    run.add_argument("state")
    run.add_argument("--seed", type=int, default=1)
    run.add_argument("--phones", type=int, default=1000)
    run.add_argument("--digest", type=int, default=200)
    compare = actions.add_parser("check")
    compare.add_argument("state")
    compare.add_argument("bindings")
    args = parser.parse_args()
    if args.action == "check":
        return 1 if check(args.state, args.bindings) else 0
    crowd = Crowd(args)

    def stop(*_):
        crowd.stopping = True

    signal.signal(signal.SIGTERM, stop)
    crowd.run(args.state + ".progress")
    crowd.save(args.state)
    return 0


if __name__ == "__main__":
    sys.exit(main())
