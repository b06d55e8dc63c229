#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Attempts to get in without the password, for cases/forgery.sh: forged and foreign nonces, replays, other users'
and other domains' credentials. The attacker knows the password of a user of his own, and hears what others send.

   forgery.py    prints "VERDICT COUNT" for each verdict that its attempts must have ended in; fails if one got in
"""
import collections
import sys
import time

from phone import Phone, authorization

tried = collections.Counter()


def attempt(verdict, codes, phone, data):
    reply = phone.exchange(data)
    assert reply.code in codes, f"{verdict}: got {reply.line}, wanted {codes}"
    assert not reply.contacts(), f"{verdict}: told {reply.contacts()}"
    tried[verdict] += 1
    return reply


def challenge_of(phone):
    tried["challenged"] += 1
    return phone.request().challenge(phone.algorithm)


def signed(phone, challenge, contact="sip:evil@198.18.0.3", user=None, password=None, uri=None, nc=1, qop="auth",
           **fields):
    """A REGISTER with credentials that were computed as they should be, from whatever was given."""
    uri = uri or f"sip:{phone.domain}"
    value = authorization(challenge, user or phone.user, password or phone.password, "REGISTER", uri, nc, qop=qop)
    return phone.build(headers=["Authorization: " + value, f"Contact: <{contact}>"], **fields)


def forged_nonces():
    """Each digit of a good nonce changed, by someone who even knows the password."""
    phone = Phone("1400")
    challenge = challenge_of(phone)
    good = challenge["nonce"]
    for place in range(len(good)):
        digit = f"{int(good[place], 16) ^ 1 << place % 4:x}"
        forged = dict(challenge, nonce=good[:place] + digit + good[place + 1:])
        attempt("bad_nonce", {401}, phone, signed(phone, forged))
    for other in ("0" * 64, "f" * 64, good[:-2], good + "00", good[32:] + good[:32], ""):
        attempt("bad_nonce", {401}, phone, signed(phone, dict(challenge, nonce=other)))


def foreign_nonces():
    """A nonce is good for the realm that it was made for alone, and as long as it was meant."""
    there, here = Phone("1", domain="brief.example"), Phone("1401")
    challenge = challenge_of(there)
    attempt("bad_nonce", {401}, here, signed(here, dict(challenge, realm=here.domain)))
    time.sleep(1.2)  # nonce_expire is 1
    stale = attempt("stale", {401}, there, signed(there, challenge))
    assert stale.challenge("MD5")["stale"] == "true"
    guess = attempt("wrong_credentials", {401}, there, signed(there, challenge, password="guess"))
    assert "stale" not in guess.challenge("MD5")  # he learns nothing of the nonce


def replays():
    """What was heard on the wire, from elsewhere, or with another Contact under the same credentials."""
    victim, thief = Phone("1402"), Phone("1402", local="198.18.0.3")
    challenge = challenge_of(victim)
    heard = signed(victim, challenge, contact=victim.contact)
    assert victim.exchange(heard).code == 200
    tried["registered"] += 1
    attempt("replayed", {401}, thief, heard)
    authorization_line = next(line for line in heard.decode().split("\r\n") if line.startswith("Authorization"))
    for victim_is_thief in (victim, thief):
        data = victim_is_thief.build(headers=[authorization_line, "Contact: <sip:evil@198.18.0.3>"])
        attempt("replayed", {401}, victim_is_thief, data)
    # The credentials of a REGISTER, for another AoR, another nc, another count than was hashed.
    other = Phone("1403", local="198.18.0.3")
    attempt("wrong_credentials", {401}, thief, thief.build(
        headers=[authorization_line.replace("nc=00000001", "nc=00000002"), "Contact: <sip:evil@198.18.0.3>"]))
    attempt("replayed", {401}, other, other.build(headers=[authorization_line, "Contact: <sip:evil@198.18.0.3>"]))
    # Of RFC 2069, which has no nonce count: each nonce serves once.
    old = challenge_of(victim)
    assert victim.exchange(signed(victim, old, contact=victim.contact, qop=None)).code == 200
    tried["refreshed"] += 1
    attempt("replayed", {401}, victim, signed(victim, old, qop=None))


def other_users():
    """A subscriber's own password opens his own address of record alone."""
    thief = Phone("1404")
    challenge = challenge_of(thief)
    for number, whose in enumerate(("1405", "1406", "nobody"), 1):
        data = signed(thief, challenge, nc=number, to=f"<sip:{whose}@example.com>")
        attempt("forbidden", {403}, thief, data)
    # In another's name, by his own password.
    for user in ("1405", "1405@example.com", "nobody"):
        data = signed(thief, challenge, user=user, nc=9, to="<sip:1405@example.com>")
        attempt("wrong_credentials", {401}, thief, data)


def other_domains():
    """The same name in another domain is another user."""
    thief = Phone("2", domain="brief.example")
    challenge = challenge_of(thief)
    target = Phone("2", domain="info.example", password=thief.password + "x")
    attempt("challenged", {401}, target, signed(target, challenge, password=thief.password))
    own = challenge_of(target)
    attempt("wrong_credentials", {401}, target, signed(target, own))
    attempt("wrong_credentials", {401}, target, signed(target, own, user="2@brief.example"))
    data = signed(target, own, password="secret-2", uri="sip:brief.example")
    attempt("bad_credentials_field", {400}, target, data)


def main():
    for kind in (forged_nonces, foreign_nonces, replays, other_users, other_domains):
        kind()
    for user in ("1400", "1401", "1403", "1404", "1405", "1406"):
        assert not Phone(user).query().contacts(), user
    victim = Phone("1402").query().contacts()
    assert len(victim) == 1 and "evil" not in str(victim), victim
    for verdict, count in tried.items():
        print(verdict, count)


if __name__ == "__main__":
    sys.exit(main())
