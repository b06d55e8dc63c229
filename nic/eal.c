/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <fcntl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "hugepages.h"

/* --- arguments ------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void add(struct bd_eal_args *args, const char *format,
                                                      ...)
{
    char *at = args->text + args->used;
    size_t room = sizeof(args->text) - args->used;
    va_list list;
    va_start(list, format);
    int n = vsnprintf(at, room, format, list);
    va_end(list);
    if (n < 0 || (size_t)n >= room || args->argc == BD_EAL_ARGS_MAX - 1)
        return;
    args->argv[args->argc++] = at;
    args->argv[args->argc] = NULL;
    args->used += (uint32_t)n + 1;
}

void bd_eal_lcores(unsigned workers, const unsigned *cpus, unsigned cpu_cnt, char *out,
                   size_t out_sz)
{
    /* "0@(0,1),1@1,2@0": lcore 0 floats, 1 and 2 are pinned. */
    size_t n = (size_t)snprintf(out, out_sz, "0@(");
    for (unsigned i = 0; i < cpu_cnt && n < out_sz; i++)
        n += (size_t)snprintf(out + n, out_sz - n, "%s%u", i ? "," : "", cpus[i]);
    if (n < out_sz)
        n += (size_t)snprintf(out + n, out_sz - n, ")");
    for (unsigned i = 0; i < workers && n < out_sz; i++)
        n +=
            (size_t)snprintf(out + n, out_sz - n, ",%u@%u", i + 1, cpus[cpu_cnt - 1 - i % cpu_cnt]);
}

static void add_ports(const struct bd_config *config, char vdev[][BD_EAL_VDEV_MAX],
                      struct bd_eal_args *args)
{
    bool pci = false;
    for (unsigned i = 0; i < config->port_cnt; i++) {
        if (config->ports[i].driver == BD_PORT_PCI) {
            pci = true;
            add(args, "-a");
            add(args, "%s", config->ports[i].pci);
        } else {
            add(args, "--vdev=%s", vdev[i]);
        }
    }
    if (pci)
        return;
    add(args, "--no-pci");
    /* No hardware reads our memory: physical addresses, and the privilege to learn them, are not
     * needed. */
    add(args, "--iova-mode=va");
}

static void add_memory(const struct bd_config *config, const struct bd_eal_memory *memory,
                       struct bd_eal_args *args)
{
    if (!config->huge) {
        add(args, "--no-shconf");
        add(args, "--no-huge");
    } else if (memory->huge_dir) {
        add(args, "--no-shconf");
        add(args, "--huge-unlink");
        add(args, "--huge-dir=%s", memory->huge_dir);
    } else {
        add(args, "--in-memory");
    }
    add(args, "-m");
    add(args, "%u", config->huge ? memory->mb : config->memory_mb);
}

void bd_eal_args_make(const struct bd_config *config, const unsigned *cpus, unsigned cpu_cnt,
                      char vdev[][BD_EAL_VDEV_MAX], const struct bd_eal_memory *memory,
                      struct bd_eal_args *args)
{
    char lcores[6000];
    *args = (struct bd_eal_args){0};
    if (!config->lcores)
        bd_eal_lcores(config->workers, cpus, cpu_cnt, lcores, sizeof(lcores));
    add(args, "bindery-dataplane");
    add(args, "--lcores=%s", config->lcores ? config->lcores : lcores);
    add(args, "--main-lcore=0");
    add(args, "--no-telemetry");
    add(args, "--file-prefix=bindery-%s", config->arena_name ? config->arena_name : "default");
    add(args, "--log-level=*:error");
    add_memory(config, memory, args);
    add_ports(config, vdev, args);
}

/* --- chatter -------------------------------------------------------------------------------- */

static char last_error[256];
static bool log_on;

/* Keeps the last line that tells something. What is wrong with an argument stands before the EAL's
 * general remark. net_tap complains of queueing disciplines it can do
 * without: it wants them for flow rules, which nobody makes here. */
static void remember(const char *line, size_t len)
{
    static const char *const idle[] = {"qdisc", "rte flow", "ext_ack", "to secondary",
                                       "Invalid 'command line'"};
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    if (len == 0)
        return;
    char text[sizeof(last_error)];
    int n = snprintf(text, sizeof(text), "%.*s", (int)(len < 250 ? len : 250), line);
    for (unsigned i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
        if (strstr(text, idle[i]))
            return;
    }
    memcpy(last_error, text, (size_t)n + 1);
    if (log_on)
        bd_log(BD_LOG_WARNING, "dpdk: %s", text);
}

