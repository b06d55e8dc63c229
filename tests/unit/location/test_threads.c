/* SPDX-License-Identifier: BSD-3-Clause */
/* Several workers at once, and a reader in another process.
 *
 * Each worker owns one contact in every AoR, so each record is shared by all of them. A worker
 * knows what its own contact must look like and checks it at every step: whatever another did in
 * between, a change of its own may not be lost, doubled or torn. A hook yields at random between
 * the steps of the protocol, so threads meet in the middle of it. Built with -Db_sanitize=thread
 * this is the data race test. */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "race.h"
#include "table_fixture.h"

enum { WORKERS = 4, AORS = 24, OPERATIONS = 6000, ROUNDS = 1500, READS_MIN = 20, FILLERS = 4 };

struct shared {
    struct fixture f;
    struct fixture_aor aor[AORS];
    _Atomic uint32_t now_s;
    _Atomic unsigned failed; /* line of the first failed check, in any thread */
    pthread_barrier_t barrier;
    uint64_t seed;
    struct fixture_aor contested, filler[FILLERS]; /* all of one home bucket */
    _Atomic unsigned winners;
};

struct worker {
    struct shared *s;
    struct bd_writer *writer;
    unsigned id;
    uint64_t random;
    pthread_t thread;
    struct {
        uint32_t key, cseq, expires_at_s; /* key 0: not registered */
    } mine[AORS];
};

/* cmocka's asserts belong to the main thread. */
#define CHECK(s, what)                                                                             \
    do {                                                                                           \
        unsigned none = 0;                                                                         \
        if (!(what))                                                                               \
            atomic_compare_exchange_strong(&(s)->failed, &none, __LINE__);                         \
    } while (0)

static _Thread_local uint64_t hook_random;

static void yield_at_random(const char *point)
{
    if (hook_random && fixture_random(&hook_random) % 8 == 0)
        sched_yield();
}

static unsigned pick(struct worker *w, unsigned below)
{
    return (unsigned)(fixture_random(&w->random) % below);
}

/* Two slots that both scans find LIVE for one AoR, unchanged, were LIVE at one time: a word cannot
 * come back while this thread is online. */
static bool is_double(const struct bd_table *table, const struct fixture_aor *aor)
{
    uint64_t first[BD_WINDOW_SLOTS], cnt = 0;
    uint32_t home = bd_table_home(table, aor->hash);
    for (unsigned p = 0; p < BD_WINDOW_SLOTS; p++)
        first[p] = atomic_load(bd_window_slot(table, home, p));
    for (unsigned p = 0; p < BD_WINDOW_SLOTS; p++) {
        uint64_t word = atomic_load(bd_window_slot(table, home, p));
        cnt += word == first[p] && bd_slot_state(word) == BD_SLOT_LIVE &&
               bd_slot_tag_fits(word, aor->hash) &&
               bd_record_is(bd_slot_record(table, word), aor->s);
    }
    return cnt > 1;
}

/* What a worker found under an AoR. */
struct found {
    struct bd_slot_ref ref;
    struct bd_binding binding[WORKERS + 1];
    uint64_t seen[WORKERS + 1];
    unsigned cnt;
    int own; /* index of its own contact, or -1 */
};

static void look(struct worker *w, unsigned a, struct found *found)
{
    struct shared *s = w->s;
    found->own = -1;
    found->cnt = 0;
    if (bd_table_find(&s->f.table, s->aor[a].hash, s->aor[a].s, &found->ref))
        found->cnt = bd_record_cnt(found->ref.record);
    CHECK(s, found->cnt <= WORKERS + 1);
    for (unsigned i = 0; i < found->cnt; i++) {
        bd_record_view(found->ref.record, i, &found->binding[i]);
        found->seen[i] = found->binding[i].state;
        CHECK(s, fixture_whole(&found->binding[i]));
        if (found->binding[i].reg_id >> 28 == w->id) {
            CHECK(s, found->own < 0);
            found->own = (int)i;
        }
    }
    CHECK(s, !is_double(&s->f.table, &s->aor[a]));
}

