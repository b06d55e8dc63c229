/* SPDX-License-Identifier: BSD-3-Clause */
/* The journal in a whole control process: what reaches a real directory when, over restarts and
 * while its disk fails or hangs. */
#include "lab.h"

#include <sys/syscall.h>

#include "journal_load.h"
#include "journaling.h"
#include "peer.h"
#include "threads.h"

enum { WITHIN_MS = 100000 };

/* The disk's word stands in for libc's: 0 works, above 0 an errno, below 0 hangs. */
static _Atomic int disk;

int fdatasync(int fd)
{
    while (atomic_load(&disk) < 0)
        usleep(1000);
    errno = atomic_load(&disk);
    return errno ? -1 : (int)syscall(SYS_fdatasync, fd);
}

/* Bytes that the journal's directory may hold; 0: any number. */
static _Atomic int64_t disk_sz;
static char disk_path[96];

static int64_t used(unsigned *files)
{
    int64_t sum = 0;
    DIR *directory = opendir(disk_path);
    struct dirent *entry;
    struct stat st;
    *files = 0;
    while (directory && (entry = readdir(directory))) {
        if (fstatat(dirfd(directory), entry->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
            continue;
        sum += st.st_size;
        ++*files;
    }
    if (directory)
        closedir(directory);
    return sum;
}

static bool is_full(int fd, size_t len)
{
    char link[32], path[256] = "";
    unsigned files;
    int64_t sz = atomic_load(&disk_sz);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    return sz > 0 && readlink(link, path, sizeof(path) - 1) > 0 &&
           strncmp(path, disk_path, strlen(disk_path)) == 0 && used(&files) + (int64_t)len > sz;
}

ssize_t write(int fd, const void *data, size_t len)
{
    if (!is_full(fd, len))
        return syscall(SYS_write, fd, data, len);
    errno = ENOSPC;
    return -1;
}

static struct lab *open_with(const char *durability, unsigned fsync_ms)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    lab_durability = durability;
    lab_fsync_ms = fsync_ms;
    atomic_store(&disk, 0);
    lab_open(lab);
    return lab;
}

static void done(struct lab *lab)
{
    lab_close(lab);
    free(lab);
}

static struct bd_journaling_numbers read_numbers(struct lab *lab)
{
    struct bd_journaling_numbers numbers;
    bd_journaling_read(lab->control.journaling, &numbers);
    return numbers;
}

/* --- epoch lines ------------------------------------------------------------------------------ */

/* The journal's threads begin before the rest of the process: what holds a line of its own already
 * reads the table, and the lines of a predecessor must not keep records from reuse for ever. */
static void only_a_predecessor_is_buried(void **state)
{
    struct lab *lab = open_with("none", 5);
    struct bd_epoch *epoch = lab->control.table.epoch;
    unsigned own = bd_epoch_control(1 + BD_VERIFIERS_MAX), left = own + 1;
    struct bd_error error;
    bd_epoch_online(epoch, own, lab->control.generation);
    bd_epoch_online(epoch, left, (uint16_t)(lab->control.generation - 1));
    struct bd_peer *peer = bd_peer_new(&lab->control, &error);
    assert_non_null(peer);
    assert_int_not_equal(atomic_load(&epoch->line[own].seen), 0);
    assert_int_equal(atomic_load(&epoch->line[left].seen), 0);
    bd_peer_free(peer);
    bd_epoch_offline(epoch, own);
    done(lab);
}

/* --- what is on disk -------------------------------------------------------------------------- */

struct wanted {
    struct bd_str aor;
    unsigned cnt;
};

static int on_binding_set(void *arg, struct bd_str aor, const struct bd_binding *bindings,
                          unsigned cnt)
{
    struct wanted *wanted = arg;
    if (bd_str_eq(aor, wanted->aor))
        wanted->cnt = cnt;
    return 0;
}

/* Contacts of an AoR that a start after a power cut would find. */
static unsigned on_disk(const struct lab *lab, const char *aor)
{
    struct wanted wanted = {.aor = bd_str_from(aor)};
    struct bd_journal_report report;
    struct bd_error error;
    char path[96];
    lab_path(lab, "journal", path);
    struct bd_journal_load_params params = {.dir = {&bd_journal_io_posix, path},
                                            .now = bd_journal_time_read(),
                                            .on_binding_set = on_binding_set,
                                            .arg = &wanted};
    if (bd_journal_load(&params, &report, &error) < 0)
        return UINT32_MAX; /* a file went while it was read */
    return wanted.cnt;
}

static void wait_on_disk(struct lab *lab, const char *aor, unsigned cnt)
{
    uint64_t deadline_ms = bd_clock_ms() + WITHIN_MS;
    while (bd_clock_ms() < deadline_ms) {
        if (on_disk(lab, aor) == cnt)
            return;
        lab_turn(lab);
    }
    fail_msg("%s never has %u contacts on disk", aor, cnt);
}

static void wait_info(struct lab *lab, const char *part)
{
    char *text = NULL;
    uint64_t deadline_ms = bd_clock_ms() + WITHIN_MS;
    while (bd_clock_ms() < deadline_ms) {
        free(text);
        text = lab_ask(lab, "show info");
        if (strstr(text, part)) {
            free(text);
            return;
        }
        lab_turn(lab);
    }
    fail_msg("never '%s' in: %s", part, text ? strstr(text, "journal durability") : "");
}

/* --- tests ------------------------------------------------------------------------------------ */

static void waits_for_the_dataplane(void **state)
{
    struct lab *lab = open_with("async", 5);
    lab_expect(lab, "show info", "journal state: waits for the dataplane to load it");
    lab_expect(lab, "snapshot", "error: the dataplane has not loaded the journal yet");
    char path[96];
    lab_path(lab, "journal", path);
    assert_int_not_equal(access(path, F_OK), 0);
    lab_dataplane(lab);
    wait_info(lab, "journal state: writing\n");
    lab_expect(lab, "show info", "snapshot complete: yes");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750 & ~umask(umask(0) & 0777));
    done(lab);
}

