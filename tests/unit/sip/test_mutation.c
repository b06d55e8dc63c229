/* SPDX-License-Identifier: BSD-3-Clause */
/* Every one-byte mutation of every message of one folder of the corpus, against a page that nobody
 * may touch. Run once a folder: `test_sip_mutation [torture/rfc4475/]`. */
#include "check.h"
#include "corpus.h"
#include "exercise.h"

static struct corpus corpus;
static struct guarded guarded;

static void mutate(char *p, uint32_t len)
{
    static const char values[] = {'\0', '\xff', '\r', '\n', ',', '"', '<', ';', ' ', '\\', '%'};
    static const char xors[] = {'\x01', '\x20', '\x80'};
    /* What follows the header fields is not looked at. */
    const char *blank = memmem(p, len, "\r\n\r\n", 4);
    uint32_t stop = blank ? (uint32_t)(blank - p) + 4 : len;
    for (uint32_t at = 0; at < stop; at++) {
        const char was = p[at];
        for (size_t i = 0; i < sizeof(values); i++) {
            p[at] = values[i];
            exercise(p, len);
        }
        for (size_t i = 0; i < sizeof(xors); i++) {
            p[at] = (char)(was ^ xors[i]);
            exercise(p, len);
        }
        p[at] = was;
    }
}

static void test_mutations(void **state)
{
    for (unsigned i = 0; i < corpus.cnt; i++) {
        struct bd_str text = corpus.file[i].text;
        mutate(guarded_high(&guarded, text), text.len);
    }
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "";
    corpus_load(&corpus, folder, *folder ? ".dat" : ".sip");
    guarded = guarded_new(65536);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
