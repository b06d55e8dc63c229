/* SPDX-License-Identifier: BSD-3-Clause */
/* What the journal costs while a worker refreshes bindings: the keeper's share of a core, bytes a
 * second, how long a turn takes, and what a snapshot meanwhile takes.
 *
 *   bench_keeper DIRECTORY [BINDINGS [RATE [FSYNC_MS [SECONDS]]]]
 *   defaults: 1000000 bindings, 1000000 refreshes a second (0: as fast as it goes), 200 ms, 10 s
 *
 * The worker refreshes bindings by chance; the keeper has the process's other thread. FSYNC_MS 0:
 * turn after turn, as with `durability: sync`. The directory must be empty; its files are removed.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../xorshift.h"
#include "clock.h"
#include "journal_files.h"
#include "snapshot.h"
#include "table_lab.h"

enum { KEEPER_LINE = 0, SNAPSHOT_LINE = 1, BURST = 32 };

struct bench {
    struct lab lab;
    struct bd_journal_dir dir;
    uint64_t bindings, rate, fsync_ms, seconds;
    _Atomic bool over;
    uint64_t refreshes, conflicts;
    /* the keeper's */
    uint64_t records, bytes, turns, longest_ns, cpu_ns;
    uint64_t snapshots, snapshot_ns, snapshot_bytes;
};

static struct bd_error error;

static void die(void)
{
    fprintf(stderr, "bench_keeper: %s\n", error.text);
    exit(1);
}

static bool refresh(struct bench *b, struct bd_writer *writer, uint64_t number, uint32_t now_s)
{
    struct bd_slot_ref ref;
    char aor[LAB_AOR_LEN];
    lab_aor(number, aor);
    uint64_t hash = bd_table_hash(&b->lab.table, lab_aor_str(aor));
    if (!bd_table_find(&b->lab.table, hash, lab_aor_str(aor), &ref))
        return false;
    uint64_t state = bd_record_state(ref.record, 0);
    uint32_t cseq = bd_state_cseq(state) + 1;
    return bd_table_refresh(writer, &ref, 0, state, cseq, now_s + 3600,
                            bd_txn_make(cseq, number)) == BD_TABLE_OK;
}

static void *work(void *arg)
{
    struct bench *b = arg;
    struct bd_writer *writer = bd_memory_writer(b->lab.memory, 0);
    uint64_t random = 88172645463325252ULL, began_ns = lab_clock_ns(CLOCK_MONOTONIC);
    bd_writer_online(writer);
    while (!atomic_load_explicit(&b->over, memory_order_relaxed)) {
        uint64_t due = b->rate
                           ? (lab_clock_ns(CLOCK_MONOTONIC) - began_ns) / 1000 * b->rate / 1000000
                           : UINT64_MAX;
        bd_writer_quiescent(writer);
        if (b->refreshes >= due)
            continue;
        uint32_t now_s = (uint32_t)(bd_clock_ms() / 1000);
        for (unsigned i = 0; i < BURST; i++) {
            b->conflicts += !refresh(b, writer, xorshift64(&random) % b->bindings, now_s);
        }
        b->refreshes += BURST;
    }
    bd_writer_offline(writer);
    return NULL;
}

static void fill(struct bench *b)
{
    struct bd_writer *writer = bd_memory_writer(b->lab.memory, 0);
    struct bd_binding binding = lab_binding((uint32_t)(bd_clock_ms() / 1000) + 3600);
    char aor[LAB_AOR_LEN];
    for (uint64_t i = 0; i < b->bindings; i++) {
        struct bd_slot_ref ref;
        lab_aor(i, aor);
        bd_table_find(&b->lab.table, bd_table_hash(&b->lab.table, lab_aor_str(aor)),
                      lab_aor_str(aor), &ref);
        if (bd_table_put(writer, &ref, lab_aor_str(aor), NULL, &binding, 1) != BD_TABLE_OK)
            exit(1);
        bd_writer_quiescent(writer);
    }
    bd_writer_offline(writer);
}

