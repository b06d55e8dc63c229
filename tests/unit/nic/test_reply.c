/* SPDX-License-Identifier: BSD-3-Clause */
/* What we send: reply headers, ARP, ICMP, neighbour discovery. Each is read back by nic/frame.c as
 * its addressee would, and compared with bytes put together by other means. */
#include "frames.h"

#include "arp.h"
#include "icmp.h"
#include "neighbour.h"
#include "reply.h"

static const struct bd_frame_hint no_hint;

/* The station at the other end. */
static struct bd_station make_peer(void)
{
    struct bd_station s = make_station();
    memcpy(s.mac, their_mac, 6);
    s.address[0].ip = ip_of("198.18.0.2");
    s.address[1].ip = ip_of("2001:db8::2");
    s.listen[0] = (struct bd_endpoint){ip_of("198.18.0.2"), 40000};
    s.listen[1] = (struct bd_endpoint){ip_of("2001:db8::2"), 40000};
    return s;
}

static struct bd_way way_to_peer(bool v6, uint16_t vlan)
{
    struct bd_way way = {.vlan = vlan,
                         .from = ip_of(v6 ? "2001:db8::1" : "198.18.0.1"),
                         .to = ip_of(v6 ? "2001:db8::2" : "198.18.0.2")};
    memcpy(way.mac_from, our_mac, 6);
    memcpy(way.mac_to, their_mac, 6);
    return way;
}

/* Puts a datagram together in buffer; returns its first byte. */
static uint8_t *write_datagram(uint8_t *buffer, uint32_t len, const struct bd_way *way)
{
    uint8_t *payload = buffer + BD_HEADERS_MAX;
    for (uint32_t i = 0; i < len; i++)
        payload[i] = (uint8_t)(i * 13 + 1);
    uint8_t *udp = bd_reply_udp(payload, len, way, 5060, 40000, BD_REPLY_SUMS_HERE);
    uint8_t *ip =
        bd_reply_ip(udp, len + BD_UDP_SZ, BD_PROTO_UDP, BD_HOP_LIMIT, 0, way, BD_REPLY_SUMS_HERE);
    return bd_reply_ether(ip, bd_reply_ethertype(way), way);
}

static void datagrams_are_read_back(void **state)
{
    uint8_t buffer[4096];
    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (unsigned vlan = 0; vlan < 2; vlan++) {
            for (uint32_t len = 0; len < 600; len++) {
                struct bd_way way = way_to_peer(v6, vlan ? 7 : 0);
                uint8_t *frame = write_datagram(buffer, len, &way);
                struct bd_station peer = make_peer();
                peer.vlan = vlan ? 7 : 0;
                struct bd_frame out;
                uint32_t total = (uint32_t)(buffer + BD_HEADERS_MAX - frame) + len;
                assert_int_equal(bd_frame_read(&peer, frame, total, no_hint, &out),
                                 BD_VERDICT_NONE);
                assert_int_equal(out.kind, BD_FRAME_IS_UDP);
                assert_ptr_equal(frame + out.payload_off, buffer + BD_HEADERS_MAX);
                assert_int_equal(out.payload_len, len);
                assert_int_equal(out.hop_limit, 64);
                assert_int_equal(out.source.port, 5060);
                assert_memory_equal(out.mac_source, our_mac, 6);
            }
        }
    }
}

/* Numbers that fill their 16 bits: a sanitizer sees when they are shifted as signed ones. */
static void largest_numbers_are_read_back(void **state)
{
    uint8_t buffer[512], *payload = buffer + BD_HEADERS_MAX;
    struct bd_way way = way_to_peer(false, 0);
    struct bd_station peer = make_peer();
    struct bd_frame out;
    payload[0] = 1;
    uint8_t *udp = bd_reply_udp(payload, 1, &way, 65535, 40000, BD_REPLY_SUMS_HERE);
    uint8_t *ip = bd_reply_ip(udp, 1 + BD_UDP_SZ, BD_PROTO_UDP, BD_HOP_LIMIT, 65534, &way,
                              BD_REPLY_SUMS_HERE);
    uint8_t *frame = bd_reply_ether(ip, bd_reply_ethertype(&way), &way);
    assert_int_equal(bd_frame_read(&peer, frame, (uint32_t)(payload - frame) + 1, no_hint, &out),
                     BD_VERDICT_NONE);
    assert_int_equal(out.source.port, 65535);
    assert_int_equal(ip[4] << 8 | ip[5], 65534);
}

