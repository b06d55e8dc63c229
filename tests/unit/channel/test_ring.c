/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring between two processes, either of which may be killed at any instruction. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ring.h"

enum { CNT = 64, WORDS = 5, ELEM_SZ = WORDS * 8, KILLS = 60 };

static void footprints(void **state)
{
    assert_int_equal(bd_ring_footprint(0, 8), 0);
    assert_int_equal(bd_ring_footprint(3, 8), 0);
    assert_int_equal(bd_ring_footprint(4, 0), 0);
    assert_int_equal(bd_ring_footprint(4, 12), 0);
    assert_int_equal(bd_ring_footprint(4, 8), 192 + 64);
    assert_int_equal(bd_ring_footprint(1U << 31, 1024), 192 + (1ULL << 41));
}

static struct bd_ring *make_ring(uint32_t cnt, uint32_t elem_sz)
{
    void *memory = aligned_alloc(64, bd_ring_footprint(cnt, elem_sz));
    bd_ring_format(memory, cnt, elem_sz);
    return memory;
}

static void first_in_first_out(void **state)
{
    struct bd_ring *ring = make_ring(8, 8);
    assert_int_equal(bd_ring_size(ring), 8);
    uint64_t in = 0, out = 0;
    for (unsigned turn = 0; turn < 1000; turn++) {
        for (unsigned n = 0; n < 1 + turn % 10; n++) {
            uint64_t *elem = bd_ring_reserve(ring);
            assert_int_equal(elem == NULL, in - out == 8);
            if (!elem)
                break;
            *elem = in++;
            bd_ring_publish(ring);
            assert_int_equal(bd_ring_used(ring), in - out);
        }
        for (unsigned n = 0; n < 1 + turn % 7; n++) {
            const uint64_t *elem = bd_ring_peek(ring);
            assert_int_equal(elem == NULL, in == out);
            if (!elem)
                break;
            assert_int_equal(*elem, out++);
            bd_ring_release(ring);
        }
    }
    /* Reserved and never published, as a killed producer leaves it: it was never there. */
    while (bd_ring_peek(ring))
        bd_ring_release(ring);
    *(uint64_t *)bd_ring_reserve(ring) = 999;
    assert_null(bd_ring_peek(ring));
    *(uint64_t *)bd_ring_reserve(ring) = 1000;
    bd_ring_publish(ring);
    assert_int_equal(*(const uint64_t *)bd_ring_peek(ring), 1000);
    /* Peeked and never released: it is seen again. */
    assert_int_equal(*(const uint64_t *)bd_ring_peek(ring), 1000);
    free(ring);
}

/* Several elements written before any is published: none is seen, then all, in order; no more
 * places than the ring holds. */
static void published_together(void **state)
{
    struct bd_ring *ring = make_ring(8, 8);
    for (uint64_t base = 0; base < 100; base += 5) {
        for (uint32_t n = 0; n < 5; n++)
            *(uint64_t *)bd_ring_reserve_ahead(ring, n) = base + n;
        assert_null(bd_ring_peek(ring));
        bd_ring_publish_many(ring, 5);
        assert_non_null(bd_ring_reserve_ahead(ring, 2));
        assert_null(bd_ring_reserve_ahead(ring, 3));
        for (uint32_t n = 0; n < 5; n++) {
            assert_int_equal(*(const uint64_t *)bd_ring_peek(ring), base + n);
            bd_ring_release(ring);
        }
        assert_null(bd_ring_peek(ring));
    }
    free(ring);
}

/* Both ends keep what they know in shared memory, as a successor would find it out by itself. */
struct shared {
    _Atomic uint64_t sent;     /* numbers of elements whose publish has returned */
    _Atomic uint64_t received; /* numbers of elements whose release has returned */
    _Atomic unsigned failed;   /* line of a failed check in a child */
    _Alignas(64) uint8_t ring[8192];
};

static void produce(struct shared *s)
{
    struct bd_ring *ring = (struct bd_ring *)s->ring;
    for (;;) {
        uint64_t *elem = bd_ring_reserve(ring);
        if (!elem)
            continue;
        for (unsigned w = 0; w < WORDS; w++)
            elem[w] = s->sent + w;
        bd_ring_publish(ring);
        atomic_fetch_add(&s->sent, 1);
    }
}

/* Numbers follow one another. One may be missing from `sent` or `received`, whose writer was killed
 * between the ring's step and its own: then a number comes a second time. */
static void consume(struct shared *s)
{
    struct bd_ring *ring = (struct bd_ring *)s->ring;
    for (;;) {
        const uint64_t *elem = bd_ring_peek(ring);
        if (!elem)
            continue;
        uint64_t number = elem[0], expected = s->received;
        bool whole = true;
        for (unsigned w = 1; w < WORDS; w++)
            whole = whole && elem[w] == number + w;
        if (!whole)
            s->failed = __LINE__;
        if (number != expected && number + 1 != expected && number != expected + 1)
            s->failed = __LINE__;
        bd_ring_release(ring);
        s->received = number + 1;
    }
}

static pid_t start(struct shared *s, void (*side)(struct shared *))
{
    pid_t pid = fork();
    if (pid == 0)
        side(s);
    assert_true(pid > 0);
    return pid;
}

static void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void survives_kills_of_either_side(void **state)
{
    struct shared *s =
        mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(s, MAP_FAILED);
    assert_true(bd_ring_footprint(CNT, ELEM_SZ) <= sizeof(s->ring));
    bd_ring_format(s->ring, CNT, ELEM_SZ);
    pid_t producer = start(s, produce), consumer = start(s, consume);
    srand((unsigned)getpid());
    for (unsigned n = 0; n < KILLS && !s->failed; n++) {
        usleep((useconds_t)(rand() % 10000));
        if (n % 2 == 0) {
            stop(producer);
            producer = start(s, produce);
        } else {
            stop(consumer);
            consumer = start(s, consume);
        }
    }
    stop(producer);
    for (unsigned ms = 0; ms < 2000 && bd_ring_used((struct bd_ring *)s->ring) > 0; ms++)
        usleep(1000);
    stop(consumer);
    assert_int_equal(s->failed, 0);
    assert_int_equal(bd_ring_used((struct bd_ring *)s->ring), 0);
    assert_true(s->received > 1000);
    assert_true(s->received == s->sent || s->received == s->sent + 1 || s->received + 1 == s->sent);
    munmap(s, sizeof(*s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(footprints),
        cmocka_unit_test(first_in_first_out),
        cmocka_unit_test(published_together),
        cmocka_unit_test(survives_kills_of_either_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
