/* SPDX-License-Identifier: BSD-3-Clause */
/* Leaving root: who the process and its threads are then, and whose the files. Needs root. */
#include "child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "privileges.h"

#define USER "nobody" /* every system has it */

static int needs_root(void **state)
{
    return geteuid() == 0 && getpwnam(USER) ? 0 : -1;
}

static int begin(struct bd_privileges *p, const char *user, const char *group, bool core_dumps)
{
    struct bd_error error;
    if (bd_privileges_begin(p, user, group, core_dumps, &error) == 0)
        return 0;
    fprintf(stderr, "%s", error.text);
    return 1;
}

/* --- the process ------------------------------------------------------------------------------ */

static pthread_barrier_t barrier;

static void *wait_twice(void *arg)
{
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

/* "Uid 65534 65534 ... NoNewPrivs 1" of all threads, without what differs. */
static void print_status(const char *tid)
{
    static const char *const wanted[] = {
        "Uid:", "Gid:", "CapPrm:", "CapEff:", "CapBnd:", "CapInh:", "CapAmb:", "NoNewPrivs:"};
    char path[300], line[256];
    snprintf(path, sizeof(path), "/proc/self/task/%s/status", tid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
            if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
                fputs(line, stderr);
        }
    }
    if (file)
        fclose(file);
}

static int drop_with_a_thread(const void *arg)
{
    struct bd_privileges p;
    struct bd_error error;
    pthread_t thread;
    int keep = CAP_NET_BIND_SERVICE;
    const unsigned *keep_cnt = arg;
    pthread_barrier_init(&barrier, NULL, 2);
    if (begin(&p, USER, NULL, false) != 0)
        return 1;
    pthread_create(&thread, NULL, wait_twice, NULL);
    pthread_barrier_wait(&barrier);
    if (bd_privileges_drop(&p, &keep, *keep_cnt, &error) < 0) {
        fprintf(stderr, "%s", error.text);
        return 1;
    }
    DIR *dir = opendir("/proc/self/task");
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            print_status(entry->d_name);
    }
    closedir(dir);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || prctl(PR_GET_DUMPABLE) != 0)
        return 2;
    return access("/etc/shadow", R_OK) == 0 ? 3 : 0;
}

