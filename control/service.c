/* SPDX-License-Identifier: BSD-3-Clause */
#include "service.h"

#include <inttypes.h>
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "arena_setup.h"
#include "census.h"
#include "clock.h"
#include "events.h"
#include "health.h"
#include "journaling.h"
#include "leave_root.h"
#include "metrics_http.h"
#include "peer.h"
#include "recovery.h"
#include "reload.h"
#include "remover.h"
#include "replay.h"
#include "roster.h"
#include "server.h"
#include "sweeper.h"
#include "verifier.h"

/* --- start ------------------------------------------------------------------------------------ */

static int join_arena(struct bd_control *control, struct bd_error *error)
{
    const struct bd_config *config = control->config;
    struct bd_arena_params params;
    if (bd_arena_params_from(config, &params, error) < 0 ||
        bd_arena_join(&control->arena, config->arena_file, config->arena_name, BD_ROLE_CONTROL,
                      &params, error) < 0 ||
        (control->privileges && bd_privileges_own(control->privileges, control->arena.fd,
                                                  control->arena.path, error) < 0) ||
        bd_table_join(&control->table, &control->arena, error) < 0)
        return -1;
    control->generation = (uint16_t)bd_control_line(control, BD_ROLE_CONTROL)->generation;
    bd_log(BD_LOG_INFO, "arena %s: %s, %" PRIu64 " MiB%s, up to %" PRIu64 " bindings",
           control->arena.path, control->arena.created ? "made" : "joined",
           control->arena.size >> 20, control->arena.huge ? " of huge pages" : "",
           config->bindings_max);
    return 0;
}

static int start_verifiers(struct bd_control *control, struct bd_error *error)
{
    struct bd_arena *arena = &control->arena;
    control->replay =
        bd_replay_new(bd_arena_region(arena, BD_REGION_NONCES),
                      arena->header->region_sz[BD_REGION_NONCES], bd_wall_ms(), error);
    if (!control->replay)
        return -1;
    struct bd_verifiers_deps deps = {.arena = arena,
                                     .epoch = control->table.epoch,
                                     .store = bd_roster_store(control->roster),
                                     .replay = control->replay,
                                     .workers = bd_control_workers(control),
                                     .threads = control->config->verifiers};
    control->verifiers = bd_verifiers_start(&deps, error);
    return control->verifiers ? 0 : -1;
}

/* Whom the file lets in: with a list of its own, everybody, and the list decides. */
static unsigned mode_of(enum bd_level level, unsigned peer_cnt)
{
    if (level == BD_LEVEL_USER || peer_cnt > 0)
        return 0666;
    return level == BD_LEVEL_ADMIN ? 0600 : 0660;
}

static int open_socket(struct bd_control *control, const char *path, enum bd_level level,
                       struct bd_error *error)
{
    static const char *const key[] = {"stats_socket_user_peers", "stats_socket_operator_peers",
                                      "stats_socket_admin_peers"};
    const struct bd_config *config = control->config;
    char *const *const names[] = {config->user_peers, config->operator_peers, config->admin_peers};
    const unsigned cnt[] = {config->user_peer_cnt, config->operator_peer_cnt,
                            config->admin_peer_cnt};
    struct bd_clients clients;
    if (bd_clients_from(&clients, key[level], names[level], cnt[level], error) < 0)
        return -1;
    clients.anybody = level == BD_LEVEL_USER && cnt[level] == 0;
    if (level == BD_LEVEL_OPERATOR && cnt[level] == 0)
        clients.gid[clients.gid_cnt++] = getegid();
    return bd_server_listen(control->server, path, level, mode_of(level, cnt[level]), &clients,
                            error);
}

/* The default socket has all rights when no admin socket is configured. */
static int open_sockets(struct bd_control *control, struct bd_error *error)
{
    const struct bd_config *config = control->config;
    bool only = !config->stats_socket_admin;
    control->server = bd_server_new(control, control->base);
    if (!control->server)
        return bd_fail(error, "out of memory");
    if (open_socket(control, config->stats_socket, only ? BD_LEVEL_ADMIN : BD_LEVEL_OPERATOR,
                    error) < 0)
        return -1;
    if (!only && open_socket(control, config->stats_socket_admin, BD_LEVEL_ADMIN, error) < 0)
        return -1;
    if (config->stats_socket_user &&
        open_socket(control, config->stats_socket_user, BD_LEVEL_USER, error) < 0)
        return -1;
    if (config->metrics.port == 0)
        return 0;
    control->metrics_http = bd_metrics_http_new(control, &config->metrics, error);
    return control->metrics_http ? 0 : -1;
}

static void log_event_loop(int severity, const char *text)
{
    static const enum bd_log_level level_of[] = {
        [EVENT_LOG_DEBUG] = BD_LOG_DEBUG,
        [EVENT_LOG_MSG] = BD_LOG_INFO,
        [EVENT_LOG_WARN] = BD_LOG_WARNING,
        [EVENT_LOG_ERR] = BD_LOG_ERROR,
    };
    bd_log(level_of[severity], "event loop: %s", text);
}