/* Only expiry may take away what this worker has put there. */
static void check_own(struct worker *w, unsigned a, const struct found *found)
{
    struct shared *s = w->s;
    if (found->own < 0) {
        CHECK(s, w->mine[a].key == 0 || w->mine[a].expires_at_s <= atomic_load(&s->now_s));
        w->mine[a].key = 0;
        return;
    }
    const struct bd_binding *own = &found->binding[found->own];
    CHECK(s, own->reg_id == w->mine[a].key);
    CHECK(s, bd_state_cseq(own->state) == w->mine[a].cseq);
    CHECK(s, bd_state_expires_at_s(own->state) == w->mine[a].expires_at_s);
}

static uint32_t soon(struct worker *w)
{
    return atomic_load(&w->s->now_s) + 1 + pick(w, 30);
}

static void refresh(struct worker *w, unsigned a)
{
    struct found found;
    enum bd_table_rc rc;
    do {
        look(w, a, &found);
        check_own(w, a, &found);
        if (found.own < 0 || found.seen[found.own] & BD_STATE_SEALED)
            return;
        uint32_t cseq = w->mine[a].cseq + 1, expires_at_s = soon(w);
        rc = bd_table_refresh(w->writer, &found.ref, (unsigned)found.own, found.seen[found.own],
                              cseq, expires_at_s, bd_txn_make(cseq, cseq));
        if (rc == BD_TABLE_OK) {
            w->mine[a].cseq = cseq;
            w->mine[a].expires_at_s = expires_at_s;
        }
    } while (rc == BD_TABLE_CONFLICT);
}

/* Adds, changes or removes its own contact and keeps the others as found. */
static void put(struct worker *w, unsigned a, bool remove)
{
    struct found found;
    struct fixture_binding made;
    enum bd_table_rc rc;
    uint32_t key = (uint32_t)w->id << 28 | (1 + pick(w, 1U << 27)), expires_at_s = soon(w);
    fixture_binding(&made, key, 1, expires_at_s);
    do {
        look(w, a, &found);
        check_own(w, a, &found);
        unsigned cnt = found.cnt;
        if (remove && found.own < 0)
            return;
        if (remove)
            found.binding[found.own] = found.binding[--cnt];
        else
            found.binding[found.own < 0 ? (int)cnt++ : found.own] = made.b;
        rc = bd_table_put(w->writer, &found.ref, w->s->aor[a].s, found.seen, found.binding, cnt);
    } while (rc == BD_TABLE_CONFLICT);
    CHECK(w->s, rc == BD_TABLE_OK);
    w->mine[a].key = remove ? 0 : key;
    w->mine[a].cseq = 1;
    w->mine[a].expires_at_s = expires_at_s;
}

static void on_expired(void *arg, struct bd_str aor, const struct bd_binding *binding)
{
    struct worker *w = arg;
    CHECK(w->s, bd_state_expires_at_s(binding->state) <= atomic_load(&w->s->now_s));
    CHECK(w->s, fixture_whole(binding));
}

static void expire(struct worker *w)
{
    uint32_t now_s = atomic_fetch_add(&w->s->now_s, 1) + 1;
    uint32_t cursor = 0, bucket[64];
    unsigned cnt, aors;
    bool more;
    do {
        more = bd_table_due(&w->s->f.table, &cursor, UINT32_MAX, now_s, bucket, 64, &cnt);
        for (unsigned i = 0; i < cnt; i++)
            bd_table_expire(w->writer, bucket[i], now_s, on_expired, w, &aors);
    } while (more);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    hook_random = w->random ^ 0x9e3779b97f4a7c15ULL;
    bd_writer_online(w->writer);
    for (unsigned n = 0; n < OPERATIONS && !atomic_load(&w->s->failed); n++) {
        unsigned a = pick(w, AORS), what = pick(w, 100);
        if (what < 50)
            refresh(w, a);
        else if (what < 97)
            put(w, a, what < 65);
        else
            expire(w);
        if (pick(w, 4) == 0)
            bd_writer_quiescent(w->writer);
    }
    bd_writer_offline(w->writer);
    return NULL;
}

