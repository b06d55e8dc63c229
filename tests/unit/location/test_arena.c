/* SPDX-License-Identifier: BSD-3-Clause */
/* Making, joining and refusing arenas; every error an operator can meet. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "arena.h"
#include "clock.h"

static char dir[64], path[128];
static struct bd_error error;
static _Atomic unsigned *formats; /* calls of format, by any process */

static void format(struct bd_arena *arena, const void *arg)
{
    atomic_fetch_add(formats, 1);
    *(uint64_t *)bd_arena_region(arena, BD_REGION_TABLE) = 0x600d;
}

static struct bd_arena_params params_of(uint64_t table_sz)
{
    struct bd_arena_params params = {.fingerprint = table_sz, .format = format};
    for (unsigned r = 0; r < BD_REGION_CNT; r++)
        params.region_sz[r] = 100 + r;
    params.region_sz[BD_REGION_TABLE] = table_sz;
    return params;
}
static const uint64_t usual = 3 << 20;

static int join(struct bd_arena *arena, enum bd_role role)
{
    struct bd_arena_params params = params_of(usual);
    return bd_arena_join(arena, path, "unused", role, &params, &error);
}

static int set_up(void **state)
{
    snprintf(dir, sizeof(dir), "/dev/shm/bindery-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/arena", dir);
    formats = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return 0;
}

static int tear_down(void **state)
{
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
    munmap((void *)formats, 4096);
    return 0;
}

static void write_file(const char *text, size_t len, off_t total)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, text, len), len);
    assert_int_equal(ftruncate(fd, total), 0);
    close(fd);
}

/* Writes over a word of the header of the file. */
static void patch(size_t off, uint64_t word)
{
    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, &word, sizeof(word), (off_t)off), sizeof(word));
    close(fd);
}

/* Joining fails, the text says both things, and the file is as it was. */
static void assert_refused(const char *what, const char *remedy)
{
    struct stat before, after;
    struct bd_arena arena;
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(join(&arena, BD_ROLE_CONTROL), -1);
    if (!strstr(error.text, what) || !strstr(error.text, remedy) || !strstr(error.text, path))
        fail_msg("'%s' lacks '%s' or '%s'", error.text, what, remedy);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(*formats, 0);
    bd_arena_leave(&arena); /* harmless */
}

static void is_made_once_and_joined_after(void **state)
{
    struct bd_arena first, second;
    assert_int_equal(join(&first, BD_ROLE_DATAPLANE), 0);
    assert_int_equal(join(&second, BD_ROLE_CONTROL), 0);
    assert_true(first.created && !second.created && !first.huge);
    assert_int_equal(*formats, 1);
    assert_memory_equal(&first.hash_key, &second.hash_key, sizeof(first.hash_key));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, first.header->total_sz);
    assert_true((uint64_t)st.st_blocks * 512 >= first.size); /* all of it is there already */
    for (unsigned r = 0; r < BD_REGION_CNT; r++) {
        assert_int_equal(first.header->region_off[r] % (2 << 20), 0);
        assert_true(first.header->region_off[r] + first.header->region_sz[r] <= first.size);
    }
    assert_int_equal(*(uint64_t *)bd_arena_region(&second, BD_REGION_TABLE), 0x600d);
    struct bd_role_line *line = &second.header->role[BD_ROLE_DATAPLANE];
    assert_int_equal(line->pid, getpid());
    assert_int_equal(line->generation, 1);
    bd_arena_leave(&first);
    assert_int_equal(join(&first, BD_ROLE_DATAPLANE), 0);
    assert_false(first.created);
    assert_int_equal(*formats, 1);
    assert_int_equal(line->generation, 2);
    bd_arena_leave(&first);
    bd_arena_leave(&second);
}

static void a_role_exists_once(void **state)
{
    struct bd_arena first, second, control;
    assert_int_equal(join(&first, BD_ROLE_DATAPLANE), 0);
    assert_int_equal(join(&second, BD_ROLE_DATAPLANE), -1);
    char want[128];
    snprintf(want, sizeof(want), "belongs to a running bindery-dataplane (pid %d); stop it first",
             getpid());
    assert_non_null(strstr(error.text, want));
    assert_int_equal(join(&control, BD_ROLE_CONTROL), 0);
    assert_true(bd_arena_role_alive(&control, BD_ROLE_DATAPLANE));
    assert_true(bd_arena_role_alive(&control, BD_ROLE_CONTROL));
    bd_arena_leave(&first);
    assert_false(bd_arena_role_alive(&control, BD_ROLE_DATAPLANE));
    bd_arena_leave(&control);
}

