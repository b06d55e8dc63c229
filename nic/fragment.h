/* SPDX-License-Identifier: BSD-3-Clause */
/* Fragments: reassembly of what comes in pieces (rte_ip_frag), with bounded memory.
 *
 * One table per worker: at most `max` packets in the making, each of at most 8 pieces, each for at
 * most the time-out. What is too old gives way when its place is needed, not before. When the table
 * is full, new fragmented packets are refused until others are complete or too old; unfragmented
 * traffic does not notice. Overlapping pieces never become a packet (RFC 5722). A packet that is
 * complete is copied into one buffer, so that what follows sees contiguous bytes. */
#ifndef BD_FRAGMENT_H
#define BD_FRAGMENT_H

#include "frame.h"
#include "log.h"

struct rte_mbuf;
struct rte_mempool;
struct bd_fragments;

/* Pieces of one packet at most, fixed by DPDK's build. */
enum { BD_FRAGMENT_PIECES_MAX = 8 };

/* Fails when memory is short. */
struct bd_fragments *bd_fragments_new(uint32_t max, uint32_t timeout_ms, struct bd_error *error);
void bd_fragments_delete(struct bd_fragments *fragments);

/* Takes a frame of kind FRAGMENT; owns the mbuf from then on. Returns BD_VERDICT_NONE and the whole
 * packet, a frame in one buffer of `pool`, in *whole; BD_FRAME_FRAGMENT_HELD;
 * BD_FRAME_FRAGMENT_BAD, this piece and those it belongs to being dropped; or BD_FRAME_NO_MBUF. */
enum bd_verdict bd_fragments_add(struct bd_fragments *fragments, struct rte_mbuf *mbuf,
                                 struct bd_frame *frame, uint64_t now_tsc, struct rte_mempool *pool,
                                 struct rte_mbuf **whole);

/* A copy of a packet in one buffer of `pool`, or NULL: no buffer, or larger than one holds
 * (*too_large). The original is not touched. */
struct rte_mbuf *bd_fragments_copy(const struct rte_mbuf *packet, struct rte_mempool *pool,
                                   bool *too_large);

#endif