/* Fillers take the first slots before a round; one worker takes them out again during it, so that a
 * later claim may lie before an earlier one. */
static void put_fillers(struct worker *w)
{
    struct fixture_binding made;
    fixture_binding(&made, 1, 1, 1000);
    for (unsigned i = 0; i < FILLERS; i++)
        CHECK(w->s,
              fixture_put(&w->s->f.table, w->writer, &w->s->filler[i], &made.b, 1) == BD_TABLE_OK);
}

static void remove_fillers(struct worker *w)
{
    for (unsigned i = 0; i < FILLERS; i++)
        CHECK(w->s,
              fixture_put(&w->s->f.table, w->writer, &w->s->filler[i], NULL, 0) == BD_TABLE_OK);
}

static void insert_contested(struct worker *w, unsigned round)
{
    struct shared *s = w->s;
    struct fixture_binding made;
    fixture_binding(&made, (uint32_t)w->id << 28 | (round + 1), 1, 1000);
    struct bd_slot_ref ref = {.hash = s->contested.hash};
    enum bd_table_rc rc = bd_table_put(w->writer, &ref, s->contested.s, NULL, &made.b, 1);
    CHECK(s, rc == BD_TABLE_OK || rc == BD_TABLE_CONFLICT);
    atomic_fetch_add(&s->winners, rc == BD_TABLE_OK);
    CHECK(s, !is_double(&s->f.table, &s->contested));
}

/* All but one insert one AoR at the same time: exactly one may win. */
static void *insert_at_once(void *arg)
{
    struct worker *w = arg;
    struct shared *s = w->s;
    hook_random = w->random ^ 0x9e3779b97f4a7c15ULL;
    bd_writer_online(w->writer);
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (w->id == 0)
            put_fillers(w);
        pthread_barrier_wait(&s->barrier);
        if (w->id == 0)
            remove_fillers(w);
        else
            insert_contested(w, round);
        bd_writer_quiescent(w->writer);
        pthread_barrier_wait(&s->barrier);
        if (w->id == 0) {
            CHECK(s, atomic_exchange(&s->winners, 0) == 1);
            CHECK(s, !is_double(&s->f.table, &s->contested));
            CHECK(s, fixture_put(&s->f.table, w->writer, &s->contested, NULL, 0) == BD_TABLE_OK);
            bd_writer_quiescent(w->writer);
        }
    }
    bd_writer_offline(w->writer);
    return NULL;
}

/* --- the reader in another process ------------------------------------------------------------ */

struct census {
    struct shared *s;
    unsigned seen[AORS];
};

static void count_aor(void *arg, uint64_t slot, const struct bd_record *record)
{
    struct census *census = arg;
    for (unsigned i = 0; i < bd_record_cnt(record); i++) {
        struct bd_binding view;
        bd_record_view(record, i, &view);
        CHECK(census->s, fixture_whole(&view));
    }
    for (unsigned a = 0; a < AORS; a++)
        census->seen[a] += bd_str_eq(bd_record_aor(record), census->s->aor[a].s);
}

/* Walks till it is killed. The first AoRs are never removed (see stays): each walk meets each of
 * them exactly once. */
enum { STAYING = 4 };

static void read_for_ever(struct shared *s, _Atomic unsigned *walks)
{
    unsigned line = bd_epoch_control(0);
    bd_epoch_online(s->f.table.epoch, line, 1);
    for (;;) {
        struct census census = {.s = s};
        uint32_t cursor = 0;
        while (bd_table_walk(&s->f.table, &cursor, UINT32_MAX, count_aor, &census))
            continue;
        bd_epoch_quiescent(s->f.table.epoch, line, 1);
        for (unsigned a = 0; a < STAYING; a++)
            CHECK(s, census.seen[a] == 1);
        for (unsigned a = 0; a < STAYING; a++)
            CHECK(s, !is_double(&s->f.table, &s->aor[a]));
        atomic_fetch_add(walks, 1);
    }
}

