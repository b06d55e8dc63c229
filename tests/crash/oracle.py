#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A crowd of phones that registers without pause and remembers every answer.

   oracle.py [--seed N] [--phones N] [--digest N] [--progress FILE]

What a 200 said is a promise, which promises.py keeps. Commands are lines on stdin, each is answered
by a line on stdout; complaints go to stderr.

   pause                     takes the answers that are there, then sends nothing until resume
   resume
   judge FILE SAFE CUT       compares with FILE, the JSON of `show bindings all`: nothing acknowledged
                             before SAFE may be missing (seconds of the monotonic clock, or "now");
                             what is there holds from then on. "THERE LOST OLDEST_MS BROKEN": bindings,
                             contacts that lost what was acknowledged after SAFE, of which the oldest
                             this long before CUT, and broken promises
   try FILE SAFE CUT         the same, nothing is taken over
   real FILE                 after damage: what is there must have been so at some moment, and holds from
                             then on
   rest                      no new requests; waits for all answers, then the same as pause: "COUNTS IN WORDS"
   end of input              ends

FILE.progress holds the number of acknowledged requests and of those answered 503.

A request that gets no answer is sent again, byte for byte, until there is one: that is what a phone does,
and it makes the last answer of each phone certain although processes die all the time. A phone that waits
longer than GIVE_UP_S ends the run as a failure.
"""
import argparse
import heapq
import os
import random
import select
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))
from phone import Phone, Reply  # noqa: E402
from promises import History, judge, judge_real  # noqa: E402

RETRANSMIT_S = 0.15
GIVE_UP_S = 60.0
REFUSED_WAIT_S = 0.3
SOCKETS = 8  # flows, so that several workers have something to do
PAUSE_MAX_S = 0.9  # of a phone between an answer and its next request
COMPLAINTS_MAX = 10


class Subscriber(Phone):
    """One AoR: at most one request in the air, contacts that come and go."""

    def __init__(self, user, domain, shared, chance):
        self.user, self.domain, self.password = user, domain, f"secret-{user}"
        self.algorithm, self.qop = chance.choice(["MD5", "SHA-256"]), "auth"
        self.socket, self.chance = shared, chance
        self.host, self.port = shared.getsockname()[:2]
        self.call_id, self.tag, self.cseq = os.urandom(8).hex(), os.urandom(4).hex(), 0
        self.known = {}  # Contact URI -> History
        self.data = None  # the request in the air
        self.due_at = 0.0

    def compose(self, auth=None):
        lines = [f"Contact: <{self.uri}>;pad={self.pad}", f"Expires: {self.expires}"]
        self.data = self.build(headers=lines + ([auth] if auth else []))
        self.began = time.monotonic()
        self.known.setdefault(self.uri, History()).sent(self.cseq, self.expires)

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
        self.known[self.uri].acked(self.cseq, reply.contacts().get(self.uri, 0))
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
        self.paused = self.resting = False
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
            if self.resting:
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
            phone.known[phone.uri].denied(phone.cseq)
            phone.compose(phone.answer(reply, "REGISTER", f"sip:{phone.domain}"))
            self.transmit(phone)
        elif reply.code == 503 and reply.get("Retry-After"):  # the same wish as a new request, soon
            self.refused += 1
            phone.compose()
            self.wake(phone, REFUSED_WAIT_S)
        else:
            raise SystemExit(f"unexpected {reply.data!r} to {phone.data!r}")

    def busy(self):
        return any(phone.data is not None for phone in self.phones.values())

    def send_what_is_due(self):
        now = time.monotonic()
        for _ in range(64):
            if not self.due or self.due[0][0] > now:
                return
            at, call_id = heapq.heappop(self.due)
            if at == self.phones[call_id].due_at:
                self.turn(self.phones[call_id])

    def drain(self):
        for ready in self.sockets:
            self.drain_one(ready)

    def drain_one(self, ready):
        for _ in range(4096):
            try:
                self.take(ready.recv(65535))
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue

    def resume(self):
        """Who waited longest asks first; no patience was used up meanwhile."""
        self.paused, self.due = False, []
        for phone in self.phones.values():
            phone.began = time.monotonic()
            self.wake(phone, self.chance.random() * 0.2)

    def histories(self):
        return {(f"{phone.user}@{phone.domain}", uri): history
                for phone in self.phones.values() for uri, history in phone.known.items()}

    def counts(self):
        return (f"{self.acknowledged} acknowledged, {self.refused} answered 503, {self.sent_again} sent "
                f"again, {len(self.phones)} phones")


def answer(text):
    print(text, flush=True)


class Commands:
    """Lines on stdin."""

    def __init__(self, crowd):
        self.crowd, self.rest, self.ended = crowd, b"", False

    def read(self):
        data = os.read(0, 4096)
        self.ended = not data
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.obey(*line.decode().split())

    def obey(self, verb, *arguments):
        if verb == "pause":
            self.crowd.drain()
            self.crowd.paused = True
            answer("paused")
        elif verb == "resume":
            self.crowd.resume()
            answer("resumed")
        elif verb in ("judge", "try"):
            self.judge(*arguments, adopt=verb == "judge")
        elif verb == "real":
            self.tell(judge_real(self.crowd.histories(), *arguments))
        elif verb == "rest":
            self.crowd.resting = True
        else:
            raise SystemExit(f"no command {verb!r}")

    def judge(self, file, safe, cut, adopt):
        safe, cut = (time.monotonic() if at == "now" else float(at) for at in (safe, cut))
        self.tell(judge(self.crowd.histories(), file, safe, cut, adopt))

    @staticmethod
    def tell(verdict):
        for text in verdict.complaints[:COMPLAINTS_MAX]:
            print(text, file=sys.stderr, flush=True)
        answer(verdict)

    def look_at_rest(self):
        if self.crowd.resting and not self.crowd.paused and not self.crowd.busy():
            self.crowd.resting, self.crowd.paused = False, True
            answer(self.crowd.counts())


def run(crowd, progress):
    file = os.open(progress, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    commands = Commands(crowd)
    while not commands.ended:
        if not crowd.paused:
            crowd.send_what_is_due()
        late = crowd.due[0][0] - time.monotonic() if crowd.due and not crowd.paused else 0.05
        ready = select.select([0, *crowd.sockets], [], [], min(0.05, max(0.0, late)))[0]
        if 0 in ready:
            commands.read()
        if not crowd.paused:
            crowd.drain()
        commands.look_at_rest()
        os.pwrite(file, b"%12d %12d\n" % (crowd.acknowledged, crowd.refused), 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phones", type=int, default=1000)
    parser.add_argument("--digest", type=int, default=200)
    parser.add_argument("--progress", required=True)
    args = parser.parse_args()
    run(Crowd(args), args.progress)


if __name__ == "__main__":
    main()
