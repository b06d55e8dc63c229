/* SPDX-License-Identifier: BSD-3-Clause */
/* One frame as it comes from the wire, and what a station would answer at once.
 *
 *   byte 0: flags of the hint in the low bits, MEND, VLAN; then the frame
 *
 * MEND makes the checksums right where the frame says they should be: chance would hardly ever. */
#include "fuzz.h"

#include "arp.h"
#include "checksum.h"
#include "frames.h"
#include "icmp.h"
#include "neighbour.h"

enum { HINTS = 0x0f, MEND = 0x10, TAGGED = 0x20, FRAME_MAX = 9216 };

static struct bd_station station;
static uint8_t *frame_end; /* a page that nobody may touch begins here */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    enum { ROOM = 3 * 4096 };
    uint8_t *map = mmap(NULL, ROOM + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fuzz_judge(map != MAP_FAILED && mprotect(map, ROOM, PROT_READ | PROT_WRITE) == 0, "no memory");
    frame_end = map + ROOM;
    station = make_station();
    return 0;
}

/* --- a frame whose sums are made right -------------------------------------------------------- */

static void mend_transport(uint8_t *l4, uint32_t n, uint8_t protocol, const struct bd_ip *from,
                           const struct bd_ip *to)
{
    uint32_t at = protocol == BD_PROTO_UDP ? 6 : 2;
    uint32_t sum = 0;
    if (protocol == BD_PROTO_UDP && n >= 8 && bd_get16(l4 + 4) <= n)
        n = bd_get16(l4 + 4);
    if (n < 8)
        return;
    bd_put16(l4 + at, 0);
    sum =
        protocol == BD_PROTO_ICMP ? slow_sum(0, l4, n) : slow_transport(from, to, protocol, l4, n);
    bd_put16(l4 + at, sum == 0xffff ? 0xffff : ~sum & 0xffff);
}

static void mend_ipv4(uint8_t *ip, uint32_t n)
{
    uint32_t header = (ip[0] & 15U) * 4, total = bd_get16(ip + 2);
    if (header < BD_IPV4_SZ || total < header || total > n)
        return;
    struct bd_ip from = bd_ip_from_v4(ip + 12), to = bd_ip_from_v4(ip + 16);
    if (!(bd_get16(ip + 6) & 0x3fff))
        mend_transport(ip + header, total - header, ip[9], &from, &to);
    bd_put16(ip + 10, 0);
    bd_put16(ip + 10, ~slow_sum(0, ip, header) & 0xffff);
}

/* Extension headers of one block each are enough for chance to build on. */
static void mend_ipv6(uint8_t *ip, uint32_t n)
{
    struct bd_ip from, to;
    uint32_t end = BD_IPV6_SZ + bd_get16(ip + 4), at = BD_IPV6_SZ;
    uint8_t next = ip[6];
    memcpy(from.b, ip + 8, 16);
    memcpy(to.b, ip + 24, 16);
    if (end > n)
        return;
    while (next != BD_PROTO_UDP && next != BD_PROTO_ICMPV6) {
        if (end - at < 8)
            return;
        next = ip[at];
        at += 8;
    }
    mend_transport(ip + at, end - at, next, &from, &to);
}

static void mend(uint8_t *frame, uint32_t len)
{
    uint32_t at = BD_ETHER_SZ;
    if (len >= at + BD_VLAN_SZ && bd_get16(frame + 12) == BD_ETHERTYPE_VLAN)
        at += BD_VLAN_SZ;
    if (len < at)
        return;
    unsigned type = bd_get16(frame + at - 2);
    if (type == BD_ETHERTYPE_IPV4 && len - at >= BD_IPV4_SZ)
        mend_ipv4(frame + at, len - at);
    else if (type == BD_ETHERTYPE_IPV6 && len - at >= BD_IPV6_SZ)
        mend_ipv6(frame + at, len - at);
}

/* --- judging ---------------------------------------------------------------------------------- */

static void sums_agree(const uint8_t *p, uint32_t len)
{
    uint16_t wide = bd_sum_fold(bd_sum_add(0, p, len));
    uint16_t plain = bd_sum_fold(bd_sum_add_plain(0, p, len));
    uint16_t slow = htobe16((uint16_t)slow_sum(0, p, len));
    fuzz_judge(wide == plain && (wide == slow || (uint16_t)(wide + slow) == 0xffff),
               "sums of %u bytes: %x, %x, %x", len, wide, plain, slow);
}