static ssize_t log_write(void *cookie, const char *line, size_t len)
{
    remember(line, len);
    return (ssize_t)len;
}

const char *bd_eal_last_error(void)
{
    return last_error;
}

void bd_eal_log_on(void)
{
    log_on = true;
}

static int open_log(struct bd_error *error)
{
    FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = log_write});
    if (!stream || setvbuf(stream, NULL, _IOLBF, 1024) != 0 || rte_openlog_stream(stream) != 0)
        return bd_fail(error, "dataplane: cannot redirect DPDK's log: out of memory");
    return 0;
}

/* The EAL prints alarms and usage past its own log. While it starts, they go nowhere. */
struct silence {
    int out, err;
};

static struct silence silence_begin(void)
{
    fflush(stdout);
    struct silence saved = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        close(null);
    }
    return saved;
}

static void silence_end(struct silence saved)
{
    fflush(stdout);
    if (saved.out >= 0) {
        dup2(saved.out, STDOUT_FILENO);
        close(saved.out);
    }
    if (saved.err >= 0) {
        dup2(saved.err, STDERR_FILENO);
        close(saved.err);
    }
}

/* --- start ---------------------------------------------------------------------------------- */

static unsigned list_cpus(unsigned *cpus)
{
    cpu_set_t set;
    unsigned n = 0;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        for (unsigned cpu = 0; cpu < CPU_SETSIZE && n < BD_EAL_CPUS_MAX; cpu++) {
            if (CPU_ISSET(cpu, &set))
                cpus[n++] = cpu;
        }
    }
    if (n == 0)
        cpus[n++] = 0;
    return n;
}

static int check_memory(const struct bd_config *config, struct bd_error *error)
{
    if (!config->huge)
        return 0;
    struct bd_hugepages pages = bd_hugepages_free();
    uint64_t have = pages.small_mb + pages.large_mb;
    if (have >= config->memory_mb)
        return 0;
    return bd_fail(error,
                   "dataplane: %u MB of hugepages are needed for packet buffers, %llu MB are free: "
                   "raise /proc/sys/vm/nr_hugepages by %llu pages of 2 MB, lower memory_mb, or set "
                   "huge: false",
                   config->memory_mb, (unsigned long long)have,
                   (unsigned long long)(config->memory_mb - have + 1) / 2);
}

static int check_lcores(const struct bd_config *config, struct bd_error *error)
{
    unsigned have = rte_lcore_count() - 1;
    if (have >= config->workers)
        return 0;
    return bd_fail(error,
                   "dataplane.lcores: \"%s\" gives %u lcores besides lcore 0, which serves no "
                   "packets; %u workers need as many",
                   config->lcores ? config->lcores : "", have, config->workers);
}

/* The mount to name, or NULL: only where there are pages of 1 GiB, and enough of the others. */
static const char *choose_huge_dir(const struct bd_config *config, char *dir, size_t dir_sz)
{
    struct bd_hugepages pages = bd_hugepages_free();
    bool kept = config->huge && pages.large_mb > 0 && pages.small_mb >= config->memory_mb;
    return kept && bd_hugepages_small_dir(dir, dir_sz) ? dir : NULL;
}

int bd_eal_start(const struct bd_config *config, uint32_t mb, char vdev[][BD_EAL_VDEV_MAX],
                 struct bd_error *error)
{
    static struct bd_eal_args args; /* the EAL keeps pointers to it */
    unsigned cpus[BD_EAL_CPUS_MAX];
    char dir[256];
    if (check_memory(config, error) != 0 || open_log(error) != 0)
        return -1;
    struct bd_eal_memory memory = {mb, choose_huge_dir(config, dir, sizeof(dir))};
    bd_eal_args_make(config, cpus, list_cpus(cpus), vdev, &memory, &args);
    struct silence saved = silence_begin();
    int rc = rte_eal_init(args.argc, args.argv);
    int code = rte_errno;
    silence_end(saved);
    if (rc < 0)
        return bd_fail(error, "dataplane: DPDK does not start: %s (%s)%s", rte_strerror(code),
                       last_error, config->lcores ? "; is dataplane.lcores right?" : "");
    return check_lcores(config, error);
}
