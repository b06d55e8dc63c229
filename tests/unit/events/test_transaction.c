/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 3261 17.1.2 with a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "transaction.h"

enum { START_MS = 1000000 };

/* Runs to the end; returns how often it was sent, and when in at[]. */
static unsigned run(struct bd_transaction *t, uint64_t provisional_ms, uint64_t at[32])
{
    unsigned cnt = 0;
    for (uint64_t now = START_MS;; now += 100) {
        if (now == provisional_ms)
            bd_transaction_provisional(t, now);
        enum bd_transaction_due due = bd_transaction_due(t, now);
        if (due == BD_TRANSACTION_FAILS) {
            at[cnt] = now - START_MS;
            return cnt;
        }
        if (due == BD_TRANSACTION_SENDS) {
            at[cnt++] = now - START_MS;
            bd_transaction_sent(t, now);
        }
    }
}

static void timers_e_and_f(void **state)
{
    static const uint64_t wanted[] = {0,     500,   1500,  3500,  7500, 11500,
                                      15500, 19500, 23500, 27500, 31500};
    struct bd_transaction t = {.active = false};
    uint64_t at[32] = {0};
    assert_true(bd_transaction_begin(&t, 1, BD_STR("NOTIFY"), START_MS));
    assert_int_equal(run(&t, 0, at), 11);
    assert_memory_equal(at, wanted, sizeof(wanted));
    assert_int_equal(at[11], 32000);
    bd_transaction_end(&t);
    assert_int_equal(bd_transaction_due(&t, START_MS), BD_TRANSACTION_WAITS);
}

static void after_a_provisional_response_each_t2(void **state)
{
    static const uint64_t wanted[] = {0, 500, 4600, 8600, 12600, 16600, 20600, 24600, 28600};
    struct bd_transaction t = {.active = false};
    uint64_t at[32] = {0};
    assert_true(bd_transaction_begin(&t, 1, BD_STR("NOTIFY"), START_MS));
    assert_int_equal(run(&t, START_MS + 600, at), 9);
    assert_memory_equal(at, wanted, sizeof(wanted));
    assert_int_equal(at[9], 32000);
    bd_transaction_end(&t);
}

static void what_was_not_sent_stays_due(void **state)
{
    struct bd_transaction t = {.active = false};
    assert_true(bd_transaction_begin(&t, 1, BD_STR("NOTIFY"), START_MS));
    assert_int_equal(bd_transaction_due(&t, START_MS), BD_TRANSACTION_SENDS);
    assert_int_equal(bd_transaction_due(&t, START_MS + 100), BD_TRANSACTION_SENDS);
    bd_transaction_sent(&t, START_MS + 100);
    assert_int_equal(bd_transaction_due(&t, START_MS + 599), BD_TRANSACTION_WAITS);
    assert_int_equal(bd_transaction_due(&t, START_MS + 600), BD_TRANSACTION_SENDS);
    bd_transaction_restart(&t, START_MS + 100000);
    assert_int_equal(bd_transaction_due(&t, START_MS + 131999), BD_TRANSACTION_SENDS);
    assert_int_equal(bd_transaction_due(&t, START_MS + 132000), BD_TRANSACTION_FAILS);
    bd_transaction_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_e_and_f),
        cmocka_unit_test(after_a_provisional_response_each_t2),
        cmocka_unit_test(what_was_not_sent_stays_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
