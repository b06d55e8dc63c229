/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames for tests, built by other means than nic/ has: a plain 16-bit checksum, fields at their
 * offsets. */
#ifndef BD_TEST_FRAMES_H
#define BD_TEST_FRAMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "frame.h"

struct frame {
    uint8_t b[4096];
    uint32_t len;
};

static const uint8_t our_mac[6] = {0x02, 0, 0, 0, 0, 1}, their_mac[6] = {0x02, 0, 0, 0, 0, 2};

static inline struct bd_ip ip_of(const char *text)
{
    struct bd_ip ip;
    assert_true(bd_ip_parse(bd_str_from(text), &ip));
    return ip;
}

/* 198.18.0.1/24 and 2001:db8::1/64, serving 198.18.0.1:5060 and [2001:db8::1]:5060. */
static inline struct bd_station make_station(void)
{
    struct bd_station s = {.address_cnt = 2, .listen_cnt = 2};
    memcpy(s.mac, our_mac, 6);
    s.address[0] = (struct bd_prefix){ip_of("198.18.0.1"), 120};
    s.address[1] = (struct bd_prefix){ip_of("2001:db8::1"), 64};
    s.listen[0] = (struct bd_endpoint){ip_of("198.18.0.1"), 5060};
    s.listen[1] = (struct bd_endpoint){ip_of("2001:db8::1"), 5060};
    return s;
}

static inline void put(struct frame *f, const void *p, uint32_t n)
{
    assert_true(f->len + n <= sizeof(f->b));
    memcpy(f->b + f->len, p, n);
    f->len += n;
}

static inline void put16(struct frame *f, unsigned v)
{
    uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    put(f, b, 2);
}

static inline void set16(struct frame *f, uint32_t at, unsigned v)
{
    f->b[at] = (uint8_t)(v >> 8);
    f->b[at + 1] = (uint8_t)v;
}

