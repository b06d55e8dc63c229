/* SPDX-License-Identifier: BSD-3-Clause */
/* binderyctl, the program, against the sockets of a whole control process; and those sockets. */
#include "lab.h"

#include <spawn.h>
#include <sys/wait.h>

#include "listener.h"

static const char *binderyctl;

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

struct outcome {
    int status;
    char out[8192], err[1024];
};

static void read_file(int fd, char *text, size_t text_sz)
{
    ssize_t n = pread(fd, text, text_sz - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    close(fd);
}

static int scratch_file(void)
{
    char name[] = "/tmp/bd-ctl-XXXXXX";
    int fd = mkostemp(name, O_CLOEXEC);
    assert_true(fd >= 0);
    unlink(name);
    return fd;
}

static bool ctl_has_stdout = true;

/* Runs the program while the loop turns. */
static void ctl(struct lab *lab, struct outcome *outcome, const char *input,
                const char *const *args)
{
    const char *argv[16] = {"binderyctl"};
    for (unsigned i = 0; args[i]; i++)
        argv[i + 1] = args[i];
    int in = scratch_file(), out = scratch_file(), err = scratch_file();
    assert_int_equal(write(in, input, strlen(input)), strlen(input));
    lseek(in, 0, SEEK_SET);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    if (ctl_has_stdout)
        posix_spawn_file_actions_adddup2(&actions, out, 1);
    else
        posix_spawn_file_actions_addclose(&actions, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, binderyctl, &actions, NULL, (char **)argv, NULL), 0);
    posix_spawn_file_actions_destroy(&actions);
    int status;
    while (waitpid(pid, &status, WNOHANG) == 0)
        lab_turn(lab);
    assert_true(WIFEXITED(status));
    outcome->status = WEXITSTATUS(status);
    close(in);
    read_file(out, outcome->out, sizeof(outcome->out));
    read_file(err, outcome->err, sizeof(outcome->err));
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void statuses_are_as_promised(void **state)
{
    struct lab *lab = *state;
    char nowhere[96];
    lab_path(lab, "nowhere.sock", nowhere);
    const struct {
        const char *const *args;
        int status;
        const char *out, *err;
    } cases[] = {
        {ARGS("-s", lab->socket, "help"), 0, "show info", ""},
        {ARGS("-s", lab->socket, "show", "info"), 0, "records leaked: 0", ""},
        {ARGS("-s", lab->socket, "--json", "show", "info"), 0, "\"leaked\": 0", ""},
        {ARGS("-s", lab->socket, "lookup", "nobody@example.com"), 1, "", "error: nobody@"},
        {ARGS("-s", lab->socket, "--json", "lookup", "n@example.com"), 1, "{\"error\":", ""},
        {ARGS("-s", lab->socket, "unregister", "n@example.com"), 1, "", "is not running"},
        {ARGS("-s", lab->socket, "subscriber", "add", "a@example.com", "x"), 1, "", "admin"},
        {ARGS("-s", lab->socket, "lookup"), 2, "", "usage: lookup AOR"},
        {ARGS("-s", lab->socket, "--json", "lookup"), 2, "{\"usage\":", ""},
        {ARGS("-s", lab->socket, "frobnicate"), 2, "", "error: unknown command"},
        {ARGS("-s", lab->socket), 2, "", "no command"},
        {ARGS("--frobnicate"), 2, "", "no such option"},
        {ARGS("-s"), 2, "", "no such option"},
        {ARGS("-T", "1x", "help"), 2, "", "-T wants 0..86400 seconds, got 1x"},
        {ARGS("-T", "0", "-s", lab->socket, "help"), 0, "show info", ""},
        {ARGS("-s", nowhere, "show", "info"), 3, "", "does bindery-control run"},
        {ARGS("-s", lab->file, "show", "info"), 3, "", "cannot connect"},
        {ARGS("journal", "show", lab->file), 1, "neither header is whole", ""},
        {ARGS("journal", "show", "/nowhere/at/all"), 1, "", "No such file"},
        {ARGS("--json", "journal", "show", "/nowhere"), 1, "\"error\":", ""},
        {ARGS("journal", "show"), 2, "", "usage: journal show PATH"},
        {ARGS("--help"), 0, "usage: binderyctl", ""},
        {ARGS("--version"), 0, "binderyctl " BD_VERSION, ""},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct outcome got;
        ctl(lab, &got, "", cases[i].args);
        if (got.status != cases[i].status || !strstr(got.out, cases[i].out) ||
            !strstr(got.err, cases[i].err))
            fail_msg("case %u: status %d, out '%s', err '%s'", i, got.status, got.out, got.err);
        if (got.status != 0)
            assert_int_equal(strlen(got.out) == 0, *cases[i].out == '\0');
    }
}

/* An answer that has nowhere to go is no success, and never goes back into the socket as commands.
 */
static void without_standard_output(void **state)
{
    struct lab *lab = *state;
    struct outcome got;
    ctl_has_stdout = false;
    ctl(lab, &got, "", ARGS("-s", lab->socket, "drain"));
    ctl_has_stdout = true;
    assert_int_equal(got.status, 1);
    assert_string_equal(got.err, "binderyctl: Bad file descriptor\n");
}

static void a_password_comes_from_standard_input(void **state)
{
    struct lab *lab = *state;
    struct outcome got;
    ctl(lab, &got, "a \"long\" pass word\nrest",
        ARGS("-s", lab->admin, "subscriber", "add", "anna@example.com", "-"));
    assert_string_equal(got.err, "");
    assert_string_equal(got.out, "added anna@example.com\n");
    ctl(lab, &got, "", ARGS("-s", lab->admin, "subscriber", "set", "anna@example.com", "-"));
    assert_int_equal(got.status, 2);
    ctl(lab, &got, "", ARGS("-s", lab->admin, "subscriber", "remove", "anna@example.com\nx"));
    assert_int_equal(got.status, 2);
    ctl(lab, &got, "", ARGS("-s", lab->admin, "subscriber", "remove", "anna@example.com"));
    assert_int_equal(got.status, 0);
}

static void sockets_have_the_modes_of_their_levels(void **state)
{
    struct lab *lab = *state;
    struct stat st;
    assert_int_equal(stat(lab->socket, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(stat(lab->admin, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* --- taking a path ---------------------------------------------------------------------------- */

static void a_live_socket_is_never_taken(void **state)
{
    struct lab *lab = *state;
    struct bd_error error;
    assert_int_equal(bd_listener_open(lab->socket, 0600, &error), -1);
    assert_non_null(strstr(error.text, "another server listens"));
    struct outcome got;
    ctl(lab, &got, "", ARGS("-s", lab->socket, "show", "info"));
    assert_int_equal(got.status, 0);
}

static void a_stale_socket_is_replaced(void **state)
{
    char path[96], directory[96];
    struct bd_error error;
    lab_path(*state, "run", directory);
    lab_path(*state, "run/stale.sock", path);
    int fd = bd_listener_open(path, 0600, &error); /* makes the directory */
    assert_true(fd >= 0);
    struct stat st;
    assert_int_equal(stat(directory, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0750);
    close(fd); /* the file stays, nobody listens */
    fd = bd_listener_open(path, 0666, &error);
    assert_true(fd >= 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666);
    close(fd);
    unlink(path);
    rmdir(directory);
}

static void other_files_are_left_alone(void **state)
{
    struct lab *lab = *state;
    struct bd_error error;
    assert_int_equal(bd_listener_open(lab->file, 0600, &error), -1);
    assert_non_null(strstr(error.text, "no socket"));
    assert_int_equal(access(lab->file, R_OK), 0);
    assert_int_equal(bd_listener_open("/nowhere/at/all.sock", 0600, &error), -1);
    assert_non_null(strstr(error.text, "/nowhere/at"));
    char path[200];
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[199] = '\0';
    assert_int_equal(bd_listener_open(path, 0600, &error), -1);
    assert_non_null(strstr(error.text, "too long"));
}

/* --- no answer -------------------------------------------------------------------------------- */

static void a_server_that_hangs_is_given_up(void **state)
{
    struct outcome got;
    struct bd_error error;
    char path[96];
    lab_path(*state, "hangs.sock", path);
    int fd = bd_listener_open(path, 0600, &error); /* and nobody accepts */
    assert_true(fd >= 0);
    ctl(*state, &got, "", ARGS("-s", path, "-T", "1", "show", "info"));
    assert_int_equal(got.status, 3);
    assert_string_equal(got.out, "");
    assert_non_null(strstr(got.err, "no answer for 1 s"));
    close(fd);
    unlink(path);
}

static void one_too_many_is_told_so(void **state)
{
    struct lab *lab = *state;
    struct outcome got;
    int fd[BD_SERVER_CONNECTIONS_MAX];
    for (unsigned i = 0; i < BD_SERVER_CONNECTIONS_MAX; i++)
        fd[i] = lab_connect(lab, BD_LEVEL_OPERATOR);
    for (unsigned json = 0; json < 2; json++) {
        ctl(lab, &got, "",
            json ? ARGS("--json", "-s", lab->socket, "show", "info")
                 : ARGS("-s", lab->socket, "show", "info"));
        assert_int_equal(got.status, 3);
        assert_non_null(
            strstr(got.err, "error: all connections of the operator socket are taken (64)"));
        assert_string_equal(got.out, "");
    }
    ctl(lab, &got, "", ARGS("-s", lab->admin, "show", "info"));
    assert_int_equal(got.status, 0);
    close(fd[0]);
    for (unsigned i = 0; i < 10; i++)
        lab_turn(lab);
    ctl(lab, &got, "", ARGS("-s", lab->socket, "show", "info"));
    assert_int_equal(got.status, 0);
    for (unsigned i = 1; i < BD_SERVER_CONNECTIONS_MAX; i++)
        close(fd[i]);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    binderyctl = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_are_as_promised),
        cmocka_unit_test(without_standard_output),
        cmocka_unit_test(a_password_comes_from_standard_input),
        cmocka_unit_test(sockets_have_the_modes_of_their_levels),
        cmocka_unit_test(a_live_socket_is_never_taken),
        cmocka_unit_test(a_stale_socket_is_replaced),
        cmocka_unit_test(other_files_are_left_alone),
        cmocka_unit_test(a_server_that_hangs_is_given_up),
        cmocka_unit_test(one_too_many_is_told_so),
    };
    return cmocka_run_group_tests(tests, open_lab, close_lab);
}