static void a_killed_process_holds_nothing(void **state)
{
    struct bd_arena control, dataplane;
    assert_int_equal(join(&control, BD_ROLE_CONTROL), 0);
    pid_t pid = fork();
    if (pid == 0) {
        bd_arena_leave(&control);
        join(&dataplane, BD_ROLE_DATAPLANE);
        for (;;)
            pause();
    }
    for (unsigned ms = 0; ms < 2000 && !bd_arena_role_alive(&control, BD_ROLE_DATAPLANE); ms++)
        usleep(1000);
    assert_true(bd_arena_role_alive(&control, BD_ROLE_DATAPLANE));
    kill(pid, SIGKILL);
    /* Not waited for: the successor of a dying process gets its turn within the second. */
    assert_int_equal(join(&dataplane, BD_ROLE_DATAPLANE), 0);
    waitpid(pid, NULL, 0);
    bd_arena_leave(&dataplane);
    bd_arena_leave(&control);
}

static void refuses_what_is_not_an_arena(void **state)
{
    write_file("hello", 5, 5);
    assert_refused("not a Bindery arena (magic 0000000000000000)",
                   "move it away or choose another");
    write_file("hello...", 8, 1 << 20);
    assert_refused("not a Bindery arena (magic 2e2e2e6f6c6c6568)", "arena.file");
    /* All zero, but not of our size: a disk image, perhaps. */
    write_file("", 0, 1 << 20);
    assert_refused("not a Bindery arena", "move it away");
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    struct bd_arena arena;
    assert_int_equal(join(&arena, BD_ROLE_CONTROL), -1);
    assert_non_null(strstr(error.text, "cannot open"));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused("not a regular file", "choose another arena.file");
    unlink(path);
    assert_int_equal(symlink("/dev/shm/nowhere", path), 0);
    assert_int_equal(join(&arena, BD_ROLE_CONTROL), -1);
    assert_non_null(strstr(error.text, "cannot open"));
}

static void make_and_leave(void)
{
    struct bd_arena arena;
    assert_int_equal(join(&arena, BD_ROLE_DATAPLANE), 0);
    bd_arena_leave(&arena);
    *formats = 0;
}

static void refuses_other_sizes_layouts_and_damage(void **state)
{
    struct bd_arena arena;
    struct bd_arena_params params = params_of(usual);
    unlink(path);
    assert_int_equal(bd_arena_look(&arena, path, NULL, &params, &error), 1);
    make_and_leave();
    assert_int_equal(bd_arena_look(&arena, path, NULL, &params, &error), 0);
    params = params_of(usual + 1);
    assert_int_equal(bd_arena_look(&arena, path, NULL, &params, &error), -1);
    assert_non_null(strstr(error.text, "was made for other sizes"));
    assert_int_equal(bd_arena_join(&arena, path, NULL, BD_ROLE_CONTROL, &params, &error), -1);
    assert_non_null(strstr(error.text, "was made for other sizes"));
    assert_non_null(strstr(error.text, "restart with the former values or remove the file"));
    patch(offsetof(struct bd_arena_header, layout), BD_ARENA_LAYOUT + 1);
    char expected[64];
    snprintf(expected, sizeof(expected), "has layout %d, this version uses %d", BD_ARENA_LAYOUT + 1,
             BD_ARENA_LAYOUT);
    assert_refused(expected, "remove the file");
    patch(offsetof(struct bd_arena_header, layout), BD_ARENA_LAYOUT | 4096ULL << 32);
    make_and_leave();
    assert_int_equal(truncate(path, 1 << 20), 0);
    assert_refused("is damaged", "remove it");
}

static void goes_on_where_a_creator_died(void **state)
{
    struct bd_arena arena;
    make_and_leave();
    patch(offsetof(struct bd_arena_header, magic), 0);
    assert_int_equal(join(&arena, BD_ROLE_CONTROL), 0);
    assert_true(arena.created);
    assert_int_equal(*formats, 1);
    bd_arena_leave(&arena);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    write_file("", 0, st.st_size);
    assert_int_equal(join(&arena, BD_ROLE_CONTROL), 0);
    assert_true(arena.created);
    bd_arena_leave(&arena);
    for (unsigned n = 0; n < 20; n++) {
        unlink(path);
        pid_t pid = fork();
        if (pid == 0) {
            join(&arena, BD_ROLE_CONTROL);
            _exit(0);
        }
        usleep((useconds_t)n * 150);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        assert_int_equal(join(&arena, BD_ROLE_CONTROL), 0);
        assert_int_equal(*(uint64_t *)bd_arena_region(&arena, BD_REGION_TABLE), 0x600d);
        bd_arena_leave(&arena);
    }
}

