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

/* "2001:db8:::192.0.2.1": once more without the third colon. */
static bool ipv6_parse_three_colons(struct bd_str text, struct bd_ip *ip)
{
    const char *colons = memmem(text.p, text.len, ":::", 3);
    return colons && memchr(text.p, '.', text.len) &&
           ipv6_parse(text, (uint32_t)(colons - text.p), 1, ip);
}

/* Apart from the rest, whose frame would have to make room for it. */
__attribute__((noinline)) static const char *ipv6_reference(const char *p, const char *end,
                                                            struct bd_str *text, struct bd_ip *ip)
{
    const char *close = memchr(p, ']', (size_t)(end - p));
    if (!close)
        return NULL;
    struct bd_str inside = bd_slice(p + 1, close);
    if (!bd_ipv6(inside, ip->b) && !ipv6_parse(inside, 0, 0, ip) &&
        !ipv6_parse_three_colons(inside, ip))
        return NULL;
    *text = bd_slice(p, close + 1);
    return close + 1;
}

static inline const char *reference_take(const char *p, const char *end, struct bd_host_to to)
{
    *to.type = BD_HOST_IPV6;
    return ipv6_reference(p, end, to.text, to.ip);
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
        return reference_take(p, end, to);
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

/* What begins at byte n of a look and ends at `stop`, or an IPv6 reference there. */
static inline const char *host_look(const char *p, unsigned n, unsigned stop, const char *end,
                                    struct bd_host_to to)
{
    if (__builtin_expect(stop > n, 1)) {
        if (p + stop > end || !host_take(bd_slice(p + n, p + stop), to))
            return NULL;
        return p + stop;
    }
    return p + n < end && p[n] == '[' ? reference_take(p + n, end, to) : NULL;
}

const char *bd_hostport_look(uint64_t ends, const char *p, unsigned n, const char *end,
                             struct bd_host_to to)
{
    const char *stop = host_look(p, n, bd_lowest_from(ends, n), end, to);
    if (!stop || stop == end || *stop != ':')
        return stop;
    const char *port = stop + 1;
    stop = p + bd_lowest_from(ends, (unsigned)(port - p));
    return stop > port && stop <= end && port_take(bd_slice(port, stop), to.port) ? stop : NULL;
}
