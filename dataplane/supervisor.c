/* SPDX-License-Identifier: BSD-3-Clause */
#include "supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "clock.h"

enum { TICK_MS = 100 };

int bd_supervisor_init(struct bd_supervisor *s, struct bd_arena *arena,
                       struct bd_worker_signals *signals, uint32_t control_timeout_ms,
                       struct bd_error *error)
{
    *s = (struct bd_supervisor){.arena = arena,
                                .signals = signals,
                                .signal_fd = -1,
                                .control_fd = -1,
                                .control_timeout_ms = control_timeout_ms};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return bd_fail(error, "cannot block signals: %s", strerror(errno));
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signal_fd < 0)
        return bd_fail(error, "cannot make a signal descriptor: %s", strerror(errno));
    return 0;
}

void bd_supervisor_close(struct bd_supervisor *s)
{
    if (s->control_fd >= 0)
        close(s->control_fd);
    if (s->signal_fd >= 0)
        close(s->signal_fd);
}

/* Control's configuration is the one that reloads; here a SIGHUP changes nothing. */
static bool stop_requested(struct bd_supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo != SIGHUP)
            return true;
        bd_log(BD_LOG_NOTICE, "SIGHUP: ports and workers change with a restart only; "
                              "send it to bindery-control for all else");
    }
    return false;
}

/* Waits one tick, or less when a signal comes or control dies. True when told to stop. */
static bool tick(struct bd_supervisor *s, bool *control_died)
{
    struct pollfd fds[2] = {{.fd = s->signal_fd, .events = POLLIN},
                            {.fd = s->control_fd, .events = POLLIN}};
    int n = poll(fds, 2, TICK_MS);
    *control_died = n > 0 && fds[1].revents != 0;
    atomic_store_explicit(&s->arena->header->role[BD_ROLE_DATAPLANE].heartbeat_ms, bd_clock_ms(),
                          memory_order_relaxed);
    return n > 0 && fds[0].revents != 0 && stop_requested(s);
}

static void control_is_gone(struct bd_supervisor *s)
{
    bd_log(BD_LOG_WARNING, "bindery-control is gone: requests that need a verifier get 503");
    close(s->control_fd);
    s->control_fd = -1;
    s->hung = false;
    atomic_store(&s->signals->control_generation, 0);
}

/* Its main loop writes it each 100 ms. What it answered late nobody waits for any more: workers
 * refuse what waits when they see another generation. */
static void watch_heartbeat(struct bd_supervisor *s)
{
    uint64_t beat_ms = atomic_load_explicit(&s->arena->header->role[BD_ROLE_CONTROL].heartbeat_ms,
                                            memory_order_relaxed);
    s->silent_ticks = beat_ms == s->beat_ms ? s->silent_ticks + 1 : 0;
    s->beat_ms = beat_ms;
    bool hung = s->silent_ticks * TICK_MS >= s->control_timeout_ms;
    if (hung == s->hung)
        return;
    s->hung = hung;
    atomic_store(&s->signals->control_generation, hung ? 0 : s->control_generation);
    if (!hung) {
        bd_log(BD_LOG_NOTICE, "bindery-control goes on");
        return;
    }
    atomic_fetch_add(&s->arena->header->role[BD_ROLE_DATAPLANE].peer_hangs, 1);
    bd_log(BD_LOG_WARNING,
           "bindery-control hangs (no heartbeat for %u ms): requests that need a verifier get 503",
           s->silent_ticks * TICK_MS);
}

/* A control process counts as there once it serves. It may die between any two of these steps: the
 * pidfd is opened first, so its death is told by poll() afterwards, and a pid that was used again
 * is ruled out by the lock and the unchanged generation. */
static void look_for_control(struct bd_supervisor *s)
{
    struct bd_role_line *line = &s->arena->header->role[BD_ROLE_CONTROL];
    uint32_t generation = atomic_load(&line->generation);
    if (!atomic_load(&line->serving) || !bd_arena_role_alive(s->arena, BD_ROLE_CONTROL))
        return;
    int fd = pidfd_open((pid_t)atomic_load(&line->pid), 0);
    if (fd < 0)
        return;
    if (!bd_arena_role_alive(s->arena, BD_ROLE_CONTROL) ||
        atomic_load(&line->generation) != generation) {
        close(fd);
        return;
    }
    s->control_fd = fd;
    s->control_generation = generation;
    s->silent_ticks = 0;
    atomic_store(&s->signals->control_generation, generation);
    bd_log(BD_LOG_NOTICE, "bindery-control is here (pid %u)", atomic_load(&line->pid));
}

bool bd_supervisor_wait_policy(struct bd_supervisor *s)
{
    if (!bd_policy_current(s->arena))
        bd_log(BD_LOG_NOTICE, "waiting for bindery-control to publish the policy");
    bool ignored;
    while (!bd_policy_current(s->arena)) {
        if (tick(s, &ignored))
            return false;
    }
    /* Before there are workers: the first request is not to find it absent. */
    look_for_control(s);
    return true;
}

void bd_supervisor_run(struct bd_supervisor *s, struct bd_table *table, struct bd_nic *nic)
{
    struct bd_role_line *self = &s->arena->header->role[BD_ROLE_DATAPLANE];
    atomic_store(&self->serving, 1);
    sd_notify(0, "READY=1");
    bool stop = false;
    while (!stop) {
        bool died;
        if (s->control_fd < 0) {
            look_for_control(s);
            /* Also of one that died before it served: its readers must not hold up reclamation. */
            bd_table_bury_readers(table);
        }
        bd_nic_watch(nic);
        sd_notify(0, "WATCHDOG=1");
        stop = tick(s, &died);
        if (died)
            control_is_gone(s);
        else if (s->control_fd >= 0)
            watch_heartbeat(s);
    }
    sd_notify(0, "STOPPING=1");
    atomic_store(&self->serving, 0);
    atomic_store(&s->signals->stop, true);
}
