/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip.h"

#include "decimal.h"

#include <arpa/inet.h>
#include <stdio.h>

static bool to_zero_terminated(struct bd_str text, char *out, size_t out_sz)
{
    if (text.len == 0 || text.len >= out_sz)
        return false;
    memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    return true;
}

static bool parse_number(struct bd_str text, uint32_t max, uint32_t *value)
{
    if (text.len == 0 || text.len > 5)
        return false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        n = n * 10 + (uint32_t)(text.p[i] - '0');
    }
    *value = n;
    return n <= max;
}

bool bd_ip_parse(struct bd_str text, struct bd_ip *ip)
{
    if (text.len >= 2 && text.p[0] == '[' && text.p[text.len - 1] == ']')
        text = (struct bd_str){text.p + 1, text.len - 2};
    char z[BD_IP_TEXT_MAX];
    if (!to_zero_terminated(text, z, sizeof(z)))
        return false;
    uint8_t four[4];
    if (inet_pton(AF_INET, z, four) == 1) {
        *ip = bd_ip_from_v4(four);
        return true;
    }
    return inet_pton(AF_INET6, z, ip->b) == 1;
}

static bool host_bits_are_zero(const struct bd_prefix *prefix)
{
    for (unsigned bit = prefix->len; bit < 128; bit++) {
        if (prefix->ip.b[bit / 8] & (0x80U >> (bit % 8)))
            return false;
    }
    return true;
}

bool bd_prefix_parse(struct bd_str text, struct bd_prefix *prefix)
{
    const char *slash = text.len ? memchr(text.p, '/', text.len) : NULL;
    struct bd_str address = text;
    if (slash)
        address.len = (uint32_t)(slash - text.p);
    if (!bd_ip_parse(address, &prefix->ip))
        return false;
    prefix->len = 128;
    if (!slash)
        return true;
    struct bd_str length = {slash + 1, text.len - address.len - 1};
    bool v4 = bd_ip_is_v4(&prefix->ip);
    uint32_t bits;
    if (!parse_number(length, v4 ? 32 : 128, &bits))
        return false;
    prefix->len = (uint8_t)(v4 ? bits + 96 : bits);
    return host_bits_are_zero(prefix);
}

bool bd_endpoint_parse(struct bd_str text, struct bd_endpoint *endpoint)
{
    uint32_t colon = text.len;
    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    if (colon < 2)
        return false;
    struct bd_str address = {text.p, colon - 1};
    struct bd_str number = {text.p + colon, text.len - colon};
    if (memchr(address.p, ':', address.len) && address.p[0] != '[')
        return false; /* an IPv6 address wants brackets before a port */
    uint32_t port;
    if (!parse_number(number, 65535, &port) || port == 0)
        return false;
    endpoint->port = (uint16_t)port;
    return bd_ip_parse(address, &endpoint->ip);
}

bool bd_prefix_covers(const struct bd_prefix *prefix, const struct bd_ip *ip)
{
    unsigned whole = prefix->len / 8, rest = prefix->len % 8;
    bool mapped = prefix->len < 96 && bd_ip_is_v4(ip); /* ::/0 is no prefix of IPv4 */
    if (mapped || memcmp(prefix->ip.b, ip->b, whole) != 0)
        return false;
    if (rest == 0)
        return true;
    uint8_t mask = (uint8_t)(0xff00U >> rest);
    return (prefix->ip.b[whole] & mask) == (ip->b[whole] & mask);
}

static char *put_v4(char *p, const uint8_t octets[4])
{
    for (unsigned i = 0; i < 4; i++)
        p += bd_decimal_put_octet(p, octets[i]);
    return p - 1; /* the last dot */
}

/* RFC 5952 4.1, 4.3: no leading zeros, lower case. */
static char *put_group(char *p, unsigned group)
{
    unsigned shift = group > 0xfff ? 12 : group > 0xff ? 8 : group > 0xf ? 4 : 0;
    for (;; shift -= 4) {
        *p++ = "0123456789abcdef"[group >> shift & 15];
        if (shift == 0)
            return p;
    }
}

static unsigned group_of(const uint8_t b[16], unsigned i)
{
    return (unsigned)b[2 * i] << 8 | b[2 * i + 1];
}

struct run {
    unsigned at, cnt;
};

/* RFC 5952 4.2: the longest run of zero groups, the first of equal ones; a single one is none. */
static struct run longest_zeros(const uint8_t b[16])
{
    struct run best = {8, 1}, run = {0, 0};
    for (unsigned i = 0; i < 8; i++) {
        run = group_of(b, i) ? (struct run){i + 1, 0} : (struct run){run.at, run.cnt + 1};
        if (run.cnt > best.cnt)
            best = run;
    }
    return best;
}

static char *put_v6(char *p, const uint8_t b[16])
{
    struct run zeros = longest_zeros(b);
    for (unsigned i = 0; i < 8; i++) {
        if (i == zeros.at) {
            *p++ = ':';
            i += zeros.cnt;
        }
        if (i > 0)
            *p++ = ':';
        if (i == 6 && zeros.at == 0 &&
            zeros.cnt == 6) /* IPv4-compatible (RFC 4291 2.5.5.1): "::192.0.2.1" */
            return put_v4(p, b + 12);
        if (i < 8)
            p = put_group(p, group_of(b, i));
    }
    return p;
}

/* By hand: inet_ntop() goes by way of sprintf(), and replies have an address in them. */
uint32_t bd_ip_format(const struct bd_ip *ip, char out[BD_IP_TEXT_MAX])
{
    char *end = bd_ip_is_v4(ip) ? put_v4(out, ip->b + 12) : put_v6(out, ip->b);
    *end = '\0';
    return (uint32_t)(end - out);
}

uint32_t bd_endpoint_format(const struct bd_endpoint *endpoint, char out[BD_ENDPOINT_TEXT_MAX])
{
    char ip[BD_IP_TEXT_MAX];
    bd_ip_format(&endpoint->ip, ip);
    const char *format = bd_ip_is_v4(&endpoint->ip) ? "%s:%u" : "[%s]:%u";
    return (uint32_t)snprintf(out, BD_ENDPOINT_TEXT_MAX, format, ip, endpoint->port);
}

uint32_t bd_prefix_format(const struct bd_prefix *prefix, char out[BD_ENDPOINT_TEXT_MAX])
{
    char ip[BD_IP_TEXT_MAX];
    bd_ip_format(&prefix->ip, ip);
    unsigned bits = prefix->len - (bd_ip_is_v4(&prefix->ip) ? 96U : 0U);
    return (uint32_t)snprintf(out, BD_ENDPOINT_TEXT_MAX, "%s/%u", ip, bits);
}
