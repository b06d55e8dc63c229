#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A SIP phone over UDP for tests: builds requests byte by byte, so a test can send what no honest
client would, and computes digests by itself (RFC 7616, RFC 8760) with hashlib, so Bindery's own
arithmetic is not its own judge.

As a program:  phone.py register|query|options USER [options]   prints the status code; exits 0 on 2xx.
"""
import argparse
import hashlib
import os
import re
import socket
import sys
import time
import urllib.parse

HASH = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
RETRANSMIT_S = 0.5  # T1, RFC 3261 17.1.2.1
TIMEOUT_S = float(os.environ.get("PHONE_TIMEOUT_S", "4"))


class Silence(Exception):
    """No answer came."""


class Reply:
    def __init__(self, data):
        self.data = data
        head, _, self.body = data.decode(errors="replace").partition("\r\n\r\n")
        lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")  # folded, as it was asked
        self.line = lines[0]
        self.code = int(lines[0].split()[1])
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def contacts(self):
        """Contact URI -> expires, of a 200 to a REGISTER."""
        out = {}
        for value in self.all("Contact"):
            for match in re.finditer(r"<([^>]*)>([^,]*)", value):
                expires = re.search(r";\s*expires=(\d+)", match.group(2))
                out[match.group(1)] = int(expires.group(1)) if expires else None
        return out

    def challenges(self):
        out = []
        for value in self.all("WWW-Authenticate"):
            pairs = re.findall(r'([\w-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^,\s]+)', value)
            out.append({key.lower(): text.strip('"') for key, text in pairs})
        return out

    def challenge(self, algorithm):
        for challenge in self.challenges():
            if challenge.get("algorithm", "MD5") == algorithm:
                return challenge
        raise AssertionError(f"no {algorithm} challenge in {self.data!r}")


def digest(algorithm, *parts):
    return hashlib.new(HASH[algorithm], ":".join(parts).encode()).hexdigest()


def rspauth(challenge, user, password, uri, nc, cnonce, qop, body=""):
    """What the server must prove itself with (RFC 7616 3.5)."""
    algorithm = challenge.get("algorithm", "MD5")
    parts = ["", uri] + ([hashlib.new(HASH[algorithm], body.encode()).hexdigest()]
                         if qop == "auth-int" else [])
    return digest(algorithm, digest(algorithm, user, challenge["realm"], password), challenge["nonce"],
                  f"{nc:08x}", cnonce, qop, digest(algorithm, *parts))


def authorization(challenge, user, password, method, uri, nc=1, cnonce=None, qop="auth", body="",
                  name="plain"):
    """The Authorization value that answers a challenge. name: plain, hash (userhash) or ext (username*)."""
    algorithm = challenge.get("algorithm", "MD5")
    cnonce = cnonce or os.urandom(6).hex()
    ha1 = digest(algorithm, user, challenge["realm"], password)
    if qop == "auth-int":
        ha2 = digest(algorithm, method, uri, hashlib.new(HASH[algorithm], body.encode()).hexdigest())
    else:
        ha2 = digest(algorithm, method, uri)
    middle = [challenge["nonce"]] + ([f"{nc:08x}", cnonce, qop] if qop else [])
    response = digest(algorithm, ha1, *middle, ha2)
    username = {"plain": f'username="{user}"', "ext": f"username*=UTF-8''{urllib.parse.quote(user)}",
                "hash": f'username="{digest(algorithm, user, challenge["realm"])}", userhash=true'}[name]
    value = (f'Digest {username}, realm="{challenge["realm"]}", nonce="{challenge["nonce"]}",'
             f' uri="{uri}", response="{response}", algorithm={algorithm}')
    if "opaque" in challenge:
        value += f', opaque="{challenge["opaque"]}"'
    if qop:
        value += f', qop={qop}, nc={nc:08x}, cnonce="{cnonce}"'
    return value


def branch_of(data):
    """That of the topmost Via that has one; None: none has."""
    found = re.search(rb"branch=([^;,\s]+)", data)
    return found and found.group(1)


class Phone:
    """One user at one UDP socket; CSeq and Call-ID go on from request to request."""

    def __init__(self, user, password=None, domain="example.com", server=None, local=None,
                 algorithm="MD5", qop="auth"):
        self.server = (server or os.environ.get("BINDERY_SERVER", "198.18.0.1"), 5060)
        self.user, self.domain = user, domain
        self.password = f"secret-{user}" if password is None else password
        self.algorithm, self.qop = algorithm, qop
        family = socket.AF_INET6 if ":" in self.server[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        if local:
            self.socket.bind((local, 0))
        self.socket.connect(self.server)
        self.host, self.port = self.socket.getsockname()[:2]
        if ":" in self.host:
            self.host = f"[{self.host}]"
        self.contact = f"sip:{user}@{self.host}:{self.port}"
        self.call_id = os.urandom(8).hex()
        self.tag = os.urandom(4).hex()
        self.cseq = 0
        self.answered = set()  # branches; each answer may come again, as the request may have gone twice

    def build(self, method="REGISTER", uri=None, to=None, headers=(), cseq=None, branch=None,
              body="", via=None, sender=None):
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        branch = branch or "z9hG4bK" + os.urandom(6).hex()
        uri = uri or f"sip:{self.domain}"
        to = to or f"<sip:{self.user}@{self.domain}>"
        via = via or f"SIP/2.0/UDP {self.host}:{self.port};branch={branch};rport"
        lines = [f"{method} {uri} SIP/2.0", f"Via: {via}", f"From: {sender or to};tag={self.tag}", f"To: {to}",
                 f"Call-ID: {self.call_id}", f"CSeq: {cseq} {method}", "Max-Forwards: 70",
                 *headers, f"Content-Length: {len(body.encode())}", "", body]
        return "\r\n".join(lines).encode()

    def send(self, data):
        self.socket.send(data if isinstance(data, bytes) else data.encode())

    def receive(self, timeout=TIMEOUT_S):
        self.socket.settimeout(timeout)
        try:
            return Reply(self.socket.recv(65535))
        except socket.timeout:
            raise Silence("no answer") from None

    def receive_new(self, data, timeout):
        """The next answer, but for late ones to requests before this one."""
        end = time.monotonic() + timeout
        own = branch_of(data if isinstance(data, bytes) else data.encode())
        while True:
            reply = self.receive(max(end - time.monotonic(), 0.001))
            branch = branch_of(reply.data)
            if branch == own or branch not in self.answered:
                self.answered.add(branch)
                return reply

    def exchange(self, data, timeout=TIMEOUT_S):
        """Sends, sends again each T1, returns the first final answer."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.send(data)
            try:
                return self.receive_new(data, min(RETRANSMIT_S, max(end - time.monotonic(), 0.01)))
            except Silence:
                continue
            except ConnectionRefusedError:  # an ICMP port unreachable: nobody there yet
                time.sleep(0.05)
        raise Silence(f"no answer within {timeout} s")

    def request(self, method="REGISTER", **fields):
        return self.exchange(self.build(method, **fields))

    def answer(self, reply, method, uri, body="", **fields):
        """The Authorization header for a 401."""
        challenge = reply.challenge(self.algorithm)
        return "Authorization: " + authorization(challenge, fields.pop("auth_user", self.user),
                                                 self.password, method, uri, qop=self.qop, body=body,
                                                 **fields)

    def register(self, expires=600, contact=None, headers=(), uri=None, body="", auth_user=None,
                 **fields):
        """A REGISTER and, when it is challenged, a second one with credentials."""
        uri = uri or f"sip:{self.domain}"
        lines = [*headers]
        if contact != "":
            lines.append(f"Contact: {contact or '<' + self.contact + '>'}")
        if expires is not None:
            lines.append(f"Expires: {expires}")
        reply = self.request(uri=uri, headers=lines, body=body, **fields)
        if reply.code != 401:
            return reply
        auth = self.answer(reply, "REGISTER", uri, body, auth_user=auth_user or self.user)
        return self.request(uri=uri, headers=[*lines, auth], body=body, **fields)

    def query(self, **fields):
        return self.register(expires=None, contact="", **fields)


def main():
    parser = argparse.ArgumentParser(description="a SIP phone for tests")
    parser.add_argument("action", choices=["register", "query", "options"])
    parser.add_argument("user")
    parser.add_argument("--password")
    parser.add_argument("--domain", default="example.com")
    parser.add_argument("--server")
    parser.add_argument("--expires", type=int, default=600)
    parser.add_argument("--contact", help="the Contact URI")
    parser.add_argument("--algorithm", default="MD5", choices=HASH)
    parser.add_argument("-v", "--verbose", action="store_true", help="print the whole answer")
    args = parser.parse_args()
    phone = Phone(args.user, args.password, args.domain, args.server, algorithm=args.algorithm)
    try:
        if args.action == "register":
            reply = phone.register(args.expires, args.contact and f"<{args.contact}>")
        elif args.action == "query":
            reply = phone.query()
        else:
            reply = phone.request("OPTIONS")
    except Silence as error:
        print(error)
        return 1
    print(reply.data.decode() if args.verbose else reply.code)
    return 0 if reply.code // 100 == 2 else 1


if __name__ == "__main__":
    sys.exit(main())
