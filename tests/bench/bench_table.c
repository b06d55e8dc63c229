/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast the binding table is: insert, look-up, refresh and replacement in bursts of 32 with
 * prefetch, in random order; then the walks: sweep, `show info`, rebuild.
 *
 *   bench_table [BINDINGS [THREADS [FILE]]]     defaults: 1000000 1, an arena of its own
 *
 * One contact of typical texts each. Say beside a figure: machine, command, kind of pages. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "table.h"

enum { AOR_LEN = 24, EXPIRES_S = 3600, THREADS_MAX = 8 };

static struct bd_arena arena;
static struct bd_table table;
static struct bd_memory *memory;
static uint64_t bindings;
static unsigned threads;

static uint64_t clock_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static void aor_of(uint64_t number, char out[AOR_LEN])
{
    memcpy(out, "u00000000000@example.org", AOR_LEN);
    for (unsigned i = 11; number; i--, number /= 10)
        out[i] = (char)('0' + number % 10);
}

static struct bd_binding typical(void)
{
    static const char text[64] = "sip:4711@198.18.200.200:50600;transport=udp;ob;line=abcdef0";
    return (struct bd_binding){.text = {[BD_TEXT_URI] = {text, 56},
                                        [BD_TEXT_CALL_ID] = {text, 36},
                                        [BD_TEXT_PARAMS] = {text, 40},
                                        [BD_TEXT_USER_AGENT] = {text, 32}},
                               .state = bd_state_make(1, EXPIRES_S),
                               .q_milli = BD_Q_NONE};
}

/* One thread's part of a phase. */
struct part {
    struct bd_writer *writer;
    uint64_t first, cnt; /* its numbers */
    uint64_t random, failed, cpu_ns;
    uint32_t turn;
    void (*body)(struct part *, const uint64_t *hash, char (*aor)[AOR_LEN], unsigned n);
    bool in_order, no_prefetch;
};

static struct bd_str aor_str(const char *aor)
{
    return (struct bd_str){aor, AOR_LEN};
}

static void insert(struct part *p, const uint64_t *hash, char (*aor)[AOR_LEN], unsigned n)
{
    struct bd_binding b = typical();
    for (unsigned i = 0; i < n; i++) {
        struct bd_slot_ref ref = {.hash = hash[i]};
        p->failed += bd_table_put(p->writer, &ref, aor_str(aor[i]), NULL, &b, 1) != BD_TABLE_OK;
    }
}

/* What every phase pays before it comes to the table. */
static void hash_only(struct part *p, const uint64_t *hash, char (*aor)[AOR_LEN], unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p->failed += hash[i] == 0;
}

static void look_up(struct part *p, const uint64_t *hash, char (*aor)[AOR_LEN], unsigned n)
{
    struct bd_slot_ref ref;
    for (unsigned i = 0; i < n; i++)
        p->failed += !bd_table_find(&table, hash[i], aor_str(aor[i]), &ref);
}

static void refresh(struct part *p, const uint64_t *hash, char (*aor)[AOR_LEN], unsigned n)
{
    struct bd_slot_ref ref;
    struct bd_binding view;
    for (unsigned i = 0; i < n; i++) {
        if (!bd_table_find(&table, hash[i], aor_str(aor[i]), &ref)) {
            p->failed++;
            continue;
        }
        bd_record_view(ref.record, 0, &view);
        uint32_t cseq = bd_state_cseq(view.state) + 1;
        p->failed += bd_table_refresh(p->writer, &ref, 0, view.state, cseq, EXPIRES_S + p->turn,
                                      bd_txn_make(cseq, 1)) != BD_TABLE_OK;
    }
}

static void replace(struct part *p, const uint64_t *hash, char (*aor)[AOR_LEN], unsigned n)
{
    struct bd_slot_ref ref;
    struct bd_binding view;
    for (unsigned i = 0; i < n; i++) {
        bd_table_find(&table, hash[i], aor_str(aor[i]), &ref);
        bd_record_view(ref.record, 0, &view);
        uint64_t seen = view.state;
        p->failed += bd_table_put(p->writer, &ref, aor_str(aor[i]), &seen, &view, 1) != BD_TABLE_OK;
    }
}