static pid_t fork_reader(struct shared *s, _Atomic unsigned *walks)
{
    pid_t pid = fork();
    if (pid == 0)
        read_for_ever(s, walks);
    assert_true(pid > 0);
    return pid;
}

static void stop_reader(struct shared *s, pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    bd_epoch_bury(s->f.table.epoch, bd_epoch_control(0), 1, 1);
}

/* --- set-up ---------------------------------------------------------------------------------- */

/* AoRs of one shard, so that their windows overlap. */
static void choose_aors(struct shared *s)
{
    unsigned number = 0;
    for (unsigned a = 0; a < AORS; a += s->aor[a].hash >> 58 == 7)
        fixture_aor(&s->f.table, number++, &s->aor[a]);
    for (unsigned i = 0; i < FILLERS; i += s->filler[i].hash >> 58 == 9)
        fixture_aor(&s->f.table, number++, &s->filler[i]);
    do
        fixture_aor(&s->f.table, number++, &s->contested);
    while (s->contested.hash >> 58 != 9);
}

/* A binding of nobody's that never expires: id 15 is no worker's. */
static void put_staying(struct shared *s)
{
    struct bd_writer *writer = bd_memory_writer(s->f.memory, 0);
    bd_writer_online(writer);
    for (unsigned a = 0; a < STAYING; a++) {
        struct fixture_binding made;
        fixture_binding(&made, 0xf0000001, 1, UINT32_MAX);
        assert_int_equal(fixture_put(&s->f.table, writer, &s->aor[a], &made.b, 1), BD_TABLE_OK);
    }
    bd_writer_offline(writer);
}

static void run_workers(struct shared *s, void *(*body)(void *))
{
    static struct worker worker[WORKERS];
    memset(worker, 0, sizeof(worker));
    for (unsigned i = 0; i < WORKERS; i++) {
        worker[i].s = s;
        worker[i].id = i;
        worker[i].random = s->seed + i * 0x9e3779b97f4a7c15ULL;
        worker[i].writer = bd_memory_writer(s->f.memory, i);
        pthread_create(&worker[i].thread, NULL, body, &worker[i]);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(worker[i].thread, NULL);
}

static struct shared *open_shared(const char *name)
{
    struct shared *s =
        mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(s, MAP_FAILED);
    fixture_open(&s->f, 1, WORKERS);
    s->seed = fixture_seed(name);
    s->now_s = 1000;
    choose_aors(s);
    return s;
}

/* Everything is quiet: the books balance to the last record. */
static void close_shared(struct shared *s)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        bd_writer_offline(bd_memory_writer(s->f.memory, i));
        bd_writer_offline(bd_memory_writer(s->f.memory, i));
    }
    fixture_check_buckets(&s->f.table);
    struct bd_table_info info = fixture_info(&s->f.table);
    assert_int_equal(info.records_leaked, 0);
    assert_int_equal(info.slots_tentative, 0);
    assert_int_equal(info.records_in_use - info.records_retiring, info.slots_live);
    fixture_close(&s->f);
    munmap(s, sizeof(*s));
}

static void nothing_is_lost_between_workers(void **state)
{
    struct shared *s = open_shared("workers");
    _Atomic unsigned *walks =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    put_staying(s);
    pid_t reader = fork_reader(s, walks);
    bd_race_hook = yield_at_random;
    run_workers(s, work);
    while (!atomic_load(&s->failed) && atomic_load(walks) < READS_MIN)
        usleep(1000);
    stop_reader(s, reader);
    assert_int_equal(s->failed, 0);
    munmap((void *)walks, 4096);
    close_shared(s);
}

static void one_of_many_inserts_wins(void **state)
{
    struct shared *s = open_shared("inserts");
    pthread_barrier_init(&s->barrier, NULL, WORKERS);
    bd_race_hook = yield_at_random;
    run_workers(s, insert_at_once);
    assert_int_equal(s->failed, 0);
    pthread_barrier_destroy(&s->barrier);
    close_shared(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_between_workers),
        cmocka_unit_test(one_of_many_inserts_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
