/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's environment: its arguments, made from the configuration, and its chatter, kept from the
 * operator.
 *
 * With --in-memory no hugetlbfs mount is needed, and nothing of a killed process is left behind to
 * be in the way of the next one. Where the machine has free pages of 1 GiB and enough of 2 MiB, the
 * mount of the latter is named instead (hugepages.h): its files are unlinked at once. Always
 * --no-pci unless a port names a PCI address, which then is the only one allowed: the host's own
 * NIC is never probed. The main lcore is 0 and belongs to no worker: it floats over all CPUs and
 * only waits. Worker i is lcore i + 1. */
#ifndef BD_EAL_H
#define BD_EAL_H

#include "config.h"

#define BD_EAL_ARGS_MAX (24 + 2 * BD_PORTS_MAX)
#define BD_EAL_VDEV_MAX 256
#define BD_EAL_CPUS_MAX 1024

struct bd_eal_args {
    int argc;
    char *argv[BD_EAL_ARGS_MAX];
    char text[8192]; /* argv points into it */
    uint32_t used;
};

/* Writes --lcores for `workers` workers on the CPUs given: each on one of its own, from the last
 * CPU down (the first ones serve the rest of the machine), and sharing when there are fewer CPUs.
 */
void bd_eal_lcores(unsigned workers, const unsigned *cpus, unsigned cpu_cnt, char *out,
                   size_t out_sz);

/* What is taken of the memory that the configuration allows. */
struct bd_eal_memory {
    uint32_t mb;
    const char
        *huge_dir; /* the hugetlbfs mount it comes from; NULL: whatever hugepages there are */
};

/* Makes the argument vector. vdev[i] is the --vdev text of port i, empty for a PCI port. */
void bd_eal_args_make(const struct bd_config *config, const unsigned *cpus, unsigned cpu_cnt,
                      char vdev[][BD_EAL_VDEV_MAX], const struct bd_eal_memory *memory,
                      struct bd_eal_args *args);

/* Starts the EAL with `mb` of memory, as long as that comes of hugepages: it takes more of them by
 * itself where a driver wants more. Without hugepages it must have at once all that is configured,
 * and what is not used of that is no memory of the machine. Assumes it was not started in this
 * process. Fails, with the remedy: too few hugepages free, wrong `lcores`, what else the EAL says.
 * Afterwards DPDK's errors become log lines and the rest is not written. */
int bd_eal_start(const struct bd_config *config, uint32_t mb, char vdev[][BD_EAL_VDEV_MAX],
                 struct bd_error *error);

/* The last error that DPDK reported since bd_eal_start began, for an error text; "" if none. */
const char *bd_eal_last_error(void);
/* From here on DPDK's errors are log lines of their own. */
void bd_eal_log_on(void);

#endif
