/* SPDX-License-Identifier: BSD-3-Clause */
/* What cannot be taken back is done by a child. */
#ifndef BD_PRIVILEGES_CHILD_H
#define BD_PRIVILEGES_CHILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants those first */
#include <cmocka.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct outcome {
    int status;      /* of waitpid */
    char text[2048]; /* on stderr */
};

/* The exit status is what `body` returns. */
static inline struct outcome in_child(int (*body)(const void *), const void *arg)
{
    struct outcome outcome = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        _exit(body(arg));
    }
    close(ends[1]);
    size_t used = 0;
    ssize_t n;
    while ((n = read(ends[0], outcome.text + used, sizeof(outcome.text) - 1 - used)) > 0)
        used += (size_t)n;
    close(ends[0]);
    assert_int_equal(waitpid(pid, &outcome.status, 0), pid);
    return outcome;
}

static inline void assert_exit(const struct outcome *outcome, int status)
{
    if (!WIFEXITED(outcome->status) || WEXITSTATUS(outcome->status) != status)
        fail_msg("ended with %#x, wanted exit status %d: %s", (unsigned)outcome->status, status,
                 outcome->text);
}

#endif
