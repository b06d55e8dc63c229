/* SPDX-License-Identifier: BSD-3-Clause */
/* The two clocks. Only loops and main functions read them; everything else takes time as an
 * argument, so tests can jump it.
 *
 * bd_clock_ms   counts from boot, through suspend, never steps: bindings expire by it.
 * bd_wall_ms    is the time of day in ms since 1970: nonces and logs use it. */
#ifndef BD_CLOCK_H
#define BD_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t bd_clock_read_ms(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static inline uint64_t bd_clock_ms(void)
{
    return bd_clock_read_ms(CLOCK_BOOTTIME);
}

static inline uint64_t bd_wall_ms(void)
{
    return bd_clock_read_ms(CLOCK_REALTIME);
}

/* The run of the machine that bd_clock_ms counts in: a hash of the kernel's boot id. 0: the kernel
 * does not say. Reads a file. */
uint64_t bd_clock_boot(void);

#endif
