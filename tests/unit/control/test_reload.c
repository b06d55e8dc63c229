/* SPDX-License-Identifier: BSD-3-Clause */
/* A reload and the event loop: what takes long is a thread's. The file is a pipe here, so the
 * thread is where the test wants it: it reads until the test has written. */
#include "lab.h"
#include "reload.h"

static int open_lab(void **state)
{
    static struct lab lab;
    lab_open(&lab);
    lab_dataplane(&lab);
    lab_wait_dataplane(&lab, true);
    *state = &lab;
    return 0;
}

static int close_lab(void **state)
{
    lab_close(*state);
    return 0;
}

/* Puts a pipe in place of the configuration, and what stood there into `text`. */
static void make_pipe(const struct lab *lab, char *text, size_t text_sz)
{
    FILE *in = fopen(lab->file, "re");
    assert_non_null(in);
    text[fread(text, 1, text_sz - 1, in)] = '\0';
    fclose(in);
    assert_int_equal(unlink(lab->file), 0);
    assert_int_equal(mkfifo(lab->file, 0600), 0);
}

static void feed(const struct lab *lab, const char *text)
{
    int fd = open(lab->file, O_WRONLY | O_CLOEXEC); /* waits for the thread */
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static int begin(struct lab *lab)
{
    int fd = lab_connect(lab, BD_LEVEL_ADMIN);
    dprintf(fd, "reload\n");
    while (!lab->control.reload)
        lab_turn(lab);
    return fd;
}

static void expect(struct lab *lab, int fd, const char *part)
{
    char *text = lab_read(lab, fd);
    if (!strstr(text, part))
        fail_msg("wanted '%s' in: %s", part, text);
    free(text);
    close(fd);
}

static void others_are_answered_while_it_compiles(void **state)
{
    struct lab *lab = *state;
    char config[4096];
    uint64_t sequence = bd_policy_current(&lab->arena)->sequence;
    make_pipe(lab, config, sizeof(config));
    int fd = begin(lab);
    lab_expect(lab, "show info", "dataplane serving: yes");
    lab_expect(lab, "reload", "error: one is under way already");
    assert_non_null(lab->control.reload);
    assert_int_equal(bd_policy_current(&lab->arena)->sequence, sequence);
    feed(lab, config);
    expect(lab, fd, "reloaded");
    assert_int_equal(bd_policy_current(&lab->arena)->sequence, sequence + 1);

    fd = begin(lab);
    feed(lab, "domains: 7\n");
    expect(lab, fd, "error: ");
    assert_int_equal(bd_policy_current(&lab->arena)->sequence, sequence + 1);
    unlink(lab->file);
    lab_write_config(lab, 2, NULL);
}

/* What SIGTERM does, in its order. */
static void the_end_of_the_program_gives_it_up(void **state)
{
    struct lab *lab = *state;
    char config[4096];
    uint64_t sequence = bd_policy_current(&lab->arena)->sequence;
    make_pipe(lab, config, sizeof(config));
    int fd = begin(lab);
    bd_reload_cancel(&lab->control);
    feed(lab, config);
    expect(lab, fd, "error: bindery-control stops");
    assert_null(lab->control.reload);
    assert_int_equal(bd_policy_current(&lab->arena)->sequence, sequence);
    unlink(lab->file);
    lab_write_config(lab, 2, NULL);
}

/* Slots that a worker may still read are waited for, on the way there and on the way back. */
static void a_slow_worker_is_waited_for(void **state)
{
    struct lab *lab = *state;
    struct bd_epoch *epoch = lab->table.epoch;
    uint16_t generation =
        (uint16_t)atomic_load(&lab->arena.header->role[BD_ROLE_DATAPLANE].generation);
    bd_epoch_online(epoch, bd_epoch_worker(0), generation);
    for (unsigned i = 1; i < BD_POLICY_SLOTS; i++)
        lab_expect(lab, "reload", "reloaded");
    uint64_t sequence = bd_policy_current(&lab->arena)->sequence;
    int fd = begin(lab);
    for (unsigned i = 0; i < 50; i++)
        lab_turn(lab);
    assert_int_equal(bd_policy_current(&lab->arena)->sequence, sequence);
    bd_epoch_offline(epoch, bd_epoch_worker(0));
    expect(lab, fd, "reloaded");
    assert_int_equal(bd_policy_current(&lab->arena)->sequence, sequence + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_are_answered_while_it_compiles),
        cmocka_unit_test(the_end_of_the_program_gives_it_up),
        cmocka_unit_test(a_slow_worker_is_waited_for),
    };
    return cmocka_run_group_tests(tests, open_lab, close_lab);
}
