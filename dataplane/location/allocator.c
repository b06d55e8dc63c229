/* SPDX-License-Identifier: BSD-3-Clause */
#include "allocator.h"

#include <assert.h>
#include <stdlib.h>

#include "dirty.h"
#include "stats.h"

/* --- classes --------------------------------------------------------------------------------- */

/* With this part of the pages left, and so many for each worker, some are looked for. */
enum { LOW_PART = 32, LOW_EACH = 2 };
enum { BATCH_MAX = 64, LINEAR_LOG2 = 10, STEPS_LOG2 = 3, STEPS = 1 << STEPS_LOG2 };
#define LINEAR_FIRST (BD_CLASS_MIN_SZ / BD_UNIT - 1)                /* subtracted from sz / unit */
#define LINEAR_LAST  (BD_CLASS_LINEAR_MAX / BD_UNIT - LINEAR_FIRST) /* class of 1 KiB */

unsigned bd_class_of(uint32_t sz)
{
    if (sz <= BD_CLASS_MIN_SZ)
        return 1;
    if (sz <= BD_CLASS_LINEAR_MAX)
        return (sz + BD_UNIT - 1) / BD_UNIT - LINEAR_FIRST;
    unsigned log2 = 31U - (unsigned)__builtin_clz(sz - 1);
    unsigned step = (sz - 1 - (1U << log2)) >> (log2 - STEPS_LOG2);
    return LINEAR_LAST + 1 + (log2 - LINEAR_LOG2) * STEPS + step;
}

uint32_t bd_class_sz(unsigned class)
{
    if (class <= LINEAR_LAST)
        return (class + LINEAR_FIRST) * BD_UNIT;
    unsigned above = class - LINEAR_LAST - 1;
    unsigned log2 = LINEAR_LOG2 + above / STEPS;
    return (1U << log2) + ((above % STEPS + 1) << (log2 - STEPS_LOG2));
}

uint32_t bd_class_batch(unsigned class)
{
    uint32_t fit = BD_PAGE_SZ / bd_class_sz(class);
    return fit < BATCH_MAX ? fit : BATCH_MAX;
}

/* --- chains ---------------------------------------------------------------------------------- */

void bd_chain_push(const struct bd_table *table, struct bd_chain *chain, uint64_t off)
{
    *(uint64_t *)(table->records + off) = chain->first;
    chain->first = off;
    chain->cnt++;
}

uint64_t bd_chain_pop(const struct bd_table *table, struct bd_chain *chain)
{
    uint64_t off = chain->first;
    chain->first = *(uint64_t *)(table->records + off);
    chain->cnt--;
    if (chain->first)
        __builtin_prefetch(table->records + chain->first, 1);
    return off;
}

/* --- stacks of nodes ------------------------------------------------------------------------- */

/* A Treiber stack of private nodes. Invariant: a node is in one stack or in one thread's hands.
 * The head carries a tag that grows with each change: a thread that slept between its load of head
 * and its compare-and-swap fails even if the same node is on top again (2^32 changes in between are
 * out of reach). A node's `next` may be read by such a sleeper after the node has left; the value
 * is then thrown away, and the word is atomic, so that is no race. acq_rel: a batch's chain,
 * written before the push, is seen after the pop. */
void bd_node_push(struct bd_memory *memory, _Atomic uint64_t *stack, uint32_t number)
{
    struct bd_depot_node *node = &memory->node[number - 1];
    uint64_t head = atomic_load_explicit(stack, memory_order_relaxed), next;
    do {
        atomic_store_explicit(&node->next, (uint32_t)head, memory_order_relaxed);
        next = ((head >> 32) + 1) << 32 | number;
    } while (!atomic_compare_exchange_weak_explicit(stack, &head, next, memory_order_acq_rel,
                                                    memory_order_relaxed));
}

