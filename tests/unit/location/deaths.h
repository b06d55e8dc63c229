/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a child process dies: at the n-th race point that it passes, by chance, or at a named one.
 * In memory that outlives it. */
#ifndef BD_TEST_DEATHS_H
#define BD_TEST_DEATHS_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DEATHS_MAX = 40, DEATHS_PATIENCE = 2000 };

struct deaths {
    _Atomic int after; /* points yet to pass by whoever is to die; < 0: nobody is */
    _Atomic bool dying;
    const char *aim;         /* NULL: wherever it is then */
    char at[DEATHS_MAX][48]; /* where some have died */
};

/* Before the fork. Who does not pass the point aimed at dies where it is after some more than many.
 */
static inline void deaths_arm(struct deaths *d, int after, const char *aim)
{
    d->aim = aim;
    atomic_store(&d->dying, false);
    atomic_store(&d->after, aim ? DEATHS_PATIENCE : after);
}

/* For bd_race_hook. */
static inline void deaths_pass(struct deaths *d, const char *point)
{
    if (atomic_load(&d->after) < 0)
        return;
    bool now = atomic_fetch_sub(&d->after, 1) == 0 || (d->aim && strcmp(d->aim, point) == 0);
    if (!now || atomic_exchange(&d->dying, true))
        return;
    unsigned i = 0;
    while (d->at[i][0] && strcmp(d->at[i], point) != 0)
        i++;
    snprintf(d->at[i], sizeof(d->at[i]), "%s", point);
    kill(getpid(), SIGKILL);
}

/* The first of the points that nobody has died at; NULL: there is none. */
static inline const char *deaths_missing(const struct deaths *d, const char *const *points,
                                         unsigned cnt)
{
    for (unsigned i = 0; i < cnt; i++) {
        bool met = false;
        for (unsigned k = 0; k < DEATHS_MAX; k++)
            met = met || strcmp(d->at[k], points[i]) == 0;
        if (!met)
            return points[i];
    }
    return NULL;
}

#endif