static void *run_part(void *arg)
{
    struct part *p = arg;
    char aor[BD_BURST][AOR_LEN];
    uint64_t hash[BD_BURST];
    bd_writer_online(p->writer);
    for (uint64_t done = 0; done < p->cnt; done += BD_BURST) {
        unsigned n = p->cnt - done < BD_BURST ? (unsigned)(p->cnt - done) : BD_BURST;
        for (unsigned i = 0; i < n; i++) {
            p->random = p->random * 6364136223846793005ULL + 1442695040888963407ULL;
            uint64_t step = p->in_order ? done + i : (p->random >> 32) * p->cnt >> 32;
            aor_of(p->first + step, aor[i]);
            hash[i] = bd_table_hash(&table, aor_str(aor[i]));
            if (!p->no_prefetch)
                bd_table_prefetch_bucket(&table, hash[i]);
        }
        for (unsigned i = 0; i < n && !p->no_prefetch; i++)
            bd_table_prefetch_record(&table, hash[i]);
        p->turn = (uint32_t)(done / BD_BURST);
        p->body(p, hash, aor, n);
        bd_writer_quiescent(p->writer);
    }
    bd_writer_offline(p->writer);
    p->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static void phase(const char *name, bool in_order, __typeof__(((struct part *)0)->body) body)
{
    struct part part[THREADS_MAX];
    pthread_t thread[THREADS_MAX];
    uint64_t begin = now_ns(), failed = 0, cpu_ns = 0;
    for (unsigned t = 0; t < threads; t++) {
        part[t] = (struct part){.writer = bd_memory_writer(memory, t),
                                .first = bindings / threads * t,
                                .cnt = bindings / threads,
                                .random = t + 1,
                                .body = body,
                                .in_order = in_order,
                                .no_prefetch = body == hash_only};
        pthread_create(&thread[t], NULL, run_part, &part[t]);
    }
    for (unsigned t = 0; t < threads; t++) {
        pthread_join(thread[t], NULL);
        failed += part[t].failed;
        cpu_ns += part[t].cpu_ns;
    }
    uint64_t ns = now_ns() - begin, cnt = bindings / threads * threads;
    printf("%-9s %6.2f M/s   %6.1f ns of processor time each   %" PRIu64 " failed\n", name,
           (double)cnt * 1e3 / (double)ns, (double)cpu_ns / (double)cnt, failed);
}

static void walks(void)
{
    uint64_t begin = now_ns();
    uint32_t cursor = 0, bucket[64];
    unsigned cnt;
    while (bd_table_due(&table, &cursor, UINT32_MAX, 1, bucket, 64, &cnt))
        continue;
    printf("sweep     %6.1f ms\n", (double)(now_ns() - begin) / 1e6);
    begin = now_ns();
    struct bd_table_info info;
    bd_table_info(&table, bd_epoch_control(0), 1, &info);
    bd_epoch_offline(table.epoch, bd_epoch_control(0));
    printf("info      %6.1f ms   %" PRIu64 " live, %" PRId64 " leaked, %.1f bytes a binding\n",
           (double)(now_ns() - begin) / 1e6, info.slots_live, info.records_leaked,
           (double)(info.record_bytes_carved + info.slots * 64 / BD_TABLE_SLOTS) /
               (double)info.contacts);
}

static void rebuild(struct bd_error *error)
{
    bd_memory_free(memory);
    uint64_t begin = now_ns();
    memory = bd_memory_rebuild(&table, threads, error);
    if (!memory) {
        fprintf(stderr, "%s\n", error->text);
        exit(1);
    }
    printf("rebuild   %6.1f ms\n", (double)(now_ns() - begin) / 1e6);
}

static void format(struct bd_arena *a, const void *arg)
{
    bd_table_format(a, bindings);
}

int main(int argc, char **argv)
{
    struct bd_error error;
    bindings = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000;
    threads = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 1;
    if (threads == 0 || threads > THREADS_MAX)
        return 2;
    struct bd_arena_params params = {
        .region_sz = {[BD_REGION_TABLE] = bd_table_footprint(bindings),
                      [BD_REGION_RECORDS] = bd_records_footprint(bindings, 288)},
        .format = format};
    uint64_t begin = now_ns();
    if (bd_arena_join(&arena, argc > 3 ? argv[3] : NULL, "bindery-bench", BD_ROLE_DATAPLANE,
                      &params, &error) < 0 ||
        bd_table_join(&table, &arena, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    if (arena.created)
        unlink(arena.path);
    printf("%" PRIu64 " bindings, %u thread(s), %" PRIu64 " MiB on %s, joined in %.0f ms\n",
           bindings, threads, arena.size >> 20, arena.huge ? "hugepages" : "small pages",
           (double)(now_ns() - begin) / 1e6);
    rebuild(&error);
    phase("insert", true, insert);
    phase("hash", false, hash_only);
    phase("look-up", false, look_up);
    phase("refresh", false, refresh);
    phase("replace", false, replace);
    walks();
    rebuild(&error);
    bd_memory_free(memory);
    bd_arena_leave(&arena);
    return 0;
}
