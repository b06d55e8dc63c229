/* SPDX-License-Identifier: BSD-3-Clause */
#include "frames.h"

#include "checksum.h"

static const struct bd_frame_hint no_hint;

static enum bd_verdict read_it(const struct frame *f, struct bd_frame *out)
{
    struct bd_station station = make_station();
    return bd_frame_read(&station, f->b, f->len, no_hint, out);
}

static void expect(const struct frame *f, enum bd_verdict want)
{
    struct bd_frame out;
    enum bd_verdict got = read_it(f, &out);
    if (got != want)
        fail_msg("verdict %u (%s), not %u (%s)", got,
                 got < BD_VERDICT_CNT ? bd_verdict_info[got].text : "none", want,
                 want < BD_VERDICT_CNT ? bd_verdict_info[want].text : "none");
}

/* --- checksums ------------------------------------------------------------------------------ */

static void sums_of_every_length(void **state)
{
    uint8_t bytes[300];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 167 + 255);
    for (unsigned off = 0; off < 9; off++) {
        for (unsigned n = 0; n + off <= sizeof(bytes); n++) {
            uint32_t slow = slow_sum(0, bytes + off, n);
            uint16_t fast = bd_sum_fold(bd_sum_add(0, bytes + off, n));
            assert_int_equal(bd_sum_fold(bd_sum_add_plain(0, bytes + off, n)), fast);
            uint8_t in_memory[2];
            memcpy(in_memory, &fast, 2);
            assert_int_equal(bd_get16(in_memory), slow);
        }
    }
}

static void sums_of_ones_carry(void **state)
{
    static uint8_t ones[65536];
    memset(ones, 0xff, sizeof(ones));
    assert_int_equal(bd_sum_fold(bd_sum_add(0xffffffffU, ones, sizeof(ones))), 0xffff);
    assert_true(bd_sum_right(0, ones, sizeof(ones)));
    assert_int_equal(bd_sum_fold(UINT64_MAX), 0xffff);
    uint8_t zeros[9] = {0};
    assert_int_equal(bd_sum_fold(bd_sum_add(0, zeros, sizeof(zeros))), 0);
}

/* --- good frames ---------------------------------------------------------------------------- */

static void reads_a_datagram(void **state)
{
    struct frame f = udp4(100);
    struct bd_frame out;
    assert_int_equal(read_it(&f, &out), BD_VERDICT_NONE);
    assert_int_equal(out.kind, BD_FRAME_IS_UDP);
    assert_false(out.v6);
    assert_memory_equal(out.mac_source, their_mac, 6);
    struct bd_ip from = ip_of("198.18.0.2"), to = ip_of("198.18.0.1");
    assert_true(bd_ip_eq(&out.source.ip, &from));
    assert_true(bd_ip_eq(&out.destination.ip, &to));
    assert_int_equal(out.source.port, 40000);
    assert_int_equal(out.destination.port, 5060);
    assert_int_equal(out.payload_off, 42);
    assert_int_equal(out.payload_len, 100);
    assert_int_equal(out.end, f.len);
}

static void reads_a_datagram_of_ipv6(void **state)
{
    struct frame f = udp6(101, 17, NULL, 0);
    struct bd_frame out;
    assert_int_equal(read_it(&f, &out), BD_VERDICT_NONE);
    assert_true(out.v6);
    assert_int_equal(out.payload_off, 62);
    assert_int_equal(out.payload_len, 101);
}

static void leaves_padding_out(void **state)
{
    struct frame f = udp4(3);
    uint8_t padding[15] = {1, 2, 3};
    put(&f, padding, sizeof(padding));
    struct bd_frame out;
    assert_int_equal(read_it(&f, &out), BD_VERDICT_NONE);
    assert_int_equal(out.payload_len, 3);
    assert_int_equal(out.end, f.len - sizeof(padding));
    f = udp6(3, 17, NULL, 0);
    put(&f, padding, sizeof(padding));
    assert_int_equal(read_it(&f, &out), BD_VERDICT_NONE);
    assert_int_equal(out.payload_len, 3);
    assert_int_equal(out.end, f.len - sizeof(padding));
    assert_int_equal(out.l4_len, 11);
}

