/* SPDX-License-Identifier: BSD-3-Clause */
#include "stun.h"

enum {
    BINDING_REQUEST = 0x0001,
    BINDING_INDICATION = 0x0011,
    BINDING_SUCCESS = 0x0101,
    BINDING_ERROR = 0x0111,
    ATTR_MESSAGE_INTEGRITY = 0x0008,
    ATTR_ERROR_CODE = 0x0009,
    ATTR_UNKNOWN = 0x000a,
    ATTR_INTEGRITY_SHA256 = 0x001c,
    ATTR_XOR_MAPPED_ADDRESS = 0x0020,
    ATTR_OPTIONAL = 0x8000, /* from here on unknown ones are passed over */
    ATTR_FINGERPRINT = 0x8028,
    ATTR_HEADER = 4,
    FINGERPRINT_SZ = 8
};

static const char cookie[4] = "\x21\x12\xa4\x42";

static uint32_t get16(const char *p)
{
    return (uint32_t)(uint8_t)p[0] << 8 | (uint8_t)p[1];
}

static uint32_t get32(const char *p)
{
    return get16(p) << 16 | get16(p + 2);
}

static void put16(struct bd_wire *w, uint32_t n)
{
    bd_wire_char(w, (char)(n >> 8));
    bd_wire_char(w, (char)n);
}

static void put32(struct bd_wire *w, uint32_t n)
{
    put16(w, n >> 16);
    put16(w, n & 0xffff);
}

