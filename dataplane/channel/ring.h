/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring in the arena: one producer thread, one consumer thread, elements of fixed size.
 *
 *   producer line: tail (+ its cached head)    consumer line: head (+ its cached tail)    elements
 *
 * Each side writes one counter of its own, and that with one store after the element is whole (or
 * done with). So a side can be killed at any instruction and its successor simply goes on: an
 * element not yet published was never there; one not yet released is seen again, and carries a
 * generation. That is why this is not rte_ring, whose producer moves two counters and may die
 * between them.
 *
 * Memory order: `tail` release pairs with the consumer's acquire, `head` release with the
 * producer's acquire. */
#ifndef BD_RING_H
#define BD_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct bd_ring; /* shared layout, see ring.c */

/* Bytes for cnt elements (a power of two) of elem_sz bytes (a multiple of 8); 0 if invalid. */
uint64_t bd_ring_footprint(uint32_t cnt, uint32_t elem_sz);
void bd_ring_format(void *memory, uint32_t cnt, uint32_t elem_sz);

/* Producer: a place for the next element, or NULL when full; then publish it. */
void *bd_ring_reserve(struct bd_ring *ring);
void bd_ring_publish(struct bd_ring *ring);
/* Producer, to publish several elements at once: the place `ahead` elements after the next one, or
 * NULL when the ring holds no more; and the publication of the cnt next. Each one takes the line of
 * `tail` back from a consumer that looks at it, and the stores behind it wait for that. */
void *bd_ring_reserve_ahead(struct bd_ring *ring, uint32_t ahead);
void bd_ring_publish_many(struct bd_ring *ring, uint32_t cnt);
/* Producer: the place that will be reserved `ahead` elements after the next one, which the consumer
 * may be reading still. Only to fetch it. */
const void *bd_ring_later(const struct bd_ring *ring, uint32_t ahead);

/* Consumer: the oldest element, or NULL when empty; then release it. */
const void *bd_ring_peek(struct bd_ring *ring);
void bd_ring_release(struct bd_ring *ring);
/* Consumer, to work on several elements at once: how many there are, the i-th oldest of them
 * (i < ready), and the release of the cnt oldest. */
uint32_t bd_ring_ready(struct bd_ring *ring);
const void *bd_ring_ahead(const struct bd_ring *ring, uint32_t i);
void bd_ring_release_many(struct bd_ring *ring, uint32_t cnt);

/* Any: elements in it, and how many it holds. */
uint32_t bd_ring_used(const struct bd_ring *ring);
uint32_t bd_ring_size(const struct bd_ring *ring);

#endif