/* RFC 768: the length field rules, not what IP carries besides. */
static void takes_udp_by_its_length(void **state)
{
    struct frame f = udp4(20);
    set16(&f, 38, 8 + 10);
    set16(&f, 40, 0);
    struct bd_frame out;
    assert_int_equal(read_it(&f, &out), BD_VERDICT_NONE);
    assert_int_equal(out.payload_len, 10);
}

static void skips_options(void **state)
{
    static const uint8_t options[][12] = {{1, 1, 1, 1},
                                          {148, 4, 0, 0},
                                          {0, 9, 9, 9}, /* after the end anything may stand */
                                          {7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0}};
    static const uint32_t len[] = {4, 4, 4, 12};
    for (unsigned i = 0; i < 4; i++) {
        struct frame f = {.len = 0};
        put_ether(&f, our_mac, -1, 0x0800);
        uint32_t ip = put_ipv4(&f, "198.18.0.2", "198.18.0.1", 17, options[i], len[i]);
        uint32_t udp = put_udp(&f, 40000, 5060, 33);
        finish(&f, ip, udp, 17, 6);
        struct bd_frame out;
        assert_int_equal(read_it(&f, &out), BD_VERDICT_NONE);
        assert_int_equal(out.payload_off, 42 + len[i]);
    }
}

static void refuses_bad_options(void **state)
{
    static const uint8_t options[][8] = {{131, 7, 4, 10, 0, 0, 1, 0}, /* loose source route */
                                         {1, 137, 7, 4, 10, 0, 0, 1}, /* strict, not at the front */
                                         {7, 0},                      /* no length */
                                         {7, 1},                      /* less than itself */
                                         {7, 9},                      /* beyond the header */
                                         {1, 1, 1, 1, 1, 1, 1, 7}};   /* cut before its length */
    for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        struct frame f = {.len = 0};
        put_ether(&f, our_mac, -1, 0x0800);
        uint32_t ip = put_ipv4(&f, "198.18.0.2", "198.18.0.1", 17, options[i], 8);
        uint32_t udp = put_udp(&f, 40000, 5060, 33);
        finish(&f, ip, udp, 17, 6);
        expect(&f, BD_FRAME_IP_HEADER);
    }
}

struct chain {
    const char *what;
    uint8_t first;
    uint32_t len;
    uint8_t bytes[80];
    enum bd_verdict want;
};

static void walks_extension_headers(void **state)
{
    static const struct chain chains[] = {
        {"hop-by-hop", 0, 8, {17, 0, 1, 4}, BD_VERDICT_NONE},
        {"hop-by-hop, destination, routing",
         0,
         24,
         {60, 0, 1, 4, 0, 0, 0, 0, 43, 0, 1, 4, 0, 0, 0, 0, 17, 0, 4, 0},
         BD_VERDICT_NONE},
        {"16 bytes of options", 60, 16, {17, 1, 1, 12}, BD_VERDICT_NONE},
        {"atomic fragment", 44, 8, {17, 0, 0, 0, 1, 2, 3, 4}, BD_VERDICT_NONE},
        {"segments left", 43, 8, {17, 0, 0, 1}, BD_FRAME_IP_HEADER},
        {"hop-by-hop not first", 60, 16, {0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4}, BD_FRAME_PROTOCOL},
        {"beyond the packet", 60, 8, {17, 200, 1, 4}, BD_FRAME_IP_HEADER},
        {"no next header", 60, 8, {59, 0, 1, 4}, BD_FRAME_PROTOCOL},
        {"ESP", 50, 8, {1, 2, 3, 4}, BD_FRAME_PROTOCOL},
        {"nine headers",
         60,
         72,
         {60, 0,  1,  4, 0, 0, 0, 0, 60, 0,  1,  4, 0, 0, 0, 0, 60, 0,  1,  4, 0, 0, 0,
          0,  60, 0,  1, 4, 0, 0, 0, 0,  60, 0,  1, 4, 0, 0, 0, 0,  60, 0,  1, 4, 0, 0,
          0,  0,  60, 0, 1, 4, 0, 0, 0,  0,  60, 0, 1, 4, 0, 0, 0,  0,  17, 0, 1, 4},
         BD_FRAME_IP_HEADER}};
    for (unsigned i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
        struct frame f = udp6(50, chains[i].first, chains[i].bytes, chains[i].len);
        struct bd_frame out;
        enum bd_verdict got = read_it(&f, &out);
        if (got != chains[i].want)
            fail_msg("%s: verdict %u", chains[i].what, got);
        if (got == BD_VERDICT_NONE)
            assert_int_equal(out.payload_off, 62 + chains[i].len);
    }
}