/* The sum as RFC 1071 writes it down, in host order. */
static inline uint32_t slow_sum(uint32_t sum, const uint8_t *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += 2) {
        sum += (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0U);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* As a transport checksum sees it: addresses, protocol and length stand before the message. */
static inline uint32_t slow_transport(const struct bd_ip *from, const struct bd_ip *to,
                                      uint8_t protocol, const uint8_t *p, uint32_t n)
{
    uint32_t skip = bd_ip_is_v4(from) ? 12 : 0;
    uint8_t tail[4] = {0, protocol, (uint8_t)(n >> 8), (uint8_t)n};
    uint32_t sum = slow_sum(0, from->b + skip, 16 - skip);
    sum = slow_sum(sum, to->b + skip, 16 - skip);
    sum = slow_sum(sum, tail, 4);
    return slow_sum(sum, p, n);
}

static inline void put_ether(struct frame *f, const uint8_t *to, int tag, unsigned type)
{
    put(f, to, 6);
    put(f, their_mac, 6);
    if (tag >= 0) {
        put16(f, 0x8100);
        put16(f, (unsigned)tag);
    }
    put16(f, type);
}

/* An IPv4 header whose length and sum finish() makes. Returns where it is. */
static inline uint32_t put_ipv4(struct frame *f, const char *from, const char *to, uint8_t protocol,
                                const uint8_t *options, uint32_t options_len)
{
    uint32_t at = f->len;
    uint8_t head[12] = {(uint8_t)(0x45 + options_len / 4), 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0};
    struct bd_ip a = ip_of(from), b = ip_of(to);
    put(f, head, 12);
    put(f, a.b + 12, 4);
    put(f, b.b + 12, 4);
    if (options_len > 0)
        put(f, options, options_len);
    return at;
}

static inline uint32_t put_ipv6(struct frame *f, const char *from, const char *to, uint8_t next,
                                uint8_t hops)
{
    uint32_t at = f->len;
    uint8_t head[8] = {0x60, 0, 0, 0, 0, 0, next, hops};
    /* Read as they stand, so that an IPv4-mapped address can be written too. */
    struct bd_ip a = ip_of(from), b = ip_of(to);
    put(f, head, 8);
    put(f, a.b, 16);
    put(f, b.b, 16);
    return at;
}

static inline uint32_t put_udp(struct frame *f, unsigned from, unsigned to, uint32_t payload)
{
    uint32_t at = f->len;
    put16(f, from);
    put16(f, to);
    put16(f, 8 + payload);
    put16(f, 0);
    for (uint32_t i = 0; i < payload; i++) {
        uint8_t byte = (uint8_t)(i * 31 + 7);
        put(f, &byte, 1);
    }
    return at;
}

/* Fills in the lengths and sums of an IP packet at `ip` whose transport begins at `l4`; the
 * transport's sum stands `sum_at` bytes into it. */
static inline void finish(struct frame *f, uint32_t ip, uint32_t l4, uint8_t protocol,
                          uint32_t sum_at)
{
    struct bd_ip from, to;
    bool v4 = f->b[ip] >> 4 == 4;
    if (v4) {
        from = bd_ip_from_v4(f->b + ip + 12);
        to = bd_ip_from_v4(f->b + ip + 16);
    } else {
        memcpy(from.b, f->b + ip + 8, 16);
        memcpy(to.b, f->b + ip + 24, 16);
    }
    if (protocol == 1) {
        from = to = (struct bd_ip){{0}}; /* ICMP has no pseudo header */
        set16(f, l4 + sum_at, 0);
        set16(f, l4 + sum_at, ~slow_sum(0, f->b + l4, f->len - l4));
    } else {
        set16(f, l4 + sum_at, 0);
        uint32_t sum = slow_transport(&from, &to, protocol, f->b + l4, f->len - l4);
        set16(f, l4 + sum_at, sum == 0xffff ? 0xffff : ~sum);
    }
    if (v4) {
        set16(f, ip + 2, f->len - ip);
        set16(f, ip + 10, 0);
        set16(f, ip + 10, ~slow_sum(0, f->b + ip, (f->b[ip] & 15U) * 4));
    } else {
        set16(f, ip + 4, f->len - ip - 40);
    }
}

/* Makes an IPv4 header's sum right again after a change. */
static inline void resum(struct frame *f, uint32_t ip)
{
    set16(f, ip + 10, 0);
    set16(f, ip + 10, ~slow_sum(0, f->b + ip, (f->b[ip] & 15U) * 4));
}

static inline struct frame udp4(uint32_t payload)
{
    struct frame f = {.len = 0};
    put_ether(&f, our_mac, -1, 0x0800);
    uint32_t ip = put_ipv4(&f, "198.18.0.2", "198.18.0.1", 17, NULL, 0);
    uint32_t udp = put_udp(&f, 40000, 5060, payload);
    finish(&f, ip, udp, 17, 6);
    return f;
}

/* chain: extension headers, the first of type `first`, complete. */
static inline struct frame udp6(uint32_t payload, uint8_t first, const uint8_t *chain, uint32_t n)
{
    struct frame f = {.len = 0};
    put_ether(&f, our_mac, -1, 0x86dd);
    uint32_t ip = put_ipv6(&f, "2001:db8::2", "2001:db8::1", first, 64);
    if (n > 0)
        put(&f, chain, n);
    uint32_t udp = put_udp(&f, 40000, 5060, payload);
    finish(&f, ip, udp, 17, 6);
    return f;
}

/* A copy of bytes that ends at a page nobody may touch. */
struct guarded {
    uint8_t *map;
    size_t page;
};

static inline struct guarded guarded_new(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *map = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map + 2 * page, page, PROT_NONE), 0);
    return (struct guarded){map, page};
}

static inline uint8_t *guarded_put(const struct guarded *g, const uint8_t *p, uint32_t n)
{
    uint8_t *at = g->map + 2 * g->page - n;
    memcpy(at, p, n);
    return at;
}

static inline void guarded_delete(struct guarded *g)
{
    munmap(g->map, 3 * g->page);
}

#endif
