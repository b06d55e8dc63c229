/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast the binding table is alone: operations in bursts as a worker makes them, hash and
 * prefetch included, each on an AoR picked at random; the texts of the AoRs are made outside of the
 * time measured.
 *
 *   bench_table [--entries N] [--zipf] [--ops LIST] [--pages 4k|2m|1g] [--threads N] [--curve]
 *
 *   --entries   bindings, one an AoR; 1000000
 *   --zipf      AoRs by Zipf(0.99) instead of uniformly
 *   --ops       of insert,refresh,lookup,view,replace,walks; insert,refresh,lookup
 *   --pages     kind of pages; the largest to be had
 *   --curve     from 10,000 to N (20,000,000 when not given), one table after the other
 *
 * One line a figure: op=refresh entries=10000000 dist=uniform pages=2m ns=87.3 rate=11454753 ... */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table_lab.h"

enum { EXPIRES_S = 3600, THREADS_MAX = 8, AHEAD = 4, CHUNK = 128 * BD_BURST };

static struct lab lab;
static bool zipf;
static const char *ops = "insert,refresh,lookup";

/* --- which AoR ------------------------------------------------------------------------------- */

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dULL;
}

/* Zipf by inversion of the continuous distribution x^-0.99 over [1, n + 1), whose ranks are then
 * spread over the table: what is popular does not lie together. */
static uint64_t zipf_pick(uint64_t random, uint64_t n)
{
    static const double one_less = 1 - 0.99;
    double top = pow((double)n + 1, one_less);
    double u = (double)(random >> 11) * 0x1p-53;
    uint64_t rank = (uint64_t)pow(1 + u * (top - 1), 1 / one_less) - 1;
    return (rank < n ? rank : n - 1) * 2654435761ULL % n;
}

static uint64_t uniform_pick(uint64_t random, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)random * n) >> 64);
}

/* --- the operations -------------------------------------------------------------------------- */

/* One thread's part of a phase. */
struct part {
    struct bd_writer *writer;
    const struct operation *op;
    uint64_t first, cnt; /* its AoRs */
    uint64_t random, failed, ns;
    uint32_t turn;
};

typedef void (*burst_fn)(struct part *, const uint64_t *hash, const char *aor, unsigned n);

static void insert(struct part *p, const uint64_t *hash, const char *aor, unsigned n)
{
    struct bd_binding b = lab_binding(EXPIRES_S);
    for (unsigned i = 0; i < n; i++) {
        struct bd_slot_ref ref = {.hash = hash[i]};
        p->failed += bd_table_put(p->writer, &ref, lab_aor_str(aor + (size_t)i * LAB_AOR_LEN), NULL,
                                  &b, 1) != BD_TABLE_OK;
    }
}

static bool find(const uint64_t *hash, const char *aor, unsigned i, struct bd_slot_ref *ref)
{
    return bd_table_find(&lab.table, hash[i], lab_aor_str(aor + (size_t)i * LAB_AOR_LEN), ref);
}

static void prefetch_rest(const uint64_t *hash, unsigned i, unsigned n)
{
    if (i < n)
        bd_table_prefetch_rest(&lab.table, hash[i]);
}

static void look_up(struct part *p, const uint64_t *hash, const char *aor, unsigned n)
{
    struct bd_slot_ref ref;
    for (unsigned i = 0; i < n; i++)
        p->failed += !find(hash, aor, i, &ref);
}

static void view(struct part *p, const uint64_t *hash, const char *aor, unsigned n)
{
    struct bd_slot_ref ref;
    struct bd_binding seen;
    for (unsigned i = 0; i < AHEAD; i++)
        prefetch_rest(hash, i, n);
    for (unsigned i = 0; i < n; i++) {
        prefetch_rest(hash, i + AHEAD, n);
        bool there = find(hash, aor, i, &ref);
        if (there)
            bd_record_view(ref.record, 0, &seen);
        p->failed += !there || bd_state_cseq(seen.state) == 0;
    }
}

static void refresh(struct part *p, const uint64_t *hash, const char *aor, unsigned n)
{
    struct bd_slot_ref ref;
    for (unsigned i = 0; i < n; i++) {
        bool there = find(hash, aor, i, &ref);
        uint64_t state = there ? bd_record_state(ref.record, 0) : 0;
        uint32_t cseq = bd_state_cseq(state) + 1;
        p->failed +=
            !there || bd_table_refresh(p->writer, &ref, 0, state, cseq, EXPIRES_S + p->turn,
                                       bd_txn_make(cseq, 1)) != BD_TABLE_OK;
    }
}

