/* SPDX-License-Identifier: BSD-3-Clause */
/* Nobody reads the log any more, as when a program in a pipe behind ours has ended: no line that is
 * written may end the process. The programs are the arguments. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int program_cnt;
static char **program;

/* Status of a start that has an error to tell to a pipe without a reader. */
static int start(const char *path)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        execl(path, path, "-c", "/nobody/has/this.yaml", (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_nobody_reads_the_log(void **state)
{
    for (int i = 0; i < program_cnt; i++) {
        int status = start(program[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nobody_reads_the_log)};
    program_cnt = argc - 1;
    program = argv + 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
