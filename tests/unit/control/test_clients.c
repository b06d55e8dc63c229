/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may use a stats socket: lists of names, and the sockets of a whole control process. Needs
 * root, to be others. */
#include "lab.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <sys/wait.h>

static struct lab lab;

static int open_lab(void **state)
{
    lab_open(&lab);
    return 0;
}

static int close_lab(void **state)
{
    lab_close(&lab);
    return 0;
}

/* --- lists ------------------------------------------------------------------------------------ */

static void test_names_become_numbers_or_an_error(void **state)
{
    struct bd_clients clients;
    struct bd_error error;
    char *good[] = {"daemon", "@daemon"}, *bad_user[] = {"no-such-user"},
         *bad_group[] = {"@none-such"};
    assert_int_equal(bd_clients_from(&clients, "k", good, 2, &error), 0);
    assert_int_equal(clients.uid_cnt, 1);
    assert_int_equal(clients.gid_cnt, 1);
    assert_false(clients.anybody);
    assert_int_equal(bd_clients_from(&clients, "stats_socket_user_peers", bad_user, 1, &error), -1);
    assert_non_null(
        strstr(error.text, "control.stats_socket_user_peers: there is no user no-such-user"));
    assert_int_equal(bd_clients_from(&clients, "k", bad_group, 1, &error), -1);
    assert_non_null(strstr(error.text, "there is no group none-such"));
}

/* --- clients ---------------------------------------------------------------------------------- */

struct client {
    uid_t uid;
    gid_t gid, more; /* more: a group besides, 0 for none */
};

/* Connects as that client, asks, and copies what comes into the file. */
static pid_t ask_as(const struct client *client, const char *path, FILE *answer)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    char text[512];
    ssize_t n;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (setgroups(client->more ? 1 : 0, &client->more) != 0 || setgid(client->gid) != 0 ||
        setuid(client->uid) != 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        _exit(1);
    if (send(fd, "help\n", 5, MSG_NOSIGNAL) == 5)
        shutdown(fd, SHUT_WR);
    while ((n = read(fd, text, sizeof(text))) > 0) {
        if (write(fileno(answer), text, (size_t)n) != n)
            _exit(1);
    }
    _exit(0);
}

/* The first line of the answer; the loop turns until the client has ended. */
static void answer_to(const struct client *client, const char *path, char line[256])
{
    FILE *answer = tmpfile();
    int status;
    pid_t pid = ask_as(client, path, answer);
    while (waitpid(pid, &status, WNOHANG) == 0)
        event_base_loop(lab.control.base, EVLOOP_NONBLOCK);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    rewind(answer);
    line[0] = '\0';
    if (!fgets(line, 256, answer))
        line[0] = '\0';
    fclose(answer);
}

/* Everybody reaches the file, so that it is the list that decides. */
static void open_to_all(const char *path)
{
    assert_int_equal(chmod(lab.directory, 0755), 0);
    assert_int_equal(chmod(path, 0666), 0);
}

static void test_the_kernel_says_who_asks(void **state)
{
    static const struct {
        struct client client;
        bool let_in;
    } cases[] = {
        {{0, 0, 0}, true},          /* root */
        {{1, 1, 0}, true},          /* daemon, on the list */
        {{65534, 2, 0}, true},      /* by its first group */
        {{65534, 65534, 2}, true},  /* by another */
        {{65534, 65534, 0}, false}, /* nobody */
        {{65534, 65534, 3}, false}, /* in a group that is not on the list */
    };
    char path[96], line[256];
    struct bd_error error;
    struct bd_clients clients = {.uid = {1}, .uid_cnt = 1, .gid = {2}, .gid_cnt = 1};
    uint64_t refused = bd_server_refused(lab.control.server);
    unsigned expected = 0;
    lab_path(&lab, "listed.sock", path);
    assert_int_equal(
        bd_server_listen(lab.control.server, path, BD_LEVEL_ADMIN, 0666, &clients, &error), 0);
    open_to_all(path);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        answer_to(&cases[i].client, path, line);
        bool was_refused = strstr(line, "may not use the admin socket") != NULL;
        if (*line == '\0' || was_refused == cases[i].let_in)
            fail_msg("case %u: %s", i, line);
        expected += cases[i].let_in ? 0 : 1;
    }
    assert_int_equal(bd_server_refused(lab.control.server) - refused, expected);
    assert_non_null(strstr(line, "error: uid 65534"));
    assert_non_null(strstr(line, "control.stats_socket_admin_peers"));
}

/* As nothing is said in the configuration of the lab. */
static void test_admin_is_root_alone_and_operators_are_of_the_group(void **state)
{
    static const struct client nobody = {65534, 65534, 0};
    const struct client of_the_group = {65534, 65534, getegid()};
    char line[256];
    open_to_all(lab.socket);
    open_to_all(lab.admin);
    answer_to(&nobody, lab.admin, line);
    assert_non_null(strstr(line, "may not use the admin socket"));
    answer_to(&nobody, lab.socket, line);
    assert_non_null(strstr(line, "may not use the operator socket"));
    if (getegid() != 0) { /* setgroups of 0 means none here */
        answer_to(&of_the_group, lab.socket, line);
        assert_null(strstr(line, "may not use"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_become_numbers_or_an_error),
        cmocka_unit_test_setup_teardown(test_the_kernel_says_who_asks, open_lab, close_lab),
        cmocka_unit_test_setup_teardown(test_admin_is_root_alone_and_operators_are_of_the_group,
                                        open_lab, close_lab),
    };
    if (geteuid() != 0) {
        puts("skipped: needs root");
        return 77;
    }
    return cmocka_run_group_tests_name("clients", tests, NULL, NULL);
}