static void whole_packets_say_so(void **state)
{
    uint8_t buffer[256];
    struct bd_way way = way_to_peer(false, 0);
    uint8_t *frame = write_datagram(buffer, 10, &way);
    assert_int_equal(bd_get16(frame + 20), 0x4000); /* Don't Fragment */
    assert_int_equal(bd_get16(frame + 18), 0);
    uint8_t *ip =
        bd_reply_ip(buffer + 100, 10, BD_PROTO_UDP, BD_HOP_LIMIT, 77, &way, BD_REPLY_SUMS_HERE);
    assert_int_equal(bd_get16(ip + 6), 0);
    assert_int_equal(bd_get16(ip + 4), 77);
}

/* RFC 768: a sum that is zero is sent as all ones, as zero says that none was made. */
static void sends_no_zero_sum(void **state)
{
    uint8_t buffer[256] = {0};
    uint8_t *payload = buffer + BD_HEADERS_MAX;
    struct bd_way way = way_to_peer(false, 0);
    uint8_t *udp = bd_reply_udp(payload, 2, &way, 5060, 40000, BD_REPLY_SUMS_HERE);
    memcpy(payload, udp + 6, 2); /* now the data make up for all the rest */
    bd_reply_udp(payload, 2, &way, 5060, 40000, BD_REPLY_SUMS_HERE);
    assert_int_equal(bd_get16(udp + 6), 0xffff);
}

static void leaves_sums_to_the_port(void **state)
{
    uint8_t buffer[256];
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct bd_way way = way_to_peer(v6, 0);
        uint8_t *payload = buffer + BD_HEADERS_MAX;
        uint8_t *udp = bd_reply_udp(payload, 30, &way, 5060, 40000, BD_REPLY_SUMS_PORT);
        uint8_t tail[4] = {0, 17, 0, 38};
        uint32_t skip = v6 ? 0 : 12;
        uint32_t sum = slow_sum(0, way.from.b + skip, 16 - skip);
        sum = slow_sum(slow_sum(sum, way.to.b + skip, 16 - skip), tail, 4);
        assert_int_equal(bd_get16(udp + 6), sum);
        uint8_t *ip = bd_reply_ip(udp, 38, 17, 64, 0, &way, BD_REPLY_SUMS_PORT);
        if (!v6)
            assert_int_equal(bd_get16(ip + 10), 0);
    }
}

/* --- ARP ------------------------------------------------------------------------------------ */

static struct frame arp_frame(const char *sender, const char *target)
{
    static const uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, 1}, zero[6];
    struct frame f = {.len = 0};
    struct bd_ip a = ip_of(sender), b = ip_of(target);
    put_ether(&f, (const uint8_t[6]){0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, -1, 0x0806);
    put(&f, head, 8);
    put(&f, their_mac, 6);
    put(&f, a.b + 12, 4);
    put(&f, zero, 6);
    put(&f, b.b + 12, 4);
    return f;
}

static enum bd_verdict ask_arp(const struct frame *f, uint8_t *out)
{
    struct bd_station station = make_station();
    struct bd_frame read;
    enum bd_verdict verdict = bd_frame_read(&station, f->b, f->len, no_hint, &read);
    assert_int_equal(verdict, BD_VERDICT_NONE);
    return bd_arp_answer(&station, f->b, &read, out);
}

static void answers_arp(void **state)
{
    uint8_t out[BD_ARP_SZ];
    struct frame f = arp_frame("198.18.0.2", "198.18.0.1");
    assert_int_equal(ask_arp(&f, out), BD_FRAME_ARP);
    static const uint8_t want[28] = {0,   1,  8, 0, 6, 4, 0, 2, 0x02, 0, 0,   0,  0, 1,
                                     198, 18, 0, 1, 2, 0, 0, 0, 0,    2, 198, 18, 0, 2};
    assert_memory_equal(out, want, 28);
    f = arp_frame("0.0.0.0", "198.18.0.1"); /* a probe (RFC 5227) */
    assert_int_equal(ask_arp(&f, out), BD_FRAME_ARP);
}