int bd_service_start(struct bd_control *control, struct bd_error *error)
{
    event_set_log_callback(log_event_loop);
    control->base = event_base_new();
    if (!control->base)
        return bd_fail(error, "cannot make an event loop");
    control->alarms = bd_alarms_new(error);
    if (!control->alarms || join_arena(control, error) < 0 ||
        (control->privileges && bd_leave_root(control, error) < 0))
        return -1;
    control->journaling = bd_journaling_start(control, error);
    if (!control->journaling)
        return -1;
    control->tasks = bd_tasks_new(control->base, error);
    if (!control->tasks || !(control->peer = bd_peer_new(control, error)))
        return -1;
    if (bd_reload_publish_now(control, control->config, error) < 0)
        return -1;
    control->roster = bd_roster_open(control, error);
    if (!control->roster || start_verifiers(control, error) < 0 ||
        !(control->recovery = bd_recovery_new(control, error)))
        return -1;
    control->sweeper = bd_sweeper_new(control, error);
    if (!control->sweeper || bd_sweeper_start(control->sweeper, error) < 0)
        return -1;
    control->census = bd_census_new(control);
    control->remover = bd_remover_new(control, error);
    if (!control->census || !control->remover)
        return bd_fail(error, "out of memory");
    control->events = bd_events_new(control, error);
    if (!control->events || bd_events_start(control->events, error) < 0)
        return -1;
    control->health = bd_health_new(control, error);
    return control->health ? open_sockets(control, error) : -1;
}

/* --- run -------------------------------------------------------------------------------------- */

static void on_stop(evutil_socket_t signal, short what, void *arg)
{
    struct bd_control *control = arg;
    bd_log(BD_LOG_NOTICE, "%s: stopping", signal == SIGTERM ? "SIGTERM" : "SIGINT");
    event_base_loopbreak(control->base);
}

static void on_reloaded(void *arg, bool ok, struct bd_str text)
{
    sd_notify(0, "READY=1"); /* logged already, either way */
}

static void on_hangup(evutil_socket_t signal, short what, void *arg)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
               (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    bd_reload(arg, on_reloaded, NULL);
}

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
    sd_notify(0, "WATCHDOG=1");
}

enum { EVENT_CNT = 4 };

static int add_events(struct bd_control *control, struct event *events[EVENT_CNT])
{
    uint64_t watchdog_us = 0;
    struct event_base *base = control->base;
    events[0] = evsignal_new(base, SIGTERM, on_stop, control);
    events[1] = evsignal_new(base, SIGINT, on_stop, control);
    events[2] = evsignal_new(base, SIGHUP, on_hangup, control);
    events[3] = event_new(base, -1, EV_PERSIST, on_watchdog, control);
    for (unsigned i = 0; i < EVENT_CNT; i++) {
        if (!events[i] || (i < 3 && event_add(events[i], NULL) < 0))
            return -1;
    }
    if (sd_watchdog_enabled(0, &watchdog_us) <= 0)
        return 0;
    struct timeval half = {.tv_sec = (time_t)(watchdog_us / 2000000),
                           .tv_usec = (suseconds_t)(watchdog_us / 2 % 1000000)};
    return event_add(events[3], &half);
}

static void tell_ready(struct bd_control *control)
{
    atomic_store(&bd_control_line(control, BD_ROLE_CONTROL)->serving, 1);
    sd_notify(0, "READY=1");
    bd_log(BD_LOG_NOTICE, "serving: %u domains, %" PRIu64 " subscribers, %s",
           control->config->domain_cnt, bd_roster_cnt(control->roster),
           control->config->stats_socket);
}

int bd_service_run(struct bd_control *control, struct bd_error *error)
{
    struct event *events[EVENT_CNT] = {NULL};
    int rc = add_events(control, events);
    if (rc == 0) {
        tell_ready(control);
        rc = event_base_dispatch(control->base) < 0 ? -1 : 0;
        atomic_store(&bd_control_line(control, BD_ROLE_CONTROL)->serving, 0);
        sd_notify(0, "STOPPING=1");
    }
    for (unsigned i = 0; i < EVENT_CNT; i++) {
        if (events[i])
            event_free(events[i]);
    }
    return rc < 0 ? bd_fail(error, "the event loop failed") : 0;
}

/* --- stop ------------------------------------------------------------------------------------- */

bool bd_service_stop(struct bd_control *control)
{
    bd_server_free(control->server);
    bd_metrics_http_free(control->metrics_http);
    bd_health_free(control->health);
    bd_reload_cancel(control);
    bool all = bd_tasks_stop(control->tasks);
    bd_events_free(control->events);
    bd_remover_free(control->remover);
    bd_census_free(control->census);
    bd_sweeper_free(control->sweeper);
    bd_verifiers_stop(control->verifiers);
    bd_replay_free(control->replay);
    bd_roster_close(control->roster);
    bd_recovery_free(control->recovery);
    bd_peer_free(control->peer);
    all &= bd_journaling_stop(control->journaling);
    if (!all)
        return false; /* its threads use all of the rest */
    bd_arena_leave(&control->arena);
    bd_alarms_free(control->alarms);
    if (control->base)
        event_base_free(control->base);
    if (control->config != control->started)
        bd_config_free(control->config);
    bd_config_free(control->started);
    return true;
}
