/* SPDX-License-Identifier: BSD-3-Clause */
/* From the table back to the shelves: each worker's queue of records that wait for their grace.
 *
 *   off[]:   head .. batch ends .. closed .. tail
 *
 * One epoch is taken for all that was retired between two calls of bd_writer_quiescent. */
#include "allocator.h"

/* Bound of one turn: some 10 us, about the time of one burst. */
enum { RECLAIM_MAX = 256 };

bool bd_retire_room(const struct bd_writer *writer, unsigned n)
{
    return writer->retire.tail - writer->retire.head + n <= BD_RETIRE_CNT;
}

static void book_retiring(struct bd_writer *writer)
{
    atomic_store_explicit(&writer->books->retiring, writer->retire.tail - writer->retire.head,
                          memory_order_relaxed);
}

void bd_retire(struct bd_writer *writer, uint64_t off)
{
    struct bd_retire *retire = &writer->retire;
    retire->off[retire->tail++ % BD_RETIRE_CNT] = off;
    book_retiring(writer);
}

static void close_batch(struct bd_writer *writer)
{
    struct bd_retire *retire = &writer->retire;
    /* With all batches under way the open one grows on: it only gets its epoch later. */
    if (retire->closed == retire->tail ||
        retire->batch_tail - retire->batch_head == BD_RETIRE_BATCH_CNT)
        return;
    retire->batch[retire->batch_tail++ % BD_RETIRE_BATCH_CNT] =
        (struct bd_retire_batch){bd_epoch_advance(writer->table->epoch), retire->tail};
    retire->closed = retire->tail;
}

/* What passed once has passed for good (epoch.h), so the lines are only read when the last answer
 * does not serve any more. */
static bool passed(struct bd_writer *writer, uint64_t target)
{
    struct bd_retire *retire = &writer->retire;
    if (retire->oldest < target)
        retire->oldest = bd_epoch_oldest(writer->table->epoch);
    return retire->oldest >= target;
}

static void reclaim(struct bd_writer *writer)
{
    struct bd_retire *retire = &writer->retire;
    unsigned budget = RECLAIM_MAX;
    while (budget > 0 && retire->batch_head != retire->batch_tail) {
        const struct bd_retire_batch *batch =
            &retire->batch[retire->batch_head % BD_RETIRE_BATCH_CNT];
        if (!passed(writer, batch->epoch))
            break;
        for (; budget > 0 && retire->head != batch->end; budget--)
            bd_memory_give(writer, retire->off[retire->head++ % BD_RETIRE_CNT]);
        if (retire->head == batch->end)
            retire->batch_head++;
    }
    book_retiring(writer);
}

bool bd_writer_quiescent(struct bd_writer *writer)
{
    close_batch(writer);
    bd_epoch_quiescent(writer->table->epoch, bd_epoch_worker(writer->worker), writer->generation);
    if (writer->retire.batch_head != writer->retire.batch_tail)
        reclaim(writer);
    return atomic_load_explicit(&writer->memory->wanted, memory_order_relaxed) &&
           bd_pages_turn(writer);
}

void bd_writer_offline(struct bd_writer *writer)
{
    bd_writer_quiescent(writer);
    bd_epoch_offline(writer->table->epoch, bd_epoch_worker(writer->worker));
}

void bd_writer_online(struct bd_writer *writer)
{
    bd_epoch_online(writer->table->epoch, bd_epoch_worker(writer->worker), writer->generation);
}
