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
                                                            struct bd_host *host)
{
    const char *close = memchr(p, ']', (size_t)(end - p));
    if (!close)
        return NULL;
    struct bd_str inside = bd_slice(p + 1, close);
    if (inside.len < 2 || !memchr(inside.p, ':', inside.len) || inside.p[0] == '[')
        return NULL;
    if (!ipv6_parse(inside, 0, 0, &host->ip) && !ipv6_parse_three_colons(inside, &host->ip))
        return NULL;
    host->type = BD_HOST_IPV6;
    host->text = bd_slice(p, close + 1);
    return close + 1;
}

const char *bd_host_parse(const struct bd_scan *scan, const char *p, const char *end,
                          struct bd_host *host)
{
    if (p == end)
        return NULL;
    if (*p == '[')
        return ipv6_reference(p, end, host);
    const char *stop = bd_scan_skip(scan, p, end, BD_C_HOST);
    if (stop == p)
        return NULL;
    struct bd_str text = bd_slice(p, stop);
    uint8_t octets[4];
    host->text = text;
    if (bd_is(*p, BD_C_DIGIT) && bd_ipv4(text, octets)) {
        host->type = BD_HOST_IPV4;
        host->ip = bd_ip_from_v4(octets);
        return stop;
    }
    host->type = BD_HOST_NAME;
    return bd_hostname(text) ? stop : NULL;
}

const char *bd_port_parse(const struct bd_scan *scan, const char *p, const char *end,
                          uint16_t *port)
{
    /* Digits are not marked; what stands behind a port is seldom of a host. */
    const char *stop = bd_scan_skip(scan, p, end, BD_C_HOST);
    uint32_t n;
    if (!bd_number(bd_slice(p, stop), &n)) {
        stop = bd_skip(p, end, BD_C_DIGIT);
        if (!bd_number(bd_slice(p, stop), &n))
            return NULL;
    }
    if (n == 0 || n > 65535)
        return NULL;
    *port = (uint16_t)n;
    return stop;
}
