#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A subscriber to registration state (RFC 3680), and the cases that need one.

   watcher.py --list           the cases
   watcher.py CASE             runs one; exits 0 when it passed

Run by run.sh against the lab of cases/events.sh: reg_event on but for replace.example, an interval of
300 ms, subscriptions of 2 s and more, 1999@example.com may watch all of example.com. Documents are read
with a real XML parser, so a document that is not well formed fails the case.
"""
import os
import re
import sys
import time
import xml.etree.ElementTree as ElementTree

from checks import INSTANCE, ctl, equal, gruus, run, wait_until
from phone import Phone, Reply, Silence, authorization

SPACE = "{urn:ietf:params:xml:ns:reginfo}"
GRUU_SPACE = "{urn:ietf:params:xml:ns:gruuinfo}"


class Request(Reply):
    """What came from the notifier: a NOTIFY."""

    def __init__(self, data):
        super().__init__(b"SIP/2.0 0 x\r\n" + data.split(b"\r\n", 1)[1])
        self.line = data.split(b"\r\n", 1)[0].decode()
        self.document = ElementTree.fromstring(self.body) if self.body else None

    @property
    def version(self):
        return int(self.document.get("version"))

    @property
    def state(self):
        return self.document.get("state")

    @property
    def registration(self):
        return self.document.find(SPACE + "registration").get("state")

    def contacts(self):
        """URI -> the element's attributes."""
        return {contact.find(SPACE + "uri").text: contact.attrib
                for contact in self.document.iter(SPACE + "contact")}

    def gruus(self):
        """What a <contact> says of them: [public, temporary], and the temporary one's first-cseq."""
        found = [self.document.find(f".//{SPACE}contact/{GRUU_SPACE}{name}")
                 for name in ("pub-gruu", "temp-gruu")]
        first = None if found[1] is None else int(found[1].get("first-cseq"))
        return [None if e is None else e.get("uri") for e in found], first

    def events(self):
        return {uri: contact["event"] for uri, contact in self.contacts().items()}


