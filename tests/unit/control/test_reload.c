/* SPDX-License-Identifier: BSD-3-Clause */
/* A reload and the event loop: what takes long is a thread's. The file is a pipe here, so the
 * thread is where the test wants it: it reads until the test has written. */
#include "lab.h"
#include "provisioned.h"
#include "reload.h"
#include "roster_private.h"

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

/* A dataplane that came and died between two looks, as one does that is started again and again. */
static void who_died_unseen_holds_nothing_up(void **state)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    assert_non_null(lab);
    lab_open(lab);
    lab_dataplane(lab);
    bd_epoch_online(lab->table.epoch, bd_epoch_worker(0),
                    (uint16_t)atomic_load(&lab->arena.header->role[BD_ROLE_DATAPLANE].generation));
    lab_dataplane_leaves(lab);
    for (unsigned i = 0; i < 2 * BD_POLICY_SLOTS; i++)
        lab_expect(lab, "reload", "reloaded");
    lab_close(lab);
    free(lab);
}

static void import(struct lab *lab, unsigned from, unsigned to)
{
    char path[96], command[128], added[32];
    lab_path(lab, "users.csv", path);
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    fprintf(out, "username,domain,password\n");
    for (unsigned i = from; i < to; i++)
        fprintf(out, "%u,example.com,secret\n", i);
    fclose(out);
    snprintf(command, sizeof(command), "subscriber import %s", path);
    snprintf(added, sizeof(added), "%u added", to - from);
    lab_expect(lab, command, added);
}

/* Each reload replaces all subscribers. The former ones are freed as fast as new ones are read, and
 * not so many a second: reloads and imports would pile up copies. */
static void former_subscribers_do_not_pile_up(void **state)
{
    struct lab *lab = *state;
    import(lab, 0, 3000);
    for (unsigned i = 0; i < 5; i++)
        lab_expect(lab, "reload", "reloaded");
    for (unsigned i = 0; i < 20; i++)
        lab_turn(lab);
    assert_false(bd_subscriber_store_reclaim(bd_roster_store(lab->control.roster)));
}

/* As many as the arena has room for (5000): whoever goes while all are read again leaves it to
 * another, before the reading has come by and after, until it has only the last to read. */
static void who_is_removed_leaves_room_while_all_are_read(void **state)
{
    struct lab *lab = *state;
    struct bd_roster *roster = lab->control.roster;
    struct bd_error error;
    import(lab, 3000, 5000);
    int fd = begin(lab);
    while (!roster->sync)
        lab_turn(lab);
    for (unsigned i = 0; i < 2 * 5000 / BD_ROSTER_SLICE; i++) {
        assert_non_null(roster->sync);
        char name[16];
        snprintf(name, sizeof(name), "%u", i);
        struct bd_subscriber_change change = {.username = {name, (uint32_t)strlen(name)},
                                              .domain = BD_STR("example.com")};
        assert_int_equal(bd_roster_remove(roster, change.username, change.domain, &error), 0);
        snprintf(name, sizeof(name), "%u", 5000 + i);
        change.username.len = 4;
        if (bd_roster_add(roster, &change, &error) < 0)
            fail_msg("%u: %s", i, error.text);
        lab_turn(lab);
    }
    expect(lab, fd, "reloaded");
    assert_int_equal(bd_roster_left_out(roster), 0);
    assert_int_equal(bd_provisioned_cnt(&lab->arena), 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_are_answered_while_it_compiles),
        cmocka_unit_test(the_end_of_the_program_gives_it_up),
        cmocka_unit_test(a_slow_worker_is_waited_for),
        cmocka_unit_test(who_died_unseen_holds_nothing_up),
        cmocka_unit_test(former_subscribers_do_not_pile_up),
        cmocka_unit_test(who_is_removed_leaves_room_while_all_are_read),
    };
    return cmocka_run_group_tests(tests, open_lab, close_lab);
}
