/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include "checksum.h"

/* What is still unread of a frame. */
struct cursor {
    const uint8_t *base;
    uint32_t off, end;
};

static inline const uint8_t *take(struct cursor *c, uint32_t n)
{
    if (c->end - c->off < n)
        return NULL;
    const uint8_t *p = c->base + c->off;
    c->off += n;
    return p;
}

/* RFC 1122 3.2.1.3: what may never be a source: this network, loopback, multicast, the limited
 * broadcast and the reserved class E; and a broadcast address of an own prefix. */
static bool bad_source_v4(const struct bd_station *station, const struct bd_ip *ip)
{
    uint8_t first = ip->b[12];
    if (first == 0 || first == 127 || first >= 224)
        return true;
    uint32_t source = bd_get32(ip->b + 12);
    for (unsigned i = 0; i < station->address_cnt; i++) {
        const struct bd_prefix *own = &station->address[i];
        if (!bd_ip_is_v4(&own->ip) || own->len >= 127)
            continue; /* no broadcast address on a /31 (RFC 3021) or /32 */
        uint32_t host = UINT32_MAX >> (own->len - 96);
        if (source == (bd_get32(own->ip.b + 12) | host))
            return true;
    }
    return false;
}

/* RFC 4291 2.5.2, 2.5.3, 2.7; the IPv4-mapped form see the header. */
static bool bad_source_v6(const struct bd_ip *ip)
{
    if (ip->b[0] == 0xff || bd_ip_is_v4(ip))
        return true;
    return bd_ip_is_unspecified(ip) ||
           (memcmp(ip->b, (const uint8_t[15]){0}, 15) == 0 && ip->b[15] == 1);
}

/* Reads the Ethernet header and a tag. Returns the verdict; *type is the EtherType within. */
static enum bd_verdict read_link(const struct bd_station *station, struct cursor *c,
                                 struct bd_frame_hint hint, struct bd_frame *out, uint16_t *type)
{
    const uint8_t *ether = take(c, BD_ETHER_SZ);
    if (!ether)
        return BD_FRAME_SHORT;
    memcpy(out->mac_source, ether + BD_MAC_SZ, BD_MAC_SZ);
    *type = bd_get16(ether + 12);
    uint16_t vlan = (hint.flags & BD_FRAME_TAG_STRIPPED) ? hint.tci & 0x0fff : 0;
    if (*type == BD_ETHERTYPE_VLAN) {
        const uint8_t *tag = take(c, BD_VLAN_SZ);
        if (!tag)
            return BD_FRAME_SHORT;
        vlan = bd_get16(tag) & 0x0fff;
        *type = bd_get16(tag + 2);
    }
    if (vlan != station->vlan)
        return BD_FRAME_VLAN;
    /* Our own frame that came back (a mirror, a loop), or a source that is no station. */
    if ((out->mac_source[0] & 1) || memcmp(out->mac_source, station->mac, BD_MAC_SZ) == 0)
        return BD_FRAME_MAC;
    out->to_group = ether[0] & 1;
    if (!out->to_group && memcmp(ether, station->mac, BD_MAC_SZ) != 0)
        return BD_FRAME_MAC;
    return BD_VERDICT_NONE;
}

/* Walks the options of an IPv4 header: lengths must be right, and no source route. */
static bool bad_options(const uint8_t *p, uint32_t len)
{
    enum { END = 0, NOP = 1, LSRR = 131, SSRR = 137 };
    while (len > 0 && *p != END) {
        uint32_t n = 1;
        if (*p == LSRR || *p == SSRR)
            return true;
        if (*p != NOP) {
            if (len < 2 || p[1] < 2 || p[1] > len)
                return true;
            n = p[1];
        }
        p += n;
        len -= n;
    }
    return false;
}

/* Reads the IPv4 header; afterwards the cursor stands at the transport and ends with the packet. */
static enum bd_verdict read_ipv4(const struct bd_station *station, struct cursor *c, unsigned flags,
                                 struct bd_frame *out, uint8_t *protocol)
{
    const uint8_t *ip = take(c, BD_IPV4_SZ);
    if (!ip)
        return BD_FRAME_SHORT;
    uint32_t header = (ip[0] & 0x0fU) * 4, total = bd_get16(ip + 2);
    if (ip[0] >> 4 != 4 || header < BD_IPV4_SZ || total < header)
        return BD_FRAME_IP_HEADER;
    if (total > c->end - out->ip_off)
        return BD_FRAME_SHORT;
    c->end = out->ip_off + total; /* the rest is Ethernet padding */
    uint64_t sum = bd_sum_ipv4(ip);
    if (header > BD_IPV4_SZ) {
        const uint8_t *options = take(c, header - BD_IPV4_SZ);
        if (!options || bad_options(options, header - BD_IPV4_SZ))
            return BD_FRAME_IP_HEADER;
        sum = bd_sum_add(sum, options, header - BD_IPV4_SZ);
    }
    if (!(flags & BD_FRAME_IP_SUM_GOOD) && bd_sum_fold(sum) != 0xffff)
        return BD_FRAME_IP_CHECKSUM;
    out->source.ip = bd_ip_from_v4(ip + 12);
    out->destination.ip = bd_ip_from_v4(ip + 16);
    out->hop_limit = ip[8];
    *protocol = ip[9];
    if (!bd_station_owns(station, &out->destination.ip))
        return BD_FRAME_ADDRESS;
    if (bad_source_v4(station, &out->source.ip) || bd_station_owns(station, &out->source.ip))
        return BD_FRAME_IP_SOURCE;
    if (bd_get16(ip + 6) & 0x3fff) /* more fragments, or an offset */
        out->kind = BD_FRAME_IS_FRAGMENT;
    return BD_VERDICT_NONE;
}

