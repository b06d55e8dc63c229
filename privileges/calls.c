/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call_list.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static const char *process_list = "this process";
static _Thread_local const char *thread_list;

/* Async-signal-safe as far as bd_log is: it formats numbers and writes once. */
static void on_forbidden(int signal, siginfo_t *info, void *context)
{
    bd_log(BD_LOG_ERROR,
           "system call %d is not on the list of %s: not made, this process ends. Should a new "
           "library need it, `process.seccomp: log` lets it pass until the list has it; "
           "`scmp_sys_resolver %d` tells its name",
           info->si_syscall, thread_list ? thread_list : process_list, info->si_syscall);
    _exit(BD_SECCOMP_STATUS);
}

static int add_call(scmp_filter_ctx filter, const struct bd_call *call)
{
    uint32_t action = call->error ? SCMP_ACT_ERRNO((uint32_t)call->error) : SCMP_ACT_ALLOW;
    if (call->number < 0)
        return 0; /* this architecture has none of that name */
    if (call->arg < 0)
        return seccomp_rule_add(filter, action, call->number, 0);
    struct scmp_arg_cmp which = {(unsigned)call->arg, SCMP_CMP_MASKED_EQ, call->mask, call->value};
    return seccomp_rule_add_array(filter, action, call->number, 1, &which);
}

/* no_new_privs is set already. Without SSB the kernel of former years would slow down all of the
 * process against a leak between programs in one address space, of which there is one. */
static int set_up(scmp_filter_ctx filter, const struct bd_call_list *list, bool all_threads)
{
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
    rc = rc ? rc : seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, all_threads);
    rc = rc ? rc : seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
    rc = rc ? rc : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (unsigned i = 0; rc == 0 && i < list->cnt; i++)
        rc = add_call(filter, &list->call[i]);
    return rc;
}

static int load(const struct bd_call_list *list, enum bd_seccomp_mode mode, bool all_threads,
                struct bd_error *error)
{
    scmp_filter_ctx filter =
        seccomp_init(mode == BD_SECCOMP_ENFORCE ? SCMP_ACT_TRAP : SCMP_ACT_LOG);
    int rc = filter ? set_up(filter, list, all_threads) : -ENOMEM;
    if (rc == 0)
        rc = seccomp_load(filter);
    if (rc != 0)
        bd_fail(error,
                "the list of system calls of %s cannot be put in force: %s: does the kernel have "
                "CONFIG_SECCOMP_FILTER? (process.seccomp: off goes without)",
                list->name, strerror(-rc));
    seccomp_release(filter);
    return rc ? -1 : 0;
}

int bd_seccomp_process(enum bd_seccomp_list which, enum bd_seccomp_mode mode,
                       struct bd_error *error)
{
    const struct bd_call_list *list = bd_call_list(which);
    struct sigaction action = {.sa_sigaction = on_forbidden, .sa_flags = SA_SIGINFO};
    if (mode == BD_SECCOMP_OFF || SANITIZED) {
        bd_log(BD_LOG_WARNING, "no list of system calls is in force: %s",
               SANITIZED ? "a sanitizer makes calls of its own" : "process.seccomp is off");
        return 0;
    }
    process_list = list->name;
    if (sigaction(SIGSYS, &action, NULL) != 0)
        return bd_fail(error, "cannot handle SIGSYS: %s", strerror(errno));
    return load(list, mode, true, error);
}

int bd_seccomp_thread(enum bd_seccomp_list which, enum bd_seccomp_mode mode, struct bd_error *error)
{
    const struct bd_call_list *list = bd_call_list(which);
    if (mode == BD_SECCOMP_OFF || SANITIZED)
        return 0;
    thread_list = list->name;
    return load(list, mode, false, error);
}

void bd_seccomp_print(enum bd_seccomp_list which, FILE *out)
{
    const struct bd_call_list *list = bd_call_list(which);
    for (unsigned i = 0; i < list->cnt; i++)
        fprintf(out, "%s %s\n", list->call[i].name, list->call[i].why);
}
