/* SPDX-License-Identifier: BSD-3-Clause */
/* Record memory that grows old: phones that change their size, and workers that share what one of
 * them gives back. */
#include <pthread.h>

#include "table_fixture.h"

enum { BINDINGS_MAX = 20000, TURNS = 16 };

struct fleet {
    struct fixture f;
    struct bd_writer *writer;
};

/* A phone with so much of text. Workers turn much more often than a phone registers. */
static unsigned put_phone(struct fleet *fleet, unsigned number, uint32_t text_len)
{
    static char text[BD_CONTACT_URI_MAX];
    struct fixture_aor aor;
    struct bd_binding b = {.state = bd_state_make(1, 1000), .text[0] = {text, text_len}};
    fixture_aor(&fleet->f.table, number, &aor);
    enum bd_table_rc rc = fixture_put(&fleet->f.table, fleet->writer, &aor, &b, text_len ? 1 : 0);
    for (unsigned i = 0; i < TURNS; i++)
        bd_writer_quiescent(fleet->writer);
    return rc != BD_TABLE_OK;
}

/* All of them, in an order that has nothing to do with where they lie. */
static unsigned put_all(struct fleet *fleet, uint32_t text_len)
{
    unsigned refused = 0;
    for (unsigned n = 0; n < BINDINGS_MAX; n++)
        refused += put_phone(fleet, n * 7919U % BINDINGS_MAX, text_len);
    return refused;
}

static void open_fleet(struct fleet *fleet)
{
    fixture_open(&fleet->f, BINDINGS_MAX, 1);
    fleet->writer = bd_memory_writer(fleet->f.memory, 0);
    bd_writer_online(fleet->writer);
}

/* There is room for what they are and what they become, and not for all that they ever were. */
static void phones_grow_again_and_again(void **state)
{
    struct fleet fleet;
    open_fleet(&fleet);
    for (uint32_t len = 200; len < 500; len += 33)
        assert_int_equal(put_all(&fleet, len), 0);
    assert_int_equal(fixture_info(&fleet.f.table).slots_live, BINDINGS_MAX);
    assert_int_equal(fixture_info(&fleet.f.table).records_leaked, 0);
    fixture_rebuild(&fleet.f, 1);
    fixture_check_blocks(&fleet.f);
    fixture_close(&fleet.f);
}

static void others_come_when_all_have_gone(void **state)
{
    struct fleet fleet;
    open_fleet(&fleet);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(put_all(&fleet, 300), 0);
        put_all(&fleet, 0);
        assert_int_equal(put_all(&fleet, BD_CONTACT_URI_MAX), 0);
        put_all(&fleet, 0);
    }
    fixture_close(&fleet.f);
}

/* --- several workers -------------------------------------------------------------------------- */

enum { WORKERS = 3, HELD_MAX = 3000, OPERATIONS = 60000, PHASE = 10000 };

struct worker {
    struct fixture *f;
    struct bd_writer *writer;
    uint64_t random, refused;
    struct {
        uint64_t off;
        uint32_t sz;
    } held[HELD_MAX];
    unsigned cnt, torn;
    pthread_t thread;
};

/* Each block has its owner's mark at both ends, and somebody else's if it was given out twice. */
static uint64_t *end_of(const struct worker *w, unsigned i)
{
    return (uint64_t *)(w->f->table.records + w->held[i].off + w->held[i].sz) - 1;
}
static uint64_t *begin_of(const struct worker *w, unsigned i)
{
    return (uint64_t *)(w->f->table.records + w->held[i].off);
}

static void take_one(struct worker *w, uint32_t sz)
{
    uint64_t off = bd_memory_alloc(w->writer, sz);
    if (off == 0) {
        w->refused++;
        return;
    }
    w->held[w->cnt].off = off;
    w->held[w->cnt].sz = sz;
    *begin_of(w, w->cnt) = *end_of(w, w->cnt) = (uintptr_t)w ^ off;
    w->cnt++;
}

