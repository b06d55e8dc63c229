/* SPDX-License-Identifier: BSD-3-Clause */
/* Alarms: one line in the log at each change, and what `show info` and the metrics say of them. */
#include "../subscribers/full_disk.h"
#include "census.h"
#include "lab.h"
#include "roster_private.h"

static int open_lab(void **state)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    lab_open(lab);
    *state = lab;
    return 0;
}

static int close_lab(void **state)
{
    lab_close(*state);
    free(*state);
    return 0;
}

/* What fn writes to the log. */
static void logged(void (*fn)(struct bd_alarms *alarms), struct bd_alarms *alarms, char text[1024])
{
    int pipe_fd[2], before = dup(STDERR_FILENO);
    assert_int_equal(pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK), 0);
    bd_log_set_level(BD_LOG_NOTICE);
    assert_int_not_equal(dup2(pipe_fd[1], STDERR_FILENO), -1);
    fn(alarms);
    dup2(before, STDERR_FILENO);
    bd_log_set_level(BD_LOG_ERROR);
    ssize_t n = read(pipe_fd[0], text, 1023);
    text[n > 0 ? n : 0] = '\0';
    close(before);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
}

static void raise_thrice(struct bd_alarms *alarms)
{
    for (int i = 1; i <= 3; i++)
        bd_alarm_raise(alarms, BD_ALARM_JOURNAL, "no room, try %d", i);
}

static void clear_twice(struct bd_alarms *alarms)
{
    bd_alarm_clear(alarms, BD_ALARM_JOURNAL);
    bd_alarm_clear(alarms, BD_ALARM_JOURNAL);
}

static void a_change_is_logged_once(void **state)
{
    struct bd_error error;
    struct bd_alarms *alarms = bd_alarms_new(&error);
    struct bd_alarm_state seen;
    char text[1024];
    logged(raise_thrice, alarms, text);
    assert_string_equal(text, "test: warning: alarm journal: no room, try 1\n");
    bd_alarm_read(alarms, BD_ALARM_JOURNAL, &seen);
    assert_true(seen.raised);
    assert_string_equal(seen.text, "no room, try 3");
    bd_alarm_read(alarms, BD_ALARM_JOURNAL_SLOW, &seen);
    assert_false(seen.raised);
    logged(clear_twice, alarms, text);
    assert_string_equal(text, "test: alarm journal is over after 0 s\n");
    logged(raise_thrice, alarms, text);
    assert_string_equal(text, "test: warning: alarm journal: no room, try 1\n");
    bd_alarms_free(alarms);
}

static void commands_show_what_is_raised(void **state)
{
    struct lab *lab = *state;
    struct bd_alarms *alarms = lab->control.alarms;
    lab_expect(lab, "json show info", "\"alarms\": []");
    lab_expect(lab, "show metrics", "bindery_alarm{name=\"subscribers\"} 0\n");
    bd_alarm_raise(alarms, BD_ALARM_SUBSCRIBERS, "somebody holds a lock");
    lab_expect(lab, "show info", "somebody holds a lock");
    lab_expect(lab, "json show info", "\"alarm\": \"subscribers\",\n");
    lab_expect(lab, "show metrics", "bindery_alarm{name=\"subscribers\"} 1\n");
    bd_alarm_clear(alarms, BD_ALARM_SUBSCRIBERS);
    lab_expect(lab, "json show info", "\"alarms\": []");
}

static void a_full_table_is_an_alarm(void **state)
{
    struct lab *lab = *state;
    char aor[64];
    lab_dataplane(lab);
    lab_wait_dataplane(lab, true);
    lab_expect(lab, "json show info", "\"alarms\": []");
    for (unsigned i = 0; i < 60000 / 4 * 9 / 10; i++) {
        snprintf(aor, sizeof(aor), "%u@example.com", i);
        lab_put(lab, aor, 4, lab_now_s() + 3600);
    }
    lab_expect(lab, "json show info", "\"alarm\": \"table\",\n");
    lab_expect(lab, "show info", "by 54000 bindings");
    lab_dataplane_leaves(lab);
}

static void expect_table_alarm(struct lab *lab, bool raised)
{
    struct bd_alarm_state seen;
    bd_alarm_read(lab->control.alarms, BD_ALARM_TABLE, &seen);
    assert_int_equal(seen.raised, raised);
}

/* Memory may have no room for a record though little of it is taken. */
static void registrations_without_room_are_an_alarm(void **state)
{
    struct lab *lab = *state;
    struct bd_census *census = lab->control.census;
    lab_dataplane(lab);
    struct bd_worker_stats *stats = bd_arena_region(&lab->arena, BD_REGION_STATS);
    for (uint64_t more = 3, sum = more; more > 0; sum += --more) {
        char text[64];
        struct bd_alarm_state seen;
        expect_table_alarm(lab, false);
        bd_stat_add(&stats[more % 2].verdict[BD_SIP_TABLE_FULL], more);
        snprintf(text, sizeof(text), "%d registrations drew 503", (int)more);
        do {
            lab_turn(lab);
            bd_alarm_read(lab->control.alarms, BD_ALARM_TABLE, &seen);
        } while (!seen.raised);
        lab_expect(lab, "show info", text); /* a walk finds room and does not end it */
        uint64_t now_ms = bd_clock_ms();
        bd_census_note_refused(census, sum, now_ms + 50000);
        expect_table_alarm(lab, true);
        bd_census_note_refused(census, sum, now_ms + 60000);
        expect_table_alarm(lab, false);
        lab_expect(lab, "show info", "dataplane");
    }
    bd_census_note_refused(census, 100, bd_clock_ms());
    expect_table_alarm(lab, true);
    bd_census_note_refused(census, 0, bd_clock_ms()); /* another dataplane counts from 0 */
    expect_table_alarm(lab, false);
    lab_dataplane_leaves(lab);
}