/* On a disk, an arena outlives the machine; its times are by a clock that has begun anew since. */
static void is_made_anew_after_a_reboot(void **state)
{
    struct bd_arena arena;
    assert_int_equal(join(&arena, BD_ROLE_CONTROL), 0);
    bd_arena_leave(&arena);
    assert_int_equal(join(&arena, BD_ROLE_CONTROL), 0);
    assert_false(arena.created);
    bd_arena_leave(&arena);
    patch(offsetof(struct bd_arena_header, boot), bd_clock_boot() + 1);
    assert_int_equal(join(&arena, BD_ROLE_CONTROL), 0);
    assert_true(arena.created);
    assert_int_equal(*formats, 2);
    bd_arena_leave(&arena);
}

static void knows_whether_it_has_its_name(void **state)
{
    struct bd_arena arena, other;
    unlink(path);
    assert_int_equal(join(&arena, BD_ROLE_CONTROL), 0);
    assert_true(bd_arena_in_place(&arena));
    unlink(path);
    assert_false(bd_arena_in_place(&arena));
    assert_int_equal(join(&other, BD_ROLE_CONTROL), 0);
    assert_false(bd_arena_in_place(&arena));
    assert_true(bd_arena_in_place(&other));
    bd_arena_leave(&arena);
    bd_arena_leave(&other);
}

static void only_its_maker_discards_it_while_alone(void **state)
{
    struct bd_arena maker, other;
    struct stat st;
    unlink(path);
    assert_int_equal(join(&maker, BD_ROLE_CONTROL), 0);
    bd_arena_discard(&maker);
    assert_int_not_equal(stat(path, &st), 0);
    bd_arena_leave(&maker);
    assert_int_equal(join(&maker, BD_ROLE_CONTROL), 0);
    assert_int_equal(join(&other, BD_ROLE_DATAPLANE), 0);
    bd_arena_discard(&other);
    bd_arena_discard(&maker);
    assert_int_equal(stat(path, &st), 0);
    bd_arena_leave(&other);
    bd_arena_discard(&maker); /* it has been there */
    assert_int_equal(stat(path, &st), 0);
    bd_arena_leave(&maker);
    bd_arena_discard(&maker); /* not joined */
}

/* What happens before the next lock is tried for; stands in libc's place. */
static void (*before_lock)(void);

int fcntl(int fd, int cmd, ...)
{
    va_list args;
    va_start(args, cmd);
    void *arg = va_arg(args, void *);
    va_end(args);
    void (*happens)(void) = cmd == F_OFD_SETLK ? before_lock : NULL;
    if (happens) {
        before_lock = NULL;
        happens();
    }
    return (int)syscall(SYS_fcntl, fd, cmd, arg);
}

static struct bd_arena failed;

static void the_failed_one_ends(void)
{
    bd_arena_leave(&failed);
}

static void the_failed_one_ends_later(void)
{
    before_lock = the_failed_one_ends;
}

/* Whether somebody has made it, or a creator that was killed has left it. */
static void who_did_not_make_the_file_leaves_it_empty(void **state)
{
    struct bd_arena next;
    struct stat before, after;
    for (off_t size = 0; size >= 0; size = size ? -1 : after.st_size) {
        write_file("", 0, size);
        assert_int_equal(stat(path, &before), 0);
        assert_int_equal(join(&failed, BD_ROLE_CONTROL), 0);
        bd_arena_discard(&failed);
        bd_arena_leave(&failed);
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(after.st_ino, before.st_ino);
        assert_int_equal(after.st_size, 0);

        assert_int_equal(join(&failed, BD_ROLE_CONTROL), 0);
        bd_arena_discard(&failed);
        before_lock = the_failed_one_ends_later;
        assert_int_equal(join(&next, BD_ROLE_DATAPLANE), 0);
        assert_true(next.created);
        assert_int_equal(stat(path, &after), 0);
        bd_arena_leave(&next);
    }
}

static struct bd_arena faster;

static void somebody_is_faster(void)
{
    assert_int_equal(join(&faster, BD_ROLE_CONTROL), 0);
}

/* The file that this process has made is another one's arena by the time it has the lock. */
static void removes_no_file_that_another_has_filled(void **state)
{
    struct bd_arena arena;
    struct bd_arena_params params = params_of(2 * usual);
    before_lock = somebody_is_faster;
    assert_int_equal(bd_arena_join(&arena, path, "unused", BD_ROLE_DATAPLANE, &params, &error), -1);
    assert_true(faster.created);
    assert_int_equal(access(path, F_OK), 0);
    bd_arena_leave(&faster);
}

