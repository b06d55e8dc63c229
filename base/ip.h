/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses, endpoints and prefixes as plain bytes: safe in shared memory and in keys.
 *
 * An IPv4 address stands in the IPv4-mapped form ::ffff:a.b.c.d, so one 16-byte comparison serves
 * both families. Ports are in host order. May be called from anywhere. */
#ifndef BD_IP_H
#define BD_IP_H

#include "str.h"

#include <endian.h>

struct bd_ip {
    uint8_t b[16];
};
_Static_assert(sizeof(struct bd_ip) == 16, "kept in shared memory");

struct bd_endpoint {
    struct bd_ip ip;
    uint16_t port;
};
_Static_assert(sizeof(struct bd_endpoint) == 18, "kept in shared memory");

/* len counts bits of the 128-bit form: an IPv4 /24 has len 120. */
struct bd_prefix {
    struct bd_ip ip;
    uint8_t len;
};

/* "255.255.255.255" or an IPv6 text, brackets and port and NUL included. */
#define BD_IP_TEXT_MAX       46
#define BD_ENDPOINT_TEXT_MAX 56

static inline bool bd_ip_eq(const struct bd_ip *a, const struct bd_ip *b)
{
    uint64_t x[2], y[2];
    memcpy(x, a, sizeof(x));
    memcpy(y, b, sizeof(y));
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/* "::", RFC 4291 2.5.2. */
static inline bool bd_ip_is_unspecified(const struct bd_ip *ip)
{
    return bd_ip_eq(ip, &(const struct bd_ip){{0}});
}

static inline bool bd_ip_is_v4(const struct bd_ip *ip)
{
    static const uint8_t mapped[4] = {0, 0, 0xff, 0xff};
    uint64_t zero;
    uint32_t then, wanted;
    memcpy(&zero, ip->b, sizeof(zero));
    memcpy(&then, ip->b + 8, sizeof(then));
    memcpy(&wanted, mapped, sizeof(wanted));
    return zero == 0 && then == wanted;
}

/* From four bytes in network order. In two words, as it is read: a load that takes in several
 * stores would wait for them. */
static inline struct bd_ip bd_ip_from_v4(const void *four)
{
    struct bd_ip ip;
    uint32_t v4;
    memcpy(&v4, four, sizeof(v4));
    const uint64_t words[2] = {0, htole64(0xffff0000 | (uint64_t)le32toh(v4) << 32)};
    memcpy(ip.b, words, sizeof(words));
    return ip;
}

/* Reads "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; the whole slice must be the address.
 * An IPv6 text that spells an IPv4-mapped address yields that IPv4 address. False otherwise. */
bool bd_ip_parse(struct bd_str text, struct bd_ip *ip);

/* Reads "ADDRESS" (a host prefix) or "ADDRESS/LEN"; host bits beyond LEN must be zero.
 * False otherwise. */
bool bd_prefix_parse(struct bd_str text, struct bd_prefix *prefix);

/* Reads "ADDRESS:PORT" or "[ADDRESS]:PORT", port 1..65535. False otherwise. */
bool bd_endpoint_parse(struct bd_str text, struct bd_endpoint *endpoint);

/* Of one family only: ::/0 is all of IPv6. */
bool bd_prefix_covers(const struct bd_prefix *prefix, const struct bd_ip *ip);

/* Write the text form, NUL-terminated, IPv6 without brackets (bd_ip) or with (bd_endpoint).
 * Return the length without the NUL. Never fail, no allocation. */
uint32_t bd_ip_format(const struct bd_ip *ip, char out[BD_IP_TEXT_MAX]);
uint32_t bd_endpoint_format(const struct bd_endpoint *endpoint, char out[BD_ENDPOINT_TEXT_MAX]);
uint32_t bd_prefix_format(const struct bd_prefix *prefix, char out[BD_ENDPOINT_TEXT_MAX]);

#endif
