/* SPDX-License-Identifier: BSD-3-Clause */
/* A journal whose records are anything, but whose checks are right: what a build with a mistake, or
 * somebody with the disk, could write. Nothing is promised of it but this: the load ends, and what
 * it gives fits into the table whole.
 *
 *   kind, slots, then { type, length:16, body } ... */
#include "fuzz.h"

#include "journal_fixture.h"
#include "journal_print.h"

enum { FILE_MAX = 1 << 20 };

static uint8_t file[FILE_MAX];
static uint32_t file_len;
static const uint64_t salt = 0x5a17;

static void put_headers(struct fuzz_input *in)
{
    struct bd_journal_header header = {.version = BD_JOURNAL_VERSION,
                                       .kind = (uint16_t)(1 + fuzz_below(in, 2)),
                                       .number = 1,
                                       .geometry = 7,
                                       .slots = fuzz_u8(in),
                                       .salt = salt,
                                       .made = {1700000000123ULL, 5000000, 7}};
    bd_journal_header_encode(&header, file);
    bd_journal_header_encode(&header, file + BD_JOURNAL_HEADER_SZ);
    file_len = BD_JOURNAL_RECORDS_OFF;
}

static void put_record(struct fuzz_input *in, uint64_t seq)
{
    const uint8_t *body;
    uint8_t type = (uint8_t)(1 + fuzz_below(in, 6));
    uint32_t len = (uint32_t)fuzz_take(in, fuzz_u16(in), &body);
    if (file_len + BD_JOURNAL_FRAME_SZ + bd_journal_padded(len) > FILE_MAX)
        return;
    uint8_t *record = file + file_len;
    if (len)
        memcpy(record + BD_JOURNAL_FRAME_SZ, body, len);
    bd_journal_frame_encode(record, salt + file_len, type, len, seq);
    file_len += BD_JOURNAL_FRAME_SZ + bd_journal_padded(len);
}

/* What the dataplane does with it: a record of the table is made. */
static int take(void *arg, struct bd_str aor, const struct bd_binding *bindings, unsigned cnt)
{
    static _Alignas(64) uint8_t block[BD_RECORD_MAX];
    fuzz_judge(aor.len <= BD_AOR_MAX && cnt <= BD_CONTACTS_PER_AOR_MAX, "%u bindings of %u bytes",
               cnt, aor.len);
    uint32_t sz = cnt ? bd_record_sz(aor, bindings, cnt) : 0;
    if (sz == 0)
        return 0;
    struct bd_record *record = (struct bd_record *)block;
    bd_record_write(record, aor, bindings, cnt);
    fuzz_judge(bd_record_valid(record, sz), "a record that is none");
    fuzz_judge(bd_str_eq(bd_record_aor(record), aor) && bd_record_cnt(record) == cnt,
               "another record");
    return 0;
}

static void load(const struct memfs *fs)
{
    struct bd_journal_report report;
    struct bd_error error;
    struct bd_journal_load_params params = {
        .dir = fs->dir, .now = {1700000000123ULL, 5000000, 7}, .on_binding_set = take};
    bd_journal_load(&params, &report, &error);
}

/* `binderyctl journal show`: lines of printable bytes. */
static void show(const struct memfs *fs, const char *name)
{
    struct bd_journal_reader reader;
    struct bd_journal_problem problem;
    static struct bd_journal_record record;
    struct bd_error error;
    enum bd_journal_step step;
    char *text = NULL;
    size_t len;
    if (bd_journal_reader_open(&reader, &fs->dir, name, &problem, &error) != 0)
        return;
    FILE *out = open_memstream(&text, &len);
    bd_journal_print_header(out, &reader.header);
    while ((step = bd_journal_reader_next(&reader, &record, &problem)) != BD_JOURNAL_EOF) {
        problem.file = name;
        if (step == BD_JOURNAL_RECORD)
            bd_journal_print_record(out, &record);
        else
            bd_journal_print_problem(out, &problem);
    }
    bd_journal_reader_close(&reader);
    fclose(out);
    for (size_t i = 0; i < len; i++)
        fuzz_judge(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'), "byte %02x is shown",
                   (uint8_t)text[i]);
    free(text);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct memfs fs;
    struct fuzz_input in = {data, size};
    put_headers(&in);
    for (uint64_t seq = 1; in.left > 0; seq++)
        put_record(&in, seq);
    const char *name = file[22] == BD_JOURNAL_FILE_SNAPSHOT ? "snapshot-1" : "journal-1";
    memfs_open(&fs);
    memfs_write(&fs, name, file, file_len);
    show(&fs, name);
    load(&fs);
    memfs_close(&fs);
    return 0;
}