static void write_rules(struct lab *lab, const char *section)
{
    char domains[256];
    snprintf(domains, sizeof(domains), "%sdomains:\n  - name: \"example.com\"\n    auth: open\n",
             section);
    lab_write_config(lab, 2, domains);
    lab_expect(lab, "reload", "reloaded");
}

static void wait_alarm(struct lab *lab, bool raised)
{
    struct bd_alarm_state state;
    do {
        lab_turn(lab);
        bd_alarm_read(lab->control.alarms, BD_ALARM_SCREENING, &state);
    } while (state.raised != raised);
}

/* A worker that cannot use the rules counts what it lets through. */
static void what_goes_through_unscreened_is_an_alarm(void **state)
{
    struct lab *lab = *state;
    char rules[96];
    lab_path(lab, "rules.yaml", rules);
    FILE *out = fopen(rules, "we");
    assert_non_null(out);
    fputs("- {field: user_agent, pattern: x, action: drop}\n", out);
    fclose(out);
    write_rules(lab, "screening: {rules: rules.yaml}\n");
    lab_dataplane(lab);
    struct bd_worker_stats *stats = bd_arena_region(&lab->arena, BD_REGION_STATS);
    bd_stat_add(&stats[0].counter[BD_CTR_SCREEN_SCANNED], 5);
    bd_stat_add(&stats[1].counter[BD_CTR_SCREEN_FAILED], 3);
    wait_alarm(lab, true);
    lab_expect(lab, "show info", "3 requests went through unscreened");
    lab_expect(lab, "show metrics", "bindery_alarm{name=\"screening\"} 1\n");
    bd_stat_add(&stats[1].counter[BD_CTR_SCREEN_SCANNED], 1);
    wait_alarm(lab, false);
    bd_stat_add(&stats[0].counter[BD_CTR_SCREEN_FAILED], 1);
    wait_alarm(lab, true);
    lab_expect(lab, "show info", "1 requests went through unscreened");
    write_rules(lab, "");
    wait_alarm(lab, false);
    lab_dataplane_leaves(lab);
    unlink(rules);
}

/* As wait_alarm, with a dataplane that turns. */
static void wait_turning(struct lab *lab, bool raised)
{
    struct bd_worker_stats *stats = bd_arena_region(&lab->arena, BD_REGION_STATS);
    struct bd_alarm_state state;
    do {
        atomic_fetch_add(&lab->arena.header->role[BD_ROLE_DATAPLANE].heartbeat_ms, 1);
        for (unsigned w = 0; w < lab->control.started->workers; w++)
            bd_stat_add(&stats[w].counter[BD_CTR_POLLS], 1);
        lab_turn(lab);
        bd_alarm_read(lab->control.alarms, BD_ALARM_DATAPLANE, &state);
    } while (state.raised != raised);
}

static void workers_that_control_does_not_know_are_an_alarm(void **state)
{
    struct lab *lab = *state;
    lab_dataplane(lab);
    struct bd_role_line *line = &lab->arena.header->role[BD_ROLE_DATAPLANE];
    wait_turning(lab, false);
    atomic_fetch_add(&line->workers, 1);
    wait_turning(lab, true);
    lab_expect(lab, "show info", "bindery-dataplane runs 3 worker(s), bindery-control serves 2");
    atomic_fetch_sub(&line->workers, 1);
    wait_turning(lab, false);
    lab_dataplane_leaves(lab);
}

static bool is_raised(struct lab *lab)
{
    struct bd_alarm_state state;
    bd_alarm_read(lab->control.alarms, BD_ALARM_SUBSCRIBERS, &state);
    return state.raised;
}

/* Tries to write go on until one succeeds, and all is read after it. One that fails meanwhile is no
 * less a failure. */
static void a_full_disk_is_an_alarm_until_it_can_be_written(void **state)
{
    struct lab *lab = *state;
    struct bd_roster *roster = lab->control.roster;
    struct bd_subscriber_change change = {.username = BD_STR("1"), .domain = BD_STR("example.com")};
    struct bd_error error;
    disk_full = true;
    lab_expect(lab, "subscriber add 1@example.com secret", "no space left");
    unsigned tries = disk_refused;
    while (disk_refused < tries + 2 && is_raised(lab))
        lab_turn(lab);
    assert_true(is_raised(lab));

    disk_full = false;
    while (!roster->sync)
        lab_turn(lab);
    disk_full = true;
    assert_int_equal(bd_roster_add(roster, &change, &error), -1);
    while (roster->sync)
        lab_turn(lab);
    assert_true(is_raised(lab));

    disk_full = false;
    while (is_raised(lab))
        lab_turn(lab);
    lab_expect(lab, "subscriber add 1@example.com secret", "added");
}

/* Each has a lab of its own: counters of the last one's workers would be news to health's tick. */
#define ALARM_CASE(name) cmocka_unit_test_setup_teardown(name, open_lab, close_lab)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALARM_CASE(a_change_is_logged_once),
        ALARM_CASE(commands_show_what_is_raised),
        ALARM_CASE(registrations_without_room_are_an_alarm),
        ALARM_CASE(a_full_table_is_an_alarm),
        ALARM_CASE(what_goes_through_unscreened_is_an_alarm),
        ALARM_CASE(workers_that_control_does_not_know_are_an_alarm),
        ALARM_CASE(a_full_disk_is_an_alarm_until_it_can_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
