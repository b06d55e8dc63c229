/* SPDX-License-Identifier: BSD-3-Clause */
/* bindery-control: policy, subscribers, verification, expiry, and the face towards people. */
#include <event2/thread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena_setup.h"
#include "calls.h"
#include "cpu.h"
#include "options.h"
#include "privileges.h"
#include "process.h"
#include "screen_compile.h"
#include "service.h"

/* `-t`, with what only Hyperscan knows of the screening rules. */
static int check(const char *file)
{
    struct bd_error error;
    struct bd_config *config = bd_config_load(file, stderr);
    int rc = config ? bd_screen_check(config, &error) : 1;
    bd_config_free(config);
    if (rc < 0)
        fprintf(stderr, "%s\n", error.text);
    else if (rc == 0)
        printf("%s: ok\n", file);
    return rc != 0;
}

static int start(struct bd_control *control, struct bd_error *error)
{
    static struct bd_privileges privileges;
    const struct bd_config *config = control->config;
    if (bd_privileges_begin(&privileges, config->user, config->group, config->core_dumps, error) <
        0)
        return -1;
    control->privileges = &privileges;
    if (bd_service_start(control, error) < 0 || bd_privileges_drop(&privileges, NULL, 0, error) < 0)
        return -1;
    return bd_seccomp_process(BD_CALLS_CONTROL, (enum bd_seccomp_mode)config->seccomp, error);
}

/* Of a start that failed. */
static void take_back(struct bd_control *control)
{
    if (control->privileges)
        bd_privileges_step_back(control->privileges);
    bd_arena_discard(&control->arena);
}

int main(int argc, char **argv)
{
    static struct bd_control control;
    bd_cpu_check();
    bd_process_fill_stdio();
    bd_process_catch_signals();
    bd_log_init("bindery-control", BD_LOG_INFO);
    struct bd_options options;
    if (!bd_options_parse(&options, argc, argv, "bindery-control"))
        return options.exit_status;
    if (options.check_only)
        return check(options.config_file);
    if (options.arena_only)
        return bd_arena_check_main(options.config_file);
    control.config_file = options.config_file;
    control.started = control.config = bd_config_load(options.config_file, stderr);
    if (!control.config)
        return 1;
    bd_log_set_level((enum bd_log_level)control.config->log_level);
    umask(027);
    evthread_use_pthreads();

    struct bd_error error;
    int rc = start(&control, &error);
    if (rc == 0)
        rc = bd_service_run(&control, &error);
    else
        take_back(&control);
    if (rc < 0)
        bd_log(BD_LOG_ERROR, "%s", error.text);
    int status = rc < 0 ? 1 : 0;
    if (!bd_service_stop(&control))
        _exit(status); /* exit() would run what libraries have to destroy under a thread's feet */
    return status;
}
