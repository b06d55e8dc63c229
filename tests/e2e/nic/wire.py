#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Frames by hand: what no well-behaved client sends, and what the kernel here cannot (802.1Q).

  wire.py echo ADDRESS PORT SIZE...       datagrams through the kernel come back as they were
  wire.py flows ADDRESS PORT COUNT        one datagram from each of COUNT source ports comes back
  wire.py refused ADDRESS PORT            an ICMP error tells that nobody serves the port
  wire.py announced INTERFACE MAC         waits for the announcements of 198.18.0.1 and 2001:db8::1
  wire.py vlan INTERFACE MAC TAG          tagged ARP, ND and datagrams are answered tagged, others not
  wire.py crafted INTERFACE MAC [kernel]  legal oddities are answered, illegal frames are not; "kernel"
                                          says that IPv4 fragments are joined before they come to us
  wire.py hostile INTERFACE MAC COUNT     mutations and prefixes of good frames; answers do not matter
"""
import random
import socket
import struct
import sys
import time

US4, US6 = "198.18.0.1", "2001:db8::1"
ME4, ME6 = "198.18.0.2", "2001:db8::2"
MY_MAC = bytes.fromhex("020000000042")
PORT = 7


def fold(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xFFFF)
    return total


def checksum(data):
    return ~fold(data) & 0xFFFF


def addresses(source, destination):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    return socket.inet_pton(family, source) + socket.inet_pton(family, destination)


def pseudo(source, destination, protocol, length):
    return addresses(source, destination) + struct.pack("!LBBH", length, 0, 0, protocol)


def udp(source, destination, payload, port=PORT, sport=4000, field=None, length=None):
    length = 8 + len(payload) if length is None else length
    head = struct.pack("!HHHH", sport, port, length, 0)
    if field is None:
        sum_ = checksum(pseudo(source, destination, 17, len(head) + len(payload)) + head + payload)
        field = sum_ or 0xFFFF
    return head[:6] + struct.pack("!H", field) + payload


def ip4(payload, source=ME4, destination=US4, protocol=17, options=b"", ident=1, flags=0, total=None, bad=0):
    ihl = 5 + len(options) // 4
    total = ihl * 4 + len(payload) if total is None else total
    head = struct.pack("!BBHHHBBH", 0x40 | ihl, 0, total, ident, flags, 64, protocol, 0)
    head += addresses(source, destination) + options
    sum_ = checksum(head) ^ bad
    return head[:10] + struct.pack("!H", sum_) + head[12:] + payload


def ip6(payload, source=ME6, destination=US6, following=17, hops=64, length=None):
    length = len(payload) if length is None else length
    return struct.pack("!LHBB", 6 << 28, length, following, hops) + addresses(source, destination) + payload


def ether(to, kind, payload, tag=None, source=MY_MAC):
    tagged = struct.pack("!HH", 0x8100, tag) if tag is not None else b""
    return to + source + tagged + struct.pack("!H", kind) + payload


def solicit(source, target, destination, mac=MY_MAC, hops=255, option=True):
    body = struct.pack("!BBHL", 135, 0, 0, 0) + socket.inet_pton(socket.AF_INET6, target)
    if option:
        body += b"\1\1" + mac
    sum_ = checksum(pseudo(source, destination, 58, len(body)) + body)
    return ip6(body[:2] + struct.pack("!H", sum_) + body[4:], source, destination, 58, hops)


def arp_request(target, sender=ME4):
    return struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + MY_MAC + socket.inet_aton(sender) + bytes(6) + \
        socket.inet_aton(target)


class Wire:
    def __init__(self, interface, mac):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((interface, 0))
        self.socket.setsockopt(263, 8, 1)  # PACKET_AUXDATA: the kernel takes tags out of frames
        self.mac = bytes.fromhex(mac.replace(":", ""))
        self.failed = 0

    def receive(self, seconds):
        """The next frame that our peer sent, with its tag put back, or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame, extra, _, _ = self.socket.recvmsg(65536, 256)
            except TimeoutError:
                return None
            for _, kind, data in extra:
                status, tci = struct.unpack("=L12xH", data[:18]) if kind == 8 else (0, 0)
                if status & 0x10:
                    frame = frame[:12] + struct.pack("!HH", 0x8100, tci) + frame[12:]
            if frame[6:12] == self.mac:
                return frame
        return None

    def drain(self):
        while self.receive(0.01):
            pass

    def expect(self, what, frames, match, want=True, seconds=None):
        """Sends frames and looks for an answer that match() takes."""
        self.drain()
        for frame in frames:
            self.socket.send(frame)
        end = time.monotonic() + (seconds or (1.0 if want else 0.08))
        got = False
        while not got and time.monotonic() < end:
            answer = self.receive(end - time.monotonic())
            got = answer is not None and match(answer)
        if got != want:
            self.failed += 1
            print(f"{what}: {'answered' if got else 'not answered'}")


