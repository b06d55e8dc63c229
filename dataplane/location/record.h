/* SPDX-License-Identifier: BSD-3-Clause */
/* A record: one AoR with all its bindings, in one block of the arena.
 *
 *   +--------+----------------+------------+---------+----------------+-----+
 *   | header | AoR text       | contact 0  | ...     | contact n-1    | texts of each contact ...
 *   +--------+----------------+------------+---------+----------------+-----+
 *
 * Immutable once published, but for a byte that says whether it was marked for the disk, and three
 * atomic words in each contact:
 *   state  sealed:1 | cseq:31 | expires_at_s:32
 *          A refresh is one compare-and-swap of it. A replacer first sets `sealed` on all of the
 *          old record, so no refresh can slip between its copy and its publication. A sealed word
 *          never gets unsealed: whoever meets one replaces the record (no waiting, whoever died).
 *   txn    cseq:31 | branch hash:33
 *          Which transaction wrote that CSeq, so a retransmission is told from a stale request. It
 *          is written before state and only ever raised; it counts only while its CSeq is state's.
 *   repeat fingerprint:44 | expires:20
 *          A Contact header field that is known to ask for just this content, and the interval it
 *          names: the registrar's (repeat.h). It says nothing about the binding that the rest of
 *          the record does not: it may be lost or stale, and a relaxed store sets it at any time.
 *
 * expires_at_s is in seconds of bd_clock_ms(). A binding is there while now_s < expires_at_s. */
#ifndef BD_RECORD_H
#define BD_RECORD_H

#include <stdatomic.h>

#include "ip.h"
#include "limits.h"
#include "str.h"

#define BD_STATE_SEALED (1ULL << 63)

static inline uint64_t bd_state_make(uint32_t cseq, uint32_t expires_at_s)
{
    return ((uint64_t)(cseq & 0x7fffffffU) << 32) | expires_at_s;
}
static inline uint32_t bd_state_cseq(uint64_t state)
{
    return (uint32_t)(state >> 32) & 0x7fffffffU;
}
static inline uint32_t bd_state_expires_at_s(uint64_t state)
{
    return (uint32_t)state;
}
/* branch_hash: any keyed hash of the topmost Via's branch and sent-by. */
static inline uint64_t bd_txn_make(uint32_t cseq, uint64_t branch_hash)
{
    return ((uint64_t)(cseq & 0x7fffffffU) << 33) | (branch_hash & 0x1ffffffffULL);
}
static inline uint32_t bd_txn_cseq(uint64_t txn)
{
    return (uint32_t)(txn >> 33);
}

/* Texts of a binding, in the order they lie in the record. */
enum bd_text {
    BD_TEXT_URI, /* Contact URI as received */
    BD_TEXT_CALL_ID,
    BD_TEXT_PARAMS, /* Contact parameters to give back, without expires and q */
    BD_TEXT_USER_AGENT,
    BD_TEXT_INSTANCE, /* +sip.instance, angle brackets kept */
    BD_TEXT_PATH,     /* Path values, comma-joined */
    BD_TEXT_GRUU,     /* life of the instance's temporary GRUUs: 8 bytes, no text (gruu.h) */
    BD_TEXT_CNT
};

/* A binding outside the arena (to build a record), or a view into a record. */
struct bd_binding {
    struct bd_str text[BD_TEXT_CNT]; /* absent: len 0 */
    uint64_t state;                  /* as loaded; may carry BD_STATE_SEALED */
    uint64_t txn;
    uint64_t repeat;           /* 0: none known */
    struct bd_endpoint source; /* where the REGISTER came from (received) */
    struct bd_endpoint local;  /* where it arrived */
    uint32_t reg_id;           /* 0: none */
    uint32_t created_at_s;     /* bd_clock seconds of the first registration */
    uint16_t q_milli;          /* BD_Q_NONE: not given */
    uint16_t flags;            /* BD_BINDING_... */
};
#define BD_Q_NONE 0xffff
/* The binding came in with verified digest credentials. */
#define BD_BINDING_AUTHENTICATED 0x1
/* The Contact was a sips URI or arrived by a secured transport. */
#define BD_BINDING_SECURE 0x2
/* The Contact URI has the parameter bnc (RFC 6140): it stands for the numbers of a PBX, not for the
 * AoR it is bound to. */
#define BD_BINDING_BULK 0x4

struct bd_record; /* shared layout, private to this folder (layout.h) */

/* Bytes that a record of these bindings takes; 0 when more than BD_RECORD_MAX. */
uint32_t bd_record_sz(struct bd_str aor, const struct bd_binding *bindings, unsigned cnt);
/* Writes it into a block of at least that size, states unsealed. */
void bd_record_write(struct bd_record *record, struct bd_str aor, const struct bd_binding *bindings,
                     unsigned cnt);

struct bd_str bd_record_aor(const struct bd_record *record);
unsigned bd_record_cnt(const struct bd_record *record);
/* The state word of contact i, as loaded. */
uint64_t bd_record_state(const struct bd_record *record, unsigned i);
/* Fills a view; the slices live as long as the caller's epoch line has not been quiescent. */
void bd_record_view(const struct bd_record *record, unsigned i, struct bd_binding *view);
/* Whether all lengths and offsets lie inside `sz` bytes: for rebuild and for tools. */
bool bd_record_valid(const struct bd_record *record, uint32_t sz);

#endif