/* Reads a fragment header (RFC 8200 4.5). An atomic one is skipped (RFC 6946). */
static enum bd_verdict read_fragment_header(struct cursor *c, struct bd_frame *out, uint8_t *next)
{
    uint32_t at = c->off;
    const uint8_t *p = take(c, BD_IPV6_FRAGMENT_SZ);
    if (!p)
        return BD_FRAME_IP_HEADER;
    if (bd_get16(p + 2) & 0xfff9) {
        out->kind = BD_FRAME_IS_FRAGMENT;
        out->fragment_off = (uint16_t)at;
    }
    *next = p[0];
    return BD_VERDICT_NONE;
}

/* Reads hop-by-hop, routing and destination options headers, all of one shape. Options whose type
 * says so make an unknown one fatal (RFC 8200 4.2), but a host that only counts may ignore that:
 * only the lengths are judged. */
static enum bd_verdict read_extension(struct cursor *c, uint8_t *next)
{
    const uint8_t *p = take(c, 8);
    if (!p || !take(c, p[1] * 8U))
        return BD_FRAME_IP_HEADER;
    if (*next == BD_PROTO_ROUTING && p[3] != 0) /* segments left: we are no router (RFC 5095) */
        return BD_FRAME_IP_HEADER;
    *next = p[0];
    return BD_VERDICT_NONE;
}

/* Walks the chain of extension headers (RFC 8200 4.1) up to the transport or into a fragment. */
static enum bd_verdict read_extensions(struct cursor *c, struct bd_frame *out, uint8_t *next)
{
    enum { CHAIN_MAX = 8 };
    for (unsigned i = 0; i < CHAIN_MAX; i++) {
        enum bd_verdict verdict;
        if (*next == BD_PROTO_FRAGMENT)
            verdict = read_fragment_header(c, out, next);
        else if (*next == BD_PROTO_ROUTING || *next == BD_PROTO_DSTOPTS ||
                 (*next == BD_PROTO_HOPOPTS && i == 0))
            verdict = read_extension(c, next);
        else
            return BD_VERDICT_NONE;
        if (verdict != BD_VERDICT_NONE || out->kind == BD_FRAME_IS_FRAGMENT)
            return verdict;
    }
    return BD_FRAME_IP_HEADER;
}

static enum bd_verdict read_ipv6(const struct bd_station *station, struct cursor *c,
                                 struct bd_frame *out, uint8_t *protocol)
{
    const uint8_t *ip = take(c, BD_IPV6_SZ);
    if (!ip)
        return BD_FRAME_SHORT;
    uint32_t payload = bd_get16(ip + 4);
    if (ip[0] >> 4 != 6 || payload == 0)
        return BD_FRAME_IP_HEADER;
    if (payload > c->end - c->off)
        return BD_FRAME_SHORT;
    c->end = c->off + payload;
    memcpy(out->source.ip.b, ip + 8, 16);
    memcpy(out->destination.ip.b, ip + 24, 16);
    out->hop_limit = ip[7];
    *protocol = ip[6];
    bool solicited = bd_station_solicited(station, &out->destination.ip);
    if (!solicited &&
        (bd_ip_is_v4(&out->destination.ip) || !bd_station_owns(station, &out->destination.ip)))
        return BD_FRAME_ADDRESS;
    enum bd_verdict verdict = read_extensions(c, out, protocol);
    if (verdict != BD_VERDICT_NONE)
        return verdict;
    bool icmp = *protocol == BD_PROTO_ICMPV6 && out->kind != BD_FRAME_IS_FRAGMENT;
    if (solicited && !icmp) /* only neighbour discovery goes to a group of ours */
        return BD_FRAME_ADDRESS;
    /* A station that looks for duplicates asks from :: (RFC 4862 5.4.2). */
    bool detection = icmp && bd_ip_is_unspecified(&out->source.ip);
    if (!detection && bad_source_v6(&out->source.ip))
        return BD_FRAME_IP_SOURCE;
    return bd_station_owns(station, &out->source.ip) ? BD_FRAME_IP_SOURCE : BD_VERDICT_NONE;
}

