/* SPDX-License-Identifier: BSD-3-Clause */
/* Pages that are cut for a class that needs them no more become pages again, while workers run.
 *
 * When few are left, one worker goes through the depots of all classes half of whose blocks are
 * free, or that are out of use, a piece each turn:
 *
 *   takes   all batches of a class in hand, and counts their blocks by page
 *   puts    them back, but for those of pages all of whose blocks it has: nobody else holds any
 *   frees   those pages
 *
 * A page with a block in use, on a shelf, or waiting for its grace period is not complete and stays
 * as it is; so all workers empty their shelves of a class that is sorted. While it is in hand its
 * free blocks are not to be had, which is why one that is well used is let be. */
#include <assert.h>

#include "allocator.h"

/* Bounds of one turn: some 50 us, as each block is a miss that the next one waits for. */
enum { BLOCKS_AT_ONCE = 256, PAGES_AT_ONCE = 4096 };
/* Turns until the next round, at least, and for how many blocks that were looked at: so rounds that
 * find little cost a turn no more than a microsecond. */
enum { TURNS_MIN = 256, BLOCKS_PER_TURN = 8 };
/* A class that has served none of so many requests is out of use. */
enum { ASKED_MIN = 4096 };

static uint64_t page_of(uint64_t off)
{
    return off >> BD_PAGE_LOG2;
}

static uint32_t blocks_of(unsigned class)
{
    return BD_PAGE_SZ / bd_class_sz(class);
}

static void put_chain(struct bd_writer *writer, unsigned class, struct bd_chain *chain)
{
    if (chain->cnt)
        bd_depot_put(writer->memory, class, *chain);
    *chain = (struct bd_chain){0};
}

/* With what was never given out: its page would be kept for ever by who needs no more of the class.
 */
static void empty_shelf(struct bd_writer *writer, unsigned class)
{
    struct bd_shelf *shelf = &writer->shelf[class];
    const uint32_t sz = bd_class_sz(class), batch = bd_class_batch(class);
    put_chain(writer, class, &shelf->spare);
    for (; shelf->fresh < shelf->fresh_end; shelf->fresh += sz) {
        if (shelf->hand.cnt == batch)
            put_chain(writer, class, &shelf->hand);
        bd_chain_push(writer->table, &shelf->hand, shelf->fresh);
    }
    put_chain(writer, class, &shelf->hand);
}

/* The next one of a class that is sorted, as only there batches that are just begun become one
 * again. One a turn: the sort takes more for each class, so it finds what is put ahead of it. */
static void empty_next(struct bd_writer *writer)
{
    while (writer->emptied < BD_CLASS_CNT - 1) {
        unsigned class = ++writer->emptied;
        if (!atomic_load_explicit(&writer->memory->sorts[class], memory_order_relaxed))
            continue;
        empty_shelf(writer, class);
        return;
    }
}

/* --- steps ------------------------------------------------------------------------------------ */

/* The nodes of what is in hand are linked by `next`, which nobody else writes meanwhile. */
static void take_batch(struct bd_memory *memory, struct bd_sort *sort, uint32_t number)
{
    struct bd_depot_node *node = &memory->node[number - 1];
    atomic_fetch_sub_explicit(&memory->batches[sort->class], 1, memory_order_relaxed);
    for (uint64_t off = node->chain.first; off;
         off = *(const uint64_t *)(memory->table->records + off))
        sort->held[page_of(off)]++;
    sort->counted += node->chain.cnt;
    atomic_store_explicit(&node->next, sort->taken, memory_order_relaxed);
    sort->taken = number;
}

/* True: the depot is empty. Relaxed: what others give meanwhile may be taken or not. */
static bool take(struct bd_memory *memory, struct bd_sort *sort)
{
    _Atomic uint64_t *depot = &memory->depot[sort->class];
    uint64_t until = sort->counted + BLOCKS_AT_ONCE;
    uint32_t number;
    while (sort->counted < until && (number = bd_node_pop(memory, depot)) != 0)
        take_batch(memory, sort, number);
    return (uint32_t)atomic_load_explicit(depot, memory_order_relaxed) == 0;
}

static void put_back(struct bd_memory *memory, struct bd_sort *sort, struct bd_chain chain)
{
    while (chain.cnt) {
        uint64_t off = bd_chain_pop(memory->table, &chain);
        if (sort->held[page_of(off)] == sort->blocks)
            continue;
        bd_chain_push(memory->table, &sort->open, off);
        if (sort->open.cnt == sort->batch) {
            bd_depot_put(memory, sort->class, sort->open);
            sort->open = (struct bd_chain){0};
        }
    }
}

static void put(struct bd_writer *writer, struct bd_sort *sort)
{
    struct bd_memory *memory = writer->memory;
    for (unsigned blocks = 0; blocks < BLOCKS_AT_ONCE && sort->taken;) {
        uint32_t number = sort->taken;
        struct bd_depot_node *node = &memory->node[number - 1];
        struct bd_chain chain = node->chain;
        sort->taken = atomic_load_explicit(&node->next, memory_order_relaxed);
        bd_node_push(memory, &memory->idle, number);
        put_back(memory, sort, chain);
        blocks += chain.cnt;
    }
    if (sort->taken)
        return;
    put_chain(writer, sort->class, &sort->open);
    sort->step = BD_SORT_FREES;
    sort->page = memory->table->shared->page_first;
}

/* The stack's push is a release: who gets the page sees it without a class, and nobody chains what
 * lies in it any more. */