def echoed(payload, sport=4000):
    """An echo, and not an ICMP error that quotes the datagram: the ports are swapped."""
    ports = struct.pack("!HH", PORT, sport)
    return lambda frame: frame[:6] == MY_MAC and payload in frame and ports in frame


def from_tag(tag, rest):
    return lambda frame: frame[12:16] == struct.pack("!HH", 0x8100, tag) and rest(frame)


def crafted_v4(w):
    def case(what, want, payload, **kw):
        at = kw.pop("udp", {})
        source, destination = kw.get("source", ME4), kw.get("destination", US4)
        datagram = udp(source, destination, payload, **at)
        w.expect(what, [ether(kw.pop("to", w.mac), 0x0800, ip4(datagram, **kw))],
                 echoed(payload, at.get("sport", 4000)), want)

    case("plain IPv4", True, b"plain-4")
    case("padding behind a short datagram", True, b"p")
    case("options", True, b"router-alert", options=bytes([148, 4, 0, 0]))
    case("40 bytes of options", True, b"long-options", options=bytes([1] * 40))
    case("no UDP checksum", True, b"no-checksum", udp={"field": 0})
    case("loose source route", False, b"lsrr", options=bytes([131, 7, 4, 10, 0, 0, 1, 0]))
    case("option of length 0", False, b"option-0", options=bytes([7, 0, 0, 0]))
    case("option beyond the header", False, b"option-long", options=bytes([7, 9, 4, 0]))
    case("wrong header checksum", False, b"header-sum", bad=0x0100)
    case("wrong UDP checksum", False, b"udp-sum", udp={"field": 0x1234})
    case("UDP length too long", False, b"udp-long", udp={"length": 900})
    case("UDP length below 8", False, b"udp-short", udp={"length": 7})
    case("total length beyond the frame", False, b"ip-long", total=900)
    case("another station's MAC", False, b"other-mac", to=bytes.fromhex("020000000099"))
    case("broadcast MAC", False, b"broadcast-mac", to=b"\xff" * 6)
    case("another address", False, b"other-address", destination="198.18.0.9")
    case("multicast source", False, b"source-group", source="224.0.0.1")
    case("loopback source", False, b"source-loop", source="127.0.0.1")
    case("broadcast source", False, b"source-broadcast", source="198.18.0.255")
    case("our own source", False, b"source-own", source=US4)
    w.expect("a tag that is not ours", [ether(w.mac, 0x0800, ip4(udp(ME4, US4, b"tag-9")), 9)],
             echoed(b"tag-9"), False)
    case("source port 0", False, b"source-port-0", udp={"sport": 0})


