#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The messages of RFC 4475 and RFC 5118 over the wire, to an appliance that serves every domain openly.

   torture.py statuses          each message draws what tests/corpus/torture/statuses.txt says, well formed
   torture.py mutations COUNT   COUNT mutations of each; the appliance answers OPTIONS after every batch

Replies go to ports that the messages name (RFC 3261 18.2.2), so they are read off the interface, sip0.
BINDERY_TEST_SEED=N mutates as a run that printed N did.
"""
import os
import random
import re
import socket
import sys
import time
from pathlib import Path

from phone import Phone

TORTURE = Path(__file__).resolve().parent.parent / "corpus" / "torture"
SERVER = ("198.18.0.1", 5060)
BATCH = 50
COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "l": "content-length", "m": "contact"}


def rows():
    for line in (TORTURE / "statuses.txt").read_text().splitlines():
        words = line.partition("#")[0].split()
        if words:
            yield words[0], int(words[1]), (TORTURE / f"{words[0]}.dat").read_bytes()


class Wire:
    """Sends from 198.18.0.2:5060; sees every SIP datagram that leaves the appliance, whatever its port."""

    def __init__(self):
        self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.tap.bind(("sip0", 0))
        self.tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.fragments = {}
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("198.18.0.2", 5060))

    def send(self, data):
        self.udp.sendto(data, SERVER)

    def whole(self, ip):
        """The UDP datagram of an IP packet; of a fragment b"" till the last, which comes last on a tap."""
        flags = int.from_bytes(ip[6:8], "big")
        payload = ip[(ip[0] & 15) * 4:int.from_bytes(ip[2:4], "big")]
        if flags & 0x3fff:
            payload = self.fragments.pop(ip[4:6], b"") + payload
            if flags & 0x2000:
                self.fragments[ip[4:6]] = payload
                return b""
        return payload

    def receive(self, seconds):
        """The next reply and its port, or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.tap.settimeout(left)
            try:
                frame, address = self.tap.recvfrom(65535)
            except socket.timeout:
                return None
            ip = frame[14:]
            if address[2] == socket.PACKET_OUTGOING or ip[9] != socket.IPPROTO_UDP:
                continue
            udp = self.whole(ip)
            if udp and udp[0:2] == SERVER[1].to_bytes(2, "big"):
                return udp[8:int.from_bytes(udp[4:6], "big")], int.from_bytes(udp[2:4], "big")
        return None

    def ping(self, mark):
        """An OPTIONS whose reply shows that everything before it has been dealt with."""
        self.send(f"OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2;branch=z9hG4bK{mark}\r\n"
                  f"From: <sip:a@example.com>;tag=f\r\nTo: <sip:example.com>\r\nCall-ID: alive-{mark}\r\n"
                  f"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n".encode())

    def answers_until_alive(self, mark):
        """The replies before that of ping."""
        self.ping(mark)
        replies, end = [], time.monotonic() + 5
        while time.monotonic() < end:
            got = self.receive(0.5)
            if got is None:
                self.ping(mark)  # a tap may drop it
            elif f"alive-{mark}".encode() in got[0]:
                assert got[0].startswith(b"SIP/2.0 200 "), got[0]
                return replies
            elif b"Call-ID: alive-" not in got[0]:
                replies.append(got)
        raise AssertionError(f"OPTIONS {mark} is not answered")


def fields(data):
    """[(long name in lower case, value with single spaces)] of a message."""
    head = data.lstrip(b"\r\n").partition(b"\r\n\r\n")[0].decode("latin-1")
    lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")[1:]
    out = []
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if colon:
            out.append((COMPACT.get(name, name), " ".join(value.split())))
    return out


def all_of(parsed, name):
    return [value for key, value in parsed if key == name]


