/* SPDX-License-Identifier: BSD-3-Clause */
/* A writing process is killed, at random moments and at every named point of the protocol; the next
 * one takes over. Whatever an operation acknowledged by returning must be there, an operation that
 * was under way may be there whole or not at all, and no block of memory may be missing. */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "deaths.h"
#include "race.h"
#include "table_fixture.h"

enum { THREADS = 2, AORS = 40, RANDOM_KILLS = 100, POINT_KILLS = 160 };

/* What a thread knows of its contact in one AoR; key 0: not there. */
struct contact_log {
    uint32_t key, cseq, expires_at_s;
};
/* In memory that outlives the child. */
struct thread_log {
    struct contact_log done[AORS]; /* written after the operation returned */
    struct contact_log doing;      /* written before the operation begins */
    _Atomic int aor;               /* the AoR it is for; -1: none under way */
};
struct shared {
    struct thread_log log[THREADS];
    _Atomic uint32_t now_s;
    _Atomic unsigned operations;
    struct deaths deaths;
};

static struct shared *shared;
static struct fixture fixture;
static struct fixture_aor aors[AORS];

struct worker {
    unsigned id;
    uint64_t random;
    struct bd_writer *writer;
    pthread_t thread;
};

/* --- the child ------------------------------------------------------------------------------- */

static void die_at_point(const char *point)
{
    deaths_pass(&shared->deaths, point);
}

static unsigned pick(struct worker *w, unsigned below)
{
    return (unsigned)(fixture_random(&w->random) % below);
}

static int find_own(struct worker *w, unsigned a, struct bd_slot_ref *ref,
                    struct bd_binding *binding, uint64_t *seen, unsigned *cnt)
{
    int own = -1;
    *cnt = 0;
    if (bd_table_find(&fixture.table, aors[a].hash, aors[a].s, ref))
        *cnt = bd_record_cnt(ref->record);
    for (unsigned i = 0; i < *cnt; i++) {
        bd_record_view(ref->record, i, &binding[i]);
        seen[i] = binding[i].state;
        if (binding[i].reg_id >> 28 == w->id)
            own = (int)i;
    }
    return own;
}

/* One try. True when it was acknowledged. */
static bool try_once(struct worker *w, unsigned a, const struct contact_log *want)
{
    struct bd_slot_ref ref;
    struct bd_binding binding[THREADS + 1];
    struct fixture_binding made;
    uint64_t seen[THREADS + 1];
    unsigned cnt;
    int own = find_own(w, a, &ref, binding, seen, &cnt);
    if (own >= 0 && want->key == binding[own].reg_id && !(seen[own] & BD_STATE_SEALED))
        return bd_table_refresh(w->writer, &ref, (unsigned)own, seen[own], want->cseq,
                                want->expires_at_s,
                                bd_txn_make(want->cseq, want->key)) == BD_TABLE_OK;
    if (want->key == 0 && own < 0)
        return true;
    fixture_binding(&made, want->key, want->cseq, want->expires_at_s);
    if (want->key == 0)
        binding[own] = binding[--cnt];
    else
        binding[own < 0 ? (int)cnt++ : own] = made.b;
    return bd_table_put(w->writer, &ref, aors[a].s, seen, binding, cnt) == BD_TABLE_OK;
}

static void operate(struct worker *w)
{
    struct thread_log *log = &shared->log[w->id];
    unsigned a = pick(w, AORS), what = pick(w, 100);
    log->doing = log->done[a];
    log->doing.cseq++;
    log->doing.expires_at_s = atomic_load(&shared->now_s) + 1 + pick(w, 20);
    if (what < 25)
        log->doing.key = 0;
    else if (what < 50 || log->doing.key == 0)
        log->doing.key = (uint32_t)w->id << 28 | (1 + pick(w, 1U << 27));
    atomic_store(&log->aor, (int)a);
    while (!try_once(w, a, &log->doing))
        sched_yield();
    log->done[a] = log->doing;
    atomic_store(&log->aor, -1);
    atomic_fetch_add(&shared->operations, 1);
}

static void expire(struct worker *w)
{
    uint32_t now_s = atomic_fetch_add(&shared->now_s, 1) + 1;
    uint32_t cursor = 0, bucket[64];
    unsigned cnt, gone;
    bd_table_due(&fixture.table, &cursor, UINT32_MAX, now_s, bucket, 64, &cnt);
    for (unsigned i = 0; i < cnt; i++)
        bd_table_expire(w->writer, bucket[i], now_s, NULL, NULL, &gone);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    bd_writer_online(w->writer);
    for (;;) {
        operate(w);
        if (pick(w, 20) == 0)
            expire(w);
        if (pick(w, 4) == 0)
            bd_writer_quiescent(w->writer);
    }
    return NULL;
}