static void lies_inside(const struct bd_frame *f, uint32_t len)
{
    fuzz_judge(f->end <= len && f->ip_off <= f->end, "ends at %u of %u", f->end, len);
    if (f->kind == BD_FRAME_IS_ARP)
        return;
    fuzz_judge(f->l4_off >= f->ip_off + BD_IPV4_SZ && f->l4_off + f->l4_len == f->end,
               "transport %u + %u of %u", f->l4_off, f->l4_len, f->end);
    if (f->kind == BD_FRAME_IS_UDP)
        fuzz_judge(f->payload_off == f->l4_off + 8U && f->payload_off + f->payload_len <= f->end,
                   "payload %u + %u of %u", f->payload_off, f->payload_len, f->end);
    fuzz_judge(bd_station_owns(&station, &f->destination.ip) ||
                   bd_station_solicited(&station, &f->destination.ip),
               "for another host");
}

/* An answer is not longer than what it answers, but for an error's own header; its sum is right. */
static void answers(uint8_t *bytes, struct bd_frame *f, enum bd_verdict verdict)
{
    static uint8_t out[BD_ICMP_ERROR_MAX];
    struct bd_way way = {.vlan = station.vlan, .from = f->destination.ip, .to = f->source.ip};
    struct bd_ip none = {{0}};
    if (f->kind == BD_FRAME_IS_ARP) {
        bd_arp_answer(&station, bytes, f, out);
    } else if (verdict == BD_FRAME_UDP_PORT) {
        uint32_t n = bd_icmp_unreachable(bytes, f, &way, out), carried = f->end - f->ip_off;
        fuzz_judge(n <= sizeof(out) && n <= carried + 8, "an error of %u about %u", n, carried);
        uint32_t sum = f->v6 ? slow_transport(&way.from, &way.to, BD_PROTO_ICMPV6, out, n)
                             : slow_sum(0, out, n);
        fuzz_judge(sum == 0xffff, "the sum of an error: %x", sum);
    } else if (f->kind == BD_FRAME_IS_ICMPV6 &&
               bd_neighbour_answer(&station, bytes, f, &way, out) == BD_FRAME_ND) {
        uint32_t sum = slow_transport(&way.from, &way.to, BD_PROTO_ICMPV6, out, BD_NEIGHBOUR_SZ);
        fuzz_judge(sum == 0xffff && bd_station_owns(&station, &way.from), "a bad advertisement");
    } else if (f->kind != BD_FRAME_IS_UDP &&
               bd_icmp_echo(bytes + f->l4_off, f) == BD_FRAME_ICMP_ECHO) {
        uint32_t sum = f->v6 ? slow_transport(&f->destination.ip, &f->source.ip, BD_PROTO_ICMPV6,
                                              bytes + f->l4_off, f->l4_len)
                             : slow_sum(0, bytes + f->l4_off, f->l4_len);
        fuzz_judge(sum == 0xffff && memcmp(&none, &f->source.ip, 16) != 0, "a bad echo");
    }
}

static void fragment(uint8_t *bytes, uint32_t len, struct bd_frame *f)
{
    if (!f->v6)
        return;
    uint32_t l4_len = f->l4_len, surplus = bd_frame_strip_extensions(bytes, f);
    fuzz_judge(surplus <= len && f->end == f->l4_off + l4_len && f->end <= len - surplus &&
                   f->fragment_off == f->ip_off + BD_IPV6_SZ,
               "stripped of %u", surplus);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bd_frame f;
    if (size < 1 || size > FRAME_MAX)
        return -1;
    uint32_t len = (uint32_t)size - 1;
    uint8_t *bytes = frame_end - len;
    memcpy(bytes, data + 1, len);
    station.vlan = data[0] & TAGGED ? 7 : 0;
    if (data[0] & MEND)
        mend(bytes, len);
    sums_agree(bytes, len);
    const struct bd_frame_hint hint = {data[0] & HINTS, 7};
    memset(&f, 0xa5, sizeof(f));
    enum bd_verdict verdict = bd_frame_read(&station, bytes, len, hint, &f);
    fuzz_judge(verdict <= BD_FRAME_UDP_PORT || verdict == BD_VERDICT_NONE, "verdict %d", verdict);
    if (verdict != BD_VERDICT_NONE && verdict != BD_FRAME_UDP_PORT)
        return 0;
    lies_inside(&f, len);
    if (f.kind == BD_FRAME_IS_FRAGMENT)
        fragment(bytes, len, &f);
    else
        answers(bytes, &f, verdict);
    return 0;
}
