/* SPDX-License-Identifier: BSD-3-Clause */
/* Every prefix of every corpus message, cut off at a page that nobody may touch. */
#include "check.h"
#include "corpus.h"
#include "exercise.h"

static struct corpus corpus;
static struct guarded guarded;

static void test_prefixes_high(void **state)
{
    for (unsigned i = 0; i < corpus.cnt; i++) {
        struct bd_str text = corpus.file[i].text;
        for (uint32_t len = 0; len <= text.len; len++)
            exercise(guarded_high(&guarded, (struct bd_str){text.p, len}), len);
    }
}

/* Suffixes begin at the lower guard page: nothing looks before the first byte. */
static void test_suffixes_low(void **state)
{
    for (unsigned i = 0; i < corpus.cnt; i++) {
        struct bd_str text = corpus.file[i].text;
        for (uint32_t cut = 0; cut < text.len; cut += 3) {
            struct bd_str rest = {text.p + cut, text.len - cut};
            exercise(guarded_low(&guarded, rest), rest.len);
        }
    }
}

/* A message cut inside its header fields must never pass for a whole one, unless the cut is right
 * behind a line: then it may lack no field that is needed. */
static void test_cut_is_refused(void **state)
{
    const struct bd_str text = corpus_find(&corpus, "desk-yealink-digest.sip")->text;
    for (uint32_t len = 1; len < text.len - 2; len++) {
        const char *p = guarded_high(&guarded, (struct bd_str){text.p, len});
        if (p[len - 1] != '\n')
            assert_int_not_equal(exercise(p, len), BD_VERDICT_NONE);
    }
}

int main(void)
{
    corpus_load_all(&corpus);
    guarded = guarded_new(65536);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefixes_high),
        cmocka_unit_test(test_suffixes_low),
        cmocka_unit_test(test_cut_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