static void replace(struct part *p, const uint64_t *hash, const char *aor, unsigned n)
{
    struct bd_slot_ref ref;
    struct bd_binding b;
    for (unsigned i = 0; i < AHEAD; i++)
        prefetch_rest(hash, i, n);
    for (unsigned i = 0; i < n; i++) {
        prefetch_rest(hash, i + AHEAD, n);
        bool there = find(hash, aor, i, &ref);
        if (there)
            bd_record_view(ref.record, 0, &b);
        uint64_t seen = b.state;
        p->failed +=
            !there || bd_table_put(p->writer, &ref, lab_aor_str(aor + (size_t)i * LAB_AOR_LEN),
                                   &seen, &b, 1) != BD_TABLE_OK;
    }
}

static const struct operation {
    const char *name;
    burst_fn run;
    bool in_order; /* each AoR once */
} operations[] = {
    {"insert", insert, true}, {"refresh", refresh, false}, {"lookup", look_up, false},
    {"view", view, false},    {"replace", replace, false},
};

/* --- running them ---------------------------------------------------------------------------- */

static unsigned make_chunk(struct part *p, uint64_t done, char *aor)
{
    unsigned n = p->cnt - done < CHUNK ? (unsigned)(p->cnt - done) : CHUNK;
    for (unsigned i = 0; i < n; i++) {
        uint64_t random = random_next(&p->random), number = done + i;
        if (!p->op->in_order)
            number = zipf ? zipf_pick(random, p->cnt) : uniform_pick(random, p->cnt);
        lab_aor(p->first + number, aor + (size_t)i * LAB_AOR_LEN);
    }
    return n;
}

/* As a worker does it: hash all and fetch the buckets, fetch the records, do the work. */
static void run_burst(struct part *p, const char *aor, unsigned n)
{
    uint64_t hash[BD_BURST];
    for (unsigned i = 0; i < n; i++) {
        hash[i] = bd_table_hash(&lab.table, lab_aor_str(aor + (size_t)i * LAB_AOR_LEN));
        bd_table_prefetch_bucket(&lab.table, hash[i]);
    }
    for (unsigned i = 0; i < n; i++)
        bd_table_prefetch_record(&lab.table, hash[i]);
    p->turn++;
    p->op->run(p, hash, aor, n);
    bd_writer_quiescent(p->writer);
}

static void *run_part(void *arg)
{
    struct part *p = arg;
    char *aor = malloc((size_t)CHUNK * LAB_AOR_LEN);
    if (!aor)
        exit(1);
    bd_writer_online(p->writer);
    for (uint64_t done = 0; done < p->cnt; done += CHUNK) {
        unsigned n = make_chunk(p, done, aor);
        uint64_t begin_ns = lab_clock_ns(CLOCK_MONOTONIC);
        for (unsigned i = 0; i < n; i += BD_BURST)
            run_burst(p, aor + (size_t)i * LAB_AOR_LEN, n - i < BD_BURST ? n - i : BD_BURST);
        p->ns += lab_clock_ns(CLOCK_MONOTONIC) - begin_ns;
    }
    bd_writer_offline(p->writer);
    free(aor);
    return NULL;
}

static void tell(const char *name, bool in_order, double ns, double rate, uint64_t failed)
{
    printf("op=%s entries=%" PRIu64 " workers=%u dist=%s pages=%s ns=%.1f rate=%.0f "
           "bytes_per_binding=%.1f failed=%" PRIu64 "\n",
           name, lab.entries, lab.workers, zipf && !in_order ? "zipf" : "uniform", lab.pages, ns,
           rate, lab_bytes_per_binding(&lab), failed);
    fflush(stdout);
}

