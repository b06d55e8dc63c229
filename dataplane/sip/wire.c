/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

#include "hex.h"

char *bd_wire_squeeze(char *p, char *end, struct bd_str s)
{
    if (s.len > (size_t)(end - p))
        return NULL;
    bd_copy_exact(p, s.p, s.len);
    return p + s.len;
}

uint32_t bd_wire_u32_text(uint32_t n, char out[10])
{
    uint32_t len = 1;
    for (uint32_t rest = n; rest >= 10; rest /= 10)
        len++;
    for (uint32_t at = len; at-- > 0; n /= 10)
        out[at] = (char)('0' + n % 10);
    return len;
}

uint32_t bd_wire_q_text(uint16_t q_milli, char out[5])
{
    unsigned below_one = q_milli < 1000 ? q_milli : 0;
    out[0] = q_milli < 1000 ? '0' : '1';
    out[1] = '.';
    out[2] = (char)('0' + below_one / 100);
    out[3] = (char)('0' + below_one / 10 % 10);
    out[4] = (char)('0' + below_one % 10);
    uint32_t len = 5;
    while (len > 1 && (out[len - 1] == '0' || out[len - 1] == '.'))
        len--;
    return len;
}

void bd_wire_hex(struct bd_wire *w, const void *p, uint32_t len)
{
    if (w->overflow || 2 * (size_t)len > (size_t)(w->end - w->p)) {
        w->overflow = true;
        return;
    }
    bd_hex_encode(p, len, w->p);
    w->p += 2 * (size_t)len;
}
