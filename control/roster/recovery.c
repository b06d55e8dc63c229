/* SPDX-License-Identifier: BSD-3-Clause */
#include "recovery.h"

#include <stdlib.h>

#include "roster.h"

enum { WAIT_MAX_S = 60 };

struct bd_recovery {
    struct bd_control *control;
    struct event *timer;
    bool ill, reading, written; /* written: a write has succeeded since the last failure */
    unsigned wait_s, left_s;    /* between tries to read all; until the next one */
};

void bd_recovery_note(struct bd_recovery *recovery, const struct bd_error *error)
{
    if (!recovery)
        return;
    if (!recovery->ill)
        recovery->wait_s = recovery->left_s = 1;
    recovery->ill = true;
    recovery->written = false;
    bd_alarm_raise(recovery->control->alarms, BD_ALARM_SUBSCRIBERS,
                   "those in memory go on to be served: %s", error->text);
}

static void on_read(void *arg, const struct bd_error *error)
{
    struct bd_recovery *recovery = arg;
    recovery->reading = false;
    if (error) {
        bd_recovery_note(recovery, error);
        recovery->wait_s = recovery->wait_s < WAIT_MAX_S / 2 ? recovery->wait_s * 2 : WAIT_MAX_S;
        recovery->left_s = recovery->wait_s;
        return;
    }
    if (!recovery->written)
        return; /* failed while all was read */
    recovery->ill = false;
    bd_alarm_clear(recovery->control->alarms, BD_ALARM_SUBSCRIBERS);
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
    struct bd_recovery *recovery = arg;
    struct bd_roster *roster = recovery->control->roster;
    struct bd_error error;
    if (!recovery->ill || recovery->reading || --recovery->left_s > 0)
        return;
    recovery->left_s = 1;
    if (bd_subscribers_probe(bd_roster_database(roster), &error) < 0) {
        bd_recovery_note(recovery, &error);
        return;
    }
    recovery->reading = recovery->written = true;
    if (bd_roster_reload(roster, on_read, recovery, &error) < 0)
        on_read(recovery, &error);
}

struct bd_recovery *bd_recovery_new(struct bd_control *control, struct bd_error *error)
{
    struct bd_recovery *recovery = calloc(1, sizeof(*recovery));
    struct timeval second = {.tv_sec = 1};
    if (recovery) {
        recovery->control = control;
        recovery->timer = event_new(control->base, -1, EV_PERSIST, on_second, recovery);
    }
    if (!recovery || !recovery->timer || event_add(recovery->timer, &second) < 0) {
        bd_recovery_free(recovery);
        bd_fail(error, "out of memory");
        return NULL;
    }
    return recovery;
}

void bd_recovery_free(struct bd_recovery *recovery)
{
    if (!recovery)
        return;
    if (recovery->timer)
        event_free(recovery->timer);
    free(recovery);
}