uint32_t bd_node_pop(struct bd_memory *memory, _Atomic uint64_t *stack)
{
    uint64_t head = atomic_load_explicit(stack, memory_order_acquire), next;
    do {
        uint32_t number = (uint32_t)head;
        if (number == 0)
            return 0;
        next = ((head >> 32) + 1) << 32 |
               atomic_load_explicit(&memory->node[number - 1].next, memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(stack, &head, next, memory_order_acq_rel,
                                                    memory_order_acquire));
    return (uint32_t)head;
}

static void depot_init(struct bd_memory *memory)
{
    for (uint32_t number = memory->node_cnt; number > 0; number--)
        bd_node_push(memory, &memory->idle, number);
}

void bd_depot_put(struct bd_memory *memory, unsigned class, struct bd_chain batch)
{
    uint32_t number = bd_node_pop(memory, &memory->idle);
    /* There is a node for each batch that the region can be cut in. */
    assert(number != 0);
    memory->node[number - 1].chain = batch;
    bd_node_push(memory, &memory->depot[class], number);
    /* Relaxed, here and below: a guess for pages.c. */
    atomic_fetch_add_explicit(&memory->batches[class], 1, memory_order_relaxed);
}

static struct bd_chain depot_take(struct bd_memory *memory, unsigned class)
{
    uint32_t number = bd_node_pop(memory, &memory->depot[class]);
    if (number == 0)
        return (struct bd_chain){0};
    struct bd_chain batch = memory->node[number - 1].chain;
    bd_node_push(memory, &memory->idle, number);
    atomic_fetch_sub_explicit(&memory->batches[class], 1, memory_order_relaxed);
    return batch;
}

/* --- shelves --------------------------------------------------------------------------------- */

/* Pages that wait for a class, about. Relaxed: a guess. */
static uint64_t spare_pages(const struct bd_memory *memory)
{
    uint64_t next = atomic_load_explicit(&memory->page_next, memory_order_relaxed);
    uint64_t uncut = next < memory->page_cnt ? memory->page_cnt - next : 0;
    return uncut + atomic_load_explicit(&memory->empty_cnt, memory_order_relaxed);
}

/* One that nobody has cut, or that a sort has found empty since; 0: there is none. */
static uint64_t take_page(struct bd_memory *memory)
{
    if (atomic_load_explicit(&memory->page_next, memory_order_relaxed) < memory->page_cnt) {
        uint64_t i = atomic_fetch_add_explicit(&memory->page_next, 1, memory_order_relaxed);
        if (i < memory->page_cnt)
            return memory->page[i];
    }
    uint32_t number = bd_node_pop(memory, &memory->empty);
    if (number == 0)
        return 0;
    uint64_t page = memory->node[number - 1].chain.first >> BD_PAGE_LOG2;
    bd_node_push(memory, &memory->idle, number);
    atomic_fetch_sub_explicit(&memory->empty_cnt, 1, memory_order_relaxed);
    return page;
}

static bool fetch_page(struct bd_writer *writer, unsigned class)
{
    struct bd_memory *memory = writer->memory;
    uint64_t page = take_page(memory);
    if (spare_pages(memory) <= memory->low_cnt)
        atomic_store_explicit(&memory->wanted, true, memory_order_relaxed);
    if (page == 0)
        return false;
    /* Before any record of the page can be published: a rebuild trusts no slot without it. */
    atomic_store_explicit(bd_page_class(writer->table, page), (uint8_t) class,
                          memory_order_release);
    struct bd_shelf *shelf = &writer->shelf[class];
    shelf->fresh = page << BD_PAGE_LOG2;
    shelf->fresh_end = shelf->fresh + BD_PAGE_SZ / bd_class_sz(class) * bd_class_sz(class);
    return true;
}

/* From what is cut already. */
static uint64_t take_cut(struct bd_writer *writer, unsigned class)
{
    struct bd_shelf *shelf = &writer->shelf[class];
    if (shelf->hand.cnt == 0) {
        shelf->hand = shelf->spare;
        shelf->spare = (struct bd_chain){0};
    }
    if (shelf->hand.cnt == 0 && shelf->fresh < shelf->fresh_end) {
        uint64_t off = shelf->fresh;
        shelf->fresh += bd_class_sz(class);
        return off;
    }
    if (shelf->hand.cnt == 0)
        shelf->hand = depot_take(writer->memory, class);
    return shelf->hand.cnt ? bd_chain_pop(writer->table, &shelf->hand) : 0;
}

/* Relaxed: a guess, for pages.c. Hardly ever written, as what is in use is noted already. */
static void note_used(struct bd_memory *memory, unsigned class)
{
    if (!atomic_load_explicit(&memory->used[class], memory_order_relaxed))
        atomic_store_explicit(&memory->used[class], true, memory_order_relaxed);
}

uint64_t bd_memory_alloc(struct bd_writer *writer, uint32_t sz)
{
    unsigned class = bd_class_of(sz);
    uint64_t off = take_cut(writer, class);
    if (!off && fetch_page(writer, class))
        off = take_cut(writer, class);
    /* No page is left: a block of up to twice the size will do. */
    uint32_t enough = 2 * bd_class_sz(class);
    while (!off && ++class < BD_CLASS_CNT && bd_class_sz(class) <= enough)
        off = take_cut(writer, class);
    bd_stat_add(&writer->asked, 1);
    if (!off)
        return 0;
    note_used(writer->memory, class);
    bd_stat_add(&writer->books->allocated, 1);
    return off;
}

void bd_memory_give(struct bd_writer *writer, uint64_t off)
{
    unsigned class = atomic_load_explicit(bd_page_class(writer->table, off >> BD_PAGE_LOG2),
                                          memory_order_relaxed);
    struct bd_shelf *shelf = &writer->shelf[class];
    if (shelf->hand.cnt == bd_class_batch(class)) {
        if (shelf->spare.cnt)
            bd_depot_put(writer->memory, class, shelf->spare);
        shelf->spare = shelf->hand;
        shelf->hand = (struct bd_chain){0};
    }
    bd_chain_push(writer->table, &shelf->hand, off);
    bd_stat_add(&writer->books->freed, 1);
}

/* --- making and freeing ----------------------------------------------------------------------- */

/* A node for every batch that can exist: full ones, and of each class some that are just begun: one
 * from a rebuild or a sort; and two from each worker's shelf, at most four times until they are
 * sorted. */
static uint32_t nodes_for(const struct bd_table *table, unsigned workers)
{
    uint32_t per_page = BD_PAGE_SZ / BD_CLASS_MIN_SZ / bd_class_batch(1);
    uint32_t pages = table->shared->page_cnt - table->shared->page_first;
    return pages * per_page + BD_CLASS_CNT * (1 + 8 * workers);
}

static void *aligned_zeroed(uint64_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) & ~63ULL);
    return p ? memset(p, 0, bytes) : NULL;
}

