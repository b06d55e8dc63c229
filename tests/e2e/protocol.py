#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""End-to-end cases that need a phone which says exactly what it is told (phone.py).

   protocol.py --list           the cases
   protocol.py CASE             runs one; exits 0 when it passed

Run by run.sh against a lab with the configuration of lib.sh. Every case has subscribers of its own, so
cases need no order and can be repeated.
"""
import itertools
import os
import random
import re
import socket
import sys
import time
import urllib.parse
from pathlib import Path

from checks import INSTANCE, contacts_of, counter, ctl, equal, gruus, run, wait_until
from phone import Phone, Silence, authorization, rspauth

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
SECOND_SOURCE = "198.18.0.3"  # of the lab's kernel side; outside the trusted prefix


def silent(phone, data, seconds=0.3):
    phone.send(data)
    try:
        reply = phone.receive(seconds)
    except Silence:
        return
    raise AssertionError(f"answered {reply.line!r}, wanted silence")


# --- digest ---------------------------------------------------------------------------------------


def registers_and_goes(phone):
    reply = phone.register(expires=600)
    equal(reply.code, 200, "register")
    equal(reply.contacts(), {phone.contact: 600}, "contacts")
    equal(contacts_of(f"{phone.user}@{phone.domain}"), {phone.contact}, "lookup")
    equal(phone.register(expires=700).contacts(), {phone.contact: 700}, "refresh")
    equal(phone.register(expires=0).contacts(), {}, "unregister")
    equal(contacts_of(f"{phone.user}@{phone.domain}"), set(), "lookup after all")


def case_digest_md5():
    registers_and_goes(Phone("1100"))


def case_digest_sha256():
    registers_and_goes(Phone("1101", algorithm="SHA-256"))


def case_digest_sha512_256():
    registers_and_goes(Phone("1102", algorithm="SHA-512-256"))


def case_digest_auth_int():
    phone = Phone("1103", qop="auth-int", algorithm="SHA-256")
    equal(phone.register(headers=["Content-Type: text/plain"], body="integrity").code, 200)


def case_digest_auth_int_with_another_body():
    phone = Phone("1104", qop="auth-int")
    uri = "sip:example.com"
    challenge = phone.request(uri=uri, headers=[f"Contact: <{phone.contact}>"])
    auth = phone.answer(challenge, "REGISTER", uri, body="what was signed")
    reply = phone.request(uri=uri, headers=[f"Contact: <{phone.contact}>", auth], body="tampered with")
    equal(reply.code, 401)
    equal(contacts_of("1104@example.com"), set())


def case_wrong_password_is_challenged_again():
    phone = Phone("1105", password="wrong")
    nonces = set()
    for _ in range(3):
        reply = phone.register()
        equal(reply.code, 401)
        nonces.add(reply.challenge("MD5")["nonce"])
        assert reply.challenge("MD5").get("stale", "false").lower() == "false", "called stale"
    equal(len(nonces), 3, "fresh nonces")
    equal(contacts_of("1105@example.com"), set())


def shape(reply):
    """A reply without what differs between any two requests."""
    text = reply.data.decode()
    for pattern in (r'nonce="[^"]*"', r"tag=[^\r;]*", r"branch=[^\r;]*", r"rport=\d+", r"CSeq: \d+",
                    r"Call-ID: [^\r]*", r"1106|unknown-1107", r":\d{4,5};", r"Date: [^\r]*"):
        text = re.sub(pattern, "*", text)
    return text


def case_unknown_user_looks_like_wrong_password():
    known, unknown = Phone("1106", password="wrong"), Phone("unknown-1107")
    equal(shape(known.request()), shape(unknown.request()), "the challenge")
    known, unknown = known.register(), unknown.register()
    equal(known.code, 401)
    equal(shape(known), shape(unknown), "the refusal")


def case_forged_nonce():
    phone = Phone("1108")
    before = counter("bad_nonce")
    challenge = phone.request(headers=[f"Contact: <{phone.contact}>"]).challenge("MD5")
    challenge["nonce"] = "0" * len(challenge["nonce"])
    auth = authorization(challenge, "1108", "secret-1108", "REGISTER", "sip:example.com")
    reply = phone.request(headers=[f"Contact: <{phone.contact}>", f"Authorization: {auth}"])
    equal(reply.code, 401)
    equal(contacts_of("1108@example.com"), set())
    assert counter("bad_nonce") > before, "not counted"


def case_nonce_count_is_used_once():
    phone = Phone("1109")
    contact = f"Contact: <{phone.contact}>"
    challenge = phone.request(headers=[contact]).challenge("MD5")

    def attempt(nc):
        auth = authorization(challenge, "1109", "secret-1109", "REGISTER", "sip:example.com", nc=nc)
        return phone.request(headers=[contact, f"Authorization: {auth}"]).code

    equal(attempt(1), 200, "first use")
    equal(attempt(1), 401, "replay")
    equal(attempt(2), 200, "next count")
    equal(attempt(1), 401, "replay of an older count")
    equal(attempt(4), 200, "a gap is allowed")


def case_stale_nonce_says_stale():
    phone = Phone("1", domain="brief.example")
    contact = f"Contact: <{phone.contact}>"
    challenge = phone.request(headers=[contact]).challenge("MD5")

    def attempt():
        auth = authorization(challenge, "1", "secret-1", "REGISTER", "sip:brief.example", nc=next(nc))
        return phone.request(headers=[contact, f"Authorization: {auth}"])

    nc = itertools.count(1)
    reply = attempt()
    end = time.monotonic() + 10
    while reply.code == 200 and time.monotonic() < end:
        time.sleep(0.1)
        reply = attempt()
    equal(reply.code, 401)
    equal(reply.challenge("MD5").get("stale", "").lower(), "true", "stale")
    for _ in range(3):  # on a machine that stalls for a second the fresh one is stale, too
        challenge, nc = reply.challenge("MD5"), itertools.count(1)
        reply = attempt()
        if reply.code == 200:
            break
    equal(reply.code, 200, "the fresh nonce")


def answered(phone, challenge, nc=1, headers=(), **fields):
    """A REGISTER with credentials for a challenge that came by any way."""
    uri = f"sip:{phone.domain}"
    auth = authorization(challenge, phone.user, phone.password, "REGISTER", uri, nc=nc,
                         qop=phone.qop, **fields)
    return phone.build(uri=uri, headers=[f"Contact: <{phone.contact}>", f"Authorization: {auth}",
                                         *headers], body=fields.get("body", ""))


def case_challenges_strongest_first_with_charset_and_userhash():
    challenges = Phone("1", domain="info.example").request().challenges()
    equal([c["algorithm"] for c in challenges], ["MD5", "SHA-256", "SHA-512-256"], "as configured")
    for c in challenges:
        equal((c["charset"], c["userhash"], c["qop"]), ("UTF-8", "true", "auth,auth-int"))
    equal(len({c["nonce"] for c in challenges}), 1, "one nonce")
    assert "userhash" not in Phone("1").request().challenges()[0], "not switched on there"


def case_userhash():
    for user, algorithm in (("2", "MD5"), ("3", "SHA-256"), ("4", "SHA-512-256")):
        phone = Phone(user, domain="info.example", algorithm=algorithm)
        challenge = phone.request().challenge(algorithm)
        equal(phone.exchange(answered(phone, challenge, name="hash")).code, 200, algorithm)
        phone.password = "wrong"
        equal(phone.exchange(answered(phone, challenge, nc=2, name="hash")).code, 401, "wrong password")
    nobody = Phone("nobody", domain="info.example")
    challenge = nobody.request().challenge("MD5")
    equal(nobody.exchange(answered(nobody, challenge, name="hash")).code, 401, "an unknown user")


def case_username_in_utf8():
    phone = Phone("jäsøn", domain="info.example")
    to = f"<sip:{urllib.parse.quote(phone.user)}@info.example>"
    phone.contact = f"sip:phone@{phone.host}:{phone.port}"
    challenge = phone.request(to=to).challenge("MD5")
    auth = authorization(challenge, phone.user, phone.password, "REGISTER", "sip:info.example", name="ext")
    contact = f"Contact: <{phone.contact}>"
    equal(phone.request(uri="sip:info.example", to=to, headers=[contact, f"Authorization: {auth}"]).code, 200)
    both = auth.replace("username*=", 'username="x", username*=')
    equal(phone.request(uri="sip:info.example", to=to, headers=[contact, f"Authorization: {both}"]).code, 400)


def authinfo(reply):
    value = reply.get("Authentication-Info")
    assert value, f"no Authentication-Info in {reply.data!r}"
    pairs = re.findall(r'(\w+)=("[^"]*"|[^,]+)', value)
    return {key: text.strip('"') for key, text in pairs}


def case_server_proves_itself():
    for user, algorithm, qop in (("5", "MD5", "auth"), ("6", "SHA-256", "auth-int"),
                                 ("7", "SHA-512-256", "auth-int")):
        phone = Phone(user, domain="info.example", algorithm=algorithm, qop=qop)
        challenge = phone.request().challenge(algorithm)
        body = "a body" if qop == "auth-int" else ""
        headers = ["Content-Type: text/plain"] if body else []
        data = answered(phone, challenge, cnonce="c0ffee", body=body, headers=headers)
        reply, again = phone.exchange(data), phone.exchange(data)
        equal((reply.code, again.code), (200, 200))
        got = authinfo(reply)
        proof = rspauth(challenge, user, phone.password, "sip:info.example", 1, "c0ffee", qop)
        equal((got["rspauth"], got["qop"], got["cnonce"], got["nc"]), (proof, qop, "c0ffee", "00000001"))
        equal(authinfo(again), got, "to a retransmission")
    assert Phone("1160").register().get("Authentication-Info") is None, "not switched on there"


def case_nextnonce_spares_the_stale_ones():
    """A phone that takes each nextnonce goes on for longer than a nonce lives, and is never challenged."""
    phone = Phone("8", domain="info.example")
    challenge, nc, renewed = phone.request().challenge("MD5"), 1, 0
    end = time.monotonic() + 5
    while time.monotonic() < end:
        data = answered(phone, challenge, nc)
        reply = phone.exchange(data)
        equal(reply.code, 200, f"after {renewed} nonces")
        got, nc = authinfo(reply), nc + 1
        if "nextnonce" in got:
            equal(authinfo(phone.exchange(data)), got, "to a retransmission")
            challenge, nc, renewed = {**challenge, "nonce": got["nextnonce"]}, 1, renewed + 1
        time.sleep(0.3)
    assert renewed >= 2, f"{renewed} nonces in 5 s, with a life of 2 s"


def case_client_of_rfc2069():
    """Without qop: let in with MD5, each nonce for one request; and it is not told what it cannot know."""
    phone = Phone("9", domain="info.example", qop="")
    challenge = phone.request().challenge("MD5")
    data = answered(phone, challenge)
    reply = phone.exchange(data)
    equal((reply.code, reply.get("Authentication-Info")), (200, None))
    equal(phone.exchange(data).code, 200, "its retransmission")
    again = phone.exchange(answered(phone, challenge))
    equal(again.code, 401, "the same nonce in another request")
    equal(again.challenge("MD5").get("stale"), "true")
    equal(phone.exchange(answered(phone, again.challenge("MD5"))).code, 200, "a nonce of its own")
    phone.algorithm = "SHA-256"
    stronger = phone.request().challenge("SHA-256")
    equal(phone.exchange(answered(phone, stronger)).code, 401, "SHA-256 without qop")


def case_user_may_not_register_another():
    phone = Phone("1110")
    reply = phone.register(to="<sip:1111@example.com>")
    equal(reply.code, 403)
    equal(contacts_of("1111@example.com"), set())


def case_credentials_of_another_realm_do_not_count():
    phone = Phone("1112")
    contact = f"Contact: <{phone.contact}>"
    other = 'Authorization: Digest username="1112", realm="elsewhere", nonce="00", uri="sip:x", response="' \
        + "0" * 32 + '"'
    reply = phone.request(headers=[contact, other])
    equal(reply.code, 401)
    auth = phone.answer(reply, "REGISTER", "sip:example.com")
    equal(phone.request(headers=[contact, other, auth]).code, 200, "ours beside another's")


# --- addressing -----------------------------------------------------------------------------------


def case_phone_set_up_by_address():
    phone = Phone("1120", domain="198.18.0.1")
    equal(phone.register().code, 200)
    equal(contacts_of("1120@example.com"), {phone.contact})


def case_route_that_names_the_appliance():
    phone = Phone("1121")
    equal(phone.register(headers=["Route: <sip:198.18.0.1;lr>"]).code, 200)
    equal(contacts_of("1121@example.com"), {phone.contact})


def case_unknown_domain():
    phone = Phone("1122", domain="nowhere.example")
    equal(phone.register().code, 404)


def case_reply_goes_to_the_source_port_with_rport():
    phone = Phone("1123")
    via = f"SIP/2.0/UDP 192.0.2.99:5999;branch=z9hG4bKrport1123;rport"
    reply = phone.request(via=via)
    equal(reply.code, 401)
    via = reply.get("Via")
    assert f"rport={phone.port}" in via and "received=198.18.0.2" in via, via


def case_reply_goes_to_the_sent_by_port_without_rport():
    phone, listener = Phone("1124"), Phone("1124")
    phone.send(phone.build(via=f"SIP/2.0/UDP {phone.host}:{listener.port};branch=z9hG4bK1124"))
    equal(listener.receive().code, 401, "at the port of sent-by")


def case_ipv6():
    phone = Phone("1126", server="2001:db8::1")
    equal(phone.register().code, 200)
    equal(contacts_of("1126@example.com"), {phone.contact})


def case_ipv6_phone_set_up_by_address():
    phone = Phone("1127", server="2001:db8::1", domain="[2001:db8::1]")
    equal(phone.register().code, 200)
    equal(contacts_of("1127@example.com"), {phone.contact})


def case_fragmented_request():
    phone = Phone("1125")
    reply = phone.register(headers=[f"X-Long-{i}: {'x' * 200}" for i in range(20)])
    equal(reply.code, 200)
    equal(contacts_of("1125@example.com"), {phone.contact})


# --- the registrar's rules ------------------------------------------------------------------------


def opened(user, **fields):
    return Phone(user, domain="open.example", **fields)


def case_open_domain():
    phone = opened("1")
    reply = phone.request(headers=[f"Contact: <{phone.contact}>"])
    equal(reply.code, 200)
    equal(reply.contacts(), {phone.contact: 3600}, "default_expires")


def case_expires_of_the_contact_wins():
    phone = opened("2")
    reply = phone.request(headers=[f"Contact: <{phone.contact}>;expires=700", "Expires: 900"])
    equal(reply.contacts(), {phone.contact: 700})


def case_expires_is_cut_to_max_expires():
    phone = opened("3")
    equal(phone.register(expires=100000).contacts(), {phone.contact: 7200})


def case_too_brief():
    phone = Phone("1130")
    before = counter("register_failed")
    reply = phone.register(expires=59)
    equal(reply.code, 423)
    equal(counter("register_failed") - before, 1, "the 423 is a failure, the challenge is none")
    equal(reply.get("Min-Expires"), "60")
    equal(contacts_of("1130@example.com"), set())


def case_all_or_nothing():
    phone = Phone("1131")
    good, brief = f"Contact: <{phone.contact}>;expires=600", "Contact: <sip:1131@198.18.0.9>;expires=5"
    reply = phone.register(expires=None, contact="", headers=[good, brief])
    equal(reply.code, 423)
    equal(contacts_of("1131@example.com"), set())


def case_query_changes_nothing():
    phone = opened("4")
    phone.register(expires=600)
    for _ in range(2):
        reply = phone.query()
        equal(reply.code, 200)
        equal(list(reply.contacts()), [phone.contact])
        assert 598 <= reply.contacts()[phone.contact] <= 600


def case_several_contacts_with_q():
    phone = opened("5")
    first, second = "sip:5@198.18.0.50", "sip:5@198.18.0.51:5070;transport=udp"
    reply = phone.register(contact=f"<{first}>;q=0.5, <{second}>;q=0.9")
    equal(reply.code, 200)
    equal(set(reply.contacts()), {first, second})
    equal(phone.register(contact=f"<{first}>", expires=0).contacts().keys(), {second})


def case_star_removes_all():
    phone = opened("6")
    for i in range(3):
        phone.register(contact=f"<sip:6@198.18.0.6{i}>")
    equal(len(contacts_of("6@open.example")), 3)
    equal(phone.register(contact="*", expires=600).code, 400, "* with Expires other than 0")
    equal(phone.register(contact="*", expires=None).code, 400, "* without Expires")
    equal(phone.register(contact="*, <sip:6@198.18.0.6>", expires=0).code, 400, "* with another")
    equal(len(contacts_of("6@open.example")), 3, "after the refused ones")
    reply = phone.register(contact="*", expires=0)
    equal((reply.code, reply.contacts()), (200, {}))
    equal(contacts_of("6@open.example"), set())


def case_eleventh_contact_is_refused():
    phone = Phone("1132")
    for i in range(10):
        equal(phone.register(contact=f"<sip:1132@198.18.0.{20 + i}>").code, 200)
    reply = phone.register(contact="<sip:1132@198.18.0.99>")
    equal(reply.code, 503)
    assert "sip:1132@198.18.0.99" not in contacts_of("1132@example.com")
    equal(len(contacts_of("1132@example.com")), 10)
    equal(phone.register(contact="<sip:1132@198.18.0.20>").code, 200, "a refresh at the limit")


def case_oldest_contact_gives_way():
    phone = Phone("1", domain="oldest.example")
    for i in range(3):
        equal(phone.register(contact=f"<sip:1@198.18.0.{30 + i}>", expires=600 + i).code, 200)
    equal(contacts_of("1@oldest.example"), {"sip:1@198.18.0.31", "sip:1@198.18.0.32"})


def case_new_contact_replaces():
    phone = Phone("1", domain="replace.example")
    for i in range(2):
        equal(phone.register(contact=f"<sip:1@198.18.0.{40 + i}>").code, 200)
    equal(contacts_of("1@replace.example"), {"sip:1@198.18.0.41"})


def case_contact_equality():
    """RFC 3261 19.1.4: the host and parameter names in any case, escapes alike."""
    phone = opened("7")
    phone.register(contact="<sip:seven@PHONE.example.org:5062;transport=UDP>")
    reply = phone.register(contact="<sip:%73even@phone.EXAMPLE.org:5062;Transport=udp>", expires=700)
    equal(list(reply.contacts().values()), [700], "one contact")
    phone.register(contact="<sip:Seven@phone.example.org:5062;transport=udp>")
    equal(len(contacts_of("7@open.example")), 2, "the user part is case-sensitive")


def case_cseq_must_grow():
    phone = opened("9")
    contact = [f"Contact: <{phone.contact}>"]
    equal(phone.request(headers=contact, cseq=10).code, 200)
    equal(phone.request(headers=contact, cseq=9).code, 500, "lower")
    equal(phone.request(headers=contact, cseq=10).code, 500, "the same, another transaction")
    equal(phone.request(headers=["Contact: *", "Expires: 0"], cseq=9).code, 500, "lower, with *")
    equal(contacts_of("9@open.example"), {phone.contact})
    phone.call_id = "another"
    equal(phone.request(headers=contact, cseq=1).code, 200, "another Call-ID begins anew")


def case_retransmission_gets_the_same_answer():
    phone = opened("10")
    data = phone.build(headers=[f"Contact: <{phone.contact}>", "Expires: 600"], cseq=5)
    first, again = phone.exchange(data), phone.exchange(data)
    equal((first.code, again.code), (200, 200))
    equal(list(again.contacts()), [phone.contact])
    equal(first.get("To"), again.get("To"), "To tag")


def case_nothing_is_sent_twice():
    """RFC 3261 8.2.7: without a retransmission there is no second answer."""
    phone = opened("15")
    equal(phone.request(headers=[f"Contact: <{phone.contact}>"]).code, 200)
    try:
        reply = phone.receive(0.7)  # a stateful server would repeat after T1, 0.5 s
    except Silence:
        return
    raise AssertionError(f"a second answer: {reply.line!r}")


def case_idle_users_leave_room_for_an_admin():
    """Whoever may open the stats socket cannot keep an admin out by holding connections open."""
    *_, admin = os.environ["BINDERYCTL"].split()
    users = []
    try:
        for _ in range(100):
            user = socket.socket(socket.AF_UNIX)
            user.setblocking(False)
            users.append(user)
            try:
                user.connect(os.path.join(os.path.dirname(admin), "stats.sock"))
            except BlockingIOError:
                break  # its queue is full too: no more can be held
        ctl("show", "info")
    finally:
        for user in users:
            user.close()


def case_retransmitted_challenge_is_the_same():
    phone = Phone("1133")
    data = phone.build(headers=[f"Contact: <{phone.contact}>"])
    first, again = phone.exchange(data), phone.exchange(data)
    equal(first.data, again.data)


def case_retransmitted_credentials_are_no_replay():
    phone = Phone("1134")
    contact = f"Contact: <{phone.contact}>"
    auth = phone.answer(phone.request(headers=[contact]), "REGISTER", "sip:example.com")
    data = phone.build(headers=[contact, auth])
    equal((phone.exchange(data).code, phone.exchange(data).code), (200, 200))


def case_binding_expires():
    phone = opened("11")
    before = counter("bindings_expired")
    equal(phone.register(expires=1).contacts(), {phone.contact: 1})
    wait_until(lambda: not contacts_of("11@open.example"), 3, "the binding is gone")
    wait_until(lambda: counter("bindings_expired") > before, 2,
               "the sweeper counts it")


# --- trusted --------------------------------------------------------------------------------------


def trusted(user, local="198.18.0.2"):
    return Phone(user, domain="trusted.example", local=local)


def case_trusted_source_needs_no_password():
    phone = trusted("2000")
    equal(phone.request(headers=[f"Contact: <{phone.contact}>"]).code, 200)


def case_trusted_refuses_another_source():
    phone = trusted("2001", local=SECOND_SOURCE)
    equal(phone.request(headers=[f"Contact: <{phone.contact}>"]).code, 403)
    equal(contacts_of("2001@trusted.example"), set())


def case_trusted_by_a_prefix_of_its_own():
    ctl("subscriber", "add", "2100@trusted.example", "unused", f"{SECOND_SOURCE}/32")
    phone = trusted("2100", local=SECOND_SOURCE)
    equal(phone.request(headers=[f"Contact: <{phone.contact}>"]).code, 200)
    equal(trusted("2100").request(headers=[f"Contact: <{phone.contact}>"]).code, 403)
    ctl("subscriber", "remove", "2100@trusted.example")
    equal(phone.request(headers=[f"Contact: <{phone.contact}>"]).code, 403, "no longer provisioned")


def case_trusted_refuses_who_is_not_provisioned():
    phone = trusted("3000")
    equal(phone.request(headers=[f"Contact: <{phone.contact}>"]).code, 403)


# --- other requests -------------------------------------------------------------------------------


def case_options():
    reply = Phone("1140").request("OPTIONS", uri="sip:198.18.0.1", to="<sip:198.18.0.1>")
    equal(reply.code, 200)
    assert "REGISTER" in reply.get("Allow", ""), reply.data


def case_other_methods():
    phone = Phone("1141")
    before = counter("register_failed")
    for method in ("INVITE", "SUBSCRIBE", "MESSAGE"):
        reply = phone.request(method, uri="sip:1@example.com")
        equal(reply.code, 405, method)
        assert "REGISTER" in reply.get("Allow", ""), method
    equal(phone.request("FROBNICATE").code, 501)
    equal(phone.request("INVITE", uri="sip:1@elsewhere.example").code, 404)
    equal(counter("register_failed"), before, "failures of REGISTER requests")


# --- calls: the redirect server ---------------------------------------------------------------------


def call(phone, uri, method="INVITE", headers=()):
    """The answer to a call; what ends it is acknowledged, and nobody says anything to that."""
    phone.cseq += 1
    reply = phone.request(method, uri=uri, headers=headers, cseq=phone.cseq)
    if method == "INVITE":
        silent(phone, phone.build("ACK", uri=uri, cseq=phone.cseq), 0.1)
    return reply


def case_call_is_redirected():
    callee, caller = Phone("6", domain="brief.example"), Phone("7", domain="brief.example")
    equal(call(caller, "sip:6@brief.example").code, 480)
    equal(callee.register(expires=100).code, 200)
    other = f"sip:6@{callee.host}:9"
    equal(callee.register(expires=100, contact=f"<{other}>;q=0.5;audio").code, 200)
    for method in ("INVITE", "MESSAGE", "OPTIONS", "FROBNICATE"):
        reply = call(caller, "sip:6@198.18.0.4;transport=udp", method)
        equal(reply.code, 302, method)
        contacts = reply.all("Contact")
        assert contacts[0].startswith(f"<{callee.contact}>;q=1;expires="), contacts
        assert contacts[1].startswith(f"<{other}>;q=0.97;expires="), contacts
    reply = call(caller, "sip:6@brief.example", headers=["Reject-Contact: *;audio"])
    equal(list(reply.contacts()), [callee.contact], "caller preferences")
    equal(call(caller, "sips:6@brief.example").code, 480)
    equal(call(caller, "sip:nobody@brief.example").code, 404)
    equal(callee.register(expires=0).code, 200)


def case_callers_prove_who_they_are():
    callee, caller = Phone("1", domain="call.example"), Phone("2", domain="call.example")
    equal(callee.register().code, 200)
    uri = "sip:1@call.example"
    challenge = call(caller, uri)
    equal(challenge.code, 401)
    reply = call(caller, uri, headers=[caller.answer(challenge, "INVITE", uri)])
    equal(reply.code, 302)
    equal(list(reply.contacts()), [callee.contact])
    challenge = call(caller, uri)
    credentials = caller.answer(challenge, "INVITE", uri, auth_user="3")
    equal(call(caller, uri, headers=[credentials]).code, 401, "a wrong password")
    liar = Phone("2", "secret-3", domain="call.example")
    credentials = liar.answer(call(liar, uri), "INVITE", uri, auth_user="3")
    equal(call(liar, uri, headers=[credentials]).code, 403, "another one's From")
    equal(call(Phone("2", domain="example.com"), uri).code, 403, "a From of another domain")
    equal(callee.register(expires=0).code, 200)


def case_required_extension_is_unknown():
    reply = Phone("1142").request(headers=["Require: frobnication"])
    equal(reply.code, 420)
    equal(reply.get("Unsupported"), "frobnication")


def case_compact_and_folded_headers():
    phone = opened("12")
    data = ("REGISTER sip:open.example SIP/2.0\r\n"
            f"v: SIP/2.0/UDP {phone.host}:{phone.port}\r\n ;branch=z9hG4bKfold12\r\n\t;rport\r\n"
            'f: "Twelve\\", the \\\\last" <sip:12@open.example>;tag=1\r\nt: sip:12@open.example\r\n'
            "i: folded12\r\ncSEQ:  1\r\n   REGISTER\r\nmax-forwards: 70\r\n"
            f"m: <{phone.contact}>\r\n  ;EXPIRES=600\r\nl: 0\r\n\r\n")
    reply = phone.exchange(data.encode())
    equal(reply.code, 200)
    equal(reply.contacts(), {phone.contact: 600})


def case_silence_where_nobody_waits():
    phone = Phone("1143")
    silent(phone, "\r\n\r\n")
    silent(phone, phone.build("ACK"))
    silent(phone, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bK1\r\n\r\n")
    silent(phone, "HELO carrier.example\r\n")


def case_messages_of_the_field_leave_it_serving():
    files = sorted(CORPUS.rglob("*"))
    files = [file for file in files if file.suffix in (".sip", ".dat")]
    assert len(files) > 10, files
    phone = Phone("1145")
    for file in files:
        phone.send(file.read_bytes())
        equal(Phone("1145").request("OPTIONS").code, 200, f"OPTIONS after {file.name}")


def mutations(seed, count):
    """REGISTER requests, each with one to four wounds."""
    chance = random.Random(seed)
    phone = opened("mutant")
    nasty = [b"\x00", b"\r\n", b"\r\n\r\n", b"\xff\xfe", b";" * 64, b"<" * 40, b'"', b"\\", b"%", b"[::",
             b"99999999999999999999", b"-1", b":", b",,,,", b" " * 300, b"\t", b"@", b"*", b"A" * 2000]
    for i in range(count):
        phone.call_id = f"mutation-{seed}-{i}"
        data = bytearray(phone.build(headers=[f'Contact: "x" <{phone.contact};lr>;q=0.7;expires=60',
                                              "Expires: 120", 'Authorization: Digest username="a"',
                                              "Route: <sip:198.18.0.1;lr>", "Supported: path, gruu"]))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            wound = chance.randrange(5)
            if wound == 0:
                data[at] = chance.randrange(256)
            elif wound == 1:
                del data[at + 1:at + chance.randint(2, 60)]
            elif wound == 2:
                data[at:at] = chance.choice(nasty)
            elif wound == 3:
                data = data[:at + 1]
            else:
                other = chance.randrange(len(data))
                data[at:at] = data[other:other + 80]
        yield bytes(data)


def case_mutated_requests_leave_it_serving():
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    alive = ctl("show", "info")["dataplane"]["pid"]
    malformed = counter("malformed")
    sender = Phone("1144")
    for i, data in enumerate(mutations(seed, 20000)):
        sender.send(data[:9000])
        if i % 100 == 99:
            equal(Phone("1144").request("OPTIONS").code, 200, f"OPTIONS after mutation {i}")
    assert counter("malformed") > malformed + 1000, "they were not read"
    equal(ctl("show", "info")["dataplane"]["pid"], alive, "the same process")


# --- numbers in bulk (RFC 6140) ---------------------------------------------------------------------


def bulk(phone, contact, **fields):
    return phone.register(contact=contact, headers=["Require: gin", "Proxy-Require: gin",
                                                    "Supported: path"], **fields)


def uris(aor):
    return {contact["uri"] for contact in (ctl("lookup", aor) or {}).get("contacts", [])}


def case_bulk_contact_and_an_extension_of_its_own():
    pbx, desk = Phone("1191"), Phone("1191", local=SECOND_SOURCE)
    reply = bulk(pbx, "<sip:198.18.0.70:5070;x=1;bnc;y>;audio")
    equal(reply.code, 200)
    equal(reply.contacts(), {"sip:198.18.0.70:5070;x=1;bnc;y": 600})
    number = "+49304412345"
    equal(uris(f"{number}@example.com"), {f"sip:{number}@198.18.0.70:5070;x=1;y"})
    equal(uris("+493045@example.com"), set(), "beside the range")
    # Another device of the PBX: a second bulk contact, and a contact of the PBX itself.
    equal(bulk(desk, "<sip:198.18.0.71;bnc>, <sip:desk@198.18.0.72>").code, 200)
    equal(uris(f"{number}@example.com"),
          {f"sip:{number}@198.18.0.70:5070;x=1;y", f"sip:{number}@198.18.0.71"})
    ctl("unregister", "1191@example.com", "sip:198.18.0.70:5070;x=1;bnc;y")
    equal(uris(f"{number}@example.com"), {f"sip:{number}@198.18.0.71"})
    ctl("unregister", "1191@example.com")
    equal(uris(f"{number}@example.com"), set())


def case_bulk_contact_gets_no_gruu():
    reply = Phone("1190").register(contact=f"<sip:198.18.0.70;bnc>{INSTANCE % 3}", headers=["Supported: gruu"])
    equal(reply.code, 200)
    assert "gruu" not in reply.get("Contact"), reply.get("Contact")


def case_bulk_refusals():
    pbx, other = Phone("1191"), Phone("1192")
    forbidden = counter("not_bulk")
    for contact in ("<sip:1191@198.18.0.70;bnc>", "<sip:198.18.0.70;bnc;user=phone>",
                    "<sip:198.18.0.70;bnc=1>", "<sip:198.18.0.70;bnc>, <sip:x@198.18.0.70;bnc>"):
        equal(bulk(pbx, contact).code, 400, contact)
    equal(bulk(other, "<sip:198.18.0.70;bnc>").code, 403, "who has no numbers")
    equal(counter("not_bulk"), forbidden + 1)
    equal(opened("15").request(headers=["Contact: <sip:198.18.0.70;bnc>"]).code, 403,
          "in a domain without numbers")
    equal(bulk(pbx, "").code, 200, "nothing asked for")
    reply = pbx.request(headers=["Require: gin, foo"])
    equal((reply.code, reply.get("Unsupported")), (420, "foo"))
    equal(contacts_of("1191@example.com"), set())
    equal(contacts_of("1192@example.com"), set())


def case_bulk_number_is_called():
    pbx, caller = Phone("9", domain="brief.example"), Phone("7", domain="brief.example")
    number = "+4940123456"
    equal(call(caller, f"sip:{number}@brief.example").code, 480, "the PBX is not there")
    equal(bulk(pbx, f"<sip:{pbx.host}:5074;bnc>", expires=100).code, 200)
    for method in ("INVITE", "SUBSCRIBE"):
        reply = call(caller, "sip:+49-40-123456@198.18.0.4;user=phone", method,
                     headers=["Event: reg"])
        equal((reply.code, list(reply.contacts())), (302, [f"sip:{number}@{pbx.host}:5074"]), method)
    equal(call(caller, "sip:9@brief.example").code, 480, "bnc is no way to the PBX itself")
    equal(bulk(pbx, f"<sip:{pbx.host}:5074;bnc>", expires=0).code, 200)
    equal(call(caller, f"sip:{number}@brief.example").code, 480, "it has gone")
# --- extensions -----------------------------------------------------------------------------------

P1, P2 = "<sip:p1.example.net;lr>", "<sip:p2.example.net;lr;ob>"


def paths_of(aor):
    return [contact["path"] for contact in ctl("lookup", aor)["contacts"]]


def case_path_is_kept_and_echoed():
    phone = opened("30")
    reply = phone.register(headers=["Supported: path", f"Path: {P2}", f"Path: {P1}"])
    equal(reply.code, 200)
    equal(",".join(reply.all("Path")), f"{P2},{P1}")
    equal(paths_of("30@open.example"), [f"{P2},{P1}"])
    equal(phone.register(headers=["Supported: path", f"Path: {P1}"]).code, 200)
    equal(paths_of("30@open.example"), [P1], "a new way")
    equal(phone.register().code, 200)
    equal(paths_of("30@open.example"), [None], "no proxy any more")


def case_path_that_the_phone_does_not_know():
    reply = opened("31").register(headers=[f"Path: {P1}"])
    equal(reply.code, 420)
    equal(reply.get("Unsupported"), "path")
    equal(contacts_of("31@open.example"), set())
    lazy = Phone("31", domain="lazy.example")
    reply = lazy.register(headers=[f"Path: {P1}"])
    equal((reply.code, reply.all("Path")), (200, []))
    equal(paths_of("31@lazy.example"), [P1])


def case_path_malformed():
    for value in ("sip:p1.example.net", "<sip:p1.example.net", f"{P1},,{P2}", "", "<mailto:a@b>",
                  "<sip:" + "p" * 1100 + ">"):
        reply = opened("32").register(headers=["Supported: path", f"Path: {value}"])
        equal(reply.code, 400, value)
    equal(contacts_of("32@open.example"), set())


def case_service_route_and_associated_uris():
    phone = Phone("1", domain="path.example")
    reply = phone.register()
    equal(reply.get("Service-Route"), "<sip:orig@home.path.example;lr>, <sip:198.18.0.77;lr>")
    equal(reply.get("P-Associated-URI"), "<sip:1@path.example>, <tel:1>")
    equal(phone.query().get("Service-Route"), reply.get("Service-Route"), "fetched again")
    equal(phone.register(expires=0).get("Service-Route"), None, "nothing is left")


def case_expires_range():
    granted = set()
    for _ in range(20):
        phone = Phone("2", domain="path.example")
        data = phone.build(headers=[f"Contact: <{phone.contact}>", "Expires: 1000"])
        granted.add(phone.exchange(data).contacts()[phone.contact])
        assert phone.register(expires=0).code == 200
    assert all(800 <= s <= 1000 for s in granted), granted
    assert len(granted) > 3, f"not spread: {granted}"


def case_profile():
    phone = Phone("3", domain="path.example")
    ctl("subscriber", "profile", "3@path.example", "trunk")
    equal(ctl("subscriber", "show", "3@path.example")["profile"], "trunk")
    reply = phone.register(contact="<sip:3@198.18.0.90>")
    equal(reply.get("Service-Route"), "<sip:trunk.path.example;lr>")
    reply = phone.register(contact="<sip:3@198.18.0.91>")
    equal(list(reply.contacts()), ["sip:3@198.18.0.91"], "max_contacts 1, replace")
    assert reply.contacts()["sip:3@198.18.0.91"] <= 300, "max_expires"
    ctl("reload")
    equal(len(phone.register(contact="<sip:3@198.18.0.92>").contacts()), 1, "after a reload")
    ctl("subscriber", "profile", "3@path.example", "")
    equal(len(phone.register(contact="<sip:3@198.18.0.93>").contacts()), 2, "the domain's again")


def case_implicit_registration_set():
    first, second, third = (f"set-{i}@call.example" for i in (1, 2, 3))
    for identity in (second, third):
        ctl("subscriber", "implicit", identity, first)
    equal(ctl("subscriber", "show", second)["implicit_of"], first)
    for wrong in ((f"set-4@call.example", second), (first, "set-4@call.example"),
                  ("set-4@call.example", "nobody@call.example"), (second, second)):
        assert "error" in ctl("subscriber", "implicit", *wrong), wrong
    assert "error" in ctl("subscriber", "remove", first), "the primary of two"
    own = Phone("set-2", domain="call.example")
    whole = f"<sip:{first}>, <sip:{second}>, <sip:{third}>"
    reply = own.register()
    equal((reply.code, reply.get("P-Associated-URI")), (200, whole), "with its own password")
    # The primary's user may register another of his identities; nobody else may.
    other = Phone("set-3", password="secret-set-1", domain="call.example")
    reply = other.register(auth_user="set-1")
    equal((reply.code, reply.get("P-Associated-URI")), (200, whole), "with the primary's")
    thief = Phone("set-3", password="secret-set-4", domain="call.example")
    equal(thief.register(auth_user="set-4").code, 403)
    sibling = Phone("set-3", password="secret-set-2", domain="call.example")
    equal(sibling.register(auth_user="set-2").code, 403)
    both = {own.contact, other.contact}
    caller = Phone("set-4", domain="call.example")
    for identity in (first, second, third):
        equal({row["uri"] for row in ctl("lookup", identity)["contacts"]}, both, identity)
        uri = f"sip:{identity}"
        reply = call(caller, uri, headers=[caller.answer(call(caller, uri), "INVITE", uri)])
        equal((reply.code, set(reply.contacts())), (302, both), identity)
    ctl("reload")
    equal(own.query().get("P-Associated-URI"), whole, "after a reload")
    ctl("subscriber", "implicit", third)
    equal(own.query().get("P-Associated-URI"), f"<sip:{first}>, <sip:{second}>", "one has left")
    assert "error" in ctl("lookup", third)
    ctl("unregister", second)
    assert "error" in ctl("lookup", first), "all of the set's bindings are gone"
    ctl("subscriber", "implicit", second)
    equal(own.query().get("P-Associated-URI"), None)


def case_third_party():
    own, other = Phone("1", domain="party.example"), "<sip:2@party.example>"
    equal(own.register(sender='"One" <sip:1@PARTY.example;a=b>').code, 200, "the same AoR")
    equal(own.register(to=other, sender="<sip:1@party.example>").code, 403, "with his own credentials")
    before = counter("third_party")
    equal(Phone("2", domain="party.example").register(sender="<sip:1@party.example>").code, 403)
    assert counter("third_party") > before, "not counted"
    admin = Phone("admin", domain="party.example")
    listed = {"sender": "<sip:admin@party.example>"}
    equal(admin.register(to=other, contact="<sip:2@198.18.0.95>", **listed).code, 200)
    equal(contacts_of("2@party.example"), {"sip:2@198.18.0.95"})
    equal(admin.register(to="<sip:nobody@party.example>", **listed).code, 404)
    thief = Phone("1", domain="party.example")
    equal(thief.register(to=other, **listed).code, 403, "somebody else's credentials")


def case_feature_tags_come_back():
    phone = opened("33")
    tags = ';audio;methods="INVITE,BYE";+g.oma.sip-im;description="<a \\"b\\">";x-own=1'
    reply = phone.register(contact=f"<{phone.contact}>{tags}")
    equal(reply.get("Contact"), f"<{phone.contact}>{tags};expires=600")
    equal(ctl("lookup", "33@open.example")["contacts"][0]["params"], tags[1:])


# --- operators ------------------------------------------------------------------------------------


def case_operator_unregisters():
    phone = opened("14")
    for contact in ("sip:14@198.18.0.80", "sip:14@198.18.0.81", "sip:14@198.18.0.82"):
        phone.register(contact=f"<{contact}>")
    ctl("unregister", "14@open.example", "sip:14@198.18.0.81")
    equal(contacts_of("14@open.example"), {"sip:14@198.18.0.80", "sip:14@198.18.0.82"})
    ctl("unregister", "14@open.example")
    equal(contacts_of("14@open.example"), set())


# --- outbound, GRUU, keep-alives --------------------------------------------------------------------


def case_outbound_is_one_binding_a_flow():
    first, moved = Phone("flow", domain="open.example"), Phone("flow", domain="open.example")
    supported = ["Supported: path, outbound"]
    for phone in first, moved:
        reply = phone.register(contact=f"<{phone.contact}>{INSTANCE % 1};reg-id=1", headers=supported)
        equal((reply.code, reply.get("Require")), (200, "outbound"))
        equal(set(reply.contacts()), {phone.contact}, "another Call-ID, URI and port: the same binding")
    second = moved.register(contact=f"<{moved.contact}>{INSTANCE % 1};reg-id=2", headers=supported)
    equal(len(second.all("Contact")), 2, "a second flow")
    rows = ctl("lookup", "flow@open.example")["contacts"]
    equal({row["received"].rsplit(":")[-1] for row in rows}, {str(moved.port)}, "where the flows are")
    edge = f"SIP/2.0/UDP 198.18.0.9;branch=z9hG4bKedge\r\nVia: SIP/2.0/UDP {moved.host}:{moved.port}"
    via = f"SIP/2.0/UDP {moved.host}:{moved.port};branch=z9hG4bK%d\r\nVia: {edge}"
    contact = f"<{moved.contact}>{INSTANCE % 1};reg-id=3"
    equal(moved.register(contact=contact, headers=supported, via=via % 1).code, 439, "no edge proxy in Path")
    path = [*supported, "Path: <sip:198.18.0.9;lr;ob>"]
    equal(moved.register(contact=contact, headers=path, via=via % 2).code, 200, "one with ob")


def case_stun_on_the_sip_port():
    phone = Phone("stun")
    cookie, transaction = bytes.fromhex("2112a442"), os.urandom(12)

    def ask(attributes=b""):
        phone.socket.send(bytes([0, 1]) + len(attributes).to_bytes(2, "big") + cookie + transaction + attributes)
        phone.socket.settimeout(4)
        return phone.socket.recv(2048)

    answer = ask()
    equal(answer[:2], b"\x01\x01", "type")
    equal(answer[4:20], cookie + transaction, "transaction")
    equal(answer[20:24], b"\x00\x20\x00\x08", "XOR-MAPPED-ADDRESS")
    port = int.from_bytes(answer[26:28], "big") ^ 0x2112
    host = ".".join(str(a ^ b) for a, b in zip(answer[28:32], cookie))
    equal((host, port), (phone.host, phone.port), "the mapped address")
    equal(ask(b"\x00\x03\x00\x04\x00\x00\x00\x06")[:2], b"\x01\x11", "CHANGE-REQUEST")
    before = counter("keepalive")
    for data in b"\r\n\r\n", b"\r\n", b"\0\0\0\0", b"\x00\x11\x00\x00" + cookie + transaction:
        silent(phone, data)
    wait_until(lambda: counter("keepalive") == before + 4, 5, "keep-alives are counted")
    equal(phone.request("OPTIONS").code, 200, "SIP on the same port")


def case_keep_is_answered():
    phone = Phone("keeper", domain="oldest.example")
    via = f"SIP/2.0/UDP {phone.host}:{phone.port};branch=z9hG4bK{os.urandom(6).hex()};keep"
    assert re.search(r";keep=25(;|$)", phone.register(via=via).get("Via")), "keep has its value"


def case_gruus():
    phone = Phone("gruu", domain="open.example")
    contact = f"<{phone.contact}>{INSTANCE % 2}"

    def register(**fields):
        return phone.register(contact=contact, headers=["Supported: gruu"], **fields)

    first, second = gruus(register()), gruus(register())
    equal(first[0], "sip:gruu@open.example;gr=urn:uuid:00000000-0000-1000-8000-000000001102", "public")
    equal(second[0], first[0], "the public one stays")
    assert second[1] != first[1], "a new temporary one"
    Phone("gruu", domain="open.example").register()  # another phone of the user
    for gruu in first + second:
        equal([row["uri"] for row in ctl("lookup", gruu)["contacts"]], [phone.contact], gruu)
    equal(phone.register(contact=f"<{first[1]}>{INSTANCE % 2}").code, 403, "a GRUU as Contact")
    phone.call_id = os.urandom(8).hex()
    third = gruus(register())
    assert "error" in ctl("lookup", first[1]), "another Call-ID ends temporary ones"
    equal(len(ctl("lookup", third[1])["contacts"]), 1, "the one since then")
    register(expires=0)
    for gruu in third:
        assert "error" in ctl("lookup", gruu), "gone with the binding"


if __name__ == "__main__":
    sys.exit(run(__file__, globals()))