static bool udp_sum_right(const uint8_t *udp, uint32_t len, unsigned flags,
                          const struct bd_frame *frame)
{
    uint16_t field;
    memcpy(&field, udp + 6, sizeof(field));
    if (field == 0)
        return !frame->v6; /* RFC 768: none was made; RFC 8200 8.1: not so in IPv6 */
    if (flags & BD_FRAME_UDP_SUM_GOOD)
        return true;
    uint64_t pseudo = bd_sum_pseudo(&frame->source.ip, &frame->destination.ip, BD_PROTO_UDP, len);
    if (bd_sum_right(pseudo, udp, len))
        return true;
    return (flags & BD_FRAME_SUM_PARTIAL) && field == bd_sum_fold(pseudo);
}

static enum bd_verdict read_udp(const struct bd_station *station, struct cursor *c, unsigned flags,
                                struct bd_frame *out)
{
    const uint8_t *udp = take(c, BD_UDP_SZ);
    if (!udp)
        return BD_FRAME_UDP_LENGTH;
    uint32_t len = bd_get16(udp + 4);
    if (len < BD_UDP_SZ || len > out->l4_len)
        return BD_FRAME_UDP_LENGTH;
    if (!udp_sum_right(udp, len, flags, out))
        return BD_FRAME_UDP_CHECKSUM;
    out->source.port = bd_get16(udp);
    out->destination.port = bd_get16(udp + 2);
    out->payload_off = c->off;
    out->payload_len = len - BD_UDP_SZ;
    /* Nobody can be answered at port 0 (RFC 768 lets a sender say so). */
    return bd_station_serves(station, &out->destination) && out->source.port != 0
               ? BD_VERDICT_NONE
               : BD_FRAME_UDP_PORT;
}

static enum bd_verdict read_transport(const struct bd_station *station, struct cursor *c,
                                      unsigned flags, uint8_t protocol, struct bd_frame *out)
{
    out->l4_off = (uint16_t)c->off;
    out->l4_len = c->end - c->off;
    out->end = c->end;
    if (out->kind == BD_FRAME_IS_FRAGMENT)
        return out->to_group ? BD_FRAME_MAC : BD_VERDICT_NONE;
    if (protocol == BD_PROTO_ICMPV6 && out->v6) {
        out->kind = BD_FRAME_IS_ICMPV6;
        return BD_VERDICT_NONE;
    }
    /* RFC 1122 3.3.6: a datagram to one address in a frame to many is nobody's. */
    if (out->to_group)
        return BD_FRAME_MAC;
    if (protocol == BD_PROTO_UDP) {
        out->kind = BD_FRAME_IS_UDP;
        return read_udp(station, c, flags, out);
    }
    out->kind = BD_FRAME_IS_ICMP;
    return protocol == BD_PROTO_ICMP && !out->v6 ? BD_VERDICT_NONE : BD_FRAME_PROTOCOL;
}

enum bd_verdict bd_frame_read(const struct bd_station *station, const uint8_t *frame, uint32_t len,
                              struct bd_frame_hint hint, struct bd_frame *out)
{
    struct cursor c = {frame, 0, len};
    uint16_t type;
    uint8_t protocol;
    enum bd_verdict verdict = read_link(station, &c, hint, out, &type);
    if (verdict != BD_VERDICT_NONE)
        return verdict;
    out->ip_off = (uint16_t)c.off;
    out->kind = BD_FRAME_IS_ARP;
    out->end = c.end;
    out->v6 = type == BD_ETHERTYPE_IPV6;
    if (type == BD_ETHERTYPE_ARP)
        return BD_VERDICT_NONE;
    if (type == BD_ETHERTYPE_IPV4)
        verdict = read_ipv4(station, &c, hint.flags, out, &protocol);
    else if (type == BD_ETHERTYPE_IPV6)
        verdict = read_ipv6(station, &c, out, &protocol);
    else
        return BD_FRAME_ETHERTYPE;
    if (verdict != BD_VERDICT_NONE)
        return verdict;
    return read_transport(station, &c, hint.flags, protocol, out);
}

uint32_t bd_frame_strip_extensions(uint8_t *bytes, struct bd_frame *frame)
{
    uint32_t keep = frame->ip_off + (uint32_t)BD_IPV6_SZ;
    uint32_t surplus = frame->fragment_off - keep;
    if (surplus == 0)
        return 0;
    uint8_t *ip = bytes + frame->ip_off;
    bd_put16(ip + 4, bd_get16(ip + 4) - surplus);
    ip[6] = BD_PROTO_FRAGMENT;
    memmove(bytes + surplus, bytes, keep);
    /* Offsets are from the new front. */
    frame->fragment_off = (uint16_t)(frame->fragment_off - surplus);
    frame->l4_off = (uint16_t)(frame->l4_off - surplus);
    frame->end -= surplus;
    return surplus;
}
