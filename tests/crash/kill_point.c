/* SPDX-License-Identifier: BSD-3-Clause */
/* Kills the process at a named point between two steps (race.h), in builds with -Dkill_points=true:
 *
 *   BD_KILL_POINT="insert: claimed:3"     SIGKILL when that point is passed for the 3rd time
 *
 * Workers do not read the environment: it is taken apart before main(). */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "race.h"

static char wanted[64];
static atomic_long left; /* passings until the kill */

static void at_point(const char *point)
{
    if (strcmp(point, wanted) == 0 && atomic_fetch_sub(&left, 1) == 1)
        kill(getpid(), SIGKILL);
}

__attribute__((constructor)) static void read_wish(void)
{
    const char *wish = getenv("BD_KILL_POINT");
    const char *colon = wish ? strrchr(wish, ':') : NULL;
    if (!colon || (size_t)(colon - wish) >= sizeof(wanted))
        return;
    memcpy(wanted, wish, (size_t)(colon - wish));
    atomic_store(&left, strtol(colon + 1, NULL, 10));
    bd_race_hook = at_point;
}
