#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Overload: a verifier stands still while phones go on. Who is shed, in which order, what they are told, and
that all is well again by itself.   overload.py STOP_THREAD TID CTL SOCKET

The wait grows by a second a second, so the level passes through all three classes within two; a verifier that
stands for three is replaced."""
import json
import os
import re
import select
import subprocess
import sys
import time

from phone import Phone, Reply

PROXY = "198.18.0.3"  # in never_ban
# Who comes by a proxy is always told; a phone draws nothing until requests have waited for T1.
PROXIED = "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKp"
T1_S = 0.5
OC = ';oc;oc-algo="loss"'
RETRY_AFTER_S = 10
WAITING = 100


def show(*command):
    return json.loads(subprocess.check_output([*CTL, "--json", *command]))


def told(reply):
    """oc, oc-validity and oc-seq of the topmost Via."""
    match = re.search(r';oc=(\d+);oc-algo="loss";oc-validity=(\d+);oc-seq=(\d+\.\d+)$', reply.get("Via"))
    assert match, reply.data
    return int(match.group(1)), int(match.group(2)), float(match.group(3))


def via(phone, more=""):
    return f"SIP/2.0/UDP {phone.host}:{phone.port};branch=z9hG4bK{os.urandom(6).hex()}{more}"


class Prober:
    """Sends one request of a class after another and notes what each draws."""

    def __init__(self, phone, headers=(), more="", method="REGISTER", uri=None):
        self.phone, self.more, self.method, self.uri = phone, more, method, uri
        self.headers = [f"Contact: <{phone.contact}>", *headers]
        self.sent, self.replies = {}, []  # time by CSeq; (time sent, Reply)
        phone.socket.setblocking(False)

    def probe(self):
        self.phone.send(self.phone.build(self.method, self.uri, headers=self.headers, via=via(self.phone, self.more)))
        self.sent[self.phone.cseq] = time.monotonic()

    def collect(self):
        while True:
            try:
                reply = Reply(self.phone.socket.recv(65535))
            except BlockingIOError:
                return
            cseq = int(reply.get("CSeq").split()[0])
            if cseq in self.sent:  # no late answer to what was sent before
                self.replies.append((self.sent[cseq], reply))

    def times(self, *codes):
        return sorted(at for at, reply in self.replies if reply.code in codes)


def spread():
    """Retry-After of many addresses of record, and of one of them twice."""
    phone, values = Phone("1400", local=PROXY), []
    for user in [*range(1400, 1460), 1400]:
        reply = phone.request(to=f"<sip:{user}@example.com>")
        assert reply.code == 503, reply.data
        values.append(int(reply.get("Retry-After")))
    assert all(RETRY_AFTER_S <= value < 2 * RETRY_AFTER_S for value in values), values
    assert len(set(values)) >= 6 and values[0] == values[-1], values


def under_overload(probers):
    refresh, phones = probers[2], probers[4:]
    end = time.monotonic() + 2.5
    while (len(refresh.times(503)) < 5 or not all(p.times(503) for p in phones)) and time.monotonic() < end:
        for prober in probers:
            prober.probe()
        select.select([], [], [], 0.004)
        for prober in probers:
            prober.collect()
    assert len(refresh.times(503)) >= 5, "refreshes were never shed"
    spread()
    assert Phone("anybody", domain="open.example").register().code == 200, "an open domain needs no verifier"
    caller = Phone("1306")
    for method, code in ("INVITE", 302), ("OPTIONS", 200):
        to = "sip:1300@example.com" if method == "INVITE" else "sip:example.com"
        reply = caller.request(method, uri=to, to=f"<{to}>")
        assert reply.code == code, (method, "needs no verifier", reply.data)
    seen = show("show", "overload")
    for prober in probers:
        prober.collect()
    return seen


def check_order(unknown, new, refresh):
    first = [prober.times(503)[0] for prober in (unknown, new, refresh)]
    assert first == sorted(first), first
    # Nobody of a class is served any more once the next one is shed from; a probe may be under way.
    served = [at for at in unknown.times(401) if at > first[1] + 0.02]
    assert not served, (first, served)
    assert len(refresh.times(401)) > 20, "refreshes went on meanwhile"
    # In a flood of unknown most draw nothing.
    late = [at for at in unknown.sent.values() if at > first[1] + 0.02]
    answered = [at for at in unknown.times(503) if at > first[1] + 0.02]
    assert len(answered) < len(late) / 4, (len(answered), len(late))


def check_silence(unknown, phones, stood_at):
    """`stood_at`: when the first request began to wait."""
    assert unknown.times(503)[0] < stood_at + T1_S, "a proxy was not told at once"
    for phone in phones:
        told_at = phone.times(503)
        assert told_at and told_at[0] > stood_at + T1_S, (phone.method, stood_at, told_at)


def check_told(proxy):
    values = [(at, *told(reply)) for at, reply in sorted(proxy.replies, key=lambda row: row[0])]
    assert values[0][1:3] == (0, 0), values[0]
    losses = [loss for _, loss, _, _ in values]
    assert max(losses) > 90, losses
    assert all((validity == 500) == (loss > 0) and loss <= 100 for _, loss, validity, _ in values), values
    sequences = [sequence for *_, sequence in values]
    assert sequences == sorted(sequences) and sequences[-1] > sequences[0], sequences
    assert not any(reply.get("Retry-After") for _, reply in proxy.replies), "proxies are told by oc"


def shed_now(seen):
    return [row for row in seen["now"] if row["for"] == "verifier"][0]


def main():
    stop, tid = sys.argv[1:3]
    settled = Phone("1300")
    assert settled.register().code == 200
    comer = Phone("1301")
    challenge = comer.request(headers=[f"Contact: <{comer.contact}>"])
    credentials = comer.answer(challenge, "REGISTER", "sip:example.com")
    unknown, new = Prober(Phone("1302"), [PROXIED]), Prober(comer, [PROXIED, credentials])
    phone = Prober(Phone("1305"))
    watcher = Prober(Phone("1307"), ["Event: reg"], method="SUBSCRIBE", uri="sip:1307@example.com")
    # Behind the proxy are phones that it says nothing of: new ones.
    proxy = Prober(Phone("1303", local=PROXY), [PROXIED], OC)
    stopper = subprocess.Popen([stop, tid], stdout=subprocess.PIPE)
    assert stopper.stdout.readline() == b"stopped\n"
    try:
        proxy.probe()
        stood_at = time.monotonic()
        for _ in range(WAITING):
            new.probe()
        refresh = Prober(settled, [PROXIED])
        seen = under_overload([unknown, new, refresh, proxy, phone, watcher])
    finally:
        stopper.kill()
        stopper.wait()
    check_order(unknown, new, refresh)
    check_silence(unknown, [phone, watcher], stood_at)
    check_told(proxy)
    assert shed_now(seen)["unknown_shed_percent"] == 100 and seen["workers"][0]["wait_us"] > 50000, seen
    assert seen["workers"][0]["shed_silent"] > 0 and seen["workers"][0]["shed_refresh"] > 0, seen
    begin = time.monotonic()
    while any(row["unknown_shed_percent"] or row["refresh_shed_percent"] for row in show("show", "overload")["now"]):
        assert time.monotonic() - begin < 5, "still shedding 5 s later"
        time.sleep(0.05)
    print(f"recovered in {time.monotonic() - begin:.2f} s")
    for user in "1302", "1300", "1304":
        assert Phone(user).register().code == 200, user
    reply = Phone("1303", local=PROXY)
    loss, validity, _ = told(reply.request(via=via(reply, OC)))
    assert (loss, validity) == (0, 0)


CTL = sys.argv[3:4] + ["-s", sys.argv[4]]
main()
