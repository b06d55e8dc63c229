/* SPDX-License-Identifier: BSD-3-Clause */
/* The journal's directory is for one process, and is there as long as it writes. */
#include "lab.h"

#include <sys/file.h>

#include "journaling.h"

enum { WITHIN_MS = 100000 };

static void wait_info(struct lab *lab, const char *part)
{
    bool there = false;
    uint64_t deadline_ms = bd_clock_ms() + WITHIN_MS;
    while (!there && bd_clock_ms() < deadline_ms) {
        char *text = lab_ask(lab, "show info");
        there = strstr(text, part) != NULL;
        free(text);
        lab_turn(lab);
    }
    if (!there)
        fail_msg("never '%s'", part);
}

/* A second appliance whose configuration is a copy of the first one's would remove its files. */
static void leaves_the_files_of_another_alone(void **state)
{
    static struct lab lab;
    char path[96], theirs[128];
    lab_durability = "sync";
    lab_open(&lab);
    lab_path(&lab, "journal", path);
    snprintf(theirs, sizeof(theirs), "%s/journal-1", path);
    assert_int_equal(mkdir(path, 0750), 0);
    close(open(theirs, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    int other = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(other, LOCK_EX), 0);
    lab_dataplane(&lab);
    wait_info(&lab, "another bindery-control writes in it");
    lab_expect(&lab, "snapshot", "another bindery-control writes in it");
    assert_int_equal(atomic_load(&bd_dirty_of(&lab.arena)->writing), 0);
    assert_int_equal(lab_files_in(path), 1);
    assert_true(bd_service_stop(&lab.control)); /* nor at the end */
    lab_start(&lab);
    assert_int_equal(lab_files_in(path), 1);
    unlink(theirs);
    close(other);
    wait_info(&lab, "snapshot complete: yes");
    lab_close(&lab);
}

/* No promise is kept by a file that nobody finds. */
static void notices_that_its_files_are_gone(void **state)
{
    static struct lab lab;
    char path[96];
    lab_durability = "sync";
    lab_open(&lab);
    lab_path(&lab, "journal", path);
    lab_dataplane(&lab);
    wait_info(&lab, "snapshot complete: yes");
    lab_remove_journal(&lab);
    lab_put(&lab, "1000@example.com", 1, lab_now_s() + 3600);
    wait_info(&lab, "was removed or moved while it was written");
    assert_int_equal(atomic_load(&bd_dirty_of(&lab.arena)->writing), 0);
    wait_info(&lab, "snapshot complete: yes");
    assert_int_equal(lab_files_in(path), 2);
    lab_close(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_the_files_of_another_alone),
        cmocka_unit_test(notices_that_its_files_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