/* CRC-32 of ITU V.42 (14.7), four bits a step: a few dozen bytes are not worth a larger table. */
static uint32_t crc32(const char *p, uint32_t len)
{
    static const uint32_t step[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                      0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                      0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                      0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = UINT32_MAX;
    for (uint32_t i = 0; i < len; i++) {
        crc ^= (uint8_t)p[i];
        crc = crc >> 4 ^ step[crc & 15];
        crc = crc >> 4 ^ step[crc & 15];
    }
    return ~crc;
}

static uint32_t fingerprint(const char *message, uint32_t len)
{
    return crc32(message, len) ^ 0x5354554eU;
}

/* --- the request ------------------------------------------------------------------------------ */

/* Walks the attributes; begin with the whole of them. */
struct cursor {
    const char *p, *end;
};

static bool next(struct cursor *c, uint32_t *type, struct bd_str *value)
{
    if (c->end - c->p < ATTR_HEADER)
        return false;
    *type = get16(c->p);
    *value = (struct bd_str){c->p + ATTR_HEADER, get16(c->p + 2)};
    uint32_t padded = (value->len + 3) & ~3U;
    if (padded > (size_t)(c->end - value->p))
        return false;
    c->p = value->p + padded;
    return true;
}

/* Comprehension-required attributes that RFC 8489 defines: where this usage has no place for them
 * they are passed over (6.3). */
static bool is_known(uint32_t type)
{
    switch (type) {
    case 0x0001: /* MAPPED-ADDRESS */
    case 0x0006: /* USERNAME */
    case ATTR_MESSAGE_INTEGRITY:
    case ATTR_ERROR_CODE:
    case ATTR_UNKNOWN:
    case 0x0014: /* REALM */
    case 0x0015: /* NONCE */
    case ATTR_INTEGRITY_SHA256:
    case 0x001d: /* PASSWORD-ALGORITHM */
    case 0x001e: /* USERHASH */
    case ATTR_XOR_MAPPED_ADDRESS:
        return true;
    default:
        return type >= ATTR_OPTIONAL;
    }
}

/* What a request holds that its answer depends on. */
struct request {
    const char *buf;
    uint32_t len;
    bool fingerprint;
    unsigned unknown_cnt;
};

/* Calls for each unknown attribute; out may be NULL. What follows a MESSAGE-INTEGRITY is not looked
 * at, but for FINGERPRINT (14.5, 14.6), which comes last of all. False when it is malformed. */
static bool walk(struct request *r, struct bd_wire *out)
{
    struct cursor c = {r->buf + BD_STUN_HEADER, r->buf + r->len};
    uint32_t type;
    struct bd_str value;
    bool signed_part = true;
    while (!r->fingerprint && next(&c, &type, &value)) {
        if (type == ATTR_FINGERPRINT) {
            uint32_t before = (uint32_t)(value.p - ATTR_HEADER - r->buf);
            r->fingerprint = value.len == 4 && get32(value.p) == fingerprint(r->buf, before);
            if (!r->fingerprint)
                return false;
        } else if (signed_part && !is_known(type)) {
            r->unknown_cnt++;
            if (out)
                put16(out, type);
        }
        signed_part &= type != ATTR_MESSAGE_INTEGRITY && type != ATTR_INTEGRITY_SHA256;
    }
    return c.p == c.end;
}

/* --- the response ----------------------------------------------------------------------------- */

static void begin(struct bd_wire *w, uint32_t type, const struct request *r, uint32_t attributes_sz)
{
    put16(w, type);
    put16(w, attributes_sz + (r->fingerprint ? FINGERPRINT_SZ : 0));
    bd_wire_put(w, (struct bd_str){r->buf + 4, BD_STUN_HEADER - 4}); /* cookie, transaction */
}

static void end(struct bd_wire *w, const struct request *r)
{
    if (!r->fingerprint)
        return;
    uint32_t sum = fingerprint(w->begin, bd_wire_len(w));
    put16(w, ATTR_FINGERPRINT);
    put16(w, 4);
    put32(w, sum);
}

/* 14.2: port and address under the magic cookie, and the transaction ID behind it for IPv6. */
static void put_success(struct bd_wire *w, const struct request *r,
                        const struct bd_endpoint *source)
{
    bool v4 = bd_ip_is_v4(&source->ip);
    const uint8_t *address = v4 ? source->ip.b + 12 : source->ip.b;
    uint32_t address_sz = v4 ? 4 : 16;
    begin(w, BINDING_SUCCESS, r, ATTR_HEADER + 4 + address_sz);
    put16(w, ATTR_XOR_MAPPED_ADDRESS);
    put16(w, 4 + address_sz);
    put16(w, v4 ? 1 : 2);
    put16(w, source->port ^ get16(cookie));
    for (uint32_t i = 0; i < address_sz; i++)
        bd_wire_char(w, (char)(address[i] ^ (uint8_t)r->buf[4 + i]));
    end(w, r);
}

/* 6.3.1, 14.8, 14.13: 420 Unknown Attribute. */
static void put_unknown(struct bd_wire *w, struct request *r)
{
    static const struct bd_str phrase = {"Unknown Attribute\0\0", 20};
    uint32_t list_sz = 2 * r->unknown_cnt;
    uint32_t padding = r->unknown_cnt % 2 * 2;
    begin(w, BINDING_ERROR, r, ATTR_HEADER + 4 + phrase.len + ATTR_HEADER + list_sz + padding);
    put16(w, ATTR_ERROR_CODE);
    put16(w, 4 + 17);
    put32(w, 4 << 8 | 20);
    bd_wire_put(w, phrase);
    put16(w, ATTR_UNKNOWN);
    put16(w, list_sz);
    struct request again = {.buf = r->buf, .len = r->len};
    walk(&again, w);
    if (padding)
        put16(w, 0);
    end(w, r);
}

enum bd_verdict bd_stun_answer(const char *buf, uint32_t len, const struct bd_endpoint *source,
                               struct bd_wire *reply)
{
    struct request r = {.buf = buf, .len = len};
    uint32_t type = get16(buf);
    bool asks = type == BINDING_REQUEST;
    if ((!asks && type != BINDING_INDICATION) || get16(buf + 2) != len - BD_STUN_HEADER ||
        !walk(&r, NULL))
        return BD_SIP_STUN_BAD;
    if (!asks)
        return r.unknown_cnt ? BD_SIP_STUN_BAD : BD_SIP_KEEPALIVE;
    if (r.unknown_cnt)
        put_unknown(reply, &r);
    else
        put_success(reply, &r, source);
    if (reply->overflow)
        return BD_SIP_STUN_BAD;
    return r.unknown_cnt ? BD_SIP_STUN_REFUSED : BD_SIP_STUN_BINDING;
}