static void child(uint64_t seed, unsigned threads)
{
    struct worker worker[THREADS];
    fixture_rebuild(&fixture, threads);
    for (unsigned i = 0; i < threads; i++) {
        worker[i] = (struct worker){
            .id = i, .random = seed + i * 77, .writer = bd_memory_writer(fixture.memory, i)};
        pthread_create(&worker[i].thread, NULL, work, &worker[i]);
    }
    for (;;)
        pause();
}

/* --- the parent ------------------------------------------------------------------------------ */

static bool matches(const struct contact_log *log, const struct bd_binding *found)
{
    if (!found)
        return log->key == 0 || log->expires_at_s <= shared->now_s;
    return found->reg_id == log->key && bd_state_cseq(found->state) == log->cseq &&
           bd_state_expires_at_s(found->state) == log->expires_at_s && fixture_whole(found);
}

static void check_contact(unsigned thread, unsigned a)
{
    struct worker w = {.id = thread};
    struct bd_slot_ref ref;
    struct bd_binding binding[THREADS + 1];
    uint64_t seen[THREADS + 1];
    unsigned cnt;
    struct thread_log *log = &shared->log[thread];
    int own = find_own(&w, a, &ref, binding, seen, &cnt);
    const struct bd_binding *found = own < 0 ? NULL : &binding[own];
    if (log->aor == (int)a && matches(&log->doing, found))
        log->done[a] = log->doing;
    else if (!matches(&log->done[a], found))
        fail_msg("thread %u, AoR %u: what was acknowledged is not there (last op %d)", thread, a,
                 log->aor);
    if (own < 0)
        log->done[a].key = 0;
}

static void check_all(void)
{
    fixture_rebuild(&fixture, 1);
    fixture_check_blocks(&fixture);
    for (unsigned thread = 0; thread < THREADS; thread++) {
        for (unsigned a = 0; a < AORS; a++)
            check_contact(thread, a);
        shared->log[thread].aor = -1;
    }
    fixture_check_buckets(&fixture.table);
    bd_memory_free(fixture.memory);
    fixture.memory = NULL;
}

static void open_all(void)
{
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    fixture_open(&fixture, 1, 1);
    for (unsigned number = 0, a = 0; a < AORS; a += aors[a].hash >> 59 == 3)
        fixture_aor(&fixture.table, number++, &aors[a]);
    shared->now_s = 1000;
    for (unsigned thread = 0; thread < THREADS; thread++)
        shared->log[thread].aor = -1;
}

static void close_all(void)
{
    fixture_close(&fixture);
    munmap(shared, sizeof(*shared));
}

static pid_t start_child(uint64_t seed, unsigned threads)
{
    pid_t pid = fork();
    if (pid == 0) {
        bd_race_hook = die_at_point;
        child(seed, threads);
    }
    assert_true(pid > 0);
    return pid;
}

static void wait_child(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void survives_kills_at_random_moments(void **state)
{
    open_all();
    uint64_t random = fixture_seed("kill");
    deaths_arm(&shared->deaths, -1, NULL); /* the parent kills */
    for (unsigned n = 0; n < RANDOM_KILLS; n++) {
        pid_t pid = start_child(fixture_random(&random), THREADS);
        /* Now and then it is killed while it takes over. */
        unsigned done = atomic_load(&shared->operations);
        while (n % 8 != 0 && atomic_load(&shared->operations) == done)
            sched_yield();
        usleep((useconds_t)(fixture_random(&random) % 5000));
        kill(pid, SIGKILL);
        wait_child(pid);
        check_all();
    }
    printf("%u operations acknowledged\n", shared->operations);
    assert_true(shared->operations > 0);
    close_all();
}

/* Those that one thread by itself passes; the others are for test_threads. */
static const char *const points[] = {
    "refresh: txn raised",     "refresh: state changed", "replace: record written",
    "replace: contact sealed", "replace: sealed",        "replace: published",
    "insert: record written",  "insert: claimed",        "insert: published",
    "expire: due_s taken",     "expire: slot done",
};

static const char *missing_point(void)
{
    return deaths_missing(&shared->deaths, points, sizeof(points) / sizeof(points[0]));
}

static void survives_a_kill_at_every_point(void **state)
{
    open_all();
    uint64_t random = fixture_seed("points");
    for (int n = 0; n < POINT_KILLS || missing_point(); n++) {
        if (n == 2 * POINT_KILLS)
            fail_msg("never killed at '%s'", missing_point());
        deaths_arm(&shared->deaths, n % 80, n < POINT_KILLS ? NULL : missing_point());
        wait_child(start_child(fixture_random(&random), 1 + (unsigned)n % 2));
        check_all();
    }
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_kills_at_random_moments),
        cmocka_unit_test(survives_a_kill_at_every_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