static void ignores_other_arp(void **state)
{
    uint8_t out[BD_ARP_SZ];
    struct frame f = arp_frame("198.18.0.2", "198.18.0.9");
    assert_int_equal(ask_arp(&f, out), BD_FRAME_ARP_IGNORED);
    f = arp_frame("198.18.0.1", "198.18.0.1"); /* claims our address */
    assert_int_equal(ask_arp(&f, out), BD_FRAME_ARP_IGNORED);
    for (uint32_t at = 14; at < 22; at++) {
        f = arp_frame("198.18.0.2", "198.18.0.1");
        f.b[at] ^= 2;
        assert_int_equal(ask_arp(&f, out), BD_FRAME_ARP_IGNORED);
    }
    struct guarded g = guarded_new();
    struct bd_station station = make_station();
    f = arp_frame("198.18.0.2", "198.18.0.1");
    for (uint32_t n = 14; n < f.len; n++) {
        struct bd_frame read;
        uint8_t *p = guarded_put(&g, f.b, n);
        assert_int_equal(bd_frame_read(&station, p, n, no_hint, &read), BD_VERDICT_NONE);
        assert_int_equal(bd_arp_answer(&station, p, &read, out), BD_FRAME_SHORT);
    }
    guarded_delete(&g);
}

static void announces_by_arp(void **state)
{
    struct bd_station station = make_station();
    uint8_t out[BD_ARP_SZ];
    bd_arp_announce(&station, &station.address[0].ip, out);
    static const uint8_t want[28] = {0,   1,  8, 0, 6, 4, 0, 1, 0x02, 0, 0,   0,  0, 1,
                                     198, 18, 0, 1, 0, 0, 0, 0, 0,    0, 198, 18, 0, 1};
    assert_memory_equal(out, want, 28);
}

/* --- ICMP ----------------------------------------------------------------------------------- */

static struct frame echo_frame(bool v6, uint32_t data)
{
    struct frame f = {.len = 0};
    put_ether(&f, our_mac, -1, v6 ? 0x86dd : 0x0800);
    uint32_t ip = v6 ? put_ipv6(&f, "2001:db8::2", "2001:db8::1", 58, 64)
                     : put_ipv4(&f, "198.18.0.2", "198.18.0.1", 1, NULL, 0);
    uint32_t icmp = f.len;
    put16(&f, (v6 ? 128 : 8) << 8);
    put16(&f, 0);
    put16(&f, 0x1234);
    put16(&f, 1);
    for (uint32_t i = 0; i < data; i++)
        put(&f, &(uint8_t){(uint8_t)i}, 1);
    finish(&f, ip, icmp, v6 ? 58 : 1, 2);
    return f;
}

static enum bd_verdict ask_echo(struct frame *f, struct bd_frame *read)
{
    struct bd_station station = make_station();
    assert_int_equal(bd_frame_read(&station, f->b, f->len, no_hint, read), BD_VERDICT_NONE);
    return bd_icmp_echo(f->b + read->l4_off, read);
}

static void answers_echo(void **state)
{
    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (uint32_t data = 0; data < 70; data++) {
            struct frame f = echo_frame(v6, data), before = f;
            struct bd_frame read;
            assert_int_equal(ask_echo(&f, &read), BD_FRAME_ICMP_ECHO);
            const uint8_t *icmp = f.b + read.l4_off;
            assert_int_equal(icmp[0], v6 ? 129 : 0);
            assert_memory_equal(icmp + 4, before.b + read.l4_off + 4, 4 + data);
            uint32_t sum =
                v6 ? slow_transport(&read.destination.ip, &read.source.ip, 58, icmp, read.l4_len)
                   : slow_sum(0, icmp, read.l4_len);
            assert_int_equal(sum, 0xffff);
        }
    }
}

static void ignores_other_icmp(void **state)
{
    for (unsigned v6 = 0; v6 < 2; v6++) {
        uint32_t icmp = v6 ? 54 : 34;
        struct bd_frame read;
        struct frame f = echo_frame(v6, 20);
        f.b[icmp + 10] ^= 1; /* wrong sum */
        assert_int_equal(ask_echo(&f, &read), BD_FRAME_ICMP_IGNORED);
        static const uint8_t types[] = {0, 3, 5, 13, 129, 133, 137};
        for (unsigned i = 0; i < sizeof(types); i++) {
            f = echo_frame(v6, 20);
            f.b[icmp] = types[i];
            finish(&f, 14, icmp, v6 ? 58 : 1, 2);
            assert_int_equal(ask_echo(&f, &read), BD_FRAME_ICMP_IGNORED);
        }
        f = echo_frame(v6, 0);
        f.len -= 4; /* shorter than an echo can be */
        finish(&f, 14, icmp, v6 ? 58 : 1, 2);
        assert_int_equal(ask_echo(&f, &read), BD_FRAME_ICMP_IGNORED);
    }
}