static void puts_changes_on_disk(void **state)
{
    struct lab *lab = open_with("async", 5);
    lab_dataplane(lab);
    wait_info(lab, "journal state: writing\n");
    lab_put(lab, "1000@example.com", 2, lab_now_s() + 3600);
    wait_on_disk(lab, "1000@example.com", 2);
    lab_put(lab, "1000@example.com", 1, lab_now_s() + 3600);
    wait_on_disk(lab, "1000@example.com", 1);
    lab_put(lab, "1000@example.com", 0, 0);
    wait_on_disk(lab, "1000@example.com", 0);
    while (read_numbers(lab).records < 3) /* counted a moment later than they can be read */
        lab_turn(lab);
    assert_int_equal(read_numbers(lab).failures, 0);
    done(lab);
}

static void takes_snapshots_on_command(void **state)
{
    struct lab *lab = open_with("async", 5);
    lab_dataplane(lab);
    wait_info(lab, "snapshot complete: yes");
    lab_put(lab, "1000@example.com", 2, lab_now_s() + 3600);
    lab_put(lab, "1001@example.com", 1, lab_now_s() + 3600);
    lab_expect(lab, "snapshot", "3 bindings of 2 addresses of record");
    struct bd_journaling_numbers n = read_numbers(lab);
    char *json = lab_ask_as(lab, BD_LEVEL_OPERATOR, "json snapshot");
    assert_non_null(strstr(json, "\"result\""));
    free(json);
    assert_int_equal(read_numbers(lab).snapshot, n.snapshot + 1);
    assert_int_equal(read_numbers(lab).journal, n.snapshot + 1);
    /* What it replaced is gone; what came before is in it. */
    char path[128];
    snprintf(path, sizeof(path), "%s/journal/snapshot-%llu", lab->directory,
             (unsigned long long)n.snapshot);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(on_disk(lab, "1001@example.com"), 1);
    lab_expect(lab, "show metrics", "\nbindery_snapshot_bindings 3\n");
    char *text = lab_ask_as(lab, BD_LEVEL_USER, "snapshot");
    assert_non_null(strstr(text, "needs the operator socket"));
    free(text);
    done(lab);
}

