/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is banned, and until when: a table of fixed size in the arena that workers and control share.
 *
 *   region:  bd_bans | buckets of four slots, a cache line each
 *   slot:    prefix:64 | until_s:32 cause:16 tag:16
 *
 * A source is an IPv4 address or the /64 of an IPv6 address: one word. It bans the prefix when the
 * prefix is equal, the tag is the prefix's, and now is before until_s. The second word decides
 * alone: whoever takes a slot moves it by compare-and-swap, from a value that he has seen to be
 * over, or to be the nearest to its end of a full bucket, and then stores the prefix. Between the
 * two the tag belongs to another prefix than the one that stands there, so nobody is banned by the
 * slot. A process that dies there leaves a slot that bans nobody until its time is over.
 *
 * Time is bd_clock_ms() in seconds. Nothing waits, allocates or calls the system; a question costs
 * a hash and one cache line, and one load while no ban is in force. Any thread of either process.
 */
#ifndef BD_BAN_H
#define BD_BAN_H

#include "arena.h"
#include "ip.h"

/* Why: the number of a screening rule, from 1; an operator; failed authentications. */
#define BD_BAN_OPERATOR 0
#define BD_BAN_FAILURES 65535

enum bd_ban_rc {
    BD_BAN_ADDED,
    BD_BAN_KNOWN,    /* was banned, and is at least as long */
    BD_BAN_DISPLACED /* added in the place of another */
};

uint64_t bd_bans_footprint(void);

/* Bans a source from now_s for a time; never shortens a ban. */
enum bd_ban_rc bd_ban_put(const struct bd_arena *arena, const struct bd_ip *source, uint32_t now_s,
                          uint32_t seconds, uint16_t cause);
/* False: it was not banned. */
bool bd_ban_remove(const struct bd_arena *arena, const struct bd_ip *source, uint32_t now_s);

/* Whether any ban may be in force; when false, bd_ban_holds is false for everybody. */
bool bd_bans_any(const struct bd_arena *arena, uint32_t now_s);
bool bd_ban_holds(const struct bd_arena *arena, const struct bd_ip *source, uint32_t now_s);

/* One slot after the other, for lists: i < BD_BANS_MAX. False: the slot bans nobody. */
struct bd_ban {
    struct bd_prefix source;
    uint32_t left_s;
    uint16_t cause;
};
bool bd_ban_at(const struct bd_arena *arena, unsigned i, uint32_t now_s, struct bd_ban *ban);

#endif