/* It is a valid source for duplicate address detection only (RFC 4862 5.4.2). */
static void ignores_echo_from_nowhere(void **state)
{
    struct bd_frame read;
    struct frame f = echo_frame(true, 20);
    memset(f.b + 14 + 8, 0, 16);
    finish(&f, 14, 54, 58, 2);
    assert_int_equal(ask_echo(&f, &read), BD_FRAME_ICMP_IGNORED);
}

static void tells_of_unserved_ports(void **state)
{
    static const uint32_t payloads[] = {0, 1, 100, 3000};
    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (unsigned i = 0; i < 4; i++) {
            struct frame f = v6 ? udp6(payloads[i], 17, NULL, 0) : udp4(payloads[i]);
            struct bd_station station = make_station();
            station.listen_cnt = 0;
            struct bd_frame read;
            assert_int_equal(bd_frame_read(&station, f.b, f.len, no_hint, &read),
                             BD_FRAME_UDP_PORT);
            uint8_t out[BD_ICMP_ERROR_MAX];
            struct bd_way way = way_to_peer(v6, 0);
            uint32_t len = bd_icmp_unreachable(f.b, &read, &way, out);
            uint32_t packet = f.len - 14, most = v6 ? 1280 - 40 : 576 - 20;
            assert_int_equal(len, packet + 8 < most ? packet + 8 : most);
            assert_int_equal(out[0], v6 ? 1 : 3);
            assert_int_equal(out[1], v6 ? 4 : 3);
            assert_memory_equal(out + 8, f.b + 14, len - 8);
            uint32_t sum =
                v6 ? slow_transport(&way.from, &way.to, 58, out, len) : slow_sum(0, out, len);
            assert_int_equal(sum, 0xffff);
        }
    }
}

/* --- neighbour discovery -------------------------------------------------------------------- */

struct solicitation {
    const char *from, *to, *target;
    uint8_t hops;
    bool option;
};

static const struct solicitation good = {"2001:db8::2", "ff02::1:ff00:1", "2001:db8::1", 255, true};

static struct frame nd_frame(struct solicitation s)
{
    static const uint8_t group[6] = {0x33, 0x33, 0xff, 0, 0, 1};
    struct frame f = {.len = 0};
    struct bd_ip target = ip_of(s.target);
    put_ether(&f, s.to[0] == 'f' ? group : our_mac, -1, 0x86dd);
    uint32_t ip = put_ipv6(&f, s.from, s.to, 58, s.hops);
    uint32_t icmp = f.len;
    put(&f, (const uint8_t[8]){135}, 8);
    put(&f, target.b, 16);
    if (s.option) {
        put16(&f, 0x0101);
        put(&f, their_mac, 6);
    }
    finish(&f, ip, icmp, 58, 2);
    return f;
}

static enum bd_verdict ask_nd(const struct frame *f, struct bd_way *way, uint8_t *out)
{
    struct bd_station station = make_station();
    struct bd_frame read;
    enum bd_verdict verdict = bd_frame_read(&station, f->b, f->len, no_hint, &read);
    if (verdict != BD_VERDICT_NONE)
        return verdict;
    assert_int_equal(read.kind, BD_FRAME_IS_ICMPV6);
    return bd_neighbour_answer(&station, f->b, &read, way, out);
}

static void check_advertisement(const struct bd_way *way, const uint8_t *out, unsigned flags)
{
    struct bd_ip own = ip_of("2001:db8::1");
    assert_int_equal(out[0], 136);
    assert_int_equal(out[4], flags);
    assert_memory_equal(out + 8, own.b, 16);
    assert_int_equal(out[24], 2);
    assert_int_equal(out[25], 1);
    assert_memory_equal(out + 26, our_mac, 6);
    assert_true(bd_ip_eq(&way->from, &own));
    assert_int_equal(slow_transport(&way->from, &way->to, 58, out, BD_NEIGHBOUR_SZ), 0xffff);
}