static void goes_on_after_a_restart(void **state)
{
    struct lab *lab = open_with("async", 5);
    lab_dataplane(lab);
    wait_info(lab, "snapshot complete: yes");
    lab_put(lab, "1000@example.com", 1, lab_now_s() + 3600);
    wait_on_disk(lab, "1000@example.com", 1);
    uint64_t number = read_numbers(lab).journal;
    bd_service_stop(&lab->control);
    lab_put(lab, "1001@example.com", 1, lab_now_s() + 3600); /* while control is away */
    lab_start(lab);
    wait_on_disk(lab, "1001@example.com", 1);
    assert_int_equal(on_disk(lab, "1000@example.com"), 1);
    while (read_numbers(lab).journal == 0)
        lab_turn(lab);
    assert_int_equal(read_numbers(lab).journal, number + 1);
    assert_int_equal(read_numbers(lab).snapshots, 0); /* the former one serves */
    done(lab);
}

static void a_stop_leaves_nothing_behind(void **state)
{
    struct lab *lab = open_with("async", 60000);
    lab_dataplane(lab);
    wait_info(lab, "snapshot complete: yes");
    lab_put(lab, "1000@example.com", 1, lab_now_s() + 3600);
    bd_service_stop(&lab->control);
    assert_int_equal(on_disk(lab, "1000@example.com"), 1);
    lab_start(lab);
    done(lab);
}

static void leave_files(const struct lab *lab, unsigned cnt)
{
    char path[96], file[128];
    lab_path(lab, "journal", path);
    for (unsigned n = 1; n <= cnt; n++) {
        snprintf(file, sizeof(file), "%s/journal-%u", path, 1000 + n);
        int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        close(fd);
    }
}

/* A process that is started again and again, as it fails each time, lives too short for a snapshot.
 * Its journals do not become too many for the next load: with a quarter of those no more is begun
 * until it has lived for a while. */
static void short_lives_do_not_fill_the_directory(void **state)
{
    struct lab *lab = open_with("async", 5);
    lab_dataplane(lab);
    wait_info(lab, "journal state: writing\n");
    bd_service_stop(&lab->control);
    leave_files(lab, BD_JOURNAL_FILES_MAX / 4);
    char path[96];
    lab_path(lab, "journal", path);
    unsigned cnt = lab_files_in(path);
    for (unsigned i = 0; i < 3; i++) {
        lab_start(lab);
        wait_info(lab, "was started again and again");
        bd_service_stop(&lab->control);
    }
    assert_int_equal(lab_files_in(path), cnt);
    lab_start(lab);
    done(lab);
}

/* Snapshots that fail for months, one journal each. */
static void failing_snapshots_do_not_fill_the_directory(void **state)
{
    uint64_t first_ms = bd_journaling_retry_ms(1, false), all_ms = 0;
    for (unsigned failed = 1; failed < BD_JOURNAL_FILES_MAX; failed++)
        all_ms += bd_journaling_retry_ms(failed, false);
    assert_int_equal(first_ms, 10000);
    assert_true(all_ms > 100ULL * 86400 * 1000);
    assert_int_equal(bd_journaling_retry_ms(1000, true), first_ms);
}

static void a_reload_changes_the_interval(void **state)
{
    struct lab *lab = open_with("async", 60000);
    lab_dataplane(lab);
    wait_info(lab, "snapshot complete: yes");
    lab_fsync_ms = 5;
    lab_write_config(lab, 2, NULL);
    lab_expect(lab, "reload", "reloaded");
    lab_put(lab, "1000@example.com", 1, lab_now_s() + 3600);
    wait_on_disk(lab, "1000@example.com", 1);
    lab_durability = "none";
    lab_write_config(lab, 2, NULL);
    lab_expect(lab, "reload", "need a restart: journal.durability");
    done(lab);
}

