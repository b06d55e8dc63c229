#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes what a target's corpus begins with: seeds.py TARGET FOLDER.

The messages of tests/corpus, the files of configs, the commands of docs, and frames made here. What fuzzing adds to
them is in tests/fuzz/corpus.
"""
import hashlib
import os
import random
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


# --- registrar ---

def decisions():
    """Bytes to decide by; random.Random gives the same on each machine."""
    dice = random.Random(7)
    for length in [8, 30, 60, 100, 150, 200, 300, 400] * 4:
        yield dice.randbytes(length)


def again(message):
    """The next request of the same phone."""
    return re.sub(rb'(CSeq\s*:\s*)(\d+)', lambda m: m[1] + str(int(m[2]) + 1).encode(),
                  message.replace(b'branch=z9hG4bK', b'branch=z9hG4bK1'), flags=re.I)


AUTHORIZATION = (b'Authorization: Digest username="a",realm="a \\"quoted\\" realm",nonce="' + b'0' * 64 +
                 b'",uri="sip:digest.example",response="' + b'0' * 32 + b'",qop=auth,nc=00000001,cnonce="c"\r\n')


def conversations():
    for message in messages():
        yield b'\x03' + message
        yield b'\x03' + message + b'\x1e\x04' + again(message) + b'\x1e\x00' + message
        ours = re.sub(rb'(\nTo\s*:[^@\r]*@)[^>\r;:]*', rb'\1example.com', message, flags=re.I)
        gone = re.sub(rb'\nExpires\s*:\s*\d+', b'\nExpires: 0', again(ours), flags=re.I)
        yield b'\x0b' + ours + b'\x1e\x05' + gone
        digest = ours.replace(b'example.com', b'digest.example').replace(b'\r\n\r\n', b'\r\n' + AUTHORIZATION + b'\r\n', 1)
        yield b'\x03' + digest + b'\x1e\x20' + again(digest)
    phone = (b'REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport;keep\r\n'
             b'From: <sip:x@example.com>;tag=f\r\nTo: <sip:x@example.com>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n'
             b'Supported: path, outbound, gruu\r\nPath: <sip:p.example.com;lr;ob>\r\n'
             b'Contact: <sip:x@192.0.2.1:5060;ob>;reg-id=1;+sip.instance="<urn:uuid:'
             b'00000000-0000-1000-8000-00000000000a>";audio;mobility="fixed";q=0.5\r\n\r\n')
    call = (b'INVITE sip:x@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2\r\n'
            b'From: <sip:y@example.com>;tag=f\r\nTo: <sip:x@example.com>\r\nCall-ID: d\r\nCSeq: 1 INVITE\r\n'
            b'Accept-Contact: *;mobility="fixed";require\r\nRequest-Disposition: no-fork\r\n\r\n')
    yield b'\x03' + phone + b'\x1e\x01' + call + b'\x1e\x01' + again(phone)
    yield b'\x03' + phone + b'\x1e\x0a' + call.replace(b'INVITE', b'MESSAGE') + b'\x1e\x01' + again(phone).replace(
        b'reg-id=1', b'reg-id=2')
    yield b'\x03' + phone + b'\x1e\x01' + call.replace(b'INVITE', b'SUBSCRIBE').replace(b'Accept', b'Event: reg\r\nAccept')


# --- journal: bodies as journal_body.c lays them out; checks are the target's to make ---

def put(slot, aor, contacts, check=7):
    body = struct.pack('<QIHBB', slot, check, len(aor), len(contacts), 7)
    for texts in contacts:
        body += struct.pack('<QQIQ', 1700000900123, 99, 1, 1700000000123) + struct.pack('<IHH', 0, 500, 1)
        body += (bytes(10) + b'\xff\xff\xc6\x12\x00\x02' + struct.pack('<H', 5060)) * 2
        body += b''.join(struct.pack('<H', len(text)) for text in texts)
    return body + aor + b''.join(text for texts in contacts for text in texts)


def state(slot, contacts, check=7):
    return struct.pack('<QIB', slot, check, contacts) + struct.pack('<QQI', 1700000990123, 100, 2) * contacts


def commit(following=0):
    return struct.pack('<QQQQ', 1700000000123, 5000000, 2, following)


def frame_of(kind, body):
    return bytes([kind - 1]) + struct.pack('>H', len(body)) + body


def records():
    texts = [b'sip:a@198.18.0.2', b'call-id', b';x=y', b'Phone', b'<urn:uuid:1>', b'<sip:p;lr>', b'8 bytes.']
    one = frame_of(1, put(3, b'a@example.org', [texts]))
    two = frame_of(1, put(4, b'b@example.org', [texts, [b'sip:b@198.18.0.3'] + [b''] * 6]))
    rest = frame_of(2, state(3, 1)) + frame_of(3, struct.pack('<Q', 4)) + frame_of(4, commit())
    yield b'\x00\x10' + one + two + rest + frame_of(5, commit())
    yield b'\x01\x10' + one + two + frame_of(5, commit(2))
    yield b'\x00\xff' + one + frame_of(2, state(3, 1, 8)) + frame_of(4, commit())


# --- configurations ---

def configs():
    rules = read('configs/screening.yaml')
    lab = read('configs/examples/lab.yaml')
    yield lab + b'\x1e' + rules
    # Without comments, section by section: each file is short, so that chance hits what counts.
    full = re.sub(rb'(?m)^\s*#.*\n', b'', read('configs/bindery.yaml'))
    yield full + b'\x1e' + rules
    tests = read('tests/unit/config/test_files.c')
    start = tests.index(b'static const char full[]')
    text = b''.join(re.findall(rb'"((?:[^"\\]|\\.)*)"', tests[start:tests.index(b';\n\n', start)]))
    text = text.replace(b'\\n', b'\n').replace(b'\\"', b'"').replace(b'\\\\', b'\\')
    yield text
    yield text + b'screening: {rules: r.yaml}\n\x1e' + rules
    short = b'ports: [{name: a, driver: ring, addresses: [198.18.0.1/24]}]\nlisten: ["198.18.0.1:5060"]\n'
    yield short + b'domains: [{name: a.example}]\n'
    yield short + (b'domains: [{name: a.example, bulk: ["pbx +4930555000-999 +493044*"], auth: open, '
                   b'service_route: ["sip:p.example.com;lr"], registrants: ["sip:x@a.example"], outbound_mode: 1}]\n'
                   b'auth: {secret_file: /secret}\nlimits: {never_ban: [10.0.0.0/8], bans: count}\n'
                   b'profiles: [{name: p, max_contacts: 3}]\nscreening: {rules: r}\n\x1e'
                   b"- {field: raw, pattern: 'x+', action: reject 403, comment: c, caseless: false}\n")


# --- commands: level 2 is the administrator's ---

def commands():
    names = re.findall(r'\| `([a-z ]+[a-z])', read('docs/commands.md').decode())
    for name in names:
        for arguments in ['', ' 1000@example.com', ' all', ' 198.18.0.2 60']:
            yield f'\x02{name}{arguments}\njson {name}{arguments}\n'.encode()
        yield f'\x00{name} x\n'.encode()
    yield b'\x02subscriber add "a b@example.com" "p\\"w" 10.0.0.0/8\nsubscriber show all\njson subscriber show\n' \
          b'subscriber set "a b@example.com" x\nsubscriber implicit "a b@example.com" 1000@example.com\n' \
          b'subscriber profile "a b@example.com" none\nsubscriber remove "a b@example.com"\n'
    yield b'\x02subscriber import users.csv\nsubscriber show all\n\x1e' \
          b'username,domain,password\nu1,example.com,pw\n"u,2",example.com,"p""w"\nu3,nowhere,x\n'
    yield b'\x02json subscriber import users.csv\n\x1eusername,domain,ha1,ha1_sha256\nu1,example.com,' + b'0' * 32 + b',\n'
    yield b'\x01drain on\njson show info\ndrain off\nsnapshot\nreload\n\n  \njson\n"\n'
    yield b'\x05unregister 1000@example.com sip:1000@198.18.0.2\nlookup 1000@example.com\n'
    yield b'\x01ban 198.18.0.3 5\nban 2001:db8::1\njson show limits\nunban all\n' + b'x' * 5000 + b'\n'


# --- jobs ---

def jobs():
    for how in range(0, 0x40, 5):
        for signer in range(4):
            yield bytes([how, signer, 1]) + b'\x1f' * 7
    yield b'\x04\x00\xff' + b'\x1f' * 7
    yield b'\x04\x00\x01' + b'\x1f' * 5 + b'1001@example.com\x1f1000@example.com\x1f'
    yield b'\x04\x00\x011001\x1fsip:x\x1fc\x1fINVITE\x1f\x1f1001@example.com\x1f\x1f'
    yield b'\x04\x00\x01' + b'\x1f' * 7 + b'\x00\x20\xff\x00\x21\x01'


# --- pieces ---

def piece(packet, offset, length, more, flags=0, time=0):
    return bytes([packet | (0x10 if more else 0) | flags, offset // 8, length // 8, length % 8, time])


def pieces():
    for packet in (1, 9):
        first, middle, last = piece(packet, 0, 64, True), piece(packet, 64, 128, True), piece(packet, 192, 21, False)
        yield first + middle + last
        yield last + piece(packet, 64, 128, True, 0x40) + first
        yield first + first + middle + last
        yield first + piece(packet, 64, 128, True, 0x20) + middle + last
        yield first + piece(packet, 56, 128, True) + last + piece(packet, 64, 128, True, 0, 0xff) + first + middle + last
        yield b''.join(piece(packet, 64 * i, 64, i < 7) for i in range(8))
        yield b''.join(piece(packet, 64 * i, 64, i < 8) for i in range(9))
        yield piece(packet, 0, 1400, True) + piece(packet, 1400, 600, False)
        yield b''.join(piece(packet % 8 + 8 * (i % 2), 0, 64, True, 0, 32 * (i % 3)) for i in range(20)) + middle + last


def scanners():
    """A word in each field of fuzz_screening.c, in turn."""
    names = [b'User-Agent', b'From', b'To', b'Contact', None, b'Call-ID', b'Via', None, b'User-Agent']
    for i, message in enumerate(messages()):
        rule = i % len(names)
        word = b'bad%d' % rule
        yield message
        if rule == 4:
            yield message.replace(b'sip:', b'sip:' + word, 1)
        elif rule == 7:
            yield message.replace(b'\r\nFrom', b'\r\nSubject: ' + word + b'\r\nFrom', 1)
        else:
            yield re.sub(rb'(?im)^(%s\s*:.*)' % names[rule], rb'\1 ' + word, message, count=1) + b'\x1e' + message


# --- watchers: the steps of fuzz_events.c ---

def watchers():
    begin = b'\x00Contact: <sip:joe@198.18.0.2:5070>\r\nEvent: reg\r\nExpires: 600\r\n\x1e'
    again = b'\x82Contact: <sip:joe@198.18.0.2:5070>\r\nEvent: reg\r\nExpires: %d\r\n\x1e'
    put = b'\x03\x20sip:joe@198.18.0.2:5070;x=%22&y?a=b&c=d\x1e'
    yield begin + b'\x02' + put + b'\x13\x02' + again % 0
    yield put + begin + b'\x02' + b'\x03\x40sips:j%3Coe@[2001:db8::1]\x1e' + b'\x13\x02\x03\x00\x1e\x13\x07'
    yield begin + b'\x18\x18' + again % 300 + b'\x0c\x11\x1e'
    yield begin.replace(b'reg', b'presence') + begin.replace(b'Expires', b'Record-Route: <sip:p;lr>, <sip:q;lr>\r\nExpires')
    yield begin.replace(b'Expires: 600', b'Accept: application/reginfo+xml\r\nSupported: gruu\r\nExpires: 5') + b'\x02\x18'
    for message in messages():
        # As a worker would hand it on.
        message = re.sub(rb'^[A-Z]+ ', b'SUBSCRIBE ', message)
        yield b'\x01' + message.replace(b'\nFrom', b'\nEvent: reg\r\nFrom', 1) + b'\x1e\x02'


SEEDS = {
    'commands': commands,
    'config': configs,
    'credentials': lambda: values(rb'^(?:Proxy-)?Authorization\s*:\s*(.*?)\r'),
    'events': watchers,
    'fragments': pieces,
    'frame': frame_seeds,
    'journal': decisions,
    'journal_records': records,
    'parser': messages,
    'registrar': decisions,
    'registrar_raw': conversations,
    'screening': scanners,
    'stun': stun,
    'uri': uris,
    'verify': jobs,
}


def main():
    target, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    for seed in SEEDS.get(target, lambda: [])():
        with open(os.path.join(folder, hashlib.sha1(seed).hexdigest()), 'wb') as file:
            file.write(seed)


main()