static void take_snapshot(struct bench *b, struct bd_keeper *keeper)
{
    struct bd_snapshot snapshot = {.line = bd_epoch_control(SNAPSHOT_LINE), .generation = 1};
    struct bd_journal_time now = bd_journal_time_read();
    uint64_t began_ns = lab_clock_ns(CLOCK_MONOTONIC);
    int rc;
    if (bd_keeper_rotate(keeper, &now, &error) < 0 ||
        bd_snapshot_open(&snapshot, keeper->table, keeper->dir, keeper->journal.header.number, &now,
                         &error) < 0)
        die();
    while ((rc = bd_snapshot_step(&snapshot, &error)) > 0)
        ;
    if (rc < 0)
        die();
    b->snapshot_bytes = snapshot.bytes;
    b->snapshot_ns = lab_clock_ns(CLOCK_MONOTONIC) - began_ns;
}

static void turn(struct bench *b, struct bd_keeper *keeper)
{
    struct bd_journal_time now = bd_journal_time_read();
    uint64_t began_ns = lab_clock_ns(CLOCK_MONOTONIC);
    uint64_t before = keeper->open ? bd_journal_bytes(&keeper->journal) : 0;
    int64_t records = bd_keeper_turn(keeper, &now, &error);
    if (records < 0)
        die();
    uint64_t took_ns = lab_clock_ns(CLOCK_MONOTONIC) - began_ns;
    b->records += (uint64_t)records;
    b->bytes += bd_journal_bytes(&keeper->journal) - before;
    b->longest_ns = took_ns > b->longest_ns ? took_ns : b->longest_ns;
    b->turns++;
    if (took_ns < b->fsync_ms * 1000000)
        usleep((useconds_t)(b->fsync_ms * 1000 - took_ns / 1000));
}

static void measure(struct bench *b)
{
    struct bd_keeper keeper;
    pthread_t worker;
    bd_keeper_init(&keeper, &b->lab.table, &b->dir, bd_epoch_control(KEEPER_LINE), 1);
    bd_dirty_set_restored(&b->lab.table);
    turn(b, &keeper);
    take_snapshot(b, &keeper);
    printf("snapshot  %.2f s, %.0f MB, %.0f bytes a binding\n", (double)b->snapshot_ns / 1e9,
           (double)b->snapshot_bytes / 1e6, (double)b->snapshot_bytes / (double)b->bindings);
    b->records = b->bytes = b->turns = b->longest_ns = 0;
    pthread_create(&worker, NULL, work, b);
    uint64_t began_ns = lab_clock_ns(CLOCK_MONOTONIC),
             cpu_ns = lab_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    while (lab_clock_ns(CLOCK_MONOTONIC) - began_ns < b->seconds * 1000000000)
        turn(b, &keeper);
    double s = (double)(lab_clock_ns(CLOCK_MONOTONIC) - began_ns) / 1e9;
    b->cpu_ns = lab_clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
    atomic_store(&b->over, true);
    pthread_join(worker, NULL);
    printf("refreshes %.2f M/s; %.0f records/s, %.1f MB/s, %.0f bytes each\n"
           "keeper    %.1f %% of a core; %.0f turns/s, longest %.1f ms\n",
           (double)b->refreshes / 1e6 / s, (double)b->records / s, (double)b->bytes / 1e6 / s,
           (double)b->bytes / (double)b->records, (double)b->cpu_ns / 1e7 / s, (double)b->turns / s,
           (double)b->longest_ns / 1e6);
    struct bd_journal_time now = bd_journal_time_read();
    if (bd_keeper_close(&keeper, &now, &error) < 0 ||
        bd_journal_prune(&b->dir, keeper.given + 1, &error) < 0)
        die();
}

int main(int argc, char **argv)
{
    static struct bench b;
    const uint64_t fallback[] = {1000000, 1000000, 200, 10};
    uint64_t *option[] = {&b.bindings, &b.rate, &b.fsync_ms, &b.seconds};
    if (argc < 2 || argc > 6) {
        fprintf(stderr, "usage: bench_keeper DIRECTORY [BINDINGS [RATE [FSYNC_MS [SECONDS]]]]\n");
        return 2;
    }
    for (int i = 0; i < 4; i++)
        *option[i] = i + 2 < argc ? strtoull(argv[i + 2], NULL, 10) : fallback[i];
    b.dir = (struct bd_journal_dir){&bd_journal_io_posix, argv[1]};
    if (!lab_open(&b.lab, b.bindings, 1, NULL))
        return 1;
    fill(&b);
    measure(&b);
    lab_close(&b.lab);
    return 0;
}