/* What a worker does with a 200: durable above the ticket that it took after the change. */
static void tells_workers_what_is_durable(void **state)
{
    struct lab *lab = open_with("sync", 5);
    lab_dataplane(lab);
    struct bd_dirty_shared *shared = bd_dirty_of(&lab->arena);
    wait_info(lab, "journal state: writing\n");
    for (unsigned i = 0; i < 20; i++) {
        char aor[64];
        snprintf(aor, sizeof(aor), "user%u@example.com", i);
        lab_put(lab, aor, 1, lab_now_s() + 3600);
        uint64_t ticket = bd_dirty_ticket(&lab->table);
        for (unsigned ms = 0; atomic_load(&shared->durable) <= ticket && ms < 5000; ms++)
            usleep(1000);
        assert_true(atomic_load(&shared->durable) > ticket);
        assert_int_equal(on_disk(lab, aor), 1);
    }
    assert_int_equal(atomic_load(&shared->writing), 1);
    bd_service_stop(&lab->control);
    assert_int_equal(atomic_load(&shared->writing), 0);
    lab_start(lab);
    done(lab);
}

static void none_writes_nothing(void **state)
{
    struct lab *lab = open_with("none", 5);
    lab_dataplane(lab);
    lab_put(lab, "1000@example.com", 1, lab_now_s() + 3600);
    lab_expect(lab, "show info", "journal durability: none");
    lab_expect(lab, "snapshot", "error: there is no journal: journal.durability is none");
    bd_service_stop(&lab->control);
    char path[96];
    lab_path(lab, "journal", path);
    assert_int_not_equal(access(path, F_OK), 0);
    /* And with one again, all is written, though nobody marked it lately. */
    lab_durability = "async";
    lab_write_config(lab, 2, NULL);
    lab_start(lab);
    wait_on_disk(lab, "1000@example.com", 1);
    wait_info(lab, "snapshot complete: yes");
    done(lab);
}

static void catches_up_when_the_directory_can_be_made(void **state)
{
    struct lab *lab = open_with("async", 5);
    char path[96];
    lab_path(lab, "journal", path);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); /* a file in its place */
    lab_dataplane(lab);
    wait_info(lab, "Not a directory");
    lab_expect(lab, "show info", "journal state: failing");
    lab_expect(lab, "show metrics", "\nbindery_alarm{name=\"journal\"} 1\n");
    lab_put(lab, "1000@example.com", 1, lab_now_s() + 3600);
    unlink(path);
    wait_on_disk(lab, "1000@example.com", 1);
    wait_info(lab, "journal state: writing\n");
    lab_expect(lab, "show metrics", "\nbindery_alarm{name=\"journal\"} 0\n");
    done(lab);
}

static void catches_up_when_the_disk_works_again(void **state)
{
    struct lab *lab = open_with("sync", 5);
    lab_dataplane(lab);
    struct bd_dirty_shared *shared = bd_dirty_of(&lab->arena);
    wait_info(lab, "journal state: writing\n");
    atomic_store(&disk, EIO);
    lab_put(lab, "1000@example.com", 1, lab_now_s() + 3600);
    wait_info(lab, "journal state: failing");
    lab_expect(lab, "show info", "Input/output error");
    wait_info(lab, "journal marks pending: 1");
    lab_expect(lab, "snapshot", "error: ");
    assert_int_equal(atomic_load(&shared->writing), 0);
    uint64_t ticket = bd_dirty_ticket(&lab->table);
    assert_true(atomic_load(&shared->durable) <= ticket);
    uint64_t snapshots = read_numbers(lab).snapshots;
    atomic_store(&disk, 0);
    wait_on_disk(lab, "1000@example.com", 1);
    wait_info(lab, "journal state: writing\n");
    while (read_numbers(lab).snapshots == snapshots) /* a failed file is replaced */
        lab_turn(lab);
    done(lab);
}

