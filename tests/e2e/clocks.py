#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The wall clock of both processes steps while they serve (wall_shift.c).

   clocks.py --list           the cases
   clocks.py CASE             runs one; exits 0 when it passed

Run by run.sh against the lab of cases/clocks.sh. WALL_SHIFT is the file with the seconds that both
processes add to the time of day.
"""
import email.utils
import mmap
import os
import struct
import sys
import time

from checks import INSTANCE, ctl, equal, gruus, run, wait_until
from phone import Phone, authorization
from watcher import opened, phone_of

HOUR, DAY = 3600, 86400
URI = "sip:example.com"


def step(seconds):
    with open(os.environ["WALL_SHIFT"], "r+b") as file, mmap.mmap(file.fileno(), 8) as page:
        page[:8] = struct.pack("=q", seconds)


def left(aor):
    """Contact -> seconds until it expires, as an operator sees it."""
    document = ctl("lookup", aor)
    return {row["uri"]: row["expires_s"] for row in document.get("contacts", [])}


class Challenged(Phone):
    """Uses one nonce as long as it is good."""

    def exchange(self, data, **fields):
        reply = super().exchange(data, **fields)
        while reply.get("CSeq") != f"{self.cseq} REGISTER":  # the second one to a request sent twice
            reply = self.receive()
        return reply

    def begin(self):
        self.challenge = self.request(headers=[f"Contact: <{self.contact}>"]).challenge("MD5")
        self.nc = 0
        return self.go_on()

    def go_on(self):
        self.nc += 1
        value = authorization(self.challenge, self.user, self.password, "REGISTER", URI, nc=self.nc)
        self.credentials = f"Authorization: {value}"
        return self.replay()

    def replay(self):
        """The last credentials in another request."""
        return self.request(uri=URI, headers=[f"Contact: <{self.contact}>", "Expires: 600", self.credentials])


def is_stale(reply):
    equal(reply.code, 401)
    return reply.challenge("MD5").get("stale", "").lower() == "true"


def lives(reply, seconds):
    """A 200 tells the time of day as it is now, and the binding for as long as it was asked for."""
    equal(reply.code, 200)
    date = email.utils.parsedate_to_datetime(reply.get("Date")).timestamp()
    assert abs(date - time.time() - seconds) < 3, (reply.get("Date"), seconds)
    assert set(reply.contacts().values()) == {600}, reply.contacts()


def steps_by(seconds, user):
    step(0)
    phone, brief, unique = Challenged(user), Phone("brief", domain="open.example"), opened(os.urandom(4).hex())
    lives(phone.begin(), 0)
    lives(phone.go_on(), 0)
    began = time.monotonic()
    equal(brief.register(expires=4).code, 200)
    other = phone_of(unique)

    def register():
        return gruus(other.register(contact=f"<{other.contact}>{INSTANCE % 7}", headers=["Supported: gruu"]))

    temporary = register()[1]
    equal(unique.subscribe(expires=600).code, 200)
    unique.next()

    step(seconds)
    assert 595 <= left(f"{user}@example.com")[phone.contact] <= 600, left(f"{user}@example.com")
    assert left("brief@open.example") or time.monotonic() - began > 3.5, "it has expired before its time"
    assert is_stale(phone.go_on()), "a nonce of another hour"
    assert phone.replay().code == 401, "a replay"
    lives(phone.begin(), seconds)
    lives(phone.go_on(), seconds)
    assert phone.replay().code == 401, "a replay under the new time"
    equal([row["uri"] for row in ctl("lookup", temporary)["contacts"]], [other.contact], "temporary GRUU")
    unique.quiet(0.5)
    equal(len(ctl("show", "subscriptions")["subscriptions"]) > 0, True, "the subscription")
    other.register(expires=0, contact=f"<{other.contact}>{INSTANCE % 7}")
    equal(unique.next().events(), {other.contact: "unregistered"})
    wait_until(lambda: not left("brief@open.example"), 8, "it expires")
    assert time.monotonic() - began > 3.5, "it has expired before its time"

    step(0)
    assert 585 <= left(f"{user}@example.com")[phone.contact] <= 600, left(f"{user}@example.com")
    assert is_stale(phone.go_on()), "a nonce of the other hour"
    assert phone.replay().code == 401, "a replay of the other hour"
    lives(phone.begin(), 0)
    unique.subscribe(expires=0)


def case_an_hour_forward():
    steps_by(HOUR, "1403")


def case_an_hour_back():
    steps_by(-HOUR, "1404")


def case_a_day_forward():
    steps_by(DAY, "1405")


def case_a_day_back():
    steps_by(-DAY, "1406")


def case_a_retransmission_over_a_step():
    step(0)
    phone = Phone("again", domain="open.example")
    equal(phone.register().code, 200)
    request = phone.build(headers=[f"Contact: <{phone.contact}>", "Expires: 0"])
    first = phone.exchange(request)
    equal((first.code, first.contacts()), (200, {}), "unregistered")
    phone.call_id = "another"
    equal(phone.register().code, 200)
    for seconds in HOUR, -DAY, 0:
        step(seconds)
        equal(phone.exchange(request).code, 200, "the same once more")
        equal(list(left("again@open.example")), [phone.contact], "the later registration")


if __name__ == "__main__":
    sys.exit(run(__file__, globals()))