static void free_page(struct bd_memory *memory, uint64_t page)
{
    uint32_t number = bd_node_pop(memory, &memory->idle);
    assert(number != 0); /* its batches had one each */
    atomic_store_explicit(bd_page_class(memory->table, page), 0, memory_order_relaxed);
    memory->node[number - 1].chain = (struct bd_chain){.first = page << BD_PAGE_LOG2};
    atomic_fetch_add_explicit(&memory->empty_cnt, 1, memory_order_relaxed);
    bd_node_push(memory, &memory->empty, number);
}

/* False: there are more pages to look at. */
static bool free_pages(struct bd_memory *memory, struct bd_sort *sort)
{
    uint64_t end = memory->table->shared->page_cnt;
    for (unsigned n = 0; n < PAGES_AT_ONCE && sort->page < end; n++, sort->page++) {
        if (sort->held[sort->page] == sort->blocks)
            free_page(memory, sort->page);
        sort->held[sort->page] = 0;
    }
    return sort->page == end;
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* Whether it is time to look which classes are in use. Relaxed: a guess. */
static bool is_time(struct bd_memory *memory)
{
    uint64_t asked = 0;
    for (unsigned w = 0; w < memory->workers; w++)
        asked += atomic_load_explicit(&memory->writer[w].asked, memory_order_relaxed);
    if (asked - memory->sort.asked < ASKED_MIN)
        return false;
    memory->sort.asked = asked;
    return true;
}

static bool is_used(struct bd_memory *memory, unsigned class)
{
    return atomic_exchange_explicit(&memory->used[class], false, memory_order_relaxed);
}

/* Which classes are worth it: those half of whose blocks are free, as far as the depot tells; and
 * those out of use, whose free blocks may all be on the shelves of workers. */
static void choose_classes(struct bd_memory *memory)
{
    bool look = is_time(memory);
    const struct bd_table_shared *shared = memory->table->shared;
    uint64_t pages[UINT8_MAX + 1] = {0};
    for (uint64_t page = shared->page_first; page < shared->page_cnt; page++)
        pages[atomic_load_explicit(bd_page_class(memory->table, page), memory_order_relaxed)]++;
    for (unsigned class = 1; class < BD_CLASS_CNT; class ++) {
        uint64_t batches = atomic_load_explicit(&memory->batches[class], memory_order_relaxed);
        bool half =
            batches && 2 * batches * bd_class_batch(class) >= pages[class] * blocks_of(class);
        bool out_of_use = look && !is_used(memory, class) && pages[class];
        atomic_store_explicit(&memory->sorts[class], half || out_of_use, memory_order_relaxed);
    }
}

/* The next class to take in hand; false: the round is over. */
static bool next_class(struct bd_memory *memory, struct bd_sort *sort)
{
    sort->step = BD_SORT_TAKES;
    do
        sort->class ++;
    while (sort->class < BD_CLASS_CNT &&
           !atomic_load_explicit(&memory->sorts[sort->class], memory_order_relaxed));
    if (sort->class == BD_CLASS_CNT)
        return false;
    sort->blocks = blocks_of(sort->class);
    sort->batch = bd_class_batch(sort->class);
    return true;
}

/* Release; pairs with the next sorter's acquire: the sort is his. */
static void end_round(struct bd_memory *memory, struct bd_sort *sort)
{
    uint64_t wait = sort->counted / BLOCKS_PER_TURN;
    uint64_t turns = atomic_load_explicit(&memory->turns, memory_order_relaxed);
    atomic_store_explicit(&memory->due, turns + (wait > TURNS_MIN ? wait : TURNS_MIN),
                          memory_order_relaxed);
    sort->class = 0;
    atomic_store_explicit(&memory->wanted, false, memory_order_relaxed);
    atomic_store_explicit(&memory->sorter, 0, memory_order_release);
}

static void begin_round(struct bd_writer *writer)
{
    struct bd_memory *memory = writer->memory;
    uint32_t nobody = 0;
    uint64_t turns = atomic_fetch_add_explicit(&memory->turns, 1, memory_order_relaxed);
    if (turns < atomic_load_explicit(&memory->due, memory_order_relaxed) ||
        !atomic_compare_exchange_strong_explicit(&memory->sorter, &nobody, writer->worker + 1,
                                                 memory_order_acquire, memory_order_relaxed))
        return;
    memory->sort.counted = 0;
    choose_classes(memory);
    /* Release; pairs with bd_pages_turn: who sees the round sees its classes, or a later one's. */
    atomic_fetch_add_explicit(&memory->round, 1, memory_order_release);
}

/* With the last piece of a class the first is put back in the same turn: a depot that stood empty
 * for a turn would refuse registrations, with half of its blocks free. */
static void sort_some(struct bd_writer *writer)
{
    struct bd_memory *memory = writer->memory;
    struct bd_sort *sort = &memory->sort;
    if (sort->class == 0 && !next_class(memory, sort)) {
        end_round(memory, sort);
    } else if (sort->step == BD_SORT_TAKES) {
        if (take(memory, sort)) {
            sort->step = BD_SORT_PUTS;
            put(writer, sort);
        }
    } else if (sort->step == BD_SORT_PUTS) {
        put(writer, sort);
    } else if (free_pages(memory, sort) && !next_class(memory, sort)) {
        end_round(memory, sort);
    }
}

bool bd_pages_turn(struct bd_writer *writer)
{
    struct bd_memory *memory = writer->memory;
    const uint32_t self = writer->worker + 1;
    uint32_t sorter = atomic_load_explicit(&memory->sorter, memory_order_relaxed);
    if (sorter == self)
        sort_some(writer);
    else if (sorter == 0)
        begin_round(writer);
    uint32_t round = atomic_load_explicit(&memory->round, memory_order_acquire);
    if (writer->round != round)
        writer->emptied = 0;
    writer->round = round;
    empty_next(writer);
    return atomic_load_explicit(&memory->sorter, memory_order_relaxed) == self;
}
