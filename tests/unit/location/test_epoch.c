/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_fixture.h"

#include <pthread.h>
#include <sched.h>

static void passes_when_all_lines_have_seen_it(void **state)
{
    static struct bd_epoch e;
    bd_epoch_init(&e);
    assert_true(bd_epoch_passed(&e, bd_epoch_advance(&e)));
    bd_epoch_online(&e, bd_epoch_worker(0), 5);
    bd_epoch_online(&e, bd_epoch_control(7), 9);
    uint64_t target = bd_epoch_advance(&e);
    assert_false(bd_epoch_passed(&e, target));
    bd_epoch_quiescent(&e, bd_epoch_worker(0), 5);
    assert_false(bd_epoch_passed(&e, target));
    bd_epoch_quiescent(&e, bd_epoch_control(7), 9);
    assert_true(bd_epoch_passed(&e, target));
    uint64_t next = bd_epoch_advance(&e);
    assert_int_equal(next, target + 1);
    assert_int_equal(bd_epoch_oldest(&e), target);
    bd_epoch_offline(&e, bd_epoch_worker(0));
    assert_false(bd_epoch_passed(&e, next));
    bd_epoch_offline(&e, bd_epoch_control(7));
    assert_true(bd_epoch_passed(&e, next));
}

static void buries_the_dead_only(void **state)
{
    static struct bd_epoch e;
    bd_epoch_init(&e);
    for (unsigned r = 0; r < BD_EPOCH_CONTROL_MAX; r++)
        bd_epoch_online(&e, bd_epoch_control(r), r < 4 ? 0 : UINT16_MAX);
    bd_epoch_online(&e, bd_epoch_worker(3), 0);
    bd_epoch_bury(&e, bd_epoch_control(0), BD_EPOCH_CONTROL_MAX, 0);
    for (unsigned r = 0; r < BD_EPOCH_CONTROL_MAX; r++)
        assert_int_equal(e.line[bd_epoch_control(r)].seen != 0, r >= 4);
    assert_true(e.line[bd_epoch_worker(3)].seen != 0);
}

/* Two readers hold an object for a while, one retirer poisons it after its grace: no reader may
 * ever see poison in an object that it found linked. */
enum { OBJECTS = 64, TURNS = 3000, FRESH = 1, POISON = 2 };
static struct {
    struct bd_epoch e;
    _Atomic unsigned linked;
    unsigned content[OBJECTS]; /* plain: a thread sanitizer sees any overlap */
    _Atomic bool stop, failed;
} g;

static void *read_objects(void *arg)
{
    unsigned line = *(unsigned *)arg;
    for (unsigned n = 0; !atomic_load(&g.stop); n++) {
        if (n % 8 == 0) {
            bd_epoch_offline(&g.e, line);
            sched_yield();
            bd_epoch_online(&g.e, line, 1);
        }
        if (g.content[atomic_load(&g.linked)] != FRESH)
            atomic_store(&g.failed, true);
        bd_epoch_quiescent(&g.e, line, 1);
    }
    bd_epoch_offline(&g.e, line);
    return NULL;
}

static void readers_never_see_a_reused_object(void **state)
{
    unsigned line[2] = {bd_epoch_worker(1), bd_epoch_control(2)};
    pthread_t thread[2];
    bd_epoch_init(&g.e);
    g.content[0] = FRESH;
    for (unsigned i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, read_objects, &line[i]);
    for (unsigned n = 1; n <= TURNS; n++) {
        unsigned old = (n - 1) % OBJECTS, new = n % OBJECTS;
        g.content[new] = FRESH;
        atomic_store(&g.linked, new);
        uint64_t target = bd_epoch_advance(&g.e);
        while (!bd_epoch_passed(&g.e, target))
            sched_yield();
        g.content[old] = POISON;
    }
    atomic_store(&g.stop, true);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    assert_false(g.failed);
}

/* A line has 16 bits of its process's generation: after 65,536 starts they begin anew, with 0, and
 * a line that belongs to it is no line that is offline. */
static void generations_wrap(void **state)
{
    static struct bd_epoch e;
    unsigned line = bd_epoch_control(0);
    bd_epoch_init(&e);
    for (uint32_t generation = 0xfffe; generation < 0x10003; generation++) {
        bd_epoch_online(&e, line, (uint16_t)generation);
        uint64_t target = bd_epoch_advance(&e);
        assert_false(bd_epoch_passed(&e, target));
        bd_epoch_bury(&e, line, 1, (uint16_t)(generation - 1));
        assert_false(bd_epoch_passed(&e, target));
        bd_epoch_bury(&e, line, 1, (uint16_t)generation);
        assert_true(bd_epoch_passed(&e, target));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_when_all_lines_have_seen_it),
        cmocka_unit_test(buries_the_dead_only),
        cmocka_unit_test(generations_wrap),
        cmocka_unit_test(readers_never_see_a_reused_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