def check_copied(name, request, reply, whole):
    """RFC 3261 8.2.6.2: From, Call-ID and CSeq as they came, To with a tag, every Via in its order."""
    asked, got = fields(request), fields(reply)
    for field in ("from", "call-id", "cseq", "to"):
        sent, came = all_of(asked, field), all_of(got, field)
        assert len(came) <= 1, f"{name}: several {field}"
        assert came or not whole, f"{name}: no {field} in\n{reply!r}"
        if not came:
            continue
        # Of what was malformed any part may come back, but nothing else.
        exact = came[0] in sent or (field == "to" and any(came[0].startswith(s) for s in sent))
        assert exact or not whole, f"{name}: {field} {came[0]!r} is not {sent!r}"
    if whole:
        assert ";tag=" in all_of(got, "to")[0].replace(" ", ""), f"{name}: To without a tag"
    sent, came = ", ".join(all_of(asked, "via")), ", ".join(all_of(got, "via"))
    begin = sent.partition(",")[0].partition(";")[0].strip()
    assert came.startswith(begin), f"{name}: Via {came!r} does not begin with {begin!r}"
    tail = [part.strip() for part in sent.split(",")[1:]]
    assert [part.strip() for part in came.split(",")[1:]] == tail, f"{name}: Via {came!r} of {sent!r}"


def check_form(name, reply):
    head, blank, body = reply.partition(b"\r\n\r\n")
    assert blank and re.match(rb"SIP/2\.0 [1-6]\d\d [^\r\n]+\r\n", reply), f"{name}: {reply!r}"
    lengths = all_of(fields(reply), "content-length")
    assert lengths == [str(len(body))], f"{name}: Content-Length {lengths}, {len(body)} bytes"


def reply_port(request):
    """RFC 3581 4: the source's with rport; else that of the sent-by."""
    via = all_of(fields(request), "via")[0]
    if re.search(r"; ?rport ?(;|,|$)", via):
        return 5060
    match = re.match(r"SIP ?/ ?\d\.0 ?/ ?\w+ ([^;,]*)", via)
    port = re.search(r"(?:\]|^[^\]:]*) ?: ?(\d+) ?$", match.group(1).strip())
    return int(port.group(1)) if port else 5060


def statuses():
    wire, wrong = Wire(), []
    for i, (name, status, request) in enumerate(rows()):
        wire.send(request)
        replies = wire.answers_until_alive(f"s{i}")
        codes = [int(reply.split()[1]) for reply, _ in replies]
        if codes != ([status] if status else []):
            wrong.append(f"{name}: {codes or 'silence'}, wanted {status or 'silence'}")
        for reply, port in replies:
            check_form(name, reply)
            check_copied(name, request, reply, status not in (400, 416, 505))
            assert port == reply_port(request), f"{name}: to port {port}"
    assert not wrong, "\n".join(wrong)


def wound(chance, data):
    nasty = [b"\x00", b"\r\n", b"\r\n\r\n", b"\xff\xfe", b";" * 64, b"<" * 40, b'"', b"\\", b"%", b"[::",
             b"99999999999999999999", b"-1", b":", b",,,,", b" " * 300, b"\t", b"@", b"*", b"A" * 2000]
    at, kind = chance.randrange(len(data)), chance.randrange(5)
    if kind == 0:
        data[at] = chance.randrange(256)
    elif kind == 1:
        del data[at + 1:at + chance.randint(2, 60)]
    elif kind == 2:
        data[at:at] = chance.choice(nasty)
    elif kind == 3:
        del data[at + 1:]
    else:
        other = chance.randrange(len(data))
        data[at:at] = data[other:other + 80]


def mutations(count):
    seed = int(os.environ.get("BINDERY_TEST_SEED") or random.randrange(1 << 32))
    print(f"seed {seed}")
    chance, wire, sent, answered = random.Random(seed), Wire(), 0, 0
    for name, _, request in rows():
        for i in range(count):
            data = bytearray(request)
            for _ in range(chance.randint(1, 4)):
                wound(chance, data)
            wire.send(bytes(data[:9000]))
            sent += 1
            if i % BATCH == BATCH - 1 or i == count - 1:
                for reply, _ in wire.answers_until_alive(f"m{sent}"):
                    assert reply.startswith(b"SIP/2.0 "), f"after {name}: {reply!r}"
                    answered += 1
    print(f"{sent} sent, {answered} answered")
    assert answered > sent // 3, "most were not read"
    assert Phone("1", domain="example.com").register().code == 200, "it still registers"


def main():
    if sys.argv[1:] == ["statuses"]:
        statuses()
    elif len(sys.argv) == 3 and sys.argv[1] == "mutations":
        mutations(int(sys.argv[2]))
    else:
        print("usage: torture.py statuses | mutations COUNT", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
