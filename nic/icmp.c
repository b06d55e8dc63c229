/* SPDX-License-Identifier: BSD-3-Clause */
#include "icmp.h"

#include "checksum.h"

enum {
    ECHO_REPLY = 0,
    UNREACHABLE = 3,
    ECHO = 8,
    PORT_UNREACHABLE = 3,
    V6_UNREACHABLE = 1,
    V6_PORT_UNREACHABLE = 4,
    V6_ECHO = 128,
    V6_ECHO_REPLY = 129
};

void bd_icmpv6_sum(uint8_t *icmp, uint32_t len, const struct bd_ip *from, const struct bd_ip *to)
{
    bd_put16(icmp + 2, 0);
    uint16_t sum = bd_sum_finish(bd_sum_pseudo(from, to, BD_PROTO_ICMPV6, len), icmp, len);
    memcpy(icmp + 2, &sum, sizeof(sum));
}

static void icmp_sum(uint8_t *icmp, uint32_t len)
{
    bd_put16(icmp + 2, 0);
    uint16_t sum = bd_sum_finish(0, icmp, len);
    memcpy(icmp + 2, &sum, sizeof(sum));
}

enum bd_verdict bd_icmp_echo(uint8_t *icmp, const struct bd_frame *frame)
{
    uint32_t len = frame->l4_len;
    if (len < BD_ICMP_SZ || icmp[0] != (frame->v6 ? V6_ECHO : ECHO) || icmp[1] != 0)
        return BD_FRAME_ICMP_IGNORED;
    const struct bd_ip *us = &frame->destination.ip, *them = &frame->source.ip;
    if (!frame->v6) {
        if (!bd_sum_right(0, icmp, len))
            return BD_FRAME_ICMP_IGNORED;
        icmp[0] = ECHO_REPLY;
        icmp_sum(icmp, len);
        return BD_FRAME_ICMP_ECHO;
    }
    /* An echo to a group, or from nowhere, is not answered. */
    static const struct bd_ip nowhere;
    if (frame->to_group || us->b[0] == 0xff || bd_ip_eq(them, &nowhere) ||
        !bd_sum_right(bd_sum_pseudo(them, us, BD_PROTO_ICMPV6, len), icmp, len))
        return BD_FRAME_ICMP_IGNORED;
    icmp[0] = V6_ECHO_REPLY;
    bd_icmpv6_sum(icmp, len, us, them);
    return BD_FRAME_ICMP_ECHO;
}

uint32_t bd_icmp_unreachable(const uint8_t *bytes, const struct bd_frame *frame,
                             const struct bd_way *way, uint8_t *out)
{
    uint32_t most = frame->v6 ? BD_ICMP_ERROR_MAX - BD_ICMP_SZ : 576 - BD_IPV4_SZ - BD_ICMP_SZ;
    uint32_t carried = frame->end - frame->ip_off;
    if (carried > most)
        carried = most;
    out[0] = frame->v6 ? V6_UNREACHABLE : UNREACHABLE;
    out[1] = frame->v6 ? V6_PORT_UNREACHABLE : PORT_UNREACHABLE;
    bd_put16(out + 2, 0);
    bd_put32(out + 4, 0);
    memcpy(out + BD_ICMP_SZ, bytes + frame->ip_off, carried);
    if (frame->v6)
        bd_icmpv6_sum(out, carried + BD_ICMP_SZ, &way->from, &way->to);
    else
        icmp_sum(out, carried + BD_ICMP_SZ);
    return carried + BD_ICMP_SZ;
}
