#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes what a target's corpus begins with: seeds.py TARGET FOLDER.

The messages of tests/corpus, the files of configs, the commands of docs, and frames made here. What fuzzing adds to
them is in tests/fuzz/corpus.
"""
import hashlib
import os
import re
import struct
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')


def read(*path):
    with open(os.path.join(ROOT, *path), 'rb') as file:
        return file.read()


def messages():
    for folder in ['.', 'torture/rfc4475', 'torture/rfc5118']:
        for name in sorted(os.listdir(os.path.join(ROOT, 'tests/corpus', folder))):
            if name.endswith(('.sip', '.dat')):
                yield read('tests/corpus', folder, name)


def values(pattern):
    """What a pattern finds in the messages, folds undone."""
    for message in messages():
        for value in re.findall(pattern, re.sub(rb'\r\n[ \t]+', b' ', message), re.I | re.M):
            yield value


def uris():
    found = sorted({v.strip() for v in values(rb'(?:sips?|tel|urn|http|mailto):[^>\r\n" ]*')})
    found += [b'sip:%61lice@Example.com;transport=udp?a=b&c=d', b'sip:+49-30-555@x;user=phone',
              b'tel:+1-201-555-0123;isub=1', b'tel:863-1234;phone-context=+1-914-555',
              b'sips:[2001:db8::1]:5061;lr;maddr=1.2.3.4;ttl=7;method=REGISTER',
              b'<urn:uuid:00000000-0000-1000-8000-00000000000A>', b'sip:a:pw@h.x.:5060']
    for i, uri in enumerate(found):
        yield uri + b'\n' + found[(i * 7 + 1) % len(found)]
        yield uri + b'\n' + uri.swapcase()


def stun():
    head = b'\x21\x12\xa4\x42' + bytes(range(12))
    for kind, body in [(1, b''), (0x11, b''), (0x101, b''), (1, b'\x80\x22\x00\x04test'),
                       (1, b'\x00\x06\x00\x03abc\x00'), (1, b'\x7f\xff\x00\x00\x00\x24\x00\x04\x00\x00\x00\x01'),
                       (1, b'\x80\x28\x00\x04\x00\x00\x00\x00'), (2, b'')]:
        yield struct.pack('>HH', kind, len(body)) + head + body


# --- frames: sums are left to the target's own mending (first byte 0x10) ---

OURS, THEIRS = bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0, 0, 2])
V4 = (bytes([198, 18, 0, 2]), bytes([198, 18, 0, 1]))
V6 = tuple(bytes.fromhex('20010db80000000000000000000000' + last) for last in ('02', '01'))


def ether(kind, body, to=OURS, tag=b''):
    return to + THEIRS + tag + struct.pack('>H', kind) + body


def ipv4(protocol, body, options=b'', fragment=0):
    total = 20 + len(options) + len(body)
    return struct.pack('>BBHHHBBH', 0x45 + len(options) // 4, 0, total, 7, fragment, 64, protocol, 0) + \
        V4[0] + V4[1] + options + body


def ipv6(following, body, to=V6[1], hops=64):
    return struct.pack('>IHBB', 0x60000000, len(body), following, hops) + V6[0] + to + body


def udp(payload, port=5060):
    return struct.pack('>HHHH', 40000, port, 8 + len(payload), 0) + payload


def frames():
    register = read('tests/corpus/desk-snom-q.sip')
    echo = struct.pack('>BBHHH', 8, 0, 0, 1, 1) + b'ping' * 8
    solicited = bytes.fromhex('ff0200000000000000000001ff000001')
    solicit = struct.pack('>BBHI', 135, 0, 0, 0) + V6[1] + b'\x01\x01' + THEIRS
    yield ether(0x806, struct.pack('>HHBBH', 1, 0x800, 6, 4, 1) + THEIRS + V4[0] + bytes(6) + V4[1], b'\xff' * 6)
    yield ether(0x800, ipv4(17, udp(register)))
    yield ether(0x800, ipv4(17, udp(b'x', 5061)))
    yield ether(0x800, ipv4(17, udp(b'hello'), b'\x07\x07\x04\x00\x00\x00\x00\x01'))
    yield ether(0x800, ipv4(1, echo))
    yield ether(0x800, ipv4(17, udp(register)[:64], fragment=0x2000))
    yield ether(0x800, ipv4(17, udp(register)[64:128], fragment=0x2008))
    yield ether(0x86dd, ipv6(17, udp(register)))
    yield ether(0x86dd, ipv6(17, udp(b'x', 9)))
    yield ether(0x86dd, ipv6(58, b'\x80' + echo[1:]))
    yield ether(0x86dd, ipv6(58, solicit, solicited, 255), b'\x33\x33\xff\x00\x00\x01')
    yield ether(0x86dd, ipv6(0, b'\x3c\x00\x01\x04' + bytes(4) + b'\x11\x00\x01\x04' + bytes(4) + udp(b'x')))
    yield ether(0x86dd, ipv6(44, b'\x11\x00\x00\x01\x00\x00\x00\x07' + udp(register)[:64]))
    yield ether(0x86dd, ipv6(60, b'\x2c\x00\x01\x04' + bytes(4) + b'\x11\x00\x00\x41\x00\x00\x00\x07' + register[:64]))
    yield ether(0x86dd, ipv6(44, b'\x11\x00\x00\x00\x00\x00\x00\x07' + udp(b'atomic')))


def frame_seeds():
    for frame in frames():
        yield b'\x10' + frame
        yield b'\x1b' + frame
    yield b'\x30' + ether(0x800, ipv4(17, udp(b'tagged')), tag=b'\x81\x00\x00\x07')
    yield b'\x38' + ether(0x800, ipv4(17, udp(b'stripped')))


SEEDS = {
    'credentials': lambda: values(rb'^(?:Proxy-)?Authorization\s*:\s*(.*?)\r'),
    'frame': frame_seeds,
    'parser': messages,
    'stun': stun,
    'uri': uris,
}


def main():
    target, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    for seed in SEEDS.get(target, lambda: [])():
        with open(os.path.join(folder, hashlib.sha1(seed).hexdigest()), 'wb') as file:
            file.write(seed)


main()