static void answers_solicitations(void **state)
{
    struct solicitation s = good;
    struct bd_way way;
    uint8_t out[BD_NEIGHBOUR_SZ] = {0};
    for (unsigned i = 0; i < 4; i++) {
        s.option = i & 1;
        s.to = i & 2 ? "2001:db8::1" : good.to;
        struct frame f = nd_frame(s);
        assert_int_equal(ask_nd(&f, &way, out), BD_FRAME_ND);
        check_advertisement(&way, out, 0x60);
        assert_memory_equal(way.mac_to, their_mac, 6);
    }
}

static void defends_an_address(void **state)
{
    static const uint8_t all_nodes[6] = {0x33, 0x33, 0, 0, 0, 1};
    struct solicitation s = good;
    s.from = "::";
    s.option = false;
    struct frame f = nd_frame(s);
    struct bd_way way;
    uint8_t out[BD_NEIGHBOUR_SZ] = {0};
    assert_int_equal(ask_nd(&f, &way, out), BD_FRAME_ND);
    check_advertisement(&way, out, 0x20);
    struct bd_ip all = ip_of("ff02::1");
    assert_true(bd_ip_eq(&way.to, &all));
    assert_memory_equal(way.mac_to, all_nodes, 6);
}

static void refuses_bad_solicitations(void **state)
{
    static const struct solicitation bad[] = {
        {"2001:db8::2", "ff02::1:ff00:1", "2001:db8::1", 254, true}, /* came over a router */
        {"2001:db8::2", "ff02::1:ff00:1", "2001:db8:1::1", 255, true},
        {"2001:db8::2", "2001:db8::1", "198.18.0.1", 255, true}, /* no IPv6 address */
        {"::", "ff02::1:ff00:1", "2001:db8::1", 255, true},      /* RFC 4861 7.1.1 */
        {"::", "2001:db8::1", "2001:db8::1", 255, false}};
    struct bd_way way;
    uint8_t out[BD_NEIGHBOUR_SZ] = {0};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct frame f = nd_frame(bad[i]);
        if (ask_nd(&f, &way, out) != BD_FRAME_ICMP_IGNORED)
            fail_msg("row %u", i);
    }
    struct frame f = nd_frame(good);
    f.b[f.len - 1] ^= 1;
    assert_int_equal(ask_nd(&f, &way, out), BD_FRAME_ICMP_IGNORED); /* sum */
    static const uint8_t lengths[] = {0, 2, 255};
    for (unsigned i = 0; i < 3; i++) {
        f = nd_frame(good);
        f.b[14 + 40 + 25] = lengths[i]; /* of the option */
        finish(&f, 14, 54, 58, 2);
        assert_int_equal(ask_nd(&f, &way, out), BD_FRAME_ICMP_IGNORED);
    }
    f = nd_frame(good);
    f.b[14 + 40 + 1] = 1; /* code */
    finish(&f, 14, 54, 58, 2);
    assert_int_equal(ask_nd(&f, &way, out), BD_FRAME_ICMP_IGNORED);
}

static void never_reads_beyond_a_solicitation(void **state)
{
    struct guarded g = guarded_new();
    struct bd_station station = make_station();
    for (uint32_t len = 54; len < 54 + 32; len++) {
        struct frame f = nd_frame(good);
        f.len = len;
        finish(&f, 14, 54, 58, 2);
        if (len < 54 + 4)
            set16(&f, 18, len > 54 ? len - 54 : 1); /* finish wrote into what is cut */
        uint8_t *p = guarded_put(&g, f.b, len);
        struct bd_frame read;
        struct bd_way way;
        uint8_t out[BD_NEIGHBOUR_SZ] = {0};
        if (bd_frame_read(&station, p, len, no_hint, &read) == BD_VERDICT_NONE) {
            enum bd_verdict got = bd_neighbour_answer(&station, p, &read, &way, out);
            assert_int_equal(got, len == 54 + 24 ? BD_FRAME_ND : BD_FRAME_ICMP_IGNORED);
        }
    }
    guarded_delete(&g);
}

static void never_follows_a_long_option(void **state)
{
    struct guarded g = guarded_new();
    struct bd_station station = make_station();
    struct frame f = nd_frame(good);
    f.b[f.len - 7] = 2; /* 16 bytes, of which 8 are there */
    finish(&f, 14, 54, 58, 2);
    uint8_t *p = guarded_put(&g, f.b, f.len), out[BD_NEIGHBOUR_SZ];
    struct bd_frame read;
    struct bd_way way;
    assert_int_equal(bd_frame_read(&station, p, f.len, no_hint, &read), BD_VERDICT_NONE);
    assert_int_equal(bd_neighbour_answer(&station, p, &read, &way, out), BD_FRAME_ICMP_IGNORED);
    guarded_delete(&g);
}

