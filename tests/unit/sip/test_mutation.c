/* SPDX-License-Identifier: BSD-3-Clause */
/* Every one-byte mutation of every corpus message, against a page that nobody may touch. */
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

static void mutate_all(const char *prefix)
{
    for (unsigned i = 0; i < corpus.cnt; i++) {
        const struct corpus_file *file = &corpus.file[i];
        if (strncmp(file->name, prefix, strlen(prefix)) == 0)
            mutate(guarded_high(&guarded, file->text), file->text.len);
    }
}

static void test_own(void **state)
{
    for (unsigned i = 0; i < corpus.cnt; i++) {
        const struct corpus_file *file = &corpus.file[i];
        if (strncmp(file->name, "torture", 7) != 0)
            mutate(guarded_high(&guarded, file->text), file->text.len);
    }
}

static void test_rfc4475(void **state)
{
    mutate_all("torture/rfc4475");
}

static void test_rfc5118(void **state)
{
    mutate_all("torture/rfc5118");
}

int main(void)
{
    corpus_load_all(&corpus);
    guarded = guarded_new(65536);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),
        cmocka_unit_test(test_rfc4475),
        cmocka_unit_test(test_rfc5118),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
