/* SPDX-License-Identifier: BSD-3-Clause */
/* Stops one thread of a process, as a defect that makes it hang would: stop_thread TID. Says
 * "stopped" when it is. The thread goes on when this program is killed. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
    pid_t tid = argc == 2 ? atoi(argv[1]) : 0;
    int status;
    if (tid <= 0 || ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0 ||
        ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0 || waitpid(tid, &status, __WALL) != tid) {
        perror("stop_thread TID");
        return 1;
    }
    puts("stopped");
    fflush(stdout);
    /* Its process is not gone before its tracer has seen it die. */
    while (waitpid(tid, &status, __WALL) == tid && !WIFEXITED(status) && !WIFSIGNALED(status))
        continue;
    return 0;
}