/* --- what is not ours ----------------------------------------------------------------------- */

static void judges_tags(void **state)
{
    static const struct {
        int tag; /* in the frame */
        unsigned ours, stripped;
        enum bd_verdict want;
    } table[] = {{-1, 0, 0, BD_VERDICT_NONE},     {0, 0, 0, BD_VERDICT_NONE},
                 {0xe000, 0, 0, BD_VERDICT_NONE}, /* priority only */
                 {5, 0, 0, BD_FRAME_VLAN},        {-1, 5, 0, BD_FRAME_VLAN},
                 {5, 5, 0, BD_VERDICT_NONE},      {0x6005, 5, 0, BD_VERDICT_NONE},
                 {6, 5, 0, BD_FRAME_VLAN},        {-1, 5, 0x2005, BD_VERDICT_NONE},
                 {-1, 5, 6, BD_FRAME_VLAN},       {-1, 0, 5, BD_FRAME_VLAN}};
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct frame f = {.len = 0};
        put_ether(&f, our_mac, table[i].tag, 0x0800);
        uint32_t ip = put_ipv4(&f, "198.18.0.2", "198.18.0.1", 17, NULL, 0);
        uint32_t udp = put_udp(&f, 40000, 5060, 10);
        finish(&f, ip, udp, 17, 6);
        struct bd_station station = make_station();
        station.vlan = (uint16_t)table[i].ours;
        struct bd_frame_hint hint = {.flags = table[i].stripped ? BD_FRAME_TAG_STRIPPED : 0U,
                                     .tci = (uint16_t)table[i].stripped};
        struct bd_frame out;
        if (bd_frame_read(&station, f.b, f.len, hint, &out) != table[i].want)
            fail_msg("row %u", i);
    }
}

static void judges_macs(void **state)
{
    struct frame f = udp4(10);
    f.b[5] = 9;
    expect(&f, BD_FRAME_MAC); /* another station */
    memset(f.b, 0xff, 6);
    expect(&f, BD_FRAME_MAC); /* broadcast (RFC 1122 3.3.6) */
    f = udp4(10);
    memcpy(f.b + 6, our_mac, 6);
    expect(&f, BD_FRAME_MAC); /* from us */
    f.b[6] = 1;
    expect(&f, BD_FRAME_MAC); /* from a group */
}

static void judges_types(void **state)
{
    struct frame f = udp4(10);
    set16(&f, 12, 0x88cc);
    expect(&f, BD_FRAME_ETHERTYPE);
    set16(&f, 12, 0x0806);
    expect(&f, BD_VERDICT_NONE); /* ARP's own business */
    f = udp4(10);
    f.b[23] = 6;
    resum(&f, 14);
    expect(&f, BD_FRAME_PROTOCOL);
    f.b[23] = 58; /* ICMPv6 in IPv4 */
    resum(&f, 14);
    expect(&f, BD_FRAME_PROTOCOL);
}

