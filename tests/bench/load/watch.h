/* SPDX-License-Identifier: BSD-3-Clause */
/* How long another thread was ready to run and the kernel let something else run instead: what no
 * load generator can see from its own core, and no registrar can do anything about. */
#ifndef LOAD_WATCH_H
#define LOAD_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
    int fd;
};

/* `path` is the thread's schedstat, /proc/PID/task/TID/schedstat; NULL: nobody is watched. A line
 * on stderr and false when it cannot be read. */
bool watch_open(struct watch *watch, const char *path);

/* Nanoseconds since the thread began; 0 when nobody is watched, or the thread is gone. */
uint64_t watch_waited_ns(const struct watch *watch);

/* Nanoseconds, in steps of ten milliseconds, that the hypervisor took from all cores since the
 * start of the machine: no wait that the kernel knows of holds them. */
uint64_t watch_stolen_ns(void);

#endif
