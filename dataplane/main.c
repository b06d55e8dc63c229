/* SPDX-License-Identifier: BSD-3-Clause */
/* bindery-dataplane: ports, workers, and the table they share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "arena_setup.h"
#include "clock.h"
#include "cpu.h"
#include "held.h"
#include "leave_root.h"
#include "options.h"
#include "process.h"
#include "restore.h"
#include "supervisor.h"
#include "worker.h"

struct dataplane {
    struct bd_config *config;
    struct bd_arena arena;
    struct bd_table table;
    struct bd_memory *memory;
    struct bd_nic *nic;
    struct bd_supervisor supervisor;
    struct bd_worker_signals signals;
    struct bd_worker *worker[BD_WORKERS_MAX];
    struct bd_privileges privileges;
};

static int start(struct dataplane *dp, struct bd_error *error)
{
    const struct bd_config *config = dp->config;
    struct bd_arena_params params;
    if (bd_supervisor_init(&dp->supervisor, &dp->arena, &dp->signals, config->control_timeout_ms,
                           error) < 0 ||
        bd_privileges_begin(&dp->privileges, config->user, config->group, config->core_dumps,
                            error) < 0 ||
        bd_arena_params_from(dp->config, &params, error) < 0 ||
        bd_arena_join(&dp->arena, dp->config->arena_file, dp->config->arena_name, BD_ROLE_DATAPLANE,
                      &params, error) < 0 ||
        bd_privileges_own(&dp->privileges, dp->arena.fd, dp->arena.path, error) < 0 ||
        bd_table_join(&dp->table, &dp->arena, error) < 0)
        return -1;
    bd_log(BD_LOG_INFO, "arena %s: %s, %llu MiB, up to %llu bindings", dp->arena.path,
           dp->arena.created ? "made" : "joined", (unsigned long long)dp->arena.size >> 20,
           (unsigned long long)dp->config->bindings_max);
    dp->memory = bd_memory_rebuild(&dp->table, dp->config->workers, error);
    if (!dp->memory ||
        bd_restore(dp->config, &dp->table, bd_memory_writer(dp->memory, 0), error) < 0)
        return -1;
    dp->nic = bd_nic_start(dp->config, error);
    return dp->nic ? bd_dataplane_leave_root(&dp->privileges, config, &dp->arena, error) : -1;
}

/* A quarter of the packet buffers may hold replies that wait for the disk. */
static uint32_t held_max_of(const struct bd_config *config)
{
    uint32_t share = config->mbufs / config->workers / 4;
    if (config->durability != BD_DURABILITY_SYNC)
        return 0;
    return share < BD_BURST ? BD_BURST : share < BD_HELD_MAX ? share : BD_HELD_MAX;
}

static int make_workers(struct dataplane *dp, struct bd_error *error)
{
    for (unsigned i = 0; i < dp->config->workers; i++) {
        struct bd_worker_deps deps = {
            .id = i,
            .arena = &dp->arena,
            .table = &dp->table,
            .writer = bd_memory_writer(dp->memory, i),
            .queue = bd_nic_queue_of(dp->nic, i),
            .signals = &dp->signals,
            .poll = dp->config->poll,
            .phones = dp->config->bindings_max / dp->config->workers,
            .held_max = held_max_of(dp->config),
        };
        dp->worker[i] = bd_worker_new(&deps, error);
        if (!dp->worker[i])
            return -1;
    }
    return 0;
}

static int worker_main(void *arg, unsigned id)
{
    struct dataplane *dp = arg;
    bd_worker_narrow(dp->config, id);
    bd_worker_run(dp->worker[id]);
    return 0;
}

static int run(struct dataplane *dp, struct bd_error *error)
{
    if (!bd_supervisor_wait_policy(&dp->supervisor))
        return 0; /* stopped before control ever came */
    if (make_workers(dp, error) < 0)
        return -1;
    atomic_store(&dp->arena.header->role[BD_ROLE_DATAPLANE].workers, dp->config->workers);
    if (bd_nic_launch(dp->nic, worker_main, dp) < 0)
        return bd_fail(error, "cannot launch %u workers: check dataplane.lcores",
                       dp->config->workers);
    char ports[512];
    bd_nic_describe(dp->nic, ports, sizeof(ports));
    bd_log(BD_LOG_NOTICE, "serving with %u worker(s): %s", dp->config->workers, ports);
    bd_supervisor_run(&dp->supervisor, &dp->table, dp->nic);
    bd_nic_join(dp->nic);
    return 0;
}

static void stop(struct dataplane *dp)
{
    for (unsigned i = 0; i < BD_WORKERS_MAX; i++)
        bd_worker_free(dp->worker[i]);
    bd_nic_stop(dp->nic);
    bd_memory_free(dp->memory);
    bd_arena_leave(&dp->arena);
    bd_supervisor_close(&dp->supervisor);
    bd_config_free(dp->config);
}

int main(int argc, char **argv)
{
    static struct dataplane dp;
    bd_cpu_check();
    bd_process_fill_stdio();
    bd_process_catch_signals();
    bd_log_init("bindery-dataplane", BD_LOG_INFO);
    struct bd_options options;
    if (!bd_options_parse(&options, argc, argv, "bindery-dataplane"))
        return options.exit_status;
    if (options.check_only)
        return bd_config_check_main(options.config_file);
    if (options.arena_only)
        return bd_arena_check_main(options.config_file);
    dp.config = bd_config_load(options.config_file, stderr);
    if (!dp.config)
        return 1;
    bd_log_set_level((enum bd_log_level)dp.config->log_level);
    struct bd_error error;
    int rc = start(&dp, &error);
    if (rc == 0)
        rc = run(&dp, &error);
    else
        bd_arena_discard(&dp.arena);
    if (rc < 0)
        bd_log(BD_LOG_ERROR, "%s", error.text);
    stop(&dp);
    return rc < 0 ? 1 : 0;
}