/* A start that fails may still take away what root has made. */
static int step_aside(const void *arg)
{
    struct bd_privileges p;
    struct bd_error error;
    if (begin(&p, USER, NULL, false) != 0 || bd_privileges_step_aside(&p, &error) < 0)
        return 1;
    if (geteuid() != p.uid || getegid() != p.gid || open("/etc/shadow", O_RDONLY) >= 0)
        return 2;
    bd_privileges_step_back(&p);
    if (geteuid() != 0)
        return 3;
    if (bd_privileges_step_aside(&p, &error) < 0 || bd_privileges_drop(&p, NULL, 0, &error) < 0)
        return 4;
    bd_privileges_step_back(&p);
    return geteuid() == p.uid && seteuid(0) != 0 ? 0 : 5;
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

static void test_all_threads_are_the_user_without_capabilities(void **state)
{
    unsigned keep_cnt = 0;
    struct outcome outcome = in_child(drop_with_a_thread, &keep_cnt);
    assert_exit(&outcome, 0);
    char uid[64];
    unsigned id = getpwnam(USER)->pw_uid;
    snprintf(uid, sizeof(uid), "Uid:\t%u\t%u\t%u\t%u\n", id, id, id, id);
    assert_int_equal(count(outcome.text, uid), 2);
    assert_int_equal(count(outcome.text, "\t0000000000000000\n"), 2 * 5);
    assert_int_equal(count(outcome.text, "NoNewPrivs:\t1\n"), 2);
}

static void test_a_capability_is_kept_by_the_main_thread_alone(void **state)
{
    unsigned keep_cnt = 1;
    struct outcome outcome = in_child(drop_with_a_thread, &keep_cnt);
    assert_exit(&outcome, 0);
    assert_int_equal(count(outcome.text, "CapPrm:\t0000000000000400\n"), 1);
    assert_int_equal(count(outcome.text, "CapEff:\t0000000000000400\n"), 1);
    assert_int_equal(count(outcome.text, "\t0000000000000000\n"), 2 * 5 - 2);
}

static void test_a_start_steps_aside_and_back_but_not_after_the_drop(void **state)
{
    struct outcome outcome = in_child(step_aside, NULL);
    assert_exit(&outcome, 0);
}

static int names(const void *arg)
{
    const char *const *name = arg;
    struct bd_privileges p;
    return begin(&p, name[0], name[1], false);
}

static void test_unknown_names_are_told_with_a_remedy(void **state)
{
    const char *user[] = {"nobody-of-that-name", NULL};
    struct outcome outcome = in_child(names, user);
    assert_exit(&outcome, 1);
    assert_non_null(strstr(outcome.text, "process.user: there is no user nobody-of-that-name"));
    assert_non_null(strstr(outcome.text, "prepare-machine.sh user"));
    const char *group[] = {USER, "no-such-group"};
    outcome = in_child(names, group);
    assert_exit(&outcome, 1);
    assert_non_null(strstr(outcome.text, "process.group: there is no group no-such-group"));
}

static int stay_root(const void *arg)
{
    struct bd_privileges p;
    struct bd_error error;
    if (begin(&p, "root", NULL, true) != 0 || bd_privileges_drop(&p, NULL, 0, &error) < 0)
        return 1;
    return geteuid() == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
                   prctl(PR_GET_DUMPABLE) == 1
               ? 0
               : 2;
}

static int stay_another(const void *arg)
{
    struct bd_privileges p;
    struct bd_error error;
    const struct passwd *user = getpwnam(USER);
    if (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0 ||
        begin(&p, "no-such-user", NULL, false) != 0 || bd_privileges_drop(&p, NULL, 0, &error) < 0)
        return 1;
    return geteuid() == user->pw_uid && prctl(PR_GET_DUMPABLE) == 0 ? 0 : 2;
}

static void test_root_may_stay_and_others_stay_who_they_are(void **state)
{
    struct outcome outcome = in_child(stay_root, NULL);
    assert_exit(&outcome, 0);
    outcome = in_child(stay_another, NULL);
    assert_exit(&outcome, 0);
}

/* --- files ------------------------------------------------------------------------------------ */

struct place {
    char folder[64], file[96], link[96], twice[96], other[96], made[96];
};

static void make_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void make_place(struct place *place)
{
    strcpy(place->folder, "/tmp/bd-privileges-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->file, sizeof(place->file), "%s/file", place->folder);
    snprintf(place->link, sizeof(place->link), "%s/link", place->folder);
    snprintf(place->twice, sizeof(place->twice), "%s/twice", place->folder);
    snprintf(place->other, sizeof(place->other), "%s/other", place->folder);
    snprintf(place->made, sizeof(place->made), "%s/made", place->folder);
    make_file(place->file);
    make_file(place->other);
    make_file(place->twice);
    assert_int_equal(chown(place->other, 1, 1), 0);
}

static uid_t owner(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_uid;
}

static void remove_place(const struct place *place)
{
    char second[128];
    snprintf(second, sizeof(second), "%s-2", place->folder);
    unlink(second);
    unlink(place->file);
    unlink(place->link);
    unlink(place->twice);
    unlink(place->other);
    rmdir(place->made);
    rmdir(place->folder);
}

static int hand_over(const void *arg)
{
    const struct place *place = arg;
    struct bd_privileges p;
    struct bd_error error;
    if (begin(&p, USER, NULL, false) != 0)
        return 1;
    return bd_privileges_hand_over_directory(&p, place->folder, 0750, &error) < 0 ||
           bd_privileges_directory(&p, place->made, 0750, &error) < 0;
}

/* A link and a second name might mean anybody's file. */
static void test_only_roots_own_files_are_handed_over(void **state)
{
    struct place place;
    char outside[128];
    uid_t uid = getpwnam(USER)->pw_uid;
    make_place(&place);
    snprintf(outside, sizeof(outside), "%s-2", place.folder);
    assert_int_equal(link(place.twice, outside), 0);
    assert_int_equal(symlink(outside, place.link), 0);
    struct outcome outcome = in_child(hand_over, &place);
    assert_exit(&outcome, 0);
    assert_int_equal(owner(place.folder), uid);
    assert_int_equal(owner(place.file), uid);
    assert_int_equal(owner(place.made), uid);
    assert_int_equal(owner(place.link), 0);
    assert_int_equal(owner(outside), 0);
    assert_int_equal(owner(place.other), 1);
    remove_place(&place);
}

static int own(const void *path)
{
    struct bd_privileges p;
    struct bd_error error;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (begin(&p, USER, NULL, false) != 0 || fd < 0)
        return 1;
    if (bd_privileges_own(&p, fd, path, &error) == 0)
        return 0;
    fprintf(stderr, "%s", error.text);
    return 2;
}

/* Who made the arena beforehand would read and write it for ever. */
static void test_a_file_of_somebody_else_is_not_used(void **state)
{
    struct place place;
    struct stat st;
    make_place(&place);
    struct outcome outcome = in_child(own, place.other);
    assert_exit(&outcome, 2);
    assert_non_null(strstr(outcome.text, "belongs to uid 1, who can write in it: move it away"));
    assert_int_equal(chmod(place.file, 0666), 0);
    outcome = in_child(own, place.file);
    assert_exit(&outcome, 0);
    assert_int_equal(stat(place.file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chown(place.file, getpwnam(USER)->pw_uid, 0), 0);
    outcome = in_child(own, place.file);
    assert_exit(&outcome, 0);
    remove_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_threads_are_the_user_without_capabilities),
        cmocka_unit_test(test_a_capability_is_kept_by_the_main_thread_alone),
        cmocka_unit_test(test_a_start_steps_aside_and_back_but_not_after_the_drop),
        cmocka_unit_test(test_unknown_names_are_told_with_a_remedy),
        cmocka_unit_test(test_root_may_stay_and_others_stay_who_they_are),
        cmocka_unit_test(test_only_roots_own_files_are_handed_over),
        cmocka_unit_test(test_a_file_of_somebody_else_is_not_used),
    };
    bd_log_init("test", BD_LOG_ERROR);
    if (needs_root(NULL) != 0) {
        puts("skipped: needs root and the user " USER);
        return 77;
    }
    return cmocka_run_group_tests_name("drop", tests, NULL, NULL);
}
