/* SPDX-License-Identifier: BSD-3-Clause */
/* A table with a history (journal_fixture.h), its files, and what becomes of them: steps of the
 * one, then damage to the others, each byte a decision. Whatever was cut, overwritten, copied or
 * lost, each binding that a load gives is one that was written so; the fixture looks after that.
 * What a load of undamaged files gives is the latest. */
#include "fuzz.h"

#include "journal_fixture.h"

#include <sys/random.h>

/* The salt of a file: always the same here, so that an input is. */
ssize_t getrandom(void *p, size_t n, unsigned flags)
{
    memset(p, 0x5a, n);
    return (ssize_t)n;
}

enum { STEPS_MAX = 200, WOUNDS_MAX = 12 };

static void write_some(struct model *m, struct fuzz_input *in)
{
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        switch (fuzz_below(in, 10)) {
        case 0:
            return;
        case 1:
            assert_int_equal(model_sync(m), 0);
            break;
        case 2:
            m->now.clock_ms += 1000;
            m->now.wall_ms += 1000;
            break;
        case 3:
            assert_int_equal(model_snapshot(m, fuzz_below(in, 2)), 0);
            break;
        case 4:
        case 5:
            assert_int_equal(model_sweep(m), 0);
            break;
        default:
            model_step(m);
        }
    }
}

static struct bytes {
    uint8_t *p;
    uint32_t len;
} copy_of(const struct memfs_inode *inode)
{
    struct bytes copy = {malloc(inode->len + 1), inode->len};
    assert_non_null(copy.p);
    if (copy.len)
        memcpy(copy.p, inode->bytes, copy.len);
    return copy;
}

/* A place in the file; every other one is a multiple of 8, as records begin there. */
static uint32_t place(struct fuzz_input *in, uint32_t len)
{
    uint32_t at = fuzz_u16(in) << 4 | fuzz_below(in, 16);
    at = at % 2 ? at : at & ~7U;
    return len ? at % len : 0;
}

static void wound(struct memfs *fs, struct fuzz_input *in)
{
    char name[MEMFS_NAME_MAX];
    if (fs->names == 0)
        return;
    strcpy(name, fs->name[fuzz_u8(in) % (unsigned)fs->names].name);
    struct bytes file = copy_of(memfs_find(fs, name));
    uint32_t at = place(in, file.len), n = fuzz_u8(in) + 1U, from = place(in, file.len);
    n = n < file.len - at ? n : file.len - at;
    n = n < file.len - from ? n : file.len - from;
    switch (fuzz_below(in, 6)) {
    case 0:
        memfs_remove(fs, name);
        free(file.p);
        return;
    case 1:
        file.len = at;
        break;
    case 2:
        memset(file.p + at, 0, n);
        break;
    case 3:
        memmove(file.p + at, file.p + from, n);
        break;
    default:
        if (file.len)
            file.p[at] ^= (uint8_t)(1U << n % 8);
    }
    memfs_write(fs, name, file.p, file.len);
    free(file.p);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model m;
    static struct memfs fs;
    struct loaded loaded;
    struct fuzz_input in = {data, size};
    memfs_open(&fs);
    model_open(&m, &fs, 1 + fuzz_u8(&in));
    assert_int_equal(model_begin(&m), 0);
    write_some(&m, &in);
    assert_int_equal(model_sweep(&m), 0);
    assert_int_equal(model_sync(&m), 0);
    assert_int_equal(model_load(&m, &fs, &loaded), 0);
    model_expect_all(&m, &loaded);
    assert_int_equal(loaded.report.problems, 0);
    for (unsigned i = 0; i < WOUNDS_MAX && in.left > 0; i++)
        wound(&fs, &in);
    model_load(&m, &fs, &loaded);
    bd_journal_abandon(&m.journal);
    memfs_close(&fs);
    return 0;
}