class Watcher(Phone):
    def __init__(self, user, of=None, **fields):
        super().__init__(user, **fields)
        self.of = of or user
        self.to_tag = None
        self.replies, self.notifies = [], []
        self.silent = False
        self.refuse = None
        self.extra = []

    def packet(self, timeout):
        """Takes one packet in; answers a NOTIFY unless told not to. None when nothing came."""
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(65535)
        except (TimeoutError, OSError):
            return None
        if not data.startswith(b"NOTIFY "):
            self.replies.append(Reply(data))
            return self.replies[-1]
        request = Request(data)
        self.notifies.append(request)
        if not self.silent:
            self.send(self.response(request, self.refuse or "200 OK"))
        return request

    def response(self, request, status):
        lines = [f"SIP/2.0 {status}"]
        lines += [f"{name}: {request.get(name)}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
        return "\r\n".join(lines + ["Content-Length: 0", "", ""])

    def reply_to(self, data):
        del self.replies[:]
        end = time.monotonic() + 4
        while time.monotonic() < end:
            self.send(data)
            until = time.monotonic() + 0.5
            while time.monotonic() < until:
                self.packet(0.1)
                if self.replies:
                    return self.replies.pop(0)
        raise Silence("no reply to a SUBSCRIBE")

    def subscribe(self, expires=600, event="reg", uri=None, headers=(), **fields):
        self.target = uri or (self.target if self.to_tag else f"sip:{self.of}@{self.domain}")
        aor = f"<sip:{self.of}@{self.domain}>"
        lines = [f"Contact: <{self.contact}>", *headers]
        lines += [f"Event: {event}"] if event else []
        lines += [f"Expires: {expires}"] if expires is not None else []

        def build(more=()):
            data = self.build("SUBSCRIBE", self.target, headers=[*lines, *more], **fields).decode()
            mine = f"<sip:{self.user}@{self.domain}>"
            data = re.sub(r"\r\nFrom: [^\r]*", f"\r\nFrom: {mine};tag={self.tag}", data)
            tag = f";tag={self.to_tag}" if self.to_tag else ""
            return re.sub(r"\r\nTo: [^\r]*", f"\r\nTo: {aor}{tag}", data).encode()

        self.last = build()
        reply = self.reply_to(self.last)
        if reply.code == 401:
            challenge = reply.challenge(self.algorithm)
            value = authorization(challenge, self.user, self.password, "SUBSCRIBE", self.target)
            self.last = build([f"Authorization: {value}"])
            reply = self.reply_to(self.last)
        if reply.code == 200:
            self.to_tag = re.search(r"tag=(\w+)", reply.get("To")).group(1)
            self.target = re.search(r"<([^>]*)>", reply.get("Contact")).group(1)
        return reply

    def next(self, timeout=3):
        """The next NOTIFY that was not read yet."""
        end = time.monotonic() + timeout
        while not self.notifies:
            assert time.monotonic() < end, f"no NOTIFY within {timeout} s"
            self.packet(0.1)
        return self.notifies.pop(0)

    def quiet(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.packet(0.05)
        equal(len(self.notifies), 0, "NOTIFYs that nobody expects")


def opened(user, **fields):
    return Watcher(user, domain="open.example", **fields)


def phone_of(watcher, **fields):
    return Phone(watcher.of, domain=watcher.domain, **fields)


# --- the life of a registration ---------------------------------------------------------------------


def sees_it_all(watcher):
    phone = phone_of(watcher)
    reply = watcher.subscribe(expires=600)
    equal(reply.code, 200, "subscribe")
    equal(reply.get("Expires"), "600")
    equal(reply.get("Contact"), "<sip:198.18.0.1:5060>")
    first = watcher.next()
    equal(first.line, f"NOTIFY {watcher.contact} SIP/2.0", "request line")
    equal((first.state, first.version, first.registration), ("full", 0, "init"), "first document")
    equal(first.contacts(), {})
    equal(first.get("Event"), "reg")
    equal(first.get("Content-Type"), "application/reginfo+xml")
    assert re.fullmatch(r"active;expires=(600|599)", first.get("Subscription-State"))
    equal(first.get("From").split("tag=")[1], watcher.to_tag, "our dialog")
    equal(first.get("To").split("tag=")[1], watcher.tag, "our dialog")

    phone.register(expires=600)
    added = watcher.next()
    equal((added.state, added.version, added.registration), ("partial", 1, "active"))
    contact = added.contacts()[phone.contact]
    equal((contact["state"], contact["event"]), ("active", "registered"))
    # Whole seconds of two readings of the clock: one may lie before the turn of a second, one behind it.
    assert 598 <= int(contact["expires"]) <= 601, contact
    equal(contact["callid"], phone.call_id)
    equal(contact["cseq"], str(phone.cseq))

    phone.register(expires=700)
    again = watcher.next().contacts()[phone.contact]
    equal((again["event"], again["id"]), ("refreshed", contact["id"]))
    assert int(again["expires"]) >= 698, again

    phone.register(expires=0)
    gone = watcher.next()
    equal((gone.registration, gone.version), ("terminated", 3))
    equal(gone.contacts()[phone.contact]["state"], "terminated")
    equal(gone.events(), {phone.contact: "unregistered"})
    watcher.quiet(0.7)


def case_with_digest():
    sees_it_all(Watcher("1900"))


def case_without_digest():
    sees_it_all(opened("20"))


def case_a_trusted_subscriber():
    sees_it_all(Watcher("2005", domain="trusted.example", local="198.18.0.2"))
    stranger = Watcher("2005", domain="trusted.example", local="198.18.0.3")
    equal(stranger.subscribe().code, 403, "from elsewhere")


def case_in_the_wildcard_domain():
    sees_it_all(Watcher("20", domain="any.example"))
    equal(Watcher("20", domain="any.example", of="21").subscribe().code, 403, "somebody else's")


def sees_the_gruus(watcher):
    phone = phone_of(watcher)

    def register():
        return gruus(phone.register(contact=f"<{phone.contact}>{INSTANCE % 5}", headers=["Supported: gruu"]))

    watcher.subscribe()
    equal(watcher.next().gruus(), ([None, None], None))
    first = register()
    began = phone.cseq
    equal(watcher.next().gruus(), (first, began), "as in the 200")
    second = register()
    equal(watcher.next().gruus(), (second, began), "a further one, the first is good still")
    phone.call_id = os.urandom(8).hex()
    third = register()
    equal(watcher.next().gruus(), (third, phone.cseq), "another Call-ID: only those since then")
    for gruu in third:
        equal([row["uri"] for row in ctl("lookup", gruu)["contacts"]], [phone.contact], gruu)
    phone.register(expires=0)
    watcher.next()
    return third


def case_gruus():
    sees_the_gruus(opened("36"))


def case_gruus_in_the_wildcard_domain():
    public = sees_the_gruus(Watcher("36", domain="any.example"))[0]
    assert public.startswith("sip:36@any.example;gr="), public


def case_a_listed_watcher_sees_no_temporary_gruu():
    phone = Phone("1905")
    public = gruus(phone.register(contact=f"<{phone.contact}>{INSTANCE % 5}", headers=["Supported: gruu"]))[0]
    watcher = Watcher("1999", of="1905")
    watcher.subscribe()
    equal(watcher.next().gruus(), ([public, None], None))


def case_expiry():
    watcher = opened("21")
    phone = phone_of(watcher)
    phone.register(expires=2)
    watcher.subscribe()
    equal(watcher.next().events(), {phone.contact: "registered"})
    gone = watcher.next(timeout=4)
    equal((gone.registration, gone.events()), ("terminated", {phone.contact: "expired"}))


def case_removed_by_the_operator():
    watcher = opened("22")
    phone = phone_of(watcher)
    phone.register()
    watcher.subscribe()
    watcher.next()
    ctl("unregister", "22@open.example")
    equal(watcher.next().events(), {phone.contact: "deactivated"})


def case_a_storm_is_told_as_few():
    watcher = opened("23")
    watcher.subscribe()
    watcher.next()
    phone = phone_of(watcher)
    for i in range(40):
        phone.register(contact=f"<sip:23@198.18.0.{50 + i % 8}>", expires=600 + i)
    told = {}

    def all_told():
        while watcher.notifies:
            told.update(watcher.next().contacts())
        watcher.packet(0.05)
        return len(told) == 8 and all(int(c["expires"]) > 625 for c in told.values())

    wait_until(all_told, 5, "eight contacts, each as it is now")


# --- subscriptions ----------------------------------------------------------------------------------


def case_refresh_unsubscribe():
    watcher = opened("24")
    watcher.subscribe()
    watcher.next()
    equal(watcher.subscribe(expires=300).code, 200, "refresh")
    full = watcher.next()
    equal((full.state, full.version), ("full", 1))
    equal(watcher.subscribe(expires=0).code, 200, "unsubscribe")
    equal(watcher.next().get("Subscription-State"), "terminated;reason=timeout")
    equal(watcher.subscribe(expires=300).code, 481, "after its end")
    phone_of(watcher).register()
    watcher.quiet(0.7)


def case_poll():
    watcher = opened("25")
    phone = phone_of(watcher)
    phone.register()
    reply = watcher.subscribe(expires=0)
    equal((reply.code, reply.get("Expires")), (200, "0"))
    polled = watcher.next()
    equal(polled.get("Subscription-State"), "terminated;reason=timeout")
    equal((polled.state, polled.events()), ("full", {phone.contact: "registered"}))
    watcher.quiet(0.5)


def case_a_subscription_expires():
    watcher = opened("26")
    watcher.subscribe(expires=2)
    watcher.next()
    last = watcher.next(timeout=4)
    equal((last.get("Subscription-State"), last.state), ("terminated;reason=timeout", "full"))


def case_a_retransmission_gets_the_same_reply():
    watcher = opened("27")
    first = watcher.subscribe()
    watcher.next()
    equal(watcher.reply_to(watcher.last).data, first.data, "reply")
    watcher.quiet(0.5)
    forked = re.sub(rb"branch=\w+", b"branch=z9hG4bKother", watcher.last)
    equal(watcher.reply_to(forked).code, 482, "the same request by another way")


def case_is_refused():
    equal(Watcher("1901", of="1902").subscribe().code, 403, "somebody else's")
    equal(Watcher("1999", of="nobody").subscribe().code, 404, "of nobody")
    equal(Watcher("1999", of="1902").subscribe().code, 200, "listed")
    equal(opened("28").subscribe(expires=1).code, 423, "brief")
    equal(opened("28").subscribe(headers=["Accept: application/pidf+xml"]).code, 406, "Accept")
    reply = opened("28").subscribe(event="presence")
    equal((reply.code, reply.get("Allow-Events")), (489, "reg"))
    equal(opened("28").subscribe(event=None).code, 489, "no Event")
    off = Watcher("28", domain="replace.example").subscribe()
    equal((off.code, "SUBSCRIBE" in off.get("Allow")), (405, False))
    lost = opened("28")
    lost.to_tag, lost.target = "0" * 24, "sip:198.18.0.1:5060"
    equal(lost.subscribe().code, 481, "unknown dialog")
    wrong = Watcher("1903", password="not-it")
    equal(wrong.subscribe().code, 401, "wrong password")


def case_options_names_the_package():
    reply = Phone("1904").request("OPTIONS")
    assert "SUBSCRIBE" in reply.get("Allow") and reply.get("Allow-Events") == "reg", reply.data


# --- NOTIFYs that fail ------------------------------------------------------------------------------


def case_is_sent_again_until_answered():
    watcher = opened("29")
    watcher.silent = True
    began = time.monotonic()
    watcher.subscribe()
    wait_until(lambda: watcher.packet(0.05) is None and len(watcher.notifies) >= 3, 4, "three of them")
    assert time.monotonic() - began > 1.2, "500 ms, then 1 s"
    equal(len({(n.get("CSeq"), n.get("Via"), n.body) for n in watcher.notifies}), 1, "all the same")
    watcher.silent = False
    watcher.send(watcher.response(watcher.notifies[0], "200 OK"))
    del watcher.notifies[:]
    watcher.quiet(2.2)
    phone_of(watcher).register()
    equal(watcher.next().version, 1, "the next document")


def case_an_error_ends_it():
    watcher = opened("30")
    watcher.subscribe()
    watcher.next()
    watcher.refuse = "481 Subscription Does Not Exist"
    phone_of(watcher).register()
    watcher.next()
    wait_until(lambda: not [s for s in ctl("show", "subscriptions")["subscriptions"]
                            if s["aor"] == "30@open.example"], 3, "it is gone")
    equal(watcher.subscribe().code, 481, "refresh of it")


def case_strangers_cannot_answer():
    watcher = opened("31")
    watcher.silent = True
    watcher.subscribe()
    request = watcher.next()
    branch = re.search(r"branch=(\S+)", request.get("Via")).group(1)
    forged = watcher.response(request, "481 Gone").replace(branch, branch[:-1] + "x")
    watcher.send(forged)
    watcher.silent = False
    watcher.next()  # sent again: it was not answered
    phone_of(watcher).register()
    equal(watcher.next().version, 1, "still subscribed")


# --- contents ---------------------------------------------------------------------------------------


def case_what_phones_say_is_escaped():
    watcher = opened("32")
    phone = phone_of(watcher)
    uri = "sip:a'b&c@198.18.0.60;x=%3Cy%3E?h=%22"
    phone.register(contact=f'<{uri}>;+sip.instance="<urn:uuid:1>";+note="a<b>&\'\xff"')
    watcher.subscribe()
    document = watcher.next()
    equal(set(document.contacts()), {uri})
    params = {p.get("name"): p.text for p in document.document.iter(SPACE + "unknown-param")}
    equal(params["+sip.instance"], '"<urn:uuid:1>"')
    assert params["+note"].startswith('"a<b>&\''), params


def case_more_contacts_than_a_datagram_holds():
    watcher = opened("33")
    phone = phone_of(watcher)
    uris = {f"sip:33@198.18.0.{70 + i};p={'x' * 480}" for i in range(8)}
    for uri in sorted(uris):
        phone.register(contact=f'<{uri}>;+t="{"y" * 480}"')
    watcher.subscribe()
    first = watcher.next()
    equal(first.state, "full")
    told = set(first.contacts())
    assert 0 < len(told) < 8, len(told)
    while told != uris:
        more = watcher.next()
        equal(more.state, "partial")
        told |= set(more.contacts())


def case_the_route_set_is_used():
    watcher = opened("34", local="198.18.0.3")
    proxy = Watcher("0", local="198.18.0.2")
    route = f"<sip:{proxy.host}:{proxy.port};lr>"
    reply = watcher.subscribe(headers=[f"Record-Route: {route}"])
    equal(reply.get("Record-Route"), route)
    request = proxy.next()
    equal((request.line, request.get("Route")), (f"NOTIFY {watcher.contact} SIP/2.0", route))


def subscribe_only():
    """For what becomes of a subscription that nobody ends; no case."""
    watcher = opened("99")
    watcher.subscribe()
    watcher.next()
    for other in ctl("show", "subscriptions")["subscriptions"]:
        assert other["watcher"], other


if __name__ == "__main__":
    sys.exit(subscribe_only() if sys.argv[1:] == ["subscribe_only"] else run(__file__, globals()))