static void give_one(struct worker *w, unsigned i)
{
    uint64_t mark = (uintptr_t)w ^ w->held[i].off;
    w->torn += *begin_of(w, i) != mark || *end_of(w, i) != mark;
    bd_memory_give(w->writer, w->held[i].off);
    w->held[i] = w->held[--w->cnt];
}

/* Sizes around one that is another in each phase, so that classes fill and empty. */
static void *work(void *arg)
{
    static const uint32_t size[] = {3000, 2000, 3600, 1600, 4096, 2600};
    struct worker *w = arg;
    for (unsigned n = 0; n < OPERATIONS; n++) {
        uint32_t draw = (uint32_t)(fixture_random(&w->random) >> 32);
        uint32_t sz = (size[n / PHASE] + draw % 512) & ~7U;
        if (w->cnt == HELD_MAX || (w->cnt && draw >> 16 & 1))
            give_one(w, (draw >> 17) % w->cnt);
        if (w->cnt < HELD_MAX)
            take_one(w, sz);
        bd_writer_quiescent(w->writer);
    }
    while (w->cnt)
        give_one(w, w->cnt - 1);
    return NULL;
}

/* Pages that can be had when all blocks have been given back. */
static uint64_t count_pages(struct bd_memory *memory)
{
    uint64_t pages = 0;
    for (unsigned tries = 0; tries < 30000; tries++) {
        for (unsigned i = 0; i < WORKERS; i++)
            bd_writer_quiescent(bd_memory_writer(memory, i));
        pages += bd_memory_alloc(bd_memory_writer(memory, 0), BD_RECORD_MAX) != 0;
    }
    return pages;
}

static void workers_share_the_pages(void **state)
{
    static struct worker worker[WORKERS];
    struct fixture f;
    uint64_t seed = fixture_seed("workers_share_the_pages");
    fixture_open(&f, 1000, WORKERS);
    memset(worker, 0, sizeof(worker));
    for (unsigned i = 0; i < WORKERS; i++) {
        worker[i].f = &f;
        worker[i].writer = bd_memory_writer(f.memory, i);
        worker[i].random = seed + i;
        assert_int_equal(pthread_create(&worker[i].thread, NULL, work, &worker[i]), 0);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        pthread_join(worker[i].thread, NULL);
        assert_int_equal(worker[i].torn, 0);
        print_message("refused %llu of %d\n", (unsigned long long)worker[i].refused, OPERATIONS);
    }
    print_message("rounds %u\n", f.memory->round);
    assert_true(f.memory->round > 0);
    /* All but those that a worker has cut a part of. */
    uint64_t all = f.table.shared->page_cnt - f.table.shared->page_first;
    assert_in_range(count_pages(f.memory), all * 3 / 4, all);
    fixture_close(&f);
}

/* --- what is free is to be had ---------------------------------------------------------------- */

enum { PHONE_SZ = 384, OTHER_SZ = 2000, BURST = 32, WAITING_MAX = 8 * BURST, BLOCKS_MAX = 1 << 16 };

/* Blocks in use, and those that wait for their grace period. */
struct blocks {
    struct bd_writer *writer;
    uint64_t used[BLOCKS_MAX], waiting[WAITING_MAX], random;
    unsigned cnt, waiting_cnt, refused;
};

static uint64_t *any(struct blocks *b)
{
    return &b->used[fixture_random(&b->random) % b->cnt];
}

/* All memory is cut for them, and more than half of each page is free again. */
static void cut_all(struct blocks *b)
{
    while ((b->used[b->cnt] = bd_memory_alloc(b->writer, PHONE_SZ)) != 0)
        assert_in_range(++b->cnt, 1, BLOCKS_MAX - 1);
    for (unsigned n = b->cnt * 5 / 8; n > 0; n--) {
        uint64_t *off = any(b);
        bd_memory_give(b->writer, *off);
        *off = b->used[--b->cnt];
    }
}

