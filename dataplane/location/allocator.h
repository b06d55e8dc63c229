/* SPDX-License-Identifier: BSD-3-Clause */
/* The allocator of record memory, and the writers that use it. Private to this folder.
 *
 *   region:  pages of 64 KiB; the class byte of a page says how large its blocks are, 0: it is free
 *   class:   multiples of 32 bytes up to 1 KiB, then eight steps a doubling up to 64 KiB
 *
 *   writer's shelf of a class:  hand [<= batch] , spare [<= batch] , fresh part of a page
 *                                     |  full, full                ^ empty
 *                                     v                            |
 *   depot of the class (all writers): stack of full batches       pages that nobody has cut yet
 *
 * Free blocks are chained through their own first word. All bookkeeping is private to the process:
 * what a killed process knew dies with it and the next one rebuilds it from table and class bytes,
 * so no step here has to be crash-proof. A page keeps its class until the next rebuild finds it
 * empty; until then a class without memory helps itself from the next larger ones. */
#ifndef BD_LOCATION_ALLOCATOR_H
#define BD_LOCATION_ALLOCATOR_H

#include "layout.h"

/* Classes count from 1. */
#define BD_CLASS_LINEAR_MAX 1024U
#define BD_CLASS_MIN_SZ     128U
#define BD_CLASS_CNT        78 /* 29 linear, 6 doublings of 8, and number 0 */

unsigned bd_class_of(uint32_t sz);
uint32_t bd_class_sz(unsigned class);
/* Blocks that move between a shelf and the depot together. */
uint32_t bd_class_batch(unsigned class);

struct bd_chain {
    uint64_t first; /* offset; 0: none */
    uint32_t cnt;
};

struct bd_shelf {
    struct bd_chain hand, spare;
    uint64_t fresh, fresh_end; /* blocks of the last page cut that were never given out */
};

/* Records that are out of the table and wait for their grace. Positions only grow. */
#define BD_RETIRE_CNT       (1U << 18)
#define BD_RETIRE_BATCH_CNT 4096U

struct bd_retire {
    uint64_t *off; /* BD_RETIRE_CNT of them */
    uint64_t head, tail;
    uint64_t closed; /* up to here every record belongs to a batch */
    struct bd_retire_batch {
        uint64_t epoch, end;
    } * batch;
    uint64_t batch_head, batch_tail;
    uint64_t oldest; /* what bd_epoch_oldest said last */
};

struct bd_writer {
    _Alignas(64) struct bd_table *table;
    struct bd_memory *memory;
    struct bd_books *books;
    _Atomic uint64_t *intent; /* its own, in the arena (dirty.h) */
    uint16_t generation;
    unsigned worker;
    struct bd_shelf shelf[BD_CLASS_CNT];
    struct bd_retire retire;
};

struct bd_depot_node {
    _Atomic uint32_t next; /* node number + 1; 0: none */
    struct bd_chain chain;
};

struct bd_memory {
    struct bd_table *table;
    unsigned workers;
    struct bd_writer *writer;
    /* Stacks of nodes, tag:32 | node number + 1:32. */
    _Alignas(64) _Atomic uint64_t idle; /* nodes that carry no batch */
    _Alignas(64) _Atomic uint64_t depot[BD_CLASS_CNT];
    struct bd_depot_node *node;
    uint32_t node_cnt;
    /* Pages without a class at rebuild, given out from the front. */
    _Alignas(64) _Atomic uint64_t page_next;
    uint32_t *page;
    uint64_t page_cnt;
};

/* Empty books and writers for a table, no page to cut yet. NULL: no memory. */
struct bd_memory *bd_memory_new(struct bd_table *table, unsigned workers);

/* Chains a block on a chain; takes the first of a non-empty one. */
void bd_chain_push(const struct bd_table *table, struct bd_chain *chain, uint64_t off);
uint64_t bd_chain_pop(const struct bd_table *table, struct bd_chain *chain);

/* A block for sz bytes; 0 when there is none. */
uint64_t bd_memory_alloc(struct bd_writer *writer, uint32_t sz);
/* Gives a block back that no other thread can hold. */
void bd_memory_give(struct bd_writer *writer, uint64_t off);
/* Stocks the depot with a batch, full or begun; for rebuild. */
void bd_depot_put(struct bd_memory *memory, unsigned class, struct bd_chain batch);

/* Whether n more records can be retired now. */
bool bd_retire_room(const struct bd_writer *writer, unsigned n);
/* Hands over a record that was taken out of the table. Assumes room. */
void bd_retire(struct bd_writer *writer, uint64_t off);

/* Lowers a bucket's due_s, and with it its group's; the group's alone. */
void bd_due_lower(const struct bd_table *table, uint32_t bucket, uint32_t expires_at_s);
void bd_group_lower(const struct bd_table *table, uint32_t bucket, uint32_t due_s);

#endif
