/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a command before all else that wants its core, as on a core of its own:
 *
 *   bench_fifo SECONDS [--thread TID]... COMMAND...
 *
 * The command's first thread, and each --thread, are under SCHED_FIFO while the command lasts;
 * threads that they start are ordinary ones. Nothing can hang on them: this program sleeps at a
 * higher priority. When the time is over, when it is told to end, or when its parent dies, it takes
 * the priority from them and ends the command. Were it killed itself, the kernel would kill them
 * (RLIMIT_RTTIME) once they have run for LEEWAY_S longer without ever sleeping; but not threads of
 * another user's where root has no CAP_SYS_RESOURCE: they would keep their core until they end.
 *
 * Exit status: the command's, 124 when the time was over, 125 when it cannot be run this way. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    THREADS_MAX = 64,
    PRIORITY = 10,
    GUARD_PRIORITY = 20,
    LEEWAY_S = 5,
    OVER = 124,
    CANNOT = 125
};

struct guard {
    unsigned limit_s, thread_cnt;
    pid_t thread[THREADS_MAX], command;
};

static bool raise_priority(pid_t thread, int priority)
{
    struct sched_param param = {.sched_priority = priority};
    return sched_setscheduler(thread, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) == 0;
}

static void lower_priority(pid_t thread)
{
    struct sched_param param = {0};
    sched_setscheduler(thread, SCHED_OTHER, &param);
}

static bool limit_time(pid_t thread, unsigned limit_s)
{
    rlim_t us = ((rlim_t)limit_s + LEEWAY_S) * 1000000;
    return prlimit(thread, RLIMIT_RTTIME, &(struct rlimit){us, us}, NULL) == 0 || errno == EPERM;
}

static void lower_all(const struct guard *g)
{
    for (unsigned i = 0; i < g->thread_cnt; i++)
        lower_priority(g->thread[i]);
    if (g->command > 0)
        lower_priority(g->command);
}

static int cannot(const struct guard *g, const char *what)
{
    fprintf(stderr, "bench_fifo: %s: %s\n", what, strerror(errno));
    lower_all(g);
    return CANNOT;
}

/* The signals that the guard waits for. */
static sigset_t awaited(void)
{
    static const int each[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
    sigset_t set;
    sigemptyset(&set);
    for (unsigned i = 0; i < sizeof(each) / sizeof(each[0]); i++)
        sigaddset(&set, each[i]);
    return set;
}

static void become(char **command, const struct guard *g, const sigset_t *set)
{
    sigprocmask(SIG_UNBLOCK, set, NULL);
    /* No orphan at this priority. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (limit_time(0, g->limit_s) && raise_priority(0, PRIORITY))
        execvp(command[0], command);
    perror(command[0]);
    _exit(CANNOT);
}

/* Returns the signal that came, or 0 when the time was over. */
static int wait_for(const sigset_t *set, time_t seconds)
{
    struct timespec time = {.tv_sec = seconds};
    int signal = sigtimedwait(set, NULL, &time);
    return signal > 0 ? signal : 0;
}

static int status_of(pid_t command)
{
    int status;
    if (waitpid(command, &status, 0) < 0)
        return CANNOT;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int end_command(const struct guard *g, int signal)
{
    enum { PATIENCE_S = 2 };
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    lower_all(g);
    kill(g->command, SIGTERM);
    if (wait_for(&child, PATIENCE_S) == 0)
        kill(g->command, SIGKILL);
    status_of(g->command);
    if (signal == 0)
        fprintf(stderr, "bench_fifo: not done after %u s\n", g->limit_s);
    return signal ? 128 + signal : OVER;
}

static int run(struct guard *g, char **command)
{
    sigset_t set = awaited();
    sigprocmask(SIG_BLOCK, &set, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0 || !raise_priority(0, GUARD_PRIORITY))
        return cannot(g, "no real-time priority");
    for (unsigned i = 0; i < g->thread_cnt; i++) {
        if (!limit_time(g->thread[i], g->limit_s) || !raise_priority(g->thread[i], PRIORITY))
            return cannot(g, "--thread");
    }
    g->command = fork();
    if (g->command < 0)
        return cannot(g, "fork");
    if (g->command == 0)
        become(command, g, &set);
    int signal = wait_for(&set, (time_t)g->limit_s);
    if (signal != SIGCHLD)
        return end_command(g, signal);
    lower_all(g);
    return status_of(g->command);
}

static int usage(void)
{
    fprintf(stderr, "usage: bench_fifo SECONDS [--thread TID]... COMMAND...\n");
    return CANNOT;
}

int main(int argc, char **argv)
{
    static struct guard guard;
    int at = 2;
    guard.limit_s = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    for (; at + 1 < argc && strcmp(argv[at], "--thread") == 0; at += 2) {
        pid_t thread = (pid_t)strtol(argv[at + 1], NULL, 10);
        if (thread <= 0 || guard.thread_cnt == THREADS_MAX)
            return usage();
        guard.thread[guard.thread_cnt++] = thread;
    }
    return guard.limit_s == 0 || at >= argc ? usage() : run(&guard, argv + at);
}