static void judges_addresses(void **state)
{
    static const struct {
        const char *from, *to;
        enum bd_verdict want;
    } table[] = {{"198.18.0.2", "198.18.0.1", BD_VERDICT_NONE},
                 {"8.8.8.8", "198.18.0.1", BD_VERDICT_NONE},
                 {"198.18.0.2", "198.18.0.3", BD_FRAME_ADDRESS},
                 {"198.18.0.2", "198.18.0.255", BD_FRAME_ADDRESS},
                 {"198.18.0.2", "255.255.255.255", BD_FRAME_ADDRESS},
                 {"198.18.0.1", "198.18.0.1", BD_FRAME_IP_SOURCE},
                 {"0.0.0.0", "198.18.0.1", BD_FRAME_IP_SOURCE},
                 {"0.1.2.3", "198.18.0.1", BD_FRAME_IP_SOURCE},
                 {"127.0.0.1", "198.18.0.1", BD_FRAME_IP_SOURCE},
                 {"224.0.0.1", "198.18.0.1", BD_FRAME_IP_SOURCE},
                 {"240.0.0.1", "198.18.0.1", BD_FRAME_IP_SOURCE},
                 {"255.255.255.255", "198.18.0.1", BD_FRAME_IP_SOURCE},
                 {"198.18.0.255", "198.18.0.1", BD_FRAME_IP_SOURCE},
                 {"198.18.1.255", "198.18.0.1", BD_VERDICT_NONE},
                 {"2001:db8::2", "2001:db8::1", BD_VERDICT_NONE},
                 {"fe80::1", "2001:db8::1", BD_VERDICT_NONE},
                 {"2001:db8::2", "2001:db8::3", BD_FRAME_ADDRESS},
                 {"2001:db8::2", "ff02::1", BD_FRAME_ADDRESS},
                 {"2001:db8::2", "ff02::1:ff00:1", BD_FRAME_ADDRESS}, /* UDP to our group */
                 {"2001:db8::1", "2001:db8::1", BD_FRAME_IP_SOURCE},
                 {"::", "2001:db8::1", BD_FRAME_IP_SOURCE},
                 {"::1", "2001:db8::1", BD_FRAME_IP_SOURCE},
                 {"::2", "2001:db8::1", BD_VERDICT_NONE},
                 {"ff02::2", "2001:db8::1", BD_FRAME_IP_SOURCE}};
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct frame f = {.len = 0};
        bool v4 = !strchr(table[i].from, ':');
        put_ether(&f, our_mac, -1, v4 ? 0x0800 : 0x86dd);
        uint32_t ip = v4 ? put_ipv4(&f, table[i].from, table[i].to, 17, NULL, 0)
                         : put_ipv6(&f, table[i].from, table[i].to, 17, 64);
        uint32_t udp = put_udp(&f, 40000, 5060, 10);
        finish(&f, ip, udp, 17, 6);
        struct bd_frame out;
        if (read_it(&f, &out) != table[i].want)
            fail_msg("%s to %s", table[i].from, table[i].to);
    }
}

/* An IPv6 packet must not pass for one of IPv4, from or to. */
static void refuses_mapped_addresses(void **state)
{
    static const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 18, 0, 1};
    struct frame f = udp6(10, 17, NULL, 0);
    memcpy(f.b + 14 + 8, mapped, 16);
    f.b[14 + 23] = 2;
    finish(&f, 14, 54, 17, 6);
    expect(&f, BD_FRAME_IP_SOURCE);
    f = udp6(10, 17, NULL, 0);
    memcpy(f.b + 14 + 24, mapped, 16);
    finish(&f, 14, 54, 17, 6);
    expect(&f, BD_FRAME_ADDRESS);
}

static void knows_point_to_point_links(void **state)
{
    struct bd_station station = make_station();
    struct frame f = udp4(10);
    struct bd_frame out;
    /* On a /31 both addresses are hosts' (RFC 3021): 198.18.0.1 to 198.18.0.0. */
    f.b[14 + 15] = 1;
    f.b[14 + 19] = 0;
    finish(&f, 14, 34, 17, 6);
    station.address[0] = (struct bd_prefix){ip_of("198.18.0.0"), 127};
    station.listen[0].ip = station.address[0].ip;
    assert_int_equal(bd_frame_read(&station, f.b, f.len, no_hint, &out), BD_VERDICT_NONE);
}

/* --- lengths and sums ----------------------------------------------------------------------- */