static void change_all(struct lab *lab, unsigned cnt)
{
    for (unsigned i = 0; i < 2000; i++) {
        char aor[32];
        snprintf(aor, sizeof(aor), "%u@example.com", i);
        lab_put(lab, aor, cnt, lab_now_s() + 3600);
    }
}

/* Room for a snapshot ends a full disk, and what changed meanwhile does not take it: else a disk
 * that has nothing on it but the journal would stay full for ever. */
static void catches_up_when_there_is_room_for_a_snapshot(void **state)
{
    unsigned before, after;
    struct lab *lab = open_with("async", 5);
    lab_path(lab, "journal", disk_path);
    lab_dataplane(lab);
    wait_info(lab, "journal state: writing\n");
    change_all(lab, 4);
    lab_expect(lab, "snapshot", "snapshot-");
    int64_t snapshot_sz = (int64_t)read_numbers(lab).snapshot_bytes;
    atomic_store(&disk_sz, used(&after) + snapshot_sz / 2);
    change_all(lab, 4);
    wait_info(lab, "journal state: failing");
    atomic_store(&disk_sz, used(&after) + snapshot_sz / 2);
    wait_info(lab, "no snapshot: ");
    used(&before);
    for (unsigned i = 0; i < 3; i++)
        lab_expect(lab, "snapshot", "error: ");
    used(&after);
    assert_in_range(after, 1, before); /* each try does not leave one more */
    atomic_store(&disk_sz, used(&after) + snapshot_sz * 3 / 2);
    lab_expect(lab, "snapshot", "snapshot-");
    change_all(lab, 3);
    wait_info(lab, "journal state: writing\n");
    wait_on_disk(lab, "1999@example.com", 3);
    lab_expect(lab, "show metrics", "\nbindery_alarm{name=\"journal\"} 0\n");
    atomic_store(&disk_sz, 0);
    done(lab);
}

/* Nobody but the journal's own threads waits for a disk that hangs, and an end only so long. */
static void outlives_a_disk_that_hangs(void **state)
{
    struct lab *lab = open_with("async", 5);
    lab_dataplane(lab);
    wait_info(lab, "snapshot complete: yes");
    atomic_store(&disk, -1);
    lab_put(lab, "1000@example.com", 1, lab_now_s() + 3600);
    wait_info(lab, "has not answered for 1 s");
    lab_expect(lab, "show metrics", "\nbindery_alarm{name=\"journal_slow\"} 1\n");
    for (unsigned i = 0; i < 3000; i++) /* memory of replaced records is found all the same */
        lab_put(lab, "1001@example.com", 4, lab_now_s() + 3600);
    uint64_t began_ms = bd_clock_ms();
    assert_false(bd_journaling_stop(lab->control.journaling));
    assert_in_range(bd_clock_ms() - began_ms, BD_JOURNALING_STOP_MS, BD_JOURNALING_STOP_MS + 3000);
    atomic_store(&disk, 0);
    assert_true(bd_journaling_stop(lab->control.journaling));
    lab->control.journaling = NULL;
    assert_int_equal(on_disk(lab, "1001@example.com"), 4);
    done(lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_predecessor_is_buried),
        cmocka_unit_test(waits_for_the_dataplane),
        cmocka_unit_test(puts_changes_on_disk),
        cmocka_unit_test(takes_snapshots_on_command),
        cmocka_unit_test(goes_on_after_a_restart),
        cmocka_unit_test(a_stop_leaves_nothing_behind),
        cmocka_unit_test(short_lives_do_not_fill_the_directory),
        cmocka_unit_test(failing_snapshots_do_not_fill_the_directory),
        cmocka_unit_test(a_reload_changes_the_interval),
        cmocka_unit_test(tells_workers_what_is_durable),
        cmocka_unit_test(none_writes_nothing),
        cmocka_unit_test(catches_up_when_the_directory_can_be_made),
        cmocka_unit_test(catches_up_when_the_disk_works_again),
        cmocka_unit_test(catches_up_when_there_is_room_for_a_snapshot),
        cmocka_unit_test(outlives_a_disk_that_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