static void replace_one(struct blocks *b)
{
    uint64_t *old = any(b), off = bd_memory_alloc(b->writer, PHONE_SZ);
    b->refused += off == 0;
    if (off == 0)
        return;
    b->waiting[b->waiting_cnt++] = *old;
    *old = off;
    if (b->waiting_cnt < WAITING_MAX)
        return;
    while (b->waiting_cnt > 0)
        bd_memory_give(b->writer, b->waiting[--b->waiting_cnt]);
}

/* Another size that finds no page has those sorted again and again, and the phones of this one go
 * on as if nothing were. */
static void a_sort_takes_nothing_from_who_needs_it(void **state)
{
    enum { ROUNDS = 10 };
    static struct blocks b;
    struct fixture f;
    fixture_open(&f, 1000, 1);
    b = (struct blocks){.writer = bd_memory_writer(f.memory, 0),
                        .random = fixture_seed("a_sort_takes_nothing_from_who_needs_it")};
    cut_all(&b);
    while (f.memory->round < ROUNDS) {
        assert_int_equal(bd_memory_alloc(b.writer, OTHER_SZ), 0);
        for (unsigned i = 0; i < BURST; i++)
            replace_one(&b);
        bool busy = bd_writer_quiescent(b.writer);
        assert_int_equal(busy, f.memory->sorter != 0); /* not to sleep with a sort in hand */
    }
    assert_int_equal(b.refused, 0);
    fixture_close(&f);
}

/* A table is made for its bindings by any number of workers, though each has some of each size at
 * hand: without the room for that 6 in 100 of these were refused. */
static void many_workers_need_no_larger_table(void **state)
{
    enum { SOME = 10000, PUTS = 6000 };
    struct fixture f;
    uint64_t bindings_max = SOME, random = fixture_seed("many_workers_need_no_larger_table");
    struct bd_arena_params params = fixture_params(&bindings_max);
    params.region_sz[BD_REGION_RECORDS] = bd_records_footprint(SOME, 0, BD_WORKERS_MAX);
    fixture_open_with(&f, &params, BD_WORKERS_MAX);
    for (unsigned n = 0; n < PUTS; n++) {
        uint64_t draw = fixture_random(&random);
        struct fleet fleet = {f, bd_memory_writer(f.memory, draw % BD_WORKERS_MAX)};
        uint32_t least = BD_CONTACT_URI_MAX / 4;
        assert_int_equal(put_phone(&fleet, n, least + (uint32_t)(draw >> 16) % (3 * least)), 0);
    }
    fixture_close(&f);
}

/* Whatever a worker has of a size comes back when nobody needs that size any more, also where all
 * of it is on shelves. So many share room that is made for six: as long as a sort is under way some
 * may be refused, one to three hundred of all in two of a hundred runs. If nothing came back, four
 * of ten were. */
static void many_workers_keep_no_former_sizes(void **state)
{
    enum { PHONES = 5000, STEP = 33 };
    struct fixture f;
    uint64_t random = fixture_seed("many_workers_keep_no_former_sizes");
    unsigned refused = 0, puts = 0;
    fixture_open(&f, 2 * PHONES, BD_WORKERS_MAX);
    for (uint32_t len = 150; len < BD_CONTACT_URI_MAX; len += STEP) {
        for (unsigned n = 0; n < PHONES; n++, puts++) {
            struct fleet fleet = {
                f, bd_memory_writer(f.memory, fixture_random(&random) % BD_WORKERS_MAX)};
            refused += put_phone(&fleet, n * 7919U % PHONES, len);
        }
    }
    assert_in_range(refused, 0, puts / 10);
    print_message("refused %u of %u\n", refused, puts);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phones_grow_again_and_again),
        cmocka_unit_test(others_come_when_all_have_gone),
        cmocka_unit_test(a_sort_takes_nothing_from_who_needs_it),
        cmocka_unit_test(many_workers_need_no_larger_table),
        cmocka_unit_test(many_workers_keep_no_former_sizes),
        cmocka_unit_test(workers_share_the_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