static void announces_to_all(void **state)
{
    struct bd_station station = make_station();
    struct bd_way way;
    uint8_t out[BD_NEIGHBOUR_SZ] = {0};
    bd_neighbour_announce(&station, &station.address[1].ip, &way, out);
    check_advertisement(&way, out, 0x20);
    struct bd_ip all = ip_of("ff02::1");
    assert_true(bd_ip_eq(&way.to, &all));
}

/* --- how much larger than what they answer ---------------------------------------------------- */

/* In percent of the frame that asked; Ethernet fills both up to 60 bytes. */
static unsigned percent(uint32_t answer, uint32_t asked)
{
    return (answer < 60 ? 60 : answer) * 100 / (asked < 60 ? 60 : asked);
}

static void answers_are_hardly_larger(void **state)
{
    uint8_t arp[BD_ARP_SZ], message[BD_NEIGHBOUR_SZ];
    struct bd_way way;
    struct frame f = arp_frame("198.18.0.2", "198.18.0.1");
    assert_int_equal(ask_arp(&f, arp), BD_FRAME_ARP);
    assert_int_equal(percent(BD_ETHER_SZ + BD_ARP_SZ, f.len), 100);
    struct solicitation bare = good;
    bare.option = false;
    const uint32_t advertisement = BD_ETHER_SZ + BD_IPV6_SZ + BD_NEIGHBOUR_SZ;
    f = nd_frame(good);
    assert_int_equal(ask_nd(&f, &way, message), BD_FRAME_ND);
    assert_int_equal(percent(advertisement, f.len), 100);
    f = nd_frame(bare);
    assert_int_equal(ask_nd(&f, &way, message), BD_FRAME_ND);
    assert_int_equal(percent(advertisement, f.len), 110);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct bd_frame read;
        f = echo_frame(v6, 56);
        assert_int_equal(ask_echo(&f, &read), BD_FRAME_ICMP_ECHO);
        assert_int_equal(read.end, f.len); /* it goes back in its own buffer */
    }
}

/* It quotes, so the shortest datagrams draw the most. */
static void unreachable_is_hardly_larger(void **state)
{
    static const unsigned worst[] = {146, 177};
    struct bd_station station = make_station();
    station.listen_cnt = 0;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        unsigned most = 0;
        for (uint32_t payload = 0; payload < 3000; payload++) {
            struct frame f = v6 ? udp6(payload, 17, NULL, 0) : udp4(payload);
            struct bd_frame read;
            struct bd_way way = way_to_peer(v6, 0);
            uint8_t out[BD_ICMP_ERROR_MAX];
            assert_int_equal(bd_frame_read(&station, f.b, f.len, no_hint, &read),
                             BD_FRAME_UDP_PORT);
            uint32_t len =
                BD_ETHER_SZ + bd_reply_ip_sz(&way) + bd_icmp_unreachable(f.b, &read, &way, out);
            most = percent(len, f.len) > most ? percent(len, f.len) : most;
        }
        assert_int_equal(most, worst[v6]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(datagrams_are_read_back),
                                       cmocka_unit_test(largest_numbers_are_read_back),
                                       cmocka_unit_test(whole_packets_say_so),
                                       cmocka_unit_test(sends_no_zero_sum),
                                       cmocka_unit_test(leaves_sums_to_the_port),
                                       cmocka_unit_test(answers_arp),
                                       cmocka_unit_test(ignores_other_arp),
                                       cmocka_unit_test(announces_by_arp),
                                       cmocka_unit_test(answers_echo),
                                       cmocka_unit_test(ignores_other_icmp),
                                       cmocka_unit_test(ignores_echo_from_nowhere),
                                       cmocka_unit_test(tells_of_unserved_ports),
                                       cmocka_unit_test(answers_are_hardly_larger),
                                       cmocka_unit_test(unreachable_is_hardly_larger),
                                       cmocka_unit_test(answers_solicitations),
                                       cmocka_unit_test(defends_an_address),
                                       cmocka_unit_test(refuses_bad_solicitations),
                                       cmocka_unit_test(never_reads_beyond_a_solicitation),
                                       cmocka_unit_test(never_follows_a_long_option),
                                       cmocka_unit_test(announces_to_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
