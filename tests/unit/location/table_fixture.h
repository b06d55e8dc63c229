/* SPDX-License-Identifier: BSD-3-Clause */
/* A table to test on: a private arena, rebuilt memory, and bindings made from numbers. */
#ifndef BD_TEST_TABLE_FIXTURE_H
#define BD_TEST_TABLE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "allocator.h"
#include "clock.h"
#include "dirty.h"

struct fixture {
    struct bd_arena arena;
    struct bd_table table;
    struct bd_memory *memory;
};

static inline void fixture_format(struct bd_arena *arena, const void *bindings_max)
{
    bd_table_format(arena, *(const uint64_t *)bindings_max);
}

static inline struct bd_arena_params fixture_params(const uint64_t *bindings_max)
{
    return (struct bd_arena_params){
        .region_sz = {[BD_REGION_TABLE] = bd_table_footprint(*bindings_max),
                      [BD_REGION_RECORDS] = bd_records_footprint(*bindings_max, 0, 1),
                      [BD_REGION_DIRTY] = bd_dirty_footprint(*bindings_max)},
        .fingerprint = *bindings_max,
        .format = fixture_format,
        .format_arg = bindings_max,
    };
}

static inline void fixture_rebuild(struct fixture *f, unsigned workers)
{
    struct bd_error error;
    bd_memory_free(f->memory);
    f->memory = bd_memory_rebuild(&f->table, workers, &error);
    if (!f->memory)
        fail_msg("%s", error.text);
}

static inline void fixture_open_with(struct fixture *f, const struct bd_arena_params *params,
                                     unsigned workers)
{
    struct bd_error error = {""};
    *f = (struct fixture){0};
    if (bd_arena_create_private(&f->arena, params, &error) < 0 ||
        bd_table_join(&f->table, &f->arena, &error) < 0)
        fail_msg("%s", error.text);
    fixture_rebuild(f, workers);
}

static inline void fixture_open(struct fixture *f, uint64_t bindings_max, unsigned workers)
{
    struct bd_arena_params params = fixture_params(&bindings_max);
    fixture_open_with(f, &params, workers);
}

static inline void fixture_close(struct fixture *f)
{
    bd_memory_free(f->memory);
    bd_arena_leave(&f->arena);
}

/* xorshift64*: each test prints its seed. */
static inline uint64_t fixture_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dULL;
}

