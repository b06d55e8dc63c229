/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside journal/: numbers and texts as they stand in its files, little endian. */
#ifndef BD_JOURNAL_BYTES_H
#define BD_JOURNAL_BYTES_H

#include <endian.h>
#include <string.h>

#include "str.h"

/* A place in bytes that are written in order: who encodes has made room. */
struct cursor {
    uint8_t *p;
};

/* A place in bytes that are read in order; one that runs out of bytes stays so, and reads zeros. */
struct input {
    const uint8_t *p;
    uint32_t left;
    bool bad;
};

static inline void put_bytes(struct cursor *c, const void *bytes, uint32_t len)
{
    if (len)
        memcpy(c->p, bytes, len);
    c->p += len;
}

static inline void put_u16(struct cursor *c, uint16_t v)
{
    v = htole16(v);
    put_bytes(c, &v, sizeof(v));
}

static inline void put_u32(struct cursor *c, uint32_t v)
{
    v = htole32(v);
    put_bytes(c, &v, sizeof(v));
}

static inline void put_u64(struct cursor *c, uint64_t v)
{
    v = htole64(v);
    put_bytes(c, &v, sizeof(v));
}

/* NULL: so many are not left, and they are more than a number or an address has. */
static inline const uint8_t *get_bytes(struct input *in, uint32_t len)
{
    static const uint8_t zero[16];
    if (in->bad || len > in->left) {
        in->bad = true;
        return len <= sizeof(zero) ? zero : NULL;
    }
    const uint8_t *p = in->p;
    in->p += len;
    in->left -= len;
    return p;
}

static inline uint16_t get_u16(struct input *in)
{
    uint16_t v;
    memcpy(&v, get_bytes(in, sizeof(v)), sizeof(v));
    return le16toh(v);
}

static inline uint32_t get_u32(struct input *in)
{
    uint32_t v;
    memcpy(&v, get_bytes(in, sizeof(v)), sizeof(v));
    return le32toh(v);
}

static inline uint64_t get_u64(struct input *in)
{
    uint64_t v;
    memcpy(&v, get_bytes(in, sizeof(v)), sizeof(v));
    return le64toh(v);
}

static inline struct bd_str get_text(struct input *in, uint16_t len)
{
    const uint8_t *p = len ? get_bytes(in, len) : NULL;
    return in->bad ? BD_STR_NULL : (struct bd_str){(const char *)p, len};
}

#endif
