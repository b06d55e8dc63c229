/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring.h"

#include <stddef.h>
#include <string.h>

struct bd_ring {
    /* Written at format time only. */
    _Alignas(64) uint32_t cnt;
    uint32_t elem_sz;
    /* Producer's line. cached_head is some former value of head: it can only make the ring look
     * fuller than it is, so a successor may go on with whatever its predecessor left in it. */
    _Alignas(64) _Atomic uint64_t tail;
    uint64_t cached_head;
    /* Consumer's line; cached_tail likewise can only make the ring look emptier. */
    _Alignas(64) _Atomic uint64_t head;
    uint64_t cached_tail;
    _Alignas(64) uint8_t elems[];
};
_Static_assert(sizeof(struct bd_ring) == 192, "kept in shared memory");
_Static_assert(offsetof(struct bd_ring, head) == 128, "kept in shared memory");

uint64_t bd_ring_footprint(uint32_t cnt, uint32_t elem_sz)
{
    if (cnt == 0 || (cnt & (cnt - 1)) != 0 || elem_sz == 0 || elem_sz % 8 != 0)
        return 0;
    uint64_t bytes = sizeof(struct bd_ring) + (uint64_t)cnt * elem_sz;
    return (bytes + 63) & ~63ULL;
}

void bd_ring_format(void *memory, uint32_t cnt, uint32_t elem_sz)
{
    struct bd_ring *ring = memory;
    memset(ring, 0, sizeof(*ring));
    ring->cnt = cnt;
    ring->elem_sz = elem_sz;
}

static void *elem_at(const struct bd_ring *ring, uint64_t position)
{
    return (uint8_t *)ring->elems + (position & (ring->cnt - 1)) * ring->elem_sz;
}

void *bd_ring_reserve_ahead(struct bd_ring *ring, uint32_t ahead)
{
    uint64_t position = atomic_load_explicit(&ring->tail, memory_order_relaxed) + ahead;
    if (position - ring->cached_head >= ring->cnt) {
        /* Pairs with the release of head: the consumer is done with what lies before it. */
        ring->cached_head = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (position - ring->cached_head >= ring->cnt)
            return NULL;
    }
    return elem_at(ring, position);
}

void *bd_ring_reserve(struct bd_ring *ring)
{
    return bd_ring_reserve_ahead(ring, 0);
}

void bd_ring_publish_many(struct bd_ring *ring, uint32_t cnt)
{
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    /* Pairs with the acquire of tail: the elements are whole before they can be seen. */
    atomic_store_explicit(&ring->tail, tail + cnt, memory_order_release);
}

void bd_ring_publish(struct bd_ring *ring)
{
    bd_ring_publish_many(ring, 1);
}

const void *bd_ring_later(const struct bd_ring *ring, uint32_t ahead)
{
    return elem_at(ring, atomic_load_explicit(&ring->tail, memory_order_relaxed) + ahead);
}

const void *bd_ring_peek(struct bd_ring *ring)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head == ring->cached_tail) {
        ring->cached_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head == ring->cached_tail)
            return NULL;
    }
    return elem_at(ring, head);
}

uint32_t bd_ring_ready(struct bd_ring *ring)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    ring->cached_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return (uint32_t)(ring->cached_tail - head);
}

const void *bd_ring_ahead(const struct bd_ring *ring, uint32_t i)
{
    return elem_at(ring, atomic_load_explicit(&ring->head, memory_order_relaxed) + i);
}

void bd_ring_release_many(struct bd_ring *ring, uint32_t cnt)
{
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    /* Pairs with the producer's acquire of head: the elements have been read. */
    atomic_store_explicit(&ring->head, head + cnt, memory_order_release);
}

void bd_ring_release(struct bd_ring *ring)
{
    bd_ring_release_many(ring, 1);
}

uint32_t bd_ring_used(const struct bd_ring *ring)
{
    /* Head first: it never passes tail, so the difference is never negative. A stranger's two loads
     * may lie far apart, hence the cap. */
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    uint64_t used = tail - head;
    return used < ring->cnt ? (uint32_t)used : ring->cnt;
}

uint32_t bd_ring_size(const struct bd_ring *ring)
{
    return ring->cnt;
}
