/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast bindings are written to disk and loaded: a snapshot of all, a journal of refreshes over
 * them, then a load of both that gives each to a receiver which only looks at it, and at last what
 * the dataplane does with a new arena: the load into a binding table.
 *
 *   bench_journal DIRECTORY [BINDINGS [REFRESHES]]     defaults: 1000000 and a tenth of them
 *
 * One contact of typical texts each. The directory must be empty; its files are removed. `cold`
 * drops them from the page cache before the load, as after a power cut. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "journal.h"
#include "journal_files.h"
#include "journal_load.h"
#include "restore.h"
#include "table_lab.h"

enum { AOR_LEN = 24, SLOTS_PER_BINDING = 3 };

static struct bd_journal_dir dir = {.io = &bd_journal_io_posix};
static struct bd_journal_time now;
static struct bd_error error;
static uint64_t bindings;

static void die(void)
{
    fprintf(stderr, "%s\n", error.text);
    exit(1);
}

static void aor_of(uint64_t number, char out[AOR_LEN])
{
    memcpy(out, "u00000000000@example.org", AOR_LEN);
    for (unsigned i = 11; number; i--, number /= 10)
        out[i] = (char)('0' + number % 10);
}

static struct bd_binding typical(uint32_t cseq)
{
    static const char text[64] = "sip:4711@198.18.200.200:50600;transport=udp;ob;line=abcdef0";
    return (struct bd_binding){.text = {[BD_TEXT_URI] = {text, 56},
                                        [BD_TEXT_CALL_ID] = {text, 36},
                                        [BD_TEXT_PARAMS] = {text, 40},
                                        [BD_TEXT_USER_AGENT] = {text, 32}},
                               .state = bd_state_make(cseq, (uint32_t)(now.clock_ms / 1000) + 3600),
                               .created_at_s = (uint32_t)(now.clock_ms / 1000),
                               .q_milli = BD_Q_NONE};
}

static void report(const char *what, uint64_t begin_ms, uint64_t cnt, uint64_t bytes)
{
    double s = (double)(bd_clock_ms() - begin_ms + 1) / 1e3;
    printf("%-14s %7.2f s   %7.2f M/s   %7.0f MB/s   %5.0f bytes each\n", what, s,
           (double)cnt / 1e6 / s, (double)bytes / 1e6 / s, (double)bytes / (double)cnt);
}

static void write_snapshot(const struct bd_journal_begin *begin)
{
    struct bd_journal snapshot;
    char aor[AOR_LEN];
    struct bd_binding binding = typical(1);
    uint64_t began = bd_clock_ms();
    if (bd_snapshot_begin(&snapshot, &dir, begin, &error) < 0)
        die();
    for (uint64_t i = 0; i < bindings; i++) {
        aor_of(i, aor);
        if (bd_journal_put(&snapshot, i * SLOTS_PER_BINDING, (struct bd_str){aor, AOR_LEN},
                           &binding, 1, &error) < 0)
            die();
    }
    report("snapshot", began, bindings, snapshot.off + snapshot.used);
    if (bd_snapshot_finish(&snapshot, &now, &error) < 0)
        die();
    report("  and sync", began, bindings, snapshot.off);
}

static void write_refreshes(struct bd_journal *journal, uint64_t refreshes)
{
    char aor[AOR_LEN];
    struct bd_binding binding = typical(2);
    uint64_t began = bd_clock_ms();
    for (uint64_t i = 0; i < refreshes; i++) {
        uint64_t number = i * 7919 % bindings;
        aor_of(number, aor);
        if (bd_journal_state(journal, number * SLOTS_PER_BINDING, (struct bd_str){aor, AOR_LEN},
                             &binding, 1, &error) < 0)
            die();
    }
    if (bd_journal_finish(journal, &now, 0, &error) < 0)
        die();
    if (refreshes)
        report("refreshes", began, refreshes, journal->off);
}

static int look_at(void *arg, struct bd_str aor, const struct bd_binding *binding, unsigned cnt)
{
    *(uint64_t *)arg += aor.len + binding[0].text[BD_TEXT_URI].len + (cnt ? binding[0].state : 0);
    return 0;
}

static void drop_cache(const char *name)
{
    char path[BD_JOURNAL_PATH_MAX];
    bd_journal_path(&dir, name, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
}

static void load(const char *what)
{
    uint64_t sum = 0, began = bd_clock_ms();
    struct bd_journal_report r;
    struct bd_journal_load_params params = {
        .dir = dir, .now = now, .on_binding_set = look_at, .arg = &sum};
    if (bd_journal_load(&params, &r, &error) < 0)
        die();
    report(what, began, r.bindings, r.bytes);
    if (r.bindings != bindings || r.problems || r.unmatched)
        printf("  NOT ALL: %" PRIu64 " bindings, %" PRIu64 " problems, %" PRIu64 " unmatched\n",
               r.bindings, r.problems, r.unmatched);
}

static void restore(void)
{
    struct lab lab;
    struct bd_config config = {.journal_dir = (char *)(uintptr_t)dir.path,
                               .bindings_max = bindings};
    if (!lab_open(&lab, bindings < 1024 ? 1024 : bindings, 1, NULL))
        return;
    uint64_t began = bd_clock_ms();
    if (bd_restore(&config, &lab.table, bd_memory_writer(lab.memory, 0), &error) < 0)
        die();
    report("restore", began, bindings, bindings * (uint64_t)lab_bytes_per_binding(&lab));
    lab_close(&lab);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_journal DIRECTORY [BINDINGS [REFRESHES]]\n");
        return 2;
    }
    dir.path = argv[1];
    bindings = argc > 2 ? strtoull(argv[2], NULL, 0) : 1000000;
    uint64_t refreshes = argc > 3 ? strtoull(argv[3], NULL, 0) : bindings / 10;
    now = bd_journal_time_read();
    struct bd_journal_begin begin = {.number = bd_journal_next_number(&dir, &error),
                                     .geometry = 1,
                                     .slots = bindings * SLOTS_PER_BINDING,
                                     .now = now};
    struct bd_journal journal;
    if (begin.number != 1 || bd_journal_begin(&journal, &dir, &begin, &error) < 0) {
        fprintf(stderr, "%s: %s\n", dir.path, error.text[0] ? error.text : "not empty");
        return 1;
    }
    write_snapshot(&begin);
    write_refreshes(&journal, refreshes);
    load("load, cached");
    drop_cache("snapshot-1");
    drop_cache("journal-1");
    load("load, cold");
    restore();
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("most memory    %ld MB\n", usage.ru_maxrss / 1000);
    bd_journal_unlink(&dir, "snapshot-1");
    bd_journal_unlink(&dir, "journal-1");
    return 0;
}
