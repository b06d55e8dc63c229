/* SPDX-License-Identifier: BSD-3-Clause */
/* A hundred thousand conversations by chance (conversation.h). A failure prints its seed;
 * BINDERY_TEST_SEED=N runs that again. */
#include "conversation.h"

#include <time.h>

/* A lab for each thousand: it stays in the cache. */
enum { SEQUENCES = 100000, PER_LAB = 1000, REQUESTS = 12 };

static uint64_t seed, rng;

static unsigned roll(unsigned n)
{
    rng += 0x9e3779b97f4a7c15ULL; /* splitmix64 */
    uint64_t z = rng;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (unsigned)((z ^ (z >> 31)) % n);
}

static void hold(struct lab *lab, unsigned user)
{
    struct conversation *c = conversation_begin(lab, user);
    for (unsigned i = 0; i < REQUESTS; i++)
        conversation_step(c);
    conversation_end(c);
}

static void test_against_model(void **state)
{
    (void)state;
    for (unsigned first = 0; first < SEQUENCES; first += PER_LAB) {
        struct lab *lab = lab_new(3 * PER_LAB);
        for (unsigned user = first; user < first + PER_LAB; user++)
            hold(lab, user);
        lab_free(lab);
    }
}

int main(void)
{
    const char *given = getenv("BINDERY_TEST_SEED");
    seed = rng = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    printf("seed %lu\n", (unsigned long)seed);
    conversation_roll = roll;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
