/* SPDX-License-Identifier: BSD-3-Clause */
/* The allocator of record memory, and the writers that use it. Private to this folder.
 *
 *   region:  pages of 64 KiB; the class byte of a page says how large its blocks are, 0: it is free
 *   class:   multiples of 32 bytes up to 1 KiB, then eight steps a doubling up to 64 KiB
 *
 *   writer's shelf of a class:  hand [<= batch] , spare [<= batch] , fresh part of a page
 *                                     |  full, full                ^ empty
 *                                     v                            |
 *   depot of the class (all writers): stack of full batches --sort--> pages without a class
 *
 * Free blocks are chained through their own first word. All bookkeeping is private to the process:
 * what a killed process knew dies with it and the next one rebuilds it from table and class bytes,
 * so no step here has to be crash-proof. Phones that change what is kept of them, all of a kind at
 * once, leave one class and fill another: when few pages are left, those all of whose blocks are
 * free are looked for (pages.c). A class that finds none helps itself from the next larger ones. */
#ifndef BD_LOCATION_ALLOCATOR_H
#define BD_LOCATION_ALLOCATOR_H

#include <stdbool.h>

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
    _Atomic uint64_t asked; /* for blocks, so far: written by its worker */
    /* The round of sorts that it empties its shelves for, and up to which class it has. */
    uint32_t round;
    unsigned emptied;
};

struct bd_depot_node {
    _Atomic uint32_t next; /* node number + 1; 0: none */
    struct bd_chain chain;
};

/* A sort under way. It belongs to the worker who holds bd_memory.sorter. */
struct bd_sort {
    enum { BD_SORT_TAKES, BD_SORT_PUTS, BD_SORT_FREES } step;
    unsigned class;
    uint32_t blocks;      /* of a page of the class */
    uint32_t batch;       /* of the class */
    uint32_t taken;       /* first node of the batches in hand; 0: none */
    struct bd_chain open; /* becomes the next batch that goes back */
    uint64_t page;        /* the next one to free */
    uint64_t counted;     /* blocks that were looked at in this round */
    uint64_t asked;       /* of all workers, when it was last looked what is in use */
    uint16_t *held;       /* of each page: its blocks in hand */
};

struct bd_memory {
    struct bd_table *table;
    unsigned workers;
    struct bd_writer *writer;
    /* Stacks of nodes, tag:32 | node number + 1:32. */
    _Alignas(64) _Atomic uint64_t idle; /* nodes that carry no batch */
    _Alignas(64) _Atomic uint64_t depot[BD_CLASS_CNT];
    _Atomic uint64_t empty;                 /* pages without a class since: first of the chain */
    _Atomic uint32_t empty_cnt;             /* of them, about */
    _Atomic uint32_t batches[BD_CLASS_CNT]; /* in the depot, about */
    struct bd_depot_node *node;
    uint32_t node_cnt;
    /* Pages without a class at rebuild, given out from the front. */
    _Alignas(64) _Atomic uint64_t page_next;
    uint32_t *page;
    uint64_t page_cnt;
    uint64_t low_cnt;                             /* with no more pages left */
    _Alignas(64) _Atomic bool used[BD_CLASS_CNT]; /* has served somebody since the last look */
    /* Whether so few are left that some are looked for; the rest changes only then. */
    _Alignas(64) _Atomic bool wanted;
    _Atomic uint32_t round;
    _Atomic bool sorts[BD_CLASS_CNT]; /* the classes of the round */
    _Atomic uint32_t sorter;          /* worker + 1; 0: nobody */
    _Atomic uint64_t turns, due; /* of workers, while pages are wanted; at which a round begins */
    struct bd_sort sort;
};

/* Empty books and writers for a table, no page to cut yet. NULL: no memory. */
struct bd_memory *bd_memory_new(struct bd_table *table, unsigned workers);

/* Chains a block on a chain; takes the first of a non-empty one. */
void bd_chain_push(const struct bd_table *table, struct bd_chain *chain, uint64_t off);
uint64_t bd_chain_pop(const struct bd_table *table, struct bd_chain *chain);

/* The stacks of nodes; pop: 0 when empty. */
void bd_node_push(struct bd_memory *memory, _Atomic uint64_t *stack, uint32_t number);
uint32_t bd_node_pop(struct bd_memory *memory, _Atomic uint64_t *stack);

/* A block for sz bytes; 0 when there is none. */
uint64_t bd_memory_alloc(struct bd_writer *writer, uint32_t sz);
/* Gives a block back that no other thread can hold. */
void bd_memory_give(struct bd_writer *writer, uint64_t off);
/* Stocks the depot with a batch, full or begun; for rebuild. */
void bd_depot_put(struct bd_memory *memory, unsigned class, struct bd_chain batch);

/* One turn of a writer while pages are wanted: empties a shelf that is to be sorted, and does a
 * bounded piece of the sort unless another worker has it in hand. True: this one has, and it is not
 * over. */
bool bd_pages_turn(struct bd_writer *writer);

/* Whether n more records can be retired now. */
bool bd_retire_room(const struct bd_writer *writer, unsigned n);
/* Hands over a record that was taken out of the table. Assumes room. */
void bd_retire(struct bd_writer *writer, uint64_t off);

/* Lowers a bucket's due_s, and with it its group's; the group's alone. */
void bd_due_lower(const struct bd_table *table, uint32_t bucket, uint32_t expires_at_s);
void bd_group_lower(const struct bd_table *table, uint32_t bucket, uint32_t due_s);

#endif