static inline uint64_t fixture_seed(const char *test)
{
    const char *given = getenv("BD_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : bd_wall_ms();
    printf("%s: BD_TEST_SEED=%llu\n", test, (unsigned long long)seed);
    return seed ? seed : 1;
}

struct fixture_aor {
    char text[48];
    struct bd_str s;
    uint64_t hash;
};

static inline void fixture_aor(const struct bd_table *table, unsigned number,
                               struct fixture_aor *aor)
{
    int n = snprintf(aor->text, sizeof(aor->text), "user%u@example.com", number);
    aor->s = (struct bd_str){aor->text, (uint32_t)n};
    aor->hash = bd_table_hash(table, aor->s);
}

/* A binding whose texts all derive from `key`, so that a torn one is told at a glance. */
struct fixture_binding {
    char text[BD_TEXT_CNT][64];
    struct bd_binding b;
};

static inline void fixture_binding(struct fixture_binding *out, uint32_t key, uint32_t cseq,
                                   uint32_t expires_at_s)
{
    static const char *const form[BD_TEXT_CNT] = {
        "sip:%08x@198.18.0.9:5060", "%08x-call-id@198.18.0.9",   "methods=%08x", "Phone/%08x",
        "<urn:uuid:%08x>",          "<sip:%08x.example.com;lr>", "%08x"};
    out->b = (struct bd_binding){.state = bd_state_make(cseq, expires_at_s),
                                 .txn = bd_txn_make(cseq, key),
                                 .reg_id = key,
                                 .created_at_s = key,
                                 .q_milli = BD_Q_NONE,
                                 .source = {.port = (uint16_t)key},
                                 .local = {.port = 5060}};
    for (unsigned t = 0; t < BD_TEXT_CNT; t++) {
        /* Some are absent, so record sizes differ. */
        if (t > BD_TEXT_CALL_ID && (key >> t & 1))
            continue;
        int n = snprintf(out->text[t], sizeof(out->text[t]), form[t], key);
        out->b.text[t] = (struct bd_str){out->text[t], (uint32_t)n};
    }
}

/* Whether a view is exactly what fixture_binding makes of its own key. */
static inline bool fixture_whole(const struct bd_binding *view)
{
    struct fixture_binding same;
    fixture_binding(&same, view->reg_id, 0, 0);
    for (unsigned t = 0; t < BD_TEXT_CNT; t++) {
        if (!bd_str_eq(view->text[t], same.b.text[t]))
            return false;
    }
    return view->created_at_s == same.b.created_at_s && view->source.port == same.b.source.port &&
           view->local.port == 5060 && view->q_milli == BD_Q_NONE;
}

/* Puts one binding or `cnt` of them, whatever is there now; tries until no one else was first. */
static inline enum bd_table_rc fixture_put(const struct bd_table *table, struct bd_writer *writer,
                                           const struct fixture_aor *aor,
                                           const struct bd_binding *bindings, unsigned cnt)
{
    enum bd_table_rc rc;
    do {
        struct bd_slot_ref ref;
        uint64_t seen[BD_CONTACTS_PER_AOR_MAX];
        bd_table_find(table, aor->hash, aor->s, &ref);
        for (unsigned i = 0; ref.record && i < bd_record_cnt(ref.record); i++) {
            struct bd_binding view;
            bd_record_view(ref.record, i, &view);
            seen[i] = view.state;
        }
        rc = bd_table_put(writer, &ref, aor->s, seen, bindings, cnt);
    } while (rc == BD_TABLE_CONFLICT);
    return rc;
}

static inline struct bd_table_info fixture_info(const struct bd_table *table)
{
    struct bd_table_info info;
    unsigned line = bd_epoch_control(BD_EPOCH_CONTROL_MAX - 1);
    bd_epoch_online(table->epoch, line, 1);
    bd_table_info(table, line, 1, &info);
    bd_epoch_offline(table->epoch, line);
    return info;
}

/* What must hold of every bucket when nobody is writing. */
static inline void fixture_check_buckets(const struct bd_table *table)
{
    for (uint32_t b = 0; b < table->shared->bucket_cnt; b++) {
        const struct bd_bucket *bucket = &table->buckets[b];
        for (unsigned s = 0; s < BD_TABLE_SLOTS; s++) {
            if (bd_slot_state(bucket->slot[s]) != BD_SLOT_LIVE)
                continue;
            const struct bd_record *record = bd_slot_record(table, bucket->slot[s]);
            uint32_t home = bd_table_home(table, bd_record_hash(table, record));
            assert_in_range(b, home, home + BD_TABLE_WINDOW - 1);
            assert_true(home == b || table->buckets[home].flags & BD_BUCKET_OVERFLOW);
            for (unsigned i = 0; i < record->cnt; i++)
                assert_true(bucket->due_s <= bd_state_expires_at_s(bd_record_state(record, i)));
        }
        assert_true(table->group_due_s[bd_group_of(b)] <= bucket->due_s);
    }
}

/* Just after a rebuild: every block of every cut page is either in the table or in the depot, once.
 */
static inline void fixture_check_blocks(struct fixture *f)
{
    const struct bd_table_shared *s = f->table.shared;
    struct bd_memory *memory = f->memory;
    uint64_t blocks = 0, pages = 0, idle = 0;
    for (uint32_t page = s->page_first; page < s->page_cnt; page++) {
        unsigned class = *bd_page_class(&f->table, page);
        blocks += class ? BD_PAGE_SZ / bd_class_sz(class) : 0;
        pages += class != 0;
    }
    for (unsigned class = 1; class < BD_CLASS_CNT; class ++) {
        for (uint32_t n = (uint32_t)memory->depot[class]; n; n = memory->node[n - 1].next) {
            struct bd_chain chain = memory->node[n - 1].chain;
            for (; chain.cnt; idle++)
                bd_chain_pop(&f->table, &chain);
            assert_int_equal(chain.first, 0);
        }
    }
    struct bd_table_info info = fixture_info(&f->table);
    assert_int_equal(info.slots_live + idle, blocks);
    assert_int_equal(pages + memory->page_cnt, s->page_cnt - s->page_first);
    assert_int_equal(info.records_in_use, info.slots_live);
    assert_int_equal(info.records_leaked, 0);
    assert_int_equal(info.slots_tentative, 0);
}

#endif
