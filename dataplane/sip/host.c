/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"
#include "scan.h"

#include <arpa/inet.h>

/* IPv6address, `skip` bytes at `at` left out. */
static bool ipv6_parse(struct bd_str text, uint32_t at, uint32_t skip, struct bd_ip *ip)
{
    char z[BD_IP_TEXT_MAX];
    uint32_t len = text.len - skip;
    if (text.len >= sizeof(z))
        return false;
    memcpy(z, text.p, at);
    memcpy(z + at, text.p + at + skip, len - at);
    z[len] = 0;
    return inet_pton(AF_INET6, z, ip->b) == 1;
}

/* One group of an IPv6 address, 1*4HEXDIG. Returns the byte after it, NULL when there is none. */
static const char *ipv6_group(const char *p, const char *end, uint8_t group[2])
{
    enum { DIGITS_MAX = 4 };
    const char *begin = p;
    unsigned n = 0;
    for (; p < end && p - begin < DIGITS_MAX && bd_is(*p, BD_C_HEX); p++)
        n = n << 4 | bd_hex_value(*p);
    group[0] = (uint8_t)(n >> 8);
    group[1] = (uint8_t)n;
    return p > begin ? p : NULL;
}

/* Eight groups, or fewer and one "::" before, among or behind them. False for anything else, which
 * says nothing about an IPv4 address in their place. */
static bool ipv6_groups(struct bd_str text, struct bd_ip *ip)
{
    enum { GROUPS = 8 };
    uint8_t group[GROUPS][2];
    const char *p = text.p, *end = bd_str_end(text);
    bool gap = memcmp(p, "::", 2) == 0;
    unsigned cnt = 0, before = 0;
    for (p += gap ? 2 : 0; p < end; cnt++) {
        p = cnt < GROUPS ? ipv6_group(p, end, group[cnt]) : NULL;
        if (!p || (p < end && (*p != ':' || ++p == end)))
            return false;
        if (p < end && *p == ':') {
            if (gap)
                return false;
            gap = true;
            before = cnt + 1;
            p++;
        }
    }
    if (gap ? cnt == GROUPS : cnt < GROUPS)
        return false;
    before = gap ? before : GROUPS;
    memset(ip->b, 0, sizeof(ip->b));
    memcpy(ip->b, group, 2 * before);
    memcpy(ip->b + sizeof(ip->b) - 2 * (cnt - before), group + before, 2 * (cnt - before));
    return true;
}

/* "2001:db8:::192.0.2.1": once more without the third colon. */
static bool ipv6_parse_three_colons(struct bd_str text, struct bd_ip *ip)
{
    const char *colons = memmem(text.p, text.len, ":::", 3);
    return colons && memchr(text.p, '.', text.len) &&
           ipv6_parse(text, (uint32_t)(colons - text.p), 1, ip);
}

/* Apart from the rest, whose frame would have to make room for it. */
__attribute__((noinline)) static const char *ipv6_reference(const char *p, const char *end,
                                                            struct bd_host_to to)
{
    const char *close = memchr(p, ']', (size_t)(end - p));
    if (!close)
        return NULL;
    struct bd_str inside = bd_slice(p + 1, close);
    if (inside.len < 2 || !memchr(inside.p, ':', inside.len) || inside.p[0] == '[')
        return NULL;
    if (!ipv6_groups(inside, to.ip) && !ipv6_parse(inside, 0, 0, to.ip) &&
        !ipv6_parse_three_colons(inside, to.ip))
        return NULL;
    *to.type = BD_HOST_IPV6;
    *to.text = bd_slice(p, close + 1);
    return close + 1;
}

/* A host that is no IPv6 address. */
static inline bool host_take(struct bd_str text, struct bd_host_to to)
{
    uint32_t octets;
    *to.text = text;
    if (bd_is(*text.p, BD_C_DIGIT) && bd_ipv4(text, &octets)) {
        *to.type = BD_HOST_IPV4;
        *to.ip = bd_ip_from_v4(&octets);
        return true;
    }
    *to.type = BD_HOST_NAME;
    return bd_hostname(text);
}

static inline bool port_take(struct bd_str text, uint16_t *port)
{
    uint32_t n;
    if (!bd_number(text, &n) || n == 0 || n > 65535)
        return false;
    *port = (uint16_t)n;
    return true;
}

const char *bd_host_parse(const struct bd_scan *scan, const char *p, const char *end,
                          struct bd_host_to to)
{
    if (p == end)
        return NULL;
    if (*p == '[')
        return ipv6_reference(p, end, to);
    const char *stop = bd_scan_skip(scan, p, end, BD_C_HOST);
    return stop > p && host_take(bd_slice(p, stop), to) ? stop : NULL;
}

const char *bd_port_parse(const struct bd_scan *scan, const char *p, const char *end,
                          uint16_t *port)
{
    /* Digits are not marked; what stands behind a port is seldom of a host. */
    const char *stop = bd_scan_skip(scan, p, end, BD_C_HOST);
    if (port_take(bd_slice(p, stop), port))
        return stop;
    stop = bd_skip(p, end, BD_C_DIGIT);
    return port_take(bd_slice(p, stop), port) ? stop : NULL;
}

const char *bd_hostport_look(uint64_t ends, const char *p, unsigned n, const char *end,
                             struct bd_host_to to)
{
    unsigned stop = bd_lowest_from(ends, n);
    if (stop <= n || p + stop > end || !host_take(bd_slice(p + n, p + stop), to))
        return NULL;
    if (p + stop == end || p[stop] != ':')
        return p + stop;
    n = stop + 1;
    stop = bd_lowest_from(ends, n);
    if (stop <= n || p + stop > end || !port_take(bd_slice(p + n, p + stop), to.port))
        return NULL;
    return p + stop;
}