static void judges_lengths(void **state)
{
    struct frame f = udp4(10);
    f.b[14] = 0x55;
    expect(&f, BD_FRAME_IP_HEADER);
    f.b[14] = 0x44;
    expect(&f, BD_FRAME_IP_HEADER);
    f = udp4(10);
    set16(&f, 16, 19);
    expect(&f, BD_FRAME_IP_HEADER);
    set16(&f, 16, 39);
    expect(&f, BD_FRAME_SHORT); /* one byte more than there is */
    set16(&f, 16, 27);
    resum(&f, 14);
    expect(&f, BD_FRAME_UDP_LENGTH); /* IP ends within the UDP header */
    f = udp4(10);
    set16(&f, 38, 7);
    expect(&f, BD_FRAME_UDP_LENGTH);
    set16(&f, 38, 19);
    expect(&f, BD_FRAME_UDP_LENGTH);
    f = udp6(10, 17, NULL, 0);
    f.b[14] = 0x40;
    expect(&f, BD_FRAME_IP_HEADER);
    f = udp6(10, 17, NULL, 0);
    set16(&f, 18, 0);
    expect(&f, BD_FRAME_IP_HEADER); /* a jumbogram, which we are not for */
    set16(&f, 18, 19);
    expect(&f, BD_FRAME_SHORT);
}

static void verifies_sums(void **state)
{
    struct frame f = udp4(11);
    for (uint32_t at = 14; at < 34; at++) {
        struct frame g = f;
        g.b[at] ^= 0x01;
        struct bd_frame out;
        assert_int_not_equal(read_it(&g, &out), BD_VERDICT_NONE);
    }
    for (uint32_t at = 42; at < f.len; at++) {
        struct frame g = f;
        g.b[at] ^= 0x80;
        expect(&g, BD_FRAME_UDP_CHECKSUM);
    }
    f.b[24] ^= 1;
    expect(&f, BD_FRAME_IP_CHECKSUM);
    f = udp6(11, 17, NULL, 0);
    f.b[f.len - 1] ^= 1;
    expect(&f, BD_FRAME_UDP_CHECKSUM);
}

static void knows_the_zero_sum(void **state)
{
    struct frame f = udp4(10);
    set16(&f, 40, 0);
    expect(&f, BD_VERDICT_NONE); /* RFC 768 */
    f = udp6(10, 17, NULL, 0);
    set16(&f, 60, 0);
    expect(&f, BD_FRAME_UDP_CHECKSUM); /* RFC 8200 8.1 */
}

/* A payload for which the sum comes out as zero and is sent as all ones. */
static void takes_all_ones_for_zero(void **state)
{
    struct frame f = udp4(2);
    unsigned sum = bd_get16(f.b + 40), word = bd_get16(f.b + 42);
    uint32_t changed = word + sum; /* raises the data's sum to 0xffff */
    set16(&f, 42, (changed & 0xffff) + (changed >> 16));
    set16(&f, 40, 0xffff);
    expect(&f, BD_VERDICT_NONE);
    finish(&f, 14, 34, 17, 6);
    assert_int_equal(bd_get16(f.b + 40), 0xffff);
}

static void believes_the_port(void **state)
{
    struct bd_station station = make_station();
    struct bd_frame out;
    struct frame f = udp4(10);
    f.b[24] ^= 1;
    f.b[45] ^= 1;
    struct bd_frame_hint hint = {.flags = BD_FRAME_IP_SUM_GOOD | BD_FRAME_UDP_SUM_GOOD};
    assert_int_equal(bd_frame_read(&station, f.b, f.len, hint, &out), BD_VERDICT_NONE);
    hint.flags = BD_FRAME_IP_SUM_GOOD;
    assert_int_equal(bd_frame_read(&station, f.b, f.len, hint, &out), BD_FRAME_UDP_CHECKSUM);
}