def fragments4(payload, cuts, ident):
    datagram = udp(ME4, US4, payload)
    cuts = [0] + cuts + [len(datagram)]
    return [ip4(datagram[a:b], ident=ident, flags=(a // 8) | (0x2000 if b < len(datagram) else 0))
            for a, b in zip(cuts, cuts[1:])]


def crafted_fragments(w, by_kernel):
    def case(what, want, pieces, payload):
        kind = 0x86DD if pieces[0][0] >> 4 == 6 else 0x0800
        w.expect(what, [ether(w.mac, kind, p) for p in pieces], echoed(payload), want)

    text = b"fragment-%d-" * 100
    case("two fragments", True, fragments4(text, [800], 10), text)
    case("fragments in the wrong order", True, fragments4(text, [400, 800], 11)[::-1], text)
    case("eight fragments", True, fragments4(text, list(range(152, 8 * 152, 152)), 12), text)
    case("nine fragments", by_kernel, fragments4(text, list(range(128, 9 * 128, 128)), 13), text)
    case("a hole", False, fragments4(text, [400, 800], 14)[::2], text)
    overlap = fragments4(text, [400, 800], 15)
    overlap[1] = ip4(b"X" * 416, ident=15, flags=(392 // 8) | 0x2000)
    case("an overlap", False, overlap, text)
    long = bytes(range(256)) * 36
    case("seven fragments of full size", True, fragments4(long[:9000], list(range(1480, 9000, 1480)), 16), long[:1400])
    datagram = udp(ME6, US6, text)

    def piece6(a, b, ident, before=b"", first=44):
        more = 1 if b < len(datagram) else 0
        return ip6(before + struct.pack("!BBHL", 17, 0, a | more, ident) + datagram[a:b], following=first)

    case("IPv6 fragments", True, [piece6(0, 800, 1), piece6(800, len(datagram), 1)], text)
    hop = struct.pack("!BB", 44, 0) + b"\1\4\0\0\0\0"
    case("IPv6 fragments behind hop-by-hop options", True,
         [piece6(0, 800, 2, hop, 0), piece6(800, len(datagram), 2, hop, 0)], text)
    case("an atomic IPv6 fragment", True, [piece6(0, len(datagram), 3)], text)


def crafted_v6(w):
    def case(what, want, payload, chain=b"", first=17, source=ME6, hint=None, **kw):
        datagram = udp(source, US6, payload, **kw)
        w.expect(what, [ether(w.mac, 0x86DD, ip6(chain + datagram, source=source, following=first))],
                 echoed(payload), want)

    pad = b"\1\4\0\0\0\0"
    case("plain IPv6", True, b"plain-6")
    case("hop-by-hop options", True, b"hop-by-hop", bytes([17, 0]) + pad, 0)
    case("destination options", True, b"dst-options", bytes([17, 1]) + pad + bytes(8), 60)
    case("routing header, nothing left", True, b"routing-0", bytes([17, 0, 4, 0, 0, 0, 0, 0]), 43)
    case("routing header, segments left", False, b"routing-1", bytes([17, 0, 4, 1, 0, 0, 0, 0]), 43)
    case("hop-by-hop not first", False, b"hop-late", bytes([0, 0]) + pad + bytes([17, 0]) + pad, 60)
    case("a chain of nine", False, b"chain-9", (bytes([60, 0]) + pad) * 8 + bytes([17, 0]) + pad, 60)
    case("an extension beyond the packet", False, b"ext-long", bytes([17, 200]) + pad, 60)
    case("no UDP checksum", False, b"no-sum-6", field=0)
    case("IPv4-mapped source", False, b"mapped-source", source="::ffff:198.18.0.2")
    case("multicast source", False, b"group-source", source="ff02::1")


def crafted_nd(w):
    group = bytes.fromhex("3333ff000001")
    advert = lambda frame: frame[20] == 58 and frame[54:56] == b"\x88\0" and w.mac in frame[60:]
    node = "ff02::1:ff00:1"
    w.expect("solicitation", [ether(group, 0x86DD, solicit(ME6, US6, node))],
             lambda f: f[:6] == MY_MAC and f[21] == 255 and f[58] == 0x60 and advert(f))
    w.expect("duplicate address detection", [ether(group, 0x86DD, solicit("::", US6, node, option=False))],
             lambda f: f[:6] == bytes.fromhex("333300000001") and f[58] == 0x20 and advert(f))
    for what, frame in (("hop limit 64", solicit(ME6, US6, node, hops=64)),
                        ("another target", solicit(ME6, "2001:db8::9:1", node)),
                        (":: with an option", solicit("::", US6, node)),
                        (":: to one address", solicit("::", US6, US6, option=False)),
                        ("wrong checksum", solicit(ME6, US6, node)[:-1] + b"\x77")):
        w.expect("solicitation, " + what, [ether(group, 0x86DD, frame)], advert, False)


def crafted(interface, mac, joined_by="us"):
    w = Wire(interface, mac)
    crafted_v4(w)
    crafted_v6(w)
    crafted_fragments(w, joined_by == "kernel")
    crafted_nd(w)
    answer = lambda f: f[12:14] == b"\x08\x06" and f[20:22] == b"\0\2" and f[22:28] == w.mac
    w.expect("ARP", [ether(b"\xff" * 6, 0x0806, arp_request(US4))], answer)
    w.expect("ARP probe", [ether(b"\xff" * 6, 0x0806, arp_request(US4, "0.0.0.0"))], answer)
    w.expect("ARP for another", [ether(b"\xff" * 6, 0x0806, arp_request("198.18.0.9"))], answer, False)
    return w.failed


def vlan(interface, mac, tag):
    w, tag = Wire(interface, mac), int(tag)
    four = ether(w.mac, 0x0800, ip4(udp(ME4, US4, b"tagged-4")), tag)
    six = ether(w.mac, 0x86DD, ip6(udp(ME6, US6, b"tagged-6")), tag)
    long = b"tagged-long" * 300
    w.expect("tagged IPv4", [four], from_tag(tag, echoed(b"tagged-4")))
    w.expect("tagged IPv6", [six], from_tag(tag, echoed(b"tagged-6")))
    w.expect("tagged fragments", [ether(w.mac, 0x0800, p, tag) for p in fragments4(long, [1480, 2960], 5)],
             from_tag(tag, echoed(long[:1400])))
    w.expect("tagged ARP", [ether(b"\xff" * 6, 0x0806, arp_request(US4), tag)],
             from_tag(tag, lambda f: f[16:18] == b"\x08\x06" and f[24:26] == b"\0\2"))
    w.expect("tagged solicitation",
             [ether(bytes.fromhex("3333ff000001"), 0x86DD, solicit(ME6, US6, "ff02::1:ff00:1"), tag)],
             from_tag(tag, lambda f: f[58:60] == b"\x88\0"))
    w.expect("another tag", [ether(w.mac, 0x0800, ip4(udp(ME4, US4, b"tag-other")), tag + 1)],
             echoed(b"tag-other"), False)
    w.expect("no tag", [ether(w.mac, 0x0800, ip4(udp(ME4, US4, b"tag-none")))], echoed(b"tag-none"), False)
    return w.failed


def hostile(interface, mac, count):
    w, seed = Wire(interface, mac), random.randrange(1 << 32)
    rng = random.Random(seed)
    print(f"seed {seed}")
    node = "ff02::1:ff00:1"
    pad = b"\1\4\0\0\0\0"
    good = [ether(w.mac, 0x0800, ip4(udp(ME4, US4, b"x" * 64), options=bytes([1] * 8))),
            ether(w.mac, 0x86DD, ip6(bytes([60, 0]) + pad + bytes([17, 0]) + pad + udp(ME6, US6, b"y" * 64),
                                     following=0)),
            ether(bytes.fromhex("3333ff000001"), 0x86DD, solicit(ME6, US6, node)),
            ether(b"\xff" * 6, 0x0806, arp_request(US4))]
    good += [ether(w.mac, 0x0800, p) for p in fragments4(b"z" * 600, [304], 77)]
    for _ in range(int(count)):
        frame = bytearray(rng.choice(good))
        for _ in range(rng.randrange(4)):
            frame[rng.randrange(12, len(frame))] = rng.randrange(256)
        if rng.randrange(3) == 0:
            frame = frame[:rng.randrange(14, len(frame) + 1)]
        w.socket.send(frame)
    return 0


def announced(interface, mac):
    w = Wire(interface, mac)
    print("listening", flush=True)
    arp, advert, end = False, False, time.monotonic() + 8
    while not (arp and advert) and time.monotonic() < end:
        frame = w.receive(end - time.monotonic())
        if frame is None:
            break
        arp |= frame[12:14] == b"\x08\x06" and frame[28:32] == frame[38:42] == socket.inet_aton(US4)
        advert |= frame[12:14] == b"\x86\xdd" and frame[54] == 136 and \
            frame[62:78] == socket.inet_pton(socket.AF_INET6, US6)
    return 0 if arp and advert else 1


def connect(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(1)
    s.connect((address, int(port)))
    return s


def echo(address, port, *sizes):
    failed = 0
    for size in map(int, sizes):
        data = random.randbytes(size)
        s = connect(address, port)
        s.send(data)
        try:
            good = s.recv(65536) == data
        except OSError as problem:
            good = False
            print(problem)
        if not good:
            failed += 1
            print(f"{size} bytes to {address} did not come back")
    return failed


def flows(address, port, count):
    sockets = [connect(address, port) for _ in range(int(count))]
    failed = 0
    for number, s in enumerate(sockets):
        s.send(b"%d" % number)
    for number, s in enumerate(sockets):
        try:
            failed += s.recv(64) != b"%d" % number
        except OSError:
            failed += 1
    print(f"{failed} of {count} flows lost")
    return failed


def refused(address, port):
    s = connect(address, port)
    s.send(b"anybody?")
    try:
        s.recv(64)
    except ConnectionRefusedError:
        return 0
    except OSError as problem:
        print(problem)
    return 1


if __name__ == "__main__":
    commands = {f.__name__: f for f in (echo, flows, refused, announced, vlan, crafted, hostile)}
    sys.exit(1 if commands[sys.argv[1]](*sys.argv[2:]) else 0)
