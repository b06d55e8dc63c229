/* SPDX-License-Identifier: BSD-3-Clause */
/* Long answers: tens of thousands of bindings to readers of every pace. */
#include "lab.h"

#include <jansson.h>
#include <malloc.h>

enum { AORS = 50000 };

static int open_lab(void **state)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    lab_open(lab);
    lab_dataplane(lab);
    uint32_t later_s = lab_now_s() + 3600;
    for (unsigned i = 0; i < AORS; i++) {
        char aor[64];
        snprintf(aor, sizeof(aor), "user%u@%s", i, i % 10 ? "example.com" : "other.example");
        lab_put(lab, aor, 1, later_s);
    }
    *state = lab;
    return 0;
}

static int close_lab(void **state)
{
    lab_close(*state);
    free(*state);
    return 0;
}

/* Reads in large pieces, which lab_read does not. */
static char *read_all(struct lab *lab, int fd, size_t *len)
{
    size_t cap = 32U << 20;
    char *text = malloc(cap);
    *len = 0;
    while (*len < 2 || memcmp(text + *len - 2, "\n\n", 2) != 0) {
        ssize_t n = read(fd, text + *len, cap - *len - 1);
        if (n < 0)
            lab_turn(lab);
        assert_true(n != 0);
        *len += n > 0 ? (size_t)n : 0;
        assert_true(*len < cap - 1);
    }
    text[*len] = '\0';
    return text;
}

static char *dump(struct lab *lab, const char *command, size_t *len)
{
    int fd = lab_connect(lab, BD_LEVEL_USER);
    dprintf(fd, "%s\n", command);
    char *text = read_all(lab, fd, len);
    close(fd);
    return text;
}

static unsigned lines_of(const char *text)
{
    unsigned lines = 0;
    while ((text = strchr(text, '\n'))) {
        lines++;
        text++;
    }
    return lines;
}

static void text_has_every_binding_once(void **state)
{
    size_t len;
    char *text = dump(*state, "show bindings all", &len);
    assert_int_equal(lines_of(text), AORS + 2); /* heading, end */
    unsigned char *seen = calloc(AORS, 1);
    for (char *line = strchr(text, '\n') + 1; *line != '\n'; line = strchr(line, '\n') + 1) {
        assert_memory_equal(line, "user", 4);
        unsigned long i = strtoul(line + 4, NULL, 10);
        if (i >= AORS || seen[i])
            fail_msg("user%lu is no binding of ours, or there twice", i);
        else
            seen[i] = 1;
    }
    free(seen);
    free(text);
    text = dump(*state, "show bindings other.example", &len);
    assert_int_equal(lines_of(text), AORS / 10 + 2);
    free(text);
}

static void json_is_one_document(void **state)
{
    size_t len;
    char *text = dump(*state, "json show bindings all", &len);
    json_error_t error;
    json_t *document = json_loadb(text, len, 0, &error);
    if (!document)
        fail_msg("line %d: %s", error.line, error.text);
    assert_int_equal(json_array_size(json_object_get(document, "bindings")), AORS);
    assert_int_equal(json_integer_value(json_object_get(document, "count")), AORS);
    json_decref(document);
    free(text);
}

/* A reader that stops after the first kilobyte costs a bounded buffer; others are served meanwhile,
 * and the table's memory is not held; then it goes on and gets all of it. */
static void a_reader_that_stops_holds_nothing_up(void **state)
{
    struct lab *lab = *state;
    int fd = lab_connect(lab, BD_LEVEL_USER);
    dprintf(fd, "show bindings all\n");
    lab_turn(lab);
    size_t before = mallinfo2().uordblks;
    for (unsigned i = 0; i < 300; i++)
        event_base_loop(lab->control.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    assert_true(mallinfo2().uordblks < before + (4U << 20));
    for (unsigned r = 0; r < BD_EPOCH_CONTROL_MAX; r++) {
        if (r == 0 || r > BD_VERIFIERS_MAX)
            assert_int_equal(lab->table.epoch->line[bd_epoch_control(r)].seen, 0);
    }
    lab_expect(lab, "lookup user7@example.com", "user7@example.com");
    lab_expect(lab, "show info", "bindings: 50000\n");
    size_t len;
    char *text = read_all(lab, fd, &len);
    assert_int_equal(lines_of(text), AORS + 2);
    free(text);
    close(fd);
}

static void a_reader_that_leaves_is_forgotten(void **state)
{
    struct lab *lab = *state;
    for (unsigned i = 0; i < 5; i++) {
        int fd = lab_connect(lab, BD_LEVEL_USER);
        dprintf(fd, i % 2 ? "show bindings all\n" : "json show bindings all\nshow info\n");
        for (unsigned turn = 0; turn < i; turn++)
            lab_turn(lab);
        close(fd);
    }
    lab_expect(lab, "show info", "bindings: 50000\n");
}

/* Dumps go in slices: a loop that wrote one whole before it came back would turn a few times only,
 * and hold up everybody else meanwhile. */
static void the_loop_keeps_turning(void **state)
{
    struct lab *lab = *state;
    int fd[4];
    for (unsigned i = 0; i < 4; i++) {
        fd[i] = lab_connect(lab, BD_LEVEL_USER);
        dprintf(fd[i], "show bindings nowhere.example\nshow bindings all\n");
    }
    static char sink[1 << 20];
    unsigned open = 4, turns = 0;
    for (; turns < 100000 && open > 0; turns++) {
        event_base_loop(lab->control.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        for (unsigned i = 0; i < 4; i++) {
            ssize_t n = fd[i] >= 0 ? read(fd[i], sink, sizeof(sink)) : 0;
            if (n >= 2 && memcmp(sink + n - 2, "\n\n", 2) == 0 &&
                memmem(sink, (size_t)n, "user", 4)) {
                close(fd[i]);
                fd[i] = -1;
                open--;
            }
        }
    }
    assert_int_equal(open, 0);
    assert_true(turns > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_every_binding_once),
        cmocka_unit_test(json_is_one_document),
        cmocka_unit_test(a_reader_that_stops_holds_nothing_up),
        cmocka_unit_test(a_reader_that_leaves_is_forgotten),
        cmocka_unit_test(the_loop_keeps_turning),
    };
    return cmocka_run_group_tests(tests, open_lab, close_lab);
}