static void run_operation(const struct operation *op)
{
    struct part part[THREADS_MAX];
    pthread_t thread[THREADS_MAX];
    uint64_t failed = 0, cnt = lab.entries / lab.workers;
    double ns = 0, rate = 0;
    for (unsigned t = 0; t < lab.workers; t++) {
        part[t] = (struct part){.writer = bd_memory_writer(lab.memory, t),
                                .op = op,
                                .first = cnt * t,
                                .cnt = cnt,
                                .random = t + 1};
        pthread_create(&thread[t], NULL, run_part, &part[t]);
    }
    for (unsigned t = 0; t < lab.workers; t++) {
        pthread_join(thread[t], NULL);
        failed += part[t].failed;
        ns += (double)part[t].ns / (double)cnt / lab.workers;
        rate += (double)cnt * 1e9 / (double)part[t].ns;
    }
    tell(op->name, op->in_order, ns, rate, failed);
}

/* --- the walks ------------------------------------------------------------------------------- */

static void tell_walk(const char *name, uint64_t begin_ns)
{
    printf("op=%s entries=%" PRIu64 " workers=1 pages=%s seconds=%.4f\n", name, lab.entries,
           lab.pages, (double)(lab_clock_ns(CLOCK_MONOTONIC) - begin_ns) / 1e9);
}

static bool run_walks(void)
{
    uint64_t begin_ns = lab_clock_ns(CLOCK_MONOTONIC);
    uint32_t cursor = 0, bucket[64];
    unsigned cnt;
    while (bd_table_due(&lab.table, &cursor, UINT32_MAX, 1, bucket, 64, &cnt))
        continue;
    tell_walk("sweep", begin_ns);
    begin_ns = lab_clock_ns(CLOCK_MONOTONIC);
    lab_bytes_per_binding(&lab);
    tell_walk("info", begin_ns);
    begin_ns = lab_clock_ns(CLOCK_MONOTONIC);
    if (!lab_rebuild(&lab))
        return false;
    tell_walk("rebuild", begin_ns);
    return true;
}

static bool wants(const char *name)
{
    size_t len = strlen(name);
    for (const char *p = ops; (p = strstr(p, name)); p += len) {
        if ((p == ops || p[-1] == ',') && (p[len] == ',' || p[len] == 0))
            return true;
    }
    return false;
}

/* An insert comes first, whether its figure is wanted or not: without it there is no table. */
static bool measure(uint64_t entries, unsigned threads, const char *pages)
{
    if (!lab_open(&lab, entries, threads, pages))
        return false;
    for (unsigned i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (operations[i].in_order || wants(operations[i].name))
            run_operation(&operations[i]);
    }
    bool good = !wants("walks") || run_walks();
    lab_close(&lab);
    return good;
}

static bool measure_curve(uint64_t largest, unsigned threads, const char *pages)
{
    bool good = true;
    for (uint64_t n = 10000; good && n < largest; n *= 10) {
        good = measure(n, threads, pages);
        if (good && 3 * n < largest)
            good = measure(3 * n, threads, pages);
    }
    return good && measure(largest, threads, pages);
}

static int usage(void)
{
    fprintf(stderr, "bench_table [--entries N] [--zipf] [--ops LIST] [--pages 4k|2m|1g] "
                    "[--threads N] [--curve]\n");
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option option[] = {{"entries", required_argument, NULL, 'n'},
                                           {"zipf", no_argument, NULL, 'z'},
                                           {"ops", required_argument, NULL, 'o'},
                                           {"pages", required_argument, NULL, 'p'},
                                           {"threads", required_argument, NULL, 't'},
                                           {"curve", no_argument, NULL, 'c'},
                                           {NULL, 0, NULL, 0}};
    uint64_t entries = 0;
    unsigned threads = 1;
    const char *pages = NULL;
    bool curve = false;
    for (int c; (c = getopt_long(argc, argv, "", option, NULL)) != -1;) {
        switch (c) {
        case 'n':
            entries = strtoull(optarg, NULL, 0);
            break;
        case 'z':
            zipf = true;
            break;
        case 'o':
            ops = optarg;
            break;
        case 'p':
            pages = optarg;
            break;
        case 't':
            threads = (unsigned)strtoul(optarg, NULL, 0);
            break;
        case 'c':
            curve = true;
            break;
        default:
            return usage();
        }
    }
    if (optind < argc || threads == 0 || threads > THREADS_MAX)
        return usage();
    if (curve)
        return !measure_curve(entries ? entries : 20000000, threads, pages);
    return !measure(entries ? entries : 1000000, threads, pages);
}
