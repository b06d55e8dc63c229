/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory of nonce counts: a request that was accepted is never accepted again under another
 * transaction, whatever the load, over restarts, and after SIGKILL at any moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "replay.h"

#define BORN 1790000000000ULL

struct fixture {
    void *memory;
    uint64_t size;
    struct bd_replay *replay;
};

static struct bd_replay *attach(struct fixture *f, uint64_t wall_ms)
{
    struct bd_error error;
    f->replay = bd_replay_new(f->memory, f->size, wall_ms, &error);
    assert_non_null(f->replay);
    return f->replay;
}

static struct fixture make(uint64_t entries)
{
    struct fixture f = {.size = bd_replay_footprint(entries)};
    f.memory = mmap(NULL, f.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(f.memory != MAP_FAILED);
    attach(&f, BORN);
    return f;
}

static void drop(struct fixture *f)
{
    bd_replay_free(f->replay);
    munmap(f->memory, f->size);
}

static enum bd_verify_rc use(struct fixture *f, uint64_t id, uint64_t issued, uint32_t nc,
                             uint64_t transaction)
{
    return bd_replay_check(f->replay, id, BORN + issued, nc, transaction, BORN + issued + 10);
}

static void test_counts_go_up(void **state)
{
    struct fixture f = make(100);
    assert_int_equal(use(&f, 5, 1, 1, 100), BD_VERIFY_OK);
    assert_int_equal(use(&f, 5, 1, 1, 101), BD_VERIFY_REPLAYED);
    assert_int_equal(use(&f, 5, 1, 2, 102), BD_VERIFY_OK);
    assert_int_equal(use(&f, 5, 1, 1, 100), BD_VERIFY_REPLAYED);
    assert_int_equal(use(&f, 5, 1, 9, 103), BD_VERIFY_OK);
    assert_int_equal(use(&f, 5, 1, 8, 104), BD_VERIFY_REPLAYED);
    assert_int_equal(use(&f, 6, 1, 1, 105), BD_VERIFY_OK);
    drop(&f);
}

static void test_retransmission_is_no_replay(void **state)
{
    struct fixture f = make(100);
    assert_int_equal(use(&f, 5, 1, 1, 100), BD_VERIFY_OK);
    for (int i = 0; i < 11; i++)
        assert_int_equal(use(&f, 5, 1, 1, 100), BD_VERIFY_OK);
    assert_int_equal(use(&f, 5, 1, 2, 101), BD_VERIFY_OK);
    assert_int_equal(use(&f, 5, 1, 1, 100), BD_VERIFY_REPLAYED);
    drop(&f);
}

/* RFC 2069 credentials have no count: one transaction a nonce. */
static void test_without_count(void **state)
{
    struct fixture f = make(100);
    assert_int_equal(use(&f, 5, 1, 0, 100), BD_VERIFY_OK);
    assert_int_equal(use(&f, 5, 1, 0, 100), BD_VERIFY_OK);
    assert_int_equal(use(&f, 5, 1, 0, 101), BD_VERIFY_REPLAYED);
    drop(&f);
}

static void test_full_set_pushes_out_the_oldest(void **state)
{
    struct fixture f = make(1);
    assert_int_equal(bd_replay_capacity(f.replay), 7);
    for (uint64_t i = 1; i <= 7; i++)
        assert_int_equal(use(&f, i, 10 * i, 1, i), BD_VERIFY_OK);
    assert_int_equal(use(&f, 99, 5, 1, 99), BD_VERIFY_STALE); /* would be the oldest itself */
    assert_int_equal(use(&f, 1, 10, 1, 1), BD_VERIFY_OK);     /* and has pushed out nobody */
    assert_int_equal(use(&f, 8, 80, 1, 8), BD_VERIFY_OK);
    assert_int_equal(use(&f, 1, 10, 2, 1), BD_VERIFY_STALE);
    assert_int_equal(use(&f, 98, 10, 1, 1), BD_VERIFY_STALE); /* at the floor */
    assert_int_equal(use(&f, 2, 20, 2, 1), BD_VERIFY_OK);
    drop(&f);
}

static void test_survives_restart(void **state)
{
    struct fixture f = make(100);
    assert_int_equal(use(&f, 5, 1, 1, 100), BD_VERIFY_OK);
    bd_replay_free(f.replay);
    attach(&f, BORN + 1000);
    assert_int_equal(use(&f, 5, 1, 1, 101), BD_VERIFY_REPLAYED);
    assert_int_equal(use(&f, 5, 1, 2, 101), BD_VERIFY_OK);
    drop(&f);
}

/* After a power cut nobody knows what was accepted before: all of it is stale. */
static void test_new_memory_refuses_old_nonces(void **state)
{
    struct fixture f = make(100);
    assert_int_equal(bd_replay_check(f.replay, 5, BORN, 1, 1, BORN + 1), BD_VERIFY_STALE);
    assert_int_equal(bd_replay_check(f.replay, 5, BORN - 1000, 1, 1, BORN + 1), BD_VERIFY_STALE);
    assert_int_equal(bd_replay_check(f.replay, 5, BORN + 1, 1, 1, BORN + 1), BD_VERIFY_OK);
    drop(&f);
}

static void test_clock_set_back_does_not_lock_out(void **state)
{
    struct fixture f = make(100);
    uint64_t now = BORN - 3600000;
    assert_int_equal(bd_replay_check(f.replay, 5, now - 3000, 1, 1, now), BD_VERIFY_STALE);
    assert_int_equal(bd_replay_check(f.replay, 5, now - 50, 1, 1, now), BD_VERIFY_OK);
    assert_int_equal(bd_replay_check(f.replay, 5, now - 50, 1, 2, now), BD_VERIFY_REPLAYED);
    drop(&f);
}

/* A set full of nonces from the time when the clock was a day ahead takes those of now. */
static void test_clock_was_ahead_for_a_while(void **state)
{
    struct fixture f = make(1);
    const uint64_t day = 86400000;
    for (uint64_t i = 1; i <= 8; i++)
        assert_int_equal(use(&f, i, day + 10 * i, 1, i), BD_VERIFY_OK);
    for (uint64_t i = 11; i <= 17; i++)
        assert_int_equal(use(&f, i, 20 * i, 1, i), BD_VERIFY_OK);
    assert_int_equal(use(&f, 12, 240, 1, 99), BD_VERIFY_REPLAYED);
    drop(&f);
}

static void test_refuses_what_it_did_not_make(void **state)
{
    struct bd_error error;
    struct fixture f = make(100);
    assert_null(bd_replay_new(f.memory, f.size - 256, BORN, &error));
    assert_null(bd_replay_new(f.memory, 100, BORN, &error));
    *(uint64_t *)f.memory = 0x1234;
    assert_null(bd_replay_new(f.memory, f.size, BORN, &error));
    assert_int_equal(*(uint64_t *)f.memory, 0x1234);
    drop(&f);
}

/* --- against a model that forgets nothing ----------------------------------------------------- */

enum { NONCES = 400 };

struct model {
    uint32_t nc[NONCES];
    uint64_t transaction[NONCES];
    bool used[NONCES];
};

static uint64_t id_of(uint64_t n)
{
    return (n + 1) * 0x9e3779b97f4a7c15ULL;
}

/* Accepting is only right for a count above all accepted ones, or for the very last transaction. */
static bool may_accept(const struct model *m, unsigned n, uint32_t nc, uint64_t transaction)
{
    return !m->used[n] || nc > m->nc[n] || (nc == m->nc[n] && transaction == m->transaction[n]);
}

static void test_random_operations_against_model(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    struct fixture f = make(100); /* four times too small */
    struct model m = {0};
    unsigned accepted = 0;
    for (unsigned i = 0; i < 200000; i++) {
        unsigned n = (unsigned)rand() % NONCES;
        uint32_t nc = (uint32_t)rand() % 50;
        uint64_t transaction = (uint64_t)rand() % 4;
        if (use(&f, id_of(n), 1 + n, nc, transaction) != BD_VERIFY_OK)
            continue;
        assert_true(may_accept(&m, n, nc, transaction));
        m.used[n] = true;
        m.nc[n] = nc;
        m.transaction[n] = transaction;
        accepted++;
    }
    assert_true(accepted > 100);
    drop(&f);
}

/* --- threads ---------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 5000 };

struct thread {
    struct fixture *f;
    unsigned index, accepted;
};

/* All threads use the same nonces and counts, each with transactions of its own. */
static void *hammer(void *arg)
{
    struct thread *t = arg;
    for (uint32_t i = 0; i < ROUNDS; i++)
        t->accepted += use(t->f, id_of(i % 10), 1 + i % 10, 1 + i / 10, t->index) == BD_VERIFY_OK;
    return NULL;
}

static void test_each_count_is_accepted_once(void **state)
{
    struct fixture f = make(1000);
    struct thread t[THREADS];
    pthread_t id[THREADS];
    unsigned accepted = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        t[i] = (struct thread){&f, i, 0};
        assert_int_equal(pthread_create(&id[i], NULL, hammer, &t[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(id[i], NULL);
        accepted += t[i].accepted;
    }
    assert_true(accepted > 0 && accepted <= ROUNDS);
    drop(&f);
}

/* --- SIGKILL ---------------------------------------------------------------------------------- */

/* What the child was told it may accept, in memory that survives it. */
struct log {
    _Atomic uint32_t accepted[NONCES]; /* highest count; each count has one transaction */
};

static void child(struct fixture *f, struct log *log, unsigned seed)
{
    srand(seed);
    for (;;) {
        unsigned n = (unsigned)rand() % NONCES;
        uint32_t nc = atomic_load(&log->accepted[n]) + 1;
        if (use(f, id_of(n), 1 + n, nc, nc) == BD_VERIFY_OK)
            atomic_store(&log->accepted[n], nc);
    }
}

static void test_sigkill_forgets_nothing(void **state)
{
    struct fixture f = make(200); /* half of what it would need: pushes out all the time */
    struct log *log =
        mmap(NULL, sizeof(*log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(log != MAP_FAILED);
    for (unsigned round = 0; round < 60; round++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            child(&f, log, round);
        nanosleep(&(struct timespec){.tv_nsec = 1000000 + rand() % 3000000}, NULL);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        bd_replay_free(f.replay);
        attach(&f, BORN + 100000);
        for (unsigned n = 0; n < NONCES; n++) {
            uint32_t nc = atomic_load(&log->accepted[n]);
            for (uint32_t back = 0; nc > 0 && back < 3 && back < nc; back++)
                assert_int_not_equal(use(&f, id_of(n), 1 + n, nc - back, UINT64_MAX), BD_VERIFY_OK);
        }
    }
    munmap(log, sizeof(*log));
    drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_go_up),
        cmocka_unit_test(test_retransmission_is_no_replay),
        cmocka_unit_test(test_without_count),
        cmocka_unit_test(test_full_set_pushes_out_the_oldest),
        cmocka_unit_test(test_survives_restart),
        cmocka_unit_test(test_new_memory_refuses_old_nonces),
        cmocka_unit_test(test_clock_set_back_does_not_lock_out),
        cmocka_unit_test(test_clock_was_ahead_for_a_while),
        cmocka_unit_test(test_refuses_what_it_did_not_make),
        cmocka_unit_test(test_random_operations_against_model),
        cmocka_unit_test(test_each_count_is_accepted_once),
        cmocka_unit_test(test_sigkill_forgets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
