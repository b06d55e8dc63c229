/* SPDX-License-Identifier: BSD-3-Clause */
#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

void bd_process_fill_stdio(void)
{
    int fd; /* the lowest free one; no file is open yet that were to be inherited */
    do
        fd = open("/dev/null", O_RDONLY | O_NOCTTY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

/* Both processes may end at any instruction: it is what a successor is made for. */
static void leave(int signal)
{
    _exit(0);
}

void bd_process_catch_signals(void)
{
    signal(SIGTERM, leave);
    signal(SIGINT, leave);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}