/* A kernel that leaves the sum to hardware puts that of the pseudo header there, not inverted. */
static void takes_partial_sums_where_allowed(void **state)
{
    struct bd_station station = make_station();
    struct bd_frame out;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct frame f = v6 ? udp6(10, 17, NULL, 0) : udp4(10);
        struct bd_ip from = ip_of(v6 ? "2001:db8::2" : "198.18.0.2");
        struct bd_ip to = ip_of(v6 ? "2001:db8::1" : "198.18.0.1");
        uint8_t tail[4] = {0, 17, 0, 18};
        uint32_t skip = v6 ? 0 : 12;
        uint32_t sum = slow_sum(0, from.b + skip, 16 - skip);
        sum = slow_sum(slow_sum(sum, to.b + skip, 16 - skip), tail, 4);
        set16(&f, v6 ? 60 : 40, sum);
        struct bd_frame_hint hint = {.flags = BD_FRAME_SUM_PARTIAL};
        assert_int_equal(bd_frame_read(&station, f.b, f.len, hint, &out), BD_VERDICT_NONE);
        assert_int_equal(bd_frame_read(&station, f.b, f.len, no_hint, &out), BD_FRAME_UDP_CHECKSUM);
        set16(&f, v6 ? 60 : 40, sum + 1);
        assert_int_equal(bd_frame_read(&station, f.b, f.len, hint, &out), BD_FRAME_UDP_CHECKSUM);
    }
}

static void knows_served_ports(void **state)
{
    struct bd_station station = make_station();
    struct bd_frame out;
    struct frame f = udp4(10);
    set16(&f, 36, 5061);
    finish(&f, 14, 34, 17, 6);
    assert_int_equal(bd_frame_read(&station, f.b, f.len, no_hint, &out), BD_FRAME_UDP_PORT);
    assert_int_equal(out.destination.port, 5061); /* filled, for the error that goes back */
    station.listen[1] = (struct bd_endpoint){station.listen[0].ip, 5061};
    assert_int_equal(bd_frame_read(&station, f.b, f.len, no_hint, &out), BD_VERDICT_NONE);
    f = udp4(10);
    set16(&f, 34, 0);
    finish(&f, 14, 34, 17, 6);
    expect(&f, BD_FRAME_UDP_PORT); /* from port 0 */
}

/* --- fragments ------------------------------------------------------------------------------ */

static void sees_fragments(void **state)
{
    static const unsigned flags[] = {0x2000, 0x0001, 0x2001, 0x1fff};
    struct bd_frame out;
    for (unsigned i = 0; i < 4; i++) {
        struct frame f = udp4(24);
        set16(&f, 20, flags[i]);
        resum(&f, 14);
        assert_int_equal(read_it(&f, &out), BD_VERDICT_NONE);
        assert_int_equal(out.kind, BD_FRAME_IS_FRAGMENT);
        assert_int_equal(out.l4_off, 34);
    }
    struct frame f = udp4(24);
    set16(&f, 20, 0x4000); /* Don't Fragment is none */
    resum(&f, 14);
    assert_int_equal(read_it(&f, &out), BD_VERDICT_NONE);
    assert_int_equal(out.kind, BD_FRAME_IS_UDP);
}

static void strips_what_precedes_a_fragment(void **state)
{
    static const uint8_t chain[32] = {60, 0, 1, 4, 0, 0, 0, 0, 44, 1, 1, 12, 0, 0, 0, 0,
                                      0,  0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 1,  9, 9, 9, 9};
    struct frame f = udp6(40, 0, chain, sizeof(chain));
    struct frame plain = udp6(40, 44, chain + 24, 8);
    struct bd_frame out, again;
    assert_int_equal(read_it(&f, &out), BD_VERDICT_NONE);
    assert_int_equal(out.kind, BD_FRAME_IS_FRAGMENT);
    assert_int_equal(out.fragment_off, 54 + 24);
    uint32_t surplus = bd_frame_strip_extensions(f.b, &out);
    assert_int_equal(surplus, 24);
    assert_int_equal(out.fragment_off, 54);
    assert_int_equal(out.end, plain.len);
    assert_int_equal(f.len - surplus, plain.len);
    /* The sum was made over another length; all else is as if the headers had never been there. */
    memcpy(plain.b + 62 + 6, f.b + surplus + 62 + 6, 2);
    assert_memory_equal(f.b + surplus, plain.b, plain.len);
    assert_int_equal(read_it(&plain, &again), BD_VERDICT_NONE);
    assert_int_equal(bd_frame_strip_extensions(plain.b, &again), 0);
}

