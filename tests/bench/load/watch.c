/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool watch_open(struct watch *watch, const char *path)
{
    watch->fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (path && watch->fd < 0)
        perror(path);
    return !path || watch->fd >= 0;
}

/* "time on the CPU, time spent waiting for it, times it ran" */
uint64_t watch_waited_ns(const struct watch *watch)
{
    char text[128];
    unsigned long long waited;
    ssize_t n = watch->fd < 0 ? -1 : pread(watch->fd, text, sizeof(text) - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    return sscanf(text, "%*u %llu", &waited) == 1 ? waited : 0;
}

/* "cpu  user nice system idle iowait irq softirq steal ..." */
uint64_t watch_stolen_ns(void)
{
    unsigned long long ticks = 0;
    FILE *stat = fopen("/proc/stat", "r");
    if (!stat)
        return 0;
    if (fscanf(stat, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &ticks) != 1)
        ticks = 0;
    fclose(stat);
    return ticks * (1000000000ULL / (unsigned long long)sysconf(_SC_CLK_TCK));
}
