/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

/* Room for n bytes; NULL and the sticky error when there is none. */
static char *reserve(struct bd_wire *w, uint32_t n)
{
    if (w->overflow || n > (size_t)(w->end - w->p)) {
        w->overflow = true;
        return NULL;
    }
    char *p = w->p;
    w->p += n;
    return p;
}

void bd_wire_put(struct bd_wire *w, struct bd_str s)
{
    char *p = reserve(w, s.len);
    if (p && s.len > 0)
        memcpy(p, s.p, s.len);
}

void bd_wire_char(struct bd_wire *w, char c)
{
    char *p = reserve(w, 1);
    if (p)
        *p = c;
}

void bd_wire_u32(struct bd_wire *w, uint32_t n)
{
    char text[10];
    uint32_t at = sizeof(text);
    do {
        text[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    bd_wire_put(w, (struct bd_str){text + at, (uint32_t)sizeof(text) - at});
}

void bd_wire_hex(struct bd_wire *w, const void *p, uint32_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = p;
    for (uint32_t i = 0; i < len; i++) {
        bd_wire_char(w, digits[bytes[i] >> 4]);
        bd_wire_char(w, digits[bytes[i] & 15]);
    }
}

void bd_wire_q(struct bd_wire *w, uint16_t q_milli)
{
    if (q_milli >= 1000) {
        bd_wire_char(w, '1');
        return;
    }
    bd_wire_char(w, '0');
    unsigned rest = q_milli;
    for (unsigned weight = 100; rest > 0; weight /= 10) {
        if (weight == 100)
            bd_wire_char(w, '.');
        bd_wire_char(w, (char)('0' + rest / weight));
        rest %= weight;
    }
}
