/* SPDX-License-Identifier: BSD-3-Clause */
#include "fragment.h"

#include <rte_cycles.h>
#include <rte_ip_frag.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

_Static_assert(BD_FRAGMENT_PIECES_MAX == RTE_LIBRTE_IP_FRAG_MAX_FRAG, "as DPDK was built");

struct bd_fragments {
    struct rte_ip_frag_tbl *table;
    struct rte_ip_frag_death_row dead;
};

struct bd_fragments *bd_fragments_new(uint32_t max, uint32_t timeout_ms, struct bd_error *error)
{
    enum { BUCKET_ENTRIES = 8 };
    struct bd_fragments *fragments = rte_zmalloc("bd_fragments", sizeof(*fragments), 0);
    if (fragments) {
        uint64_t cycles = rte_get_tsc_hz() / 1000 * timeout_ms;
        /* Twice the entries that may be in use, so that few buckets are full before the table. */
        uint32_t buckets = rte_align32pow2(max < BUCKET_ENTRIES ? 1 : max * 2 / BUCKET_ENTRIES);
        fragments->table =
            rte_ip_frag_table_create(buckets, BUCKET_ENTRIES, max, cycles, SOCKET_ID_ANY);
        if (fragments->table)
            return fragments;
        rte_free(fragments);
    }
    bd_fail(error,
            "dataplane.fragments_max: no memory for %u fragmented packets a worker: raise "
            "memory_mb or lower fragments_max",
            max);
    return NULL;
}

void bd_fragments_delete(struct bd_fragments *fragments)
{
    if (!fragments)
        return;
    rte_ip_frag_table_destroy(fragments->table);
    rte_free(fragments);
}

static void bury(struct bd_fragments *fragments)
{
    if (fragments->dead.cnt > 0)
        rte_ip_frag_free_death_row(&fragments->dead, 0);
}

struct rte_mbuf *bd_fragments_copy(const struct rte_mbuf *packet, struct rte_mempool *pool,
                                   bool *too_large)
{
    struct rte_mbuf *copy = rte_pktmbuf_alloc(pool);
    *too_large = copy && packet->pkt_len > rte_pktmbuf_tailroom(copy);
    if (!copy || *too_large) {
        rte_pktmbuf_free(copy);
        return NULL;
    }
    char *to = rte_pktmbuf_append(copy, (uint16_t)packet->pkt_len);
    for (const struct rte_mbuf *piece = packet; piece; piece = piece->next) {
        memcpy(to, rte_pktmbuf_mtod(piece, const char *), piece->data_len);
        to += piece->data_len;
    }
    return copy;
}

/* Hands one piece to DPDK; NULL when the packet is not complete, or never will be. */
static struct rte_mbuf *reassemble(struct bd_fragments *fragments, struct rte_mbuf *mbuf,
                                   struct bd_frame *frame, uint64_t now_tsc)
{
    mbuf->l2_len = frame->ip_off & 0x7fU; /* a field of 7 bits; 18 at most */
    if (!frame->v6) {
        void *ip = rte_pktmbuf_mtod_offset(mbuf, void *, frame->ip_off);
        mbuf->l3_len = (uint32_t)(frame->l4_off - frame->ip_off) & 0x1ffU;
        return rte_ipv4_frag_reassemble_packet(fragments->table, &fragments->dead, mbuf, now_tsc,
                                               ip);
    }
    uint32_t surplus = bd_frame_strip_extensions(rte_pktmbuf_mtod(mbuf, uint8_t *), frame);
    rte_pktmbuf_adj(mbuf, (uint16_t)surplus);
    void *ip = rte_pktmbuf_mtod_offset(mbuf, void *, frame->ip_off);
    void *header = rte_pktmbuf_mtod_offset(mbuf, void *, frame->fragment_off);
    mbuf->l3_len = BD_IPV6_SZ + BD_IPV6_FRAGMENT_SZ;
    return rte_ipv6_frag_reassemble_packet(fragments->table, &fragments->dead, mbuf, now_tsc, ip,
                                           header);
}

/* DPDK says NULL for "held" and for "dropped": a dropped mbuf stands among the dead. */
static bool is_dead(const struct bd_fragments *fragments, const struct rte_mbuf *mbuf)
{
    for (uint32_t i = 0; i < fragments->dead.cnt; i++) {
        if (fragments->dead.row[i] == mbuf)
            return true;
    }
    return false;
}

enum bd_verdict bd_fragments_add(struct bd_fragments *fragments, struct rte_mbuf *mbuf,
                                 struct bd_frame *frame, uint64_t now_tsc, struct rte_mempool *pool,
                                 struct rte_mbuf **whole)
{
    struct rte_mbuf *chain = reassemble(fragments, mbuf, frame, now_tsc);
    enum bd_verdict verdict = BD_FRAME_FRAGMENT_HELD;
    if (chain) {
        bool too_large;
        *whole = bd_fragments_copy(chain, pool, &too_large);
        verdict = *whole ? BD_VERDICT_NONE : too_large ? BD_FRAME_FRAGMENT_BAD : BD_FRAME_NO_MBUF;
        rte_pktmbuf_free(chain);
    } else if (is_dead(fragments, mbuf)) {
        verdict = BD_FRAME_FRAGMENT_BAD;
    }
    bury(fragments);
    return verdict;
}