/* --- no over-read --------------------------------------------------------------------------- */

static struct frame good_frame(unsigned i)
{
    static const uint8_t chain[24] = {60, 0, 1, 4, 0, 0, 0,  0, 43, 0,
                                      1,  4, 0, 0, 0, 0, 17, 0, 4,  0};
    static const uint8_t fragment[8] = {17, 0, 0, 1, 9, 9, 9, 9};
    static const uint8_t options[8] = {7, 7, 4, 0, 0, 0, 0, 1};
    struct frame f = {.len = 0};
    switch (i) {
    case 0:
        return udp4(40);
    case 1:
        return udp6(40, 0, chain, sizeof(chain));
    case 2:
        return udp6(40, 44, fragment, sizeof(fragment));
    default:
        put_ether(&f, our_mac, 0, 0x0800);
        uint32_t ip = put_ipv4(&f, "198.18.0.2", "198.18.0.1", 17, options, sizeof(options));
        uint32_t udp = put_udp(&f, 40000, 5060, 21);
        finish(&f, ip, udp, 17, 6);
        return f;
    }
}

static void never_reads_beyond(void **state)
{
    struct guarded g = guarded_new();
    struct bd_station station = make_station();
    struct bd_frame out;
    for (unsigned i = 0; i < 4; i++) {
        struct frame f = good_frame(i);
        for (uint32_t n = 0; n <= f.len; n++) {
            enum bd_verdict got =
                bd_frame_read(&station, guarded_put(&g, f.b, n), n, no_hint, &out);
            assert_true(n == f.len ? got == BD_VERDICT_NONE : got != BD_VERDICT_NONE);
        }
        for (uint32_t at = 0; at < f.len; at++) {
            for (unsigned v = 0; v < 256; v++) {
                struct frame m = f;
                m.b[at] = (uint8_t)v;
                /* Sums believed, so that what lies behind them is reached. */
                struct bd_frame_hint hint = {.flags = 3};
                if (bd_frame_read(&station, guarded_put(&g, m.b, m.len), m.len, hint, &out) ==
                    BD_VERDICT_NONE)
                    assert_true(out.end <= m.len && out.l4_off + out.l4_len <= m.len);
            }
        }
    }
    guarded_delete(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums_of_every_length),
                                       cmocka_unit_test(sums_of_ones_carry),
                                       cmocka_unit_test(reads_a_datagram),
                                       cmocka_unit_test(reads_a_datagram_of_ipv6),
                                       cmocka_unit_test(leaves_padding_out),
                                       cmocka_unit_test(takes_udp_by_its_length),
                                       cmocka_unit_test(skips_options),
                                       cmocka_unit_test(refuses_bad_options),
                                       cmocka_unit_test(walks_extension_headers),
                                       cmocka_unit_test(judges_tags),
                                       cmocka_unit_test(judges_macs),
                                       cmocka_unit_test(judges_types),
                                       cmocka_unit_test(judges_addresses),
                                       cmocka_unit_test(refuses_mapped_addresses),
                                       cmocka_unit_test(knows_point_to_point_links),
                                       cmocka_unit_test(judges_lengths),
                                       cmocka_unit_test(verifies_sums),
                                       cmocka_unit_test(knows_the_zero_sum),
                                       cmocka_unit_test(takes_all_ones_for_zero),
                                       cmocka_unit_test(believes_the_port),
                                       cmocka_unit_test(takes_partial_sums_where_allowed),
                                       cmocka_unit_test(knows_served_ports),
                                       cmocka_unit_test(sees_fragments),
                                       cmocka_unit_test(strips_what_precedes_a_fragment),
                                       cmocka_unit_test(never_reads_beyond)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