static void two_that_start_at_once_make_one(void **state)
{
    for (unsigned n = 0; n < 20; n++) {
        *formats = 0;
        pid_t pid[BD_ROLE_CNT];
        for (unsigned role = 0; role < BD_ROLE_CNT; role++) {
            pid[role] = fork();
            if (pid[role] == 0) {
                struct bd_arena arena;
                bool good = join(&arena, (enum bd_role)role) == 0 &&
                            *(uint64_t *)bd_arena_region(&arena, BD_REGION_TABLE) == 0x600d;
                _exit(good ? 0 : 1);
            }
        }
        for (unsigned role = 0; role < BD_ROLE_CNT; role++) {
            int status;
            waitpid(pid[role], &status, 0);
            assert_int_equal(status, 0);
        }
        assert_int_equal(*formats, 1);
        unlink(path);
    }
}

static void no_memory_leaves_nothing_behind(void **state)
{
    struct bd_arena arena;
    struct bd_arena_params params = params_of(1ULL << 44);
    assert_int_equal(bd_arena_join(&arena, path, NULL, BD_ROLE_CONTROL, &params, &error), -1);
    assert_non_null(strstr(error.text, "needs 16777"));
    assert_non_null(strstr(error.text, "are available: lower arena.bindings_max"));
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof(path), "%s/no/arena", dir);
    assert_int_equal(join(&arena, BD_ROLE_CONTROL), -1);
    assert_non_null(strstr(error.text, "cannot open: No such file"));
}

static void finds_a_place_by_itself(void **state)
{
    char name[64];
    snprintf(name, sizeof(name), "bindery-test-auto-%d", getpid());
    struct bd_arena first, second;
    struct bd_arena_params params = params_of(usual);
    assert_int_equal(bd_arena_join(&first, NULL, name, BD_ROLE_CONTROL, &params, &error), 0);
    assert_int_equal(bd_arena_join(&second, NULL, name, BD_ROLE_DATAPLANE, &params, &error), 0);
    assert_string_equal(first.path, second.path);
    assert_non_null(strstr(first.path, name));
    assert_int_equal(first.huge, strncmp(first.path, "/dev/shm/", 9) != 0);
    assert_int_equal(*formats, 1);
    unlink(first.path);
    bd_arena_leave(&first);
    bd_arena_leave(&second);
}

/* In a mount namespace of its own, in a child: 0 good, 2 not permitted here, else a line number. */
static int try_hugepages(void)
{
    struct bd_arena arena;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", dir, "hugetlbfs", 0, "pagesize=2M") != 0)
        return 2;
    struct bd_arena_params params = params_of(1ULL << 44);
    if (bd_arena_join(&arena, path, NULL, BD_ROLE_CONTROL, &params, &error) != -1)
        return __LINE__ % 256;
    char need[64]; /* one page at least for each region besides */
    snprintf(need, sizeof(need), "needs %u hugepages of 2048 kB, ", (1U << 23) + BD_REGION_CNT);
    if (!strstr(error.text, need) ||
        !strstr(error.text, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"))
        return __LINE__ % 256;
    if (access(path, F_OK) == 0)
        return __LINE__ % 256;
    if (join(&arena, BD_ROLE_CONTROL) != 0)
        return strstr(error.text, "hugepages of 2048 kB") ? 0 : __LINE__ % 256;
    return arena.huge && arena.size % (2 << 20) == 0 ? 0 : __LINE__ % 256;
}

static void counts_hugepages_before_it_takes_them(void **state)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(try_hugepages());
    int status;
    waitpid(pid, &status, 0);
    if (WEXITSTATUS(status) == 2)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define ARENA_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    bd_log_set_level(BD_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        ARENA_TEST(is_made_once_and_joined_after),
        ARENA_TEST(a_role_exists_once),
        ARENA_TEST(a_killed_process_holds_nothing),
        ARENA_TEST(refuses_what_is_not_an_arena),
        ARENA_TEST(refuses_other_sizes_layouts_and_damage),
        ARENA_TEST(goes_on_where_a_creator_died),
        ARENA_TEST(is_made_anew_after_a_reboot),
        ARENA_TEST(knows_whether_it_has_its_name),
        ARENA_TEST(only_its_maker_discards_it_while_alone),
        ARENA_TEST(who_did_not_make_the_file_leaves_it_empty),
        ARENA_TEST(removes_no_file_that_another_has_filled),
        ARENA_TEST(two_that_start_at_once_make_one),
        ARENA_TEST(no_memory_leaves_nothing_behind),
        ARENA_TEST(finds_a_place_by_itself),
        ARENA_TEST(counts_hugepages_before_it_takes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
