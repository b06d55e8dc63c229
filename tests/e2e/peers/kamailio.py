#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The same random REGISTER requests to Bindery and to Kamailio: statuses and bindings side by side.

   kamailio.py COUNT     that many sequences; fails on a difference that docs/kamailio-differences.md does
                         not list, and on one listed there that never came up

A sequence ends at its first difference, since from there on the two hold different bindings.
BINDERY_TEST_SEED=N sends what a run that printed N did.
"""
import collections
import os
import random
import re
import socket
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent))
from phone import Reply  # noqa: E402

SERVERS = {"bindery": ("198.18.0.1", 5060), "kamailio": ("198.18.0.3", 5060)}
DOMAIN, MIN_EXPIRES, MAX_CONTACTS, REQUESTS, DEVICES = "peer.example", 60, 4, 12, 3
# URI text, and which binding it means by RFC 3261 19.1.4.
POOL = [("sip:a@192.0.2.1", 0), ("sip:%61@192.0.2.1", 0), ("sip:b@Host.example;x=1", 1),
        ("sip:b@hOST.example;X=1", 1), ("sip:b@host.example:5060", 2),
        ("sip:b@host.example;transport=tcp", 3), ("SIP:b@host.example;TRANSPORT=TCP", 3),
        ("sip:C@192.0.2.3", 4), ("sip:c@192.0.2.3", 5), ("sip:d@192.0.2.4", 6)]
MEANS = dict(POOL)
PLAIN = list({MEANS[uri]: (uri, MEANS[uri]) for uri, _ in reversed(POOL)}.values())  # one text each
EXPIRES = [None] * 6 + [0, 0, 30, 60, 600, 600, 5000, 9999]
QS = [None, None, None, "0.5", "1.0"]

Wish = collections.namedtuple("Wish", "uri expires q")
Ask = collections.namedtuple("Ask", "call cseq branch star expires wishes")
Outcome = collections.namedtuple("Outcome", "code contacts")


def roll_ask(chance, cseq, pool):
    call = chance.randrange(DEVICES)
    cseq[call] += chance.randrange(8) > 0
    star = chance.randrange(12) == 0
    count = 0 if star and chance.randrange(4) else chance.randrange(4)
    uris = [chance.choice(pool)[0] for _ in range(count)]
    if chance.randrange(8):
        uris = list(dict.fromkeys(uris))
    wishes = [Wish(uri, chance.choice(EXPIRES), chance.choice(QS)) for uri in uris]
    return Ask(call, cseq[call] if chance.randrange(10) else chance.randint(1, cseq[call]),
               chance.getrandbits(48), star, 0 if star and chance.randrange(4) else chance.choice(EXPIRES),
               wishes)


def text(ask, user, sequence):
    lines = [f"REGISTER sip:{DOMAIN} SIP/2.0", f"Via: SIP/2.0/UDP 198.18.0.2;rport;branch=z9hG4bK{ask.branch:x}",
             "Max-Forwards: 70", f"From: <sip:{user}@{DOMAIN}>;tag=f", f"To: <sip:{user}@{DOMAIN}>",
             f"Call-ID: {sequence}-{ask.call}", f"CSeq: {ask.cseq} REGISTER"]
    if ask.star:
        lines.append("Contact: *")
    for wish in ask.wishes:
        lines.append(f"Contact: <{wish.uri}>" + (f";expires={wish.expires}" if wish.expires is not None else "")
                     + (f";q={wish.q}" if wish.q else ""))
    if ask.expires is not None:
        lines.append(f"Expires: {ask.expires}")
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


def bindings(reply):
    """URI -> (expires, q) of a 200."""
    out = {}
    for value in reply.all("Contact"):
        for uri, params in re.findall(r"<([^>]*)>([^,]*)", value):
            expires = re.search(r";\s*expires=(\d+)", params)
            q = re.search(r";\s*q=([\d.]+)", params)
            out[uri] = (int(expires.group(1)), float(q.group(1)) if q else None)
    return out


class Side:
    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(SERVERS[name])
        self.socket.settimeout(2)

    def exchange(self, data):
        for _ in range(3):
            self.socket.send(data)
            try:
                return Reply(self.socket.recv(65535))
            except socket.timeout:
                continue
        raise AssertionError(f"{self.name} does not answer\n{data.decode()}")

    def outcome(self, ask, user, sequence, mark):
        reply = self.exchange(text(ask, user, sequence))
        query = Ask(f"query-{mark}", 1, mark, False, None, [])
        return Outcome(reply.code, bindings(reply if reply.code == 200 else
                                            self.exchange(text(query, user, sequence))))


def expiries(outcome):
    return {uri: expires // 4 for uri, (expires, _) in outcome.contacts.items()}


def same(a, b):
    return a.code == b.code and a.contacts.keys() == b.contacts.keys() and all(
        abs(a.contacts[uri][0] - b.contacts[uri][0]) <= 2 and a.contacts[uri][1] == b.contacts[uri][1]
        for uri in a.contacts)


class History:
    """What the two agreed on so far: who made each binding last."""

    def __init__(self):
        self.bound = {}  # uri -> (call, cseq)
        self.contacts = {}
        self.seen = []

    def agreed(self, ask, outcome):
        again = ask in self.seen
        self.seen.append(ask)
        self.contacts = outcome.contacts
        touched = {wish.uri for wish in ask.wishes} if outcome.code == 200 and not again else set()
        self.bound = {uri: (ask.call, ask.cseq) if uri in touched or uri not in self.bound
                      else self.bound[uri] for uri in outcome.contacts}

    def hides(self, ask):
        """A late duplicate that leaves the same times within a second, so that a difference is not seen: for
        Bindery others have made these bindings since, for Kamailio this request has."""
        return ask in self.seen and any(self.bound.get(wish.uri) != (ask.call, ask.cseq)
                                        for wish in ask.wishes)


def explain(history, ask, bindery, kamailio):
    """The name under which docs/kamailio-differences.md lists this difference; None: it does not."""
    codes = (bindery.code, kamailio.code)
    uris = [wish.uri for wish in ask.wishes]
    unchanged = bindery.contacts.keys() == history.contacts.keys() == kamailio.contacts.keys()
    others = set(uris) | set(history.bound)
    if any(a != b and MEANS[a] == MEANS[b] for a in uris for b in others):
        return "contact-equality"
    if ask in history.seen and bindery.code == 200:
        return "late-retransmission"
    if codes == (500, 400) and unchanged:
        return "cseq-status"
    if codes == (500, 200) and ask.star:
        return "star-ignores-cseq"
    if codes == (500, 200) and any(made == (ask.call, ask.cseq) for made in history.bound.values()):
        return "equal-cseq-is-a-retransmission"
    if kamailio.code in (400, 503) and bindery.code in (423, 500) and unchanged:
        return "order-of-checks"
    if len(set(uris)) < len(uris):
        return "contact-twice-in-a-request"
    if codes == (200, 200) and expiries(bindery) == expiries(kamailio) and len(uris) > 1:
        return "q-of-another-contact"
    return None


def compare(sides, chance, sequence, found):
    pool = PLAIN if chance.randrange(8) else POOL
    user, cseq, history, past = f"user{sequence}", [1] * DEVICES, History(), []
    for i in range(REQUESTS):
        ask = chance.choice(past) if past and chance.randrange(6) == 0 else roll_ask(chance, cseq, pool)
        past.append(ask)
        got = [side.outcome(ask, user, sequence, i) for side in sides]
        if not same(*got):
            kind = explain(history, ask, *got)
            found[kind] += 1
            if kind is None:
                show(history, ask, got)
            return
        if history.hides(ask):
            return
        history.agreed(ask, got[0])


def show(history, ask, got):
    print(f"not listed: {ask}\n  held {history.contacts}\n  made by {history.bound}\n"
          f"  bindery  {got[0]}\n  kamailio {got[1]}")


def main():
    seed = int(os.environ.get("BINDERY_TEST_SEED") or random.randrange(1 << 32))
    print(f"seed {seed}")
    chance, found = random.Random(seed), collections.Counter()
    sides = [Side("bindery"), Side("kamailio")]
    count = int(sys.argv[1])
    for sequence in range(count):
        compare(sides, chance, f"{seed:x}-{sequence}", found)
    listed = set(re.findall(r"^## `([a-z-]+)`",
                            (here.parents[2] / "docs" / "kamailio-differences.md").read_text(), re.M))
    print(f"{count} sequences, alike to the end: {count - sum(found.values())}, differing: {dict(found)}")
    assert set(found) <= listed, f"not listed: {set(found) - listed}"
    assert listed <= set(found), f"listed, but never seen: {listed - set(found)}"


if __name__ == "__main__":
    main()
