/* SPDX-License-Identifier: BSD-3-Clause */
/* Transactions seen lately: what a transaction layer would know (RFC 3261 17.2.2, Timer J), as far
 * as a registrar needs it. A request that comes again is answered as it was the first time: it
 * draws the same challenge, whose nonce carries its time of issue, and what it has changed is not
 * changed again, even when its bindings are gone by now or belong to a later request.
 *
 *   line (64 bytes): 4 x { transaction hash:64 | first seen, bd_clock_ms:63, done:1 }
 *
 * The oldest of a line's four gives way. An entry counts for 32 s; at more than 2,000 requests a
 * second a worker forgets sooner, and then CSeq and the binding's own transaction word must do. One
 * object a worker thread, 1 MiB: a retransmission comes from the same source, so to the same
 * worker. */
#ifndef BD_RECENT_H
#define BD_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#define BD_RECENT_LINES       16384
#define BD_RECENT_WAYS        4
#define BD_RECENT_LIFETIME_MS 32000

struct bd_recent {
    struct bd_recent_line {
        _Alignas(64) struct bd_recent_entry {
            uint64_t transaction, word;
        } way[BD_RECENT_WAYS];
    } line[BD_RECENT_LINES];
};

/* Fetches the transaction's line into the cache, for writing. Its low bits choose the line. */
static inline void bd_recent_prefetch(const struct bd_recent *recent, uint64_t transaction)
{
    __builtin_prefetch(&recent->line[transaction % BD_RECENT_LINES], 1);
}

/* When a transaction was first seen: now, or less than 32 s ago. */
uint64_t bd_recent_first_ms(struct bd_recent *recent, uint64_t transaction, uint64_t now_ms);

/* Notes that a transaction has changed bindings, and asks for it. */
void bd_recent_set_done(struct bd_recent *recent, uint64_t transaction, uint64_t now_ms);
bool bd_recent_is_done(const struct bd_recent *recent, uint64_t transaction, uint64_t now_ms);

#endif