static bool writer_init(struct bd_memory *memory, unsigned worker)
{
    struct bd_writer *writer = &memory->writer[worker];
    const struct bd_arena_header *header = memory->table->arena->header;
    writer->table = memory->table;
    writer->memory = memory;
    writer->books = &memory->table->shared->books[worker];
    writer->intent = &bd_dirty_of(memory->table->arena)->intent[worker].slot;
    writer->generation = (uint16_t)atomic_load(&header->role[BD_ROLE_DATAPLANE].generation);
    writer->worker = worker;
    writer->retire.off = calloc(BD_RETIRE_CNT, sizeof(uint64_t));
    writer->retire.batch = calloc(BD_RETIRE_BATCH_CNT, sizeof(struct bd_retire_batch));
    return writer->retire.off && writer->retire.batch;
}

struct bd_memory *bd_memory_new(struct bd_table *table, unsigned workers)
{
    struct bd_memory *memory = aligned_zeroed(sizeof(*memory));
    if (!memory)
        return NULL;
    memory->table = table;
    memory->workers = workers;
    memory->low_cnt = (table->shared->page_cnt - table->shared->page_first) / LOW_PART +
                      (uint64_t)LOW_EACH * workers;
    memory->node_cnt = nodes_for(table, workers);
    memory->node = calloc(memory->node_cnt, sizeof(struct bd_depot_node));
    memory->page = calloc(table->shared->page_cnt, sizeof(uint32_t));
    memory->sort.held = calloc(table->shared->page_cnt, sizeof(uint16_t));
    memory->writer = aligned_zeroed(workers * sizeof(struct bd_writer));
    bool whole = memory->node && memory->page && memory->sort.held && memory->writer;
    for (unsigned w = 0; whole && w < workers; w++)
        whole = writer_init(memory, w);
    if (whole) {
        depot_init(memory);
        return memory;
    }
    bd_memory_free(memory);
    return NULL;
}

void bd_memory_free(struct bd_memory *memory)
{
    if (!memory)
        return;
    for (unsigned w = 0; memory->writer && w < memory->workers; w++) {
        free(memory->writer[w].retire.off);
        free(memory->writer[w].retire.batch);
    }
    free(memory->writer);
    free(memory->sort.held);
    free(memory->page);
    free(memory->node);
    free(memory);
}

struct bd_writer *bd_memory_writer(struct bd_memory *memory, unsigned worker)
{
    assert(worker < memory->workers);
    return &memory->writer[worker];
}
